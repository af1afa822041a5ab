//! OTLP over HTTP, as protobuf (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).
//!
//! `opentelemetry-otlp` makes requests of spans, [`Client`] sends them: on the thread that exports, each within its
//! deadline, and once. What may be tried again, and when, is told to who called.

mod client;
mod config;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{
    Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use opentelemetry_sdk::Resource;
use rota::spans::{ExportError, Exporter, Moment, Origin, Span};
use rota::{completion_status, completion_status_name, fault, fault_name};

use crate::lasting;
use client::Client;
use config::Config;

/// Where spans are sent, and what stands at them. What isn't given is taken from OpenTelemetry's environment variables
/// (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>), when the exporter is made.
#[derive(Clone, Debug, Default)]
pub struct OtlpOptions {
    /// The whole URL, `http://collector:4318/v1/traces`. Else `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` as it is, else
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` behind it, else that of localhost.
    pub endpoint: Option<String>,
    /// Headers of every request, besides those of `OTEL_EXPORTER_OTLP_TRACES_HEADERS`, else `OTEL_EXPORTER_OTLP_HEADERS`,
    /// or in place of one that has the same name.
    pub headers: Vec<(String, String)>,
    /// What a request may take. Else `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`, else `OTEL_EXPORTER_OTLP_TIMEOUT`, in
    /// milliseconds, else 10 seconds. The deadline of an export may be earlier.
    pub timeout: Option<Duration>,
    /// `http/protobuf` is what there is. Else `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, else `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub protocol: Option<String>,
    /// `service.name`. Else `OTEL_SERVICE_NAME`, else that of `OTEL_RESOURCE_ATTRIBUTES`, else `unknown_service:` and the
    /// executable's name.
    pub service: Option<String>,
}

/// Sends spans to a collector.
pub struct Otlp {
    config: Config,
    client: Arc<Client>,
    scope: InstrumentationScope,
    /// Since [`Exporter::begin`].
    exporter: Option<SpanExporter>,
}

impl Otlp {
    /// Connects to nothing yet.
    pub fn new(options: OtlpOptions) -> Result<Self, ExportError> {
        let config = Config::new(options)?;
        Ok(Self {
            client: Arc::new(Client::new(&config)),
            config,
            scope: InstrumentationScope::builder("rota").build(),
            exporter: None,
        })
    }

    /// Where it sends to.
    pub fn endpoint(&self) -> &str {
        &self.config.endpoint
    }
}

impl Exporter for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn begin(&mut self, origin: &Origin) -> Result<(), ExportError> {
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_shared_http_client(self.client.clone())
            .with_endpoint(&self.config.endpoint)
            .with_timeout(self.config.timeout)
            .with_protocol(Protocol::HttpBinary)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|e| lasting(e.to_string()))?;
        let own = [
            KeyValue::new("service.name", self.config.service.clone()),
            KeyValue::new("rota.version", origin.version),
            KeyValue::new("rota.device", origin.device.clone()),
            KeyValue::new("rota.driver", origin.driver.clone()),
            KeyValue::new("rota.mode", origin.mode),
        ];
        let given = self.config.attributes.iter();
        let given = given.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let resource = Resource::builder_empty()
            .with_attributes(given)
            .with_attributes(own)
            .build();
        exporter.set_resource(&resource);
        self.exporter = Some(exporter);
        self.scope = InstrumentationScope::builder("rota")
            .with_version(origin.version)
            .build();
        Ok(())
    }

    fn export(&mut self, spans: &[Span], deadline: Instant) -> Result<(), ExportError> {
        let Some(exporter) = &self.exporter else {
            return Err(lasting("the exporter wasn't begun"));
        };
        let batch = spans.iter().map(|span| data(span, &self.scope)).collect();
        self.client.before(deadline);
        // The client blocks, so there is nothing to wait for.
        let sending = pin!(exporter.export(batch));
        let sent = match sending.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(sent) => sent,
            Poll::Pending => return Err(lasting("the request stopped half way")),
        };
        // What the client says tells more; where it wasn't called, the request couldn't be made.
        self.client
            .outcome()
            .unwrap_or_else(|| sent.map_err(|e| lasting(e.to_string())))
    }

    fn end(&mut self, _deadline: Instant) -> Result<(), ExportError> {
        self.exporter = None;
        Ok(())
    }
}

/// A span as the SDK has it.
fn data(span: &Span, scope: &InstrumentationScope) -> SpanData {
    let mut events = SpanEvents::default();
    for (name, moment) in [
        ("rota.claimed", span.claimed),
        ("rota.finished", span.finished),
    ] {
        if let Some(Moment { earliest, latest }) = moment {
            let earliest = KeyValue::new("rota.earliest_unix_nano", number(earliest));
            let event = opentelemetry::trace::Event::new(name, time(latest), vec![earliest], 0);
            events.events.push(event);
        }
    }
    let status_name = completion_status_name(span.status);
    let has_fault = span.fault != fault::NONE;
    // Numbers that name something are text: not all fit into the numbers of OTLP, which have a sign.
    let mut attributes = Vec::with_capacity(10);
    attributes.extend([
        KeyValue::new("rota.tenant", span.tenant.clone()),
        KeyValue::new("rota.tenant_id", span.tenant_id.to_string()),
        KeyValue::new("rota.ticket", span.ticket.to_string()),
        KeyValue::new("rota.user_data", span.user_data.to_string()),
        KeyValue::new("rota.tiles", i64::from(span.tiles)),
        KeyValue::new("rota.status", status_name),
    ]);
    // What isn't known isn't 0.
    if span.end_epoch != 0 {
        attributes.extend([
            KeyValue::new("rota.fuel", i64::from(span.fuel)),
            KeyValue::new("rota.begin_epoch", number(span.begin_epoch)),
            KeyValue::new("rota.end_epoch", number(span.end_epoch)),
        ]);
    }
    if has_fault {
        attributes.push(KeyValue::new("rota.fault", fault_name(span.fault)));
    }
    let status = match span.status {
        completion_status::OK => Status::Ok,
        _ if has_fault => Status::error(fault_name(span.fault)),
        _ => Status::error(status_name),
    };
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(span.trace_id),
            SpanId::from_bytes(span.span_id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: span.parent_id.map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: format!("{}.{}", span.module, span.handler).into(),
        start_time: time(span.submitted),
        end_time: time(span.taken),
        attributes,
        dropped_attributes_count: 0,
        events,
        links: SpanLinks::default(),
        status,
        instrumentation_scope: scope.clone(),
    }
}

fn time(ns: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ns)
}

/// The numbers of OTLP have a sign.
fn number(n: u64) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}
