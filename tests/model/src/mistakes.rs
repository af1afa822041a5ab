//! The mistakes, each in a scenario that is large enough for it, with what it must lead to.

use crate::property::Violation;
use crate::scenario::{Control, Job, Mistake, Scenario};

const S: Job = Job::scalar();
const T1: Job = Job::tiled(1);
const T2: Job = Job::tiled(2);
const REVOKE: &[Control] = &[Control::Revoke];
const RECYCLE: &[Control] = &[Control::Revoke, Control::Reopen];

pub fn mistakes() -> Vec<(Mistake, Violation, Scenario)> {
    let case = |mistake, violation, scenario: Scenario| {
        (mistake, violation, scenario.wrong(mistake, violation))
    };
    vec![
        case(
            Mistake::OpenStoredAfterRemaining,
            Violation::Wedge,
            Scenario::new("open stored after remaining", 2, 2, &[T1, T1]),
        ),
        case(
            Mistake::FinisherAlsoClearsOpen,
            Violation::Wedge,
            Scenario::new("finisher clears open too", 2, 2, &[T1, T1]),
        ),
        case(
            Mistake::FinisherClearsOpen,
            Violation::Wedge,
            Scenario::new("finisher clears open", 2, 2, &[T2, T1]).controls(RECYCLE),
        ),
        case(
            Mistake::JobFromBeforeClaim,
            Violation::StaleTouch,
            Scenario::new("job from before the claim", 2, 1, &[T1, T1]),
        ),
        case(
            Mistake::RemainingBeforeUnfinished,
            Violation::Underflow,
            Scenario::new("remaining before unfinished", 2, 1, &[T1]),
        ),
        case(
            Mistake::DoneBeforeCompletion,
            Violation::BarrierBroken,
            Scenario::new("done before completion", 2, 2, &[S, S.barrier()]),
        ),
        case(
            Mistake::LeaseEndPerLane,
            Violation::Wedge,
            Scenario::new("lease end per lane", 2, 2, &[S, S]).leases(2),
        ),
        case(
            Mistake::LeaveAfterClaim,
            Violation::Wedge,
            Scenario::new("leave after claim", 2, 1, &[T1]).leases(2),
        ),
        case(
            Mistake::RevokeLeavesCursor,
            Violation::ClaimedAfterRevoke,
            Scenario::new("revoke leaves the cursor", 1, 1, &[S]).controls(REVOKE),
        ),
        case(
            Mistake::ClosedApartFromCursor,
            Violation::WrongStatus,
            Scenario::new("closed apart, status", 2, 1, &[S]).controls(REVOKE),
        ),
        case(
            Mistake::ClosedApartFromCursor,
            Violation::CompletedTwice,
            Scenario::new("closed apart, twice", 2, 1, &[S]).controls(REVOKE),
        ),
        case(
            Mistake::RevokesOverlap,
            Violation::CompletedTwice,
            Scenario::new("revokes overlap", 2, 1, &[S])
                .controls(&[Control::Revoke, Control::Revoke]),
        ),
        case(
            Mistake::TilesClaimedWithoutCompare,
            Violation::RanTwice,
            Scenario::new("tiles claimed without compare", 2, 1, &[T2]),
        ),
        case(
            Mistake::UnfinishedBeforeResults,
            Violation::CompletedEarly,
            Scenario::new("unfinished before results", 2, 1, &[T2]),
        ),
        case(
            Mistake::StampNotChecked,
            Violation::ClaimedUnpublished,
            Scenario::new("stamp not checked", 1, 1, &[S, S]),
        ),
        case(
            Mistake::StampWrapsToZero,
            Violation::ClaimedUnpublished,
            Scenario::new("stamp wraps to zero", 1, 2, &[S, S]),
        ),
        case(
            Mistake::StampWrapsToZero,
            Violation::Wedge,
            Scenario::new("open wraps to zero", 1, 2, &[T1, T1]),
        ),
        case(
            Mistake::SlotReusedBeforeTaken,
            Violation::Overwritten,
            Scenario::new("slot reused", 1, 1, &[S, S]),
        ),
        case(
            Mistake::StampFirst,
            Violation::Torn,
            Scenario::new("stamp first", 1, 1, &[S]),
        ),
        case(
            Mistake::LeaseEndReset,
            Violation::Wedge,
            ended_ahead("lease end reset"),
        ),
        case(
            Mistake::LeaseEndEqual,
            Violation::Wedge,
            ended_ahead("lease end equal"),
        ),
        case(
            Mistake::OpenNotUndone,
            Violation::Wedge,
            Scenario::new("open not undone", 2, 2, &[T1, T1]),
        ),
        case(
            Mistake::TileRunsWhenClosed,
            Violation::RanAfterRevoke,
            Scenario::new("tile runs when closed", 2, 1, &[T1]).controls(REVOKE),
        ),
        case(
            Mistake::RevokeAlwaysClearsOpen,
            Violation::Wedge,
            Scenario::new("revoke always clears open", 2, 1, &[T1]).controls(REVOKE),
        ),
        case(
            Mistake::ReopenClearsOpen,
            Violation::Wedge,
            Scenario::new("reopen clears open", 3, 2, &[T1, T1]).controls(RECYCLE),
        ),
        case(
            Mistake::ReopenStoresDone,
            Violation::BarrierBroken,
            Scenario::new("reopen stores done", 2, 2, &[S, S, S.barrier()]).controls(RECYCLE),
        ),
        case(
            Mistake::StatusReadAfterClaim,
            Violation::WrongStatus,
            Scenario::new(
                "status read after claim",
                2,
                2,
                &[S.faults(), S.after_ok(), S],
            ),
        ),
        case(
            Mistake::StatusOfLastTenant,
            Violation::WrongStatus,
            Scenario::new("status of last tenant", 1, 1, &[S, S.after_ok()]).controls(RECYCLE),
        ),
        case(
            Mistake::OpenClearedWithoutRest,
            Violation::Wedge,
            Scenario::new("open cleared without rest", 2, 2, &[T2, T1]).controls(REVOKE),
        ),
        case(
            Mistake::OpenClearedWithoutRest,
            Violation::Wedge,
            Scenario::new("open cleared without rest, cancel", 2, 2, &[T1, T1]).cancels(&[0]),
        ),
        case(
            Mistake::RestLeavesOpen,
            Violation::Wedge,
            Scenario::new("rest leaves open", 2, 2, &[T2, T1]).cancels(&[0]),
        ),
        case(
            Mistake::RestNotCounted,
            Violation::Wedge,
            Scenario::new("rest not counted", 1, 1, &[T2]).cancels(&[0]),
        ),
        case(
            Mistake::TileIgnoresCancel,
            Violation::RanAfterCancel,
            Scenario::new("tile ignores cancel", 1, 1, &[T2]).cancels(&[0]),
        ),
        case(
            Mistake::FlagsBeforeStamp,
            Violation::BarrierBroken,
            Scenario::new("flags before stamp, barrier", 2, 2, &[S, S, S.barrier()]),
        ),
        case(
            Mistake::FlagsBeforeStamp,
            Violation::CompletedEarly,
            Scenario::new("flags before stamp, tiles", 2, 1, &[S, T2]),
        ),
        case(
            Mistake::RightsFromBeforeClaim,
            Violation::WrongRights,
            Scenario::new("rights from before the claim, tiles", 2, 1, &[T1, T1]).controls(RECYCLE),
        ),
        case(
            Mistake::RightsFromBeforeClaim,
            Violation::WrongRights,
            Scenario::new("rights from before the claim, scalar", 2, 1, &[S, S]).controls(RECYCLE),
        ),
        case(
            Mistake::EpochAfterClaim,
            Violation::BegunAfterRevoke,
            Scenario::new("epoch after the claim, scalar", 2, 1, &[S])
                .controls(REVOKE)
                .timed(),
        ),
        case(
            Mistake::EpochAfterClaim,
            Violation::BegunAfterRevoke,
            Scenario::new("epoch after the claim, tiles", 2, 1, &[T1])
                .controls(REVOKE)
                .timed(),
        ),
        case(
            Mistake::EpochBeforeDone,
            Violation::BegunBeforeOthersEnded,
            Scenario::new("epoch before done, scalar", 2, 2, &[S, S.barrier()]).timed(),
        ),
        case(
            Mistake::EpochBeforeDone,
            Violation::BegunBeforeOthersEnded,
            Scenario::new("epoch before done, tiles", 2, 2, &[T1, T1.after_ok()]).timed(),
        ),
    ]
}

/// Leases 1 and 2 are ended at once; a job waits for the third. Nothing else ends a lease here.
fn ended_ahead(name: &'static str) -> Scenario {
    Scenario {
        leases: 3,
        last_lease_from: 0,
        ..Scenario::new(name, 1, 1, &[S])
    }
    .controls(&[Control::EndLeases(2)])
}
