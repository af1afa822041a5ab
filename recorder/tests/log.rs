//! What a log promises to who writes and reads it, on the system's own disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rota_recorder::record::INLINE_EVIDENCE;
use rota_recorder::{
    AfterError, Buffer, BufferEvent, Checkpoint, Completion, Entry, Error, Evidence, EvidenceClass,
    Handler, Hash, Item, Job, Log, LogOptions, Mode, Module, ModuleEvent, Note, Reader, Record,
    Refused, RunEnd, RunStart, StagePlace, Tenant, TenantEvent, WhenFull, Why,
};

const LONG: Duration = Duration::from_secs(60);

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn log(&self) -> PathBuf {
        self.0.path().join("test.log")
    }
    fn options(&self) -> LogOptions {
        LogOptions {
            capacity_bytes: 1 << 20,
            ..LogOptions::new(self.log())
        }
    }
    fn small(&self) -> LogOptions {
        LogOptions {
            capacity_bytes: 64 << 10,
            ..LogOptions::new(self.log())
        }
    }
}

fn job(n: u64) -> Job {
    Job {
        tenant: n % 7,
        ticket: n,
        opcode: 0x1000,
        tiles: 1,
        args: [n as u32; 10],
        user_data: !n,
        ..Job::default()
    }
}

fn entries(path: &Path, mode: Mode) -> Vec<Entry> {
    let items = Reader::open(path, mode).unwrap().map(|item| item.unwrap());
    items
        .filter_map(|item| match item {
            Item::Record(entry) => Some(entry),
            Item::Missing(missing) => {
                assert_eq!(missing.why, Why::Incomplete, "{missing:?}");
                None
            }
        })
        .collect()
}

fn put(log: &Log, n: u64) {
    assert!(log.reserve(1).unwrap().job(&job(n)));
}

fn all_records() -> Vec<Record> {
    let handler = |n: u32| Handler {
        opcode: 0x1000 + n,
        number: n,
        tiled: n % 2 == 1,
        fuel: 3 * n,
        name: format!("handler_{n}"),
    };
    vec![
        RunStart {
            library_version: "0.1.0".into(),
            device: "llvmpipe".into(),
            driver: "Mesa".into(),
            mode: "resident".into(),
            capture: "hashes".into(),
            pid: 4711,
            lanes: 8,
            options: vec![("slots".into(), "1024".into())],
        }
        .into(),
        Tenant {
            tenant: 3,
            event: TenantEvent::Created,
            label: "one".into(),
            options: vec![
                ("weight".into(), "100".into()),
                ("class".into(), "0".into()),
            ],
            end_epoch: 7,
        }
        .into(),
        Module {
            tenant: 3,
            module: 1,
            version: 2,
            event: ModuleEvent::Replaced,
            label: "m".into(),
            source: Some(Hash::of(b"fn f() {}")),
            first_handler: 0,
            all_handlers: 40,
            handlers: (0..40).map(handler).collect(),
            end_epoch: 8,
        }
        .into(),
        Buffer {
            offset: 16,
            length: 1 << 20,
            data: Some(Hash::of(b"x")),
            tail: 99,
            end_epoch: 100,
            ..Buffer::new(3, 77, BufferEvent::Written)
        }
        .into(),
        job(5).into(),
        Completion {
            tenant: 3,
            ticket: 5,
            status: 2,
            fault: 9,
            results: [1, 2],
            fuel: 3,
            module_version: 4,
            digest: 5,
            flags: 6,
            begin_epoch: 7,
            end_epoch: 8,
        }
        .into(),
        Evidence::new(3, 5, EvidenceClass::DeviceLoss, -4, &[7; 20_000]).into(),
        Checkpoint {
            before: 3,
            end_epoch: 100,
            tenants: 1,
            buffers: 77,
            bytes: 64,
            state: Hash::of(b"y"),
        }
        .into(),
        Note {
            tenant: 0,
            text: "a line".into(),
        }
        .into(),
        RunEnd {
            reason: "closed".into(),
            jobs: 1,
            completions: 1,
        }
        .into(),
    ]
}

