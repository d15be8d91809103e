//! MonitorService.

use super::{
    answer, decision,
    evaluation::point,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        monitor::{BaselineOrigin, EffectKind, Level, Monitor, Snooze, Verdict},
        name::{NamespaceName, VersionName},
        statistics::detector::{Change, Detector},
    },
    proto::v1::{self, monitor_service_server::MonitorService},
    registry::{
        Registry,
        call::Stored,
        monitor::{Answer, Comparison, MonitorParent, SeriesVerdict},
    },
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// Answers MonitorService.
pub struct Monitors(pub Registry);

/// What every answer's request has.
struct AnswerRequest {
    name: String,
    reason: String,
    etag: String,
    request_id: String,
    validate_only: bool,
}

impl Monitors {
    async fn respond(
        &self,
        metadata: &MetadataMap,
        request: AnswerRequest,
        read_answer: impl FnOnce(&mut Fields) -> Option<Answer> + Send,
    ) -> Result<Response<v1::Monitor>, Status> {
        let AnswerRequest { name, reason, etag, request_id, validate_only } = request;
        let caller = identity::caller(metadata)?;
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let given = read_answer(&mut fields);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((name, given), call) = fields.all(name.zip(given).zip(call))?;
        Ok(answer(write(self.0.answer_alarm(name, given, call).await?)))
    }
}

