//! Reads a log: one that was closed, one that is being written, or what a crash has left.
//!
//! Records come in the order of their numbers, from the oldest that is left. Memory is bounded by the largest record.

use std::path::Path;
use std::sync::Arc;

use crate::cell::{self, Class, Payload, Words, MAX_PARTS};
use crate::disk::{Disk, How, RealDisk};
use crate::error::Error;
use crate::record::{kind, Record};
use crate::source::{read_header, Found, Source};

/// What a reader does about a cell that isn't good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is an error that names the cell, and the end.
    Strict,
    /// It is told as `Item::Missing`, and what is behind it is read.
    Salvage,
}

/// A record, and when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of its first cell.
    pub seq: u64,
    /// How many cells it has.
    pub cells: u64,
    /// CLOCK_MONOTONIC: comparable within a boot of the machine.
    pub mono_ns: u64,
    /// Since 1970, as the wall clock was then.
    pub wall_ns: u64,
    pub record: Record,
}

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The cells aren't good.
    Bad(Class),
    /// The cells are good, but others of the same record are not there: nobody finished it, or they are missing.
    Incomplete,
}

/// Cells that give no record: from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    pub first: u64,
    pub last: u64,
    pub why: Why,
}

/// What a reader gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Record(Entry),
    Missing(Missing),
}

/// What the log says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInfo {
    pub capacity_cells: u64,
    pub capacity_bytes: u64,
    pub generation: u32,
    /// How often it was opened for writing.
    pub run: u64,
    pub created_ns: u64,
    /// Whether it was closed. If not, somebody writes it, or a crash has ended the run.
    pub clean: bool,
    /// Of the process that writes or wrote it.
    pub pid: u32,
    /// The lowest number that can be there, and the one behind the highest that is.
    pub oldest: u64,
    pub next: u64,
    /// Cells below this number were durable when the header was written.
    pub durable: u64,
    /// Whether there is a stage.
    pub staged: bool,
    /// Records that were refused and that no Gap record tells of.
    pub untold: u64,
    /// Bytes of the file, if it is shorter than it should be.
    pub cut_to: Option<u64>,
}

/// What was read so far, in cells but for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: u64,
    pub good: u64,
    /// Good cells that say that there is no record.
    pub void: u64,
    pub incomplete: u64,
    pub holes: u64,
    pub torn: u64,
    pub corrupt: u64,
    pub stale: u64,
    pub overwritten: u64,
}

pub struct Reader {
    source: Source,
    mode: Mode,
    at: u64,
    counts: Counts,
    info: LogInfo,
    ended: bool,
}

impl Reader {
    /// Opens a log for reading. It changes nothing and needs no lock: the log may be written at the same time, and then
    /// what is recorded after this call is not read.
    ///
    /// A file that is shorter than its header says is an error in strict mode.
    pub fn open(path: &Path, mode: Mode) -> Result<Self, Error> {
        Self::open_on(&RealDisk, path, mode)
    }

    /// The same on another disk than the system's.
    pub fn open_on(disk: &dyn Disk, path: &Path, mode: Mode) -> Result<Self, Error> {
        let opened = disk.open(path, How::Read);
        let file: Arc<_> = opened
            .map_err(|e| Error::io(path, "opening the log", 0, e))?
            .into();
        let (header, pages) = read_header(path, &*file)?;
        let found = file
            .len()
            .map_err(|e| Error::io(path, "reading the length", 0, e))?;
        let wanted = header.file_bytes();
        if found < wanted && mode == Mode::Strict {
            return Err(Error::Truncated {
                path: path.into(),
                found,
                wanted,
            });
        }
        let source = Source::open(disk, path, file, header, pages)?;
        let header = &source.header;
        let info = LogInfo {
            capacity_cells: header.capacity,
            capacity_bytes: wanted,
            generation: header.generation,
            run: header.run,
            created_ns: header.created_ns,
            clean: header.clean,
            pid: header.pid,
            oldest: source.oldest(),
            next: source.next,
            durable: header.durable,
            staged: source.stage.is_some(),
            untold: source.stage.as_ref().map_or(0, |stage| stage.refused.count),
            cut_to: (found < wanted).then_some(found),
        };
        Ok(Self {
            at: info.oldest,
            source,
            mode,
            counts: Counts::default(),
            info,
            ended: false,
        })
    }

