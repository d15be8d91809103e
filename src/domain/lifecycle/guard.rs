//! The guards of the lifecycle. Each refuses with a word of its own, the values
//! that are in the way, and what to do.

mod sunset;

use super::{
    Successor, VersionState,
    consent::{Consent, Need},
    transition::{Facts, Request, Verb},
};
use crate::domain::{
    policy::card,
    refusal::{Reason, Refusal},
    time::{DAY, HOUR, Timestamp, in_days},
    version::Version,
};

/// A retired version is restored for this long at most.
const LONGEST_RESTORATION: i64 = 72 * HOUR;
/// Whoever asked for a version within this time uses it.
const IN_USE: i64 = 7 * DAY;

/// Everything but the number of people.
pub fn all(version: &Version, verb: &Verb, facts: &Facts<'_>, request: &Request<'_>) -> Vec<Refusal> {
    let guards = Guards { version, facts, request };
    let mut refusals = Vec::new();
    if verb.leads_from(version.state).is_none() {
        refusals.push(guards.illegal(verb));
    }
    if verb.needs_service() && version.is_over(request.now) {
        refusals.push(guards.passed());
    }
    match verb {
        Verb::Submit => {
            refusals.extend(guards.incomplete());
            refusals.extend(card::gaps(&facts.policy.content.card_fields, facts.model));
        }
        Verb::Approve { gates_overridden } => refusals.extend(guards.approve(*gates_overridden)),
        Verb::Deprecate { sunset_time, successor } => {
            refusals.extend(guards.sunset(*sunset_time));
            refusals.extend(guards.successor(successor));
            refusals.extend(guards.replaces_others(*sunset_time, successor));
        }
        Verb::ExtendSunset { sunset_time } => refusals.extend(guards.extend(*sunset_time)),
        Verb::ShortenSunset { sunset_time } => refusals.extend(guards.shorten(*sunset_time)),
        Verb::Reinstate => refusals.extend(guards.reinstate()),
        Verb::Retire => refusals.extend(guards.in_use()),
        Verb::EmergencyRetire { successor } => refusals.extend(guards.successor(successor)),
        Verb::Restore { until_time } => refusals.extend(guards.restore(*until_time)),
        Verb::Archive => {
            refusals.extend(guards.lifted());
            refusals.extend(guards.archive());
        }
        Verb::Hold => refusals.extend(version.hold.is_some().then(|| guards.held("lift that hold first"))),
        Verb::Release if version.hold.is_none() => refusals
            .push(guards.refuse(Reason::VersionNotHeld, "it is not on hold, so there is nothing to lift")),
        Verb::Reject | Verb::Release => {}
    }
    refusals
}

/// Refuses a step that too few people are for.
pub fn consent(version: &Version, verb: &Verb, need: &Need, consent: &Consent<'_>) -> Option<Refusal> {
    let met = need.met_by(consent);
    if met >= need.people {
        return None;
    }
    let other = match &need.excluded {
        Some(person) => format!(" other than {person:?}"),
        None => String::new(),
    };
    let sentence = format!(
        "to {} it takes {} {}{other}, and there {} {met}: propose it, and have somebody else approve the proposal",
        verb.word(),
        need.people,
        if need.people == 1 { "person" } else { "people" },
        if met == 1 { "is" } else { "are" },
    );
    Some(
        Refusal::new(Reason::ApprovalRequired, &version.name, sentence)
            .with("people_needed", need.people)
            .with("people_counted", met),
    )
}

struct Guards<'a> {
    version: &'a Version,
    facts: &'a Facts<'a>,
    request: &'a Request<'a>,
}

