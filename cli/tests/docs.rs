//! The documents say what the code does: names, numbers, programs, links, targets and variables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rota::{completion_status_name, completion_status_text, fault_name, fault_text, Status};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The documents that this project keeps, as paths from its root.
fn documents() -> Vec<String> {
    let mut all = vec!["README.md".to_string()];
    for entry in fs::read_dir(root().join("docs")).expect("docs") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("UTF-8");
        if name.ends_with(".md") {
            all.push(format!("docs/{name}"));
        }
    }
    all
}

/// The part of a document below the heading that names `word` in backticks, up to the next heading.
fn section<'a>(document: &'a str, word: &str) -> &'a str {
    let heading = |line: &str| line.starts_with('#') && line.contains(&format!("`{word}`"));
    let start = document
        .lines()
        .find(|l| heading(l))
        .unwrap_or_else(|| panic!("no heading names `{word}`"));
    let rest = &document[start.as_ptr() as usize - document.as_ptr() as usize + start.len()..];
    &rest[..rest.find("\n#").unwrap_or(rest.len())]
}

/// Structs with their fields, as `layout.rs` spells them.
fn structs(source: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in source.lines().map(str::trim) {
        let head = line
            .strip_prefix("pub struct ")
            .or_else(|| line.strip_prefix("struct "));
        if let Some(name) = head.filter(|_| line.ends_with('{')) {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            found.push((name, Vec::new()));
            inside = true;
        } else if line.starts_with('}') {
            inside = false;
        } else if inside && !line.starts_with("//") && !line.starts_with('#') {
            let field = line.strip_prefix("pub ").unwrap_or(line);
            if let Some((name, _)) = field.split_once(':') {
                found.last_mut().expect("inside of one").1.push(name.into());
            }
        }
    }
    // What a kernel is made for is not shared memory, and the macro's own pattern is no struct.
    found.retain(|(name, fields)| {
        name != "KernelShape" && name != "Without" && !fields.is_empty() && !fields[0].contains('$')
    });
    found
}

#[test]
fn protocol_describes_every_shared_word() {
    let layout = read("runtime/src/ring/layout.rs");
    let protocol = read("docs/protocol.md");
    let structs = structs(&layout);
    let names: Vec<_> = structs.iter().map(|(name, _)| name.as_str()).collect();
    for expected in [
        "Slot",
        "TenantState",
        "WorkerReport",
        "Record",
        "DeviceWords",
        "Push",
    ] {
        assert!(
            names.contains(&expected),
            "the test reads layout.rs wrongly: {names:?}"
        );
    }
    assert!(
        structs
            .iter()
            .map(|(_, fields)| fields.len())
            .sum::<usize>()
            >= 45
    );
    for (name, fields) in &structs {
        let text = section(&protocol, name);
        for field in fields {
            assert!(
                text.contains(&format!("`{field}`")),
                "docs/protocol.md doesn't describe {name}.{field}"
            );
        }
    }
}

/// `pub const NAME: u32 = value;` with values that are numbers, a shifted number, or a number minus a constant.
fn constants(source: &str) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for line in source.lines().map(str::trim) {
        let Some((name, value)) = line
            .strip_prefix("pub const ")
            .and_then(|l| l.split_once(" = "))
        else {
            continue;
        };
        let name = name.split(':').next().expect("a name");
        let value = value.split(';').next().expect("a value");
        let earlier = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, v)| *v);
        let value = match (value.split_once(" << "), value.split_once(" - ")) {
            (Some((base, shift)), _) => number(base).zip(number(shift)).map(|(b, s)| b << s),
            (_, Some((from, less))) => number(from).zip(earlier(less)).map(|(f, l)| f - l),
            _ => number(value),
        };
        match value {
            Some(value) => found.push((name.to_string(), value)),
            None => assert_eq!(name, "CALLERS", "the test can't read the value of {name}"),
        }
    }
    found
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim().replace('_', "");
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Whether `name` is followed by `value`: as the next cell of a table, or in brackets.
fn says(document: &str, name: &str, value: u64) -> bool {
    let quoted = format!("`{name}`");
    document.match_indices(&quoted).any(|(at, _)| {
        let behind = document[at + quoted.len()..].trim_start_matches([' ', '|', '(', ',']);
        let word: String = behind
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        number(&word) == Some(value)
    })
}

