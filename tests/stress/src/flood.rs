//! A flood: producers push jobs through tenants as fast as they can, and take what comes back.
//!
//! Exactly once is checked three ways: each job has one bit, set by its completion and by no second one; memory holds
//! what all jobs together add up to; and the kernel's own count of jobs is the number submitted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rota::{Completion, Error, Job, Mode, Runtime, RuntimeOptions, Tenant, TenantOptions, Wait};

use crate::hold_up::{Threads, PRODUCER};
use crate::jobs::{self, Buffers, Mix, Series, What};
use crate::verdict::Verdict;
use crate::watchdog::watched;

/// What a flood is.
#[derive(Clone, Debug)]
pub struct Flood {
    pub mode: Mode,
    pub workers: u32,
    pub tenants: u32,
    pub producers: u32,
    pub slots: u32,
    pub first_position: u32,
    pub lease_fuel: u32,
    /// How often all producers rest together until the kernel has parked.
    pub rest_every: Option<Duration>,
    pub mix: Mix,
    /// SPIN jobs get the largest budget that the device allows, and use it; and threads of the driver are held up for
    /// seconds.
    pub stall: bool,
}

/// What happened, for the table.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub jobs: u64,
    pub seconds: f64,
    pub leases: u64,
    pub parks: u64,
}

struct Producer {
    series: Series,
    tenant: usize,
    total: u64,
    seen: Vec<AtomicU64>,
}

struct Client {
    tenant: Tenant,
    buffers: Buffers,
    total: u64,
    submitted: AtomicU64,
    completed: AtomicU64,
    histograms: [AtomicU64; jobs::LENGTHS],
}

struct State<'a> {
    producers: Vec<Producer>,
    clients: Vec<Client>,
    completed: AtomicU64,
    resting: AtomicBool,
    verdict: &'a Verdict,
}

