//! Tenants' own handlers: loading, replacing, unloading, and what they can and can't do.

use std::sync::atomic::{AtomicBool, Ordering};

use rota::{HandlerOptions, ModuleOptions};

use crate::kit::*;

const FIRST: u32 = 0x1000;

fn handler(opcode: u32, function: &str, tiled: bool) -> HandlerOptions {
    HandlerOptions {
        opcode,
        function: function.into(),
        tiled,
        fuel: 0,
    }
}

fn module(source: &str, handlers: &[HandlerOptions]) -> ModuleOptions {
    ModuleOptions {
        label: "test".into(),
        source: source.into(),
        handlers: handlers.to_vec(),
    }
}

/// A module whose one scalar handler answers `n` and its first argument.
fn answers(n: u32) -> ModuleOptions {
    let source = format!("fn answer() {{ result(0u, {n}u); result(1u, arg(0u)); }}");
    module(&source, &[handler(FIRST, "answer", false)])
}

#[test]
fn a_loaded_handler_runs() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let (module, report) = tenant.module_load(&answers(7)).unwrap();
        assert_eq!(report.version, 1);
        let done = run_one(&tenant, with(job(FIRST, 1, &[9]), TIMING));
        assert_eq!((done.status, done.results), (OK, [7, 9]), "{mode:?}");
        assert_eq!(done.module_version, 1);
        tenant.module_unload(module, u64::MAX).unwrap();
        let (accepted, refused) = tenant.submit(&[job(FIRST, 1, &[9])], None);
        assert_eq!(accepted, 0);
        assert_eq!(refused.unwrap_err().status(), Status::InvalidOpcode);
    }
}

#[test]
fn a_tiled_handler_uses_scratch_barrier_and_buffers() {
    let source = "
        fn reverse() {
            let from_buffer = buffer(arg(0u));
            let to = buffer_mut(arg(1u));
            let n = lanes();
            scratch_store(lane(), load_u32(from_buffer, tile() * n + lane()));
            barrier();
            store_u32(to, tile() * n + lane(), scratch_load(n - 1u - lane()));
            result_add(0u, 1u);
        }";
    for mode in MODES {
        let runtime = shared(mode);
        let lanes = runtime.info().device.subgroup_size;
        let tenant = tenant(&runtime);
        tenant
            .module_load(&module(source, &[handler(FIRST + 5, "reverse", true)]))
            .unwrap();
        let words: Vec<u32> = (0..lanes * 4).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let from = tenant.buffer_create(bytes.len() as u64, true).unwrap();
        let to = tenant.buffer_create(bytes.len() as u64, false).unwrap();
        tenant.buffer_write(from, 0, &bytes).unwrap();
        let done = run_one(&tenant, job(FIRST + 5, 4, &[from, to]));
        assert_eq!((done.status, done.results[0]), (OK, 4 * lanes), "{mode:?}");
        let mut out = vec![0; bytes.len()];
        tenant.buffer_read(to, 0, &mut out).unwrap();
        let expected: Vec<u8> = words
            .chunks(lanes as usize)
            .flat_map(|tile| tile.iter().rev())
            .flat_map(|w| w.to_le_bytes())
            .collect();
        assert_eq!(out, expected, "{mode:?}");
    }
}

/// Every job ran with one version, and the completion says with which.
#[test]
fn a_replacement_takes_over_while_jobs_run() {
    let source = |n: u32| {
        format!(
            "fn scalar() {{ result(0u, {n}u); }}
             fn tiled() {{
                 for (var i = 0u; i < 200u; i += 1u) {{ if (arg(0u) == i + 1u) {{ result(1u, 1u); }} }}
                 if (lane() == 0u) {{ result_add(0u, {n}u); }}
             }}"
        )
    };
    let handlers = [
        handler(FIRST, "scalar", false),
        handler(FIRST + 1, "tiled", true),
    ];
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let (name, _) = tenant.module_load(&module(&source(1), &handlers)).unwrap();
        let stop = AtomicBool::new(false);
        let versions = std::thread::scope(|scope| {
            let load = scope.spawn(|| {
                let mut seen = [0u64; 4];
                while !stop.load(Ordering::Relaxed) {
                    let tiles = 64;
                    let jobs = [
                        with(job(FIRST, 1, &[]), TIMING),
                        with(job(FIRST + 1, tiles, &[]), TIMING),
                    ];
                    let [scalar, tiled] = run(&tenant, &jobs)[..] else {
                        unreachable!()
                    };
                    assert_eq!(
                        (scalar.status, tiled.status),
                        (OK, OK),
                        "{scalar:?} {tiled:?}"
                    );
                    assert_eq!(scalar.results[0], scalar.module_version);
                    assert_eq!(tiled.results[0], tiles * tiled.module_version);
                    seen[scalar.module_version as usize] += 1;
                }
                seen
            });
            for n in 2..4 {
                let report = tenant
                    .module_replace(name, &module(&source(n), &handlers))
                    .unwrap();
                assert_eq!(report.version, n);
                // What is submitted from here on has it.
                let after = run_one(&tenant, with(job(FIRST, 1, &[]), TIMING));
                assert_eq!((after.results[0], after.module_version), (n, n));
            }
            stop.store(true, Ordering::Relaxed);
            load.join().unwrap()
        });
        assert!(versions[1] > 0 && versions[2] > 0, "{mode:?}: {versions:?}");
        tenant.module_unload(name, u64::MAX).unwrap();
    }
}

