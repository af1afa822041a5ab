//! Leases that end, kernels that park, positions that wrap, and the ways to wait.

use std::time::{Duration, Instant};

use crate::kit::*;

#[test]
fn an_idle_kernel_parks_and_a_submit_wakes_it() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        for round in 1..=20 {
            until("the runtime parks", || {
                runtime.info().parked && runtime.info().parks >= round
            });
            assert_eq!(
                run_one(&tenant, nop(round as u32, 1)).results,
                [round as u32, 1],
                "{mode:?}"
            );
        }
        until("the runtime parks", || runtime.info().parks >= 21);
        let (leases, wakes) = (runtime.info().leases, runtime.info().wakes);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(
            (runtime.info().leases, runtime.info().wakes),
            (leases, wakes),
            "{mode:?}: parked, and yet at work"
        );
    }
}

/// Whether or not the caller has taken what completed.
#[test]
fn a_kernel_parks_with_completions_untaken() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        submit(&tenant, &[nop(1, 2), nop(3, 4)]);
        until("the runtime parks", || {
            runtime.info().parked && runtime.info().jobs == 2
        });
        assert_eq!(take(&tenant, 2)[1].results, [3, 4], "{mode:?}");
    }
}

#[test]
fn without_an_idle_limit_the_kernel_stays_up() {
    let runtime = open(RuntimeOptions {
        idle_limit_ns: u64::MAX,
        ..options(Mode::Resident)
    });
    let tenant = tenant(&runtime);
    run_one(&tenant, nop(0, 0));
    let parks = runtime.info().parks;
    for round in 0..5 {
        std::thread::sleep(Duration::from_millis(10));
        assert!(!runtime.info().parked);
        assert_eq!(run_one(&tenant, nop(round, 1)).results, [round, 1]);
    }
    assert_eq!(runtime.info().parks, parks);
    assert_eq!(runtime.info().wakes, 1);
}

/// Scalar and tiled jobs, one to three workers, and leases of a few hundred microseconds.
#[test]
fn nothing_is_lost_or_run_twice_where_leases_end() {
    for mode in MODES {
        for workers in 1..=3 {
            let runtime = open(RuntimeOptions {
                workers,
                lease_fuel: 2_000,
                ..options(mode)
            });
            let tenants = [tenant_with(&runtime, 64), tenant_with(&runtime, 64)];
            std::thread::scope(|scope| {
                for tenant in &tenants {
                    scope.spawn(|| counted(tenant, 1500, mode));
                }
            });
            let leases = runtime.info().leases;
            assert!(
                leases > 3,
                "{mode:?}, {workers} workers: only {leases} leases"
            );
            until("leases have told of all jobs", || {
                runtime.info().jobs >= 3000
            });
            assert_eq!(runtime.info().jobs, 3000, "{mode:?}, {workers} workers");
        }
    }
}

/// Runs a mixture of so many jobs, a ring full at a time. Histograms add to memory, so that a tile that ran twice, or
/// not at all, shows.
fn counted(tenant: &Tenant, jobs: u32, mode: Mode) {
    let text = tenant.buffer_create(4096, true).unwrap();
    tenant.buffer_fill(text, 0, 4096, 65).unwrap();
    let counts = tenant.buffer_create(1024, false).unwrap();
    let job = |i: u32| match i % 4 {
        0 => job(op::HISTOGRAM_U8, 2 + i % 15, &[text, 0, 4096, counts, 0]),
        1 => spin(i % 100),
        _ => nop(i, !i),
    };
    let (mut next, mut expected) = (0, 0);
    while next < jobs {
        let batch: Vec<Job> = (next..jobs.min(next + 64)).map(job).collect();
        for (c, i) in run(tenant, &batch).iter().zip(next..) {
            let results = match i % 4 {
                0 => [0, 0],
                1 => [spun(i % 100), 0],
                _ => [i, !i],
            };
            assert_eq!((c.status, c.results), (OK, results), "{mode:?}, job {i}");
            expected += if i % 4 == 0 { 4096 } else { 0 };
        }
        next += batch.len() as u32;
    }
    let counts = words(tenant, counts, 256);
    assert_eq!(
        (counts[65], counts.iter().sum::<u32>()),
        (expected, expected),
        "{mode:?}"
    );
}

