//! Blocked waiters and event descriptors.
//!
//! The device can't interrupt the host, but the end of a lease does: its fence wakes the pump. So for each ring on which
//! somebody waits the kernel is told at which count of completed jobs to end its lease (`notify_at`); the pump looks at
//! the rings then, and wakes who can be woken, while the next lease is running already. A look at a ring is one load, of
//! that count; only when it has changed are the records looked at.
//!
//! The count tells how many jobs are done, not which. Where a job overtakes an earlier one of its ring the kernel hears
//! of it too late, and a lease that has only begun isn't ended. So a thread looks now and then as well, while the kernel
//! runs and somebody waits. In BATCH mode completions come between launches only, and the pump looks then.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::ring::layout::{NOTIFY_NEVER, POSITION_MASK};
use crate::ring::life;
use crate::ring::submission::{stamp, Ring};
use crate::ring::sync::{
    current_thread, lock, park, park_timeout, AtomicBool, Condvar, Mutex, Ordering, Thread,
};

/// The pause between two looks of the thread. A timed sleep costs a machine several microseconds, a virtual one twenty.
const PAUSE: Duration = Duration::from_millis(2);
/// How often all records are looked at, whatever the counts say: a device may hand on its writes in another order.
const WHOLE_LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a blocked thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Any completion of the ring.
    Any,
    /// That of the job at this position.
    Position(u64),
    /// Those of all jobs before this position.
    Before(u64),
}

/// A blocked thread.
struct Waiter {
    woken: AtomicBool,
    thread: Thread,
}

impl Waiter {
    fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Whether what a waiter waits for has happened.
fn is_ready(ring: &Ring, what: What) -> bool {
    match what {
        What::Any => ring.has_completion(),
        What::Position(p) => ring.seems_finished(p),
        What::Before(p) => ring.all_finished_soon(p),
    }
}

/// A descriptor that is readable while its ring has completions to take.
pub struct EventFd {
    fd: OwnedFd,
    ring: Arc<Ring>,
    raised: Mutex<bool>,
}

impl EventFd {
    pub fn new(ring: Arc<Ring>) -> io::Result<Arc<Self>> {
        // SAFETY: no preconditions.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and ours.
        Ok(Arc::new(Self {
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            ring,
            raised: Mutex::new(false),
        }))
    }

    pub fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Makes the descriptor say whether there is something to take now. Gives whether there no longer is.
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
        !ready
    }
}

/// What waits on one ring.
struct Watched {
    ring: Arc<Ring>,
    waiters: Vec<(What, Arc<Waiter>)>,
    event: Option<Arc<EventFd>>,
    /// The kernel's count when the records were last looked at.
    seen: u32,
}

impl Watched {
    fn new(ring: &Arc<Ring>) -> Self {
        Self {
            ring: ring.clone(),
            waiters: Vec::new(),
            event: None,
            seen: ring.completed(),
        }
    }

    fn is_idle(&self) -> bool {
        self.waiters.is_empty() && self.event.is_none()
    }

    fn is_outstanding(&self) -> bool {
        !self.waiters.is_empty() || (self.event.is_some() && !self.ring.is_empty())
    }

    /// Wakes who can be woken. With `arm`, sees to it that the kernel tells of the next completion that counts.
    ///
    /// A record is there before the count that it is in. Who begins to wait looks for the record after having been
    /// entered here, so a record that came before this read of the count is found by one of the two.
    fn look(&mut self, mut whole: bool, arm: bool) {
        loop {
            let completed = self.ring.completed();
            if completed == self.seen && !whole {
                return;
            }
            self.seen = completed;
            whole = false;
            let ring = &*self.ring;
            self.waiters.retain(|&(what, ref waiter)| {
                let ready = is_ready(ring, what);
                if ready {
                    waiter.wake();
                }
                !ready
            });
            if let Some(event) = &self.event {
                event.update();
            }
            // What completed while the kernel was being told is found by the next turn.
            if arm {
                self.arm();
            }
        }
    }

