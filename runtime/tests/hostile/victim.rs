//! The victim: a tenant that minds its own business in a thread of its own, and notices whatever happens to it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;

use rota::completion_status::OK;
use rota::{op, HandlerOptions, Job, ModuleOptions, Runtime, Tenant, TenantOptions, Wait};

use crate::PATIENCE;

const WORDS: usize = 1_024;
/// What its handlers leave wherever a handler can leave something.
const SECRET: u32 = 0x5ec2_e75e;

/// Its own handlers: they leave words in scratch and in private variables.
const SOURCE: &str = "
var<private> left: array<u32, 256>;

fn leave() {
    for (var i = lane(); i < 2048u; i += lanes()) {
        scratch_store(i, arg(0u));
    }
    for (var i = 0u; i < 256u; i += 1u) {
        left[i] = arg(0u) + i;
    }
    result_max(0u, left[arg(1u) & 255u] + scratch_load(lane()));
}

fn leave_alone() {
    for (var i = 0u; i < 256u; i += 1u) {
        left[i] = arg(0u) + i;
    }
    result(0u, left[arg(1u) & 255u]);
}
";
const LEAVE: u32 = 0x1000;
const LEAVE_ALONE: u32 = 0x1001;

pub fn job(opcode: u32, tiles: u32, args: &[u32]) -> Job {
    let mut job = Job {
        opcode,
        tiles,
        ..Job::default()
    };
    job.args[..args.len()].copy_from_slice(args);
    job
}

fn pattern(seed: u32) -> Vec<u32> {
    (0..WORDS as u32)
        .map(|i| (i ^ seed).wrapping_mul(0x9e37_79b9))
        .collect()
}

pub fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

pub fn words(tenant: &Tenant, buffer: u32, count: usize) -> Vec<u32> {
    let mut out = vec![0; 4 * count];
    tenant.buffer_read(buffer, 0, &mut out).unwrap();
    out.chunks_exact(4)
        .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
        .collect()
}

pub struct Victim {
    pub tenant: Tenant,
    /// Its module.
    pub module: u32,
    /// What nobody ever writes, before and behind the attackers' buffers.
    guards: Vec<(u32, Vec<u32>)>,
    /// One of them that its owner may write.
    pub foreign: u32,
    /// One that no job may write.
    pub foreign_read_only: u32,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Victim {
    pub fn new(runtime: &Runtime) -> Self {
        let tenant = runtime
            .create_tenant(&TenantOptions {
                label: "victim".into(),
                ..TenantOptions::default()
            })
            .unwrap();
        let handler = |opcode, function: &str, tiled| HandlerOptions {
            opcode,
            function: function.into(),
            tiled,
            fuel: 0,
        };
        let (module, _) = tenant
            .module_load(&ModuleOptions {
                label: "victim".into(),
                source: SOURCE.into(),
                handlers: vec![
                    handler(LEAVE, "leave", true),
                    handler(LEAVE_ALONE, "leave_alone", false),
                ],
            })
            .unwrap_or_else(|e| panic!("{e}"));
        let guards: Vec<_> = (0..8)
            .map(|n| {
                let words = pattern(n);
                let buffer = tenant.buffer_create(4 * WORDS as u64, n == 1).unwrap();
                tenant.buffer_write(buffer, 0, &bytes(&words)).unwrap();
                (buffer, words)
            })
            .collect();
        let (foreign, foreign_read_only) = (guards[0].0, guards[1].0);
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicU64::new(0));
        let thread = std::thread::spawn({
            let (tenant, stop, rounds) = (tenant.clone(), stop.clone(), rounds.clone());
            let guards = guards.clone();
            move || live(&tenant, &guards, &stop, &rounds)
        });
        Self {
            tenant,
            module,
            guards,
            foreign,
            foreign_read_only,
            stop,
            rounds,
            thread: Some(thread),
        }
    }

    /// Runs the jobs that leave words around.
    pub fn leave_words(&self) {
        let jobs = [
            job(LEAVE, 4, &[SECRET, 3]),
            job(LEAVE_ALONE, 1, &[SECRET, 3]),
            job(LEAVE_ALONE, 1, &[SECRET, 3]),
        ];
        let ends: Vec<_> = run(&self.tenant, &jobs)
            .iter()
            .map(|c| (c.status, c.results[0]))
            .collect();
        let (tiled, alone) = (
            SECRET.wrapping_add(3).wrapping_add(SECRET),
            SECRET.wrapping_add(3),
        );
        assert_eq!(ends, [(OK, tiled), (OK, alone), (OK, alone)]);
    }

