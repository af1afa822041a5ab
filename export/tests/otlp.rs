//! Spans reach a collector as they are, and whatever it does is an error that says what, in time.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime};

use common::receiver::{accepted, answer, Answer, Receiver};
use common::{origin, soon, whole, DAY};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as proto, ResourceSpans, ScopeSpans, Status};
use prost::Message as _;
use rota::spans::{ExportError, Exporter as _, Moment, Span};
use rota::{completion_status, fault};
use rota_export::{Otlp, OtlpOptions};

const PROTOBUF: &str = "content-type: application/x-protobuf\r\n";

fn to(endpoint: impl Into<String>) -> OtlpOptions {
    OtlpOptions {
        endpoint: Some(endpoint.into()),
        service: Some("a service".into()),
        ..OtlpOptions::default()
    }
}

fn begun(options: OtlpOptions) -> Otlp {
    let mut otlp = Otlp::new(options).expect("good options");
    otlp.begin(&origin()).expect("it begins");
    otlp
}

/// What comes of one export that is answered so.
fn outcome(answer: Answer) -> Result<(), ExportError> {
    let receiver = Receiver::new(vec![answer]);
    begun(to(receiver.endpoint())).export(&[whole()], soon())
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[test]
fn every_field_arrives() {
    let failed = Span {
        parent_id: None,
        status: completion_status::FAULTED,
        fault: fault::OUT_OF_BOUNDS,
        user_data: 0,
        finished: None,
        end_epoch: u64::MAX,
        ..whole()
    };
    let revoked = Span {
        status: completion_status::REVOKED,
        claimed: None,
        finished: None,
        fuel: 0,
        begin_epoch: 0,
        end_epoch: 0,
        ..whole()
    };
    let receiver = Receiver::new(vec![accepted(); 4]);
    let mut otlp = begun(to(receiver.endpoint()));
    assert_eq!(
        (otlp.name(), otlp.endpoint()),
        ("otlp", &*receiver.endpoint())
    );
    let spans = [whole(), failed, revoked];
    otlp.export(&spans, soon()).expect("it was accepted");

    let mut request = receiver.request();
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    let host = receiver.address.to_string();
    let agent = concat!("Rota/", env!("CARGO_PKG_VERSION"));
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("host", &host),
        ("user-agent", agent),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    // Their order is nothing that OTLP keeps.
    for resource in &mut request.spans.resource_spans {
        let resource = resource.resource.as_mut().expect("a resource");
        resource.attributes.sort_by(|a, b| a.key.cmp(&b.key));
    }
    let event = |name: &str, moment: Option<Moment>| {
        let Moment { earliest, latest } = moment.expect("it is known");
        Event {
            time_unix_nano: latest,
            name: name.into(),
            attributes: vec![number("rota.earliest_unix_nano", earliest as i64)],
            dropped_attributes_count: 0,
        }
    };
    let first = proto::Span {
        trace_id: spans[0].trace_id.into(),
        span_id: spans[0].span_id.into(),
        parent_span_id: vec![0, 0, 0, 0, 0, 0, 0, 1],
        // Sampled.
        flags: 1,
        name: "standard.scan_dfa".into(),
        kind: SpanKind::Internal as i32,
        start_time_unix_nano: DAY,
        end_time_unix_nano: DAY + 9_300,
        attributes: vec![
            text("rota.tenant", "scanner"),
            text("rota.tenant_id", "3"),
            text("rota.ticket", "42"),
            text("rota.user_data", "18446744073709551615"),
            number("rota.tiles", 64),
            text("rota.status", "OK"),
            number("rota.fuel", 123_456),
            number("rota.begin_epoch", 1 << 40),
            number("rota.end_epoch", (1 << 40) + 7),
        ],
        events: vec![
            event("rota.claimed", spans[0].claimed),
            event("rota.finished", spans[0].finished),
        ],
        status: Some(Status {
            code: StatusCode::Ok as i32,
            message: String::new(),
        }),
        ..proto::Span::default()
    };
    let mut second = proto::Span {
        parent_span_id: vec![],
        // It is known that there is no parent in another process.
        flags: 0x101,
        events: vec![event("rota.claimed", spans[0].claimed)],
        status: Some(Status {
            code: StatusCode::Error as i32,
            message: "OUT_OF_BOUNDS".into(),
        }),
        ..first.clone()
    };
    second.attributes[3] = text("rota.user_data", "0");
    second.attributes[5] = text("rota.status", "FAULTED");
    second.attributes[8] = number("rota.end_epoch", i64::MAX);
    second.attributes.push(text("rota.fault", "OUT_OF_BOUNDS"));
    let mut third = proto::Span {
        events: vec![],
        status: Some(Status {
            code: StatusCode::Error as i32,
            message: "REVOKED".into(),
        }),
        ..first.clone()
    };
    // It never began.
    third.attributes.truncate(6);
    third.attributes[5] = text("rota.status", "REVOKED");
    let expected = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![
                    text("rota.device", "a \"device\""),
                    text("rota.driver", "llvmpipe 25"),
                    text("rota.mode", "RESIDENT"),
                    text("rota.version", "1.2.3"),
                    text("service.name", "a service"),
                ],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "rota".into(),
                    version: "1.2.3".into(),
                    ..InstrumentationScope::default()
                }),
                spans: vec![first, second, third],
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    };
    assert_eq!(request.spans, expected);

    // A batch has nothing of the one before, whatever that was.
    let sent = expected.resource_spans[0].scope_spans[0].spans.clone();
    for order in [&[1, 2][..], &[2, 0, 1, 1], &[0]] {
        let batch: Vec<_> = order.iter().map(|&i| spans[i].clone()).collect();
        otlp.export(&batch, soon()).expect("it was accepted");
        let mut request = receiver.request();
        let received = request.spans.resource_spans.remove(0).scope_spans.remove(0);
        let expected: Vec<_> = order.iter().map(|&i| sent[i].clone()).collect();
        assert_eq!(received.spans, expected);
    }
    otlp.end(soon()).expect("it ends");
}

