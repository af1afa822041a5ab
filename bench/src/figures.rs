//! The figures that are promised, and what they must and should reach.

use crate::stats::Object;
use serde_json::Value;

pub struct Figure {
    pub part: &'static str,
    pub key: &'static str,
    pub text: &'static str,
    pub unit: &'static str,
    pub goal: Goal,
}

pub enum Goal {
    AtLeast {
        must: f64,
        aim: f64,
    },
    AtMost {
        must: f64,
        aim: f64,
    },
    /// Only reported.
    None,
}

pub const FIGURES: &[Figure] = &[
    Figure {
        part: "round_trip",
        key: "ratio",
        text: "round trip of one scalar job, spinning: submit + fence over Rota",
        unit: "x",
        goal: at_least(25.0, 60.0),
    },
    Figure {
        part: "throughput",
        key: "ratio",
        text: "tiny jobs per second, one producer, batches of 64: Rota over recorded dispatches",
        unit: "x",
        goal: at_least(50.0, 150.0),
    },
    Figure {
        part: "throughput",
        key: "tenants64_ratio",
        text: "the same with 64 active tenants, relative to 1",
        unit: "x",
        goal: at_least(0.8, 1.0),
    },
    Figure {
        part: "publish",
        key: "single_p50_ns",
        text: "publishing one job",
        unit: "ns",
        goal: at_most(80.0, 40.0),
    },
    Figure {
        part: "publish",
        key: "batch_p50_ns",
        text: "publishing in batches of 64, per job",
        unit: "ns",
        goal: at_most(30.0, 12.0),
    },
    Figure {
        part: "bandwidth",
        key: "saxpy_ratio",
        text: "saxpy over 64 MiB, blocked waiter: bandwidth relative to the best plain dispatch",
        unit: "x",
        goal: at_least(0.8, 0.95),
    },
    Figure {
        part: "wake",
        key: "ratio",
        text: "waking a parked runtime: round trip relative to submit + fence",
        unit: "x",
        goal: at_most(3.0, 1.5),
    },
    Figure {
        part: "idle",
        key: "cpu_percent",
        text: "CPU of an idle open runtime over 5 s, of one core",
        unit: "%",
        goal: at_most(0.5, 0.0),
    },
    Figure {
        part: "wait",
        key: "block_cpu_percent",
        text: "100 blocked waiters and an event descriptor, busy kernel: CPU beyond the kernel's",
        unit: "%",
        goal: at_most(5.0, 1.0),
    },
    Figure {
        part: "wait",
        key: "block_p50_us",
        text: "the same: wake-up",
        unit: "us",
        goal: at_most(150.0, 50.0),
    },
    Figure {
        part: "open",
        key: "cold_ms",
        text: "open to first completion, cold",
        unit: "ms",
        goal: Goal::None,
    },
    Figure {
        part: "open",
        key: "warm_ms",
        text: "open to first completion, with the pipeline cache",
        unit: "ms",
        goal: Goal::None,
    },
    Figure {
        part: "modules",
        key: "throughput_ratio",
        text: "tiny jobs per second with 16 modules loaded by 16 tenants, relative to none",
        unit: "x",
        goal: at_least(0.9, 1.0),
    },
    Figure {
        part: "modules",
        key: "round_trip_ratio",
        text: "the same: round trip without modules over with",
        unit: "x",
        goal: at_least(0.9, 1.0),
    },
    Figure {
        part: "modules",
        key: "load_gap_ms",
        text: "longest gap in another tenant's completions during a load, caches cold, median of the loads",
        unit: "ms",
        goal: at_most(30.0, 5.0),
    },
    Figure {
        part: "modules",
        key: "load_gap_worst_ms",
        text: "the same: the worst of the loads",
        unit: "ms",
        goal: at_most(250.0, 5.0),
    },
    Figure {
        part: "isolation",
        key: "cost_mean",
        text: "checks and fuel together, mean over standard and example handlers",
        unit: "%",
        goal: at_most(20.0, 9.0),
    },
    Figure {
        part: "isolation",
        key: "runaway_p99_ratio",
        text: "round trip p99 beside a tenant in an endless loop, relative to alone, closed loop",
        unit: "x",
        goal: at_most(5.0, 2.0),
    },
    Figure {
        part: "isolation",
        key: "runaway_paced_max_us",
        text: "the same, 1,000 jobs/s from their intended time: longest",
        unit: "us",
        goal: Goal::None,
    },
    Figure {
        part: "fairness",
        key: "quiet_p99_ratio_1",
        text: "round trip p99 beside 1 tenant with a full ring of equal jobs, relative to alone, closed loop",
        unit: "x",
        goal: at_most(3.0, 1.5),
    },
    Figure {
        part: "fairness",
        key: "quiet_p99_ratio_7",
        text: "the same beside 7",
        unit: "x",
        goal: at_most(4.0, 2.0),
    },
    Figure {
        part: "fairness",
        key: "jain",
        text: "Jain's index of the fuel of 16 equal tenants with jobs of 1:50, windows of 100 ms",
        unit: "",
        goal: at_least(0.98, 0.999),
    },
    Figure {
        part: "fairness",
        key: "weight_error",
        text: "weights 1:2:5:10: largest relative error of a share",
        unit: "%",
        goal: at_most(3.0, 1.0),
    },
    Figure {
        part: "fairness",
        key: "utilisation",
        text: "8 tenants of different weights and classes: jobs per second relative to one plain tenant",
        unit: "x",
        goal: at_least(0.9, 0.98),
    },
    Figure {
        part: "recorder",
        key: "digest_cost",
        text: "the digest of a job's stores: cost on saxpy over 64 MiB",
        unit: "%",
        goal: at_most(15.0, 5.0),
    },
    Figure {
        part: "recorder",
        key: "append_p50_ns",
        text: "recording one job, 1 million jobs/s, log on a disk",
        unit: "ns",
        goal: at_most(80.0, 80.0),
    },
    Figure {
        part: "recorder",
        key: "append_p99_ns",
        text: "the same: p99",
        unit: "ns",
        goal: at_most(400.0, 400.0),
    },
    Figure {
        part: "recorder",
        key: "dropped",
        text: "the same: records lost",
        unit: "",
        goal: at_most(0.0, 0.0),
    },
    Figure {
        part: "recorder",
        key: "delayed",
        text: "the same: calls that had to wait for the disk",
        unit: "",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "delay_ms",
        text: "the same: how long all of them together",
        unit: "ms",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "submit_added_p50_ns",
        text: "recording in whole submits, 1 million jobs/s: submit with less submit without",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "throughput_ratio",
        text: "tiny jobs per second, batches of 64, recorded to memory, relative to unrecorded",
        unit: "x",
        goal: at_least(0.4, 0.7),
    },
    Figure {
        part: "recorder",
        key: "vs_naive",
        text: "one record of 128 bytes: naive log of 4 system calls over Rota's",
        unit: "x",
        goal: at_least(50.0, 100.0),
    },
    Figure {
        part: "recorder",
        key: "rota_ns",
        text: "the same, of Rota: the call",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "rota_written_ns",
        text: "the same, of Rota, without pause until all is in the file",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "naive_ns",
        text: "the same, of the naive log",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "pwrite_ns",
        text: "the same, of one pwrite",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "sqlite_off_1_ns",
        text: "the same, of SQLite's WAL, synchronous OFF, transactions of 1",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "sqlite_off_64_ns",
        text: "the same, transactions of 64",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "sqlite_normal_1_ns",
        text: "the same, of SQLite's WAL, synchronous NORMAL, transactions of 1",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "sqlite_normal_64_ns",
        text: "the same, transactions of 64",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "rocksdb_ns",
        text: "the same, of RocksDB by its db_bench, WAL without sync",
        unit: "ns",
        goal: Goal::None,
    },
    Figure {
        part: "recorder",
        key: "reopen_ms",
        text: "opening and reading a log of a million records",
        unit: "ms",
        goal: at_most(150.0, 50.0),
    },
    Figure {
        part: "metrics",
        key: "update_ns",
        text: "counting one completion's latency, single writer",
        unit: "ns",
        goal: at_most(3.0, 2.0),
    },
    Figure {
        part: "metrics",
        key: "update_shared_ns",
        text: "adding to a handler's count, two threads at once",
        unit: "ns",
        goal: at_most(7.0, 6.0),
    },
    Figure {
        part: "metrics",
        key: "throughput_ratio",
        text: "tiny jobs per second with all metrics, relative to a library without",
        unit: "x",
        goal: at_least(0.92, 0.98),
    },
    Figure {
        part: "metrics",
        key: "spans_ratio",
        text: "the same with a span for one job of a hundred, exported by OTLP",
        unit: "x",
        goal: at_least(0.9, 0.95),
    },
    Figure {
        part: "metrics",
        key: "spans_all_ratio",
        text: "the same with a span for each job",
        unit: "x",
        goal: Goal::None,
    },
    Figure {
        part: "spans",
        key: "push_ns",
        text: "one span: from the taken completion into the queue",
        unit: "ns",
        goal: at_most(200.0, 100.0),
    },
    Figure {
        part: "metrics",
        key: "publish_single_ratio",
        text: "publishing one job, relative to a library without metrics",
        unit: "x",
        goal: Goal::None,
    },
    Figure {
        part: "metrics",
        key: "snapshot_us",
        text: "a snapshot with 1,024 tenants that have worked since the last",
        unit: "us",
        goal: at_most(60.0, 20.0),
    },
    Figure {
        part: "metrics",
        key: "render_us",
        text: "the same as Prometheus text",
        unit: "us",
        goal: at_most(500.0, 150.0),
    },
    Figure {
        part: "scale",
        key: "idle1024_ratio",
        text: "round trip with 1,024 tenants registered and 1 active, relative to 1 registered",
        unit: "x",
        goal: at_most(1.5, 1.1),
    },
    Figure {
        part: "scale",
        key: "active1024_ratio",
        text: "tiny jobs per second over 1,024 active tenants, relative to 1",
        unit: "x",
        goal: at_least(0.6, 0.9),
    },
    Figure {
        part: "scale",
        key: "tenant_kib",
        text: "memory of a registered tenant, host and device, default ring",
        unit: "KiB",
        goal: at_most(176.0, 132.0),
    },
    Figure {
        part: "cpp",
        key: "cost",
        text: "C++ over C: round trip and publish",
        unit: "%",
        goal: at_most(2.0, 0.0),
    },
    Figure {
        part: "go",
        key: "publish_ns",
        text: "Go: submit in batches of 256, per job, minus C's",
        unit: "ns",
        goal: at_most(25.0, 10.0),
    },
    Figure {
        part: "go",
        key: "round_trip_ns",
        text: "Go: Do of one job from one goroutine",
        unit: "ns",
        goal: at_most(5_000.0, 2_000.0),
    },
    Figure {
        part: "go",
        key: "jobs_per_s",
        text: "Go: Do from 1,000 goroutines",
        unit: "/s",
        goal: at_least(400_000.0, 1_500_000.0),
    },
    Figure {
        part: "lib",
        key: "size_mib",
        text: "librota.so, stripped",
        unit: "MiB",
        goal: at_most(10.0, 5.0),
    },
];

