//! How long a quiet tenant waits beside loud ones.

use super::feed::{window, Feed, CHUNK};
use super::single::Single;
use super::{nop, spin, tenants, FUEL_MARGIN};
use crate::api::{self, Job};
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::parts::modules::there_and_back;
use crate::rota::{expect_ok, Runtime, Tenant};
use crate::stats::{put, Object, Samples};
use crate::Fallible;

const MOST: usize = 7;
/// Jobs in a loud tenant's ring.
const DEEP: usize = 16_384;
/// The same where they are long, and of each client of a single queue: a ring's default.
const SHALLOW: usize = 1024;
/// How much longer the long jobs are.
const LONGER: f64 = 50.0;

/// A round in which the median alone is so many times the best one's is left out.
const DISTURBED: f64 = 2.0;

const TRIPS: usize = 10_000;
const TRIPS_NS: u64 = 400_000_000;
const PACED: u64 = 200;
const PACE_NS: u64 = 1_000_000;
/// Before the time to send nothing else is begun any more.
const SLACK_NS: u64 = 200_000;

/// What a tenant is measured beside.
struct Case {
    name: &'static str,
    loud: usize,
    long: bool,
}

const CASES: [Case; 5] = [
    case("alone", 0, false),
    case("1", 1, false),
    case("7", MOST, false),
    case("long_1", 1, true),
    case("long_7", MOST, true),
];

const fn case(name: &'static str, loud: usize, long: bool) -> Case {
    Case { name, loud, long }
}

#[derive(Default)]
struct Seen {
    p50: Vec<f64>,
    p99: Vec<f64>,
    paced: Samples,
    dry: u64,
}

pub fn measure(context: &Context, runtime: &Runtime, object: &mut Object) -> Fallible<()> {
    object.insert("driving_threads".into(), 1.into());
    let quiet = runtime.tenant("quiet", 0)?;
    let single = runtime.tenant("single", (8 * SHALLOW) as u32)?;
    let mut feeds: Vec<Feed> = tenants(runtime, "loud", MOST, DEEP as u32)?
        .into_iter()
        .map(|tenant| Feed::new(tenant, nop(), DEEP))
        .collect();
    let long = long_job(runtime, &quiet, &mut feeds[0], object)?;

    let rounds = context.rounds(16);
    let progress = Progress::new("quiet", rounds);
    let mut seen: [Seen; CASES.len()] = Default::default();
    let mut queues = Queues::default();
    for round in 0..rounds {
        // Each in each place, and in both directions.
        let mut order: Vec<usize> = (0..CASES.len()).collect();
        order.rotate_left(round % CASES.len());
        if round % 2 == 1 {
            order.reverse();
        }
        for which in order {
            let case = &CASES[which];
            runtime.wait_parked()?;
            let loud = &mut feeds[..case.loud];
            for feed in loud.iter_mut() {
                let (job, depth) = if case.long {
                    (long, SHALLOW)
                } else {
                    (nop(), DEEP)
                };
                feed.set(job, depth);
                feed.fill()?;
            }
            let times = closed(&quiet, loud)?;
            seen[which].paced.extend(&paced(&quiet, loud)?);
            for feed in loud.iter_mut() {
                feed.drain()?;
                seen[which].dry += std::mem::take(&mut feed.dry);
            }
            let [p50, p99] = times.quantiles([0.5, 0.99]);
            seen[which].p50.push(p50);
            seen[which].p99.push(p99);
        }
        runtime.wait_parked()?;
        queues.measure(&single)?;
        progress.step(round + 1);
    }

    // Where something else had the device's core, everything takes as long as its time slices, and a ratio says nothing.
    let least = seen[0].p50.iter().copied().fold(f64::MAX, f64::min);
    let good: Vec<usize> = (0..rounds)
        .filter(|round| seen[0].p50[*round] <= DISTURBED * least)
        .collect();
    object.insert("rounds_left_out".into(), (rounds - good.len()).into());
    let chosen = |of: &[f64]| samples(good.iter().map(|round| of[*round]));
    let ratio = |of: &[f64], to: &[f64]| samples(good.iter().map(|round| of[*round] / to[*round]));
    for (case, it) in CASES.iter().zip(&seen) {
        let name = case.name;
        if case.loud != 0 {
            let (kind, count) = match name.split_once('_') {
                Some((kind, count)) => (format!("{kind}_"), count),
                None => (String::new(), name),
            };
            ratio(&it.p99, &seen[0].p99)
                .write_figure(object, &format!("quiet_{kind}p99_ratio_{count}"));
            ratio(&it.p50, &seen[0].p50)
                .write_figure(object, &format!("quiet_{kind}p50_ratio_{count}"));
            object.insert(format!("quiet_{name}_dry"), it.dry.into());
        }
        chosen(&it.p50).write_figure(object, &format!("quiet_{name}_p50_ns"));
        chosen(&it.p99).write_figure(object, &format!("quiet_{name}_p99_ns"));
    }
    for (case, seen) in CASES.iter().zip(&seen) {
        let name = format!("paced_{}", case.name);
        seen.paced.write_events(object, &name, "us");
        put(object, &format!("{name}_max_us"), seen.paced.max());
    }
    let alone = chosen(&seen[0].p99).median();
    let ahead = object["long_job_us"].as_f64().unwrap_or(0.0) * 1e3;
    put(object, "long_bound_ratio", (alone + ahead) / alone);
    for (name, p99) in [("fifo", &queues.fifo_p99), ("bucket", &queues.bucket_p99)] {
        ratio(p99, &seen[0].p99).write_figure(object, &format!("{name}_quiet_p99_ratio_7"));
        chosen(p99).write_figure(object, &format!("{name}_quiet_7_p99_ns"));
    }
    chosen(&queues.fifo_rate).write_figure(object, "fifo_jobs_per_s");
    for (used, loud) in queues.used.iter().zip([1, MOST]) {
        chosen(used).write_figure(object, &format!("bucket_used_{loud}"));
    }
    Ok(())
}