#[test]
fn jobs_in_flight_finish_before_an_unload_and_those_not_begun_fault_if_it_does_not_wait() {
    for mode in MODES {
        // Its own: a load of another tenant would keep the unload waiting, and the jobs would have finished.
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(1 << 10, false).unwrap();
        for (timeout, expected) in [(u64::MAX, OK), (0, FAULTED)] {
            let (name, _) = tenant.module_load(&answers(5)).unwrap();
            // The loaded handler's job waits behind one that takes long.
            let slow = Job {
                tiles: 200_000,
                ..fill(buffer, 64, 1, 1)
            };
            let tickets = submit(&tenant, &[slow, with(job(FIRST, 1, &[]), BARRIER)]);
            tenant.module_unload(name, timeout).unwrap();
            assert_eq!(wait(&tenant, tickets[0]).status, OK);
            let done = wait(&tenant, tickets[1]);
            assert_eq!(done.status, expected, "{mode:?}");
            if expected == FAULTED {
                assert_eq!(done.fault, fault::HANDLER_UNLOADED);
            }
            assert!(matches!(
                tenant.module_unload(name, 0),
                Err(Error::UnknownModule(_))
            ));
        }
    }
}

#[test]
fn the_runtimes_modules_are_for_those_they_are_granted_to() {
    let runtime = shared(Mode::Resident);
    let (one, two, other) = (tenant(&runtime), tenant(&runtime), tenant(&runtime));
    let (name, _) = runtime.module_load(&answers(3)).unwrap();
    for tenant in [&one, &two] {
        assert!(tenant.submit(&[job(FIRST, 1, &[])], None).1.is_err());
        runtime.module_grant(name, tenant).unwrap();
        assert_eq!(run_one(tenant, job(FIRST, 1, &[])).results[0], 3);
        assert!(matches!(
            runtime.module_grant(name, tenant),
            Err(Error::OpcodeTaken(FIRST))
        ));
        // It isn't theirs.
        assert!(matches!(
            tenant.module_unload(name, 0),
            Err(Error::UnknownModule(_))
        ));
    }
    assert!(other.submit(&[job(FIRST, 1, &[])], None).1.is_err());
    runtime.module_replace(name, &answers(4)).unwrap();
    for tenant in [&one, &two] {
        assert_eq!(run_one(tenant, job(FIRST, 1, &[])).results[0], 4);
    }
    runtime.module_unload(name, u64::MAX).unwrap();
    for tenant in [&one, &two, &other] {
        assert!(tenant.submit(&[job(FIRST, 1, &[])], None).1.is_err());
    }
}

#[test]
fn what_can_not_be_loaded_is_refused_and_changes_nothing() {
    let runtime = shared(Mode::Resident);
    let tenant = Guest::from(
        runtime
            .create_tenant(&TenantOptions {
                opcodes: 16,
                ..TenantOptions::default()
            })
            .unwrap(),
    );
    let (name, _) = tenant.module_load(&answers(1)).unwrap();
    let refused = |options: &ModuleOptions| tenant.module_load(options).unwrap_err().status();
    let with_handlers = |handlers: &[HandlerOptions]| module(&answers(1).source, handlers);
    let free = FIRST + 1;
    assert_eq!(refused(&answers(2)), Status::OpcodeTaken);
    let twice = [
        handler(free, "answer", false),
        handler(free, "answer", true),
    ];
    assert_eq!(refused(&with_handlers(&twice)), Status::OpcodeTaken);
    for opcode in [0, op::NOP, FIRST - 1, FIRST + 16, u32::MAX] {
        let outside = [handler(opcode, "answer", false)];
        assert_eq!(refused(&with_handlers(&outside)), Status::InvalidOpcode);
    }
    assert_eq!(refused(&with_handlers(&[])), Status::InvalidArgument);
    let absent = [handler(free, "question", false)];
    assert_eq!(refused(&with_handlers(&absent)), Status::InvalidModule);
    let thirsty = HandlerOptions {
        fuel: runtime.info().most_tile_fuel + 1,
        ..handler(free, "answer", true)
    };
    assert_eq!(refused(&with_handlers(&[thirsty])), Status::InvalidArgument);
    let broken = module(
        "fn answer() { result(0u, x); }",
        &[handler(free, "answer", false)],
    );
    let error = tenant.module_load(&broken).unwrap_err();
    assert_eq!(error.status(), Status::InvalidModule);
    let text = error.to_string();
    assert!(
        text.contains("--> test:1:26") && text.contains("^"),
        "{text}"
    );

    let other_kind = with_handlers(&[handler(FIRST, "answer", true)]);
    let other_opcode = with_handlers(&[handler(free, "answer", false)]);
    for options in [other_kind, other_opcode] {
        let refused = tenant.module_replace(name, &options).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidArgument);
    }
    assert_eq!(run_one(&tenant, job(FIRST, 1, &[])).results[0], 1);
    tenant.module_unload(name, 0).unwrap();
    tenant.module_load(&answers(2)).unwrap();
    assert_eq!(run_one(&tenant, job(FIRST, 1, &[])).results[0], 2);
}

