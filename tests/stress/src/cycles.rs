//! Tenants whose lives are run through from many threads: registered, used, drained or revoked, destroyed. Everything that
//! was counted comes back to zero, no id is given twice, and the process doesn't grow. Each has a label of its own, and
//! snapshots of the metrics are taken all the time: in each what was counted adds up, and the sums never fall. The same lives,
//! for as long as so many snapshots take, with a span for each job.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rota::metrics::{RuntimeMetrics, Snapshot};
use rota::spans::{ExportError, Exporter, Origin, Sampler, SharedExporter, Span, SpanOptions};
use rota::{
    completion_status, op, Completion, Error, Job, Mode, Quota, Resource, Runtime, RuntimeOptions,
    State, Tenant, TenantOptions, Wait,
};

use crate::flood::Outcome;
use crate::jobs::mix64;
use crate::verdict::Verdict;
use crate::watchdog::watched;

const THREADS: u64 = 8;
/// Nobody waits longer than this.
const PATIENCE: u64 = 60_000_000_000;
/// Labels with series of their own: far fewer than there are.
const SERIES: u32 = 100;
/// One life or more for so many snapshots.
const LIVES: u64 = 10;
/// Between two snapshots.
const PAUSE: Duration = Duration::from_micros(50);
/// What the process may grow by after the first tenth.
const GROWTH: u64 = 32 << 20;

fn options(mode: Mode) -> RuntimeOptions {
    RuntimeOptions {
        mode,
        max_tenants: 64,
        slots: 64,
        max_series: SERIES,
        quota: Quota {
            slots: 4 * 64,
            buffers: 64,
            buffer_bytes: 1 << 20,
            ..Quota::default()
        },
        ..Default::default()
    }
}

pub fn run(mode: Mode, rounds: u64, seed: u64, verdict: &Verdict) -> Result<Outcome, Error> {
    let runtime = Runtime::open(&options(mode))?;
    let (progress, jobs) = (AtomicU64::new(0), AtomicU64::new(0));
    let grown = Mutex::new(None);
    let last_id: Vec<AtomicU64> = (0..256).map(|_| AtomicU64::new(0)).collect();
    let started = Instant::now();
    let state = || format!("{:#?}", runtime.info());
    let (over, snapshots) = (AtomicBool::new(false), AtomicU64::new(0));
    let more = |_: u64| !over.load(Ordering::Relaxed);
    watched(&progress, rounds, state, || {
        std::thread::scope(|scope| {
            scope.spawn(|| match watch_metrics(&runtime, more, PAUSE, verdict) {
                Ok(count) => snapshots.store(count, Ordering::Relaxed),
                Err(e) => verdict.broken(|| format!("a snapshot: {e}")),
            });
            let mut lives = Vec::new();
            for t in 0..THREADS {
                let (runtime, progress, jobs) = (&runtime, &progress, &jobs);
                let (grown, last_id) = (&grown, &last_id);
                lives.push(scope.spawn(move || {
                    for round in 0..rounds / THREADS {
                        let result = live(runtime, mix64(seed ^ t << 40 ^ round), last_id, verdict);
                        match result {
                            Ok(count) => drop(jobs.fetch_add(count, Ordering::Relaxed)),
                            Err(e) => verdict.broken(|| format!("round {round}: {e}")),
                        }
                        let done = progress.fetch_add(1, Ordering::Relaxed);
                        if done == rounds / 10 {
                            *grown.lock().unwrap() = resident_bytes();
                        }
                    }
                }));
            }
            for thread in lives {
                let ended = thread.join();
                verdict.check(ended.is_ok(), || "a thread panicked".into());
            }
            over.store(true, Ordering::Relaxed);
        });
    });
    let info = runtime.info();
    verdict.check(info.tenants == 0 && runtime.tenants().is_empty(), || {
        format!("{} tenants are left", info.tenants)
    });
    if let (Some(before), Some(after)) = (grown.into_inner().unwrap(), resident_bytes()) {
        verdict.check(after < before + GROWTH, || {
            format!("the process grew from {before} to {after} bytes")
        });
    }
    all_is_back(&runtime, verdict)?;
    verdict.check(snapshots.into_inner() != 0, || {
        "no snapshot was taken".into()
    });
    let all = metrics_of_all(&runtime, verdict)?;
    let counted = jobs.load(Ordering::Relaxed);
    verdict.check((all.submitted, all.completed) == (counted, counted), || {
        format!(
            "the metrics have {} and {} jobs of {counted}",
            all.submitted, all.completed
        )
    });
    Ok(Outcome {
        jobs: jobs.into_inner(),
        seconds: started.elapsed().as_secs_f64(),
        leases: info.leases,
        parks: info.parks,
    })
}

