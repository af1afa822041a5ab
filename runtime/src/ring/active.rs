//! The active list: which tenants the kernel looks at.
//!
//! A worker's look costs one step per `lanes` entries, so tenants without jobs should not be in it. A tenant is added
//! by its first submit after it was left out, and left out by the pump when it has nothing to do. The list is
//! host-written, under a lock; an entry that the kernel reads while it is replaced names one live tenant or the other,
//! and whoever is missed in one look is found in the next.

use super::layout::Control;
use super::sync::{asymmetric, lock, AtomicBool, AtomicU32, Mutex, Ordering};

/// The host's side of the list.
pub struct ActiveList {
    control: *const Control,
    list: *const AtomicU32,
    cheap: bool,
    /// What the list holds; the host doesn't read back what it wrote to the device.
    shadow: Mutex<Vec<u32>>,
}

// SAFETY: the memory is made of atomics, and whoever makes the list keeps it mapped.
unsafe impl Send for ActiveList {}
// SAFETY: as above; writes go through the lock.
unsafe impl Sync for ActiveList {}

impl ActiveList {
    /// # Safety
    /// `control` and the `capacity` words at `list` stay mapped while this lives, and nobody else writes to them.
    pub unsafe fn new(control: *const Control, list: *const AtomicU32, capacity: u32) -> Self {
        Self {
            control,
            list,
            cheap: asymmetric::is_cheap(),
            shadow: Mutex::new(Vec::with_capacity(capacity as usize)),
        }
    }

    fn control(&self) -> &Control {
        // SAFETY: `new` asked for it.
        unsafe { &*self.control }
    }

    fn word(&self, i: usize) -> &AtomicU32 {
        // SAFETY: `i` is below the number of tenants, for which `new` asked for room.
        unsafe { &*self.list.add(i) }
    }

    /// By a submitter, after its stamps and its half of the doorbell's fence: makes sure that the kernel looks at this tenant.
    #[inline]
    pub fn ensure(&self, tenant: u32, listed: &AtomicBool) {
        if !listed.load(Ordering::Relaxed) {
            self.add(tenant, listed);
        }
    }

    #[cold]
    fn add(&self, tenant: u32, listed: &AtomicBool) {
        let mut shadow = lock(&self.shadow);
        if !listed.swap(true, Ordering::Relaxed) {
            self.word(shadow.len()).store(tenant, Ordering::Relaxed);
            shadow.push(tenant);
            // Release: the entry before the count.
            self.control()
                .active_count
                .store(shadow.len() as u32, Ordering::Release);
        }
    }

    /// Leaves out a tenant that is being removed; no publisher of it is left.
    pub fn remove(&self, tenant: u32, listed: &AtomicBool) {
        let mut shadow = lock(&self.shadow);
        listed.store(false, Ordering::Relaxed);
        if let Some(i) = shadow.iter().position(|&t| t == tenant) {
            self.leave_out(&mut shadow, i);
        }
    }

    fn leave_out(&self, shadow: &mut Vec<u32>, i: usize) {
        shadow.swap_remove(i);
        if let Some(&moved) = shadow.get(i) {
            self.word(i).store(moved, Ordering::Release);
        }
        self.control()
            .active_count
            .store(shadow.len() as u32, Ordering::Release);
    }

    /// By the pump: leaves out every tenant for which `idle` holds, asked again after the tenant was marked as left out.
    /// `tenants` is called once, under the list's lock, so that what it gives has every tenant that is listed.
    pub fn sweep<T>(
        &self,
        tenants: impl FnOnce() -> T,
        listed: impl Fn(&T, u32) -> &AtomicBool,
        idle: impl Fn(&T, u32) -> bool,
    ) {
        let mut shadow = lock(&self.shadow);
        let tenants = tenants();
        let mut i = 0;
        while i < shadow.len() {
            let tenant = shadow[i];
            if !idle(&tenants, tenant) {
                i += 1;
                continue;
            }
            // The pair of `ensure`: mark, fence, look again. A submitter that published before our second look is
            // seen by it; one that publishes later sees the mark, and waits for the lock that we hold.
            let mark = listed(&tenants, tenant);
            mark.store(false, Ordering::Relaxed);
            asymmetric::heavy(self.cheap);
            if !idle(&tenants, tenant) {
                mark.store(true, Ordering::Relaxed);
                i += 1;
                continue;
            }
            self.leave_out(&mut shadow, i);
        }
    }
}
