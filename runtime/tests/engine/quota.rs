//! Quotas: what is refused, by whose quota, and that everything comes back exactly.

use rota::{HandlerOptions, ModuleOptions, Outputs, Quota, Read, Resource, RESOURCES, UNLIMITED};

use crate::kit::*;

fn guest(runtime: &Runtime, slots: u32, quota: Quota) -> Guest {
    let options = TenantOptions {
        slots,
        quota,
        ..TenantOptions::default()
    };
    runtime.create_tenant(&options).unwrap().into()
}

/// What an error says of a quota.
#[derive(Debug, PartialEq)]
struct Refused {
    resource: Resource,
    requested: u64,
    used: u64,
    cap: u64,
    of_runtime: bool,
    retryable: bool,
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Refused {
    let error = result.expect_err("a quota is exceeded");
    assert_eq!(error.status(), Status::QuotaExceeded, "{error}");
    assert!(!error.to_string().is_empty());
    let can_wait = error.retryable();
    match error {
        Error::QuotaExceeded {
            resource,
            requested,
            used,
            cap,
            of_runtime,
            retryable,
        } => {
            assert_eq!(can_wait, retryable);
            Refused {
                resource,
                requested,
                used,
                cap,
                of_runtime,
                retryable,
            }
        }
        other => panic!("{other}"),
    }
}

fn used(tenant: &Tenant, resource: Resource) -> u64 {
    tenant.counters().used[resource as usize]
}

fn refusals(tenant: &Tenant, resource: Resource) -> u64 {
    tenant.counters().refused[resource as usize]
}

#[test]
fn slots_are_held_until_their_completions_are_taken() {
    for mode in MODES {
        let runtime = shared(mode);
        let quota = Quota {
            slots: 3,
            ..Quota::default()
        };
        let tenant = guest(&runtime, 8, quota);
        assert_eq!(tenant.counters().cap[Resource::Slots as usize], 3);
        for round in 0..3 {
            let (accepted, result) = tenant.submit(&[nop(1, 2); 5], None);
            assert_eq!(accepted, 3, "{mode:?}");
            let expected = Refused {
                resource: Resource::Slots,
                requested: 2,
                used: 3,
                cap: 3,
                of_runtime: false,
                retryable: true,
            };
            assert_eq!(refused(result), expected, "{mode:?}");
            assert_eq!(refusals(&tenant, Resource::Slots), round + 1);
            take(&tenant, 3);
            assert_eq!(used(&tenant, Resource::Slots), 0);
        }
        // A quota as large as the ring is none: a full ring is to be waited for as ever.
        tenant.set_quota(&Quota { slots: 8, ..quota }).unwrap();
        let (accepted, result) = tenant.submit(&[nop(1, 2); 9], None);
        assert_eq!((accepted, status(result)), (8, Status::WouldBlock));
        take(&tenant, 8);
    }
}

#[test]
fn a_runtime_limits_the_slots_of_all() {
    let quota = Quota {
        slots: 4,
        ..Quota::default()
    };
    let runtime = open(RuntimeOptions {
        quota,
        ..options(Mode::Auto)
    });
    let (one, other) = (tenant_with(&runtime, 8), tenant_with(&runtime, 8));
    submit(&one, &[nop(1, 2); 3]);
    let (accepted, result) = other.submit(&[nop(1, 2); 3], None);
    assert_eq!(accepted, 1);
    let said = refused(result);
    assert_eq!((said.used, said.cap, said.requested), (4, 4, 2));
    assert!(said.of_runtime && said.retryable);
    assert_eq!(refusals(&other, Resource::Slots), 1);
    assert_eq!(used(&other, Resource::Slots), 1, "rolled back");
    take(&one, 3);
    submit(&other, &[nop(1, 2); 3]);
    // Who goes gives back what it had.
    other.destroy().unwrap();
    submit(&one, &[nop(1, 2); 4]);
    take(&one, 4);
}

#[test]
fn buffers_are_charged_until_their_memory_is_free() {
    for mode in MODES {
        let runtime = shared(mode);
        let quota = Quota {
            buffers: 2,
            buffer_bytes: 1000,
            ..Quota::default()
        };
        let tenant = guest(&runtime, 0, quota);
        let first = tenant.buffer_create(600, false).unwrap();
        let expected = Refused {
            resource: Resource::BufferBytes,
            requested: 401,
            used: 600,
            cap: 1000,
            of_runtime: false,
            retryable: false,
        };
        assert_eq!(refused(tenant.buffer_create(401, false)), expected);
        assert_eq!(used(&tenant, Resource::Buffers), 1, "given back");
        let second = tenant.buffer_create(400, false).unwrap();
        let said = refused(tenant.buffer_create(1, false));
        assert_eq!((said.resource, said.used), (Resource::Buffers, 2));
        // A job that uses it keeps it.
        let ticket = submit(&tenant, &[long(first)])[0];
        tenant.buffer_destroy(first).unwrap();
        let said = refused(tenant.buffer_create(600, false));
        assert_eq!(said.used, 2, "{mode:?}");
        tenant.cancel(ticket).unwrap();
        wait(&tenant, ticket);
        // Freed when it is needed, whether the kernel runs or is parked.
        for _ in 0..3 {
            let again = tenant.buffer_create(600, false).unwrap();
            tenant.buffer_destroy(again).unwrap();
            until("the kernel is parked", || runtime.info().parked);
        }
        tenant.buffer_destroy(second).unwrap();
        tenant.buffer_create(1000, false).unwrap();
    }
}

#[test]
fn what_fails_gives_everything_back() {
    let quota = Quota {
        buffers: 4,
        buffer_bytes: 1 << 50,
        modules: 1,
        staging_bytes: 100,
        ..Quota::default()
    };
    let runtime = open(RuntimeOptions {
        quota,
        ..options(Mode::Auto)
    });
    let tenant = guest(&runtime, 0, quota);
    assert_eq!(
        status(tenant.buffer_create(0, false)),
        Status::InvalidArgument
    );
    let huge = tenant.buffer_create(1 << 40, false);
    assert_eq!(status(huge), Status::OutOfDeviceMemory);
    let page = 4096 as *mut u8;
    // SAFETY: not aligned to anything a device could import, so it is never looked at.
    let import = unsafe { tenant.buffer_import(page.wrapping_add(1), 5, false) };
    assert!(import.is_err());
    let wrong = ModuleOptions {
        source: "fn f() { nonsense }".into(),
        handlers: vec![HandlerOptions {
            opcode: 0x1000,
            function: "f".into(),
            ..HandlerOptions::default()
        }],
        ..ModuleOptions::default()
    };
    for _ in 0..3 {
        assert_eq!(status(tenant.module_load(&wrong)), Status::InvalidModule);
    }
    let buffer = tenant.buffer_create(50, false).unwrap();
    let beyond = tenant.buffer_write(buffer, 40, &[1; 20]);
    assert_eq!(status(beyond), Status::OutOfRange);
    let mut outputs = Outputs::new();
    let read = |len| Read {
        buffer,
        len,
        ..Read::default()
    };
    let reads = [read(50), read(51)];
    let said = refused(tenant.read_into(&reads, &mut outputs));
    assert_eq!(
        (said.resource, said.requested),
        (Resource::StagingBytes, 101)
    );
    let beyond = tenant.read_into(&reads[1..], &mut outputs);
    assert_eq!(status(beyond), Status::OutOfRange);
    tenant.read_into(&reads[..1], &mut outputs).unwrap();
    let counters = tenant.counters();
    assert_eq!(counters.used, [0, 0, 1, 50, 0, 0, 0]);
    assert_eq!((counters.bytes_in, counters.bytes_out), (0, 50));
    // The runtime's own account has nothing left of it either.
    let held: Vec<_> = [
        (Resource::Modules, 1),
        (Resource::StagingBytes, 100),
        (Resource::Buffers, 3),
    ]
    .map(|(resource, amount)| tenant.reserve(resource, amount).unwrap())
    .into();
    assert_eq!(tenant.counters().used, [0, 100, 4, 50, 1, 0, 0]);
    drop(held);
}

#[test]
fn modules_are_charged_until_they_are_unloaded() {
    let runtime = shared(Mode::Auto);
    let quota = Quota {
        modules: 1,
        ..Quota::default()
    };
    let tenant = guest(&runtime, 0, quota);
    let module = |opcode| ModuleOptions {
        source: "fn f() { result(0u, 7u); }".into(),
        handlers: vec![HandlerOptions {
            opcode,
            function: "f".into(),
            ..HandlerOptions::default()
        }],
        ..ModuleOptions::default()
    };
    let (first, _) = tenant.module_load(&module(0x1000)).unwrap();
    let said = refused(tenant.module_load(&module(0x1001)));
    assert_eq!((said.resource, said.retryable), (Resource::Modules, false));
    tenant.module_replace(first, &module(0x1000)).unwrap();
    tenant.module_unload(first, PATIENCE).unwrap();
    assert_eq!(used(&tenant, Resource::Modules), 0);
    tenant.module_load(&module(0x1001)).unwrap();
}

#[test]
fn a_copy_is_charged_while_it_lasts() {
    let runtime = shared(Mode::Auto);
    let quota = Quota {
        staging_bytes: 100,
        ..Quota::default()
    };
    let tenant = guest(&runtime, 0, quota);
    let buffer = tenant.buffer_create(1000, false).unwrap();
    tenant.buffer_write(buffer, 0, &[1; 100]).unwrap();
    tenant.buffer_fill(buffer, 100, 100, 2).unwrap();
    tenant.buffer_read(buffer, 0, &mut [0; 100]).unwrap();
    let said = refused(tenant.buffer_write(buffer, 0, &[1; 101]));
    assert!(!said.retryable, "waiting never helps");
    let held = tenant.reserve(Resource::StagingBytes, 60).unwrap();
    assert_eq!(
        (held.resource(), held.amount()),
        (Resource::StagingBytes, 60)
    );
    let said = refused(tenant.buffer_read(buffer, 0, &mut [0; 41]));
    assert!(said.retryable);
    assert_eq!((said.used, said.requested), (60, 41));
    tenant.buffer_fill(buffer, 0, 40, 3).unwrap();
    drop(held);
    tenant.buffer_fill(buffer, 0, 100, 3).unwrap();
    assert_eq!(used(&tenant, Resource::StagingBytes), 0);
    assert_eq!(refusals(&tenant, Resource::StagingBytes), 2);
}

#[test]
fn fuel_per_job_refuses_more_and_lowers_the_default() {
    for mode in MODES {
        let runtime = shared(mode);
        let quota = Quota {
            fuel_per_job: 50,
            ..Quota::default()
        };
        let tenant = guest(&runtime, 0, quota);
        let (accepted, result) = tenant.submit(&[nop(1, 2), spin(50), nop(1, 2)], None);
        assert_eq!(accepted, 1);
        let expected = Refused {
            resource: Resource::FuelPerJob,
            requested: 51,
            used: 0,
            cap: 50,
            of_runtime: false,
            retryable: false,
        };
        assert_eq!(refused(result), expected);
        take(&tenant, 1);
        assert_eq!(run_one(&tenant, spin(49)).status, OK, "{mode:?}");
        let by_default = Job {
            fuel: 0,
            ..spin(100)
        };
        let ended = run_one(&tenant, by_default);
        assert_eq!(ended.fault, fault::FUEL_EXHAUSTED, "{mode:?}");
        for quota in [
            Quota {
                fuel_per_job: 0,
                ..quota
            },
            Quota {
                fuel_per_second: 0,
                ..quota
            },
        ] {
            tenant.set_quota(&quota).unwrap();
            let resource = refused(tenant.submit(&[nop(1, 2)], None).1).resource;
            assert_eq!(quota.cap(resource), 0);
        }
        tenant.set_quota(&Quota::default()).unwrap();
        assert_eq!(run_one(&tenant, by_default).status, OK, "{mode:?}");
    }
}

#[test]
fn a_runtimes_fuel_per_job_holds_for_all() {
    let quota = Quota {
        fuel_per_job: 50,
        ..Quota::default()
    };
    let runtime = open(RuntimeOptions {
        quota,
        ..options(Mode::Auto)
    });
    let tenant = tenant(&runtime);
    let said = refused(tenant.submit(&[spin(50)], None).1);
    assert!(said.of_runtime && !said.retryable);
    assert_eq!(refusals(&tenant, Resource::FuelPerJob), 1);
}

#[test]
fn no_quota_is_set_below_what_is_in_use() {
    let runtime = shared(Mode::Auto);
    let tenant = guest(&runtime, 8, Quota::default());
    let buffer = tenant.buffer_create(600, false).unwrap();
    let slots = tenant.reserve(Resource::Slots, 5).unwrap();
    let before = tenant.counters();
    for too_low in [
        Quota {
            slots: 4,
            buffers: 7,
            ..Quota::default()
        },
        Quota {
            buffers: 0,
            staging_bytes: 9,
            ..Quota::default()
        },
        Quota {
            buffer_bytes: 599,
            slots: 6,
            ..Quota::default()
        },
    ] {
        let error = tenant.set_quota(&too_low).unwrap_err();
        assert_eq!(error.status(), Status::QuotaExceeded);
        let Error::QuotaBelowUse {
            resource,
            cap,
            used,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(cap, too_low.cap(resource));
        assert_eq!(used, before.used[resource as usize]);
        assert_eq!(tenant.counters(), before, "nothing changed");
        assert_eq!(tenant.quota(), Quota::default());
    }
    let exact = Quota {
        slots: 5,
        buffers: 1,
        buffer_bytes: 600,
        modules: 0,
        staging_bytes: 0,
        ..Quota::default()
    };
    tenant.set_quota(&exact).unwrap();
    assert_eq!(tenant.quota(), exact);
    assert_eq!(refused(tenant.submit(&[nop(1, 2)], None).1).cap, 5);
    drop(slots);
    submit(&tenant, &[nop(1, 2); 5]);
    take(&tenant, 5);
    tenant.buffer_destroy(buffer).unwrap();
    tenant.set_quota(&Quota::default()).unwrap();
    assert_eq!(tenant.counters().cap[0], 8);
    assert_eq!(tenant.counters().cap[1..], [UNLIMITED; RESOURCES - 1]);
    submit(&tenant, &[nop(1, 2); 8]);
    take(&tenant, 8);
}

#[test]
fn reservations_outlive_their_tenant_and_fuel_is_none() {
    let runtime = shared(Mode::Auto);
    let tenant = guest(&runtime, 8, Quota::default());
    for fuel in [Resource::FuelPerJob, Resource::FuelPerSecond] {
        assert_eq!(
            status(tenant.reserve(fuel, 1).map(|_| ())),
            Status::InvalidArgument
        );
    }
    let said = refused(tenant.reserve(Resource::Slots, u64::MAX).map(|_| ()));
    assert_eq!((said.used, said.cap, said.retryable), (0, 8, false));
    let held = [Resource::Slots, Resource::Buffers].map(|r| tenant.reserve(r, 3).unwrap());
    tenant.destroy().unwrap();
    let late = tenant.reserve(Resource::Slots, 1).map(|_| ());
    assert_eq!(status(late), Status::InvalidHandle);
    assert_eq!(
        status(tenant.set_quota(&Quota::default())),
        Status::InvalidHandle
    );
    drop(held);
    assert_eq!(tenant.counters().used, [0; RESOURCES]);
}

/// 32 threads take and give back as much as they can of everything, also what the runtime limits: nobody ever has more
/// than a cap, and at the end all of it is back.
#[test]
fn no_race_overshoots() {
    use std::sync::atomic::{AtomicU64, Ordering};
    const RESERVABLE: [Resource; 5] = [
        Resource::Slots,
        Resource::StagingBytes,
        Resource::Buffers,
        Resource::BufferBytes,
        Resource::Modules,
    ];
    let of = |cap: u64| Quota::from([cap; RESOURCES]);
    let runtime = open(RuntimeOptions {
        quota: of(24),
        ..options(Mode::Auto)
    });
    let tenants = [(); 2].map(|()| guest(&runtime, 64, of(16)));
    let held: [[AtomicU64; 5]; 2] = Default::default();
    std::thread::scope(|scope| {
        for t in 0..32usize {
            let (tenants, held) = (&tenants, &held);
            scope.spawn(move || {
                for i in 0..3_000usize {
                    let (which, what) = ((t + i) & 1, (t * 7 + i) % RESERVABLE.len());
                    let amount = 1 + ((t + i) % 7) as u64;
                    let Ok(_reserved) = tenants[which].reserve(RESERVABLE[what], amount) else {
                        continue;
                    };
                    let mine = held[which][what].fetch_add(amount, Ordering::SeqCst) + amount;
                    let theirs = held[1 - which][what].load(Ordering::SeqCst);
                    assert!(mine <= 16, "{:?}: {mine}", RESERVABLE[what]);
                    // The other's may have been given back and taken since: only what is too much for both caps is wrong.
                    assert!(theirs <= 16, "{:?}: {theirs}", RESERVABLE[what]);
                    if i % 16 == 0 {
                        std::thread::yield_now();
                    }
                    held[which][what].fetch_sub(amount, Ordering::SeqCst);
                }
            });
        }
    });
    for tenant in &tenants {
        assert_eq!(tenant.counters().used, [0; RESOURCES]);
        assert!(tenant.counters().refused[..5].iter().any(|&n| n > 0));
    }
    // All of the runtime's is back: one takes its own share, the other the rest.
    for resource in RESERVABLE {
        let _most = tenants[0].reserve(resource, 16).unwrap();
        let _rest = tenants[1].reserve(resource, 8).unwrap();
        let said = refused(tenants[1].reserve(resource, 1).map(|_| ()));
        assert!(said.of_runtime, "{resource}");
        assert_eq!((said.used, said.cap), (24, 24));
    }
}
