//! What one exploration is about: tenants with their jobs, the workers, and at most one mistake.

use crate::property::Violation;

pub const MAX_TENANTS: usize = 3;
pub const MAX_JOBS: usize = 3;

/// A job as its worker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Claimed, run and completed by one worker in one round.
    Scalar,
    /// Opened by one worker; its 1 to 3 tiles are run by any.
    Tiled(u8),
    /// A tiled job that won't run: claimed and answered as a scalar one.
    AtOnce,
}

#[derive(Clone, Copy, Debug)]
pub struct Tenant {
    pub jobs: &'static [Kind],
    pub grouped: bool,
}

/// One thing done wrong. The comments say what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupMistake {
    /// A tile still runs when the next tenant comes in.
    LeftWithLastClaim,
    /// So it does here, if only for the moment that the record takes.
    LeftBeforeCompletion,
    /// The group stays with a tenant that has nothing in it.
    KeptAfterFailedClaim,
    /// The same.
    KeptAfterFailedOpen,
    /// The same.
    KeptAtOnce,
    /// Two workers of a tenant are inside, and the first one that leaves opens the door.
    LeaveStoresZero,
    /// The first tenant has the group forever: its name stays when it leaves.
    FreeByName,
    /// Whoever finds the group taken joins, tenant or not.
    JoinsAnyone,
    /// Two tenants find the group free, and both take it.
    TakenWithoutCompare,
    /// A worker waits, with a job in its hands, for a group that only workers can free.
    AdmittedAfterClaim,
    /// The tiles that the revoke took were the last ones, and the group stays taken.
    RevokeKeeps,
    /// A tile still runs when the revoke gives the group away.
    RevokeLeavesAlways,
    /// A claim slips in, and the revoke completes the same job.
    RevokeLeavesCursor,
    /// An open job's tiles are left over from the last lease, and its tenant has lost the group.
    LeaseResetsHolder,
    /// Nobody is outside.
    OutsiderAdmitted,
}

pub struct GroupScenario {
    pub name: &'static str,
    pub workers: usize,
    pub tenants: Vec<Tenant>,
    /// The last lease never ends.
    pub leases: u8,
    /// The host may revoke this tenant at any time.
    pub revoked: Option<usize>,
    pub mistake: Option<GroupMistake>,
    /// Look for this violation only; steps that break another property aren't taken.
    pub only: Option<Violation>,
}

impl GroupScenario {
    /// All tenants are in the group.
    pub fn new(name: &'static str, workers: usize, tenants: &[&'static [Kind]]) -> GroupScenario {
        assert!((1..=3).contains(&workers) && tenants.len() <= MAX_TENANTS);
        assert!(tenants.iter().all(|jobs| jobs.len() <= MAX_JOBS));
        let grouped = |jobs: &&'static [Kind]| Tenant {
            jobs,
            grouped: true,
        };
        GroupScenario {
            name,
            workers,
            tenants: tenants.iter().map(grouped).collect(),
            leases: 1,
            revoked: None,
            mistake: None,
            only: None,
        }
    }

    /// One more tenant, which is not in the group.
    pub fn outside(mut self, jobs: &'static [Kind]) -> GroupScenario {
        assert!(self.tenants.len() < MAX_TENANTS && jobs.len() <= MAX_JOBS);
        self.tenants.push(Tenant {
            jobs,
            grouped: false,
        });
        self
    }

    /// Up to 3 leases, which end at any time between rounds.
    pub fn leases(self, leases: u8) -> GroupScenario {
        GroupScenario { leases, ..self }
    }

    pub fn revoke(self, tenant: usize) -> GroupScenario {
        GroupScenario {
            revoked: Some(tenant),
            ..self
        }
    }

    /// Does one thing wrong, and looks for what it leads to.
    pub fn wrong(self, mistake: GroupMistake, only: Violation) -> GroupScenario {
        GroupScenario {
            mistake: Some(mistake),
            only: Some(only),
            ..self
        }
    }

    pub(super) fn has(&self, mistake: GroupMistake) -> bool {
        self.mistake == Some(mistake)
    }

    pub(super) fn kind(&self, tenant: u8, position: u8) -> Kind {
        self.tenants[tenant as usize].jobs[position as usize]
    }

    /// Whether this tenant's listing says that it is in the group.
    pub(super) fn admits(&self, tenant: u8) -> bool {
        self.tenants[tenant as usize].grouped || self.has(GroupMistake::OutsiderAdmitted)
    }
}
