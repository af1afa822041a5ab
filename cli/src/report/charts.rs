//! The charts: SVG that is as wide as the page lets it be, so all text beside and below it is HTML.
//!
//! A chart is `WIDE` wide, whatever it shows: the script of the page looks closer by making less of it visible.

use std::fmt::{Display, Write as _};

use rota::completion_status;

use super::gather::{Axis, Drawn, Row, Run, COLOURS, STEPS};
use crate::histogram::Histogram;
use crate::paper::thousands;

pub const WIDE: f64 = 1000.0;
/// Lanes of jobs in a tenant's lane.
const MOST_LEVELS: usize = 12;

/// A coordinate, as short as it can be.
fn xy(value: f64) -> impl Display {
    (value * 1000.0).round() / 1000.0
}

/// The unit that times of an axis are told in.
pub struct Unit {
    pub name: &'static str,
    pub ns: f64,
}

impl Unit {
    pub fn of(axis: Axis) -> Self {
        let (name, ns) = match axis.to {
            to if to < 2_000 => ("ns", 1.0),
            to if to < 2_000_000 => ("µs", 1e3),
            to if to < 2_000_000_000 => ("ms", 1e6),
            _ => ("s", 1e9),
        };
        Self { name, ns }
    }
}

/// Moments of an axis to be told, in nanoseconds, with what they are called.
pub fn ticks(axis: Axis) -> Vec<(f64, String)> {
    let unit = Unit::of(axis);
    let (from, to) = (axis.from as f64 / unit.ns, axis.to as f64 / unit.ns);
    let rough = (to - from) / 8.0;
    let ten = 10f64.powf(rough.log10().floor());
    let step = ten
        * [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|n| n * ten >= rough)
            .unwrap_or(10.0);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let mut all = Vec::new();
    let mut n = (from / step).ceil();
    while n * step <= to && all.len() < 100 {
        all.push((
            n * step * unit.ns,
            format!("{:.digits$} {}", n * step, unit.name),
        ));
        n += 1.0;
    }
    all
}

