//! One state: the group's word, the words of each tenant and of its jobs, the workers' registers.

use super::rounds;
use super::scenario::{GroupScenario, Kind, MAX_JOBS, MAX_TENANTS};
use crate::codec::{Coder, Key, Reader, Writer};
use crate::explore::{Model, Moves, Workers};
use crate::property::{ensure, Checked, Violation};
use crate::state::places;

pub const MAX_WORKERS: usize = 3;

/// The group's word: the low bits count the open jobs, one says that another tenant waits, the others name a tenant as
/// index + 1.
const COUNT_BITS: u32 = 3;
pub const COUNT: u8 = (1 << COUNT_BITS) - 1;
pub const WANTED: u8 = 1 << COUNT_BITS;
pub const NAME_SHIFT: u32 = COUNT_BITS + 1;

places! {
    #[default]
    Gone,
    Top,
    // The front of the ring.
    LoadHolder,
    AskForIt,
    SwapHolder,
    Claim,
    Run,
    TakeOpen,
    OpenCursor,
    UndoOpen,
    StoreUnfinished,
    StoreRemaining,
    Leave,
    // Tiles.
    LoadRemaining,
    ClaimTile,
    ClearOpen,
    CheckClosed,
    RunTile,
    TakeRest,
    ClearOpenForRest,
    SubUnfinished,
    LeaveEarly,
    Complete,
    LeaveAsLast,
    // The revoke.
    Close,
    RevokeLoadOpen,
    RevokeTake,
    RevokeClearOpen,
    LeaveAnyway,
    RevokeRest,
}

/// A worker's registers. Those that a worker no longer needs are zeroed, which joins states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worker {
    pub at: At,
    pub tenant: u8,
    /// The cursor as loaded, or the position of the open job.
    pub position: u8,
    /// The group's word as loaded.
    pub holder: u8,
    /// `remaining` as loaded.
    pub remaining: u8,
    /// Tiles to count as finished.
    pub count: u8,
    /// Runs a control job.
    pub revoking: u8,
    /// Has claimed its job and waits for the group (one mistake only).
    pub claimed: u8,
}

impl Worker {
    pub fn at(at: At) -> Worker {
        Worker {
            at,
            ..Worker::default()
        }
    }

    /// A place in the work on one job.
    pub fn on(at: At, tenant: u8, position: u8) -> Worker {
        Worker {
            tenant,
            position,
            ..Worker::at(at)
        }
    }

    /// Back to the top of the loop; from a control job, on to its rest.
    pub fn rest(&mut self) {
        *self = if self.revoking == 1 {
            Worker {
                revoking: 1,
                ..Worker::on(At::RevokeRest, self.tenant, 0)
            }
        } else {
            Worker::at(At::Top)
        };
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job {
    pub remaining: u8,
    pub unfinished: u8,
    /// Ghost: opened.
    pub opened: u8,
    /// Ghost: completed.
    pub completed: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    pub cursor: u8,
    pub closed: u8,
    /// Position + 1 of the job with unclaimed tiles, or 0.
    pub open: u8,
    pub jobs: [Job; MAX_JOBS],
}

/// Stages of the control job.
pub const SUBMITTED: u8 = 1;
pub const CLAIMED: u8 = 2;
pub const FINISHED: u8 = 3;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub holder: u8,
    pub rings: [Ring; MAX_TENANTS],
    pub control: u8,
    pub lease: u8,
    pub workers: [Worker; MAX_WORKERS],
}

impl Workers for State {
    type Worker = Worker;

    fn worker(&mut self, index: usize) -> &mut Worker {
        &mut self.workers[index]
    }
}

impl State {
    pub fn job(&mut self, tenant: u8, position: u8) -> &mut Job {
        &mut self.rings[tenant as usize].jobs[position as usize]
    }

    pub fn all_gone(&self, scenario: &GroupScenario) -> bool {
        self.workers[..scenario.workers]
            .iter()
            .all(|worker| worker.at == At::Gone)
    }

    fn code(&mut self, scenario: &GroupScenario, coder: &mut impl Coder) {
        coder.bits(&mut self.holder, 2 + NAME_SHIFT);
        coder.bits(&mut self.control, 2);
        coder.bits(&mut self.lease, 2);
        for (ring, tenant) in self.rings.iter_mut().zip(&scenario.tenants) {
            coder.bits(&mut ring.cursor, 2);
            coder.bits(&mut ring.open, 2);
            coder.bits(&mut ring.closed, 1);
            for job in &mut ring.jobs[..tenant.jobs.len()] {
                coder.bits(&mut job.remaining, 2);
                coder.bits(&mut job.unfinished, 2);
                coder.bits(&mut job.opened, 1);
                coder.bits(&mut job.completed, 1);
            }
        }
        for worker in &mut self.workers[..scenario.workers] {
            let mut at = worker.at as u8;
            coder.bits(&mut at, 5);
            worker.at = At::ALL[at as usize];
            coder.bits(&mut worker.holder, 2 + NAME_SHIFT);
            for value in [
                &mut worker.tenant,
                &mut worker.position,
                &mut worker.remaining,
                &mut worker.count,
            ] {
                coder.bits(value, 2);
            }
            coder.bits(&mut worker.revoking, 1);
            coder.bits(&mut worker.claimed, 1);
        }
    }

