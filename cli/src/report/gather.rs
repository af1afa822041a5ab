//! Reads one run of a log, in two passes, into what a page shows of it. How much memory that takes depends on the tenants and on the
//! jobs that are open at once, not on how many jobs there are.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::Path;

use rota::completion_status;
use rota_recorder::{
    Checkpoint, Class, Completion, Entry, Item, Job, LogInfo, Missing, Mode, Module, ModuleEvent,
    Objects, Reader, Record, RunEnd, RunStart, TenantEvent, Why,
};

use crate::histogram::Histogram;
use crate::paper::{bytes, counted, thousands, Progress};
use crate::Failure;

/// How many tenants have a row of their own.
pub const MOST_ROWS: usize = 64;
/// How many of these have a colour of their own; the others share one.
pub const COLOURS: usize = 7;
/// Up to how many jobs each one is drawn.
pub const MOST_DRAWN: u64 = 20_000;
/// Steps of time of the timeline, the share and the latency.
pub const STEPS: usize = 600;
const MOST_SHARE_STEPS: u64 = 200;
const MOST_LATENCY_STEPS: u64 = 240;
const MOST_TENANT_LATENCY_STEPS: u64 = 120;
/// Open jobs that are kept; of a log that has lost completions there may be more.
const MOST_OPEN: usize = 1 << 20;
const MOST_FAULT_KINDS: usize = 10_000;
/// Of modules and of handlers.
const MOST_NAMES: usize = 100_000;
const MOST_TOLD: usize = 200;
/// How many jobs without a completion are listed.
pub const MOST_UNENDED: usize = 50;

/// Statuses of completions by their number; 0 is for those of a later version.
pub const STATUSES: usize = completion_status::DEVICE_LOST as usize + 1;

/// From when to when, in nanoseconds since the run's first record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub from: u64,
    pub to: u64,
}

impl Axis {
    /// In the middle of a run there may be long rests before the first and behind the last job: then those are left out.
    fn new(length: u64, busy: Option<(u64, u64)>) -> Self {
        let whole = Self {
            from: 0,
            to: length,
        };
        let part = busy.map(|(from, to)| {
            let margin = (to - from) / 32;
            Self {
                from: from.saturating_sub(margin),
                to: to.saturating_add(margin).min(length),
            }
        });
        let axis = part
            .filter(|part| part.span() < length / 2)
            .unwrap_or(whole);
        Self {
            from: axis.from,
            to: axis.to.max(axis.from.saturating_add(1000)),
        }
    }

    pub fn span(&self) -> u64 {
        (self.to - self.from).max(1)
    }

    /// Which of `n` steps a moment is in.
    fn step(&self, at: u64, n: usize) -> usize {
        let since = at.saturating_sub(self.from) as u128;
        ((since * n as u128 / self.span() as u128) as usize).min(n - 1)
    }

    /// A moment as a part of the axis, from 0 to 1.
    pub fn place(&self, at: u64) -> f64 {
        (at.saturating_sub(self.from) as f64 / self.span() as f64).min(1.0)
    }
}

/// What a tenant did, or all those that have no row of their own.
pub struct Row {
    pub tenant: u64,
    pub label: String,
    pub jobs: u64,
    pub completions: u64,
    pub by_status: [u64; STATUSES],
    pub fuel: u64,
    pub latency: Histogram,
    /// Over time, of those with a colour.
    pub latencies: Vec<Histogram>,
    /// When it was there; `None` is before the log begins, or after its end.
    pub created: Option<u64>,
    pub destroyed: Option<u64>,
    /// Jobs by when they were submitted.
    pub submitted: Vec<u32>,
    /// Faults by when their completions were taken.
    pub faulted: Vec<u32>,
    /// Completions and their fuel.
    pub ended: Vec<u64>,
    pub burnt: Vec<u64>,
}

impl Row {
    fn new(tenant: u64, share_steps: usize) -> Self {
        Self {
            tenant,
            label: String::new(),
            jobs: 0,
            completions: 0,
            by_status: [0; STATUSES],
            fuel: 0,
            latency: Histogram::new(),
            latencies: Vec::new(),
            created: None,
            destroyed: None,
            submitted: vec![0; STEPS],
            faulted: vec![0; STEPS],
            ended: vec![0; share_steps],
            burnt: vec![0; share_steps],
        }
    }

    pub fn faults(&self) -> u64 {
        self.by_status[completion_status::FAULTED as usize]
    }
}

