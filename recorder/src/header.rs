//! The header pages of a log, and the one of its stage.
//!
//! A log has two header pages, of which the valid one with the higher counter counts. A page is written only when the
//! other one is durable, so that a torn write leaves one. Magic, version and the CRC's place are the same in all
//! versions.

use std::path::{Path, PathBuf};

use crate::cell::{CELL_BYTES, SEQ_LIMIT};
use crate::error::Error;

pub const PAGE_BYTES: usize = 4096;
/// Where a log's cells begin.
pub const CELLS_AT: u64 = 2 * PAGE_BYTES as u64;
/// The version of the format.
pub const VERSION: u32 = 1;

const LOG_MAGIC: [u8; 8] = *b"RotaLog\x1a";
const STAGE_MAGIC: [u8; 8] = *b"RotaStg\x1a";
const CRC_AT: usize = PAGE_BYTES - 4;
const STAGE_CRC_AT: usize = 60;
const STAGE_PATH_AT: usize = 132;
const NAMES_AT: usize = 3328;
/// Bytes of the longest path of a stage.
pub const STAGE_PATH_MAX: usize = NAMES_AT - STAGE_PATH_AT;

/// Features that a reader has to know, by bit. Version 1 has none.
const INCOMPATIBLE: [&str; 0] = [];

/// What a header page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub counter: u64,
    /// Features that a reader needs not know.
    pub compatible: u64,
    /// Features that it must know.
    pub incompatible: u64,
    /// The names of the incompatible ones, by bit and separated by commas, for those who don't know them.
    pub feature_names: String,
    pub capacity: u64,
    pub generation: u32,
    /// Whether the log was closed, and holds all cells below `next`.
    pub clean: bool,
    /// Counts the times that the log was opened for writing.
    pub run: u64,
    pub created_ns: u64,
    /// The number of the next cell, as of when the page was written.
    pub next: u64,
    /// All cells below this number have been durable.
    pub durable: u64,
    /// Of the process that writes it.
    pub pid: u32,
    /// No cell with the number `durable + reach` or a later one has been written.
    pub reach: u64,
    pub stage_id: u64,
    pub stage_cells: u64,
    /// Where the stage is; empty in a log that was closed.
    pub stage_path: PathBuf,
}

fn put(page: &mut [u8], at: usize, bytes: &[u8]) {
    page[at..at + bytes.len()].copy_from_slice(bytes);
}

