//! The host's steps: submit, take completions, control jobs; and the pump's: the next lease.

use crate::explore::Moves;
use crate::scenario::{Control, Mistake, Scenario};
use crate::state::{At, State, Worker, NONE};

pub fn steps(scenario: &Scenario, state: &State, moves: &mut Moves<State>) {
    submit(scenario, state, moves);
    take(scenario, state, moves);
    control(scenario, state, moves);
    cancel(scenario, state, moves);
    launch(scenario, state, moves);
}

fn submit(scenario: &Scenario, state: &State, moves: &mut Moves<State>) {
    let position = state.reserved;
    let revoking = State::revoked(scenario, state.submitted)
        || (State::revoked(scenario, state.completed) && state.submitted > state.completed);
    let lease = position < scenario.last_lease_from || state.lease == scenario.leases;
    if (position as usize) < scenario.jobs.len()
        && !revoking
        && lease
        && is_free(scenario, state, position)
    {
        let mut next = *state;
        next.reserved += 1;
        next.slots[scenario.slot(position)].job = position + 1;
        next.slots[scenario.slot(position)].generation = state.generation(scenario);
        moves.host("fills the next slot", next);
    }
    let waiting = (0..state.reserved).filter(|&position| state.stamped >> position & 1 == 0);
    for position in waiting.take(if scenario.producers { usize::MAX } else { 1 }) {
        let mut next = *state;
        next.stamped |= 1 << position;
        next.slots[scenario.slot(position)].stamp = scenario.stamp(position);
        moves.host("stamps a slot", next);
    }
}

/// Rule 4: a slot is reused only after its completion was taken.
fn is_free(scenario: &Scenario, state: &State, position: u8) -> bool {
    let Some(before) = position.checked_sub(scenario.slots) else {
        return true;
    };
    if scenario.has(Mistake::SlotReusedBeforeTaken) {
        return state.ghosts[before as usize].status != NONE;
    }
    state.taken >> before & 1 == 1
}

fn take(scenario: &Scenario, state: &State, moves: &mut Moves<State>) {
    for (index, slot) in state.slots[..scenario.slots as usize].iter().enumerate() {
        // The host waits for the stamp of the job that it put there last.
        if slot.answer == 0 || slot.answer != slot.job || state.taken >> (slot.answer - 1) & 1 == 1
        {
            continue;
        }
        let mut next = *state;
        next.taken |= 1 << (slot.answer - 1);
        moves.check(
            "host",
            "takes a completion",
            next,
            state.check_taken(index, slot.answer - 1),
        );
    }
}

fn control(scenario: &Scenario, state: &State, moves: &mut Moves<State>) {
    let Some(&control) = scenario.controls.get(state.submitted as usize) else {
        return;
    };
    if state.submitted != state.completed && !scenario.has(Mistake::RevokesOverlap) {
        return;
    }
    let mut next = *state;
    next.submitted += 1;
    match control {
        // No submission may be half done: the head names stamped slots only.
        Control::Revoke if state.stamped == (1 << state.reserved) - 1 => {
            next.head = state.reserved;
            moves.host("submits the revoke", next);
        }
        // All completions taken is what the host can see. The last finisher may not have raised the
        // device-private `done` then, so this is a little earlier than done == head.
        Control::Reopen if state.taken == (1 << state.head) - 1 => {
            moves.host("gives the ring to the next tenant", next);
        }
        Control::EndLeases(_) => moves.host("asks for the end of leases", next),
        _ => {}
    }
}

/// The host marks a job that it published and whose completion it has not taken; no taker can come
/// between, so that the slot is not used again meanwhile.
fn cancel(scenario: &Scenario, state: &State, moves: &mut Moves<State>) {
    for position in 0..state.reserved {
        let open = state.stamped >> position & 1 == 1 && state.taken >> position & 1 == 0;
        if scenario.cancels >> position & 1 == 1 && open && !state.cancelled(scenario, position) {
            let mut next = *state;
            next.slots[scenario.slot(position)].cancel = position + 1;
            moves.host("cancels a job", next);
        }
    }
}

/// A lease starts when all workers of the one before it have left.
fn launch(scenario: &Scenario, state: &State, moves: &mut Moves<State>) {
    if !state.all_gone(scenario) || state.lease == scenario.leases {
        return;
    }
    let mut next = *state;
    next.lease += 1;
    let reset = scenario.has(Mistake::LeaseEndReset);
    for worker in &mut next.workers[..scenario.workers] {
        *worker = Worker::at(if reset { At::ResetLeaseEnd } else { At::Top });
    }
    moves.add("pump", "launches the next lease", next);
}
