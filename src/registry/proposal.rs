//! Use cases of proposals: a step that takes more than one person is proposed,
//! and carried out with the last approval it needs.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    lifecycle::{check_references, event_type, events, step},
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::Valid,
        event::{Change, Event, EventType},
        lifecycle::transition::Request,
        model::Model,
        name::{ModelName, ProposalId, ProposalName, VersionName},
        proposal::{ActKind, Proposal, ProposalContent, ProposalState},
        refusal::{Reason, Refusal},
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct CreateProposal {
    version: VersionName,
    id: Option<ProposalId>,
    content: Valid<ProposalContent>,
    /// Drawn for each attempt, so it is not part of what is asked for.
    #[serde(skip)]
    drawn: ProposalId,
}

#[async_trait]
impl Mutation for CreateProposal {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let proposal = self.id.clone().unwrap_or_else(|| self.drawn.clone());
        let name = ProposalName { version: self.version.clone(), proposal };
        if view.find::<Proposal>(&name).await?.is_some() {
            return Err(Error::exists(name, "; choose another id"));
        }
        let content = self.content.clone().into_inner();
        let proposal = Proposal::create(name, content, call.caller.actor.clone(), now);
        match attempt(view, &proposal, now).await? {
            // Nobody else is needed: it is done at once, and stays on record.
            Attempt::Done(version) => carried_out(view, &proposal, *version, now).await,
            Attempt::Waiting(_) => Ok(vec![Event::set(EventType::ProposalCreated, proposal)]),
        }
    }

    fn field(&self, _: u32) -> String {
        "proposal".to_owned()
    }
}

/// What somebody does about a proposal.
#[derive(Serialize)]
struct ActOnProposal {
    name: ProposalName,
    kind: ActKind,
}

#[async_trait]
impl Mutation for ActOnProposal {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.version.model).await?.value.require_alive()?;
        let present = view.get::<Proposal>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let proposal = present.value.act(self.kind, &call.caller.actor, &call.reason, now)?;
        if self.kind == ActKind::Approve
            && let Attempt::Done(version) = attempt(view, &proposal, now).await?
        {
            return carried_out(view, &proposal, *version, now).await;
        }
        let kind = match self.kind {
            ActKind::Approve => EventType::ProposalApproved,
            ActKind::Revoke => EventType::ProposalRevoked,
            ActKind::Reject => EventType::ProposalRejected,
            ActKind::Withdraw => EventType::ProposalWithdrawn,
            ActKind::Comment => EventType::ProposalCommented,
        };
        Ok(vec![Event::set(kind, proposal)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What became of carrying a proposal out.
enum Attempt {
    Done(Box<Version>),
    /// Only people are missing.
    Waiting(Vec<Refusal>),
}

/// Carries a proposal out if nothing stands against it; more approvals may be
/// missing, every other guard has to be content.
async fn attempt(view: &mut View<'_>, proposal: &Proposal, now: Timestamp) -> Result<Attempt, Error> {
    let version = view.get::<Version>(&proposal.name.version).await?.value;
    let approvals = proposal.approvals();
    let request = Request {
        author: &proposal.author,
        reason: &proposal.content.reason,
        approvals: &approvals,
        incident: proposal.content.incident.as_ref(),
        now,
    };
    match step(view, version, &proposal.content.verb, &request).await {
        Ok(version) => Ok(Attempt::Done(Box::new(version))),
        Err(Error::Refused(refusals)) => {
            let is_consent = |refusal: &Refusal| refusal.reason == Reason::ApprovalRequired;
            let (people, others): (Vec<_>, Vec<_>) = refusals.into_iter().partition(is_consent);
            if others.is_empty() { Ok(Attempt::Waiting(people)) } else { Err(Error::Refused(others)) }
        }
        Err(error) => Err(error),
    }
}

/// The events that carry a proposal out, if nothing stands against it.
pub async fn carry_out(
    view: &mut View<'_>,
    proposal: &Proposal,
    now: Timestamp,
) -> Result<Vec<Event>, Error> {
    match attempt(view, proposal, now).await? {
        Attempt::Done(version) => carried_out(view, proposal, *version, now).await,
        Attempt::Waiting(refusals) => Err(Error::Refused(refusals)),
    }
}

/// What stands against a proposal: people who have not agreed, or whatever else has
/// come up since it was made.
pub async fn missing(
    view: &mut View<'_>,
    proposal: &Proposal,
    now: Timestamp,
) -> Result<Vec<Refusal>, Error> {
    match attempt(view, proposal, now).await {
        Ok(Attempt::Done(_)) => Ok(Vec::new()),
        Ok(Attempt::Waiting(refusals)) | Err(Error::Refused(refusals)) => Ok(refusals),
        Err(error) => Err(error),
    }
}

async fn carried_out(
    view: &mut View<'_>,
    proposal: &Proposal,
    version: Version,
    now: Timestamp,
) -> Result<Vec<Event>, Error> {
    let mut events = events(view, event_type(&proposal.content.verb), version, now).await?;
    if let Some(event) = events.first_mut() {
        event.changes.push(Change::Set(proposal.clone().carried_out(now).into()));
    }
    Ok(events)
}

impl Registry {
    /// Proposes a step, or carries it out where nobody else is needed.
    pub async fn create_proposal(
        &self,
        version: VersionName,
        id: Option<ProposalId>,
        content: Valid<ProposalContent>,
        call: Call,
    ) -> Result<Stored<Proposal>, Error> {
        check_references(&version, &content.verb, content.incident.as_ref())?;
        self.record_uses().await?;
        let drawn = uuid::Uuid::from_bytes(self.0.environment.entropy.draw()).to_string();
        let drawn = ProposalId::new(&drawn).map_err(|error| Error::Internal(error.0))?;
        let namespace = version.model.namespace.clone();
        let create = CreateProposal { version, id, content, drawn };
        self.mutate(&namespace, "CreateProposal", create, call).await?.resource()
    }

    /// Agrees to a proposal, refuses it, takes it back, or says something about it.
    pub async fn act_on_proposal(
        &self,
        name: ProposalName,
        kind: ActKind,
        call: Call,
    ) -> Result<Stored<Proposal>, Error> {
        if kind != ActKind::Approve {
            call.require_reason()?;
        }
        let namespace = name.version.model.namespace.clone();
        self.mutate(&namespace, "ActOnProposal", ActOnProposal { name, kind }, call).await?.resource()
    }

    /// Reads a proposal.
    pub async fn get_proposal(&self, name: &ProposalName, at: ReadAt) -> Result<Stored<Proposal>, Error> {
        self.get(name, at).await
    }

    /// Lists the proposals about the versions of a model; only open ones, unless
    /// all are asked for.
    pub async fn list_proposals(
        &self,
        model: &ModelName,
        show_closed: bool,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Proposal>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("proposals", model, show_closed))?;
        self.get_model(model, ReadAt::Present).await?;
        let read = |_: &[u8], state: &Bytes| {
            let proposal: Stored<Proposal> = read_record(state)?;
            Ok((show_closed || proposal.value.state == ProposalState::Open).then_some(proposal))
        };
        let range = keys::proposals_of_model(model);
        self.page(&model.namespace, Listing { range, reverse: false, follow: None, read: &read }, &request)
            .await
    }
}