/// A job that is drawn.
pub struct Drawn {
    pub row: usize,
    pub submitted: u64,
    /// When its completion was taken, and its status.
    pub ended: Option<(u64, u32)>,
}

/// A job of which the log has no completion.
pub struct Unended {
    pub row: usize,
    pub tenant: u64,
    pub ticket: u64,
    pub opcode: u32,
    pub submitted: u64,
}

/// Faults of one row, handler and code.
pub struct Faults {
    pub row: usize,
    /// `None` if the log doesn't have the jobs.
    pub opcode: Option<u32>,
    pub code: u32,
    pub count: u64,
    pub first: u64,
    pub last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Tenant,
    Module,
    Note,
    Checkpoint,
    Missing,
    Evidence,
}

/// Something that happened beside jobs.
pub struct Event {
    pub at: u64,
    pub what: What,
    /// 0 for the runtime.
    pub tenant: u64,
    /// The tenant's, if the record has it.
    pub label: String,
    pub text: String,
}

/// The first and the last of many.
#[derive(Default)]
pub struct Ends {
    pub first: Vec<Event>,
    pub left_out: u64,
    pub last: VecDeque<Event>,
}

impl Ends {
    fn push(&mut self, event: Event) {
        if self.first.len() < MOST_TOLD / 2 {
            self.first.push(event);
            return;
        }
        if self.last.len() == MOST_TOLD / 2 {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(event);
    }

    pub fn len(&self) -> u64 {
        (self.first.len() + self.last.len()) as u64 + self.left_out
    }
}

/// A run.
pub struct Run {
    pub info: LogInfo,
    /// How many runs the log has records of, and which one this is, from 0 on.
    pub runs: u64,
    pub number: u64,
    pub start: Option<RunStart>,
    /// Whether the log has its beginning.
    pub is_whole: bool,
    pub end: Option<RunEnd>,
    /// Whether the log goes on with another run.
    pub is_last: bool,
    /// Of its first record.
    pub wall_ns: u64,
    pub length: u64,
    /// From the first to the last job or completion.
    pub busy: Option<(u64, u64)>,
    pub axis: Axis,
    pub jobs: u64,
    pub completions: u64,
    /// Completions of jobs that the log doesn't have.
    pub strays: u64,
    /// Jobs without a completion: how many, and the last of them.
    pub unended: u64,
    pub last_unended: Vec<Unended>,
    pub missing: u64,
    pub rows: Vec<Row>,
    /// How many tenants the last row stands for; 0 if it is a tenant's.
    pub others: u64,
    pub latency: Histogram,
    pub latencies: Vec<Histogram>,
    /// Each job, if they are few.
    pub drawn: Option<Vec<Drawn>>,
    pub faults: Vec<Faults>,
    /// Faults of more kinds than are kept.
    pub other_faults: u64,
    pub events: Ends,
    pub evidence: Ends,
    /// What happened in which step.
    pub marks: BTreeMap<(usize, What), u64>,
    /// Names of handlers that modules brought, by tenant and opcode.
    pub handlers: HashMap<(u64, u32), String>,
}

impl Run {
    pub fn tenants(&self) -> u64 {
        self.rows.len() as u64 - u64::from(self.others != 0) + self.others
    }

    /// Whether a row stands for all tenants that have none.
    pub fn is_others(&self, row: usize) -> bool {
        self.others != 0 && row + 1 == self.rows.len()
    }

    /// The rows with a colour of their own.
    pub fn coloured(&self) -> &[Row] {
        let own = self.rows.len() - usize::from(self.others != 0);
        &self.rows[..own.min(COLOURS)]
    }

    pub fn faulted(&self) -> u64 {
        self.rows.iter().map(Row::faults).sum()
    }

    pub fn fuel(&self) -> u64 {
        self.rows.iter().map(|row| row.fuel).sum()
    }

