//! The life of a tenant: quiesce, drain, revoke, destroy; ids, counters, and who is picked.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rota::completion_status::REVOKED;
use rota::{State, TenantCounters};

use crate::kit::*;

/// A millisecond: long enough for a look, and not for what these tests run.
const SOON: u64 = 1_000_000;

#[test]
fn quiesce_waits_for_what_was_submitted_and_changes_nothing() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        tenant.quiesce(0).unwrap();
        let buffer = tenant.buffer_create(256, false).unwrap();
        let tickets = submit(&tenant, &[long(buffer), nop(1, 2)]);
        for timeout in [0, SOON] {
            assert_eq!(status(tenant.quiesce(timeout)), Status::Timeout, "{mode:?}");
        }
        tenant.cancel(tickets[0]).unwrap();
        tenant.quiesce(PATIENCE).unwrap();
        let mut out = [Completion::default(); 4];
        let there = tenant.poll(&mut out, Wait::Spin, 0);
        assert_eq!(there.unwrap(), 2, "{mode:?}: all are there");
        assert_eq!(tenant.state(), State::Active);
        assert_eq!(run_one(&tenant, nop(1, 2)).status, OK);
        let counters = tenant.counters();
        assert_eq!((counters.quiesces, counters.quiesce_timeouts), (4, 2));
        assert!(counters.quiesce_ns >= SOON);
    }
}

#[test]
fn a_drained_tenant_takes_no_jobs_and_finishes_its_own() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let tickets = submit(&tenant, &[long(buffer), nop(1, 2)]);
        assert_eq!(status(tenant.drain(SOON)), Status::Timeout, "{mode:?}");
        assert_eq!(tenant.state(), State::Draining);
        // What the device goes on with meanwhile is left out.
        let counters = || TenantCounters {
            completed: 0,
            fuel: 0,
            lag: 0,
            ..tenant.counters()
        };
        let before = counters();
        let (accepted, refused) = tenant.submit(&[nop(3, 4)], None);
        assert_eq!((accepted, status(refused)), (0, Status::WrongState));
        assert_eq!(counters(), before, "nothing changed");
        // What it has can still be cancelled, and its buffers used.
        tenant.cancel(tickets[0]).unwrap();
        tenant.drain(PATIENCE).unwrap();
        tenant.drain(0).unwrap();
        tenant.quiesce(0).unwrap();
        assert_eq!(wait(&tenant, tickets[0]).status, CANCELLED, "{mode:?}");
        assert_eq!(wait(&tenant, tickets[1]).results, [1, 2], "{mode:?}");
        tenant.buffer_write(buffer, 0, &[1; 8]).unwrap();
        tenant.destroy().unwrap();
        assert_eq!(tenant.state(), State::Gone);
        assert_eq!(status(tenant.drain(0)), Status::InvalidHandle);
        assert_eq!(status(tenant.quiesce(0)), Status::InvalidHandle);
    }
}

#[test]
fn a_revoked_tenants_jobs_end_and_can_be_taken() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant_with(&runtime, 64);
        let buffer = tenant.buffer_create(256, false).unwrap();
        tenant.buffer_write(buffer, 0, &[9; 4]).unwrap();
        let mut jobs = vec![nop(1, 2), long(buffer)];
        jobs.extend((0..40).map(|n| with(nop(n, 1), BARRIER)));
        let tickets = submit(&tenant, &jobs);
        wait(&tenant, tickets[0]);
        tenant.revoke(PATIENCE).unwrap();
        assert_eq!(tenant.state(), State::Revoked);
        assert_eq!(status(tenant.revoke(PATIENCE)), Status::WrongState);
        assert_eq!(status(tenant.drain(0)), Status::WrongState);
        let (accepted, refused) = tenant.submit(&[nop(3, 4)], None);
        assert_eq!((accepted, status(refused)), (0, Status::WrongState));
        let created = tenant.buffer_create(16, false);
        assert_eq!(status(created), Status::WrongState);
        tenant.quiesce(PATIENCE).unwrap();
        let left = take(&tenant, 41);
        assert!(statuses(&left).iter().all(|&s| s == REVOKED), "{mode:?}");
        let seen: HashSet<u64> = left.iter().map(|c| c.ticket).collect();
        assert_eq!(seen, tickets[1..].iter().copied().collect());
        let counters = tenant.counters();
        assert_eq!(counters.taken[REVOKED as usize], 41);
        assert_eq!((counters.outstanding, counters.lag), (0, 0));
        // Its memory stays until it is destroyed.
        words(&tenant, buffer, 64);
        tenant.destroy().unwrap();
        assert_eq!(status(tenant.revoke(0)), Status::InvalidHandle);
        assert_eq!(tenant.state(), State::Gone);
    }
}

