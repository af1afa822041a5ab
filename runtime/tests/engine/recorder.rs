//! The flight recorder: what is in the log, and that running it again gives the same, or shows where it doesn't.

use std::path::{Path, PathBuf};

use rota::replay::{self, Outcome, ReplayOptions, ReplayReport};
use rota::ring::layout::Without;
use rota::{Capture, Experiment, HandlerOptions, ModuleOptions, Quota, RecorderOptions};
use rota_recorder::{Item, Record};

use crate::kit::*;

const FIRST: u32 = 0x1000;

/// A folder for one test's log.
fn folder(name: &str) -> tempfile::TempDir {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::Builder::new()
        .prefix(name)
        .tempdir_in(into)
        .unwrap()
}

fn recorded(mode: Mode, log: &Path, capture: Capture) -> RuntimeOptions {
    RuntimeOptions {
        recorder: Some(RecorderOptions {
            path: log.into(),
            capacity_bytes: 16 << 20,
            capture,
            ..RecorderOptions::default()
        }),
        ..options(mode)
    }
}

fn load(tenant: &Tenant, module: Option<u32>, source: &str, handlers: &[(&str, bool)]) -> u32 {
    let options = ModuleOptions {
        label: "test".into(),
        source: source.into(),
        handlers: (FIRST..)
            .zip(handlers)
            .map(|(opcode, &(function, tiled))| HandlerOptions {
                opcode,
                function: function.into(),
                tiled,
                fuel: 0,
            })
            .collect(),
    };
    match module {
        Some(module) => tenant
            .module_replace(module, &options)
            .map(|_| module)
            .unwrap(),
        None => tenant.module_load(&options).unwrap().0,
    }
}

fn run_again(log: PathBuf, runtime: RuntimeOptions) -> ReplayReport {
    run_again_with(ReplayOptions {
        log,
        runtime,
        context: 4,
        ..ReplayOptions::default()
    })
}

fn run_again_with(options: ReplayOptions) -> ReplayReport {
    let history = replay::read(&options).unwrap();
    replay::replay(&options, &history, &mut |_| {}).unwrap()
}

const WORDS: u32 = 1024;
const BYTES: u64 = 4096;

/// A job that works on two buffers, or on one of them.
fn any_job(rng: &mut Rng, a: u32, b: u32) -> Job {
    let (at, words) = (rng.below(64), 1 + rng.below(WORDS - 64));
    let value = rng.below(1 << 20);
    let job = match rng.below(9) {
        0 => nop(value, 1),
        1 => fill(a, words, value, 1 + words / 256),
        // Within one buffer its tiles could read what others of them write.
        2 if a != b => job(op::COPY, 2, &[a, at, b, 0, words]),
        3 => sum(b, words, 1 + words / 300),
        4 => job(op::MIN_MAX_U32, 3, &[a, at, words]),
        5 => faulty_scalar(),
        6 => job(op::FILL, 2, &[a, WORDS - 5, 10, value]),
        7 => job(FIRST, 1, &[a, value]),
        _ => job(FIRST + 1, 4, &[b, value]),
    };
    match rng.below(6) {
        0 => with(job, AFTER_OK),
        1 => with(job, BARRIER),
        _ => job,
    }
}

fn handlers(version: u32) -> String {
    format!(
        "fn one() {{
            let b = buffer_mut(arg(0u));
            store_u8(b, arg(1u) % size(b), arg(1u) + {version}u);
            result(0u, load_u32(b, 7u));
        }}
        fn many() {{
            let b = buffer_mut(arg(0u));
            for (var i = tile() * 64u + lane(); i < tile() * 64u + 64u; i += lanes()) {{
                atomic_add_u32(b, i, arg(1u));
            }}
            result_add(1u, {version}u);
        }}"
    )
}