impl Guards<'_> {
    fn refuse(&self, reason: Reason, sentence: impl Into<String>) -> Refusal {
        Refusal::new(reason, &self.version.name, sentence)
    }

    fn illegal(&self, verb: &Verb) -> Refusal {
        let sentence = format!(
            "cannot {} a version that is {}; it has to be {}",
            verb.word(),
            self.version.state.word(),
            verb.allowed_from()
        );
        self.refuse(Reason::IllegalTransition, sentence)
    }

    fn held(&self, advice: &str) -> Refusal {
        let why = self.version.hold.as_ref().map_or("", |hold| hold.decision.reason.as_str());
        self.refuse(Reason::VersionOnHold, format!("it is on hold ({why}); {advice}"))
    }

    fn lifted(&self) -> Option<Refusal> {
        let is_held = self.version.hold.is_some();
        is_held.then(|| self.held("have somebody other than who placed the hold lift it"))
    }

    fn incomplete(&self) -> Option<Refusal> {
        let content = &self.version.content;
        let complete = content.upstream.is_some() || content.artifacts.iter().any(|a| !a.digest.is_empty());
        (!complete).then(|| {
            let sentence =
                "it has neither an artifact with a digest nor an upstream reference; update it first";
            self.refuse(Reason::ContentIncomplete, sentence)
        })
    }

    fn approve(&self, gates_overridden: bool) -> Vec<Refusal> {
        let (policy, now) = (&self.facts.policy.content, self.request.now);
        let mut refusals = Vec::new();
        refusals.extend(self.lifted());
        refusals.extend(card::gaps(&policy.card_fields, self.facts.model));
        if let Some(end) = &self.facts.upstream_end
            && (end.latest_time <= now || end.latest_time < now.plus_days(policy.minimum_life_days))
        {
            let sentence = format!(
                "its provider shuts it down on {}: with the margin of {} days it would end on {}, but a version \
                 has to live for {} days; choose another upstream model",
                end.shutdown_time, policy.upstream_margin_days, end.latest_time, policy.minimum_life_days
            );
            let refusal = self.refuse(Reason::UpstreamEndsTooSoon, sentence);
            refusals.push(refusal.with("upstream_shutdown_time", end.shutdown_time));
        }
        match (gates_overridden, self.request.incident) {
            (false, _) => {
                let (newest, gates) = (self.facts.newest_evidence, &self.facts.gates);
                refusals.extend(policy.evidence_gaps(&self.version.name, newest, gates, now));
            }
            (true, None) => {
                let sentence = "to override the gates it takes an open incident; open one and name it";
                refusals.push(self.refuse(Reason::IncidentRequired, sentence));
            }
            (true, Some(_)) => {}
        }
        refusals
    }

    fn successor(&self, successor: &Successor) -> Option<Refusal> {
        let Successor::Replacement(name) = successor else { return None };
        let replacement = &self.facts.replacement;
        let refuse = |reason, sentence: String| Some(Refusal::new(reason, name, sentence));
        if *name == self.version.name || replacement.onward.contains(&self.version.name) {
            let sentence = "it leads back to the version that it would replace; name another".to_owned();
            return refuse(Reason::ReplacementCircle, sentence);
        }
        match replacement.state {
            None => refuse(
                Reason::ReplacementMissing,
                "the replacement does not exist; check the name".to_owned(),
            ),
            Some(VersionState::Approved) if !replacement.is_held => None,
            Some(VersionState::Approved) => refuse(
                Reason::ReplacementNotApproved,
                "the replacement is on hold; have the hold lifted, or name another".to_owned(),
            ),
            Some(state) => {
                let sentence = format!("the replacement is {}; it has to be APPROVED first", state.word());
                refuse(Reason::ReplacementNotApproved, sentence)
            }
        }
    }

    /// Those who are told to move to a version should not have to move again at once.
    fn replaces_others(&self, sunset: Timestamp, successor: &Successor) -> Option<Refusal> {
        if matches!(successor, Successor::Replacement(_)) {
            return None;
        }
        let predecessors = self.facts.predecessors.iter().filter(|other| other.sunset_time > sunset);
        let latest = predecessors.clone().map(|other| other.sunset_time).max()?;
        let names: Vec<String> =
            predecessors.map(|other| format!("{} (until {})", other.version, other.sunset_time)).collect();
        let sentence = format!(
            "it is named as the replacement of {}, and would leave before them without one itself; name a \
             replacement, choose a sunset from {latest} on, or reinstate them",
            names.join(", ")
        );
        let refusal = self.refuse(Reason::ReplacesOthers, sentence);
        Some(refusal.with("predecessor_count", names.len()).with("predecessor_sunset_time", latest))
    }

    fn in_use(&self) -> Option<Refusal> {
        let since = self.request.now.plus_micros(-IN_USE);
        let users: Vec<String> = self
            .facts
            .users
            .iter()
            .filter(|user| user.last_use_time > since)
            .map(|user| format!("{} ({})", user.consumer, user.last_use_time))
            .collect();
        (!users.is_empty()).then(|| {
            let sentence = format!(
                "in the last 7 days it was resolved by {}; move them, wait for the sunset, or emergency-retire it",
                users.join(", ")
            );
            self.refuse(Reason::VersionInUse, sentence).with("consumer_count", users.len())
        })
    }

    fn restore(&self, until: Timestamp) -> Vec<Refusal> {
        let now = self.request.now;
        let mut refusals: Vec<Refusal> = self.lifted().into_iter().collect();
        if self.request.incident.is_none() {
            let sentence = "a retired version comes back only for an open incident; open one and name it";
            refusals.push(self.refuse(Reason::IncidentRequired, sentence));
        }
        let latest = now.plus_micros(LONGEST_RESTORATION);
        if until <= now || until > latest {
            let sentence = format!("{until} is not within the next 72 hours; the latest end is {latest}");
            refusals
                .push(self.refuse(Reason::RestorationTooLong, sentence).with("latest_until_time", latest));
        }
        if let Some(end) = self.facts.upstream_end.as_ref().filter(|end| end.shutdown_time < until) {
            let sentence =
                format!("its provider shuts it down on {}; it cannot be back longer", end.shutdown_time);
            let refusal = self.refuse(Reason::UpstreamEndsTooSoon, sentence);
            refusals.push(refusal.with("upstream_shutdown_time", end.shutdown_time));
        }
        refusals
    }

    fn archive(&self) -> Option<Refusal> {
        let retired = self.version.retirement.as_ref()?;
        let days = self.facts.policy.content.retention_days;
        let earliest = retired.decision.time.plus_days(days);
        (self.request.now < earliest).then(|| {
            let sentence = format!(
                "the policy keeps retired versions for {}, until {earliest}; archive it then",
                in_days(days)
            );
            self.refuse(Reason::RetentionNotOver, sentence).with("earliest_archive_time", earliest)
        })
    }
}

#[cfg(test)]
mod tests;
