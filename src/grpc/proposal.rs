//! ProposalService.

use super::{
    answer,
    field::{self, Fields},
    identity,
    lifecycle::read_successor,
};
use crate::{
    domain::{
        lifecycle::{Successor, transition::Verb},
        name::{ModelName, ProposalId, VersionName},
        proposal::{Act, ActKind, Proposal, ProposalContent, ProposalState},
    },
    proto::v1::{self, proposal::Step, proposal_service_server::ProposalService},
    registry::{Registry, call::Stored},
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// Answers ProposalService.
pub struct Proposals(pub Registry);

/// What every act's request has.
struct ActRequest {
    name: String,
    reason: String,
    etag: String,
    request_id: String,
    validate_only: bool,
}

/// Takes a request of an act apart; all have the same fields.
macro_rules! act {
    ($self:ident, $request:ident, $type:ident, $kind:ident) => {{
        let (metadata, _, message) = $request.into_parts();
        let v1::$type { name, reason, etag, request_id, validate_only } = message;
        let act = ActRequest { name, reason, etag, request_id, validate_only };
        $self.act(&metadata, act, ActKind::$kind).await
    }};
}

impl Proposals {
    async fn act(
        &self,
        metadata: &MetadataMap,
        act: ActRequest,
        kind: ActKind,
    ) -> Result<Response<v1::Proposal>, Status> {
        let caller = identity::caller(metadata)?;
        let mut fields = Fields::new();
        let name = fields.name("name", &act.name);
        let call = fields.call(caller, &act.request_id, &act.reason, &act.etag, act.validate_only);
        let call = match kind {
            ActKind::Approve => call,
            _ => call.and_then(|call| fields.reasoned(call)),
        };
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.act_on_proposal(name, kind, call).await?)))
    }
}

