//! The control jobs: revoke, giving the ring to the next tenant, and the end of leases.

use crate::scenario::{Control, Mistake};
use crate::state::{At, State, Worker, MARK_REVOKED, REVOKED};
use crate::worker::Turn;

pub fn steps(turn: &mut Turn) {
    let scenario = turn.scenario;
    match turn.me.at {
        At::ClaimControl => claim(turn),
        At::EndLeases => turn.step("ends leases", |next, me| {
            if let Control::EndLeases(lease) = scenario.controls[next.claimed as usize - 1] {
                next.ended = next.ended.max(lease);
            }
            me.at = At::ControlDone;
            Ok(())
        }),
        At::Reopen => turn.step("reopens the ring", |next, me| {
            next.closed = 0;
            let more =
                scenario.has(Mistake::ReopenClearsOpen) || scenario.has(Mistake::ReopenStoresDone);
            me.at = if more {
                At::ReopenMore
            } else {
                At::ControlDone
            };
            Ok(())
        }),
        At::ReopenMore => turn.step("resets a word of the ring", |next, me| {
            if scenario.has(Mistake::ReopenClearsOpen) {
                next.open = 0;
            } else {
                next.done = next.head;
            }
            me.at = At::ControlDone;
            Ok(())
        }),
        At::Close => turn.step("closes the ring", |next, me| {
            next.closed = u8::from(!scenario.has(Mistake::RevokeLeavesCursor));
            me.position = next.cursor;
            me.at = if scenario.has(Mistake::ClosedApartFromCursor) {
                At::CloseApart
            } else {
                At::RevokeLoadOpen
            };
            Ok(())
        }),
        At::CloseApart => turn.step("loads the cursor", |next, me| {
            me.position = next.cursor;
            me.at = At::RevokeLoadOpen;
            Ok(())
        }),
        at if at >= At::RevokeLoadOpen && at <= At::RevokeClearOpen => take_tiles(turn),
        At::RevokeRecord => turn.step("stores a revoked job's completion", |next, me| {
            me.at = At::RevokeStamp;
            next.write_record(
                scenario,
                scenario.slot(me.position) as u8,
                me.position,
                REVOKED,
            )
        }),
        At::RevokeStamp => turn.step("stamps a revoked job's completion", |next, me| {
            next.write_stamp(
                scenario,
                scenario.slot(me.position) as u8,
                me.position,
                REVOKED,
            )?;
            me.position += 1;
            me.count += 1;
            me.at = if me.position == next.head {
                At::RevokeDone
            } else {
                At::RevokeRecord
            };
            Ok(())
        }),
        At::RevokeDone => turn.step("raises done by the revoked jobs", |next, me| {
            next.done += me.count;
            *me = Worker::at(At::RevokeCursor);
            Ok(())
        }),
        At::RevokeCursor => turn.step(
            "sets the cursor to the head, and reads the epoch",
            |next, me| {
                next.told = u8::from(scenario.timed);
                if !scenario.has(Mistake::RevokeLeavesCursor) {
                    next.cursor = next.head;
                }
                me.at = At::ControlDone;
                Ok(())
            },
        ),
        At::ControlDone => turn.step("completes the control job", |next, me| {
            next.completed += 1;
            me.rest()
        }),
        _ => unreachable!("not a place in a control job"),
    }
}

fn claim(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    if state.claimed == state.submitted {
        return turn.step("fails to claim the control job", |_, me| me.rest());
    }
    turn.step("claims the control job", |next, me| {
        let control = scenario.controls[next.claimed as usize];
        me.at = match control {
            Control::Revoke => At::Close,
            Control::Reopen => At::Reopen,
            Control::EndLeases(_) => At::EndLeases,
        };
        next.claimed += 1;
        Ok(())
    });
}

/// Takes what is left of the open job's tiles, and accounts for them as a worker would.
fn take_tiles(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    let always = scenario.has(Mistake::RevokeAlwaysClearsOpen);
    let slot = &state.slots[me.slot as usize];
    match me.at {
        At::RevokeLoadOpen if state.open == 0 => turn.step("loads open: nothing", |next, me| {
            go_on(next, me);
            Ok(())
        }),
        At::RevokeLoadOpen => turn.step("loads open: a job", |next, me| {
            me.slot = scenario.slot(next.open - 1) as u8;
            me.at = At::RevokeLoadRemaining;
            Ok(())
        }),
        At::RevokeLoadRemaining if slot.remaining == 0 => {
            turn.step("loads remaining: nothing", |next, me| {
                go_on(next, me);
                if always {
                    me.at = At::RevokeClearOpen;
                }
                Ok(())
            })
        }
        At::RevokeLoadRemaining => turn.step("loads remaining", |next, me| {
            me.remaining = next.slots[me.slot as usize].remaining;
            me.at = At::RevokeTake;
            Ok(())
        }),
        At::RevokeTake if slot.remaining != me.remaining => {
            turn.to("fails to take the tiles", At::RevokeLoadRemaining)
        }
        At::RevokeTake => turn.step("takes the tiles that are left", |next, me| {
            let slot = &mut next.slots[me.slot as usize];
            slot.remaining = 0;
            me.job = slot.job - 1;
            me.count = me.remaining;
            me.revoking = 1;
            me.generation = next.generation(scenario);
            me.at = At::RevokeMark;
            Ok(())
        }),
        At::RevokeMark => turn.step("marks the job as revoked", |next, me| {
            next.check_touch(me.slot, me.job)?;
            next.slots[me.slot as usize].marks |= MARK_REVOKED;
            me.at = At::RevokeClearOpen;
            next.count_tiles(me.job, (1 << me.count) - 1, false)
        }),
        At::RevokeClearOpen => turn.step("clears open", |next, me| {
            next.open = 0;
            if me.revoking == 1 {
                me.at = At::SubUnfinished;
            } else {
                go_on(next, me);
            }
            Ok(())
        }),
        _ => unreachable!("not a place in a revoke"),
    }
}

/// The open job is dealt with: on to the jobs that nobody has claimed.
pub fn go_on(state: &State, me: &mut Worker) {
    let at = if me.position < state.head {
        At::RevokeRecord
    } else {
        At::RevokeCursor
    };
    *me = Worker {
        position: me.position,
        ..Worker::at(at)
    };
}
