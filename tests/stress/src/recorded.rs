//! Mixed jobs of several tenants, recorded with all data, and run again from the log: one after the other, and as they were
//! submitted. All handlers are of integer arithmetic, so that every device has to come to the same.
//!
//! With a small log its beginning is overwritten again and again, and checkpoints are taken beside tenants who make, write, grant,
//! take back and destroy buffers, replace modules, and come and go.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rota::replay::{self, Outcome as Replayed, ReplayOptions, ReplayReport};
use rota::{
    job_flags, op, Capture, Completion, Error, HandlerOptions, Job, Mode, ModuleOptions,
    RecorderOptions, Runtime, RuntimeOptions, Tenant, TenantOptions, Wait,
};

use crate::flood::Outcome;
use crate::jobs::mix64;
use crate::verdict::Verdict;
use crate::watchdog::watched;

/// Each loads a module, which takes seconds, and again when it is run again.
const TENANTS: u64 = 2;
const PATIENCE: u64 = 60_000_000_000;
const WORDS: u32 = 4096;
const FIRST: u32 = 0x1000;
const LAST: u32 = FIRST + 1;
/// How often a module is replaced.
const REPLACED: u64 = 1;
/// Batches between two writes of the host.
const WRITE_EVERY: u64 = 16;

const SOURCE: &str = "
fn mix() {
    let b = buffer_mut(arg(0u));
    var x = arg(1u);
    for (var i = 0u; i < 20u; i += 1u) {
        x = x * 747796405u + load_u32(b, x % (size(b) / 4u));
        store_u32(b, x % (size(b) / 4u), x);
    }
    result(0u, x);
}
fn bits() {
    let src = buffer(arg(0u));
    let dst = buffer_mut(arg(1u));
    for (var i = tile() * 64u + lane(); i < tile() * 64u + 64u; i += lanes()) {
        let x = load_u32(src, i);
        store_u16(dst, 2u * i + arg(2u) % 2u, countOneBits(x) + firstLeadingBit(x | 1u));
        atomic_xor_u32(dst, i, reverseBits(x));
        result_add(0u, x);
        result_max(1u, x);
    }
}";

/// A folder that goes when this is dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn run(
    mode: Mode,
    small: bool,
    jobs: u64,
    seed: u64,
    keep: Option<&Path>,
    verdict: &Verdict,
) -> Result<Outcome, Error> {
    let folder = std::env::temp_dir().join(format!("rota-stress-{}", std::process::id()));
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|source| Error::Io {
        what: "making a folder",
        path: folder.clone(),
        source,
    })?;
    let folder = Folder(folder);
    let log = keep.map_or_else(|| folder.0.join("log"), Path::to_path_buf);
    let started = Instant::now();
    let runtime = Runtime::open(&RuntimeOptions {
        mode,
        recorder: Some(RecorderOptions {
            path: log.clone(),
            capacity_bytes: match small {
                true => 4 << 20,
                // None is overwritten.
                false => (8 << 20) + 1024 * jobs,
            },
            capture: Capture::Full,
            start_over: true,
            ..RecorderOptions::default()
        }),
        ..RuntimeOptions::default()
    })?;
    let progress = AtomicU64::new(0);
    let state = || format!("{:?}", runtime.info());
    watched(&progress, jobs, state, || {
        std::thread::scope(|scope| {
            let each = jobs.div_ceil(TENANTS);
            let threads: Vec<_> = (0..TENANTS)
                .map(|n| {
                    let (runtime, progress) = (&runtime, &progress);
                    let seed = mix64(seed ^ n << 40);
                    scope.spawn(move || match small {
                        true => lively(runtime, each, seed, progress),
                        false => record(runtime, each, seed, progress),
                    })
                })
                .collect();
            let ended = threads.into_iter().map(|thread| thread.join());
            ended.collect::<Vec<_>>()
        })
    })
    .into_iter()
    .map(|ended| ended.expect("the thread has said what was wrong"))
    .collect::<Result<Vec<()>, Error>>()?;
    let (info, recorder) = (runtime.info(), runtime.recorder_state()?);
    verdict.check(
        recorder.log.failure.is_none() && recorder.lost_objects == 0,
        || format!("the log is not whole: {recorder:?}"),
    );
    let enough = !small || (recorder.checkpoints > 1 && recorder.failed_checkpoints == 0);
    verdict.check(enough, || {
        format!("there should be checkpoints: {recorder:?}")
    });
    drop(runtime);
    let mut again = 0;
    for as_submitted in [false, true] {
        let options = ReplayOptions {
            log: log.clone(),
            as_submitted,
            ..ReplayOptions::default()
        };
        let history = replay::read(&options)?;
        let progress = AtomicU64::new(0);
        let tell = &mut |done: usize| progress.store(done as u64, Ordering::Relaxed);
        let steps = history.steps.len() as u64;
        let report: ReplayReport = watched(&progress, steps, String::new, || {
            replay::replay(&options, &history, tell)
        })?;
        verdict.check(
            report.outcome() == Replayed::Same
                && report.same == report.compared
                && report.compared >= report.jobs / 10 * 9,
            || format!("as submitted: {as_submitted}, {report:?}"),
        );
        println!(
            "    run again {}: {} of {} jobs compared, {} the same, {} concurrent, {} behind those that did not end",
            if as_submitted { "as submitted" } else { "one by one" },
            report.compared,
            report.jobs,
            report.same,
            report.overlapping,
            report.behind_unended
        );
        again += report.jobs;
    }
    Ok(Outcome {
        jobs: again,
        seconds: started.elapsed().as_secs_f64(),
        leases: info.leases,
        parks: info.parks,
    })
}

