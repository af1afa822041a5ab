//! All tenants of a runtime: ids, counters, and which of them go together.
#![cfg(not(loom))]

use crate::args::{self, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::quotas::ROTA_RESOURCES;
use crate::runtime::{rota_runtime, with_runtime};
use crate::tenant::{rota_tenant, with_tenant};

/// What a tenant has done since it was created, and what it has now. Arrays by resource are in the
/// order of ROTA_RESOURCE_*.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_tenant_counters {
    /// sizeof(rota_tenant_counters), which ROTA_TENANT_COUNTERS_INIT sets.
    pub struct_size: usize,
    /// Its id: rota_tenant_id.
    pub id: u64,
    /// Jobs accepted.
    pub submitted: u64,
    /// Jobs completed, taken or not.
    pub completed: u64,
    /// Completions taken, by status: ROTA_COMPLETION_*.
    pub taken: [u64; 8],
    /// Completions taken, by fault: ROTA_FAULT_*; the last is for handlers' own codes.
    pub faulted: [u64; 16],
    /// Loop iterations of its jobs, over all lanes and tiles; those of a claim count when it has ended.
    pub fuel: u64,
    /// Tiles of the tiled jobs accepted.
    pub tiles: u64,
    /// Bytes that the host wrote into buffers.
    pub bytes_in: u64,
    /// Bytes that the host read out of buffers.
    pub bytes_out: u64,
    /// What a quota refused, by resource.
    pub refused: [u64; ROTA_RESOURCES],
    /// What is in use, by resource; 0 for fuel.
    pub used: [u64; ROTA_RESOURCES],
    /// What the tenant's quota allows, by resource; of slots at most the ring's.
    pub cap: [u64; ROTA_RESOURCES],
    /// Jobs accepted whose completion, or one before it, was not taken.
    pub outstanding: u64,
    /// Jobs accepted that have not completed.
    pub lag: u64,
    /// Calls of rota_tenant_quiesce and rota_tenant_drain that have returned.
    pub quiesces: u64,
    /// Of those, how many returned TIMEOUT.
    pub quiesce_timeouts: u64,
    /// How long they took together, in nanoseconds.
    pub quiesce_ns: u64,
}

// SAFETY: integers of 8 bytes.
unsafe impl Sized8 for rota_tenant_counters {
    const NAME: &'static str = "rota_tenant_counters";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        id: 0,
        submitted: 0,
        completed: 0,
        taken: [0; 8],
        faulted: [0; 16],
        fuel: 0,
        tiles: 0,
        bytes_in: 0,
        bytes_out: 0,
        refused: [0; ROTA_RESOURCES],
        used: [0; ROTA_RESOURCES],
        cap: [0; ROTA_RESOURCES],
        outstanding: 0,
        lag: 0,
        quiesces: 0,
        quiesce_timeouts: 0,
        quiesce_ns: 0,
    };
}

impl From<rota::TenantCounters> for rota_tenant_counters {
    fn from(counters: rota::TenantCounters) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            id: counters.id,
            submitted: counters.submitted,
            completed: counters.completed,
            taken: counters.taken,
            faulted: counters.faulted,
            fuel: counters.fuel,
            tiles: counters.tiles,
            bytes_in: counters.bytes_in,
            bytes_out: counters.bytes_out,
            refused: counters.refused,
            used: counters.used,
            cap: counters.cap,
            outstanding: counters.outstanding,
            lag: counters.lag,
            quiesces: counters.quiesces,
            quiesce_timeouts: counters.quiesce_timeouts,
            quiesce_ns: counters.quiesce_ns,
        }
    }
}

/// ---- Tenants of a runtime ----------------------------------------------------------------------
///
/// A tenant's id: never 0, and never that of another tenant of its runtime, now or later.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_id(
    tenant: *mut rota_tenant,
    id: *mut u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("id", id) }?;
            out.write(tenant.id());
            Ok(())
        })
    })
}

