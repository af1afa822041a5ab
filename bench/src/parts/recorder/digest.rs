//! What a digest of each job's stores costs, by a kernel that makes them and one that doesn't.

use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::stats::{put, Object, Samples};
use crate::Fallible;
use rota::{
    op, recommended_tiles, Completion, HandlerOptions, Job, ModuleOptions, RuntimeOptions,
    TenantOptions, Wait, WriteDigest,
};

/// Words of x and of y: 64 MiB each.
const WORDS: u32 = 16 << 20;
const STORE: u32 = 0x1000;
const SOURCE: &str = "fn store() { store_u32(buffer_mut(arg(0u)), arg(1u), arg(2u)); }";

struct Case {
    name: &'static str,
    /// Submitted together.
    jobs: Vec<Job>,
    /// How often, one after the other, to be long enough to time.
    times: u32,
}

struct Side {
    runtime: rota::Runtime,
    tenant: rota::Tenant,
    cases: Vec<Case>,
    load_ms: f64,
    y: u32,
}

fn job(opcode: u32, elements: u32, args: &[u32]) -> Job {
    let mut job = Job {
        opcode,
        tiles: recommended_tiles(opcode, elements.into()).max(1),
        ..Job::default()
    };
    job.args[..args.len()].copy_from_slice(args);
    job
}

impl Side {
    fn new(write_digests: bool) -> Fallible<Self> {
        let runtime = rota::Runtime::open(&RuntimeOptions {
            write_digests,
            ..RuntimeOptions::default()
        })?;
        let tenant = runtime.create_tenant(&TenantOptions::default())?;
        let (_, report) = tenant.module_load(&ModuleOptions {
            label: "store".into(),
            source: SOURCE.into(),
            handlers: vec![HandlerOptions {
                opcode: STORE,
                function: "store".into(),
                tiled: false,
                fuel: 0,
            }],
        })?;
        let load = report.verify + report.compose + report.compile + report.switch;
        let buffer = |words: u32| tenant.buffer_create(4 * u64::from(words), false);
        let (x, y, counts) = (buffer(WORDS)?, buffer(WORDS)?, buffer(256)?);
        let floats = (0..WORDS).flat_map(|at| ((at & 255) as f32).to_le_bytes());
        tenant.buffer_write(x, 0, &floats.collect::<Vec<u8>>())?;
        let (quarter, kib) = (WORDS / 4, 256);
        let one = |name, times, job| Case {
            name,
            jobs: vec![job],
            times,
        };
        let two = 2f32.to_bits();
        let histogram = |bytes| job(op::HISTOGRAM_U8, bytes, &[x, 0, bytes, counts, 0]);
        let copy = |from, to, words| job(op::COPY, words, &[x, from, y, to, words]);
        let cases = vec![
            one(
                "saxpy",
                1,
                job(op::SAXPY_F32, WORDS, &[x, 0, y, 0, WORDS, two]),
            ),
            one("fill", 1, job(op::FILL, quarter, &[y, 0, quarter, 7])),
            one("copy", 1, copy(0, 0, quarter)),
            one("copy_shifted", 1, copy(1, 2, quarter)),
            one("histogram", 1, histogram(4 * quarter)),
            one("copy_small", 100, copy(0, 0, kib)),
            one("histogram_small", 100, histogram(4 * kib)),
            Case {
                name: "scalar_stores",
                jobs: (0..64).map(|i| job(STORE, 1, &[y, i, i])).collect(),
                times: 100,
            },
        ];
        Ok(Self {
            runtime,
            tenant,
            cases,
            load_ms: load.as_secs_f64() * 1e3,
            y,
        })
    }

    /// Runs a case's jobs once; gives the last completion.
    fn run(&self, case: &Case) -> Fallible<Completion> {
        let mut tickets = [0; 64];
        let tickets = &mut tickets[..case.jobs.len()];
        self.tenant.submit(&case.jobs, Some(tickets)).1?;
        // A job that takes long is awaited as in the part bandwidth: who spins takes a core from the workers.
        let way = match case.times {
            1 => Wait::Block,
            _ => Wait::Spin,
        };
        let mut last = Completion::default();
        for ticket in tickets {
            last = self.tenant.wait(*ticket, way, u64::MAX)?;
            if last.status != rota::completion_status::OK {
                return Err(format!("{} ended as {last:?}", case.name).into());
            }
        }
        Ok(last)
    }

    /// Nanoseconds of a case.
    fn time(&self, n: usize) -> Fallible<f64> {
        let case = &self.cases[n];
        let begin = now_ns();
        for _ in 0..case.times {
            self.run(case)?;
        }
        Ok((now_ns() - begin) as f64)
    }

    fn wait_parked(&self) {
        while !self.runtime.info().parked {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
    }

    /// The digest of saxpy is that of the words that it left, or none is made.
    fn check(&self, digests: bool) -> Fallible<()> {
        let done = self.run(&self.cases[0])?;
        let mut expected = WriteDigest::default();
        if digests {
            let mut bytes = vec![0; 4 * WORDS as usize];
            self.tenant.buffer_read(self.y, 0, &mut bytes)?;
            let words = bytes.chunks_exact(4);
            let words: Vec<u32> = words
                .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
                .collect();
            expected.count_words(2, 0, &words);
        }
        if done.digest != expected.value() {
            return Err(format!(
                "saxpy has the digest {:#x}, not {:#x}",
                done.digest,
                expected.value()
            )
            .into());
        }
        Ok(())
    }
}

pub fn measure(context: &Context, object: &mut Object) -> Fallible<()> {
    let sides = [Side::new(false)?, Side::new(true)?];
    sides[0].check(false)?;
    sides[1].check(true)?;
    let rounds = context.rounds(16);
    let progress = Progress::new("digest", sides[0].cases.len());
    for n in 0..sides[0].cases.len() {
        let mut cost = Samples::new();
        for round in 0..rounds {
            let mut quickest = [f64::MAX; 2];
            // In turn, because a machine is not as busy all the time; the quickest had the processor to itself.
            for turn in 0..8 {
                let which = (round + turn) % 2;
                quickest[which] = quickest[which].min(sides[which].time(n)?);
                sides[which].wait_parked();
            }
            cost.push((quickest[1] / quickest[0] - 1.0) * 100.0);
        }
        let key = match sides[0].cases[n].name {
            "saxpy" => "digest_cost".into(),
            other => format!("digest_cost_{other}"),
        };
        cost.write_figure(object, &key);
        progress.step(n + 1);
    }
    put(object, "digest_load_ms", sides[1].load_ms);
    put(object, "plain_load_ms", sides[0].load_ms);
    Ok(())
}
