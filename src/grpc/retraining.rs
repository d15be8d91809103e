//! RetrainingService.

use super::{
    answer, decision,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        name::{ModelName, RetrainingId, VersionName},
        retraining::{self, Retraining, RetrainingContent, RetrainingState, Trigger},
    },
    proto::v1::{self, retraining_service_server::RetrainingService},
    registry::{Registry, call::Stored, retraining::Report},
};
use tonic::{Request, Response, Status};

/// Answers RetrainingService.
pub struct Retrainings(pub Registry);

#[tonic::async_trait]
impl RetrainingService for Retrainings {
    async fn request_retraining(
        &self,
        request: Request<v1::RequestRetrainingRequest>,
    ) -> Result<Response<v1::Retraining>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::RequestRetrainingRequest {
            parent,
            retraining_id,
            retraining,
            reason,
            request_id,
            validate_only,
        } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let id = match retraining_id.is_empty() {
            true => None,
            false => fields.take("retraining_id", RetrainingId::new(&retraining_id)),
        };
        let content = read_content(&mut fields, retraining.unwrap_or_default());
        let content = fields.valid("retraining", content);
        let call = fields.call(caller, &request_id, &reason, "", validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((model, content), call) = fields.all(model.zip(content).zip(call))?;
        Ok(answer(write(self.0.request_retraining(model, id, content, call).await?)))
    }

    async fn get_retraining(
        &self,
        request: Request<v1::GetRetrainingRequest>,
    ) -> Result<Response<v1::Retraining>, Status> {
        let v1::GetRetrainingRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_retraining(&name, at).await?)))
    }

    async fn list_retrainings(
        &self,
        request: Request<v1::ListRetrainingsRequest>,
    ) -> Result<Response<v1::ListRetrainingsResponse>, Status> {
        let v1::ListRetrainingsRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let model = fields.all(model)?;
        let page = self.0.list_retrainings(&model, page_size, &page_token).await?;
        Ok(answer(v1::ListRetrainingsResponse {
            retrainings: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn acknowledge_retraining(
        &self,
        request: Request<v1::AcknowledgeRetrainingRequest>,
    ) -> Result<Response<v1::Retraining>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::AcknowledgeRetrainingRequest { name, run_uri, reason, etag, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let report = fields.uri("run_uri", run_uri).map(Report::Acknowledge);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let ((name, report), call) = fields.all(name.zip(report).zip(call))?;
        Ok(answer(write(self.0.report_retraining(name, report, call).await?)))
    }

    async fn complete_retraining(
        &self,
        request: Request<v1::CompleteRetrainingRequest>,
    ) -> Result<Response<v1::Retraining>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CompleteRetrainingRequest { name, version, reason, etag, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let report = fields.name::<VersionName>("version", &version).map(Report::Complete);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let ((name, report), call) = fields.all(name.zip(report).zip(call))?;
        Ok(answer(write(self.0.report_retraining(name, report, call).await?)))
    }

    async fn fail_retraining(
        &self,
        request: Request<v1::FailRetrainingRequest>,
    ) -> Result<Response<v1::Retraining>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::FailRetrainingRequest { name, reason, etag, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.report_retraining(name, Report::Fail, call).await?)))
    }
}

fn read_content(fields: &mut Fields, retraining: v1::Retraining) -> RetrainingContent {
    let v1::Retraining {
        name: _,
        ttl,
        state: _,
        trigger: _,
        subscription: _,
        request: _,
        deliver_time: _,
        acknowledgement: _,
        run_uri: _,
        version: _,
        ending: _,
        create_time: _,
        update_time: _,
        expire_time: _,
        etag: _,
        audit_position: _,
    } = retraining;
    let ttl = fields.within("retraining", |fields| fields.seconds("ttl", ttl, retraining::TTL));
    RetrainingContent { ttl }
}

fn write(stored: Stored<Retraining>) -> v1::Retraining {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Retraining {
        name,
        content,
        state,
        trigger,
        subscription,
        request,
        deliver_time,
        acknowledgement,
        run_uri,
        version,
        ending,
        create_time,
        update_time,
        expire_time,
    } = stored.value;
    v1::Retraining {
        name: name.to_string(),
        ttl: Some(field::seconds(content.ttl)),
        state: write_state(state).into(),
        trigger: trigger.map(write_trigger),
        subscription: subscription.map(|name| name.to_string()).unwrap_or_default(),
        request: Some(decision::write(request)),
        deliver_time: deliver_time.map(field::time),
        acknowledgement: acknowledgement.map(decision::write),
        run_uri,
        version: version.map(|name| name.to_string()).unwrap_or_default(),
        ending: ending.map(decision::write),
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        expire_time: Some(field::time(expire_time)),
        etag,
        audit_position,
    }
}

fn write_trigger(trigger: Trigger) -> v1::RetrainingTrigger {
    let Trigger { position, kind, subject } = trigger;
    v1::RetrainingTrigger { position, r#type: kind, subject }
}

fn write_state(state: RetrainingState) -> v1::RetrainingState {
    match state {
        RetrainingState::Requested => v1::RetrainingState::Requested,
        RetrainingState::Delivered => v1::RetrainingState::Delivered,
        RetrainingState::Acknowledged => v1::RetrainingState::Acknowledged,
        RetrainingState::Completed => v1::RetrainingState::Completed,
        RetrainingState::Failed => v1::RetrainingState::Failed,
        RetrainingState::Expired => v1::RetrainingState::Expired,
    }
}
