//! The open job: claiming tiles, running them, finishing them, and the completion by the last one.

use crate::property::{Checked, Violation};
use crate::scenario::{Mistake, Scenario};
use crate::state::{
    At, State, Worker, CANCELLED, FAULTED, MARK_CANCELLED, MARK_REVOKED, NONE, OK, REVOKED,
};
use crate::worker::{no_tiles, Turn};

pub fn load_open(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    if state.open == 0 {
        return no_tiles(turn, "loads open: nothing");
    }
    turn.step("loads open: a job", |next, me| {
        me.position = next.open - 1;
        me.slot = scenario.slot(me.position) as u8;
        if scenario.has(Mistake::RightsFromBeforeClaim) {
            me.generation = next.generation(scenario);
        }
        me.at = At::LoadRemaining;
        Ok(())
    });
}

pub fn steps(turn: &mut Turn) {
    match turn.me.at {
        At::LoadRemaining => load_remaining(turn),
        At::ClaimTiles => claim_tiles(turn),
        At::ClearOpen => turn.step("has the last tile and clears open", |next, me| {
            next.open = 0;
            me.at = At::DeriveJob;
            Ok(())
        }),
        At::DeriveJob => derive_job(turn),
        At::CheckClosed => check_closed(turn),
        At::CheckCancel => check_cancel(turn),
        At::RunTiles => run_tiles(turn),
        At::MarkTiles => mark_tiles(turn),
        At::TakeRest => take_rest(turn),
        At::ClearOpenForRest => turn.step("has taken the last tile and clears open", |next, me| {
            next.open = 0;
            me.at = At::SubUnfinished;
            Ok(())
        }),
        At::SubUnfinished => sub_unfinished(turn),
        At::TiledRecord | At::TiledStamp => complete(turn),
        At::TiledDone => raise_done(turn),
        At::ClearOpenLate => turn.step("clears open as the finisher", |next, me| {
            next.open = 0;
            me.rest()
        }),
        _ => unreachable!("not a place among tiles"),
    }
}

/// The tiles that a claim of `count` takes when `remaining` are left.
fn tiles(remaining: u8, count: u8) -> u8 {
    ((1 << remaining) - 1) & !((1 << (remaining - count)) - 1)
}

fn load_remaining(turn: &mut Turn) {
    let remaining = turn.state.slots[turn.me.slot as usize].remaining;
    if remaining == 0 {
        return no_tiles(turn, "loads remaining: nothing");
    }
    turn.step("loads remaining", |_, me| {
        me.remaining = remaining;
        me.at = At::ClaimTiles;
        Ok(())
    });
}

fn claim_tiles(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    let compare = !scenario.has(Mistake::TilesClaimedWithoutCompare);
    if compare && state.slots[me.slot as usize].remaining != me.remaining {
        return turn.step("fails to claim tiles", |_, me| me.rest());
    }
    for count in 1..=if scenario.chunks { me.remaining } else { 1 } {
        turn.step("claims tiles", |next, me| {
            next.slots[me.slot as usize].remaining = me.remaining - count;
            me.count = count;
            let slot = &next.slots[me.slot as usize];
            me.late = if next.revoke_completed(scenario) {
                1
            } else if slot.cancel == slot.job {
                2
            } else {
                0
            };
            let last = count == me.remaining && !scenario.has(Mistake::FinisherClearsOpen);
            me.at = if last { At::ClearOpen } else { At::DeriveJob };
            if !scenario.has(Mistake::JobFromBeforeClaim) {
                me.position = 0;
            }
            Ok(())
        });
    }
}

fn derive_job(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    if scenario.has(Mistake::LeaveAfterClaim) && state.ended >= state.lease {
        turn.step("leaves with claimed tiles", |_, me| {
            *me = Worker::at(At::Gone);
            Ok(())
        });
    }
    turn.step("derives the job from the slot", |next, me| {
        me.job = if scenario.has(Mistake::JobFromBeforeClaim) {
            me.position
        } else {
            next.slots[me.slot as usize].job - 1
        };
        me.position = 0;
        if !scenario.has(Mistake::RightsFromBeforeClaim) {
            me.generation = next.generation(scenario);
        }
        let closes = !scenario.controls.is_empty() && !scenario.has(Mistake::TileRunsWhenClosed);
        me.at = if closes {
            At::CheckClosed
        } else {
            not_closed(scenario)
        };
        Ok(())
    });
}

fn check_closed(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    if state.closed == 0 {
        return turn.to("sees it not closed", not_closed(scenario));
    }
    turn.step("sees it closed", |_, me| {
        me.status = REVOKED;
        me.at = At::MarkTiles;
        Ok(())
    });
}

fn not_closed(scenario: &Scenario) -> At {
    if scenario.cancels != 0 && !scenario.has(Mistake::TileIgnoresCancel) {
        At::CheckCancel
    } else if scenario.has(Mistake::UnfinishedBeforeResults) {
        At::SubUnfinished
    } else {
        At::RunTiles
    }
}

fn check_cancel(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    if !state.cancelled(scenario, me.job) {
        return turn.to("sees it not cancelled", At::RunTiles);
    }
    turn.step("sees it cancelled", |_, me| {
        me.status = CANCELLED;
        me.at = At::MarkTiles;
        Ok(())
    });
}

