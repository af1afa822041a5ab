//! What a handler can't do to others, whatever it is: read what they left, lose what they stored, hold up the kernel.

use rota::ring::layout::Without;
use rota::{Experiment, HandlerOptions, ModuleOptions};

use crate::kit::*;

const FIRST: u32 = 0x1000;

fn load(tenant: &Tenant, source: &str, handlers: &[(&str, bool)]) {
    let handlers = handlers.iter().zip(FIRST..);
    let options = ModuleOptions {
        label: "test".into(),
        source: source.into(),
        handlers: handlers
            .map(|(&(function, tiled), opcode)| HandlerOptions {
                opcode,
                function: function.into(),
                tiled,
                fuel: 0,
            })
            .collect(),
    };
    tenant
        .module_load(&options)
        .unwrap_or_else(|e| panic!("{e}"));
}

/// Fills all that a tile has with a canary, and has private variables of its own.
const WRITER: &str = "
    const CANARY = 0x5ec2e7c4u;
    var<private> mine: array<u32, 16>;
    fn writer() {
        for (var i = lane(); i < 2048u; i += lanes()) {
            scratch_store(i, CANARY);
        }
        for (var i = 0u; i < 16u; i += 1u) {
            mine[i] = CANARY;
        }
        var local: array<u32, 16>;
        for (var i = 0u; i < 16u; i += 1u) {
            local[i] = CANARY;
        }
        result(0u, CANARY);
        result(1u, mine[arg(0u)] & local[arg(0u)]);
    }";

/// Counts what of it is left in scratch, in variables that were never set, and in a new buffer.
const LISTENER: &str = "
    const CANARY = 0x5ec2e7c4u;
    var<private> mine: array<u32, 16>;
    fn listener() {
        var found = 0u;
        for (var i = lane(); i < 2048u; i += lanes()) {
            found += select(0u, 1u, scratch_load(i) == CANARY);
        }
        var local: array<u32, 16>;
        for (var i = 0u; i < 16u; i += 1u) {
            found += select(0u, 1u, mine[i] == CANARY) + select(0u, 1u, local[i] == CANARY);
        }
        let b = buffer(arg(0u));
        for (var i = lane(); i < size(b) / 4u; i += lanes()) {
            found += select(0u, 1u, load_u32(b, i) == CANARY);
        }
        if (found != 0u) {
            result_add(0u, found);
        }
    }";

/// How many canaries the listener finds, over so many tiles of each, which take turns.
fn leftovers(runtime: &Runtime, rounds: u32) -> u64 {
    const TILES: u32 = 64;
    let (writer, listener) = (tenant(runtime), tenant(runtime));
    load(&writer, WRITER, &[("writer", true)]);
    load(&listener, LISTENER, &[("listener", true)]);
    let mut found = 0;
    for round in 0..rounds {
        // Memory that the writer gave back is what the listener gets.
        if round % 16 == 0 {
            let full = writer.buffer_create(4096, false).unwrap();
            writer
                .buffer_write(full, 0, &0x5ec2_e7c4u32.to_le_bytes().repeat(1024))
                .unwrap();
            writer.buffer_destroy(full).unwrap();
        }
        let fresh = listener.buffer_create(4096, false).unwrap();
        let writes = submit(&writer, &[job(FIRST, TILES, &[0]); 2]);
        let listens = submit(&listener, &[job(FIRST, TILES, &[fresh]); 2]);
        for ticket in writes {
            assert_eq!(wait(&writer, ticket).status, OK);
        }
        for ticket in listens {
            let done = wait(&listener, ticket);
            assert_eq!(done.status, OK);
            found += u64::from(done.results[0]);
        }
        listener.buffer_destroy(fresh).unwrap();
    }
    found
}

