//! Metrics: what they count, that it adds up, and how it is written.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rota::metrics::{families, Action, Format, Kind, Snapshot, TenantMetrics, OVERFLOW};
use rota::{HandlerOptions, ModuleOptions, Outputs, Read, Resource};

use crate::kit::*;

fn snapshot(runtime: &Runtime) -> Snapshot {
    let mut snapshot = Snapshot::default();
    runtime.metrics(&mut snapshot).unwrap();
    snapshot
}

fn labelled(runtime: &Runtime, label: &str) -> Tenant {
    runtime
        .create_tenant(&TenantOptions {
            label: label.into(),
            slots: 256,
            ..TenantOptions::default()
        })
        .unwrap()
}

fn text(runtime: &Runtime, format: Format) -> String {
    let mut out = vec![0; 1 << 20];
    let length = runtime.metrics_text(format, &mut out).unwrap();
    out.truncate(length);
    String::from_utf8(out).unwrap()
}

fn series<'a>(snapshot: &'a Snapshot, label: &str) -> &'a TenantMetrics {
    let mut found = snapshot.tenants.iter().filter(|t| &*t.label == label);
    found.next().unwrap_or_else(|| panic!("no series {label}"))
}

/// What holds in every snapshot.
fn holds(snapshot: &Snapshot) {
    let runtime = &snapshot.runtime;
    let mut submitted = 0;
    let mut fuel = 0;
    let mut slower = [0; 15];
    for series in &snapshot.tenants {
        let counters = &series.counters;
        let taken: u64 = counters.taken.iter().sum();
        assert!(taken <= counters.completed, "{series:?}");
        assert!(counters.completed <= counters.submitted, "{series:?}");
        assert!(counters.lag <= counters.outstanding, "{series:?}");
        let faulted: u64 = counters.faulted.iter().sum();
        assert_eq!(faulted, counters.taken[FAULTED as usize], "{series:?}");
        assert!(series.latency.count() <= taken, "{series:?}");
        assert!(counters.quiesce_timeouts <= counters.quiesces);
        submitted += counters.submitted;
        fuel += counters.fuel;
        slower
            .iter_mut()
            .zip(series.latency.buckets)
            .for_each(|(to, n)| *to += n);
    }
    assert_eq!(runtime.all.submitted, submitted);
    assert_eq!(runtime.all.fuel, fuel);
    assert_eq!(runtime.latency.buckets, slower);
    assert_eq!(runtime.series, snapshot.tenants.len() as u64);
    assert_eq!(
        runtime.segments,
        runtime.barrier_points + runtime.batches_split
    );
    let labels: Vec<_> = snapshot.tenants.iter().map(|t| t.label.clone()).collect();
    let named = labels.strip_suffix(&[OVERFLOW.into()]).unwrap_or(&labels);
    assert!(
        named.is_sorted() && !named.contains(&OVERFLOW.into()),
        "{labels:?}"
    );
}

