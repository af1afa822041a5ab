//! The crash matrix: whenever the power goes or the process is killed, nothing wrong is read and nothing durable is
//! lost.

use std::collections::BTreeMap;

use super::sim::{Moment, Names, SimDisk};
use super::*;
use crate::Error;

/// What the disk may have when the power goes at a moment, one after the other.
fn images(
    moment: &Moment,
    random: &mut Random,
    mut each: impl FnMut(SimDisk, &dyn Fn() -> String),
) {
    let unsure = moment.unsure(path());
    let choices = unsure
        .iter()
        .fold(1u64, |all, &(_, n)| all.saturating_mul(n as u64));
    let most = if all() { 128 } else { 6 };
    let newest = |n: usize| n - 1;
    let pick = |choice: &mut dyn FnMut(usize) -> usize| -> BTreeMap<usize, usize> {
        unsure
            .iter()
            .map(|&(sector, n)| (sector, choice(n)))
            .collect()
    };
    let mut chosen = vec![pick(&mut newest.clone()), pick(&mut |_| 0)];
    if choices <= most {
        for mut index in 0..choices {
            chosen.push(pick(&mut |n| {
                let it = index % n as u64;
                index /= n as u64;
                it as usize
            }));
        }
    } else {
        for _ in 0..most {
            chosen.push(pick(&mut |n| random.below(n as u64) as usize));
        }
    }
    for chosen in &chosen {
        let what = || format!("power lost with {chosen:?}");
        each(moment.power_lost(path(), chosen, Names::Now), &what);
    }
    let Some((at, length)) = moment.last_write(path()) else {
        return;
    };
    // Torn at bytes of it (in the long form at each of a single cell), beside which the other sectors are all new,
    // all old, or mixed.
    let step = match (all(), length) {
        (true, ..129) => 1,
        (true, ..4000) => 7,
        (true, _) => 61,
        (false, ..4000) => 29,
        (false, _) => 997,
    };
    let mut torn = random.below(step as u64) as usize;
    while torn < length {
        let chosen = match torn % 3 {
            0 => pick(&mut newest.clone()),
            1 => pick(&mut |_| 0),
            _ => pick(&mut |n| random.below(n as u64) as usize),
        };
        let what = || format!("torn at byte {torn} of {length} at {at} with {chosen:?}");
        each(moment.torn(path(), &chosen, torn), &what);
        torn += step;
    }
}

/// What a run does between two looks.
struct Pace {
    /// Records at a time, at most.
    records: u64,
    /// One in so many times it syncs.
    syncs: u64,
    notes: bool,
    reach: u64,
    rounds: u64,
}

fn matrix(options: &LogOptions, pace: &Pace, seed: u64) -> u64 {
    let mut random = Random(seed);
    let disk = SimDisk::default();
    let mut bench = Bench::reach(&disk, options, pace.reach).unwrap();
    let mut wrong = Wrong::default();
    let mut looks: u64 = 0;
    for round in 0..pace.rounds {
        for _ in 0..1 + random.below(pace.records) {
            match pace.notes && random.below(4) == 0 {
                true => bench.put_note(random.below(400) as usize),
                false => assert!(bench.put()),
            }
        }
        let durable = bench.log.durable_seq();
        disk.watch();
        bench.log.core().drain();
        if random.below(pace.syncs) == 0 {
            bench.log.core().sync_once();
        }
        let next = bench.log.next_seq();
        let at = || format!("round {round}, next {next}, durable {durable}");
        for moment in disk.moments() {
            images(&moment, &mut random, |image, what| {
                looks += 1;
                let must = Bench::window(next)..durable;
                let what = || format!("{}: {}", at(), what());
                check(&image, &bench.known, must.clone(), &mut wrong, &what);
                if looks.is_multiple_of(if all() { 2 } else { 8 }) {
                    check_run(&image, &bench.known, must, &mut wrong, &what);
                }
            });
        }
        // Killed, and then nothing at all is missing.
        looks += 1;
        let image = disk.now().killed();
        let what = || format!("{}: killed", at());
        check(
            &image,
            &bench.known,
            Bench::window(next)..next,
            &mut wrong,
            &what,
        );
        if all() || round % 4 == 0 {
            check_run(
                &image,
                &bench.known,
                Bench::window(next)..next,
                &mut wrong,
                &what,
            );
        }
    }
    wrong.assert_none();
    looks
}

/// One record at a time, over more than two laps: each place of the log is written alone, and torn.
#[test]
fn a_crash_at_every_place_of_the_log_takes_and_loses_nothing() {
    let pace = Pace {
        records: 1,
        syncs: 3,
        notes: false,
        reach: REACH,
        rounds: 2 * CAPACITY + 50,
    };
    let looks = matrix(&options(), &pace, 1);
    println!("{looks} crashes");
}

#[test]
fn a_crash_amid_many_unsynced_sectors_takes_and_loses_nothing() {
    let pace = Pace {
        records: 24,
        syncs: 4,
        notes: true,
        reach: REACH,
        rounds: if all() { 200 } else { 60 },
    };
    for seed in 2..5 {
        matrix(&options(), &pace, seed);
        matrix(&beside(), &pace, seed);
    }
}

