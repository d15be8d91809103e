//! Use cases of policies.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    facts, leaf,
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
        lifecycle::VersionState,
        mask,
        model::{Model, RiskTier},
        name::{ModelName, NamespaceId, PolicyId, PolicyName, VersionName},
        policy::{Policy, PolicyContent, card, defaults},
        refusal::Refusal,
        resource::{Kind, Resource},
        time::Timestamp,
        version::Version,
    },
    store::{keys, record::decode_number},
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

/// Models that a preview looks through.
const MOST_PREVIEWED: usize = 10_000;

#[derive(Serialize)]
struct CreatePolicy {
    name: PolicyName,
    content: Valid<PolicyContent>,
}

#[async_trait]
impl Mutation for CreatePolicy {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        if view.find::<Policy>(&self.name).await?.is_some() {
            return Err(Error::exists(self.name.clone(), "; update it, or choose another id"));
        }
        let policy = Policy::create(self.name.clone(), self.content.clone().into_inner(), now)?;
        Ok(vec![Event::set(EventType::PolicyCreated, policy)])
    }

    fn field(&self, _: u32) -> String {
        "policy".to_owned()
    }
}

#[derive(Serialize)]
struct UpdatePolicy {
    name: PolicyName,
    update: PolicyContent,
    mask: Vec<String>,
}

#[async_trait]
impl Mutation for UpdatePolicy {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Policy>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let merged = mask::merge(&present.value.content, &self.update, &self.mask)?;
        let content = Valid::new(merged, "policy")?.into_inner();
        Ok(vec![Event::set(EventType::PolicyUpdated, present.value.update(content, now)?)])
    }

    fn field(&self, _: u32) -> String {
        "policy".to_owned()
    }
}

/// The policies that a namespace begins with, part of its first event.
pub fn defaults_of(namespace: &NamespaceId, now: Timestamp) -> Result<Vec<Change>, Error> {
    let policy = |tier: RiskTier| -> Result<Change, Error> {
        let policy = PolicyId::new(tier.policy_id()).map_err(|error| Error::Internal(error.0))?;
        let name = PolicyName { namespace: namespace.clone(), policy };
        Ok(Change::Set(Policy::create(name, defaults::of_tier(tier), now)?.into()))
    };
    [RiskTier::Preview, RiskTier::Standard, RiskTier::Critical].into_iter().map(policy).collect()
}

/// What a policy would refuse of a version that is in service.
#[derive(Clone, Debug, PartialEq)]
pub struct WouldRefuse {
    /// The version.
    pub version: VersionName,
    /// The guards that would have refused its approval today.
    pub refusals: Vec<Refusal>,
}

/// A policy, as changed or as it would be, and what it would refuse.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The policy.
    pub policy: Stored<Policy>,
    /// The versions in service that it would not approve today; only looked for
    /// where nothing is written.
    pub would_refuse: Vec<WouldRefuse>,
}

impl Registry {
    /// Writes a new policy.
    pub async fn create_policy(
        &self,
        name: PolicyName,
        content: Valid<PolicyContent>,
        call: Call,
    ) -> Result<Stored<Policy>, Error> {
        let namespace = name.namespace.clone();
        self.mutate(&namespace, "CreatePolicy", CreatePolicy { name, content }, call).await?.resource()
    }

    /// Changes the rules that a mask names; later decisions follow them.
    pub async fn update_policy(
        &self,
        name: PolicyName,
        update: PolicyContent,
        mask: Vec<String>,
        call: Call,
    ) -> Result<Checked, Error> {
        let is_preview = call.validate_only;
        let namespace = name.namespace.clone();
        let update = UpdatePolicy { name, update, mask };
        let policy: Stored<Policy> =
            self.mutate(&namespace, "UpdatePolicy", update, call).await?.resource()?;
        let would_refuse = match is_preview {
            true => self.preview_policy(&policy.value).await?,
            false => Vec::new(),
        };
        Ok(Checked { policy, would_refuse })
    }

    /// Reads a policy.
    pub async fn get_policy(&self, name: &PolicyName, at: ReadAt) -> Result<Stored<Policy>, Error> {
        self.get(name, at).await
    }

    /// Reads a policy as it was when its rules had a digest.
    pub async fn get_policy_by_digest(
        &self,
        name: &PolicyName,
        digest: &str,
    ) -> Result<Stored<Policy>, Error> {
        self.get_policy(name, ReadAt::Present).await?;
        let missing = || Error::NotFound {
            kind: Kind::Policy,
            name: format!("{name} with rules of the digest {digest}"),
        };
        let key = keys::policy_by_digest(name, digest);
        let at = self.value(&name.namespace, key).await?.ok_or_else(missing)?;
        let position = decode_number(&at)?;
        let leaf = self.value(&name.namespace, keys::event(&name.namespace, position)).await?;
        let leaf =
            leaf.ok_or_else(|| Error::Damaged(format!("the event at position {position} is missing")))?;
        let state = leaf::read_logged(position, &leaf)?.state_of(&name.clone().into());
        match state.map(|stored| stored.value) {
            Some(Change::Set(Resource::Policy(policy))) => {
                Ok(Stored { value: *policy, position: Some(position) })
            }
            _ => Err(missing()),
        }
    }

    /// Lists the policies of a namespace by id.
    pub async fn list_policies(
        &self,
        namespace: &NamespaceId,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Policy>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("policies", namespace))?;
        self.log(namespace).await?;
        let read = |_: &[u8], state: &Bytes| read_record(state).map(Some);
        let listing = Listing { range: keys::policies(namespace), reverse: false, follow: None, read: &read };
        self.page(namespace, listing, &request).await
    }

    /// Which versions in service a policy would not approve today.
    async fn preview_policy(&self, policy: &Policy) -> Result<Vec<WouldRefuse>, Error> {
        let now = self.0.environment.clock.now();
        let log = self.log(&policy.name.namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        let mut found = Vec::new();
        for (_, record) in view.scan(keys::models(&log.namespace), MOST_PREVIEWED).await? {
            let model = view.read::<Model>(&record).await?.value;
            if model.delete_time.is_some() || facts::policy(&mut view, &model).await?.name != policy.name {
                continue;
            }
            for version in in_service(&mut view, &model.name).await? {
                let refusals = would_refuse(&mut view, &model, &version, policy, now).await?;
                if !refusals.is_empty() {
                    found.push(WouldRefuse { version: version.name, refusals });
                }
            }
        }
        Ok(found)
    }
}

async fn in_service(view: &mut View<'_>, model: &ModelName) -> Result<Vec<Version>, Error> {
    let mut versions = Vec::new();
    for (_, record) in view.scan(keys::versions(model), MOST_PREVIEWED).await? {
        let version = view.read::<Version>(&record).await?.value;
        let serves = matches!(version.state, VersionState::Approved | VersionState::Deprecated);
        versions.extend(serves.then_some(version));
    }
    Ok(versions)
}

async fn would_refuse(
    view: &mut View<'_>,
    model: &Model,
    version: &Version,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Refusal>, Error> {
    let newest = facts::newest_evidence(view, &version.name).await?;
    let gates = facts::gates(view, policy, &version.name, now).await?;
    let mut refusals = card::gaps(&policy.content.card_fields, model);
    refusals.extend(policy.content.evidence_gaps(&version.name, newest, &gates, now));
    Ok(refusals)
}
