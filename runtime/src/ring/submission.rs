//! The host's side of one tenant's ring: reserve, publish, take.
//!
//! Many threads may publish at once, and many may take. A publisher first enters and takes tokens, by one change of the
//! life word; there are no more tokens than slots, and a token guarantees a free slot, so that from the moment it adds
//! to `head` nothing can fail. Tokens come back when completions are taken *in order*: a slot is free when its
//! completion and all before it were taken.
//!
//! Who may touch a slot is decided by two chains of release and acquire: publisher to kernel to taker through the
//! stamps of slot and completion, and taker to the next publisher through the tokens. The life word changes for other
//! reasons too, but always by read-modify-writes, which keep up what was released before them.

use std::sync::atomic::AtomicU64 as StdAtomicU64;
use std::sync::Arc;

use super::calls::{Calls, Row};
use super::clock::Clock;
use super::counts::Counts;
use super::digest::ORDER_DEPENDENT;
use super::latency::{Fine, Latency};
use super::layout::{completion_status, flag, Record, Slot, EXTRA_RECORDS, POSITION_MASK};
use super::life::{Closed, Life};
use super::outcomes::{Outcomes, Taken};
use super::pool::Pool;
use super::span::{self, Pipe, TraceContext};
use super::sync::{fence, lock, prefetch, AtomicU32, AtomicU64, Mutex, Ordering, Padded};

/// A job, as a caller gives it. 64 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which handler runs it.
    pub opcode: u32,
    /// `job_flags`.
    pub flags: u32,
    /// 1 to 2^24; 1 for a scalar job.
    pub tiles: u32,
    /// Loop iterations that each lane may run; 0 means the handler's default.
    pub fuel: u32,
    /// What the handler reads by `arg(i)`.
    pub args: [u32; 10],
    /// Comes back with the completion; the device never sees it.
    pub user_data: u64,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            opcode: 0,
            flags: 0,
            tiles: 1,
            fuel: 0,
            args: [0; 10],
            user_data: 0,
        }
    }
}

/// The answer to a job. 64 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    pub ticket: u64,
    pub user_data: u64,
    /// One of `completion_status`.
    pub status: u32,
    /// One of `fault`, if the status is FAULTED.
    pub fault: u32,
    pub results: [u32; 2],
    /// Loop iterations, summed over lanes and tiles; with the TIMING flag, else 0.
    pub fuel: u32,
    /// The version of the module that the handler came from; with the TIMING flag, else 0.
    pub module_version: u32,
    /// Device-wide epochs at the job's begin and end; with the TIMING flag, else 0.
    pub begin_epoch: u64,
    pub end_epoch: u64,
    /// Digest of all that the job stored, of `RuntimeOptions::write_digests`, else 0; see `ring/digest.rs`.
    pub digest: u64,
}

impl Completion {
    /// Whether another order could have led to another digest: the job exchanged words, or found places in a list. Then a
    /// different digest alone doesn't mean a different outcome.
    pub fn is_order_dependent(&self) -> bool {
        self.digest & ORDER_DEPENDENT != 0
    }
}

/// What a slot says of a job that the job doesn't say itself.
#[derive(Clone, Copy, Debug)]
pub struct SlotWords {
    /// The handler's number.
    pub handler: u32,
    pub flags: u32,
    pub fuel: u32,
}

/// The memory of one ring: where the host writes slots and where it reads records.
#[derive(Clone, Copy)]
pub struct RingMemory {
    pub slots: *const Slot,
    pub records: *const Record,
    /// Two per slot.
    pub extra: *const Record,
    /// A power of two.
    pub size: u32,
    /// Whether the slots' memory may be write-combined, so that stores need a store fence to be in order.
    pub write_combined: bool,
}

// SAFETY: the memory is made of atomics, and whoever makes a `RingMemory` keeps it mapped while the ring lives.
unsafe impl Send for RingMemory {}
// SAFETY: as above.
unsafe impl Sync for RingMemory {}

/// A ring's words elsewhere, which live as long as its memory.
#[derive(Clone, Copy)]
pub struct TenantWords {
    /// In which the kernel counts completed jobs.
    pub done: *const AtomicU32,
    /// The next position that it claims, and the closed bit.
    pub cursor: *const AtomicU32,
    /// In which it counts the loop iterations of jobs.
    pub fuel: *const AtomicU32,
    /// The count at which the host wants to hear of it.
    pub notify_at: *const AtomicU32,
}

// SAFETY: both are atomics, and whoever makes a `TenantWords` keeps them mapped while the ring lives.
unsafe impl Send for TenantWords {}
// SAFETY: as above.
unsafe impl Sync for TenantWords {}

/// What never changes of a ring.
#[derive(Clone, Copy)]
pub struct Constants {
    words: TenantWords,
    /// Where it started counting.
    first: u64,
    /// Slots.
    pub size: u32,
}

impl Constants {
    /// The kernel's count of completed jobs, modular: with a change come the records that it counts. Only while the ring is there.
    #[inline]
    fn completed(&self) -> u32 {
        // SAFETY: the word outlives the ring. Acquire: the records come with it.
        unsafe { &*self.words.done }.load(Ordering::Acquire)
    }

