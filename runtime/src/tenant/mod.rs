//! A tenant: its ring, buffers and life. This file holds the hot path: submit, poll and wait.

mod counters;
mod cycle;
mod limits;
mod pick;
mod quota;
mod registry;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::kernel::standard;
use crate::memory::{NoRoom, Outputs, Read};
use crate::metrics::{SeriesSeat, HAS_METRICS};
use crate::modules::Window;
use crate::recorder::Recorder;
use crate::ring::active::Listing;
use crate::ring::gate::Pass;
use crate::ring::layout::{completion_status, flag, FIRST_LOADED, MAX_TILES};
use crate::ring::life::{Closed, State};
use crate::ring::span::TraceContext;
use crate::ring::submission::{Completion, Job, Ring, SlotWords, TicketState};
use crate::ring::sync::lock;
use crate::runtime::Engine;
use crate::watch::{EventFd, What};
pub use counters::TenantCounters;
pub(crate) use counters::{count, Ledger, Sums};
use cycle::Revoking;
pub(crate) use limits::{Common, Limits};
pub(crate) use pick::Picks;
pub(crate) use quota::{Account, Charge};
pub use quota::{Quota, Reservation, Resource, RESOURCES, UNLIMITED};
pub(crate) use registry::{Registry, RingRange, Seat};
use rota_recorder::{BufferEvent, TenantEvent};

/// How to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Wait {
    /// Spin for a short while, then block.
    #[default]
    Adaptive = 0,
    /// Look all the time: the fastest answer, for a whole core.
    Spin = 1,
    /// Sleep until the answer is there: no processor time, some tens of microseconds later.
    Block = 2,
}

/// How long an adaptive wait spins.
const ADAPTIVE_SPIN: Duration = Duration::from_micros(50);

/// After how many times 64 looks a spinning thread offers its core: every ten microseconds or so.
const LOOKS_PER_YIELD: u32 = 4;

/// Which of the tenants that have a turn goes first. It decides who waits, and not how much anybody gets: that is what
/// weights are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Class {
    #[default]
    Normal = 0,
    /// Before all others.
    Interactive = 1,
    /// Behind all others.
    Background = 2,
}

impl Class {
    /// From the first to the last.
    fn rank(self) -> usize {
        match self {
            Self::Interactive => 0,
            Self::Normal => 1,
            Self::Background => 2,
        }
    }
}

/// The most that a tenant can weigh, and what it weighs by default.
pub(crate) const MOST_WEIGHT: u32 = 10_000;
pub(crate) const WEIGHT: u32 = 100;

/// How a tenant is made. Zero means the default.
#[derive(Clone, Debug, Default)]
pub struct TenantOptions {
    /// For people.
    pub label: String,
    /// Slots of its ring, a power of two; 0 means the runtime's default.
    pub slots: u32,
    /// How many opcodes it has for handlers that it loads, from 0x1000 on; 0 means 4,096.
    pub opcodes: u32,
    /// Loop iterations a lane may run where neither job nor handler say; 0 means 8,000 for scalar jobs and 3,000 for
    /// tiles. No more than the device can run in one go.
    pub fuel: u32,
    /// How much of the device it gets where others want it too, relative to their weights: 1 to 10,000; 0 means 100.
    pub weight: u32,
    pub class: Class,
    /// Thousandths of the device's time that it may use, also where nobody else wants it; 0 means all.
    pub share_permille: u32,
    /// Tenants of the same group, from 1 to the most tenants that the runtime may have, never have jobs running at the same
    /// time; 0 means none.
    pub group: u32,
    /// The most that it may have; `Tenant::set_quota` changes it.
    pub quota: Quota,
}

const OPCODES: u32 = 4096;
const SCALAR_FUEL: u32 = 8_000;
const TILE_FUEL: u32 = 3_000;

/// What a tenant is made of. It stays valid until the last clone is gone, also after it was closed.
pub(crate) struct Inner {
    /// Its place in the metrics: what it has counted stays there. The first field, since fields are dropped in their order: it reads
    /// the device's words, which the engine may take along.
    _series: Option<SeriesSeat>,
    pub engine: Arc<Engine>,
    /// Its place in the tenant table.
    pub index: u32,
    /// Which tenant of that place it is.
    generation: u32,
    /// The upper 16 bits of its tickets.
    tag: u16,
    pub label: String,
    pub range: RingRange,
    pub ring: Arc<Ring>,
    /// Whether and how the kernel looks at it.
    pub listing: Listing,
    pub limits: Limits,
    event: Mutex<Option<Arc<EventFd>>>,
    /// What it may have and has.
    pub quota: Arc<Account>,
    pub ledger: Ledger,
    pub revoking: Mutex<Revoking>,
    /// Its loaded handlers.
    pub window: Window,
    /// What handlers get that have no fuel of their own; 0 for the usual.
    fuel: u32,
    /// Whether there is one: for a look without the lock.
    has_event: AtomicBool,
    /// In BATCH mode: up to where slots went to the device. The pump's.
    pub sent: Mutex<u64>,
}

