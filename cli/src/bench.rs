//! `rota bench`: a quick look at one device by itself, every answer checked. One line for each part as it ends.

use std::time::{Duration, Instant};

use rota::{
    completion_status, op, recommended_tiles, Completion, Job, Runtime, RuntimeOptions, Tenant,
    TenantOptions, Wait,
};

use crate::args::Bench;
use crate::doctor::{driver, mode_name};
use crate::paper::{nanoseconds, print, thousands, three_digits};
use crate::Failure;

/// Jobs in one submit, and completions taken at once.
const BATCH: usize = 64;
/// Elements of each of the two vectors: 64 MiB.
const ELEMENTS: u32 = 16 << 20;
/// A job that takes longer than this is taken for lost. Some drivers compile the kernel when it is first launched.
const PATIENCE_NS: u64 = 120_000_000_000;
/// At most so many samples are kept of a part.
const MOST_SAMPLES: usize = 4_000_000;

type Outcome<T> = Result<T, Failure>;

pub fn run(options: &Bench) -> Outcome<()> {
    let runtime = Runtime::open(&RuntimeOptions {
        device: options.device.clone(),
        mode: options.mode,
        ..RuntimeOptions::default()
    })?;
    let info = runtime.info();
    let tenant = runtime.create_tenant(&TenantOptions {
        label: "bench".into(),
        slots: 0,
        ..TenantOptions::default()
    })?;
    print(&format!(
        "rota {} on {}, {}, mode {}\n",
        rota::VERSION,
        info.device.name,
        driver(&info.device),
        mode_name(info.mode),
    ))?;
    let part = options.time / 4;

    // The driver compiles at the first launch: that belongs to none of the figures.
    echo(&tenant, 0)?;
    let mut trips = round_trips(&tenant, part)?;
    line(
        "round trip",
        &format!("p50 {}, p99 {}", trips.quantile(0.5), trips.quantile(0.99)),
        "one job, spinning",
    )?;
    let rate = throughput(&tenant, part)?;
    line(
        "throughput",
        &format!("{} jobs/s", thousands(rate as u64)),
        "one producer, batches of 64",
    )?;
    let mut wakes = wakes(&runtime, &tenant, part)?;
    line(
        "wake",
        &format!("p50 {}, p99 {}", wakes.quantile(0.5), wakes.quantile(0.99)),
        "a parked runtime, one job",
    )?;
    let gb_per_s = saxpy(&tenant, part)?;
    line(
        "saxpy",
        &format!("{} GB/s", three_digits(gb_per_s)),
        "64 MiB vectors, 12 bytes an element, blocked wait",
    )?;

    print(&format!(
        "\nA quick look at one device by itself{}.\n\
         `make bench` measures side by side with plain Vulkan and wgpu.\n",
        how_busy()
    ))?;
    tenant.destroy()?;
    Ok(runtime.stop()?)
}

/// How much else goes on, which spoils figures more than anything: processes that want a core, and cores.
fn how_busy() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    match load.split_whitespace().next() {
        Some(load) => {
            format!(", on {cores} cores at a load of {load} in the last minute, its own included")
        }
        None => format!(", on {cores} cores"),
    }
}

fn line(part: &str, figure: &str, how: &str) -> Outcome<()> {
    Ok(print(&format!("  {part:12}{figure:32}{how}\n"))?)
}

/// Times, for quantiles.
struct Samples(Vec<u32>);

impl Samples {
    fn push(&mut self, time: Duration) {
        self.0.push(time.as_nanos().min(u32::MAX.into()) as u32);
    }

    fn quantile(&mut self, q: f64) -> String {
        let at = ((self.0.len() - 1) as f64 * q) as usize;
        let (_, &mut ns, _) = self.0.select_nth_unstable(at);
        nanoseconds(ns.into())
    }
}

fn nop(n: u32) -> Job {
    Job {
        opcode: op::NOP,
        args: [n, !n, 0, 0, 0, 0, 0, 0, 0, 0],
        user_data: n.into(),
        ..Job::default()
    }
}

/// Whether it is the right answer to that NOP.
fn check(answer: &Completion, n: u32) -> Outcome<()> {
    if answer.status != completion_status::OK
        || answer.results != [n, !n]
        || answer.user_data != u64::from(n)
    {
        return Err(wrong("a NOP"));
    }
    Ok(())
}

fn wrong(what: &str) -> Failure {
    Failure::Said(format!(
        "the device answered {what} wrongly: its figures mean nothing; see `rota doctor`"
    ))
}

