//! Spans: the lives of jobs, for tracing systems.
#![cfg(not(loom))]

use crate::args::{self, same_layout, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::jobs::{rota_job, rota_ticket, submit_with};
use crate::runtime::{rota_runtime, with_runtime};
use crate::tenant::rota_tenant;
use rota::spans::{Environment, ExportError, Sampler, SharedExporter, SpanOptions};
use rota::{Error, TraceContext};
use std::ffi::c_char;
use std::mem::{align_of, offset_of, size_of};
use std::path::Path;
use std::ptr::null;
use std::time::Duration;

/// ---- Samplers ----------------------------------------------------------------------------------
/// As OpenTelemetry's: which jobs have spans. Those called PARENT go by the sampled flag of the job's
/// trace context, and only jobs without a context are sampled as the name says.
///
/// What $OTEL_TRACES_SAMPLER and $OTEL_TRACES_SAMPLER_ARG say; without them PARENT_ALWAYS_ON.
pub const ROTA_SAMPLER_ENVIRONMENT: u32 = 0;
/// All.
pub const ROTA_SAMPLER_ALWAYS_ON: u32 = 1;
/// None.
pub const ROTA_SAMPLER_ALWAYS_OFF: u32 = 2;
/// The part of them that sample_ratio says; those with a trace context by their trace id.
pub const ROTA_SAMPLER_RATIO: u32 = 3;
/// All without a context.
pub const ROTA_SAMPLER_PARENT_ALWAYS_ON: u32 = 4;
/// None without a context.
pub const ROTA_SAMPLER_PARENT_ALWAYS_OFF: u32 = 5;
/// A part of those without a context.
pub const ROTA_SAMPLER_PARENT_RATIO: u32 = 6;

/// ---- Exporters of spans ------------------------------------------------------------------------
///
/// OTLP over HTTP, with protobuf: to an OpenTelemetry collector, or what understands the same.
pub const ROTA_SPANS_OTLP: u32 = 1;

/// ---- Flags of a trace context ------------------------------------------------------------------
///
/// The caller's span is sampled.
pub const ROTA_TRACE_SAMPLED: u64 = 1;

/// Which jobs of a runtime have spans, and where these go. ROTA_SPAN_OPTIONS_INIT has defaults for all
/// but that: OTLP, a file, or both.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_span_options {
    /// sizeof(rota_span_options), which ROTA_SPAN_OPTIONS_INIT sets.
    pub struct_size: usize,
    /// ROTA_SPANS_* together, or 0.
    pub exporters: u32,
    /// One of ROTA_SAMPLER_*.
    pub sampler: u32,
    /// For the samplers by ratio: from 0 for none to 1 for all.
    pub sample_ratio: f64,
    /// Where OTLP goes: an http URL with its path. NULL: $OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else
    /// $OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces behind it, else http://localhost:4318/v1/traces.
    pub endpoint: *const c_char,
    /// Bytes of endpoint.
    pub endpoint_len: usize,
    /// The name of the service. NULL: $OTEL_SERVICE_NAME, else the program's.
    pub service: *const c_char,
    /// Bytes of service.
    pub service_len: usize,
    /// A file for Chrome's trace viewer or Perfetto; one that is there is overwritten, and %p in it stands
    /// for the process id. NULL: none.
    pub path: *const c_char,
    /// Bytes of path.
    pub path_len: usize,
    /// Spans that can wait to be exported, 1 to 1,048,576: ROTA_SPAN_OPTIONS_INIT says 8,192. Those that
    /// find no room are dropped, and counted.
    pub queue: u32,
    /// Spans that are exported together, 1 to queue: ROTA_SPAN_OPTIONS_INIT says 100.
    pub batch: u32,
    /// How long a span waits for its batch to become full, in nanoseconds. 0: 10 ms.
    pub delay_ns: u64,
    /// How long a batch is tried, in nanoseconds. 0: 30 s.
    pub timeout_ns: u64,
}

