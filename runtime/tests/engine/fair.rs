//! Who is served when: weights, classes, shares, exclusion groups, and turns around the wrap of rounds.
//!
//! What counts is what the device counts, fuel and epochs, so that no machine is too slow for it.

use crate::kit::*;
use rota::job_flags::{BACKGROUND, NORMAL};
use rota::{Class, Completion, Quota, TicketState};

fn tenant_of(runtime: &Runtime, options: TenantOptions) -> Guest {
    Guest::from(runtime.create_tenant(&options).unwrap())
}

/// Rings that hold so much that none is empty before the test has looked.
const DEEP: u32 = 8192;
/// Jobs of a backlog that has to end soon.
const BACKLOG: usize = 250;

/// What each of these tenants got of the device while all of them had work, in fuel. All get the same jobs. Where this
/// thread was kept from looking until somebody had none left, it is done again.
fn shares(runtime: &Runtime, tenants: &[Guest], each: u32, until_fuel: u64) -> Vec<u64> {
    let fuel = || -> Vec<u64> { tenants.iter().map(|t| t.counters().fuel).collect() };
    let since = |before: &[u64]| -> Vec<u64> {
        let now = fuel();
        now.iter().zip(before).map(|(now, b)| now - b).collect()
    };
    let started = std::time::Instant::now();
    loop {
        let idle = fuel();
        for tenant in tenants {
            submit(tenant, &vec![spin(each); DEEP as usize]);
        }
        // A lease that began before all had work may go on for a while in BATCH mode.
        until("all have been served", || {
            since(&idle).iter().all(|&n| n != 0)
        });
        let before = fuel();
        until("the first tenant has spent enough", || {
            since(&before).into_iter().max() >= Some(until_fuel)
        });
        let spent = since(&before);
        let all = u64::from(DEEP) * u64::from(each);
        if since(&idle).into_iter().all(|n| n < all) {
            runtime.stop().unwrap();
            return spent;
        }
        assert!(
            started.elapsed().as_nanos() < u128::from(PATIENCE),
            "this thread is always too late"
        );
        for tenant in tenants {
            take(tenant, DEEP as usize);
        }
    }
}

/// Each gets what its weight says, within a few claims. Also where rounds wrap, and where a tenant was away for long.
#[test]
fn weights_decide_who_gets_how_much() {
    const WEIGHTS: [u32; 4] = [1, 2, 5, 10];
    for mode in MODES {
        for first_round in [0, u32::MAX - 20] {
            let runtime = open(RuntimeOptions {
                first_round,
                ..options(mode)
            });
            let tenants = WEIGHTS.map(|weight| {
                tenant_of(
                    &runtime,
                    TenantOptions {
                        slots: DEEP,
                        weight,
                        ..TenantOptions::default()
                    },
                )
            });
            let spent = shares(&runtime, &tenants, 1000, 6_000_000);
            let all = spent.iter().sum::<u64>() as f64;
            for (weight, spent) in WEIGHTS.into_iter().zip(&spent) {
                let (share, due) = (*spent as f64 / all, f64::from(weight) / 18.0);
                assert!(
                    (share / due - 1.0).abs() < 0.06,
                    "{mode:?} from round {first_round}: weight {weight} got {share:.4}, due is {due:.4}"
                );
            }
        }
    }
}

/// How many of these jobs are done, which end in order.
fn done(tenant: &Tenant, tickets: &[u64]) -> usize {
    tickets.partition_point(|&t| tenant.ticket_state(t).unwrap() == TicketState::Done)
}

