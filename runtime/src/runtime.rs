//! The runtime: one opened device with its kernel, and all that tenants share.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rota_recorder::{EvidenceClass, TenantEvent};

use crate::device::cache::Cache;
use crate::device::choose::{self, DeviceInfo};
use crate::device::lease::Bindings;
use crate::device::memory::Allocation;
use crate::device::pipeline::{Layout, Pipeline};
use crate::device::probe::Probe;
use crate::device::trial::Trial;
use crate::device::{Device, Instance};
use crate::error::Error;
use crate::kernel::{self, standard};
use crate::memory::{Buffer, Memory};
use crate::metrics::socket::{Bound, Server};
use crate::metrics::{Action, Metrics, HAS_METRICS};
use crate::modules::{Composition, ModuleOptions, ModuleReport, Modules};
use crate::pump;
use crate::recorder::{start_checkpoints, About, Recorder, RecorderOptions, RecorderState};
use crate::ring::active::ActiveList;
use crate::ring::clock::Clock;
use crate::ring::doorbell::Doorbell;
use crate::ring::layout::{
    binding, completion_status, control_op, flag, listed, tenant_state, KernelShape, Push, Without,
    FIRST_LOADED, MAX_SLOTS, MAX_WORKERS, POSITION_MASK,
};
use crate::ring::span::Pipe;
use crate::ring::submission::{Completion, Job, Ring, SlotWords, TenantWords};
use crate::ring::sync::lock;
use crate::shared::SharedMemory;
use crate::spans::{Origin, SpanOptions, SpanStats, Spans};
use crate::tenant::{
    id_of, standard_handlers, Account, Class, Common, HandlerEntry, Inner, Picks, Quota, Registry,
    Tenant, TenantCounters, TenantOptions, MOST_WEIGHT, WEIGHT,
};
use crate::watch::Watch;

/// How host and kernel meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// RESIDENT where the probe shows that it works, else BATCH.
    #[default]
    Auto = 0,
    /// The kernel polls the rings while it runs.
    Resident = 1,
    /// Slots and completions are copied between leases: within the Vulkan specification on every device.
    Batch = 2,
}

/// How a runtime is opened. Zero and `None` mean the default.
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// Index, kind (cpu, integrated, discrete, virtual) or part of the name; else `$ROTA_DEVICE`, else the best.
    pub device: Option<String>,
    pub mode: Mode,
    /// Workers of a wide lease; by default as many as help on this device.
    pub workers: u32,
    /// How long the kernel stays up without work. Default 200 us; `u64::MAX` for ever.
    pub idle_limit_ns: u64,
    /// Default 4,096, or what the ring memory fits.
    pub max_tenants: u32,
    /// Slots of a ring where a tenant asks for no number; a power of two. Default 1,024.
    pub slots: u32,
    /// Device memory to have ready for buffers. More is added when it is needed.
    pub memory_bytes: u64,
    /// Where compiled kernels are kept; else `$ROTA_CACHE_DIR`, else `rota` in the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// Check every Vulkan call by the Khronos validation layer, whose messages go to the log.
    pub validate: bool,
    /// Keep nothing on disk.
    pub no_cache: bool,
    /// Where rings start counting positions. For tests of the wrap.
    pub first_position: u32,
    /// Where the device starts counting epochs. For tests of the wrap.
    pub first_epoch: u32,
    /// At which round the tenants' turns start. For tests of the wrap.
    pub first_round: u32,
    /// Loop iterations of a worker in one lease; by default tuned by time.
    pub lease_fuel: u32,
    /// The most loop iterations that a lane of any job may be given; by default, and at most, what the device can run in
    /// one go.
    pub most_fuel: u32,
    /// Make a digest of each job's stores, for its completion: it costs a part of each store, and 8 bytes a slot.
    pub write_digests: bool,
    /// The most that all tenants together may have. It never changes.
    pub quota: Quota,
    /// Record every job; else what `$ROTA_RECORD` says. Then all jobs have the extra records, and digests of what they write.
    pub recorder: Option<RecorderOptions>,
    /// Tenants' labels that have series of their own in the metrics, at most; 0 means 1,024, and no more than 65,535 are
    /// possible.
    pub max_series: u32,
    /// Keep the last 256 decisions, each with its reason; also where `$ROTA_TRACE` is 1.
    pub trace: bool,
    /// Make spans of jobs; none are made where this is `None`.
    pub spans: Option<SpanOptions>,
    /// Where a Unix socket is made through which `rota top` and others of the same user look at the metrics; else what
    /// `$ROTA_METRICS_SOCKET` says. An empty one: no socket, whatever that says.
    pub metrics_socket: Option<PathBuf>,
    /// For measurements and proofs.
    #[cfg(feature = "experiments")]
    pub experiment: Experiment,
}

impl RuntimeOptions {
    fn experiment(&self) -> Experiment {
        #[cfg(feature = "experiments")]
        return self.experiment;
        #[cfg(not(feature = "experiments"))]
        Experiment::default()
    }
}

/// Ways to run that no program wants: with the feature `experiments`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Experiment {
    /// What the kernel is composed without.
    pub without: Without,
    /// Leases go on beyond the driver's limit of loop iterations.
    pub ignore_loop_cap: bool,
    /// What goes wrong with the kernel, and with which lease.
    pub breakdown: Option<(u32, Breakdown)>,
}

/// What keeps the kernel from going on.
#[cfg_attr(not(feature = "experiments"), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// The device is as good as lost when the lease has ended.
    DeviceLost,
    /// The driver doesn't take the lease, while the one before may run.
    LaunchRefused,
    /// The pump has a bug that shows when the lease has ended.
    Panic,
}

/// What a runtime is and has done.
#[derive(Clone, Debug)]
pub struct RuntimeInfo {
    pub device: DeviceInfo,
    pub mode: Mode,
    pub probe: Probe,
    pub workers: u32,
    pub max_tenants: u32,
    /// How many tenants with rings of `slots` fit into the ring memory.
    pub tenants_fit: u32,
    pub tenants: u32,
    pub slots: u32,
    pub ring_bytes: u64,
    pub segments: u32,
    pub segment_bytes: u64,
    pub leases: u64,
    /// Leases that ended early so that a blocked thread hears of a completion.
    pub notified: u64,
    pub wakes: u64,
    pub parks: u64,
    /// Jobs that leases reported as completed; counted when a lease ends.
    pub jobs: u64,
    pub tiles: u64,
    pub parked: bool,
    pub open: Duration,
    pub compile: Duration,
    /// The most loop iterations a lane may be given, by a scalar job and by a tile.
    pub most_scalar_fuel: u32,
    pub most_tile_fuel: u32,
}

/// Counts of the pump, for `info`.
#[derive(Default)]
pub(crate) struct Counts {
    pub leases: AtomicU64,
    pub notified: AtomicU64,
    pub wakes: AtomicU64,
    pub parks: AtomicU64,
    pub jobs: AtomicU64,
    pub tiles: AtomicU64,
}

