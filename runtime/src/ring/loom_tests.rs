//! The rings' promises under every interleaving and every value that the memory model lets a load see.
//!
//! The code is the one that users run; the kernel is a thread that does what a worker does. Where a scenario is too large
//! to finish, the number of preemptions is bounded, and stands at the test; LOOM_MAX_PREEMPTIONS sets another bound.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::thread::{self, yield_now};

use super::active::{self, ActiveList};
use super::doorbell::Doorbell;
use super::fake::{assert_answers, job, read_taken, slot_words, some, words_of, Claim, FakeKernel};
use super::gate::Gate;
use super::layout::{completion_status, flag, Control, CLASSES, POSITION_MASK};
use super::life::{Closed, State};
use super::pool::Pool;
use super::submission::{stamp, Completion, Job, TicketState};
use super::sync::{AtomicU32, Ordering};
use crate::watch::{Watch, What};

/// Rings start just below the wrap of 31 bits.
const FIRST: u64 = (1 << 31) - 1;

fn explore(preemptions: Option<usize>, scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.check(scenario);
}

/// A ticket for a position that isn't the position.
fn ticket(position: u64) -> u64 {
    position | 7 << 48
}

fn submit(kernel: &FakeKernel, jobs: &[Job]) -> u64 {
    while kernel.ring.enter(jobs.len() as u32) == Ok(0) {
        yield_now();
    }
    let position = kernel.ring.publish(jobs, slot_words);
    kernel.ring.leave();
    position
}

/// Submits a job if there is a slot for it and the tenant takes it; gives its position.
fn try_submit(kernel: &FakeKernel, n: u32, published: impl Fn(u64)) -> Option<u64> {
    if !matches!(kernel.ring.enter(1), Ok(1)) {
        return None;
    }
    let position = kernel.ring.publish(&[job(n)], slot_words);
    published(position);
    kernel.ring.leave();
    Some(position)
}

/// Takes at least one completion, up to `cap`.
fn take(kernel: &FakeKernel, cap: usize) -> Vec<Completion> {
    let mut out = vec![Completion::default(); cap];
    loop {
        let count = kernel.ring.take(&mut out, ticket);
        if count != 0 {
            out.truncate(count);
            return out;
        }
        yield_now();
    }
}

fn take_one(kernel: &FakeKernel, position: u64) -> Completion {
    loop {
        match kernel.ring.take_one(position, ticket(position)) {
            Ok(completion) => return completion,
            Err(TicketState::Open) => yield_now(),
            Err(state) => panic!("the job at {position} is {state:?}"),
        }
    }
}

/// Claims the next job, checking that its words are those of one job.
fn claim(kernel: &FakeKernel) -> Claim {
    loop {
        if let Some(claim) = kernel.claim() {
            let flags = claim.words[1] & flag::CALLERS;
            assert_eq!(
                claim.words,
                words_of(&Job {
                    flags,
                    ..job(claim.words[4])
                })
            );
            return claim;
        }
        yield_now();
    }
}

/// The job numbers of completions, each checked to be a whole answer.
fn numbers(completions: &[Completion]) -> Vec<u32> {
    let check = |c: &Completion| {
        let n = (c.user_data >> 32) as u32;
        assert_answers(c, &job(n), c.ticket, false);
        n
    };
    completions.iter().map(check).collect()
}

/// All tokens are back, and no one more.
fn assert_empty(kernel: &FakeKernel) {
    assert!(kernel.ring.is_empty());
    assert_eq!(kernel.ring.tail(), kernel.ring.head());
    assert_eq!(kernel.ring.life.free(), kernel.memory.size);
    assert!(kernel.ring.life.is_left());
}

/// Per position, a cell that its taker writes and the next publisher to use the slot reads: loom objects unless all that
/// the one did comes before all that the other does.
struct Handovers(Vec<UnsafeCell<u32>>);

// SAFETY: not needed for loom's own checks, which are what the cells are for; their values are never used.
unsafe impl Sync for Handovers {}
// SAFETY: as above.
unsafe impl Send for Handovers {}

impl Handovers {
    fn new(n: usize) -> Self {
        Self((0..n).map(|_| UnsafeCell::new(0)).collect())
    }

    fn taken(&self, position: u64) {
        self.0[(position - FIRST) as usize].with_mut(|_| ());
    }

