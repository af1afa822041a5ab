//! What is counted of a tenant beside its jobs' outcomes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A snapshot reads it of every tenant, and all that it always needs lies in one cache line, near the ring's other counts.
#[repr(C, align(128))]
#[derive(Default)]
pub struct Counts {
    pub fuel: Fuel,
    pub tiles: AtomicU64,
    /// Batches with a job that waits for those before it, and such jobs.
    pub batches_split: AtomicU64,
    pub barrier_points: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    /// The other two count only where this isn't 0.
    pub quiesces: AtomicU64,
    /// Whether the tenant's account is worth a look: until it is, nothing is limited, refused or in use but slots for jobs.
    touched: AtomicBool,
    pub quiesce_timeouts: AtomicU64,
    pub quiesce_ns: AtomicU64,
}

/// Loop iterations of a tenant's jobs, in full: the device counts with 32 bits. As of the last look at its count, and with `LAST`
/// for good.
#[derive(Default)]
pub struct Fuel(AtomicU64);

/// From now on the device's words may be another tenant's.
const LAST: u64 = 1 << 63;

impl Fuel {
    /// Brings it up to the device's count, which `now` reads.
    #[inline]
    pub fn follow(&self, now: impl FnOnce() -> u32) -> u64 {
        // Acquire: the device's count is no older than what was known of it.
        let known = self.0.load(Ordering::Acquire);
        if known & LAST != 0 {
            return known & !LAST;
        }
        let full = known + u64::from(now().wrapping_sub(known as u32));
        if full == known {
            return known;
        }
        // The highest stays: others may have followed further. If that was for the last time, the count that was read may be
        // another tenant's.
        match self.0.fetch_max(full, Ordering::AcqRel) {
            before if before & LAST != 0 => before & !LAST,
            before => before.max(full),
        }
    }

    /// The same for the last time.
    pub fn stop(&self, now: impl FnOnce() -> u32) {
        self.follow(now);
        self.0.fetch_or(LAST, Ordering::AcqRel);
    }
}

impl Counts {
    #[inline]
    pub fn is_touched(&self) -> bool {
        self.touched.load(Ordering::Acquire)
    }

    /// From now on the account of the tenant is worth a look.
    #[inline]
    pub fn touch(&self) {
        if !self.touched.load(Ordering::Relaxed) {
            self.touched.store(true, Ordering::Release);
        }
    }
}
