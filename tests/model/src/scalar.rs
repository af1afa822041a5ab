//! The front of the ring: claiming a run of scalar jobs, or opening a tiled one.

use crate::property::{ensure, Checked, Violation};
use crate::scenario::{Job, Mistake, Scenario};
use crate::state::{At, State, Worker, CANCELLED, FAULTED, NONE, OK, SKIPPED};
use crate::worker::Turn;

pub fn load_cursor(turn: &mut Turn) {
    let Turn {
        scenario, state, ..
    } = *turn;
    let apart = scenario.has(Mistake::ClosedApartFromCursor);
    if state.cursor as usize == scenario.jobs.len() || (state.closed == 1 && !apart) {
        return turn.nothing("loads the cursor: nothing");
    }
    turn.step("loads the cursor", |next, me| {
        me.position = next.cursor;
        me.at = if apart {
            At::LoadClosed
        } else if scenario.has(Mistake::FlagsBeforeStamp) {
            At::LoadJob
        } else {
            At::LoadStamp
        };
        if scenario.has(Mistake::RightsFromBeforeClaim) {
            me.generation = next.generation(scenario);
        }
        Ok(())
    });
}

pub fn steps(turn: &mut Turn) {
    if turn.scenario.timed && turn.me.begun == 0 && turn.me.at.begins(turn.scenario) {
        return take_epoch(turn);
    }
    match turn.me.at {
        At::LoadClosed if turn.state.closed == 1 => turn.nothing("loads the closed word: closed"),
        At::LoadClosed => turn.to("loads the closed word: open", At::LoadStamp),
        At::LoadStamp => load_stamp(turn),
        At::LoadJob => load_job(turn),
        At::LoadDone => load_done(turn),
        At::LoadStatus => load_status(turn),
        At::LoadSecond => load_second(turn),
        At::ClaimScalars => claim_scalars(turn),
        At::LoadStatusLate => turn.step("loads the status before, too late", |next, me| {
            me.status = status_after(turn.scenario, next, me.position);
            me.at = if me.status == SKIPPED {
                At::ScalarRecord
            } else {
                At::RunScalars
            };
            Ok(())
        }),
        At::RunScalars => run_scalars(turn),
        At::ScalarRecord | At::ScalarStamp => complete(turn),
        At::ScalarDone => raise_done(turn),
        At::LoadCancel => load_cancel(turn),
        At::LoadCancelAgain => load_cancel_again(turn),
        At::TakeOpen => take_open(turn),
        At::OpenCursor => open_cursor(turn),
        At::UndoOpen => turn.step("stores 0 back into open", |next, me| {
            next.open = 0;
            me.rest()
        }),
        At::ClearSlot => turn.step("clears the slot's accumulators", |next, me| {
            next.check_touch(me.slot, me.job)?;
            next.slots[me.slot as usize].results = 0;
            next.slots[me.slot as usize].marks = 0;
            let early = turn.scenario.has(Mistake::RemainingBeforeUnfinished);
            me.at = if early {
                At::StoreRemaining
            } else {
                At::StoreUnfinished
            };
            Ok(())
        }),
        At::StoreUnfinished => turn.step("stores unfinished", |next, me| {
            next.check_touch(me.slot, me.job)?;
            next.slots[me.slot as usize].unfinished = me.count;
            me.at = At::StoreRemaining;
            opened_if(
                turn.scenario.has(Mistake::RemainingBeforeUnfinished),
                turn.scenario,
                me,
            )
        }),
        At::StoreRemaining => turn.step("stores remaining", |next, me| {
            next.check_touch(me.slot, me.job)?;
            next.slots[me.slot as usize].remaining = me.count;
            me.at = At::StoreUnfinished;
            opened_if(
                !turn.scenario.has(Mistake::RemainingBeforeUnfinished),
                turn.scenario,
                me,
            )
        }),
        At::AnnounceLate => turn.step("announces the job, too late", |next, me| {
            next.open = me.position + 1;
            me.rest()
        }),
        _ => unreachable!("not a place at the front of the ring"),
    }
}

