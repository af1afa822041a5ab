//! Many blocked waiters while the kernel is busy: what they cost, and how late they are woken.

mod cpu;
mod load;
mod wakeup;

use super::Part;
use crate::context::{Context, Progress};
use crate::rota::{options, Runtime};
use crate::stats::{put, Object};
use crate::Fallible;
use load::{Load, WAITERS};
use std::thread;
use std::time::Duration;

pub const PART: Part = Part {
    name: "wait",
    what: "One tenant keeps the kernel busy with SPIN jobs. 100 threads, each blocked in rota_wait \
           (ROTA_WAIT_BLOCK) on a job of a second tenant, and one thread in epoll on a third tenant's \
           event descriptor; their jobs are tiled sums of about 10 ms, done one after the other, so \
           each waiter is woken about once a second and submits anew. block_cpu_percent: CPU time, by \
           each thread's own clock, of the waiters, the epoll thread and all threads of the library, \
           in percent of one core: everything but the driver's threads (the kernel itself), the \
           benchmark's main thread and the thread that feeds the busy tenant. baseline_cpu_percent: \
           the same with the busy tenant alone. probe_p50_us: one more thread sends a tiny job at a \
           time meanwhile, by turns waiting blocked and spinning; the difference of two neighbours \
           is one sample. event_p50_us: the same by epoll. observed_p50_us: from when a thread that \
           only looks when a core is otherwise free (SCHED_IDLE, rota_ticket_state) sees that a \
           waiter's job is done, until that waiter, one of the 100, has its completion; where the \
           waiter was first, the sample is 0. block_p50_us: the larger of probe and observed.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(library) = &context.library else {
        return Ok(object);
    };
    let runtime = Runtime::open(library, &options())?;
    let load = Load::new(&runtime)?;
    let progress = Progress::new("wait", 4);
    let window = Duration::from_secs(context.rounds(4) as u64);
    let settle = Duration::from_millis(1500);

    thread::scope(|scope| -> Fallible<()> {
        // Whatever ends this scope, also an error, ends the threads.
        let _stop = load.stop_on_drop();
        load.start_busy(scope)?;
        thread::sleep(settle);
        load.calibrate()?;
        let baseline = cpu::measure(window);
        put(
            &mut object,
            "baseline_cpu_percent",
            baseline.beyond_kernel(),
        );
        put(
            &mut object,
            "baseline_process_cpu_percent",
            baseline.process,
        );
        progress.step(1);

        load.start_waiters(scope)?;
        load.start_event(scope)?;
        thread::sleep(settle);
        let wakeups = load.wakeups();
        let busy = cpu::measure(window);
        let woken = load.wakeups() - wakeups;
        put(&mut object, "block_cpu_percent", busy.beyond_kernel());
        put(&mut object, "process_cpu_percent", busy.process);
        object.insert("cpu_percent_by_thread".into(), busy.by_name().into());
        put(&mut object, "wakeups_per_s", woken as f64 / busy.seconds);
        object.insert("waiters".into(), WAITERS.into());
        progress.step(2);

        let probe = runtime.tenant("probe", 0)?;
        let probed = wakeup::probe(&probe, context.rounds(300), 4 * window, &mut object)?;
        progress.step(3);
        let observed = wakeup::observe(&load, window, &mut object)?;
        // Neither is exact; the promise is held against the worse of them.
        let (worse, by) = if probed.median() > observed.median() {
            (probed, "probe")
        } else {
            (observed, "observed")
        };
        worse.write_events(&mut object, "block", "us");
        object.insert("block_by".into(), by.into());
        progress.step(4);
        Ok(())
    })?;
    load.finish()?;
    object.insert("busy_ran_dry".into(), load.ran_dry().into());
    Ok(object)
}
