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
    pasts: Vec<Past>,
    tag: u16,
}

/// All tenants of a runtime.
pub(crate) struct Registry {
    capacity: u32,
    tenants: RwLock<Vec<Weak<Inner>>>,
    free: Mutex<Free>,
}

/// What a new tenant gets.
pub(crate) struct Seat {
    pub index: u32,
    /// Which tenant of that index it is, from 1 on.
    pub generation: u32,
    pub range: RingRange,
    /// Where its ring starts counting.
    pub first: u64,
    /// The upper 16 bits of its tickets.
    pub tag: u16,
}

/// What is kept of an index from tenant to tenant.
#[derive(Clone, Copy)]
struct Past {
    generation: u32,
    /// Where the next ring starts counting: it goes on where the last one stopped.
    position: u64,
}

impl Registry {
    pub fn new(capacity: u32, total_slots: u32, first_position: u64) -> Self {
        Self {
            capacity,
            tenants: RwLock::new((0..capacity).map(|_| Weak::new()).collect()),
            free: Mutex::new(Free {
                rings: offset_allocator::Allocator::with_max_allocs(
                    total_slots,
                    (2 * capacity).max(64),
                ),
                indices: Vec::new(),
                next_index: 0,
                count: 0,
                leaving: Vec::new(),
                pasts: vec![
                    Past {
                        generation: 0,
                        position: first_position,
                    };
                    capacity as usize
                ],
                tag: 0,
            }),
        }
    }

    /// A place for a tenant with a ring of `slots`.
    pub fn reserve(&self, slots: u32) -> Result<Seat, Error> {
        let mut guard = lock(&self.free);
        let free = &mut *guard;
        let tenants = free.count.saturating_sub(1);
        let index = match free.indices.pop() {
            Some(index) => index,
            None if free.next_index < self.capacity => {
                free.next_index += 1;
                free.next_index - 1
            }
            None => {
                return Err(Error::OutOfTenants {
                    tenants,
                    most: self.capacity - 1,
                })
            }
        };
        let Some(allocation) = free.rings.allocate(slots) else {
            free.indices.push(index);
            return Err(Error::OutOfRingMemory {
                slots,
                tenants,
                fit: free.rings.storage_report().largest_free_region,
            });
        };
        free.count += 1;
        free.tag = free.tag.wrapping_add(1).max(1);
        let past = &mut free.pasts[index as usize];
        past.generation = past.generation.wrapping_add(1).max(1);
        Ok(Seat {
            index,
            generation: past.generation,
            range: RingRange {
                base: allocation.offset,
                size: slots,
                allocation,
            },
            first: past.position,
            tag: free.tag,
        })
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

    /// The tenant with that id, if it is registered: an index and the generation tell where to look and whether it is
    /// still the same.
    pub fn find(&self, id: u64) -> Option<Arc<Inner>> {
        self.get(id as u32).filter(|inner| inner.id() == id)
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
        free.leaving.retain(|l| {
            if (ended.wrapping_sub(l.after_lease) as i32) < 0 {
                return true;
            }
            free.rings.free(l.range.allocation);
            free.indices.push(l.index);
            free.pasts[l.index as usize].position = l.position;
            false
        });
    }

    /// How many tenants wait to be freed.
    pub fn leaving(&self) -> usize {
        lock(&self.free).leaving.len()
    }
}
