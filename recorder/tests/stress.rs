//! More threads than processors record, wait, drop what they reserved and sync, while others read: every record is
//! there once, and each thread's in its order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rota_recorder::{Completion, Item, Job, Log, LogOptions, Mode, Reader, Record, Why};

const RECORDS: u64 = 40_000;

#[test]
fn every_record_of_many_threads_is_there_once_and_in_order() {
    let threads = 4 * std::thread::available_parallelism().unwrap().get() as u64;
    let folder = tempfile::tempdir().unwrap();
    let options = LogOptions {
        capacity_bytes: 256 * (RECORDS * threads),
        // Small, so that there are stalls and wraps.
        stage_cells: 512,
        sync_interval: Duration::from_millis(1),
        ..LogOptions::new(folder.path().join("test.log"))
    };
    let log = Log::open(&options).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A reader finds nothing wrong in a log that is being written: what isn't there yet is at its end.
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) || reads == 0 {
                let durable = log.durable_seq();
                for item in Reader::open(&options.path, Mode::Salvage).unwrap() {
                    match item.unwrap() {
                        Item::Record(entry) => assert!(right(&entry.record), "{entry:?}"),
                        Item::Missing(missing) => assert!(missing.first >= durable, "{missing:?}"),
                    }
                }
                reads += 1;
            }
        });
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    let mut n = 0;
                    while n < RECORDS {
                        let batch = (1 + (n * 7 + thread) % 9).min(RECORDS - n);
                        let mut cells = log.reserve(batch as usize + (n % 3) as usize).unwrap();
                        for _ in 0..batch {
                            n += 1;
                            assert!(match n % 2 {
                                0 => cells.job(&job(thread, n)),
                                _ => cells.completion(&completion(thread, n)),
                            });
                        }
                        drop(cells);
                        if n % 5000 < batch {
                            log.sync(Duration::from_secs(60)).unwrap();
                        }
                    }
                })
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    log.close().unwrap();
    let mut counts: HashMap<u64, u64> = HashMap::new();
    let mut next = 1;
    for item in Reader::open(&options.path, Mode::Strict).unwrap() {
        let Item::Record(entry) = item.unwrap() else {
            panic!("{:?}", Why::Incomplete)
        };
        assert_eq!(entry.seq, next);
        next += entry.cells;
        let (tenant, ticket) = match entry.record {
            Record::Job(job) => (job.tenant, job.ticket),
            Record::Completion(completion) => (completion.tenant, completion.ticket),
            Record::Void(_) => continue,
            other => panic!("{other:?}"),
        };
        let count = counts.entry(tenant).or_default();
        *count += 1;
        assert_eq!(ticket, *count, "of thread {tenant}");
    }
    assert_eq!(next, log.next_seq());
    assert_eq!(counts.len() as u64, threads);
    assert!(counts.values().all(|&count| count == RECORDS));
}

fn job(thread: u64, n: u64) -> Job {
    Job {
        tenant: thread,
        ticket: n,
        args: [n as u32; 10],
        user_data: thread ^ n,
        ..Job::default()
    }
}

fn completion(thread: u64, n: u64) -> Completion {
    Completion {
        tenant: thread,
        ticket: n,
        digest: thread ^ n,
        ..Completion::default()
    }
}

fn right(record: &Record) -> bool {
    match record {
        Record::Job(found) => *found == job(found.tenant, found.ticket),
        Record::Completion(found) => *found == completion(found.tenant, found.ticket),
        Record::Void(_) => true,
        _ => false,
    }
}
