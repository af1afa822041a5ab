//! What becomes of jobs and of the log when the disk fails or can't follow, and when the device is lost.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rota::completion_status;
use rota::replay::{self, Outcome, ReplayOptions, ReplayReport};
use rota::{Breakdown, Error, Experiment, OtherDisk, RecorderOptions, Resource};
use rota_recorder::disk::{Disk, DiskFile, How, Map, RealDisk};
use rota_recorder::{EvidenceClass, Item, Reader, Record};

use crate::kit::*;

/// What the disk does from now on.
#[derive(Default)]
struct Trouble {
    fails: AtomicBool,
    waits: Mutex<bool>,
    goes_on: Condvar,
}

impl Trouble {
    fn hold(&self) {
        *self.waits.lock().unwrap() = true;
    }

    fn let_go(&self) {
        *self.waits.lock().unwrap() = false;
        self.goes_on.notify_all();
    }

    fn pass(&self) -> io::Result<()> {
        let mut waits = self.waits.lock().unwrap();
        while *waits {
            waits = self.goes_on.wait(waits).unwrap();
        }
        match self.fails.load(Ordering::Relaxed) {
            true => Err(io::Error::from_raw_os_error(libc::EIO)),
            false => Ok(()),
        }
    }
}

/// The system's disk, with trouble at each write and sync.
struct OddDisk(Arc<Trouble>);

struct OddFile {
    file: Box<dyn DiskFile>,
    trouble: Arc<Trouble>,
}

impl Disk for OddDisk {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn DiskFile>> {
        let file = RealDisk.open(path, how)?;
        let trouble = self.0.clone();
        Ok(Box::new(OddFile { file, trouble }))
    }
    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        RealDisk.rename(from, to, replace)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.make_folder(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>> {
        RealDisk.list(path)
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_folder(path)
    }
    fn map_new(&self, path: &Path, bytes: usize) -> io::Result<Map> {
        RealDisk.map_new(path, bytes)
    }
}

impl DiskFile for OddFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }
    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<usize> {
        self.trouble.pass()?;
        self.file.write_at(buf, at)
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file.allocate(bytes)
    }
    fn sync(&self) -> io::Result<()> {
        self.trouble.pass()?;
        self.file.sync()
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }
    fn identity(&self) -> io::Result<(u64, u64)> {
        self.file.identity()
    }
    fn owner(&self) -> io::Result<u32> {
        self.file.owner()
    }
}

/// A runtime that records into a small log on such a disk; its folder goes last.
struct Bench {
    runtime: Option<Runtime>,
    trouble: Arc<Trouble>,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(change: impl Fn(&mut RecorderOptions)) -> Self {
        Self::with(options(Mode::Resident), change)
    }

