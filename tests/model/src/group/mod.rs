//! A model of exclusion groups: of the word that says who has a group, and for how many open jobs.
//!
//! The tenants' rings are as long as their jobs here, and all jobs are published from the start: laps
//! and submissions are what the model of one ring is about. Whose turn it is doesn't count either: a
//! worker may look at any tenant at any time. So whatever the turns are, the steps are among these.
//!
//! Checked: jobs of two tenants of the group are never under way at the same time, from the claim to
//! the completion, and through all the pauses of a tiled job; each job completes exactly once; the
//! final state can be reached from everywhere; nobody has the group then; and a tenant outside of the
//! group runs beside.
//!
//! A worker that is refused forever, because others of the holder join again and again, is not found
//! here: that is a matter of turns.

mod admission;
mod mistakes;
mod rounds;
mod scenario;
mod scenarios;
mod state;

pub use mistakes::group_mistakes;
pub use scenario::{GroupMistake, GroupScenario, Kind, Tenant};
pub use scenarios::{group_long, group_short};
