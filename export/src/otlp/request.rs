//! What is sent: `ExportTraceServiceRequest`, as protobuf
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>).
//!
//! Spans are written as they stand on the wire (<https://protobuf.dev/programming-guides/encoding/>): to make the SDK's
//! and then `prost`'s messages of them first took a microsecond a span more, beside a kernel that needs the processor. What
//! stands around the spans is made once, by `prost`.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, SpanFlags};
use prost::Message as _;
use rota::spans::{Moment, Span};
use rota::{completion_status, completion_status_name, fault, fault_name};

/// A span is sampled. One without a parent has none in another process; where a parent lives isn't known.
const SAMPLED: u32 = 1;
const SAMPLED_ROOT: u32 = SAMPLED | SpanFlags::ContextHasIsRemoteMask as u32;

/// A request for one batch after the other.
pub struct Request {
    /// The resource, as a field.
    resource: Vec<u8>,
    /// The scope, as a field.
    scope: Vec<u8>,
    span: Vec<u8>,
    spans: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// With what stands at all spans: the attributes of the resource, and the version of the library that made them.
    pub fn new<'a>(resource: impl Iterator<Item = (&'a str, &'a str)>, version: &str) -> Self {
        let attribute = |(key, value): (&str, &str)| KeyValue {
            key: key.into(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(value.into())),
            }),
            ..KeyValue::default()
        };
        let resource = ResourceSpans {
            resource: Some(Resource {
                attributes: resource.map(attribute).collect(),
                ..Resource::default()
            }),
            ..ResourceSpans::default()
        };
        let scope = ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "rota".into(),
                version: version.into(),
                ..InstrumentationScope::default()
            }),
            ..ScopeSpans::default()
        };
        // A message is the concatenation of its fields.
        Self {
            resource: resource.encode_to_vec(),
            scope: scope.encode_to_vec(),
            span: Vec::new(),
            spans: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The bytes to send.
    pub fn of(&mut self, spans: &[Span]) -> &[u8] {
        self.spans.clear();
        for span in spans {
            self.span.clear();
            write(span, &mut self.span);
            bytes(&mut self.spans, 2, &self.span);
        }
        let inner = self.scope.len() + self.spans.len();
        let outer = self.resource.len() + field(inner);
        let body = &mut self.body;
        body.clear();
        begin(body, 1, outer);
        body.extend_from_slice(&self.resource);
        begin(body, 2, inner);
        body.extend_from_slice(&self.scope);
        body.extend_from_slice(&self.spans);
        body
    }
}

/// The fields of a span.
fn write(span: &Span, to: &mut Vec<u8>) {
    bytes(to, 1, &span.trace_id);
    bytes(to, 2, &span.span_id);
    if let Some(parent) = &span.parent_id {
        bytes(to, 4, parent);
    }
    let (module, handler) = (span.module.as_bytes(), span.handler.as_bytes());
    begin(to, 5, module.len() + 1 + handler.len());
    to.extend_from_slice(module);
    to.push(b'.');
    to.extend_from_slice(handler);
    number(to, 6, SpanKind::Internal as u64);
    fixed64(to, 7, span.submitted);
    fixed64(to, 8, span.taken);

    let status_name = completion_status_name(span.status);
    let fault = (span.fault != fault::NONE).then(|| fault_name(span.fault));
    // Numbers that name something are text: not all fit into the numbers of OTLP, which have a sign.
    let digits = |to: &mut Vec<u8>, key, n: u64| {
        text_attribute(to, 9, key, itoa::Buffer::new().format(n));
    };
    text_attribute(to, 9, "rota.tenant", &span.tenant);
    digits(to, "rota.tenant_id", span.tenant_id);
    digits(to, "rota.ticket", span.ticket);
    digits(to, "rota.user_data", span.user_data);
    number_attribute(to, 9, "rota.tiles", span.tiles.into());
    text_attribute(to, 9, "rota.status", status_name);
    // What isn't known isn't 0.
    if span.end_epoch != 0 {
        number_attribute(to, 9, "rota.fuel", span.fuel.into());
        number_attribute(to, 9, "rota.begin_epoch", span.begin_epoch);
        number_attribute(to, 9, "rota.end_epoch", span.end_epoch);
    }
    if let Some(fault) = fault {
        text_attribute(to, 9, "rota.fault", fault);
    }

    const EARLIEST: &str = "rota.earliest_unix_nano";
    for (name, moment) in [
        ("rota.claimed", span.claimed),
        ("rota.finished", span.finished),
    ] {
        if let Some(Moment { earliest, latest }) = moment {
            let attribute = field(attribute(EARLIEST, number_value(earliest)));
            begin(to, 11, 9 + field(name.len()) + attribute);
            fixed64(to, 1, latest);
            bytes(to, 2, name.as_bytes());
            number_attribute(to, 3, EARLIEST, earliest);
        }
    }

    let (code, message) = match span.status {
        completion_status::OK => (StatusCode::Ok, ""),
        _ => (StatusCode::Error, fault.unwrap_or(status_name)),
    };
    if message.is_empty() {
        begin(to, 15, 2);
    } else {
        begin(to, 15, field(message.len()) + 2);
        bytes(to, 2, message.as_bytes());
    }
    number(to, 3, code as u64);
    // Field 16, of 32 bits.
    varint(to, 16 << 3 | 5);
    let flags = match span.parent_id {
        Some(_) => SAMPLED,
        None => SAMPLED_ROOT,
    };
    to.extend_from_slice(&flags.to_le_bytes());
}

/// An attribute, as field `number` of what has attributes.
fn text_attribute(to: &mut Vec<u8>, number: u8, key: &str, value: &str) {
    let length = field(value.len());
    begin(to, number, attribute(key, length));
    bytes(to, 1, key.as_bytes());
    begin(to, 2, length);
    bytes(to, 1, value.as_bytes());
}

fn number_attribute(to: &mut Vec<u8>, field: u8, key: &str, value: u64) {
    let length = number_value(value);
    begin(to, field, attribute(key, length));
    bytes(to, 1, key.as_bytes());
    begin(to, 2, length);
    number(to, 3, signed(value));
}

/// The length of an attribute whose value has this one.
fn attribute(key: &str, value: usize) -> usize {
    field(key.len()) + field(value)
}

/// The length of a value that is a number.
fn number_value(value: u64) -> usize {
    1 + varint_length(signed(value))
}

/// The numbers of OTLP have a sign.
fn signed(value: u64) -> u64 {
    value.min(i64::MAX as u64)
}

// ---------------------------------------------------------------- the wire

/// The length of a field whose content has this one. Numbers of fields here take one byte.
fn field(content: usize) -> usize {
    1 + varint_length(content as u64) + content
}

/// What stands before a field's content.
fn begin(to: &mut Vec<u8>, field: u8, content: usize) {
    to.push(field << 3 | 2);
    varint(to, content as u64);
}

fn bytes(to: &mut Vec<u8>, field: u8, content: &[u8]) {
    begin(to, field, content.len());
    to.extend_from_slice(content);
}

fn number(to: &mut Vec<u8>, field: u8, value: u64) {
    to.push(field << 3);
    varint(to, value);
}

fn fixed64(to: &mut Vec<u8>, field: u8, value: u64) {
    to.push(field << 3 | 1);
    to.extend_from_slice(&value.to_le_bytes());
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn varint_length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
