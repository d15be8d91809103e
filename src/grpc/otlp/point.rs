//! Data points as measurements.

use super::{
    Rejected,
    attribute::{Attributes, EVALUATION_NAME, TOKEN_TYPE},
};
use crate::domain::{
    evaluation::point::{
        Bins, Buckets, Direction, ExponentialHistogram, Histogram, MetricPoint, Plain, PointValue,
    },
    time::Timestamp,
    version::dimension::Dimensions,
};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    exponential_histogram_data_point::Buckets as OtlpBuckets, metric::Data, number_data_point,
};

/// The metrics that are taken.
const NAMES: [&str; 2] = ["gen_ai.client.token.usage", "gen_ai.client.operation.duration"];
/// And everything below these.
const PREFIXES: [&str; 2] = ["gen_ai.server.", "gen_ai.evaluation."];

/// What a data point says.
#[derive(Debug)]
pub struct Measured {
    /// In which it was counted.
    pub window: (Timestamp, Timestamp),
    metric: String,
    attributes: Attributes,
    value: PointValue,
}

impl Measured {
    /// With the attributes of point and resource.
    pub fn with(self, attributes: Attributes) -> Self {
        Measured { attributes, ..self }
    }

    /// As a point of a version that declares these dimensions.
    pub fn into_point(self, dimensions: &Dimensions) -> MetricPoint {
        let kinds = [TOKEN_TYPE, EVALUATION_NAME].into_iter().filter_map(|key| self.attributes.get(key));
        let metric = kinds.fold(self.metric.clone(), |metric, kind| format!("{metric}/{kind}"));
        let slice = self.attributes.slice(dimensions);
        MetricPoint {
            metric,
            method: String::new(),
            direction: Direction::Unspecified,
            slice,
            value: self.value,
        }
    }
}

type Read<T> = Result<T, &'static str>;

