//! The pump: the thread that launches leases, one ahead, and parks the kernel when there is nothing to do.
//!
//! A lease ends after a bounded time: drivers kill kernels that run for long, and some cut loops short. The next one is
//! already queued then. When leases find nothing to do for the idle limit, no more are launched; if by the end of the
//! last one every published job is done, the pump sleeps until a submit rings.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ash::vk;

use crate::device::lease::LaunchSlot;
use crate::error::Error;
use crate::metrics::Action;
use crate::ring::doorbell::Work;
use crate::ring::layout::{binding, lease_flag, leave, listed, Push};
use crate::ring::sync::lock;
use crate::runtime::{Breakdown, Engine, Mode};
use crate::tenant::{count, Inner};

/// What a lease should take where no driver's limit decides.
const LEASE_TIME: Duration = Duration::from_millis(20);
/// No device looks more slowly than this. With the default idle limit it is enough rounds to measure by.
const SLOWEST_ROUNDS_PER_US: f64 = 2.0;
/// In BATCH mode, rounds without work after which a worker leaves.
const BATCH_IDLE_ROUNDS: u32 = 64;
/// How long leases may take to end when the kernel can't go on. A job that runs comes to its end first.
const LAST_LEASES: Duration = Duration::from_secs(60);
/// How often the active list is swept.
const SWEEP_EVERY: Duration = Duration::from_millis(20);
/// In BATCH mode, how long the pump looks for new slots before it parks.
const BATCH_LINGER: Duration = Duration::from_micros(50);

/// How a worker's clock counts looks and rounds of light jobs: as core.wgsl says.
const LOOK_TIME: u64 = 16;
const LIGHT_TIME: u64 = 32;

/// How long a lease runs before a completion that somebody waits for may end it, in microseconds. Changing leases takes
/// ten to twenty, in which nothing runs.
const NOTIFY_AGE_US: f64 = 100.0;

/// How long after a wake the second lease is launched, unless the first one ends before.
const HEAD_START_NS: u64 = 500_000;

/// Starts the thread.
pub(crate) fn start(engine: &Arc<Engine>) -> Result<JoinHandle<()>, Error> {
    let mut pump = Pump::new(engine.clone())?;
    std::thread::Builder::new()
        .name("rota-pump".into())
        .spawn(move || pump.run())
        .map_err(|source| Error::System {
            what: "starting the pump thread",
            source,
        })
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
        .into()
}

/// A launch under way.
struct Flight {
    slot: usize,
    lease: u32,
    workers: u32,
    launched: Instant,
}

struct Pump {
    engine: Arc<Engine>,
    slots: Vec<LaunchSlot>,
    /// Oldest first; at most as many as slots.
    flights: Vec<Flight>,
    fuel: u32,
    /// Idle rounds that a worker makes in a microsecond, as measured.
    rounds_per_us: f64,
    /// Fuel that a busy worker uses in a microsecond, as measured.
    fuel_per_us: f64,
    /// The next lease is the first one after a sleep: who woke the kernel may wait for just one answer.
    just_woken: bool,
    /// Since when leases have found nothing to do.
    idle_since: Option<Instant>,
    last_end: Instant,
    last_sweep: Instant,
}

/// What a lease that has ended tells.
struct Outcome {
    busy: bool,
    idled_out: bool,
}

impl Pump {
    fn new(engine: Arc<Engine>) -> Result<Self, Error> {
        let bindings = binding::SEGMENT + 2 * engine.memory.max_segments();
        let queued = if engine.mode == Mode::Batch { 1 } else { 2 };
        let slots = (0..queued)
            .map(|_| LaunchSlot::new(&engine.device, engine.layout.set, bindings))
            .collect::<Result<_, _>>()?;
        let fuel = engine.lease_fuel.unwrap_or(100_000);
        let now = Instant::now();
        Ok(Self {
            engine,
            slots,
            flights: Vec::with_capacity(2),
            fuel,
            rounds_per_us: 10.0,
            fuel_per_us: 10.0,
            just_woken: false,
            idle_since: None,
            last_end: now,
            last_sweep: now,
        })
    }

