//! The rules as they are told to people, computed from what happened and not from
//! what the code under test says about it.

use super::{Seen, world::World};
use crate::domain::{
    event::EventType,
    lifecycle::{Decision, RetirementCause, Successor, VersionState, clock::STEWARD},
    refusal::Reason,
    resolve::{Asker, resolve},
    time::{DAY, Timestamp},
    version::Version,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    Retirement,
    Promise,
    Upstream,
    Successor,
    Graph,
    Resolve,
    Reminders,
    Refusal,
}

/// A property that was broken, and how.
pub struct Broken(pub Property, pub String);

/// What was promised and done, kept beside the states.
#[derive(Default)]
pub struct Ledger {
    /// The sunset that callers of a version were last told.
    promised: BTreeMap<u32, Timestamp>,
    /// For which end reminders were planned, and from when on.
    planned: BTreeMap<u32, (Timestamp, Timestamp)>,
    /// Each reminder that was given: version, end, days before.
    given: BTreeSet<(u32, Timestamp, Timestamp)>,
}

impl Ledger {
    /// Notes the end that reminders are about from now on, if it is another one.
    /// Those of a first announcement may be due at once.
    pub fn plan(&mut self, version: &Version, now: Timestamp, is_first: bool) {
        let number = version.name.number.get();
        let (Some(end), None) = (end_of(version), &version.restoration) else { return };
        if version.state == VersionState::Deprecated
            && (is_first || self.planned.get(&number).is_none_or(|(known, _)| *known != end))
        {
            self.planned.insert(number, (end, now.plus_micros(i64::from(!is_first))));
        }
    }
}

/// When a version ends by what is written in it, computed here.
fn end_of(version: &Version) -> Option<Timestamp> {
    let shutdown = version.upstream_end.as_ref().map(|end| (end.latest_time, end.shutdown_time));
    let upstream = match &version.restoration {
        Some(_) => shutdown.map(|(_, last)| last),
        None => shutdown.map(|(latest, _)| latest),
    };
    let own = match (&version.restoration, &version.deprecation) {
        (Some(restoration), _) => Some(restoration.until_time),
        (None, Some(deprecation)) => Some(deprecation.sunset_time),
        (None, None) => None,
    };
    match (own, upstream) {
        (Some(own), Some(upstream)) => Some(if own < upstream { own } else { upstream }),
        (own, upstream) => own.or(upstream),
    }
}

fn people(decision: &Decision) -> usize {
    let mut people: Vec<&str> = decision.approvals.iter().map(|approval| approval.actor.as_str()).collect();
    people.push(&decision.actor);
    people.sort_unstable();
    people.dedup();
    people.len()
}

fn ensure(property: Property, holds: bool, sentence: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(property, sentence())) }
}

impl World {
    /// What one step may do to one version.
    pub fn judge(
        &mut self,
        kind: EventType,
        before: &Version,
        after: &Version,
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        if before.state != VersionState::Retired && after.state == VersionState::Retired {
            *seen.cases.entry(Property::Retirement).or_default() += 1;
            self.judge_retirement(before, after)?;
        }
        let is_over = |version: &Version| {
            let is_served = matches!(version.state, VersionState::Approved | VersionState::Deprecated);
            is_served && end_of(version).is_some_and(|end| end <= self.now)
        };
        let stays_over = !is_over(before) || is_over(after) || after.state == VersionState::Retired;
        ensure(Property::Resolve, stays_over, || format!("brought back: {before:#?} became {after:#?}"))?;
        self.judge_promise(before, after, seen)?;
        self.judge_reminders(kind, before, after, seen)
    }

    fn judge_retirement(&self, before: &Version, after: &Version) -> Result<(), Broken> {
        let retirement = after.retirement.as_ref().unwrap();
        let is_unused =
            self.last_use.get(&after.name.number.get()).is_none_or(|time| time.plus_days(7) <= self.now);
        let is_legal = if retirement.decision.actor == STEWARD {
            end_of(before).is_some_and(|end| end <= self.now)
        } else if retirement.cause == RetirementCause::Emergency {
            people(&retirement.decision) >= 2
        } else {
            before.deprecation.is_some() && is_unused
        };
        let is_on_record = after.deprecation.is_some();
        ensure(Property::Retirement, is_legal && is_on_record, || format!("{before:#?} became {after:#?}"))
    }

