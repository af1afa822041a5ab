//! The comments in rota.h are complete and speak of what there is, and docs/ has all of it: every
//! function in the table of docs/c-api.md, every section in docs/groups.dox, and code that compiles.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use rota_abi::{include_dir, items, root, Item, Kind};

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn functions() -> Vec<Item> {
    let all = items().into_iter();
    let functions: Vec<Item> = all
        .filter(|item| matches!(item.kind, Kind::Function(_)))
        .collect();
    assert!(functions.len() > 30, "only {} functions", functions.len());
    functions
}

#[test]
fn everything_has_a_comment() {
    for item in items() {
        let name = &item.name;
        let said = |comment: &[String]| comment.first().is_some_and(|line| !line.is_empty());
        assert!(said(&item.comment), "{name} has no comment");
        assert!(!item.section.is_empty(), "{name} is in no section");
        if let Kind::Struct(fields) = item.kind {
            assert!(!fields.is_empty(), "{name} has no field");
            for field in fields {
                assert!(said(&field.comment), "{name}.{} has no comment", field.name);
            }
        }
    }
}

const LABELS: [&str; 4] = ["Ownership:", "Threading:", "Errors:", "Since:"];

/// The four paragraphs at the end of a function's comment, without their labels.
fn paragraphs(function: &Item) -> [String; 4] {
    let mut paragraphs: [String; 4] = Default::default();
    let mut at = 0;
    for line in &function.comment {
        let label = LABELS.iter().position(|label| line.starts_with(label));
        if let Some(label) = label {
            assert_eq!(label, at, "{}: `{line}` is out of order", function.name);
            at += 1;
        }
        if at > 0 {
            let text = line.strip_prefix(LABELS[at - 1]).unwrap_or(line);
            paragraphs[at - 1] += text.trim();
            paragraphs[at - 1] += " ";
        }
    }
    assert_eq!(at, LABELS.len(), "{}: no {}", function.name, LABELS[at % 4]);
    paragraphs.map(|text| text.trim().to_string())
}

#[test]
fn every_function_says_ownership_threading_errors_and_since() {
    for function in functions() {
        let name = &function.name;
        let [ownership, threading, errors, since] = paragraphs(&function);
        for text in [&ownership, &threading, &errors] {
            assert!(text.ends_with('.'), "{name}: `{text}` is no sentence");
        }
        let version: Vec<&str> = since.split('.').collect();
        let [major, minor] = version[..] else {
            panic!("{name}: since `{since}`?");
        };
        let number = |text: &str| text.parse::<u32>().ok();
        let (since, now) = (number(major).zip(number(minor)), this_version());
        assert!(since.is_some_and(|since| since <= now), "{name}: {since:?}");
    }
}

fn this_version() -> (u32, u32) {
    let part = |text: &str| text.parse().expect("a number");
    (
        part(env!("CARGO_PKG_VERSION_MAJOR")),
        part(env!("CARGO_PKG_VERSION_MINOR")),
    )
}

#[test]
fn errors_are_statuses() {
    let statuses: BTreeSet<String> = items()
        .into_iter()
        .filter_map(|item| item.name.strip_prefix("ROTA_STATUS_").map(str::to_string))
        .collect();
    assert!(statuses.len() > 20, "{statuses:?}");
    for function in functions() {
        let name = &function.name;
        let [_, _, errors, _] = paragraphs(&function);
        // What is quoted are texts that a call returns.
        let plain: String = errors.split('"').step_by(2).collect();
        let mut named = 0;
        for word in words(&plain) {
            let status = word.strip_prefix("ROTA_STATUS_").unwrap_or(word);
            if status.len() > 1 && status.chars().all(|c| c == '_' || c.is_ascii_uppercase()) {
                assert!(
                    statuses.contains(status) || status == "NULL",
                    "{name}: its errors name {status}, which is no status"
                );
                named += 1;
            }
        }
        let Kind::Function(declaration) = &function.kind else {
            unreachable!("functions() has only these");
        };
        let other = errors.strip_prefix("as ");
        let as_another = other.is_some_and(|other| other.starts_with("rota_"));
        if declaration.starts_with("rota_status ") {
            assert!(
                named > 0 || as_another,
                "{name} can fail, and names no status"
            );
        } else {
            assert!(errors.starts_with("none"), "{name} can't fail: `{errors}`");
        }
    }
}

/// Words as C has them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric())
}