/// The kernel that the next lease runs, and what it is bound to.
#[derive(Clone)]
pub(crate) struct Current {
    pub pipeline: Arc<Pipeline>,
    pub bindings: Arc<Bindings>,
    /// Changes with the bindings.
    pub version: u64,
    /// Kept for as long as it is bound.
    table: Arc<Allocation>,
}

impl Current {
    /// Binds another table of handlers.
    pub fn use_table(&mut self, table: Arc<Allocation>) {
        let mut bindings = (*self.bindings).clone();
        bindings.retain(|(n, ..)| *n != binding::HANDLERS);
        bindings.push((binding::HANDLERS, table.buffer, table.size));
        self.bindings = Arc::new(bindings);
        self.version += 1;
        self.table = table;
    }
}

/// Which leases there were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leases {
    /// The last one launched.
    pub launched: u32,
    /// The last one that has ended, with all before.
    pub ended: u32,
    /// The last one that the host told to end.
    pub stopped: u32,
    /// Whether the last one launched is wide.
    pub wide: bool,
}

const RUNNING: u32 = 0;
const STOPPING: u32 = 1;
const STOPPED: u32 = 2;
const LOST: u32 = 3;

/// All that tenants, pump and watcher share.
pub(crate) struct Engine {
    pub shared: SharedMemory,
    pub memory: Memory,
    pub doorbell: Doorbell,
    pub active: ActiveList,
    pub watch: Arc<Watch>,
    pub registry: Registry,
    pub handlers: Box<[HandlerEntry]>,
    pub counts: Counts,
    /// The device-wide epoch in full, as of the pump's last look; the device counts with 32 bits.
    pub epoch: AtomicU64,
    pub current: Mutex<Current>,
    pub leases: Mutex<Leases>,
    /// Told when a lease has ended.
    pub lease_ended: Condvar,
    pub layout: Arc<Layout>,
    pub mode: Mode,
    pub probe: Probe,
    pub workers: u32,
    pub cores: u32,
    pub idle_limit: Option<Duration>,
    pub round_fuel: u32,
    /// Fixed by the caller or by the driver's loop limit; else the pump tunes it.
    pub lease_fuel: Option<u32>,
    pub most_scalar_fuel: u32,
    pub most_tile_fuel: u32,
    pub all_take_scalars: bool,
    state: AtomicU32,
    spinners: AtomicI64,
    /// When tiled jobs were last submitted, in nanoseconds since `opened`; 0 if never.
    tiled_at: AtomicU64,
    /// When a narrow lease was last ended for a wide one; changed under the lock of `leases`.
    widened_at: AtomicU64,
    pub opened: Instant,
    open_time: Duration,
    default_slots: u32,
    /// Held while the kernel is changed.
    pub composition: Mutex<Composition>,
    /// After `composition`, where both are held.
    pub modules: Mutex<Modules>,
    pub without: Without,
    /// Whether jobs' stores are counted in a digest.
    pub write_digests: bool,
    /// Ends of loops that a round may pass through.
    pub most_passes: u32,
    /// Held while a segment is added for a buffer.
    growing: Mutex<()>,
    /// Tenants with limits in time.
    limited: Mutex<Vec<Arc<Inner>>>,
    /// The rate of fuel of all tenants together.
    common_rate: Common,
    /// How fast the clocks of all workers go together, in units per second: an f64.
    time_rate: AtomicU64,
    pub cache: Cache,
    /// The runtime's own tenant; its jobs are the control jobs.
    control: Mutex<Option<Arc<Inner>>>,
    /// Control jobs that have completed, by position, until whoever asked for them takes the answer.
    answers: Mutex<HashMap<u64, Completion>>,
    /// What all tenants together have.
    pub quota: Arc<Account>,
    /// Which tenants were picked when.
    pub picks: Mutex<Picks>,
    pub recorder: Option<Recorder>,
    pub metrics: Arc<Metrics>,
    pub spans: Option<Arc<Spans>>,
    /// An experiment's.
    pub breakdown: Option<(u32, Breakdown)>,
    pub device: Arc<Device>,
}

/// Of the budget of loop iterations that a capped driver leaves to a lease, what one round may take.
const CAPPED_ROUND_FUEL: u32 = 24_000;
/// Of the loops' ends that a round passes through whatever it runs, the most.
const CAPPED_PASSES: u32 = 1_000;
/// Loop iterations of the core that are not counted one by one.
const CAP_MARGIN: u32 = 1_500 + CAPPED_PASSES + CAPPED_ROUND_FUEL / 128;
/// Without a cap a round may take so many.
const ROUND_FUEL: u32 = 1 << 26;
/// A narrow lease is ended for a wide one at most this often.
const WIDEN_EVERY_NS: u64 = 10_000_000;
/// The most opcodes of a tenant's window.
const MOST_OPCODES: u32 = 1 << 16;
/// Slots of all rings: a tenant's entry has 27 bits for its first one.
const MOST_SLOTS: u32 = 1 << 27;
/// Slots of the runtime's own ring.
const CONTROL_SLOTS: u32 = 16;