/// Two tenants who write, submit, take, grant, load, replace and destroy; gives how many jobs they had. `between` comes after
/// each round.
fn work(runtime: &Runtime, rounds: u32, rng: &mut Rng, mut between: impl FnMut()) -> usize {
    let tenants = [tenant_with(runtime, 256), tenant_with(runtime, 256)];
    let kinds = [("one", false), ("many", true)];
    let modules = [&tenants[0], &tenants[1]].map(|t| load(t, None, &handlers(1), &kinds));
    let mut own = [&tenants[0], &tenants[1]]
        .map(|t| [(); 3].map(|()| t.buffer_create(BYTES, false).unwrap()));
    let shared = own[0][2];
    let granted = tenants[0].buffer_grant(shared, &tenants[1], true).unwrap();
    let mut jobs = 0;
    for round in 0..rounds {
        if round == rounds / 2 {
            load(&tenants[1], Some(modules[1]), &handlers(2), &kinds);
        }
        for (t, tenant) in tenants.iter().enumerate() {
            let bytes: Vec<u8> = (0..200).map(|_| rng.below(256) as u8).collect();
            tenant
                .buffer_write(own[t][0], rng.below(100).into(), &bytes)
                .unwrap();
            tenant.buffer_fill(own[t][1], 40, 500, round as u8).unwrap();
            let third = if t == 0 { shared } else { granted };
            let count = 1 + rng.below(20);
            let batch: Vec<Job> = (0..count)
                .map(|_| {
                    let pick = |n: u32| [own[t][0], own[t][1], third][n as usize];
                    let (a, b) = (pick(rng.below(3)), pick(rng.below(3)));
                    any_job(rng, a, b)
                })
                .collect();
            let tickets = submit(tenant, &batch);
            jobs += tickets.len();
            if rng.below(3) == 0 {
                tenant.cancel(tickets[tickets.len() - 1]).unwrap();
            }
            if rng.below(2) == 0 {
                take(tenant, tickets.len());
            } else {
                // While they run, or wait.
                tenant.buffer_destroy(own[t][0]).unwrap();
                own[t][0] = tenant.buffer_create(BYTES, false).unwrap();
                take(tenant, tickets.len());
            }
        }
        between();
    }
    tenants[0].buffer_take_back(shared, &tenants[1]).unwrap();
    tenants[0].module_unload(modules[0], PATIENCE).unwrap();
    jobs
}

#[test]
fn a_run_can_be_run_again_and_gives_the_same() {
    for mode in MODES {
        let folder = folder("again");
        let log = folder.path().join("log");
        let runtime = open(recorded(mode, &log, Capture::Full));
        let jobs = work(&runtime, 40, &mut Rng(7), || ());
        assert!(runtime.recorder_state().unwrap().log.failure.is_none());
        drop(runtime);
        // On another number of workers, and in the other mode.
        let other = match mode {
            Mode::Batch => Mode::Resident,
            _ => Mode::Batch,
        };
        for as_submitted in [false, true] {
            let report = run_again_with(ReplayOptions {
                log: log.clone(),
                runtime: RuntimeOptions {
                    workers: 3,
                    ..options(other)
                },
                as_submitted,
                ..ReplayOptions::default()
            });
            assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
            assert_eq!(report.jobs, jobs as u64, "{report:?}");
            assert!(report.compared > report.jobs / 4, "{report:?}");
            assert_eq!(report.missing_data, 0);
            assert!(as_submitted || report.rescheduled == 0, "{report:?}");
        }
    }
}

