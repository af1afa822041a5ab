//! What a tenant may use of the device in time: a rate of fuel, and a share of the workers' time.
//!
//! Both are token buckets. The device counts what is used; the host tells it up to which count it may go, and moves that on
//! as time passes: at the end of each lease, and by a timer while the kernel is parked. Both counts only rise.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::ring::layout::listed;
use crate::ring::sync::lock;

/// No limit of fuel.
pub(crate) const NO_RATE: u64 = u64::MAX;
/// What a tenant that was idle may use at once: what comes in so much time.
const BURST: Duration = Duration::from_millis(100);
/// The same of a share of the device.
const TIME_BURST: Duration = Duration::from_millis(10);
/// Counts are compared modulo 2^32.
const MOST_BURST: u64 = 1 << 30;

/// A rate, and what has come of it.
struct Bucket {
    /// What was used, and up to where use may go, in full.
    used: u64,
    until: u64,
    at: Instant,
    /// What of the rate the last refill left over, in billionths.
    rest: u128,
}

impl Bucket {
    fn new() -> Self {
        Self {
            used: 0,
            until: 0,
            at: Instant::now(),
            rest: 0,
        }
    }

    /// Brings it up to now. `used` is the device's count. Without a rate a limit that comes later starts from now.
    fn refill(&mut self, used: u32, rate: Option<u64>, burst: Duration, now: Instant) {
        self.used += u64::from(used.wrapping_sub(self.used as u32));
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        let Some(rate) = rate else {
            self.until = self.used;
            return;
        };
        let come = u128::from(rate) * passed.as_nanos() + self.rest;
        self.rest = come % 1_000_000_000;
        let come = u64::try_from(come / 1_000_000_000).unwrap_or(u64::MAX);
        let burst = (u128::from(rate) * burst.as_nanos() / 1_000_000_000)
            .clamp(1, u128::from(MOST_BURST)) as u64;
        let most = self.used + burst;
        self.until = self.until.saturating_add(come).min(most).max(self.until);
    }

    fn is_dry(&self) -> bool {
        self.until <= self.used
    }

    /// How long until there is something again.
    fn wait(&self, rate: u64) -> Duration {
        let missing = u128::from(self.used + 1 - self.until.min(self.used));
        let ns = missing * 1_000_000_000 / u128::from(rate.max(1));
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)).min(Duration::from_secs(3600))
    }
}

/// A tenant's limits.
pub(crate) struct Limits {
    /// Fuel per second, or `NO_RATE`.
    fuel_rate: AtomicU64,
    /// Thousandths of the device's time; 0 for no limit.
    share: AtomicU32,
    buckets: Mutex<[Bucket; 2]>,
}

/// What the kernel is to be told: `TenantEntry`'s words.
pub(crate) struct Allowed {
    pub fuel_until: u32,
    pub time_until: u32,
    /// How long until the tenant may go on; none if it may.
    pub wait: Option<Duration>,
}

impl Limits {
    pub fn new(fuel_rate: u64, share: u32) -> Self {
        Self {
            fuel_rate: AtomicU64::new(fuel_rate),
            share: AtomicU32::new(share),
            buckets: Mutex::new([Bucket::new(), Bucket::new()]),
        }
    }

    pub fn set_fuel_rate(&self, rate: u64) {
        self.fuel_rate.store(rate, Ordering::Relaxed);
    }

    pub fn set_share(&self, permille: u32) {
        self.share.store(permille, Ordering::Relaxed);
    }

    /// Bits of `listed` for what is limited.
    pub fn bits(&self) -> u32 {
        let mut bits = 0;
        if self.fuel_rate.load(Ordering::Relaxed) != NO_RATE {
            bits |= listed::FUEL;
        }
        if self.share.load(Ordering::Relaxed) != 0 {
            bits |= listed::TIME;
        }
        bits
    }

