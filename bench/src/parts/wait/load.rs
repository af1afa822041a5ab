//! The load of the wait part: a tenant that keeps the kernel busy, 100 blocked waiters, and a thread
//! that sleeps on an event descriptor.

use super::cpu::{EVENT, FEEDER, WAITER};
use crate::api::{self, Completion, Job};
use crate::clock::{now_ns, sleep_us};
use crate::rota::{expect_ok, Runtime, Tenant};
use crate::Fallible;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope};

pub const WAITERS: usize = 100;

/// Well below every driver's loop limit, and long enough that feeding it is rare.
const SPIN_ITERATIONS: u32 = 4000;
const BUSY_SLOTS: u32 = 4096;
/// One tile sums this many words: little, so that a job is long by its number of tiles.
const TILE_WORDS: u32 = 64;
const MAX_TILES: u32 = 1 << 16;
const JOB_NS: u64 = 10_000_000;

pub struct Load<'l> {
    busy: Tenant<'l>,
    pub waiting: Tenant<'l>,
    event: Tenant<'l>,
    waiting_words: u32,
    event_words: u32,
    tiles: AtomicU32,
    stop: AtomicBool,
    wakeups: AtomicU64,
    dry: AtomicU64,
    /// Tickets that waiters have begun to wait for, and when they had their completions.
    pub begun: Mutex<Vec<u64>>,
    pub woken: Mutex<Vec<(u64, u64)>>,
    failure: Mutex<Option<String>>,
}

