//! One word for the life of a tenant: free slots, publishers inside, and its state.
//!
//! A publisher's one compare-and-swap asks for the state, enters, and takes free slots; so nobody is let in who would
//! not have been a moment later, and nobody takes a slot without being inside. Whoever closes changes the state and
//! waits until nobody is inside. Every change of the word is a read-modify-write, so that what was released with one
//! of them is acquired with each later one.

use super::sync::{AtomicU64, Ordering, Padded};

/// What a tenant is at. It only ever moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum State {
    /// It accepts jobs.
    Active = 0,
    /// It accepts none any more; those that it has run.
    Draining = 1,
    /// Jobs that have not begun end as REVOKED, those that run end soon.
    Revoked = 2,
    /// It was destroyed.
    Gone = 3,
}

/// Why a publisher isn't let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// By the tenant's own state.
    State(State),
    /// The runtime has stopped.
    Stopped,
}

/// The runtime has stopped, whatever the tenant's state.
const STOPPED: u64 = 1 << 63;
const STATE_SHIFT: u32 = 56;
const ONE_INSIDE: u64 = 1 << 32;
const INSIDE_MASK: u64 = (1 << 24) - 1;

/// The word: 32 bits of free slots, 24 of publishers inside, the state, and above it whether the runtime has stopped.
pub struct Life(Padded<AtomicU64>);

impl Life {
    /// An active one with so many free slots.
    pub fn new(slots: u32) -> Self {
        Self(Padded(AtomicU64::new(slots as u64)))
    }

    fn state_of(word: u64) -> State {
        match word >> STATE_SHIFT & 3 {
            0 => State::Active,
            1 => State::Draining,
            2 => State::Revoked,
            _ => State::Gone,
        }
    }

    /// Whether who needs the tenant to be in a state up to `last` may enter.
    fn check(word: u64, last: State) -> Result<(), Closed> {
        if word >> STATE_SHIFT == 0 {
            return Ok(());
        }
        if word & STOPPED != 0 && Self::state_of(word) != State::Gone {
            return Err(Closed::Stopped);
        }
        match Self::state_of(word) {
            state if state > last => Err(Closed::State(state)),
            _ => Ok(()),
        }
    }

    pub fn state(&self) -> State {
        Self::state_of(self.0.load(Ordering::Acquire))
    }

    /// Slots that nobody has.
    pub fn free(&self) -> u32 {
        self.0.load(Ordering::Acquire) as u32
    }

    /// That somebody would be let in now whom states up to `last` are good enough for.
    #[inline]
    pub fn is_open(&self, last: State) -> Result<(), Closed> {
        // Acquire: who is refused sees why.
        Self::check(self.0.load(Ordering::Acquire), last)
    }

    /// Lets a publisher in and gives it up to `n` slots; with none free it isn't let in, and the count is 0.
    #[inline]
    pub fn enter(&self, n: u32) -> Result<u32, Closed> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word >> STATE_SHIFT != 0 {
                // Acquire: who is refused sees why.
                self.is_open(State::Active)?;
            }
            let got = (word as u32).min(n);
            if got == 0 {
                return Ok(0);
            }
            // Acquire: what the taker read from the slots that these stand for was read before we write them.
            match self.0.compare_exchange_weak(
                word,
                word - got as u64 + ONE_INSIDE,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(got),
                Err(now) => word = now,
            }
        }
    }

    /// Lets somebody in who needs no slot, in states up to `last`.
    pub fn enter_without(&self, last: State) -> Result<(), Closed> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            Self::check(word, last)?;
            match self.0.compare_exchange_weak(
                word,
                word + ONE_INSIDE,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// By who was let in.
    #[inline]
    pub fn leave(&self) {
        // Release: what was published comes before the leaving.
        let before = self.0.fetch_sub(ONE_INSIDE, Ordering::Release);
        debug_assert!(before >> 32 & INSIDE_MASK != 0);
    }

    /// Takes `n` slots, or none, without being let in; in any state.
    pub fn take(&self, n: u32) -> bool {
        self.change(|word| (word as u32 >= n).then(|| word - n as u64))
            .is_ok()
    }

    /// Gives `n` slots back.
    #[inline]
    pub fn give_back(&self, n: u32) {
        // Release: our reads of the slots' notes and records come before the next publisher's writes.
        let before = self.0.fetch_add(n as u64, Ordering::Release);
        debug_assert!(before as u32 <= u32::MAX - n);
    }

    /// Moves on to a later state; gives the state before, which may be as late already.
    pub fn advance(&self, to: State) -> State {
        let moved = self.change(|word| {
            (Self::state_of(word) < to)
                .then_some(word & !(3 << STATE_SHIFT) | (to as u64) << STATE_SHIFT)
        });
        Self::state_of(moved.unwrap_or_else(|now| now))
    }

    /// Changes the word, if `next` gives another one; gives what it was, or as an error what it is.
    fn change(&self, next: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next)
    }

    /// Lets nobody in any more: the runtime stops.
    pub fn stop(&self) {
        self.0.fetch_or(STOPPED, Ordering::AcqRel);
    }

    /// Whether nobody is inside.
    pub fn is_left(&self) -> bool {
        // Acquire: what those inside published is seen after this.
        self.0.load(Ordering::Acquire) >> 32 & INSIDE_MASK == 0
    }
}
