//! What a ring tells of the jobs that are sampled, for spans.
//!
//! Whether a job is sampled is decided when it is published, by its position alone or by the trace context that it came with. A
//! sampled job carries TIMING to the kernel unless it is a light one, whether its caller asked for it or not, and a note of a few words on the host; when
//! its completion is taken, both go into the queue as one `Ended`. Whoever submits or takes never waits here: a full queue drops.

use std::collections::HashMap;
use std::sync::atomic::{fence, AtomicBool, AtomicU64 as StdAtomicU64, Ordering as StdOrdering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdGuard, OnceLock, PoisonError};
use std::thread::Thread;

use crossbeam_queue::ArrayQueue;

use super::submission::Completion;
use super::sync::{AtomicU32, AtomicU64, Ordering, Padded};

/// Where a job belongs in a trace, as W3C's `traceparent` tells it. 32 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceContext {
    /// All zero: the job has no context.
    pub trace_id: [u8; 16],
    /// The caller's span.
    pub parent_id: [u8; 8],
    /// `TraceContext::SAMPLED`, where the caller's span is; no other bit means anything.
    pub flags: u64,
}

impl TraceContext {
    pub const SAMPLED: u64 = 1;

    /// Whether the caller's span is sampled.
    pub fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }

    /// Whether both ids are ones: zero names nothing.
    pub fn is_valid(&self) -> bool {
        self.trace_id != [0; 16] && self.parent_id != [0; 8]
    }

    /// The low half of the trace id, which OpenTelemetry's sampler by ratio goes by.
    fn low(&self) -> u64 {
        u64::from_be_bytes(self.trace_id[8..].try_into().expect("eight bytes"))
    }
}

/// Which jobs are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// Of 2^32 jobs without a context so many are.
    roots: u64,
    /// Whether a job with a context goes by that, or by its trace id as others with the same ratio do.
    parent_based: bool,
}

impl Sampler {
    /// `ratio` lies between 0 and 1.
    pub fn new(ratio: f64, parent_based: bool) -> Self {
        Self {
            roots: (ratio.clamp(0.0, 1.0) * (1u64 << 32) as f64).round() as u64,
            parent_based,
        }
    }

    /// The low 63 bits of trace ids that are sampled by ratio lie below this.
    pub fn bound(&self) -> u64 {
        self.roots << 31
    }

    /// Multiples of the golden ratio are spread evenly: of any jobs in a row as many are sampled as should be, give or take one or
    /// two.
    #[inline]
    fn takes_root(&self, number: u32) -> bool {
        u64::from(number.wrapping_mul(0x9e37_79b1)) < self.roots
    }

    fn takes_child(&self, context: &TraceContext) -> bool {
        match self.parent_based {
            true => context.is_sampled(),
            false => context.low() >> 1 < self.bound(),
        }
    }
}

/// A sampled job whose completion was taken. Times are the clock's, epochs the device's low 32 bits.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whose job it was; `Labels` knows its label.
    pub tenant: u64,
    /// Without a valid one the job begins its trace.
    pub context: TraceContext,
    pub ticket: u64,
    pub user_data: u64,
    pub status: u32,
    pub fault: u32,
    pub tiles: u32,
    pub fuel: u32,
    pub place: u16,
    pub submitted: u64,
    pub taken: u64,
    /// The epochs of its begin and end; None where it never began.
    pub epochs: Option<(u32, u32)>,
    /// An epoch that was read after `submitted`, and one that was read before `taken`.
    pub epoch_at_submit: u32,
    pub epoch_at_take: u32,
}

/// What is kept of a sampled job on the host. The slot's owner writes it before the job is published, and its taker reads it:
/// the stamps of slot and record order them.
#[derive(Default)]
pub struct Note([AtomicU64; 5]);

impl Note {
    fn write(&self, context: Option<&TraceContext>, tiles: u32, epoch: u32) {
        let context = context.copied().unwrap_or_default();
        let (high, low) = context.trace_id.split_at(8);
        let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
        let words = [
            word(high),
            word(low),
            word(&context.parent_id),
            u64::from(tiles) << 32 | u64::from(epoch),
            context.flags,
        ];
        for (to, from) in self.0.iter().zip(words) {
            to.store(from, Ordering::Relaxed);
        }
    }

