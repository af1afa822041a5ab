//! The rings without a device: against a simple model, around the wrap of positions, and with more threads than cores.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::active::{ActiveList, Listing};
use super::doorbell::Doorbell;
use super::fake::{assert_answers, job, read_taken, slot_words, some, words_of, Claim, FakeKernel};
use super::layout::{completion_status, flag, Control, CLASSES, EXTRA_RECORDS, POSITION_MASK};
use super::life::{Closed, State};
use super::pool::Pool;
use super::submission::{stamp, Completion, Job, TicketState, FAULTS, STATUSES};

/// Where rings start: at zero, and so that 31, 32 and 48 bits wrap soon.
const FIRSTS: [u64; 5] = [
    0,
    (1 << 31) - 3,
    (1 << 32) - 3,
    (1 << 32) + (1 << 31) - 1,
    (1 << 48) - 2,
];

/// A small generator (xorshift64*, Vigna 2014), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

fn ticket(position: u64) -> u64 {
    position ^ 0xabcd << 48
}

fn submit(kernel: &FakeKernel, jobs: &[Job]) -> u64 {
    let wanted = jobs.len() as u32;
    assert_eq!(kernel.ring.enter(wanted), Ok(wanted));
    let position = kernel.ring.publish(jobs, slot_words);
    kernel.ring.leave();
    position
}

fn take(kernel: &FakeKernel, cap: usize) -> Vec<Completion> {
    let mut out = vec![Completion::default(); cap];
    let count = kernel.ring.take(&mut out, ticket);
    out.truncate(count);
    out
}

