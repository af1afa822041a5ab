//! What every export goes through: no panic leaves the library, and what failed is reported.
#![cfg(not(loom))]

use crate::error::{clear_error, report, rota_error, rota_status, Failure, ROTA_STATUS_OK};
use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

/// The body of an export.
///
/// `export!(error => { ... })` runs a body that gives `Result<(), Failure>` and makes of it a status
/// and, where the caller wants one, an error object. `export!(else value => { ... })` is for the
/// exports that can't fail, and gives `value` should the body panic.
macro_rules! export {
    (else $value:expr => $body:block) => {
        $crate::boundary::infallible($value, move || $body)
    };
    ($error:expr => $body:block) => {{
        let body = move || -> Result<(), $crate::error::Failure> { $body };
        // SAFETY: the conventions: `error` is NULL or valid for writes.
        unsafe { $crate::boundary::fallible($error, body) }
    }};
}
pub(crate) use export;

/// # Safety
/// `error` is null or valid for writes.
#[inline]
pub(crate) unsafe fn fallible(
    error: *mut *mut rota_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> rota_status {
    // Unwind safety: what a panic may have left half done belongs to a runtime that is poisoned by
    // it (see `Poison`), or to this call alone.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    match outcome {
        Ok(Ok(())) => {
            // SAFETY: passed on.
            unsafe { clear_error(error) };
            ROTA_STATUS_OK
        }
        // SAFETY: passed on.
        Ok(Err(failure)) => unsafe { report(failure, error) },
        // SAFETY: passed on.
        Err(payload) => unsafe { report(Failure::Panic(message_of(payload)), error) },
    }
}

#[inline]
pub(crate) fn infallible<R>(value: R, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        message_of(payload);
        value
    })
}

#[cold]
fn message_of(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => text.to_string(),
            Err(payload) => {
                // Dropping a payload of unknown type runs unknown code, which could panic again.
                std::mem::forget(payload);
                "no message".to_string()
            }
        },
    }
}

/// Set by a panic in a call on a runtime or one of its tenants; never cleared.
#[derive(Default)]
pub(crate) struct Poison(AtomicBool);

impl Poison {
    /// Runs a call on the runtime, unless an earlier one panicked.
    #[inline]
    pub(crate) fn guard<R>(&self, call: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
        // Relaxed: a call that runs beside the one that panics may come before it or after it.
        if self.0.load(Ordering::Relaxed) {
            return Err(Failure::Poisoned);
        }
        self.mark(call)
    }

    /// Runs what has to run in any case: closing.
    #[inline]
    pub(crate) fn mark<R>(&self, call: impl FnOnce() -> R) -> R {
        let alarm = Alarm(self);
        let result = call();
        std::mem::forget(alarm);
        result
    }
}

/// Dropped only by unwinding.
struct Alarm<'a>(&'a Poison);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0 .0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::*;
    use std::ffi::CStr;
    use std::ptr::null_mut;

    /// As `panic!`, without the hook and its output.
    fn panics(text: &'static str) -> ! {
        std::panic::resume_unwind(Box::new(text))
    }

    #[test]
    fn a_panic_becomes_a_status_and_an_error_with_its_message() {
        let mut error = null_mut();
        let out = &raw mut error;
        let status = export!(out => { panics("deep inside") });
        assert_eq!(status, ROTA_STATUS_PANIC);
        unsafe {
            assert_eq!(rota_error_status(error), ROTA_STATUS_PANIC);
            let message = CStr::from_ptr(rota_error_message(error)).to_str().unwrap();
            assert!(message.contains("deep inside"), "{message}");
            rota_error_destroy(error);
        }
        let status = export!(null_mut() => { std::panic::resume_unwind(Box::new(17)) });
        assert_eq!(status, ROTA_STATUS_PANIC);
    }

    #[test]
    fn a_panic_where_nothing_can_fail_gives_the_default() {
        assert_eq!(export!(else 5 => { panics("here") }), 5);
        assert_eq!(export!(else 5 => { 6 }), 6);
    }

    #[test]
    fn a_panic_poisons_its_runtime_and_no_other() {
        let (one, other) = (Poison::default(), Poison::default());
        let call = |poison: &Poison, body: &dyn Fn()| {
            let result = catch_unwind(AssertUnwindSafe(|| {
                poison.guard(|| {
                    body();
                    Ok(())
                })
            }));
            result.map_or(ROTA_STATUS_PANIC, |r| r.map_or_else(|f| f.status(), |()| 0))
        };
        assert_eq!(call(&one, &|| ()), ROTA_STATUS_OK);
        assert_eq!(call(&one, &|| panics("first")), ROTA_STATUS_PANIC);
        assert_eq!(call(&one, &|| unreachable!()), ROTA_STATUS_PANIC);
        assert_eq!(call(&other, &|| ()), ROTA_STATUS_OK);
        assert_eq!(one.mark(|| 3), 3, "closing goes on");
    }

    #[test]
    fn the_error_pointer_is_written_by_every_call() {
        let mut error = std::ptr::dangling_mut::<rota_error>();
        let out = &raw mut error;
        assert_eq!(export!(out => { Ok(()) }), ROTA_STATUS_OK);
        assert!(error.is_null());
        for (engine, status) in [
            (rota::Error::WouldBlock, ROTA_STATUS_WOULD_BLOCK),
            (rota::Error::Timeout, ROTA_STATUS_TIMEOUT),
        ] {
            error = std::ptr::dangling_mut();
            let out = &raw mut error;
            assert_eq!(export!(out => { Err(engine.into()) }), status);
            assert!(error.is_null(), "no error object on the hot path");
        }
    }
}
