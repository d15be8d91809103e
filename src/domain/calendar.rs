//! What the clock will do: a look ahead through the same steps that the scheduler
//! carries out, so that nothing comes that was not shown here.

use super::{
    alias::Alias,
    event::EventType,
    lifecycle::Deprecation,
    model::Model,
    name::VersionName,
    policy::Policy,
    proposal::Proposal,
    resource::ResourceName,
    rollback::Candidate,
    time::{DAY, Timestamp},
    version::Version,
};
use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

/// Something that time does.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// What happens.
    pub kind: EventType,
    /// What it happens to.
    pub resource: ResourceName,
    /// What that means, in a sentence.
    pub sentence: String,
    /// When it is over: of a brownout, its last moment.
    pub end_time: Option<Timestamp>,
    /// What callers of the version move to.
    pub replacement: Option<VersionName>,
}

/// What time does in a span, if nobody does anything meanwhile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calendar {
    /// The earliest first.
    pub entries: Vec<Entry>,
    /// Whether there would be more, beyond what was asked for at most.
    pub is_cut: bool,
}

/// Something that time does things to.
#[derive(Clone, Debug)]
pub enum Subject<'a> {
    /// A version, and the policy that binds it.
    Version(Box<Version>, &'a Policy),
    /// A model, whose review date comes.
    Model(Box<Model>),
    /// A proposal, which expires.
    Proposal(Box<Proposal>),
    /// An alias, whose way back closes; where it can go back to, and the policy that
    /// binds it. Whatever time does to those versions, their dates say beforehand.
    Alias(Box<Alias>, Vec<Candidate<'a>>, &'a Policy),
}

impl Subject<'_> {
    fn next_due(&self) -> Option<Timestamp> {
        match self {
            Subject::Version(version, _) => version.next_due(),
            Subject::Model(model) => model.next_due(),
            Subject::Proposal(proposal) => proposal.next_due(),
            Subject::Alias(alias, ..) => alias.next_due(),
        }
    }

    /// What has happened to it first by a time, and what it is then.
    fn step(self, now: Timestamp) -> Option<(Entry, Self)> {
        match self {
            Subject::Version(version, policy) => {
                let (kind, next) = version.step(policy, now).ok()?;
                Some((of_version(kind, &next, now), Subject::Version(Box::new(next), policy)))
            }
            Subject::Model(model) => {
                let next = model.review_due(now)?;
                let sentence = "its review date comes: look at its card, and set the next date".to_owned();
                let entry = Entry::new(EventType::ModelReviewDue, next.name.clone(), now, sentence);
                Some((entry, Subject::Model(Box::new(next))))
            }
            Subject::Proposal(proposal) => {
                let next = proposal.expire(now)?;
                let sentence = format!("what {} proposed is void, unless it is decided before", next.author);
                let entry = Entry::new(EventType::ProposalExpired, next.name.clone(), now, sentence);
                Some((entry, Subject::Proposal(Box::new(next))))
            }
            Subject::Alias(alias, candidates, policy) => {
                let next = alias.look_again(&candidates, &policy.content, now)?;
                Some((of_alias(&next, now), Subject::Alias(Box::new(next), candidates, policy)))
            }
        }
    }
}

impl Entry {
    fn new(kind: EventType, resource: impl Into<ResourceName>, time: Timestamp, sentence: String) -> Self {
        Entry { time, kind, resource: resource.into(), sentence, end_time: None, replacement: None }
    }
}

fn of_version(kind: EventType, version: &Version, now: Timestamp) -> Entry {
    let deprecation = version.deprecation.as_ref();
    let replacement = deprecation.and_then(Deprecation::replacement).cloned();
    let move_to = match &replacement {
        Some(_) => "callers move to its replacement",
        None => "it has no replacement",
    };
    let brownout = deprecation.and_then(|deprecation| deprecation.schedule.brownout_at(now));
    let end_time = brownout.filter(|_| kind == EventType::VersionBrownoutBegan).map(|window| window.end_time);
    let sentence = match (kind, version.effective_sunset(), end_time) {
        (EventType::VersionDeprecated, Some(sunset), _) => {
            format!("its end on {sunset} is announced, because its provider shuts it down; {move_to}")
        }
        (EventType::VersionReminded, Some(sunset), _) => {
            let days = sunset.micros_since(now) / DAY;
            format!("its callers are reminded: {days} days until {sunset}; {move_to}")
        }
        (EventType::VersionBrownoutBegan, _, Some(end)) => {
            format!(
                "it does not resolve until {end}, so that its end is noticed before it is final; {move_to}"
            )
        }
        (EventType::VersionBrownoutSkipped, ..) => {
            "a brownout is left out, because an incident is open".to_owned()
        }
        _ => format!("it does not resolve any more; {move_to}"),
    };
    Entry { end_time, replacement, ..Entry::new(kind, version.name.clone(), now, sentence) }
}

fn of_alias(alias: &Alias, now: Timestamp) -> Entry {
    let readiness = alias.readiness.as_ref();
    let word = readiness.map_or("unknown", |readiness| readiness.state.word());
    let reasons = readiness.map(|readiness| readiness.reasons.join("; ")).unwrap_or_default();
    let sentence = match reasons.as_str() {
        "" => format!("its way back is {word}"),
        reasons => format!("its way back is {word}: {reasons}"),
    };
    Entry::new(EventType::AliasReadinessChanged, alias.name.clone(), now, sentence)
}

/// Looks ahead from `now`, and lists what comes in a span, at most so many entries.
/// What is overdue happens now.
pub fn simulate(
    subjects: Vec<Subject<'_>>,
    now: Timestamp,
    span: Range<Timestamp>,
    at_most: usize,
) -> Calendar {
    let mut subjects: Vec<Option<Subject<'_>>> = subjects.into_iter().map(Some).collect();
    let due =
        |subject: &Subject<'_>| subject.next_due().map(|due| due.max(now)).filter(|due| *due < span.end);
    let first = subjects.iter().enumerate().filter_map(|(index, subject)| {
        let due = subject.as_ref().and_then(due)?;
        Some(Reverse((due, index)))
    });
    let mut queue: BinaryHeap<_> = first.collect();
    let mut calendar = Calendar::default();
    while let Some(Reverse((time, index))) = queue.pop() {
        let Some((entry, next)) = subjects[index].take().and_then(|subject| subject.step(time)) else {
            continue;
        };
        queue.extend(due(&next).map(|due| Reverse((due, index))));
        subjects[index] = Some(next);
        if time < span.start {
            continue;
        }
        if calendar.entries.len() == at_most {
            calendar.is_cut = true;
            break;
        }
        calendar.entries.push(entry);
    }
    calendar
}

#[cfg(test)]
mod tests;
