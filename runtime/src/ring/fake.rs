//! A kernel for tests: the memory of one ring on the heap, and what a worker does with it.
//!
//! It keeps to the order of `core.wgsl` (stamp, claim, fence, words, run, record with its stamp last, done), so that the
//! host's side meets the same steps in unit tests, under loom, and on a device.

use std::array;
use std::sync::Arc;

use super::doorbell::Work;
use super::latency::LatencySums;
use super::layout::{
    completion_status, flag, Record, Slot, EXTRA_RECORDS, NOTIFY_NEVER, POSITION_MASK,
};
use super::outcomes::Taken;
use super::pool::Pool;
use super::submission::{
    stamp, Completion, Job, Progress, Ring, RingMemory, SlotWords, TenantWords, FAULTS, STATUSES,
};
use super::sync::{fence, AtomicU32, Ordering};

/// A ring, and the words that the device keeps for its tenant.
pub struct FakeKernel {
    pub ring: Arc<Ring>,
    pub memory: RingMemory,
    cursor: Box<AtomicU32>,
    _fuel: Box<AtomicU32>,
    done: Box<AtomicU32>,
    notify_at: Box<AtomicU32>,
    epoch: AtomicU32,
    // `memory` points into these.
    _slots: Vec<Slot>,
    _records: Vec<Record>,
    _extra: Vec<Record>,
}

/// A claimed job.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Its 31-bit position.
    pub position: u32,
    pub words: [u32; 14],
    pub cancelled: bool,
}

impl FakeKernel {
    pub fn new(size: u32, first: u64) -> Self {
        Self::with_pool(size, first, None)
    }

    /// One whose slots come from a pool that others take from too.
    pub fn with_pool(size: u32, first: u64, pool: Option<Arc<Pool>>) -> Self {
        let zero = |_| AtomicU32::new(0);
        let slot = |_| Slot {
            words: array::from_fn(zero),
            cancel: zero(0),
            stamp: zero(0),
        };
        let record = |_| Record {
            words: array::from_fn(zero),
        };
        let slots: Vec<Slot> = (0..size).map(slot).collect();
        let records: Vec<Record> = (0..size).map(record).collect();
        let extra: Vec<Record> = (0..size * EXTRA_RECORDS).map(record).collect();
        let memory = RingMemory {
            slots: slots.as_ptr(),
            records: records.as_ptr(),
            extra: extra.as_ptr(),
            size,
            write_combined: true,
        };
        memory.reset(first);
        let cursor = Box::new(AtomicU32::new(first as u32 & POSITION_MASK));
        let fuel = Box::new(AtomicU32::new(0));
        let done = Box::new(AtomicU32::new(first as u32 & POSITION_MASK));
        let notify_at = Box::new(AtomicU32::new(NOTIFY_NEVER));
        let words = TenantWords {
            done: &*done,
            cursor: &*cursor,
            fuel: &*fuel,
            notify_at: &*notify_at,
        };
        Self {
            ring: Arc::new(Ring::new(memory, words, first).sharing(pool)),
            memory,
            cursor,
            _fuel: fuel,
            done,
            notify_at,
            epoch: AtomicU32::new(0),
            _slots: slots,
            _records: records,
            _extra: extra,
        }
    }

    /// Claims the job at the cursor, if it is published.
    pub fn claim(&self) -> Option<Claim> {
        let cursor = self.cursor.load(Ordering::Relaxed);
        let slot = self.memory.slot(cursor as u64);
        let stamp = stamp(cursor as u64);
        if slot.stamp.load(Ordering::Relaxed) != stamp {
            return None;
        }
        self.cursor
            .compare_exchange(cursor, stamp, Ordering::Relaxed, Ordering::Relaxed)
            .ok()?;
        fence(Ordering::AcqRel);
        let words = array::from_fn(|i| slot.words[i].load(Ordering::Relaxed));
        Some(Claim {
            position: cursor,
            words,
            cancelled: slot.cancel.load(Ordering::Relaxed) == stamp,
        })
    }

    /// Completes a claimed job: as CANCELLED if it was, else with what `answer` says.
    pub fn complete(&self, claim: &Claim) {
        self.finish(claim);
        fence(Ordering::AcqRel);
        self.count();
    }

    /// Only writes the completion, which can be taken then, and doesn't count it yet.
    pub fn finish(&self, claim: &Claim) {
        let (status, fault, results) = if claim.cancelled {
            (completion_status::CANCELLED, 0, [0, 0])
        } else {
            answer(claim.words[4])
        };
        let stamp = stamp(claim.position as u64);
        if claim.words[1] & flag::TIMING != 0 {
            let [fuel, version, digest_low, digest_high] = timing(claim.words[4]);
            let begin = self.epoch.fetch_add(2, Ordering::Relaxed);
            let (first, second) = (
                self.memory.extra(claim.position as u64, 0),
                self.memory.extra(claim.position as u64, 1),
            );
            write(first, [fuel, version, begin, stamp]);
            write(second, [begin + 1, digest_low, digest_high, stamp]);
        }
        fence(Ordering::AcqRel);
        write(
            self.memory.record(claim.position as u64),
            [status | fault << 8, results[0], results[1], stamp],
        );
    }

