//! Use cases of the way back: rolling an alias back, rehearsing it, and knowing
//! whether it could be done.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    facts, leaf,
    mutation::Mutation,
    view::View,
};
use crate::{
    domain::{
        alias::{Alias, Intervention},
        event::{Change, Event, EventType},
        model::Model,
        name::{AliasName, VersionName},
        policy::Policy,
        refusal::{Reason, Refusal},
        resource::{Resource, ResourceName},
        rollback::{self, Candidate, Drill, Readiness},
        time::{DAY, Timestamp},
        version::Version,
    },
    store::keys,
};
use async_trait::async_trait;
use serde::Serialize;

/// Changes of an alias that are looked back through.
const MOST_CHANGES: usize = 1_000;
/// Versions that are considered to go back to.
const MOST_CANDIDATES: usize = 20;

/// A version that an alias pointed to before, with what judges it.
struct Former {
    version: Version,
    newest_evidence: Option<Timestamp>,
}

impl Former {
    fn candidate(&self) -> Candidate<'_> {
        Candidate { version: &self.version, newest_evidence: self.newest_evidence }
    }
}

/// The versions that an alias pointed to before, the newest first.
async fn formers(view: &mut View<'_>, alias: &Alias) -> Result<Vec<Former>, Error> {
    let name: ResourceName = alias.name.clone().into();
    let mut seen = vec![alias.version.clone()];
    let mut formers = Vec::new();
    for (key, _) in view.scan_back(keys::history_before(&name, u64::MAX), MOST_CHANGES).await? {
        let position = keys::position_of(&key).unwrap_or_default();
        let leaf = view.raw(&keys::event(view.namespace(), position)).await?;
        // The change before this one in the same batch has no event yet.
        let Some(leaf) = leaf else { continue };
        let state = leaf::read_logged(position, &leaf)?.state_of(&name).map(|stored| stored.value);
        let Some(Change::Set(Resource::Alias(then))) = state else { continue };
        if seen.contains(&then.version) {
            continue;
        }
        seen.push(then.version.clone());
        formers.push(former(view, &then.version).await?);
        if formers.len() == MOST_CANDIDATES {
            break;
        }
    }
    Ok(formers)
}

async fn former(view: &mut View<'_>, name: &VersionName) -> Result<Former, Error> {
    let version = view.get::<Version>(name).await?.value;
    let newest_evidence = facts::newest_evidence(view, name).await?;
    Ok(Former { version, newest_evidence })
}

/// The version that `production` could go back to from a version, if it points
/// there and there is one.
pub async fn way_back_from(
    view: &mut View<'_>,
    version: &Version,
    policy: &Policy,
    now: Timestamp,
) -> Result<Option<VersionName>, Error> {
    let name = facts::production_alias(&version.name.model)?;
    let Some(alias) = view.find::<Alias>(&name).await?.filter(|a| a.value.version == version.name) else {
        return Ok(None);
    };
    let formers = formers(view, &alias.value).await?;
    let is_safe = |former: &&Former| former.candidate().dangers(&policy.content, now).is_empty();
    Ok(formers.iter().find(is_safe).map(|former| former.version.name.clone()))
}

/// How ready an alias is to go back.
pub async fn readiness(view: &mut View<'_>, alias: &Alias, now: Timestamp) -> Result<Readiness, Error> {
    let way = way_back(view, alias).await?;
    Ok(rollback::readiness(&way.candidates(), alias.drill.as_ref(), &way.policy.content, now))
}

/// What decides whether an alias can go back.
pub struct WayBack {
    /// The policy that binds the model.
    pub policy: Policy,
    formers: Vec<Former>,
}

impl WayBack {
    /// Where it pointed before, the newest first.
    pub fn candidates(&self) -> Vec<Candidate<'_>> {
        self.formers.iter().map(Former::candidate).collect()
    }
}

/// Loads what decides whether an alias can go back.
pub async fn way_back(view: &mut View<'_>, alias: &Alias) -> Result<WayBack, Error> {
    let model = view.get::<Model>(&alias.name.model).await?.value;
    Ok(WayBack { policy: facts::policy(view, &model).await?, formers: formers(view, alias).await? })
}