fn create_tenant(runtime: &Runtime, seed: u64) -> Result<Tenant, Error> {
    runtime.create_tenant(&TenantOptions {
        label: format!("{seed:x}"),
        slots: 256,
        ..TenantOptions::default()
    })
}

fn module() -> ModuleOptions {
    let handler = |opcode, function: &str, tiled| HandlerOptions {
        opcode,
        function: function.into(),
        tiled,
        fuel: 0,
    };
    ModuleOptions {
        label: "mixed".into(),
        source: SOURCE.into(),
        handlers: vec![handler(FIRST, "mix", false), handler(LAST, "bits", true)],
    }
}

/// Jobs of tenants that come and go, with buffers that do.
fn lively(runtime: &Runtime, jobs: u64, seed: u64, progress: &AtomicU64) -> Result<(), Error> {
    let mut series = seed;
    let mut next = || {
        series = mix64(series);
        series
    };
    let bytes = 4 * u64::from(WORDS);
    let tenant = create_tenant(runtime, seed)?;
    let (name, _) = tenant.module_load(&module())?;
    let create = |_| tenant.buffer_create(bytes, false);
    let mut buffers: Vec<u32> = (0..3).map(create).collect::<Result<_, _>>()?;
    let (mut done, mut replaced) = (0, 0);
    while done < jobs {
        // Another one has them for a while, and is gone sooner or later.
        let other = create_tenant(runtime, seed)?;
        let shared = buffers[(next() % 3) as usize];
        let alias = tenant.buffer_grant(shared, &other, true)?;
        let own = other.buffer_create(bytes, false)?;
        for round in 0..8 {
            let data: Vec<u8> = (0..100).map(|_| next() as u8).collect();
            tenant.buffer_write(buffers[(next() % 3) as usize], next() % 1000, &data)?;
            let mut batch: Vec<Job> = (0..8).map(|_| any_job(&mut next, &buffers)).collect();
            order(&mut batch, &buffers);
            submit(&tenant, &batch)?;
            // Its own jobs wait for those of the other one, who shares a buffer.
            take(&tenant, batch.len())?;
            let sum = |buffer| Job {
                opcode: op::SUM_U32,
                tiles: 4,
                args: [buffer, 0, WORDS, 0, 0, 0, 0, 0, 0, 0],
                ..Job::default()
            };
            let batch = [sum(alias), sum(own)];
            submit(&other, &batch)?;
            if round % 3 == 0 {
                // While jobs that use it may be open.
                let gone = (next() % 3) as usize;
                tenant.buffer_destroy(buffers[gone])?;
                take(&other, batch.len())?;
                buffers[gone] = tenant.buffer_create(bytes, false)?;
                if buffers.contains(&shared) {
                    continue;
                }
                break;
            }
            take(&other, batch.len())?;
            let nops: Vec<Job> = (0..200)
                .map(|n| Job {
                    opcode: op::NOP,
                    args: [n, round, 0, 0, 0, 0, 0, 0, 0, 0],
                    ..Job::default()
                })
                .collect();
            submit(&tenant, &nops)?;
            take(&tenant, nops.len())?;
            done += nops.len() as u64;
            progress.fetch_add(nops.len() as u64, Ordering::Relaxed);
        }
        if buffers.contains(&shared) && next() % 2 == 0 {
            tenant.buffer_take_back(shared, &other)?;
        }
        other.destroy()?;
        if replaced * jobs < done * REPLACED {
            tenant.module_replace(name, &module())?;
            replaced += 1;
        }
    }
    tenant.destroy()
}

