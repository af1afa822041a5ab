//! What a log tells of one run, as steps in an order in which it can be run again.
//!
//! Epochs give the order: what ended before another thing began comes before it, and what the host did comes behind all that
//! had ended by then and before what was submitted later. Jobs that overlapped are in the order in which they began, which is
//! as good as any.

use std::collections::HashMap;
use std::path::Path;

use rota_recorder::{
    Buffer, BufferEvent, Checkpoint, Class, Completion, Item, Job, Mode, Module, ModuleEvent,
    Objects, Reader, Record, RunStart, Tenant, TenantEvent,
};

use crate::error::Error;
use crate::ring::layout::completion_status;

/// A job of the log.
#[derive(Clone, Debug)]
pub struct RecordedJob {
    /// The number of its record in the log.
    pub seq: u64,
    /// When it was submitted, in nanoseconds since 1970.
    pub wall_ns: u64,
    pub job: Job,
    /// Its completion, if it was taken.
    pub done: Option<Completion>,
}

impl RecordedJob {
    /// Whether it ran to its end.
    pub fn has_ended(&self) -> bool {
        let ended =
            |c: &Completion| matches!(c.status, completion_status::OK | completion_status::FAULTED);
        self.done.as_ref().is_some_and(ended)
    }

    /// When it began and ended, if it has epochs: light jobs have none.
    pub fn epochs(&self) -> Option<(u64, u64)> {
        let done = self.done.as_ref()?;
        (done.end_epoch != 0).then_some((done.begin_epoch, done.end_epoch))
    }

    /// Where it stands among the steps.
    fn key(&self) -> u64 {
        let begin = self.epochs().map(|(begin, _)| begin);
        2 * begin.unwrap_or(self.job.epoch_seen)
    }
}

/// Something to do again.
#[derive(Clone, Debug)]
pub enum Step {
    Tenant(Tenant),
    Module(Module),
    /// With the number of its record.
    Buffer(u64, Buffer),
    /// The index of a job.
    Job(usize),
}

/// A run.
#[derive(Clone, Debug)]
pub struct History {
    pub start: RunStart,
    pub jobs: Vec<RecordedJob>,
    /// In the order in which they are to be done.
    pub steps: Vec<Step>,
    /// Records that are missing in the run, as far as is known.
    pub missing: u64,
    /// Completions of jobs that the log doesn't have: of such as ended before the checkpoint at which it begins, too.
    pub strays: u64,
}

/// How many runs a log has the beginning of, and whether it begins in the middle of another one, and then the checkpoint
/// from which that one can be run again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    pub whole: u64,
    pub cut: bool,
    pub checkpoint: Option<Checkpoint>,
}

impl Runs {
    /// Those that can be run again.
    pub fn replayable(&self) -> u64 {
        self.whole + u64::from(self.checkpoint.is_some())
    }
}

/// A step with what decides when it is done.
struct Timed {
    /// Twice an epoch; one less for what comes before a job that began at it.
    key: u64,
    seq: u64,
    step: Step,
}

/// Reads one run of a log: the last one, or the `wanted`th of those that can be run again, from 0 on.
pub fn read(path: &Path, wanted: Option<u64>) -> Result<History, Error> {
    let runs = count_runs(path)?;
    let wanted = match wanted {
        Some(n) => n,
        None => runs.replayable().checked_sub(1).ok_or(Error::NotReplayable(
            "the log has neither the beginning of a run nor a checkpoint, from which all could be run again: give the recorder more capacity, or let it capture the data",
        ))?,
    };
    if wanted >= runs.replayable() {
        return Err(Error::InvalidValue {
            what: "the run",
            value: wanted,
            allowed: "below the number of runs that the log has the beginning or a checkpoint of",
        });
    }
    let mut gathered = Gathered::default();
    // How many runs have begun before or with the one that is wanted, and its first record.
    let (nth, from) = match runs.checkpoint {
        Some(checkpoint) if wanted == 0 => {
            gathered.begin_at(path, &checkpoint)?;
            (0, checkpoint.before)
        }
        Some(_) => (wanted, 0),
        None => (wanted + 1, 0),
    };
    let mut at = 0;
    let reader = Reader::open(path, Mode::Salvage)?;
    let untold = reader.info().untold;
    for item in reader {
        match item? {
            Item::Missing(missing) if at == nth && missing.last >= from => {
                gathered.missing += missing.last + 1 - missing.first.max(from);
            }
            Item::Missing(_) => {}
            Item::Record(entry) => {
                if let Record::RunStart(start) = &entry.record {
                    at += 1;
                    if at == nth {
                        gathered.start = Some((**start).clone());
                    }
                } else if at == nth && entry.seq >= from {
                    gathered.add(entry.seq, entry.wall_ns, entry.record);
                }
            }
        }
    }
    if at == nth {
        gathered.missing += untold;
    }
    Ok(gathered.ordered())
}

