//! Rota keeps one Vulkan compute kernel resident on a device, and lets many tenants hand it small jobs through rings in
//! shared memory: no queue submit, no fence, no system call for a job.
//!
//! A [`Runtime`] opens a device. A [`Tenant`] submits [`Job`]s and takes [`Completion`]s. `docs/design.md` tells how it
//! works, `docs/protocol.md` describes every shared word.

#[cfg(not(loom))]
pub mod device;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
pub mod kernel;
#[cfg(not(loom))]
mod memory;
#[cfg(not(loom))]
pub mod metrics;
#[cfg(not(loom))]
mod modules;
#[cfg(not(loom))]
mod pump;
#[cfg(not(loom))]
mod recorder;
#[cfg(not(loom))]
pub mod replay;
pub mod ring;
#[cfg(not(loom))]
mod runtime;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
pub mod spans;
#[cfg(not(loom))]
mod tenant;
#[cfg(not(loom))]
pub mod text;
#[cfg_attr(loom, allow(dead_code))]
mod watch;

#[cfg(not(loom))]
pub use {
    device::choose::{DeviceInfo, DeviceKind},
    device::probe::Probe,
    error::{
        completion_status_name, completion_status_text, fault_name, fault_text, Error, Status,
    },
    kernel::standard::{op, recommended_tiles, standard_handler_name},
    memory::{OutputStats, Outputs, Read},
    modules::{verify, HandlerOptions, ModuleOptions, ModuleReport},
    recorder::{Capture, RecorderOptions, RecorderState},
    ring::digest::{self, WriteDigest},
    ring::latency::{fine_bound, fine_quantile, Latency},
    ring::layout::{completion_status, fault},
    ring::life::State,
    ring::span::TraceContext,
    ring::submission::{Ages, Completion, Job, TicketState},
    runtime::{devices, Mode, Runtime, RuntimeInfo, RuntimeOptions},
    tenant::{
        Class, Quota, Reservation, Resource, Tenant, TenantCounters, TenantOptions, Wait,
        RESOURCES, UNLIMITED,
    },
};

#[cfg(all(feature = "experiments", not(loom)))]
pub use {
    recorder::OtherDisk,
    runtime::{Breakdown, Experiment},
};

/// Flags that a job may carry.
pub mod job_flags {
    pub use crate::ring::layout::flag::{AFTER_OK, BACKGROUND, BARRIER, NORMAL, TIMING};
}

/// The version of the library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
