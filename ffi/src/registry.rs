//! Handles: a C caller's opaque pointer is an id that is looked up here and never dereferenced.
//!
//! An id is `tag:8 | generation:36 | index + 1:20`. The tag tells the types apart, and because it
//! lies above the canonical address range no address that malloc gave can be taken for an id. Each
//! index has one entry for ever: entries are recycled under a new generation, never freed, so a
//! stale id always finds memory of the right type and then the wrong generation.
//!
//! An entry's whole state is one word: `generation:36 | CLOSED:1 | callers inside:27`. A call is one
//! `fetch_add`, which enters and reads the state at once, and one `fetch_sub`. There is no lock and
//! no allocation in it.
//!
//! Why nobody sees a freed or a recycled value: `close` sets CLOSED by compare-and-swap, so exactly
//! one closer wins. Every `fetch_add` that comes later in the word's modification order sees CLOSED
//! (or, after recycling, another generation) and leaves without having touched the value. The ones
//! that came before are in the count. So once the closer has read a count of 0, nobody is inside and
//! nobody will be, and the value is the closer's alone. A caller who was turned away is in the count
//! for a moment too; that can only delay the closer.
//!
//! A new generation is set while CLOSED still is, so an entry goes from (g, open) through (g, closed)
//! and (g + 1, closed) to (g + 1, open), and never shows an old id an open state again.

use crate::sync::{AtomicPtr, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, UnsafeCell};
use std::ptr::null_mut;

const INDEX_BITS: u32 = 20;
const TAG_SHIFT: u32 = 56;
const CLOSED: u64 = 1 << 27;
const COUNT: u64 = CLOSED - 1;
const GENERATION_SHIFT: u32 = 28;
const GENERATIONS: u64 = 1 << 36;

/// Entries come in chunks, so that making more of them moves none.
#[cfg(not(loom))]
const CHUNK: usize = 256;
#[cfg(loom)]
const CHUNK: usize = 1;
const CHUNKS: usize = if cfg!(loom) {
    1
} else {
    (1 << INDEX_BITS) / CHUNK
};
/// index + 1 has to fit its bits.
const ENTRIES: usize = CHUNK * CHUNKS - if cfg!(loom) { 0 } else { 1 };

/// The id names nothing that is open here: closed, of another type, or never given out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stale;

// The word is written by every call: neighbours must not share its cache line, nor the pair of
// lines that x86 prefetches together.
#[repr(align(128))]
struct Entry<T> {
    word: AtomicU64,
    value: UnsafeCell<Option<T>>,
}

pub(crate) struct Registry<T> {
    tag: u8,
    chunks: [AtomicPtr<[Entry<T>; CHUNK]>; CHUNKS],
    free: Mutex<Free>,
    /// Some entry that is being closed has been left by its last caller.
    left: Condvar,
}

struct Free {
    indices: Vec<u32>,
    made: usize,
}

// SAFETY: a value is shared between threads by reference (T: Sync) and taken out by another thread
// than the one that put it in (T: Send); who may do which when is argued above.
unsafe impl<T: Send + Sync> Sync for Registry<T> {}
// SAFETY: as above; the chunks are owned.
unsafe impl<T: Send> Send for Registry<T> {}

