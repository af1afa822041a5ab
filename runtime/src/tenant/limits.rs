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
/// What a tenant that was idle may use at once is what comes in so much time: of a rate of fuel, and of a share of the
/// device.
const BURST: Duration = Duration::from_millis(100);
const TIME_BURST: Duration = Duration::from_millis(10);
/// The most of it: counts are compared modulo 2^32.
const MOST_BURST: u64 = 1 << 30;
/// Who has run out waits for a burst divided by this.
const ENOUGH: u64 = 8;

/// A rate, and what has come of it.
struct Bucket {
    /// What was used, and up to where use may go, in full.
    used: u64,
    until: u64,
    at: Instant,
    /// What of the rate the last refill left over, in billionths.
    rest: u128,
    /// It has run out, and not enough has come since: who ran at every drop would keep the kernel up.
    dry: bool,
    /// What is enough.
    enough: u64,
}

impl Bucket {
    fn new() -> Self {
        Self {
            used: 0,
            until: 0,
            at: Instant::now(),
            rest: 0,
            dry: true,
            enough: 1,
        }
    }

    /// Follows the device's count; gives how much it has grown.
    fn count(&mut self, used: u32) -> u64 {
        let grown = u64::from(used.wrapping_sub(self.used as u32));
        self.used += grown;
        grown
    }

    /// Brings it up to now. `used` is the device's count.
    fn refill(&mut self, used: u32, rate: Option<u64>, burst: Duration, now: Instant) {
        self.count(used);
        self.refill_to(self.used, rate, burst, now);
    }

    /// The same with the count in full. Without a rate a limit that comes later starts from now.
    fn refill_to(&mut self, used: u64, rate: Option<u64>, burst: Duration, now: Instant) {
        self.used = used;
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        let Some(rate) = rate else {
            self.until = self.used;
            self.dry = true;
            return;
        };
        let come = u128::from(rate) * passed.as_nanos() + self.rest;
        self.rest = come % 1_000_000_000;
        let come = u64::try_from(come / 1_000_000_000).unwrap_or(u64::MAX);
        let burst = (u128::from(rate) * burst.as_nanos() / 1_000_000_000)
            .clamp(1, u128::from(MOST_BURST)) as u64;
        let most = self.used + burst;
        self.until = self.until.saturating_add(come).min(most).max(self.until);
        self.enough = burst.div_ceil(ENOUGH);
        self.dry = self.until < self.used + if self.dry { self.enough } else { 1 };
    }

    /// Up to which count use may go now.
    fn limit(&self) -> u64 {
        match self.dry {
            true => self.until.min(self.used),
            false => self.until,
        }
    }

    /// How long until there is enough again.
    fn wait(&self, rate: u64) -> Duration {
        let missing = u128::from(self.used + self.enough - self.until.min(self.used + self.enough));
        let ns = missing * 1_000_000_000 / u128::from(rate.max(1));
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)).min(Duration::from_secs(3600))
    }
}

/// The rate of fuel of all tenants together.
pub(crate) struct Common {
    rate: u64,
    bucket: Mutex<Bucket>,
    /// How many tenants share what there is: those with work.
    sharers: AtomicU32,
}

impl Common {
    /// `rate` is fuel per second, or `NO_RATE`.
    pub fn new(rate: u64) -> Self {
        Self {
            rate,
            bucket: Mutex::new(Bucket::new()),
            sharers: AtomicU32::new(1),
        }
    }

    pub fn is_limited(&self) -> bool {
        self.rate != NO_RATE
    }

    pub fn set_sharers(&self, count: u32) {
        self.sharers.store(count.max(1), Ordering::Relaxed);
    }

