//! The stage: a ring of cells in shared memory, between the threads that record and the one that writes the file.
//!
//! A producer *reserves* cells by one compare-and-swap of `next`, which also tells whether there is room, and
//! *commits* each by storing its sequence number, last and with release. The writer takes committed cells in order,
//! and frees them when they are in the file. No number is ever used twice, so a cell is committed exactly if it holds
//! the number that is next at its place: nobody needs to clear anything, and what a killed process had begun isn't
//! mistaken for a cell.
//!
//! The memory is a file of its own, so that it outlives the process. Its first page has the header (`header.rs`) and,
//! from `WORDS_AT` on, the words that change.

use crate::cell::{Words, SEQ_LIMIT};
use crate::sync::{AtomicU64, Ordering, Padded, Plain};

/// Where the words that change stand in the stage's file.
pub const WORDS_AT: usize = 1024;

/// Bits of `next` above the number.
const CLOSED: u64 = 1 << 63;
const FAILED: u64 = 1 << 62;
const REFUSED: u64 = 1 << 61;

/// One cell, whose number is the commit.
#[repr(C, align(128))]
pub struct StageCell {
    start: Plain<[u64; 2]>,
    seq: AtomicU64,
    rest: Plain<[u64; 13]>,
}

/// The words that change.
#[repr(C)]
pub struct StageWords {
    /// The number that is reserved next, and the bits above it.
    next: Padded<AtomicU64>,
    /// All cells below this number are in the file, and their places may be used again. The writer's.
    freed: Padded<AtomicU64>,
    refusals: Padded<Refusals>,
}

/// Records that found no room and that no Gap record tells of yet.
#[repr(C)]
struct Refusals {
    count: AtomicU64,
    first_ns: AtomicU64,
    last_ns: AtomicU64,
}

/// Byte offsets in the stage's file, for whoever reads it without mapping it.
pub mod offset {
    pub const NEXT: usize = super::WORDS_AT;
    pub const REFUSED_COUNT: usize = super::WORDS_AT + 256;
    pub const REFUSED_FIRST: usize = super::WORDS_AT + 264;
    pub const REFUSED_LAST: usize = super::WORDS_AT + 272;
}

/// Removes the bits above the number.
pub fn number(next: u64) -> u64 {
    next & (SEQ_LIMIT - 1)
}

/// Why nothing was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    Full,
    /// There would be room, but first somebody has to tell of records that were refused before.
    Untold,
    Closed,
    Failed,
}

#[cfg(all(test, loom))]
impl StageCell {
    pub fn zeroed() -> Self {
        Self {
            start: Plain::new([0; 2]),
            seq: AtomicU64::new(0),
            rest: Plain::new([0; 13]),
        }
    }
}

#[cfg(all(test, loom))]
impl StageWords {
    pub fn zeroed() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            next: Padded(zero()),
            freed: Padded(zero()),
            refusals: Padded(Refusals {
                count: zero(),
                first_ns: zero(),
                last_ns: zero(),
            }),
        }
    }
}

/// How many records were refused, and when the first and the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub count: u64,
    pub first_ns: u64,
    pub last_ns: u64,
}

pub struct Stage {
    words: *const StageWords,
    cells: *const StageCell,
    count: u64,
}

// SAFETY: the memory is made of atomics, and of plain cells whose turns the atomics tell; whoever makes a `Stage` keeps
// it mapped while the stage lives.
unsafe impl Send for Stage {}
// SAFETY: as above.
unsafe impl Sync for Stage {}

impl Stage {
    /// An empty stage whose first number is `first`.
    ///
    /// # Safety
    /// The pointers are valid and aligned for as long as the stage lives, nobody else uses the memory, and it is
    /// zeroed. `count` is a power of two and no more than there are cells.
    pub unsafe fn new(
        words: *const StageWords,
        cells: *const StageCell,
        count: u64,
        first: u64,
    ) -> Self {
        assert!(count.is_power_of_two() && first != 0);
        let stage = Self {
            words,
            cells,
            count,
        };
        stage.words().freed.store(first, Ordering::Relaxed);
        stage
            .words()
            .refusals
            .first_ns
            .store(u64::MAX, Ordering::Relaxed);
        stage.words().next.store(first, Ordering::Release);
        stage
    }

