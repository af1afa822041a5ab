//! Tiny jobs completed per second, one producer.

use super::Part;
use crate::api::{self, Completion, Job};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::one_core::OneCore;
use crate::peers::fence::{FenceSamples, OneDispatch};
use crate::peers::recorded::{Form, Recorded, DISPATCHES};
use crate::peers::webgpu::Webgpu;
use crate::rota::{expect_echo, Tenant};
use crate::stats::{Object, Samples};
use crate::vulkan::Waiting;
use crate::Fallible;

pub const PART: Part = Part {
    name: "throughput",
    what: "Tiny jobs completed per second. rota: one thread submits batches of 64 and polls up to 64 \
           completions in turn through the C API, so that the ring stays full; every answer is \
           compared. recorded: 1,000 dispatches recorded once in each of two command buffers that \
           take turns, so that one is always queued; five forms (vkCmdDispatch, vkCmdDispatchBase, \
           with memory barriers between the dispatches, vkCmdDispatchIndirect, that with barriers), \
           spinning and blocking, and the best of all is the peer. recorded_one_core and ratio_one_core: \
           the best form with all threads, the driver's too, kept on one core. wgpu_batched: 1,000 dispatches in \
           one pass and one submit, encoded each time. fence and wgpu_single: one job per submit. \
           All take turns in every round; ratios are medians over the rounds. tenants64: the same \
           thread goes round 64 tenants of a second runtime, all kept full.",
    run,
};

const BATCH: usize = 64;
const TENANTS: usize = 64;
/// How long one reading of Rota lasts.
const WINDOW_NS: u64 = 150_000_000;

fn run(context: &Context) -> Fallible<Object> {
    let mut recorded = Vec::new();
    for form in Form::ALL {
        recorded.push((Recorded::new(&context.device, form)?, form));
    }
    let mut fence_peer = OneDispatch::new(&context.device)?;
    let webgpu = Webgpu::new(&context.device)?;
    let narrow = context.runtime()?;
    let wide = context.runtime()?;
    let mut one = Vec::new();
    let mut many = Vec::new();
    if let (Some(narrow), Some(wide)) = (&narrow, &wide) {
        one.push(Client::new(narrow.tenant("alone", 0)?));
        for index in 0..TENANTS {
            many.push(Client::new(wide.tenant(&format!("tenant {index}"), 0)?));
        }
    }

    let rounds = context.rounds(12);
    let progress = Progress::new("throughput", rounds);
    let mut by_form: Vec<Samples> = vec![Samples::new(); recorded.len()];
    let (mut alone, mut shared) = (Samples::new(), Samples::new());
    let (mut ratio, mut tenants_ratio) = (Samples::new(), Samples::new());
    let (mut one_core_rate, mut ratio_one_core) = (Samples::new(), Samples::new());
    let (mut single, mut batched) = (Samples::new(), Samples::new());
    let mut fence = FenceSamples::default();
    for (peer, _) in &mut recorded {
        peer.jobs_per_second(2, Waiting::Block)?;
    }
    for round in 0..rounds {
        for runtime in [&narrow, &wide].into_iter().flatten() {
            runtime.wait_parked()?;
        }
        let mut best = 0.0_f64;
        for ((peer, _), samples) in recorded.iter_mut().zip(&mut by_form) {
            let blocking = peer.jobs_per_second(4, Waiting::Block)?;
            let spinning = peer.jobs_per_second(4, Waiting::Spin)?;
            samples.push(blocking.max(spinning));
            best = best.max(blocking).max(spinning);
        }
        let mut best_one_core = 0.0_f64;
        {
            let _pinned = OneCore::enter()?;
            for (peer, _) in &mut recorded {
                best_one_core = best_one_core.max(peer.jobs_per_second(4, Waiting::Block)?);
            }
        }
        one_core_rate.push(best_one_core);
        fence.measure(&mut fence_peer, 200)?;
        for _ in 0..100 {
            single.push(1e9 / webgpu.run(1, Waiting::Block)? as f64);
        }
        let batch = webgpu.run(DISPATCHES, Waiting::Block)?;
        batched.push(f64::from(DISPATCHES) * 1e9 / batch as f64);
        if let (Some(narrow), Some(wide)) = (&narrow, &wide) {
            // Turn about, so that a drift of the machine harms neither.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            let mut rate = [0.0; 2];
            for which in order {
                let clients = if which == 0 { &mut one } else { &mut many };
                rate[which] = jobs_per_second(clients)?;
                [narrow, wide][which].wait_parked()?;
            }
            alone.push(rate[0]);
            shared.push(rate[1]);
            ratio.push(rate[0] / best);
            ratio_one_core.push(rate[0] / best_one_core);
            tenants_ratio.push(rate[1] / rate[0]);
        }
        progress.step(round + 1);
    }
    webgpu.verify()?;

    let mut object = Object::new();
    if narrow.is_some() {
        ratio.write_figure(&mut object, "ratio");
        ratio_one_core.write_figure(&mut object, "ratio_one_core");
        tenants_ratio.write_figure(&mut object, "tenants64_ratio");
        alone.write_figure(&mut object, "rota_jobs_per_s");
        shared.write_figure(&mut object, "rota_tenants64_jobs_per_s");
    }
    let mut best = 0;
    for (index, (_, form)) in recorded.iter().enumerate() {
        by_form[index].write_figure(&mut object, &format!("recorded_{}_jobs_per_s", form.name()));
        if by_form[index].median() > by_form[best].median() {
            best = index;
        }
    }
    object.insert("recorded_best_form".into(), recorded[best].1.name().into());
    one_core_rate.write_figure(&mut object, "recorded_one_core_jobs_per_s");
    let mut per_submit = Samples::new();
    fence
        .best()
        .2
        .iter()
        .for_each(|ns| per_submit.push(1e9 / ns));
    per_submit.write_figure(&mut object, "fence_jobs_per_s");
    single.write_figure(&mut object, "wgpu_single_jobs_per_s");
    batched.write_figure(&mut object, "wgpu_batched_jobs_per_s");
    Ok(object)
}