/// Positions have 31 bits in shared memory; tickets go on.
#[test]
fn positions_wrap_and_nobody_notices() {
    for mode in MODES {
        let first_position = 0x7fff_ffff - 5;
        let runtime = open(RuntimeOptions {
            first_position,
            workers: 2,
            ..options(mode)
        });
        for slots in [1, 4, 64] {
            let tenant = tenant_with(&runtime, slots);
            let buffer = tenant.buffer_create(1024, false).unwrap();
            let mut tickets = Vec::new();
            for i in 0..20 {
                let job = if i % 3 == 0 {
                    with(fill(buffer, 256, i, 3), AFTER_OK)
                } else {
                    with(nop(i, 7), BARRIER)
                };
                let ticket = submit(&tenant, &[job])[0];
                tickets.push(ticket);
                assert_eq!(
                    wait(&tenant, ticket).status,
                    OK,
                    "{mode:?}, {slots} slots, job {i}"
                );
                assert_eq!(
                    tenant.ticket_state(ticket).unwrap(),
                    rota::TicketState::Taken
                );
            }
            assert!(
                tickets.windows(2).all(|t| t[0] + 1 == t[1]),
                "{mode:?}: {tickets:x?}"
            );
            assert_eq!(
                status(tenant.ticket_state(tickets[19] + 1)),
                Status::InvalidTicket
            );
            // Cancelled, faulted, skipped and long behind it.
            counted(&tenant_with(&runtime, 64), 1000, mode);
        }
    }
}

/// The device counts epochs with 32 bits; completions tell them in full, also to a tenant made behind the wrap.
#[test]
fn epochs_wrap_and_nobody_notices() {
    const FIRST: u32 = u32::MAX - 300;
    for mode in MODES {
        let runtime = open(RuntimeOptions {
            first_epoch: FIRST,
            ..options(mode)
        });
        let mut last = FIRST as u64;
        let mut timed = |tenant: &Guest, i| {
            let ticket = submit(tenant, &[with(nop(i, 0), TIMING)])[0];
            let done = wait(tenant, ticket);
            // Claims that other workers lost have taken some too.
            assert!(
                last <= done.begin_epoch && done.begin_epoch < done.end_epoch,
                "{mode:?}, job {i}: {done:?} after {last}"
            );
            last = done.end_epoch + 1;
        };
        for _ in 0..2 {
            let tenant = tenant(&runtime);
            for i in 0..120 {
                timed(&tenant, i);
            }
            // The pump looks at the device's epoch every 20 ms, at the end of a lease: what it makes of it is next.
            until("the runtime parks", || runtime.info().parked);
            std::thread::sleep(Duration::from_millis(20));
            timed(&tenant, 120);
            until("the runtime parks", || runtime.info().parked);
            timed(&tenant, 121);
        }
        assert!(last > u32::MAX as u64);
    }
}

/// Cancel, skip and revoke just where positions wrap.
#[test]
fn the_wrap_holds_for_what_does_not_run_too() {
    for mode in MODES {
        for before in 0..6 {
            let runtime = open(RuntimeOptions {
                first_position: 0x7fff_ffff - before,
                ..options(mode)
            });
            let tenant = tenant_with(&runtime, 8);
            let buffer = tenant.buffer_create(256, false).unwrap();
            let jobs = [
                faulty_tiled(),
                with(nop(1, 2), AFTER_OK),
                long(buffer),
                with(nop(3, 4), BARRIER),
                nop(5, 6),
            ];
            let tickets = submit(&tenant, &jobs);
            tenant.cancel(tickets[3]).unwrap();
            tenant.cancel(tickets[2]).unwrap();
            let done: Vec<_> = tickets.iter().map(|&t| wait(&tenant, t)).collect();
            assert_eq!(
                statuses(&done),
                [FAULTED, SKIPPED, CANCELLED, CANCELLED, OK],
                "{mode:?}, {before} before"
            );
            let gone = tenant_with(&runtime, 8);
            let buffer = gone.buffer_create(256, false).unwrap();
            submit(
                &gone,
                &[
                    long(buffer),
                    nop(1, 2),
                    with(nop(3, 4), AFTER_OK),
                    nop(5, 6),
                    fill(buffer, 64, 1, 2),
                ],
            );
            gone.destroy().unwrap();
            assert_eq!(
                run_one(&tenant, nop(7, 8)).results,
                [7, 8],
                "{mode:?}, {before} before"
            );
        }
    }
}

// ---------------------------------------------------------------- waiting