    /// Counts one more job as completed.
    pub fn count(&self) {
        let old = self.done.fetch_add(1, Ordering::Relaxed);
        if old == POSITION_MASK {
            self.done.fetch_and(POSITION_MASK, Ordering::Relaxed);
        }
    }

    /// Completes a claimed job; tells whether the host wants to hear of it.
    pub fn complete_and_notify(&self, claim: &Claim) -> bool {
        self.complete(claim);
        fence(Ordering::SeqCst);
        let done = self.done.load(Ordering::Relaxed);
        self.notify_at.load(Ordering::Relaxed) == done
    }

    /// Claims and completes one job, if there is one.
    pub fn step(&self) -> Option<Claim> {
        let claim = self.claim()?;
        self.complete(&claim);
        Some(claim)
    }

    /// As the pump asks at the end of a lease: whether a published job isn't done.
    pub fn has_work(&self) -> bool {
        self.ring.head() as u32 & POSITION_MASK != self.done.load(Ordering::Acquire)
    }
}

/// Stores a record as a device that stores its components in order, the stamp last.
fn write(record: &Record, words: [u32; 4]) {
    for (to, word) in record.words.iter().zip(words).take(3) {
        to.store(word, Ordering::Relaxed);
    }
    record.words[3].store(words[3], Ordering::Release);
}

/// The job number `n`: every word of it tells which one it is.
pub fn job(n: u32) -> Job {
    Job {
        opcode: n ^ 0x5555,
        flags: 0,
        tiles: n + 1,
        fuel: n + 2,
        args: array::from_fn(|i| n.wrapping_mul(i as u32 + 1)),
        user_data: (n as u64) << 32 | !n as u64 & 0xffff_ffff,
    }
}

/// What the host adds to a job in its slot: another handler and fuel than the job's, and a bit of its own.
pub fn slot_words(job: &Job) -> SlotWords {
    SlotWords {
        handler: job.opcode + 1,
        flags: job.flags | flag::TILED,
        fuel: job.fuel + 1,
    }
}

/// What the kernel reads for a job.
pub fn words_of(job: &Job) -> [u32; 14] {
    let SlotWords {
        handler,
        flags,
        fuel,
    } = slot_words(job);
    let mut words = [
        handler, flags, job.tiles, fuel, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    words[4..].copy_from_slice(&job.args);
    words
}

/// Status, fault and results of the job whose first argument is `n`.
fn answer(n: u32) -> (u32, u32, [u32; 2]) {
    let results = [n.wrapping_mul(3) + 1, !n];
    if n % 5 == 4 {
        (completion_status::FAULTED, 0x10000 + n % 0x1000, results)
    } else {
        (completion_status::OK, 0, results)
    }
}

/// What TIMING adds to the completion of the job whose first argument is `n`: fuel, version, both words of the digest.
fn timing(n: u32) -> [u32; 4] {
    [n + 7, n + 11, n ^ 0xffff, n.rotate_left(9)]
}

/// Whether this is the completion of that job, not counting epochs.
pub fn assert_answers(completion: &Completion, job: &Job, ticket: u64, cancelled: bool) {
    let (status, fault, results) = if cancelled {
        (completion_status::CANCELLED, 0, [0, 0])
    } else {
        answer(job.args[0])
    };
    let timed = job.flags & flag::TIMING != 0;
    let [fuel, module_version, low, high] = if timed { timing(job.args[0]) } else { [0; 4] };
    let expected = Completion {
        ticket,
        user_data: job.user_data,
        status,
        fault,
        results,
        fuel,
        module_version,
        begin_epoch: completion.begin_epoch,
        end_epoch: completion.begin_epoch + timed as u64,
        digest: low as u64 | (high as u64) << 32,
    };
    assert_eq!(*completion, expected);
    assert!(timed || completion.begin_epoch == 0);
}

/// What a pump says that looks for work.
pub fn some(work: bool) -> Work {
    match work {
        true => Work::Some,
        false => Work::None,
    }
}

/// The completions taken, by status and by fault, and how far the jobs are.
pub fn read_taken(ring: &Ring) -> ([u64; STATUSES], [u64; FAULTS], Progress) {
    let (mut status, mut fault) = ([[0; STATUSES]; 2], [[0; FAULTS]; 2]);
    let mut latency = [LatencySums::default(); 2];
    let mut places = status.iter_mut().zip(&mut fault).zip(&mut latency);
    let mut place = || {
        let ((status, fault), latency) = places.next().expect("there are two");
        Taken {
            status,
            fault,
            latency,
        }
    };
    let progress = ring.read_taken(&ring.constants(), place(), place());
    assert_eq!((status[0], fault[0]), (status[1], fault[1]));
    (status[0], fault[0], progress)
}
