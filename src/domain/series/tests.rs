//! Series from points, by example.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{
    evaluation::point::{Bins, Histogram, Moments, Plain, Rate, Usage},
    time::DAY,
};

pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// A rate of one day, recorded the day after.
pub(super) fn daily(day: i64, k: i64, n: i64) -> Point {
    Point {
        line: Line {
            version: VersionNumber::new(1).unwrap(),
            metric: "hallucination".to_owned(),
            slice: Slice::new(),
            method: String::new(),
            evaluator: "judge".to_owned(),
        },
        start: at(day * DAY),
        end: at((day + 1) * DAY),
        create_time: at((day + 2) * DAY),
        evaluation: format!("e{day}"),
        evaluator_version: "2.1".to_owned(),
        direction: Direction::LowerIsBetter,
        value: PointValue::Rate(Rate { k, n }),
    }
}

fn with(mut point: Point, change: impl FnOnce(&mut Point)) -> Point {
    change(&mut point);
    point
}

fn rate(step: &Step) -> (u64, u64) {
    match &step.value {
        Merged::Rate(rate) => (rate.k(), rate.n()),
        other => panic!("{other:?} is no rate"),
    }
}

fn rates(series: &Series) -> Vec<Vec<(u64, u64)>> {
    series.segments.iter().map(|segment| segment.steps.iter().map(rate).collect()).collect()
}

#[test]
fn points_stand_in_the_order_of_their_windows_whenever_they_came() {
    let late = with(daily(0, 9, 10), |point| point.create_time = at(900 * DAY));
    let series = Series::of(vec![daily(2, 3, 10), daily(1, 2, 10), late], Resolution::Points);
    assert_eq!(rates(&series), [[(9, 10), (2, 10), (3, 10)]]);
    assert_eq!(series.segments[0].steps[0].start, at(0));
}

#[test]
fn a_step_is_counted_from_1970_and_holds_windows_by_their_last_moment() {
    let points = (5..9).map(|day| daily(day, 1, 10)).collect();
    let series = Series::of(points, Resolution::Every(7 * DAY));
    assert_eq!(rates(&series), [[(2, 20), (2, 20)]]);
    let [first, second] = series.segments[0].steps.as_slice() else { panic!("two steps") };
    assert_eq!((first.start, first.end, second.start), (at(0), at(7 * DAY), at(7 * DAY)));
    assert_eq!((first.window_start, first.window_end, first.evaluations), (at(5 * DAY), at(7 * DAY), 2));
    let long = with(daily(6, 1, 10), |point| point.end = at(8 * DAY));
    let series = Series::of(vec![long], Resolution::Every(7 * DAY));
    assert_eq!(series.segments[0].steps[0].start, at(7 * DAY), "it ends in the second week");
}

#[test]
fn steps_before_1970_are_aligned_too() {
    let series = Series::of(vec![daily(-1, 1, 2)], Resolution::Every(7 * DAY));
    assert_eq!(series.segments[0].steps[0].start, at(-7 * DAY));
}

#[test]
fn a_repeated_evaluation_supersedes_the_first_and_nothing_is_counted_twice() {
    let repeated = with(daily(1, 5, 10), |point| {
        point.create_time = at(50 * DAY);
        point.evaluator_version = "3.0".to_owned();
        point.evaluation = "again".to_owned();
    });
    let points = vec![repeated, daily(0, 1, 10), daily(1, 2, 10)];
    let series = Series::of(points, Resolution::Every(7 * DAY));
    assert_eq!(rates(&series), [vec![(1, 10)], vec![(5, 10)]]);
    assert_eq!((series.superseded, series.segments[1].steps[0].superseded), (1, 1));
}

#[test]
fn what_only_a_superseded_point_overlaps_stays() {
    let first = daily(0, 1, 10);
    let second = with(daily(0, 2, 10), |point| {
        (point.start, point.end, point.create_time) = (at(DAY / 2), at(3 * DAY / 2), at(10 * DAY));
    });
    let third = with(daily(1, 3, 10), |point| point.create_time = at(11 * DAY));
    let series = Series::of(vec![first, second, third], Resolution::Points);
    assert_eq!(rates(&series), [[(1, 10), (3, 10)]]);
    assert_eq!(series.superseded, 1);
}