#[test]
fn protocol_has_every_number_of_the_layout() {
    let protocol = read("docs/protocol.md");
    let constants = constants(&read("runtime/src/ring/layout.rs"));
    assert!(
        constants.len() >= 50,
        "the test reads layout.rs wrongly: {constants:?}"
    );
    let digest = self::constants(&read("runtime/src/ring/digest.rs"));
    assert_eq!(digest.len(), 20, "the test reads digest.rs wrongly");
    for (name, value) in constants.into_iter().chain(digest) {
        assert!(
            says(&protocol, &name, value),
            "docs/protocol.md doesn't say that `{name}` is {value}"
        );
    }
}

#[test]
fn operations_has_every_status_and_fault() {
    let operations = read("docs/operations.md");
    let row = |number: i64, name: &str, text: &str| {
        let row = format!("| {number} | `{name}` | {text} |");
        assert!(
            operations.lines().any(|l| l.starts_with(&row)),
            "docs/operations.md has no row\n{row}"
        );
    };
    let mut rows = 0;
    for status in Status::all() {
        row(status as i64, status.name(), status.text());
        rows += 1;
    }
    for code in (1..1000).filter(|&c| completion_status_name(c) != "UNKNOWN") {
        row(
            code.into(),
            completion_status_name(code),
            completion_status_text(code),
        );
        rows += 1;
    }
    for code in (0..=rota::fault::HANDLER).filter(|&c| fault_name(c) != "UNKNOWN") {
        row(code.into(), fault_name(code), fault_text(code));
        rows += 1;
    }
    // Nothing else is in the tables.
    let numbered = operations.lines().filter(|l| {
        let cells: Vec<_> = l.split('|').map(str::trim).collect();
        cells.len() == 6 && cells[1].parse::<u64>().is_ok()
    });
    assert_eq!(numbered.count(), rows);
}

#[test]
fn operations_has_every_variable_that_is_read() {
    let operations = read("docs/operations.md");
    let mut read_somewhere = BTreeSet::new();
    for folder in ["runtime/src", "cli/src"] {
        for source in sources(&root().join(folder)) {
            for call in ["var(\"", "var_os(\"", "variable(\"", "set(\""] {
                for (at, _) in source.match_indices(call) {
                    let name: String = source[at + call.len()..]
                        .chars()
                        .take_while(|&c| c != '"')
                        .collect();
                    read_somewhere.insert(name);
                }
            }
        }
    }
    assert!(
        read_somewhere.contains("ROTA_DEVICE") && read_somewhere.contains("ROTA_CACHE_DIR"),
        "{read_somewhere:?}"
    );
    // Kernel code has variables too, and theirs are not in capitals.
    read_somewhere.retain(|name| name.chars().all(|c| !c.is_lowercase()));
    for name in read_somewhere {
        assert!(
            // What the loader, the terminal and every program go by isn't this project's to explain.
            operations.contains(&format!("`{name}`"))
                || name.starts_with("XDG_")
                || name.starts_with("VK_")
                || name == "PATH"
                || name == "TERM",
            "docs/operations.md doesn't tell of {name}"
        );
    }
}

fn sources(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            all.push(fs::read_to_string(path).expect("a source"));
        }
    }
    all
}

