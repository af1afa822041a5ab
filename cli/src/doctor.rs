//! `rota doctor`: the devices, the environment, and what the chosen device does when it is opened as a program opens it.

use std::time::{Duration, Instant};

use rota::ring::layout::{Record, Slot, TileState, EXTRA_RECORDS};
use rota::{
    completion_status, op, Completion, DeviceInfo, Error, Job, Mode, Runtime, RuntimeInfo,
    RuntimeOptions, Tenant, TenantOptions, Wait,
};
use serde_json::{json, Value};

use crate::args::Doctor;
use crate::environment::{Environment, Missing};
use crate::paper::{bytes, nanoseconds, print, thousands, Mark, Paper};
use crate::Failure;

/// Jobs that are sent one at a time, for the round trip.
const ROUND_TRIPS: usize = 1_000;
/// How long a job may take before the device counts as unusable. Some drivers compile the kernel when it is first
/// launched, which on a busy machine takes many seconds.
const PATIENCE_NS: u64 = 120_000_000_000;

const NO_ANSWER: &str = "the device did not answer a job within 2 minutes: the machine may be too busy, or the driver may \
     hang; try again, or another one with --device";

/// What a slot takes of the ring memory: itself, its records, and the device's words for its tiles.
const SLOT_BYTES: u64 = (size_of::<Slot>()
    + (1 + EXTRA_RECORDS as usize) * size_of::<Record>()
    + size_of::<TileState>()) as u64;

/// All that was found.
struct Findings {
    environment: Environment,
    /// What was asked for, by option or variable.
    wanted: Option<String>,
    devices: Vec<DeviceInfo>,
    opened: Option<Opened>,
    /// Why nothing can run here.
    problem: Option<String>,
    missing: Vec<Missing>,
}

/// The device at work.
struct Opened {
    info: RuntimeInfo,
    /// From the call that opens the runtime until a job's completion is in hand.
    first_completion: Duration,
    round_trip_p50: Duration,
}

/// Looks, prints, and fails if the device isn't usable.
pub fn run(options: &Doctor) -> Result<(), Failure> {
    let findings = look(options);
    if options.json {
        print(&format!("{:#}\n", findings.json()))?;
    } else {
        print(&findings.text())?;
    }
    match &findings.problem {
        None => Ok(()),
        Some(_) if options.json => Err(Failure::Silent),
        Some(problem) => Err(Failure::Said(problem.clone())),
    }
}

fn look(options: &Doctor) -> Findings {
    let from_environment = std::env::var("ROTA_DEVICE").ok().filter(|v| !v.is_empty());
    let wanted = options.device.clone().or(from_environment);
    let environment = Environment::look();
    let mut problem = None;
    let mut opened = None;
    let devices = rota::devices().unwrap_or_else(|e| {
        problem = Some(e.to_string());
        Vec::new()
    });
    if !devices.is_empty() {
        match open(options.device.clone()) {
            Ok(it) => opened = Some(it),
            Err(Error::Timeout) => problem = Some(NO_ANSWER.into()),
            Err(e) => problem = Some(e.to_string()),
        }
    }
    let missing = environment.missing(devices.len());
    Findings {
        environment,
        wanted,
        devices,
        opened,
        problem,
        missing,
    }
}

/// Opens the device and sends jobs through it, one at a time.
fn open(device: Option<String>) -> Result<Opened, Error> {
    let started = Instant::now();
    let runtime = Runtime::open(&RuntimeOptions {
        // That is for programs, one of which may have it.
        metrics_socket: Some("".into()),
        device,
        ..RuntimeOptions::default()
    })?;
    let tenant = runtime.create_tenant(&TenantOptions {
        label: "doctor".into(),
        slots: 0,
        ..TenantOptions::default()
    })?;
    echo(&tenant, 0)?;
    let first_completion = started.elapsed();
    let mut samples = Vec::with_capacity(ROUND_TRIPS);
    for n in 0..ROUND_TRIPS as u32 {
        let before = Instant::now();
        echo(&tenant, n)?;
        samples.push(before.elapsed());
    }
    samples.sort();
    tenant.destroy()?;
    // Leases are counted when they have ended.
    let patience = Instant::now();
    while !runtime.info().parked && patience.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(Opened {
        info: runtime.info(),
        first_completion,
        round_trip_p50: samples[ROUND_TRIPS / 2],
    })
}

/// One NOP there and back, its answer checked.
fn echo(tenant: &Tenant, n: u32) -> Result<(), Error> {
    let job = Job {
        opcode: op::NOP,
        args: [n, !n, 0, 0, 0, 0, 0, 0, 0, 0],
        ..Job::default()
    };
    tenant.submit(&[job], None).1?;
    let mut answer = [Completion::default()];
    tenant.poll(&mut answer, Wait::Spin, PATIENCE_NS)?;
    if answer[0].status != completion_status::OK || answer[0].results != [n, !n] {
        return Err(Error::WrongState(
            "the device answered a job wrongly: don't use it, or try --device with another",
        ));
    }
    Ok(())
}