impl<T> Registry<T> {
    #[cfg(not(loom))]
    pub(crate) const fn new(tag: u8) -> Self {
        Self {
            tag,
            chunks: [const { AtomicPtr::new(null_mut()) }; CHUNKS],
            free: Mutex::new(Free {
                indices: Vec::new(),
                made: 0,
            }),
            left: Condvar::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new(tag: u8) -> Self {
        Self {
            tag,
            chunks: std::array::from_fn(|_| AtomicPtr::new(null_mut())),
            free: Mutex::new(Free {
                indices: Vec::new(),
                made: 0,
            }),
            left: Condvar::new(),
        }
    }

    /// Calls `f` with the value that `id` names; closing waits until `f` has returned.
    #[inline]
    pub(crate) fn with<R>(&self, id: u64, f: impl FnOnce(&T) -> R) -> Result<R, Stale> {
        let (entry, open) = self.find(id).ok_or(Stale)?;
        // Acquire: pairs with the Release of `insert`, so that the value is seen whole. It also
        // keeps what `f` reads from moving up before the caller is counted.
        let before = entry.word.fetch_add(1, Ordering::Acquire);
        let _inside = Inside {
            registry: self,
            entry,
        };
        if before & !COUNT != open {
            return Err(Stale);
        }
        entry.value.with(|value| {
            // SAFETY: the entry was open and is not freed while this caller is counted; nobody has
            // a mutable reference to the value of an open entry.
            match unsafe { &*value } {
                Some(value) => Ok(f(value)),
                None => Err(Stale),
            }
        })
    }

    /// Puts a value in and gives its id; gives the value back when there is no room for it.
    pub(crate) fn insert(&self, value: T) -> Result<u64, T> {
        let Some(index) = self.take_index() else {
            return Err(value);
        };
        let entry = self.entry(index).expect("an index given out has an entry");
        entry.value.with_mut(|place| {
            // SAFETY: the entry is closed and was drained before its index became free, and the
            // index is this call's alone now.
            unsafe { *place = Some(value) }
        });
        // Release: whoever enters sees the value. The count may be moving (stale callers come and
        // go), so this has to be a read-modify-write.
        let word = entry.word.fetch_and(!CLOSED, Ordering::Release);
        let generation = word >> GENERATION_SHIFT;
        Ok((self.tag as u64) << TAG_SHIFT | generation << INDEX_BITS | (index as u64 + 1))
    }

    /// Turns new callers away. Of several closers of one id, one gets it and the others get Stale.
    pub(crate) fn close(&self, id: u64) -> Result<Closing<'_, T>, Stale> {
        let (entry, open) = self.find(id).ok_or(Stale)?;
        let mut seen = entry.word.load(Ordering::Relaxed);
        loop {
            if seen & !COUNT != open {
                return Err(Stale);
            }
            // Acquire: the closer looks at the value, as an entering caller does.
            match entry.word.compare_exchange_weak(
                seen,
                seen | CLOSED,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        Ok(Closing {
            registry: self,
            entry,
            index: index_of(id).expect("an id that was found has an index"),
        })
    }

    /// The entry of `id` and the word (without callers) that it has while `id` is open.
    #[inline]
    fn find(&self, id: u64) -> Option<(&Entry<T>, u64)> {
        if (id >> TAG_SHIFT) as u8 != self.tag {
            return None;
        }
        let entry = self.entry(index_of(id)?)?;
        let generation = (id >> INDEX_BITS) & (GENERATIONS - 1);
        Some((entry, generation << GENERATION_SHIFT))
    }

    #[inline]
    fn entry(&self, index: usize) -> Option<&Entry<T>> {
        // Acquire: pairs with the Release that published the chunk.
        let chunk = self.chunks.get(index / CHUNK)?.load(Ordering::Acquire);
        // SAFETY: a chunk pointer is null or points to a chunk that lives as long as the registry.
        unsafe { chunk.as_ref() }.map(|chunk| &chunk[index % CHUNK])
    }

    fn take_index(&self) -> Option<usize> {
        let mut free = self.lock();
        if let Some(index) = free.indices.pop() {
            return Some(index as usize);
        }
        let index = free.made;
        if index == ENTRIES {
            return None;
        }
        if index.is_multiple_of(CHUNK) {
            // Room for every index there will be, so that recycling never allocates.
            let room = index + CHUNK - free.indices.len();
            free.indices.try_reserve(room).ok()?;
            self.chunks[index / CHUNK].store(new_chunk()?, Ordering::Release);
        }
        free.made += 1;
        Some(index)
    }

    #[cold]
    fn wake_closers(&self) {
        // Taking the lock puts this after the closer's look at the count: either that look came
        // after the last caller's fetch_sub, or the closer sleeps by now.
        let _free = self.lock();
        self.left.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        // Nothing panics while the lock is held, and a half-done list would still be a valid one.
        self.free
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T> Drop for Registry<T> {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            let chunk = chunk.load(Ordering::Relaxed);
            if !chunk.is_null() {
                // SAFETY: made by `new_chunk` as a box; `&mut self` says that nobody uses it.
                drop(unsafe { Box::from_raw(chunk) });
            }
        }
    }
}

fn index_of(id: u64) -> Option<usize> {
    (id as usize & ((1 << INDEX_BITS) - 1)).checked_sub(1)
}

/// A chunk of closed entries of generation 1; None without memory.
fn new_chunk<T>() -> Option<*mut [Entry<T>; CHUNK]> {
    let mut entries = Vec::new();
    entries.try_reserve_exact(CHUNK).ok()?;
    entries.extend((0..CHUNK).map(|_| Entry {
        word: AtomicU64::new(1 << GENERATION_SHIFT | CLOSED),
        value: UnsafeCell::new(None),
    }));
    let chunk: Box<[Entry<T>; CHUNK]> = entries.into_boxed_slice().try_into().ok()?;
    Some(Box::into_raw(chunk))
}

/// A caller in the count; leaves when dropped, also when the call unwinds.
struct Inside<'r, T> {
    registry: &'r Registry<T>,
    entry: &'r Entry<T>,
}

impl<T> Drop for Inside<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: what the caller did with the value happens before the closer's Acquire load of
        // the 0 that this leads to (later read-modify-writes continue the release sequence).
        let before = self.entry.word.fetch_sub(1, Ordering::Release);
        if before & (CLOSED | COUNT) == CLOSED | 1 {
            self.registry.wake_closers();
        }
    }
}