/// Fails the test if `scenario` doesn't end: what is lost mostly shows as a wait for ever.
fn within(limit: Duration, scenario: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        scenario();
        let _ = tell.send(());
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = told.recv_timeout(limit) {
        panic!("nothing happens any more");
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

// ---------------------------------------------------------------- the model

#[derive(Clone, Copy)]
enum At {
    Published,
    Claimed(Claim),
    Finished,
    Taken,
}

struct Entry {
    job: Job,
    cancelled: bool,
    at: At,
}

/// A ring, and what it should be like: the jobs from the oldest untaken one on.
struct Model {
    kernel: FakeKernel,
    tail: u64,
    cursor: u64,
    entries: VecDeque<Entry>,
    empty_polls: u32,
    numbers: u32,
    taken: u64,
}

impl Model {
    fn new(size: u32, first: u64) -> Self {
        Self {
            kernel: FakeKernel::new(size, first),
            tail: first,
            cursor: first,
            entries: VecDeque::new(),
            empty_polls: 0,
            numbers: 0,
            taken: 0,
        }
    }

    fn head(&self) -> u64 {
        self.tail + self.entries.len() as u64
    }

    fn at(&self, position: u64) -> Option<&Entry> {
        self.entries.get(position.checked_sub(self.tail)? as usize)
    }

    fn state(&self, position: u64) -> TicketState {
        match self.at(position).map(|entry| entry.at) {
            None if position < self.tail => TicketState::Taken,
            Some(At::Taken) => TicketState::Taken,
            Some(At::Finished) => TicketState::Done,
            _ => TicketState::Open,
        }
    }

    fn mark_taken(&mut self, position: u64) {
        self.entries[(position - self.tail) as usize].at = At::Taken;
        self.taken += 1;
        while let Some(Entry { at: At::Taken, .. }) = self.entries.front() {
            self.entries.pop_front();
            self.tail += 1;
        }
    }

    /// Which positions a poll has to give: the oldest ones as far as they are finished; if the oldest isn't, younger
    /// ones, but not beyond 16 unfinished in a row, unless 15 polls found nothing.
    fn poll(&self, cap: usize) -> Vec<u64> {
        let untaken = (self.tail..)
            .zip(&self.entries)
            .filter(|(_, entry)| !matches!(entry.at, At::Taken));
        let mut untaken =
            untaken.map(|(position, entry)| (position, matches!(entry.at, At::Finished)));
        let mut wanted = Vec::new();
        let Some((oldest, finished)) = untaken.next() else {
            return wanted;
        };
        if finished {
            wanted.push(oldest);
            wanted.extend(untaken.take_while(|u| u.1).map(|u| u.0));
        } else {
            let mut missing = 0;
            for (position, finished) in untaken {
                if missing == 16 && self.empty_polls % 16 != 15 {
                    break;
                }
                if finished {
                    wanted.push(position);
                    missing = 0;
                } else {
                    missing += 1;
                }
            }
        }
        wanted.truncate(cap);
        wanted
    }

    fn submit(&mut self, random: &mut Random, n: u64) {
        let free = self.kernel.memory.size as u64 - self.entries.len() as u64;
        let got = self.kernel.ring.enter(n as u32).unwrap() as u64;
        assert_eq!(got, n.min(free));
        let jobs: Vec<Job> = (0..got as u32)
            .map(|i| Job {
                flags: flag::TIMING * random.one_in(4) as u32,
                ..job(self.numbers + i)
            })
            .collect();
        self.numbers += got as u32;
        if got != 0 {
            assert_eq!(self.kernel.ring.publish(&jobs, slot_words), self.head());
            self.kernel.ring.leave();
        }
        self.entries.extend(jobs.into_iter().map(|job| Entry {
            job,
            cancelled: false,
            at: At::Published,
        }));
    }

    fn claim(&mut self) {
        let claim = self.kernel.claim();
        assert_eq!(claim.is_some(), self.cursor < self.head());
        if let Some(claim) = claim {
            let entry = &mut self.entries[(self.cursor - self.tail) as usize];
            assert_eq!(claim.position as u64, self.cursor & POSITION_MASK as u64);
            assert_eq!(claim.words, words_of(&entry.job));
            assert_eq!(claim.cancelled, entry.cancelled);
            entry.at = At::Claimed(claim);
            self.cursor += 1;
        }
    }

    /// Completes the first claimed job from the `skip`th on.
    fn complete(&mut self, skip: usize) {
        for entry in self.entries.iter_mut().skip(skip) {
            if let At::Claimed(claim) = entry.at {
                self.kernel.complete(&claim);
                entry.at = At::Finished;
                return;
            }
        }
    }

    fn take(&mut self, cap: usize) {
        let wanted = self.poll(cap);
        let got = take(&self.kernel, cap);
        assert_eq!(
            got.iter().map(|c| c.ticket).collect::<Vec<_>>(),
            wanted.iter().map(|&p| ticket(p)).collect::<Vec<_>>()
        );
        self.empty_polls = if got.is_empty() {
            self.empty_polls.wrapping_add(1)
        } else {
            0
        };
        for (completion, position) in got.iter().zip(wanted) {
            self.check(completion, position);
        }
    }

    fn take_one(&mut self, position: u64) {
        match self.kernel.ring.take_one(position, ticket(position)) {
            Ok(completion) => {
                assert_eq!(self.state(position), TicketState::Done);
                self.check(&completion, position);
            }
            Err(state) => {
                assert_ne!(state, TicketState::Done);
                assert_eq!(state, self.state(position));
            }
        }
    }

    fn check(&mut self, completion: &Completion, position: u64) {
        let entry = self.at(position).unwrap();
        assert_answers(completion, &entry.job, ticket(position), entry.cancelled);
        self.mark_taken(position);
    }

    fn cancel(&mut self, position: u64) {
        let state = self.state(position);
        assert_eq!(self.kernel.ring.cancel(position), state);
        if let Some(i) = position.checked_sub(self.tail) {
            match self.entries.get_mut(i as usize) {
                Some(entry) if matches!(entry.at, At::Published) => entry.cancelled = true,
                _ => {}
            }
        }
    }

    /// All that can be asked without changing anything.
    fn compare(&self, position: u64) {
        let ring = &self.kernel.ring;
        assert_eq!(ring.head(), self.head());
        assert_eq!(ring.tail(), self.tail);
        assert_eq!(ring.is_empty(), self.entries.is_empty());
        assert_eq!(ring.state(position), self.state(position));
        let open = |entry: &Entry| matches!(entry.at, At::Published | At::Claimed(_));
        if position < self.head() {
            assert_eq!(
                ring.seems_finished(position),
                self.state(position) != TicketState::Open
            );
            let before = position.saturating_sub(self.tail) as usize;
            assert_eq!(
                ring.all_finished(position),
                !self.entries.iter().take(before).any(open)
            );
        }
        assert_eq!(
            ring.has_completion(),
            self.entries.iter().any(|e| matches!(e.at, At::Finished))
        );
    }
}

/// Any sequence of submits, claims, completions out of order, takes, waits and cancels does what the model does: words,
/// user data, answers, states, free slots, and which completions a poll gives.
#[test]
fn the_ring_does_what_the_model_does() {
    for (size, operations) in [
        (1, 20_000),
        (2, 20_000),
        (4, 20_000),
        (64, 20_000),
        (1024, 8_000),
    ] {
        for first in FIRSTS {
            let first = first.saturating_sub(size as u64 / 2);
            let mut random = Random(first ^ 0x9e37_79b9_7f4a_7c15 ^ size as u64);
            let mut model = Model::new(size, first);
            let scale = 1 + size as u64 / 32;
            for i in 0..operations {
                // From time to time the ring runs full, or the kernel runs dry.
                let phase = i / 300 % 3;
                let near = (model.tail + random.below(model.entries.len() as u64 + 3))
                    .saturating_sub(1)
                    .max(first);
                match random.below(16) {
                    0..3 => {
                        let most = if random.one_in(8) {
                            size as u64 + 1
                        } else {
                            3 * scale
                        };
                        let n = if phase == 1 {
                            random.below(2)
                        } else {
                            random.below(most + 1)
                        };
                        model.submit(&mut random, n);
                    }
                    3..7 => (0..random.below(4 * scale)).for_each(|_| model.claim()),
                    7..11 => {
                        let skip = random.below(model.entries.len() as u64 + 1) as usize;
                        for i in 0..random.below(4 * scale) as usize {
                            model.complete(if i % 2 == 0 { skip } else { 0 });
                        }
                    }
                    11..13 if phase != 2 => model.take(1 + random.below(size as u64 + 2) as usize),
                    13 if phase != 2 => model.take_one(near),
                    14 => model.cancel(near),
                    _ => {}
                }
                model.compare(near);
            }
            while !model.entries.is_empty() {
                model.claim();
                model.complete(0);
                model.take(1);
            }
            model.compare(first);
            assert_eq!(model.taken, model.numbers as u64);
            assert!(
                model.taken > 4 * size as u64,
                "{} jobs are too few for {size} slots",
                model.taken
            );
            assert_eq!(model.kernel.ring.life.free(), size);
        }
    }
}

// ---------------------------------------------------------------- single promises

/// A fresh ring shows the kernel no job, the host no completion, and to the first job a job before that ended OK.
#[test]
fn a_reset_ring_is_stale_everywhere() {
    for size in [1, 2, 1024] {
        for first in FIRSTS {
            let kernel = FakeKernel::new(size, first);
            for lap in 0..2 {
                for position in first..first + size as u64 {
                    // Neither in this lap nor in the next does anything look valid.
                    let expected = stamp(position + lap * size as u64);
                    let slot = kernel.memory.slot(position);
                    assert_ne!(slot.stamp.load(Ordering::Relaxed), expected);
                    assert_ne!(slot.cancel.load(Ordering::Relaxed), expected);
                    assert_ne!(
                        kernel.memory.record(position).words[3].load(Ordering::Relaxed),
                        expected
                    );
                    for n in 0..EXTRA_RECORDS {
                        assert_ne!(
                            kernel.memory.extra(position, n).words[3].load(Ordering::Relaxed),
                            expected
                        );
                    }
                }
            }
            assert!(kernel.claim().is_none() && !kernel.has_work());
            assert!(kernel.ring.is_empty() && !kernel.ring.has_completion());
            let before = kernel.memory.record(first.wrapping_sub(1));
            assert_eq!(
                before.words[3].load(Ordering::Relaxed),
                first as u32 & POSITION_MASK
            );
            assert_eq!(
                before.words[0].load(Ordering::Relaxed),
                completion_status::OK
            );
        }
    }
}

/// A recycled ring goes on: what the last one left in the memory is not taken for anything of the next.
#[test]
fn a_recycled_ring_believes_nothing_old() {
    let kernel = FakeKernel::new(4, (1 << 31) - 2);
    submit(&kernel, &[job(1), job(2), job(3)]);
    kernel.ring.cancel((1 << 31) - 1);
    kernel.step().unwrap();
    let first = kernel.ring.head();
    kernel.memory.reset(first);
    for position in first..first + 4 {
        assert_ne!(
            kernel.memory.slot(position).stamp.load(Ordering::Relaxed),
            stamp(position)
        );
        assert_ne!(
            kernel.memory.slot(position).cancel.load(Ordering::Relaxed),
            stamp(position)
        );
        assert_ne!(
            kernel.memory.record(position).words[3].load(Ordering::Relaxed),
            stamp(position)
        );
    }
}

/// Positions have 31 bits for the kernel and stamps are positions + 1, also across both wraps.
#[test]
fn stamps_wrap_with_the_positions() {
    assert_eq!(stamp(0), 1);
    assert_eq!(stamp((1 << 31) - 2), POSITION_MASK);
    assert_eq!(stamp((1 << 31) - 1), 0);
    assert_eq!(stamp(1 << 31), 1);
    assert_eq!(stamp((1 << 32) - 1), 0);
    assert_eq!(stamp(1 << 32), 1);
}

/// A full ring gives no token, and a slot comes back only when its completion and all before it were taken.
#[test]
fn a_full_ring_gives_no_token() {
    for size in [1u32, 2, 8, 1024] {
        let kernel = FakeKernel::new(size, (1 << 32) - 1);
        let jobs: Vec<Job> = (0..size).map(job).collect();
        assert_eq!(kernel.ring.enter(size + 1), Ok(size));
        assert_eq!(kernel.ring.enter(1), Ok(0));
        let first = kernel.ring.publish(&jobs, slot_words);
        assert!(!kernel.ring.life.is_left());
        kernel.ring.leave();
        assert_eq!(kernel.ring.enter(1), Ok(0));
        assert!(kernel.ring.life.is_left(), "who got no slot isn't inside");
        while kernel.step().is_some() {}
        for position in first + 1..first + size as u64 {
            kernel.ring.take_one(position, 0).unwrap();
            assert_eq!(kernel.ring.take_one(position, 0), Err(TicketState::Taken));
            assert_eq!(kernel.ring.enter(1), Ok(0), "the oldest is not taken");
        }
        assert_eq!(kernel.ring.tail(), first);
        kernel.ring.take_one(first, 0).unwrap();
        assert_eq!(kernel.ring.life.free(), size);
        assert!(kernel.ring.life.is_left());
    }
}

/// A far younger completion is found after at most 16 polls, and an older one that came meanwhile goes first.
#[test]
fn a_poll_finds_far_younger_completions() {
    let kernel = FakeKernel::new(64, 0);
    submit(&kernel, &(0..64).map(job).collect::<Vec<_>>());
    let claims: Vec<Claim> = (0..64).map(|_| kernel.claim().unwrap()).collect();
    kernel.complete(&claims[60]);
    assert!((0..16).any(|_| !take(&kernel, 1).is_empty()));
    kernel.complete(&claims[3]);
    kernel.complete(&claims[0]);
    assert_eq!(
        take(&kernel, 64)
            .iter()
            .map(|c| c.ticket)
            .collect::<Vec<_>>(),
        [ticket(0)]
    );
    assert_eq!(
        take(&kernel, 64)
            .iter()
            .map(|c| c.ticket)
            .collect::<Vec<_>>(),
        [ticket(3)]
    );
}

/// A completion that asks for TIMING isn't taken before all its records are there, whatever their order, and what a
/// lost device left out doesn't keep it for ever.
#[test]
fn a_timed_completion_waits_for_its_records() {
    for missing in 0..EXTRA_RECORDS {
        let kernel = FakeKernel::new(2, (1 << 31) - 1);
        let timed = Job {
            flags: flag::TIMING,
            ..job(8)
        };
        let position = submit(&kernel, &[timed]);
        kernel.step().unwrap();
        let record = kernel.memory.extra(position, missing);
        let there = record.words[3].swap(stamp(position - 2), Ordering::Relaxed);
        assert!(take(&kernel, 2).is_empty());
        assert_eq!(kernel.ring.state(position), TicketState::Open);
        assert_eq!(kernel.ring.take_one(position, 0), Err(TicketState::Open));
        if missing == 0 {
            record.words[3].store(there, Ordering::Release);
            assert_answers(&take(&kernel, 2)[0], &timed, ticket(position), false);
        } else {
            kernel.ring.end(completion_status::DEVICE_LOST);
            let untimed = Job { flags: 0, ..timed };
            assert_answers(&take(&kernel, 2)[0], &untimed, ticket(position), false);
        }
        assert!(kernel.ring.is_empty());
    }
}

/// A job of the same slot one lap later, without TIMING, doesn't show the old job's times.
#[test]
fn times_are_only_told_if_asked_for() {
    let kernel = FakeKernel::new(1, 5);
    for flags in [flag::TIMING, 0, flag::TIMING] {
        let job = Job { flags, ..job(20) };
        let position = submit(&kernel, &[job]);
        kernel.step().unwrap();
        assert_answers(&take(&kernel, 1)[0], &job, ticket(position), false);
    }
}

/// After the end every job that completed is taken as it completed, and every other with the status of the end.
#[test]
fn the_end_answers_what_never_completed() {
    for done in 0..=4 {
        let kernel = FakeKernel::new(4, (1 << 31) - 2);
        let first = submit(&kernel, &(0..4).map(job).collect::<Vec<_>>());
        (0..done).for_each(|_| assert!(kernel.step().is_some()));
        kernel.ring.end(completion_status::CANCELLED);
        assert!(kernel.ring.has_completion() && kernel.ring.all_finished(first + 4));
        let got = take(&kernel, 8);
        assert_eq!(got.len(), 4);
        for (i, completion) in got.iter().enumerate() {
            assert_answers(
                completion,
                &job(i as u32),
                ticket(first + i as u64),
                i >= done,
            );
        }
        assert!(kernel.ring.is_empty());
    }
}

/// Only a job that has not been claimed is cancelled, and only that one.
#[test]
fn the_kernel_notifies_of_one_count_and_once() {
    for first in FIRSTS {
        let kernel = FakeKernel::new(8, first);
        submit(&kernel, &[job(1), job(2), job(3)]);
        kernel.ring.notify_at(stamp(first + 1));
        let notified = [(); 3].map(|()| kernel.complete_and_notify(&kernel.claim().unwrap()));
        assert_eq!(notified, [false, true, false]);
    }
}

#[test]
fn a_cancel_is_for_one_job() {
    let kernel = FakeKernel::new(2, (1 << 31) - 1);
    let first = submit(&kernel, &[job(1), job(2)]);
    assert_eq!(kernel.ring.cancel(first + 1), TicketState::Open);
    assert_eq!(
        kernel.ring.cancel(first + 2),
        TicketState::Open,
        "never published"
    );
    kernel.step().unwrap();
    assert_eq!(kernel.ring.cancel(first), TicketState::Done);
    kernel.step().unwrap();
    let got = take(&kernel, 2);
    assert_answers(&got[0], &job(1), ticket(first), false);
    assert_answers(&got[1], &job(2), ticket(first + 1), true);
    assert_eq!(kernel.ring.cancel(first), TicketState::Taken);
    assert_eq!(submit(&kernel, &[job(3), job(4)]), first + 2);
    assert_eq!(kernel.ring.cancel(first + 1), TicketState::Taken);
    while kernel.step().is_some() {}
    assert_answers(&take(&kernel, 2)[1], &job(4), ticket(first + 3), false);
}

/// Whoever isn't let in has changed nothing, whatever the state, and what was accepted before can be taken.
#[test]
fn a_closed_ring_refuses_and_changes_nothing() {
    for to in [State::Draining, State::Revoked, State::Gone] {
        let kernel = FakeKernel::new(4, (1 << 31) - 2);
        let life = &kernel.ring.life;
        submit(&kernel, &[job(1), job(2)]);
        assert_eq!(life.state(), State::Active);
        assert_eq!(life.advance(to), State::Active);
        for before in [State::Active, State::Draining, to] {
            assert_eq!(life.advance(before), to, "a state never moves back");
        }
        assert_eq!(life.state(), to);
        assert_eq!(kernel.ring.enter(1), Err(Closed::State(to)));
        for last in [State::Active, State::Draining, State::Revoked] {
            let allowed = life.enter_without(last);
            assert_eq!(allowed.is_ok(), to <= last);
            assert_eq!(allowed, life.is_open(last));
            if allowed.is_ok() {
                assert!(!life.is_left());
                life.leave();
            }
        }
        assert!(life.is_left());
        assert_eq!(life.free(), 2);
        while kernel.step().is_some() {}
        assert_eq!(take(&kernel, 4).len(), 2);
        assert_eq!((life.free(), life.state()), (4, to));
        life.stop();
        let stopped = match to {
            State::Gone => Closed::State(to),
            _ => Closed::Stopped,
        };
        assert_eq!(kernel.ring.enter(1), Err(stopped));
        assert_eq!((life.free(), life.state()), (4, to));
    }
}

/// Completions are counted where they are taken, by status and fault, whichever way they are taken; and jobs by where
/// the ring started.
#[test]
fn what_is_taken_is_counted() {
    for first in FIRSTS {
        let kernel = FakeKernel::new(8, first);
        let ring = &kernel.ring;
        let taken = || {
            let (status, fault, _) = read_taken(ring);
            (status, fault)
        };
        // Every fifth job faults with a code of its own.
        let position = submit(&kernel, &(0..8).map(job).collect::<Vec<_>>());
        ring.cancel(position + 2);
        assert_eq!((ring.first(), ring.completed_jobs()), (first, 0));
        (0..5).for_each(|_| assert!(kernel.step().is_some()));
        assert_eq!(ring.completed_jobs(), 5);
        ring.take_one(position + 4, 0).unwrap();
        assert_eq!(take(&kernel, 8).len(), 4);
        let (mut status, mut fault) = ([0; STATUSES], [0; FAULTS]);
        status[completion_status::OK as usize] = 3;
        status[completion_status::FAULTED as usize] = 1;
        status[completion_status::CANCELLED as usize] = 1;
        fault[FAULTS - 1] = 1;
        assert_eq!(taken(), (status, fault));
        ring.end(completion_status::DEVICE_LOST);
        assert_eq!(take(&kernel, 8).len(), 3);
        status[completion_status::DEVICE_LOST as usize] = 3;
        assert_eq!(taken(), (status, fault));
        assert_eq!(ring.completed_jobs(), 5);
    }
}

/// The kernel counts a job later than its completion can be taken: what has completed is never less than what was taken, nor than it
/// was told before, nor more than was submitted.
#[test]
fn what_has_completed_never_falls_while_the_kernels_count_lags() {
    for first in FIRSTS {
        let kernel = FakeKernel::new(8, first);
        let told = || {
            let (status, _, progress) = read_taken(&kernel.ring);
            (progress.completed, status.iter().sum::<u64>(), progress)
        };
        submit(&kernel, &(0..8).map(job).collect::<Vec<_>>());
        let claims: Vec<Claim> = (0..6).map(|_| kernel.claim().unwrap()).collect();
        claims.iter().for_each(|claim| kernel.finish(claim));
        // Nothing is counted yet, and nothing taken.
        assert_eq!(told().0, 0);
        assert_eq!(take(&kernel, 4).len(), 4);
        assert_eq!(told().0, 4);
        // The count goes up, and is still behind the takers.
        for _ in 0..4 {
            kernel.count();
            assert_eq!(told().0, 4);
        }
        (0..2).for_each(|_| kernel.count());
        assert_eq!(told().0, 6);

        let mut random = Random(first + 1);
        let (mut numbers, mut uncounted, mut last) = (8, 0, 6);
        for _ in 0..2000 {
            match random.below(4) {
                0 => {
                    let wanted = 1 + random.below(8) as u32;
                    let got = kernel.ring.enter(wanted).unwrap();
                    if got != 0 {
                        let jobs: Vec<Job> = (numbers..numbers + got).map(job).collect();
                        kernel.ring.publish(&jobs, slot_words);
                        numbers += got;
                        kernel.ring.leave();
                    }
                }
                1 => {
                    if let Some(claim) = kernel.claim() {
                        kernel.finish(&claim);
                        uncounted += 1;
                    }
                }
                2 if uncounted != 0 => {
                    kernel.count();
                    uncounted -= 1;
                }
                _ => {
                    take(&kernel, 1 + random.below(8) as usize);
                }
            }
            let (completed, taken, progress) = told();
            assert!(
                last <= completed && taken <= completed,
                "{last} {completed} {taken}"
            );
            assert!(completed <= progress.submitted);
            assert!(progress.outstanding >= progress.submitted - completed);
            last = completed;
        }
        assert!(last > 100, "only {last} jobs have completed");
    }
}

/// All or nothing, part of it, and a cap that changes: what is in use never exceeds it.
#[test]
fn a_pool_gives_no_more_than_its_cap() {
    let pool = Pool::new(10);
    assert!(pool.take(4) && !pool.take(7) && pool.take(0));
    assert_eq!((pool.used(), pool.free(), pool.cap()), (4, 6, 10));
    assert!(!pool.set_cap(3) && pool.set_cap(4) && !pool.take(1));
    assert!(pool.set_cap(u64::MAX) && pool.take(u64::MAX - 4) && !pool.take(1));
    pool.give_back(u64::MAX - 4);
    assert!(pool.set_cap(9));
    assert_eq!((pool.take_up_to(3), pool.take_up_to(3)), (3, 2));
    assert_eq!(pool.take_up_to(3), 0);
    pool.give_back(9);
    assert_eq!((pool.used(), pool.free()), (0, 9));
    assert!(pool.set_cap(0) && pool.take(0) && !pool.take(1));
}

// ---------------------------------------------------------------- threads

/// Many threads take from a pool whose cap goes up and down: at no moment is more held than the cap of that moment, and
/// at the end all of it is back.
#[test]
fn no_race_overdraws_a_pool() {
    const THREADS: u64 = 32;
    within(Duration::from_secs(120), || {
        let pool = Pool::new(20);
        let held = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for t in 0..THREADS {
                let (pool, held) = (&pool, &held);
                scope.spawn(move || {
                    let mut random = Random(t + 1);
                    for _ in 0..20_000 {
                        let n = 1 + random.below(6);
                        let got = match random.one_in(2) {
                            true => pool.take_up_to(n),
                            false => n * pool.take(n) as u64,
                        };
                        // Counted after it was taken and before it is given back: never more than is out.
                        let now = held.fetch_add(got, Ordering::SeqCst) + got;
                        assert!(now <= 40, "{now} are held");
                        if random.one_in(8) {
                            std::thread::yield_now();
                        }
                        held.fetch_sub(got, Ordering::SeqCst);
                        pool.give_back(got);
                    }
                });
            }
            let mut random = Random(99);
            let mut caps = 0;
            for _ in 0..20_000 {
                let cap = 1 + random.below(40);
                if pool.set_cap(cap) {
                    caps += 1;
                    // Nobody but this thread changes it.
                    let now = held.load(Ordering::SeqCst);
                    assert!(now <= cap, "{now} are held of {cap}");
                }
            }
            assert!(caps > 100, "the cap changed only {caps} times");
        });
        assert_eq!((pool.used(), held.into_inner()), (0, 0));
        assert_eq!(pool.free(), pool.cap());
    });
}

