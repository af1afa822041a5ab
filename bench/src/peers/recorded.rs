//! Peer (b): 1,000 dispatches of the tiny job recorded once in one command buffer. Two such command
//! buffers take turns, so that the next one is queued while the device works on this one.

use super::TINY;
use crate::clock::now_ns;
use crate::vulkan::{
    compile, host_barrier, shader_barrier, Buffer, Commands, Device, Kernel, Place, Waiting,
};
use crate::Fallible;
use ash::vk;
use std::rc::Rc;

pub const DISPATCHES: u32 = 1000;

/// How the dispatches are recorded.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// vkCmdDispatch, the same job each time, free to overlap.
    Plain,
    /// vkCmdDispatchBase: each dispatch is a job of its own.
    Distinct,
    /// vkCmdDispatch with a memory barrier between neighbours.
    Barriers,
    /// vkCmdDispatchIndirect, the counts in a buffer.
    Indirect,
    /// vkCmdDispatchIndirect with a memory barrier between neighbours.
    IndirectBarriers,
}

impl Form {
    pub const ALL: [Form; 5] = [
        Form::Plain,
        Form::Distinct,
        Form::Barriers,
        Form::Indirect,
        Form::IndirectBarriers,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Form::Plain => "dispatch",
            Form::Distinct => "dispatch_base",
            Form::Barriers => "dispatch_barriers",
            Form::Indirect => "indirect",
            Form::IndirectBarriers => "indirect_barriers",
        }
    }

    fn barriers(self) -> bool {
        matches!(self, Form::Barriers | Form::IndirectBarriers)
    }
}

pub struct Recorded {
    commands: [Commands; 2],
    form: Form,
    args: Buffer,
    results: Buffer,
    _counts: Buffer,
    _kernel: Kernel,
    next: u32,
}

impl Recorded {
    pub fn new(device: &Rc<Device>, form: Form) -> Fallible<Recorded> {
        let args = Buffer::new(device, DISPATCHES as usize * 2, Place::Host)?;
        let results = Buffer::new(device, DISPATCHES as usize * 2, Place::Host)?;
        let counts = Buffer::new(device, 3, Place::Host)?;
        (0..3).for_each(|at| counts.write(at, 1));
        let kernel = Kernel::new(
            device,
            &compile(TINY)?,
            &[&args, &results],
            vk::PipelineCache::null(),
        )?;
        let record = |raw: &ash::Device, commands: vk::CommandBuffer| {
            kernel.bind(commands);
            for job in 0..DISPATCHES {
                // SAFETY: recording on the kernel's device; job numbers are in the buffers' range.
                unsafe {
                    match form {
                        Form::Plain | Form::Barriers => raw.cmd_dispatch(commands, 1, 1, 1),
                        Form::Distinct => raw.cmd_dispatch_base(commands, job, 0, 0, 1, 1, 1),
                        Form::Indirect | Form::IndirectBarriers => {
                            raw.cmd_dispatch_indirect(commands, counts.raw, 0)
                        }
                    }
                }
                if form.barriers() && job + 1 < DISPATCHES {
                    shader_barrier(raw, commands);
                }
            }
            host_barrier(raw, commands);
        };
        let commands = [
            Commands::new(device, record)?,
            Commands::new(device, record)?,
        ];
        Ok(Recorded {
            commands,
            form,
            args,
            results,
            _counts: counts,
            _kernel: kernel,
            next: 1,
        })
    }

    /// `submits` command buffers of 1,000 jobs, two at a time: jobs per second.
    pub fn jobs_per_second(&mut self, submits: usize, waiting: Waiting) -> Fallible<f64> {
        let first = self.next;
        self.next = self.next.wrapping_add(1);
        let words = DISPATCHES as usize * 2;
        (0..words).for_each(|at| self.args.write(at, first.wrapping_add(at as u32)));

        let begin = now_ns();
        self.commands[0].submit()?;
        for turn in 1..submits {
            self.commands[turn % 2].submit()?;
            self.commands[(turn - 1) % 2].wait(waiting)?;
        }
        self.commands[(submits - 1) % 2].wait(waiting)?;
        let seconds = (now_ns() - begin) as f64 / 1e9;

        let written = if self.form == Form::Distinct {
            words
        } else {
            2
        };
        for at in 0..written {
            if self.results.read(at) != first.wrapping_add(at as u32) {
                return Err(format!("recorded {}: word {at} is wrong", self.form.name()).into());
            }
        }
        Ok(submits as f64 * f64::from(DISPATCHES) / seconds)
    }
}
