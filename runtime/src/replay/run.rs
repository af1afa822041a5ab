//! Does the steps of a history again.
//!
//! Jobs are submitted in the order of the steps. One after the other each has ended before the next begins; as submitted, a
//! job waits only for those before it that use a buffer which one of the two may write, unless they overlapped when they were
//! recorded. What came of jobs is compared in the order of the steps either way.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;

use rota_recorder::{BufferEvent, Completion, Hash, Module, ModuleEvent, Objects, TenantEvent};

use super::history::{History, Step};
use super::{Divergence, ReplayOptions, ReplayReport};
use crate::error::Error;
use crate::modules::{HandlerOptions, ModuleOptions};
use crate::ring::digest::ORDER_DEPENDENT;
use crate::ring::layout::{completion_status, flag};
use crate::ring::submission::Job;
use crate::runtime::{Runtime, RuntimeOptions};
use crate::tenant::{Tenant, TenantOptions, Wait};

/// A job that takes longer than this never ends.
const PATIENCE: u64 = 60_000_000_000;
/// As submitted, so many jobs are under way at most.
const WINDOW: usize = 1024;
/// After how many steps progress is told.
const TOLD_EVERY: usize = 256;

pub fn run(
    options: &ReplayOptions,
    history: &History,
    progress: &mut dyn FnMut(usize),
) -> Result<ReplayReport, Error> {
    let number = |name: &str| -> u64 {
        let pair = history.start.options.iter().find(|(n, _)| n == name);
        pair.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
    };
    let wanted = RuntimeOptions {
        slots: number("slots") as u32,
        // Those who go wait for others' jobs, and may be there longer than they were.
        max_tenants: (number("max_tenants") as u32).saturating_mul(2).min(65_535),
        memory_bytes: number("memory_bytes"),
        write_digests: true,
        ..options.runtime.clone()
    };
    let runtime = Runtime::open_recorded(&wanted, None)?;
    let Uses { jobs, writes } = Uses::of(history);
    let mut replay = Replay {
        history,
        options,
        objects: Objects::of_log(&options.log),
        given: given_data(options.data.as_deref())?,
        tenants: HashMap::new(),
        names: Names::default(),
        indices: HashMap::new(),
        named: jobs,
        modules: HashMap::new(),
        unknown: HashSet::new(),
        uncertain: HashSet::new(),
        unended: HashSet::new(),
        concurrent: HashSet::new(),
        flying: VecDeque::new(),
        began: Began::default(),
        report: ReplayReport {
            device: runtime.info().device.name,
            jobs: history.jobs.len() as u64,
            missing_records: history.missing,
            ..ReplayReport::default()
        },
        runtime,
    };
    replay.find_concurrent_jobs(&writes);
    for (at, step) in history.steps.iter().enumerate() {
        if at % TOLD_EVERY == 0 {
            progress(at);
        }
        replay.step(step)?;
    }
    replay.finish(usize::MAX)?;
    progress(history.steps.len());
    replay.runtime.stop()?;
    Ok(replay.report)
}

