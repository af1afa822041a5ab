//! The ways of today, each at its best: one dispatch per submit, recorded dispatches, wgpu.

pub mod fence;
pub mod recorded;
pub mod saxpy;
pub mod webgpu;

/// WGSL of the tiny job, the same for all peers.
pub const TINY: &str = include_str!("../kernels/tiny.wgsl");
