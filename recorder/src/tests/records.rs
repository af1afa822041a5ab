//! Records at random: what was put together is taken apart as the same, and no bytes at all make the decoder panic.

use super::*;
use crate::cell::{self, CELL_BYTES};
use crate::fuzzing;
use crate::record::{kind, Record, MAX_BODY};
use crate::*;

fn text(random: &mut Random, most: u64) -> String {
    let letters = ['a', 'B', ' ', '=', 'ü', '語', '\0', '\u{1f680}'];
    (0..random.below(most + 1))
        .map(|_| letters[random.below(8) as usize])
        .collect()
}

fn pairs(random: &mut Random) -> Vec<(String, String)> {
    (0..random.below(9))
        .map(|_| (text(random, 9), text(random, 30)))
        .collect()
}

fn hash(random: &mut Random) -> Hash {
    Hash::of(&random.next().to_le_bytes())
}

fn record(random: &mut Random) -> Record {
    let r = &mut *random;
    match r.below(13) {
        0 => Void {
            why: VoidWhy::from_number(r.next() as u8),
        }
        .into(),
        1 => RunStart {
            library_version: text(r, 10),
            device: text(r, 90),
            driver: text(r, 40),
            mode: text(r, 8),
            capture: text(r, 8),
            pid: r.next() as u32,
            lanes: r.next() as u32,
            options: pairs(r),
        }
        .into(),
        2 => RunEnd {
            reason: text(r, 50),
            jobs: r.next(),
            completions: r.next(),
        }
        .into(),
        3 => Tenant {
            tenant: r.next(),
            event: TenantEvent::from_number(r.next() as u8),
            label: text(r, 200),
            options: pairs(r),
            end_epoch: r.next(),
        }
        .into(),
        4 => Module {
            tenant: r.next(),
            module: r.next() as u32,
            version: r.next() as u32,
            event: ModuleEvent::from_number(r.next() as u8),
            label: text(r, 60),
            source: (r.below(2) == 0).then(|| hash(r)),
            first_handler: r.next() as u32,
            all_handlers: r.next() as u32,
            handlers: (0..r.below(30))
                .map(|_| Handler {
                    opcode: r.next() as u32,
                    number: r.next() as u32,
                    tiled: r.below(2) == 0,
                    fuel: r.next() as u32,
                    name: text(r, 40),
                })
                .collect(),
            end_epoch: r.next(),
        }
        .into(),
        5 => Buffer {
            read_only: r.below(2) == 0,
            other_tenant: r.next(),
            other_handle: r.next() as u32,
            offset: r.next(),
            length: r.next(),
            value: r.next() as u32,
            data: (r.below(2) == 0).then(|| hash(r)),
            tail: r.next(),
            end_epoch: r.next(),
            ..Buffer::new(
                r.next(),
                r.next() as u32,
                BufferEvent::from_number(r.next() as u8),
            )
        }
        .into(),
        6 => Job {
            tenant: r.next(),
            ticket: r.next(),
            opcode: r.next() as u32,
            flags: r.next() as u32,
            tiles: r.next() as u32,
            fuel: r.next() as u32,
            args: std::array::from_fn(|_| r.next() as u32),
            user_data: r.next(),
            epoch_seen: r.next(),
        }
        .into(),
        7 => Completion {
            tenant: r.next(),
            ticket: r.next(),
            status: r.next() as u32,
            fault: r.next() as u32,
            results: [r.next() as u32, r.next() as u32],
            fuel: r.next() as u32,
            module_version: r.next() as u32,
            digest: r.next(),
            flags: r.next() as u32,
            begin_epoch: r.next(),
            end_epoch: r.next(),
        }
        .into(),
        8 => {
            let bytes = vec![r.next() as u8; r.below(20_000) as usize];
            let class = EvidenceClass::from_number(r.next() as u8);
            Evidence::new(r.next(), r.next(), class, r.next() as i32, &bytes).into()
        }
        9 => Gap {
            why: GapWhy::from_number(r.next() as u8),
            lost: r.next(),
            first_ns: r.next(),
            last_ns: r.next(),
        }
        .into(),
        10 => Checkpoint {
            before: r.next(),
            end_epoch: r.next(),
            tenants: r.next() as u32,
            buffers: r.next() as u32,
            bytes: r.next(),
            state: hash(r),
        }
        .into(),
        11 => Note {
            tenant: r.next(),
            text: text(r, 3000),
        }
        .into(),
        _ => Record::Unknown {
            kind: kind::NOTE + 1 + r.below(60_000) as u16,
            // All bytes of its cells, so a multiple of theirs.
            bytes: vec![r.next() as u8; 88 * (1 + r.below(255) as usize)],
        },
    }
}