impl At {
    /// Whether the epoch in which a job begins is taken here.
    fn begins(self, scenario: &Scenario) -> bool {
        match scenario.mistake {
            Some(Mistake::EpochAfterClaim) => matches!(self, At::RunScalars | At::ClearSlot),
            Some(Mistake::EpochBeforeDone) => self == At::LoadDone,
            _ => matches!(self, At::ClaimScalars | At::TakeOpen),
        }
    }
}

/// Before the claim: who sees the claim sees the epoch past this one.
fn take_epoch(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("takes the epoch in which it begins", |next, me| {
        let earlier = &next.ghosts[..me.position as usize];
        let open = earlier.iter().any(|job| job.status == NONE);
        me.begun = 1 | next.told << 1 | u8::from(open) << 2;
        match scenario.has(Mistake::EpochAfterClaim) {
            true => check_begin(scenario, next, me),
            false => Ok(()),
        }
    });
}

/// What was claimed begins in the epoch that was taken.
fn check_begin(scenario: &Scenario, state: &State, me: &Worker) -> Checked {
    ensure(me.begun & 2 == 0, Violation::BegunAfterRevoke)?;
    // Of several jobs that are claimed together none waits but the first.
    let waits = state.job(scenario, me.position).waits();
    ensure(
        !waits || me.begun & 4 == 0,
        Violation::BegunBeforeOthersEnded,
    )
}

/// The end of the opening, if this was its last store.
fn opened_if(last: bool, scenario: &Scenario, me: &mut Worker) -> Checked {
    match last {
        true if scenario.has(Mistake::OpenStoredAfterRemaining) => {
            *me = Worker {
                position: me.position,
                ..Worker::at(At::AnnounceLate)
            };
            Ok(())
        }
        true => me.rest(),
        false => Ok(()),
    }
}

fn load_stamp(turn: &mut Turn) {
    let slot = turn.scenario.slot(turn.me.position);
    let slot = &turn.state.slots[slot];
    let unchecked = turn.scenario.has(Mistake::StampNotChecked) && slot.job != 0;
    if slot.stamp != turn.scenario.stamp(turn.me.position) && !unchecked {
        return turn.nothing("loads the stamp: nothing");
    }
    let scenario = turn.scenario;
    if !scenario.has(Mistake::FlagsBeforeStamp) {
        return turn.to("loads the stamp: published", At::LoadJob);
    }
    turn.step("loads the stamp: published", |next, me| {
        let job = std::mem::take(&mut me.job);
        decide(scenario, next, me, job);
        Ok(())
    });
}

/// The flags and tiles in the slot may be those of a later lap by now; then the claim fails.
fn load_job(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("loads the job's flags and tiles", |next, me| {
        let job = next.slots[scenario.slot(me.position)].job;
        if scenario.has(Mistake::FlagsBeforeStamp) {
            me.job = job;
            me.at = At::LoadStamp;
        } else {
            decide(scenario, next, me, job);
        }
        Ok(())
    });
}

/// Where the flags and tiles of a job, given as position + 1, lead to.
fn decide(scenario: &Scenario, state: &State, me: &mut Worker, job: u8) {
    // An empty slot, claimed by mistake, is all zeros.
    let job = job
        .checked_sub(1)
        .map_or(Job::scalar(), |job| state.job(scenario, job));
    me.count = job.tiles;
    me.at = match (job.waits(), job.tiles) {
        (true, _) => At::LoadDone,
        (false, 0) => front_scalar(scenario),
        _ => front_tiled(scenario),
    };
    // Whether a status has to be looked up; the register is free until then.
    me.index = u8::from(job.after_ok);
}

fn load_done(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    if state.done != me.position {
        return turn.nothing("loads done: earlier jobs are open");
    }
    turn.step("loads done: equal to the cursor", |_, me| {
        me.at = match (me.index, me.count) {
            (1, 0) if scenario.has(Mistake::StatusReadAfterClaim) => At::ClaimScalars,
            (1, _) => At::LoadStatus,
            (_, 0) => front_scalar(scenario),
            _ => front_tiled(scenario),
        };
        Ok(())
    });
}

