use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rota::{
    completion_status, job_flags, op, Completion, Error, Job, Mode, Runtime, RuntimeOptions,
    Tenant, TenantOptions, Wait,
};

use crate::flood::Outcome;
use crate::jobs::mix64;
use crate::verdict::Verdict;
use crate::watchdog::watched;

/// Threads that revoke at the same time.
const REVOKERS: u64 = 4;
const PATIENCE: u64 = 60_000_000_000;

pub fn run(mode: Mode, rounds: u64, seed: u64, verdict: &Verdict) -> Result<Outcome, Error> {
    let runtime = Runtime::open(&RuntimeOptions {
        mode,
        workers: 2,
        max_tenants: 64,
        slots: 64,
        // So that 0 is no epoch of a job that began.
        first_epoch: 1,
        ..Default::default()
    })?;
    let (progress, jobs) = (AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let state = || format!("{:#?}", runtime.info());
    watched(&progress, rounds, state, || {
        std::thread::scope(|scope| {
            for t in 0..REVOKERS {
                let (runtime, progress, jobs) = (&runtime, &progress, &jobs);
                scope.spawn(move || {
                    for round in 0..rounds / REVOKERS {
                        match revoke(runtime, mix64(seed ^ t << 40 ^ round), verdict) {
                            Ok(count) => drop(jobs.fetch_add(count, Ordering::Relaxed)),
                            Err(e) => verdict.broken(|| format!("round {round}: {e}")),
                        }
                        progress.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    });
    let info = runtime.info();
    Ok(Outcome {
        jobs: jobs.into_inner(),
        seconds: started.elapsed().as_secs_f64(),
        leases: info.leases,
        parks: info.parks,
    })
}

/// A tenant revoked beside two threads that publish and one that takes.
fn revoke(runtime: &Runtime, seed: u64, verdict: &Verdict) -> Result<u64, Error> {
    let tenant = runtime.create_tenant(&TenantOptions::default())?;
    let buffer = tenant.buffer_create(256, false)?;
    let accepted = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    let (epoch, mut seen) = std::thread::scope(|scope| {
        for p in 0..2 {
            let (tenant, accepted) = (&tenant, &accepted);
            scope.spawn(move || publish(tenant, buffer, seed ^ p, accepted, verdict));
        }
        let taker = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                take(&tenant, &mut seen);
                std::thread::yield_now();
            }
            seen
        });
        for _ in 0..seed % 2_000 {
            std::hint::spin_loop();
        }
        let epoch = tenant.revoke(PATIENCE);
        over.store(true, Ordering::Relaxed);
        (epoch, taker.join().unwrap())
    });
    let epoch = epoch?;
    verdict.check(epoch != 0, || {
        "the device told no epoch of the revoke".into()
    });
    tenant.quiesce(PATIENCE)?;
    let accepted = accepted.into_inner();
    while (seen.len() as u64) < accepted && take(&tenant, &mut seen) != 0 {}
    verdict.check(seen.len() as u64 == accepted, || {
        format!("{} completions of {accepted} jobs", seen.len())
    });
    for completion in &seen {
        let began = completion.begin_epoch;
        let right = match completion.status {
            completion_status::REVOKED => true,
            completion_status::OK => began != 0,
            _ => false,
        };
        // One that was revoked while it ran has begun before too; 0 is one that never began.
        verdict.check(right && began < epoch, || {
            format!("the tenant was closed at {epoch}: {completion:?}")
        });
    }
    tenant.destroy()?;
    Ok(accepted)
}

fn publish(tenant: &Tenant, buffer: u32, seed: u64, accepted: &AtomicU64, verdict: &Verdict) {
    for n in 0.. {
        let mut job = Job {
            flags: job_flags::TIMING,
            opcode: op::NOP,
            ..Job::default()
        };
        if mix64(seed ^ n).is_multiple_of(4) {
            (job.opcode, job.tiles) = (op::FILL, 8);
            job.args[..4].copy_from_slice(&[buffer, 0, 64, 7]);
        }
        let (count, result) = tenant.submit(&[job; 3], None);
        accepted.fetch_add(count as u64, Ordering::Relaxed);
        match result {
            Ok(()) => {}
            Err(Error::WouldBlock) => std::thread::yield_now(),
            Err(Error::WrongState(_)) => return,
            Err(e) => return verdict.broken(|| format!("a submit: {e}")),
        }
    }
}

fn take(tenant: &Tenant, seen: &mut Vec<Completion>) -> usize {
    let mut out = [Completion::default(); 64];
    let count = tenant.poll(&mut out, Wait::Spin, 0).unwrap_or(0);
    seen.extend(&out[..count]);
    count
}
