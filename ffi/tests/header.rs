//! include/rota/rota.h is what cbindgen makes of the sources, and says the truth about the library.
//!
//! `ROTA_BLESS=1 cargo test -p rota-ffi --test header` writes the header anew.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn include_dir() -> PathBuf {
    crate_dir().join("../include")
}

fn header() -> String {
    std::fs::read_to_string(include_dir().join("rota/rota.h")).expect("rota.h")
}

/// The names that the header declares as functions.
fn declared() -> BTreeSet<String> {
    let names: BTreeSet<String> = rota_abi::items()
        .into_iter()
        .filter(|item| matches!(item.kind, rota_abi::Kind::Function(_)))
        .map(|item| item.name)
        .collect();
    assert_ne!(names, BTreeSet::new(), "no function found in the header");
    names
}

/// Keeps what cbindgen logs: it leaves out what it can't express, says so here, and goes on. Not kept
/// is what it says of items that aren't meant for the header, and of `u64::MAX`, which it looks for
/// as a type after having made UINT64_MAX of it.
struct Complaints(Mutex<Vec<String>>);

static COMPLAINTS: Complaints = Complaints(Mutex::new(Vec::new()));

impl log::Log for Complaints {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            let complaint = format!("{}: {}", record.level(), record.args());
            let private = complaint.starts_with("WARN: Skip rota-ffi::")
                && (complaint.ends_with("(not `pub`).")
                    || complaint.ends_with("(not `no_mangle`)."));
            let number = ["u32", "u64"]
                .iter()
                .any(|n| complaint.starts_with(&format!("WARN: Can't find {n}.")));
            if !private && !number {
                self.0.lock().unwrap().push(complaint);
            }
        }
    }

    fn flush(&self) {}
}

#[test]
fn the_header_is_what_cbindgen_makes_of_the_sources() {
    log::set_logger(&COMPLAINTS).expect("the only logger of this test program");
    log::set_max_level(log::LevelFilter::Warn);
    let config = cbindgen::Config::from_file(crate_dir().join("cbindgen.toml")).expect("config");
    let bindings = cbindgen::Builder::new()
        .with_crate(crate_dir())
        .with_config(config)
        .generate()
        .expect("bindings");
    let mut made = Vec::new();
    bindings.write(&mut made);
    let made = String::from_utf8(made).expect("UTF-8");

    let complaints = COMPLAINTS.0.lock().unwrap();
    assert!(complaints.is_empty(), "cbindgen says: {complaints:#?}");
    let path = include_dir().join("rota/rota.h");
    if std::env::var_os("ROTA_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &made).expect("write rota.h");
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((line, (kept, made))) = (1..)
        .zip(kept.lines().chain([""]).zip(made.lines().chain([""])))
        .find(|(_, (kept, made))| kept != made)
    {
        panic!(
            "rota.h, line {line}, is\n    {kept}\nand cbindgen makes\n    {made}\n\
             If the change is meant: ROTA_BLESS=1 cargo test -p rota-ffi --test header"
        );
    }
    assert_eq!(kept, made);
}

/// Cargo builds the library in all its kinds beside this test program.
fn shared_library() -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let dir = test.parent().expect("its folder");
    let name = "librota_ffi.so";
    [dir.join(name), dir.join("..").join(name)]
        .into_iter()
        .find(|path| path.exists())
        .expect("librota_ffi.so beside the test program")
}

fn output_of(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {args:?}\n{complaint}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let library = shared_library();
    let symbols = output_of("nm", &["-D", "--defined-only", library.to_str().unwrap()]);
    let exported: BTreeSet<String> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        // A symbol may carry its version.
        .map(|name| name.split('@').next().unwrap_or(name).to_string())
        .collect();
    assert_eq!(exported, declared());
}

#[test]
fn the_library_is_asked_for_by_its_abi() {
    let library = shared_library();
    let dynamic = output_of("readelf", &["-d", library.to_str().unwrap()]);
    let soname = dynamic.lines().find(|line| line.contains("SONAME"));
    let soname = soname.expect("a SONAME");
    assert!(soname.contains("[librota.so.0]"), "{soname}");
}

