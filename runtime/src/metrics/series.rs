//! Which tenants are told apart: a bounded number of labels has a series each, and all others share one.
//!
//! A tenant counts in the series that it got when it was made. When it goes, what it has counted stays in its series, so that a
//! series only rises; when a new label needs a place, the series whose last tenant left longest ago gives its place up, and what
//! it has counted moves to the overflow's. So the sum over all series is the sum over all tenants that there ever were, and
//! memory is bounded by the number of series and of tenants that are there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::exposition::escape;
use super::{older, HandlerMetrics, LatencySums, Metrics, Rows, RuntimeMetrics, OVERFLOW};
use crate::ring::calls::{Calls, PLACES};
use crate::ring::latency::FINE;
use crate::ring::submission::Ages;
use crate::ring::sync::{lock, prefetch};
use crate::tenant::{Ledger, Sums, TenantCounters};

/// Bytes of a label, at most; what is longer is cut, and gets a part of its hash so that it stays what it is.
const MOST_LABEL: usize = 128;
const HASH_DIGITS: usize = 16;

/// The overflow's place in the table.
const REST: usize = 0;

/// A label as series have it: bounded, and never the overflow's.
pub fn bounded(label: &str) -> String {
    // What would be taken for the overflow's gets an underscore more, and what would be taken for that one more again.
    if label.trim_start_matches('_') == OVERFLOW.trim_start_matches('_')
        && label.len() >= OVERFLOW.len()
    {
        return format!("_{}", bounded_length(label));
    }
    bounded_length(label)
}

fn bounded_length(label: &str) -> String {
    if label.len() <= MOST_LABEL {
        return label.into();
    }
    let hash = blake3::hash(label.as_bytes()).to_hex();
    let mut end = MOST_LABEL - HASH_DIGITS - 1;
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{}", &label[..end], &hash[..HASH_DIGITS])
}

/// Jobs by the fine bucket of how long they took.
pub type Fine = [u64; FINE];

struct Series {
    label: Arc<str>,
    rendered: Arc<str>,
    /// What tenants that are gone have counted, if there were any.
    gone: Option<Box<Sums>>,
    /// How long the jobs of those took, by fine buckets; apart, since snapshots don't read it.
    gone_fine: Option<Box<Fine>>,
    /// By id.
    live: BTreeMap<u64, Ledger>,
    /// When its last tenant left, by a count of all that left.
    left: u64,
}

impl Sums {
    /// The sums over all tenants of a series, but for its id.
    fn of(series: &Series) -> Self {
        let mut sums = series.gone.as_deref().cloned().unwrap_or_default();
        for ledger in series.live.values() {
            let latency = &mut LatencySums::default();
            ledger.read(&mut TenantCounters::default(), latency, &mut sums);
        }
        sums
    }

    /// What stays of a tenant that is gone.
    fn without_what_was(mut self) -> Self {
        let counters = &mut self.counters;
        counters.id = 0;
        counters.used = Default::default();
        counters.cap = Default::default();
        counters.outstanding = 0;
        counters.lag = 0;
        self
    }
}

impl Series {
    fn new(label: &str) -> Self {
        Self {
            label: label.into(),
            rendered: rendered(&[("tenant", label)]),
            gone: None,
            gone_fine: None,
            live: BTreeMap::new(),
            left: 0,
        }
    }
}

fn add_fine(to: &mut Option<Box<Fine>>, from: &Fine) {
    let to = to.get_or_insert_with(|| Box::new([0; FINE]));
    to.iter_mut().zip(from).for_each(|(to, n)| *to += n);
}