fn samples(values: impl Iterator<Item = f64>) -> Samples {
    let mut samples = Samples::new();
    values.for_each(|value| samples.push(value));
    samples
}

/// Round trips one after the other, in nanoseconds; between them, rings of which half is taken are filled again.
fn closed(quiet: &Tenant, loud: &mut [Feed]) -> Fallible<Samples> {
    let mut times = Samples::new();
    let over = now_ns() + TRIPS_NS;
    let mut next = 0;
    while times.len() < TRIPS && now_ns() < over {
        times.push(there_and_back(quiet)?);
        if let Some(feed) = loud.get_mut(next) {
            if feed.is_half_taken()? {
                feed.refill()?;
            }
            next = (next + 1) % loud.len();
        }
    }
    Ok(times)
}

/// Round trips at a pace, in microseconds from when each should have begun; rings are topped up meanwhile.
fn paced(quiet: &Tenant, loud: &mut [Feed]) -> Fallible<Samples> {
    let mut times = Samples::new();
    let start = now_ns() + PACE_NS;
    let mut next = 0;
    for index in 0..PACED {
        let intended = start + index * PACE_NS;
        loop {
            let now = now_ns();
            if now >= intended {
                break;
            }
            match loud.get_mut(next) {
                Some(feed) if intended - now > SLACK_NS => {
                    feed.top_up()?;
                    next = (next + 1) % loud.len();
                }
                _ => std::hint::spin_loop(),
            }
        }
        there_and_back(quiet)?;
        times.push((now_ns() - intended) as f64 / 1e3);
    }
    Ok(times)
}

/// A job that takes the device so many times as long as a NOP does, where rings are full; and how long it runs.
fn long_job(
    runtime: &Runtime,
    quiet: &Tenant,
    feed: &mut Feed,
    object: &mut Object,
) -> Fallible<Job> {
    let mut nanoseconds = |job: Job| {
        feed.set(job, SHALLOW);
        feed.fill()?;
        let mut times = Samples::new();
        for _ in 0..20 {
            let (done, time) = window(std::slice::from_mut(feed), 3_000_000)?;
            times.push(time as f64 / done[0].max(1) as f64);
        }
        feed.drain()?;
        // What else the machine does only makes it longer.
        Fallible::Ok(times.quantiles([0.1])[0])
    };
    let wanted = LONGER * nanoseconds(nop())?;
    let most = runtime.info()?.most_scalar_fuel - FUEL_MARGIN;
    // How many of them run at once depends on their fuel, so this is searched for.
    let (mut low, mut high) = (1.0, f64::from(most));
    for _ in 0..10 {
        let middle = f64::sqrt(low * high);
        if nanoseconds(spin(middle as u32))? < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    let job = spin(f64::sqrt(low * high) as u32);
    object.insert("long_iterations".into(), job.args[0].into());
    put(object, "long_times", LONGER * nanoseconds(job)? / wanted);

    let trip = |job: &Job| {
        let begin = now_ns();
        let ticket = quiet.submit_one(job)?;
        expect_ok(&quiet.wait(ticket, api::WAIT_SPIN)?)?;
        Fallible::Ok((now_ns() - begin) as f64)
    };
    let (mut with, mut without) = (Samples::new(), Samples::new());
    for _ in 0..2000 {
        without.push(trip(&nop())?);
        with.push(trip(&job)?);
    }
    let [with, without] = [with, without].map(|times| times.quantiles([0.1])[0]);
    put(object, "long_job_us", (with - without).max(0.0) / 1e3);
    Ok(job)
}

/// The same through a single queue, without and with token buckets; by round.
#[derive(Default)]
struct Queues {
    fifo_p99: Vec<f64>,
    bucket_p99: Vec<f64>,
    fifo_rate: Vec<f64>,
    /// Beside 1 and beside all.
    used: [Vec<f64>; 2],
}

impl Queues {
    fn measure(&mut self, tenant: &Tenant) -> Fallible<()> {
        let (fifo, rate) = queued(tenant, MOST, None)?;
        let fair = rate / (MOST + 1) as f64;
        let (bucket, limited) = queued(tenant, MOST, Some(fair))?;
        let (_, limited_one) = queued(tenant, 1, Some(fair))?;
        self.fifo_p99.push(fifo.quantiles([0.99])[0]);
        self.bucket_p99.push(bucket.quantiles([0.99])[0]);
        self.fifo_rate.push(rate);
        self.used[0].push(limited_one / rate);
        self.used[1].push(limited / rate);
        Ok(())
    }
}

/// Round trips of a quiet client beside loud ones in one queue, and jobs per second of all together.
fn queued(tenant: &Tenant, loud: usize, jobs_per_s: Option<f64>) -> Fallible<(Samples, f64)> {
    let clients = std::iter::repeat_n((nop(), SHALLOW), loud).chain([(nop(), 0)]);
    let mut single = Single::new(tenant, clients, jobs_per_s)?;
    single.run(20_000_000)?;
    let (before, begin) = (single.all_completed(), now_ns());
    let times = single.round_trips(TRIPS, TRIPS_NS)?;
    let rate = (single.all_completed() - before) as f64 * 1e9 / (now_ns() - begin) as f64;
    single.drain()?;
    Ok((times, rate))
}

const _: () = assert!(DEEP.is_multiple_of(CHUNK) && SHALLOW.is_multiple_of(CHUNK));