    /// The name of what a row's job called: a standard handler, the tenant's own, or one of the runtime.
    pub fn handler(&self, row: usize, opcode: u32) -> String {
        if let Some(name) = rota::standard_handler_name(opcode) {
            return name.into();
        }
        let own = self.handlers.get(&(self.rows[row].tenant, opcode));
        match own.or_else(|| self.handlers.get(&(0, opcode))) {
            Some(name) => name.clone(),
            None => format!("{opcode:#x}"),
        }
    }
}

/// What the first pass knows of a run.
#[derive(Default)]
struct Outline {
    /// Its cells: from, and below.
    first: u64,
    next: u64,
    says_something: bool,
    is_whole: bool,
    time: Option<(u64, u64)>,
    busy: Option<(u64, u64)>,
    wall_ns: u64,
    jobs: u64,
    completions: u64,
    /// Jobs and completions of each tenant.
    tenants: HashMap<u64, (u64, u64)>,
    checkpoint: Option<Checkpoint>,
}

fn include(span: &mut Option<(u64, u64)>, at: u64) {
    let (from, to) = span.unwrap_or((at, at));
    *span = Some((from.min(at), to.max(at)));
}

impl Outline {
    fn add(&mut self, entry: &Entry) {
        match &entry.record {
            // Who takes up a log after a crash writes these, on another day.
            Record::Void(_) | Record::Gap(_) => return,
            Record::RunStart(_) => self.is_whole = true,
            Record::Checkpoint(it) => {
                self.checkpoint.get_or_insert(*it);
            }
            Record::Tenant(it) => {
                self.tenants.entry(it.tenant).or_default();
            }
            Record::Job(job) => {
                self.jobs += 1;
                self.tenants.entry(job.tenant).or_default().0 += 1;
                include(&mut self.busy, entry.mono_ns);
            }
            Record::Completion(done) => {
                self.completions += 1;
                self.tenants.entry(done.tenant).or_default().1 += 1;
                include(&mut self.busy, entry.mono_ns);
            }
            _ => {}
        }
        if self.time.is_none() {
            self.wall_ns = entry.wall_ns;
        }
        self.says_something = true;
        include(&mut self.time, entry.mono_ns);
    }
}

/// Finds the run that is wanted, or the last one; also how many there are.
fn outline(
    reader: &mut Reader,
    wanted: Option<u64>,
    progress: &mut Progress,
) -> Result<(u64, u64, Outline), Failure> {
    let (mut found, mut now, mut number) = (None, Outline::default(), 0);
    now.first = reader.info().oldest;
    let first = now.first;
    while let Some(item) = reader.read()? {
        match item {
            Item::Missing(hole) => now.says_something |= is_loss(&hole),
            Item::Record(entry) => {
                progress.tell(entry.seq - first);
                if matches!(entry.record, Record::RunStart(_)) && now.says_something {
                    now.next = entry.seq;
                    if wanted == Some(number) {
                        found = Some(std::mem::take(&mut now));
                    }
                    now = Outline {
                        first: entry.seq,
                        ..Outline::default()
                    };
                    number += 1;
                }
                now.add(&entry);
            }
        }
    }
    now.next = reader.info().next;
    let runs = number + u64::from(now.says_something);
    match wanted {
        None => Ok((runs, number, now)),
        Some(wanted) if wanted == number => Ok((runs, number, now)),
        Some(wanted) => match found {
            Some(outline) => Ok((runs, wanted, outline)),
            None => Err(Failure::Said(format!(
                "the log has no run {wanted}: it has records of {runs}, and they are counted from 0 on"
            ))),
        },
    }
}

/// Holes are where nothing was written yet.
fn is_loss(hole: &Missing) -> bool {
    hole.why != Why::Bad(Class::Hole)
}

/// Reads a run: the last one, or the `wanted`th, from 0 on, of those that the log has records of.
pub fn read(log: &Path, wanted: Option<u64>) -> Result<Run, Failure> {
    let mut reader = Reader::open(log, Mode::Salvage)?;
    let info = reader.info().clone();
    let cells = info.next - info.oldest;
    let mut progress = Progress::new(2 * cells, "cells");
    let (runs, number, outline) = outline(&mut reader, wanted, &mut progress)?;
    let is_last = outline.next == info.next;
    let mut gathered = Gathered::new(info, (runs, number), &outline);
    gathered.run.is_last = is_last;
    if let (false, Some(checkpoint)) = (outline.is_whole, outline.checkpoint) {
        gathered.begin_at(log, &checkpoint);
    }
    // The same cells again: what somebody has overwritten meanwhile is told as missing.
    reader.seek(outline.first);
    while let Some(item) = reader.read()? {
        match item {
            Item::Record(entry) if entry.seq >= outline.next => break,
            Item::Missing(hole) if hole.first >= outline.next => break,
            Item::Missing(hole) if is_loss(&hole) => gathered.lose(&hole),
            Item::Missing(_) => {}
            Item::Record(entry) => {
                progress.tell(cells + entry.seq - gathered.run.info.oldest);
                gathered.add(entry);
            }
        }
    }
    progress.end();
    Ok(gathered.ended())
}

/// A job that has no completion yet.
struct Open {
    seq: u64,
    submitted: u64,
    opcode: u32,
    drawn: Option<usize>,
}

/// A run in the making.
struct Gathered {
    run: Run,
    /// The clock at the run's first record, and at the last one that was read.
    begin: u64,
    now: u64,
    rows: HashMap<u64, usize>,
    /// Labels by tenant and number.
    modules: HashMap<(u64, u32), String>,
    /// By tenant and ticket.
    open: HashMap<u64, HashMap<u64, Open>>,
    opened: usize,
    /// By row, opcode and code.
    faults: BTreeMap<(usize, Option<u32>, u32), Faults>,
}

impl Gathered {
    fn new(info: LogInfo, (runs, number): (u64, u64), outline: &Outline) -> Self {
        let (begin, end) = outline.time.unwrap_or_default();
        let length = end - begin;
        let busy = outline.busy.map(|(from, to)| (from - begin, to - begin));
        let share_steps = (outline.completions / 40).clamp(24, MOST_SHARE_STEPS) as usize;
        let latency_steps = (outline.completions / 20).clamp(24, MOST_LATENCY_STEPS) as usize;
        let mut order: Vec<_> = outline.tenants.iter().collect();
        order.sort_by_key(|(&id, &(jobs, completions))| {
            (std::cmp::Reverse(jobs.max(completions)), id)
        });
        let shown = order.len().min(MOST_ROWS);
        let others = (order.len() - shown) as u64;
        let ids = order.into_iter().map(|(&id, _)| id);
        let mut rows: Vec<Row> = ids
            .take(shown)
            .map(|id| Row::new(id, share_steps))
            .collect();
        let steps = (outline.completions / 500).clamp(24, MOST_TENANT_LATENCY_STEPS) as usize;
        for row in rows.iter_mut().take(COLOURS) {
            row.latencies = vec![Histogram::new(); steps];
        }
        let places = rows.iter().enumerate().map(|(n, row)| (row.tenant, n));
        let places = places.collect();
        if others != 0 {
            rows.push(Row::new(0, share_steps));
        }
        let run = Run {
            info,
            runs,
            number,
            start: None,
            is_whole: outline.is_whole,
            end: None,
            is_last: true,
            wall_ns: outline.wall_ns,
            length,
            busy,
            axis: Axis::new(length, busy),
            jobs: 0,
            completions: 0,
            strays: 0,
            unended: 0,
            last_unended: Vec::new(),
            missing: 0,
            rows,
            others,
            latency: Histogram::new(),
            latencies: vec![Histogram::new(); latency_steps],
            drawn: (outline.jobs <= MOST_DRAWN).then(Vec::new),
            faults: Vec::new(),
            other_faults: 0,
            events: Ends::default(),
            evidence: Ends::default(),
            marks: BTreeMap::new(),
            handlers: HashMap::new(),
        };
        Self {
            run,
            begin,
            now: 0,
            rows: places,
            modules: HashMap::new(),
            open: HashMap::new(),
            opened: 0,
            faults: BTreeMap::new(),
        }
    }

