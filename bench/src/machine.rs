//! Where the figures come from: the report's head.

use crate::context::Context;
use crate::rota;
use crate::stats::Object;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Machine, device, driver and versions, in the order in which the report shows them.
pub fn describe(context: &Context) -> Object {
    let device = &context.device;
    let version = device.api_version;
    let mut object = Object::new();
    let mut put = |key: &str, value: String| object.insert(key.into(), value.into());
    put("cpu", cpu_model());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    put("cores", cores.to_string());
    put("kernel", line("/proc/sys/kernel/osrelease"));
    put("system", os_name());
    put("load_average_at_start", line("/proc/loadavg"));
    put("device", device.name.clone());
    put(
        "driver",
        format!("{} {}", device.driver, device.driver_info),
    );
    put(
        "vulkan",
        format!(
            "{}.{}.{}",
            (version >> 22) & 0x7f,
            (version >> 12) & 0x3ff,
            version & 0xfff
        ),
    );
    put("subgroup_size", device.subgroup_size.to_string());
    if let Some(library) = &context.library {
        put("rota", rota::version(library));
        put("library", library.path.clone());
    }
    for name in ["wgpu", "ash", "naga", "rusqlite"] {
        put(name, locked_version(name));
    }
    object
}

/// Seconds since 1970, UTC.
pub fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name"));
    model.and_then(|line| line.split_once(':')).map_or_else(
        || "unknown".to_string(),
        |(_, name)| name.trim().to_string(),
    )
}

fn os_name() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_string()
}

fn line(path: &str) -> String {
    fs::read_to_string(path)
        .map(|text| text.trim().to_string())
        .unwrap_or_default()
}

/// The version of a dependency that this program was built with.
fn locked_version(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{name}\""));
    lines
        .next()
        .and_then(|line| line.strip_prefix("version = "))
        .map_or_else(
            || "unknown".to_string(),
            |v| v.trim_matches('"').to_string(),
        )
}
