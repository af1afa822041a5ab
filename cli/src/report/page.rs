//! The page. All that the log says is text here, never HTML.

use std::fmt::Write as _;

use rota::{completion_status_name, completion_status_text, fault_name, fault_text};
use serde_json::{json, Value};

use super::charts::{self, Scale, Unit, WIDE};
use super::gather::{Ends, Event, Row, Run, What, MOST_ROWS, MOST_UNENDED, STATUSES, STEPS};
use crate::histogram::Histogram;
use crate::paper::{bytes, counted, nanoseconds, thousands};

const CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Kinds of faults that are listed.
const MOST_KINDS: usize = 100;
/// Heights of charts.
const LATENCY: f64 = 180.0;
const SHARE: f64 = 150.0;

/// Text for HTML, in elements and in attributes.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' => safe.push(c),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// The same where a text from the log stands among others: its direction is its own.
fn bdi(raw: &str) -> String {
    format!("<bdi>{}</bdi>", text(raw))
}

/// A length of time, which no line is broken in.
fn time(ns: u64) -> String {
    nanoseconds(ns as f64)
        .replace("us", "µs")
        .replace(' ', "\u{a0}")
}

fn time_or_none(ns: Option<u64>) -> String {
    ns.map_or("–".into(), time)
}

/// A moment, in seconds since the run's first record.
fn moment(ns: u64) -> String {
    format!("{:.6}\u{a0}s", ns as f64 / 1e9)
}

fn percent(part: f64, all: f64) -> String {
    match part / all {
        share if all > 0.0 => format!("{:.1} %", share * 100.0),
        _ => "–".into(),
    }
}

/// Nanoseconds since 1970 as UTC.
fn date(wall_ns: u64) -> String {
    let seconds = wall_ns / 1_000_000_000;
    // Days are counted from March of the year 0, so that leap days are the last of a year.
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (era * 400 + year, month + 3),
        _ => (era * 400 + year + 1, month - 9),
    };
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// The name of a row, as HTML.
fn name(run: &Run, row: usize) -> String {
    let it = &run.rows[row];
    match (run.is_others(row), it.label.is_empty()) {
        (true, _) => format!("others ({})", counted(run.others, "tenant", "tenants")),
        (false, true) => format!("#{}", it.tenant),
        (false, false) => {
            let same = run.rows.iter().filter(|row| row.label == it.label).count();
            match same {
                1 => bdi(&it.label),
                _ => format!("{} <small>#{}</small>", bdi(&it.label), it.tenant),
            }
        }
    }
}

fn key(run: &Run, row: usize) -> String {
    format!("<i class=\"key {}\"></i>", charts::colour(run, row))
}

/// The page of a run. `log` is the log's name.
pub fn page(run: &Run, log: &str, title: &str) -> String {
    let mut out = String::new();
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"rota {}\">\n<title>{}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n",
        rota::VERSION,
        text(title),
    )
    .unwrap();
    head(&mut out, run, log, title);
    if run.jobs + run.completions == 0 {
        out.push_str("<section><p class=\"empty\">There are no jobs in this run.</p></section>\n");
    } else {
        timeline(&mut out, run);
        latency(&mut out, run);
        share(&mut out, run);
        tenants(&mut out, run);
        faults(&mut out, run);
    }
    unended(&mut out, run);
    happened(&mut out, run, "evidence", "Evidence", &run.evidence);
    happened(&mut out, run, "events", "Events", &run.events);
    write!(
        out,
        "<footer>Made by rota {} from a flight recorder’s log.</footer>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        rota::VERSION,
        data(run),
    )
    .unwrap();
    out
}

