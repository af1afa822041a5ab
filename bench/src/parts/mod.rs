//! The parts. Each measures one promise and writes one object into the report, under its own name.

mod bandwidth;
mod bindings;
mod fairness;
mod idle;
mod isolation;
mod lib;
mod metrics;
mod modules;
mod open;
mod publish;
mod recorder;
mod round_trip;
mod scale;
mod spans;
mod throughput;
mod wait;
mod wake;

use crate::context::Context;
use crate::stats::Object;
use crate::Fallible;

pub use open::child as open_child;

pub struct Part {
    pub name: &'static str,
    /// What is measured, and how; it stands in the report.
    pub what: &'static str,
    pub run: fn(&Context) -> Fallible<Object>,
}

pub const PARTS: &[Part] = &[
    round_trip::PART,
    throughput::PART,
    publish::PART,
    bandwidth::PART,
    wake::PART,
    idle::PART,
    wait::PART,
    open::PART,
    modules::PART,
    isolation::PART,
    fairness::PART,
    recorder::PART,
    metrics::PART,
    spans::PART,
    scale::PART,
    bindings::CPP,
    bindings::GO,
    lib::PART,
];