/// Whether what is done to a buffer found it there. Records that came beside each other can be in an order in which it doesn't.
fn there<T>(done: Result<T, Error>) -> Result<bool, Error> {
    match done {
        Ok(_) => Ok(true),
        Err(Error::InvalidBuffer(_) | Error::WrongState(_)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Which file has which hash.
fn given_data(folder: Option<&Path>) -> Result<HashMap<Hash, std::path::PathBuf>, Error> {
    let Some(folder) = folder else {
        return Ok(HashMap::new());
    };
    let failed = |source| Error::Io {
        what: "reading the data that was given",
        path: folder.into(),
        source,
    };
    let mut given = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            given.insert(Hash::of(&std::fs::read(&path).map_err(failed)?), path);
        }
    }
    Ok(given)
}

/// A job that was submitted.
struct Flying {
    at: usize,
    tenant: Tenant,
    ticket: u64,
    recorded: Completion,
    /// Whether what comes of it can be compared.
    compares: bool,
}

/// When jobs began, of which one is told after the other in the order in which they began then.
#[derive(Default)]
struct Began {
    then: u64,
    /// The latest begin now of those that began before `then`, and of all so far.
    before: u64,
    latest: u64,
}

impl Began {
    /// Whether a job began before one that had begun earlier then.
    fn is_out_of_order(&mut self, then: u64, now: u64) -> bool {
        if then > self.then {
            self.then = then;
            self.before = self.latest;
        }
        self.latest = self.latest.max(now);
        now < self.before
    }
}

struct Replay<'a> {
    history: &'a History,
    options: &'a ReplayOptions,
    objects: Objects,
    given: HashMap<Hash, std::path::PathBuf>,
    tenants: HashMap<u64, Tenant>,
    names: Names,
    /// Which handle had an index last.
    indices: HashMap<u32, (u64, u32)>,
    /// For each job the buffers that it names.
    named: Vec<Vec<Named>>,
    /// By tenant and the module's handle in the log.
    modules: HashMap<(u64, u32), u32>,
    /// Buffers whose content depends on data that isn't there, and on something that came out differently.
    unknown: HashSet<u64>,
    uncertain: HashSet<u64>,
    /// Those that a job may have written which did not run to its end.
    unended: HashSet<u64>,
    /// Indices of jobs.
    concurrent: HashSet<usize>,
    /// In the order of the steps.
    flying: VecDeque<Flying>,
    began: Began,
    report: ReplayReport,
    runtime: Runtime,
}

