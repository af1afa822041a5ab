//! The command line.

use crate::parts::PARTS;
use crate::Fallible;
use std::path::PathBuf;

pub const HELP: &str = "\
rota-bench: measures Rota beside plain Vulkan and wgpu, in one process, on the same device

usage: rota-bench [--part NAME]... [--long] [--out DIR] [--peers-only]

  --part NAME    run only this part (may be repeated); other parts' figures in the report stay
  --list         print the parts and what each measures
  --long         four times as many samples; may take longer than 10 minutes
  --out DIR      where report.json and report.md go (default: target/bench)
  --peers-only   measure the other ways alone, without librota
  --help         this text

environment:
  ROTA_LIB       the library to load (default: target/release/librota_ffi.so)
  ROTA_DEVICE    the device that Rota chooses, and with it all peers
  VK_DRIVER_FILES or VK_ICD_FILENAMES   the Vulkan driver, as for every Vulkan program

exits with 0 when everything asked for was measured, whatever the figures say;
with 1 on wrong results or errors, with 2 on a wrong command line
";

pub enum Wish {
    Help,
    List,
    Run(Run),
    ChildOpen(Vec<String>),
}

pub struct Run {
    pub parts: Vec<&'static str>,
    pub long: bool,
    pub out: PathBuf,
    pub peers_only: bool,
}

pub fn parse(mut args: impl Iterator<Item = String>) -> Fallible<Wish> {
    let mut run = Run {
        parts: Vec::new(),
        long: false,
        out: PathBuf::from("target/bench"),
        peers_only: false,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--help" | "-h" => return Ok(Wish::Help),
            "--list" => return Ok(Wish::List),
            "--long" => run.long = true,
            "--peers-only" => run.peers_only = true,
            "--out" => run.out = PathBuf::from(value()?),
            "--part" => run.parts.push(known(&value()?)?),
            // Only this program calls itself so.
            "--child-open" => return Ok(Wish::ChildOpen(args.collect())),
            other => return Err(format!("unknown argument {other}; see --help").into()),
        }
    }
    if run.parts.is_empty() {
        run.parts = PARTS.iter().map(|part| part.name).collect();
    }
    Ok(Wish::Run(run))
}

fn known(name: &str) -> Fallible<&'static str> {
    let found = PARTS.iter().find(|part| part.name == name);
    found.map(|part| part.name).ok_or_else(|| {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        format!("no part {name}; there are: {}", names.join(", ")).into()
    })
}
