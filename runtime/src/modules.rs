//! Modules: the handlers that tenants bring, and how they get into the running kernel and out of it.
//!
//! A tenant's opcode stands for a *number*; the host writes it into the slot, with a generation, when a job is submitted.
//! A table that the kernel is bound to says which *code* is behind a number now, whose it is, and of which version.
//! Kernel and table change together, between two leases, so that each lease has one answer. A scalar job looks its number
//! up when it is claimed and is done within the lease; a tiled one when it is opened, and keeps what it found. So every job
//! runs with one version. Code that was replaced or unloaded stays in the kernel until every job that was submitted
//! before has completed; it is left out when the kernel is next composed.
//!
//! Compiling happens on the loading thread, while the old kernel runs. Loads of all tenants wait for each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use rota_recorder::ModuleEvent;

use crate::device::memory::{Allocation, Use};
use crate::device::pipeline::Pipeline;
use crate::device::trial::Trial;
use crate::error::Error;
use crate::kernel::verify::{self, Wanted, MOST_HANDLERS};
use crate::kernel::{self, standard, Handler, HandlerModule};
use crate::metrics::{nanoseconds, Action};
use crate::ring::layout::{HandlerEntry, KernelShape, FIRST_LOADED, LOADED_HANDLERS};
use crate::ring::sync::lock;
use crate::runtime::Engine;
use crate::tenant::{count, Charge, Inner, Resource, Tenant};

/// One handler of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandlerOptions {
    /// What jobs name it by; in the tenant's window, which starts at 0x1000.
    pub opcode: u32,
    /// The function in the source.
    pub function: String,
    /// Whether a worker runs it on tiles, or one lane a job.
    pub tiled: bool,
    /// Loop iterations a lane may run where the job doesn't say; 0 means the tenant's default.
    pub fuel: u32,
}

/// A module, as it is loaded.
#[derive(Clone, Debug, Default)]
pub struct ModuleOptions {
    /// For people: messages about the source begin with it.
    pub label: String,
    /// WGSL: see docs/handlers.md.
    pub source: String,
    pub handlers: Vec<HandlerOptions>,
}

/// What loading a module took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleReport {
    /// 1 for a module just loaded; each replacement is one more.
    pub version: u32,
    /// Parsing and verifying its source.
    pub verify: Duration,
    /// Composing the kernel with it.
    pub compose: Duration,
    /// The driver's compiler, and a trial run beside the running kernel.
    pub compile: Duration,
    /// Until no lease ran the old kernel any more.
    pub switch: Duration,
}

/// What the host knows of a loaded handler when a job is submitted, in one word: its number and generation, the default
/// fuel, and whether it is tiled. 0 for none.
#[derive(Clone, Copy)]
pub(crate) struct Callable(u64);

const TILED: u64 = 1 << 63;

impl Callable {
    fn new(number: u32, fuel: u32, tiled: bool) -> Self {
        let tiled = if tiled { TILED } else { 0 };
        Self(u64::from(number) | u64::from(fuel) << 32 | tiled)
    }
    pub fn number(self) -> u32 {
        self.0 as u32
    }
    pub fn fuel(self) -> u32 {
        ((self.0 & !TILED) >> 32) as u32
    }
    pub fn is_tiled(self) -> bool {
        self.0 & TILED != 0
    }
}

/// A tenant's opcodes from `FIRST_LOADED` on.
#[derive(Default)]
pub(crate) struct Window {
    size: u32,
    /// Made with the first handler.
    words: OnceLock<Box<[AtomicU64]>>,
}

impl Window {
    pub fn new(size: u32) -> Self {
        Self {
            size,
            words: OnceLock::new(),
        }
    }

    fn word(&self, opcode: u32) -> Option<&AtomicU64> {
        let index = opcode.checked_sub(FIRST_LOADED)?;
        self.words.get()?.get(index as usize)
    }

    /// The handler behind an opcode.
    #[inline]
    pub fn get(&self, opcode: u32) -> Option<Callable> {
        match self.word(opcode)?.load(Ordering::Acquire) {
            0 => None,
            word => Some(Callable(word)),
        }
    }

