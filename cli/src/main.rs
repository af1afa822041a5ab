//! The `rota` tool: what devices there are, what they can do, and how fast.
//!
//! Exit codes: 0 it worked, 1 it didn't, 2 the command line is wrong (`rota replay` has its own). Whatever ends it early is told in one line on
//! stderr, with what to do about it.

mod args;
mod bench;
mod doctor;
mod environment;
mod histogram;
mod paper;
mod replay;
mod report;
mod spans;
mod top;

use std::process::ExitCode;

use args::Command;
use paper::print;

/// Why a command ended early.
enum Failure {
    /// One line for people.
    Said(String),
    /// Everything to say is on stdout already, or nobody reads it any more.
    Silent,
}

impl From<rota::Error> for Failure {
    fn from(error: rota::Error) -> Self {
        Self::Said(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            // `rota doctor | head` is no failure to speak of.
            std::io::ErrorKind::BrokenPipe => Self::Silent,
            _ => Self::Said(format!("can't write the output: {error}")),
        }
    }
}

fn main() -> ExitCode {
    let command = match args::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(wrong) => {
            eprintln!("rota: {wrong}");
            return ExitCode::from(2);
        }
    };
    let outcome = match command {
        Command::Help(topic) => print(args::help(topic)).map_err(Failure::from),
        Command::Version => print(&format!("rota {}\n", rota::VERSION)).map_err(Failure::from),
        Command::Doctor(options) => doctor::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Replay(options) => return replay::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Spans(options) => spans::run(&options),
        Command::Top(options) => top::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Silent) => ExitCode::FAILURE,
        Err(Failure::Said(line)) => {
            eprintln!("rota: {line}");
            ExitCode::FAILURE
        }
    }
}
