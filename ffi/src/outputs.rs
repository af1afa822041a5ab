//! Outputs: many results read at once into memory that is kept from one use to the next.
#![cfg(not(loom))]

use crate::args::{self, same_layout, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::registry::Registry;
use crate::tenant::{rota_tenant, with_tenant};
use std::ffi::c_void;
use std::mem::{align_of, offset_of, size_of};
use std::sync::{Mutex, TryLockError};

/// Holds what rota_buffers_read_into has read, one entry per read.
pub struct rota_outputs {
    _id: [u8; 0],
}

/// A range of a buffer to read.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rota_read {
    /// Which buffer.
    pub buffer: u32,
    /// 0.
    pub reserved: u32,
    /// In bytes.
    pub offset: u64,
    /// In bytes; may be 0.
    pub len: u64,
}

same_layout!(rota_read, rota::Read, buffer, reserved, offset, len);

/// What the last rota_buffers_read_into did with the memory of the outputs. An entry is reused if
/// its allocation was large enough, moved if it got a larger one, appended if it was not there
/// before.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_outputs_stats {
    /// sizeof(rota_outputs_stats), which ROTA_OUTPUTS_STATS_INIT sets.
    pub struct_size: usize,
    /// Entries.
    pub slots_total: u64,
    /// Entries reused.
    pub slots_reused: u64,
    /// Entries moved.
    pub slots_moved: u64,
    /// Entries appended.
    pub slots_appended: u64,
    /// Bytes read.
    pub bytes_incoming: u64,
    /// Of these, bytes that went into reused entries.
    pub bytes_copied: u64,
    /// Of these, bytes that went into moved entries.
    pub bytes_moved: u64,
    /// Of these, bytes that went into appended entries.
    pub bytes_appended: u64,
    /// Bytes allocated for all entries, used or not.
    pub bytes_retained: u64,
}

// SAFETY: integers of 8 bytes only.
unsafe impl Sized8 for rota_outputs_stats {
    const NAME: &'static str = "rota_outputs_stats";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        slots_total: 0,
        slots_reused: 0,
        slots_moved: 0,
        slots_appended: 0,
        bytes_incoming: 0,
        bytes_copied: 0,
        bytes_moved: 0,
        bytes_appended: 0,
        bytes_retained: 0,
    };
}

impl From<rota::OutputStats> for rota_outputs_stats {
    fn from(stats: rota::OutputStats) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            slots_total: stats.slots_total,
            slots_reused: stats.slots_reused,
            slots_moved: stats.slots_moved,
            slots_appended: stats.slots_appended,
            bytes_incoming: stats.bytes_incoming,
            bytes_copied: stats.bytes_copied,
            bytes_moved: stats.bytes_moved,
            bytes_appended: stats.bytes_appended,
            bytes_retained: stats.bytes_retained,
        }
    }
}

static OUTPUTS: Registry<Mutex<rota::Outputs>> = Registry::new(b'O');

/// One thread at a time is the caller's duty; the lock only makes a breach a status.
fn with_outputs<R>(
    outputs: *mut rota_outputs,
    call: impl FnOnce(&mut rota::Outputs) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let id = args::handle("outputs", outputs)?;
    OUTPUTS
        .with(id, |outputs| match outputs.try_lock() {
            Ok(mut outputs) => call(&mut outputs),
            Err(TryLockError::WouldBlock) => Err(Failure::WrongState(
                "the outputs are in use by another thread",
            )),
            Err(TryLockError::Poisoned(_)) => Err(Failure::Poisoned),
        })
        .unwrap_or(Err(Failure::InvalidHandle("outputs")))
}

/// ---- Outputs -----------------------------------------------------------------------------------
///
/// Creates outputs, which hold nothing yet. They belong to no runtime.
///
/// Ownership: *outputs is the caller's, to be freed by rota_outputs_destroy.
/// Threading: any thread.
/// Errors: NULL_POINTER, OUT_OF_MEMORY.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_outputs_create(
    outputs: *mut *mut rota_outputs,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid.
        let out = unsafe { args::out("outputs", outputs) }?;
        let id = OUTPUTS.insert(Mutex::new(rota::Outputs::new()));
        let id = id.map_err(|_| Failure::OutOfMemory("outputs"))?;
        out.write(id as *mut rota_outputs);
        Ok(())
    })
}

