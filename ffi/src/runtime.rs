//! Runtimes.
#![cfg(not(loom))]

use crate::args::{self, fixed_text, Sized8, Wanted};
use crate::boundary::{export, Poison};
use crate::error::{rota_error, rota_status, Failure};
use crate::log::heed_environment;
use crate::quotas::rota_quota;
use crate::recorder::rota_recorder_options;
use crate::registry::Registry;
use crate::spans::rota_span_options;
use crate::tenant::close_tenant;
use std::ffi::c_char;
use std::ptr::null;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// ---- Modes -------------------------------------------------------------------------------------
///
/// RESIDENT where the device can, else BATCH.
pub const ROTA_MODE_AUTO: u32 = 0;
/// The kernel polls the rings live. UNSUPPORTED where the probe says that it can't.
pub const ROTA_MODE_RESIDENT: u32 = 1;
/// Jobs are handed over and completions handed back between launches: slower, for every device.
pub const ROTA_MODE_BATCH: u32 = 2;

/// ---- Flags of a runtime ------------------------------------------------------------------------
///
/// Run under the Khronos validation layer, which has to be installed; its messages go to the log.
pub const ROTA_RUNTIME_VALIDATE: u32 = 1;
/// Neither read nor write the pipeline cache on disk.
pub const ROTA_RUNTIME_NO_CACHE: u32 = 2;
/// Make a digest of what each job stores: digest of its rota_completion. It costs a part of each store,
/// and 8 bytes a slot. A runtime with a flight recorder does so anyway.
pub const ROTA_RUNTIME_WRITE_DIGESTS: u32 = 4;
/// Keep the last 256 decisions, each with its reason: rota_runtime_get_decisions. So it is too where
/// $ROTA_TRACE is 1.
pub const ROTA_RUNTIME_TRACE: u32 = 8;

/// One opened device with its kernel.
pub struct rota_runtime {
    _id: [u8; 0],
}

/// How to open a runtime. ROTA_RUNTIME_OPTIONS_INIT asks for defaults everywhere.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_runtime_options {
    /// sizeof(rota_runtime_options), which ROTA_RUNTIME_OPTIONS_INIT sets.
    pub struct_size: usize,
    /// An index ("0"), a kind ("cpu", "integrated", "discrete", "virtual"), or part of the name.
    /// NULL: $ROTA_DEVICE, and without it the best device.
    pub device: *const c_char,
    /// Bytes of device.
    pub device_len: usize,
    /// One of ROTA_MODE_*.
    pub mode: u32,
    /// Workers of a wide lease, at most 256. 0: what suits the device.
    pub workers: u32,
    /// How long the kernel looks for work before it parks, in nanoseconds. 0: 200 us;
    /// ROTA_FOREVER: it never parks.
    pub idle_limit_ns: u64,
    /// Most tenants at once. 0: 4,096, or what fits the device.
    pub max_tenants: u32,
    /// Slots of a tenant's ring where the tenant doesn't say; a power of two. 0: 1,024.
    pub slots: u32,
    /// Device memory to allocate at once, in bytes; more comes as it is needed. 0: one segment.
    pub memory_bytes: u64,
    /// Folder of the pipeline cache. NULL: $ROTA_CACHE_DIR, and without it rota/ in the user's
    /// cache folder.
    pub cache_dir: *const c_char,
    /// Bytes of cache_dir.
    pub cache_dir_len: usize,
    /// ROTA_RUNTIME_* together.
    pub flags: u32,
    /// Where the rings start counting, below 2^31. Tests start just below the wrap.
    pub first_position: u32,
    /// Loop iterations after which a lease ends. 0: tuned to the device.
    pub lease_fuel: u32,
    /// Loop iterations that a lane of any job may be given at most. 0, or more than the device can run
    /// in one go: just that.
    pub most_fuel: u32,
    /// The most that all tenants together may have; only read while the runtime is opened. NULL: no
    /// limit.
    pub quota: *const rota_quota,
    /// How its jobs are recorded; only read while the runtime is opened. NULL: what $ROTA_RECORD and
    /// $ROTA_CAPTURE say, and without them not at all.
    pub recorder: *const rota_recorder_options,
    /// Labels of tenants that have a series of their own in the metrics, at most 65,535; all others share
    /// one. 0: 1,024.
    pub max_series: u32,
    /// 0.
    pub reserved: u32,
    /// Where a Unix socket is made, for this user only, through which `rota top` and other programs
    /// look at the metrics until the runtime is stopped; at most 107 bytes. NULL: what
    /// $ROTA_METRICS_SOCKET says, and without it none. docs/metrics.md tells what it says.
    pub metrics_socket: *const c_char,
    /// Bytes of metrics_socket.
    pub metrics_socket_len: usize,
    /// Which of its jobs have spans, and where these go; only read while the runtime is opened. NULL: OTLP
    /// where $OTEL_TRACES_EXPORTER is otlp, the file that $ROTA_SPANS names, and without them none.
    pub spans: *const rota_span_options,
}

