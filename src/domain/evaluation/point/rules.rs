//! The rules of measurements: what each type allows.

use super::{
    Bins, Buckets, Confusion, ExponentialHistogram, Histogram, MetricPoint, Moments, Plain, PointValue, Rate,
    Sketch, Usage,
};
use crate::domain::{
    check::{Check, MAX_COUNT, Violations},
    version::dimension::{CODE_EXTRA, LONGEST_CODE},
};
use std::collections::BTreeSet;

impl Check for MetricPoint {
    fn check(&self, v: &mut Violations) {
        v.code("metric", &self.metric, 128, "-_./", true);
        if !self.method.is_empty() {
            v.code("method", &self.method, 128, "-_./", true);
        }
        v.at_most("slice", self.slice.len(), 8);
        for (key, value) in &self.slice {
            v.code("slice", key, LONGEST_CODE, CODE_EXTRA, false);
            v.within("slice", |v| v.code(&format!("[{key:?}]"), value, LONGEST_CODE, CODE_EXTRA, false));
        }
        match &self.value {
            PointValue::Rate(point) => v.within("rate", |v| point.check(v)),
            PointValue::Moments(point) => v.within("moments", |v| point.check(v)),
            PointValue::Histogram(point) => v.within("histogram", |v| point.check(v)),
            PointValue::ExponentialHistogram(point) => v.within("exponential_histogram", |v| point.check(v)),
            PointValue::Sketch(point) => v.within("sketch", |v| point.check(v)),
            PointValue::Confusion(point) => v.within("confusion", |v| point.check(v)),
            PointValue::Usage(point) => v.within("usage", |v| point.check(v)),
            PointValue::Plain(point) => v.within("plain", |v| point.check(v)),
        }
    }
}

/// A number of observations: at least one.
fn observed(v: &mut Violations, field: &str, n: i64) {
    v.count(field, n);
    if n == 0 {
        v.add(field, "is 0; at least one observation is needed");
    }
}

fn finite(v: &mut Violations, field: &str, number: f64) -> bool {
    if !number.is_finite() {
        v.add(field, format!("{number} is not allowed; use a finite number"));
    }
    number.is_finite()
}

/// Smallest and largest, in order; whether they are usable.
fn bounds(v: &mut Violations, min: f64, max: f64) -> bool {
    let finite = finite(v, "min", min) & finite(v, "max", max);
    if finite && min > max {
        v.add("max", format!("{max} is below min, {min}"));
    }
    finite && min <= max
}

/// Counts whose sum stays a count; the sum.
fn counts(v: &mut Violations, field: &str, values: &[i64]) -> i64 {
    for (index, value) in values.iter().enumerate() {
        v.count(&format!("{field}[{index}]"), *value);
    }
    let sum = values.iter().fold(0i64, |sum, value| sum.saturating_add((*value).max(0)));
    if sum > MAX_COUNT {
        v.add(field, format!("adds up to more than {MAX_COUNT} (2^53-1)"));
    }
    sum
}

impl Check for Rate {
    fn check(&self, v: &mut Violations) {
        v.count("k", self.k);
        observed(v, "n", self.n);
        if self.k > self.n {
            v.add("k", format!("{} is more than n, {}", self.k, self.n));
        }
    }
}

impl Check for Moments {
    fn check(&self, v: &mut Violations) {
        observed(v, "n", self.n);
        let mean = finite(v, "mean", self.mean);
        if finite(v, "m2", self.m2) && (self.m2 < 0.0 || (self.n == 1 && self.m2 != 0.0)) {
            v.add("m2", format!("{} is not possible: it is not negative, and 0 when n is 1", self.m2));
        }
        // A mean of equal values may differ from them in the last bits.
        let slack = 1e-9 * self.min.abs().max(self.max.abs());
        if bounds(v, self.min, self.max)
            && mean
            && !(self.min - slack..=self.max + slack).contains(&self.mean)
        {
            v.add("mean", format!("{} is not within min and max", self.mean));
        }
    }
}

impl Check for Histogram {
    fn check(&self, v: &mut Violations) {
        let bins = match &self.bins {
            Bins::Numeric { edges } => {
                v.within("numeric", |v| check_edges(v, edges));
                edges.len() + 1
            }
            Bins::Categorical { attribute, categories } => {
                v.within("categorical", |v| {
                    v.code("attribute", attribute, LONGEST_CODE, CODE_EXTRA, false);
                    check_categories(v, categories);
                });
                categories.len()
            }
        };
        if self.counts.len() != bins {
            v.add("counts", format!("has {} entries for {bins} bins", self.counts.len()));
        }
        if !self.reference_counts.is_empty() && self.reference_counts.len() != bins {
            v.add("reference_counts", format!("has {} entries for {bins} bins", self.reference_counts.len()));
        }
        if counts(v, "counts", &self.counts) == 0 {
            v.add("counts", "holds no observation; at least one is needed");
        }
        if counts(v, "reference_counts", &self.reference_counts) == 0 && !self.reference_counts.is_empty() {
            v.add("reference_counts", "holds no observation; leave it empty or give the reference");
        }
    }
}

