//! The corpus: what a file of `tests/hostile` says of itself in its first comments.
//!
//! A sentence tells what it tries. After that, in any number and order:
//!
//! - `expect: rejected "part"`: the verifier refuses it, and its message has that part.
//! - `expect: fault NAME`, `fault A|B`, `fault HANDLER+7`: the jobs below are FAULTED by that.
//! - `expect: contained`: the jobs below end OK, with what `result:` says.
//! - `expect: refused STATUS`: the jobs below are not accepted.
//! - `handler: scalar|tiled name [tiles=n] [fuel=n] [copies=n] [after=victim] [args=a,b,...]`: a job. Arguments are numbers or
//!   buffers, with `+n`, `-n` or `^n` behind; `after=victim` runs it just behind the victim's jobs that leave words around.
//! - `result: a b`: what the job above answers; `0 0` if nothing is said, `any` if it doesn't matter.
//! - `writes: i=v ...`: the words of OWN that the job above changes; none if nothing is said.
//! - `alone`: has names that would mean something to other sources, so it can't share a module with them.

use std::collections::HashSet;
use std::path::Path;

/// What becomes of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Ends {
    Ok,
    /// By one of these faults.
    Faulted(Vec<u32>),
    /// With the status of that name, when it is submitted.
    Refused(String),
}

#[derive(Clone, Debug)]
pub enum Base {
    Number,
    Own,
    ReadOnly,
    Odd,
    Dead,
    Foreign,
    ForeignReadOnly,
}

/// An argument: a base, and what is done to it.
#[derive(Clone, Debug)]
pub struct Argument {
    pub base: Base,
    pub turn: u32,
    pub add: u32,
}

/// A job, and what has to become of it.
#[derive(Clone, Debug)]
pub struct Attack {
    /// Which of the case's handlers.
    pub handler: usize,
    pub tiles: u32,
    pub fuel: u32,
    pub copies: usize,
    pub after_victim: bool,
    pub arguments: Vec<Argument>,
    pub ends: Ends,
    /// None: whatever they are.
    pub results: Option<[u32; 2]>,
    pub writes: Vec<(usize, u32)>,
}

/// A source, and what has to become of it.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub source: String,
    /// Names, and whether they are tiled.
    pub handlers: Vec<(String, bool)>,
    /// The part of the message, if it is to be rejected.
    pub rejected: Option<String>,
    pub attacks: Vec<Attack>,
    pub alone: bool,
}

/// All files, by name.
pub fn read() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/hostile");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "wgsl"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let source =
                std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            Case::new(name, source)
        })
        .collect()
}

pub fn number(text: &str) -> u32 {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|e| panic!("'{text}' is no number: {e}"))
}

impl Case {
    /// From a source, which speaks for itself.
    pub fn new(name: String, source: String) -> Self {
        let mut case = Self {
            name: name.clone(),
            source: source.clone(),
            handlers: Vec::new(),
            rejected: None,
            attacks: Vec::new(),
            alone: false,
        };
        let mut ends = None;
        let head = source
            .trim_start_matches('\u{feff}')
            .lines()
            .map_while(|line| line.strip_prefix("// "));
        let mut told = false;
        for line in head {
            let (key, value) = line.split_once(": ").unwrap_or((line, ""));
            match key {
                "expect" => {
                    let (kind, what) = value.split_once(' ').unwrap_or((value, ""));
                    ends = match kind {
                        "rejected" => {
                            case.rejected = Some(
                                what.strip_prefix('"')
                                    .and_then(|w| w.strip_suffix('"'))
                                    .expect("in quotation marks")
                                    .into(),
                            );
                            None
                        }
                        "contained" => Some(Ends::Ok),
                        "fault" => Some(Ends::Faulted(what.split('|').map(fault).collect())),
                        "refused" => Some(Ends::Refused(what.into())),
                        _ => panic!("{name}: what is '{value}'?"),
                    };
                }
                "handler" => {
                    let attack = case.attack(value, ends.clone());
                    case.attacks.extend(attack);
                }
                "result" => {
                    let attack = case
                        .attacks
                        .last_mut()
                        .unwrap_or_else(|| panic!("{name}: which job is that?"));
                    attack.results = (value != "any").then(|| {
                        let (a, b) = value.split_once(' ').expect("two results");
                        [number(a), number(b)]
                    });
                }
                "writes" => {
                    let attack = case
                        .attacks
                        .last_mut()
                        .unwrap_or_else(|| panic!("{name}: which job is that?"));
                    attack.writes = value
                        .split(' ')
                        .map(|w| w.split_once('=').expect("index=value"))
                        .map(|(i, v)| (number(i) as usize, number(v)))
                        .collect();
                }
                "alone" => case.alone = true,
                _ => told = true,
            }
        }
        assert!(told, "{name} doesn't tell what it tries");
        assert!(!case.handlers.is_empty(), "{name} has no handler");
        assert!(
            case.rejected.is_some() == case.attacks.is_empty(),
            "{name}: rejected files have no jobs, others do"
        );
        case
    }

