//! Statuses, and the error objects that tell more than a status.
#![cfg(not(loom))]

use crate::boundary::export;
use crate::quotas::ROTA_RESOURCE_NONE;
use crate::registry::Registry;
use std::ffi::{c_char, CString};
use std::fmt::Write;
use std::ptr::null_mut;

/// ---- Types -------------------------------------------------------------------------------------
///
/// What every fallible call returns: one of ROTA_STATUS_*. The numbers never change.
pub type rota_status = i32;

/// ---- Status ------------------------------------------------------------------------------------
///
/// The call did what it says.
pub const ROTA_STATUS_OK: i32 = 0;
/// The ring is full. Poll some completions and try again; the count says what was accepted.
pub const ROTA_STATUS_WOULD_BLOCK: i32 = 1;
/// Nothing came within the time.
pub const ROTA_STATUS_TIMEOUT: i32 = 2;
/// An argument is wrong: an unknown enum value or flag, a size, a text that is not UTF-8.
pub const ROTA_STATUS_INVALID_ARGUMENT: i32 = 3;
/// A pointer is NULL that must not be.
pub const ROTA_STATUS_NULL_POINTER: i32 = 4;
/// A struct_size is 0, not a multiple of 8, or covers bytes that this version doesn't know and that
/// aren't zero.
pub const ROTA_STATUS_INVALID_STRUCT_SIZE: i32 = 5;
/// The handle is stale, closed, or of another type or tenant.
pub const ROTA_STATUS_INVALID_HANDLE: i32 = 6;
/// The ticket was never given out by this tenant, or its completion was taken.
pub const ROTA_STATUS_INVALID_TICKET: i32 = 7;
/// No handler has this opcode, or it lies outside the tenant's window.
pub const ROTA_STATUS_INVALID_OPCODE: i32 = 8;
/// A job's tiles are 0 or above the limit, or not 1 for a scalar handler.
pub const ROTA_STATUS_INVALID_TILES: i32 = 9;
/// An offset, length or index lies outside its object.
pub const ROTA_STATUS_OUT_OF_RANGE: i32 = 10;
/// The host has no memory left.
pub const ROTA_STATUS_OUT_OF_MEMORY: i32 = 11;
/// The device has no memory left.
pub const ROTA_STATUS_OUT_OF_DEVICE_MEMORY: i32 = 12;
/// The rings of all tenants together would not fit their memory.
pub const ROTA_STATUS_OUT_OF_RING_MEMORY: i32 = 13;
/// A quota of the tenant or of the runtime is used up; rota_error_resource and its kin say which.
pub const ROTA_STATUS_QUOTA_EXCEEDED: i32 = 14;
/// There is no Vulkan loader or driver; the message names what was looked for and what to install.
pub const ROTA_STATUS_NO_DRIVER: i32 = 15;
/// No device fits the one asked for.
pub const ROTA_STATUS_NO_DEVICE: i32 = 16;
/// The device lacks something that Rota needs; the message names it.
pub const ROTA_STATUS_DEVICE_UNSUPPORTED: i32 = 17;
/// The device was lost.
pub const ROTA_STATUS_DEVICE_LOST: i32 = 18;
/// A Vulkan call failed; see rota_error_vk_result.
pub const ROTA_STATUS_DRIVER_ERROR: i32 = 19;
/// The runtime was stopped.
pub const ROTA_STATUS_STOPPED: i32 = 20;
/// This device, driver or system can't do that.
pub const ROTA_STATUS_UNSUPPORTED: i32 = 21;
/// A file could not be read or written.
pub const ROTA_STATUS_IO_ERROR: i32 = 22;
/// The library panicked: a bug in it. The runtime can only be destroyed from here.
pub const ROTA_STATUS_PANIC: i32 = 23;
/// The object is in a state in which it can't do that.
pub const ROTA_STATUS_WRONG_STATE: i32 = 24;
/// The module's source was rejected; the message says where and why.
pub const ROTA_STATUS_INVALID_MODULE: i32 = 25;
/// The tenant has a handler of that opcode already.
pub const ROTA_STATUS_OPCODE_TAKEN: i32 = 26;
/// The kernel has no room for more handlers.
pub const ROTA_STATUS_KERNEL_FULL: i32 = 27;
/// Another runtime, here or in another program, records into this log.
pub const ROTA_STATUS_LOG_IN_USE: i32 = 28;
/// A folder, or another program's file: not a log of Rota's.
pub const ROTA_STATUS_NOT_A_LOG: i32 = 29;
/// The log, or data that it names, is empty, cut off or damaged; the message says which and where.
pub const ROTA_STATUS_LOG_DAMAGED: i32 = 30;
/// A later version wrote the log, with what this one doesn't know; the message names it.
pub const ROTA_STATUS_LOG_TOO_NEW: i32 = 31;
/// The log names data by its hash, and the data isn't kept beside it.
pub const ROTA_STATUS_DATA_MISSING: i32 = 32;
/// The log has no run from its beginning on, so nothing of it can be run again.
pub const ROTA_STATUS_NOT_REPLAYABLE: i32 = 33;

