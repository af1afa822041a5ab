//! The tool from outside: what it prints, where, and how it ends.

mod common;

use std::process::Stdio;

use common::{cache, rota, run, tmp};

/// An error is one line on stderr that begins with the tool's name.
fn assert_one_line(stderr: &str) {
    assert!(
        stderr.starts_with("rota: ") && stderr.lines().count() == 1 && stderr.ends_with('\n'),
        "{stderr:?}"
    );
}

#[test]
fn help_names_every_command_and_each_has_its_own() {
    let (code, all, _) = run(rota(&["--help"]));
    assert_eq!(code, 0);
    for command in ["doctor", "bench", "replay", "report", "top"] {
        assert!(all.contains(&format!("rota {command}")), "{all}");
        let (code, by_option, _) = run(rota(&[command, "--help"]));
        assert_eq!(code, 0);
        assert!(
            by_option.starts_with(&format!("usage: rota {command}")),
            "{by_option}"
        );
        assert_eq!(run(rota(&["help", command])).1, by_option);
    }
}

#[test]
fn version_is_the_library_s() {
    assert_eq!(
        run(rota(&["--version"])),
        (0, format!("rota {}\n", rota::VERSION), String::new())
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_is_wrong() {
    for (arguments, named) in [
        (&["fly"][..], "'fly'"),
        (&[], "rota --help"),
        (&["doctor", "--loud"], "'--loud'"),
        (&["bench", "--mode", "fast"], "'fast'"),
        (&["bench", "--seconds"], "--seconds"),
    ] {
        let (code, stdout, stderr) = run(rota(arguments));
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert_one_line(&stderr);
        assert!(stderr.contains(named), "{stderr}");
    }
}

#[test]
fn doctor_shows_the_device_at_work() {
    let devices = rota::devices().expect("the tests need a Vulkan driver");
    let (code, text, stderr) = run(rota(&["doctor"]));
    assert_eq!(code, 0, "{text}{stderr}");
    for device in &devices {
        assert!(
            text.contains(&device.name) && text.contains(&device.driver_info),
            "{text}"
        );
    }
    assert!(!text.contains('\x1b'), "colours where nobody looks");
    for label in [
        "mode",
        "live polling",
        "torn records",
        "loop cap",
        "workers",
        "fuel limit",
        "round trip",
        "ROTA_LOG",
        "ROTA_CACHE_DIR",
        "cache folder",
    ] {
        assert!(
            text.lines().any(|l| l.trim_start().starts_with(label)),
            "{label} is not in\n{text}"
        );
    }
    assert!(
        text.contains("RESIDENT") || text.contains("BATCH"),
        "{text}"
    );
    assert!(text.trim_end().ends_with("usable"), "{text}");
}

#[test]
fn doctor_s_json_says_the_same() {
    let (code, text, _) = run(rota(&["doctor", "--json"]));
    assert_eq!(code, 0, "{text}");
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["usable"], true);
    assert_eq!(found["version"], rota::VERSION);
    let index = found["opened"]["device"]
        .as_u64()
        .expect("a device was opened");
    assert_eq!(found["devices"][index as usize]["suitable"], true);
    let mode = found["opened"]["mode"].as_str().expect("a mode");
    assert_eq!(
        mode == "RESIDENT",
        found["opened"]["probe"]["live"]
            .as_bool()
            .expect("a verdict")
    );
    assert!(found["opened"]["round_trip_p50_us"]
        .as_f64()
        .is_some_and(|us| us > 0.0));
    assert_eq!(
        found["environment"]["variables"]["ROTA_CACHE_DIR"],
        cache().to_str().unwrap()
    );
}

#[test]
fn doctor_without_a_driver_fails_and_names_the_package() {
    for json in [false, true] {
        let mut command = rota(if json {
            &["doctor", "--json"]
        } else {
            &["doctor"]
        });
        // The older name is what older loaders go by.
        command
            .env("VK_DRIVER_FILES", "/nonexistent.json")
            .env("VK_ICD_FILENAMES", "/nonexistent.json");
        let (code, text, stderr) = run(command);
        assert_eq!(code, 1, "{text}");
        assert!(
            text.contains("mesa-vulkan-drivers") && text.contains("/nonexistent.json"),
            "{text}"
        );
        if json {
            let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(found["usable"], false);
            assert_eq!(stderr, "");
        } else {
            assert!(text.trim_end().ends_with("not usable"), "{text}");
            assert_one_line(&stderr);
            assert!(
                stderr.contains("apt install") && stderr.contains("mesa-vulkan-drivers"),
                "{stderr}"
            );
        }
    }
}

#[test]
fn a_device_that_is_not_there_is_named_beside_those_that_are() {
    let devices = rota::devices().expect("the tests need a Vulkan driver");
    for mut command in [
        rota(&["doctor", "--device", "abacus"]),
        rota(&["doctor"]),
        rota(&["bench", "--device=abacus"]),
    ] {
        if command.get_args().len() == 1 {
            command.env("ROTA_DEVICE", "abacus");
        }
        let (code, _, stderr) = run(command);
        assert_eq!(code, 1);
        assert_one_line(&stderr);
        assert!(
            stderr.contains("'abacus'") && stderr.contains(&devices[0].name),
            "{stderr}"
        );
    }
}

#[test]
fn doctor_tells_of_a_cache_that_cannot_be_written() {
    let file = tmp().join("a-file");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "in the way").unwrap();
    let mut command = rota(&["doctor"]);
    command.env("ROTA_CACHE_DIR", file.join("below"));
    let (code, text, _) = run(command);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("nothing can be stored"), "{text}");
}

#[test]
fn bench_prints_a_line_for_each_part_in_both_modes() {
    for mode in ["auto", "batch"] {
        let (code, text, stderr) = run(rota(&["bench", "--seconds", "0.2", "--mode", mode]));
        assert_eq!(code, 0, "{text}{stderr}");
        for part in ["round trip", "throughput", "wake", "saxpy"] {
            assert!(
                text.lines().any(|l| l.trim_start().starts_with(part)),
                "{part} is not in\n{text}"
            );
        }
        assert!(text.contains("make bench"), "{text}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = rota(&["doctor"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool was built");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
