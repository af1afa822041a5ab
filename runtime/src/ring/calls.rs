//! How often handlers were called, as the host hears of it when completions are taken.
//!
//! A handler's number stands for a place here while it is loaded; handlers of one name in modules of one label share a place.
//! Which place it is goes along with the job, so that a completion counts where it belongs, however late it is taken.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use super::submission::Completion;

/// Places: the first is for all that find none.
pub const PLACES: usize = 1025;
/// Numbers of handlers.
const NUMBERS: usize = 1 << 16;

/// Each place is there so many times, and a tenant counts in one of them: tenants that call the same handler seldom write the
/// same word.
pub const STRIPES: usize = 8;

/// What one place has counted in one stripe. It has a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
pub struct Place {
    pub calls: AtomicU64,
    pub faults: AtomicU64,
    /// Of jobs whose completions tell it.
    pub fuel: AtomicU64,
}

pub struct Calls {
    place_of: Box<[AtomicU16]>,
    /// By stripe, so that processors that fetch lines in pairs fetch no line of another's.
    places: Box<[Place]>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            place_of: (0..NUMBERS).map(|_| AtomicU16::new(0)).collect(),
            places: (0..PLACES * STRIPES).map(|_| Place::default()).collect(),
        }
    }
}

impl Calls {
    /// The place of a handler's number, whatever its generation.
    #[inline]
    pub fn place_of(&self, number: u32) -> u16 {
        self.place_of[number as usize % NUMBERS].load(Ordering::Relaxed)
    }

    /// From now on jobs of this number count there. Before anybody can call it.
    pub fn set_place(&self, number: u32, place: u16) {
        self.place_of[number as usize % NUMBERS].store(place, Ordering::Relaxed);
    }

    #[inline]
    fn place(&self, place: u16, stripe: usize) -> &Place {
        &self.places[stripe % STRIPES * PLACES + place as usize]
    }

    /// What a place has counted: calls, faults and fuel. What faulted was called.
    pub fn read(&self, place: u16) -> (u64, u64, u64) {
        let sum = |get: fn(&Place) -> &AtomicU64| -> u64 {
            (0..STRIPES)
                .map(|stripe| get(self.place(place, stripe)).load(Ordering::Relaxed))
                .sum()
        };
        let (faults, fuel) = (sum(|p| &p.faults), sum(|p| &p.fuel));
        let calls = sum(|p| &p.calls);
        (calls, faults.min(calls), fuel)
    }
}

/// Completions of one place in a row, counted together.
#[derive(Default)]
pub struct Row {
    place: u16,
    calls: u64,
    faults: u64,
    fuel: u64,
}

impl Row {
    #[inline]
    pub fn count(&mut self, calls: &Calls, stripe: usize, place: u16, completion: &Completion) {
        if place != self.place {
            self.end(calls, stripe);
            self.place = place;
        }
        self.calls += 1;
        self.faults += u64::from(completion.fault != 0);
        self.fuel += u64::from(completion.fuel);
    }

    #[inline]
    pub fn end(&mut self, calls: &Calls, stripe: usize) {
        if self.calls == 0 {
            return;
        }
        let place = calls.place(self.place, stripe);
        place.calls.fetch_add(self.calls, Ordering::Relaxed);
        for (counter, n) in [(&place.faults, self.faults), (&place.fuel, self.fuel)] {
            if n != 0 {
                counter.fetch_add(n, Ordering::Relaxed);
            }
        }
        *self = Self {
            place: self.place,
            ..Self::default()
        };
    }
}
