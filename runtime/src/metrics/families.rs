//! Every metric that the library has, with its name, type and labels, and where its value comes from. `docs/metrics.md` holds the
//! same as a table.

use super::{is_limited, lease_end_name, resources, Action, Snapshot, TenantMetrics};
use crate::error::{completion_status_name, fault_name};
use crate::ring::layout::fault;
use crate::ring::submission::FAULTS;
use crate::runtime::{Mode, RuntimeInfo};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, but for when the process begins anew.
    Counter,
    /// It is as of now.
    Gauge,
    Histogram,
    /// Its labels are what it tells.
    Info,
}

impl Kind {
    /// As OpenMetrics calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// A metric, with all of its series.
pub struct Family {
    /// Without `_total`, which a counter's samples have, and `_info`.
    pub name: &'static str,
    pub kind: Kind,
    /// The last word of the name, where it is one: seconds or bytes.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// Who counts it, and when.
    pub source: &'static str,
    pub(super) write: fn(&Snapshot, &RuntimeInfo, &mut dyn Samples),
}

/// Labels of a sample.
#[derive(Clone, Copy, Default)]
pub struct Labels<'a> {
    /// As text formats have them, without what `more` is.
    pub rendered: &'a str,
    /// The same, as they are.
    pub pairs: [(&'static str, &'a str); 2],
    pub more: Option<(&'static str, &'a str)>,
}

impl<'a> Labels<'a> {
    fn one(name: &'static str, value: &'a str) -> Self {
        Self {
            more: Some((name, value)),
            ..Self::default()
        }
    }

    fn and(self, name: &'static str, value: &'a str) -> Self {
        Self {
            more: Some((name, value)),
            ..self
        }
    }
}

/// Where a family's samples go.
pub trait Samples {
    /// A number of each tenant's.
    fn tenants(&mut self, tenants: &[TenantMetrics], get: fn(&TenantMetrics) -> u64) {
        for tenant in tenants {
            self.int(of(tenant), get(tenant));
        }
    }
    fn int(&mut self, labels: Labels, value: u64);
    fn seconds(&mut self, labels: Labels, nanoseconds: u64);
    fn latency(&mut self, labels: Labels, latency: &super::LatencySums);
    fn info(&mut self, pairs: &[(&'static str, &str)]);
}

const NONE: &[&str] = &[];
const TENANT: &[&str] = &["tenant"];

fn of(tenant: &TenantMetrics) -> Labels<'_> {
    Labels {
        rendered: &tenant.rendered,
        pairs: [("tenant", &tenant.label), ("", "")],
        more: None,
    }
}

/// A counter of each tenant.
macro_rules! per_tenant {
    ($name:literal, $unit:literal, $help:literal, $source:literal, $get:expr) => {
        Family {
            name: $name,
            kind: Kind::Counter,
            unit: $unit,
            labels: TENANT,
            help: $help,
            source: $source,
            write: |snapshot, _, out| out.tenants(&snapshot.tenants, $get),
        }
    };
}

/// A number of the spans, where they are made.
macro_rules! of_spans {
    ($kind:ident, $name:literal, $help:literal, $source:literal, |$spans:ident| $value:expr) => {
        Family {
            name: $name,
            kind: Kind::$kind,
            unit: "",
            labels: NONE,
            help: $help,
            source: $source,
            write: |snapshot, _, out| {
                if let Some($spans) = &snapshot.runtime.spans {
                    out.int(Labels::default(), $value);
                }
            },
        }
    };
}

/// A number of the runtime's.
macro_rules! one {
    ($kind:ident, $name:literal, $unit:literal, $help:literal, $source:literal, |$snapshot:ident| $value:expr) => {
        Family {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: NONE,
            help: $help,
            source: $source,
            write: |$snapshot, _, out| out.int(Labels::default(), $value),
        }
    };
}

macro_rules! one_in_seconds {
    ($name:literal, $help:literal, $source:literal, |$snapshot:ident| $value:expr) => {
        Family {
            name: $name,
            kind: Kind::Counter,
            unit: "seconds",
            labels: NONE,
            help: $help,
            source: $source,
            write: |$snapshot, _, out| out.seconds(Labels::default(), $value),
        }
    };
}

/// A counter of each handler.
macro_rules! per_handler {
    ($name:literal, $help:literal, $source:literal, $field:ident) => {
        Family {
            name: $name,
            kind: Kind::Counter,
            unit: "",
            labels: &["module", "handler"],
            help: $help,
            source: $source,
            write: |snapshot, _, out| {
                for handler in &snapshot.handlers {
                    let labels = Labels {
                        rendered: &handler.rendered,
                        pairs: [("module", &handler.module), ("handler", &handler.handler)],
                        more: None,
                    };
                    out.int(labels, handler.$field);
                }
            },
        }
    };
}

/// A status's name as a label.
fn status_label(status: usize) -> &'static str {
    completion_status_name(status as u32)
}

/// A fault's name as a label; the last is for handlers' own codes.
fn fault_label(code: usize) -> &'static str {
    let code = match code {
        _ if code == FAULTS - 1 => fault::HANDLER,
        code => code as u32,
    };
    fault_name(code)
}