    /// What a checkpoint knows of a run whose beginning is overwritten: device, labels and handlers.
    fn begin_at(&mut self, log: &Path, checkpoint: &Checkpoint) {
        let state = Objects::of_log(log).get(&checkpoint.state).ok();
        for record in state
            .and_then(|state| Record::unpack(&state))
            .unwrap_or_default()
        {
            match record {
                Record::RunStart(start) => self.run.start = Some(*start),
                Record::Tenant(it) => {
                    if let Some(row) = self.own(it.tenant) {
                        row.label = it.label;
                    }
                }
                Record::Module(it) => self.learn(&it),
                _ => {}
            }
        }
    }

    /// The row of a tenant that has one of its own.
    fn own(&mut self, tenant: u64) -> Option<&mut Row> {
        let row = *self.rows.get(&tenant)?;
        Some(&mut self.run.rows[row])
    }

    /// The row of a tenant, which may be that of all others.
    fn row(&self, tenant: u64) -> Option<usize> {
        let others = (self.run.others != 0).then(|| self.run.rows.len() - 1);
        self.rows.get(&tenant).copied().or(others)
    }

    fn lose(&mut self, hole: &Missing) {
        let cells = hole.last + 1 - hole.first;
        self.run.missing = self.run.missing.saturating_add(cells);
        let text = format!(
            "{} from {} on: no record",
            counted(cells, "cell", "cells"),
            hole.first
        );
        self.tell(What::Missing, 0, text);
    }