#[test]
fn a_revoke_wakes_a_parked_kernel() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        run_one(&tenant, nop(1, 2));
        until("the kernel is parked", || runtime.info().parked);
        tenant.revoke(PATIENCE).unwrap();
        tenant.destroy().unwrap();
        // Blocked for an answer that never comes, one is told of the end.
        let tenant = crate::kit::tenant(&runtime);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| tenant.quiesce(u64::MAX));
            waiter.join().unwrap().unwrap();
        });
    }
}

/// Far more revokes are given up than the runtime's own ring has slots; each goes on when it is asked for again.
#[test]
fn a_revoke_that_is_given_up_keeps_nobody_waiting() {
    let runtime = open(options(Mode::Auto));
    let tenants: Vec<Guest> = (0..60).map(|_| tenant_with(&runtime, 4)).collect();
    for tenant in &tenants {
        submit(tenant, &[nop(1, 2); 4]);
        match tenant.revoke(0) {
            Ok(_) | Err(Error::Timeout) => {}
            Err(e) => panic!("{e}"),
        }
        assert_eq!(tenant.state(), State::Revoked);
    }
    let late = tenant(&runtime);
    late.revoke(PATIENCE).unwrap();
    for (i, tenant) in tenants.iter().enumerate() {
        // Some go straight on to the end.
        if i % 3 != 0 {
            match tenant.revoke(PATIENCE) {
                // It had come to its end before.
                Ok(_) | Err(Error::WrongState(_)) => {}
                Err(e) => panic!("{e}"),
            }
            tenant.quiesce(PATIENCE).unwrap();
            assert_eq!(take(tenant, 4).len(), 4);
        }
        tenant.destroy().unwrap();
    }
    assert_eq!(runtime.tenants(), [late.id()]);
}

/// Publishers race with a drain or a revoke: each submit is refused as a whole, or all of its jobs are answered.
#[test]
fn what_is_accepted_while_the_tenant_closes_is_answered() {
    for mode in MODES {
        let runtime = shared(mode);
        for round in 0..30 {
            let tenant = tenant_with(&runtime, 64);
            let accepted = AtomicU64::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| loop {
                        let (count, result) = tenant.submit(&[nop(1, 2), nop(3, 4)], None);
                        accepted.fetch_add(count as u64, Ordering::Relaxed);
                        match result {
                            Ok(()) => {}
                            Err(Error::WouldBlock) => std::thread::yield_now(),
                            Err(Error::WrongState(_)) => break,
                            Err(e) => panic!("{e}"),
                        }
                    });
                }
                let mut taken = 0;
                let mut out = [Completion::default(); 16];
                for _ in 0..round {
                    taken += tenant.poll(&mut out, Wait::Spin, SOON).unwrap_or(0) as u64;
                }
                if round % 2 == 0 {
                    tenant.revoke(PATIENCE).unwrap();
                    tenant.quiesce(PATIENCE).unwrap();
                } else {
                    tenant.drain(PATIENCE).unwrap();
                }
                let counters = tenant.counters();
                assert_eq!(counters.lag, 0, "{mode:?}");
                assert_eq!(counters.submitted, counters.completed);
                while taken < counters.submitted {
                    taken += tenant.poll(&mut out, Wait::Spin, 0).unwrap() as u64;
                }
            });
            assert_eq!(tenant.counters().submitted, accepted.into_inner());
        }
    }
}

