//! Measurements on the command line, and in words.
//!
//! A measurement is `METRIC[SLICE]=VALUE[,key=value…][:lower|:higher]`, where
//! `[SLICE]` such as `[region=north]` may be left out and `lower` or `higher`
//! says what is better.

use std::collections::BTreeMap;

use super::argument::{attributes, parse_count, parse_finite};
use crate::proto::v1::{
    Direction, ExponentialBuckets, MetricPoint, MomentsPoint, PlainPoint, RatePoint, UsagePoint,
    metric_point::Value,
};

/// The metric under which `--usage` is recorded.
const USAGE_METRIC: &str = "usage";

/// Reads `hallucination=6/200:lower`: 6 of 200, and fewer is better.
pub fn parse_rate(text: &str) -> Result<MetricPoint, String> {
    parse_point(text, &[], |value, _| {
        let (k, n) = value.split_once('/').ok_or("the value has to be K/N, such as 6/200")?;
        Ok(Value::Rate(RatePoint { k: parse_count(k)?, n: parse_count(n)? }))
    })
}

/// Reads `faithfulness=0.93,n=120:higher`: a number computed from 120 observations.
pub fn parse_value(text: &str) -> Result<MetricPoint, String> {
    parse_point(text, &["n"], |value, given| {
        let n = given.remove("n").ok_or("n=… is missing: on how many observations does it rest?")?;
        Ok(Value::Plain(PlainPoint { value: parse_finite(value)?, n: parse_count(&n)? }))
    })
}

/// Reads `latency_s=1.2,n=300,sd=0.4,min=0.3,max=4.1:lower`: mean and spread.
pub fn parse_moments(text: &str) -> Result<MetricPoint, String> {
    parse_point(text, &["n", "sd", "m2", "min", "max"], |mean, given| {
        let mut number = |key: &str| given.remove(key).map(|value| parse_finite(&value)).transpose();
        let (sd, m2) = (number("sd")?, number("m2")?);
        let (min, max) =
            (number("min")?.ok_or("min=… is missing")?, number("max")?.ok_or("max=… is missing")?);
        let n = parse_count(&given.remove("n").ok_or("n=… is missing: how many observations were there?")?)?;
        let m2 = match (sd, m2) {
            (None, Some(m2)) => m2,
            (Some(sd), None) if sd < 0.0 => return Err(format!("sd={sd} is negative")),
            // The sample standard deviation, which divides by n - 1.
            (Some(sd), None) => Some(sd * sd * (n - 1).max(0) as f64)
                .filter(|m2| m2.is_finite())
                .ok_or_else(|| format!("sd={sd} is too large"))?,
            _ => return Err("give the spread once: sd=… (standard deviation) or m2=…".to_owned()),
        };
        Ok(Value::Moments(MomentsPoint { n, mean: parse_finite(mean)?, m2, min, max }))
    })
}

/// Reads `requests=1200,input-tokens=90000,output-tokens=40000,cost=18.40,currency=EUR,outcomes=31`.
pub fn parse_usage(text: &str) -> Result<MetricPoint, String> {
    let keys = ["requests", "input-tokens", "output-tokens", "cost", "currency", "outcomes"];
    let mut given = attributes(text, &keys)?;
    let mut count = |key: &str| given.remove(key).map_or(Ok(0), |value| parse_count(&value));
    let usage = UsagePoint {
        requests: count("requests")?,
        input_tokens: count("input-tokens")?,
        output_tokens: count("output-tokens")?,
        outcomes: count("outcomes")?,
        cost_micros: given.remove("cost").map_or(Ok(0), |cost| parse_micros(&cost))?,
        currency: given.remove("currency").unwrap_or_default(),
    };
    Ok(MetricPoint {
        metric: USAGE_METRIC.to_owned(),
        value: Some(Value::Usage(usage)),
        ..MetricPoint::default()
    })
}

fn parse_point(
    text: &str,
    keys: &[&str],
    read: impl FnOnce(&str, &mut BTreeMap<String, String>) -> Result<Value, String>,
) -> Result<MetricPoint, String> {
    let (body, direction) = match text.rsplit_once(':') {
        None => (text, Direction::Unspecified),
        Some((body, "lower")) => (body, Direction::LowerIsBetter),
        Some((body, "higher")) => (body, Direction::HigherIsBetter),
        Some((_, other)) => {
            return Err(format!("{other} is neither lower nor higher (which of them is better?)"));
        }
    };
    let (metric, slice, rest) = split_metric(body)?;
    let (value, details) = rest.split_once(',').map_or((rest, ""), |(value, details)| (value, details));
    let known: Vec<&str> = keys.iter().copied().chain(["method"]).collect();
    let mut given = if details.is_empty() { BTreeMap::new() } else { attributes(details, &known)? };
    let method = given.remove("method").unwrap_or_default();
    let value = Some(read(value, &mut given)?);
    Ok(MetricPoint { metric: metric.to_owned(), method, direction: direction.into(), slice, value })
}