    fn words(&self) -> &StageWords {
        // SAFETY: valid for as long as the stage, by `new`.
        unsafe { &*self.words }
    }

    #[inline]
    fn cell(&self, seq: u64) -> &StageCell {
        // SAFETY: the index is below `count`, and the memory is valid for as long as the stage, by `new`.
        unsafe { &*self.cells.add((seq & (self.count - 1)) as usize) }
    }

    /// How many cells it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number that is reserved next.
    pub fn next(&self) -> u64 {
        number(self.words().next.load(Ordering::Relaxed))
    }

    /// Reserves `n` cells if less than half of the stage is in use and nothing else is the matter. The way of nearly
    /// all records.
    #[inline]
    pub fn reserve_fast(&self, n: u64) -> Option<u64> {
        let words = self.words();
        // Acquire: what the writer read of the places is read before they are written again.
        let room = words.freed.load(Ordering::Acquire) + self.count / 2;
        let mut next = words.next.load(Ordering::Relaxed);
        // Any of the bits above the number makes this false.
        while next + n <= room {
            // Relaxed: it makes the numbers ours, and nothing is read by it.
            match words.next.compare_exchange_weak(
                next,
                next + n,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(next),
                Err(now) => next = now,
            }
        }
        None
    }

    /// The same with all of the stage, and says why not. With `tells` it goes ahead though refusals are untold.
    pub fn reserve(&self, n: u64, tells: bool) -> Result<u64, Denied> {
        let words = self.words();
        let mut next = words.next.load(Ordering::Relaxed);
        loop {
            if next & CLOSED != 0 {
                return Err(Denied::Closed);
            }
            if next & FAILED != 0 {
                return Err(Denied::Failed);
            }
            // Acquire: as in `reserve_fast`.
            if number(next) + n > words.freed.load(Ordering::Acquire) + self.count {
                return Err(Denied::Full);
            }
            if next & REFUSED != 0 && !tells {
                return Err(Denied::Untold);
            }
            match words.next.compare_exchange_weak(
                next,
                next + n,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(number(next)),
                Err(now) => next = now,
            }
        }
    }

    /// Fills a reserved cell and commits it.
    ///
    /// # Safety
    /// `seq` was given by a reserve to the caller, who has not committed it yet.
    #[inline]
    pub unsafe fn commit(&self, seq: u64, words: &Words) {
        let cell = self.cell(seq);
        // SAFETY: the number is the caller's alone, and the writer, which had freed the place before the number could
        // be reserved, doesn't read it before it is committed.
        unsafe {
            cell.start.write([words[0], words[1]]);
            cell.rest
                .write(words[3..].try_into().expect("16 words less 3"));
        }
        // Release: whoever sees the number sees the cell, in this process or, if it is killed, in what it left.
        cell.seq.store(seq.to_le(), Ordering::Release);
    }

    /// How many cells from `from` on are committed, up to `most`. The writer's.
    pub fn committed(&self, from: u64, most: u64) -> u64 {
        let most = most.min(self.count);
        (0..most)
            // Acquire: the cell is there when its number is.
            .find(|i| self.cell(from + i).seq.load(Ordering::Acquire) != (from + i).to_le())
            .unwrap_or(most)
    }

    /// How many cells from `from` on stand one behind the other, up to `most`.
    #[cfg(not(loom))]
    pub fn contiguous(&self, from: u64, most: u64) -> u64 {
        most.min(self.count - (from & (self.count - 1)))
    }

    /// The bytes of contiguous cells.
    ///
    /// # Safety
    /// All are committed and not freed, and stay so while the bytes are used.
    #[cfg(not(loom))]
    pub unsafe fn bytes(&self, from: u64, count: u64) -> &[u8] {
        debug_assert_eq!(self.contiguous(from, count), count);
        let first: *const StageCell = self.cell(from);
        // SAFETY: the range lies within the stage's memory, and nobody writes cells that are committed and not freed.
        unsafe {
            std::slice::from_raw_parts(first.cast(), count as usize * crate::cell::CELL_BYTES)
        }
    }

