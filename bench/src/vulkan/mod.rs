//! Plain Vulkan for the peers, written as an expert would: everything is recorded, allocated and
//! mapped ahead, no validation, one queue.

mod commands;
mod device;
mod kernel;
mod memory;

pub use commands::{host_barrier, shader_barrier, Commands, Waiting};
pub use device::{Device, Wanted};
pub use kernel::{compile, Kernel};
pub use memory::{Buffer, Place};
