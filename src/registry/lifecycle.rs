//! Use cases of the lifecycle: one mutation for all verbs, because the rules
//! live in the domain.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    facts, monitor,
    mutation::Mutation,
    rollback,
    view::View,
};
use crate::domain::{
    event::{Event, EventType},
    incident::Incident,
    lifecycle::{
        Successor, VersionState,
        transition::{self, Facts, Request, Verb},
    },
    model::Model,
    name::{IncidentName, VersionName},
    time::Timestamp,
    version::Version,
};
use async_trait::async_trait;
use serde::Serialize;

#[derive(Serialize)]
struct Transition {
    name: VersionName,
    verb: Verb,
    incident: Option<IncidentName>,
}

#[async_trait]
impl Mutation for Transition {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Version>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let request = Request {
            author: &call.caller.actor,
            reason: &call.reason,
            approvals: &[],
            incident: self.incident.as_ref(),
            now,
        };
        let version = step(view, present.value, &self.verb, &request).await?;
        events(view, event_type(&self.verb), version, now).await
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// The version one step further, as people ask for it.
pub async fn step(
    view: &mut View<'_>,
    version: Version,
    verb: &Verb,
    request: &Request<'_>,
) -> Result<Version, Error> {
    let model = view.get::<Model>(&version.name.model).await?.value;
    model.require_alive()?;
    if let Some(incident) = request.incident {
        view.get::<Incident>(incident).await?.value.require_open()?;
    }
    let policy = facts::policy(view, &model).await?;
    let is_approval = matches!(verb, Verb::Approve { .. });
    let name = version.name.clone();
    let facts = Facts {
        model: &model,
        policy: &policy,
        allows_self_approval: facts::namespace(view).await?.value.content.allow_self_approval,
        replacement: facts::replacement(view, verb, &version).await?,
        predecessors: match verb {
            Verb::Deprecate { .. } => facts::predecessors(view, &name).await?,
            _ => Vec::new(),
        },
        gates: match is_approval {
            true => facts::gates(view, &policy, &name, request.now).await?,
            false => Vec::new(),
        },
        newest_evidence: match is_approval && policy.content.requires_evidence {
            true => facts::newest_evidence(view, &name).await?,
            false => None,
        },
        upstream_end: match verb {
            Verb::Submit | Verb::Approve { .. } | Verb::Restore { .. } => {
                facts::upstream_end(view, &version, &policy).await?
            }
            _ => None,
        },
        users: match verb {
            Verb::Deprecate { .. } | Verb::Retire => facts::users(view, &name).await?,
            _ => Vec::new(),
        },
        way_back: match verb {
            Verb::Hold => rollback::way_back_from(view, &version, &policy, request.now).await?,
            _ => None,
        },
    };
    let mut version = transition::apply(version, verb, &facts, request)?;
    if *verb == Verb::Submit {
        version.content_digest = version.content.digest()?;
    }
    Ok(version)
}

/// A step as events. With a version that goes out of service change those that
/// named it as their replacement, so that nobody is sent to where nothing is.
pub async fn events(
    view: &mut View<'_>,
    kind: EventType,
    version: Version,
    now: Timestamp,
) -> Result<Vec<Event>, Error> {
    let replaced = match version.state {
        VersionState::Retired => facts::replaced_by(view, &version.name).await?,
        _ => Vec::new(),
    };
    let monitors = match kind {
        EventType::VersionApproved => monitor::begin(view, &version.name, now).await?,
        _ => Vec::new(),
    };
    let others = replaced.into_iter().filter_map(|other| other.without_replacement(&version, now));
    let others: Vec<Event> =
        others.map(|other| Event::set(EventType::VersionReplacementChanged, other)).collect();
    Ok([Event::set(kind, version)].into_iter().chain(others).chain(monitors).collect())
}

/// What happened when a verb was carried out.
pub fn event_type(verb: &Verb) -> EventType {
    match verb {
        Verb::Submit => EventType::VersionSubmitted,
        Verb::Approve { .. } => EventType::VersionApproved,
        Verb::Reject => EventType::VersionRejected,
        Verb::Deprecate { .. } => EventType::VersionDeprecated,
        Verb::ExtendSunset { .. } => EventType::VersionSunsetExtended,
        Verb::ShortenSunset { .. } => EventType::VersionSunsetShortened,
        Verb::Reinstate => EventType::VersionReinstated,
        Verb::Retire | Verb::EmergencyRetire { .. } => EventType::VersionRetired,
        Verb::Restore { .. } => EventType::VersionRestored,
        Verb::Archive => EventType::VersionArchived,
        Verb::Hold => EventType::VersionHeld,
        Verb::Release => EventType::VersionReleased,
    }
}

/// Refuses what points out of the namespace or the model.
pub fn check_references(
    version: &VersionName,
    verb: &Verb,
    incident: Option<&IncidentName>,
) -> Result<(), Error> {
    if let Verb::Deprecate { successor: Successor::Replacement(replacement), .. }
    | Verb::EmergencyRetire { successor: Successor::Replacement(replacement) } = verb
        && replacement.model.namespace != version.model.namespace
    {
        return Err(Error::field("replacement", format!("{replacement} is not in this namespace")));
    }
    if let Some(incident) = incident.filter(|incident| incident.model != version.model) {
        let sentence = format!("{incident} is not an incident of {}", version.model);
        return Err(Error::field("incident", sentence));
    }
    Ok(())
}

impl Registry {
    /// Carries a version one step through its life. Every verb needs a reason.
    pub async fn transition_version(
        &self,
        name: VersionName,
        verb: Verb,
        incident: Option<IncidentName>,
        call: Call,
    ) -> Result<Stored<Version>, Error> {
        call.require_reason()?;
        check_references(&name, &verb, incident.as_ref())?;
        if matches!(verb, Verb::Deprecate { .. } | Verb::Retire) {
            // Both look at who uses the version.
            self.record_uses().await?;
        }
        let namespace = name.model.namespace.clone();
        let transition = Transition { name, verb, incident };
        self.mutate(&namespace, "TransitionVersion", transition, call).await?.resource()
    }
}
