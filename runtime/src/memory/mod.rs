//! Segments, and the buffers that are cut from them.
//!
//! A buffer is named by a handle: an index into the buffer table, and a generation. The kernel reads the table live
//! and checks owner, generation, rights and range at every use. A destroyed buffer dies in three steps, so that no job
//! can ever reach memory that is another's by then:
//!
//! 1. it is *dying*: jobs submitted before may use it, later ones may not;
//! 2. when those jobs have completed, its entry stops being live, and new look-ups fail;
//! 3. when the leases that were launched until then have ended, no worker can be in the middle of a use any more: the
//!    range and the index are free.
//!
//! A granted buffer is an entry of its own, of another owner, at the same place. It dies like any other, and keeps the
//! range that it looks at from being freed.

mod outputs;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, RwLock, Weak};

use crate::device::memory::{Allocation, Use};
use crate::device::Device;
use crate::error::Error;
use crate::ring::layout::{
    binding, buffer_place, buffer_state, BufferEntry, BUFFERS, POSITION_MASK,
};
use crate::ring::sync::lock;
use crate::tenant::Charge;
pub use outputs::{OutputStats, Outputs, Read};

/// Segments that a kernel can reach at most.
pub const MAX_SEGMENTS: u32 = 8;
/// How large segments are made where nothing larger is asked for.
const SEGMENT_BYTES: u64 = 128 << 20;
/// Buffers start and end on this.
const GRAIN: u64 = 16;

struct Segment {
    allocation: Allocation,
    /// In grains. An imported segment is one buffer and has none.
    allocator: Option<offset_allocator::Allocator<u32>>,
    /// It was imported, and its buffer is gone: another import may take its place.
    unused: bool,
}

/// Where a buffer lies.
#[derive(Clone)]
struct Place {
    segment: u32,
    /// In grains.
    offset: u32,
    data: *mut u8,
    write_combined: bool,
    source: Source,
}

/// Where its memory comes from.
#[derive(Clone)]
enum Source {
    Cut(offset_allocator::Allocation<u32>),
    Imported,
    /// It is another tenant's buffer.
    Granted {
        _of: Arc<Buffer>,
    },
}

/// What a buffer has taken of its owner's quota.
pub type Charges = Vec<Charge>;

/// A live buffer, on the host.
pub struct Buffer {
    pub handle: u32,
    pub owner: u32,
    pub bytes: u64,
    /// Whether jobs may write it.
    writable: bool,
    place: Place,
    maps: AtomicU32,
    dying: AtomicBool,
    /// Those that others were granted of it.
    grants: Mutex<Vec<Weak<Buffer>>>,
    /// Given back when the device is done with it.
    _charges: Charges,
}

// SAFETY: `data` points into a segment's mapping, which lives as long as the runtime; what bytes hold while host and
// jobs use them at once is up to the tenant.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

/// A buffer on its way out.
struct Leaving {
    buffer: Arc<Buffer>,
    /// The first position of its owner that may not use it.
    until: u32,
    /// Set once the entry is no longer live: the last lease that may still use it.
    after_lease: Option<u32>,
}

/// All segments and buffers of a runtime.
pub struct Memory {
    device: Arc<Device>,
    table: *const BufferEntry,
    max_range: u64,
    max_segments: u32,
    segments: Mutex<Vec<Segment>>,
    /// How many of them, from the first on, every kernel that may run is bound to. Buffers come from these only.
    bound: AtomicU32,
    buffers: RwLock<Vec<Option<Arc<Buffer>>>>,
    /// Indices that can be used again, with the generation that they had.
    free: Mutex<Vec<u32>>,
    generations: Mutex<Vec<u16>>,
    /// The handle that the next buffer is to have.
    wanted: Mutex<Option<u32>>,
    leaving: Mutex<Vec<Leaving>>,
}

// SAFETY: `table` points to atomics that are mapped as long as the runtime lives.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// A buffer that couldn't be cut from what there is.
pub enum NoRoom {
    /// Another segment would help.
    NeedsSegment,
    Error(Error),
}