/// Buffers of the connection and of the system hold only a part of it.
#[test]
fn a_large_batch_arrives_whole() {
    let receiver = Receiver::new(vec![accepted(); 2]);
    let mut otlp = begun(to(receiver.endpoint()));
    for count in [20_000u64, 1] {
        let span = |ticket| Span { ticket, ..whole() };
        let batch: Vec<_> = (0..count).map(span).collect();
        otlp.export(&batch, soon()).expect("it was accepted");
        let received = receiver.request().spans.resource_spans.remove(0);
        let spans = &received.scope_spans[0].spans;
        assert_eq!(spans.len() as u64, count);
        for (span, ticket) in spans.iter().zip(0u64..) {
            assert_eq!(span.attributes[2], text("rota.ticket", &ticket.to_string()));
        }
    }
    otlp.end(soon()).expect("it ends");
}

#[test]
fn headers_stand_at_every_request() {
    let receiver = Receiver::new(vec![accepted(), accepted()]);
    let mut otlp = begun(OtlpOptions {
        headers: vec![
            ("Authorization".into(), "Bearer secret".into()),
            ("x-tenant".into(), "1".into()),
            ("X-Tenant".into(), "2".into()),
        ],
        ..to(receiver.endpoint())
    });
    for _ in 0..2 {
        otlp.export(&[whole()], soon()).expect("it was accepted");
        let request = receiver.request();
        assert_eq!(request.connection, 0, "the connection stays");
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
        assert_eq!(request.header("x-tenant"), Some("2"));
    }
}

