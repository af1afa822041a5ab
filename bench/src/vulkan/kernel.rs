//! WGSL to a compute pipeline with one descriptor set of storage buffers, bound in their order.
//! The SPIR-V is naga's without any of its guards: no bounds checks, no bounded loops.

use super::{Buffer, Device};
use crate::Fallible;
use ash::vk;
use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use std::rc::Rc;

pub struct Kernel {
    device: Rc<Device>,
    set_layout: vk::DescriptorSetLayout,
    pool: vk::DescriptorPool,
    pub set: vk::DescriptorSet,
    pub layout: vk::PipelineLayout,
    pub pipeline: vk::Pipeline,
}

/// WGSL with one entry point `main` to SPIR-V words.
pub fn compile(wgsl: &str) -> Fallible<Vec<u32>> {
    let module = naga::front::wgsl::parse_str(wgsl).map_err(|e| e.emit_to_string(wgsl))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .map_err(|e| e.emit_to_string(wgsl))?;
    let options = spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: naga::proc::BoundsCheckPolicies::default(),
        force_loop_bounding: false,
        ..Default::default()
    };
    Ok(spv::write_vec(&module, &info, &options, None)?)
}

impl Kernel {
    /// With `cache`, the pipeline is made through it.
    pub fn new(
        device: &Rc<Device>,
        spirv: &[u32],
        buffers: &[&Buffer],
        cache: vk::PipelineCache,
    ) -> Fallible<Kernel> {
        let raw = &device.raw;
        // SAFETY: the handles come from this device, and the arrays that the structs point to
        // outlive the calls. naga has validated the module.
        unsafe {
            let bindings: Vec<_> = (0..buffers.len() as u32)
                .map(|binding| {
                    vk::DescriptorSetLayoutBinding::default()
                        .binding(binding)
                        .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                        .descriptor_count(1)
                        .stage_flags(vk::ShaderStageFlags::COMPUTE)
                })
                .collect();
            let set_layout = raw.create_descriptor_set_layout(
                &vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings),
                None,
            )?;
            let set_layouts = [set_layout];
            let layout = raw.create_pipeline_layout(
                &vk::PipelineLayoutCreateInfo::default().set_layouts(&set_layouts),
                None,
            )?;
            let sizes = [vk::DescriptorPoolSize::default()
                .ty(vk::DescriptorType::STORAGE_BUFFER)
                .descriptor_count(buffers.len() as u32)];
            let pool = raw.create_descriptor_pool(
                &vk::DescriptorPoolCreateInfo::default()
                    .max_sets(1)
                    .pool_sizes(&sizes),
                None,
            )?;
            let set = raw.allocate_descriptor_sets(
                &vk::DescriptorSetAllocateInfo::default()
                    .descriptor_pool(pool)
                    .set_layouts(&set_layouts),
            )?[0];
            for (binding, buffer) in buffers.iter().enumerate() {
                let range = [vk::DescriptorBufferInfo::default()
                    .buffer(buffer.raw)
                    .range(vk::WHOLE_SIZE)];
                let write = vk::WriteDescriptorSet::default()
                    .dst_set(set)
                    .dst_binding(binding as u32)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .buffer_info(&range);
                raw.update_descriptor_sets(&[write], &[]);
            }
            let module =
                raw.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(spirv), None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main");
            let info = vk::ComputePipelineCreateInfo::default()
                .flags(vk::PipelineCreateFlags::DISPATCH_BASE)
                .stage(stage)
                .layout(layout);
            let made = raw.create_compute_pipelines(cache, &[info], None);
            raw.destroy_shader_module(module, None);
            let pipeline = made.map_err(|(_, error)| error)?[0];
            Ok(Kernel {
                device: device.clone(),
                set_layout,
                pool,
                set,
                layout,
                pipeline,
            })
        }
    }

    /// Records the binding of pipeline and buffers, for all dispatches that follow.
    pub fn bind(&self, commands: vk::CommandBuffer) {
        // SAFETY: `commands` is being recorded, and belongs to the device of this kernel.
        unsafe {
            let raw = &self.device.raw;
            let point = vk::PipelineBindPoint::COMPUTE;
            raw.cmd_bind_pipeline(commands, point, self.pipeline);
            raw.cmd_bind_descriptor_sets(commands, point, self.layout, 0, &[self.set], &[]);
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // SAFETY: the peers wait for their fence before they drop what a dispatch uses.
        unsafe {
            let raw = &self.device.raw;
            raw.destroy_pipeline(self.pipeline, None);
            raw.destroy_pipeline_layout(self.layout, None);
            raw.destroy_descriptor_pool(self.pool, None);
            raw.destroy_descriptor_set_layout(self.set_layout, None);
        }
    }
}
