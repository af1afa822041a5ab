//! Buffers.
#![cfg(not(loom))]

use crate::args;
use crate::boundary::export;
use crate::error::{rota_error, rota_status};
use crate::tenant::{rota_tenant, with_tenant};
use std::ffi::c_void;

/// Names a buffer of a tenant; never 0. Jobs carry it as one argument.
pub type rota_buffer = u32;

/// ---- Flags of a buffer -------------------------------------------------------------------------
///
/// Jobs may only read it; the host may write it all the same.
pub const ROTA_BUFFER_READ_ONLY: u32 = 1;

fn read_only(flags: u32) -> Result<bool, crate::error::Failure> {
    Ok(args::flags("flags", flags, ROTA_BUFFER_READ_ONLY)? != 0)
}

/// ---- Buffers -----------------------------------------------------------------------------------
///
/// Creates a buffer of so many bytes, all of them 0. flags: ROTA_BUFFER_*.
///
/// Ownership: the tenant owns it; rota_buffer_destroy frees it, or the tenant's end.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (bytes 0, flags), QUOTA_EXCEEDED,
/// OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY, STOPPED, DEVICE_LOST; WRONG_STATE after a revoke.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_create(
    tenant: *mut rota_tenant,
    bytes: u64,
    flags: u32,
    buffer: *mut rota_buffer,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("buffer", buffer) }?;
            out.write(tenant.buffer_create(bytes, read_only(flags)?)?);
            Ok(())
        })
    })
}

/// Frees a buffer. Its name is stale at once; its memory is used again when the jobs submitted
/// before have completed. Doesn't wait for them.
///
/// Ownership: takes the buffer.
/// Threading: any thread.
/// Errors: WRONG_STATE while it is mapped, NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_destroy(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.buffer_destroy(buffer)?))
    })
}

/// The size of a buffer, as it was asked for.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_size(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    bytes: *mut u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("bytes", bytes) }?;
            out.write(tenant.buffer_size(buffer)?);
            Ok(())
        })
    })
}

/// Writes `len` bytes at `offset`. All jobs submitted after it has returned see them. Jobs that are
/// open may see any of them, old or new.
///
/// Ownership: the data is copied.
/// Threading: any thread; ranges that overlap are the callers' to order.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's),
/// INVALID_ARGUMENT (len), QUOTA_EXCEEDED (bytes being copied), DEVICE_LOST.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_write(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    offset: u64,
    data: *const c_void,
    len: usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let data = unsafe { args::slice("data", data.cast::<u8>(), len) }?;
            Ok(tenant.buffer_write(buffer, offset, data)?)
        })
    })
}

/// Reads `len` bytes at `offset`. It sees what all jobs wrote whose completions have been taken.
///
/// Ownership: copies to the caller's memory.
/// Threading: any thread.
/// Errors: as rota_buffer_write; the data is written on success only.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_read(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    offset: u64,
    data: *mut c_void,
    len: usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let data = unsafe { args::slice_mut("data", data.cast::<u8>(), len) }?;
            Ok(tenant.buffer_read(buffer, offset, data)?)
        })
    })
}

/// Sets `len` bytes at `offset` to a value; seen as a rota_buffer_write is.
///
/// Ownership: none.
/// Threading: as rota_buffer_write.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's), QUOTA_EXCEEDED
/// (bytes being copied), DEVICE_LOST.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_fill(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    offset: u64,
    len: u64,
    value: u8,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.buffer_fill(buffer, offset, len, value)?))
    })
}