/// With more tenants than a look sees it serves several of them, and weights count as ever.
#[test]
fn weights_decide_where_a_look_serves_several() {
    let runtime = open(options(Mode::Resident));
    let lanes = runtime.info().device.subgroup_size;
    let weights: Vec<u32> = (0..3 * lanes).map(|i| [100, 300][i as usize % 2]).collect();
    // A GPU's ring memory has so many slots in all.
    let deep = 1 << ((1 << 18) / (3 * lanes)).ilog2().min(DEEP.ilog2());
    let tenants: Vec<_> = weights
        .iter()
        .map(|&weight| {
            let options = TenantOptions {
                slots: deep,
                weight,
                ..TenantOptions::default()
            };
            tenant_of(&runtime, options)
        })
        .collect();
    let started = std::time::Instant::now();
    let counts = loop {
        let jobs = vec![nop(1, 2); deep as usize];
        let tickets: Vec<_> = tenants.iter().map(|t| submit(t, &jobs)).collect();
        // Again where this thread was kept from looking at all of them within a moment.
        let now = || loop {
            let each = tenants.iter().zip(&tickets);
            let counts: Vec<_> = each
                .map(|(tenant, tickets)| done(tenant, tickets))
                .collect();
            if done(&tenants[0], &tickets[0]) - counts[0] <= 64 {
                break counts;
            }
        };
        let before = now();
        until("somebody has been served much", || {
            let mut counts = now().into_iter().zip(&before);
            counts.any(|(now, was)| now - was >= jobs.len() * 3 / 8 || now == jobs.len())
        });
        let counts = now();
        if counts.iter().all(|&n| n < jobs.len()) {
            let served = counts.iter().zip(&before).map(|(now, was)| now - was);
            break served.collect::<Vec<_>>();
        }
        assert!(
            started.elapsed().as_nanos() < u128::from(PATIENCE),
            "this thread is always too late"
        );
        for tenant in &tenants {
            take(tenant, jobs.len());
        }
    };
    let of = |weight| {
        let all = counts
            .iter()
            .zip(&weights)
            .filter(move |(_, &w)| w == weight);
        all.map(|(&n, _)| n as f64).collect::<Vec<_>>()
    };
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let ratio = mean(&of(300)) / mean(&of(100));
    assert!((2.7..3.3).contains(&ratio), "{ratio}: {counts:?}");
    for weight in [100, 300] {
        let (of, mean) = (of(weight), mean(&of(weight)));
        assert!(
            of.iter().all(|n| (n / mean - 1.0).abs() < 0.25),
            "{counts:?}"
        );
    }
}

#[test]
fn a_weight_can_be_changed_while_jobs_run() {
    let runtime = open(options(Mode::Resident));
    let tenants = [100, 100].map(|weight| {
        tenant_of(
            &runtime,
            TenantOptions {
                slots: DEEP,
                weight,
                ..TenantOptions::default()
            },
        )
    });
    tenants[1].set_weight(400).unwrap();
    let spent = shares(&runtime, &tenants, 1000, 4_000_000);
    let ratio = spent[1] as f64 / spent[0] as f64;
    assert!((3.7..4.3).contains(&ratio), "{spent:?}");
}

/// Jobs of a tenant that was away, beside others with backlogs, as many as a worker sees in one look: by how many epochs
/// later they began than submitted. The median, since a stall of this thread counts as if it was the kernel's.
fn overtaken(runtime: &Runtime, guest: &TenantOptions) -> usize {
    let in_sight = runtime.info().device.subgroup_size - 1;
    let busy: Vec<_> = (0..in_sight.min(7))
        .map(|_| tenant_of(runtime, TenantOptions::default()))
        .collect();
    let guest = tenant_of(runtime, guest.clone());
    // Many times, so that it comes at different places of the others' turns.
    let mut waited = [0; 21].map(|_| {
        let backlogs: Vec<_> = busy
            .iter()
            .map(|busy| submit(busy, &[with(spin(200), TIMING); BACKLOG]))
            .collect();
        // They have begun.
        for (busy, tickets) in busy.iter().zip(&backlogs) {
            assert_eq!(wait(busy, tickets[0]).status, OK);
        }
        submit(&guest, &[with(spin(200), TIMING)]);
        // What has begun by now is not overtaken.
        let begun = busy.iter().zip(&backlogs).map(|(busy, tickets)| {
            let done = |&t: &u64| busy.ticket_state(t).unwrap() == TicketState::Done;
            let last = tickets.iter().rposition(done).unwrap_or(1);
            wait(busy, tickets[last]).begin_epoch
        });
        let begun = begun.max().unwrap();
        let done = take(&guest, 1)[0];
        assert_eq!(done.status, OK);
        let between = begun + 1..done.begin_epoch;
        let overtakes = |c: &Completion| between.contains(&c.begin_epoch);
        busy.iter()
            .flat_map(|busy| take(busy, BACKLOG - 2))
            .filter(overtakes)
            .count()
    });
    waited.sort_unstable();
    waited[waited.len() / 2]
}

