//! What a tenant has done and has.

use std::sync::atomic::{AtomicU64, Ordering};

use super::quota::RESOURCES;
use super::{Inner, Resource, Tenant};
use crate::ring::submission::{FAULTS, STATUSES};
use crate::ring::sync::Padded;

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

/// What is counted beside the ring.
#[derive(Default)]
pub(crate) struct Counts {
    pub tiles: Padded<AtomicU64>,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub quiesces: AtomicU64,
    pub quiesce_timeouts: AtomicU64,
    pub quiesce_ns: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Inner {
    fn used(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Slots => self.slots().0,
            other => self.quota.used(other),
        }
    }

    fn cap(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Slots => self.slots().1,
            other => self.quota.quota().cap(other),
        }
    }
}

impl Tenant {
    /// What the tenant has done and has. Each number is right at some moment of the call, all of them together when
    /// nothing happens meanwhile. Also after it was revoked or destroyed.
    pub fn counters(&self) -> TenantCounters {
        let inner = &*self.0;
        let (ring, counts) = (&inner.ring, &inner.counts);
        let taken = ring.taken();
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        // In this order: what has completed was submitted before.
        let completed = ring.completed_jobs();
        let tail = ring.tail();
        let head = ring.head();
        let submitted = head - ring.first();
        let mut counters = TenantCounters {
            id: inner.id(),
            submitted,
            completed,
            taken: taken.status,
            faulted: taken.fault,
            fuel: inner.follow_fuel(),
            tiles: get(&counts.tiles),
            bytes_in: get(&counts.bytes_in),
            bytes_out: get(&counts.bytes_out),
            outstanding: head - tail,
            lag: submitted - completed,
            quiesces: get(&counts.quiesces),
            quiesce_timeouts: get(&counts.quiesce_timeouts),
            quiesce_ns: get(&counts.quiesce_ns),
            ..TenantCounters::default()
        };
        for (i, resource) in Resource::all().enumerate() {
            counters.refused[i] = inner.quota.refused(resource);
            counters.used[i] = inner.used(resource);
            counters.cap[i] = inner.cap(resource);
        }
        counters
    }
}
