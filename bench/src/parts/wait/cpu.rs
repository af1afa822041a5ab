//! CPU time of this process by kind of thread: the driver's threads, which run the kernel on a
//! software device, apart from all others.

use crate::clock::{now_ns, process_cpu_ns, threads};
use crate::stats::{put, Object};
use std::collections::{BTreeMap, HashMap};
use std::thread;
use std::time::Duration;

/// Names that this benchmark gives its threads. All short: Linux keeps 15 bytes.
pub const FEEDER: &str = "feeder";
pub const WAITER: &str = "waiter";
pub const EVENT: &str = "event";
const MAIN: &str = "main";

/// Percent of one core over a window.
pub struct Usage {
    pub process: f64,
    pub seconds: f64,
    by_name: BTreeMap<String, f64>,
}

/// Lets `window` pass and reads every thread's clock before and after.
pub fn measure(window: Duration) -> Usage {
    let (begin, process) = (now_ns(), process_cpu_ns());
    let before: HashMap<i32, u64> = threads().into_iter().map(|t| (t.tid, t.cpu_ns)).collect();
    thread::sleep(window);
    let after = threads();
    let wall = (now_ns() - begin) as f64;
    let percent = |cpu_ns: u64| cpu_ns as f64 * 100.0 / wall;
    let mut by_name = BTreeMap::new();
    for thread in after {
        let used = thread.cpu_ns - before.get(&thread.tid).copied().unwrap_or(0);
        *by_name
            .entry(group(thread.tid, &thread.name))
            .or_insert(0.0) += percent(used);
    }
    Usage {
        process: percent(process_cpu_ns() - process),
        seconds: wall / 1e9,
        by_name,
    }
}

impl Usage {
    /// The waiters, the epoll thread and the library's two threads. The driver's own threads inherit
    /// the process's name or have one of their own: they run the kernel.
    pub fn beyond_kernel(&self) -> f64 {
        const COUNTED: [&str; 4] = [WAITER, EVENT, "rota-pump", "rota-watch"];
        self.by_name
            .iter()
            .filter(|(name, _)| COUNTED.contains(&name.as_str()))
            .map(|(_, percent)| percent)
            .sum()
    }

    pub fn by_name(&self) -> Object {
        let mut object = Object::new();
        for (name, percent) in &self.by_name {
            put(&mut object, name, *percent);
        }
        object
    }
}

/// The name without a trailing number, so that a pool of threads is one line.
fn group(tid: i32, name: &str) -> String {
    if tid == std::process::id() as i32 {
        return MAIN.to_string();
    }
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-')
        .to_string()
}
