//! What the stage is made of: std's atomics and cells, or loom's when loom explores their interleavings.

#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU64, Ordering};

/// Keeps what one thread writes off the cache lines that others write. Two lines, because processors fetch in pairs.
#[derive(Default)]
#[repr(C, align(128))]
pub struct Padded<T>(pub T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Memory that threads share without atomics, because some atomic beside it says whose it is.
#[repr(transparent)]
pub struct Plain<T>(
    #[cfg(not(loom))] std::cell::UnsafeCell<T>,
    #[cfg(loom)] loom::cell::UnsafeCell<T>,
);

// SAFETY: it is reached only through the functions below, whose callers see to it that nobody else is there.
unsafe impl<T: Send> Sync for Plain<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Plain<T> {}

#[cfg(loom)]
impl<T> Plain<T> {
    pub fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }
}

impl<T: Copy> Plain<T> {
    /// # Safety
    /// Nobody else reads or writes it now.
    #[inline]
    pub unsafe fn write(&self, value: T) {
        #[cfg(not(loom))]
        // SAFETY: the caller's.
        unsafe {
            *self.0.get() = value
        }
        #[cfg(loom)]
        // SAFETY: the caller's, and loom checks it.
        self.0.with_mut(|at| unsafe { *at = value })
    }

    /// # Safety
    /// Nobody else writes it now.
    #[inline]
    #[cfg_attr(not(loom), allow(dead_code))]
    pub unsafe fn read(&self) -> T {
        #[cfg(not(loom))]
        // SAFETY: the caller's.
        unsafe {
            *self.0.get()
        }
        #[cfg(loom)]
        // SAFETY: the caller's, and loom checks it.
        self.0.with(|at| unsafe { *at })
    }
}