#[tonic::async_trait]
impl ProposalService for Proposals {
    async fn create_proposal(
        &self,
        request: Request<v1::CreateProposalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CreateProposalRequest { parent, proposal_id, proposal, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let version = fields.name::<VersionName>("parent", &parent);
        let id = match proposal_id.is_empty() {
            true => None,
            false => fields.take("proposal_id", ProposalId::new(&proposal_id)),
        };
        let proposal = fields.required("proposal", proposal).unwrap_or_default();
        let reason = proposal.reason.clone();
        let content = fields
            .within("proposal", |fields| read_content(fields, proposal))
            .and_then(|content| fields.valid("proposal", content));
        let call = fields.call(caller, &request_id, &reason, "", validate_only);
        let ((version, content), call) = fields.all(version.zip(content).zip(call))?;
        Ok(answer(write(self.0.create_proposal(version, id, content, call).await?)))
    }

    async fn get_proposal(
        &self,
        request: Request<v1::GetProposalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        let v1::GetProposalRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_proposal(&name, at).await?)))
    }

    async fn list_proposals(
        &self,
        request: Request<v1::ListProposalsRequest>,
    ) -> Result<Response<v1::ListProposalsResponse>, Status> {
        let v1::ListProposalsRequest { parent, page_size, page_token, show_closed } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let model = fields.all(model)?;
        let page = self.0.list_proposals(&model, show_closed, page_size, &page_token).await?;
        Ok(answer(v1::ListProposalsResponse {
            proposals: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn approve_proposal(
        &self,
        request: Request<v1::ApproveProposalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        act!(self, request, ApproveProposalRequest, Approve)
    }

    async fn revoke_approval(
        &self,
        request: Request<v1::RevokeApprovalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        act!(self, request, RevokeApprovalRequest, Revoke)
    }

    async fn reject_proposal(
        &self,
        request: Request<v1::RejectProposalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        act!(self, request, RejectProposalRequest, Reject)
    }

    async fn withdraw_proposal(
        &self,
        request: Request<v1::WithdrawProposalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        act!(self, request, WithdrawProposalRequest, Withdraw)
    }

    async fn comment_on_proposal(
        &self,
        request: Request<v1::CommentOnProposalRequest>,
    ) -> Result<Response<v1::Proposal>, Status> {
        act!(self, request, CommentOnProposalRequest, Comment)
    }
}

fn read_content(fields: &mut Fields, proposal: v1::Proposal) -> Option<ProposalContent> {
    let v1::Proposal {
        name: _,
        step,
        reason,
        incident,
        author: _,
        state: _,
        acts: _,
        create_time: _,
        update_time: _,
        expire_time: _,
        etag: _,
        audit_position: _,
    } = proposal;
    let verb = match fields.required("step", step) {
        None => None,
        Some(Step::Approve(v1::ApproveStep { gates_overridden })) => Some(Verb::Approve { gates_overridden }),
        Some(Step::Deprecate(v1::DeprecateStep { sunset_time, successor })) => {
            fields.within("deprecate", |fields| {
                use v1::deprecate_step::Successor as Wire;
                let sunset_time = fields.required_time("sunset_time", sunset_time);
                let successor = successor.map(|successor| match successor {
                    Wire::Replacement(name) => Ok(name),
                    Wire::NoReplacementReason(reason) => Err(reason),
                });
                let successor = read_successor(fields, successor);
                let (sunset_time, successor) = sunset_time.zip(successor)?;
                Some(Verb::Deprecate { sunset_time, successor })
            })
        }
        Some(Step::ExtendSunsetTime(time)) => {
            let time = fields.time("extend_sunset_time", Some(time));
            time.map(|sunset_time| Verb::ExtendSunset { sunset_time })
        }
        Some(Step::ShortenSunsetTime(time)) => {
            let time = fields.time("shorten_sunset_time", Some(time));
            time.map(|sunset_time| Verb::ShortenSunset { sunset_time })
        }
        Some(Step::EmergencyRetire(v1::EmergencyRetireStep { successor })) => {
            use v1::emergency_retire_step::Successor as Wire;
            let successor = successor.map(|successor| match successor {
                Wire::Replacement(name) => Ok(name),
                Wire::NoReplacementReason(reason) => Err(reason),
            });
            let successor = fields.within("emergency_retire", |fields| read_successor(fields, successor));
            successor.map(|successor| Verb::EmergencyRetire { successor })
        }
        Some(Step::RestoreUntilTime(time)) => {
            let time = fields.time("restore_until_time", Some(time));
            time.map(|until_time| Verb::Restore { until_time })
        }
        Some(Step::Release(())) => Some(Verb::Release),
        Some(Step::Reinstate(())) => Some(Verb::Reinstate),
    };
    let incident = match incident.is_empty() {
        true => None,
        false => Some(fields.name("incident", &incident)?),
    };
    Some(ProposalContent { verb: verb?, reason, incident })
}

fn write_step(verb: Verb) -> Option<Step> {
    let successor_of = |successor| match successor {
        Successor::Replacement(name) => Ok(name.to_string()),
        Successor::NoReplacementReason(reason) => Err(reason),
    };
    Some(match verb {
        Verb::Approve { gates_overridden } => Step::Approve(v1::ApproveStep { gates_overridden }),
        Verb::Deprecate { sunset_time, successor } => {
            use v1::deprecate_step::Successor as Wire;
            let successor = successor_of(successor).map_or_else(Wire::NoReplacementReason, Wire::Replacement);
            let sunset_time = Some(field::time(sunset_time));
            Step::Deprecate(v1::DeprecateStep { sunset_time, successor: Some(successor) })
        }
        Verb::ExtendSunset { sunset_time } => Step::ExtendSunsetTime(field::time(sunset_time)),
        Verb::ShortenSunset { sunset_time } => Step::ShortenSunsetTime(field::time(sunset_time)),
        Verb::EmergencyRetire { successor } => {
            use v1::emergency_retire_step::Successor as Wire;
            let successor = successor_of(successor).map_or_else(Wire::NoReplacementReason, Wire::Replacement);
            Step::EmergencyRetire(v1::EmergencyRetireStep { successor: Some(successor) })
        }
        Verb::Restore { until_time } => Step::RestoreUntilTime(field::time(until_time)),
        Verb::Release => Step::Release(()),
        Verb::Reinstate => Step::Reinstate(()),
        Verb::Submit | Verb::Reject | Verb::Retire | Verb::Archive | Verb::Hold => return None,
    })
}

fn write(stored: Stored<Proposal>) -> v1::Proposal {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Proposal { name, content, author, state, acts, create_time, update_time, expire_time } = stored.value;
    let state = match state {
        ProposalState::Open => v1::ProposalState::Open,
        ProposalState::CarriedOut => v1::ProposalState::CarriedOut,
        ProposalState::Rejected => v1::ProposalState::Rejected,
        ProposalState::Withdrawn => v1::ProposalState::Withdrawn,
        ProposalState::Expired => v1::ProposalState::Expired,
    };
    v1::Proposal {
        name: name.to_string(),
        step: write_step(content.verb),
        reason: content.reason,
        incident: content.incident.map(|name| name.to_string()).unwrap_or_default(),
        author,
        state: state.into(),
        acts: acts.into_iter().map(write_act).collect(),
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        expire_time: Some(field::time(expire_time)),
        etag,
        audit_position,
    }
}

fn write_act(act: Act) -> v1::ProposalAct {
    let Act { kind, actor, comment, time } = act;
    let kind = match kind {
        ActKind::Approve => v1::ActKind::Approve,
        ActKind::Revoke => v1::ActKind::Revoke,
        ActKind::Reject => v1::ActKind::Reject,
        ActKind::Withdraw => v1::ActKind::Withdraw,
        ActKind::Comment => v1::ActKind::Comment,
    };
    v1::ProposalAct { kind: kind.into(), actor, comment, time: Some(field::time(time)) }
}