    /// What a tenant may use until the next refill, and how long to wait if that is nothing. Who comes meanwhile makes it
    /// more than there is; that is paid back.
    fn part(&self, now: Instant) -> (u64, Option<Duration>) {
        let mut bucket = lock(&self.bucket);
        let used = bucket.used;
        bucket.refill_to(used, Some(self.rate), BURST, now);
        let part = (bucket.limit() - bucket.used.min(bucket.limit()))
            .div_ceil(u64::from(self.sharers.load(Ordering::Relaxed)));
        (part, bucket.dry.then(|| bucket.wait(self.rate)))
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
    pub fn bits(&self, common: &Common) -> u32 {
        let mut bits = 0;
        if self.fuel_rate.load(Ordering::Relaxed) != NO_RATE || common.is_limited() {
            bits |= listed::FUEL;
        }
        if self.share.load(Ordering::Relaxed) != 0 {
            bits |= listed::TIME;
        }
        bits
    }

    /// Counts what was used. All tenants' use comes before anybody's refill, so that their parts are equal.
    pub fn count(&self, fuel: u32, common: &Common) {
        let [by_fuel, _] = &mut *lock(&self.buckets);
        let used = by_fuel.count(fuel);
        lock(&common.bucket).used += used;
    }

    /// Brings all up to now. `fuel` and `time` are the device's counts; all of the device's time is `time_rate` per
    /// second.
    pub fn refill(
        &self,
        fuel: u32,
        time: u32,
        time_rate: f64,
        common: &Common,
        now: Instant,
    ) -> Allowed {
        let fuel_rate = self.fuel_rate.load(Ordering::Relaxed);
        let share = self.share.load(Ordering::Relaxed);
        let time_rate = (time_rate * f64::from(share) / 1000.0).max(1.0) as u64;
        let mut buckets = lock(&self.buckets);
        let [by_fuel, by_time] = &mut *buckets;
        let limited = [fuel_rate != NO_RATE, share != 0];
        lock(&common.bucket).used += by_fuel.count(fuel);
        by_fuel.refill(fuel, limited[0].then_some(fuel_rate), BURST, now);
        by_time.refill(time, limited[1].then_some(time_rate), TIME_BURST, now);
        let wait =
            |bucket: &Bucket, rate, limited| (limited && bucket.dry).then(|| bucket.wait(rate));
        let mut waits = [
            wait(by_fuel, fuel_rate, limited[0]),
            wait(by_time, time_rate, limited[1]),
            None,
        ];
        let mut fuel_until = by_fuel.limit();
        if common.is_limited() {
            let (part, wait) = common.part(now);
            waits[2] = wait;
            let until = by_fuel.used + part;
            fuel_until = if limited[0] {
                until.min(fuel_until)
            } else {
                until
            };
        }
        Allowed {
            fuel_until: fuel_until as u32,
            time_until: by_time.limit() as u32,
            wait: waits.into_iter().flatten().max(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn none() -> Common {
        Common::new(NO_RATE)
    }

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    /// What comes is the rate times the time, to the unit, however often it is asked for.
    #[test]
    fn a_bucket_gives_its_rate() {
        let limits = Limits::new(1_000_003, 0);
        let start = Instant::now();
        let first = limits.refill(0, 0, 1e9, &none(), start).fuel_until;
        let mut used = 0;
        for ms in 1..=2_000 {
            used = limits
                .refill(used, 0, 1e9, &none(), after(start, ms))
                .fuel_until;
        }
        let come = used.wrapping_sub(first);
        assert!((1_999_900..=2_000_106).contains(&come), "{come}");
    }

    #[test]
    fn an_idle_tenant_saves_up_to_a_burst() {
        let limits = Limits::new(1_000_000, 0);
        let start = Instant::now();
        limits.refill(0, 0, 1e9, &none(), start);
        let allowed = limits.refill(0, 0, 1e9, &none(), after(start, 60_000));
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
                .refill(used, 0, 1e9, &none(), after(start, second * 1000))
                .fuel_until;
            used = used.wrapping_add(900_000);
            let allowed = limits.refill(used, 0, 1e9, &none(), after(start, second * 1000));
            let wait = allowed.wait.expect("it has used more than it had");
            assert_eq!(wait, Duration::from_micros(912_500), "after {second} s");
            let later = limits.refill(used, 0, 1e9, &none(), after(start, second * 1000 + 912));
            assert!(later.wait.is_some());
        }
        assert!(limits
            .refill(used, 0, 1e9, &none(), after(start, 20_000_000))
            .wait
            .is_none());
    }

    #[test]
    fn both_limits_are_waited_for() {
        let limits = Limits::new(NO_RATE, 0);
        assert_eq!(limits.bits(&none()), 0);
        let start = Instant::now();
        assert!(limits
            .refill(u32::MAX / 4, u32::MAX / 4, 1e6, &none(), start)
            .wait
            .is_none());
        limits.set_fuel_rate(1_000);
        limits.set_share(500);
        assert_eq!(limits.bits(&none()), listed::FUEL | listed::TIME);
        let allowed = limits.refill(
            u32::MAX / 4 + 1_000,
            u32::MAX / 4,
            1e6,
            &none(),
            after(start, 1),
        );
        assert!(allowed.wait.expect("nothing has come yet") > Duration::from_millis(900));
        assert!(limits
            .refill(
                u32::MAX / 4 + 1_000,
                u32::MAX / 4,
                1e6,
                &none(),
                after(start, 3_000)
            )
            .wait
            .is_none());
    }

    #[test]
    fn no_rate_at_all_waits_for_long() {
        let limits = Limits::new(0, 0);
        let start = Instant::now();
        limits.refill(0, 0, 1e9, &none(), start);
        let allowed = limits.refill(5, 0, 1e9, &none(), after(start, 1_000));
        assert!(allowed.wait.expect("nothing comes") >= Duration::from_secs(3));
    }

    /// Many tenants with work share a rate; together they get it, and not more.
    #[test]
    fn a_common_rate_is_shared() {
        let common = Common::new(1_000_000);
        common.set_sharers(4);
        let tenants: Vec<_> = (0..4).map(|_| Limits::new(NO_RATE, 0)).collect();
        assert_eq!(tenants[0].bits(&common), listed::FUEL);
        let start = Instant::now();
        let mut used = [0u32; 4];
        for ms in 0..5_000 {
            let refill = |(tenant, &used): (&Limits, &u32)| {
                let allowed = tenant.refill(used, 0, 1e9, &common, after(start, ms));
                // Each uses all that it may.
                used + allowed.fuel_until.saturating_sub(used)
            };
            for (tenant, &used) in tenants.iter().zip(&used) {
                tenant.count(used, &common);
            }
            let after: Vec<_> = tenants.iter().zip(&used).map(refill).collect();
            used.copy_from_slice(&after);
        }
        let all: u32 = used.iter().sum();
        assert!((4_900_000..=5_110_000).contains(&all), "{all}: {used:?}");
        assert!(used.iter().all(|&n| n > 900_000), "{used:?}");
    }
}
