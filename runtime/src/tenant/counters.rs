//! What a tenant has done and has.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::quota::RESOURCES;
use super::{Account, Resource, Tenant, UNLIMITED};
use crate::error::Error;
use crate::ring::latency::{Latency, LatencySums};
use crate::ring::outcomes::Taken;
use crate::ring::submission::{Progress, Ring, FAULTS, STATUSES};
use crate::ring::sync::prefetch;

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

/// What is counted of a tenant. It can be read for as long as somebody has it, also when the tenant is gone.
///
/// A snapshot reads this of every tenant: what it always needs lies in one cache line.
#[repr(C, align(128))]
pub(crate) struct Counts {
    fuel: Fuel,
    pub tiles: AtomicU64,
    /// Batches with a job that waits for those before it, and such jobs.
    pub batches_split: AtomicU64,
    pub barrier_points: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    /// The other two count only where this isn't 0.
    pub quiesces: AtomicU64,
    pub quiesce_timeouts: AtomicU64,
    pub quiesce_ns: AtomicU64,
    id: u64,
    pub ring: Arc<Ring>,
    quota: Arc<Account>,
}

/// Loop iterations of a tenant's jobs, in full: the device counts with 32 bits. As of the last look at its count, and with `LAST`
/// for good.
#[derive(Default)]
struct Fuel(AtomicU64);

/// From now on the device's words may be another tenant's.
const LAST: u64 = 1 << 63;

impl Fuel {
    /// Brings it up to the device's count, which `now` reads.
    #[inline]
    fn follow(&self, now: impl FnOnce() -> u32) -> u64 {
        // Acquire: the device's count is no older than what was known of it.
        let known = self.0.load(Ordering::Acquire);
        if known & LAST != 0 {
            return known & !LAST;
        }
        let full = known + u64::from(now().wrapping_sub(known as u32));
        if full == known {
            return known;
        }
        // The highest stays: others may have followed further. If that was for the last time, the count that was read may be
        // another tenant's.
        match self.0.fetch_max(full, Ordering::AcqRel) {
            before if before & LAST != 0 => before & !LAST,
            before => before.max(full),
        }
    }

    /// The same for the last time.
    fn stop(&self, now: impl FnOnce() -> u32) {
        self.follow(now);
        self.0.fetch_or(LAST, Ordering::AcqRel);
    }
}

pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Counts {
    pub fn new(id: u64, ring: Arc<Ring>, quota: Arc<Account>) -> Self {
        Self {
            id,
            ring,
            quota,
            fuel: Fuel::default(),
            tiles: AtomicU64::new(0),
            batches_split: AtomicU64::new(0),
            barrier_points: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            quiesces: AtomicU64::new(0),
            quiesce_timeouts: AtomicU64::new(0),
            quiesce_ns: AtomicU64::new(0),
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// Brings the full count of its fuel up to the device's.
    #[inline]
    pub fn follow_fuel(&self) -> u64 {
        self.fuel.follow(|| self.ring.fuel())
    }

    /// The same for the last time: from now on the device's words may be another tenant's.
    pub fn stop_following(&self) {
        self.fuel.stop(|| self.ring.fuel());
    }

    /// Fetches what `read` reads, in three steps: each reads what the one before has fetched.
    #[inline]
    pub fn prefetch(&self, step: usize) {
        match step {
            0 => {
                prefetch(&self.fuel);
                prefetch(&self.quota);
            }
            1 => {
                self.quota.prefetch();
                self.ring.prefetch_counts();
            }
            _ => self.ring.prefetch_words(),
        }
    }

    /// Reads what was counted, and how long jobs took until their completions were taken, and adds all of it to `sums`.
    #[inline]
    pub fn read(&self, to: &mut TenantCounters, latency: &mut LatencySums, sums: &mut Sums) {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let ring = &*self.ring;
        // Most are 0, and writing takes longer than looking.
        *to = TenantCounters::default();
        let all = &mut sums.counters;
        let progress = ring.read_taken(to.taken(latency), all.taken(&mut sums.latency));
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
        put(&mut to.tiles, &mut all.tiles, get(&self.tiles));
        put(&mut to.bytes_in, &mut all.bytes_in, get(&self.bytes_in));
        put(&mut to.bytes_out, &mut all.bytes_out, get(&self.bytes_out));
        sums.batches_split += get(&self.batches_split);
        sums.barrier_points += get(&self.barrier_points);
        let quiesces = get(&self.quiesces);
        put(&mut to.quiesces, &mut all.quiesces, quiesces);
        if quiesces != 0 {
            let timeouts = get(&self.quiesce_timeouts).min(quiesces);
            put(
                &mut to.quiesce_timeouts,
                &mut all.quiesce_timeouts,
                timeouts,
            );
            put(
                &mut to.quiesce_ns,
                &mut all.quiesce_ns,
                get(&self.quiesce_ns),
            );
        }
        if self.quota.is_touched() {
            let usage = self.quota.usage(Some(ring));
            (to.used, to.cap) = (usage.used, usage.cap);
            to.refused = Resource::all_of(|resource| self.quota.refused(resource));
            add(&mut all.used, &to.used);
            add(&mut all.cap, &to.cap);
            add(&mut all.refused, &to.refused);
        } else {
            let slots = Resource::Slots as usize;
            put(&mut to.used[slots], &mut all.used[slots], outstanding);
            to.cap = [UNLIMITED; RESOURCES];
            to.cap[slots] = u64::from(ring.size());
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
            .counts
            .read(&mut counters, latency, &mut Sums::default());
        counters
    }

    /// How long its jobs took from submit until their completions were taken.
    pub fn latency(&self) -> Result<Latency, Error> {
        self.0.ring.latency().ok_or(Error::NoMetrics)
    }
}
