//! What the environment says of spans: OpenTelemetry's variables, and Rota's own. As OpenTelemetry's specification wants it, a value
//! that can't be read is warned of and left out.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{SpanOptions, MOST_QUEUE};
use crate::ring::span::Sampler;

/// Variables that say where the host says nothing which jobs have spans, and where these go.
#[derive(Clone, Copy)]
pub struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Environment<'static> {
    /// The process's.
    pub fn of_process() -> Self {
        Self(&|name| std::env::var_os(name))
    }
}

impl<'a> Environment<'a> {
    /// The one in which each variable has the value that `get` gives for its name.
    pub fn new(get: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self(get)
    }

    /// A variable's value; none where it is empty.
    fn value(self, name: &str) -> Option<String> {
        let value = (self.0)(name)?.to_string_lossy().trim().to_string();
        Some(value).filter(|value| !value.is_empty())
    }

    fn number<T: FromStr>(self, name: &str, allowed: impl Fn(&T) -> bool) -> Option<T> {
        let text = self.value(name)?;
        let number = text.parse().ok().filter(allowed);
        if number.is_none() {
            log::warn!(target: "rota::spans", "{name} is {text:?}: left out, since that isn't a number it may be");
        }
        number
    }

    /// What `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` say: `parentbased_always_on` where they say nothing.
    pub fn sampler(self) -> Sampler {
        let ratio = || self.number("OTEL_TRACES_SAMPLER_ARG", |r: &f64| (0.0..=1.0).contains(r));
        let name = self.value("OTEL_TRACES_SAMPLER");
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

    /// The sampler, and what `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BSP_SCHEDULE_DELAY` and
    /// `OTEL_BSP_EXPORT_TIMEOUT` say, without exporters.
    pub fn options(self) -> SpanOptions {
        let milliseconds = |name, least| {
            self.number(name, |&n: &u64| n >= least)
                .map(Duration::from_millis)
        };
        let count = |name| self.number(name, |n: &usize| (1..=MOST_QUEUE).contains(n));
        let mut options = SpanOptions {
            sampler: self.sampler(),
            ..SpanOptions::default()
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

    /// Whether `OTEL_SDK_DISABLED` turns all tracing off.
    pub fn is_disabled(self) -> bool {
        self.value("OTEL_SDK_DISABLED")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The exporters that `OTEL_TRACES_EXPORTER` names. Unlike OpenTelemetry's own libraries Rota sends nothing where it names none.
    pub fn exporters(self) -> Vec<String> {
        let names = self.value("OTEL_TRACES_EXPORTER").unwrap_or_default();
        let names = names.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty() && *name != "none")
            .map(Into::into)
            .collect()
    }

    /// The file that `ROTA_SPANS` names.
    pub fn file(self) -> Option<PathBuf> {
        let path = (self.0)("ROTA_SPANS").filter(|path| !path.is_empty());
        path.map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;
    use std::path::Path;

    use super::*;

    /// What `what` makes of an environment that has these variables.
    fn with<T>(variables: &[(&str, &str)], what: impl FnOnce(Environment) -> T) -> T {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        };
        what(Environment::new(&get))
    }

    #[test]
    fn without_variables_there_are_defaults() {
        with(&[], |environment| {
            let (options, default) = (environment.options(), SpanOptions::default());
            assert_eq!(format!("{options:?}"), format!("{default:?}"));
            assert!(!environment.is_disabled());
            assert!(environment.exporters().is_empty());
            assert_eq!(environment.file(), None);
        });
    }

    #[test]
    fn samplers_have_opentelemetrys_names() {
        for (name, ratio, sampler) in [
            ("always_on", "0.5", Sampler::new(1.0, false)),
            ("always_off", "0.5", Sampler::new(0.0, false)),
            ("traceidratio", "0.25", Sampler::new(0.25, false)),
            ("traceidratio", "0", Sampler::new(0.0, false)),
            ("traceidratio", "", Sampler::new(1.0, false)),
            ("parentbased_always_on", "", Sampler::new(1.0, true)),
            ("parentbased_always_off", "", Sampler::new(0.0, true)),
            (
                " parentbased_traceidratio ",
                " 1e-3 ",
                Sampler::new(0.001, true),
            ),
            ("parentbased_traceidratio", "1.5", Sampler::new(1.0, true)),
            ("parentbased_traceidratio", "-1", Sampler::new(1.0, true)),
            ("parentbased_traceidratio", "NaN", Sampler::new(1.0, true)),
            ("parentbased_traceidratio", "half", Sampler::new(1.0, true)),
            ("ALWAYS_OFF", "", Sampler::new(1.0, true)),
            ("jaeger_remote", "", Sampler::new(1.0, true)),
            ("", "0.5", Sampler::new(1.0, true)),
        ] {
            let variables = [
                ("OTEL_TRACES_SAMPLER", name),
                ("OTEL_TRACES_SAMPLER_ARG", ratio),
            ];
            let got = with(&variables, |environment| environment.sampler());
            assert_eq!(got, sampler, "{name} {ratio}");
            let got = with(&variables, |environment| environment.options().sampler);
            assert_eq!(got, sampler, "{name} {ratio}");
        }
    }

    #[test]
    fn batches_have_the_numbers_that_can_be() {
        let SpanOptions { queue, batch, .. } = SpanOptions::default();
        for (variables, expected) in [
            ([("QUEUE", "64"), ("BATCH", "16")], (64, 16)),
            ([("QUEUE", "1048576"), ("BATCH", "1")], (1 << 20, 1)),
            ([("QUEUE", "1048577"), ("BATCH", "0")], (queue, batch)),
            ([("QUEUE", "0"), ("BATCH", "many")], (queue, batch)),
            ([("QUEUE", "-1"), ("BATCH", "1.5")], (queue, batch)),
            // A batch is no larger than the queue that it comes from.
            ([("QUEUE", "64"), ("BATCH", "65")], (64, 64)),
            ([("QUEUE", "10"), ("BATCH", "")], (10, 10)),
        ] {
            let [(_, queue), (_, batch)] = variables;
            let named = [
                ("OTEL_BSP_MAX_QUEUE_SIZE", queue),
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch),
            ];
            let options = with(&named, |environment| environment.options());
            assert_eq!((options.queue, options.batch), expected, "{variables:?}");
            options.check().unwrap();
        }
        let SpanOptions { delay, timeout, .. } = SpanOptions::default();
        let ms = Duration::from_millis;
        for (delay_ms, timeout_ms, expected) in [
            ("250", "1000", (ms(250), ms(1000))),
            ("0", "0", (ms(0), timeout)),
            ("-1", "1s", (delay, timeout)),
            ("18446744073709551615", "1", (ms(u64::MAX), ms(1))),
            ("18446744073709551616", "", (delay, timeout)),
        ] {
            let named = [
                ("OTEL_BSP_SCHEDULE_DELAY", delay_ms),
                ("OTEL_BSP_EXPORT_TIMEOUT", timeout_ms),
            ];
            let options = with(&named, |environment| environment.options());
            assert_eq!((options.delay, options.timeout), expected);
        }
    }

    #[test]
    fn exporters_are_a_list() {
        for (list, expected) in [
            ("otlp", &["otlp"][..]),
            (" otlp , console,,", &["otlp", "console"]),
            ("none", &[]),
            ("none,otlp", &["otlp"]),
            (" ", &[]),
        ] {
            let named = [("OTEL_TRACES_EXPORTER", list)];
            assert_eq!(
                with(&named, |environment| environment.exporters()),
                expected
            );
        }
    }

    #[test]
    fn only_true_turns_it_off() {
        for (text, is_off) in [
            ("true", true),
            (" TRUE ", true),
            ("false", false),
            ("1", false),
            ("yes", false),
            ("", false),
        ] {
            let named = [("OTEL_SDK_DISABLED", text)];
            assert_eq!(
                with(&named, |environment| environment.is_disabled()),
                is_off
            );
        }
    }

    /// A path is taken as it is; all else is text, whatever its bytes.
    #[test]
    fn values_need_not_be_utf8() {
        let get = |_: &str| Some(OsString::from_vec(b" \xff".into()));
        let environment = Environment::new(&get);
        let path = OsString::from_vec(b" \xff".into());
        assert_eq!(environment.file().as_deref(), Some(Path::new(&path)));
        assert_eq!(environment.exporters(), ["\u{fffd}"]);
        assert!(!environment.is_disabled());
        let (options, default) = (environment.options(), SpanOptions::default());
        assert_eq!(format!("{options:?}"), format!("{default:?}"));
        let named = [("ROTA_SPANS", "")];
        assert_eq!(with(&named, |environment| environment.file()), None);
    }
}