/// What runs a log has.
pub fn count_runs(path: &Path) -> Result<Runs, Error> {
    let mut runs = Runs::default();
    let reader = Reader::open(path, Mode::Salvage)?;
    let oldest = reader.info().oldest;
    for item in reader {
        match item? {
            Item::Record(entry) if matches!(entry.record, Record::RunStart(_)) => runs.whole += 1,
            Item::Record(entry) => {
                if let (0, Record::Checkpoint(it)) = (runs.whole, &entry.record) {
                    // The earliest, of those that need no record that was overwritten.
                    let usable = Some(*it).filter(|it| it.before >= oldest);
                    runs.checkpoint = runs.checkpoint.or(usable);
                }
                let says_something = !matches!(entry.record, Record::Void(_) | Record::Gap(_));
                runs.cut |= runs.whole == 0 && says_something;
            }
            Item::Missing(missing) => {
                // Holes are where nothing was written yet.
                let lost = missing.why != rota_recorder::Why::Bad(Class::Hole);
                runs.cut |= runs.whole == 0 && lost;
            }
        }
    }
    Ok(runs)
}

#[derive(Default)]
struct Gathered {
    start: Option<RunStart>,
    jobs: Vec<RecordedJob>,
    by_ticket: HashMap<(u64, u64), usize>,
    host: Vec<Timed>,
    /// The highest epoch that a record had seen.
    epoch: u64,
    missing: u64,
    strays: u64,
}

impl Gathered {
    /// Begins with the state of a checkpoint.
    fn begin_at(&mut self, log: &Path, checkpoint: &Checkpoint) -> Result<(), Error> {
        let state = Objects::of_log(log).get(&checkpoint.state)?;
        let records = Record::unpack(&state).ok_or(Error::NotReplayable(
            "the state of the log's checkpoint isn't what this version can read",
        ))?;
        for record in records {
            match record {
                Record::RunStart(start) => self.start = Some(*start),
                record => self.add(0, 0, record),
            }
        }
        self.epoch = checkpoint.end_epoch;
        Ok(())
    }

    fn add(&mut self, seq: u64, wall_ns: u64, record: Record) {
        match record {
            Record::Job(job) => {
                self.epoch = self.epoch.max(job.epoch_seen);
                self.by_ticket
                    .insert((job.tenant, job.ticket), self.jobs.len());
                self.jobs.push(RecordedJob {
                    seq,
                    wall_ns,
                    job,
                    done: None,
                });
            }
            Record::Completion(done) => {
                self.epoch = self.epoch.max(done.end_epoch);
                match self.by_ticket.get(&(done.tenant, done.ticket)) {
                    Some(&at) => self.jobs[at].done = Some(done),
                    None => self.strays += 1,
                }
            }
            Record::Buffer(buffer) => {
                self.epoch = self.epoch.max(buffer.end_epoch);
                self.host(seq, 2 * buffer.end_epoch, Step::Buffer(seq, *buffer));
            }
            Record::Tenant(tenant) => self.host(seq, 2 * self.epoch, Step::Tenant(tenant)),
            Record::Module(module) => self.host(seq, 2 * self.epoch, Step::Module(*module)),
            Record::Gap(gap) => self.missing += gap.lost,
            Record::RunStart(_)
            | Record::RunEnd(_)
            | Record::Void(_)
            | Record::Evidence(_)
            | Record::Checkpoint(_)
            | Record::Note(_)
            | Record::Unknown { .. } => {}
        }
    }

