//! Spans: which jobs have them, what they tell, and that jobs never wait for whoever exports them.

use std::sync::{mpsc, Arc, Mutex};
use std::time::{Duration, Instant};

use rota::spans::{
    ExportError, Exporter, Origin, Sampler, SharedExporter, Span, SpanOptions, SpanStats,
    TraceContext,
};

use crate::kit::*;

/// What an exporter does with a batch.
type Act = Box<dyn FnMut(usize) -> Result<(), ExportError> + Send>;

/// An exporter that keeps what it takes.
struct Keeper {
    kept: Arc<Mutex<Vec<Span>>>,
    origin: Arc<Mutex<Option<Origin>>>,
    ended: Arc<Mutex<u32>>,
    act: Act,
}

impl Exporter for Keeper {
    fn name(&self) -> &'static str {
        "keeper"
    }

    fn begin(&mut self, origin: &Origin) -> Result<(), ExportError> {
        *self.origin.lock().unwrap() = Some(origin.clone());
        Ok(())
    }

    fn export(&mut self, spans: &[Span], _: Instant) -> Result<(), ExportError> {
        (self.act)(spans.len())?;
        self.kept.lock().unwrap().extend_from_slice(spans);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), ExportError> {
        *self.ended.lock().unwrap() += 1;
        Ok(())
    }
}

/// What a test sees of its exporter.
#[derive(Clone, Default)]
struct Kept {
    spans: Arc<Mutex<Vec<Span>>>,
    origin: Arc<Mutex<Option<Origin>>>,
    ended: Arc<Mutex<u32>>,
}

impl Kept {
    fn exporter(
        &self,
        act: impl FnMut(usize) -> Result<(), ExportError> + Send + 'static,
    ) -> SharedExporter {
        SharedExporter::new(Keeper {
            kept: self.spans.clone(),
            origin: self.origin.clone(),
            ended: self.ended.clone(),
            act: Box::new(act),
        })
    }

    fn all(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }
}

fn with_spans(mode: Mode, spans: SpanOptions) -> RuntimeOptions {
    RuntimeOptions {
        spans: Some(spans),
        ..options(mode)
    }
}

fn to(exporter: SharedExporter) -> SpanOptions {
    SpanOptions {
        exporters: vec![exporter],
        ..SpanOptions::default()
    }
}

fn flush(runtime: &Runtime) -> SpanStats {
    runtime.flush_spans(Duration::from_nanos(PATIENCE)).unwrap();
    runtime.span_stats().unwrap()
}

/// What holds for each span, whatever its job.
fn holds(span: &Span) {
    assert!(span.submitted <= span.taken, "{span:?}");
    assert!(span.trace_id != [0; 16] && span.span_id != [0; 8]);
    assert_eq!(span.claimed.is_some(), span.finished.is_some());
    if let (Some(claimed), Some(finished)) = (span.claimed, span.finished) {
        let times = [
            span.submitted,
            claimed.earliest,
            claimed.latest,
            finished.latest,
            span.taken,
        ];
        assert!(times.is_sorted(), "{span:?}");
        assert!(claimed.earliest <= finished.earliest, "{span:?}");
        assert!(finished.earliest <= finished.latest, "{span:?}");
        assert!(span.begin_epoch < span.end_epoch, "{span:?}");
    }
}

