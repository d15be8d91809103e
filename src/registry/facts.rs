//! What the rules of the lifecycle are decided over, loaded through a view.

use super::{call::Stored, error::Error, view::View};
use crate::{
    domain::{
        alias::Alias,
        consumer::Consumer,
        evaluation::Evaluation,
        lifecycle::{
            Successor, UpstreamEnd,
            transition::{Predecessor, Replacement, User, Verb},
        },
        model::Model,
        name::{AliasId, AliasName, ModelName, NamespaceName, PolicyId, PolicyName, VersionName},
        namespace::Namespace,
        policy::{
            Policy,
            gate::{Evidence, GateResult, time_of},
        },
        time::Timestamp,
        upstream::Upstream,
        version::Version,
    },
    store::keys,
};
use bytes::Bytes;
use std::ops::Range;

/// The alias that gates compare with, and that a hold looks for a way back of.
pub const PRODUCTION: &str = "production";
/// Evaluations of a version that gates look at: those whose windows end last.
const NEWEST_EVALUATIONS: usize = 1_000;
/// Consumers of a model that are looked at.
const MOST_CONSUMERS: usize = 10_000;
/// Versions that send their callers to one version, of which is taken care when it
/// goes out of service; more than one commit holds nobody has.
const MOST_REPLACED: usize = 500;
/// A chain of replacements is followed so far; the guards against circles and
/// unapproved replacements keep real ones much shorter.
const MOST_REPLACEMENTS: usize = 100;

/// The namespace that is written.
pub async fn namespace(view: &mut View<'_>) -> Result<Stored<Namespace>, Error> {
    let name = NamespaceName(view.namespace().clone());
    view.get(&name).await
}

/// The policy that binds a model: its own, or that of its risk tier.
pub async fn policy(view: &mut View<'_>, model: &Model) -> Result<Policy, Error> {
    let name = match &model.content.policy {
        Some(name) => name.clone(),
        None => {
            let tier = model.content.risk_tier.unwrap_or_default();
            let chosen = namespace(view).await?.value.content.policy_of(tier).cloned();
            chosen.map_or_else(|| of_tier(view, tier.policy_id()), Ok)?
        }
    };
    Ok(view.get::<Policy>(&name).await?.value)
}

fn of_tier(view: &View<'_>, id: &str) -> Result<PolicyName, Error> {
    let policy = PolicyId::new(id).map_err(|error| Error::Internal(error.0))?;
    Ok(PolicyName { namespace: view.namespace().clone(), policy })
}

/// What is known of the replacement that a verb names, and where its own
/// replacements lead; for a restoration, of the one that the version named.
pub async fn replacement(view: &mut View<'_>, verb: &Verb, version: &Version) -> Result<Replacement, Error> {
    let name = match verb {
        Verb::Deprecate { successor: Successor::Replacement(name), .. }
        | Verb::EmergencyRetire { successor: Successor::Replacement(name) } => Some(name.clone()),
        Verb::Restore { .. } => replacement_of(version),
        _ => None,
    };
    let Some(name) = name else { return Ok(Replacement::default()) };
    let first = view.find::<Version>(&name).await?.map(|stored| stored.value);
    let mut facts = Replacement {
        state: first.as_ref().map(|version| version.state),
        is_held: first.as_ref().is_some_and(|version| version.hold.is_some()),
        onward: Vec::new(),
    };
    let mut next = first.as_ref().and_then(replacement_of);
    while let Some(name) = next.filter(|_| facts.onward.len() < MOST_REPLACEMENTS) {
        let version = view.find::<Version>(&name).await?.map(|stored| stored.value);
        facts.onward.push(name);
        next = version.as_ref().and_then(replacement_of);
    }
    Ok(facts)
}

/// The deprecated versions that name a version as their replacement.
pub async fn replaced_by(view: &mut View<'_>, version: &VersionName) -> Result<Vec<Version>, Error> {
    let mut found = Vec::new();
    for name in versions_in(view, keys::versions_by_replacement(version), MOST_REPLACED).await? {
        found.push(view.get::<Version>(&name).await?.value);
    }
    Ok(found)
}

/// The first versions that an index leads to.
pub async fn versions_in(
    view: &mut View<'_>,
    index: Range<Bytes>,
    limit: usize,
) -> Result<Vec<VersionName>, Error> {
    let damaged = || Error::Damaged("an index over versions cannot be read".to_owned());
    let read = |value: &Bytes| std::str::from_utf8(value).ok()?.parse().ok();
    let pairs = view.scan(index, limit).await?;
    pairs.iter().map(|(_, value)| read(value).ok_or_else(damaged)).collect()
}