/// Laps without a sync: cells of three laps lie side by side on the disk.
#[test]
fn a_crash_after_laps_without_a_sync_takes_and_loses_nothing() {
    let pace = Pace {
        records: 120,
        syncs: 12,
        notes: true,
        reach: REACH,
        rounds: if all() { 200 } else { 150 },
    };
    matrix(&options(), &pace, 5);
}

/// A log so large that only a part of it is looked through.
#[test]
fn a_crash_within_a_short_reach_takes_and_loses_nothing() {
    let pace = Pace {
        records: 20,
        syncs: 2,
        notes: true,
        reach: 64,
        rounds: if all() { 200 } else { 60 },
    };
    matrix(&options(), &pace, 6);
}

/// Making the log, taking it up, closing it: each of these cut short at each write.
#[test]
fn a_crash_while_opening_or_closing_takes_and_loses_nothing() {
    let mut random = Random(7);
    let mut wrong = Wrong::default();
    let mut disk = SimDisk::default();
    disk.watch();
    let mut bench = Bench::open(&disk, &options()).unwrap();
    // Made: there is no log, or a whole one.
    for moment in disk.moments() {
        for names in [Names::Now, Names::Durable] {
            let newest = moment
                .unsure(path())
                .into_iter()
                .map(|(s, n)| (s, n - 1))
                .collect();
            let image = moment.power_lost(path(), &newest, names);
            match Reader::open_on(&image, path(), Mode::Strict) {
                Ok(reader) => assert_eq!(reader.count(), 0),
                Err(Error::Missing { .. }) => {}
                Err(e) => wrong.say(|| format!("made: {e}")),
            }
            check_run(&image, &bench.known, 1..1, &mut wrong, &|| "made".into());
        }
        check_run(&moment.killed(), &bench.known, 1..1, &mut wrong, &|| {
            "made, killed".into()
        });
    }
    // Taken up with records in file and stage and one that is not committed, again and again.
    for round in 0..30 {
        let (records, staged) = (random.below(200), random.below(100));
        (0..records).for_each(|_| assert!(bench.put()));
        bench.settle();
        let durable = bench.log.durable_seq();
        (0..staged).for_each(|_| assert!(bench.put()));
        if round % 3 == 0 {
            bench.log.core().drain();
        }
        std::mem::forget(bench.log.reserve(1).unwrap());
        assert!(bench.put());
        let next = bench.log.next_seq();
        let killed = disk.now().killed();
        killed.watch();
        let mut taken = Bench::open(&killed, &options()).unwrap();
        assert_eq!(taken.log.next_seq(), next);
        for moment in killed.moments() {
            let what = || format!("round {round}: taken up, killed");
            let must = Bench::window(next)..next;
            check(
                &moment.killed(),
                &bench.known,
                must.clone(),
                &mut wrong,
                &what,
            );
            check_run(&moment.killed(), &bench.known, must, &mut wrong, &what);
            images(&moment, &mut random, |image, what| {
                let what = || format!("round {round}: taken up: {}", what());
                let must = Bench::window(next)..durable;
                check(&image, &bench.known, must.clone(), &mut wrong, &what);
                check_run(&image, &bench.known, must, &mut wrong, &what);
            });
        }
        let all_durable = || Bench::window(next)..taken.log.durable_seq();
        assert_eq!(all_durable().end, next);
        // Closed.
        taken.known = bench.known.clone();
        killed.watch();
        taken.close().unwrap();
        for moment in killed.moments() {
            let what = || format!("round {round}: closed, killed");
            check_run(
                &moment.killed(),
                &taken.known,
                all_durable(),
                &mut wrong,
                &what,
            );
            images(&moment, &mut random, |image, what| {
                let what = || format!("round {round}: closed: {}", what());
                check(&image, &taken.known, all_durable(), &mut wrong, &what);
            });
        }
        // And on with it.
        let known = std::mem::take(&mut taken.known);
        drop(taken);
        disk = killed;
        bench = Bench::open(&disk, &options()).unwrap();
        bench.known = known;
        bench.tag = round + 1;
    }
    wrong.assert_none();
}