fn head(out: &mut String, run: &Run, log: &str, title: &str) {
    let device = match &run.start {
        Some(start) => format!("{}, {}", bdi(&start.device), text(&start.mode)),
        None => "a device that the log doesn’t name".into(),
    };
    let when = match run.wall_ns {
        0 => String::new(),
        _ => format!(" on {} for {}", date(run.wall_ns), time(run.length)),
    };
    write!(
        out,
        "<header>\n<h1>{}</h1>\n<p class=\"lead\">{device}{when}</p>\n<dl class=\"tiles\">\n",
        bdi(title)
    )
    .unwrap();
    let busy = run.busy.map_or(0, |(from, to)| to - from);
    let rate = match (busy, run.completions) {
        (0, _) | (_, 0) => "–".into(),
        (busy, n) => thousands((n as f64 * 1e9 / busy as f64).round() as u64),
    };
    for (what, class, value) in [
        ("jobs", "", thousands(run.jobs)),
        ("completions", "", thousands(run.completions)),
        ("a second", "", rate),
        ("latency p50", "", time_or_none(run.latency.percentile(50))),
        ("latency p99", "", time_or_none(run.latency.percentile(99))),
        (
            "faults",
            if run.faulted() != 0 { "bad" } else { "" },
            thousands(run.faulted()),
        ),
        (
            "records missing",
            if run.missing != 0 { "bad" } else { "" },
            thousands(run.missing),
        ),
    ] {
        writeln!(
            out,
            "<div class=\"tile {class}\"><dt>{what}</dt><dd>{value}</dd></div>"
        )
        .unwrap();
    }
    out.push_str("</dl>\n");
    let mut remarks = Vec::new();
    if !run.is_whole && run.runs != 0 {
        remarks.push("The log doesn’t have the beginning of this run: it was overwritten, so times count from the first record that is left.".to_string());
    }
    if run.strays != 0 {
        remarks.push(format!(
            "{} of jobs that the log doesn’t have: they count as completions, and have no latency.",
            counted(run.strays, "completion is", "completions are")
        ));
    }
    if run.unended != 0 {
        remarks.push(format!(
            "{} no completion: nobody took it, or the run ended before.",
            counted(run.unended, "job has", "jobs have")
        ));
    }
    if run.missing != 0 {
        remarks.push("Records are missing, so the numbers here are of what is left.".into());
    }
    for remark in remarks {
        writeln!(out, "<p class=\"remark\">{remark}</p>").unwrap();
    }
    out.push_str("<dl class=\"facts\">\n");
    let mut fact = |what: &str, html: &str| {
        writeln!(out, "<div><dt>{what}</dt><dd>{html}</dd></div>").unwrap();
    };
    fact("log", &bdi(log));
    let others = match run.runs {
        0 => "none".into(),
        1 => "the only one".into(),
        runs => format!("{} of 0 to {}", run.number, runs - 1),
    };
    fact("run", &others);
    if let Some(start) = &run.start {
        fact("driver", &bdi(&start.driver));
        fact("lanes", &start.lanes.to_string());
        fact("rota", &text(&start.library_version));
        fact("process", &start.pid.to_string());
        fact("capture", &text(&start.capture));
    }
    let ended = match (&run.end, run.is_last && !run.info.clean) {
        (Some(end), _) => text(&end.reason),
        (None, true) => "not yet, or by a crash: the log is not closed".into(),
        (None, false) => "without saying so: a crash has ended it, or the record is missing".into(),
    };
    fact("ended", &ended);
    fact("tenants", &thousands(run.tenants()));
    let used = run.info.next - run.info.oldest;
    fact(
        "cells used",
        &format!(
            "{} of {} ({})",
            thousands(used),
            thousands(run.info.capacity_cells),
            bytes(run.info.capacity_bytes)
        ),
    );
    out.push_str("</dl>\n</header>\n");
}

// ---------------------------------------------------------------- over time

/// What stands left of a chart, the chart, and what stands right of it.
fn row(out: &mut String, classes: &str, left: &str, plot: &str, right: &str) {
    writeln!(
        out,
        "<div class=\"row {classes}\"><div class=\"left\">{left}</div><div class=\"plot\">{plot}</div><div class=\"right\">{right}</div></div>"
    )
    .unwrap();
}

