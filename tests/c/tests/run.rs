//! Builds each C program of this folder against the header and the library, and runs it: one test
//! per program and way of running it. A program ends with 0, or names file, line and what failed.
//!
//! `plain` runs them as users do, `batch` in BATCH mode, `sanitized` with gcc's AddressSanitizer and
//! UBSan, `valgrind` under memcheck. A tool that is missing fails the test and says what to install.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// One test per program, in a module named after the way, and the programs' names.
macro_rules! programs {
    ($way:ident, $run:path, [$($name:ident),+ $(,)?]) => {
        mod $way {
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];
            $(#[test] fn $name() { $run(stringify!($name)); })+
        }
    };
}

programs!(
    plain,
    crate::run_plain,
    [
        after_ok_chain,
        bad_buffers,
        bad_counts,
        bad_enums,
        bad_fuel,
        bad_grants,
        bad_handles,
        bad_life_cycle,
        bad_metrics,
        bad_modules,
        bad_opcodes,
        bad_pointers,
        bad_quotas,
        bad_recorder,
        bad_recordings,
        bad_spans,
        bad_struct_size,
        bad_tickets,
        bad_tiles,
        barrier_order,
        buffers,
        cache_folder_missing,
        cancel,
        devices_list,
        errors_outlive_threads,
        event_fd,
        full_ring,
        grants,
        hostile_sources,
        life_cycle,
        log_callback,
        log_environment,
        many_threads,
        metrics,
        metrics_socket,
        modules,
        names,
        no_driver,
        no_such_device,
        park_and_wake,
        positions_wrap,
        quotas,
        read_into_allocates_nothing,
        recorder,
        refused_in_the_middle,
        round_trip,
        snapshot_allocates_nothing,
        spans,
        spans_environment,
        standard_handlers,
        stop_cancels_open_jobs,
        submit_while_closing,
        ticket_state,
        two_runtimes,
        use_after_close,
        user_data,
        waits,
    ]
);

programs!(
    batch,
    crate::run_batch,
    [
        after_ok_chain,
        bad_buffers,
        bad_modules,
        barrier_order,
        buffers,
        cancel,
        event_fd,
        full_ring,
        grants,
        life_cycle,
        many_threads,
        metrics,
        modules,
        park_and_wake,
        positions_wrap,
        quotas,
        recorder,
        refused_in_the_middle,
        round_trip,
        snapshot_allocates_nothing,
        spans,
        standard_handlers,
        stop_cancels_open_jobs,
        submit_while_closing,
        ticket_state,
        two_runtimes,
        use_after_close,
        waits,
    ]
);

programs!(
    sanitized,
    crate::run_sanitized,
    [
        bad_buffers,
        bad_counts,
        bad_enums,
        bad_fuel,
        bad_grants,
        bad_handles,
        bad_life_cycle,
        bad_metrics,
        bad_modules,
        bad_opcodes,
        bad_pointers,
        bad_quotas,
        bad_recorder,
        bad_recordings,
        bad_spans,
        bad_struct_size,
        bad_tickets,
        bad_tiles,
        cache_folder_missing,
        errors_outlive_threads,
        full_ring,
        hostile_sources,
        metrics,
        metrics_socket,
        modules,
        no_driver,
        no_such_device,
        recorder,
        refused_in_the_middle,
        spans,
        spans_environment,
        stop_cancels_open_jobs,
        submit_while_closing,
        use_after_close,
    ]
);

/// One process runs them all, one after the other: what takes long under valgrind is the driver's code being translated.
const UNDER_VALGRIND: &[&str] = &[
    "bad_buffers",
    "bad_counts",
    "bad_enums",
    "bad_fuel",
    "bad_grants",
    "bad_handles",
    "bad_life_cycle",
    "bad_metrics",
    "bad_opcodes",
    "bad_pointers",
    "bad_quotas",
    "bad_recordings",
    "bad_spans",
    "bad_struct_size",
    "bad_tickets",
    "bad_tiles",
    "errors_outlive_threads",
    "full_ring",
    "no_driver",
    "no_such_device",
    "refused_in_the_middle",
    "submit_while_closing",
    "use_after_close",
];

/// Only compiled: nothing in it runs.
const COMPILED_ONLY: &[&str] = &["header_alone"];

