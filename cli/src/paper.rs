//! Text for a terminal: sections of aligned lines, and marks that are coloured only where somebody looks.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// Writes to stdout at once. An error is for the caller: a tool must not panic because its reader went away.
pub fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How a word is marked.
#[derive(Clone, Copy)]
pub enum Mark {
    Head,
    Good,
    Bad,
    Note,
}

/// Columns of the labels.
const LABEL: usize = 20;

/// A text in the making.
pub struct Paper {
    text: String,
    colours: bool,
}

impl Paper {
    /// Coloured on a terminal, unless `NO_COLOR` is set (no-color.org).
    pub fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self {
            text: String::new(),
            colours: std::io::stdout().is_terminal() && !unwanted && !dumb,
        }
    }

    pub fn marked(&self, mark: Mark, text: &str) -> String {
        let code = match mark {
            Mark::Head => 1,
            Mark::Good => 32,
            Mark::Bad => 31,
            Mark::Note => 33,
        };
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.into()
        }
    }

    /// Starts a section.
    pub fn head(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let title = self.marked(Mark::Head, title);
        writeln!(self.text, "{title}").unwrap();
    }

    /// A line of a section that stands for itself.
    pub fn plain(&mut self, text: &str) {
        writeln!(self.text, "  {text}").unwrap();
    }

    /// A line of a section: what, and its value. Further lines of a value stand below the first.
    pub fn line(&mut self, label: &str, value: &str) {
        for (i, part) in value.lines().enumerate() {
            let label = if i == 0 { label } else { "" };
            writeln!(self.text, "  {label:LABEL$}{part}").unwrap();
        }
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

/// A line on stderr that is written over, where somebody looks.
pub struct Progress {
    all: u64,
    what: &'static str,
    started: Instant,
    told: Option<Instant>,
    looked_at: bool,
}

impl Progress {
    pub fn new(all: u64, what: &'static str) -> Self {
        Self {
            all,
            what,
            started: Instant::now(),
            told: None,
            looked_at: std::io::stderr().is_terminal(),
        }
    }

    pub fn tell(&mut self, done: u64) {
        let often = || {
            self.told
                .is_none_or(|at| at.elapsed() >= Duration::from_millis(200))
        };
        if self.looked_at && often() && self.started.elapsed() > Duration::from_secs(1) {
            self.told = Some(Instant::now());
            eprint!(
                "\r{} of {} {}",
                thousands(done),
                thousands(self.all),
                self.what
            );
        }
    }

    pub fn end(&self) {
        if self.told.is_some() {
            eprintln!();
        }
    }
}

/// Bytes in the largest unit that keeps the number whole or readable.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut scaled = n as f64;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    if scaled == scaled.trunc() {
        format!("{scaled} {}", UNITS[unit])
    } else {
        format!("{scaled:.1} {}", UNITS[unit])
    }
}

/// Nanoseconds with three significant digits.
pub fn nanoseconds(ns: f64) -> String {
    let (value, unit) = match ns {
        n if n < 1e3 => return format!("{n:.0} ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A number of at least 0 with three significant digits.
pub fn three_digits(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// An integer with its thousands apart.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How many, with one word for one and another for more.
pub fn counted(n: u64, one: &str, more: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short() {
        assert_eq!(
            [0, 1023, 1024, 128 << 20, 6_000_000_000].map(bytes),
            ["0 B", "1023 B", "1 KiB", "128 MiB", "5.6 GiB"]
        );
        assert_eq!(
            [0.4, 750.0, 1234.0, 25_600.0, 1.5e8, 2e9].map(nanoseconds),
            ["0 ns", "750 ns", "1.23 us", "25.6 us", "150 ms", "2.00 s"]
        );
        assert_eq!(
            [0, 999, 1000, 9_400_000].map(thousands),
            ["0", "999", "1,000", "9,400,000"]
        );
    }

    #[test]
    fn further_lines_of_a_value_stand_below_the_first() {
        let mut paper = Paper {
            text: String::new(),
            colours: false,
        };
        paper.head("a");
        paper.line("label", "one\ntwo");
        paper.head("b");
        assert_eq!(
            paper.into_text(),
            "a\n  label               one\n                      two\n\nb\n"
        );
    }
}
