//! Metrics: what happens in a runtime, per tenant and handler.
#![cfg(not(loom))]

use crate::args::{self, fixed_text, put_text, same_layout, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::quotas::ROTA_RESOURCES;
use crate::runtime::{rota_runtime, with_runtime};
use crate::tenant::{rota_tenant, with_tenant};
use rota::metrics::{
    Format, HandlerMetrics, LatencySums, Provided, Rows, RuntimeMetrics, Sink, Snapshot,
};
use rota::TenantCounters;
use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ptr::null_mut;
use std::sync::Arc;

/// ---- Numbers of metrics ------------------------------------------------------------------------
///
/// A time that was not observed: there is nothing that it could be of.
pub const ROTA_NOT_OBSERVED: u64 = u64::MAX;
/// Bytes of a label in metrics, with its zero. Longer labels are cut, and end with a part of their hash.
pub const ROTA_LABEL_BYTES: usize = 136;
/// Buckets of a rota_latency: up to 2^10 ns, 2^12 ns and so on to 2^36 ns, and longer.
pub const ROTA_LATENCY_BUCKETS: usize = 15;
/// Buckets of rota_tenant_get_latency.
pub const ROTA_HISTOGRAM_BUCKETS: usize = 242;
/// Ways that a lease ends: elements of leases in rota_metrics.
pub const ROTA_LEASE_ENDS: usize = 6;
/// Kinds of decisions: elements of decisions in rota_metrics.
pub const ROTA_ACTIONS: usize = 8;

/// ---- How a lease ends --------------------------------------------------------------------------
///
/// As element of leases in rota_metrics: the lease before or behind it had ended.
pub const ROTA_LEASE_ENDED: u32 = 1;
/// The host told it to.
pub const ROTA_LEASE_STOPPED: u32 = 2;
/// Its fuel was used up.
pub const ROTA_LEASE_FUEL: u32 = 3;
/// It found no work.
pub const ROTA_LEASE_IDLE: u32 = 4;
/// A thread waited for a completion.
pub const ROTA_LEASE_NOTIFY: u32 = 5;

/// ---- Decisions ---------------------------------------------------------------------------------
///
/// RESIDENT or BATCH, when the runtime was opened.
pub const ROTA_ACTION_MODE_CHOSEN: u32 = 0;
/// How much fuel leases have from now on.
pub const ROTA_ACTION_LEASE_TUNED: u32 = 1;
/// A narrow lease was ended for one with all workers.
pub const ROTA_ACTION_LEASE_WIDENED: u32 = 2;
/// The kernel was parked although a tenant has jobs: its limits make it wait.
pub const ROTA_ACTION_TENANT_THROTTLED: u32 = 3;
/// Leases run another kernel, or another table of handlers.
pub const ROTA_ACTION_MODULE_SWITCHED: u32 = 4;
/// A kernel was compiled.
pub const ROTA_ACTION_KERNEL_COMPILED: u32 = 5;
/// A kernel that had been compiled before was used again.
pub const ROTA_ACTION_KERNEL_REUSED: u32 = 6;
/// The device on which kernels are tried out was given up after a failure.
pub const ROTA_ACTION_TRIAL_RENEWED: u32 = 7;

/// ---- Formats of metrics ------------------------------------------------------------------------
///
/// The Prometheus text format: text/plain; version=0.0.4; charset=utf-8.
pub const ROTA_METRICS_PROMETHEUS: u32 = 0;
/// OpenMetrics: application/openmetrics-text; version=1.0.0; charset=utf-8.
pub const ROTA_METRICS_OPENMETRICS: u32 = 1;
/// JSON: application/json.
pub const ROTA_METRICS_JSON: u32 = 2;

/// What tenants have done, and what they have now. Arrays by resource are in the order of ROTA_RESOURCE_*.
/// This struct never grows, nor do rota_latency and rota_ages: what is new comes in those that they are part of.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rota_counts {
    /// The tenant's id, if it is about just one: rota_tenant_id.
    pub id: u64,
    /// Jobs accepted.
    pub submitted: u64,
    /// Jobs completed, taken or not.
    pub completed: u64,
    /// Completions taken, by status: ROTA_COMPLETION_*.
    pub taken: [u64; 8],
    /// Completions taken, by fault: ROTA_FAULT_*; the last is for handlers' own codes.
    pub faulted: [u64; 16],
    /// Loop iterations of the jobs, over all lanes and tiles.
    pub fuel: u64,
    /// Tiles of the tiled jobs accepted.
    pub tiles: u64,
    /// Bytes that the host wrote into buffers.
    pub bytes_in: u64,
    /// Bytes that the host read out of buffers.
    pub bytes_out: u64,
    /// What a quota refused, by resource.
    pub refused: [u64; ROTA_RESOURCES],
    /// What is in use now, by resource; 0 for fuel.
    pub used: [u64; ROTA_RESOURCES],
    /// What may be in use now, by resource.
    pub cap: [u64; ROTA_RESOURCES],
    /// Jobs accepted whose completion, or one before it, was not taken, now.
    pub outstanding: u64,
    /// Jobs accepted that have not completed, now.
    pub lag: u64,
    /// Calls of rota_tenant_quiesce and rota_tenant_drain that have returned.
    pub quiesces: u64,
    /// Of those, how many returned TIMEOUT.
    pub quiesce_timeouts: u64,
    /// How long they took together, in nanoseconds.
    pub quiesce_ns: u64,
}

