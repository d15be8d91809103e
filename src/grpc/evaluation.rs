//! EvaluationService.

pub(super) mod point;

use super::{
    answer,
    field::{self, Fields},
    identity,
    version::{read_dataset, write_dataset},
};
use crate::{
    domain::{
        check::Valid,
        evaluation::{Evaluation, EvaluationContent, Evaluator},
        name::{EvaluationId, ModelName, VersionName},
    },
    proto::v1::{self, evaluation_service_server::EvaluationService},
    registry::{
        Registry,
        call::Stored,
        evaluation::{ListEvaluations, MOST_IN_BATCH, NewEvaluation},
    },
};
use tonic::{Request, Response, Status};

/// Answers EvaluationService.
pub struct Evaluations(pub Registry);

#[tonic::async_trait]
impl EvaluationService for Evaluations {
    async fn record_evaluation(
        &self,
        request: Request<v1::RecordEvaluationRequest>,
    ) -> Result<Response<v1::Evaluation>, Status> {
        let caller = identity::caller(request.metadata())?;
        let message = request.into_inner();
        let mut fields = Fields::new();
        let call = fields.call(caller, &message.request_id, "", "", message.validate_only);
        let new = read_new(&mut fields, message);
        let (new, call) = fields.all(new.zip(call))?;
        Ok(answer(write(self.0.record_evaluation(new, call).await?)))
    }

    async fn batch_record_evaluations(
        &self,
        request: Request<v1::BatchRecordEvaluationsRequest>,
    ) -> Result<Response<v1::BatchRecordEvaluationsResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::BatchRecordEvaluationsRequest { parent, requests, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let call = fields.call(caller, &request_id, "", "", validate_only);
        let evaluations = read_batch(&mut fields, requests);
        let (model, call) = fields.all(model.zip(call))?;
        let evaluations = self.0.batch_record_evaluations(model, evaluations, call).await?;
        let evaluations = evaluations.into_iter().map(write).collect();
        Ok(answer(v1::BatchRecordEvaluationsResponse { evaluations }))
    }

    async fn get_evaluation(
        &self,
        request: Request<v1::GetEvaluationRequest>,
    ) -> Result<Response<v1::Evaluation>, Status> {
        let v1::GetEvaluationRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_evaluation(&name, at).await?)))
    }

    async fn list_evaluations(
        &self,
        request: Request<v1::ListEvaluationsRequest>,
    ) -> Result<Response<v1::ListEvaluationsResponse>, Status> {
        let v1::ListEvaluationsRequest {
            parent,
            page_size,
            page_token,
            start_time,
            end_time,
            metric,
            order_by,
        } = request.into_inner();
        let mut fields = Fields::new();
        let version = fields.name::<VersionName>("parent", &parent);
        let (start_time, end_time) = fields.span(start_time, end_time);
        let (_, descending) = field::order_by(&mut fields, &order_by, &["window_end_time"]);
        let version = fields.all(version)?;
        let query = ListEvaluations { start_time, end_time, metric, descending };
        let page = self.0.list_evaluations(&version, &query, page_size, &page_token).await?;
        Ok(answer(v1::ListEvaluationsResponse {
            evaluations: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

fn read_batch(fields: &mut Fields, requests: Vec<v1::RecordEvaluationRequest>) -> Vec<NewEvaluation> {
    let mut evaluations = Vec::with_capacity(requests.len());
    if !(1..=MOST_IN_BATCH).contains(&requests.len()) {
        let sentence = format!("has {} entries; 1 to {MOST_IN_BATCH} are allowed", requests.len());
        fields.refuse("requests", sentence);
        return evaluations;
    }
    for (index, request) in requests.into_iter().enumerate() {
        fields.within(&format!("requests[{index}]"), |fields| {
            if !request.request_id.is_empty() {
                fields.refuse("request_id", "has to be empty: the batch has one for all");
            }
            if request.validate_only {
                fields.refuse("validate_only", "has to be false: the batch has one for all");
            }
            evaluations.extend(read_new(fields, request));
        });
    }
    evaluations
}

fn read_new(fields: &mut Fields, request: v1::RecordEvaluationRequest) -> Option<NewEvaluation> {
    let v1::RecordEvaluationRequest { parent, evaluation_id, evaluation, request_id: _, validate_only: _ } =
        request;
    let version = fields.name("parent", &parent);
    let id =
        (!evaluation_id.is_empty()).then(|| fields.take("evaluation_id", EvaluationId::new(&evaluation_id)));
    let content = fields.required("evaluation", evaluation).and_then(|e| read_content(fields, e));
    let id = match id {
        None => None,
        Some(id) => Some(id?),
    };
    Some(NewEvaluation { version: version?, id, content: content? })
}

fn read_content(fields: &mut Fields, evaluation: v1::Evaluation) -> Option<Valid<EvaluationContent>> {
    let v1::Evaluation {
        name: _,
        window_start_time,
        window_end_time,
        dataset,
        evaluator,
        points,
        note,
        create_time: _,
        recorder: _,
        etag: _,
        audit_position: _,
        folded_cell_count: _,
    } = evaluation;
    let content = fields.within("evaluation", |fields| {
        let start = fields.required_time("window_start_time", window_start_time);
        let end = fields.required_time("window_end_time", window_end_time);
        let points = point::read_all(fields, points);
        let v1::Evaluator { name, version } = evaluator.unwrap_or_default();
        let (window_start_time, window_end_time) = start.zip(end)?;
        Some(EvaluationContent {
            window_start_time,
            window_end_time,
            dataset: dataset.map(read_dataset),
            evaluator: Evaluator { name, version },
            points: points?,
            note,
        })
    })?;
    fields.valid("evaluation", content)
}

fn write(stored: Stored<Evaluation>) -> v1::Evaluation {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Evaluation { name, content, create_time, recorder, folded_cells } = stored.value;
    let Evaluator { name: evaluator, version } = content.evaluator;
    v1::Evaluation {
        name: name.to_string(),
        window_start_time: Some(field::time(content.window_start_time)),
        window_end_time: Some(field::time(content.window_end_time)),
        dataset: content.dataset.map(write_dataset),
        evaluator: Some(v1::Evaluator { name: evaluator, version }),
        points: content.points.into_iter().map(point::write).collect(),
        note: content.note,
        create_time: Some(field::time(create_time)),
        recorder,
        etag,
        audit_position,
        folded_cell_count: field::int32(folded_cells),
    }
}