/// ---- Handles -----------------------------------------------------------------------------------
/// Opaque: the library looks them up and never follows them.
///
/// Why a call failed. It belongs to the caller, and to no thread.
pub struct rota_error {
    _id: [u8; 0],
}

/// Why an export fails: what its checks found, or what the engine says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Engine(#[from] rota::Error),
    #[error("`{0}` is NULL")]
    NullPointer(&'static str),
    #[error("`{0}` is not aligned for its type")]
    Misaligned(&'static str),
    #[error("`{name}` has {n} elements: more than an address space can hold")]
    TooLong { name: &'static str, n: usize },
    #[error("`{0}` has no elements: there is nothing to do")]
    Empty(&'static str),
    #[error("`{0}` is empty, and there is no default for it")]
    NoText(&'static str),
    #[error("`{0}` is not valid UTF-8 without zero bytes")]
    NotText(&'static str),
    #[error("`{name}` is {value}, which is none of {known}")]
    UnknownValue {
        name: &'static str,
        value: u32,
        known: &'static str,
    },
    #[error("`{name}` is {value:#x}: bits outside {known:#x} mean nothing to this version")]
    UnknownFlags {
        name: &'static str,
        value: u32,
        known: u32,
    },
    #[error("`{0}` is reserved and must be 0")]
    Reserved(&'static str),
    #[error(
        "{name}.struct_size is {size}; set it to sizeof({name}), as ROTA_..._INIT does \
         (this version's is {known})"
    )]
    StructSize {
        name: &'static str,
        size: usize,
        known: usize,
    },
    #[error(
        "{name}.struct_size is {size} and this version knows {known} bytes of it: the rest asks \
         for something newer, or was never set to 0"
    )]
    StructTail {
        name: &'static str,
        size: usize,
        known: usize,
    },
    #[error("the {0} handle is closed, stale, or not a {0}")]
    InvalidHandle(&'static str),
    #[error("`{name}` is {index}, and there are {len}")]
    OutOfRange {
        name: &'static str,
        index: usize,
        len: usize,
    },
    #[error("no memory, or no handle, is left for another {0}")]
    OutOfMemory(&'static str),
    #[error("{0}")]
    WrongState(&'static str),
    #[error("an earlier call on this runtime panicked; it can only be destroyed")]
    Poisoned,
    #[error("the library panicked, which is a bug in it: {0}")]
    Panic(String),
}

impl From<rota_recorder::Error> for Failure {
    fn from(error: rota_recorder::Error) -> Self {
        Failure::Engine(error.into())
    }
}

impl Failure {
    pub(crate) fn status(&self) -> rota_status {
        match self {
            Failure::Engine(error) => error.status() as i32,
            Failure::NullPointer(_) => ROTA_STATUS_NULL_POINTER,
            Failure::Misaligned(_)
            | Failure::TooLong { .. }
            | Failure::Empty(_)
            | Failure::NoText(_)
            | Failure::NotText(_)
            | Failure::UnknownValue { .. }
            | Failure::UnknownFlags { .. }
            | Failure::Reserved(_) => ROTA_STATUS_INVALID_ARGUMENT,
            Failure::StructSize { .. } | Failure::StructTail { .. } => {
                ROTA_STATUS_INVALID_STRUCT_SIZE
            }
            Failure::InvalidHandle(_) => ROTA_STATUS_INVALID_HANDLE,
            Failure::OutOfRange { .. } => ROTA_STATUS_OUT_OF_RANGE,
            Failure::OutOfMemory(_) => ROTA_STATUS_OUT_OF_MEMORY,
            Failure::WrongState(_) => ROTA_STATUS_WRONG_STATE,
            Failure::Poisoned | Failure::Panic(_) => ROTA_STATUS_PANIC,
        }
    }
}

struct ErrorObject {
    status: rota_status,
    vk_result: i32,
    retryable: bool,
    quota: Quota,
    message: CString,
}

/// What an error says of a quota.
#[derive(Clone, Copy)]
struct Quota {
    resource: u32,
    requested: u64,
    used: u64,
    cap: u64,
    of_runtime: bool,
}

impl Quota {
    const NONE: Self = Self {
        resource: ROTA_RESOURCE_NONE,
        requested: 0,
        used: 0,
        cap: 0,
        of_runtime: false,
    };

    fn of(failure: &Failure) -> Self {
        match *failure {
            Failure::Engine(rota::Error::QuotaExceeded {
                resource,
                requested,
                used,
                cap,
                of_runtime,
                ..
            }) => Self {
                resource: resource as u32,
                requested,
                used,
                cap,
                of_runtime,
            },
            Failure::Engine(rota::Error::QuotaBelowUse {
                resource,
                cap,
                used,
            }) => Self {
                resource: resource as u32,
                cap,
                used,
                ..Self::NONE
            },
            _ => Self::NONE,
        }
    }
}

fn quota_of(error: *const rota_error) -> Quota {
    ERRORS
        .with(error as u64, |object| object.quota)
        .unwrap_or(Quota::NONE)
}

static ERRORS: Registry<ErrorObject> = Registry::new(b'E');

/// # Safety
/// `error` is null or valid for writes.
#[inline]
pub(crate) unsafe fn clear_error(error: *mut *mut rota_error) {
    if !error.is_null() {
        // SAFETY: the caller's promise; unaligned, because nothing has checked it.
        unsafe { error.write_unaligned(null_mut()) };
    }
}

/// The failure's status; its error object goes to `error`, or NULL where there is none.
///
/// # Safety
/// `error` is null or valid for writes.
#[cold]
pub(crate) unsafe fn report(failure: Failure, error: *mut *mut rota_error) -> rota_status {
    // Second net: formatting runs code of the engine.
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let status = failure.status();
        let quick = matches!(status, ROTA_STATUS_WOULD_BLOCK | ROTA_STATUS_TIMEOUT);
        let handle = if error.is_null() || quick {
            None
        } else {
            new_error(&failure, status)
        };
        drop(failure);
        (status, handle.unwrap_or(0))
    }));
    let (status, handle) = made.unwrap_or((ROTA_STATUS_PANIC, 0));
    if !error.is_null() {
        // SAFETY: the caller's promise; unaligned, because nothing has checked it.
        unsafe { error.write_unaligned(handle as *mut rota_error) };
    }
    status
}

/// None without memory: the status then has to do.
fn new_error(failure: &Failure, status: rota_status) -> Option<u64> {
    let mut text = FallibleText(Vec::new());
    write!(text, "{failure}").ok()?;
    text.0.try_reserve_exact(1).ok()?;
    text.0.retain(|&byte| byte != 0);
    // One line: messages end up in logs. But carets only make sense below what they point at.
    if status != ROTA_STATUS_INVALID_MODULE {
        text.0.iter_mut().for_each(|byte| {
            if *byte == b'\n' {
                *byte = b' ';
            }
        });
    }
    let (vk_result, retryable) = match failure {
        Failure::Engine(error) => (error.vk_result(), error.retryable()),
        _ => (0, false),
    };
    ERRORS
        .insert(ErrorObject {
            status,
            vk_result,
            retryable,
            quota: Quota::of(failure),
            message: CString::new(text.0).ok()?,
        })
        .ok()
}

/// Text that grows without aborting when memory runs out.
struct FallibleText(Vec<u8>);

impl Write for FallibleText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0
            .try_reserve(text.len())
            .map_err(|_| std::fmt::Error)?;
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// ---- Errors ------------------------------------------------------------------------------------
///
/// The status of the call that failed.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: ROTA_STATUS_OK for NULL; ROTA_STATUS_INVALID_HANDLE for what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_status(error: *const rota_error) -> rota_status {
    export!(else ROTA_STATUS_PANIC => {
        if error.is_null() {
            return ROTA_STATUS_OK;
        }
        ERRORS
            .with(error as u64, |object| object.status)
            .unwrap_or(ROTA_STATUS_INVALID_HANDLE)
    })
}

/// What happened and what to do about it, in English, zero-terminated UTF-8: one line, or for
/// INVALID_MODULE what a compiler would print.
///
/// Ownership: the text belongs to the error and lives until rota_error_destroy.
/// Threading: any thread.
/// Errors: none; an empty text for NULL, and one that says so for what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_message(error: *const rota_error) -> *const c_char {
    export!(else c"".as_ptr() => {
        if error.is_null() {
            return c"".as_ptr();
        }
        ERRORS
            .with(error as u64, |object| object.message.as_ptr())
            .unwrap_or(c"the error handle is closed, stale, or not an error".as_ptr())
    })
}