/// So many snapshots of tenants that come and go, each of whose jobs has a span.
pub fn snapshots(
    mode: Mode,
    count: u64,
    seed: u64,
    verdict: &Arc<Verdict>,
) -> Result<Outcome, Error> {
    let spans = SpanOptions {
        sampler: Sampler::new(1.0, true),
        queue: 1024,
        exporters: vec![SharedExporter::new(Checks(verdict.clone()))],
        ..SpanOptions::default()
    };
    let runtime = Runtime::open(&RuntimeOptions {
        spans: Some(spans),
        ..options(mode)
    })?;
    let (progress, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let lives = AtomicU64::new(0);
    let last_id: Vec<AtomicU64> = (0..256).map(|_| AtomicU64::new(0)).collect();
    let started = Instant::now();
    let state = || format!("{:#?}", runtime.info());
    watched(&progress, count, state, || {
        std::thread::scope(|scope| {
            for t in 0..THREADS {
                let (runtime, last_id, over, lives) = (&runtime, &last_id, &over, &lives);
                scope.spawn(move || {
                    for round in (0..).take_while(|_| !over.load(Ordering::Relaxed)) {
                        lives.fetch_add(1, Ordering::Relaxed);
                        let seed = mix64(seed ^ t << 40 ^ round);
                        if let Err(e) = live(runtime, seed, last_id, verdict) {
                            verdict.broken(|| format!("round {round}: {e}"));
                        }
                    }
                });
            }
            // And until enough has happened that they could tell wrong.
            let more = |taken: u64| {
                progress.store(taken.min(count), Ordering::Relaxed);
                taken < count || lives.load(Ordering::Relaxed) < count / LIVES
            };
            if let Err(e) = watch_metrics(&runtime, more, Duration::ZERO, verdict) {
                verdict.broken(|| format!("a snapshot: {e}"));
            }
            over.store(true, Ordering::Relaxed);
        });
    });
    runtime.flush_spans(Duration::from_nanos(PATIENCE))?;
    let all = metrics_of_all(&runtime, verdict)?;
    let (taken, stats) = (all.taken.iter().sum::<u64>(), runtime.span_stats()?);
    let adds_up = stats.pushed + stats.dropped == taken && stats.exported == stats.pushed;
    verdict.check(adds_up, || format!("{taken} jobs were taken: {stats:?}"));
    let info = runtime.info();
    Ok(Outcome {
        jobs: all.submitted,
        seconds: started.elapsed().as_secs_f64(),
        leases: info.leases,
        parks: info.parks,
    })
}

/// An exporter that looks at what it is given.
struct Checks(Arc<Verdict>);

impl Exporter for Checks {
    fn name(&self) -> &'static str {
        "checks"
    }

    fn begin(&mut self, _: &Origin) -> Result<(), ExportError> {
        Ok(())
    }

    fn export(&mut self, spans: &[Span], _: Instant) -> Result<(), ExportError> {
        for span in spans {
            let order = |[a, b]: [rota::spans::Moment; 2]| {
                let times = [span.submitted, a.earliest, a.latest, b.latest, span.taken];
                times.is_sorted() && a.earliest <= b.earliest && b.earliest <= b.latest
            };
            let moments = span.claimed.zip(span.finished);
            let whole = moments.is_none_or(|(began, ended)| order([began, ended]))
                && span.submitted <= span.taken
                && (1..=completion_status::REVOKED).contains(&span.status);
            self.0.check(whole, || format!("{span:?}"));
        }
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), ExportError> {
        Ok(())
    }
}

