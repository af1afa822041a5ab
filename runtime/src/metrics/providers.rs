//! What hosts want to be told beside what the library counts: names and values, asked for when a snapshot is taken.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Provided;
use crate::error::Error;
use crate::ring::sync::lock;

/// Where a provider tells its values.
pub struct Sink<'a> {
    out: &'a mut Vec<Provided>,
    /// How many of `out` count.
    told: usize,
    refused: u64,
}

impl Sink<'_> {
    /// Tells a value. Gives false if the name is refused: it is no good one, another value has it, or the library has.
    pub fn value(&mut self, name: &str, value: f64) -> bool {
        let good = is_name(name) && !name.starts_with("rota_") && !self.has(name);
        match good {
            true => self.own(name, value),
            false => self.refuse(),
        }
        good
    }

    /// Counts a name that can't even be told.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    fn has(&self, name: &str) -> bool {
        self.out[..self.told].iter().any(|told| told.name == name)
    }

    /// The same for the library's own.
    pub(crate) fn own(&mut self, name: &str, value: f64) {
        match self.out.get_mut(self.told) {
            Some(place) => {
                place.name.clear();
                place.name.push_str(name);
                place.value = value;
            }
            None => self.out.push(Provided {
                name: name.into(),
                value,
            }),
        }
        self.told += 1;
    }
}

/// Whether a metric may have that name.
fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.len() <= 256
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

thread_local! {
    /// Whether a provider is being asked by this thread.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// That no provider is calling: it would wait for itself.
pub fn not_in_provider() -> Result<(), Error> {
    match ASKING.get() {
        true => Err(Error::WrongState(
            "a provider of metrics can't take a snapshot, nor remove a provider",
        )),
        false => Ok(()),
    }
}

/// Sets the mark for as long as it lives, also where a provider panics.
struct Asking;

impl Asking {
    fn begin() -> Self {
        ASKING.set(true);
        Self
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKING.set(false);
    }
}

type Provider = Arc<dyn Fn(&mut Sink) + Send + Sync>;

#[derive(Default)]
pub struct Providers {
    all: Mutex<Vec<(u64, Provider)>>,
    next: AtomicU64,
    /// Held while they are asked.
    asking: Mutex<()>,
    refused: AtomicU64,
}

impl Providers {
    pub fn add(&self, provider: Provider) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        lock(&self.all).push((id, provider));
        id
    }

    /// Whether it was there. A snapshot that is asking it is waited for.
    pub fn remove(&self, id: u64) -> bool {
        let _asking = lock(&self.asking);
        let mut all = lock(&self.all);
        let before = all.len();
        all.retain(|(other, _)| *other != id);
        all.len() != before
    }

    /// Asks all, `first` before them; gives how many names were refused until now.
    pub fn ask(&self, out: &mut Vec<Provided>, first: impl FnOnce(&mut Sink)) -> u64 {
        let _asking = lock(&self.asking);
        let mut sink = Sink {
            out,
            told: 0,
            refused: 0,
        };
        first(&mut sink);
        let mut at = 0;
        // One at a time, so that a provider may add another.
        loop {
            let next = lock(&self.all)
                .get(at)
                .map(|(_, provider)| provider.clone());
            let Some(provider) = next else { break };
            let asking = Asking::begin();
            provider(&mut sink);
            drop(asking);
            at += 1;
        }
        let (told, refused) = (sink.told, sink.refused);
        out.truncate(told);
        self.refused.fetch_add(refused, Ordering::Relaxed) + refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_names_and_second_ones_are_refused() {
        let providers = Providers::default();
        let id = providers.add(Arc::new(|sink: &mut Sink| {
            assert!(sink.value("queue_depth", 3.0));
            for bad in [
                "queue_depth",
                "",
                "1a",
                "a-b",
                "a b",
                "ä",
                "rota_x",
                "a\n",
                "own",
            ] {
                assert!(!sink.value(bad, 1.0), "{bad:?}");
            }
        }));
        let mut out = Vec::new();
        for n in 1..3 {
            assert_eq!(providers.ask(&mut out, |sink| sink.own("own", 1.0)), n * 9);
            let told: Vec<_> = out.iter().map(|p| (p.name.as_str(), p.value)).collect();
            assert_eq!(told, [("own", 1.0), ("queue_depth", 3.0)]);
        }
        assert!(providers.remove(id));
        assert!(!providers.remove(id));
        providers.ask(&mut out, |_| ());
        assert!(out.is_empty());
    }
}
