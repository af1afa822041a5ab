//! Checkpoints: what there is of tenants, modules and buffers, and what these hold, at a moment without an open job. From one
//! of them on a log can be run again, so that it needs not have its run's beginning any more.
//!
//! One is due when half of the log was written since the last one. A thread then lets nobody submit, nor write to a buffer
//! (`Gate`), waits until every job that was published has ended, and copies the state; then they go on, and the copy is put into
//! the object store. Jobs that take their time, as those of a tenant with a limit in time, would keep everybody waiting: after a
//! while the gate is opened, to try again later. When three quarters of the log were written submits wait longer, but not for ever:
//! then the log can't be run again until a later checkpoint.
//!
//! What else the host does needs not wait. It is recorded when it is done, and doing it again on a state that has it already
//! gives the same.
//!
//! Objects that no durable record of the log names any more, nor the state of its checkpoints, nor a module that is loaded, are
//! removed.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rota_recorder::{Checkpoint, Error as E, Hash, Item, Log, Mode, Reader, Record, RunStart};

use super::state::{Pieces, State};
use crate::error::Error;
use crate::ring::gate::{Closed, Gate, Pass};
use crate::ring::sync::lock;
use crate::runtime::Engine;

/// The least bytes of a log with checkpoints.
const LEAST_BYTES: u64 = 4 << 20;
/// Buffers are kept in pieces of so many bytes, so that what didn't change isn't kept twice.
const PIECE: usize = 1 << 20;
/// How long submits wait for jobs that are open, while there is time to try again, and when there is none.
const PATIENCE: Duration = Duration::from_millis(50);
const LAST_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn check_capacity(bytes: u64) -> Result<(), Error> {
    if bytes < LEAST_BYTES {
        return Err(Error::InvalidValue {
            what: "the capacity of the log",
            value: bytes,
            allowed: "at least 4 MiB, where data is captured",
        });
    }
    Ok(())
}

/// Who names an object.
#[derive(Default)]
struct Names {
    /// Those who have kept it and not told a record yet.
    pending: u32,
    /// The last record. None has named what a checkpoint kept that failed.
    last: Option<u64>,
}

#[derive(Default)]
struct Wanted {
    asked: bool,
    stop: bool,
}

pub(crate) struct Checkpoints {
    start: RunStart,
    capacity: u64,
    /// Whether submits wait for a checkpoint that is late.
    waits: bool,
    gate: Gate,
    /// Held while a record is appended, so that it follows them in their order.
    state: Mutex<State>,
    kept: Mutex<HashMap<Hash, Names>>,
    /// A checkpoint is due when the log has come so far, and no job is accepted without it from `limit` on.
    due: AtomicU64,
    limit: AtomicU64,
    wanted: Mutex<Wanted>,
    /// For the thread, and for those who wait for it.
    wake: Condvar,
    ended: Condvar,
    taken: AtomicU64,
    failed: AtomicU64,
}

/// What a checkpoint keeps.
struct Snapshot {
    before: u64,
    end_epoch: u64,
    state: State,
    data: Vec<((u64, u32), Vec<u8>)>,
}

