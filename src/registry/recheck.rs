//! A log, read from its first event by somebody who trusts nobody: that it is one log without
//! a gap, that every event continues the states before it, and that what was decided follows
//! from what was recorded.
//!
//! A decision is made once more, by the code that made it, over the states that the log has
//! up to there, and has to come to the same end: the same gates with the same results, the
//! same people, the same new state. So evidence that was exchanged for other evidence is found although
//! every hash is right.

mod comparison;
mod read;

pub use read::ReadEvent;

use self::comparison::compare;
use super::{
    environment::Entropy,
    error::Error,
    leaf::LoggedEvent,
    lifecycle, proposal,
    rebuild::Rebuild,
    states::Store,
    view::{self, Inside, Loaded, Recent, View},
};
use crate::{
    audit::merkle::Frontier,
    domain::{
        event::{Change, Event, EventType},
        lifecycle::{
            Decision, Deprecation, RetirementCause, Successor,
            clock::STEWARD,
            transition::{Request, Verb},
        },
        model::Model,
        proposal::Proposal,
        resource::Resource,
        version::Version,
    },
};
use std::collections::VecDeque;

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {sentence}")]
pub struct Finding {
    /// Where.
    pub position: u64,
    /// What, for people.
    pub sentence: String,
}

/// What was found right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Decisions that were made again.
    pub decisions: u64,
}

/// Checks a log, an event at a time.
pub struct Recheck<'a> {
    store: &'a Store,
    rebuild: Rebuild<'a>,
    /// What has to follow in the mutation that is being read.
    due: VecDeque<Event>,
    nothing: Recent,
    counts: Counts,
}

impl<'a> Recheck<'a> {
    /// Begins, over a store that holds nothing; the states of the log are kept in it.
    pub fn new(store: &'a Store, entropy: &'a dyn Entropy) -> Self {
        Recheck {
            store,
            rebuild: Rebuild::of_states(&*store.engine, entropy),
            due: VecDeque::new(),
            nothing: Recent::default(),
            counts: Counts::default(),
        }
    }

    /// The tree over what was read.
    pub fn tree(&self) -> &Frontier {
        self.rebuild.tree()
    }

    /// Checks the next event.
    ///
    /// # Errors
    /// What is wrong with it; then nothing that follows means anything.
    pub async fn add(&mut self, read: ReadEvent) -> Result<(), Finding> {
        let position = self.rebuild.tree().size();
        let checked = self.check(read).await;
        checked.map_err(|error| Finding { position, sentence: error.to_string() })
    }

    async fn check(&mut self, read: ReadEvent) -> Result<(), Error> {
        let ReadEvent { event, leaf, hash } = read;
        self.rebuild.admit(&event).await?;
        self.check_befores(&event).await?;
        if event.mutation.index == 0 {
            self.due = self.derive(&event).await?.unwrap_or_default().into();
            self.counts.decisions += u64::from(!self.due.is_empty());
            check_count(&event, self.due.len())?;
        }
        if let Some(expected) = self.due.pop_front() {
            compare(&event, &expected)?;
        }
        self.rebuild.take(event, leaf, hash).await?;
        self.counts.events += 1;
        Ok(())
    }

    /// The end of the log.
    ///
    /// # Errors
    /// If it ends within a change.
    pub async fn finish(self) -> Result<Counts, Finding> {
        let position = self.rebuild.tree().size();
        let ended = self.rebuild.finish().await;
        ended.map_err(|error| Finding { position, sentence: error.to_string() })?;
        Ok(self.counts)
    }

    /// Each change names the state that it replaced, and that is the one that was there.
    async fn check_befores(&self, event: &LoggedEvent) -> Result<(), Error> {
        let Some(namespace) = self.rebuild.namespace() else { return Ok(()) };
        for (logged, before) in event.changes.iter().zip(&event.befores) {
            let name = logged.change.name();
            let record = self.rebuild.record(namespace, &name).await?;
            let there = record.as_ref().map(|record| (record.position, view::digest(record)));
            let said = before.as_ref().map(|before| (before.position, before.digest.clone()));
            if there != said {
                return Err(Error::Damaged(format!(
                    "the event says that it replaces {} of {name}, but the log has {} there",
                    state(said.as_ref()),
                    state(there.as_ref())
                )));
            }
        }
        Ok(())
    }

    /// The events that a decision leads to, made again; `None` for what is no decision.
    async fn derive(&mut self, event: &LoggedEvent) -> Result<Option<Vec<Event>>, Error> {
        let Some(Change::Set(Resource::Version(version))) =
            event.changes.first().map(|logged| &logged.change)
        else {
            return Ok(None);
        };
        let Some(kind) = EventType::parse(&event.kind) else { return Ok(None) };
        let Some(namespace) = self.rebuild.namespace().cloned() else { return Ok(None) };
        let (batch, recent) = (self.rebuild.overlay(), &self.nothing);
        let inside = Inside { batch, flight: None, recent };
        let mut view = View::inside(self.store, &namespace, inside, Loaded::default());
        let made = match event.changes.get(1).map(|logged| &logged.change) {
            Some(Change::Set(Resource::Proposal(carried_out))) => {
                proposed(&mut view, event, carried_out).await.map(Some)
            }
            _ if is_by_clock(event, kind) => by_clock(&mut view, event, version).await,
            _ => asked_for(&mut view, event, kind, version).await,
        };
        made.map_err(|error| match error {
            Error::Refused(_) => Error::Damaged(format!(
                "{} is on record, but the rules do not allow it over what was recorded before: {error}",
                event.kind
            )),
            other => other,
        })
    }
}

