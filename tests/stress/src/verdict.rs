//! What went wrong, if anything: the first violations are kept word for word, all are counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

/// So many violations are told in full.
const TOLD: usize = 10;

/// Violations of one scenario.
#[derive(Default)]
pub struct Verdict {
    count: AtomicU64,
    told: Mutex<Vec<String>>,
}

impl Verdict {
    /// Notes a violation.
    pub fn broken(&self, what: impl FnOnce() -> String) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap();
        if told.len() < TOLD {
            let what = what();
            println!("    VIOLATION: {what}");
            told.push(what);
        }
    }

    pub fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken(what);
        }
    }

    pub fn violations(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
