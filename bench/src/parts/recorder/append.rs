//! What recording adds to a submit, at a million jobs per second.

use super::client::{Client, BATCH};
use super::folder::Folder;
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::stats::{put, Object, Samples};
use crate::Fallible;
use rota_recorder::{Completion, Item, Job, Log, LogOptions, LogState, Mode, Reader, Record};
use std::path::Path;

const PACE_NS: u64 = 1_000;
/// Jobs of 100 ms: what the spread is of.
const WINDOW: u64 = 100_000;
/// Jobs of one turn with a runtime.
const TURN: u64 = 250_000;
/// Jobs that wake a runtime before its turn.
const WAKING: u64 = 1_000;

pub fn measure(context: &Context, folder: &Folder, object: &mut Object) -> Fallible<()> {
    appends(context, &folder.path("append.log"), object)?;
    submits(context, &folder.path("submit.log"), object)
}

/// Times in whole nanoseconds: counted, since there may be many millions.
struct Times {
    counts: Vec<u32>,
    all: u64,
    max: u64,
}

impl Times {
    /// Longer ones are known by number, and by the longest.
    const MOST: usize = 1 << 14;

    fn new() -> Self {
        Self {
            counts: vec![0; Self::MOST],
            all: 0,
            max: 0,
        }
    }

    #[inline]
    fn push(&mut self, ns: u64) {
        if let Some(count) = self.counts.get_mut(ns as usize) {
            *count += 1;
        }
        self.all += 1;
        self.max = self.max.max(ns);
    }

    /// Nearest rank; the longest where the one at this rank isn't known.
    fn quantile(&self, at: f64) -> f64 {
        let rank = (self.all.saturating_sub(1) as f64 * at).round() as u64;
        let mut below = 0;
        let found = self.counts.iter().position(|count| {
            below += u64::from(*count);
            below > rank
        });
        found.map_or(self.max, |ns| ns as u64) as f64
    }

    /// Adds what another one has, and empties it.
    fn take(&mut self, other: &mut Times) {
        for (count, more) in self.counts.iter_mut().zip(&mut other.counts) {
            *count += std::mem::take(more);
        }
        self.all += std::mem::take(&mut other.all);
        self.max = self.max.max(std::mem::take(&mut other.max));
    }
}

/// Waits for the moment of a job. Who is late isn't waited for, so that the rate holds.
#[inline]
fn wait_until(due: u64) -> u64 {
    loop {
        let now = now_ns();
        if now >= due {
            return now - due;
        }
        std::hint::spin_loop();
    }
}

/// Records jobs as a submit does, each timed, and of every 64 the completions as a poll does.
fn appends(context: &Context, path: &Path, object: &mut Object) -> Fallible<()> {
    let jobs = if context.long { 60_000_000 } else { 3_000_000 };
    let progress = Progress::new("append", (jobs / WINDOW) as usize);
    let log = Log::open(&LogOptions::new(path))?;
    let first = log.next_seq();
    let (mut window, mut total, mut clock) = (Times::new(), Times::new(), Times::new());
    let mut latest = 0;
    let mut spread: [Samples; 2] = Default::default();
    let begin = now_ns();
    for n in 0..jobs {
        latest = latest.max(wait_until(begin + n * PACE_NS));
        let before = now_ns();
        let start = now_ns();
        let reserved = log.reserve(1);
        let mut cells = reserved.map_err(|refused| log.explain(refused, 1))?;
        cells.job(&Job {
            tenant: 1,
            ticket: n,
            opcode: 0x1000,
            args: [n as u32; 10],
            ..Job::default()
        });
        drop(cells);
        let end = now_ns();
        clock.push(start - before);
        window.push(end - start);
        if (n + 1) % BATCH as u64 == 0 {
            let reserved = log.reserve(BATCH);
            let mut cells = reserved.map_err(|refused| log.explain(refused, BATCH))?;
            for ticket in n + 1 - BATCH as u64..=n {
                cells.completion(&Completion {
                    tenant: 1,
                    ticket,
                    status: 1,
                    ..Completion::default()
                });
            }
        }
        if (n + 1) % WINDOW == 0 {
            spread[0].push(window.quantile(0.5));
            spread[1].push(window.quantile(0.99));
            total.take(&mut window);
            progress.step(((n + 1) / WINDOW) as usize);
        }
    }
    let seconds = (now_ns() - begin) as f64 / 1e9;
    let recorded = log.next_seq() - first;
    log.close()?;
    let state = log.state();
    if recorded != jobs * 2 {
        return Err(format!("{recorded} records instead of {}", jobs * 2).into());
    }
    check(path, jobs)?;

    // Of all times, while the spread is that of the windows.
    let reading = clock.quantile(0.5);
    for (at, key, windows) in [
        (0.5, "append_p50_ns", &spread[0]),
        (0.99, "append_p99_ns", &spread[1]),
    ] {
        let [p10, p90] = windows.quantiles([0.1, 0.9]);
        put(object, key, total.quantile(at) - reading);
        put(object, &format!("{key}_p10"), p10 - reading);
        put(object, &format!("{key}_p90"), p90 - reading);
    }
    object.insert("append_samples".into(), jobs.into());
    put(object, "append_max_us", total.max as f64 / 1e3);
    put(object, "append_clock_ns", reading);
    put(object, "append_jobs_per_s", jobs as f64 / seconds);
    put(object, "append_latest_us", latest as f64 / 1e3);
    write_state(&state, object, "")
}

