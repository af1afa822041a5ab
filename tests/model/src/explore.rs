//! The exploration: breadth first over all states, so that a violation is shown by a shortest way;
//! then backwards from the final states, which leaves over the wedged ones.

use crate::property::{Checked, Violation};
use crate::scenario::Scenario;
use crate::seen::Seen;
use crate::state::{At, State};
use crate::{host, trace, worker};

/// One possible step.
pub struct Move {
    pub actor: &'static str,
    pub what: &'static str,
    pub state: State,
    pub checked: Checked,
}

/// The steps that are possible in one state.
#[derive(Default)]
pub struct Moves {
    pub list: Vec<Move>,
    /// A step was left out because it breaks a property that the scenario isn't about.
    pub left_out: bool,
}

impl Moves {
    pub fn add(&mut self, actor: &'static str, what: &'static str, state: State) {
        self.check(actor, what, state, Ok(()));
    }

    pub fn host(&mut self, what: &'static str, state: State) {
        self.add("host", what, state);
    }

    pub fn check(
        &mut self,
        actor: &'static str,
        what: &'static str,
        state: State,
        checked: Checked,
    ) {
        self.list.push(Move {
            actor,
            what,
            state,
            checked,
        });
    }

    /// Replaces what is there by all the steps of `state`.
    pub fn fill(&mut self, scenario: &Scenario, state: &State) {
        self.list.clear();
        host::steps(scenario, state, self);
        for index in 0..scenario.workers {
            worker::steps(scenario, state, index, self);
        }
        let possible = self.list.len();
        if scenario.only.is_some() {
            self.list
                .retain(|step| step.checked.is_ok() || step.checked.err() == scenario.only);
        }
        self.left_out = self.list.len() < possible;
    }
}

pub struct Found {
    pub violation: Violation,
    /// The way there, a line per step.
    pub trace: String,
}

pub struct Report {
    pub states: usize,
    pub steps: usize,
    pub finals: usize,
    /// Set of the places where some worker stood; see [`unvisited`].
    pub visited: u64,
    pub found: Option<Found>,
    /// There were more states than allowed, and nothing was found in those seen.
    pub cut: bool,
}

pub fn explore(scenario: &Scenario, limit: usize) -> Report {
    let mut seen = Seen::new();
    let mut parents = vec![0u32];
    let mut finals = 0;
    let mut visited = 0;
    // Final states, and those that end in a violation which isn't looked for.
    let mut ways_out: Vec<u32> = Vec::new();
    let mut edges: Vec<u32> = Vec::new();
    let mut starts: Vec<u32> = vec![0];
    let mut moves = Moves::default();
    seen.insert(State::first(scenario).key(scenario));

    let mut index = 0;
    while index < seen.len() {
        let state = State::from_key(scenario, seen.key(index));
        for worker in &state.workers[..scenario.workers] {
            visited |= 1 << worker.at as u8;
        }
        moves.fill(scenario, &state);
        let is_final = state.is_final(scenario);
        finals += usize::from(is_final);
        if is_final || moves.left_out {
            ways_out.push(index as u32);
        }
        let broken = moves.list.iter().find_map(|step| step.checked.err());
        if let Some(violation) = broken {
            let trace = trace::to(scenario, &seen, &parents, index, true);
            let found = Some(Found { violation, trace });
            let (states, steps) = (seen.len(), edges.len());
            return Report {
                states,
                steps,
                finals,
                visited,
                found,
                cut: false,
            };
        }
        for step in &moves.list {
            let (to, new) = seen.insert(step.state.key(scenario));
            if new {
                parents.push(index as u32);
            }
            edges.push(to);
        }
        starts.push(edges.len() as u32);
        index += 1;
        if seen.len() > limit {
            let (states, steps) = (seen.len(), edges.len());
            return Report {
                states,
                steps,
                finals,
                visited,
                found: None,
                cut: true,
            };
        }
    }

    let found = first_wedged(seen.len(), &edges, &starts, &ways_out).map(|index| Found {
        violation: Violation::Wedge,
        trace: trace::to(scenario, &seen, &parents, index, false),
    });
    Report {
        states: seen.len(),
        steps: edges.len(),
        finals,
        visited,
        found,
        cut: false,
    }
}

/// The names of the places that are not in the set.
pub fn unvisited(visited: u64) -> Vec<String> {
    let missing = At::ALL.iter().filter(|&&at| visited >> at as u8 & 1 == 0);
    missing.map(|at| format!("{at:?}")).collect()
}

/// The first state without a way out.
fn first_wedged(states: usize, edges: &[u32], starts: &[u32], ways_out: &[u32]) -> Option<usize> {
    // The edges turned round, grouped by where they lead: a counting sort.
    let mut ends = vec![0u32; states + 1];
    for &to in edges {
        ends[to as usize + 1] += 1;
    }
    for state in 0..states {
        ends[state + 1] += ends[state];
    }
    let mut next = ends.clone();
    let mut sources = vec![0u32; edges.len()];
    for state in 0..states {
        for &to in &edges[starts[state] as usize..starts[state + 1] as usize] {
            sources[next[to as usize] as usize] = state as u32;
            next[to as usize] += 1;
        }
    }

    let mut good = vec![false; states];
    let mut todo = ways_out.to_vec();
    for &state in ways_out {
        good[state as usize] = true;
    }
    while let Some(state) = todo.pop() {
        let state = state as usize;
        for &source in &sources[ends[state] as usize..ends[state + 1] as usize] {
            if !good[source as usize] {
                good[source as usize] = true;
                todo.push(source);
            }
        }
    }
    good.iter().position(|&good| !good)
}