#[test]
fn every_record_comes_back_as_it_was() {
    let mut random = Random(11);
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..20_000 {
        let record = record(&mut random);
        let encoded = record.encode().unwrap();
        kinds.insert(record.kind().min(12));
        assert_eq!(encoded.kind, record.kind());
        assert_eq!(Record::decode(encoded.kind, &encoded.parts), Ok(record));
    }
    assert_eq!(kinds.len(), 13);
}

#[test]
fn records_in_one_piece_come_back_and_what_is_none_does_not() {
    let mut random = Random(13);
    for n in 0..200 {
        let records: Vec<Record> = (0..n % 20).map(|_| record(&mut random)).collect();
        let bytes = Record::pack(&records).unwrap();
        // Modules have their handlers counted, as in a log.
        let records = records.iter().flat_map(Record::pieces).collect();
        assert_eq!(Record::unpack(&bytes), Some(records));
        if !bytes.is_empty() {
            assert_eq!(Record::unpack(&bytes[..bytes.len() - 1]), None);
            // It neither panics nor takes more memory than is there, whatever it says.
            let mut damaged = bytes;
            let at = random.below(damaged.len() as u64) as usize;
            damaged[at] ^= 1 << random.below(8);
            Record::unpack(&damaged);
        }
    }
}

#[test]
fn no_damaged_body_makes_the_decoder_panic() {
    let mut random = Random(12);
    for _ in 0..50_000 {
        let mut encoded = record(&mut random).encode().unwrap();
        for _ in 0..1 + random.below(4) {
            let part = random.below(encoded.parts.len() as u64) as usize;
            let word = random.below(11) as usize;
            encoded.parts[part][word] ^= match random.below(3) {
                0 => 1 << random.below(64),
                1 => random.next(),
                _ => u64::MAX,
            };
        }
        encoded.parts.truncate(1 + random.below(255) as usize);
        let kind = match random.below(3) {
            0 => random.below(13) as u16,
            _ => encoded.kind,
        };
        if let Ok(record) = Record::decode(kind, &encoded.parts) {
            record.encode().unwrap();
        }
    }
}

/// A length that says more than there is allocates nothing.
#[test]
fn a_length_beyond_the_bytes_is_malformed() {
    for kind in 0..=kind::NOTE {
        if kind != kind::JOB && kind != kind::COMPLETION {
            let parts = [[u64::MAX; 11]];
            assert!(Record::decode(kind, &parts).is_err(), "kind {kind}");
        }
    }
    assert!(MAX_BODY < u32::MAX as usize);
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/log");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// What cargo-fuzz does, on a stable compiler and the same at each run: mutations of a kept corpus. `ROTA_TEST_FUZZ`
/// says how many, for longer runs.
#[test]
fn no_bytes_make_the_reader_panic_or_hang() {
    let rounds = std::env::var("ROTA_TEST_FUZZ").map_or(20_000, |n| n.parse().unwrap());
    let corpus = corpus();
    assert!(corpus.len() >= 8);
    corpus.iter().for_each(|input| fuzzing::one(input));
    let mut random = Random(13);
    for _ in 0..rounds {
        let mut input = corpus[random.below(corpus.len() as u64) as usize].clone();
        for _ in 0..1 + random.below(8) {
            mutate(&mut input, &corpus, &mut random);
        }
        fuzzing::one(&input);
    }
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() as u64 + 1) as usize;
    match random.below(6) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5) as usize],
        2 => input.truncate(at.max(1)),
        3 => input.insert(at, random.next() as u8),
        4 if input.len() < 100_000 => {
            let other = &corpus[random.below(corpus.len() as u64) as usize];
            let from = random.below(other.len() as u64) as usize;
            let n = (random.below(200) as usize).min(other.len() - from);
            input.splice(at..at, other[from..from + n].iter().copied());
        }
        _ => {
            let n = (random.below(16) as usize).min(input.len() - at);
            input[at..at + n].fill_with(|| random.next() as u8);
        }
    }
}

/// Cells of any bytes, whose checksums are right.
#[test]
fn sealed_nonsense_is_no_record_and_no_panic() {
    let mut random = Random(14);
    for _ in 0..2_000 {
        let mut input = vec![2];
        input.extend((0..40 + random.below(3000)).map(|_| random.next() as u8));
        fuzzing::one(&input);
    }
    assert_eq!(std::mem::size_of::<cell::Words>(), CELL_BYTES);
}
