//! A number of things of which no more than a cap are ever out.

use super::sync::{AtomicU64, Ordering};

/// What is left of a cap, in one word, so that takers need no lock and none of them can overshoot.
pub struct Pool {
    free: AtomicU64,
    /// Changed by one thread at a time.
    cap: AtomicU64,
}

impl Pool {
    pub fn new(cap: u64) -> Self {
        Self {
            free: AtomicU64::new(cap),
            cap: AtomicU64::new(cap),
        }
    }

    pub fn cap(&self) -> u64 {
        self.cap.load(Ordering::Acquire)
    }

    /// How much is left.
    pub fn free(&self) -> u64 {
        self.free.load(Ordering::Acquire)
    }

    /// How much is out. Beside a change of the cap it may be off by that change.
    pub fn used(&self) -> u64 {
        self.cap().saturating_sub(self.free())
    }

    /// Takes all of it or nothing.
    pub fn take(&self, n: u64) -> bool {
        self.free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| {
                free.checked_sub(n)
            })
            .is_ok()
    }

    /// Takes up to `n`; gives how much.
    pub fn take_up_to(&self, n: u64) -> u64 {
        let taken = self
            .free
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| {
                (free != 0).then(|| free.saturating_sub(n))
            });
        taken.map_or(0, |free| free.min(n))
    }

    pub fn give_back(&self, n: u64) {
        let before = self.free.fetch_add(n, Ordering::AcqRel);
        debug_assert!(before <= u64::MAX - n);
    }

    /// Changes the cap, unless more than that is out. One thread at a time.
    pub fn set_cap(&self, cap: u64) -> bool {
        let before = self.cap();
        if cap >= before {
            self.cap.store(cap, Ordering::Release);
            self.give_back(cap - before);
            return true;
        }
        let lowered = self.take(before - cap);
        if lowered {
            self.cap.store(cap, Ordering::Release);
        }
        lowered
    }
}
