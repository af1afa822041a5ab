//! A worker's round: lease end, look, and on to what was found.

use crate::explore::{self, Moves};
use crate::property::Checked;
use crate::scenario::{Look, Mistake, Scenario};
use crate::state::{At, State, Worker};
use crate::{revoke, scalar, tiles};

pub type Turn<'a> = explore::Turn<'a, Scenario, State>;

impl Turn<'_> {
    /// A step that only moves this worker on.
    pub fn to(&mut self, what: &'static str, at: At) {
        self.step(what, |_, me| {
            me.at = at;
            Ok(())
        });
    }

    /// The end of a round that found nothing: an idle worker may leave.
    pub fn nothing(&mut self, what: &'static str) {
        let Turn {
            scenario, state, ..
        } = *self;
        self.step(what, |_, me| me.rest());
        if scenario.idle && state.lease < scenario.leases {
            self.step(what, |_, me| {
                *me = Worker::at(At::Gone);
                Ok(())
            });
        }
    }
}

impl Worker {
    /// Back to the top of the loop, with clean registers.
    pub fn rest(&mut self) -> Checked {
        *self = Worker {
            lanes_gone: self.lanes_gone,
            ..Worker::at(At::Top)
        };
        Ok(())
    }
}

pub fn steps(scenario: &Scenario, state: &State, index: usize, moves: &mut Moves<State>) {
    let mut turn = Turn::new(scenario, state, index, moves);
    match turn.me.at {
        At::Gone => {}
        At::ResetLeaseEnd => turn.step("resets the lease end", |next, me| {
            next.ended = 0;
            me.rest()
        }),
        At::Top => top(&mut turn),
        At::TopSecondLane => lane_leaves(&mut turn, 1),
        At::Look => look(&mut turn),
        At::LookTiles => look_tiles(&mut turn),
        At::LookCursor => scalar::load_cursor(&mut turn),
        // The rest in the order of the enum's sections.
        at if at <= At::AnnounceLate => scalar::steps(&mut turn),
        at if at <= At::ClearOpenLate => tiles::steps(&mut turn),
        _ => revoke::steps(&mut turn),
    }
}

fn top(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    if scenario.leases == 1 {
        return look(turn);
    }
    if scenario.fuel && state.lease < scenario.leases && state.ended < state.lease {
        turn.step("is out of fuel and ends the lease", |next, me| {
            next.ended = next.ended.max(next.lease);
            me.rest()
        });
    }
    if scenario.has(Mistake::LeaseEndPerLane) {
        return lane_leaves(turn, 0);
    }
    if lease_ended(scenario, state) {
        turn.step("sees the lease's end and leaves", |_, me| {
            *me = Worker::at(At::Gone);
            Ok(())
        });
    } else {
        turn.to("sees that the lease goes on", At::Look);
    }
}

fn lease_ended(scenario: &Scenario, state: &State) -> bool {
    if scenario.has(Mistake::LeaseEndEqual) {
        state.ended == state.lease
    } else {
        state.ended >= state.lease
    }
}

/// The mistake of lanes that load the lease end on their own.
fn lane_leaves(turn: &mut Turn, lane: u8) {
    let gone = lease_ended(turn.scenario, turn.state);
    turn.step("one lane reads the lease end", |_, me| {
        me.lanes_gone |= u8::from(gone) << lane;
        me.at = match (lane, me.lanes_gone) {
            (0, _) => At::TopSecondLane,
            (_, 3) => At::Gone,
            _ => At::Look,
        };
        Ok(())
    });
}

fn look(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    let any = scenario.look == Look::Any;
    if !scenario.controls.is_empty() {
        if state.submitted > state.claimed {
            turn.to("sees a control job", At::ClaimControl);
        } else if !any {
            turn.to("sees no control job", At::LookTiles);
        }
        if !any {
            return;
        }
    }
    look_tiles(turn);
    if any && scenario.jobs.iter().any(|job| job.tiles > 0) {
        scalar::load_cursor(turn);
    }
}

fn look_tiles(turn: &mut Turn) {
    if turn.scenario.jobs.iter().any(|job| job.tiles > 0) {
        tiles::load_open(turn);
    } else {
        scalar::load_cursor(turn);
    }
}

/// No tiles to claim: on to the ring's front, or with any order of looking, the end of the round.
pub fn no_tiles(turn: &mut Turn, what: &'static str) {
    match turn.scenario.look {
        Look::Fixed => turn.step(what, |_, me| {
            *me = Worker {
                lanes_gone: me.lanes_gone,
                ..Worker::at(At::LookCursor)
            };
            Ok(())
        }),
        Look::Any => turn.nothing(what),
    }
}
