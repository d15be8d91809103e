//! Sketches with logarithmic bins: OpenTelemetry's exponential histogram and DDSketch.

use super::{Above, Cell, InputError, find, within};
use crate::domain::{evaluation::point, statistics::MAX_COUNT};
use std::collections::BTreeMap;

/// Where the bins of a sketch lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mapping {
    /// OpenTelemetry: bin i holds (base^i, base^(i+1)] with base = 2^(2^−scale).
    Exponential {
        /// From −10 to 20.
        scale: i32,
    },
    /// DDSketch (Masson, Rim and Lee 2019): bin i holds (γ^(i−1), γ^i] with γ = (1+a)/(1−a).
    Relative {
        /// a, above 0 and below 1.
        accuracy: f64,
    },
}

impl Mapping {
    /// Lower and upper end of a bin. The exponents are exact or rounded once, so the ends are
    /// right to 1e-13 even at the ends of what a double holds.
    fn ends(&self, index: i32) -> (f64, f64) {
        let index = f64::from(index);
        match *self {
            Mapping::Exponential { scale } => {
                let width = f64::from(-scale).exp2();
                ((index * width).exp2(), ((index + 1.0) * width).exp2())
            }
            Mapping::Relative { accuracy } => {
                // ln γ = 2·atanh(a), which keeps the digits of a small a.
                let width = 2.0 * accuracy.atanh();
                (((index - 1.0) * width).exp(), (index * width).exp())
            }
        }
    }

    /// The largest relative error of a quantile, (γ−1)/(γ+1) for bins that grow by γ: tanh(ln γ/2).
    /// 4.3 % at scale 3, 1.08 % at scale 5. Below and up to 1, where coarse scales know only the size.
    pub fn relative_error(&self) -> f64 {
        match *self {
            Mapping::Exponential { scale } => {
                (f64::from(-scale).exp2() * std::f64::consts::LN_2 / 2.0).tanh()
            }
            Mapping::Relative { accuracy } => accuracy,
        }
    }
}

/// A quantile and where it certainly lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The estimate: off by at most the sketch's relative error, except in the zero bin, where it is 0
    /// and off by at most the bin's width.
    pub value: f64,
    /// The observation is at least this.
    pub low: f64,
    /// The observation is at most this.
    pub high: f64,
}

/// A sketch of at least one observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    mapping: Mapping,
    zero_count: u64,
    zero_threshold: f64,
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
    min: f64,
    max: f64,
    n: u64,
}

/// The bins of a point that hold something.
fn filled(buckets: &point::Buckets) -> BTreeMap<i32, u64> {
    let bins = buckets.counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let index = |at: usize| buckets.offset.saturating_add(i32::try_from(at).unwrap_or(i32::MAX));
    let mut filled = BTreeMap::new();
    for (at, count) in bins {
        *filled.entry(index(at)).or_default() += count.unsigned_abs();
    }
    filled
}

impl TryFrom<&point::ExponentialHistogram> for Sketch {
    type Error = InputError;

    fn try_from(point: &point::ExponentialHistogram) -> Result<Self, InputError> {
        let scale = f64::from(point.scale);
        within("scale", scale, (-10.0..=20.0).contains(&scale), "it is from -10 to 20")?;
        let sketch = Sketch {
            mapping: Mapping::Exponential { scale: point.scale },
            zero_count: point.zero_count.max(0).unsigned_abs(),
            zero_threshold: point.zero_threshold,
            positive: filled(&point.positive),
            negative: filled(&point.negative),
            min: point.min,
            max: point.max,
            n: 0,
        };
        sketch.counted()
    }
}

impl TryFrom<&point::Sketch> for Sketch {
    type Error = InputError;

    fn try_from(point: &point::Sketch) -> Result<Self, InputError> {
        let accuracy = point.relative_accuracy;
        within("relative_accuracy", accuracy, accuracy > 0.0 && accuracy < 1.0, "it is between 0 and 1")?;
        let sketch = Sketch {
            mapping: Mapping::Relative { accuracy },
            zero_count: point.zero_count.max(0).unsigned_abs(),
            zero_threshold: 0.0,
            positive: filled(&point.positive),
            negative: filled(&point.negative),
            min: point.min,
            max: point.max,
            n: 0,
        };
        sketch.counted()
    }
}

impl Sketch {
    /// The sketch with its total, if that is one and its ends are numbers.
    fn counted(mut self) -> Result<Self, InputError> {
        within("zero_threshold", self.zero_threshold, self.zero_threshold >= 0.0, "it is not negative")?;
        within("min", self.min, true, "it is a finite number")?;
        within("max", self.max, self.max >= self.min, "it is a finite number not below min")?;
        let counts = self.positive.values().chain(self.negative.values());
        let n = counts.fold(self.zero_count, |sum, count| sum.saturating_add(*count));
        match n {
            0 => Err(InputError::NoObservations),
            n if n > MAX_COUNT => Err(InputError::TooMany),
            _ => {
                self.n = n;
                Ok(self)
            }
        }
    }

    /// Observations.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Where its bins lie.
    pub fn mapping(&self) -> Mapping {
        self.mapping
    }