fn submit(tenant: &Tenant, jobs: &[Job]) -> Result<(), Error> {
    tenant.submit(jobs, None).1
}

/// One tenant's jobs.
fn record(runtime: &Runtime, jobs: u64, seed: u64, progress: &AtomicU64) -> Result<(), Error> {
    let tenant = create_tenant(runtime, seed)?;
    tenant.module_load(&module())?;
    let create = |_| tenant.buffer_create(4 * u64::from(WORDS), false);
    let buffers: Vec<u32> = (0..3).map(create).collect::<Result<_, _>>()?;
    let mut series = seed;
    let mut next = || {
        series = mix64(series);
        series
    };
    let (mut done, mut batches) = (0, 0);
    while done < jobs {
        if batches % WRITE_EVERY == 0 {
            let data: Vec<u8> = (0..1000).map(|_| next() as u8).collect();
            let buffer = buffers[(next() % 3) as usize];
            tenant.buffer_write(buffer, next() % 1000, &data)?;
            let byte = next() as u8;
            tenant.buffer_fill(buffer, 8000, 512, byte)?;
        }
        let count = (1 + next() % 64).min(jobs - done);
        let mut batch: Vec<Job> = (0..count).map(|_| any_job(&mut next, &buffers)).collect();
        order(&mut batch, &buffers);
        let (accepted, result) = tenant.submit(&batch, None);
        take(&tenant, accepted)?;
        result?;
        done += count;
        batches += 1;
        progress.fetch_add(count, Ordering::Relaxed);
    }
    tenant.destroy()
}

fn take(tenant: &Tenant, count: usize) -> Result<(), Error> {
    let mut out = vec![Completion::default(); count];
    let mut have = 0;
    while have < count {
        have += tenant.poll(&mut out[have..], Wait::Adaptive, PATIENCE)?;
    }
    Ok(())
}

/// Whoever uses a buffer that a job before it writes, or writes one that it uses, waits for that one: what comes of jobs
/// doesn't depend on how they overlap.
fn order(batch: &mut [Job], buffers: &[u32]) {
    let (mut used, mut written) = (Vec::new(), Vec::new());
    for job in batch {
        let mine = || job.args.iter().filter(|arg| buffers.contains(arg));
        let writes = matches!(
            job.opcode,
            op::FILL | op::COPY | op::HISTOGRAM_U8 | FIRST..=LAST
        );
        if mine().any(|b| written.contains(b) || (writes && used.contains(b))) {
            job.flags |= job_flags::BARRIER;
        }
        if job.flags & job_flags::BARRIER != 0 {
            (used, written) = (Vec::new(), Vec::new());
        }
        used.extend(mine().copied());
        if writes {
            written.extend(mine().copied());
        }
    }
}

fn any_job(next: &mut impl FnMut() -> u64, buffers: &[u32]) -> Job {
    let a = buffers[(next() % 3) as usize];
    let b = buffers[(next() % 3) as usize];
    let at = next() as u32 % 64;
    let words = 1 + next() as u32 % (WORDS - 64);
    let value = next() as u32;
    let tiles = 1 + words / 512;
    let (opcode, tiles, args): (_, _, &[u32]) = match next() % 11 {
        0 => (op::NOP, 1, &[value, at]),
        1 => (op::SPIN, 1, &[at, value]),
        2 => (op::FILL, tiles, &[a, at, words % 200, value]),
        // Within one buffer its tiles could read what others of them write.
        3 if a != b => (op::COPY, tiles, &[a, at, b, 0, words]),
        4 => (op::SUM_U32, tiles, &[a, at, words]),
        5 => (op::MIN_MAX_U32, tiles, &[a, at, words]),
        6 if a != b => (op::HISTOGRAM_U8, tiles, &[a, at, words, b, at]),
        7 | 8 => (FIRST, 1, &[a, value]),
        9 if a != b => (LAST, 4, &[a, b, value]),
        // Beyond the buffer's end.
        10 => (op::FILL, 2, &[a, WORDS - 5, 10, value]),
        _ => (op::SUM_U32, tiles, &[b, 0, words]),
    };
    let flags = match next() % 6 {
        0 => job_flags::AFTER_OK,
        1 => job_flags::BARRIER,
        _ => 0,
    };
    let mut job = Job {
        opcode,
        tiles,
        flags,
        ..Job::default()
    };
    job.args[..args.len()].copy_from_slice(args);
    job
}