#[test]
fn each_way_to_wait_gives_the_same() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let mut out = [Completion::default(); 4];
        for w in [Wait::Spin, Wait::Adaptive, Wait::Block] {
            for i in 0..20 {
                let ticket = submit(
                    &tenant,
                    &[Job {
                        user_data: 99,
                        ..nop(i, 1)
                    }],
                )[0];
                let c = tenant.wait(ticket, w, PATIENCE).unwrap();
                assert_eq!(
                    (c.ticket, c.user_data, c.results),
                    (ticket, 99, [i, 1]),
                    "{mode:?} {w:?}"
                );
                assert_eq!(
                    status(tenant.wait(ticket, w, PATIENCE)),
                    Status::InvalidTicket,
                    "{mode:?} {w:?}"
                );
                let ticket = submit(&tenant, &[nop(i, 2)])[0];
                assert_eq!(
                    tenant.poll(&mut out, w, u64::MAX).unwrap(),
                    1,
                    "{mode:?} {w:?}"
                );
                assert_eq!(
                    (out[0].ticket, out[0].results),
                    (ticket, [i, 2]),
                    "{mode:?} {w:?}"
                );
            }
        }
    }
}

#[test]
fn a_wait_ends_with_its_time() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let ticket = submit(&tenant, &[long(buffer)])[0];
        for w in [Wait::Spin, Wait::Adaptive, Wait::Block] {
            for ns in [0, 20_000, 5_000_000] {
                let started = Instant::now();
                assert_eq!(
                    status(tenant.wait(ticket, w, ns)),
                    Status::Timeout,
                    "{mode:?} {w:?}"
                );
                let poll = tenant.poll(&mut [Completion::default()], w, ns);
                assert_eq!(status(poll), Status::Timeout, "{mode:?} {w:?}");
                assert!(
                    started.elapsed() >= Duration::from_nanos(2 * ns),
                    "{mode:?} {w:?}: too early"
                );
                assert!(
                    started.elapsed() < Duration::from_secs(5),
                    "{mode:?} {w:?}: far too late"
                );
            }
        }
        tenant.cancel(ticket).unwrap();
        assert_eq!(wait(&tenant, ticket).status, CANCELLED, "{mode:?}");
    }
}

#[test]
fn many_blocked_waiters_each_get_their_own() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let tenant = &*tenant;
        std::thread::scope(|scope| {
            for thread in 0..16 {
                scope.spawn(move || {
                    for i in 0..25 {
                        let ticket = submit(tenant, &[nop(thread, i)])[0];
                        let c = tenant.wait(ticket, Wait::Block, PATIENCE).unwrap();
                        assert_eq!(c.results, [thread, i], "{mode:?}");
                    }
                });
            }
        });
    }
}

#[test]
fn the_event_descriptor_is_readable_while_there_is_something_to_take() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let fd = tenant.event_fd().unwrap();
        assert_eq!(tenant.event_fd().unwrap(), fd);
        let readable = |timeout_ms| readable(fd, timeout_ms);
        for _ in 0..20 {
            assert!(!readable(0), "{mode:?}");
            let tickets = submit(&tenant, &[nop(1, 2), nop(3, 4)]);
            assert!(readable(60_000), "{mode:?}");
            wait(&tenant, tickets[1]);
            assert!(readable(60_000), "{mode:?}: there is one more to take");
            wait(&tenant, tickets[0]);
            assert!(!readable(0), "{mode:?}: all is taken");
        }
        let before = submit(&tenant, &[nop(1, 2)])[0];
        assert!(readable(60_000), "{mode:?}");
        assert!(
            readable(0),
            "{mode:?}: it stays readable until the completion is taken"
        );
        wait(&tenant, before);
    }
}

#[test]
fn a_full_ring_accepts_what_fits_and_loses_nothing() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant_with(&runtime, 8);
        let jobs: Vec<Job> = (0..12).map(|i| nop(i, 0)).collect();
        let mut tickets = [0; 12];
        let (accepted, result) = tenant.submit(&jobs, Some(&mut tickets));
        assert_eq!(
            (accepted, status(result)),
            (8, Status::WouldBlock),
            "{mode:?}"
        );
        assert_eq!(tickets[8..], [0; 4]);
        // Slots come back in order: with the second taken before the first, none is free.
        wait(&tenant, tickets[1]);
        assert_eq!(tenant.submit(&jobs[8..], None).0, 0, "{mode:?}");
        wait(&tenant, tickets[0]);
        let (accepted, _) = tenant.submit(&jobs[8..], None);
        assert_eq!(accepted, 2, "{mode:?}");
        let rest: Vec<u32> = take(&tenant, 8).iter().map(|c| c.results[0]).collect();
        assert_eq!(rest, [2, 3, 4, 5, 6, 7, 8, 9], "{mode:?}");
    }
}
