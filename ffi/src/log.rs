//! What the engine reports as it goes, handed to C: to the callback, or where there was never one and `ROTA_LOG` asks
//! for it, to stderr.
#![cfg(not(loom))]

use crate::args;
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::fmt::Write;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock, RwLock};

/// ---- Log levels --------------------------------------------------------------------------------
///
/// Nothing.
pub const ROTA_LOG_OFF: u32 = 0;
/// What went wrong and was not told as the status of a call.
pub const ROTA_LOG_ERROR: u32 = 1;
/// What works, but not as it should.
pub const ROTA_LOG_WARN: u32 = 2;
/// What was chosen and found out when a runtime is opened.
pub const ROTA_LOG_INFO: u32 = 3;
/// What happens seldom: parking, waking, segments.
pub const ROTA_LOG_DEBUG: u32 = 4;
/// What happens often: leases.
pub const ROTA_LOG_TRACE: u32 = 5;

/// Gets one message: `text` is one line of `len` bytes, zero-terminated UTF-8, which lives until the function
/// returns. It may be called from any thread, from several at once, but never from inside
/// rota_submit. It must not call into Rota, throw, or jump out.
pub type rota_log_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, level: u32, text: *const c_char, len: usize)>;

struct Callback {
    function: unsafe extern "C" fn(*mut c_void, u32, *const c_char, usize),
    user: *mut c_void,
}

// SAFETY: the header tells the caller that the function is called from any thread.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

/// Messages go to stderr: no callback was ever set, and the environment asks for them.
static TO_STDERR: AtomicBool = AtomicBool::new(false);

/// Read-locked while the callback runs, so that replacing it waits for it.
static CALLBACK: RwLock<Option<Callback>> = RwLock::new(None);

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

struct ToCallback;

impl log::Log for ToCallback {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        // The libraries below log too, for their own authors.
        metadata.target().split("::").next() == Some("rota")
    }

    fn log(&self, record: &log::Record) {
        if !self.enabled(record.metadata()) || IN_CALLBACK.get() {
            return;
        }
        let mut text = String::new();
        let _ = write!(text, "{}", record.args());
        text.retain(|c| c != '\0');
        let mut text = text.trim_end().replace('\n', " ");
        let len = text.len();
        text.push('\0');
        let callback = CALLBACK.read().unwrap_or_else(|e| e.into_inner());
        if let Some(Callback { function, user }) = &*callback {
            IN_CALLBACK.set(true);
            // SAFETY: the caller's function, with the arguments that the header promises it.
            unsafe { function(*user, record.level() as u32, text.as_ptr().cast(), len) };
            IN_CALLBACK.set(false);
        } else if TO_STDERR.load(Ordering::Relaxed) {
            let level = record.level().as_str().to_ascii_lowercase();
            text.pop();
            // Nobody is left to hear of an error.
            let _ = writeln!(std::io::stderr(), "rota: {level}: {text}");
        }
    }

    fn flush(&self) {}
}

/// Whether our logger is the process's; a Rust program may have set another one.
fn is_ours() -> bool {
    static OURS: OnceLock<bool> = OnceLock::new();
    *OURS.get_or_init(|| log::set_logger(&ToCallback).is_ok())
}

/// Done by the first call of `rota_log_set`, or of `heed_environment`.
static FIRST: Once = Once::new();

/// Before the first thing that may have something to report: does what `ROTA_LOG` says, unless the program has said
/// already what it wants.
pub(crate) fn heed_environment() {
    FIRST.call_once(|| {
        let Some(wish) = std::env::var_os("ROTA_LOG").filter(|wish| !wish.is_empty()) else {
            return;
        };
        match wish.to_str().and_then(|wish| wish.parse().ok()) {
            Some(filter) if is_ours() => {
                TO_STDERR.store(true, Ordering::Relaxed);
                log::set_max_level(filter);
            }
            Some(_) => {}
            None => {
                let levels = "off, error, warn, info, debug, trace";
                let wish = wish.to_string_lossy();
                let _ = writeln!(
                    std::io::stderr(),
                    "rota: ROTA_LOG is {wish:?}, not one of {levels}"
                );
            }
        }
    });
}

