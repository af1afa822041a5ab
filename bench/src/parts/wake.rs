//! Waking a parked runtime.

use super::Part;
use crate::api::{self, Completion};
use crate::clock::{now_ns, sleep_us};
use crate::context::{Context, Progress};
use crate::peers::fence::{FenceSamples, OneDispatch};
use crate::rota::{expect_echo, Tenant};
use crate::stats::{put, quickest, Object, Samples};
use crate::vulkan::Waiting;
use crate::Fallible;

pub const PART: Part = Part {
    name: "wake",
    what: "One tiny job submitted to a parked runtime, from before rota_submit until the caller has \
           the completion; before each sample rota_runtime_get_info says parked, and another 300 us \
           pass. Spinning, blocking and adaptive waits take turns, and the best by median is \
           `rota`, as the better of spinning and blocking is the peer's. ratio: against submit + \
           fence back to back, the peer's best case. after_pause_ratio: against submit + fence after \
           the same pause, when its threads sleep too.",
    run,
};

const WAITS: [(u32, &str); 3] = [
    (api::WAIT_SPIN, "spin"),
    (api::WAIT_BLOCK, "block"),
    (api::WAIT_ADAPTIVE, "adaptive"),
];
const PAUSE_US: u64 = 300;

fn run(context: &Context) -> Fallible<Object> {
    let mut peer = OneDispatch::new(&context.device)?;
    let runtime = context.runtime()?;
    let tenant = runtime
        .as_ref()
        .map(|runtime| runtime.tenant("wake", 0))
        .transpose()?;
    let rounds = context.rounds(30);
    let progress = Progress::new("wake", rounds);
    let mut fence = FenceSamples::default();
    let mut paused = [Samples::new(), Samples::new()];
    let mut rota = [Samples::new(), Samples::new(), Samples::new()];
    let mut round_medians: [Vec<f64>; 3] = Default::default();
    FenceSamples::default().measure(&mut peer, 200)?;
    for round in 0..rounds {
        if let Some(runtime) = &runtime {
            runtime.wait_parked()?;
        }
        fence.measure(&mut peer, 100)?;
        for (samples, waiting) in paused.iter_mut().zip([Waiting::Spin, Waiting::Block]) {
            for _ in 0..10 {
                sleep_us(PAUSE_US);
                samples.push(peer.round_trip(waiting)? as f64);
            }
        }
        if let (Some(runtime), Some(tenant)) = (&runtime, &tenant) {
            for (index, (wait, _)) in WAITS.into_iter().enumerate() {
                let mut this = Samples::new();
                for _ in 0..10 {
                    runtime.wait_parked()?;
                    sleep_us(PAUSE_US);
                    this.push(wake(tenant, wait)?);
                }
                round_medians[index].push(this.median());
                rota[index].extend(&this);
            }
        }
        progress.step(round + 1);
    }

    let mut object = Object::new();
    let (best_fence, way, fence_rounds) = fence.best();
    let best_pause = quickest(&[&paused[0], &paused[1]]);
    if runtime.is_some() {
        let best = quickest(&[&rota[0], &rota[1], &rota[2]]);
        let mut ratio = Samples::new();
        for (rota, fence) in round_medians[best].iter().zip(&fence_rounds) {
            ratio.push(rota / fence);
        }
        ratio.write_figure(&mut object, "ratio");
        put(
            &mut object,
            "after_pause_ratio",
            rota[best].median() / paused[best_pause].median(),
        );
        rota[best].write_events(&mut object, "rota", "ns");
        object.insert("rota_way".into(), WAITS[best].1.into());
        for (samples, (_, name)) in rota.iter().zip(WAITS) {
            put(
                &mut object,
                &format!("rota_{name}_p50_ns"),
                samples.median(),
            );
        }
    }
    best_fence.write_events(&mut object, "fence", "ns");
    object.insert("fence_way".into(), way.into());
    paused[best_pause].write_events(&mut object, "fence_after_pause", "ns");
    Ok(object)
}

fn wake(tenant: &Tenant, wait: u32) -> Fallible<f64> {
    let begin = now_ns();
    let mut job = api::scalar(api::OP_NOP, begin as u32, 0);
    job.user_data = begin;
    let mut completion = [Completion::default()];
    tenant.submit_one(&job)?;
    while tenant.poll(&mut completion, wait, api::FOREVER)? == 0 {}
    let nanoseconds = now_ns() - begin;
    expect_echo(&completion[0])?;
    Ok(nanoseconds as f64)
}