/// The claimed tiles don't run. They keep the job alive until the worker has counted them.
fn mark_tiles(turn: &mut Turn) {
    turn.step("marks the job as revoked or cancelled", |next, me| {
        next.check_touch(me.slot, me.job)?;
        next.slots[me.slot as usize].marks |= match me.status {
            REVOKED => MARK_REVOKED,
            _ => MARK_CANCELLED,
        };
        let claimed = tiles(me.remaining, me.count);
        me.status = NONE;
        me.remaining = 0;
        me.late = 0;
        me.at = At::TakeRest;
        next.count_tiles(me.job, claimed, false)
    });
}

/// Nothing more of the job will run: takes what is left of its tiles, as its own.
fn take_rest(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("takes the rest of the tiles", |next, me| {
        next.check_touch(me.slot, me.job)?;
        let slot = &mut next.slots[me.slot as usize];
        let rest = std::mem::take(&mut slot.remaining);
        if !scenario.has(Mistake::RestNotCounted) {
            me.count += rest;
        }
        // As with a claim: who takes the last tile clears open, and nobody else does.
        let clears = rest != 0 && !scenario.has(Mistake::RestLeavesOpen)
            || scenario.has(Mistake::OpenClearedWithoutRest);
        me.at = if clears {
            At::ClearOpenForRest
        } else {
            At::SubUnfinished
        };
        next.count_tiles(me.job, tiles(rest, rest), false)
    });
}

fn run_tiles(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("runs the tiles and adds their results", |next, me| {
        check_late(me)?;
        next.check_touch(me.slot, me.job)?;
        next.slots[me.slot as usize].results += me.count;
        next.count_tiles(me.job, tiles(me.remaining, me.count), true)?;
        if scenario.has(Mistake::UnfinishedBeforeResults) {
            finished(scenario, next, me);
            return Ok(());
        }
        me.at = At::SubUnfinished;
        Ok(())
    });
}

fn check_late(me: &Worker) -> Checked {
    match me.late {
        1 => Err(Violation::RanAfterRevoke),
        2 => Err(Violation::RanAfterCancel),
        _ => Ok(()),
    }
}

fn sub_unfinished(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("counts unfinished down", |next, me| {
        next.check_touch(me.slot, me.job)?;
        let slot = &mut next.slots[me.slot as usize];
        if slot.unfinished < me.count {
            return Err(Violation::Underflow);
        }
        slot.unfinished -= me.count;
        me.index = u8::from(slot.unfinished == 0);
        if scenario.has(Mistake::UnfinishedBeforeResults) {
            me.at = At::RunTiles;
            return Ok(());
        }
        finished(scenario, next, me);
        Ok(())
    });
}

/// Tiles have been counted; `index` says whether they were the job's last ones.
fn finished(scenario: &Scenario, next: &State, me: &mut Worker) {
    let last = me.index == 1;
    me.index = 0;
    me.late = 0;
    me.remaining = 0;
    me.count = 0;
    if !last && me.revoking == 1 {
        return crate::revoke::go_on(next, me);
    }
    if !last {
        *me = Worker::at(At::Top);
        return;
    }
    let marks = next.slots[me.slot as usize].marks;
    me.status = match scenario.jobs[me.job as usize].faults {
        _ if marks & MARK_REVOKED != 0 => REVOKED,
        _ if marks & MARK_CANCELLED != 0 => CANCELLED,
        true => FAULTED,
        false => OK,
    };
    me.at = if scenario.has(Mistake::DoneBeforeCompletion) {
        At::TiledDone
    } else if scenario.has(Mistake::StampFirst) {
        At::TiledStamp
    } else {
        At::TiledRecord
    };
}

fn complete(turn: &mut Turn) {
    let scenario = turn.scenario;
    let stamp = turn.me.at == At::TiledStamp;
    let what = if stamp {
        "stamps the job's completion"
    } else {
        "stores the job's completion"
    };
    turn.step(what, |next, me| {
        if stamp {
            next.write_stamp(scenario, me.slot, me.job, me.status)?;
        } else {
            next.write_record(scenario, me.slot, me.job, me.status)?;
        }
        let first = stamp == scenario.has(Mistake::StampFirst);
        me.at = match (first, stamp) {
            (true, false) => At::TiledStamp,
            (true, true) => At::TiledRecord,
            _ if scenario.has(Mistake::DoneBeforeCompletion) => return me.rest(),
            _ => At::TiledDone,
        };
        Ok(())
    });
}

fn raise_done(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("raises done", |next, me| {
        next.done += 1;
        if scenario.has(Mistake::DoneBeforeCompletion) {
            me.at = At::TiledRecord;
            return Ok(());
        }
        if me.revoking == 1 {
            crate::revoke::go_on(next, me);
            return Ok(());
        }
        let clears = scenario.has(Mistake::FinisherClearsOpen)
            || scenario.has(Mistake::FinisherAlsoClearsOpen);
        me.rest()?;
        if clears {
            me.at = At::ClearOpenLate;
        }
        Ok(())
    });
}
