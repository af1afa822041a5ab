//! What a log's threads share: the stage, the file, and how far each of them is.
//!
//! Producers reserve and commit in the stage. The *writer* moves what is committed to the file and frees its places.
//! The *syncer* makes durable what was written. They are two threads, because a sync takes as long as thousands of
//! writes.
//!
//! The first error of the disk ends all writing. What is in the stage stays there, and whoever opens the log next
//! brings it in.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::cell::{self, Head, Payload, CELL_BYTES};
use crate::clock;
use crate::disk::{Disk, DiskFile, Map};
use crate::error::{Error, Failure};
use crate::header::{Header, PAGE_BYTES};
use crate::objects::Objects;
use crate::options::{AfterError, LogOptions, WhenFull};
use crate::record::{kind, Gap, GapWhy, Record, Void, VoidWhy};
use crate::stage::{Denied, Stage};
use crate::sync::Padded;

/// Cells that the writer moves before it frees their places: 512 KiB.
const DRAIN: u64 = 4096;

/// Why nothing was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The stage is full, and the caller didn't want to wait.
    Full,
    /// The disk had an error, and `AfterError::Refuse` was chosen. `Log::state` has the error.
    Failed,
    Closed,
    /// More cells than can be reserved at once.
    TooMany,
}

/// Numbers that say how the log is doing; read by `Log::state`.
#[derive(Default)]
pub struct Counters {
    pub stalls: AtomicU64,
    pub stall_ns: AtomicU64,
    pub refused: AtomicU64,
    pub lost: AtomicU64,
    pub gaps: AtomicU64,
    pub bytes: AtomicU64,
    pub syncs: AtomicU64,
}

/// What the syncer waits for.
#[derive(Default)]
struct Wanted {
    /// Somebody waits until all below this number is durable.
    seq: u64,
    stop: bool,
    /// It waits for something to be written, without a time.
    idle: bool,
}

pub struct Core {
    // What producers read, and nobody writes.
    pub stage: Stage,
    pub generation: u32,
    when_full: WhenFull,
    after_error: AfterError,
    /// How far the wall clock is ahead of the monotonic one. The writer refreshes it.
    wall_offset: AtomicU64,

    pub path: PathBuf,
    pub options: LogOptions,
    pub disk: Arc<dyn Disk>,
    pub file: Arc<dyn DiskFile>,
    pub objects: Objects,
    pub capacity: u64,
    _map: Map,

    /// All cells below are in the file. The writer's.
    written: Padded<AtomicU64>,
    /// All cells below are durable. The syncer's.
    durable: Padded<AtomicU64>,
    /// The writer must stay below this number, so that whoever opens the log after a crash knows where to look.
    limit: AtomicU64,
    header: Mutex<Header>,
    failure: OnceLock<Failure>,
    pub counters: Padded<Counters>,
    telling: AtomicBool,

    writer: OnceLock<Thread>,
    writer_parks: AtomicBool,
    wanted: Mutex<Wanted>,
    /// For the syncer: something is written or wanted.
    wake_syncer: Condvar,
    /// For those who wait until something is durable.
    synced: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What a log is made of when it is open.
pub struct Parts {
    pub options: LogOptions,
    pub disk: Arc<dyn Disk>,
    pub file: Arc<dyn DiskFile>,
    pub objects: Objects,
    pub stage: Stage,
    pub map: Map,
    /// As both pages say.
    pub header: Header,
}

impl Core {
    pub fn new(parts: Parts) -> Self {
        let Parts {
            options, header, ..
        } = parts;
        let next = header.next;
        Self {
            stage: parts.stage,
            generation: header.generation,
            when_full: options.when_full,
            after_error: options.after_error,
            wall_offset: AtomicU64::new(clock::wall_offset_ns()),
            path: options.path.clone(),
            options,
            disk: parts.disk,
            file: parts.file,
            objects: parts.objects,
            capacity: header.capacity,
            _map: parts.map,
            written: Padded(AtomicU64::new(next)),
            durable: Padded(AtomicU64::new(next)),
            limit: AtomicU64::new(header.durable + header.reach),
            header: Mutex::new(header),
            failure: OnceLock::new(),
            counters: Padded::default(),
            telling: AtomicBool::new(false),
            writer: OnceLock::new(),
            writer_parks: AtomicBool::new(false),
            wanted: Mutex::default(),
            wake_syncer: Condvar::new(),
            synced: Condvar::new(),
        }
    }

    // ---------------------------------------------------------------- producers

    /// The most cells of one reservation.
    pub fn most(&self) -> u64 {
        (self.stage.count() / 2).max(cell::MAX_PARTS as u64)
    }