/// An isolated client of a runtime. Clones are the same tenant.
#[derive(Clone)]
pub struct Tenant(pub(crate) Arc<Inner>);

pub(crate) fn id_of(index: u32, generation: u32) -> u64 {
    (generation as u64) << 32 | index as u64
}

impl Inner {
    pub fn new(engine: Arc<Engine>, seat: Seat, options: &TenantOptions, ring: Ring) -> Self {
        // What the quota leaves out nobody ever gets.
        let beyond = (ring.size() as u64).saturating_sub(options.quota.slots);
        ring.life.take(beyond as u32);
        let ring = Arc::new(ring);
        let quota = Arc::new(Account::of_tenant(&options.quota, ring.clone()));
        let id = id_of(seat.index, seat.generation);
        let ledger = Ledger::new(id, ring.clone(), quota.clone());
        // The runtime's own jobs are nobody's.
        let metrics = Some(&engine.metrics).filter(|_| seat.index != 0);
        let series = metrics.and_then(|metrics| metrics.seat(&options.label, &ledger));
        Self {
            _series: series,
            engine,
            index: seat.index,
            generation: seat.generation,
            tag: seat.tag,
            label: options.label.clone(),
            range: seat.range,
            ledger,
            quota,
            revoking: Mutex::new(Revoking::default()),
            ring,
            listing: Listing::new(options.class.rank(), 0),
            limits: Limits::new(options.quota.fuel_per_second, options.share_permille),
            event: Mutex::new(None),
            window: Window::new(match options.opcodes {
                0 => OPCODES,
                n => n,
            }),
            fuel: options.fuel,
            has_event: AtomicBool::new(false),
            sent: Mutex::new(seat.first),
        }
    }

    /// Its name for as long as the runtime lives: never 0, and never another tenant's.
    pub fn id(&self) -> u64 {
        id_of(self.index, self.generation)
    }

    pub fn state(&self) -> State {
        self.ring.life.state()
    }

    pub fn is_destroyed(&self) -> bool {
        self.state() == State::Gone
    }

    /// That it isn't destroyed.
    fn exists(&self) -> Result<(), Error> {
        if self.is_destroyed() {
            return Err(Error::Closed);
        }
        Ok(())
    }

    /// That it can still be used for more than taking what is left.
    pub fn alive(&self) -> Result<(), Error> {
        let open = self.ring.life.is_open(State::Draining);
        open.map_err(|closed| self.why_closed(closed))
    }

    pub fn default_fuel(&self, tiled: bool) -> u32 {
        match (self.fuel, tiled) {
            (0, false) => SCALAR_FUEL,
            (0, true) => TILE_FUEL,
            (fuel, _) => fuel,
        }
    }

