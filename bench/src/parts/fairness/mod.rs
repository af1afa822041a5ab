//! Who gets how much and who waits how long where tenants share a device: by Rota's scheduler, and in the same run by what
//! one would have without it, a single queue.

mod feed;
mod quiet;
mod shares;
mod single;

use super::Part;
use crate::api::{self, Job};
use crate::context::Context;
use crate::rota::{Runtime, Tenant};
use crate::stats::Object;
use crate::Fallible;

pub const PART: Part = Part {
    name: "fairness",
    what: "One thread drives all tenants of a measurement, and keeps rings from running dry: it tops them \
           up in batches of 512 when half is taken; ..._dry counts how often that was too late. \
           quiet_p99_ratio_1 and _7: round trips of NOP jobs, one after the other, of a tenant beside 1 and \
           7 with 16,384 NOP jobs in their rings, relative to the same alone; p99 of each round, median of \
           the rounds' ratios (quiet_p50_ratio: p50 of each) but for those in which the p50 alone was more \
           than twice the best round's (rounds_left_out: something else had the core); rings are topped up \
           between the round trips, outside of what is timed. quiet_long: the same beside jobs (SPIN) that \
           take the device 50 times as long as a NOP, 1,024 of them in each ring; long_times is how many \
           times it came to, long_job_us is how long one runs, and long_bound_ratio what the ratio is with \
           one of them ahead. ..._paced: 1,000 jobs per second, each counted from when it should have been \
           sent. jain: 16 equal tenants with full rings, eight with small SPIN jobs and eight with jobs of \
           50 times as many iterations (jain_small_iterations, jain_large_iterations); Jain's index of the \
           iterations of each one's completed jobs in windows of 100 ms. weight_error: tenants of weights \
           1:2:5:10 with rings of 16,384 equal SPIN jobs, windows of 500 ms; the largest relative error of \
           a share of the completed jobs, median of the windows. utilisation: jobs per second of 8 tenants \
           together, of different weights and classes and one with a share of all of the device's time, \
           relative to one plain tenant whose ring holds as many as all of theirs; mean of NOP jobs \
           (utilisation_nop) and of SPIN jobs (utilisation_spin). fifo_...: the same with one Rota tenant \
           that all clients submit into: of the flooders each keeps 1,024 jobs in it, of the 16 clients 16, \
           and sends another one for each that is done. bucket_...: that with a token bucket per client in \
           front (crate governor), of its share of the jobs per second that the single queue was just seen \
           to do, with bursts of up to 64; a bucket counts jobs, since nobody knows before what one will \
           take. bucket_used_1 and _7: jobs per second with buckets relative to without, beside 1 and 7: \
           what lies fallow.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(runtime) = context.runtime()? else {
        return Ok(object);
    };
    quiet::measure(context, &runtime, &mut object)?;
    shares::jain(context, &runtime, &mut object)?;
    shares::weights(context, &runtime, &mut object)?;
    shares::utilisation(context, &runtime, &mut object)?;
    Ok(object)
}

/// A job of so many loop iterations, with just the fuel for them.
fn spin(iterations: u32) -> Job {
    let mut job = api::scalar(api::OP_SPIN, iterations, 1);
    job.fuel = iterations + FUEL_MARGIN;
    job
}
const FUEL_MARGIN: u32 = 16;

fn nop() -> Job {
    api::scalar(api::OP_NOP, 0, 0)
}

/// Tenants of the same options, named one by one.
fn tenants<'l>(
    runtime: &Runtime<'l>,
    name: &str,
    count: usize,
    slots: u32,
) -> Fallible<Vec<Tenant<'l>>> {
    (0..count)
        .map(|n| runtime.tenant(&format!("{name} {n}"), slots))
        .collect()
}