    fn tell(&mut self, what: What, tenant: u64, text: String) {
        self.tell_of(what, tenant, String::new(), text);
    }

    fn tell_of(&mut self, what: What, tenant: u64, label: String, text: String) {
        let event = Event {
            at: self.now,
            what,
            tenant,
            label,
            text,
        };
        let axis = self.run.axis;
        if (axis.from..=axis.to).contains(&self.now) {
            let step = axis.step(self.now, STEPS);
            *self.run.marks.entry((step, what)).or_default() += 1;
        }
        match what {
            What::Evidence => self.run.evidence.push(event),
            _ => self.run.events.push(event),
        }
    }

    fn add(&mut self, entry: Entry) {
        let recorded = entry.mono_ns.saturating_sub(self.begin);
        match entry.record {
            Record::Void(_) | Record::Gap(_) => {}
            _ => self.now = recorded,
        }
        match entry.record {
            Record::Job(job) => self.job(entry.seq, &job),
            Record::Completion(done) => self.completion(&done),
            Record::RunStart(start) => self.run.start = Some(*start),
            Record::RunEnd(end) => self.run.end = Some(end),
            Record::Tenant(it) => {
                let now = self.now;
                if let Some(row) = self.own(it.tenant) {
                    row.label.clone_from(&it.label);
                    match it.event {
                        TenantEvent::Created => row.created = Some(now),
                        TenantEvent::Destroyed => row.destroyed = Some(now),
                        _ => {}
                    }
                }
                if it.event == TenantEvent::Destroyed {
                    // Nobody takes its completions any more.
                    let gone = self.open.remove(&it.tenant).unwrap_or_default();
                    self.opened -= gone.len();
                    self.run.unended += gone.len() as u64;
                }
                let mut text = it.event.name().to_string();
                for (name, value) in it.options.iter().filter(|(_, value)| value != "0") {
                    write!(text, ", {name} {value}").unwrap();
                }
                self.tell_of(What::Tenant, it.tenant, it.label, text);
            }
            Record::Module(it) => {
                self.learn(&it);
                if it.first_handler == 0 {
                    let text = self.module_text(&it);
                    self.tell(What::Module, it.tenant, text);
                }
            }
            Record::Evidence(it) => {
                let said = String::from_utf8_lossy(&it.bytes[..it.bytes.len().min(400)]);
                let mut text = format!("{}, code {}", it.class.name(), it.backend_code);
                if it.ticket != 0 {
                    text += &format!(", ticket {:#x}", it.ticket);
                }
                self.tell(What::Evidence, it.tenant, format!("{text}: {said}"));
            }
            Record::Note(it) => {
                let text = it.text.chars().take(400).collect();
                self.tell(What::Note, it.tenant, text);
            }
            Record::Gap(it) => {
                self.run.missing = self.run.missing.saturating_add(it.lost);
                let text = format!(
                    "{} records found no room: {}",
                    thousands(it.lost),
                    it.why.name()
                );
                self.tell(What::Missing, 0, text);
            }
            Record::Checkpoint(it) => {
                let text = format!(
                    "{} tenants, {} buffers with {}",
                    it.tenants,
                    it.buffers,
                    bytes(it.bytes)
                );
                self.tell(What::Checkpoint, 0, text);
            }
            Record::Buffer(_) | Record::Void(_) | Record::Unknown { .. } => {}
        }
    }

    /// Remembers what modules and handlers are called.
    fn learn(&mut self, module: &Module) {
        if self.modules.len() < MOST_NAMES && !module.label.is_empty() {
            let key = (module.tenant, module.module);
            self.modules.insert(key, module.label.clone());
        }
        for handler in &module.handlers {
            if self.run.handlers.len() < MOST_NAMES && !handler.name.is_empty() {
                let key = (module.tenant, handler.opcode);
                self.run.handlers.insert(key, handler.name.clone());
            }
        }
    }

    fn module_text(&self, it: &Module) -> String {
        // What is granted is the runtime's.
        let owner = match it.event {
            ModuleEvent::Granted => 0,
            _ => it.tenant,
        };
        let name = match self.modules.get(&(owner, it.module)) {
            Some(label) => format!("'{label}'"),
            None => it.module.to_string(),
        };
        let mut text = format!("module {name} {}", it.event.name());
        if matches!(it.event, ModuleEvent::Loaded | ModuleEvent::Replaced) {
            let handlers = match it.all_handlers {
                0 => it.handlers.len() as u64,
                all => all.into(),
            };
            let handlers = counted(handlers, "handler", "handlers");
            write!(text, ", version {}, {handlers}", it.version).unwrap();
        }
        text
    }

