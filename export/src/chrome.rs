//! Trace event files: JSON arrays of events that chrome://tracing and <https://ui.perfetto.dev> show
//! (<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>).
//!
//! Each tenant is a process, numbered as they come, since viewers know numbers of 32 bits only; each job is an async event in it with
//! its phases inside. The job's event has all of the span in its arguments, with all numbers that JavaScript would round as text.
//! One event a line; the closing bracket may be missing.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rota::spans::{ExportError, Exporter, Moment, Origin, Span};
use rota::text::{json_string, with_process};
use rota::{completion_status_name, fault_name};

use crate::{disk_error, hex, phases};

/// The category of all events.
pub(crate) const CATEGORY: &str = "rota";

/// Writes a trace file.
pub struct Chrome {
    path: PathBuf,
    file: File,
    /// What is written of the file, all of it whole events.
    length: u64,
    /// Of tenants: where it runs.
    label: String,
    /// Numbers of the tenants that are named already.
    processes: HashMap<u64, usize>,
    events: String,
}

impl Chrome {
    /// Makes the file, in place of one that is there already. `%p` in its name is the process's id.
    pub fn create(path: &Path) -> Result<Self, ExportError> {
        let path = with_process(path, std::process::id());
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = file.map_err(|e| disk_error("create", &path, e))?;
        empty(&file).map_err(|e| disk_error("have", &path, e))?;
        let start = "[\n";
        file.write_all(start.as_bytes())
            .map_err(|e| disk_error("write", &path, e))?;
        Ok(Self {
            path,
            file,
            length: start.len() as u64,
            label: String::new(),
            processes: HashMap::new(),
            events: String::new(),
        })
    }

    /// Where it writes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is gathered, whole or not at all.
    fn flush(&mut self) -> Result<(), ExportError> {
        if let Err(error) = self.file.write_all(self.events.as_bytes()) {
            // What is written of it must not stand before the next events.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(std::io::SeekFrom::Start(self.length));
            return Err(disk_error("write", &self.path, error));
        }
        self.length += self.events.len() as u64;
        Ok(())
    }

    fn text(&mut self, text: &str) {
        json_string(text, |piece| self.events.push_str(piece));
    }

    /// Begins an event, which the caller ends.
    fn event(&mut self, phase: char, name: &str, process: usize) {
        let first = self.length == 2 && self.events.is_empty();
        self.events.push_str(if first { "{" } else { ",\n{" });
        let _ = write!(self.events, "\"ph\":\"{phase}\",\"name\":");
        self.text(name);
        let _ = write!(self.events, ",\"pid\":{process},\"tid\":0");
    }

    /// An event of a job, without its arguments.
    fn job_event(&mut self, phase: char, name: &str, span: &Span, at: u64) {
        let process = self.processes.get(&span.tenant_id);
        self.event(phase, name, process.copied().unwrap_or_default());
        let _ = write!(
            self.events,
            ",\"cat\":\"{CATEGORY}\",\"id\":\"{}-{}\",\"ts\":{}.{:03}",
            span.tenant_id,
            span.ticket,
            at / 1000,
            at % 1000
        );
    }

    /// Names a tenant, as a process of this number.
    fn tenant(&mut self, span: &Span, process: usize) {
        self.processes.insert(span.tenant_id, process);
        let label = self.label.clone();
        for (what, key, value) in [
            ("process_name", "name", &*span.tenant),
            ("process_labels", "labels", &label),
        ] {
            self.event('M', what, process);
            let _ = write!(self.events, ",\"args\":{{\"{key}\":");
            self.text(value);
            self.events.push_str("}}");
        }
    }

    fn job(&mut self, span: &Span) {
        let name = format!("{}.{}", span.module, span.handler);
        let parts: Vec<_> = phases(span).collect();
        let end = parts.last().map_or(span.taken, |phase| phase.end);
        self.job_event('b', &name, span, span.submitted);
        self.events.push_str(",\"args\":");
        arguments(span, &mut self.events);
        self.events.push('}');
        for phase in parts {
            self.job_event('b', phase.name, span, phase.begin);
            self.events.push('}');
            self.job_event('e', phase.name, span, phase.end);
            self.events.push('}');
        }
        self.job_event('e', &name, span, end.max(span.submitted));
        self.events.push('}');
    }
}

impl Exporter for Chrome {
    fn name(&self) -> &'static str {
        "chrome"
    }

    fn begin(&mut self, origin: &Origin) -> Result<(), ExportError> {
        self.label = format!(
            "{}, {}, {}, Rota {}",
            origin.device, origin.driver, origin.mode, origin.version
        );
        Ok(())
    }

    fn export(&mut self, spans: &[Span], _deadline: Instant) -> Result<(), ExportError> {
        self.events.clear();
        let mut new = Vec::new();
        for span in spans {
            if !self.processes.contains_key(&span.tenant_id) {
                new.push(span.tenant_id);
                self.tenant(span, self.processes.len() + 1);
            }
            self.job(span);
        }
        let outcome = self.flush();
        if outcome.is_err() {
            for tenant in new {
                self.processes.remove(&tenant);
            }
        }
        outcome
    }

    fn end(&mut self, _deadline: Instant) -> Result<(), ExportError> {
        self.events.clear();
        self.events.push_str("\n]\n");
        self.flush()
    }
}

/// All of a span, as an object.
fn arguments(span: &Span, out: &mut String) {
    let _ = write!(
        out,
        "{{\"trace_id\":\"{}\",\"span_id\":\"{}\"",
        hex(&span.trace_id),
        hex(&span.span_id)
    );
    if let Some(parent) = span.parent_id {
        let _ = write!(out, ",\"parent_id\":\"{}\"", hex(&parent));
    }
    for (key, text) in [
        ("tenant", &span.tenant),
        ("module", &span.module),
        ("handler", &span.handler),
    ] {
        let _ = write!(out, ",\"{key}\":");
        json_string(text, |piece| out.push_str(piece));
    }
    let _ = write!(
        out,
        ",\"tenant_id\":\"{}\",\"ticket\":\"{}\",\"user_data\":\"{:#x}\",\"status\":{},\"status_name\":\"{}\",\
         \"fault\":{},\"fault_name\":\"{}\",\"tiles\":{},\"fuel\":{},\"submitted\":\"{}\"",
        span.tenant_id,
        span.ticket,
        span.user_data,
        span.status,
        completion_status_name(span.status),
        span.fault,
        fault_name(span.fault),
        span.tiles,
        span.fuel,
        span.submitted
    );
    for (key, moment) in [("claimed", span.claimed), ("finished", span.finished)] {
        if let Some(Moment { earliest, latest }) = moment {
            let _ = write!(
                out,
                ",\"{key}\":{{\"earliest\":\"{earliest}\",\"latest\":\"{latest}\"}}"
            );
        }
    }
    let _ = write!(
        out,
        ",\"taken\":\"{}\",\"begin_epoch\":\"{}\",\"end_epoch\":\"{}\"}}",
        span.taken, span.begin_epoch, span.end_epoch
    );
}

/// Empties a file that nobody else writes a trace to.
fn empty(file: &File) -> std::io::Result<()> {
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    // SAFETY: the descriptor is open.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
        let error = std::io::Error::last_os_error();
        return Err(match error.kind() {
            ErrorKind::WouldBlock => std::io::Error::new(
                ErrorKind::ResourceBusy,
                "another runtime writes its trace there: give each a file of its own, such as by %p for the process",
            ),
            _ => error,
        });
    }
    file.set_len(0)
}
