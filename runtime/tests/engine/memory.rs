//! Buffers: who may use what, for how long, and what they hold.

use std::sync::atomic::{AtomicBool, Ordering};

use rota::{Outputs, Read};

use crate::kit::*;

#[test]
fn the_host_is_refused_what_it_has_no_handle_for() {
    for mode in MODES {
        let runtime = shared(mode);
        let (ours, other) = (tenant(&runtime), tenant(&runtime));
        let buffer = ours.buffer_create(100, false).unwrap();
        let foreign = other.buffer_create(100, false).unwrap();
        let destroyed = ours.buffer_create(100, false).unwrap();
        ours.buffer_destroy(destroyed).unwrap();
        let mut bytes = [0; 4];
        for bad in [0, foreign, destroyed, buffer ^ 1 << 16, u32::MAX] {
            assert_eq!(
                status(ours.buffer_read(bad, 0, &mut bytes)),
                Status::InvalidHandle,
                "{mode:?} {bad:#x}"
            );
            assert_eq!(
                status(ours.buffer_write(bad, 0, &bytes)),
                Status::InvalidHandle,
                "{mode:?} {bad:#x}"
            );
            assert_eq!(
                status(ours.buffer_destroy(bad)),
                Status::InvalidHandle,
                "{mode:?} {bad:#x}"
            );
        }
        assert_eq!(ours.buffer_size(buffer).unwrap(), 100);
        for (offset, len) in [(97, 4), (101, 0), (u64::MAX, 4), (u64::MAX - 2, 4)] {
            let mut bytes = vec![0; len];
            assert_eq!(
                status(ours.buffer_read(buffer, offset, &mut bytes)),
                Status::OutOfRange,
                "{offset} {len}"
            );
            assert_eq!(
                status(ours.buffer_write(buffer, offset, &bytes)),
                Status::OutOfRange,
                "{offset} {len}"
            );
            assert_eq!(
                status(ours.buffer_fill(buffer, offset, len as u64, 1)),
                Status::OutOfRange,
                "{offset} {len}"
            );
        }
        assert_eq!(
            status(ours.buffer_create(0, false)),
            Status::InvalidArgument
        );
        assert_eq!(
            status(ours.buffer_create(u64::MAX, false)),
            Status::OutOfDeviceMemory
        );
    }
}

#[test]
fn jobs_are_refused_what_their_tenant_has_no_right_to() {
    for mode in MODES {
        let runtime = shared(mode);
        let (ours, other) = (tenant(&runtime), tenant(&runtime));
        let good = ours.buffer_create(256, false).unwrap();
        let read_only = ours.buffer_create(256, true).unwrap();
        let foreign = other.buffer_create(256, false).unwrap();
        let destroyed = ours.buffer_create(256, false).unwrap();
        ours.buffer_destroy(destroyed).unwrap();
        let faults = |jobs: &[Job]| {
            run(&ours, jobs)
                .iter()
                .map(|c| (c.status, c.fault))
                .collect::<Vec<_>>()
        };
        let bad = [0, destroyed, good ^ 1 << 16, 0xffff_ffff];
        let writes: Vec<_> = bad.iter().map(|&b| fill(b, 4, 1, 2)).collect();
        assert_eq!(
            faults(&writes),
            [(FAULTED, fault::INVALID_BUFFER); 4],
            "{mode:?}"
        );
        let reads: Vec<_> = bad.iter().map(|&b| sum(b, 4, 2)).collect();
        assert_eq!(
            faults(&reads),
            [(FAULTED, fault::INVALID_BUFFER); 4],
            "{mode:?}"
        );
        let foreigns = [fill(foreign, 4, 1, 1), sum(foreign, 4, 1)];
        assert_eq!(
            faults(&foreigns),
            [(FAULTED, fault::FOREIGN_BUFFER); 2],
            "{mode:?}"
        );
        let rights = [sum(read_only, 64, 1), fill(read_only, 64, 1, 1)];
        assert_eq!(
            faults(&rights),
            [(OK, 0), (FAULTED, fault::READ_ONLY)],
            "{mode:?}"
        );
        let beyond = [
            fill(good, 65, 1, 2),
            sum(good, 65, 2),
            job(op::FILL, 1, &[good, u32::MAX, 1, 1]),
        ];
        assert_eq!(
            faults(&beyond),
            [(FAULTED, fault::OUT_OF_BOUNDS); 3],
            "{mode:?}"
        );
        for (tenant, buffer) in [(&ours, good), (&ours, read_only), (&other, foreign)] {
            assert!(
                words(tenant, buffer, 64).iter().all(|&w| w == 0),
                "{mode:?}: something was written"
            );
        }
    }
}

