//! The mistakes, each in a scenario that is large enough for it, with what it must lead to.

use super::scenario::{GroupMistake, GroupScenario, Kind};
use crate::property::Violation;

const S: Kind = Kind::Scalar;
const A: Kind = Kind::AtOnce;
const T1: Kind = Kind::Tiled(1);
const T2: Kind = Kind::Tiled(2);

pub fn group_mistakes() -> Vec<(GroupMistake, Violation, GroupScenario)> {
    let case = |mistake, violation, scenario: GroupScenario| {
        (mistake, violation, scenario.wrong(mistake, violation))
    };
    let new = GroupScenario::new;
    vec![
        case(
            GroupMistake::LeftWithLastClaim,
            Violation::RanBeside,
            new("group left with the last claim", 2, &[&[T2], &[S]]),
        ),
        case(
            GroupMistake::LeftBeforeCompletion,
            Violation::RanBeside,
            new("group left before the completion", 2, &[&[T1], &[S]]),
        ),
        case(
            GroupMistake::KeptAfterFailedClaim,
            Violation::Wedge,
            new("group kept after a failed claim", 2, &[&[S], &[S]]),
        ),
        case(
            GroupMistake::KeptAfterFailedClaim,
            Violation::GroupHeld,
            new("group kept after a failed claim, end", 2, &[&[S]]),
        ),
        case(
            GroupMistake::KeptAfterFailedClaim,
            Violation::Wedge,
            new(
                "group kept after a claim of a revoked one",
                2,
                &[&[S], &[S]],
            )
            .revoke(0),
        ),
        case(
            GroupMistake::KeptAfterFailedOpen,
            Violation::Wedge,
            new("group kept after a failed opening", 2, &[&[T1], &[S]]),
        ),
        case(
            GroupMistake::KeptAfterFailedOpen,
            Violation::GroupHeld,
            new("group kept after a failed opening, end", 2, &[&[T1]]),
        ),
        case(
            GroupMistake::KeptAtOnce,
            Violation::Wedge,
            new("group kept at once", 1, &[&[A], &[S]]),
        ),
        case(
            GroupMistake::KeptAtOnce,
            Violation::GroupHeld,
            new("group kept at once, end", 1, &[&[S, A]]),
        ),
        case(
            GroupMistake::LeaveStoresZero,
            Violation::RanBeside,
            new("group's count set to zero", 3, &[&[S, S], &[S]]),
        ),
        case(
            GroupMistake::LeaveStoresZero,
            Violation::RanBeside,
            new("group's count set to zero, tiles", 2, &[&[T1, S], &[S]]),
        ),
        case(
            GroupMistake::FreeByName,
            Violation::Wedge,
            new("group free by name", 1, &[&[S], &[S]]),
        ),
        case(
            GroupMistake::JoinsAnyone,
            Violation::RanBeside,
            new("group joined by anyone", 2, &[&[S], &[S]]),
        ),
        case(
            GroupMistake::TakenWithoutCompare,
            Violation::RanBeside,
            new("group taken without compare", 2, &[&[S], &[S]]),
        ),
        case(
            GroupMistake::AdmittedAfterClaim,
            Violation::Wedge,
            new("group asked for after the claim", 1, &[&[T1], &[S]]),
        ),
        case(
            GroupMistake::AdmittedAfterClaim,
            Violation::Wedge,
            new(
                "group asked for after the claim, tiles",
                2,
                &[&[T1], &[T1], &[S]],
            ),
        ),
        case(
            GroupMistake::RevokeKeeps,
            Violation::Wedge,
            new("group kept by a revoke", 1, &[&[T2], &[S]]).revoke(0),
        ),
        case(
            GroupMistake::RevokeKeeps,
            Violation::GroupHeld,
            new("group kept by a revoke, end", 1, &[&[T2]]).revoke(0),
        ),
        case(
            GroupMistake::RevokeLeavesAlways,
            Violation::RanBeside,
            new("group left by a revoke that isn't last", 3, &[&[T2], &[S]]).revoke(0),
        ),
        case(
            GroupMistake::RevokeLeavesAlways,
            Violation::Underflow,
            new("group left twice", 2, &[&[T2]]).revoke(0),
        ),
        case(
            GroupMistake::RevokeLeavesCursor,
            Violation::CompletedTwice,
            new("group, revoke leaves the cursor", 2, &[&[S], &[S]]).revoke(0),
        ),
        case(
            GroupMistake::LeaseResetsHolder,
            Violation::RanBeside,
            new("group reset by a lease", 1, &[&[T1], &[S]]).leases(2),
        ),
        case(
            GroupMistake::OutsiderAdmitted,
            Violation::NeverBeside,
            new("group without an outside", 2, &[&[S]]).outside(&[S]),
        ),
    ]
}