fn check_edges(v: &mut Violations, edges: &[f64]) {
    if edges.is_empty() {
        v.add("edges", "is required: give at least one edge");
    }
    v.at_most("edges", edges.len(), 255);
    for (index, edge) in edges.iter().enumerate() {
        finite(v, &format!("edges[{index}]"), *edge);
    }
    if let Some(index) = edges.windows(2).position(|pair| pair[1] <= pair[0]) {
        let (low, high) = (edges[index], edges[index + 1]);
        v.add(&format!("edges[{}]", index + 1), format!("{high} is not above the edge before it, {low}"));
    }
}

fn check_categories(v: &mut Violations, categories: &[String]) {
    if categories.is_empty() {
        v.add("categories", "is required: give at least one category");
    }
    v.at_most("categories", categories.len(), 256);
    let mut seen = BTreeSet::new();
    for (index, category) in categories.iter().enumerate() {
        let field = format!("categories[{index}]");
        v.code(&field, category, LONGEST_CODE, CODE_EXTRA, false);
        if !seen.insert(category) {
            v.add(&field, format!("{category:?} stands here a second time"));
        }
    }
}

/// Both sides of a histogram or sketch together hold at least one observation.
fn check_buckets(v: &mut Violations, zero_count: i64, positive: &Buckets, negative: &Buckets) {
    v.count("zero_count", zero_count);
    let mut sum = zero_count.max(0);
    for (field, buckets) in [("positive", positive), ("negative", negative)] {
        v.within(field, |v| {
            v.at_most("counts", buckets.counts.len(), 320);
            sum = sum.saturating_add(counts(v, "counts", &buckets.counts));
            let last = i64::from(buckets.offset) + buckets.counts.len() as i64;
            if i32::try_from(last).is_err() {
                v.add("offset", "leads to bins beyond the range of 32 bits");
            }
        });
    }
    if sum == 0 {
        v.add("positive", "holds no observation, nor do negative and zero_count; at least one is needed");
    }
}

impl Check for ExponentialHistogram {
    fn check(&self, v: &mut Violations) {
        if !(-10..=20).contains(&self.scale) {
            v.add("scale", format!("{} is not allowed; use -10 to 20", self.scale));
        }
        if finite(v, "zero_threshold", self.zero_threshold) && self.zero_threshold < 0.0 {
            v.add("zero_threshold", "is negative; use 0 or more");
        }
        check_buckets(v, self.zero_count, &self.positive, &self.negative);
        finite(v, "sum", self.sum);
        bounds(v, self.min, self.max);
    }
}

impl Check for Sketch {
    fn check(&self, v: &mut Violations) {
        let accuracy = self.relative_accuracy;
        if !(accuracy > 0.0 && accuracy < 1.0) {
            v.add(
                "relative_accuracy",
                format!("{accuracy} is not allowed; use a number above 0 and below 1"),
            );
        }
        check_buckets(v, self.zero_count, &self.positive, &self.negative);
        finite(v, "sum", self.sum);
        bounds(v, self.min, self.max);
    }
}

impl Check for Confusion {
    fn check(&self, v: &mut Violations) {
        v.code("attribute", &self.attribute, LONGEST_CODE, CODE_EXTRA, false);
        if self.groups.is_empty() {
            v.add("groups", "is required: give at least one group");
        }
        v.at_most("groups", self.groups.len(), 100);
        let mut seen = BTreeSet::new();
        for (index, group) in self.groups.iter().enumerate() {
            v.within(&format!("groups[{index}]"), |v| {
                v.code("group", &group.group, LONGEST_CODE, CODE_EXTRA, false);
                v.count("true_positives", group.true_positives);
                v.count("false_positives", group.false_positives);
                v.count("true_negatives", group.true_negatives);
                v.count("false_negatives", group.false_negatives);
                if !seen.insert(&group.group) {
                    v.add("group", format!("{:?} stands here a second time", group.group));
                }
            });
        }
    }
}

impl Check for Usage {
    fn check(&self, v: &mut Violations) {
        observed(v, "requests", self.requests);
        v.count("input_tokens", self.input_tokens);
        v.count("output_tokens", self.output_tokens);
        v.count("cost_micros", self.cost_micros);
        v.count("outcomes", self.outcomes);
        let code = self.currency.len() == 3 && self.currency.bytes().all(|b| b.is_ascii_uppercase());
        if !code && (self.cost_micros != 0 || !self.currency.is_empty()) {
            v.add("currency", "is not an ISO 4217 code such as EUR; it is needed with cost_micros");
        }
    }
}

impl Check for Plain {
    fn check(&self, v: &mut Violations) {
        finite(v, "value", self.value);
        observed(v, "n", self.n);
    }
}