    fn read(&self) -> (TraceContext, u32, u32) {
        let words = [0, 1, 2, 3, 4].map(|i| self.0[i].load(Ordering::Relaxed));
        let mut context = TraceContext {
            parent_id: words[2].to_ne_bytes(),
            flags: words[4],
            ..TraceContext::default()
        };
        context.trace_id[..8].copy_from_slice(&words[0].to_ne_bytes());
        context.trace_id[8..].copy_from_slice(&words[1].to_ne_bytes());
        (context, (words[3] >> 32) as u32, words[3] as u32)
    }
}

/// The labels of tenants by their ids, of all that have spans in the queue. A span doesn't carry its tenant's: to count who
/// has it, taker and sidecar would wait for each other's cache line at each span.
#[derive(Default)]
pub struct Labels {
    of: HashMap<u64, Arc<str>>,
    /// Tenants that push no more, and how many spans will have been popped when none of theirs can be left; None until
    /// whoever pops has seen that they are gone.
    gone: Vec<(u64, Option<u64>)>,
    /// Nobody pops any more.
    is_closed: bool,
}

impl Labels {
    pub fn of(&self, tenant: u64) -> Arc<str> {
        self.of.get(&tenant).cloned().unwrap_or_default()
    }

    /// From now on none is kept.
    pub fn close(&mut self) {
        *self = Self {
            is_closed: true,
            ..Self::default()
        };
    }

    fn add(&mut self, tenant: u64, label: &str) {
        if !self.is_closed {
            self.of.insert(tenant, label.into());
        }
    }

    /// The tenant pushes no more. Gives whether many wait to be forgotten.
    fn leave(&mut self, tenant: u64) -> bool {
        if !self.is_closed {
            self.gone.push((tenant, None));
        }
        !self.gone.is_empty() && self.gone.len().is_multiple_of(1024)
    }

    /// By who alone pops, has held this since before its last pop, and popped so many in all: forgets tenants of which
    /// nothing is left. `empty`: that pop found nothing.
    pub fn forget(&mut self, popped: u64, capacity: usize, empty: bool) {
        let Self { of, gone, .. } = self;
        gone.retain_mut(|(tenant, until)| {
            // What they pushed lay in the queue by then, which holds no more than this.
            let until = *until.get_or_insert(popped + capacity as u64);
            let is_left = !empty && popped < until;
            if !is_left {
                of.remove(tenant);
            }
            is_left
        });
    }
}

/// Where all rings of a runtime put what is sampled.
pub struct Tap {
    queue: ArrayQueue<Ended>,
    labels: StdMutex<Labels>,
    pub sampler: Sampler,
    /// The device's count of begins and ends.
    epoch: *const AtomicU32,
    /// After so many the sidecar is woken. While the kernel runs it looks by itself, often enough but for a flood.
    flood: u64,
    pushed: Padded<StdAtomicU64>,
    dropped: Padded<StdAtomicU64>,
    /// The sidecar sleeps until it is woken.
    asleep: Padded<AtomicBool>,
    sidecar: OnceLock<Thread>,
}

// SAFETY: the epoch is an atomic, and whoever makes a `Tap` keeps it mapped while anybody uses it.
unsafe impl Send for Tap {}
// SAFETY: as above.
unsafe impl Sync for Tap {}

impl Tap {
    /// # Safety
    /// `epoch` stays valid for as long as anybody asks for the tap's epoch.
    pub unsafe fn new(sampler: Sampler, capacity: usize, epoch: *const AtomicU32) -> Self {
        Self {
            queue: ArrayQueue::new(capacity),
            labels: StdMutex::default(),
            sampler,
            epoch,
            flood: (capacity as u64 / 4).max(1),
            pushed: Padded::default(),
            dropped: Padded::default(),
            asleep: Padded::default(),
            sidecar: OnceLock::new(),
        }
    }

    #[inline]
    pub fn epoch(&self) -> u32 {
        // SAFETY: see `new`.
        unsafe { &*self.epoch }.load(Ordering::Relaxed)
    }