/// A tenant that comes back waits behind nobody's backlog, whatever its class: it comes next, or after the claim that is
/// running and one more; in the background, after one claim of each of the others, who are of a better class and may all have
/// their turn in the same round.
#[test]
fn who_was_away_waits_behind_no_backlog() {
    let runtime = open(options(Mode::Resident));
    for class in [Class::Interactive, Class::Normal, Class::Background] {
        let guest = TenantOptions {
            class,
            ..TenantOptions::default()
        };
        let waited = overtaken(&runtime, &guest);
        // Each claim has as many jobs as a worker has lanes.
        let claim = runtime.info().device.subgroup_size as usize;
        let claims = match class {
            Class::Background => claim.min(8),
            _ => 2,
        };
        assert!(
            waited <= claims * claim,
            "{class:?}: {waited} jobs, a claim is {claim}, a backlog {BACKLOG}",
        );
    }
}

/// Of three tenants with full rings and equal weights the better class is served first in each round, and no class gets
/// more than another.
#[test]
fn classes_decide_who_goes_first_and_not_who_gets_how_much() {
    let runtime = open(options(Mode::Resident));
    let classes = [Class::Background, Class::Normal, Class::Interactive];
    let tenants = classes.map(|class| {
        tenant_of(
            &runtime,
            TenantOptions {
                slots: DEEP,
                class,
                ..TenantOptions::default()
            },
        )
    });
    let spent = shares(&runtime, &tenants, 1000, 3_000_000);
    let (least, most) = (spent.iter().min().unwrap(), spent.iter().max().unwrap());
    assert!(*least as f64 > 0.95 * *most as f64, "{spent:?}");
}

/// A job may say that it is less urgent than its tenant, and not that it is more.
#[test]
fn a_job_can_lower_its_class() {
    let runtime = open(options(Mode::Resident));
    let tenant = tenant_of(
        &runtime,
        TenantOptions {
            class: Class::Interactive,
            ..TenantOptions::default()
        },
    );
    for flags in [NORMAL, BACKGROUND, NORMAL | TIMING] {
        assert_eq!(run_one(&tenant, with(nop(1, 2), flags)).status, OK);
    }
    let (accepted, refused) = tenant.submit(&[with(nop(1, 2), NORMAL | BACKGROUND)], None);
    assert_eq!((accepted, status(refused)), (0, Status::InvalidArgument));
}

/// What of these jobs ran between the begin and the end of one of those.
fn overlaps(these: &[Completion], those: &[Completion]) -> usize {
    let inside =
        |a: &Completion, b: &Completion| a.begin_epoch < b.end_epoch && b.begin_epoch < a.end_epoch;
    these
        .iter()
        .map(|a| those.iter().filter(|b| inside(a, b)).count())
        .sum()
}

/// Tiled jobs, of which a tenant has one open at a time and which take turns tile by tile; and scalar ones among them.
#[test]
fn tenants_of_a_group_never_run_at_the_same_time() {
    for mode in MODES {
        let runtime = open(options(mode));
        let mut seen = Vec::new();
        for group in [0, 1] {
            let tenants = [0, 1, 2].map(|_| {
                tenant_of(
                    &runtime,
                    TenantOptions {
                        group,
                        ..TenantOptions::default()
                    },
                )
            });
            let stranger = tenant_of(
                &runtime,
                TenantOptions {
                    group: 2 * group,
                    ..TenantOptions::default()
                },
            );
            let jobs = |tenant: &Guest| -> Vec<Job> {
                let buffer = tenant.buffer_create(4 * 64 * 200, false).unwrap();
                (0..40)
                    .map(|n| match n % 4 {
                        3 => with(spin(100), TIMING),
                        _ => with(fill(buffer, 64 * 200, n, 200), TIMING),
                    })
                    .collect()
            };
            let all: Vec<_> = tenants.iter().map(jobs).collect();
            let tickets: Vec<_> = tenants
                .iter()
                .zip(&all)
                .map(|(tenant, jobs)| submit(tenant, jobs))
                .collect();
            let strange = submit(&stranger, &jobs(&stranger));
            let done: Vec<Vec<Completion>> = tenants
                .iter()
                .zip(&tickets)
                .map(|(tenant, tickets)| tickets.iter().map(|&t| wait(tenant, t)).collect())
                .collect();
            let strange: Vec<_> = strange.into_iter().map(|t| wait(&stranger, t)).collect();
            assert!(done.iter().flatten().all(|c| c.status == OK));
            seen.push((
                overlaps(&done[0], &done[1]) + overlaps(&done[1], &done[2]),
                overlaps(&done[0], &strange),
            ));
        }
        let [(free, _), (grouped, strangers)] = seen[..] else {
            unreachable!()
        };
        assert!(free > 0, "{mode:?}: without a group they run side by side");
        assert_eq!(grouped, 0, "{mode:?}: jobs of one group ran side by side");
        assert!(strangers > 0, "{mode:?}: other groups run meanwhile");
    }
}