/// Frees outputs. NULL does nothing.
///
/// Ownership: takes the outputs and all data that rota_outputs_get gave.
/// Threading: any thread; waits for a call that another thread is in.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_outputs_destroy(
    outputs: *mut rota_outputs,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        if outputs.is_null() {
            return Ok(());
        }
        let closing = OUTPUTS.close(outputs as u64);
        let closing = closing.map_err(|_| Failure::InvalidHandle("outputs"))?;
        drop(closing.finish());
        Ok(())
    })
}

/// Reads n ranges at once into the outputs, entry i holding reads[i]. It sees what rota_buffer_read
/// sees. Allocations are kept: from the second use with the same sizes on, nothing is allocated.
///
/// Ownership: copies into the outputs; pointers from rota_outputs_get are invalid from here on, also
/// if it fails.
/// Threading: any thread, but one at a time for one outputs object.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE (tenant, outputs or a buffer),
/// INVALID_ARGUMENT (n 0, reserved), WRONG_STATE (another thread is at it), QUOTA_EXCEEDED (bytes being
/// copied), OUT_OF_MEMORY, DEVICE_LOST.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffers_read_into(
    tenant: *mut rota_tenant,
    reads: *const rota_read,
    n: usize,
    outputs: *mut rota_outputs,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid; the same layout, as asserted above.
            let reads = unsafe { args::some("reads", reads.cast::<rota::Read>(), n) }?;
            with_outputs(outputs, |outputs| Ok(tenant.read_into(reads, outputs)?))
        })
    })
}

/// Gives entry i of the outputs.
///
/// Ownership: the data belongs to the outputs, and is valid until the next rota_buffers_read_into or
/// rota_outputs_destroy.
/// Threading: one thread at a time for one outputs object.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_outputs_get(
    outputs: *mut rota_outputs,
    i: usize,
    data: *mut *const c_void,
    len: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_outputs(outputs, |outputs| {
            // SAFETY: the conventions: NULL or valid.
            let (data, len) = unsafe { (args::out("data", data)?, args::out("len", len)?) };
            let entry = outputs.get(i).ok_or(Failure::OutOfRange {
                name: "i",
                index: i,
                len: outputs.len(),
            })?;
            data.write(entry.as_ptr().cast());
            len.write(entry.len());
            Ok(())
        })
    })
}

/// Tells what the last rota_buffers_read_into reused, moved and appended.
///
/// Ownership: a copy.
/// Threading: one thread at a time for one outputs object.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_outputs_get_stats(
    outputs: *mut rota_outputs,
    stats: *mut rota_outputs_stats,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_outputs(outputs, |outputs| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(stats) }?;
            wanted.fill(&outputs.stats().into());
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::*;
    use std::ptr::{null, null_mut};

    #[test]
    fn outputs_come_go_and_are_told_from_other_handles() {
        unsafe {
            let mut outputs = null_mut();
            let status = rota_outputs_create(&mut outputs, null_mut());
            assert_eq!(status, ROTA_STATUS_OK);
            let (mut data, mut len) = (null(), 7);
            let status = rota_outputs_get(outputs, 0, &mut data, &mut len, null_mut());
            assert_eq!((status, len), (ROTA_STATUS_OUT_OF_RANGE, 7));
            let mut stats = rota_outputs_stats::DEFAULT;
            let status = rota_outputs_get_stats(outputs, &mut stats, null_mut());
            assert_eq!((status, stats.slots_total), (ROTA_STATUS_OK, 0));
            let status =
                rota_outputs_get_stats(outputs.cast::<rota_outputs>(), null_mut(), null_mut());
            assert_eq!(status, ROTA_STATUS_NULL_POINTER);

            let as_tenant = outputs.cast::<rota_tenant>();
            let status = crate::rota_tenant_destroy(as_tenant, null_mut());
            assert_eq!(status, ROTA_STATUS_INVALID_HANDLE);
            assert_eq!(rota_outputs_destroy(outputs, null_mut()), ROTA_STATUS_OK);
            let status = rota_outputs_destroy(outputs, null_mut());
            assert_eq!(status, ROTA_STATUS_INVALID_HANDLE);
            let status = rota_outputs_destroy(null_mut(), null_mut());
            assert_eq!(status, ROTA_STATUS_OK);
            assert_eq!(
                rota_outputs_create(null_mut(), null_mut()),
                ROTA_STATUS_NULL_POINTER
            );
        }
    }
}
