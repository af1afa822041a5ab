//! What isolation costs, and what it is good for: the same kernels without checks and fuel, and a tenant beside one that
//! never ends.

use super::modules::there_and_back;
use super::Part;
use crate::api;
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::rota::{Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;
use rota::ring::layout::Without;
use rota::{
    op, Experiment, HandlerOptions, Job, ModuleOptions, RuntimeOptions, TenantOptions, Wait,
};
use std::sync::atomic::{AtomicBool, Ordering};

pub const PART: Part = Part {
    name: "isolation",
    what: "cost_mean: jobs of each standard handler and of the handlers in examples/handlers, on a runtime as \
           it is and on one whose kernel is composed without range checks and without fuel, by turns, as many \
           together as take 10 ms, awaited blocking; each round compares the quickest of 4 on each side, a \
           handler's cost is the median over the rounds of their ratio minus 1, and the figure is the mean of \
           the handlers' costs, with p10 and p90 of the rounds' means. runaway_p99_ratio: round trips of NOP \
           jobs, one after the other, beside a tenant that keeps its ring full of jobs in an endless loop with \
           their default fuel, relative to the same alone; p99 of each round, median of the rounds' ratio. \
           runaway_paced: the same with 1,000 jobs per second, each counted from when it should have been sent; \
           alone_paced: without the other tenant. budget_us: what one such endless job takes.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(runtime) = context.runtime()? else {
        return Ok(object);
    };
    runaway(context, &runtime, &mut object)?;
    drop(runtime);
    cost(context, &mut object)?;
    Ok(object)
}

// ---------------------------------------------------------------- beside a runaway

const ENDLESS: &str =
    "fn endless() { var x = arg(0u); loop { x = x * 1664525u + 1u; } result(0u, x); }";
const PACE_NS: u64 = 1_000_000;

fn runaway(context: &Context, runtime: &Runtime, object: &mut Object) -> Fallible<()> {
    let (good, bad) = (runtime.tenant("good", 0)?, runtime.tenant("bad", 64)?);
    bad.load(ENDLESS, 0x1000, "endless", 0)?;
    let mut budget = Samples::new();
    for _ in 0..200 {
        let begin = now_ns();
        let ticket = bad.submit_one(&api::scalar(0x1000, 0, 0))?;
        let done = bad.wait(ticket, api::WAIT_SPIN)?;
        budget.push((now_ns() - begin) as f64 / 1e3);
        if done.status == api::COMPLETION_OK {
            return Err("an endless loop ended by itself".into());
        }
    }
    budget.write_events(object, "budget", "us");

    let rounds = context.rounds(16);
    let progress = Progress::new("runaway", rounds);
    let mut ratio = Samples::new();
    let mut p99s = [Samples::new(), Samples::new()];
    let mut paced = [Samples::new(), Samples::new()];
    for round in 0..rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut p99 = [0.0; 2];
        for which in order {
            runtime.wait_parked()?;
            let over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let beside = (which == 1).then(|| scope.spawn(|| keep_busy(&bad, &over)));
                let times = closed_loop(&good, 20_000);
                let slow = paced_loop(&good, 200);
                over.store(true, Ordering::Relaxed);
                if let Some(beside) = beside {
                    beside
                        .join()
                        .map_err(|_| "the runaway's thread panicked")??;
                }
                p99[which] = times?.quantiles([0.99])[0];
                p99s[which].push(p99[which]);
                paced[which].extend(&slow?);
                Fallible::Ok(())
            })?;
        }
        ratio.push(p99[1] / p99[0]);
        progress.step(round + 1);
    }
    ratio.write_figure(object, "runaway_p99_ratio");
    p99s[0].write_figure(object, "alone_p99_ns");
    p99s[1].write_figure(object, "runaway_p99_ns");
    for (samples, name) in paced.iter().zip(["alone_paced", "runaway_paced"]) {
        samples.write_events(object, name, "us");
        put(object, &format!("{name}_max_us"), samples.max());
    }
    Ok(())
}