    fn published(&self, position: u64, size: u64) {
        if position >= FIRST + size {
            self.0[(position - FIRST - size) as usize].with(|_| ());
        }
    }
}

/// A published job is run exactly once, with its own words and user data, and its slot is used again only after its
/// completion was taken: two publishers, a worker and a taker share a ring of two slots. Nobody waits for anybody, so
/// that it finishes; what is left over is done at the end.
#[test]
fn each_job_runs_once_and_its_slot_is_reused_after_the_take() {
    explore(Some(3), || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        let handovers = Arc::new(Handovers::new(4));
        submit(&kernel, &[job(1)]);
        let publisher = |n: u32| {
            let (kernel, handovers) = (kernel.clone(), handovers.clone());
            thread::spawn(move || {
                let published = |position| handovers.published(position, 2);
                try_submit(&kernel, n, published).is_some()
            })
        };
        let publishers = [publisher(2), publisher(3)];
        let worker = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                kernel.step().unwrap();
                while let Some(claim) = kernel.step() {
                    assert_eq!(claim.words, words_of(&job(claim.words[4])));
                }
            })
        };
        let mut seen = Vec::new();
        let take = |seen: &mut Vec<u32>| {
            let mut out = [Completion::default(); 2];
            let count = kernel.ring.take(&mut out, |position| {
                handovers.taken(position);
                ticket(position)
            });
            for completion in &out[..count] {
                assert_eq!(completion.ticket, ticket(FIRST + seen.len() as u64));
                seen.extend(numbers(&[*completion]));
            }
        };
        take(&mut seen);
        take(&mut seen);
        let mut expected = vec![1];
        for (n, publisher) in (2..).zip(publishers) {
            if publisher.join().unwrap() {
                expected.push(n);
            }
        }
        worker.join().unwrap();
        while kernel.step().is_some() {}
        while !kernel.ring.is_empty() {
            take(&mut seen);
        }
        assert_eq!(seen[0], 1);
        seen.sort_unstable();
        assert_eq!(seen, expected);
        assert_empty(&kernel);
    });
}

/// A publisher that took its token long ago, and whose position is one that another one's token stands for, is still
/// ordered after the take of the job that had its slot before.
#[test]
fn an_early_token_gives_no_early_slot() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        let handovers = Arc::new(Handovers::new(3));
        assert_eq!(kernel.ring.enter(1), Ok(1));
        submit(&kernel, &[job(1)]);
        kernel.step().unwrap();
        let late = {
            let (kernel, handovers) = (kernel.clone(), handovers.clone());
            thread::spawn(move || {
                let position = kernel.ring.publish(&[job(2)], slot_words);
                handovers.published(position, 2);
                kernel.ring.leave();
            })
        };
        let other = {
            let (kernel, handovers) = (kernel.clone(), handovers.clone());
            thread::spawn(move || {
                try_submit(&kernel, 3, |position| handovers.published(position, 2));
            })
        };
        let count = kernel.ring.take(&mut [Completion::default()], |position| {
            handovers.taken(position);
            ticket(position)
        });
        assert_eq!(count, 1);
        late.join().unwrap();
        other.join().unwrap();
    });
}

/// Two takers never get the same completion, and never lose or double a token, however they take: by poll or by ticket.
#[test]
fn two_takers_never_get_the_same_completion() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        submit(&kernel, &[job(1), job(2)]);
        kernel.step().unwrap();
        let worker = {
            let kernel = kernel.clone();
            thread::spawn(move || assert!(kernel.step().is_some()))
        };
        let poller = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                let mut out = [Completion::default(); 2];
                let count = kernel.ring.take(&mut out, ticket);
                numbers(&out[..count])
            })
        };
        let mut seen = match kernel.ring.take_one(FIRST + 1, ticket(FIRST + 1)) {
            Ok(completion) => numbers(&[completion]),
            Err(_) => Vec::new(),
        };
        worker.join().unwrap();
        seen.extend(poller.join().unwrap());
        while seen.len() < 2 {
            seen.extend(numbers(&take(&kernel, 2)));
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        assert_eq!(kernel.ring.state(FIRST), TicketState::Taken);
        assert_empty(&kernel);
    });
}

