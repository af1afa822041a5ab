//! What one has without a scheduler: one queue for all, with or without a token bucket per client in front.

use crate::api::{self, Completion, Job};
use crate::clock::now_ns;
use crate::rota::{expect_ok, Tenant};
use crate::stats::Samples;
use crate::Fallible;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

const BATCH: usize = 64;
const BURST: NonZeroU32 = NonZeroU32::new(64).unwrap();

/// The clock that everything here is measured with.
#[derive(Clone, Debug)]
pub struct Monotonic;

impl Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(now_ns())
    }
}

pub struct Bucket(RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Duration>>);

impl Bucket {
    fn new(jobs_per_s: f64) -> Fallible<Bucket> {
        let quota = Quota::with_period(Duration::from_secs_f64(1.0 / jobs_per_s))
            .ok_or("a token bucket with no time between its tokens")?;
        Ok(Bucket(RateLimiter::direct_with_clock(
            quota.allow_burst(BURST),
            Monotonic,
        )))
    }
}

/// One of those who share the queue.
struct Client {
    job: Job,
    /// How many jobs it keeps open.
    depth: usize,
    open: usize,
    completed: u64,
    bucket: Option<Bucket>,
}

impl Client {
    fn may_send(&self) -> bool {
        let bucket = self.bucket.as_ref();
        bucket.is_none_or(|bucket| bucket.0.check().is_ok())
    }
}

/// All clients on one tenant's ring, told apart by their jobs' user data.
pub struct Single<'a, 'l> {
    tenant: &'a Tenant<'l>,
    clients: Vec<Client>,
    /// Who may send first this time.
    first: usize,
}

impl<'a, 'l> Single<'a, 'l> {
    /// Clients with such jobs, which keep so many open. With `jobs_per_s`, each has a bucket of that rate.
    pub fn new(
        tenant: &'a Tenant<'l>,
        clients: impl IntoIterator<Item = (Job, usize)>,
        jobs_per_s: Option<f64>,
    ) -> Fallible<Single<'a, 'l>> {
        let client = |(n, (mut job, depth)): (usize, (Job, usize))| {
            job.user_data = n as u64;
            Ok(Client {
                job,
                depth,
                open: 0,
                completed: 0,
                bucket: jobs_per_s.map(Bucket::new).transpose()?,
            })
        };
        let clients = clients.into_iter().enumerate().map(client);
        Ok(Single {
            tenant,
            clients: clients.collect::<Fallible<_>>()?,
            first: 0,
        })
    }

    /// Takes completions, and sends what clients want and may send.
    pub fn step(&mut self) -> Fallible<()> {
        self.take()?;
        let mut jobs = [self.clients[0].job; BATCH];
        let mut count = 0;
        let clients = self.clients.len();
        for n in 0..clients {
            let client = &mut self.clients[(self.first + n) % clients];
            while count < BATCH && client.open < client.depth && client.may_send() {
                jobs[count] = client.job;
                client.open += 1;
                count += 1;
            }
        }
        self.first = (self.first + 1) % clients;
        let mut sent = 0;
        while sent < count {
            sent += self.tenant.submit(&jobs[sent..count], &mut [0; BATCH])?;
        }
        Ok(())
    }

    pub fn run(&mut self, time_ns: u64) -> Fallible<()> {
        let begin = now_ns();
        while now_ns() - begin < time_ns {
            self.step()?;
        }
        Ok(())
    }

    /// Round trips of the last client, which keeps none open by itself, one after the other; at most so many, and for so
    /// long. In nanoseconds.
    pub fn round_trips(&mut self, most: usize, time_ns: u64) -> Fallible<Samples> {
        let quiet = self.clients.len() - 1;
        let mut times = Samples::new();
        let over = now_ns() + time_ns;
        while times.len() < most && now_ns() < over {
            let begin = now_ns();
            while !self.clients[quiet].may_send() {
                self.step()?;
            }
            self.tenant.submit_one(&self.clients[quiet].job)?;
            self.clients[quiet].open = 1;
            while self.clients[quiet].open != 0 {
                self.step()?;
            }
            times.push((now_ns() - begin) as f64);
        }
        Ok(times)
    }

    /// How many jobs of each client were completed.
    pub fn completed(&self) -> Vec<u64> {
        self.clients.iter().map(|c| c.completed).collect()
    }

    pub fn all_completed(&self) -> u64 {
        self.clients.iter().map(|c| c.completed).sum()
    }

    pub fn drain(&mut self) -> Fallible<()> {
        while self.clients.iter().any(|client| client.open != 0) {
            self.take()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Fallible<()> {
        let mut done = [Completion::default(); BATCH];
        let count = self.tenant.poll(&mut done, api::WAIT_SPIN, 0)?;
        for completion in &done[..count] {
            expect_ok(completion)?;
            let client = &mut self.clients[completion.user_data as usize];
            client.open -= 1;
            client.completed += 1;
        }
        Ok(())
    }
}
