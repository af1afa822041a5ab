//! The scenarios, and how they are run one after the other.

use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rota::{Error, Mode};

use crate::flood::{self, Flood, Outcome};
use crate::jobs::Mix;
use crate::verdict::Verdict;
use crate::{churn, cycles, loads, recorded, revokes, stops, Options};

/// What a scenario does.
enum Kind {
    Flood(Flood),
    /// The same, beside a process that burns all cores.
    Burdened(Flood),
    Stops(&'static [Mode]),
    Churn(Mode),
    Cycles(Mode),
    Snapshots(Mode),
    Revokes(Mode),
    Loads(Mode),
    Recorded {
        mode: Mode,
        small: bool,
    },
}

struct Scenario {
    name: &'static str,
    what: &'static str,
    kind: Kind,
    /// Jobs or rounds.
    short: u64,
    long: u64,
}

/// The positions that rings start at in most scenarios, and just below their wrap.
const BELOW_WRAP: u32 = 0x7fff_ffff - 5;

const SCALAR: Flood = Flood {
    mode: Mode::Resident,
    workers: 0,
    tenants: 8,
    producers: 16,
    slots: 1024,
    first_position: 0,
    lease_fuel: 0,
    rest_every: Some(Duration::from_millis(100)),
    mix: Mix {
        tiled: 0,
        spins: 2,
        spin_iterations: 40,
        flagged: 1,
    },
    stall: false,
};
const TILED: Flood = Flood {
    workers: 3,
    mix: Mix {
        tiled: 48,
        spins: 16,
        spin_iterations: 40,
        flagged: 8,
    },
    ..SCALAR
};
const WRAP: Flood = Flood {
    first_position: BELOW_WRAP,
    slots: 64,
    ..TILED
};
const SHORT_LEASES: Flood = Flood {
    lease_fuel: 4_000,
    workers: 2,
    rest_every: Some(Duration::from_micros(500)),
    ..TILED
};
const STALL: Flood = Flood {
    tenants: 2,
    producers: 4,
    slots: 64,
    rest_every: None,
    mix: Mix {
        tiled: 64,
        spins: 8,
        spin_iterations: 0,
        flagged: 8,
    },
    stall: true,
    ..TILED
};

const fn batch(flood: Flood) -> Flood {
    Flood {
        mode: Mode::Batch,
        ..flood
    }
}

const fn scenario(
    name: &'static str,
    what: &'static str,
    kind: Kind,
    short: u64,
    long: u64,
) -> Scenario {
    Scenario {
        name,
        what,
        kind,
        short,
        long,
    }
}

const MILLION: u64 = 1_000_000;

#[rustfmt::skip]
static SCENARIOS: &[Scenario] = &[
    scenario("scalar", "scalar jobs of 8 tenants and 16 producers, leases and parks between", Kind::Flood(SCALAR), MILLION, 100 * MILLION),
    scenario("scalar-batch", "the same in BATCH mode", Kind::Flood(batch(SCALAR)), MILLION, 100 * MILLION),
    scenario("tiled", "tiled jobs of 2 to 16 tiles mixed in, 3 workers", Kind::Flood(TILED), MILLION / 20, 20 * MILLION),
    scenario("tiled-batch", "the same in BATCH mode", Kind::Flood(batch(TILED)), MILLION / 20, 20 * MILLION),
    scenario("wrap", "rings of 64 slots that start just below the wrap", Kind::Flood(WRAP), MILLION / 25, 5 * MILLION),
    scenario("wrap-batch", "the same in BATCH mode", Kind::Flood(batch(WRAP)), MILLION / 25, 5 * MILLION),
    scenario("leases", "leases that end, and rests, every 500 us or so", Kind::Flood(SHORT_LEASES), MILLION / 50, 5 * MILLION),
    scenario("leases-batch", "the same in BATCH mode", Kind::Flood(batch(SHORT_LEASES)), MILLION / 50, 5 * MILLION),
    scenario("stall", "workers that stall for seconds wherever they are, and SPIN with the largest budget", Kind::Flood(STALL), 4_000, MILLION / 5),
    scenario("stops", "runtimes stopped in the middle of their work, in both modes", Kind::Stops(&[Mode::Resident, Mode::Batch]), 8, 1_000),
    scenario("churn", "tenants made and destroyed with open jobs beside steady ones", Kind::Churn(Mode::Resident), 1_000, 100_000),
    scenario("churn-batch", "the same in BATCH mode", Kind::Churn(Mode::Batch), 1_000, 100_000),
    scenario("cycles", "tenants registered, used, drained or revoked and destroyed by 8 threads, under quotas", Kind::Cycles(Mode::Resident), 2_000, MILLION),
    scenario("cycles-batch", "the same in BATCH mode", Kind::Cycles(Mode::Batch), 1_000, MILLION / 10),
    scenario("snapshots", "snapshots of tenants that come and go, each of whose jobs has a span", Kind::Snapshots(Mode::Resident), 20_000, MILLION),
    scenario("revokes", "tenants revoked beside their publishers; no job begins after that", Kind::Revokes(Mode::Resident), 500, MILLION / 10),
    scenario("revokes-batch", "the same in BATCH mode", Kind::Revokes(Mode::Batch), 300, MILLION / 10),
    scenario("loads", "modules loaded, replaced and unloaded beside jobs at full speed", Kind::Loads(Mode::Resident), 3, 200),
    scenario("loads-batch", "the same in BATCH mode", Kind::Loads(Mode::Batch), 2, 100),
    scenario("recorded", "mixed jobs recorded with their data, and run again from the log", Kind::Recorded { mode: Mode::Resident, small: false }, 2_000, MILLION / 10),
    scenario("recorded-batch", "the same in BATCH mode", Kind::Recorded { mode: Mode::Batch, small: false }, 1_000, MILLION / 10),
    scenario("checkpoints", "the same with a small log, of tenants and buffers that come and go", Kind::Recorded { mode: Mode::Resident, small: true }, 18_000, MILLION),
    scenario("checkpoints-batch", "the same in BATCH mode", Kind::Recorded { mode: Mode::Batch, small: true }, 18_000, MILLION),
    scenario("burdened", "tiled and scalar jobs beside a process that burns all cores", Kind::Burdened(TILED), MILLION / 50, 5 * MILLION),
    scenario("burdened-batch", "the same in BATCH mode", Kind::Burdened(batch(TILED)), MILLION / 50, 5 * MILLION),
];

pub fn exists(name: &str) -> bool {
    SCENARIOS.iter().any(|s| s.name == name)
}

pub fn list() {
    println!("{:<18} {:>11} {:>11}  what", "scenario", "short", "long");
    for s in SCENARIOS {
        println!("{:<18} {:>11} {:>11}  {}", s.name, s.short, s.long, s.what);
    }
}

/// Runs what was asked for and prints a table; gives whether everything held.
pub fn run(options: &Options) -> bool {
    let chosen = SCENARIOS
        .iter()
        .filter(|s| options.names.is_empty() || options.names.iter().any(|n| n == s.name));
    let mut rows = Vec::new();
    for s in chosen {
        let jobs = options
            .jobs
            .unwrap_or(if options.long { s.long } else { s.short });
        println!("{}: {} ({jobs}, seed {})", s.name, s.what, options.seed);
        let verdict = Arc::new(Verdict::default());
        let started = Instant::now();
        let outcome = match &s.kind {
            Kind::Flood(f) => flood::run(f, jobs, options.seed, &verdict),
            Kind::Burdened(f) => {
                Burden::start().and_then(|_burden| flood::run(f, jobs, options.seed, &verdict))
            }
            Kind::Stops(modes) => stops::run(modes, jobs, options.seed, &verdict),
            Kind::Churn(mode) => churn::run(*mode, jobs, options.seed, &verdict),
            Kind::Snapshots(mode) => cycles::snapshots(*mode, jobs, options.seed, &verdict),
            Kind::Cycles(mode) => cycles::run(*mode, jobs, options.seed, &verdict),
            Kind::Revokes(mode) => revokes::run(*mode, jobs, options.seed, &verdict),
            Kind::Loads(mode) => loads::run(*mode, jobs, options.seed, &verdict),
            Kind::Recorded { mode, small } => {
                let keep = options.log.as_deref();
                recorded::run(*mode, *small, jobs, options.seed, keep, &verdict)
            }
        };
        if let Err(e) = &outcome {
            verdict.broken(|| e.to_string());
        }
        rows.push((
            s.name,
            outcome.unwrap_or_default(),
            started.elapsed().as_secs_f64(),
            verdict.violations(),
        ));
    }
    table(&rows)
}

fn table(rows: &[(&str, Outcome, f64, u64)]) -> bool {
    println!(
        "\n{:<18} {:>11} {:>8} {:>10} {:>8} {:>8}  result",
        "scenario", "jobs", "seconds", "jobs/s", "leases", "parks"
    );
    for (name, o, seconds, violations) in rows {
        let rate = o.jobs as f64 / o.seconds.max(1e-9);
        let result = if *violations == 0 {
            "ok".into()
        } else {
            format!("{violations} VIOLATIONS")
        };
        println!(
            "{name:<18} {:>11} {seconds:>8.1} {rate:>10.0} {:>8} {:>8}  {result}",
            o.jobs, o.leases, o.parks
        );
    }
    let bad = rows.iter().filter(|r| r.3 != 0).count();
    match bad {
        0 => println!("all {} scenarios held", rows.len()),
        _ => println!("{bad} of {} scenarios FAILED", rows.len()),
    }
    bad == 0
}

/// The argument that makes this program burn all cores and nothing else.
pub const BURN: &str = "--burn-all-cores";

/// A process that does so, until this is dropped.
struct Burden(Child);

impl Burden {
    fn start() -> Result<Self, Error> {
        let what = "starting a process that burns all cores";
        let start = || Command::new(std::env::current_exe()?).arg(BURN).spawn();
        start()
            .map(Self)
            .map_err(|source| Error::System { what, source })
    }
}

impl Drop for Burden {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps all cores busy for an hour at most, should nobody end it before.
pub fn burn() -> ! {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let until = Instant::now() + Duration::from_secs(3600);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(move || while Instant::now() < until {});
        }
    });
    std::process::exit(0)
}