impl Memory {
    /// `table` is where the host writes the buffer table.
    pub fn new(device: &Arc<Device>, table: *const BufferEntry) -> Self {
        let limits = &device.limits;
        Self {
            device: device.clone(),
            table,
            // Offsets within a segment are counted in words of 32 bits.
            max_range: limits.max_storage_range.min(u32::MAX as u64) / GRAIN * GRAIN,
            max_segments: ((limits.max_storage_buffers - binding::SEGMENT) / 2).min(MAX_SEGMENTS),
            segments: Mutex::new(Vec::new()),
            bound: AtomicU32::new(0),
            buffers: RwLock::new(Vec::new()),
            free: Mutex::new(Vec::new()),
            generations: Mutex::new(Vec::new()),
            wanted: Mutex::new(None),
            leaving: Mutex::new(Vec::new()),
        }
    }

    fn entry(&self, index: u32) -> &BufferEntry {
        debug_assert!((index as usize) < BUFFERS);
        // SAFETY: the table has BUFFERS entries, and indices are below that.
        unsafe { &*self.table.add(index as usize) }
    }

    /// How many segments a kernel can reach on this device.
    pub fn max_segments(&self) -> u32 {
        self.max_segments
    }

    /// How many entries of the table have ever been used.
    pub fn handles(&self) -> usize {
        self.buffers.read().unwrap_or_else(|p| p.into_inner()).len()
    }

    /// How many segments there are, and their bytes in all.
    pub fn segments(&self) -> (u32, u64) {
        let segments = lock(&self.segments);
        (
            segments.len() as u32,
            segments.iter().map(|s| s.allocation.size).sum(),
        )
    }

    /// How many segments wait for a kernel that reaches them.
    pub fn unbound(&self) -> u32 {
        lock(&self.segments).len() as u32 - self.bound.load(Ordering::Acquire)
    }

    /// Says that the first `count` segments are bound in every lease that runs or will.
    pub fn bound(&self, count: u32) {
        self.bound.fetch_max(count, Ordering::Release);
    }

    /// The bindings of `count` segments: two views of each. Those that don't exist yet stand in by the first.
    pub fn bindings(&self, count: u32) -> Vec<(u32, ash::vk::Buffer, u64)> {
        let segments = lock(&self.segments);
        (0..count)
            .flat_map(|s| {
                let segment = segments.get(s as usize).unwrap_or(&segments[0]);
                let number = binding::SEGMENT + 2 * s;
                let one = |n| (n, segment.allocation.buffer, segment.allocation.size);
                [one(number), one(number + 1)]
            })
            .collect()
    }

    /// Adds a segment that has room for `bytes` in one piece; gives how many there are now.
    pub fn add_segment(&self, bytes: u64) -> Result<u32, Error> {
        if bytes > self.max_range {
            return Err(Error::OutOfDeviceMemory {
                bytes,
                why: "the device's storage buffers can't be that large",
            });
        }
        let mut segments = lock(&self.segments);
        self.room_for_segment(&segments, bytes)?;
        let size = bytes
            .max(SEGMENT_BYTES.min(self.max_range))
            .next_multiple_of(GRAIN);
        let allocation = Allocation::new(&self.device, size, Use::Device)?;
        let grains = (allocation.size / GRAIN) as u32;
        let most = (BUFFERS as u32).min(grains).max(16);
        let allocator = offset_allocator::Allocator::with_max_allocs(grains, most);
        segments.push(Segment {
            allocation,
            allocator: Some(allocator),
            unused: false,
        });
        log::debug!("segment {} has {} bytes", segments.len() - 1, size);
        Ok(segments.len() as u32)
    }

    fn room_for_segment(&self, segments: &[Segment], bytes: u64) -> Result<(), Error> {
        if segments.len() as u32 >= self.max_segments {
            return Err(Error::OutOfDeviceMemory {
                bytes,
                why: "all segments are in use: destroy buffers",
            });
        }
        Ok(())
    }