impl Checkpoints {
    pub fn new(log: &Log, start: RunStart, waits: bool) -> Result<Self, Error> {
        let state = log.state();
        check_capacity(state.capacity_bytes)?;
        let checkpoints = Self {
            start,
            capacity: state.capacity_cells,
            waits,
            gate: Gate::new(),
            state: Mutex::default(),
            kept: Mutex::default(),
            due: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            wanted: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
            taken: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        checkpoints.next_after(state.next_seq);
        if state.objects != 0 {
            checkpoints.find_names(log)?;
        }
        Ok(checkpoints)
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// How many jobs a submit may record at once, so that several of them find room beyond the limit.
    pub fn most(&self) -> usize {
        (self.capacity / 64) as usize
    }

    /// The log can be run again from `seq` on.
    fn next_after(&self, seq: u64) {
        self.due.store(seq + self.capacity / 2, Ordering::Relaxed);
        let limit = match self.waits {
            true => seq + self.capacity / 4 * 3,
            false => u64::MAX,
        };
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// What earlier runs have left: who names it, and away with what nobody does.
    fn find_names(&self, log: &Log) -> Result<(), Error> {
        let mut kept = lock(&self.kept);
        for item in Reader::open(&log.state().path, Mode::Salvage)? {
            let Item::Record(entry) = item? else { continue };
            let Some(hash) = entry.record.object() else {
                continue;
            };
            kept.entry(hash).or_default().last = Some(entry.seq);
            if let Record::Checkpoint(_) = entry.record {
                let state = match log.objects().get(&hash) {
                    Ok(state) => state,
                    // It is of no use any more, and what it names neither.
                    Err(E::ObjectMissing { .. } | E::ObjectDamaged { .. }) => continue,
                    Err(e) => return Err(e.into()),
                };
                let records = Record::unpack(&state).unwrap_or_default();
                for hash in records.iter().filter_map(Record::object) {
                    kept.entry(hash).or_default().last = Some(entry.seq);
                }
            }
        }
        for hash in log.objects().list()? {
            if !kept.contains_key(&hash) {
                log.objects().remove(&hash)?;
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------ beside the recorder's calls

    /// To be held while jobs are submitted.
    #[inline]
    pub fn enter(&self, log: &Log) -> Pass<'_> {
        if log.next_seq() >= self.limit.load(Ordering::Relaxed) {
            self.wait(log);
        }
        self.gate.enter()
    }

    /// To be held while the host writes to a buffer.
    pub fn pass(&self) -> Pass<'_> {
        self.gate.enter()
    }

    /// Waits until the log is below the limit again.
    #[cold]
    fn wait(&self, log: &Log) {
        let started = Instant::now();
        let mut wanted = lock(&self.wanted);
        while log.next_seq() >= self.limit.load(Ordering::Relaxed) && !wanted.stop {
            let left = LAST_PATIENCE.saturating_sub(started.elapsed());
            if left.is_zero() {
                // The disk is as slow as that: nobody waits for this one any more.
                self.limit.store(u64::MAX, Ordering::Relaxed);
                break;
            }
            wanted.asked = true;
            self.wake.notify_one();
            let (guard, _) = self
                .ended
                .wait_timeout(wanted, left)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            wanted = guard;
        }
    }

    /// The log has come to `seq`.
    #[inline]
    pub fn reached(&self, seq: u64) {
        if seq >= self.due.load(Ordering::Relaxed) {
            self.ask();
        }
    }

    #[cold]
    fn ask(&self) {
        // Once.
        if self.due.swap(u64::MAX, Ordering::Relaxed) != u64::MAX {
            lock(&self.wanted).asked = true;
            self.wake.notify_one();
        }
    }

    /// Follows a record, which `append` appends.
    pub fn tell(&self, record: &Record, append: impl FnOnce() -> Option<u64>) -> Option<u64> {
        let mut state = lock(&self.state);
        state.follow(record);
        let seq = append();
        drop(state);
        if let Some(hash) = record.object() {
            self.named([hash], seq);
        }
        seq
    }

    /// Keeps an object until a record names it, and then as long as the log has that.
    pub fn keep(&self, log: &Log, hash: Hash, bytes: &[u8]) -> Result<(), E> {
        self.will_name(hash);
        log.objects().put_as(hash, bytes)
    }

    /// A record will name this object.
    fn will_name(&self, hash: Hash) {
        lock(&self.kept).entry(hash).or_default().pending += 1;
    }

    /// A record that names objects was told, or is lost.
    fn named(&self, hashes: impl IntoIterator<Item = Hash>, seq: Option<u64>) {
        let mut kept = lock(&self.kept);
        for hash in hashes {
            let names = kept.entry(hash).or_default();
            names.pending = names.pending.saturating_sub(1);
            names.last = names.last.max(seq);
        }
    }

    /// Removes what no record names that would be there after a power cut.
    fn forget(&self, log: &Log) {
        let oldest = log.durable_seq().saturating_sub(self.capacity);
        let sources = lock(&self.state).sources();
        // Held meanwhile, so that who keeps an object again finds it gone.
        lock(&self.kept).retain(|hash, names| {
            let named = names.last.is_some_and(|last| last >= oldest);
            let stays = names.pending != 0 || named || sources.contains(hash);
            if !stays {
                if let Err(e) = log.objects().remove(hash) {
                    log::warn!("the recorder can't remove what is no longer needed: {e}");
                }
            }
            stays
        });
    }

    // ------------------------------------------------------------ the thread

    pub fn stop(&self) {
        lock(&self.wanted).stop = true;
        self.wake.notify_one();
        self.ended.notify_all();
    }

    /// Waits until a checkpoint is asked for; gives whether one is.
    fn is_asked(&self) -> bool {
        let mut wanted = lock(&self.wanted);
        while !wanted.asked && !wanted.stop {
            wanted = self
                .wake
                .wait(wanted)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        wanted.asked = false;
        !wanted.stop
    }

    fn run(&self, engine: &Engine, log: &Log) {
        while self.is_asked() {
            match self.take(engine, log) {
                Ok(Some(before)) => {
                    self.next_after(before);
                    self.taken.fetch_add(1, Ordering::Relaxed);
                }
                Ok(None) | Err(_) if engine.is_stopping() => {}
                // Some jobs take long.
                Ok(None) if self.may_wait(log) => self.again_in(log, 16),
                Ok(None) => {
                    self.fails("jobs that are open take too long");
                    self.again_in(log, 4);
                }
                Err(e) => {
                    self.fails(&e.to_string());
                    self.again_in(log, 1);
                }
            }
            // What a checkpoint has kept that failed is nobody's.
            self.forget(log);
            // With the lock, so that nobody misses it who is about to wait.
            let mut wanted = lock(&self.wanted);
            // Who has asked while this one was taken has it, but for who has come by the next one's time meanwhile: nobody
            // else asks for that.
            let due = self.due.load(Ordering::Relaxed);
            wanted.asked &= due == u64::MAX || log.next_seq() >= due;
            self.ended.notify_all();
        }
    }

    /// The next try is when such a part of the log was written.
    fn again_in(&self, log: &Log, part: u64) {
        let again = log.next_seq() + self.capacity / part;
        self.due.store(again, Ordering::Relaxed);
    }

    /// Whether submits wait for a later try.
    fn may_wait(&self, log: &Log) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        limit != u64::MAX && log.next_seq() < limit
    }

    /// Jobs go on, and the log may no longer be enough to run them again.
    fn fails(&self, why: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        log::warn!("the recorder can't take a checkpoint: {why}");
        self.limit.store(u64::MAX, Ordering::Relaxed);
    }

    /// Takes a checkpoint; gives where the log is to be run again from, or nothing if jobs didn't end in time.
    fn take(&self, engine: &Engine, log: &Log) -> Result<Option<u64>, Error> {
        let closed = self.gate.close();
        if !self.wait_for_jobs(engine, log, &closed) {
            return Ok(None);
        }
        let snapshot = self.snapshot(engine, log)?;
        drop(closed);
        // There may be room for it then.
        self.forget(log);
        let mut hashes = Vec::new();
        let kept = self.put(log, snapshot, &mut hashes);
        let appended = kept.and_then(|checkpoint| {
            let seq = log.append(&checkpoint.into())?;
            Ok((seq, checkpoint.before))
        });
        self.named(hashes, appended.as_ref().ok().and_then(|&(seq, _)| seq));
        appended.map(|(_, before)| Some(before))
    }

    /// Waits, while nobody submits, until no job is open.
    fn wait_for_jobs(&self, engine: &Engine, log: &Log, closed: &Closed<'_>) -> bool {
        let started = Instant::now();
        let mut pause = Duration::from_micros(10);
        while !(closed.is_empty() && engine.has_no_open_job()) {
            let patience = match log.next_seq() >= self.limit.load(Ordering::Relaxed) {
                true => LAST_PATIENCE,
                false => PATIENCE,
            };
            if engine.is_stopping() || started.elapsed() > patience {
                return false;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
        true
    }

    fn snapshot(&self, engine: &Engine, log: &Log) -> Result<Snapshot, Error> {
        // No record of the host comes in between.
        let state = lock(&self.state);
        let mut data = Vec::new();
        for (tenant, handle) in state.readable() {
            if engine.is_stopping() {
                return Err(engine.why_stopped());
            }
            // One that is being destroyed is of no use to any job.
            if let Ok(buffer) = engine.memory.get(handle, tenant as u32) {
                let mut bytes = Vec::new();
                let room = bytes.try_reserve_exact(buffer.bytes as usize);
                room.map_err(|_| Error::OutOfMemory("a checkpoint"))?;
                bytes.resize(buffer.bytes as usize, 0);
                buffer.read(0, &mut bytes)?;
                data.push(((tenant, handle), bytes));
            }
        }
        Ok(Snapshot {
            before: log.next_seq(),
            end_epoch: engine.epoch_now(),
            state: state.clone(),
            data,
        })
    }

    /// Keeps what a snapshot holds; `hashes` gets what was kept.
    fn put(
        &self,
        log: &Log,
        snapshot: Snapshot,
        hashes: &mut Vec<Hash>,
    ) -> Result<Checkpoint, Error> {
        let mut put = |bytes: &[u8]| -> Result<Hash, Error> {
            let hash = Hash::of(bytes);
            hashes.push(hash);
            self.keep(log, hash, bytes)?;
            Ok(hash)
        };
        let mut data: BTreeMap<(u64, u32), Pieces> = BTreeMap::new();
        let mut all = 0;
        for (key, bytes) in snapshot.data {
            all += bytes.len() as u64;
            let pieces = data.entry(key).or_default();
            for (n, piece) in bytes.chunks(PIECE).enumerate() {
                if piece.iter().any(|&byte| byte != 0) {
                    pieces.push(((n * PIECE) as u64, piece.len() as u64, put(piece)?));
                }
            }
        }
        let mut records = vec![Record::from(self.start.clone())];
        records.extend(snapshot.state.records(&data));
        let state = put(&Record::pack(&records)?)?;
        // What modules are made of was kept when they were loaded; this checkpoint names it too.
        let modules = records.iter().filter(|r| matches!(r, Record::Module(_)));
        for source in modules.filter_map(Record::object) {
            self.will_name(source);
            hashes.push(source);
        }
        Ok(Checkpoint {
            before: snapshot.before,
            end_epoch: snapshot.end_epoch,
            tenants: snapshot.state.tenants() as u32,
            buffers: snapshot.state.buffers() as u32,
            bytes: all,
            state,
        })
    }
}

/// Starts the thread, if the runtime has checkpoints.
pub(crate) fn start(engine: &Arc<Engine>) -> Result<Option<JoinHandle<()>>, Error> {
    fn of(engine: &Engine) -> Option<(&Checkpoints, &Log)> {
        let recorder = engine.recorder.as_ref()?;
        Some((recorder.checkpoints.as_ref()?, &recorder.log))
    }
    if of(engine).is_none() {
        return Ok(None);
    }
    let engine = engine.clone();
    let run = move || {
        if let Some((checkpoints, log)) = of(&engine) {
            checkpoints.run(&engine, log);
        }
    };
    let thread = std::thread::Builder::new().name("rota-checkpoint".into());
    thread.spawn(run).map(Some).map_err(|source| Error::System {
        what: "starting the thread for checkpoints",
        source,
    })
}