    /// A `handler:` line: adds the handler if it is new, and gives the job unless the file is to be rejected.
    fn attack(&mut self, line: &str, ends: Option<Ends>) -> Option<Attack> {
        let mut words = line.split(' ');
        let tiled = match words.next() {
            Some("tiled") => true,
            Some("scalar") => false,
            other => panic!("{}: what is a handler of kind {other:?}?", self.name),
        };
        let handler = (words.next().expect("a name").to_string(), tiled);
        let index = match self.handlers.iter().position(|h| *h == handler) {
            Some(index) => index,
            None => {
                self.handlers.push(handler);
                self.handlers.len() - 1
            }
        };
        let mut attack = Attack {
            handler: index,
            tiles: if tiled { 3 } else { 1 },
            fuel: 0,
            copies: if tiled { 1 } else { 3 },
            after_victim: false,
            arguments: Vec::new(),
            ends: ends?,
            results: Some([0, 0]),
            writes: Vec::new(),
        };
        for word in words {
            match word.split_once('=').expect("key=value") {
                ("tiles", n) => attack.tiles = number(n),
                ("fuel", n) => attack.fuel = number(n),
                ("copies", n) => attack.copies = number(n) as usize,
                ("after", "victim") => attack.after_victim = true,
                ("args", list) => attack.arguments = list.split(',').map(argument).collect(),
                (key, value) => panic!("{}: what is '{key}={value}'?", self.name),
            }
        }
        Some(attack)
    }

    /// The names that it declares at module scope.
    pub fn names(&self) -> HashSet<&str> {
        self.source
            .lines()
            .filter_map(|line| {
                ["fn ", "struct ", "const ", "alias ", "var<private> "]
                    .iter()
                    .find_map(|start| line.strip_prefix(start))
            })
            .filter_map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
            })
            .collect()
    }
}

fn fault(name: &str) -> u32 {
    if let Some(code) = name.strip_prefix("HANDLER+") {
        return rota::fault::HANDLER + number(code);
    }
    (1..64)
        .find(|&code| rota::fault_name(code) == name)
        .unwrap_or_else(|| panic!("no fault has the name '{name}'"))
}

fn argument(text: &str) -> Argument {
    let at = text.find(['+', '-', '^']).unwrap_or(text.len());
    let (base, operation) = text.split_at(at);
    let (base, number_) = match base {
        "OWN" => (Base::Own, 0),
        "RO" => (Base::ReadOnly, 0),
        "ODD" => (Base::Odd, 0),
        "DEAD" => (Base::Dead, 0),
        "FOREIGN" => (Base::Foreign, 0),
        "FOREIGN_RO" => (Base::ForeignReadOnly, 0),
        other => (Base::Number, number(other)),
    };
    let mut argument = Argument {
        base,
        turn: 0,
        add: number_,
    };
    if let Some(operand) = operation.get(1..) {
        match &operation[..1] {
            "+" => argument.add = number(operand),
            "-" => argument.add = number(operand).wrapping_neg(),
            _ => argument.turn = number(operand),
        }
    }
    argument
}
