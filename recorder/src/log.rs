//! The log as its user has it: open, reserve, commit, sync, close.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::cell::{Payload, CELL_BYTES};
use crate::clock;
use crate::core::{Core, Refused, GRACE};
use crate::disk::{Disk, RealDisk};
use crate::error::{Error, Failure};
use crate::header::CELLS_AT;
use crate::objects::Objects;
use crate::open::{self, Opened};
use crate::options::LogOptions;
use crate::record::{kind, Completion, GapWhy, Job, Record, VoidWhy};

/// A log that is open for writing. All calls may come from many threads at once.
pub struct Log {
    core: Arc<Core>,
    opened: Opened,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    writer: JoinHandle<()>,
    syncer: JoinHandle<()>,
}

/// How a log is doing. Numbers of cells that end a range are the first beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogState {
    pub path: PathBuf,
    pub stage_path: PathBuf,
    pub capacity_cells: u64,
    /// Of the whole file.
    pub capacity_bytes: u64,
    /// Whether the log was there with another capacity than the options ask for. It keeps its own.
    pub kept_capacity: bool,
    pub generation: u32,
    pub run: u64,
    /// What opening found.
    pub opened: Opened,
    /// The lowest number that is in the log, or would be.
    pub oldest_seq: u64,
    /// Reserved are all below.
    pub next_seq: u64,
    /// In the file are all below.
    pub written_seq: u64,
    /// Durable are all below.
    pub durable_seq: u64,
    /// How often a reserve had to wait for room, and for how long together.
    pub stalls: u64,
    pub stall_ns: u64,
    /// Records that found no room (`WhenFull::Gap`), and Gap records that tell of them.
    pub refused: u64,
    pub gaps: u64,
    /// Cells that were reserved after an error and are nowhere (`AfterError::Lose`).
    pub lost: u64,
    /// Bytes of cells that went to the file in this run.
    pub bytes: u64,
    pub syncs: u64,
    /// Bytes and number of the objects.
    pub object_bytes: u64,
    pub objects: u64,
    /// The error that ended the writing.
    pub failure: Option<Failure>,
}

/// What of a log's state only numbers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCounts {
    pub next_seq: u64,
    pub durable_seq: u64,
    pub stalls: u64,
    pub stall_ns: u64,
    pub refused: u64,
    pub gaps: u64,
    pub lost: u64,
    pub bytes: u64,
    pub syncs: u64,
}

impl Log {
    /// Opens a log, or makes it if there is none. What a crash has left is brought in first.
    ///
    /// Nobody else can open it for writing until it is closed or dropped; reading it is always possible.
    pub fn open(options: &LogOptions) -> Result<Self, Error> {
        Self::open_on(Arc::new(RealDisk), options)
    }

    /// The same on another disk than the system's.
    pub fn open_on(disk: Arc<dyn Disk>, options: &LogOptions) -> Result<Self, Error> {
        let log = Self::without_threads(disk, options, open::REACH)?;
        let start = |name: &str, run: fn(&Core)| {
            let core = log.core.clone();
            std::thread::Builder::new()
                .name(name.into())
                .spawn(move || run(&core))
        };
        let failed = |e| Error::io(&options.path, "starting a thread", 0, e);
        let writer = start("rota-log-writer", Core::run_writer).map_err(failed)?;
        let syncer = match start("rota-log-syncer", Core::run_syncer) {
            Ok(syncer) => syncer,
            Err(e) => {
                log.core.stage.close();
                log.core.wake_writer();
                let _ = writer.join();
                return Err(failed(e));
            }
        };
        *log.threads() = Some(Threads { writer, syncer });
        Ok(log)
    }