impl Findings {
    fn text(&self) -> String {
        let mut paper = Paper::new();
        self.devices_text(&mut paper);
        if let Some(opened) = &self.opened {
            opened.text(&mut paper);
        }
        self.environment_text(&mut paper);
        self.missing_text(&mut paper);
        paper.head("verdict");
        let verdict = match &self.problem {
            None => paper.marked(Mark::Good, "usable"),
            Some(_) => paper.marked(Mark::Bad, "not usable"),
        };
        paper.plain(&verdict);
        paper.into_text()
    }

    fn devices_text(&self, paper: &mut Paper) {
        paper.head(&format!("rota {}", rota::VERSION));
        paper.head("devices");
        if self.devices.is_empty() {
            paper.plain("none");
        }
        for d in &self.devices {
            let chosen = self
                .opened
                .as_ref()
                .is_some_and(|o| o.info.device.index == d.index);
            let title = format!("{}{}", d.name, if chosen { "   <- opened" } else { "" });
            paper.line(&format!("[{}]", d.index), &title);
            paper.line("  kind", d.kind.name());
            paper.line("  driver", &driver(d));
            paper.line("  Vulkan", &api_version(d.api_version));
            paper.line("  subgroup size", &d.subgroup_size.to_string());
            paper.line("  memory", &bytes(d.memory_bytes));
            let suitable = match &d.unsuitable {
                None => paper.marked(Mark::Good, "yes"),
                Some(why) => format!("{}: {why}", paper.marked(Mark::Bad, "no")),
            };
            paper.line("  suitable", &suitable);
        }
    }

    fn environment_text(&self, paper: &mut Paper) {
        let e = &self.environment;
        paper.head("environment");
        for (name, value) in &e.variables {
            paper.line(name, value.as_deref().unwrap_or("not set"));
        }
        match &e.loader {
            Ok(path) => paper.line("Vulkan loader", &path.display().to_string()),
            Err(why) => paper.line(
                "Vulkan loader",
                &format!("{}: {why}", paper.marked(Mark::Bad, "not found")),
            ),
        }
        let mut files = String::new();
        for file in &e.driver_files {
            let there = if file.exists() { "" } else { " (not there)" };
            files += &format!("{}{there}\n", file.display());
        }
        paper.line(
            "driver files",
            if files.is_empty() { "none" } else { &files },
        );
        let path = |p: &Option<std::path::PathBuf>| {
            p.as_ref()
                .map_or("not found".into(), |p| p.display().to_string())
        };
        paper.line("validation layer", &path(&e.validation_layer));
        paper.line("spirv-val", &path(&e.spirv_val));
        paper.line("cache folder", &path(&e.cache.folder));
        match &e.cache.problem {
            Some(why) => {
                let note = paper.marked(Mark::Note, "nothing can be stored");
                paper.line("", &format!("{note}: {why}; every open compiles anew"));
            }
            None => paper.line(
                "",
                &format!("{} files, {}", e.cache.files, bytes(e.cache.bytes)),
            ),
        }
    }

    fn missing_text(&self, paper: &mut Paper) {
        if self.missing.is_empty() {
            return;
        }
        paper.head("missing");
        for m in &self.missing {
            let level = if m.required { "required" } else { "optional" };
            paper.line(
                level,
                &format!("{}, package {}: {}", m.what, m.package, m.purpose),
            );
        }
        let packages: Vec<_> = self.missing.iter().map(|m| m.package).collect();
        paper.line(
            "Debian, Ubuntu",
            &format!("apt install {}", packages.join(" ")),
        );
        if self.devices.is_empty() && self.environment.driver_files.iter().any(|f| !f.exists()) {
            let note = paper.marked(Mark::Note, "a driver file is named that is not there");
            paper.line(
                "or",
                &format!("{note}: correct or unset VK_DRIVER_FILES and VK_ICD_FILENAMES"),
            );
        }
    }

    fn json(&self) -> Value {
        let e = &self.environment;
        let variables: serde_json::Map<_, _> = e
            .variables
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect();
        let missing: Vec<_> = self
            .missing
            .iter()
            .map(|m| json!({"what": m.what, "package": m.package, "required": m.required, "purpose": m.purpose}))
            .collect();
        json!({
            "version": rota::VERSION,
            "usable": self.problem.is_none(),
            "problem": self.problem,
            "wanted": self.wanted,
            "devices": self.devices.iter().map(device_json).collect::<Vec<_>>(),
            "opened": self.opened.as_ref().map(Opened::json),
            "environment": {
                "variables": variables,
                "loader": e.loader.as_ref().ok(),
                "loader_problem": e.loader.as_ref().err(),
                "driver_files": e.driver_files,
                "validation_layer": e.validation_layer,
                "spirv_val": e.spirv_val,
                "cache": {
                    "folder": e.cache.folder,
                    "files": e.cache.files,
                    "bytes": e.cache.bytes,
                    "problem": e.cache.problem,
                },
            },
            "missing": missing,
        })
    }
}