/// How long jobs took, from submit until their completions were taken. Of jobs that are submitted one by
/// one each eighth is counted, of others all.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rota_latency {
    /// Jobs by how long they took: buckets[i] up to 2^(10 + 2 i) ns, the last all that took longer.
    pub buckets: [u64; ROTA_LATENCY_BUCKETS],
    /// How long they took together, in nanoseconds.
    pub sum_ns: u64,
}

/// How old the oldest jobs are, in nanoseconds since they were submitted; ROTA_NOT_OBSERVED where there
/// are none.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rota_ages {
    /// Of those that no worker has begun.
    pub queued_ns: u64,
    /// Of those that run. It may be less where many completions before them are not taken.
    pub running_ns: u64,
    /// Of those that have completed and are not taken.
    pub untaken_ns: u64,
}

/// One series: the tenants of one label.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_tenant_metrics {
    /// sizeof(rota_tenant_metrics), which ROTA_TENANT_METRICS_INIT sets.
    pub struct_size: usize,
    /// The label; "__overflow__" for all that have no series of their own.
    pub label: [c_char; ROTA_LABEL_BYTES],
    /// Tenants that are there now.
    pub tenants: u64,
    /// Sums over the tenants of the series, also those that are gone; what is in use, caps, outstanding
    /// and lag over those that are there. The id is that of the tenant, if there is just one now.
    pub counts: rota_counts,
    /// Sums over the same.
    pub latency: rota_latency,
    /// Of the oldest of all.
    pub ages: rota_ages,
}

/// A handler, or more of one name in modules of one label.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_handler_metrics {
    /// sizeof(rota_handler_metrics), which ROTA_HANDLER_METRICS_INIT sets.
    pub struct_size: usize,
    /// The module's label; "rota" for the standard handlers.
    pub module: [c_char; ROTA_LABEL_BYTES],
    /// The function's name.
    pub handler: [c_char; ROTA_LABEL_BYTES],
    /// Completions taken.
    pub calls: u64,
    /// Of those, the ones with a fault.
    pub faults: u64,
    /// Loop iterations of the jobs whose completions tell it: those with ROTA_JOB_TIMING.
    pub fuel: u64,
}

/// A name and a value of a provider.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_metrics_value {
    /// sizeof(rota_metrics_value), which ROTA_METRICS_VALUE_INIT sets.
    pub struct_size: usize,
    /// The name.
    pub name: [c_char; 264],
    /// The value.
    pub value: f64,
}

