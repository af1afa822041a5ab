//! The properties that hold in every step, checked where a step could break them.
//!
//! They look at the ghosts and at who owns a slot; the steps themselves never do.

use crate::scenario::Scenario;
use crate::state::{At, State, CANCELLED, FAULTED, NONE, OK, REVOKED, SKIPPED};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A job was claimed whose stamp isn't there.
    ClaimedUnpublished,
    /// A job was claimed after the revoke had completed.
    ClaimedAfterRevoke,
    /// A job began in an epoch that isn't before the one that the revoke told.
    BegunAfterRevoke,
    /// A waiting job began in an epoch that isn't past the ends of those that it waited for.
    BegunBeforeOthersEnded,
    /// A waiting job was claimed before all earlier ones had completed.
    BarrierBroken,
    /// A job ended with a status that it can't have.
    WrongStatus,
    /// A scalar job or a tile ran, or was accounted for, twice.
    RanTwice,
    /// A tile that was claimed after the revoke had completed ran.
    RanAfterRevoke,
    /// A tile that was claimed after its job was cancelled ran.
    RanAfterCancel,
    /// The words of a slot were touched for a job that doesn't live there (any more), or a worker
    /// took such a job for the one that it has claimed.
    StaleTouch,
    /// What was claimed runs with another tenant's rights.
    WrongRights,
    /// `unfinished` went below zero.
    Underflow,
    /// A job completed before all its tiles were accounted for, or with results missing.
    CompletedEarly,
    CompletedTwice,
    /// A completion that the host hadn't taken was overwritten.
    Overwritten,
    /// The host took a record under a stamp that isn't its own.
    Torn,
    /// No final state can be reached from here; a deadlock is the simplest case.
    Wedge,
    /// Jobs of two tenants of an exclusion group were under way at the same time.
    RanBeside,
    /// Everything has completed, and somebody still has the group.
    GroupHeld,
    /// A tenant outside of the group never ran beside one in it.
    NeverBeside,
}

pub type Checked = Result<(), Violation>;

pub fn ensure(holds: bool, violation: Violation) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(violation)
    }
}

impl State {
    /// The revoke has completed, and the ring wasn't given to the next tenant yet.
    pub fn revoke_completed(&self, scenario: &Scenario) -> bool {
        State::revoked(scenario, self.completed) && State::revoked(scenario, self.claimed)
    }

    /// The claim of the job at `position`.
    pub fn check_claim(&self, scenario: &Scenario, position: u8) -> Checked {
        let published = self.stamped >> position & 1 == 1;
        ensure(
            !self.revoke_completed(scenario),
            Violation::ClaimedAfterRevoke,
        )?;
        ensure(published, Violation::ClaimedUnpublished)?;
        let earlier = &self.ghosts[..position as usize];
        ensure(
            !self.job(scenario, position).waits() || earlier.iter().all(|job| job.status != NONE),
            Violation::BarrierBroken,
        )
    }

    /// What each worker uses after its claim is that of the job that lives in the slot.
    pub fn check_holdings(&self, scenario: &Scenario) -> Checked {
        for me in &self.workers[..scenario.workers] {
            let scalar = me.at == At::ScalarRecord || me.at == At::ScalarStamp;
            let opener = me.at >= At::ClearSlot && me.at <= At::StoreRemaining;
            let tiles = me.at >= At::CheckClosed && me.at <= At::TiledStamp;
            let job = if scalar {
                me.position + me.index
            } else if opener || tiles {
                me.job
            } else {
                continue;
            };
            let slot = &self.slots[scenario.slot(job)];
            ensure(slot.job == job + 1, Violation::StaleTouch)?;
            // What was answered at once has used no rights.
            let ran = !scalar || me.status == OK;
            ensure(
                !ran || slot.generation == me.generation,
                Violation::WrongRights,
            )?;
        }
        Ok(())
    }

    /// Any write to a slot's words on behalf of `job`.
    pub fn check_touch(&self, slot: u8, job: u8) -> Checked {
        let lives = self.slots[slot as usize].job == job + 1;
        ensure(
            lives && self.ghosts[job as usize].status == NONE,
            Violation::StaleTouch,
        )
    }