/// The ids of all tenants, in rising order: the first `cap` go to `ids`, and how many there are to
/// `needed`. NULL and 0 just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT. `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_tenants(
    runtime: *mut rota_runtime,
    ids: *mut u64,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_runtime(runtime, |entry| {
            // SAFETY: as above.
            let ids = unsafe { args::slice_mut("ids", ids, cap) }?;
            let tenants = entry.runtime.tenants();
            for (to, id) in ids.iter_mut().zip(&tenants) {
                *to = *id;
            }
            *needed = tenants.len();
            Ok(())
        })
    })
}

/// The tenant with an id, under the handle that rota_tenant_create gave.
///
/// Ownership: the tenant stays whose it was.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (the runtime's, or no tenant has this id any more).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_find_tenant(
    runtime: *mut rota_runtime,
    id: u64,
    tenant: *mut *mut rota_tenant,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("tenant", tenant) }?;
            let handle = entry.family.find(id).ok_or(rota::Error::UnknownTenant(id))?;
            out.write(handle as *mut rota_tenant);
            Ok(())
        })
    })
}

/// Tells what a tenant has done and has. The counts are read one by one while work goes on.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_get_counters(
    tenant: *mut rota_tenant,
    counters: *mut rota_tenant_counters,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(counters) }?;
            wanted.fill(&tenant.counters().into());
            Ok(())
        })
    })
}

/// Tells it of all tenants, in the order of their ids: the first `cap` go to `counters`, and how
/// many there are to `needed`. Only the struct_size of counters[0] is read, and it counts for all of
/// them. NULL and 0 just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT, OUT_OF_MEMORY.
/// `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_get_counters(
    runtime: *mut rota_runtime,
    counters: *mut rota_tenant_counters,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid.
        let needed = unsafe { args::count("needed", needed) }?;
        with_runtime(runtime, |entry| {
            let stride = if cap == 0 {
                0
            } else {
                // SAFETY: as above, and counters[0] is initialised.
                unsafe { Wanted::new(counters) }?.size()
            };
            if stride != 0 {
                args::array_bytes("counters", cap, stride)?;
            }
            // No more than there can be, however much room the caller has.
            let most = cap.min(entry.runtime.info().max_tenants as usize);
            let mut all = Vec::new();
            all.try_reserve_exact(most).map_err(|_| Failure::OutOfMemory("list of counters"))?;
            all.resize(most, rota::TenantCounters::default());
            *needed = entry.runtime.counters(&mut all);
            for (i, one) in all.iter().take(*needed).enumerate() {
                // SAFETY: the conventions: `cap` structs of the size that the first one tells. The
                // size is written first because only the first struct had to be initialised.
                unsafe {
                    let to = counters.byte_add(i * stride);
                    to.cast::<u8>().write_bytes(0, stride);
                    to.cast::<usize>().write(stride);
                    Wanted::new(to)?.fill(&(*one).into());
                }
            }
            Ok(())
        })
    })
}

/// Picks tenants that go together: of the `n` in `ids` as many as have no conflict with each other,
/// so that none of the rest could be added. `conflicts` has n * n bytes, a row for each tenant: byte
/// [a * n + b] is not 0 if a must not run beside b. A mark in one direction is enough; those of a
/// tenant with itself don't count. Who was not picked for longest comes first: in n calls with the
/// same tenants each is picked. The indices of those picked go to `picked`, which has room for n, in
/// rising order, and how many there are to `count`.
///
/// Ownership: ids and conflicts are only read.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (the runtime's, or an id that no tenant has), INVALID_ARGUMENT
/// (conflict_bytes isn't n * n, or an id is there twice). `count` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_pick(
    runtime: *mut rota_runtime,
    ids: *const u64,
    n: usize,
    conflicts: *const u8,
    conflict_bytes: usize,
    picked: *mut u32,
    count: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointers below.
        let count = unsafe { args::count("count", count) }?;
        with_runtime(runtime, |entry| {
            // SAFETY: as above.
            let ids = unsafe { args::slice("ids", ids, n) }?;
            // SAFETY: as above.
            let conflicts = unsafe { args::slice("conflicts", conflicts, conflict_bytes) }?;
            // SAFETY: as above.
            let picked = unsafe { args::slice_mut("picked", picked, n) }?;
            *count = entry.runtime.pick(ids, conflicts, picked)?;
            Ok(())
        })
    })
}