/// What is read of a ring's counts belongs together, whatever publisher, kernel and taker are at.
#[test]
fn what_was_taken_had_completed_and_was_submitted() {
    explore(Some(3), || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        let worker = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                // The second faults.
                for n in [1, 4] {
                    submit(&kernel, &[job(n)]);
                    kernel.step().unwrap();
                    take(&kernel, 1);
                }
            })
        };
        let read = || {
            let (status, fault, progress) = read_taken(&kernel.ring);
            let taken: u64 = status.iter().sum();
            let faulted: u64 = fault.iter().sum();
            assert_eq!(status[completion_status::FAULTED as usize], faulted);
            assert!(taken <= progress.completed && progress.completed <= progress.submitted);
            assert!(progress.submitted - progress.completed <= progress.outstanding);
            taken
        };
        let before = read();
        assert!(before <= read());
        worker.join().unwrap();
        assert_eq!(read(), 2);
    });
}

/// Of two threads that wait for one ticket, one gets the completion and the other hears that it was taken, also when
/// the slot is used again at once.
#[test]
fn one_ticket_is_taken_once() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(1, FIRST));
        submit(&kernel, &[job(1)]);
        kernel.step().unwrap();
        let waiter = || {
            let kernel = kernel.clone();
            thread::spawn(move || match kernel.ring.take_one(FIRST, ticket(FIRST)) {
                Ok(completion) => numbers(&[completion]).len(),
                Err(state) => {
                    assert_eq!(state, TicketState::Taken);
                    0
                }
            })
        };
        let waiters = [waiter(), waiter()];
        submit(&kernel, &[job(2)]);
        kernel.step().unwrap();
        let taken: usize = waiters.into_iter().map(|w| w.join().unwrap()).sum();
        assert_eq!(taken, 1);
        assert_eq!(numbers(&[take_one(&kernel, FIRST + 1)]), [2]);
        assert_empty(&kernel);
    });
}

/// Jobs that finish out of order are taken as they finish; the slots come back when the oldest was taken too, and what
/// is used again then is not taken for the old.
#[test]
fn the_tail_waits_for_the_oldest() {
    explore(Some(3), || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        submit(&kernel, &[job(1), job(2)]);
        let (first, second) = (claim(&kernel), claim(&kernel));
        let worker = |claim: Claim| {
            let kernel = kernel.clone();
            thread::spawn(move || kernel.complete(&claim))
        };
        let workers = [worker(first), worker(second)];
        let publisher = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                let position = submit(&kernel, &[job(3)]);
                assert_eq!(position, FIRST + 2);
                // A slot was free: the oldest job's completion was taken.
                assert!(kernel.ring.seems_finished(FIRST));
                assert_eq!(kernel.ring.state(FIRST), TicketState::Taken);
            })
        };
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let got = numbers(&take(&kernel, 2));
            assert!(got.is_sorted());
            seen.extend(got);
        }
        workers
            .into_iter()
            .chain([publisher])
            .for_each(|t| t.join().unwrap());
        seen.sort_unstable();
        assert_eq!(seen, [1, 2]);
        assert_eq!(kernel.ring.state(FIRST + 1), TicketState::Taken);
        assert_eq!(kernel.ring.state(FIRST + 2), TicketState::Open);
        kernel.step().unwrap();
        assert_eq!(numbers(&take(&kernel, 2)), [3]);
        assert_empty(&kernel);
    });
}

/// With a completion come the records that TIMING asks for, and all that the job wrote.
#[test]
fn a_completion_brings_all_that_the_job_wrote() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(1, FIRST));
        let data = Arc::new(AtomicU32::new(0));
        let timed = Job {
            flags: flag::TIMING,
            ..job(6)
        };
        submit(&kernel, &[timed]);
        let worker = {
            let (kernel, data) = (kernel.clone(), data.clone());
            thread::spawn(move || {
                let claim = claim(&kernel);
                data.store(42, Ordering::Relaxed);
                kernel.complete(&claim);
            })
        };
        let completion = take(&kernel, 1)[0];
        assert_answers(&completion, &timed, ticket(FIRST), false);
        assert_eq!(data.load(Ordering::Relaxed), 42);
        worker.join().unwrap();
        assert_empty(&kernel);
    });
}