/// The members of a group take turns, though one of them always has more to do.
#[test]
fn a_group_goes_round() {
    let runtime = open(options(Mode::Resident));
    let tenants = [0, 1, 2].map(|_| {
        tenant_of(
            &runtime,
            TenantOptions {
                slots: DEEP,
                group: 1,
                ..TenantOptions::default()
            },
        )
    });
    let spent = shares(&runtime, &tenants, 1000, 3_000_000);
    let (least, most) = (spent.iter().min().unwrap(), spent.iter().max().unwrap());
    assert!(*least as f64 > 0.9 * *most as f64, "{spent:?}");
}

/// A group is free again when the tenant that held it is gone, whatever it was at.
#[test]
fn a_destroyed_tenant_leaves_its_group() {
    let runtime = open(options(Mode::Resident));
    let member = || {
        tenant_of(
            &runtime,
            TenantOptions {
                group: 1,
                ..TenantOptions::default()
            },
        )
    };
    let other = member();
    for n in 0..30 {
        let holder = member();
        let buffer = holder.buffer_create(256, false).unwrap();
        submit(&holder, &[long(buffer)]);
        let ticket = submit(&other, &[nop(n, 1)])[0];
        std::thread::sleep(std::time::Duration::from_micros(u64::from(n) * 30));
        holder.destroy().unwrap();
        assert_eq!(wait(&other, ticket).status, OK);
    }
}

/// A tenant with a tenth of the device stays near it, where its weight would give it the half.
#[test]
fn a_share_is_not_exceeded() {
    let runtime = open(options(Mode::Resident));
    let tenants = [0, 100].map(|share_permille| {
        tenant_of(
            &runtime,
            TenantOptions {
                slots: DEEP,
                share_permille,
                ..TenantOptions::default()
            },
        )
    });
    let spent = shares(&runtime, &tenants, 8000, 40_000_000);
    let share = spent[1] as f64 / (spent[0] + spent[1]) as f64;
    // The tenth is one of time. While other programs take the cores away, the device goes more slowly than was measured,
    // and what was given as a tenth is more.
    assert!((0.02..0.4).contains(&share), "{share}: {spent:?}");
}

/// Also where nobody else wants the rest: then the kernel sleeps.
#[test]
fn a_share_is_kept_though_nobody_else_is_there() {
    let runtime = open(options(Mode::Resident));
    let tenant = tenant_of(
        &runtime,
        TenantOptions {
            slots: DEEP,
            share_permille: 100,
            ..TenantOptions::default()
        },
    );
    let tickets = submit(&tenant, &vec![spin(8000); 2000]);
    let parks = runtime.info().parks;
    until("half of them are done", || {
        tenant.ticket_state(tickets[1000]).unwrap() != rota::TicketState::Open
    });
    assert!(runtime.info().parks > parks);
    tenant.set_share(0).unwrap();
    assert!(take(&tenant, 2000).iter().all(|c| c.status == OK));
}