    /// Keeps whoever closes the tenant waiting until the guard is gone. For what is possible in states up to `last`.
    fn enter(&self, last: State) -> Result<Inside<'_>, Error> {
        let entered = self.ring.life.enter_without(last);
        entered.map_err(|closed| self.why_closed(closed))?;
        Ok(Inside(self))
    }

    #[cold]
    fn why_closed(&self, closed: Closed) -> Error {
        match closed {
            Closed::State(State::Gone) => Error::Closed,
            Closed::State(State::Draining) => Error::WrongState(
                "the tenant was drained: it accepts no more jobs, and what it has can be taken",
            ),
            Closed::State(_) => Error::WrongState(
                "the tenant was revoked: what it has left can be taken, and it can be destroyed",
            ),
            Closed::Stopped => self.engine.why_stopped(),
        }
    }

    /// Lets no publisher in any more because the runtime stops, and waits until those inside have left: a few hundred
    /// nanoseconds, unless one of them was put to sleep by the system.
    pub fn stop(&self) {
        self.ring.life.stop();
        while !self.ring.life.is_left() {
            std::thread::yield_now();
        }
    }

    pub fn ticket(&self, position: u64) -> u64 {
        (self.tag as u64) << 48 | position & 0xffff_ffff_ffff
    }

    /// The position that a ticket names, if it is this tenant's and was given out.
    fn position(&self, ticket: u64) -> Result<u64, Error> {
        if (ticket >> 48) as u16 != self.tag {
            return Err(Error::InvalidTicket(ticket));
        }
        // The 48 bits are taken as the nearest position at or before the head.
        let head = self.ring.head();
        let back = head.wrapping_sub(ticket) & 0xffff_ffff_ffff;
        if back == 0 || back >= 1 << 47 || back > head {
            return Err(Error::InvalidTicket(ticket));
        }
        Ok(head - back)
    }

    /// Tells the recorder of completions that were taken, if there is one.
    #[inline]
    pub fn record_taken(&self, taken: &[Completion]) {
        if let Some(recorder) = &self.engine.recorder {
            recorder.completed(self.id(), taken);
        }
    }

    /// Counts the jobs of a batch that wait for those before them.
    fn count_barriers(&self, jobs: &[Job]) {
        let waits = |job: &&Job| job.flags & (flag::BARRIER | flag::AFTER_OK) != 0;
        let points = jobs.iter().filter(waits).count() as u64;
        count(&self.ring.counts.batches_split, u64::from(points != 0));
        count(&self.ring.counts.barrier_points, points);
    }

    /// Tells it of something that happens to the tenant.
    pub fn record_event(&self, event: TenantEvent, options: Vec<(String, String)>) {
        if let Some(recorder) = &self.engine.recorder {
            let epoch = self.engine.epoch_now();
            recorder.tenant(self.id(), event, &self.label, options, epoch);
        }
    }

    /// To be held while the host changes what a buffer holds, until that is recorded: no checkpoint is taken in between.
    fn checkpoint_pass(&self) -> Option<Pass<'_>> {
        let checkpoints = self.engine.recorder.as_ref()?.checkpoints()?;
        Some(checkpoints.pass())
    }

    /// When something begins, for the recorder.
    fn recorded_epoch(&self) -> u64 {
        let recorder = self.engine.recorder.as_ref();
        recorder.map_or(0, |_| self.engine.epoch_now())
    }

    /// Tells the recorder of something that happened to a buffer, and began at `epoch`.
    fn record_buffer(
        &self,
        handle: u32,
        event: BufferEvent,
        epoch: u64,
        fill: impl FnOnce(&Recorder, &mut rota_recorder::Buffer),
    ) {
        if let Some(recorder) = &self.engine.recorder {
            let mut buffer = rota_recorder::Buffer::new(self.id(), handle, event);
            buffer.tail = self.ring.head();
            buffer.end_epoch = epoch;
            fill(recorder, &mut buffer);
            recorder.buffer(buffer);
        }
    }

    /// Brings the event descriptor up to date, if there is one.
    fn update_event(&self) {
        if !self.has_event.load(Ordering::Relaxed) {
            return;
        }
        let event = lock(&self.event).clone();
        if let Some(event) = event {
            self.engine.watch.update_event(&event);
        }
    }
}

/// Somebody inside.
struct Inside<'a>(&'a Inner);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.ring.life.leave();
    }
}

impl Tenant {
    /// Publishes jobs, in order. Gives how many were accepted: all, or those before the first that was refused, which
    /// the error is about. `tickets`, if given, is at least as long as `jobs`.
    ///
    /// From the moment a job is accepted until its completion is taken it holds one slot of the ring. With no slot left
    /// the error is `WouldBlock`.
    #[inline]
    pub fn submit(&self, jobs: &[Job], tickets: Option<&mut [u64]>) -> (usize, Result<(), Error>) {
        self.submit_traced(jobs, &[], tickets)
    }

    /// The same, where each job has a trace context; one that isn't valid is none, and jobs beyond the last context have none. Without `RuntimeOptions::spans` they are not looked at.
    pub fn submit_traced(
        &self,
        jobs: &[Job],
        contexts: &[TraceContext],
        tickets: Option<&mut [u64]>,
    ) -> (usize, Result<(), Error>) {
        let inner = &*self.0;
        let engine = &*inner.engine;
        inner.ring.prefetch();
        if let Err(closed) = inner.ring.life.is_open(State::Active) {
            return (0, Err(inner.why_closed(closed)));
        }
        if let Some(most) = engine.recorder.as_ref().map(|r| r.most()) {
            if jobs.len() > most {
                return self.submit_in_turns(jobs, contexts, tickets, most);
            }
        }
        let mut good = jobs.len().min(u32::MAX as usize);
        let mut refused = Ok(());
        let most_fuel = inner.quota.most_fuel().min(engine.quota.most_fuel());
        let mut tiled = 0;
        let mut flags = 0;
        for (i, job) in jobs.iter().enumerate() {
            match inner.check(job, most_fuel) {
                Ok(is_tiled) => {
                    tiled += is_tiled as u32;
                    flags |= job.flags;
                }
                Err(e) => {
                    good = i;
                    refused = Err(e);
                    break;
                }
            }
        }
        // Before the ring, since whoever closes the tenant waits for those who are in it.
        let _pass = engine.recorder.as_ref().and_then(Recorder::enter);
        let accepted = match inner.ring.enter(good as u32) {
            Ok(accepted) => accepted as usize,
            Err(closed) => return (0, Err(inner.why_closed(closed))),
        };
        if accepted < good {
            refused = Err(inner.refuse_slots((good - accepted) as u64));
        }
        if accepted == 0 {
            return (0, refused);
        }
        let inside = Inside(inner);
        let slot_words = |job: &Job| inner.slot_words(job, most_fuel);
        let first = match &engine.recorder {
            None => {
                let nothing = |_, _: &Job| {};
                let jobs = &jobs[..accepted];
                inner
                    .ring
                    .publish_recorded(jobs, contexts, slot_words, nothing)
            }
            Some(recorder) => {
                let mut cells = match recorder.reserve(accepted) {
                    Ok(cells) => cells,
                    Err(e) => {
                        inner.ring.give_back(accepted as u32);
                        return (0, Err(e));
                    }
                };
                let record = |position, job: &Job| {
                    cells.job(recorder, inner.id(), inner.ticket(position), job);
                };
                let jobs = &jobs[..accepted];
                inner
                    .ring
                    .publish_recorded(jobs, contexts, slot_words, record)
            }
        };
        if let Some(tickets) = tickets {
            for (ticket, position) in tickets[..accepted].iter_mut().zip(first..) {
                *ticket = inner.ticket(position);
            }
        }
        let parked = engine.doorbell.published();
        engine.active.ensure(inner.index, &inner.listing);
        if parked {
            engine.doorbell.ring();
        }
        if tiled != 0 {
            let tiles = jobs[..accepted].iter().map(|job| job.tiles as u64);
            count(
                &inner.ring.counts.tiles,
                tiles.filter(|&tiles| tiles > 1).sum(),
            );
            engine.tiled_work();
        }
        if HAS_METRICS && flags & (flag::BARRIER | flag::AFTER_OK) != 0 {
            inner.count_barriers(&jobs[..accepted]);
        }
        drop(inside);
        (accepted, refused)
    }

