//! The audit leaf: one CloudEvents 1.0 JSON object in canonical form (RFC 8785).
//! It is encoded once, at its commit, and these bytes are what is hashed,
//! stored, streamed and exported.
//!
//! The structs below list their fields in the order of their names, and the
//! states inside are canonical already; so writing them out gives the canonical
//! form without a second pass. A test compares it with a canonicaliser.

use super::{
    call::{Call, Stored},
    error::Error,
};
use crate::domain::{
    event::Change,
    name::NamespaceId,
    person::Personal,
    resource::{Kind, Resource, ResourceName},
    time::Timestamp,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Most bytes of a leaf: its length has to fit the two bytes of an entry bundle.
pub const MAX_LEAF: usize = 65_535;

#[derive(Serialize, Deserialize)]
struct Leaf<'a> {
    #[serde(borrow)]
    authid: Cow<'a, str>,
    #[serde(borrow)]
    authtype: Cow<'a, str>,
    #[serde(borrow)]
    data: Data<'a>,
    #[serde(borrow)]
    datacontenttype: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    time: Timestamp,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    changes: Vec<LeafChange<'a>>,
    mutation: Mutation,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
}

/// Which of a mutation's events this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutation {
    /// How many events the mutation has.
    pub count: u32,
    /// Which of them this is, from 0.
    pub index: u32,
}

/// The request behind a mutation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// Digest of its content.
    #[serde(borrow)]
    pub digest: Cow<'a, str>,
    /// Its id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct LeafChange<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    after: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
    kind: Kind,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// The state that a change replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Digest of its canonical JSON.
    pub digest: String,
    /// Position of the event that made it.
    pub position: u64,
}

/// A change on its way into a leaf.
pub struct EncodedChange {
    /// What changed.
    pub name: ResourceName,
    /// Canonical JSON of the new state; `None` when it was removed.
    pub after: Option<Box<RawValue>>,
    /// What it replaced.
    pub before: Option<Before>,
}

/// What a leaf says besides its changes.
pub struct Envelope<'a> {
    /// Identity of the log.
    pub log_id: &'a [u8; 16],
    /// Its position.
    pub position: u64,
    /// Commit time.
    pub time: Timestamp,
    /// CloudEvents type.
    pub kind: &'a str,
    /// Who and why.
    pub call: &'a Call,
    /// Digest of the request, where it has an id.
    pub digest: &'a str,
    /// Which of the mutation's events.
    pub mutation: Mutation,
}

/// CloudEvents `source` of a log.
pub fn source(log_id: &[u8; 16]) -> String {
    format!("steward:logs/{}", hex::encode(log_id))
}

/// The 20-digit form of a position, which sorts as text.
pub fn sequence(position: u64) -> String {
    format!("{position:020}")
}

/// An event with the bytes of its leaf.
pub fn encode(envelope: &Envelope<'_>, changes: &[EncodedChange]) -> Result<AuditEvent, serde_json::Error> {
    let call = envelope.call;
    let sequence = sequence(envelope.position);
    let subject = changes.first().map(|change| change.name.to_string()).unwrap_or_default();
    let changes = changes
        .iter()
        .map(|change| LeafChange {
            after: change.after.as_deref(),
            before: change.before.clone(),
            kind: change.name.kind(),
            name: change.name.to_string().into(),
        })
        .collect();
    let request =
        call.request_id.as_deref().map(|id| Request { digest: envelope.digest.into(), id: id.into() });
    let leaf = Leaf {
        authid: call.caller.actor.as_str().into(),
        authtype: call.caller.auth_type.into(),
        data: Data { changes, mutation: envelope.mutation, reason: call.reason.as_str().into(), request },
        datacontenttype: "application/json".into(),
        id: sequence.as_str().into(),
        sequence: sequence.as_str().into(),
        source: source(envelope.log_id).into(),
        specversion: "1.0".into(),
        subject: subject.as_str().into(),
        time: envelope.time,
        traceparent: call.caller.traceparent.as_deref().map(Into::into),
        kind: envelope.kind.into(),
    };
    let leaf = Bytes::from(serde_json::to_vec(&leaf)?);
    Ok(AuditEvent {
        position: envelope.position,
        leaf,
        kind: envelope.kind.to_owned(),
        subject,
        actor: call.caller.actor.clone(),
        time: envelope.time,
        mutation: envelope.mutation,
    })
}

/// An event of the log, as it is streamed: the exact bytes, and what filters look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its position.
    pub position: u64,
    /// The exact bytes.
    pub leaf: Bytes,
    /// CloudEvents type.
    pub kind: String,
    /// Name of the changed resource.
    pub subject: String,
    /// Who acted, as a pseudonym.
    pub actor: String,
    /// Commit time.
    pub time: Timestamp,
    /// Which of its mutation's events it is.
    pub mutation: Mutation,
}

/// An event is shown as it is logged, with pseudonyms; [`super::Registry::actors`] says whose.
impl Personal for AuditEvent {
    fn visit(&mut self, _: &mut dyn FnMut(&mut String)) {}
}

impl AuditEvent {
    /// Bytes that a message needs for it, within a few.
    pub fn weight(&self) -> usize {
        self.leaf.len() + self.kind.len() + self.subject.len() + 32
    }
}

