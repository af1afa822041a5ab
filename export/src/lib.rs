//! Where spans go: [`Otlp`] sends them to a collector, [`Chrome`] writes a file that chrome://tracing and Perfetto show,
//! [`Parquet`] a table for DuckDB and pandas. [`read_chrome`] reads such a file back.

// Under loom there is nothing of the engine but its rings.
#![cfg(not(loom))]

mod chrome;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "read")]
mod read;

use std::path::Path;

use rota::spans::{ExportError, Moment, Span};

pub use chrome::Chrome;
#[cfg(feature = "otlp")]
pub use otlp::{Otlp, OtlpOptions};
#[cfg(feature = "parquet")]
pub use parquet::Parquet;
#[cfg(feature = "read")]
pub use read::{read_chrome, ReadChrome, ReadError};

/// Between the moments of a job's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    pub name: &'static str,
    pub begin: u64,
    pub end: u64,
}

/// The names of all phases, in order.
pub const PHASES: [&str; 3] = ["queued", "running", "untaken"];

/// The phases of which both ends are known. What only the device saw is taken to be at its latest, and nothing is before
/// the submit or after the take.
pub fn phases(span: &Span) -> impl Iterator<Item = Phase> {
    let at =
        |moment: Option<Moment>, after: u64| moment.map(|m| m.latest.min(span.taken).max(after));
    let claimed = at(span.claimed, span.submitted);
    let finished = at(span.finished, claimed.unwrap_or(span.submitted));
    let taken = span.taken.max(finished.unwrap_or(span.submitted));
    let ends = [Some(span.submitted), claimed, finished, Some(taken)];
    (0..3).filter_map(move |i| {
        Some(Phase {
            name: PHASES[i],
            begin: ends[i]?,
            end: ends[i + 1]?,
        })
    })
}

/// Lower case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a disk says. It isn't tried again: what is half written would be written twice.
fn disk_error(what: &str, path: &Path, error: impl std::fmt::Display) -> ExportError {
    lasting(format!("can't {what} {}: {error}", path.display()))
}

/// An error that stays when it is tried again.
fn lasting(text: impl Into<String>) -> ExportError {
    ExportError {
        text: text.into(),
        retry_after: None,
    }
}
