//! Spans: the life of a job, for tracing systems. Some jobs are sampled; when the completion of such a one is taken, its span
//! goes into a bounded queue, from where a thread of its own, the sidecar, hands it to exporters in batches. A job never waits
//! for that: where the queue is full the span is dropped, and counted.
//!
//! Trace contexts are W3C's (<https://www.w3.org/TR/trace-context/>), samplers and environment variables OpenTelemetry's
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

mod context;
mod environment;
mod moments;
mod sidecar;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub use crate::ring::span::{Sampler, TraceContext};
pub use context::TRACEPARENT;
pub use environment::Environment;
pub(crate) use sidecar::Spans;

use crate::error::Error;
use crate::ring::sync::lock;

/// Spans that wait for the sidecar, by default.
pub const DEFAULT_QUEUE: usize = 8192;
/// The most that can wait.
pub const MOST_QUEUE: usize = 1 << 20;
/// Spans that are exported together, by default, and how long they wait to be so many.
pub const DEFAULT_BATCH: usize = 100;
pub const DEFAULT_DELAY: Duration = Duration::from_millis(10);
/// How long an export may take with all that is tried again, by default.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// When something happened that only the device saw, as far as the host can tell: in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub earliest: u64,
    pub latest: u64,
}

/// The life of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    /// None where the job begins its trace.
    pub parent_id: Option<[u8; 8]>,
    /// The tenant's label, and its number, which no other tenant of this runtime has.
    pub tenant: Arc<str>,
    pub tenant_id: u64,
    /// What the handler is counted under.
    pub module: Arc<str>,
    pub handler: Arc<str>,
    pub ticket: u64,
    pub user_data: u64,
    /// One of `completion_status`.
    pub status: u32,
    /// One of `fault`, or 0.
    pub fault: u32,
    pub tiles: u32,
    /// Loop iterations, summed over lanes and tiles.
    pub fuel: u32,
    /// In nanoseconds since 1970, as all times here.
    pub submitted: u64,
    /// When a worker began with it; None where none did.
    pub claimed: Option<Moment>,
    /// When the last worker was done with it.
    pub finished: Option<Moment>,
    /// When its completion was taken.
    pub taken: u64,
    /// The device's epochs at its begin and end; 0 where it never began.
    pub begin_epoch: u64,
    pub end_epoch: u64,
}

/// What exporters are told of the runtime.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub version: &'static str,
    pub device: String,
    pub driver: String,
    pub mode: &'static str,
}

/// Why an export failed.
#[derive(Clone, Debug)]
pub struct ExportError {
    pub text: String,
    /// Whether it may be tried again, and how long the other side asks to wait before: None where trying again is no use.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ExportError {}

/// Where spans go. Called by one thread at a time, and never by one that submits or takes jobs.
pub trait Exporter: Send {
    /// For messages: `otlp`, `chrome`...
    fn name(&self) -> &'static str;

    /// Told once, before the first export.
    fn begin(&mut self, origin: &Origin) -> Result<(), ExportError>;

    /// Exports all of them or fails; to give up at the deadline.
    fn export(&mut self, spans: &[Span], deadline: Instant) -> Result<(), ExportError>;

    /// There are no more spans: to make whole what was begun.
    fn end(&mut self, deadline: Instant) -> Result<(), ExportError>;
}

/// An exporter, as options carry it.
#[derive(Clone)]
pub struct SharedExporter(Arc<Mutex<dyn Exporter>>);

impl SharedExporter {
    pub fn new(exporter: impl Exporter + 'static) -> Self {
        Self(Arc::new(Mutex::new(exporter)))
    }

    fn with<T>(&self, what: impl FnOnce(&mut dyn Exporter) -> T) -> T {
        what(&mut *lock(&self.0))
    }
}

impl fmt::Debug for SharedExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.with(|exporter| exporter.name()))
    }
}

/// Which jobs have spans, and where these go.
#[derive(Clone, Debug)]
pub struct SpanOptions {
    pub sampler: Sampler,
    /// Spans that can wait for the sidecar: 1 to `MOST_QUEUE`.
    pub queue: usize,
    /// Spans that are exported together: 1 to `queue`.
    pub batch: usize,
    /// How long a span waits until its batch is full.
    pub delay: Duration,
    /// How long one batch may take an exporter, with all that is tried again.
    pub timeout: Duration,
    pub exporters: Vec<SharedExporter>,
}

impl Default for SpanOptions {
    fn default() -> Self {
        Self {
            sampler: Sampler::new(1.0, true),
            queue: DEFAULT_QUEUE,
            batch: DEFAULT_BATCH,
            delay: DEFAULT_DELAY,
            timeout: DEFAULT_TIMEOUT,
            exporters: Vec::new(),
        }
    }
}

impl SpanOptions {
    /// Whether all numbers are ones that may be.
    pub fn check(&self) -> Result<(), Error> {
        let between = |what, value: usize, most: usize, allowed| match (1..=most).contains(&value) {
            true => Ok(()),
            false => Err(Error::InvalidValue {
                what,
                value: value as u64,
                allowed,
            }),
        };
        between("spans.queue", self.queue, MOST_QUEUE, "1 to 1048576")?;
        between("spans.batch", self.batch, self.queue, "1 to spans.queue")
    }
}

/// How the queue and the exporters are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanStats {
    /// Spans that were put into the queue, and that found no room there.
    pub pushed: u64,
    pub dropped: u64,
    /// Spans that exporters took, and that were given up; each counts for each exporter.
    pub exported: u64,
    pub failed: u64,
    /// Exports that failed, and that were tried again.
    pub failures: u64,
    pub retries: u64,
    /// Spans in the queue now, and how many fit.
    pub queued: u64,
    pub capacity: u64,
}

impl SpanStats {
    /// Which part of the queue is full.
    pub fn utilisation(&self) -> f64 {
        self.queued as f64 / self.capacity.max(1) as f64
    }

    /// Which part of the spans was dropped.
    pub fn drop_rate(&self) -> f64 {
        self.dropped as f64 / (self.pushed + self.dropped).max(1) as f64
    }
}