    #[inline]
    pub fn wall_ns(&self, mono_ns: u64) -> u64 {
        mono_ns.wrapping_add(self.wall_offset.load(Ordering::Relaxed))
    }

    /// The first of `n` numbers; `None` if the records are to be lost.
    #[inline]
    pub fn reserve(&self, n: u64, now_ns: u64, waits: bool) -> Result<Option<u64>, Refused> {
        match self.stage.reserve_fast(n) {
            Some(first) => Ok(Some(first)),
            None => self.reserve_slowly(n, now_ns, waits),
        }
    }

    #[cold]
    fn reserve_slowly(&self, n: u64, now_ns: u64, waits: bool) -> Result<Option<u64>, Refused> {
        if n > self.most() {
            return Err(Refused::TooMany);
        }
        let mut stall = None;
        let mut tells = false;
        let outcome = loop {
            match self.stage.reserve(n, tells) {
                Ok(first) => break Ok(Some(first)),
                Err(Denied::Untold) => {
                    // Who comes while another one tells may be before the Gap record.
                    tells = true;
                    self.tell(GapWhy::Full);
                }
                Err(Denied::Closed) => break Err(Refused::Closed),
                Err(Denied::Failed) if self.after_error == AfterError::Refuse => {
                    break Err(Refused::Failed);
                }
                Err(Denied::Failed) => {
                    self.counters.lost.fetch_add(n, Ordering::Relaxed);
                    break Ok(None);
                }
                Err(Denied::Full) if waits && self.when_full == WhenFull::Wait => {
                    let stall = stall.get_or_insert_with(|| Stall::begin(&self.counters));
                    self.wake_writer();
                    stall.wait();
                }
                Err(Denied::Full) => {
                    if waits {
                        self.counters.refused.fetch_add(n, Ordering::Relaxed);
                        self.stage.refuse(n, now_ns);
                    }
                    break Err(Refused::Full);
                }
            }
        };
        // More than half of the stage is in use.
        self.wake_writer();
        outcome
    }

    /// Writes the record of what was refused, if there is room for it now.
    pub fn tell(&self, why: GapWhy) {
        if self.telling.swap(true, Ordering::Acquire) {
            return;
        }
        if let Ok(seq) = self.stage.reserve(1, true) {
            let refused = self.stage.begin_to_tell();
            let now_ns = clock::mono_ns();
            if refused.count == 0 {
                self.void(seq, now_ns, VoidWhy::Dropped);
            } else {
                self.commit_gap(seq, now_ns, why, refused);
                self.stage.told(refused);
            }
        }
        self.telling.store(false, Ordering::Release);
    }

    /// The same of what a run before has left untold. Before anybody else uses the log.
    pub fn tell_of(&self, why: GapWhy, refused: crate::stage::Refused) {
        if let Ok(seq) = self.stage.reserve(1, true) {
            self.commit_gap(seq, clock::mono_ns(), why, refused);
        }
    }

    fn commit_gap(&self, seq: u64, now_ns: u64, why: GapWhy, refused: crate::stage::Refused) {
        let known = refused.first_ns <= refused.last_ns;
        let gap = Record::Gap(Gap {
            why,
            lost: refused.count,
            first_ns: if known { refused.first_ns } else { now_ns },
            last_ns: if known { refused.last_ns } else { now_ns },
        });
        let encoded = gap.encode().expect("a gap fits one cell");
        self.counters.gaps.fetch_add(1, Ordering::Relaxed);
        self.commit(seq, encoded.kind, 0, 1, now_ns, &encoded.parts[0]);
    }

    /// Fills and commits a cell that the caller has reserved and not committed yet.
    #[inline]
    pub fn commit(&self, seq: u64, kind: u16, part: u8, parts: u8, now_ns: u64, payload: &Payload) {
        let head = Head {
            kind,
            part,
            parts,
            generation: self.generation,
            seq,
            mono_ns: now_ns,
            wall_ns: self.wall_ns(now_ns),
        };
        let words = cell::seal(head, payload);
        // SAFETY: the number is the caller's, by the rule of this function.
        unsafe { self.stage.commit(seq, &words) };
    }

    pub fn void(&self, seq: u64, now_ns: u64, why: VoidWhy) {
        self.commit(seq, kind::VOID, 0, 1, now_ns, &Void { why }.payload());
    }