    /// Smallest and largest observation.
    pub fn range(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// Bins from the lowest values to the highest, cut at the smallest and the largest observation.
    fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        let cut = |low: f64, high: f64, count: u64, open: bool| {
            let cut = low.clamp(self.min, self.max);
            Cell { low: cut, high: high.clamp(self.min, self.max), count, open: open && cut == low }
        };
        let negative = self.negative.iter().rev().map(move |(index, count)| {
            let (near, far) = self.mapping.ends(*index);
            cut(-far, -near, *count, false)
        });
        let width = self.zero_threshold;
        let zero = std::iter::once(self.zero_count).map(move |count| cut(-width, width, count, false));
        let positive = self.positive.iter().map(move |(index, count)| {
            let (near, far) = self.mapping.ends(*index);
            cut(near, far, *count, true)
        });
        negative.chain(zero).chain(positive)
    }

    /// The q-quantile, 0 ≤ q ≤ 1. The estimate is 2·low·high/(low+high), whose relative error is the
    /// same at both ends; nothing is squared, so nothing overflows.
    pub fn quantile(&self, q: f64) -> Result<Quantile, InputError> {
        let Cell { low, high, .. } = find(self.cells(), q, self.n)?;
        let (near, far) = if low.abs() <= high.abs() { (low, high) } else { (high, low) };
        let value = if low < 0.0 && high > 0.0 || far == 0.0 {
            0.0
        } else {
            (near * (2.0 / (1.0 + near / far))).clamp(low, high)
        };
        Ok(Quantile { value, low, high })
    }

    /// How many observations lie above a finite limit, such as an objective for latency.
    pub fn above(&self, limit: f64) -> Result<Above, InputError> {
        let limit = within("limit", limit, true, "it is a finite number")?;
        Ok(Above::over(self.cells(), limit))
    }

    /// Both sketches as one. Exponential histograms of different scales come down to the coarser one,
    /// whose bins hold whole bins of the finer: the result is that of all observations in one histogram.
    /// The wider zero bin wins, as OpenTelemetry prescribes, and takes in what lies in it. DDSketches have to
    /// have the same accuracy.
    pub fn merge(&self, other: &Sketch) -> Result<Sketch, InputError> {
        let (one, two) = match (self.mapping, other.mapping) {
            (Mapping::Exponential { scale: a }, Mapping::Exponential { scale: b }) => {
                (self.downscaled(a.min(b)), other.downscaled(a.min(b)))
            }
            (a, b) if a == b => (self.clone(), other.clone()),
            (a, b) => {
                let (one, other) = (a.relative_error(), b.relative_error());
                return Err(InputError::AccuracyDiffers { one, other });
            }
        };
        let add = |mut one: BTreeMap<i32, u64>, two: BTreeMap<i32, u64>| {
            for (index, count) in two {
                *one.entry(index).or_default() += count;
            }
            one
        };
        let mut merged = Sketch {
            mapping: one.mapping,
            zero_count: one.zero_count + two.zero_count,
            zero_threshold: one.zero_threshold.max(two.zero_threshold),
            positive: add(one.positive, two.positive),
            negative: add(one.negative, two.negative),
            min: one.min.min(two.min),
            max: one.max.max(two.max),
            n: 0,
        };
        merged.take_in_zeros();
        merged.counted()
    }

    /// Moves bins that lie in the zero bin, or are cut by its ends, into it.
    fn take_in_zeros(&mut self) {
        let mapping = self.mapping;
        let threshold = self.zero_threshold;
        for side in [&mut self.positive, &mut self.negative] {
            while let Some(bin) = side.first_entry().filter(|bin| mapping.ends(*bin.key()).0 < threshold) {
                let far = mapping.ends(*bin.key()).1;
                self.zero_threshold = self.zero_threshold.max(far.min(f64::MAX));
                self.zero_count += bin.remove();
            }
        }
    }

    /// The same at a coarser scale; unchanged for a DDSketch, or if it is as coarse already.
    #[must_use]
    pub fn downscaled(&self, scale: i32) -> Sketch {
        let Mapping::Exponential { scale: now } = self.mapping else { return self.clone() };
        let scale = scale.clamp(-10, now.max(-10)).min(now);
        let by = (now - scale).clamp(0, 31);
        let halve = |bins: &BTreeMap<i32, u64>| {
            let mut halved = BTreeMap::new();
            for (index, count) in bins {
                // An arithmetic shift rounds down, also below 0, where bins end at the same powers.
                *halved.entry(index >> by).or_default() += count;
            }
            halved
        };
        let (positive, negative) = (halve(&self.positive), halve(&self.negative));
        Sketch { mapping: Mapping::Exponential { scale }, positive, negative, ..self.clone() }
    }

    /// The same within at most this many bins on each side of 0, counted from the first that holds something
    /// to the last, at the finest scale that does it; at least scale −10. Unchanged for a DDSketch.
    #[must_use]
    pub fn within_bins(&self, most: u32) -> Sketch {
        let width = |bins: &BTreeMap<i32, u64>| match (bins.keys().next(), bins.keys().last()) {
            (Some(first), Some(last)) => i64::from(*last) - i64::from(*first) + 1,
            _ => 0,
        };
        let mut sketch = self.clone();
        while let Mapping::Exponential { scale } = sketch.mapping
            && scale > -10
            && width(&sketch.positive).max(width(&sketch.negative)) > i64::from(most.max(1))
        {
            sketch = sketch.downscaled(scale - 1);
        }
        sketch
    }
}
