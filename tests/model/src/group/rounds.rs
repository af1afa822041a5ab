//! A worker's rounds, and what the host and the pump do besides.

use super::admission;
use super::scenario::{GroupMistake, GroupScenario, Kind};
use super::state::{At, State, Worker, CLAIMED, FINISHED, SUBMITTED};
use crate::explore::{self, Moves};
use crate::property::{ensure, Checked, Violation};

pub type Turn<'a> = explore::Turn<'a, GroupScenario, State>;

impl Turn<'_> {
    fn to(&mut self, what: &'static str, at: At) {
        self.step(what, |_, me| {
            me.at = at;
            Ok(())
        });
    }

    /// A round that comes to nothing.
    fn rest(&mut self, what: &'static str) {
        self.step(what, |_, me| {
            me.rest();
            Ok(())
        });
    }

    fn cursor_matches(&self) -> bool {
        let ring = &self.state.rings[self.me.tenant as usize];
        ring.cursor == self.me.position && ring.closed == 0
    }
}

pub fn host(scenario: &GroupScenario, state: &State, moves: &mut Moves<State>) {
    if scenario.revoked.is_some() && state.control == 0 {
        let mut next = *state;
        next.control = SUBMITTED;
        moves.host("submits the revoke", next);
    }
    if state.all_gone(scenario) {
        let mut next = *state;
        next.lease += 1;
        if scenario.has(GroupMistake::LeaseResetsHolder) {
            next.holder = 0;
        }
        next.workers[..scenario.workers].fill(Worker::at(At::Top));
        moves.add("pump", "launches the next lease", next);
    }
}

pub fn worker(scenario: &GroupScenario, state: &State, index: usize, moves: &mut Moves<State>) {
    let mut turn = Turn::new(scenario, state, index, moves);
    match turn.me.at {
        At::Gone => {}
        At::Top => top(&mut turn),
        At::LoadHolder => admission::load_holder(&mut turn),
        At::AskForIt => admission::ask_for_it(&mut turn),
        At::SwapHolder => admission::swap_holder(&mut turn),
        At::Leave | At::LeaveEarly | At::LeaveAsLast | At::LeaveAnyway => {
            admission::leave(&mut turn);
        }
        at if at <= At::StoreRemaining => front(&mut turn),
        at if at <= At::Complete => tiles(&mut turn),
        _ => revoke(&mut turn),
    }
}

/// A look at any tenant. What the real one loads besides the cursor and the open word decides only
/// whether it goes on; a worker that goes on more often than that shows more orders of steps.
fn top(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    if state.lease < scenario.leases {
        turn.to("leaves at the lease's end", At::Gone);
    }
    if state.control == SUBMITTED {
        turn.step("claims the control job", |next, me| {
            next.control = CLAIMED;
            let tenant = scenario.revoked.unwrap_or_default() as u8;
            me.revoking = 1;
            me.tenant = tenant;
            me.at = At::Close;
            Ok(())
        });
    }
    for (tenant, ring) in state.rings[..scenario.tenants.len()].iter().enumerate() {
        let tenant = tenant as u8;
        if let Some(position) = ring.open.checked_sub(1) {
            turn.step("loads open: a job", |_, me| {
                *me = Worker::on(At::LoadRemaining, tenant, position);
                Ok(())
            });
        }
        let jobs = scenario.tenants[tenant as usize].jobs.len();
        if ring.closed == 0 && (ring.cursor as usize) < jobs {
            turn.step("loads the cursor", |_, me| {
                *me = Worker::on(At::Top, tenant, ring.cursor);
                me.at = admission::before_claim(scenario, me);
                Ok(())
            });
        }
    }
}

