//! Tenants.
#![cfg(not(loom))]

use crate::args::{self, Sized8};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::quotas::rota_quota;
use crate::registry::Registry;
use crate::runtime::{rota_runtime, with_runtime, Family};
use std::ffi::{c_char, c_int};
use std::ptr::null;
use std::sync::Arc;

/// An isolated client of a runtime: its own ring and buffers.
pub struct rota_tenant {
    _id: [u8; 0],
}

/// ---- State of a tenant -------------------------------------------------------------------------
///
/// It accepts jobs.
pub const ROTA_TENANT_ACTIVE: u32 = 0;
/// It was drained: it accepts no more jobs.
pub const ROTA_TENANT_DRAINING: u32 = 1;
/// It was revoked: its jobs end. It can be destroyed.
pub const ROTA_TENANT_REVOKED: u32 = 2;

/// How to create a tenant. ROTA_TENANT_OPTIONS_INIT asks for defaults everywhere.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_tenant_options {
    /// sizeof(rota_tenant_options), which ROTA_TENANT_OPTIONS_INIT sets.
    pub struct_size: usize,
    /// A name for logs and tools. NULL: none.
    pub label: *const c_char,
    /// Bytes of label.
    pub label_len: usize,
    /// Slots of the ring, which is how many jobs can be open; a power of two. 0: the runtime's.
    pub slots: u32,
    /// How many opcodes it has for handlers that it loads, from ROTA_FIRST_OPCODE on; at most
    /// 65,536. 0: 4,096.
    pub opcodes: u32,
    /// Loop iterations a lane may run where neither job nor handler say. 0: 8,000 for a scalar job,
    /// 3,000 for a tile, or what the device can run in one go.
    pub fuel: u32,
    /// How much of the device it gets where others want it too, relative to their weights: 1 to 10,000.
    /// 0: 100.
    pub weight: u32,
    /// ROTA_CLASS_NORMAL, _INTERACTIVE or _BACKGROUND.
    pub latency_class: u32,
    /// Thousandths of the device's time that it may use, also where nobody else wants it. 0: all.
    pub share_permille: u32,
    /// An exclusion group: tenants with the same number never have jobs running at the same time. At most
    /// the runtime's max_tenants. 0: none.
    pub group: u32,
    /// 0.
    pub reserved: u32,
    /// The most that it may have; only read while it is created. NULL: no limit.
    pub quota: *const rota_quota,
}

/// ---- Latency class of a tenant -----------------------------------------------------------------
///
/// Of the tenants that have a turn, those of a better class go first. It decides who waits, and not
/// how much anybody gets: that is what weights are for.
pub const ROTA_CLASS_NORMAL: u32 = 0;
/// Before all others. See ROTA_CLASS_NORMAL.
pub const ROTA_CLASS_INTERACTIVE: u32 = 1;
/// Behind all others. See ROTA_CLASS_NORMAL.
pub const ROTA_CLASS_BACKGROUND: u32 = 2;

fn class_of(class: u32) -> Result<rota::Class, Failure> {
    match class {
        ROTA_CLASS_NORMAL => Ok(rota::Class::Normal),
        ROTA_CLASS_INTERACTIVE => Ok(rota::Class::Interactive),
        ROTA_CLASS_BACKGROUND => Ok(rota::Class::Background),
        value => {
            let known = "ROTA_CLASS_NORMAL, ROTA_CLASS_INTERACTIVE, ROTA_CLASS_BACKGROUND";
            Err(args::unknown("latency_class", value, known))
        }
    }
}

// SAFETY: integers and pointers only; each pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_tenant_options {
    const NAME: &'static str = "rota_tenant_options";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        label: null(),
        label_len: 0,
        slots: 0,
        opcodes: 0,
        fuel: 0,
        weight: 0,
        latency_class: ROTA_CLASS_NORMAL,
        share_permille: 0,
        group: 0,
        reserved: 0,
        quota: null(),
    };
}

struct TenantEntry {
    tenant: rota::Tenant,
    family: Arc<Family>,
}

static TENANTS: Registry<TenantEntry> = Registry::new(b'T');

#[inline]
pub(crate) fn with_tenant<R>(
    tenant: *mut rota_tenant,
    call: impl FnOnce(&rota::Tenant) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let id = args::handle("tenant", tenant)?;
    TENANTS
        .with(id, |entry| {
            entry.family.poison.guard(|| call(&entry.tenant))
        })
        .unwrap_or(Err(Failure::InvalidHandle("tenant")))
}

/// Closes a tenant: turns new calls away, wakes those that wait, waits for them, and frees it.
pub(crate) fn close_tenant(id: u64) -> Result<(), Failure> {
    let closing = TENANTS.close(id);
    let closing = closing.map_err(|_| Failure::InvalidHandle("tenant"))?;
    let family = closing.with(|entry| entry.family.clone());
    /// Also when the engine panics: whoever destroys the runtime waits for it.
    struct Remove<'a>(&'a Family, u64);
    impl Drop for Remove<'_> {
        fn drop(&mut self) {
            self.0.remove(self.1);
        }
    }
    let _remove = Remove(&family, id);
    family.poison.mark(|| {
        let outcome = closing.with(|entry| entry.tenant.destroy());
        drop(closing.finish());
        Ok(outcome?)
    })
}

