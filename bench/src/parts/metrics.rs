//! What metrics cost: beside the same library without them, and beside the counters of other libraries.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::mem::{size_of, zeroed};
use std::net::{TcpListener, TcpStream};
use std::sync::Barrier;

use prometheus::IntCounter;
use prometheus_client::metrics::counter::Counter;
use rota::ring::calls::{Calls, Row};
use rota::ring::latency::{Coarse, Fine};
use rota_ffi::{
    rota_handler_metrics, rota_metrics, rota_snapshot, rota_span_options, rota_tenant_metrics,
    ROTA_SAMPLER_RATIO, ROTA_SPANS_OTLP,
};

use super::throughput::{jobs_per_second, Client};
use super::Part;
use crate::api::{self, Completion, Library};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::rota::{self as library, expect_ok, Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;

pub const PART: Part = Part {
    name: "metrics",
    what: "throughput_ratio: tiny jobs per second as in the part throughput (one producer, batches of 64, the \
           ring kept full), the library over one built without metrics ($ROTA_LIB_WITHOUT), by turns in every \
           round. spans_ratio, spans_all_ratio: the same where one job of a hundred has a span, and where each has; they \
           are exported by OTLP to a receiver in this process that answers and throws them away. spans_dropped_percent, \
           spans_all_dropped_percent: spans that found no room in the queue of 8,192. publish_single_ns, publish_batch_ns: what the part publish measures, by turns with and without. \
           snapshot_us, render_us: rota_metrics_snapshot with room for all, and rota_metrics_text in the Prometheus \
           format into a buffer that fits, on a runtime with 1,024 tenants of different labels, each of which has run \
           jobs since the reading before; text_kib is how long the text is. update_ns: counting one completion's latency \
           (two buckets and the sum), as the ring does under its lock; update_shared_ns: adding to the count of a \
           handler that two threads call at once, a call each time, where a batch would be added in one go. Beside \
           them an increment of prometheus::IntCounter and of prometheus_client's Counter, by one thread and \
           by two of one counter.",
    run,
};

const TENANTS: usize = 1024;
const BATCH: usize = 64;
const UPDATES: u64 = 2_000_000;

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    updates(context, &mut object);
    let Some(with) = &context.library else {
        return Ok(object);
    };
    let path = std::env::var("ROTA_LIB_WITHOUT").map_err(|_| {
        "set ROTA_LIB_WITHOUT to a library that was built without metrics, as `make bench` does"
    })?;
    let without = Library::load(&path)?;
    beside(context, [with, &without], &mut object)?;
    snapshots(context, with, &mut object)?;
    Ok(object)
}

// ---------------------------------------------------------------- updates

fn updates(context: &Context, object: &mut Object) {
    let rounds = context.rounds(25);
    let progress = Progress::new("metrics: updates", rounds);
    let calls = Calls::default();
    let (tikv, tikv_shared) = (counter(), counter());
    let (client, client_shared) = (Counter::<u64>::default(), Counter::<u64>::default());
    let (mut fine, coarse) = (Fine::default(), Coarse::default());
    let completion = rota::Completion::default();
    let mut own = [Samples::new(), Samples::new()];
    let mut of_tikv = [Samples::new(), Samples::new()];
    let mut of_client = [Samples::new(), Samples::new()];
    for round in 0..rounds {
        own[0].push(alone(|n| {
            fine.count(&coarse, black_box(1000 + (n & 0xffff)));
        }));
        own[1].push(by_two(|thread| {
            let mut row = Row::default();
            let (calls, completion) = (&calls, &completion);
            move |_| {
                row.count(calls, thread, 3, completion);
                row.end(calls, thread);
            }
        }));
        of_tikv[0].push(alone(|_| tikv.inc()));
        of_tikv[1].push(by_two(|_| {
            let shared = &tikv_shared;
            move |_| shared.inc()
        }));
        of_client[0].push(alone(|_| {
            client.inc();
        }));
        of_client[1].push(by_two(|_| {
            let shared = &client_shared;
            move |_| {
                shared.inc();
            }
        }));
        progress.step(round + 1);
    }
    black_box((&fine, &coarse));
    own[0].write_figure(object, "update_ns");
    own[1].write_figure(object, "update_shared_ns");
    of_tikv[0].write_figure(object, "prometheus_update_ns");
    of_tikv[1].write_figure(object, "prometheus_update_shared_ns");
    of_client[0].write_figure(object, "prometheus_client_update_ns");
    of_client[1].write_figure(object, "prometheus_client_update_shared_ns");
}

fn counter() -> IntCounter {
    IntCounter::new("updates", "Updates.").expect("the name is a good one")
}