#[test]
fn every_export_goes_through_the_boundary() {
    let mut exports = BTreeSet::new();
    for file in std::fs::read_dir(crate_dir().join("src")).expect("src") {
        let path = file.expect("a file").path();
        let source = std::fs::read_to_string(&path).expect("a source");
        for rest in source.split("#[no_mangle]\n").skip(1) {
            let name = rest.split_once("fn ").expect("a function").1;
            let name = name.split_once('(').expect("its arguments").0.to_string();
            let body = rest.split_once(" {\n").expect("its body").1;
            let body = &body[..body.find("\n}").expect("its end")];
            // What comes before the macro may only be texts that are made once.
            let before = body.split_once("export!(").map(|(before, _)| before.trim());
            let harmless = before.is_some_and(|text| {
                text.is_empty() || text.starts_with("static ") && text.ends_with(';')
            });
            assert!(harmless, "{name} in {}", path.display());
            assert!(body.trim_end().ends_with([')', '}']), "{name}");
            exports.insert(name);
        }
    }
    assert_eq!(exports, declared());
}

/// `name: value` of each size and offset, by Rust; the C program below prints the same.
struct Layout {
    rust: String,
    c: String,
}

macro_rules! layout {
    ($layout:ident, $type:ident { $($field:ident),+ $(,)? }) => {
        let layout: &mut Layout = &mut *$layout;
        let name = stringify!($type);
        writeln!(layout.rust, "{name}: {}", size_of::<rota_ffi::$type>()).unwrap();
        writeln!(layout.c, "printf(\"{name}: %zu\\n\", sizeof({name}));").unwrap();
        $(
            let (field, at) = (stringify!($field), offset_of!(rota_ffi::$type, $field));
            writeln!(layout.rust, "{name}.{field}: {at}").unwrap();
            writeln!(layout.c, "printf(\"{name}.{field}: %zu\\n\", offsetof({name}, {field}));")
                .unwrap();
        )+
        // A field that is missing above fails here, whatever its name is.
        let rota_ffi::$type { $($field: _),+ };
    };
}

const STRICT: [&str; 5] = [
    "-Wall",
    "-Wextra",
    "-pedantic",
    "-Werror",
    "-Wmissing-field-initializers",
];

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("header");
    std::fs::create_dir_all(&dir).expect("a scratch folder");
    dir.join(name)
}

fn compile(compiler: &str, args: &[&str], source: &str, extension: &str, name: &str) -> PathBuf {
    let from = scratch(name).with_extension(extension);
    let to = scratch(name);
    std::fs::write(&from, source).expect("write a source");
    let include = format!("-I{}", include_dir().display());
    let (from, to_text) = (from.to_str().unwrap(), to.to_str().unwrap());
    let mut all = vec![include.as_str(), from, "-o", to_text];
    all.extend(STRICT);
    all.extend(args);
    output_of(compiler, &all);
    to
}

#[test]
fn structs_lie_in_c_as_they_lie_in_rust() {
    let mut layout = Layout {
        rust: String::new(),
        c: String::new(),
    };
    all_structs(&mut layout);
    let source = format!(
        "#include <rota/rota.h>\n#include <stdio.h>\nint main(void) {{\n{}return 0;\n}}\n",
        layout.c
    );
    let program = compile("cc", &["-std=c99"], &source, "c", "layout");
    assert_eq!(output_of(program.to_str().unwrap(), &[]), layout.rust);
    let structs = header().matches("typedef struct").count();
    let opaque = [
        "rota_error",
        "rota_runtime",
        "rota_tenant",
        "rota_outputs",
        "rota_reservation",
        "rota_recording",
        "rota_replay",
        "rota_metrics_sink",
    ]
    .len();
    let checked = layout.rust.lines().filter(|line| !line.contains('.'));
    assert_eq!(
        checked.count() + opaque,
        structs,
        "a struct is not listed above"
    );
}