/// The job at the cursor: a scalar one, or the opening of a tiled one.
fn front(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me: before,
        ..
    } = *turn;
    let kind = scenario.kind(before.tenant, before.position);
    match before.at {
        At::Claim if !turn.cursor_matches() => {
            nothing(
                turn,
                "fails to claim at the cursor",
                GroupMistake::KeptAfterFailedClaim,
            );
        }
        At::Claim => turn.step("claims at the cursor", |next, me| {
            next.rings[me.tenant as usize].cursor += 1;
            admission::after_claim(scenario, me, At::Run);
            Ok(())
        }),
        At::Run => turn.step("has run the job and completes it", |next, me| {
            let forgets = (kind == Kind::AtOnce).then_some(GroupMistake::KeptAtOnce);
            admission::end_of_round(scenario, me, true, forgets);
            complete(next, &before)
        }),
        At::TakeOpen if state.rings[before.tenant as usize].open != 0 => {
            nothing(
                turn,
                "finds another job open",
                GroupMistake::KeptAfterFailedOpen,
            );
        }
        At::TakeOpen => turn.step("takes open", |next, me| {
            next.rings[me.tenant as usize].open = me.position + 1;
            me.at = At::OpenCursor;
            Ok(())
        }),
        At::OpenCursor if !turn.cursor_matches() => {
            turn.to("fails to open at the cursor", At::UndoOpen);
        }
        At::OpenCursor => turn.step("opens at the cursor", |next, me| {
            next.rings[me.tenant as usize].cursor += 1;
            next.job(me.tenant, me.position).opened = 1;
            admission::after_claim(scenario, me, At::StoreUnfinished);
            Ok(())
        }),
        At::UndoOpen => turn.step("stores 0 back into open", |next, me| {
            next.rings[me.tenant as usize].open = 0;
            let forgets = Some(GroupMistake::KeptAfterFailedOpen);
            admission::end_of_round(scenario, me, false, forgets);
            Ok(())
        }),
        At::StoreUnfinished => turn.step("stores unfinished", |next, me| {
            next.job(me.tenant, me.position).unfinished = tiles_of(kind);
            me.at = At::StoreRemaining;
            Ok(())
        }),
        At::StoreRemaining => turn.step("stores remaining", |next, me| {
            next.job(me.tenant, me.position).remaining = tiles_of(kind);
            me.rest();
            Ok(())
        }),
        _ => unreachable!("not a place at the front of the ring"),
    }
}

/// A claim or an opening that came too late.
fn nothing(turn: &mut Turn, what: &'static str, forgets: GroupMistake) {
    let scenario = turn.scenario;
    turn.step(what, |_, me| {
        admission::end_of_round(scenario, me, false, Some(forgets));
        Ok(())
    });
}

fn tiles_of(kind: Kind) -> u8 {
    match kind {
        Kind::Tiled(tiles) => tiles,
        Kind::Scalar | Kind::AtOnce => 0,
    }
}

fn complete(state: &mut State, me: &Worker) -> Checked {
    let job = state.job(me.tenant, me.position);
    ensure(job.completed == 0, Violation::CompletedTwice)?;
    job.completed = 1;
    Ok(())
}

/// The open job. Its tiles need no admission.
fn tiles(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me: before,
        ..
    } = *turn;
    let ring = &state.rings[before.tenant as usize];
    let job = &ring.jobs[before.position as usize];
    match before.at {
        At::LoadRemaining if job.remaining == 0 => turn.rest("loads remaining: nothing"),
        At::LoadRemaining => turn.step("loads remaining", |_, me| {
            me.remaining = job.remaining;
            me.at = At::ClaimTile;
            Ok(())
        }),
        At::ClaimTile if job.remaining != before.remaining => {
            turn.rest("fails to claim a tile");
        }
        At::ClaimTile => turn.step("claims a tile", |next, me| {
            next.job(me.tenant, me.position).remaining -= 1;
            me.count = 1;
            me.at = match me.remaining {
                1 => At::ClearOpen,
                _ => At::CheckClosed,
            };
            me.remaining = 0;
            Ok(())
        }),
        At::ClearOpen => turn.step("has the last tile and clears open", |next, me| {
            next.rings[me.tenant as usize].open = 0;
            me.at = At::CheckClosed;
            if scenario.has(GroupMistake::LeftWithLastClaim) {
                admission::sub(scenario, next, me.tenant)?;
            }
            Ok(())
        }),
        // The host has marked the tenant before it submitted the control job that closes the ring.
        At::CheckClosed
            if state.control != 0 && scenario.revoked == Some(before.tenant as usize) =>
        {
            turn.to("sees it revoked", At::TakeRest);
        }
        At::CheckClosed => turn.to("sees it not revoked", At::RunTile),
        At::RunTile => turn.to("has run the tile", At::SubUnfinished),
        At::TakeRest => turn.step("takes the rest of the tiles", |next, me| {
            let rest = std::mem::take(&mut next.job(me.tenant, me.position).remaining);
            me.count += rest;
            me.at = match rest {
                0 => At::SubUnfinished,
                _ => At::ClearOpenForRest,
            };
            Ok(())
        }),
        At::ClearOpenForRest => turn.step("has the rest and clears open", |next, me| {
            next.rings[me.tenant as usize].open = 0;
            me.at = At::SubUnfinished;
            Ok(())
        }),
        At::SubUnfinished => sub_unfinished(turn),
        At::Complete => turn.step("completes the job", |next, me| {
            let stays = scenario.has(GroupMistake::LeftWithLastClaim)
                || scenario.has(GroupMistake::LeftBeforeCompletion)
                || scenario.has(GroupMistake::RevokeKeeps) && me.revoking == 1
                || scenario.has(GroupMistake::RevokeLeavesAlways) && me.revoking == 1;
            me.at = At::LeaveAsLast;
            if stays || !scenario.admits(me.tenant) {
                me.rest();
            }
            complete(next, &before)
        }),
        _ => unreachable!("not a place among tiles"),
    }
}

