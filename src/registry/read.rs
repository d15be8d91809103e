//! Reading states, now and in the past. The past is one index lookup: the
//! newest change of the resource before a position, and the event that made it.

use super::{Registry, call::Stored, error::Error, leaf, log::Log};
use crate::{
    domain::{
        event::Change,
        name::NamespaceId,
        person::Personal,
        resource::{ResourceName, Typed},
        time::Timestamp,
    },
    store::{engine::Pairs, keys, record::decode_number},
};
use bytes::Bytes;
use std::ops::Range;

/// When to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadAt {
    /// Now.
    #[default]
    Present,
    /// After all events up to a time.
    Time(Timestamp),
    /// After the event at a position.
    Position(u64),
}

/// A moment of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Events up to then; `None` means the present.
    pub size: Option<u64>,
    /// What the clock showed.
    pub time: Timestamp,
}

impl Registry {
    /// Reads one resource.
    pub async fn get<T: Typed>(&self, name: &T::Name, at: ReadAt) -> Result<Stored<T>, Error> {
        let resource: ResourceName = name.clone().into();
        let moment = self.moment(resource.namespace(), at).await?;
        self.get_at(name, moment).await?.ok_or_else(|| Error::not_found(resource))
    }

    /// Reads one resource at a moment, if it existed then.
    pub(super) async fn get_at<T: Typed>(
        &self,
        name: &T::Name,
        moment: Moment,
    ) -> Result<Option<Stored<T>>, Error> {
        let resource: ResourceName = name.clone().into();
        let Some(size) = moment.size else {
            let key = keys::state(&resource);
            let record = self.value(resource.namespace(), key.clone()).await?;
            let state = record.map(|record| self.0.store.states.read(&key, &record)).transpose()?;
            return self.named(resource.namespace(), state).await;
        };
        let Some((position, leaf)) = self.newest_change(&resource, size).await? else { return Ok(None) };
        let state = leaf::read_logged(position, &leaf)?.state_of(&resource);
        let state = state.and_then(|stored| match stored.value {
            Change::Set(state) => {
                T::from_resource(state).map(|value| Stored { value, position: stored.position })
            }
            Change::Removed(_) => None,
        });
        self.named(resource.namespace(), state).await
    }

    /// The value with names in place of the pseudonyms that are known.
    pub(super) async fn named<P: Personal + Send>(
        &self,
        namespace: &NamespaceId,
        mut value: P,
    ) -> Result<P, Error> {
        self.0.store.reveal(namespace, &mut value).await?;
        Ok(value)
    }

    async fn newest_change(&self, name: &ResourceName, size: u64) -> Result<Option<(u64, Bytes)>, Error> {
        let namespace = name.namespace();
        let range = keys::history_before(name, size);
        let newest = self.scan(namespace, range, 1, true).await?.pop();
        let Some(position) = newest.and_then(|(key, _)| keys::position_of(&key)) else { return Ok(None) };
        let leaf = self.value(namespace, keys::event(namespace, position)).await?;
        let leaf =
            leaf.ok_or_else(|| Error::Damaged(format!("the event at position {position} is missing")))?;
        Ok(Some((position, leaf)))
    }

    /// Finds the moment that a caller wants to read at.
    pub async fn moment(&self, namespace: &NamespaceId, at: ReadAt) -> Result<Moment, Error> {
        match at {
            ReadAt::Present => Ok(Moment { size: None, time: self.0.environment.clock.now() }),
            ReadAt::Position(position) => {
                let size = self.log(namespace).await?.size().await?;
                if position >= size {
                    return Err(Error::BeyondHead { position, size });
                }
                let leaf = self.value(namespace, keys::event(namespace, position)).await?;
                let leaf = leaf
                    .ok_or_else(|| Error::Damaged(format!("the event at position {position} is missing")))?;
                Ok(Moment { size: Some(position + 1), time: leaf::read_event(position, leaf)?.time })
            }
            ReadAt::Time(time) => {
                let log = self.log(namespace).await?;
                self.require_past(&log, "read_time", time).await?;
                let size = self.size_before(namespace, time.plus_micros(1)).await?;
                Ok(Moment { size: Some(size), time })
            }
        }
    }

    /// Later commits must not change what was read of a time, so the time has to
    /// lie before the next commit's.
    pub(super) async fn require_past(&self, log: &Log, field: &str, time: Timestamp) -> Result<(), Error> {
        let newest = log.head().await?.map_or(i64::MIN, |head| head.time);
        if time.micros() <= newest {
            return Ok(());
        }
        let now = self.0.environment.clock.now();
        if time >= now {
            return Err(Error::field(field, format!("{time} is not in the past; now is {now}")));
        }
        log.settle(time).await;
        Ok(())
    }

    /// Number of events before a time.
    pub(super) async fn size_before(&self, namespace: &NamespaceId, time: Timestamp) -> Result<u64, Error> {
        let newest = self.scan(namespace, keys::times_before(namespace, time), 1, true).await?.pop();
        Ok(newest.map(|(_, size)| decode_number(&size)).transpose()?.unwrap_or(0))
    }

    /// The value of one key.
    pub(super) async fn value(&self, namespace: &NamespaceId, key: Bytes) -> Result<Option<Bytes>, Error> {
        let snapshot = self.engine().get(namespace.as_str(), &[key], 0).await?;
        Ok(snapshot.value.into_iter().next().flatten())
    }

    /// At most `limit` pairs of a range.
    pub(super) async fn scan(
        &self,
        namespace: &NamespaceId,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
    ) -> Result<Pairs, Error> {
        Ok(self.engine().scan(namespace.as_str(), range, limit, reverse, 0).await?.value)
    }
}