/// What is counted for a runtime as a whole.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_metrics {
    /// sizeof(rota_metrics), which ROTA_METRICS_INIT sets.
    pub struct_size: usize,
    /// Nanoseconds since the runtime was opened.
    pub at_ns: u64,
    /// Sums over all series. The id is 0.
    pub all: rota_counts,
    /// Sums over the same.
    pub latency: rota_latency,
    /// Of the oldest of all.
    pub ages: rota_ages,
    /// Tenants that are there now.
    pub tenants: u64,
    /// Series of tenants, the overflow's among them if it has any.
    pub series: u64,
    /// Labels that can have a series of their own.
    pub max_series: u64,
    /// Tenants that found no series of their own.
    pub overflowed: u64,
    /// Leases by how they ended: ROTA_LEASE_*.
    pub leases: [u64; ROTA_LEASE_ENDS],
    /// Times that the kernel was woken.
    pub wakes: u64,
    /// Times that it was parked.
    pub parks: u64,
    /// Rounds of workers that found work; this and the next three are counted when leases end.
    pub rounds_busy: u64,
    /// Those that found none.
    pub rounds_idle: u64,
    /// Claims of workers that went well.
    pub claims_won: u64,
    /// Those in which another worker was quicker.
    pub claims_lost: u64,
    /// Results that rota_buffers_read_into has read.
    pub outputs_slots_total: u64,
    /// Of those, into slots whose memory was large enough.
    pub outputs_slots_reused: u64,
    /// Into slots that had to get larger memory elsewhere.
    pub outputs_slots_moved: u64,
    /// Into slots that were new.
    pub outputs_slots_appended: u64,
    /// Bytes that it has read.
    pub outputs_bytes_incoming: u64,
    /// Bytes read into reused memory.
    pub outputs_bytes_copied: u64,
    /// Bytes read into moved slots.
    pub outputs_bytes_moved: u64,
    /// Bytes read into new slots.
    pub outputs_bytes_appended: u64,
    /// Bytes that all outputs hold on to now, used or not.
    pub outputs_bytes_retained: u64,
    /// Batches with jobs that wait for those before them.
    pub batches_split: u64,
    /// The parts that those batches were split into.
    pub segments: u64,
    /// Jobs with ROTA_JOB_BARRIER or ROTA_JOB_AFTER_OK.
    pub barrier_points: u64,
    /// Kernels compiled.
    pub compiles: u64,
    /// Kernels that were there, compiled before.
    pub cache_hits: u64,
    /// How long compiling took, in nanoseconds.
    pub compile_ns: u64,
    /// How long it took until no lease ran the kernel before any more, in nanoseconds.
    pub switch_ns: u64,
    /// Modules loaded now.
    pub modules: u64,
    /// Records of the flight recorder in this run, of which a long one counts for each of its cells; this
    /// and what follows of it are 0 without one.
    pub recorder_records: u64,
    /// Bytes that went to its file.
    pub recorder_bytes: u64,
    /// Times that a submit waited for room in it.
    pub recorder_stalls: u64,
    /// How long they waited together, in nanoseconds.
    pub recorder_stall_ns: u64,
    /// Records that found no room.
    pub recorder_refused: u64,
    /// Records that tell of those.
    pub recorder_gaps: u64,
    /// Records that are not durable yet.
    pub recorder_lag: u64,
    /// Checkpoints taken.
    pub recorder_checkpoints: u64,
    /// Checkpoints that failed.
    pub recorder_checkpoints_failed: u64,
    /// Decisions: ROTA_ACTION_*.
    pub decisions: [u64; ROTA_ACTIONS],
    /// Time that decisions have saved, in nanoseconds.
    pub saved_ns: u64,
    /// Names that providers were refused.
    pub refused_names: u64,
}

/// One reading of all metrics, in which each number belongs to the others: what has completed was
/// submitted, what was taken has completed, and the runtime's sums are those of the series.
/// ROTA_SNAPSHOT_INIT wants nothing but how many there are.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_snapshot {
    /// sizeof(rota_snapshot), which ROTA_SNAPSHOT_INIT sets.
    pub struct_size: usize,
    /// In: where the series go, sorted by label, the overflow's last. Only the struct_size of the first is
    /// read, and it counts for all of them. NULL: none are wanted.
    pub tenants: *mut rota_tenant_metrics,
    /// In: how many there is room for.
    pub tenants_cap: usize,
    /// Out: how many there are.
    pub tenants_needed: usize,
    /// In: where the handlers go that were called, sorted by module and name; as tenants.
    pub handlers: *mut rota_handler_metrics,
    /// In: how many there is room for.
    pub handlers_cap: usize,
    /// Out: how many there are.
    pub handlers_needed: usize,
    /// In: where the values go that providers tell, the library's own first; as tenants.
    pub values: *mut rota_metrics_value,
    /// In: how many there is room for.
    pub values_cap: usize,
    /// Out: how many there are.
    pub values_needed: usize,
    /// In: where the sums over all go. NULL: they are not wanted.
    pub runtime: *mut rota_metrics,
}

/// A decision that was kept.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_decision {
    /// Nanoseconds since the runtime was opened.
    pub at_ns: u64,
    /// Time that it saved, in nanoseconds.
    pub saved_ns: u64,
    /// One of ROTA_ACTION_*.
    pub action: u32,
    /// 0.
    pub reserved: u32,
    /// Why, in English.
    pub detail: [c_char; 168],
}

/// Where a provider tells its values.
pub struct rota_metrics_sink {
    _id: [u8; 0],
}

/// A provider: it calls rota_metrics_tell for each of its values. It is called in a snapshot, by the thread that
/// takes it, which for a metrics socket is one of the library's; from inside it a snapshot is refused with
/// WRONG_STATE. It must not throw or jump out.
pub type rota_metrics_provider_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, sink: *mut rota_metrics_sink)>;

