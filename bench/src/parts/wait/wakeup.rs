//! How late a blocked waiter is woken. There is no clock that the device and the host share, so it is
//! found in two ways: against a spinning wait for the same job, and against an observer.

use super::load::{lock, Epoll, Load};
use crate::api::{self, Completion};
use crate::clock::{now_ns, sleep_us};
use crate::rota::{expect_echo, Tenant};
use crate::stats::{Object, Samples};
use crate::Fallible;
use std::collections::{BTreeSet, HashMap};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Copy)]
enum Way<'a> {
    Call(u32),
    Event(&'a Epoll),
}

/// Tiny jobs one at a time, each way of waiting after the other, up to `count` of each: how
/// much later a blocked wait ends than a spinning one, in microseconds.
pub fn probe(
    tenant: &Tenant,
    count: usize,
    limit: Duration,
    object: &mut Object,
) -> Fallible<Samples> {
    let epoll = Epoll::new(tenant.event_fd()?)?;
    let (mut spin, mut block, mut event) = (Samples::new(), Samples::new(), Samples::new());
    let mut adaptive = Samples::new();
    let begin = Instant::now();
    for _ in 0..count {
        // A kernel that is slow to answer must not make the part endless.
        if begin.elapsed() > limit {
            break;
        }
        let spinning = round_trip_us(tenant, Way::Call(api::WAIT_SPIN))?;
        spin.push(spinning);
        block.push(round_trip_us(tenant, Way::Call(api::WAIT_BLOCK))? - spinning);
        adaptive.push(round_trip_us(tenant, Way::Call(api::WAIT_ADAPTIVE))? - spinning);
        event.push(round_trip_us(tenant, Way::Event(&epoll))? - spinning);
    }
    block.write_events(object, "probe", "us");
    adaptive.write_events(object, "adaptive", "us");
    event.write_events(object, "event", "us");
    spin.write_events(object, "spin_round_trip", "us");
    Ok(block)
}

fn round_trip_us(tenant: &Tenant, way: Way) -> Fallible<f64> {
    // Apart from the job before, so that nothing of it is still going on.
    sleep_us(1000);
    let begin = now_ns();
    let mut job = api::scalar(api::OP_NOP, begin as u32, 0);
    job.user_data = begin;
    let mut done = [Completion::default()];
    tenant.submit_one(&job)?;
    match way {
        Way::Call(wait) => while tenant.poll(&mut done, wait, api::FOREVER)? == 0 {},
        Way::Event(epoll) => {
            while tenant.poll(&mut done, api::WAIT_SPIN, 0)? == 0 {
                epoll.wait()?;
            }
        }
    }
    let nanoseconds = now_ns() - begin;
    expect_echo(&done[0])?;
    Ok(nanoseconds as f64 / 1e3)
}

/// Watches the oldest ticket of the blocked waiters for `window` and compares with their own times:
/// how late they were, in microseconds.
pub fn observe(load: &Load, window: Duration, object: &mut Object) -> Fallible<Samples> {
    lock(&load.woken).clear();
    let seen = thread::scope(|scope| {
        thread::Builder::new()
            .name("observer".into())
            .spawn_scoped(scope, || watch(load, window))?
            .join()
            .map_err(|_| "the observer panicked")?
    })?;
    // The last waiters that were seen get the time to come back.
    thread::sleep(Duration::from_millis(100));
    let woken: HashMap<u64, u64> = lock(&load.woken).iter().copied().collect();
    let mut late = Samples::new();
    for (ticket, time) in seen {
        if let Some(back) = woken.get(&ticket) {
            late.push(back.saturating_sub(time) as f64 / 1e3);
        }
    }
    late.write_events(object, "observed", "us");
    Ok(late)
}

/// Tickets and when they were first seen finished. Runs in the scheduler's idle class: a thread that
/// is woken takes the core from it at once.
fn watch(load: &Load, window: Duration) -> Fallible<Vec<(u64, u64)>> {
    // SAFETY: a plain system call for this thread, with a valid parameter.
    unsafe {
        let parameter: libc::sched_param = std::mem::zeroed();
        if libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameter) != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
    }
    let mut seen = Vec::new();
    let mut open = BTreeSet::new();
    let begin = now_ns();
    while now_ns() - begin < window.as_nanos() as u64 {
        open.extend(lock(&load.begun).drain(..));
        let Some(&ticket) = open.first() else {
            continue;
        };
        if !load.waiting.is_open(ticket)? {
            seen.push((ticket, now_ns()));
            open.pop_first();
        }
    }
    // Tickets that were finished before the watch are all seen at its begin: too late.
    seen.retain(|(_, time)| time - begin > 50_000_000);
    Ok(seen)
}
