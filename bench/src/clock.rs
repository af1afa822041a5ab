//! Clocks: wall time, and the CPU time of the process and of each of its threads.
//! Raw clock calls, so that one reading costs tens of nanoseconds and nothing is hidden in it.

use std::fs;
use std::mem::MaybeUninit;
use std::time::Duration;

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[inline]
pub fn now_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// CPU nanoseconds of all threads of this process, ended ones included.
pub fn process_cpu_ns() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID).unwrap_or(0)
}

/// CPU nanoseconds of this process and of the children that it has waited for.
fn own_cpu_ns() -> u64 {
    // SAFETY: zero is valid for the struct, and the call fills it.
    let children = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    process_cpu_ns() + (micros(children.ru_utime) + micros(children.ru_stime)) * 1000
}

/// CPU time that the whole machine spends, to find out what others take while a part is measured.
pub struct Others {
    wall_ns: u64,
    own_ns: u64,
    machine_ns: u64,
}

impl Others {
    pub fn watch() -> Others {
        Others {
            wall_ns: now_ns(),
            own_ns: own_cpu_ns(),
            machine_ns: machine_cpu_ns(),
        }
    }

    /// CPU time of all other processes and of other guests (steal), in percent of one core.
    pub fn percent(&self) -> f64 {
        let now = Others::watch();
        let machine = now.machine_ns.saturating_sub(self.machine_ns);
        let own = now.own_ns - self.own_ns;
        machine.saturating_sub(own) as f64 * 100.0 / (now.wall_ns - self.wall_ns).max(1) as f64
    }
}

/// From /proc/stat, in its ticks of 10 ms: all but idle and waiting for disks.
fn machine_cpu_ns() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks = line
        .split_whitespace()
        .skip(1)
        .map(|word| word.parse::<u64>().unwrap_or(0));
    // user nice system idle iowait irq softirq steal; guests are in user already.
    let busy = ticks
        .take(8)
        .enumerate()
        .filter(|(at, _)| *at != 3 && *at != 4);
    busy.map(|(_, ticks)| ticks * 10_000_000).sum()
}

pub fn sleep_us(us: u64) {
    std::thread::sleep(Duration::from_micros(us));
}

/// One thread of this process and the CPU time that it has used.
pub struct ThreadCpu {
    pub tid: i32,
    pub name: String,
    pub cpu_ns: u64,
}

/// All live threads of this process. A thread that ends meanwhile is left out.
pub fn threads() -> Vec<ThreadCpu> {
    let Ok(entries) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let tid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let name = fs::read_to_string(format!("/proc/self/task/{tid}/comm")).ok()?;
            // Linux names the CPU clock of a thread by its inverted id and the bits "this thread
            // only" (4) and "scheduler time" (2): MAKE_THREAD_CPUCLOCK in the kernel's headers.
            let cpu_ns = read((!tid << 3) | 6)?;
            Some(ThreadCpu {
                tid,
                name: name.trim().to_string(),
                cpu_ns,
            })
        })
        .collect()
}

/// What one pair of clock readings costs, median of many: it is in every single sample.
pub fn reading_cost_ns() -> f64 {
    let mut costs: Vec<u64> = (0..2000)
        .map(|_| {
            let before = now_ns();
            now_ns() - before
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2] as f64
}

#[inline]
fn read(clock: libc::clockid_t) -> Option<u64> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is valid for writes, and is read only after the call filled it.
    unsafe {
        if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
            return None;
        }
        let time = time.assume_init();
        Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
}
