//! saxpy over 64 MiB: what a resident kernel loses, or not, against one plain dispatch.

use super::Part;
use crate::api::{self, Job};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::peers::saxpy::{Arrays, Form, PlainSaxpy};
use crate::rota::{expect_ok, Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::vulkan::Waiting;
use crate::Fallible;

pub const PART: Part = Part {
    name: "bandwidth",
    what:
        "y = alpha * x + y over 16 Mi floats: x is 64 MiB and y is 64 MiB, 192 MiB are moved (12 \
           bytes per element), and GB/s counts those. rota: one tiled job with rota_tiles() tiles, \
           submitted and awaited by rota_wait with ROTA_WAIT_BLOCK. plain: one dispatch over all \
           elements by pre-recorded command buffer, submit and fence, unchecked, free to use all \
           cores. All forms are tried first, blocking and spinning; then the best form of the same \
           loop (one float per iteration) takes turns with Rota, and the ratio is the median over \
           the rounds of (plain time / rota time). plain_vec4 is the best form that moves four \
           floats per iteration: not the same loop, shown for comparison. All of y is compared for \
           Rota, samples of it for the plain forms.",
    run,
};

const COUNT: u32 = 16 << 20;
const BYTES_MOVED: f64 = COUNT as f64 * 12.0;
/// Products and sums of these stay exact in f32, so results are compared for equality.
const ALPHA: f32 = 2.0;

fn run(context: &Context) -> Fallible<Object> {
    let arrays = Arrays::new(&context.device, COUNT, ALPHA)?;
    let trials = context.rounds(3);
    let rounds = context.rounds(12);
    let forms = Form::all(context.device.subgroup_size);
    let progress = Progress::new("bandwidth", forms.len() + rounds);
    let mut object = Object::new();

    let mut best = [None::<(f64, PlainSaxpy, Waiting)>, None];
    for (done, form) in forms.into_iter().enumerate() {
        let plain = PlainSaxpy::new(&arrays, form)?;
        let mut fastest = (f64::MAX, Waiting::Block);
        // Two runs for warming up, among them the driver's compile.
        let mut runs = 2;
        arrays.reset()?;
        (0..2).try_for_each(|_| plain.run(Waiting::Block).map(drop))?;
        for waiting in [Waiting::Block, Waiting::Spin] {
            let mut samples = Samples::new();
            for _ in 0..trials {
                samples.push(plain.run(waiting)? as f64);
                runs += 1;
            }
            if samples.median() < fastest.0 {
                fastest = (samples.median(), waiting);
            }
        }
        arrays.verify(runs)?;
        put(
            &mut object,
            &format!("plain_{}_gb_per_s", form.name()),
            BYTES_MOVED / fastest.0,
        );
        let slot = &mut best[usize::from(form.vec4)];
        if slot.as_ref().is_none_or(|(ns, _, _)| fastest.0 < *ns) {
            *slot = Some((fastest.0, plain, fastest.1));
        }
        progress.step(done + 1);
    }
    let [Some((_, plain, waiting)), Some((vec4_ns, _, _))] = best else {
        return Err("no form of saxpy was measured".into());
    };
    object.insert("plain_best_form".into(), plain.form.name().into());
    object.insert(
        "plain_best_way".into(),
        if waiting == Waiting::Block {
            "block"
        } else {
            "spin"
        }
        .into(),
    );
    put(&mut object, "plain_vec4_gb_per_s", BYTES_MOVED / vec4_ns);

    let runtime = context.runtime()?;
    let mut rota = runtime.as_ref().map(RotaSaxpy::new).transpose()?;
    let (mut plain_rate, mut rota_rate) = (Samples::new(), Samples::new());
    let (mut ratio, mut vec4_ratio) = (Samples::new(), Samples::new());
    for round in 0..rounds {
        if let Some(runtime) = &runtime {
            runtime.wait_parked()?;
        }
        let plain_ns = plain.run(waiting)? as f64;
        plain_rate.push(BYTES_MOVED / plain_ns);
        if let Some(rota) = &mut rota {
            let rota_ns = rota.run()? as f64;
            rota_rate.push(BYTES_MOVED / rota_ns);
            ratio.push(plain_ns / rota_ns);
            vec4_ratio.push(vec4_ns / rota_ns);
        }
        progress.step(8 + round + 1);
    }
    plain_rate.write_figure(&mut object, "plain_gb_per_s");
    if let Some(rota) = &rota {
        rota.verify()?;
        ratio.write_figure(&mut object, "saxpy_ratio");
        put(&mut object, "saxpy_to_vec4_ratio", vec4_ratio.median());
        rota_rate.write_figure(&mut object, "rota_gb_per_s");
        object.insert("rota_tiles".into(), rota.job.tiles.into());
    }
    Ok(object)
}

struct RotaSaxpy<'l> {
    tenant: Tenant<'l>,
    job: Job,
    y: u32,
    runs: u32,
}

impl<'l> RotaSaxpy<'l> {
    fn new(runtime: &Runtime<'l>) -> Fallible<RotaSaxpy<'l>> {
        let tenant = runtime.tenant("bandwidth", 0)?;
        let x = tenant.buffer(u64::from(COUNT) * 4)?;
        let y = tenant.buffer(u64::from(COUNT) * 4)?;
        let values: Vec<f32> = (0..COUNT).map(|at| (at & 255) as f32).collect();
        tenant.write(x, &values)?;
        tenant.write(y, &vec![0.0_f32; COUNT as usize])?;
        let tiles = tenant.tiles(api::OP_SAXPY_F32, u64::from(COUNT));
        let args = [x, 0, y, 0, COUNT, ALPHA.to_bits()];
        let mut saxpy = RotaSaxpy {
            tenant,
            job: api::tiled(api::OP_SAXPY_F32, tiles, &args),
            y,
            runs: 0,
        };
        (0..2).try_for_each(|_| saxpy.run().map(drop))?;
        Ok(saxpy)
    }

    fn run(&mut self) -> Fallible<u64> {
        let begin = now_ns();
        let ticket = self.tenant.submit_one(&self.job)?;
        let completion = self.tenant.wait(ticket, api::WAIT_BLOCK)?;
        let nanoseconds = now_ns() - begin;
        expect_ok(&completion)?;
        self.runs += 1;
        Ok(nanoseconds)
    }

    fn verify(&self) -> Fallible<()> {
        let mut y = vec![0.0_f32; COUNT as usize];
        self.tenant.read(self.y, &mut y)?;
        for (at, found) in y.iter().enumerate() {
            let expected = (at & 255) as f32 * ALPHA * self.runs as f32;
            if *found != expected {
                return Err(format!("rota saxpy: y[{at}] is {found}, not {expected}").into());
            }
        }
        Ok(())
    }
}
