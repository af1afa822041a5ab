//! Version, and the names and texts of everything that has a number.
#![cfg(not(loom))]

use crate::boundary::export;
use crate::recorder::*;
use crate::recording::*;
use crate::replay::*;
use std::ffi::{c_char, CString};
use std::sync::LazyLock;

/// ---- Version -----------------------------------------------------------------------------------
///
/// The version of this header; rota_version tells the library's.
pub const ROTA_VERSION_MAJOR: u32 = 0;
/// See ROTA_VERSION_MAJOR.
pub const ROTA_VERSION_MINOR: u32 = 1;
/// See ROTA_VERSION_MAJOR.
pub const ROTA_VERSION_PATCH: u32 = 0;

/// ---- Times -------------------------------------------------------------------------------------
///
/// A wait without an end; an idle limit that is never reached.
pub const ROTA_FOREVER: u64 = u64::MAX;

/// More codes than there are of any kind; the engine has one answer for all from here on, and another
/// one from `HIGH` on.
const CODES: u32 = 64;
const HIGH: u32 = 0x10000;

/// What the engine says of each code, as C strings.
struct Texts {
    known: Vec<CString>,
    other: CString,
    high: CString,
}

impl Texts {
    fn new(text: impl Fn(u32) -> String) -> Self {
        let text = |code| CString::new(text(code)).unwrap_or_default();
        Self {
            known: (0..CODES).map(text).collect(),
            other: text(CODES),
            high: text(HIGH),
        }
    }

    /// The names of C's constants; the engine's have no prefix.
    fn names(prefix: &str, name: impl Fn(u32) -> &'static str) -> Self {
        Self::new(|code| match name(code) {
            "UNKNOWN" => "UNKNOWN".to_string(),
            name => format!("{prefix}{name}"),
        })
    }

    fn get(&self, code: u32) -> *const c_char {
        let beyond = if code < HIGH { &self.other } else { &self.high };
        self.known.get(code as usize).unwrap_or(beyond).as_ptr()
    }
}

/// ---- Version and names -------------------------------------------------------------------------
///
/// The library's version: major << 16 | minor << 8 | patch.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: none.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_version() -> u32 {
    export!(else 0 => {
        ROTA_VERSION_MAJOR << 16 | ROTA_VERSION_MINOR << 8 | ROTA_VERSION_PATCH
    })
}

/// The library's version as text, such as "0.1.0".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_version_text() -> *const c_char {
    static TEXT: LazyLock<CString> =
        LazyLock::new(|| CString::new(rota::VERSION).unwrap_or_default());
    export!(else c"".as_ptr() => { TEXT.as_ptr() })
}

/// The name of a rota_status, such as "ROTA_STATUS_WOULD_BLOCK".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no status.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_status_name(status: i32) -> *const c_char {
    static NAMES: LazyLock<Texts> = LazyLock::new(|| {
        Texts::names("ROTA_STATUS_", |code| {
            rota::Status::from_code(code as i32).map_or("UNKNOWN", rota::Status::name)
        })
    });
    export!(else c"".as_ptr() => { NAMES.get(status as u32) })
}

/// What a rota_status means, in one line of English.
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "unknown status" for a number that is no status.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_status_text(status: i32) -> *const c_char {
    static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
        Texts::new(|code| {
            let status = rota::Status::from_code(code as i32);
            status
                .map_or("unknown status", rota::Status::text)
                .to_string()
        })
    });
    export!(else c"".as_ptr() => { TEXTS.get(status as u32) })
}

/// The name of a completion's status, such as "ROTA_COMPLETION_FAULTED".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no completion status.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_completion_status_name(status: u32) -> *const c_char {
    static NAMES: LazyLock<Texts> =
        LazyLock::new(|| Texts::names("ROTA_COMPLETION_", rota::completion_status_name));
    export!(else c"".as_ptr() => { NAMES.get(status) })
}

/// The name of a fault, such as "ROTA_FAULT_OUT_OF_BOUNDS".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "ROTA_FAULT_HANDLER" from 0x10000 on, for the handlers' own codes, and
/// "UNKNOWN" for every other number that is no fault.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_fault_name(fault: u32) -> *const c_char {
    static NAMES: LazyLock<Texts> = LazyLock::new(|| Texts::names("ROTA_FAULT_", rota::fault_name));
    export!(else c"".as_ptr() => { NAMES.get(fault) })
}

/// What a fault means, in one line of English.
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; numbers that are no fault have a text that says so.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_fault_text(fault: u32) -> *const c_char {
    static TEXTS: LazyLock<Texts> =
        LazyLock::new(|| Texts::new(|code| rota::fault_text(code).to_string()));
    export!(else c"".as_ptr() => { TEXTS.get(fault) })
}

