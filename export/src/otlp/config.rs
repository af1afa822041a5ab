//! Options and environment variables.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use rota::spans::ExportError;

use super::OtlpOptions;
use crate::lasting;

const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
const PATH: &str = "/v1/traces";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const PROTOCOL: &str = "http/protobuf";

pub struct Config {
    pub endpoint: Uri,
    /// As it was given.
    pub endpoint_text: String,
    pub headers: HeaderMap,
    pub timeout: Duration,
    pub service: String,
    /// Of the resource, besides the service's name.
    pub attributes: Vec<(String, String)>,
}

impl Config {
    pub fn new(options: OtlpOptions) -> Result<Self, ExportError> {
        protocol(options.protocol)?;
        let mut attributes = match variable("OTEL_RESOURCE_ATTRIBUTES")? {
            Some(list) => pairs("OTEL_RESOURCE_ATTRIBUTES", &list)?,
            None => Vec::new(),
        };
        let mut named = None;
        attributes.retain(|(key, value)| {
            let is_name = key == "service.name";
            if is_name {
                named = Some(value.clone());
            }
            !is_name
        });
        let given = match given(options.service) {
            Some(service) => Some(service),
            None => variable("OTEL_SERVICE_NAME")?,
        };
        let (endpoint, endpoint_text) = endpoint(options.endpoint)?;
        Ok(Self {
            endpoint,
            endpoint_text,
            headers: headers(&options.headers)?,
            timeout: timeout(options.timeout)?,
            service: given.or(named).unwrap_or_else(unknown_service),
            attributes,
        })
    }
}

fn protocol(option: Option<String>) -> Result<(), ExportError> {
    let asked = match given(option) {
        Some(protocol) => Some(("the OTLP protocol", protocol)),
        None => of_traces("PROTOCOL")?,
    };
    match asked {
        Some((name, protocol)) if protocol != PROTOCOL => Err(lasting(format!(
            "{name} is '{protocol}', but there is only {PROTOCOL}"
        ))),
        _ => Ok(()),
    }
}

fn endpoint(option: Option<String>) -> Result<(Uri, String), ExportError> {
    let (name, endpoint) = if let Some(endpoint) = given(option) {
        ("the OTLP endpoint", endpoint)
    } else if let Some(endpoint) = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")? {
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
    } else {
        let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        let base = base.as_deref().unwrap_or(DEFAULT_ENDPOINT);
        let whole = format!("{}{PATH}", base.trim_end_matches('/'));
        ("OTEL_EXPORTER_OTLP_ENDPOINT", whole)
    };
    let uri: Uri = endpoint
        .parse()
        .map_err(|e| lasting(format!("{name} '{endpoint}' is no URL: {e}")))?;
    let authority = uri.authority().map_or("", |a| a.as_str());
    // An authority may have a port that is none.
    let is_host = uri
        .host()
        .is_some_and(|host| !host.is_empty() && (uri.port_u16().is_some() || host == authority));
    match uri.scheme_str() {
        _ if authority.contains('@') => Err(lasting(format!(
            "{name} has a password in it: give it as the header 'Authorization'"
        ))),
        Some("http") if is_host => Ok((uri, endpoint)),
        Some("https") => Err(lasting(format!(
            "{name} is {endpoint}, but Rota doesn't encrypt: run an OpenTelemetry collector beside the process that \
             sends on to there, and give its http endpoint, as {DEFAULT_ENDPOINT}{PATH}"
        ))),
        _ => Err(lasting(format!(
            "{name} '{endpoint}' is no http URL, as {DEFAULT_ENDPOINT}{PATH}"
        ))),
    }
}

fn headers(option: &[(String, String)]) -> Result<HeaderMap, ExportError> {
    let mut all = HeaderMap::new();
    let mut add = |from: &str, name: &str, value: &str| {
        let wrong = |what| lasting(format!("{from} has the header '{name}', but {what}"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("that is no name"))?;
        if key == http::header::CONTENT_TYPE
            || key == http::header::CONTENT_LENGTH
            || key == http::header::TRANSFER_ENCODING
            || key == http::header::HOST
            || key == http::header::EXPECT
        {
            return Err(wrong("that is the exporter's own"));
        }
        // A value may be a secret, which no message shows.
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| wrong("its value has forbidden characters"))?;
        value.set_sensitive(true);
        all.insert(key, value);
        Ok(())
    };
    if let Some((from, list)) = of_traces("HEADERS")? {
        for (name, value) in pairs(from, &list)? {
            add(from, &name, &value)?;
        }
    }
    for (name, value) in option {
        add("the OTLP exporter", name, value)?;
    }
    Ok(all)
}

fn timeout(option: Option<Duration>) -> Result<Duration, ExportError> {
    if let Some(timeout) = option {
        return Ok(timeout);
    }
    match of_traces("TIMEOUT")? {
        None => Ok(DEFAULT_TIMEOUT),
        Some((name, text)) => match text.trim().parse() {
            Ok(ms) if ms > 0 => Ok(Duration::from_millis(ms)),
            _ => Err(lasting(format!(
                "{name} is '{text}', but must be a number of milliseconds"
            ))),
        },
    }
}

fn unknown_service() -> String {
    let executable = std::env::current_exe().ok();
    match executable.as_deref().and_then(|path| path.file_name()) {
        Some(name) => format!("unknown_service:{}", name.to_string_lossy()),
        None => "unknown_service".into(),
    }
}

/// An option that isn't empty.
fn given(option: Option<String>) -> Option<String> {
    option.filter(|text| !text.is_empty())
}

/// What an environment variable says. An empty one is as good as none.
fn variable(name: &str) -> Result<Option<String>, ExportError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|v| !v.trim().is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(lasting(format!("{name} is not valid UTF-8")))
        }
    }
}

/// A variable for traces, else the one for everything; with its name.
fn of_traces(what: &str) -> Result<Option<(&'static str, String)>, ExportError> {
    let (traces, all) = match what {
        "PROTOCOL" => (
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ),
        "HEADERS" => (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ),
        _ => (
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        ),
    };
    for name in [traces, all] {
        if let Some(value) = variable(name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

/// A list as `key1=value1,key2=value2`, where values have `%2C` for a comma.
fn pairs(name: &str, list: &str) -> Result<Vec<(String, String)>, ExportError> {
    let mut all = Vec::new();
    for pair in list
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let decoded = |text: &str| {
            percent_decode_str(text.trim())
                .decode_utf8()
                .ok()
                .map(String::from)
        };
        let both = pair
            .split_once('=')
            .and_then(|(key, value)| Some((decoded(key)?, decoded(value)?)))
            .filter(|(key, _)| !key.is_empty());
        // What it says isn't shown: it may be a secret.
        let number = all.len() + 1;
        all.push(both.ok_or_else(|| {
            lasting(format!(
                "{name} must be a list as key1=value1,key2=value2; entry {number} isn't"
            ))
        })?);
    }
    Ok(all)
}
