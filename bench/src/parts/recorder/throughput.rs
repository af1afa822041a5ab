//! Tiny jobs per second, recorded and not.

use super::client::Client;
use super::folder::Folder;
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::stats::{Object, Samples};
use crate::Fallible;
use std::path::Path;

/// How long one reading lasts.
const WINDOW_NS: u64 = 150_000_000;

pub fn measure(context: &Context, object: &mut Object) -> Fallible<()> {
    let memory = Folder::new(Path::new("/dev/shm"))?;
    let log = memory.path("throughput.log");
    let mut sides = [Client::new(None)?, Client::new(Some(log))?];
    let rounds = context.rounds(12);
    let progress = Progress::new("throughput of recorded jobs", rounds);
    let mut ratio = Samples::new();
    let mut rates = [Samples::new(), Samples::new()];
    for round in 0..rounds {
        let mut best = [0.0_f64; 2];
        // In turn, because a machine is not as busy all the time; the best had the processors to itself.
        for turn in 0..4 {
            let which = (round + turn) % 2;
            best[which] = best[which].max(jobs_per_second(&mut sides[which])?);
            sides[which].rest()?;
        }
        ratio.push(best[1] / best[0]);
        for (samples, best) in rates.iter_mut().zip(best) {
            samples.push(best);
        }
        progress.step(round + 1);
    }
    ratio.write_figure(object, "throughput_ratio");
    rates[0].write_figure(object, "plain_jobs_per_s");
    rates[1].write_figure(object, "recorded_jobs_per_s");
    Ok(())
}

/// Keeps the ring full for the window, then drains it, until the records are in the log's file: jobs completed per second
/// of the whole.
fn jobs_per_second(client: &mut Client) -> Fallible<f64> {
    let mut completed = 0;
    let begin = now_ns();
    while now_ns() - begin < WINDOW_NS {
        client.submit()?;
        completed += client.poll()?;
    }
    completed += client.drain()?;
    client.wait_written()?;
    Ok(completed as f64 * 1e9 / (now_ns() - begin) as f64)
}
