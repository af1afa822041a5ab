//! Tenants that come and go with open jobs, beside tenants that go on and must not notice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rota::{
    completion_status, op, Completion, Error, Job, Mode, Runtime, RuntimeOptions, Tenant,
    TenantOptions, Wait,
};

use crate::flood::Outcome;
use crate::jobs::mix64;
use crate::verdict::Verdict;
use crate::watchdog::watched;

/// Threads that make and destroy tenants.
const CHURNERS: u64 = 2;
/// Words of each buffer.
const WORDS: u32 = 1024;

pub fn run(mode: Mode, rounds: u64, seed: u64, verdict: &Verdict) -> Result<Outcome, Error> {
    let runtime = Runtime::open(&RuntimeOptions {
        mode,
        workers: 2,
        max_tenants: 64,
        slots: 128,
        lease_fuel: 10_000,
        ..Default::default()
    })?;
    let steady = [0, 1].map(|_| runtime.create_tenant(&TenantOptions::default()));
    let progress = AtomicU64::new(0);
    let jobs = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let started = Instant::now();
    let state = || {
        format!(
            "{:#?}\n{} jobs of steady tenants",
            runtime.info(),
            jobs.load(Ordering::Relaxed)
        )
    };
    watched(&progress, rounds, state, || {
        std::thread::scope(|scope| {
            for tenant in &steady {
                let (jobs, done) = (&jobs, &done);
                scope.spawn(move || {
                    let result = tenant
                        .as_ref()
                        .map_err(ToString::to_string)
                        .and_then(|t| go_on(t, jobs, done, verdict));
                    verdict.check(result.is_ok(), || format!("a steady tenant: {result:?}"));
                });
            }
            let churners: Vec<_> = (0..CHURNERS)
                .map(|c| {
                    let (runtime, progress) = (&runtime, &progress);
                    scope.spawn(move || {
                        for round in 0..rounds / CHURNERS {
                            let result =
                                come_and_go(runtime, mix64(seed ^ c << 40 ^ round), verdict);
                            verdict.check(result.is_ok(), || format!("round {round}: {result:?}"));
                            progress.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            churners.into_iter().for_each(|c| c.join().unwrap());
            done.store(true, Ordering::Relaxed);
        });
    });
    let info = runtime.info();
    verdict.check(info.tenants == 2, || {
        format!("{} tenants are left, not 2", info.tenants)
    });
    Ok(Outcome {
        jobs: jobs.load(Ordering::Relaxed),
        seconds: started.elapsed().as_secs_f64(),
        leases: info.leases,
        parks: info.parks,
    })
}

/// One tenant's life: jobs of all kinds, some taken, then destroyed with the rest queued or running.
fn come_and_go(runtime: &Runtime, seed: u64, verdict: &Verdict) -> Result<(), Error> {
    let tenant = runtime.create_tenant(&TenantOptions {
        label: "guest".into(),
        slots: 8 << (seed % 5),
        ..TenantOptions::default()
    })?;
    let buffer = tenant.buffer_create((WORDS * 4) as u64, false)?;
    let mut bytes = vec![0xff; (WORDS * 4) as usize];
    tenant.buffer_read(buffer, 0, &mut bytes)?;
    verdict.check(bytes.iter().all(|&b| b == 0), || {
        "a new buffer holds what another left".into()
    });
    let mut out = [Completion::default(); 16];
    for n in 0..seed >> 8 & 63 {
        let mut job = Job {
            user_data: n,
            ..Job::default()
        };
        let args: &[u32] = match mix64(seed ^ n) % 4 {
            0 => {
                (job.opcode, job.tiles) = (op::FILL, 4);
                &[buffer, 0, WORDS, 0xdead_beef]
            }
            1 => {
                job.opcode = op::SPIN;
                &[300, 7]
            }
            _ => {
                job.opcode = op::NOP;
                &[1, 2]
            }
        };
        job.args[..args.len()].copy_from_slice(args);
        match tenant.submit(&[job], None).1 {
            Ok(()) | Err(Error::WouldBlock) => {}
            Err(e) => return Err(e),
        }
        if n % 8 == 7 {
            if let Ok(count) = tenant.poll(&mut out, Wait::Adaptive, 0) {
                let good = out[..count]
                    .iter()
                    .all(|c| c.status == completion_status::OK);
                verdict.check(good, || format!("a guest's job did not end OK: {out:?}"));
            }
        }
    }
    tenant.destroy()?;
    let after = tenant.submit(
        &[Job {
            opcode: op::NOP,
            ..Job::default()
        }],
        None,
    );
    verdict.check(matches!(after, (0, Err(Error::Closed))), || {
        format!("a submit after destroy: {after:?}")
    });
    Ok(())
}

/// Fills its buffer and sums it up, again and again, with scalar jobs in between.
fn go_on(
    tenant: &Tenant,
    jobs: &AtomicU64,
    done: &AtomicBool,
    verdict: &Verdict,
) -> Result<(), String> {
    let text = |e: Error| e.to_string();
    let buffer = tenant
        .buffer_create((WORDS * 4) as u64, false)
        .map_err(text)?;
    let mut value = 1u32;
    while !done.load(Ordering::Relaxed) {
        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut batch = [Job::default(); 6];
        for (i, job) in batch.iter_mut().enumerate() {
            job.opcode = op::NOP;
            job.args[..2].copy_from_slice(&[value, i as u32]);
        }
        (batch[0].opcode, batch[0].tiles) = (op::FILL, 3);
        batch[0].args[..4].copy_from_slice(&[buffer, 0, WORDS, value]);
        (batch[1].opcode, batch[1].tiles, batch[1].flags) =
            (op::SUM_U32, 5, rota::job_flags::AFTER_OK);
        batch[1].args[..3].copy_from_slice(&[buffer, 0, WORDS]);
        let mut tickets = [0; 6];
        tenant.submit(&batch, Some(&mut tickets)).1.map_err(text)?;
        let sum = value as u64 * WORDS as u64;
        for (i, &ticket) in tickets.iter().enumerate() {
            let c = tenant
                .wait(ticket, Wait::Adaptive, u64::MAX)
                .map_err(text)?;
            let expected = match i {
                0 => [0, 0],
                1 => [sum as u32, (sum >> 32) as u32],
                _ => [value, i as u32],
            };
            verdict.check(
                c.status == completion_status::OK && c.results == expected,
                || format!("a steady tenant's job {i} should give {expected:?}: {c:?}"),
            );
        }
        jobs.fetch_add(6, Ordering::Relaxed);
    }
    Ok(())
}