/// Takes snapshots as long as there are to be more than so many; gives how many.
fn watch_metrics(
    runtime: &Runtime,
    more: impl Fn(u64) -> bool,
    pause: Duration,
    verdict: &Verdict,
) -> Result<u64, Error> {
    let (mut now, mut last, mut count) = (Snapshot::default(), RuntimeMetrics::default(), 0);
    while more(count) {
        runtime.metrics(&mut now)?;
        let mut submitted = 0;
        for series in &now.tenants {
            let counters = &series.counters;
            let taken: u64 = counters.taken.iter().sum();
            let adds_up = taken <= counters.completed
                && counters.completed <= counters.submitted
                && counters.faulted.iter().sum::<u64>() == counters.taken[FAULTED]
                && series.latency.count() <= taken;
            verdict.check(adds_up, || format!("{series:?}"));
            submitted += counters.submitted;
        }
        let all = &now.runtime.all;
        verdict.check(all.submitted == submitted, || {
            format!("{} jobs in all, {submitted} in the series", all.submitted)
        });
        let before = &last.all;
        let rises = all.submitted >= before.submitted
            && all.completed >= before.completed
            && all.fuel >= before.fuel
            && all.tiles >= before.tiles;
        verdict.check(rises, || format!("{all:?} came after {before:?}"));
        verdict.check(now.tenants.len() <= SERIES as usize + 1, || {
            format!("{} series", now.tenants.len())
        });
        last.clone_from(&now.runtime);
        count += 1;
        match pause.is_zero() {
            // Else those who come and go would wait for one snapshot after the other.
            true => std::thread::yield_now(),
            false => std::thread::sleep(pause),
        }
    }
    Ok(count)
}

const FAULTED: usize = completion_status::FAULTED as usize;

/// The sums over all tenants, when the last of them is let go of.
fn metrics_of_all(runtime: &Runtime, verdict: &Verdict) -> Result<rota::TenantCounters, Error> {
    let mut now = Snapshot::default();
    let started = Instant::now();
    loop {
        runtime.metrics(&mut now)?;
        if now.runtime.tenants == 0 {
            return Ok(now.runtime.all);
        }
        if started.elapsed().as_nanos() as u64 > PATIENCE {
            verdict.broken(|| format!("{} tenants are in the series", now.runtime.tenants));
            return Ok(now.runtime.all);
        }
        std::thread::sleep(PAUSE);
    }
}