    /// Cuts a buffer from the segments, cleared. Takes the charges if it succeeds.
    pub fn create(
        &self,
        owner: u32,
        bytes: u64,
        writable: bool,
        charges: &mut Charges,
    ) -> Result<Arc<Buffer>, NoRoom> {
        self.check_size(bytes).map_err(NoRoom::Error)?;
        let mut segments = lock(&self.segments);
        let grains = bytes.div_ceil(GRAIN) as u32;
        let bound = self.bound.load(Ordering::Acquire) as usize;
        let found = segments
            .iter_mut()
            .take(bound)
            .enumerate()
            .find_map(|(i, s)| {
                let range = s.allocator.as_mut()?.allocate(grains)?;
                Some((i as u32, range))
            });
        let Some((segment, range)) = found else {
            return Err(NoRoom::NeedsSegment);
        };
        let allocation = &segments[segment as usize].allocation;
        // SAFETY: the range lies in the segment, by its allocator.
        let data = unsafe {
            allocation
                .mapped
                .add(range.offset as usize * GRAIN as usize)
        };
        // SAFETY: as above, and no lease can reach a free range (see the head of this file).
        unsafe { data.write_bytes(0, grains as usize * GRAIN as usize) };
        let place = Place {
            segment,
            offset: range.offset,
            data,
            write_combined: allocation.write_combined,
            source: Source::Cut(range),
        };
        let made = self.register(owner, bytes, writable, place, charges);
        if made.is_err() {
            if let Some(allocator) = &mut segments[segment as usize].allocator {
                allocator.free(range);
            }
        }
        made.inspect(|buffer| self.publish(buffer))
            .map_err(NoRoom::Error)
    }

    /// That a buffer can have so many bytes.
    pub fn check_size(&self, bytes: u64) -> Result<(), Error> {
        if bytes == 0 {
            return Err(Error::InvalidArgument("a buffer needs at least 1 byte"));
        }
        if bytes > self.max_range {
            let why = "the device's storage buffers can't be that large";
            return Err(Error::OutOfDeviceMemory { bytes, why });
        }
        Ok(())
    }

    /// Makes a segment and a buffer of the caller's memory; the buffer is still to be published, when the kernel reaches
    /// the segment. Gives along the segment that it took the place of, to be
    /// dropped when no lease is bound to it any more.
    ///
    /// # Safety
    /// The memory stays valid until the buffer is gone: destroyed and no longer in use by jobs, or the runtime
    /// destroyed.
    pub unsafe fn import(
        &self,
        owner: u32,
        host: *mut u8,
        bytes: u64,
        writable: bool,
        charges: &mut Charges,
    ) -> Result<(Arc<Buffer>, Option<Allocation>), Error> {
        if bytes == 0 || bytes > self.max_range {
            return Err(Error::InvalidValue {
                what: "the length to import",
                value: bytes,
                allowed: "at least 1 and at most the device's storage buffer range",
            });
        }
        let mut segments = lock(&self.segments);
        let unused = segments.iter().position(|s| s.unused);
        if unused.is_none() {
            self.room_for_segment(&segments, bytes)?;
        }
        // SAFETY: passed on to the caller.
        let allocation = unsafe { Allocation::import(&self.device, host, bytes)? };
        let segment = unused.unwrap_or(segments.len());
        let place = Place {
            segment: segment as u32,
            offset: 0,
            data: host,
            write_combined: false,
            source: Source::Imported,
        };
        let made = self.register(owner, bytes, writable, place, charges)?;
        let new = Segment {
            allocation,
            allocator: None,
            unused: false,
        };
        if segment < segments.len() {
            let old = std::mem::replace(&mut segments[segment], new);
            return Ok((made, Some(old.allocation)));
        }
        segments.push(new);
        Ok((made, None))
    }

    /// Makes an entry live: jobs can name it from now on. The kernels that run must reach its segment.
    pub fn publish(&self, buffer: &Buffer) {
        // Release: the entry before the word that makes it live. (A submit that names it fences write-combined memory.)
        self.entry(buffer.handle & 0xffff)
            .state
            .store(buffer.handle >> 16 | buffer_state::LIVE, Ordering::Release);
    }

    /// Gives it an index and fills its entry, which is not live yet.
    fn register(
        &self,
        owner: u32,
        bytes: u64,
        writable: bool,
        place: Place,
        charges: &mut Charges,
    ) -> Result<Arc<Buffer>, Error> {
        let mut buffers = self.buffers.write().unwrap_or_else(|p| p.into_inner());
        let mut generations = lock(&self.generations);
        let wanted = lock(&self.wanted).take();
        let free = match wanted {
            Some(handle) => Some(self.claim(handle, &mut buffers, &mut generations)?),
            None => lock(&self.free).pop(),
        };
        let index = match free {
            Some(index) => index,
            None if buffers.len() < BUFFERS => {
                buffers.push(None);
                generations.push(0);
                buffers.len() as u32 - 1
            }
            None => {
                return Err(Error::OutOfDeviceMemory {
                    bytes,
                    why: "all 65,536 buffer handles are in use",
                })
            }
        };
        // Generation 0 is left out, so that handle 0 is never a buffer.
        let generation = match generations[index as usize].wrapping_add(1) {
            0 => 1,
            g => g,
        };
        generations[index as usize] = generation;
        let handle = index | (generation as u32) << 16;
        let entry = self.entry(index);
        entry.base.store(place.offset, Ordering::Relaxed);
        entry.bytes.store(bytes as u32, Ordering::Relaxed);
        let rights = if writable { buffer_place::WRITABLE } else { 0 };
        entry.place.store(place.segment | rights, Ordering::Relaxed);
        entry.owner.store(owner, Ordering::Relaxed);
        let buffer = Arc::new(Buffer {
            handle,
            owner,
            bytes,
            writable,
            place,
            maps: AtomicU32::new(0),
            dying: AtomicBool::new(false),
            grants: Mutex::new(Vec::new()),
            _charges: std::mem::take(charges),
        });
        buffers[index as usize] = Some(buffer.clone());
        Ok(buffer)
    }

