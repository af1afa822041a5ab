//! The way to a violation, as text.
//!
//! The exploration keeps states with their workers sorted, so this walks the path again without
//! sorting: a worker keeps its number from line to line.

use crate::explore::{Model, Move, Moves};
use crate::seen::Seen;
use std::fmt::Write;

/// The path to the state `index`, and beyond it the step that broke something, if one did.
pub fn to<M: Model>(
    scenario: &M,
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
    let mut state = scenario.first();
    let mut moves = Moves::default();
    for &index in &path[1..] {
        let key = seen.key(index);
        moves.fill(scenario, &state);
        let step = moves
            .list
            .iter()
            .find(|step| scenario.key(&step.state) == key);
        let step = step.expect("the path was made of these steps");
        line(scenario, &mut text, step, &state);
        state = step.state;
    }
    moves.fill(scenario, &state);
    match moves
        .list
        .iter()
        .find(|step| broken && step.checked.is_err())
    {
        Some(step) => line(scenario, &mut text, step, &state),
        None => standstill(scenario, &mut text, &state),
    }
    text
}

/// Who did what, and the shared words that it changed.
fn line<M: Model>(scenario: &M, text: &mut String, step: &Move<M::State>, before: &M::State) {
    let mut changes = String::new();
    let after = scenario.words(&step.state);
    for (old, new) in scenario.words(before).into_iter().zip(after) {
        if old != new {
            let _ = write!(changes, "  {} {} -> {}", old.0, old.1, new.1);
        }
    }
    let _ = writeln!(text, "{:>8} {:<42}{changes}", step.actor, step.what);
}

fn standstill<M: Model>(scenario: &M, text: &mut String, state: &M::State) {
    let _ = write!(text, "and there:");
    let words = scenario.words(state).into_iter();
    for (name, value) in words.filter(|word| word.1 != 0) {
        let _ = write!(text, "  {name} {value}");
    }
    for (index, place) in scenario.workers(state).iter().enumerate() {
        let _ = write!(text, "  worker {index} at {place}");
    }
    let _ = writeln!(text);
}