#[test]
fn each_job_has_a_span_that_tells_its_life() {
    for mode in MODES {
        let kept = Kept::default();
        let runtime = open(with_spans(mode, to(kept.exporter(|_| Ok(())))));
        let day = |time: std::time::SystemTime| {
            time.duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_nanos() as u64
        };
        let began = day(std::time::SystemTime::now());
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4096, false).unwrap();
        let jobs = [
            Job {
                user_data: u64::MAX,
                ..nop(1, 2)
            },
            with(spin(1000), TIMING),
            with(faulty_scalar(), BARRIER),
            with(nop(1, 2), AFTER_OK),
            with(sum(buffer, 1000, 5), BARRIER),
            with(nop(3, 4), TIMING),
        ];
        let tickets = submit(&tenant, &jobs);
        let completions: Vec<_> = tickets.iter().map(|&t| wait(&tenant, t)).collect();
        let stats = flush(&runtime);
        assert_eq!((stats.pushed, stats.dropped, stats.exported), (6, 0, 6));
        assert_eq!((stats.failed, stats.failures, stats.queued), (0, 0, 0));
        let mut spans = kept.all();
        spans.sort_by_key(|span| span.ticket);
        for ((span, completion), job) in spans.iter().zip(&completions).zip(&jobs) {
            holds(span);
            let of_span = (
                span.ticket,
                span.user_data,
                span.status,
                span.fault,
                span.tiles,
            );
            let (user_data, tiles) = (job.user_data, job.tiles);
            let completed = (
                completion.ticket,
                user_data,
                completion.status,
                completion.fault,
                tiles,
            );
            assert_eq!(of_span, completed);
            assert_eq!(
                (&*span.tenant, span.tenant_id, span.parent_id),
                ("test", tenant.id(), None)
            );
            assert_eq!(&*span.module, "rota");
            assert!(began <= span.submitted && span.taken <= day(std::time::SystemTime::now()));
            // Who asked for no epochs gets none.
            let asked = job.flags & TIMING != 0;
            assert_eq!(
                completion.begin_epoch != 0 || completion.end_epoch != 0,
                asked
            );
            assert_eq!(completion.digest, 0);
        }
        let names: Vec<_> = spans.iter().map(|span| &*span.handler).collect();
        assert_eq!(names, ["nop", "spin", "spin", "nop", "sum_u32", "nop"]);
        let ran: Vec<_> = spans.iter().map(|span| span.claimed.is_some()).collect();
        // The first is a light job, of which the device tells nothing.
        assert_eq!(ran[..3], [false, true, true], "{spans:?}");
        assert!(ran[4] && ran[5], "{spans:?}");
        assert!(spans[1].fuel != 0 && spans[1].fuel == completions[1].fuel);
        let epochs = (completions[5].begin_epoch, completions[5].end_epoch);
        assert_eq!((spans[5].begin_epoch, spans[5].end_epoch), epochs);
        // What waits for a barrier begins after all before have ended, and the host's bounds must not say otherwise.
        let ended = spans[1].finished.unwrap().earliest;
        assert!(ended <= spans[2].claimed.unwrap().latest);
        assert!(spans[1].end_epoch <= spans[2].begin_epoch);
        let origin = kept.origin.lock().unwrap().clone().unwrap();
        assert_eq!(
            (origin.device, origin.version),
            (runtime.info().device.name, rota::VERSION)
        );
        drop(tenant);
        drop(runtime);
        assert_eq!(*kept.ended.lock().unwrap(), 1);
    }
}

#[test]
fn bounds_of_jobs_one_after_another_fit_together() {
    let kept = Kept::default();
    let mut options = with_spans(Mode::Auto, to(kept.exporter(|_| Ok(()))));
    // The device counts over the wrap.
    options.first_epoch = u32::MAX - 700;
    let runtime = open(options);
    let tenant = tenant(&runtime);
    let jobs: Vec<Job> = (0..50).map(|n| with(spin(n * 100), BARRIER)).collect();
    for _ in 0..20 {
        submit(&tenant, &jobs);
        take(&tenant, jobs.len());
    }
    flush(&runtime);
    let mut spans = kept.all();
    assert_eq!(spans.len(), 1000);
    spans.sort_by_key(|span| span.ticket);
    let mut known = 0;
    for pair in spans.windows(2) {
        pair.iter().for_each(holds);
        let (before, after) = (pair[0].finished.unwrap(), pair[1].claimed.unwrap());
        assert!(before.earliest <= after.latest, "{pair:?}");
        assert!(pair[0].end_epoch <= pair[1].begin_epoch);
        known = known.max(before.earliest);
        assert!(known <= after.latest, "{pair:?}");
    }
    // All have ids of their own.
    let ids: std::collections::HashSet<_> = spans
        .iter()
        .map(|span| (span.trace_id, span.span_id))
        .collect();
    assert_eq!(ids.len(), 1000);
}

