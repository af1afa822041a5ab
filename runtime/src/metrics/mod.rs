//! Metrics: what is counted where the work is done, read in one go.
//!
//! Nothing on the way of a job looks anything up, locks or allocates for them: a tenant has its counters from when it is made,
//! and what happens to completions is counted under the lock that taking them needs anyway. `series` says which tenants are
//! told apart by their labels, `exposition` writes it all in standard formats.

mod decisions;
mod exposition;
mod families;
mod providers;
mod series;
pub(crate) mod socket;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use decisions::Decisions;
pub use decisions::{Action, Decision, ACTIONS};
pub use exposition::Format;
pub use families::{families, Family, Kind};
use providers::Providers;
pub use providers::{not_in_provider, Sink};
pub(crate) use series::Seat as SeriesSeat;
use series::{Places, Table};

use crate::error::Error;
use crate::memory::OutputStats;
use crate::ring::calls::Calls;
use crate::ring::clock::Clock;
pub use crate::ring::latency::LatencySums;
use crate::ring::layout::leave;
use crate::ring::span::Pipe;
use crate::ring::submission::{Ages, Timing};
use crate::ring::sync::{lock, Padded};
use crate::runtime::{Engine, Runtime};
use crate::spans::SpanStats;
use crate::tenant::{Ledger, Resource, TenantCounters, UNLIMITED};

/// Whether the library was built with metrics.
pub const HAS_METRICS: bool = cfg!(feature = "metrics");

/// Tenants with series of their own, by default and at most.
pub const MOST_SERIES: u32 = 1024;

/// The label of what all share that have no series of their own.
pub const OVERFLOW: &str = "__overflow__";

/// Ways that a lease ends, by `leave`; 0 is not used.
pub const LEASE_ENDS: usize = 6;

/// One series: the tenants of one label, or all that have none of their own.
#[derive(Clone, Debug)]
pub struct TenantMetrics {
    pub label: Arc<str>,
    /// Tenants that are there now.
    pub tenants: u64,
    /// Sums over the tenants of the series, those that are gone among them; `used`, `cap`, `outstanding` and `lag` over those
    /// that are there. The id is that of the tenant, if there is just one now.
    pub counters: TenantCounters,
    pub latency: LatencySums,
    /// The oldest of all.
    pub ages: Ages,
    /// The label as exposition formats have it.
    rendered: Arc<str>,
}

/// One handler, or more of one name in modules of one label.
#[derive(Clone, Debug)]
pub struct HandlerMetrics {
    /// "rota" for the standard ones.
    pub module: Arc<str>,
    pub handler: Arc<str>,
    /// Completions that were taken.
    pub calls: u64,
    pub faults: u64,
    /// Of jobs whose completions tell it.
    pub fuel: u64,
    rendered: Arc<str>,
}

/// What a provider told.
#[derive(Clone, Debug, PartialEq)]
pub struct Provided {
    pub name: String,
    pub value: f64,
}

/// How the flight recorder is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderMetrics {
    /// Records of this run; a long one counts for each of its cells, as in `lag`.
    pub records: u64,
    pub bytes: u64,
    pub stalls: u64,
    pub stall_ns: u64,
    /// Records that found no room.
    pub refused: u64,
    pub gaps: u64,
    /// Records that are not durable yet.
    pub lag: u64,
    pub checkpoints: u64,
    pub failed_checkpoints: u64,
}

/// What is counted for a runtime as a whole.
#[derive(Clone, Debug, Default)]
pub struct RuntimeMetrics {
    /// Nanoseconds since the runtime was opened.
    pub at_ns: u64,
    /// Sums over all series, and the oldest of all jobs.
    pub all: TenantCounters,
    pub latency: LatencySums,
    pub ages: Ages,
    pub tenants: u64,
    /// Series of tenants, the overflow's among them if it has any.
    pub series: u64,
    pub max_series: u64,
    /// Tenants that found no series of their own.
    pub overflowed: u64,
    /// Leases by how they ended.
    pub leases: [u64; LEASE_ENDS],
    pub wakes: u64,
    pub parks: u64,
    /// Rounds of workers, as leases report them when they end.
    pub rounds_busy: u64,
    pub rounds_idle: u64,
    pub claims_won: u64,
    pub claims_lost: u64,
    /// Sums over all reads; what is retained is what all outputs hold on to now.
    pub outputs: OutputStats,
    /// Batches with jobs that wait for those before them, the parts that they were split into, and the points between.
    pub batches_split: u64,
    pub segments: u64,
    pub barrier_points: u64,
    pub compiles: u64,
    /// Kernels that had been compiled before.
    pub cache_hits: u64,
    pub compile_ns: u64,
    pub switch_ns: u64,
    pub modules: u64,
    /// All zero if there is none.
    pub recorder: RecorderMetrics,
    /// None where no spans are made.
    pub spans: Option<SpanStats>,
    /// By `Action`.
    pub decisions: [u64; ACTIONS],
    /// Time that decisions have saved.
    pub saved_ns: u64,
    /// Names that providers were refused.
    pub refused_names: u64,
}