    /// The kernel's count of the jobs' loop iterations, modular. Only while the ring is there.
    #[inline]
    fn fuel(&self) -> u32 {
        // SAFETY: the word outlives the ring.
        unsafe { &*self.words.fuel }.load(Ordering::Relaxed)
    }
}

impl RingMemory {
    pub(crate) fn slot(&self, position: u64) -> &Slot {
        // SAFETY: the index is below `size`, and the ring's memory outlives it.
        unsafe { &*self.slots.add((position as u32 & (self.size - 1)) as usize) }
    }

    pub(crate) fn record(&self, position: u64) -> &Record {
        // SAFETY: as in `slot`.
        unsafe {
            &*self
                .records
                .add((position as u32 & (self.size - 1)) as usize)
        }
    }

    pub(crate) fn extra(&self, position: u64, n: u32) -> &Record {
        // SAFETY: as in `slot`; there are EXTRA_RECORDS records per slot.
        unsafe {
            &*self
                .extra
                .add(((position as u32 & (self.size - 1)) * EXTRA_RECORDS + n) as usize)
        }
    }

    /// Makes every slot and record stale for a ring that starts at `first`, and the job before `first` one that ended
    /// OK, so that the first job may be AFTER_OK. Only while no kernel runs on this ring.
    pub fn reset(&self, first: u64) {
        for position in first..first + self.size as u64 {
            let stale = stamp(position.wrapping_sub(self.size as u64));
            self.slot(position).stamp.store(stale, Ordering::Relaxed);
            self.slot(position)
                .cancel
                .store(NO_STAMP, Ordering::Relaxed);
            let record = self.record(position);
            record.words[0].store(completion_status::OK, Ordering::Relaxed);
            record.words[3].store(stale, Ordering::Relaxed);
            for n in 0..EXTRA_RECORDS {
                self.extra(position, n).words[3].store(stale, Ordering::Relaxed);
            }
        }
        fence(Ordering::SeqCst);
    }
}

/// The stamp of a position: the word that says a slot or record is valid for this lap.
pub fn stamp(position: u64) -> u32 {
    (position as u32).wrapping_add(1) & POSITION_MASK
}

/// Never a stamp: stamps have 31 bits.
const NO_STAMP: u32 = u32::MAX;

/// Statuses that completions are counted by; `completion_status` has fewer.
pub const STATUSES: usize = 8;
/// Faults that completions are counted by; the last one is for handlers' own codes.
pub const FAULTS: usize = 16;

/// What is kept per slot on the host.
struct Notes {
    user_data: Box<[AtomicU64]>,
    abouts: Box<[AtomicU64]>,
}

/// There are no extra records.
const NO_EXTRAS: u64 = 0;
/// Of the extra records only the digest was asked for, by the runtime's option.
const DIGEST: u64 = 1;
/// The job asked for them.
const ALL_EXTRAS: u64 = 2;
/// They are for the job's span only.
const SPAN: u64 = 3;

/// What the host notes of a job in one word: what of the extra records is for the caller, where its handler's calls are
/// counted, and when it was submitted.
#[derive(Clone, Copy)]
struct About(u64);

impl About {
    const EXTRAS: u64 = 0b11;
    const ROUGH: u64 = 0b100;
    const SAMPLED: u64 = 0b1000;
    const PLACE_SHIFT: u32 = 4;
    const TIME_SHIFT: u32 = 20;
    /// Times are kept in units of 16 nanoseconds: for three days.
    const UNIT_SHIFT: u32 = 4;

    #[inline]
    fn new(extras: u64, place: u16, at: Submitted) -> Self {
        let time = at.time >> Self::UNIT_SHIFT << Self::TIME_SHIFT;
        let rough = if at.rough { Self::ROUGH } else { 0 };
        Self(extras | rough | u64::from(place) << Self::PLACE_SHIFT | time)
    }

    /// The same of a job whose span is wanted.
    #[inline]
    fn sampled(self) -> Self {
        Self(self.0 | Self::SAMPLED)
    }

    #[inline]
    fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED != 0
    }

    /// Whether the time is no better than a lease is long.
    #[inline]
    fn is_rough(self) -> bool {
        self.0 & Self::ROUGH != 0
    }

    #[inline]
    fn extras(self) -> u64 {
        self.0 & Self::EXTRAS
    }

    #[inline]
    fn place(self) -> u16 {
        (self.0 >> Self::PLACE_SHIFT) as u16
    }

    /// When it was submitted, or up to 15 ns before.
    fn submitted(self, now: u64) -> u64 {
        let units = now >> Self::UNIT_SHIFT << Self::UNIT_SHIFT;
        units.saturating_sub(self.age(now))
    }

    /// How long ago it was submitted, in nanoseconds.
    #[inline]
    fn age(self, now: u64) -> u64 {
        let units = (now >> Self::UNIT_SHIFT).wrapping_sub(self.0 >> Self::TIME_SHIFT);
        let units = units & (u64::MAX >> Self::TIME_SHIFT);
        // Another processor's clock may be a few nanoseconds behind.
        match units >> (63 - Self::TIME_SHIFT) {
            0 => units << Self::UNIT_SHIFT,
            _ => 0,
        }
    }
}

