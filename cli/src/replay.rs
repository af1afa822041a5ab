//! `rota replay`: checks, shows, runs again and compares flight recorder logs.
//!
//! Exit codes: 0 the same, 1 different, 2 unreadable, 3 not comparable for want of data or records.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use rota::replay::{self, Divergence, History, Outcome, ReplayOptions, ReplayReport};
use rota::{completion_status_name, fault_name, RuntimeOptions};
use rota_recorder::{BufferEvent, Completion, Entry, Hash, Item, Mode, Reader, Record};
use serde_json::{json, Value};

use crate::args::{Again, Filter, Replay, ReplayWhat};
use crate::paper::{bytes, print, thousands, Mark, Paper, Progress};
use crate::Failure;

const DIFFERENT: u8 = 1;
const UNREADABLE: u8 = 2;
const NOT_COMPARABLE: u8 = 3;

/// How many jobs stand before the first divergence.
const CONTEXT: usize = 5;

impl From<rota_recorder::Error> for Failure {
    fn from(error: rota_recorder::Error) -> Self {
        Self::Said(error.to_string())
    }
}

pub fn run(options: &Replay) -> ExitCode {
    let outcome = match &options.what {
        ReplayWhat::Verify => verify(options),
        ReplayWhat::Show(filter) => show(options, filter),
        ReplayWhat::Run(how) => run_again(options, how),
        ReplayWhat::Diff(other) => diff(options, other),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Silent) => ExitCode::from(UNREADABLE),
        Err(Failure::Said(line)) => {
            eprintln!("rota: {line}");
            ExitCode::from(UNREADABLE)
        }
    }
}

// ---------------------------------------------------------------- verify

/// Reads every cell, and the objects that records name.
fn verify(options: &Replay) -> Result<u8, Failure> {
    let mut reader = Reader::open(&options.log, Mode::Salvage)?;
    let objects = rota_recorder::Objects::of_log(&options.log);
    let mut kinds: HashMap<&'static str, u64> = HashMap::new();
    let mut missing = Vec::new();
    let mut bad_objects = Vec::new();
    let mut looked_at = HashSet::new();
    let (mut lost, mut captures_data) = (0, false);
    while let Some(item) = reader.read()? {
        match item {
            Item::Record(entry) => {
                *kinds.entry(entry.record.name()).or_default() += 1;
                match &entry.record {
                    Record::RunStart(start) => {
                        captures_data = start.capture == rota::Capture::Full.name();
                    }
                    Record::Checkpoint(_) => captures_data = true,
                    Record::Gap(gap) => lost += gap.lost,
                    _ => {}
                }
                let is_kept =
                    |record: &Record| captures_data || !matches!(record, Record::Buffer(_));
                let mut named: Vec<Hash> = Vec::new();
                named.extend(entry.record.object().filter(|_| is_kept(&entry.record)));
                while let Some(hash) = named.pop() {
                    if !looked_at.insert(hash) {
                        continue;
                    }
                    match (objects.get(&hash), &entry.record) {
                        (Err(e), _) => bad_objects.push(e.to_string()),
                        (Ok(state), Record::Checkpoint(c)) if c.state == hash => {
                            match Record::unpack(&state) {
                                Some(records) => {
                                    named.extend(records.iter().filter_map(Record::object));
                                }
                                None => bad_objects.push(format!("{hash} is no state")),
                            }
                        }
                        (Ok(_), _) => {}
                    }
                }
            }
            Item::Missing(hole) => missing.push(hole),
        }
    }
    let (info, counts) = (reader.info().clone(), reader.counts());
    let good = missing.is_empty() && bad_objects.is_empty() && info.cut_to.is_none();
    if options.json {
        let missing: Vec<Value> = missing
            .iter()
            .map(|m| json!({"first": m.first, "last": m.last, "why": format!("{:?}", m.why)}))
            .collect();
        print(&format!(
            "{}\n",
            json!({
                "good": good, "closed": info.clean, "runs": info.run, "oldest": info.oldest, "next": info.next,
                "capacity_cells": info.capacity_cells, "records": counts.records, "kinds": kinds, "lost": lost,
                "missing": missing, "objects": bad_objects,
            })
        ))?;
    } else {
        let mut paper = Paper::new();
        paper.head(&options.log.display().to_string());
        let ended = match info.clean {
            true => "closed in order",
            false => "not closed: it is being written, or a crash has ended it",
        };
        paper.line("the log", ended);
        paper.line(
            "cells",
            &format!(
                "{} to {}, of at most {} ({})",
                thousands(info.oldest),
                thousands(info.next.saturating_sub(1)),
                thousands(info.capacity_cells),
                bytes(info.capacity_bytes)
            ),
        );
        let mut named: Vec<_> = kinds.into_iter().collect();
        named.sort();
        for (kind, count) in named {
            paper.line(kind, &thousands(count));
        }
        if lost != 0 {
            paper.line(
                "not recorded",
                &format!("{} records found no room", thousands(lost)),
            );
        }
        for hole in &missing {
            let text = format!("{} to {}: {:?}", hole.first, hole.last, hole.why);
            paper.line("missing", &paper.marked(Mark::Bad, &text));
        }
        for what in &bad_objects {
            paper.line("object", &paper.marked(Mark::Bad, what));
        }
        let verdict = match good {
            true => paper.marked(Mark::Good, "good"),
            false => paper.marked(Mark::Bad, "damaged: what is left can be shown and run"),
        };
        paper.plain(&verdict);
        print(&paper.into_text())?;
    }
    Ok(if good { 0 } else { DIFFERENT })
}

