//! Blocked waiters and event descriptors.
//!
//! The device can't interrupt the host. One thread looks at the records that blocked waiters wait for, at a pace that
//! adapts: soon after something was begun to be waited for, then more seldom the longer it takes, so that many waiters
//! on long jobs cost next to nothing. While the kernel is parked nothing can complete, and the thread sleeps.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::ring::submission::Ring;
use crate::ring::sync::lock;

/// The shortest pause between two looks. A sleep costs the machine several microseconds, whatever is looked at.
const SHORTEST: u64 = 150_000;
/// The longest pause before a completion is due, and for a short while after.
const USUAL: u64 = 240_000;
/// The longest pause.
const LONGEST: u64 = 2_000_000;

/// How long to pause, with the next completion due in `gap` nanoseconds or overdue by as much. Towards the time when
/// it is due the looks get denser, and behind it they spread out again: if completions come regularly a few looks are
/// enough for each, and if they don't, none is late by much more than a quarter of the time that it took.
fn pause(gap: i64) -> Duration {
    let distance = gap.unsigned_abs();
    Duration::from_nanos(if gap > 0 {
        (distance / 2).clamp(SHORTEST, LONGEST)
    } else if distance < 400 * USUAL {
        (distance / 4).clamp(SHORTEST, USUAL)
    } else {
        (distance / 400).clamp(USUAL, LONGEST)
    })
}

/// What a blocked thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Any completion of the ring.
    Any,
    /// That of the job at this position.
    Position(u64),
}

/// A blocked thread.
struct Waiter {
    ring: Arc<Ring>,
    /// When it began to wait, on the watcher's clock.
    since: u64,
    what: What,
    woken: AtomicBool,
    thread: Thread,
}

impl Waiter {
    fn ready(&self) -> bool {
        match self.what {
            What::Any => self.ring.has_completion(),
            What::Position(p) => self.ring.seems_finished(p),
        }
    }

    fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A descriptor that is readable while its ring has completions to take.
pub struct EventFd {
    fd: OwnedFd,
    ring: Arc<Ring>,
    raised: Mutex<bool>,
    /// When its ring got jobs after it had none, on the watcher's clock; 0 while it has none.
    since: AtomicU64,
}

impl EventFd {
    pub fn new(ring: Arc<Ring>) -> Result<Arc<Self>, Error> {
        // SAFETY: no preconditions.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(Error::System {
                what: "eventfd",
                source: std::io::Error::last_os_error(),
            });
        }
        // SAFETY: the descriptor is new and ours.
        Ok(Arc::new(Self {
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            ring,
            raised: Mutex::new(false),
            since: AtomicU64::new(0),
        }))
    }

    pub fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Makes the descriptor say whether there is something to take now. Gives whether that is new.
    pub fn update(&self) -> bool {
        let mut raised = lock(&self.raised);
        let ready = self.ring.has_completion();
        if ready == *raised {
            return false;
        }
        let mut word = 1u64;
        let pointer = (&raw mut word).cast::<libc::c_void>();
        // SAFETY: the descriptor is open, and the word has 8 bytes. The counter never exceeds 1, so neither call can
        // block or fail but by a signal, and then the next update tries again.
        let moved = unsafe {
            if ready {
                libc::write(self.raw(), pointer, 8)
            } else {
                libc::read(self.raw(), pointer, 8)
            }
        };
        if moved == 8 {
            *raised = ready;
        }
        ready
    }
}

#[derive(Default)]
struct State {
    waiters: Vec<Arc<Waiter>>,
    events: Vec<Arc<EventFd>>,
    /// Whether the kernel runs; else there is nothing to look for.
    running: bool,
    /// Something was added since the last look.
    fresh: bool,
    stop: bool,
}

/// The watcher, and what it watches.
pub struct Watch {
    state: Mutex<State>,
    changed: Condvar,
    /// The watcher pauses.
    pausing: AtomicBool,
    started: Instant,
}