/// With `ROTA_TEST_LEFTOVERS=all`, as `make stress` has it, over a million tiles in each mode.
#[test]
fn nothing_of_one_tenant_is_left_for_another() {
    let all = std::env::var("ROTA_TEST_LEFTOVERS").is_ok_and(|value| value == "all");
    let rounds = if all { 4096 } else { 8 };
    for mode in MODES {
        assert_eq!(leftovers(&open(options(mode)), rounds), 0, "{mode:?}");
    }
}

#[test]
fn without_clearing_leftovers_are_found() {
    let runtime = open(RuntimeOptions {
        experiment: Experiment {
            without: Without {
                clearing: true,
                ..Without::default()
            },
            ..Experiment::default()
        },
        ..options(Mode::Resident)
    });
    assert!(leftovers(&runtime, 8) > 0);
}

/// Lanes that store neighbouring bytes and halves, all at once, over and over.
#[test]
fn stores_of_8_and_16_bits_lose_no_neighbours_update() {
    let source = "
        fn bytes() {
            let b = buffer_mut(arg(0u));
            for (var i = lane(); i < arg(1u); i += lanes()) {
                store_u8(b, tile() * arg(1u) + i, 255u);
                store_u8(b, tile() * arg(1u) + i, tile() * 31u + i * 7u);
            }
        }
        fn halves() {
            let b = buffer_mut(arg(0u));
            for (var i = lane(); i < arg(1u); i += lanes()) {
                store_u16(b, tile() * arg(1u) + i, 65535u);
                store_u16(b, tile() * arg(1u) + i, tile() * 3001u + i * 701u);
            }
        }";
    let runtime = open(RuntimeOptions {
        workers: 3,
        ..options(Mode::Resident)
    });
    let tenant = tenant(&runtime);
    load(&tenant, source, &[("bytes", true), ("halves", true)]);
    // Neither the tiles nor the lanes end at a word.
    let (each, tiles) = (37, 50);
    let buffer = tenant
        .buffer_create(2 * (each * tiles) as u64, false)
        .unwrap();
    for _ in 0..20 {
        tenant
            .buffer_fill(buffer, 0, 2 * (each * tiles) as u64, 0x11)
            .unwrap();
        let mut out = vec![0; (2 * each * tiles) as usize];
        let done = run_one(&tenant, job(FIRST, tiles, &[buffer, each]));
        assert_eq!(done.status, OK);
        tenant.buffer_read(buffer, 0, &mut out).unwrap();
        let expected = (0..each * tiles).map(|n| (n / each * 31 + n % each * 7) as u8);
        assert!(out
            .iter()
            .copied()
            .take((each * tiles) as usize)
            .eq(expected));
        assert!(out[(each * tiles) as usize..].iter().all(|b| *b == 0x11));

        let done = run_one(&tenant, job(FIRST + 1, tiles, &[buffer, each]));
        assert_eq!(done.status, OK);
        tenant.buffer_read(buffer, 0, &mut out).unwrap();
        let expected = (0..each * tiles).map(|n| (n / each * 3001 + n % each * 701) as u16);
        let halves = out.chunks(2).map(|h| u16::from_le_bytes([h[0], h[1]]));
        assert!(halves.eq(expected));
    }
}

/// Loops of different handlers, each just under its own budget: where a driver caps loops, it counts what the lanes of a
/// worker do one after the other.
#[test]
fn lanes_of_different_handlers_each_get_their_budget() {
    let mut source = String::new();
    for n in 0..8 {
        source += &format!(
            "fn h{n}() {{ var x = arg(1u); for (var i = 0u; i < arg(0u); i += 1u) {{ x = x * {}u + {n}u; }} result(0u, x); }}\n",
            2 * n + 3
        );
    }
    let names: Vec<String> = (0..8).map(|n| format!("h{n}")).collect();
    let handlers: Vec<_> = names.iter().map(|n| (n.as_str(), false)).collect();
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        load(&tenant, &source, &handlers);
        let budget = runtime.info().most_scalar_fuel.min(20_000);
        for fuel in [budget, budget / 3, 1000] {
            let jobs: Vec<_> = (0..64)
                .map(|n| Job {
                    fuel,
                    ..job(FIRST + n % 8, 1, &[fuel - 1, n])
                })
                .collect();
            for (n, done) in run(&tenant, &jobs).into_iter().enumerate() {
                let (kind, start) = (n as u32 % 8, n as u32);
                let expected = (0..fuel - 1).fold(start, |x: u32, _| {
                    x.wrapping_mul(2 * kind + 3).wrapping_add(kind)
                });
                assert_eq!(
                    (done.status, done.results[0]),
                    (OK, expected),
                    "{mode:?} {fuel} {n}"
                );
            }
        }
    }
}

