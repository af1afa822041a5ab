//! rota-bench: what Rota promises, measured beside the ways of today, on the same device and the same
//! work, by turns in one process. It fails on wrong results, never because a machine is slow.

mod api;
mod args;
mod clock;
mod context;
mod figures;
mod machine;
mod one_core;
mod parts;
mod peers;
mod report;
mod rota;
mod stats;
mod vulkan;

use args::{Run, Wish};
use context::Context;
use report::Report;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

/// Errors end the run and are read by people, so their text is all that matters.
pub type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    // Mesa's device selection complains on stderr, per peer, where this isn't set.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    let wish = match args::parse(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(error) => {
            eprintln!("rota-bench: {error}");
            return ExitCode::from(2);
        }
    };
    let result = match wish {
        Wish::Help => {
            say(args::HELP);
            Ok(())
        }
        Wish::List => {
            for part in parts::PARTS {
                say(&format!("{}\n{}\n", part.name, indented(part.what)));
            }
            Ok(())
        }
        Wish::ChildOpen(args) => parts::open_child(&args),
        Wish::Run(run) => measure(&run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rota-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the parts in their order; a part that fails doesn't keep the others from being measured.
fn measure(run: &Run) -> Fallible<()> {
    let context = Context::new(run)?;
    let machine = machine::describe(&context);
    eprintln!(
        "{} ({}), {}",
        context.device.name,
        context.device.driver_info,
        machine["cpu"].as_str().unwrap_or_default()
    );
    let origin = ["driver", "rota"].map(|key| (key, machine.get(key).cloned()));
    let mut report = Report::open(&run.out, machine)?;
    let mut failed = Vec::new();
    for part in parts::PARTS {
        if !run.parts.contains(&part.name) {
            continue;
        }
        let begin = Instant::now();
        let others = clock::Others::watch();
        match (part.run)(&context) {
            Ok(object) if object.is_empty() => {
                eprintln!(
                    "{}: not measured, since what it needs is not here",
                    part.name
                );
            }
            Ok(mut object) => {
                for (key, value) in origin.iter().cloned() {
                    value.map(|value| object.insert(key.into(), value));
                }
                stats::put(&mut object, "others_cpu_percent", others.percent());
                object.insert("measured_at_unix_s".into(), machine::now_s().into());
                report.put(part.name, object)?;
                eprintln!("{}: done in {:.1?}", part.name, begin.elapsed());
            }
            Err(error) => {
                eprintln!("{}: FAILED: {error}", part.name);
                report.forget(part.name)?;
                failed.push(part.name);
            }
        }
    }
    say(&format!(
        "{}\nmore in {}\n",
        report.table(&run.parts),
        report.path().display()
    ));
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")).into())
    }
}

/// To stdout; a reader that went away early is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Broken into indented lines of up to 100 columns.
fn indented(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 100;
    for word in text.split_whitespace() {
        if column + 1 + word.len() > 100 {
            lines += if lines.is_empty() { "   " } else { "\n   " };
            column = 3;
        }
        lines += " ";
        lines += word;
        column += 1 + word.len();
    }
    lines + "\n"
}
