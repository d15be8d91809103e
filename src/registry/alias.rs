//! Use cases of aliases.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    leaf,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        alias::Alias,
        event::{Change, Event, EventType},
        model::Model,
        name::{AliasName, ModelName, VersionName},
        person::Personal,
        resource::{Resource, ResourceName},
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

/// What happens to an alias without moving it: no part of where it pointed.
const NOT_MOVED: [EventType; 2] = [EventType::AliasDrilled, EventType::AliasReadinessChanged];

#[derive(Serialize)]
struct SetAlias {
    name: AliasName,
    version: VersionName,
}

#[async_trait]
impl Mutation for SetAlias {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.find::<Alias>(&self.name).await?;
        match &present {
            Some(alias) => alias.require_etag(&call.etag, self.name.clone())?,
            None if !call.etag.is_empty() => return Err(Error::not_found(self.name.clone())),
            None => {}
        }
        let target = view.get::<Version>(&self.version).await?.value;
        let alias = Alias::set(self.name.clone(), present.map(|alias| alias.value), &target, now)?;
        Ok(vec![Event::set(EventType::AliasSet, alias)])
    }

    fn field(&self, _: u32) -> String {
        "alias".to_owned()
    }
}

#[derive(Serialize)]
struct DeleteAlias {
    name: AliasName,
}

#[async_trait]
impl Mutation for DeleteAlias {
    async fn decide(&self, view: &mut View<'_>, call: &Call, _: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Alias>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        Ok(vec![Event::removed(EventType::AliasDeleted, self.name.clone())])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// One change of an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasChange {
    /// Where it pointed from then on; `None` for a deletion.
    pub version: Option<VersionName>,
    /// Who changed it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub time: Timestamp,
    /// Position of the event.
    pub position: u64,
}

impl Registry {
    /// Points an alias to a version of the same model.
    pub async fn set_alias(
        &self,
        name: AliasName,
        version: VersionName,
        call: Call,
    ) -> Result<Stored<Alias>, Error> {
        if version.model != name.model {
            let sentence = format!("{version} is not a version of the alias's model, {}", name.model);
            return Err(Error::field("alias.version", sentence));
        }
        let namespace = name.model.namespace.clone();
        self.mutate(&namespace, "SetAlias", SetAlias { name, version }, call).await?.resource()
    }

    /// Reads an alias.
    pub async fn get_alias(&self, name: &AliasName, at: ReadAt) -> Result<Stored<Alias>, Error> {
        self.get(name, at).await
    }

    /// Removes an alias; answers the position of the event.
    pub async fn delete_alias(&self, name: AliasName, call: Call) -> Result<Option<u64>, Error> {
        let namespace = name.model.namespace.clone();
        let committed = self.mutate(&namespace, "DeleteAlias", DeleteAlias { name }, call).await?;
        Ok(committed.position())
    }

    /// Lists the aliases of a model.
    pub async fn list_aliases(
        &self,
        model: &ModelName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Alias>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("aliases", model))?;
        self.get_model(model, ReadAt::Present).await?;
        let read = |_: &[u8], state: &Bytes| read_record(state).map(Some);
        let listing = Listing { range: keys::aliases(model), reverse: false, follow: None, read: &read };
        self.page(&model.namespace, listing, &request).await
    }

    /// Lists what an alias pointed to, the newest first.
    pub async fn alias_history(
        &self,
        name: &AliasName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<AliasChange>, Error> {
        let request = PageRequest::new(page_size, page_token, &("alias history", name))?;
        let resource: ResourceName = name.clone().into();
        let namespace = &name.model.namespace;
        self.log(namespace).await?;
        let follow = |key: &[u8]| keys::position_of(key).map(|position| keys::event(namespace, position));
        let read = |key: &[u8], leaf: &Bytes| {
            let position = keys::position_of(key).unwrap_or_default();
            let kind = leaf::read_event(position, leaf.clone())?.kind;
            match NOT_MOVED.iter().any(|event| event.as_str() == kind) {
                true => Ok(None),
                false => read_change(&resource, position, leaf).map(Some),
            }
        };
        let range = keys::history_before(&resource, u64::MAX);
        let listing = Listing { range, reverse: true, follow: Some(&follow), read: &read };
        let page = self.page(namespace, listing, &request).await?;
        if page.items.is_empty() && page_token.is_empty() && page.next_page_token.is_empty() {
            return Err(Error::not_found(name.clone()));
        }
        Ok(page)
    }
}

impl Personal for AliasChange {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        see(&mut self.actor);
    }
}

fn read_change(name: &ResourceName, position: u64, leaf: &[u8]) -> Result<AliasChange, Error> {
    let logged = leaf::read_logged(position, leaf)?;
    let (actor, reason, time) = (logged.actor.clone(), logged.reason.clone(), logged.time);
    let version = match logged.state_of(name).map(|stored| stored.value) {
        Some(Change::Set(Resource::Alias(alias))) => Some(alias.version),
        _ => None,
    };
    Ok(AliasChange { version, actor, reason, time, position })
}