    /// The next buffer gets this handle, if its index is free: for a replay, in which jobs name buffers as they did when they
    /// were recorded.
    pub fn want(&self, handle: u32) -> bool {
        let buffers = self.buffers.read().unwrap_or_else(|p| p.into_inner());
        let free = buffers
            .get((handle & 0xffff) as usize)
            .is_none_or(Option::is_none);
        if free {
            *lock(&self.wanted) = Some(handle);
        }
        free
    }

    /// Makes a handle the next one of its index.
    fn claim(
        &self,
        handle: u32,
        buffers: &mut Vec<Option<Arc<Buffer>>>,
        generations: &mut Vec<u16>,
    ) -> Result<u32, Error> {
        let index = handle & 0xffff;
        let mut free = lock(&self.free);
        while buffers.len() <= index as usize {
            free.push(buffers.len() as u32);
            buffers.push(None);
            generations.push(0);
        }
        let at = free.iter().position(|&i| i == index);
        free.swap_remove(at.ok_or(Error::InvalidBuffer(handle))?);
        generations[index as usize] = ((handle >> 16) as u16).wrapping_sub(1);
        Ok(index)
    }

    /// The buffer of that handle and owner.
    pub fn get(&self, handle: u32, owner: u32) -> Result<Arc<Buffer>, Error> {
        let buffers = self.buffers.read().unwrap_or_else(|p| p.into_inner());
        buffers
            .get((handle & 0xffff) as usize)
            .and_then(|b| b.as_ref())
            .filter(|b| b.handle == handle && b.owner == owner && !b.dying.load(Ordering::Relaxed))
            .cloned()
            .ok_or(Error::InvalidBuffer(handle))
    }

    /// All buffers of a tenant.
    pub fn owned_by(&self, owner: u32) -> Vec<u32> {
        let buffers = self.buffers.read().unwrap_or_else(|p| p.into_inner());
        buffers
            .iter()
            .flatten()
            .filter(|b| b.owner == owner && !b.dying.load(Ordering::Relaxed))
            .map(|b| b.handle)
            .collect()
    }

    /// Starts to destroy a buffer: jobs from position `until` of its owner on can't use it any more. Gives what was granted
    /// of it, which is to be destroyed as well.
    pub fn destroy(&self, handle: u32, owner: u32, until: u64) -> Result<Vec<Arc<Buffer>>, Error> {
        let buffer = self.get(handle, owner)?;
        if buffer.maps.load(Ordering::Relaxed) != 0 {
            return Err(Error::WrongState(
                "the buffer is mapped: unmap it before it is destroyed",
            ));
        }
        if buffer.dying.swap(true, Ordering::Relaxed) {
            return Err(Error::InvalidBuffer(handle));
        }
        self.wait_for_look_ups();
        let entry = self.entry(handle & 0xffff);
        entry
            .until_position
            .store(until as u32 & POSITION_MASK, Ordering::Relaxed);
        entry.state.store(
            handle >> 16 | buffer_state::LIVE | buffer_state::DYING,
            Ordering::Release,
        );
        let grants = buffer.granted();
        lock(&self.leaving).push(Leaving {
            buffer,
            until: until as u32 & POSITION_MASK,
            after_lease: None,
        });
        Ok(grants)
    }