/// Ends the load's threads when it goes out of scope.
pub struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl<'l> Load<'l> {
    pub fn new(runtime: &Runtime<'l>) -> Fallible<Load<'l>> {
        let ones = vec![1_u32; (MAX_TILES * TILE_WORDS) as usize];
        let make = |label: &str| -> Fallible<(Tenant<'l>, u32)> {
            let tenant = runtime.tenant(label, 0)?;
            let words = tenant.buffer(u64::from(MAX_TILES * TILE_WORDS) * 4)?;
            tenant.write(words, &ones)?;
            Ok((tenant, words))
        };
        let (waiting, waiting_words) = make("waiting")?;
        let (event, event_words) = make("event")?;
        Ok(Load {
            busy: runtime.tenant("busy", BUSY_SLOTS)?,
            waiting,
            event,
            waiting_words,
            event_words,
            tiles: AtomicU32::new(2000),
            stop: AtomicBool::new(false),
            wakeups: AtomicU64::new(0),
            dry: AtomicU64::new(0),
            begun: Mutex::new(Vec::new()),
            woken: Mutex::new(Vec::new()),
            failure: Mutex::new(None),
        })
    }

    pub fn stop_on_drop(&self) -> StopOnDrop<'_> {
        StopOnDrop(&self.stop)
    }

    /// Times one job beside the busy tenant and chooses the number of tiles for about 10 ms.
    pub fn calibrate(&self) -> Fallible<()> {
        let begin = now_ns();
        let ticket = self.waiting.submit_one(&self.job(self.waiting_words))?;
        self.check(&self.waiting.wait(ticket, api::WAIT_BLOCK)?)?;
        let took = (now_ns() - begin).max(1);
        let tiles = u64::from(self.tiles.load(Relaxed)) * JOB_NS / took;
        self.tiles
            .store(tiles.clamp(100, u64::from(MAX_TILES)) as u32, Relaxed);
        Ok(())
    }

    pub fn start_busy<'s>(&'s self, scope: &'s Scope<'s, '_>) -> Fallible<()> {
        self.start(scope, FEEDER, || self.keep_busy())
    }

    pub fn start_waiters<'s>(&'s self, scope: &'s Scope<'s, '_>) -> Fallible<()> {
        (0..WAITERS).try_for_each(|_| self.start(scope, WAITER, || self.wait_blocked()))
    }

    pub fn start_event<'s>(&'s self, scope: &'s Scope<'s, '_>) -> Fallible<()> {
        self.start(scope, EVENT, || self.wait_for_event())
    }

    /// Wake-ups of waiters and of the epoll thread so far.
    pub fn wakeups(&self) -> u64 {
        self.wakeups.load(Relaxed)
    }

    /// How often the busy tenant had no job left when its feeder looked.
    pub fn ran_dry(&self) -> u64 {
        self.dry.load(Relaxed)
    }

    /// The first error of a thread of the load, after all have ended.
    pub fn finish(&self) -> Fallible<()> {
        match lock(&self.failure).take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    fn start<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        name: &str,
        body: impl FnOnce() -> Fallible<()> + Send + 's,
    ) -> Fallible<()> {
        Builder::new()
            .name(name.to_string())
            .stack_size(128 << 10)
            .spawn_scoped(scope, move || {
                if let Err(error) = body() {
                    lock(&self.failure).get_or_insert(format!("{error}"));
                }
            })?;
        Ok(())
    }

    /// Tops the busy tenant's ring up every millisecond, without waiting through the library.
    fn keep_busy(&self) -> Fallible<()> {
        let jobs = [api::scalar(api::OP_SPIN, SPIN_ITERATIONS, 1); 64];
        let mut tickets = [0; 64];
        let mut done = [Completion::default(); 256];
        let mut outstanding = 0;
        while !self.stop.load(Relaxed) || outstanding > 0 {
            loop {
                let count = self.busy.poll(&mut done, api::WAIT_SPIN, 0)?;
                done[..count].iter().try_for_each(expect_ok)?;
                outstanding -= count;
                if count < done.len() {
                    break;
                }
            }
            if !self.stop.load(Relaxed) {
                self.dry.fetch_add(u64::from(outstanding == 0), Relaxed);
                loop {
                    let accepted = self.busy.submit(&jobs, &mut tickets)?;
                    outstanding += accepted;
                    if accepted < jobs.len() {
                        break;
                    }
                }
            }
            sleep_us(1000);
        }
        Ok(())
    }

    fn wait_blocked(&self) -> Fallible<()> {
        while !self.stop.load(Relaxed) {
            let ticket = self.waiting.submit_one(&self.job(self.waiting_words))?;
            lock(&self.begun).push(ticket);
            let completion = self.waiting.wait(ticket, api::WAIT_BLOCK)?;
            let time = now_ns();
            self.check(&completion)?;
            lock(&self.woken).push((ticket, time));
            self.wakeups.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn wait_for_event(&self) -> Fallible<()> {
        let epoll = Epoll::new(self.event.event_fd()?)?;
        while !self.stop.load(Relaxed) {
            self.event.submit_one(&self.job(self.event_words))?;
            let mut done = [Completion::default()];
            while self.event.poll(&mut done, api::WAIT_SPIN, 0)? == 0 {
                epoll.wait()?;
                self.wakeups.fetch_add(1, Relaxed);
            }
            self.check(&done[0])?;
        }
        Ok(())
    }

    fn job(&self, words: u32) -> Job {
        let tiles = self.tiles.load(Relaxed);
        let mut job = api::tiled(api::OP_SUM_U32, tiles, &[words, 0, tiles * TILE_WORDS]);
        job.user_data = u64::from(tiles * TILE_WORDS);
        job
    }

    fn check(&self, completion: &Completion) -> Fallible<()> {
        expect_ok(completion)?;
        let [low, high] = completion.results;
        let sum = u64::from(low) | u64::from(high) << 32;
        if sum != completion.user_data {
            return Err(format!("a sum is {sum}, not {}", completion.user_data).into());
        }
        Ok(())
    }
}

/// An epoll set with one descriptor, level-triggered.
pub struct Epoll(i32);

impl Epoll {
    pub fn new(fd: i32) -> Fallible<Epoll> {
        // SAFETY: plain system calls on descriptors that are open.
        unsafe {
            let epoll = Epoll(libc::epoll_create1(libc::EPOLL_CLOEXEC));
            let mut event = libc::epoll_event {
                events: libc::EPOLLIN as u32,
                u64: 0,
            };
            if epoll.0 < 0 || libc::epoll_ctl(epoll.0, libc::EPOLL_CTL_ADD, fd, &mut event) != 0 {
                return Err(std::io::Error::last_os_error().into());
            }
            Ok(epoll)
        }
    }

    /// Sleeps until the descriptor is readable, and for 5 s at most.
    pub fn wait(&self) -> Fallible<()> {
        // SAFETY: zero is valid for the event, which is valid for the call.
        unsafe {
            let mut event: libc::epoll_event = std::mem::zeroed();
            match libc::epoll_wait(self.0, &mut event, 1, 5000) {
                1 => Ok(()),
                0 => Err("the event descriptor did not become readable within 5 s".into()),
                _ => Err(std::io::Error::last_os_error().into()),
            }
        }
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this one's own.
        unsafe { libc::close(self.0) };
    }
}

/// A thread of the load that panicked leaves its data as good as it was.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
