//! What has to hold: after each step, at each answer, and at the end.

use super::{
    ask::{Ask, Verb, model, notes},
    engine::{Disk, Durable, Fault},
    namespace,
    world::OLD_ID,
};
use crate::{
    audit::merkle::{Frontier, leaf_hash},
    domain::{
        event::Change,
        model::Model,
        resource::{Resource, Typed},
        time::Timestamp,
    },
    registry::{
        call::Stored,
        error::Error,
        feed::Feed,
        leaf::{self, LoggedEvent},
        mutation::Committed,
        states::read_record,
    },
    store::{
        keys,
        record::{PersonEntry, RequestRecord},
    },
};
use std::collections::{BTreeMap, BTreeSet};

type Outcome = Result<Committed, Error>;

/// What everybody was told.
#[derive(Default)]
pub struct Told {
    /// Each caller; `None` who did not wait.
    pub outcomes: Vec<Option<Outcome>>,
    /// What the log held at times.
    pub past: Vec<(Timestamp, u64)>,
    /// How many request ids were forgotten.
    pub swept: Option<Result<usize, Error>>,
    /// The newest size that each follower has heard of.
    pub followed: Vec<u64>,
}

impl Told {
    /// The asks that a caller would repeat: with the same request id, that settles them.
    pub fn unsettled(&self, asks: &[Ask]) -> Vec<usize> {
        let outcomes = self.outcomes.iter().enumerate();
        let refused = outcomes
            .filter(|(_, outcome)| matches!(outcome, Some(Err(Error::Unknown(_) | Error::Unavailable(_)))));
        refused.map(|(index, _)| index).filter(|index| !asks[*index].request_id.is_empty()).collect()
    }
}

/// Nobody is told of anything that a power failure could take back.
pub fn rests_on_what_is_durable(outcome: &Outcome, durable: &Durable) {
    let rests_on = match outcome {
        Ok(committed) => committed.position(),
        Err(Error::Stale { present, .. }) => Some(position_of(present)),
        Err(Error::Exists { name, .. }) => {
            let key = keys::state(&name.parse::<<Model as Typed>::Name>().unwrap().into());
            assert!(durable.pairs.contains_key(&key), "{name} is said to exist before it is durable");
            None
        }
        Err(_) => None,
    };
    let size = durable.size();
    assert!(rests_on.is_none_or(|position| position < size), "{outcome:?} with {size} durable events");
}

fn position_of(etag: &str) -> u64 {
    etag.strip_prefix('p').unwrap().parse().unwrap()
}

/// A feed is never ahead of what is durable, and shows the same.
pub fn shows_what_is_durable(feed: &Feed, from: u64, durable: &Durable) {
    assert!(feed.size() <= durable.size(), "the feed is ahead: {} of {}", feed.size(), durable.size());
    for event in feed.read(from, usize::MAX).unwrap_or_default() {
        let leaf = durable.pairs.get(&keys::event(&namespace(), event.position));
        assert_eq!(leaf, Some(&event.leaf), "the feed shows what is not durable");
    }
}

/// A run that is over.
pub struct Run<'a> {
    pub asks: &'a [Ask],
    pub told: &'a Told,
    pub base: &'a Durable,
    pub disk: &'a Disk,
}

