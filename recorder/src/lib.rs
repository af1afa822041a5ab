//! The flight recorder's log: a bounded circular file of records that says, after any crash, what was done before it.
//!
//! ```no_run
//! use rota_recorder::{Item, Job, Log, LogOptions, Mode, Note, Reader};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = Log::open(&LogOptions::new("rota.log"))?;
//! log.append(&Note { tenant: 0, text: "before the jobs".into() }.into())?;
//!
//! // The way of a job: reserve where it may still be refused, commit before it is published.
//! let mut cells = log.reserve(1).map_err(|refused| log.explain(refused, 1))?;
//! cells.job(&Job { tenant: 1, ticket: 42, opcode: 0x1000, ..Job::default() });
//! drop(cells);
//! log.close()?;
//!
//! for item in Reader::open("rota.log".as_ref(), Mode::Salvage)? {
//!     match item? {
//!         Item::Record(entry) => println!("{} {:?}", entry.seq, entry.record),
//!         Item::Missing(missing) => println!("missing: {missing:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A record that is committed survives the process: it is in the *stage*, a file in memory, from which the next open,
//! or a reader, takes it. A record below `durable_seq` survives the machine. The format is in
//! docs/recorder-format.md.

// Of what loom doesn't explore, it needs little.
#![cfg_attr(loom, allow(dead_code))]

pub(crate) mod cell;
#[cfg(not(loom))]
mod clock;
#[cfg(not(loom))]
mod core;
#[cfg(not(loom))]
pub mod disk;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod header;
#[cfg(not(loom))]
mod log;
#[cfg(not(loom))]
mod objects;
#[cfg(not(loom))]
mod open;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
pub mod record;
#[cfg(not(loom))]
mod source;
mod stage;
mod sync;
#[cfg(not(loom))]
mod wire;

#[cfg(not(loom))]
pub use {
    cell::Class,
    clock::mono_ns,
    core::Refused,
    error::{Error, Failure},
    log::{Cells, Log, LogCounts, LogState},
    objects::{Hash, Objects, DEFAULT_OBJECT_BYTES},
    open::Opened,
    options::{
        AfterError, LogOptions, StagePlace, WhenFull, DEFAULT_CAPACITY, MAX_CAPACITY, MIN_CAPACITY,
    },
    reader::{Counts, Entry, Item, LogInfo, Missing, Mode, Reader, Why},
    record::{
        Buffer, BufferEvent, Checkpoint, Completion, Evidence, EvidenceClass, Gap, GapWhy, Handler,
        Job, Module, ModuleEvent, Note, Options, Record, RunEnd, RunStart, Tenant, TenantEvent,
        Void, VoidWhy,
    },
};

#[cfg(all(any(test, fuzzing), not(loom)))]
pub mod fuzzing;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;
