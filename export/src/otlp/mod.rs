//! OTLP over HTTP, as protobuf (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).
//!
//! A [`Request`] is made of spans, a [`Client`] sends it: on the thread that exports, within its deadline, and once. What
//! may be tried again, and when, is told to who called.

mod client;
mod config;
mod one_piece;
mod request;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rota::spans::{ExportError, Exporter, Origin, Span};

use crate::lasting;
use client::Client;
use config::Config;
use request::Request;

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
    client: Client,
    /// Since [`Exporter::begin`].
    request: Option<Request>,
}

impl Otlp {
    /// Connects to nothing yet.
    pub fn new(options: OtlpOptions) -> Result<Self, ExportError> {
        let config = Config::new(options)?;
        Ok(Self {
            client: Client::new(&config),
            config,
            request: None,
        })
    }

    /// Where it sends to.
    pub fn endpoint(&self) -> &str {
        &self.config.endpoint_text
    }
}

impl Exporter for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn begin(&mut self, origin: &Origin) -> Result<(), ExportError> {
        let own = [
            ("service.name", &*self.config.service),
            ("rota.version", origin.version),
            ("rota.device", &origin.device),
            ("rota.driver", &origin.driver),
            ("rota.mode", origin.mode),
        ];
        let given = self.config.attributes.iter();
        let given = given.map(|(key, value)| (&**key, &**value));
        // Of those with one name the last counts.
        let resource: BTreeMap<&str, &str> = given.chain(own).collect();
        self.request = Some(Request::new(resource.into_iter(), origin.version));
        Ok(())
    }

    fn export(&mut self, spans: &[Span], deadline: Instant) -> Result<(), ExportError> {
        let Some(request) = &mut self.request else {
            return Err(lasting("the exporter wasn't begun"));
        };
        self.client.send(request.of(spans), deadline)
    }

    fn end(&mut self, _deadline: Instant) -> Result<(), ExportError> {
        self.request = None;
        Ok(())
    }
}