impl Figure {
    /// The measured value, if the report has it.
    pub fn value(&self, report: &Object) -> Option<f64> {
        report.get(self.part)?.get(self.key).and_then(Value::as_f64)
    }

    /// "aim met", "must met", "missed", or "reported".
    pub fn verdict(&self, value: f64) -> &'static str {
        // Figures are judged as they are shown: a rounding error is no miss.
        let (must_met, aim_met) = match self.goal {
            Goal::AtLeast { must, aim } => (value >= must, value >= aim),
            Goal::AtMost { must, aim } => (value <= must, value <= aim + 0.005),
            Goal::None => return "reported",
        };
        match (must_met, aim_met) {
            (_, true) => "aim met",
            (true, false) => "must met",
            (false, false) => "missed",
        }
    }

    /// What the figure must and should be, as text.
    pub fn goals(&self) -> (String, String) {
        match self.goal {
            Goal::AtLeast { must, aim } => (format!(">= {must}"), format!(">= {aim}")),
            Goal::AtMost { must, aim } => (format!("<= {must}"), format!("<= {aim}")),
            Goal::None => ("-".into(), "-".into()),
        }
    }
}

const fn at_least(must: f64, aim: f64) -> Goal {
    Goal::AtLeast { must, aim }
}

const fn at_most(must: f64, aim: f64) -> Goal {
    Goal::AtMost { must, aim }
}
