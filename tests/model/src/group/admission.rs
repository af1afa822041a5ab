//! Into the group and out of it: `admit` and `leave_group` of the kernel.

use super::rounds::Turn;
use super::scenario::{GroupMistake, GroupScenario, Kind};
use super::state::{At, State, Worker, COUNT, NAME_SHIFT, WANTED};
use crate::property::{ensure, Checked, Violation};

/// Where a worker goes that may claim the job at the cursor that it saw.
fn claims(scenario: &GroupScenario, me: &Worker) -> At {
    match (scenario.kind(me.tenant, me.position), me.claimed) {
        (Kind::Tiled(_), 0) => At::TakeOpen,
        (Kind::Tiled(_), _) => At::StoreUnfinished,
        (_, 0) => At::Claim,
        _ => At::Run,
    }
}

/// Who looks at the group first, and who claims first.
pub fn before_claim(scenario: &GroupScenario, me: &Worker) -> At {
    if scenario.admits(me.tenant) && !scenario.has(GroupMistake::AdmittedAfterClaim) {
        At::LoadHolder
    } else {
        claims(scenario, me)
    }
}

/// The other way round, a claim is what leads to the group.
pub fn after_claim(scenario: &GroupScenario, me: &mut Worker, at: At) {
    let late = scenario.admits(me.tenant) && scenario.has(GroupMistake::AdmittedAfterClaim);
    me.claimed = u8::from(late);
    me.at = if late { At::LoadHolder } else { at };
}

/// The end of a round that has or had the group, unless the mistake is to forget it.
pub fn end_of_round(
    scenario: &GroupScenario,
    me: &mut Worker,
    had: bool,
    forgets: Option<GroupMistake>,
) {
    // With that mistake a claim that fails was never admitted.
    let late = scenario.has(GroupMistake::AdmittedAfterClaim) && !had;
    if !scenario.admits(me.tenant) || late || forgets.is_some_and(|forgets| scenario.has(forgets)) {
        me.rest();
    } else {
        me.at = At::Leave;
    }
}

/// A worker that has claimed a job already has nowhere else to go.
fn refused(turn: &mut Turn, what: &'static str) {
    turn.step(what, |_, me| {
        if me.claimed == 1 {
            me.holder = 0;
            me.at = At::LoadHolder;
        } else {
            me.rest();
        }
        Ok(())
    });
}

pub fn load_holder(turn: &mut Turn) {
    let holder = turn.state.holder;
    let mine = turn.me.tenant + 1;
    let name = holder >> NAME_SHIFT;
    let free = if turn.scenario.has(GroupMistake::FreeByName) {
        name == 0
    } else {
        holder & COUNT == 0
    };
    if !free && name != mine && !turn.scenario.has(GroupMistake::JoinsAnyone) {
        if holder & WANTED != 0 {
            return refused(turn, "loads the holder: another tenant, and somebody waits");
        }
        return turn.step("loads the holder: another tenant", |_, me| {
            me.holder = holder;
            me.at = At::AskForIt;
            Ok(())
        });
    }
    if !free && holder & WANTED != 0 {
        return refused(turn, "loads the holder: ours, but somebody waits");
    }
    turn.step("loads the holder: free, or ours", |_, me| {
        me.holder = holder;
        me.at = At::SwapHolder;
        Ok(())
    });
}

/// Marks the group as wanted, unless it has changed: a free one is never marked.
pub fn ask_for_it(turn: &mut Turn) {
    let seen = turn.me.holder;
    if turn.state.holder != seen {
        return refused(turn, "fails to ask for the group");
    }
    let claimed = turn.me.claimed == 1;
    turn.step("asks for the group", |next, me| {
        next.holder |= WANTED;
        if claimed {
            me.holder = 0;
            me.at = At::LoadHolder;
        } else {
            me.rest();
        }
        Ok(())
    });
}

pub fn swap_holder(turn: &mut Turn) {
    let seen = turn.me.holder;
    let compare = !turn.scenario.has(GroupMistake::TakenWithoutCompare);
    // The count is as wide as workers and open jobs need it. With some mistakes it grows on; then it
    // is as good as held forever.
    if compare && turn.state.holder != seen || seen & COUNT == COUNT {
        return refused(turn, "fails to take the group");
    }
    let joins = seen & COUNT != 0;
    let name = if joins {
        seen >> NAME_SHIFT
    } else {
        turn.me.tenant + 1
    };
    let at = claims(turn.scenario, &turn.me);
    turn.step("takes the group", |next, me| {
        next.holder = (name << NAME_SHIFT) + (seen & COUNT) + 1;
        me.holder = 0;
        me.claimed = 0;
        me.at = at;
        Ok(())
    });
}

/// An atomic decrement, whoever holds the group.
pub fn sub(scenario: &GroupScenario, state: &mut State, tenant: u8) -> Checked {
    if !scenario.admits(tenant) {
        return Ok(());
    }
    if scenario.has(GroupMistake::LeaveStoresZero) {
        state.holder = 0;
        return Ok(());
    }
    ensure(state.holder & COUNT != 0, Violation::Underflow)?;
    state.holder -= 1;
    Ok(())
}

/// The end of a round that took the group for itself, or of a tiled job.
pub fn leave(turn: &mut Turn) {
    let scenario = turn.scenario;
    turn.step("leaves the group", |next, me| {
        let tenant = me.tenant;
        match me.at {
            At::LeaveEarly => me.at = At::Complete,
            At::LeaveAnyway => me.at = At::SubUnfinished,
            _ => me.rest(),
        }
        sub(scenario, next, tenant)
    });
}
