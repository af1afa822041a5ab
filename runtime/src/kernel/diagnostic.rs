//! Says what is wrong with a module's source as a compiler would: the line, carets, what is wrong, what to do.

use std::fmt::Write;
use std::ops::Range;

/// Text before a module's own in what naga parses: the prelude.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub label: &'a str,
    pub source: &'a str,
    /// Bytes that were before the source.
    pub offset: usize,
}

/// The longest part of a line that is shown.
const MOST_COLUMNS: usize = 160;

impl Place<'_> {
    /// Where a span lies in the module's source; None if it is in the text before it, or nowhere.
    pub fn own(&self, span: naga::Span) -> Option<Range<usize>> {
        let range = span.to_range()?;
        let start = range.start.checked_sub(self.offset)?;
        let end = (range.end.max(range.start) - self.offset).min(self.source.len());
        (start <= end && self.source.is_char_boundary(start) && self.source.is_char_boundary(end))
            .then_some(start..end)
    }

    /// The error's text. `help` may be empty.
    pub fn error(
        &self,
        what: &str,
        labels: &[(naga::Span, String)],
        help: &[impl AsRef<str>],
    ) -> String {
        let labels: Vec<_> = labels
            .iter()
            .filter_map(|(span, text)| Some((self.own(*span)?, text.as_str())))
            .collect();
        self.error_at(what, &labels, help)
    }

    /// The same, by where it is in the source.
    pub fn error_at(
        &self,
        what: &str,
        labels: &[(Range<usize>, &str)],
        help: &[impl AsRef<str>],
    ) -> String {
        let mut out = format!("error: {}\n", what.trim_end());
        let lines: Vec<_> = labels.iter().map(|(at, _)| self.locate(at.start)).collect();
        let margin = lines
            .iter()
            .map(|(line, ..)| line.to_string().len())
            .max()
            .unwrap_or(1);
        let label = if self.label.is_empty() {
            "module"
        } else {
            self.label
        };
        let mut shown = None;
        for ((at, text), (line, column, line_start)) in labels.iter().zip(lines) {
            let whole = self.source[line_start..]
                .split(['\n', '\r'])
                .next()
                .unwrap_or("");
            if shown != Some(line) {
                let head = if shown.is_none() { "-->" } else { ":::" };
                writeln!(out, "{:margin$}{head} {label}:{line}:{column}", "").unwrap();
                writeln!(out, "{:margin$} |", "").unwrap();
            }
            shown = Some(line);
            // Of a very long line, what is around the place.
            let first = column.saturating_sub(MOST_COLUMNS / 2);
            let part: String = whole
                .chars()
                .skip(first)
                .take(MOST_COLUMNS)
                .map(visible)
                .collect();
            let width = self.source[at.start..at.end.min(line_start + whole.len()).max(at.start)]
                .chars()
                .count()
                .clamp(1, MOST_COLUMNS.saturating_sub(column - 1 - first).max(1));
            writeln!(out, "{line:margin$} | {part}").unwrap();
            writeln!(
                out,
                "{:margin$} | {:indent$}{} {text}",
                "",
                "",
                "^".repeat(width),
                indent = column - 1 - first
            )
            .unwrap();
        }
        for line in help {
            writeln!(out, "{:margin$} = help: {}", "", line.as_ref()).unwrap();
        }
        // Carets without a word behind them leave a blank.
        out.lines()
            .map(|line| line.trim_end())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Line, column (both from 1) and where the line starts.
    fn locate(&self, at: usize) -> (usize, usize, usize) {
        let before = &self.source[..at];
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        (line, column, line_start)
    }
}

/// Control characters would garble a terminal, and a tab has no width that carets could follow.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_shown() {
        let place = Place {
            label: "mine",
            source: "fn a() {}\n\tfn ä() { b(); }\n",
            offset: 100,
        };
        let at = naga::Span::new(100 + 21, 100 + 22);
        let before = naga::Span::new(3, 5);
        let text = place.error(
            "no definition of 'b'",
            &[(before, "in the prelude".into()), (at, "unknown".into())],
            &["define it"],
        );
        assert_eq!(
            text,
            "error: no definition of 'b'\n --> mine:2:11\n  |\n2 |  fn ä() { b(); }\n  |           ^ unknown\n  = help: define it"
        );
    }

    #[test]
    fn odd_places_do_no_harm() {
        let long = "x".repeat(100_000);
        for source in ["", "\n", "é", "a\0b", &long] {
            let place = Place {
                label: "",
                source,
                offset: 7,
            };
            for start in [0, 7, 8, 9, 50_000, 100_006, 100_007, u32::MAX] {
                for end in [start, start.saturating_add(1), u32::MAX] {
                    let span = naga::Span::new(start, end);
                    let text = place.error("wrong", &[(span, String::new())], &[] as &[&str]);
                    assert!(text.starts_with("error: wrong") && text.len() < 1000);
                }
            }
        }
    }
}
