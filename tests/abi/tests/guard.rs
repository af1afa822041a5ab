//! The ABI is the one that was blessed: exported symbols (`symbols.txt`), sizes, offsets and values
//! (`layout.txt`), and the types of all functions, compared by abidiff (`rota.abi`).
//!
//! `ROTA_BLESS=1 cargo test -p rota-abi --test guard` writes the three anew. What was only added
//! fails too, so that nothing becomes part of the ABI by accident.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rota_abi::{include_dir, items, root, Kind};

const BLESS: &str = "ROTA_BLESS=1 cargo test -p rota-abi --test guard";

#[test]
fn the_library_exports_the_symbols_that_were_blessed() {
    let test = std::env::current_exe().expect("this program's path");
    let library = test
        .ancestors()
        .map(|folder| folder.join("librota_ffi.so"))
        .find(|path| path.exists())
        .expect("cargo builds librota_ffi.so beside the test program");
    let mut nm = tool("nm", "binutils");
    nm.args(["-D", "--defined-only"]).arg(library);
    let table = succeed(&mut nm);
    let mut symbols: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    symbols.sort_unstable();
    for symbol in &symbols {
        assert!(
            symbol.starts_with("rota_"),
            "the library exports {symbol}, which is not Rota's"
        );
    }
    compare("symbols.txt", &(symbols.join("\n") + "\n"));
}

#[test]
fn sizes_offsets_and_values_are_those_that_were_blessed() {
    let mut body = String::new();
    let mut initialisers = String::new();
    for item in items() {
        let name = &item.name;
        match &item.kind {
            Kind::Struct(fields) => {
                writeln!(body, "STRUCT({name});").unwrap();
                for field in fields {
                    let (field, type_name) = (&field.name, &field.type_name);
                    writeln!(body, "FIELD({name}, {field}, \"{type_name}\");").unwrap();
                }
            }
            Kind::Alias => writeln!(body, "STRUCT({name});").unwrap(),
            // What a program is compiled with of an initialiser is its text.
            Kind::Macro(text) if text.starts_with('{') => {
                writeln!(initialisers, "{name} = {text}").unwrap();
            }
            // Every release has another version.
            Kind::Macro(_) if name.starts_with("ROTA_VERSION_") => {}
            Kind::Macro(_) => writeln!(body, "VALUE({name});").unwrap(),
            Kind::Function(_) | Kind::Opaque => {}
        }
    }
    let source = format!(
        r#"#include <rota/rota.h>
#include <stdio.h>
#define STRUCT(s) printf("%s: %zu bytes, aligned to %zu\n", #s, sizeof(s), _Alignof(s))
#define FIELD(s, f, type) printf("%s.%s: %s at %zu, %zu bytes\n", #s, #f, type, offsetof(s, f), sizeof(((s *)0)->f))
#define VALUE(m) printf("%s = %llu, %zu bytes\n", #m, (unsigned long long)(m), sizeof(m))
int main(void) {{
{body}return 0;
}}
"#
    );
    let program = compile("layout", &source, &["-std=c11"]);
    let layout = succeed(&mut Command::new(program)) + &initialisers;
    compare("layout.txt", &layout);
}