    /// Brings both up to now. `fuel` and `time` are the device's counts; all of the device's time is `time_rate` per
    /// second.
    pub fn refill(&self, fuel: u32, time: u32, time_rate: f64, now: Instant) -> Allowed {
        let fuel_rate = self.fuel_rate.load(Ordering::Relaxed);
        let share = self.share.load(Ordering::Relaxed);
        let time_rate = (time_rate * f64::from(share) / 1000.0).max(1.0) as u64;
        let mut buckets = lock(&self.buckets);
        let [by_fuel, by_time] = &mut *buckets;
        let limited = [fuel_rate != NO_RATE, share != 0];
        by_fuel.refill(fuel, limited[0].then_some(fuel_rate), BURST, now);
        by_time.refill(time, limited[1].then_some(time_rate), TIME_BURST, now);
        let wait = |bucket: &Bucket, rate, limited| {
            (limited && bucket.is_dry()).then(|| bucket.wait(rate))
        };
        let waits = [
            wait(by_fuel, fuel_rate, limited[0]),
            wait(by_time, time_rate, limited[1]),
        ];
        Allowed {
            fuel_until: by_fuel.until as u32,
            time_until: by_time.until as u32,
            wait: waits.into_iter().flatten().max(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    /// What comes is the rate times the time, to the unit, however often it is asked for.
    #[test]
    fn a_bucket_gives_its_rate() {
        let limits = Limits::new(1_000_003, 0);
        let start = Instant::now();
        let first = limits.refill(0, 0, 1e9, start).fuel_until;
        let mut used = 0;
        for ms in 1..=2_000 {
            used = limits.refill(used, 0, 1e9, after(start, ms)).fuel_until;
        }
        let come = used.wrapping_sub(first);
        assert!((1_999_900..=2_000_106).contains(&come), "{come}");
    }

    #[test]
    fn an_idle_tenant_saves_up_to_a_burst() {
        let limits = Limits::new(1_000_000, 0);
        let start = Instant::now();
        limits.refill(0, 0, 1e9, start);
        let allowed = limits.refill(0, 0, 1e9, after(start, 60_000));
        assert_eq!(allowed.fuel_until, 100_000);
        assert!(allowed.wait.is_none());
    }

    /// Also where the device's count has wrapped, and where more was used than there was.
    #[test]
    fn a_debt_is_paid_back_before_anything_runs() {
        let limits = Limits::new(1_000_000, 0);
        let start = Instant::now();
        let mut used = 0u32;
        for second in 1..10_000 {
            used = limits
                .refill(used, 0, 1e9, after(start, second * 1000))
                .fuel_until;
            used = used.wrapping_add(900_000);
            let allowed = limits.refill(used, 0, 1e9, after(start, second * 1000));
            let wait = allowed.wait.expect("it has used more than it had");
            assert_eq!(wait, Duration::from_nanos(900_001_000), "after {second} s");
            let later = limits.refill(used, 0, 1e9, after(start, second * 1000 + 899));
            assert!(later.wait.is_some());
        }
        assert!(limits
            .refill(used, 0, 1e9, after(start, 20_000_000))
            .wait
            .is_none());
    }

    #[test]
    fn both_limits_are_waited_for() {
        let limits = Limits::new(NO_RATE, 0);
        assert_eq!(limits.bits(), 0);
        let start = Instant::now();
        assert!(limits
            .refill(u32::MAX / 4, u32::MAX / 4, 1e6, start)
            .wait
            .is_none());
        limits.set_fuel_rate(1_000);
        limits.set_share(500);
        assert_eq!(limits.bits(), listed::FUEL | listed::TIME);
        let allowed = limits.refill(u32::MAX / 4 + 1_000, u32::MAX / 4, 1e6, after(start, 1));
        assert!(allowed.wait.expect("nothing has come yet") > Duration::from_millis(900));
        assert!(limits
            .refill(u32::MAX / 4 + 1_000, u32::MAX / 4, 1e6, after(start, 3_000))
            .wait
            .is_none());
    }

    #[test]
    fn no_rate_at_all_waits_for_long() {
        let limits = Limits::new(0, 0);
        let start = Instant::now();
        limits.refill(0, 0, 1e9, start);
        let allowed = limits.refill(5, 0, 1e9, after(start, 1_000));
        assert!(allowed.wait.expect("nothing comes") >= Duration::from_secs(3));
    }
}
