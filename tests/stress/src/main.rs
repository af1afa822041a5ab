//! `rota-stress`: many jobs, many threads, leases that end all the time; every job is executed exactly once, and every
//! result is right.
//!
//! A *flood* (flood.rs) pushes jobs through tenants from many threads and checks each completion, the effects in
//! memory, and the number of jobs that the kernel says it ran. *Stops* (stops.rs) opens runtimes and stops them in the
//! middle of their work. *Churn* (churn.rs) makes and destroys tenants with open jobs beside tenants that go on. *Cycles*
//! (cycles.rs) run tenants through their lives from many threads, under quotas. *Loads* (loads.rs) changes the kernel under
//! jobs that run. *Recorded* (recorded.rs) writes a flight recorder's log and does it all again. The scenarios that `--short`
//! and `--long` run are listed in scenarios.rs.

mod churn;
mod cycles;
mod flood;
mod hold_up;
mod jobs;
mod loads;
mod recorded;
mod revokes;
mod scenarios;
mod stops;
mod verdict;
mod watchdog;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
rota-stress: every job exactly once, every result right

  rota-stress --short             all scenarios, small (about half a minute)
  rota-stress --long              all scenarios, large (100 million jobs and more)
  rota-stress --scenario NAME     only this one; may be given several times
  rota-stress --list              the scenarios
      --jobs N                    so many jobs (or rounds) in place of the scenario's own number
      --log FILE                  where `recorded` leaves its log, for other devices
      --seed N                    another series of jobs (default 1)
      --help

The device and driver are chosen as always: ROTA_DEVICE, VK_DRIVER_FILES, VK_ICD_FILENAMES.
Exit code 0 if everything held, 1 if something did not or hung, 2 for a wrong command line.
";

/// The command line.
struct Options {
    long: bool,
    names: Vec<String>,
    jobs: Option<u64>,
    seed: u64,
    log: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|a| a == scenarios::BURN) {
        scenarios::burn();
    }
    let options = match parse(&arguments) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("rota-stress: {what}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if scenarios::run(&options) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn parse(arguments: &[String]) -> Result<Option<Options>, String> {
    let mut options = Options {
        long: false,
        names: Vec::new(),
        jobs: None,
        seed: 1,
        log: None,
    };
    let mut size = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
        let number = |text: &String| {
            text.replace('_', "")
                .parse::<u64>()
                .map_err(|_| format!("{argument} needs a number, not '{text}'"))
        };
        match argument.as_str() {
            "--short" => size = true,
            "--long" => (size, options.long) = (true, true),
            "--scenario" => options.names.push(value()?.clone()),
            "--jobs" => options.jobs = Some(number(value()?)?.max(1)),
            "--log" => options.log = Some(value()?.into()),
            "--seed" => options.seed = number(value()?)?,
            "--list" => {
                scenarios::list();
                return Ok(None);
            }
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(format!("what is '{other}'?")),
        }
    }
    if !size && options.names.is_empty() {
        return Err("say --short, --long or --scenario NAME".into());
    }
    if let Some(unknown) = options.names.iter().find(|n| !scenarios::exists(n)) {
        return Err(format!("no scenario is called '{unknown}'; see --list"));
    }
    Ok(Some(options))
}