    /// The same for more jobs than the log takes at once.
    #[cold]
    fn submit_in_turns(
        &self,
        jobs: &[Job],
        contexts: &[TraceContext],
        mut tickets: Option<&mut [u64]>,
        most: usize,
    ) -> (usize, Result<(), Error>) {
        let mut accepted = 0;
        for some in jobs.chunks(most) {
            let tickets = tickets.as_mut().map(|all| &mut all[accepted..]);
            let contexts = contexts.get(accepted..).unwrap_or_default();
            let (n, result) = self.submit_traced(some, contexts, tickets);
            accepted += n;
            if result.is_err() {
                return (accepted, result);
            }
        }
        (accepted, Ok(()))
    }

    /// Takes completions, as many as are there and `out` holds; the oldest first as far as they are finished. Waits up
    /// to `timeout_ns` for the first one; 0 looks once, `u64::MAX` waits for ever.
    pub fn poll(
        &self,
        out: &mut [Completion],
        wait: Wait,
        timeout_ns: u64,
    ) -> Result<usize, Error> {
        let inner = &*self.0;
        if out.is_empty() {
            return Err(Error::InvalidArgument(
                "there is no room for completions: give an array of at least one",
            ));
        }
        self.wait_for(What::Any, wait, timeout_ns, || {
            match inner.ring.take(out, |p| inner.ticket(p)) {
                0 => Ok(None),
                n => {
                    inner.record_taken(&out[..n]);
                    Ok(Some(n))
                }
            }
        })
    }

    /// Takes the completion of one job, when it is there.
    pub fn wait(&self, ticket: u64, wait: Wait, timeout_ns: u64) -> Result<Completion, Error> {
        let inner = &*self.0;
        let position = inner.position(ticket)?;
        self.wait_for(What::Position(position), wait, timeout_ns, || {
            match inner.ring.take_one(position, ticket) {
                Ok(completion) => {
                    inner.record_taken(&[completion]);
                    Ok(Some(completion))
                }
                Err(TicketState::Taken) => Err(Error::InvalidTicket(ticket)),
                Err(_) => Ok(None),
            }
        })
    }

    /// The three ways to wait, around one way to look.
    #[inline]
    fn wait_for<T>(
        &self,
        what: What,
        wait: Wait,
        timeout_ns: u64,
        mut look: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let found = self.wait_until(what, wait, timeout_ns, &mut look)?;
        self.0.update_event();
        Ok(found)
    }

    #[inline]
    fn wait_until<T>(
        &self,
        what: What,
        wait: Wait,
        timeout_ns: u64,
        look: &mut impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let inner = &*self.0;
        if inner.is_destroyed() {
            return Err(Error::Closed);
        }
        if let Some(found) = look()? {
            return Ok(found);
        }
        if timeout_ns == 0 {
            self.nothing_left(what)?;
            return Err(Error::Timeout);
        }
        // A time too long to add is for ever.
        let start = Instant::now();
        let deadline = if timeout_ns == u64::MAX {
            None
        } else {
            start.checked_add(Duration::from_nanos(timeout_ns))
        };
        if wait != Wait::Block {
            let _spinning = inner.engine.spinning();
            let give_up = match wait {
                Wait::Spin => deadline,
                _ => Some(deadline.map_or(start + ADAPTIVE_SPIN, |d| d.min(start + ADAPTIVE_SPIN))),
            };
            let mut looks = 0u32;
            loop {
                for _ in 0..64 {
                    if let Some(found) = look()? {
                        return Ok(found);
                    }
                    std::hint::spin_loop();
                }
                self.nothing_left(what)?;
                if give_up.is_some_and(|t| Instant::now() >= t) {
                    break;
                }
                // Where threads outnumber cores, the kernel or the pump may wait for this very core.
                looks += 1;
                if looks.is_multiple_of(LOOKS_PER_YIELD) {
                    std::thread::yield_now();
                }
            }
        }
        loop {
            if deadline.is_some_and(|t| Instant::now() >= t) {
                return look()?.ok_or(Error::Timeout);
            }
            inner.engine.watch.wait(&inner.ring, what, deadline);
            if let Some(found) = look()? {
                return Ok(found);
            }
            self.nothing_left(what)?;
        }
    }