#[test]
fn readme_s_cpp_and_go_are_the_examples() {
    let readme = read("README.md");
    for (fence, example, from, to) in [
        ("cpp", "examples/cpp/hello.cpp", "#include", "\n}\n"),
        ("go", "examples/go/hello/main.go", "func main", "\n}\n"),
    ] {
        let source = read(example);
        let begin = source.find(from).expect("the example's code");
        let end = begin + source[begin..].find(to).expect("its end") + to.len();
        let block = format!("```{fence}\n{}```", &source[begin..end]);
        assert!(
            readme.contains(&block),
            "README.md doesn't show {example} as it is"
        );
    }
}

#[test]
fn go_code_in_recorder_md_is_an_example_that_runs() {
    let recorder = read("docs/recorder.md");
    let examples = read("bindings/go/recorder_test.go");
    let blocks = blocks(&recorder, "go");
    assert_eq!(blocks.len(), 3);
    for (code, _) in blocks {
        let indented: String = code
            .lines()
            .map(|line| match line {
                "" => "\n".to_string(),
                line => format!("\t{line}\n"),
            })
            .collect();
        assert!(
            examples.contains(&indented),
            "bindings/go/recorder_test.go doesn't have\n{code}"
        );
    }
}

#[test]
fn readme_s_program_is_the_example() {
    let readme = read("README.md");
    let start = readme.find("```c\n").expect("a C program") + "```c\n".len();
    let program = &readme[start..start + readme[start..].find("```").expect("its end")];
    assert_eq!(
        program,
        read("examples/c/hello.c"),
        "README.md's program is not examples/c/hello.c"
    );
}

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for document in documents() {
        let text = read(&document);
        let folder = root()
            .join(&document)
            .parent()
            .expect("a folder")
            .to_owned();
        for (at, _) in text.match_indices("](") {
            let link: String = text[at + 2..].chars().take_while(|&c| c != ')').collect();
            let file = link.split('#').next().expect("a path");
            if !file.is_empty() && !file.contains("://") {
                assert!(
                    folder.join(file).exists(),
                    "{document} links to {link}, which is not there"
                );
                links += 1;
            }
        }
    }
    assert!(links >= 8);
}

#[test]
fn make_targets_exist() {
    let makefile = read("Makefile");
    let mut targets = BTreeSet::new();
    for document in documents() {
        let text = read(&document);
        for line in text.lines() {
            // In running text a command stands in backticks; in a block it begins the line.
            let commands = line.split('`').skip(1).step_by(2).chain([line]);
            for command in commands.filter_map(|c| c.strip_prefix("make ")) {
                let target: String = command
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                    .collect();
                assert!(
                    makefile
                        .lines()
                        .any(|l| l.starts_with(&format!("{target}:"))),
                    "{document} names `make {target}`, which the Makefile doesn't have"
                );
                targets.insert(target);
            }
        }
    }
    assert!(
        targets.contains("demo") && targets.contains("test"),
        "{targets:?}"
    );
}

/// Paths of this project that are named in documents.
#[test]
fn files_that_are_named_exist() {
    for document in documents() {
        let text = read(&document);
        for word in text.split('`').skip(1).step_by(2) {
            let in_here = [
                "runtime/",
                "ffi/",
                "include/",
                "cli/",
                "examples/",
                "tests/",
                "docs/",
                "scripts/",
                "bench/",
            ];
            if in_here.iter().any(|p| word.starts_with(p)) && !word.contains([' ', '*', '\n']) {
                assert!(
                    root().join(word).exists(),
                    "{document} names {word}, which is not there"
                );
            }
        }
    }
}

/// The blocks of a document's code in one language, each with what stands behind it.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<(&'a str, &'a str)> {
    let fence = format!("```{language}\n");
    let starts = document.match_indices(&fence);
    let code = starts.map(|(at, _)| &document[at + fence.len()..]);
    code.map(|code| code.split_once("```\n").expect("the end of a block"))
        .collect()
}

