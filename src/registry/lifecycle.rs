//! Use cases of the lifecycle: one mutation for all verbs, because the rules
//! live in the domain.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    view::View,
};
use crate::domain::{
    event::{Event, EventType},
    lifecycle::{
        Decision, Successor,
        transition::{self, Replacement, Verb},
    },
    model::Model,
    name::VersionName,
    time::Timestamp,
    version::Version,
};
use async_trait::async_trait;
use serde::Serialize;

#[derive(Serialize)]
struct Transition {
    name: VersionName,
    verb: Verb,
}

/// A chain of replacements is followed so far; the guards against circles and
/// unapproved replacements keep real ones much shorter.
const MOST_REPLACEMENTS: usize = 100;

#[async_trait]
impl Mutation for Transition {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        view.get::<Model>(&self.name.model).await?.value.require_alive()?;
        let present = view.get::<Version>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let replacement = match &self.verb {
            Verb::Deprecate { successor: Successor::Replacement(name), .. } => follow(view, name).await?,
            _ => Replacement::default(),
        };
        let decision = Decision { actor: call.caller.actor.clone(), reason: call.reason.clone(), time: now };
        let mut version = transition::apply(present.value, &self.verb, decision, &replacement)?;
        if self.verb == Verb::Submit {
            version.content_digest = version.content.digest()?;
        }
        Ok(vec![Event::set(event_type(&self.verb), version)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// What is known of a replacement, and where its own replacements lead.
async fn follow(view: &mut View<'_>, name: &VersionName) -> Result<Replacement, Error> {
    let first = view.find::<Version>(name).await?.map(|stored| stored.value);
    let mut facts = Replacement { state: first.as_ref().map(|version| version.state), onward: Vec::new() };
    let mut next = first.as_ref().and_then(replacement_of);
    while let Some(name) = next.filter(|_| facts.onward.len() < MOST_REPLACEMENTS) {
        let version = view.find::<Version>(&name).await?.map(|stored| stored.value);
        facts.onward.push(name);
        next = version.as_ref().and_then(replacement_of);
    }
    Ok(facts)
}

fn replacement_of(version: &Version) -> Option<VersionName> {
    version.deprecation.as_ref().and_then(|deprecation| deprecation.replacement().cloned())
}

fn event_type(verb: &Verb) -> EventType {
    match verb {
        Verb::Submit => EventType::VersionSubmitted,
        Verb::Approve => EventType::VersionApproved,
        Verb::Reject => EventType::VersionRejected,
        Verb::Deprecate { .. } => EventType::VersionDeprecated,
        Verb::Reinstate => EventType::VersionReinstated,
        Verb::Retire => EventType::VersionRetired,
        Verb::Archive => EventType::VersionArchived,
    }
}

impl Registry {
    /// Carries a version one step through its life. Every verb needs a reason.
    pub async fn transition_version(
        &self,
        name: VersionName,
        verb: Verb,
        call: Call,
    ) -> Result<Stored<Version>, Error> {
        call.require_reason()?;
        if let Verb::Deprecate { successor: Successor::Replacement(replacement), .. } = &verb
            && replacement.model.namespace != name.model.namespace
        {
            return Err(Error::field("replacement", format!("{replacement} is not in this namespace")));
        }
        let namespace = name.model.namespace.clone();
        self.mutate(&namespace, "TransitionVersion", Transition { name, verb }, call).await?.resource()
    }
}