// SAFETY: integers, a double and pointers only; each pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_span_options {
    const NAME: &'static str = "rota_span_options";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        exporters: 0,
        sampler: ROTA_SAMPLER_ENVIRONMENT,
        sample_ratio: 1.0,
        endpoint: null(),
        endpoint_len: 0,
        service: null(),
        service_len: 0,
        path: null(),
        path_len: 0,
        queue: rota::spans::DEFAULT_QUEUE as u32,
        batch: rota::spans::DEFAULT_BATCH as u32,
        delay_ns: 0,
        timeout_ns: 0,
    };
}

impl rota_span_options {
    /// The engine's form of a caller's options; what the environment says for NULL.
    ///
    /// # Safety
    /// As for `args::options`, and so are the texts in them.
    pub(crate) unsafe fn to_engine(options: *const Self) -> Result<Option<SpanOptions>, Failure> {
        if options.is_null() {
            return Ok(of_environment(Environment::of_process()));
        }
        // SAFETY: passed on, as below.
        let options = unsafe { args::options(options) }?;
        let exporters = args::flags("spans.exporters", options.exporters, ROTA_SPANS_OTLP)?;
        let ratio = options.sample_ratio;
        if !(0.0..=1.0).contains(&ratio) {
            return Err(
                Error::InvalidArgument("spans.sample_ratio must lie between 0 and 1").into(),
            );
        }
        let sampler = match options.sampler {
            ROTA_SAMPLER_ENVIRONMENT => Environment::of_process().sampler(),
            ROTA_SAMPLER_ALWAYS_ON => Sampler::new(1.0, false),
            ROTA_SAMPLER_ALWAYS_OFF => Sampler::new(0.0, false),
            ROTA_SAMPLER_RATIO => Sampler::new(ratio, false),
            ROTA_SAMPLER_PARENT_ALWAYS_ON => Sampler::new(1.0, true),
            ROTA_SAMPLER_PARENT_ALWAYS_OFF => Sampler::new(0.0, true),
            ROTA_SAMPLER_PARENT_RATIO => Sampler::new(ratio, true),
            value => return Err(args::unknown("spans.sampler", value, "ROTA_SAMPLER_*")),
        };
        // SAFETY: as above.
        let (endpoint, service, path) = unsafe {
            (
                args::text("spans.endpoint", options.endpoint, options.endpoint_len)?,
                args::text("spans.service", options.service, options.service_len)?,
                args::text("spans.path", options.path, options.path_len)?,
            )
        };
        let or = |ns, default| match ns {
            0 => default,
            ns => Duration::from_nanos(ns),
        };
        let mut wanted = SpanOptions {
            sampler,
            queue: options.queue as usize,
            batch: options.batch as usize,
            delay: or(options.delay_ns, rota::spans::DEFAULT_DELAY),
            timeout: or(options.timeout_ns, rota::spans::DEFAULT_TIMEOUT),
            exporters: Vec::new(),
        };
        wanted.check()?;
        if exporters & ROTA_SPANS_OTLP != 0 {
            wanted.exporters.push(otlp(endpoint, service)?);
        } else if endpoint.is_some() {
            let why = "spans.endpoint is for ROTA_SPANS_OTLP: set it in spans.exporters";
            return Err(Error::InvalidArgument(why).into());
        }
        if let Some(path) = path {
            wanted.exporters.push(chrome(path.as_ref())?);
        }
        if wanted.exporters.is_empty() {
            let why =
                "spans go nowhere: set ROTA_SPANS_OTLP in spans.exporters, or spans.path, or both";
            return Err(Error::InvalidArgument(why).into());
        }
        Ok(Some(wanted))
    }
}