const WARNINGS: &[&str] = &["-Wall", "-Wextra", "-Werror", "-pedantic"];
const SANITIZERS: &[&str] = &[
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
];

#[test]
fn every_program_of_the_folder_is_listed() {
    let mut found: Vec<String> = fs::read_dir(here())
        .expect("this crate's folder")
        .map(|entry| entry.expect("an entry of this crate's folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut listed = [plain::NAMES, COMPILED_ONLY].concat();
    listed.sort();
    assert_eq!(found, listed, "the .c files, and those that a test runs");
    for name in [batch::NAMES, sanitized::NAMES, UNDER_VALGRIND].concat() {
        assert!(
            plain::NAMES.contains(&name),
            "{name} isn't among the plain ones"
        );
    }
}

/// What a strict project may ask of a header that it includes.
const STRICT: &[&str] = &[
    "-Wall",
    "-Wextra",
    "-pedantic-errors",
    "-Werror",
    "-Wshadow",
    "-Wconversion",
    "-Wundef",
];

#[test]
fn the_header_compiles_alone_as_c_and_as_cpp() {
    let source = here().join("header_alone.c");
    // In the spelling of older compilers, which newer ones know too: c2x is C23, c++2b C++23.
    let languages = [
        (
            "c",
            &["c99", "c11", "c17", "c2x", "gnu17"][..],
            &["-Wstrict-prototypes", "-Wmissing-prototypes"][..],
        ),
        (
            "c++",
            &[
                "c++98", "c++03", "c++11", "c++14", "c++17", "c++20", "c++2b",
            ],
            &["-Wold-style-cast", "-Wmissing-declarations"],
        ),
    ];
    // Without one exception.
    let compilers = [("gcc", &[][..]), ("clang", &["-Weverything"])];
    for (compiler, of_compiler) in compilers {
        for (language, standards, of_language) in languages {
            for standard in standards {
                let mut command = tool(compiler, compiler);
                command
                    .args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"])
                    .args(STRICT)
                    .args(of_compiler)
                    .args(of_language)
                    .arg(include_flag())
                    // First alone, and then a second time by the program.
                    .args(["-include", "rota/rota.h"])
                    .arg(&source);
                must_succeed(&mut command, &format!("{compiler} -std={standard}"));
            }
        }
    }
}

#[test]
fn the_static_library_links_and_runs() {
    let program = build("round_trip", "static", |command| {
        command.arg(library_folder().join("librota.a"));
        // What Rust's own libraries need: `rustc --print native-static-libs`.
        command.args([
            "-lgcc_s",
            "-lutil",
            "-lrt",
            "-lpthread",
            "-lm",
            "-ldl",
            "-lc",
        ]);
    });
    run(
        &mut Command::new(program),
        "round_trip, linked statically",
        120,
    );
}

#[test]
fn example_hello() {
    let sources = vec![root().join("examples/c/hello.c")];
    let program = compile("gcc", &sources, "example_hello", link_shared);
    let output = run(&mut Command::new(program), "hello", 120);
    assert!(
        output.contains("job 7 came back: 20 + 22, status ROTA_COMPLETION_OK"),
        "hello said: {output}"
    );
}

#[test]
fn example_events() {
    let sources = vec![root().join("examples/c/events.c")];
    let program = compile("gcc", &sources, "example_events", link_shared);
    let output = run(Command::new(program).arg("1"), "events", 120);
    assert!(output.contains("1 s"), "events said: {output}");
    assert!(output.contains("all right"), "events said: {output}");
}

#[test]
fn example_tenants() {
    let sources = vec![root().join("examples/c/tenants.c")];
    let program = compile("gcc", &sources, "example_tenants", link_shared);
    let output = run(&mut Command::new(program), "tenants", 120);
    for wanted in [
        "ROTA_RESOURCE_SLOTS: asked for 1, in use 512, allowed 512, by the tenant's quota; worth another try",
        "ROTA_RESOURCE_BUFFER_BYTES: asked for 2097152, in use 0, allowed 1048576, by the tenant's quota",
        "its sum           42000",
        "writing it        the buffer may not be written by jobs",
        "when taken back   no such buffer",
        "another job       the tenant was revoked",
        "the player's      ROTA_COMPLETION_OK",
    ] {
        assert!(
            output.contains(wanted),
            "tenants' output lacks {wanted:?}:\n{output}"
        );
    }
}

#[test]
fn example_metrics() {
    let sources = vec![root().join("examples/c/metrics.c")];
    let program = compile("gcc", &sources, "example_metrics", link_shared);
    let table = run(&mut Command::new(&program), "metrics", 120);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().take(3).collect())
        .collect();
    let wanted = [
        ["tenant", "jobs", "faults"],
        ["player", "20", "0"],
        ["studio", "300", "0"],
    ];
    assert_eq!(rows, wanted, "metrics said: {table}");
}

/// Twice, so that the log goes on.
#[test]
fn example_record() {
    let sources = vec![root().join("examples/c/record.c")];
    let program = compile("gcc", &sources, "example_record", link_shared);
    let folder = scratch().join("recorded");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the log");
    let log = folder.join("run.log");
    for turn in 1..=2 {
        let output = run(Command::new(&program).arg(&log), "record", 120);
        for (wanted, times) in [
            ("ROTA_RECORD_RUN_START", turn),
            ("ROTA_EVENT_BUFFER_WRITTEN", turn),
            ("ROTA_RECORD_JOB, opcode 0x13", 4 * turn),
            ("ROTA_COMPLETION_OK, results 499500", turn),
            ("ROTA_RECORD_RUN_END", turn),
            ("ROTA_REPLAY_SAME: 4 of 4 jobs", 1),
        ] {
            let found = output.matches(wanted).count();
            assert_eq!(found, times, "{wanted:?} in record's output:\n{output}");
        }
    }
    let (status, output) = finish(Command::new(&program).arg(&folder), "record", 120);
    assert_eq!(status, Some(1), "{output}");
    assert!(output.contains("a folder"), "record said: {output}");
}

#[test]
fn example_scan() {
    let folder = root().join("examples/c");
    let names = [
        "scan",
        "dfa",
        "files",
        "latency",
        "plain_vulkan",
        "report",
        "sets",
    ];
    let mut sources: Vec<PathBuf> = names
        .iter()
        .map(|name| folder.join(format!("{name}.c")))
        .collect();
    sources.push(scan_wgsl());
    let program = compile("gcc", &sources, "example_scan", |command| {
        command.arg(format!("-I{}", folder.display()));
        link_shared(command);
    });

    let mut command = Command::new(&program);
    command.args([root().join("examples"), root().join("tests")]);
    let output = run(&mut command, "scan", 300);
    for wanted in [
        "scan.wgsl, verified in",
        "unsafe code: ",
        "jobs agree",
        "patterns agree",
        "What happened",
        "a NOP job",
    ] {
        assert!(
            output.contains(wanted),
            "scan's output lacks {wanted:?}:\n{output}"
        );
    }

    let (status, output) = finish(Command::new(&program).arg("/no/such/folder"), "scan", 60);
    assert_eq!(status, Some(1), "{output}");
    assert!(output.contains("cannot read /no/such/folder"), "{output}");
    let (status, output) = finish(Command::new(&program).arg("--mode=fast"), "scan", 60);
    assert_eq!(status, Some(2), "{output}");
}

/// What CMake makes of the template: the handler's source as an array.
fn scan_wgsl() -> PathBuf {
    let examples = root().join("examples");
    let bytes: String = fs::read(examples.join("handlers/scan.wgsl"))
        .expect("the handler's source")
        .iter()
        .map(|byte| format!("{byte:#04x},"))
        .collect();
    let template =
        fs::read_to_string(examples.join("c/scan_wgsl.c.in")).expect("the template of the array");
    let source = scratch().join("scan_wgsl.c");
    fs::write(&source, template.replace("@SCAN_WGSL_BYTES@", &bytes)).expect("a file for it");
    source
}

/// Against sha256sum: files around the ends of blocks and pieces, more of them than are hashed at once, and some that
/// can't be read.
#[test]
fn example_handlers() {
    let sources = vec![root().join("examples/c/handlers.c")];
    let program = compile("gcc", &sources, "example_handlers", link_shared);
    let module = root().join("examples/handlers/sha256.wgsl");

    let folder = scratch().join("hashed");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for files");
    let lengths = [
        0, 1, 55, 56, 63, 64, 65, 65_535, 65_536, 65_537, 131_072, 400_000,
    ];
    let mut files: Vec<PathBuf> = Vec::new();
    for (number, length) in lengths
        .into_iter()
        .chain((0..60).map(|n| n * 97))
        .enumerate()
    {
        let path = folder.join(format!("{number}"));
        let bytes: Vec<u8> = (0..length as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(number as u32) >> 24) as u8)
            .collect();
        fs::write(&path, bytes).expect("a file to hash");
        files.push(path);
    }
    let output = run(
        Command::new(&program).arg(&module).args(&files),
        "handlers",
        300,
    );
    let wanted = run(tool("sha256sum", "coreutils").args(&files), "sha256sum", 60);
    assert_eq!(output, wanted);

    let mut command = Command::new(&program);
    command.arg(&module).args([&folder, &files[1]]);
    let (status, output) = finish(&mut command, "handlers", 300);
    assert_eq!(status, Some(1), "{output}");
    for wanted in ["Is a directory", "  /"] {
        assert!(output.contains(wanted), "{wanted:?} is not in: {output}");
    }

    let source = fs::read_to_string(&module).expect("the handler's source");
    let broken = folder.join("broken.wgsl");
    fs::write(&broken, source.replace("length / BLOCK", "lenght / BLOCK")).expect("a file");
    let (status, output) = finish(Command::new(&program).arg(&broken), "handlers", 300);
    assert_eq!(status, Some(1), "{output}");
    for wanted in ["broken.wgsl:", "lenght", "^^^^^^"] {
        assert!(output.contains(wanted), "{wanted:?} is not in: {output}");
    }
}

