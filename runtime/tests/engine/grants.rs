//! Buffers that one tenant lets another use.

use rota::{Quota, Resource};

use crate::kit::*;

fn pair(runtime: &Runtime) -> (Guest, Guest) {
    (tenant(runtime), tenant(runtime))
}

#[test]
fn a_grant_for_reading_lets_read_and_nothing_else() {
    for mode in MODES {
        let runtime = shared(mode);
        let (owner, other) = pair(&runtime);
        let buffer = owner.buffer_create(256, false).unwrap();
        run_one(&owner, fill(buffer, 64, 3, 4));
        let granted = owner.buffer_grant(buffer, &other, false).unwrap();
        assert_ne!(granted, buffer);
        assert_eq!(other.buffer_size(granted).unwrap(), 256);
        assert_eq!(
            run_one(&other, sum(granted, 64, 2)).results[0],
            192,
            "{mode:?}"
        );
        assert!(words(&other, granted, 64).iter().all(|&w| w == 3));
        let written = run_one(&other, fill(granted, 64, 5, 4));
        assert_eq!((written.status, written.fault), (FAULTED, fault::READ_ONLY));
        let by_host = other.buffer_write(granted, 0, &[1; 4]);
        assert_eq!(status(by_host), Status::InvalidArgument);
        let by_host = other.buffer_fill(granted, 0, 4, 1);
        assert_eq!(status(by_host), Status::InvalidArgument);
        assert_eq!(status(other.buffer_map(granted)), Status::WrongState);
        // Each has its own handle, and no other.
        let foreign = run_one(&other, sum(buffer, 64, 2));
        assert_eq!(foreign.fault, fault::FOREIGN_BUFFER, "{mode:?}");
        let foreign = run_one(&owner, sum(granted, 64, 2));
        assert_eq!(foreign.fault, fault::FOREIGN_BUFFER, "{mode:?}");
        assert!(words(&owner, buffer, 64).iter().all(|&w| w == 3));
    }
}

#[test]
fn a_grant_for_writing_lets_both_write() {
    for mode in MODES {
        let runtime = shared(mode);
        let (owner, other) = pair(&runtime);
        let buffer = owner.buffer_create(256, false).unwrap();
        let granted = owner.buffer_grant(buffer, &other, true).unwrap();
        run_one(&other, fill(granted, 32, 5, 4));
        other.buffer_write(granted, 128, &[7; 128]).unwrap();
        let seen = words(&owner, buffer, 64);
        assert!(seen[..32].iter().all(|&w| w == 5), "{mode:?}");
        assert!(seen[32..].iter().all(|&w| w == 0x0707_0707), "{mode:?}");
    }
}

