//! Threads of a software driver that are held up for seconds, wherever they are: between two claims, or amid one.
//!
//! No handler can stall a worker for so long, since fuel bounds it. So the thread that runs the worker gets a signal whose
//! handler sleeps. It is SIGSYS, because Mesa's threads block all that programs commonly use.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::jobs::mix64;

/// How long who gets the signal sleeps, and how many have slept.
static NANOSECONDS: AtomicU64 = AtomicU64::new(0);
static SLEPT: AtomicU64 = AtomicU64::new(0);

/// Threads of the library and of this program. A driver's may have the program's name.
const OTHERS: [&str; 5] = ["rota-pump", "rota-watch", "rota-spans", PRODUCER, WATCHDOG];
pub const PRODUCER: &str = "producer";
pub const WATCHDOG: &str = "watchdog";

/// The driver's threads: those that are there now are not.
pub struct Threads {
    before: BTreeSet<libc::pid_t>,
}

impl Threads {
    pub fn from_now() -> Self {
        Self { before: ids() }
    }

    /// Those that work most, as many as a machine with two cores has at work.
    fn busiest(&self) -> Vec<libc::pid_t> {
        let mut threads: Vec<_> = ids().difference(&self.before).copied().collect();
        threads.retain(|id| {
            let name = std::fs::read_to_string(format!("/proc/self/task/{id}/comm"));
            name.is_ok_and(|name| !OTHERS.contains(&name.trim_end())) && !is_deaf(*id)
        });
        threads.sort_by_cached_key(|&thread| std::cmp::Reverse(ticks(thread)));
        threads.truncate(2);
        threads
    }

    /// Holds up one or another of those that work most, until `is_over`. Tells how often, and how long in all. On a driver
    /// without threads it is never.
    pub fn hold_up(&self, seed: u64, is_over: impl Fn() -> bool) -> (u32, Duration) {
        let (mut times, mut long) = (0, Duration::ZERO);
        let mut random = seed;
        install();
        loop {
            random = mix64(random);
            let busiest = self.busiest();
            if busiest.is_empty() {
                return (times, long);
            }
            let thread = busiest[random as usize % busiest.len()];
            let pause = Duration::from_millis(200 + (random >> 32) % 2_300);
            NANOSECONDS.store(pause.as_nanos() as u64, Ordering::Relaxed);
            let before = SLEPT.load(Ordering::Acquire);
            let started = Instant::now();
            // SAFETY: the thread is one of this process; at worst it has ended, which is an error.
            let sent = unsafe {
                libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGSYS) == 0
            };
            // It may have ended before it heard.
            let most = pause + Duration::from_secs(30);
            while sent && SLEPT.load(Ordering::Acquire) == before && started.elapsed() < most {
                std::thread::sleep(Duration::from_millis(1));
            }
            if SLEPT.load(Ordering::Acquire) != before {
                times += 1;
                long += started.elapsed();
            }
            if is_over() {
                return (times, long);
            }
            std::thread::sleep(Duration::from_millis(random >> 16 & 31));
        }
    }
}

/// The threads of this process.
fn ids() -> BTreeSet<libc::pid_t> {
    let entries = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}

/// Whether a thread has blocked the signal: it would wait for ever.
fn is_deaf(thread: libc::pid_t) -> bool {
    let status = std::fs::read_to_string(format!("/proc/self/task/{thread}/status"));
    let status = status.unwrap_or_default();
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let blocked = blocked.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    blocked.is_none_or(|mask| mask >> (libc::SIGSYS - 1) & 1 != 0)
}

/// Of the processor's time, what a thread has used.
fn ticks(thread: libc::pid_t) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat"));
    let stat = stat.unwrap_or_default();
    // Behind the name, which may hold anything: user's and system's are the twelfth and thirteenth.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let used = fields.split_ascii_whitespace().skip(11).take(2);
    used.filter_map(|n| n.parse::<u64>().ok()).sum()
}

fn install() {
    // SAFETY: zero is a valid one: no flags, no other signal blocked.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = sleep as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may, and nobody else in this program has one for this signal.
    let done = unsafe { libc::sigaction(libc::SIGSYS, &action, std::ptr::null_mut()) };
    assert_eq!(done, 0, "SIGSYS can have a handler");
}

extern "C" fn sleep(_: libc::c_int) {
    let nanoseconds = NANOSECONDS.load(Ordering::Relaxed);
    let time = libc::timespec {
        tv_sec: (nanoseconds / 1_000_000_000) as _,
        tv_nsec: (nanoseconds % 1_000_000_000) as _,
    };
    // SAFETY: sleeping is allowed in a handler, which leaves the number of the last error as it was.
    unsafe {
        let error = *libc::__errno_location();
        libc::nanosleep(&time, std::ptr::null_mut());
        *libc::__errno_location() = error;
    }
    SLEPT.fetch_add(1, Ordering::Release);
}
