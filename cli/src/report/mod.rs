//! `rota report`: one HTML page of a run that the flight recorder has logged.

mod charts;
mod gather;
mod page;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::args::Report;
use crate::paper::{bytes, counted, print};
use crate::Failure;

pub fn run(options: &Report) -> Result<(), Failure> {
    let log = &options.log;
    let output = options.output.clone().unwrap_or_else(|| beside(log));
    let to_stdout = output.as_os_str() == "-";
    if !to_stdout {
        check(log, &output)?;
    }
    let run = gather::read(log, options.run)?;
    let name = log.file_name().unwrap_or(log.as_os_str()).to_string_lossy();
    let title = options.title.as_deref().unwrap_or(&name);
    let page = page::page(&run, &name, title);
    if to_stdout {
        return Ok(print(&page)?);
    }
    std::fs::write(&output, &page)
        .map_err(|e| Failure::Said(format!("can't write {}: {e}", output.display())))?;
    Ok(print(&format!(
        "{}: {} of {}, {}\n",
        output.display(),
        counted(run.jobs, "job", "jobs"),
        counted(run.tenants(), "tenant", "tenants"),
        bytes(page.len() as u64)
    ))?)
}

/// The log's name with .html behind it, in this folder.
fn beside(log: &Path) -> PathBuf {
    let mut name = OsString::from(log.file_name().unwrap_or(log.as_os_str()));
    name.push(".html");
    name.into()
}

/// A page must not take the place of a log, this one or another, by whatever name.
fn check(log: &Path, output: &Path) -> Result<(), Failure> {
    let Ok(there) = std::fs::metadata(output) else {
        return Ok(());
    };
    let is_same = std::fs::metadata(log)
        .is_ok_and(|log| (log.dev(), log.ino()) == (there.dev(), there.ino()));
    let is_log = || {
        let mut head = [0; 8];
        let read = File::open(output).and_then(|mut file| file.read_exact(&mut head));
        there.is_file() && read.is_ok() && &head == b"RotaLog\x1a"
    };
    if is_same || is_log() {
        return Err(Failure::Said(format!(
            "{} is a flight recorder's log: give the page another name by -o",
            output.display()
        )));
    }
    Ok(())
}