#[test]
fn a_snapshot_tells_what_was_done() {
    for mode in MODES {
        let runtime = open(options(mode));
        let before = snapshot(&runtime);
        assert!(before.tenants.is_empty());
        let (a, b) = (labelled(&runtime, "a"), labelled(&runtime, "b"));
        let second_a = labelled(&runtime, "a");
        for (tenant, count) in [(&a, 20), (&second_a, 30), (&b, 5)] {
            let batch: Vec<Job> = (0..count).map(|n| nop(n, 1)).collect();
            submit(tenant, &batch);
            take(tenant, batch.len());
        }
        submit(
            &b,
            &[
                nop(1, 1),
                with(nop(2, 2), BARRIER),
                with(faulty_scalar(), AFTER_OK),
            ],
        );
        take(&b, 3);
        let buffer = b.buffer_create(4096, false).unwrap();
        b.buffer_write(buffer, 0, &[1; 1000]).unwrap();
        run_one(&b, sum(buffer, 1000, 3));
        let mut outputs = Outputs::new();
        for _ in 0..2 {
            let read = Read {
                buffer,
                len: 300,
                ..Read::default()
            };
            b.read_into(&[read], &mut outputs).unwrap();
        }
        b.quiesce(PATIENCE).unwrap();
        let now = snapshot(&runtime);
        holds(&now);
        let (of_a, of_b) = (series(&now, "a"), series(&now, "b"));
        assert_eq!((of_a.tenants, of_a.counters.id), (2, 0));
        assert_eq!((of_b.tenants, of_b.counters.id), (1, b.id()));
        assert_eq!((of_a.counters.submitted, of_b.counters.submitted), (50, 9));
        assert_eq!(
            (of_b.counters.bytes_in, of_b.counters.bytes_out),
            (1000, 600)
        );
        assert_eq!(of_b.counters.tiles, 3);
        assert_eq!(of_b.counters.quiesces, 1);
        assert_eq!(of_b.counters.used[Resource::Buffers as usize], 1);
        assert!(of_b.counters.fuel > 0, "{of_b:?}");
        let runtime_now = &now.runtime;
        assert_eq!(runtime_now.all.taken[FAULTED as usize], 1);
        assert_eq!(
            (runtime_now.batches_split, runtime_now.barrier_points),
            (1, 2)
        );
        let outputs_now = &runtime_now.outputs;
        assert_eq!(
            (outputs_now.slots_appended, outputs_now.slots_reused),
            (1, 1)
        );
        assert!(outputs_now.bytes_retained >= 300);
        assert!(runtime_now.wakes >= 1);
        assert_eq!(runtime_now.decisions[Action::ModeChosen as usize], 1);
        let calls = |name: &str| {
            let mut found = now.handlers.iter().filter(|h| &*h.handler == name);
            found.next().map(|h| (h.calls, h.faults))
        };
        assert_eq!(calls("nop"), Some((57, 0)));
        assert_eq!(calls("sum_u32"), Some((1, 0)));
        drop(outputs);
        assert_eq!(snapshot(&runtime).runtime.outputs.bytes_retained, 0);

        // What leases tell comes when they end.
        until("leases have told of their jobs", || {
            let now = snapshot(&runtime).runtime;
            let claims = now.claims_won + now.claims_lost;
            assert!(now.claims_won <= now.rounds_busy && claims >= now.rounds_busy);
            now.claims_won != 0 && now.leases.iter().sum::<u64>() != 0
        });

        // A tenant that is gone stays counted.
        b.destroy().unwrap();
        drop(b);
        // The pump may still have it in its hands.
        until("it is gone", || {
            series(&snapshot(&runtime), "b").tenants == 0
        });
        let gone = snapshot(&runtime);
        holds(&gone);
        let of_b = series(&gone, "b");
        assert_eq!((of_b.tenants, of_b.counters.submitted), (0, 9));
        assert_eq!(of_b.counters.used, [0; 7]);
        runtime.stop().unwrap();
        assert_eq!(snapshot(&runtime).runtime.all.submitted, 59);
    }
}

#[test]
fn the_oldest_jobs_are_told_by_what_they_are_at() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = labelled(&runtime, "late");
        let ages = || {
            let now = snapshot(&runtime);
            assert_eq!(now.runtime.ages, series(&now, "late").ages);
            now.runtime.ages
        };
        assert_eq!(ages(), rota::Ages::default());
        let buffer = tenant.buffer_create(256, false).unwrap();
        let first = submit(&tenant, &[nop(1, 1)]);
        until("the first has completed", || ages().untaken.is_some());
        let tickets = submit(&tenant, &[long(buffer), with(nop(1, 1), BARRIER)]);
        until("the second runs", || ages().running.is_some());
        let some = ages();
        assert!(
            some.queued.is_some() && some.untaken >= some.running,
            "{some:?}"
        );
        tenant.cancel(tickets[0]).unwrap();
        for ticket in [first[0], tickets[0], tickets[1]] {
            wait(&tenant, ticket);
        }
        assert_eq!(ages(), rota::Ages::default());
    }
}

#[test]
fn sums_are_exact_however_many_tenants_come_and_go() {
    let mut wanted = options(Mode::Resident);
    wanted.max_series = 10;
    let runtime = open(wanted);
    let lives = 40;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|thread| {
                let runtime = &runtime;
                scope.spawn(move || {
                    for n in 0..lives {
                        let tenant = labelled(runtime, &format!("{thread}-{}", n / 2));
                        submit(&tenant, &[nop(1, 1), nop(2, 2), nop(3, 3)]);
                        take(&tenant, 3);
                        tenant.destroy().unwrap();
                    }
                })
            })
            .collect();
        let watcher = scope.spawn(|| {
            let (mut last, mut now) = (0, Snapshot::default());
            while !done.load(Ordering::Relaxed) {
                runtime.metrics(&mut now).unwrap();
                holds(&now);
                assert!(now.runtime.all.submitted >= last, "sums never fall");
                assert!(now.tenants.len() <= 11);
                last = now.runtime.all.submitted;
            }
        });
        workers
            .into_iter()
            .for_each(|worker| worker.join().unwrap());
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
    until("all are gone", || snapshot(&runtime).runtime.tenants == 0);
    let now = snapshot(&runtime);
    holds(&now);
    assert_eq!(now.runtime.all.submitted, 4 * lives * 3);
    assert_eq!(now.runtime.all.taken[OK as usize], 4 * lives * 3);
    assert_eq!((now.runtime.tenants, now.tenants.len()), (0, 11));
}