    fn set(&self, opcode: u32, callable: Option<Callable>) {
        let words = self.words.get_or_init(|| {
            (0..self.size)
                .map(|_| AtomicU64::new(0))
                .collect::<Vec<_>>()
                .into()
        });
        let word = callable.map_or(0, |c| c.0);
        words[(opcode - FIRST_LOADED) as usize].store(word, Ordering::Release);
    }

    /// That an opcode lies in it, and is free.
    fn check(&self, opcode: u32) -> Result<(), Error> {
        let last = FIRST_LOADED + self.size - 1;
        if !(FIRST_LOADED..=last).contains(&opcode) {
            return Err(Error::OutsideWindow {
                opcode,
                first: FIRST_LOADED,
                last,
            });
        }
        match self.get(opcode) {
            Some(_) => Err(Error::OpcodeTaken(opcode)),
            None => Ok(()),
        }
    }
}

/// What a number stands for.
#[derive(Clone, Copy, Default)]
struct Number {
    generation: u16,
    used: bool,
    owner: u32,
    entry: u32,
    version: u32,
}

/// A tenant that may call a module's handlers, and by which numbers, in the order of the handlers.
struct User {
    tenant: Weak<Inner>,
    index: u32,
    numbers: Vec<usize>,
}

struct Loaded {
    /// The tenant that loaded it; None for the runtime's.
    owner: Option<u32>,
    generation: u16,
    version: u32,
    handlers: Vec<HandlerOptions>,
    code: Arc<HandlerModule>,
    users: Vec<User>,
    /// It is being unloaded, which may wait for jobs: nothing else can be done with it.
    leaving: bool,
    /// Given back when it is unloaded.
    _charge: Charge,
}

/// Code that nobody can call any more, and the tenants' heads when that began.
struct Retired {
    code: Arc<HandlerModule>,
    open: Vec<(Weak<Inner>, u64)>,
}

impl Retired {
    fn is_over(&self) -> bool {
        self.open
            .iter()
            .all(|(tenant, head)| tenant.upgrade().is_none_or(|t| t.ring.all_finished(*head)))
    }
}

/// All modules of a runtime.
#[derive(Default)]
pub(crate) struct Modules {
    /// By index; a module's name is its index and generation.
    loaded: Vec<Option<Loaded>>,
    generations: Vec<u16>,
    numbers: Vec<Number>,
    retired: Vec<Retired>,
}

/// A pipeline that was made.
struct Made {
    pipeline: Arc<Pipeline>,
    /// When it was last used.
    used: u64,
    /// How long making it took.
    took: Duration,
}

/// The composed kernel: who changes it holds this.
pub(crate) struct Composition {
    /// Segments that it reaches.
    pub reach: u32,
    /// Pipelines by what they were composed of: the last few.
    made: HashMap<blake3::Hash, Made>,
    uses: u64,
    trial: Option<Trial>,
}

/// The most expressions and statements of all loaded handlers.
const MOST_NODES: u64 = 1 << 18;
/// How many pipelines are kept.
const KEPT: usize = 4;

impl Composition {
    pub fn new(reach: u32) -> Self {
        Self {
            reach,
            made: HashMap::new(),
            uses: 0,
            trial: None,
        }
    }
}

impl Modules {
    /// How many are loaded.
    pub fn count(&self) -> usize {
        self.loaded.iter().flatten().count()
    }

    /// Lets go of code that no open job can need.
    fn forget_retired(&mut self) {
        self.retired.retain(|r| !r.is_over());
    }

    /// What the kernel is composed of: the standard handlers, what can be called, and what may still be open.
    fn composed_of(&mut self) -> Vec<Arc<HandlerModule>> {
        self.forget_retired();
        let loaded = self.loaded.iter().flatten().map(|l| l.code.clone());
        let retired = self.retired.iter().map(|r| r.code.clone());
        std::iter::once(Arc::new(standard::module()))
            .chain(loaded)
            .chain(retired)
            .collect()
    }

