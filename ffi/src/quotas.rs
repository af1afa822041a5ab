//! Quotas, and what callers hold of them.
#![cfg(not(loom))]

use crate::args::{self, Sized8};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::registry::Registry;
use crate::tenant::{rota_tenant, with_tenant};

/// ---- Resources ---------------------------------------------------------------------------------
///
/// Slots of the ring: held from a job's submit until its completion and all before it are taken.
pub const ROTA_RESOURCE_SLOTS: u32 = 0;
/// Bytes that the host is copying to or from buffers.
pub const ROTA_RESOURCE_STAGING_BYTES: u32 = 1;
/// Buffers, granted ones too: held until the device is done with them.
pub const ROTA_RESOURCE_BUFFERS: u32 = 2;
/// Bytes of the tenant's own buffers: held as long.
pub const ROTA_RESOURCE_BUFFER_BYTES: u32 = 3;
/// Modules: held until they are unloaded.
pub const ROTA_RESOURCE_MODULES: u32 = 4;
/// Loop iterations that a lane of a job may run.
pub const ROTA_RESOURCE_FUEL_PER_JOB: u32 = 5;
/// Loop iterations of all jobs together in a second.
pub const ROTA_RESOURCE_FUEL_PER_SECOND: u32 = 6;
/// How many resources there are.
pub const ROTA_RESOURCES: usize = 7;
/// What rota_error_resource says of an error that is about no resource.
pub const ROTA_RESOURCE_NONE: u32 = 0xffff_ffff;
/// A cap that limits nothing.
pub const ROTA_UNLIMITED: u64 = u64::MAX;

/// The most that a tenant, or all tenants of a runtime together, may have. ROTA_QUOTA_INIT limits
/// nothing. Other than elsewhere 0 is no default: it means none at all.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_quota {
    /// sizeof(rota_quota), which ROTA_QUOTA_INIT sets.
    pub struct_size: usize,
    /// Slots in use.
    pub slots: u64,
    /// Bytes that the host copies at the same time.
    pub staging_bytes: u64,
    /// Buffers.
    pub buffers: u64,
    /// Bytes of buffers.
    pub buffer_bytes: u64,
    /// Loaded modules.
    pub modules: u64,
    /// Loop iterations a lane of a job may run. A job that asks for more is refused; a default is
    /// lowered to it. With 0 every job is refused.
    pub fuel_per_job: u64,
    /// Loop iterations that all jobs together may run in a second. With 0 every job is refused.
    pub fuel_per_second: u64,
}

// SAFETY: integers of 8 bytes.
unsafe impl Sized8 for rota_quota {
    const NAME: &'static str = "rota_quota";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        slots: ROTA_UNLIMITED,
        staging_bytes: ROTA_UNLIMITED,
        buffers: ROTA_UNLIMITED,
        buffer_bytes: ROTA_UNLIMITED,
        modules: ROTA_UNLIMITED,
        fuel_per_job: ROTA_UNLIMITED,
        fuel_per_second: ROTA_UNLIMITED,
    };
}

impl rota_quota {
    /// The engine's form of a caller's quota; NULL limits nothing.
    ///
    /// # Safety
    /// As for `args::options`.
    pub(crate) unsafe fn to_engine(quota: *const Self) -> Result<rota::Quota, Failure> {
        // SAFETY: passed on.
        let quota = unsafe { args::options(quota) }?;
        Ok(rota::Quota {
            slots: quota.slots,
            staging_bytes: quota.staging_bytes,
            buffers: quota.buffers,
            buffer_bytes: quota.buffer_bytes,
            modules: quota.modules,
            fuel_per_job: quota.fuel_per_job,
            fuel_per_second: quota.fuel_per_second,
        })
    }
}

/// Some of a tenant's quota that a caller holds.
pub struct rota_reservation {
    _id: [u8; 0],
}

static RESERVATIONS: Registry<rota::Reservation> = Registry::new(b'V');