    /// Puts it into the queue, or drops it.
    pub fn push(&self, ended: Ended) {
        if self.queue.push(ended).is_err() {
            self.dropped.fetch_add(1, StdOrdering::Relaxed);
            return;
        }
        let pushed = self.pushed.fetch_add(1, StdOrdering::Relaxed) + 1;
        // Who pushes and the sidecar each store, fence and load what the other stores: one of them sees the other.
        fence(StdOrdering::SeqCst);
        if pushed.is_multiple_of(self.flood) || self.asleep.load(StdOrdering::Acquire) {
            self.wake();
        }
    }

    /// By who lets jobs run after a while in which there were none.
    pub fn kernel_wakes(&self) {
        fence(StdOrdering::SeqCst);
        if self.asleep.load(StdOrdering::Acquire) {
            self.wake();
        }
    }

    #[cold]
    pub fn wake(&self) {
        if let Some(sidecar) = self.sidecar.get() {
            sidecar.unpark();
        }
    }

    /// By the sidecar, before anything else: it is who is woken.
    pub fn serve(&self) {
        let _ = self.sidecar.set(std::thread::current());
    }

    /// By the sidecar: before it sleeps until it is woken, and afterwards. What was pushed before is in the queue, or who pushes
    /// sees that it sleeps.
    pub fn set_asleep(&self, asleep: bool) {
        // Release: who sees it sees whom to wake.
        self.asleep.store(asleep, StdOrdering::Release);
        fence(StdOrdering::SeqCst);
    }

    /// Keeps tenants from coming and going.
    pub fn labels(&self) -> StdGuard<'_, Labels> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pop(&self) -> Option<Ended> {
        self.queue.pop()
    }

    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    pub fn capacity(&self) -> usize {
        self.queue.capacity()
    }

    /// How many were put in, and how many dropped.
    pub fn counts(&self) -> (u64, u64) {
        let get = |n: &StdAtomicU64| n.load(StdOrdering::Relaxed);
        (get(&self.pushed), get(&self.dropped))
    }
}

/// One ring's way to the tap.
pub struct Pipe {
    tap: Arc<Tap>,
    tenant: u64,
    /// So that not all tenants have the same of their jobs sampled.
    salt: u32,
    notes: Box<[Note]>,
}

impl Pipe {
    /// For a ring of so many slots.
    pub fn new(tap: Arc<Tap>, label: &str, id: u64, slots: u32) -> Self {
        tap.labels().add(id, label);
        Self {
            tap,
            tenant: id,
            salt: (id as u32 ^ (id >> 32) as u32).wrapping_mul(0x85eb_ca6b),
            notes: (0..slots).map(|_| Note::default()).collect(),
        }
    }

    /// Whether the job at `position` is sampled.
    #[inline]
    pub fn samples(&self, position: u64, context: Option<&TraceContext>) -> bool {
        match context {
            Some(context) if context.is_valid() => self.tap.sampler.takes_child(context),
            _ => {
                let number = (position as u32).wrapping_add(self.salt);
                self.tap.sampler.takes_root(number)
            }
        }
    }

    /// By the publisher of a sampled job, before the job is published and after its time was read.
    pub fn note(&self, slot: usize, context: Option<&TraceContext>, tiles: u32) {
        self.notes[slot].write(context, tiles, self.tap.epoch());
    }

    pub fn epoch(&self) -> u32 {
        self.tap.epoch()
    }

    /// By the taker of a sampled job's completion.
    pub fn ended(&self, slot: usize, completion: &Completion, what: Taken) {
        let (context, tiles, epoch_at_submit) = self.notes[slot].read();
        self.tap.push(Ended {
            tenant: self.tenant,
            context,
            ticket: completion.ticket,
            user_data: completion.user_data,
            status: completion.status,
            fault: completion.fault,
            tiles,
            fuel: what.fuel,
            place: what.place,
            submitted: what.submitted,
            taken: what.at,
            epochs: what.epochs,
            epoch_at_submit,
            epoch_at_take: what.epoch,
        });
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let many = self.tap.labels().leave(self.tenant);
        // The sidecar may sleep as long as no kernel runs.
        if many {
            self.tap.wake();
        }
    }
}

/// What a taker knows of a sampled job beside its completion.
#[derive(Clone, Copy, Default)]
pub struct Taken {
    pub at: u64,
    /// Read before `at`.
    pub epoch: u32,
    pub submitted: u64,
    pub place: u16,
    pub fuel: u32,
    pub epochs: Option<(u32, u32)>,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn count(sampler: Sampler, jobs: u32) -> u32 {
        (0..jobs).filter(|&n| sampler.takes_root(n)).count() as u32
    }

