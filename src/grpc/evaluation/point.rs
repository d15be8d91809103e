//! Measurements on the wire.

use crate::{
    domain::evaluation::point::{
        Bins, Buckets, Confusion, ConfusionCounts, Direction, ExponentialHistogram, Histogram, MetricPoint,
        Moments, Plain, PointValue, Rate, Sketch, Usage,
    },
    grpc::field::Fields,
    proto::v1::{self, histogram_point, metric_point},
};

/// Reads all points, or none when one of them cannot be read.
pub fn read_all(fields: &mut Fields, points: Vec<v1::MetricPoint>) -> Option<Vec<MetricPoint>> {
    let read = |(index, point)| fields.within(&format!("points[{index}]"), |fields| read(fields, point));
    let read: Vec<Option<MetricPoint>> = points.into_iter().enumerate().map(read).collect();
    read.into_iter().collect()
}

fn read(fields: &mut Fields, point: v1::MetricPoint) -> Option<MetricPoint> {
    let v1::MetricPoint { metric, method, direction, slice, value } = point;
    let direction = match fields.enumeration("direction", direction) {
        Some(v1::Direction::HigherIsBetter) => Direction::HigherIsBetter,
        Some(v1::Direction::LowerIsBetter) => Direction::LowerIsBetter,
        Some(v1::Direction::Unspecified) | None => Direction::Unspecified,
    };
    let value = fields.required("value", value).and_then(|value| read_value(fields, value))?;
    Some(MetricPoint { metric, method, direction, slice, value })
}

fn read_value(fields: &mut Fields, value: metric_point::Value) -> Option<PointValue> {
    use metric_point::Value;
    Some(match value {
        Value::Rate(v1::RatePoint { k, n }) => PointValue::Rate(Rate { k, n }),
        Value::Moments(v1::MomentsPoint { n, mean, m2, min, max }) => {
            PointValue::Moments(Moments { n, mean, m2, min, max })
        }
        Value::Histogram(point) => PointValue::Histogram(read_histogram(fields, point)?),
        Value::ExponentialHistogram(point) => {
            let v1::ExponentialHistogramPoint {
                scale,
                zero_count,
                zero_threshold,
                positive,
                negative,
                sum,
                min,
                max,
            } = point;
            let (positive, negative) = (read_buckets(positive), read_buckets(negative));
            PointValue::ExponentialHistogram(ExponentialHistogram {
                scale,
                zero_count,
                zero_threshold,
                positive,
                negative,
                sum,
                min,
                max,
            })
        }
        Value::Sketch(point) => {
            let v1::SketchPoint { relative_accuracy, zero_count, positive, negative, sum, min, max } = point;
            let (positive, negative) = (read_buckets(positive), read_buckets(negative));
            PointValue::Sketch(Sketch { relative_accuracy, zero_count, positive, negative, sum, min, max })
        }
        Value::Confusion(v1::ConfusionPoint { attribute, groups }) => {
            let groups = groups.into_iter().map(read_group).collect();
            PointValue::Confusion(Confusion { attribute, groups })
        }
        Value::Usage(point) => {
            let v1::UsagePoint { requests, input_tokens, output_tokens, cost_micros, currency, outcomes } =
                point;
            PointValue::Usage(Usage {
                requests,
                input_tokens,
                output_tokens,
                cost_micros,
                currency,
                outcomes,
            })
        }
        Value::Plain(v1::PlainPoint { value, n }) => PointValue::Plain(Plain { value, n }),
    })
}

fn read_histogram(fields: &mut Fields, point: v1::HistogramPoint) -> Option<Histogram> {
    let v1::HistogramPoint { counts, reference_counts, bins } = point;
    let bins = match bins {
        Some(histogram_point::Bins::Numeric(v1::NumericBins { edges })) => Bins::Numeric { edges },
        Some(histogram_point::Bins::Categorical(v1::CategoricalBins { attribute, categories })) => {
            Bins::Categorical { attribute, categories }
        }
        None => {
            fields.refuse("histogram.bins", "is required: give numeric or categorical bins");
            return None;
        }
    };
    Some(Histogram { bins, counts, reference_counts })
}