#[test]
fn labels_that_do_not_fit_share_the_overflow() {
    let mut wanted = options(Mode::Resident);
    wanted.max_series = 2;
    let runtime = open(wanted);
    let some: Vec<Tenant> = ["b", OVERFLOW, "c", "a", "b"]
        .map(|label| labelled(&runtime, label))
        .into();
    for (tenant, n) in some.iter().zip(1..) {
        submit(tenant, &vec![nop(1, 1); n]);
        take(tenant, n);
    }
    let now = snapshot(&runtime);
    holds(&now);
    let counted: Vec<_> = now
        .tenants
        .iter()
        .map(|t| (&*t.label, t.counters.submitted))
        .collect();
    assert_eq!(counted, [("___overflow__", 2), ("b", 6), (OVERFLOW, 7)]);
    assert_eq!((now.runtime.overflowed, now.runtime.max_series), (2, 2));
    // The place of one whose last tenant has gone is for the next.
    some[1].destroy().unwrap();
    let [b, taken, c, a, second_b] = <[Tenant; 5]>::try_from(some).ok().unwrap();
    drop(taken);
    until("it is gone", || snapshot(&runtime).runtime.tenants == 4);
    let late = labelled(&runtime, "late");
    let now = snapshot(&runtime);
    let counted: Vec<_> = now
        .tenants
        .iter()
        .map(|t| (&*t.label, t.counters.submitted))
        .collect();
    assert_eq!(counted, [("b", 6), ("late", 0), (OVERFLOW, 9)]);
    drop((a, b, c, second_b, late));
}

/// Families and samples of a text: each family's type, and all samples.
fn parsed(text: &str) -> (BTreeMap<String, String>, Vec<(String, f64)>) {
    let mut types = BTreeMap::new();
    let mut helped = HashSet::new();
    let mut samples = Vec::new();
    let mut seen = HashSet::new();
    let mut finished = HashSet::new();
    let mut last = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(
                types.insert(name.to_string(), kind.to_string()).is_none(),
                "{line}"
            );
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            let name = rest.split_once(' ').unwrap().0;
            assert!(helped.insert(name.to_string()), "{line}");
            // All of one family stands together.
            assert!(
                finished.insert(std::mem::replace(&mut last, name.into())),
                "{line}"
            );
            assert!(!finished.contains(name), "{line}");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(seen.insert(series.to_string()), "twice: {line}");
            assert!(
                series.starts_with(last.trim_end_matches("_total")),
                "{line} under {last}"
            );
            samples.push((series.to_string(), value.parse().unwrap()));
        }
    }
    assert_eq!(helped, types.keys().cloned().collect());
    (types, samples)
}

