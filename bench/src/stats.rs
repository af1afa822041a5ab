//! Samples and what is written of them: medians and their spread, never means.
//! Two shapes of keys in the report: `<name>_p50_<unit>` with its neighbours p10, p90 and p99 for
//! times of single events, and `<key>` with `<key>_p10` and `<key>_p90` for figures of whole rounds.

use serde_json::{Map, Value};

/// One part's object in the report.
pub type Object = Map<String, Value>;

#[derive(Default, Clone)]
pub struct Samples {
    values: Vec<f64>,
}

impl Samples {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    pub fn extend(&mut self, other: &Samples) {
        self.values.extend_from_slice(&other.values);
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn max(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    pub fn median(&self) -> f64 {
        self.quantiles([0.5])[0]
    }

    /// Nearest-rank quantiles; 0 where there is no sample.
    pub fn quantiles<const N: usize>(&self, at: [f64; N]) -> [f64; N] {
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        at.map(|q| match sorted.len() {
            0 => 0.0,
            n => sorted[((n - 1) as f64 * q).round() as usize],
        })
    }

    /// Writes `<name>_p10_<unit>`, p50, p90, p99 and `<name>_samples`.
    pub fn write_events(&self, into: &mut Object, name: &str, unit: &str) {
        let [p10, p50, p90, p99] = self.quantiles([0.1, 0.5, 0.9, 0.99]);
        for (label, value) in [("p50", p50), ("p10", p10), ("p90", p90), ("p99", p99)] {
            put(into, &format!("{name}_{label}_{unit}"), value);
        }
        into.insert(format!("{name}_samples"), self.len().into());
    }

    /// Writes `<key>` (the median), `<key>_p10`, `<key>_p90` and `<key>_samples`.
    pub fn write_figure(&self, into: &mut Object, key: &str) {
        let [p10, p50, p90] = self.quantiles([0.1, 0.5, 0.9]);
        put(into, key, p50);
        put(into, &format!("{key}_p10"), p10);
        put(into, &format!("{key}_p90"), p90);
        into.insert(format!("{key}_samples"), self.len().into());
    }
}

/// Writes a number with four significant decimals, which is beyond what any of these measures.
pub fn put(into: &mut Object, key: &str, value: f64) {
    into.insert(key.to_string(), ((value * 1e4).round() / 1e4).into());
}

/// The better, that is the lower by median, of several ways to do the same: its index.
pub fn quickest(ways: &[&Samples]) -> usize {
    (0..ways.len())
        .min_by(|a, b| ways[*a].median().total_cmp(&ways[*b].median()))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_and_none_is_zero() {
        let mut samples = Samples::new();
        assert_eq!(samples.median(), 0.0);
        (0..=100)
            .rev()
            .for_each(|value| samples.push(f64::from(value)));
        assert_eq!(samples.quantiles([0.1, 0.5, 0.99]), [10.0, 50.0, 99.0]);
    }
}
