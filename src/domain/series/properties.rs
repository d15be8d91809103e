//! What holds of all series.
#![allow(clippy::unwrap_used)]

use super::{
    tests::{at, daily},
    *,
};
use crate::domain::{
    evaluation::point::{Buckets, ExponentialHistogram, Moments, Rate},
    time::DAY,
};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = PointValue> {
    let rate = (0i64..50, 50i64..100).prop_map(|(k, n)| PointValue::Rate(Rate { k, n }));
    let moments = (1i64..50, -5.0..5.0f64, 0.0..9.0f64).prop_map(|(n, mean, m2)| {
        let m2 = if n == 1 { 0.0 } else { m2 };
        PointValue::Moments(Moments { n, mean, m2, min: mean - 9.0, max: mean + 9.0 })
    });
    let buckets = (-5i32..5, prop::collection::vec(1i64..9, 1..6));
    let histogram = (-1i32..4, buckets).prop_map(|(scale, (offset, counts))| {
        PointValue::ExponentialHistogram(ExponentialHistogram {
            scale,
            zero_count: 1,
            zero_threshold: 0.0,
            positive: Buckets { offset, counts },
            negative: Buckets::default(),
            sum: 1.0,
            min: 0.0,
            max: 1e9,
        })
    });
    prop_oneof![rate, moments, histogram]
}

/// Points of a few lines over a month, some of them recorded together, some overlapping.
fn point() -> impl Strategy<Value = Point> {
    let place = (0i64..30, 1i64..4, 0i64..3);
    (place, 0usize..2, 1u32..4, value(), 0u32..1_000_000).prop_map(
        |((day, length, recorded), evaluator, major, value, id)| {
            let mut point = daily(day, 0, 1);
            point.end = at((day + length) * DAY);
            point.create_time = at((40 + recorded) * DAY);
            point.line.evaluator = ["judge", "people"][evaluator].to_owned();
            point.evaluator_version = format!("{}.0", 1 + major / 3);
            point.evaluation = format!("e{id}");
            point.value = value;
            point
        },
    )
}

fn unique(points: Vec<Point>) -> Vec<Point> {
    let place = |point: &Point| (point.line.clone(), point.evaluation.clone());
    points.into_iter().map(|point| (place(&point), point)).collect::<BTreeMap<_, _>>().into_values().collect()
}

fn resolution() -> impl Strategy<Value = Resolution> {
    prop_oneof![
        Just(Resolution::Points),
        (1i64..20).prop_map(|days| Resolution::Every(days * DAY)),
        (1usize..20).prop_map(Resolution::AtMost),
    ]
}

proptest! {
    #[test]
    fn the_order_of_arrival_changes_nothing(
        (points, shuffled) in prop::collection::vec(point(), 0..40)
            .prop_map(unique)
            .prop_flat_map(|points| (Just(points.clone()), Just(points).prop_shuffle())),
        resolution in resolution(),
    ) {
        prop_assert_eq!(Series::of(points, resolution), Series::of(shuffled, resolution));
    }

    #[test]
    fn every_point_is_in_one_step_or_superseded_and_no_line_has_two_values_at_one_time(
        points in prop::collection::vec(point(), 0..40).prop_map(unique),
        resolution in resolution(),
    ) {
        let count = points.len();
        let series = Series::of(points, resolution);
        let merged: usize =
            series.segments.iter().flat_map(|segment| &segment.steps).map(|step| step.evaluations).sum();
        prop_assert_eq!(merged + series.superseded + series.excluded, count);
        let mut ends: BTreeMap<&Line, Timestamp> = BTreeMap::new();
        let mut segments: Vec<&Segment> = series.segments.iter().collect();
        segments.sort_by_key(|segment| (&segment.line, segment.steps[0].window_start));
        for segment in segments {
            for step in &segment.steps {
                prop_assert!(ends.get(&segment.line).is_none_or(|end| *end <= step.window_start));
                ends.insert(&segment.line, step.window_end);
            }
        }
    }

    #[test]
    fn steps_merged_again_are_the_whole(points in prop::collection::vec(point(), 1..40).prop_map(unique)) {
        let fine = Series::of(points.clone(), Resolution::Every(3 * DAY));
        let whole = Series::of(points, Resolution::Every(3_640 * DAY));
        prop_assert_eq!(fine.segments.len(), whole.segments.len());
        for (fine, whole) in fine.segments.iter().zip(&whole.segments) {
            let merged = fine.steps[1..].iter().try_fold(fine.steps[0].value.clone(), |all, step| all.merge(&step.value));
            let (merged, whole) = (merged.unwrap(), &whole.steps[0].value);
            match (&merged, whole) {
                (Merged::Moments(a), Merged::Moments(b)) => {
                    prop_assert_eq!(a.n(), b.n());
                    prop_assert!((a.mean() - b.mean()).abs() < 1e-9 && (a.m2() - b.m2()).abs() < 1e-6);
                }
                (Merged::Sketch { sketch: a, .. }, Merged::Sketch { sketch: b, .. }) => prop_assert_eq!(a, b),
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }
}