    /// Tiles of `job` run, or are accounted for without running, as revoked or cancelled.
    pub fn count_tiles(&mut self, job: u8, tiles: u8, ran: bool) -> Checked {
        let ghost = &mut self.ghosts[job as usize];
        ensure(ghost.status == NONE, Violation::StaleTouch)?;
        ensure(
            (ghost.ran | ghost.dropped) & tiles == 0,
            Violation::RanTwice,
        )?;
        if ran {
            ghost.ran |= tiles;
        } else {
            ghost.dropped |= tiles;
        }
        Ok(())
    }

    /// The first part of a completion, all but its stamp.
    pub fn write_record(&mut self, scenario: &Scenario, slot: u8, job: u8, status: u8) -> Checked {
        let at = &mut self.slots[slot as usize];
        if !scenario.has(crate::Mistake::StampFirst) {
            let untaken = at.answer != 0 && self.taken >> (at.answer - 1) & 1 == 0;
            ensure(!untaken, Violation::Overwritten)?;
        }
        at.record = job + 1;
        at.status = status;
        Ok(())
    }

    /// The stamp: with it the job has completed.
    pub fn write_stamp(&mut self, scenario: &Scenario, slot: u8, job: u8, status: u8) -> Checked {
        self.check_completion(scenario, slot, job, status)?;
        self.slots[slot as usize].answer = job + 1;
        let ghost = &mut self.ghosts[job as usize];
        ghost.status = status;
        ghost.ran = 0;
        ghost.dropped = 0;
        Ok(())
    }

    fn check_completion(&self, scenario: &Scenario, slot: u8, job: u8, status: u8) -> Checked {
        let ghost = self.ghosts[job as usize];
        ensure(ghost.status == NONE, Violation::CompletedTwice)?;
        ensure(
            self.slots[slot as usize].job == job + 1,
            Violation::StaleTouch,
        )?;
        let spec = scenario.jobs[job as usize];
        match status {
            SKIPPED => ensure(ghost.ran == 0, Violation::RanTwice)?,
            // A revoke completes jobs whole that were never claimed, and a job that was cancelled before
            // it was opened is answered at once.
            REVOKED | CANCELLED if ghost.ran | ghost.dropped == 0 => {}
            _ => ensure(
                ghost.ran | ghost.dropped == spec.all_tiles(),
                Violation::CompletedEarly,
            )?,
        }
        if spec.tiles > 0 && ghost.ran | ghost.dropped != 0 {
            let results = u32::from(self.slots[slot as usize].results);
            ensure(results == ghost.ran.count_ones(), Violation::CompletedEarly)?;
        }
        let revoke = State::revoked(scenario, self.claimed);
        let marked = ghost.dropped != 0 || ghost.ran == 0;
        let fits = match status {
            REVOKED => revoke && marked,
            CANCELLED => self.cancelled(scenario, job) && marked,
            _ => status == self.expected_status(scenario, job) && ghost.dropped == 0,
        };
        ensure(fits, Violation::WrongStatus)
    }

    /// How a job ends that no revoke gets in the way of.
    fn expected_status(&self, scenario: &Scenario, job: u8) -> u8 {
        let spec = scenario.jobs[job as usize];
        let own = spec.after_ok && job > 0 && !self.first_of_next_tenant(scenario, job);
        if own && self.ghosts[job as usize - 1].status != OK {
            SKIPPED
        } else if spec.faults {
            FAULTED
        } else {
            OK
        }
    }

    /// The host takes the completion of `job` from its slot.
    pub fn check_taken(&self, slot: usize, job: u8) -> Checked {
        let at = &self.slots[slot];
        let whole = at.record == job + 1 && at.status == self.ghosts[job as usize].status;
        ensure(whole, Violation::Torn)
    }

    pub fn all_gone(&self, scenario: &Scenario) -> bool {
        self.workers[..scenario.workers]
            .iter()
            .all(|worker| worker.at == At::Gone)
    }
}