/// One reading of all metrics, in which each number belongs to the others: what has completed was submitted, what was taken has
/// completed, and the runtime's sums are those of the series. Its memory is kept for the next.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub runtime: RuntimeMetrics,
    /// Sorted by label; the overflow's, if there is one, comes last.
    pub tenants: Vec<TenantMetrics>,
    /// Sorted by module and handler.
    pub handlers: Vec<HandlerMetrics>,
    /// In the order of the providers.
    pub provided: Vec<Provided>,
}

/// Where the rows of a snapshot go, one for each series, in the order of their labels.
pub trait Rows {
    /// The place of a row: all of its counters and latencies are written. `rendered` is the label as text formats have it.
    fn row(
        &mut self,
        index: usize,
        label: &Arc<str>,
        rendered: &Arc<str>,
    ) -> (&mut TenantCounters, &mut LatencySums);

    /// How many tenants of the row there are, and how old its oldest jobs.
    fn end_row(&mut self, index: usize, tenants: u64, ages: Ages);

    /// There are no more than so many.
    fn end(&mut self, count: usize);
}

impl Rows for Vec<TenantMetrics> {
    fn row(
        &mut self,
        index: usize,
        label: &Arc<str>,
        rendered: &Arc<str>,
    ) -> (&mut TenantCounters, &mut LatencySums) {
        let new = || TenantMetrics {
            label: label.clone(),
            tenants: 0,
            counters: TenantCounters::default(),
            latency: LatencySums::default(),
            ages: Ages::default(),
            rendered: rendered.clone(),
        };
        if index == self.len() {
            self.push(new());
        } else if !Arc::ptr_eq(&self[index].label, label) {
            self[index] = new();
        }
        let row = &mut self[index];
        (&mut row.counters, &mut row.latency)
    }

    fn end_row(&mut self, index: usize, tenants: u64, ages: Ages) {
        let row = &mut self[index];
        (row.tenants, row.ages) = (tenants, ages);
    }

    fn end(&mut self, count: usize) {
        self.truncate(count);
    }
}

fn older(a: Ages, b: Ages) -> Ages {
    Ages {
        queued: a.queued.max(b.queued),
        running: a.running.max(b.running),
        untaken: a.untaken.max(b.untaken),
    }
}

/// What is counted beside tenants.
#[derive(Default)]
pub(crate) struct Totals {
    leases: [AtomicU64; LEASE_ENDS],
    pub rounds_busy: AtomicU64,
    pub rounds_idle: AtomicU64,
    pub claims_won: AtomicU64,
    pub claims_lost: AtomicU64,
    pub compiles: AtomicU64,
    pub cache_hits: AtomicU64,
    pub compile_ns: AtomicU64,
    pub switch_ns: AtomicU64,
    outputs: Mutex<OutputStats>,
    pub retained: Arc<AtomicU64>,
}

impl Totals {
    pub fn lease_ended(&self, reason: u32) {
        let reason = (reason as usize).min(LEASE_ENDS - 1);
        self.leases[reason].fetch_add(1, Ordering::Relaxed);
    }

    /// A read into outputs.
    pub fn read(&self, stats: &OutputStats) {
        let mut all = lock(&self.outputs);
        all.slots_total += stats.slots_total;
        all.slots_reused += stats.slots_reused;
        all.slots_moved += stats.slots_moved;
        all.slots_appended += stats.slots_appended;
        all.bytes_incoming += stats.bytes_incoming;
        all.bytes_copied += stats.bytes_copied;
        all.bytes_moved += stats.bytes_moved;
        all.bytes_appended += stats.bytes_appended;
    }
}