/// Spans where the host says nothing: OTLP where $OTEL_TRACES_EXPORTER names it, and the file that
/// $ROTA_SPANS names. What can't be done is warned of, and left out.
fn of_environment(environment: Environment) -> Option<SpanOptions> {
    let warned = |result: Result<SharedExporter, Failure>| match result {
        Ok(exporter) => Some(exporter),
        Err(e) => {
            log::warn!(target: "rota::spans", "the environment asks for spans, but {e}");
            None
        }
    };
    if !rota::metrics::HAS_METRICS || environment.is_disabled() {
        return None;
    }
    let mut exporters = Vec::new();
    for name in environment.exporters() {
        match name.as_str() {
            "otlp" => exporters.extend(warned(otlp(None, None))),
            name => log::warn!(
                target: "rota::spans",
                "OTEL_TRACES_EXPORTER names {name:?}, which Rota doesn't have: otlp it has, and files by ROTA_SPANS"
            ),
        }
    }
    if let Some(path) = environment.file() {
        exporters.extend(warned(chrome(&path)));
    }
    (!exporters.is_empty()).then(|| SpanOptions {
        exporters,
        ..environment.options()
    })
}

#[cfg(feature = "otlp")]
fn otlp(endpoint: Option<&str>, service: Option<&str>) -> Result<SharedExporter, Failure> {
    let options = rota_export::OtlpOptions {
        endpoint: endpoint.map(Into::into),
        service: service.map(Into::into),
        ..rota_export::OtlpOptions::default()
    };
    let exporter = rota_export::Otlp::new(options);
    Ok(SharedExporter::new(exporter.map_err(|e| {
        Error::InvalidExporter {
            exporter: "otlp",
            reason: e.text,
        }
    })?))
}

#[cfg(not(feature = "otlp"))]
fn otlp(_: Option<&str>, _: Option<&str>) -> Result<SharedExporter, Failure> {
    Err(Error::Unsupported("OTLP: the library was built without it").into())
}

fn chrome(path: &Path) -> Result<SharedExporter, Failure> {
    let failed = |e: ExportError| Error::Export {
        exporter: "chrome",
        reason: e.text,
    };
    Ok(SharedExporter::new(
        rota_export::Chrome::create(path).map_err(failed)?,
    ))
}

/// Where a job belongs in a trace, as W3C's trace context tells it. All zero: it has none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct rota_trace_context {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The caller's span, whose child the job's span is.
    pub parent_id: [u8; 8],
    /// ROTA_TRACE_SAMPLED, or 0.
    pub flags: u64,
}

same_layout!(rota_trace_context, TraceContext, trace_id, parent_id, flags);

/// How the spans of a runtime are doing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_span_stats {
    /// sizeof(rota_span_stats), which ROTA_SPAN_STATS_INIT sets.
    pub struct_size: usize,
    /// Spans that were put into the queue.
    pub pushed: u64,
    /// Spans that found no room there.
    pub dropped: u64,
    /// Spans that exporters took; each counts for each exporter.
    pub exported: u64,
    /// Spans that were given up, likewise.
    pub failed: u64,
    /// Exports that failed.
    pub failures: u64,
    /// Exports that were tried again.
    pub retries: u64,
    /// Spans in the queue now.
    pub queued: u64,
    /// Spans that fit into it.
    pub capacity: u64,
    /// Which part of it is in use.
    pub utilisation: f64,
    /// Which part of all spans was dropped.
    pub drop_rate: f64,
}

// SAFETY: 64-bit numbers only.
unsafe impl Sized8 for rota_span_stats {
    const NAME: &'static str = "rota_span_stats";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        pushed: 0,
        dropped: 0,
        exported: 0,
        failed: 0,
        failures: 0,
        retries: 0,
        queued: 0,
        capacity: 0,
        utilisation: 0.0,
        drop_rate: 0.0,
    };
}

impl From<rota::spans::SpanStats> for rota_span_stats {
    fn from(stats: rota::spans::SpanStats) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            pushed: stats.pushed,
            dropped: stats.dropped,
            exported: stats.exported,
            failed: stats.failed,
            failures: stats.failures,
            retries: stats.retries,
            queued: stats.queued,
            capacity: stats.capacity,
            utilisation: stats.utilisation(),
            drop_rate: stats.drop_rate(),
        }
    }
}