/// A publisher races with a drain or revoke: it is refused and changes nothing, or its job is seen by who closed and has
/// waited for those inside.
#[test]
fn a_close_sees_all_that_was_published() {
    for to in [State::Draining, State::Revoked, State::Gone] {
        explore(Some(3), move || {
            let kernel = Arc::new(FakeKernel::new(2, FIRST));
            let publisher = |n| {
                let kernel = kernel.clone();
                thread::spawn(move || {
                    let position = try_submit(&kernel, n, |_| ());
                    if position.is_none() {
                        assert_eq!(kernel.ring.enter(1), Err(Closed::State(to)));
                    }
                    position.is_some() as u64
                })
            };
            let publishers = [publisher(1), publisher(2)];
            assert_eq!(kernel.ring.life.advance(to), State::Active);
            while !kernel.ring.life.is_left() {
                yield_now();
            }
            let head = kernel.ring.head();
            let mut ran = 0;
            while kernel.step().is_some() {
                ran += 1;
            }
            let accepted: u64 = publishers.into_iter().map(|p| p.join().unwrap()).sum();
            assert_eq!((kernel.ring.head(), ran), (head, accepted));
            assert_eq!(head, FIRST + accepted);
            while !kernel.ring.is_empty() {
                take(&kernel, 2);
            }
            assert_empty(&kernel);
            assert_eq!(kernel.ring.life.state(), to);
        });
    }
}

/// Two threads that close: the state only moves on, and one of them is told that it was the first.
#[test]
fn a_state_only_moves_on() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(1, FIRST));
        let revoker = || {
            let kernel = kernel.clone();
            thread::spawn(move || kernel.ring.life.advance(State::Revoked))
        };
        let revokers = [revoker(), revoker()];
        kernel.ring.life.advance(State::Draining);
        let before: Vec<State> = revokers.into_iter().map(|r| r.join().unwrap()).collect();
        let later = |state: &&State| **state == State::Revoked;
        assert_eq!(before.iter().filter(later).count(), 1);
        assert_eq!(kernel.ring.life.state(), State::Revoked);
        assert_empty(&kernel);
    });
}

/// Rings that share a pool: never more slots are out than are in it, none is lost, and who is refused leaves no trace.
#[test]
fn a_shared_pool_is_never_overdrawn() {
    explore(Some(3), || {
        let pool = Arc::new(Pool::new(1));
        let kernels =
            [(); 2].map(|()| Arc::new(FakeKernel::with_pool(1, FIRST, Some(pool.clone()))));
        let submitter = |i: usize| {
            let (kernel, pool) = (kernels[i].clone(), pool.clone());
            thread::spawn(move || {
                let accepted = try_submit(&kernel, 1, |_| assert_eq!(pool.used(), 1)).is_some();
                if accepted {
                    kernel.step().unwrap();
                    assert_eq!(numbers(&take(&kernel, 1)), [1]);
                }
                accepted
            })
        };
        let submitters = [submitter(0), submitter(1)];
        let accepted = submitters.map(|s| s.join().unwrap());
        assert!(accepted.contains(&true));
        assert_eq!(pool.used(), 0);
        kernels.iter().for_each(|kernel| assert_empty(kernel));
    });
}

/// A cap that is lowered while somebody takes: either there is room for both, or one of them is refused.
#[test]
fn a_lowered_cap_holds_at_once() {
    explore(None, || {
        let pool = Arc::new(Pool::new(2));
        assert!(pool.take(1));
        let taker = {
            let pool = pool.clone();
            thread::spawn(move || pool.take(1))
        };
        let lowered = pool.set_cap(1);
        let taken = taker.join().unwrap();
        assert_ne!(lowered, taken);
        assert_eq!(pool.used(), 1 + taken as u64);
        assert_eq!(pool.cap(), 2 - lowered as u64);
        pool.give_back(pool.used());
        assert_eq!(pool.take_up_to(9), pool.cap());
    });
}

/// The pump: it parks when there is nothing to do, and else runs leases until all published jobs are done.
fn pump(kernel: &FakeKernel, doorbell: &Doorbell, jobs: u32) {
    let mut ran = 0;
    while ran < jobs {
        doorbell.park(|| some(kernel.has_work()));
        while let Some(claim) = kernel.step() {
            assert_eq!(claim.words, words_of(&job(claim.words[4])));
            ran += 1;
        }
        // A position may be given out whose slot isn't written yet: then the next lease comes at once.
        yield_now();
    }
    assert!(!kernel.has_work());
}

