//! Sketches of any values.

use super::*;
use crate::domain::statistics::{
    InputError,
    counts::Edges,
    quantile::{Mapping, explicit_quantile, explicit_share_above},
};
use std::collections::BTreeMap;

/// Values over thirty powers of ten, of both signs, and zeros.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let size = (-50.0..50.0f64).prop_map(f64::exp);
    let value = prop_oneof![6 => size.clone(), 2 => size.prop_map(|size| -size), 1 => Just(0.0)];
    vec(value, 1..60)
}

fn buckets(indices: BTreeMap<i32, i64>) -> point::Buckets {
    let (Some(first), Some(last)) = (indices.keys().next(), indices.keys().last()) else {
        return point::Buckets::default();
    };
    let counts = (*first..=*last).map(|index| indices.get(&index).copied().unwrap_or(0)).collect();
    point::Buckets { offset: *first, counts }
}

/// The bins of each sign by a mapping from sizes to indices.
fn binned(values: &[f64], index: impl Fn(f64) -> i32) -> (point::Buckets, point::Buckets, i64) {
    let side = |sign: f64| {
        let mut bins = BTreeMap::new();
        values.iter().filter(|value| *value * sign > 0.0).for_each(|value| {
            *bins.entry(index(value.abs())).or_default() += 1;
        });
        buckets(bins)
    };
    (side(1.0), side(-1.0), values.iter().filter(|value| **value == 0.0).count() as i64)
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(*value), b.max(*value)))
}

fn exponential(values: &[f64], scale: i32) -> Sketch {
    let width = f64::from(-scale).exp2();
    let (positive, negative, zero_count) = binned(values, |size| (size.log2() / width).ceil() as i32 - 1);
    let (min, max) = range(values);
    let sum = values.iter().sum();
    let histogram = point::ExponentialHistogram {
        scale,
        zero_count,
        zero_threshold: 0.0,
        positive,
        negative,
        sum,
        min,
        max,
    };
    Sketch::try_from(&histogram).unwrap()
}

fn dd(values: &[f64], relative_accuracy: f64) -> Sketch {
    let width = 2.0 * relative_accuracy.atanh();
    let (positive, negative, zero_count) = binned(values, |size| (size.ln() / width).ceil() as i32);
    let (min, max) = range(values);
    let sum = values.iter().sum();
    let sketch = point::Sketch { relative_accuracy, zero_count, positive, negative, sum, min, max };
    Sketch::try_from(&sketch).unwrap()
}