/// Keeps the ring full, and sleeps meanwhile.
fn keep_busy(bad: &Tenant, over: &AtomicBool) -> Fallible<()> {
    let jobs = [api::scalar(0x1000, 0, 0); 64];
    let mut done = [api::Completion::default(); 64];
    let mut open = 0;
    while !over.load(Ordering::Relaxed) || open != 0 {
        if !over.load(Ordering::Relaxed) {
            open += bad.submit(&jobs, &mut [0; 64])?;
        }
        // Half a ring at a time.
        std::thread::sleep(std::time::Duration::from_millis(1));
        open -= bad.poll(&mut done, api::WAIT_BLOCK, 10_000_000)?;
    }
    Ok(())
}

fn closed_loop(good: &Tenant, count: usize) -> Fallible<Samples> {
    let mut times = Samples::new();
    for _ in 0..count {
        times.push(there_and_back(good)?);
    }
    Ok(times)
}

fn paced_loop(good: &Tenant, count: u64) -> Fallible<Samples> {
    let mut times = Samples::new();
    let start = now_ns() + PACE_NS;
    for index in 0..count {
        let intended = start + index * PACE_NS;
        while now_ns() < intended {
            std::hint::spin_loop();
        }
        there_and_back(good)?;
        times.push((now_ns() - intended) as f64 / 1e3);
    }
    Ok(times)
}

// ---------------------------------------------------------------- what checks and fuel cost

enum Arg {
    Buffer(usize),
    Word(u32),
}
use Arg::{Buffer, Word};

struct Case {
    name: &'static str,
    /// Function and source of an example; None for a standard handler.
    module: Option<(&'static str, &'static str)>,
    opcode: u32,
    tiles: u32,
    buffers: Vec<Vec<u32>>,
    args: Vec<Arg>,
}

const WORDS: u32 = 1 << 18;
/// What the jobs of one turn should take.
const ENOUGH_NS: f64 = 10e6;

fn words(seed: u32) -> Vec<u32> {
    let mut x = seed;
    let next = |_| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x
    };
    (0..WORDS).map(next).collect()
}

/// Numbers that stay numbers.
fn floats(seed: u32) -> Vec<u32> {
    let small = |x: u32| ((x >> 16) as f32 / 65536.0).to_bits();
    words(seed).into_iter().map(small).collect()
}

/// A table that finds one byte: see docs/operations.md.
fn table() -> Vec<u32> {
    const HIT: u32 = 1 << 31;
    let mut table = vec![0x5244_4641, 2, 2, 1, 1, 72, 76, 79];
    let mut classes = [0; 256];
    classes[usize::from(b'e')] = 1;
    table.extend(
        classes
            .chunks(4)
            .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])),
    );
    table.extend([0, 1 | HIT, 0, 1 | HIT, 0, 0, 1, 0]);
    table
}

fn standard() -> Vec<Case> {
    let case = |name, opcode, buffers, args| Case {
        name,
        module: None,
        opcode,
        tiles: rota::recommended_tiles(opcode, u64::from(WORDS)),
        buffers,
        args,
    };
    let pair = || vec![Buffer(0), Word(0), Buffer(1), Word(0), Word(WORDS)];
    let one = || vec![Buffer(0), Word(0), Word(WORDS)];
    let mut saxpy = pair();
    saxpy.push(Word(0.5f32.to_bits()));
    let bytes = WORDS * 4;
    vec![
        case("fill", op::FILL, vec![words(1)], {
            let mut args = one();
            args.push(Word(7));
            args
        }),
        case("copy", op::COPY, vec![words(1), words(2)], pair()),
        case(
            "saxpy_f32",
            op::SAXPY_F32,
            vec![floats(1), floats(2)],
            saxpy,
        ),
        case("sum_u32", op::SUM_U32, vec![words(1)], one()),
        case("sum_f32", op::SUM_F32, vec![floats(1), words(2)], {
            let mut args = one();
            args.extend([Buffer(1), Word(0)]);
            args
        }),
        case("min_max_u32", op::MIN_MAX_U32, vec![words(1)], one()),
        Case {
            tiles: rota::recommended_tiles(op::HISTOGRAM_U8, u64::from(bytes)),
            ..case(
                "histogram_u8",
                op::HISTOGRAM_U8,
                vec![words(1), words(2)],
                vec![Buffer(0), Word(0), Word(bytes), Buffer(1), Word(0)],
            )
        },
        Case {
            tiles: rota::recommended_tiles(op::SCAN_DFA, u64::from(bytes)),
            ..case("scan_dfa", op::SCAN_DFA, scanned(), scan_args())
        },
    ]
}

