//! Series as people see them: one line a step, breaks in words, and a bar for the eye.

use super::{
    point::short,
    table::{Table, day, pairs, printable, time, version_words},
};
use crate::proto::v1::{
    Direction, Estimate, HistogramSummary, ListedMetric, MetricKind, MetricSegment, MetricStep,
    QueryMetricSeriesResponse, metric_segment::Shape, metric_step::Value,
};

/// Characters of the longest bar.
const WIDTH: f64 = 20.0;
/// Parts of a character from the left.
const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Heights of a character.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One row a series.
pub fn table(metrics: &[ListedMetric]) -> Table {
    let mut table = Table::new(["METRIC", "PART", "METHOD", "EVALUATOR", "KIND", "POINTS", "FROM", "TO"]);
    for metric in metrics {
        let evaluator = metric.evaluator.clone().unwrap_or_default();
        table.row([
            metric.metric.clone(),
            pairs(&metric.slice),
            metric.method.clone(),
            format!("{} {}", evaluator.name, evaluator.version).trim_end().to_owned(),
            kind_words(metric.kind()).to_owned(),
            metric.point_count.to_string(),
            day(metric.window_start_time),
            day(metric.window_end_time),
        ]);
    }
    table
}

/// All segments, each with a heading, its break and its steps.
pub fn text(answer: &QueryMetricSeriesResponse, metric: &str) -> String {
    if answer.segments.is_empty() {
        return printable(&format!("Nothing was measured of {metric} there and then.\n"));
    }
    let steps = answer.segments.iter().flat_map(|segment| &segment.steps);
    let largest = steps.filter_map(|step| height(step.value.as_ref())).fold(0.0, f64::max);
    let mut text = String::new();
    for (index, segment) in answer.segments.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&heading(segment));
        if let Some(begins) = &segment.preceding_break {
            text.push_str(&format!("New from {} on: {}.\n", time(begins.break_time), begins.description));
        }
        text.push_str(&steps_of(segment, largest).text());
    }
    for (count, words) in [
        (answer.superseded_count, "were superseded by later ones of the same time"),
        (answer.excluded_count, "hold numbers that are too large and were left out"),
    ] {
        if count > 0 {
            text.push_str(&format!("\nMeasurements that {words}: {count}\n"));
        }
    }
    if !answer.next_page_token.is_empty() {
        text.push_str(&format!("\nThere is more: add --all, or --page-token {}\n", answer.next_page_token));
    }
    printable(&text)
}

/// What a segment is about, in a line.
fn heading(segment: &MetricSegment) -> String {
    let mut words = segment.metric.clone();
    if !segment.slice.is_empty() {
        words.push_str(&format!(" [{}]", pairs(&segment.slice)));
    }
    if !segment.method.is_empty() {
        words.push_str(&format!(" ({})", segment.method));
    }
    words.push_str(&format!(" of {}, measured by {}", version_words(&segment.version), segment.evaluator));
    if !segment.evaluator_major_version.is_empty() {
        words.push_str(&format!(" {}", segment.evaluator_major_version));
    }
    words.push_str(match segment.direction() {
        Direction::HigherIsBetter => ", higher is better",
        Direction::LowerIsBetter => ", lower is better",
        Direction::Unspecified => "",
    });
    match &segment.shape {
        Some(Shape::Attribute(attribute)) => words.push_str(&format!(", by {attribute}")),
        Some(Shape::Currency(currency)) if !currency.is_empty() => {
            words.push_str(&format!(", in {currency}"))
        }
        _ => {}
    }
    format!("{words}\n")
}

fn steps_of(segment: &MetricSegment, largest: f64) -> Table {
    let mut table = Table::new(["FROM", "VALUE", "CERTAIN TO 95 %", "N", "EVALUATIONS", ""]);
    let midnight = |step: &MetricStep| step.start_time.is_some_and(|t| t.seconds % 86_400 == 0);
    let in_days = segment.steps.iter().all(midnight);
    for step in &segment.steps {
        let (value, certain) = value_words(step.value.as_ref());
        let superseded = match step.superseded_count {
            0 => String::new(),
            count => format!(" (superseding {count})"),
        };
        table.row([
            if in_days { day(step.start_time) } else { time(step.start_time) },
            value,
            certain,
            step.observation_count.to_string(),
            format!("{}{superseded}", step.evaluation_count),
            picture(step.value.as_ref(), largest),
        ]);
    }
    table
}

/// The value of a step, and how certain it is.
fn value_words(value: Option<&Value>) -> (String, String) {
    match value {
        Some(Value::Rate(rate)) => {
            let (share, interval) = estimate(rate.share.as_ref(), percent);
            (format!("{share} ({} of {})", rate.k, rate.n), interval)
        }
        Some(Value::Moments(moments)) => {
            let (mean, interval) = estimate(moments.mean.as_ref(), short);
            (format!("mean {mean}, from {} to {}", short(moments.min), short(moments.max)), interval)
        }
        Some(Value::Histogram(histogram)) => (format!("{} bins", histogram.counts.len()), String::new()),
        Some(Value::Quantile(quantile)) => {
            let words = |one: &crate::proto::v1::QuantileEstimate| {
                format!("p{} {}", short(100.0 * one.probability), short(one.value))
            };
            let quantiles: Vec<String> = quantile.quantiles.iter().map(words).collect();
            (quantiles.join(", "), format!("within {}", percent(quantile.relative_error)))
        }
        Some(Value::Confusion(confusion)) => {
            let lines = confusion.groups.iter().map(|group| {
                let name = group.counts.as_ref().map_or("", |counts| counts.group.as_str());
                let (accuracy, interval) = estimate(group.accuracy.as_ref(), percent);
                let (selection, _) = estimate(group.selection_rate.as_ref(), percent);
                (format!("{name}: {accuracy} right, {selection} chosen"), interval)
            });
            let (values, intervals): (Vec<String>, Vec<String>) = lines.unzip();
            (values.join("\n"), intervals.join("\n"))
        }
        Some(Value::Usage(summary)) => {
            let cost = format!("{:.2} per 1,000 requests", summary.thousand_requests_cost);
            (cost, String::new())
        }
        Some(Value::Plain(plain)) => {
            let range = format!("{} to {} in the step", short(plain.min), short(plain.max));
            (short(plain.value), if plain.min == plain.max { String::new() } else { range })
        }
        None => (String::new(), String::new()),
    }
}

