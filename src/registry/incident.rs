//! Use cases of incidents.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
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
        incident::{Incident, IncidentContent},
        lifecycle::Decision,
        model::Model,
        name::{IncidentName, ModelName},
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct OpenIncident {
    name: IncidentName,
    content: Valid<IncidentContent>,
}

#[async_trait]
impl Mutation for OpenIncident {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        if view.find::<Incident>(&self.name).await?.is_some() {
            return Err(Error::exists(self.name.clone(), "; choose another id"));
        }
        let opening = Decision::new(&call.caller.actor, &call.reason, now);
        let incident = Incident::open(self.name.clone(), self.content.clone().into_inner(), opening);
        let mut event = Event::set(EventType::IncidentOpened, incident);
        for name in &self.content.versions {
            let mut version = view.get::<Version>(name).await?.value;
            version.open_incidents.push(self.name.clone());
            event.changes.push(Change::Set(Version { update_time: now, ..version }.into()));
        }
        Ok(vec![event])
    }

    fn field(&self, _: u32) -> String {
        "incident".to_owned()
    }
}

#[derive(Serialize)]
struct CloseIncident {
    name: IncidentName,
}

#[async_trait]
impl Mutation for CloseIncident {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.get::<Incident>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let incident = present.value.close(Decision::new(&call.caller.actor, &call.reason, now))?;
        let versions = incident.content.versions.clone();
        let mut event = Event::set(EventType::IncidentClosed, incident);
        for name in &versions {
            let mut version = view.get::<Version>(name).await?.value;
            version.open_incidents.retain(|open| *open != self.name);
            event.changes.push(Change::Set(Version { update_time: now, ..version }.into()));
        }
        Ok(vec![event])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

impl Registry {
    /// Opens an incident: the versions in it are no safe way back, and their
    /// brownouts are suspended.
    pub async fn open_incident(
        &self,
        name: IncidentName,
        content: Valid<IncidentContent>,
        call: Call,
    ) -> Result<Stored<Incident>, Error> {
        call.require_reason()?;
        for (index, version) in content.versions.iter().enumerate() {
            if version.model != name.model {
                let sentence = format!("{version} is not a version of the incident's model, {}", name.model);
                return Err(Error::field(&format!("incident.versions[{index}]"), sentence));
            }
        }
        let namespace = name.model.namespace.clone();
        self.mutate(&namespace, "OpenIncident", OpenIncident { name, content }, call).await?.resource()
    }

    /// Closes an incident.
    pub async fn close_incident(&self, name: IncidentName, call: Call) -> Result<Stored<Incident>, Error> {
        call.require_reason()?;
        let namespace = name.model.namespace.clone();
        self.mutate(&namespace, "CloseIncident", CloseIncident { name }, call).await?.resource()
    }

    /// Reads an incident.
    pub async fn get_incident(&self, name: &IncidentName, at: ReadAt) -> Result<Stored<Incident>, Error> {
        self.get(name, at).await
    }

    /// Lists the incidents of a model by id.
    pub async fn list_incidents(
        &self,
        model: &ModelName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Incident>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("incidents", model))?;
        self.get_model(model, ReadAt::Present).await?;
        let read = |_: &[u8], state: &Bytes| read_record(state).map(Some);
        let listing = Listing { range: keys::incidents(model), reverse: false, follow: None, read: &read };
        self.page(&model.namespace, listing, &request).await
    }
}
