//! Modules that are loaded, replaced and unloaded while another tenant's jobs run as fast as they can: each of these
//! comes back once, in order, with its own answer; and every job of a handler that is replaced under it ran with one
//! version.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rota::{
    completion_status, job_flags, op, Completion, Error, HandlerOptions, Job, Mode, ModuleOptions,
    Runtime, RuntimeOptions, Tenant, TenantOptions, Wait,
};

use crate::flood::Outcome;
use crate::verdict::Verdict;
use crate::watchdog::watched;

const BATCH: usize = 64;
const SCALAR: u32 = 0x1000;
const TILED: u32 = 0x1001;
const TILES: u32 = 24;

pub fn run(mode: Mode, rounds: u64, seed: u64, verdict: &Verdict) -> Result<Outcome, Error> {
    let runtime = Runtime::open(&RuntimeOptions {
        mode,
        workers: 2,
        ..Default::default()
    })?;
    let tenant = |label: &str| {
        runtime.create_tenant(&TenantOptions {
            label: label.into(),
            ..TenantOptions::default()
        })
    };
    let (flooder, user) = (tenant("flooder")?, tenant("user")?);
    let (progress, jobs, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let started = Instant::now();
    let state = || {
        format!(
            "{:#?}\n{} jobs of the flooder",
            runtime.info(),
            jobs.load(Ordering::Relaxed)
        )
    };
    watched(&progress, rounds, state, || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let result = flood(&flooder, &jobs, &done, verdict);
                verdict.check(result.is_ok(), || format!("the flooder: {result:?}"));
            });
            for round in 0..rounds {
                let result = come_and_go(&user, round, seed, verdict);
                verdict.check(result.is_ok(), || format!("round {round}: {result:?}"));
                progress.fetch_add(1, Ordering::Relaxed);
            }
            done.store(true, Ordering::Relaxed);
        });
    });
    let info = runtime.info();
    Ok(Outcome {
        jobs: jobs.load(Ordering::Relaxed),
        seconds: started.elapsed().as_secs_f64(),
        leases: info.leases,
        parks: info.parks,
    })
}

/// Handlers that answer `n`, and not the same as in any run before.
fn module(n: u64, seed: u64) -> ModuleOptions {
    let handler = |opcode, function: &str, tiled| HandlerOptions {
        opcode,
        function: function.into(),
        tiled,
        fuel: 0,
    };
    ModuleOptions {
        label: format!("round {n}"),
        source: format!(
            "const SALT = {}u;
             fn scalar() {{ result(0u, {n}u); result(1u, arg(0u)); }}
             fn tiled() {{
                 var x = arg(0u);
                 for (var i = 0u; i < 50u; i += 1u) {{ x = x * SALT + i; }}
                 if (lane() == 0u) {{ result_add(0u, {n}u); }}
                 result_max(1u, x & 1u);
             }}",
            seed as u32 | 1
        ),
        handlers: vec![
            handler(SCALAR, "scalar", false),
            handler(TILED, "tiled", true),
        ],
    }
}

/// Loads a module, replaces it with its jobs in flight, and unloads it with others in flight.
fn come_and_go(user: &Tenant, round: u64, seed: u64, verdict: &Verdict) -> Result<(), Error> {
    let (name, _) = user.module_load(&module(2 * round, seed))?;
    let mut batch = [Job::default(); 32];
    for (i, job) in batch.iter_mut().enumerate() {
        let tiled = i % 3 == 0;
        (job.opcode, job.tiles) = if tiled { (TILED, TILES) } else { (SCALAR, 1) };
        job.flags = job_flags::TIMING;
        job.user_data = u64::from(tiled);
    }
    user.submit(&batch, None).1?;
    user.module_replace(name, &module(2 * round + 1, seed))?;
    user.submit(&batch, None).1?;
    user.module_unload(name, u64::MAX)?;
    let refused = user.submit(&batch[..1], None);
    verdict.check(matches!(refused, (0, Err(Error::InvalidOpcode(_)))), || {
        format!("a submit after the unload: {refused:?}")
    });
    let mut left = 2 * batch.len();
    while left != 0 {
        let mut out = [Completion::default(); 32];
        let count = user.poll(&mut out, Wait::Adaptive, u64::MAX)?;
        for c in &out[..count] {
            let each = if c.user_data == 1 { TILES } else { 1 };
            let answer = (2 * round) as u32 + c.module_version - 1;
            let good = c.status == completion_status::OK
                && (1..=2).contains(&c.module_version)
                && c.results[0] == answer * each;
            verdict.check(good, || format!("round {round}: {c:?}"));
        }
        left -= count;
    }
    Ok(())
}

/// As many NOPs as go, until told to end.
fn flood(
    tenant: &Tenant,
    jobs: &AtomicU64,
    done: &AtomicBool,
    verdict: &Verdict,
) -> Result<(), Error> {
    let mut batch = [Job {
        opcode: op::NOP,
        ..Job::default()
    }; BATCH];
    let mut out = [Completion::default(); BATCH];
    let mut seen = std::collections::VecDeque::new();
    let mut submitted = 0u64;
    while !done.load(Ordering::Relaxed) || !seen.is_empty() {
        if !done.load(Ordering::Relaxed) {
            for (job, n) in batch.iter_mut().zip(submitted..) {
                job.user_data = n;
                job.args[0] = n as u32;
            }
            match tenant.submit(&batch, None) {
                (n, Ok(()) | Err(Error::WouldBlock)) => {
                    seen.extend((submitted..).take(n));
                    submitted += n as u64;
                }
                (_, Err(e)) => return Err(e),
            }
        }
        let count = match tenant.poll(&mut out, Wait::Spin, 0) {
            Ok(count) => count,
            Err(Error::Timeout) => 0,
            Err(e) => return Err(e),
        };
        for c in &out[..count] {
            // One producer's jobs of one kind come back in their order.
            let expected = seen.pop_front();
            let good = Some(c.user_data) == expected
                && c.status == completion_status::OK
                && c.results[0] == c.user_data as u32;
            verdict.check(good, || format!("not job {expected:?}: {c:?}"));
        }
        jobs.fetch_add(count as u64, Ordering::Relaxed);
    }
    Ok(())
}