#[test]
fn texts_say_what_the_snapshot_says() {
    let runtime = open(options(Mode::Resident));
    let ugly = "a\"b\\c\nd,{}=é";
    let tenant = labelled(&runtime, ugly);
    let asked = AtomicU64::new(0);
    let asked: &'static AtomicU64 = Box::leak(Box::new(asked));
    let again = runtime.clone();
    let provider = runtime
        .add_metrics_provider(move |sink| {
            // It would wait for itself.
            let within = again.metrics(&mut Snapshot::default());
            assert_eq!(status(within), Status::WrongState);
            asked.fetch_add(1, Ordering::Relaxed);
            assert!(sink.value("queue_depth", 2.5));
            assert!(!sink.value("queue_depth", 3.0));
            assert!(!sink.value("rota_fuel", 3.0));
        })
        .unwrap();
    submit(&tenant, &[nop(1, 1), faulty_scalar()]);
    take(&tenant, 2);
    // One text after the other tells the same only while nothing happens.
    until("the kernel is parked", || runtime.info().parked);
    let (types, samples) = parsed(&text(&runtime, Format::Prometheus));
    let value = |series: &str| {
        let found = samples.iter().find(|(name, _)| name == series);
        found
            .unwrap_or_else(|| panic!("no {series} in {samples:?}"))
            .1
    };
    let label = "tenant=\"a\\\"b\\\\c\\nd,{}=é\"";
    assert_eq!(
        value(&format!("rota_tenant_jobs_submitted_total{{{label}}}")),
        2.0
    );
    assert_eq!(
        value(&format!(
            "rota_tenant_jobs_taken_total{{{label},status=\"FAULTED\"}}"
        )),
        1.0
    );
    assert_eq!(
        value(&format!("rota_tenant_latency_seconds_count{{{label}}}")),
        2.0
    );
    assert_eq!(value("rota_latency_seconds_bucket{le=\"+Inf\"}"), 2.0);
    assert_eq!(
        value("rota_handler_calls_total{module=\"rota\",handler=\"nop\"}"),
        1.0
    );
    assert_eq!(
        value("rota_decisions_total{component=\"device\",action=\"mode_chosen\"}"),
        1.0
    );
    assert_eq!(value("queue_depth"), 2.5);
    assert!(value("rota_device_memory_bytes") > 0.0);
    assert_eq!(types["rota_tenant_fuel_total"], "counter");
    assert_eq!(types["rota_info"], "gauge");
    for family in families() {
        let suffix = match family.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            _ => "",
        };
        assert!(
            types.contains_key(&format!("{}{suffix}", family.name)),
            "{}",
            family.name
        );
        if !family.unit.is_empty() {
            assert!(family.name.ends_with(family.unit), "{}", family.name);
        }
    }

    let open_metrics = text(&runtime, Format::OpenMetrics);
    assert!(open_metrics.ends_with("# EOF\n"));
    let (types, others) = parsed(open_metrics.strip_suffix("# EOF\n").unwrap());
    assert_eq!(types["rota_tenant_fuel"], "counter");
    assert_eq!(types["rota"], "info");
    let names = |samples: &[(String, f64)]| samples.iter().map(|s| s.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&others), names(&samples));

    let json: serde_json::Value = serde_json::from_str(&text(&runtime, Format::Json)).unwrap();
    let metrics = json["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), families().len());
    let submitted = metrics
        .iter()
        .find(|m| m["name"] == "rota_tenant_jobs_submitted")
        .unwrap();
    assert_eq!(submitted["samples"][0]["labels"]["tenant"], ugly);
    assert_eq!(submitted["samples"][0]["value"], 2);
    assert_eq!(json["provided"]["queue_depth"], 2.5);

    // What doesn't fit is told.
    let mut small = [0; 100];
    let needed = runtime
        .metrics_text(Format::Prometheus, &mut small)
        .unwrap();
    assert!(needed > 1000);
    assert!(text(&runtime, Format::Prometheus)
        .as_bytes()
        .starts_with(&small));
    runtime.remove_metrics_provider(provider).unwrap();
    let before = asked.load(Ordering::Relaxed);
    assert!(!text(&runtime, Format::Prometheus).contains("queue_depth"));
    assert_eq!(asked.load(Ordering::Relaxed), before);
    assert!(runtime.remove_metrics_provider(provider).is_err());
}

#[test]
fn decisions_are_counted_and_kept_where_that_is_wished() {
    let mut wanted = options(Mode::Resident);
    wanted.trace = true;
    let runtime = open(wanted);
    let tenant = tenant(&runtime);
    let module = || ModuleOptions {
        label: "one".into(),
        source: "fn one() { result(0u, 1u); }".into(),
        handlers: vec![HandlerOptions {
            opcode: 0x1000,
            function: "one".into(),
            ..HandlerOptions::default()
        }],
    };
    let (first, _) = tenant.module_load(&module()).unwrap();
    run_one(&tenant, job(0x1000, 1, &[]));
    tenant.module_unload(first, PATIENCE).unwrap();
    tenant.module_load(&module()).unwrap();
    let now = snapshot(&runtime);
    let counts = |action: Action| now.runtime.decisions[action as usize];
    assert_eq!(counts(Action::KernelCompiled), now.runtime.compiles);
    assert_eq!(counts(Action::KernelReused), now.runtime.cache_hits);
    assert!(
        counts(Action::KernelReused) >= 1 && now.runtime.saved_ns > 0,
        "{now:?}"
    );
    assert!(counts(Action::ModuleSwitched) >= 2);
    assert_eq!(now.runtime.modules, 1);
    assert!(now.runtime.compile_ns > 0 && now.runtime.switch_ns > 0);
    let called = now.handlers.iter().find(|h| &*h.module == "one").unwrap();
    assert_eq!((&*called.handler, called.calls), ("one", 1));
    let last = runtime.decisions().unwrap();
    let lines: Vec<String> = last.iter().map(|d| d.to_string()).collect();
    assert!(
        lines[0].starts_with("device mode_chosen saved=0ns Resident"),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("kernel reused saved=")),
        "{lines:?}"
    );
    assert!(last.is_sorted_by_key(|d| d.at_ns));
    // Others count only.
    let runtime = open(options(Mode::Resident));
    assert!(runtime.decisions().unwrap().is_empty());
}