    #[test]
    fn as_many_roots_are_sampled_as_asked_for() {
        assert_eq!(count(Sampler::new(0.0, true), 10_000), 0);
        assert_eq!(count(Sampler::new(1.0, false), 10_000), 10_000);
        for (ratio, expected) in [(0.5, 50_000), (0.01, 1000), (0.001, 100)] {
            let sampler = Sampler::new(ratio, true);
            let got = count(sampler, 100_000);
            assert!(got.abs_diff(expected) <= 3, "{ratio}: {got}");
        }
    }

    #[test]
    fn children_go_by_their_parent_or_their_trace_id() {
        let mut context = TraceContext {
            trace_id: [7; 16],
            parent_id: [1; 8],
            flags: TraceContext::SAMPLED,
        };
        assert!(Sampler::new(0.0, true).takes_child(&context));
        assert!(!Sampler::new(0.0, false).takes_child(&context));
        context.flags = 0;
        assert!(!Sampler::new(1.0, true).takes_child(&context));
        assert!(Sampler::new(1.0, false).takes_child(&context));
        // 0x07... of 0xff...: below a tenth.
        assert!(Sampler::new(0.1, false).takes_child(&context));
        context.trace_id[8] = 0xf0;
        assert!(!Sampler::new(0.9, false).takes_child(&context));
        context.trace_id[8..].fill(0xff);
        assert!(Sampler::new(1.0, false).takes_child(&context));
    }

    #[test]
    fn a_note_comes_back_as_it_was() {
        let context = TraceContext {
            trace_id: *b"0123456789abcdef",
            parent_id: *b"parentid",
            flags: TraceContext::SAMPLED,
        };
        let note = Note::default();
        note.write(Some(&context), 1 << 24, u32::MAX - 1);
        assert_eq!(note.read(), (context, 1 << 24, u32::MAX - 1));
        note.write(None, 1, 0);
        assert_eq!(note.read(), (TraceContext::default(), 1, 0));
        assert!(!note.read().0.is_valid());
    }

    /// A label is there as long as a span of its tenant may be, and no longer.
    #[test]
    fn labels_stay_until_the_last_span_is_popped() {
        const QUEUE: usize = 4;
        let epoch = AtomicU32::new(0);
        // SAFETY: the epoch outlives the tap and its pipes.
        let tap = Arc::new(unsafe { Tap::new(Sampler::new(1.0, true), QUEUE, &epoch) });
        let pipe = |id| Pipe::new(tap.clone(), &format!("tenant {id}"), id, 1);
        let push = |pipe: &Pipe| pipe.ended(0, &Completion::default(), Taken::default());
        let mut popped = 0;
        let mut pop = |most: usize| {
            let mut labels = tap.labels();
            let mut seen = Vec::new();
            while seen.len() < most {
                let Some(ended) = tap.pop() else { break };
                seen.push(labels.of(ended.tenant).to_string());
            }
            popped += seen.len() as u64;
            labels.forget(popped, QUEUE, seen.len() < most);
            (seen, labels.of.len(), labels.gone.len())
        };

        let (stays, goes) = (pipe(1), pipe(2));
        push(&stays);
        push(&goes);
        drop(goes);
        assert_eq!(pop(1), (vec!["tenant 1".into()], 2, 1));
        // The queue is never seen empty.
        for left in (0..QUEUE).rev() {
            push(&stays);
            let gone = usize::from(left != 0);
            let (seen, labels, waiting) = pop(1);
            let expected = ["tenant 1", "tenant 2"][usize::from(left == QUEUE - 1)];
            assert_eq!((&*seen[0], labels, waiting), (expected, 1 + gone, gone));
        }
        // It is.
        drop(pipe(3));
        push(&stays);
        assert_eq!(pop(9), (vec!["tenant 1".into(); 2], 1, 0));
        drop(stays);
        assert_eq!(pop(9), (vec![], 0, 0));

        // Without anybody who pops there are none.
        let stays = pipe(4);
        tap.labels().close();
        push(&stays);
        drop((stays, pipe(5)));
        let labels = tap.labels();
        assert_eq!((labels.of.len(), labels.gone.len()), (0, 0));
    }
}
