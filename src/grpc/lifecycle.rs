//! LifecycleService.

use super::{answer, field::Fields, identity, version};
use crate::{
    domain::{
        check::Violations,
        lifecycle::{Successor, transition::Verb},
    },
    proto::v1::{self, lifecycle_service_server::LifecycleService},
    registry::Registry,
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// Answers LifecycleService.
pub struct Lifecycle(pub Registry);

/// What every verb's request has.
struct Step {
    name: String,
    reason: String,
    etag: String,
    request_id: String,
    validate_only: bool,
}

impl Lifecycle {
    async fn step(
        &self,
        metadata: &MetadataMap,
        step: Step,
        read_verb: impl FnOnce(&mut Fields) -> Option<Verb> + Send,
    ) -> Result<Response<v1::Version>, Status> {
        let caller = identity::caller(metadata)?;
        let mut fields = Fields::new();
        let name = fields.name("name", &step.name);
        let verb = read_verb(&mut fields);
        let call = fields.call(caller, &step.request_id, &step.reason, &step.etag, step.validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((name, verb), call) = fields.all(name.zip(verb).zip(call))?;
        Ok(answer(version::write(self.0.transition_version(name, verb, call).await?)))
    }
}

#[tonic::async_trait]
impl LifecycleService for Lifecycle {
    async fn submit_version(
        &self,
        request: Request<v1::SubmitVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::SubmitVersionRequest { name, reason, etag, request_id, validate_only } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |_| Some(Verb::Submit)).await
    }

    async fn approve_version(
        &self,
        request: Request<v1::ApproveVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::ApproveVersionRequest { name, reason, etag, request_id, validate_only } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |_| Some(Verb::Approve)).await
    }

    async fn reject_version(
        &self,
        request: Request<v1::RejectVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::RejectVersionRequest { name, reason, etag, request_id, validate_only } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |_| Some(Verb::Reject)).await
    }

    async fn deprecate_version(
        &self,
        request: Request<v1::DeprecateVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::DeprecateVersionRequest {
            name,
            reason,
            etag,
            request_id,
            validate_only,
            sunset_time,
            successor,
        } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |fields| read_deprecate(fields, sunset_time, successor)).await
    }

    async fn reinstate_version(
        &self,
        request: Request<v1::ReinstateVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::ReinstateVersionRequest { name, reason, etag, request_id, validate_only } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |_| Some(Verb::Reinstate)).await
    }

    async fn retire_version(
        &self,
        request: Request<v1::RetireVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::RetireVersionRequest { name, reason, etag, request_id, validate_only } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |_| Some(Verb::Retire)).await
    }

    async fn archive_version(
        &self,
        request: Request<v1::ArchiveVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::ArchiveVersionRequest { name, reason, etag, request_id, validate_only } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        self.step(&metadata, step, |_| Some(Verb::Archive)).await
    }
}

fn read_deprecate(
    fields: &mut Fields,
    sunset_time: Option<prost_types::Timestamp>,
    successor: Option<v1::deprecate_version_request::Successor>,
) -> Option<Verb> {
    use v1::deprecate_version_request::Successor as Wire;
    let sunset_time = fields.required_time("sunset_time", sunset_time);
    let successor = match successor {
        Some(Wire::Replacement(name)) => fields.name("replacement", &name).map(Successor::Replacement),
        Some(Wire::NoReplacementReason(reason)) => {
            let mut violations = Violations::new();
            violations.text("no_replacement_reason", reason.trim(), 1, 1_000);
            violations.list().iter().for_each(|v| fields.refuse(&v.field, v.description.as_str()));
            violations.is_empty().then_some(Successor::NoReplacementReason(reason))
        }
        None => {
            fields.refuse(
                "successor",
                "is required: name a replacement, or say in no_replacement_reason why there is none",
            );
            None
        }
    };
    let (sunset_time, successor) = sunset_time.zip(successor)?;
    Some(Verb::Deprecate { sunset_time, successor })
}