    fn host(&mut self, seq: u64, twice_epoch: u64, step: Step) {
        self.host.push(Timed {
            key: twice_epoch.saturating_sub(1),
            seq,
            step,
        });
    }

    fn ordered(mut self) -> History {
        self.keep_the_hosts_order();
        self.move_what_waits_for_jobs();
        let jobs = self.jobs.iter().enumerate().map(|(at, job)| Timed {
            key: job.key(),
            seq: job.seq,
            step: Step::Job(at),
        });
        let mut steps: Vec<Timed> = jobs.chain(self.host).collect();
        steps.sort_by_key(|timed| (timed.key, timed.seq));
        History {
            start: self.start.unwrap_or_default(),
            jobs: self.jobs,
            steps: steps.into_iter().map(|timed| timed.step).collect(),
            missing: self.missing,
            strays: self.strays,
        }
    }

    /// What the host did one after the other stays so.
    fn keep_the_hosts_order(&mut self) {
        let mut latest = 0;
        for timed in &mut self.host {
            latest = latest.max(timed.key);
            timed.key = latest;
        }
        // Light jobs have no epoch of their own: they come behind what the host had done.
        let mut host = self.host.iter().peekable();
        let mut key = 0;
        for job in &mut self.jobs {
            while let Some(timed) = host.next_if(|timed| timed.seq < job.seq) {
                key = timed.key;
            }
            job.job.epoch_seen = job.job.epoch_seen.max(key.div_ceil(2));
        }
    }

    /// A destroyed buffer, tenant or module goes when the jobs submitted before have ended; a new version of a module comes
    /// before the first job that ran it.
    fn move_what_waits_for_jobs(&mut self) {
        // Of each tenant, and of all: up to which record the highest key is which.
        let mut highest: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
        for job in &self.jobs {
            for of in [job.job.tenant, EVERYBODY] {
                let list = highest.entry(of).or_default();
                let before = list.last().map_or(0, |&(_, highest)| highest);
                list.push((job.seq, before.max(job.key())));
            }
        }
        let behind = |of: u64, seq: u64| {
            let list = highest.get(&of).map_or(&[][..], |list| list);
            let before = &list[..list.partition_point(|&(at, _)| at < seq)];
            before.last().map_or(0, |&(_, key)| key + 1)
        };
        for timed in &mut self.host {
            let later = match &timed.step {
                Step::Buffer(_, b) if b.event == BufferEvent::Destroyed => {
                    behind(b.tenant, timed.seq)
                }
                Step::Tenant(t) if t.event == TenantEvent::Destroyed => behind(t.tenant, timed.seq),
                Step::Module(m) if m.event == ModuleEvent::Unloaded => match m.tenant {
                    0 => behind(EVERYBODY, timed.seq),
                    tenant => behind(tenant, timed.seq),
                },
                Step::Module(m) if m.event == ModuleEvent::Replaced => {
                    if let Some(first) = first_begin(&self.jobs, m) {
                        timed.key = timed.key.min(2 * first - 1);
                    }
                    0
                }
                _ => 0,
            };
            timed.key = timed.key.max(later);
        }
    }
}

/// In place of a tenant's id.
const EVERYBODY: u64 = u64::MAX;

/// When the first job began that ran this version of a module.
fn first_begin(jobs: &[RecordedJob], module: &Module) -> Option<u64> {
    let runs_it = |job: &&RecordedJob| {
        let same_tenant = module.tenant == 0 || job.job.tenant == module.tenant;
        let same_version = |done: &Completion| done.module_version == module.version;
        same_tenant
            && job.done.as_ref().is_some_and(same_version)
            && module.handlers.iter().any(|h| h.opcode == job.job.opcode)
    };
    let begins = jobs.iter().filter(runs_it).filter_map(RecordedJob::epochs);
    begins.map(|(begin, _)| begin).min()
}