    /// For tests that take the threads' steps themselves.
    pub(crate) fn without_threads(
        disk: Arc<dyn Disk>,
        options: &LogOptions,
        reach: u64,
    ) -> Result<Self, Error> {
        let (core, opened) = open::open(disk, options, reach)?;
        Ok(Self {
            core: Arc::new(core),
            opened,
            threads: Mutex::new(None),
        })
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Option<Threads>> {
        self.threads
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Reserves `n` cells, from 1 to `max_reserve`, for as many jobs and completions, or for one larger record.
    ///
    /// With `WhenFull::Wait` it waits while the stage is full. It makes no system call, takes no lock and allocates
    /// nothing unless it has to wait. Cells that are not used become void when the reservation is dropped; while it is
    /// held, nothing that others reserve later becomes durable, so it should be held for moments only.
    #[inline]
    pub fn reserve(&self, n: usize) -> Result<Cells<'_>, Refused> {
        self.reserve_at(n, clock::mono_ns())
    }

    /// The same for a caller that has read the clock (`mono_ns`).
    #[inline]
    pub fn reserve_at(&self, n: usize, mono_ns: u64) -> Result<Cells<'_>, Refused> {
        self.cells(n, mono_ns, true)
    }

    /// The same, and never waits. What it refuses with `Full` is not counted as a gap: the caller may try again.
    #[inline]
    pub fn try_reserve(&self, n: usize) -> Result<Cells<'_>, Refused> {
        self.try_reserve_at(n, clock::mono_ns())
    }

    #[inline]
    pub fn try_reserve_at(&self, n: usize, mono_ns: u64) -> Result<Cells<'_>, Refused> {
        self.cells(n, mono_ns, false)
    }

    #[inline]
    fn cells(&self, n: usize, mono_ns: u64, waits: bool) -> Result<Cells<'_>, Refused> {
        let n = n as u64;
        let first = self.core.reserve(n, mono_ns, waits)?;
        let at = first.unwrap_or(0);
        Ok(Cells {
            core: &self.core,
            next: at,
            end: at + n,
            mono_ns,
            lost: first.is_none(),
        })
    }

    /// The most cells that can be reserved at once: half of the stage, or 255 if that is more.
    pub fn max_reserve(&self) -> usize {
        self.core.most() as usize
    }

    /// Records anything: for what happens seldom. Gives the number of its first cell; `None` if it is lost because the
    /// disk had an error.
    ///
    /// A module with more handlers than one record holds becomes several.
    pub fn append(&self, record: &Record) -> Result<Option<u64>, Error> {
        let pieces = record.pieces();
        let mut encoded = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            encoded.push(piece.encode()?);
        }
        let mut first = None;
        for (i, piece) in encoded.iter().enumerate() {
            let count = piece.parts.len();
            let reserved = self.reserve(count);
            let mut cells = reserved.map_err(|refused| self.explain(refused, count))?;
            if i == 0 {
                first = cells.seq();
            }
            for (part, payload) in piece.parts.iter().enumerate() {
                cells.put(piece.kind, part as u8, count as u8, payload);
            }
        }
        Ok(first)
    }

    /// The error for a refusal.
    pub fn explain(&self, refused: Refused, cells: usize) -> Error {
        match (refused, self.core.failure()) {
            (Refused::Full, _) => Error::StageFull,
            (Refused::Failed, Some(failure)) => Error::Failed(failure.clone()),
            (Refused::Failed | Refused::Closed, _) => Error::Closed,
            (Refused::TooMany, _) => Error::TooManyCells {
                cells: cells as u64,
                limit: self.core.most(),
            },
        }
    }

    /// Returns when all that was committed before the call is durable; gives `durable_seq`. A reservation that the
    /// calling thread holds itself makes it run into the timeout.
    pub fn sync(&self, timeout: Duration) -> Result<u64, Error> {
        self.core.wait_durable(self.core.stage.next(), timeout)
    }

    /// All cells below this number are durable.
    pub fn durable_seq(&self) -> u64 {
        self.core.durable()
    }

    /// The number of the cell that is reserved next.
    pub fn next_seq(&self) -> u64 {
        self.core.stage.next()
    }

    /// The store for what is too large for records.
    pub fn objects(&self) -> &Objects {
        &self.core.objects
    }

    /// Without allocating anything, nor waiting for anybody.
    pub fn counts(&self) -> LogCounts {
        let core = &*self.core;
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let durable_seq = core.durable();
        LogCounts {
            // Behind the other: what is durable was reserved.
            next_seq: core.stage.next(),
            durable_seq,
            stalls: count(&core.counters.stalls),
            stall_ns: count(&core.counters.stall_ns),
            refused: count(&core.counters.refused),
            gaps: count(&core.counters.gaps),
            lost: count(&core.counters.lost),
            bytes: count(&core.counters.bytes),
            syncs: count(&core.counters.syncs),
        }
    }

    pub fn state(&self) -> LogState {
        let core = &*self.core;
        let header = core.header();
        let counts = self.counts();
        let next = counts.next_seq;
        let (object_bytes, objects) = core.objects.used();
        let asked = core.options.capacity().unwrap_or(core.capacity);
        LogState {
            path: core.path.clone(),
            stage_path: header.stage_path,
            capacity_cells: core.capacity,
            capacity_bytes: CELLS_AT + core.capacity * CELL_BYTES as u64,
            kept_capacity: asked != core.capacity,
            generation: core.generation,
            run: header.run,
            opened: self.opened,
            oldest_seq: next.saturating_sub(core.capacity).max(1),
            next_seq: next,
            written_seq: core.written(),
            durable_seq: counts.durable_seq,
            stalls: counts.stalls,
            stall_ns: counts.stall_ns,
            refused: counts.refused,
            gaps: counts.gaps,
            lost: counts.lost,
            bytes: counts.bytes,
            syncs: counts.syncs,
            object_bytes,
            objects,
            failure: core.failure().cloned(),
        }
    }

    /// Ends the log: everything that was committed becomes durable, and the stage goes away. What is reserved
    /// afterwards is refused. The first call does it; later ones do nothing.
    ///
    /// After an error of the disk, or if a reservation is still held after two seconds, the log stays as a crash would
    /// leave it, with its stage, and the error says so.
    pub fn close(&self) -> Result<(), Error> {
        let mut threads = self.threads();
        let Some(Threads { writer, syncer }) = threads.take() else {
            return Ok(());
        };
        // When the writer has made room. If it can't, the header says how many are missing.
        let started = Instant::now();
        while self.core.stage.untold() != 0 && started.elapsed() < GRACE {
            self.core.tell(GapWhy::Full);
            self.core.wake_writer();
            std::thread::sleep(Duration::from_micros(100));
        }
        self.core.stage.close();
        self.core.wake_writer();
        let writer = writer.join();
        self.core.stop_syncer();
        let syncer = syncer.join();
        for ended in [writer, syncer] {
            ended.map_err(|_| Error::Io {
                path: self.core.path.clone(),
                doing: "ending a thread",
                source: std::io::Error::other("it has panicked"),
            })?;
        }
        self.core.finish()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Who wants to know calls `close`.
        let _ = self.close();
    }
}