fn scanned() -> Vec<Vec<u32>> {
    vec![words(1), table(), vec![0; 4]]
}

fn scan_args() -> Vec<Arg> {
    let places = [Buffer(0), Word(0), Word(WORDS * 4), Buffer(1), Buffer(2)];
    places.into_iter().chain([0, 0, 0].map(Word)).collect()
}

macro_rules! example {
    ($file:literal) => {
        include_str!(concat!("../../../examples/handlers/", $file, ".wgsl"))
    };
}

/// What their heads say of their arguments.
fn examples() -> Vec<Case> {
    let bytes = WORDS * 4;
    // Messages of 4 KiB, ranges of 64.
    let pieces = (0..bytes / 4096).flat_map(|n| [n * 4096, 4096, 0, 1]);
    let ranges = (0..bytes / 65536).flat_map(|n| [n * 65536, 65536]);
    let twiddles = (0..512).flat_map(|k| {
        let (sin, cos) = (f64::from(k) * std::f64::consts::TAU / -1024.0).sin_cos();
        [(cos as f32).to_bits(), (sin as f32).to_bits()]
    });
    let table = [
        (
            "sha256",
            ("sha256", example!("sha256")),
            // A message for each lane.
            bytes / 4096 / 8,
            vec![words(1), pieces.collect(), vec![0; 8 * 256]],
            vec![
                Buffer(0),
                Buffer(1),
                Buffer(2),
                Word(256),
                Word(0),
                Word(2048),
            ],
        ),
        (
            "crc32c",
            ("crc32c", example!("crc32c")),
            16,
            vec![words(1), ranges.collect(), vec![0; 16]],
            vec![Buffer(0), Buffer(1), Buffer(2), Word(16), Word(1)],
        ),
        (
            // 2,048 rows of 128 numbers in 4 parts, 4 queries, the best 16.
            "nearest",
            ("nearest_part", example!("nearest")),
            16,
            vec![floats(1), floats(2), vec![0; 256], vec![0; 256]],
            (0..4)
                .map(Buffer)
                .chain([2048, 4, 128, 16, 4].map(Word))
                .collect(),
        ),
        (
            "scan",
            ("scan", example!("scan")),
            bytes / 16384,
            scanned(),
            scan_args(),
        ),
        (
            // 128 transforms of 1,024.
            "fft",
            ("fft", example!("fft")),
            128,
            vec![floats(1), words(2), twiddles.collect()],
            vec![
                Buffer(0),
                Buffer(1),
                Buffer(2),
                Word(10),
                Word(128),
                Word(0),
            ],
        ),
    ];
    let case = |(opcode, (name, module, tiles, buffers, args))| Case {
        name,
        module: Some(module),
        opcode,
        tiles,
        buffers,
        args,
    };
    (0x1000..).zip(table).map(case).collect()
}

/// A runtime, a tenant, and the jobs of all cases.
struct Side {
    runtime: rota::Runtime,
    tenant: rota::Tenant,
    jobs: Vec<Job>,
}

impl Side {
    fn new(cases: &[Case], without: Without) -> Fallible<Self> {
        let runtime = rota::Runtime::open(&RuntimeOptions {
            experiment: Experiment {
                without,
                ..Experiment::default()
            },
            ..RuntimeOptions::default()
        })?;
        let tenant = runtime.create_tenant(&TenantOptions::default())?;
        let mut jobs = Vec::new();
        for case in cases {
            if let Some((function, source)) = case.module {
                tenant.module_load(&ModuleOptions {
                    label: case.name.into(),
                    source: source.into(),
                    handlers: vec![HandlerOptions {
                        opcode: case.opcode,
                        function: function.into(),
                        tiled: true,
                        fuel: runtime.info().most_tile_fuel,
                    }],
                })?;
            }
            let mut handles = Vec::new();
            for words in &case.buffers {
                let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
                let handle = tenant.buffer_create(bytes.len() as u64, false)?;
                tenant.buffer_write(handle, 0, &bytes)?;
                handles.push(handle);
            }
            let mut job = Job {
                opcode: case.opcode,
                tiles: case.tiles,
                flags: rota::job_flags::TIMING,
                ..Job::default()
            };
            for (to, arg) in job.args.iter_mut().zip(&case.args) {
                *to = match *arg {
                    Buffer(n) => handles[n],
                    Word(word) => word,
                };
            }
            jobs.push(job);
        }
        Ok(Self {
            runtime,
            tenant,
            jobs,
        })
    }