// ---------------------------------------------------------------- show

fn show(options: &Replay, filter: &Filter) -> Result<u8, Failure> {
    let mut labels: HashMap<u64, String> = HashMap::new();
    // A completion doesn't have its handler.
    let mut opcodes: HashMap<(u64, u64), u32> = HashMap::new();
    let mut first_ns = None;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for item in Reader::open(&options.log, Mode::Salvage)? {
        let entry = match item? {
            Item::Record(entry) => entry,
            Item::Missing(hole) => {
                if options.json {
                    let line = json!({"kind": "missing", "first": hole.first, "last": hole.last, "why": format!("{:?}", hole.why)});
                    writeln!(out, "{line}")?;
                } else {
                    writeln!(
                        out,
                        "{:>10}  -- missing up to {}: {:?}",
                        hole.first, hole.last, hole.why
                    )?;
                }
                continue;
            }
        };
        let seconds = entry
            .wall_ns
            .saturating_sub(*first_ns.get_or_insert(entry.wall_ns)) as f64
            / 1e9;
        let mut opcode = None;
        match &entry.record {
            Record::Tenant(tenant) => {
                labels.insert(tenant.tenant, tenant.label.clone());
            }
            Record::Job(job) => {
                opcode = Some(job.opcode);
                opcodes.insert((job.tenant, job.ticket), job.opcode);
            }
            Record::Completion(done) => opcode = opcodes.remove(&(done.tenant, done.ticket)),
            _ => {}
        }
        if !filter.takes(&entry.record, seconds, opcode, &labels) {
            continue;
        }
        if options.json {
            writeln!(out, "{}", as_json(&entry, seconds))?;
        } else {
            let tenant = tenant_of(&entry.record).map_or(String::new(), |id| name_of(id, &labels));
            let (kind, text) = (entry.record.name(), as_text(&entry.record));
            writeln!(
                out,
                "{:>10}  {seconds:>12.6}  {tenant:12} {kind:11} {text}",
                entry.seq
            )?;
        }
    }
    out.flush()?;
    Ok(0)
}

impl Filter {
    fn takes(
        &self,
        record: &Record,
        seconds: f64,
        opcode: Option<u32>,
        labels: &HashMap<u64, String>,
    ) -> bool {
        let by_tenant = self.tenant.as_ref().is_none_or(|wanted| {
            tenant_of(record).is_some_and(|id| {
                labels.get(&id).is_some_and(|label| label == wanted) || wanted.parse() == Ok(id)
            })
        });
        let by_status = self.status.as_ref().is_none_or(|wanted| match record {
            Record::Completion(done) => {
                completion_status_name(done.status).eq_ignore_ascii_case(wanted)
            }
            _ => false,
        });
        by_tenant
            && by_status
            && self.handler.is_none_or(|wanted| opcode == Some(wanted))
            && self.since.is_none_or(|since| seconds >= since)
            && self.until.is_none_or(|until| seconds < until)
    }
}

fn tenant_of(record: &Record) -> Option<u64> {
    Some(match record {
        Record::Tenant(it) => it.tenant,
        Record::Module(it) => it.tenant,
        Record::Buffer(it) => it.tenant,
        Record::Job(it) => it.tenant,
        Record::Completion(it) => it.tenant,
        Record::Evidence(it) => it.tenant,
        Record::Note(it) => it.tenant,
        _ => return None,
    })
}

fn name_of(tenant: u64, labels: &HashMap<u64, String>) -> String {
    match labels.get(&tenant).filter(|label| !label.is_empty()) {
        Some(label) => label.clone(),
        None if tenant == 0 => "the runtime".into(),
        None => format!("#{tenant}"),
    }
}

