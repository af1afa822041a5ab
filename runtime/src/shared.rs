//! The memory that host and kernel share, as one piece: tables, rings, records and the device's own words.
//!
//! In RESIDENT mode the host writes and reads the very memory that the kernel is bound to. In BATCH mode it has a
//! shadow of what it writes and of the records, and the pump copies between leases, when no kernel runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use crate::device::lease::Bindings;
use crate::device::memory::{Allocation, Use};
use crate::device::Device;
use crate::error::Error;
use crate::ring::layout::{
    binding, tenant_state, tile_bytes, BufferEntry, Control, DeviceWords, Record, Slot,
    TenantEntry, TenantState, TileState, WorkerReport, BUFFERS, CLASSES, EXTRA_RECORDS,
    MAX_WORKERS, NOTIFY_NEVER,
};
use crate::ring::submission::{stamp, RingMemory};

/// Memory that one side writes and the other reads.
struct Region {
    device: Allocation,
    shadow: Option<Shadow>,
}

/// Ordinary memory in place of the device's.
struct Shadow {
    words: *mut u8,
    layout: std::alloc::Layout,
}

impl Shadow {
    fn new(bytes: usize) -> Result<Self, Error> {
        let layout = std::alloc::Layout::from_size_align(bytes.max(128), 128)
            .map_err(|_| Error::OutOfMemory("the shadow of shared memory"))?;
        // SAFETY: the layout's size isn't 0.
        let words = unsafe { std::alloc::alloc_zeroed(layout) };
        if words.is_null() {
            return Err(Error::OutOfMemory("the shadow of shared memory"));
        }
        Ok(Self { words, layout })
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        // SAFETY: it was made with this layout.
        unsafe { std::alloc::dealloc(self.words, self.layout) };
    }
}

impl Region {
    fn new(
        device: &Arc<Device>,
        bytes: u64,
        usage: Use,
        batch: bool,
        zeroed: bool,
    ) -> Result<Self, Error> {
        let make = if zeroed {
            Allocation::zeroed
        } else {
            Allocation::new
        };
        let device = make(device, bytes, usage)?;
        // As large as the device's, which may be larger than was asked for: it is copied as a whole.
        let shadow = (batch && usage != Use::Device)
            .then(|| Shadow::new(device.size as usize))
            .transpose()?;
        Ok(Self { device, shadow })
    }

    /// Where the host writes or reads.
    fn host<T>(&self) -> *const T {
        self.shadow
            .as_ref()
            .map_or(self.device.mapped, |s| s.words)
            .cast_const()
            .cast()
    }

    /// Where the kernel does.
    fn device<T>(&self) -> *const T {
        self.device.mapped.cast_const().cast()
    }
}

/// All regions of a runtime.
pub struct SharedMemory {
    control: Region,
    tenants: Region,
    buffers: Region,
    slots: Region,
    records: Region,
    extra: Region,
    state: Region,
    tiles: Region,
    /// Bytes of one slot's tile state.
    tile_bytes: usize,
    reports: Region,
    pub max_tenants: u32,
    pub total_slots: u32,
    batch: bool,
}

