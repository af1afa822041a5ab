//! Runs a new kernel where it can do no harm, before the device that serves tenants gets it.
//!
//! A second device of the same driver runs a lease of it that ends at once. What the driver refuses, or what takes the
//! device away, is found out there. And Mesa's software driver compiles a kernel when it is first launched, on the
//! queue's thread, so that everything behind it would wait; what the trial compiled is in Mesa's cache on disk by the
//! time that the real launch asks for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::lease::{Bindings, LaunchSlot};
use super::memory::{Allocation, Use};
use super::pipeline::{Layout, Pipeline};
use super::{Device, Instance};
use crate::error::Error;

/// Memory that every binding of a trial is bound to.
const BYTES: u64 = 64 << 10;
/// A launch that takes less than this part of the first one was not compiled.
const COMPILED: u32 = 4;
/// Mesa writes its cache in the background: how often, and after which pauses, to look whether it has.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE_NS: u64 = 300_000_000_000;

/// The second device.
pub struct Trial {
    slot: LaunchSlot,
    bindings: Bindings,
    push: Vec<u8>,
    layout: Arc<Layout>,
    cache: Cache,
    _memory: Allocation,
    device: Arc<Device>,
}

impl Trial {
    /// Opens the device with this index once more, for kernels with so many bindings and bytes of push constants.
    pub fn new(
        instance: &Arc<Instance>,
        index: u32,
        bindings: u32,
        push_bytes: u32,
        cache: &Cache,
    ) -> Result<Self, Error> {
        let candidate = instance
            .candidates()?
            .into_iter()
            .find(|c| c.info.index == index)
            .ok_or(Error::DeviceLost)?;
        let device = Arc::new(Device::open(instance.clone(), candidate)?);
        let memory = Allocation::zeroed(&device, BYTES, Use::Device)?;
        let layout = Arc::new(Layout::new(&device, bindings, push_bytes)?);
        Ok(Self {
            slot: LaunchSlot::new(&device, layout.set, bindings)?,
            bindings: (0..bindings)
                .map(|n| (n, memory.buffer, memory.size))
                .collect(),
            // Lease 0 has ended before it starts.
            push: vec![0; push_bytes as usize],
            layout,
            cache: cache.clone(),
            _memory: memory,
            device,
        })
    }

    /// Whether a driver compiles when a kernel is first launched.
    pub fn warms(device: &Device) -> bool {
        device.info.driver.contains("llvmpipe") || device.info.name.contains("llvmpipe")
    }

    /// Runs the kernel; gives the time of its first launch.
    pub fn run(&mut self, spirv: &[u32]) -> Result<Duration, Error> {
        let first = self.launch(spirv)?;
        if Self::warms(&self.device) {
            for look in 1..LOOKS {
                std::thread::sleep(PAUSE * look);
                if self.launch(spirv)? * COMPILED < first {
                    break;
                }
                log::debug!("the driver's cache doesn't have the new kernel yet");
            }
        }
        Ok(first)
    }

    fn launch(&mut self, spirv: &[u32]) -> Result<Duration, Error> {
        let pipeline = Arc::new(Pipeline::new(
            &self.device,
            &self.layout,
            &self.cache,
            spirv,
        )?);
        let started = Instant::now();
        self.slot
            .launch(&pipeline, &self.bindings, 1, &self.push, 1)?;
        if !self.slot.wait(PATIENCE_NS)? {
            return Err(Error::DriverHangs);
        }
        Ok(started.elapsed())
    }
}