fn estimate(given: Option<&Estimate>, words: fn(f64) -> String) -> (String, String) {
    let Some(given) = given else { return ("–".to_owned(), String::new()) };
    let interval = given.low.zip(given.high).map(|(low, high)| format!("{} to {}", words(low), words(high)));
    (words(given.value), interval.unwrap_or_default())
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The number that a bar shows.
fn height(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Rate(rate) => rate.share.as_ref().map(|share| share.value),
        Value::Moments(moments) => moments.mean.as_ref().map(|mean| mean.value),
        Value::Quantile(quantile) => quantile.quantiles.iter().rev().nth(1).map(|p95| p95.value),
        Value::Usage(usage) => Some(usage.thousand_requests_cost),
        Value::Plain(plain) => Some(plain.value),
        Value::Histogram(_) | Value::Confusion(_) => None,
    }
}

fn picture(value: Option<&Value>, largest: f64) -> String {
    match value {
        Some(Value::Histogram(histogram)) => bins(histogram),
        value => height(value).map_or_else(String::new, |height| bar(height, largest)),
    }
}

/// A bar as long as a number is beside the largest; none for what is not above 0.
fn bar(number: f64, largest: f64) -> String {
    if number <= 0.0 || largest <= 0.0 {
        return String::new();
    }
    // The share is at most 1, so this is at most eight times the width.
    let eighths = (WIDTH * 8.0 * (number / largest).min(1.0)).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// The shape of a histogram, a character a bin.
fn bins(histogram: &HistogramSummary) -> String {
    let largest = histogram.shares.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let height = |share: &f64| HEIGHTS[((7.0 * share / largest).round() as usize).min(7)];
    histogram.shares.iter().map(height).collect()
}

fn kind_words(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Unspecified => "",
        MetricKind::Rate => "rate",
        MetricKind::Moments => "mean",
        MetricKind::Histogram => "histogram",
        MetricKind::ExponentialHistogram => "exponential histogram",
        MetricKind::Sketch => "sketch",
        MetricKind::Confusion => "groups",
        MetricKind::Usage => "usage",
        MetricKind::Plain => "value",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::proto::v1::{RateSummary, SeriesBreak};
    use prost_types::Timestamp;

    const NEW_YEAR: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 0 };

    fn segment(k: i64) -> MetricSegment {
        let share = Some(Estimate { value: k as f64 / 200.0, low: Some(0.01), high: Some(0.064) });
        MetricSegment {
            version: "namespaces/n/models/chat/versions/2".into(),
            metric: "hallucination".into(),
            evaluator: "judge".into(),
            evaluator_major_version: "2".into(),
            direction: Direction::LowerIsBetter.into(),
            kind: MetricKind::Rate.into(),
            steps: vec![MetricStep {
                start_time: Some(NEW_YEAR),
                evaluation_count: 7,
                superseded_count: 1,
                observation_count: 200,
                value: Some(Value::Rate(RateSummary { k, n: 200, share })),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_step_is_a_line_and_a_break_is_said() {
        let begins = SeriesBreak {
            break_time: Some(NEW_YEAR),
            description: "the evaluator went from major version 1 to major version 2".into(),
            ..Default::default()
        };
        let segments = vec![segment(12), MetricSegment { preceding_break: Some(begins), ..segment(6) }];
        let answer = QueryMetricSeriesResponse { segments, superseded_count: 2, ..Default::default() };
        let text = text(&answer, "hallucination");
        for said in [
            "hallucination of version 2 of chat, measured by judge 2, lower is better\n",
            "2026-01-01  6.0 % (12 of 200)  1.0 % to 6.4 %   200  7 (superseding 1)  ████████████████████\n",
            "New from 2026-01-01T00:00:00Z on: the evaluator went from major version 1 to major version 2.\n",
            "3.0 % (6 of 200)",
            "Measurements that were superseded by later ones of the same time: 2\n",
        ] {
            assert!(text.contains(said), "{said:?} is not in\n{text}");
        }
    }

    #[test]
    fn bars_and_shapes_are_as_long_and_high_as_their_numbers() {
        assert_eq!(bar(1.0, 2.0), "██████████");
        assert_eq!(bar(0.0, 2.0), "");
        assert_eq!(bar(-1.0, 2.0), "");
        assert_eq!(bar(3.0, 160.0), "▍");
        let histogram = HistogramSummary { shares: vec![0.0, 0.25, 0.5], ..Default::default() };
        assert_eq!(bins(&histogram), "▁▅█");
    }

    #[test]
    fn nothing_measured_is_said_in_words() {
        let text = text(&QueryMetricSeriesResponse::default(), "accuracy");
        assert_eq!(text, "Nothing was measured of accuracy there and then.\n");
    }
}
