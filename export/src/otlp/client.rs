//! Sends one request at a time, and says what came of it.

use std::net::ToSocketAddrs as _;
use std::time::{Duration, Instant, SystemTime};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use rota::spans::ExportError;
use ureq::config::Config as Settings;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector as _, NextTimeout, TcpConnector};
use ureq::Agent;

use super::config::Config;
use super::one_piece::InOnePiece;
use crate::lasting;

const PROTOBUF: &str = "application/x-protobuf";
/// An answer of a collector is some bytes, and a message for people.
const MOST_ANSWER: u64 = 64 << 10;
/// Of a text in an answer, what goes into a message.
const MOST_TEXT: usize = 300;
/// Nobody waits longer.
const MOST_WAIT: Duration = Duration::from_secs(24 * 3600);

pub struct Client {
    agent: Agent,
    endpoint: Uri,
    headers: HeaderMap,
    timeout: Duration,
    /// The last that the collector said though all was well.
    remark: String,
}

impl Client {
    pub fn new(config: &Config) -> Self {
        let settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("Rota/", env!("CARGO_PKG_VERSION")))
            .max_response_header_size(16 << 10)
            .build();
        Self {
            agent: Agent::with_parts(
                settings,
                TcpConnector::default().chain(InOnePiece),
                NoThreads,
            ),
            endpoint: config.endpoint.clone(),
            headers: config.headers.clone(),
            timeout: config.timeout,
            remark: String::new(),
        }
    }

    /// Posts a request, once.
    pub fn send(&mut self, body: &[u8], deadline: Instant) -> Result<(), ExportError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = left.min(self.timeout);
        if timeout.is_zero() {
            return Err(again("there is no time left".into(), None));
        }
        let endpoint = self.endpoint.clone();
        let failed = |error| failure(&endpoint, timeout, error);
        let mut request = Request::post(&endpoint)
            .body(body)
            .map_err(|e| lasting(e.to_string()))?;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .build();
        let (answer, mut body) = self.agent.run(request).map_err(failed)?.into_parts();
        // Of an error, what it says is of interest, but not what comes of reading it.
        let said = body.with_config().limit(MOST_ANSWER).read_to_vec();
        if !answer.status.is_success() {
            return Err(refusal(
                &endpoint,
                answer.status,
                &answer.headers,
                &said.unwrap_or_default(),
            ));
        }
        let said = said.map_err(failed)?;
        self.accepted(&endpoint, &answer.headers, &said)
    }

    fn accepted(
        &mut self,
        endpoint: &Uri,
        headers: &HeaderMap,
        said: &[u8],
    ) -> Result<(), ExportError> {
        let kind = kind(headers);
        let is_protobuf = matches!(kind, "application/x-protobuf" | "application/protobuf" | "");
        let answer = match ExportTraceServiceResponse::decode(said) {
            Ok(answer) if is_protobuf || said.is_empty() => answer,
            _ => {
                let kind = if is_protobuf {
                    "what is no protobuf"
                } else {
                    kind
                };
                return Err(lasting(format!(
                    "{endpoint} answered with {}: is it an OTLP receiver?",
                    shown(kind)
                )));
            }
        };
        let Some(partial) = answer.partial_success else {
            return Ok(());
        };
        let message = shown(&partial.error_message);
        if partial.rejected_spans > 0 {
            return Err(lasting(format!(
                "{endpoint} rejected {} spans: {message}",
                partial.rejected_spans
            )));
        }
        if self.remark != message {
            log::warn!("{endpoint} took the spans, but says: {message}");
            self.remark = message;
        }
        Ok(())
    }
}

/// No answer, or half of one.
fn failure(endpoint: &Uri, timeout: Duration, error: ureq::Error) -> ExportError {
    use ureq::Error as E;
    match error {
        E::Timeout(_) => again(
            format!("{endpoint} didn't answer within {timeout:.1?}"),
            None,
        ),
        E::Io(e) => again(format!("{endpoint}: {e}"), None),
        E::HostNotFound => again(format!("{endpoint}: the host isn't found"), None),
        E::ConnectionFailed => again(format!("{endpoint}: no connection"), None),
        E::BodyExceedsLimit(most) => lasting(format!(
            "{endpoint} answered with more than {most} bytes: is it an OTLP receiver?"
        )),
        other => lasting(format!("{endpoint}: {other}: is it an OTLP receiver?")),
    }
}

/// What an error's body is, as protobuf.
#[derive(Clone, PartialEq, prost::Message)]
struct Refusal {
    #[prost(string, tag = "2")]
    message: String,
}

fn refusal(endpoint: &Uri, status: StatusCode, headers: &HeaderMap, said: &[u8]) -> ExportError {
    let message = match kind(headers) {
        "application/x-protobuf" | "application/protobuf" => {
            Refusal::decode(said).map(|r| r.message).unwrap_or_default()
        }
        "text/plain" | "application/json" => String::from_utf8_lossy(said).into_owned(),
        _ => String::new(),
    };
    let mut text = format!("{endpoint} answered {status}");
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(&shown(&message));
    }
    match status.as_u16() {
        429 | 502 | 503 | 504 => again(text, headers.get(RETRY_AFTER).and_then(wait)),
        404 | 405 => lasting(format!("{text}; the path of a receiver is /v1/traces")),
        _ => lasting(text),
    }
}

/// Seconds, or a date.
fn wait(header: &http::HeaderValue) -> Option<Duration> {
    let text = header.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            Some(until.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

/// An error that may pass. Who asks for no time is tried again when the caller sees fit.
fn again(text: String, after: Option<Duration>) -> ExportError {
    ExportError {
        text,
        retry_after: Some(after.unwrap_or_default().min(MOST_WAIT)),
    }
}

/// The content's type, without what stands behind it.
fn kind(headers: &HeaderMap) -> &str {
    let whole = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    whole
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}

/// What somebody else says, as a part of a line.
fn shown(text: &str) -> String {
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = one_line.take(MOST_TEXT).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// Asks for addresses on the thread that exports. That can't be cut short: it takes as long as the system's resolver lets it.
#[derive(Debug)]
struct NoThreads;

impl Resolver for NoThreads {
    fn resolve(
        &self,
        uri: &Uri,
        settings: &Settings,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = (host, uri.port_u16().unwrap_or(80)).to_socket_addrs()?;
        let mut found = self.empty();
        // More than it takes would be a panic.
        for address in settings.ip_family().keep_wanted(addresses).take(16) {
            found.push(address);
        }
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(found)
    }
}