    fn run(&mut self) {
        // Without the pump nothing completes any more: those who wait would wait for ever.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| match self.engine.mode {
            Mode::Batch => self.run_batch(),
            _ => self.run_resident(),
        }))
        .unwrap_or_else(|panic| Err(Error::Panicked(text_of(&*panic))));
        let all_ended = outcome.is_ok() || self.end_flights();
        // No lease runs any more: what has not completed never will.
        self.engine.metrics.time_passes(true);
        self.engine.ended(outcome.is_err());
        // Last, since a program's logger may panic, and a full log wait for its disk.
        if let Err(e) = &outcome {
            if let Some(recorder) = &self.engine.recorder {
                recorder.failure(e);
            }
            log::error!(target: "rota::pump", "the kernel can't go on: {e}");
            if !all_ended {
                log::error!(target: "rota::pump", "the last lease has not ended: jobs told as lost may run still");
            }
        }
    }

    /// After an error: ends the leases that are under way still, so that nothing runs that is told to be lost. Gives
    /// false if one didn't end in time.
    fn end_flights(&mut self) -> bool {
        self.engine.stop_leases(&mut lock(&self.engine.leases));
        self.flights.clear();
        let deadline = Instant::now() + LAST_LEASES;
        for slot in &mut self.slots {
            while slot.is_running() && Instant::now() < deadline {
                // An error says nothing of the lease, unless the device is lost, and then it doesn't run.
                if slot.wait(10_000_000).is_err() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        self.slots.iter().all(|slot| !slot.is_running())
    }

    fn run_resident(&mut self) -> Result<(), Error> {
        loop {
            self.park();
            if self.engine.is_stopping() {
                return Ok(());
            }
            self.engine.counts.wakes.fetch_add(1, Ordering::Relaxed);
            self.engine.wakes();
            log::debug!("the kernel is woken");
            self.engine.watch.running();
            self.idle_since = None;
            self.just_woken = true;
            self.launch()?;
            // The second lease can wait until the first one has its core: launching it now would only be in its way.
            self.slots[self.flights[0].slot].wait(HEAD_START_NS)?;
            let mut wanted = true;
            while wanted || !self.flights.is_empty() {
                while wanted && self.flights.len() < self.slots.len() && !self.engine.is_stopping()
                {
                    self.launch()?;
                }
                // The next lease runs: now there is time for those who wait.
                self.engine.watch.lease_ended();
                if self.flights.is_empty() {
                    break;
                }
                let outcome = self.land()?;
                wanted = !self.engine.is_stopping() && !self.is_idle(&outcome);
                self.after_lease();
            }
        }
    }

    fn run_batch(&mut self) -> Result<(), Error> {
        loop {
            self.park();
            if self.engine.is_stopping() {
                return Ok(());
            }
            self.engine.counts.wakes.fetch_add(1, Ordering::Relaxed);
            self.engine.wakes();
            let mut last_work = Instant::now();
            while !self.engine.is_stopping() && last_work.elapsed() < BATCH_LINGER {
                if self.work() == Work::Some {
                    // The number first: a tenant that is taken out after the copy waits for this lease to end.
                    let number = self.number();
                    self.to_device();
                    self.launch_as(number)?;
                    self.land()?;
                    self.to_host();
                    self.engine.watch.between_leases();
                    last_work = Instant::now();
                    self.after_lease();
                } else {
                    std::thread::yield_now();
                }
            }
        }
    }

    /// Sleeps until there is work or the runtime stops.
    fn park(&mut self) {
        let engine = self.engine.clone();
        if engine.is_stopping() {
            return;
        }
        engine.watch.between_leases();
        // Before it is parked: whoever submits then reads the clock.
        engine.metrics.time_passes(true);
        // Who only waits for its rate of fuel doesn't wake the kernel, though its submits ring.
        loop {
            engine.doorbell.park(|| {
                let work = match engine.is_stopping() {
                    true => Work::Some,
                    false => self.work(),
                };
                if work != Work::Some {
                    engine.counts.parks.fetch_add(1, Ordering::Relaxed);
                    log::debug!("the kernel is parked");
                }
                work
            });
            if engine.is_stopping() || self.work() == Work::Some {
                return;
            }
        }
    }

    /// Whether any published job is not done, and may be. Exact only when no lease runs.
    fn work(&self) -> Work {
        let now = Instant::now();
        let mut work = Work::None;
        for tenant in self.engine.registry.all() {
            if !tenant.ring.has_open_jobs() {
                continue;
            }
            let wait = match tenant.listing.limits() & (listed::FUEL | listed::TIME) {
                0 => None,
                _ => self.engine.wait_for_limits(&tenant, now),
            };
            if let Some(wait) = wait {
                self.engine.metrics.decide(Action::TenantThrottled, 0, || {
                    format!("tenant {:#x} waits {wait:.0?} for its limits", tenant.id())
                });
            }
            work = match (wait, work) {
                (None, _) => return Work::Some,
                (Some(wait), Work::Later(at)) => Work::Later(at.min(now + wait)),
                (Some(wait), _) => Work::Later(now + wait),
            };
        }
        work
    }

    /// The next lease's number, and whether it is wide. What is taken out from now on may still be seen by that lease.
    fn number(&mut self) -> (u32, bool) {
        let engine = &self.engine;
        let wide = engine.wants_wide();
        let mut leases = lock(&engine.leases);
        leases.launched = leases.launched.wrapping_add(1);
        // Lease numbers are compared modulo 2^32: the word has to follow, also where nobody ever stops a lease.
        if leases.launched.is_multiple_of(1 << 20) {
            let ended = leases.ended;
            engine.stop_until(&mut leases, ended);
        }
        leases.wide = wide;
        (leases.launched, wide)
    }

    fn launch(&mut self) -> Result<(), Error> {
        let number = self.number();
        self.launch_as(number)
    }

    fn launch_as(&mut self, (lease, wide): (u32, bool)) -> Result<(), Error> {
        let engine = &self.engine;
        if engine.breakdown == Some((lease, Breakdown::LaunchRefused)) {
            return Err(Error::Driver {
                call: "an experiment",
                result: vk::Result::ERROR_OUT_OF_HOST_MEMORY,
            });
        }
        let free = (0..self.slots.len())
            .find(|&i| !self.slots[i].is_running())
            .expect("there are no more flights than slots");
        let workers = if wide {
            engine.workers
        } else if engine.all_take_scalars {
            engine.workers.min(4)
        } else {
            1
        };
        // Behind the number: who changes the kernel or its bindings and then waits for all leases that have a number
        // can be sure that none runs with the old ones.
        let current = lock(&engine.current).clone();
        let idle_us = engine
            .idle_limit
            .map_or(f64::INFINITY, |l| l.as_secs_f64() * 1e6);
        let idle_rounds = match engine.mode {
            Mode::Batch => BATCH_IDLE_ROUNDS,
            _ => (idle_us * self.rounds_per_us).clamp(16.0, u32::MAX as f64) as u32,
        };
        let notify_age = if mem::take(&mut self.just_woken) {
            0.0
        } else {
            NOTIFY_AGE_US
        };
        let push = Push {
            lease,
            fuel: self.fuel,
            round_fuel: engine.round_fuel,
            idle_rounds,
            extra_idle_rounds: idle_rounds.min((50.0 * self.rounds_per_us) as u32).max(16),
            flags: if engine.all_take_scalars {
                lease_flag::ALL_TAKE_SCALARS
            } else {
                0
            },
            notify_fuel: (notify_age * self.fuel_per_us) as u32,
            notify_rounds: (notify_age * self.rounds_per_us) as u32,
            canary: 2,
        };
        let words = [
            push.lease,
            push.fuel,
            push.round_fuel,
            push.idle_rounds,
            push.extra_idle_rounds,
            push.flags,
            push.notify_fuel,
            push.notify_rounds,
            push.canary,
        ];
        let bytes = words.map(u32::to_ne_bytes);
        self.slots[free].launch(
            &current.pipeline,
            &current.bindings,
            current.version,
            bytes.as_flattened(),
            workers,
        )?;
        self.flights.push(Flight {
            slot: free,
            lease,
            workers,
            launched: Instant::now(),
        });
        Ok(())
    }

    /// Waits for the oldest lease to end and reads what its workers report.
    fn land(&mut self) -> Result<Outcome, Error> {
        let flight = self.flights.remove(0);
        self.slots[flight.slot].wait(u64::MAX)?;
        let engine = &self.engine;
        match engine.breakdown {
            Some((lease, Breakdown::DeviceLost)) if flight.lease >= lease => {
                return Err(Error::Driver {
                    call: "an experiment",
                    result: vk::Result::ERROR_DEVICE_LOST,
                });
            }
            Some((lease, Breakdown::Panic)) if flight.lease >= lease => panic!("an experiment"),
            _ => (),
        }
        let end = Instant::now();
        let time = end - flight.launched.max(self.last_end);
        self.last_end = end;
        let mut outcome = Outcome {
            busy: false,
            idled_out: false,
        };
        let (mut rounds, mut busy_rounds, mut by_fuel, mut notified) = (0, 0, false, false);
        let mut clock = 0;
        let mut first_reason = leave::ENDED;
        let totals = &engine.metrics.totals;
        engine.metrics.time_passes(false);
        for worker in 0..flight.workers {
            let report = engine.shared.report(flight.lease, worker);
            if report.lease.load(Ordering::Acquire) != flight.lease {
                continue;
            }
            let busy = report.busy.load(Ordering::Relaxed);
            outcome.busy |= busy != 0;
            engine.counts.jobs.fetch_add(
                report.jobs.load(Ordering::Relaxed) as u64,
                Ordering::Relaxed,
            );
            engine.counts.tiles.fetch_add(
                report.tiles.load(Ordering::Relaxed) as u64,
                Ordering::Relaxed,
            );
            let all_rounds = report.rounds.load(Ordering::Relaxed);
            count(&totals.rounds_busy, busy.into());
            count(&totals.rounds_idle, all_rounds.saturating_sub(busy).into());
            // A round that finds work claims some of it.
            let lost = report.lost.load(Ordering::Relaxed);
            count(&totals.claims_won, busy.saturating_sub(lost).into());
            count(&totals.claims_lost, lost.into());
            clock += report.fuel.load(Ordering::Relaxed) as u64
                + LOOK_TIME * all_rounds as u64
                + LIGHT_TIME * busy as u64;
            by_fuel |= report.reason.load(Ordering::Relaxed) == leave::FUEL;
            notified |= report.reason.load(Ordering::Relaxed) == leave::NOTIFY;
            if worker == 0 {
                (rounds, busy_rounds) = (all_rounds, busy);
                first_reason = report.reason.load(Ordering::Relaxed);
                outcome.idled_out = first_reason == leave::IDLE;
            }
        }
        engine.counts.leases.fetch_add(1, Ordering::Relaxed);
        let counted = &engine.counts.notified;
        counted.fetch_add(notified as u64, Ordering::Relaxed);
        totals.lease_ended(if notified {
            leave::NOTIFY
        } else {
            first_reason
        });
        let us = time.as_secs_f64() * 1e6;
        if busy_rounds == 0 && rounds > 256 && us > 20.0 {
            // A lease that was kept from its core looks slow, and none looks faster than it is. What is taken for slower
            // than any device would park before it is measured again.
            let measured = rounds as f64 / us;
            let weight = if measured > self.rounds_per_us {
                0.5
            } else {
                1.0 / 16.0
            };
            self.rounds_per_us += (measured - self.rounds_per_us) * weight;
            self.rounds_per_us = self.rounds_per_us.max(SLOWEST_ROUNDS_PER_US);
        }
        if us > 20.0 {
            engine.measured_time(clock as f64 * 1e6 / us);
        }
        if by_fuel {
            self.fuel_per_us += (self.fuel as f64 / us.max(1.0) - self.fuel_per_us) / 4.0;
        }
        if by_fuel && engine.lease_fuel.is_none() {
            let ratio = LEASE_TIME.as_secs_f64() / time.as_secs_f64().max(1e-5);
            let before = self.fuel;
            self.fuel = ((self.fuel as f64 * ratio.clamp(0.5, 2.0)) as u32).clamp(20_000, 1 << 28);
            // What changes less is noise.
            if self.fuel.abs_diff(before) > before / 4 {
                engine.metrics.decide(Action::LeaseTuned, 0, || {
                    format!(
                        "fuel of a lease {before} to {}: it took {time:.0?}",
                        self.fuel
                    )
                });
            }
        }
        log::trace!(
            "lease {} of {} workers ended after {time:.0?}",
            flight.lease,
            flight.workers
        );
        lock(&engine.leases).ended = flight.lease;
        engine.lease_ended.notify_all();
        if outcome.busy {
            self.idle_since = None;
        } else if self.idle_since.is_none() {
            self.idle_since = Some(end - time);
        }
        Ok(outcome)
    }

    /// Whether the kernel has been idle for the idle limit.
    fn is_idle(&self, outcome: &Outcome) -> bool {
        let Some(limit) = self.engine.idle_limit else {
            return false;
        };
        outcome.idled_out
            || self
                .idle_since
                .is_some_and(|since| since.elapsed() >= limit)
    }

    /// What is done at the end of a lease.
    fn after_lease(&mut self) {
        let engine = &self.engine;
        engine.reclaim();
        engine.refill_all();
        if self.last_sweep.elapsed() >= SWEEP_EVERY {
            self.last_sweep = Instant::now();
            let before = engine.epoch.load(Ordering::Relaxed);
            let passed = engine.shared.epoch().wrapping_sub(before as u32);
            let epoch = before + passed as u64;
            engine.epoch.store(epoch, Ordering::Relaxed);
            let find = |tenants: &Vec<Arc<Inner>>, index: u32| {
                tenants.binary_search_by_key(&index, |t| t.index).ok()
            };
            engine.active.sweep(
                || engine.registry.all(),
                |tenants, index| {
                    let found = find(tenants, index).expect("only known ones are idle");
                    &tenants[found].listing
                },
                |tenants, index| find(tenants, index).is_some_and(|i| tenants[i].ring.is_empty()),
            );
            for tenant in engine.registry.all() {
                tenant.ring.epoch.store(epoch, Ordering::Relaxed);
                tenant.ledger.follow_fuel();
            }
        }
    }

    /// In BATCH mode: everything that the host published since the last launch.
    fn to_device(&self) {
        let shared = &self.engine.shared;
        for tenant in self.engine.registry.all() {
            let mut sent = lock(&tenant.sent);
            let (base, size) = (tenant.range.base, tenant.range.size);
            *sent = shared.slots_to_device(
                base,
                size,
                tenant.ring.tail().min(*sent),
                *sent,
                tenant.ring.head(),
            );
        }
        // After the slots: the tables may be newer than a job, but never older.
        shared.tables_to_device(self.engine.memory.handles());
    }

    /// In BATCH mode: the completions of the lease that has ended.
    fn to_host(&self) {
        for tenant in self.engine.registry.all() {
            let sent = *lock(&tenant.sent);
            let (base, size) = (tenant.range.base, tenant.range.size);
            self.engine
                .shared
                .records_to_host(base, size, tenant.ring.tail().min(sent), sent);
        }
    }
}
