//! How a model is, for people who have a minute: one light, the reasons, and what
//! to do next.

use super::{
    lifecycle::VersionState,
    model::Model,
    monitor::{Level, Monitor},
    name::{ModelName, VersionName},
    policy::PolicyContent,
    resolve::{self, Asker},
    rollback::{Readiness, ReadinessState},
    time::{DAY, Timestamp, in_days},
    version::Version,
};

/// One light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Light {
    /// Nothing to do.
    Green,
    /// Something to do soon.
    Amber,
    /// Something to do now.
    Red,
}

impl Light {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Light::Green => "GREEN",
            Light::Amber => "AMBER",
            Light::Red => "RED",
        }
    }
}

/// One reason, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub light: Light,
    /// What is the matter, in a sentence.
    pub sentence: String,
    /// What to do next, in a sentence.
    pub next_step: String,
}

/// How a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelHealth {
    /// The model.
    pub model: ModelName,
    /// The version in production.
    pub production: Option<VersionName>,
    /// The worst of the findings.
    pub light: Light,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// What is known of a model.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its policy.
    pub policy: &'a PolicyContent,
    /// The version in production.
    pub production: Option<&'a Version>,
    /// How ready production is to go back.
    pub readiness: Option<&'a Readiness>,
    /// From when the newest evaluation of the version in production is.
    pub newest_evidence: Option<Timestamp>,
    /// What its monitors have raised.
    pub raised: &'a [Monitor],
    /// Proposals that wait for somebody.
    pub open_proposals: usize,
    /// Candidates that wait for review.
    pub candidates: usize,
}

/// Looks at a model.
pub fn look(situation: &Situation<'_>, now: Timestamp) -> ModelHealth {
    let mut findings: Vec<Finding> =
        situation.raised.iter().map(|monitor| alarm(situation, monitor)).collect();
    findings.extend(
        [
            service(situation, now),
            incident(situation),
            ending(situation, now),
            way_back(situation),
            evidence(situation, now),
            review(situation),
            waiting(situation),
        ]
        .into_iter()
        .flatten(),
    );
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.light));
    if findings.is_empty() {
        let (sentence, next_step) = ("It is in production and nothing is the matter.", "Nothing.");
        findings.push(found(Light::Green, sentence, next_step));
    }
    let light = findings.first().map_or(Light::Green, |finding| finding.light);
    let production = situation.production.map(|version| version.name.clone());
    ModelHealth { model: situation.model.name.clone(), production, light, findings }
}

fn found(light: Light, sentence: impl Into<String>, next_step: impl Into<String>) -> Finding {
    Finding { light, sentence: sentence.into(), next_step: next_step.into() }
}

/// Whether production answers.
fn service(situation: &Situation<'_>, now: Timestamp) -> Option<Finding> {
    let Some(version) = situation.production else {
        return Some(found(
            Light::Amber,
            "Nothing is in production.",
            "Have a version approved and point the alias production to it.",
        ));
    };
    let refusal = resolve::resolve(version, true, Asker::Unknown, now).err()?;
    let number = version.name.number;
    let next_step = match situation.readiness.and_then(|readiness| readiness.target.as_ref()) {
        Some(target) => format!("Roll the alias production back to version {}.", target.number),
        None => "Have another version approved and point the alias production to it.".to_owned(),
    };
    let sentence = format!("Production, version {number}, is not given out: {}.", refusal.description);
    Some(found(Light::Red, sentence, next_step))
}

/// What a monitor has raised. Once somebody looks into an alarm, it is not urgent for others.
fn alarm(situation: &Situation<'_>, monitor: &Monitor) -> Finding {
    let sentence = monitor.verdict.as_ref().map_or_else(
        || format!("{} has raised an alarm.", monitor.baseline.metric),
        |verdict| verdict.sentence.clone(),
    );
    let light = match (monitor.level, &monitor.acknowledgement) {
        (Level::Alarm, None) => Light::Red,
        _ => Light::Amber,
    };
    let back = match situation.readiness.and_then(|readiness| readiness.target.as_ref()) {
        Some(target) => format!("; the alias production could go back to version {}", target.number),
        None => String::new(),
    };
    let next_step = match &monitor.acknowledgement {
        Some(by) => format!("{} looks into it; settle the alarm when it is over.", by.actor),
        None => format!("Acknowledge monitor {}, and find out what changed{back}.", monitor.name.monitor),
    };
    found(light, sentence, next_step)
}

