//! OTLP metrics: what programs that call models export anyway, as evaluations of the
//! versions that they name. Only the metrics of OpenTelemetry's conventions for
//! generative AI are taken, and of their attributes only codes that the version
//! declares; no other attribute, exemplar or description is kept.

mod attribute;
mod point;

use self::{
    attribute::{Attributes, Which},
    point::Measured,
};
use super::{answer, identity};
use crate::{
    domain::{
        canonical,
        check::Valid,
        evaluation::{EvaluationContent, Evaluator, point::MetricPoint},
        name::{EvaluationId, ModelName, VersionName, VersionNumber},
        time::Timestamp,
        version::dimension::Dimensions,
    },
    registry::{
        Registry,
        call::{Call, Caller},
        error::Error,
        evaluation::NewEvaluation,
        read::ReadAt,
        version::Selector,
    },
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_server::MetricsService,
};
use std::collections::BTreeMap;
use tonic::{Request, Response, Status};

/// The evaluator of everything that comes in this way.
const EVALUATOR: &str = "otlp";
/// Evaluations in one commit.
const MOST_IN_BATCH: usize = 500;
/// Points in one evaluation.
const MOST_POINTS: usize = 200;
/// So many reasons are told.
const MOST_REASONS: usize = 5;

/// Answers OpenTelemetry's MetricsService.
pub struct OtlpMetrics(pub Registry);

#[tonic::async_trait]
impl MetricsService for OtlpMetrics {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let mut rejected = Rejected::default();
        let mut by_target: BTreeMap<Which, Vec<Measured>> = BTreeMap::new();
        for resource in request.into_inner().resource_metrics {
            let of_resource = Attributes::read(resource.resource.unwrap_or_default().attributes);
            for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                for (attributes, measured) in point::read(metric, &mut rejected) {
                    let attributes = attributes.over(&of_resource);
                    match attributes.which() {
                        Ok(which) => {
                            by_target.entry(which).or_default().push(measured.with(attributes));
                        }
                        Err(why) => rejected.add(1, why),
                    }
                }
            }
        }
        for (which, measured) in by_target {
            self.record(&which, measured, &caller, &mut rejected).await?;
        }
        Ok(answer(ExportMetricsServiceResponse { partial_success: rejected.told() }))
    }
}

impl OtlpMetrics {
    /// Records what was measured of one version.
    async fn record(
        &self,
        which: &Which,
        measured: Vec<Measured>,
        caller: &Caller,
        rejected: &mut Rejected,
    ) -> Result<(), Status> {
        let (version, dimensions) = match self.find(which).await {
            Ok(found) => found,
            Err(error) if is_refusal(&error) => {
                rejected.add(measured.len(), error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut evaluations = Vec::new();
        for content in in_windows(measured, &dimensions) {
            let points = content.points.len();
            match new_evaluation(&version, content) {
                Ok(new) => evaluations.push(new),
                Err(why) => rejected.add(points, why),
            }
        }
        for batch in evaluations.chunks(MOST_IN_BATCH) {
            let model = version.model.clone();
            let call = without_id(caller);
            match self.0.batch_record_evaluations(model, batch.to_vec(), call).await {
                Ok(_) => {}
                Err(error) if is_refusal(&error) => self.record_singly(batch, caller, rejected).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// One by one, so that what is refused keeps nothing else out.
    async fn record_singly(
        &self,
        evaluations: &[NewEvaluation],
        caller: &Caller,
        rejected: &mut Rejected,
    ) -> Result<(), Status> {
        for new in evaluations {
            match self.0.record_evaluation(new.clone(), without_id(caller)).await {
                // The id comes from the content: an exporter sends it again.
                Ok(_) | Err(Error::Exists { .. }) => {}
                Err(error) if is_refusal(&error) => {
                    rejected.add(new.content.points.len(), error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn find(&self, which: &Which) -> Result<(VersionName, Dimensions), Error> {
        let version = match which {
            Which::Number(model, number) => {
                self.0.get_version(&version_name(model, *number), ReadAt::Present).await?
            }
            Which::Alias(model, alias) => {
                let selector = Selector::Alias(alias.clone());
                self.0.resolve_version(model, &selector, None, ReadAt::Present).await?.version
            }
        };
        Ok((version.value.name, version.value.content.dimensions))
    }
}

fn version_name(model: &ModelName, number: VersionNumber) -> VersionName {
    VersionName { model: model.clone(), number }
}

/// OTLP has no request id; the ids of the evaluations do its work.
fn without_id(caller: &Caller) -> Call {
    Call {
        caller: caller.clone(),
        request_id: None,
        reason: String::new(),
        etag: String::new(),
        validate_only: false,
    }
}

/// Whether the server said no to what was asked, which a repeat would not change.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Invalid(_) | Error::NotFound { .. } | Error::Exists { .. } | Error::Refused(_))
}

/// Points by the windows that they were counted in. Points that an attribute told
/// apart which is not kept stand in evaluations of their own.
fn in_windows(measured: Vec<Measured>, dimensions: &Dimensions) -> Vec<EvaluationContent> {
    let mut windows: BTreeMap<(Timestamp, Timestamp), Vec<Vec<MetricPoint>>> = BTreeMap::new();
    for one in measured {
        let (window, point) = (one.window, one.into_point(dimensions));
        let fits = |points: &&mut Vec<MetricPoint>| {
            let same = |other: &MetricPoint| other.metric == point.metric && other.slice == point.slice;
            points.len() < MOST_POINTS && !points.iter().any(same)
        };
        let evaluations = windows.entry(window).or_default();
        match evaluations.iter_mut().find(fits) {
            Some(points) => points.push(point),
            None => evaluations.push(vec![point]),
        }
    }
    let content = |((start, end), points)| EvaluationContent {
        window_start_time: start,
        window_end_time: end,
        dataset: None,
        evaluator: Evaluator { name: EVALUATOR.to_owned(), version: String::new() },
        points,
        note: String::new(),
    };
    let each = windows.into_iter().flat_map(|(window, all)| all.into_iter().map(move |p| (window, p)));
    each.map(content).collect()
}

/// The evaluation under an id from its content, so that what an exporter sends again
/// is not recorded twice.
fn new_evaluation(version: &VersionName, content: EvaluationContent) -> Result<NewEvaluation, String> {
    let content = Valid::new(content, "data_point").map_err(|violations| {
        let all = violations.list().iter().map(|one| format!("{} {}", one.field, one.description));
        all.take(1).collect::<String>()
    })?;
    let bytes = canonical::to_vec(&*content).map_err(|error| error.to_string())?;
    let digest = canonical::digest(&bytes);
    let id = digest.strip_prefix("sha256:").and_then(|hex| hex.get(..32)).unwrap_or_default();
    let id = EvaluationId::new(&format!("otlp-{id}")).map_err(|error| error.0)?;
    Ok(NewEvaluation { version: version.clone(), id: Some(id), content })
}

/// Data points that are not recorded, by reason.
#[derive(Default)]
struct Rejected(BTreeMap<String, usize>);

impl Rejected {
    fn add(&mut self, points: usize, why: impl Into<String>) {
        *self.0.entry(why.into()).or_default() += points;
    }

    fn told(self) -> Option<ExportMetricsPartialSuccess> {
        let rejected: usize = self.0.values().sum();
        if rejected == 0 {
            return None;
        }
        let reasons: Vec<String> =
            self.0.iter().take(MOST_REASONS).map(|(why, points)| format!("{points}: {why}")).collect();
        Some(ExportMetricsPartialSuccess {
            rejected_data_points: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: reasons.join("; "),
        })
    }
}
