//! Launches: a command buffer, a descriptor set and a fence for each of the few leases that may be queued at once.

use std::sync::Arc;

use ash::vk;

use super::pipeline::Pipeline;
use super::Device;
use crate::error::{Error, VkContext};

/// The buffers that a kernel is bound to, by binding number.
pub type Bindings = Vec<(u32, vk::Buffer, u64)>;

/// A place in the queue for one launch at a time.
pub struct LaunchSlot {
    command: vk::CommandBuffer,
    fence: vk::Fence,
    set: vk::DescriptorSet,
    pool: vk::DescriptorPool,
    command_pool: vk::CommandPool,
    /// Kept until the launch has ended.
    pipeline: Option<Arc<Pipeline>>,
    /// Which version of the bindings the set has.
    bound: u64,
    running: bool,
    device: Arc<Device>,
}

impl LaunchSlot {
    /// For kernels with `bindings` storage buffers in this layout.
    pub fn new(
        device: &Arc<Device>,
        set_layout: vk::DescriptorSetLayout,
        bindings: u32,
    ) -> Result<Self, Error> {
        let sizes = [vk::DescriptorPoolSize {
            ty: vk::DescriptorType::STORAGE_BUFFER,
            descriptor_count: bindings,
        }];
        let raw = &device.raw;
        // SAFETY: the device is live; on failure `slot` is dropped, which frees what was made until then.
        unsafe {
            let mut slot = Self {
                command: vk::CommandBuffer::null(),
                fence: vk::Fence::null(),
                set: vk::DescriptorSet::null(),
                pool: vk::DescriptorPool::null(),
                command_pool: vk::CommandPool::null(),
                pipeline: None,
                bound: 0,
                running: false,
                device: device.clone(),
            };
            slot.command_pool = raw
                .create_command_pool(
                    &vk::CommandPoolCreateInfo::default()
                        .queue_family_index(device.queue_family)
                        .flags(vk::CommandPoolCreateFlags::RESET_COMMAND_BUFFER),
                    None,
                )
                .vk("vkCreateCommandPool")?;
            slot.command = raw
                .allocate_command_buffers(
                    &vk::CommandBufferAllocateInfo::default()
                        .command_pool(slot.command_pool)
                        .level(vk::CommandBufferLevel::PRIMARY)
                        .command_buffer_count(1),
                )
                .vk("vkAllocateCommandBuffers")?[0];
            slot.fence = raw
                .create_fence(&vk::FenceCreateInfo::default(), None)
                .vk("vkCreateFence")?;
            slot.pool = raw
                .create_descriptor_pool(
                    &vk::DescriptorPoolCreateInfo::default()
                        .max_sets(1)
                        .pool_sizes(&sizes),
                    None,
                )
                .vk("vkCreateDescriptorPool")?;
            let layouts = [set_layout];
            slot.set = raw
                .allocate_descriptor_sets(
                    &vk::DescriptorSetAllocateInfo::default()
                        .descriptor_pool(slot.pool)
                        .set_layouts(&layouts),
                )
                .vk("vkAllocateDescriptorSets")?[0];
            Ok(slot)
        }
    }