    // ---------------------------------------------------------------- the writer

    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Moves committed cells to the file; gives how many. The writer's alone.
    pub fn drain(&self) -> u64 {
        let mut at = self.written();
        let limit = self.limit.load(Ordering::Acquire);
        let count = self
            .stage
            .committed(at, DRAIN.min(limit.saturating_sub(at)));
        let end = at + count;
        while at < end && self.failure.get().is_none() {
            let slot = at % self.capacity;
            let run = self
                .stage
                .contiguous(at, end - at)
                .min(self.capacity - slot);
            // SAFETY: the cells are committed, and only this thread frees any.
            let bytes = unsafe { self.stage.bytes(at, run) };
            let offset = crate::header::CELLS_AT + slot * CELL_BYTES as u64;
            if let Err(e) = self.file.write_full(bytes, offset) {
                self.fail("writing cells", at, &e);
                return 0;
            }
            at += run;
            self.counters
                .bytes
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
            // Release: what the syncer sees as written was written.
            self.written.store(at, Ordering::Release);
            self.stage.free(at);
        }
        if count != 0 {
            let wanted = lock(&self.wanted);
            let enough =
                self.options.sync_cells != 0 && at - self.durable() >= self.options.sync_cells;
            if wanted.idle || wanted.seq > self.durable() || enough {
                self.wake_syncer.notify_one();
            }
        }
        if self.stage.untold() != 0 {
            self.tell(GapWhy::Full);
        }
        count
    }

    /// The writer's thread: until all below `end` is written, where that is known.
    pub fn run_writer(&self) {
        let _ = self.writer.set(std::thread::current());
        let longest = (self.options.interval() / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let mut pause = SHORTEST_PAUSE;
        let mut stuck: Option<Instant> = None;
        loop {
            self.wall_offset
                .store(clock::wall_offset_ns(), Ordering::Relaxed);
            let count = self.drain();
            if self.failure.get().is_some() {
                break;
            }
            if let Some(end) = self.stage.end() {
                let since = *stuck.get_or_insert_with(Instant::now);
                let waits = self.stage.committed(self.written(), 1) == 0;
                if self.written() >= end || waits && since.elapsed() > GRACE {
                    break;
                }
                if !waits {
                    stuck = None;
                }
            }
            if self.written() >= self.limit.load(Ordering::Acquire) {
                // The syncer moves it.
                self.want(self.written());
            }
            if count == DRAIN {
                continue;
            }
            // Few cells at a time cost more system calls: better let some come together.
            pause = match count {
                0 => (pause * 2).min(longest),
                _ => SHORTEST_PAUSE,
            };
            self.writer_parks.store(true, Ordering::Relaxed);
            std::thread::park_timeout(pause);
            self.writer_parks.store(false, Ordering::Relaxed);
        }
    }

    /// Ends the writer's pause. It would end by itself, so nothing hangs on whether this is seen in time.
    pub fn wake_writer(&self) {
        if self.writer_parks.load(Ordering::Relaxed)
            && self.writer_parks.swap(false, Ordering::Relaxed)
        {
            if let Some(writer) = self.writer.get() {
                writer.unpark();
            }
        }
    }

    fn fail(&self, doing: &'static str, seq: u64, error: &std::io::Error) {
        let _ = self
            .failure
            .set(Failure::new(&self.path, doing, seq, error));
        self.stage.fail();
        let _wanted = lock(&self.wanted);
        self.synced.notify_all();
        self.wake_syncer.notify_all();
    }

    // ---------------------------------------------------------------- the syncer

    /// Makes durable what is written, and says so in the header. The syncer's alone.
    pub fn sync_once(&self) {
        let target = self.written();
        if self.failure.get().is_some() || target == self.durable() {
            return;
        }
        let from = self.durable();
        // First the objects: whatever record names one was committed after it was put.
        if let Err(e) = self.objects.sync() {
            return self.fail("syncing the objects", from, &e);
        }
        if let Err(e) = self.file.sync() {
            return self.fail("syncing the log", from, &e);
        }
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.durable.store(target, Ordering::Release);
        {
            let _wanted = lock(&self.wanted);
            self.synced.notify_all();
        }
        let mut header = lock(&self.header);
        // The page that was written last is durable now, so the limit may count from what it says, and the other page
        // may be overwritten.
        self.limit
            .store(header.durable + header.reach, Ordering::Release);
        header.durable = target;
        header.next = target;
        let mut said = write_page(&*self.file, &mut header);
        // A writer that has come close to its limit needs the new page on the disk, not only in the file.
        if said.is_ok() && self.written() + header.reach / 2 > self.limit.load(Ordering::Relaxed) {
            said = self.file.sync();
            if said.is_ok() {
                self.limit
                    .store(header.durable + header.reach, Ordering::Release);
            }
        }
        drop(header);
        match said {
            Ok(()) => self.wake_writer(),
            Err(e) => self.fail("writing the header", target, &e),
        }
    }

    /// The syncer's thread.
    pub fn run_syncer(&self) {
        let interval = self.options.interval();
        loop {
            let mut since = None;
            let mut wanted = lock(&self.wanted);
            loop {
                if self.failure.get().is_some() {
                    return;
                }
                let (written, durable) = (self.written(), self.durable());
                let cells = self.options.sync_cells;
                if wanted.stop && written == durable {
                    return;
                }
                let now =
                    wanted.stop || wanted.seq > durable || cells != 0 && written - durable >= cells;
                if written > durable && now {
                    break;
                }
                if written == durable {
                    since = None;
                    wanted.idle = true;
                    wanted = self
                        .wake_syncer
                        .wait(wanted)
                        .unwrap_or_else(|e| e.into_inner());
                    wanted.idle = false;
                    continue;
                }
                let left =
                    interval.saturating_sub(since.get_or_insert_with(Instant::now).elapsed());
                if left.is_zero() {
                    break;
                }
                wanted = self
                    .wake_syncer
                    .wait_timeout(wanted, left)
                    .unwrap_or_else(|e| e.into_inner())
                    .0;
            }
            drop(wanted);
            self.sync_once();
        }
    }

    pub fn stop_syncer(&self) {
        lock(&self.wanted).stop = true;
        self.wake_syncer.notify_all();
    }

    fn want(&self, seq: u64) {
        let mut wanted = lock(&self.wanted);
        wanted.seq = wanted.seq.max(seq);
        self.wake_syncer.notify_one();
    }

    /// Returns when all below `target` is durable.
    pub fn wait_durable(&self, target: u64, timeout: Duration) -> Result<u64, Error> {
        let began = Instant::now();
        self.want(target);
        loop {
            self.wake_writer();
            let durable = self.durable();
            if durable >= target {
                return Ok(durable);
            }
            if let Some(failure) = self.failure.get() {
                return Err(Error::Failed(failure.clone()));
            }
            let left = timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout);
            }
            let wanted = lock(&self.wanted);
            if self.durable() < target && self.failure.get().is_none() {
                // In slices, because the writer may have to be woken again for what is committed meanwhile.
                let _ = self
                    .synced
                    .wait_timeout(wanted, left.min(SHORTEST_PAUSE * 4));
            }
        }
    }

