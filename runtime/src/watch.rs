//! Blocked waiters and event descriptors.
//!
//! The device can't interrupt the host. One thread looks at the records that blocked waiters wait for, at a pace that
//! adapts: soon after something was begun to be waited for, then more seldom the longer it takes, so that many waiters
//! on long jobs cost next to nothing. While the kernel is parked nothing can complete, and the thread sleeps.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::ring::submission::Ring;
use crate::ring::sync::lock;

/// The pause between two looks, at first: what waits since a millisecond or less may end any moment.
const SHORTEST: Duration = Duration::from_micros(60);
/// The pause while waits last up to `LONG_WAIT`.
const USUAL: Duration = Duration::from_micros(120);
/// From here on the pause grows with the time that nothing happened.
const LONG_WAIT: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(2);

/// How long to pause when nothing has happened for `quiet`.
fn pause(quiet: Duration) -> Duration {
    if quiet < LONG_WAIT {
        (quiet / 16).clamp(SHORTEST, USUAL)
    } else {
        (quiet / 800).clamp(USUAL, LONGEST)
    }
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
}

impl EventFd {
    pub fn new(ring: Arc<Ring>) -> Result<Arc<Self>, Error> {
        // SAFETY: no preconditions.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(Error::System { what: "eventfd", source: std::io::Error::last_os_error() });
        }
        // SAFETY: the descriptor is new and ours.
        Ok(Arc::new(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) }, ring, raised: Mutex::new(false) }))
    }

    pub fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Makes the descriptor say whether there is something to take now.
    pub fn update(&self) {
        let mut raised = lock(&self.raised);
        let ready = self.ring.has_completion();
        if ready == *raised {
            return;
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
}

impl Watch {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::default()), changed: Condvar::new() })
    }

    /// Starts the thread.
    pub fn start(self: &Arc<Self>) -> Result<JoinHandle<()>, Error> {
        let watch = self.clone();
        std::thread::Builder::new()
            .name("rota-watch".into())
            .spawn(move || watch.run())
            .map_err(|source| Error::System { what: "starting the watcher thread", source })
    }

    /// Blocks until `what` has happened, at most until `deadline`. Gives false at the deadline. May come back early.
    pub fn wait(&self, ring: &Arc<Ring>, what: What, deadline: Option<Instant>) -> bool {
        let waiter = Arc::new(Waiter {
            ring: ring.clone(),
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
        lock(&self.state).waiters.retain(|w| !Arc::ptr_eq(w, &waiter));
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

    /// Wakes all that wait on a ring, whatever they wait for: it is being closed.
    pub fn wake_ring(&self, ring: &Arc<Ring>) {
        for waiter in lock(&self.state).waiters.iter().filter(|w| Arc::ptr_eq(&w.ring, ring)) {
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
        look_at(&mut state);
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
        let mut quiet_since = Instant::now();
        let mut state = lock(&self.state);
        while !state.stop {
            let outstanding = state.running
                && (!state.waiters.is_empty() || state.events.iter().any(|e| !e.ring.is_empty()));
            if !outstanding {
                state = if state.running && !state.events.is_empty() {
                    // A submit to an idle ring of a running kernel isn't announced: look now and then.
                    let waited = self.changed.wait_timeout(state, LONGEST);
                    waited.unwrap_or_else(|p| p.into_inner()).0
                } else {
                    self.changed
                        .wait(state)
                        .unwrap_or_else(|p| p.into_inner())
                };
                quiet_since = Instant::now();
                continue;
            }
            if look_at(&mut state) != 0 || std::mem::take(&mut state.fresh) {
                quiet_since = Instant::now();
            }
            drop(state);
            std::thread::sleep(pause(quiet_since.elapsed()));
            state = lock(&self.state);
        }
    }
}

/// Wakes who can be woken; gives how many.
fn look_at(state: &mut State) -> usize {
    let before = state.waiters.len();
    state.waiters.retain(|waiter| {
        let ready = waiter.ready();
        if ready {
            waiter.wake();
        }
        !ready
    });
    for event in &state.events {
        event.update();
    }
    before - state.waiters.len()
}

/// By default Linux lets a thread sleep 50 us longer than it asked for.
fn precise_sleep() {
    #[cfg(target_os = "linux")]
    // SAFETY: changes only how long this thread's timers may be late.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_000u64, 0, 0, 0);
    }
}
