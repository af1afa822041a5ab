//! The view as lines: a head, a table of tenants that is as wide as there is room, and a line at the bottom.

use std::cmp::Ordering;
use std::path::Path;

use super::line::{safe, shortened, width, Line, Style};
use super::reading::{Limit, Rates, Row, View};
use crate::paper::{bytes, nanoseconds, thousands, three_digits};

/// Lines around the rows: four of the head, one between, the table's own head, and the bottom.
pub const AROUND: usize = 7;
const GAP: usize = 2;
/// A column of labels is no wider, where other columns want the room.
const LABEL: usize = 20;
const MOST_LABEL: usize = 48;
/// Where there is no room for so much of what is limited, there is no such column.
const LIMITS: usize = 18;
const BAR: usize = 12;
/// A value in the head isn't cut to less.
const LEAST: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Tenant,
    Members,
    Jobs,
    P50,
    P99,
    Share,
    Queued,
    Running,
    Untaken,
    Faults,
    Refused,
}

/// In the order in which they stand, with the names that the command line has for them, their heads and widths.
const COLUMNS: [(Column, &str, &str, usize); 11] = [
    (Column::Tenant, "tenant", "TENANT", 0),
    (Column::Members, "members", "MEMBERS", 7),
    (Column::Jobs, "jobs", "JOBS/S", 7),
    (Column::P50, "p50", "P50", 7),
    (Column::P99, "p99", "P99", 7),
    (Column::Share, "share", "SHARE", 6),
    (Column::Queued, "queued", "QUEUED", 7),
    (Column::Running, "running", "RUNNING", 7),
    (Column::Untaken, "untaken", "UNTAKEN", 7),
    (Column::Faults, "faults", "FAULTS/S", 8),
    (Column::Refused, "refused", "REFUSED/S", 9),
];

/// The columns in the order in which they get room.
const BY_WEIGHT: [Column; 10] = [
    Column::Jobs,
    Column::P99,
    Column::P50,
    Column::Share,
    Column::Queued,
    Column::Faults,
    Column::Refused,
    Column::Running,
    Column::Untaken,
    Column::Members,
];

/// What is limited gets room before this one.
const BEFORE_LIMITS: Column = Column::Running;

impl Column {
    pub fn named(name: &str) -> Option<Self> {
        COLUMNS.iter().find(|c| c.1 == name).map(|c| c.0)
    }

    fn head(self) -> &'static str {
        COLUMNS[self as usize].2
    }

    fn width(self) -> usize {
        COLUMNS[self as usize].3
    }
}

/// How rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    by: Column,
    /// The least first.
    rising: bool,
}

impl Order {
    pub fn of(by: Column) -> Self {
        Self {
            by,
            rising: by == Column::Tenant,
        }
    }

    /// By the next column, or the one before.
    pub fn step(&mut self, next: bool) {
        let by = self.by as usize + if next { 1 } else { COLUMNS.len() - 1 };
        *self = Self::of(COLUMNS[by % COLUMNS.len()].0);
    }

    pub fn turn(&mut self) {
        self.rising = !self.rising;
    }

    /// What isn't known comes last, whatever the direction; what is the same is sorted by label.
    fn compare(self, a: &Row, b: &Row) -> Ordering {
        let value = |row: &Row| match self.by {
            Column::Tenant => None,
            Column::Members => Some(row.members as f64),
            Column::Jobs => row.jobs,
            Column::P50 => row.latency.p50.map(|ns| ns as f64),
            Column::P99 => row.latency.p99.map(|ns| ns as f64),
            Column::Share => row.share,
            Column::Queued => row.ages[0],
            Column::Running => row.ages[1],
            Column::Untaken => row.ages[2],
            Column::Faults => row.faults,
            Column::Refused => row.refused,
        };
        let turned = |order: Ordering| if self.rising { order } else { order.reverse() };
        let by_value = match (value(a), value(b)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (None, None) => Ordering::Equal,
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let by_label = a.label.cmp(&b.label);
        match self.by {
            Column::Tenant => turned(by_label),
            _ => by_value.then(by_label),
        }
    }
}

/// A number by the second, with three digits.
fn rate(n: f64) -> String {
    match n {
        0.0 => "0".into(),
        n if n < 999.5 => three_digits(n),
        n if n < 999.5e3 => format!("{} k", three_digits(n / 1e3)),
        n if n < 999.5e6 => format!("{} M", three_digits(n / 1e6)),
        n => format!("{} G", three_digits(n / 1e9)),
    }
}

fn time(ns: u64) -> String {
    match ns {
        u64::MAX => ">68.7 s".into(),
        ns => nanoseconds(ns as f64),
    }
}

fn age(seconds: f64) -> String {
    match seconds {
        s if s < 999.5 => nanoseconds(s * 1e9),
        s => up(s),
    }
}

/// A time that goes on for long.
fn up(seconds: f64) -> String {
    let s = seconds as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} m {:02} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {:02} m", s / 3600, s / 60 % 60),
        _ => format!("{} d {:02} h", s / 86_400, s / 3600 % 24),
    }
}

