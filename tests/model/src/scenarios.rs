//! The scenarios of the right protocol, small and large.

use crate::scenario::{Control, Job, Scenario};

const S: Job = Job::scalar();
const T1: Job = Job::tiled(1);
const T2: Job = Job::tiled(2);
const T3: Job = Job::tiled(3);
const REVOKE: &[Control] = &[Control::Revoke];
const RECYCLE: &[Control] = &[Control::Revoke, Control::Reopen];

/// The right protocol, at sizes for every run of the tests.
pub fn short() -> Vec<Scenario> {
    vec![
        // Scalar jobs, laps, order.
        Scenario::new("scalar jobs", 3, 2, &[S, S, S, S, S]).producers(),
        Scenario::new("tiled jobs", 3, 2, &[T2, T2, T1]),
        Scenario::new("tiled jobs on one slot", 3, 1, &[T3, T2, T2]).chunks(),
        Scenario::new("mixed jobs, any order", 3, 2, &[S, T2, T1, S])
            .chunks()
            .any(),
        Scenario::new("barrier", 3, 2, &[T2, S.barrier(), S, T1.barrier()]),
        Scenario::new(
            "after ok",
            3,
            2,
            &[
                T1.faults(),
                S.after_ok(),
                T1.after_ok(),
                S.barrier(),
                S.after_ok(),
            ],
        )
        .producers(),
        Scenario::new(
            "after ok on one slot",
            3,
            1,
            &[S.faults(), T1.after_ok(), S, T2.after_ok()],
        ),
        // Leases.
        Scenario::new("leases", 3, 2, &[T2, S, T1]).leases(3),
        Scenario::new("leases on one slot", 3, 1, &[T2, S, T2]).leases(3),
        Scenario {
            last_lease_from: 1,
            ..Scenario::new("leases ended ahead", 3, 1, &[S, S]).leases(3)
        }
        .controls(&[Control::EndLeases(2)]),
        // Revoke.
        Scenario::new("revoke", 3, 2, &[T2, S]).controls(REVOKE),
        Scenario::new("revoke, any order", 2, 2, &[T2, S, T1])
            .controls(REVOKE)
            .any()
            .producers(),
        Scenario::new("revoke of tiles in chunks", 2, 2, &[S, T3, T2])
            .controls(REVOKE)
            .chunks(),
        Scenario::new("revoke and leases", 2, 1, &[T2, S])
            .controls(REVOKE)
            .leases(3),
        Scenario::new("revoke twice", 2, 1, &[T2, S]).controls(&[Control::Revoke, Control::Revoke]),
        Scenario::new("epochs and revoke", 3, 2, &[T2, S])
            .controls(REVOKE)
            .timed(),
        Scenario::new("epochs and order", 3, 2, &[T2, S.barrier(), T1.after_ok()]).timed(),
        Scenario::new("recycled ring", 3, 1, &[T1, T2]).controls(RECYCLE),
        Scenario::new("recycled ring of two slots", 2, 2, &[T2, T1, S.barrier()]).controls(RECYCLE),
        Scenario::new(
            "recycled ring, after ok",
            2,
            1,
            &[S, T1.after_ok(), S.after_ok()],
        )
        .controls(RECYCLE),
        Scenario::new("recycled twice", 2, 1, &[T1, T1, T1]).controls(&[
            Control::Revoke,
            Control::Reopen,
            Control::Revoke,
        ]),
        // Cancel.
        Scenario::new("cancel", 3, 2, &[T3, T1, T2]).cancels(&[0, 2]),
        Scenario::new("cancel on one slot", 3, 1, &[T3, T2])
            .cancels(&[0, 1])
            .chunks(),
        Scenario::new(
            "cancel, after ok",
            2,
            2,
            &[T2, T2.after_ok(), S.after_ok(), T1.faults()],
        )
        .cancels(&[0, 1, 3]),
        Scenario::new("cancel and revoke", 3, 2, &[T2, T1])
            .cancels(&[0])
            .controls(REVOKE),
        Scenario::new("cancel and leases", 2, 1, &[T3, T2])
            .cancels(&[0])
            .leases(3),
        Scenario::new("cancel in a recycled ring", 2, 1, &[T2, T2])
            .cancels(&[0, 1])
            .controls(RECYCLE),
    ]
}

/// The same at sizes that take minutes.
pub fn long() -> Vec<Scenario> {
    vec![
        Scenario::new("long: scalar jobs", 3, 2, &[S, S, S, S, S, S])
            .producers()
            .leases(2),
        Scenario::new("long: tiled jobs", 3, 2, &[T3, T2, T3, T2, T1])
            .chunks()
            .producers(),
        Scenario::new(
            "long: mixed jobs",
            3,
            2,
            &[T2, S, T3, S.barrier(), T2.after_ok(), S],
        )
        .producers(),
        Scenario::new(
            "long: mixed jobs, any order",
            3,
            2,
            &[T2, S, T3, S.barrier(), T2.after_ok(), S],
        )
        .any(),
        Scenario::new("long: leases", 3, 2, &[T3, T2, S.barrier(), T2])
            .leases(3)
            .chunks(),
        Scenario::new("long: revoke", 3, 2, &[T2, T3, S, T2])
            .controls(REVOKE)
            .chunks(),
        Scenario::new("long: revoke and leases", 3, 2, &[T2, S, T1])
            .controls(REVOKE)
            .leases(3),
        Scenario::new("long: recycled ring", 3, 2, &[T2, T1, T2, S.after_ok()]).controls(RECYCLE),
        Scenario::new(
            "long: recycled ring and leases",
            3,
            2,
            &[T2, T1, S.barrier(), T2],
        )
        .controls(RECYCLE)
        .leases(3),
        Scenario::new(
            "long: recycled ring, any order",
            3,
            2,
            &[T2, T3, S, T2.after_ok(), S],
        )
        .controls(RECYCLE)
        .any()
        .chunks()
        .producers(),
        Scenario::new("long: cancel and revoke", 3, 2, &[T3, T2])
            .cancels(&[0, 1])
            .controls(REVOKE),
        Scenario::new("long: cancel in a recycled ring", 3, 2, &[T2, T1])
            .cancels(&[0, 1])
            .controls(RECYCLE),
    ]
}
