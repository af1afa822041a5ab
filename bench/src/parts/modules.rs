//! What loading handlers costs those who load none.

use super::Part;
use crate::api::{self, Completion, Job};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::rota::{expect_echo, Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;
use std::sync::atomic::{AtomicBool, Ordering};

pub const PART: Part = Part {
    name: "modules",
    what: "throughput_ratio and round_trip_ratio: NOP jobs of one tenant, in batches of 64 and one at \
           a time, on a runtime with 16 modules of one handler, each of another tenant, and on one \
           without; by turns in every round, medians of the ratios. load_gap_ms: one tenant submits \
           and polls NOP jobs one after the other without a pause, while another one loads a module \
           that nobody has loaded before, so that no cache has it; the longest time between two \
           completions during the load, which is the longest that the load stopped anybody; median \
           and worst of the loads. load_ms: the loads' own times.",
    run,
};

const MODULES: usize = 16;
const BATCH: usize = 64;
const WINDOW_NS: u64 = 100_000_000;

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let (Some(bare), Some(full)) = (context.runtime()?, context.runtime()?) else {
        return Ok(object);
    };
    let owners = (0..MODULES)
        .map(|n| {
            let tenant = full.tenant(&format!("owner {n}"), 0)?;
            tenant.load(&source(n as u64, 0), 0x1000, "mix", 1)?;
            Ok(tenant)
        })
        .collect::<Fallible<Vec<_>>>()?;
    let tenants = [bare.tenant("bare", 0)?, full.tenant("full", 0)?];

    let rounds = context.rounds(20);
    let progress = Progress::new("modules", rounds);
    let (mut throughput, mut round_trip) = (Samples::new(), Samples::new());
    for round in 0..rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let (mut rate, mut time) = ([0.0; 2], [0.0; 2]);
        for which in order {
            [&bare, &full].iter().try_for_each(|r| r.wait_parked())?;
            rate[which] = jobs_per_second(&tenants[which])?;
            let mut times = Samples::new();
            (0..3000).try_for_each(|_| there_and_back(&tenants[which]).map(|ns| times.push(ns)))?;
            time[which] = times.median();
        }
        throughput.push(rate[1] / rate[0]);
        round_trip.push(time[0] / time[1]);
        progress.step(round + 1);
    }
    drop(progress);
    throughput.write_figure(&mut object, "throughput_ratio");
    round_trip.write_figure(&mut object, "round_trip_ratio");
    drop((tenants, owners, full));

    let loads = context.rounds(10);
    let progress = Progress::new("loads", loads);
    let (mut gaps, mut times, mut switches) = (Samples::new(), Samples::new(), Samples::new());
    for load in 0..loads {
        let (gap, time, switch) = gap_during_load(&bare, load as u64)?;
        gaps.push(gap);
        times.push(time);
        switches.push(switch);
        progress.step(load + 1);
    }
    gaps.write_figure(&mut object, "load_gap_ms");
    put(&mut object, "load_gap_worst_ms", gaps.max());
    times.write_figure(&mut object, "load_ms");
    switches.write_figure(&mut object, "load_switch_ms");
    Ok(object)
}

/// A small tiled handler that no cache has seen.
fn source(n: u64, salt: u64) -> String {
    let salt = (now_ns() ^ salt) as u32;
    format!(
        "fn mix() {{
            let b = buffer_mut(arg(0u));
            var x = {salt}u ^ tile();
            for (var i = lane(); i < arg(1u); i += lanes()) {{
                x = (x ^ load_u32(b, i)) * {}u;
                store_u32(b, i, x);
            }}
            result_add(0u, x);
        }}",
        2 * n + 3
    )
}

/// The longest gap between completions of one tenant while another loads a module, the load's time, and the time of its
/// switch, in milliseconds.
fn gap_during_load(runtime: &Runtime, n: u64) -> Fallible<(f64, f64, f64)> {
    let (running, loading) = (runtime.tenant("running", 0)?, runtime.tenant("loading", 0)?);
    let over = AtomicBool::new(false);
    let source = source(n, n << 32);
    std::thread::scope(|scope| {
        let runs = scope.spawn(|| {
            let (mut longest, mut last) = (0, now_ns());
            while !over.load(Ordering::Relaxed) {
                there_and_back(&running)?;
                let now = now_ns();
                longest = longest.max(now - last);
                last = now;
            }
            Fallible::Ok(longest as f64 / 1e6)
        });
        let begin = now_ns();
        let loaded = loading.load(&source, 0x1000, "mix", 1);
        let time = (now_ns() - begin) as f64 / 1e6;
        // The new kernel's first leases belong to it.
        std::thread::sleep(std::time::Duration::from_millis(50));
        over.store(true, Ordering::Relaxed);
        let gap = runs
            .join()
            .map_err(|_| "the running tenant's thread panicked")??;
        let (module, report) = loaded?;
        loading.unload(module)?;
        Ok((gap, time, report.switch_ns as f64 / 1e6))
    })
}

pub fn there_and_back(tenant: &Tenant) -> Fallible<f64> {
    let begin = now_ns();
    let mut job = api::scalar(api::OP_NOP, begin as u32, 0);
    job.user_data = begin;
    let mut completion = [Completion::default()];
    tenant.submit_one(&job)?;
    while tenant.poll(&mut completion, api::WAIT_SPIN, api::FOREVER)? == 0 {}
    let nanoseconds = now_ns() - begin;
    expect_echo(&completion[0])?;
    Ok(nanoseconds as f64)
}

/// Keeps the ring full for the window.
fn jobs_per_second(tenant: &Tenant) -> Fallible<f64> {
    let mut jobs: [Job; BATCH] = [api::scalar(api::OP_NOP, 0, 0); BATCH];
    let mut done = [Completion::default(); BATCH];
    let (mut submitted, mut completed) = (0u64, 0u64);
    let begin = now_ns();
    while now_ns() - begin < WINDOW_NS || completed < submitted {
        if now_ns() - begin < WINDOW_NS {
            for (job, n) in jobs.iter_mut().zip(submitted..) {
                job.user_data = n;
                job.args[0] = n as u32;
            }
            submitted += tenant.submit(&jobs, &mut [0; BATCH])? as u64;
        }
        let count = tenant.poll(&mut done, api::WAIT_SPIN, 0)?;
        done[..count].iter().try_for_each(expect_echo)?;
        completed += count as u64;
    }
    Ok(completed as f64 * 1e9 / (now_ns() - begin) as f64)
}
