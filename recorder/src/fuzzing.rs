//! What a fuzzer feeds: bytes as the body of a record, as a file, and as a file and a stage whose checksums are
//! right, so that what lies behind the checksums is reached too. Nothing may panic, hang or take more memory than it
//! is given bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::cell::{self, Head, Payload, CELL_BYTES};
use crate::disk::{Disk, DiskFile, How, Map};
use crate::header::{Header, StageHeader, PAGE_BYTES};
use crate::record::Record;
use crate::{Mode, Reader};

/// Bytes that nobody writes.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl DiskFile for Bytes {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let from = usize::try_from(at).map_or(self.0.len(), |at| at.min(self.0.len()));
        let n = buf.len().min(self.0.len() - from);
        buf[..n].copy_from_slice(&self.0[from..from + n]);
        Ok(n)
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn allocate(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn try_lock(&self) -> io::Result<bool> {
        Ok(true)
    }
    fn identity(&self) -> io::Result<(u64, u64)> {
        Ok((0, 0))
    }
    fn owner(&self) -> io::Result<u32> {
        Ok(0)
    }
}

#[derive(Default)]
struct Files(BTreeMap<PathBuf, Bytes>);

fn read_only<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for Files {
    fn open(&self, path: &Path, _: How) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(file.clone()))
    }
    fn rename(&self, _: &Path, _: &Path, _: bool) -> io::Result<()> {
        read_only()
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        read_only()
    }
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        read_only()
    }
    fn list(&self, _: &Path) -> io::Result<Vec<(String, u64)>> {
        read_only()
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        read_only()
    }
    fn map_new(&self, _: &Path, _: usize) -> io::Result<Map> {
        read_only()
    }
}

const LOG: &str = "/log";
const STAGE: &str = "/stage";

/// The fuzzer's input, from which numbers are taken until it is used up; then they are 0.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn bytes(&mut self, n: usize) -> Vec<u8> {
        let (head, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        let mut out = head.to_vec();
        out.resize(n, 0);
        out
    }
    fn number(&mut self, bytes: usize) -> u64 {
        let mut word = [0; 8];
        word[..bytes].copy_from_slice(&self.bytes(bytes));
        u64::from_le_bytes(word)
    }
}

/// Runs one input: the first byte says what the others are.
pub fn one(input: &[u8]) {
    let mut input = Input(input);
    match input.number(1) % 3 {
        0 => body(input),
        1 => read(Files([(LOG.into(), Bytes(input.0.into()))].into())),
        _ => sealed(input),
    }
}

/// What can be taken apart is put together as the same.
fn body(mut input: Input) {
    let kind = input.number(1) as u16;
    let mut parts: Vec<Payload> = Vec::new();
    while !input.0.is_empty() && parts.len() < cell::MAX_PARTS {
        parts.push(std::array::from_fn(|_| input.number(8).to_le()));
    }
    if let Ok(record) = Record::decode(kind, &parts) {
        let encoded = record.encode().expect("it has fitted before");
        assert_eq!(encoded.kind, kind);
        assert_eq!(Record::decode(kind, &encoded.parts), Ok(record));
    }
}

/// A log of a few cells, somewhere in its life, with a stage.
fn sealed(mut input: Input) {
    let generation = input.number(1) as u32;
    let near = |input: &mut Input, base: u64| base.wrapping_add(input.number(2)) % cell::SEQ_LIMIT;
    let base = input.number(7);
    let mut header = Header {
        counter: input.number(1),
        compatible: input.number(1),
        incompatible: input.number(1) / 255,
        feature_names: String::new(),
        capacity: 256 << (input.number(1) % 26),
        generation,
        clean: input.number(1) % 2 == 1,
        run: 1,
        created_ns: 0,
        next: near(&mut input, base),
        durable: near(&mut input, base),
        pid: 0,
        reach: input.number(3),
        stage_id: 1,
        stage_cells: 256,
        stage_path: STAGE.into(),
    };
    let mut file = header.encode().to_vec();
    header.counter = input.number(1);
    header.durable = near(&mut input, base);
    file.extend_from_slice(&header.encode());
    let said = StageHeader {
        generation,
        id: input.number(1),
        cells: 256,
        run: 1,
    };
    let mut stage = vec![0; PAGE_BYTES + 256 * CELL_BYTES];
    stage[..64].copy_from_slice(&said.encode());
    stage[1024..1032].copy_from_slice(&near(&mut input, base).to_le_bytes());
    let file_cells = input.number(2) % 1024;
    file.resize(file.len() + file_cells as usize * CELL_BYTES, 0);
    while !input.0.is_empty() {
        let (staged, seq) = (input.number(1) % 2 == 1, near(&mut input, base));
        let head = Head {
            kind: input.number(1) as u16,
            part: input.number(1) as u8,
            parts: input.number(1) as u8,
            generation: generation ^ (input.number(1) == 255) as u32,
            seq,
            mono_ns: 0,
            wall_ns: 0,
        };
        let words = [cell::seal(head, &std::array::from_fn(|_| input.number(2)))];
        let (bytes, at) = match staged {
            true => (&mut stage, PAGE_BYTES + (seq % 256) as usize * CELL_BYTES),
            false => {
                let slot = seq % header.capacity;
                (
                    &mut file,
                    2 * PAGE_BYTES + slot.min(1 << 20) as usize * CELL_BYTES,
                )
            }
        };
        if let Some(place) = bytes.get_mut(at..at + CELL_BYTES) {
            place.copy_from_slice(cell::bytes_of(&words));
        }
    }
    read(Files(
        [(LOG.into(), Bytes(file)), (STAGE.into(), Bytes(stage))].into(),
    ));
}

/// Reads a log in both ways. What is given is in order, and no more than the log can hold.
fn read(files: Files) {
    for mode in [Mode::Strict, Mode::Salvage] {
        let Ok(reader) = Reader::open_on(&files, LOG.as_ref(), mode) else {
            continue;
        };
        let (oldest, next) = (reader.info().oldest, reader.info().next);
        let mut at = oldest;
        for item in reader {
            let Ok(item) = item else {
                assert_eq!(mode, Mode::Strict);
                break;
            };
            let (first, last) = match item {
                crate::Item::Record(entry) => (entry.seq, entry.seq + entry.cells - 1),
                crate::Item::Missing(missing) => (missing.first, missing.last),
            };
            assert!(
                first == at && last < next,
                "{first} to {last} at {at} of {next}"
            );
            at = last + 1;
        }
    }
}