fn all_structs(layout: &mut Layout) {
    layout!(
        layout,
        rota_job {
            opcode,
            flags,
            tiles,
            fuel,
            args,
            user_data
        }
    );
    layout!(
        layout,
        rota_completion {
            ticket,
            user_data,
            status,
            fault,
            results,
            fuel,
            module_version,
            begin_epoch,
            end_epoch,
            digest,
        }
    );
    layout!(
        layout,
        rota_device_info {
            struct_size,
            index,
            kind,
            name,
            driver,
            driver_info,
            api_version,
            vendor_id,
            device_id,
            subgroup_size,
            memory_bytes,
            suitable,
            reason,
            reserved,
        }
    );
    layout!(
        layout,
        rota_runtime_options {
            struct_size,
            device,
            device_len,
            mode,
            workers,
            idle_limit_ns,
            max_tenants,
            slots,
            memory_bytes,
            cache_dir,
            cache_dir_len,
            flags,
            first_position,
            lease_fuel,
            most_fuel,
            quota,
            recorder,
            max_series,
            reserved,
            metrics_socket,
            metrics_socket_len,
            spans,
        }
    );
    layout!(
        layout,
        rota_runtime_info {
            struct_size,
            device_name,
            driver,
            driver_info,
            mode,
            subgroup_size,
            workers,
            loop_cap,
            max_tenants,
            slots,
            ring_bytes,
            segment_bytes,
            segments,
            leases,
            wakes,
            parks,
            jobs_completed,
            tiles_completed,
            parked,
            live_polling,
            torn_records,
            tenants,
            open_ns,
            compile_ns,
            most_scalar_fuel,
            most_tile_fuel,
            leases_notified,
            tenants_fit,
            reserved,
        }
    );
    layout!(
        layout,
        rota_tenant_options {
            struct_size,
            label,
            label_len,
            slots,
            opcodes,
            fuel,
            weight,
            latency_class,
            share_permille,
            group,
            reserved,
            quota,
        }
    );
    layout!(
        layout,
        rota_quota {
            struct_size,
            slots,
            staging_bytes,
            buffers,
            buffer_bytes,
            modules,
            fuel_per_job,
            fuel_per_second,
        }
    );
    layout!(
        layout,
        rota_tenant_counters {
            struct_size,
            id,
            submitted,
            completed,
            taken,
            faulted,
            fuel,
            tiles,
            bytes_in,
            bytes_out,
            refused,
            used,
            cap,
            outstanding,
            lag,
            quiesces,
            quiesce_timeouts,
            quiesce_ns,
        }
    );
    layout!(
        layout,
        rota_handler {
            opcode,
            kind,
            function,
            function_len,
            fuel,
            reserved
        }
    );
    layout!(
        layout,
        rota_module_options {
            struct_size,
            label,
            label_len,
            source,
            source_len,
            handlers,
            handler_count,
        }
    );
    layout!(
        layout,
        rota_module_report {
            struct_size,
            version,
            reserved,
            verify_ns,
            compose_ns,
            compile_ns,
            switch_ns,
        }
    );
    layout!(
        layout,
        rota_read {
            buffer,
            reserved,
            offset,
            len
        }
    );
    layout!(
        layout,
        rota_outputs_stats {
            struct_size,
            slots_total,
            slots_reused,
            slots_moved,
            slots_appended,
            bytes_incoming,
            bytes_copied,
            bytes_moved,
            bytes_appended,
            bytes_retained,
        }
    );
    layout!(
        layout,
        rota_recorder_options {
            struct_size,
            path,
            path_len,
            capacity_bytes,
            capture,
            flags,
            object_bytes,
            sync_interval_ns,
            sync_records,
            stage_dir,
            stage_dir_len,
        }
    );
    layout!(
        layout,
        rota_span_options {
            struct_size,
            exporters,
            sampler,
            sample_ratio,
            endpoint,
            endpoint_len,
            service,
            service_len,
            path,
            path_len,
            queue,
            batch,
            delay_ns,
            timeout_ns,
        }
    );
    layout!(
        layout,
        rota_span_stats {
            struct_size,
            pushed,
            dropped,
            exported,
            failed,
            failures,
            retries,
            queued,
            capacity,
            utilisation,
            drop_rate,
        }
    );
    layout!(
        layout,
        rota_trace_context {
            trace_id,
            parent_id,
            flags,
        }
    );
    layout!(
        layout,
        rota_recorder_state {
            struct_size,
            capacity_bytes,
            capacity_cells,
            oldest_seq,
            next_seq,
            written_seq,
            durable_seq,
            run,
            generation,
            kept_capacity,
            existed,
            crashed,
            recovered,
            voided,
            stalls,
            stall_ns,
            refused,
            gaps,
            lost,
            bytes,
            syncs,
            objects,
            object_bytes,
            lost_objects,
            checkpoints,
            failed_checkpoints,
            failed,
            os_error,
            failed_seq,
        }
    );
    layout!(
        layout,
        rota_recording_info {
            struct_size,
            capacity_bytes,
            capacity_cells,
            cut_to,
            run,
            created_ns,
            oldest_seq,
            next_seq,
            durable_seq,
            untold,
            generation,
            pid,
            clean,
            staged,
            records,
            good,
            void_cells,
            incomplete,
            holes,
            torn,
            corrupt,
            stale,
            overwritten,
        }
    );
    layout!(
        layout,
        rota_record {
            struct_size,
            kind,
            event,
            seq,
            cells,
            mono_ns,
            wall_ns,
            tenant,
            ticket,
            epoch,
            tail,
            job,
            completion,
            buffer,
            other_buffer,
            other_tenant,
            offset,
            length,
            value,
            read_only,
            module,
            version,
            lost,
            code,
            has_hash,
            hash,
            text,
            text_len,
            data,
            data_len,
            field_count,
        }
    );
    layout!(
        layout,
        rota_field {
            name,
            name_len,
            value,
            value_len,
        }
    );
    layout!(
        layout,
        rota_replay_options {
            struct_size,
            path,
            path_len,
            run,
            runtime,
            data_dir,
            data_dir_len,
            not_deterministic,
            not_deterministic_count,
            context,
            flags,
            progress,
            user,
        }
    );
    layout!(
        layout,
        rota_replay_job {
            seq,
            tenant,
            ticket,
            job,
        }
    );
    layout!(
        layout,
        rota_replay_count {
            opcode,
            reserved,
            jobs,
        }
    );
    layout!(
        layout,
        rota_replay_report {
            struct_size,
            outcome,
            differs,
            recorded_on,
            device,
            jobs,
            compared,
            same,
            different,
            concurrent,
            followed,
            not_deterministic,
            order_dependent,
            overlapping,
            rescheduled,
            not_ended,
            behind_unended,
            without_data,
            missing_data,
            missing_records,
            strays,
            first,
            recorded,
            replayed,
        }
    );
    layout!(
        layout,
        rota_counts {
            id,
            submitted,
            completed,
            taken,
            faulted,
            fuel,
            tiles,
            bytes_in,
            bytes_out,
            refused,
            used,
            cap,
            outstanding,
            lag,
            quiesces,
            quiesce_timeouts,
            quiesce_ns,
        }
    );
    layout!(layout, rota_latency { buckets, sum_ns });
    layout!(
        layout,
        rota_ages {
            queued_ns,
            running_ns,
            untaken_ns,
        }
    );
    layout!(
        layout,
        rota_tenant_metrics {
            struct_size,
            label,
            tenants,
            counts,
            latency,
            ages,
        }
    );
    layout!(
        layout,
        rota_handler_metrics {
            struct_size,
            module,
            handler,
            calls,
            faults,
            fuel,
        }
    );
    layout!(
        layout,
        rota_metrics_value {
            struct_size,
            name,
            value,
        }
    );
    layout!(
        layout,
        rota_metrics {
            struct_size,
            at_ns,
            all,
            latency,
            ages,
            tenants,
            series,
            max_series,
            overflowed,
            leases,
            wakes,
            parks,
            rounds_busy,
            rounds_idle,
            claims_won,
            claims_lost,
            outputs_slots_total,
            outputs_slots_reused,
            outputs_slots_moved,
            outputs_slots_appended,
            outputs_bytes_incoming,
            outputs_bytes_copied,
            outputs_bytes_moved,
            outputs_bytes_appended,
            outputs_bytes_retained,
            batches_split,
            segments,
            barrier_points,
            compiles,
            cache_hits,
            compile_ns,
            switch_ns,
            modules,
            recorder_records,
            recorder_bytes,
            recorder_stalls,
            recorder_stall_ns,
            recorder_refused,
            recorder_gaps,
            recorder_lag,
            recorder_checkpoints,
            recorder_checkpoints_failed,
            decisions,
            saved_ns,
            refused_names,
        }
    );
    layout!(
        layout,
        rota_snapshot {
            struct_size,
            tenants,
            tenants_cap,
            tenants_needed,
            handlers,
            handlers_cap,
            handlers_needed,
            values,
            values_cap,
            values_needed,
            runtime,
        }
    );
    layout!(
        layout,
        rota_decision {
            at_ns,
            saved_ns,
            action,
            reserved,
            detail,
        }
    );
}