/// A change read back from a leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedChange {
    /// The change.
    pub change: Change,
    /// Canonical JSON of the new state.
    pub json: Option<Bytes>,
}

/// Everything that a leaf says.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Identity of its log, as in `source`.
    pub source: String,
    /// Its position.
    pub position: u64,
    /// Commit time.
    pub time: Timestamp,
    /// CloudEvents type.
    pub kind: String,
    /// Who acted.
    pub actor: String,
    /// How that is known.
    pub auth_type: String,
    /// Why.
    pub reason: String,
    /// Which of its mutation's events it is.
    pub mutation: Mutation,
    /// The request behind it.
    pub request: Option<Request<'static>>,
    /// What changed.
    pub changes: Vec<LoggedChange>,
    /// What each change replaced.
    pub befores: Vec<Option<Before>>,
}

impl LoggedEvent {
    /// The state that this event gave a resource, if it did.
    pub fn state_of(self, name: &ResourceName) -> Option<Stored<Change>> {
        let position = Some(self.position);
        let change =
            self.changes.into_iter().map(|logged| logged.change).find(|change| change.name() == *name)?;
        Some(Stored { value: change, position })
    }
}

/// What a stream needs of a leaf. A replay reads nothing else, so the changes
/// are passed over.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    authid: Cow<'a, str>,
    data: OutlineData,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    time: Timestamp,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct OutlineData {
    mutation: Mutation,
}

/// Reads what a stream needs of a leaf; the changes stay unread.
pub fn read_event(position: u64, leaf: Bytes) -> Result<AuditEvent, Error> {
    let parsed: Outline<'_> = serde_json::from_slice(&leaf).map_err(|error| unreadable(position, &error))?;
    check_sequence(position, &parsed.sequence)?;
    let (kind, subject, actor) =
        (parsed.kind.into_owned(), parsed.subject.into_owned(), parsed.authid.into_owned());
    let (time, mutation) = (parsed.time, parsed.data.mutation);
    Ok(AuditEvent { position, kind, subject, actor, time, mutation, leaf })
}

/// Reads everything that a leaf says.
pub fn read_logged(position: u64, leaf: &[u8]) -> Result<LoggedEvent, Error> {
    let parsed: Leaf<'_> = parse(position, leaf)?;
    let first = parsed.data.changes.first().map_or("nothing", |change| &change.name);
    if parsed.subject != first {
        let sentence = format!("the event says that it is about {}, but changes {first}", parsed.subject);
        return Err(Error::Damaged(sentence));
    }
    let changes = parsed.data.changes.iter().map(read_change).collect::<Result<_, _>>()?;
    let request = parsed.data.request.map(|request| Request {
        digest: request.digest.into_owned().into(),
        id: request.id.into_owned().into(),
    });
    Ok(LoggedEvent {
        source: parsed.source.into_owned(),
        position,
        time: parsed.time,
        kind: parsed.kind.into_owned(),
        actor: parsed.authid.into_owned(),
        auth_type: parsed.authtype.into_owned(),
        reason: parsed.data.reason.into_owned(),
        mutation: parsed.data.mutation,
        request,
        changes,
        befores: parsed.data.changes.into_iter().map(|change| change.before).collect(),
    })
}

fn read_change(change: &LeafChange<'_>) -> Result<LoggedChange, Error> {
    match change.after {
        Some(json) => {
            let resource = Resource::from_json(change.kind, json.get().as_bytes())?;
            if resource.name().to_string() != change.name {
                let sentence =
                    format!("the event changes {}, but gives the state of {}", change.name, resource.name());
                return Err(Error::Damaged(sentence));
            }
            let json = Bytes::copy_from_slice(json.get().as_bytes());
            Ok(LoggedChange { change: Change::Set(resource), json: Some(json) })
        }
        None => {
            let name = ResourceName::parse(change.kind, &change.name)
                .map_err(|error| Error::Damaged(format!("an event names no resource: {error}")))?;
            Ok(LoggedChange { change: Change::Removed(name), json: None })
        }
    }
}

fn parse(position: u64, leaf: &[u8]) -> Result<Leaf<'_>, Error> {
    let parsed: Leaf<'_> = serde_json::from_slice(leaf).map_err(|error| unreadable(position, &error))?;
    check_sequence(position, &parsed.sequence)?;
    Ok(parsed)
}

fn unreadable(position: u64, error: &serde_json::Error) -> Error {
    Error::Damaged(format!("the event at position {position} cannot be read: {error}"))
}

fn check_sequence(position: u64, found: &str) -> Result<(), Error> {
    let is_canonical = found.len() == 20 && found.bytes().all(|byte| byte.is_ascii_digit());
    if is_canonical && found.parse() == Ok(position) {
        return Ok(());
    }
    Err(Error::Damaged(format!("the event at position {position} says that it stands at {found}")))
}

/// The namespace of a log, as its first event tells.
pub fn namespace_of(event: &LoggedEvent) -> Option<NamespaceId> {
    event.changes.first().map(|logged| logged.change.name().namespace().clone())
}

#[cfg(test)]
mod tests;
