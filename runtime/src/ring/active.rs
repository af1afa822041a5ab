//! The active lists, one for each latency class: which tenants the kernel looks at.
//!
//! A worker's look costs one step per `lanes` entries, so tenants without jobs should not be in them. A tenant is added
//! by its first submit after it was left out, and left out by the pump when it has nothing to do. The lists are
//! host-written, under a lock; an entry that the kernel reads while it is replaced names one live tenant or the other,
//! and whoever is missed in one look is found in the next.

use super::layout::{listed, Control, CLASSES};
use super::sync::{asymmetric, lock, AtomicBool, AtomicU32, Mutex, Ordering};

/// How a tenant stands in the lists.
pub struct Listing {
    on: AtomicBool,
    class: usize,
    /// `listed`'s bits beside the index.
    limits: AtomicU32,
}

impl Listing {
    pub fn new(class: usize, limits: u32) -> Self {
        assert!(class < CLASSES);
        Self {
            on: AtomicBool::new(false),
            class,
            limits: AtomicU32::new(limits),
        }
    }

    /// What limits it: bits of `listed`.
    pub fn limits(&self) -> u32 {
        self.limits.load(Ordering::Relaxed)
    }
}

/// The host's side of the lists.
pub struct ActiveList {
    control: *const Control,
    lists: *const AtomicU32,
    capacity: usize,
    cheap: bool,
    /// What the lists hold; the host doesn't read back what it wrote to the device.
    shadow: Mutex<Shadow>,
}

type Shadow = [Vec<u32>; CLASSES];

// SAFETY: the memory is made of atomics, and whoever makes the lists keeps it mapped.
unsafe impl Send for ActiveList {}
// SAFETY: as above; writes go through the lock.
unsafe impl Sync for ActiveList {}

fn find(list: &[u32], tenant: u32) -> Option<usize> {
    list.iter()
        .position(|&word| word & listed::TENANT == tenant)
}

impl ActiveList {
    /// # Safety
    /// `control` and the `CLASSES` times `capacity` words at `lists` stay mapped while this lives, and nobody else writes
    /// to them.
    pub unsafe fn new(control: *const Control, lists: *const AtomicU32, capacity: u32) -> Self {
        // SAFETY: as above.
        unsafe { &(*control).room }.store(capacity, Ordering::Relaxed);
        Self {
            control,
            lists,
            capacity: capacity as usize,
            cheap: asymmetric::is_cheap(),
            shadow: Mutex::new(Shadow::default()),
        }
    }

    /// How many entries of a class's list count.
    fn active(&self, class: usize) -> &AtomicU32 {
        // SAFETY: `new` asked for it.
        unsafe { &(*self.control).counts[class] }
    }

    fn word(&self, class: usize, i: usize) -> &AtomicU32 {
        assert!(i < self.capacity);
        // SAFETY: `i` was checked, and `class` is an index of the shadow; `new` asked for the room.
        unsafe { &*self.lists.add(class * self.capacity + i) }
    }

    /// By a submitter, after its stamps and its half of the doorbell's fence: makes sure that the kernel looks at this tenant.
    #[inline]
    pub fn ensure(&self, tenant: u32, listing: &Listing) {
        if !listing.on.load(Ordering::Relaxed) {
            self.add(tenant, listing);
        }
    }

    #[cold]
    fn add(&self, tenant: u32, listing: &Listing) {
        let mut shadow = lock(&self.shadow);
        if !listing.on.swap(true, Ordering::Relaxed) {
            let list = &mut shadow[listing.class];
            let word = tenant | listing.limits();
            self.word(listing.class, list.len())
                .store(word, Ordering::Relaxed);
            list.push(word);
            // Release: the entry before the count.
            self.active(listing.class)
                .store(list.len() as u32, Ordering::Release);
        }
    }

    /// Changes what limits a tenant.
    pub fn set_limits(&self, tenant: u32, listing: &Listing, limits: u32) {
        let mut shadow = lock(&self.shadow);
        listing.limits.store(limits, Ordering::Relaxed);
        let list = &mut shadow[listing.class];
        if let Some(i) = find(list, tenant) {
            list[i] = tenant | limits;
            self.word(listing.class, i)
                .store(list[i], Ordering::Release);
        }
    }

    /// Leaves out a tenant that is being removed; no publisher of it is left.
    pub fn remove(&self, tenant: u32, listing: &Listing) {
        let mut shadow = lock(&self.shadow);
        listing.on.store(false, Ordering::Relaxed);
        if let Some(i) = find(&shadow[listing.class], tenant) {
            self.leave_out(&mut shadow, listing.class, i);
        }
    }

    fn leave_out(&self, shadow: &mut Shadow, class: usize, i: usize) {
        let list = &mut shadow[class];
        list.swap_remove(i);
        if let Some(&moved) = list.get(i) {
            self.word(class, i).store(moved, Ordering::Release);
        }
        self.active(class)
            .store(list.len() as u32, Ordering::Release);
    }

    /// By the pump: leaves out every tenant for which `idle` holds, asked again after the tenant was marked as left out.
    /// `tenants` is called once, under the lists' lock, so that what it gives has every tenant that is listed.
    pub fn sweep<T>(
        &self,
        tenants: impl FnOnce() -> T,
        listing: impl Fn(&T, u32) -> &Listing,
        idle: impl Fn(&T, u32) -> bool,
    ) {
        let mut shadow = lock(&self.shadow);
        let tenants = tenants();
        for class in 0..CLASSES {
            let mut i = 0;
            while i < shadow[class].len() {
                let tenant = shadow[class][i] & listed::TENANT;
                if !idle(&tenants, tenant) {
                    i += 1;
                    continue;
                }
                // The pair of `ensure`: mark, fence, look again. A submitter that published before our second look is
                // seen by it; one that publishes later sees the mark, and waits for the lock that we hold.
                let mark = &listing(&tenants, tenant).on;
                mark.store(false, Ordering::Relaxed);
                asymmetric::heavy(self.cheap);
                if !idle(&tenants, tenant) {
                    mark.store(true, Ordering::Relaxed);
                    i += 1;
                    continue;
                }
                self.leave_out(&mut shadow, class, i);
            }
        }
    }
}
