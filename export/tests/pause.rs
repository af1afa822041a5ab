//! A pause that a collector asks for is kept, also where its batch is given up. With a runtime, whose sidecar it is that waits.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::receiver::{accepted, answer, Receiver};
use rota::spans::{SharedExporter, SpanOptions};
use rota::{op, Job, Runtime, RuntimeOptions, TenantOptions, Wait};
use rota_export::{Otlp, OtlpOptions};

#[test]
fn who_asks_not_to_be_called_is_not() {
    let busy = answer("429 Too Many Requests", "retry-after: 3600\r\n", b"");
    let receiver = Receiver::new(vec![busy, accepted()]);
    let otlp = Otlp::new(OtlpOptions {
        endpoint: Some(receiver.endpoint()),
        ..OtlpOptions::default()
    });
    // So much less than what is asked for that the batch can't wait for it.
    let timeout = Duration::from_secs(5);
    let runtime = Runtime::open(&RuntimeOptions {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        spans: Some(SpanOptions {
            timeout,
            exporters: vec![SharedExporter::new(otlp.expect("good options"))],
            ..SpanOptions::default()
        }),
        ..RuntimeOptions::default()
    })
    .expect("a runtime");
    let tenant = runtime.create_tenant(&TenantOptions::default());
    let tenant = tenant.expect("a tenant");
    let run = || {
        let job = Job {
            opcode: op::NOP,
            tiles: 1,
            ..Job::default()
        };
        let mut ticket = [0];
        let submitted = tenant.submit(&[job], Some(&mut ticket));
        submitted.1.expect("it was accepted");
        let taken = tenant.wait(ticket[0], Wait::Adaptive, u64::MAX);
        taken.expect("it has completed");
        let flushed = runtime.flush_spans(Duration::from_secs(120));
        flushed.expect("nothing waits any more");
        let stats = runtime.span_stats().expect("it makes spans");
        (stats.exported, stats.failed, stats.failures, stats.retries)
    };
    let begin = Instant::now();
    assert_eq!(run(), (0, 1, 1, 0), "given up at once");
    // The next batch waits as long as one may take, though nobody has refused it.
    assert_eq!(run(), (1, 1, 1, 0));
    assert!(begin.elapsed() >= timeout, "{:?}", begin.elapsed());
}