fn percent(part: f64) -> String {
    match part * 100.0 {
        p if p < 99.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

fn or_dash<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".into(), text)
}

/// What a limit is called and how much of it is used.
fn limit(limit: &Limit) -> (String, Style) {
    let (name, amount): (_, fn(f64) -> String) = match limit.resource.as_str() {
        "STAGING_BYTES" => ("staging", |n| bytes(n as u64)),
        "BUFFER_BYTES" => ("bytes", |n| bytes(n as u64)),
        "FUEL_PER_JOB" => ("fuel/job", rate),
        "FUEL_PER_SECOND" => ("fuel/s", rate),
        "SLOTS" => ("slots", |n| thousands(n as u64)),
        "BUFFERS" => ("buffers", |n| thousands(n as u64)),
        "MODULES" => ("modules", |n| thousands(n as u64)),
        other => (other, |n| thousands(n as u64)),
    };
    let style = match limit.part() {
        p if p >= 1.0 => Style::Bad,
        p if p >= 0.8 => Style::Warn,
        _ => Style::Plain,
    };
    let (used, cap) = (or_dash(limit.used, amount), amount(limit.cap));
    (format!("{name} {used}/{cap}"), style)
}

/// The limits of a row, the one that is nearest first.
fn limits(row: &Row) -> Vec<(String, Style)> {
    let mut all: Vec<&Limit> = row.limits.iter().collect();
    all.sort_by(|a, b| b.part().total_cmp(&a.part()));
    all.into_iter().map(limit).collect()
}

fn limits_width(row: &Row) -> usize {
    let all = limits(row);
    all.iter()
        .map(|(text, _)| width(text) + GAP)
        .sum::<usize>()
        .saturating_sub(GAP)
}

fn age_style(age: Option<f64>) -> Style {
    match age {
        Some(s) if s >= 10.0 => Style::Bad,
        Some(s) if s >= 1.0 => Style::Warn,
        _ => Style::Plain,
    }
}

/// Names with values, as many as there is room for: a line of the head, or the bottom's.
fn facts(mut line: Line, all: &[(&str, String, Style)], room: usize) -> Line {
    for (name, value, style) in all {
        let before = if line.width() == 0 { "" } else { "   " };
        let name = format!("{before}{name} ");
        let left = room.saturating_sub(line.width() + width(&name));
        if left < width(value).min(LEAST) {
            break;
        }
        line.put(Style::Faint, &name);
        line.put(*style, &shortened(value, left));
    }
    line
}

fn title(path: &Path) -> Line {
    let mut line = Line::of(Style::Strong, "rota top");
    line.put(Style::Plain, "   ");
    line.put(Style::Plain, &safe(&path.to_string_lossy()));
    line
}

/// Who it is, and what all tenants do together.
pub fn head(view: &View, path: &Path, room: Option<u16>) -> Vec<Line> {
    let room = room.map_or(usize::MAX, usize::from);
    let plain = |name, value| (name, value, Style::Plain);
    let first = [
        plain("process", view.process.to_string()),
        plain("up", up(view.up)),
    ];
    let about = &view.about;
    let second = [
        plain("rota", about.version.clone()),
        plain("mode", about.mode.clone()),
        plain("device", about.device.clone()),
        plain("driver", about.driver.clone()),
    ];
    let rates = view.rates.as_ref();
    let of = |get: &dyn Fn(&Rates) -> String| rates.map_or_else(|| "-".into(), get);
    let strong = |name, value| (name, value, Style::Strong);
    let third = [
        strong("jobs/s", of(&|r| rate(r.jobs))),
        strong("p50", of(&|r| or_dash(r.latency.p50, time))),
        strong("p99", of(&|r| or_dash(r.latency.p99, time))),
        plain("busy rounds", of(&|r| or_dash(r.busy, percent))),
        plain("leases/s", of(&|r| rate(r.leases))),
        plain("tenants", thousands(view.tenants)),
    ];
    let marked = |name, get: fn(&Rates) -> f64, style| match rates.map(get) {
        Some(n) if n > 0.0 => (name, rate(n), style),
        n => (name, or_dash(n, rate), Style::Plain),
    };
    let oldest = |name, n: usize| (name, or_dash(view.ages[n], age), age_style(view.ages[n]));
    let recorder = match view.recorder_lag {
        None => "off".into(),
        Some(lag) => format!("{} behind", thousands(lag)),
    };
    let fourth = [
        oldest("oldest queued", 0),
        oldest("running", 1),
        oldest("untaken", 2),
        marked("faults/s", |r| r.faults, Style::Bad),
        marked("refused/s", |r| r.refused, Style::Warn),
        plain("recorder", recorder),
    ];
    vec![
        facts(title(path), &first, room),
        facts(Line::default(), &second, room),
        facts(Line::default(), &third, room),
        facts(Line::default(), &fourth, room),
    ]
}

/// Which columns there are, and how wide those are that give way.
struct Layout {
    columns: Vec<Column>,
    label: usize,
    bar: bool,
    limits: usize,
}

impl Layout {
    fn of(rows: &[&Row], order: Order, room: Option<usize>) -> Self {
        let labels = rows.iter().map(|row| width(&row.label)).max();
        let labels = labels
            .unwrap_or(0)
            .clamp(Column::Tenant.head().len(), MOST_LABEL);
        let limits = rows.iter().map(|row| limits_width(row)).max().unwrap_or(0);
        let all: Vec<Column> = COLUMNS.iter().map(|c| c.0).collect();
        let Some(room) = room else {
            return Self {
                columns: all,
                label: labels,
                bar: false,
                limits,
            };
        };
        let mut label = labels.min(LABEL).min(room);
        let mut left = room - label;
        // The column that it is sorted by comes first.
        let mut chosen = vec![Column::Tenant];
        let mut shown = 0;
        for column in [order.by].into_iter().chain(BY_WEIGHT) {
            if column == BEFORE_LIMITS && limits != 0 && left >= LIMITS + GAP {
                shown = limits.min(LIMITS);
                left -= shown + GAP;
            }
            let needed = column.width() + GAP;
            if !chosen.contains(&column) && needed <= left {
                left -= needed;
                chosen.push(column);
            }
        }
        if shown != 0 {
            let wider = (limits - shown).min(left);
            shown += wider;
            left -= wider;
        }
        let wider = (labels - label).min(left);
        label += wider;
        left -= wider;
        Self {
            columns: all.into_iter().filter(|c| chosen.contains(c)).collect(),
            label,
            bar: left >= BAR + GAP,
            limits: shown,
        }
    }

    fn head(&self, order: Order) -> Line {
        let mut line = Line::default();
        let mut at = 0;
        for &column in &self.columns {
            let head = match column == order.by {
                true => format!("{}{}", column.head(), if order.rising { "↑" } else { "↓" }),
                false => column.head().into(),
            };
            let style = match column == order.by {
                true => Style::Sorted,
                false => Style::Head,
            };
            if column == Column::Tenant {
                line.put(style, &shortened(&head, self.label));
                at += self.label;
            } else {
                at += GAP + column.width();
                // The mark takes a place of the gap.
                let mark = usize::from(column == order.by);
                let begins = at + mark - width(&head);
                line.fill(Style::Head, begins);
                line.put(style, &head);
            }
            if column == Column::Share && self.bar {
                at += GAP + BAR;
            }
        }
        line.fill(Style::Head, at);
        if self.limits != 0 {
            line.put(Style::Head, "  USED/CAP");
            line.fill(Style::Head, at + GAP + self.limits);
        }
        line
    }

    fn row(&self, row: &Row) -> Line {
        let idle = match row.is_idle() {
            true => Style::Faint,
            false => Style::Plain,
        };
        let marked = |n: Option<f64>, style| match n {
            Some(n) if n > 0.0 => style,
            _ => idle,
        };
        let aged = |n: usize| {
            let style = match age_style(row.ages[n]) {
                Style::Plain => idle,
                style => style,
            };
            (or_dash(row.ages[n], age), style)
        };
        let mut line = Line::default();
        let mut at = 0;
        for &column in &self.columns {
            let (text, style) = match column {
                Column::Tenant => {
                    let label = match row.label.as_str() {
                        "" => "(no label)",
                        label => label,
                    };
                    line.put(idle, &shortened(label, self.label));
                    at += self.label;
                    line.fill(idle, at);
                    continue;
                }
                Column::Members => (thousands(row.members), idle),
                Column::Jobs => (or_dash(row.jobs, rate), marked(row.jobs, Style::Strong)),
                Column::P50 => (or_dash(row.latency.p50, time), idle),
                Column::P99 => (or_dash(row.latency.p99, time), idle),
                Column::Share => (or_dash(row.share, percent), idle),
                Column::Queued => aged(0),
                Column::Running => aged(1),
                Column::Untaken => aged(2),
                Column::Faults => (or_dash(row.faults, rate), marked(row.faults, Style::Bad)),
                Column::Refused => (or_dash(row.refused, rate), marked(row.refused, Style::Warn)),
            };
            at += GAP + column.width();
            line.fill(idle, at.saturating_sub(width(&text)));
            line.put(style, &text);
            if column == Column::Share && self.bar {
                at += GAP + BAR;
                let share = row.share.unwrap_or(0.0).clamp(0.0, 1.0);
                let full = (share * (BAR - 2) as f64).round() as usize;
                line.put(Style::Faint, "  [");
                line.put(Style::Good, &"|".repeat(full));
                line.fill(Style::Faint, at - 1);
                line.put(Style::Faint, "]");
            }
        }
        if self.limits != 0 {
            line.fill(idle, at);
            let mut left = self.limits;
            for (text, style) in limits(row) {
                line.put(idle, &" ".repeat(GAP));
                let style = match style {
                    Style::Plain => idle,
                    style => style,
                };
                line.put(style, &shortened(&text, left));
                left = left.saturating_sub(width(&text) + GAP);
                if left == 0 {
                    break;
                }
            }
        }
        line
    }
}

/// The rows that are shown, in order. Series that nobody has and that did nothing are left out unless all are wanted.
fn sorted(view: &View, order: Order, all: bool) -> Vec<&Row> {
    let shown = |row: &&Row| all || row.members != 0 || !row.is_idle();
    let mut rows: Vec<&Row> = view.rows.iter().filter(shown).collect();
    rows.sort_by(|a, b| order.compare(a, b));
    rows
}

/// All rows below their head.
pub fn table(view: &View, order: Order, all: bool, room: Option<u16>) -> Vec<Line> {
    let rows = sorted(view, order, all);
    let layout = Layout::of(&rows, order, room.map(usize::from));
    let mut lines = vec![Line::default(), layout.head(order)];
    lines.extend(rows.into_iter().map(|row| layout.row(row)));
    lines
}

/// A terminal's page. `first` is the row that stands first, and is put right if there aren't so many.
pub fn page(
    view: &View,
    path: &Path,
    order: Order,
    all: bool,
    first: &mut usize,
    (columns, rows): (u16, u16),
    note: Option<String>,
) -> Vec<Line> {
    let height = usize::from(rows);
    let found = sorted(view, order, all);
    let fit = height.saturating_sub(AROUND);
    *first = (*first).min(found.len().saturating_sub(fit.max(1)));
    let shown = &found[*first..(*first + fit).min(found.len())];
    let layout = Layout::of(&found, order, Some(columns.into()));
    let mut lines = head(view, path, Some(columns));
    lines.push(Line::default());
    lines.push(layout.head(order));
    lines.extend(shown.iter().map(|row| layout.row(row)));
    let of = match found.len() > shown.len() {
        true => {
            let begin = *first + usize::from(!shown.is_empty());
            format!("{begin} to {} of {}", *first + shown.len(), found.len())
        }
        false => String::new(),
    };
    bottom(lines, (columns, rows), note, &of)
}

/// Before there is a snapshot.
pub fn waiting(path: &Path, size: (u16, u16), note: Option<String>) -> Vec<Line> {
    bottom(vec![title(path)], size, note, "")
}

/// The same with a line at the bottom, as many as there is room for.
fn bottom(
    mut lines: Vec<Line>,
    (columns, rows): (u16, u16),
    note: Option<String>,
    of: &str,
) -> Vec<Line> {
    let above = usize::from(rows).saturating_sub(1);
    lines.truncate(above);
    lines.resize_with(above, Line::default);
    let last = match note {
        Some(note) => Line::of(Style::Warn, &note),
        None => {
            let keys = [
                ("q", "ends"),
                ("< >", "sort by another column"),
                ("r", "turns the order"),
                ("a", "all or active"),
                ("space", "pauses"),
            ];
            let keys = keys.map(|(key, does)| (key, does.to_string(), Style::Plain));
            facts(Line::of(Style::Strong, of), &keys, columns.into())
        }
    };
    lines.push(last);
    lines
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::reading::Reading;
    use super::*;

    /// A series, as a snapshot tells it.
    #[derive(Clone, Default)]
    struct Told {
        label: String,
        completed: u64,
        fuel: u64,
        faults: u64,
        queued: Option<f64>,
        buffers: (u64, u64),
        buckets: Vec<(usize, u64)>,
    }

    fn told(label: &str, completed: u64, fuel: u64) -> Told {
        Told {
            label: label.into(),
            completed,
            fuel,
            buckets: vec![(32, completed / 2), (40, completed - completed / 2)],
            ..Told::default()
        }
    }

    fn reading_of(process: u64, at: f64, all: &[Told]) -> Reading {
        let quoted = |label: &str| serde_json::to_string(label).unwrap();
        let family = |name: &str, of: &dyn Fn(&Told) -> Option<(String, String)>| {
            let samples = all.iter().filter_map(|t| {
                let (more, value) = of(t)?;
                let label = quoted(&t.label);
                Some(format!(
                    r#"{{"labels":{{"tenant":{label}{more}}},"value":{value}}}"#
                ))
            });
            let samples: Vec<String> = samples.collect();
            format!(r#",{{"name":"{name}","samples":[{}]}}"#, samples.join(","))
        };
        let one = |name: &str, n: u64| {
            format!(r#",{{"name":"{name}","samples":[{{"labels":{{}},"value":{n}}}]}}"#)
        };
        let buffers = r#","resource":"BUFFERS""#.to_string();
        let mut json = format!(r#"{{"at_seconds":{at},"process":{process},"metrics":["#);
        json += r#"{"name":"rota","samples":[{"labels":{"version":"0.1.0","device":"a \u001b[1mdevice","driver":"x","mode":"RESIDENT"},"value":1}]}"#;
        json += &one("rota_tenants", all.len() as u64);
        json += &one("rota_jobs_completed", all.iter().map(|t| t.completed).sum());
        json += &one("rota_faults", all.iter().map(|t| t.faults).sum());
        json += &one("rota_recorder_records", 7);
        json += &one("rota_recorder_lag", 3);
        json += &format!(
            r#",{{"name":"rota_rounds","samples":[{{"labels":{{"kind":"busy"}},"value":{0}}},{{"labels":{{"kind":"idle"}},"value":{0}}}]}}"#,
            (at * 100.0) as u64
        );
        json += &family("rota_tenant_members", &|_| {
            Some((String::new(), "1".into()))
        });
        json += &family("rota_tenant_jobs_completed", &|t| {
            Some((String::new(), t.completed.to_string()))
        });
        json += &family("rota_tenant_fuel", &|t| {
            Some((String::new(), t.fuel.to_string()))
        });
        json += &family("rota_tenant_faults", &|t| {
            Some((r#","fault":"LOOP_CUT""#.into(), t.faults.to_string()))
        });
        json += &family("rota_lag_seconds", &|t| {
            Some((r#","role":"queued""#.into(), t.queued?.to_string()))
        });
        json += &family("rota_tenant_quota", &|t| {
            (t.buffers.1 != 0).then(|| (buffers.clone(), t.buffers.1.to_string()))
        });
        json += &family("rota_tenant_used", &|t| {
            (t.buffers.1 != 0).then(|| (buffers.clone(), t.buffers.0.to_string()))
        });
        let latencies = all.iter().map(|t| {
            let buckets: Vec<_> = t
                .buckets
                .iter()
                .map(|(b, n)| format!("[{b},{n}]"))
                .collect();
            let label = quoted(&t.label);
            format!(r#"{{"tenant":{label},"buckets":[{}]}}"#, buckets.join(","))
        });
        let latencies: Vec<String> = latencies.collect();
        write!(
            json,
            r#"],"provided":{{}},"latencies":[{}]}}"#,
            latencies.join(",")
        )
        .unwrap();
        Reading::parse(json.as_bytes()).unwrap()
    }

    fn texts(lines: &[Line], room: Option<u16>) -> Vec<String> {
        let text = |line: &Line| {
            let mut out = String::new();
            line.write(room, false, &mut out);
            out
        };
        lines.iter().map(text).collect()
    }

    fn two() -> View {
        let mut before = [told("web", 100, 1000), told("batch", 50, 0)];
        let mut now = [told("web", 300, 1000 + 300), told("batch", 150, 900)];
        before[1].faults = 1;
        now[1].faults = 5;
        now[1].queued = Some(1.5);
        now[1].buffers = (3, 3);
        View::new(
            Some(&reading_of(7, 10.0, &before)),
            &reading_of(7, 12.0, &now),
        )
    }

    #[test]
    fn rates_shares_and_quantiles_are_those_between_two_snapshots() {
        let view = two();
        let lines = texts(&table(&view, Order::of(Column::Jobs), false, None), None);
        assert_eq!(
            lines,
            [
                "",
                "TENANT  MEMBERS   JOBS/S↓     P50      P99   SHARE   QUEUED  RUNNING  UNTAKEN  FAULTS/S  REFUSED/S  USED/CAP",
                "web           1      100  1.02 us  2.05 us  25.0 %        -        -        -         0          0",
                "batch         1     50.0  1.02 us  2.05 us  75.0 %   1.50 s        -        -      2.00          0  buffers 3/3",
            ]
        );
        let head = texts(&head(&view, Path::new("/a\nb"), None), None);
        assert_eq!(
            head,
            [
                r"rota top   /a\nb   process 7   up 12 s",
                r"rota 0.1.0   mode RESIDENT   device a \u{1b}[1mdevice   driver x",
                "jobs/s 150   p50 1.02 us   p99 2.05 us   busy rounds 50.0 %   leases/s 0   tenants 2",
                "oldest queued 1.50 s   running -   untaken -   faults/s 2.00   refused/s 0   recorder 3 behind",
            ]
        );
        // What is wrong is seen.
        let rows = table(&view, Order::of(Column::Jobs), false, None);
        let mut coloured = String::new();
        rows[3].write(None, true, &mut coloured);
        for part in [
            "\x1b[31;1m2.00\x1b[0m",
            "\x1b[33m1.50 s\x1b[0m",
            "\x1b[31;1mbuffers 3/3\x1b[0m",
        ] {
            assert!(coloured.contains(part), "{coloured:?}");
        }
    }

    #[test]
    fn what_began_anew_has_no_rate_and_what_is_new_has_one() {
        let before = [told("old", 100, 5), told("again", 100, 50)];
        let now = [
            told("again", 10, 5),
            told("new", 40, 5),
            told("old", 100, 5),
        ];
        let first = reading_of(7, 1.0, &before);
        let rates = |view: View| -> Vec<(String, Option<f64>)> {
            view.rows
                .into_iter()
                .map(|row| (row.label, row.jobs))
                .collect()
        };
        let all = |a, n, o| [("again".into(), a), ("new".into(), n), ("old".into(), o)];
        let mut second = reading_of(7, 2.0, &now);
        second.totals.completed = 300;
        assert_eq!(
            rates(View::new(Some(&first), &second)),
            all(None, Some(40.0), Some(0.0))
        );
        // Another process, or another runtime of it, has nothing to do with the last.
        for other in [reading_of(8, 2.0, &now), reading_of(7, 0.5, &now), second] {
            let before = if other.at == 2.0 && other.process == 7 {
                None
            } else {
                Some(&first)
            };
            let view = View::new(before, &other);
            assert!(view.rates.is_none());
            assert_eq!(rates(view), all(None, None, None));
        }
    }

    #[test]
    fn rows_are_sorted_and_what_is_not_known_comes_last() {
        let view = two();
        let first = |order: Order| sorted(&view, order, false)[0].label.clone();
        let mut order = Order::of(Column::Queued);
        assert_eq!(first(order), "batch");
        order.turn();
        assert_eq!(first(order), "batch");
        let mut order = Order::of(Column::Tenant);
        assert_eq!(first(order), "batch");
        order.turn();
        assert_eq!(first(order), "web");
        order.step(false);
        assert_eq!(order, Order::of(Column::Refused));
        order.step(true);
        assert_eq!(order, Order::of(Column::Tenant));
        // What is the same is sorted by label, whatever the direction.
        assert_eq!(first(Order::of(Column::P50)), "batch");
    }

    #[test]
    fn pages_fit_any_terminal() {
        let labels = ["中文租户", "\x1b[2Jevil\n", "x", ""];
        let all: Vec<Told> = (0..1024)
            .map(|n| {
                let mut one = told(&format!("{} {n}", labels[n % 4].repeat(n % 5)), n as u64, 9);
                one.buffers = (n as u64, 2000);
                one
            })
            .collect();
        let none: Vec<Told> = all.iter().map(|t| told(&t.label, 0, 0)).collect();
        let view = View::new(Some(&reading_of(1, 1.0, &none)), &reading_of(1, 2.0, &all));
        for columns in (0..260).step_by(7) {
            for rows in [0, 1, 3, 7, 8, 24, 2000] {
                let mut first = usize::MAX / 2;
                let order = Order::of(Column::Jobs);
                let size = (columns, rows);
                let lines = page(&view, Path::new("/x"), order, false, &mut first, size, None);
                assert_eq!(lines.len(), usize::from(rows).max(1));
                for text in texts(&lines, Some(columns)) {
                    assert!(width(&text) <= usize::from(columns), "{columns}: {text}");
                    assert!(!text.contains(char::is_control), "{text:?}");
                }
                assert!(first < 1024);
            }
        }
        // At the end stand the last rows.
        let mut first = usize::MAX / 2;
        let (order, path) = (Order::of(Column::Jobs), Path::new("/x"));
        let lines = page(&view, path, order, false, &mut first, (80, 17), None);
        let text = texts(&lines, Some(80));
        assert_eq!(first, 1014);
        assert!(
            text[16].starts_with("1015 to 1024 of 1024   q ends"),
            "{text:?}"
        );
        // As wide as it is, the table has all columns, and what is limited.
        assert!(texts(&lines, None)[5].contains("JOBS/S↓"));
        let lines = page(&view, path, order, false, &mut first, (200, 17), None);
        let head = &texts(&lines, Some(200))[5];
        for (.., name, _) in COLUMNS {
            assert!(head.contains(name), "{head}");
        }
        assert!(head.contains("USED/CAP"), "{head}");
    }

    #[test]
    fn numbers_are_short() {
        let rates = [0.0, 0.5, 99.96, 999.4, 999.6, 12_345.0, 2.5e6, 3e10].map(rate);
        assert_eq!(
            rates,
            ["0", "0.50", "100.0", "999", "1.00 k", "12.3 k", "2.50 M", "30.0 G"]
        );
        assert_eq!(
            [5.0, 65.0, 3700.0, 90_000.0].map(up),
            ["5 s", "1 m 05 s", "1 h 01 m", "1 d 01 h"]
        );
        assert_eq!(
            [0.5, 0.9999, 1.0].map(percent),
            ["50.0 %", "100 %", "100 %"]
        );
        assert_eq!(time(u64::MAX), ">68.7 s");
        assert_eq!(age(4000.0), "1 h 06 m");
    }
}
