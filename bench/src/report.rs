//! report.json, which keeps the objects of parts that were not run this time, and report.md, which is
//! written from it.

use crate::figures::FIGURES;
use crate::parts::PARTS;
use crate::stats::Object;
use crate::Fallible;
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const MACHINE: &str = "machine";

pub struct Report {
    folder: PathBuf,
    content: Object,
}

impl Report {
    /// Reads what is there from runs before; a broken file is an error, not silently replaced.
    pub fn open(folder: &Path, machine: Object) -> Fallible<Report> {
        fs::create_dir_all(folder)
            .map_err(|e| format!("can't create the folder {}: {e}", folder.display()))?;
        let file = folder.join("report.json");
        let mut content = match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text)
                .map_err(|e| format!("{} is not a report: {e}", file.display()))?,
            Err(_) => Object::new(),
        };
        content.insert(MACHINE.into(), machine.into());
        Ok(Report {
            folder: folder.to_path_buf(),
            content,
        })
    }

    /// Replaces one part's object and writes both files, so that a later failure loses nothing.
    pub fn put(&mut self, part: &str, object: Object) -> Fallible<()> {
        self.content.insert(part.into(), object.into());
        self.write()
    }

    /// A part that failed leaves no figures of a run before, which would pass for its own.
    pub fn forget(&mut self, part: &str) -> Fallible<()> {
        self.content.remove(part);
        self.write()
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join("report.md")
    }

    /// The table of the promised figures of these parts, measured or not.
    pub fn table(&self, parts: &[&str]) -> String {
        let mut rows = vec![["figure", "measured", "must", "aim", "verdict"].map(String::from)];
        for figure in FIGURES.iter().filter(|f| parts.contains(&f.part)) {
            let (must, aim) = figure.goals();
            let key = format!("{} [`{}.{}`]", figure.text, figure.part, figure.key);
            let (measured, verdict) = match figure.value(&self.content) {
                Some(value) => (
                    format!("{} {}", number(value), figure.unit),
                    figure.verdict(value),
                ),
                None => ("-".to_string(), "not measured"),
            };
            rows.push([key, measured, must, aim, verdict.to_string()]);
        }
        aligned(&rows)
    }

    fn write(&self) -> Fallible<()> {
        let json = serde_json::to_string_pretty(&self.content)?;
        fs::write(self.folder.join("report.json"), json + "\n")?;
        fs::write(self.folder.join("report.md"), self.markdown())?;
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = String::from("# Rota beside plain Vulkan and wgpu\n\n");
        let machine = self.part(MACHINE);
        let mut rows = vec![["where", ""].map(String::from)];
        rows.extend(machine.iter().map(|(key, value)| [words(key), show(value)]));
        text += &aligned(&rows);
        text +=
            "\nAll peers run in one process, by turns, on the same device. Figures are medians; \
                 p10, p90 and p99 are quantiles of the same samples. others_cpu_percent is what other \
                 processes took of one core meanwhile: figures are good where it is near 0.\n\n## Figures\n\n";
        let all: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        text += &self.table(&all);
        for part in PARTS {
            let object = self.part(part.name);
            if object.is_empty() {
                continue;
            }
            let _ = write!(text, "\n## {}\n\n{}\n\n", part.name, part.what);
            for key in ["driver", "rota"] {
                if let (Some(then), Some(now)) = (object.get(key), machine.get(key)) {
                    if then != now {
                        let _ = write!(text, "Measured with another {key}: {}.\n\n", show(then));
                    }
                }
            }
            let mut rows = vec![["key", "value"].map(String::from)];
            for (key, value) in &object {
                rows.push([format!("`{key}`"), show(value)]);
            }
            text += &aligned(&rows);
        }
        text
    }

    fn part(&self, name: &str) -> Object {
        match self.content.get(name) {
            Some(Value::Object(object)) => object.clone(),
            _ => Object::new(),
        }
    }
}

/// A Markdown table whose columns line up when it is read as plain text.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(3)
    });
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text += "|\n";
        if index == 0 {
            for width in widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text += "|\n";
        }
    }
    text
}

fn words(key: &str) -> String {
    key.replace('_', " ")
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(value) => value.as_f64().map_or_else(|| value.to_string(), number),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| format!("{key} {}", show(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// Three significant digits, and thousands apart.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 10_000.0 {
        let digits = format!("{value:.0}");
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
                text.push(',');
            }
            text.push(digit);
        }
        text
    } else if size >= 100.0 || value == value.trunc() {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::put;

    fn object(key: &str, value: f64) -> Object {
        let mut object = Object::new();
        put(&mut object, key, value);
        object
    }

    #[test]
    fn a_part_run_alone_keeps_the_others() {
        let folder = std::env::temp_dir().join(format!("rota-report-{}", std::process::id()));
        let mut first = Report::open(&folder, Object::new()).unwrap();
        first.put("publish", object("single_p50_ns", 39.5)).unwrap();
        first.put("wake", object("ratio", 1.2)).unwrap();
        let mut second = Report::open(&folder, Object::new()).unwrap();
        second.put("wake", object("ratio", 9.0)).unwrap();
        second.put("idle", object("cpu_percent", 0.0)).unwrap();
        second.forget("idle").unwrap();
        let text = fs::read_to_string(folder.join("report.json")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let read: Object = serde_json::from_str(&text).unwrap();
        assert_eq!(read["publish"]["single_p50_ns"], 39.5);
        assert_eq!(read["wake"]["ratio"], 9.0);
        assert!(!read.contains_key("idle"));
        let table = second.table(&["publish", "wake"]);
        assert!(table.contains("39.5 ns") && table.contains("missed"));
        assert!(!second.table(&["wake"]).contains("publish"));
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.1234, 12.345, 123.4, 9_400_000.4, -12_345.0].map(number);
        assert_eq!(shown, ["0", "0.12", "12.3", "123", "9,400,000", "-12,345"]);
    }
}
