//! One tenant of a runtime of its own, whose jobs are recorded or not, and its producer.

use crate::clock::sleep_us;
use crate::Fallible;
use rota::{
    completion_status, op, Completion, Error, Job, RecorderOptions, RecorderState, RuntimeOptions,
    TenantOptions, Wait,
};
use std::path::PathBuf;
use std::time::Duration;

pub const BATCH: usize = 64;

pub struct Client {
    runtime: rota::Runtime,
    tenant: rota::Tenant,
    recorded: bool,
    jobs: [Job; BATCH],
    /// Jobs at the end of `jobs` that the ring had no room for.
    left: usize,
    sequence: u64,
    pub outstanding: usize,
}

impl Client {
    pub fn new(log: Option<PathBuf>) -> Fallible<Self> {
        let recorded = log.is_some();
        let recorder = log.map(|path| RecorderOptions {
            path,
            ..RecorderOptions::default()
        });
        let runtime = rota::Runtime::open(&RuntimeOptions {
            recorder,
            ..RuntimeOptions::default()
        })?;
        let tenant = runtime.create_tenant(&TenantOptions::default())?;
        let job = Job {
            opcode: op::NOP,
            tiles: 1,
            ..Job::default()
        };
        Ok(Self {
            runtime,
            tenant,
            recorded,
            jobs: [job; BATCH],
            left: 0,
            sequence: 0,
            outstanding: 0,
        })
    }

    /// The next job.
    pub fn prepare(&mut self) -> Job {
        self.sequence += 1;
        Job {
            user_data: self.sequence,
            args: [self.sequence as u32; 10],
            ..self.jobs[0]
        }
    }

    /// Submits a job that must fit.
    #[inline]
    pub fn submit_one(&mut self, job: &Job) -> Fallible<()> {
        let mut ticket = [0];
        self.tenant
            .submit(std::slice::from_ref(job), Some(&mut ticket))
            .1?;
        self.outstanding += 1;
        Ok(())
    }

    /// Submits what fits of one batch.
    pub fn submit(&mut self) -> Fallible<()> {
        if self.left == 0 {
            self.jobs = std::array::from_fn(|_| self.prepare());
            self.left = BATCH;
        }
        let waiting = &self.jobs[BATCH - self.left..];
        match self.tenant.submit(waiting, Some(&mut [0; BATCH])) {
            (accepted, Ok(()) | Err(Error::WouldBlock)) => {
                self.left -= accepted;
                self.outstanding += accepted;
                Ok(())
            }
            (_, Err(e)) => Err(e.into()),
        }
    }

    /// Takes what is finished, up to a batch.
    pub fn poll(&mut self) -> Fallible<u64> {
        let mut done = [Completion::default(); BATCH];
        let count = match self.tenant.poll(&mut done, Wait::Spin, 0) {
            Err(Error::Timeout) => 0,
            count => count?,
        };
        for done in &done[..count] {
            if done.status != completion_status::OK || done.results[0] != done.user_data as u32 {
                return Err(format!("a NOP job ended as {done:?}").into());
            }
        }
        self.outstanding -= count;
        Ok(count as u64)
    }

    /// Takes all: their number.
    pub fn drain(&mut self) -> Fallible<u64> {
        let mut taken = 0;
        while self.outstanding > 0 {
            taken += self.poll()?;
        }
        Ok(taken)
    }

    /// Waits until what is recorded is in the log's file.
    pub fn wait_written(&self) -> Fallible<()> {
        if self.recorded {
            let next = self.recorder_state()?.log.next_seq;
            while self.recorder_state()?.log.written_seq < next {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Waits until the kernel is parked and, where jobs are recorded, all of them are durable.
    pub fn rest(&self) -> Fallible<()> {
        while !self.runtime.info().parked {
            sleep_us(50);
        }
        if self.recorded {
            self.runtime.recorder_sync(Duration::from_secs(30))?;
        }
        Ok(())
    }

    pub fn recorder_state(&self) -> Fallible<RecorderState> {
        Ok(self.runtime.recorder_state()?)
    }
}
