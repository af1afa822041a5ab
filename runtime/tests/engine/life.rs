//! Beginnings and ends: cancel, stop, destroy, and what is left of handles afterwards.

use std::time::Duration;

use crate::kit::*;

// ---------------------------------------------------------------- cancel

#[test]
fn a_cancelled_job_that_waits_does_not_run() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let (slow, buffer) = (
            tenant.buffer_create(256, false).unwrap(),
            tenant.buffer_create(256, false).unwrap(),
        );
        for waiting in [
            with(nop(1, 2), BARRIER),
            with(fill(buffer, 64, 3, 4), BARRIER | TIMING),
        ] {
            let tickets = submit(&tenant, &[long(slow), waiting, nop(5, 6)]);
            tenant.cancel(tickets[1]).unwrap();
            tenant.cancel(tickets[0]).unwrap();
            assert_eq!(wait(&tenant, tickets[1]).status, CANCELLED, "{mode:?}");
            let last = wait(&tenant, tickets[2]);
            assert_eq!((last.status, last.results), (OK, [5, 6]), "{mode:?}");
            assert_eq!(wait(&tenant, tickets[0]).status, CANCELLED, "{mode:?}");
        }
        assert!(
            words(&tenant, buffer, 64).iter().all(|&w| w == 0),
            "{mode:?}"
        );
    }
}

#[test]
fn cancel_cuts_a_running_tiled_job_short() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let ticket = submit(&tenant, &[long(buffer)])[0];
        // Long enough to have begun, and nowhere near the minute that it would take.
        std::thread::sleep(Duration::from_millis(20));
        tenant.cancel(ticket).unwrap();
        // Tiles that are left are still counted one by one.
        assert_eq!(
            tenant.wait(ticket, Wait::Block, PATIENCE).unwrap().status,
            CANCELLED,
            "{mode:?}"
        );
        assert_eq!(run_one(&tenant, nop(1, 2)).status, OK, "{mode:?}");
    }
}

#[test]
fn cancel_leaves_alone_what_has_finished() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let ticket = submit(&tenant, &[nop(1, 2)])[0];
        until("the job is done", || {
            tenant.ticket_state(ticket).unwrap() == rota::TicketState::Done
        });
        tenant.cancel(ticket).unwrap();
        assert_eq!(wait(&tenant, ticket).status, OK, "{mode:?}");
        assert_eq!(
            status(tenant.cancel(ticket)),
            Status::InvalidTicket,
            "{mode:?}"
        );
    }
}

// ---------------------------------------------------------------- stop

#[test]
fn stop_completes_open_jobs_as_cancelled_and_they_can_be_polled() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        assert_eq!(run_one(&tenant, nop(0, 0)).status, OK, "{mode:?}");
        let mut jobs = vec![nop(1, 2), long(buffer), with(nop(3, 4), BARRIER)];
        jobs.extend((0..500).map(|i| Job {
            user_data: i,
            ..with(nop(5, 6), AFTER_OK)
        }));
        let tickets = submit(&tenant, &jobs);
        wait(&tenant, tickets[0]);
        runtime.stop().unwrap();
        let mut done = take(&tenant, 502);
        assert!(done.iter().all(|c| c.status == CANCELLED), "{mode:?}");
        done.sort_by_key(|c| c.ticket);
        assert!(
            done.iter()
                .map(|c| c.ticket)
                .eq(tickets[1..].iter().copied()),
            "{mode:?}"
        );
        assert!(
            done[2..].iter().zip(0..).all(|(c, i)| c.user_data == i),
            "{mode:?}"
        );
        for w in [Wait::Spin, Wait::Adaptive, Wait::Block] {
            assert_eq!(
                status(tenant.poll(&mut done, w, PATIENCE)),
                Status::Stopped,
                "{mode:?}"
            );
        }
        runtime.stop().unwrap();
    }
}

#[test]
fn after_a_stop_nothing_is_accepted_and_memory_can_still_be_read() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        assert_eq!(run_one(&tenant, fill(buffer, 64, 3, 1)).status, OK);
        runtime.stop().unwrap();
        let (accepted, result) = tenant.submit(&[nop(1, 2)], None);
        assert_eq!((accepted, status(result)), (0, Status::Stopped), "{mode:?}");
        assert_eq!(
            status(tenant.buffer_create(16, false)),
            Status::Stopped,
            "{mode:?}"
        );
        assert_eq!(
            status(runtime.create_tenant(&TenantOptions::default()).map(|_| ())),
            Status::Stopped,
            "{mode:?}"
        );
        assert_eq!(words(&tenant, buffer, 64), [3; 64], "{mode:?}");
        tenant.destroy().unwrap();
        assert_eq!(
            status(tenant.submit(&[nop(1, 2)], None).1),
            Status::InvalidHandle,
            "{mode:?}"
        );
    }
}

