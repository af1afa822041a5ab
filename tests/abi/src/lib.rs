//! Reads rota.h: what it declares, in its order, with comments and sections. For the tests that hold
//! the header against the library, the documents and an earlier ABI.
//!
//! It knows the form that cbindgen writes and no other C: a line that it can't place is a panic, so
//! that nothing in the header goes unchecked.

use std::path::{Path, PathBuf};

/// One declaration.
pub struct Item {
    pub name: String,
    /// The title of the last section line above it.
    pub section: String,
    /// The lines of the comment above it, without `/// `.
    pub comment: Vec<String>,
    pub kind: Kind,
}

pub enum Kind {
    /// Its text, on one line.
    Macro(String),
    /// `type name(arguments)`, on one line.
    Function(String),
    Struct(Vec<Field>),
    /// A struct of which the header says no more than that there is one.
    Opaque,
    Alias,
}

pub struct Field {
    pub name: String,
    /// As in `uint32_t` and `char[256]`.
    pub type_name: String,
    pub comment: Vec<String>,
}

/// The root of the repository.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("two folders down")
}

pub fn include_dir() -> PathBuf {
    root().join("include")
}

/// rota.h, as it lies in the repository.
pub fn items() -> Vec<Item> {
    let path = include_dir().join("rota/rota.h");
    parse(&std::fs::read_to_string(path).expect("rota.h"))
}

pub fn parse(header: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut section = String::new();
    let mut comment: Vec<String> = Vec::new();
    let mut lines = header.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("///") {
            if let Some(title) = text.strip_prefix(" ---- ") {
                section = title.trim_end_matches('-').trim().to_string();
                // What follows without an empty line is about the section.
                for line in lines.by_ref() {
                    match line.strip_prefix("///") {
                        Some("") => break,
                        Some(_) => {}
                        None => panic!("no empty line ends the section line of {section}"),
                    }
                }
            } else {
                comment.push(text.trim().to_string());
            }
            continue;
        }
        let mut add = |name: &str, kind| {
            items.push(Item {
                name: name.to_string(),
                section: section.clone(),
                comment: std::mem::take(&mut comment),
                kind,
            });
        };
        let until = |end: &str, lines: &mut std::str::Lines| {
            let mut text = line.to_string();
            while !text.ends_with(end) {
                let more = lines.next();
                let more = more.unwrap_or_else(|| panic!("`{line}` has no end"));
                text = format!("{} {}", text.trim_end(), more.trim());
            }
            text
        };
        if line.starts_with("/*") {
            until("*/", &mut lines);
        } else if let Some(define) = line.strip_prefix("#define ") {
            let mut text = define.to_string();
            while let Some(begun) = text.strip_suffix('\\') {
                text = format!("{} {}", begun.trim(), lines.next().unwrap_or("").trim());
            }
            let (name, value) = text.split_once(' ').unwrap_or((&text, ""));
            if name != "ROTA_H" {
                add(name, Kind::Macro(value.to_string()));
            }
        } else if let Some(rest) = line.strip_prefix("typedef struct ") {
            if let Some(name) = rest.strip_suffix(" {") {
                add(name, Kind::Struct(fields(name, &mut lines)));
            } else {
                let (_, name) = rest.split_once(' ').expect("a name");
                add(name.trim_end_matches(';'), Kind::Opaque);
            }
        } else if let Some(rest) = line.strip_prefix("typedef ") {
            let rest = rest.strip_suffix(';').expect("a typedef on one line");
            // Of a function pointer the name stands in brackets.
            let name = match rest.split_once("(*") {
                Some((_, name)) => name.split(')').next(),
                None => rest.rsplit(' ').next(),
            };
            add(name.expect("a name"), Kind::Alias);
        } else if line.starts_with("extern ") || line.starts_with(['#', '}']) || line.is_empty() {
            comment.clear();
        } else {
            let text = until(";", &mut lines);
            let text = text.trim_end_matches(';');
            let before = text.split('(').next().unwrap_or_default();
            let name = before.rsplit([' ', '*']).next().unwrap_or_default();
            assert!(
                name.starts_with("rota_") && text.ends_with(')'),
                "what is `{line}`?"
            );
            add(name, Kind::Function(text.to_string()));
        }
    }
    items
}

/// The fields up to the struct's end.
fn fields(of: &str, lines: &mut std::str::Lines) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut comment = Vec::new();
    for line in lines {
        let line = line.trim();
        if line == format!("}} {of};") {
            return fields;
        }
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim().to_string());
            continue;
        }
        let text = line.strip_suffix(';');
        let text = text.unwrap_or_else(|| panic!("what is `{line}` in {of}?"));
        let (text, array) = text.split_at(text.find('[').unwrap_or(text.len()));
        let at = text.rfind([' ', '*']).expect("a type and a name") + 1;
        fields.push(Field {
            name: text[at..].to_string(),
            type_name: format!("{}{array}", text[..at].trim()),
            comment: std::mem::take(&mut comment),
        });
    }
    panic!("{of} has no end");
}