#[test]
fn what_may_be_tried_again_is_what_the_protocol_says() {
    let refusal = |message: &str| [&[0x12, message.len() as u8], message.as_bytes()].concat();
    let later = Some(Duration::ZERO);
    for (given, again, said) in [
        (
            answer("400 Bad Request", PROTOBUF, &refusal("no such\nspan")),
            None,
            "400 Bad Request: no such span",
        ),
        (
            answer("400 Bad Request", PROTOBUF, b"\xff\xff"),
            None,
            "answered 400 Bad Request",
        ),
        (
            answer(
                "401 Unauthorized",
                "content-type: text/plain; charset=utf-8\r\n",
                b"who are you?",
            ),
            None,
            "401 Unauthorized: who are you?",
        ),
        (
            answer("404 Not Found", "content-type: text/html\r\n", b"<h1>"),
            None,
            "404 Not Found; the path of a receiver is /v1/traces",
        ),
        (
            answer(
                "301 Moved Permanently",
                "location: http://127.0.0.1:1/\r\n",
                b"",
            ),
            None,
            "301 Moved Permanently",
        ),
        (
            answer(
                "307 Temporary Redirect",
                "location: http://127.0.0.1:1/\r\n",
                b"",
            ),
            None,
            "307 Temporary Redirect",
        ),
        (
            answer("500 Internal Server Error", "", b""),
            None,
            "500 Internal Server Error",
        ),
        (answer("204 No Content", "", b""), None, ""),
        (
            answer("429 Too Many Requests", "retry-after: 7\r\n", b""),
            Some(Duration::from_secs(7)),
            "429",
        ),
        (
            answer(
                "429 Too Many Requests",
                "retry-after: 99999999999999999999\r\n",
                b"",
            ),
            later,
            "429",
        ),
        (
            answer("429 Too Many Requests", "retry-after: 9999999999\r\n", b""),
            Some(Duration::from_secs(86_400)),
            "429",
        ),
        (answer("429 Too Many Requests", "", b""), later, "429"),
        (answer("502 Bad Gateway", "", b"x"), later, "502"),
        (
            answer(
                "503 Service Unavailable",
                "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n",
                b"",
            ),
            later,
            "503",
        ),
        (
            answer("503 Service Unavailable", "retry-after: soon\r\n", b""),
            later,
            "503",
        ),
        (answer("504 Gateway Timeout", "", b""), later, "504"),
        (Answer::Last(vec![]), later, ""),
        (
            Answer::Last(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()),
            later,
            "",
        ),
        (
            Answer::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxx".to_vec()),
            later,
            "",
        ),
        (
            Answer::Last(b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()),
            None,
            "is it an OTLP receiver?",
        ),
        (
            answer("200 OK", "content-type: text/html\r\n", b"<h1>hello</h1>"),
            None,
            "answered with text/html: is it an OTLP receiver?",
        ),
        (
            answer("200 OK", PROTOBUF, b"<h1>hello</h1>"),
            None,
            "no protobuf: is it an OTLP receiver?",
        ),
        (answer("200 OK", "", &[0xff; 100]), None, "no protobuf"),
        (
            answer("200 OK", PROTOBUF, &vec![b'x'; 1 << 20]),
            None,
            "more than 65536 bytes",
        ),
    ] {
        let shown = match &given {
            Answer::Bytes(bytes) | Answer::Last(bytes) => {
                String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned()
            }
            _ => unreachable!("all of these are bytes"),
        };
        match outcome(given) {
            Ok(()) => assert!(shown.contains("204"), "{shown} is no error"),
            Err(error) => {
                assert_eq!(error.retry_after, again, "{shown}: {error}");
                assert!(
                    error.text.starts_with("http://127.0.0.1:"),
                    "{shown}: {error}"
                );
                assert!(error.text.contains(said), "{shown}: {error}");
                assert!(
                    !error.text.contains('\n') && error.text.len() < 500,
                    "{shown}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_date_to_wait_for_is_understood() {
    // Some minutes from now, as a date of HTTP has it.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let then = now.expect("after 1970").as_secs() + 600;
    let date = httpdate(then);
    let given = answer(
        "503 Service Unavailable",
        &format!("retry-after: {date}\r\n"),
        b"",
    );
    let wait = outcome(given).expect_err("503").retry_after.expect("again");
    let range = Duration::from_secs(500)..=Duration::from_secs(600);
    assert!(range.contains(&wait), "{date}: {wait:?}");
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn httpdate(seconds: u64) -> String {
    let output = std::process::Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("@{seconds}"),
            "+%a, %d %b %Y %H:%M:%S GMT",
        ])
        .env("LC_ALL", "C")
        .output();
    let text = String::from_utf8(output.expect("date").stdout);
    text.expect("UTF-8").trim().into()
}

#[test]
fn rejected_spans_are_an_error_and_a_remark_is_none() {
    let partial = |rejected_spans, message: &str| {
        let partial_success = Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: message.into(),
        });
        let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
        outcome(answer("200 OK", PROTOBUF, &body))
    };
    let error = partial(2, "too old\u{1b}[31m").expect_err("two are lost");
    assert!(
        error.text.ends_with(" rejected 2 spans: too old [31m"),
        "{error}"
    );
    assert_eq!(error.retry_after, None);
    partial(0, "use gRPC").expect("all are accepted");
    partial(0, "").expect("all are accepted");
}

#[test]
fn nobody_there_may_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its port");
    drop(listener);
    for endpoint in [
        format!("http://{address}/v1/traces"),
        "http://[::1]:1/v1/traces".into(),
        "http://no-such-host.invalid/v1/traces".into(),
    ] {
        let error = begun(to(&*endpoint))
            .export(&[whole()], soon())
            .expect_err("nobody");
        assert_eq!(error.retry_after, Some(Duration::ZERO), "{error}");
        assert!(error.text.starts_with(&endpoint), "{error}");
    }
}

