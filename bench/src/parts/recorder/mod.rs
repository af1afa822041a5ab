//! The flight recorder: what it costs those whose jobs it records.

mod digest;

use super::Part;
use crate::context::Context;
use crate::stats::Object;
use crate::Fallible;

pub const PART: Part = Part {
    name: "recorder",
    what: "digest_cost: what the digest of a job's stores costs, in percent: two runtimes of the crate, with \
           RuntimeOptions::write_digests and without, take turns with the same job, the long ones awaited \
           blocking and the short ones spinning; each round compares the quickest of 4 on each side, the figure is \
           the median over the rounds. The job is saxpy over 64 MiB, as in the part bandwidth. digest_cost_<case> are the same \
           of others: fill, copy and histogram of 16 MiB, a copy of which source and destination lie \
           differently in their vectors, copy and histogram of 1 KiB (100 jobs, one at a time), and 64 scalar \
           jobs with one store each, submitted together. digest_load_ms is what loading a module takes there.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    if context.library.is_some() {
        digest::measure(context, &mut object)?;
    }
    Ok(object)
}