/// Waiters come to their wait at the very moment at which all who wait are woken.
#[test]
fn who_waits_while_the_tenant_is_destroyed_is_woken() {
    for mode in MODES {
        let runtime = shared(mode);
        for round in 0..300u64 {
            let tenant = tenant_with(&runtime, 64);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        let started = Instant::now();
                        let mut out = [Completion::default(); 4];
                        let ended = loop {
                            let polled = tenant.poll(&mut out, Wait::Block, PATIENCE);
                            if polled.is_err() {
                                break status(polled);
                            }
                        };
                        assert_eq!(ended, Status::InvalidHandle);
                        // Else it was its deadline that ended the wait.
                        assert!(started.elapsed() < Duration::from_nanos(PATIENCE));
                    });
                }
                submit(&tenant, &[nop(1, 2), nop(3, 4)]);
                let moment = Instant::now() + Duration::from_micros(5 * (round % 60));
                while Instant::now() < moment {
                    std::thread::yield_now();
                }
                tenant.destroy().unwrap();
            });
        }
    }
}

#[test]
fn a_stopped_runtime_has_nothing_to_wait_for() {
    for mode in MODES {
        let runtime = open(options(mode));
        let [one, other] = [(); 2].map(|()| tenant(&runtime));
        let buffer = one.buffer_create(256, false).unwrap();
        submit(&one, &[long(buffer)]);
        runtime.stop().unwrap();
        one.quiesce(0).unwrap();
        one.drain(0).unwrap();
        assert_eq!(status(one.revoke(PATIENCE)), Status::Stopped, "{mode:?}");
        assert_eq!(take(&one, 1)[0].status, CANCELLED);
        one.destroy().unwrap();
        other.destroy().unwrap();
        assert_eq!(runtime.tenants(), [0u64; 0]);
    }
}

#[test]
fn an_id_is_never_anothers() {
    let runtime = open(RuntimeOptions {
        max_tenants: 3,
        slots: 4,
        ..options(Mode::Auto)
    });
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let tenants = [(); 3].map(|()| tenant(&runtime));
        let mut ids = tenants.each_ref().map(|t| t.id());
        ids.sort_unstable();
        assert_eq!(runtime.tenants(), ids);
        for tenant in &tenants {
            assert!(tenant.id() != 0 && seen.insert(tenant.id()));
            assert_eq!(runtime.tenant(tenant.id()).unwrap().id(), tenant.id());
        }
        // The number of tenants is what lacks, and not ring memory.
        match runtime.create_tenant(&TenantOptions::default()) {
            Err(
                e @ Error::OutOfTenants {
                    tenants: 3,
                    most: 3,
                },
            ) => {
                assert_eq!(e.status(), Status::OutOfRingMemory)
            }
            other => panic!("{:?}", other.map(|t| t.id())),
        }
        submit(&tenants[0], &[nop(1, 2); 3]);
        let [first, ..] = &tenants;
        let kept = (**first).clone();
        drop(tenants);
        let _next = [(); 3].map(|()| tenant(&runtime));
        let counters = kept.counters();
        assert_eq!((counters.submitted, counters.completed), (3, 3));
        assert_eq!(counters.used, [0; 7]);
        assert!(ids.iter().all(|&id| runtime.tenant(id).is_none()));
    }
    for never in [0, 1, u64::MAX, 5 << 32] {
        assert!(runtime.tenant(never).is_none());
    }
}

#[test]
fn out_of_ring_memory_tells_what_would_fit() {
    let runtime = open(RuntimeOptions {
        max_tenants: 8,
        slots: 64,
        ..options(Mode::Auto)
    });
    let full = |slots| {
        let options = TenantOptions {
            slots,
            ..TenantOptions::default()
        };
        match runtime.create_tenant(&options) {
            Err(Error::OutOfRingMemory { slots: s, fit, .. }) => {
                assert_eq!(s, slots);
                fit
            }
            Err(e) => panic!("{e}"),
            Ok(tenant) => {
                tenant.destroy().unwrap();
                slots
            }
        }
    };
    let mut tenants: Vec<Guest> = (0..7).map(|_| tenant_with(&runtime, 64)).collect();
    let fit = full(1024);
    assert!((64..1024).contains(&fit), "{fit}");
    assert_eq!(full(64), 64);
    // Free memory in two pieces: what is told is the larger piece, and that fits.
    tenants.remove(2);
    tenants.remove(4);
    let fit = full(1024);
    assert_eq!(full(1 << fit.ilog2()), 1 << fit.ilog2(), "{fit}");
    let next = 2 << fit.ilog2();
    assert!(full(next) < next);
}