    /// The lowest numbers for code that nobody has: what is composed again looks like what was composed before.
    fn free_entries(&self, count: usize) -> Vec<u32> {
        let used: Vec<u32> = self
            .loaded
            .iter()
            .flatten()
            .map(|l| &l.code)
            .chain(self.retired.iter().map(|r| &r.code))
            .flat_map(|code| code.handlers.iter().map(|h| h.entry))
            .collect();
        (FIRST_LOADED..)
            .filter(|entry| !used.contains(entry))
            .take(count)
            .collect()
    }

    fn take_numbers(
        &mut self,
        owner: u32,
        entries: &[u32],
        version: u32,
    ) -> Result<Vec<usize>, Error> {
        let mut taken = Vec::new();
        for &entry in entries {
            let free = self.numbers.iter().position(|n| !n.used);
            let index = match free {
                Some(index) => index,
                None if self.numbers.len() < LOADED_HANDLERS as usize => {
                    self.numbers.push(Number::default());
                    self.numbers.len() - 1
                }
                None => {
                    self.free_numbers(&taken);
                    return Err(Error::KernelFull("all handler numbers are taken".into()));
                }
            };
            let number = &mut self.numbers[index];
            *number = Number {
                generation: number.generation.wrapping_add(1),
                used: true,
                owner,
                entry,
                version,
            };
            taken.push(index);
        }
        Ok(taken)
    }

    fn free_numbers(&mut self, numbers: &[usize]) {
        for &n in numbers {
            self.numbers[n].used = false;
        }
    }

    /// The number as slots have it.
    fn slot_word(&self, number: usize) -> u32 {
        let generation = u32::from(self.numbers[number].generation);
        generation << 16 | (FIRST_LOADED + number as u32)
    }

    fn find(&mut self, module: u32, owner: Option<u32>) -> Result<&mut Loaded, Error> {
        let unknown = Error::UnknownModule(module);
        let index = (module & 0xffff) as usize;
        match index.checked_sub(1).and_then(|i| self.loaded.get_mut(i)) {
            Some(Some(found))
                if u32::from(found.generation) == module >> 16
                    && found.owner == owner
                    && !found.leaving =>
            {
                Ok(found)
            }
            _ => Err(unknown),
        }
    }

    fn add(&mut self, mut loaded: Loaded) -> Result<u32, Error> {
        let index = match self.loaded.iter().position(Option::is_none) {
            Some(index) => index,
            None if self.loaded.len() < 0xffff => {
                self.loaded.push(None);
                self.generations.push(0);
                self.loaded.len() - 1
            }
            None => return Err(Error::KernelFull("65,535 modules are loaded".into())),
        };
        self.generations[index] = self.generations[index].wrapping_add(1);
        loaded.generation = self.generations[index];
        let module = u32::from(loaded.generation) << 16 | (index as u32 + 1);
        self.loaded[index] = Some(loaded);
        Ok(module)
    }

    /// Lets a module go: its numbers, and its code once nothing of it is open.
    fn remove(&mut self, module: u32) {
        let index = (module & 0xffff) as usize - 1;
        // Its tenant may have gone meanwhile, and the place be another's.
        let is_it = |l: &mut Loaded| u32::from(l.generation) == module >> 16;
        if let Some(gone) = self.loaded[index].take_if(is_it) {
            for user in &gone.users {
                self.free_numbers(&user.numbers);
            }
            self.retired.push(Retired {
                open: heads(&gone.users),
                code: gone.code,
            });
        }
    }

    /// A tenant is gone, and all its jobs are done: its modules go, and what it was granted.
    pub fn tenant_left(&mut self, index: u32) {
        let mut freed = Vec::new();
        for slot in &mut self.loaded {
            let Some(loaded) = slot else { continue };
            loaded.users.retain(|user| {
                let leaves = user.index == index;
                if leaves {
                    freed.extend(user.numbers.iter().copied());
                }
                !leaves
            });
            if loaded.owner == Some(index) {
                *slot = None;
            }
        }
        self.free_numbers(&freed);
    }
}

fn heads(users: &[User]) -> Vec<(Weak<Inner>, u64)> {
    users
        .iter()
        .filter_map(|user| {
            let tenant = user.tenant.upgrade()?;
            Some((user.tenant.clone(), tenant.ring.head()))
        })
        .collect()
}