#[test]
fn stop_wakes_blocked_waiters() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let ticket = submit(&tenant, &[long(buffer)])[0];
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| tenant.wait(ticket, Wait::Block, u64::MAX));
            std::thread::sleep(Duration::from_millis(10));
            runtime.stop().unwrap();
            assert_eq!(
                waiter.join().unwrap().unwrap().status,
                CANCELLED,
                "{mode:?}"
            );
        });
    }
}

#[test]
fn tenants_may_outlive_the_runtime() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let ticket = submit(&tenant, &[fill(buffer, 64, 3, 4)])[0];
        until("the job is done", || {
            tenant.ticket_state(ticket).unwrap() == rota::TicketState::Done
        });
        drop(runtime);
        assert_eq!(wait(&tenant, ticket).status, OK, "{mode:?}");
        assert_eq!(words(&tenant, buffer, 64), [3; 64], "{mode:?}");
        assert_eq!(
            status(tenant.submit(&[nop(1, 2)], None).1),
            Status::Stopped,
            "{mode:?}"
        );
        tenant.destroy().unwrap();
    }
}

// ---------------------------------------------------------------- destroy

#[test]
fn after_destroy_every_call_says_that_the_handle_is_closed() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let ticket = submit(&tenant, &[nop(1, 2)])[0];
        tenant.destroy().unwrap();
        let mut out = [Completion::default()];
        let mut bytes = [0; 4];
        let all = [
            status(tenant.submit(&[nop(1, 2)], None).1),
            status(tenant.poll(&mut out, Wait::Adaptive, PATIENCE)),
            status(tenant.wait(ticket, Wait::Adaptive, PATIENCE)),
            status(tenant.cancel(ticket)),
            status(tenant.ticket_state(ticket)),
            status(tenant.event_fd()),
            status(tenant.buffer_create(16, false)),
            status(tenant.buffer_destroy(buffer)),
            status(tenant.buffer_write(buffer, 0, &bytes)),
            status(tenant.buffer_read(buffer, 0, &mut bytes)),
            status(tenant.buffer_fill(buffer, 0, 4, 1)),
            status(tenant.buffer_map(buffer)),
            status(tenant.buffer_unmap(buffer)),
            status(tenant.buffer_size(buffer)),
            status(tenant.read_into(&[], &mut rota::Outputs::new())),
            status(tenant.destroy()),
        ];
        assert_eq!(all, [Status::InvalidHandle; 16], "{mode:?}");
    }
}

#[test]
fn destroy_wakes_blocked_waiters() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        std::thread::scope(|scope| {
            let waiter =
                scope.spawn(|| tenant.poll(&mut [Completion::default()], Wait::Block, u64::MAX));
            std::thread::sleep(Duration::from_millis(10));
            tenant.destroy().unwrap();
            assert_eq!(
                status(waiter.join().unwrap()),
                Status::InvalidHandle,
                "{mode:?}"
            );
        });
    }
}

/// Jobs of all kinds are queued and one is running when their tenant goes; the neighbour's results don't change.
#[test]
fn a_tenant_that_goes_with_open_jobs_disturbs_nobody() {
    for mode in MODES {
        let runtime = shared(mode);
        let neighbour = tenant(&runtime);
        let theirs = neighbour.buffer_create(4096, false).unwrap();
        assert_eq!(run_one(&neighbour, fill(theirs, 1024, 11, 4)).status, OK);
        for round in 0..30 {
            let guest = tenant_with(&runtime, 64);
            let buffer = guest.buffer_create(4096, false).unwrap();
            let mut jobs = vec![nop(1, 2), spin(500), long(buffer)];
            jobs.extend((0..20).map(|i| {
                if i % 2 == 0 {
                    fill(buffer, 1024, i, 5)
                } else {
                    with(nop(i, i), BARRIER)
                }
            }));
            submit(&guest, &jobs);
            let asked = submit(&neighbour, &[sum(theirs, 1024, 7), nop(round, 3), spin(20)]);
            guest.destroy().unwrap();
            let done: Vec<_> = asked.iter().map(|&t| wait(&neighbour, t)).collect();
            assert_eq!(statuses(&done), [OK; 3], "{mode:?}, round {round}");
            assert_eq!(done[0].results, [11 * 1024, 0], "{mode:?}, round {round}");
            assert_eq!(done[2].results, [spun(20), 0], "{mode:?}, round {round}");
        }
    }
}