const NO_COUNTS: rota_counts = rota_counts {
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

const NO_LATENCY: rota_latency = rota_latency {
    buckets: [0; ROTA_LATENCY_BUCKETS],
    sum_ns: 0,
};

const NO_AGES: rota_ages = rota_ages {
    queued_ns: ROTA_NOT_OBSERVED,
    running_ns: ROTA_NOT_OBSERVED,
    untaken_ns: ROTA_NOT_OBSERVED,
};

// SAFETY: integers only, none smaller than 8 bytes but in arrays of a multiple of 8 bytes.
unsafe impl Sized8 for rota_tenant_metrics {
    const NAME: &'static str = "rota_tenant_metrics";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        label: [0; ROTA_LABEL_BYTES],
        tenants: 0,
        counts: NO_COUNTS,
        latency: NO_LATENCY,
        ages: NO_AGES,
    };
}

// SAFETY: as above.
unsafe impl Sized8 for rota_handler_metrics {
    const NAME: &'static str = "rota_handler_metrics";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        module: [0; ROTA_LABEL_BYTES],
        handler: [0; ROTA_LABEL_BYTES],
        calls: 0,
        faults: 0,
        fuel: 0,
    };
}

// SAFETY: as above, and any bytes are a double.
unsafe impl Sized8 for rota_metrics_value {
    const NAME: &'static str = "rota_metrics_value";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        name: [0; 264],
        value: 0.0,
    };
}

// SAFETY: as for rota_tenant_metrics.
unsafe impl Sized8 for rota_metrics {
    const NAME: &'static str = "rota_metrics";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        at_ns: 0,
        all: NO_COUNTS,
        latency: NO_LATENCY,
        ages: NO_AGES,
        tenants: 0,
        series: 0,
        max_series: 0,
        overflowed: 0,
        leases: [0; ROTA_LEASE_ENDS],
        wakes: 0,
        parks: 0,
        rounds_busy: 0,
        rounds_idle: 0,
        claims_won: 0,
        claims_lost: 0,
        outputs_slots_total: 0,
        outputs_slots_reused: 0,
        outputs_slots_moved: 0,
        outputs_slots_appended: 0,
        outputs_bytes_incoming: 0,
        outputs_bytes_copied: 0,
        outputs_bytes_moved: 0,
        outputs_bytes_appended: 0,
        outputs_bytes_retained: 0,
        batches_split: 0,
        segments: 0,
        barrier_points: 0,
        compiles: 0,
        cache_hits: 0,
        compile_ns: 0,
        switch_ns: 0,
        modules: 0,
        recorder_records: 0,
        recorder_bytes: 0,
        recorder_stalls: 0,
        recorder_stall_ns: 0,
        recorder_refused: 0,
        recorder_gaps: 0,
        recorder_lag: 0,
        recorder_checkpoints: 0,
        recorder_checkpoints_failed: 0,
        decisions: [0; ROTA_ACTIONS],
        saved_ns: 0,
        refused_names: 0,
    };
}

// SAFETY: integers and pointers of 8 bytes.
unsafe impl Sized8 for rota_snapshot {
    const NAME: &'static str = "rota_snapshot";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        tenants: null_mut(),
        tenants_cap: 0,
        tenants_needed: 0,
        handlers: null_mut(),
        handlers_cap: 0,
        handlers_needed: 0,
        values: null_mut(),
        values_cap: 0,
        values_needed: 0,
        runtime: null_mut(),
    };
}

impl From<&rota::TenantCounters> for rota_counts {
    fn from(counters: &rota::TenantCounters) -> Self {
        Self {
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

impl From<&LatencySums> for rota_latency {
    fn from(latency: &LatencySums) -> Self {
        Self {
            buckets: latency.buckets,
            sum_ns: latency.sum_ns,
        }
    }
}

impl From<rota::Ages> for rota_ages {
    fn from(ages: rota::Ages) -> Self {
        // A time that long is cut: the mark is for those that were not observed.
        let told = |age: Option<u64>| age.map_or(ROTA_NOT_OBSERVED, |age| age.min(u64::MAX - 1));
        Self {
            queued_ns: told(ages.queued),
            running_ns: told(ages.running),
            untaken_ns: told(ages.untaken),
        }
    }
}

impl From<&HandlerMetrics> for rota_handler_metrics {
    fn from(handler: &HandlerMetrics) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            module: fixed_text(&handler.module),
            handler: fixed_text(&handler.handler),
            calls: handler.calls,
            faults: handler.faults,
            fuel: handler.fuel,
        }
    }
}

impl From<&Provided> for rota_metrics_value {
    fn from(provided: &Provided) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            name: fixed_text(&provided.name),
            value: provided.value,
        }
    }
}

