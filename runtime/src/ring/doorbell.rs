//! How the pump goes to sleep and how a submit wakes it.
//!
//! It is the classic pair: the pump stores `parked`, fences, and looks for work once more; a submit publishes, fences,
//! and looks at `parked`. Of the two looks at least one sees the other's store, so no job is left behind. A submit
//! costs one load while the kernel runs, for its half of the fence is paid by the pump (see `sync::asymmetric`); only to
//! a parked one it makes a system call.

use std::time::Instant;

use super::sync::{asymmetric, lock, AtomicU32, Condvar, Mutex, Ordering};

/// What the pump finds when it looks whether it can sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Some,
    None,
    /// None before this time.
    Later(Instant),
}

/// Between one pump and many submitters.
pub struct Doorbell {
    parked: AtomicU32,
    cheap: bool,
    rung: Mutex<bool>,
    wake: Condvar,
}

impl Doorbell {
    pub fn new() -> Self {
        Self {
            parked: AtomicU32::new(0),
            cheap: asymmetric::is_cheap(),
            rung: Mutex::new(false),
            wake: Condvar::new(),
        }
    }

    /// Whether the pump sleeps, or is about to.
    pub fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed) != 0
    }

    /// By a submitter, after its stamps are stored. The fence also orders the stamps before the caller's next looks,
    /// which the active list needs.
    #[inline]
    pub fn published(&self) -> bool {
        asymmetric::light(self.cheap);
        self.parked.load(Ordering::Relaxed) != 0
    }

    /// Wakes the pump.
    #[cold]
    pub fn ring(&self) {
        *lock(&self.rung) = true;
        self.wake.notify_one();
    }

    /// By the pump: sleeps until rung or until the time that `work` gives, unless it finds something after `parked` is
    /// stored. Gives whether it slept.
    pub fn park(&self, mut work: impl FnMut() -> Work) -> bool {
        self.parked.store(1, Ordering::Relaxed);
        asymmetric::heavy(self.cheap);
        let work = work();
        let slept = !matches!(work, Work::Some);
        if slept {
            let mut rung = lock(&self.rung);
            while !*rung {
                let Work::Later(until) = work else {
                    rung = self
                        .wake
                        .wait(rung)
                        .unwrap_or_else(|poisoned| poisoned.into_inner());
                    continue;
                };
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                rung = self
                    .wake
                    .wait_timeout(rung, left)
                    .unwrap_or_else(|poisoned| poisoned.into_inner())
                    .0;
            }
        }
        self.parked.store(0, Ordering::Relaxed);
        // A ring that came while we were not asleep is answered by the look for work that follows this call.
        *lock(&self.rung) = false;
        slept
    }
}

impl Default for Doorbell {
    fn default() -> Self {
        Self::new()
    }
}