// SAFETY: integers and pointers only; each pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_runtime_options {
    const NAME: &'static str = "rota_runtime_options";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        device: null(),
        device_len: 0,
        mode: ROTA_MODE_AUTO,
        workers: 0,
        idle_limit_ns: 0,
        max_tenants: 0,
        slots: 0,
        memory_bytes: 0,
        cache_dir: null(),
        cache_dir_len: 0,
        flags: 0,
        first_position: 0,
        lease_fuel: 0,
        most_fuel: 0,
        quota: null(),
        recorder: null(),
        max_series: 0,
        reserved: 0,
        metrics_socket: null(),
        metrics_socket_len: 0,
        spans: null(),
    };
}

impl rota_runtime_options {
    /// # Safety
    /// The texts are null or valid for their lengths, and quota, recorder and spans are null or valid.
    pub(crate) unsafe fn to_engine(self) -> Result<rota::RuntimeOptions, Failure> {
        let known = ROTA_RUNTIME_VALIDATE
            | ROTA_RUNTIME_NO_CACHE
            | ROTA_RUNTIME_WRITE_DIGESTS
            | ROTA_RUNTIME_TRACE;
        args::reserved("reserved", self.reserved)?;
        let flags = args::flags("flags", self.flags, known)?;
        let (socket, socket_len) = (self.metrics_socket, self.metrics_socket_len);
        Ok(rota::RuntimeOptions {
            // SAFETY: the caller's promise.
            device: unsafe { args::text("device", self.device, self.device_len) }?
                .map(str::to_string),
            mode: match self.mode {
                ROTA_MODE_AUTO => rota::Mode::Auto,
                ROTA_MODE_RESIDENT => rota::Mode::Resident,
                ROTA_MODE_BATCH => rota::Mode::Batch,
                value => {
                    let known = "ROTA_MODE_AUTO, ROTA_MODE_RESIDENT, ROTA_MODE_BATCH";
                    return Err(args::unknown("mode", value, known));
                }
            },
            workers: self.workers,
            idle_limit_ns: self.idle_limit_ns,
            max_tenants: self.max_tenants,
            slots: self.slots,
            memory_bytes: self.memory_bytes,
            // SAFETY: the caller's promise.
            cache_dir: unsafe { args::text("cache_dir", self.cache_dir, self.cache_dir_len) }?
                .map(Into::into),
            validate: flags & ROTA_RUNTIME_VALIDATE != 0,
            no_cache: flags & ROTA_RUNTIME_NO_CACHE != 0,
            first_position: self.first_position,
            first_epoch: 0,
            lease_fuel: self.lease_fuel,
            most_fuel: self.most_fuel,
            // SAFETY: the caller's promise.
            quota: unsafe { rota_quota::to_engine(self.quota) }?,
            write_digests: flags & ROTA_RUNTIME_WRITE_DIGESTS != 0,
            trace: flags & ROTA_RUNTIME_TRACE != 0,
            max_series: self.max_series,
            // SAFETY: the caller's promise.
            metrics_socket: unsafe { args::text("metrics_socket", socket, socket_len) }?
                .map(Into::into),
            // SAFETY: the caller's promise.
            recorder: unsafe { rota_recorder_options::to_engine(self.recorder) }?,
            // SAFETY: the caller's promise.
            spans: unsafe { rota_span_options::to_engine(self.spans) }?,
            ..rota::RuntimeOptions::default()
        })
    }
}

