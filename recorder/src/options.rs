//! How a log is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::cell::CELL_BYTES;
use crate::error::Error;
use crate::header::CELLS_AT;

/// Bytes of a log whose options say nothing: 256 MiB.
pub const DEFAULT_CAPACITY: u64 = 256 << 20;
pub const MIN_CAPACITY: u64 = 64 << 10;
pub const MAX_CAPACITY: u64 = 1 << 40;

const DEFAULT_STAGE_CELLS: u64 = 1 << 16;
const MIN_STAGE_CELLS: u64 = 256;
const MAX_STAGE_CELLS: u64 = 1 << 20;
const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

/// What a reserve does when the stage is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits until there is room: nothing is lost, and a slow disk slows the callers down.
    #[default]
    Wait,
    /// It is refused at once. The refused records are counted, and a Gap record tells of them as soon as there is room.
    Gap,
}

/// What a reserve does after an error of the disk, when nothing is written any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterError {
    /// It succeeds, and the records are counted as lost.
    #[default]
    Lose,
    /// It is refused.
    Refuse,
}

/// Where the stage lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StagePlace {
    /// In /dev/shm, or beside the log where that can't be used. Memory survives the process, not the machine; a stage
    /// on a disk is written back now and then, which costs the threads that record a fault each time.
    #[default]
    Auto,
    /// As `LOG.stage`.
    Beside,
    Folder(PathBuf),
}

/// How a log is opened. Zero means the default.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// The log's file. Its folder must exist. Its objects lie in `PATH.objects`.
    pub path: PathBuf,
    /// Bytes of the file, rounded down to whole cells: 64 KiB to 1 TiB; 0 means 256 MiB. A log that exists keeps its
    /// own.
    pub capacity_bytes: u64,
    /// How many cells may wait for the disk: 256 to 1,048,576, rounded up to a power of two, and no more than the log
    /// has; 0 means 65,536, which are 8 MiB.
    pub stage_cells: u64,
    pub stage_place: StagePlace,
    pub when_full: WhenFull,
    pub after_error: AfterError,
    /// How long after the first record that isn't durable a sync begins; 0 means 100 ms.
    pub sync_interval: Duration,
    /// After how many cells a sync begins anyway; 0 means that only time counts.
    pub sync_cells: u64,
    /// Begins the log anew if there is one: its records are given up.
    pub start_over: bool,
    /// The most bytes of all objects; 0 means 1 GiB.
    pub object_bytes: u64,
}

impl LogOptions {
    /// The defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// How many cells a new log gets.
    pub(crate) fn capacity(&self) -> Result<u64, Error> {
        let bytes = match self.capacity_bytes {
            0 => DEFAULT_CAPACITY,
            bytes => bytes,
        };
        if !(MIN_CAPACITY..=MAX_CAPACITY).contains(&bytes) {
            return Err(Error::CapacityOutOfRange {
                path: self.path.clone(),
                bytes,
            });
        }
        Ok((bytes - CELLS_AT) / CELL_BYTES as u64)
    }

    /// How many cells the stage of a log with that capacity gets: a power of two.
    pub(crate) fn stage_cells(&self, capacity: u64) -> Result<u64, Error> {
        let cells = match self.stage_cells {
            0 => DEFAULT_STAGE_CELLS,
            cells => cells,
        };
        if !(MIN_STAGE_CELLS..=MAX_STAGE_CELLS).contains(&cells) {
            return Err(Error::StageOutOfRange {
                path: self.path.clone(),
                cells,
            });
        }
        let most = 1 << capacity.ilog2();
        Ok(cells.next_power_of_two().min(most))
    }

    pub(crate) fn interval(&self) -> Duration {
        match self.sync_interval {
            Duration::ZERO => DEFAULT_INTERVAL,
            interval => interval,
        }
    }

    pub(crate) fn object_bytes(&self) -> u64 {
        match self.object_bytes {
            0 => crate::objects::DEFAULT_OBJECT_BYTES,
            bytes => bytes,
        }
    }
}