/// The name of a resource, such as "ROTA_RESOURCE_SLOTS".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no resource.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_resource_name(resource: u32) -> *const c_char {
    static NAMES: LazyLock<Texts> = LazyLock::new(|| {
        Texts::names("ROTA_RESOURCE_", |code| {
            rota::Resource::from_code(code).map_or("UNKNOWN", rota::Resource::name)
        })
    });
    export!(else c"".as_ptr() => { NAMES.get(resource) })
}

/// The name of a constant among these that has this value.
macro_rules! named {
    ($value:expr; $($name:ident),+ $(,)?) => {
        match $value {
            $($name => concat!(stringify!($name), "\0"),)+
            _ => "UNKNOWN\0",
        }
    };
}

/// The name of a kind of records, such as "ROTA_RECORD_JOB".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no kind.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_record_name(kind: u32) -> *const c_char {
    export!(else c"".as_ptr() => {
        let name = named!(kind; ROTA_RECORD_END, ROTA_RECORD_RUN_START, ROTA_RECORD_RUN_END, ROTA_RECORD_TENANT, ROTA_RECORD_MODULE, ROTA_RECORD_BUFFER, ROTA_RECORD_JOB, ROTA_RECORD_COMPLETION, ROTA_RECORD_EVIDENCE, ROTA_RECORD_GAP, ROTA_RECORD_CHECKPOINT, ROTA_RECORD_NOTE, ROTA_RECORD_VOID, ROTA_RECORD_MISSING, ROTA_RECORD_UNKNOWN);
        name.as_ptr().cast()
    })
}

/// The name of an event of a kind of records, such as "ROTA_EVENT_BUFFER_WRITTEN" for
/// ROTA_RECORD_BUFFER and 2.
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no event of that kind.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_event_name(kind: u32, event: u32) -> *const c_char {
    export!(else c"".as_ptr() => {
        let name = match kind {
            ROTA_RECORD_TENANT => named!(event; ROTA_EVENT_TENANT_CREATED, ROTA_EVENT_TENANT_CHANGED, ROTA_EVENT_TENANT_DRAINING, ROTA_EVENT_TENANT_REVOKED, ROTA_EVENT_TENANT_DESTROYED),
            ROTA_RECORD_MODULE => named!(event; ROTA_EVENT_MODULE_LOADED, ROTA_EVENT_MODULE_REPLACED, ROTA_EVENT_MODULE_UNLOADED, ROTA_EVENT_MODULE_GRANTED),
            ROTA_RECORD_BUFFER => named!(event; ROTA_EVENT_BUFFER_CREATED, ROTA_EVENT_BUFFER_WRITTEN, ROTA_EVENT_BUFFER_FILLED, ROTA_EVENT_BUFFER_GRANTED, ROTA_EVENT_BUFFER_TAKEN_BACK, ROTA_EVENT_BUFFER_DESTROYED, ROTA_EVENT_BUFFER_MAPPED, ROTA_EVENT_BUFFER_UNMAPPED, ROTA_EVENT_BUFFER_IMPORTED),
            ROTA_RECORD_EVIDENCE => named!(event; ROTA_EVIDENCE_DEVICE_LOSS, ROTA_EVIDENCE_TRANSIENT, ROTA_EVIDENCE_PROGRAM_BUG, ROTA_EVIDENCE_UNCLASSIFIED),
            ROTA_RECORD_GAP => named!(event; ROTA_EVENT_GAP_FULL, ROTA_EVENT_GAP_CRASH),
            ROTA_RECORD_VOID => named!(event; ROTA_EVENT_VOID_DROPPED, ROTA_EVENT_VOID_UNCOMMITTED, ROTA_EVENT_VOID_LOST),
            ROTA_RECORD_MISSING => named!(event; ROTA_EVENT_MISSING_HOLE, ROTA_EVENT_MISSING_TORN, ROTA_EVENT_MISSING_CORRUPT, ROTA_EVENT_MISSING_STALE, ROTA_EVENT_MISSING_OVERWRITTEN, ROTA_EVENT_MISSING_INCOMPLETE),
            _ => "UNKNOWN\0",
        };
        name.as_ptr().cast()
    })
}