/// Labels as text formats have them, but for the braces.
fn rendered(labels: &[(&str, &str)]) -> Arc<str> {
    let mut out = String::new();
    for (i, (name, value)) in labels.iter().enumerate() {
        if i != 0 {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        escape(value, &mut out);
        out.push('"');
    }
    out.into()
}

/// What a snapshot needs of a series.
struct Listed {
    label: Arc<str>,
    rendered: Arc<str>,
    place: usize,
    /// The only tenant that it ever had, if it is there: so it is with most.
    only: Option<Ledger>,
}

/// What a row needs is fetched so many rows before.
const AHEAD: usize = 4;

pub struct Table {
    most: usize,
    /// The overflow's first.
    all: Vec<Series>,
    by_label: HashMap<Arc<str>, usize>,
    /// All but the overflow's, sorted by label.
    order: Vec<Listed>,
    leaves: u64,
    overflowed: u64,
}

impl Table {
    pub fn new(most: u32) -> Self {
        Self {
            most: most as usize,
            all: vec![Series::new(OVERFLOW)],
            by_label: HashMap::new(),
            order: Vec::new(),
            leaves: 0,
            overflowed: 0,
        }
    }

    fn enter(&mut self, label: &str, ledger: Ledger) -> usize {
        let label = bounded(label);
        let place = match self.by_label.get(&*label) {
            Some(&place) => place,
            None => self.place_for(&label),
        };
        self.overflowed += u64::from(place == REST);
        self.all[place].live.insert(ledger.id, ledger);
        self.list(place);
        place
    }

    /// Where a label goes that has no series.
    fn place_for(&mut self, label: &str) -> usize {
        let place = if self.all.len() <= self.most {
            self.all.push(Series::new(label));
            self.all.len() - 1
        } else {
            let empty = |&place: &usize| self.all[place].live.is_empty();
            let places = (REST + 1..self.all.len()).filter(empty);
            let Some(place) = places.min_by_key(|&place| self.all[place].left) else {
                return REST;
            };
            let old = std::mem::replace(&mut self.all[place], Series::new(label));
            self.by_label.remove(&old.label);
            self.order.retain(|listed| listed.place != place);
            if let Some(gone) = old.gone {
                self.all[REST].gone.get_or_insert_default().add(&gone);
            }
            if let Some(fine) = old.gone_fine {
                add_fine(&mut self.all[REST].gone_fine, &fine);
            }
            place
        };
        let series = &self.all[place];
        let listed = Listed {
            label: series.label.clone(),
            rendered: series.rendered.clone(),
            place,
            only: None,
        };
        self.by_label.insert(series.label.clone(), place);
        self.order.insert(self.order_of(label), listed);
        place
    }

    /// Where a label is in the order, or goes.
    fn order_of(&self, label: &str) -> usize {
        self.order.partition_point(|listed| *listed.label < *label)
    }

    /// Brings the order up to date about a series.
    fn list(&mut self, place: usize) {
        if place == REST {
            return;
        }
        let series = &self.all[place];
        let mut live = series.live.values();
        let only = match (&series.gone, live.next(), live.next()) {
            (None, Some(only), None) => Some(only.clone()),
            _ => None,
        };
        let at = self.order_of(&series.label);
        self.order[at].only = only;
    }

    fn leave(&mut self, place: usize, id: u64) {
        let series = &mut self.all[place];
        if let Some(ledger) = series.live.remove(&id) {
            let gone = series.gone.get_or_insert_default();
            let (mut left, latency) = (Sums::default(), &mut LatencySums::default());
            ledger.read(&mut TenantCounters::default(), latency, &mut left);
            gone.add(&left.without_what_was());
            if let Some(latency) = ledger.ring.latency() {
                add_fine(&mut series.gone_fine, &latency.fine);
            }
        }
        self.leaves += 1;
        series.left = self.leaves;
        self.list(place);
    }

    /// Tells of all series that have any how long their jobs took, by fine buckets: in the order of their labels and the overflow's
    /// last.
    pub fn each_fine(&self, mut tell: impl FnMut(&str, &Fine)) {
        let places = self.order.iter().map(|listed| listed.place);
        for series in places.chain([REST]).map(|place| &self.all[place]) {
            let mut all = series.gone_fine.clone();
            for latency in series
                .live
                .values()
                .filter_map(|ledger| ledger.ring.latency())
            {
                add_fine(&mut all, &latency.fine);
            }
            if let Some(all) = all.filter(|all| all.iter().any(|&n| n != 0)) {
                tell(&series.label, &all);
            }
        }
    }

    /// Reads all series, in that order, and their sums.
    pub fn read(&self, runtime: &mut RuntimeMetrics, rows: &mut impl Rows) {
        let now = runtime.at_ns;
        let mut sums = Sums::default();
        let only = |index: usize| self.order.get(index)?.only.as_ref();
        for (index, listed) in self.order.iter().enumerate() {
            only(index + AHEAD).inspect(|ledger| ledger.prefetch());
            let later = self.order.get(index + AHEAD);
            later.inspect(|listed| prefetch(listed.label.as_ptr()));
            let Some(ledger) = &listed.only else {
                self.read_many(listed.place, index, &mut sums, runtime, rows);
                continue;
            };
            let (counters, latency) = rows.row(index, &listed.label, &listed.rendered);
            ledger.read(counters, latency, &mut sums);
            let mut ages = Ages::default();
            if counters.outstanding != 0 {
                ages = ledger.ring.ages(now);
                runtime.ages = older(runtime.ages, ages);
            }
            runtime.tenants += 1;
            rows.end_row(index, 1, ages);
        }
        let mut count = self.order.len();
        let rest = &self.all[REST];
        if !rest.live.is_empty() || rest.gone.is_some() {
            self.read_many(REST, count, &mut sums, runtime, rows);
            count += 1;
        }
        rows.end(count);
        (runtime.all, runtime.latency) = (sums.counters, sums.latency);
        runtime.batches_split = sums.batches_split;
        runtime.barrier_points = sums.barrier_points;
        runtime.segments = runtime.barrier_points + runtime.batches_split;
        runtime.series = count as u64;
        runtime.max_series = self.most as u64;
        runtime.overflowed = self.overflowed;
    }

    /// Reads a series of any number of tenants.
    fn read_many(
        &self,
        place: usize,
        index: usize,
        all: &mut Sums,
        runtime: &mut RuntimeMetrics,
        rows: &mut impl Rows,
    ) {
        let series = &self.all[place];
        let mut sums = Sums::of(series);
        let mut live = series.live.iter();
        sums.counters.id = match (live.next(), live.next()) {
            (Some((&id, _)), None) => id,
            _ => 0,
        };
        let ages = series
            .live
            .values()
            .fold(Ages::default(), |oldest, ledger| {
                older(oldest, ledger.ring.ages(runtime.at_ns))
            });
        let tenants = series.live.len() as u64;
        all.add(&sums);
        runtime.ages = older(runtime.ages, ages);
        runtime.tenants += tenants;
        let (counters, latency) = rows.row(index, &series.label, &series.rendered);
        (*counters, *latency) = (sums.counters, sums.latency);
        rows.end_row(index, tenants, ages);
    }
}

/// A tenant's place in its series.
pub struct Seat {
    metrics: Arc<Metrics>,
    place: usize,
    id: u64,
}

impl Seat {
    pub fn take(metrics: &Arc<Metrics>, label: &str, ledger: &Ledger) -> Self {
        let place = lock(&metrics.series).enter(label, ledger.clone());
        Self {
            metrics: metrics.clone(),
            place,
            id: ledger.id,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.metrics.series).leave(self.place, self.id);
    }
}

/// Handlers by the places that count their calls. A handler keeps its place for as long as the runtime lives: there is no telling
/// when the last completion of it is taken. When all are given away, the others share the first.
pub struct Places {
    calls: Arc<Calls>,
    /// From the second place on.
    names: Vec<Name>,
    by_name: HashMap<(Arc<str>, Arc<str>), u16>,
    /// Sorted by module and handler.
    order: Vec<u16>,
    rest: Name,
}

struct Name {
    module: Arc<str>,
    handler: Arc<str>,
    rendered: Arc<str>,
}

impl Name {
    fn new(module: &str, handler: &str) -> Self {
        Self {
            module: module.into(),
            handler: handler.into(),
            rendered: rendered(&[("module", module), ("handler", handler)]),
        }
    }

    fn key(&self) -> (&str, &str) {
        (&self.module, &self.handler)
    }
}

impl Places {
    pub fn new(calls: Arc<Calls>) -> Self {
        Self {
            calls,
            names: Vec::new(),
            by_name: HashMap::new(),
            order: Vec::new(),
            rest: Name::new(OVERFLOW, OVERFLOW),
        }
    }

    pub fn name(&mut self, number: u32, module: &str, handler: &str) {
        let (module, handler) = (bounded(module), bounded(handler));
        let key = (Arc::from(module.as_str()), Arc::from(handler.as_str()));
        let place = match self.by_name.get(&key) {
            Some(&place) => place,
            None if self.names.len() + 1 < PLACES => {
                self.names.push(Name::new(&module, &handler));
                let place = self.names.len() as u16;
                let name = |place: u16| &self.names[place as usize - 1];
                let before = |&other: &u16| name(other).key() < name(place).key();
                let at = self.order.partition_point(before);
                self.order.insert(at, place);
                self.by_name.insert(key, place);
                place
            }
            None => REST as u16,
        };
        self.calls.set_place(number, place);
    }

    /// Who is counted at this place: module and handler.
    pub fn name_of(&self, place: u16) -> (Arc<str>, Arc<str>) {
        let named = usize::from(place).checked_sub(1);
        let name = named.and_then(|n| self.names.get(n)).unwrap_or(&self.rest);
        (name.module.clone(), name.handler.clone())
    }

    /// Reads those that were called, in order, and what the others share last.
    pub fn read(&self, out: &mut Vec<HandlerMetrics>) {
        let named = self
            .order
            .iter()
            .map(|&place| (place, &self.names[place as usize - 1]));
        let mut count = 0;
        for (place, name) in named.chain([(REST as u16, &self.rest)]) {
            let (calls, faults, fuel) = self.calls.read(place);
            if calls == 0 {
                continue;
            }
            let row = HandlerMetrics {
                module: name.module.clone(),
                handler: name.handler.clone(),
                calls,
                faults,
                fuel,
                rendered: name.rendered.clone(),
            };
            match out.get_mut(count) {
                Some(place) => *place = row,
                None => out.push(row),
            }
            count += 1;
        }
        out.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded_and_stay_apart() {
        assert_eq!(bounded("a"), "a");
        assert_eq!(bounded(OVERFLOW), "___overflow__");
        assert_eq!(bounded("___overflow__"), "____overflow__");
        assert_eq!(bounded("_overflow__"), "_overflow__");
        let long = |end: &str| "ä".repeat(200) + end;
        let (a, b) = (bounded(&long("a")), bounded(&long("b")));
        assert_ne!(a, b);
        assert!(a.len() <= MOST_LABEL && b.len() <= MOST_LABEL);
        assert_eq!(bounded(&"x".repeat(128)).len(), 128);
    }
}