/// What a runtime is and has done. Texts are zero-terminated UTF-8, cut to fit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_runtime_info {
    /// sizeof(rota_runtime_info), which ROTA_RUNTIME_INFO_INIT sets.
    pub struct_size: usize,
    /// The device's name.
    pub device_name: [c_char; 256],
    /// The driver's name.
    pub driver: [c_char; 256],
    /// The driver's version, in its own words.
    pub driver_info: [c_char; 256],
    /// The mode it runs in: ROTA_MODE_RESIDENT or ROTA_MODE_BATCH.
    pub mode: u32,
    /// Lanes of a worker.
    pub subgroup_size: u32,
    /// Workers of a lease.
    pub workers: u32,
    /// Loop iterations after which the driver cuts every loop short; 0: it doesn't.
    pub loop_cap: u32,
    /// Most tenants at once.
    pub max_tenants: u32,
    /// Slots of a tenant's ring where the tenant doesn't say.
    pub slots: u32,
    /// Memory of all rings, in bytes.
    pub ring_bytes: u64,
    /// Size of one segment, in bytes.
    pub segment_bytes: u64,
    /// Segments allocated.
    pub segments: u64,
    /// Leases launched.
    pub leases: u64,
    /// Times that a submit woke the parked kernel.
    pub wakes: u64,
    /// Times that the kernel was parked.
    pub parks: u64,
    /// Jobs completed, of every tenant and with every status; counted when their lease ends.
    pub jobs_completed: u64,
    /// Tiles completed, counted in the same way.
    pub tiles_completed: u64,
    /// 1 while parked, else 0.
    pub parked: u32,
    /// 1 if the probe saw that the device can poll live, else 0.
    pub live_polling: u32,
    /// Completion records that the probe saw torn.
    pub torn_records: u32,
    /// Tenants that there are.
    pub tenants: u32,
    /// How long opening took, in nanoseconds.
    pub open_ns: u64,
    /// How much of that went into compiling the kernel.
    pub compile_ns: u64,
    /// The most fuel that a scalar job may ask for.
    pub most_scalar_fuel: u32,
    /// The most fuel that a tiled job may ask for.
    pub most_tile_fuel: u32,
    /// Leases that ended early so that a blocked thread hears of a completion at once.
    pub leases_notified: u64,
    /// How many tenants with rings of `slots` fit into the memory of all rings.
    pub tenants_fit: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers only; each pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_runtime_info {
    const NAME: &'static str = "rota_runtime_info";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        device_name: [0; 256],
        driver: [0; 256],
        driver_info: [0; 256],
        mode: 0,
        subgroup_size: 0,
        workers: 0,
        loop_cap: 0,
        max_tenants: 0,
        slots: 0,
        ring_bytes: 0,
        segment_bytes: 0,
        segments: 0,
        leases: 0,
        wakes: 0,
        parks: 0,
        jobs_completed: 0,
        tiles_completed: 0,
        parked: 0,
        live_polling: 0,
        torn_records: 0,
        tenants: 0,
        open_ns: 0,
        compile_ns: 0,
        most_scalar_fuel: 0,
        most_tile_fuel: 0,
        leases_notified: 0,
        tenants_fit: 0,
        reserved: 0,
    };
}

