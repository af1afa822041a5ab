//! Operation number n of the disk fails, for n = 1, 2, 3 ... until the run passes: the error is named, what was said
//! to be durable is, and recording goes on or is refused, as was chosen.

use std::collections::BTreeMap;
use std::time::Duration;

use super::sim::{Fault, Names, SimDisk};
use super::*;
use crate::{AfterError, Error, Refused};

const FAULTS: [Fault; 3] = [Fault::Io, Fault::NoSpace, Fault::Short];

/// Whether an error says what happened.
fn is_named(error: &Error, fault: Fault) -> bool {
    match (error, fault) {
        (Error::NoSpace { .. }, Fault::NoSpace) => true,
        (Error::Io { source, .. }, Fault::Io | Fault::Short) => {
            source.raw_os_error() == Some(libc::EIO)
        }
        (Error::Failed(failure), Fault::NoSpace) => failure.os_code == Some(libc::ENOSPC),
        (Error::Failed(failure), _) => failure.os_code == Some(libc::EIO),
        _ => false,
    }
}

/// A run from opening to closing, with objects, laps and syncs. Gives the first error, and what is known to be durable.
fn run(disk: &SimDisk, options: &LogOptions, fault: Fault) -> (Option<Error>, Known, Range<u64>) {
    let mut bench = match Bench::open(disk, options) {
        Ok(bench) => bench,
        Err(e) => return (Some(e), Known::new(), 1..1),
    };
    let mut first = None;
    let mut lost = 0;
    for round in 0..8 {
        for _ in 0..90 {
            bench.make_room(1);
            let failed = bench.log.core().failure().is_some();
            let taken = bench.put();
            // What was chosen is what happens.
            assert_eq!(taken, !failed, "{:?}", options.after_error);
            let refused = bench.log.reserve(1).err();
            let expected = failed && options.after_error == AfterError::Refuse;
            assert_eq!(refused, expected.then_some(Refused::Failed));
            lost += 2 * (failed && !expected) as u64;
        }
        if let Err(e) = bench
            .log
            .objects()
            .put(format!("object {round}").as_bytes())
        {
            assert!(is_named(&e, fault), "{e}");
            first = first.or(Some(e));
        }
        bench.log.core().drain();
        if round % 2 == 0 {
            bench.log.core().sync_once();
        }
    }
    assert_eq!(bench.log.state().lost, lost);
    let closed = bench.close();
    let durable = Bench::window(bench.log.core().stage.next())..bench.log.durable_seq();
    if let Some(failure) = bench.log.core().failure() {
        assert!(matches!(&closed, Err(Error::Failed(said)) if said == failure));
        assert_eq!(bench.log.state().failure.as_ref(), Some(failure));
    }
    (first.or(closed.err()), bench.known, durable)
}

#[test]
fn each_operation_that_fails_is_named_and_costs_nothing_durable() {
    let mut wrong = Wrong::default();
    let mut runs = 0;
    for fault in FAULTS {
        for after_error in [AfterError::Lose, AfterError::Refuse] {
            // Once, and from then on.
            for count in [1, u64::MAX] {
                let options = LogOptions {
                    after_error,
                    ..options()
                };
                for n in 0.. {
                    runs += 1;
                    let disk = SimDisk::default();
                    disk.fail(n, count, fault);
                    let (error, known, durable) = run(&disk, &options, fault);
                    let hit = disk.heal();
                    let what = || format!("{fault:?} at {n}, {count} times, {after_error:?}");
                    match &error {
                        Some(e) if !hit => wrong.say(|| format!("{}: not hit: {e}", what())),
                        Some(e) if !is_named(e, fault) => wrong.say(|| format!("{}: {e}", what())),
                        _ => {}
                    }
                    if !hit {
                        assert!(error.is_none());
                        break;
                    }
                    // The machine goes down, the disk is well again.
                    let moment = disk.now();
                    for newest in [false, true] {
                        let unsure = moment.unsure(path()).into_iter();
                        let chosen: BTreeMap<_, _> = unsure
                            .map(|(s, n)| (s, if newest { n - 1 } else { 0 }))
                            .collect();
                        let image = moment.power_lost(path(), &chosen, Names::Now);
                        if !durable.is_empty() {
                            check(&image, &known, durable.clone(), &mut wrong, &what);
                        }
                        check_run(&image, &known, durable.clone(), &mut wrong, &what);
                    }
                    // Only the process: then the stage has what the file doesn't.
                    let killed = moment.killed();
                    check_run(&killed, &known, durable.clone(), &mut wrong, &what);
                    // And what that run has made durable is, though the sync before it failed: the pages that the
                    // system took for clean were written again.
                    let again = killed
                        .now()
                        .power_lost(path(), &BTreeMap::new(), Names::Now);
                    let next = Reader::open_on(&killed, path(), Mode::Strict)
                        .unwrap()
                        .info()
                        .next;
                    let kept = durable.start.max(Bench::window(next))..durable.end;
                    check(&again, &with_tail(&killed, &known), kept, &mut wrong, &what);
                }
            }
        }
    }
    wrong.assert_none();
    println!("{runs} runs");
}

/// What is known, and whatever the last run has added.
fn with_tail(disk: &SimDisk, known: &Known) -> Known {
    let reader = Reader::open_on(disk, path(), Mode::Salvage).unwrap();
    let mut all = known.clone();
    for item in reader {
        if let Item::Record(entry) = item.unwrap() {
            if entry.record.name() != "void" && !known.contains_key(&entry.seq) {
                all.insert(entry.seq, (entry.cells, entry.record));
            }
        }
    }
    all
}

/// After a failed sync the system believes the pages clean: whoever takes the log up must write them again.
#[test]
fn what_a_failed_sync_left_in_the_cache_is_written_again() {
    let disk = SimDisk::default();
    let mut bench = Bench::open(&disk, &options()).unwrap();
    (0..100).for_each(|_| assert!(bench.put()));
    bench.log.core().drain();
    disk.fail(0, 1, Fault::Io);
    bench.log.core().sync_once();
    assert!(disk.heal());
    assert!(bench.log.core().failure().is_some());
    assert_eq!(bench.log.durable_seq(), 1);
    let known = bench.known.clone();
    drop(bench);
    // The file can be read, from the cache, but the disk has nothing.
    let again = Bench::open(&disk, &options()).unwrap();
    assert_eq!(again.log.durable_seq(), 101);
    let image = disk.now().power_lost(path(), &BTreeMap::new(), Names::Now);
    let mut wrong = Wrong::default();
    check(&image, &known, 1..101, &mut wrong, &|| {
        "after the power was lost".into()
    });
    wrong.assert_none();
}

/// With the threads: whatever fails, nobody hangs.
#[test]
fn an_error_of_the_disk_ends_no_call_never() {
    for fault in FAULTS {
        for n in 0..60 {
            let disk = SimDisk::default();
            disk.fail(n, u64::MAX, fault);
            let options = LogOptions {
                sync_interval: Duration::from_micros(100),
                ..options()
            };
            let Ok(log) = Log::open_on(Arc::new(disk.clone()), &options) else {
                continue;
            };
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..600 {
                            assert!(log.reserve(1).unwrap().job(&Job::default()));
                        }
                    });
                }
            });
            let synced = log.sync(Duration::from_secs(60));
            let closed = log.close();
            if disk.heal() && log.state().failure.is_some() {
                assert!(matches!(&synced, Err(Error::Failed(_))) || synced.is_ok());
                assert!(is_named(&closed.unwrap_err(), fault));
            }
        }
    }
}