fn incident(situation: &Situation<'_>) -> Option<Finding> {
    let incident = situation.production?.open_incidents.first()?;
    let sentence = format!("Production is in an open incident, {}.", incident.incident);
    Some(found(Light::Red, sentence, "Roll back or hold the version; close the incident when it is over."))
}

/// Whether production ends.
fn ending(situation: &Situation<'_>, now: Timestamp) -> Option<Finding> {
    let version = situation.production?;
    let sunset = version.effective_sunset().filter(|sunset| *sunset > now)?;
    let days = sunset.micros_since(now) / DAY;
    let left = in_days(days);
    let replacement = version.deprecation.as_ref().and_then(|deprecation| deprecation.replacement());
    let (sentence, next_step) = match (version.state, replacement) {
        (VersionState::Approved, _) => (
            format!(
                "Its provider ends production, version {}: it stops in {left}, on {sunset}.",
                version.name.number
            ),
            "Have a replacement approved, and deprecate this version in its favour.".to_owned(),
        ),
        (_, Some(replacement)) => (
            format!("Production, version {}, ends in {left}, on {sunset}.", version.name.number),
            format!("Point the alias production to {replacement}."),
        ),
        (_, None) => (
            format!(
                "Production, version {}, ends in {left}, on {sunset}, and nothing replaces it.",
                version.name.number
            ),
            "Have a replacement approved, or prepare to go on without.".to_owned(),
        ),
    };
    // The last week, or the announced notice spent without a successor, is no time to wait.
    let light = if days < 7 { Light::Red } else { Light::Amber };
    Some(found(light, sentence, next_step))
}

fn way_back(situation: &Situation<'_>) -> Option<Finding> {
    situation.production?;
    let readiness = situation.readiness?;
    let reason = readiness.reasons.first().cloned().unwrap_or_default();
    match readiness.state {
        ReadinessState::Ready => None,
        ReadinessState::Degraded => Some(found(
            Light::Amber,
            format!("The way back is not sure: {reason}."),
            "Rehearse the rollback, or see to what the sentence names.",
        )),
        ReadinessState::None => Some(found(
            Light::Amber,
            format!("There is no way back from production: {reason}."),
            "Keep an earlier version approved and evaluated, so that you can return to it.",
        )),
    }
}

fn evidence(situation: &Situation<'_>, now: Timestamp) -> Option<Finding> {
    let version = situation.production?;
    let days = situation.policy.evidence_max_age_days;
    if !situation.policy.requires_evidence {
        return None;
    }
    let number = version.name.number;
    let sentence = match situation.newest_evidence {
        Some(time) if time.plus_days(days) >= now => return None,
        Some(time) => format!(
            "The newest evaluation of production, version {number}, is from {time}, older than {}.",
            in_days(days)
        ),
        None => format!("Production, version {number}, was never evaluated."),
    };
    Some(found(Light::Amber, sentence, "Record an evaluation of it."))
}

fn review(situation: &Situation<'_>) -> Option<Finding> {
    let due = situation.model.review_due_time?;
    (situation.model.content.card.review_time == Some(due)).then(|| {
        let sentence = format!("Its review has been due since {due}.");
        found(Light::Amber, sentence, "Look at its card again, and set the next review date.")
    })
}

fn waiting(situation: &Situation<'_>) -> Option<Finding> {
    match (situation.open_proposals, situation.candidates) {
        (0, 0) => None,
        (0, candidates) => Some(found(
            Light::Amber,
            format!("{candidates} of its versions wait for a review."),
            "Approve or reject them.",
        )),
        (proposals, _) => Some(found(
            Light::Amber,
            format!("{proposals} proposals about it wait for somebody."),
            "Approve or reject them.",
        )),
    }
}