/// The oldest records are overwritten, several times.
#[test]
fn a_full_log_can_be_run_again_from_its_last_checkpoints() {
    let folder = folder("lap");
    let log = folder.path().join("log");
    let wanted = |mode| {
        let mut options = recorded(mode, &log, Capture::Full);
        options.recorder.as_mut().unwrap().capacity_bytes = 4 << 20;
        options
    };
    // The second run goes on in the log of the first.
    for mode in [Mode::Resident, Mode::Batch] {
        let runtime = open(wanted(mode));
        // What is there from the beginning on, and changes all the time.
        let source = "
            fn step() {
                let b = buffer_mut(arg(0u));
                let at = arg(1u) % 512u;
                store_u32(b, at, load_u32(b, at) * 5u + load_u32(b, (at + 77u) % 512u) + 1u);
                result(0u, load_u32(b, at));
            }";
        let module = ModuleOptions {
            label: "step".into(),
            source: source.into(),
            handlers: vec![HandlerOptions {
                opcode: FIRST,
                function: "step".into(),
                tiled: false,
                fuel: 0,
            }],
        };
        let (module, _) = runtime.module_load(&module).unwrap();
        let steady = tenant_with(&runtime, 256);
        runtime.module_grant(module, &steady).unwrap();
        let buffer = steady.buffer_create(2 << 20, false).unwrap();
        steady.buffer_write(buffer, 100, &[9; 1000]).unwrap();
        let other = tenant_with(&runtime, 256);
        let granted = steady.buffer_grant(buffer, &other, false).unwrap();
        let mut n = 0;
        let between = || {
            for of_nops in [false, true, true, true, true, false, true, true, true, true] {
                let step = |n| with(job(FIRST, 1, &[buffer, n]), BARRIER);
                let batch: Vec<Job> = match of_nops {
                    false => (n..n + 100).map(step).collect(),
                    true => (n..n + 256).map(|n| nop(n, n)).collect(),
                };
                submit(&steady, &batch);
                take(&steady, batch.len());
                n += 256;
            }
            run_one(&other, sum(granted, 512, 2));
        };
        work(&runtime, 16, &mut Rng(mode as u64 + 11), between);
        let state = runtime.recorder_state().unwrap();
        assert!(state.log.failure.is_none());
        assert!(state.checkpoints >= 2, "{state:?}");
        assert_eq!((state.failed_checkpoints, state.lost_objects), (0, 0));
        assert!(state.log.oldest_seq > state.log.capacity_cells, "{state:?}");
        // Pieces of the buffers, of which most were never kept twice, and of those that records still name.
        assert!(state.log.objects < 300, "{state:?}");
        drop((steady, other, runtime));
        let runs = replay::count_runs(&log).unwrap();
        assert_eq!((runs.whole, runs.cut), (0, true));
        let checkpoint = runs.checkpoint.expect("there is always one");
        assert!(checkpoint.before >= state.log.oldest_seq);
        let report = run_again(log.clone(), options(Mode::Resident));
        assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
        assert!(report.jobs > 5000, "{report:?}");
        assert!(report.compared > report.jobs / 10 * 9, "{report:?}");
        assert_eq!((report.missing_data, report.missing_records), (0, 0));
    }
    // A later run keeps no object that nobody names.
    let mut afresh = wanted(Mode::Resident);
    afresh.recorder.as_mut().unwrap().start_over = true;
    let runtime = open(afresh);
    assert_eq!(runtime.recorder_state().unwrap().log.objects, 0);
}

/// Tenants, modules and buffers that take the place of others, and jobs whose completions are taken late.
#[test]
fn what_the_host_ends_stays_for_the_jobs_that_were_before() {
    for mode in MODES {
        let folder = folder("order");
        let log = folder.path().join("log");
        let runtime = open(recorded(mode, &log, Capture::Full));
        // Tenants that had light jobs only.
        for n in 0..5 {
            let tenant = tenant(&runtime);
            run_one(&tenant, nop(n, n));
        }
        let (owner, guest) = (tenant(&runtime), tenant(&runtime));
        let kinds = [("one", false), ("many", true)];
        let mut jobs = Vec::new();
        let module = load(&owner, None, &handlers(1), &kinds);
        let buffer = owner.buffer_create(BYTES, false).unwrap();
        let versions = |n| [job(FIRST, 1, &[buffer, n]), job(FIRST + 1, 2, &[buffer, n])];
        // Nobody takes completions meanwhile, so that no record has seen an epoch.
        for n in 0..20 {
            jobs.extend(submit(&owner, &versions(n).map(|job| with(job, BARRIER))));
        }
        load(&owner, Some(module), &handlers(5), &kinds);
        for n in 0..20 {
            jobs.extend(submit(&owner, &versions(n).map(|job| with(job, BARRIER))));
        }
        owner.module_unload(module, PATIENCE).unwrap();
        load(&owner, None, &handlers(9), &kinds);
        for n in 0..20 {
            jobs.extend(submit(&owner, &versions(n).map(|job| with(job, BARRIER))));
        }
        owner.quiesce(PATIENCE).unwrap();
        // What was granted is destroyed while the other one has jobs on it.
        let granted = owner.buffer_grant(buffer, &guest, true).unwrap();
        let on_it = |n| with(fill(granted, 64, n, 2), BARRIER);
        let batch: Vec<Job> = (0..40).map(on_it).collect();
        let theirs = submit(&guest, &batch);
        owner.buffer_destroy(buffer).unwrap();
        for &ticket in &theirs {
            assert_eq!(wait(&guest, ticket).status, OK);
        }
        for &ticket in &jobs {
            assert_eq!(wait(&owner, ticket).status, OK);
        }
        // Another one may get the same place.
        let next = owner.buffer_create(BYTES, false).unwrap();
        run_one(&owner, fill(next, 100, 3, 2));
        run_one(&owner, sum(next, 1024, 2));
        drop((owner, guest));
        let last = tenant(&runtime);
        let buffer = last.buffer_create(BYTES, false).unwrap();
        run_one(&last, fill(buffer, 100, 3, 2));
        run_one(&last, sum(buffer, 1024, 2));
        drop((last, runtime));
        for as_submitted in [false, true] {
            let report = run_again_with(ReplayOptions {
                log: log.clone(),
                runtime: options(mode),
                as_submitted,
                ..ReplayOptions::default()
            });
            assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
            assert_eq!((report.compared, report.same), (169, 169), "{report:?}");
        }
    }
}

