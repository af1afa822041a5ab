//! Latencies, counted log-linearly: each power of two of nanoseconds has so many buckets of equal width, as in Gil Tene's
//! HdrHistogram. A latency is known to within an eighth.

use std::sync::atomic::{AtomicU64, Ordering};

use super::sync::prefetch;

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
    pub sums: LatencySums,
}

/// How long jobs took from submit until their completions were taken, in coarse buckets.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySums {
    /// Jobs by how long they took: up to 2^10 ns, 2^12 ns and so on to 2^36 ns, and longer.
    pub buckets: [u64; COARSE],
    pub sum_ns: u64,
}

/// The coarse buckets as they are counted: by one thread at a time, while others read them.
#[derive(Default)]
pub struct Coarse {
    buckets: [AtomicU64; COARSE],
    sum_ns: AtomicU64,
}

/// The fine ones, and the way to count in both.
pub struct Fine([u64; FINE]);

impl Default for Fine {
    fn default() -> Self {
        Self([0; FINE])
    }
}

/// The buckets that a latency counts in, the fine one and the coarse one. A bucket holds its upper bound, and not its lower one.
#[inline]
fn buckets(nanoseconds: u64) -> (usize, usize) {
    // What is in the first bucket becomes its last, and what is in the last its first: then there is no case.
    let below = nanoseconds.saturating_sub(1);
    let below = below.clamp((1 << FIRST_BITS) - 1, 1 << LAST_BITS);
    let octave = below.ilog2();
    // Its leading bits are PARTS and which part of the octave it is.
    let leading = (below >> (octave - PART_BITS)) as usize;
    let last_of_first = (FIRST_BITS as usize - 1) * PARTS + 2 * PARTS - 1;
    let fine = octave as usize * PARTS + leading - last_of_first;
    let coarse = (octave.max(COARSE_BITS - 2) + 2 - COARSE_BITS) / 2;
    (fine, coarse as usize)
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

/// The bound of the fine bucket in which the quicker part of all that was counted ends: `part` of 0.5 is the median. `counts` are
/// buckets in their order with what each holds; None where that is nothing.
pub fn fine_quantile(counts: impl Iterator<Item = (usize, u64)> + Clone, part: f64) -> Option<u64> {
    let all: u64 = counts.clone().map(|(_, count)| count).sum();
    let wanted = ((all as f64 * part).ceil() as u64).clamp(1, all.max(1));
    let mut seen = 0;
    let mut counts = counts;
    let found = counts.find(|&(_, count)| {
        seen += count;
        seen >= wanted
    });
    found.map(|(bucket, _)| fine_bound(bucket))
}

impl Fine {
    /// Counts a latency. One thread at a time.
    #[inline]
    pub fn count(&mut self, coarse: &Coarse, nanoseconds: u64) {
        let (fine, bucket) = buckets(nanoseconds);
        self.0[fine] += 1;
        // Release: who sees it sees the job counted among those that were taken.
        let bucket = &coarse.buckets[bucket];
        bucket.store(bucket.load(Ordering::Relaxed) + 1, Ordering::Release);
        let sum_ns = coarse.sum_ns.load(Ordering::Relaxed);
        let sum_ns = sum_ns.saturating_add(nanoseconds);
        coarse.sum_ns.store(sum_ns, Ordering::Relaxed);
    }

    /// What was counted. Nobody counts meanwhile.
    pub fn read(&self, coarse: &Coarse) -> Latency {
        let mut sums = LatencySums::default();
        coarse.read(&mut sums, &mut LatencySums::default());
        Latency { fine: self.0, sums }
    }
}

impl Coarse {
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.buckets[0]);
        prefetch(&self.sum_ns);
    }

    /// Reads them, and adds them to `sums`.
    #[inline]
    pub fn read(&self, to: &mut LatencySums, sums: &mut LatencySums) {
        // Most are 0, and writing takes longer than looking.
        to.buckets = [0; COARSE];
        for (i, bucket) in self.buckets.iter().enumerate() {
            let n = bucket.load(Ordering::Relaxed);
            if n != 0 {
                to.buckets[i] = n;
                sums.buckets[i] += n;
            }
        }
        to.sum_ns = self.sum_ns.load(Ordering::Relaxed);
        sums.sum_ns = sums.sum_ns.saturating_add(to.sum_ns);
    }
}

impl LatencySums {
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub fn add(&mut self, other: &Self) {
        for (to, from) in self.buckets.iter_mut().zip(other.buckets) {
            *to += from;
        }
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }
}

impl Latency {
    /// How long the quicker part of the jobs took at most: `part` of 0.5 is the median. None where there were none.
    pub fn quantile(&self, part: f64) -> Option<u64> {
        fine_quantile(self.fine.iter().copied().enumerate(), part)
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
            let coarse =
                (0..COARSE).find(|&b| coarse_bound(b).is_none_or(|bound| latency <= bound));
            assert_eq!(buckets(latency), (fine, coarse.unwrap()), "{latency}");
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
        let (mut fine, coarse) = (Fine::default(), Coarse::default());
        assert_eq!(fine.read(&coarse).quantile(0.5), None);
        (1..=1000).for_each(|n| fine.count(&coarse, n * 1000));
        let latency = fine.read(&coarse);
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
        assert_eq!(latency.sums.count(), 1000);
        assert_eq!(latency.sums.sum_ns, 500_500_000);
    }
}
