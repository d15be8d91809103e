//! Use cases of retrainings: what events and people ask pipelines for, and what becomes of it.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    leaf::AuditEvent,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::Valid,
        event::{Event, EventType},
        lifecycle::Decision,
        model::Model,
        name::{ModelName, RetrainingId, RetrainingName, SubscriptionName, VersionName},
        resource::ResourceName,
        retraining::{Retraining, RetrainingContent, Trigger, triggered_id},
        time::Timestamp,
        version::Version,
        webhook::WebhookContent,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct RequestRetraining {
    model: ModelName,
    id: Option<RetrainingId>,
    content: Valid<RetrainingContent>,
    /// Drawn for each attempt, so it is not part of what is asked for.
    #[serde(skip)]
    drawn: RetrainingId,
}

#[async_trait]
impl Mutation for RequestRetraining {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.model).await?.value.require_alive()?;
        let retraining = self.id.clone().unwrap_or_else(|| self.drawn.clone());
        let name = RetrainingName { model: self.model.clone(), retraining };
        if view.find::<Retraining>(&name).await?.is_some() {
            return Err(Error::exists(name, "; choose another id"));
        }
        let request = Decision::new(&call.caller.actor, &call.reason, now);
        let retraining = Retraining::create(name, self.content.clone().into_inner(), request);
        Ok(vec![Event::set(EventType::RetrainingRequested, retraining)])
    }

    fn field(&self, _: u32) -> String {
        "retraining".to_owned()
    }
}

/// Records that an event is to start a pipeline, unless that is on record.
#[derive(Serialize)]
struct TriggerRetraining {
    name: RetrainingName,
    subscription: SubscriptionName,
    content: RetrainingContent,
    trigger: Trigger,
}

#[async_trait]
impl Mutation for TriggerRetraining {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        if view.find::<Retraining>(&self.name).await?.is_some() {
            return Ok(Vec::new());
        }
        let request = Decision::new(&call.caller.actor, &call.reason, now);
        let retraining = Retraining {
            trigger: Some(self.trigger.clone()),
            subscription: Some(self.subscription.clone()),
            ..Retraining::create(self.name.clone(), self.content.clone(), request)
        };
        Ok(vec![Event::set(EventType::RetrainingTriggered, retraining)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What a run says of a retraining.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Report {
    /// The run at this URI has taken it.
    Acknowledge(String),
    /// This version came of it.
    Complete(VersionName),
    /// Nothing comes of it.
    Fail,
}

#[derive(Serialize)]
struct ReportRetraining {
    name: RetrainingName,
    report: Report,
}

#[async_trait]
impl Mutation for ReportRetraining {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.get::<Retraining>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let decision = Decision::new(&call.caller.actor, &call.reason, now);
        let (kind, retraining) = match &self.report {
            Report::Acknowledge(run_uri) => {
                (EventType::RetrainingAcknowledged, present.value.acknowledge(run_uri.clone(), decision)?)
            }
            Report::Complete(name) => {
                let version = view.get::<Version>(name).await?.value;
                (EventType::RetrainingCompleted, present.value.complete(&version, decision)?)
            }
            Report::Fail => (EventType::RetrainingFailed, present.value.fail(decision)?),
        };
        Ok(vec![Event::set(kind, retraining)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

impl Registry {
    /// Asks for a retraining.
    pub async fn request_retraining(
        &self,
        model: ModelName,
        id: Option<RetrainingId>,
        content: Valid<RetrainingContent>,
        call: Call,
    ) -> Result<Stored<Retraining>, Error> {
        call.require_reason()?;
        let drawn = uuid::Uuid::from_bytes(self.0.environment.entropy.draw()).to_string();
        let drawn = RetrainingId::new(&drawn).map_err(|error| Error::Internal(error.0))?;
        let namespace = model.namespace.clone();
        let request = RequestRetraining { model, id, content, drawn };
        self.mutate(&namespace, "RequestRetraining", request, call).await?.resource()
    }

    /// The retraining that a webhook starts a pipeline for with an event; on record before
    /// anything is sent. `None` where there is nothing to train.
    pub(super) async fn retraining_for(
        &self,
        subscription: &SubscriptionName,
        webhook: &WebhookContent,
        event: &AuditEvent,
    ) -> Result<Option<RetrainingName>, Error> {
        if !webhook.shape.starts_pipeline() {
            return Ok(None);
        }
        let subject = ResourceName::parse_any(&event.subject).map_err(|error| Error::Internal(error.0))?;
        if let ResourceName::Retraining(requested) = subject {
            return Ok(Some(requested));
        }
        let Some(model) = subject.model().cloned() else { return Ok(None) };
        let retraining = triggered_id(subscription, event.position);
        let retraining = retraining.map_err(|error| Error::Internal(error.0))?;
        let name = RetrainingName { model, retraining };
        let (kind, subject, position) = (event.kind.clone(), event.subject.clone(), event.position);
        let trigger = TriggerRetraining {
            name: name.clone(),
            subscription: subscription.clone(),
            content: RetrainingContent { ttl: webhook.retraining_ttl },
            trigger: Trigger { position, kind, subject },
        };
        let call = Call::by_system("a webhook starts a pipeline");
        self.mutate(&subscription.namespace, "TriggerRetraining", trigger, call).await?;
        Ok(Some(name))
    }

    /// Records what a run says of a retraining.
    pub async fn report_retraining(
        &self,
        name: RetrainingName,
        report: Report,
        call: Call,
    ) -> Result<Stored<Retraining>, Error> {
        match &report {
            Report::Fail => call.require_reason()?,
            Report::Complete(version) if version.model != name.model => {
                let sentence =
                    format!("{version} is not a version of the retraining's model, {}", name.model);
                return Err(Error::field("version", sentence));
            }
            Report::Acknowledge(_) | Report::Complete(_) => {}
        }
        let namespace = name.model.namespace.clone();
        let report = ReportRetraining { name, report };
        self.mutate(&namespace, "ReportRetraining", report, call).await?.resource()
    }

    /// Reads a retraining.
    pub async fn get_retraining(
        &self,
        name: &RetrainingName,
        at: ReadAt,
    ) -> Result<Stored<Retraining>, Error> {
        self.get(name, at).await
    }

    /// Lists the retrainings of a model by id.
    pub async fn list_retrainings(
        &self,
        model: &ModelName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Retraining>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("retrainings", model))?;
        self.get_model(model, ReadAt::Present).await?;
        let read = |_: &[u8], state: &Bytes| read_record(state).map(Some);
        let listing = Listing { range: keys::retrainings(model), reverse: false, follow: None, read: &read };
        self.page(&model.namespace, listing, &request).await
    }
}
