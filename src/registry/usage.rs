//! Which consumer uses which version, gathered in memory while versions are
//! resolved, and written now and then: no resolve waits for a write. A process that
//! is killed loses at most what it saw in its last minute; one that ends in order
//! loses nothing.

use super::{Registry, call::Call, error::Error, mutation::Mutation, view::View};
use crate::domain::{
    consumer::Consumer,
    event::{Event, EventType},
    name::{ConsumerName, NamespaceId, VersionNumber},
    time::{HOUR, MINUTE, Timestamp},
};
use async_trait::async_trait;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most uses that are remembered; of more, later ones are not recorded until the
/// next hour.
const MOST_REMEMBERED: usize = 100_000;
/// A use waits for so long at most before it is written.
const WAIT: i64 = MINUTE;
/// Later uses are news after this.
const NEWS: i64 = HOUR;

/// What was seen lately.
#[derive(Default)]
pub struct Usage(Mutex<HashMap<(ConsumerName, VersionNumber), Seen>>);

struct Seen {
    /// The last use.
    last: Timestamp,
    /// The last use that was handed over to be written.
    written: Option<Timestamp>,
}

/// A use to be written.
struct Pending {
    consumer: ConsumerName,
    version: VersionNumber,
    time: Timestamp,
}

impl Usage {
    /// Notes that a consumer was given a version.
    pub fn note(&self, consumer: ConsumerName, version: VersionNumber, now: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = seen.len() >= MOST_REMEMBERED;
        match seen.get_mut(&(consumer.clone(), version)) {
            Some(seen) => seen.last = seen.last.max(now),
            None if is_full => {}
            None => {
                seen.insert((consumer, version), Seen { last: now, written: None });
            }
        }
    }

    /// Whether a consumer was given a version lately.
    pub fn has_seen(&self, consumer: &ConsumerName, version: VersionNumber) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.contains_key(&(consumer.clone(), version))
    }

    /// What is worth writing; it counts as written from now on. What is older than
    /// an hour is forgotten, because it was written.
    fn take(&self, now: Timestamp) -> Vec<Pending> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pending = Vec::new();
        for ((consumer, version), seen) in all.iter_mut() {
            if seen.written.is_none_or(|written| seen.last.micros_since(written) >= NEWS) {
                seen.written = Some(seen.last);
                pending.push(Pending { consumer: consumer.clone(), version: *version, time: seen.last });
            }
        }
        all.retain(|_, seen| now.micros_since(seen.last) < NEWS);
        pending
    }

    /// Has uses written again that were not, after all.
    fn give_back(&self, pending: &[Pending]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for Pending { consumer, version, time } in pending {
            let seen = all.entry((consumer.clone(), *version));
            seen.or_insert(Seen { last: *time, written: None }).written = None;
        }
    }
}

/// That a consumer used a version.
#[derive(Serialize)]
struct RecordUse {
    consumer: ConsumerName,
    version: VersionNumber,
    time: Timestamp,
}

#[async_trait]
impl Mutation for RecordUse {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        // It may have been removed meanwhile, or another process has written the use.
        let Some(consumer) = view.find::<Consumer>(&self.consumer).await? else { return Ok(Vec::new()) };
        if !consumer.value.is_news(self.version, self.time) {
            return Ok(Vec::new());
        }
        let consumer = consumer.value.used(self.version, self.time, now);
        Ok(vec![Event::set(EventType::ConsumerUsedVersion, consumer)])
    }

    fn field(&self, _: u32) -> String {
        "consumer".to_owned()
    }
}

impl Registry {
    /// Whether uses have waited long enough to be written.
    pub(super) fn uses_are_due(last: Option<Timestamp>, now: Timestamp) -> bool {
        last.is_none_or(|last| now.micros_since(last) >= WAIT || now < last)
    }

    /// Writes what consumers were seen to use.
    pub async fn record_uses(&self) -> Result<(), Error> {
        let mut pending = self.0.usage.take(self.0.environment.clock.now());
        while let Some(Pending { consumer, version, time }) = pending.pop() {
            let namespace: NamespaceId = consumer.model.namespace.clone();
            let record = RecordUse { consumer: consumer.clone(), version, time };
            let call = Call::by_system("resolved");
            if let Err(error) = self.mutate(&namespace, "RecordUse", record, call).await {
                pending.push(Pending { consumer, version, time });
                self.0.usage.give_back(&pending);
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    fn consumer() -> ConsumerName {
        "namespaces/default/models/m/consumers/web".parse().unwrap()
    }

    fn times(pending: Vec<Pending>) -> Vec<Timestamp> {
        pending.into_iter().map(|pending| pending.time).collect()
    }

    #[test]
    fn a_use_is_written_once_an_hour_and_the_last_one_counts() {
        let (usage, version) = (Usage::default(), VersionNumber::new(1).unwrap());
        for second in 0..10 {
            usage.note(consumer(), version, at(second));
        }
        assert_eq!(times(usage.take(at(10))), [at(9)]);
        usage.note(consumer(), version, at(HOUR / 2));
        assert_eq!(times(usage.take(at(HOUR / 2))), []);
        usage.note(consumer(), version, at(HOUR + 9));
        assert_eq!(times(usage.take(at(HOUR + 9))), [at(HOUR + 9)]);
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let (usage, version) = (Usage::default(), VersionNumber::new(1).unwrap());
        usage.note(consumer(), version, at(1));
        let pending = usage.take(at(1));
        usage.give_back(&pending);
        assert_eq!(times(usage.take(at(2))), [at(1)]);
    }

    #[test]
    fn what_was_seen_is_known_until_it_is_old_and_written() {
        let (usage, version) = (Usage::default(), VersionNumber::new(1).unwrap());
        usage.note(consumer(), version, at(1));
        assert!(usage.has_seen(&consumer(), version));
        usage.take(at(2 * HOUR));
        assert!(!usage.has_seen(&consumer(), version));
    }
}