/// The name of a replay's outcome, such as "ROTA_REPLAY_SAME".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no outcome.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_outcome_name(outcome: u32) -> *const c_char {
    export!(else c"".as_ptr() => {
        let name = named!(outcome; ROTA_REPLAY_SAME, ROTA_REPLAY_DIFFERENT, ROTA_REPLAY_NOT_COMPARABLE);
        name.as_ptr().cast()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::*;
    use crate::jobs::*;
    use crate::quotas::*;
    use std::ffi::CStr;

    fn text(pointer: *const c_char) -> &'static str {
        unsafe { CStr::from_ptr(pointer) }.to_str().unwrap()
    }

    #[test]
    fn the_version_is_the_packages() {
        let ours = format!("{ROTA_VERSION_MAJOR}.{ROTA_VERSION_MINOR}.{ROTA_VERSION_PATCH}");
        assert_eq!(ours, env!("CARGO_PKG_VERSION"));
        assert_eq!(text(rota_version_text()), ours);
        assert_eq!(rota_version(), 0x000100);
    }

    #[test]
    fn every_number_has_a_name_and_a_text() {
        for status in ROTA_STATUS_OK..=ROTA_STATUS_NOT_REPLAYABLE {
            assert_ne!(text(rota_status_name(status)), "UNKNOWN", "{status}");
            assert_ne!(text(rota_status_text(status)), "unknown status");
        }
        assert_eq!(text(rota_status_name(1)), "ROTA_STATUS_WOULD_BLOCK");
        for status in ROTA_COMPLETION_OK..=ROTA_COMPLETION_DEVICE_LOST {
            assert_ne!(text(rota_completion_status_name(status)), "UNKNOWN");
        }
        for resource in ROTA_RESOURCE_SLOTS..ROTA_RESOURCES as u32 {
            assert_ne!(text(rota_resource_name(resource)), "UNKNOWN");
        }
        for fault in ROTA_FAULT_NONE..=ROTA_FAULT_INVALID_DATA {
            assert_ne!(text(rota_fault_name(fault)), "UNKNOWN", "{fault}");
            assert_ne!(text(rota_fault_text(fault)), "");
        }
    }

    #[test]
    fn records_events_and_outcomes_have_names() {
        for kind in ROTA_RECORD_END..=ROTA_RECORD_NOTE {
            assert_ne!(text(rota_record_name(kind)), "UNKNOWN", "{kind}");
        }
        for (kind, name) in [
            (ROTA_RECORD_VOID, "ROTA_RECORD_VOID"),
            (ROTA_RECORD_MISSING, "ROTA_RECORD_MISSING"),
            (ROTA_RECORD_UNKNOWN, "ROTA_RECORD_UNKNOWN"),
            (ROTA_RECORD_NOTE + 1, "UNKNOWN"),
            (u32::MAX, "UNKNOWN"),
        ] {
            assert_eq!(text(rota_record_name(kind)), name);
        }
        for (kind, events) in [
            (ROTA_RECORD_TENANT, 5),
            (ROTA_RECORD_MODULE, 4),
            (ROTA_RECORD_BUFFER, 9),
            (ROTA_RECORD_EVIDENCE, 4),
            (ROTA_RECORD_GAP, 2),
            (ROTA_RECORD_VOID, 3),
            (ROTA_RECORD_MISSING, 6),
            (ROTA_RECORD_JOB, 0),
        ] {
            for event in 0..=events + 1 {
                let known = (1..=events).contains(&event);
                let name = text(rota_event_name(kind, event));
                assert_eq!(name != "UNKNOWN", known, "{kind} {event} {name}");
            }
        }
        let name = text(rota_event_name(ROTA_RECORD_BUFFER, 2));
        assert_eq!(name, "ROTA_EVENT_BUFFER_WRITTEN");
        assert_eq!(text(rota_outcome_name(1)), "ROTA_REPLAY_SAME");
        for outcome in [0, 4, u32::MAX] {
            assert_eq!(text(rota_outcome_name(outcome)), "UNKNOWN");
        }
    }

    #[test]
    fn numbers_that_mean_nothing_say_so() {
        for status in [-1, 34, 64, i32::MIN, i32::MAX] {
            assert_eq!(text(rota_status_name(status)), "UNKNOWN");
            assert_eq!(text(rota_status_text(status)), "unknown status");
        }
        for number in [0, 7, 64, u32::MAX] {
            assert_eq!(text(rota_completion_status_name(number)), "UNKNOWN");
        }
        for resource in [7, 64, ROTA_RESOURCE_NONE] {
            assert_eq!(text(rota_resource_name(resource)), "UNKNOWN");
        }
        for fault in [12, 64, 0xffff] {
            assert_eq!(text(rota_fault_name(fault)), "UNKNOWN");
            assert_eq!(text(rota_fault_text(fault)), "no such fault");
        }
        for fault in [ROTA_FAULT_HANDLER, u32::MAX] {
            assert_eq!(text(rota_fault_name(fault)), "ROTA_FAULT_HANDLER");
            assert_eq!(text(rota_fault_text(fault)), "the handler's own code");
        }
    }
}
