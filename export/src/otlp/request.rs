//! What is sent: `ExportTraceServiceRequest`, as protobuf
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>).
//!
//! One message of a span is kept, and each span is written over the one before, so that its texts and lists are allocated
//! once. To go by the types of OpenTelemetry's SDK cost a microsecond a span more, beside a kernel that needs the processor.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as proto, ResourceSpans, ScopeSpans, SpanFlags};
use prost::Message as _;
use rota::spans::{Moment, Span};
use rota::{completion_status, completion_status_name, fault, fault_name};

/// A span is sampled, and its parent is known to be from this process.
const FLAGS: u32 = 1 | SpanFlags::ContextHasIsRemoteMask as u32;
/// What stands before a message in another: its number there, and that its length follows.
const RESOURCE_SPANS: u8 = 1 << 3 | 2;
const SCOPE_SPANS: u8 = 2 << 3 | 2;
const SPAN: u8 = 2 << 3 | 2;

/// A request for one batch after the other.
///
/// A message is the concatenation of its fields. Those around the spans are made once, since `prost` would go through
/// all that is inside for the length of each.
pub struct Request {
    /// The resource, as a field.
    resource: Vec<u8>,
    /// The scope, as a field.
    scope: Vec<u8>,
    span: proto::Span,
    spans: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// With what stands at all spans: the attributes of the resource, and the version of the library that made them.
    pub fn new<'a>(resource: impl Iterator<Item = (&'a str, &'a str)>, version: &str) -> Self {
        let mut all = Resource::default();
        let mut attributes = Over::new(&mut all.attributes);
        resource.for_each(|(key, value)| attributes.text(key, value));
        drop(attributes);
        let resource = ResourceSpans {
            resource: Some(all),
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
        Self {
            resource: resource.encode_to_vec(),
            scope: scope.encode_to_vec(),
            span: proto::Span::default(),
            spans: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The bytes to send.
    pub fn of(&mut self, spans: &[Span]) -> &[u8] {
        const ROOM: &str = "a vector has room for all of it";
        self.spans.clear();
        for span in spans {
            write(span, &mut self.span);
            self.spans.push(SPAN);
            let encoded = self.span.encode_length_delimited(&mut self.spans);
            encoded.expect(ROOM);
        }
        let inner = self.scope.len() + self.spans.len();
        let outer = self.resource.len() + 1 + prost::length_delimiter_len(inner) + inner;
        let body = &mut self.body;
        body.clear();
        body.push(RESOURCE_SPANS);
        prost::encode_length_delimiter(outer, body).expect(ROOM);
        body.extend_from_slice(&self.resource);
        body.push(SCOPE_SPANS);
        prost::encode_length_delimiter(inner, body).expect(ROOM);
        body.extend_from_slice(&self.scope);
        body.extend_from_slice(&self.spans);
        body
    }
}

/// All that may differ between two spans.
fn write(span: &Span, to: &mut proto::Span) {
    let parent = span.parent_id.as_ref().map_or(&[][..], |id| &id[..]);
    for (id, to) in [
        (&span.trace_id[..], &mut to.trace_id),
        (&span.span_id[..], &mut to.span_id),
        (parent, &mut to.parent_span_id),
    ] {
        to.clear();
        to.extend_from_slice(id);
    }
    to.flags = FLAGS;
    set(&mut to.name, &span.module);
    to.name.push('.');
    to.name.push_str(&span.handler);
    to.kind = SpanKind::Internal.into();
    to.start_time_unix_nano = span.submitted;
    to.end_time_unix_nano = span.taken;

    let status_name = completion_status_name(span.status);
    let fault = (span.fault != fault::NONE).then(|| fault_name(span.fault));
    // Numbers that name something are text: not all fit into the numbers of OTLP, which have a sign.
    let mut attributes = Over::new(&mut to.attributes);
    attributes.text("rota.tenant", &span.tenant);
    attributes.digits("rota.tenant_id", span.tenant_id);
    attributes.digits("rota.ticket", span.ticket);
    attributes.digits("rota.user_data", span.user_data);
    attributes.number("rota.tiles", span.tiles.into());
    attributes.text("rota.status", status_name);
    // What isn't known isn't 0.
    if span.end_epoch != 0 {
        attributes.number("rota.fuel", span.fuel.into());
        attributes.number("rota.begin_epoch", span.begin_epoch);
        attributes.number("rota.end_epoch", span.end_epoch);
    }
    if let Some(fault) = fault {
        attributes.text("rota.fault", fault);
    }

    let mut events = Over::new(&mut to.events);
    for (name, moment) in [
        ("rota.claimed", span.claimed),
        ("rota.finished", span.finished),
    ] {
        if let Some(Moment { earliest, latest }) = moment {
            let event: &mut Event = events.next();
            set(&mut event.name, name);
            event.time_unix_nano = latest;
            Over::new(&mut event.attributes).number("rota.earliest_unix_nano", earliest);
        }
    }

    let status = to.status.get_or_insert_default();
    let (code, message) = match span.status {
        completion_status::OK => (StatusCode::Ok, ""),
        _ => (StatusCode::Error, fault.unwrap_or(status_name)),
    };
    status.code = code.into();
    set(&mut status.message, message);
}

fn set(text: &mut String, to: &str) {
    text.clear();
    text.push_str(to);
}

/// A list that is written over what it was, and keeps what its elements have allocated.
struct Over<'a, T> {
    list: &'a mut Vec<T>,
    written: usize,
}

impl<'a, T: Default> Over<'a, T> {
    fn new(list: &'a mut Vec<T>) -> Self {
        Self { list, written: 0 }
    }

    /// The next element, with what it was before.
    fn next(&mut self) -> &mut T {
        if self.written == self.list.len() {
            self.list.push(T::default());
        }
        self.written += 1;
        &mut self.list[self.written - 1]
    }
}

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        self.list.truncate(self.written);
    }
}

impl Over<'_, KeyValue> {
    fn value(&mut self, key: &str) -> &mut Option<Value> {
        let attribute = self.next();
        set(&mut attribute.key, key);
        &mut attribute.value.get_or_insert_default().value
    }

    fn text(&mut self, key: &str, value: &str) {
        match self.value(key) {
            Some(Value::StringValue(text)) => set(text, value),
            other => *other = Some(Value::StringValue(value.into())),
        }
    }

    fn digits(&mut self, key: &str, value: u64) {
        self.text(key, itoa::Buffer::new().format(value));
    }

    /// The numbers of OTLP have a sign.
    fn number(&mut self, key: &str, value: u64) {
        *self.value(key) = Some(Value::IntValue(value.try_into().unwrap_or(i64::MAX)));
    }
}