/// Everything that the log has room for is there, and in its order.
fn check(path: &Path, jobs: u64) -> Fallible<()> {
    let mut reader = Reader::open(path, Mode::Strict)?;
    let (mut last, mut records) = (None, 0);
    while let Some(item) = reader.read()? {
        let Item::Record(entry) = item else {
            return Err(format!("the log has a gap: {item:?}").into());
        };
        records += 1;
        let Record::Job(job) = entry.record else {
            continue;
        };
        if last.is_some_and(|last| job.ticket != last + 1) {
            return Err(format!("job {} follows {last:?}", job.ticket).into());
        }
        last = Some(job.ticket);
    }
    let info = reader.info();
    if last != Some(jobs - 1) || records != (jobs * 2).min(info.capacity_cells) {
        return Err(format!("the log has {records} records, and ends with job {last:?}").into());
    }
    Ok(())
}

/// What was lost, and how often and how long a call had to wait for the disk.
fn write_state(state: &LogState, object: &mut Object, prefix: &str) -> Fallible<()> {
    if let Some(failure) = &state.failure {
        return Err(format!("the log has failed: {failure:?}").into());
    }
    let counts = [
        ("dropped", state.refused + state.lost),
        ("delayed", state.stalls),
    ];
    for (key, count) in counts {
        object.insert(format!("{prefix}{key}"), count.into());
    }
    let delay_ms = state.stall_ns as f64 / 1e6;
    put(object, &format!("{prefix}delay_ms"), delay_ms);
    Ok(())
}

/// Real submits, by a runtime that records and one that doesn't, in turn.
fn submits(context: &Context, path: &Path, object: &mut Object) -> Fallible<()> {
    let mut sides = [Client::new(None)?, Client::new(Some(path.into()))?];
    let rounds = context.rounds(8);
    let progress = Progress::new("submit", rounds);
    let mut times: [[Samples; 2]; 2] = Default::default();
    let mut added: [Samples; 2] = Default::default();
    for round in 0..rounds {
        let mut now = [[0.0; 2]; 2];
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let turn = submit_paced(&mut sides[which])?;
            sides[which].rest()?;
            now[which] = [0.5, 0.99].map(|at| turn.quantile(at));
            for (samples, value) in times[which].iter_mut().zip(now[which]) {
                samples.push(value);
            }
        }
        for (n, samples) in added.iter_mut().enumerate() {
            samples.push(now[1][n] - now[0][n]);
        }
        progress.step(round + 1);
    }
    for (n, at) in ["p50", "p99"].into_iter().enumerate() {
        added[n].write_figure(object, &format!("submit_added_{at}_ns"));
        times[0][n].write_figure(object, &format!("submit_plain_{at}_ns"));
        times[1][n].write_figure(object, &format!("submit_recorded_{at}_ns"));
    }
    write_state(&sides[1].recorder_state()?.log, object, "submit_")
}

/// Times of single submits at the pace; what is finished is taken while the next one isn't due.
fn submit_paced(client: &mut Client) -> Fallible<Times> {
    let mut times = Times::new();
    let begin = now_ns();
    for n in 0..WAKING + TURN {
        wait_until(begin + n * PACE_NS);
        // No submit finds the ring full; half of it is never in use where the pace is held.
        while client.outstanding >= 8 * BATCH {
            client.poll()?;
        }
        let job = client.prepare();
        let start = now_ns();
        client.submit_one(&job)?;
        let end = now_ns();
        if n >= WAKING {
            times.push(end - start);
        }
        if client.outstanding >= BATCH {
            client.poll()?;
        }
    }
    client.drain()?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn quantiles_are_those_of_all_that_was_taken() {
        let (mut times, mut more) = (Times::new(), Times::new());
        (1..=99).for_each(|ns| more.push(ns));
        more.push(1 << 20);
        times.take(&mut more);
        assert_eq!(
            [0.0, 0.5, 1.0].map(|at| times.quantile(at)),
            [1.0, 51.0, 1048576.0]
        );
        assert_eq!((more.all, more.max, more.quantile(0.5)), (0, 0, 0.0));
    }
}