    /// Tells the kernel at which count to end its lease: the nearest that somebody may wait for.
    fn arm(&self) {
        let done = self.ring.completed();
        let waits = self.waiters.iter().map(|&(what, _)| what);
        let event = self.event.as_ref().filter(|e| !*lock(&e.raised));
        let nearest = waits
            .chain(event.map(|_| What::Any))
            .map(|what| distance(what, done))
            .min();
        self.ring.notify_at(match nearest {
            Some(distance) => (done + distance) & POSITION_MASK,
            None => NOTIFY_NEVER,
        });
    }
}

/// How many completions after the count `done` what is waited for may have happened.
fn distance(what: What, done: u32) -> u32 {
    // If all up to that job were complete, the count would be its stamp. Beyond that its turn may be any time.
    let count = match what {
        What::Any => return 1,
        What::Position(p) => stamp(p),
        What::Before(p) => p as u32,
    };
    match count.wrapping_sub(done) & POSITION_MASK {
        distance if distance <= POSITION_MASK / 2 => distance.max(1),
        _ => 1,
    }
}

#[derive(Default)]
struct State {
    /// By the ring's address.
    rings: HashMap<usize, Watched>,
    /// Whether the kernel runs; else there is nothing to look for.
    running: bool,
    /// The thread sleeps until it is woken.
    sleeping: bool,
    stop: bool,
}

impl State {
    fn watched(&mut self, ring: &Arc<Ring>) -> &mut Watched {
        let entry = self.rings.entry(Arc::as_ptr(ring) as usize);
        entry.or_insert_with(|| Watched::new(ring))
    }

    /// Forgets a ring on which nobody waits any more.
    fn drop_idle(&mut self, ring: &Arc<Ring>) {
        let key = Arc::as_ptr(ring) as usize;
        if self.rings.get(&key).is_some_and(Watched::is_idle) {
            self.rings.remove(&key);
        }
    }

    fn look(&mut self, whole: bool) {
        let arm = self.running;
        self.rings.retain(|_, watched| {
            watched.look(whole, arm);
            !watched.is_idle()
        });
    }

    /// Whether a completion may come that somebody waits for.
    fn is_outstanding(&self) -> bool {
        self.running && self.rings.values().any(Watched::is_outstanding)
    }
}

/// The watcher, and what it watches.
pub struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

