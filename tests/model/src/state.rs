//! One state: the shared words, the registers of the workers, what the host knows, and a few
//! ghosts, words that exist only to check properties and that no step may decide by.

use crate::codec::{Coder, Key, Reader, Writer};
use crate::explore::{Model, Moves, Workers};
use crate::property::{Checked, Violation};
use crate::scenario::{Control, Job, Scenario};
use crate::{host, worker};

pub const MAX_JOBS: usize = 6;
pub const MAX_WORKERS: usize = 3;

/// Status of a completion.
pub const NONE: u8 = 0;
pub const OK: u8 = 1;
pub const FAULTED: u8 = 2;
pub const SKIPPED: u8 = 3;
pub const REVOKED: u8 = 4;
pub const CANCELLED: u8 = 5;

/// Bits of a slot's marks.
pub const MARK_REVOKED: u8 = 1;
pub const MARK_CANCELLED: u8 = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Host-written: whose flags and tiles lie here, as position + 1.
    pub job: u8,
    /// Ghost: the tenant that the job belongs to, see [`State::generation`].
    pub generation: u8,
    /// Host-written.
    pub stamp: u8,
    /// Host-written: the job that is to be cancelled, as position + 1. The model leaves it there for
    /// the next lap, so that only the comparison with the stamp protects the next job.
    pub cancel: u8,
    pub remaining: u8,
    pub unfinished: u8,
    /// Accumulators: results (how many tiles have added theirs), and what the tiles
    /// that did not run have marked the job with.
    pub results: u8,
    pub marks: u8,
    /// The completion: whose it is (as position + 1), its status, its stamp.
    pub record: u8,
    pub status: u8,
    pub answer: u8,
}

/// Ghosts of one job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ghost {
    /// Of its completion, once stamped.
    pub status: u8,
    /// Sets of tiles, emptied when the job completes: those that ran, and those that were accounted
    /// for without running.
    pub ran: u8,
    pub dropped: u8,
}