/// Where something stands on the axis.
fn at(place: f64) -> String {
    format!(
        "data-x=\"{0:.2}\" style=\"left:{1:.3}%\"",
        place * WIDE,
        place * 100.0
    )
}

/// The moments of the axis, as lines behind a chart and as words below it.
fn axis(out: &mut String, run: &Run) {
    let mut lines = String::new();
    let mut said = String::new();
    for (ns, word) in charts::ticks(run.axis) {
        let place = (ns - run.axis.from as f64) / run.axis.span() as f64;
        write!(lines, "<i {}></i>", at(place)).unwrap();
        write!(said, "<span {}>{word}</span>", at(place)).unwrap();
    }
    row(out, "axis", "", &said, "");
    write!(
        out,
        "<div class=\"grid\" aria-hidden=\"true\">{lines}<b></b></div>"
    )
    .unwrap();
}

fn timeline(out: &mut String, run: &Run) {
    out.push_str("<section class=\"charts\" id=\"timeline\">\n<h2>Timeline</h2>\n");
    let step = time(run.axis.span() / STEPS as u64);
    let what = match &run.drawn {
        Some(_) => "Each line is one job, from when it was submitted to when its completion was taken; those that overlap stand one above the other.".to_string(),
        None => format!("There are too many jobs to draw each of them: the height says how many were submitted in {step}, on a scale of each lane’s own."),
    };
    let part = match run.axis.from == 0 && run.axis.to >= run.length {
        true => String::new(),
        false => format!(
            " Shown is the time with jobs; the run is from 0 to {}.",
            moment(run.length)
        ),
    };
    writeln!(out, "<p class=\"note\">{what}{part} <span class=\"scripted\">Drag over a chart to look closer; twice a click shows all again.</span></p>").unwrap();
    out.push_str("<ul class=\"legend\">");
    out.push_str("<li><i class=\"key fault\"></i>faulted</li>");
    if run.drawn.is_some() {
        out.push_str("<li><i class=\"key off\"></i>skipped, cancelled, revoked, lost</li>");
        out.push_str("<li><i class=\"key open\"></i>without completion</li>");
    }
    for (what, word) in [
        (What::Tenant, "tenant"),
        (What::Module, "module"),
        (What::Note, "note"),
        (What::Checkpoint, "checkpoint"),
        (What::Missing, "missing"),
        (What::Evidence, "evidence"),
    ] {
        if run.marks.keys().any(|&(_, there)| there == what) {
            write!(out, "<li><i class=\"mark {word}\"></i>{word}</li>").unwrap();
        }
    }
    out.push_str("</ul>\n<div class=\"rows\" id=\"lanes\">\n");
    let mut marks = String::new();
    for (&(step, what), &n) in &run.marks {
        let place = (step as f64 + 0.5) / STEPS as f64;
        let word = kind(what);
        write!(
            marks,
            "<i class=\"mark {word}\" {} title=\"{}\"></i>",
            at(place),
            counted(n, word, &format!("{word} events"))
        )
        .unwrap();
    }
    row(
        out,
        "strip",
        "<span class=\"quiet\">events</span>",
        &marks,
        "",
    );
    let high = match run.rows.len() {
        0..=8 => 40.0,
        9..=20 => 28.0,
        _ => 18.0,
    };
    for (n, it) in run.rows.iter().enumerate() {
        let mut svg = String::new();
        charts::lane(&mut svg, run, n, high);
        let right = match run.drawn.is_some() {
            true => counted(it.jobs, "job", "jobs"),
            false => format!("{}/s", charts::peak(run, it)),
        };
        let left = format!(
            "{}<span class=\"label\" title=\"{}\">{}</span>",
            key(run, n),
            text(&it.label),
            name(run, n)
        );
        row(out, &format!("lane h{high}"), &left, &svg, &right);
    }
    axis(out, run);
    out.push_str("</div>\n</section>\n");
}