#[tonic::async_trait]
impl MonitorService for Monitors {
    async fn get_monitor(
        &self,
        request: Request<v1::GetMonitorRequest>,
    ) -> Result<Response<v1::Monitor>, Status> {
        let v1::GetMonitorRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_monitor(&name, at).await?)))
    }

    async fn list_monitors(
        &self,
        request: Request<v1::ListMonitorsRequest>,
    ) -> Result<Response<v1::ListMonitorsResponse>, Status> {
        let v1::ListMonitorsRequest { parent, page_size, page_token, raised_only } = request.into_inner();
        let mut fields = Fields::new();
        let parent = read_parent(&mut fields, &parent);
        let parent = fields.all(parent)?;
        let page = self.0.list_monitors(&parent, raised_only, page_size, &page_token).await?;
        Ok(answer(v1::ListMonitorsResponse {
            monitors: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn judge_version(
        &self,
        request: Request<v1::JudgeVersionRequest>,
    ) -> Result<Response<v1::JudgeVersionResponse>, Status> {
        let v1::JudgeVersionRequest { name, page_size, page_token, comparison } = request.into_inner();
        let mut fields = Fields::new();
        let version = fields.name::<VersionName>("name", &name);
        let comparison = match fields.enumeration("comparison", comparison) {
            Some(v1::Comparison::Previous) => Comparison::Previous,
            Some(v1::Comparison::Production) => Comparison::Production,
            None | Some(v1::Comparison::Unspecified | v1::Comparison::Baseline) => Comparison::Baseline,
        };
        let version = fields.all(version)?;
        let page = self.0.judge_version(&version, comparison, page_size, &page_token).await?;
        Ok(answer(v1::JudgeVersionResponse {
            verdicts: page.items.into_iter().map(write_series_verdict).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn acknowledge_alarm(
        &self,
        request: Request<v1::AcknowledgeAlarmRequest>,
    ) -> Result<Response<v1::Monitor>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::AcknowledgeAlarmRequest { name, reason, etag, request_id, validate_only } = message;
        let request = AnswerRequest { name, reason, etag, request_id, validate_only };
        self.respond(&metadata, request, |_| Some(Answer::Acknowledge)).await
    }

    async fn snooze_alarm(
        &self,
        request: Request<v1::SnoozeAlarmRequest>,
    ) -> Result<Response<v1::Monitor>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::SnoozeAlarmRequest { name, reason, etag, request_id, validate_only, until_time } = message;
        let request = AnswerRequest { name, reason, etag, request_id, validate_only };
        let read = |fields: &mut Fields| fields.required_time("until_time", until_time).map(Answer::Snooze);
        self.respond(&metadata, request, read).await
    }

    async fn settle_alarm(
        &self,
        request: Request<v1::SettleAlarmRequest>,
    ) -> Result<Response<v1::Monitor>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::SettleAlarmRequest { name, reason, etag, request_id, validate_only } = message;
        let request = AnswerRequest { name, reason, etag, request_id, validate_only };
        self.respond(&metadata, request, |_| Some(Answer::Resolve)).await
    }
}

/// A version, or all of them in place of `-`.
fn read_parent(fields: &mut Fields, parent: &str) -> Option<MonitorParent> {
    match parent.strip_suffix("/versions/-") {
        None => fields.name("parent", parent).map(MonitorParent::Version),
        Some(model) => match model.strip_suffix("/models/-") {
            None => fields.name("parent", model).map(MonitorParent::Model),
            Some(namespace) => {
                let name = fields.name::<NamespaceName>("parent", namespace);
                name.map(|name| MonitorParent::Namespace(name.0))
            }
        },
    }
}

fn write(stored: Stored<Monitor>) -> v1::Monitor {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let monitor = stored.value;
    let origin = match monitor.baseline_origin {
        BaselineOrigin::Approval => v1::BaselineOrigin::Approval,
        BaselineOrigin::FirstRecorded => v1::BaselineOrigin::FirstRecorded,
    };
    let evaluator =
        v1::Evaluator { name: monitor.baseline_evaluator.name, version: monitor.baseline_evaluator.version };
    v1::Monitor {
        name: monitor.name.to_string(),
        baseline: Some(point::write(monitor.baseline)),
        baseline_evaluator: Some(evaluator),
        baseline_evaluation: monitor.baseline_evaluation.to_string(),
        baseline_origin: origin.into(),
        level: write_level(monitor.level).into(),
        verdict: monitor.verdict.map(write_verdict),
        detector: monitor.detector.map(write_detector),
        newest_evaluation: monitor.newest_evaluation.map(|name| name.to_string()).unwrap_or_default(),
        newest_window_end_time: monitor.newest_window_end_time.map(field::time),
        point_count: monitor.point_count,
        late_count: monitor.late_count,
        calm_count: monitor.calm_count,
        raise_time: monitor.raise_time.map(field::time),
        acknowledgement: monitor.acknowledgement.map(decision::write),
        snooze: monitor.snooze.map(write_snooze),
        resolution: monitor.resolution.map(decision::write),
        create_time: Some(field::time(monitor.create_time)),
        update_time: Some(field::time(monitor.update_time)),
        etag,
        audit_position,
    }
}

fn write_level(level: Level) -> v1::VerdictLevel {
    match level {
        Level::NotEnoughData => v1::VerdictLevel::NotEnoughData,
        Level::Ok => v1::VerdictLevel::Ok,
        Level::Watch => v1::VerdictLevel::Watch,
        Level::Alarm => v1::VerdictLevel::Alarm,
    }
}

fn write_verdict(verdict: Verdict) -> v1::Verdict {
    let Verdict { level, effect_kind, effect, p_value, baseline_n, current_n, needed_n, sentence } = verdict;
    let kind = match effect_kind {
        None => v1::EffectKind::Unspecified,
        Some(EffectKind::Psi) => v1::EffectKind::Psi,
        Some(EffectKind::CohensH) => v1::EffectKind::CohensH,
        Some(EffectKind::CohensD) => v1::EffectKind::CohensD,
        Some(EffectKind::RatioOfRates) => v1::EffectKind::RatioOfRates,
        Some(EffectKind::RatioToBaseline) => v1::EffectKind::RatioToBaseline,
    };
    let (level, effect_kind) = (write_level(level).into(), kind.into());
    v1::Verdict { level, effect_kind, effect, p_value, baseline_n, current_n, needed_n, sentence }
}

fn write_detector(detector: Detector) -> v1::Detector {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let change = match detector.change() {
        Change::Rise => v1::DetectedChange::Rise,
        Change::Drop => v1::DetectedChange::Drop,
    };
    v1::Detector {
        change: change.into(),
        limit: whole(detector.limit_units()),
        points_per_false_alarm: whole(detector.points_per_false_alarm()),
        evidence_values: detector.evidence().iter().copied().map(whole).collect(),
        point_count: whole(detector.points()),
    }
}

fn write_snooze(snooze: Snooze) -> v1::Snooze {
    let Snooze { decision, until_time } = snooze;
    v1::Snooze { decision: Some(decision::write(decision)), until_time: Some(field::time(until_time)) }
}

fn write_series_verdict(series: SeriesVerdict) -> v1::SeriesVerdict {
    let SeriesVerdict { point, evaluation, compared, verdict } = series;
    v1::SeriesVerdict {
        point: Some(point::write(point)),
        evaluation: evaluation.to_string(),
        compared_evaluation: compared.to_string(),
        verdict: Some(write_verdict(verdict)),
    }
}
