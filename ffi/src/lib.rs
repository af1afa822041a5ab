//! The C API of Rota, over the engine in crate `rota`.
//!
//! The conventions stand in docs/c-api.md and in the head of rota.h. This crate only keeps them:
//! `boundary` wraps every export, `args` checks what comes in, `registry` turns handles into
//! values, and the other files are the exports by topic, in the order of the header. The header is
//! generated from these files, so their doc comments are written for C programmers.
//!
//! Under `--cfg loom` only the registry is built, for its model tests.

// The names are C's, and what a caller has to keep is said once, in docs/c-api.md.
#![allow(non_camel_case_types, clippy::missing_safety_doc)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("handles are 64-bit ids in the place of pointers");

mod registry;
mod sync;

// These files are empty under loom by an attribute of their own: cbindgen would turn one that
// stands here into preprocessor conditions.
mod args;
mod boundary;

mod names;

mod error;

mod log;

mod devices;

mod quotas;

mod recorder;

mod spans;

mod runtime;

mod tenant;

mod tenants;

mod jobs;

mod modules;

mod buffers;

mod outputs;

mod recording;

mod replay;

mod metrics;

#[cfg(not(loom))]
pub use self::{
    buffers::*, devices::*, error::*, jobs::*, log::*, metrics::*, modules::*, names::*,
    outputs::*, quotas::*, recorder::*, recording::*, replay::*, runtime::*, spans::*, tenant::*,
    tenants::*,
};
