//! Counts of nanoseconds in classes of at most a sixteenth of their value.

/// Classes of each power of two.
const PARTS: usize = 16;
const CLASSES: usize = (64 - PARTS.ilog2() as usize + 1) * PARTS;

#[derive(Clone)]
pub struct Histogram {
    classes: Vec<u64>,
    count: u64,
    min: u64,
    max: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self {
            classes: vec![0; CLASSES],
            count: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    pub fn add(&mut self, ns: u64) {
        self.classes[class(ns)] += 1;
        self.count += 1;
        self.min = self.min.min(ns);
        self.max = self.max.max(ns);
    }

    pub fn max(&self) -> Option<u64> {
        (self.count != 0).then_some(self.max)
    }

    /// What `percent` of all values are at most, to a thirty-second.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut below = 0;
        let class = self.classes.iter().position(|n| {
            below += n;
            below >= rank
        })?;
        Some(middle(class).clamp(self.min, self.max))
    }
}

fn class(ns: u64) -> usize {
    let octave = (ns / PARTS as u64).checked_ilog2().map_or(0, |o| o + 1);
    match octave {
        0 => ns as usize,
        octave => octave as usize * PARTS + (ns >> (octave - 1)) as usize - PARTS,
    }
}

fn middle(class: usize) -> u64 {
    match (class / PARTS) as u32 {
        0 => class as u64,
        octave => {
            let width = 1 << (octave - 1);
            (PARTS + class % PARTS) as u64 * width + width / 2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_class_near_it() {
        let mut values: Vec<u64> = (0..2000).collect();
        values.extend((11..64).flat_map(|o| [(1 << o) - 1, 1 << o, (1 << o) + (1 << (o - 1))]));
        values.push(u64::MAX);
        for ns in values {
            assert!(class(ns) < CLASSES, "{ns}");
            let off = middle(class(ns)).abs_diff(ns);
            assert!(
                off <= ns / 32 + 1,
                "{ns} is counted as {}",
                middle(class(ns))
            );
        }
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut all = Histogram::new();
        assert_eq!((all.percentile(50), all.max()), (None, None));
        all.add(1234);
        assert_eq!(all.percentile(50), Some(1234));
        for ns in 1..=100_000 {
            all.add(ns);
        }
        for percent in [1, 50, 90, 99] {
            let off = all.percentile(percent).unwrap().abs_diff(percent * 1000);
            assert!(off <= percent * 1000 / 16, "{percent} is off by {off}");
        }
        assert_eq!(
            (all.percentile(100), all.max()),
            (Some(100_000), Some(100_000))
        );
    }
}
