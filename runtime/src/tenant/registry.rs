//! Which tenants there are, and which part of the ring memory each one has.

use std::sync::{Arc, Mutex, RwLock, Weak};

use super::Inner;
use crate::error::Error;
use crate::ring::sync::lock;

/// A tenant's part of the ring memory.
#[derive(Clone, Copy)]
pub(crate) struct RingRange {
    pub base: u32,
    pub size: u32,
    allocation: offset_allocator::Allocation<u32>,
}

/// What a tenant that left has had, until no worker can look at it any more.
struct Leaving {
    index: u32,
    range: RingRange,
    /// Where its ring stopped counting.
    position: u64,
    after_lease: u32,
}

struct Free {
    rings: offset_allocator::Allocator<u32>,
    indices: Vec<u32>,
    next_index: u32,
    count: u32,
    leaving: Vec<Leaving>,
}

/// All tenants of a runtime.
pub(crate) struct Registry {
    capacity: u32,
    tenants: RwLock<Vec<Weak<Inner>>>,
    /// Where each index's next ring starts counting: a recycled one goes on where the last one stopped.
    positions: Mutex<Vec<u64>>,
    tags: Mutex<u16>,
    free: Mutex<Free>,
}

impl Registry {
    pub fn new(capacity: u32, total_slots: u32, first_position: u64) -> Self {
        Self {
            capacity,
            tenants: RwLock::new((0..capacity).map(|_| Weak::new()).collect()),
            positions: Mutex::new(vec![first_position; capacity as usize]),
            tags: Mutex::new(0),
            free: Mutex::new(Free {
                rings: offset_allocator::Allocator::with_max_allocs(
                    total_slots,
                    (2 * capacity).max(64),
                ),
                indices: Vec::new(),
                next_index: 0,
                count: 0,
                leaving: Vec::new(),
            }),
        }
    }

    /// An index, a ring of `slots`, where it starts counting, and a tag for tickets.
    pub fn reserve(&self, slots: u32) -> Result<(u32, RingRange, u64, u16), Error> {
        let mut free = lock(&self.free);
        let none = |free: &Free| Error::OutOfRingMemory {
            slots,
            tenants: free.count.saturating_sub(1),
            fit: free.rings.storage_report().largest_free_region,
        };
        let index = match free.indices.pop() {
            Some(index) => index,
            None if free.next_index < self.capacity => {
                free.next_index += 1;
                free.next_index - 1
            }
            // No number of slots would help.
            None => {
                return Err(Error::OutOfRingMemory {
                    slots,
                    tenants: free.count.saturating_sub(1),
                    fit: 0,
                })
            }
        };
        let Some(allocation) = free.rings.allocate(slots) else {
            free.indices.push(index);
            return Err(none(&free));
        };
        free.count += 1;
        let range = RingRange {
            base: allocation.offset,
            size: slots,
            allocation,
        };
        let mut tag = lock(&self.tags);
        *tag = tag.wrapping_add(1).max(1);
        Ok((index, range, lock(&self.positions)[index as usize], *tag))
    }

    pub fn add(&self, inner: &Arc<Inner>) {
        self.tenants.write().unwrap_or_else(|p| p.into_inner())[inner.index as usize] =
            Arc::downgrade(inner);
    }

    pub fn get(&self, index: u32) -> Option<Arc<Inner>> {
        self.tenants
            .read()
            .unwrap_or_else(|p| p.into_inner())
            .get(index as usize)?
            .upgrade()
    }

    /// All tenants that are registered.
    pub fn all(&self) -> Vec<Arc<Inner>> {
        self.tenants
            .read()
            .unwrap_or_else(|p| p.into_inner())
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// How many tenants are registered, the runtime's own among them.
    pub fn count(&self) -> u32 {
        lock(&self.free).count
    }

    /// Takes a tenant out. Its index and ring are free when the lease with this number has ended.
    pub fn remove(&self, inner: &Inner, after_lease: u32) {
        self.tenants.write().unwrap_or_else(|p| p.into_inner())[inner.index as usize] = Weak::new();
        let mut free = lock(&self.free);
        free.count -= 1;
        let position = inner.ring.head();
        free.leaving.push(Leaving {
            index: inner.index,
            range: inner.range,
            position,
            after_lease,
        });
    }

    /// Frees what no worker can look at any more.
    pub fn reclaim(&self, ended: u32) {
        let mut guard = lock(&self.free);
        let free = &mut *guard;
        let mut positions = lock(&self.positions);
        free.leaving.retain(|l| {
            if (ended.wrapping_sub(l.after_lease) as i32) < 0 {
                return true;
            }
            free.rings.free(l.range.allocation);
            free.indices.push(l.index);
            positions[l.index as usize] = l.position;
            false
        });
    }

    /// How many tenants wait to be freed.
    pub fn leaving(&self) -> usize {
        lock(&self.free).leaving.len()
    }
}