    /// Whether a job of this tenant is under way: from its claim or its opening to its completion.
    fn is_under_way(&self, scenario: &GroupScenario, tenant: usize) -> bool {
        let runs = |me: &Worker| {
            let scalar = me.at == At::Run && scenario.kind(me.tenant, me.position) == Kind::Scalar;
            me.tenant as usize == tenant && (scalar || me.at == At::RunTile)
        };
        // With one of the mistakes a worker that has opened a job waits before anything of it can run.
        let waits = |position: usize| {
            let waits = |me: &Worker| {
                me.claimed == 1 && (me.tenant as usize, me.position as usize) == (tenant, position)
            };
            self.workers[..scenario.workers].iter().any(waits)
        };
        let mut jobs = self.rings[tenant].jobs.iter().enumerate();
        self.workers[..scenario.workers].iter().any(runs)
            || jobs.any(|(n, job)| job.opened == 1 && job.completed == 0 && !waits(n))
    }

    fn is_complete(&self, scenario: &GroupScenario) -> bool {
        let rings = self.rings.iter().zip(&scenario.tenants);
        (scenario.revoked.is_none() || self.control == FINISHED)
            && rings.clone().all(|(ring, tenant)| {
                let jobs = &ring.jobs[..tenant.jobs.len()];
                ring.open == 0
                    && jobs
                        .iter()
                        .all(|job| job.completed == 1 && job.remaining == 0 && job.unfinished == 0)
            })
            && self.workers[..scenario.workers]
                .iter()
                .all(|worker| matches!(worker.at, At::Top | At::Gone))
    }
}

impl Model for GroupScenario {
    type State = State;

    fn first(&self) -> State {
        let mut state = State {
            lease: 1,
            ..State::default()
        };
        for worker in &mut state.workers[..self.workers] {
            *worker = Worker::at(At::Top);
        }
        state
    }

    fn key(&self, state: &State) -> Key {
        let mut state = *state;
        state.workers[..self.workers].sort_unstable();
        let mut writer = Writer::default();
        state.code(self, &mut writer);
        writer.key()
    }

    fn unpack(&self, key: Key) -> State {
        let mut state = State::default();
        state.code(self, &mut Reader::new(key));
        state
    }

    fn steps(&self, state: &State, moves: &mut Moves<State>) {
        rounds::host(self, state, moves);
        for index in 0..self.workers {
            rounds::worker(self, state, index, moves);
        }
    }

    fn check(&self, state: &State) -> Checked {
        let grouped = (0..self.tenants.len()).filter(|&tenant| self.tenants[tenant].grouped);
        let under_way = grouped.filter(|&tenant| state.is_under_way(self, tenant));
        ensure(under_way.count() <= 1, Violation::RanBeside)?;
        let held = state.is_complete(self) && state.holder & COUNT != 0;
        ensure(!held, Violation::GroupHeld)
    }

    fn only(&self) -> Option<Violation> {
        self.only
    }

    fn is_final(&self, state: &State) -> bool {
        state.is_complete(self) && state.holder & COUNT == 0
    }

    fn places() -> Vec<String> {
        let places = At::ALL.iter().map(|at| format!("{at:?}"));
        places.chain(["Beside".to_owned()]).collect()
    }

    fn visits(&self, state: &State) -> u64 {
        let workers = state.workers[..self.workers].iter();
        let places = workers.fold(0, |set, worker| set | 1 << worker.at as u8);
        let under_way = |grouped: bool| {
            (0..self.tenants.len()).any(|tenant| {
                self.tenants[tenant].grouped == grouped && state.is_under_way(self, tenant)
            })
        };
        let beside = under_way(true) && under_way(false);
        places | u64::from(beside) << At::ALL.len()
    }

    fn must_visit(&self) -> u64 {
        let outsider = self.tenants.iter().any(|tenant| !tenant.grouped);
        u64::from(outsider) << At::ALL.len()
    }

    fn words(&self, state: &State) -> Vec<(String, u8)> {
        let mut words = vec![
            ("holder".to_owned(), state.holder >> NAME_SHIFT),
            ("count".to_owned(), state.holder & COUNT),
            ("lease".to_owned(), state.lease),
        ];
        for (tenant, ring) in state.rings.iter().enumerate() {
            for (name, value) in [
                ("cursor", ring.cursor),
                ("closed", ring.closed),
                ("open", ring.open),
            ] {
                words.push((format!("tenant{tenant}.{name}"), value));
            }
            for (position, job) in ring.jobs.iter().enumerate() {
                for (name, value) in [
                    ("remaining", job.remaining),
                    ("unfinished", job.unfinished),
                    ("completed", job.completed),
                ] {
                    words.push((format!("tenant{tenant}.job{position}.{name}"), value));
                }
            }
        }
        words
    }

    fn workers(&self, state: &State) -> Vec<String> {
        let workers = state.workers[..self.workers].iter();
        let place = |worker: &Worker| format!("{:?} of tenant {}", worker.at, worker.tenant);
        workers.map(place).collect()
    }
}