    /// Destroys a buffer whose tenant goes, mapped or not. Gives what was granted of it.
    pub fn abandon(&self, handle: u32, owner: u32, until: u64) -> Vec<Arc<Buffer>> {
        let Ok(buffer) = self.get(handle, owner) else {
            return Vec::new();
        };
        buffer.maps.store(0, Ordering::Relaxed);
        // Somebody else may have destroyed it meanwhile, which is as well.
        self.destroy(handle, owner, until).unwrap_or_default()
    }

    /// Lets another tenant use a buffer, under a handle of its own.
    pub fn grant(
        &self,
        handle: u32,
        owner: u32,
        to: u32,
        writable: bool,
        charges: &mut Charges,
    ) -> Result<u32, Error> {
        let buffer = self.own(handle, owner)?;
        if writable && !buffer.writable {
            return Err(Error::InvalidArgument(
                "the buffer may not be written by jobs, so it can't be granted for writing",
            ));
        }
        // Who destroys the buffer says so and then takes this lock.
        let mut grants = lock(&buffer.grants);
        if buffer.dying.load(Ordering::Relaxed) {
            return Err(Error::InvalidBuffer(handle));
        }
        grants.retain(|g| g.strong_count() != 0);
        if find_grant(&grants, to).is_some() {
            return Err(Error::WrongState(
                "the buffer is granted to that tenant already: take it back first",
            ));
        }
        let place = Place {
            source: Source::Granted {
                _of: buffer.clone(),
            },
            ..buffer.place
        };
        let alias = self.register(to, buffer.bytes, writable, place, charges)?;
        grants.push(Arc::downgrade(&alias));
        self.publish(&alias);
        Ok(alias.handle)
    }

    /// Ends a grant: no look-up finds it any more. `launched` gives the last lease that may still use it, and is called
    /// after that. Gives what was granted, which the host's threads may still be copying from or to.
    pub fn take_back(
        &self,
        handle: u32,
        owner: u32,
        from: u32,
        launched: impl FnOnce() -> u32,
    ) -> Result<Weak<Buffer>, Error> {
        let buffer = self.own(handle, owner)?;
        let found = find_grant(&lock(&buffer.grants), from);
        let taken = found.filter(|alias| !alias.dying.swap(true, Ordering::Relaxed));
        let alias = taken.ok_or(Error::WrongState("the buffer isn't granted to that tenant"))?;
        self.wait_for_look_ups();
        self.entry(alias.handle & 0xffff)
            .state
            .store(0, Ordering::Release);
        let weak = Arc::downgrade(&alias);
        lock(&self.leaving).push(Leaving {
            buffer: alias,
            until: 0,
            after_lease: Some(launched()),
        });
        Ok(weak)
    }

    /// After a buffer was marked as dying: whoever may have missed that has counted itself as a user when this returns.
    fn wait_for_look_ups(&self) {
        drop(self.buffers.write().unwrap_or_else(|p| p.into_inner()));
    }

    /// A buffer that is the tenant's own, and not granted to it.
    fn own(&self, handle: u32, owner: u32) -> Result<Arc<Buffer>, Error> {
        let buffer = self.get(handle, owner)?;
        match buffer.place.source {
            Source::Granted { .. } => Err(Error::WrongState(
                "the buffer is another tenant's, who granted it: only that one can do this",
            )),
            _ => Ok(buffer),
        }
    }

    /// Moves every leaving buffer on by as many steps as it can go. `completed` tells whether all jobs of a tenant
    /// before a position have completed; `launched` and `ended` are the numbers of the last lease launched and ended.
    pub fn reclaim(&self, completed: impl Fn(u32, u32) -> bool, launched: u32, ended: u32) {
        let mut leaving = lock(&self.leaving);
        if leaving.is_empty() {
            return;
        }
        leaving.retain_mut(|l| {
            let index = l.buffer.handle & 0xffff;
            let entry = self.entry(index);
            match l.after_lease {
                None => {
                    if completed(l.buffer.owner, l.until) {
                        entry.state.store(0, Ordering::Release);
                        l.after_lease = Some(launched);
                    }
                    true
                }
                // A host thread may still be copying from or to it: it holds an `Arc`.
                Some(lease)
                    if (ended.wrapping_sub(lease) as i32) < 0
                        || Arc::strong_count(&l.buffer) > 2 =>
                {
                    true
                }
                Some(_) => {
                    self.free(&l.buffer);
                    false
                }
            }
        });
    }