/// Jobs that wait for their tenant's limit are not waited for, as long as there is room.
#[test]
fn a_checkpoint_comes_also_beside_jobs_that_wait_for_a_limit() {
    let folder = folder("limit");
    let log = folder.path().join("log");
    let mut wanted = recorded(Mode::Resident, &log, Capture::Full);
    wanted.recorder.as_mut().unwrap().capacity_bytes = 4 << 20;
    let runtime = open(wanted);
    let slow = runtime
        .create_tenant(&TenantOptions {
            slots: 64,
            quota: Quota {
                fuel_per_second: 200_000,
                ..Quota::default()
            },
            ..TenantOptions::default()
        })
        .unwrap();
    let quick = tenant_with(&runtime, 256);
    let backlog = submit(&slow, &[spin(20_000); 32]);
    let batch: Vec<Job> = (0..256).map(|n| nop(n, 1)).collect();
    until("a checkpoint was taken", || {
        submit(&quick, &batch);
        take(&quick, batch.len());
        runtime.recorder_state().unwrap().checkpoints > 1
    });
    for ticket in backlog {
        assert_eq!(wait(&slow, ticket).status, OK);
    }
    drop((slow, quick, runtime));
    let report = run_again(log, options(Mode::Resident));
    assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
}

/// What the buffers hold is more than the object store may have.
#[test]
fn a_checkpoint_that_fails_is_counted_and_leaves_nothing_behind() {
    let folder = folder("too-much");
    let log = folder.path().join("log");
    let mut wanted = recorded(Mode::Resident, &log, Capture::Full);
    let recorder = wanted.recorder.as_mut().unwrap();
    (recorder.capacity_bytes, recorder.object_bytes) = (4 << 20, 3 << 20);
    let runtime = open(wanted);
    let tenant = tenant_with(&runtime, 256);
    let source = "
        fn number() {
            let b = buffer_mut(arg(0u));
            let first = tile() * 16384u;
            for (var i = first + lane(); i < first + 16384u; i += lanes()) {
                store_u32(b, i, i * 2654435761u);
            }
        }";
    load(&tenant, None, source, &[("number", true)]);
    let buffer = tenant.buffer_create(8 << 20, false).unwrap();
    run_one(&tenant, job(FIRST, 128, &[buffer]));
    let batch: Vec<Job> = (0..256).map(|n| nop(n, 1)).collect();
    let state = || runtime.recorder_state().unwrap();
    until("a checkpoint failed", || {
        submit(&tenant, &batch);
        take(&tenant, batch.len());
        state().failed_checkpoints > 0
    });
    // But for the module's source.
    until("what it had kept is gone", || state().log.objects == 1);
    let state = state();
    assert!(state.log.failure.is_none(), "{state:?}");
    assert_eq!((state.checkpoints, state.lost_objects), (0, 0), "{state:?}");
}