fn sub_unfinished(turn: &mut Turn) {
    let early = turn.scenario.has(GroupMistake::LeftBeforeCompletion);
    turn.step("counts unfinished down", |next, me| {
        let job = next.job(me.tenant, me.position);
        ensure(job.unfinished >= me.count, Violation::Underflow)?;
        job.unfinished -= me.count;
        me.count = 0;
        if job.unfinished == 0 {
            me.at = match early {
                true => At::LeaveEarly,
                false => At::Complete,
            };
        } else {
            me.rest();
        }
        Ok(())
    });
}

/// The control job: takes what is left of the open job, and finishes it like a worker.
fn revoke(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me: before,
        ..
    } = *turn;
    let ring = &state.rings[before.tenant as usize];
    match before.at {
        At::Close => turn.step("closes the ring", |next, me| {
            let leaves = scenario.has(GroupMistake::RevokeLeavesCursor);
            next.rings[me.tenant as usize].closed = u8::from(!leaves);
            me.at = At::RevokeLoadOpen;
            Ok(())
        }),
        At::RevokeLoadOpen if ring.open == 0 => turn.rest("loads open: nothing"),
        At::RevokeLoadOpen => turn.step("loads open: a job", |_, me| {
            me.position = ring.open - 1;
            me.at = At::RevokeTake;
            Ok(())
        }),
        At::RevokeTake => turn.step("takes the tiles that are left", |next, me| {
            me.count = std::mem::take(&mut next.job(me.tenant, me.position).remaining);
            me.at = At::RevokeClearOpen;
            if me.count == 0 {
                me.rest();
            }
            Ok(())
        }),
        At::RevokeClearOpen => turn.step("clears open", |next, me| {
            next.rings[me.tenant as usize].open = 0;
            me.at = match scenario.has(GroupMistake::RevokeLeavesAlways) {
                true => At::LeaveAnyway,
                false => At::SubUnfinished,
            };
            Ok(())
        }),
        At::RevokeRest => turn.step("completes what nobody has claimed", |next, me| {
            *me = Worker::at(At::Top);
            complete_rest(scenario, next, before.tenant)
        }),
        _ => unreachable!("not a place in a revoke"),
    }
}

/// One step: nobody else touches these jobs while the ring is closed.
fn complete_rest(scenario: &GroupScenario, state: &mut State, tenant: u8) -> Checked {
    let jobs = scenario.tenants[tenant as usize].jobs.len() as u8;
    for position in state.rings[tenant as usize].cursor..jobs {
        complete(state, &Worker::on(At::RevokeRest, tenant, position))?;
    }
    // A claim that the ring should have refused still finds the cursor where it was.
    if !scenario.has(GroupMistake::RevokeLeavesCursor) {
        state.rings[tenant as usize].cursor = jobs;
    }
    state.control = FINISHED;
    Ok(())
}
