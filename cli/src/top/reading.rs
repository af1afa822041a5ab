//! What a snapshot says, and what happened between two of them.

use std::collections::{BTreeMap, HashMap};

use rota::fine_quantile;
use serde_json::Value;

use super::client::Wrong;

/// One snapshot, as far as it is shown.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Seconds since the runtime was opened.
    pub at: f64,
    pub process: u64,
    pub about: About,
    pub totals: Totals,
    pub tenants: BTreeMap<String, Tenant>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    pub version: String,
    pub device: String,
    pub driver: String,
    pub mode: String,
}

#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub tenants: u64,
    pub completed: u64,
    pub faults: u64,
    pub leases: u64,
    pub rounds_busy: u64,
    pub rounds_idle: u64,
    pub recorder_records: u64,
    pub recorder_lag: u64,
}

/// A series.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    pub members: u64,
    pub completed: u64,
    pub fuel: u64,
    pub faults: u64,
    pub refused: u64,
    /// Seconds; of the oldest job that is queued, that runs, that was not taken.
    pub ages: Ages,
    pub limits: Vec<Limit>,
    /// Jobs by fine bucket of their latency.
    pub latency: Vec<(usize, u64)>,
}

pub type Ages = [Option<f64>; 3];
const ROLES: [&str; 3] = ["queued", "running", "untaken"];

/// What is limited.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub resource: String,
    /// For the resources that are counted in time, by the second.
    pub used: Option<f64>,
    pub cap: f64,
}

impl Limit {
    pub fn part(&self) -> f64 {
        match self.used {
            Some(used) if self.cap > 0.0 => used / self.cap,
            _ => 0.0,
        }
    }
}

const FUEL_PER_JOB: &str = "FUEL_PER_JOB";
const FUEL_PER_SECOND: &str = "FUEL_PER_SECOND";

impl Reading {
    pub fn parse(line: &[u8]) -> Result<Self, Wrong> {
        let json: Value =
            serde_json::from_slice(line).map_err(|e| Wrong::NotASnapshot(e.to_string()))?;
        if let Some(text) = json["error"].as_str() {
            return Err(Wrong::Refused(super::line::safe(text)));
        }
        Self::of(&json).ok_or_else(|| Wrong::NotASnapshot("it lacks what snapshots have".into()))
    }

    fn of(json: &Value) -> Option<Self> {
        let families = Families::of(json)?;
        let info = &families.samples("rota").first()?["labels"];
        let text = |name: &str| super::line::safe(info[name].as_str().unwrap_or_default());
        let mut reading = Self {
            at: json["at_seconds"].as_f64()?,
            process: json["process"].as_u64()?,
            about: About {
                version: text("version"),
                device: text("device"),
                driver: text("driver"),
                mode: text("mode"),
            },
            totals: Totals {
                tenants: families.sum("rota_tenants", &[]),
                completed: families.sum("rota_jobs_completed", &[]),
                faults: families.sum("rota_faults", &[]),
                leases: families.sum("rota_leases", &[]),
                rounds_busy: families.sum("rota_rounds", &[("kind", "busy")]),
                rounds_idle: families.sum("rota_rounds", &[("kind", "idle")]),
                recorder_records: families.sum("rota_recorder_records", &[]),
                recorder_lag: families.sum("rota_recorder_lag", &[]),
            },
            tenants: BTreeMap::new(),
        };
        let tenants = &mut reading.tenants;
        let mut each = |family: &str, add: &dyn Fn(&mut Tenant, u64, &Value)| {
            for sample in families.samples(family) {
                let Some(label) = sample["labels"]["tenant"].as_str() else {
                    continue;
                };
                let value = sample["value"].as_u64().unwrap_or_default();
                add(tenants.entry(label.into()).or_default(), value, sample);
            }
        };
        each("rota_tenant_members", &|t, n, _| t.members = n);
        each("rota_tenant_jobs_completed", &|t, n, _| t.completed = n);
        each("rota_tenant_fuel", &|t, n, _| t.fuel = n);
        each("rota_tenant_faults", &|t, n, _| t.faults += n);
        each("rota_tenant_refused", &|t, n, _| t.refused += n);
        each("rota_lag_seconds", &|t, _, sample| {
            let role = sample["labels"]["role"].as_str().unwrap_or_default();
            if let Some(n) = ROLES.iter().position(|&known| known == role) {
                t.ages[n] = sample["value"].as_f64();
            }
        });
        each("rota_tenant_quota", &|t, cap, sample| {
            let resource = sample["labels"]["resource"].as_str().unwrap_or_default();
            t.limits.push(Limit {
                resource: super::line::safe(resource),
                used: (resource != FUEL_PER_JOB).then_some(0.0),
                cap: cap as f64,
            });
        });
        each("rota_tenant_used", &|t, used, sample| {
            let resource = sample["labels"]["resource"].as_str().unwrap_or_default();
            if let Some(limit) = t.limits.iter_mut().find(|l| l.resource == resource) {
                limit.used = Some(used as f64);
            }
        });
        for latency in json["latencies"].as_array()? {
            let tenant = tenants
                .entry(latency["tenant"].as_str()?.into())
                .or_default();
            for bucket in latency["buckets"].as_array()? {
                let bucket = (bucket[0].as_u64()? as usize, bucket[1].as_u64()?);
                tenant.latency.push(bucket);
            }
        }
        Some(reading)
    }
}