    fn judge_promise(&mut self, before: &Version, after: &Version, seen: &mut Seen) -> Result<(), Broken> {
        let number = after.name.number.get();
        let (Some(deprecation), VersionState::Deprecated) = (&after.deprecation, after.state) else {
            return Ok(());
        };
        let sunset = deprecation.sunset_time;
        let latest = self.latest(number);
        if before.state == VersionState::Approved
            || sunset != before.deprecation.as_ref().unwrap().sunset_time
        {
            *seen.cases.entry(Property::Upstream).or_default() += 1;
            let is_shortened = deprecation.moves.last().is_some_and(|moved| moved.to < moved.from);
            let is_within = latest.is_none_or(|latest| sunset <= latest) || is_shortened;
            ensure(Property::Upstream, is_within, || format!("{sunset} is after {latest:?}: {after:#?}"))?;
        }
        if let Some(promised) =
            self.ledger.promised.get(&number).copied().filter(|promised| sunset < *promised)
        {
            *seen.cases.entry(Property::Promise).or_default() += 1;
            let agreed = deprecation.moves.last().map_or(0, |moved| people(&moved.decision));
            let is_forced = latest.is_some_and(|latest| latest < promised && sunset == latest);
            let is_emergency = after.restoration.is_some()
                && after.retirement.as_ref().is_some_and(|r| r.cause == RetirementCause::Emergency);
            let is_fine = agreed >= 2 || is_emergency || is_forced && deprecation.moves.is_empty();
            ensure(Property::Promise, is_fine, || format!("from {promised} to {sunset}: {after:#?}"))?;
        }
        self.ledger.promised.insert(number, sunset);
        Ok(())
    }

    /// The provider's end less three days, from what the test knows of providers.
    fn latest(&self, number: u32) -> Option<Timestamp> {
        self.shutdowns.get(&number).map(|shutdown| shutdown.plus_micros(-3 * DAY))
    }

    fn judge_reminders(
        &mut self,
        kind: EventType,
        before: &Version,
        after: &Version,
        seen: &mut Seen,
    ) -> Result<(), Broken> {
        let number = after.name.number.get();
        let is_announced = before.state == VersionState::Approved && after.state == VersionState::Deprecated;
        let by_people =
            |version: &Version| version.deprecation.as_ref().is_some_and(|d| d.decision.actor != STEWARD);
        let is_first = is_announced && by_people(after);
        if kind == EventType::VersionReminded {
            *seen.cases.entry(Property::Reminders).or_default() += 1;
            let reminders = &after.deprecation.as_ref().unwrap().schedule.reminders;
            let earlier = &before.deprecation.as_ref().unwrap().schedule.reminders;
            let fresh = reminders.iter().zip(earlier).filter(|(now, then)| now != then);
            let fresh: Vec<u32> = fresh.map(|(reminder, _)| reminder.days_before).collect();
            ensure(Property::Reminders, fresh.len() == 1, || format!("reminded of {fresh:?}: {after:#?}"))?;
            let planned = self.ledger.planned.get(&number).copied();
            let Some((end, _)) = planned else {
                return Err(Broken(Property::Reminders, format!("nothing was planned: {after:#?}")));
            };
            let due = end.plus_micros(-i64::from(fresh[0]) * DAY);
            let is_new = self.ledger.given.insert((number, end, due));
            ensure(Property::Reminders, is_new && due <= self.now, || format!("again or early: {after:#?}"))?;
        }
        let by_clock = after.retirement.as_ref().is_some_and(|r| r.decision.actor == STEWARD);
        let is_end = before.state == VersionState::Deprecated && after.state == VersionState::Retired;
        if is_end && by_clock && before.restoration.is_none() {
            let planned = self.ledger.planned.get(&number).copied();
            let Some((end, from)) = planned else {
                return Err(Broken(Property::Reminders, format!("nothing was planned: {after:#?}")));
            };
            for days in [6, 3, 1] {
                let due = end.plus_micros(-days * DAY);
                let is_given = due < from || self.ledger.given.contains(&(number, end, due));
                ensure(Property::Reminders, is_given, || {
                    format!("none {days} days before {end}: {after:#?}")
                })?;
            }
        }
        if after.state == VersionState::Approved {
            // A deprecation that is taken back takes its reminders with it.
            self.ledger.given.retain(|(known, ..)| *known != number);
            self.ledger.planned.remove(&number);
        }
        self.ledger.plan(after, self.now, is_first);
        Ok(())
    }