/// ---- Quotas ------------------------------------------------------------------------------------
///
/// Changes how much a tenant may have. quota NULL: no limit. If it is less than the tenant has of
/// something, nothing changes.
///
/// Ownership: the quota is only read.
/// Threading: any thread, also while others take and give back.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE; QUOTA_EXCEEDED (below what is in use).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_set_quota(
    tenant: *mut rota_tenant,
    quota: *const rota_quota,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let quota = unsafe { rota_quota::to_engine(quota) }?;
            Ok(tenant.set_quota(&quota)?)
        })
    })
}

/// Holds so much of a resource for the caller: of the tenant's quota, and of the runtime's. What is
/// held nobody else gets. resource: ROTA_RESOURCE_*, but not fuel.
///
/// Ownership: *reservation is the caller's, to be freed by rota_reservation_release, also after the
/// tenant's end.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (resource); QUOTA_EXCEEDED, OUT_OF_MEMORY.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_reserve(
    tenant: *mut rota_tenant,
    resource: u32,
    amount: u64,
    reservation: *mut *mut rota_reservation,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("reservation", reservation) }?;
            let known = "ROTA_RESOURCE_*";
            let resource = rota::Resource::from_code(resource)
                .ok_or_else(|| args::unknown("resource", resource, known))?;
            let id = RESERVATIONS.insert(tenant.reserve(resource, amount)?);
            let id = id.map_err(|_| Failure::OutOfMemory("reservation"))?;
            out.write(id as *mut rota_reservation);
            Ok(())
        })
    })
}

/// Gives back what a reservation holds. NULL does nothing.
///
/// Ownership: takes the reservation.
/// Threading: any thread.
/// Errors: INVALID_HANDLE (also for a second release).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_reservation_release(
    reservation: *mut rota_reservation,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        if reservation.is_null() {
            return Ok(());
        }
        let closing = RESERVATIONS.close(reservation as u64);
        let closing = closing.map_err(|_| Failure::InvalidHandle("reservation"))?;
        drop(closing.finish());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rota::Resource;

    #[test]
    fn the_numbers_are_the_engines() {
        for (ours, engines) in [
            (ROTA_RESOURCE_SLOTS, Resource::Slots),
            (ROTA_RESOURCE_STAGING_BYTES, Resource::StagingBytes),
            (ROTA_RESOURCE_BUFFERS, Resource::Buffers),
            (ROTA_RESOURCE_BUFFER_BYTES, Resource::BufferBytes),
            (ROTA_RESOURCE_MODULES, Resource::Modules),
            (ROTA_RESOURCE_FUEL_PER_JOB, Resource::FuelPerJob),
            (ROTA_RESOURCE_FUEL_PER_SECOND, Resource::FuelPerSecond),
        ] {
            assert_eq!(ours, engines as u32, "{engines:?}");
            assert_eq!(Resource::from_code(ours), Some(engines));
        }
        assert_eq!(ROTA_RESOURCES, Resource::all().count());
        assert_eq!(Resource::from_code(ROTA_RESOURCES as u32), None);
        assert_eq!(ROTA_UNLIMITED, rota::UNLIMITED);
    }

    #[test]
    fn each_field_is_its_resources_cap() {
        let mut quota = rota_quota::DEFAULT;
        let all = unsafe { rota_quota::to_engine(&quota) }.unwrap();
        assert_eq!(all, rota::Quota::default());
        (quota.slots, quota.staging_bytes, quota.buffers) = (1, 2, 3);
        (quota.buffer_bytes, quota.modules) = (4, 5);
        (quota.fuel_per_job, quota.fuel_per_second) = (6, 7);
        let engines = unsafe { rota_quota::to_engine(&quota) }.unwrap();
        assert_eq!(engines, rota::Quota::from([1, 2, 3, 4, 5, 6, 7]));
        for (i, resource) in Resource::all().enumerate() {
            assert_eq!(engines.cap(resource), i as u64 + 1);
        }
    }
}