/// What can be said of a module's handlers without its source.
fn check_handlers(engine: &Engine, handlers: &[HandlerOptions]) -> Result<(), Error> {
    if handlers.is_empty() {
        return Err(Error::InvalidArgument(
            "a module without handlers does nothing: name at least one",
        ));
    }
    if handlers.len() > MOST_HANDLERS {
        return Err(Error::InvalidValue {
            what: "the number of handlers",
            value: handlers.len() as u64,
            allowed: "at most 64 a module",
        });
    }
    let mut opcodes: Vec<_> = handlers.iter().map(|h| h.opcode).collect();
    opcodes.sort_unstable();
    if let Some(pair) = opcodes.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::OpcodeTaken(pair[0]));
    }
    for handler in handlers {
        let most = engine.most_fuel(handler.tiled);
        if handler.fuel > most {
            return Err(Error::InvalidFuel {
                fuel: handler.fuel,
                most,
            });
        }
    }
    Ok(())
}

/// Where the code of each handler is.
fn entries_of(handlers: &[HandlerOptions], code: &HandlerModule) -> Vec<u32> {
    let entry_of = |h: &HandlerOptions| {
        let same = |code: &&Handler| code.function == h.function && code.tiled == h.tiled;
        code.handlers.iter().find(same).expect("made of them").entry
    };
    handlers.iter().map(entry_of).collect()
}

fn wanted(handlers: &[HandlerOptions]) -> Vec<Wanted> {
    let wanted = |h: &HandlerOptions| Wanted {
        function: h.function.clone(),
        tiled: h.tiled,
    };
    handlers.iter().map(wanted).collect()
}

/// Checks a module as loading it would, without a device. The error's text is what a compiler would print.
pub fn verify(options: &ModuleOptions) -> Result<(), Error> {
    verify::verify(&options.label, &options.source, &wanted(&options.handlers)).map(|_| ())
}

impl Engine {
    /// Loads a module for a tenant, or for the runtime, whose modules are then granted.
    pub(crate) fn module_load(
        &self,
        owner: Option<&Arc<Inner>>,
        options: &ModuleOptions,
    ) -> Result<(u32, ModuleReport), Error> {
        check_handlers(self, &options.handlers)?;
        let check_window = || match owner {
            Some(inner) => options
                .handlers
                .iter()
                .try_for_each(|h| inner.window.check(h.opcode)),
            None => Ok(()),
        };
        check_window()?;
        let charge = Charge::new(
            owner.map(|inner| &inner.quota),
            &self.quota,
            Resource::Modules,
            1,
        )?;
        let mut report = ModuleReport {
            version: 1,
            ..ModuleReport::default()
        };
        let facts = self.verify(options, &mut report)?;

        let mut composition = lock(&self.composition);
        // Another load may have been quicker.
        check_window()?;
        let mut modules = lock(&self.modules);
        let code = modules.code(options, facts);
        let numbers = match owner {
            Some(inner) => {
                let entries = entries_of(&options.handlers, &code);
                modules.take_numbers(inner.index, &entries, report.version)?
            }
            None => Vec::new(),
        };
        let mut all = modules.composed_of();
        all.push(code.clone());
        drop(modules);
        let made = self
            .compose(&mut composition, &all, Some(&mut report))
            .and_then(|pipeline| self.switch(Some(pipeline), &mut report));
        let mut modules = lock(&self.modules);
        let left = owner.is_some_and(|inner| inner.is_destroyed());
        if let (Err(_), _) | (_, true) = (&made, left) {
            modules.free_numbers(&numbers);
        }
        made?;
        if left {
            return Err(Error::Closed);
        }
        let user = owner.map(|inner| User {
            tenant: Arc::downgrade(inner),
            index: inner.index,
            numbers: numbers.clone(),
        });
        let added = modules.add(Loaded {
            owner: owner.map(|inner| inner.index),
            generation: 0,
            version: report.version,
            handlers: options.handlers.clone(),
            code,
            users: user.into_iter().collect(),
            leaving: false,
            _charge: charge,
        });
        let module = added.inspect_err(|_| modules.free_numbers(&numbers))?;
        // Before there can be a job.
        let tenant = owner.map_or(0, |inner| inner.id());
        let loaded = (module, report.version, ModuleEvent::Loaded);
        self.record_module(tenant, loaded, Some(options));
        if let Some(inner) = owner {
            let label: &str = &options.label;
            for (handler, &number) in options.handlers.iter().zip(&numbers) {
                inner.publish(handler, modules.slot_word(number), label);
            }
        }
        log::debug!("module '{}' loaded: {report:?}", options.label);
        Ok((module, report))
    }