impl From<&RuntimeMetrics> for rota_metrics {
    fn from(runtime: &RuntimeMetrics) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            at_ns: runtime.at_ns,
            all: (&runtime.all).into(),
            latency: (&runtime.latency).into(),
            ages: runtime.ages.into(),
            tenants: runtime.tenants,
            series: runtime.series,
            max_series: runtime.max_series,
            overflowed: runtime.overflowed,
            leases: runtime.leases,
            wakes: runtime.wakes,
            parks: runtime.parks,
            rounds_busy: runtime.rounds_busy,
            rounds_idle: runtime.rounds_idle,
            claims_won: runtime.claims_won,
            claims_lost: runtime.claims_lost,
            outputs_slots_total: runtime.outputs.slots_total,
            outputs_slots_reused: runtime.outputs.slots_reused,
            outputs_slots_moved: runtime.outputs.slots_moved,
            outputs_slots_appended: runtime.outputs.slots_appended,
            outputs_bytes_incoming: runtime.outputs.bytes_incoming,
            outputs_bytes_copied: runtime.outputs.bytes_copied,
            outputs_bytes_moved: runtime.outputs.bytes_moved,
            outputs_bytes_appended: runtime.outputs.bytes_appended,
            outputs_bytes_retained: runtime.outputs.bytes_retained,
            batches_split: runtime.batches_split,
            segments: runtime.segments,
            barrier_points: runtime.barrier_points,
            compiles: runtime.compiles,
            cache_hits: runtime.cache_hits,
            compile_ns: runtime.compile_ns,
            switch_ns: runtime.switch_ns,
            modules: runtime.modules,
            recorder_records: runtime.recorder.records,
            recorder_bytes: runtime.recorder.bytes,
            recorder_stalls: runtime.recorder.stalls,
            recorder_stall_ns: runtime.recorder.stall_ns,
            recorder_refused: runtime.recorder.refused,
            recorder_gaps: runtime.recorder.gaps,
            recorder_lag: runtime.recorder.lag,
            recorder_checkpoints: runtime.recorder.checkpoints,
            recorder_checkpoints_failed: runtime.recorder.failed_checkpoints,
            decisions: runtime.decisions,
            saved_ns: runtime.saved_ns,
            refused_names: runtime.refused_names,
        }
    }
}

/// An array of sized structs that the caller wants filled in.
struct Array<T> {
    first: *mut T,
    cap: usize,
    stride: usize,
}

impl<T: Sized8> Array<T> {
    /// # Safety
    /// The conventions: `first` is NULL or the first of `cap` structs, whose size it tells.
    unsafe fn new(name: &'static str, first: *mut T, cap: usize) -> Result<Self, Failure> {
        let stride = match cap {
            0 => 0,
            // SAFETY: the caller's promise.
            _ => unsafe { Wanted::new(first) }?.size(),
        };
        if stride != 0 {
            args::array_bytes(name, cap, stride)?;
        }
        Ok(Self { first, cap, stride })
    }

    /// Where a struct goes, if there is room for it. Only the first had to be initialised: the others' sizes are written here.
    fn place(&self, index: usize) -> Option<*mut T> {
        if index >= self.cap {
            return None;
        }
        // SAFETY: the promise to `new`.
        unsafe {
            let to = self.first.byte_add(index * self.stride);
            if index != 0 {
                if self.stride > size_of::<T>() {
                    let rest = to.add(1).cast::<u8>();
                    rest.write_bytes(0, self.stride - size_of::<T>());
                }
                to.cast::<usize>().write(self.stride);
            }
            Some(to)
        }
    }

    /// Writes a struct as far as the caller's version knows it, if there is room for it.
    fn put(&self, index: usize, value: &T) {
        if let Some(to) = self.place(index) {
            // SAFETY: the promise to `new`.
            unsafe { Wanted::of_size(to, self.stride) }.fill(value);
        }
    }

    fn fill<'a, F: 'a>(&self, all: &'a [F])
    where
        T: From<&'a F>,
    {
        for (i, one) in all.iter().take(self.cap).enumerate() {
            self.put(i, &one.into());
        }
    }
}

/// The caller's array of series, which are written where they belong.
struct TenantRows {
    array: Array<rota_tenant_metrics>,
    /// For what doesn't fit there.
    spare: rota_tenant_metrics,
    /// Where the row is that is being written; null for the spare one.
    at: *mut rota_tenant_metrics,
    count: usize,
}

impl TenantRows {
    fn new(array: Array<rota_tenant_metrics>) -> Self {
        Self {
            array,
            spare: rota_tenant_metrics::DEFAULT,
            at: null_mut(),
            count: 0,
        }
    }

    /// Where to write. Made anew for each use: a pointer to the spare one is good only until the next use of all of this.
    fn at(&mut self) -> *mut rota_tenant_metrics {
        match self.at.is_null() {
            true => &raw mut self.spare,
            false => self.at,
        }
    }