impl Engine {
    fn open(
        options: &RuntimeOptions,
        recorder: Option<RecorderOptions>,
    ) -> Result<Arc<Self>, Error> {
        let opened = Instant::now();
        let clock = Clock::start();
        check_options(options)?;
        let write_digests = options.write_digests || recorder.is_some();
        let instance = Arc::new(Instance::new(options.validate)?);
        let from_environment = std::env::var("ROTA_DEVICE").ok().filter(|v| !v.is_empty());
        let wanted = options.device.as_deref().or(from_environment.as_deref());
        let candidate = choose::choose(instance.candidates()?, wanted)?;
        let device = Arc::new(Device::open(instance, candidate)?);
        let cache = Cache::new(options.cache_dir.as_deref(), options.no_cache);
        let mut probe = Probe::of(&device, &cache)?;
        if options.experiment().ignore_loop_cap {
            probe.loop_cap = 0;
        }
        let mode = match options.mode {
            Mode::Auto if probe.live => Mode::Resident,
            Mode::Auto => Mode::Batch,
            Mode::Resident if !probe.live => {
                return Err(Error::NotResident(format!(
                    "on '{}' a running kernel did not see the host's writes in order ({} messages came through, {} torn)",
                    device.info.name, probe.rounds, probe.torn_messages
                )))
            }
            mode => mode,
        };

        let default_slots = if options.slots == 0 {
            1024
        } else {
            options.slots
        };
        let most_slots = (device.limits.max_storage_range / 64).min(MOST_SLOTS as u64) as u32;
        let tenants = if options.max_tenants == 0 {
            4096
        } else {
            options.max_tenants
        } + 1;
        let on_cpu = device.info.is_cpu();
        let budget = if on_cpu { u32::MAX } else { 1 << 18 };
        let total_slots = (tenants as u64 * default_slots as u64 + CONTROL_SLOTS as u64)
            .min(most_slots as u64)
            .min(budget.max(default_slots + CONTROL_SLOTS) as u64) as u32;
        let shared = SharedMemory::new(
            &device,
            tenants,
            total_slots,
            mode == Mode::Batch,
            write_digests,
        )?;
        shared.set_epoch(options.first_epoch);
        shared.set_round(options.first_round);
        let memory = Memory::new(&device, shared.buffer_table());
        memory.add_segment(options.memory_bytes.max(16))?;
        memory.bound(1);
        let layout = Arc::new(Layout::new(
            &device,
            binding::SEGMENT + 2 * memory.max_segments(),
            size_of::<Push>() as u32,
        )?);
        let without = options.experiment().without;
        let shape = KernelShape {
            lanes: device.limits.subgroup_size,
            segments: 1,
            lockstep: on_cpu,
            torn_records: probe.torn_records != 0,
            digests: write_digests,
            without,
        };
        let composed = kernel::compose(shape, &[standard::module()])?;
        let pipeline = Pipeline::new(&device, &layout, &cache, &composed.spirv)?;
        let table = Allocation::zeroed(&device, 16, crate::device::memory::Use::HostWrites)?;
        let bindings = Arc::new([shared.bindings(), memory.bindings(1)].concat());
        let mut current = Current {
            pipeline: Arc::new(pipeline),
            bindings,
            version: 0,
            table: Arc::new(table),
        };
        current.use_table(current.table.clone());

        let lanes = device.limits.subgroup_size;
        let (round_fuel, lease_fuel) = match probe.loop_cap {
            0 => (ROUND_FUEL, None),
            cap => {
                let round = CAPPED_ROUND_FUEL.min(cap / 3);
                (
                    round,
                    Some(cap.saturating_sub(round + CAP_MARGIN).max(cap / 4)),
                )
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get()) as u32;
        let workers = match options.workers {
            0 if on_cpu => cores.min(16),
            0 => 128,
            n => n,
        };
        // SAFETY: the list's memory is part of `shared`, which lives in the same engine, and only the list writes it.
        let active = unsafe { ActiveList::new(shared.control(), shared.active_list(), tenants) };
        let most = match options.most_fuel {
            0 => u32::MAX,
            most => most,
        };
        let (most_scalar_fuel, most_tile_fuel) =
            (round_fuel.min(most), (round_fuel / lanes).min(most));
        let about = |device: &DeviceInfo| About {
            device: device.name.clone(),
            driver: format!("{} {}", device.driver, device.driver_info),
            mode: match mode {
                Mode::Batch => "batch",
                _ => "resident",
            },
            lanes,
            options: [
                ("workers", workers as u64),
                ("slots", default_slots as u64),
                ("max_tenants", options.max_tenants as u64),
                ("memory_bytes", options.memory_bytes),
                ("most_fuel", options.most_fuel as u64),
                ("lease_fuel", options.lease_fuel as u64),
            ]
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .into(),
        };
        let recorder = recorder
            .map(|wanted| Recorder::open(&wanted, about(&device.info)))
            .transpose()?;
        let trace = options.trace || std::env::var_os("ROTA_TRACE").is_some_and(|v| v == "1");
        let metrics = Arc::new(Metrics::new(clock, options.max_series, trace));
        for standard in standard::STANDARD {
            metrics.name_handler(standard.opcode, "rota", standard.name);
        }
        metrics.decide(Action::ModeChosen, 0, || {
            format!(
                "{mode:?}: {} live messages, {} torn",
                probe.rounds, probe.torn_messages
            )
        });
        let spans = options.spans.as_ref();
        if spans.is_some() && !HAS_METRICS {
            return Err(Error::NoMetrics);
        }
        // SAFETY: the word lies in `shared`, which lives in the same engine. What uses the tap are the rings of the engine, and the
        // sidecar, which ends before it does.
        let spans = spans.map(|spans| unsafe { Spans::new(spans, shared.epoch_word()) });
        let engine = Arc::new(Self {
            memory,
            doorbell: Doorbell::new(),
            active,
            watch: Watch::new(),
            registry: Registry::new(tenants, total_slots, options.first_position as u64),
            handlers: standard_handlers(most_scalar_fuel, most_tile_fuel),
            counts: Counts::default(),
            epoch: AtomicU64::new(options.first_epoch as u64),
            current: Mutex::new(current),
            leases: Mutex::new(Leases::default()),
            lease_ended: Condvar::new(),
            layout,
            mode,
            probe,
            workers,
            cores,
            idle_limit: match options.idle_limit_ns {
                0 => Some(Duration::from_micros(200)),
                u64::MAX => None,
                ns => Some(Duration::from_nanos(ns)),
            },
            round_fuel,
            lease_fuel: match (lease_fuel, options.lease_fuel) {
                (fixed, 0) => fixed,
                (None, wish) => Some(wish),
                (Some(most), wish) => Some(wish.min(most)),
            },
            most_scalar_fuel,
            most_tile_fuel,
            all_take_scalars: !on_cpu,
            state: AtomicU32::new(RUNNING),
            spinners: AtomicI64::new(0),
            tiled_at: AtomicU64::new(0),
            widened_at: AtomicU64::new(0),
            opened,
            open_time: Duration::ZERO,
            default_slots,
            composition: Mutex::new(Composition::new(1)),
            modules: Mutex::new(Modules::default()),
            without,
            write_digests,
            most_passes: match probe.loop_cap {
                0 => u32::MAX,
                _ => CAPPED_PASSES,
            },
            growing: Mutex::new(()),
            limited: Mutex::default(),
            common_rate: Common::new(options.quota.fuel_per_second),
            time_rate: AtomicU64::new(1e8f64.to_bits()),
            cache,
            control: Mutex::new(None),
            answers: Mutex::new(HashMap::new()),
            quota: Arc::new(Account::of_runtime(&options.quota)),
            picks: Mutex::new(Picks::default()),
            recorder,
            metrics,
            spans: spans.transpose()?.map(Arc::new),
            breakdown: options.experiment().breakdown,
            shared,
            device,
        });
        Ok(engine)
    }

    fn add_tenant(
        self: &Arc<Self>,
        slots: u32,
        options: &TenantOptions,
    ) -> Result<Arc<Inner>, Error> {
        let mut last_try = false;
        let seat = loop {
            match self.registry.reserve(slots) {
                Ok(reserved) => break reserved,
                Err(e) if last_try => return Err(e),
                Err(_) => {}
            }
            // What waits for a lease to end comes free by ending it, or just came free by itself; and others may be
            // quicker to take it.
            last_try = self.registry.leaving() == 0;
            if !last_try {
                self.end_leases()?;
            }
        };
        let (index, range) = (seat.index, seat.range);
        let weight = match options.weight {
            0 => WEIGHT,
            weight => weight,
        };
        let group = options.group;
        let memory = self
            .shared
            .give_ring(index, range.base, range.size, seat.first, weight, group);
        let words = TenantWords {
            done: self.shared.done(index),
            cursor: self.shared.cursor(index),
            fuel: self.shared.fuel_word(index),
            notify_at: &self.shared.tenant(index).notify_at,
        };
        // Control jobs are nobody's.
        let pool = self.quota.slots.clone().filter(|_| index != 0);
        let timing = (index != 0).then(|| {
            let spans = self.spans.as_ref();
            let id = id_of(index, seat.generation);
            let pipe = spans.map(|s| Pipe::new(s.tap.clone(), &options.label, id, range.size));
            self.metrics.timing(index, pipe)
        });
        let ring = Ring::new(memory, words, seat.first)
            .sharing(pool)
            .timed(timing.flatten())
            .telling_all(self.recorder.is_some());
        ring.epoch
            .store(self.epoch.load(Ordering::Relaxed), Ordering::Relaxed);
        let inner = Arc::new(Inner::new(self.clone(), seat, options, ring));
        self.registry.add(&inner);
        self.limit(&inner);
        Ok(inner)
    }

    /// Whether every job that was published has ended. Who asks sees to it that no more are.
    pub fn has_no_open_job(&self) -> bool {
        let tenants = self.registry.all();
        let done = |inner: &Arc<Inner>| inner.ring.all_finished_soon(inner.ring.head());
        tenants.iter().all(done)
    }

    /// The device-wide epoch in full.
    pub fn epoch_now(&self) -> u64 {
        let known = self.epoch.load(Ordering::Relaxed);
        let passed = self.shared.epoch().wrapping_sub(known as u32) as i32;
        known.wrapping_add_signed(passed.into())
    }

    /// Tells the kernel of a tenant's limits, which have changed.
    pub fn limit(&self, inner: &Arc<Inner>) {
        let mut limited = lock(&self.limited);
        let group = self
            .shared
            .tenant(inner.index)
            .group
            .load(Ordering::Relaxed);
        let in_time = match inner.index {
            // Control jobs are nobody's.
            0 => 0,
            _ => inner.limits.bits(&self.common_rate),
        };
        let bits = in_time | if group == 0 { 0 } else { listed::GROUP };
        if in_time != 0 {
            // Before the kernel heeds it.
            self.refill(inner, Instant::now());
        }
        limited.retain(|t| t.index != inner.index);
        if in_time != 0 && !inner.is_destroyed() {
            limited.push(inner.clone());
        }
        self.active.set_limits(inner.index, &inner.listing, bits);
        drop(limited);
        // The pump may sleep until the time that the old limits gave.
        if inner.ring.has_open_jobs() {
            self.doorbell.ring();
        }
    }

    /// Brings what a tenant may use up to now, if it has limits. Gives how long it has to wait, if it has to.
    pub fn wait_for_limits(&self, inner: &Arc<Inner>, now: Instant) -> Option<Duration> {
        // Under the lock: without it the tenant may be gone, and its entry another's.
        let limited = lock(&self.limited);
        let still = limited.iter().any(|t| Arc::ptr_eq(t, inner));
        still.then(|| self.refill(inner, now)).flatten()
    }

    fn refill(&self, inner: &Inner, now: Instant) -> Option<Duration> {
        let (fuel, time) = (self.shared.fuel(inner.index), self.shared.time(inner.index));
        let time_rate = f64::from_bits(self.time_rate.load(Ordering::Relaxed));
        let allowed = inner
            .limits
            .refill(fuel, time, time_rate, &self.common_rate, now);
        let entry = self.shared.tenant(inner.index);
        entry
            .fuel_until
            .store(allowed.fuel_until, Ordering::Relaxed);
        entry
            .time_until
            .store(allowed.time_until, Ordering::Release);
        allowed.wait
    }

    /// The same of all that have limits.
    pub fn refill_all(&self) {
        let limited = lock(&self.limited);
        if !limited.is_empty() {
            let now = Instant::now();
            let working = limited.iter().filter(|t| t.ring.has_open_jobs()).count();
            self.common_rate.set_sharers(working as u32);
            for inner in limited.iter() {
                let fuel = self.shared.fuel(inner.index);
                inner.limits.count(fuel, &self.common_rate);
            }
            limited.iter().for_each(|inner| {
                self.refill(inner, now);
            });
        }
    }

    /// By the pump: all workers' clocks went so fast, in units per second.
    pub fn measured_time(&self, rate: f64) {
        let before = f64::from_bits(self.time_rate.load(Ordering::Relaxed));
        let now = before + (rate - before) / 16.0;
        self.time_rate.store(now.to_bits(), Ordering::Relaxed);
    }

    /// Revokes what a tenant has left, and lets go of its ring and buffers. It is gone, and its publishers have left.
    pub fn remove_tenant(&self, inner: &Inner) -> Result<(), Error> {
        // What runs sees this at its next look, before a worker has time for the control job.
        let state = &self.shared.tenant(inner.index).state;
        state.store(tenant_state::REVOKED, Ordering::Release);
        for handle in self.memory.owned_by(inner.index) {
            // Mapped buffers go too: after this nobody has a handle to unmap them by.
            let head = inner.ring.head();
            self.end_grants(self.memory.abandon(handle, inner.index, head));
        }
        let revoked = self
            .revoke(inner, None)
            .and_then(|_| self.take_all(inner))
            .or_else(|e| match self.has_ended() {
                // Nothing runs any more: all that is left can be taken.
                true => self.take_all(inner),
                false => Err(e),
            });
        if revoked.is_ok() {
            self.active.remove(inner.index, &inner.listing);
            let mut limited = lock(&self.limited);
            if limited.iter().any(|t| t.index == inner.index) {
                // The last that the common rate hears of it.
                self.refill(inner, Instant::now());
            }
            limited.retain(|t| t.index != inner.index);
            drop(limited);
            inner.ledger.stop_following();
            lock(&self.modules).tenant_left(inner.index);
            let launched = lock(&self.leases).launched;
            self.registry.remove(inner, launched);
        }
        revoked
    }

    /// Closes a tenant on the device by control jobs, which complete what has not begun as REVOKED; waits for them, at
    /// most until `deadline`. Gives the epoch at which it was closed. No publisher is inside.
    pub fn revoke(&self, inner: &Inner, deadline: Option<Instant>) -> Result<u64, Error> {
        let head = inner.ring.head() as u32 & POSITION_MASK;
        let started = Instant::now();
        loop {
            let mut revoking = lock(&inner.revoking);
            if revoking.is_over {
                return Ok(revoking.epoch);
            }
            match revoking.asked {
                None => {
                    let mut job = Job {
                        opcode: control_op::REVOKE,
                        flags: flag::TIMING,
                        ..Job::default()
                    };
                    job.args[..2].copy_from_slice(&[inner.index, head]);
                    revoking.asked = self.ask_control(job)?;
                }
                Some(position) => {
                    if let Some(answer) = self.control_answer(position)? {
                        revoking.asked = None;
                        if answer.status != completion_status::OK {
                            return Err(self.why_stopped());
                        }
                        if !std::mem::replace(&mut revoking.is_closed, true) {
                            revoking.epoch = answer.end_epoch;
                        }
                        revoking.is_over = answer.results[0] == 0;
                        continue;
                    }
                }
            }
            drop(revoking);
            pause(started, deadline)?;
        }
    }

    /// Takes all completions of a tenant that nobody else will take, when they are there.
    fn take_all(&self, inner: &Inner) -> Result<(), Error> {
        let mut taken = [Completion::default(); 64];
        while !inner.ring.is_empty() {
            let ended = self.has_ended();
            match inner.ring.take(&mut taken, |p| inner.ticket(p)) {
                0 if ended => return Err(self.why_stopped()),
                0 => std::thread::sleep(Duration::from_micros(20)),
                n => inner.record_taken(&taken[..n]),
            }
        }
        Ok(())
    }

    /// Publishes a control job; gives its position, or none while another one is in flight.
    fn ask_control(&self, job: Job) -> Result<Option<u64>, Error> {
        let control = lock(&self.control);
        let control = control.as_ref().ok_or_else(|| self.why_stopped())?;
        self.take_answers(control);
        if !control.ring.is_empty() {
            return Ok(None);
        }
        match control.ring.enter(1) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            // Nothing is over before the pump has said so.
            Err(_) if !self.has_ended() => return Ok(None),
            Err(_) => return Err(self.why_stopped()),
        }
        let position = control.ring.publish(&[job], |job| SlotWords {
            handler: job.opcode,
            flags: flag::CONTROL | flag::TIMING,
            fuel: 0,
        });
        let parked = self.doorbell.published();
        self.active.ensure(control.index, &control.listing);
        if parked {
            self.doorbell.ring();
        }
        control.ring.leave();
        Ok(Some(position))
    }