/// Uses every initialiser; a field that one of them forgets is a warning.
const USE_INITIALISERS: &str = "#include <rota/rota.h>
int main(void) {
    rota_runtime_options runtime_options = ROTA_RUNTIME_OPTIONS_INIT;
    rota_runtime_info runtime_info = ROTA_RUNTIME_INFO_INIT;
    rota_device_info device_info = ROTA_DEVICE_INFO_INIT;
    rota_tenant_options tenant_options = ROTA_TENANT_OPTIONS_INIT;
    rota_job job = ROTA_JOB_INIT;
    rota_outputs_stats stats = ROTA_OUTPUTS_STATS_INIT;
    rota_module_options module_options = ROTA_MODULE_OPTIONS_INIT;
    rota_module_report module_report = ROTA_MODULE_REPORT_INIT;
    rota_quota quota = ROTA_QUOTA_INIT;
    rota_tenant_counters counters = ROTA_TENANT_COUNTERS_INIT;
    rota_recorder_options recorder_options = ROTA_RECORDER_OPTIONS_INIT;
    rota_recorder_state recorder_state = ROTA_RECORDER_STATE_INIT;
    rota_span_options span_options = ROTA_SPAN_OPTIONS_INIT;
    rota_span_stats span_stats = ROTA_SPAN_STATS_INIT;
    rota_trace_context trace_context = ROTA_TRACE_CONTEXT_INIT;
    rota_recording_info recording_info = ROTA_RECORDING_INFO_INIT;
    rota_record record = ROTA_RECORD_INIT;
    rota_replay_options replay_options = ROTA_REPLAY_OPTIONS_INIT;
    rota_replay_report replay_report = ROTA_REPLAY_REPORT_INIT;
    rota_snapshot snapshot = ROTA_SNAPSHOT_INIT;
    rota_metrics metrics = ROTA_METRICS_INIT;
    rota_tenant_metrics tenant_metrics = ROTA_TENANT_METRICS_INIT;
    rota_handler_metrics handler_metrics = ROTA_HANDLER_METRICS_INIT;
    rota_metrics_value metrics_value = ROTA_METRICS_VALUE_INIT;
    uint64_t forever = ROTA_FOREVER;
    return !(runtime_options.struct_size == sizeof runtime_options &&
             runtime_info.struct_size == sizeof runtime_info &&
             device_info.struct_size == sizeof device_info &&
             tenant_options.struct_size == sizeof tenant_options &&
             module_options.struct_size == sizeof module_options &&
             module_report.struct_size == sizeof module_report &&
             quota.struct_size == sizeof quota && quota.fuel_per_second == ROTA_UNLIMITED &&
             counters.struct_size == sizeof counters &&
             recorder_options.struct_size == sizeof recorder_options &&
             span_options.struct_size == sizeof span_options && span_options.queue == 8192 &&
             span_stats.struct_size == sizeof span_stats && trace_context.flags == 0 &&
             recorder_state.struct_size == sizeof recorder_state &&
             recording_info.struct_size == sizeof recording_info &&
             record.struct_size == sizeof record &&
             replay_options.struct_size == sizeof replay_options &&
             replay_options.run == ROTA_LAST_RUN &&
             replay_report.struct_size == sizeof replay_report &&
             snapshot.struct_size == sizeof snapshot && metrics.struct_size == sizeof metrics &&
             tenant_metrics.struct_size == sizeof tenant_metrics &&
             tenant_metrics.ages.untaken_ns == ROTA_NOT_OBSERVED &&
             handler_metrics.struct_size == sizeof handler_metrics &&
             metrics_value.struct_size == sizeof metrics_value &&
             stats.struct_size == sizeof stats && job.tiles == 1 && forever + 1 == 0);
}
";

#[test]
fn every_struct_with_a_size_has_an_initialiser() {
    let header = header();
    for part in header.split("typedef struct ").skip(1) {
        let name = part.split([' ', ';']).next().unwrap_or_default();
        let body = part.split('}').next().unwrap_or_default();
        let init = format!("#define {}_INIT", name.to_uppercase());
        if body.contains("size_t struct_size;") {
            assert!(header.contains(&init), "no {init}");
            assert!(
                USE_INITIALISERS.contains(&format!("{name} ")),
                "{name} untried"
            );
        }
    }
}

#[test]
fn initialisers_set_sizes_and_forget_no_field() {
    for (compiler, extension, version) in [("cc", "c", "-std=c99"), ("c++", "cpp", "-std=c++98")] {
        let name = format!("initialisers-{extension}");
        let program = compile(compiler, &[version], USE_INITIALISERS, extension, &name);
        output_of(program.to_str().unwrap(), &[]);
    }
}