#[test]
fn a_loop_without_end_ends_with_its_fuel() {
    let loops = [
        "loop { }",
        "loop { continuing { } }",
        "while (true) { }",
        "for (;;) { }",
        "loop { continue; }",
        "loop { loop { } }",
        "loop { loop { break; } }",
        "for (var i = 0u; i < 10u; i = i * 1u) { }",
        "loop { switch arg(0u) { default: { continue; } } }",
        "loop { continuing { break if arg(0u) == 1u; } }",
        "spins();",
        "loop { if (left()) { return; } }",
    ];
    let mut source = "
        fn spins() { loop { } }
        fn left() -> bool { for (var i = 0u; i < 3u; i += 1u) { if (arg(0u) == 5u) { return true; } } return false; }
        fn all() { switch arg(9u) {"
        .to_string();
    for (n, body) in loops.iter().enumerate() {
        source += &format!("case {n}u: {{ {body} }}\n");
    }
    source += "default: {} } result(0u, 1u); }";
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let handlers = [
            handler(FIRST, "all", false),
            handler(FIRST + 1, "all", true),
        ];
        tenant.module_load(&module(&source, &handlers)).unwrap();
        for opcode in [FIRST, FIRST + 1] {
            for (n, body) in loops.iter().enumerate() {
                let endless = Job {
                    fuel: 700,
                    flags: TIMING,
                    args: [0, 0, 0, 0, 0, 0, 0, 0, 0, n as u32],
                    ..job(opcode, 1, &[])
                };
                let done = run_one(&tenant, endless);
                assert_eq!(
                    (done.status, done.fault),
                    (FAULTED, fault::FUEL_EXHAUSTED),
                    "{mode:?} {opcode:#x} {body}"
                );
                let lanes = if opcode == FIRST {
                    1
                } else {
                    runtime.info().device.subgroup_size
                };
                assert!(
                    (650 * lanes..=700 * lanes).contains(&done.fuel),
                    "{mode:?} {body}: {}",
                    done.fuel
                );
            }
            let done = run_one(&tenant, job(opcode, 1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 99]));
            assert_eq!(done.status, OK);
        }
    }
}

/// While an unload waits for jobs, the module can't be brought back under it.
#[test]
fn a_module_that_is_being_unloaded_can_not_be_replaced() {
    let runtime = shared(Mode::Resident);
    let tenant = tenant(&runtime);
    let buffer = tenant.buffer_create(1 << 10, false).unwrap();
    let (name, _) = tenant.module_load(&answers(5)).unwrap();
    let slow = Job {
        tiles: 100_000,
        ..fill(buffer, 64, 1, 1)
    };
    let tickets = submit(&tenant, &[slow, with(job(FIRST, 1, &[]), BARRIER)]);
    std::thread::scope(|scope| {
        let unload = scope.spawn(|| tenant.module_unload(name, u64::MAX));
        until("the unload has begun", || {
            matches!(
                tenant.submit(&[job(FIRST, 1, &[])], None).1,
                Err(Error::InvalidOpcode(_))
            )
        });
        assert!(matches!(
            tenant.module_replace(name, &answers(6)),
            Err(Error::UnknownModule(_))
        ));
        unload.join().unwrap().unwrap();
    });
    for ticket in tickets {
        assert_eq!(wait(&tenant, ticket).status, OK);
    }
    let (_, report) = tenant.module_load(&answers(7)).unwrap();
    assert_eq!(report.version, 1);
    assert_eq!(run_one(&tenant, job(FIRST, 1, &[])).results[0], 7);
}