/// With one lane or one slot there is no second job to look at.
fn front_scalar(scenario: &Scenario) -> At {
    if scenario.lanes == 2 && scenario.slots == 2 {
        At::LoadSecond
    } else {
        At::ClaimScalars
    }
}

fn front_tiled(scenario: &Scenario) -> At {
    if scenario.cancels != 0 {
        At::LoadCancel
    } else {
        At::TakeOpen
    }
}

/// SKIPPED if the job before didn't end OK, else OK. Before the first job there is none.
fn status_after(scenario: &Scenario, state: &State, position: u8) -> u8 {
    match position.checked_sub(1) {
        Some(before) if state.slots[scenario.slot(before)].status != OK => SKIPPED,
        _ => OK,
    }
}

/// Read before the claim: while the cursor stands, nobody can have completed anything else in that
/// slot; and if it moved, the claim fails.
fn load_status(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("loads the status of the job before", |next, me| {
        me.index = 0;
        if status_after(scenario, next, me.position) == SKIPPED {
            // A skipped job is completed like a scalar one, whatever its tiles.
            me.status = SKIPPED;
            me.count = 0;
        }
        // A job with AFTER_OK is claimed alone: what is decided here is for one.
        me.at = if me.count > 0 {
            front_tiled(scenario)
        } else {
            At::ClaimScalars
        };
        Ok(())
    });
}

fn load_second(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    let second = me.position + 1;
    let slot = &state.slots[scenario.slot(second)];
    let fits = (second as usize) < scenario.jobs.len() && slot.stamp == scenario.stamp(second) && {
        let job = slot.job.checked_sub(1).map(|job| state.job(scenario, job));
        job.is_none_or(|job| job.tiles == 0 && !job.waits())
    };
    turn.step("looks at the second job", |_, me| {
        me.count = u8::from(fits);
        me.at = At::ClaimScalars;
        Ok(())
    });
}

fn claim_scalars(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    if !cursor_matches(scenario, state, me.position) {
        return turn.step("fails to claim at the cursor", |_, me| me.rest());
    }
    turn.step("claims at the cursor", |next, me| {
        // So far `count` said how many there are besides the first.
        me.count += 1;
        for position in me.position..me.position + me.count {
            next.check_claim(scenario, position)?;
        }
        check_begin(scenario, next, me)?;
        me.begun = 0;
        next.cursor += me.count;
        me.at = match me.status {
            SKIPPED | CANCELLED if scenario.cancels >> me.position & 1 == 1 => At::LoadCancelAgain,
            SKIPPED => At::ScalarRecord,
            _ if me.index == 1 => At::LoadStatusLate,
            _ => At::RunScalars,
        };
        me.index = 0;
        Ok(())
    });
}

/// What the compare-and-swap compares: the position and, in the same word, the closed bit.
fn cursor_matches(scenario: &Scenario, state: &State, position: u8) -> bool {
    let closed = state.closed == 1 && !scenario.has(Mistake::ClosedApartFromCursor);
    state.cursor == position && !closed
}

fn run_scalars(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("runs the claimed jobs, a lane each", |next, me| {
        for lane in (0..me.count).filter(|&lane| !is_gone(me, lane)) {
            next.count_tiles(me.position + lane, 1, true)?;
        }
        if !scenario.has(Mistake::RightsFromBeforeClaim) {
            me.generation = next.generation(scenario);
        }
        me.status = OK;
        me.at = if scenario.has(Mistake::DoneBeforeCompletion) {
            At::ScalarDone
        } else {
            first_of_completion(scenario)
        };
        Ok(())
    });
}

fn is_gone(me: &Worker, lane: u8) -> bool {
    me.lanes_gone >> lane & 1 == 1
}