pub(crate) struct Metrics {
    clock: Clock,
    /// The time of not long ago; the pump's.
    rough: Arc<Padded<AtomicU64>>,
    calls: Arc<Calls>,
    series: Mutex<Table>,
    places: Mutex<Places>,
    providers: Providers,
    pub totals: Totals,
    decisions: Decisions,
    /// For who wants text.
    kept: Mutex<Snapshot>,
}

impl Metrics {
    /// With so many series at most; 0 means the default. The clock has been started.
    pub fn new(mut clock: Clock, max_series: u32, trace: bool) -> Self {
        if HAS_METRICS {
            clock.calibrate();
        }
        let most = match max_series {
            0 => MOST_SERIES,
            most => most,
        };
        let calls = Arc::new(Calls::default());
        Self {
            clock,
            rough: Arc::default(),
            places: Mutex::new(Places::new(calls.clone())),
            calls,
            series: Mutex::new(Table::new(most)),
            providers: Providers::default(),
            totals: Totals::default(),
            decisions: Decisions::new(trace),
            kept: Mutex::default(),
        }
    }

    /// What a ring needs to be counted; nothing where there are no metrics.
    pub fn timing(&self, tenant: u32, spans: Option<Pipe>) -> Option<Timing> {
        HAS_METRICS.then(|| Timing {
            clock: self.clock,
            rough: self.rough.clone(),
            calls: self.calls.clone(),
            stripe: tenant as usize,
            spans,
        })
    }

    /// The module and handler that are counted at this place.
    pub fn name_of_place(&self, place: u16) -> (Arc<str>, Arc<str>) {
        lock(&self.places).name_of(place)
    }

    /// Whether the kernel is parked.
    pub fn is_parked(&self) -> bool {
        self.rough.load(Ordering::Relaxed) == 0
    }

    /// A tenant's series, from now until the seat is dropped.
    pub fn seat(self: &Arc<Self>, label: &str, ledger: &Ledger) -> Option<SeriesSeat> {
        HAS_METRICS.then(|| SeriesSeat::take(self, label, ledger))
    }

    /// Jobs of a handler with this number are counted by its name from now on.
    pub fn name_handler(&self, number: u32, module: &str, handler: &str) {
        if HAS_METRICS {
            lock(&self.places).name(number, module, handler);
        }
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// By the pump, at least whenever a lease ends, for who can do with that; and when the kernel is parked.
    pub fn time_passes(&self, parked: bool) {
        if HAS_METRICS {
            let now = if parked { 0 } else { self.now() };
            self.rough.store(now, Ordering::Relaxed);
        }
    }

    /// Counts a decision; `detail` is asked only where decisions are kept.
    pub fn decide(&self, action: Action, saved_ns: u64, detail: impl FnOnce() -> String) {
        if HAS_METRICS {
            self.decisions.made(self.now(), action, saved_ns, detail);
        }
    }
}

impl Engine {
    /// Asks the providers, and reads all else.
    fn take_snapshot(&self, snapshot: &mut Snapshot) {
        let mut rows = std::mem::take(&mut snapshot.tenants);
        self.take_snapshot_into(snapshot, &mut rows);
        snapshot.tenants = rows;
    }

    /// The same, where the series go elsewhere.
    fn take_snapshot_into(&self, snapshot: &mut Snapshot, rows: &mut impl Rows) {
        let refused = self
            .metrics
            .providers
            .ask(&mut snapshot.provided, |sink| self.provide_memory(sink));
        self.read_metrics(snapshot, rows);
        snapshot.runtime.refused_names = refused;
    }

    fn read_metrics(&self, snapshot: &mut Snapshot, rows: &mut impl Rows) {
        let metrics = &self.metrics;
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let counts = &self.counts;
        let totals = &metrics.totals;
        let mut runtime = RuntimeMetrics {
            at_ns: metrics.now(),
            leases: std::array::from_fn(|i| get(&totals.leases[i])),
            wakes: get(&counts.wakes),
            parks: get(&counts.parks),
            rounds_busy: get(&totals.rounds_busy),
            rounds_idle: get(&totals.rounds_idle),
            claims_won: get(&totals.claims_won),
            claims_lost: get(&totals.claims_lost),
            outputs: OutputStats {
                bytes_retained: get(&totals.retained),
                ..*lock(&totals.outputs)
            },
            compiles: get(&totals.compiles),
            cache_hits: get(&totals.cache_hits),
            compile_ns: get(&totals.compile_ns),
            switch_ns: get(&totals.switch_ns),
            modules: lock(&self.modules).count() as u64,
            decisions: metrics.decisions.counts(),
            saved_ns: metrics.decisions.saved_ns(),
            ..RuntimeMetrics::default()
        };
        if let Some(recorder) = &self.recorder {
            runtime.recorder = recorder.metrics();
        }
        runtime.spans = self.spans.as_ref().map(|spans| spans.stats());
        lock(&metrics.series).read(&mut runtime, rows);
        lock(&metrics.places).read(&mut snapshot.handlers);
        snapshot.runtime = runtime;
    }

