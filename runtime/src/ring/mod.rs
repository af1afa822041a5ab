//! The rings: the shared-memory protocol between host and kernel, without any Vulkan.
//!
//! * `layout`: every shared word, for host and kernel from one source;
//! * `submission`: the host's side of one tenant's ring, from submit to take;
//! * `life`: who may publish, how many slots are free, and what the tenant is at;
//! * `pool`: what several tenants take from and none may overshoot;
//! * `doorbell`: how the pump parks and a submit wakes it;
//! * `gate`: how somebody finds a moment at which nobody submits;
//! * `active`: which tenants the kernel looks at;
//! * `digest`: what a completion says of all that its job stored;
//! * `clock`, `latency`, `calls`, `counts`: what is counted beside the jobs' outcomes;
//! * `span`: which jobs are sampled, and what is told of them.

pub mod active;
pub mod calls;
pub mod clock;
pub mod counts;
pub mod digest;
pub mod doorbell;
pub mod gate;
pub mod latency;
pub mod layout;
pub mod life;
pub mod outcomes;
pub mod pool;
pub mod span;
pub mod submission;
pub(crate) mod sync;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;