/// Record and stamp of each job of the run; the lanes of the real kernel do this side by side.
fn complete(turn: &mut Turn) {
    let scenario = turn.scenario;
    let stamp = turn.me.at == At::ScalarStamp;
    if is_gone(&turn.me, turn.me.index) {
        return turn.step("has lost the lane of this job", |_, me| {
            completed(scenario, me);
            Ok(())
        });
    }
    let what = if stamp {
        "stamps a completion"
    } else {
        "stores a completion"
    };
    turn.step(what, |next, me| {
        let job = me.position + me.index;
        let slot = scenario.slot(job) as u8;
        let status = match me.status {
            OK if scenario.jobs[job as usize].faults => FAULTED,
            status => status,
        };
        if stamp {
            next.write_stamp(scenario, slot, job, status)?;
        } else {
            next.write_record(scenario, slot, job, status)?;
        }
        if stamp == scenario.has(Mistake::StampFirst) {
            me.at = if stamp {
                At::ScalarRecord
            } else {
                At::ScalarStamp
            };
        } else {
            completed(scenario, me);
        }
        Ok(())
    });
}

/// On to the next job of the run, or to `done`.
fn completed(scenario: &Scenario, me: &mut Worker) {
    me.index += 1;
    me.at = first_of_completion(scenario);
    if me.index == me.count {
        me.index = 0;
        me.at = At::ScalarDone;
        if scenario.has(Mistake::DoneBeforeCompletion) {
            *me = Worker::at(At::Top);
        }
    }
}

fn first_of_completion(scenario: &Scenario) -> At {
    if scenario.has(Mistake::StampFirst) {
        At::ScalarStamp
    } else {
        At::ScalarRecord
    }
}

fn raise_done(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("raises done", |next, me| {
        next.done += me.count;
        if scenario.has(Mistake::DoneBeforeCompletion) {
            me.at = At::ScalarRecord;
            return Ok(());
        }
        me.rest()
    });
}

/// A tiled job that was cancelled before it is opened is answered at once, like a scalar one.
fn load_cancel(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    if !state.cancelled(scenario, me.position) {
        return turn.to("loads cancel: nothing", At::TakeOpen);
    }
    turn.step("loads cancel: this job", |_, me| {
        me.status = CANCELLED;
        me.count = 0;
        me.at = At::ClaimScalars;
        Ok(())
    });
}

/// What answers a job at once reads the word again after its claim. If the mark were gone, a tiled
/// job would be left that can't run this way.
fn load_cancel_again(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    let cancelled = state.cancelled(scenario, me.position);
    turn.step("loads cancel after the claim", |_, me| {
        me.status = match me.status {
            _ if cancelled => CANCELLED,
            SKIPPED => SKIPPED,
            _ => FAULTED,
        };
        me.at = At::ScalarRecord;
        Ok(())
    });
}

fn take_open(turn: &mut Turn) {
    let scenario = turn.scenario;
    if turn.state.open != 0 {
        return turn.nothing("finds another job open");
    }
    let late = scenario.has(Mistake::OpenStoredAfterRemaining);
    turn.step("takes open", |next, me| {
        if !late {
            next.open = scenario.stamp(me.position);
        }
        me.at = At::OpenCursor;
        me.index = 0;
        Ok(())
    });
}

fn open_cursor(turn: &mut Turn) {
    let Turn {
        scenario,
        state,
        me,
        ..
    } = *turn;
    if !cursor_matches(scenario, state, me.position) {
        let undo = !scenario.has(Mistake::OpenNotUndone)
            && !scenario.has(Mistake::OpenStoredAfterRemaining);
        return turn.step("fails to open at the cursor", |_, me| {
            *me = Worker::at(if undo { At::UndoOpen } else { At::Top });
            Ok(())
        });
    }
    turn.step("opens at the cursor", |next, me| {
        next.check_claim(scenario, me.position)?;
        check_begin(scenario, next, me)?;
        me.begun = 0;
        if me.count == 0 || scenario.jobs[me.position as usize].tiles != me.count {
            return Err(Violation::StaleTouch);
        }
        next.cursor += 1;
        me.slot = scenario.slot(me.position) as u8;
        me.job = me.position;
        if !scenario.has(Mistake::RightsFromBeforeClaim) {
            me.generation = next.generation(scenario);
        }
        me.at = At::ClearSlot;
        Ok(())
    });
}