#[test]
fn a_destroyed_buffer_serves_the_jobs_submitted_before_and_no_others() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let slow = tenant.buffer_create(256, false).unwrap();
        for _ in 0..10 {
            let buffer = tenant.buffer_create(4096, false).unwrap();
            let mut before = vec![fill(slow, 64, 1, 500)];
            before.push(with(fill(buffer, 1024, 21, 4), BARRIER));
            before.push(with(sum(buffer, 1024, 3), AFTER_OK));
            let before = submit(&tenant, &before);
            tenant.buffer_destroy(buffer).unwrap();
            let after = submit(&tenant, &[sum(buffer, 1024, 3)])[0];
            let done: Vec<_> = before.iter().map(|&t| wait(&tenant, t)).collect();
            assert_eq!(statuses(&done), [OK; 3], "{mode:?}: {done:?}");
            assert_eq!(done[2].results, [21 * 1024, 0], "{mode:?}");
            let late = wait(&tenant, after);
            assert_eq!(
                (late.status, late.fault),
                (FAULTED, fault::INVALID_BUFFER),
                "{mode:?}"
            );
            assert_eq!(status(tenant.buffer_size(buffer)), Status::InvalidHandle);
        }
    }
}

/// The kernel is busy with a neighbour's jobs all the while, so that new buffers meet it at every moment. The neighbour
/// comes first: in BATCH mode its copies widen the time between that of one table and the next.
#[test]
fn a_new_buffer_can_be_used_at_once_and_a_destroyed_one_never_again() {
    for mode in MODES {
        let runtime = shared(mode);
        let (busy, ours) = (tenant(&runtime), tenant(&runtime));
        let done = AtomicBool::new(false);
        let mut wrong = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let jobs: Vec<Job> = (0..1024).map(|i| nop(i, i)).collect();
                let mut out = vec![Completion::default(); 1024];
                while !done.load(Ordering::Relaxed) {
                    let _ = busy.submit(&jobs, None);
                    let _ = busy.poll(&mut out, Wait::Adaptive, 100_000);
                }
            });
            let mut check = |c: &Completion| {
                let expected = if c.user_data == 0 {
                    0
                } else {
                    fault::INVALID_BUFFER
                };
                if c.fault != expected {
                    wrong.push(*c);
                }
            };
            for _ in 0..200 {
                for round in 0..32 {
                    let buffer = ours.buffer_create(256, false).unwrap();
                    submit(&ours, &[fill(buffer, 64, round, 1)]);
                    ours.buffer_destroy(buffer).unwrap();
                    submit(
                        &ours,
                        &[Job {
                            user_data: 1,
                            ..fill(buffer, 64, round, 1)
                        }],
                    );
                }
                take(&ours, 64).iter().for_each(&mut check);
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(
            wrong.is_empty(),
            "{mode:?}: {} jobs, the first one: {:?}",
            wrong.len(),
            wrong[0]
        );
    }
}

#[test]
fn memory_that_is_used_again_is_zeroed() {
    for mode in MODES {
        let runtime = open(options(mode));
        let (first, second) = (tenant(&runtime), tenant(&runtime));
        // Larger than half a segment, so that each next one must lie where the last one was.
        let bytes = 70 << 20;
        for round in 0..3 {
            let owner = if round % 2 == 0 { &first } else { &second };
            let buffer = owner.buffer_create(bytes, false).unwrap();
            for offset in [0, bytes / 2, bytes - 4096] {
                let mut part = [1; 4096];
                owner.buffer_read(buffer, offset, &mut part).unwrap();
                assert_eq!(part, [0; 4096], "{mode:?}, round {round}");
            }
            assert_eq!(
                run_one(owner, fill(buffer, (bytes / 4) as u32, u32::MAX, 1000)).status,
                OK,
                "{mode:?}"
            );
            owner.buffer_destroy(buffer).unwrap();
        }
        assert_eq!(
            runtime.info().segments,
            1,
            "{mode:?}: the memory was not used again"
        );
    }
}