    fn job(&mut self, seq: u64, job: &Job) {
        let Some(row) = self.row(job.tenant) else {
            return;
        };
        let (run, at) = (&mut self.run, self.now);
        run.jobs += 1;
        let step = run.axis.step(at, STEPS);
        run.rows[row].jobs += 1;
        run.rows[row].submitted[step] += 1;
        let drawn = run.drawn.as_mut().map(|drawn| {
            drawn.push(Drawn {
                row,
                submitted: at,
                ended: None,
            });
            drawn.len() - 1
        });
        let open = Open {
            seq,
            submitted: at,
            opcode: job.opcode,
            drawn,
        };
        let tickets = self.open.entry(job.tenant).or_default();
        if tickets.insert(job.ticket, open).is_none() {
            self.opened += 1;
        } else {
            run.unended += 1;
        }
        if self.opened > MOST_OPEN {
            self.forget();
        }
    }

    /// The older half of the jobs that are open have lost their completions.
    fn forget(&mut self) {
        let all = self.open.values().flat_map(HashMap::values);
        let mut seqs: Vec<u64> = all.map(|open| open.seq).collect();
        let (_, &mut middle, _) = seqs.select_nth_unstable(MOST_OPEN / 2);
        for tickets in self.open.values_mut() {
            tickets.retain(|_, open| open.seq >= middle);
        }
        self.open.retain(|_, tickets| !tickets.is_empty());
        let left = self.open.values().map(HashMap::len).sum();
        self.run.unended += (self.opened - left) as u64;
        self.opened = left;
    }

    fn completion(&mut self, done: &Completion) {
        let Some(index) = self.row(done.tenant) else {
            return;
        };
        let (run, at) = (&mut self.run, self.now);
        run.completions += 1;
        let axis = run.axis;
        let tickets = self.open.get_mut(&done.tenant);
        let open = tickets.and_then(|tickets| tickets.remove(&done.ticket));
        let row = &mut run.rows[index];
        row.completions += 1;
        let status = match done.status as usize {
            known if known < STATUSES => known,
            _ => 0,
        };
        row.by_status[status] += 1;
        row.fuel += u64::from(done.fuel);
        let step = axis.step(at, row.ended.len());
        row.ended[step] += 1;
        row.burnt[step] += u64::from(done.fuel);
        match &open {
            None => run.strays += 1,
            Some(open) => {
                self.opened -= 1;
                let latency = at.saturating_sub(open.submitted);
                row.latency.add(latency);
                if !row.latencies.is_empty() {
                    let step = axis.step(at, row.latencies.len());
                    row.latencies[step].add(latency);
                }
                run.latency.add(latency);
                let step = axis.step(at, run.latencies.len());
                run.latencies[step].add(latency);
                if let (Some(drawn), Some(n)) = (&mut run.drawn, open.drawn) {
                    drawn[n].ended = Some((at, done.status));
                }
            }
        }
        if done.status == completion_status::FAULTED {
            row.faulted[axis.step(at, STEPS)] += 1;
            let key = (index, open.map(|open| open.opcode), done.fault);
            if self.faults.len() < MOST_FAULT_KINDS || self.faults.contains_key(&key) {
                let kind = self.faults.entry(key).or_insert(Faults {
                    row: index,
                    opcode: key.1,
                    code: done.fault,
                    count: 0,
                    first: at,
                    last: at,
                });
                kind.count += 1;
                kind.last = at;
            } else {
                run.other_faults += 1;
            }
        }
    }

    fn ended(mut self) -> Run {
        if self.run.is_last {
            self.run.missing = self.run.missing.saturating_add(self.run.info.untold);
        }
        let mut left: Vec<Unended> = Vec::new();
        for (&tenant, tickets) in &self.open {
            left.extend(tickets.iter().filter_map(|(&ticket, open)| {
                Some(Unended {
                    row: self.row(tenant)?,
                    tenant,
                    ticket,
                    opcode: open.opcode,
                    submitted: open.submitted,
                })
            }));
        }
        let mut run = self.run;
        run.unended += left.len() as u64;
        left.sort_by_key(|job| (std::cmp::Reverse(job.submitted), job.tenant, job.ticket));
        left.truncate(MOST_UNENDED);
        run.last_unended = left;
        run.faults = self.faults.into_values().collect();
        run.faults
            .sort_by_key(|kind| (std::cmp::Reverse(kind.count), kind.row));
        run
    }
}