    /// Tells a waiter that nothing will come any more.
    fn nothing_left(&self, what: What) -> Result<(), Error> {
        let inner = &*self.0;
        if inner.is_destroyed() {
            return Err(Error::Closed);
        }
        if inner.engine.has_ended() && what == What::Any && inner.ring.is_empty() {
            return Err(inner.engine.why_stopped());
        }
        Ok(())
    }

    /// Asks that a job that has not begun does not run; then it completes as CANCELLED. A tiled job that has begun runs
    /// no more tiles. What has finished stays as it is.
    pub fn cancel(&self, ticket: u64) -> Result<(), Error> {
        let inner = &*self.0;
        let _inside = inner.enter(State::Revoked)?;
        match inner.ring.cancel(inner.position(ticket)?) {
            TicketState::Taken => Err(Error::InvalidTicket(ticket)),
            _ => Ok(()),
        }
    }

    /// What a job is at.
    pub fn ticket_state(&self, ticket: u64) -> Result<TicketState, Error> {
        if self.0.is_destroyed() {
            return Err(Error::Closed);
        }
        Ok(self.0.ring.state(self.0.position(ticket)?))
    }

    /// An eventfd that is readable while there are completions to take; level-triggered. It is the tenant's: don't
    /// close or read it.
    pub fn event_fd(&self) -> Result<i32, Error> {
        let inner = &*self.0;
        let _inside = inner.enter(State::Revoked)?;
        let mut event = lock(&inner.event);
        if event.is_none() {
            let new = EventFd::new(inner.ring.clone()).map_err(|source| Error::System {
                what: "eventfd",
                source,
            })?;
            // First: who takes what the watch sees then brings the descriptor up to date, as soon as this lock is free.
            inner.has_event.store(true, Ordering::Relaxed);
            inner.engine.watch.add_event(new.clone());
            *event = Some(new);
        }
        Ok(event.as_ref().map(|e| e.raw()).expect("set above"))
    }

    /// The tenant's name: never 0, and never that of another tenant of its runtime, also of none that comes later.
    pub fn id(&self) -> u64 {
        self.0.id()
    }

    /// Changes how much of the device it gets where others want it too: 1 to 10,000.
    pub fn set_weight(&self, weight: u32) -> Result<(), Error> {
        let inner = &*self.0;
        let _inside = inner.enter(State::Draining)?;
        if !(1..=MOST_WEIGHT).contains(&weight) {
            return Err(Error::InvalidValue {
                what: "weight",
                value: weight as u64,
                allowed: "1 to 10000",
            });
        }
        inner.engine.shared.set_weight(inner.index, weight);
        Ok(())
    }

    /// Changes how many thousandths of the device's time it may use: 1 to 1,000; 0 for all.
    pub fn set_share(&self, permille: u32) -> Result<(), Error> {
        let inner = &*self.0;
        let _inside = inner.enter(State::Draining)?;
        if permille > 1000 {
            return Err(Error::InvalidValue {
                what: "share_permille",
                value: permille as u64,
                allowed: "at most 1000",
            });
        }
        inner.limits.set_share(permille);
        inner.engine.limit(&self.0);
        Ok(())
    }

    /// The tenant's label.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    // ------------------------------------------------------------ buffers

    fn buffer(&self, handle: u32) -> Result<Arc<crate::memory::Buffer>, Error> {
        if self.0.is_destroyed() {
            return Err(Error::Closed);
        }
        self.0.engine.memory.get(handle, self.0.index)
    }