/// One tenant's life; gives how many jobs it had.
fn live(
    runtime: &Runtime,
    seed: u64,
    last_id: &[AtomicU64],
    verdict: &Verdict,
) -> Result<u64, Error> {
    let quota = Quota {
        slots: 1 + seed % 64,
        buffers: 2,
        ..Quota::default()
    };
    let tenant = runtime.create_tenant(&TenantOptions {
        label: format!("{seed:x}"),
        quota,
        ..TenantOptions::default()
    })?;
    let id = tenant.id();
    // Of one index each tenant has a higher generation than those before.
    let before = last_id[id as u32 as usize % last_id.len()].swap(id, Ordering::SeqCst);
    verdict.check(before < id, || format!("id {id:#x} came after {before:#x}"));
    let found = runtime.tenant(id).map(|t| t.id());
    verdict.check(found == Some(id), || format!("{id:#x} is not found"));

    let buffer = match tenant.buffer_create(256, false) {
        Ok(buffer) => Some(buffer),
        // All others together may have what there is.
        Err(Error::QuotaExceeded {
            of_runtime: true, ..
        }) => None,
        Err(e) => return Err(e),
    };
    let mut accepted = 0;
    for n in 0..seed >> 8 & 15 {
        let mut job = Job {
            user_data: n,
            ..Job::default()
        };
        match (mix64(seed ^ n) % 3, buffer) {
            (0, Some(buffer)) => {
                (job.opcode, job.tiles) = (op::FILL, 4);
                job.args[..4].copy_from_slice(&[buffer, 0, 64, 7]);
            }
            (1, _) => {
                job.opcode = op::SPIN;
                job.args[..2].copy_from_slice(&[300, 7]);
            }
            _ => job.opcode = op::NOP,
        }
        let (count, result) = tenant.submit(&[job; 4], None);
        accepted += count as u64;
        match result {
            Ok(()) | Err(Error::WouldBlock | Error::QuotaExceeded { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    let outstanding = tenant.counters().used[Resource::Slots as usize];
    verdict.check(outstanding <= quota.slots, || {
        format!(
            "{outstanding} slots are in use, and {} allowed",
            quota.slots
        )
    });
    end(&tenant, seed >> 20, accepted, verdict)?;
    tenant.destroy()?;
    verdict.check(tenant.state() == State::Gone, || "it isn't gone".into());
    verdict.check(runtime.tenant(id).is_none(), || {
        format!("{id:#x} is found after its end")
    });
    let counters = tenant.counters();
    verdict.check(counters.submitted == accepted, || {
        format!("{accepted} jobs accepted: {counters:?}")
    });
    verdict.check(counters.used[Resource::Slots as usize] == 0, || {
        format!("slots are in use after the end: {counters:?}")
    });
    Ok(accepted)
}

/// One of the ways to an end, or none of them.
fn end(tenant: &Tenant, how: u64, accepted: u64, verdict: &Verdict) -> Result<(), Error> {
    match how % 5 {
        0 => return Ok(()),
        1 => tenant.quiesce(PATIENCE)?,
        2 => tenant.drain(PATIENCE)?,
        3 => match tenant.revoke(0) {
            Ok(_) | Err(Error::Timeout) => return Ok(()),
            Err(e) => return Err(e),
        },
        _ => {
            tenant.revoke(PATIENCE)?;
            tenant.quiesce(PATIENCE)?;
        }
    }
    // All of it is there to be taken, each once.
    let mut out = [Completion::default(); 128];
    let mut taken = 0;
    while taken < accepted {
        let count = match tenant.poll(&mut out, Wait::Spin, 0) {
            Ok(count) => count,
            Err(e) => {
                verdict.broken(|| format!("{taken} of {accepted} are there: {e}"));
                return Ok(());
            }
        };
        for completion in &out[..count] {
            let right = match completion.status {
                completion_status::OK => true,
                completion_status::REVOKED => how % 5 == 4,
                _ => false,
            };
            verdict.check(right, || format!("{completion:?}"));
        }
        taken += count as u64;
    }
    Ok(())
}

/// One tenant can have all that the runtime has.
fn all_is_back(runtime: &Runtime, verdict: &Verdict) -> Result<(), Error> {
    let tenant = runtime.create_tenant(&TenantOptions {
        slots: 256,
        ..TenantOptions::default()
    })?;
    // What was destroyed last is freed when a buffer is wanted.
    let buffer = tenant.buffer_create(1 << 20, false)?;
    tenant.buffer_destroy(buffer)?;
    tenant.buffer_create(1 << 20, false)?;
    for (resource, amount) in [(Resource::Slots, 256), (Resource::Buffers, 63)] {
        let all = tenant.reserve(resource, amount);
        verdict.check(all.is_ok(), || format!("{resource}: {:?}", all.err()));
    }
    tenant.destroy()
}

/// Memory that the process holds, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}