    /// The device's memory, as a provider tells it.
    fn provide_memory(&self, sink: &mut Sink) {
        let (segments, bytes) = self.memory.segments();
        sink.own(
            "rota_device_memory_bytes",
            self.device.info.memory_bytes as f64,
        );
        sink.own("rota_ring_bytes", self.shared.ring_bytes() as f64);
        sink.own("rota_segments", segments.into());
        sink.own("rota_segment_bytes", bytes as f64);
        if let Some(budget) = self.device.memory_budget() {
            sink.own("rota_device_memory_budget_bytes", budget.budget as f64);
            sink.own("rota_device_memory_used_bytes", budget.used as f64);
        }
    }
}

impl Runtime {
    pub(crate) fn has_metrics(&self) -> Result<(), Error> {
        match HAS_METRICS {
            true => Ok(()),
            false => Err(Error::NoMetrics),
        }
    }

    /// Reads all metrics into `snapshot`, whose memory is used again: after the first time nothing is allocated, unless there is
    /// more to tell. Providers are called first. Also after the runtime was stopped.
    pub fn metrics(&self, snapshot: &mut Snapshot) -> Result<(), Error> {
        self.has_metrics()?;
        not_in_provider()?;
        self.engine().take_snapshot(snapshot);
        Ok(())
    }

    /// The same, where the series go elsewhere.
    pub fn metrics_into(&self, snapshot: &mut Snapshot, rows: &mut impl Rows) -> Result<(), Error> {
        self.has_metrics()?;
        not_in_provider()?;
        self.engine().take_snapshot_into(snapshot, rows);
        Ok(())
    }

    /// Writes all metrics into `out` as far as they fit, and gives how many bytes there are: call again with so many, and some
    /// more, if that is more than `out` has.
    pub fn metrics_text(&self, format: Format, out: &mut [u8]) -> Result<usize, Error> {
        self.has_metrics()?;
        not_in_provider()?;
        let metrics = &self.engine().metrics;
        let mut snapshot = lock(&metrics.kept);
        self.metrics(&mut snapshot)?;
        Ok(exposition::write(&snapshot, &self.info(), format, out))
    }

    /// Adds a provider, which each snapshot asks for names and values; gives what `remove_metrics_provider` wants.
    ///
    /// A name has letters, digits and underscores and doesn't begin with a digit or with `rota_`. One that isn't so, or that
    /// another value has already, is refused and counted.
    pub fn add_metrics_provider(
        &self,
        provider: impl Fn(&mut Sink) + Send + Sync + 'static,
    ) -> Result<u64, Error> {
        self.has_metrics()?;
        Ok(self.engine().metrics.providers.add(Arc::new(provider)))
    }

    /// Removes a provider. When this returns it isn't called any more.
    pub fn remove_metrics_provider(&self, provider: u64) -> Result<(), Error> {
        self.has_metrics()?;
        not_in_provider()?;
        match self.engine().metrics.providers.remove(provider) {
            true => Ok(()),
            false => Err(Error::InvalidArgument(
                "there is no provider of that number",
            )),
        }
    }

    /// The last decisions, the oldest first, where they are kept: with `RuntimeOptions::trace`.
    pub fn decisions(&self) -> Result<Vec<Decision>, Error> {
        self.has_metrics()?;
        Ok(self.engine().metrics.decisions.last())
    }
}

/// How a lease ended, as a label.
fn lease_end_name(reason: usize) -> &'static str {
    match reason as u32 {
        leave::ENDED => "ended",
        leave::STOPPED => "stopped",
        leave::FUEL => "fuel",
        leave::IDLE => "idle",
        leave::NOTIFY => "notify",
        _ => "unknown",
    }
}

fn is_limited(cap: u64) -> bool {
    cap != UNLIMITED
}

fn resources() -> impl Iterator<Item = (usize, Resource)> {
    Resource::all().enumerate()
}

/// Time, to be counted in nanoseconds.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