    /// A new buffer of zeros. Jobs of this tenant may read it, and unless `read_only` write it.
    pub fn buffer_create(&self, bytes: u64, read_only: bool) -> Result<u32, Error> {
        let inner = &*self.0;
        let _inside = inner.enter(State::Draining)?;
        inner.engine.memory.check_size(bytes)?;
        let mut charges =
            inner.charge_buffer(&[(Resource::Buffers, 1), (Resource::BufferBytes, bytes)])?;
        loop {
            let memory = &inner.engine.memory;
            match memory.create(inner.index, bytes, !read_only, &mut charges) {
                Ok(buffer) => {
                    inner.record_buffer(
                        buffer.handle,
                        BufferEvent::Created,
                        inner.recorded_epoch(),
                        |_, b| {
                            b.length = bytes;
                            b.read_only = read_only;
                        },
                    );
                    return Ok(buffer.handle);
                }
                Err(NoRoom::Error(e)) => return Err(e),
                Err(NoRoom::NeedsSegment) => inner.engine.make_room(bytes)?,
            }
        }
    }

    /// The next buffer of the runtime gets this handle, which no buffer has. For a replay, in which nobody else makes any.
    pub(crate) fn want_handle(&self, handle: u32) -> Result<(), Error> {
        let engine = &self.0.engine;
        let started = Instant::now();
        // A buffer that was destroyed keeps its index until no lease can use it any more.
        while !engine.memory.want(handle) {
            if started.elapsed() > Duration::from_secs(10) {
                return Err(Error::InvalidBuffer(handle));
            }
            engine.end_leases()?;
        }
        Ok(())
    }

    /// Destroys a buffer without waiting: jobs submitted before may still use it, later ones may not. Its memory is free
    /// again when those have completed. So it is for whom it was granted to.
    pub fn buffer_destroy(&self, handle: u32) -> Result<(), Error> {
        let inner = &*self.0;
        inner.exists()?;
        let engine = &inner.engine;
        let epoch = inner.recorded_epoch();
        let granted = engine
            .memory
            .destroy(handle, inner.index, inner.ring.head())?;
        engine.end_grants(granted);
        inner.record_buffer(handle, BufferEvent::Destroyed, epoch, |_, _| {});
        Ok(())
    }

    /// Lets another tenant of the runtime use a buffer: its jobs and its host read it, and if `writable` write it, under
    /// the handle that this gives. It is of that tenant, costs it one buffer of its quota and no bytes, and can't be
    /// granted on or mapped. It ends with the buffer, with either tenant, by `buffer_take_back`, or when the other tenant
    /// destroys the handle.
    pub fn buffer_grant(&self, handle: u32, to: &Tenant, writable: bool) -> Result<u32, Error> {
        let (inner, other) = (&*self.0, &*to.0);
        self.check_other(to)?;
        // Who destroys one of them waits, and then ends the grant.
        let _inside = inner.enter(State::Draining)?;
        let _there = other.enter(State::Draining)?;
        let memory = &inner.engine.memory;
        let mut charges = other.charge_buffer(&[(Resource::Buffers, 1)])?;
        let granted = memory.grant(handle, inner.index, other.index, writable, &mut charges)?;
        inner.record_buffer(
            handle,
            BufferEvent::Granted,
            inner.recorded_epoch(),
            |_, b| {
                b.other_tenant = other.id();
                b.other_handle = granted;
                b.read_only = !writable;
            },
        );
        Ok(granted)
    }

    /// Ends a grant. When this returns, no job and no thread of the other tenant can touch the buffer any more; jobs that
    /// try end as FAULTED.
    pub fn buffer_take_back(&self, handle: u32, from: &Tenant) -> Result<(), Error> {
        let inner = &*self.0;
        inner.exists()?;
        self.check_other(from)?;
        let epoch = inner.recorded_epoch();
        inner.engine.take_back(handle, inner, &from.0)?;
        inner.record_buffer(handle, BufferEvent::TakenBack, epoch, |_, b| {
            b.other_tenant = from.0.id();
        });
        Ok(())
    }

    /// That a buffer can be shared with that tenant.
    fn check_other(&self, other: &Tenant) -> Result<(), Error> {
        if !Arc::ptr_eq(&self.0.engine, &other.0.engine) {
            return Err(Error::InvalidArgument(
                "the other tenant belongs to another runtime",
            ));
        }
        if Arc::ptr_eq(&self.0, &other.0) {
            return Err(Error::InvalidArgument(
                "a tenant has its own buffers: grant them to others",
            ));
        }
        Ok(())
    }

    /// Copies into a buffer. Jobs submitted after this returns see it.
    pub fn buffer_write(&self, handle: u32, offset: u64, data: &[u8]) -> Result<(), Error> {
        let buffer = self.buffer(handle)?;
        let _staged = self.0.charge(Resource::StagingBytes, data.len() as u64)?;
        let _pass = self.0.checkpoint_pass();
        let epoch = self.0.recorded_epoch();
        buffer.write(offset, data)?;
        self.0
            .record_buffer(handle, BufferEvent::Written, epoch, |recorder, b| {
                b.offset = offset;
                b.length = data.len() as u64;
                b.data = recorder.data(data);
            });
        count(&self.0.ring.counts.bytes_in, data.len() as u64);
        Ok(())
    }