    /// The answer to a control job, when it is there. An error if it never will be.
    fn control_answer(&self, position: u64) -> Result<Option<Completion>, Error> {
        let control = lock(&self.control);
        if let Some(control) = &*control {
            self.take_answers(control);
        }
        match lock(&self.answers).remove(&position) {
            None if control.is_none() => Err(self.why_stopped()),
            answer => Ok(answer),
        }
    }

    /// Takes what control jobs have completed, whoever asked for them: who gave up waiting must not keep their slots.
    fn take_answers(&self, control: &Inner) {
        let mut answers = lock(&self.answers);
        let mut taken = [Completion::default(); CONTROL_SLOTS as usize];
        let count = control.ring.take(&mut taken, |position| position);
        answers.extend(taken[..count].iter().map(|c| (c.ticket, *c)));
    }

    // ------------------------------------------------------------ grants

    /// Starts to destroy what was granted of buffers that are gone.
    pub fn end_grants(&self, grants: Vec<Arc<Buffer>>) {
        for granted in grants {
            let tenant = self.registry.get(granted.owner);
            let head = tenant.map_or(0, |tenant| tenant.ring.head());
            // Whoever was granted it may have destroyed it meanwhile, which is as well.
            let _ = self.memory.destroy(granted.handle, granted.owner, head);
        }
    }