fn handler_text(opcode: u32) -> String {
    match rota::standard_handler_name(opcode) {
        Some(name) => name.into(),
        None => format!("{opcode:#x}"),
    }
}

fn job_text(job: &rota_recorder::Job) -> String {
    let last = job
        .args
        .iter()
        .rposition(|&arg| arg != 0)
        .map_or(0, |at| at + 1);
    let args: Vec<String> = job.args[..last]
        .iter()
        .map(|arg| format!("{arg:#x}"))
        .collect();
    let mut text = format!("{}({})", handler_text(job.opcode), args.join(", "));
    if job.tiles != 1 {
        write!(text, ", {} tiles", job.tiles).unwrap();
    }
    if job.flags != 0 {
        write!(text, ", flags {:#x}", job.flags).unwrap();
    }
    if job.fuel != 0 {
        write!(text, ", fuel {}", job.fuel).unwrap();
    }
    text
}

fn completion_text(done: &Completion) -> String {
    let mut text = completion_status_name(done.status).to_string();
    if done.fault != 0 {
        write!(text, " {}", fault_name(done.fault)).unwrap();
    }
    write!(
        text,
        ", results {:#x} {:#x}, digest {:016x}",
        done.results[0], done.results[1], done.digest
    )
    .unwrap();
    text
}

fn as_text(record: &Record) -> String {
    match record {
        Record::Job(job) => format!("{:#x} {}", job.ticket, job_text(job)),
        Record::Completion(done) => format!(
            "{:#x} {}, epochs {} to {}",
            done.ticket,
            completion_text(done),
            done.begin_epoch,
            done.end_epoch
        ),
        Record::Buffer(b) => {
            let range = match b.event {
                BufferEvent::Written => format!(" {} bytes at {}", b.length, b.offset),
                BufferEvent::Filled => {
                    format!(" {} bytes at {} with {:#x}", b.length, b.offset, b.value)
                }
                BufferEvent::Created | BufferEvent::Imported => format!(", {} bytes", b.length),
                BufferEvent::Granted => format!(" to #{} as {:#x}", b.other_tenant, b.other_handle),
                BufferEvent::TakenBack => format!(" from #{}", b.other_tenant),
                _ => String::new(),
            };
            let data = b.data.map_or(String::new(), |hash| {
                format!(", {}", &hash.to_string()[..16])
            });
            format!("{:#x} {}{range}{data}", b.handle, b.event.name())
        }
        Record::Module(m) => {
            let handlers: Vec<_> = m
                .handlers
                .iter()
                .map(|h| format!("{:#x} {}", h.opcode, h.name))
                .collect();
            format!(
                "'{}' {} version {}: {}",
                m.label,
                m.event.name(),
                m.version,
                handlers.join(", ")
            )
        }
        Record::Tenant(t) => {
            let options: Vec<_> = t
                .options
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            format!("{} {}", t.event.name(), options.join(", "))
        }
        Record::RunStart(r) => format!(
            "rota {} on {} ({}), {}, {} lanes, capture {}, process {}",
            r.library_version, r.device, r.driver, r.mode, r.lanes, r.capture, r.pid
        ),
        Record::RunEnd(r) => format!(
            "{}: {} jobs, {} completions",
            r.reason, r.jobs, r.completions
        ),
        Record::Evidence(e) => format!(
            "{:#x} {}, code {}, {} bytes, {}",
            e.ticket,
            e.class.name(),
            e.backend_code,
            e.length,
            String::from_utf8_lossy(&e.bytes[..e.bytes.len().min(200)])
        ),
        Record::Gap(g) => format!("{} records are missing: {}", g.lost, g.why.name()),
        Record::Note(n) => n.text.clone(),
        Record::Checkpoint(c) => format!(
            "of all before #{}: {} tenants, {} buffers with {}",
            c.before,
            c.tenants,
            c.buffers,
            bytes(c.bytes)
        ),
        Record::Void(v) => v.why.name().into(),
        Record::Unknown { kind, bytes } => {
            format!("kind {kind}, {} bytes, of a later version", bytes.len())
        }
    }
}

