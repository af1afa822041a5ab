//! How much each tenant gets where all want more than there is.

use super::feed::{keep_full, window, Feed};
use super::single::Single;
use super::{nop, spin, tenants, FUEL_MARGIN};
use crate::api::{self, Job};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::rota::{tenant_options, Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;

/// Before a window, so that all are in their stride.
const RUN_IN_NS: u64 = 100_000_000;

// ---------------------------------------------------------------- equal tenants, unequal jobs

const EQUALS: usize = 16;
const LARGER: u32 = 50;
const WINDOW_NS: u64 = 100_000_000;
const WINDOWS: usize = 8;
/// Jobs that each client keeps open in a single queue.
const OPEN: usize = 16;

/// 1 where all got the same, 1 / n where one got everything (Jain, Chiu and Hawe, 1984).
fn jain_index(got: &[f64]) -> f64 {
    let sum: f64 = got.iter().sum();
    let squares: f64 = got.iter().map(|x| x * x).sum();
    sum * sum / (got.len() as f64 * squares)
}

pub fn jain(context: &Context, runtime: &Runtime, object: &mut Object) -> Fallible<()> {
    let most = runtime.info()?.most_scalar_fuel - FUEL_MARGIN;
    let small = (most / LARGER).min(400);
    let iterations: Vec<u32> = (0..EQUALS as u32)
        .map(|n| if n % 2 == 0 { small } else { LARGER * small })
        .collect();
    object.insert("jain_small_iterations".into(), small.into());
    object.insert("jain_large_iterations".into(), (LARGER * small).into());
    let slots = 1024;
    let mut feeds: Vec<Feed> = tenants(runtime, "equal", EQUALS, slots)?
        .into_iter()
        .zip(&iterations)
        .map(|(tenant, iterations)| Feed::new(tenant, spin(*iterations), slots as usize))
        .collect();
    let queue = runtime.tenant("queue", slots)?;
    let index = |done: &[u64]| {
        let got = done.iter().zip(&iterations);
        let got: Vec<f64> = got.map(|(n, each)| *n as f64 * f64::from(*each)).collect();
        jain_index(&got)
    };

    let rounds = context.rounds(5);
    let progress = Progress::new("jain", rounds);
    let (mut ours, mut fifo, mut bucket) = (Samples::new(), Samples::new(), Samples::new());
    for round in 0..rounds {
        runtime.wait_parked()?;
        feeds.iter_mut().try_for_each(Feed::fill)?;
        keep_full(&mut feeds, RUN_IN_NS)?;
        for _ in 0..WINDOWS {
            ours.push(index(&window(&mut feeds, WINDOW_NS)?.0));
        }
        feeds.iter_mut().try_for_each(Feed::drain)?;

        let rate = queued(&queue, &iterations, None, |done| fifo.push(index(done)))?;
        let fair = Some(rate / EQUALS as f64);
        queued(&queue, &iterations, fair, |done| bucket.push(index(done)))?;
        progress.step(round + 1);
    }
    ours.write_figure(object, "jain");
    fifo.write_figure(object, "fifo_jain");
    bucket.write_figure(object, "bucket_jain");
    write_dry(object, "jain", &feeds);
    Ok(())
}

/// The same through one queue: tells `see` of each window what was completed in it, and gives the jobs per second.
fn queued(
    tenant: &Tenant,
    iterations: &[u32],
    jobs_per_s: Option<f64>,
    mut see: impl FnMut(&[u64]),
) -> Fallible<f64> {
    let clients = iterations.iter().map(|n| (spin(*n), OPEN));
    let mut single = Single::new(tenant, clients, jobs_per_s)?;
    single.run(RUN_IN_NS)?;
    let (first, begin) = (single.all_completed(), now_ns());
    for _ in 0..WINDOWS {
        let before = single.completed();
        single.run(WINDOW_NS)?;
        let after = single.completed();
        let done: Vec<u64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        see(&done);
    }
    let rate = (single.all_completed() - first) as f64 * 1e9 / (now_ns() - begin) as f64;
    single.drain()?;
    Ok(rate)
}

// ---------------------------------------------------------------- weights

/// Relative to the least.
const WEIGHTS: [u32; 4] = [1, 2, 5, 10];
const LEAST_WEIGHT: u32 = 100;
const WEIGHED_NS: u64 = 500_000_000;
/// Jobs in a ring.
const DEPTH: usize = 16_384;
const ITERATIONS: u32 = 400;

pub fn weights(context: &Context, runtime: &Runtime, object: &mut Object) -> Fallible<()> {
    let mut feeds = Vec::new();
    for weight in WEIGHTS {
        let mut options = tenant_options();
        options.slots = DEPTH as u32;
        options.weight = weight * LEAST_WEIGHT;
        let tenant = runtime.tenant_with(&format!("weight {weight}"), options)?;
        feeds.push(Feed::new(tenant, spin(ITERATIONS), DEPTH));
    }
    let lanes = u64::from(runtime.info()?.subgroup_size);
    let all_weights = f64::from(WEIGHTS.iter().sum::<u32>());
    let rounds = context.rounds(10);
    let progress = Progress::new("weights", rounds);
    let (mut error, mut claims) = (Samples::new(), Samples::new());
    let mut shares = WEIGHTS.map(|_| Samples::new());
    for round in 0..rounds {
        runtime.wait_parked()?;
        feeds.iter_mut().try_for_each(Feed::fill)?;
        keep_full(&mut feeds, RUN_IN_NS)?;
        let (done, _) = window(&mut feeds, WEIGHED_NS)?;
        feeds.iter_mut().try_for_each(Feed::drain)?;
        let all = done.iter().sum::<u64>() as f64;
        let mut worst = 0.0_f64;
        for ((done, weight), share) in done.iter().zip(WEIGHTS).zip(&mut shares) {
            let relative = *done as f64 / all * all_weights / f64::from(weight);
            worst = worst.max((relative - 1.0).abs() * 100.0);
            share.push(relative);
        }
        error.push(worst);
        claims.push((done[0] / lanes) as f64);
        progress.step(round + 1);
    }
    error.write_figure(object, "weight_error");
    for (weight, share) in WEIGHTS.iter().zip(&shares) {
        put(
            object,
            &format!("weight_{weight}_share_of_due"),
            share.median(),
        );
    }
    put(object, "weight_1_claims_per_window", claims.median());
    write_dry(object, "weight", &feeds);
    Ok(())
}

// ---------------------------------------------------------------- all together

const RATE_NS: u64 = 200_000_000;
/// Jobs in the plain tenant's ring: as many as the others have together.
const ALL_DEPTH: usize = MIXED.len() * MIXED_DEPTH;
const MIXED_DEPTH: usize = 8192;

/// Weights, classes and shares that have nothing in common.
const MIXED: [(u32, u32, u32); 8] = [
    (100, api::CLASS_NORMAL, 0),
    (100, api::CLASS_NORMAL, 1000),
    (300, api::CLASS_NORMAL, 0),
    (1000, api::CLASS_NORMAL, 0),
    (50, api::CLASS_INTERACTIVE, 0),
    (200, api::CLASS_INTERACTIVE, 0),
    (100, api::CLASS_BACKGROUND, 0),
    (500, api::CLASS_BACKGROUND, 0),
];

pub fn utilisation(context: &Context, runtime: &Runtime, object: &mut Object) -> Fallible<()> {
    let mut mixed = Vec::new();
    for (n, (weight, class, share)) in MIXED.into_iter().enumerate() {
        let mut options = tenant_options();
        options.slots = MIXED_DEPTH as u32;
        options.weight = weight;
        options.latency_class = class;
        options.share_permille = share;
        let tenant = runtime.tenant_with(&format!("mixed {n}"), options)?;
        mixed.push(Feed::new(tenant, nop(), MIXED_DEPTH));
    }
    let plain = runtime.tenant("plain", ALL_DEPTH as u32)?;
    let mut plain = [Feed::new(plain, nop(), ALL_DEPTH)];

    let rounds = context.rounds(12);
    let progress = Progress::new("utilisation", rounds);
    let kinds = [("nop", nop()), ("spin", spin(ITERATIONS))];
    let mut ratios = [Samples::new(), Samples::new()];
    let mut rates = [Samples::new(), Samples::new()];
    for round in 0..rounds {
        for (k, (_, job)) in kinds.iter().enumerate() {
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            let mut rate = [0.0; 2];
            for which in order {
                runtime.wait_parked()?;
                rate[which] = match which {
                    0 => jobs_per_second(&mut plain, ALL_DEPTH, job)?,
                    _ => jobs_per_second(&mut mixed, MIXED_DEPTH, job)?,
                };
            }
            ratios[k].push(rate[1] / rate[0]);
            rates[k].push(rate[0]);
        }
        progress.step(round + 1);
    }
    let mean = ratios.iter().map(Samples::median).sum::<f64>() / ratios.len() as f64;
    put(object, "utilisation", mean);
    for ((name, _), (ratio, rate)) in kinds.iter().zip(ratios.iter().zip(&rates)) {
        ratio.write_figure(object, &format!("utilisation_{name}"));
        rate.write_figure(object, &format!("utilisation_{name}_plain_jobs_per_s"));
    }
    write_dry(object, "utilisation_plain", &plain);
    write_dry(object, "utilisation", &mixed);
    Ok(())
}

fn jobs_per_second(feeds: &mut [Feed], depth: usize, job: &Job) -> Fallible<f64> {
    for feed in feeds.iter_mut() {
        feed.set(*job, depth);
        feed.fill()?;
    }
    keep_full(feeds, RUN_IN_NS / 5)?;
    let (done, time) = window(feeds, RATE_NS)?;
    feeds.iter_mut().try_for_each(Feed::drain)?;
    Ok(done.iter().sum::<u64>() as f64 * 1e9 / time as f64)
}

fn write_dry(object: &mut Object, name: &str, feeds: &[Feed]) {
    let dry: u64 = feeds.iter().map(|feed| feed.dry).sum();
    object.insert(format!("{name}_dry"), dry.into());
}

#[cfg(test)]
mod tests {
    use super::jain_index;

    #[test]
    fn the_index_is_1_for_equals_and_1_of_n_for_one() {
        assert_eq!(jain_index(&[3.0; 16]), 1.0);
        assert_eq!(jain_index(&[1.0, 0.0, 0.0, 0.0]), 0.25);
    }
}