/// The VkResult of the Vulkan call that failed; 0 if none did.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for NULL and for what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_vk_result(error: *const rota_error) -> i32 {
    export!(else 0 => {
        ERRORS
            .with(error as u64, |object| object.vk_result)
            .unwrap_or(0)
    })
}

/// 1 if the same call may succeed later without anything else being changed, else 0.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for NULL and for what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_retryable(error: *const rota_error) -> u32 {
    export!(else 0 => {
        ERRORS
            .with(error as u64, |object| object.retryable as u32)
            .unwrap_or(0)
    })
}

/// What the quota of a QUOTA_EXCEEDED limits: ROTA_RESOURCE_*; ROTA_RESOURCE_NONE for any other error,
/// for NULL, and for what is not an error object.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_resource(error: *const rota_error) -> u32 {
    export!(else ROTA_RESOURCE_NONE => { quota_of(error).resource })
}

/// How much of the resource the call asked for; 0 from rota_tenant_set_quota.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_requested(error: *const rota_error) -> u64 {
    export!(else 0 => { quota_of(error).requested })
}

/// How much of the resource was in use.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_used(error: *const rota_error) -> u64 {
    export!(else 0 => { quota_of(error).used })
}

/// How much of the resource the quota allows.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_cap(error: *const rota_error) -> u64 {
    export!(else 0 => { quota_of(error).cap })
}

