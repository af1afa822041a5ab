//! Exhaustive models of what the kernel's workers do: to one tenant's words, which is described here,
//! and to the word of an exclusion group, in `group`. One explorer walks through both.
//!
//! A scenario fixes a few workers, a ring of one or two slots, a list of jobs and what the host
//! does besides. The model then walks through *every* order in which the workers, the host and the
//! pump can take their steps, and checks the protocol's properties in each state. A step is one
//! access to shared memory (a load, a store, an atomic); what a worker does to its own registers
//! rides on the access before it.
//!
//! Checked: a published job completes exactly once, and its record is never torn or overwritten
//! unread; a tile runs once or is accounted for as revoked or cancelled once; nothing stale touches
//! the words of a live job; what a worker uses after its claim, the job and its tenant's rights, is in
//! every state that of the job that lives in the slot; nothing is claimed after a revoke has completed, and a tile that is
//! claimed then does not run, nor does one that is claimed after its job was cancelled; jobs with
//! BARRIER or AFTER_OK start after all earlier completions and see the right status; and from every
//! reachable state a final one, with everything completed and all words at rest, can be reached.
//!
//! What it does not cover:
//! - Weak memory. Steps interleave in a sequentially consistent way, so a missing barrier is not
//!   found here. Where the protocol says "barrier", the model's order of steps is what that barrier
//!   promises.
//! - Fairness. "Can be reached" allows a worker to lose every race for a while.
//! - Several tenants, but for those of a group. A tenant's words are its own, and a worker claims from
//!   one tenant at a time.
//! - Turns: whom a worker looks at first, and what it charges.
//! - Parking: the pump's sleep, its wake-up and the doorbell. The loom tests of the runtime's ring
//!   check those. Here a lease is launched as soon as the one before it has ended.
//! - Cancelling scalar jobs: each is read once, after its claim, by the lane that completes it.
//! - The wrap of 32-bit positions, fuel inside of handlers.
//! - That a ring is given away only when the leases that knew its last tenant have ended. The model
//!   allows it at once, so a worker may stall from one tenant's time into the next one's.
//! - Three places join accesses to words that nobody else changes at that time: the stamp and the
//!   flags of the second job of a run, the accumulators and the payload of a completion, the lanes'
//!   handlers.
//!
//! Each [`Mistake`] changes one thing about the protocol. The tests see to it that the model finds
//! every one of them: a model that finds nothing proves nothing.

mod codec;
mod explore;
mod group;
mod host;
mod mistakes;
mod property;
mod revoke;
mod scalar;
mod scenario;
mod scenarios;
mod seen;
mod state;
mod tiles;
mod trace;
mod worker;

pub use explore::{explore, unvisited, Found, Model, Report};
pub use group::{
    group_long, group_mistakes, group_short, GroupMistake, GroupScenario, Kind, Tenant,
};
pub use mistakes::mistakes;
pub use property::Violation;
pub use scenario::{Control, Job, Look, Mistake, Scenario};
pub use scenarios::{long, short};