/// The alias back at the last version that is safe, because of an alarm; none where no
/// version is.
pub async fn back_to_safety(
    view: &mut View<'_>,
    alias: Alias,
    because: Intervention,
    policy: &Policy,
) -> Result<Option<Alias>, Error> {
    let now = because.intervention_time;
    let formers = formers(view, &alias).await?;
    let Ok(target) = last_known_good(formers, &alias, policy, now) else { return Ok(None) };
    let moved = Alias::set(alias.name.clone(), Some(alias), &target.version, now)?;
    let mut moved = Alias { intervention: Some(because), ..moved };
    moved.readiness = Some(readiness(view, &moved, now).await?);
    Ok(Some(moved))
}

/// Moves an alias back, or rehearses that.
#[derive(Serialize)]
struct RollbackAlias {
    name: AliasName,
    /// None means the last version that is safe.
    target: Option<VersionName>,
    is_drill: bool,
}

#[async_trait]
impl Mutation for RollbackAlias {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let model = view.get::<Model>(&self.name.model).await?.value;
        model.require_alive()?;
        let alias = view.get::<Alias>(&self.name).await?;
        alias.require_etag(&call.etag, self.name.clone())?;
        let alias = alias.value;
        let policy = facts::policy(view, &model).await?;
        let target = match &self.target {
            Some(name) => former(view, name).await?,
            None => last_known_good(formers(view, &alias).await?, &alias, &policy, now)?,
        };
        let mut refusals = target.candidate().dangers(&policy.content, now);
        if target.version.name == alias.version {
            let sentence = "the alias points there already; name an earlier version";
            refusals.push(Refusal::new(Reason::NoWayBack, &target.version.name, sentence));
        }
        if !refusals.is_empty() {
            return Err(refusals.into());
        }
        let (mut alias, kind) = if self.is_drill {
            let drill =
                Drill { actor: call.caller.actor.clone(), target: target.version.name.clone(), time: now };
            (alias.drilled(drill), EventType::AliasDrilled)
        } else {
            let moved = Alias::set(self.name.clone(), Some(alias), &target.version, now)?;
            (moved, EventType::AliasRolledBack)
        };
        alias.readiness = Some(readiness(view, &alias, now).await?);
        Ok(vec![Event::set(kind, alias)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// The newest version before the present one that is safe.
fn last_known_good(
    formers: Vec<Former>,
    alias: &Alias,
    policy: &Policy,
    now: Timestamp,
) -> Result<Former, Error> {
    let mut refusals = Vec::new();
    for former in formers {
        let dangers = former.candidate().dangers(&policy.content, now);
        if dangers.is_empty() {
            return Ok(former);
        }
        refusals.extend(dangers);
    }
    let sentence = match refusals.is_empty() {
        true => "it has never pointed to another version; have one approved and set the alias to it",
        false => "none of the versions it pointed to before is safe to go back to; the reasons follow",
    };
    refusals.insert(0, Refusal::new(Reason::NoWayBack, &alias.name, sentence));
    Err(refusals.into())
}

impl Registry {
    /// Moves an alias back to the last version that is safe, or to a named one.
    /// A drill checks all the same, and goes on record, but moves nothing.
    pub async fn rollback_alias(
        &self,
        name: AliasName,
        target: Option<VersionName>,
        is_drill: bool,
        call: Call,
    ) -> Result<Stored<Alias>, Error> {
        call.require_reason()?;
        if let Some(target) = target.as_ref().filter(|target| target.model != name.model) {
            let sentence = format!("{target} is not a version of the alias's model, {}", name.model);
            return Err(Error::field("version", sentence));
        }
        let namespace = name.model.namespace.clone();
        let rollback = RollbackAlias { name, target, is_drill };
        self.mutate(&namespace, "RollbackAlias", rollback, call).await?.resource()
    }

    /// How ready an alias is to go back, looked at now, and in how many days the
    /// last way back closes.
    pub async fn alias_readiness(&self, name: &AliasName) -> Result<(Readiness, Option<i32>), Error> {
        let log = self.log(&name.model.namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        let alias = view.get::<Alias>(name).await?.value;
        let now = self.0.environment.clock.now();
        let readiness = readiness(&mut view, &alias, now).await?;
        let days = readiness.no_way_back_time.map(|end| end.micros_since(now) / DAY);
        Ok((readiness, days.and_then(|days| i32::try_from(days).ok())))
    }
}

/// The alias after its way back was looked at, if that is news.
pub async fn look_again(view: &mut View<'_>, alias: Alias, now: Timestamp) -> Result<Option<Event>, Error> {
    let way = way_back(view, &alias).await?;
    let looked = alias.look_again(&way.candidates(), &way.policy.content, now);
    Ok(looked.map(|alias| Event::set(EventType::AliasReadinessChanged, alias)))
}