    /// Ends a grant, and waits until neither a job nor a thread of the other tenant can be in the middle of a use.
    pub fn take_back(&self, handle: u32, owner: &Inner, from: &Inner) -> Result<(), Error> {
        let launched = || lock(&self.leases).launched;
        let granted = self
            .memory
            .take_back(handle, owner.index, from.index, launched)?;
        let ended = self.end_leases();
        // The table and those that leave hold two; the others are threads that copy.
        while granted.strong_count() > 2 {
            std::thread::yield_now();
        }
        match ended {
            // No lease runs any more.
            Err(_) if self.has_ended() => Ok(()),
            ended => ended,
        }
    }

    // ------------------------------------------------------------ leases

    /// Ends every lease that was launched until now, and waits for it.
    pub fn end_leases(&self) -> Result<(), Error> {
        let mut leases = lock(&self.leases);
        let target = leases.launched;
        self.stop_leases(&mut leases);
        while (leases.ended.wrapping_sub(target) as i32) < 0 {
            if self.has_ended() {
                return Err(self.why_stopped());
            }
            leases = self
                .lease_ended
                .wait_timeout(leases, Duration::from_millis(50))
                .unwrap_or_else(|p| p.into_inner())
                .0;
        }
        drop(leases);
        self.reclaim();
        Ok(())
    }

    /// Tells all launched leases to end.
    pub fn stop_leases(&self, leases: &mut Leases) {
        let launched = leases.launched;
        self.stop_until(leases, launched);
    }

    /// Tells all leases up to this number to end.
    pub fn stop_until(&self, leases: &mut Leases, number: u32) {
        if (number.wrapping_sub(leases.stopped) as i32) > 0 {
            leases.stopped = number;
            self.shared
                .control()
                .stop_lease
                .store(number, Ordering::Release);
        }
    }

    /// Frees what waited for leases to end.
    pub fn reclaim(&self) {
        if self.memory.leaving() == 0 && self.registry.leaving() == 0 {
            return;
        }
        let leases = *lock(&self.leases);
        self.memory.reclaim(
            |owner, until| self.completed_until(owner, until),
            leases.launched,
            leases.ended,
        );
        self.registry.reclaim(leases.ended);
    }

    /// Frees what a tenant has destroyed, or any has, as far as nothing but the end of a lease is missing.
    pub fn reclaim_of(&self, owner: Option<u32>) -> Result<(), Error> {
        self.reclaim();
        if self.memory.waits_for_lease(owner) {
            self.end_leases()?;
        }
        Ok(())
    }

    /// Whether all jobs of a tenant before a position have completed.
    fn completed_until(&self, owner: u32, until: u32) -> bool {
        // A tenant that is gone has nothing left.
        let Some(inner) = self.registry.get(owner) else {
            return true;
        };
        let head = inner.ring.head();
        let until = head - ((head as u32).wrapping_sub(until) & POSITION_MASK) as u64;
        inner.ring.all_finished(until)
    }

    /// Makes the memory for a buffer that didn't fit.
    pub fn make_room(&self, bytes: u64) -> Result<(), Error> {
        let segments = self.memory.segments().0;
        let _growing = lock(&self.growing);
        if self.memory.segments().0 != segments {
            // Another thread made room meanwhile: try again.
            return Ok(());
        }
        if self.memory.unbound() != 0 {
            // One that an earlier attempt left behind.
            return self.use_segments();
        }
        if self.memory.leaving() != 0 {
            // Destroyed buffers whose jobs have completed need only a lease boundary, or two: one to stop being live and
            // one to be out of use.
            let before = self.memory.leaving();
            self.end_leases()?;
            self.end_leases()?;
            if self.memory.leaving() < before {
                return Ok(());
            }
        }
        self.memory.add_segment(bytes)?;
        self.use_segments()
    }

    /// Switches to a kernel that reaches all segments, and waits until no older one runs.
    pub fn use_segments(&self) -> Result<(), Error> {
        let mut composition = lock(&self.composition);
        let (segments, _) = self.memory.segments();
        let reach = segments.next_power_of_two().min(self.memory.max_segments());
        let before = composition.reach;
        let pipeline = if reach > before {
            composition.reach = reach;
            let made = self.compose(&mut composition, &self.composed_of(), None);
            if made.is_err() {
                composition.reach = before;
            }
            Some(made?)
        } else {
            None
        };
        {
            let mut current = lock(&self.current);
            if let Some(pipeline) = pipeline {
                current.pipeline = pipeline;
            }
            current.bindings = Arc::new(
                [
                    self.shared.bindings(),
                    self.memory.bindings(composition.reach),
                ]
                .concat(),
            );
            let table = current.table.clone();
            current.use_table(table);
        }
        drop(composition);
        self.end_leases()?;
        // Only now can no kernel take the new ones for another.
        self.memory.bound(segments);
        Ok(())
    }