/// Places, rings and memory are used again thousands of times.
#[test]
fn tenants_come_and_go_thousands_of_times() {
    for (mode, rounds) in [(Mode::Resident, 3000), (Mode::Batch, 1000)] {
        let runtime = open(RuntimeOptions {
            max_tenants: 5,
            slots: 16,
            ..options(mode)
        });
        let mut others = std::collections::VecDeque::new();
        for round in 0..rounds {
            let tenant = tenant_with(&runtime, 4 << (round % 3));
            let buffer = tenant.buffer_create(1024, false).unwrap();
            let done = run(
                &tenant,
                &[
                    fill(buffer, 256, round, 2),
                    with(sum(buffer, 256, 3), AFTER_OK),
                ],
            );
            let expected = 256 * round as u64;
            assert_eq!(
                done[1].results,
                [expected as u32, (expected >> 32) as u32],
                "{mode:?}, round {round}"
            );
            submit(&tenant, &[nop(1, 2)]);
            others.push_back(tenant);
            if others.len() > 3 {
                others.pop_front();
            }
        }
        drop(others);
        assert_eq!(runtime.info().tenants, 0, "{mode:?}");
        assert_eq!(runtime.info().segments, 1, "{mode:?}");
    }
}

#[test]
fn tickets_and_buffers_of_a_tenant_that_is_gone_name_nothing() {
    for mode in MODES {
        let runtime = open(RuntimeOptions {
            max_tenants: 1,
            ..options(mode)
        });
        let first = tenant(&runtime);
        let ticket = submit(&first, &[nop(1, 2)])[0];
        let buffer = first.buffer_create(16, false).unwrap();
        first.destroy().unwrap();
        let second = tenant(&runtime);
        let other = second.buffer_create(16, false).unwrap();
        assert_ne!(buffer, other, "{mode:?}");
        submit(&second, &[nop(1, 2)]);
        assert_eq!(
            status(second.wait(ticket, Wait::Spin, 0)),
            Status::InvalidTicket,
            "{mode:?}"
        );
        assert_eq!(
            status(second.cancel(ticket)),
            Status::InvalidTicket,
            "{mode:?}"
        );
        assert_eq!(
            status(second.buffer_size(buffer)),
            Status::InvalidHandle,
            "{mode:?}"
        );
        assert_eq!(
            run_one(&second, fill(buffer, 4, 1, 1)).fault,
            fault::INVALID_BUFFER,
            "{mode:?}"
        );
    }
}

/// The error says how many slots would fit, and so many do.
#[test]
fn without_ring_memory_the_error_tells_what_would_fit() {
    for mode in MODES {
        let runtime = open(RuntimeOptions {
            max_tenants: 4,
            slots: 64,
            ..options(mode)
        });
        let big = tenant_with(&runtime, 128);
        let refused = runtime.create_tenant(&TenantOptions {
            label: "too big".into(),
            slots: 256,
            ..TenantOptions::default()
        });
        let Err(Error::OutOfRingMemory {
            slots: 256,
            tenants: 1,
            fit,
        }) = refused
        else {
            panic!("{mode:?}: {:?}", refused.map(|_| ()))
        };
        assert!((64..256).contains(&fit), "{mode:?}: {fit}");
        let fits = tenant_with(&runtime, 1 << fit.ilog2());
        assert_eq!(run_one(&fits, nop(1, 2)).status, OK);
        assert_eq!(run_one(&big, nop(1, 2)).status, OK);
        big.destroy().unwrap();
        assert_eq!(
            run_one(&tenant_with(&runtime, 128), nop(3, 4)).results,
            [3, 4]
        );
    }
}

#[test]
fn there_are_no_more_tenants_than_the_runtime_was_opened_for() {
    let runtime = open(RuntimeOptions {
        max_tenants: 2,
        slots: 64,
        ..options(Mode::Resident)
    });
    let tenants = [tenant_with(&runtime, 4), tenant_with(&runtime, 4)];
    let refused = runtime.create_tenant(&TenantOptions {
        label: "one more".into(),
        slots: 4,
        ..TenantOptions::default()
    });
    // The number of tenants is what lacks, and no ring memory would help.
    assert!(
        matches!(
            refused,
            Err(Error::OutOfTenants {
                tenants: 2,
                most: 2
            })
        ),
        "{:?}",
        refused.map(|_| ())
    );
    tenants[0].destroy().unwrap();
    assert_eq!(run_one(&tenant(&runtime), nop(1, 2)).status, OK);
}