pub fn run(flood: &Flood, jobs: u64, seed: u64, verdict: &Verdict) -> Result<Outcome, Error> {
    let options = RuntimeOptions {
        mode: flood.mode,
        workers: flood.workers,
        slots: flood.slots,
        first_position: flood.first_position,
        // Epochs wrap at 32 bits, positions at 31.
        first_epoch: flood.first_position << 1,
        lease_fuel: flood.lease_fuel,
        memory_bytes: 127 << 20,
        ..Default::default()
    };
    let threads = Threads::from_now();
    let runtime = Runtime::open(&options)?;
    let mut mix = flood.mix;
    if flood.stall {
        // Lavapipe 22 ends loops, and Rota stays well below that; elsewhere the most is a large part of a second.
        mix.spin_iterations = runtime.info().most_scalar_fuel - 1;
    }
    let per_producer = (jobs / flood.producers as u64).max(2) & !1;
    let mut state = State {
        producers: Vec::new(),
        clients: Vec::new(),
        completed: AtomicU64::new(0),
        resting: AtomicBool::new(false),
        verdict,
    };
    for t in 0..flood.tenants {
        let tenant = runtime.create_tenant(&TenantOptions {
            label: format!("flood {t}"),
            slots: 0,
            ..TenantOptions::default()
        })?;
        state.clients.push(Client {
            buffers: Buffers::new(&tenant)?,
            tenant,
            total: 0,
            submitted: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            histograms: Default::default(),
        });
    }
    for producer in 0..flood.producers {
        let tenant = producer as usize % flood.tenants as usize;
        let client = &mut state.clients[tenant];
        // Counts are added up per tenant; regions are each producer's own.
        let own = Buffers::new(&client.tenant)?;
        let buffers = Buffers {
            regions: own.regions,
            ..client.buffers
        };
        client.total += per_producer;
        state.producers.push(Producer {
            series: Series {
                seed,
                producer,
                mix,
                buffers,
            },
            tenant,
            total: per_producer,
            seen: (0..per_producer.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
        });
    }
    let total = per_producer * flood.producers as u64;
    let started = Instant::now();
    watched(
        &state.completed,
        total,
        || state.describe(&runtime),
        || match flood.stall {
            true => flow_and_stall(&threads, &state, seed, total),
            false => flow(flood, &state, &runtime, total),
        },
    );
    let seconds = started.elapsed().as_secs_f64();
    check_end(&state, &runtime, total);
    let info = runtime.info();
    Ok(Outcome {
        jobs: total,
        seconds,
        leases: info.leases,
        parks: info.parks,
    })
}

/// Runs all producers to their end, with rests.
fn flow(flood: &Flood, state: &State, runtime: &Runtime, total: u64) {
    std::thread::scope(|scope| {
        for producer in &state.producers {
            scope.spawn(move || produce(producer, state));
        }
        let Some(every) = flood.rest_every else {
            return;
        };
        while state.completed.load(Ordering::Relaxed) < total && state.verdict.violations() == 0 {
            std::thread::sleep(every);
            state.resting.store(true, Ordering::Relaxed);
            let parks = runtime.info().parks;
            let patience = Instant::now();
            while runtime.info().parks == parks && patience.elapsed() < Duration::from_millis(200) {
                std::thread::sleep(Duration::from_micros(200));
            }
            state.resting.store(false, Ordering::Relaxed);
        }
    });
}

/// Runs all producers to their end, while threads of the driver are held up.
fn flow_and_stall(threads: &Threads, state: &State, seed: u64, total: u64) {
    std::thread::scope(|scope| {
        for producer in &state.producers {
            let thread = std::thread::Builder::new().name(PRODUCER.into());
            let started = thread.spawn_scoped(scope, move || produce(producer, state));
            started.expect("a thread can be started");
        }
        // So that there is work to be held up in.
        while state.completed.load(Ordering::Relaxed) == 0 && state.verdict.violations() == 0 {
            std::thread::yield_now();
        }
        let is_over =
            || state.completed.load(Ordering::Relaxed) >= total || state.verdict.violations() != 0;
        let (times, long) = threads.hold_up(seed, is_over);
        println!("    threads of the driver were held up {times} times, {long:.1?} in all");
    });
}

/// Submits its jobs in batches of any size, and takes completions of its tenant, whoever submitted the jobs.
fn produce(producer: &Producer, state: &State) {
    let client = &state.clients[producer.tenant];
    let mut random = producer.series.seed ^ producer.series.producer as u64;
    let mut next = 0;
    let mut batch: Vec<Job> = Vec::with_capacity(64);
    let mut out = vec![Completion::default(); 256];
    loop {
        let resting = state.resting.load(Ordering::Relaxed);
        if !resting {
            random = jobs::mix64(random);
            let size = 1 + (random % 64) as usize;
            while batch.len() < size && next < producer.total {
                batch.push(producer.series.job(next).0);
                next += 1;
            }
        }
        let mut full = true;
        if !batch.is_empty() && !resting {
            let (accepted, result) = client.tenant.submit(&batch, None);
            client
                .submitted
                .fetch_add(accepted as u64, Ordering::Relaxed);
            batch.drain(..accepted);
            match result {
                Ok(()) => full = false,
                Err(Error::WouldBlock) => {}
                Err(e) => return state.verdict.broken(|| format!("submit: {e}")),
            }
        }
        // Others may take what this one waits for, so nobody waits for long.
        let timeout = if full { 500_000 } else { 0 };
        let wait = if random >> 32 & 1 == 0 {
            Wait::Block
        } else {
            Wait::Adaptive
        };
        match client.tenant.poll(&mut out, wait, timeout) {
            Ok(count) => out[..count]
                .iter()
                .for_each(|c| take(state, producer.tenant, c)),
            Err(Error::Timeout) => {}
            Err(e) => return state.verdict.broken(|| format!("poll: {e}")),
        }
        let rest = batch.is_empty() && next == producer.total;
        if rest && client.completed.load(Ordering::Relaxed) >= client.total {
            return;
        }
    }
}

/// Checks one completion.
fn take(state: &State, tenant: usize, c: &Completion) {
    let (p, n) = jobs::names(c.user_data);
    let owner = state
        .producers
        .get(p as usize)
        .filter(|p| p.tenant == tenant && n < p.total);
    let Some(owner) = owner else {
        return state
            .verdict
            .broken(|| format!("tenant {tenant} got a completion that is nobody's: {c:?}"));
    };
    let bit = 1 << (n % 64);
    if owner.seen[(n / 64) as usize].fetch_or(bit, Ordering::Relaxed) & bit != 0 {
        return state
            .verdict
            .broken(|| format!("a second completion of producer {p}, job {n}: {c:?}"));
    }
    if let Some(wrong) = owner.series.wrong(n, c) {
        state.verdict.broken(|| wrong);
    } else if let What::Histogram { length } = owner.series.job(n).1 {
        state.clients[tenant].histograms[length].fetch_add(1, Ordering::Relaxed);
    }
    state.clients[tenant]
        .completed
        .fetch_add(1, Ordering::Relaxed);
    state.completed.fetch_add(1, Ordering::Relaxed);
}

/// What only shows when all is done.
fn check_end(state: &State, runtime: &Runtime, total: u64) {
    let verdict = state.verdict;
    for p in &state.producers {
        for n in 0..p.total {
            let seen = p.seen[(n / 64) as usize].load(Ordering::Relaxed) >> (n % 64) & 1 != 0;
            verdict.check(seen, || {
                format!("producer {}, job {n} never completed", p.series.producer)
            });
        }
    }
    let each = jobs::histograms();
    for (t, client) in state.clients.iter().enumerate() {
        let mut bytes = [0; 1024];
        if let Err(e) = client
            .tenant
            .buffer_read(client.buffers.counts, 0, &mut bytes)
        {
            verdict.broken(|| format!("reading tenant {t}'s counts: {e}"));
        }
        for value in 0..256 {
            let counted = u32::from_le_bytes(bytes[4 * value..][..4].try_into().unwrap());
            let expected = (0..jobs::LENGTHS).fold(0u32, |sum, length| {
                let times = client.histograms[length].load(Ordering::Relaxed) as u32;
                sum.wrapping_add(times.wrapping_mul(each[length][value]))
            });
            verdict.check(counted == expected, || {
                format!("tenant {t}: its histograms add up to {counted} bytes of value {value}, not {expected}")
            });
        }
        let spare = client
            .tenant
            .poll(&mut [Completion::default()], Wait::Adaptive, 0);
        verdict.check(matches!(spare, Err(Error::Timeout)), || {
            format!("tenant {t} has more to take: {spare:?}")
        });
    }
    // Leases report when they end.
    let patience = Instant::now();
    while runtime.info().jobs < total && patience.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let ran = runtime.info().jobs;
    verdict.check(ran == total, || {
        format!("the kernel counted {ran} jobs, submitted were {total}")
    });
}

impl State<'_> {
    /// All there is to know of a hang.
    fn describe(&self, runtime: &Runtime) -> String {
        let mut text = format!("{:#?}\n", runtime.info());
        for (t, client) in self.clients.iter().enumerate() {
            text += &format!(
                "tenant {t}: {} jobs to do, {} submitted, {} completed\n",
                client.total,
                client.submitted.load(Ordering::Relaxed),
                client.completed.load(Ordering::Relaxed),
            );
        }
        for p in &self.producers {
            let missing: Vec<u64> = (0..p.total)
                .filter(|n| p.seen[(n / 64) as usize].load(Ordering::Relaxed) >> (n % 64) & 1 == 0)
                .take(4)
                .collect();
            let kinds: Vec<_> = missing.iter().map(|&n| (n, p.series.job(n).1)).collect();
            text += &format!(
                "producer {} (tenant {}): first jobs missing {kinds:?}\n",
                p.series.producer, p.tenant
            );
        }
        text
    }
}
