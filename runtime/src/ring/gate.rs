//! A gate through which every submit goes, so that who closes it finds a moment at which nobody is submitting.
//!
//! Who goes in counts itself, fences, and looks whether the gate is closed; who closes it stores that, fences, and looks at the
//! count. Of the two looks at least one sees the other's store, so nobody is inside unseen. The closer pays for both fences
//! (`sync::asymmetric`).

use super::sync::{asymmetric, lock, AtomicBool, AtomicU64, Condvar, Mutex, Ordering, Padded};

pub struct Gate {
    inside: Padded<AtomicU64>,
    closed: AtomicBool,
    cheap: bool,
    /// Held while it is opened, so that nobody who waits misses that.
    opening: Mutex<()>,
    opened: Condvar,
}

/// Somebody inside.
pub struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release: what was done inside comes before what the closer does.
        self.0.inside.fetch_sub(1, Ordering::Release);
    }
}

impl Gate {
    pub fn new() -> Self {
        Self {
            inside: Padded(AtomicU64::new(0)),
            closed: AtomicBool::new(false),
            cheap: asymmetric::is_cheap(),
            opening: Mutex::new(()),
            opened: Condvar::new(),
        }
    }

    /// Goes in; waits while the gate is closed.
    #[inline]
    pub fn enter(&self) -> Pass<'_> {
        loop {
            self.inside.fetch_add(1, Ordering::Relaxed);
            let pass = Pass(self);
            asymmetric::light(self.cheap);
            // Acquire: what the closer did before it opened the gate is seen inside.
            if !self.closed.load(Ordering::Acquire) {
                return pass;
            }
            drop(pass);
            self.wait();
        }
    }

    #[cold]
    fn wait(&self) {
        let mut opening = lock(&self.opening);
        while self.closed.load(Ordering::Relaxed) {
            opening = self
                .opened
                .wait(opening)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// Lets nobody in until what it gives is dropped. One thread at a time closes it.
    pub fn close(&self) -> Closed<'_> {
        self.closed.store(true, Ordering::Relaxed);
        asymmetric::heavy(self.cheap);
        Closed(self)
    }
}

/// Nobody goes in.
pub struct Closed<'a>(&'a Gate);

impl Closed<'_> {
    /// Whether all have left who went in before it was closed.
    pub fn is_empty(&self) -> bool {
        self.0.inside.load(Ordering::Acquire) == 0
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        let opening = lock(&self.0.opening);
        self.0.closed.store(false, Ordering::Release);
        drop(opening);
        self.0.opened.notify_all();
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