/// An enum of places, and the list of them that decodes one.
macro_rules! places {
    ($($(#[$comment:meta])* $place:ident),* $(,)?) => {
        /// Where a worker stands: the name says which access it makes next.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum At {
            $($(#[$comment])* $place),*
        }

        impl At {
            pub const ALL: &[At] = &[$(At::$place),*];
        }
    };
}
pub(crate) use places;

places! {
    #[default]
    Gone,
    ResetLeaseEnd,
    Top,
    TopSecondLane,
    Look,
    LookTiles,
    LookCursor,
    // Scalar jobs, and the front of the ring.
    LoadClosed,
    LoadStamp,
    LoadJob,
    LoadDone,
    LoadStatus,
    LoadSecond,
    ClaimScalars,
    LoadStatusLate,
    RunScalars,
    ScalarRecord,
    ScalarStamp,
    ScalarDone,
    // Opening a tiled job, or answering it at once.
    LoadCancel,
    LoadCancelAgain,
    TakeOpen,
    OpenCursor,
    UndoOpen,
    ClearSlot,
    StoreUnfinished,
    StoreRemaining,
    AnnounceLate,
    // Tiles.
    LoadRemaining,
    ClaimTiles,
    ClearOpen,
    DeriveJob,
    CheckClosed,
    CheckCancel,
    RunTiles,
    MarkTiles,
    TakeRest,
    ClearOpenForRest,
    SubUnfinished,
    TiledRecord,
    TiledStamp,
    TiledDone,
    ClearOpenLate,
    // Control jobs.
    ClaimControl,
    EndLeases,
    Reopen,
    ReopenMore,
    Close,
    CloseApart,
    RevokeLoadOpen,
    RevokeLoadRemaining,
    RevokeTake,
    RevokeMark,
    RevokeClearOpen,
    RevokeRecord,
    RevokeStamp,
    RevokeDone,
    RevokeCursor,
    ControlDone,
}

/// A worker's registers. Those that a worker no longer needs are zeroed, which joins states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worker {
    pub at: At,
    /// Set of lanes that have left (one mistake only).
    pub lanes_gone: u8,
    /// A position: of the front, or of the job that the open word named.
    pub position: u8,
    /// Jobs or tiles claimed.
    pub count: u8,
    /// `remaining` as loaded.
    pub remaining: u8,
    /// The job that the claimed tiles belong to.
    pub job: u8,
    /// Whose rights the claimed jobs or tiles run with.
    pub generation: u8,
    pub slot: u8,
    /// The status to complete with, or that the tiles mark their job with.
    pub status: u8,
    /// Index into a run of scalar jobs.
    pub index: u8,
    /// The tiles were taken by a revoke, which goes on afterwards.
    pub revoking: u8,
    /// The epoch in which the jobs begin that are about to be claimed: none yet (0), one (1), one that
    /// isn't before the revoke's (2 more), one that isn't past the ends of all jobs before (4 more).
    pub begun: u8,
    /// Ghost: claimed after the revoke had completed (1), or after the job was cancelled (2).
    pub late: u8,
}

impl Worker {
    pub fn at(at: At) -> Worker {
        Worker {
            at,
            ..Worker::default()
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The cursor word: position and closed bit.
    pub cursor: u8,
    pub closed: u8,
    /// Position + 1 of the job with unclaimed tiles, or 0.
    pub open: u8,
    pub done: u8,
    pub slots: [Slot; 2],
    /// Highest ended lease, and the lease that runs.
    pub ended: u8,
    pub lease: u8,
    /// Control jobs submitted, claimed, completed.
    pub submitted: u8,
    pub claimed: u8,
    pub completed: u8,
    /// A revoke has told the epoch.
    pub told: u8,
    /// Host: positions given out when the ring was revoked.
    pub head: u8,
    /// Host: positions given out; sets of those stamped and of those whose completion was taken.
    pub reserved: u8,
    pub stamped: u8,
    pub taken: u8,
    pub ghosts: [Ghost; MAX_JOBS],
    pub workers: [Worker; MAX_WORKERS],
}

impl Workers for State {
    type Worker = Worker;

    fn worker(&mut self, index: usize) -> &mut Worker {
        &mut self.workers[index]
    }
}

impl State {
    pub fn first(scenario: &Scenario) -> State {
        let mut state = State {
            lease: 1,
            ..State::default()
        };
        for worker in &mut state.workers[..scenario.workers] {
            *worker = Worker::at(At::Top);
        }
        state
    }

    /// Workers are alike, so the order of their registers doesn't matter: this brings them into
    /// one, and saves most of the states.
    pub fn key(mut self, scenario: &Scenario) -> Key {
        self.workers[..scenario.workers].sort_unstable();
        let mut writer = Writer::default();
        self.code(scenario, &mut writer);
        writer.key()
    }

    pub fn from_key(scenario: &Scenario, key: Key) -> State {
        let mut state = State::default();
        state.code(scenario, &mut Reader::new(key));
        state
    }

    fn code(&mut self, scenario: &Scenario, coder: &mut impl Coder) {
        for value in [&mut self.cursor, &mut self.open, &mut self.done] {
            coder.bits(value, 3);
        }
        for value in [&mut self.head, &mut self.reserved] {
            coder.bits(value, 3);
        }
        coder.bits(&mut self.closed, 1);
        if scenario.timed {
            coder.bits(&mut self.told, 1);
        }
        for value in [&mut self.ended, &mut self.lease] {
            coder.bits(value, 2);
        }
        for value in [&mut self.submitted, &mut self.claimed, &mut self.completed] {
            coder.bits(value, 2);
        }
        coder.bits(&mut self.stamped, MAX_JOBS as u32);
        coder.bits(&mut self.taken, MAX_JOBS as u32);
        for slot in &mut self.slots[..scenario.slots as usize] {
            for value in [
                &mut slot.job,
                &mut slot.stamp,
                &mut slot.cancel,
                &mut slot.record,
                &mut slot.answer,
            ] {
                coder.bits(value, 3);
            }
            for value in [&mut slot.remaining, &mut slot.unfinished, &mut slot.results] {
                coder.bits(value, 2);
            }
            coder.bits(&mut slot.status, 3);
            coder.bits(&mut slot.marks, 2);
            coder.bits(&mut slot.generation, 1);
        }
        for ghost in &mut self.ghosts[..scenario.jobs.len()] {
            for value in [&mut ghost.status, &mut ghost.ran, &mut ghost.dropped] {
                coder.bits(value, 3);
            }
        }
        for worker in &mut self.workers[..scenario.workers] {
            let mut at = worker.at as u8;
            coder.bits(&mut at, 6);
            worker.at = At::ALL[at as usize];
            for value in [&mut worker.position, &mut worker.count, &mut worker.job] {
                coder.bits(value, 3);
            }
            coder.bits(&mut worker.status, 3);
            coder.bits(&mut worker.remaining, 2);
            coder.bits(&mut worker.lanes_gone, 2);
            coder.bits(&mut worker.late, 2);
            for value in [&mut worker.slot, &mut worker.index, &mut worker.revoking] {
                coder.bits(value, 1);
            }
            coder.bits(&mut worker.generation, 1);
            if scenario.timed {
                coder.bits(&mut worker.begun, 3);
            }
        }
    }

    /// The flags and tiles of the job at `position`, as the host writes them into its slot.
    pub fn job(&self, scenario: &Scenario, position: u8) -> Job {
        let mut job = scenario.jobs[position as usize];
        // The host drops AFTER_OK from the first job of a recycled ring: the one before it is not
        // the tenant's own.
        if self.first_of_next_tenant(scenario, position)
            && !scenario.has(crate::scenario::Mistake::StatusOfLastTenant)
        {
            job.after_ok = false;
        }
        job
    }

    pub fn first_of_next_tenant(&self, scenario: &Scenario, position: u8) -> bool {
        self.generation(scenario) == 1 && position == self.head
    }

    /// The tenant's generation in the host's table: it goes up where the ring is given to the next
    /// tenant. What a job may reach goes by it.
    pub fn generation(&self, scenario: &Scenario) -> u8 {
        let submitted = &scenario.controls[..self.submitted as usize];
        u8::from(submitted.contains(&Control::Reopen))
    }

    /// The last control job among the first `controls` that closed or reopened the ring was a
    /// revoke.
    pub fn revoked(scenario: &Scenario, controls: u8) -> bool {
        scenario.controls[..controls as usize]
            .iter()
            .rfind(|control| matches!(control, Control::Revoke | Control::Reopen))
            == Some(&Control::Revoke)
    }

    /// The job at `position` was cancelled. Its stamp tells it from the job of the lap before.
    pub fn cancelled(&self, scenario: &Scenario, position: u8) -> bool {
        self.slots[scenario.slot(position)].cancel == position + 1
    }

    /// How many jobs there will be, as far as the host has decided that.
    pub fn total(&self, scenario: &Scenario) -> u8 {
        if State::revoked(scenario, scenario.controls.len() as u8) {
            self.head
        } else {
            scenario.jobs.len() as u8
        }
    }

    /// Everything has completed and was taken, and all words are at rest.
    pub fn is_final(&self, scenario: &Scenario) -> bool {
        let total = self.total(scenario);
        self.completed as usize == scenario.controls.len()
            && self.reserved == total
            && self.taken == (1u8 << total) - 1
            && self.cursor == total
            && self.done == total
            && self.open == 0
            && self
                .slots
                .iter()
                .all(|slot| slot.remaining == 0 && slot.unfinished == 0)
            && self
                .workers
                .iter()
                .all(|worker| matches!(worker.at, At::Top | At::Gone))
    }
}

impl Model for Scenario {
    type State = State;

    fn first(&self) -> State {
        State::first(self)
    }

    fn key(&self, state: &State) -> Key {
        state.key(self)
    }

    fn unpack(&self, key: Key) -> State {
        State::from_key(self, key)
    }

    fn steps(&self, state: &State, moves: &mut Moves<State>) {
        host::steps(self, state, moves);
        for index in 0..self.workers {
            worker::steps(self, state, index, moves);
        }
    }

    fn check(&self, state: &State) -> Checked {
        state.check_holdings(self)
    }

    fn only(&self) -> Option<Violation> {
        self.only
    }

    fn is_final(&self, state: &State) -> bool {
        state.is_final(self)
    }

    fn places() -> Vec<String> {
        At::ALL.iter().map(|at| format!("{at:?}")).collect()
    }

    fn visits(&self, state: &State) -> u64 {
        let workers = state.workers[..self.workers].iter();
        workers.fold(0, |set, worker| set | 1 << worker.at as u8)
    }

    fn must_visit(&self) -> u64 {
        0
    }

    /// Those that hold a position + 1 are shown as they are.
    fn words(&self, state: &State) -> Vec<(String, u8)> {
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

    fn workers(&self, state: &State) -> Vec<String> {
        let workers = state.workers[..self.workers].iter();
        workers.map(|worker| format!("{:?}", worker.at)).collect()
    }
}