    /// Copies out of a buffer. It sees what jobs wrote whose completions were taken.
    pub fn buffer_read(&self, handle: u32, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let buffer = self.buffer(handle)?;
        let _staged = self.0.charge(Resource::StagingBytes, out.len() as u64)?;
        buffer.read(offset, out)?;
        count(&self.0.ring.counts.bytes_out, out.len() as u64);
        Ok(())
    }

    /// Sets bytes of a buffer.
    pub fn buffer_fill(&self, handle: u32, offset: u64, len: u64, value: u8) -> Result<(), Error> {
        let buffer = self.buffer(handle)?;
        let _staged = self.0.charge(Resource::StagingBytes, len)?;
        let _pass = self.0.checkpoint_pass();
        let epoch = self.0.recorded_epoch();
        buffer.fill(offset, len, value)?;
        self.0
            .record_buffer(handle, BufferEvent::Filled, epoch, |_, b| {
                b.offset = offset;
                b.length = len;
                b.value = value.into();
            });
        count(&self.0.ring.counts.bytes_in, len);
        Ok(())
    }

    /// The buffer's memory, until `buffer_unmap`. What the host writes there jobs submitted later see; it may not be
    /// destroyed meanwhile.
    pub fn buffer_map(&self, handle: u32) -> Result<(*mut u8, u64), Error> {
        let mapped = self.buffer(handle)?.map()?;
        self.0.record_buffer(
            handle,
            BufferEvent::Mapped,
            self.0.recorded_epoch(),
            |_, _| {},
        );
        Ok(mapped)
    }

    pub fn buffer_unmap(&self, handle: u32) -> Result<(), Error> {
        let buffer = self.buffer(handle)?;
        buffer.unmap()?;
        self.0.record_buffer(
            handle,
            BufferEvent::Unmapped,
            self.0.recorded_epoch(),
            |_, _| {},
        );
        Ok(())
    }

    /// A buffer over the caller's memory, without a copy, where the device can do that. Pointer and length are multiples
    /// of the page size.
    ///
    /// # Safety
    /// The memory stays valid until the runtime is destroyed.
    pub unsafe fn buffer_import(
        &self,
        host: *mut u8,
        bytes: u64,
        read_only: bool,
    ) -> Result<u32, Error> {
        let inner = &*self.0;
        let _inside = inner.enter(State::Draining)?;
        let mut charges =
            inner.charge_buffer(&[(Resource::Buffers, 1), (Resource::BufferBytes, bytes)])?;
        let memory = &inner.engine.memory;
        // SAFETY: passed on to the caller.
        let (buffer, replaced) =
            unsafe { memory.import(inner.index, host, bytes, !read_only, &mut charges)? };
        inner.engine.use_segments()?;
        drop(replaced);
        inner.engine.memory.publish(&buffer);
        inner.record_buffer(
            buffer.handle,
            BufferEvent::Imported,
            inner.recorded_epoch(),
            |_, b| {
                b.length = bytes;
                b.read_only = read_only;
            },
        );
        Ok(buffer.handle)
    }

    /// The length of a buffer in bytes.
    pub fn buffer_size(&self, handle: u32) -> Result<u64, Error> {
        Ok(self.buffer(handle)?.bytes)
    }

    /// Reads many ranges into `outputs`, which keeps its memory from use to use.
    pub fn read_into(&self, reads: &[Read], outputs: &mut Outputs) -> Result<(), Error> {
        let inner = &*self.0;
        inner.exists()?;
        let bytes = reads
            .iter()
            .fold(0u64, |sum, read| sum.saturating_add(read.len));
        let _staged = inner.charge(Resource::StagingBytes, bytes)?;
        outputs.read(&inner.engine.memory, inner.index, reads)?;
        let totals = &inner.engine.metrics.totals;
        totals.read(&outputs.stats());
        outputs.retain_in(&totals.retained);
        count(&inner.ring.counts.bytes_out, bytes);
        Ok(())
    }
}

/// What the host knows of a handler when a job is submitted.
#[derive(Clone, Copy)]
pub(crate) struct HandlerEntry {
    pub known: bool,
    pub tiled: bool,
    pub light: bool,
    pub fuel: u32,
}

/// The handlers by opcode.
pub(crate) fn standard_handlers(most_scalar: u32, most_tiled: u32) -> Box<[HandlerEntry]> {
    let none = HandlerEntry {
        known: false,
        tiled: false,
        light: false,
        fuel: 0,
    };
    let last = standard::STANDARD
        .iter()
        .map(|s| s.opcode)
        .max()
        .unwrap_or(0);
    let mut table = vec![none; last as usize + 1];
    for s in standard::STANDARD {
        let tiled = s.tiling.is_some();
        let most = if tiled { most_tiled } else { most_scalar };
        table[s.opcode as usize] = HandlerEntry {
            known: true,
            tiled,
            light: s.light,
            fuel: s.fuel.min(most),
        };
    }
    table.into()
}

