//! Handlers that are kept, with what is expected of them: those that once found something, and one for each feature.
//!
//! A file is WGSL with a handler `main_`; all other names that it declares outside of functions begin with `p_`. Its comments tell how it is run. There may be several runs; what a later one
//! doesn't say is as in the one before:
//!
//! ```text
//! // scalar                                              or tiled
//! // run fuel=2000 tiles=1 args=0,0,0,0,0,0,0            arguments 3 to 9
//! // given first second                                  arguments 1 and 2: first, second, null, garbage, foreign
//! // first 00112233                                      bytes; `read-only` in front of them
//! // second read-only 00
//! // expect fault=0 results=1,2 fuel=7 digest=0x123
//! // expect first 00112233
//! // expect second 00
//! ```
//!
//! Tiled ones have to expect the same for any number of lanes: `fuel=any` is for these. A digest that isn't told may be any.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::ast::Program;
use crate::device::{Device, Source, Work};
use crate::input::{Given, Input};
use crate::interpret::{Memory, Outcome};
use crate::wgsl;

/// Files that are loaded at once.
const AT_ONCE: usize = 50;

const GIVEN: [(&str, Given); 5] = [
    ("first", Given::First),
    ("second", Given::Second),
    ("null", Given::Null),
    ("garbage", Given::Garbage),
    ("foreign", Given::Foreign),
];

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

struct Kept {
    name: String,
    text: String,
    tiled: bool,
    runs: Vec<(Input, Outcome, Any)>,
}

/// What of an outcome may be anything.
#[derive(Clone, Copy)]
struct Any {
    fuel: bool,
    digest: bool,
}

/// A program, its input and what is expected, as a file of the corpus.
pub fn write(program: &Program, input: &Input, expected: &Outcome) -> String {
    let mut out = String::new();
    let kind = if program.tiled.is_some() {
        "tiled"
    } else {
        "scalar"
    };
    writeln!(out, "// {kind}").unwrap();
    let args: Vec<String> = input.args.iter().map(u32::to_string).collect();
    writeln!(
        out,
        "// run fuel={} tiles={} args={}",
        input.fuel,
        input.tiles,
        args.join(",")
    )
    .unwrap();
    let given = input
        .given
        .map(|g| GIVEN.iter().find(|(_, k)| *k == g).unwrap().0);
    writeln!(out, "// given {} {}", given[0], given[1]).unwrap();
    for (name, memory) in ["first", "second"].iter().zip(&input.buffers) {
        let rights = if memory.read_only { "read-only " } else { "" };
        writeln!(out, "// {name} {rights}{}", hex(&memory.bytes)).unwrap();
    }
    let [a, b] = expected.results;
    writeln!(
        out,
        "// expect fault={} results={a},{b} fuel={} digest={:#x}",
        expected.fault, expected.fuel, expected.digest
    )
    .unwrap();
    for (name, bytes) in ["first", "second"].iter().zip(&expected.buffers) {
        writeln!(out, "// expect {name} {}", hex(bytes)).unwrap();
    }
    out += &wgsl::print(program, "p_");
    out + "fn main_() {\n" + &wgsl::resolving(program) + "    p_main(a, b);\n}\n"
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut s, b| {
        write!(s, "{b:02x}").unwrap();
        s
    })
}