/// Every job and its completion, in the order of their tickets, with all that was submitted.
#[test]
fn the_log_has_each_job_and_its_completion() {
    let folder = folder("each");
    let log = folder.path().join("log");
    let runtime = open(recorded(Mode::Resident, &log, Capture::Jobs));
    let tenant = tenant(&runtime);
    let buffer = tenant.buffer_create(4096, false).unwrap();
    let jobs = [
        nop(1, 2),
        Job {
            user_data: 99,
            ..with(fill(buffer, 100, 5, 3), BARRIER)
        },
        faulty_scalar(),
    ];
    let tickets = submit(&tenant, &jobs);
    let done: Vec<Completion> = tickets.iter().map(|&t| wait(&tenant, t)).collect();
    let durable = runtime
        .recorder_sync(std::time::Duration::from_secs(60))
        .unwrap();
    assert!(
        durable >= 7,
        "run, tenant, buffer, three jobs and completions: {durable}"
    );
    // While the runtime still has it.
    let mut seen = Vec::new();
    let mut completions = Vec::new();
    for item in rota_recorder::Reader::open(&log, rota_recorder::Mode::Strict).unwrap() {
        match item.unwrap() {
            Item::Record(entry) => match entry.record {
                Record::Job(job) => seen.push(job),
                Record::Completion(done) => completions.push(done),
                _ => {}
            },
            Item::Missing(missing) => panic!("{missing:?}"),
        }
    }
    assert_eq!(seen.len(), 3);
    for ((job, ticket), seen) in jobs.iter().zip(&tickets).zip(&seen) {
        assert_eq!((seen.ticket, seen.tenant), (*ticket, tenant.id()));
        assert_eq!(
            (
                seen.opcode,
                seen.flags,
                seen.tiles,
                seen.fuel,
                seen.args,
                seen.user_data
            ),
            (
                job.opcode,
                job.flags,
                job.tiles,
                job.fuel,
                job.args,
                job.user_data
            )
        );
    }
    assert_eq!(completions.len(), 3);
    for (taken, seen) in done.iter().zip(&completions) {
        assert_eq!(
            (
                seen.ticket,
                seen.status,
                seen.fault,
                seen.results,
                seen.digest
            ),
            (
                taken.ticket,
                taken.status,
                taken.fault,
                taken.results,
                taken.digest
            )
        );
        assert_eq!(
            (seen.begin_epoch, seen.end_epoch, seen.fuel),
            (taken.begin_epoch, taken.end_epoch, taken.fuel)
        );
    }
    assert_ne!(done[1].digest, 0);
}

/// A small log has room for some of them at a time.
#[test]
fn more_jobs_than_the_log_takes_at_once_are_all_accepted() {
    let folder = folder("turns");
    let log = folder.path().join("log");
    let mut options = recorded(Mode::Resident, &log, Capture::Jobs);
    options.recorder.as_mut().unwrap().capacity_bytes = 64 << 10;
    let runtime = open(options);
    let tenant = tenant_with(&runtime, 1024);
    let jobs: Vec<Job> = (0..600).map(|n| nop(n, 1)).collect();
    let mut tickets = vec![0; jobs.len()];
    let (accepted, result) = tenant.submit(&jobs, Some(&mut tickets));
    assert_eq!((accepted, result.is_ok()), (600, true), "{result:?}");
    for (n, &ticket) in tickets.iter().enumerate() {
        assert_eq!(wait(&tenant, ticket).results[0], n as u32);
    }
    // No room in the ring: the ones before are told.
    let (accepted, result) = tenant.submit(&vec![nop(0, 0); 2000], None);
    assert_eq!(accepted, 1024);
    assert!(matches!(result, Err(rota::Error::WouldBlock)), "{result:?}");
}

