//! The scenarios of the right protocol, small and large.

use super::scenario::{GroupScenario, Kind};

const S: Kind = Kind::Scalar;
const A: Kind = Kind::AtOnce;
const T1: Kind = Kind::Tiled(1);
const T2: Kind = Kind::Tiled(2);
const T3: Kind = Kind::Tiled(3);

/// The right protocol, at sizes for every run of the tests.
pub fn group_short() -> Vec<GroupScenario> {
    let new = GroupScenario::new;
    vec![
        new("group, scalar jobs", 3, &[&[S, S], &[S, S]]).outside(&[S]),
        new("group of three", 3, &[&[S], &[T2], &[S, A]]),
        new("group, tiled jobs", 3, &[&[T2, S], &[S, T2]]),
        new("group, two open jobs", 3, &[&[T2, T2], &[T1]]),
        new("group, answered at once", 3, &[&[A, S, A], &[T1]]),
        new("group, outsider with tiles", 3, &[&[T2], &[S, T1]]).outside(&[T2]),
        new("group, leases", 3, &[&[T2], &[S]]).leases(3),
        new("group, revoke", 3, &[&[T2, S], &[S]]).revoke(0),
        new("group, revoke beside", 3, &[&[T2, A], &[T1]])
            .outside(&[S])
            .revoke(0),
        new("group, revoke of an outsider", 3, &[&[T2], &[S]])
            .outside(&[T2])
            .revoke(2),
        new("group, revoke and leases", 3, &[&[T2, S], &[T1]])
            .leases(2)
            .revoke(0),
    ]
}

/// The same at sizes that take minutes.
pub fn group_long() -> Vec<GroupScenario> {
    let new = GroupScenario::new;
    vec![
        new("long: group, outsider with tiles", 3, &[&[T2, S], &[S, T1]]).outside(&[T2]),
        new("long: group, scalar jobs", 3, &[&[S, S, S], &[S, A, S]]).outside(&[S, S]),
        new("long: group of three", 3, &[&[S, T2], &[T2, S], &[A, S]]),
        new("long: group, tiled jobs", 3, &[&[T3, T2], &[T2, T1]]).outside(&[T1]),
        new("long: group, leases", 3, &[&[T2, S], &[S, T2]])
            .outside(&[S])
            .leases(3),
        new("long: group, revoke", 3, &[&[T3, S, T2], &[S, T1]])
            .outside(&[T1])
            .revoke(0),
        new("long: group, revoke and leases", 3, &[&[T3, S], &[T1, S]])
            .leases(3)
            .revoke(0),
    ]
}