/// Names of the C API in a text that the header doesn't declare.
fn unknown_names(text: &str) -> Vec<String> {
    let mut known = BTreeSet::new();
    for item in items() {
        if let Kind::Struct(fields) = &item.kind {
            known.extend(fields.iter().map(|f| format!("{}.{}", item.name, f.name)));
        }
        known.insert(item.name);
    }
    let mut unknown = Vec::new();
    for word in words_with_marks(text) {
        let name = word.trim_end_matches('.');
        let family = name.strip_suffix('*');
        let there = match family {
            Some(prefix) => known.iter().any(|known| known.starts_with(prefix)),
            None => known.contains(name),
        };
        if !there {
            unknown.push(name.to_string());
        }
    }
    unknown
}

/// What begins as a name of the C API, with `.field` or `*`. Not what a `$` shows to be a variable of
/// the environment, and not the beginning of a name that goes on with a placeholder.
fn words_with_marks(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| "_.*$<-/".contains(c) || c.is_ascii_alphanumeric();
    text.split(move |c| !inside(c)).filter(|word| {
        let name = word.starts_with("rota_") || word.starts_with("ROTA_");
        name && !word.contains("...") && !word.contains(['<', '-', '/'])
    })
}

#[test]
fn names_in_comments_are_declared() {
    for item in items() {
        let mut text = item.comment.join(" ");
        if let Kind::Struct(fields) = &item.kind {
            for field in fields {
                text += " ";
                text += &field.comment.join(" ");
            }
        }
        let unknown = unknown_names(&text);
        assert!(unknown.is_empty(), "{}: {unknown:?}", item.name);
    }
}

#[test]
fn names_in_c_api_md_are_declared() {
    // Outside of code blocks names stand in backticks.
    let text = read("docs/c-api.md");
    let prose: String = text.split("\n```").step_by(2).collect();
    let quoted: Vec<&str> = prose.split('`').skip(1).step_by(2).collect();
    // Of the tests, not of C.
    let not_c = |name: &String| name == "ROTA_BLESS";
    let mut unknown = unknown_names(&quoted.join(" "));
    unknown.retain(|name| !not_c(name));
    assert!(unknown.is_empty(), "docs/c-api.md: {unknown:?}");
}

#[test]
fn c_api_md_lists_every_function_by_section() {
    let text = read("docs/c-api.md");
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for function in functions() {
        let name = format!("`{}`", function.name);
        match rows.last_mut() {
            Some((section, names)) if *section == function.section => names.push(name),
            _ => rows.push((function.section, vec![name])),
        }
    }
    let wanted: Vec<String> = rows
        .iter()
        .map(|(section, names)| format!("| {section} | {} |", names.join(", ")))
        .collect();
    let (_, rest) = text.split_once("\n## Functions\n").expect("the section");
    let table: Vec<&str> = rest
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.contains("`rota_"))
        .collect();
    assert_eq!(
        table,
        wanted,
        "the table of functions in docs/c-api.md is to be\n{}",
        wanted.join("\n")
    );
}

#[test]
fn every_section_has_a_group_with_its_title() {
    let groups = read("docs/groups.dox");
    let defined: Vec<(&str, &str)> = groups
        .lines()
        .filter_map(|line| line.split_once("@defgroup "))
        .filter_map(|(_, group)| group.trim().split_once(' '))
        .collect();
    for item in items() {
        // As docs/doxygen.awk makes it of the title.
        let id: String = item
            .section
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("_")
            .to_lowercase();
        assert!(
            defined.contains(&(&id, &item.section)),
            "docs/groups.dox lacks: @defgroup {id} {}",
            item.section
        );
    }
}

/// A block with `main` is a program; another one is what stands in a function.
#[test]
fn c_code_in_documents_compiles() {
    let mut documents = vec!["README.md".to_string()];
    for entry in std::fs::read_dir(root().join("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name();
        let name = name.into_string().expect("UTF-8");
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    let mut of_api = 0;
    for document in documents {
        let text = read(&document);
        for (number, block) in text.split("```c\n").skip(1).enumerate() {
            let code = block.split("```").next().expect("its end");
            let source = if code.contains("int main(") {
                code.to_string()
            } else {
                format!("#include <rota/rota.h>\n#include <stdio.h>\n#include <string.h>\nvoid block(void);\nvoid block(void) {{\n{code}}}\n")
            };
            let name = format!("{}-{number}.c", document.replace('/', "-"));
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&path, source).expect("write the code");
            let output = Command::new("cc")
                .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"])
                .args(["-fsyntax-only", "-I"])
                .arg(include_dir())
                .arg(path)
                .output()
                .expect("a C compiler");
            assert!(
                output.status.success(),
                "{document}, C block {number}:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
            of_api += usize::from(document == "docs/c-api.md");
        }
    }
    assert!(of_api > 0, "no C block found in docs/c-api.md");
}