    /// A second device, to try kernels out on.
    pub fn trial(&self) -> Result<Trial, Error> {
        Trial::new(
            &self.device.instance,
            self.device.info.index,
            binding::SEGMENT + 2 * self.memory.max_segments(),
            size_of::<Push>() as u32,
            &self.cache,
        )
    }

    /// The most fuel that a lane of such a job may be given.
    pub fn most_fuel(&self, tiled: bool) -> u32 {
        if tiled {
            self.most_tile_fuel
        } else {
            self.most_scalar_fuel
        }
    }

    pub fn alive(&self) -> Result<(), Error> {
        if self.is_stopping() {
            return Err(self.why_stopped());
        }
        Ok(())
    }

    // ------------------------------------------------------------ hints for the pump

    /// A caller spins, for as long as this lives.
    pub fn spinning(&self) -> Spinning<'_> {
        self.spinners.fetch_add(1, Ordering::Relaxed);
        Spinning(self)
    }

    /// By a submit of tiled jobs: a wide lease would help.
    #[inline]
    pub fn tiled_work(&self) {
        let now = self.opened.elapsed().as_nanos() as u64;
        self.tiled_at.store(now.max(1), Ordering::Relaxed);
        if self.workers > 1 && self.wants_wide() {
            let mut leases = lock(&self.leases);
            // Not again and again: beside callers that spin now and then the next lease may be narrow all the same.
            let before = self.widened_at.load(Ordering::Relaxed);
            if !leases.wide
                && leases.launched != leases.ended
                && now.saturating_sub(before) > WIDEN_EVERY_NS
            {
                self.widened_at.store(now, Ordering::Relaxed);
                self.stop_leases(&mut leases);
                self.metrics.decide(Action::LeaseWidened, 0, || {
                    format!(
                        "tiled jobs came to a lease of one worker, of {}",
                        self.workers
                    )
                });
            }
        }
    }

    /// Whether the next lease should have all workers. Beside spinning callers extra workers have a core only where
    /// there are enough of them.
    pub fn wants_wide(&self) -> bool {
        let at = self.tiled_at.load(Ordering::Relaxed);
        if at == 0 || self.workers == 1 {
            return false;
        }
        let recent = self.opened.elapsed().as_nanos() as u64 - at < 1_000_000_000;
        let spinners = self.spinners.load(Ordering::Relaxed).max(0) as u32;
        // More workers than cores there are only where the caller asked for them.
        let fit = spinners + self.workers <= self.cores || self.workers > self.cores;
        recent && (self.all_take_scalars || fit)
    }

    // ------------------------------------------------------------ the end

    /// Whether no job will run any more.
    pub fn has_ended(&self) -> bool {
        matches!(self.state.load(Ordering::Acquire), STOPPED | LOST)
    }

    /// The kernel is about to run, after a while in which it didn't.
    pub fn wakes(&self) {
        self.metrics.time_passes(false);
        if let Some(spans) = &self.spans {
            spans.tap.kernel_wakes();
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.state.load(Ordering::Acquire) != RUNNING
    }

    pub fn why_stopped(&self) -> Error {
        if self.state.load(Ordering::Acquire) == LOST {
            Error::DeviceLost
        } else {
            Error::Stopped
        }
    }

    pub fn info(&self) -> RuntimeInfo {
        let (segments, segment_bytes) = self.memory.segments();
        let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
        RuntimeInfo {
            device: self.device.info.clone(),
            mode: self.mode,
            probe: self.probe,
            workers: self.workers,
            max_tenants: self.shared.max_tenants - 1,
            tenants_fit: ((self.shared.total_slots - CONTROL_SLOTS) / self.default_slots)
                .min(self.shared.max_tenants - 1),
            tenants: self.registry.count().saturating_sub(1),
            slots: self.default_slots,
            ring_bytes: self.shared.ring_bytes(),
            segments,
            segment_bytes,
            leases: count(&self.counts.leases),
            notified: count(&self.counts.notified),
            wakes: count(&self.counts.wakes),
            parks: count(&self.counts.parks),
            jobs: count(&self.counts.jobs),
            tiles: count(&self.counts.tiles),
            parked: self.doorbell.is_parked(),
            open: self.open_time,
            compile: lock(&self.current).pipeline.compile,
            most_scalar_fuel: self.most_scalar_fuel,
            most_tile_fuel: self.most_tile_fuel,
        }
    }

    /// By the pump, when no lease runs and none will: open jobs get their last status.
    pub fn ended(&self, lost: bool) {
        // First, so that a publisher who waits for a lease to end gives up and leaves.
        self.state
            .store(if lost { LOST } else { STOPPED }, Ordering::Release);
        self.lease_ended.notify_all();
        for inner in self.registry.all() {
            inner.stop();
            inner.ring.end(Self::end_status(lost));
        }
        self.watch.stop();
    }
}

/// See `Engine::spinning`.
pub(crate) struct Spinning<'a>(&'a Engine);