/// When jobs were submitted.
#[derive(Clone, Copy, Default)]
struct Submitted {
    time: u64,
    rough: bool,
}

/// Of the jobs that are submitted one by one, each of so many gets an exact time: reading the clock takes a fifth of the
/// time that such a submit takes.
const TIMED_EACH: u64 = 8;

/// What a ring counts beside its jobs' outcomes.
pub struct Timing {
    pub clock: Clock,
    /// The time of not long ago; 0 while the kernel is parked.
    pub rough: Arc<Padded<StdAtomicU64>>,
    pub calls: Arc<Calls>,
    /// Which of its stripes is this ring's.
    pub stripe: usize,
    /// Where spans go.
    pub spans: Option<Pipe>,
}

impl Timing {
    #[inline]
    fn submitted(&self, first: u64, jobs: &[Job], contexts: &[TraceContext]) -> Submitted {
        let spans = self.spans.as_ref();
        let one = || jobs.len() == 1 && !first.is_multiple_of(TIMED_EACH);
        if one() && !spans.is_some_and(|spans| spans.samples(first, contexts.first())) {
            let time = self.rough.load(Ordering::Relaxed);
            if time != 0 {
                return Submitted { time, rough: true };
            }
        }
        Submitted {
            time: self.clock.now(),
            rough: false,
        }
    }
}

/// How old a ring's oldest jobs are, in nanoseconds since they were submitted; None where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// Not claimed yet.
    pub queued: Option<u64>,
    /// Claimed, and not finished. Where many completions before it aren't taken it may be less old than this.
    pub running: Option<u64>,
    /// Finished, and not taken.
    pub untaken: Option<u64>,
}

/// How far a ring's jobs are.
pub struct Progress {
    pub submitted: u64,
    /// Taken or not, by the kernel's count.
    pub completed: u64,
    /// Those whose completion, or one before it, wasn't taken.
    pub outstanding: u64,
}

/// How many jobs are looked at for the oldest that runs.
const LOOKS_FOR_AGES: u64 = 64;

/// What one call takes.
#[derive(Default)]
struct Tally {
    now: u64,
    row: Row,
}

/// What takers share.
struct Take {
    /// The oldest position whose completion isn't taken.
    tail: u64,
    /// A bit per slot: taken out of order, ahead of `tail`.
    ahead: Box<[u64]>,
    /// How many bits are set.
    ahead_count: u32,
    /// Polls in a row that found nothing.
    empty_polls: u32,
    /// From submit to take.
    latency: Option<Box<Fine>>,
}

/// The host's side of a ring.
pub struct Ring {
    memory: RingMemory,
    constants: Constants,
    notes: Notes,
    /// The next position to publish.
    head: Padded<AtomicU64>,
    /// Tokens, publishers inside, and the tenant's state.
    pub life: Life,
    /// Where tokens for all tenants together are limited too.
    pool: Option<Arc<Pool>>,
    timing: Option<Timing>,
    tells_all: bool,
    /// A completion status for all jobs that never completed: CANCELLED once the runtime stopped, DEVICE_LOST...
    ended: AtomicU32,
    /// An epoch of not long ago, in full; the pump's. The device counts with 32 bits.
    pub(crate) epoch: AtomicU64,
    /// A copy of the tail for those who look without the lock; it may lag behind.
    tail: AtomicU64,
    take: Padded<Mutex<Take>>,
    /// Counted by takers.
    outcomes: Outcomes,
    /// Counted by the tenant.
    pub counts: Counts,
}

/// After this many unfinished jobs in a row a poll stops looking further, but for every 16th poll that finds nothing:
/// reading on would take the cache lines from the kernel that is about to write them.
const LOOK_AHEAD: u32 = 16;

/// What a ticket's job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TicketState {
    /// Not finished.
    Open = 1,
    /// Finished; its completion wasn't taken yet.
    Done = 2,
    /// Its completion was taken.
    Taken = 3,
}

impl Ring {
    /// A ring that starts counting at `first`. The memory must have been `reset` to it.
    pub fn new(memory: RingMemory, words: TenantWords, first: u64) -> Self {
        let size = memory.size as usize;
        Self {
            memory,
            constants: Constants {
                words,
                first,
                size: memory.size,
            },
            notes: Notes {
                user_data: (0..size).map(|_| AtomicU64::new(0)).collect(),
                abouts: (0..size).map(|_| AtomicU64::new(0)).collect(),
            },
            head: Padded(AtomicU64::new(first)),
            life: Life::new(memory.size),
            pool: None,
            timing: None,
            tells_all: false,
            ended: AtomicU32::new(0),
            epoch: AtomicU64::new(0),
            tail: AtomicU64::new(first),
            take: Padded(Mutex::new(Take {
                tail: first,
                ahead: vec![0; size.div_ceil(64)].into(),
                ahead_count: 0,
                empty_polls: 0,
                latency: None,
            })),
            outcomes: Outcomes::default(),
            counts: Counts::default(),
        }
    }