/// Gives the buffer's own memory as the host sees it, `len` bytes. Jobs and host share it: what a
/// job writes is there when its completion has been taken, what the host writes is seen by jobs
/// submitted afterwards.
///
/// Ownership: the memory stays the buffer's. The pointer is valid until rota_buffer_unmap, or the
/// end of the tenant or the runtime; using it later is not caught.
/// Threading: any thread; accesses are the callers' to order.
/// Errors: UNSUPPORTED where the host can't reach it, NULL_POINTER, INVALID_HANDLE (the tenant's or
/// the buffer's).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_map(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    data: *mut *mut c_void,
    len: *mut u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let (data, len) = unsafe { (args::out("data", data)?, args::out("len", len)?) };
            let (address, bytes) = tenant.buffer_map(buffer)?;
            data.write(address.cast());
            len.write(bytes);
            Ok(())
        })
    })
}

/// Ends the use of a mapping. A buffer mapped several times is unmapped as often.
///
/// Ownership: the pointer from rota_buffer_map is not the caller's to use any more.
/// Threading: any thread.
/// Errors: WRONG_STATE when it isn't mapped, NULL_POINTER, INVALID_HANDLE (the tenant's or the
/// buffer's).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_unmap(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.buffer_unmap(buffer)?))
    })
}

/// Makes a buffer of memory that the caller has, without a copy, where the device can. `host` and
/// `len` are multiples of the page size. flags: ROTA_BUFFER_*.
///
/// Ownership: the memory stays the caller's, and has to stay in place until the buffer's jobs have
/// completed after rota_buffer_destroy, or the tenant is destroyed. The tenant owns the buffer.
/// Threading: any thread.
/// Errors: UNSUPPORTED where the device can't, NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT
/// (alignment, flags), QUOTA_EXCEEDED, OUT_OF_DEVICE_MEMORY, DRIVER_ERROR.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_import(
    tenant: *mut rota_tenant,
    host: *mut c_void,
    len: u64,
    flags: u32,
    buffer: *mut rota_buffer,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("buffer", buffer) }?;
            args::handle("host", host)?;
            let read_only = read_only(flags)?;
            // SAFETY: what the comment above asks of the caller.
            out.write(unsafe { tenant.buffer_import(host.cast(), len, read_only) }?);
            Ok(())
        })
    })
}

/// Lets another tenant of the runtime use a buffer, under a name of its own: its jobs and the host
/// may read it by that, and unless flags has ROTA_BUFFER_READ_ONLY write it. It costs the other tenant
/// one buffer of its quota and no bytes; it can be neither mapped nor granted on. It ends by
/// rota_buffer_take_back, or when the buffer, the other tenant's name for it, or one of the two
/// tenants is destroyed: jobs that use it then fault with INVALID_BUFFER.
///
/// Ownership: the buffer stays the tenant's; *granted is the tenant `to`'s.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (of a tenant or the buffer), INVALID_ARGUMENT (flags, to the
/// same tenant or one of another runtime, or to write what jobs may only read), WRONG_STATE (it is
/// granted to that tenant already, was granted to this one by another, or a tenant was revoked);
/// QUOTA_EXCEEDED, OUT_OF_DEVICE_MEMORY.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_grant(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    to: *mut rota_tenant,
    flags: u32,
    granted: *mut rota_buffer,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            with_tenant(to, |to| {
                // SAFETY: the conventions: NULL or valid.
                let out = unsafe { args::out("granted", granted) }?;
                let writable = !read_only(flags)?;
                out.write(tenant.buffer_grant(buffer, to, writable)?);
                Ok(())
            })
        })
    })
}

/// Ends a grant. When this returns, neither jobs of the other tenant nor threads that use its name
/// can reach the buffer any more.
///
/// Ownership: takes the other tenant's name for the buffer.
/// Threading: any thread; waits until the running leases have ended.
/// Errors: NULL_POINTER, INVALID_HANDLE (of a tenant or the buffer), INVALID_ARGUMENT (the same tenant,
/// or one of another runtime), WRONG_STATE (it isn't granted to that tenant).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_buffer_take_back(
    tenant: *mut rota_tenant,
    buffer: rota_buffer,
    from: *mut rota_tenant,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            with_tenant(from, |from| Ok(tenant.buffer_take_back(buffer, from)?))
        })
    })
}