/// The points of one metric with their attributes.
pub fn read(metric: Metric, rejected: &mut Rejected) -> Vec<(Attributes, Measured)> {
    let is_known = NAMES.contains(&metric.name.as_str())
        || PREFIXES.iter().any(|prefix| metric.name.starts_with(prefix));
    let name = &metric.name;
    match metric.data {
        Some(data) if !is_known => {
            rejected.add(size(&data), "not a metric of the conventions for generative AI (gen_ai.…)");
            Vec::new()
        }
        Some(Data::Histogram(data)) => {
            each(data.data_points, name, is_delta(data.aggregation_temporality), rejected, explicit)
        }
        Some(Data::ExponentialHistogram(data)) => {
            each(data.data_points, name, is_delta(data.aggregation_temporality), rejected, exponential)
        }
        Some(Data::Sum(data)) => {
            each(data.data_points, name, is_delta(data.aggregation_temporality), rejected, sum)
        }
        Some(data) => {
            rejected.add(size(&data), "of a type without a count; use a histogram or a sum");
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn size(data: &Data) -> usize {
    match data {
        Data::Gauge(data) => data.data_points.len(),
        Data::Sum(data) => data.data_points.len(),
        Data::Histogram(data) => data.data_points.len(),
        Data::ExponentialHistogram(data) => data.data_points.len(),
        Data::Summary(data) => data.data_points.len(),
    }
}

fn is_delta(temporality: i32) -> bool {
    temporality == i32::from(AggregationTemporality::Delta)
}

/// What all types of data points have.
trait DataPoint {
    fn attributes(&mut self) -> Attributes;
    fn nanos(&self) -> (u64, u64);
}

macro_rules! data_point {
    ($($kind:ty),*) => {$(
        impl DataPoint for $kind {
            fn attributes(&mut self) -> Attributes {
                Attributes::read(std::mem::take(&mut self.attributes))
            }

            fn nanos(&self) -> (u64, u64) {
                (self.start_time_unix_nano, self.time_unix_nano)
            }
        }
    )*};
}
data_point!(HistogramDataPoint, ExponentialHistogramDataPoint, NumberDataPoint);

/// Reads points with `value`, which answers none for a point without observations.
fn each<P: DataPoint>(
    points: Vec<P>,
    metric: &str,
    is_delta: bool,
    rejected: &mut Rejected,
    value: fn(P) -> Read<Option<PointValue>>,
) -> Vec<(Attributes, Measured)> {
    if !is_delta {
        let why = "cumulative, so each export would count the one before again; export with delta temporality \
                   (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta)";
        rejected.add(points.len(), why);
        return Vec::new();
    }
    let mut found = Vec::new();
    for mut point in points {
        let (attributes, nanos) = (point.attributes(), point.nanos());
        match window(nanos).and_then(|window| Ok((window, value(point)?))) {
            Ok((window, Some(value))) => {
                let metric = metric.to_owned();
                found.push((
                    attributes,
                    Measured { window, metric, attributes: Attributes::default(), value },
                ));
            }
            Ok((_, None)) => {}
            Err(why) => rejected.add(1, why),
        }
    }
    found
}

fn window((start, end): (u64, u64)) -> Read<(Timestamp, Timestamp)> {
    let time = |nanos: u64| i64::try_from(nanos / 1_000).ok().and_then(Timestamp::from_micros);
    match (time(start), time(end)) {
        (Some(start), Some(end)) if start < end => Ok((start, end)),
        _ => Err("start_time_unix_nano is not before time_unix_nano"),
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The bounds become edges. A value on a bound is in the bin below it there, and in
/// the bin above it here.
fn explicit(point: HistogramDataPoint) -> Read<Option<PointValue>> {
    if point.count == 0 {
        return Ok(None);
    }
    if point.explicit_bounds.is_empty() {
        return Err("a histogram without bounds");
    }
    let counts = point.bucket_counts.into_iter().map(count).collect();
    let bins = Bins::Numeric { edges: point.explicit_bounds };
    Ok(Some(PointValue::Histogram(Histogram { bins, counts, reference_counts: Vec::new() })))
}

/// `min` and `max` are the bounds of the outermost bins: those of the exporter are
/// values of single calls.
fn exponential(point: ExponentialHistogramDataPoint) -> Read<Option<PointValue>> {
    if point.count == 0 {
        return Ok(None);
    }
    let sum = point.sum.ok_or("an exponential histogram without a sum")?;
    let buckets = |side: Option<OtlpBuckets>| {
        let OtlpBuckets { offset, bucket_counts } = side.unwrap_or_default();
        Buckets { offset, counts: bucket_counts.into_iter().map(count).collect() }
    };
    let (positive, negative) = (buckets(point.positive), buckets(point.negative));
    let bound = |index: i64| (index as f64 * 2f64.powi(-point.scale)).exp2();
    let zero = (point.zero_count > 0).then_some(0.0);
    let ends = |side: &Buckets| {
        let full = |count: &i64| *count > 0;
        let (first, last) = (side.counts.iter().position(full)?, side.counts.iter().rposition(full)?);
        let index = |at: usize| i64::from(side.offset) + i64::try_from(at).unwrap_or(i64::MAX);
        Some((bound(index(first)), bound(index(last) + 1)))
    };
    let (up, down) = (ends(&positive), ends(&negative));
    let min = down.map(|(_, far)| -far).or(zero).or(up.map(|(near, _)| near));
    let max = up.map(|(_, far)| far).or(zero).or(down.map(|(near, _)| -near));
    let (min, max) = min.zip(max).ok_or("an exponential histogram with a count and no buckets")?;
    Ok(Some(PointValue::ExponentialHistogram(ExponentialHistogram {
        scale: point.scale,
        zero_count: count(point.zero_count),
        zero_threshold: point.zero_threshold,
        positive,
        negative,
        sum,
        min,
        max,
    })))
}

/// A sum of whole numbers counts so many events; any other is one number.
fn sum(point: NumberDataPoint) -> Read<Option<PointValue>> {
    match point.value {
        #[expect(clippy::cast_precision_loss, reason = "the check of a count keeps it below 2^53")]
        Some(number_data_point::Value::AsInt(events)) if events > 0 => {
            Ok(Some(PointValue::Plain(Plain { value: events as f64, n: events })))
        }
        Some(number_data_point::Value::AsInt(0)) => Ok(None),
        Some(number_data_point::Value::AsInt(_)) => Err("a sum below zero"),
        Some(number_data_point::Value::AsDouble(value)) => Ok(Some(PointValue::Plain(Plain { value, n: 1 }))),
        None => Err("a sum without a value"),
    }
}
