//! Use cases of records about rented models, and what they do to the versions
//! that rest on them.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    facts,
    mutation::{Committed, Mutation},
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::{Valid, Violations},
        event::{Change, Event, EventType},
        mask,
        model::Model,
        name::{NamespaceId, UpstreamName, VersionName},
        refusal::{Reason, Refusal},
        resource::Resource,
        time::Timestamp,
        upstream::{Upstream, UpstreamContent},
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most records in one batch.
pub const MOST_IN_BATCH: usize = 1_000;
/// Most versions in service that may rest on one record: all of them move in
/// the change that moves its end.
const MOST_VERSIONS: usize = 200;
/// Versions that a refused deletion names; the others follow once these are gone.
const MOST_NAMED: usize = 20;

/// What somebody found out about a rented model.
#[derive(Clone, Debug, Serialize)]
pub struct Observation {
    /// Which model.
    pub name: UpstreamName,
    /// What is said of it.
    pub update: UpstreamContent,
    /// The fields of that to take over.
    pub mask: Vec<String>,
    /// The etag that the caller has seen, or empty.
    pub etag: String,
}

/// What became of an observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The record as it is now.
    pub upstream: Stored<Upstream>,
    /// Whether it is another one than before.
    pub changed: bool,
    /// The versions whose end moved with it.
    pub moved: Vec<VersionName>,
}

#[derive(Serialize)]
struct SetUpstreams {
    is_batch: bool,
    observations: Vec<Observation>,
}

impl SetUpstreams {
    /// The path of what an observation came from.
    fn path(&self, index: usize) -> String {
        if self.is_batch { format!("requests[{index}]") } else { String::new() }
    }

    /// The content that a record has after an observation.
    fn content(&self, index: usize, present: Option<&Upstream>) -> Result<UpstreamContent, Violations> {
        let Observation { update, mask, .. } = &self.observations[index];
        let before = present.map(|present| present.content.clone()).unwrap_or_default();
        let merged = mask::merge(&before, update, mask);
        let content = merged.and_then(|content| Valid::new(content, "upstream"));
        content.map(Valid::into_inner).map_err(|found| {
            let mut placed = Violations::new();
            placed.within(&self.path(index), |v| {
                found.list().iter().for_each(|one| v.add(&one.field, one.description.as_str()));
            });
            placed
        })
    }
}

#[async_trait]
impl Mutation for SetUpstreams {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        let mut refusals = Vec::new();
        for (index, observation) in self.observations.iter().enumerate() {
            let name = &observation.name;
            let present = view.find::<Upstream>(name).await?;
            match &present {
                Some(present) => present.require_etag(&observation.etag, name.clone())?,
                None if observation.etag.is_empty() => {}
                None => return Err(Error::not_found(name.clone())),
            }
            let present = present.map(|present| present.value);
            let content = self.content(index, present.as_ref())?;
            let shutdown = present.as_ref().and_then(|present| present.content.shutdown_time);
            let Some(upstream) = Upstream::observe(name.clone(), present, content, now) else { continue };
            events.push(Event::set(EventType::UpstreamObserved, upstream.clone()));
            if upstream.content.shutdown_time == shutdown {
                continue;
            }
            match move_versions(view, &upstream, now).await {
                Ok(moved) => events.extend(moved),
                Err(Error::Refused(more)) => refusals.extend(more),
                Err(error) => return Err(error),
            }
        }
        if refusals.is_empty() { Ok(events) } else { Err(Error::Refused(refusals)) }
    }

    fn field(&self, _: u32) -> String {
        self.collection().to_owned()
    }

    fn collection(&self) -> &str {
        if self.is_batch { "requests" } else { "upstream" }
    }
}

/// One event for each version in service whose end moves with that of its provider.
async fn move_versions(
    view: &mut View<'_>,
    upstream: &Upstream,
    now: Timestamp,
) -> Result<Vec<Event>, Error> {
    let names = resting(view, &upstream.name, MOST_VERSIONS + 1).await?;
    if names.len() > MOST_VERSIONS {
        let sentence = format!(
            "more than {MOST_VERSIONS} versions in service rest on it, and they could not all move in one \
             change; retire or reject those that are not needed"
        );
        return Err(vec![Refusal::new(Reason::TooManyVersions, &upstream.name, sentence)].into());
    }
    let mut events = Vec::new();
    for name in names {
        let version = view.get::<Version>(&name).await?.value;
        let model = view.get::<Model>(&name.model).await?.value;
        let policy = facts::policy(view, &model).await?.content;
        let moved = version.with_upstream_end(upstream.end(&policy), &policy, now);
        events.extend(moved.map(|version| Event::set(EventType::VersionUpstreamEndMoved, version)));
    }
    Ok(events)
}

/// The first versions in service that rest on a record.
async fn resting(view: &mut View<'_>, name: &UpstreamName, limit: usize) -> Result<Vec<VersionName>, Error> {
    facts::versions_in(view, keys::versions_by_upstream(name), limit).await
}

#[derive(Serialize)]
struct DeleteUpstream {
    name: UpstreamName,
}

