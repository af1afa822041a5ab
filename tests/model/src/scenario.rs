//! What one exploration is about: the jobs, the ring, the workers, and at most one mistake.

use crate::property::Violation;

/// A job as the host submits it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Job {
    /// 0 for a scalar job, else 1 to 3.
    pub tiles: u8,
    pub barrier: bool,
    pub after_ok: bool,
    /// Ends as FAULTED instead of OK.
    pub faults: bool,
}

impl Job {
    pub const fn scalar() -> Job {
        Job {
            tiles: 0,
            barrier: false,
            after_ok: false,
            faults: false,
        }
    }

    pub const fn tiled(tiles: u8) -> Job {
        Job {
            tiles,
            ..Job::scalar()
        }
    }

    pub const fn barrier(self) -> Job {
        Job {
            barrier: true,
            ..self
        }
    }

    pub const fn after_ok(self) -> Job {
        Job {
            after_ok: true,
            ..self
        }
    }

    pub const fn faults(self) -> Job {
        Job {
            faults: true,
            ..self
        }
    }

    /// Has to wait for all earlier completions.
    pub fn waits(self) -> bool {
        self.barrier || self.after_ok
    }

    /// The tiles as a set; a scalar job counts as one tile.
    pub fn all_tiles(self) -> u8 {
        (1 << self.tiles.max(1)) - 1
    }
}

/// A control job, run by one worker. The host submits the next one when the one before has
/// completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Submitted at any time at which no submission is half done.
    Revoke,
    /// Gives the revoked ring to the next tenant, at the position where it stands.
    Reopen,
    /// Ends all leases up to this one.
    EndLeases(u8),
}

/// In which order a worker looks for something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Control jobs, then tiles of the open job, then the front of the ring.
    Fixed,
    /// Any of them first. More orders of steps, but a weaker test for wedges.
    Any,
}

/// One thing done wrong. The comments say what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Two openers store their announcements in the wrong order, and one job's tiles are never
    /// found.
    OpenStoredAfterRemaining,
    /// The finisher's late zero hides the job that was opened since.
    FinisherAlsoClearsOpen,
    /// The same, with only one zero: it needs a revoke, which clears the word too, and a recycled
    /// ring.
    FinisherClearsOpen,
    /// A worker that was slow between look and claim runs its old job again.
    JobFromBeforeClaim,
    /// A tile is finished before there is something to count down.
    RemainingBeforeUnfinished,
    /// A waiting job starts although the status before it is not there yet.
    DoneBeforeCompletion,
    /// One lane leaves, the other claims for both.
    LeaseEndPerLane,
    /// A worker leaves between claim and run.
    LeaveAfterClaim,
    /// Two workers take the same tile.
    TilesClaimedWithoutCompare,
    /// The last finisher completes the job while another worker's results are on their way.
    UnfinishedBeforeResults,
    /// A worker takes what the slot held a lap ago for its next job.
    StampNotChecked,
    /// At one position in 2^31 an empty slot looks published, and an open job looks like none.
    StampWrapsToZero,
    /// A claim slips between the check and its compare-and-swap, and the revoke completes the same
    /// job.
    ClosedApartFromCursor,
    /// Neither closed nor moved: the revoked jobs are claimed once more.
    RevokeLeavesCursor,
    /// The host loses a completion.
    SlotReusedBeforeTaken,
    /// The host takes the record of the lap before.
    StampFirst,
    /// A lease that was ended before it started doesn't end.
    LeaseEndReset,
    /// A lease that was ended together with the next one doesn't end.
    LeaseEndEqual,
    /// No job is ever opened again.
    OpenNotUndone,
    /// A tile that was published by a slow opener runs for a tenant that is gone.
    TileRunsWhenClosed,
    /// The same slow opener's tiles are never found.
    RevokeAlwaysClearsOpen,
    /// The zero of an opener that was too late then hides a job of the next tenant.
    ReopenClearsOpen,
    /// A last finisher that is still about to raise it counts twice, and a barrier opens early.
    ReopenStoresDone,
    /// The slot before may hold a later job by then: its status is of the wrong job.
    StatusReadAfterClaim,
    /// Both complete the same jobs.
    RevokesOverlap,
    /// The next tenant's first job is skipped because of how the last tenant's last one ended.
    StatusOfLastTenant,
    /// A worker that finds the ring closed or its job cancelled, and no tiles left to take, hides a
    /// job that was opened since.
    OpenClearedWithoutRest,
    /// Nobody claims the last tile when all were taken at once, so no job is ever opened again.
    RestLeavesOpen,
    /// Tiles that were taken with a revoked or cancelled one never count, and their job never
    /// completes.
    RestNotCounted,
    /// A tile runs that was claimed after its job had been cancelled.
    TileIgnoresCancel,
    /// The flags of the job a lap before decide how the next one is claimed.
    FlagsBeforeStamp,
    /// A worker that was slow between look and claim runs the next tenant's job with the rights of
    /// the one that it saw.
    RightsFromBeforeClaim,
    /// A worker that was slow after its claim begins a job in an epoch that isn't before the one
    /// that the revoke told.
    EpochAfterClaim,
    /// A job begins in an epoch from before it saw that those had ended that it waits for.
    EpochBeforeDone,
}