    /// Whether all is as it was.
    pub fn check(&self, after: &str) {
        for (n, (buffer, expected)) in self.guards.iter().enumerate() {
            let found = words(&self.tenant, *buffer, WORDS);
            if let Some(at) = (0..WORDS).find(|&i| found[i] != expected[i]) {
                panic!(
                    "after {after}: word {at} of the victim's buffer {n} is {:#x} and was {:#x}",
                    found[at], expected[at]
                );
            }
        }
        let thread = self.thread.as_ref().unwrap();
        assert!(!thread.is_finished(), "after {after}: the victim has died");
    }

    /// How often it did all that it does.
    pub fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// Ends its life; gives how many rounds it had. Panics if it met with anything that it didn't expect.
    pub fn end(mut self) -> u64 {
        self.check("all");
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().unwrap();
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
        self.tenant.module_unload(self.module, PATIENCE).unwrap();
        self.tenant.destroy().unwrap();
        self.rounds()
    }
}

pub fn run(tenant: &Tenant, jobs: &[Job]) -> Vec<rota::Completion> {
    let mut tickets = vec![0; jobs.len()];
    let (accepted, result) = tenant.submit(jobs, Some(&mut tickets));
    result.unwrap_or_else(|e| panic!("job {accepted} was refused: {e}"));
    tickets
        .iter()
        .map(|&t| tenant.wait(t, Wait::Block, PATIENCE).unwrap())
        .collect()
}

/// What the victim does all the time: sums, histograms, fills, its own handlers; and it looks at every result.
fn live(tenant: &Tenant, guards: &[(u32, Vec<u32>)], stop: &AtomicBool, rounds: &AtomicU64) {
    let n = WORDS as u32;
    let counts = tenant.buffer_create(1_024, false).unwrap();
    let filled = tenant.buffer_create(4 * u64::from(n), false).unwrap();
    let sums: Vec<u64> = guards
        .iter()
        .map(|(_, words)| words.iter().map(|&w| u64::from(w)).sum())
        .collect();
    let histograms: Vec<Vec<u32>> = guards
        .iter()
        .map(|(_, words)| {
            let mut histogram = vec![0; 256];
            bytes(words)
                .iter()
                .for_each(|&b| histogram[b as usize] += 1);
            histogram
        })
        .collect();
    let mut round = 0u32;
    while !stop.load(Ordering::Relaxed) {
        let g = round as usize % guards.len();
        let value = round.wrapping_mul(0x0101_0101);
        tenant.buffer_fill(counts, 0, 1_024, 0).unwrap();
        let done = run(
            tenant,
            &[
                job(op::SUM_U32, 3, &[guards[g].0, 0, n]),
                job(op::HISTOGRAM_U8, 2, &[guards[g].0, 0, 4 * n, counts, 0]),
                job(op::FILL, 2, &[filled, 0, n, value]),
                job(op::NOP, 1, &[round, value]),
                job(LEAVE, 2, &[SECRET, round]),
                job(LEAVE_ALONE, 1, &[SECRET, round]),
            ],
        );
        for (k, c) in done.iter().enumerate() {
            assert_eq!((c.status, c.fault), (OK, 0), "the victim's job {k}");
        }
        let sum = u64::from(done[0].results[0]) | u64::from(done[0].results[1]) << 32;
        assert_eq!(sum, sums[g], "the victim's sum");
        assert_eq!(words(tenant, counts, 256), histograms[g], "the histogram");
        assert!(
            words(tenant, filled, WORDS).iter().all(|&w| w == value),
            "the victim's filled buffer"
        );
        assert_eq!(done[3].results, [round, value], "the victim's nop");
        let left = SECRET.wrapping_add(round & 255);
        assert_eq!(done[4].results[0], left.wrapping_add(SECRET));
        assert_eq!(done[5].results[0], left);
        round += 1;
        rounds.fetch_add(1, Ordering::Relaxed);
    }
}