#[test]
fn a_job_can_belong_to_a_trace() {
    let kept = Kept::default();
    let sampler = Sampler::new(0.0, true);
    let runtime = open(with_spans(
        Mode::Auto,
        SpanOptions {
            sampler,
            ..to(kept.exporter(|_| Ok(())))
        },
    ));
    let tenant = tenant(&runtime);
    let text = |sampled| format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0{sampled}");
    let of = |sampled: u8| text(sampled).parse::<TraceContext>().unwrap();
    let jobs: Vec<Job> = (0..5).map(|n| nop(n, 0)).collect();
    // Beyond the last context there are none.
    let contexts = [of(1), of(0), TraceContext::default(), of(1)];
    let mut tickets = [0; 5];
    let (accepted, result) = tenant.submit_traced(&jobs, &contexts, Some(&mut tickets));
    assert_eq!(accepted, 5, "{result:?}");
    take(&tenant, 5);
    // One by one too.
    for context in &contexts[..2] {
        assert_eq!(tenant.submit_traced(&jobs[..1], &[*context], None).0, 1);
        take(&tenant, 1);
    }
    flush(&runtime);
    let spans = kept.all();
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert_eq!([spans[0].ticket, spans[1].ticket], [tickets[0], tickets[3]]);
    for span in &spans {
        holds(span);
        assert_eq!(
            (span.trace_id, span.parent_id),
            (contexts[0].trace_id, Some(contexts[0].parent_id))
        );
    }
}

#[test]
fn a_part_of_the_jobs_is_sampled() {
    let kept = Kept::default();
    let sampler = Sampler::new(0.01, true);
    let runtime = open(with_spans(
        Mode::Auto,
        SpanOptions {
            sampler,
            ..to(kept.exporter(|_| Ok(())))
        },
    ));
    let tenants = [tenant(&runtime), tenant(&runtime)];
    let jobs: Vec<Job> = (0..50).map(|n| nop(n, 0)).collect();
    for _ in 0..100 {
        for tenant in &tenants {
            submit(tenant, &jobs);
            let completions = take(tenant, jobs.len());
            assert!(completions
                .iter()
                .all(|c| c.status == OK && c.results[1] == 0));
        }
    }
    let stats = flush(&runtime);
    assert!(stats.pushed.abs_diff(100) <= 6, "{stats:?}");
    assert_eq!((stats.exported, stats.dropped), (stats.pushed, 0));
    kept.all().iter().for_each(holds);
    // Others who sample by the same ratio sample these traces too.
    let low = |span: &Span| u64::from_be_bytes(span.trace_id[8..].try_into().unwrap()) >> 1;
    let bound = (0.01 * (1u64 << 63) as f64) as u64;
    assert!(kept.all().iter().all(|span| low(span) <= bound));
}