/// Where the driver cuts loops short, which Rota's leases don't let happen, no wrong result comes of it.
#[test]
fn a_loop_that_the_driver_cut_short_is_a_fault() {
    let runtime = open(RuntimeOptions {
        experiment: Experiment {
            ignore_loop_cap: true,
            ..Experiment::default()
        },
        // One lease for all of them.
        lease_fuel: 1 << 28,
        ..options(Mode::Resident)
    });
    let capped = shared(Mode::Resident).info().probe.loop_cap != 0;
    let tenant = tenant(&runtime);
    let buffer = tenant.buffer_create(1 << 17, false).unwrap();
    let mut cut = 0;
    for round in 0..10 {
        // Enough at once that a lease can't do all of it.
        let words = 1 << 15;
        let jobs = [
            [spin(20_000); 64].as_slice(),
            &[fill(buffer, words, round, 1)],
        ]
        .concat();
        // A lease ends early where a thread sleeps until a job has completed.
        let done: Vec<_> = submit(&tenant, &jobs)
            .into_iter()
            .map(|ticket| tenant.wait(ticket, Wait::Spin, PATIENCE).unwrap())
            .collect();
        for done in &done {
            if done.status != OK {
                assert_eq!((done.status, done.fault), (FAULTED, fault::LOOP_CUT));
                cut += 1;
            }
        }
        for done in done[..64].iter().filter(|done| done.status == OK) {
            assert_eq!(done.results[0], spun(20_000));
        }
        if done[64].status == OK {
            let mut out = vec![0; 1 << 17];
            tenant.buffer_read(buffer, 0, &mut out).unwrap();
            assert!(out.chunks(4).all(|w| w == round.to_le_bytes()));
        }
    }
    assert_eq!(cut > 0, capped, "{cut}");
}

/// A job that would run for minutes ends when it is cancelled, and when its tenant goes.
#[test]
fn what_runs_looks_whether_it_is_to_end() {
    let runtime = open(options(Mode::Resident));
    let most = runtime.info().most_scalar_fuel;
    let endless = Job {
        fuel: most,
        flags: TIMING,
        ..job(FIRST, 1, &[])
    };
    let source = "fn endless() { loop { } }";
    let one = tenant(&runtime);
    load(&one, source, &[("endless", false)]);
    // Where a device caps loops the budget ends soon, so that it takes some tries to be in time but not too early.
    until("a job that has begun ends as CANCELLED", || {
        let ticket = submit(&one, &[endless])[0];
        let submitted = std::time::Instant::now();
        while submitted.elapsed().as_micros() < 60 {
            std::hint::spin_loop();
        }
        // It may have ended, and been taken by nobody.
        one.cancel(ticket).unwrap();
        let done = wait(&one, ticket);
        let dry = (done.status, done.fault) == (FAULTED, fault::FUEL_EXHAUSTED);
        assert!(done.status == CANCELLED || dry, "{done:?}");
        done.status == CANCELLED && (1..most).contains(&done.fuel)
    });
    // Many of them in the ring, so that some are claimed and some aren't.
    submit(&one, &[endless; 200]);
    let started = std::time::Instant::now();
    one.destroy().unwrap();
    assert!(started.elapsed().as_nanos() < PATIENCE as u128);
    let two = tenant(&runtime);
    assert_eq!(run_one(&two, nop(1, 2)).status, OK);
}