/// All of them, in the order in which they are written.
pub fn families() -> &'static [Family] {
    FAMILIES
}

static FAMILIES: &[Family] = &[
    Family {
        name: "rota",
        kind: Kind::Info,
        unit: "",
        labels: &["version", "device", "driver", "mode"],
        help: "The library and the device.",
        source: "when the runtime is opened",
        write: |_, info, out| {
            let mode = match info.mode {
                Mode::Batch => "batch",
                _ => "resident",
            };
            let driver = format!("{} {}", info.device.driver, info.device.driver_info);
            out.info(&[
                ("version", crate::VERSION),
                ("device", &info.device.name),
                ("driver", driver.trim()),
                ("mode", mode),
            ]);
        },
    },
    one!(Gauge, "rota_tenants", "", "Tenants that are there.", "the series, now", |s| s.runtime.tenants),
    one!(Gauge, "rota_series", "", "Series of tenants, the overflow's among them.", "the series, now", |s| s.runtime.series),
    one!(Gauge, "rota_series_limit", "", "Tenants' labels that can have a series of their own.", "the options", |s| s.runtime.max_series),
    one!(Counter, "rota_series_overflowed", "", "Tenants that found no series of their own.", "the host, when a tenant is made", |s| s.runtime.overflowed),
    one!(Counter, "rota_jobs_submitted", "", "Jobs accepted.", "the host, at submit", |s| s.runtime.all.submitted),
    one!(Counter, "rota_jobs_completed", "", "Jobs completed, taken or not.", "the kernel, with each claim", |s| s.runtime.all.completed),
    Family {
        name: "rota_jobs_taken",
        kind: Kind::Counter,
        unit: "",
        labels: &["status"],
        help: "Completions taken, by status.",
        source: "the host, when completions are taken",
        write: |s, _, out| {
            for (status, &n) in s.runtime.all.taken.iter().enumerate().filter(|(_, &n)| n != 0) {
                out.int(Labels::one("status", status_label(status)), n);
            }
        },
    },
    Family {
        name: "rota_faults",
        kind: Kind::Counter,
        unit: "",
        labels: &["fault"],
        help: "Completions with a fault, by fault.",
        source: "the host, when completions are taken",
        write: |s, _, out| {
            for (code, &n) in s.runtime.all.faulted.iter().enumerate().filter(|(_, &n)| n != 0) {
                out.int(Labels::one("fault", fault_label(code)), n);
            }
        },
    },
    one!(Counter, "rota_fuel", "", "Loop iterations of jobs.", "the kernel, when a claim has ended", |s| s.runtime.all.fuel),
    one!(Counter, "rota_tiles", "", "Tiles of the tiled jobs accepted.", "the host, at submit", |s| s.runtime.all.tiles),
    one!(Counter, "rota_host_to_buffer_bytes", "bytes", "Bytes that the host wrote into buffers.", "the host, at each write", |s| s.runtime.all.bytes_in),
    one!(Counter, "rota_buffer_to_host_bytes", "bytes", "Bytes that the host read out of buffers.", "the host, at each read", |s| s.runtime.all.bytes_out),
    Family {
        name: "rota_latency_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        labels: NONE,
        help: "Time from submit until the completion was taken.",
        source: "the host, when completions are taken: one reading of the clock for a batch",
        write: |s, _, out| out.latency(Labels::default(), &s.runtime.latency),
    },
    Family {
        name: "rota_leases",
        kind: Kind::Counter,
        unit: "",
        labels: &["end"],
        help: "Leases by how they ended: told to, out of fuel, without work, or for a host that waits.",
        source: "the first worker's report, when a lease has ended",
        write: |s, _, out| {
            for (end, &n) in s.runtime.leases.iter().enumerate().filter(|(_, &n)| n != 0) {
                out.int(Labels::one("end", lease_end_name(end)), n);
            }
        },
    },
    one!(Counter, "rota_wakes", "", "Times that the kernel was woken.", "the pump", |s| s.runtime.wakes),
    one!(Counter, "rota_parks", "", "Times that it was parked.", "the pump", |s| s.runtime.parks),
    Family {
        name: "rota_rounds",
        kind: Kind::Counter,
        unit: "",
        labels: &["kind"],
        help: "Rounds of workers that found work, and that found none.",
        source: "the workers' reports, when a lease has ended",
        write: |s, _, out| {
            out.int(Labels::one("kind", "busy"), s.runtime.rounds_busy);
            out.int(Labels::one("kind", "idle"), s.runtime.rounds_idle);
        },
    },
    Family {
        name: "rota_claims",
        kind: Kind::Counter,
        unit: "",
        labels: &["outcome"],
        help: "Claims of workers, by whether another worker was quicker.",
        source: "the workers' reports, when a lease has ended",
        write: |s, _, out| {
            out.int(Labels::one("outcome", "won"), s.runtime.claims_won);
            out.int(Labels::one("outcome", "lost"), s.runtime.claims_lost);
        },
    },
    Family {
        name: "rota_outputs_slots",
        kind: Kind::Counter,
        unit: "",
        labels: &["outcome"],
        help: "Results read into outputs, by what became of their memory.",
        source: "the host, at each read of outputs",
        write: |s, _, out| {
            let outputs = &s.runtime.outputs;
            out.int(Labels::one("outcome", "reused"), outputs.slots_reused);
            out.int(Labels::one("outcome", "moved"), outputs.slots_moved);
            out.int(Labels::one("outcome", "appended"), outputs.slots_appended);
        },
    },
    Family {
        name: "rota_outputs_bytes",
        kind: Kind::Counter,
        unit: "bytes",
        labels: &["outcome"],
        help: "Bytes read into outputs, by what became of their memory.",
        source: "the host, at each read of outputs",
        write: |s, _, out| {
            let outputs = &s.runtime.outputs;
            out.int(Labels::one("outcome", "reused"), outputs.bytes_copied);
            out.int(Labels::one("outcome", "moved"), outputs.bytes_moved);
            out.int(Labels::one("outcome", "appended"), outputs.bytes_appended);
        },
    },
    one!(Gauge, "rota_outputs_retained_bytes", "bytes", "Bytes that outputs hold on to, used or not.", "the host, now", |s| s.runtime.outputs.bytes_retained),
    one!(Counter, "rota_batches_split", "", "Batches with jobs that wait for those before them.", "the host, at submit", |s| s.runtime.batches_split),
    one!(Counter, "rota_batch_segments", "", "Parts that those batches were split into.", "the host, at submit", |s| s.runtime.segments),
    one!(Counter, "rota_barrier_points", "", "Jobs with BARRIER or AFTER_OK.", "the host, at submit", |s| s.runtime.barrier_points),
    one!(Counter, "rota_kernel_compiles", "", "Kernels compiled.", "the host, at loads", |s| s.runtime.compiles),
    one!(Counter, "rota_kernel_cache_hits", "", "Kernels that were there, compiled before.", "the host, at loads", |s| s.runtime.cache_hits),
    one_in_seconds!("rota_kernel_compile_seconds", "Time that compiling kernels took.", "the host, at loads", |s| s.runtime.compile_ns),
    one_in_seconds!("rota_kernel_switch_seconds", "Time until no lease ran the kernel before any more.", "the host, at loads", |s| s.runtime.switch_ns),
    one!(Gauge, "rota_modules", "", "Modules loaded.", "the host, now", |s| s.runtime.modules),
    one!(Counter, "rota_recorder_records", "", "Records of the flight recorder in this run; a long one counts for each of its cells.", "the recorder", |s| s.runtime.recorder.records),
    one!(Counter, "rota_recorder_bytes", "bytes", "Bytes that went to its file.", "the recorder", |s| s.runtime.recorder.bytes),
    one!(Counter, "rota_recorder_stalls", "", "Times that a submit waited for room in it.", "the recorder", |s| s.runtime.recorder.stalls),
    one_in_seconds!("rota_recorder_stall_seconds", "How long they waited together.", "the recorder", |s| s.runtime.recorder.stall_ns),
    one!(Counter, "rota_recorder_refused", "", "Records that found no room.", "the recorder", |s| s.runtime.recorder.refused),
    one!(Counter, "rota_recorder_gaps", "", "Records that tell of those.", "the recorder", |s| s.runtime.recorder.gaps),
    one!(Gauge, "rota_recorder_lag", "", "Records that are not durable yet.", "the recorder, now", |s| s.runtime.recorder.lag),
    one!(Counter, "rota_recorder_checkpoints", "", "Checkpoints taken.", "the recorder", |s| s.runtime.recorder.checkpoints),
    one!(Counter, "rota_recorder_checkpoints_failed", "", "Checkpoints that failed.", "the recorder", |s| s.runtime.recorder.failed_checkpoints),
    of_spans!(Counter, "rota_spans", "Spans that were put into the queue; these are there where spans are made.", "the host, when completions are taken", |s| s.pushed),
    of_spans!(Counter, "rota_spans_dropped", "Spans that found no room in the queue.", "the host, when completions are taken", |s| s.dropped),
    of_spans!(Counter, "rota_spans_exported", "Spans that exporters took.", "the sidecar", |s| s.exported),
    of_spans!(Counter, "rota_spans_failed", "Spans that were given up.", "the sidecar", |s| s.failed),
    of_spans!(Counter, "rota_span_export_failures", "Exports that failed.", "the sidecar", |s| s.failures),
    of_spans!(Counter, "rota_span_export_retries", "Exports that were tried again.", "the sidecar", |s| s.retries),
    of_spans!(Gauge, "rota_spans_queued", "Spans in the queue.", "the queue, now", |s| s.queued),
    of_spans!(Gauge, "rota_spans_queue_limit", "Spans that fit into the queue.", "the options", |s| s.capacity),
    Family {
        name: "rota_decisions",
        kind: Kind::Counter,
        unit: "",
        labels: &["component", "action"],
        help: "Decisions of the runtime.",
        source: "whoever decides",
        write: |s, _, out| {
            for (action, &n) in Action::ALL.iter().zip(&s.runtime.decisions) {
                out.int(Labels {
                    pairs: [("component", action.component()), ("", "")],
                    ..Labels::one("action", action.name())
                }, n);
            }
        },
    },
    one_in_seconds!("rota_saved_seconds", "Time that decisions have saved.", "whoever decides", |s| s.runtime.saved_ns),
    one!(Counter, "rota_refused_names", "", "Names that providers were refused.", "the snapshot", |s| s.runtime.refused_names),
    Family {
        name: "rota_tenant_members",
        kind: Kind::Gauge,
        unit: "",
        labels: TENANT,
        help: "Tenants of the series that are there.",
        source: "the series, now",
        write: |s, _, out| out.tenants(&s.tenants, |tenant| tenant.tenants),
    },
    per_tenant!("rota_tenant_jobs_submitted", "", "Jobs accepted.", "the host, at submit", |t| t.counters.submitted),
    per_tenant!("rota_tenant_jobs_completed", "", "Jobs completed, taken or not.", "the kernel, with each claim", |t| t.counters.completed),
    Family {
        name: "rota_tenant_jobs_taken",
        kind: Kind::Counter,
        unit: "",
        labels: &["tenant", "status"],
        help: "Completions taken, by status.",
        source: "the host, when completions are taken",
        write: |s, _, out| {
            for tenant in &s.tenants {
                for (status, &n) in tenant.counters.taken.iter().enumerate() {
                    if n != 0 {
                        out.int(of(tenant).and("status", status_label(status)), n);
                    }
                }
            }
        },
    },
    Family {
        name: "rota_tenant_faults",
        kind: Kind::Counter,
        unit: "",
        labels: &["tenant", "fault"],
        help: "Completions with a fault, by fault.",
        source: "the host, when completions are taken",
        write: |s, _, out| {
            for tenant in &s.tenants {
                for (code, &n) in tenant.counters.faulted.iter().enumerate() {
                    if n != 0 {
                        out.int(of(tenant).and("fault", fault_label(code)), n);
                    }
                }
            }
        },
    },
    per_tenant!("rota_tenant_fuel", "", "Loop iterations of jobs.", "the kernel, when a claim has ended", |t| t.counters.fuel),
    per_tenant!("rota_tenant_tiles", "", "Tiles of the tiled jobs accepted.", "the host, at submit", |t| t.counters.tiles),
    per_tenant!("rota_tenant_host_to_buffer_bytes", "bytes", "Bytes that the host wrote into buffers.", "the host, at each write", |t| t.counters.bytes_in),
    per_tenant!("rota_tenant_buffer_to_host_bytes", "bytes", "Bytes that the host read out of buffers.", "the host, at each read", |t| t.counters.bytes_out),
    Family {
        name: "rota_tenant_refused",
        kind: Kind::Counter,
        unit: "",
        labels: &["tenant", "resource"],
        help: "What a quota refused, by resource.",
        source: "the host, when it refuses",
        write: |s, _, out| {
            for tenant in &s.tenants {
                for (i, resource) in resources().filter(|&(i, _)| tenant.counters.refused[i] != 0) {
                    out.int(of(tenant).and("resource", resource.name()), tenant.counters.refused[i]);
                }
            }
        },
    },
    Family {
        name: "rota_tenant_used",
        kind: Kind::Gauge,
        unit: "",
        labels: &["tenant", "resource"],
        help: "What is in use, by resource, where there is any or a quota limits it.",
        source: "the host, now",
        write: |s, _, out| {
            for tenant in &s.tenants {
                let (used, cap) = (&tenant.counters.used, &tenant.counters.cap);
                for (i, resource) in resources().filter(|&(i, _)| used[i] != 0) {
                    out.int(of(tenant).and("resource", resource.name()), used[i]);
                }
                let limited = |&(i, _): &(usize, _)| used[i] == 0 && cap[i] != 0 && is_limited(cap[i]);
                for (_, resource) in resources().filter(limited) {
                    out.int(of(tenant).and("resource", resource.name()), 0);
                }
            }
        },
    },
    Family {
        name: "rota_tenant_quota",
        kind: Kind::Gauge,
        unit: "",
        labels: &["tenant", "resource"],
        help: "What may be in use, by resource, where it is limited.",
        source: "the host, now",
        write: |s, _, out| {
            for tenant in s.tenants.iter().filter(|tenant| tenant.tenants != 0) {
                let limited = |&(i, _): &(usize, _)| is_limited(tenant.counters.cap[i]);
                for (i, resource) in resources().filter(limited) {
                    out.int(of(tenant).and("resource", resource.name()), tenant.counters.cap[i]);
                }
            }
        },
    },
    Family {
        name: "rota_tenant_waits",
        kind: Kind::Counter,
        unit: "",
        labels: &["tenant", "outcome"],
        help: "Waits of quiesce and drain, by whether they ended in time.",
        source: "the host, when they return",
        write: |s, _, out| {
            for tenant in s.tenants.iter().filter(|tenant| tenant.counters.quiesces != 0) {
                let counters = &tenant.counters;
                let over = counters.quiesce_timeouts.min(counters.quiesces);
                out.int(of(tenant).and("outcome", "done"), counters.quiesces - over);
                out.int(of(tenant).and("outcome", "timeout"), over);
            }
        },
    },
    Family {
        name: "rota_tenant_wait_seconds",
        kind: Kind::Counter,
        unit: "seconds",
        labels: TENANT,
        help: "How long those waits took together.",
        source: "the host, when they return",
        write: |s, _, out| {
            for tenant in s.tenants.iter().filter(|tenant| tenant.counters.quiesces != 0) {
                out.seconds(of(tenant), tenant.counters.quiesce_ns);
            }
        },
    },
    Family {
        name: "rota_tenant_latency_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        labels: TENANT,
        help: "Time from submit until the completion was taken.",
        source: "the host, when completions are taken: one reading of the clock for a batch",
        write: |s, _, out| {
            for tenant in s.tenants.iter().filter(|tenant| tenant.latency.count() != 0) {
                out.latency(of(tenant), &tenant.latency);
            }
        },
    },
    Family {
        name: "rota_lag_seconds",
        kind: Kind::Gauge,
        unit: "seconds",
        labels: &["tenant", "role"],
        help: "Age of the oldest job that is queued, running, or completed and not taken; absent where there is none.",
        source: "the host, now",
        write: |s, _, out| {
            for tenant in &s.tenants {
                let ages = &tenant.ages;
                for (role, age) in [("queued", ages.queued), ("running", ages.running), ("untaken", ages.untaken)] {
                    if let Some(age) = age {
                        out.seconds(of(tenant).and("role", role), age);
                    }
                }
            }
        },
    },
    per_handler!("rota_handler_calls", "Completions taken, by handler.", "the host, when completions are taken", calls),
    per_handler!("rota_handler_faults", "Of those, the ones with a fault.", "the host, when completions are taken", faults),
    per_handler!("rota_handler_fuel", "Loop iterations of the jobs with TIMING.", "the host, when completions are taken", fuel),
];
