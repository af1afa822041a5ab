//! Progress lines, and the end of a scenario that hangs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::hold_up::WATCHDOG;

/// Without any progress for so long a scenario counts as hung. A cold compile of the kernel by a software driver
/// takes up to a minute, and more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Runs `work` in this thread while another one looks at `progress` and tells it. If it stands still for too long, the
/// state is printed and the process ends with exit code 1: hung threads can't be joined.
pub fn watched<T>(
    progress: &AtomicU64,
    total: u64,
    state: impl Fn() -> String + Sync,
    work: impl FnOnce() -> T,
) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(WATCHDOG.into());
        let started = thread.spawn_scoped(scope, || watch(progress, total, &state, &done));
        started.expect("a thread can be started");
        let result = work();
        done.store(true, Ordering::Release);
        result
    })
}

fn watch(progress: &AtomicU64, total: u64, state: &impl Fn() -> String, done: &AtomicBool) {
    let started = Instant::now();
    let (mut last, mut moved) = (0, started);
    let (mut told, mut told_at) = (0, started);
    while !done.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(20));
        let now = progress.load(Ordering::Relaxed);
        if now != last {
            (last, moved) = (now, Instant::now());
        }
        if told_at.elapsed() >= TELL_EVERY {
            let rate = (now - told) as f64 / told_at.elapsed().as_secs_f64();
            let percent = 100.0 * now as f64 / total.max(1) as f64;
            println!(
                "    {:6.1} s  {now:>11} of {total} ({percent:.0} %)  {rate:.0}/s",
                started.elapsed().as_secs_f64()
            );
            (told, told_at) = (now, Instant::now());
        }
        if moved.elapsed() >= PATIENCE {
            println!(
                "    HUNG: nothing has moved for {} s, at {now} of {total}",
                PATIENCE.as_secs()
            );
            println!("{}", state());
            std::process::exit(1);
        }
    }
}