/// What depends on data that the log doesn't have is not compared, and not called the same either; with the data it is.
#[test]
fn without_its_data_a_run_is_not_comparable() {
    for capture in [Capture::Jobs, Capture::Digests] {
        let folder = folder("data");
        let log = folder.path().join("log");
        let data: Vec<u8> = (0..4096u32).map(|n| (n * 7) as u8).collect();
        {
            let runtime = open(recorded(Mode::Resident, &log, capture));
            let tenant = tenant(&runtime);
            let buffer = tenant.buffer_create(4096, false).unwrap();
            let other = tenant.buffer_create(4096, false).unwrap();
            tenant.buffer_write(buffer, 0, &data).unwrap();
            run_one(&tenant, sum(buffer, 1024, 2));
            run_one(&tenant, sum(other, 1024, 2));
        }
        let report = run_again(log.clone(), options(Mode::Resident));
        assert_eq!(report.outcome(), Outcome::NotComparable, "{report:?}");
        assert_eq!((report.compared, report.without_data), (1, 1), "{report:?}");
        if capture == Capture::Digests {
            let given = folder.path().join("given");
            std::fs::create_dir(&given).unwrap();
            std::fs::write(given.join("anything.bin"), &data).unwrap();
            std::fs::write(given.join("other.bin"), &data[1..]).unwrap();
            let options = ReplayOptions {
                log,
                data: Some(given),
                runtime: options(Mode::Resident),
                ..ReplayOptions::default()
            };
            let report = run_again_with(options);
            assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
            assert_eq!(report.compared, 2);
        }
    }
}

/// A handler that reads scratch that it has not written gives what another tenant left there, in a kernel that doesn't clear it.
#[test]
fn a_handler_that_reads_what_it_has_not_written_is_the_first_divergence() {
    let folder = folder("scratch");
    let log = folder.path().join("log");
    let runtime = open(RuntimeOptions {
        experiment: Experiment {
            without: Without {
                clearing: true,
                ..Without::default()
            },
            ..Experiment::default()
        },
        ..recorded(Mode::Resident, &log, Capture::Full)
    });
    let (writer, reader) = (tenant(&runtime), tenant(&runtime));
    let write = "fn write() { scratch_store(lane(), arg(0u)); result(0u, 1u); }";
    let read = "fn read() { result_max(0u, scratch_load(lane())); }";
    load(&writer, None, write, &[("write", true)]);
    load(&reader, None, read, &[("read", true)]);
    // Nothing is left where another worker reads, or a new lease: seldom on most drivers, mostly on a busy machine with SwiftShader.
    let left = (0..2000).find_map(|n| {
        run_one(&writer, job(FIRST, 1, &[1000 + n]));
        run_one(&reader, nop(n, 1));
        let done = run_one(&reader, job(FIRST, 1, &[n]));
        (done.results[0] != 0).then_some(done)
    });
    let first = left.expect("without clearing something is left");
    drop((writer, reader, runtime));
    let report = run_again(log, options(Mode::Resident));
    assert_eq!(report.outcome(), Outcome::Different, "{report:?}");
    let found = report.first.unwrap();
    assert_eq!(found.recorded.ticket, first.ticket);
    assert_eq!(found.what(), ["results"]);
    assert_eq!(
        (found.recorded.results[0], found.replayed.results[0]),
        (first.results[0], 0)
    );
    assert!(!report.before.is_empty() && report.before.len() <= 4);
}

/// The sum over tiles of when each came is another one for each order of tiles.
#[test]
fn a_handler_that_reads_a_race_is_the_first_divergence() {
    let folder = folder("race");
    let log = folder.path().join("log");
    let race = "
        fn race() {
            var came = 0u;
            if (lane() == 0u) {
                came = atomic_add_u32(buffer_mut(arg(0u)), 0u, 1u);
            }
            // Some tiles take longer.
            for (var i = 0u; i < 200u + (tile() * 37u) % 1500u; i += 1u) {
                came ^= i;
                came ^= i;
            }
            result_add(0u, came * tile());
        }
        fn sound() { result_add(0u, tile()); }";
    let in_turn = RuntimeOptions {
        workers: 1,
        ..options(Mode::Resident)
    };
    let prepare = |runtime: &Runtime| {
        let tenant = tenant(runtime);
        load(&tenant, None, race, &[("race", true), ("sound", true)]);
        let buffer = tenant.buffer_create(64, false).unwrap();
        (tenant, buffer)
    };
    // Each with a count that starts at 0.
    let came_in = |tenant: &Guest, buffer: u32| {
        tenant.buffer_fill(buffer, 0, 4, 0).unwrap();
        run_one(tenant, job(FIRST, 64, &[buffer])).results[0]
    };
    let expected = {
        let runtime = open(in_turn.clone());
        let (tenant, buffer) = prepare(&runtime);
        came_in(&tenant, buffer)
    };
    let runtime = open(RuntimeOptions {
        workers: 2,
        ..recorded(Mode::Resident, &log, Capture::Full)
    });
    let (tenant, buffer) = prepare(&runtime);
    // On a busy machine one worker may do all tiles of a job, and of many.
    until("two workers were at one job", || {
        run_one(&tenant, job(FIRST + 1, 64, &[]));
        came_in(&tenant, buffer) != expected
    });
    drop((tenant, runtime));
    let report = run_again(log, in_turn);
    assert_eq!(report.outcome(), Outcome::Different, "{report:?}");
    assert_eq!(
        report.by_opcode.into_iter().collect::<Vec<_>>(),
        [(FIRST, 1)]
    );
    assert_eq!(report.first.unwrap().what(), ["results"]);
}