impl Opened {
    fn text(&self, paper: &mut Paper) {
        let (info, probe) = (&self.info, &self.info.probe);
        paper.head(&format!("opened: {}", info.device.name));
        let live = match probe.live {
            true => paper.marked(Mark::Good, "works"),
            false => format!(
                "{}: jobs go in batches",
                paper.marked(Mark::Note, "doesn't work")
            ),
        };
        paper.line("live polling", &live);
        let torn = format!("{} torn", probe.torn_messages);
        paper.line(
            "messages",
            &format!("{} there and back, {torn}", thousands(probe.rounds.into())),
        );
        let fence = if probe.torn_records == 0 {
            ""
        } else {
            "; the kernel puts a fence before each stamp"
        };
        paper.line("torn records", &format!("{}{fence}", probe.torn_records));
        let cap = match probe.loop_cap {
            0 => "none".into(),
            n => format!(
                "{} iterations, then the driver ends every loop; leases stay below it",
                thousands(n.into())
            ),
        };
        paper.line("loop cap", &cap);
        paper.line("mode", mode_name(info.mode));
        paper.line("workers", &format!("{} in a wide lease", info.workers));
        paper.line(
            "max tenants",
            &format!(
                "{}, of which {} fit with rings of {} slots",
                thousands(info.max_tenants.into()),
                thousands(info.tenants_fit.into()),
                thousands(info.slots.into())
            ),
        );
        paper.line(
            "slots",
            &format!(
                "{} a ring, unless a tenant asks for another number",
                thousands(info.slots.into())
            ),
        );
        let fit = thousands(info.ring_bytes / SLOT_BYTES);
        paper.line(
            "ring memory",
            &format!(
                "{}, room for {fit} slots of all tenants",
                bytes(info.ring_bytes)
            ),
        );
        paper.line(
            "segments",
            &format!("{}, {} in all", info.segments, bytes(info.segment_bytes)),
        );
        let (scalar, tile) = (
            thousands(info.most_scalar_fuel.into()),
            thousands(info.most_tile_fuel.into()),
        );
        paper.line(
            "fuel limit",
            &format!("{scalar} iterations a scalar job, {tile} a lane of a tile"),
        );
        let ns = |t: Duration| nanoseconds(t.as_nanos() as f64);
        paper.line(
            "open",
            &format!(
                "{}, of which the kernel's pipeline {}",
                ns(info.open),
                ns(info.compile)
            ),
        );
        paper.line(
            "first completion",
            &format!("{} after the call that opened", ns(self.first_completion)),
        );
        let trips = thousands(ROUND_TRIPS as u64);
        paper.line(
            "round trip",
            &format!(
                "{} (median of {trips}, one job at a time)",
                ns(self.round_trip_p50)
            ),
        );
        paper.line(
            "leases",
            &format!(
                "{} for {} jobs",
                thousands(info.leases),
                thousands(info.jobs)
            ),
        );
    }

    fn json(&self) -> Value {
        let (info, probe) = (&self.info, &self.info.probe);
        json!({
            "device": info.device.index,
            "mode": mode_name(info.mode),
            "probe": {
                "live": probe.live,
                "messages": probe.rounds,
                "torn_messages": probe.torn_messages,
                "torn_records": probe.torn_records,
                "loop_cap": probe.loop_cap,
            },
            "workers": info.workers,
            "max_tenants": info.max_tenants,
            "tenants_fit": info.tenants_fit,
            "slots": info.slots,
            "ring_bytes": info.ring_bytes,
            "segments": info.segments,
            "segment_bytes": info.segment_bytes,
            "most_scalar_fuel": info.most_scalar_fuel,
            "most_tile_fuel": info.most_tile_fuel,
            "open_ms": info.open.as_secs_f64() * 1e3,
            "compile_ms": info.compile.as_secs_f64() * 1e3,
            "first_completion_ms": self.first_completion.as_secs_f64() * 1e3,
            "round_trip_p50_us": self.round_trip_p50.as_secs_f64() * 1e6,
            "leases": info.leases,
            "jobs": info.jobs,
        })
    }
}

fn device_json(d: &DeviceInfo) -> Value {
    json!({
        "index": d.index,
        "name": d.name,
        "kind": d.kind.name(),
        "driver": d.driver,
        "driver_info": d.driver_info,
        "api_version": api_version(d.api_version),
        "vendor_id": d.vendor_id,
        "device_id": d.device_id,
        "subgroup_size": d.subgroup_size,
        "memory_bytes": d.memory_bytes,
        "suitable": d.unsuitable.is_none(),
        "reason": d.unsuitable,
    })
}

/// The driver's name, and what it says of its version; some say nothing.
pub fn driver(d: &DeviceInfo) -> String {
    if d.driver_info.is_empty() {
        d.driver.clone()
    } else {
        format!("{}, {}", d.driver, d.driver_info)
    }
}

/// As Vulkan packs it: variant, major, minor, patch.
fn api_version(v: u32) -> String {
    format!("{}.{}.{}", v >> 22 & 0x7f, v >> 12 & 0x3ff, v & 0xfff)
}

/// As it is written in options and messages.
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Auto => "AUTO",
        Mode::Resident => "RESIDENT",
        Mode::Batch => "BATCH",
    }
}
