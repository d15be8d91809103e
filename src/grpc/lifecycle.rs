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
        incident: &str,
        read_verb: impl FnOnce(&mut Fields) -> Option<Verb> + Send,
    ) -> Result<Response<v1::Version>, Status> {
        let caller = identity::caller(metadata)?;
        let mut fields = Fields::new();
        let name = fields.name("name", &step.name);
        let verb = read_verb(&mut fields);
        let incident = if incident.is_empty() { None } else { fields.name("incident", incident) };
        let call = fields.call(caller, &step.request_id, &step.reason, &step.etag, step.validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((name, verb), call) = fields.all(name.zip(verb).zip(call))?;
        Ok(answer(version::write(self.0.transition_version(name, verb, incident, call).await?)))
    }
}

/// Takes a request apart that has nothing but what every verb has, and these fields.
macro_rules! step {
    ($self:ident, $request:ident, $type:ident { $($field:ident),* }, $incident:expr, $verb:expr) => {{
        let (metadata, _, message) = $request.into_parts();
        let v1::$type { name, reason, etag, request_id, validate_only, $($field),* } = message;
        let step = Step { name, reason, etag, request_id, validate_only };
        $self.step(&metadata, step, $incident, $verb).await
    }};
}

#[tonic::async_trait]
impl LifecycleService for Lifecycle {
    async fn submit_version(
        &self,
        request: Request<v1::SubmitVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, SubmitVersionRequest {}, "", |_| Some(Verb::Submit))
    }

    async fn approve_version(
        &self,
        request: Request<v1::ApproveVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, ApproveVersionRequest { gates_overridden, incident }, &incident, |_| Some(
            Verb::Approve { gates_overridden }
        ))
    }

    async fn reject_version(
        &self,
        request: Request<v1::RejectVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, RejectVersionRequest {}, "", |_| Some(Verb::Reject))
    }

    async fn deprecate_version(
        &self,
        request: Request<v1::DeprecateVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, DeprecateVersionRequest { sunset_time, successor }, "", |fields| read_deprecate(
            fields,
            sunset_time,
            successor
        ))
    }

    async fn extend_sunset(
        &self,
        request: Request<v1::ExtendSunsetRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, ExtendSunsetRequest { sunset_time }, "", |fields| {
            let time = fields.required_time("sunset_time", sunset_time);
            time.map(|sunset_time| Verb::ExtendSunset { sunset_time })
        })
    }

    async fn hold_version(
        &self,
        request: Request<v1::HoldVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, HoldVersionRequest { incident }, &incident, |_| Some(Verb::Hold))
    }

    async fn release_version(
        &self,
        request: Request<v1::ReleaseVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, ReleaseVersionRequest {}, "", |_| Some(Verb::Release))
    }

    async fn reinstate_version(
        &self,
        request: Request<v1::ReinstateVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, ReinstateVersionRequest {}, "", |_| Some(Verb::Reinstate))
    }

    async fn retire_version(
        &self,
        request: Request<v1::RetireVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, RetireVersionRequest {}, "", |_| Some(Verb::Retire))
    }

    async fn archive_version(
        &self,
        request: Request<v1::ArchiveVersionRequest>,
    ) -> Result<Response<v1::Version>, Status> {
        step!(self, request, ArchiveVersionRequest {}, "", |_| Some(Verb::Archive))
    }
}

fn read_deprecate(
    fields: &mut Fields,
    sunset_time: Option<prost_types::Timestamp>,
    successor: Option<v1::deprecate_version_request::Successor>,
) -> Option<Verb> {
    use v1::deprecate_version_request::Successor as Wire;
    let sunset_time = fields.required_time("sunset_time", sunset_time);
    let successor = successor.map(|successor| match successor {
        Wire::Replacement(name) => Ok(name),
        Wire::NoReplacementReason(reason) => Err(reason),
    });
    let successor = read_successor(fields, successor);
    let (sunset_time, successor) = sunset_time.zip(successor)?;
    Some(Verb::Deprecate { sunset_time, successor })
}

/// What callers move to: a name, or the reason why there is none.
pub fn read_successor(fields: &mut Fields, successor: Option<Result<String, String>>) -> Option<Successor> {
    match successor {
        Some(Ok(name)) => fields.name("replacement", &name).map(Successor::Replacement),
        Some(Err(reason)) => {
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
    }
}
