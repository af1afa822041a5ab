//! Peer of the bandwidth part: saxpy as one plain dispatch over all elements, in several forms of the
//! same loop, unchecked, free to use all cores.

use crate::clock::now_ns;
use crate::vulkan::{
    compile, host_barrier, shader_barrier, Buffer, Commands, Device, Kernel, Place, Waiting,
};
use crate::Fallible;
use ash::vk;
use std::rc::Rc;

/// How the elements are laid over workgroups, lanes and iterations.
#[derive(Clone, Copy)]
pub struct Form {
    pub lanes: u32,
    pub iterations: u32,
    /// Four floats per element of the loop.
    pub vec4: bool,
}

impl Form {
    /// The usual forms, and loops in workgroups of one subgroup.
    pub fn all(subgroup: u32) -> Vec<Form> {
        let form = |lanes, iterations, vec4| Form {
            lanes,
            iterations,
            vec4,
        };
        vec![
            form(64, 1, false),
            form(256, 1, false),
            form(64, 16, false),
            form(subgroup, (1024 / subgroup).max(1), false),
            form(subgroup, 1024, false),
            form(subgroup, 8192, false),
            form(64, 16, true),
            form(subgroup, 1024, true),
        ]
    }

    pub fn name(self) -> String {
        let element = if self.vec4 { "vec4" } else { "float" };
        format!(
            "workgroups_of_{}_loop_of_{}_{element}",
            self.lanes, self.iterations
        )
    }

    fn floats_per_group(self) -> u32 {
        self.lanes * self.iterations * if self.vec4 { 4 } else { 1 }
    }
}

/// The arrays, in device memory; the same for all forms.
pub struct Arrays {
    device: Rc<Device>,
    x: Buffer,
    y: Buffer,
    count: u32,
    alpha: f32,
}

impl Arrays {
    /// `count` floats each: x[i] = i mod 256 and y[i] = 0.
    pub fn new(device: &Rc<Device>, count: u32, alpha: f32) -> Fallible<Arrays> {
        let arrays = Arrays {
            device: device.clone(),
            x: Buffer::new(device, count as usize, Place::Device)?,
            y: Buffer::new(device, count as usize, Place::Device)?,
            count,
            alpha,
        };
        arrays.reset()?;
        Ok(arrays)
    }

    /// Writes the arrays' first contents again.
    pub fn reset(&self) -> Fallible<()> {
        let text = include_str!("../kernels/saxpy_input.wgsl");
        let (commands, _keep) = self.dispatch(text, 64)?;
        commands.run(Waiting::Block)
    }

    /// Reads y[at] back through a copy.
    fn y(&self, at: u32) -> Fallible<f32> {
        let word = Buffer::new(&self.device, 1, Place::Host)?;
        let commands = Commands::new(&self.device, |raw, commands| {
            shader_barrier(raw, commands);
            let region = [vk::BufferCopy::default()
                .src_offset(u64::from(at) * 4)
                .size(4)];
            // SAFETY: recording on the buffers' device; one word within both.
            unsafe { raw.cmd_copy_buffer(commands, self.y.raw, word.raw, &region) };
            host_barrier(raw, commands);
        })?;
        commands.run(Waiting::Block)?;
        Ok(f32::from_bits(word.read(0)))
    }

    /// Checks samples over the whole of y after `runs` runs of saxpy.
    pub fn verify(&self, runs: u32) -> Fallible<()> {
        let step = self.count / 97;
        for at in (0..self.count).step_by(step as usize) {
            let expected = (at & 255) as f32 * self.alpha * runs as f32;
            let found = self.y(at)?;
            if found != expected {
                return Err(format!("plain saxpy: y[{at}] is {found}, not {expected}").into());
            }
        }
        Ok(())
    }

    fn dispatch(&self, wgsl: &str, floats: u32) -> Fallible<(Commands, (Kernel, Buffer))> {
        let groups = self.count / floats;
        let row = groups.min(self.device.max_groups_x).min(1 << 15);
        if groups * floats != self.count || !groups.is_multiple_of(row) {
            return Err(format!("{} floats do not fit {floats} a workgroup", self.count).into());
        }
        let params = Buffer::new(&self.device, 2, Place::Host)?;
        params.write(0, self.alpha.to_bits());
        params.write(1, row);
        let kernel = Kernel::new(
            &self.device,
            &compile(wgsl)?,
            &[&self.x, &self.y, &params],
            vk::PipelineCache::null(),
        )?;
        let commands = Commands::new(&self.device, |raw, commands| {
            kernel.bind(commands);
            // SAFETY: recording on the kernel's device, within its limits.
            unsafe { raw.cmd_dispatch(commands, row, groups / row, 1) };
            host_barrier(raw, commands);
        })?;
        Ok((commands, (kernel, params)))
    }
}

/// One form, recorded.
pub struct PlainSaxpy {
    pub form: Form,
    commands: Commands,
    _keep: (Kernel, Buffer),
}

impl PlainSaxpy {
    pub fn new(arrays: &Arrays, form: Form) -> Fallible<PlainSaxpy> {
        let text = include_str!("../kernels/saxpy.wgsl")
            .replace("LANES", &format!("{}u", form.lanes))
            .replace("LOOP", &format!("{}u", form.iterations))
            .replace("ELEMENT", if form.vec4 { "vec4<f32>" } else { "f32" });
        let (commands, keep) = arrays.dispatch(&text, form.floats_per_group())?;
        Ok(PlainSaxpy {
            form,
            commands,
            _keep: keep,
        })
    }

    /// One run over all elements: its nanoseconds from submit to the fence.
    pub fn run(&self, waiting: Waiting) -> Fallible<u64> {
        let begin = now_ns();
        self.commands.run(waiting)?;
        Ok(now_ns() - begin)
    }
}
