//! How much of what a tenant may have, and who has it.
//!
//! A pool holds what is left of a cap, so that a reservation is one change of one word and no race overshoots. A tenant
//! asks its own account first and then the runtime's; what the second refuses is given back to the first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Inner;
use crate::error::Error;
use crate::ring::life::Life;
use crate::ring::pool::Pool;
use crate::ring::submission::Ring;
use crate::ring::sync::{lock, Padded};

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Resource {
    /// Slots of the ring: held from a job's submit until its completion and all before it are taken.
    Slots = 0,
    /// Bytes being copied to or from buffers by the host at the same time.
    StagingBytes = 1,
    /// Buffers, granted ones among them: held until the device is done with them.
    Buffers = 2,
    /// Bytes of the tenant's own buffers: held as long.
    BufferBytes = 3,
    /// Loaded modules: held until they are unloaded.
    Modules = 4,
    /// The fuel of each lane of a job.
    FuelPerJob = 5,
    /// The fuel that all jobs together may use in a second.
    FuelPerSecond = 6,
}

/// How many resources there are.
pub const RESOURCES: usize = 7;

const ALL: [(Resource, &str, &str); RESOURCES] = [
    (Resource::Slots, "SLOTS", "slots of the ring"),
    (
        Resource::StagingBytes,
        "STAGING_BYTES",
        "bytes being copied by the host",
    ),
    (Resource::Buffers, "BUFFERS", "buffers"),
    (Resource::BufferBytes, "BUFFER_BYTES", "bytes of buffers"),
    (Resource::Modules, "MODULES", "modules"),
    (Resource::FuelPerJob, "FUEL_PER_JOB", "fuel of a job"),
    (
        Resource::FuelPerSecond,
        "FUEL_PER_SECOND",
        "fuel in a second",
    ),
];

impl Resource {
    /// All of them, in order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|r| r.0)
    }

    /// Something for each of them, in that order.
    pub(crate) fn all_of<T>(of: impl Fn(Self) -> T) -> [T; RESOURCES] {
        ALL.map(|(resource, ..)| of(resource))
    }

    /// The resource of that number.
    pub fn from_code(code: u32) -> Option<Self> {
        ALL.get(code as usize).map(|r| r.0)
    }

    /// As in the C header, without the prefix.
    pub fn name(self) -> &'static str {
        ALL[self as usize].1
    }

    /// What it is, for people.
    pub fn text(self) -> &'static str {
        ALL[self as usize].2
    }

    /// Whether what is in use comes back without anybody destroying something.
    fn comes_back(self) -> bool {
        matches!(self, Self::Slots | Self::StagingBytes)
    }
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// No limit.
pub const UNLIMITED: u64 = u64::MAX;

/// The most of each resource that a tenant, or all tenants of a runtime together, may have. 0 means none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub slots: u64,
    pub staging_bytes: u64,
    pub buffers: u64,
    pub buffer_bytes: u64,
    pub modules: u64,
    pub fuel_per_job: u64,
    pub fuel_per_second: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self::from([UNLIMITED; RESOURCES])
    }
}

impl From<[u64; RESOURCES]> for Quota {
    /// In the order of `Resource`.
    fn from(caps: [u64; RESOURCES]) -> Self {
        let [slots, staging_bytes, buffers, buffer_bytes, modules, fuel_per_job, fuel_per_second] =
            caps;
        Self {
            slots,
            staging_bytes,
            buffers,
            buffer_bytes,
            modules,
            fuel_per_job,
            fuel_per_second,
        }
    }
}

impl Quota {
    /// The cap of one resource.
    pub fn cap(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Slots => self.slots,
            Resource::StagingBytes => self.staging_bytes,
            Resource::Buffers => self.buffers,
            Resource::BufferBytes => self.buffer_bytes,
            Resource::Modules => self.modules,
            Resource::FuelPerJob => self.fuel_per_job,
            Resource::FuelPerSecond => self.fuel_per_second,
        }
    }
}

/// The resources that a pool stands for, but slots, which are counted in the life word.
const POOLED: [Resource; 4] = [
    Resource::StagingBytes,
    Resource::Buffers,
    Resource::BufferBytes,
    Resource::Modules,
];

/// What is in use, by resource, and what may be.
pub(crate) struct Usage {
    pub used: [u64; RESOURCES],
    pub cap: [u64; RESOURCES],
}