    /// Whether a buffer of this tenant, or of any, waits for nothing but the end of a lease.
    pub fn waits_for_lease(&self, owner: Option<u32>) -> bool {
        lock(&self.leaving)
            .iter()
            .any(|l| l.after_lease.is_some() && owner.is_none_or(|owner| l.buffer.owner == owner))
    }

    /// How many buffers wait to be freed.
    pub fn leaving(&self) -> usize {
        lock(&self.leaving).len()
    }

    fn free(&self, buffer: &Buffer) {
        let index = buffer.handle & 0xffff;
        // One lock after the other: `create` takes them the other way round.
        self.buffers.write().unwrap_or_else(|p| p.into_inner())[index as usize] = None;
        {
            let segment = &mut lock(&self.segments)[buffer.place.segment as usize];
            match (&buffer.place.source, &mut segment.allocator) {
                (Source::Cut(range), Some(allocator)) => allocator.free(*range),
                (Source::Imported, _) => segment.unused = true,
                // Another's.
                (Source::Granted { .. }, _) | (Source::Cut(_), None) => {}
            }
        }
        lock(&self.free).push(index);
    }
}

/// What a tenant was granted, if it still is.
fn find_grant(grants: &[Weak<Buffer>], to: u32) -> Option<Arc<Buffer>> {
    grants
        .iter()
        .filter_map(Weak::upgrade)
        .find(|g| g.owner == to && !g.dying.load(Ordering::Relaxed))
}

impl Buffer {
    /// All that is granted of it.
    fn granted(&self) -> Vec<Arc<Buffer>> {
        lock(&self.grants)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// That the host may write it for its owner. One's own it may, whatever jobs may do.
    fn check_write(&self) -> Result<(), Error> {
        match self.place.source {
            Source::Granted { .. } if !self.writable => Err(Error::InvalidArgument(
                "the buffer was granted for reading only",
            )),
            _ => Ok(()),
        }
    }

    /// Where bytes `offset` to `offset + len` lie.
    fn range(&self, offset: u64, len: u64) -> Result<*mut u8, Error> {
        if offset > self.bytes || len > self.bytes - offset {
            return Err(Error::OutOfRange {
                offset,
                len,
                size: self.bytes,
            });
        }
        // SAFETY: the offset is within the buffer, which is within the segment.
        Ok(unsafe { self.place.data.add(offset as usize) })
    }

    /// Copies into the buffer. Jobs submitted after this returns see it.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.check_write()?;
        let to = self.range(offset, data.len() as u64)?;
        // SAFETY: the range was checked; the caller's slice can't overlap memory that only we map, and an imported
        // buffer's memory may: `copy` allows for it.
        unsafe { std::ptr::copy(data.as_ptr(), to, data.len()) };
        self.written();
        Ok(())
    }

    /// Copies out of the buffer; sees what jobs wrote whose completions were taken.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let from = self.range(offset, out.len() as u64)?;
        // SAFETY: as in `write`.
        unsafe { std::ptr::copy(from, out.as_mut_ptr(), out.len()) };
        Ok(())
    }

    /// Sets `len` bytes.
    pub fn fill(&self, offset: u64, len: u64, value: u8) -> Result<(), Error> {
        self.check_write()?;
        let to = self.range(offset, len)?;
        // SAFETY: the range was checked.
        unsafe { to.write_bytes(value, len as usize) };
        self.written();
        Ok(())
    }

    /// Where the buffer lies, until it is unmapped as often as it was mapped.
    pub fn map(&self) -> Result<(*mut u8, u64), Error> {
        if let Source::Granted { .. } = self.place.source {
            return Err(Error::WrongState(
                "a granted buffer can't be mapped, since it can be taken back: read and write it",
            ));
        }
        self.maps.fetch_add(1, Ordering::Relaxed);
        Ok((self.place.data, self.bytes))
    }

    pub fn unmap(&self) -> Result<(), Error> {
        self.maps
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
            .map(|_| self.written())
            .map_err(|_| Error::WrongState("the buffer isn't mapped"))
    }

    /// Write-combined stores leave the processor before a later submit's stamp only if told to.
    fn written(&self) {
        #[cfg(target_arch = "x86_64")]
        if self.place.write_combined {
            // SAFETY: sfence is part of x86-64.
            unsafe { std::arch::x86_64::_mm_sfence() };
        }
        #[cfg(not(target_arch = "x86_64"))]
        if self.place.write_combined {
            std::sync::atomic::fence(Ordering::SeqCst);
        }
    }
}