#[test]
fn what_is_taken_back_is_out_of_reach() {
    for mode in MODES {
        let runtime = shared(mode);
        let (owner, other) = pair(&runtime);
        let buffer = owner.buffer_create(256, false).unwrap();
        let granted = owner.buffer_grant(buffer, &other, true).unwrap();
        // In the middle of a job that writes on and on.
        let ticket = submit(&other, &[long(granted)])[0];
        until("the job writes", || words(&owner, buffer, 1)[0] == 1);
        owner.buffer_take_back(buffer, &other).unwrap();
        owner.buffer_fill(buffer, 0, 256, 0).unwrap();
        assert_eq!(
            status(other.buffer_read(granted, 0, &mut [0; 4])),
            Status::InvalidHandle
        );
        other.cancel(ticket).unwrap();
        assert_ne!(wait(&other, ticket).status, OK, "{mode:?}");
        let ended = run_one(&other, fill(granted, 64, 9, 4));
        assert_eq!(
            (ended.status, ended.fault),
            (FAULTED, fault::INVALID_BUFFER)
        );
        assert!(
            words(&owner, buffer, 64).iter().all(|&w| w == 0),
            "{mode:?}"
        );
        let again = owner.buffer_take_back(buffer, &other);
        assert_eq!(status(again), Status::WrongState);
        // It can be granted again, under another handle.
        let next = owner.buffer_grant(buffer, &other, false).unwrap();
        assert_ne!(next, granted);
        assert_eq!(run_one(&other, sum(next, 64, 2)).status, OK, "{mode:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let runtime = shared(Mode::Auto);
    let elsewhere = open(options(Mode::Auto));
    let (owner, other) = pair(&runtime);
    let third = tenant(&runtime);
    let stranger = tenant(&elsewhere);
    let buffer = owner.buffer_create(64, false).unwrap();
    let fixed = owner.buffer_create(64, true).unwrap();
    let refused = |result: Result<u32, Error>, expected: Status| {
        assert_eq!(status(result), expected);
    };
    refused(
        owner.buffer_grant(buffer, &owner, false),
        Status::InvalidArgument,
    );
    refused(
        owner.buffer_grant(buffer, &stranger, false),
        Status::InvalidArgument,
    );
    refused(
        owner.buffer_grant(fixed, &other, true),
        Status::InvalidArgument,
    );
    refused(owner.buffer_grant(0, &other, false), Status::InvalidHandle);
    refused(
        other.buffer_grant(buffer, &owner, false),
        Status::InvalidHandle,
    );
    let granted = owner.buffer_grant(buffer, &other, true).unwrap();
    refused(
        owner.buffer_grant(buffer, &other, false),
        Status::WrongState,
    );
    refused(
        other.buffer_grant(granted, &third, false),
        Status::WrongState,
    );
    let not_granted = owner.buffer_take_back(buffer, &third);
    assert_eq!(status(not_granted), Status::WrongState);
    let not_own = other.buffer_take_back(granted, &owner);
    assert_eq!(status(not_own), Status::WrongState);
    third.revoke(PATIENCE).unwrap();
    refused(
        owner.buffer_grant(buffer, &third, false),
        Status::WrongState,
    );
    third.destroy().unwrap();
    refused(
        owner.buffer_grant(buffer, &third, false),
        Status::InvalidHandle,
    );
    refused(
        third.buffer_grant(buffer, &owner, false),
        Status::InvalidHandle,
    );
    assert_eq!(other.counters().used[Resource::Buffers as usize], 1);
}

#[test]
fn a_grant_costs_one_buffer_and_no_bytes() {
    let runtime = shared(Mode::Auto);
    let owner = tenant(&runtime);
    let quota = Quota {
        buffers: 1,
        buffer_bytes: 0,
        ..Quota::default()
    };
    let other: Guest = runtime
        .create_tenant(&TenantOptions {
            quota,
            ..TenantOptions::default()
        })
        .unwrap()
        .into();
    let buffers = [(); 2].map(|()| owner.buffer_create(1000, false).unwrap());
    let granted = owner.buffer_grant(buffers[0], &other, false).unwrap();
    let before = owner.counters();
    assert_eq!(before.used[Resource::Buffers as usize], 2);
    assert_eq!(before.used[Resource::BufferBytes as usize], 2000);
    let refused = owner.buffer_grant(buffers[1], &other, false);
    assert_eq!(status(refused), Status::QuotaExceeded);
    assert_eq!(owner.counters(), before);
    assert_eq!(other.counters().used, [0, 0, 1, 0, 0, 0, 0]);
    // Whoever was granted it can let it go.
    other.buffer_destroy(granted).unwrap();
    let granted = owner.buffer_grant(buffers[1], &other, false).unwrap();
    assert_eq!(words(&other, granted, 2), [0, 0]);
    owner.buffer_take_back(buffers[1], &other).unwrap();
    assert_eq!(other.counters().used, [0; 7]);
    assert_eq!(words(&owner, buffers[1], 2), [0, 0]);
}

/// The buffer, its owner, or the other one goes: the grant ends, and no new buffer lies where it could still be reached.
#[test]
fn grants_end_with_what_they_are_of() {
    for mode in MODES {
        let runtime = open(options(mode));
        for end in 0..3 {
            let (owner, other) = pair(&runtime);
            let buffer = owner.buffer_create(256, false).unwrap();
            let granted = owner.buffer_grant(buffer, &other, true).unwrap();
            let ticket = submit(&other, &[long(granted)])[0];
            until("the job writes", || words(&owner, buffer, 1)[0] == 1);
            match end {
                0 => owner.buffer_destroy(buffer).unwrap(),
                1 => owner.destroy().unwrap(),
                _ => other.destroy().unwrap(),
            }
            let third = tenant(&runtime);
            let fresh: Vec<u32> = (0..8)
                .map(|_| third.buffer_create(256, false).unwrap())
                .collect();
            if end < 2 {
                let gone = other.buffer_read(granted, 0, &mut [0; 4]);
                assert_eq!(status(gone), Status::InvalidHandle, "{mode:?}");
            }
            for &buffer in &fresh {
                let clean = words(&third, buffer, 64).iter().all(|&w| w == 0);
                assert!(clean, "{mode:?}, {end}");
            }
            if end < 2 {
                other.cancel(ticket).unwrap();
                wait(&other, ticket);
                let later = run_one(&other, sum(granted, 64, 2));
                assert_eq!(later.fault, fault::INVALID_BUFFER, "{mode:?}");
            } else {
                assert_eq!(run_one(&owner, fill(buffer, 64, 2, 4)).status, OK);
                let ended = owner.buffer_take_back(buffer, &other);
                assert_eq!(status(ended), Status::WrongState);
            }
        }
    }
}