/// One job there and back.
fn echo(tenant: &Tenant, n: u32) -> Outcome<()> {
    tenant.submit(&[nop(n)], None).1?;
    let mut answer = [Completion::default()];
    tenant.poll(&mut answer, Wait::Spin, PATIENCE_NS)?;
    check(&answer[0], n)
}

fn round_trips(tenant: &Tenant, time: Duration) -> Outcome<Samples> {
    for n in 0..1_000 {
        echo(tenant, n)?;
    }
    let mut samples = Samples(Vec::with_capacity(MOST_SAMPLES));
    let started = Instant::now();
    let mut before = started;
    while before - started < time && samples.0.len() < MOST_SAMPLES {
        echo(tenant, samples.0.len() as u32)?;
        let after = Instant::now();
        samples.push(after - before);
        before = after;
    }
    Ok(samples)
}

/// Jobs completed per second: submits batches until the ring is full, then takes what is there, in turn.
fn throughput(tenant: &Tenant, time: Duration) -> Outcome<f64> {
    let (mut sent, mut taken) = (0u64, 0u64);
    let mut answers = [Completion::default(); BATCH];
    let started = Instant::now();
    loop {
        if started.elapsed() < time {
            let jobs: [Job; BATCH] = std::array::from_fn(|i| nop((sent + i as u64) as u32));
            match tenant.submit(&jobs, None) {
                (accepted, Ok(()) | Err(rota::Error::WouldBlock)) => sent += accepted as u64,
                (_, Err(e)) => return Err(e.into()),
            }
        } else if taken == sent {
            return Ok(taken as f64 / started.elapsed().as_secs_f64());
        }
        let count = tenant.poll(&mut answers, Wait::Spin, PATIENCE_NS)?;
        // One tenant's light jobs of one producer complete in their order.
        for answer in &answers[..count] {
            check(answer, taken as u32)?;
            taken += 1;
        }
    }
}

/// From the submit to a parked runtime until the completion is in hand.
fn wakes(runtime: &Runtime, tenant: &Tenant, time: Duration) -> Outcome<Samples> {
    let mut samples = Samples(Vec::new());
    let started = Instant::now();
    while samples.0.is_empty() || started.elapsed() < time {
        let patience = Instant::now();
        while !runtime.info().parked {
            if patience.elapsed() > Duration::from_secs(10) {
                return Err(Failure::Said(
                    "the runtime did not park within 10 s without work".into(),
                ));
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        // It says that it is parked a moment before it sleeps.
        std::thread::sleep(Duration::from_millis(1));
        let before = Instant::now();
        echo(tenant, samples.0.len() as u32)?;
        samples.push(before.elapsed());
    }
    Ok(samples)
}

/// Bytes per nanosecond of y = alpha * x + y, the median over jobs: x is read, y is read and written.
fn saxpy(tenant: &Tenant, time: Duration) -> Outcome<f64> {
    let length = 4 * u64::from(ELEMENTS);
    let x = tenant.buffer_create(length, true)?;
    let y = tenant.buffer_create(length, false)?;
    let ones: Vec<u8> = 1f32.to_le_bytes().repeat(ELEMENTS as usize);
    tenant.buffer_write(x, 0, &ones)?;
    drop(ones);
    // y counts the runs: halves are exact up to 2^23 of them.
    let job = Job {
        opcode: op::SAXPY_F32,
        tiles: recommended_tiles(op::SAXPY_F32, ELEMENTS.into()),
        args: [x, 0, y, 0, ELEMENTS, 0.5f32.to_bits(), 0, 0, 0, 0],
        ..Job::default()
    };
    let mut times = Vec::new();
    let mut started = Instant::now();
    let mut runs = 0;
    // The first run touches every page and makes the lease wide: it isn't counted.
    while runs < 4 || started.elapsed() < time {
        let mut ticket = [0];
        let before = Instant::now();
        tenant.submit(&[job], Some(&mut ticket)).1?;
        let answer = tenant.wait(ticket[0], Wait::Block, PATIENCE_NS)?;
        if answer.status != completion_status::OK {
            return Err(wrong("a saxpy"));
        }
        if runs == 0 {
            started = Instant::now();
        } else {
            times.push(before.elapsed().as_nanos() as f64);
        }
        runs += 1;
    }
    let mut out = vec![0; length as usize];
    tenant.buffer_read(y, 0, &mut out)?;
    let expected = (runs as f32 * 0.5).to_le_bytes();
    if out.chunks_exact(4).any(|word| word != expected) {
        return Err(wrong("a saxpy"));
    }
    tenant.buffer_destroy(x)?;
    tenant.buffer_destroy(y)?;
    times.sort_by(f64::total_cmp);
    Ok(f64::from(ELEMENTS) * 12.0 / times[times.len() / 2])
}