/// The pump never sleeps while a published job isn't done: two submitters, each of which rings only if it saw the pump
/// parked. A lost wake-up is a deadlock here.
#[test]
fn no_job_is_left_to_a_sleeping_pump() {
    explore(Some(3), || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        let doorbell = Arc::new(Doorbell::new());
        let submitter = |n: u32| {
            let (kernel, doorbell) = (kernel.clone(), doorbell.clone());
            thread::spawn(move || {
                submit(&kernel, &[job(n)]);
                if doorbell.published() {
                    doorbell.ring();
                }
            })
        };
        let submitters = [submitter(1), submitter(2)];
        pump(&kernel, &doorbell, 2);
        submitters.into_iter().for_each(|t| t.join().unwrap());
    });
}

/// Who is about to block tells the kernel for which count it waits, and looks once more: of the two one sees the other, for
/// a wait for a job as for one for anything.
#[test]
fn a_completion_is_seen_or_notified_of() {
    for wait_for_any in [false, true] {
        explore(None, move || {
            let kernel = Arc::new(FakeKernel::new(2, FIRST));
            submit(&kernel, &[job(1)]);
            let device = {
                let kernel = kernel.clone();
                thread::spawn(move || {
                    let claim = kernel.claim().expect("it is published");
                    kernel.complete_and_notify(&claim)
                })
            };
            let ring = &kernel.ring;
            let count = if wait_for_any {
                ring.completed().wrapping_add(1) & POSITION_MASK
            } else {
                stamp(FIRST)
            };
            ring.notify_at(count);
            let seen = if wait_for_any {
                ring.has_completion()
            } else {
                ring.seems_finished(FIRST)
            };
            let notified = device.join().unwrap();
            assert!(seen || notified);
        });
    }
}

/// The same without the ring around it, without a bound, and with a submitter that comes again: a ring that arrives late
/// neither wakes for nothing for ever nor swallows the next one.
#[test]
fn the_doorbell_loses_no_wake_up() {
    explore(None, || {
        let doorbell = Arc::new(Doorbell::new());
        let published = Arc::new(AtomicU32::new(0));
        let submitter = {
            let (doorbell, published) = (doorbell.clone(), published.clone());
            thread::spawn(move || {
                for n in 1..=2 {
                    published.store(n, Ordering::Release);
                    if doorbell.published() {
                        doorbell.ring();
                    }
                }
            })
        };
        let mut done = 0;
        while done < 2 {
            doorbell.park(|| some(published.load(Ordering::Acquire) != done));
            done = published.load(Ordering::Acquire);
        }
        submitter.join().unwrap();
        assert!(!doorbell.is_parked());
    });
}

/// An active list in memory of its own.
struct Listing {
    active: ActiveList,
    control: Box<Control>,
    words: Vec<AtomicU32>,
    listed: Vec<active::Listing>,
}

impl Listing {
    fn new(tenants: u32) -> Self {
        let zero = |_| AtomicU32::new(0);
        let control = Box::new(Control {
            stop_lease: zero(0),
            counts: std::array::from_fn(zero),
            room: zero(0),
            spare_0: zero(0),
            spare: std::array::from_fn(zero),
        });
        let words: Vec<AtomicU32> = (0..CLASSES * tenants as usize).map(zero).collect();
        Self {
            // SAFETY: both live as long as the list, and nobody else writes to them.
            active: unsafe { ActiveList::new(&*control, words.as_ptr(), tenants) },
            control,
            words,
            listed: (0..tenants).map(|_| active::Listing::new(0, 0)).collect(),
        }
    }

    fn ensure(&self, tenant: u32) {
        self.active.ensure(tenant, &self.listed[tenant as usize]);
    }

    fn sweep(&self, idle: impl Fn(u32) -> bool) {
        self.active.sweep(
            || &self.listed,
            |listed, tenant| &listed[tenant as usize],
            |_, tenant| idle(tenant),
        );
    }

    /// What the kernel sees, in order.
    fn seen(&self) -> Vec<u32> {
        let count = self.control.counts[0].load(Ordering::Relaxed) as usize;
        let mut seen: Vec<u32> = self.words[..count]
            .iter()
            .map(|w| w.load(Ordering::Relaxed))
            .collect();
        seen.sort_unstable();
        seen
    }
}

