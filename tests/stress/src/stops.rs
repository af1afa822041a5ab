//! Runtimes that are stopped in the middle of their work: every accepted job ends OK or CANCELLED, none that ended OK
//! lacks its effect, and none that was refused has one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rota::{
    completion_status, op, Completion, Error, Job, Mode, Runtime, RuntimeOptions, Tenant,
    TenantOptions, Wait,
};

use crate::flood::Outcome;
use crate::jobs::mix64;
use crate::verdict::Verdict;
use crate::watchdog::watched;

const PRODUCERS: usize = 4;
const TENANTS: usize = 2;
/// The most jobs of a producer in one round.
const JOBS: u32 = 4096;
/// Words that a FILL writes, in two tiles.
const WORDS: u32 = 128;

struct Producer<'a> {
    tenant: &'a Tenant,
    regions: u32,
    number: u64,
    seed: u64,
}

pub fn run(modes: &[Mode], rounds: u64, seed: u64, verdict: &Verdict) -> Result<Outcome, Error> {
    let progress = AtomicU64::new(0);
    let started = Instant::now();
    let mut outcome = Outcome::default();
    let state = || format!("round {} of {rounds}", progress.load(Ordering::Relaxed));
    let result = watched(&progress, rounds, state, || -> Result<(), Error> {
        for round in 0..rounds {
            let mode = modes[round as usize % modes.len()];
            one(mode, mix64(seed ^ round << 8), verdict, &mut outcome)?;
            progress.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    });
    outcome.seconds = started.elapsed().as_secs_f64();
    result.map(|()| outcome)
}

fn one(mode: Mode, seed: u64, verdict: &Verdict, outcome: &mut Outcome) -> Result<(), Error> {
    let runtime = Runtime::open(&RuntimeOptions {
        mode,
        workers: 1 + seed as u32 % 3,
        slots: 256,
        lease_fuel: 4_000,
        ..Default::default()
    })?;
    let tenants: Vec<Tenant> = (0..TENANTS)
        .map(|_| runtime.create_tenant(&TenantOptions::default()))
        .collect::<Result<_, _>>()?;
    let producers: Vec<Producer> = (0..PRODUCERS)
        .map(|p| {
            let tenant = &tenants[p % TENANTS];
            let regions = tenant.buffer_create((JOBS * WORDS * 4) as u64, false)?;
            Ok(Producer {
                tenant,
                regions,
                number: p as u64,
                seed: mix64(seed ^ p as u64),
            })
        })
        .collect::<Result<_, Error>>()?;
    let total = AtomicU64::new(0);
    let (stopped, taken) = (AtomicBool::new(false), AtomicU64::new(0));
    // One letter of its fate per job, of all producers, because takers get each other's completions.
    let fates: Vec<AtomicU64> = (0..PRODUCERS as u64 * JOBS as u64)
        .map(|_| AtomicU64::new(0))
        .collect();
    std::thread::scope(|scope| {
        for producer in &producers {
            let round = Round {
                fates: &fates,
                total: &total,
                taken: &taken,
                stopped: &stopped,
                verdict,
            };
            scope.spawn(move || produce(producer, &round));
        }
        // From the first completion on: before it there may be a compile.
        while taken.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(Duration::from_micros(mix64(seed) % 5_000));
        let result = runtime.stop();
        verdict.check(result.is_ok(), || format!("stop: {result:?}"));
        stopped.store(true, Ordering::Release);
    });
    for producer in &producers {
        check(producer, &fates, verdict);
    }
    outcome.jobs += total.load(Ordering::Relaxed);
    outcome.leases += runtime.info().leases;
    outcome.parks += runtime.info().parks;
    Ok(())
}

fn job(producer: &Producer, n: u32) -> Job {
    let bits = mix64(producer.seed ^ n as u64);
    let mut job = Job {
        user_data: producer.number * JOBS as u64 + n as u64,
        ..Job::default()
    };
    if bits & 3 == 0 {
        (job.opcode, job.tiles) = (op::FILL, 2);
        job.args[..4].copy_from_slice(&[producer.regions, n * WORDS, WORDS, value(n)]);
    } else {
        job.opcode = op::NOP;
        job.args[..2].copy_from_slice(&[n, !n]);
    }
    job
}

fn value(n: u32) -> u32 {
    mix64(n as u64) as u32 | 1
}

const ACCEPTED: u64 = 1;
const TAKEN: u64 = 2;
const RAN: u64 = 4;

/// What the producers of a round share.
struct Round<'a> {
    fates: &'a [AtomicU64],
    /// Jobs accepted.
    total: &'a AtomicU64,
    /// Completions taken.
    taken: &'a AtomicU64,
    stopped: &'a AtomicBool,
    verdict: &'a Verdict,
}

