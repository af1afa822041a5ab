//! Compute pipelines, made of SPIR-V with the help of the cache on disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ash::vk;

use super::cache::{self, Cache};
use super::Device;
use crate::error::{Error, VkContext};

/// The descriptor set and pipeline layout that several pipelines share.
pub struct Layout {
    pub set: vk::DescriptorSetLayout,
    pub pipeline: vk::PipelineLayout,
    device: Arc<Device>,
}

impl Layout {
    /// `bindings` storage buffers and `push_bytes` of push constants.
    pub fn new(device: &Arc<Device>, bindings: u32, push_bytes: u32) -> Result<Self, Error> {
        let bindings: Vec<_> = (0..bindings)
            .map(|i| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(i)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: the device is live.
        let set = unsafe { device.raw.create_descriptor_set_layout(&info, None) }
            .vk("vkCreateDescriptorSetLayout")?;
        let sets = [set];
        let ranges = [vk::PushConstantRange {
            stage_flags: vk::ShaderStageFlags::COMPUTE,
            offset: 0,
            size: push_bytes,
        }];
        let info = vk::PipelineLayoutCreateInfo::default()
            .set_layouts(&sets)
            .push_constant_ranges(&ranges);
        // SAFETY: the set layout was made above.
        let pipeline = unsafe { device.raw.create_pipeline_layout(&info, None) }
            .vk("vkCreatePipelineLayout")
            // SAFETY: nobody uses the set layout yet.
            .inspect_err(|_| unsafe { device.raw.destroy_descriptor_set_layout(set, None) })?;
        Ok(Self {
            set,
            pipeline,
            device: device.clone(),
        })
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: pipelines and sets made with it hold an `Arc` of it and are gone.
        unsafe {
            self.device.raw.destroy_pipeline_layout(self.pipeline, None);
            self.device
                .raw
                .destroy_descriptor_set_layout(self.set, None);
        }
    }
}

/// A compiled kernel.
pub struct Pipeline {
    pub raw: vk::Pipeline,
    pub layout: Arc<Layout>,
    /// How long the driver took to make it. Some compile only when it is first dispatched.
    pub compile: Duration,
    device: Arc<Device>,
}

impl Pipeline {
    /// Compiles, with what the cache has of it, and puts the outcome back there.
    pub fn new(
        device: &Arc<Device>,
        layout: &Arc<Layout>,
        cache: &Cache,
        spirv: &[u32],
    ) -> Result<Self, Error> {
        let started = Instant::now();
        let key = cache::key(&device.limits, spirv);
        let stored = cache.load(&key, "pipeline").unwrap_or_default();
        let module = Module::new(device, spirv)?;
        let driver_cache = DriverCache::new(device, &stored)?;
        let mut size = vk::PipelineShaderStageRequiredSubgroupSizeCreateInfo::default()
            .required_subgroup_size(device.limits.subgroup_size);
        let mut stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module.raw)
            .name(c"main");
        if device.limits.required_subgroup_size {
            stage = stage
                .flags(vk::PipelineShaderStageCreateFlags::REQUIRE_FULL_SUBGROUPS)
                .push_next(&mut size);
        }
        let info = vk::ComputePipelineCreateInfo::default()
            .stage(stage)
            .layout(layout.pipeline);
        // SAFETY: naga validated the code, and all structures live until the call returns.
        let raw = unsafe {
            device
                .raw
                .create_compute_pipelines(driver_cache.raw, &[info], None)
        }
        .map_err(|(_, result)| Error::Driver {
            call: "vkCreateComputePipelines",
            result,
        })?[0];
        // SAFETY: the cache is live.
        let data =
            unsafe { device.raw.get_pipeline_cache_data(driver_cache.raw) }.unwrap_or_default();
        if data != stored {
            cache.store(&key, "pipeline", &data);
        }
        Ok(Self {
            raw,
            layout: layout.clone(),
            compile: started.elapsed(),
            device: device.clone(),
        })
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // SAFETY: whoever drops it made sure that no lease runs it.
        unsafe { self.device.raw.destroy_pipeline(self.raw, None) };
    }
}

struct Module<'a> {
    raw: vk::ShaderModule,
    device: &'a Device,
}

impl<'a> Module<'a> {
    fn new(device: &'a Device, spirv: &[u32]) -> Result<Self, Error> {
        let info = vk::ShaderModuleCreateInfo::default().code(spirv);
        // SAFETY: naga validated the code.
        let raw =
            unsafe { device.raw.create_shader_module(&info, None) }.vk("vkCreateShaderModule")?;
        Ok(Self { raw, device })
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        // SAFETY: a pipeline doesn't need its module once it is made.
        unsafe { self.device.raw.destroy_shader_module(self.raw, None) };
    }
}

struct DriverCache<'a> {
    raw: vk::PipelineCache,
    device: &'a Device,
}

impl<'a> DriverCache<'a> {
    fn new(device: &'a Device, data: &[u8]) -> Result<Self, Error> {
        let info = vk::PipelineCacheCreateInfo::default().initial_data(data);
        // SAFETY: the driver checks the data's header.
        let raw =
            unsafe { device.raw.create_pipeline_cache(&info, None) }.vk("vkCreatePipelineCache")?;
        Ok(Self { raw, device })
    }
}

impl Drop for DriverCache<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else has it.
        unsafe { self.device.raw.destroy_pipeline_cache(self.raw, None) };
    }
}