#[test]
fn what_was_recorded_is_read() {
    let place = Place::new();
    let log = Log::open(&place.options()).unwrap();
    for record in all_records() {
        log.append(&record).unwrap();
    }
    // While it is open, and after it was closed.
    for closes in [false, true] {
        if closes {
            log.close().unwrap();
        }
        let found = entries(&place.log(), Mode::Strict);
        let records: Vec<Record> = found.iter().map(|entry| entry.record.clone()).collect();
        assert_eq!(records, all_records());
        let Record::Evidence(evidence) = &records[6] else {
            panic!("{:?}", records[6])
        };
        assert_eq!(
            (evidence.bytes.len(), evidence.length),
            (INLINE_EVIDENCE, 20_000)
        );
        let mut seq = 1;
        for entry in &found {
            assert_eq!(entry.seq, seq);
            seq += entry.cells;
            let now = std::time::SystemTime::now();
            let wall = std::time::UNIX_EPOCH + Duration::from_nanos(entry.wall_ns);
            assert!(now.duration_since(wall).unwrap() < LONG);
        }
    }
}

#[test]
fn a_module_with_many_handlers_is_several_records() {
    let place = Place::new();
    let log = Log::open(&place.options()).unwrap();
    let handlers: Vec<Handler> = (0..2000)
        .map(|n| Handler {
            opcode: n,
            name: format!("a_handler_with_a_long_name_{n}"),
            ..Handler::default()
        })
        .collect();
    let module = Module {
        tenant: 1,
        module: 1,
        version: 1,
        event: ModuleEvent::Loaded,
        label: "large".into(),
        source: None,
        first_handler: 0,
        all_handlers: 0,
        handlers: handlers.clone(),
        end_epoch: 9,
    };
    log.append(&module.into()).unwrap();
    log.close().unwrap();
    let mut found = Vec::new();
    for entry in entries(&place.log(), Mode::Strict) {
        let Record::Module(module) = entry.record else {
            panic!("{entry:?}")
        };
        assert_eq!(module.first_handler as usize, found.len());
        assert_eq!(module.all_handlers, 2000);
        found.extend(module.handlers);
    }
    assert_eq!(found, handlers);
}

#[test]
fn a_full_log_keeps_the_newest_records() {
    let place = Place::new();
    let log = Log::open(&place.small()).unwrap();
    let capacity = log.state().capacity_cells;
    assert_eq!(capacity, 448);
    let mut most = 0;
    for n in 1..=3 * capacity + 17 {
        put(&log, n);
        if n % 50 == 0 {
            log.sync(LONG).unwrap();
            let found = entries(&place.log(), Mode::Strict);
            assert_eq!(found.len() as u64, n.min(capacity));
            assert!(found.iter().map(|e| e.seq).eq(n + 1 - n.min(capacity)..=n));
            assert!(found.iter().all(|e| e.record == job(e.seq).into()));
            most = most.max(found.len());
        }
    }
    assert_eq!(most as u64, capacity);
}

#[test]
fn numbers_go_on_over_runs() {
    let place = Place::new();
    for run in 1..=5 {
        let log = Log::open(&place.options()).unwrap();
        assert_eq!(log.state().run, run);
        assert_eq!(log.state().opened.existed, run > 1);
        assert!(!log.state().opened.crashed);
        for n in 0..10 {
            put(&log, (run - 1) * 10 + n + 1);
        }
        log.close().unwrap();
        assert!(!log.state().stage_path.exists());
    }
    let found = entries(&place.log(), Mode::Strict);
    assert!(found.iter().map(|e| e.seq).eq(1..=50));
    assert!(found.iter().all(|e| e.record == job(e.seq).into()));
}