/// ---- Tenant ------------------------------------------------------------------------------------
///
/// Creates a tenant. options NULL: defaults everywhere.
///
/// Ownership: *tenant is the caller's, to be freed by rota_tenant_destroy or together with the
/// runtime; the options and their texts are only read.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT; OUT_OF_RING_MEMORY,
/// OUT_OF_MEMORY, STOPPED.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_create(
    runtime: *mut rota_runtime,
    options: *const rota_tenant_options,
    tenant: *mut *mut rota_tenant,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            // SAFETY: the conventions: NULL or valid, as for all pointers below.
            let out = unsafe { args::out("tenant", tenant) }?;
            // SAFETY: as above.
            let options = unsafe { args::options(options) }?;
            args::reserved("reserved", options.reserved)?;
            // SAFETY: as above.
            let label = unsafe { args::text("label", options.label, options.label_len) }?;
            let options = rota::TenantOptions {
                label: label.unwrap_or_default().to_string(),
                slots: options.slots,
                opcodes: options.opcodes,
                fuel: options.fuel,
                weight: options.weight,
                class: class_of(options.latency_class)?,
                share_permille: options.share_permille,
                group: options.group,
                // SAFETY: as above.
                quota: unsafe { rota_quota::to_engine(options.quota) }?,
            };
            let tenant = entry.runtime.create_tenant(&options)?;
            let id = entry.family.add(tenant.id(), || {
                let family = entry.family.clone();
                let entry = TenantEntry { tenant: tenant.clone(), family };
                TENANTS.insert(entry).map_err(|_| Failure::OutOfMemory("tenant"))
            });
            if id.is_err() {
                tenant.destroy()?;
            }
            out.write(id? as *mut rota_tenant);
            Ok(())
        })
    })
}

/// Frees a tenant: no job of it is claimed after this has returned, and jobs that were open never
/// complete. Calls that other threads are in are waited for; those that wait for completions return
/// INVALID_HANDLE. The handle is stale from here on, whatever is returned. NULL does nothing.
///
/// Ownership: takes the tenant and its buffers, mappings and event descriptor.
/// Threading: any thread, but not from inside the log callback.
/// Errors: INVALID_HANDLE (also for a second destroy), DEVICE_LOST.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_destroy(
    tenant: *mut rota_tenant,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        if tenant.is_null() {
            return Ok(());
        }
        close_tenant(tenant as u64)
    })
}

/// A descriptor for poll or epoll, readable while the tenant has completions that nobody has taken.
/// The same one every time. Don't read from it: taking the completions clears it.
///
/// Ownership: the descriptor belongs to the tenant, and is closed with it.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, IO_ERROR.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_event_fd(
    tenant: *mut rota_tenant,
    fd: *mut c_int,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("fd", fd) }?;
            out.write(tenant.event_fd()?);
            Ok(())
        })
    })
}

/// Changes how much of the device a tenant gets where others want it too: 1 to 10,000. From its next
/// turn on; its jobs go on.
///
/// Ownership: nothing changes hands.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE; INVALID_ARGUMENT (weight is 0 or above 10,000); STOPPED.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_set_weight(
    tenant: *mut rota_tenant,
    weight: u32,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.set_weight(weight)?))
    })
}

/// Changes how many thousandths of the device's time a tenant may use, also where nobody else wants it;
/// 0 for all.
///
/// Ownership: nothing changes hands.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE; INVALID_ARGUMENT (share_permille is above 1,000); STOPPED.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_set_share(
    tenant: *mut rota_tenant,
    share_permille: u32,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.set_share(share_permille)?))
    })
}

/// What a tenant is at: ROTA_TENANT_*. It only ever moves on.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_state(
    tenant: *mut rota_tenant,
    state: *mut u32,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("state", state) }?;
            let state = match tenant.state() {
                rota::State::Active => ROTA_TENANT_ACTIVE,
                rota::State::Draining => ROTA_TENANT_DRAINING,
                rota::State::Revoked => ROTA_TENANT_REVOKED,
                rota::State::Gone => return Err(Failure::InvalidHandle("tenant")),
            };
            out.write(state);
            Ok(())
        })
    })
}

/// Waits until every job that was submitted before has completed, whether its completion was taken
/// or not. Other threads can go on submitting.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: TIMEOUT, NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_quiesce(
    tenant: *mut rota_tenant,
    timeout_ns: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.quiesce(timeout_ns)?))
    })
}

/// Closes a tenant to new jobs, for good, and waits until those accepted before have completed.
/// After a TIMEOUT it stays closed, and another call goes on waiting. Completions can be taken, jobs
/// cancelled, and buffers used as before.
///
/// Ownership: the tenant stays the caller's, still to be destroyed.
/// Threading: any thread.
/// Errors: TIMEOUT, NULL_POINTER, INVALID_HANDLE; WRONG_STATE after a revoke.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_drain(
    tenant: *mut rota_tenant,
    timeout_ns: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.drain(timeout_ns)?))
    })
}

/// Takes the device from a tenant: it accepts no more jobs, those that have not begun complete as
/// REVOKED, and those that run end soon. When this returns, no job of it begins any more; to wait for
/// those that still end, call rota_tenant_quiesce. Completions can be taken, and buffers written and
/// read, until the tenant is destroyed. After a TIMEOUT another call goes on waiting.
///
/// Ownership: the tenant stays the caller's, still to be destroyed.
/// Threading: any thread.
/// Errors: TIMEOUT, NULL_POINTER, INVALID_HANDLE; WRONG_STATE if it was revoked before; STOPPED,
/// DEVICE_LOST.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_revoke(
    tenant: *mut rota_tenant,
    timeout_ns: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            tenant.revoke(timeout_ns)?;
            Ok(())
        })
    })
}