    /// Whether rows have their place in the array.
    fn fits(&self, index: usize) -> bool {
        index < self.array.cap && self.array.stride >= size_of::<rota_tenant_metrics>()
    }
}

same_layout!(
    rota_counts,
    TenantCounters,
    id,
    submitted,
    completed,
    taken,
    faulted,
    fuel,
    tiles,
    bytes_in,
    bytes_out,
    refused,
    used,
    cap,
    outstanding,
    lag,
    quiesces,
    quiesce_timeouts,
    quiesce_ns
);
same_layout!(rota_latency, LatencySums, buckets, sum_ns);

impl Rows for TenantRows {
    fn row(
        &mut self,
        index: usize,
        label: &Arc<str>,
        _: &Arc<str>,
    ) -> (&mut TenantCounters, &mut LatencySums) {
        self.at = match self.fits(index) {
            true => self.array.place(index).unwrap_or(null_mut()),
            false => null_mut(),
        };
        let at = self.at();
        // SAFETY: it is the spare one, or the caller's, which has room for all that is known here and is written only; and the
        // structs have the same layout.
        unsafe {
            put_text(&mut (*at).label, label);
            (
                &mut *(&raw mut (*at).counts).cast(),
                &mut *(&raw mut (*at).latency).cast(),
            )
        }
    }

    fn end_row(&mut self, index: usize, tenants: u64, ages: rota::Ages) {
        let at = self.at();
        // SAFETY: as above.
        unsafe {
            (*at).tenants = tenants;
            (*at).ages = ages.into();
        }
        if !self.fits(index) {
            self.array.put(index, &self.spare);
        }
    }

    fn end(&mut self, count: usize) {
        self.count = count;
    }
}

/// A struct of 64-bit words.
///
/// # Safety
/// It is made of nothing else, or of what has 64-bit words as values.
unsafe trait Words: Copy {}

// SAFETY: 64-bit integers, and arrays of them.
unsafe impl Words for rota_counts {}
// SAFETY: as above.
unsafe impl Words for rota_latency {}
// SAFETY: as above.
unsafe impl Words for rota_metrics {}

/// The differences of all words of two structs.
fn minus<T: Words>(later: &T, earlier: &T) -> T {
    let mut passed = *later;
    for i in 0..size_of::<T>() / 8 {
        // SAFETY: the trait's promise.
        unsafe {
            let word = |from: &T| std::ptr::from_ref(from).cast::<u64>().add(i).read();
            let to = (&raw mut passed).cast::<u64>().add(i);
            to.write(word(later).saturating_sub(word(earlier)));
        }
    }
    passed
}

/// What was counted from `earlier` on; what is as of now stays.
fn counts_since(later: &rota_counts, earlier: &rota_counts) -> rota_counts {
    rota_counts {
        id: later.id,
        used: later.used,
        cap: later.cap,
        outstanding: later.outstanding,
        lag: later.lag,
        ..minus(later, earlier)
    }
}

/// ---- Snapshots ---------------------------------------------------------------------------------
///
/// Reads all metrics at once. Providers are asked first. Nothing is allocated after the first time,
/// unless there is more to tell.
///
/// Ownership: copies; the arrays that the struct names stay the caller's.
/// Threading: any thread; two snapshots of a runtime wait for each other.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT; WRONG_STATE from inside a
/// provider; UNSUPPORTED by a library that was built without metrics.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_metrics_snapshot(
    runtime: *mut rota_runtime,
    snapshot: *mut rota_snapshot,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            args::handle("snapshot", snapshot)?;
            // SAFETY: the conventions: NULL or valid, as for all pointers below.
            let asked = unsafe { args::options(snapshot.cast_const()) }?;
            // SAFETY: as above.
            let wanted = unsafe { Wanted::new(snapshot) }?;
            // SAFETY: as above.
            let tenants = unsafe { Array::new("tenants", asked.tenants, asked.tenants_cap) }?;
            let mut tenants = TenantRows::new(tenants);
            // SAFETY: as above.
            let handlers = unsafe { Array::new("handlers", asked.handlers, asked.handlers_cap) }?;
            // SAFETY: as above.
            let values = unsafe { Array::new("values", asked.values, asked.values_cap) }?;
            let runtime = match asked.runtime.is_null() {
                true => None,
                // SAFETY: as above.
                false => Some(unsafe { Wanted::new(asked.runtime) }?),
            };
            rota::metrics::not_in_provider()?;
            let mut kept = entry.snapshot.lock().unwrap_or_else(|e| e.into_inner());
            let kept: &mut Snapshot = &mut kept;
            entry.runtime.metrics_into(kept, &mut tenants)?;
            handlers.fill(&kept.handlers);
            values.fill(&kept.provided);
            wanted.fill(&rota_snapshot {
                tenants_needed: tenants.count,
                handlers_needed: kept.handlers.len(),
                values_needed: kept.provided.len(),
                ..asked
            });
            if let Some(runtime) = runtime {
                runtime.fill(&(&kept.runtime).into());
            }
            Ok(())
        })
    })
}

