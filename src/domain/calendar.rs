//! What the clock will do: a look ahead through the same steps that the scheduler
//! carries out, so that nothing comes that was not shown here.

use super::{
    event::EventType, model::Model, policy::Policy, proposal::Proposal, resource::ResourceName,
    time::Timestamp, version::Version,
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Something that time does.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// What happens.
    pub kind: EventType,
    /// What it happens to.
    pub resource: ResourceName,
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
}

impl Subject<'_> {
    fn next_due(&self) -> Option<Timestamp> {
        match self {
            Subject::Version(version, _) => version.next_due(),
            Subject::Model(model) => model.next_due(),
            Subject::Proposal(proposal) => proposal.next_due(),
        }
    }

    /// What has happened to it first by a time, and what it is then.
    fn step(self, now: Timestamp) -> Option<(EventType, ResourceName, Self)> {
        match self {
            Subject::Version(version, policy) => {
                let (kind, next) = version.step(policy, now).ok()?;
                Some((kind, next.name.clone().into(), Subject::Version(Box::new(next), policy)))
            }
            Subject::Model(model) => {
                let next = model.review_due(now)?;
                Some((EventType::ModelReviewDue, next.name.clone().into(), Subject::Model(Box::new(next))))
            }
            Subject::Proposal(proposal) => {
                let next = proposal.expire(now)?;
                Some((
                    EventType::ProposalExpired,
                    next.name.clone().into(),
                    Subject::Proposal(Box::new(next)),
                ))
            }
        }
    }
}

/// Looks ahead from a time to another, which is not part of the span, and lists so
/// many entries `at_most`. What is overdue happens at the beginning.
pub fn simulate(subjects: Vec<Subject<'_>>, from: Timestamp, to: Timestamp, at_most: usize) -> Calendar {
    let mut subjects: Vec<Option<Subject<'_>>> = subjects.into_iter().map(Some).collect();
    let due = |subject: &Subject<'_>| subject.next_due().map(|due| due.max(from)).filter(|due| *due < to);
    let first = subjects.iter().enumerate().filter_map(|(index, subject)| {
        let due = subject.as_ref().and_then(due)?;
        Some(Reverse((due, index)))
    });
    let mut queue: BinaryHeap<_> = first.collect();
    let mut calendar = Calendar::default();
    while let Some(Reverse((time, index))) = queue.pop() {
        let Some((kind, resource, next)) = subjects[index].take().and_then(|subject| subject.step(time))
        else {
            continue;
        };
        if calendar.entries.len() == at_most {
            calendar.is_cut = true;
            break;
        }
        calendar.entries.push(Entry { time, kind, resource });
        queue.extend(due(&next).map(|due| Reverse((due, index))));
        subjects[index] = Some(next);
    }
    calendar
}

#[cfg(test)]
mod tests;