fn open_svg(out: &mut String, high: f64) {
    write!(
        out,
        "<svg viewBox=\"0 0 {WIDE} {high}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    )
    .unwrap();
}

fn path(out: &mut String, class: &str, d: &str) {
    if !d.is_empty() {
        write!(out, "<path class=\"{class}\" d=\"{d}\"/>").unwrap();
    }
}

/// The class of a row's colour.
pub fn colour(run: &Run, row: usize) -> String {
    match row < run.coloured().len() {
        true => format!("c{row}"),
        false => "rest".into(),
    }
}

/// A tenant's lane of the timeline.
pub fn lane(out: &mut String, run: &Run, index: usize, high: f64) {
    let row = &run.rows[index];
    open_svg(out, high);
    if !run.is_others(index) {
        let from = run.axis.place(row.created.unwrap_or(0)) * WIDE;
        let to = run.axis.place(row.destroyed.unwrap_or(run.length)) * WIDE;
        path(
            out,
            "life",
            &format!("M{} 0V{high}H{}V0Z", xy(from), xy(to)),
        );
    }
    match &run.drawn {
        Some(drawn) => {
            let jobs = drawn.iter().filter(|job| job.row == index);
            one_by_one(
                out,
                run,
                &colour(run, index),
                &jobs.collect::<Vec<_>>(),
                high,
            );
        }
        None => steps(out, &colour(run, index), row, high),
    }
    let (mut dots, mut lines) = (String::new(), String::new());
    for (step, _) in row.faulted.iter().enumerate().filter(|(_, &n)| n != 0) {
        let x = (step as f64 + 0.5) / STEPS as f64 * WIDE;
        write!(dots, "M{} 4h0", xy(x)).unwrap();
        write!(lines, "M{} 4V{high}", xy(x)).unwrap();
    }
    if run.drawn.is_none() {
        path(out, "fault line", &lines);
    }
    path(out, "fault dot", &dots);
    out.push_str("</svg>");
}

/// How many jobs of a row were submitted in each step, on a scale of its own.
fn steps(out: &mut String, colour: &str, row: &Row, high: f64) {
    let most = row.submitted.iter().max().copied().unwrap_or(0).max(1);
    let mut d = String::new();
    let mut last = 0;
    for (step, &n) in row.submitted.iter().chain([&0]).enumerate() {
        if n == last {
            continue;
        }
        let x = step as f64 / STEPS as f64 * WIDE;
        // One job among many is to be seen.
        let y = match n {
            0 => high,
            n => high - (n as f64 / most as f64 * (high - 4.0)).max(1.0),
        };
        match last {
            0 => write!(d, "M{} {high}V{}", xy(x), xy(y)).unwrap(),
            _ => write!(d, "H{}V{}", xy(x), xy(y)).unwrap(),
        }
        if n == 0 {
            d.push('Z');
        }
        last = n;
    }
    path(out, &format!("{colour} area"), &d);
}

/// Each job as a line from when it was submitted to when its completion was taken, those that overlap one above the other.
fn one_by_one(out: &mut String, run: &Run, colour: &str, jobs: &[&Drawn], high: f64) {
    let end = |job: &Drawn| job.ended.map_or(run.length, |(at, _)| at);
    // When each level is free.
    let mut levels: Vec<u64> = Vec::new();
    let mut next = 0;
    let placed: Vec<usize> = jobs
        .iter()
        .map(|job| {
            let level = match levels.iter().position(|&free| free <= job.submitted) {
                Some(level) => level,
                None if levels.len() < MOST_LEVELS => {
                    levels.push(0);
                    levels.len() - 1
                }
                None => {
                    next = (next + 1) % MOST_LEVELS;
                    next
                }
            };
            // Jobs of no length are to be seen beside each other too.
            levels[level] = levels[level]
                .max(end(job))
                .max(job.submitted.saturating_add(1));
            level
        })
        .collect();
    let room = (high - 10.0) / levels.len().max(1) as f64;
    let thick = (room * 0.8).min(8.0);
    let mut lines: [String; 4] = Default::default();
    let mut begins: [String; 4] = Default::default();
    for (job, level) in jobs.iter().zip(placed) {
        let kind = match job.ended {
            Some((_, completion_status::OK)) => 0,
            Some((_, completion_status::FAULTED)) => 1,
            Some(_) => 2,
            None => 3,
        };
        let y = high - 1.0 - room * (level as f64 + 0.5);
        let from = run.axis.place(job.submitted) * WIDE;
        let to = run.axis.place(end(job)) * WIDE;
        if to - from > 0.001 {
            write!(lines[kind], "M{} {}H{}", xy(from), xy(y), xy(to)).unwrap();
        }
        write!(
            begins[kind],
            "M{} {}v{}",
            xy(from),
            xy(y - thick / 2.0),
            xy(thick)
        )
        .unwrap();
    }
    write!(out, "<g class=\"jobs\" stroke-width=\"{}\">", xy(thick)).unwrap();
    let classes = [colour, "fault", "off", "open"];
    for (class, (lines, begins)) in classes.iter().zip(lines.iter().zip(&begins)) {
        path(out, &format!("{class} long"), lines);
        path(out, &format!("{class} begin"), begins);
    }
    out.push_str("</g>");
}

/// Latencies from and to, as powers of ten and their halves.
pub struct Scale {
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<f64>,
}

impl Scale {
    /// Around all of these.
    pub fn around(all: impl Iterator<Item = u64> + Clone) -> Option<Self> {
        let (least, most) = (all.clone().min()?.max(1) as f64, all.max()?.max(1) as f64);
        let marks: Vec<f64> = (0..20)
            .flat_map(|ten| [1.0, 2.0, 5.0].map(|n| n * 10f64.powi(ten)))
            .collect();
        let below = marks.iter().rposition(|&mark| mark <= least).unwrap_or(0);
        let above = marks
            .iter()
            .position(|&mark| mark >= most)
            .unwrap_or(marks.len() - 1);
        let (from, to) = (marks[below], marks[above.max(below + 1)]);
        let few = to / from <= 100.0;
        let is_ten = |mark: f64| (mark.log10() - mark.log10().round()).abs() < 1e-9;
        let inside = marks.into_iter().filter(|&mark| mark >= from && mark <= to);
        Some(Self {
            from,
            to,
            ticks: inside.filter(|&mark| few || is_ten(mark)).collect(),
        })
    }

    /// From 0 at the top to 1, with some room for the width of a line.
    pub fn place(&self, ns: f64) -> f64 {
        let (from, to) = (self.from.ln(), self.to.ln());
        let part = (ns.max(1.0).ln() - from) / (to - from);
        0.98 - 0.96 * part.clamp(0.0, 1.0)
    }
}

/// A percentile of each step that has one.
pub fn percentiles(steps: &[Histogram], percent: u64) -> impl Iterator<Item = u64> + Clone + '_ {
    steps
        .iter()
        .filter_map(move |step| step.percentile(percent))
}

/// Points of steps that follow each other.
type Part = Vec<(f64, f64)>;