/// A tenant with work is always listed, and never twice: a submitter, the taker of an earlier completion, and the sweep.
#[test]
fn no_tenant_with_work_is_left_out() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        let doorbell = Arc::new(Doorbell::new());
        let listing = Arc::new(Listing::new(1));
        submit(&kernel, &[job(1)]);
        listing.ensure(0);
        kernel.step().unwrap();
        let submitter = {
            let (kernel, doorbell, listing) = (kernel.clone(), doorbell.clone(), listing.clone());
            thread::spawn(move || {
                submit(&kernel, &[job(2)]);
                doorbell.published();
                listing.ensure(0);
            })
        };
        let taker = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                assert_eq!(take_one(&kernel, FIRST).status, completion_status::OK)
            })
        };
        listing.sweep(|_| kernel.ring.is_empty());
        submitter.join().unwrap();
        taker.join().unwrap();
        assert_eq!(listing.seen(), [0]);
        kernel.step().unwrap();
        take(&kernel, 1);
        listing.sweep(|_| kernel.ring.is_empty());
        assert!(listing.seen().is_empty());
    });
}

/// Two submitters and the sweep: the tenant is listed once at the end, and the other tenant, whose entry moves when one
/// before it is left out, stays.
#[test]
fn no_tenant_is_listed_twice() {
    explore(None, || {
        let listing = Arc::new(Listing::new(2));
        let jobs = Arc::new(AtomicU32::new(0));
        let doorbell = Arc::new(Doorbell::new());
        listing.ensure(0);
        listing.ensure(1);
        let submitter = || {
            let (listing, jobs, doorbell) = (listing.clone(), jobs.clone(), doorbell.clone());
            thread::spawn(move || {
                jobs.fetch_add(1, Ordering::Relaxed);
                doorbell.published();
                listing.ensure(0);
            })
        };
        let submitters = [submitter(), submitter()];
        listing.sweep(|tenant| tenant == 0 && jobs.load(Ordering::Relaxed) == 0);
        submitters.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(listing.seen(), [0, 1]);
        listing.active.remove(0, &listing.listed[0]);
        assert_eq!(listing.seen(), [1]);
    });
}

/// A cancel that races with the completion and the take of its job, and with the next use of the slot, neither cancels
/// the next job nor undoes that one's own cancel.
#[test]
fn a_late_cancel_leaves_the_next_job_alone() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(1, FIRST));
        submit(&kernel, &[job(1)]);
        let canceller = {
            let kernel = kernel.clone();
            thread::spawn(move || kernel.ring.cancel(FIRST))
        };
        let worker = {
            let kernel = kernel.clone();
            thread::spawn(move || assert!(kernel.step().is_some()))
        };
        let first = take(&kernel, 1)[0];
        let cancelled = first.status == completion_status::CANCELLED;
        assert_answers(&first, &job(1), ticket(FIRST), cancelled);
        submit(&kernel, &[job(2)]);
        let cancels_next = kernel.ring.cancel(FIRST + 1);
        assert_eq!(cancels_next, TicketState::Open);
        let told = canceller.join().unwrap();
        worker.join().unwrap();
        assert!(!cancelled || told == TicketState::Open);
        kernel.step().unwrap();
        assert_answers(&take(&kernel, 1)[0], &job(2), ticket(FIRST + 1), true);
        // And the one after is not cancelled by what is left in the slot.
        submit(&kernel, &[job(3)]);
        kernel.step().unwrap();
        assert_eq!(numbers(&take(&kernel, 1)), [3]);
        assert_empty(&kernel);
    });
}

/// When the kernel is gone for good, each job is taken once: as what it completed as if it did, and else with the
/// status of the end.
#[test]
fn the_end_hides_no_completion() {
    explore(None, || {
        let kernel = Arc::new(FakeKernel::new(2, FIRST));
        let jobs = [
            Job {
                flags: flag::TIMING,
                ..job(1)
            },
            job(2),
        ];
        submit(&kernel, &jobs);
        let worker = {
            let kernel = kernel.clone();
            thread::spawn(move || assert!(kernel.step().is_some()))
        };
        let pump = {
            let kernel = kernel.clone();
            thread::spawn(move || {
                worker.join().unwrap();
                kernel.ring.end(completion_status::DEVICE_LOST);
            })
        };
        let by_ticket = {
            let kernel = kernel.clone();
            thread::spawn(move || kernel.ring.take_one(FIRST + 1, ticket(FIRST + 1)).ok())
        };
        let mut taken = [Completion::default(); 2];
        let mut count = kernel.ring.take(&mut taken, ticket);
        pump.join().unwrap();
        if let Some(completion) = by_ticket.join().unwrap() {
            taken[count] = completion;
            count += 1;
        }
        count += kernel.ring.take(&mut taken[count..], ticket);
        assert_eq!(count, 2);
        taken.sort_unstable_by_key(|c| c.ticket);
        assert_answers(&taken[0], &jobs[0], ticket(FIRST), false);
        let expected = Completion {
            ticket: ticket(FIRST + 1),
            user_data: jobs[1].user_data,
            status: completion_status::DEVICE_LOST,
            ..Completion::default()
        };
        assert_eq!(taken[1], expected);
        assert_empty(&kernel);
    });
}