#[test]
fn windows_that_touch_do_not_overlap_and_slices_and_evaluators_are_lines_of_their_own() {
    let north = with(daily(0, 2, 10), |point| {
        point.line.slice = Slice::from([("region".to_owned(), "north".to_owned())]);
    });
    let other = with(daily(0, 3, 10), |point| point.line.evaluator = "people".to_owned());
    let series = Series::of(vec![daily(0, 1, 10), daily(1, 1, 10), north, other], Resolution::Points);
    assert_eq!(series.superseded, 0);
    assert_eq!(rates(&series), [vec![(1, 10), (1, 10)], vec![(3, 10)], vec![(2, 10)]]);
    assert!(series.segments.iter().all(|segment| segment.begins.is_none()), "all in parallel");
}

/// The causes of the break between a day and a changed day after it.
fn causes(before: impl Fn(&mut Point), after: impl Fn(&mut Point)) -> Vec<Cause> {
    let points = vec![with(daily(0, 1, 10), before), with(daily(1, 1, 10), after)];
    let series = Series::of(points, Resolution::Every(7 * DAY));
    match series.segments.as_slice() {
        [_] => vec![],
        [first, second] => {
            assert_eq!(first.begins, None);
            let begins = second.begins.as_ref().unwrap();
            assert_eq!(begins.time, at(DAY));
            begins.causes.clone()
        }
        more => panic!("{} segments", more.len()),
    }
}

#[test]
fn a_segment_begins_wherever_numbers_do_not_compare_and_says_why() {
    let none = |_: &mut Point| {};
    assert_eq!(causes(none, none), []);
    assert_eq!(causes(none, |p| p.evaluator_version = "2.9.9".to_owned()), []);
    assert_eq!(causes(none, |p| p.evaluator_version = "v3".to_owned()), [Cause::EvaluatorMajorVersion]);
    assert_eq!(causes(none, |p| p.direction = Direction::HigherIsBetter), [Cause::Direction]);
    assert_eq!(causes(none, |p| p.line.method = "strict".to_owned()), [Cause::Method]);
    assert_eq!(causes(none, |p| p.line.evaluator = "other".to_owned()), [Cause::Evaluator]);
    assert_eq!(causes(none, |p| p.line.version = VersionNumber::new(2).unwrap()), [Cause::Version]);
    let plain = PointValue::Plain(Plain { value: 0.5, n: 1 });
    assert_eq!(causes(none, |p| p.value = plain.clone()), [Cause::Kind]);
    let histogram = |edge: f64| {
        let bins = Bins::Numeric { edges: vec![edge] };
        PointValue::Histogram(Histogram { bins, counts: vec![1, 2], reference_counts: vec![] })
    };
    let set = |value: PointValue| move |p: &mut Point| p.value = value.clone();
    assert_eq!(causes(set(histogram(1.0)), set(histogram(2.0))), [Cause::Bins]);
    let usage = |currency: &str, cost_micros| {
        let currency = currency.to_owned();
        PointValue::Usage(Usage {
            requests: 1,
            input_tokens: 0,
            output_tokens: 0,
            cost_micros,
            currency,
            outcomes: 0,
        })
    };
    assert_eq!(causes(set(usage("EUR", 1)), set(usage("USD", 1))), [Cause::Currency]);
    assert_eq!(causes(set(usage("", 0)), set(usage("EUR", 1))), [], "nothing was spent before");
}

#[test]
fn codes_are_joined_where_only_some_windows_had_to_fold_any() {
    let codes = |day, categories: &[&str], counts: &[i64]| {
        let categories = categories.iter().map(|&code| code.to_owned()).collect();
        let bins = Bins::Categorical { attribute: "code".to_owned(), categories };
        let histogram = Histogram { bins, counts: counts.to_vec(), reference_counts: counts.to_vec() };
        with(daily(day, 1, 10), |point| point.value = PointValue::Histogram(histogram))
    };
    let days = vec![
        codes(0, &["a", "b"], &[6, 7]),
        codes(1, &["a", "b", "OTHER"], &[6, 7, 2]),
        codes(2, &["a", "b"], &[5, 5]),
    ];
    let counts = |series: &Series| -> Vec<Vec<u64>> {
        let [segment] = series.segments.as_slice() else { panic!("{} segments", series.segments.len()) };
        assert_eq!(segment.form.shape.size(), 3);
        let bins = |step: &Step| match &step.value {
            Merged::Histogram { counts, .. } => counts.bins().to_vec(),
            other => panic!("{other:?}"),
        };
        segment.steps.iter().map(bins).collect()
    };
    assert_eq!(counts(&Series::of(days.clone(), Resolution::Points)), [[6, 7, 0], [6, 7, 2], [5, 5, 0]]);
    assert_eq!(counts(&Series::of(days.clone(), Resolution::Every(7 * DAY))), [[17, 19, 2]]);
    let others = vec![codes(0, &["a", "b"], &[6, 7]), codes(1, &["a", "b", "c"], &[6, 7, 2])];
    assert_eq!(Series::of(others, Resolution::Points).segments.len(), 2);
}