/// 1 if the quota is the one of all tenants of the runtime together, 0 if it is the tenant's own.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_of_runtime(error: *const rota_error) -> u32 {
    export!(else 0 => { quota_of(error).of_runtime as u32 })
}

/// Frees an error object. NULL, and one that is destroyed already, do nothing.
///
/// Ownership: takes the error; its message goes with it.
/// Threading: any thread, also another than the one that got the error.
/// Errors: none.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_error_destroy(error: *mut rota_error) {
    export!(else () => {
        if let Ok(closing) = ERRORS.close(error as u64) {
            drop(closing.finish());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rota::Status;
    use std::ffi::CStr;

    #[test]
    fn the_numbers_are_the_engines() {
        for (ours, engines) in [
            (ROTA_STATUS_OK, Status::Ok),
            (ROTA_STATUS_WOULD_BLOCK, Status::WouldBlock),
            (ROTA_STATUS_TIMEOUT, Status::Timeout),
            (ROTA_STATUS_INVALID_ARGUMENT, Status::InvalidArgument),
            (ROTA_STATUS_NULL_POINTER, Status::NullPointer),
            (ROTA_STATUS_INVALID_STRUCT_SIZE, Status::InvalidStructSize),
            (ROTA_STATUS_INVALID_HANDLE, Status::InvalidHandle),
            (ROTA_STATUS_INVALID_TICKET, Status::InvalidTicket),
            (ROTA_STATUS_INVALID_OPCODE, Status::InvalidOpcode),
            (ROTA_STATUS_INVALID_TILES, Status::InvalidTiles),
            (ROTA_STATUS_OUT_OF_RANGE, Status::OutOfRange),
            (ROTA_STATUS_OUT_OF_MEMORY, Status::OutOfMemory),
            (ROTA_STATUS_OUT_OF_DEVICE_MEMORY, Status::OutOfDeviceMemory),
            (ROTA_STATUS_OUT_OF_RING_MEMORY, Status::OutOfRingMemory),
            (ROTA_STATUS_QUOTA_EXCEEDED, Status::QuotaExceeded),
            (ROTA_STATUS_NO_DRIVER, Status::NoDriver),
            (ROTA_STATUS_NO_DEVICE, Status::NoDevice),
            (ROTA_STATUS_DEVICE_UNSUPPORTED, Status::DeviceUnsupported),
            (ROTA_STATUS_DEVICE_LOST, Status::DeviceLost),
            (ROTA_STATUS_DRIVER_ERROR, Status::DriverError),
            (ROTA_STATUS_STOPPED, Status::Stopped),
            (ROTA_STATUS_UNSUPPORTED, Status::Unsupported),
            (ROTA_STATUS_IO_ERROR, Status::IoError),
            (ROTA_STATUS_PANIC, Status::Panic),
            (ROTA_STATUS_WRONG_STATE, Status::WrongState),
            (ROTA_STATUS_INVALID_MODULE, Status::InvalidModule),
            (ROTA_STATUS_OPCODE_TAKEN, Status::OpcodeTaken),
            (ROTA_STATUS_KERNEL_FULL, Status::KernelFull),
            (ROTA_STATUS_LOG_IN_USE, Status::LogInUse),
            (ROTA_STATUS_NOT_A_LOG, Status::NotALog),
            (ROTA_STATUS_LOG_DAMAGED, Status::LogDamaged),
            (ROTA_STATUS_LOG_TOO_NEW, Status::LogTooNew),
            (ROTA_STATUS_DATA_MISSING, Status::DataMissing),
            (ROTA_STATUS_NOT_REPLAYABLE, Status::NotReplayable),
        ] {
            assert_eq!(ours, engines as i32, "{engines:?}");
        }
    }

    #[test]
    fn an_error_object_tells_what_failed_until_it_is_destroyed() {
        let mut error = null_mut();
        unsafe {
            assert_eq!(
                report(Failure::NullPointer("jobs"), &mut error),
                ROTA_STATUS_NULL_POINTER
            );
            assert_eq!(rota_error_status(error), ROTA_STATUS_NULL_POINTER);
            assert_eq!(CStr::from_ptr(rota_error_message(error)), c"`jobs` is NULL");
            assert_eq!(rota_error_vk_result(error), 0);
            assert_eq!(rota_error_retryable(error), 0);
            assert_eq!(rota_error_resource(error), ROTA_RESOURCE_NONE);
            rota_error_destroy(error);
            rota_error_destroy(error);
            assert_eq!(rota_error_status(error), ROTA_STATUS_INVALID_HANDLE);
            assert!(!CStr::from_ptr(rota_error_message(error)).is_empty());
        }
    }

    #[test]
    fn an_error_tells_of_the_quota_that_it_is_about() {
        let exceeded = rota::Error::QuotaExceeded {
            resource: rota::Resource::BufferBytes,
            requested: 5,
            used: 7,
            cap: 11,
            of_runtime: true,
            retryable: true,
        };
        let below = rota::Error::QuotaBelowUse {
            resource: rota::Resource::Modules,
            used: 7,
            cap: 2,
        };
        for (failure, expected) in [(exceeded, [3, 5, 7, 11, 1, 1]), (below, [4, 0, 7, 2, 0, 0])] {
            let mut error = null_mut();
            unsafe {
                let status = report(failure.into(), &mut error);
                assert_eq!(status, ROTA_STATUS_QUOTA_EXCEEDED);
                let said = [
                    rota_error_resource(error) as u64,
                    rota_error_requested(error),
                    rota_error_used(error),
                    rota_error_cap(error),
                    rota_error_of_runtime(error) as u64,
                    rota_error_retryable(error) as u64,
                ];
                assert_eq!(said, expected);
                rota_error_destroy(error);
            }
        }
    }

    #[test]
    fn null_is_no_error() {
        unsafe {
            assert_eq!(rota_error_status(null_mut()), ROTA_STATUS_OK);
            assert_eq!(CStr::from_ptr(rota_error_message(null_mut())), c"");
            assert_eq!(rota_error_resource(null_mut()), ROTA_RESOURCE_NONE);
            assert_eq!(rota_error_cap(null_mut()), 0);
            rota_error_destroy(null_mut());
            let status = report(Failure::Poisoned, null_mut());
            assert_eq!(status, ROTA_STATUS_PANIC);
        }
    }
}
