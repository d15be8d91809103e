//! Our statistics against what scipy, Evidently, NannyML, river, fairlearn and statsmodels
//! say of the census data and of made samples. The cases are made by
//! `tests/interop/python/statistics/run`, which names another file in STEWARD_TEST_STATISTICS.

mod simulation;

use serde_json::Value;
use std::{collections::BTreeMap, env, fs, path::PathBuf};
use steward_registry::domain::statistics::{
    chart::Signal,
    contingency,
    counts::{Counts, Edges, Pair},
    distance::{self, Base},
    evidence,
    fairness::{self, Group},
    kolmogorov,
    moments::{self, Moments},
    page_hinkley::{Mode, PageHinkley, Settings},
    rate::{self, Proportion},
    transport,
};

/// The cases of one kind; there has to be one.
fn cases(kind: &str) -> Vec<Value> {
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/statistics.json");
    let path = env::var_os("STEWARD_TEST_STATISTICS").map_or(kept, PathBuf::from);
    let cases: Vec<Value> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let of_kind: Vec<Value> = cases.into_iter().filter(|case| case["kind"] == kind).collect();
    assert!(!of_kind.is_empty(), "no case is of kind {kind}");
    of_kind
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn proportion(k: &Value, n: &Value) -> Proportion {
    Proportion::new(count(k), count(n)).unwrap()
}

/// Equal to 1e-9: of the number where it is large, and of 1 where it is small.
fn same(case: &Value, what: &str, found: f64, wanted: f64) {
    let near = (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
    assert!(near, "{}: {what} is {found} and not {wanted}", case["name"]);
}

/// Equal to one millionth of itself, however small.
fn same_probability(case: &Value, what: &str, found: f64, wanted: f64) {
    // What scipy forms as 1 − (1 − p) has no more digits; neither have denormal numbers.
    let near = (found - wanted).abs() <= 1e-6 * wanted + 1e-300;
    assert!(near, "{}: {what} is {found} and not {wanted}", case["name"]);
}

fn pair(case: &Value) -> Pair {
    let counts =
        |field: &str| Counts::new(case[field].as_array().unwrap().iter().map(count).collect()).unwrap();
    Pair::new(counts("reference"), counts("current")).unwrap()
}

/// What we compute of a pair, by the names of the cases.
fn computed(pair: &Pair, case: &Value) -> BTreeMap<&'static str, f64> {
    let contingency = contingency::contingency(pair);
    let kolmogorov = kolmogorov::on_bins(pair);
    let mut found = BTreeMap::from([
        ("population_stability_index", distance::population_stability_index(pair)),
        ("kullback_leibler", distance::kullback_leibler(pair)),
        ("jensen_shannon_e", distance::jensen_shannon(pair, Base::E)),
        ("jensen_shannon_2", distance::jensen_shannon(pair, Base::Two)),
        ("hellinger", distance::hellinger(pair)),
        ("total_variation", distance::total_variation(pair)),
        ("l_infinity", distance::l_infinity(pair)),
        ("chi_square", contingency.statistic),
        ("chi_square_p", contingency.p),
        ("kolmogorov", kolmogorov.distance),
        ("kolmogorov_p", kolmogorov.p),
    ]);
    if let Ok(fit) = contingency::goodness_of_fit(pair) {
        found.insert("goodness_of_fit_p", fit.p);
    }
    if case["edges"].is_array() {
        let edges = Edges::new(numbers(&case["edges"])).unwrap();
        let moved = transport::wasserstein(pair, &edges).unwrap();
        found.insert("wasserstein", moved);
        if let Some(deviation) = case["deviation"].as_f64() {
            found.insert("wasserstein_normalised", transport::normalised(moved, deviation).unwrap());
        }
    }
    found
}

#[test]
fn two_samples_differ_as_the_libraries_say() {
    let mut compared = 0;
    for case in cases("pair") {
        let found = computed(&pair(&case), &case);
        for (what, wanted) in case["expected"].as_object().unwrap() {
            let found = *found.get(what.as_str()).unwrap_or_else(|| panic!("{}: no {what}", case["name"]));
            match what.ends_with("_p") {
                true => same_probability(&case, what, found, number(wanted)),
                false => same(&case, what, found, number(wanted)),
            }
            compared += 1;
        }
    }
    println!("{compared} values of two samples");
}

#[test]
fn the_kolmogorov_distribution_is_scipys() {
    for case in cases("kolmogorov") {
        for row in case["rows"].as_array().unwrap() {
            let row = numbers(row);
            let found = kolmogorov::two_sided_above(row[0], row[1]);
            same_probability(&case, &format!("P(D ≥ {}) of {}", row[1], row[0]), found, row[2]);
        }
    }
}

#[test]
fn rates_have_the_intervals_and_tests_of_scipy_and_statsmodels() {
    for case in cases("wilson") {
        let (low, high) = proportion(&case["k"], &case["n"]).wilson(number(&case["level"]));
        let wanted = numbers(&case["expected"]);
        same(&case, "the lower end", low, wanted[0]);
        same(&case, "the upper end", high, wanted[1]);
    }
    for case in cases("rates") {
        let of = |rate: &Value| proportion(&rate[0], &rate[1]);
        let test = rate::two_proportions(&of(&case["a"]), &of(&case["b"]));
        same(&case, "z", test.z, number(&case["z"]));
        same_probability(&case, "p", test.p, number(&case["p"]));
    }
    for case in cases("evidence") {
        let sample = proportion(&case["k"], &case["n"]);
        let found = evidence::log_e_value(&sample, number(&case["limit"])).unwrap().exp();
        same(&case, "E", found, number(&case["expected"]));
    }
}

#[test]
fn means_and_lines_are_those_of_numpy_and_scipy() {
    for case in cases("means") {
        let of = |value: &Value| {
            let cells = numbers(value);
            Moments::new(count(&value[0]), cells[1], cells[2], cells[3], cells[4]).unwrap()
        };
        let windows: Vec<Moments> = case["windows"].as_array().unwrap().iter().map(of).collect();
        let (merged, wanted) = (
            windows.iter().skip(1).try_fold(windows[0], |sum, next| sum.merge(next)).unwrap(),
            of(&case["merged"]),
        );
        assert_eq!((merged.n(), merged.range()), (wanted.n(), wanted.range()), "{}", case["name"]);
        same(&case, "the mean", merged.mean(), wanted.mean());
        same(&case, "M2", merged.m2(), wanted.m2());
        let test = moments::welch(&windows[0], windows.last().unwrap()).unwrap();
        let welch = numbers(&case["welch"]);
        same(&case, "t", test.t, welch[0]);
        same(&case, "the degrees of freedom", test.freedom, welch[1]);
        same_probability(&case, "p", test.p, welch[2]);
        let (interval, wanted) = (test.interval(0.95), numbers(&case["interval"]));
        same(&case, "the lower end", interval.0, wanted[0]);
        same(&case, "the upper end", interval.1, wanted[1]);
        let timed: Vec<(f64, Moments)> = (0..).map(f64::from).zip(windows).collect();
        let (line, trend) = (moments::trend(&timed).unwrap(), numbers(&case["trend"]));
        same(&case, "the slope", line.slope, trend[0]);
        same(&case, "its error", line.error, trend[1]);
        same_probability(&case, "its p", line.p, trend[2]);
    }
}

#[test]
fn page_hinkley_signals_where_river_does() {
    for case in cases("page_hinkley") {
        let (given, usual) = (&case["settings"], Settings::default());
        let settings = Settings {
            least: given["min_instances"].as_u64().unwrap_or(usual.least),
            delta: given["delta"].as_f64().unwrap_or(usual.delta),
            threshold: given["threshold"].as_f64().unwrap_or(usual.threshold),
            alpha: usual.alpha,
            mode: match given["mode"].as_str() {
                Some("up") => Mode::Up,
                Some("down") => Mode::Down,
                _ => Mode::Both,
            },
        };
        let mut test = PageHinkley::new(settings).unwrap();
        let values = numbers(&case["values"]);
        let signals =
            values.iter().enumerate().filter(|(_, value)| test.update(**value).unwrap() != Signal::Within);
        let found: Vec<u64> = signals.map(|(at, _)| at as u64).collect();
        let wanted: Vec<u64> = case["signals"].as_array().unwrap().iter().map(count).collect();
        assert_eq!(found, wanted, "{}", case["name"]);
    }
}

#[test]
fn groups_are_as_fair_as_fairlearn_says() {
    for case in cases("groups") {
        let group = |cells: &Value| {
            let [tp, fp, tn, fn_] = [1, 2, 3, 4].map(|at| count(&cells[at]));
            Group::new(cells[0].as_str().unwrap().to_owned(), tp, fp, tn, fn_).unwrap()
        };
        let groups: Vec<Group> = case["groups"].as_array().unwrap().iter().map(group).collect();
        for (minimum, expected) in [(1, "expected_of_everybody"), (count(&case["minimum"]), "expected")] {
            let found = fairness::compare(&groups, minimum).unwrap();
            let (parity, opportunity) =
                (found.demographic_parity.as_ref().unwrap(), found.equal_opportunity.as_ref().unwrap());
            let odds = found.equalized_odds().unwrap();
            for (what, wanted) in case[expected].as_object().unwrap() {
                let found = match what.as_str() {
                    "parity_difference" => parity.difference,
                    "parity_ratio" => parity.ratio,
                    "opportunity_difference" => opportunity.difference,
                    "opportunity_ratio" => opportunity.ratio,
                    "odds_difference" => odds.0,
                    "odds_ratio" => odds.1,
                    other => panic!("we compute no {other}"),
                };
                same(&case, what, found, number(wanted));
            }
            same(&case, "the accuracy", found.overall_accuracy.share(), number(&case["accuracy"]));
        }
    }
}
