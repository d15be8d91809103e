//! What has to hold of statistics for any valid input.
#![allow(clippy::unwrap_used)]

use super::{
    contingency,
    counts::{Counts, Order, Pair},
    detector::{Change, Detector},
    distance::{self, Base},
    evidence, kolmogorov,
    moments::{self, Moments},
    page_hinkley::{PageHinkley, Settings},
    quantile::Sketch,
    rate::{self, Proportion},
};
use crate::domain::evaluation::point;
use proptest::{collection::vec, prelude::*};

mod any_sketch;
mod any_verdict;

/// Counts from nothing to the largest, most of them small.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0), 6 => 1u64..200, 2 => 1u64..1_000_000, 1 => 1u64..1 << 45]
}

fn pair() -> impl Strategy<Value = Pair> {
    let two = (1usize..40).prop_flat_map(|bins| (vec(count(), bins), vec(count(), bins)));
    let counted = |(a, b)| Pair::new(Counts::new(a).ok()?, Counts::new(b).ok()?).ok();
    two.prop_filter_map("empty", counted)
}

fn proportion() -> impl Strategy<Value = Proportion> {
    let n = prop_oneof![1u64..1000, 1u64..1 << 50];
    (n, 0.0..=1.0f64, any::<bool>()).prop_map(|(n, share, rare)| {
        let k = if rare { (n as f64 * share * 0.01) as u64 } else { (n as f64 * share) as u64 };
        Proportion::new(k.min(n), n).unwrap()
    })
}

type Distance = fn(&Pair) -> f64;

/// Rows, close to 0 and far from it.
fn rows() -> impl Strategy<Value = Vec<f64>> {
    (vec(-100.0..100.0f64, 1..40), prop_oneof![Just(0.0), Just(1e6)])
        .prop_map(|(rows, base)| rows.into_iter().map(|row| row + base).collect())
}

fn moments_of(rows: &[f64]) -> Moments {
    let n = rows.len() as f64;
    let mean = rows.iter().sum::<f64>() / n;
    let m2 = if rows.len() == 1 { 0.0 } else { rows.iter().map(|row| (row - mean).powi(2)).sum() };
    let (min, max) = rows.iter().fold((f64::MAX, f64::MIN), |(a, b), row| (a.min(*row), b.max(*row)));
    Moments::new(rows.len() as u64, mean, m2, min, max).unwrap()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1e-9)
}