#[async_trait]
impl Mutation for DeleteUpstream {
    async fn decide(&self, view: &mut View<'_>, call: &Call, _: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Upstream>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let refuse = |version: VersionName| {
            let sentence = format!("it rests on {}; retire it first, or keep the record", self.name);
            Refusal::new(Reason::UpstreamInUse, &version, sentence)
        };
        let refusals: Vec<Refusal> =
            resting(view, &self.name, MOST_NAMED).await?.into_iter().map(refuse).collect();
        if refusals.is_empty() {
            Ok(vec![Event::removed(EventType::UpstreamDeleted, self.name.clone())])
        } else {
            Err(refusals.into())
        }
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// Which records are listed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListUpstreams {
    /// Of this provider; empty means any.
    pub provider: String,
    /// With a shutdown before this time.
    pub shutdown_before: Option<Timestamp>,
}

impl ListUpstreams {
    fn wants(&self, upstream: &Upstream) -> bool {
        let is_theirs = self.provider.is_empty() || self.provider == upstream.name.key.provider;
        let ends = |limit| upstream.content.shutdown_time.is_some_and(|shutdown| shutdown < limit);
        is_theirs && self.shutdown_before.is_none_or(ends)
    }
}

impl Registry {
    /// Creates or changes a record; the versions that rest on it follow.
    pub async fn set_upstream(&self, observation: Observation, call: Call) -> Result<Observed, Error> {
        let namespace = observation.name.namespace.clone();
        let mutation = SetUpstreams { is_batch: false, observations: vec![observation.clone()] };
        let committed = self.mutate(&namespace, "SetUpstream", mutation, call).await?;
        self.observed(&mut by_record(committed), observation.name).await
    }

    /// Creates or changes records of one namespace, all or none; answers also the
    /// position of the newest event, if anything changed.
    pub async fn batch_set_upstreams(
        &self,
        namespace: NamespaceId,
        observations: Vec<Observation>,
        call: Call,
    ) -> Result<(Vec<Observed>, Option<u64>), Error> {
        check_batch(&namespace, &observations)?;
        let names: Vec<UpstreamName> = observations.iter().map(|one| one.name.clone()).collect();
        let mutation = SetUpstreams { is_batch: true, observations };
        let committed = self.mutate(&namespace, "BatchSetUpstreams", mutation, call).await?;
        let position = committed.position();
        let mut changed = by_record(committed);
        let mut answers = Vec::with_capacity(names.len());
        for name in names {
            answers.push(self.observed(&mut changed, name).await?);
        }
        Ok((answers, position))
    }

    /// What became of a record: what was committed, or what is there.
    async fn observed(
        &self,
        changed: &mut BTreeMap<UpstreamName, Observed>,
        name: UpstreamName,
    ) -> Result<Observed, Error> {
        match changed.remove(&name) {
            Some(observed) => Ok(observed),
            None => {
                let upstream = self.get(&name, ReadAt::Present).await?;
                Ok(Observed { upstream, changed: false, moved: Vec::new() })
            }
        }
    }

    /// Reads a record.
    pub async fn get_upstream(&self, name: &UpstreamName, at: ReadAt) -> Result<Stored<Upstream>, Error> {
        self.get(name, at).await
    }

    /// Lists the records of a namespace by name.
    pub async fn list_upstreams(
        &self,
        namespace: &NamespaceId,
        query: &ListUpstreams,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Upstream>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("upstreams", namespace, query))?;
        self.log(namespace).await?;
        let read = |_: &[u8], state: &Bytes| {
            let upstream: Stored<Upstream> = read_record(state)?;
            Ok(query.wants(&upstream.value).then_some(upstream))
        };
        let range = keys::upstreams(namespace);
        let listing = Listing { range, reverse: false, follow: None, read: &read };
        self.page(namespace, listing, &request).await
    }

    /// Removes a record that no version in service rests on; answers the position
    /// of the event.
    pub async fn delete_upstream(&self, name: UpstreamName, call: Call) -> Result<Option<u64>, Error> {
        let namespace = name.namespace.clone();
        let committed = self.mutate(&namespace, "DeleteUpstream", DeleteUpstream { name }, call).await?;
        Ok(committed.position())
    }
}

/// One mutation changes no record twice, and stays in one log.
fn check_batch(namespace: &NamespaceId, observations: &[Observation]) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if observations.is_empty() {
        violations.add("requests", "is required: give at least one record");
    }
    violations.at_most("requests", observations.len(), MOST_IN_BATCH);
    let mut seen = BTreeSet::new();
    for (index, Observation { name, .. }) in observations.iter().enumerate() {
        let field = format!("requests[{index}].upstream");
        if name.namespace != *namespace {
            violations.add(&field, format!("{name} is not in the namespace {namespace}"));
        }
        if !seen.insert(name) {
            violations.add(&field, format!("{name} stands here a second time"));
        }
    }
    violations.into_result()
}

/// The records that were written, each with the versions that moved with it,
/// whose events follow its own.
fn by_record(committed: Committed) -> BTreeMap<UpstreamName, Observed> {
    let mut written: Vec<Observed> = Vec::new();
    for Stored { value, position } in committed.changes {
        match value {
            Change::Set(Resource::Upstream(upstream)) => {
                let upstream = Stored { value: *upstream, position };
                written.push(Observed { upstream, changed: true, moved: Vec::new() });
            }
            Change::Set(Resource::Version(version)) => {
                if let Some(observed) = written.last_mut() {
                    observed.moved.push(version.name);
                }
            }
            _ => {}
        }
    }
    written.into_iter().map(|observed| (observed.upstream.value.name.clone(), observed)).collect()
}
