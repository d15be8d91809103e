//! A world of a few versions, and what can happen in it.

use super::{
    Seen,
    rules::{Broken, Ledger, Property},
};
use crate::domain::{
    event::EventType,
    lifecycle::{
        Successor, UpstreamEnd, VersionState,
        fixture::{self, Scene, day, name},
        transition::{Predecessor, Replacement, User, Verb},
    },
    policy::{BrownoutRule, ExtensionRule, Policy},
    time::{DAY, HOUR, MINUTE, Timestamp},
    upstream::{Upstream, UpstreamContent},
    version::Version,
};
use proptest::prelude::{Strategy, any};
use std::collections::BTreeMap;

const PEOPLE: [&str; 4] = ["ann", "bob", "cat", "dan"];
/// Versions that live at a time.
pub const SLOTS: u32 = 6;

/// One thing that happens; numbers choose among what is possible then.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    kind: u8,
    slot: u8,
    other: u8,
    author: u8,
    approvers: u8,
    when: u8,
    amount: u16,
}

impl Step {
    pub fn any() -> impl Strategy<Value = Step> {
        let people = (0..4u8, 0..16u8);
        (0..34u8, 0..6u8, 0..6u8, people, 0..8u8, any::<u16>()).prop_map(
            |(kind, slot, other, (author, approvers), when, amount)| Step {
                kind,
                slot,
                other,
                author,
                approvers,
                when,
                amount,
            },
        )
    }
}

pub struct World {
    pub now: Timestamp,
    pub versions: BTreeMap<u32, Version>,
    /// When the provider of each shuts it down, in the words of the test.
    pub shutdowns: BTreeMap<u32, Timestamp>,
    pub last_use: BTreeMap<u32, Timestamp>,
    pub ledger: Ledger,
    pub policy: Policy,
    slots: [u32; SLOTS as usize],
    next: u32,
    scene: Scene,
}

/// Short spans, so that many lives fit into a history.
fn policy() -> Policy {
    let mut policy = fixture::policy(crate::domain::model::RiskTier::Standard);
    let content = &mut policy.content;
    (content.notice_days, content.minimum_life_days, content.upstream_margin_days) = (6, 4, 3);
    content.reminder_days = vec![6, 3, 1];
    content.brownouts = vec![BrownoutRule { days_before: 2, minutes: 90 }];
    content.extensions = ExtensionRule { most: 2, total_days: 9 };
    content.retention_days = 2;
    policy
}

impl World {
    pub fn run(steps: &[Step], seen: &mut Seen) -> Result<(), Broken> {
        let mut world = World {
            now: day(0),
            versions: BTreeMap::new(),
            shutdowns: BTreeMap::new(),
            last_use: BTreeMap::new(),
            ledger: Ledger::default(),
            policy: policy(),
            slots: [0; SLOTS as usize],
            next: 1,
            scene: Scene { policy: policy(), ..Scene::standard() },
        };
        (0..SLOTS as usize).for_each(|slot| world.fill(slot));
        for step in steps {
            world.take(*step, seen)?;
            world.hold_to_the_rules(seen)?;
            seen.steps += 1;
        }
        Ok(())
    }

    fn fill(&mut self, slot: usize) {
        self.slots[slot] = self.next;
        let mut draft = fixture::version(self.next, VersionState::Draft);
        draft.content.upstream = Some(fixture::shutdown(0).upstream.key);
        self.versions.insert(self.next, draft);
        self.next += 1;
    }

    fn take(&mut self, step: Step, seen: &mut Seen) -> Result<(), Broken> {
        let number = self.slots[usize::from(step.slot)];
        match step.kind {
            0..=2 => {
                let spans = [1, MINUTE, HOUR, 6 * HOUR, DAY, DAY, 2 * DAY, 5 * DAY];
                self.now = self.now.plus_micros(spans[usize::from(step.when)]);
            }
            3..=4 => self.run_the_clock(number, seen)?,
            5 => {
                for number in self.slots {
                    self.run_the_clock(number, seen)?;
                }
            }
            6 => self.last_use.insert(number, self.now).map_or((), drop),
            7 => self.move_upstream(number, step)?,
            8 => {
                let mut version = self.versions[&number].clone();
                match version.open_incidents.pop() {
                    Some(_) => {}
                    None => version.open_incidents.push(fixture::incident()),
                }
                self.put(version);
            }
            _ => self.ask(number, step, seen)?,
        }
        Ok(())
    }

