//! A tenant whose ring is kept from running dry.

use crate::api::{self, Completion, Job};
use crate::clock::now_ns;
use crate::rota::{expect_ok, Tenant};
use crate::Fallible;

/// How many jobs are submitted at a time.
pub const CHUNK: usize = 512;

pub struct Feed<'l> {
    tenant: Tenant<'l>,
    jobs: Vec<Job>,
    done: Vec<Completion>,
    /// Most jobs open at once: a multiple of `CHUNK`, and no more than the ring holds.
    depth: usize,
    /// Of the last `depth` jobs, by their number.
    tickets: Vec<u64>,
    submitted: u64,
    completed: u64,
    /// How often the ring was found empty where it should not have been.
    pub dry: u64,
}

impl<'l> Feed<'l> {
    pub fn new(tenant: Tenant<'l>, job: Job, depth: usize) -> Feed<'l> {
        let mut feed = Feed {
            tenant,
            jobs: Vec::new(),
            done: vec![Completion::default(); CHUNK],
            depth: 0,
            tickets: Vec::new(),
            submitted: 0,
            completed: 0,
            dry: 0,
        };
        feed.set(job, depth);
        feed
    }

    /// Other jobs from now on. The ring is empty.
    pub fn set(&mut self, job: Job, depth: usize) {
        assert!(self.open() == 0 && depth.is_multiple_of(CHUNK));
        self.jobs = vec![job; CHUNK];
        self.depth = depth;
        self.tickets = vec![0; depth];
        (self.submitted, self.completed) = (0, 0);
    }

    fn open(&self) -> usize {
        (self.submitted - self.completed) as usize
    }

    /// Fills the ring.
    pub fn fill(&mut self) -> Fallible<()> {
        while self.depth - self.open() >= CHUNK {
            self.submit()?;
        }
        Ok(())
    }

    /// Whether the device is done with half of what the ring holds.
    pub fn is_half_taken(&self) -> Fallible<bool> {
        let half = self.submitted - self.depth as u64 / 2 - 1;
        Ok(!self.is_open(half)?)
    }

    /// Takes completions and submits as many jobs, until the ring is full; the device works on meanwhile, so that this
    /// gives up after a ring's worth.
    pub fn refill(&mut self) -> Fallible<()> {
        for _ in 0..self.depth / CHUNK {
            if !self.top_up()? {
                break;
            }
        }
        Ok(())
    }

    /// Takes completions, and submits one batch if there is room for one: whether it did.
    pub fn top_up(&mut self) -> Fallible<bool> {
        self.take()?;
        let has_room = self.depth - self.open() >= CHUNK;
        if has_room {
            if self.submitted != 0 && !self.is_open(self.submitted - 1)? {
                self.dry += 1;
            }
            self.submit()?;
        }
        Ok(has_room)
    }

    /// Takes all completions that there are.
    fn take_all(&mut self) -> Fallible<()> {
        while self.take()? == CHUNK {}
        Ok(())
    }

    /// Waits for all that was submitted, which ends the feeding.
    pub fn drain(&mut self) -> Fallible<()> {
        while self.open() != 0 {
            self.take()?;
        }
        (self.submitted, self.completed) = (0, 0);
        Ok(())
    }

    fn take(&mut self) -> Fallible<usize> {
        let count = self.tenant.poll(&mut self.done, api::WAIT_SPIN, 0)?;
        self.done[..count].iter().try_for_each(expect_ok)?;
        self.completed += count as u64;
        Ok(count)
    }

    fn submit(&mut self) -> Fallible<()> {
        let at = self.submitted as usize % self.depth;
        let tickets = &mut self.tickets[at..at + CHUNK];
        if self.tenant.submit(&self.jobs, tickets)? != CHUNK {
            return Err("rota_submit: the ring is full where it should not be".into());
        }
        self.submitted += CHUNK as u64;
        Ok(())
    }

    fn is_open(&self, number: u64) -> Fallible<bool> {
        let ticket = self.tickets[number as usize % self.depth];
        self.tenant.is_open(ticket)
    }
}

/// Keeps all rings full for so long.
pub fn keep_full(feeds: &mut [Feed], time_ns: u64) -> Fallible<()> {
    let begin = now_ns();
    while now_ns() - begin < time_ns {
        for feed in feeds.iter_mut() {
            feed.top_up()?;
        }
    }
    Ok(())
}

/// Keeps all rings full for so long, and gives how many jobs of each were completed, and in what time.
pub fn window(feeds: &mut [Feed], time_ns: u64) -> Fallible<(Vec<u64>, u64)> {
    let (before, begin) = completed(feeds)?;
    keep_full(feeds, time_ns)?;
    let (after, end) = completed(feeds)?;
    let done = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    Ok((done, end - begin))
}

/// How many jobs of each were completed until now, and when now is.
fn completed(feeds: &mut [Feed]) -> Fallible<(Vec<u64>, u64)> {
    let now = now_ns();
    let count = |feed: &mut Feed| {
        feed.take_all()?;
        Ok(feed.completed)
    };
    Ok((feeds.iter_mut().map(count).collect::<Fallible<_>>()?, now))
}
