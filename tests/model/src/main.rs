//! Runs scenarios by hand: all short ones, or with `--long` the large ones as well.

use rota_model::{
    explore, group_long, group_mistakes, group_short, long, mistakes, short, Model, Violation,
};
use std::fmt::Debug;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str = "\
rota-model: walks through every order of steps of the kernel's side of the protocol

usage: rota-model [--short | --long] [--mistakes] [--limit STATES] [NAME]

  --short          the small scenarios only, as without an option
  --long           the large scenarios as well (a minute, 1 GB of memory)
  --mistakes       the scenarios with a mistake in them, each with the way to its violation
  --limit STATES   stop a scenario that has more states than this (default 60000000)
  NAME             only scenarios whose name contains this
  --help           this text

Ends with status 1 if the right protocol broke a property or a scenario was cut at the limit, or if a
mistake was not found; with 2 if the arguments are wrong.
";

struct Options {
    long: bool,
    mistakes: bool,
    limit: usize,
    name: String,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("rota-model: {message}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let good = if options.mistakes {
        run_mistakes(&options)
    } else {
        run(&options)
    };
    ExitCode::from(u8::from(!good))
}

/// The options, or nothing if help was asked for.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        long: false,
        mistakes: false,
        limit: 60_000_000,
        name: String::new(),
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(None),
            "--short" => options.long = false,
            "--long" => options.long = true,
            "--mistakes" => options.mistakes = true,
            "--limit" => {
                let value = arguments.next().unwrap_or_default();
                options.limit = value
                    .parse()
                    .map_err(|_| format!("'{value}' is no number of states"))?;
            }
            _ if argument.starts_with('-') => return Err(format!("unknown option '{argument}'")),
            _ => options.name = argument,
        }
    }
    Ok(Some(options))
}

fn run(options: &Options) -> bool {
    let (mut rings, mut groups) = (short(), group_short());
    if options.long {
        rings.extend(long());
        groups.extend(group_long());
    }
    let mut good = true;
    for scenario in rings {
        good &= run_one(scenario.name, &scenario, options);
    }
    for scenario in groups {
        good &= run_one(scenario.name, &scenario, options);
    }
    good
}

fn run_one<M: Model>(name: &str, scenario: &M, options: &Options) -> bool {
    if !name.contains(&options.name) {
        return true;
    }
    let start = Instant::now();
    let report = explore(scenario, options.limit);
    print(&format!(
        "{name:<36} {:>10} states {:>10} steps {:>6} final {:>7.2} s\n",
        report.states,
        report.steps,
        report.finals,
        start.elapsed().as_secs_f64()
    ));
    if let Some(found) = &report.found {
        print(&format!("{:?}:\n{}", found.violation, found.trace));
    }
    if report.cut {
        print("cut at the limit: not all states were seen\n");
    }
    report.found.is_none() && !report.cut && report.finals > 0
}

fn run_mistakes(options: &Options) -> bool {
    let mut good = true;
    for (mistake, expected, scenario) in mistakes() {
        good &= run_mistake(mistake, expected, scenario.name, &scenario, options);
    }
    for (mistake, expected, scenario) in group_mistakes() {
        good &= run_mistake(mistake, expected, scenario.name, &scenario, options);
    }
    good
}

fn run_mistake<M: Model>(
    mistake: impl Debug,
    expected: Violation,
    name: &str,
    scenario: &M,
    options: &Options,
) -> bool {
    if !name.contains(&options.name) {
        return true;
    }
    let report = explore(scenario, options.limit);
    let Some(found) = &report.found else {
        print(&format!(
            "{mistake:?}: not found in {} states\n\n",
            report.states
        ));
        return false;
    };
    print(&format!(
        "{mistake:?}: {:?} after {} states\n{}\n",
        found.violation, report.states, found.trace
    ));
    found.violation == expected
}

/// Ends quietly when nobody reads on, as in `rota-model | head`.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}
