//! From nothing to the first completion: cold, and with the caches of the run before.

use super::Part;
use crate::api::{self, Completion};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::peers::fence::OneDispatch;
use crate::rota::{self, expect_echo, Runtime};
use crate::stats::{Object, Samples};
use crate::vulkan::{Device, Waiting, Wanted};
use crate::Fallible;
use ash::vk;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

pub const PART: Part = Part {
    name: "open",
    what: "A child process per sample: from before rota_runtime_open, through a tenant and one NOP \
           job, until its completion. cold: with an empty cache directory of Rota's and an empty \
           shader cache of the driver's (MESA_SHADER_CACHE_DIR, XDG_CACHE_HOME). warm: another \
           process with what the cold one left behind. plain_cold and plain_warm: plain Vulkan from \
           the loader to the first result of the tiny job, with its own VkPipelineCache file. The \
           programs' own pages are in the file cache in all of them.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let samples = context.rounds(3);
    let progress = Progress::new("open", samples);
    let mut peers = vec![("plain", "plain_cold_ms", "plain_warm_ms")];
    if context.library.is_some() {
        peers.push(("rota", "cold_ms", "warm_ms"));
    }
    let mut times = vec![[Samples::new(), Samples::new()]; peers.len()];
    for sample in 0..samples {
        for ((peer, _, _), times) in peers.iter().zip(&mut times) {
            let caches = env::temp_dir().join(format!("rota-bench-{}-{peer}", std::process::id()));
            let _ = fs::remove_dir_all(&caches);
            fs::create_dir_all(&caches)?;
            let result = (0..3).try_for_each(|turn| -> Fallible<()> {
                times[usize::from(turn > 0)].push(spawn(context, peer, &caches)?);
                Ok(())
            });
            fs::remove_dir_all(&caches)?;
            result?;
        }
        progress.step(sample + 1);
    }
    let mut object = Object::new();
    for ((_, cold, warm), times) in peers.iter().zip(&times) {
        times[0].write_figure(&mut object, cold);
        times[1].write_figure(&mut object, warm);
    }
    Ok(object)
}

/// Runs this program again as `--child-open`: the milliseconds that it prints.
fn spawn(context: &Context, peer: &str, caches: &Path) -> Fallible<f64> {
    let output = Command::new(env::current_exe()?)
        .args(["--child-open", peer])
        .arg(caches)
        .args([&context.device.name, &context.device.driver_info])
        .env("ROTA_CACHE_DIR", caches.join("rota"))
        .env("MESA_SHADER_CACHE_DIR", caches.join("mesa"))
        .env("XDG_CACHE_HOME", caches.join("xdg"))
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim().parse::<u64>() {
        Ok(nanoseconds) if output.status.success() => Ok(nanoseconds as f64 / 1e6),
        _ => Err(format!("open of {peer} failed in its process: {}", output.status).into()),
    }
}

/// What the child does: peer, cache directory, device name, driver info. Prints nanoseconds.
pub fn child(args: &[String]) -> Fallible<()> {
    let [peer, caches, name, driver_info] = args else {
        return Err("--child-open takes four arguments".into());
    };
    let nanoseconds = match peer.as_str() {
        "rota" => open_rota()?,
        _ => {
            let wanted = Wanted {
                name: Some(name.clone()),
                driver_info: Some(driver_info.clone()),
            };
            open_plain(&wanted, &Path::new(caches).join("plain.bin"))?
        }
    };
    println!("{nanoseconds}");
    Ok(())
}

fn open_rota() -> Fallible<u64> {
    let library = rota::load()?;
    let begin = now_ns();
    let runtime = Runtime::open(&library, &rota::options())?;
    let tenant = runtime.tenant("open", 0)?;
    let mut job = api::scalar(api::OP_NOP, 7, 0);
    job.user_data = 7;
    tenant.submit_one(&job)?;
    let mut done = [Completion::default()];
    while tenant.poll(&mut done, api::WAIT_SPIN, api::FOREVER)? == 0 {}
    let nanoseconds = now_ns() - begin;
    expect_echo(&done[0])?;
    Ok(nanoseconds)
}

fn open_plain(wanted: &Wanted, file: &Path) -> Fallible<u64> {
    let begin = now_ns();
    let device = Device::open(wanted)?;
    let data = fs::read(file).unwrap_or_default();
    // SAFETY: the cache is destroyed below, after all that uses it; the driver checks the data.
    let cache = unsafe {
        let info = vk::PipelineCacheCreateInfo::default().initial_data(&data);
        device.raw.create_pipeline_cache(&info, None)?
    };
    let mut peer = OneDispatch::with_cache(&device, cache)?;
    peer.round_trip(Waiting::Block)?;
    let nanoseconds = now_ns() - begin;
    // SAFETY: as above.
    unsafe {
        fs::write(file, device.raw.get_pipeline_cache_data(cache)?)?;
        device.raw.destroy_pipeline_cache(cache, None);
    }
    Ok(nanoseconds)
}