impl Watch {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            pausing: AtomicBool::new(false),
            started: Instant::now(),
        })
    }

    /// Nanoseconds on the watcher's clock; never 0.
    fn now(&self) -> u64 {
        1 + self.started.elapsed().as_nanos() as u64
    }

    /// Starts the thread.
    pub fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, Error> {
        let watch = self.clone();
        std::thread::Builder::new()
            .name("rota-watch".into())
            .spawn(move || watch.run())
            .map_err(|source| Error::System {
                what: "starting the watcher thread",
                source,
            })
    }

    /// Blocks until `what` has happened, at most until `deadline`. Gives false at the deadline. May come back early.
    pub fn wait(&self, ring: &Arc<Ring>, what: What, deadline: Option<Instant>) -> bool {
        let waiter = Arc::new(Waiter {
            ring: ring.clone(),
            since: self.now(),
            what,
            woken: AtomicBool::new(false),
            thread: std::thread::current(),
        });
        {
            let mut state = lock(&self.state);
            if state.stop {
                return true;
            }
            state.waiters.push(waiter.clone());
            // A sleeping watcher has to hear of it; one that is about to look again finds it by itself.
            if state.running && !state.fresh {
                state.fresh = true;
                self.changed.notify_one();
            }
        }
        // The completion may have come before we were in the list, and the kernel parked since: look once ourselves.
        if waiter.ready() {
            waiter.woken.store(true, Ordering::Relaxed);
        }
        while !waiter.woken.load(Ordering::Acquire) {
            match deadline {
                None => std::thread::park(),
                Some(deadline) => {
                    let now = Instant::now();
                    if now >= deadline {
                        break;
                    }
                    std::thread::park_timeout(deadline - now);
                }
            }
        }
        let woken = waiter.woken.load(Ordering::Acquire);
        lock(&self.state)
            .waiters
            .retain(|w| !Arc::ptr_eq(w, &waiter));
        woken
    }

    /// Watches a descriptor's ring until `forget`.
    pub fn add_event(&self, event: Arc<EventFd>) {
        event.update();
        let mut state = lock(&self.state);
        state.events.push(event);
        state.fresh = true;
        self.changed.notify_one();
    }

    pub fn forget(&self, event: &Arc<EventFd>) {
        lock(&self.state).events.retain(|e| !Arc::ptr_eq(e, event));
    }

    /// By a submit to a ring that has a descriptor and had no jobs: there is something to watch.
    pub fn nudge(&self) {
        if self.pausing.load(Ordering::Relaxed) {
            let _state = lock(&self.state);
            self.changed.notify_one();
        }
    }

    /// Wakes all that wait on a ring, whatever they wait for: it is being closed.
    pub fn wake_ring(&self, ring: &Arc<Ring>) {
        for waiter in lock(&self.state)
            .waiters
            .iter()
            .filter(|w| Arc::ptr_eq(&w.ring, ring))
        {
            waiter.wake();
        }
    }

    /// By the pump: the kernel runs now.
    pub fn running(&self) {
        let mut state = lock(&self.state);
        state.running = true;
        if !state.waiters.is_empty() || !state.events.is_empty() {
            self.changed.notify_one();
        }
    }

    /// By the pump: no lease runs, so everything that completed is seen here, and nothing more will until `running`.
    pub fn parked(&self) {
        let mut state = lock(&self.state);
        state.running = false;
        look_at(&mut state, self.now());
    }

    /// Ends the thread and wakes everyone.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.stop = true;
        for waiter in &state.waiters {
            waiter.wake();
        }
        for event in &state.events {
            event.update();
        }
        self.changed.notify_all();
    }

    fn run(&self) {
        precise_sleep();
        let mut state = lock(&self.state);
        while !state.stop {
            let outstanding = state.running
                && (!state.waiters.is_empty() || state.events.iter().any(|e| !e.ring.is_empty()));
            // Whoever begins to wait cuts the pause short. A submit to a ring with a descriptor may miss that we pause: so
            // no pause is for ever while the kernel runs.
            let pause = if outstanding {
                state.fresh = false;
                pause(look_at(&mut state, self.now()))
            } else {
                Duration::from_nanos(LONGEST)
            };
            self.pausing.store(true, Ordering::Relaxed);
            state = if outstanding || (state.running && !state.events.is_empty()) {
                let waited = self.changed.wait_timeout(state, pause);
                waited.unwrap_or_else(|p| p.into_inner()).0
            } else {
                self.changed.wait(state).unwrap_or_else(|p| p.into_inner())
            };
            self.pausing.store(false, Ordering::Relaxed);
        }
    }
}

/// Wakes who can be woken. Gives in how many nanoseconds the next completion is due, as far as the past tells; a
/// negative number if it should be here already.
fn look_at(state: &mut State, now: u64) -> i64 {
    state.waiters.retain(|waiter| {
        let ready = waiter.ready();
        if ready {
            answered(&waiter.ring, waiter.since, now);
            waiter.wake();
        }
        !ready
    });
    for event in &state.events {
        if event.update() {
            answered(&event.ring, event.since.load(Ordering::Relaxed), now);
        }
        if event.ring.is_empty() {
            event.since.store(0, Ordering::Relaxed);
        } else if event.since.load(Ordering::Relaxed) == 0 {
            event.since.store(now, Ordering::Relaxed);
        }
    }
    let waiting = state.waiters.iter().map(|w| (&w.ring, w.since));
    let watched = state
        .events
        .iter()
        .map(|e| (&e.ring, e.since.load(Ordering::Relaxed)));
    waiting
        .chain(watched)
        .filter(|(ring, _)| !ring.is_empty())
        .map(|(ring, since)| {
            let begin = since.max(ring.pace.last.load(Ordering::Relaxed));
            begin as i64 + ring.pace.mean.load(Ordering::Relaxed) as i64 - now as i64
        })
        .min()
        .unwrap_or(0)
}

/// Learns from an answer how long it took since the one before, or since the wait began.
fn answered(ring: &Ring, since: u64, now: u64) {
    let took = now - since.max(ring.pace.last.load(Ordering::Relaxed)).min(now);
    let mean = ring.pace.mean.load(Ordering::Relaxed);
    let mean = if mean == 0 {
        took
    } else {
        mean - mean / 4 + took / 4
    };
    ring.pace.mean.store(mean, Ordering::Relaxed);
    ring.pace.last.store(now, Ordering::Relaxed);
}

/// By default Linux lets a thread sleep 50 us longer than it asked for.
fn precise_sleep() {
    #[cfg(target_os = "linux")]
    // SAFETY: changes only how long this thread's timers may be late.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_000u64, 0, 0, 0);
    }
}