    /// One cell.
    ///
    /// # Safety
    /// As of `bytes`.
    #[cfg(loom)]
    pub unsafe fn read(&self, seq: u64) -> Words {
        let cell = self.cell(seq);
        let mut words = [0; 16];
        // SAFETY: nobody writes cells that are committed and not freed.
        unsafe {
            words[..2].copy_from_slice(&cell.start.read());
            words[3..].copy_from_slice(&cell.rest.read());
        }
        words[2] = cell.seq.load(Ordering::Relaxed);
        words
    }

    /// Gives the places of all cells below `to` back. The writer's, which has read them.
    pub fn free(&self, to: u64) {
        // Release: what was read of them was read before they are written again.
        self.words().freed.store(to, Ordering::Release);
    }

    /// From now on every reserve is denied.
    pub fn close(&self) {
        self.words().next.fetch_or(CLOSED, Ordering::Relaxed);
    }

    /// The number behind the last one that was given, if it is closed.
    pub fn end(&self) -> Option<u64> {
        let next = self.words().next.load(Ordering::Relaxed);
        (next & CLOSED != 0).then(|| number(next))
    }

    /// The same, because the file can't be written any more.
    pub fn fail(&self) {
        self.words().next.fetch_or(FAILED, Ordering::Relaxed);
    }

    /// Counts records that found no room, so that somebody tells of them when there is some.
    pub fn refuse(&self, records: u64, now_ns: u64) {
        let refusals = &self.words().refusals;
        refusals.first_ns.fetch_min(now_ns, Ordering::Relaxed);
        refusals.last_ns.fetch_max(now_ns, Ordering::Relaxed);
        // Release: whoever takes the count finds its times.
        refusals.count.fetch_add(records, Ordering::Release);
        self.words().next.fetch_or(REFUSED, Ordering::Release);
    }

    /// Records that were refused and not told of.
    pub fn untold(&self) -> u64 {
        self.words().refusals.count.load(Ordering::Relaxed)
    }

    /// What there is to tell, for a record in a cell that the caller has reserved. One thread at a time.
    pub fn begin_to_tell(&self) -> Refused {
        // Acquire: who set the bit has counted. Taken away before the count is read, so that a later one sets it again.
        self.words().next.fetch_and(!REFUSED, Ordering::Acquire);
        let refusals = &self.words().refusals;
        Refused {
            count: refusals.count.load(Ordering::Acquire),
            first_ns: refusals.first_ns.load(Ordering::Relaxed),
            last_ns: refusals.last_ns.load(Ordering::Relaxed),
        }
    }

    /// Takes what was told away, when its record is committed: a process killed in between tells it twice, and never
    /// not.
    ///
    /// A refusal that comes at this moment keeps its place in the count of the next record, but its time may be lost.
    pub fn told(&self, refused: Refused) {
        let refusals = &self.words().refusals;
        refusals.first_ns.store(u64::MAX, Ordering::Relaxed);
        refusals.last_ns.store(0, Ordering::Relaxed);
        refusals.count.fetch_sub(refused.count, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_readers_look_for_them() {
        assert_eq!(std::mem::size_of::<StageCell>(), crate::cell::CELL_BYTES);
        assert_eq!(
            std::mem::offset_of!(StageCell, seq),
            crate::cell::SEQ_WORD * 8
        );
        assert_eq!(
            WORDS_AT + std::mem::offset_of!(StageWords, next),
            offset::NEXT
        );
        let refusals = WORDS_AT + std::mem::offset_of!(StageWords, refusals);
        assert_eq!(
            refusals + std::mem::offset_of!(Refusals, count),
            offset::REFUSED_COUNT
        );
        assert_eq!(
            refusals + std::mem::offset_of!(Refusals, first_ns),
            offset::REFUSED_FIRST
        );
        assert_eq!(
            refusals + std::mem::offset_of!(Refusals, last_ns),
            offset::REFUSED_LAST
        );
        assert!(WORDS_AT + std::mem::size_of::<StageWords>() <= crate::header::PAGE_BYTES);
    }
}