/// Publishers, takers by poll and by ticket, cancels, and workers that complete in random order, many more threads than
/// cores: each job is answered once, wholly, and every token comes back.
#[test]
fn no_job_is_lost_or_doubled_under_stress() {
    const PUBLISHERS: u64 = 4;
    const JOBS: u64 = 10_000;
    for (size, first) in [
        (1, (1 << 31) - 100),
        (8, (1 << 31) - 1_000),
        (256, (1 << 32) - 1_000),
    ] {
        within(Duration::from_secs(120), move || {
            let total = (PUBLISHERS * JOBS) as usize;
            let kernel = FakeKernel::new(size, first);
            let seen: Vec<AtomicU8> = (0..total).map(|_| AtomicU8::new(0)).collect();
            let taken = AtomicUsize::new(0);
            let failed = AtomicBool::new(false);
            let over = || taken.load(Ordering::Relaxed) == total || failed.load(Ordering::Relaxed);
            let accept = |completion: &Completion| {
                let n = (completion.user_data >> 32) as u32;
                let cancelled = completion.status == completion_status::CANCELLED;
                // Only every 16th job is ever cancelled.
                assert!(!cancelled || n & 15 == 0);
                assert_answers(completion, &timed_job(n), completion.ticket, cancelled);
                assert_eq!(
                    seen[n as usize].fetch_add(1, Ordering::Relaxed),
                    0,
                    "job {n} was answered twice"
                );
                taken.fetch_add(1, Ordering::Relaxed);
            };
            let publish = |p: u64| {
                let mut random = Random(p * 7919 + 1);
                let mut next = 0;
                while next < JOBS && !over() {
                    let want = (1 + random.below(4)).min(JOBS - next) as u32;
                    let got = kernel.ring.enter(want).unwrap() as u64;
                    if got == 0 {
                        std::thread::yield_now();
                        continue;
                    }
                    let numbers = (p * JOBS + next) as u32..(p * JOBS + next + got) as u32;
                    let jobs: Vec<Job> = numbers.clone().map(timed_job).collect();
                    let position = kernel.ring.publish(&jobs, slot_words);
                    kernel.ring.leave();
                    next += got;
                    for (position, n) in (position..).zip(numbers) {
                        if n & 15 == 0 {
                            kernel.ring.cancel(position);
                        }
                    }
                    // One in four waits for its job as others poll for it.
                    while random.one_in(4) && !over() {
                        match kernel.ring.take_one(position, ticket(position)) {
                            Ok(completion) => accept(&completion),
                            Err(TicketState::Taken) => break,
                            Err(state) => {
                                assert_eq!(state, TicketState::Open);
                                std::thread::yield_now();
                            }
                        }
                    }
                }
            };
            let poll = |p: u64| {
                let mut random = Random(p * 104_729 + 3);
                while !over() {
                    let got = take(&kernel, 1 + random.below(12) as usize);
                    got.iter().for_each(accept);
                    if got.is_empty() || random.one_in(32) {
                        std::thread::yield_now();
                    }
                }
            };
            let work = |p: u64| {
                let mut random = Random(p * 15_485_863 + 5);
                let mut held: Vec<Claim> = Vec::new();
                while !over() {
                    if held.len() < 8 {
                        held.extend(kernel.claim());
                    }
                    if held.len() == 8 || !held.is_empty() && random.one_in(3) {
                        kernel
                            .complete(&held.swap_remove(random.below(held.len() as u64) as usize));
                    }
                    if random.one_in(64) {
                        std::thread::yield_now();
                    }
                }
            };
            let roles: [(&(dyn Fn(u64) + Sync), u64); 3] =
                [(&publish, PUBLISHERS), (&poll, 3), (&work, 3)];
            std::thread::scope(|scope| {
                for (role, threads) in roles {
                    for p in 0..threads {
                        let failed = &failed;
                        scope.spawn(move || {
                            // Who fails lets the others end, so that the failure is told.
                            let failing = SetOnPanic(failed);
                            role(p);
                            drop(failing);
                        });
                    }
                }
            });
            assert!(seen.iter().all(|s| s.load(Ordering::Relaxed) == 1));
            assert!(kernel.ring.is_empty() && !kernel.has_work());
            assert_eq!(kernel.ring.life.free(), size);
            assert!(kernel.ring.life.is_left());
        });
    }
}