fn run_plain(name: &str) {
    let program = build(name, "plain", link_shared);
    run(&mut Command::new(program), name, 180);
}

fn run_batch(name: &str) {
    let program = build(name, "batch", link_shared);
    let mut command = Command::new(program);
    command.env("ROTA_TEST_MODE", "batch");
    run(&mut command, name, 180);
}

fn run_sanitized(name: &str) {
    let program = build(name, "sanitized", |command| {
        command
            .args(SANITIZERS)
            .arg(here().join("sanitized/libraries_stay.c"));
        link_shared(command);
    });
    let leaks = here().join("leaks.supp");
    let mut command = Command::new(program);
    command
        .env("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
        .env("UBSAN_OPTIONS", "print_stacktrace=1")
        .env(
            "LSAN_OPTIONS",
            format!("print_suppressions=0:suppressions={}", leaks.display()),
        );
    run(&mut command, name, 300);
}

#[test]
fn valgrind_finds_nothing() {
    let mut driver = String::from("#include <stdio.h>\n");
    for name in UNDER_VALGRIND {
        driver += &format!("int {name}_main(void);\n");
    }
    driver += "int main(void) {\n";
    for name in UNDER_VALGRIND {
        driver += &format!("    puts(\"{name}\");\n    fflush(stdout);\n");
        driver += &format!("    if ({name}_main())\n        return 1;\n");
    }
    driver += "    return 0;\n}\n";
    let source = scratch().join("under_valgrind.c");
    fs::write(&source, driver).expect("a file for the driver");

    let mut parts = vec![source];
    for name in UNDER_VALGRIND {
        let source = here().join(format!("{name}.c"));
        let part = compile("gcc", &[source], &format!("{name}.valgrind.o"), |command| {
            command.args(["-c", &format!("-Dmain={name}_main")]);
        });
        parts.push(part);
    }
    let program = compile("gcc", &parts, "under_valgrind", link_shared);
    let mut command = tool("valgrind", "valgrind");
    command
        .args(["--quiet", "--error-exitcode=99", "--trace-children=yes"])
        // Threads take turns under valgrind: without this one that spins may keep the turn.
        .arg("--fair-sched=try")
        .arg(format!(
            "--suppressions={}",
            here().join("valgrind.supp").display()
        ))
        .arg(program);
    // Where valgrind can't run the code of the driver under test; what it is to look at is the library.
    if let Some(driver) = std::env::var_os("ROTA_TEST_VALGRIND_DRIVER") {
        command
            .env("VK_DRIVER_FILES", &driver)
            .env("VK_ICD_FILENAMES", &driver);
    }
    // Valgrind runs one thread at a time, and on some drivers each opening of a runtime takes it half a minute.
    run(&mut command, "the programs under valgrind", 3000);
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn root() -> &'static Path {
    here()
        .ancestors()
        .nth(2)
        .expect("this crate is two folders down")
}

fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn include_flag() -> String {
    format!("-I{}", root().join("include").display())
}

/// A command, or a panic that says what to install.
fn tool(name: &str, package: &str) -> Command {
    let there = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        there.is_ok(),
        "{name} can't be run; install it (Debian, Ubuntu: apt-get install {package})"
    );
    Command::new(name)
}