#[test]
fn jobs_never_wait_for_an_exporter() {
    let kept = Kept::default();
    let (go, gate) = mpsc::channel::<()>();
    // Stands still until the test lets it go.
    let exporter = kept.exporter(move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let options = SpanOptions {
        queue: 64,
        batch: 16,
        ..to(exporter)
    };
    let runtime = open(with_spans(Mode::Auto, options));
    let tenant = tenant(&runtime);
    let jobs: Vec<Job> = (0..50).map(|n| nop(n, 0)).collect();
    for _ in 0..40 {
        submit(&tenant, &jobs);
        take(&tenant, jobs.len());
    }
    let stats = runtime.span_stats().unwrap();
    assert_eq!(stats.pushed + stats.dropped, 2000, "{stats:?}");
    assert!(stats.dropped >= 2000 - 64 - 16 * 3, "{stats:?}");
    assert!(stats.drop_rate() > 0.5 && stats.utilisation() <= 1.0);
    assert_eq!(stats.capacity, 64);
    let timeout = runtime.flush_spans(Duration::from_millis(20)).unwrap_err();
    assert_eq!(timeout.status(), Status::Timeout);
    drop(go);
    let stats = flush(&runtime);
    assert_eq!(stats.exported, stats.pushed, "{stats:?}");
    assert_eq!(kept.all().len() as u64, stats.exported);
}

/// What the queue and one exporter's backlog have no room for is lost and counted, and whoever flushes waits for the rest only.
#[test]
fn a_flush_returns_though_queue_and_backlog_were_full() {
    let (kept, well) = (Kept::default(), Kept::default());
    let mut tries = 0;
    // It asks for a pause once, in which the other one goes on.
    let pauses = kept.exporter(move |_| {
        tries += 1;
        match tries {
            1 => Err(ExportError {
                text: "later".into(),
                retry_after: Some(Duration::from_secs(2)),
            }),
            _ => Ok(()),
        }
    });
    let runtime = open(with_spans(
        Mode::Auto,
        SpanOptions {
            queue: 32,
            batch: 8,
            exporters: vec![pauses, well.exporter(|_| Ok(()))],
            ..SpanOptions::default()
        },
    ));
    let tenant = tenant(&runtime);
    let jobs: Vec<Job> = (0..50).map(|n| nop(n, 0)).collect();
    let mut submitted = 0;
    until("both have overflowed", || {
        submit(&tenant, &jobs);
        take(&tenant, jobs.len());
        submitted += jobs.len() as u64;
        let stats = runtime.span_stats().unwrap();
        stats.dropped != 0 && stats.failed != 0
    });
    let stats = flush(&runtime);
    assert_eq!(stats.pushed + stats.dropped, submitted, "{stats:?}");
    assert_eq!((stats.failures, stats.retries), (1, 1), "{stats:?}");
    assert_eq!(stats.queued, 0);
    let numbers = |kept: &Kept| kept.all().len() as u64;
    assert_eq!(numbers(&well), stats.pushed);
    assert_eq!(numbers(&kept) + stats.failed, stats.pushed, "{stats:?}");
    assert_eq!(numbers(&kept) + numbers(&well), stats.exported, "{stats:?}");
    // And all is as before.
    run_one(&tenant, nop(1, 2));
    let after = flush(&runtime);
    assert_eq!(
        (after.pushed, after.exported, after.failed, after.dropped),
        (
            stats.pushed + 1,
            stats.exported + 2,
            stats.failed,
            stats.dropped
        )
    );
}

fn fails(again: bool) -> Result<(), ExportError> {
    Err(ExportError {
        text: "the other side is not well".into(),
        retry_after: again.then_some(Duration::ZERO),
    })
}

#[test]
fn exports_that_fail_are_tried_again_and_given_up() {
    let kept = Kept::default();
    let mut tries = 0;
    let exporter = kept.exporter(move |_| {
        tries += 1;
        match tries {
            1 | 2 => fails(true),
            4 => fails(false),
            _ => Ok(()),
        }
    });
    // Beside one that is always well.
    let well = Kept::default();
    let options = SpanOptions {
        exporters: vec![exporter, well.exporter(|_| Ok(()))],
        ..SpanOptions::default()
    };
    let runtime = open(with_spans(Mode::Auto, options));
    let tenant = tenant(&runtime);
    run_one(&tenant, nop(1, 2));
    let stats = flush(&runtime);
    assert_eq!(
        (stats.exported, stats.failures, stats.retries, stats.failed),
        (2, 2, 2, 0)
    );
    run_one(&tenant, nop(1, 2));
    let stats = flush(&runtime);
    assert_eq!(
        (stats.exported, stats.failures, stats.retries, stats.failed),
        (3, 3, 2, 1)
    );
    run_one(&tenant, nop(1, 2));
    flush(&runtime);
    assert_eq!((kept.all().len(), well.all().len()), (2, 3));
    let mut text = vec![0; 1 << 20];
    let length = runtime
        .metrics_text(rota::metrics::Format::Prometheus, &mut text)
        .unwrap();
    let text = String::from_utf8_lossy(&text[..length]);
    for line in [
        "rota_spans_total 3",
        "rota_spans_dropped_total 0",
        "rota_spans_failed_total 1",
        "rota_span_export_failures_total 3",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
}

#[test]
fn an_exporter_that_never_works_ends_with_the_runtime() {
    let kept = Kept::default();
    let runtime = open(with_spans(Mode::Auto, to(kept.exporter(|_| fails(true)))));
    let tenant = tenant(&runtime);
    run_one(&tenant, nop(1, 2));
    drop(tenant);
    // Bounded by the sidecar's own time for this, or else this test would never end.
    drop(runtime);
    assert_eq!((kept.all().len(), *kept.ended.lock().unwrap()), (0, 1));
}

#[test]
fn what_was_taken_before_the_end_is_exported() {
    let kept = Kept::default();
    let options = SpanOptions {
        delay: Duration::from_secs(3600),
        ..to(kept.exporter(|_| Ok(())))
    };
    let runtime = open(with_spans(Mode::Auto, options));
    let tenant = tenant(&runtime);
    let buffer = tenant.buffer_create(4096, true).unwrap();
    let mut jobs: Vec<Job> = (0..30).map(|n| nop(n, 0)).collect();
    jobs.push(long(buffer));
    jobs.push(with(nop(1, 1), BARRIER));
    submit(&tenant, &jobs);
    take(&tenant, 30);
    runtime.stop().unwrap();
    // These never completed, and are taken after the stop.
    let completions = take(&tenant, 2);
    assert_eq!(statuses(&completions), [CANCELLED; 2]);
    drop(tenant);
    drop(runtime);
    let spans = kept.all();
    assert_eq!(spans.len(), 32);
    spans.iter().for_each(holds);
    let last = spans.iter().max_by_key(|span| span.ticket).unwrap();
    assert_eq!((last.status, last.claimed), (CANCELLED, None));
}

#[test]
fn options_are_checked() {
    for (queue, batch) in [(0, 1), (1 << 21, 1), (8, 0), (8, 9)] {
        let spans = SpanOptions {
            queue,
            batch,
            ..SpanOptions::default()
        };
        let Err(error) = Runtime::open(&with_spans(Mode::Auto, spans)) else {
            panic!("{queue} {batch}");
        };
        assert_eq!(error.status(), Status::InvalidArgument, "{error}");
    }
    let runtime = shared(Mode::Resident);
    assert_eq!(
        runtime.span_stats().unwrap_err().status(),
        Status::WrongState
    );
    assert_eq!(
        runtime.flush_spans(Duration::ZERO).unwrap_err().status(),
        Status::WrongState
    );
}

/// Refuses to begin.
struct Broken;

impl Exporter for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn begin(&mut self, _: &Origin) -> Result<(), ExportError> {
        fails(false)
    }

    fn export(&mut self, _: &[Span], _: Instant) -> Result<(), ExportError> {
        fails(false)
    }

    fn end(&mut self, _: Instant) -> Result<(), ExportError> {
        fails(false)
    }
}

#[test]
fn an_exporter_that_cannot_begin_is_told_at_once() {
    let options = with_spans(Mode::Auto, to(SharedExporter::new(Broken)));
    let Err(error) = Runtime::open(&options) else {
        panic!("it opened");
    };
    let text = error.to_string();
    assert!(
        text.contains("broken") && text.contains("not well"),
        "{text}"
    );
    assert_eq!(error.status(), Status::IoError);
}

#[test]
fn spans_of_many_threads_are_all_there() {
    let kept = Kept::default();
    let options = SpanOptions {
        queue: 1 << 17,
        ..to(kept.exporter(|_| Ok(())))
    };
    let runtime = open(with_spans(Mode::Auto, options));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let tenant = tenant(&runtime);
            scope.spawn(move || {
                let jobs: Vec<Job> = (0..50).map(|n| nop(n, 0)).collect();
                for _ in 0..200 {
                    submit(&tenant, &jobs);
                    take(&tenant, jobs.len());
                }
            });
        }
    });
    let stats = flush(&runtime);
    assert_eq!(
        (stats.pushed, stats.exported, stats.dropped),
        (40_000, 40_000, 0)
    );
    let spans = kept.all();
    spans.iter().for_each(holds);
    let tickets: std::collections::HashSet<_> = spans
        .iter()
        .map(|span| (span.tenant_id, span.ticket))
        .collect();
    assert_eq!(tickets.len(), 40_000);
}