/// Handlers that a module names in its first line: `// scalar: one, other` or `// tiled: one`.
fn handlers_of(source: &str) -> Vec<rota::HandlerOptions> {
    let first = source.lines().next().unwrap_or("");
    let kinds = [("// scalar: ", false), ("// tiled: ", true)];
    let named = kinds.iter().find_map(|(head, tiled)| {
        let names = first.strip_prefix(head)?.split(", ");
        Some(names.map(|name| rota::HandlerOptions {
            opcode: 0x1000,
            function: name.into(),
            tiled: *tiled,
            fuel: 0,
        }))
    });
    named.map(Iterator::collect).unwrap_or_default()
}

/// Modules in the handlers' manual are verified as loading them would; one with a text behind it is
/// refused in just these words.
#[test]
fn modules_in_handlers_md_are_what_it_says() {
    let document = read("docs/handlers.md");
    let (mut good, mut refused) = (0, 0);
    for (source, behind) in blocks(&document, "wgsl") {
        let outcome = rota::verify(&rota::ModuleOptions {
            label: "mine.wgsl".into(),
            source: source.into(),
            handlers: handlers_of(source),
        });
        let expected = behind
            .strip_prefix("```text\n")
            .map(|text| text.split("\n```").next().expect("its end"));
        match (outcome, expected) {
            (Ok(()), None) => good += 1,
            (Err(error), Some(text)) => {
                let said = error.to_string();
                assert_eq!(said, text, "docs/handlers.md: this module\n{source}");
                refused += 1;
            }
            (Ok(()), Some(text)) => panic!("{source}is not refused with\n{text}"),
            (Err(error), None) => panic!("{source}\n{error}"),
        }
    }
    assert!(good >= 5 && refused >= 12, "{good} good, {refused} refused");
}

/// Every function that a handler can call is in its manual, with its parameters, and nothing else is.
#[test]
fn handlers_md_has_every_function_of_the_prelude() {
    let document = read("docs/handlers.md");
    let prelude = read("runtime/src/kernel/prelude.wgsl");
    let declared: BTreeSet<&str> = prelude
        .lines()
        .filter_map(|l| l.strip_prefix("fn "))
        .filter_map(|l| l.strip_suffix(" {"))
        .filter(|l| !l.starts_with("rota_"))
        .collect();
    assert!(declared.len() >= 50, "{declared:?}");
    let name = |signature: &str| {
        let end = signature.find('(').unwrap_or(signature.len());
        signature[..end].to_string()
    };
    let names: BTreeSet<String> = declared.iter().map(|s| name(s)).collect();
    // The rows of its tables, and what stands in backticks in their first cells.
    let mut told = BTreeSet::new();
    let prelude_part = document
        .split_once("## The prelude")
        .and_then(|(_, rest)| rest.split_once("## Fuel"))
        .expect("the sections")
        .0;
    let cells = prelude_part
        .lines()
        .filter_map(|l| l.strip_prefix("| "))
        .filter_map(|l| l.split(" | ").next());
    for word in cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        if word.contains('(') {
            assert!(
                declared.contains(word),
                "docs/handlers.md: the prelude has no fn {word}"
            );
        }
        told.insert(name(word.split(" ->").next().expect("a name")));
    }
    assert!(prelude_part.contains("`barrier()`"));
    told.insert("barrier".into());
    assert_eq!(told, names, "told, and what there is");
}

#[test]
fn metrics_md_has_every_metric() {
    use rota::metrics::{families, Kind};
    let text = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let table = text.split("## All metrics").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|l| l.starts_with("| `")).collect();
    let expected: Vec<String> = families()
        .iter()
        .map(|family| {
            let suffix = match family.kind {
                Kind::Counter => "_total",
                Kind::Info => "_info",
                _ => "",
            };
            let (name, kind, labels) = (family.name, family.kind.name(), family.labels.join(", "));
            let (help, source) = (family.help, family.source);
            format!("| `{name}{suffix}` | {kind} | {labels} | {help} | {source} |")
        })
        .collect();
    assert_eq!(rows, expected);
}
