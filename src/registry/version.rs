//! Use cases of versions.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::{Moment, ReadAt},
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        alias::Alias,
        check::{Valid, Violations},
        event::{Event, EventType},
        filter::Filter,
        mask,
        model::Model,
        name::{
            AliasId, AliasName, ConsumerId, ConsumerName, ModelName, VersionLabel, VersionName, VersionNumber,
        },
        refusal::{Reason, Refusal},
        resolve::{self, Asker, Warning},
        resource::Kind,
        time::Timestamp,
        version::{FILTER_SCHEMA, Source, Version, VersionContent, missing_sources},
    },
    store::{keys, record::decode_number},
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

/// Replacements of replacements that are followed.
const MOST_REDIRECTS: usize = 10;

#[derive(Serialize)]
struct CreateVersion {
    model: ModelName,
    content: Valid<VersionContent>,
}

#[async_trait]
impl Mutation for CreateVersion {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.model).await?.value.require_alive()?;
        let last = view.number(&keys::version_counter(&self.model)).await?.unwrap_or(0);
        let next = i64::try_from(last).unwrap_or(i64::MAX).saturating_add(1);
        let number = VersionNumber::new(next).map_err(|error| Error::field("parent", error.0))?;
        let name = VersionName { model: self.model.clone(), number };
        require_fitting(view, &name, &self.content).await?;
        let version = Version::create(name, self.content.clone().into_inner(), now);
        Ok(vec![Event::set(EventType::VersionCreated, version)])
    }

    fn field(&self, _: u32) -> String {
        "version".to_owned()
    }
}

#[derive(Serialize)]
struct UpdateVersion {
    name: VersionName,
    update: VersionContent,
    mask: Vec<String>,
}

#[async_trait]
impl Mutation for UpdateVersion {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.get::<Version>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let merged = mask::merge(&present.value.content, &self.update, &self.mask)?;
        let content = Valid::new(merged, "version")?;
        require_fitting(view, &self.name, &content).await?;
        let updated = present.value.update(content.into_inner(), now)?;
        Ok(vec![Event::set(EventType::VersionUpdated, updated)])
    }

    fn field(&self, _: u32) -> String {
        "version".to_owned()
    }
}

/// What only the registry can tell of content: the label is free in the model,
/// and the parents exist in the namespace.
async fn require_fitting(
    view: &mut View<'_>,
    name: &VersionName,
    content: &VersionContent,
) -> Result<(), Error> {
    if let Some(label) = content.label() {
        let holder = view.number(&keys::version_by_label(&name.model, &label)).await?;
        if let Some(holder) = holder.filter(|holder| *holder != u64::from(name.number.get())) {
            let holder = version_name(&name.model, holder)?;
            return Err(Error::exists(holder, " with this label; labels are unique in a model"));
        }
    }
    require_same_namespace(name, content)?;
    let mut missing = Vec::new();
    for parent in content.parents() {
        if view.record(&parent.clone().into()).await?.is_none() {
            missing.push(parent);
        }
    }
    match missing_sources(missing.into_iter()) {
        refusals if refusals.is_empty() => Ok(()),
        refusals => Err(Error::Refused(refusals)),
    }
}

fn require_same_namespace(name: &VersionName, content: &VersionContent) -> Result<(), Violations> {
    let mut violations = Violations::new();
    for (index, source) in content.sources.iter().enumerate() {
        if let Source::ParentVersion(parent) = source
            && parent.model.namespace != name.model.namespace
        {
            let sentence = format!("{parent} is not in this namespace");
            violations.add(&format!("version.sources[{index}].parent_version"), sentence);
        }
    }
    violations.into_result()
}

/// Which versions are listed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListVersions {
    /// AIP-160 filter over [`FILTER_SCHEMA`].
    pub filter: String,
    /// The newest first.
    pub descending: bool,
}

/// Which version is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// That of an alias.
    Alias(AliasId),
    /// That of a number.
    Number(VersionNumber),
    /// That of a label.
    Label(VersionLabel),
}

/// The version to use.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The version.
    pub version: Stored<Version>,
    /// The alias it was found by.
    pub alias: Option<AliasName>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

impl Registry {
    /// Registers a version.
    pub async fn create_version(
        &self,
        model: ModelName,
        content: Valid<VersionContent>,
        call: Call,
    ) -> Result<Stored<Version>, Error> {
        let namespace = model.namespace.clone();
        self.mutate(&namespace, "CreateVersion", CreateVersion { model, content }, call).await?.resource()
    }