#[test]
fn types_are_those_that_were_blessed() {
    let stubs = compile(
        "librota-stubs.so",
        &stubs(),
        // As abidiff reads them best, and as old ones of it can.
        &["-std=c11", "-shared", "-gdwarf-4"],
    );
    let baseline = here().join("rota.abi");
    let mut abidw = tool("abidw", "abigail-tools");
    abidw.args(["--no-show-locs", "--no-comp-dir-path", "--no-corpus-path"]);
    let now = succeed(abidw.arg(&stubs));
    for name in functions() {
        assert!(
            now.contains(&format!("name='{name}'")),
            "abidw doesn't see {name}"
        );
    }
    if blessing() {
        std::fs::write(baseline, now).expect("write rota.abi");
        return;
    }

    let mut abidiff = tool("abidiff", "abigail-tools");
    abidiff.args(["--no-architecture", "--no-show-locs"]);
    let output = run(abidiff.arg(&baseline).arg(&stubs));
    let said = String::from_utf8_lossy(&output.stdout);
    // Bits: 1 an error, 2 wrong usage, 4 a change, 8 one that is surely incompatible.
    match output.status.code() {
        Some(0) => {}
        Some(4) if said.contains("Functions changes summary: 0 Removed, 0 Changed") => {
            panic!("{said}{}", advice(false));
        }
        Some(code) if code & 4 != 0 => panic!("{said}{}", advice(true)),
        _ => panic!(
            "{abidiff:?}\n{said}{}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// A library with the header's functions, which do nothing: what has debug information in full, in
/// C's words, however the real one was built.
fn stubs() -> String {
    let mut source = String::from("#include <rota/rota.h>\n");
    for item in items() {
        if let Kind::Function(declaration) = item.kind {
            let body = match declaration.strip_prefix("void rota_") {
                Some(_) => "",
                None => " return 0; ",
            };
            writeln!(source, "{declaration} {{{body}}}").unwrap();
        }
    }
    source
}

fn functions() -> Vec<String> {
    let all = items().into_iter();
    let names: Vec<String> = all
        .filter(|item| matches!(item.kind, Kind::Function(_)))
        .map(|item| item.name)
        .collect();
    assert!(!names.is_empty(), "no function found in rota.h");
    names
}

fn blessing() -> bool {
    std::env::var_os("ROTA_BLESS").is_some_and(|value| value == "1")
}

/// Holds a text against the blessed one, line by line, whatever their order is.
fn compare(name: &str, now: &str) {
    let path = here().join(name);
    if blessing() {
        std::fs::write(path, now).expect("write what was blessed");
        return;
    }
    let blessed = std::fs::read_to_string(path).unwrap_or_default();
    let lacks = |text: &str, line: &&str| !text.lines().any(|other| other == *line);
    let gone: Vec<&str> = blessed.lines().filter(|line| lacks(now, line)).collect();
    let new: Vec<&str> = now.lines().filter(|line| lacks(&blessed, line)).collect();
    let mut told = format!("tests/abi/{name}\n");
    for line in &gone {
        writeln!(told, "- {line}").unwrap();
    }
    for line in &new {
        writeln!(told, "+ {line}").unwrap();
    }
    assert!(
        gone.is_empty() && new.is_empty(),
        "{told}{}",
        advice(!gone.is_empty())
    );
    assert_eq!(blessed, now, "tests/abi/{name} in another order: {BLESS}");
}

fn advice(breaks: bool) -> String {
    if breaks {
        format!(
            "This breaks programs that were built with the header as it was, unless all it does is to \
             append fields to a struct that has a struct_size. If nothing else will do: raise the \
             version in Cargo.toml (the minor one before 1.0; from then on the major one, and with it \
             the SONAME in ffi/build.rs), tell it in CHANGELOG.md, and then\n    {BLESS}"
        )
    } else {
        format!(
            "This is new in the ABI, and breaks nothing. If it is meant to stay for good: tell it in \
             CHANGELOG.md, and then\n    {BLESS}"
        )
    }
}

fn here() -> PathBuf {
    root().join("tests/abi")
}

/// Compiles and links a source by the C compiler of this machine.
fn compile(name: &str, source: &str, args: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abi");
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    let from = folder.join(name).with_extension("c");
    let to = folder.join(name);
    std::fs::write(&from, source).expect("write a source");
    // Outside of a build script nobody tells it these.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let compiler = cc::Build::new()
        .target(&target)
        .host(&target)
        .opt_level(0)
        .debug(true)
        .pic(true)
        .cargo_metadata(false)
        .try_get_compiler()
        .expect("a C compiler (Debian, Ubuntu: apt-get install gcc libc6-dev)");
    let mut command = compiler.to_command();
    command.args(args).arg("-I").arg(include_dir());
    // No path of this machine in debug information, and so in what is blessed.
    command.arg(format!("-ffile-prefix-map={}=.", folder.display()));
    succeed(command.arg(&from).arg("-o").arg(&to));
    to
}

/// A command, or a panic that says what to install.
fn tool(name: &str, package: &str) -> Command {
    assert!(
        Command::new(name).arg("--version").output().is_ok(),
        "{name} can't be run; install it (Debian, Ubuntu: apt-get install {package})"
    );
    Command::new(name)
}

fn run(command: &mut Command) -> Output {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