/// A job for the stress; every third one is timed.
fn timed_job(n: u32) -> Job {
    Job {
        flags: [flag::TIMING, 0, 0][n as usize % 3],
        ..job(n)
    }
}

struct SetOnPanic<'a>(&'a AtomicBool);

impl Drop for SetOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Submitter and pump start together, again and again: one of them sees what the other stored. The fences are the
/// platform's own here, which loom can't judge.
#[test]
fn the_platforms_fences_lose_no_wake_up() {
    const ROUNDS: u32 = 50_000;
    within(Duration::from_secs(120), || {
        let doorbell = Doorbell::new();
        let (started, published) = (AtomicU32::new(0), AtomicU32::new(0));
        let start = |round: u32| {
            started.fetch_add(1, Ordering::SeqCst);
            let mut looks = 0u32;
            while started.load(Ordering::SeqCst) < 2 * round {
                looks += 1;
                if looks & 4095 == 0 {
                    std::thread::yield_now();
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    start(round);
                    published.store(round, Ordering::Relaxed);
                    if doorbell.published() {
                        doorbell.ring();
                    }
                }
            });
            for round in 1..=ROUNDS {
                start(round);
                while published.load(Ordering::Relaxed) != round {
                    doorbell.park(|| some(published.load(Ordering::Relaxed) == round));
                }
            }
        });
    });
}