/// A chart of latencies with its scale.
fn latency_rows(out: &mut String, run: &Run, scale: &Scale, svg: &str) {
    let (mut words, mut plot) = (String::new(), String::new());
    for &ns in &scale.ticks {
        let top = scale.place(ns) * 100.0;
        let word = scale_word(ns);
        write!(
            words,
            "<span class=\"y\" style=\"top:{top:.2}%\">{word}</span>"
        )
        .unwrap();
        write!(plot, "<i class=\"level\" style=\"top:{top:.2}%\"></i>").unwrap();
    }
    out.push_str("<div class=\"rows\">\n");
    row(out, "tall latency", &words, &(plot + svg), "");
    axis(out, run);
    out.push_str("</div>\n");
}

fn latency(out: &mut String, run: &Run) {
    out.push_str("<section class=\"charts\" id=\"latency\">\n<h2>Latency</h2>\n");
    writeln!(
        out,
        "<p class=\"note\">From a job’s submit to when its completion was taken, with the time in which the program didn’t look. Each point is of {}.</p>",
        time(run.axis.span() / run.latencies.len() as u64)
    )
    .unwrap();
    let steps = &run.latencies;
    let both = charts::percentiles(steps, 50).chain(charts::percentiles(steps, 99));
    let Some(scale) = Scale::around(both) else {
        out.push_str("<p class=\"empty\">No job has a completion.</p>\n</section>\n");
        return;
    };
    out.push_str("<ul class=\"legend\"><li><i class=\"key p50\"></i>p50, half of the jobs took at most so long</li><li><i class=\"key p99\"></i>p99</li></ul>\n");
    let mut svg = String::new();
    charts::latency(&mut svg, steps, &scale, LATENCY);
    latency_rows(out, run, &scale, &svg);
    let rows = run.coloured();
    let each = rows
        .iter()
        .flat_map(|row| charts::percentiles(&row.latencies, 99));
    if let (2.., Some(scale)) = (rows.len(), Scale::around(each)) {
        writeln!(
            out,
            "<p class=\"note later\">p99 by tenant, each point of {}.</p>",
            time(run.axis.span() / rows[0].latencies.len() as u64)
        )
        .unwrap();
        legend(out, run, false);
        let mut svg = String::new();
        charts::latency_by_tenant(&mut svg, run, &scale, LATENCY);
        latency_rows(out, run, &scale, &svg);
    }
    out.push_str("</section>\n");
}

/// Whose colour is which, and whose is that of all the others.
fn legend(out: &mut String, run: &Run, others: bool) {
    out.push_str("<ul class=\"legend\">");
    let own = run.coloured().len();
    for n in 0..own {
        write!(out, "<li>{}{}</li>", key(run, n), name(run, n)).unwrap();
    }
    let rest = run.tenants() - own as u64;
    if others && rest != 0 {
        write!(
            out,
            "<li><i class=\"key rest\"></i>others ({})</li>",
            counted(rest, "tenant", "tenants")
        )
        .unwrap();
    }
    out.push_str("</ul>\n");
}

fn share(out: &mut String, run: &Run) {
    out.push_str("<section class=\"charts\" id=\"share\">\n<h2>Share</h2>\n");
    let shares = charts::shares(run);
    let what = match run.fuel() {
        0 => "Whose the jobs were",
        _ => "Who took the fuel, and, where none was taken, whose the jobs were",
    };
    writeln!(
        out,
        "<p class=\"note\">{what}; by when completions were taken, in steps of {}.</p>",
        time(run.axis.span() / shares.len().max(1) as u64)
    )
    .unwrap();
    legend(out, run, true);
    out.push_str("<div class=\"rows\">\n");
    let (mut words, mut svg) = (String::new(), String::new());
    for (top, word) in [(0, "100 %"), (50, "50 %"), (100, "0 %")] {
        write!(
            words,
            "<span class=\"y\" style=\"top:{top}%\">{word}</span>"
        )
        .unwrap();
        write!(svg, "<i class=\"level\" style=\"top:{top}%\"></i>").unwrap();
    }
    charts::share(&mut svg, &shares, SHARE);
    row(out, "tall share", &words, &svg, "");
    axis(out, run);
    out.push_str("</div>\n</section>\n");
}

