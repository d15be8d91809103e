//! An event by itself: what can be read and checked of it without those before it, and so on
//! another processor.

use super::Finding;
use crate::{
    audit::merkle::{Hash, leaf_hash},
    domain::{event::Change, lifecycle::VersionState, resource::Resource},
    registry::{error::Error, leaf::LoggedEvent, rebuild},
};
use bytes::Bytes;

/// An event that was read, with the hash of its leaf.
pub struct ReadEvent {
    pub(super) event: LoggedEvent,
    pub(super) leaf: Bytes,
    pub(super) hash: Hash,
}

impl ReadEvent {
    /// Reads the leaf of a position.
    ///
    /// # Errors
    /// What is wrong with it by itself.
    pub fn of(position: u64, leaf: Bytes) -> Result<Self, Finding> {
        let read = rebuild::read(position, &leaf).and_then(|event| check_digests(&event).map(|()| event));
        let event = read.map_err(|error| Finding { position, sentence: error.to_string() })?;
        Ok(ReadEvent { event, hash: leaf_hash(&leaf), leaf })
    }
}

/// Digests that stand in a state are those of what they stand for.
fn check_digests(event: &LoggedEvent) -> Result<(), Error> {
    for logged in &event.changes {
        let (name, said, found) = match &logged.change {
            Change::Set(Resource::Policy(policy)) => {
                (policy.name.to_string(), &policy.digest, policy.content.digest()?)
            }
            Change::Set(Resource::Version(version)) if version.state != VersionState::Draft => {
                (version.name.to_string(), &version.content_digest, version.content.digest()?)
            }
            _ => continue,
        };
        if *said != found {
            return Err(Error::Damaged(format!("{name} says that its digest is {said}, but it is {found}")));
        }
    }
    Ok(())
}