/// Submits until the runtime stops, and takes until nothing is left.
fn produce(p: &Producer, round: &Round) {
    let Round {
        fates,
        total,
        taken,
        stopped,
        verdict,
    } = *round;
    let mut next = 0;
    let mut out = [Completion::default(); 64];
    loop {
        let batch: Vec<Job> = (next..JOBS.min(next + 1 + next % 32))
            .map(|n| job(p, n))
            .collect();
        let (accepted, result) = p.tenant.submit(&batch, None);
        for job in &batch[..accepted] {
            fates[job.user_data as usize].fetch_or(ACCEPTED, Ordering::Relaxed);
        }
        next += accepted as u32;
        total.fetch_add(accepted as u64, Ordering::Relaxed);
        let known = matches!(result, Ok(()) | Err(Error::WouldBlock | Error::Stopped));
        verdict.check(known, || format!("submit: {result:?}"));
        let timeout = if result.is_ok() && next < JOBS {
            0
        } else {
            1_000_000
        };
        match p.tenant.poll(&mut out, Wait::Adaptive, timeout) {
            Ok(count) => {
                out[..count].iter().for_each(|c| take(c, fates, verdict));
                taken.fetch_add(count as u64, Ordering::Relaxed);
            }
            // Said only when nothing is left to take.
            Err(Error::Stopped) => return,
            Err(Error::Timeout) => {}
            Err(e) => return verdict.broken(|| format!("poll: {e}")),
        }
        if stopped.load(Ordering::Acquire) && result.is_ok() && !batch.is_empty() {
            // This submit may have begun before the stop; the next one can't have.
            let (accepted, late) = p.tenant.submit(&[job(p, 0)], None);
            verdict.check(accepted == 0 && matches!(late, Err(Error::Stopped)), || {
                format!("a submit after the stop: {late:?}")
            });
        }
    }
}

fn take(c: &Completion, fates: &[AtomicU64], verdict: &Verdict) {
    let Some(fate) = fates.get(c.user_data as usize) else {
        return verdict.broken(|| format!("a completion that is nobody's: {c:?}"));
    };
    let ran = if c.status == completion_status::OK {
        RAN
    } else {
        0
    };
    let before = fate.fetch_or(TAKEN | ran, Ordering::Relaxed);
    verdict.check(before & TAKEN == 0, || {
        format!("a second completion: {c:?}")
    });
    let n = c.user_data as u32 % JOBS;
    let good = match c.status {
        completion_status::OK => c.results == [n, !n] || c.results == [0, 0],
        completion_status::CANCELLED => true,
        _ => false,
    };
    verdict.check(good, || {
        format!("neither OK with its results nor CANCELLED: {c:?}")
    });
}

/// Completions against acceptance, and effects against both.
fn check(p: &Producer, fates: &[AtomicU64], verdict: &Verdict) {
    let mut bytes = vec![0; (JOBS * WORDS * 4) as usize];
    if let Err(e) = p.tenant.buffer_read(p.regions, 0, &mut bytes) {
        return verdict.broken(|| format!("reading after the stop: {e}"));
    }
    for n in 0..JOBS {
        let fate = fates[(p.number * JOBS as u64) as usize + n as usize].load(Ordering::Relaxed);
        let (accepted, taken, ran) = (fate & ACCEPTED != 0, fate & TAKEN != 0, fate & RAN != 0);
        verdict.check(accepted == taken, || {
            format!("job {n} was accepted: {accepted}, taken: {taken}")
        });
        let fill = job(p, n).opcode == op::FILL;
        let region = &bytes[(n * WORDS * 4) as usize..][..WORDS as usize * 4];
        let words = || {
            region
                .chunks_exact(4)
                .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
        };
        let good = if fill && ran {
            words().all(|w| w == value(n))
        } else {
            words().all(|w| w == 0 || (fill && accepted && w == value(n)))
        };
        verdict.check(good, || {
            format!("job {n} (accepted {accepted}, OK {ran}) left the wrong words")
        });
    }
}
