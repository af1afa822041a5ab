//! The atomics and locks that the rings are made of: std's, or loom's when loom explores their interleavings.

#[cfg(not(loom))]
pub use std::sync::{
    atomic::{fence, AtomicBool, AtomicU32, AtomicU64, Ordering},
    Condvar, Mutex, MutexGuard,
};
#[cfg(not(loom))]
pub use std::thread::{current as current_thread, park, park_timeout, Thread};

#[cfg(loom)]
pub use loom::sync::{
    atomic::{fence, AtomicBool, AtomicU32, AtomicU64, Ordering},
    Condvar, Mutex, MutexGuard,
};
#[cfg(loom)]
pub use loom::thread::{current as current_thread, park, Thread};

/// loom knows no time: nothing that it explores has a deadline.
#[cfg(loom)]
pub fn park_timeout(_: std::time::Duration) {
    unreachable!("no deadline under loom");
}

/// Locks, also when another holder panicked: every critical section here leaves its data whole at each step.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Keeps what one thread writes off the cache lines that others write. Two lines, because processors fetch in pairs.
#[derive(Default)]
#[repr(align(128))]
pub struct Padded<T>(pub T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// Fetches what will be read soon.
#[inline]
pub fn prefetch<T>(what: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching changes nothing, and faults nowhere.
    unsafe {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        _mm_prefetch(what.cast(), _MM_HINT_T0);
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) what, options(nostack, preserves_flags, readonly));
    }
}

/// The two sides of a store-load fence of which one is passed at every job and the other seldom.
///
/// Each side stores, fences, and loads what the other stores; at least one of the loads sees the other's store. On
/// Linux the seldom side can do the work for both: `membarrier` makes every running thread of the process pass a full
/// fence, so the frequent side needs only to keep the compiler from reordering. Where the system doesn't offer that,
/// both are full fences. loom explores that form.
pub mod asymmetric {
    #[cfg(all(target_os = "linux", not(loom)))]
    mod os {
        use std::sync::LazyLock;

        /// Whether this process is registered for expedited barriers.
        static REGISTERED: LazyLock<bool> =
            LazyLock::new(|| call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));

        pub fn available() -> bool {
            *REGISTERED
        }

        pub fn all_threads() -> bool {
            call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
        }

        fn call(command: libc::c_int) -> bool {
            // SAFETY: the call takes numbers only and changes no memory.
            unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
        }
    }

    #[cfg(not(all(target_os = "linux", not(loom))))]
    mod os {
        pub fn available() -> bool {
            false
        }

        pub fn all_threads() -> bool {
            false
        }
    }

    /// The frequent side. `cheap` is what `is_cheap` gave when the two sides agreed on their way.
    #[inline]
    pub fn light(cheap: bool) {
        if cheap {
            std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
        } else {
            super::fence(super::Ordering::SeqCst);
        }
    }

    /// The seldom side.
    pub fn heavy(cheap: bool) {
        super::fence(super::Ordering::SeqCst);
        if cheap {
            // Registered processes get no error from it.
            let fenced = os::all_threads();
            debug_assert!(fenced);
        }
    }

    /// Whether the frequent side can be cheap; the same for as long as the process lives.
    pub fn is_cheap() -> bool {
        os::available()
    }
}
