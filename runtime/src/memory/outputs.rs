//! Reading many results at once into memory that is kept from one time to the next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use super::Memory;
use crate::error::Error;

/// One range to read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub buffer: u32,
    /// Must be 0.
    pub reserved: u32,
    pub offset: u64,
    pub len: u64,
}

/// What became of the slots and bytes of an `Outputs` in its last use.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputStats {
    /// Results read into slots.
    pub slots_total: u64,
    /// Of those, into slots whose memory was large enough.
    pub slots_reused: u64,
    /// Into slots that had to get larger memory elsewhere.
    pub slots_moved: u64,
    /// Into slots that were new.
    pub slots_appended: u64,
    /// Bytes read.
    pub bytes_incoming: u64,
    /// Bytes read into reused memory.
    pub bytes_copied: u64,
    /// Bytes read into moved slots.
    pub bytes_moved: u64,
    /// Bytes read into new slots.
    pub bytes_appended: u64,
    /// Bytes that the slots hold on to, used or not.
    pub bytes_retained: u64,
}

/// Results, each in memory of its own, which is kept for the next use. From the second use with the same or smaller
/// sizes on, nothing is allocated.
#[derive(Default)]
pub struct Outputs {
    slots: Vec<Vec<u8>>,
    used: usize,
    stats: OutputStats,
    /// Where what they hold on to is counted, and how much of it is.
    retained_in: Option<(Arc<AtomicU64>, u64)>,
}

impl Drop for Outputs {
    fn drop(&mut self) {
        if let Some((gauge, counted)) = &self.retained_in {
            gauge.fetch_sub(*counted, Ordering::Relaxed);
        }
    }
}

impl Outputs {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many results the last use brought.
    pub fn len(&self) -> usize {
        self.used
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The i-th result of the last use.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        self.slots[..self.used].get(i).map(Vec::as_slice)
    }

    pub fn stats(&self) -> OutputStats {
        self.stats
    }

    /// From now on what they hold on to is counted here, and nowhere else.
    pub(crate) fn retain_in(&mut self, gauge: &Arc<AtomicU64>) {
        let now = self.stats.bytes_retained;
        match &mut self.retained_in {
            Some((counted_in, counted)) if Arc::ptr_eq(counted_in, gauge) => {
                gauge.fetch_add(now.wrapping_sub(*counted), Ordering::Relaxed);
                *counted = now;
            }
            other => {
                if let Some((gauge, counted)) = other.take() {
                    gauge.fetch_sub(counted, Ordering::Relaxed);
                }
                gauge.fetch_add(now, Ordering::Relaxed);
                *other = Some((gauge.clone(), now));
            }
        }
    }

    /// Reads all ranges, or none: nothing changes if one of them is not good.
    pub(crate) fn read(
        &mut self,
        memory: &Memory,
        owner: u32,
        reads: &[Read],
    ) -> Result<(), Error> {
        for read in reads {
            if read.reserved != 0 {
                return Err(Error::InvalidArgument("rota_read.reserved must be 0"));
            }
            memory
                .get(read.buffer, owner)?
                .range(read.offset, read.len)?;
        }
        self.make_room(reads)?;
        self.used = reads.len();
        for (slot, read) in self.slots.iter_mut().zip(reads) {
            memory.get(read.buffer, owner)?.read(read.offset, slot)?;
        }
        Ok(())
    }

    /// Sizes the first slots to the reads.
    fn make_room(&mut self, reads: &[Read]) -> Result<(), Error> {
        const WHAT: &str = "results";
        let known = self.slots.len();
        self.stats = OutputStats {
            bytes_retained: self.stats.bytes_retained,
            ..Default::default()
        };
        self.slots
            .try_reserve(reads.len().saturating_sub(known))
            .map_err(|_| Error::OutOfMemory(WHAT))?;
        for (i, read) in reads.iter().enumerate() {
            let len = read.len as usize;
            self.stats.slots_total += 1;
            self.stats.bytes_incoming += read.len;
            if i >= known {
                self.slots.push(Vec::new());
                self.stats.slots_appended += 1;
                self.stats.bytes_appended += read.len;
            } else if self.slots[i].capacity() >= len {
                self.stats.slots_reused += 1;
                self.stats.bytes_copied += read.len;
            } else {
                self.stats.slots_moved += 1;
                self.stats.bytes_moved += read.len;
            }
            let slot = &mut self.slots[i];
            if slot.capacity() < len {
                self.stats.bytes_retained -= slot.capacity() as u64;
                // The old content isn't needed, so it isn't copied along.
                *slot = Vec::new();
                slot.try_reserve_exact(len)
                    .map_err(|_| Error::OutOfMemory(WHAT))?;
                self.stats.bytes_retained += slot.capacity() as u64;
            }
            slot.resize(len, 0);
        }
        Ok(())
    }
}