#[test]
fn counters_tell_what_was_done() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenants = [(); 3].map(|()| tenant_with(&runtime, 64));
        let tenant = &tenants[1];
        let buffer = tenant.buffer_create(1024, false).unwrap();
        tenant.buffer_write(buffer, 0, &[1; 100]).unwrap();
        tenant.buffer_fill(buffer, 0, 50, 1).unwrap();
        tenant.buffer_read(buffer, 0, &mut [0; 30]).unwrap();
        let after_fault = with(nop(1, 1), AFTER_OK);
        let jobs = [
            nop(1, 2),
            fill(buffer, 64, 1, 4),
            faulty_scalar(),
            after_fault,
            faulty_tiled(),
        ];
        run(tenant, &jobs);
        submit(tenant, &[nop(1, 2)]);
        tenant.quiesce(PATIENCE).unwrap();
        let counters = tenant.counters();
        assert_eq!((counters.submitted, counters.completed), (6, 6), "{mode:?}");
        let mut taken = [0; 8];
        (
            taken[OK as usize],
            taken[FAULTED as usize],
            taken[SKIPPED as usize],
        ) = (2, 2, 1);
        assert_eq!(counters.taken, taken, "{mode:?}");
        let mut faulted = [0; 16];
        faulted[fault::FUEL_EXHAUSTED as usize] = 1;
        faulted[fault::INVALID_BUFFER as usize] = 1;
        assert_eq!(counters.faulted, faulted, "{mode:?}");
        assert_eq!(
            (counters.tiles, counters.bytes_in, counters.bytes_out),
            (7, 150, 30)
        );
        assert_eq!((counters.outstanding, counters.lag), (1, 0));
        assert_eq!(counters.used, [1, 0, 1, 1024, 0, 0, 0]);
        // All tenants at once, in the order of their ids, as far as there is room.
        let mut all = [TenantCounters::default(); 5];
        assert_eq!(runtime.counters(&mut []), 3);
        assert_eq!(runtime.counters(&mut all[..2]), 3);
        assert_eq!(all[2], TenantCounters::default());
        assert_eq!(runtime.counters(&mut all), 3);
        let ids: Vec<u64> = all[..3].iter().map(|c| c.id).collect();
        assert_eq!(ids, runtime.tenants());
        assert!(all.contains(&tenant.counters()));
    }
}

#[test]
fn only_registered_tenants_are_picked() {
    let runtime = open(options(Mode::Auto));
    let tenants = [(); 3].map(|()| tenant_with(&runtime, 4));
    let ids = runtime.tenants();
    let mut out = [9; 3];
    let all_conflict = [1; 9];
    let mut seen = HashSet::new();
    for _ in 0..3 {
        assert_eq!(runtime.pick(&ids, &all_conflict, &mut out).unwrap(), 1);
        seen.insert(out[0]);
    }
    assert_eq!(seen.len(), 3, "each has its turn");
    assert_eq!(runtime.pick(&ids, &[0; 9], &mut out).unwrap(), 3);
    assert_eq!(out, [0, 1, 2]);
    tenants[0].destroy().unwrap();
    let gone = runtime.pick(&ids, &[0; 9], &mut out);
    assert_eq!(status(gone), Status::InvalidHandle);
    for (matrix, room) in [(8, 3), (10, 3), (9, 2)] {
        let refused = runtime.pick(
            &ids,
            &all_conflict[..8].repeat(2)[..matrix],
            &mut out[..room],
        );
        assert_eq!(status(refused), Status::InvalidArgument);
    }
}