impl Run<'_> {
    /// Judges the run as a whole.
    pub fn judge(&self) {
        let events = self.events();
        self.replay(&events[usize::try_from(self.base.size()).unwrap()..]);
        for (ask, outcome) in self.asks.iter().zip(&self.told.outcomes) {
            self.explain(ask, outcome.as_ref(), &events);
        }
        // Only the own process keeps its word.
        for (time, size) in self.told.past.iter().filter(|_| self.asks.iter().all(|ask| ask.process == 0)) {
            assert_eq!(self.disk.durable.size_at(*time), *size, "the past of {time} has changed");
        }
        self.judge_sweep();
    }

    /// The log: dense, and what its head says.
    fn events(&self) -> Vec<LoggedEvent> {
        let durable = &self.disk.durable;
        let range = keys::events(&namespace(), 0..u64::MAX);
        let (mut tree, mut events) = (Frontier::empty(), Vec::new());
        let names = self.names();
        for (position, (key, leaf)) in (0..).zip(durable.pairs.range(range)) {
            assert_eq!(keys::position_of(key), Some(position), "a position is missing");
            tree.append(leaf_hash(leaf));
            let mut event = leaf::read_logged(position, leaf).unwrap();
            if let Some(name) = names.get(&event.actor) {
                event.actor.clone_from(name);
            }
            events.push(event);
        }
        let head = durable.head.as_ref().unwrap();
        assert_eq!((head.size, head.root), (tree.size(), tree.root()), "head and events disagree");
        events
    }

    /// Whose the pseudonyms are. Whoever came first, a person has one of them.
    fn names(&self) -> BTreeMap<String, String> {
        let entries = self.disk.durable.pairs.range(keys::persons(&namespace()));
        let names: BTreeMap<String, String> = entries
            .map(|(_, entry)| PersonEntry::decode(entry).unwrap())
            .map(|entry| (entry.pseudonym().to_string(), entry.text))
            .collect();
        let persons: BTreeSet<&String> = names.values().collect();
        assert_eq!(persons.len(), names.len(), "somebody has two pseudonyms: {names:?}");
        names
    }

    /// Decides every change once more over all that stands before it in the
    /// log: that has to give the same states.
    fn replay(&self, events: &[LoggedEvent]) {
        let mut present: BTreeMap<String, String> = ["a", "b"]
            .into_iter()
            .filter(|id| self.base.pairs.contains_key(&keys::state(&model(id).into())))
            .map(|id| (id.to_owned(), ".".to_owned()))
            .collect();
        let mut positions: BTreeMap<String, u64> = [("a".to_owned(), 0), ("b".to_owned(), 1)].into();
        for mutation in events.chunk_by(|_, event| event.mutation.index > 0) {
            let actor = &mutation[0].actor;
            let ask = self.asks.iter().find(|ask| ask.who == actor).unwrap();
            let decided: Vec<_> = mutation.iter().map(|event| changed(&event.changes[0].change)).collect();
            let creates = matches!(ask.verb, Verb::Create(id) if present.contains_key(id));
            assert!(!creates, "{actor} created what was there");
            assert_eq!(decided, ask.effect(&present), "{actor} was decided over another state");
            if let (Verb::Append(id), false) = (ask.verb, ask.etag.is_empty()) {
                assert_eq!(positions[id], position_of(ask.etag), "the etag of {actor} was stale");
            }
            for (event, (id, description)) in mutation.iter().zip(decided) {
                positions.insert(id.clone(), event.position);
                present.insert(id, description);
            }
        }
        for (id, description) in present {
            let record = &self.disk.durable.pairs[&keys::state(&model(&id).into())];
            let stored: Stored<Model> = read_record(record).unwrap();
            let found = (stored.value.content.description, stored.position);
            assert_eq!(
                found,
                (description, Some(positions[&id])),
                "the state of {id} is not that of the log"
            );
        }
    }

    /// One caller's answer, held against the log.
    fn explain(&self, ask: &Ask, outcome: Option<&Outcome>, events: &[LoggedEvent]) {
        let new = &events[usize::try_from(self.base.size()).unwrap()..];
        let is_own = |event: &&LoggedEvent| event.mutation.index == 0 && event.actor == ask.who;
        let is_same = |event: &&LoggedEvent| {
            let same = |other: &&Ask| other.who == event.actor && other.is_same(ask);
            event.mutation.index == 0 && self.asks.iter().any(|other| same(&other))
        };
        let (own, same) = (new.iter().filter(is_own).count(), new.iter().filter(is_same).count());
        assert!(same <= 1, "{} was carried out {same} times", ask.who);
        if ask.verb == Verb::Note {
            return self.is_noted(ask, outcome);
        }
        match outcome {
            Some(Ok(committed)) => {
                assert_eq!(same, 1, "{} was answered, but is not in the log", ask.who);
                let first = new.iter().position(|event| is_same(&event)).unwrap();
                let count = usize::try_from(new[first].mutation.count).unwrap();
                let logged: Vec<_> = new[first..first + count].iter().flat_map(logged).collect();
                assert_eq!(committed.changes, logged, "{} was told something else", ask.who);
                self.is_remembered(ask, new[first].position);
            }
            Some(Err(error)) => {
                let is_unknown = matches!(error, Error::Unknown(_));
                assert!(own == 0 || is_unknown, "{} is in the log, but was told {error}", ask.who);
                self.justify(ask, error, events);
            }
            None => assert!(ask.leaves, "{} was never answered", ask.who),
        }
    }

    /// What stands beside the log stands there once for everybody who was told so.
    fn is_noted(&self, ask: &Ask, outcome: Option<&Outcome>) {
        let noted = self.disk.durable.pairs.get(&notes()).map(|text| std::str::from_utf8(text).unwrap());
        let times = noted.unwrap_or_default().matches(ask.who).count();
        match outcome {
            Some(Ok(_)) => assert_eq!(times, 1, "{} was noted {times} times", ask.who),
            Some(Err(Error::Unknown(_))) | None => assert!(times <= 1),
            Some(Err(error)) => assert_eq!(times, 0, "{} was noted, but was told {error}", ask.who),
        }
    }

    fn is_remembered(&self, ask: &Ask, position: u64) {
        if !ask.request_id.is_empty() {
            let record = self.disk.durable.pairs.get(&keys::request(&namespace(), ask.request_id));
            let record = RequestRecord::decode(record.expect("a request id was forgotten")).unwrap();
            assert_eq!(record.position, position, "a repeat would be told something else");
        }
    }

    /// Whether a refusal is right.
    fn justify(&self, ask: &Ask, error: &Error, events: &[LoggedEvent]) {
        let happened = |fault| self.disk.happened.contains(&fault);
        match (error, ask.verb) {
            (Error::Exists { .. }, Verb::Create(id)) => {
                let created = events.iter().any(|event| changed(&event.changes[0].change).0 == id);
                assert!(created, "{} was told of {id}, which is not in the log", ask.who);
            }
            (Error::Stale { present, .. }, Verb::Append(id)) => {
                let other = &events[usize::try_from(position_of(present)).unwrap()];
                assert_ne!(*present, ask.etag);
                assert_eq!(changed(&other.changes[0].change).0, id, "{} was told of another state", ask.who);
            }
            (Error::Unknown(_), _) => assert!(happened(Fault::RequestLost), "{} was told {error}", ask.who),
            (Error::Unavailable(_), _) => {
                let refuses =
                    [Fault::RequestLost, Fault::Unavailable, Fault::TooLarge].into_iter().any(happened);
                assert!(refuses || self.disk.overtaken, "{} was refused without a cause: {error}", ask.who);
            }
            _ => panic!("{} was refused: {error:?}", ask.who),
        }
    }

    /// What is said to be swept is gone.
    fn judge_sweep(&self) {
        if let Some(Ok(swept)) = self.told.swept {
            let record = self.disk.durable.pairs.get(&keys::request(&namespace(), OLD_ID));
            let reused = self.asks.iter().any(|ask| ask.request_id == OLD_ID);
            assert!(reused || record.is_none() == (swept == 1), "{swept} request ids are said to be swept");
        }
    }
}

fn logged(event: &LoggedEvent) -> Vec<Stored<Change>> {
    let stored = |change: &Change| Stored { value: change.clone(), position: Some(event.position) };
    event.changes.iter().map(|logged| stored(&logged.change)).collect()
}

/// The model that changed, and its new description.
fn changed(change: &Change) -> (String, String) {
    match change {
        Change::Set(Resource::Model(model)) => {
            (model.name.model.as_str().to_owned(), model.content.description.clone())
        }
        other => panic!("nobody asked for {other:?}"),
    }
}