fn as_json(entry: &Entry, seconds: f64) -> Value {
    let mut value = match &entry.record {
        Record::Job(j) => json!({
            "ticket": j.ticket, "opcode": j.opcode, "flags": j.flags, "tiles": j.tiles, "fuel": j.fuel,
            "args": j.args, "user_data": j.user_data,
        }),
        Record::Completion(c) => completion_json(c),
        Record::Buffer(b) => json!({
            "event": b.event.name(), "handle": b.handle, "read_only": b.read_only, "offset": b.offset,
            "length": b.length, "value": b.value, "other_tenant": b.other_tenant, "other_handle": b.other_handle,
            "data": b.data.map(|hash| hash.to_string()),
        }),
        Record::Module(m) => json!({
            "event": m.event.name(), "module": m.module, "version": m.version, "label": m.label,
            "source": m.source.map(|hash| hash.to_string()),
            "handlers": m.handlers.iter().map(|h| json!({"opcode": h.opcode, "name": h.name, "tiled": h.tiled, "fuel": h.fuel})).collect::<Vec<_>>(),
        }),
        other => json!({"text": as_text(other)}),
    };
    value["seq"] = entry.seq.into();
    value["seconds"] = seconds.into();
    value["wall_ns"] = entry.wall_ns.into();
    value["kind"] = entry.record.name().into();
    if let Some(tenant) = tenant_of(&entry.record) {
        value["tenant"] = tenant.into();
    }
    value
}

fn completion_json(c: &Completion) -> Value {
    json!({
        "ticket": c.ticket, "status": completion_status_name(c.status), "fault": c.fault, "results": c.results,
        "fuel": c.fuel, "module_version": c.module_version, "digest": format!("{:016x}", c.digest),
        "begin_epoch": c.begin_epoch, "end_epoch": c.end_epoch,
    })
}

// ---------------------------------------------------------------- run

fn run_again(options: &Replay, how: &Again) -> Result<u8, Failure> {
    let wanted = ReplayOptions {
        log: options.log.clone(),
        run: how.run,
        runtime: RuntimeOptions {
            device: how.device.clone(),
            mode: how.mode,
            ..RuntimeOptions::default()
        },
        data: how.data.clone(),
        as_submitted: how.as_submitted,
        not_deterministic: how.ignore.clone(),
        context: CONTEXT,
    };
    let history = match replay::read(&wanted) {
        Err(e @ rota::Error::NotReplayable(_)) => {
            eprintln!("rota: {e}");
            return Ok(NOT_COMPARABLE);
        }
        read => read?,
    };
    let mut progress = Progress::new(history.steps.len() as u64, "steps");
    let report = replay::replay(&wanted, &history, &mut |done| progress.tell(done as u64));
    progress.end();
    let report = report?;
    if options.json {
        print(&format!("{}\n", report_json(&history, &report)))?;
    } else {
        print(&report_text(&history, &report))?;
    }
    Ok(match report.outcome() {
        Outcome::Same => 0,
        Outcome::Different => DIFFERENT,
        Outcome::NotComparable => NOT_COMPARABLE,
    })
}