/// The families of a snapshot by their names.
struct Families<'a>(HashMap<&'a str, &'a [Value]>);

impl<'a> Families<'a> {
    fn of(json: &'a Value) -> Option<Self> {
        let all = json["metrics"].as_array()?.iter();
        all.map(|family| Some((family["name"].as_str()?, &family["samples"].as_array()?[..])))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// None where a library of another version has no such family.
    fn samples(&self, name: &str) -> &'a [Value] {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let has = |sample: &&Value| {
            labels
                .iter()
                .all(|(name, is)| sample["labels"][name] == *is)
        };
        let samples = self.samples(name).iter().filter(has);
        samples.filter_map(|sample| sample["value"].as_u64()).sum()
    }
}

/// What is shown: how things are, and how fast they went between two snapshots.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub process: u64,
    pub about: About,
    /// Seconds since the runtime was opened.
    pub up: f64,
    pub tenants: u64,
    pub recorder_lag: Option<u64>,
    pub ages: Ages,
    /// What there is only with a snapshot before.
    pub rates: Option<Rates>,
    pub rows: Vec<Row>,
}

/// By the second.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    pub jobs: f64,
    pub leases: f64,
    pub faults: f64,
    pub refused: f64,
    /// Of the rounds of workers, those that found work. None where there were none.
    pub busy: Option<f64>,
    pub latency: Quantiles,
}

/// A series.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Safe to be shown.
    pub label: String,
    pub members: u64,
    /// None in the first snapshot, and where a series began anew.
    pub jobs: Option<f64>,
    pub faults: Option<f64>,
    pub refused: Option<f64>,
    /// Of the fuel of all.
    pub share: Option<f64>,
    pub latency: Quantiles,
    pub ages: Ages,
    pub limits: Vec<Limit>,
}

impl Row {
    pub fn is_idle(&self) -> bool {
        self.jobs.unwrap_or_default() == 0.0 && self.ages == [None; 3]
    }
}

/// In nanoseconds, known to an eighth. None where no job was timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    pub p50: Option<u64>,
    pub p99: Option<u64>,
}

impl Quantiles {
    fn of(counts: &BTreeMap<usize, u64>) -> Self {
        let counts = counts.iter().map(|(&bucket, &count)| (bucket, count));
        let quantile = |part| fine_quantile(counts.clone(), part);
        Self {
            p50: quantile(0.5),
            p99: quantile(0.99),
        }
    }
}

/// What was counted since, unless it was counted anew.
fn since(before: u64, now: u64) -> Option<u64> {
    now.checked_sub(before)
}