#[test]
fn a_collector_that_comes_back_is_found() {
    let receiver = Receiver::new(vec![accepted(), Answer::Last(vec![]), accepted()]);
    let mut otlp = begun(to(receiver.endpoint()));
    otlp.export(&[whole()], soon()).expect("it was accepted");
    let error = otlp.export(&[whole()], soon()).expect_err("it went away");
    assert_eq!(error.retry_after, Some(Duration::ZERO), "{error}");
    otlp.export(&[whole()], soon()).expect("it is back");
    let connections: Vec<_> = (0..3).map(|_| receiver.request().connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}

/// However it is slow, the deadline of the export and the timeout of the options are kept.
#[test]
fn a_slow_collector_has_no_more_than_its_time() {
    let pause = Duration::from_millis(20);
    let bytes = |text: &str| text.as_bytes().to_vec();
    // More than sockets buffer, and soon made.
    let long = Span {
        tenant: "x".repeat(1 << 20).into(),
        ..whole()
    };
    let many = vec![long; 40];
    let one = &[whole()][..];
    for (answer, spans) in [
        (Answer::Silence, one),
        (Answer::Deaf, &many[..]),
        (
            Answer::Endless(bytes("HTTP/1.1 200 "), bytes("O"), pause),
            one,
        ),
        (
            Answer::Endless(bytes("HTTP/1.1 200 OK\r\n"), bytes("a: b\r\n"), pause),
            one,
        ),
        (
            Answer::Endless(
                bytes("HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n"),
                bytes("x"),
                pause,
            ),
            one,
        ),
        (
            Answer::Endless(
                bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                bytes("1\r\nx\r\n"),
                pause,
            ),
            one,
        ),
        (
            Answer::Endless(
                bytes("HTTP/1.1 503 No\r\ncontent-type: text/plain\r\n\r\n"),
                bytes("x"),
                pause,
            ),
            one,
        ),
        (
            Answer::Endless(bytes(""), bytes("HTTP/1.1 100 Continue\r\n\r\n"), pause),
            one,
        ),
    ] {
        for by_deadline in [true, false] {
            let receiver = Receiver::new(vec![answer.clone()]);
            let (timeout, deadline) = match by_deadline {
                true => (3600, 400),
                false => (400, 3_600_000),
            };
            let mut otlp = begun(OtlpOptions {
                timeout: Some(match by_deadline {
                    true => Duration::from_secs(timeout),
                    false => Duration::from_millis(timeout),
                }),
                ..to(receiver.endpoint())
            });
            let begin = Instant::now();
            let outcome = otlp.export(spans, begin + Duration::from_millis(deadline));
            let took = begin.elapsed();
            let error = outcome.expect_err("it is too slow");
            assert!(error.retry_after.is_some(), "{error}");
            assert!(took < Duration::from_secs(20), "{took:?}: {error}");
            drop(otlp);
        }
    }
}

/// A flood has an end before its length is in memory.
#[test]
fn a_huge_answer_is_not_read_to_its_end() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
    ] {
        let part = b"x-header: of any length\r\n".repeat(1000);
        let error = outcome(Answer::Endless(head.into(), part, Duration::ZERO));
        let error = error.expect_err("it is too long");
        assert_eq!(error.retry_after, None, "{head}: {error}");
        assert!(
            error.text.contains("is it an OTLP receiver?"),
            "{head}: {error}"
        );
    }
}