    // ---------------------------------------------------------------- the end

    /// Says in both pages that the log is closed, and removes the stage. After writer and syncer have ended.
    pub fn finish(&self) -> Result<(), Error> {
        if let Some(failure) = self.failure.get() {
            return Err(Error::Failed(failure.clone()));
        }
        if self.written() < self.stage.next() {
            return Err(Error::Uncommitted {
                seq: self.written(),
            });
        }
        let mut header = lock(&self.header);
        let stage = std::mem::take(&mut header.stage_path);
        header.clean = true;
        header.stage_cells = 0;
        header.next = self.written();
        header.durable = self.written();
        // The page that was written last may not be durable yet.
        let written = self
            .file
            .sync()
            .and_then(|()| write_both(&*self.file, &mut header));
        written.map_err(|e| Error::io(&self.path, "closing the log", 0, e))?;
        crate::disk::remove_if_there(&*self.disk, &stage)
            .map_err(|e| Error::io(&stage, "removing the stage", 0, e))
    }

    pub fn header(&self) -> Header {
        lock(&self.header).clone()
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_micros(250);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// How long closing waits for cells that are reserved and not committed.
pub const GRACE: Duration = Duration::from_secs(2);

/// Writes the page that is not the newest. The newest one must be durable.
fn write_page(file: &dyn DiskFile, header: &mut Header) -> std::io::Result<()> {
    header.counter += 1;
    file.write_full(&header.encode(), header.counter % 2 * PAGE_BYTES as u64)
}

/// Makes both pages say the same, and durable.
pub fn write_both(file: &dyn DiskFile, header: &mut Header) -> std::io::Result<()> {
    for _ in 0..2 {
        write_page(file, header)?;
        file.sync()?;
    }
    Ok(())
}

/// A producer's wait for room.
struct Stall<'a> {
    counters: &'a Counters,
    began: Instant,
    turns: u32,
}

impl<'a> Stall<'a> {
    fn begin(counters: &'a Counters) -> Self {
        counters.stalls.fetch_add(1, Ordering::Relaxed);
        Self {
            counters,
            began: Instant::now(),
            turns: 0,
        }
    }

    fn wait(&mut self) {
        self.turns += 1;
        match self.turns {
            ..64 => std::hint::spin_loop(),
            64..128 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(100)),
        }
    }
}

impl Drop for Stall<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed().as_nanos() as u64;
        self.counters.stall_ns.fetch_add(took, Ordering::Relaxed);
    }
}
