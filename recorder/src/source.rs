//! The cells of a log, by number: from its file, or from the stage that its writer uses or has left.
//!
//! What isn't good in one of them is looked for in the other, and then once more in the file, because the writer may
//! have moved it there in between, or have been in the middle of writing it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cell::{self, Class, Words, CELL_BYTES, SEQ_LIMIT};
use crate::disk::{Disk, DiskFile, How};
use crate::error::Error;
use crate::header::{Header, Pages, StageHeader, CELLS_AT, PAGE_BYTES};
use crate::stage::{self, Refused};

/// Cells that are read at once: they fit the processor's cache.
const CHUNK: u64 = 2048;

/// The pages of a log's header, as they stand in its file.
pub fn read_header(path: &Path, file: &dyn DiskFile) -> Result<(Header, Pages), Error> {
    let failed = |e| Error::io(path, "reading the header", 0, e);
    if file.is_empty().map_err(failed)? {
        return Err(Error::Empty { path: path.into() });
    }
    let mut pages = [0; CELLS_AT as usize];
    let there = file.read_full(&mut pages, 0).map_err(failed)?;
    crate::header::choose(path, &pages[..there])
}

/// Where a stage lies that isn't in a folder of its own.
pub fn stage_beside(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".stage");
    name.into()
}

/// The file of a stage.
pub struct StageFile {
    file: Box<dyn DiskFile>,
    pub path: PathBuf,
    pub cells: u64,
    /// The number that was reserved next, if the word can be believed.
    pub next: u64,
    pub refused: Refused,
}

