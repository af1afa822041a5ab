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

pub use crate::ring::span::TraceContext;
pub(crate) use sidecar::{Names, Sidecar};

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
