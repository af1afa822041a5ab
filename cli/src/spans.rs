//! `rota spans`: what a trace file of spans has in it, and the same as a table.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rota::completion_status;
use rota::spans::{ExportError, Exporter as _, Origin, Span};
use rota_export::{phases, read_chrome, Parquet, PHASES};

use crate::args::Spans;
use crate::histogram::Histogram;
use crate::paper::{bytes, counted, nanoseconds, print, thousands, Paper, Progress};
use crate::Failure;

/// Spans that are written together.
const BATCH: usize = 1000;

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self::Said(error.text)
    }
}

pub fn run(options: &Spans) -> Result<(), Failure> {
    let trace = &options.trace;
    let cannot = |e: std::io::Error| Failure::Said(format!("can't read {}: {e}", trace.display()));
    let file = File::open(trace).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    let mut table = match &options.output {
        Some(output) => Some((output, table(&file, output)?)),
        None => None,
    };
    let mut reader = read_chrome(BufReader::with_capacity(1 << 16, file));
    let mut progress = Progress::new(size, "bytes");
    let mut summary = Summary::default();
    let mut batch = Vec::new();
    let far = Instant::now() + Duration::from_secs(3600);
    loop {
        let next = reader.next();
        let span = next.transpose();
        let span = span.map_err(|e| Failure::Said(format!("{}: {e}", trace.display())))?;
        let at_end = span.is_none();
        if let Some(span) = span {
            summary.add(&span);
            batch.push(span);
        }
        if at_end || batch.len() == BATCH {
            if let Some((_, table)) = &mut table {
                table.export(&batch, far)?;
            }
            batch.clear();
            progress.tell(reader.position());
        }
        if at_end {
            break;
        }
    }
    progress.end();
    if !reader.is_whole() {
        eprintln!(
            "rota: {} isn't closed: it is being written, or a crash has ended it",
            trace.display()
        );
    }
    let Some((output, mut table)) = table else {
        return Ok(print(&summary.text(trace))?);
    };
    table.end(far)?;
    let size = std::fs::metadata(output).map_or(0, |m| m.len());
    Ok(print(&format!(
        "{}: {}, {}\n",
        output.display(),
        counted(summary.count, "span", "spans"),
        bytes(size)
    ))?)
}

/// A table must not take the place of the trace, by whatever name.
fn table(trace: &File, output: &Path) -> Result<Parquet, Failure> {
    let same = std::fs::metadata(output).and_then(|there| {
        let trace = trace.metadata()?;
        Ok((there.dev(), there.ino()) == (trace.dev(), trace.ino()))
    });
    if same.unwrap_or(false) {
        return Err(Failure::Said(format!(
            "{} is the trace: give the table another name by -o",
            output.display()
        )));
    }
    let mut table = Parquet::create(output)?;
    table.begin(&Origin::default())?;
    Ok(table)
}

#[derive(Default)]
struct Summary {
    count: u64,
    first: Option<u64>,
    last: u64,
    /// By tenant, its number, and handler.
    groups: BTreeMap<(Arc<str>, u64, String), Group>,
}

struct Group {
    count: u64,
    failed: u64,
    /// Of each phase.
    times: [Histogram; PHASES.len()],
}

impl Summary {
    fn add(&mut self, span: &Span) {
        self.count += 1;
        let first = self.first.get_or_insert(span.submitted);
        *first = span.submitted.min(*first);
        self.last = self.last.max(span.taken);
        let handler = format!("{}.{}", span.module, span.handler);
        let group = self
            .groups
            .entry((span.tenant.clone(), span.tenant_id, handler))
            .or_insert_with(|| Group {
                count: 0,
                failed: 0,
                times: [(); PHASES.len()].map(|()| Histogram::new()),
            });
        group.count += 1;
        group.failed += u64::from(span.status != completion_status::OK);
        for phase in phases(span) {
            if let Some(at) = PHASES.iter().position(|name| *name == phase.name) {
                group.times[at].add(phase.end - phase.begin);
            }
        }
    }

    fn text(&self, trace: &Path) -> String {
        let mut paper = Paper::new();
        paper.head(&trace.display().to_string());
        paper.line("spans", &thousands(self.count));
        if let Some(first) = self.first {
            let length = self.last.saturating_sub(first);
            paper.line("from first to last", &nanoseconds(length as f64));
        }
        for ((tenant, id, handler), group) in &self.groups {
            // A label may be anything, but not more than a line.
            let title = format!("{tenant} ({id}), {handler}");
            let title = title.chars().map(|c| if c.is_control() { ' ' } else { c });
            paper.head(&title.collect::<String>());
            let failed = match group.failed {
                0 => String::new(),
                n => format!(", {} not OK", thousands(n)),
            };
            paper.line("spans", &format!("{}{failed}", thousands(group.count)));
            for (name, times) in PHASES.iter().zip(&group.times) {
                let at = |percent| times.percentile(percent).map(|ns| nanoseconds(ns as f64));
                let value = match (at(50), at(99)) {
                    (Some(half), Some(most)) => format!("p50 {half}, p99 {most}"),
                    _ => "not known".into(),
                };
                paper.line(name, &value);
            }
        }
        paper.into_text()
    }
}
