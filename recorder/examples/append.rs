//! What it costs to record, and to read: prints p50 and p99 of one append, the time of many, and that of a scan.
//!
//! `cargo run --release -p rota-recorder --example append [FOLDER] [THREADS]`

use std::path::PathBuf;
use std::time::Instant;

use rota_recorder::{mono_ns, Item, Job, Log, LogOptions, Mode, Reader};

const SAMPLES: usize = 2_000_000;
const SCANNED: u64 = 1_000_000;

fn percentile(sorted: &[u32], part: f64) -> u32 {
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

/// What this process has used of a processor, in milliseconds: on a busy machine it says more than time.
fn cpu_ms() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn append(log: &Log, n: u64, now_ns: Option<u64>) {
    let now_ns = now_ns.unwrap_or_else(mono_ns);
    let mut cells = log.reserve_at(1, now_ns).expect("the log waits");
    cells.job(&Job {
        tenant: 1,
        ticket: n,
        opcode: 0x1000,
        args: [n as u32; 10],
        ..Job::default()
    });
}

/// Times of single appends, less what reading the clock takes.
fn singles(log: &Log, pace_ns: u64, name: &str) {
    let mut costs: Vec<u32> = Vec::with_capacity(SAMPLES);
    let mut clock = u64::MAX;
    for _ in 0..1000 {
        let a = mono_ns();
        clock = clock.min(mono_ns() - a);
    }
    let mut due = mono_ns();
    for n in 0..SAMPLES as u64 {
        while mono_ns() < due {
            std::hint::spin_loop();
        }
        due += pace_ns;
        let before = mono_ns();
        append(log, n, None);
        costs.push((mono_ns() - before).saturating_sub(clock) as u32);
    }
    costs.sort_unstable();
    println!(
        "{name}: p50 {} ns, p99 {} ns, p99.9 {} ns (with its clock read; {clock} ns of measuring taken off)",
        percentile(&costs, 0.5),
        percentile(&costs, 0.99),
        percentile(&costs, 0.999),
    );
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let threads: u64 = args.next().map_or(Ok(1), |text| text.parse())?;
    let path = folder.join(format!("rota-append-{}.log", std::process::id()));
    let options = LogOptions::new(&path);
    let log = Log::open(&options)?;

    singles(&log, 0, "one after the other");
    singles(&log, 1000, "one every microsecond");

    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..SAMPLES as u64).for_each(|n| append(&log, n, None)));
        }
    });
    let all = (threads * SAMPLES as u64) as f64;
    let each = began.elapsed().as_nanos() as f64 / all;
    println!(
        "{threads} threads without pause: {each:.1} ns each, {:.2} million/s",
        1e3 / each
    );
    let began = Instant::now();
    for n in 0..SAMPLES as u64 / 64 {
        let mut cells = log.reserve(64).expect("the log waits");
        for i in 0..64 {
            cells.job(&Job {
                tenant: 1,
                ticket: n * 64 + i,
                ..Job::default()
            });
        }
    }
    let each = began.elapsed().as_nanos() as f64 / SAMPLES as f64;
    println!("64 at a time: {each:.1} ns each");
    let state = log.state();
    println!(
        "stalls {} ({:.1} ms), syncs {}, failure {:?}",
        state.stalls,
        state.stall_ns as f64 / 1e6,
        state.syncs,
        state.failure
    );
    log.close()?;

    for _ in 0..5 {
        let cpu = cpu_ms();
        let began = Instant::now();
        let mut reader = Reader::open(&path, Mode::Strict)?;
        reader.seek(reader.info().next - SCANNED);
        let (mut records, mut sum) = (0u64, 0u64);
        while let Some(item) = reader.read()? {
            if let Item::Record(entry) = item {
                records += 1;
                sum = sum.wrapping_add(entry.mono_ns);
            }
        }
        println!(
            "scan of {records} records: {:.1} ms, {:.1} ms of them on a processor ({sum:x})",
            began.elapsed().as_secs_f64() * 1e3,
            cpu_ms() - cpu,
        );
    }
    std::fs::remove_file(&path)?;
    Ok(())
}
