//! What an open runtime without work costs.

use super::Part;
use crate::api::{self, Completion};
use crate::clock::{now_ns, process_cpu_ns};
use crate::context::{Context, Progress};
use crate::rota::expect_echo;
use crate::stats::{put, Object, Samples};
use crate::Fallible;
use std::time::Duration;

pub const PART: Part = Part {
    name: "idle",
    what: "CPU time of the whole process (CLOCK_PROCESS_CPUTIME_ID) over 5 s in which the runtime is \
           open with one tenant and its event descriptor, after 1,000 jobs, without work; in percent \
           of one core. The spread is over the single seconds.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(runtime) = context.runtime()? else {
        return Ok(object);
    };
    let tenant = runtime.tenant("idle", 0)?;
    tenant.event_fd()?;
    for number in 0..1000 {
        let mut job = api::scalar(api::OP_NOP, number, 0);
        job.user_data = u64::from(number);
        tenant.submit_one(&job)?;
        let mut completion = [Completion::default()];
        while tenant.poll(&mut completion, api::WAIT_SPIN, api::FOREVER)? == 0 {}
        expect_echo(&completion[0])?;
    }
    runtime.wait_parked()?;

    let seconds = context.rounds(5);
    let progress = Progress::new("idle", seconds);
    let leases = runtime.info()?.leases;
    let mut samples = Samples::new();
    let (begin, begin_cpu) = (now_ns(), process_cpu_ns());
    for second in 0..seconds {
        let (wall, cpu) = (now_ns(), process_cpu_ns());
        std::thread::sleep(Duration::from_secs(1));
        samples.push(percent(process_cpu_ns() - cpu, now_ns() - wall));
        progress.step(second + 1);
    }
    let whole = percent(process_cpu_ns() - begin_cpu, now_ns() - begin);
    samples.write_figure(&mut object, "cpu_percent_per_s");
    put(&mut object, "cpu_percent", whole);
    object.insert("leases".into(), (runtime.info()?.leases - leases).into());
    object.insert("seconds".into(), seconds.into());
    Ok(object)
}

fn percent(cpu_ns: u64, wall_ns: u64) -> f64 {
    cpu_ns as f64 * 100.0 / wall_ns as f64
}