impl From<rota::RuntimeInfo> for rota_runtime_info {
    fn from(info: rota::RuntimeInfo) -> Self {
        let ns = |time: std::time::Duration| time.as_nanos().min(u64::MAX as u128) as u64;
        Self {
            struct_size: size_of::<Self>(),
            device_name: fixed_text(&info.device.name),
            driver: fixed_text(&info.device.driver),
            driver_info: fixed_text(&info.device.driver_info),
            mode: match info.mode {
                rota::Mode::Auto => ROTA_MODE_AUTO,
                rota::Mode::Resident => ROTA_MODE_RESIDENT,
                rota::Mode::Batch => ROTA_MODE_BATCH,
            },
            subgroup_size: info.device.subgroup_size,
            workers: info.workers,
            loop_cap: info.probe.loop_cap,
            max_tenants: info.max_tenants,
            slots: info.slots,
            ring_bytes: info.ring_bytes,
            segment_bytes: info.segment_bytes,
            segments: info.segments as u64,
            leases: info.leases,
            wakes: info.wakes,
            parks: info.parks,
            jobs_completed: info.jobs,
            tiles_completed: info.tiles,
            parked: info.parked as u32,
            live_polling: info.probe.live as u32,
            torn_records: info.probe.torn_records,
            tenants: info.tenants,
            open_ns: ns(info.open),
            compile_ns: ns(info.compile),
            most_scalar_fuel: info.most_scalar_fuel,
            most_tile_fuel: info.most_tile_fuel,
            leases_notified: info.notified,
            tenants_fit: info.tenants_fit,
            reserved: 0,
        }
    }
}

/// What a runtime and its tenants' handles share.
#[derive(Default)]
pub(crate) struct Family {
    pub(crate) poison: Poison,
    /// The tenants whose closing isn't over, so that destroying the runtime closes them too.
    tenants: Mutex<Vec<Member>>,
    fewer: Condvar,
}

/// A tenant's handle, and its id in the engine.
#[derive(Clone, Copy)]
struct Member {
    handle: u64,
    id: u64,
}

impl Family {
    /// Adds the tenant with this id; `make` gives its handle.
    pub(crate) fn add(
        &self,
        id: u64,
        make: impl FnOnce() -> Result<u64, Failure>,
    ) -> Result<u64, Failure> {
        let mut tenants = self.tenants();
        // First, so that nothing can fail once the tenant is made.
        let room = tenants.try_reserve(1);
        room.map_err(|_| Failure::OutOfMemory("tenant"))?;
        let handle = make()?;
        tenants.push(Member { handle, id });
        Ok(handle)
    }

    /// The handle of the tenant with this id.
    pub(crate) fn find(&self, id: u64) -> Option<u64> {
        let tenants = self.tenants();
        let found = tenants.iter().find(|tenant| tenant.id == id);
        found.map(|tenant| tenant.handle)
    }

    pub(crate) fn remove(&self, handle: u64) {
        let mut tenants = self.tenants();
        tenants.retain(|tenant| tenant.handle != handle);
        self.fewer.notify_all();
    }

    /// Closes all tenants, and waits for those that other threads are closing.
    fn close_all(&self) {
        loop {
            let last = self.tenants().last().map(|tenant| tenant.handle);
            match last.map(close_tenant) {
                None => return,
                // Another thread was first: its `remove` comes.
                Some(Err(Failure::InvalidHandle(_))) => {
                    let tenants = self.tenants();
                    if tenants.last().map(|tenant| tenant.handle) == last {
                        drop(self.fewer.wait(tenants));
                    }
                }
                // Closed, if not smoothly; what the engine said is in the log.
                Some(Ok(()) | Err(_)) => {}
            }
        }
    }

    fn tenants(&self) -> MutexGuard<'_, Vec<Member>> {
        self.tenants.lock().unwrap_or_else(|e| e.into_inner())
    }
}

pub(crate) struct RuntimeEntry {
    pub(crate) runtime: rota::Runtime,
    pub(crate) family: Arc<Family>,
    /// For metrics, which use its memory again.
    pub(crate) snapshot: Mutex<rota::metrics::Snapshot>,
}