/// What a rate of fuel lets through in a time: what comes in it, what was saved up, and a claim that was running.
#[test]
fn a_rate_of_fuel_is_kept_and_the_kernel_sleeps_meanwhile() {
    const RATE: u64 = 2_000_000;
    for of_runtime in [false, true] {
        let quota = Quota {
            fuel_per_second: RATE,
            ..Quota::default()
        };
        let runtime = open(RuntimeOptions {
            quota: if of_runtime { quota } else { Quota::default() },
            ..options(Mode::Resident)
        });
        let started = std::time::Instant::now();
        let tenants = [0, 1].map(|_| {
            tenant_of(
                &runtime,
                TenantOptions {
                    slots: DEEP,
                    quota: if of_runtime { Quota::default() } else { quota },
                    ..TenantOptions::default()
                },
            )
        });
        for tenant in &tenants {
            submit(tenant, &vec![spin(500); 1000]);
        }
        // Sums to 1 million: less than half of it is there at once.
        let parks = runtime.info().parks;
        let spent = |tenant: &Guest| tenant.counters().fuel;
        loop {
            let before = started.elapsed();
            let all: Vec<_> = tenants.iter().map(spent).collect();
            let come = RATE as f64 * (started.elapsed().as_secs_f64() + 0.1);
            let claims = 2.0 * 24_000.0;
            if of_runtime {
                let sum = all.iter().sum::<u64>() as f64;
                assert!(sum <= come + claims, "{all:?} in {before:?}");
            } else {
                assert!(
                    all.iter().all(|&n| n as f64 <= come + claims),
                    "{all:?} in {before:?}"
                );
            }
            if all.iter().all(|&n| n >= 500_000) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(
            runtime.info().parks > parks,
            "what waits for fuel keeps nothing awake"
        );
        for tenant in &tenants {
            assert!(take(tenant, 1000).iter().all(|c| c.status == OK));
        }
        // Control jobs need no fuel: it can go at any time.
        submit(&tenants[0], &vec![spin(500); 2000]);
        tenants[0].destroy().unwrap();
        if !of_runtime {
            tenants[1].set_quota(&Quota::default()).unwrap();
            assert!(run(&tenants[1], &vec![spin(500); 4000])
                .iter()
                .all(|c| c.status == OK));
        }
    }
}

/// Who sleeps until there is fuel again hears that there need not be any.
#[test]
fn a_limit_that_goes_wakes_who_waits_for_it() {
    let runtime = open(options(Mode::Resident));
    let quota = Quota {
        fuel_per_second: 1,
        ..Quota::default()
    };
    let limited = || {
        let tenant = tenant_of(
            &runtime,
            TenantOptions {
                quota,
                ..TenantOptions::default()
            },
        );
        // The first one is more than a year's.
        let tickets = submit(&tenant, &[with(spin(8000), BARRIER); 3]);
        assert_eq!(wait(&tenant, tickets[0]).status, OK);
        until("the runtime parks", || runtime.info().parked);
        (tenant, tickets)
    };
    let (tenant, tickets) = limited();
    tenant.set_quota(&Quota::default()).unwrap();
    assert_eq!(wait(&tenant, tickets[2]).status, OK);
    let (tenant, tickets) = limited();
    tenant.revoke(PATIENCE).unwrap();
    assert_eq!(
        wait(&tenant, tickets[2]).status,
        rota::completion_status::REVOKED
    );
    let (tenant, _) = limited();
    tenant.destroy().unwrap();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let runtime = shared(Mode::Resident);
    let good = tenant(&runtime);
    let refused = |options| status(runtime.create_tenant(&options).map(|_| ()));
    let defaults = TenantOptions::default;
    for options in [
        TenantOptions {
            weight: 10_001,
            ..defaults()
        },
        TenantOptions {
            share_permille: 1001,
            ..defaults()
        },
        TenantOptions {
            group: runtime.info().max_tenants + 1,
            ..defaults()
        },
    ] {
        assert_eq!(refused(options), Status::InvalidArgument);
    }
    for weight in [0, 10_001] {
        assert_eq!(status(good.set_weight(weight)), Status::InvalidArgument);
    }
    assert_eq!(status(good.set_share(1001)), Status::InvalidArgument);
    good.destroy().unwrap();
    assert_eq!(status(good.set_weight(1)), Status::InvalidHandle);
    assert_eq!(status(good.set_share(1)), Status::InvalidHandle);
}
