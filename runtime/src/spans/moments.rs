//! When the device began and ended jobs, as far as the host can tell.
//!
//! The device has no clock that the host could read, but it counts the begins and ends of jobs: the epoch. Whoever reads that
//! count at a known time learns which of them happened before. From such readings each begin and end gets two bounds; jobs that
//! are sampled in large numbers bound one another closely, and the sidecar reads the count itself while the kernel runs.
//!
//! What is read may be older than what the device has: a little where the kernel is live, so much as its writes take; and as old as
//! the launch in BATCH mode. So what has happened by then is certain, and what has not is certain only where the kernel is live.

use std::collections::BTreeMap;

use super::Moment;

/// How many readings are kept of each kind. Without those that were dropped bounds are wider, and as true.
const KEPT: usize = 1 << 14;

/// Counting begins here and not at 0, so that what was before the first reading is no negative number.
const BASE: u64 = 1 << 32;

/// The 64-bit number nearest to the one known that ends in these 32 bits.
fn full(known: u64, low: u32) -> u64 {
    known.wrapping_add_signed(low.wrapping_sub(known as u32) as i32 as i64)
}

/// Readings of the count of begins and ends.
pub struct Readings {
    /// Whether what is read is what the device has.
    is_live: bool,
    /// The newest, in full.
    known: u64,
    /// The count was no more than this at that time: the latest such time by count.
    not_before: BTreeMap<u64, u64>,
    /// The count was this at that time: the earliest such time by count.
    by_then: BTreeMap<u64, u64>,
}

impl Readings {
    /// Where the count stands now.
    pub fn new(epoch: u32, is_live: bool) -> Self {
        Self {
            is_live,
            known: u64::from(epoch) + BASE,
            not_before: BTreeMap::new(),
            by_then: BTreeMap::new(),
        }
    }

    /// Where the count stands now: other readings are told apart from those a lap before by this.
    pub fn look(&mut self, epoch: u32) {
        self.known = self.known.max(full(self.known, epoch));
    }

    /// A job was taken whose epochs are these, and then the count was read. One that isn't beyond them is an old one: the device keeps
    /// it from the host for a while.
    pub fn taken(&mut self, epochs: Option<(u32, u32)>, read: u32) {
        if epochs.is_some_and(|(_, end)| read.wrapping_sub(end) as i32 <= 0) {
            self.is_live = false;
            self.not_before.clear();
        }
    }

    /// The count was read after this time.
    pub fn read_after(&mut self, time: u64, epoch: u32) {
        let epoch = full(self.known, epoch);
        if !self.is_live {
            return;
        }
        let latest = self.not_before.entry(epoch).or_insert(time);
        *latest = time.max(*latest);
        if self.not_before.len() > KEPT {
            self.not_before.pop_first();
        }
    }

    /// The count was read before this time.
    pub fn read_before(&mut self, epoch: u32, time: u64) {
        let epoch = full(self.known, epoch);
        let earliest = self.by_then.entry(epoch).or_insert(time);
        *earliest = time.min(*earliest);
        if self.by_then.len() > KEPT {
            self.by_then.pop_first();
        }
    }

    /// The epoch in full that ends in these bits.
    pub fn epoch(&self, low: u32) -> u64 {
        full(self.known, low) - BASE
    }

    /// When the begin or end happened that found the count at `epoch` and raised it.
    fn moment(&self, epoch: u32) -> (Option<u64>, Option<u64>) {
        let epoch = full(self.known, epoch);
        let earliest = self.not_before.range(..=epoch).next_back();
        let latest = self.by_then.range(epoch + 1..).next();
        (earliest.map(|(_, &t)| t), latest.map(|(_, &t)| t))
    }

    /// When a job began and ended, of which the host knows when it was submitted and taken.
    pub fn of_job(&self, (begin, end): (u32, u32), submitted: u64, taken: u64) -> (Moment, Moment) {
        let within = |(earliest, latest): (Option<u64>, Option<u64>)| Moment {
            earliest: earliest.unwrap_or(submitted).clamp(submitted, taken),
            latest: latest.unwrap_or(taken).clamp(submitted, taken),
        };
        let mut began = within(self.moment(begin));
        let mut ended = within(self.moment(end));
        // The clocks of two processors may be some nanoseconds apart; and no job ends before it begins.
        began.latest = began.latest.min(ended.latest).max(began.earliest);
        ended.earliest = ended.earliest.max(began.earliest);
        ended.latest = ended.latest.max(ended.earliest);
        (began, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_bound_what_happened_between_them() {
        for first in [0u32, 1000, u32::MAX - 3, u32::MAX] {
            let at = |n: u32| first.wrapping_add(n);
            let mut readings = Readings::new(first, true);
            // The count: 0 at 100, a job begins, 1 at 200, it ends, 2 at 300.
            for (n, time) in [(0, 100), (1, 200), (2, 300)] {
                readings.read_after(time, at(n));
                readings.read_before(at(n), time + 1);
            }
            let (began, ended) = readings.of_job((at(0), at(1)), 50, 400);
            let moment = |earliest, latest| Moment { earliest, latest };
            assert_eq!((began, ended), (moment(100, 201), moment(200, 301)));
            // What is known of the job itself bounds it too.
            let (began, ended) = readings.of_job((at(0), at(1)), 150, 250);
            assert_eq!((began, ended), (moment(150, 201), moment(200, 250)));
        }
    }

    #[test]
    fn what_is_read_late_bounds_from_above_only() {
        let mut readings = Readings::new(0, false);
        readings.read_after(100, 0);
        readings.read_before(2, 300);
        let (began, ended) = readings.of_job((0, 1), 50, 400);
        assert_eq!((began.earliest, ended.earliest), (50, 50));
        assert_eq!((began.latest, ended.latest), (300, 300));
    }

    #[test]
    fn a_count_that_comes_late_is_found_out() {
        let mut readings = Readings::new(0, true);
        readings.read_after(100, 0);
        readings.taken(Some((0, 1)), 2);
        assert_eq!(readings.of_job((0, 1), 50, 400).0.earliest, 100);
        readings.taken(None, 0);
        readings.taken(Some((2, 3)), 3);
        readings.read_after(200, 0);
        assert_eq!(readings.of_job((0, 1), 50, 400).0.earliest, 50);
    }

    #[test]
    fn without_readings_a_job_is_bounded_by_itself() {
        let readings = Readings::new(7, true);
        let both = Moment {
            earliest: 10,
            latest: 20,
        };
        assert_eq!(readings.of_job((7, 8), 10, 20), (both, both));
    }

    #[test]
    fn readings_are_bounded_and_bounds_stay_true() {
        let mut readings = Readings::new(0, true);
        for n in 0..100_000u32 {
            readings.read_after(u64::from(n) * 10, n);
            readings.read_before(n, u64::from(n) * 10 + 5);
        }
        assert!(readings.not_before.len() <= KEPT && readings.by_then.len() <= KEPT);
        // Long ago: the first reading that is left says no more than that it was before.
        let (began, ended) = readings.of_job((0, 1), 3, 999_999);
        assert_eq!(began.earliest, 3);
        assert!(began.latest >= 15 && ended.latest >= 25);
        let (began, _) = readings.of_job((99_000, 99_001), 3, 999_999);
        assert_eq!((began.earliest, began.latest), (990_000, 990_015));
    }
}