    /// What holds of every state at every time.
    pub fn hold_to_the_rules(&self, seen: &mut Seen) -> Result<(), Broken> {
        for version in self.versions.values() {
            seen.states.insert(version.state.word());
            self.resolves_as_told(version, seen)?;
            let (VersionState::Deprecated, Some(deprecation)) = (version.state, &version.deprecation) else {
                let is_fine = version.state != VersionState::Deprecated;
                ensure(Property::Successor, is_fine, || format!("no announcement: {version:#?}"))?;
                continue;
            };
            *seen.cases.entry(Property::Successor).or_default() += 1;
            match &deprecation.successor {
                Successor::NoReplacementReason(reason) => {
                    ensure(Property::Successor, !reason.is_empty(), || format!("{version:#?}"))?;
                }
                Successor::Replacement(_) => self.leads_to_life(version, seen)?,
            }
        }
        Ok(())
    }

    fn leads_to_life(&self, version: &Version, seen: &mut Seen) -> Result<(), Broken> {
        *seen.cases.entry(Property::Graph).or_default() += 1;
        let mut way = vec![version.name.number.get()];
        let mut at = version;
        while let (VersionState::Deprecated, Some(next)) =
            (at.state, at.deprecation.as_ref().and_then(|d| d.replacement()))
        {
            let number = next.number.get();
            ensure(Property::Graph, !way.contains(&number), || format!("{way:?} leads back to {number}"))?;
            way.push(number);
            let gone = || Broken(Property::Graph, format!("{way:?} ends in nothing"));
            at = self.versions.get(&number).ok_or_else(gone)?;
        }
        let is_alive = matches!(at.state, VersionState::Approved | VersionState::Deprecated);
        ensure(Property::Graph, is_alive, || format!("{way:?} ends {}: {version:#?}", at.state.word()))
    }

    fn resolves_as_told(&self, version: &Version, seen: &mut Seen) -> Result<(), Broken> {
        let number = version.name.number.get();
        let is_served = matches!(version.state, VersionState::Approved | VersionState::Deprecated);
        let end = end_of(version).filter(|_| is_served);
        let is_over = end.is_some_and(|end| end <= self.now);
        let asker = Asker::Consumer { has_used: true, is_exempt: true };
        let answer = resolve(version, true, asker, self.now);
        if is_over && version.hold.is_none() {
            *seen.cases.entry(Property::Resolve).or_default() += 1;
            let is_told = answer.as_ref().is_err_and(|refusal| refusal.reason == Reason::VersionRetired);
            ensure(Property::Resolve, is_told, || format!("{answer:?} on {}: {version:#?}", self.now))?;
        }
        let last = match version.restoration {
            Some(_) => self.shutdowns.get(&number).copied(),
            None => self.latest(number),
        };
        let is_late = last.is_some_and(|last| last <= self.now) && is_served;
        ensure(Property::Upstream, !is_late || answer.is_err(), || format!("after {last:?}: {version:#?}"))?;
        let is_due = is_served && !is_over && version.hold.is_none();
        ensure(Property::Resolve, !is_due || answer.is_ok(), || format!("{answer:?}: {version:#?}"))
    }
}