    fn with(options: RuntimeOptions, change: impl Fn(&mut RecorderOptions)) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let trouble = Arc::new(Trouble::default());
        let mut recorder = RecorderOptions {
            path: folder.path().join("log"),
            capacity_bytes: 1 << 20,
            // What a failed log leaves behind goes with the folder.
            stage_dir: Some(folder.path().into()),
            disk: OtherDisk(Some(Arc::new(OddDisk(trouble.clone())))),
            ..RecorderOptions::default()
        };
        change(&mut recorder);
        let runtime = open(RuntimeOptions {
            recorder: Some(recorder),
            ..options
        });
        Self {
            runtime: Some(runtime),
            trouble,
            folder,
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().unwrap()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What is in the log when it is closed.
    fn records(&mut self) -> Vec<Record> {
        self.runtime = None;
        let reader = Reader::open(&self.log(), rota_recorder::Mode::Strict);
        let record = |item| match item {
            Ok(Item::Record(entry)) => entry.record,
            other => panic!("{other:?}"),
        };
        reader.unwrap().map(record).collect()
    }

    fn replay(&self) -> ReplayReport {
        let options = ReplayOptions {
            log: self.log(),
            runtime: options(Mode::Resident),
            ..ReplayOptions::default()
        };
        let history = replay::read(&options).unwrap();
        replay::replay(&options, &history, &mut |_| {}).unwrap()
    }
}

/// So many batches of 64 jobs, each taken before the next; gives how many were accepted, and the first refusal.
fn submit_many(tenant: &Tenant, batches: u32) -> (u32, Option<Error>) {
    let mut accepted = 0;
    for _ in 0..batches {
        let batch: Vec<Job> = (0..64).map(|n| nop(accepted + n, 1)).collect();
        let (n, result) = tenant.submit(&batch, None);
        for (place, done) in (accepted..).zip(take(tenant, n)) {
            assert_eq!((done.status, done.results[0]), (OK, place));
        }
        accepted += n as u32;
        if let Err(e) = result {
            return (accepted, Some(e));
        }
    }
    (accepted, None)
}

#[test]
fn after_an_error_of_the_disk_jobs_go_on_and_the_state_says_so() {
    let bench = Bench::new(|_| ());
    let tenant = tenant(bench.runtime());
    bench.trouble.fails.store(true, Ordering::Relaxed);
    let (accepted, refused) = submit_many(&tenant, 400);
    assert_eq!((accepted, refused.is_none()), (400 * 64, true));
    let state = bench.runtime().recorder_state().unwrap().log;
    let failure = state.failure.expect("a write has failed");
    assert_eq!(failure.os_code, Some(libc::EIO));
    assert!(state.lost > 0);
    let synced = bench.runtime().recorder_sync(Duration::ZERO);
    assert_eq!(synced.unwrap_err().status(), Status::IoError);
}

#[test]
fn after_an_error_of_the_disk_jobs_stop_if_that_is_wished() {
    let bench = Bench::new(|options| options.stop_on_error = true);
    let tenant = tenant(bench.runtime());
    bench.trouble.fails.store(true, Ordering::Relaxed);
    let (accepted, refused) = submit_many(&tenant, 400);
    let e = refused.expect("the log can't take them");
    assert_eq!(e.status(), Status::IoError, "{e}");
    assert!(accepted < 400 * 64);
    let (again, e) = tenant.submit(&[nop(1, 1)], None);
    assert_eq!((again, e.unwrap_err().status()), (0, Status::IoError));
    // What was refused holds no slot.
    assert_eq!(tenant.counters().used[Resource::Slots as usize], 0);
}

/// More records than the stage has room for, and fewer than the log.
const BATCHES: u32 = 640;
const STAGE: u64 = 65_536;

fn count(records: &[Record], is_it: impl Fn(&Record) -> bool) -> u32 {
    records.iter().filter(|record| is_it(record)).count() as u32
}

#[test]
fn while_the_disk_cannot_follow_submits_wait_and_nothing_is_missing() {
    let mut bench = Bench::new(|options| options.capacity_bytes = 16 << 20);
    let tenant = tenant(bench.runtime());
    bench.trouble.hold();
    let (trouble, runtime) = (bench.trouble.clone(), bench.runtime().clone());
    let helper = std::thread::spawn(move || {
        until("the stage is full", || {
            runtime.recorder_state().unwrap().log.next_seq > STAGE - 64
        });
        trouble.let_go();
    });
    let (accepted, refused) = submit_many(&tenant, BATCHES);
    assert_eq!((accepted, refused.is_none()), (BATCHES * 64, true));
    helper.join().unwrap();
    drop(tenant);
    let records = bench.records();
    let jobs = count(&records, |record| matches!(record, Record::Job(_)));
    let completions = count(&records, |record| matches!(record, Record::Completion(_)));
    assert_eq!((jobs, completions), (accepted, accepted));
}

#[test]
fn where_gaps_are_allowed_nobody_waits_and_the_log_says_how_much_is_missing() {
    let mut bench = Bench::new(|options| {
        options.capacity_bytes = 16 << 20;
        options.allow_gaps = true;
    });
    let tenant = tenant(bench.runtime());
    bench.trouble.hold();
    let (accepted, refused) = submit_many(&tenant, BATCHES);
    assert_eq!((accepted, refused.is_none()), (BATCHES * 64, true));
    bench.trouble.let_go();
    drop(tenant);
    let records = bench.records();
    let there = count(&records, |record| !matches!(record, Record::Gap(_)));
    let lost = records.iter().map(|record| match record {
        Record::Gap(gap) => gap.lost,
        _ => 0,
    });
    let lost: u64 = lost.sum();
    assert!(lost > 0);
    // The run and the tenant begin and end, too.
    assert_eq!(u64::from(there) + lost, 2 * u64::from(accepted) + 4);
    let replayed = bench.replay();
    assert_eq!(replayed.outcome(), Outcome::NotComparable, "{replayed:?}");
    assert_eq!(replayed.missing_records, lost);
}

/// Options for a kernel that breaks down with this lease.
fn breaking(mode: Mode, lease: u32, how: Breakdown) -> RuntimeOptions {
    RuntimeOptions {
        experiment: Experiment {
            breakdown: Some((lease, how)),
            ..Experiment::default()
        },
        ..options(mode)
    }
}

#[test]
fn a_kernel_that_breaks_down_is_in_the_log_and_its_jobs_are_not_run_again() {
    let cases = [
        (
            Breakdown::DeviceLost,
            EvidenceClass::DeviceLoss,
            -4,
            "device has been lost",
        ),
        (
            Breakdown::LaunchRefused,
            EvidenceClass::Unclassified,
            -1,
            "host memory allocation has failed",
        ),
        (
            Breakdown::Panic,
            EvidenceClass::Unclassified,
            0,
            "a bug in Rota was caught: an experiment",
        ),
    ];
    for mode in MODES {
        for (how, class, code, says) in cases {
            let mut bench = Bench::with(breaking(mode, 3, how), |options| {
                options.capacity_bytes = 16 << 20;
            });
            let tenant = tenant(bench.runtime());
            let buffer = tenant.buffer_create(64, false).unwrap();
            let (mut ended, mut lost) = (0, 0);
            let e = loop {
                let (accepted, result) = tenant.submit(&[fill(buffer, 16, 7, 1); 8], None);
                for done in take(&tenant, accepted) {
                    match done.status {
                        OK => ended += 1,
                        completion_status::DEVICE_LOST => lost += 1,
                        other => panic!("{other}"),
                    }
                }
                if let Err(e) = result {
                    break e;
                }
            };
            assert_eq!(e.status(), Status::DeviceLost);
            let again = bench.runtime().create_tenant(&TenantOptions::default());
            assert_eq!(again.err().unwrap().status(), Status::DeviceLost);
            drop(tenant);
            let records = bench.records();
            let evidence: Vec<_> = records
                .iter()
                .filter_map(|record| match record {
                    Record::Evidence(evidence) => Some(evidence),
                    _ => None,
                })
                .collect();
            assert_eq!(evidence.len(), 1);
            assert_eq!((evidence[0].class, evidence[0].backend_code), (class, code));
            let text = String::from_utf8_lossy(&evidence[0].bytes);
            assert!(text.to_lowercase().contains(&says.to_lowercase()), "{text}");
            let report = bench.replay();
            assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
            assert_eq!((report.compared, report.not_ended), (ended, lost));
        }
    }
}

/// What is told to have been lost doesn't happen later: the lease before the one that failed has ended by then.
#[test]
fn nothing_runs_any_more_when_a_breakdown_is_told() {
    for how in [
        Breakdown::DeviceLost,
        Breakdown::LaunchRefused,
        Breakdown::Panic,
    ] {
        let runtime = open(breaking(Mode::Resident, 2, how));
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4 * 400, false).unwrap();
        let jobs: Vec<Job> = (0..400)
            .flat_map(|i| [spin(8000), job(op::FILL, 1, &[buffer, i, 1, 7])])
            .collect();
        let (accepted, _) = tenant.submit(&jobs, None);
        let done = take(&tenant, accepted);
        assert!(done.iter().any(|d| d.status != OK), "{how:?}");
        let then = words(&tenant, buffer, 400);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(words(&tenant, buffer, 400), then, "{how:?}");
    }
}
