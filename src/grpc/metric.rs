//! MetricService.

mod summary;

use super::{
    answer,
    field::{self, Fields},
};
use crate::{
    domain::{
        check::Valid,
        evaluation::point::{Bins, Direction, Kind},
        name::{ModelName, VersionName},
        series::{Break, Cause, Listed, Resolution, Segment, Selection, Shape},
        time::DAY,
    },
    proto::v1::{
        self, metric_segment, metric_service_server::MetricService,
        query_metric_series_request::Resolution as Asked,
    },
    registry::{
        Registry,
        metric::{Measured, MetricQuery},
    },
};
use tonic::{Request, Response, Status};

/// Most steps of a series that a caller can ask for.
const MOST_STEPS: i32 = 10_000;
/// Longest step, in seconds.
const LONGEST_STEP: i64 = 3_650 * (DAY / 1_000_000);

/// Answers MetricService.
pub struct Metrics(pub Registry);

#[tonic::async_trait]
impl MetricService for Metrics {
    async fn query_metric_series(
        &self,
        request: Request<v1::QueryMetricSeriesRequest>,
    ) -> Result<Response<v1::QueryMetricSeriesResponse>, Status> {
        let message = request.into_inner();
        let (page_size, page_token) = (message.page_size, message.page_token.clone());
        let mut fields = Fields::new();
        let query = read_query(&mut fields, message);
        let query = fields.all(query)?;
        let model = match &query.of {
            Measured::Version(version) => version.model.clone(),
            Measured::Model(model) => model.clone(),
        };
        let series = self.0.query_metric_series(query, page_size, &page_token).await?;
        let segments = series.segments.items.into_iter().map(|segment| write_segment(&model, segment));
        Ok(answer(v1::QueryMetricSeriesResponse {
            segments: segments.collect(),
            next_page_token: series.segments.next_page_token,
            step: series.step.map(|micros| prost_types::Duration { seconds: micros / 1_000_000, nanos: 0 }),
            superseded_count: number(series.superseded),
            excluded_count: number(series.excluded),
        }))
    }