impl Watch {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        })
    }

    /// Starts the thread.
    pub fn start(self: &Arc<Self>) -> io::Result<JoinHandle<()>> {
        let watch = self.clone();
        std::thread::Builder::new()
            .name("rota-watch".into())
            .spawn(move || watch.run())
    }

    /// Blocks until `what` has happened, at most until `deadline`. Gives false at the deadline. May come back early.
    pub fn wait(&self, ring: &Arc<Ring>, what: What, deadline: Option<Instant>) -> bool {
        let waiter = Arc::new(Waiter {
            woken: AtomicBool::new(false),
            thread: current_thread(),
        });
        {
            let mut state = lock(&self.state);
            // Who ends either does so before it wakes, under this lock, all that are entered here: who comes after
            // that sees the end.
            if state.stop || ring.life.state() == life::State::Gone {
                return true;
            }
            let running = state.running;
            let watched = state.watched(ring);
            watched.waiters.push((what, waiter.clone()));
            if running {
                watched.arm();
                self.wake_thread(&mut state);
            }
        }
        // The completion may have come before the kernel was told, or the kernel parked since: look once ourselves.
        let ready = is_ready(ring, what);
        while !ready && !waiter.woken.load(Ordering::Acquire) {
            match deadline {
                None => park(),
                Some(deadline) => {
                    let now = Instant::now();
                    if now >= deadline {
                        break;
                    }
                    park_timeout(deadline - now);
                }
            }
        }
        let woken = waiter.woken.load(Ordering::Acquire);
        if !woken {
            // Whoever wakes takes the waiter out.
            let mut state = lock(&self.state);
            let watched = state.watched(ring);
            watched.waiters.retain(|(_, w)| !Arc::ptr_eq(w, &waiter));
            state.drop_idle(ring);
        }
        ready || woken
    }

    /// Watches a descriptor's ring until `forget`.
    pub fn add_event(&self, event: Arc<EventFd>) {
        let mut state = lock(&self.state);
        let running = state.running;
        let watched = state.watched(&event.ring);
        watched.event = Some(event.clone());
        watched.look(true, running);
        self.wake_thread(&mut state);
    }

    /// After completions were taken: the descriptor says whether there are more.
    pub fn update_event(&self, event: &Arc<EventFd>) {
        if event.update() {
            let mut state = lock(&self.state);
            let running = state.running;
            if let Some(watched) = state.rings.get_mut(&(Arc::as_ptr(&event.ring) as usize)) {
                watched.look(true, running);
            }
        }
    }

    pub fn forget(&self, event: &Arc<EventFd>) {
        let mut state = lock(&self.state);
        state.watched(&event.ring).event = None;
        state.drop_idle(&event.ring);
    }

    /// Wakes all that wait on a ring, whatever they wait for: it is being closed.
    pub fn wake_ring(&self, ring: &Arc<Ring>) {
        let mut state = lock(&self.state);
        for (_, waiter) in state.watched(ring).waiters.drain(..) {
            waiter.wake();
        }
        state.drop_idle(ring);
    }

    /// By the pump: the kernel runs now, and completions may come at any time.
    pub fn running(&self) {
        let mut state = lock(&self.state);
        state.running = true;
        state.look(true);
        self.wake_thread(&mut state);
    }

    /// By the pump: a lease has ended, perhaps because of something that somebody waits for.
    pub fn lease_ended(&self) {
        lock(&self.state).look(false);
    }

    /// By the pump: no lease runs, so everything that completed is seen here, and nothing more will until `running` or
    /// the next call of this.
    pub fn between_leases(&self) {
        let mut state = lock(&self.state);
        state.running = false;
        state.look(true);
    }

    /// Ends the thread and wakes everyone.
    pub fn stop(&self) {
        let mut state = lock(&self.state);
        state.stop = true;
        for watched in state.rings.values_mut() {
            for (_, waiter) in watched.waiters.drain(..) {
                waiter.wake();
            }
            if let Some(event) = &watched.event {
                event.update();
            }
        }
        self.changed.notify_all();
    }

    /// Wakes the thread, if it sleeps and there is something to look for.
    fn wake_thread(&self, state: &mut State) {
        if state.sleeping && !state.rings.is_empty() {
            state.sleeping = false;
            self.changed.notify_one();
        }
    }

    fn run(&self) {
        precise_sleep();
        let mut whole_look = Instant::now();
        let mut state = lock(&self.state);
        while !state.stop {
            // A submit to a ring with a descriptor wakes nobody: while the kernel runs there is no sleep without an end.
            let pause = match (
                state.running && !state.rings.is_empty(),
                state.is_outstanding(),
            ) {
                (false, _) => None,
                (true, false) => Some(WHOLE_LOOK_EVERY),
                (true, true) => Some(PAUSE),
            };
            state.sleeping = pause.is_none();
            state = match pause {
                Some(pause) => {
                    let waited = self.changed.wait_timeout(state, pause);
                    waited.unwrap_or_else(|p| p.into_inner()).0
                }
                None => self.changed.wait(state).unwrap_or_else(|p| p.into_inner()),
            };
            let whole = whole_look.elapsed() >= WHOLE_LOOK_EVERY;
            if whole {
                whole_look = Instant::now();
            }
            state.look(whole);
        }
    }
}

/// By default Linux lets a thread sleep 50 us longer than it asked for.
fn precise_sleep() {
    #[cfg(target_os = "linux")]
    // SAFETY: changes only how long this thread's timers may be late.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_000u64, 0, 0, 0);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_over_at_the_count_that_holds_its_job() {
        for first in [0, 1 << 20, (1 << 31) - 5, (1 << 31) - 1, (1 << 32) - 2] {
            let count = |jobs: u64| (first + jobs) as u32 & POSITION_MASK;
            // The job at `first` is the first one to be counted.
            for (position, done, expected) in [(0, 0, 1), (9, 0, 10), (9, 4, 6), (9, 9, 1)] {
                let what = What::Position(first + position);
                assert_eq!(distance(what, count(done)), expected, "{first}");
                let what = What::Before(first + position + 1);
                assert_eq!(distance(what, count(done)), expected, "{first}");
            }
            // Others have overtaken it: any of the next completions may be its own.
            assert_eq!(distance(What::Position(first), count(1)), 1);
            assert_eq!(distance(What::Position(first), count(7)), 1);
            assert_eq!(distance(What::Any, count(3)), 1);
        }
    }
}
