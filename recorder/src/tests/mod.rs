//! Proofs of the log's promises that need its insides: a simulated disk, and the threads' steps taken one by one.

mod crash;
mod faults;
mod flips;
mod records;

mod sim;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::open::REACH;
use crate::{Item, Job, Log, LogOptions, Mode, Note, Reader, Record, StagePlace};
use sim::SimDisk;

/// Where the log is on every simulated disk.
fn path() -> &'static Path {
    Path::new("/disk/test.log")
}

/// The smallest log that there can be: 448 cells, and 256 in its stage.
fn options() -> LogOptions {
    LogOptions {
        capacity_bytes: 64 << 10,
        stage_cells: 256,
        ..LogOptions::new(path())
    }
}

const CAPACITY: u64 = 448;

/// The long form of a test: `ROTA_TEST_CRASH=all`, as `make stress` has it.
fn all() -> bool {
    std::env::var("ROTA_TEST_CRASH").is_ok_and(|value| value == "all")
}

/// xorshift64*, by Vigna: the same numbers at each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

/// A log whose threads' steps the test takes, and what was committed to it.
struct Bench {
    log: Log,
    known: Known,
    /// Tells apart what has the same number in two runs.
    tag: u64,
}

/// By the number of the first cell: how many cells, and what they say.
type Known = BTreeMap<u64, (u64, Record)>;

impl Bench {
    fn open(disk: &SimDisk, options: &LogOptions) -> Result<Self, crate::Error> {
        Self::reach(disk, options, REACH)
    }

    fn reach(disk: &SimDisk, options: &LogOptions, reach: u64) -> Result<Self, crate::Error> {
        Ok(Self {
            log: Log::without_threads(Arc::new(disk.clone()), options, reach)?,
            known: Known::new(),
            tag: 0,
        })
    }

    /// Commits a job whose content is told by number and tag; gives whether it was taken.
    fn put(&mut self) -> bool {
        self.make_room(1);
        let Ok(mut cells) = self.log.reserve(1) else {
            return false;
        };
        let Some(seq) = cells.seq() else {
            return false;
        };
        let job = Job {
            ticket: seq,
            user_data: self.tag,
            args: [seq as u32; 10],
            ..Job::default()
        };
        assert!(cells.job(&job));
        self.known.insert(seq, (1, job.into()));
        true
    }

    /// Commits a record of several cells.
    fn put_note(&mut self, bytes: usize) {
        let note: Record = Note {
            tenant: self.tag,
            text: "n".repeat(bytes),
        }
        .into();
        let cells = note.encode().unwrap().parts.len() as u64;
        self.make_room(cells as usize);
        if let Ok(Some(seq)) = self.log.append(&note) {
            self.known.insert(seq, (cells, note));
        }
    }

    /// Nobody else would: a reserve would wait for ever.
    fn make_room(&self, cells: usize) {
        let core = self.log.core();
        while core.stage.next() + cells as u64 > core.written() + core.stage.count() {
            if core.failure().is_some() {
                return;
            }
            if core.drain() == 0 {
                core.sync_once();
            }
        }
    }

    /// All that was reserved goes to the file and is made durable.
    fn settle(&self) {
        while self.log.core().drain() != 0 || self.log.durable_seq() < self.log.core().written() {
            self.log.core().sync_once();
            if self.log.core().failure().is_some() {
                return;
            }
        }
    }

    fn close(&self) -> Result<(), crate::Error> {
        self.log.core().stage.close();
        self.settle();
        self.log.core().finish()
    }

    /// The numbers that a log keeps whose next one is `next`.
    fn window(next: u64) -> u64 {
        next.saturating_sub(CAPACITY).max(1)
    }
}

/// What was found wrong; so many of each that a failing test can be read.
#[derive(Default)]
struct Wrong(Vec<String>, u64);

impl Wrong {
    fn say(&mut self, what: impl FnOnce() -> String) {
        self.1 += 1;
        if self.0.len() < 10 {
            self.0.push(what());
        }
    }

    fn assert_none(&self) {
        assert_eq!(self.1, 0, "the first of them:\n{}", self.0.join("\n"));
    }
}