    /// Puts another version in a module's place, with the same opcodes and kinds.
    pub(crate) fn module_replace(
        &self,
        owner: Option<u32>,
        module: u32,
        options: &ModuleOptions,
    ) -> Result<ModuleReport, Error> {
        check_handlers(self, &options.handlers)?;
        let same = |loaded: &Loaded| {
            loaded.handlers.len() == options.handlers.len()
                && options.handlers.iter().all(|new| {
                    let old = loaded.handlers.iter().find(|old| old.opcode == new.opcode);
                    old.is_some_and(|old| old.tiled == new.tiled)
                })
        };
        let check = |modules: &mut Modules| {
            if same(modules.find(module, owner)?) {
                return Ok(());
            }
            Err(Error::InvalidArgument(
                "a module is replaced by one with the same opcodes, each of the same kind; load another module for others",
            ))
        };
        check(&mut lock(&self.modules))?;
        let mut report = ModuleReport::default();
        let facts = self.verify(options, &mut report)?;

        let mut composition = lock(&self.composition);
        let mut modules = lock(&self.modules);
        check(&mut modules)?;
        let code = modules.code(options, facts);
        let mut all = modules.composed_of();
        all.push(code.clone());
        drop(modules);
        let pipeline = self.compose(&mut composition, &all, Some(&mut report))?;

        let mut modules = lock(&self.modules);
        let loaded = modules.find(module, owner)?;
        // The users' numbers are in the order of the old handlers.
        let order: Vec<usize> = loaded
            .handlers
            .iter()
            .map(|old| {
                let same = |new: &HandlerOptions| new.opcode == old.opcode;
                options.handlers.iter().position(same).expect("checked")
            })
            .collect();
        loaded.version += 1;
        report.version = loaded.version;
        let (version, numbers): (u32, Vec<Vec<usize>>) = (
            loaded.version,
            loaded.users.iter().map(|u| u.numbers.clone()).collect(),
        );
        let old = std::mem::replace(&mut loaded.code, code.clone());
        let users: Vec<_> = loaded.users.iter().map(|u| u.tenant.clone()).collect();
        loaded.handlers = order.iter().map(|&n| options.handlers[n].clone()).collect();
        let handlers = loaded.handlers.clone();
        let entries = entries_of(&options.handlers, &code);
        for numbers in &numbers {
            for (&number, &n) in numbers.iter().zip(&order) {
                modules.numbers[number].entry = entries[n];
                modules.numbers[number].version = version;
            }
        }
        drop(modules);
        self.switch(Some(pipeline), &mut report)?;
        let mut modules = lock(&self.modules);
        let tenant = self.id_of(owner);
        let replaced = (module, version, ModuleEvent::Replaced);
        self.record_module(tenant, replaced, Some(options));
        let mut open = Vec::new();
        let label: &str = &options.label;
        for (tenant, numbers) in users.iter().zip(&numbers) {
            let Some(inner) = tenant.upgrade().filter(|inner| !inner.is_destroyed()) else {
                continue;
            };
            for (handler, &number) in handlers.iter().zip(numbers) {
                inner.publish(handler, modules.slot_word(number), label);
            }
            open.push((tenant.clone(), inner.ring.head()));
        }
        modules.retired.push(Retired { code: old, open });
        log::debug!("module '{}' replaced: {report:?}", options.label);
        Ok(report)
    }

