//! A thousand tenants: what those who do nothing cost the one that does something, what it costs to serve them all, and
//! how much memory each takes.

use super::modules::there_and_back;
use super::throughput::Client;
use super::Part;
use crate::api::{self, Completion, Job};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::rota::{expect_ok, Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;
use rota::ring::layout::{TenantEntry, TenantState, CLASSES};
use std::fs;

pub const PART: Part = Part {
    name: "scale",
    what: "idle1024_ratio: round trips of NOP jobs of one tenant, one after the other, on a runtime with \
           1,024 tenants registered and on one with that one only, by turns in every round; p50 of each \
           round, median of the rounds' ratios. active1024_ratio: NOP jobs per second over 1,024 tenants \
           with rings of the default size on the one runtime and over 1 with a ring of 16,384 on the other; \
           one thread submits a batch of 64 to each and polls up to 64 completions of it, in turn; what is \
           completed in windows of 300 ms, after as long a run-in; every answer is compared. tenant_kib: \
           device_kib, the ring memory (rota_runtime_info's ring_bytes, per slot, times the default number \
           of slots) and the tenant's entries in the kernel's tables; and host_kib, by which what the \
           process has allocated (mallinfo2, which counts librota's memory too) grows per tenant when 1,024 \
           are created, and each has sent a ring full of jobs and taken their completions. resident_kib, to \
           compare: how much the process's proportional set size (/proc/self/smaps_rollup) grows meanwhile, \
           per tenant; on a software device it has the device memory in it, as far as it was touched.",
    run,
};

const TENANTS: usize = 1024;
const TRIPS: usize = 5000;
/// Until rings are as full as they stay.
const RUN_IN_NS: u64 = 300_000_000;
const WINDOW_NS: u64 = 300_000_000;
/// Of the one ring that is alone, so that it does not run dry wherever the driving thread loses its core.
const ALONE_SLOTS: u32 = 16_384;
const KIB: f64 = 1024.0;

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let Some(runtime) = context.runtime()? else {
        return Ok(object);
    };
    memory(&runtime, &mut object)?;
    drop(runtime);
    let (Some(narrow), Some(wide)) = (context.runtime()?, context.runtime()?) else {
        return Ok(object);
    };
    idle(context, [&narrow, &wide], &mut object)?;
    active(context, [&narrow, &wide], &mut object)?;
    Ok(object)
}

fn tenants<'l>(runtime: &Runtime<'l>, count: usize) -> Fallible<Vec<Tenant<'l>>> {
    (0..count)
        .map(|n| runtime.tenant(&format!("tenant {n}"), 0))
        .collect()
}

/// Turn about, so that a drift of the machine harms neither.
fn order(round: usize) -> [usize; 2] {
    if round.is_multiple_of(2) {
        [0, 1]
    } else {
        [1, 0]
    }
}

fn idle(context: &Context, runtimes: [&Runtime; 2], object: &mut Object) -> Fallible<()> {
    let sides = [tenants(runtimes[0], 1)?, tenants(runtimes[1], TENANTS)?];
    let rounds = context.rounds(20);
    let progress = Progress::new("idle1024", rounds);
    let mut ratio = Samples::new();
    let mut p50s = [Samples::new(), Samples::new()];
    for round in 0..rounds {
        let mut p50 = [0.0; 2];
        for which in order(round) {
            runtimes.iter().try_for_each(|r| r.wait_parked())?;
            let active = &sides[which][sides[which].len() / 2];
            let mut times = Samples::new();
            (0..TRIPS).try_for_each(|_| there_and_back(active).map(|ns| times.push(ns)))?;
            p50[which] = times.median();
            p50s[which].push(p50[which]);
        }
        ratio.push(p50[1] / p50[0]);
        progress.step(round + 1);
    }
    ratio.write_figure(object, "idle1024_ratio");
    p50s[0].write_figure(object, "registered1_p50_ns");
    p50s[1].write_figure(object, "registered1024_p50_ns");
    Ok(())
}

