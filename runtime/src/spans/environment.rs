//! What OpenTelemetry's environment variables say of sampling and batches. As its specification wants it, a value that can't be
//! read is warned of and left out.

use std::str::FromStr;
use std::time::Duration;

use super::{SpanOptions, MOST_QUEUE};
use crate::ring::span::Sampler;

/// A variable's value; none where it is empty.
pub(super) fn value(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.to_string_lossy().trim().to_string();
    Some(value).filter(|value| !value.is_empty())
}

fn number<T: FromStr>(name: &str, allowed: impl Fn(&T) -> bool) -> Option<T> {
    let text = value(name)?;
    let number = text.parse().ok().filter(allowed);
    if number.is_none() {
        log::warn!(target: "rota::spans", "{name} is {text:?}: left out, since that isn't a number it may be");
    }
    number
}

/// The sampler that the environment wants: `parentbased_always_on` where it says nothing.
pub(super) fn sampler() -> Sampler {
    let ratio = || number("OTEL_TRACES_SAMPLER_ARG", |r: &f64| (0.0..=1.0).contains(r));
    let name = value("OTEL_TRACES_SAMPLER");
    match name.as_deref() {
        None | Some("parentbased_always_on") => Sampler::new(1.0, true),
        Some("parentbased_always_off") => Sampler::new(0.0, true),
        Some("parentbased_traceidratio") => Sampler::new(ratio().unwrap_or(1.0), true),
        Some("always_on") => Sampler::new(1.0, false),
        Some("always_off") => Sampler::new(0.0, false),
        Some("traceidratio") => Sampler::new(ratio().unwrap_or(1.0), false),
        Some(name) => {
            log::warn!(
                target: "rota::spans",
                "OTEL_TRACES_SAMPLER is {name:?}, which is none of always_on, always_off, traceidratio, and these with \
                 parentbased_ before: parentbased_always_on is used"
            );
            Sampler::new(1.0, true)
        }
    }
}

impl SpanOptions {
    /// What the environment says where the host says nothing: `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`,
    /// `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BSP_SCHEDULE_DELAY` and `OTEL_BSP_EXPORT_TIMEOUT`.
    pub fn from_environment() -> Self {
        let milliseconds =
            |name, least| number(name, |&n: &u64| n >= least).map(Duration::from_millis);
        let count = |name| number(name, |n: &usize| (1..=MOST_QUEUE).contains(n));
        let mut options = Self {
            sampler: sampler(),
            ..Self::default()
        };
        if let Some(queue) = count("OTEL_BSP_MAX_QUEUE_SIZE") {
            options.queue = queue;
        }
        if let Some(batch) = count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") {
            options.batch = batch;
        }
        options.batch = options.batch.min(options.queue);
        if let Some(delay) = milliseconds("OTEL_BSP_SCHEDULE_DELAY", 0) {
            options.delay = delay;
        }
        if let Some(timeout) = milliseconds("OTEL_BSP_EXPORT_TIMEOUT", 1) {
            options.timeout = timeout;
        }
        options
    }
}

/// Whether the environment turns all tracing off.
pub fn is_disabled() -> bool {
    value("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The exporters that the environment names in `OTEL_TRACES_EXPORTER`. Unlike OpenTelemetry's own libraries Rota sends nothing where
/// it names none.
pub fn exporters() -> Vec<String> {
    let names = value("OTEL_TRACES_EXPORTER").unwrap_or_default();
    let names = names.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty() && *name != "none")
        .map(Into::into)
        .collect()
}