    pub fn info(&self) -> &LogInfo {
        &self.info
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Goes on at a number, or at the oldest one if it is older.
    pub fn seek(&mut self, seq: u64) {
        self.at = seq.max(self.info.oldest);
        self.ended = false;
    }

    /// The next record or gap; `None` at the end.
    #[inline]
    pub fn read(&mut self) -> Result<Option<Item>, Error> {
        if self.ended || self.at >= self.info.next {
            return Ok(None);
        }
        if let Some(words) = self.source.at_hand(self.at) {
            let head = cell::head(words);
            if let Some(record) = Record::of_one_cell(&head, cell::payload(words)) {
                self.counts.good += 1;
                self.counts.records += 1;
                let seq = self.at;
                self.at += 1;
                return Ok(Some(Item::Record(Entry {
                    seq,
                    cells: 1,
                    mono_ns: head.mono_ns,
                    wall_ns: head.wall_ns,
                    record,
                })));
            }
        }
        self.read_slowly()
    }

    fn read_slowly(&mut self) -> Result<Option<Item>, Error> {
        let read = self.read_at(self.at);
        self.ended = read.is_err();
        read.map(Some)
    }

    fn read_at(&mut self, seq: u64) -> Result<Item, Error> {
        let words = match self.source.cell(seq)? {
            Found::Good(words) => words,
            Found::Bad(class) => return self.missing(seq, class),
        };
        self.counts.good += 1;
        let head = cell::head(&words);
        if head.parts == 1 {
            return self.record(seq, &words, &[*cell::payload(&words)]);
        }
        if head.part != 0 {
            // The record's first cells are overwritten, or missing.
            return Ok(self.incomplete(seq, 1));
        }
        let mut parts: Vec<Payload> = Vec::with_capacity(MAX_PARTS.min(head.parts.into()));
        parts.push(*cell::payload(&words));
        for part in 1..head.parts {
            let next = seq + part as u64;
            if next >= self.info.next {
                return Ok(self.incomplete(seq, part.into()));
            }
            match self.source.cell(next)? {
                Found::Good(other) if continues(&head, &cell::head(&other)) => {
                    parts.push(*cell::payload(&other));
                }
                _ => return Ok(self.incomplete(seq, part.into())),
            }
            self.counts.good += 1;
        }
        self.record(seq, &words, &parts)
    }

    fn record(&mut self, seq: u64, words: &Words, parts: &[Payload]) -> Result<Item, Error> {
        let head = cell::head(words);
        let Ok(record) = Record::decode(head.kind, parts) else {
            // The CRC is right, so nobody damaged it: somebody wrote what is no record.
            self.counts.good -= parts.len() as u64;
            return self.bad(seq, seq + parts.len() as u64 - 1, Class::Corrupt);
        };
        self.at = seq + parts.len() as u64;
        match head.kind {
            kind::VOID => self.counts.void += 1,
            _ => self.counts.records += 1,
        }
        Ok(Item::Record(Entry {
            seq,
            cells: parts.len() as u64,
            mono_ns: head.mono_ns,
            wall_ns: head.wall_ns,
            record,
        }))
    }

    fn incomplete(&mut self, seq: u64, cells: u64) -> Item {
        self.at = seq + cells;
        self.counts.incomplete += cells;
        Item::Missing(Missing {
            first: seq,
            last: seq + cells - 1,
            why: Why::Incomplete,
        })
    }

    /// A cell that isn't good, and those behind it with the same class.
    fn missing(&mut self, seq: u64, class: Class) -> Result<Item, Error> {
        let mut last = seq;
        while self.mode == Mode::Salvage && last + 1 < self.info.next {
            if let Some(end) = self
                .source
                .cut_off(last + 1)
                .filter(|_| class == Class::Hole)
            {
                last = end;
                continue;
            }
            match self.source.cell(last + 1)? {
                Found::Bad(other) if other == class => last += 1,
                _ => break,
            }
        }
        self.bad(seq, last, class)
    }

    fn bad(&mut self, first: u64, last: u64, class: Class) -> Result<Item, Error> {
        let count = match class {
            Class::Hole => &mut self.counts.holes,
            Class::Torn => &mut self.counts.torn,
            Class::Corrupt => &mut self.counts.corrupt,
            Class::Stale => &mut self.counts.stale,
            Class::Overwritten => &mut self.counts.overwritten,
        };
        *count += last + 1 - first;
        self.at = last + 1;
        // That the writer was faster than the reader is no fault of the log.
        if self.mode == Mode::Strict && class != Class::Overwritten {
            return Err(Error::BadCell {
                seq: first,
                offset: self.source.header.offset(first),
                class,
            });
        }
        Ok(Item::Missing(Missing {
            first,
            last,
            why: Why::Bad(class),
        }))
    }
}

fn continues(first: &cell::Head, next: &cell::Head) -> bool {
    next.kind == first.kind && next.parts == first.parts && next.part as u64 == next.seq - first.seq
}

impl Iterator for Reader {
    type Item = Result<Item, Error>;
    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
