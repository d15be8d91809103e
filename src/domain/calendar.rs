//! What the clock will do: a look ahead through the same steps that the scheduler
//! carries out, so that nothing comes that was not shown here.

use super::{
    alias::Alias,
    event::EventType,
    lifecycle::{Deprecation, VersionState},
    model::Model,
    name::VersionName,
    policy::Policy,
    proposal::Proposal,
    resource::ResourceName,
    rollback::Candidate,
    time::{DAY, Timestamp, in_days},
    version::Version,
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    ops::Range,
};

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

impl<'a> Subject<'a> {
    fn version(&self) -> Option<&Version> {
        match self {
            Subject::Version(version, _) => Some(version),
            _ => None,
        }
    }

    /// What becomes of it when a version goes out of service.
    fn without(&self, gone: &Version, now: Timestamp) -> Option<(Entry, Self)> {
        let Subject::Version(version, policy) = self else { return None };
        let next = version.as_ref().clone().without_replacement(gone, now)?;
        let entry = of_version(EventType::VersionReplacementChanged, &next, now);
        Some((entry, Subject::Version(Box::new(next), policy)))
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
            let days = in_days(sunset.micros_since(now) / DAY);
            format!("its callers are reminded: {days} until {sunset}; {move_to}")
        }
        (EventType::VersionBrownoutBegan, _, Some(end)) => {
            format!(
                "it does not resolve until {end}, so that its end is noticed before it is final; {move_to}"
            )
        }
        (EventType::VersionReplacementChanged, ..) => {
            format!("its replacement goes out of service; now {move_to}")
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
/// What is overdue happens now. The versions that send their callers to one that ends
/// have to be among the subjects.
pub fn simulate(
    subjects: Vec<Subject<'_>>,
    now: Timestamp,
    span: Range<Timestamp>,
    at_most: usize,
) -> Calendar {
    let mut future = Future::of(subjects);
    let due =
        |subject: &Subject<'_>| subject.next_due().map(|due| due.max(now)).filter(|due| *due < span.end);
    let first = future.subjects.iter().enumerate();
    let mut queue: BinaryHeap<_> =
        first.filter_map(|(index, subject)| Some(Reverse((due(subject.as_ref()?)?, index)))).collect();
    let mut calendar = Calendar::default();
    while let Some(Reverse((time, index))) = queue.pop() {
        let entries = future.step(index, time);
        queue.extend(future.subjects[index].as_ref().and_then(due).map(|due| Reverse((due, index))));
        for entry in entries.into_iter().filter(|_| time >= span.start) {
            if calendar.entries.len() == at_most {
                return Calendar { is_cut: true, ..calendar };
            }
            calendar.entries.push(entry);
        }
    }
    calendar
}

/// Everything that time does something to, at some moment to come.
struct Future<'a> {
    subjects: Vec<Option<Subject<'a>>>,
    /// Which of them send, or once sent, their callers to a version.
    senders: HashMap<VersionName, Vec<usize>>,
}

impl<'a> Future<'a> {
    fn of(subjects: Vec<Subject<'a>>) -> Self {
        let mut future =
            Future { subjects: subjects.into_iter().map(Some).collect(), senders: HashMap::new() };
        (0..future.subjects.len()).for_each(|index| future.note_sender(index));
        future
    }

    fn version(&self, index: usize) -> Option<&Version> {
        self.subjects[index].as_ref().and_then(Subject::version)
    }

    fn note_sender(&mut self, index: usize) {
        if let Some(target) = self.version(index).and_then(Version::sends_to).cloned() {
            self.senders.entry(target).or_default().push(index);
        }
    }

    /// Does the first thing that is due to a subject, and what follows for others.
    fn step(&mut self, index: usize, time: Timestamp) -> Vec<Entry> {
        let stepped = self.subjects[index].take().and_then(|subject| subject.step(time));
        let Some((entry, next)) = stepped else { return Vec::new() };
        self.subjects[index] = Some(next);
        let mut entries = vec![entry];
        let is_gone = |version: &&Version| version.state == VersionState::Retired;
        let Some(gone) = self.version(index).filter(is_gone).cloned() else { return entries };
        for sender in self.senders.remove(&gone.name).unwrap_or_default() {
            let told = self.subjects[sender].as_ref().and_then(|subject| subject.without(&gone, time));
            if let Some((entry, next)) = told {
                self.subjects[sender] = Some(next);
                self.note_sender(sender);
                entries.push(entry);
            }
        }
        entries
    }
}

#[cfg(test)]
mod tests;
