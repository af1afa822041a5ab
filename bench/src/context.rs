//! What every part gets: the device that all peers share, the library, how long to measure, and a way
//! to tell the user how far it is.

use crate::api::Library;
use crate::args::Run;
use crate::rota::{self, Runtime};
use crate::vulkan::{Device, Wanted};
use crate::Fallible;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::rc::Rc;

pub struct Context {
    /// None when only the peers are measured.
    pub library: Option<Library>,
    pub device: Rc<Device>,
    pub long: bool,
    /// Where the reports go; a part may have files there meanwhile.
    pub out: PathBuf,
}

impl Context {
    /// Opens Rota once, with its own choice of a device, and the same device for the peers.
    pub fn new(run: &Run) -> Fallible<Context> {
        let mut library = None;
        let mut wanted = Wanted::default();
        if !run.peers_only {
            let loaded = rota::load()?;
            let info = Runtime::open(&loaded, &rota::options())?.info()?;
            wanted.name = Some(rota::field(&info.device_name));
            wanted.driver_info = Some(rota::field(&info.driver_info));
            library = Some(loaded);
        }
        Ok(Context {
            library,
            device: Device::open(&wanted)?,
            long: run.long,
            out: run.out.clone(),
        })
    }

    /// `normal` samples or rounds, more of them in a long run.
    pub fn rounds(&self, normal: usize) -> usize {
        if self.long {
            normal * 4
        } else {
            normal
        }
    }

    /// Opens a runtime, or none when only the peers are measured.
    pub fn runtime(&self) -> Fallible<Option<Runtime<'_>>> {
        self.library
            .as_ref()
            .map(|library| Runtime::open(library, &rota::options()))
            .transpose()
    }
}

/// A line on stderr that grows with the rounds; plain lines where it isn't a terminal.
pub struct Progress {
    part: &'static str,
    total: usize,
    terminal: bool,
}

impl Progress {
    pub fn new(part: &'static str, total: usize) -> Progress {
        let terminal = io::stderr().is_terminal();
        if !terminal {
            eprintln!("{part}: measuring");
        }
        Progress {
            part,
            total,
            terminal,
        }
    }

    pub fn step(&self, done: usize) {
        if self.terminal {
            eprint!("\r{}: {done} of {}", self.part, self.total);
            let _ = io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