    /// Runs a case's job so many times, submitted together; gives the last completion. Awaited blocking: who spins takes a
    /// core from the workers, and with as many workers as cores the scheduler's slices are what is measured.
    fn run(&self, case: usize, times: usize) -> Fallible<rota::Completion> {
        let mut tickets = vec![0; times];
        let jobs = vec![self.jobs[case]; times];
        self.tenant.submit(&jobs, Some(&mut tickets)).1?;
        let mut last = rota::Completion::default();
        for ticket in tickets {
            last = self.tenant.wait(ticket, Wait::Block, u64::MAX)?;
            if last.status != rota::completion_status::OK {
                return Err(format!("case {case} ended as {last:?}").into());
            }
        }
        Ok(last)
    }

    /// Nanoseconds of so many jobs of a case, on a kernel that is running.
    fn time(&self, case: usize, times: usize) -> Fallible<f64> {
        self.run(case, 1)?;
        let begin = now_ns();
        self.run(case, times)?;
        Ok((now_ns() - begin) as f64)
    }

    fn wait_parked(&self) {
        while !self.runtime.info().parked {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
    }
}

fn cost(context: &Context, object: &mut Object) -> Fallible<()> {
    let cases: Vec<_> = standard().into_iter().chain(examples()).collect();
    let checked = Side::new(&cases, Without::default())?;
    let mut bare = Side::new(
        &cases,
        Without {
            checks: true,
            fuel: true,
            ..Without::default()
        },
    )?;
    // Nobody tells the bare kernel what its loops spend, so its leases are charged for budgets: by what is really spent.
    for (n, job) in bare.jobs.iter_mut().enumerate() {
        let lanes = checked.runtime.info().device.subgroup_size;
        job.fuel = (checked.run(n, 1)?.fuel.div_ceil(job.tiles * lanes)).max(1);
    }
    let sides = [bare, checked];
    // So many jobs that being woken at their end is a hundredth of their time.
    let mut times = Vec::new();
    for n in 0..cases.len() {
        let mut quickest = f64::MAX;
        for _ in 0..4 {
            quickest = quickest.min(sides[0].time(n, 1)?);
        }
        times.push((ENOUGH_NS / quickest).ceil().min(64.0) as usize);
        sides.iter().for_each(Side::wait_parked);
    }
    let rounds = context.rounds(16);
    let progress = Progress::new("cost", rounds);
    let mut costs = vec![Samples::new(); cases.len()];
    let mut means = Samples::new();
    for round in 0..rounds {
        let mut sum = 0.0;
        for (n, times) in times.iter().enumerate() {
            // Not biased: what disturbs jobs only makes them longer, so the quickest of several tries is the least disturbed.
            // What disturbance is left comes to both sides alike, since they have as many tries of the same jobs from the
            // same state, in turn, and each begins every other round: the ratio is as often above the true one as below,
            // and the median over the rounds is the true one. Being woken is in both times, and takes no more
            // than a hundredth of the cost away.
            let mut quickest = [f64::MAX; 2];
            for turn in 0..8 {
                let which = (round + turn) % 2;
                quickest[which] = quickest[which].min(sides[which].time(n, *times)?);
                sides[which].wait_parked();
            }
            let cost = (quickest[1] / quickest[0] - 1.0) * 100.0;
            costs[n].push(cost);
            sum += cost;
        }
        means.push(sum / cases.len() as f64);
        progress.step(round + 1);
    }
    let mean = costs.iter().map(Samples::median).sum::<f64>() / costs.len() as f64;
    for (case, cost) in cases.iter().zip(&costs) {
        cost.write_figure(object, &format!("cost_{}", case.name));
    }
    // Of the medians, while the spread is that of the rounds' means.
    means.write_figure(object, "cost_mean");
    put(object, "cost_mean", mean);
    Ok(())
}
