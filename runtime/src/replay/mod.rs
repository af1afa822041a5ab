//! Replay: runs a log's jobs again, on the same or another device, and compares what comes of them.
//!
//! The jobs run in the order in which they began (`history.rs`), one after the other or as they overlapped then. Compared are status, fault, results and, where
//! both ended OK, the digest of what was written. Jobs that overlapped and name a buffer that one of them may write are
//! *concurrent*: a difference there is told apart, since another order may be why. So is one behind a difference, in a job that
//! names a buffer which that one may have written, and one in a job that says itself that it depends on order. What depends on
//! data that the log doesn't have is not compared.

mod history;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use history::{count_runs, History, RecordedJob, Runs, Step};
use rota_recorder::Completion;

use crate::error::Error;
use crate::runtime::RuntimeOptions;

/// How a log is replayed.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    pub log: PathBuf,
    /// Which run of the log, from 0 on, of those whose beginning it has; by default the last.
    pub run: Option<u64>,
    /// The device and mode to replay on; what the log says of rings and fuel goes before what stands here.
    pub runtime: RuntimeOptions,
    /// A folder with the data that the log doesn't have, in files of any name, found by their BLAKE3 hash.
    pub data: Option<PathBuf>,
    /// Opcodes of handlers that may come out differently each time: differences in them are told apart.
    pub not_deterministic: Vec<u32>,
    /// Jobs that overlapped when they were recorded may overlap again; else they run one after the other.
    pub as_submitted: bool,
    /// How many jobs before the first divergence are told; of those that name one of its buffers, or are the same tenant's.
    pub context: usize,
}

/// What came out differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The job's index in the history.
    pub job: usize,
    pub recorded: Completion,
    pub replayed: Completion,
}

impl Divergence {
    /// Which of status, fault, results and digest differ.
    pub fn what(&self) -> Vec<&'static str> {
        let (a, b) = (&self.recorded, &self.replayed);
        let all = [
            ("status", a.status != b.status),
            ("fault", a.fault != b.fault),
            ("results", a.results != b.results),
            ("digest", a.digest != b.digest),
        ];
        all.iter()
            .filter(|(_, differ)| *differ)
            .map(|&(name, _)| name)
            .collect()
    }
}

/// What a replay found.
#[derive(Clone, Debug, Default)]
pub struct ReplayReport {
    pub device: String,
    pub jobs: u64,
    /// Jobs that ran again and were compared.
    pub compared: u64,
    /// Jobs whose outcome is the same.
    pub same: u64,
    /// The first difference that nothing excuses, and jobs before it that may matter.
    pub first: Option<Divergence>,
    pub before: Vec<usize>,
    /// Such differences by opcode.
    pub by_opcode: BTreeMap<u32, u64>,
    /// Differences in concurrent jobs, in those that follow from another difference, in handlers that aren't deterministic,
    /// and in digests that depend on order.
    pub concurrent: u64,
    pub followed: u64,
    pub not_deterministic: u64,
    pub order_dependent: u64,
    /// Concurrent jobs, whether they came out differently or not.
    pub overlapping: u64,
    /// Jobs that began in another order among themselves than when they were recorded. That is no difference.
    pub rescheduled: u64,
    /// Jobs that did not run to their end when they were recorded, or whose completion was never taken.
    pub not_ended: u64,
    /// Jobs that name a buffer which such a job may have written, and so were not compared.
    pub behind_unended: u64,
    /// Jobs that depend on data that is not there, or that this device can't run.
    pub without_data: u64,
    /// Hashes that were looked for in vain, and writes that the log kept no hash of.
    pub missing_data: u64,
    /// Records that are missing in the log.
    pub missing_records: u64,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Same,
    Different,
    /// What could be compared is the same, but something could not, for want of data or records.
    NotComparable,
}

impl ReplayReport {
    pub fn differences(&self) -> u64 {
        self.by_opcode.values().sum()
    }

    pub fn outcome(&self) -> Outcome {
        if self.first.is_some() {
            Outcome::Different
        } else if self.without_data != 0 || self.missing_records != 0 {
            Outcome::NotComparable
        } else {
            Outcome::Same
        }
    }
}

/// Reads the run that is asked for.
pub fn read(options: &ReplayOptions) -> Result<History, Error> {
    history::read(&options.log, options.run)
}

/// Runs it again. `progress` hears now and then how many steps are done.
pub fn replay(
    options: &ReplayOptions,
    history: &History,
    progress: &mut dyn FnMut(usize),
) -> Result<ReplayReport, Error> {
    run::run(options, history, progress)
}