    /// The same, where all tenants together may have no more slots than are in the pool.
    pub fn sharing(self, pool: Option<Arc<Pool>>) -> Self {
        Self { pool, ..self }
    }

    /// The same, with latencies and calls of handlers.
    pub fn timed(self, timing: Option<Timing>) -> Self {
        lock(&self.take).latency = timing.is_some().then(Box::default);
        Self { timing, ..self }
    }

    /// The same, where all that the device knows of a job is told, whether the job asks for it or not.
    pub fn telling_all(self, tells_all: bool) -> Self {
        Self { tells_all, ..self }
    }

    /// What it takes of the host's memory, beside its slots and records.
    #[cfg(test)]
    pub fn host_bytes(&self) -> usize {
        let notes = size_of_val(&*self.notes.user_data) + size_of_val(&*self.notes.abouts);
        size_of::<Self>() + notes + size_of_val(&*lock(&self.take).ahead) + size_of::<Fine>()
    }

    /// Slots of the ring.
    #[inline]
    pub fn size(&self) -> u32 {
        self.memory.size
    }

    /// The kernel's count of completed jobs, modular: with a change come the records that it counts.
    #[inline]
    pub fn completed(&self) -> u32 {
        self.constants.completed()
    }

    /// The kernel's count of the jobs' loop iterations, modular. `constants` are the ring's.
    #[inline]
    pub fn fuel(&self, constants: &Constants) -> u32 {
        constants.fuel()
    }