/// ---- Log ---------------------------------------------------------------------------------------
///
/// Sets the function that gets log messages of the whole process up to `level`, one of ROTA_LOG_*;
/// fn NULL: none. After it has returned, the function set before is no longer called nor running.
/// Without any call of it, $ROTA_LOG (error, warn, info, debug, trace) sends messages to stderr.
///
/// Ownership: `user` stays the caller's and is handed to fn as it is.
/// Threading: any thread, but not from inside fn.
/// Errors: INVALID_ARGUMENT for an unknown level; WRONG_STATE from inside fn, and in a Rust program
/// that has its own logger.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_log_set(
    r#fn: rota_log_fn,
    user: *mut c_void,
    level: u32,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        let filter = match level {
            ROTA_LOG_OFF => log::LevelFilter::Off,
            ROTA_LOG_ERROR => log::LevelFilter::Error,
            ROTA_LOG_WARN => log::LevelFilter::Warn,
            ROTA_LOG_INFO => log::LevelFilter::Info,
            ROTA_LOG_DEBUG => log::LevelFilter::Debug,
            ROTA_LOG_TRACE => log::LevelFilter::Trace,
            value => return Err(args::unknown("level", value, "ROTA_LOG_OFF to ROTA_LOG_TRACE")),
        };
        if IN_CALLBACK.get() {
            return Err(Failure::WrongState("the log callback called rota_log_set"));
        }
        if !is_ours() {
            return Err(Failure::WrongState("the program has set another logger already"));
        }
        let callback = r#fn.map(|function| Callback { function, user });
        let filter = if callback.is_some() { filter } else { log::LevelFilter::Off };
        FIRST.call_once(|| ());
        TO_STDERR.store(false, Ordering::Relaxed);
        *CALLBACK.write().unwrap_or_else(|e| e.into_inner()) = callback;
        log::set_max_level(filter);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::*;
    use std::ptr::null_mut;
    use std::sync::Mutex;

    type Seen = Mutex<Vec<(u32, String)>>;

    unsafe extern "C" fn collect(user: *mut c_void, level: u32, text: *const c_char, len: usize) {
        let seen = unsafe { &*user.cast::<Seen>() };
        let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_str().unwrap();
        assert_eq!(text.len(), len);
        log::error!(target: "rota", "from inside the callback");
        let status = unsafe { rota_log_set(None, null_mut(), 0, null_mut()) };
        assert_eq!(status, ROTA_STATUS_WRONG_STATE);
        seen.lock().unwrap().push((level, text.to_string()));
    }

    // One test: the logger is the whole process's.
    #[test]
    fn messages_reach_the_callback_up_to_its_level() {
        let seen = Seen::default();
        let user = (&raw const seen).cast_mut().cast();
        unsafe {
            let status = rota_log_set(Some(collect), user, ROTA_LOG_WARN, null_mut());
            assert_eq!(status, ROTA_STATUS_OK);
            log::warn!(target: "rota::device", "a\0b\nc\n");
            log::info!(target: "rota::device", "too quiet");
            log::warn!(target: "naga", "not ours");
            let status = rota_log_set(Some(collect), user, 6, null_mut());
            assert_eq!(status, ROTA_STATUS_INVALID_ARGUMENT);
            let status = rota_log_set(None, null_mut(), ROTA_LOG_TRACE, null_mut());
            assert_eq!(status, ROTA_STATUS_OK);
            log::error!(target: "rota", "nobody listens");
        }
        let expect = vec![(ROTA_LOG_WARN, "ab c".to_string())];
        assert_eq!(seen.into_inner().unwrap(), expect);
    }
}
