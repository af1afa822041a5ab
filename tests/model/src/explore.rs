//! The exploration: breadth first over all states, so that a violation is shown by a shortest way;
//! then backwards from the final states, which leaves over the wedged ones.

use crate::codec::Key;
use crate::property::{Checked, Violation};
use crate::seen::Seen;
use crate::trace;

/// What can be explored: the scenario of one tenant's ring, or that of an exclusion group.
pub trait Model {
    type State: Copy;

    fn first(&self) -> Self::State;
    fn key(&self, state: &Self::State) -> Key;
    fn unpack(&self, key: Key) -> Self::State;
    /// Adds all the steps of a state.
    fn steps(&self, state: &Self::State, moves: &mut Moves<Self::State>);
    /// The properties of a state by itself, whatever step led there.
    fn check(&self, state: &Self::State) -> Checked;
    /// Look for this violation only; steps that break another property aren't taken.
    fn only(&self) -> Option<Violation>;
    fn is_final(&self, state: &Self::State) -> bool;
    /// The names of the places where a worker may stand, and of what else a state may show.
    fn places() -> Vec<String>;
    /// Set of those that a state shows.
    fn visits(&self, state: &Self::State) -> u64;
    /// Set of those that some state must show.
    fn must_visit(&self) -> u64;
    /// The shared words by name, for the way to a violation.
    fn words(&self, state: &Self::State) -> Vec<(String, u8)>;
    fn workers(&self, state: &Self::State) -> Vec<String>;
}

/// One possible step.
pub struct Move<S> {
    pub actor: &'static str,
    pub what: &'static str,
    pub state: S,
    pub checked: Checked,
}

/// The steps that are possible in one state.
pub struct Moves<S> {
    pub list: Vec<Move<S>>,
    /// A step was left out because it breaks a property that the scenario isn't about.
    pub left_out: bool,
}

impl<S> Default for Moves<S> {
    fn default() -> Moves<S> {
        Moves {
            list: Vec::new(),
            left_out: false,
        }
    }
}

impl<S> Moves<S> {
    pub fn add(&mut self, actor: &'static str, what: &'static str, state: S) {
        self.check(actor, what, state, Ok(()));
    }

    pub fn host(&mut self, what: &'static str, state: S) {
        self.add("host", what, state);
    }

    pub fn check(&mut self, actor: &'static str, what: &'static str, state: S, checked: Checked) {
        self.list.push(Move {
            actor,
            what,
            state,
            checked,
        });
    }

    /// Replaces what is there by all the steps of `state`.
    pub fn fill<M: Model<State = S>>(&mut self, scenario: &M, state: &S) {
        self.list.clear();
        scenario.steps(state, self);
        for step in &mut self.list {
            step.checked = step.checked.and_then(|()| scenario.check(&step.state));
        }
        let possible = self.list.len();
        if scenario.only().is_some() {
            self.list
                .retain(|step| step.checked.is_ok() || step.checked.err() == scenario.only());
        }
        self.left_out = self.list.len() < possible;
    }
}

/// A state in which workers stand.
pub trait Workers: Copy {
    type Worker: Copy;

    fn worker(&mut self, index: usize) -> &mut Self::Worker;
}

/// One worker's turn in one state.
pub struct Turn<'a, Sc, St: Workers> {
    pub scenario: &'a Sc,
    pub state: &'a St,
    pub me: St::Worker,
    index: usize,
    moves: &'a mut Moves<St>,
}

impl<'a, Sc, St: Workers> Turn<'a, Sc, St> {
    pub fn new(scenario: &'a Sc, state: &'a St, index: usize, moves: &'a mut Moves<St>) -> Self {
        let mut copy = *state;
        Self {
            scenario,
            state,
            me: *copy.worker(index),
            index,
            moves,
        }
    }

    /// A possible step: `change` gets the next state and this worker's next registers.
    pub fn step(
        &mut self,
        what: &'static str,
        change: impl FnOnce(&mut St, &mut St::Worker) -> Checked,
    ) {
        const NAMES: [&str; 3] = ["worker 0", "worker 1", "worker 2"];
        let mut next = *self.state;
        let mut me = self.me;
        let checked = change(&mut next, &mut me);
        *next.worker(self.index) = me;
        self.moves.check(NAMES[self.index], what, next, checked);
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

pub fn explore<M: Model>(scenario: &M, limit: usize) -> Report {
    let mut seen = Seen::new();
    let mut parents = vec![0u32];
    let mut finals = 0;
    let mut visited = 0;
    // Final states, and those that end in a violation which isn't looked for.
    let mut ways_out: Vec<u32> = Vec::new();
    let mut edges: Vec<u32> = Vec::new();
    let mut starts: Vec<u32> = vec![0];
    let mut moves = Moves::default();
    seen.insert(scenario.key(&scenario.first()));

    let mut index = 0;
    while index < seen.len() {
        let state = scenario.unpack(seen.key(index));
        visited |= scenario.visits(&state);
        moves.fill(scenario, &state);
        let is_final = scenario.is_final(&state);
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
            let (to, new) = seen.insert(scenario.key(&step.state));
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

    let wedged = first_wedged(seen.len(), &edges, &starts, &ways_out).map(|index| Found {
        violation: Violation::Wedge,
        trace: trace::to(scenario, &seen, &parents, index, false),
    });
    let found = wedged.or_else(|| never(scenario, visited));
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
pub fn unvisited<M: Model>(visited: u64) -> Vec<String> {
    let places = M::places().into_iter().enumerate();
    let missing = places.filter(|(index, _)| visited >> index & 1 == 0);
    missing.map(|(_, name)| name).collect()
}

/// What some state had to show, and none did.
fn never<M: Model>(scenario: &M, visited: u64) -> Option<Found> {
    let missing = scenario.must_visit() & !visited;
    (missing != 0).then(|| Found {
        violation: Violation::NeverBeside,
        trace: format!("no state shows {:?}\n", unvisited::<M>(!missing)),
    })
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