#[test]
fn a_line_that_goes_on_in_parallel_is_not_followed_by_another() {
    let other = with(daily(1, 1, 10), |point| point.line.method = "strict".to_owned());
    let series = Series::of(vec![daily(0, 1, 10), daily(3, 1, 10), other], Resolution::Points);
    assert_eq!(series.segments.len(), 2);
    assert!(series.segments.iter().all(|segment| segment.begins.is_none()));
}

#[test]
fn a_break_says_in_a_sentence_what_changed() {
    let after = with(daily(1, 1, 10), |point| point.evaluator_version = "4.3".to_owned());
    let series = Series::of(vec![daily(0, 1, 10), after], Resolution::Points);
    let begins = series.segments[1].begins.as_ref().unwrap();
    assert_eq!(
        begins.sentence,
        "the evaluator went from major version 2 to major version 4: numbers before and after do not compare"
    );
}

#[test]
fn at_most_so_many_steps_takes_the_shortest_that_fit() {
    let year = || (0..364).map(|day| daily(day, 1, 10)).collect::<Vec<_>>();
    assert_eq!(Series::of(year(), Resolution::AtMost(364)).step, None);
    for (most, step, steps) in
        [(182, 2, 182), (181, 7, 52), (52, 7, 52), (51, 14, 26), (2, 182, 2), (1, 364, 1)]
    {
        let series = Series::of(year(), Resolution::AtMost(most));
        assert_eq!(series.step, Some(step * DAY), "{most}");
        assert_eq!(series.segments[0].steps.len(), steps);
    }
}

#[test]
fn what_adds_up_to_more_than_can_be_counted_stands_in_two_steps() {
    let most = (1 << 53) - 1;
    let series = Series::of(vec![daily(0, 1, most), daily(1, 1, 1)], Resolution::Every(7 * DAY));
    assert_eq!(rates(&series), [[(1, most as u64), (1, 1)]]);
}

#[test]
fn numbers_beyond_what_statistics_hold_are_left_out_and_counted() {
    let huge = PointValue::Moments(Moments { n: 2, mean: 1e200, m2: 0.0, min: 1e200, max: 1e200 });
    let series = Series::of(vec![with(daily(0, 1, 2), |point| point.value = huge)], Resolution::Points);
    assert_eq!((series.segments.len(), series.excluded), (0, 1));
}

#[test]
fn a_plain_value_is_not_averaged_the_newest_stands() {
    let plain =
        |day, value| with(daily(day, 0, 1), |point| point.value = PointValue::Plain(Plain { value, n: 7 }));
    let series = Series::of(vec![plain(0, 3.0), plain(1, 1.0), plain(2, 2.0)], Resolution::Every(7 * DAY));
    let value = &series.segments[0].steps[0].value;
    assert_eq!(*value, Merged::Plain { value: 2.0, n: 7, lowest: 1.0, highest: 3.0 });
}

#[test]
fn the_major_version_is_the_number_in_front() {
    for (version, major) in [("2.9.1", "2"), ("v3", "3"), ("", ""), ("nightly", "nightly"), ("vega", "vega")]
    {
        assert_eq!(crate::domain::evaluation::major(version), major);
    }
}

#[test]
fn what_is_listed_is_what_the_newest_point_says() {
    let mut listing = Listing::default();
    for day in [3, 1, 2] {
        let version = format!("{day}.0");
        listing.add(with(daily(day, 1, 10), |point| point.evaluator_version = version));
    }
    let [listed] = listing.lines().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((listed.points, listed.start, listed.end), (3, at(DAY), at(4 * DAY)));
    assert_eq!((listed.evaluator_version.as_str(), listed.form.major_version.as_str()), ("3.0", "3"));
}

#[test]
fn all_of_the_data_comes_before_its_parts() {
    let north = Slice::from([("region".to_owned(), "north".to_owned())]);
    assert_eq!(slice_digest(&Slice::new()).unwrap(), [0; 16]);
    assert_ne!(slice_digest(&north).unwrap(), [0; 16]);
}
