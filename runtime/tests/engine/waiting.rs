//! Blocked waiters and descriptors are told by the end of a lease; who looks for himself costs nobody a lease.

use crate::kit::*;

fn awake() -> Runtime {
    open(RuntimeOptions {
        idle_limit_ns: u64::MAX,
        ..options(Mode::Resident)
    })
}

/// A job that is likely to outlast the beginning of a wait, and doesn't use up the fuel of a lease.
fn slow() -> Job {
    spin(15_000)
}

#[test]
fn a_completion_that_somebody_is_blocked_on_ends_its_lease() {
    let runtime = awake();
    let tenant = tenant(&runtime);
    until("a lease ends for a blocked waiter", || {
        let ticket = submit(&tenant, &[slow()])[0];
        let done = tenant.wait(ticket, Wait::Block, PATIENCE).unwrap();
        assert_eq!(done.status, OK);
        runtime.info().notified > 0
    });
}

#[test]
fn a_completion_that_a_descriptor_waits_for_ends_its_lease() {
    let runtime = awake();
    let tenant = tenant(&runtime);
    let fd = tenant.event_fd().unwrap();
    until("a lease ends for a descriptor", || {
        submit(&tenant, &[slow()]);
        assert!(readable(fd, -1));
        assert_eq!(take(&tenant, 1)[0].status, OK);
        assert!(!readable(fd, 0));
        runtime.info().notified > 0
    });
}

#[test]
fn a_wait_for_the_last_of_many_ends_one_lease_at_most() {
    let runtime = awake();
    let tenant = tenant(&runtime);
    for round in 1..=20 {
        let tickets = submit(&tenant, &vec![spin(100); 1000]);
        let last = *tickets.last().unwrap();
        tenant.wait(last, Wait::Block, PATIENCE).unwrap();
        take(&tenant, 999);
        assert!(runtime.info().notified <= round);
    }
}

#[test]
fn who_spins_ends_no_lease() {
    let runtime = awake();
    let tenant = tenant(&runtime);
    for i in 0..1000 {
        let ticket = submit(&tenant, &[nop(i, 0)])[0];
        tenant.wait(ticket, Wait::Spin, PATIENCE).unwrap();
    }
    assert_eq!(runtime.info().notified, 0);
}