impl Tenant {
    /// What it has counted since; None where its label lost its place to another meanwhile.
    fn since(&self, before: &Self) -> Option<Self> {
        let old: HashMap<usize, u64> = before.latency.iter().copied().collect();
        let buckets = self.latency.iter();
        let latency = buckets.map(|&(bucket, now)| {
            let before = old.get(&bucket).copied().unwrap_or_default();
            Some((bucket, since(before, now)?))
        });
        Some(Self {
            completed: since(before.completed, self.completed)?,
            fuel: since(before.fuel, self.fuel)?,
            faults: since(before.faults, self.faults)?,
            refused: since(before.refused, self.refused)?,
            latency: latency.collect::<Option<_>>()?,
            ..self.clone()
        })
    }
}

impl View {
    pub fn new(before: Option<&Reading>, now: &Reading) -> Self {
        // Of another process or runtime nothing can be compared.
        let before = before.filter(|b| {
            b.process == now.process && now.at > b.at && b.totals.completed <= now.totals.completed
        });
        let seconds = before.map_or(0.0, |before| now.at - before.at);
        let new = Tenant::default();
        // A label that wasn't there before has counted all since then.
        let changed = now.tenants.iter().map(|(label, tenant)| {
            let before = before.map(|b| b.tenants.get(label).unwrap_or(&new));
            (
                label,
                tenant,
                before.and_then(|before| tenant.since(before)),
            )
        });
        let mut changed: Vec<_> = changed.collect();
        // What a label has counted moves to the rest's when it loses its place: that is no news.
        let is_gone =
            |before: &Reading| before.tenants.keys().any(|l| !now.tenants.contains_key(l));
        if before.is_some_and(is_gone) || changed.iter().any(|c| c.2.is_none()) {
            let rest = changed
                .iter_mut()
                .filter(|c| c.0 == rota::metrics::OVERFLOW);
            rest.for_each(|c| c.2 = None);
        }
        let fuel = changed.iter().filter_map(|c| Some(c.2.as_ref()?.fuel));
        let all_fuel = fuel.fold(0, u64::saturating_add);
        let mut latency = BTreeMap::new();
        let mut refused = 0;
        let rows = changed.iter().map(|(label, tenant, changed)| {
            let rate = |n: u64| n as f64 / seconds;
            let mut own = BTreeMap::new();
            let mut limits = tenant.limits.clone();
            if let Some(changed) = changed {
                refused += changed.refused;
                for &(bucket, count) in changed.latency.iter().filter(|b| b.1 != 0) {
                    *own.entry(bucket).or_default() += count;
                    *latency.entry(bucket).or_default() += count;
                }
            }
            let fuel = changed.as_ref().map(|c| c.fuel);
            for limit in limits.iter_mut().filter(|l| l.resource == FUEL_PER_SECOND) {
                limit.used = fuel.map(rate);
            }
            Row {
                label: super::line::safe(label),
                members: tenant.members,
                jobs: changed.as_ref().map(|c| rate(c.completed)),
                faults: changed.as_ref().map(|c| rate(c.faults)),
                refused: changed.as_ref().map(|c| rate(c.refused)),
                share: fuel
                    .filter(|_| all_fuel != 0)
                    .map(|n| n as f64 / all_fuel as f64),
                latency: Quantiles::of(&own),
                ages: tenant.ages,
                limits,
            }
        });
        let rows: Vec<Row> = rows.collect();
        let (totals, mut ages) = (&now.totals, Ages::default());
        for row in &rows {
            for (oldest, age) in ages.iter_mut().zip(row.ages) {
                *oldest = oldest.iter().copied().chain(age).reduce(f64::max);
            }
        }
        let rates = before.map(|before| {
            let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
            let old = &before.totals;
            let busy = totals.rounds_busy.saturating_sub(old.rounds_busy) as f64;
            let rounds = busy + totals.rounds_idle.saturating_sub(old.rounds_idle) as f64;
            Rates {
                jobs: rate(old.completed, totals.completed),
                leases: rate(old.leases, totals.leases),
                faults: rate(old.faults, totals.faults),
                refused: refused as f64 / seconds,
                busy: (rounds > 0.0).then(|| busy / rounds),
                latency: Quantiles::of(&latency),
            }
        });
        Self {
            process: now.process,
            about: now.about.clone(),
            up: now.at,
            tenants: totals.tenants,
            recorder_lag: (totals.recorder_records != 0).then_some(totals.recorder_lag),
            ages,
            rates,
            rows,
        }
    }
}