    /// Asks the kernel to end its lease when its count reaches this one. Whoever looks for a record or the count after
    /// this sees it, or the kernel sees the wish: each side stores, has a full fence, and loads.
    pub fn notify_at(&self, count: u32) {
        // SAFETY: the word outlives the ring.
        unsafe { &*self.constants.words.notify_at }.store(count, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Whether the kernel's count of completed jobs is behind the published ones. Exact only while no lease runs.
    pub fn has_open_jobs(&self) -> bool {
        self.head() as u32 & POSITION_MASK != self.completed()
    }

    /// The next position that will be published.
    #[inline]
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The oldest position whose completion isn't taken.
    pub fn tail(&self) -> u64 {
        lock(&self.take).tail
    }

    /// How long jobs took, where they are timed.
    pub fn latency(&self) -> Option<Latency> {
        let take = lock(&self.take);
        let fine = take.latency.as_ref()?;
        Some(fine.read(&self.outcomes.latency))
    }

    /// Where it started counting.
    pub fn first(&self) -> u64 {
        self.constants.first
    }

    pub fn constants(&self) -> Constants {
        self.constants
    }

    /// How many jobs have completed, taken or not, by the kernel's count.
    pub fn completed_jobs(&self) -> u64 {
        self.completed_and_head(&self.constants).0
    }

    /// Its constants as it has them, or a copy that is nearer.
    #[inline]
    fn completed_and_head(&self, constants: &Constants) -> (u64, u64) {
        // In this order: the count is never ahead of the head.
        let completed = constants.completed();
        let head = self.head();
        // All but the newest, as many as slots, were taken, whatever the count says: it rises a little later than
        // completions can be taken. And it may go on for another ring, when this one is given up.
        let open = (head as u32).wrapping_sub(completed) & POSITION_MASK;
        let open = open.min(constants.size);
        ((head - constants.first).saturating_sub(open as u64), head)
    }

    /// Fetches what `read_taken` and the device's count of fuel read.
    #[inline]
    pub fn prefetch_counts(&self, constants: &Constants) {
        prefetch(&self.head);
        prefetch(&self.counts);
        self.outcomes.prefetch();
        prefetch(constants.words.done);
        prefetch(constants.words.fuel);
    }

    /// Reads the completions taken until now, and adds them to `sums`; gives how far the jobs are. `constants` are the ring's: who
    /// has a copy at hand has a cache line less to wait for.
    #[inline]
    pub fn read_taken(&self, constants: &Constants, to: Taken, sums: Taken) -> Progress {
        let taken = self.outcomes.read(to, sums);
        // In this order: what was taken had completed, and what has completed was submitted. The kernel counts a job a
        // little later than it completes it.
        let (completed, head) = self.completed_and_head(constants);
        let submitted = head - constants.first;
        let completed = completed.max(taken);
        let outstanding = match submitted - taken {
            0 => 0,
            // A taker may have gone on since.
            _ => head
                .saturating_sub(self.tail.load(Ordering::Acquire))
                .max(submitted - completed),
        };
        Progress {
            submitted,
            completed,
            outstanding,
        }
    }

    /// How old its oldest jobs are, where they are timed.
    pub fn ages(&self, now: u64) -> Ages {
        let mut ages = Ages::default();
        if self.timing.is_none() || self.is_empty() {
            return ages;
        }
        // Nobody takes meanwhile, so that no slot from here on is used again.
        let take = lock(&self.take);
        let head = self.published_end();
        // One that is still being written has no stamp yet; it is no older than the others.
        let age = |position| {
            let slot = self.memory.slot(position);
            let there = slot.stamp.load(Ordering::Acquire) == stamp(position);
            let about = &self.notes.abouts[self.slot_index(position) as usize];
            there.then(|| About(about.load(Ordering::Relaxed)).age(now))
        };
        // SAFETY: the word outlives the ring.
        let cursor =
            unsafe { &*self.constants.words.cursor }.load(Ordering::Relaxed) & POSITION_MASK;
        let unclaimed = (head as u32).wrapping_sub(cursor) & POSITION_MASK;
        let claimed = head - u64::from(unclaimed).min(head - take.tail);
        if claimed < head {
            ages.queued = age(claimed);
        }
        let mut looks = 0;
        for position in take.tail..claimed {
            if take.is_ahead(self.slot_index(position)) {
                continue;
            }
            let oldest = match self.finished(position) {
                true => &mut ages.untaken,
                false => &mut ages.running,
            };
            if oldest.is_none() {
                *oldest = age(position);
            }
            looks += 1;
            if (ages.untaken.is_some() && ages.running.is_some()) || looks == LOOKS_FOR_AGES {
                break;
            }
        }
        ages
    }

    /// Whether no job is published whose completion wasn't taken.
    pub fn is_empty(&self) -> bool {
        // In this order: nothing was published beyond what had been taken.
        let tail = self.tail.load(Ordering::Acquire);
        tail == self.head.load(Ordering::Acquire)
    }

    /// Lets a publisher in with up to `n` tokens; gives how many. With none it isn't let in.
    #[inline]
    pub fn enter(&self, n: u32) -> Result<u32, Closed> {
        let got = self.life.enter(n)?;
        match &self.pool {
            Some(pool) if got != 0 => Ok(self.enter_pool(pool, got)),
            _ => Ok(got),
        }
    }

    /// The second half of `enter`: what the pool doesn't have is given back.
    fn enter_pool(&self, pool: &Pool, got: u32) -> u32 {
        let pooled = pool.take_up_to(got as u64) as u32;
        if pooled < got {
            self.life.give_back(got - pooled);
        }
        if pooled == 0 {
            self.life.leave();
        }
        pooled
    }

    /// By a publisher that was let in, when it has published.
    #[inline]
    pub fn leave(&self) {
        self.life.leave();
    }

    /// Publishes `jobs`, for which tokens were taken; gives the position of the first. `slot_words` makes of each
    /// job its handler, flags and fuel as the kernel sees them. Nothing here fails, blocks, allocates or panics.
    pub fn publish(&self, jobs: &[Job], slot_words: impl Fn(&Job) -> SlotWords) -> u64 {
        self.publish_recorded(jobs, &[], slot_words, |_, _| {})
    }

    /// The same, where `record` hears of each job and its position before the kernel can. Of `contexts` there are as many as jobs,
    /// or none.
    pub fn publish_recorded(
        &self,
        jobs: &[Job],
        contexts: &[TraceContext],
        slot_words: impl Fn(&Job) -> SlotWords,
        mut record: impl FnMut(u64, &Job),
    ) -> u64 {
        // Acquire and release: our token may be older than the one that stands for this slot. That one was acquired by a
        // publisher of an earlier position, who hands on here what the taker handed to it.
        let first = self.head.fetch_add(jobs.len() as u64, Ordering::AcqRel);
        let now = self.timing.as_ref();
        let now = now.map_or(Submitted::default(), |timing| {
            timing.submitted(first, jobs, contexts)
        });
        let spans = self
            .timing
            .as_ref()
            .and_then(|timing| timing.spans.as_ref());
        for (position, job) in (first..).zip(jobs) {
            let SlotWords {
                handler,
                mut flags,
                fuel,
            } = slot_words(job);
            let slot = self.memory.slot(position);
            let index = self.slot_index(position) as usize;
            self.notes.user_data[index].store(job.user_data, Ordering::Relaxed);
            let for_caller = self.tells_all || job.flags & flag::TIMING != 0;
            let extras = match (flags & flag::TIMING != 0, for_caller) {
                (false, _) => NO_EXTRAS,
                (true, false) => DIGEST,
                (true, true) => ALL_EXTRAS,
            };
            let place = self.timing.as_ref();
            let place = place.map_or(0, |timing| timing.calls.place_of(handler));
            let context = || contexts.get((position - first) as usize);
            let sampled = spans.filter(|spans| spans.samples(position, context()));
            let about = match sampled {
                None => About::new(extras, place, now),
                Some(spans) => {
                    spans.note(index, context(), job.tiles);
                    // The epochs come with the extra records. Light jobs have none: without them they stay light.
                    let extras = match extras {
                        NO_EXTRAS if flags & flag::LIGHT == 0 => SPAN,
                        extras => extras,
                    };
                    if extras != NO_EXTRAS {
                        flags |= flag::TIMING;
                    }
                    About::new(extras, place, now).sampled()
                }
            };
            self.notes.abouts[index].store(about.0, Ordering::Relaxed);
            slot.words[0].store(handler, Ordering::Relaxed);
            slot.words[1].store(flags, Ordering::Relaxed);
            slot.words[2].store(job.tiles, Ordering::Relaxed);
            slot.words[3].store(fuel, Ordering::Relaxed);
            for (word, arg) in slot.words[4..].iter().zip(job.args) {
                word.store(arg, Ordering::Relaxed);
            }
            // Else a job that was cancelled here 2^31 positions ago would take this one along.
            slot.cancel.store(NO_STAMP, Ordering::Relaxed);
            self.store_fence();
            record(position, job);
            // Release: a worker that sees the stamp sees the words.
            slot.stamp.store(stamp(position), Ordering::Release);
        }
        self.store_fence();
        first
    }

    /// Fetches the slot that is published next, to be written. The kernel read it one lap ago, so that without this
    /// every store to it would wait for another core. Call it early, and do other things meanwhile.
    #[inline]
    pub fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        {
            let slot: *const Slot = self.memory.slot(self.head.load(Ordering::Relaxed));
            // SAFETY: prefetchw changes nothing and doesn't fault; processors that don't know it do nothing.
            unsafe {
                std::arch::asm!("prefetchw [{}]", in(reg) slot, options(nostack, preserves_flags, readonly));
            }
        }
    }

    /// Write-combined memory isn't ordered by x86's usual rules: a release store may pass earlier stores to it.
    fn store_fence(&self) {
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        if self.memory.write_combined {
            // SAFETY: sfence is part of x86-64.
            unsafe { std::arch::x86_64::_mm_sfence() };
        }
        #[cfg(all(not(target_arch = "x86_64"), not(loom)))]
        if self.memory.write_combined {
            fence(Ordering::SeqCst);
        }
    }

    /// The completion of the job at `position`, if it is there. `position` must be published and not taken.
    fn completion(&self, position: u64) -> Option<Completion> {
        let record = self.memory.record(position);
        let expected = stamp(position);
        let index = self.slot_index(position) as usize;
        let user_data = || self.notes.user_data[index].load(Ordering::Relaxed);
        let mut completion = Completion::default();
        // Acquire: with the stamp come the record's other words and all that the job wrote.
        if record.words[3].load(Ordering::Acquire) != expected {
            completion.status = self.ended.load(Ordering::Acquire);
            if completion.status == 0 {
                return None;
            }
            // The ring ended between the two loads: the job may have completed before.
            if record.words[3].load(Ordering::Acquire) != expected {
                completion.user_data = user_data();
                return Some(completion);
            }
        }
        completion.user_data = user_data();
        let word = record.words[0].load(Ordering::Relaxed);
        completion.status = word & 0xff;
        completion.fault = word >> 8;
        completion.results = [
            record.words[1].load(Ordering::Relaxed),
            record.words[2].load(Ordering::Relaxed),
        ];
        let extras = About(self.notes.abouts[index].load(Ordering::Relaxed)).extras();
        if extras != NO_EXTRAS {
            let (fuel, end) = (
                self.memory.extra(position, 0),
                self.memory.extra(position, 1),
            );
            // The kernel writes them before the first record, so they are here unless the device reorders; then the
            // next look finds them, or if the ring ended meanwhile, nobody will write them any more.
            let there = || {
                [fuel, end]
                    .iter()
                    .all(|record| record.words[3].load(Ordering::Acquire) == expected)
            };
            if !there() {
                if self.ended.load(Ordering::Acquire) == 0 {
                    return None;
                }
                if !there() {
                    return Some(completion);
                }
            }
            if extras == ALL_EXTRAS {
                completion.fuel = fuel.words[0].load(Ordering::Relaxed);
                completion.module_version = fuel.words[1].load(Ordering::Relaxed);
                let begin = fuel.words[2].load(Ordering::Relaxed);
                let end = end.words[0].load(Ordering::Relaxed);
                // One that never began has neither.
                if (begin, end) != (0, 0) {
                    completion.begin_epoch = self.full_epoch(begin);
                    completion.end_epoch = self.full_epoch(end);
                }
            }
            if extras != SPAN {
                completion.digest = end.words[1].load(Ordering::Relaxed) as u64
                    | (end.words[2].load(Ordering::Relaxed) as u64) << 32;
            }
        }
        Some(completion)
    }

    /// The 64-bit epoch nearest to the one last known that ends in these 32 bits.
    fn full_epoch(&self, low: u32) -> u64 {
        let known = self.epoch.load(Ordering::Relaxed);
        known.wrapping_add_signed(low.wrapping_sub(known as u32) as i32 as i64)
    }

    /// Whether the job at a published, untaken position has finished: one load, for looking often.
    fn finished(&self, position: u64) -> bool {
        self.memory.record(position).words[3].load(Ordering::Acquire) == stamp(position)
            || self.ended.load(Ordering::Acquire) != 0
    }

    /// Takes completions into `out`; gives how many. `ticket` names a position. They come in the order of their
    /// positions, unless the oldest job has not finished: then those of younger ones that have.
    pub fn take(&self, out: &mut [Completion], ticket: impl Fn(u64) -> u64) -> usize {
        let mut take = lock(&self.take);
        let start = take.tail;
        let mut tally = Tally::default();
        let mut count = self.take_oldest(&mut take, &mut tally, out, &ticket);
        if count == 0 {
            count = self.take_younger(&mut take, &mut tally, out, &ticket);
        }
        self.end_tally(tally);
        take.empty_polls = if count == 0 {
            take.empty_polls.wrapping_add(1)
        } else {
            0
        };
        self.return_tokens(&take, start);
        count
    }

    /// Takes from the tail on, up to the first job that has not finished.
    fn take_oldest(
        &self,
        take: &mut Take,
        tally: &mut Tally,
        out: &mut [Completion],
        ticket: &impl Fn(u64) -> u64,
    ) -> usize {
        let head = self.published_end();
        let mut count = 0;
        while count < out.len() && take.tail < head {
            let Some(mut completion) = self.completion(take.tail) else {
                break;
            };
            completion.ticket = ticket(take.tail);
            self.count_taken(take, tally, take.tail, &completion);
            out[count] = completion;
            count += 1;
            self.mark_taken(take, take.tail);
        }
        count
    }

    /// Takes from behind the tail, where the oldest job has not finished.
    fn take_younger(
        &self,
        take: &mut Take,
        tally: &mut Tally,
        out: &mut [Completion],
        ticket: &impl Fn(u64) -> u64,
    ) -> usize {
        let head = self.published_end();
        let look_ahead = if take.empty_polls % 16 == 15 {
            self.memory.size
        } else {
            LOOK_AHEAD
        };
        let mut missing = 0;
        let mut count = 0;
        let mut position = take.tail + 1;
        while count < out.len() && position < head && missing < look_ahead {
            if !take.is_ahead(self.slot_index(position)) {
                match self.completion(position) {
                    Some(mut completion) => {
                        // The oldest may have finished while this looked further: then it comes first.
                        if count == 0 && self.finished(take.tail) {
                            return self.take_oldest(take, tally, out, ticket);
                        }
                        completion.ticket = ticket(position);
                        self.count_taken(take, tally, position, &completion);
                        out[count] = completion;
                        count += 1;
                        missing = 0;
                        self.mark_taken(take, position);
                    }
                    None => missing += 1,
                }
            }
            position += 1;
        }
        count
    }

    /// Takes the completion of one job, if it has finished. `Err` tells why there is none to take.
    pub fn take_one(&self, position: u64, ticket: u64) -> Result<Completion, TicketState> {
        let mut take = lock(&self.take);
        match self.state_locked(&take, position) {
            TicketState::Done => {}
            other => return Err(other),
        }
        let Some(mut completion) = self.completion(position) else {
            return Err(TicketState::Open);
        };
        completion.ticket = ticket;
        let mut tally = Tally::default();
        self.count_taken(&mut take, &mut tally, position, &completion);
        self.end_tally(tally);
        let start = take.tail;
        self.mark_taken(&mut take, position);
        self.return_tokens(&take, start);
        Ok(completion)
    }

    /// What the job at `position` is at; positions that were never published count as open.
    pub fn state(&self, position: u64) -> TicketState {
        self.state_locked(&lock(&self.take), position)
    }

    fn state_locked(&self, take: &Take, position: u64) -> TicketState {
        if position < take.tail
            || (position < take.tail + self.memory.size as u64
                && take.is_ahead(self.slot_index(position)))
        {
            return TicketState::Taken;
        }
        if position < self.published_end() && self.completion(position).is_some() {
            return TicketState::Done;
        }
        TicketState::Open
    }

    /// Whether the job at a published position has finished, taken or not. A look without the lock: where a younger
    /// job uses the slot, and older ones are not taken yet, it may be wrong for a while.
    pub fn seems_finished(&self, position: u64) -> bool {
        self.finished(position) || position < self.tail.load(Ordering::Relaxed)
    }

    /// Whether any completion can be taken.
    pub fn has_completion(&self) -> bool {
        let take = lock(&self.take);
        let head = self.published_end();
        (take.tail..head)
            .any(|p| !take.is_ahead(self.slot_index(p)) && self.completion(p).is_some())
    }

    /// Whether all jobs before `position` have finished, taken or not.
    pub fn all_finished(&self, position: u64) -> bool {
        let take = lock(&self.take);
        (take.tail..position).all(|p| take.is_ahead(self.slot_index(p)) || self.finished(p))
    }

    /// The same, where most looks are one load: that no job before `position` is open can only be when so many have
    /// completed.
    pub fn all_finished_soon(&self, position: u64) -> bool {
        let open = (position as u32).wrapping_sub(self.completed()) & POSITION_MASK;
        let too_few = open != 0 && open <= POSITION_MASK / 2;
        let ended = self.ended.load(Ordering::Acquire) != 0;
        (ended || !too_few) && self.all_finished(position)
    }

    /// Marks the job at `position` as cancelled, unless it was taken already. A worker that has not started it will
    /// complete it as CANCELLED.
    pub fn cancel(&self, position: u64) -> TicketState {
        let take = lock(&self.take);
        let state = self.state_locked(&take, position);
        if state == TicketState::Open && position < self.published_end() {
            // The lock keeps the slot from being used again: that takes its token, which only takers give back.
            self.memory
                .slot(position)
                .cancel
                .store(stamp(position), Ordering::Release);
            self.store_fence();
        }
        state
    }

    /// From now on every job that never completed has this status. Only when no kernel will run on this ring again.
    pub fn end(&self, status: u32) {
        self.ended.store(status, Ordering::Release);
    }

    /// Positions below this one have been handed to publishers. They may still be at writing the slot; then the stamp
    /// of the completion can't be there either.
    fn published_end(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    fn slot_index(&self, position: u64) -> u32 {
        position as u32 & (self.memory.size - 1)
    }

    /// Counts a completion that is taken.
    #[inline]
    fn count_taken(
        &self,
        take: &mut Take,
        tally: &mut Tally,
        position: u64,
        completion: &Completion,
    ) {
        self.outcomes.count(completion);
        let Some(timing) = &self.timing else {
            return;
        };
        let about = &self.notes.abouts[self.slot_index(position) as usize];
        let about = About(about.load(Ordering::Relaxed));
        if let Some(latency) = take.latency.as_mut().filter(|_| !about.is_rough()) {
            if tally.now == 0 {
                tally.now = timing.clock.now();
            }
            latency.count(&self.outcomes.latency, about.age(tally.now));
        }
        if let Some(spans) = timing.spans.as_ref().filter(|_| about.is_sampled()) {
            self.tell_span(spans, timing, position, about, completion);
        }
        let (calls, stripe) = (&timing.calls, timing.stripe);
        tally.row.count(calls, stripe, about.place(), completion);
    }

    /// Tells of a sampled job.
    #[cold]
    fn tell_span(
        &self,
        spans: &Pipe,
        timing: &Timing,
        position: u64,
        about: About,
        completion: &Completion,
    ) {
        let (fuel, end) = (
            self.memory.extra(position, 0),
            self.memory.extra(position, 1),
        );
        // They are there, or will never be.
        let there = |record: &Record| record.words[3].load(Ordering::Acquire) == stamp(position);
        let has_extras = about.extras() != NO_EXTRAS && there(fuel) && there(end);
        let words = has_extras.then(|| {
            [&fuel.words[0], &fuel.words[2], &end.words[0]].map(|w| w.load(Ordering::Relaxed))
        });
        let slot = self.memory.slot(position);
        if words.is_none() && slot.stamp.load(Ordering::Acquire) != stamp(position) {
            // The ring ended before its publisher had written it: what is noted is an older job's.
            return;
        }
        let [fuel, begin, end] = words.unwrap_or_default();
        // In this order: what the device had counted by then is no later than the time.
        let epoch = spans.epoch();
        let now = timing.clock.now();
        let taken = span::Taken {
            at: now,
            epoch,
            submitted: about.submitted(now),
            place: about.place(),
            fuel,
            epochs: Some((begin, end)).filter(|&epochs| epochs != (0, 0)),
        };
        spans.ended(self.slot_index(position) as usize, completion, taken);
    }

    fn end_tally(&self, mut tally: Tally) {
        if let Some(timing) = &self.timing {
            tally.row.end(&timing.calls, timing.stripe);
        }
    }

    fn mark_taken(&self, take: &mut Take, position: u64) {
        if position != take.tail {
            take.set_ahead(self.slot_index(position));
            return;
        }
        take.tail += 1;
        while take.ahead_count != 0 && take.is_ahead(self.slot_index(take.tail)) {
            let slot = self.slot_index(take.tail);
            take.clear_ahead(slot);
            take.tail += 1;
        }
    }

    fn return_tokens(&self, take: &Take, start: u64) {
        let n = take.tail - start;
        if n != 0 {
            // Release: who sees the ring empty may give its memory to another.
            self.tail.store(take.tail, Ordering::Release);
            self.give_back(n as u32);
        }
    }

    /// Gives tokens back.
    pub fn give_back(&self, n: u32) {
        self.life.give_back(n);
        if let Some(pool) = &self.pool {
            pool.give_back(n as u64);
        }
    }
}

impl Take {
    fn is_ahead(&self, slot: u32) -> bool {
        self.ahead[(slot / 64) as usize] >> (slot % 64) & 1 != 0
    }

    fn set_ahead(&mut self, slot: u32) {
        self.ahead[(slot / 64) as usize] |= 1 << (slot % 64);
        self.ahead_count += 1;
    }

    fn clear_ahead(&mut self, slot: u32) {
        self.ahead[(slot / 64) as usize] &= !(1 << (slot % 64));
        self.ahead_count -= 1;
    }
}