/// Reserved cells. They are filled one after the other; each is committed when the call returns. What is left when
/// this is dropped becomes void.
#[must_use = "dropping the cells makes them void"]
pub struct Cells<'a> {
    core: &'a Core,
    next: u64,
    end: u64,
    mono_ns: u64,
    lost: bool,
}

impl Cells<'_> {
    /// How many are left.
    #[inline]
    pub fn left(&self) -> usize {
        (self.end - self.next) as usize
    }

    /// The number of the cell that is filled next; `None` if what is put in is lost (`AfterError::Lose`).
    #[inline]
    pub fn seq(&self) -> Option<u64> {
        (!self.lost).then_some(self.next)
    }

    /// Records a job. `false` if no cell is left.
    #[inline]
    pub fn job(&mut self, job: &Job) -> bool {
        self.put(kind::JOB, 0, 1, &job.payload())
    }

    /// Records a completion. `false` if no cell is left.
    #[inline]
    pub fn completion(&mut self, completion: &Completion) -> bool {
        self.put(kind::COMPLETION, 0, 1, &completion.payload())
    }

    #[inline]
    fn put(&mut self, kind: u16, part: u8, parts: u8, payload: &Payload) -> bool {
        if self.next == self.end {
            return false;
        }
        if !self.lost {
            self.core
                .commit(self.next, kind, part, parts, self.mono_ns, payload);
        }
        self.next += 1;
        true
    }

    #[cold]
    fn give_up(&mut self) {
        while !self.lost && self.next < self.end {
            self.core.void(self.next, self.mono_ns, VoidWhy::Dropped);
            self.next += 1;
        }
    }
}

impl Drop for Cells<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.next < self.end {
            self.give_up();
        }
    }
}
