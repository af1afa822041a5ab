//! What all tests use: runtimes in both modes, jobs, and ways to run them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

pub use crate::rng::Rng;
pub use rota::completion_status::{CANCELLED, FAULTED, OK, SKIPPED};
pub use rota::job_flags::{AFTER_OK, BARRIER, TIMING};
pub use rota::{
    fault, op, Completion, Error, Job, Mode, Runtime, RuntimeOptions, Status, Tenant,
    TenantOptions, Wait,
};

pub const MODES: [Mode; 2] = [Mode::Resident, Mode::Batch];

/// Longer than anything takes: the first compile of a kernel by a software driver on a busy machine takes half a minute.
pub const PATIENCE: u64 = 120_000_000_000;

/// Options for tests: what was compiled is kept between runs, but not in the user's folder.
pub fn options(mode: Mode) -> RuntimeOptions {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    RuntimeOptions {
        mode,
        cache_dir: Some(cache),
        ..RuntimeOptions::default()
    }
}

/// A runtime of the test's own.
pub fn open(options: RuntimeOptions) -> Runtime {
    Runtime::open(&options).unwrap_or_else(|e| panic!("{e}"))
}

/// The runtime of that mode that the tests running at the moment share; the last one to end closes it.
pub fn shared(mode: Mode) -> Arc<Runtime> {
    static SHARED: Mutex<[Weak<Runtime>; 2]> = Mutex::new([Weak::new(), Weak::new()]);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let place = &mut shared[(mode == Mode::Batch) as usize];
    if let Some(runtime) = place.upgrade() {
        return runtime;
    }
    let runtime = Arc::new(open(options(mode)));
    *place = Arc::downgrade(&runtime);
    runtime
}

/// A tenant that is destroyed when it goes out of scope.
pub struct Guest(Tenant);

impl From<Tenant> for Guest {
    fn from(tenant: Tenant) -> Self {
        Self(tenant)
    }
}

impl std::ops::Deref for Guest {
    type Target = Tenant;
    fn deref(&self) -> &Tenant {
        &self.0
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The test may have destroyed it, or stopped the runtime.
        let _ = self.0.destroy();
    }
}

pub fn tenant(runtime: &Runtime) -> Guest {
    tenant_with(runtime, 0)
}

pub fn tenant_with(runtime: &Runtime, slots: u32) -> Guest {
    Guest(
        runtime
            .create_tenant(&TenantOptions {
                label: "test".into(),
                slots,
                ..TenantOptions::default()
            })
            .unwrap(),
    )
}

// ---------------------------------------------------------------- jobs

pub fn job(opcode: u32, tiles: u32, args: &[u32]) -> Job {
    let mut job = Job {
        opcode,
        tiles,
        ..Job::default()
    };
    job.args[..args.len()].copy_from_slice(args);
    job
}

pub fn nop(a: u32, b: u32) -> Job {
    job(op::NOP, 1, &[a, b])
}

pub fn spin(iterations: u32) -> Job {
    Job {
        fuel: iterations + 1,
        ..job(op::SPIN, 1, &[iterations, 7])
    }
}

/// What `spin` answers.
pub fn spun(iterations: u32) -> u32 {
    (0..iterations).fold(7, |x: u32, _| {
        x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
    })
}

pub fn fill(buffer: u32, words: u32, value: u32, tiles: u32) -> Job {
    job(op::FILL, tiles, &[buffer, 0, words, value])
}

pub fn sum(buffer: u32, words: u32, tiles: u32) -> Job {
    job(op::SUM_U32, tiles, &[buffer, 0, words])
}

/// A scalar job that faults: it runs out of fuel.
pub fn faulty_scalar() -> Job {
    Job {
        fuel: 5,
        ..job(op::SPIN, 1, &[100, 7])
    }
}

/// A tiled job that faults: 0 is never a buffer.
pub fn faulty_tiled() -> Job {
    fill(0, 64, 1, 3)
}

pub fn with(job: Job, flags: u32) -> Job {
    Job { flags, ..job }
}

/// A job of so many tiles, nearly all with nothing to do, that it takes seconds to a minute if nobody cuts it short.
pub fn long(buffer: u32) -> Job {
    fill(buffer, 64, 1, 1 << 24)
}

// ---------------------------------------------------------------- running them

pub fn submit(tenant: &Tenant, jobs: &[Job]) -> Vec<u64> {
    let mut tickets = vec![0; jobs.len()];
    let (accepted, result) = tenant.submit(jobs, Some(&mut tickets));
    assert_eq!(accepted, jobs.len(), "{result:?}");
    result.unwrap();
    tickets
}

pub fn wait(tenant: &Tenant, ticket: u64) -> Completion {
    tenant.wait(ticket, Wait::Adaptive, PATIENCE).unwrap()
}

/// Submits jobs in one call and waits for all.
pub fn run(tenant: &Tenant, jobs: &[Job]) -> Vec<Completion> {
    submit(tenant, jobs)
        .into_iter()
        .map(|t| wait(tenant, t))
        .collect()
}

pub fn run_one(tenant: &Tenant, job: Job) -> Completion {
    run(tenant, &[job])[0]
}

pub fn statuses(completions: &[Completion]) -> Vec<u32> {
    completions.iter().map(|c| c.status).collect()
}

/// Takes completions until so many are there.
pub fn take(tenant: &Tenant, count: usize) -> Vec<Completion> {
    let mut out = vec![Completion::default(); count];
    let mut have = 0;
    while have < count {
        have += tenant
            .poll(&mut out[have..], Wait::Adaptive, PATIENCE)
            .unwrap();
    }
    out
}

/// Whether a descriptor is readable, at the latest after this many milliseconds; -1 waits for ever.
pub fn readable(fd: i32, timeout_ms: i32) -> bool {
    let mut look = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, as said.
    unsafe { libc::poll(&mut look, 1, timeout_ms) == 1 }
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_nanos(PATIENCE),
            "in {PATIENCE} ns it did not come to this: {what}"
        );
        std::thread::sleep(Duration::from_micros(100));
    }
}

pub fn words(tenant: &Tenant, buffer: u32, count: usize) -> Vec<u32> {
    let mut bytes = vec![0; 4 * count];
    tenant.buffer_read(buffer, 0, &mut bytes).unwrap();
    bytes
        .chunks_exact(4)
        .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
        .collect()
}

pub fn status<T: std::fmt::Debug>(result: Result<T, Error>) -> Status {
    result.err().map_or(Status::Ok, |e| e.status())
}