fn u32_at(page: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(page[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(page: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(page[at..at + 8].try_into().expect("eight bytes"))
}

impl Header {
    /// How long the log's file is.
    pub fn file_bytes(&self) -> u64 {
        CELLS_AT + self.capacity * CELL_BYTES as u64
    }

    /// Where the cell of a number stands in the file.
    pub fn offset(&self, seq: u64) -> u64 {
        CELLS_AT + seq % self.capacity * CELL_BYTES as u64
    }

    pub fn encode(&self) -> [u8; PAGE_BYTES] {
        use std::os::unix::ffi::OsStrExt;
        let mut page = [0; PAGE_BYTES];
        put(&mut page, 0, &LOG_MAGIC);
        put(&mut page, 8, &VERSION.to_le_bytes());
        put(&mut page, 12, &(CELL_BYTES as u32).to_le_bytes());
        let numbers = [
            (16, self.counter),
            (24, self.compatible),
            (32, self.incompatible),
            (40, self.capacity),
            (56, self.run),
            (64, self.created_ns),
            (72, self.next),
            (80, self.durable),
            (96, self.reach),
            (104, self.stage_id),
            (112, self.stage_cells),
        ];
        for (at, number) in numbers {
            put(&mut page, at, &number.to_le_bytes());
        }
        put(&mut page, 48, &self.generation.to_le_bytes());
        put(&mut page, 52, &(self.clean as u32).to_le_bytes());
        put(&mut page, 88, &self.pid.to_le_bytes());
        let path = self.stage_path.as_os_str().as_bytes();
        put(
            &mut page,
            STAGE_PATH_AT - 4,
            &(path.len() as u32).to_le_bytes(),
        );
        put(&mut page, STAGE_PATH_AT, path);
        let names = self.feature_names.as_bytes();
        put(&mut page, NAMES_AT, &(names.len() as u32).to_le_bytes());
        put(&mut page, NAMES_AT + 4, names);
        let crc = crc32c::crc32c(&page[..CRC_AT]);
        put(&mut page, CRC_AT, &crc.to_le_bytes());
        page
    }

    /// What a page says, if it is whole and of a version that this library knows.
    fn decode(page: &[u8]) -> Result<Self, Bad> {
        use std::os::unix::ffi::OsStrExt;
        if page.len() < PAGE_BYTES || page[..8] != LOG_MAGIC {
            return Err(Bad::NoMagic);
        }
        if u32_at(page, CRC_AT) != crc32c::crc32c(&page[..CRC_AT]) {
            return Err(Bad::Damaged("their checksums are wrong"));
        }
        if u32_at(page, 8) > VERSION {
            return Err(Bad::Newer(u32_at(page, 8)));
        }
        let text = |at: usize, limit: usize| {
            let length = u32_at(page, at) as usize;
            (length <= limit).then(|| &page[at + 4..at + 4 + length])
        };
        let impossible = Bad::Damaged("they say what can't be");
        let path = text(STAGE_PATH_AT - 4, STAGE_PATH_MAX).ok_or(impossible)?;
        let names = text(NAMES_AT, CRC_AT - NAMES_AT - 4).ok_or(impossible)?;
        let header = Self {
            counter: u64_at(page, 16),
            compatible: u64_at(page, 24),
            incompatible: u64_at(page, 32),
            feature_names: String::from_utf8_lossy(names).into_owned(),
            capacity: u64_at(page, 40),
            generation: u32_at(page, 48),
            clean: u32_at(page, 52) == 1,
            run: u64_at(page, 56),
            created_ns: u64_at(page, 64),
            next: u64_at(page, 72),
            durable: u64_at(page, 80),
            pid: u32_at(page, 88),
            reach: u64_at(page, 96),
            stage_id: u64_at(page, 104),
            stage_cells: u64_at(page, 112),
            stage_path: PathBuf::from(std::ffi::OsStr::from_bytes(path)),
        };
        // An unknown feature may mean other bounds, and is named first.
        let possible = u32_at(page, 12) == CELL_BYTES as u32
            && (LEAST_CAPACITY..=MOST_CAPACITY).contains(&header.capacity)
            && (header.stage_cells == 0 || header.stage_cells.is_power_of_two())
            && header.stage_cells <= header.capacity
            && header.next < SEQ_LIMIT
            && header.durable < SEQ_LIMIT;
        match possible || header.incompatible != 0 {
            true => Ok(header),
            false => Err(impossible),
        }
    }
}

/// Room for the largest record and one cell more.
const LEAST_CAPACITY: u64 = 256;
const MOST_CAPACITY: u64 = (1 << 40) / CELL_BYTES as u64;

#[derive(Clone, Copy)]
enum Bad {
    NoMagic,
    Damaged(&'static str),
    Newer(u32),
}

/// What the two pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Both are valid and say the same but for their counters. Only then the word that a log is clean is taken.
    Same,
    Both,
    /// One is not valid, and the other may be the older one.
    One,
}

/// The header of a log.
pub fn choose(path: &Path, pages: &[u8]) -> Result<(Header, Pages), Error> {
    let (first, second) = pages.split_at(pages.len().min(PAGE_BYTES));
    let header = match (Header::decode(first), Header::decode(second)) {
        (Ok(a), Ok(b)) => {
            let (newer, mut older) = match a.counter >= b.counter {
                true => (a, b),
                false => (b, a),
            };
            older.counter = newer.counter;
            let pages = match older == newer {
                true => Pages::Same,
                false => Pages::Both,
            };
            Ok((newer, pages))
        }
        (Err(Bad::Newer(found)), _) | (_, Err(Bad::Newer(found))) => Err(Error::NewerVersion {
            path: path.into(),
            found,
            known: VERSION,
        }),
        (Ok(header), Err(_)) | (Err(_), Ok(header)) => Ok((header, Pages::One)),
        (Err(Bad::NoMagic), Err(Bad::NoMagic)) => Err(Error::NotALog { path: path.into() }),
        (Err(Bad::Damaged(why)), _) | (_, Err(Bad::Damaged(why))) => Err(Error::HeaderDamaged {
            path: path.into(),
            why,
        }),
    }?;
    let unknown = header.0.incompatible >> INCOMPATIBLE.len() << INCOMPATIBLE.len();
    if unknown != 0 {
        let names: Vec<&str> = header.0.feature_names.split(',').collect();
        let name = |bit: usize| match names.get(bit) {
            Some(name) if !name.is_empty() => format!("the feature \"{name}\" (bit {bit})"),
            _ => format!("an unnamed feature (bit {bit})"),
        };
        let bits = (0..64).filter(|bit| unknown >> bit & 1 != 0);
        return Err(Error::UnknownFeature {
            path: path.into(),
            features: bits.map(name).collect::<Vec<_>>().join(", "),
        });
    }
    Ok(header)
}

/// What a stage says of itself, and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageHeader {
    pub generation: u32,
    pub id: u64,
    pub cells: u64,
    pub run: u64,
}

impl StageHeader {
    /// The first bytes of the stage's file.
    pub fn encode(&self) -> [u8; STAGE_CRC_AT + 4] {
        let mut page = [0; STAGE_CRC_AT + 4];
        put(&mut page, 0, &STAGE_MAGIC);
        put(&mut page, 8, &VERSION.to_le_bytes());
        put(&mut page, 16, &self.generation.to_le_bytes());
        put(&mut page, 24, &self.id.to_le_bytes());
        put(&mut page, 32, &self.cells.to_le_bytes());
        put(&mut page, 40, &self.run.to_le_bytes());
        let crc = crc32c::crc32c(&page[..STAGE_CRC_AT]);
        put(&mut page, STAGE_CRC_AT, &crc.to_le_bytes());
        page
    }

    /// `None` if it is damaged or something else.
    pub fn decode(page: &[u8]) -> Option<Self> {
        let whole = page.len() >= STAGE_CRC_AT + 4
            && page[..8] == STAGE_MAGIC
            && u32_at(page, 8) == VERSION
            && u32_at(page, STAGE_CRC_AT) == crc32c::crc32c(&page[..STAGE_CRC_AT]);
        whole.then(|| Self {
            generation: u32_at(page, 16),
            id: u64_at(page, 24),
            cells: u64_at(page, 32),
            run: u64_at(page, 40),
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            counter: 9,
            compatible: 1 << 40,
            incompatible: 0,
            feature_names: String::new(),
            capacity: 448,
            generation: 77,
            clean: true,
            run: 3,
            created_ns: 5,
            next: 1001,
            durable: 1000,
            pid: 4711,
            reach: 448,
            stage_id: 99,
            stage_cells: 256,
            stage_path: "/dev/shm/stage".into(),
        }
    }

    fn pages(a: &Header, b: &Header) -> Vec<u8> {
        [a.encode(), b.encode()].concat()
    }

    fn chosen(pages: &[u8]) -> Result<(Header, Pages), Error> {
        choose(Path::new("x.log"), pages)
    }

    #[test]
    fn of_two_pages_the_valid_one_with_the_higher_counter_counts() {
        let (older, newer) = (
            header(),
            Header {
                counter: 10,
                next: 1002,
                ..header()
            },
        );
        assert_eq!(
            chosen(&pages(&older, &newer)).unwrap(),
            (newer.clone(), Pages::Both)
        );
        assert_eq!(
            chosen(&pages(&newer, &older)).unwrap(),
            (newer.clone(), Pages::Both)
        );
        let mut torn = pages(&newer, &older);
        torn[100] ^= 1;
        assert_eq!(chosen(&torn).unwrap(), (older.clone(), Pages::One));
        let twin = Header {
            counter: 10,
            ..header()
        };
        assert_eq!(chosen(&pages(&older, &twin)).unwrap(), (twin, Pages::Same));
    }

    #[test]
    fn pages_of_others_are_refused_by_name() {
        let with = |change: fn(&mut Header)| {
            let mut header = header();
            change(&mut header);
            chosen(&pages(&header, &header))
        };
        assert!(matches!(chosen(&[]), Err(Error::NotALog { .. })));
        assert!(matches!(chosen(&[7; 9000]), Err(Error::NotALog { .. })));
        let features = with(|h| {
            h.incompatible = 5;
            h.feature_names = "compressed cells".into();
        });
        let text = features.unwrap_err().to_string();
        assert!(
            text.contains("\"compressed cells\" (bit 0), an unnamed feature (bit 2)"),
            "{text}"
        );
        assert!(with(|h| h.compatible = u64::MAX).is_ok());
        let impossible: [fn(&mut Header); 4] = [
            |h| h.capacity = 0,
            |h| h.capacity = u64::MAX,
            |h| h.stage_cells = 300,
            |h| h.next = u64::MAX,
        ];
        for change in impossible {
            assert!(matches!(with(change), Err(Error::HeaderDamaged { .. })));
        }
        let mut newer = pages(&header(), &header());
        for page in newer.chunks_mut(PAGE_BYTES) {
            put(page, 8, &2u32.to_le_bytes());
            let crc = crc32c::crc32c(&page[..CRC_AT]);
            put(page, CRC_AT, &crc.to_le_bytes());
        }
        assert!(matches!(
            chosen(&newer),
            Err(Error::NewerVersion {
                found: 2,
                known: 1,
                ..
            })
        ));
    }

    #[test]
    fn no_flipped_bit_leaves_a_page_valid() {
        let page = header().encode();
        for bit in 0..PAGE_BYTES * 8 {
            let mut page = page;
            page[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&page).is_err(), "bit {bit}");
        }
    }
}
