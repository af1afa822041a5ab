//! Peer (a): one dispatch, one submit, one fence per job. The command buffer is recorded once, the
//! arguments and results are in memory that stays mapped, so a job is: two stores, vkQueueSubmit,
//! the fence, two loads.

use super::TINY;
use crate::clock::now_ns;
use crate::stats::{quickest, Samples};
use crate::vulkan::{compile, host_barrier, Buffer, Commands, Device, Kernel, Place, Waiting};
use crate::Fallible;
use ash::vk;
use std::rc::Rc;

pub struct OneDispatch {
    commands: Commands,
    args: Buffer,
    results: Buffer,
    _kernel: Kernel,
    next: u32,
}

impl OneDispatch {
    pub fn new(device: &Rc<Device>) -> Fallible<OneDispatch> {
        Self::with_cache(device, vk::PipelineCache::null())
    }

    pub fn with_cache(device: &Rc<Device>, cache: vk::PipelineCache) -> Fallible<OneDispatch> {
        let args = Buffer::new(device, 2, Place::Host)?;
        let results = Buffer::new(device, 2, Place::Host)?;
        let kernel = Kernel::new(device, &compile(TINY)?, &[&args, &results], cache)?;
        let commands = Commands::new(device, |raw, commands| {
            kernel.bind(commands);
            // SAFETY: recording on the kernel's device.
            unsafe { raw.cmd_dispatch(commands, 1, 1, 1) };
            host_barrier(raw, commands);
        })?;
        Ok(OneDispatch {
            commands,
            args,
            results,
            _kernel: kernel,
            next: 1,
        })
    }

    /// One job there and back: its nanoseconds.
    pub fn round_trip(&mut self, waiting: Waiting) -> Fallible<u64> {
        let (a, b) = (self.next, self.next.wrapping_mul(2_654_435_761));
        self.next = self.next.wrapping_add(1);
        let begin = now_ns();
        self.args.write(0, a);
        self.args.write(1, b);
        self.commands.run(waiting)?;
        let answer = (self.results.read(0), self.results.read(1));
        let end = now_ns();
        if answer != (a, b) {
            return Err(format!("submit + fence: {answer:?} instead of {:?}", (a, b)).into());
        }
        Ok(end - begin)
    }
}

/// Round trips of both ways to wait; the better one is the peer.
#[derive(Default)]
pub struct FenceSamples {
    spin: Samples,
    block: Samples,
    rounds: Vec<[f64; 2]>,
}

impl FenceSamples {
    /// `count` round trips with each way, as one round.
    pub fn measure(&mut self, peer: &mut OneDispatch, count: usize) -> Fallible<()> {
        let mut round = [Samples::new(), Samples::new()];
        for (index, waiting) in [Waiting::Spin, Waiting::Block].into_iter().enumerate() {
            for _ in 0..count {
                round[index].push(peer.round_trip(waiting)? as f64);
            }
        }
        self.rounds.push([round[0].median(), round[1].median()]);
        self.spin.extend(&round[0]);
        self.block.extend(&round[1]);
        Ok(())
    }

    /// The samples of the better way, its name, and its median in each round.
    pub fn best(&self) -> (&Samples, &'static str, Vec<f64>) {
        let best = quickest(&[&self.spin, &self.block]);
        (
            [&self.spin, &self.block][best],
            ["spin", "block"][best],
            self.rounds.iter().map(|round| round[best]).collect(),
        )
    }

    pub fn spin(&self) -> &Samples {
        &self.spin
    }

    pub fn block(&self) -> &Samples {
        &self.block
    }
}
