//! Percentiles of what was measured.

use serde::Serialize;

/// A set of values, most often milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(Vec<f64>);

/// What is told of a set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Median.
    pub(crate) p50: f64,
    /// 95th percentile.
    pub(crate) p95: f64,
    /// 99th percentile.
    pub(crate) p99: f64,
    /// Largest.
    pub(crate) max: f64,
    /// How many.
    pub(crate) count: usize,
}

impl Values {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Nearest rank, so that every percentile is a value that was measured; `None` when there is none.
    pub(crate) fn percentile(&self, percent: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank"
        )]
        let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }

    pub(crate) fn median(&self) -> Option<f64> {
        self.percentile(50.0)
    }

    pub(crate) fn summary(&self) -> Option<Summary> {
        Some(Summary {
            p50: self.percentile(50.0)?,
            p95: self.percentile(95.0)?,
            p99: self.percentile(99.0)?,
            max: self.percentile(100.0)?,
            count: self.len(),
        })
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Smallest and largest of the rounds' medians: how far rounds of the same thing lay apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(medians: impl IntoIterator<Item = f64>) -> Option<Self> {
        medians.into_iter().fold(None, |all, value| {
            Some(match all {
                None => Self { least: value, most: value },
                Some(Self { least, most }) => Self { least: least.min(value), most: most.max(value) },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let values: Values = (1..=200).rev().map(f64::from).collect();
        let summary = values.summary().unwrap();
        assert_eq!((summary.p50, summary.p95, summary.p99, summary.max), (100.0, 190.0, 198.0, 200.0));
        assert_eq!(Values::default().summary(), None);
        assert_eq!(Values::from_iter([7.0]).median(), Some(7.0));
    }

    #[test]
    fn the_spread_holds_every_round() {
        assert_eq!(Spread::of([2.0, 1.0, 3.0]), Some(Spread { least: 1.0, most: 3.0 }));
        assert_eq!(Spread::of([]), None);
    }
}