    /// Unloads a module. No job of it is accepted any more; those accepted before finish first, if they do so in time.
    pub(crate) fn module_unload(
        &self,
        owner: Option<u32>,
        module: u32,
        timeout_ns: u64,
    ) -> Result<(), Error> {
        let heads = {
            // Behind a replacement or a grant that is under way.
            let _composition = lock(&self.composition);
            let mut modules = lock(&self.modules);
            let loaded = modules.find(module, owner)?;
            loaded.leaving = true;
            for user in &loaded.users {
                if let Some(inner) = user.tenant.upgrade() {
                    for handler in &loaded.handlers {
                        inner.window.set(handler.opcode, None);
                    }
                }
            }
            heads(&loaded.users)
        };
        let unloaded = (module, 0, ModuleEvent::Unloaded);
        self.record_module(self.id_of(owner), unloaded, None);
        let started = Instant::now();
        let is_open = |(tenant, head): &(Weak<Inner>, u64)| {
            tenant
                .upgrade()
                .is_some_and(|t| !t.ring.all_finished(*head))
        };
        let mut pause = Duration::from_micros(20);
        while timeout_ns != 0
            && heads.iter().any(is_open)
            && !self.has_ended()
            && (timeout_ns == u64::MAX || started.elapsed() < Duration::from_nanos(timeout_ns))
        {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
        let _composition = lock(&self.composition);
        let mut modules = lock(&self.modules);
        modules.remove(module);
        drop(modules);
        match self.switch(None, &mut ModuleReport::default()) {
            // Where no lease runs any more nothing can call it.
            Err(Error::Stopped) => Ok(()),
            done => done,
        }
    }

    /// Lets a tenant call the handlers of one of the runtime's modules, by the module's opcodes.
    pub(crate) fn module_grant(&self, module: u32, inner: &Arc<Inner>) -> Result<(), Error> {
        let _composition = lock(&self.composition);
        let mut modules = lock(&self.modules);
        let loaded = modules.find(module, None)?;
        if inner.is_destroyed() {
            return Err(Error::Closed);
        }
        let handlers = loaded.handlers.clone();
        let entries = entries_of(&handlers, &loaded.code);
        let (version, label) = (loaded.version, loaded.code.name.clone());
        handlers
            .iter()
            .try_for_each(|h| inner.window.check(h.opcode))?;
        let numbers = modules.take_numbers(inner.index, &entries, version)?;
        drop(modules);
        let switched = self.switch(None, &mut ModuleReport::default());
        let mut modules = lock(&self.modules);
        if switched.is_err() || inner.is_destroyed() {
            modules.free_numbers(&numbers);
            switched?;
            return Err(Error::Closed);
        }
        let granted = (module, version, ModuleEvent::Granted);
        self.record_module(inner.id(), granted, None);
        for (handler, &number) in handlers.iter().zip(&numbers) {
            inner.publish(handler, modules.slot_word(number), &label);
        }
        modules.find(module, None)?.users.push(User {
            tenant: Arc::downgrade(inner),
            index: inner.index,
            numbers,
        });
        Ok(())
    }

    /// The id of a module's owner; 0 is the runtime.
    fn id_of(&self, owner: Option<u32>) -> u64 {
        let tenant = owner.and_then(|index| self.registry.get(index));
        tenant.map_or(0, |tenant| tenant.id())
    }

    /// Tells the recorder of a module's version, if there is one.
    fn record_module(
        &self,
        tenant: u64,
        version: (u32, u32, ModuleEvent),
        options: Option<&ModuleOptions>,
    ) {
        if let Some(recorder) = &self.recorder {
            let about = options.map(|o| (&*o.label, &*o.source, &*o.handlers));
            recorder.module(tenant, version, about, self.epoch_now());
        }
    }

    fn verify(
        &self,
        options: &ModuleOptions,
        report: &mut ModuleReport,
    ) -> Result<verify::Facts, Error> {
        let started = Instant::now();
        let facts = verify::verify(&options.label, &options.source, &wanted(&options.handlers))?;
        report.verify = started.elapsed();
        Ok(facts)
    }

    /// The shape of kernels for this device.
    pub(crate) fn shape(&self, segments: u32) -> KernelShape {
        KernelShape {
            lanes: self.device.limits.subgroup_size,
            segments,
            lockstep: self.device.info.is_cpu(),
            torn_records: self.probe.torn_records != 0,
            digests: self.write_digests,
            without: self.without,
        }
    }

    /// Composes and compiles a kernel of these modules, or finds it among those that were made before. With a report, it
    /// is tried out first.
    pub(crate) fn compose(
        &self,
        composition: &mut Composition,
        modules: &[Arc<HandlerModule>],
        report: Option<&mut ModuleReport>,
    ) -> Result<Arc<Pipeline>, Error> {
        let shape = self.shape(composition.reach);
        let modules: Vec<_> = modules.iter().map(|m| (**m).clone()).collect();
        composition.uses += 1;
        let uses = composition.uses;
        let key = {
            let mut hash = blake3::Hasher::new();
            hash.update(format!("{shape:?}{modules:?}").as_bytes());
            hash.finalize()
        };
        if let Some(made) = composition.made.get_mut(&key) {
            made.used = uses;
            count(&self.metrics.totals.cache_hits, 1);
            self.metrics
                .decide(Action::KernelReused, nanoseconds(made.took), || {
                    format!("{} modules", modules.len())
                });
            return Ok(made.pipeline.clone());
        }
        let nodes: u64 = modules.iter().map(|m| m.nodes).sum();
        if nodes > MOST_NODES {
            return Err(Error::KernelFull(format!(
                "with it, all handlers together have {nodes} expressions and statements, and a kernel may have {MOST_NODES}"
            )));
        }
        let started = Instant::now();
        let composed = verify::on_deep_stack(|| kernel::compose(shape, &modules))?.ok_or(
            Error::WrongState("the WGSL compiler failed on the composed kernel"),
        )??;
        if composed.passes > self.most_passes {
            return Err(Error::KernelFull(format!(
                "with it, all handlers together have {} loops, and this driver, which limits loops, leaves room for {}",
                composed.passes / 2,
                self.most_passes / 2
            )));
        }
        let compose = started.elapsed();
        let compiling = Instant::now();
        if report.is_some() {
            if composition.trial.is_none() {
                composition.trial = Some(self.trial()?);
            }
            let trial = composition.trial.as_mut().expect("made above");
            if let Err(e) = trial.run(&composed.spirv) {
                // What is left of that device is of no use.
                composition.trial = None;
                self.metrics
                    .decide(Action::TrialRenewed, 0, || format!("a kernel failed: {e}"));
                return Err(e);
            }
        }
        let pipeline = Arc::new(Pipeline::new(
            &self.device,
            &self.layout,
            &self.cache,
            &composed.spirv,
        )?);
        if let Some(report) = report {
            report.compose = compose;
            report.compile = compiling.elapsed();
        }
        let took = started.elapsed();
        count(&self.metrics.totals.compiles, 1);
        count(&self.metrics.totals.compile_ns, nanoseconds(took));
        self.metrics.decide(Action::KernelCompiled, 0, || {
            format!("{} modules in {took:.0?}", modules.len())
        });
        let made = Made {
            pipeline: pipeline.clone(),
            used: uses,
            took,
        };
        composition.made.insert(key, made);
        if composition.made.len() > KEPT {
            let oldest = composition.made.iter().min_by_key(|(_, made)| made.used);
            if let Some(key) = oldest.map(|(key, _)| *key) {
                composition.made.remove(&key);
            }
        }
        Ok(pipeline)
    }

    /// All that the kernel is composed of now.
    pub(crate) fn composed_of(&self) -> Vec<Arc<HandlerModule>> {
        lock(&self.modules).composed_of()
    }

    /// The table of numbers, as the kernel reads it.
    pub(crate) fn handler_table(&self) -> Result<Allocation, Error> {
        let numbers = lock(&self.modules).numbers.clone();
        let bytes = (numbers.len().max(1) * size_of::<HandlerEntry>()) as u64;
        let table = Allocation::zeroed(&self.device, bytes, Use::HostWrites)?;
        for (i, number) in numbers.iter().enumerate().filter(|(_, n)| n.used) {
            // SAFETY: the allocation has that many entries, and nobody else knows it yet.
            let entry = unsafe { &*table.mapped.cast::<HandlerEntry>().add(i) };
            entry.owner.store(number.owner, Ordering::Relaxed);
            entry
                .generation
                .store(number.generation.into(), Ordering::Relaxed);
            entry.version.store(number.version, Ordering::Relaxed);
            entry.entry.store(number.entry, Ordering::Release);
        }
        Ok(table)
    }

    /// Changes over to the modules' present state, and to another kernel if there is one, and waits until no lease runs
    /// with the old ones.
    fn switch(
        &self,
        pipeline: Option<Arc<Pipeline>>,
        report: &mut ModuleReport,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let table = Arc::new(self.handler_table()?);
        let old = {
            let mut current = lock(&self.current);
            let old = current.clone();
            if let Some(pipeline) = pipeline {
                current.pipeline = pipeline;
            }
            current.use_table(table);
            old
        };
        let ended = self.end_leases();
        drop(old);
        report.switch = started.elapsed();
        count(&self.metrics.totals.switch_ns, nanoseconds(report.switch));
        self.metrics.decide(Action::ModuleSwitched, 0, || {
            format!("the leases before ended in {:.0?}", report.switch)
        });
        ended
    }
}

impl Modules {
    /// The code of a module that was verified, with numbers of its own.
    fn code(&mut self, options: &ModuleOptions, facts: verify::Facts) -> Arc<HandlerModule> {
        // What is loaded again gets the numbers that it had, and the kernel that was composed with them.
        self.forget_retired();
        // Handlers that are one function of one kind are one piece of code.
        let mut kinds: Vec<(&str, bool)> = Vec::new();
        for handler in &options.handlers {
            let kind = (handler.function.as_str(), handler.tiled);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let handlers = kinds
            .iter()
            .zip(self.free_entries(kinds.len()))
            .map(|(&(function, tiled), entry)| Handler {
                entry,
                function: function.into(),
                tiled,
                light: false,
            })
            .collect();
        Arc::new(HandlerModule {
            name: options.label.clone(),
            source: options.source.clone(),
            handlers,
            scratch: facts.scratch,
            short_tiles: false,
            nodes: facts.nodes,
        })
    }
}

impl Inner {
    /// Makes a handler callable.
    fn publish(&self, handler: &HandlerOptions, number: u32, module: &str) {
        let metrics = &self.engine.metrics;
        metrics.name_handler(number, module, &handler.function);
        let most = self.engine.most_fuel(handler.tiled);
        let fuel = match handler.fuel {
            0 => self.default_fuel(handler.tiled),
            fuel => fuel,
        };
        let callable = Callable::new(number, fuel.min(most), handler.tiled);
        self.window.set(handler.opcode, Some(callable));
    }
}

impl Tenant {
    /// Loads WGSL source with handlers for this tenant, while everything else goes on. It takes as long as the driver's
    /// compiler; the running kernel is only left for the switch. Gives the module's name.
    pub fn module_load(&self, options: &ModuleOptions) -> Result<(u32, ModuleReport), Error> {
        self.0.alive()?;
        self.0.engine.module_load(Some(&self.0), options)
    }

    /// Puts another version in a module's place: the same opcodes, each of the same kind. A job that has begun ends with
    /// the old version, every later one runs with the new one; a completion with the TIMING flag says with which.
    pub fn module_replace(
        &self,
        module: u32,
        options: &ModuleOptions,
    ) -> Result<ModuleReport, Error> {
        self.0.alive()?;
        let engine = &self.0.engine;
        engine.module_replace(Some(self.0.index), module, options)
    }

    /// Unloads a module. From now on its opcodes are refused. Jobs accepted before finish first; those that haven't begun
    /// when the time is over end with the fault HANDLER_UNLOADED.
    pub fn module_unload(&self, module: u32, timeout_ns: u64) -> Result<(), Error> {
        self.0.alive()?;
        let engine = &self.0.engine;
        engine.module_unload(Some(self.0.index), module, timeout_ns)
    }
}