/// A folder with the library under the names that it is installed with. cargo builds it for this
/// test as librota_ffi, next to the test's own executable.
fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let executable = std::env::current_exe().expect("this test's own path");
        let beside = executable.parent().expect("a file has a folder");
        let folder = scratch().join("lib");
        fs::create_dir_all(&folder).expect("a folder for the library's names");
        for (name, built) in [
            ("librota.so.0", "librota_ffi.so"),
            ("librota.so", "librota_ffi.so"),
            ("librota.a", "librota_ffi.a"),
        ] {
            let built = [beside, beside.parent().unwrap_or(beside)]
                .map(|folder| folder.join(built))
                .into_iter()
                .find(|path| path.exists())
                .unwrap_or_else(|| panic!("{built} is not in {}", beside.display()));
            let link = folder.join(name);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(built, link).expect("a symbolic link to the library");
        }
        folder
    })
}

fn link_shared(command: &mut Command) {
    let folder = library_folder().display();
    command
        .arg(format!("-L{folder}"))
        .arg("-lrota")
        .arg(format!("-Wl,-rpath,{folder}"))
        .args(["-lpthread", "-lm", "-ldl"]);
}

fn build(name: &str, way: &str, link: impl FnOnce(&mut Command)) -> PathBuf {
    compile(
        "gcc",
        &[here().join(format!("{name}.c"))],
        &format!("{name}.{way}"),
        link,
    )
}