fn read_buckets(buckets: Option<v1::ExponentialBuckets>) -> Buckets {
    let v1::ExponentialBuckets { offset, counts } = buckets.unwrap_or_default();
    Buckets { offset, counts }
}

fn read_group(group: v1::ConfusionCounts) -> ConfusionCounts {
    let v1::ConfusionCounts { group, true_positives, false_positives, true_negatives, false_negatives } =
        group;
    ConfusionCounts { group, true_positives, false_positives, true_negatives, false_negatives }
}

/// A measurement on the wire.
pub fn write(point: MetricPoint) -> v1::MetricPoint {
    let MetricPoint { metric, method, direction, slice, value } = point;
    let direction = match direction {
        Direction::Unspecified => v1::Direction::Unspecified,
        Direction::HigherIsBetter => v1::Direction::HigherIsBetter,
        Direction::LowerIsBetter => v1::Direction::LowerIsBetter,
    };
    v1::MetricPoint { metric, method, direction: direction.into(), slice, value: Some(write_value(value)) }
}

fn write_value(value: PointValue) -> metric_point::Value {
    use metric_point::Value;
    match value {
        PointValue::Rate(Rate { k, n }) => Value::Rate(v1::RatePoint { k, n }),
        PointValue::Moments(Moments { n, mean, m2, min, max }) => {
            Value::Moments(v1::MomentsPoint { n, mean, m2, min, max })
        }
        PointValue::Histogram(point) => Value::Histogram(write_histogram(point)),
        PointValue::ExponentialHistogram(point) => {
            Value::ExponentialHistogram(v1::ExponentialHistogramPoint {
                scale: point.scale,
                zero_count: point.zero_count,
                zero_threshold: point.zero_threshold,
                positive: Some(write_buckets(point.positive)),
                negative: Some(write_buckets(point.negative)),
                sum: point.sum,
                min: point.min,
                max: point.max,
            })
        }
        PointValue::Sketch(point) => Value::Sketch(v1::SketchPoint {
            relative_accuracy: point.relative_accuracy,
            zero_count: point.zero_count,
            positive: Some(write_buckets(point.positive)),
            negative: Some(write_buckets(point.negative)),
            sum: point.sum,
            min: point.min,
            max: point.max,
        }),
        PointValue::Confusion(Confusion { attribute, groups }) => Value::Confusion(v1::ConfusionPoint {
            attribute,
            groups: groups.into_iter().map(write_group).collect(),
        }),
        PointValue::Usage(point) => {
            let Usage { requests, input_tokens, output_tokens, cost_micros, currency, outcomes } = point;
            Value::Usage(v1::UsagePoint {
                requests,
                input_tokens,
                output_tokens,
                cost_micros,
                currency,
                outcomes,
            })
        }
        PointValue::Plain(Plain { value, n }) => Value::Plain(v1::PlainPoint { value, n }),
    }
}

fn write_histogram(point: Histogram) -> v1::HistogramPoint {
    let bins = match point.bins {
        Bins::Numeric { edges } => histogram_point::Bins::Numeric(v1::NumericBins { edges }),
        Bins::Categorical { attribute, categories } => {
            histogram_point::Bins::Categorical(v1::CategoricalBins { attribute, categories })
        }
    };
    v1::HistogramPoint { counts: point.counts, reference_counts: point.reference_counts, bins: Some(bins) }
}

fn write_buckets(buckets: Buckets) -> v1::ExponentialBuckets {
    let Buckets { offset, counts } = buckets;
    v1::ExponentialBuckets { offset, counts }
}

fn write_group(group: ConfusionCounts) -> v1::ConfusionCounts {
    let ConfusionCounts { group, true_positives, false_positives, true_negatives, false_negatives } = group;
    v1::ConfusionCounts { group, true_positives, false_positives, true_negatives, false_negatives }
}
