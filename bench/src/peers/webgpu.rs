//! Peer (c): the crate wgpu on its Vulkan backend. Its command buffers can't be submitted twice, so
//! each submit is encoded anew, and it puts a barrier between dispatches that write the same buffer:
//! both are what its user pays. Arguments are not rewritten and results are not mapped per job,
//! which would cost it more.

use super::TINY;
use crate::clock::now_ns;
use crate::vulkan::{Device, Waiting};
use crate::Fallible;
use wgpu::util::DeviceExt;

const ARGS: [u32; 2] = [0x0bad_cafe, 0x1234_5678];

pub struct Webgpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    results: wgpu::Buffer,
}

impl Webgpu {
    /// Opens wgpu on the same physical device as the plain peers.
    pub fn new(same: &Device) -> Fallible<Webgpu> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::VULKAN;
        descriptor.flags = wgpu::InstanceFlags::empty();
        let instance = wgpu::Instance::new(descriptor);
        let adapter = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN))
            .into_iter()
            .find(|adapter| {
                let info = adapter.get_info();
                info.vendor == same.vendor_id
                    && info.device == same.device_id
                    && info.name == same.name
            })
            .ok_or_else(|| format!("wgpu does not offer the device {}", same.name))?;
        let (device, queue) =
            pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
                required_limits: adapter.limits(),
                ..Default::default()
            }))?;

        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(TINY.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let args = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &bytes(ARGS),
            usage: wgpu::BufferUsages::STORAGE,
        });
        let results = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 8,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: args.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: results.as_entire_binding(),
                },
            ],
        });
        Ok(Webgpu {
            device,
            queue,
            pipeline,
            group,
            results,
        })
    }

    /// `jobs` dispatches encoded, submitted and waited for: nanoseconds of the whole.
    pub fn run(&self, jobs: u32, waiting: Waiting) -> Fallible<u64> {
        let begin = now_ns();
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &self.group, &[]);
            for _ in 0..jobs {
                pass.dispatch_workgroups(1, 1, 1);
            }
        }
        self.queue.submit([encoder.finish()]);
        self.wait(waiting)?;
        Ok(now_ns() - begin)
    }

    /// Copies the results out and compares them.
    pub fn verify(&self) -> Fallible<()> {
        let copy = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 8,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&self.results, 0, &copy, 0, 8);
        self.queue.submit([encoder.finish()]);
        copy.slice(..).map_async(wgpu::MapMode::Read, |_| ());
        self.wait(Waiting::Block)?;
        let found = copy.slice(..).get_mapped_range()?.to_vec();
        if found != bytes(ARGS) {
            return Err(format!("wgpu: wrong results {found:?}").into());
        }
        Ok(())
    }

    fn wait(&self, waiting: Waiting) -> Fallible<()> {
        match waiting {
            Waiting::Block => {
                self.device.poll(wgpu::PollType::wait_indefinitely())?;
            }
            Waiting::Spin => while !self.device.poll(wgpu::PollType::Poll)?.is_queue_empty() {},
        }
        Ok(())
    }
}

fn bytes(words: [u32; 2]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