/// What a tenant, or a runtime, has of everything.
pub(crate) struct Account {
    /// What every submit reads: the most fuel of a job, and 0 where none may be submitted.
    most_fuel: Padded<AtomicU64>,
    fuel_per_second: AtomicU64,
    /// The cap of slots: for a look without the lock.
    slot_cap: AtomicU64,
    pools: [Pool; POOLED.len()],
    /// The runtime's slots. A tenant's are in its ring.
    pub slots: Option<Arc<Pool>>,
    quota: Mutex<Quota>,
    refused: [AtomicU64; RESOURCES],
    /// The tenant's, whose counts hear of a limit of anything, a refusal, and anything in use but slots for jobs. None if it is the
    /// runtime's account.
    ring: Option<Arc<Ring>>,
}

impl Account {
    fn new(quota: &Quota, ring: Option<Arc<Ring>>) -> Self {
        if let Some(ring) = ring.as_ref().filter(|_| *quota != Quota::default()) {
            ring.counts.touch();
        }
        Self {
            most_fuel: Padded(AtomicU64::new(most_fuel(quota))),
            fuel_per_second: AtomicU64::new(quota.fuel_per_second),
            slot_cap: AtomicU64::new(quota.slots),
            pools: POOLED.map(|resource| Pool::new(quota.cap(resource))),
            slots: None,
            quota: Mutex::new(*quota),
            refused: Default::default(),
            ring,
        }
    }

    pub fn of_tenant(quota: &Quota, ring: Arc<Ring>) -> Self {
        Self::new(quota, Some(ring))
    }

    pub fn of_runtime(quota: &Quota) -> Self {
        let slots = (quota.slots != UNLIMITED).then(|| Arc::new(Pool::new(quota.slots)));
        Self {
            slots,
            ..Self::new(quota, None)
        }
    }

    /// The most fuel that a lane of a job may have; 0 refuses every job.
    #[inline]
    pub fn most_fuel(&self) -> u64 {
        self.most_fuel.load(Ordering::Relaxed)
    }

    /// The fuel that may be used in a second, or `UNLIMITED`.
    pub fn fuel_per_second(&self) -> u64 {
        self.fuel_per_second.load(Ordering::Relaxed)
    }

    /// Before anything of that kind.
    fn touch(&self) {
        if let Some(ring) = &self.ring {
            ring.counts.touch();
        }
    }

    pub fn quota(&self) -> Quota {
        *lock(&self.quota)
    }

    pub fn refused(&self, resource: Resource) -> u64 {
        self.refused[resource as usize].load(Ordering::Relaxed)
    }

    fn pool(&self, resource: Resource) -> Option<&Pool> {
        let index = POOLED.iter().position(|&r| r == resource)?;
        Some(&self.pools[index])
    }

    /// How much is in use of each resource, and how much may be: of slots those of the ring, or if there is none the
    /// runtime's.
    pub fn usage(&self, ring: Option<&Ring>) -> Usage {
        // With the lock no change of a cap is half done.
        let quota = lock(&self.quota);
        let mut usage = Usage {
            used: [0; RESOURCES],
            cap: Resource::all_of(|resource| quota.cap(resource)),
        };
        for (&resource, pool) in POOLED.iter().zip(&self.pools) {
            usage.used[resource as usize] = pool.used();
        }
        let slots = Resource::Slots as usize;
        if let Some(ring) = ring {
            usage.cap[slots] = quota.slots.min(ring.size() as u64);
            usage.used[slots] = usage.cap[slots].saturating_sub(ring.life.free() as u64);
        } else if let Some(pool) = &self.slots {
            usage.used[slots] = pool.used();
        }
        usage
    }

    fn take(&self, resource: Resource, amount: u64) -> Result<(), Error> {
        self.touch();
        match self.pool(resource) {
            Some(pool) if !pool.take(amount) => {
                Err(self.refuse(resource, amount, pool.used(), pool.cap()))
            }
            _ => Ok(()),
        }
    }

    fn give_back(&self, resource: Resource, amount: u64) {
        if let Some(pool) = self.pool(resource) {
            pool.give_back(amount);
        }
    }

    /// Why a runtime has no slot left, if that is so.
    fn refuse_slots(&self, requested: u64) -> Option<Error> {
        let slots = self.slots.as_ref()?;
        let (used, cap) = (slots.used(), slots.cap());
        (used >= cap).then(|| self.refuse(Resource::Slots, requested, used, cap))
    }