fn counts(report: &ReplayReport) -> [(&'static str, u64); 13] {
    [
        ("jobs", report.jobs),
        ("compared", report.compared),
        ("same", report.same),
        ("different", report.differences()),
        ("concurrent differ", report.concurrent),
        ("follow from that", report.followed),
        ("ignored", report.not_deterministic),
        ("depend on order", report.order_dependent),
        ("began in another order", report.rescheduled),
        ("ended otherwise", report.not_ended),
        ("behind such jobs", report.behind_unended),
        ("without data", report.without_data),
        ("records missing", report.missing_records),
    ]
}

fn report_text(history: &History, report: &ReplayReport) -> String {
    let mut paper = Paper::new();
    paper.head("replay");
    let start = &history.start;
    paper.line(
        "recorded on",
        &format!("{}, {}, {} lanes", start.device, start.mode, start.lanes),
    );
    paper.line("run again on", &report.device);
    for (what, n) in counts(report) {
        if n != 0 || matches!(what, "jobs" | "compared" | "same") {
            paper.line(what, &thousands(n));
        }
    }
    paper.line(
        "overlapped",
        &format!(
            "{} jobs with one that shares a buffer",
            thousands(report.overlapping)
        ),
    );
    if let Some(first) = &report.first {
        paper.head("the first divergence");
        for &at in &report.before {
            let job = &history.jobs[at];
            paper.plain(&format!("{:>10}  {}", job.seq, job_text(&job.job)));
        }
        let job = &history.jobs[first.job];
        let text = format!("{:>10}  {}", job.seq, job_text(&job.job));
        paper.plain(&paper.marked(Mark::Bad, &text));
        paper.line(
            "tenant",
            &format!("#{}, ticket {:#x}", job.job.tenant, job.job.ticket),
        );
        paper.line("differs in", &first.what().join(", "));
        paper.line("recorded", &completion_text(&first.recorded));
        paper.line("now", &completion_text(&first.replayed));
        paper.head("differences by handler");
        for (&opcode, &n) in &report.by_opcode {
            paper.line(&handler_text(opcode), &thousands(n));
        }
    }
    paper.plain(&match report.outcome() {
        Outcome::Same => paper.marked(Mark::Good, "the same"),
        Outcome::Different => paper.marked(Mark::Bad, "different"),
        Outcome::NotComparable => paper.marked(
            Mark::Note,
            "not comparable: what could be compared is the same; give the data by --data DIR",
        ),
    });
    paper.into_text()
}

fn report_json(history: &History, report: &ReplayReport) -> Value {
    let one = |first: &Divergence| {
        json!({
            "seq": history.jobs[first.job].seq, "tenant": history.jobs[first.job].job.tenant,
            "opcode": history.jobs[first.job].job.opcode, "what": first.what(),
            "recorded": completion_json(&first.recorded), "replayed": completion_json(&first.replayed),
            "before": report.before.iter().map(|&at| history.jobs[at].seq).collect::<Vec<_>>(),
        })
    };
    let mut value = json!({
        "outcome": match report.outcome() {
            Outcome::Same => "same",
            Outcome::Different => "different",
            Outcome::NotComparable => "not comparable",
        },
        "device": report.device, "overlapping": report.overlapping, "missing_data": report.missing_data,
        "first": report.first.as_ref().map(one),
        "by_opcode": report.by_opcode.iter().map(|(op, n)| (op.to_string(), json!(n))).collect::<serde_json::Map<_, _>>(),
    });
    for (what, n) in counts(report) {
        value[what.replace(' ', "_")] = n.into();
    }
    value
}

// ---------------------------------------------------------------- diff

/// Compares two recordings of the same program job by job: the nth of each tenant, in the order in which tenants came.
fn diff(options: &Replay, other: &Path) -> Result<u8, Failure> {
    let read = |log: &Path| {
        let options = ReplayOptions {
            log: log.into(),
            ..ReplayOptions::default()
        };
        replay::read(&options)
    };
    let (a, b) = (read(&options.log)?, read(other)?);
    let (jobs_a, jobs_b) = (by_place(&a), by_place(&b));
    let mut differ = 0u64;
    let mut lines = String::new();
    let mut compared = 0u64;
    for (place, &in_a) in &jobs_a {
        let Some(&in_b) = jobs_b.get(place) else {
            continue;
        };
        let (Some(done_a), Some(done_b)) = (a.jobs[in_a].done, b.jobs[in_b].done) else {
            continue;
        };
        compared += 1;
        let difference = Divergence {
            job: in_a,
            recorded: done_a,
            replayed: done_b,
        };
        let what = difference.what();
        if what.is_empty() {
            continue;
        }
        differ += 1;
        let job = &a.jobs[in_a].job;
        if options.json {
            let line = json!({
                "tenant": place.0, "job": place.1, "what": what,
                "a": completion_json(&done_a), "b": completion_json(&done_b),
            });
            writeln!(lines, "{line}").unwrap();
        } else if differ <= 20 {
            writeln!(
                lines,
                "tenant {} job {}: {}\n  {}\n  {}",
                place.0,
                place.1,
                job_text(job),
                completion_text(&done_a),
                completion_text(&done_b)
            )
            .unwrap();
        }
    }
    let only =
        |a: &Places, b: &Places| a.keys().filter(|place| !b.contains_key(place)).count() as u64;
    let (only_a, only_b) = (only(&jobs_a, &jobs_b), only(&jobs_b, &jobs_a));
    if !options.json {
        writeln!(
            lines,
            "{} jobs compared, {} differ; {} only in the first log, {} only in the second",
            thousands(compared),
            thousands(differ),
            thousands(only_a),
            thousands(only_b)
        )
        .unwrap();
    }
    print(&lines)?;
    Ok(if differ != 0 || only_a != 0 || only_b != 0 {
        DIFFERENT
    } else {
        0
    })
}

type Places = std::collections::BTreeMap<(usize, u64), usize>;

/// The index of each job by which tenant it is of, in the order of their ids, and which of its jobs: tickets have that in their low
/// 48 bits, also where a log begins in the middle.
fn by_place(history: &History) -> Places {
    let mut tenants: Vec<u64> = history.jobs.iter().map(|job| job.job.tenant).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let place = |(at, job): (usize, &rota::replay::RecordedJob)| {
        let tenant = tenants.partition_point(|&id| id < job.job.tenant);
        ((tenant, job.job.ticket & 0xffff_ffff_ffff), at)
    };
    history.jobs.iter().enumerate().map(place).collect()
}
