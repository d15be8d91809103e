//! A change of the registry: decided by the domain over what it reads, and
//! answered from what was committed.

use super::{
    call::{Call, Stored},
    error::Error,
    leaf::{self, LoggedChange},
    person::mask,
    view::View,
};
use crate::{
    domain::{
        canonical,
        event::{Change, Event},
        resource::Typed,
        time::Timestamp,
    },
    store::{engine::Write, keys, record::RequestRecord},
};
use async_trait::async_trait;
use serde::Serialize;

/// A repeat is recognised for 24 hours.
const REPEAT_WINDOW_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A change, before it is decided. It may be decided more than once, so it
/// reads only through the view and draws nothing by itself.
#[async_trait]
pub trait Mutation: Send + Sync {
    /// The events that carry the change out, or why it is refused.
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error>;

    /// What it writes beside the log: state that is nobody's history, such as how far
    /// a reader has got. Asked after `decide`, over the same view; a change may have
    /// nothing but these. Whatever reads such a key does so by [`View::aside`].
    async fn asides(&self, _view: &mut View<'_>, _call: &Call, _now: Timestamp) -> Result<Vec<Write>, Error> {
        Ok(Vec::new())
    }

    /// Identity of the log that the change begins, if it begins one.
    fn log_id(&self) -> Option<[u8; 16]> {
        None
    }

    /// The field of the request that an event came from, for errors about its size.
    fn field(&self, event: u32) -> String;

    /// The field that holds them all.
    fn collection(&self) -> &str {
        ""
    }
}

/// What a mutation did.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The new states, in order.
    pub changes: Vec<Stored<Change>>,
}

impl Committed {
    /// What a mutation would do, for a caller who only asks.
    pub fn preview(events: Vec<Event>) -> Self {
        let changes = events.into_iter().flat_map(|event| event.changes);
        Committed { changes: changes.map(|value| Stored { value, position: None }).collect() }
    }

    /// The new states of one type.
    pub fn resources<T: Typed>(self) -> Vec<Stored<T>> {
        let typed = |stored: Stored<Change>| match stored.value {
            Change::Set(resource) => {
                T::from_resource(resource).map(|value| Stored { value, position: stored.position })
            }
            Change::Removed(_) => None,
        };
        self.changes.into_iter().filter_map(typed).collect()
    }

    /// The new state of the one resource that changed.
    pub fn resource<T: Typed>(self) -> Result<Stored<T>, Error> {
        let first = self.resources().into_iter().next();
        first.ok_or_else(|| Error::Internal("a change left no state of its resource".to_owned()))
    }

    /// Position of the newest event.
    pub fn position(&self) -> Option<u64> {
        self.changes.last().and_then(|stored| stored.position)
    }
}

/// Digest of a request: its method and everything that decides what it does. It is
/// of clear content, so it is kept and logged only as a keyed digest of itself.
pub fn digest<M: Serialize>(method: &str, mutation: &M, call: &Call) -> Result<String, Error> {
    let bytes = canonical::to_vec(&(method, mutation, &call.reason, &call.etag))
        .map_err(|error| Error::Internal(format!("a request cannot be digested: {error}")))?;
    Ok(canonical::digest(&bytes))
}

/// Whether a request id may be forgotten.
pub fn is_expired(record: &RequestRecord, now: Timestamp) -> bool {
    record.time.plus_micros(REPEAT_WINDOW_MICROS) < now
}

/// The first answer again, if the call repeats an earlier one.
pub async fn repeat_of(
    view: &mut View<'_>,
    call: &Call,
    digest: &str,
    now: Timestamp,
) -> Result<Option<Committed>, Error> {
    let Some(id) = &call.request_id else { return Ok(None) };
    let Some(bytes) = view.raw(&keys::request(view.namespace(), id)).await? else { return Ok(None) };
    let record = RequestRecord::decode(&bytes)?;
    if is_expired(&record, now) {
        return Ok(None);
    }
    // Logs from before there were pseudonyms hold the digest as it is.
    let secret = view.secret().await?;
    let is_kept = |secret| mask::request_digest(secret, digest) == record.digest;
    if record.digest != digest && !secret.as_ref().is_some_and(is_kept) {
        return Err(Error::RequestIdReused(id.clone()));
    }
    let mut changes = Vec::new();
    for position in record.position..record.position + u64::from(record.count) {
        let leaf = view.raw(&keys::event(view.namespace(), position)).await?;
        let leaf =
            leaf.ok_or_else(|| Error::Damaged(format!("the event at position {position} is missing")))?;
        let logged = leaf::read_logged(position, &leaf)?;
        let stored = |logged: LoggedChange| Stored { value: logged.change, position: Some(position) };
        changes.extend(logged.changes.into_iter().map(stored));
    }
    view.reveal(&mut changes).await?;
    Ok(Some(Committed { changes }))
}
