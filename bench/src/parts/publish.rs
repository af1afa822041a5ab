//! What handing over a job costs the caller.

use super::Part;
use crate::api::{self, Completion};
use crate::clock::{now_ns, reading_cost_ns};
use crate::context::{Context, Progress};
use crate::rota::{expect_echo, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;

pub const PART: Part = Part {
    name: "publish",
    what: "Time of rota_submit alone while the kernel is running and the ring has room. single: 64 \
           calls with one job each between two clock readings, divided by 64. batch: 8 calls with 64 \
           jobs each between two clock readings, divided by 512. Nothing is subtracted; the tickets \
           are written too. Between two samples all completions are taken and compared.",
    run,
};

const BATCH: usize = 64;
const BATCHES: usize = 8;

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(runtime) = context.runtime()? else {
        return Ok(object);
    };
    let tenant = runtime.tenant("publish", 0)?;
    let mut jobs = [api::scalar(api::OP_NOP, 0, 0); BATCH];
    for (index, job) in jobs.iter_mut().enumerate() {
        job.user_data = index as u64;
        job.args[0] = index as u32;
    }
    let mut tickets = [0_u64; BATCH];
    let (mut single, mut batch) = (Samples::new(), Samples::new());
    let rounds = context.rounds(5000);
    let progress = Progress::new("publish", rounds);
    for round in 0..rounds {
        let begin = now_ns();
        for (job, ticket) in jobs.iter().zip(tickets.iter_mut()) {
            *ticket = tenant.submit_one(job)?;
        }
        let end = now_ns();
        drain(&tenant, BATCH)?;

        let batch_begin = now_ns();
        for _ in 0..BATCHES {
            if tenant.submit(&jobs, &mut tickets)? != BATCH {
                return Err("the ring is full with 512 of 1,024 slots used".into());
            }
        }
        let batch_end = now_ns();
        drain(&tenant, BATCH * BATCHES)?;
        // The first rounds wake the kernel and fill caches.
        if round >= 50 {
            single.push((end - begin) as f64 / BATCH as f64);
            batch.push((batch_end - batch_begin) as f64 / (BATCH * BATCHES) as f64);
        }
        if round % 500 == 0 {
            progress.step(round);
        }
    }
    single.write_events(&mut object, "single", "ns");
    batch.write_events(&mut object, "batch", "ns");
    put(&mut object, "clock_pair_p50_ns", reading_cost_ns());
    Ok(object)
}

fn drain(tenant: &Tenant, count: usize) -> Fallible<()> {
    let mut done = [Completion::default(); BATCH];
    let mut left = count;
    while left > 0 {
        let taken = tenant.poll(&mut done, api::WAIT_SPIN, api::FOREVER)?;
        done[..taken].iter().try_for_each(expect_echo)?;
        left -= taken;
    }
    Ok(())
}