    /// Whether a launch is under way.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Launches `workers` workgroups. `version` tells whether `bindings` changed since this slot's last launch.
    pub fn launch(
        &mut self,
        pipeline: &Arc<Pipeline>,
        bindings: &Bindings,
        version: u64,
        push: &[u8],
        workers: u32,
    ) -> Result<(), Error> {
        debug_assert!(!self.running);
        let raw = &self.device.raw;
        if self.bound != version {
            let infos: Vec<_> = bindings
                .iter()
                .map(|&(_, buffer, size)| {
                    [vk::DescriptorBufferInfo {
                        buffer,
                        offset: 0,
                        range: size,
                    }]
                })
                .collect();
            let writes: Vec<_> = bindings
                .iter()
                .zip(&infos)
                .map(|(&(binding, ..), info)| {
                    vk::WriteDescriptorSet::default()
                        .dst_set(self.set)
                        .dst_binding(binding)
                        .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                        .buffer_info(info)
                })
                .collect();
            // SAFETY: the slot isn't running, so no launch uses the set.
            unsafe { raw.update_descriptor_sets(&writes, &[]) };
            self.bound = version;
        }
        // SAFETY: the slot isn't running; all handles are live, and the pipeline is kept until the launch has ended.
        unsafe {
            let begin = vk::CommandBufferBeginInfo::default()
                .flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
            raw.begin_command_buffer(self.command, &begin)
                .vk("vkBeginCommandBuffer")?;
            // Leases follow each other: what one wrote the next one sees. The host's writes before the submit are
            // visible by the submit itself; those after it are what the probe is about.
            let barrier = [vk::MemoryBarrier::default()
                .src_access_mask(vk::AccessFlags::SHADER_WRITE)
                .dst_access_mask(vk::AccessFlags::SHADER_READ | vk::AccessFlags::SHADER_WRITE)];
            raw.cmd_pipeline_barrier(
                self.command,
                vk::PipelineStageFlags::COMPUTE_SHADER,
                vk::PipelineStageFlags::COMPUTE_SHADER,
                vk::DependencyFlags::empty(),
                &barrier,
                &[],
                &[],
            );
            raw.cmd_bind_pipeline(self.command, vk::PipelineBindPoint::COMPUTE, pipeline.raw);
            let layout = pipeline.layout.pipeline;
            raw.cmd_bind_descriptor_sets(
                self.command,
                vk::PipelineBindPoint::COMPUTE,
                layout,
                0,
                &[self.set],
                &[],
            );
            raw.cmd_push_constants(self.command, layout, vk::ShaderStageFlags::COMPUTE, 0, push);
            raw.cmd_dispatch(self.command, workers, 1, 1);
            let to_host = [vk::MemoryBarrier::default()
                .src_access_mask(vk::AccessFlags::SHADER_WRITE)
                .dst_access_mask(vk::AccessFlags::HOST_READ)];
            raw.cmd_pipeline_barrier(
                self.command,
                vk::PipelineStageFlags::COMPUTE_SHADER,
                vk::PipelineStageFlags::HOST,
                vk::DependencyFlags::empty(),
                &to_host,
                &[],
                &[],
            );
            raw.end_command_buffer(self.command)
                .vk("vkEndCommandBuffer")?;
            raw.reset_fences(&[self.fence]).vk("vkResetFences")?;
            let commands = [self.command];
            let submit = [vk::SubmitInfo::default().command_buffers(&commands)];
            let queue = self
                .device
                .queue
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            raw.queue_submit(*queue, &submit, self.fence)
                .vk("vkQueueSubmit")?;
        }
        self.pipeline = Some(pipeline.clone());
        self.running = true;
        Ok(())
    }

    /// Waits until the launch has ended; gives false if it hasn't within `timeout_ns`.
    pub fn wait(&mut self, timeout_ns: u64) -> Result<bool, Error> {
        if !self.running {
            return Ok(true);
        }
        // SAFETY: the fence is live.
        match unsafe {
            self.device
                .raw
                .wait_for_fences(&[self.fence], true, timeout_ns)
        } {
            Ok(()) => {
                self.running = false;
                self.pipeline = None;
                Ok(true)
            }
            Err(vk::Result::TIMEOUT) => Ok(false),
            Err(result) => {
                // A lost device runs nothing any more.
                if result == vk::Result::ERROR_DEVICE_LOST {
                    self.running = false;
                }
                Err(Error::Driver {
                    call: "vkWaitForFences",
                    result,
                })
            }
        }
    }
}

impl Drop for LaunchSlot {
    fn drop(&mut self) {
        let _ = self.wait(u64::MAX);
        // SAFETY: the launch has ended; null handles are ignored.
        unsafe {
            self.device.raw.destroy_descriptor_pool(self.pool, None);
            self.device.raw.destroy_fence(self.fence, None);
            self.device
                .raw
                .destroy_command_pool(self.command_pool, None);
        }
    }
}