static RUNTIMES: Registry<RuntimeEntry> = Registry::new(b'R');

pub(crate) fn with_runtime<R>(
    runtime: *mut rota_runtime,
    call: impl FnOnce(&RuntimeEntry) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let id = args::handle("runtime", runtime)?;
    RUNTIMES
        .with(id, |entry| entry.family.poison.guard(|| call(entry)))
        .unwrap_or(Err(Failure::InvalidHandle("runtime")))
}

/// ---- Runtime -----------------------------------------------------------------------------------
///
/// Opens a device and starts the pump. options NULL: defaults everywhere.
///
/// Ownership: *runtime is the caller's, to be freed by rota_runtime_destroy; the options and their
/// texts are only read.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE, INVALID_ARGUMENT; NO_DRIVER, NO_DEVICE,
/// DEVICE_UNSUPPORTED, UNSUPPORTED (the mode; a metrics socket or spans in a library that was built
/// without), DRIVER_ERROR, OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, IO_ERROR (also a metrics socket in use, or
/// where something else has its name); of the recorder LOG_IN_USE, NOT_A_LOG, LOG_DAMAGED, LOG_TOO_NEW.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_open(
    options: *const rota_runtime_options,
    runtime: *mut *mut rota_runtime,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        heed_environment();
        // SAFETY: the conventions: NULL or valid, as for all pointers below.
        let out = unsafe { args::out("runtime", runtime) }?;
        // SAFETY: as above.
        let options = unsafe { args::options(options)?.to_engine() }?;
        let runtime = rota::Runtime::open(&options)?;
        let entry = RuntimeEntry {
            runtime,
            family: Arc::default(),
            snapshot: Mutex::default(),
        };
        let id = RUNTIMES.insert(entry);
        let id = id.map_err(|_| Failure::OutOfMemory("runtime"))?;
        out.write(id as *mut rota_runtime);
        Ok(())
    })
}

/// Tells what a runtime is and has done. The counts are read one by one while work goes on.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_get_info(
    runtime: *mut rota_runtime,
    info: *mut rota_runtime_info,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(info) }?;
            wanted.fill(&entry.runtime.info().into());
            Ok(())
        })
    })
}

/// Ends the kernel. Open jobs complete as CANCELLED; completions can still be polled, and buffers
/// read where the host can reach them. From here on submits give STOPPED. A second stop does nothing.
///
/// Ownership: the runtime stays the caller's.
/// Threading: any thread; returns when the kernel has ended.
/// Errors: NULL_POINTER, INVALID_HANDLE, DEVICE_LOST, DRIVER_ERROR.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_stop(
    runtime: *mut rota_runtime,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| Ok(entry.runtime.stop()?))
    })
}

/// Stops the runtime, destroys its tenants, and frees everything. Calls that other threads are in
/// are waited for; those that wait for completions return INVALID_HANDLE. The handles of the runtime
/// and of its tenants are stale from here on, whatever is returned. NULL does nothing.
///
/// Ownership: takes the runtime and its tenants, and with them their buffers, mappings and event
/// descriptors.
/// Threading: any thread, but not from inside the log callback.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_destroy(
    runtime: *mut rota_runtime,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        if runtime.is_null() {
            return Ok(());
        }
        let closing = RUNTIMES.close(runtime as u64);
        let closing = closing.map_err(|_| Failure::InvalidHandle("runtime"))?;
        // No call on a runtime's own handle waits for jobs, so nobody has to be woken. Once all
        // have left, no tenant can be added any more.
        let RuntimeEntry { runtime, family, .. } = closing.finish();
        family.poison.mark(|| {
            // Stopped first, tenants close without the kernel's help. If stopping fails, the
            // device is gone and closing needs no help either; the engine has logged it.
            let _ = runtime.stop();
            family.close_all();
            drop(runtime);
        });
        Ok(())
    })
}
