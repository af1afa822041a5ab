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

/// What one place has counted. Tenants that call the same handler share it; it has a cache line of its own.
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
    places: Box<[Place]>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            place_of: (0..NUMBERS).map(|_| AtomicU16::new(0)).collect(),
            places: (0..PLACES).map(|_| Place::default()).collect(),
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

    pub fn place(&self, place: usize) -> &Place {
        &self.places[place]
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
    pub fn count(&mut self, calls: &Calls, place: u16, completion: &Completion) {
        if place != self.place {
            self.end(calls);
            self.place = place;
        }
        self.calls += 1;
        self.faults += u64::from(completion.fault != 0);
        self.fuel += u64::from(completion.fuel);
    }

    pub fn end(&mut self, calls: &Calls) {
        if self.calls == 0 {
            return;
        }
        let place = calls.place(self.place as usize);
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