fn active(context: &Context, runtimes: [&Runtime; 2], object: &mut Object) -> Fallible<()> {
    let alone = runtimes[0].tenant("alone", ALONE_SLOTS)?;
    let many = tenants(runtimes[1], TENANTS)?;
    let mut sides: [Vec<Client>; 2] =
        [vec![alone], many].map(|side| side.into_iter().map(Client::new).collect());
    let rounds = context.rounds(10);
    let progress = Progress::new("active1024", rounds);
    let mut ratio = Samples::new();
    let mut rates = [Samples::new(), Samples::new()];
    for round in 0..rounds {
        let mut rate = [0.0; 2];
        for which in order(round) {
            runtimes.iter().try_for_each(|r| r.wait_parked())?;
            rate[which] = jobs_per_second(&mut sides[which])?;
            rates[which].push(rate[which]);
        }
        ratio.push(rate[1] / rate[0]);
        progress.step(round + 1);
    }
    ratio.write_figure(object, "active1024_ratio");
    rates[0].write_figure(object, "active1_jobs_per_s");
    rates[1].write_figure(object, "active1024_jobs_per_s");
    Ok(())
}

/// Keeps all rings full, and counts once they are; drains them in the end.
fn jobs_per_second(clients: &mut [Client]) -> Fallible<f64> {
    serve(clients, RUN_IN_NS)?;
    let begin = now_ns();
    let completed = serve(clients, WINDOW_NS)?;
    let rate = completed as f64 * 1e9 / (now_ns() - begin) as f64;
    for client in clients.iter_mut() {
        while client.outstanding > 0 {
            client.poll()?;
        }
    }
    Ok(rate)
}

/// Goes round the clients for so long, and gives how many completions it took.
fn serve(clients: &mut [Client], time_ns: u64) -> Fallible<u64> {
    let mut completed = 0;
    let over = now_ns() + time_ns;
    while now_ns() < over {
        for client in clients.iter_mut() {
            client.submit()?;
            completed += client.poll()?;
        }
    }
    Ok(completed)
}

// ---------------------------------------------------------------- memory

fn memory(runtime: &Runtime, object: &mut Object) -> Fallible<()> {
    let info = runtime.info()?;
    let slots = info.slots as usize;
    // What only the first tenant of all costs, and what is ours, is there before.
    let first = runtime.tenant("first", 0)?;
    let mut jobs = vec![api::scalar(api::OP_NOP, 0, 0); slots];
    // Those with the flag have all that a job can have.
    jobs.iter_mut()
        .for_each(|job| job.flags = rota::job_flags::TIMING);
    let mut tickets = vec![0; slots];
    let mut done = vec![Completion::default(); slots];
    touch(&first, &jobs, &mut tickets, &mut done)?;
    let labels: Vec<String> = (0..TENANTS).map(|n| format!("{n}")).collect();
    let mut tenants = Vec::with_capacity(TENANTS);

    runtime.wait_parked()?;
    let before = (allocated_bytes(), resident_bytes()?);
    for label in &labels {
        let tenant = runtime.tenant(label, 0)?;
        touch(&tenant, &jobs, &mut tickets, &mut done)?;
        tenants.push(tenant);
    }
    runtime.wait_parked()?;
    let after = (allocated_bytes(), resident_bytes()?);

    let each = |before: f64, after: f64| (after - before) / TENANTS as f64 / KIB;
    // Rings of that size, and the few slots that the runtime keeps for itself.
    let rings = f64::from(info.tenants_fit) * slots as f64;
    let ring = info.ring_bytes as f64 / rings * slots as f64;
    let listed = CLASSES * size_of::<u32>();
    let entries = size_of::<TenantEntry>() + size_of::<TenantState>() + listed;
    let device = (ring + entries as f64) / KIB;
    let host = each(before.0, after.0);
    put(object, "tenant_kib", device + host);
    put(object, "device_kib", device);
    put(object, "host_kib", host);
    put(object, "resident_kib", each(before.1, after.1));
    object.insert("slots".into(), slots.into());
    Ok(())
}

/// Uses the whole ring once.
fn touch(
    tenant: &Tenant,
    jobs: &[Job],
    tickets: &mut [u64],
    done: &mut [Completion],
) -> Fallible<()> {
    if tenant.submit(jobs, tickets)? != jobs.len() {
        return Err("rota_submit: a new ring does not hold as many jobs as it has slots".into());
    }
    let mut left = jobs.len();
    while left != 0 {
        let count = tenant.poll(done, api::WAIT_SPIN, api::FOREVER)?;
        done[..count].iter().try_for_each(expect_ok)?;
        left -= count;
    }
    Ok(())
}

/// What the C library's allocator, which everything in this process uses, has given out.
fn allocated_bytes() -> f64 {
    // SAFETY: it only reads the allocator's own counts.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as f64
}

fn resident_bytes() -> Fallible<f64> {
    let text = fs::read_to_string("/proc/self/smaps_rollup")?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse::<f64>().ok());
    Ok(kib.ok_or("/proc/self/smaps_rollup has no Pss")? * KIB)
}
