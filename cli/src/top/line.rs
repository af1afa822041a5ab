//! Lines of text with styles, as wide as a terminal says.

use unicode_width::UnicodeWidthChar as _;

/// How a piece of text looks, where there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    #[default]
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
    /// A table's head.
    Head,
    /// The column that it is sorted by.
    Sorted,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31;1",
            Self::Head => "7",
            Self::Sorted => "7;1",
        }
    }
}

/// A line; what is put into it has been made safe by `safe`.
#[derive(Clone, Debug, Default)]
pub struct Line {
    parts: Vec<(Style, String)>,
    width: usize,
}

impl Line {
    pub fn of(style: Style, text: &str) -> Self {
        let mut line = Self::default();
        line.put(style, text);
        line
    }

    pub fn put(&mut self, style: Style, text: &str) {
        self.width += width(text);
        match self.parts.last_mut() {
            Some((last, all)) if *last == style => all.push_str(text),
            _ => self.parts.push((style, text.into())),
        }
    }

    /// Up to a column.
    pub fn fill(&mut self, style: Style, to: usize) {
        if to > self.width {
            self.put(style, &" ".repeat(to - self.width));
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// As much of it as fits, without spaces at its end.
    pub fn write(&self, most: Option<u16>, colours: bool, out: &mut String) {
        let mut left = most.map_or(usize::MAX, usize::from);
        let begin = out.len();
        for (style, text) in &self.parts {
            let text = cut(text, left);
            left -= width(text);
            match style.code() {
                code if colours && !code.is_empty() && !text.is_empty() => {
                    out.push_str(&format!("\x1b[{code}m{text}\x1b[0m"));
                }
                _ => out.push_str(text),
            }
        }
        let end = out.trim_end_matches(' ').len().max(begin);
        out.truncate(end);
    }
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The beginning of a text that fits.
fn cut(text: &str, most: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > most {
            return &text[..at];
        }
    }
    text
}

/// The same with a mark at its end, if something is missing.
pub fn shortened(text: &str, most: usize) -> String {
    match width(text) <= most {
        true => text.into(),
        false if most == 0 => String::new(),
        false => format!("{}~", cut(text, most - 1)),
    }
}

/// A text of somebody else's without what would do something to a terminal, or have no width of its own.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.width() {
            Some(1 | 2) if !c.is_control() => out.push(c),
            _ => out.extend(c.escape_default()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_through_that_moves_the_cursor() {
        assert_eq!(safe("a b é 中"), "a b é 中");
        assert_eq!(safe("\x1b[2J\n\t\u{7f}"), "\\u{1b}[2J\\n\\t\\u{7f}");
        // A direction's mark, a joiner, an accent without a letter, a control of the second set.
        assert_eq!(
            safe("\u{202e}\u{200d}\u{301}\u{9b}"),
            "\\u{202e}\\u{200d}\\u{301}\\u{9b}"
        );
    }

    #[test]
    fn what_is_wide_counts_twice() {
        assert_eq!(width("a中é"), 4);
        assert_eq!(shortened("中中中", 6), "中中中");
        assert_eq!(shortened("中中中", 5), "中中~");
        assert_eq!(shortened("中中中", 4), "中~");
        assert_eq!(shortened("abc", 0), "");
    }

    #[test]
    fn lines_are_cut_and_coloured_where_that_is_wanted() {
        let mut line = Line::of(Style::Bad, "ab");
        line.put(Style::Plain, "cd  ");
        line.fill(Style::Plain, 10);
        let written = |most, colours| {
            let mut out = String::from("x ");
            line.write(most, colours, &mut out);
            out
        };
        assert_eq!(line.width(), 10);
        assert_eq!(written(None, false), "x abcd");
        assert_eq!(written(Some(3), true), "x \x1b[31;1mab\x1b[0mc");
        assert_eq!(written(Some(0), true), "x ");
    }
}