impl StageFile {
    /// The stage that a log's header names, there or beside the log. `None` if there is none, as after a restart of the
    /// machine.
    ///
    /// It has to be of the same user as the log: anybody may put files into a folder in memory.
    pub fn find(
        disk: &dyn Disk,
        log: &Path,
        file: &dyn DiskFile,
        header: &Header,
    ) -> Result<Option<Self>, Error> {
        if header.stage_path.as_os_str().is_empty() || header.stage_cells == 0 {
            return Ok(None);
        }
        let owner = file
            .owner()
            .map_err(|e| Error::io(log, "reading the owner", 0, e))?;
        for path in [header.stage_path.clone(), stage_beside(log)] {
            let file = match disk.open(&path, How::Read) {
                Ok(file) => file,
                Err(e) if is_no_stage(&e) => continue,
                Err(e) => return Err(Error::io(&path, "opening the stage", 0, e)),
            };
            let found = Self::check(path.clone(), file, owner, header)
                .map_err(|e| Error::io(&path, "reading the stage", 0, e))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn check(
        path: PathBuf,
        file: Box<dyn DiskFile>,
        owner: u32,
        header: &Header,
    ) -> io::Result<Option<Self>> {
        let bytes = PAGE_BYTES as u64 + header.stage_cells * CELL_BYTES as u64;
        let mut page = [0; PAGE_BYTES];
        if file.owner()? != owner
            || file.len()? != bytes
            || file.read_full(&mut page, 0)? != PAGE_BYTES
        {
            return Ok(None);
        }
        // A damaged header doesn't make the cells worthless: each has its number, generation and CRC.
        let other = StageHeader::decode(&page).is_some_and(|said| {
            said.id != header.stage_id
                || said.generation != header.generation
                || said.cells != header.stage_cells
        });
        let word = |at: usize| u64::from_le_bytes(page[at..at + 8].try_into().expect("a word"));
        Ok((!other).then(|| Self {
            file,
            path,
            cells: header.stage_cells,
            next: stage::number(word(stage::offset::NEXT)),
            refused: Refused {
                count: word(stage::offset::REFUSED_COUNT),
                first_ns: word(stage::offset::REFUSED_FIRST),
                last_ns: word(stage::offset::REFUSED_LAST),
            },
        }))
    }

    fn read(&self, seq: u64, words: &mut [Words]) -> io::Result<()> {
        let at = PAGE_BYTES as u64 + (seq & (self.cells - 1)) * CELL_BYTES as u64;
        read_cells(&*self.file, at, words)
    }
}

fn is_no_stage(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    let kinds = [
        NotFound,
        NotADirectory,
        PermissionDenied,
        IsADirectory,
        Unsupported,
    ];
    kinds.contains(&error.kind())
}

/// Reads cells; what lies behind the end of the file is zero.
fn read_cells(file: &dyn DiskFile, at: u64, words: &mut [Words]) -> io::Result<()> {
    let bytes = cell::bytes_of_mut(words);
    let there = file.read_full(bytes, at)?;
    bytes[there..].fill(0);
    Ok(())
}

/// What is at the place of a number.
pub enum Found {
    Good(Words),
    Bad(Class),
}

pub struct Source {
    pub path: PathBuf,
    pub file: Arc<dyn DiskFile>,
    pub header: Header,
    pub stage: Option<StageFile>,
    /// The first number for which there is nothing: all cells that are there have lower ones.
    pub next: u64,
    /// The same of the file alone.
    file_next: u64,
    /// How many cells the file has, which are fewer than it should have if it was cut.
    file_cells: u64,
    buffer: Vec<Words>,
    /// Numbers of the cells in the buffer.
    held: std::ops::Range<u64>,
}

impl Source {
    /// Looks for the highest number.
    pub fn open(
        disk: &dyn Disk,
        path: &Path,
        file: Arc<dyn DiskFile>,
        header: Header,
        pages: Pages,
    ) -> Result<Self, Error> {
        let bytes = file
            .len()
            .map_err(|e| Error::io(path, "reading the length", 0, e))?;
        let cells = bytes.saturating_sub(CELLS_AT).div_ceil(CELL_BYTES as u64);
        let mut source = Self {
            path: path.into(),
            file,
            file_cells: cells.min(header.capacity),
            stage: None,
            next: 0,
            file_next: header.durable.max(1),
            buffer: Vec::new(),
            held: 0..0,
            header,
        };
        if source.header.clean && pages == Pages::Same {
            source.file_next = source.header.next.max(1);
            source.next = source.file_next;
            return Ok(source);
        }
        // The stage before the file: what is moved in between is found in the file.
        source.stage = StageFile::find(disk, path, &*source.file, &source.header)?;
        let in_stage = match source.stage.take() {
            Some(stage) => {
                let last = source.last_of(0..stage.cells, stage.cells, |first, words| {
                    stage.read(first, words)
                })?;
                source.stage = Some(stage);
                last
            }
            None => 0,
        };
        let in_file = source.last_in_file(pages)?;
        source.file_next = source.file_next.max(in_file + 1);
        source.next = source.file_next.max(in_stage + 1);
        Ok(source)
    }

    fn last_in_file(&mut self, pages: Pages) -> Result<u64, Error> {
        let file = self.file.clone();
        let Header {
            capacity,
            durable,
            reach,
            ..
        } = self.header;
        let there = self.file_cells;
        let mut last_in = |slots: std::ops::Range<u64>| {
            let slots = slots.start..slots.end.min(there);
            self.last_of(slots, capacity, |first, words| {
                read_cells(&*file, CELLS_AT + first * CELL_BYTES as u64, words)
            })
        };
        // One page alone may be older than what `reach` counts from.
        if pages == Pages::One || reach >= capacity {
            return last_in(0..capacity);
        }
        let from = durable % capacity;
        let until = from + reach;
        let wrapped = last_in(0..until.saturating_sub(capacity))?;
        Ok(wrapped.max(last_in(from..until.min(capacity))?))
    }

    /// The highest number of good cells at these places of a ring; 0 if there is none.
    fn last_of(
        &mut self,
        slots: std::ops::Range<u64>,
        ring: u64,
        read: impl Fn(u64, &mut [Words]) -> io::Result<()>,
    ) -> Result<u64, Error> {
        self.held = 0..0;
        let generation = self.header.generation;
        let mut last = 0;
        let mut first = slots.start;
        while first < slots.end {
            let count = CHUNK.min(slots.end - first);
            self.buffer.resize(count as usize, [0; 16]);
            read(first, &mut self.buffer)
                .map_err(|e| Error::io(&self.path, "reading cells", 0, e))?;
            // From the back, where the highest one usually is, so that few are checked.
            for (i, words) in self.buffer.iter().enumerate().rev() {
                let slot = first + i as u64;
                let seq = cell::head(words).seq;
                if seq > last
                    && seq < SEQ_LIMIT
                    && seq % ring == slot
                    && cell::is_good(words, generation, seq)
                {
                    last = seq;
                }
            }
            first += count;
        }
        Ok(last)
    }

    /// The lowest number that can be there.
    pub fn oldest(&self) -> u64 {
        self.next.saturating_sub(self.header.capacity).max(1)
    }

    /// The last number of the cells from `seq` on that would be behind the end of a file that was cut: there may be
    /// thousands of millions. `None` if that of `seq` isn't there.
    pub fn cut_off(&self, seq: u64) -> Option<u64> {
        let slot = seq % self.header.capacity;
        let is_cut = slot >= self.file_cells && seq < self.file_next;
        is_cut.then(|| (seq - slot + self.header.capacity).min(self.file_next) - 1)
    }

    /// Whether the cell of that number was not in the file when the log was opened.
    pub fn was_staged(&self, seq: u64) -> bool {
        seq >= self.file_next
    }

    /// Reads the cells from `seq` on into the buffer, from where they are to be expected.
    fn fill(&mut self, seq: u64) -> Result<(), Error> {
        let staged = self.stage.as_ref().filter(|_| seq >= self.file_next);
        let ring = staged.map_or(self.header.capacity, |stage| stage.cells);
        let end = match staged {
            Some(_) => self.next,
            None => self.file_next.max(seq + 1),
        };
        let count = CHUNK.min(ring - seq % ring).min(end - seq);
        self.buffer.resize(count as usize, [0; 16]);
        let read = match staged {
            Some(stage) => stage.read(seq, &mut self.buffer),
            None => read_cells(&*self.file, self.header.offset(seq), &mut self.buffer),
        };
        read.map_err(|e| Error::io(&self.path, "reading cells", 0, e))?;
        self.held = seq..seq + count;
        Ok(())
    }

    /// The cell of a number, if it is in the buffer and good: the way of nearly all.
    #[inline]
    pub fn at_hand(&self, seq: u64) -> Option<&Words> {
        let words = self
            .buffer
            .get(seq.wrapping_sub(self.held.start) as usize)?;
        (cell::is_good(words, self.header.generation, seq)).then_some(words)
    }

    /// The cell of a number below `next`.
    pub fn cell(&mut self, seq: u64) -> Result<Found, Error> {
        if !self.held.contains(&seq) {
            self.fill(seq)?;
        }
        match self.at_hand(seq) {
            Some(words) => Ok(Found::Good(*words)),
            None => self.look_again(seq),
        }
    }

    #[cold]
    fn look_again(&self, seq: u64) -> Result<Found, Error> {
        let failed = |e| Error::io(&self.path, "reading a cell", 0, e);
        let mut words = [[0; 16]];
        if let Some(stage) = &self.stage {
            stage.read(seq, &mut words).map_err(failed)?;
            if cell::is_good(&words[0], self.header.generation, seq) {
                return Ok(Found::Good(words[0]));
            }
        }
        read_cells(&*self.file, self.header.offset(seq), &mut words).map_err(failed)?;
        let [words] = words;
        Ok(match cell::is_good(&words, self.header.generation, seq) {
            true => Found::Good(words),
            false => Found::Bad(cell::classify(
                &words,
                self.header.generation,
                seq,
                self.header.capacity,
                self.header.durable,
            )),
        })
    }
}