    async fn list_metrics(
        &self,
        request: Request<v1::ListMetricsRequest>,
    ) -> Result<Response<v1::ListMetricsResponse>, Status> {
        let v1::ListMetricsRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let version = fields.name::<VersionName>("parent", &parent);
        let version = fields.all(version)?;
        let page = self.0.list_metrics(&version, page_size, &page_token).await?;
        Ok(answer(v1::ListMetricsResponse {
            metrics: page.items.into_iter().map(write_listed).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

fn read_query(fields: &mut Fields, message: v1::QueryMetricSeriesRequest) -> Option<MetricQuery> {
    let v1::QueryMetricSeriesRequest {
        parent,
        metric,
        method,
        evaluator,
        slice,
        all_slices,
        start_time,
        end_time,
        resolution,
        page_size: _,
        page_token: _,
    } = message;
    let of = read_parent(fields, &parent);
    if all_slices && !slice.is_empty() {
        fields.refuse("slice", "has to be empty with all_slices; give one of the two");
    }
    let slice = (!all_slices).then_some(slice);
    let selection: Option<Valid<Selection>> =
        fields.valid("", Selection { metric, method, evaluator, slice });
    let (start_time, end_time) = fields.span(start_time, end_time);
    let resolution = read_resolution(fields, resolution);
    Some(MetricQuery { of: of?, selection: selection?, start_time, end_time, resolution: resolution? })
}

/// A version, or a model for all its versions.
fn read_parent(fields: &mut Fields, parent: &str) -> Option<Measured> {
    match parent.parse::<ModelName>() {
        Ok(model) => Some(Measured::Model(model)),
        Err(_) => fields.name::<VersionName>("parent", parent).map(Measured::Version),
    }
}

fn read_resolution(fields: &mut Fields, asked: Option<Asked>) -> Option<Resolution> {
    match asked {
        None => Some(Resolution::Points),
        Some(Asked::Step(step)) if step.nanos == 0 && (1..=LONGEST_STEP).contains(&step.seconds) => {
            Some(Resolution::Every(step.seconds * 1_000_000))
        }
        Some(Asked::Step(_)) => {
            fields.refuse("step", "is not allowed; use whole seconds from 1 second to 3,650 days");
            None
        }
        Some(Asked::MaxStepCount(most)) => match usize::try_from(most) {
            Ok(steps @ 1..) if most <= MOST_STEPS => Some(Resolution::AtMost(steps)),
            _ => {
                fields.refuse("max_step_count", format!("{most} is not allowed; use 1 to {MOST_STEPS}"));
                None
            }
        },
    }
}

fn write_segment(model: &ModelName, segment: Segment) -> v1::MetricSegment {
    let Segment { line, form, begins, steps } = segment;
    let version = VersionName { model: model.clone(), number: line.version };
    v1::MetricSegment {
        version: version.to_string(),
        metric: line.metric,
        slice: line.slice,
        method: line.method,
        evaluator: line.evaluator,
        evaluator_major_version: form.major_version,
        direction: write_direction(form.direction).into(),
        kind: write_kind(form.kind).into(),
        shape: write_shape(form.shape),
        preceding_break: begins.map(write_break),
        steps: steps.into_iter().map(summary::write).collect(),
    }
}

fn write_shape(shape: Shape) -> Option<metric_segment::Shape> {
    Some(match shape {
        Shape::Any => return None,
        Shape::Bins(Bins::Numeric { edges }) => metric_segment::Shape::NumericBins(v1::NumericBins { edges }),
        Shape::Bins(Bins::Categorical { categories, attribute }) => {
            metric_segment::Shape::CategoricalBins(v1::CategoricalBins { categories, attribute })
        }
        Shape::Accuracy(accuracy) => metric_segment::Shape::RelativeAccuracy(accuracy),
        Shape::Attribute(attribute) => metric_segment::Shape::Attribute(attribute),
        Shape::Currency(currency) => metric_segment::Shape::Currency(currency),
    })
}

fn write_break(begins: Break) -> v1::SeriesBreak {
    let cause = |cause| match cause {
        Cause::Version => v1::BreakCause::Version,
        Cause::Method => v1::BreakCause::Method,
        Cause::Evaluator => v1::BreakCause::Evaluator,
        Cause::EvaluatorMajorVersion => v1::BreakCause::EvaluatorMajorVersion,
        Cause::Direction => v1::BreakCause::Direction,
        Cause::Kind => v1::BreakCause::Kind,
        Cause::Bins => v1::BreakCause::Bins,
        Cause::Accuracy => v1::BreakCause::RelativeAccuracy,
        Cause::Currency => v1::BreakCause::Currency,
        Cause::Attribute => v1::BreakCause::Attribute,
    };
    v1::SeriesBreak {
        break_time: Some(field::time(begins.time)),
        causes: begins.causes.into_iter().map(|one| cause(one).into()).collect(),
        description: begins.sentence,
    }
}

fn write_kind(kind: Kind) -> v1::MetricKind {
    match kind {
        Kind::Rate => v1::MetricKind::Rate,
        Kind::Moments => v1::MetricKind::Moments,
        Kind::Histogram => v1::MetricKind::Histogram,
        Kind::ExponentialHistogram => v1::MetricKind::ExponentialHistogram,
        Kind::Sketch => v1::MetricKind::Sketch,
        Kind::Confusion => v1::MetricKind::Confusion,
        Kind::Usage => v1::MetricKind::Usage,
        Kind::Plain => v1::MetricKind::Plain,
    }
}

fn write_direction(direction: Direction) -> v1::Direction {
    match direction {
        Direction::Unspecified => v1::Direction::Unspecified,
        Direction::HigherIsBetter => v1::Direction::HigherIsBetter,
        Direction::LowerIsBetter => v1::Direction::LowerIsBetter,
    }
}

fn write_listed(listed: Listed) -> v1::ListedMetric {
    v1::ListedMetric {
        metric: listed.line.metric,
        slice: listed.line.slice,
        method: listed.line.method,
        evaluator: Some(v1::Evaluator { name: listed.line.evaluator, version: listed.evaluator_version }),
        kind: write_kind(listed.form.kind).into(),
        direction: write_direction(listed.form.direction).into(),
        point_count: i64::try_from(listed.points).unwrap_or(i64::MAX),
        window_start_time: Some(field::time(listed.start)),
        window_end_time: Some(field::time(listed.end)),
    }
}

/// A number of things on the wire; queries read far fewer than fit.
fn number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