/// Reads a log by salvage: every record is one that was committed with that number, and none is missing whose cells
/// all are in `must`.
fn check(
    disk: &SimDisk,
    known: &Known,
    must: Range<u64>,
    wrong: &mut Wrong,
    what: &dyn Fn() -> String,
) {
    check_but(disk, known, must, None, wrong, what)
}

/// The same, and the record that has this cell may be missing, or be there.
fn check_but(
    disk: &SimDisk,
    known: &Known,
    must: Range<u64>,
    hit: Option<u64>,
    wrong: &mut Wrong,
    what: &dyn Fn() -> String,
) {
    let counts = |first: u64, cells: u64| {
        let whole = must.contains(&first) && first + cells <= must.end;
        whole && !hit.is_some_and(|hit| (first..first + cells).contains(&hit))
    };
    let reader = match Reader::open_on(disk, path(), Mode::Salvage) {
        Ok(reader) => reader,
        Err(e) => return wrong.say(|| format!("{}: {e}", what())),
    };
    let mut found = 0;
    let mut last = 0;
    for item in reader {
        let entry = match item {
            Ok(Item::Record(entry)) => entry,
            Ok(Item::Missing(missing)) => {
                if missing.first <= last {
                    wrong.say(|| format!("{}: {missing:?} behind {last}", what()));
                }
                last = missing.last;
                continue;
            }
            Err(e) => return wrong.say(|| format!("{}: {e}", what())),
        };
        if entry.seq <= last {
            wrong.say(|| format!("{}: {} behind {last}", what(), entry.seq));
        }
        last = entry.seq + entry.cells - 1;
        match (known.get(&entry.seq), &entry.record) {
            (_, Record::Void(_) | Record::Gap(_)) => {}
            (Some((_, record)), found) if record == found => {}
            (there, record) => wrong.say(|| format!("{}: {record:?} for {there:?}", what())),
        }
        let is_void = matches!(entry.record, Record::Void(_));
        found += (!is_void && counts(entry.seq, entry.cells)) as u64;
    }
    let wanted = known
        .range(must.start..must.end.max(must.start))
        .filter(|(&seq, &(cells, _))| counts(seq, cells))
        .count() as u64;
    if found < wanted {
        wrong.say(|| format!("{}: {found} of the {wanted} in {must:?}", what()));
    }
}

/// The same after a run has taken the log up, and once more after it has added records and closed it; then also by
/// strict reading.
fn check_run(
    disk: &SimDisk,
    known: &Known,
    must: Range<u64>,
    wrong: &mut Wrong,
    what: &dyn Fn() -> String,
) {
    let mut bench = match Bench::open(disk, &options()) {
        Ok(bench) => bench,
        Err(e) => return wrong.say(|| format!("{}: open: {e}", what())),
    };
    let next = bench.log.next_seq();
    if next < must.end {
        return wrong.say(|| format!("{}: goes on at {next}, and {must:?} was durable", what()));
    }
    bench.known = known
        .range(..next)
        .map(|(&seq, of)| (seq, of.clone()))
        .collect();
    bench.tag = 1 << 32;
    let kept = |next: u64| must.start.max(Bench::window(next))..must.end;
    check(disk, &bench.known, kept(next), wrong, &|| {
        format!("{}, taken up", what())
    });
    (0..5).for_each(|_| assert!(bench.put()));
    if let Err(e) = bench.close() {
        return wrong.say(|| format!("{}: close: {e}", what()));
    }
    let next = bench.log.next_seq();
    check(disk, &bench.known, kept(next), wrong, &|| {
        format!("{}, closed", what())
    });
    check(disk, &bench.known, next - 5..next, wrong, &|| {
        format!("{}, added", what())
    });
    match Reader::open_on(disk, path(), Mode::Strict) {
        Ok(reader) => {
            if let Some(Err(e)) = reader.into_iter().find(|item| item.is_err()) {
                wrong.say(|| format!("{}, strictly: {e}", what()));
            }
        }
        Err(e) => wrong.say(|| format!("{}, strictly: {e}", what())),
    }
}

fn beside() -> LogOptions {
    LogOptions {
        stage_place: StagePlace::Beside,
        ..options()
    }
}

fn stage_path(bench: &Bench) -> PathBuf {
    bench.log.state().stage_path
}