/// Splits `METRIC[key=value,…]=REST`.
fn split_metric(text: &str) -> Result<(&str, BTreeMap<String, String>, &str), String> {
    const FORM: &str = "not of the form METRIC=VALUE";
    let bracket = text.find('[').filter(|&at| text.find('=').is_some_and(|equals| at < equals));
    match bracket {
        None => {
            text.split_once('=').map(|(m, rest)| (m, BTreeMap::new(), rest)).ok_or_else(|| FORM.to_owned())
        }
        Some(at) => {
            let (slice, rest) =
                text[at + 1..].split_once("]=").ok_or("the slice has no end: write METRIC[key=value]=…")?;
            let pairs = slice.split(',').map(super::argument::parse_pair).collect::<Result<_, _>>()?;
            Ok((&text[..at], pairs, rest))
        }
    }
}

/// Reads an amount of money with up to six decimals as millionths, exactly.
pub fn parse_micros(text: &str) -> Result<i64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return Err(format!("{text} is not an amount such as 18.40 (at most six decimals)"));
    }
    format!("{whole}{fraction:0<6}").parse().map_err(|_| format!("{text} is too large"))
}

/// A measurement in words: `hallucination: 6 of 200 (3.0 %), lower is better`.
pub fn point_words(point: &MetricPoint) -> String {
    let slice = match point.slice.is_empty() {
        true => String::new(),
        false => format!(" [{}]", super::table::pairs(&point.slice)),
    };
    let method = if point.method.is_empty() { String::new() } else { format!(" ({})", point.method) };
    let better = match point.direction() {
        Direction::Unspecified => "",
        Direction::HigherIsBetter => ", higher is better",
        Direction::LowerIsBetter => ", lower is better",
    };
    format!("{}{slice}{method}: {}{better}", point.metric, value_words(point.value.as_ref()))
}

/// The value alone, short enough for a column.
pub fn value_words(value: Option<&Value>) -> String {
    match value {
        Some(Value::Rate(rate)) => {
            format!("{} of {} ({:.1} %)", rate.k, rate.n, 100.0 * rate.k as f64 / rate.n.max(1) as f64)
        }
        Some(Value::Moments(moments)) => format!(
            "mean {}, from {} to {} (n={})",
            short(moments.mean),
            short(moments.min),
            short(moments.max),
            moments.n
        ),
        Some(Value::Histogram(histogram)) => {
            let reference = if histogram.reference_counts.is_empty() { "" } else { ", with reference" };
            let n = sum(&histogram.counts);
            format!("histogram of {} bins{reference} (n={n})", histogram.counts.len())
        }
        Some(Value::ExponentialHistogram(histogram)) => {
            let n = total(histogram.zero_count, &histogram.positive, &histogram.negative);
            format!("histogram from {} to {} (n={n})", short(histogram.min), short(histogram.max))
        }
        Some(Value::Sketch(sketch)) => {
            let n = total(sketch.zero_count, &sketch.positive, &sketch.negative);
            format!("sketch from {} to {} (n={n})", short(sketch.min), short(sketch.max))
        }
        Some(Value::Confusion(confusion)) => {
            let groups: Vec<&str> = confusion.groups.iter().map(|group| group.group.as_str()).collect();
            format!("confusion counts by {} ({})", confusion.attribute, groups.join(", "))
        }
        Some(Value::Usage(usage)) => usage_words(usage),
        Some(Value::Plain(plain)) => format!("{} (n={})", short(plain.value), plain.n),
        None => String::new(),
    }
}

fn usage_words(usage: &UsagePoint) -> String {
    let mut words =
        format!("{} requests, {} tokens in, {} out", usage.requests, usage.input_tokens, usage.output_tokens);
    if usage.cost_micros > 0 {
        words.push_str(&format!(", {:.2} {}", usage.cost_micros as f64 / 1e6, usage.currency));
    }
    if usage.outcomes > 0 {
        words.push_str(&format!(", {} outcomes", usage.outcomes));
    }
    words
}

