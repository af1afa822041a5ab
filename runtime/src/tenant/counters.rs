//! What a tenant has done and has.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::quota::RESOURCES;
use super::{Account, Resource, Tenant, UNLIMITED};
use crate::error::Error;
use crate::ring::latency::{Latency, LatencySums};
use crate::ring::outcomes::Taken;
use crate::ring::submission::{Constants, Progress, Ring, FAULTS, STATUSES};

/// What a tenant has done since it was registered, and what it has now.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantCounters {
    pub id: u64,
    /// Jobs accepted.
    pub submitted: u64,
    /// Jobs completed, taken or not, by the device's count.
    pub completed: u64,
    /// Completions taken, by status.
    pub taken: [u64; STATUSES],
    /// Completions taken, by fault; the last is for handlers' own codes.
    pub faulted: [u64; FAULTS],
    /// Loop iterations of its jobs, over all lanes and tiles; those of a claim count when it has ended.
    pub fuel: u64,
    /// Tiles of the tiled jobs accepted.
    pub tiles: u64,
    /// Bytes that the host copied into buffers, or set.
    pub bytes_in: u64,
    /// Bytes that the host copied out of buffers.
    pub bytes_out: u64,
    /// What a quota refused, by resource.
    pub refused: [u64; RESOURCES],
    /// What is in use, by resource; 0 for fuel.
    pub used: [u64; RESOURCES],
    /// What the tenant's quota allows, by resource; for slots at most the ring's.
    pub cap: [u64; RESOURCES],
    /// Jobs accepted whose completion, or one before it, wasn't taken.
    pub outstanding: u64,
    /// Jobs accepted that have not completed.
    pub lag: u64,
    /// Waits of `quiesce` and `drain`.
    pub quiesces: u64,
    /// Of those, how many ended by their timeout.
    pub quiesce_timeouts: u64,
    /// How long they took together, in nanoseconds.
    pub quiesce_ns: u64,
}

impl TenantCounters {
    fn taken<'a>(&'a mut self, latency: &'a mut LatencySums) -> Taken<'a> {
        Taken {
            status: &mut self.taken,
            fault: &mut self.faulted,
            latency,
        }
    }
}

/// Sums over tenants.
#[derive(Clone, Default)]
pub(crate) struct Sums {
    pub counters: TenantCounters,
    pub latency: LatencySums,
    pub batches_split: u64,
    pub barrier_points: u64,
}

fn add<const N: usize>(to: &mut [u64; N], from: &[u64; N]) {
    for (to, from) in to.iter_mut().zip(from) {
        // Without a limit a cap is the highest number there is, and stays so.
        *to = to.saturating_add(*from);
    }
}

impl Sums {
    pub fn add(&mut self, other: &Self) {
        let (to, from) = (&mut self.counters, &other.counters);
        to.submitted += from.submitted;
        to.completed += from.completed;
        to.fuel += from.fuel;
        to.tiles += from.tiles;
        to.bytes_in += from.bytes_in;
        to.bytes_out += from.bytes_out;
        to.outstanding += from.outstanding;
        to.lag += from.lag;
        to.quiesces += from.quiesces;
        to.quiesce_timeouts += from.quiesce_timeouts;
        to.quiesce_ns += from.quiesce_ns;
        add(&mut to.taken, &from.taken);
        add(&mut to.faulted, &from.faulted);
        add(&mut to.refused, &from.refused);
        add(&mut to.used, &from.used);
        add(&mut to.cap, &from.cap);
        self.latency.add(&other.latency);
        self.batches_split += other.batches_split;
        self.barrier_points += other.barrier_points;
    }
}

/// Where a tenant's numbers are. They can be read for as long as somebody has this, also when the tenant is gone.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub id: u64,
    pub ring: Arc<Ring>,
    constants: Constants,
    account: Arc<Account>,
}

pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Ledger {
    pub fn new(id: u64, ring: Arc<Ring>, account: Arc<Account>) -> Self {
        Self {
            id,
            constants: ring.constants(),
            ring,
            account,
        }
    }

    /// Brings the full count of its fuel up to the device's.
    #[inline]
    pub fn follow_fuel(&self) -> u64 {
        self.ring
            .counts
            .fuel
            .follow(|| self.ring.fuel(&self.constants))
    }

    /// The same for the last time: from now on the device's words may be another tenant's.
    pub fn stop_following(&self) {
        self.ring
            .counts
            .fuel
            .stop(|| self.ring.fuel(&self.constants));
    }

    /// Fetches what `read` reads.
    #[inline]
    pub fn prefetch(&self) {
        self.ring.prefetch_counts(&self.constants);
    }

    /// Reads what was counted, and how long jobs took until their completions were taken, and adds all of it to `sums`.
    #[inline]
    pub fn read(&self, to: &mut TenantCounters, latency: &mut LatencySums, sums: &mut Sums) {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let ring = &*self.ring;
        let counts = &ring.counts;
        // Most are 0, and writing takes longer than looking.
        *to = TenantCounters::default();
        let all = &mut sums.counters;
        let (taken, taken_sums) = (to.taken(latency), all.taken(&mut sums.latency));
        let progress = ring.read_taken(&self.constants, taken, taken_sums);
        let Progress {
            submitted,
            completed,
            outstanding,
        } = progress;
        let put = |to: &mut u64, sum: &mut u64, n: u64| {
            if n != 0 {
                *to = n;
                *sum += n;
            }
        };
        to.id = self.id;
        put(&mut to.submitted, &mut all.submitted, submitted);
        put(&mut to.completed, &mut all.completed, completed);
        put(&mut to.outstanding, &mut all.outstanding, outstanding);
        put(&mut to.lag, &mut all.lag, submitted - completed);
        put(&mut to.fuel, &mut all.fuel, self.follow_fuel());
        put(&mut to.tiles, &mut all.tiles, get(&counts.tiles));
        put(&mut to.bytes_in, &mut all.bytes_in, get(&counts.bytes_in));
        put(
            &mut to.bytes_out,
            &mut all.bytes_out,
            get(&counts.bytes_out),
        );
        sums.batches_split += get(&counts.batches_split);
        sums.barrier_points += get(&counts.barrier_points);
        let quiesces = get(&counts.quiesces);
        put(&mut to.quiesces, &mut all.quiesces, quiesces);
        if quiesces != 0 {
            let timeouts = get(&counts.quiesce_timeouts).min(quiesces);
            put(
                &mut to.quiesce_timeouts,
                &mut all.quiesce_timeouts,
                timeouts,
            );
            put(
                &mut to.quiesce_ns,
                &mut all.quiesce_ns,
                get(&counts.quiesce_ns),
            );
        }
        if counts.is_touched() {
            let usage = self.account.usage(Some(ring));
            (to.used, to.cap) = (usage.used, usage.cap);
            to.refused = Resource::all_of(|resource| self.account.refused(resource));
            add(&mut all.used, &to.used);
            add(&mut all.cap, &to.cap);
            add(&mut all.refused, &to.refused);
        } else {
            let slots = Resource::Slots as usize;
            put(&mut to.used[slots], &mut all.used[slots], outstanding);
            to.cap = [UNLIMITED; RESOURCES];
            to.cap[slots] = u64::from(self.constants.size);
            add(&mut all.cap, &to.cap);
        }
    }
}

impl Tenant {
    /// What the tenant has done and has. Each number is right at some moment of the call, all of them together when
    /// nothing happens meanwhile. Also after it was revoked or destroyed.
    pub fn counters(&self) -> TenantCounters {
        let mut counters = TenantCounters::default();
        let latency = &mut LatencySums::default();
        self.0
            .ledger
            .read(&mut counters, latency, &mut Sums::default());
        counters
    }

    /// How long its jobs took from submit until their completions were taken.
    pub fn latency(&self) -> Result<Latency, Error> {
        self.0.ring.latency().ok_or(Error::NoMetrics)
    }
}