/// A pump that parks whenever nothing is published, sweeps the active list all the time, and runs only the tenants that
/// are listed: no tenant's job waits for ever.
#[test]
fn a_parking_pump_that_sweeps_leaves_no_job_behind() {
    const TENANTS: u32 = 3;
    const JOBS: u32 = 4_000;
    const PARKS: u32 = 100;
    within(Duration::from_secs(120), || {
        let zero = |_| AtomicU32::new(0);
        let control = Control {
            stop_lease: zero(0),
            counts: std::array::from_fn(zero),
            room: zero(0),
            spare_0: zero(0),
            spare: std::array::from_fn(zero),
        };
        let list: Vec<AtomicU32> = (0..CLASSES * TENANTS as usize).map(zero).collect();
        // SAFETY: both outlive the list, and nobody else writes to them.
        let active = unsafe { ActiveList::new(&control, list.as_ptr(), TENANTS) };
        let doorbell = Doorbell::new();
        let tenants: Vec<(FakeKernel, Listing)> = (0..TENANTS)
            .map(|_| (FakeKernel::new(4, (1 << 31) - 50), Listing::new(1, 0)))
            .collect();
        let submitting = AtomicU32::new(TENANTS);
        let parks = AtomicU32::new(0);
        let submit_all = |tenant: u32| {
            let (kernel, listed) = &tenants[tenant as usize];
            let mut random = Random(tenant as u64 + 11);
            // How often the pump finds nothing to do is the machine's affair: they go on until it did often enough.
            let enough = |n| n >= JOBS && parks.load(Ordering::Relaxed) >= PARKS;
            for n in (0..).take_while(|&n| !enough(n)) {
                let position = submit(kernel, &[job(n)]);
                let parked = doorbell.published();
                active.ensure(tenant, listed);
                if parked {
                    doorbell.ring();
                }
                // Mostly one at a time, so that the tenant is idle between, and the pump parks.
                let keep = if random.one_in(4) { 3 } else { 0 };
                while kernel.ring.head() - kernel.ring.tail() > keep {
                    if take(kernel, 4).is_empty() {
                        std::thread::yield_now();
                    }
                }
                assert!(keep != 0 || kernel.ring.state(position) == TicketState::Taken);
            }
            while !kernel.ring.is_empty() {
                take(kernel, 4);
                std::thread::yield_now();
            }
            submitting.fetch_sub(1, Ordering::Relaxed);
            doorbell.ring();
        };
        std::thread::scope(|scope| {
            for tenant in 0..TENANTS {
                let submit_all = &submit_all;
                scope.spawn(move || submit_all(tenant));
            }
            let has_work = || tenants.iter().any(|(kernel, _)| kernel.has_work());
            while submitting.load(Ordering::Relaxed) != 0 {
                let work = || has_work() || submitting.load(Ordering::Relaxed) == 0;
                let parked = doorbell.park(|| some(work()));
                parks.fetch_add(parked as u32, Ordering::Relaxed);
                let count = control.counts[1].load(Ordering::Acquire) as usize;
                let listed: Vec<u32> = list[TENANTS as usize..][..count]
                    .iter()
                    .map(|t| t.load(Ordering::Relaxed))
                    .collect();
                let mut once = listed.clone();
                once.sort_unstable();
                once.dedup();
                assert_eq!(once.len(), count, "a tenant is listed twice: {listed:?}");
                for tenant in listed {
                    while tenants[tenant as usize].0.step().is_some() {}
                }
                active.sweep(
                    || &tenants,
                    |all, tenant| &all[tenant as usize].1,
                    |all, tenant| all[tenant as usize].0.ring.is_empty(),
                );
            }
        });
        assert!(tenants
            .iter()
            .all(|(kernel, _)| kernel.ring.is_empty() && !kernel.has_work()));
    });
}