    /// Carries out all that is due for a version, as the scheduler does.
    fn run_the_clock(&mut self, number: u32, seen: &mut Seen) -> Result<(), Broken> {
        while let Ok((kind, next)) = self.versions[&number].clone().step(&self.policy, self.now) {
            self.change(kind, next, seen)?;
        }
        Ok(())
    }

    fn move_upstream(&mut self, number: u32, step: Step) -> Result<(), Broken> {
        let shutdown = (step.when > 1).then(|| self.now.plus_days(u32::from(step.amount % 60)));
        match shutdown {
            Some(time) => self.shutdowns.insert(number, time),
            None => self.shutdowns.remove(&number),
        };
        let (end, version) = (self.upstream_end(number), self.versions[&number].clone());
        if let Some(moved) = version.with_upstream_end(end, &self.policy.content, self.now) {
            self.ledger.plan(&moved, self.now, false);
            self.put(moved);
        }
        Ok(())
    }

    fn upstream_end(&self, number: u32) -> Option<UpstreamEnd> {
        let content =
            UpstreamContent { shutdown_time: self.shutdowns.get(&number).copied(), ..Default::default() };
        let name = fixture::shutdown(0).upstream;
        Upstream::observe(name, None, content, self.now)?.end(&self.policy.content)
    }

    fn ask(&mut self, number: u32, step: Step, seen: &mut Seen) -> Result<(), Broken> {
        let version = self.versions[&number].clone();
        let verb = self.verb(&version, step);
        self.set_the_scene(&version, &verb, step);
        match self.scene.apply(version.clone(), &verb) {
            Ok(next) => {
                seen.verbs.insert(verb.word());
                self.change(event_type(&verb), next, seen)
            }
            Err(refusals) => {
                *seen.cases.entry(Property::Refusal).or_default() += 1;
                seen.reasons.extend(refusals.iter().map(|refusal| refusal.reason.as_str()));
                let is_said =
                    |r: &crate::domain::refusal::Refusal| !r.subject.is_empty() && r.description.len() > 20;
                let is_fine = !refusals.is_empty() && refusals.iter().all(is_said);
                let silent =
                    || Broken(Property::Refusal, format!("{verb:?} was refused silently: {refusals:?}"));
                is_fine.then_some(()).ok_or_else(silent)
            }
        }
    }

    fn verb(&self, version: &Version, step: Step) -> Verb {
        let sunset = self.choose_time(version, step);
        let successor = match step.other {
            0..=1 => Successor::NoReplacementReason("nothing is like it".to_owned()),
            other => Successor::Replacement(name(self.slots[usize::from(other)])),
        };
        match step.kind {
            9 => Verb::Reject,
            10..=11 => Verb::Archive,
            12..=14 => Verb::Submit,
            15..=18 => Verb::Approve { gates_overridden: step.amount.is_multiple_of(4) },
            19..=21 => Verb::Deprecate { sunset_time: sunset, successor },
            22..=23 => Verb::ExtendSunset { sunset_time: sunset },
            24..=25 => Verb::ShortenSunset { sunset_time: sunset },
            26 => Verb::Reinstate,
            27 => Verb::Retire,
            28 => Verb::EmergencyRetire { successor },
            29..=30 => Verb::Restore { until_time: self.now.plus_micros(HOUR * i64::from(step.amount % 80)) },
            31 => Verb::Hold,
            _ => Verb::Release,
        }
    }

    /// A time at which something is just allowed, or just not.
    fn choose_time(&self, version: &Version, step: Step) -> Timestamp {
        let notice = self.now.plus_days(self.policy.content.notice_days);
        let present = version.effective_sunset().unwrap_or(notice);
        let days = u32::from(step.amount % 12);
        let nudge = i64::from(step.amount % 3) - 1;
        match step.when {
            0 => notice,
            1 => notice.plus_micros(nudge),
            2 => version.upstream_end.as_ref().map_or(notice, |end| end.latest_time.plus_micros(nudge)),
            3 => version.not_sooner_than.map_or(notice, |birth| birth.plus_micros(nudge)),
            4 => present.plus_days(days),
            5 => present.minus_days(days),
            6 => self.now.plus_days(days),
            _ => notice.plus_days(days),
        }
    }

