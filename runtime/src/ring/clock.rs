//! Time for latencies: nanoseconds since a runtime was opened, for a fraction of what the system's clock costs.
//!
//! On x86-64 it is the processor's time stamp counter, where that counts at one rate whatever the processor does and the
//! system's own clock relies on it too; on aarch64 the generic timer; else the system's clock. How fast the counter goes is
//! measured against the system's clock while the runtime opens.

use std::time::{Duration, Instant};

/// The counter is compared with the system's clock for at least so long: then its rate is off by a few parts in 10,000 at most.
#[cfg(not(target_arch = "aarch64"))]
const COMPARED: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    opened: Instant,
    counter: Option<Counter>,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    start: u64,
    /// Nanoseconds of a tick, as a fraction of 2^32.
    scale: u64,
}

impl Clock {
    pub fn start() -> Self {
        let (start, opened) = both();
        let counter = has_counter().then_some(Counter { start, scale: 0 });
        Self { opened, counter }
    }

    /// To be called once, when the runtime has opened. The longer ago it was started, the less this waits.
    pub fn calibrate(&mut self) {
        let Some(counter) = &mut self.counter else {
            return;
        };
        #[cfg(target_arch = "aarch64")]
        {
            counter.scale = ((1_000_000_000u128 << 32) / frequency().max(1) as u128) as u64;
        }
        #[cfg(not(target_arch = "aarch64"))]
        {
            std::thread::sleep(COMPARED.saturating_sub(self.opened.elapsed()));
            let (now, at) = both();
            let passed = at.duration_since(self.opened).as_nanos();
            let ticks = now.saturating_sub(counter.start).max(1);
            counter.scale = ((passed << 32) / ticks as u128) as u64;
        }
    }

    /// Nanoseconds since the start. Never less than 1, and other processors' may be a few behind.
    #[inline]
    pub fn now(&self) -> u64 {
        let nanoseconds = match &self.counter {
            Some(counter) => {
                let passed = ticks().saturating_sub(counter.start);
                ((passed as u128 * counter.scale as u128) >> 32) as u64
            }
            None => self.opened.elapsed().as_nanos() as u64,
        };
        nanoseconds.max(1)
    }
}

/// The counter and the system's clock at the same moment: of some pairs the one that was read in one go, and not with another
/// thread's turn in between.
fn both() -> (u64, Instant) {
    let pair = || {
        let (before, at, after) = (ticks(), Instant::now(), ticks());
        let took = after.wrapping_sub(before);
        (took, before.wrapping_add(took / 2), at)
    };
    let quickest = [pair(), pair(), pair(), pair()].into_iter().min();
    let (_, ticks, at) = quickest.expect("there are four");
    (ticks, at)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn ticks() -> u64 {
    // SAFETY: the instruction is part of x86-64.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Whether the counter's rate never changes, and the system trusts it.
#[cfg(target_arch = "x86_64")]
fn has_counter() -> bool {
    const POWER_MANAGEMENT: u32 = 0x8000_0007;
    let most = std::arch::x86_64::__cpuid(0x8000_0000).eax;
    let invariant =
        most >= POWER_MANAGEMENT && std::arch::x86_64::__cpuid(POWER_MANAGEMENT).edx & 1 << 8 != 0;
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let by_it = |name: String| {
        matches!(
            name.trim(),
            "tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page"
        )
    };
    invariant && std::fs::read_to_string(source).is_ok_and(by_it)
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn ticks() -> u64 {
    let count: u64;
    // SAFETY: Linux lets programs read the virtual counter.
    unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack)) };
    count
}

#[cfg(target_arch = "aarch64")]
fn frequency() -> u64 {
    let frequency: u64;
    // SAFETY: as above.
    unsafe { std::arch::asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack)) };
    frequency
}

#[cfg(target_arch = "aarch64")]
fn has_counter() -> bool {
    frequency() >= 1_000_000
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn ticks() -> u64 {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_counter() -> bool {
    false
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_goes_as_fast_as_the_system_s() {
        let mut clock = Clock::start();
        clock.calibrate();
        // Another time may come between two reads; the counter lies between those before and after it.
        let started = Instant::now();
        let first = clock.now();
        let after_first = started.elapsed().as_nanos() as u64;
        std::thread::sleep(Duration::from_millis(50));
        let before_second = started.elapsed().as_nanos() as u64;
        let second = clock.now();
        let after_second = started.elapsed().as_nanos() as u64;
        let passed = second - first;
        let slack = after_second / 1000;
        assert!(
            passed + slack >= before_second - after_first,
            "{passed} in at least {before_second}"
        );
        assert!(
            passed <= after_second + slack,
            "{passed} in at most {after_second}"
        );
    }
}
