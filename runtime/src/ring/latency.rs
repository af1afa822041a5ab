//! Latencies, counted log-linearly: each power of two of nanoseconds has so many buckets of equal width, as in Gil Tene's
//! HdrHistogram. A latency is known to within an eighth.

/// Buckets of each power of two.
const PARTS: usize = 8;
const PART_BITS: u32 = PARTS.trailing_zeros();
/// Below 2 to the power of this is one bucket, and from 2 to the power of `LAST_BITS` on, about 69 seconds, another.
const FIRST_BITS: u32 = 6;
const LAST_BITS: u32 = 36;
/// Buckets of a histogram.
pub const FINE: usize = 2 + (LAST_BITS - FIRST_BITS) as usize * PARTS;

/// The coarse buckets' bounds are powers of four nanoseconds, from 2^10 to 2^36; the last bucket has none.
pub const COARSE: usize = 1 + (LAST_BITS as usize - COARSE_BITS as usize) / 2 + 1;
const COARSE_BITS: u32 = 10;

/// A coarse bucket's bound: what is in it is no longer than this. None for the last.
pub const fn coarse_bound(bucket: usize) -> Option<u64> {
    if bucket + 1 == COARSE {
        return None;
    }
    Some(1 << (COARSE_BITS as usize + 2 * bucket))
}

/// How long jobs took.
#[derive(Clone, Debug)]
pub struct Latency {
    pub fine: [u64; FINE],
    pub coarse: [u64; COARSE],
    pub sum_ns: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            fine: [0; FINE],
            coarse: [0; COARSE],
            sum_ns: 0,
        }
    }
}

fn fine_bucket(nanoseconds: u64) -> usize {
    // A bucket holds its upper bound, and not its lower one.
    let below = nanoseconds.saturating_sub(1);
    let octave = 63 - (below | 1).leading_zeros();
    if octave < FIRST_BITS {
        return 0;
    }
    if octave >= LAST_BITS {
        return FINE - 1;
    }
    let part = (below >> (octave - PART_BITS)) as usize & (PARTS - 1);
    1 + (octave - FIRST_BITS) as usize * PARTS + part
}

fn coarse_bucket(nanoseconds: u64) -> usize {
    let below = nanoseconds.saturating_sub(1);
    let bits = 64 - below.leading_zeros();
    (bits.saturating_sub(COARSE_BITS).div_ceil(2) as usize).min(COARSE - 1)
}

/// A fine bucket's bound: what is in it is no longer than this. `u64::MAX` for the last.
pub fn fine_bound(bucket: usize) -> u64 {
    match bucket {
        0 => 1 << FIRST_BITS,
        _ if bucket >= FINE - 1 => u64::MAX,
        _ => {
            let octave = FIRST_BITS + ((bucket - 1) / PARTS) as u32;
            let part = ((bucket - 1) % PARTS) as u64 + 1;
            (1 << octave) + (part << (octave - PART_BITS))
        }
    }
}

impl Latency {
    pub fn count(&mut self, nanoseconds: u64) {
        self.fine[fine_bucket(nanoseconds)] += 1;
        self.coarse[coarse_bucket(nanoseconds)] += 1;
        self.sum_ns = self.sum_ns.saturating_add(nanoseconds);
    }

    /// How long the quicker part of the jobs took at most: `part` of 0.5 is the median. None where there were none.
    pub fn quantile(&self, part: f64) -> Option<u64> {
        let all: u64 = self.fine.iter().sum();
        let wanted = ((all as f64 * part).ceil() as u64).clamp(1, all.max(1));
        let mut seen = 0;
        let reaches = |&count: &u64| {
            seen += count;
            seen >= wanted
        };
        self.fine.iter().position(reaches).map(fine_bound)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_in_the_first_bucket_whose_bound_is_not_below_it() {
        let mut some: Vec<u64> = (0..64)
            .flat_map(|bits| [1u64 << bits, (1 << bits) + 1, (3 << bits) / 2])
            .collect();
        some.extend([0, u64::MAX, 999, 1000, 123_456_789]);
        for latency in some {
            let fine = (0..FINE)
                .find(|&b| latency <= fine_bound(b))
                .expect("the last has all");
            assert_eq!(fine_bucket(latency), fine, "{latency}");
            let coarse =
                (0..COARSE).find(|&b| coarse_bound(b).is_none_or(|bound| latency <= bound));
            assert_eq!(Some(coarse_bucket(latency)), coarse, "{latency}");
        }
    }

    #[test]
    fn a_bucket_is_at_most_an_eighth_wider_than_it_begins() {
        for bucket in 1..FINE - 2 {
            let (begin, end) = (fine_bound(bucket), fine_bound(bucket + 1));
            assert!(end > begin && end - begin <= begin / 8, "{begin} to {end}");
        }
    }

    #[test]
    fn quantiles_are_within_a_bucket() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(0.5), None);
        (1..=1000).for_each(|n| latency.count(n * 1000));
        for (part, exact) in [
            (0.0, 1000),
            (0.5, 500_000),
            (0.99, 990_000),
            (1.0, 1_000_000),
        ] {
            let told = latency.quantile(part).unwrap();
            assert!(
                (exact..=exact + exact / 8).contains(&told),
                "{part}: {told}"
            );
        }
        assert_eq!(latency.coarse.iter().sum::<u64>(), 1000);
        assert_eq!(latency.sum_ns, 500_500_000);
    }
}