impl Inner {
    /// What is known of the handler behind an opcode, and its number. Nothing is known of one that was never loaded, or
    /// is unloaded.
    #[inline]
    fn handler(&self, opcode: u32) -> Option<(HandlerEntry, u32)> {
        if opcode >= FIRST_LOADED {
            let callable = self.window.get(opcode)?;
            let entry = HandlerEntry {
                known: true,
                tiled: callable.is_tiled(),
                light: false,
                fuel: callable.fuel(),
            };
            return Some((entry, callable.number()));
        }
        let entry = *self.engine.handlers.get(opcode as usize)?;
        entry.known.then_some((entry, opcode))
    }

    /// Takes what a buffer needs of the quota. What the tenant has destroyed and nobody uses any more is freed first, if
    /// that is missing.
    fn charge_buffer(&self, wanted: &[(Resource, u64)]) -> Result<Vec<Charge>, Error> {
        let is_short = |account: &Account| wanted.iter().any(|&(r, n)| !account.has(r, n));
        if is_short(&self.engine.quota) {
            self.engine.reclaim_of(None)?;
        } else if is_short(&self.quota) {
            self.engine.reclaim_of(Some(self.index))?;
        }
        let charge = |&(resource, amount)| self.charge(resource, amount);
        wanted.iter().map(charge).collect()
    }

    /// All that the host can know of a job before it is accepted. Gives whether it is tiled.
    #[inline]
    fn check(&self, job: &Job, most_fuel: u64) -> Result<bool, Error> {
        let Some((handler, _)) = self.handler(job.opcode) else {
            return Err(Error::InvalidOpcode(job.opcode));
        };
        let classes = flag::NORMAL | flag::BACKGROUND;
        if job.flags & !flag::CALLERS != 0 || job.flags & classes == classes {
            return Err(Error::InvalidFlags(job.flags));
        }
        let most = self.engine.most_fuel(handler.tiled);
        if job.tiles != 1 && (!handler.tiled || job.tiles == 0 || job.tiles > MAX_TILES) {
            let allowed = if handler.tiled {
                "tiled jobs have 1 to 16777216"
            } else {
                "scalar jobs have exactly 1"
            };
            return Err(Error::InvalidTiles {
                opcode: job.opcode,
                tiles: job.tiles,
                allowed,
            });
        }
        if job.fuel > most {
            return Err(Error::InvalidFuel {
                fuel: job.fuel,
                most,
            });
        }
        if job.fuel as u64 > most_fuel || most_fuel == 0 {
            return Err(self.quota.refuse_fuel(job.fuel, &self.engine.quota));
        }
        Ok(handler.tiled)
    }

    /// A job as the kernel sees it. Its handler may have been unloaded since it was checked: then it gets a number that
    /// nobody has, and faults.
    #[inline]
    fn slot_words(&self, job: &Job, most_fuel: u64) -> SlotWords {
        let Some((entry, handler)) = self.handler(job.opcode) else {
            return SlotWords {
                handler: u32::MAX,
                flags: job.flags,
                fuel: job.fuel,
            };
        };
        let fuel = match job.fuel {
            0 => (entry.fuel as u64).min(most_fuel) as u32,
            fuel => fuel,
        };
        // The digest comes with the extra records. A light job stores nothing, so there is none.
        let extras = match self.engine.write_digests {
            true => flag::TIMING,
            false => 0,
        };
        let flags = match job.flags {
            flags if entry.tiled => flags | extras | flag::TILED,
            0 if entry.light && job.fuel == 0 && fuel == entry.fuel => flag::LIGHT,
            flags => flags | extras,
        };
        SlotWords {
            handler,
            flags,
            fuel,
        }
    }
}

impl Engine {
    /// The status that jobs get which never completed, once the engine has ended.
    pub(crate) fn end_status(lost: bool) -> u32 {
        if lost {
            completion_status::DEVICE_LOST
        } else {
            completion_status::CANCELLED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::fake::FakeKernel;
    use crate::ring::layout::{
        BufferEntry, Record, Slot, TenantEntry, TenantState, TileState, EXTRA_RECORDS,
    };

    /// What a tenant with a ring of 1,024 slots costs on both sides, before it has loaded a handler: at most 176 KiB.
    #[test]
    fn a_tenant_costs_little_more_than_its_ring() {
        let ring = FakeKernel::new(1024, 0).ring;
        let each = size_of::<Slot>()
            + (1 + EXTRA_RECORDS as usize) * size_of::<Record>()
            + size_of::<TileState>();
        assert_eq!(each, 152);
        let entries =
            size_of::<TenantEntry>() + size_of::<TenantState>() + size_of::<BufferEntry>();
        let host = ring.host_bytes() + size_of::<Inner>() + size_of::<Account>();
        let all = 1024 * each + entries + host;
        assert!(all <= 176 << 10, "{all} bytes, {host} of them on the host");
    }
}