#[test]
fn a_log_begun_anew_has_nothing_of_the_old_one() {
    let place = Place::new();
    let log = Log::open(&place.small()).unwrap();
    (1..=500).for_each(|n| put(&log, n));
    drop(log);
    let anew = LogOptions {
        start_over: true,
        ..place.small()
    };
    let log = Log::open(&anew).unwrap();
    put(&log, 1);
    drop(log);
    let found = entries(&place.log(), Mode::Strict);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].seq, &found[0].record), (1, &job(1).into()));
}

#[test]
fn another_capacity_is_not_taken_and_said() {
    let place = Place::new();
    drop(Log::open(&place.small()).unwrap());
    let log = Log::open(&place.options()).unwrap();
    assert!(log.state().kept_capacity);
    assert_eq!(log.state().capacity_cells, 448);
    drop(log);
    assert!(!Log::open(&place.small()).unwrap().state().kept_capacity);
}

#[test]
fn dropped_cells_are_void_and_not_a_hole() {
    let place = Place::new();
    let log = Log::open(&place.options()).unwrap();
    let mut cells = log.reserve(3).unwrap();
    assert!(cells.job(&job(1)));
    drop(cells);
    let mut cells = log.reserve(1).unwrap();
    assert_eq!(cells.seq(), Some(4));
    assert!(cells.job(&job(4)));
    assert!(!cells.job(&job(5)));
    drop(cells);
    log.close().unwrap();
    let found = entries(&place.log(), Mode::Strict);
    let names: Vec<_> = found.iter().map(|e| e.record.name()).collect();
    assert_eq!(names, ["job", "void", "void", "job"]);
}

#[test]
fn a_full_stage_refuses_at_once_and_a_gap_tells_how_many() {
    let place = Place::new();
    let options = LogOptions {
        when_full: WhenFull::Gap,
        stage_cells: 256,
        ..place.options()
    };
    let log = Log::open(&options).unwrap();
    // A cell that isn't committed holds up all behind it.
    let held = log.reserve(1).unwrap();
    let mut accepted = 0;
    while let Ok(mut cells) = log.reserve(1) {
        cells.job(&job(1));
        accepted += 1;
    }
    assert_eq!(accepted, 255);
    assert_eq!(log.try_reserve(1).err(), Some(Refused::Full));
    for _ in 0..9 {
        assert_eq!(log.reserve(1).err(), Some(Refused::Full));
    }
    drop(held);
    log.sync(LONG).unwrap();
    put(&log, 2);
    log.close().unwrap();
    assert_eq!((log.state().refused, log.state().gaps), (10, 1));
    let found = entries(&place.log(), Mode::Strict);
    let gaps: Vec<_> = found
        .iter()
        .filter_map(|e| match &e.record {
            Record::Gap(gap) => Some(gap),
            _ => None,
        })
        .collect();
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0].lost, 10);
    assert!(gaps[0].first_ns < gaps[0].last_ns);
}

#[test]
fn a_full_stage_makes_callers_wait_and_loses_nothing() {
    let place = Place::new();
    let options = LogOptions {
        stage_cells: 256,
        ..place.options()
    };
    let log = Log::open(&options).unwrap();
    let held = log.reserve(1).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| (2..=1000).for_each(|n| put(&log, n)));
        while log.state().stalls == 0 {
            std::thread::yield_now();
        }
        assert_eq!(log.next_seq(), 257);
        drop(held);
    });
    log.close().unwrap();
    assert!(log.state().stall_ns > 0);
    assert_eq!((log.state().refused, log.state().gaps), (0, 0));
    let found = entries(&place.log(), Mode::Strict);
    assert!(found[1..]
        .iter()
        .map(|e| &e.record)
        .eq(&(2..=1000).map(|n| job(n).into()).collect::<Vec<_>>()));
}