/// Another crash in each run: what the crashes before have left doesn't come back.
#[test]
fn crash_after_crash_takes_and_loses_nothing() {
    for seed in 0..if all() { 2000 } else { 60 } {
        let mut random = Random(100 + seed);
        let mut wrong = Wrong::default();
        let mut disk = SimDisk::default();
        let mut known = Known::new();
        let mut must = 1..1;
        for run in 0..20 {
            let mut bench = Bench::open(&disk, &options()).unwrap();
            let next = bench.log.next_seq();
            // Numbers that were lost with the power are given again.
            bench.known = known
                .range(..next)
                .map(|(&seq, of)| (seq, of.clone()))
                .collect();
            bench.tag = run;
            must = Bench::window(next).max(must.start)..next.min(must.end);
            let what = || format!("seed {seed}, run {run}");
            check(&disk, &bench.known, must.clone(), &mut wrong, &what);
            // What was not durable may be void now.
            let left = Reader::open_on(&disk, path(), Mode::Salvage).unwrap();
            let left: Vec<u64> = left
                .filter_map(|item| match item.unwrap() {
                    Item::Record(entry) if entry.record.name() != "void" => Some(entry.seq),
                    _ => None,
                })
                .collect();
            bench.known.retain(|seq, _| left.binary_search(seq).is_ok());
            for _ in 0..random.below(12) {
                (0..random.below(60)).for_each(|_| assert!(bench.put()));
                bench.put_note(random.below(300) as usize);
                bench.log.core().drain();
                if random.below(3) == 0 {
                    bench.log.core().sync_once();
                }
            }
            let durable = bench.log.durable_seq();
            let next = bench.log.next_seq();
            let moment = disk.now();
            known = bench.known.clone();
            disk = match random.below(3) {
                0 => {
                    must = Bench::window(next)..next;
                    moment.killed()
                }
                _ => {
                    must = Bench::window(next)..durable;
                    let chosen = moment.unsure(path());
                    let chosen = chosen.into_iter();
                    let chosen = chosen
                        .map(|(s, n)| (s, random.below(n as u64) as usize))
                        .collect();
                    moment.power_lost(path(), &chosen, Names::Now)
                }
            };
        }
        wrong.assert_none();
    }
}

/// Begun anew and cut short at each write: the old log is there, or the new one, and never some of both.
#[test]
fn a_crash_while_a_log_is_begun_anew_leaves_the_old_or_the_new_one() {
    let mut random = Random(8);
    let mut wrong = Wrong::default();
    let disk = SimDisk::default();
    let mut bench = Bench::open(&disk, &options()).unwrap();
    (0..600).for_each(|_| assert!(bench.put()));
    bench.close().unwrap();
    let (old, next) = (std::mem::take(&mut bench.known), bench.log.next_seq());
    let generation = bench.log.state().generation;
    drop(bench);
    let anew = LogOptions {
        start_over: true,
        ..options()
    };
    disk.watch();
    let mut bench = Bench::open(&disk, &anew).unwrap();
    bench.tag = 1;
    (0..20).for_each(|_| assert!(bench.put()));
    bench.log.core().drain();
    let mut counts = [0; 2];
    for moment in disk.moments() {
        images(&moment, &mut random, |image, what| {
            let reader = Reader::open_on(&image, path(), Mode::Salvage).unwrap();
            let is_old = reader.info().generation == generation;
            counts[is_old as usize] += 1;
            match is_old {
                true => check(&image, &old, Bench::window(next)..next, &mut wrong, what),
                false => check(&image, &bench.known, 1..1, &mut wrong, what),
            }
        });
    }
    wrong.assert_none();
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
}

/// A durable record's objects are durable, and before the sync their names are not.
#[test]
fn objects_are_durable_before_the_records_that_name_them() {
    let disk = SimDisk::default();
    let bench = Bench::open(&disk, &options()).unwrap();
    let hash = bench.log.objects().put(b"a large thing").unwrap();
    let note = Note {
        tenant: 0,
        text: hash.to_string(),
    };
    bench.log.append(&note.into()).unwrap();
    bench.log.core().drain();
    let get = || {
        let image = disk
            .now()
            .power_lost(path(), &BTreeMap::new(), Names::Durable);
        crate::Objects::on(Arc::new(image), path(), 0).get(&hash)
    };
    assert!(matches!(get(), Err(Error::ObjectMissing { .. })));
    bench.log.core().sync_once();
    assert_eq!(bench.log.durable_seq(), bench.log.next_seq());
    assert_eq!(get().unwrap(), b"a large thing");
}

/// What was refused and not told when the process was killed is told by the next run.
#[test]
fn refusals_that_a_crash_left_untold_are_told_by_the_next_run() {
    let disk = SimDisk::default();
    let gap = LogOptions {
        when_full: crate::WhenFull::Gap,
        ..options()
    };
    let bench = Bench::open(&disk, &gap).unwrap();
    while let Ok(mut cells) = bench.log.reserve(1) {
        assert!(cells.job(&Job::default()));
    }
    assert!(bench.log.reserve(3).is_err());
    let image = disk.now().killed();
    assert_eq!(
        Reader::open_on(&image, path(), Mode::Strict)
            .unwrap()
            .info()
            .untold,
        4
    );
    let next = Bench::open(&image, &gap).unwrap();
    next.close().unwrap();
    let items: Vec<_> = Reader::open_on(&image, path(), Mode::Strict)
        .unwrap()
        .map(|item| item.unwrap())
        .collect();
    assert_eq!(items.len(), 257);
    let Some(Item::Record(crate::Entry {
        record: Record::Gap(told),
        ..
    })) = items.last()
    else {
        panic!("{:?}", items.last())
    };
    assert_eq!((told.why, told.lost), (crate::GapWhy::Crash, 4));
    assert!(told.first_ns <= told.last_ns);
}
