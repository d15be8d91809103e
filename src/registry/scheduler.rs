//! What the clock does, carried out: reminders, brownouts, retirements, expiries,
//! review dates, and ways back that close. Nothing rests on its being on time,
//! because readers obey the clock by themselves; it makes what is due an event.
//!
//! What is due stands in an index that each state writes for itself, so a look
//! costs one short scan. Each thing is one change of one resource and marks itself
//! as done in the same commit: it happens once, however often the process ends,
//! and whoever else looks too.

use super::{
    Registry, call::Call, error::Error, facts, lifecycle, lookout::Lookout, mutation::Mutation, rollback,
    view::View,
};
use crate::{
    domain::{
        alias::Alias,
        event::{Event, EventType},
        model::Model,
        name::NamespaceId,
        proposal::Proposal,
        resource::ResourceName,
        retraining::Retraining,
        time::Timestamp,
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use serde::Serialize;
use std::time::Duration;

/// How often the clock is looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// Things that are looked at together.
const CHUNK: usize = 100;

/// The first thing that time has done to a resource.
#[derive(Serialize)]
pub(super) struct CarryOut {
    /// Which resource.
    pub(super) name: ResourceName,
}

#[async_trait]
impl Mutation for CarryOut {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let event = match &self.name {
            ResourceName::Version(name) => {
                let version = view.get::<Version>(name).await?.value;
                let model = view.get::<Model>(&name.model).await?.value;
                let policy = facts::policy(view, &model).await?;
                return match version.step(&policy, now) {
                    Ok((kind, version)) => lifecycle::events(view, kind, version, now).await,
                    Err(_) => Ok(Vec::new()),
                };
            }
            ResourceName::Model(name) => {
                let model = view.get::<Model>(name).await?.value;
                model.review_due(now).map(|model| Event::set(EventType::ModelReviewDue, model))
            }
            ResourceName::Proposal(name) => {
                let proposal = view.get::<Proposal>(name).await?.value;
                proposal.expire(now).map(|proposal| Event::set(EventType::ProposalExpired, proposal))
            }
            ResourceName::Retraining(name) => {
                let retraining = view.get::<Retraining>(name).await?.value;
                retraining.expire(now).map(|retraining| Event::set(EventType::RetrainingExpired, retraining))
            }
            ResourceName::Alias(name) => match view.find::<Alias>(name).await? {
                Some(alias) => rollback::look_again(view, alias.value, now).await?,
                None => None,
            },
            _ => None,
        };
        Ok(event.into_iter().collect())
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

impl Registry {
    /// Looks at the clock until the registry is drained.
    pub async fn follow_the_clock(self) {
        let mut looks = tokio::time::interval(PERIOD);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let drain = self.0.drain.clone();
        let (mut recorded, mut lookout) = (None, Lookout::default());
        while drain.run_until_cancelled(looks.tick()).await.is_some() {
            if let Err(error) = self.carry_out_all(&mut lookout).await {
                tracing::warn!(%error, "what is due could not be carried out; it is tried again");
            }
            let now = self.0.environment.clock.now();
            if Self::uses_are_due(recorded, now) {
                recorded = Some(now);
                self.record_uses_or_say_so().await;
            }
        }
        self.record_uses_or_say_so().await;
    }

    async fn record_uses_or_say_so(&self) {
        if let Err(error) = self.record_uses().await {
            tracing::warn!(%error, "who uses which version could not be recorded; it is tried again");
        }
    }

    /// Carries out what is due in every namespace, and looks at what happened there.
    pub async fn carry_out_all(&self, lookout: &mut Lookout) -> Result<(), Error> {
        for namespace in self.namespaces().await? {
            self.carry_out_due(&namespace).await?;
            lookout.look(self, &namespace).await?;
        }
        Ok(())
    }

    /// Carries out what is due in a namespace; answers how much that was.
    pub async fn carry_out_due(&self, namespace: &NamespaceId) -> Result<usize, Error> {
        let mut done = 0;
        let mut until = None;
        loop {
            let now = self.0.environment.clock.now();
            // What becomes due meanwhile waits for the next look, so that this one ends.
            let until = *until.get_or_insert(now);
            let due = self.scan(namespace, keys::due_until(namespace, until), CHUNK, false).await?;
            let before = done;
            for (key, _) in due {
                let (_, name) = keys::read_due(namespace, &key)
                    .ok_or_else(|| Error::Damaged("the index over what is due cannot be read".to_owned()))?;
                let call = Call::by_system("the clock");
                let committed = self.mutate(namespace, "CarryOut", CarryOut { name }, call).await?;
                done += committed.changes.len();
            }
            if done == before {
                return Ok(done);
            }
        }
    }
}