/// Writes all metrics as text in one of the formats ROTA_METRICS_*: the first `cap` bytes go to `text`,
/// followed by a zero if there is room for it, and how many there are to `needed`. NULL and 0 just ask
/// how many that is; when the text is asked for, it may have become longer.
///
/// Ownership: a copy.
/// Threading: any thread; two that ask for text of a runtime wait for each other.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (an unknown format); WRONG_STATE and UNSUPPORTED
/// as for rota_metrics_snapshot. `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_metrics_text(
    runtime: *mut rota_runtime,
    format: u32,
    text: *mut c_char,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_runtime(runtime, |entry| {
            let known = "ROTA_METRICS_PROMETHEUS, ROTA_METRICS_OPENMETRICS, ROTA_METRICS_JSON";
            let format = Format::from_code(format).ok_or(args::unknown("format", format, known))?;
            // SAFETY: as above.
            let text = unsafe { args::slice_mut("text", text.cast::<u8>(), cap) }?;
            *needed = entry.runtime.metrics_text(format, text)?;
            if let Some(end) = text.get_mut(*needed) {
                *end = 0;
            }
            Ok(())
        })
    })
}

/// What happened between two snapshots of a runtime: each counter's difference, and what is as of now
/// from the later one.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_metrics_difference(
    later: *const rota_metrics,
    earlier: *const rota_metrics,
    difference: *mut rota_metrics,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        args::handle("later", later)?;
        args::handle("earlier", earlier)?;
        // SAFETY: the conventions: valid, as for all pointers below.
        let (later, earlier) = unsafe { (args::options(later)?, args::options(earlier)?) };
        // SAFETY: as above.
        let wanted = unsafe { Wanted::new(difference) }?;
        wanted.fill(&rota_metrics {
            all: counts_since(&later.all, &earlier.all),
            ages: later.ages,
            outputs_bytes_retained: later.outputs_bytes_retained,
            tenants: later.tenants,
            series: later.series,
            max_series: later.max_series,
            modules: later.modules,
            recorder_lag: later.recorder_lag,
            ..minus(&later, &earlier)
        });
        Ok(())
    })
}

/// The same of a series. One that has counted less than the earlier one was begun anew, and counts from its
/// beginning.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_metrics_difference(
    later: *const rota_tenant_metrics,
    earlier: *const rota_tenant_metrics,
    difference: *mut rota_tenant_metrics,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        args::handle("later", later)?;
        args::handle("earlier", earlier)?;
        // SAFETY: the conventions: valid, as for all pointers below.
        let (later, earlier) = unsafe { (args::options(later)?, args::options(earlier)?) };
        // SAFETY: as above.
        let wanted = unsafe { Wanted::new(difference) }?;
        let anew = earlier.counts.submitted > later.counts.submitted;
        wanted.fill(&match anew {
            true => later,
            false => rota_tenant_metrics {
                counts: counts_since(&later.counts, &earlier.counts),
                latency: minus(&later.latency, &earlier.latency),
                ..later
            },
        });
        Ok(())
    })
}

/// ---- Latency -----------------------------------------------------------------------------------
///
/// How long a tenant's jobs took, those that a rota_latency counts, in ROTA_HISTOGRAM_BUCKETS buckets, which are no wider than an eighth of where they begin: the first `cap`
/// go to `buckets`, and how many there are to `needed`. NULL and 0 just ask how many there are.
/// rota_latency_bound tells what is in which.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT; UNSUPPORTED by a library that was built
/// without metrics. `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_tenant_get_latency(
    tenant: *mut rota_tenant,
    buckets: *mut u64,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_tenant(tenant, |tenant| {
            // SAFETY: as above.
            let buckets = unsafe { args::slice_mut("buckets", buckets, cap) }?;
            let latency = tenant.latency()?;
            buckets.iter_mut().zip(latency.fine).for_each(|(to, from)| *to = from);
            *needed = latency.fine.len();
            Ok(())
        })
    })
}

/// The longest time in nanoseconds that is counted in a bucket of rota_tenant_get_latency.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: none; UINT64_MAX for the last bucket and all behind it.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_latency_bound(bucket: usize) -> u64 {
    export!(else u64::MAX => { rota::fine_bound(bucket) })
}