/// That every quantile is within the error that the sketch promises, and every share within its bounds.
fn keeps_its_promise(sketch: &Sketch, values: &[f64]) -> Result<(), TestCaseError> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // A value at the edge of a bin may be rounded into its neighbour.
    let slack = 1e-9;
    for q in [0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0] {
        let exact = sorted[(q * (sorted.len() - 1) as f64).floor() as usize];
        let found = sketch.quantile(q).unwrap();
        let error = (found.value - exact).abs();
        let most = (sketch.mapping().relative_error() + slack) * exact.abs();
        prop_assert!(error <= most, "{q}: {found:?} is not {exact}");
        let (low, high) = (found.low - slack * found.low.abs(), found.high + slack * found.high.abs());
        prop_assert!((low..=high).contains(&exact), "{q}: {exact} is not in {found:?}");
    }
    for limit in [0.0, 1.0, 17.3, -5.0] {
        let exact = values.iter().filter(|value| **value > limit).count() as u64;
        let found = sketch.above(limit).unwrap();
        prop_assert!(
            found.least <= exact && exact <= found.most && found.n == values.len() as u64,
            "{found:?} {exact}"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn quantiles_of_sketches_keep_their_error_bound(values in values(), scale in -2i32..=8, accuracy in 0.001..0.2f64) {
        keeps_its_promise(&exponential(&values, scale), &values)?;
        keeps_its_promise(&dd(&values, accuracy), &values)?;
    }

    #[test]
    fn merged_sketches_are_those_of_all_values_in_any_order(
        a in values(), b in values(), c in values(), scales in [0i32..8, 0i32..8, 0i32..8],
    ) {
        let [one, two, three] = [(&a, scales[0]), (&b, scales[1]), (&c, scales[2])].map(|(values, scale)| exponential(values, scale));
        let left = one.merge(&two).unwrap().merge(&three).unwrap();
        prop_assert_eq!(&left, &one.merge(&two.merge(&three).unwrap()).unwrap());
        prop_assert_eq!(&left, &three.merge(&one).unwrap().merge(&two).unwrap());
        let all = [a, b, c].concat();
        keeps_its_promise(&left, &all)?;
        let fewer = left.within_bins(20);
        prop_assert_eq!(fewer.n(), left.n());
        keeps_its_promise(&fewer, &all)?;
    }

    #[test]
    fn the_wider_zero_bin_takes_in_what_lies_in_it(values in values(), threshold in 0.0..5.0f64) {
        let fine = exponential(&values, 3);
        let buckets = point::Buckets::default;
        let coarse = point::ExponentialHistogram {
            scale: 3, zero_count: 1, zero_threshold: threshold, positive: buckets(), negative: buckets(), sum: 0.0, min: 0.0, max: 0.0,
        };
        let merged = fine.merge(&Sketch::try_from(&coarse).unwrap()).unwrap();
        prop_assert_eq!(merged.n(), fine.n() + 1);
        for q in [0.0, 0.5, 1.0] {
            let found = merged.quantile(q).unwrap();
            prop_assert!(found.low <= found.value && found.value <= found.high);
        }
        let above = merged.above(threshold * 1.1).unwrap();
        let exact = values.iter().filter(|value| **value > threshold * 1.1).count() as u64;
        prop_assert!(above.least <= exact && exact <= above.most);
    }

    #[test]
    fn no_recorded_sketch_gives_anything_but_numbers(
        scale in -10i32..=20, offset: i32, counts in vec(0i64..1 << 40, 1..40), zero_count in 0i64..3,
        zero_threshold in prop_oneof![Just(0.0), 0.0..1e300f64], ends in [-1e300..1e300f64, -1e300..1e300f64], accuracy in 1e-12..0.999f64,
    ) {
        let (min, max) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let buckets = point::Buckets { offset, counts };
        let (positive, negative) = (buckets.clone(), buckets);
        let point = point::Sketch {
            relative_accuracy: accuracy, zero_count, positive: positive.clone(), negative: negative.clone(), sum: 0.0, min, max,
        };
        let histogram = point::ExponentialHistogram { scale, zero_count, zero_threshold, positive, negative, sum: 0.0, min, max };
        let sketches = [Sketch::try_from(&histogram), Sketch::try_from(&point)];
        for sketch in sketches.into_iter().flatten() {
            let merged = sketch.merge(&sketch).unwrap().within_bins(5);
            for sketch in [sketch, merged] {
                for q in [0.0, 0.5, 0.95, 1.0] {
                    let found = sketch.quantile(q).unwrap();
                    prop_assert!(found.value.is_finite() && found.low.is_finite() && found.high.is_finite(), "{found:?}");
                    prop_assert!(found.low <= found.value && found.value <= found.high, "{found:?}");
                }
            }
        }
    }

    #[test]
    fn explicit_buckets_give_an_interval_that_holds_the_quantile(values in vec(-5.0..5.0f64, 1..50), q in 0.0..=1.0f64) {
        let edges = [-3.0, -1.0, 0.0, 0.5, 4.0];
        let mut counts = vec![0; 6];
        values.iter().for_each(|value| counts[edges.iter().filter(|edge| *edge <= value).count()] += 1);
        let (counts, edges) = (Counts::new(counts).unwrap(), Edges::new(edges.to_vec()).unwrap());
        let found = explicit_quantile(&counts, &edges, q).unwrap();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let exact = sorted[(q * (sorted.len() - 1) as f64).floor() as usize];
        prop_assert!(found.low.is_none_or(|low| low <= exact) && found.high.is_none_or(|high| exact < high));
        let above = explicit_share_above(&counts, &edges, 0.2).unwrap();
        let exact = values.iter().filter(|value| **value > 0.2).count() as u64;
        prop_assert!(above.least <= exact && exact <= above.most);
    }
}

#[test]
fn the_error_of_each_scale_is_that_of_its_bins() {
    for (scale, wanted) in [(3, 0.0433), (4, 0.0217), (5, 0.0108), (6, 0.0054)] {
        let found = Mapping::Exponential { scale }.relative_error();
        assert!((found - wanted).abs() < 6e-5, "{scale}: {found}");
    }
}

#[test]
fn sketches_of_different_accuracy_are_not_merged() {
    let found = dd(&[1.0], 0.01).merge(&dd(&[1.0], 0.02));
    assert_eq!(found, Err(InputError::AccuracyDiffers { one: 0.01, other: 0.02 }));
}
