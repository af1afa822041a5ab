//! What a tenant has done and has.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::quota::{Usage, RESOURCES};
use super::{Account, Resource, Tenant};
use crate::error::Error;
use crate::ring::latency::Latency;
use crate::ring::submission::{Ring, FAULTS, STATUSES};
use crate::ring::sync::{lock, Padded};

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

/// What is counted of a tenant. It can be read for as long as somebody has it, also when the tenant is gone.
pub(crate) struct Counts {
    id: u64,
    pub ring: Arc<Ring>,
    quota: Arc<Account>,
    pub tiles: Padded<AtomicU64>,
    /// Batches with a job that waits for those before it, and such jobs.
    pub batches_split: AtomicU64,
    pub barrier_points: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub quiesces: AtomicU64,
    pub quiesce_timeouts: AtomicU64,
    pub quiesce_ns: AtomicU64,
    spent: Mutex<Spent>,
}

/// Loop iterations of a tenant's jobs.
#[derive(Default)]
struct Spent {
    /// In full, as of the last look at the device's count.
    fuel: u64,
    stopped: bool,
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
            tiles: Padded::default(),
            batches_split: AtomicU64::new(0),
            barrier_points: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            quiesces: AtomicU64::new(0),
            quiesce_timeouts: AtomicU64::new(0),
            quiesce_ns: AtomicU64::new(0),
            spent: Mutex::default(),
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// Brings the full count of its fuel up to the device's, which counts with 32 bits.
    pub fn follow_fuel(&self) -> u64 {
        let mut spent = lock(&self.spent);
        if !spent.stopped {
            let now = self.ring.fuel();
            spent.fuel += u64::from(now.wrapping_sub(spent.fuel as u32));
        }
        spent.fuel
    }

    /// The same for the last time: from now on the device's words may be another tenant's.
    pub fn stop_following(&self) {
        self.follow_fuel();
        lock(&self.spent).stopped = true;
    }

    /// What was counted, and by `also` how long jobs took until their completions were taken, as of the same moment.
    pub fn read(&self, also: impl FnOnce(&Latency)) -> TenantCounters {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let ring = &self.ring;
        let (taken, tail) = ring.look_at_taken(|taken, tail, latency| {
            latency.map(also);
            (*taken, tail)
        });
        // In this order: what was taken had completed, and what has completed was submitted. The kernel counts a job a
        // little later than it completes it.
        let completed = ring.completed_jobs().max(taken.status.iter().sum());
        let head = ring.head();
        let submitted = head - ring.first();
        let Usage { used, cap } = self.quota.usage(Some(ring));
        TenantCounters {
            id: self.id,
            submitted,
            completed,
            taken: taken.status,
            faulted: taken.fault,
            fuel: self.follow_fuel(),
            tiles: get(&self.tiles),
            bytes_in: get(&self.bytes_in),
            bytes_out: get(&self.bytes_out),
            refused: Resource::all_of(|resource| self.quota.refused(resource)),
            used,
            cap,
            outstanding: head - tail,
            lag: submitted - completed,
            quiesces: get(&self.quiesces),
            quiesce_timeouts: get(&self.quiesce_timeouts),
            quiesce_ns: get(&self.quiesce_ns),
        }
    }
}

impl Tenant {
    /// What the tenant has done and has. Each number is right at some moment of the call, all of them together when
    /// nothing happens meanwhile. Also after it was revoked or destroyed.
    pub fn counters(&self) -> TenantCounters {
        self.0.counts.read(|_| ())
    }

    /// How long its jobs took from submit until their completions were taken.
    pub fn latency(&self) -> Result<Latency, Error> {
        let latency = self.0.ring.look_at_taken(|_, _, latency| latency.cloned());
        latency.ok_or(Error::NoMetrics)
    }
}