impl Drop for Spinning<'_> {
    fn drop(&mut self) {
        self.0.spinners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long after its begin a wait looks without a pause.
const LOOKS_WITHOUT_PAUSE: Duration = Duration::from_micros(30);

/// Between two looks of a wait that began at `started`.
pub(crate) fn pause(started: Instant, deadline: Option<Instant>) -> Result<(), Error> {
    let now = Instant::now();
    if deadline.is_some_and(|deadline| now >= deadline) {
        return Err(Error::Timeout);
    }
    if now - started > LOOKS_WITHOUT_PAUSE {
        std::thread::sleep(Duration::from_micros(20));
    } else {
        std::hint::spin_loop();
    }
    Ok(())
}

fn check_options(options: &RuntimeOptions) -> Result<(), Error> {
    let value = |what, value: u32, allowed| {
        Err(Error::InvalidValue {
            what,
            value: value as u64,
            allowed,
        })
    };
    if options.slots != 0 && (!options.slots.is_power_of_two() || options.slots > MAX_SLOTS) {
        return value("slots", options.slots, "a power of two up to 1048576");
    }
    if options.max_tenants > 65_535 {
        return value("max_tenants", options.max_tenants, "at most 65535");
    }
    if options.max_series > 65_535 {
        return value("max_series", options.max_series, "at most 65535");
    }
    if options.workers as usize > MAX_WORKERS {
        return value("workers", options.workers, "at most 256");
    }
    if options.first_position > POSITION_MASK {
        return value("first_position", options.first_position, "below 2^31");
    }
    Ok(())
}

struct Threads {
    pump: Option<JoinHandle<()>>,
    watch: Option<JoinHandle<()>>,
    checkpoints: Option<JoinHandle<()>>,
    spans: Option<JoinHandle<()>>,
    metrics: Option<Server>,
}

struct Shared {
    engine: Arc<Engine>,
    threads: Mutex<Threads>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop();
        // Completions can be taken until now.
        if let Some(spans) = &self.engine.spans {
            spans.stop();
        }
        if let Some(thread) = lock(&self.threads).spans.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stop(&self) {
        let engine = &self.engine;
        // Not under the lock: what a provider does on the server's thread may want it.
        let server = lock(&self.threads).metrics.take();
        if let Some(server) = server {
            server.stop();
        }
        let mut threads = lock(&self.threads);
        if threads.pump.is_none() {
            return;
        }
        let _ =
            engine
                .state
                .compare_exchange(RUNNING, STOPPING, Ordering::AcqRel, Ordering::Acquire);
        let recorder = engine.recorder.as_ref();
        if let Some(checkpoints) = recorder.and_then(Recorder::checkpoints) {
            checkpoints.stop();
        }
        for inner in engine.registry.all() {
            inner.stop();
        }
        engine.stop_leases(&mut lock(&engine.leases));
        engine.doorbell.ring();
        let all = [
            threads.pump.take(),
            threads.watch.take(),
            threads.checkpoints.take(),
        ];
        for thread in all.into_iter().flatten() {
            // A thread that panicked has said so; there is nothing else to do about it here.
            let _ = thread.join();
        }
        // Tenants hold the engine, and the engine holds these: let go.
        lock(&engine.control).take();
        lock(&engine.limited).clear();
    }
}

/// One opened device with its kernel. Clones are the same runtime; dropping the last one stops it. Tenants stay valid
/// after that: what they still have can be polled.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

impl Runtime {
    /// Opens a device and makes its kernel. The kernel starts with the first job.
    pub fn open(options: &RuntimeOptions) -> Result<Self, Error> {
        let recorder = match &options.recorder {
            Some(recorder) => Some(recorder.clone()),
            None => RecorderOptions::from_environment()?,
        };
        // First: it is quick, and says so at once if it can't be.
        let socket = Bound::wanted(options.metrics_socket.as_deref())?;
        let runtime = Self::open_recorded(options, recorder)?;
        if let Some(socket) = socket {
            let server = socket.serve(runtime.0.engine.clone())?;
            lock(&runtime.0.threads).metrics = Some(server);
        }
        Ok(runtime)
    }

    /// The same with this recorder or none, whatever the options and the environment say.
    pub(crate) fn open_recorded(
        options: &RuntimeOptions,
        recorder: Option<RecorderOptions>,
    ) -> Result<Self, Error> {
        let started = Instant::now();
        let mut engine = Engine::open(options, recorder)?;
        if let Some(engine) = Arc::get_mut(&mut engine) {
            engine.open_time = started.elapsed();
        }
        let wanted_spans = options.spans.as_ref();
        let options = TenantOptions {
            label: "rota".into(),
            class: Class::Interactive,
            ..TenantOptions::default()
        };
        let control = engine.add_tenant(CONTROL_SLOTS, &options)?;
        *lock(&engine.control) = Some(control);
        let watch = engine.watch.start().map_err(|source| Error::System {
            what: "starting the watcher thread",
            source,
        })?;
        let pump = pump::start(&engine);
        let pump = match pump {
            Ok(pump) => pump,
            Err(e) => {
                engine.watch.stop();
                let _ = watch.join();
                lock(&engine.control).take();
                return Err(e);
            }
        };
        let threads = Mutex::new(Threads {
            pump: Some(pump),
            watch: Some(watch),
            checkpoints: None,
            spans: None,
            metrics: None,
        });
        let runtime = Self(Arc::new(Shared { engine, threads }));
        // From here on an error stops the other threads.
        let checkpoints = start_checkpoints(&runtime.0.engine)?;
        lock(&runtime.0.threads).checkpoints = checkpoints;
        let sidecar = runtime.start_sidecar(wanted_spans)?;
        lock(&runtime.0.threads).spans = sidecar;
        runtime.log_what_was_found();
        Ok(runtime)
    }

    fn start_sidecar(
        &self,
        options: Option<&SpanOptions>,
    ) -> Result<Option<JoinHandle<()>>, Error> {
        let engine = &self.0.engine;
        let (Some(spans), Some(options)) = (&engine.spans, options) else {
            return Ok(None);
        };
        let device = &engine.device.info;
        let origin = Origin {
            version: crate::VERSION,
            device: device.name.clone(),
            driver: format!("{} {}", device.driver, device.driver_info),
            mode: match engine.mode {
                Mode::Batch => "batch",
                _ => "resident",
            },
        };
        let is_live = engine.mode == Mode::Resident;
        Ok(Some(spans.start(
            options,
            &origin,
            &engine.metrics,
            is_live,
        )?))
    }

    fn spans(&self) -> Result<&Spans, Error> {
        self.has_metrics()?;
        let spans = self.0.engine.spans.as_deref();
        spans.ok_or(Error::WrongState(
            "the runtime makes no spans: name an exporter when it is opened",
        ))
    }

    /// How the queue of spans and their exporters are doing.
    pub fn span_stats(&self) -> Result<SpanStats, Error> {
        Ok(self.spans()?.stats())
    }

    /// Returns when the spans of all completions that were taken before are exported, or were given up.
    pub fn flush_spans(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now().checked_add(timeout);
        match self.spans()?.flush(deadline) {
            true => Ok(()),
            false => Err(Error::Timeout),
        }
    }

    fn log_what_was_found(&self) {
        let info = self.info();
        let live = if info.probe.live {
            "works"
        } else {
            "doesn't work"
        };
        log::info!(
            "opened {} ({} {}), {:?} mode with {} workers of {} lanes, in {:.0?}, of which the kernel's pipeline took {:.0?}",
            info.device.name,
            info.device.driver,
            info.device.driver_info,
            info.mode,
            info.workers,
            info.device.subgroup_size,
            info.open,
            info.compile
        );
        log::info!(
            "the probe: live polling {live}, {} torn records, loop cap {}; rings of {} slots for {} tenants",
            info.probe.torn_records,
            match info.probe.loop_cap {
                0 => "none".to_string(),
                cap => cap.to_string(),
            },
            info.slots,
            info.tenants_fit
        );
    }

    pub fn info(&self) -> RuntimeInfo {
        self.0.engine.info()
    }

    /// Registers a tenant.
    pub fn create_tenant(&self, options: &TenantOptions) -> Result<Tenant, Error> {
        let engine = &self.0.engine;
        if engine.is_stopping() {
            return Err(engine.why_stopped());
        }
        let slots = if options.slots == 0 {
            engine.default_slots
        } else {
            options.slots
        };
        if !slots.is_power_of_two() || slots > MAX_SLOTS {
            let allowed = "a power of two up to 1048576";
            return Err(Error::InvalidValue {
                what: "slots",
                value: slots as u64,
                allowed,
            });
        }
        if options.opcodes > MOST_OPCODES {
            return Err(Error::InvalidValue {
                what: "opcodes",
                value: options.opcodes as u64,
                allowed: "at most 65536",
            });
        }
        if options.fuel > engine.most_scalar_fuel {
            return Err(Error::InvalidFuel {
                fuel: options.fuel,
                most: engine.most_scalar_fuel,
            });
        }
        let value = |what, value: u32, allowed| {
            Err(Error::InvalidValue {
                what,
                value: value as u64,
                allowed,
            })
        };
        if options.weight > MOST_WEIGHT {
            return value(
                "weight",
                options.weight,
                "1 to 10000, or 0 for the default of 100",
            );
        }
        if options.share_permille > 1000 {
            return value("share_permille", options.share_permille, "at most 1000");
        }
        if options.group >= engine.shared.max_tenants {
            return value("group", options.group, "at most the runtime's max_tenants");
        }
        let tenant = Tenant(engine.add_tenant(slots, options)?);
        if engine.is_stopping() {
            // The stop may have missed it, and somebody may have found it by its id.
            tenant.0.stop();
            let state = engine.state.load(Ordering::Acquire);
            if matches!(state, STOPPED | LOST) {
                tenant.0.ring.end(Engine::end_status(state == LOST));
            }
            return Err(engine.why_stopped());
        }
        let pairs = [
            ("slots", slots),
            ("opcodes", options.opcodes),
            ("fuel", options.fuel),
            ("weight", options.weight),
            ("class", options.class as u32),
            ("share_permille", options.share_permille),
            ("group", options.group),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_string(), value.to_string()));
        tenant.0.record_event(TenantEvent::Created, pairs.into());
        Ok(tenant)
    }

    /// The ids of all tenants that are registered, in order.
    pub fn tenants(&self) -> Vec<u64> {
        let tenants = self.0.engine.registry.all();
        let there = |t: &&Arc<Inner>| t.index != 0 && !t.is_destroyed();
        let mut ids: Vec<u64> = tenants.iter().filter(there).map(|t| t.id()).collect();
        ids.sort_unstable();
        ids
    }

    /// The tenant with that id, unless it was destroyed.
    pub fn tenant(&self, id: u64) -> Option<Tenant> {
        let found = self.0.engine.registry.find(id)?;
        (found.index != 0 && !found.is_destroyed()).then(|| Tenant(found))
    }

    /// Fills `out` with the counters of all registered tenants, as many as it holds, sorted by id; gives how many there
    /// are.
    pub fn counters(&self, out: &mut [TenantCounters]) -> usize {
        let ids = self.tenants();
        let tenants = ids.iter().filter_map(|&id| self.tenant(id));
        let mut count = 0;
        for tenant in tenants {
            if let Some(place) = out.get_mut(count) {
                *place = tenant.counters();
            }
            count += 1;
        }
        count
    }

    /// Picks tenants that may run side by side: as many of `ids` as go together, so that none of the others could be
    /// added. `conflicts` has a row for each of them with a mark for each that it must not run beside; a mark in either
    /// direction counts, and those with itself don't. Who was not picked for longest comes first, so that within as many
    /// calls as there are tenants each is picked. `out`, at least as long as `ids`, gets the indices of those picked, in
    /// rising order; gives how many.
    pub fn pick(&self, ids: &[u64], conflicts: &[u8], out: &mut [u32]) -> Result<usize, Error> {
        let registry = &self.0.engine.registry;
        let known = |id: u64| registry.find(id).is_some_and(|t| t.index != 0);
        lock(&self.0.engine.picks).pick(ids, conflicts, out, known)
    }

    /// Loads a module that no tenant owns. Tenants can call its handlers once it is granted to them.
    pub fn module_load(&self, options: &ModuleOptions) -> Result<(u32, ModuleReport), Error> {
        self.0.engine.alive()?;
        for handler in &options.handlers {
            if !(FIRST_LOADED..FIRST_LOADED + MOST_OPCODES).contains(&handler.opcode) {
                return Err(Error::OutsideWindow {
                    opcode: handler.opcode,
                    first: FIRST_LOADED,
                    last: FIRST_LOADED + MOST_OPCODES - 1,
                });
            }
        }
        self.0.engine.module_load(None, options)
    }

    /// As `Tenant::module_replace`, for all tenants that the module was granted to.
    pub fn module_replace(
        &self,
        module: u32,
        options: &ModuleOptions,
    ) -> Result<ModuleReport, Error> {
        self.0.engine.alive()?;
        self.0.engine.module_replace(None, module, options)
    }

    /// As `Tenant::module_unload`, for all tenants that the module was granted to.
    pub fn module_unload(&self, module: u32, timeout_ns: u64) -> Result<(), Error> {
        self.0.engine.alive()?;
        self.0.engine.module_unload(None, module, timeout_ns)
    }

    /// Lets a tenant call the handlers of one of the runtime's modules, by the module's opcodes: these must be free in
    /// the tenant's window.
    pub fn module_grant(&self, module: u32, tenant: &Tenant) -> Result<(), Error> {
        self.0.engine.alive()?;
        self.own(tenant)?;
        self.0.engine.module_grant(module, &tenant.0)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn own(&self, tenant: &Tenant) -> Result<(), Error> {
        match Arc::ptr_eq(&self.0.engine, &tenant.0.engine) {
            true => Ok(()),
            false => Err(Error::InvalidArgument(
                "the tenant belongs to another runtime",
            )),
        }
    }

    fn recorder(&self) -> Result<&Recorder, Error> {
        let recorder = self.0.engine.recorder.as_ref();
        recorder.ok_or(Error::WrongState(
            "the runtime has no flight recorder: name a log when it is opened",
        ))
    }

    /// How the flight recorder is doing.
    pub fn recorder_state(&self) -> Result<RecorderState, Error> {
        Ok(self.recorder()?.state())
    }

    /// Returns when all that was recorded before is durable; gives the first number of the log that may not be.
    pub fn recorder_sync(&self, timeout: Duration) -> Result<u64, Error> {
        self.recorder()?.sync(timeout)
    }

    /// Adds the caller's own evidence of a failure to the log: of a job, if `ticket` is not 0.
    pub fn recorder_note(
        &self,
        tenant: Option<&Tenant>,
        ticket: u64,
        class: EvidenceClass,
        code: i32,
        bytes: &[u8],
    ) -> Result<(), Error> {
        tenant.map_or(Ok(()), |tenant| self.own(tenant))?;
        let tenant = tenant.map_or(0, |tenant| tenant.0.id());
        self.recorder()?
            .evidence(tenant, ticket, class, code, bytes)
    }

    /// Stops the kernel. Jobs that have not finished complete as CANCELLED and can still be polled; a tiled job may have
    /// run in part. Nothing more is accepted. Stopping twice does nothing.
    pub fn stop(&self) -> Result<(), Error> {
        self.0.stop();
        Ok(())
    }
}

/// The devices that there are, in the driver's order.
pub fn devices() -> Result<Vec<DeviceInfo>, Error> {
    let instance = Instance::new(false)?;
    Ok(instance.candidates()?.into_iter().map(|c| c.info).collect())
}
