//! BARRIER, AFTER_OK and epochs.

use crate::kit::*;

/// Epochs tell: the job with the flag begins after all before it have ended.
#[test]
fn a_barrier_job_starts_after_all_earlier_jobs_have_completed() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4096, false).unwrap();
        for waiting in [nop(1, 2), fill(buffer, 1024, 3, 4)] {
            let mut jobs = vec![];
            for i in 0..40 {
                jobs.push(with(
                    if i % 3 == 0 {
                        fill(buffer, 1024, i, 1 + i % 16)
                    } else {
                        spin(50 * (i % 7))
                    },
                    TIMING,
                ));
            }
            jobs.push(with(waiting, TIMING | BARRIER));
            jobs.push(with(nop(3, 4), TIMING));
            let done = run(&tenant, &jobs);
            assert!(done.iter().all(|c| c.status == OK), "{mode:?}: {done:?}");
            let latest = done[..40].iter().map(|c| c.end_epoch).max().unwrap();
            assert!(
                done[40].begin_epoch > latest,
                "{mode:?}: {:?} began before {latest}",
                done[40]
            );
        }
    }
}

/// What a job writes is there for the one behind a barrier.
#[test]
fn a_barrier_job_sees_what_earlier_jobs_wrote() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4 * 5000, false).unwrap();
        let jobs: Vec<Job> = (0..200u32)
            .flat_map(|i| {
                let (words, tiles) = (1 + 37 * i % 5000, 1 + i % 16);
                [
                    with(fill(buffer, words, i, tiles), BARRIER),
                    with(sum(buffer, words, 1 + tiles), AFTER_OK),
                ]
            })
            .collect();
        for (i, pair) in run(&tenant, &jobs).chunks(2).enumerate() {
            let expected = i as u32 * (1 + 37 * i as u32 % 5000);
            assert_eq!(
                (pair[1].status, pair[1].results),
                (OK, [expected, 0]),
                "{mode:?}, pair {i}"
            );
        }
    }
}

/// Whatever kinds of jobs they are.
#[test]
fn after_ok_jobs_run_behind_ok_and_are_skipped_behind_anything_else() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4096, false).unwrap();
        let scalar = nop(5, 6);
        let tiled = fill(buffer, 1024, 7, 4);
        for first in [scalar, tiled, faulty_scalar(), faulty_tiled()] {
            for second in [scalar, tiled] {
                let jobs = [
                    first,
                    with(second, AFTER_OK),
                    with(tiled, AFTER_OK),
                    with(scalar, AFTER_OK | TIMING),
                    second,
                    with(scalar, AFTER_OK),
                    with(tiled, AFTER_OK),
                ];
                let good = first == scalar || first == tiled;
                let (begin, chain) = if good { (OK, OK) } else { (FAULTED, SKIPPED) };
                let done = run(&tenant, &jobs);
                assert_eq!(
                    statuses(&done),
                    [begin, chain, chain, chain, OK, OK, OK],
                    "{mode:?}: {first:?} {second:?}"
                );
                assert!(
                    done.iter().all(|c| (c.status == FAULTED) == (c.fault != 0)),
                    "{mode:?}: {done:?}"
                );
            }
        }
    }
}

#[test]
fn a_skipped_job_does_nothing() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4096, false).unwrap();
        let jobs = [
            faulty_scalar(),
            with(fill(buffer, 1024, 9, 4), AFTER_OK),
            with(nop(1, 2), AFTER_OK),
        ];
        let done = run(&tenant, &jobs);
        assert_eq!(statuses(&done), [FAULTED, SKIPPED, SKIPPED], "{mode:?}");
        assert_eq!(done[2].results, [0, 0], "{mode:?}");
        assert!(
            words(&tenant, buffer, 1024).iter().all(|&w| w == 0),
            "{mode:?}"
        );
    }
}

#[test]
fn the_first_job_of_a_tenant_may_be_after_ok() {
    for mode in MODES {
        let runtime = shared(mode);
        for first in [nop(8, 9), job(op::FILL, 5, &[])] {
            let tenant = tenant(&runtime);
            assert_eq!(
                run_one(&tenant, with(first, AFTER_OK)).status,
                OK,
                "{mode:?}"
            );
        }
    }
}

/// The ring's records are overwritten under the chain many times.
#[test]
fn a_chain_may_be_longer_than_the_ring() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant_with(&runtime, 4);
        let mut next = 0;
        let mut taken = 0;
        while taken < 600 {
            let jobs: Vec<Job> = (next..600.min(next + 7))
                .map(|i| with(nop(i, !i), AFTER_OK))
                .collect();
            next += tenant.submit(&jobs, None).0 as u32;
            for c in take(&tenant, 1) {
                assert_eq!((c.status, c.results), (OK, [taken, !taken]), "{mode:?}");
                taken += 1;
            }
        }
    }
}

#[test]
fn a_job_behind_a_cancelled_one_is_skipped() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(256, false).unwrap();
        let jobs = [
            long(buffer),
            with(nop(1, 2), BARRIER),
            with(nop(3, 4), AFTER_OK),
            nop(5, 6),
        ];
        let tickets = submit(&tenant, &jobs);
        tenant.cancel(tickets[1]).unwrap();
        tenant.cancel(tickets[0]).unwrap();
        let done: Vec<_> = tickets.iter().map(|&t| wait(&tenant, t)).collect();
        assert_eq!(
            statuses(&done),
            [CANCELLED, CANCELLED, SKIPPED, OK],
            "{mode:?}"
        );
    }
}

#[test]
fn epochs_count_up_in_the_order_of_what_happened() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenants = [tenant(&runtime), tenant(&runtime)];
        let buffer = tenants[0].buffer_create(4096, false).unwrap();
        let mut last = None;
        for i in 0..20 {
            let job = if i % 4 == 0 {
                fill(buffer, 1024, i, 3)
            } else {
                spin(i)
            };
            let c = run_one(
                &tenants[if i % 4 == 0 { 0 } else { i as usize % 2 }],
                with(job, TIMING),
            );
            assert!(
                c.begin_epoch < c.end_epoch && last < Some(c.begin_epoch),
                "{mode:?}: {c:?} behind {last:?}"
            );
            last = Some(c.end_epoch);
        }
    }
}

#[test]
fn fuel_is_told_to_who_asks_and_nothing_to_who_does_not() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let [asked, plain] = run(&tenant, &[with(spin(123), TIMING), spin(123)])[..] else {
            panic!()
        };
        // Whether the pass that finds the loop at its end counts is the compiler's business.
        assert!((123..=124).contains(&asked.fuel), "{mode:?}: {asked:?}");
        assert_eq!(asked.results, [spun(123), 0], "{mode:?}");
        assert_eq!(plain.results, asked.results, "{mode:?}");
        assert_eq!(
            (plain.fuel, plain.begin_epoch, plain.end_epoch, plain.digest),
            (0, 0, 0, 0),
            "{mode:?}"
        );
    }
}