/// More than a segment holds: a second one is added, and a kernel that reaches both.
#[test]
fn buffers_in_a_second_segment_are_as_good_as_in_the_first() {
    let runtime = open(options(Mode::Resident));
    let tenant = tenant(&runtime);
    let bytes = 100 << 20;
    let buffers = [(); 2].map(|()| tenant.buffer_create(bytes, false).unwrap());
    let small = tenant.buffer_create(4096, false).unwrap();
    assert_eq!(runtime.info().segments, 2);
    let last = (bytes / 4 - 1024) as u32;
    let mut jobs = vec![];
    for (value, &buffer) in buffers.iter().enumerate() {
        jobs.push(job(op::FILL, 4, &[buffer, last, 1024, value as u32 + 5]));
    }
    // From one segment to the other, and atomics in both.
    jobs.push(with(
        job(op::COPY, 4, &[buffers[1], last, buffers[0], 0, 1024]),
        BARRIER,
    ));
    jobs.push(with(
        job(op::HISTOGRAM_U8, 2, &[buffers[0], 0, 4096, buffers[1], 0]),
        AFTER_OK,
    ));
    jobs.push(with(
        job(op::HISTOGRAM_U8, 2, &[buffers[1], last * 4, 4096, small, 0]),
        BARRIER,
    ));
    jobs.push(with(
        job(op::SUM_U32, 4, &[buffers[0], last, 1024]),
        BARRIER,
    ));
    jobs.push(job(op::SUM_U32, 4, &[buffers[0], 0, 1024]));
    let done = run(&tenant, &jobs);
    assert_eq!(statuses(&done), [OK; 7]);
    assert_eq!(
        (done[5].results, done[6].results),
        ([5 * 1024, 0], [6 * 1024, 0])
    );
    for counts in [buffers[1], small] {
        let counts = words(&tenant, counts, 256);
        assert_eq!(
            (counts[0], counts[6], counts.iter().sum::<u32>()),
            (3072, 1024, 4096)
        );
    }
    assert_eq!(
        run_one(&tenant, job(op::SUM_U32, 1, &[buffers[1], last + 1, 1024])).fault,
        fault::OUT_OF_BOUNDS
    );
}

