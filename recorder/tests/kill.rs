//! A process that records is killed at any moment: every record whose commit had returned is there, and none is wrong.
//!
//! The child's threads publish which cell they have committed last through a mapped file, which the parent reads when
//! it has killed the child. 25 times; with `ROTA_TEST_CRASH=all`, as `make stress` has it, 1,000 times.

use std::collections::HashMap;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rota_recorder::{Item, Job, Log, LogOptions, Mode, Note, Reader, Record, StagePlace, WhenFull};

const CHILD: &str = "ROTA_TEST_KILL_CHILD";
const THREADS: u64 = 4;
/// Words of the mapped file: for each thread, the number of the last cell that it has committed.
const BYTES: usize = THREADS as usize * 128;

fn options(folder: &Path, run: u64) -> LogOptions {
    LogOptions {
        capacity_bytes: 32 << 20,
        stage_cells: if run.is_multiple_of(2) { 256 } else { 0 },
        stage_place: if run.is_multiple_of(3) {
            StagePlace::Beside
        } else {
            StagePlace::Auto
        },
        when_full: WhenFull::Wait,
        sync_interval: Duration::from_millis(1 + run % 7),
        ..LogOptions::new(folder.join("test.log"))
    }
}

/// The `n`th record of a thread of a run. All of it follows from these.
fn job(run: u64, thread: u64, n: u64) -> Job {
    let mixed = (run << 40 ^ thread << 32 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Job {
        tenant: run << 8 | thread,
        ticket: n,
        args: std::array::from_fn(|i| (mixed >> i) as u32),
        user_data: mixed,
        ..Job::default()
    }
}

fn map(path: &Path) -> &'static [AtomicU64] {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    // SAFETY: a new mapping of a file that is as long; it is never unmapped.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    assert_ne!(start, libc::MAP_FAILED);
    // SAFETY: mapped just now, aligned to a page, for ever; atomics may be shared with whoever has the file.
    unsafe { std::slice::from_raw_parts(start.cast(), BYTES / 8) }
}

/// What the child does until it is killed.
#[test]
fn recording_of_a_child() {
    let Some(told) = std::env::var_os(CHILD) else {
        return;
    };
    let told = told.into_string().unwrap();
    let (run, folder) = told.split_once(' ').unwrap();
    let (run, folder) = (run.parse().unwrap(), PathBuf::from(folder));
    let published = map(&folder.join("published"));
    let log = Log::open(&options(&folder, run)).unwrap();
    let (log, barrier) = (&log, &std::sync::Barrier::new(THREADS as usize));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                barrier.wait();
                let word = &published[thread as usize * 16];
                let mut n = 0;
                loop {
                    let batch = 1 + (n % 5) as usize;
                    let mut cells = log.reserve(batch).unwrap();
                    for _ in 0..batch {
                        let seq = cells.seq().unwrap();
                        n += 1;
                        assert!(cells.job(&job(run, thread, n)));
                        // Committed: whatever happens now, the record is there.
                        word.store(seq, Ordering::Release);
                    }
                    drop(cells);
                    if n % 97 == 0 {
                        let text = "x".repeat((n % 400) as usize);
                        let tenant = run;
                        log.append(&Note { tenant, text }.into()).unwrap();
                    }
                }
            });
        }
    });
}

fn spawn(folder: &Path, run: u64) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["recording_of_a_child", "--exact", "--nocapture"])
        .env(CHILD, format!("{run} {}", folder.display()))
        .stdout(Stdio::null());
    child.spawn().unwrap()
}

/// What a log holds: the oldest number, for each tenant the first and the last ticket, and whose each cell is.
struct Held {
    oldest: u64,
    tickets: HashMap<u64, (u64, u64)>,
    tenants: HashMap<u64, u64>,
}

/// Reads the log: each record is right, and of each thread none is missing between the first and the last.
fn held(folder: &Path, mode: Mode) -> Held {
    let reader = Reader::open(&folder.join("test.log"), mode).unwrap();
    let mut held = Held {
        oldest: reader.info().oldest,
        tickets: HashMap::new(),
        tenants: HashMap::new(),
    };
    for item in reader {
        let Item::Record(entry) = item.unwrap() else {
            continue;
        };
        match entry.record {
            Record::Job(found) => {
                let (tenant, ticket) = (found.tenant, found.ticket);
                assert_eq!(
                    found,
                    job(tenant >> 8, tenant & 255, ticket),
                    "at {}",
                    entry.seq
                );
                let range = held.tickets.entry(tenant).or_insert((ticket, ticket - 1));
                assert_eq!(ticket, range.1 + 1, "of tenant {tenant:x} at {}", entry.seq);
                range.1 = ticket;
                held.tenants.insert(entry.seq, tenant);
            }
            Record::Note(note) => assert!(note.text.bytes().all(|b| b == b'x')),
            Record::Void(_) => {}
            other => panic!("{other:?}"),
        }
    }
    held
}

#[test]
fn a_killed_process_loses_nothing_that_it_had_committed() {
    let runs = match std::env::var("ROTA_TEST_CRASH").is_ok_and(|value| value == "all") {
        true => 1000,
        false => 25,
    };
    let mut random: u64 = 88172645463325252;
    let mut next = |n: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % n
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("published"), [0; BYTES]).unwrap();
    let published = map(&folder.join("published"));
    let (mut records, mut seen) = (0, 0);
    for run in 1..=runs {
        published
            .iter()
            .for_each(|word| word.store(0, Ordering::Relaxed));
        let mut child = spawn(folder, run);
        if run % 8 != 0 {
            while published[0].load(Ordering::Relaxed) == 0 {
                assert!(
                    child.try_wait().unwrap().is_none(),
                    "the child of run {run} has ended"
                );
                std::thread::yield_now();
            }
        }
        std::thread::sleep(Duration::from_micros(next(20_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        if !folder.join("test.log").exists() {
            continue;
        }
        // As it was left; then once more when the next writer has taken it up.
        for taken_up in [false, true] {
            if taken_up && run % 5 == 0 {
                Log::open(&options(folder, run)).unwrap().close().unwrap();
            }
            let mode = match taken_up && run % 5 == 0 {
                true => Mode::Strict,
                false => Mode::Salvage,
            };
            let held = held(folder, mode);
            for thread in 0..THREADS {
                let tenant = run << 8 | thread;
                let seq = published[thread as usize * 16].load(Ordering::Acquire);
                if seq < held.oldest {
                    continue;
                }
                assert_eq!(
                    held.tenants.get(&seq),
                    Some(&tenant),
                    "run {run}: cell {seq}"
                );
                let (first, last) = held.tickets[&tenant];
                assert!(
                    first == 1 || held.oldest > 1,
                    "run {run}, {thread}: from {first} on"
                );
                records += (last + 1 - first) * !taken_up as u64;
                seen += 1;
            }
        }
    }
    // The stage of the last one goes too.
    Log::open(&options(folder, runs)).unwrap().close().unwrap();
    assert!(seen >= runs * 4);
    println!("{runs} processes killed, {records} records found");
}
