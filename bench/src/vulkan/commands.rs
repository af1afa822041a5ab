//! A command buffer that is recorded once and submitted many times, and its fence.

use super::Device;
use crate::Fallible;
use ash::vk;
use std::rc::Rc;

/// How the host waits for the fence.
#[derive(Clone, Copy, PartialEq)]
pub enum Waiting {
    Spin,
    Block,
}

pub struct Commands {
    device: Rc<Device>,
    pool: vk::CommandPool,
    buffer: vk::CommandBuffer,
    fence: vk::Fence,
}

impl Commands {
    /// Records what `record` writes.
    pub fn new(
        device: &Rc<Device>,
        record: impl FnOnce(&ash::Device, vk::CommandBuffer),
    ) -> Fallible<Commands> {
        let raw = &device.raw;
        // SAFETY: the handles come from this device and are used by this thread only.
        unsafe {
            let pool = raw.create_command_pool(
                &vk::CommandPoolCreateInfo::default().queue_family_index(device.family),
                None,
            )?;
            let buffer = raw.allocate_command_buffers(
                &vk::CommandBufferAllocateInfo::default()
                    .command_pool(pool)
                    .command_buffer_count(1),
            )?[0];
            raw.begin_command_buffer(buffer, &vk::CommandBufferBeginInfo::default())?;
            record(raw, buffer);
            raw.end_command_buffer(buffer)?;
            let fence = raw.create_fence(&vk::FenceCreateInfo::default(), None)?;
            Ok(Commands {
                device: device.clone(),
                pool,
                buffer,
                fence,
            })
        }
    }

    /// Submits; the caller waits before it submits again.
    #[inline]
    pub fn submit(&self) -> Fallible<()> {
        let buffers = [self.buffer];
        let submits = [vk::SubmitInfo::default().command_buffers(&buffers)];
        // SAFETY: the buffer is recorded and not pending, the fence is unsignalled: `wait` resets it.
        unsafe {
            self.device
                .raw
                .queue_submit(self.device.queue, &submits, self.fence)?
        };
        Ok(())
    }

    /// Waits for the fence of the last submit and resets it.
    #[inline]
    pub fn wait(&self, waiting: Waiting) -> Fallible<()> {
        let raw = &self.device.raw;
        // SAFETY: the fence belongs to this device, and no other thread uses it.
        unsafe {
            match waiting {
                Waiting::Block => raw.wait_for_fences(&[self.fence], true, u64::MAX)?,
                Waiting::Spin => {
                    while !raw.get_fence_status(self.fence)? {
                        std::hint::spin_loop();
                    }
                }
            }
            raw.reset_fences(&[self.fence])?;
        }
        Ok(())
    }

    #[inline]
    pub fn run(&self, waiting: Waiting) -> Fallible<()> {
        self.submit()?;
        self.wait(waiting)
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        // SAFETY: waiting for the device first means that nothing of this is pending.
        unsafe {
            let raw = &self.device.raw;
            let _ = raw.device_wait_idle();
            raw.destroy_fence(self.fence, None);
            raw.destroy_command_pool(self.pool, None);
        }
    }
}

/// Makes the dispatches' results visible to the host, once the fence is signalled.
pub fn host_barrier(raw: &ash::Device, commands: vk::CommandBuffer) {
    barrier(
        raw,
        commands,
        vk::PipelineStageFlags::HOST,
        vk::AccessFlags::HOST_READ,
    );
}

/// Orders the dispatches before after those that follow, with their memory.
pub fn shader_barrier(raw: &ash::Device, commands: vk::CommandBuffer) {
    barrier(
        raw,
        commands,
        vk::PipelineStageFlags::COMPUTE_SHADER,
        vk::AccessFlags::SHADER_READ | vk::AccessFlags::SHADER_WRITE,
    );
}

fn barrier(
    raw: &ash::Device,
    commands: vk::CommandBuffer,
    stage: vk::PipelineStageFlags,
    access: vk::AccessFlags,
) {
    let memory = [vk::MemoryBarrier::default()
        .src_access_mask(vk::AccessFlags::SHADER_WRITE)
        .dst_access_mask(access)];
    // SAFETY: `commands` is being recorded on this device.
    unsafe {
        raw.cmd_pipeline_barrier(
            commands,
            vk::PipelineStageFlags::COMPUTE_SHADER,
            stage,
            vk::DependencyFlags::empty(),
            &memory,
            &[],
            &[],
        );
    }
}