/// Who closes the gate and finds it empty has it for itself until it is opened, and sees what was done inside.
#[test]
fn a_closed_gate_that_is_empty_has_nobody_inside() {
    explore(Some(3), || {
        let gate = Arc::new(Gate::new());
        let inside = Arc::new(UnsafeCell::new(0));
        let submitters: Vec<_> = (0..2)
            .map(|_| {
                let (gate, inside) = (gate.clone(), inside.clone());
                thread::spawn(move || {
                    let pass = gate.enter();
                    // Two may be inside together: they only look.
                    inside.with(|n| assert_eq!(unsafe { *n } % 2, 0));
                    drop(pass);
                })
            })
            .collect();
        let closed = gate.close();
        while !closed.is_empty() {
            yield_now();
        }
        for _ in 0..2 {
            inside.with_mut(|n| unsafe { *n += 1 });
        }
        drop(closed);
        for submitter in submitters {
            submitter.join().unwrap();
        }
    });
}

/// Takes the completion of the one job, blocked as long as it isn't there.
fn take_blocked(kernel: &FakeKernel, watch: &Watch, what: What) -> Completion {
    let mut out = [Completion::default()];
    while kernel.ring.take(&mut out, ticket) == 0 {
        watch.wait(&kernel.ring, what, None);
    }
    out[0]
}

/// A completion that comes while somebody begins to wait for it is found by him, or by the pump after its lease.
#[test]
fn a_completion_wakes_who_waits_for_it() {
    for (what, runs) in [
        (What::Any, false),
        (What::Any, true),
        (What::Position(FIRST), true),
    ] {
        explore(Some(4), move || {
            let kernel = Arc::new(FakeKernel::new(1, FIRST));
            let watch = Watch::new();
            submit(&kernel, &[job(1)]);
            if runs {
                watch.running();
            }
            let pump = {
                let (kernel, watch) = (kernel.clone(), watch.clone());
                thread::spawn(move || {
                    kernel.step().unwrap();
                    watch.between_leases();
                })
            };
            let done = take_blocked(&kernel, &watch, what);
            assert_answers(&done, &job(1), ticket(FIRST), false);
            pump.join().unwrap();
        });
    }
}

/// Of a waiter that begins and a lease that is asked to end at the next completion, one sees the other: without another
/// look of the pump than that at the end of this lease nobody is left waiting.
#[test]
fn a_lease_ends_for_who_came_before_its_completion() {
    explore(Some(4), || {
        let kernel = Arc::new(FakeKernel::new(1, FIRST));
        let watch = Watch::new();
        submit(&kernel, &[job(1)]);
        watch.running();
        let pump = {
            let (kernel, watch) = (kernel.clone(), watch.clone());
            thread::spawn(move || {
                let claim = kernel.claim().unwrap();
                if kernel.complete_and_notify(&claim) {
                    watch.lease_ended();
                }
            })
        };
        let done = take_blocked(&kernel, &watch, What::Any);
        assert_answers(&done, &job(1), ticket(FIRST), false);
        pump.join().unwrap();
    });
}

/// Who begins to wait while the tenant is destroyed, or while the runtime stops, is told, or doesn't begin.
#[test]
fn the_end_wakes_who_waits() {
    for stops in [false, true] {
        explore(None, move || {
            let kernel = Arc::new(FakeKernel::new(1, FIRST));
            let watch = Watch::new();
            let closer = {
                let (kernel, watch) = (kernel.clone(), watch.clone());
                thread::spawn(move || {
                    if stops {
                        kernel.ring.life.stop();
                        watch.stop();
                    } else {
                        kernel.ring.life.advance(State::Gone);
                        watch.wake_ring(&kernel.ring);
                    }
                })
            };
            while kernel.ring.life.is_open(State::Revoked).is_ok() {
                watch.wait(&kernel.ring, What::Any, None);
            }
            closer.join().unwrap();
        });
    }
}
