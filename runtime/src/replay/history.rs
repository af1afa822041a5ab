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
use crate::ring::layout::{completion_status, fault};

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
        let ended = |c: &Completion| match c.status {
            completion_status::OK => true,
            // One whose handler was unloaded before it began did not.
            completion_status::FAULTED => c.fault != fault::HANDLER_UNLOADED,
            _ => false,
        };
        self.done.as_ref().is_some_and(ended)
    }

    /// When it began and ended, if it has epochs: light jobs have none.
    pub fn epochs(&self) -> Option<(u64, u64)> {
        let done = self.done.as_ref()?;
        (done.end_epoch != 0).then_some((done.begin_epoch, done.end_epoch))
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
    let mut reader = Reader::open(path, Mode::Salvage)?;
    let runs = scan(path, &mut reader)?;
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
    // The same cells again: what somebody has overwritten meanwhile is told as missing.
    reader.seek(0);
    for item in reader.by_ref() {
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
        gathered.missing += reader.info().untold;
    }
    Ok(gathered.ordered())
}

/// What runs a log has.
pub fn count_runs(path: &Path) -> Result<Runs, Error> {
    scan(path, &mut Reader::open(path, Mode::Salvage)?)
}

fn scan(path: &Path, reader: &mut Reader) -> Result<Runs, Error> {
    let mut runs = Runs::default();
    let (oldest, objects) = (reader.info().oldest, Objects::of_log(path));
    for item in reader {
        match item? {
            Item::Record(entry) if matches!(entry.record, Record::RunStart(_)) => runs.whole += 1,
            Item::Record(entry) => {
                if let (0, None, Record::Checkpoint(it)) =
                    (runs.whole, runs.checkpoint, &entry.record)
                {
                    // The earliest, of those that need nothing that is gone.
                    let usable = it.before >= oldest && objects.get(&it.state).is_ok();
                    runs.checkpoint = usable.then_some(*it);
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
        Ok(())
    }

    fn add(&mut self, seq: u64, wall_ns: u64, record: Record) {
        match record {
            Record::Job(job) => {
                self.by_ticket
                    .insert((job.tenant, job.ticket), self.jobs.len());
                self.jobs.push(RecordedJob {
                    seq,
                    wall_ns,
                    job,
                    done: None,
                });
            }
            Record::Completion(done) => match self.by_ticket.get(&(done.tenant, done.ticket)) {
                Some(&at) => self.jobs[at].done = Some(done),
                None => self.strays += 1,
            },
            Record::Buffer(buffer) => {
                self.host(seq, buffer.end_epoch, Step::Buffer(seq, *buffer));
            }
            Record::Tenant(tenant) => {
                self.host(seq, tenant.end_epoch, Step::Tenant(tenant));
            }
            Record::Module(module) if module.first_handler != 0 => self.more_handlers(*module),
            Record::Module(module) => {
                self.host(seq, module.end_epoch, Step::Module(*module));
            }
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

    fn host(&mut self, seq: u64, epoch: u64, step: Step) {
        self.host.push(Timed {
            key: (2 * epoch).saturating_sub(1),
            seq,
            step,
        });
    }

    /// The handlers of a module that didn't fit its first record.
    fn more_handlers(&mut self, more: Module) {
        let is_it = |step: &&mut Step| match step {
            Step::Module(m) => {
                (m.tenant, m.module, m.event) == (more.tenant, more.module, more.event)
            }
            _ => false,
        };
        let steps = self.host.iter_mut().rev().map(|timed| &mut timed.step);
        if let Some(Step::Module(module)) = { steps }.find(is_it) {
            module.handlers.extend(more.handlers);
        }
    }

    fn ordered(mut self) -> History {
        // What the host did one after the other stays so.
        let mut latest = 0;
        for timed in &mut self.host {
            latest = latest.max(timed.key);
            timed.key = latest;
        }
        let mut order = Order::new(&self.jobs, &self.host);
        let mut steps: Vec<Timed> = Vec::new();
        let mut jobs = self.jobs.iter().enumerate().peekable();
        let mut latest = 0;
        let job = |order: &mut Order, latest: u64, (at, job): (usize, &RecordedJob)| Timed {
            key: order.job(job, latest),
            seq: job.seq,
            step: Step::Job(at),
        };
        for mut timed in self.host {
            while let Some(next) = jobs.next_if(|(_, job)| job.seq < timed.seq) {
                steps.push(job(&mut order, latest, next));
            }
            latest = timed.key;
            timed.key = order.host(&timed);
            steps.push(timed);
        }
        steps.extend(jobs.map(|next| job(&mut order, latest, next)));
        steps.sort_by_key(|timed| (timed.key, timed.seq));
        History {
            start: self.start.unwrap_or_default(),
            jobs: self.jobs,
            steps: steps.into_iter().map(|timed| timed.step).collect(),
            missing: self.missing,
            strays: self.strays,
        }
    }
}

/// What has to come behind what, beyond what epochs say: what the host ends stays for the jobs that were submitted before. It is
/// asked about each record, in their order.
///
/// A destroyed buffer, or a tenant with its buffers, goes when the jobs of all who have it have begun; a module, when those of all who
/// call it have. A new version of a module comes before the first job that ran it.
#[derive(Default)]
struct Order {
    /// Behind which key a tenant's jobs so far have begun.
    begun: HashMap<u64, u64>,
    /// Who has a buffer too, by its tenant and handle, and under which handle.
    grants: HashMap<(u64, u32), Vec<(u64, u32)>>,
    /// Who calls a module of the runtime.
    callers: HashMap<u32, Vec<u64>>,
    /// By tenant, module and version: when the first job began that ran it.
    first_begin: HashMap<(u64, u32, u32), u64>,
}

impl Order {
    fn new(jobs: &[RecordedJob], host: &[Timed]) -> Self {
        Self {
            first_begin: first_begins(jobs, host),
            ..Self::default()
        }
    }

    /// The key of a job that comes behind the host's steps up to `latest`.
    fn job(&mut self, job: &RecordedJob, latest: u64) -> u64 {
        let (key, begun) = match job.epochs() {
            Some((begin, _)) => (2 * begin, 2 * begin + 1),
            // It has stored nothing, and stands with what the host did.
            None => {
                let key = (2 * job.job.epoch_seen).saturating_sub(1).max(latest);
                (key, key)
            }
        };
        let highest = self.begun.entry(job.job.tenant).or_default();
        *highest = begun.max(*highest);
        key
    }

    fn begun(&self, tenant: u64) -> u64 {
        self.begun.get(&tenant).copied().unwrap_or(0)
    }

    /// The key of what the host did.
    fn host(&mut self, timed: &Timed) -> u64 {
        let key = timed.key;
        match &timed.step {
            Step::Tenant(tenant) if tenant.event == TenantEvent::Destroyed => {
                self.tenant_goes(key, tenant.tenant)
            }
            Step::Module(module) => self.module(key, module),
            Step::Buffer(_, buffer) => self.buffer(key, buffer),
            Step::Tenant(_) | Step::Job(_) => key,
        }
    }

    fn tenant_goes(&mut self, key: u64, id: u64) -> u64 {
        let mut key = key.max(self.begun(id));
        let own: Vec<(u64, u32)> = self.grants.keys().copied().collect();
        for buffer in own.into_iter().filter(|&(owner, _)| owner == id) {
            key = self.buffer_goes(key, buffer);
        }
        key
    }

    fn module(&mut self, key: u64, module: &Module) -> u64 {
        match module.event {
            ModuleEvent::Granted => {
                self.callers
                    .entry(module.module)
                    .or_default()
                    .push(module.tenant);
                key
            }
            ModuleEvent::Replaced => {
                let version = (module.tenant, module.module, module.version);
                let first = self.first_begin.get(&version);
                first.map_or(key, |first| key.min((2 * first).saturating_sub(1)))
            }
            ModuleEvent::Unloaded => {
                let callers = match module.tenant {
                    0 => self.callers.remove(&module.module).unwrap_or_default(),
                    tenant => vec![tenant],
                };
                callers.iter().map(|&t| self.begun(t)).fold(key, u64::max)
            }
            ModuleEvent::Loaded | ModuleEvent::Other(_) => key,
        }
    }

    fn buffer(&mut self, key: u64, buffer: &Buffer) -> u64 {
        let name = (buffer.tenant, buffer.handle);
        match buffer.event {
            BufferEvent::Granted => {
                let other = (buffer.other_tenant, buffer.other_handle);
                self.grants.entry(name).or_default().push(other);
            }
            BufferEvent::TakenBack => {
                let grants = self.grants.entry(name).or_default();
                grants.retain(|grant| grant.0 != buffer.other_tenant);
            }
            BufferEvent::Destroyed => return self.buffer_goes(key, name),
            _ => {}
        }
        key
    }

    /// A buffer goes, with what was granted of it: behind the jobs of all who have it.
    fn buffer_goes(&mut self, key: u64, name: (u64, u32)) -> u64 {
        let grants = self.grants.remove(&name).unwrap_or_default();
        let all = grants.iter().chain([&name]);
        all.map(|&(tenant, _)| self.begun(tenant))
            .fold(key, u64::max)
    }
}

/// When the first job began that ran a version of a module, by tenant, module and version: of jobs between the module's being
/// loaded and unloaded, with its opcodes, and of the runtime's modules of those who were granted it.
fn first_begins(jobs: &[RecordedJob], host: &[Timed]) -> HashMap<(u64, u32, u32), u64> {
    let mut first = HashMap::new();
    let modules = || {
        host.iter().filter_map(|timed| match &timed.step {
            Step::Module(module) => Some((timed.seq, module)),
            _ => None,
        })
    };
    for (_, module) in modules().filter(|(_, m)| m.event == ModuleEvent::Replaced) {
        let seq_of = |event: ModuleEvent| {
            let same = |m: &Module| (m.tenant, m.module) == (module.tenant, module.module);
            let found = modules().find(|(_, m)| m.event == event && same(m));
            found.map(|(seq, _)| seq)
        };
        let loaded = seq_of(ModuleEvent::Loaded).unwrap_or(0);
        let unloaded = seq_of(ModuleEvent::Unloaded).unwrap_or(u64::MAX);
        let calls_it = |job: &RecordedJob| match module.tenant {
            0 => modules().any(|(seq, m)| {
                let granted = (m.event, m.module) == (ModuleEvent::Granted, module.module);
                granted && m.tenant == job.job.tenant && seq < job.seq
            }),
            tenant => job.job.tenant == tenant,
        };
        let runs_it = |job: &&RecordedJob| {
            let same_version = |done: &Completion| done.module_version == module.version;
            (loaded..unloaded).contains(&job.seq)
                && module.handlers.iter().any(|h| h.opcode == job.job.opcode)
                && job.done.as_ref().is_some_and(same_version)
                && calls_it(job)
        };
        let begins = jobs.iter().filter(runs_it).filter_map(RecordedJob::epochs);
        if let Some(begin) = begins.map(|(begin, _)| begin).min() {
            first.insert((module.tenant, module.module, module.version), begin);
        }
    }
    first
}
