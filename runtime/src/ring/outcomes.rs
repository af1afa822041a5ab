//! How jobs ended, counted when their completions are taken: by one thread at a time, under the lock that taking needs anyway,
//! while others read it without one.
//!
//! What a reader finds belongs together because it reads in the reverse of the order in which a taker counts. A completion
//! counts by its fault, then by its status, then by its latency, each with a release; so who sees a latency, and reads the
//! statuses behind an acquire, finds the job among them, and who sees a status finds the fault. All of it comes after the
//! completion was seen, and so after the job was submitted.

use super::latency::{Coarse, LatencySums};
use super::layout::completion_status::FAULTED;
use super::submission::{Completion, FAULTS, STATUSES};
use super::sync::{fence, prefetch, AtomicU64, Ordering};

#[repr(C, align(128))]
pub struct Outcomes {
    /// By `completion_status`.
    status: [AtomicU64; STATUSES],
    /// From submit to take, where jobs are timed.
    pub latency: Coarse,
    /// By `fault`.
    fault: [AtomicU64; FAULTS],
}

impl Default for Outcomes {
    fn default() -> Self {
        Self {
            status: std::array::from_fn(|_| AtomicU64::new(0)),
            latency: Coarse::default(),
            fault: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Outcomes {
    /// Counts a completion that is taken. One thread at a time.
    #[inline]
    pub fn count(&self, completion: &Completion) {
        let one_more = |counter: &AtomicU64| {
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
        };
        if completion.status == FAULTED {
            one_more(&self.fault[(completion.fault as usize).min(FAULTS - 1)]);
        }
        one_more(&self.status[(completion.status as usize).min(STATUSES - 1)]);
    }

    /// Fetches what `read` always reads.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(&self.status);
        self.latency.prefetch();
    }

    /// Reads the completions taken until now, and how long of them those took that are timed, and adds all of it to `sums`; gives
    /// how many they are. How many have completed or were submitted, as read afterwards, is no less.
    #[inline]
    pub fn read(&self, to: Taken, sums: Taken) -> u64 {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        self.latency.read(to.latency, sums.latency);
        fence(Ordering::Acquire);
        (*to.status, *to.fault) = ([0; STATUSES], [0; FAULTS]);
        let mut taken = 0;
        for (i, counter) in self.status.iter().enumerate() {
            let n = get(counter);
            if n != 0 {
                to.status[i] = n;
                sums.status[i] += n;
                taken += n;
            }
        }
        fence(Ordering::Acquire);
        let faulted = to.status[FAULTED as usize];
        if faulted != 0 {
            // There may be more by now.
            let mut all = 0;
            for (i, counter) in self.fault.iter().enumerate() {
                let n = get(counter);
                to.fault[i] = n;
                sums.fault[i] += n;
                all += n;
            }
            fence(Ordering::Acquire);
            to.status[FAULTED as usize] = all;
            sums.status[FAULTED as usize] += all - faulted;
            taken += all - faulted;
        }
        taken
    }
}

/// Where counts of completions that were taken go: by status, by fault, and by how long they took.
pub struct Taken<'a> {
    pub status: &'a mut [u64; STATUSES],
    pub fault: &'a mut [u64; FAULTS],
    pub latency: &'a mut LatencySums,
}
