//! What the engine promises, on the Vulkan driver that is there. One binary, so that linking costs once and tests can
//! share runtimes; a module per topic: `cargo test --package rota --test engine order::`.

mod cycle;
mod digest;
mod fair;
mod faults;
mod grants;
mod isolation;
mod kernel;
mod kit;
mod life;
mod memory;
mod metrics;
mod modes;
mod modules;
mod order;
mod quota;
mod recorder;
#[path = "../reference/rng.rs"]
mod rng;
mod socket;
mod spans;
mod validation;
mod waiting;
