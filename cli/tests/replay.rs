//! `rota replay` from outside, on logs that these tests record.

mod common;

use std::path::Path;

use common::{cache, folder, rota, run};
use rota::{op, Capture, Job, RecorderOptions, Runtime, RuntimeOptions, TenantOptions, Wait};

fn replay(arguments: &[&str]) -> (i32, String, String) {
    run(rota(&[&["replay"], arguments].concat()))
}

/// Two tenants, a buffer, and a few jobs of which one faults; with the last word of `fill` as given.
fn record(log: &Path, word: u32, capture: Capture) {
    let runtime = Runtime::open(&RuntimeOptions {
        cache_dir: Some(cache()),
        recorder: Some(RecorderOptions {
            path: log.into(),
            capacity_bytes: 4 << 20,
            capture,
            ..RecorderOptions::default()
        }),
        ..RuntimeOptions::default()
    })
    .unwrap();
    for label in ["first", "second"] {
        let tenant = runtime
            .create_tenant(&TenantOptions {
                label: label.into(),
                ..TenantOptions::default()
            })
            .unwrap();
        let buffer = tenant.buffer_create(4096, false).unwrap();
        tenant.buffer_write(buffer, 0, &[3; 4096]).unwrap();
        let job = |opcode, tiles, args: &[u32]| {
            let mut job = Job {
                opcode,
                tiles,
                ..Job::default()
            };
            job.args[..args.len()].copy_from_slice(args);
            job
        };
        for job in [
            job(op::NOP, 1, &[1, 2]),
            job(op::FILL, 2, &[buffer, 0, 100, word]),
            job(op::SUM_U32, 2, &[buffer, 0, 1024]),
            job(op::FILL, 1, &[0, 0, 4, 4]),
        ] {
            let mut ticket = [0];
            tenant.submit(&[job], Some(&mut ticket)).1.unwrap();
            tenant.wait(ticket[0], Wait::Adaptive, u64::MAX).unwrap();
        }
        tenant.destroy().unwrap();
    }
}

#[test]
fn a_log_is_verified_shown_and_run_again() {
    let folder = folder();
    let log = folder.path().join("log");
    record(&log, 7, Capture::Full);
    let log = log.to_str().unwrap();

    let (code, text, _) = replay(&["verify", log]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("closed in order") && text.trim_end().ends_with("good"),
        "{text}"
    );

    let (code, text, _) = replay(&["show", log]);
    assert_eq!(code, 0);
    for part in [
        "run start",
        "first",
        "second",
        "sum_u32(",
        "FAULTED",
        "4096 bytes at 0",
        "run end",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let (_, jobs, _) = replay(&[
        "show",
        log,
        "--tenant",
        "second",
        "--handler",
        "0x10",
        "--json",
    ]);
    let jobs: Vec<serde_json::Value> = jobs
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(jobs.len(), 4, "two jobs and their completions: {jobs:?}");
    let (_, faulted, _) = replay(&["show", log, "--status", "faulted"]);
    assert_eq!(faulted.lines().count(), 2, "{faulted}");
    assert_eq!(replay(&["show", log, "--since", "3600"]).1, "");

    let (code, text, stderr) = replay(&["run", log]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{text}");
    assert!(text.contains("the same"), "{text}");
    let (code, text, _) = replay(&["run", log, "--json", "--mode", "batch", "--as-submitted"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["outcome"]), (0, &"same".into()), "{text}");
    assert_eq!(
        (&report["jobs"], &report["same"]),
        (&8.into(), &8.into()),
        "{text}"
    );
}

#[test]
fn what_differs_between_two_recordings_is_shown() {
    let folder = folder();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    record(&a, 7, Capture::Jobs);
    record(&b, 8, Capture::Jobs);
    let [a, b] = [&a, &b].map(|log| log.to_str().unwrap());
    let (code, text, _) = replay(&["diff", a, a]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("8 jobs compared, 0 differ"), "{text}");
    let (code, text, _) = replay(&["diff", a, b]);
    assert_eq!(code, 1, "{text}");
    // The fill and the sum of what it left, of each tenant.
    assert!(text.contains("8 jobs compared, 4 differ"), "{text}");
}

#[test]
fn a_log_without_its_data_is_not_comparable() {
    let folder = folder();
    let log = folder.path().join("log");
    record(&log, 7, Capture::Jobs);
    let (code, text, _) = replay(&["run", log.to_str().unwrap()]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("not comparable") && text.contains("--data"),
        "{text}"
    );
}

#[test]
fn captured_data_that_is_missing_is_named() {
    let folder = folder();
    let log = folder.path().join("log");
    record(&log, 7, Capture::Full);
    std::fs::remove_dir_all(folder.path().join("log.objects")).unwrap();
    let (code, text, _) = replay(&["verify", log.to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    let lost = rota_recorder::Hash::of(&[3; 4096]).to_string();
    assert_eq!(text.matches(&lost).count(), 1, "{lost} is not in\n{text}");
    let (code, text, _) = replay(&["run", log.to_str().unwrap()]);
    assert_eq!(code, 3, "{text}");
}

/// Any program is recorded, if its environment says so.
#[test]
fn the_environment_records_a_program() {
    let folder = folder();
    let log = folder.path().join("log");
    let bench = |capture: &str| {
        run(rota(&["bench", "--seconds", "0.1"])
            .env("ROTA_RECORD", &log)
            .env("ROTA_CAPTURE", capture))
    };
    let (code, _, stderr) = bench("everything");
    assert_ne!(code, 0);
    assert!(stderr.contains("ROTA_CAPTURE has to be"), "{stderr}");
    assert!(!log.exists());
    assert_eq!(bench("full").0, 0);
    let (code, text, _) = replay(&["verify", log.to_str().unwrap()]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("job"), "{text}");
}

#[test]
fn a_damaged_log_is_called_so_and_what_is_none_can_not_be_read() {
    let folder = folder();
    let log = folder.path().join("log");
    record(&log, 7, Capture::Full);
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[8192 + 128 * 12 + 60] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let (code, text, _) = replay(&["verify", log.to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("damaged") && text.contains("Corrupt"),
        "{text}"
    );
    let none = folder.path().join("none");
    for what in ["verify", "show", "run"] {
        let (code, text, stderr) = replay(&[what, none.to_str().unwrap()]);
        assert_eq!((code, text.as_str()), (2, ""));
        assert!(
            stderr.starts_with("rota: ") && stderr.contains("no such log"),
            "{stderr}"
        );
    }
}