/// Nanoseconds of one update.
fn alone(mut update: impl FnMut(u64)) -> f64 {
    let begin = now_ns();
    (0..UPDATES).for_each(&mut update);
    (now_ns() - begin) as f64 / UPDATES as f64
}

/// The same where two threads do it at once, each so often.
fn by_two<U: FnMut(u64) + Send>(update: impl Fn(usize) -> U) -> f64 {
    let ready = Barrier::new(2);
    let ns: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let mut update = update(thread);
                let ready = &ready;
                scope.spawn(move || {
                    ready.wait();
                    alone(&mut update)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("it doesn't panic"))
            .collect()
    });
    ns[0].max(ns[1])
}

// ---------------------------------------------------------------- beside none

/// The library, the same without metrics, and with spans: of a hundredth of the jobs and of all.
fn beside(context: &Context, [with, without]: [&Library; 2], object: &mut Object) -> Fallible<()> {
    let endpoint = receiver()?;
    let spans = [0.01, 1.0].map(|sample_ratio| rota_span_options {
        struct_size: size_of::<rota_span_options>(),
        exporters: ROTA_SPANS_OTLP,
        sampler: ROTA_SAMPLER_RATIO,
        sample_ratio,
        endpoint: endpoint.as_ptr().cast(),
        endpoint_len: endpoint.len(),
        queue: 8192,
        batch: 100,
        // SAFETY: zero is valid for every field.
        ..unsafe { zeroed() }
    });
    let with_spans = |which: usize| api::RuntimeOptions {
        spans: &spans[which],
        ..library::options()
    };
    let runtimes = [
        Runtime::open(with, &library::options())?,
        Runtime::open(without, &library::options())?,
        Runtime::open(with, &with_spans(0))?,
        Runtime::open(with, &with_spans(1))?,
    ];
    const WITHOUT: usize = 1;
    let mut clients = Vec::new();
    for runtime in &runtimes {
        clients.push([Client::new(runtime.tenant("alone", 0)?)]);
    }
    let tenants = [
        runtimes[0].tenant("publish", 0)?,
        runtimes[WITHOUT].tenant("publish", 0)?,
    ];
    let rounds = context.rounds(30);
    let progress = Progress::new("metrics: throughput", rounds);
    let mut rates: [Samples; 4] = Default::default();
    let mut ratios: [Samples; 4] = Default::default();
    let mut single: [Samples; 2] = Default::default();
    let mut batch: [Samples; 2] = Default::default();
    let (mut single_ratio, mut batch_ratio) = (Samples::new(), Samples::new());
    for round in 0..rounds + 2 {
        let mut rate = [0.0; 4];
        let mut ns = [[0.0; 2]; 2];
        for turn in 0..4 {
            let which = (turn + round) % 4;
            rate[which] = jobs_per_second(&mut clients[which])?;
            if let Some(tenant) = tenants.get(which) {
                ns[which] = publish(tenant)?;
            }
            if which > WITHOUT {
                runtimes[which].flush_spans()?;
            }
            runtimes[which].wait_parked()?;
        }
        // The first rounds warm caches.
        if round < 2 {
            continue;
        }
        for which in 0..4 {
            rates[which].push(rate[which]);
            ratios[which].push(rate[which] / rate[WITHOUT]);
        }
        for which in 0..2 {
            single[which].push(ns[which][0]);
            batch[which].push(ns[which][1]);
        }
        single_ratio.push(ns[0][0] / ns[1][0]);
        batch_ratio.push(ns[0][1] / ns[1][1]);
        progress.step(round - 1);
    }
    ratios[0].write_figure(object, "throughput_ratio");
    rates[0].write_figure(object, "jobs_per_s");
    rates[WITHOUT].write_figure(object, "without_jobs_per_s");
    ratios[2].write_figure(object, "spans_ratio");
    ratios[3].write_figure(object, "spans_all_ratio");
    for (which, key) in [
        (2, "spans_dropped_percent"),
        (3, "spans_all_dropped_percent"),
    ] {
        let stats = runtimes[which].span_stats()?;
        if stats.failed != 0 || stats.exported == 0 {
            return Err(format!("of the spans {} failed", stats.failed).into());
        }
        put(object, key, 100.0 * stats.drop_rate);
    }
    single_ratio.write_figure(object, "publish_single_ratio");
    single[0].write_figure(object, "publish_single_ns");
    single[WITHOUT].write_figure(object, "publish_single_without_ns");
    batch_ratio.write_figure(object, "publish_batch_ratio");
    batch[0].write_figure(object, "publish_batch_ns");
    batch[WITHOUT].write_figure(object, "publish_batch_without_ns");
    Ok(())
}