fn read(path: &Path) -> Result<Kept, String> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).map_err(|e| format!("{name}: {e}"))?;
    let mut kept = Kept {
        name: name.clone(),
        tiled: false,
        runs: Vec::new(),
        text,
    };
    for (n, line) in kept.text.lines().enumerate() {
        let words: Vec<&str> = match line.strip_prefix("// ") {
            Some(rest) => rest.split_whitespace().collect(),
            None => continue,
        };
        let bad = || format!("{name}:{}: what is '{line}'?", n + 1);
        let last = kept.runs.last_mut();
        match (&words[..], last) {
            (["scalar"], None) => {}
            (["tiled"], None) => kept.tiled = true,
            (["run", fields @ ..], _) => {
                let mut run = match kept.runs.last() {
                    // What a further run doesn't say is as before.
                    Some(run) => run.clone(),
                    None => {
                        let empty = Memory {
                            bytes: Vec::new(),
                            read_only: false,
                        };
                        let input = Input {
                            tiles: 1,
                            fuel: 1000,
                            given: [Given::First, Given::Second],
                            args: [0; 7],
                            buffers: [empty.clone(), empty],
                        };
                        let any = Any {
                            fuel: false,
                            digest: true,
                        };
                        (input, Outcome::default(), any)
                    }
                };
                for field in fields {
                    match field.split_once('=') {
                        Some(("fuel", v)) => run.0.fuel = number(v).ok_or_else(bad)?,
                        Some(("tiles", v)) => run.0.tiles = number(v).ok_or_else(bad)?,
                        Some(("args", v)) => {
                            for (arg, v) in run.0.args.iter_mut().zip(v.split(',')) {
                                *arg = number(v).ok_or_else(bad)?;
                            }
                        }
                        _ => return Err(bad()),
                    }
                }
                kept.runs.push(run);
            }
            (["given", a, b], Some(run)) => {
                for (given, word) in run.0.given.iter_mut().zip([a, b]) {
                    *given = GIVEN.iter().find(|(w, _)| w == word).ok_or_else(bad)?.1;
                }
            }
            ([which @ ("first" | "second"), rest @ ..], Some(run)) => {
                let i = usize::from(*which == "second");
                let bytes = unhex(rest.last().ok_or_else(bad)?).ok_or_else(bad)?;
                run.1.buffers.resize(2, Vec::new());
                run.1.buffers[i].clone_from(&bytes);
                run.0.buffers[i] = Memory {
                    bytes,
                    read_only: rest[0] == "read-only",
                };
            }
            (["expect", which @ ("first" | "second"), bytes], Some(run)) => {
                run.1.buffers[usize::from(*which == "second")] = unhex(bytes).ok_or_else(bad)?;
            }
            (["expect", fields @ ..], Some(run)) => {
                for field in fields {
                    match field.split_once('=') {
                        Some(("fault", v)) => run.1.fault = number(v).ok_or_else(bad)?,
                        Some(("fuel", "any")) => run.2.fuel = true,
                        Some(("digest", v)) => {
                            run.2.digest = false;
                            run.1.digest = v
                                .strip_prefix("0x")
                                .and_then(|v| u64::from_str_radix(v, 16).ok())
                                .ok_or_else(bad)?;
                        }
                        Some(("fuel", v)) => run.1.fuel = number(v).ok_or_else(bad)?,
                        Some(("results", v)) => {
                            for (result, v) in run.1.results.iter_mut().zip(v.split(',')) {
                                *result = number(v).ok_or_else(bad)?;
                            }
                        }
                        _ => return Err(bad()),
                    }
                }
            }
            // A comment.
            _ => {}
        }
    }
    if kept.runs.is_empty() {
        return Err(format!("{name} has no run"));
    }
    Ok(kept)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok())
        .collect()
}

/// Runs all files; gives their number, and what went wrong.
pub fn replay(device: &mut Device) -> Result<(usize, Vec<String>), String> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .map_err(|e| format!("{}: {e}", folder().display()))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    paths.retain(|p| p.extension().is_some_and(|e| e == "wgsl"));
    paths.sort();
    let files: Vec<Kept> = paths.iter().map(|p| read(p)).collect::<Result<_, _>>()?;

    let mut wrong = Vec::new();
    for some in files.chunks(AT_ONCE) {
        // One module with all of them, because a load compiles the whole kernel.
        let mut source = Source {
            text: String::new(),
            handlers: Vec::new(),
        };
        for (n, kept) in some.iter().enumerate() {
            source.text += &kept.source(n);
            source.handlers.push((format!("main_{n}"), kept.tiled));
        }
        if let Err(what) = device.load(&source) {
            return Err(format!("the corpus can't be loaded: {what}"));
        }
        let mut works = Vec::new();
        for (n, kept) in some.iter().enumerate() {
            works.extend(kept.runs.iter().map(|(input, _, _)| Work {
                handler: n as u32,
                selector: 0,
                input,
            }));
        }
        let mut outcomes = device.run(&works)?.into_iter();
        for kept in some {
            for (n, (_, expected, any)) in kept.runs.iter().enumerate() {
                let mut got = outcomes.next().expect("one for each run");
                if any.fuel {
                    got.fuel = expected.fuel;
                }
                if any.digest || !device.digests {
                    got.digest = expected.digest;
                }
                if got != *expected {
                    wrong.push(format!(
                        "{}, run {}: expected {expected:x?}, got {got:x?}",
                        kept.name,
                        n + 1
                    ));
                }
            }
        }
    }
    Ok((files.len(), wrong))
}

impl Kept {
    /// The WGSL as the n-th of a module: its names, which begin with `p_`, and its handler's, `main_`, get the number.
    fn source(&self, n: usize) -> String {
        let mut out = String::new();
        let mut word = String::new();
        for c in self.text.chars().chain(['\n']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            match word.strip_prefix("p_") {
                Some(rest) => write!(out, "p{n}_{rest}").unwrap(),
                None if word == "main_" => write!(out, "main_{n}").unwrap(),
                None => out.push_str(&word),
            }
            word.clear();
            out.push(c);
        }
        out
    }
}
