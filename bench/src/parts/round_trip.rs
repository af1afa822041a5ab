//! One scalar job there and back, for Rota and for the ways of today.

use super::Part;
use crate::api::{self, Completion};
use crate::clock::{now_ns, reading_cost_ns};
use crate::context::{Context, Progress};
use crate::one_core::OneCore;
use crate::peers::fence::{FenceSamples, OneDispatch};
use crate::peers::webgpu::Webgpu;
use crate::rota::{expect_echo, Tenant};
use crate::stats::{put, quickest, Object, Samples};
use crate::vulkan::Waiting;
use crate::Fallible;

pub const PART: Part = Part {
    name: "round_trip",
    what: "One tiny job (two words in, the same two words out), one at a time, from before the \
           submit until the caller has read the result. fence: pre-recorded command buffer, \
           vkQueueSubmit, fence; spinning on vkGetFenceStatus and blocking in vkWaitForFences were \
           both measured, and the better by median is the peer. rota: rota_submit of one NOP job \
           and rota_poll with ROTA_WAIT_SPIN; rota_wait: the same with rota_wait. wgpu: encode, \
           submit and wait; its results are not mapped, which would cost it more. All take turns in \
           every round; the ratio is the median over the rounds of (fence p50 / rota p50). \
           fence_one_core and ratio_one_core: the same fence peer with all threads, the driver's \
           too, kept on one core, where waking the next thread is cheapest. \
           rota_paced: jobs sent every 20 us, counted from the moment they should have been sent, so \
           that one long wait counts for all that it delays.",
    run,
};

/// Time between two paced jobs: far above a round trip, far below the idle limit.
const PACE_NS: u64 = 20_000;

fn run(context: &Context) -> Fallible<Object> {
    let mut fence_peer = OneDispatch::new(&context.device)?;
    let webgpu = Webgpu::new(&context.device)?;
    let runtime = context.runtime()?;
    let tenant = runtime
        .as_ref()
        .map(|runtime| runtime.tenant("round_trip", 0))
        .transpose()?;

    let rounds = context.rounds(60);
    let mut fence = FenceSamples::default();
    let mut fence_one_core = FenceSamples::default();
    let mut wgpu = [Samples::new(), Samples::new()];
    let (mut poll, mut wait, mut paced) = (Samples::new(), Samples::new(), Samples::new());
    let mut poll_rounds = Vec::new();
    let progress = Progress::new("round_trip", rounds);
    // What is run first warms up driver and caches, and isn't counted.
    FenceSamples::default().measure(&mut fence_peer, 200)?;
    (0..100).try_for_each(|_| webgpu.run(1, Waiting::Block).map(drop))?;

    for round in 0..rounds {
        if let Some(runtime) = &runtime {
            runtime.wait_parked()?;
        }
        fence.measure(&mut fence_peer, 200)?;
        {
            let _pinned = OneCore::enter()?;
            fence_one_core.measure(&mut fence_peer, 200)?;
        }
        for (samples, waiting) in wgpu.iter_mut().zip([Waiting::Spin, Waiting::Block]) {
            for _ in 0..100 {
                samples.push(webgpu.run(1, waiting)? as f64);
            }
        }
        if let Some(tenant) = &tenant {
            by_poll(tenant, 500)?;
            let mut this = Samples::new();
            (0..2000).try_for_each(|_| by_poll(tenant, 1).map(|ns| this.push(ns)))?;
            poll_rounds.push(this.median());
            poll.extend(&this);
            (0..1000).try_for_each(|_| by_wait(tenant).map(|ns| wait.push(ns)))?;
            by_pace(tenant, 500, &mut paced)?;
        }
        progress.step(round + 1);
    }
    webgpu.verify()?;

    let mut object = Object::new();
    let (best, way, fence_rounds) = fence.best();
    let (best_one_core, _, one_core_rounds) = fence_one_core.best();
    if runtime.is_some() {
        for (key, rounds) in [
            ("ratio", &fence_rounds),
            ("ratio_one_core", &one_core_rounds),
        ] {
            let mut ratio = Samples::new();
            for (fence, rota) in rounds.iter().zip(&poll_rounds) {
                ratio.push(fence / rota);
            }
            ratio.write_figure(&mut object, key);
        }
        poll.write_events(&mut object, "rota", "ns");
        wait.write_events(&mut object, "rota_wait", "ns");
        paced.write_events(&mut object, "rota_paced", "ns");
        put(&mut object, "rota_paced_max_ns", paced.max());
    }
    best.write_events(&mut object, "fence", "ns");
    object.insert("fence_way".into(), way.into());
    best_one_core.write_events(&mut object, "fence_one_core", "ns");
    put(&mut object, "fence_spin_p50_ns", fence.spin().median());
    put(&mut object, "fence_block_p50_ns", fence.block().median());
    let best = quickest(&[&wgpu[0], &wgpu[1]]);
    wgpu[best].write_events(&mut object, "wgpu", "ns");
    object.insert("wgpu_way".into(), ["spin", "block"][best].into());
    put(&mut object, "clock_pair_p50_ns", reading_cost_ns());
    Ok(object)
}

/// `count` jobs one after the other: nanoseconds of the last.
fn by_poll(tenant: &Tenant, count: u32) -> Fallible<f64> {
    let mut nanoseconds = 0;
    for _ in 0..count {
        let begin = now_ns();
        let mut job = api::scalar(api::OP_NOP, begin as u32, 0);
        job.user_data = begin;
        let mut completion = [Completion::default()];
        tenant.submit_one(&job)?;
        while tenant.poll(&mut completion, api::WAIT_SPIN, api::FOREVER)? == 0 {}
        nanoseconds = now_ns() - begin;
        expect_echo(&completion[0])?;
    }
    Ok(nanoseconds as f64)
}

fn by_wait(tenant: &Tenant) -> Fallible<f64> {
    let begin = now_ns();
    let mut job = api::scalar(api::OP_NOP, begin as u32, 0);
    job.user_data = begin;
    let ticket = tenant.submit_one(&job)?;
    let completion = tenant.wait(ticket, api::WAIT_SPIN)?;
    let nanoseconds = now_ns() - begin;
    expect_echo(&completion)?;
    Ok(nanoseconds as f64)
}

/// Jobs at fixed times, whether or not the one before was late.
fn by_pace(tenant: &Tenant, count: u64, samples: &mut Samples) -> Fallible<()> {
    let start = now_ns() + PACE_NS;
    for index in 0..count {
        let intended = start + index * PACE_NS;
        while now_ns() < intended {
            std::hint::spin_loop();
        }
        by_poll(tenant, 1)?;
        samples.push((now_ns() - intended) as f64);
    }
    Ok(())
}