proptest! {
    #[test]
    fn distances_are_symmetric_bounded_and_zero_for_the_same(pair in pair()) {
        let swapped = pair.swapped();
        let same = Pair::new(pair.reference().clone(), pair.reference().clone()).unwrap();
        let distances: [(Distance, f64); 6] = [
            (distance::population_stability_index, f64::MAX),
            (|pair| distance::jensen_shannon(pair, Base::Two), 1.0),
            (|pair| distance::jensen_shannon(pair, Base::E), 0.8326),
            (distance::hellinger, 1.0),
            (distance::total_variation, 1.0),
            (distance::l_infinity, 1.0),
        ];
        for (distance, most) in distances {
            let found = distance(&pair);
            prop_assert!((0.0..=most).contains(&found), "{found}");
            prop_assert!(close(found, distance(&swapped), 1e-9), "{found} is not {}", distance(&swapped));
            prop_assert_eq!(distance(&same), 0.0);
        }
        prop_assert!((0.0..f64::MAX).contains(&distance::kullback_leibler(&pair)));
        // TVD and Hellinger bound each other.
        let (tvd, hellinger) = (distance::total_variation(&pair), distance::hellinger(&pair));
        prop_assert!(hellinger.powi(2) <= tvd + 1e-9 && tvd <= hellinger * 2f64.sqrt() + 1e-9);
    }

    #[test]
    fn tests_on_counts_give_probabilities_and_effects_within_their_bounds(pair in pair()) {
        let found = contingency::contingency(&pair);
        prop_assert!((0.0..f64::MAX).contains(&found.statistic) && (0.0..=1.0).contains(&found.p));
        prop_assert!((0.0..=1.0).contains(&found.cramers_v));
        prop_assert!(close(found.statistic, contingency::contingency(&pair.swapped()).statistic, 1e-9));
        if let Ok(fit) = contingency::goodness_of_fit(&pair) {
            prop_assert!((0.0..f64::MAX).contains(&fit.statistic) && (0.0..=1.0).contains(&fit.p));
        }
    }

    #[test]
    fn merging_bins_keeps_the_cases_and_never_makes_the_distance_larger(pair in pair(), least in 1.0..50.0f64) {
        for order in [Order::Ordered, Order::Unordered] {
            let merged = pair.merged(least, order);
            prop_assert_eq!(merged.reference().bins().iter().sum::<u64>(), pair.reference().total());
            prop_assert_eq!(merged.current().bins().iter().sum::<u64>(), pair.current().total());
            prop_assert!(distance::jensen_shannon(&merged, Base::Two) <= distance::jensen_shannon(&pair, Base::Two) + 1e-9);
        }
    }

    #[test]
    fn a_kolmogorov_probability_falls_with_the_distance(n in prop_oneof![1u64..300, 1u64..3000], d in 0.0..1.0f64) {
        let n = n as f64;
        let (here, further) = (kolmogorov::two_sided_above(n, d), kolmogorov::two_sided_above(n, d * 1.01));
        // Formulas meet at 1e-5: see the limits of scipy's.
        prop_assert!((0.0..=1.0).contains(&here) && further <= here * (1.0 + 1e-5) + 1e-9, "{here} {further}");
    }

    #[test]
    fn tests_on_rates_stay_within_their_bounds(a in proportion(), b in proportion(), level in 0.0..0.999f64) {
        let (low, high) = a.wilson(level);
        prop_assert!(0.0 <= low && low <= a.share() + 1e-12 && a.share() <= high + 1e-12 && high <= 1.0);
        let test = rate::two_proportions(&a, &b);
        prop_assert!(test.z.is_finite() && (0.0..=1.0).contains(&test.p) && test.h.abs() <= std::f64::consts::PI + 1e-9);
        let back = rate::two_proportions(&b, &a);
        prop_assert!(close(test.z, -back.z, 1e-9) && close(test.h, -back.h, 1e-9));
        let (low, high) = rate::newcombe(&a, &b, level);
        prop_assert!((-1.0 - 1e-9..=high).contains(&low) && high <= 1.0 + 1e-9);
    }

    #[test]
    fn evidence_is_finite_and_grows_with_each_hit(n in 1u64..2000, share in 0.0..1.0f64, limit in 0.001..0.999f64) {
        let k = (n as f64 * share) as u64;
        let here = evidence::log_e_value(&Proportion::new(k, n).unwrap(), limit).unwrap();
        let more = evidence::log_e_value(&Proportion::new(k + 1, n.max(k + 1)).unwrap(), limit).unwrap();
        prop_assert!(here.is_finite() && more >= here - 1e-9, "{here} {more}");
    }

    #[test]
    fn merged_moments_are_those_of_all_rows(parts in vec(rows(), 1..6)) {
        let all = moments_of(&parts.concat());
        let each: Vec<Moments> = parts.iter().map(|part| moments_of(part)).collect();
        let forth = each.iter().skip(1).try_fold(each[0], |sum, part| sum.merge(part)).unwrap();
        let last = each[each.len() - 1];
        let back = each.iter().rev().skip(1).try_fold(last, |sum, part| part.merge(&sum)).unwrap();
        for merged in [forth, back] {
            prop_assert_eq!((merged.n(), merged.range()), (all.n(), all.range()));
            prop_assert!(close(merged.mean(), all.mean(), 1e-9), "{merged:?} is not {all:?}");
            prop_assert!(close(merged.m2(), all.m2(), 1e-6) || all.m2() < 1e-3, "{merged:?} is not {all:?}");
        }
    }

    #[test]
    fn welchs_test_is_symmetric_and_finite(a in rows(), b in rows()) {
        let (a, b) = (moments_of(&a), moments_of(&b));
        if let (Ok(forth), Ok(back)) = (moments::welch(&a, &b), moments::welch(&b, &a)) {
            prop_assert!(forth.t.is_finite() && forth.d.is_finite() && (0.0..=1.0).contains(&forth.p));
            prop_assert!(close(forth.t, -back.t, 1e-9) && close(forth.p, back.p, 1e-9));
            let (low, high) = forth.interval(0.95);
            prop_assert!(low <= forth.difference && forth.difference <= high);
        }
    }

    #[test]
    fn a_line_through_windows_is_that_through_their_rows(parts in vec(rows(), 3..6)) {
        let windows: Vec<(f64, Moments)> =
            parts.iter().enumerate().map(|(time, rows)| (time as f64, moments_of(rows))).collect();
        let found = moments::trend(&windows).unwrap();
        let rows: Vec<(f64, f64)> =
            parts.iter().enumerate().flat_map(|(time, rows)| rows.iter().map(move |row| (time as f64, *row))).collect();
        let n = rows.len() as f64;
        let (x0, y0) = (rows.iter().map(|row| row.0).sum::<f64>() / n, rows.iter().map(|row| row.1).sum::<f64>() / n);
        let sxx: f64 = rows.iter().map(|row| (row.0 - x0).powi(2)).sum();
        let sxy: f64 = rows.iter().map(|row| (row.0 - x0) * (row.1 - y0)).sum();
        prop_assert!((found.slope - sxy / sxx).abs() <= 1e-6 * found.slope.abs().max(1.0));
        prop_assert!(found.error.is_finite() && (0.0..=1.0).contains(&found.p));
    }

    #[test]
    fn a_detector_goes_on_identically_after_it_was_written_down(
        before in vec(proportion(), 0..30),
        after in vec(proportion(), 1..30),
        limit in 0.001..0.97f64,
        rise: bool,
    ) {
        let change = if rise { Change::Rise } else { Change::Drop };
        let mut one = Detector::new(change, limit, 1000).unwrap();
        before.iter().for_each(|point| { one.update(point); });
        let written = serde_json::to_string(&one).unwrap();
        let mut two: Detector = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&one, &two);
        for point in &after {
            let reading = one.update(point);
            prop_assert!(reading.log_evidence.is_finite());
            prop_assert_eq!(reading, two.update(point));
        }
        prop_assert_eq!(one, two);
    }

    #[test]
    fn page_hinkley_signals_nothing_before_its_least_number(values in vec(-1e6..1e6f64, 1..29)) {
        let mut test = PageHinkley::new(Settings::default()).unwrap();
        for value in values {
            prop_assert_eq!(test.update(value).unwrap(), super::chart::Signal::Within);
            prop_assert!(test.distances().0.is_finite() && test.distances().1.is_finite());
        }
    }
}
