//! The way to a violation, as text.
//!
//! The exploration keeps states with their workers sorted, so this walks the path again without
//! sorting: a worker keeps its number from line to line.

use crate::explore::{Move, Moves};
use crate::scenario::Scenario;
use crate::seen::Seen;
use crate::state::State;
use std::fmt::Write;

/// The path to the state `index`, and beyond it the step that broke something, if one did.
pub fn to(
    scenario: &Scenario,
    seen: &Seen,
    parents: &[u32],
    mut index: usize,
    broken: bool,
) -> String {
    let mut path = vec![index];
    while index != 0 {
        index = parents[index] as usize;
        path.push(index);
    }
    path.reverse();

    let mut text = String::new();
    let mut state = State::first(scenario);
    let mut moves = Moves::default();
    for &index in &path[1..] {
        let key = seen.key(index);
        moves.fill(scenario, &state);
        let step = moves
            .list
            .iter()
            .find(|step| step.state.key(scenario) == key);
        let step = step.expect("the path was made of these steps");
        line(&mut text, step, &state);
        state = step.state;
    }
    moves.fill(scenario, &state);
    match moves
        .list
        .iter()
        .find(|step| broken && step.checked.is_err())
    {
        Some(step) => line(&mut text, step, &state),
        None => standstill(scenario, &mut text, &state),
    }
    text
}

/// Who did what, and the shared words that it changed.
fn line(text: &mut String, step: &Move, before: &State) {
    let mut changes = String::new();
    for (old, new) in words(before).into_iter().zip(words(&step.state)) {
        if old != new {
            let _ = write!(changes, "  {} {} -> {}", old.0, old.1, new.1);
        }
    }
    let _ = writeln!(text, "{:>8} {:<42}{changes}", step.actor, step.what);
}

fn standstill(scenario: &Scenario, text: &mut String, state: &State) {
    let _ = write!(text, "and there:");
    for (name, value) in words(state).into_iter().filter(|word| word.1 != 0) {
        let _ = write!(text, "  {name} {value}");
    }
    for (index, worker) in state.workers[..scenario.workers].iter().enumerate() {
        let _ = write!(text, "  worker {index} at {:?}", worker.at);
    }
    let _ = writeln!(text);
}

/// The shared words by name. Those that hold a position + 1 are shown as they are.
fn words(state: &State) -> Vec<(String, u8)> {
    let mut words = vec![
        ("cursor".to_owned(), state.cursor),
        ("closed".to_owned(), state.closed),
        ("open".to_owned(), state.open),
        ("done".to_owned(), state.done),
        ("lease".to_owned(), state.lease),
        ("ended".to_owned(), state.ended),
    ];
    for (index, slot) in state.slots.iter().enumerate() {
        for (name, value) in [
            ("job", slot.job),
            ("stamp", slot.stamp),
            ("cancel", slot.cancel),
            ("remaining", slot.remaining),
            ("unfinished", slot.unfinished),
            ("results", slot.results),
            ("marks", slot.marks),
            ("record", slot.record),
            ("status", slot.status),
            ("completion stamp", slot.answer),
        ] {
            words.push((format!("slot{index}.{name}"), value));
        }
    }
    words
}