fn total(zero: i64, positive: &Option<ExponentialBuckets>, negative: &Option<ExponentialBuckets>) -> i64 {
    let side = |side: &Option<ExponentialBuckets>| side.as_ref().map_or(0, |buckets| sum(&buckets.counts));
    sum(&[zero, side(positive), side(negative)])
}

/// What a server answers was not checked here, so that it might not fit.
fn sum(counts: &[i64]) -> i64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

/// A number with at most four decimals.
pub fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::HistogramPoint;

    #[test]
    fn a_rate_is_k_of_n_with_the_better_direction() {
        let point = parse_rate("hallucination=6/200:lower").unwrap();
        assert_eq!(point.metric, "hallucination");
        assert_eq!(point.direction(), Direction::LowerIsBetter);
        assert_eq!(point.value, Some(Value::Rate(RatePoint { k: 6, n: 200 })));
        assert_eq!(point_words(&point), "hallucination: 6 of 200 (3.0 %), lower is better");
    }

    #[test]
    fn a_measurement_may_have_a_slice_and_a_method() {
        let point = parse_rate("accuracy[region=north,age=18-25]=90/100,method=top1:higher").unwrap();
        assert_eq!(point.metric, "accuracy");
        assert_eq!(point.method, "top1");
        assert_eq!(point.slice.get("region").map(String::as_str), Some("north"));
        assert_eq!(
            point_words(&point),
            "accuracy [age=18-25, region=north] (top1): 90 of 100 (90.0 %), higher is better"
        );
    }

    #[test]
    fn a_plain_value_needs_its_number_of_observations() {
        let point = parse_value("faithfulness=0.93,n=120:higher").unwrap();
        assert_eq!(point.value, Some(Value::Plain(PlainPoint { value: 0.93, n: 120 })));
        assert!(parse_value("faithfulness=0.93").unwrap_err().contains("n=…"));
        assert!(parse_value("faithfulness=NaN,n=1").is_err());
    }

    #[test]
    fn a_spread_is_given_as_standard_deviation_or_as_m2() {
        let moments = |text| match parse_moments(text).unwrap().value {
            Some(Value::Moments(moments)) => moments,
            other => panic!("{other:?}"),
        };
        assert_eq!(moments("s=1.5,n=5,sd=2,min=0,max=9").m2, 16.0);
        assert_eq!(moments("s=1.5,n=5,m2=16,min=0,max=9"), moments("s=1.5,n=5,sd=2,min=0,max=9"));
        assert!(parse_moments("s=1.5,n=5,min=0,max=9").is_err());
        assert!(parse_moments("s=1.5,n=5,sd=1,m2=1,min=0,max=9").is_err());
    }

    #[test]
    fn a_spread_that_is_no_number_is_refused() {
        let error = |text| parse_moments(text).unwrap_err();
        assert!(error("s=1,n=5,sd=1e200,min=0,max=9").contains("too large"));
        assert!(error("s=1,n=5,sd=-1,min=0,max=9").contains("negative"));
    }

    #[test]
    fn counts_that_add_up_to_more_than_fits_are_still_said() {
        let counts = vec![i64::MAX, i64::MAX];
        let value = Value::Histogram(HistogramPoint { counts, ..HistogramPoint::default() });
        assert_eq!(value_words(Some(&value)), format!("histogram of 2 bins (n={})", i64::MAX));
    }

    #[test]
    fn money_is_read_exactly() {
        let cost = |text: &str| match parse_usage(text).unwrap().value {
            Some(Value::Usage(usage)) => usage.cost_micros,
            other => panic!("{other:?}"),
        };
        assert_eq!(cost("requests=1,cost=18.40,currency=EUR"), 18_400_000);
        assert_eq!(cost("requests=1,cost=0.000001,currency=EUR"), 1);
        assert!(parse_usage("requests=1,cost=1.0000001").is_err());
        assert!(parse_usage("requests=1,cost=-1").is_err());
    }

    #[test]
    fn what_is_wrong_with_a_measurement_is_said() {
        for (given, said) in [
            ("hallucination", "METRIC=VALUE"),
            ("hallucination=6", "K/N"),
            ("hallucination=6/-1", "-1"),
            ("hallucination=6/200:less", "neither lower nor higher"),
            ("hallucination=6/200,m=5", "m is not known"),
            ("accuracy[region=north=1/2", "no end"),
        ] {
            let error = parse_rate(given).unwrap_err();
            assert!(error.contains(said), "{given}: {error}");
        }
    }
}
