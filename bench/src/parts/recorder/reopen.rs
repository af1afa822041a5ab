//! How long a program waits for a log that is there, and who reads it.

use super::folder::Folder;
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::stats::{Object, Samples};
use crate::Fallible;
use rota_recorder::{Completion, Item, Job, Log, LogOptions, Mode, Reader, Record};

const RECORDS: u64 = 1_000_000;

pub fn measure(context: &Context, folder: &Folder, object: &mut Object) -> Fallible<()> {
    let options = LogOptions::new(folder.path("reopen.log"));
    let log = Log::open(&options)?;
    for ticket in 0..RECORDS / 2 {
        let reserved = log.reserve(2);
        let mut cells = reserved.map_err(|refused| log.explain(refused, 2))?;
        cells.job(&Job {
            tenant: 1,
            ticket,
            ..Job::default()
        });
        cells.completion(&Completion {
            tenant: 1,
            ticket,
            ..Completion::default()
        });
    }
    log.close()?;
    drop(log);

    let rounds = context.rounds(12);
    let progress = Progress::new("reopen", rounds);
    let (mut open, mut scan, mut both) = (Samples::new(), Samples::new(), Samples::new());
    for round in 0..rounds {
        let begin = now_ns();
        let log = Log::open(&options)?;
        let opened = now_ns();
        let mut reader = Reader::open(&options.path, Mode::Strict)?;
        let (mut records, mut tickets) = (0, 0);
        while let Some(item) = reader.read()? {
            if let Item::Record(entry) = item {
                records += 1;
                if let Record::Completion(completion) = entry.record {
                    tickets += completion.ticket;
                }
            }
        }
        let end = now_ns();
        let half = RECORDS / 2;
        if (records, tickets) != (RECORDS, half * (half - 1) / 2) {
            return Err(format!("the log has {records} records").into());
        }
        open.push((opened - begin) as f64 / 1e6);
        scan.push((end - opened) as f64 / 1e6);
        both.push((end - begin) as f64 / 1e6);
        log.close()?;
        progress.step(round + 1);
    }
    both.write_figure(object, "reopen_ms");
    open.write_figure(object, "reopen_open_ms");
    scan.write_figure(object, "reopen_scan_ms");
    Ok(())
}