/// A mark of the scale: 1, 2 or 5 with zeros.
fn scale_word(ns: f64) -> String {
    let (value, unit) = match ns {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", value.round())
}

fn kind(what: What) -> &'static str {
    match what {
        What::Tenant => "tenant",
        What::Module => "module",
        What::Note => "note",
        What::Checkpoint => "checkpoint",
        What::Missing => "missing",
        What::Evidence => "evidence",
    }
}

// ---------------------------------------------------------------- tables

/// A cell with a number, and a bar that is as long as its part of all.
fn share_cell(part: u64, all: u64) -> String {
    let width = if all == 0 {
        0.0
    } else {
        part as f64 / all as f64 * 100.0
    };
    format!(
        "<td class=\"part\"><i style=\"width:{width:.1}%\"></i>{}</td>",
        percent(part as f64, all as f64)
    )
}

fn tenants(out: &mut String, run: &Run) {
    out.push_str("<section id=\"tenants\">\n<h2>Tenants</h2>\n");
    if run.others != 0 {
        writeln!(
            out,
            "<p class=\"note\">Those {MOST_ROWS} with the most jobs; {} more are in the last row.</p>",
            thousands(run.others)
        )
        .unwrap();
    }
    let occurs = |status: &usize| run.rows.iter().any(|row| row.by_status[*status] != 0);
    // Unknown ones last.
    let statuses: Vec<usize> = (1..STATUSES).chain([0]).filter(occurs).collect();
    let fuel = run.fuel();
    out.push_str(
        "<div class=\"wide\"><table>\n<thead><tr><th>tenant</th><th class=\"n\">jobs</th>",
    );
    for &status in &statuses {
        let (word, what) = match status {
            0 => ("unknown".into(), "a status of a later version"),
            known => (
                completion_status_name(known as u32)
                    .to_lowercase()
                    .replace('_', " "),
                completion_status_text(known as u32),
            ),
        };
        write!(out, "<th class=\"n\" title=\"{}\">{word}</th>", text(what)).unwrap();
    }
    for word in ["fuel", "p50", "p90", "p99", "most"] {
        write!(out, "<th class=\"n\">{word}</th>").unwrap();
    }
    out.push_str(
        "<th class=\"n\">of all jobs</th><th class=\"n\">of all fuel</th></tr></thead>\n<tbody>\n",
    );
    let latencies = |out: &mut String, latency: &Histogram| {
        for ns in [
            latency.percentile(50),
            latency.percentile(90),
            latency.percentile(99),
            latency.max(),
        ] {
            write!(out, "<td>{}</td>", time_or_none(ns)).unwrap();
        }
    };
    let number = |out: &mut String, n: u64, bad: bool| {
        let class = match (n, bad) {
            (0, _) => " class=\"none\"",
            (_, true) => " class=\"bad\"",
            _ => "",
        };
        write!(out, "<td{class}>{}</td>", thousands(n)).unwrap();
    };
    for (n, row) in run.rows.iter().enumerate() {
        write!(out, "<tr><th>{}{}</th>", key(run, n), name(run, n)).unwrap();
        number(out, row.jobs, false);
        for &status in &statuses {
            number(out, row.by_status[status], status == 2);
        }
        number(out, row.fuel, false);
        latencies(out, &row.latency);
        out.push_str(&share_cell(row.jobs, run.jobs));
        out.push_str(&share_cell(row.fuel, fuel));
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n<tfoot><tr><th>all</th>");
    number(out, run.jobs, false);
    for &status in &statuses {
        let all = run.rows.iter().map(|row| row.by_status[status]).sum();
        number(out, all, status == 2);
    }
    number(out, fuel, false);
    latencies(out, &run.latency);
    out.push_str("<td></td><td></td></tr></tfoot>\n</table></div>\n</section>\n");
}

fn faults(out: &mut String, run: &Run) {
    out.push_str("<section id=\"faults\">\n<h2>Faults</h2>\n");
    if run.faults.is_empty() {
        out.push_str("<p class=\"empty\">No job has faulted.</p>\n</section>\n");
        return;
    }
    out.push_str("<div class=\"wide\"><table>\n<thead><tr><th>tenant</th><th>handler</th><th>fault</th><th class=\"text\">what it means</th><th class=\"n\">jobs</th><th class=\"n\">first</th><th class=\"n\">last</th></tr></thead>\n<tbody>\n");
    for kind in run.faults.iter().take(MOST_KINDS) {
        let handler = match kind.opcode {
            Some(opcode) => bdi(&run.handler(kind.row, opcode)),
            None => "<span class=\"quiet\">not in the log</span>".into(),
        };
        let (fault, what) = match kind.code {
            own if own >= rota::fault::HANDLER => (
                format!("{own:#x}"),
                "a code of the handler’s own".to_string(),
            ),
            code => (fault_name(code).to_string(), text(fault_text(code))),
        };
        writeln!(
            out,
            "<tr><th>{}{}</th><td class=\"text\">{handler}</td><td class=\"text\"><code>{fault}</code></td><td class=\"text free quiet\">{what}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            key(run, kind.row),
            name(run, kind.row),
            thousands(kind.count),
            moment(kind.first),
            moment(kind.last)
        )
        .unwrap();
    }
    out.push_str("</tbody>\n</table></div>\n");
    let more: u64 = run
        .faults
        .iter()
        .skip(MOST_KINDS)
        .map(|kind| kind.count)
        .sum();
    if more + run.other_faults != 0 {
        writeln!(
            out,
            "<p class=\"note\">{} of other tenants, handlers or codes.</p>",
            counted(more + run.other_faults, "fault more is", "faults more are")
        )
        .unwrap();
    }
    out.push_str("</section>\n");
}

fn unended(out: &mut String, run: &Run) {
    if run.last_unended.is_empty() {
        return;
    }
    out.push_str("<section id=\"unended\">\n<h2>Jobs without a completion</h2>\n");
    let note = match run.unended > run.last_unended.len() as u64 {
        true => format!("The last {MOST_UNENDED} of {}.", thousands(run.unended)),
        false => "They may have been running when the log ended.".into(),
    };
    writeln!(out, "<p class=\"note\">{note}</p>\n<div class=\"wide\"><table>\n<thead><tr><th>tenant</th><th>handler</th><th>ticket</th><th class=\"n\">submitted</th><th class=\"n\">before the end</th></tr></thead>\n<tbody>").unwrap();
    for job in &run.last_unended {
        let whose = match run.is_others(job.row) {
            true => format!("#{}", job.tenant),
            false => name(run, job.row),
        };
        writeln!(
            out,
            "<tr><th>{}{whose}</th><td class=\"text\">{}</td><td class=\"text\"><code>{:#x}</code></td><td>{}</td><td>{}</td></tr>",
            key(run, job.row),
            bdi(&run.handler(job.row, job.opcode)),
            job.ticket,
            moment(job.submitted),
            time(run.length.saturating_sub(job.submitted))
        )
        .unwrap();
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
}

fn happened(out: &mut String, run: &Run, id: &str, title: &str, events: &Ends) {
    if events.len() == 0 {
        return;
    }
    writeln!(out, "<section id=\"{id}\">\n<h2>{title}</h2>\n<div class=\"wide\"><table>\n<thead><tr><th class=\"n\">when</th><th>what</th><th>tenant</th><th class=\"text\"></th></tr></thead>\n<tbody>").unwrap();
    for event in &events.first {
        happened_line(out, run, event);
    }
    if events.left_out != 0 {
        writeln!(
            out,
            "<tr><td></td><td class=\"text quiet\" colspan=\"3\">{} more</td></tr>",
            thousands(events.left_out)
        )
        .unwrap();
    }
    for event in &events.last {
        happened_line(out, run, event);
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
}

fn happened_line(out: &mut String, run: &Run, event: &Event) {
    let own = |row: &usize| !run.is_others(*row) && run.rows[*row].tenant == event.tenant;
    let whose = match (event.tenant, (0..run.rows.len()).find(own)) {
        (0, _) if matches!(event.what, What::Missing | What::Checkpoint) => String::new(),
        (0, _) => "<span class=\"quiet\">the runtime</span>".into(),
        (_, Some(row)) => format!("{}{}", key(run, row), name(run, row)),
        (id, None) if event.label.is_empty() => format!("#{id}"),
        (_, None) => bdi(&event.label),
    };
    writeln!(
        out,
        "<tr><td>{0}</td><td class=\"text\"><i class=\"mark {1}\"></i>{1}</td><th>{whose}</th><td class=\"text free\">{2}</td></tr>",
        moment(event.at),
        kind(event.what),
        bdi(&event.text)
    )
    .unwrap();
}

// ---------------------------------------------------------------- for the script

/// Numbers only: what the script shows where the mouse is.
fn data(run: &Run) -> Value {
    let unit = Unit::of(run.axis);
    let of_rows = |of: fn(&Row) -> &Vec<u32>| {
        let rows = run.rows.iter().map(of);
        rows.map(|steps| sparse(steps)).collect::<Vec<_>>()
    };
    let percentiles = |steps: &[Histogram], percent| {
        let all = steps.iter().map(|step| step.percentile(percent));
        all.collect::<Vec<_>>()
    };
    let by_tenant = run.coloured().iter();
    let by_tenant: Vec<_> = by_tenant
        .map(|row| percentiles(&row.latencies, 99))
        .collect();
    let shares: Vec<_> = charts::shares(run)
        .into_iter()
        .map(|parts| parts.map(|part| (part * 1000.0).round() / 10.0))
        .collect();
    json!({
        "from": run.axis.from, "to": run.axis.to, "unit": unit.name, "ns": unit.ns, "wide": WIDE, "steps": STEPS,
        "jobs": of_rows(|row| &row.submitted), "faults": of_rows(|row| &row.faulted),
        "p50": percentiles(&run.latencies, 50), "p99": percentiles(&run.latencies, 99), "tenants": by_tenant, "shares": shares,
    })
}

/// Steps with something in them: which, how much, which, how much.
fn sparse(steps: &[u32]) -> Vec<u32> {
    let some = (0..).zip(steps.iter().copied());
    some.filter(|&(_, n)| n != 0)
        .flat_map(<[u32; 2]>::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_html() {
        assert_eq!(
            text("</script><b>\"&'\u{1b}\n"),
            "&lt;/script&gt;&lt;b&gt;&quot;&amp;&#39;\u{fffd}\n"
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let day = 86_400_000_000_000;
        for (days, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (10_956, "1999-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(days * day), format!("{expected} 00:00:00 UTC"));
        }
        assert_eq!(
            date(1_763_774_314 * 1_000_000_000),
            "2025-11-22 01:18:34 UTC"
        );
    }

    #[test]
    fn marks_of_the_scale_are_short() {
        assert_eq!(
            [1.0, 200.0, 5e3, 1e6, 2e10].map(scale_word),
            ["1 ns", "200 ns", "5 µs", "1 ms", "20 s"]
        );
    }
}