/// What ends as FAULTED, CANCELLED or REVOKED, and what is destroyed with jobs in it, keeps a log replayable.
#[test]
fn jobs_that_did_not_end_are_told_and_not_run() {
    let folder = folder("ended");
    let log = folder.path().join("log");
    let runtime = open(recorded(Mode::Resident, &log, Capture::Full));
    let tenant = tenant(&runtime);
    let buffer = tenant.buffer_create(4096, false).unwrap();
    let tickets = submit(&tenant, &[long(buffer), with(nop(1, 2), BARRIER)]);
    tenant.cancel(tickets[0]).unwrap();
    assert_eq!(wait(&tenant, tickets[0]).status, CANCELLED);
    wait(&tenant, tickets[1]);
    submit(&tenant, &[long(buffer)]);
    // One without epochs, just before its tenant goes.
    let last = tenant_with(&runtime, 8);
    assert_eq!(run_one(&last, nop(3, 4)).status, OK);
    last.destroy().unwrap();
    tenant.destroy().unwrap();
    drop((tenant, last, runtime));
    let report = run_again(log, options(Mode::Resident));
    assert_eq!(report.outcome(), Outcome::Same, "{report:?}");
    assert_eq!((report.jobs, report.not_ended), (4, 2), "{report:?}");
    assert_eq!((report.compared, report.without_data), (2, 0), "{report:?}");
}

#[test]
fn what_is_no_log_or_has_none_is_named() {
    let folder = folder("wrong");
    let path = folder.path().join("text");
    std::fs::write(
        &path,
        "not a log, but long enough to be a header page".repeat(400),
    )
    .unwrap();
    let options_for = |path: &Path| ReplayOptions {
        log: path.into(),
        ..ReplayOptions::default()
    };
    for (path, says, status) in [
        (path.clone(), "another program's file", Status::NotALog),
        (folder.path().into(), "a folder", Status::NotALog),
        (folder.path().join("none"), "no such log", Status::IoError),
    ] {
        let e = replay::read(&options_for(&path)).unwrap_err();
        assert!(e.to_string().contains(says), "{e}");
        assert_eq!(e.status(), status, "{e}");
    }
    for (capacity_bytes, capture) in [(100, Capture::Jobs), (4 << 20, Capture::Full)] {
        let path = folder.path().join("small");
        let small = Runtime::open(&RuntimeOptions {
            recorder: Some(RecorderOptions {
                path: path.clone(),
                capacity_bytes: capacity_bytes - 1,
                capture,
                ..RecorderOptions::default()
            }),
            ..options(Mode::Resident)
        });
        let e = small.err().expect("it is too small");
        assert_eq!(e.status(), Status::InvalidArgument);
        assert!(!path.exists());
    }
    let log = folder.path().join("log");
    let first = open(recorded(Mode::Resident, &log, Capture::Jobs));
    let e = Runtime::open(&recorded(Mode::Resident, &log, Capture::Jobs))
        .err()
        .unwrap();
    assert_eq!(e.status(), Status::LogInUse, "{e}");
    let e = shared(Mode::Resident).recorder_state().unwrap_err();
    assert_eq!(e.status(), Status::WrongState, "{e}");
    drop(first);
    open(recorded(Mode::Resident, &log, Capture::Jobs));
    assert_eq!(replay::count_runs(&log).unwrap().whole, 2);
}