/// ---- Providers ---------------------------------------------------------------------------------
///
/// Adds a provider of values that are told beside the library's own, in all formats; provider, which is
/// never 0, is what rota_metrics_provider_remove wants.
///
/// Ownership: `user` stays the caller's and is handed to fn as it is; it has to be valid until the
/// provider is removed or rota_runtime_destroy has returned.
/// Threading: any thread; fn is called by whoever takes a snapshot, also by the library's thread of a metrics
/// socket, by one thread at a time.
/// Errors: NULL_POINTER, INVALID_HANDLE; UNSUPPORTED as for rota_metrics_snapshot.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_metrics_provider_add(
    runtime: *mut rota_runtime,
    r#fn: rota_metrics_provider_fn,
    user: *mut c_void,
    provider: *mut u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            let function = r#fn.ok_or(Failure::NullPointer("fn"))?;
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("provider", provider) }?;
            let user = User(user);
            let ask = move |sink: &mut Sink<'_>| {
                let User(user) = { &user };
                let sink = std::ptr::from_mut(sink).cast();
                // SAFETY: the caller's function, with the arguments that the header promises it.
                unsafe { function(*user, sink) };
            };
            out.write(entry.runtime.add_metrics_provider(ask)?);
            Ok(())
        })
    })
}

/// The caller's pointer, which is only handed on.
struct User(*mut c_void);

// SAFETY: whoever sets a provider promises that its function may be called with it by any thread.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

/// Removes a provider. When this has returned, it is no longer called nor running.
///
/// Ownership: `user` of the provider is the caller's alone again.
/// Threading: any thread, but not from inside a provider.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (there is no such provider); WRONG_STATE and
/// UNSUPPORTED as for rota_metrics_snapshot.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_metrics_provider_remove(
    runtime: *mut rota_runtime,
    provider: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| Ok(entry.runtime.remove_metrics_provider(provider)?))
    })
}

/// Tells a value, as a gauge of this name. A name has letters, digits and underscores, and begins neither with
/// a digit nor as the library's own do. One that isn't so, or that another value of this snapshot has, is refused and
/// counted in refused_names.
///
/// Ownership: the name is only read.
/// Threading: only inside a provider, with the sink that it was called with.
/// Errors: NULL_POINTER, INVALID_ARGUMENT (the name is refused).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_metrics_tell(
    sink: *mut rota_metrics_sink,
    name: *const c_char,
    name_len: usize,
    value: f64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        args::handle("sink", sink)?;
        // SAFETY: the caller's promise: it is the sink that the provider was called with, and nobody else
        // uses it meanwhile.
        let sink = unsafe { &mut *sink.cast::<Sink<'_>>() };
        // SAFETY: the conventions: NULL or valid.
        let name = unsafe { args::some_text("name", name, name_len) };
        let name = name.inspect_err(|_| sink.refuse())?;
        match sink.value(name, value) {
            true => Ok(()),
            false => Err(rota::Error::InvalidArgument(
                "`name` is not a good name for a metric, or another value has it",
            )
            .into()),
        }
    })
}

/// ---- Decisions that were kept ------------------------------------------------------------------
///
/// The last decisions of a runtime that was opened with ROTA_RUNTIME_TRACE, at most 256, the oldest first:
/// the first `cap` go to `decisions`, and how many there are to `needed`. NULL and 0 just ask how many
/// there are. Other runtimes keep none.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT; UNSUPPORTED as for rota_metrics_snapshot.
/// `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_get_decisions(
    runtime: *mut rota_runtime,
    decisions: *mut rota_decision,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_runtime(runtime, |entry| {
            // SAFETY: as above.
            let decisions = unsafe { args::slice_mut("decisions", decisions, cap) }?;
            let last = entry.runtime.decisions()?;
            for (to, decision) in decisions.iter_mut().zip(&last) {
                *to = rota_decision {
                    at_ns: decision.at_ns,
                    saved_ns: decision.saved_ns,
                    action: decision.action as u32,
                    reserved: 0,
                    detail: fixed_text(&decision.detail),
                };
            }
            *needed = last.len();
            Ok(())
        })
    })
}

/// The same as text, one "<component> <action> saved=<n>ns <detail>" a line: the first `cap` bytes go to
/// `text`, followed by a zero if there is room for it, and how many there are to `needed`. NULL and 0 just
/// ask how many that is.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT; UNSUPPORTED as for rota_metrics_snapshot.
/// `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_decisions_text(
    runtime: *mut rota_runtime,
    text: *mut c_char,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_runtime(runtime, |entry| {
            // SAFETY: as above.
            let text = unsafe { args::slice_mut("text", text.cast::<u8>(), cap) }?;
            let last = entry.runtime.decisions()?;
            let all: String = last.iter().map(|decision| format!("{decision}\n")).collect();
            text.iter_mut().zip(all.bytes()).for_each(|(to, from)| *to = from);
            *needed = all.len();
            if let Some(end) = text.get_mut(*needed) {
                *end = 0;
            }
            Ok(())
        })
    })
}