    /// Reads a version.
    pub async fn get_version(&self, name: &VersionName, at: ReadAt) -> Result<Stored<Version>, Error> {
        self.get(name, at).await
    }

    /// Changes the fields of a draft that a mask names.
    pub async fn update_version(
        &self,
        name: VersionName,
        update: VersionContent,
        mask: Vec<String>,
        call: Call,
    ) -> Result<Stored<Version>, Error> {
        let namespace = name.model.namespace.clone();
        self.mutate(&namespace, "UpdateVersion", UpdateVersion { name, update, mask }, call).await?.resource()
    }

    /// Lists the versions of a model.
    pub async fn list_versions(
        &self,
        model: &ModelName,
        query: &ListVersions,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Version>>, Error> {
        let filter = Filter::parse(&query.filter, &FILTER_SCHEMA).map_err(super::filter_error)?;
        let request = PageRequest::new(page_size, page_token, &("versions", model, query))?;
        self.get_model(model, ReadAt::Present).await?;
        let read = |_: &[u8], state: &Bytes| {
            let version: Stored<Version> = read_record(state)?;
            Ok(filter.matches(&version.value).then_some(version))
        };
        let (range, reverse) = (keys::versions(model), query.descending);
        self.page(&model.namespace, Listing { range, reverse, follow: None, read: &read }, &request).await
    }

    /// Answers which version to use. A past answer is one about the clock of then,
    /// and no use of the version.
    pub async fn resolve_version(
        &self,
        model: &ModelName,
        selector: &Selector,
        consumer: Option<&ConsumerId>,
        at: ReadAt,
    ) -> Result<Resolved, Error> {
        let moment = self.moment(&model.namespace, at).await?;
        let (version, alias, asker) = match moment.size {
            None => {
                let (version, alias) = self.select_kept(model, selector).await?;
                let asker = self.asker(model, consumer, &version.value).await?;
                (version, alias, asker)
            }
            Some(_) => {
                let (version, alias) = self.select_then(model, selector, moment).await?;
                (version, alias, Asker::Unknown)
            }
        };
        let version = self.named(&model.namespace, version).await?;
        let asked = resolve::resolve(&version.value, alias.is_some(), asker, moment.time);
        let (version, warnings) = match asked {
            Ok(warnings) => (version, warnings),
            Err(refusal) => self.redirect(version, refusal, moment).await?,
        };
        if let (Asker::Consumer { .. }, Some(consumer)) = (asker, consumer) {
            let name = ConsumerName { model: model.clone(), consumer: consumer.clone() };
            self.0.usage.note(name, version.value.name.number, moment.time);
        }
        Ok(Resolved { version, alias, warnings })
    }

    /// Follows the replacements of a version that is out of service, where its policy
    /// says so, to one that may be used.
    async fn redirect(
        &self,
        version: Stored<Version>,
        refusal: Refusal,
        moment: Moment,
    ) -> Result<(Stored<Version>, Vec<Warning>), Error> {
        let refused = || Error::Refused(vec![refusal.clone()]);
        if refusal.reason != Reason::VersionRetired {
            return Err(refused());
        }
        let mut next = resolve::redirect_of(&version.value).cloned();
        for _ in 0..MOST_REDIRECTS {
            let Some(name) = next else { return Err(refused()) };
            let found = self.get_at::<Version>(&name, moment).await?.ok_or_else(refused)?;
            if resolve::may_stand_in(&found.value, &version.value)
                && let Ok(mut warnings) = resolve::resolve(&found.value, false, Asker::Unknown, moment.time)
            {
                warnings.insert(0, resolve::redirected(&version.value, &found.value));
                return Ok((found, warnings));
            }
            next = resolve::redirect_of(&found.value).cloned();
        }
        Err(refused())
    }

    /// Answers from what is kept where it can, and keeps what it had to read.
    async fn select_kept(
        &self,
        model: &ModelName,
        selector: &Selector,
    ) -> Result<(Stored<Version>, Option<AliasName>), Error> {
        let log = self.log(&model.namespace).await;
        let (Selector::Alias(alias), Ok(log)) = (selector, log) else {
            return self.select_now(model, selector).await.map(|(version, alias, _)| (version, alias));
        };
        let seen = self.engine().get(model.namespace.as_str(), &[], 0).await?.seq;
        if let Some(version) = log.resolutions.get(model, alias, seen) {
            let name = AliasName { model: model.clone(), alias: alias.clone() };
            return Ok(((*version).clone(), Some(name)));
        }
        let (version, name, seen) = self.select_now(model, selector).await?;
        log.resolutions.keep(model, alias, &version, seen);
        Ok((version, name))
    }

    /// Follows the pointer and reads the version, all as of one state, whose size
    /// is told: between the two reads the pointer may move and its old target retire.
    async fn select_now(
        &self,
        model: &ModelName,
        selector: &Selector,
    ) -> Result<(Stored<Version>, Option<AliasName>, u64), Error> {
        let (namespace, states) = (model.namespace.as_str(), &self.0.store.states);
        loop {
            let keys = [pointer_key(model, selector), keys::state(&model.clone().into())];
            // A model that has an alias is alive, because neither is it deleted
            // before its aliases nor are they set later: this need not be read.
            let asked = if matches!(selector, Selector::Alias(_)) { &keys[..1] } else { &keys[..] };
            let first = self.engine().get(namespace, asked, 0).await?;
            let [Some(pointer), of_model @ ..] = first.value.as_slice() else {
                self.get_model(model, ReadAt::Present).await?.value.require_alive()?;
                return Err(missing(model, selector));
            };
            if let [state] = of_model {
                let state = state.as_ref().ok_or_else(|| Error::not_found(model.clone()))?;
                states.read::<Model>(&keys[1], state)?.value.require_alive()?;
            }
            let (name, alias) = match selector {
                Selector::Number(_) => return Ok((states.read(&keys[0], pointer)?, None, first.seq)),
                Selector::Label(_) => (version_name(model, decode_number(pointer)?)?, None),
                Selector::Alias(_) => {
                    let alias = states.read::<Alias>(&keys[0], pointer)?.value;
                    (alias.version, Some(alias.name))
                }
            };
            let key = keys::state(&name.clone().into());
            let second = self.engine().get(namespace, std::slice::from_ref(&key), first.seq).await?;
            if second.seq == first.seq {
                let state = second.value.into_iter().next().flatten();
                let state =
                    state.ok_or_else(|| Error::Damaged(format!("{name} is pointed to but missing")))?;
                return Ok((states.read(&key, &state)?, alias, first.seq));
            }
        }
    }

    /// The same in the past, which does not move.
    async fn select_then(
        &self,
        model: &ModelName,
        selector: &Selector,
        moment: Moment,
    ) -> Result<(Stored<Version>, Option<AliasName>), Error> {
        let found = self.get_at::<Model>(model, moment).await?;
        found.ok_or_else(|| Error::not_found(model.clone()))?.value.require_alive()?;
        let (name, alias) = match selector {
            Selector::Number(number) => (VersionName { model: model.clone(), number: *number }, None),
            Selector::Alias(alias) => {
                let name = AliasName { model: model.clone(), alias: alias.clone() };
                let alias = self.get_at::<Alias>(&name, moment).await?;
                (alias.ok_or_else(|| missing(model, selector))?.value.version, Some(name))
            }
            // A label once submitted never moves, so the index of today finds it.
            Selector::Label(_) => {
                let number = self.value(&model.namespace, pointer_key(model, selector)).await?;
                (version_name(model, decode_number(&number.ok_or_else(|| missing(model, selector))?)?)?, None)
            }
        };
        let version = self.get_at::<Version>(&name, moment).await?;
        let fits = |version: &Stored<Version>| match selector {
            Selector::Label(label) => version.value.content.label == label.as_str(),
            _ => true,
        };
        let version = version.filter(fits).ok_or_else(|| missing(model, selector))?;
        Ok((version, alias))
    }
}

/// What leads to the version that is wanted.
fn pointer_key(model: &ModelName, selector: &Selector) -> Bytes {
    match selector {
        Selector::Number(number) => {
            keys::state(&VersionName { model: model.clone(), number: *number }.into())
        }
        Selector::Alias(alias) => {
            keys::state(&AliasName { model: model.clone(), alias: alias.clone() }.into())
        }
        Selector::Label(label) => keys::version_by_label(model, label),
    }
}

fn missing(model: &ModelName, selector: &Selector) -> Error {
    match selector {
        Selector::Number(number) => Error::not_found(VersionName { model: model.clone(), number: *number }),
        Selector::Alias(alias) => Error::not_found(AliasName { model: model.clone(), alias: alias.clone() }),
        Selector::Label(label) => {
            Error::NotFound { kind: Kind::Version, name: format!("with label {label} of {model}") }
        }
    }
}

fn version_name(model: &ModelName, number: u64) -> Result<VersionName, Error> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let number = VersionNumber::new(number).map_err(|error| Error::Damaged(error.0))?;
    Ok(VersionName { model: model.clone(), number })
}