/// A percentile over time, in parts where steps have no completion.
fn parts(steps: &[Histogram], percent: u64, scale: &Scale, high: f64) -> Vec<Part> {
    let mut parts = vec![Part::new()];
    for (n, step) in steps.iter().enumerate() {
        let x = (n as f64 + 0.5) / steps.len() as f64 * WIDE;
        match (step.percentile(percent), parts.last_mut()) {
            (Some(ns), Some(part)) => part.push((x, scale.place(ns as f64) * high)),
            _ => parts.push(Part::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn line(d: &mut String, points: impl Iterator<Item = (f64, f64)>) {
    for (n, (x, y)) in points.enumerate() {
        write!(d, "{}{} {}", if n == 0 { 'M' } else { 'L' }, xy(x), xy(y)).unwrap();
    }
}

/// Lines, and dots for points without another beside them.
fn lines(out: &mut String, class: &str, parts: &[Part]) {
    let (mut d, mut dots) = (String::new(), String::new());
    for part in parts {
        match part[..] {
            [(x, y)] => write!(dots, "M{} {}h0", xy(x), xy(y)).unwrap(),
            _ => line(&mut d, part.iter().copied()),
        }
    }
    path(out, &format!("{class} stroke"), &d);
    path(out, &format!("{class} dot"), &dots);
}

/// The median and the 99th percentile of each step.
pub fn latency(out: &mut String, steps: &[Histogram], scale: &Scale, high: f64) {
    let (p50, p99) = (parts(steps, 50, scale, high), parts(steps, 99, scale, high));
    let mut band = String::new();
    for (below, above) in p50.iter().zip(&p99) {
        line(&mut band, above.iter().chain(below.iter().rev()).copied());
        band.push('Z');
    }
    open_svg(out, high);
    path(out, "band", &band);
    lines(out, "p99", &p99);
    lines(out, "p50", &p50);
    out.push_str("</svg>");
}

/// The 99th percentile of each tenant that has a colour.
pub fn latency_by_tenant(out: &mut String, run: &Run, scale: &Scale, high: f64) {
    open_svg(out, high);
    for (n, row) in run.coloured().iter().enumerate().rev() {
        lines(
            out,
            &colour(run, n),
            &parts(&row.latencies, 99, scale, high),
        );
    }
    out.push_str("</svg>");
}

/// What each tenant had of each step, the first one at the bottom: parts of one, `COLOURS` rows and then all others. It is by fuel,
/// or by jobs where none took any.
pub fn shares(run: &Run) -> Vec<[f64; COLOURS + 1]> {
    let steps = run.rows.first().map_or(0, |row| row.ended.len());
    (0..steps)
        .map(|step| {
            let by_fuel = run.rows.iter().any(|row| row.burnt[step] != 0);
            let mut parts = [0.0; COLOURS + 1];
            for (n, row) in run.rows.iter().enumerate() {
                let own = n < run.coloured().len();
                let of = if by_fuel { &row.burnt } else { &row.ended };
                parts[if own { n } else { COLOURS }] += of[step] as f64;
            }
            let all: f64 = parts.iter().sum();
            if all > 0.0 {
                parts = parts.map(|part| part / all);
            }
            parts
        })
        .collect()
}

/// The shares of all steps, stacked.
pub fn share(out: &mut String, shares: &[[f64; COLOURS + 1]], high: f64) {
    open_svg(out, high);
    let x = |step: usize| xy(step as f64 / shares.len() as f64 * WIDE);
    let below = |step: usize, n: usize| shares[step][..n].iter().sum::<f64>();
    for n in 0..=COLOURS {
        let mut d = String::new();
        let mut at = 0;
        while at < shares.len() {
            let part = (at..shares.len()).take_while(|&step| shares[step][n] > 0.0);
            let to = part.last().map_or(at, |last| last + 1);
            if to == at {
                at += 1;
                continue;
            }
            write!(d, "M{} {}", x(at), xy((1.0 - below(at, n)) * high)).unwrap();
            for step in at..to {
                write!(
                    d,
                    "V{}H{}",
                    xy((1.0 - below(step, n + 1)) * high),
                    x(step + 1)
                )
                .unwrap();
            }
            for step in (at..to).rev() {
                write!(d, "V{}H{}", xy((1.0 - below(step, n)) * high), x(step)).unwrap();
            }
            d.push('Z');
            at = to;
        }
        let class = match n {
            COLOURS => "rest".to_string(),
            n => format!("c{n}"),
        };
        path(out, &format!("{class} area"), &d);
    }
    out.push_str("</svg>");
}

/// The most jobs of a row in a second.
pub fn peak(run: &Run, row: &Row) -> String {
    let most = row.submitted.iter().max().copied().unwrap_or(0);
    let seconds = run.axis.span() as f64 / STEPS as f64 / 1e9;
    thousands((most as f64 / seconds).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(from: u64, to: u64) -> Vec<String> {
        ticks(Axis { from, to })
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            called(0, 4_000_000_000)[..3],
            ["0.0 s", "0.5 s", "1.0 s"].map(String::from)
        );
        assert_eq!(called(0, 1000).last().unwrap(), "1000 ns");
        let close = called(7_000_000_100, 7_000_000_900);
        assert_eq!(close[0], "7.0000001 s");
        for (from, to) in [
            (0, 1),
            (5, 5000),
            (1 << 40, 1 << 41),
            (0, u64::MAX),
            (u64::MAX - 1000, u64::MAX),
        ] {
            assert!(called(from, to).len() <= 11, "{from} to {to}");
        }
    }

    #[test]
    fn a_scale_is_around_all_values() {
        let around = |all: &[u64]| Scale::around(all.iter().copied());
        assert!(around(&[]).is_none());
        for all in [&[0][..], &[1000], &[3, 7_000_000], &[u64::MAX]] {
            let scale = around(all).unwrap();
            assert!(scale.from < scale.to && !scale.ticks.is_empty());
        }
        let scale = around(&[300, 40_000, 500]).unwrap();
        assert_eq!((scale.from, scale.to), (200.0, 50_000.0));
        assert_eq!(scale.ticks, [1000.0, 10_000.0]);
        assert!(scale.place(200.0) > scale.place(300.0) && scale.place(50_000.0) > 0.0);
    }
}