/// Starts a thread that takes what is posted to it and says that all is well; gives its address.
fn receiver() -> Fallible<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}/v1/traces", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(endpoint)
}

/// Answers requests until there are no more.
fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut to = stream.try_clone()?;
    // A request fits: what this costs is no part of what is measured.
    let mut from = BufReader::with_capacity(64 << 10, stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        std::io::copy(&mut from.by_ref().take(length), &mut std::io::sink())?;
        to.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        )?;
    }
}

/// What a submit takes per job: the quickest tenth of many, of one job each and of batches.
fn publish(tenant: &Tenant) -> Fallible<[f64; 2]> {
    let jobs = [api::scalar(api::OP_NOP, 0, 0); BATCH];
    let mut tickets = [0; BATCH];
    let mut ns = [Samples::new(), Samples::new()];
    for _ in 0..300 {
        let begin = now_ns();
        for job in &jobs {
            tenant.submit_one(job)?;
        }
        ns[0].push((now_ns() - begin) as f64 / BATCH as f64);
        take(tenant, BATCH)?;
        let begin = now_ns();
        for _ in 0..8 {
            tenant.submit(&jobs, &mut tickets)?;
        }
        ns[1].push((now_ns() - begin) as f64 / (8 * BATCH) as f64);
        take(tenant, 8 * BATCH)?;
    }
    Ok([ns[0].median(), ns[1].median()])
}

fn take(tenant: &Tenant, count: usize) -> Fallible<()> {
    let mut done = [Completion::default(); BATCH];
    let mut left = count;
    while left > 0 {
        let taken = tenant.poll(&mut done, api::WAIT_SPIN, api::FOREVER)?;
        done[..taken].iter().try_for_each(expect_ok)?;
        left -= taken;
    }
    Ok(())
}

// ---------------------------------------------------------------- snapshots

fn snapshots(context: &Context, library: &Library, object: &mut Object) -> Fallible<()> {
    let runtime = Runtime::open(library, &library::options())?;
    let tenants: Vec<Tenant> = (0..TENANTS)
        .map(|n| runtime.tenant(&format!("tenant {n}"), 64))
        .collect::<Result<_, _>>()?;
    // SAFETY: zero is valid for every field.
    let (mut rows, mut handlers, mut totals) = unsafe {
        (
            vec![zeroed::<rota_tenant_metrics>(); TENANTS + 1],
            vec![zeroed::<rota_handler_metrics>(); 64],
            zeroed::<rota_metrics>(),
        )
    };
    totals.struct_size = size_of::<rota_metrics>();
    let mut text = vec![0_u8; 64 << 20];
    let rounds = context.rounds(50);
    let progress = Progress::new("metrics: snapshots", rounds);
    let (mut snapshot_us, mut render_us, mut kib) = (Samples::new(), Samples::new(), 0.0);
    let jobs = [api::scalar(api::OP_NOP, 0, 0); 4];
    for round in 0..rounds + 2 {
        for tenant in &tenants {
            let mut tickets = [0; 4];
            tenant.submit(&jobs, &mut tickets)?;
        }
        for tenant in &tenants {
            take(tenant, jobs.len())?;
        }
        runtime.wait_parked()?;
        rows[0].struct_size = size_of::<rota_tenant_metrics>();
        handlers[0].struct_size = size_of::<rota_handler_metrics>();
        // SAFETY: zero is valid for every field.
        let mut snapshot: rota_snapshot = unsafe { zeroed() };
        snapshot.struct_size = size_of::<rota_snapshot>();
        (snapshot.tenants, snapshot.tenants_cap) = (rows.as_mut_ptr(), rows.len());
        (snapshot.handlers, snapshot.handlers_cap) = (handlers.as_mut_ptr(), handlers.len());
        snapshot.runtime = &mut totals;
        let begin = now_ns();
        runtime.metrics(&mut snapshot)?;
        let taken_ns = now_ns() - begin;
        let all = (TENANTS * jobs.len()) as u64 * (round as u64 + 1);
        if snapshot.tenants_needed != TENANTS || totals.all.submitted != all {
            return Err(format!(
                "{} series, {} jobs",
                snapshot.tenants_needed, totals.all.submitted
            )
            .into());
        }
        let begin = now_ns();
        let length = runtime.metrics_text(0, &mut text)?;
        let rendered_ns = now_ns() - begin;
        if round >= 2 {
            snapshot_us.push(taken_ns as f64 / 1e3);
            render_us.push(rendered_ns as f64 / 1e3);
            kib = length as f64 / 1024.0;
            progress.step(round - 1);
        }
    }
    snapshot_us.write_figure(object, "snapshot_us");
    render_us.write_figure(object, "render_us");
    put(object, "text_kib", kib);
    Ok(())
}