/// A proposal that was carried out with its last agreement, or at once.
async fn proposed(
    view: &mut View<'_>,
    event: &LoggedEvent,
    recorded: &Proposal,
) -> Result<Vec<Event>, Error> {
    let proposal = match view.find::<Proposal>(&recorded.name).await? {
        Some(before) => before.value.act(
            crate::domain::proposal::ActKind::Approve,
            &event.actor,
            &event.reason,
            event.time,
        )?,
        None => {
            let (name, content) = (recorded.name.clone(), recorded.content.clone());
            Proposal::create(name, content, event.actor.clone(), event.time)
        }
    };
    proposal::carry_out(view, &proposal, event.time).await
}

/// Whether it is time that did it.
fn is_by_clock(event: &LoggedEvent, kind: EventType) -> bool {
    let by_steward = event.auth_type == "system" && event.actor == STEWARD;
    by_steward
        && matches!(
            kind,
            EventType::VersionDeprecated
                | EventType::VersionReminded
                | EventType::VersionBrownoutBegan
                | EventType::VersionBrownoutSkipped
                | EventType::VersionRetired
        )
}

/// What time did.
async fn by_clock(
    view: &mut View<'_>,
    event: &LoggedEvent,
    version: &Version,
) -> Result<Option<Vec<Event>>, Error> {
    let present = view.get::<Version>(&version.name).await?.value;
    let model = view.get::<Model>(&version.name.model).await?.value;
    let policy = super::facts::policy(view, &model).await?;
    match present.step(&policy, event.time) {
        Ok((kind, next)) => lifecycle::events(view, kind, next, event.time).await.map(Some),
        Err(_) => Err(Error::Damaged(format!("{} is on record, but nothing was due by then", event.kind))),
    }
}

/// A step that somebody asked for; `None` for changes that are no step.
async fn asked_for(
    view: &mut View<'_>,
    event: &LoggedEvent,
    kind: EventType,
    version: &Version,
) -> Result<Option<Vec<Event>>, Error> {
    let Some((verb, decision)) = verb_of(kind, version) else { return Ok(None) };
    let present = view.get::<Version>(&version.name).await?.value;
    let request = Request {
        author: &event.actor,
        reason: &event.reason,
        approvals: &[],
        incident: decision.incident.as_ref(),
        now: event.time,
    };
    let next = lifecycle::step(view, present, &verb, &request).await?;
    lifecycle::events(view, kind, next, event.time).await.map(Some)
}

/// Which step led to a version, and the decision behind it.
fn verb_of(kind: EventType, version: &Version) -> Option<(Verb, &Decision)> {
    let deprecation = version.deprecation.as_ref();
    let moved = || deprecation.and_then(|deprecation| deprecation.moves.last());
    let successor = |deprecation: &Deprecation| -> Successor { deprecation.successor.clone() };
    Some(match kind {
        EventType::VersionSubmitted => (Verb::Submit, version.submission.as_ref()?),
        EventType::VersionApproved => {
            let review = version.review.as_ref()?;
            (Verb::Approve { gates_overridden: review.gates_overridden }, review)
        }
        EventType::VersionRejected => (Verb::Reject, version.review.as_ref()?),
        EventType::VersionDeprecated => {
            let end = deprecation?;
            let (sunset_time, successor) = (end.sunset_time, successor(end));
            (Verb::Deprecate { sunset_time, successor }, &end.decision)
        }
        EventType::VersionSunsetExtended => {
            (Verb::ExtendSunset { sunset_time: moved()?.to }, &moved()?.decision)
        }
        EventType::VersionSunsetShortened => {
            (Verb::ShortenSunset { sunset_time: moved()?.to }, &moved()?.decision)
        }
        EventType::VersionReinstated => (Verb::Reinstate, version.reinstatement.as_ref()?),
        EventType::VersionRetired => {
            let retirement = version.retirement.as_ref()?;
            let verb = match retirement.cause {
                RetirementCause::Emergency => Verb::EmergencyRetire { successor: successor(deprecation?) },
                RetirementCause::Unused | RetirementCause::Sunset => Verb::Retire,
            };
            (verb, &retirement.decision)
        }
        EventType::VersionRestored => {
            let restoration = version.restoration.as_ref()?;
            (Verb::Restore { until_time: restoration.until_time }, &restoration.decision)
        }
        EventType::VersionArchived => (Verb::Archive, version.archival.as_ref()?),
        EventType::VersionHeld => (Verb::Hold, &version.hold.as_ref()?.decision),
        EventType::VersionReleased => (Verb::Release, version.release.as_ref()?),
        _ => return None,
    })
}

/// A decision has the events that it led to, no more and no fewer.
fn check_count(event: &LoggedEvent, derived: usize) -> Result<(), Error> {
    let recorded = event.mutation.count as usize;
    match derived == 0 || derived == recorded {
        true => Ok(()),
        false => Err(Error::Damaged(format!(
            "{} has {recorded} events on record, but leads to {derived}",
            event.kind
        ))),
    }
}

/// A state as a finding names it.
fn state(state: Option<&(u64, String)>) -> String {
    match state {
        None => "no state".to_owned(),
        Some((position, digest)) => format!("the state of position {position} ({digest})"),
    }
}
