//! One bit of a log, or of its stage, is wrong: nothing wrong is read, and only what the bit belongs to is missing.

use std::path::Path;

use super::sim::SimDisk;
use super::*;
use crate::cell::CELL_BYTES;
use crate::header::{CELLS_AT, PAGE_BYTES};

/// Of `bytes`, which bits are flipped: all, or some of each byte's neighbourhood, never the same ones.
fn bits(bytes: usize) -> impl Iterator<Item = usize> {
    let step = if all() { 1 } else { 113 };
    (0..bytes * 8).step_by(step)
}

/// Flips bits of a file; `hit` gives which cell of the log a byte belongs to.
fn flip_each(
    disk: &SimDisk,
    file: &Path,
    known: &Known,
    must: Range<u64>,
    takes_up: bool,
    hit: impl Fn(usize) -> Option<u64>,
) {
    let mut wrong = Wrong::default();
    let image = disk.now().killed();
    for (i, bit) in bits(image.bytes(file).len()).enumerate() {
        image.flip(file, bit);
        let what = || format!("bit {bit} of {}", file.display());
        let hit = hit(bit / 8);
        check_but(&image, known, must.clone(), hit, &mut wrong, &what);
        if takes_up && (all() || i % 16 == 0) {
            let taken = image.now().killed();
            let bench = Bench::open(&taken, &options()).unwrap();
            let kept = must.start.max(Bench::window(bench.log.next_seq()))..must.end;
            let what = || format!("{}, taken up", what());
            check_but(&taken, known, kept, hit, &mut wrong, &what);
        }
        image.flip(file, bit);
    }
    wrong.assert_none();
}

fn cell_of(at: usize, next: u64) -> Option<u64> {
    let slot = at.checked_sub(CELLS_AT as usize)? / CELL_BYTES;
    let first = Bench::window(next);
    (first..next).find(|seq| seq % CAPACITY == slot as u64)
}

fn written(records: u64) -> (SimDisk, Bench) {
    let disk = SimDisk::default();
    let mut bench = Bench::open(&disk, &options()).unwrap();
    for n in 0..records {
        match n % 40 == 7 {
            true => bench.put_note(300),
            false => assert!(bench.put()),
        }
    }
    (disk, bench)
}

#[test]
fn a_flipped_bit_of_a_closed_log_costs_only_what_it_hits() {
    let (disk, bench) = written(600);
    bench.close().unwrap();
    let next = bench.log.next_seq();
    let must = Bench::window(next)..next;
    flip_each(&disk, path(), &bench.known, must, true, |at| {
        cell_of(at, next)
    });
}

#[test]
fn a_flipped_bit_of_a_log_that_was_not_closed_costs_only_what_it_hits() {
    let (disk, mut bench) = written(500);
    bench.settle();
    for _ in 0..30 {
        assert!(bench.put());
    }
    bench.log.core().drain();
    let drained = bench.log.next_seq();
    for _ in 0..100 {
        assert!(bench.put());
    }
    let next = bench.log.next_seq();
    let must = Bench::window(next)..next;
    // The file: cells that the stage still has are taken from there, so not even they are missing.
    flip_each(&disk, path(), &bench.known, must.clone(), true, |at| {
        cell_of(at, drained)
    });
    // The stage: its cells are in it alone, but for those that were drained before.
    let stage = stage_path(&bench);
    flip_each(&disk, &stage, &bench.known, must, true, |at| {
        let slot = at.checked_sub(PAGE_BYTES)? / CELL_BYTES;
        (drained..next).find(|seq| seq % 256 == slot as u64)
    });
}

/// `check` finds a wrong record and a missing one.
#[test]
fn a_record_that_nobody_committed_is_found() {
    let (disk, bench) = written(20);
    let next = bench.log.next_seq();
    let verdict = |known: &Known| {
        let mut wrong = Wrong::default();
        check(&disk.now().killed(), known, 1..next, &mut wrong, &|| {
            "x".into()
        });
        wrong.1
    };
    assert_eq!(verdict(&bench.known), 0);
    let mut fewer = bench.known.clone();
    fewer.remove(&3);
    assert!(verdict(&fewer) > 0);
    let mut more = bench.known.clone();
    more.insert(next - 1, (1, Job::default().into()));
    assert!(verdict(&more) > 0);
}