#[test]
fn there_has_to_be_time() {
    let receiver = Receiver::new(vec![]);
    let mut otlp = begun(to(receiver.endpoint()));
    let error = otlp
        .export(&[whole()], Instant::now())
        .expect_err("no time");
    assert_eq!(error.text, "there is no time left");
}

#[test]
fn what_is_not_begun_cannot_be_exported() {
    let mut otlp = Otlp::new(to("http://127.0.0.1:1/")).expect("good options");
    let error = otlp.export(&[whole()], soon()).expect_err("not begun");
    assert_eq!(error.retry_after, None);
}

#[test]
fn wrong_options_are_said_before_anything_is_sent() {
    let endpoint = |endpoint: &str| to(endpoint);
    let header = |name: &str, value: &str| OtlpOptions {
        headers: vec![(name.into(), value.into())],
        ..to("http://localhost/")
    };
    let protocol = |protocol: &str| OtlpOptions {
        protocol: Some(protocol.into()),
        ..to("http://localhost/")
    };
    for (options, wrong) in [
        (
            endpoint("https://collector:4318/v1/traces"),
            "run an OpenTelemetry collector beside the process",
        ),
        (
            endpoint("ftp://collector/"),
            "'ftp://collector/' is no http URL, as http://localhost:4318/v1/traces",
        ),
        (
            endpoint("collector:4318"),
            "'collector:4318' is no http URL",
        ),
        (endpoint("/v1/traces"), "'/v1/traces' is no http URL"),
        (endpoint("http://a b/"), "'http://a b/' is no URL"),
        (endpoint("http://"), "'http://' is no URL"),
        (endpoint("http://:4318/"), "no http URL"),
        (endpoint("http://host:99999/"), "no http URL"),
        (
            endpoint("http://me:secret@host/"),
            "give it as the header 'Authorization'",
        ),
        (
            protocol("grpc"),
            "the OTLP protocol is 'grpc', but there is only http/protobuf",
        ),
        (protocol("http/json"), "'http/json'"),
        (
            header("a b", "c"),
            "has the header 'a b', but that is no name",
        ),
        (header("", "c"), "has the header '', but that is no name"),
        (
            header("x-key", "sec\nret"),
            "has the header 'x-key', but its value has forbidden characters",
        ),
        (
            header("Content-Type", "text/html"),
            "'Content-Type', but that is the exporter's own",
        ),
        (
            header("Expect", "text/html"),
            "'Expect', but that is the exporter's own",
        ),
    ] {
        let error = Otlp::new(options).err().expect(wrong);
        assert!(error.text.contains(wrong), "{wrong}: {error}");
        assert!(!error.text.contains("sec"), "a secret: {error}");
        assert_eq!(error.retry_after, None);
    }
    Otlp::new(protocol("http/protobuf")).expect("that is the one");
}