    /// Counts a refusal.
    fn count(&self, resource: Resource) {
        self.touch();
        self.refused[resource as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there is so much of it left.
    pub fn has(&self, resource: Resource, amount: u64) -> bool {
        self.pool(resource).is_none_or(|pool| pool.free() >= amount)
    }

    /// Counts a refusal, and says what there is to say of it.
    #[cold]
    pub fn refuse(&self, resource: Resource, requested: u64, used: u64, cap: u64) -> Error {
        self.count(resource);
        Error::QuotaExceeded {
            resource,
            requested,
            used,
            cap,
            of_runtime: self.ring.is_none(),
            retryable: resource.comes_back() && requested <= cap,
        }
    }

    /// Why a job with this fuel is refused by this account, or by the runtime's; either way it is counted here.
    #[cold]
    pub fn refuse_fuel(&self, fuel: u32, runtime: &Self) -> Error {
        let refused = |account: &Self| {
            let quota = account.quota();
            let fuel = fuel as u64;
            if account.fuel_per_second() == 0 {
                Some((Resource::FuelPerSecond, 0))
            } else if fuel > quota.fuel_per_job || quota.fuel_per_job == 0 {
                Some((Resource::FuelPerJob, quota.fuel_per_job))
            } else {
                None
            }
        };
        // One unit is the least that a job with the default could have.
        let requested = fuel.max(1) as u64;
        if let Some((resource, cap)) = refused(self) {
            return self.refuse(resource, requested, 0, cap);
        }
        let (resource, cap) = refused(runtime).unwrap_or((Resource::FuelPerJob, 0));
        self.count(resource);
        runtime.refuse(resource, requested, 0, cap)
    }

    /// Changes all caps, or none: none may be below what is in use. The slots are those of a ring of `size`.
    fn set(&self, new: &Quota, life: &Life, size: u32) -> Result<(), Error> {
        self.touch();
        let mut quota = lock(&self.quota);
        let too_low = |resource, used| Error::QuotaBelowUse {
            resource,
            cap: new.cap(resource),
            used,
        };
        let slots = |quota: &Quota| quota.slots.min(size as u64) as u32;
        let (before, after) = (slots(&quota), slots(new));
        // What gets less comes first: it can fail, and be undone. What gets more can be in use at once.
        let lower = |resource: Resource| new.cap(resource) < quota.cap(resource);
        let lowered = || POOLED.iter().zip(&self.pools).filter(|(&r, _)| lower(r));
        let undo = |count: usize| {
            for (&resource, pool) in lowered().take(count) {
                pool.set_cap(quota.cap(resource));
            }
        };
        for (i, (&resource, pool)) in lowered().enumerate() {
            if !pool.set_cap(new.cap(resource)) {
                let used = pool.used();
                undo(i);
                return Err(too_low(resource, used));
            }
        }
        if after < before && !life.take(before - after) {
            undo(POOLED.len());
            let used = before.saturating_sub(life.free());
            return Err(too_low(Resource::Slots, used as u64));
        }
        life.give_back(after.saturating_sub(before));
        for (&resource, pool) in POOLED.iter().zip(&self.pools).filter(|(&r, _)| !lower(r)) {
            pool.set_cap(new.cap(resource));
        }
        *quota = *new;
        self.slot_cap.store(new.slots, Ordering::Relaxed);
        self.fuel_per_second
            .store(new.fuel_per_second, Ordering::Relaxed);
        self.most_fuel.store(most_fuel(new), Ordering::Relaxed);
        Ok(())
    }
}

/// What a submit compares a job's fuel with.
fn most_fuel(quota: &Quota) -> u64 {
    if quota.fuel_per_second == 0 {
        return 0;
    }
    quota.fuel_per_job
}

/// Something that was taken from an account and is given back once, when this is dropped.
pub(crate) struct Charge {
    /// The tenant's and the runtime's; a runtime's own has one only.
    accounts: [Option<Arc<Account>>; 2],
    resource: Resource,
    amount: u64,
}

impl Charge {
    /// Takes from both accounts or from none.
    pub fn new(
        tenant: Option<&Arc<Account>>,
        runtime: &Arc<Account>,
        resource: Resource,
        amount: u64,
    ) -> Result<Self, Error> {
        let mut charge = Self {
            accounts: [None, None],
            resource,
            amount,
        };
        // What was taken before goes back with the charge.
        if let Some(tenant) = tenant {
            tenant.take(resource, amount)?;
            charge.accounts[0] = Some(tenant.clone());
        }
        // Nothing is counted for all tenants together where that has no limit: it never changes.
        if runtime
            .pool(resource)
            .is_some_and(|pool| pool.cap() != UNLIMITED)
        {
            if let Err(refused) = runtime.take(resource, amount) {
                if let Some(tenant) = tenant {
                    tenant.count(resource);
                }
                return Err(refused);
            }
            charge.accounts[1] = Some(runtime.clone());
        }
        Ok(charge)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        for account in self.accounts.iter().flatten() {
            account.give_back(self.resource, self.amount);
        }
    }
}

/// Some of a tenant's quota, held by the caller until it is dropped.
pub struct Reservation {
    held: Held,
}

enum Held {
    /// In the ring, which outlives its tenant here, and nothing else of it.
    Slots(Arc<Ring>, u32),
    Charge(Charge),
}

impl Reservation {
    pub fn resource(&self) -> Resource {
        match &self.held {
            Held::Slots(..) => Resource::Slots,
            Held::Charge(charge) => charge.resource,
        }
    }

    pub fn amount(&self) -> u64 {
        match &self.held {
            Held::Slots(_, count) => u64::from(*count),
            Held::Charge(charge) => charge.amount,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Held::Slots(ring, count) = &self.held {
            ring.give_back(*count);
        }
    }
}

/// A refusal of what can be had in parts: waiting helps as long as there is any of it.
fn in_parts(mut refusal: Error) -> Error {
    if let Error::QuotaExceeded { cap, retryable, .. } = &mut refusal {
        *retryable = *cap != 0;
    }
    refusal
}

impl Inner {
    /// Takes something for as long as the charge lives.
    pub(crate) fn charge(&self, resource: Resource, amount: u64) -> Result<Charge, Error> {
        Charge::new(Some(&self.quota), &self.engine.quota, resource, amount)
    }

    /// Why there is no slot for a submit of so many jobs: the ring is full, or it is by somebody's quota.
    #[cold]
    pub(crate) fn refuse_slots(&self, requested: u64) -> Error {
        let size = self.ring.size() as u64;
        if self.quota.slot_cap.load(Ordering::Relaxed) >= size && self.engine.quota.slots.is_none()
        {
            return Error::WouldBlock;
        }
        let (used, cap) = self.slots();
        if used < cap || cap == size {
            let refused = self.engine.quota.refuse_slots(requested);
            if let Some(refused) = refused {
                self.quota.count(Resource::Slots);
                return in_parts(refused);
            }
            return Error::WouldBlock;
        }
        in_parts(self.quota.refuse(Resource::Slots, requested, used, cap))
    }

    /// How many slots are in use, and how many can be.
    fn slots(&self) -> (u64, u64) {
        let usage = self.quota.usage(Some(&self.ring));
        let slots = Resource::Slots as usize;
        (usage.used[slots], usage.cap[slots])
    }

    /// Takes slots for a caller who has no jobs for them.
    fn reserve_slots(&self, amount: u64) -> Result<(), Error> {
        self.quota.touch();
        let taken = u32::try_from(amount).is_ok_and(|n| self.ring.life.take(n));
        if !taken {
            let (used, cap) = self.slots();
            return Err(self.quota.refuse(Resource::Slots, amount, used, cap));
        }
        match &self.engine.quota.slots {
            Some(slots) if !slots.take(amount) => {
                self.ring.life.give_back(amount as u32);
                self.quota.count(Resource::Slots);
                let (used, cap) = (slots.used(), slots.cap());
                let runtime = &self.engine.quota;
                Err(runtime.refuse(Resource::Slots, amount, used, cap))
            }
            _ => Ok(()),
        }
    }
}

impl super::Tenant {
    /// Changes how much the tenant may have. Nothing changes if that is less than it has of something.
    pub fn set_quota(&self, quota: &Quota) -> Result<(), Error> {
        let inner = &self.0;
        inner.exists()?;
        inner
            .quota
            .set(quota, &inner.ring.life, inner.ring.size())?;
        inner.limits.set_fuel_rate(quota.fuel_per_second);
        inner.engine.limit(inner);
        Ok(())
    }

    /// What the tenant may have.
    pub fn quota(&self) -> Quota {
        self.0.quota.quota()
    }

    /// Holds some of the tenant's quota, and of the runtime's, for the caller: what is reserved nobody else gets. Slots,
    /// bytes, buffers and modules can be reserved.
    pub fn reserve(&self, resource: Resource, amount: u64) -> Result<Reservation, Error> {
        let inner = &self.0;
        inner.exists()?;
        let held = match resource {
            Resource::FuelPerJob | Resource::FuelPerSecond => {
                return Err(Error::InvalidArgument(
                    "fuel can't be reserved: slots, bytes, buffers and modules can",
                ))
            }
            Resource::Slots => {
                inner.reserve_slots(amount)?;
                Held::Slots(inner.ring.clone(), amount as u32)
            }
            _ => Held::Charge(inner.charge(resource, amount)?),
        };
        Ok(Reservation { held })
    }
}