/// An entry that turns callers away and still has its value. Dropped without `finish` (a panic on
/// the way), it stays so for ever: a leak rather than a wait for callers whom nobody wakes.
pub(crate) struct Closing<'r, T> {
    registry: &'r Registry<T>,
    entry: &'r Entry<T>,
    index: usize,
}

impl<T> Closing<'_, T> {
    /// Calls `f` with the value; callers may still be inside.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        self.entry.value.with(|value| {
            // SAFETY: only `finish`, which consumes self, takes a mutable reference.
            f(unsafe { &*value }
                .as_ref()
                .expect("an entry has its value until it is drained"))
        })
    }

    /// Waits until nobody is inside, takes the value out and lets the entry be used again.
    pub(crate) fn finish(self) -> T {
        let mut free = self.registry.lock();
        // Acquire: pairs with the Release of those who left.
        while self.entry.word.load(Ordering::Acquire) & COUNT != 0 {
            free = self
                .registry
                .left
                .wait(free)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        let value = self.entry.value.with_mut(|value| {
            // SAFETY: CLOSED is set and the count was 0, so the value is this closer's alone.
            unsafe { (*value).take() }
        });
        // Relaxed: the index is passed on under the lock. An entry whose generations are used up
        // is not used again.
        let word = self.entry.word.load(Ordering::Relaxed);
        if word >> GENERATION_SHIFT < GENERATIONS - 1 {
            self.entry
                .word
                .fetch_add(1 << GENERATION_SHIFT, Ordering::Relaxed);
            free.indices.push(self.index as u32);
        }
        drop(free);
        value.expect("an entry has its value until it is drained")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    #[test]
    fn an_id_names_its_value_until_it_is_closed() {
        let registry = Registry::new(7);
        let id = registry.insert(41).unwrap();
        assert_eq!(registry.with(id, |v| v + 1), Ok(42));
        assert_eq!(registry.close(id).unwrap().finish(), 41);
        assert_eq!(registry.with(id, |v| *v), Err(Stale));
        assert!(registry.close(id).is_err());
    }

    #[test]
    fn a_recycled_entry_does_not_answer_to_its_old_id() {
        let registry = Registry::new(7);
        let old = registry.insert(1).unwrap();
        registry.close(old).unwrap().finish();
        let new = registry.insert(2).unwrap();
        assert_eq!(index_of(old), index_of(new), "the entry was recycled");
        assert_eq!(registry.with(old, |v| *v), Err(Stale));
        assert_eq!(registry.with(new, |v| *v), Ok(2));
    }

    #[test]
    fn foreign_and_made_up_ids_name_nothing() {
        let registry = Registry::new(7);
        let other = Registry::new(8);
        let id = registry.insert(1).unwrap();
        let foreign = other.insert(2).unwrap();
        let somewhere = &id as *const u64 as u64;
        let made_up = [
            0,
            1,
            u64::MAX,
            foreign,
            somewhere,
            id + 1,
            id + 300,
            id & !1,
        ];
        for wrong in made_up.into_iter().chain([id ^ (1 << 21), id ^ (1 << 55)]) {
            assert_eq!(registry.with(wrong, |v| *v), Err(Stale), "{wrong:#x}");
            assert!(registry.close(wrong).is_err(), "{wrong:#x}");
        }
        assert_eq!(registry.with(id, |v| *v), Ok(1));
    }

    #[test]
    fn many_values_live_side_by_side() {
        let registry = Registry::new(7);
        let ids: Vec<u64> = (0..3 * CHUNK)
            .map(|i| registry.insert(i).unwrap())
            .collect();
        for (i, &id) in ids.iter().enumerate() {
            assert_eq!(registry.with(id, |v| *v), Ok(i));
        }
    }

    #[test]
    fn closing_waits_for_the_callers_inside() {
        let registry = Registry::new(7);
        let id = registry.insert(AtomicBool::new(false)).unwrap();
        let entered = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                registry.with(id, |finished| {
                    entered.wait();
                    std::thread::sleep(Duration::from_millis(50));
                    finished.store(true, Ordering::Relaxed);
                })
            });
            entered.wait();
            let closing = registry.close(id).unwrap();
            assert_eq!(registry.with(id, |_| ()), Err(Stale));
            assert!(closing.finish().into_inner(), "freed with a caller inside");
        });
    }

    #[test]
    fn a_caller_that_unwinds_leaves() {
        let registry = Registry::new(7);
        let id = registry.insert(5).unwrap();
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            registry.with(id, |_| std::panic::resume_unwind(Box::new(())))
        }));
        assert!(unwound.is_err());
        assert_eq!(registry.close(id).unwrap().finish(), 5);
    }

    #[test]
    fn an_entry_whose_generations_are_used_up_is_retired() {
        let registry = Registry::new(7);
        let id = registry.insert(1).unwrap();
        let (entry, _) = registry.find(id).unwrap();
        let last = (GENERATIONS - 1) << GENERATION_SHIFT;
        entry.word.store(last, Ordering::Relaxed);
        let id = id & !((GENERATIONS - 1) << INDEX_BITS) | (GENERATIONS - 1) << INDEX_BITS;
        assert_eq!(registry.close(id).unwrap().finish(), 1);
        assert_ne!(index_of(registry.insert(2).unwrap()), index_of(id));
        assert_eq!(registry.with(id, |v| *v), Err(Stale));
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p rota-ffi --release --lib loom`. loom's cells report every
/// overlap of a reader with the closer who takes the value out, and every deadlock.
#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    fn registry_with_one() -> (Arc<Registry<u32>>, u64) {
        let registry = Arc::new(Registry::new(7));
        let id = registry.insert(1).unwrap();
        (registry, id)
    }

    #[test]
    fn the_value_outlives_the_callers_inside() {
        // Two callers and a closer take too long without a bound.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let (registry, id) = registry_with_one();
            let callers: Vec<_> = (0..2)
                .map(|_| {
                    let registry = registry.clone();
                    thread::spawn(move || registry.with(id, |v| *v))
                })
                .collect();
            let closing = registry.close(id).unwrap();
            assert_eq!(closing.with(|v| *v), 1);
            assert_eq!(closing.finish(), 1);
            for caller in callers {
                let saw = caller.join().unwrap();
                assert!(saw == Ok(1) || saw == Err(Stale));
            }
            assert_eq!(registry.with(id, |v| *v), Err(Stale));
        });
    }

    #[test]
    fn an_old_id_never_sees_the_next_value() {
        loom::model(|| {
            let (registry, old) = registry_with_one();
            let caller = {
                let registry = registry.clone();
                thread::spawn(move || registry.with(old, |v| *v))
            };
            registry.close(old).unwrap().finish();
            let new = registry.insert(2).unwrap();
            assert_eq!(registry.with(new, |v| *v), Ok(2));
            let saw = caller.join().unwrap();
            assert!(saw == Ok(1) || saw == Err(Stale));
        });
    }

    #[test]
    fn one_closer_wins_against_another_and_a_recycling() {
        loom::model(|| {
            let (registry, id) = registry_with_one();
            let other = {
                let registry = registry.clone();
                thread::spawn(move || registry.close(id).map(|c| c.finish()).is_ok())
            };
            let here = registry.close(id).map(|c| c.finish()).is_ok();
            let new = registry.insert(2);
            let there = other.join().unwrap();
            assert!(here != there, "one of the two closes");
            if let Ok(new) = new {
                assert_eq!(registry.with(new, |v| *v), Ok(2));
            }
        });
    }

    #[test]
    fn a_value_is_seen_whole_through_an_id_that_was_passed_on_relaxed() {
        loom::model(|| {
            let registry = Arc::new(Registry::new(7));
            let passed = Arc::new(AtomicU64::new(0));
            let caller = {
                let (registry, passed) = (registry.clone(), passed.clone());
                thread::spawn(move || {
                    // Relaxed: the id's own way between the threads may order nothing.
                    registry.with(passed.load(Ordering::Relaxed), |v| *v)
                })
            };
            let id = registry.insert(1).unwrap();
            passed.store(id, Ordering::Relaxed);
            let saw = caller.join().unwrap();
            assert!(saw == Ok(1) || saw == Err(Stale));
        });
    }
}
