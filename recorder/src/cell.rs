//! The cell: 128 bytes, the unit of the log, described in docs/recorder-format.md.
//!
//! A cell is whole if its CRC says so, and it is *good* at a place of a log if it also has the log's generation and the
//! sequence number that belongs there. The number is what tells a cell of this lap from one of the lap before, or from
//! one of a run that a crash ended: a checksum and a generation alone don't.

/// Bytes of a cell.
pub const CELL_BYTES: usize = 128;
/// Bytes of a cell that a record can use.
pub const PAYLOAD_BYTES: usize = 88;
/// The most cells of one record.
pub const MAX_PARTS: usize = 255;
/// Numbers have 56 bits: at ten million records a second they last for two hundred years.
pub const SEQ_LIMIT: u64 = 1 << 56;

const MAGIC: u32 = u32::from_le_bytes(*b"RCel");

/// A cell as little-endian words.
pub type Words = [u64; 16];
/// What a record puts into a cell, as little-endian words.
pub type Payload = [u64; 11];

/// Word of `seq`. It is stored last, and by that a cell is committed.
pub const SEQ_WORD: usize = 2;

/// What every cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub kind: u16,
    /// Which part of its record this cell is, from 0.
    pub part: u8,
    /// How many cells the record has.
    pub parts: u8,
    pub generation: u32,
    pub seq: u64,
    pub mono_ns: u64,
    pub wall_ns: u64,
}

/// The bytes of words, as they stand in a file.
pub fn bytes_of(words: &[Words]) -> &[u8] {
    // SAFETY: words have no padding, every byte may be read, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len() * CELL_BYTES) }
}

/// The same, to read a file into.
pub fn bytes_of_mut(words: &mut [Words]) -> &mut [u8] {
    // SAFETY: as above, and any bytes make words.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * CELL_BYTES) }
}

/// The CRC-32C of all but the first eight bytes.
#[inline]
fn crc(words: &Words) -> u32 {
    crc32c::crc32c(&bytes_of(std::slice::from_ref(words))[8..])
}

/// A whole cell.
#[inline]
pub fn seal(head: Head, payload: &Payload) -> Words {
    let mut words = [0; 16];
    let parts = (head.part as u64) << 16 | (head.parts as u64) << 24;
    words[1] = (head.kind as u64 | parts | (head.generation as u64) << 32).to_le();
    words[SEQ_WORD] = head.seq.to_le();
    words[3] = head.mono_ns.to_le();
    words[4] = head.wall_ns.to_le();
    words[5..].copy_from_slice(payload);
    words[0] = (MAGIC as u64 | (crc(&words) as u64) << 32).to_le();
    words
}

/// What a cell says, whether it is whole or not.
#[inline]
pub fn head(words: &Words) -> Head {
    let first = u64::from_le(words[1]);
    Head {
        kind: first as u16,
        part: (first >> 16) as u8,
        parts: (first >> 24) as u8,
        generation: (first >> 32) as u32,
        seq: u64::from_le(words[SEQ_WORD]),
        mono_ns: u64::from_le(words[3]),
        wall_ns: u64::from_le(words[4]),
    }
}

/// What a record put into a cell.
#[inline]
pub fn payload(words: &Words) -> &Payload {
    words[5..].try_into().expect("16 words less 5")
}

/// Whether it is as somebody sealed it.
#[inline]
pub fn is_whole(words: &Words) -> bool {
    u64::from_le(words[0]) == MAGIC as u64 | (crc(words) as u64) << 32
}

/// Whether it is the cell `seq` of the log of that generation.
#[inline]
pub fn is_good(words: &Words, generation: u32, seq: u64) -> bool {
    let head = head(words);
    head.seq == seq && head.generation == generation && is_whole(words) && head.part < head.parts
}

/// Why there is no good cell where one could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing was ever written there.
    Hole,
    /// Written in part, and not known to have been on the disk as a whole.
    Torn,
    /// Damaged after it was on the disk, or something that no log writes.
    Corrupt,
    /// Of an earlier lap, or of an earlier log in the same file.
    Stale,
    /// Of a later lap: the log went on while it was read.
    Overwritten,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hole => "a hole",
            Self::Torn => "torn",
            Self::Corrupt => "corrupt",
            Self::Stale => "stale",
            Self::Overwritten => "overwritten",
        }
    }
}

/// What is wrong with a cell that isn't good. `durable`: every number below it has been on the disk.
pub fn classify(words: &Words, generation: u32, seq: u64, capacity: u64, durable: u64) -> Class {
    if words.iter().all(|&word| word == 0) {
        return Class::Hole;
    }
    if !is_whole(words) {
        return match seq < durable {
            true => Class::Corrupt,
            false => Class::Torn,
        };
    }
    let head = head(words);
    if head.generation != generation {
        Class::Stale
    } else if head.seq % capacity != seq % capacity || head.part >= head.parts {
        Class::Corrupt
    } else if head.seq < seq {
        Class::Stale
    } else {
        Class::Overwritten
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn sealed(seq: u64) -> Words {
        let head = Head {
            kind: 7,
            part: 1,
            parts: 3,
            generation: 5,
            seq,
            mono_ns: 11,
            wall_ns: 13,
        };
        seal(head, &[0x0123_4567_89ab_cdef; 11])
    }

    #[test]
    fn a_cell_says_what_it_was_sealed_with() {
        let words = sealed(1000);
        assert!(is_good(&words, 5, 1000));
        assert_eq!(payload(&words), &[0x0123_4567_89ab_cdef; 11]);
        let head = head(&words);
        assert_eq!((head.kind, head.part, head.parts), (7, 1, 3));
        assert_eq!((head.mono_ns, head.wall_ns), (11, 13));
    }

    #[test]
    fn no_flipped_bit_leaves_a_cell_good() {
        for bit in 0..CELL_BYTES * 8 {
            let mut words = sealed(1000);
            bytes_of_mut(std::slice::from_mut(&mut words))[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_good(&words, 5, 1000), "bit {bit}");
        }
    }

    #[test]
    fn what_is_not_good_has_its_class() {
        let class = |words: &Words, seq, durable| classify(words, 5, seq, 100, durable);
        assert_eq!(class(&[0; 16], 1000, 0), Class::Hole);
        assert_eq!(class(&sealed(900), 1000, 0), Class::Stale);
        assert_eq!(class(&sealed(1100), 1000, 0), Class::Overwritten);
        assert_eq!(class(&sealed(901), 1000, 0), Class::Corrupt);
        assert_eq!(classify(&sealed(1000), 4, 1000, 100, 0), Class::Stale);
        let mut torn = sealed(1000);
        torn[9] ^= 1;
        assert_eq!(class(&torn, 1000, 1000), Class::Torn);
        assert_eq!(class(&torn, 1000, 1001), Class::Corrupt);
    }
}