/// Imports a page of memory that lives for ever; `None` where the device can't.
pub fn import(tenant: &Tenant) -> Option<(u32, *mut u8)> {
    let layout = std::alloc::Layout::from_size_align(65536, 65536).unwrap();
    // SAFETY: the layout has a size; the memory is never freed.
    unsafe {
        let page = std::alloc::alloc_zeroed(layout);
        assert!(!page.is_null());
        match tenant.buffer_import(page, 65536, false) {
            Ok(buffer) => Some((buffer, page)),
            Err(Error::Unsupported(_)) => None,
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn imported_memory_is_the_callers_own() {
    for mode in MODES {
        let runtime = open(options(mode));
        let tenant = tenant(&runtime);
        let Some((buffer, page)) = import(&tenant) else {
            return;
        };
        // SAFETY: no job is open while this thread touches the page.
        let own = unsafe { std::slice::from_raw_parts_mut(page.cast::<u32>(), 16384) };
        own.fill(3);
        let done = run(
            &tenant,
            &[
                sum(buffer, 16384, 4),
                with(fill(buffer, 100, 8, 2), BARRIER),
            ],
        );
        assert_eq!(done[0].results, [3 * 16384, 0], "{mode:?}");
        assert!(
            own[..100].iter().all(|&w| w == 8) && own[100..].iter().all(|&w| w == 3),
            "{mode:?}"
        );
        tenant.buffer_write(buffer, 0, &[1; 4]).unwrap();
        assert_eq!(own[0], 0x0101_0101, "{mode:?}");
        assert_eq!(
            run_one(&tenant, sum(buffer, 16385, 4)).fault,
            fault::OUT_OF_BOUNDS,
            "{mode:?}"
        );
        // SAFETY: nothing is imported, as the pointer isn't aligned.
        let odd = unsafe { tenant.buffer_import(page.add(16), 4096, false) };
        assert_eq!(status(odd), Status::InvalidArgument, "{mode:?}");
    }
}

#[test]
fn a_mapped_buffer_is_the_memory_that_jobs_use() {
    for mode in MODES {
        let runtime = shared(mode);
        let tenant = tenant(&runtime);
        let buffer = tenant.buffer_create(4096, false).unwrap();
        let (data, bytes) = tenant.buffer_map(buffer).unwrap();
        assert_eq!(bytes, 4096);
        // SAFETY: mapped until the unmap below, and no job is open while this thread touches it.
        let own = unsafe { std::slice::from_raw_parts_mut(data.cast::<u32>(), 1024) };
        own.fill(7);
        assert_eq!(
            run_one(&tenant, sum(buffer, 1024, 3)).results,
            [7 * 1024, 0],
            "{mode:?}"
        );
        assert_eq!(
            run_one(&tenant, fill(buffer, 1024, 9, 3)).status,
            OK,
            "{mode:?}"
        );
        assert!(own.iter().all(|&w| w == 9), "{mode:?}");
        assert_eq!(
            status(tenant.buffer_destroy(buffer)),
            Status::WrongState,
            "{mode:?}"
        );
        tenant.buffer_unmap(buffer).unwrap();
        assert_eq!(
            status(tenant.buffer_unmap(buffer)),
            Status::WrongState,
            "{mode:?}"
        );
        tenant.buffer_destroy(buffer).unwrap();
    }
}

#[test]
fn outputs_keep_their_memory_from_use_to_use() {
    let runtime = shared(Mode::Resident);
    let tenant = tenant(&runtime);
    let buffers = [1, 2, 3].map(|value: u8| {
        let buffer = tenant.buffer_create(1000, false).unwrap();
        tenant.buffer_fill(buffer, 0, 1000, value).unwrap();
        buffer
    });
    let reads = |len| {
        buffers.map(|buffer| Read {
            buffer,
            reserved: 0,
            offset: 0,
            len,
        })
    };
    let mut outputs = Outputs::new();
    tenant.read_into(&reads(500), &mut outputs).unwrap();
    let places: Vec<_> = (0..3).map(|i| outputs.get(i).unwrap().as_ptr()).collect();
    let stats = outputs.stats();
    assert_eq!(
        (
            stats.slots_total,
            stats.slots_appended,
            stats.bytes_appended
        ),
        (3, 3, 1500)
    );
    tenant.read_into(&reads(400), &mut outputs).unwrap();
    let stats = outputs.stats();
    assert_eq!(
        (
            stats.slots_reused,
            stats.bytes_copied,
            stats.slots_moved,
            stats.slots_appended
        ),
        (3, 1200, 0, 0)
    );
    for (i, place) in places.into_iter().enumerate() {
        assert_eq!(outputs.get(i).unwrap(), vec![i as u8 + 1; 400]);
        assert_eq!(outputs.get(i).unwrap().as_ptr(), place);
    }
    assert_eq!(outputs.get(3), None);
    tenant.read_into(&reads(1000)[..1], &mut outputs).unwrap();
    let stats = outputs.stats();
    assert_eq!(
        (stats.slots_total, stats.slots_moved, stats.bytes_moved),
        (1, 1, 1000)
    );
    assert!(stats.bytes_retained >= 1000 + 2 * 500);
    // One that is not good: nothing changes.
    let mut bad = reads(10);
    bad[2].offset = 991;
    assert_eq!(
        status(tenant.read_into(&bad, &mut outputs)),
        Status::OutOfRange
    );
    assert_eq!((outputs.len(), outputs.get(0).unwrap().len()), (1, 1000));
}

/// While one tenant waits for the second segment's kernel, others must not get memory that no kernel reaches yet: what
/// they stored there would land in the first segment, in somebody else's buffer.
#[test]
fn no_buffer_lies_where_the_running_kernel_does_not_reach() {
    let runtime = open(options(Mode::Resident));
    let (victim, growing, other) = (tenant(&runtime), tenant(&runtime), tenant(&runtime));
    let first = victim.buffer_create(127 << 20, false).unwrap();
    run_one(&other, nop(1, 2));
    std::thread::scope(|scope| {
        let grower = scope.spawn(|| growing.buffer_create(100 << 20, false).unwrap());
        until("the segment is there, its kernel not yet", || {
            runtime.info().segments == 2
        });
        while !grower.is_finished() {
            let buffer = other.buffer_create(2 << 20, false).unwrap();
            assert_eq!(run_one(&other, fill(buffer, 1024, 77, 1)).status, OK);
            assert!(
                words(&other, buffer, 1024).iter().all(|&w| w == 77),
                "the kernel wrote somewhere else"
            );
            other.buffer_destroy(buffer).unwrap();
        }
    });
    assert!(
        words(&victim, first, 1 << 20).iter().all(|&w| w == 0),
        "a neighbour's memory was written"
    );
}
