//! OpenTelemetry's environment variables. Alone in its process: they are the whole process's, and so are its threads.

mod common;

use std::env::{remove_var, set_var};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use common::receiver::{accepted, Answer, Receiver, Request};
use common::{origin, soon, whole};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use rota::spans::Exporter as _;
use rota_export::{Otlp, OtlpOptions};

/// What one export with these options sends there.
fn sent(receiver: &Receiver, options: OtlpOptions) -> Request {
    let mut otlp = Otlp::new(options).expect("good options");
    otlp.begin(&origin()).expect("it begins");
    otlp.export(&[whole()], soon()).expect("it was accepted");
    receiver.request()
}

fn attribute(request: &Request, key: &str) -> Option<String> {
    let resource = request.spans.resource_spans[0].resource.as_ref();
    let mut attributes = resource.expect("a resource").attributes.iter();
    let found = attributes.find(|a| a.key == key)?;
    match found.value.as_ref().and_then(|v| v.value.as_ref()) {
        Some(Value::StringValue(text)) => Some(text.clone()),
        other => panic!("{key} is {other:?}"),
    }
}

fn wrong(options: OtlpOptions) -> String {
    let error = Otlp::new(options).err().expect("it is wrong");
    assert_eq!(error.retry_after, None);
    error.text
}

fn none() -> OtlpOptions {
    OtlpOptions::default()
}

fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    tasks.count()
}

#[test]
fn variables_say_what_options_do_not() {
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(b"OTEL_") {
            remove_var(name);
        }
    }
    // A proxy isn't for a collector beside the process.
    set_var("http_proxy", "http://127.0.0.1:1");
    let otlp = Otlp::new(none()).expect("it has defaults");
    assert_eq!(otlp.endpoint(), "http://localhost:4318/v1/traces");

    let receiver = Receiver::new(vec![accepted(); 8]);
    let base = format!("http://{}", receiver.address);
    set_var("OTEL_EXPORTER_OTLP_ENDPOINT", &base);
    let request = sent(&receiver, none());
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    let name = attribute(&request, "service.name").expect("a name");
    assert!(name.starts_with("unknown_service:environment-"), "{name}");

    set_var("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{base}/otlp/"));
    set_var("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b = x%2Cy%3D ,,");
    set_var(
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=low,host=a%20b,rota.mode=mine",
    );
    set_var("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    set_var("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let request = sent(&receiver, none());
    assert_eq!(request.line, "POST /otlp/v1/traces HTTP/1.1");
    assert_eq!(request.header("a"), Some("1"));
    assert_eq!(request.header("b"), Some("x,y="));
    assert_eq!(request.header("content-encoding"), None);
    for (key, value) in [
        ("service.name", "low"),
        ("host", "a b"),
        ("rota.mode", "RESIDENT"),
    ] {
        assert_eq!(attribute(&request, key).as_deref(), Some(value));
    }

    // What is for traces goes before what is for everything, and is taken as it is.
    set_var("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &base);
    set_var("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2,c=3");
    set_var("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    set_var("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
    set_var("OTEL_SERVICE_NAME", "middle");
    let request = sent(&receiver, none());
    assert_eq!(request.line, "POST / HTTP/1.1");
    assert_eq!(request.header("a"), None);
    assert_eq!(request.header("b"), Some("2"));
    assert_eq!(
        attribute(&request, "service.name").as_deref(),
        Some("middle")
    );

    // Options go before all of them.
    let options = OtlpOptions {
        endpoint: Some(format!("{base}/here")),
        headers: vec![("C".into(), "4".into())],
        service: Some("high".into()),
        protocol: Some("http/protobuf".into()),
        timeout: None,
    };
    set_var("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "");
    let request = sent(&receiver, options.clone());
    assert_eq!(request.line, "POST /here HTTP/1.1");
    assert_eq!(request.header("b"), Some("2"));
    assert_eq!(request.header("c"), Some("4"));
    assert_eq!(attribute(&request, "service.name").as_deref(), Some("high"));

    // It has no threads of its own, whatever it does.
    let before = threads();
    let mut otlp = Otlp::new(options.clone()).expect("good options");
    otlp.begin(&origin()).expect("it begins");
    for _ in 0..4 {
        otlp.export(&[whole()], soon()).expect("it was accepted");
    }
    // The receiver has answered all it had to, and its thread may have ended.
    assert!(threads() <= before);
    drop(otlp);

    let silent = Receiver::new(vec![Answer::Silence, Answer::Silence]);
    for (all, traces) in [("150", None), ("999999999", Some("150"))] {
        set_var("OTEL_EXPORTER_OTLP_TIMEOUT", all);
        match traces {
            Some(traces) => set_var("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", traces),
            None => remove_var("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"),
        }
        let mut otlp = Otlp::new(OtlpOptions {
            endpoint: Some(silent.endpoint()),
            ..options.clone()
        })
        .expect("good options");
        otlp.begin(&origin()).expect("it begins");
        let begin = Instant::now();
        let error = otlp.export(&[whole()], soon()).expect_err("nobody answers");
        assert!(
            error.text.ends_with("didn't answer within 150.0ms"),
            "{error}"
        );
        assert!(begin.elapsed() >= Duration::from_millis(150));
    }

    let not_utf8 = OsStr::from_bytes(b"\xff");
    for (name, value, says) in [
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "10s",
            "OTEL_EXPORTER_OTLP_TIMEOUT is '10s', but must be a number of milliseconds",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "0",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is '0'",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', but there is only http/protobuf",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://a",
            "OTEL_EXPORTER_OTLP_ENDPOINT is https://a/v1/traces, but Rota doesn't encrypt",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "a",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT 'a' is no http URL",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "a=1,secret",
            "OTEL_EXPORTER_OTLP_HEADERS must be a list as key1=value1,key2=value2; entry 2 isn't",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "a=%ff",
            "OTEL_EXPORTER_OTLP_HEADERS must be a list",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "a b=1",
            "OTEL_EXPORTER_OTLP_HEADERS has the header 'a b'",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "=x",
            "OTEL_RESOURCE_ATTRIBUTES must be a list",
        ),
    ] {
        for name in [
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "OTEL_RESOURCE_ATTRIBUTES",
        ] {
            remove_var(name);
        }
        set_var(name, value);
        let text = wrong(none());
        assert!(text.starts_with(says), "{name}={value}: {text}");
        assert!(!text.contains("secret"), "{text}");
        set_var(name, not_utf8);
        assert_eq!(wrong(none()), format!("{name} is not valid UTF-8"));
        set_var(name, " ");
        Otlp::new(none()).expect("an empty variable is as good as none");
        remove_var(name);
    }
}