pub struct Scenario {
    pub name: &'static str,
    pub workers: usize,
    /// Slots of the ring, 1 or 2.
    pub slots: u8,
    /// At most 6.
    pub jobs: Vec<Job>,
    /// Most scalar jobs that one claim takes, 1 or 2.
    pub lanes: u8,
    /// The last lease never ends.
    pub leases: u8,
    /// Leases before the last one may run out of fuel.
    pub fuel: bool,
    /// A worker of a lease before the last one may leave when it finds nothing.
    pub idle: bool,
    /// A claim takes any number of tiles, not only one.
    pub chunks: bool,
    /// Producers may store their stamps in any order.
    pub producers: bool,
    /// Jobs from this one on are submitted in the last lease only.
    pub last_lease_from: u8,
    pub controls: Vec<Control>,
    /// Set of the tiled jobs that the host may cancel, at any time until it has their completion.
    pub cancels: u8,
    /// The jobs have TIMING: each takes the epoch in which it begins, and a revoke tells one.
    pub timed: bool,
    pub look: Look,
    pub mistake: Option<Mistake>,
    /// Look for this violation only; steps that break another property aren't taken.
    pub only: Option<Violation>,
}

impl Scenario {
    pub fn new(name: &'static str, workers: usize, slots: u8, jobs: &[Job]) -> Scenario {
        assert!((1..=3).contains(&workers) && (1..=2).contains(&slots) && jobs.len() <= 6);
        assert!(jobs.iter().all(|job| job.tiles <= 3));
        Scenario {
            name,
            workers,
            slots,
            jobs: jobs.to_vec(),
            lanes: 2,
            leases: 1,
            fuel: false,
            idle: false,
            chunks: false,
            producers: false,
            last_lease_from: u8::MAX,
            controls: Vec::new(),
            cancels: 0,
            timed: false,
            look: Look::Fixed,
            mistake: None,
            only: None,
        }
    }

    /// Up to 3 leases that run out of fuel or of work.
    pub fn leases(self, leases: u8) -> Scenario {
        Scenario {
            leases,
            fuel: true,
            idle: true,
            ..self
        }
    }

    pub fn controls(self, controls: &[Control]) -> Scenario {
        let reopens = |control: &&Control| **control == Control::Reopen;
        assert!(controls.iter().filter(reopens).count() <= 1);
        Scenario {
            controls: controls.to_vec(),
            ..self
        }
    }

    /// The host may cancel these jobs, which are tiled.
    pub fn cancels(self, positions: &[u8]) -> Scenario {
        assert!(positions
            .iter()
            .all(|&position| self.jobs[position as usize].tiles > 0));
        Scenario {
            cancels: positions
                .iter()
                .fold(0, |set, position| set | 1 << position),
            ..self
        }
    }

    pub fn timed(self) -> Scenario {
        assert!(
            !self.controls.contains(&Control::Reopen),
            "the ring has one tenant"
        );
        Scenario {
            timed: true,
            ..self
        }
    }

    pub fn chunks(self) -> Scenario {
        Scenario {
            chunks: true,
            ..self
        }
    }

    pub fn producers(self) -> Scenario {
        Scenario {
            producers: true,
            ..self
        }
    }

    pub fn any(self) -> Scenario {
        Scenario {
            look: Look::Any,
            ..self
        }
    }

    /// Does one thing wrong, and looks for what it leads to. A mistake often leads to several
    /// violations; which of them is the nearest tells little.
    pub fn wrong(self, mistake: Mistake, only: Violation) -> Scenario {
        Scenario {
            mistake: Some(mistake),
            only: Some(only),
            ..self
        }
    }

    pub(crate) fn has(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// The word that names a position in a stamp and in the open word. It is never 0, which means
    /// "none" in both: positions have 31 bits, because the cursor's word holds the closed bit too,
    /// and the sum is not cut to 31 bits again.
    pub(crate) fn stamp(&self, position: u8) -> u8 {
        // The mistake lets positions wrap behind the second job.
        if self.has(Mistake::StampWrapsToZero) && position == 1 {
            0
        } else {
            position + 1
        }
    }

    pub(crate) fn slot(&self, position: u8) -> usize {
        (position % self.slots) as usize
    }
}