/// One tenant and what its producer keeps for it.
pub struct Client<'l> {
    tenant: Tenant<'l>,
    jobs: [Job; BATCH],
    /// Jobs at the front of `jobs` that the ring had no room for.
    left: usize,
    sequence: u64,
    pub outstanding: u64,
}

impl<'l> Client<'l> {
    pub fn new(tenant: Tenant<'l>) -> Client<'l> {
        Client {
            tenant,
            jobs: [api::scalar(api::OP_NOP, 0, 0); BATCH],
            left: 0,
            sequence: 0,
            outstanding: 0,
        }
    }

    /// Submits what fits of one batch.
    pub fn submit(&mut self) -> Fallible<()> {
        if self.left == 0 {
            for job in &mut self.jobs {
                self.sequence += 1;
                job.user_data = self.sequence;
                job.args[0] = self.sequence as u32;
            }
            self.left = BATCH;
        }
        let mut tickets = [0; BATCH];
        let waiting = &self.jobs[BATCH - self.left..];
        let accepted = self.tenant.submit(waiting, &mut tickets)?;
        self.left -= accepted;
        self.outstanding += accepted as u64;
        Ok(())
    }

    /// Takes what is finished, up to a batch.
    pub fn poll(&mut self) -> Fallible<u64> {
        let mut done = [Completion::default(); BATCH];
        let count = self.tenant.poll(&mut done, api::WAIT_SPIN, 0)?;
        done[..count].iter().try_for_each(expect_echo)?;
        self.outstanding -= count as u64;
        Ok(count as u64)
    }
}

/// Keeps all rings full for the window, then drains them: jobs completed per second of the whole.
pub fn jobs_per_second(clients: &mut [Client]) -> Fallible<f64> {
    let mut completed = 0;
    let begin = now_ns();
    while now_ns() - begin < WINDOW_NS {
        for client in clients.iter_mut() {
            client.submit()?;
            completed += client.poll()?;
        }
    }
    for client in clients.iter_mut() {
        while client.outstanding > 0 {
            completed += client.poll()?;
        }
    }
    Ok(completed as f64 * 1e9 / (now_ns() - begin) as f64)
}
