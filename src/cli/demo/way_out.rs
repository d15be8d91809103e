//! The end of a version in the demo: who uses it, two people who agree that it
//! ends, and a rehearsal of the way back.

use prost_types::Timestamp;

use super::stage::{Stage, found};
use crate::cli::{
    environment::{fresh_request_id, now},
    error::Failure,
    name,
    table::{day, version_words},
};
use crate::proto::v1::{
    ApproveProposalRequest, Consumer, CreateConsumerRequest, CreateProposalRequest, DeprecateStep,
    GetConsumerRequest, GetProposalRequest, GetVersionRequest, Proposal, ProposalState,
    ResolveVersionRequest, RollbackAliasRequest, Version, VersionState, deprecate_step::Successor, proposal,
    resolve_version_request::Selector,
};

/// The id of the proposal to end a version.
const FAREWELL: &str = "farewell";

impl Stage<'_> {
    /// Registers a program that uses a model, unless it exists.
    pub async fn consumer(&self, model: &str, id: &str, consumer: Consumer) -> Result<(), Failure> {
        let name = format!("{model}/consumers/{id}");
        let get = GetConsumerRequest { name: name.clone(), read_at: None };
        let existing = self.author.call(get, async |r| self.author.consumers().get_consumer(r).await).await;
        if found(existing)?.is_some() {
            return self.tell(false, &name, &format!("  Consumer {id} exists already."));
        }
        let request_id = fresh_request_id();
        let owner = consumer.owner.clone();
        let request = CreateConsumerRequest {
            parent: model.to_owned(),
            consumer_id: id.to_owned(),
            consumer: Some(consumer),
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.author.consumers().create_consumer(r).await;
        self.author.change(&request_id, request, send).await?;
        self.tell(true, &name, &format!("  Consumer {id} is registered; {owner} answers for it."))
    }

    /// Asks for an approved version as that program would, so that its use is known.
    pub async fn used(&self, version: &Version, consumer: &str) -> Result<(), Failure> {
        if version.state() != VersionState::Approved {
            return Ok(());
        }
        let number = name::id(&version.name).parse().unwrap_or_default();
        let request = ResolveVersionRequest {
            model: name::parent(&version.name).to_owned(),
            selector: Some(Selector::Number(number)),
            consumer: consumer.to_owned(),
            read_at: None,
        };
        self.author.call(request, async |r| self.author.versions().resolve_version(r).await).await?;
        let words = version_words(&version.name);
        self.tell(true, &version.name, &format!("  Consumer {consumer} asks for {words} and uses it."))
    }

    /// Ends an approved version by proposal and agreement, for a program uses
    /// it; any other version stays as it is.
    pub async fn deprecated(
        &self,
        old: Version,
        new: &Version,
        days: i64,
        reason: &str,
    ) -> Result<Version, Failure> {
        if old.state() != VersionState::Approved {
            return Ok(old);
        }
        let proposal = self.proposed(&old, new, days, reason).await?;
        let request_id = fresh_request_id();
        let request = ApproveProposalRequest {
            name: proposal.name,
            reason: "The newsletter can move in time".to_owned(),
            etag: proposal.etag,
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.reviewer.proposals().approve_proposal(r).await;
        self.reviewer.change(&request_id, request, send).await?;
        let get = GetVersionRequest { name: old.name, read_at: None };
        let old = self.author.call(get, async |r| self.author.versions().get_version(r).await).await?;
        let (end, words) = (day(old.effective_sunset_time), version_words(&new.name));
        self.tell_state(&old, &format!("two people agreed; it ends on {end} and {words} replaces it"))?;
        Ok(old)
    }

    /// The open proposal to end a version: the one that a broken-off run left, or a new one.
    async fn proposed(
        &self,
        old: &Version,
        new: &Version,
        days: i64,
        reason: &str,
    ) -> Result<Proposal, Failure> {
        let name = format!("{}/proposals/{FAREWELL}", old.name);
        let get = GetProposalRequest { name, read_at: None };
        let existing = self.author.call(get, async |r| self.author.proposals().get_proposal(r).await).await;
        let existing = found(existing)?;
        // One that is decided keeps its name; the next gets an id of the server's.
        let proposal_id = if existing.is_none() { FAREWELL.to_owned() } else { String::new() };
        if let Some(open) = existing.filter(|proposal| proposal.state() == ProposalState::Open) {
            return Ok(open);
        }
        let sunset = Timestamp { seconds: now().as_second() + days * 86_400, nanos: 0 };
        let step = DeprecateStep {
            sunset_time: Some(sunset),
            successor: Some(Successor::Replacement(new.name.clone())),
        };
        let request_id = fresh_request_id();
        let request = CreateProposalRequest {
            parent: old.name.clone(),
            proposal_id,
            proposal: Some(Proposal {
                step: Some(proposal::Step::Deprecate(step)),
                reason: reason.to_owned(),
                ..Proposal::default()
            }),
            request_id: request_id.clone(),
            validate_only: false,
        };
        let send = async |r| self.author.proposals().create_proposal(r).await;
        let proposal = self.author.change(&request_id, request, send).await?;
        let words = version_words(&old.name);
        self.tell(true, &proposal.name, &format!("  It is proposed to end {words} ({reason})."))?;
        Ok(proposal)
    }

    /// Rehearses the way back of an alias, unless somebody has.
    pub async fn rehearsed(&self, model: &str, id: &str) -> Result<(), Failure> {
        let Some(alias) = self.existing_alias(model, id).await?.filter(|alias| alias.drill.is_none()) else {
            return Ok(());
        };
        let request_id = fresh_request_id();
        let request = RollbackAliasRequest {
            name: alias.name.clone(),
            reason: "First rehearsal".to_owned(),
            request_id: request_id.clone(),
            drill: true,
            ..RollbackAliasRequest::default()
        };
        let send = async |r| self.reviewer.aliases().rollback_alias(r).await;
        let rehearsed = self.reviewer.change(&request_id, request, send).await?;
        let target = rehearsed.drill.map(|drill| version_words(&drill.target)).unwrap_or_default();
        self.tell(true, &alias.name, &format!("  The way back of {id} is rehearsed: it leads to {target}."))
    }
}