/// ---- Spans -------------------------------------------------------------------------------------
///
/// As rota_submit, for jobs that belong to traces: `contexts` has one for each of the n jobs. A job in
/// whose context an id is all zero begins a trace of its own, if it is sampled. Where the runtime makes no spans the
/// contexts aren't looked at.
///
/// Ownership: jobs and contexts are copied.
/// Threading: as rota_submit.
/// Errors: as rota_submit.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_submit_traced(
    tenant: *mut rota_tenant,
    jobs: *const rota_job,
    contexts: *const rota_trace_context,
    n: usize,
    tickets: *mut rota_ticket,
    accepted: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, contexts too; the same layout, as asserted above.
        unsafe {
            submit_with(tenant, jobs, n, tickets, accepted, |tenant, jobs, tickets| {
                let contexts = args::some("contexts", contexts.cast::<TraceContext>(), n)?;
                Ok(tenant.submit_traced(jobs, contexts, tickets))
            })
        }
    })
}

/// Reads a trace context from text of W3C's form, as HTTP's header traceparent has it:
/// "00-<32 digits of trace id>-<16 digits of parent id>-<2 digits of flags>".
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_ARGUMENT (another form, or an id that is zero).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_trace_context_parse(
    text: *const c_char,
    text_len: usize,
    context: *mut rota_trace_context,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for all pointers below.
        let out = unsafe { args::out("context", context.cast::<TraceContext>()) }?;
        // SAFETY: as above.
        let text = unsafe { args::some_text("text", text, text_len) }?;
        out.write(text.parse::<TraceContext>()?);
        Ok(())
    })
}

/// Tells how the queue of spans and their exporters are doing.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (the runtime makes no spans),
/// UNSUPPORTED by a library that was built without metrics.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_spans_get_stats(
    runtime: *mut rota_runtime,
    stats: *mut rota_span_stats,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(stats) }?;
            wanted.fill(&entry.runtime.span_stats()?.into());
            Ok(())
        })
    })
}

/// Returns when the spans of all completions that were taken before the call are exported, or given up.
///
/// Ownership: nothing changes hands.
/// Threading: any thread; rota_runtime_destroy waits for it.
/// Errors: NULL_POINTER, INVALID_HANDLE, WRONG_STATE (the runtime makes no spans), TIMEOUT, UNSUPPORTED by
/// a library that was built without metrics.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_spans_flush(
    runtime: *mut rota_runtime,
    timeout_ns: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            Ok(entry.runtime.flush_spans(Duration::from_nanos(timeout_ns))?)
        })
    })
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;

    /// What is made of these variables: the exporters' names and how many spans are exported together.
    fn made_of(variables: &[(&str, &str)]) -> Option<(String, usize)> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        };
        let options = of_environment(Environment::new(&get))?;
        Some((format!("{:?}", options.exporters), options.batch))
    }

    #[test]
    fn the_environment_says_where_spans_go() {
        let batch = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7");
        let file = ("ROTA_SPANS", "/dev/null");
        let otlp = ("OTEL_TRACES_EXPORTER", "otlp,jaeger");
        assert_eq!(made_of(&[]), None);
        assert_eq!(made_of(&[batch]), None, "they would go nowhere");
        assert_eq!(made_of(&[file, batch]), Some(("[chrome]".into(), 7)));
        let both = if cfg!(feature = "otlp") {
            "[otlp, chrome]"
        } else {
            "[chrome]"
        };
        assert_eq!(made_of(&[file, otlp, batch]), Some((both.into(), 7)));
        // What can't be done is left out, and so is all where nothing can.
        let nowhere = ("ROTA_SPANS", "/nowhere/at/all.json");
        assert_eq!(made_of(&[nowhere, batch]), None);
        assert_eq!(made_of(&[("OTEL_TRACES_EXPORTER", "jaeger")]), None);
        assert_eq!(made_of(&[("OTEL_TRACES_EXPORTER", "none")]), None);
        let off = ("OTEL_SDK_DISABLED", "true");
        assert_eq!(made_of(&[file, otlp, off]), None);
    }
}