#[test]
fn a_sync_makes_durable_what_was_committed_before() {
    let place = Place::new();
    // Nothing else would sync in this time.
    let options = LogOptions {
        sync_interval: LONG * 10,
        ..place.options()
    };
    let log = Log::open(&options).unwrap();
    for n in 1..100 {
        put(&log, n);
        assert_eq!(log.sync(LONG).unwrap(), n + 1);
        assert_eq!(log.durable_seq(), n + 1);
        assert_eq!(log.state().syncs, n);
    }
    let held = log.reserve(1).unwrap();
    assert!(matches!(
        log.sync(Duration::from_millis(10)),
        Err(Error::Timeout)
    ));
    drop(held);
}

#[test]
fn a_count_of_cells_begins_a_sync() {
    let place = Place::new();
    let options = LogOptions {
        sync_interval: LONG * 10,
        sync_cells: 50,
        ..place.options()
    };
    let log = Log::open(&options).unwrap();
    (1..=50).for_each(|n| put(&log, n));
    while log.durable_seq() != 51 {
        std::thread::yield_now();
    }
}

#[test]
fn time_begins_a_sync() {
    let place = Place::new();
    let options = LogOptions {
        sync_interval: Duration::from_millis(1),
        ..place.options()
    };
    let log = Log::open(&options).unwrap();
    put(&log, 1);
    while log.durable_seq() != 2 {
        std::thread::yield_now();
    }
}

#[test]
fn closing_refuses_what_comes_later() {
    let place = Place::new();
    let log = Log::open(&place.options()).unwrap();
    put(&log, 1);
    log.close().unwrap();
    log.close().unwrap();
    assert_eq!(log.reserve(1).err(), Some(Refused::Closed));
    assert!(matches!(log.append(&job(1).into()), Err(Error::Closed)));
    assert_eq!(log.durable_seq(), 2);
}

#[test]
fn a_reservation_that_is_never_given_back_is_named_when_closing() {
    let place = Place::new();
    let log = Log::open(&place.options()).unwrap();
    put(&log, 1);
    std::mem::forget(log.reserve(1).unwrap());
    put(&log, 3);
    assert!(matches!(log.close(), Err(Error::Uncommitted { seq: 2 })));
    drop(log);
    // The next open takes it from the stage.
    let log = Log::open(&place.options()).unwrap();
    assert!(log.state().opened.crashed);
    assert_eq!(
        (log.state().opened.from_stage, log.state().opened.voided),
        (1, 1)
    );
    drop(log);
    let found = entries(&place.log(), Mode::Strict);
    let names: Vec<_> = found.iter().map(|e| e.record.name()).collect();
    assert_eq!(names, ["job", "void", "job"]);
}

#[test]
fn the_stage_lies_where_it_is_told_to() {
    let place = Place::new();
    let folder = place.0.path().join("stages");
    std::fs::create_dir(&folder).unwrap();
    let places = [
        (StagePlace::Beside, place.0.path().into()),
        (StagePlace::Folder(folder.clone()), folder),
        (StagePlace::Auto, PathBuf::from("/dev/shm")),
    ];
    for (stage_place, expected) in places {
        let options = LogOptions {
            stage_place,
            ..place.options()
        };
        let log = Log::open(&options).unwrap();
        let stage = log.state().stage_path;
        assert_eq!(stage.parent().unwrap(), expected);
        put(&log, 1);
        assert!(stage.exists());
        drop(log);
        assert!(!stage.exists());
    }
    assert_eq!(entries(&place.log(), Mode::Strict).len(), 3);
}

#[test]
fn more_than_can_be_reserved_at_once_is_refused() {
    let place = Place::new();
    let options = LogOptions {
        after_error: AfterError::Refuse,
        ..place.options()
    };
    let log = Log::open(&options).unwrap();
    assert_eq!(
        log.reserve(log.max_reserve() + 1).err(),
        Some(Refused::TooMany)
    );
    assert_eq!(
        log.reserve(log.max_reserve()).unwrap().left(),
        log.max_reserve()
    );
}