// SAFETY: all access goes through atomics; the pointers are to memory that this owns.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    pub fn new(
        device: &Arc<Device>,
        max_tenants: u32,
        total_slots: u32,
        batch: bool,
        digests: bool,
    ) -> Result<Self, Error> {
        let tile_bytes = tile_bytes(digests);
        let (tenants, slots) = (max_tenants as u64, total_slots as u64);
        let size = |n: u64, each: usize| n * each as u64;
        let region = |bytes, usage, zeroed| Region::new(device, bytes, usage, batch, zeroed);
        let state = size_of::<DeviceWords>() as u64 + size(tenants, size_of::<TenantState>());
        Ok(Self {
            control: region(
                size_of::<Control>() as u64 + 4 * tenants * CLASSES as u64,
                Use::HostWrites,
                true,
            )?,
            tenants: region(
                size(tenants, size_of::<TenantEntry>()),
                Use::HostWrites,
                true,
            )?,
            buffers: region(
                size(BUFFERS as u64, size_of::<BufferEntry>()),
                Use::HostWrites,
                true,
            )?,
            // A ring's part of these is set when a tenant gets it.
            slots: region(size(slots, size_of::<Slot>()), Use::HostWrites, false)?,
            records: region(size(slots, size_of::<Record>()), Use::HostReads, false)?,
            extra: region(
                size(slots * EXTRA_RECORDS as u64, size_of::<Record>()),
                Use::HostReads,
                false,
            )?,
            tiles: region(size(slots, tile_bytes), Use::Device, false)?,
            tile_bytes,
            state: region(state, Use::Device, true)?,
            reports: region(
                size(2 * MAX_WORKERS as u64, size_of::<WorkerReport>()),
                Use::Device,
                true,
            )?,
            max_tenants,
            total_slots,
            batch,
        })
    }

    /// Bytes of ring memory in all.
    pub fn ring_bytes(&self) -> u64 {
        self.slots.device.size
            + self.records.device.size
            + self.extra.device.size
            + self.tiles.device.size
    }

    /// The bindings of all but the segments.
    pub fn bindings(&self) -> Bindings {
        [
            (binding::CONTROL, &self.control),
            (binding::TENANTS, &self.tenants),
            (binding::BUFFERS, &self.buffers),
            (binding::SLOTS, &self.slots),
            (binding::RECORDS, &self.records),
            (binding::EXTRA, &self.extra),
            (binding::STATE, &self.state),
            (binding::TILES, &self.tiles),
            (binding::REPORTS, &self.reports),
        ]
        .into_iter()
        .map(|(n, r)| (n, r.device.buffer, r.device.size))
        .collect()
    }

    pub fn control(&self) -> &Control {
        // SAFETY: the region holds one, of atomics.
        unsafe { &*self.control.host() }
    }

    /// The words of the active lists, one behind the other.
    pub fn active_list(&self) -> *const AtomicU32 {
        // SAFETY: they follow the control words.
        unsafe { self.control.host::<Control>().add(1).cast() }
    }

    pub fn buffer_table(&self) -> *const BufferEntry {
        self.buffers.host()
    }

    pub fn tenant(&self, index: u32) -> &TenantEntry {
        assert!(index < self.max_tenants);
        // SAFETY: checked above.
        unsafe { &*self.tenants.host::<TenantEntry>().add(index as usize) }
    }

    fn tenant_state(&self, index: u32) -> &TenantState {
        assert!(index < self.max_tenants);
        // SAFETY: checked above; the states follow the device's own words.
        unsafe {
            &*self
                .state
                .device::<DeviceWords>()
                .add(1)
                .cast::<TenantState>()
                .add(index as usize)
        }
    }

    /// What a worker told of a lease; there is room for the reports of two leases.
    pub fn report(&self, lease: u32, worker: u32) -> &WorkerReport {
        assert!((worker as usize) < MAX_WORKERS);
        let index = worker as usize + (lease & 1) as usize * MAX_WORKERS;
        // SAFETY: checked above.
        unsafe { &*self.reports.device::<WorkerReport>().add(index) }
    }

    /// The ring of `size` slots from `base` on, as the host sees it.
    pub fn ring(&self, base: u32, size: u32) -> RingMemory {
        self.ring_at(
            base,
            size,
            self.slots.host(),
            self.records.host(),
            self.extra.host(),
        )
    }

    fn device_ring(&self, base: u32, size: u32) -> RingMemory {
        self.ring_at(
            base,
            size,
            self.slots.device(),
            self.records.device(),
            self.extra.device(),
        )
    }

    fn ring_at(
        &self,
        base: u32,
        size: u32,
        slots: *const Slot,
        records: *const Record,
        extra: *const Record,
    ) -> RingMemory {
        assert!(base as u64 + size as u64 <= self.total_slots as u64);
        let base = base as usize;
        // SAFETY: the range was checked against the number of slots that the regions were made for.
        unsafe {
            RingMemory {
                slots: slots.add(base),
                records: records.add(base),
                extra: extra.add(base * EXTRA_RECORDS as usize),
                size,
                write_combined: !self.batch && self.slots.device.write_combined,
            }
        }
    }

    /// Gives a ring to a tenant that starts counting at `first`. No worker may be looking at the tenant or the ring.
    pub fn give_ring(
        &self,
        index: u32,
        base: u32,
        size: u32,
        first: u64,
        weight: u32,
        group: u32,
    ) -> RingMemory {
        let ring = self.ring(base, size);
        ring.reset(first);
        if self.batch {
            self.device_ring(base, size).reset(first);
        }
        for slot in base..base + size {
            let at = slot as usize * self.tile_bytes;
            // SAFETY: `ring` checked the range; each of these is a multiple of 4 bytes long and begins with a tile state.
            let tile = unsafe { &*self.tiles.device::<u8>().add(at).cast::<TileState>() };
            tile.remaining.store(0, Ordering::Relaxed);
            tile.unfinished.store(0, Ordering::Relaxed);
        }
        let position = first as u32 & crate::ring::layout::POSITION_MASK;
        let state = self.tenant_state(index);
        state.open.store(0, Ordering::Relaxed);
        // Behind its turn: it begins with a whole round's fuel.
        state
            .turn
            .store(self.round().wrapping_sub(1), Ordering::Relaxed);
        state.credit.store(0, Ordering::Relaxed);
        state.fuel.store(0, Ordering::Relaxed);
        state.time.store(0, Ordering::Relaxed);
        state.done.store(position, Ordering::Relaxed);
        state.cursor.store(position, Ordering::Release);
        let entry = self.tenant(index);
        entry
            .ring
            .store(base << 5 | size.trailing_zeros(), Ordering::Relaxed);
        entry.notify_at.store(NOTIFY_NEVER, Ordering::Relaxed);
        entry.state.store(tenant_state::ACTIVE, Ordering::Relaxed);
        entry.group.store(group, Ordering::Relaxed);
        self.set_weight(index, weight);
        entry.generation.fetch_add(1, Ordering::Release);
        ring
    }

    pub fn set_weight(&self, index: u32, weight: u32) {
        let word = &self.tenant(index).weight;
        word.store(weight, Ordering::Relaxed);
    }

    /// The word of the device-wide epoch, which lives as long as this.
    pub fn epoch_word(&self) -> *const AtomicU32 {
        &self.device_words().epoch
    }

    /// The device-wide epoch, modular.
    pub fn epoch(&self) -> u32 {
        self.device_words().epoch.load(Ordering::Relaxed)
    }

    /// The round of the tenants' turns.
    pub fn round(&self) -> u32 {
        self.device_words().round.load(Ordering::Relaxed)
    }

    /// Before the first lease.
    pub fn set_round(&self, round: u32) {
        self.device_words().round.store(round, Ordering::Relaxed);
    }

    /// Before the first lease.
    pub fn set_epoch(&self, epoch: u32) {
        self.device_words().epoch.store(epoch, Ordering::Relaxed);
    }

    fn device_words(&self) -> &DeviceWords {
        // SAFETY: the region begins with these words.
        unsafe { &*self.state.device::<DeviceWords>() }
    }

    /// How many jobs of a tenant have completed, modular. It lags behind the completions while a lease runs.
    pub fn done(&self, index: u32) -> &AtomicU32 {
        &self.tenant_state(index).done
    }

    /// The next position of a tenant that the kernel claims, and the closed bit.
    pub fn cursor(&self, index: u32) -> &AtomicU32 {
        &self.tenant_state(index).cursor
    }

    /// What a tenant's jobs have spent, modular. It lags behind the completions while a lease runs.
    pub fn fuel_word(&self, index: u32) -> &AtomicU32 {
        &self.tenant_state(index).fuel
    }

    pub fn fuel(&self, index: u32) -> u32 {
        self.fuel_word(index).load(Ordering::Relaxed)
    }

    /// What they took of workers' time, by their clocks.
    pub fn time(&self, index: u32) -> u32 {
        self.tenant_state(index).time.load(Ordering::Relaxed)
    }

    /// In BATCH mode, before a launch: the host's words to the device.
    pub fn tables_to_device(&self, buffers_used: usize) {
        for (region, bytes) in [
            (&self.control, self.control.device.size as usize),
            (&self.tenants, self.tenants.device.size as usize),
            (&self.buffers, buffers_used * size_of::<BufferEntry>()),
        ] {
            copy_words(region.host(), region.device(), bytes / 4);
        }
    }

    /// In BATCH mode, before a launch: the slots of positions `from..to` as far as they are published; gives up to
    /// where. `cancels` from `tail` on go along.
    pub fn slots_to_device(&self, base: u32, size: u32, tail: u64, from: u64, to: u64) -> u64 {
        let (host, device) = (self.ring(base, size), self.device_ring(base, size));
        for position in tail..from {
            let (from, to) = (host.slot(position), device.slot(position));
            to.cancel
                .store(from.cancel.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        for position in from..to {
            let (from, to) = (host.slot(position), device.slot(position));
            if from.stamp.load(Ordering::Acquire) != stamp(position) {
                return position;
            }
            copy_words(
                from as *const Slot as *const AtomicU32,
                to as *const Slot as *const AtomicU32,
                size_of::<Slot>() / 4,
            );
        }
        to
    }

    /// In BATCH mode, after a launch has ended: the records of `from..to` that the host doesn't have yet.
    pub fn records_to_host(&self, base: u32, size: u32, from: u64, to: u64) {
        let (host, device) = (self.ring(base, size), self.device_ring(base, size));
        for position in from..to {
            let expected = stamp(position);
            let (source, target) = (device.record(position), host.record(position));
            if source.words[3].load(Ordering::Acquire) != expected
                || target.words[3].load(Ordering::Relaxed) == expected
            {
                continue;
            }
            for n in 0..EXTRA_RECORDS {
                copy_words(
                    device.extra(position, n).words.as_ptr(),
                    host.extra(position, n).words.as_ptr(),
                    4,
                );
            }
            for i in 0..3 {
                target.words[i].store(source.words[i].load(Ordering::Relaxed), Ordering::Relaxed);
            }
            target.words[3].store(expected, Ordering::Release);
        }
    }
}

/// Copies backwards: the word that makes an entry valid is its last one, and its acquire brings the others along.
fn copy_words(from: *const AtomicU32, to: *const AtomicU32, count: usize) {
    for i in (0..count).rev() {
        // SAFETY: both regions have that many words: callers pass sizes of the same region or type.
        unsafe { (*to.add(i)).store((*from.add(i)).load(Ordering::Acquire), Ordering::Relaxed) };
    }
}