impl Replay<'_> {
    /// Jobs that overlapped, where one may write a buffer that the other names; and those during which, as far as is known,
    /// the host wrote one.
    fn find_concurrent_jobs(&mut self, writes: &[HostWrite]) {
        let mut by_begin: Vec<(u64, u64, usize)> = (self.history.jobs.iter().enumerate())
            .filter_map(|(at, job)| job.epochs().map(|(begin, end)| (begin, end, at)))
            .collect();
        by_begin.sort_unstable();
        let clash = |a: &[Named], b: &[Named]| {
            let same = |x: &Named| {
                b.iter()
                    .any(|y| x.root == y.root && (x.writable || y.writable))
            };
            a.iter().any(same)
        };
        let mut open: Vec<(u64, usize)> = Vec::new();
        for &(begin, end, at) in &by_begin {
            let mine = &self.named[at];
            if mine.is_empty() {
                continue;
            }
            open.retain(|&(other_end, _)| other_end > begin);
            for &(_, other) in &open {
                if clash(mine, &self.named[other]) {
                    self.concurrent.extend([at, other]);
                }
            }
            // Those behind the job's record; what began when the job had ended came after it.
            let seq = self.history.jobs[at].seq;
            let later = &writes[writes.partition_point(|w| w.seq < seq)..];
            let until = later.partition_point(|w| w.earliest <= end);
            let written = |w: &HostWrite| w.epoch <= end && mine.iter().any(|n| n.root == w.root);
            if later[..until].iter().any(written) {
                self.concurrent.insert(at);
            }
            open.push((end, at));
        }
        self.report.overlapping = self.concurrent.len() as u64;
    }

    fn step(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Tenant(event) => {
                self.finish(usize::MAX)?;
                self.tenant(event)
            }
            Step::Module(event) => {
                self.finish(usize::MAX)?;
                self.module(event)
            }
            Step::Buffer(_, event) => {
                self.names.follow(event);
                let key = (event.tenant, event.handle);
                let written = matches!(event.event, BufferEvent::Written | BufferEvent::Filled);
                let before = match self.names.get(key).filter(|_| written) {
                    Some(&named) => self.flying_before(|other, _| other.root == named.root),
                    None => usize::MAX,
                };
                self.finish(before)?;
                self.buffer(event)
            }
            Step::Job(at) => self.job(*at),
        }
    }

    /// How many of the jobs under way there are up to the last that uses a buffer for which `clashes` holds.
    fn flying_before(&self, clashes: impl Fn(&Named, usize) -> bool) -> usize {
        let clashes = |flying: &Flying| {
            let mut named = self.named[flying.at].iter();
            named.any(|named| clashes(named, flying.at))
        };
        self.flying.iter().rposition(clashes).map_or(0, |at| at + 1)
    }

    /// Waits for the first `count` jobs under way, and compares what came of them.
    fn finish(&mut self, count: usize) -> Result<(), Error> {
        for _ in 0..count.min(self.flying.len()) {
            let Some(flying) = self.flying.pop_front() else {
                break;
            };
            let done = flying
                .tenant
                .wait(flying.ticket, Wait::Adaptive, PATIENCE)?;
            if flying.compares {
                self.report.compared += 1;
                let replayed = Completion {
                    tenant: flying.recorded.tenant,
                    ticket: flying.recorded.ticket,
                    status: done.status,
                    fault: done.fault,
                    results: done.results,
                    fuel: done.fuel,
                    module_version: done.module_version,
                    digest: done.digest,
                    flags: 0,
                    begin_epoch: done.begin_epoch,
                    end_epoch: done.end_epoch,
                };
                let (then, now) = (flying.recorded.begin_epoch, replayed.begin_epoch);
                self.report.rescheduled += u64::from(self.began.is_out_of_order(then, now));
                self.compare(flying.at, flying.recorded, replayed);
            }
        }
        Ok(())
    }

    fn tenant(&mut self, event: &rota_recorder::Tenant) -> Result<(), Error> {
        match event.event {
            TenantEvent::Created => {
                let number = |name: &str| -> u32 {
                    let pair = event.options.iter().find(|(n, _)| n == name);
                    pair.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
                };
                // Who gets how much is not what is compared. A device that allows less fuel gives what it has.
                let most = self.runtime.info().most_scalar_fuel;
                let tenant = self.runtime.create_tenant(&TenantOptions {
                    label: event.label.clone(),
                    slots: number("slots"),
                    opcodes: number("opcodes"),
                    fuel: number("fuel").min(most),
                    ..TenantOptions::default()
                })?;
                self.tenants.insert(event.tenant, tenant);
            }
            TenantEvent::Destroyed => {
                if let Some(tenant) = self.tenants.remove(&event.tenant) {
                    tenant.destroy()?;
                }
            }
            // Jobs that ended as REVOKED are not run.
            _ => {}
        }
        Ok(())
    }

    /// A tenant that the log has no beginning of is one whose record is missing.
    fn known(&self, tenant: u64) -> Option<Tenant> {
        self.tenants.get(&tenant).cloned()
    }

    fn module(&mut self, event: &Module) -> Result<(), Error> {
        let key = (event.tenant, event.module);
        // None is the runtime.
        let tenant = match event.tenant {
            0 => None,
            id => match self.known(id) {
                Some(tenant) => Some(tenant),
                // Its jobs will say so.
                None => return Ok(()),
            },
        };
        match event.event {
            ModuleEvent::Loaded | ModuleEvent::Replaced => {
                let Some(source) = event.source.and_then(|hash| self.find(&hash)) else {
                    // Its jobs will say so.
                    self.report.missing_data += 1;
                    return Ok(());
                };
                let handler = |h: &rota_recorder::Handler| HandlerOptions {
                    opcode: h.opcode,
                    function: h.name.clone(),
                    tiled: h.tiled,
                    fuel: h.fuel,
                };
                let options = ModuleOptions {
                    label: event.label.clone(),
                    source: String::from_utf8_lossy(&source).into_owned(),
                    handlers: event.handlers.iter().map(handler).collect(),
                };
                match (self.modules.get(&key).copied(), tenant) {
                    (Some(module), Some(tenant)) => {
                        tenant.module_replace(module, &options)?;
                    }
                    (Some(module), None) => {
                        self.runtime.module_replace(module, &options)?;
                    }
                    (None, Some(tenant)) => {
                        self.modules.insert(key, tenant.module_load(&options)?.0);
                    }
                    (None, None) => {
                        self.modules
                            .insert(key, self.runtime.module_load(&options)?.0);
                    }
                }
            }
            ModuleEvent::Unloaded => {
                let module = self.modules.remove(&key);
                match (module, tenant) {
                    (Some(module), Some(tenant)) => tenant.module_unload(module, PATIENCE)?,
                    (Some(module), None) => self.runtime.module_unload(module, PATIENCE)?,
                    (None, _) => {}
                }
            }
            ModuleEvent::Granted => {
                let module = self.modules.get(&(0, event.module)).copied();
                if let (Some(module), Some(tenant)) = (module, tenant) {
                    self.runtime.module_grant(module, &tenant)?;
                }
            }
            ModuleEvent::Other(_) => {}
        }
        Ok(())
    }

    /// The bytes of a hash, from the log's objects or the folder that was given.
    fn find(&self, hash: &Hash) -> Option<Vec<u8>> {
        let given = || {
            let bytes = std::fs::read(self.given.get(hash)?).ok()?;
            (Hash::of(&bytes) == *hash).then_some(bytes)
        };
        self.objects.get(hash).ok().or_else(given)
    }

    fn buffer(&mut self, event: &rota_recorder::Buffer) -> Result<(), Error> {
        let Some(tenant) = self.known(event.tenant) else {
            return Ok(());
        };
        let key = (event.tenant, event.handle);
        match event.event {
            BufferEvent::Created | BufferEvent::Imported => {
                self.make_room(key);
                tenant.want_handle(event.handle)?;
                tenant.buffer_create(event.length, event.read_only)?;
                if event.event == BufferEvent::Imported {
                    self.no_data(key);
                }
            }
            BufferEvent::Written => {
                let data = event.data.and_then(|hash| self.find(&hash));
                match data.filter(|data| data.len() as u64 == event.length) {
                    Some(data) => {
                        if there(tenant.buffer_write(event.handle, event.offset, &data))? {
                            self.set_by_host(key, event);
                        }
                    }
                    None => self.no_data(key),
                }
            }
            BufferEvent::Filled => {
                let (value, length) = (event.value as u8, event.length);
                if there(tenant.buffer_fill(event.handle, event.offset, length, value))? {
                    self.set_by_host(key, event);
                }
            }
            BufferEvent::Mapped => self.no_data(key),
            BufferEvent::Granted => {
                if let Some(other) = self.known(event.other_tenant) {
                    self.make_room((event.other_tenant, event.other_handle));
                    tenant.want_handle(event.other_handle)?;
                    // The one before may be there for jobs that are still to come.
                    there(tenant.buffer_take_back(event.handle, &other))?;
                    there(tenant.buffer_grant(event.handle, &other, !event.read_only))?;
                }
            }
            BufferEvent::TakenBack => {
                if let Some(other) = self.known(event.other_tenant) {
                    there(tenant.buffer_take_back(event.handle, &other))?;
                }
            }
            BufferEvent::Destroyed => {
                there(tenant.buffer_destroy(event.handle))?;
            }
            BufferEvent::Unmapped | BufferEvent::Other(_) => {}
        }
        Ok(())
    }

    /// A handle gets an index in which an earlier buffer may still be, kept for jobs that it has outlived.
    fn make_room(&mut self, (tenant, handle): (u64, u32)) {
        if let Some((owner, old)) = self.indices.insert(handle & 0xffff, (tenant, handle)) {
            if let Some(owner) = self.known(owner) {
                // If it is gone, that is as well.
                let _ = owner.buffer_destroy(old);
            }
        }
    }

    /// A buffer that the host has set as a whole is known again.
    fn set_by_host(&mut self, key: (u64, u32), event: &rota_recorder::Buffer) {
        if let Some(named) = self.names.get(key) {
            if (event.offset, event.length) == (0, named.bytes) {
                for some in [&mut self.unknown, &mut self.uncertain, &mut self.unended] {
                    some.remove(&named.root);
                }
            }
        }
    }

    /// What this buffer holds from now on is not known.
    fn no_data(&mut self, key: (u64, u32)) {
        self.report.missing_data += 1;
        if let Some(named) = self.names.get(key) {
            self.unknown.insert(named.root);
        }
    }

    fn job(&mut self, at: usize) -> Result<(), Error> {
        let recorded = &self.history.jobs[at];
        let named = self.named[at].clone();
        let writable = named.iter().filter(|n| n.writable).map(|n| n.root);
        let written: Vec<u64> = writable.collect();
        let names = |some: &HashSet<u64>| named.iter().any(|n| some.contains(&n.root));
        let (no_data, behind_unended) = (names(&self.unknown), names(&self.unended));
        if no_data {
            // What it writes isn't known either. It runs all the same: later jobs may need no more than that it did.
            self.unknown.extend(&written);
            self.report.without_data += 1;
        } else if behind_unended {
            self.unended.extend(&written);
            self.report.behind_unended += 1;
        }
        let Some(done) = recorded.done.filter(|_| recorded.has_ended()) else {
            // One that was skipped or taken back in time has stored nothing, and says so.
            if recorded.done.is_none_or(|done| done.digest != 0) {
                self.unended.extend(&written);
            }
            self.report.not_ended += 1;
            return Ok(());
        };
        let submitted = match self.known(recorded.job.tenant) {
            Some(tenant) => self.submit(tenant, at),
            // The record of its making is missing.
            None => Err(Error::Closed),
        };
        let (tenant, ticket) = match submitted {
            Ok(submitted) => submitted,
            // A handler whose source isn't there, or more fuel than this device allows.
            Err(Error::InvalidOpcode(_) | Error::InvalidFuel { .. } | Error::Closed) => {
                self.unknown.extend(&written);
                self.report.without_data += u64::from(!no_data);
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        self.flying.push_back(Flying {
            at,
            tenant,
            ticket,
            recorded: done,
            compares: !(no_data || behind_unended),
        });
        let most = if self.options.as_submitted { WINDOW } else { 1 };
        self.finish(self.flying.len().saturating_sub(most - 1))
    }

    /// Submits a job again, behind those that have to come before it. What kept its order then is in the steps.
    fn submit(&mut self, tenant: Tenant, at: usize) -> Result<(Tenant, u64), Error> {
        let recorded = &self.history.jobs[at];
        let from = &recorded.job;
        let job = Job {
            opcode: from.opcode,
            flags: from.flags & !(flag::BARRIER | flag::AFTER_OK),
            tiles: from.tiles,
            fuel: from.fuel,
            args: from.args,
            user_data: from.user_data,
        };
        let begin = recorded.epochs().map(|(begin, _)| begin);
        let before = self.flying_before(|other, n| {
            let end = self.history.jobs[n].epochs().map(|(_, end)| end);
            let overlapped = matches!((begin, end), (Some(begin), Some(end)) if end > begin);
            let mut mine = self.named[at].iter();
            !overlapped && mine.any(|n| n.root == other.root && (n.writable || other.writable))
        });
        self.finish(before)?;
        let mut ticket = [0];
        loop {
            match tenant.submit(&[job], Some(&mut ticket)).1 {
                // Its ring is full.
                Err(Error::WouldBlock) if !self.flying.is_empty() => self.finish(1)?,
                result => return result.map(|()| (tenant, ticket[0])),
            }
        }
    }

    fn compare(&mut self, at: usize, recorded: Completion, mut replayed: Completion) {
        let named = self.named[at].clone();
        let written = named.iter().filter(|n| n.writable).map(|n| n.root);
        let both_ok = [recorded.status, replayed.status] == [completion_status::OK; 2];
        if !both_ok && recorded.digest != replayed.digest {
            // How far the tiles of a job get of which one has a fault is a matter of order.
            self.uncertain.extend(written.clone());
            replayed.digest = recorded.digest;
        }
        let difference = Divergence {
            job: at,
            recorded,
            replayed,
        };
        let what = difference.what();
        if what.is_empty() {
            self.report.same += 1;
            return;
        }
        let opcode = self.history.jobs[at].job.opcode;
        let follows = named.iter().any(|n| self.uncertain.contains(&n.root));
        let by_order =
            what == ["digest"] && (recorded.digest | replayed.digest) & ORDER_DEPENDENT != 0;
        if self.options.not_deterministic.contains(&opcode) {
            self.report.not_deterministic += 1;
        } else if by_order {
            self.report.order_dependent += 1;
        } else if self.concurrent.contains(&at) {
            self.report.concurrent += 1;
        } else if follows {
            self.report.followed += 1;
        } else {
            *self.report.by_opcode.entry(opcode).or_default() += 1;
            if self.report.first.is_none() {
                self.report.first = Some(difference);
                self.report.before = self.context(at, &named);
            }
        }
        self.uncertain.extend(written);
    }

    /// Jobs before this one that may have to do with it: the same tenant's, and those that name one of its buffers.
    fn context(&self, at: usize, named: &[Named]) -> Vec<usize> {
        let job = &self.history.jobs[at].job;
        let is_step = |step: &Step| matches!(step, Step::Job(n) if *n == at);
        let here = self.history.steps.iter().position(is_step).unwrap_or(0);
        let mut before: Vec<usize> = self.history.steps[..here]
            .iter()
            .rev()
            .filter_map(|step| match step {
                Step::Job(n) => Some(*n),
                _ => None,
            })
            .filter(|&n| {
                let shares = |n: &Named| named.iter().any(|m| m.root == n.root);
                let same_tenant = self.history.jobs[n].job.tenant == job.tenant;
                same_tenant || self.named[n].iter().any(shares)
            })
            .take(self.options.context)
            .collect();
        before.reverse();
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_that_began_in_another_order_are_told() {
        // What began at once then may begin in any order now; 30 comes before all of the two before it.
        let began = [(1, 10), (2, 25), (2, 20), (3, 40), (4, 30), (5, 50)];
        let mut order = Began::default();
        let told = began.map(|(then, now)| order.is_out_of_order(then, now));
        assert_eq!(told, [false, false, false, false, true, false]);
    }
}

/// What a handle of a tenant names.
#[derive(Clone, Copy)]
struct Named {
    /// The buffer's number; granted ones have that of theirs.
    root: u64,
    bytes: u64,
    writable: bool,
}

/// What handles have named so far, by tenant. No handle names two buffers, so that none has to be forgotten.
#[derive(Default)]
struct Names {
    by_handle: HashMap<(u64, u32), Named>,
    roots: u64,
}

impl Names {
    fn get(&self, key: (u64, u32)) -> Option<&Named> {
        self.by_handle.get(&key)
    }

    fn follow(&mut self, event: &rota_recorder::Buffer) {
        let writable = !event.read_only;
        let key = (event.tenant, event.handle);
        match event.event {
            BufferEvent::Created | BufferEvent::Imported => {
                self.roots += 1;
                let named = Named {
                    root: self.roots,
                    bytes: event.length,
                    writable,
                };
                self.by_handle.insert(key, named);
            }
            BufferEvent::Granted => {
                if let Some(&named) = self.get(key) {
                    let other = (event.other_tenant, event.other_handle);
                    self.by_handle.insert(other, Named { writable, ..named });
                }
            }
            _ => {}
        }
    }

    /// The buffers that a job may use: those that an argument has the handle of.
    fn of(&self, job: &rota_recorder::Job) -> Vec<Named> {
        let find = |&handle: &u32| self.get((job.tenant, handle)).copied();
        job.args.iter().filter_map(find).collect()
    }
}

/// A write of the host.
struct HostWrite {
    seq: u64,
    /// The device's epoch when it began.
    epoch: u64,
    /// The lowest of these from here on.
    earliest: u64,
    root: u64,
}

/// Who uses which buffers.
struct Uses {
    jobs: Vec<Vec<Named>>,
    /// In the order of their records.
    writes: Vec<HostWrite>,
}

impl Uses {
    fn of(history: &History) -> Self {
        let mut names = Names::default();
        let mut uses = Self {
            jobs: vec![Vec::new(); history.jobs.len()],
            writes: Vec::new(),
        };
        for step in &history.steps {
            match step {
                Step::Buffer(seq, event) => {
                    names.follow(event);
                    // Whose buffer was taken back or destroyed while their jobs ran may have had it, or not.
                    let writes = matches!(
                        event.event,
                        BufferEvent::Written
                            | BufferEvent::Filled
                            | BufferEvent::TakenBack
                            | BufferEvent::Destroyed
                    );
                    let named = names.get((event.tenant, event.handle));
                    if let Some(named) = named.filter(|_| writes) {
                        uses.writes.push(HostWrite {
                            seq: *seq,
                            epoch: event.end_epoch,
                            earliest: event.end_epoch,
                            root: named.root,
                        });
                    }
                }
                Step::Job(at) => uses.jobs[*at] = names.of(&history.jobs[*at].job),
                Step::Tenant(_) | Step::Module(_) => {}
            }
        }
        uses.writes.sort_by_key(|w| w.seq);
        let mut earliest = u64::MAX;
        for write in uses.writes.iter_mut().rev() {
            earliest = earliest.min(write.epoch);
            write.earliest = earliest;
        }
        uses
    }
}