fn compile(
    compiler: &str,
    sources: &[PathBuf],
    output: &str,
    link: impl FnOnce(&mut Command),
) -> PathBuf {
    let program = scratch().join(output);
    let mut command = tool(compiler, compiler);
    command
        .args(["-std=c11", "-O1", "-g"])
        .args(WARNINGS)
        .arg(include_flag())
        .arg("-o")
        .arg(&program)
        .args(sources);
    link(&mut command);
    must_succeed(&mut command, &format!("building {output}"));
    program
}

fn must_succeed(command: &mut Command, what: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        output.status.success(),
        "{what}: {command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs to the end, which has to be a good one, and returns what was printed.
fn run(command: &mut Command, what: &str, seconds: u64) -> String {
    let (status, output) = finish(command, what, seconds);
    assert_eq!(status, Some(0), "{what}: {command:?}\n{output}");
    output
}

/// Exit status (None for a signal) and everything printed; panics when it takes too long.
fn finish(command: &mut Command, what: &str, seconds: u64) -> (Option<i32>, String) {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    // A file takes any amount of output while nobody reads.
    let path = scratch().join(format!("output.{number}"));
    let file = File::create(&path).expect("a file for the output");
    let again = file.try_clone().expect("the same file for the errors");
    let mut child = command
        .env("ROTA_CACHE_DIR", scratch().join("cache"))
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(again)
        .spawn()
        .unwrap_or_else(|error| panic!("{what}: {command:?}: {error}"));

    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child is ours") {
            break status;
        }
        if start.elapsed() > Duration::from_secs(seconds) {
            let _ = child.kill();
            let _ = child.wait();
            let output = fs::read(&path).unwrap_or_default();
            let _ = std::io::stderr().write_all(&output);
            panic!("{what}: {command:?} was still running after {seconds} s");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = String::from_utf8_lossy(&fs::read(&path).expect("the output")).into_owned();
    let _ = fs::remove_file(&path);
    let ending = if status.code().is_none() {
        format!("\n({status})")
    } else {
        String::new()
    };
    (status.code(), output + &ending)
}