    fn set_the_scene(&mut self, version: &Version, verb: &Verb, step: Step) {
        let named = match verb {
            Verb::Deprecate { successor: Successor::Replacement(name), .. }
            | Verb::EmergencyRetire { successor: Successor::Replacement(name) } => Some(name.clone()),
            Verb::Restore { .. } => version.deprecation.as_ref().and_then(|d| d.replacement().cloned()),
            _ => None,
        };
        let found = named.and_then(|name| self.versions.get(&name.number.get()));
        let replacement = Replacement {
            state: found.map(|other| other.state),
            is_held: found.is_some_and(|other| other.hold.is_some()),
            onward: Vec::new(),
        };
        let names_it = |other: &&Version| {
            let deprecation = other.deprecation.as_ref().filter(|_| other.state == VersionState::Deprecated);
            deprecation.is_some_and(|d| d.replacement() == Some(&version.name))
        };
        let predecessor = |other: &Version| {
            Some(Predecessor { version: other.name.clone(), sunset_time: other.effective_sunset()? })
        };
        let number = version.name.number.get();
        let user = |time: &Timestamp| User {
            consumer: "namespaces/default/models/m/consumers/c".parse().unwrap(),
            last_use_time: *time,
        };
        let predecessors = self.versions.values().filter(names_it).filter_map(predecessor).collect();
        let users = self.last_use.get(&number).map(user).into_iter().collect();
        let upstream_end = self.upstream_end(number);
        let agrees = |(at, _): &(usize, &&str)| step.approvers & (1 << at) != 0;
        let is_stale = step.amount.is_multiple_of(7);
        let scene = &mut self.scene;
        scene.model.content.owner = if step.amount.is_multiple_of(13) { "" } else { "omar" }.to_owned();
        scene.gates.retain(|_| false);
        scene.gates.extend((step.amount.is_multiple_of(11)).then(fixture::failed_gate));
        scene.allows_self_approval = step.amount.is_multiple_of(5);
        scene.newest_evidence = (!is_stale).then_some(self.now);
        scene.author = PEOPLE[usize::from(step.author)];
        scene.approvers = PEOPLE.iter().enumerate().filter(agrees).map(|(_, person)| *person).collect();
        scene.incident = (!step.amount.is_multiple_of(3)).then(fixture::incident);
        scene.now = self.now;
        (scene.replacement, scene.predecessors, scene.upstream_end, scene.users) =
            (replacement, predecessors, upstream_end, users);
    }

    /// Takes over what became of a version, and of those that it replaced.
    fn change(&mut self, kind: EventType, next: Version, seen: &mut Seen) -> Result<(), Broken> {
        let before = self.versions[&next.name.number.get()].clone();
        self.judge(kind, &before, &next, seen)?;
        seen.states.insert(next.state.word());
        if next.state == VersionState::Retired && kind == EventType::VersionRetired {
            let others: Vec<Version> = self.versions.values().cloned().collect();
            let told = others.into_iter().filter_map(|other| other.without_replacement(&next, self.now));
            told.collect::<Vec<_>>().into_iter().for_each(|other| self.put(other));
        }
        let is_put_away = next.state == VersionState::Archived;
        let number = next.name.number.get();
        self.put(next);
        if is_put_away && let Some(slot) = self.slots.iter().position(|held| *held == number) {
            self.versions.remove(&number);
            self.fill(slot);
        }
        Ok(())
    }

    /// As a restart does: the state is what its JSON says.
    fn put(&mut self, version: Version) {
        let json = serde_json::to_vec(&version).unwrap();
        let again: Version = serde_json::from_slice(&json).unwrap();
        assert_eq!(again, version);
        self.versions.insert(version.name.number.get(), again);
    }
}

fn event_type(verb: &Verb) -> EventType {
    match verb {
        Verb::Deprecate { .. } => EventType::VersionDeprecated,
        Verb::Retire | Verb::EmergencyRetire { .. } => EventType::VersionRetired,
        Verb::Restore { .. } => EventType::VersionRestored,
        Verb::ExtendSunset { .. } => EventType::VersionSunsetExtended,
        Verb::ShortenSunset { .. } => EventType::VersionSunsetShortened,
        _ => EventType::VersionUpdated,
    }
}