/// The same as facts for a deprecation.
pub async fn predecessors(view: &mut View<'_>, version: &VersionName) -> Result<Vec<Predecessor>, Error> {
    let predecessor = |other: Version| {
        let sunset_time = other.effective_sunset()?;
        Some(Predecessor { version: other.name, sunset_time })
    };
    Ok(replaced_by(view, version).await?.into_iter().filter_map(predecessor).collect())
}

fn replacement_of(version: &Version) -> Option<VersionName> {
    version.deprecation.as_ref().and_then(|deprecation| deprecation.replacement().cloned())
}

/// The evaluations of a version, the newest window first.
pub async fn evaluations(view: &mut View<'_>, version: &VersionName) -> Result<Vec<Evaluation>, Error> {
    let windows = keys::evaluations_by_window(version, None, None);
    let mut found = Vec::new();
    for (key, _) in view.scan_back(windows, NEWEST_EVALUATIONS).await? {
        if let Some(state) = keys::evaluation_of_index(version, &key)
            && let Some(record) = view.raw(&state).await?
        {
            found.push(view.read::<Evaluation>(&record).await?.value);
        }
    }
    Ok(found)
}

/// From when the newest evaluation of a version is.
pub async fn newest_evidence(view: &mut View<'_>, version: &VersionName) -> Result<Option<Timestamp>, Error> {
    let windows = keys::evaluations_by_window(version, None, None);
    let Some((key, _)) = view.scan_back(windows, 1).await?.pop() else { return Ok(None) };
    let Some(state) = keys::evaluation_of_index(version, &key) else { return Ok(None) };
    let Some(record) = view.raw(&state).await? else { return Ok(None) };
    Ok(Some(time_of(&view.read::<Evaluation>(&record).await?.value)))
}

/// What the gates of a policy find for a version.
pub async fn gates(
    view: &mut View<'_>,
    policy: &Policy,
    version: &VersionName,
    now: Timestamp,
) -> Result<Vec<GateResult>, Error> {
    let gates = &policy.content.gates;
    if gates.is_empty() {
        return Ok(Vec::new());
    }
    let evaluations = evaluations(view, version).await?;
    let candidate = Evidence { version, evaluations: &evaluations };
    let in_production = match gates.iter().any(|gate| gate.requirement.compares()) {
        true => in_production(view, &version.model).await?,
        false => None,
    };
    let theirs = match &in_production {
        Some(name) => self::evaluations(view, name).await?,
        None => Vec::new(),
    };
    let production = in_production.as_ref().map(|version| Evidence { version, evaluations: &theirs });
    let days = policy.content.evidence_max_age_days;
    Ok(gates.iter().map(|gate| gate.decide(candidate, production, days, now)).collect())
}

/// The version that is in production.
pub async fn in_production(view: &mut View<'_>, model: &ModelName) -> Result<Option<VersionName>, Error> {
    let alias = view.find::<Alias>(&production_alias(model)?).await?;
    Ok(alias.map(|alias| alias.value.version))
}

/// The alias of what is in production.
pub fn production_alias(model: &ModelName) -> Result<AliasName, Error> {
    let alias = AliasId::new(PRODUCTION).map_err(|error| Error::Internal(error.0))?;
    Ok(AliasName { model: model.clone(), alias })
}

/// When the provider of a rented version ends it, if that is announced.
pub async fn upstream_end(
    view: &mut View<'_>,
    version: &Version,
    policy: &Policy,
) -> Result<Option<UpstreamEnd>, Error> {
    let Some(name) = version.upstream() else { return Ok(None) };
    let record = view.find::<Upstream>(&name).await?;
    Ok(record.and_then(|record| record.value.end(&policy.content)))
}

/// The programs that are known to use a version.
pub async fn users(view: &mut View<'_>, version: &VersionName) -> Result<Vec<User>, Error> {
    let consumers = view.scan(keys::consumers(&version.model), MOST_CONSUMERS).await?;
    let mut users = Vec::new();
    for (_, record) in consumers {
        let consumer = view.read::<Consumer>(&record).await?.value;
        let last = consumer.uses.get(&version.number).map(|one| one.last_time);
        users.extend(last.map(|last_use_time| User { consumer: consumer.name, last_use_time }));
    }
    Ok(users)
}
