//! Whether one order explains all answers. Writes stand where the log has them.
//! Each read is put at the first size of the log at which its answer was true and
//! which is not before any call that had ended when it began. That choice leaves
//! the most room to everything later, so if it fails, none succeeds.

use super::call::{Request, State, Told};
use crate::replay::Copied;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use std::collections::BTreeMap;
use steward_registry::{
    audit::merkle::{Frontier, leaf_hash},
    proto::{
        DESCRIPTOR_SET,
        v1::{self, AuditEvent},
    },
};

/// One call and its answer, with the moments between which it took place.
#[derive(Debug)]
pub struct Answered {
    pub begun: u64,
    pub ended: u64,
    pub request: Request,
    pub told: Told,
}

/// What the log says: every state that there ever was, and the root at each size.
pub struct Log {
    states: BTreeMap<String, Vec<(u64, Option<Bytes>)>>,
    roots: Vec<Vec<u8>>,
}

impl Log {
    pub fn read(events: &[AuditEvent], persons: &Copied) -> Self {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
        let mut tree = Frontier::empty();
        let mut log = Log { states: BTreeMap::new(), roots: vec![tree.root().to_vec()] };
        for event in events {
            tree.append(leaf_hash(&event.leaf));
            log.roots.push(tree.root().to_vec());
            let leaf = persons.named(&serde_json::from_slice(&event.leaf).unwrap());
            for change in leaf["data"]["changes"].as_array().unwrap() {
                let kind = change["kind"].as_str().unwrap();
                let descriptor = pool.get_message_by_name(&format!("steward.v1.{kind}")).unwrap();
                let state = change.get("after").map(|state| {
                    let state = DynamicMessage::deserialize(descriptor, state).unwrap().encode_to_vec();
                    answered(kind, &state, event.position)
                });
                let name = change["name"].as_str().unwrap().to_owned();
                log.states.entry(name).or_default().push((event.position, state));
            }
        }
        log
    }

    fn size(&self) -> u64 {
        self.roots.len() as u64 - 1
    }

    /// The state of a resource when the log had a size.
    fn state(&self, name: &str, size: u64) -> Option<&[u8]> {
        let states = self.states.get(name)?;
        let newest = states.partition_point(|(position, _)| *position < size).checked_sub(1)?;
        states[newest].1.as_deref()
    }

    fn etag(&self, alias: &str, size: u64) -> Option<String> {
        self.state(alias, size).map(|state| v1::Alias::decode(state).unwrap().etag)
    }

    fn stood(&self, (name, state): &State, size: u64) -> bool {
        let then = self.state(name, size);
        match (then, state.as_deref()) {
            // Of an alias that was followed only its target was told.
            (Some(then), Some(target))
                if name.contains("/aliases/") && target.starts_with(b"namespaces/") =>
            {
                v1::Alias::decode(then).unwrap().version.as_bytes() == target
            }
            (then, state) => then == state,
        }
    }

    /// Whether an answer was true when the log had a size.
    fn is_true(&self, told: &Told, size: u64) -> bool {
        match told {
            Told::Written(position, state) | Told::Exchanged(_, position, state) => {
                size == position + 1 && self.stood(state, size)
            }
            Told::Stood(states) => states.iter().all(|state| self.stood(state, size)),
            Told::All(collection, states) => {
                let below = self
                    .states
                    .range(collection.clone()..)
                    .take_while(|(name, _)| name.starts_with(collection));
                let present = below.filter(|(name, _)| self.state(name, size).is_some()).count();
                present == states.len() && states.iter().all(|state| self.stood(state, size))
            }
            Told::StoodThen(position, state) => size > *position && self.stood(state, position + 1),
            Told::NotAt(name, etag) => self.etag(name, size).is_some_and(|then| then != *etag),
            Told::Head(told, root) => *told == size && *root == self.roots[size as usize],
            Told::Nothing => true,
        }
    }
}

/// A state as it is answered: with where it stands.
fn answered(kind: &str, state: &[u8], position: u64) -> Bytes {
    macro_rules! placed {
        ($message:ty) => {
            placed!($message, |_: &mut $message| {})
        };
        ($message:ty, $derive:expr) => {{
            let mut message = <$message>::decode(state).unwrap();
            $derive(&mut message);
            message.etag = format!("p{position}");
            message.audit_position = position;
            message.encode_to_vec().into()
        }};
    }
    match kind {
        "Alias" => placed!(v1::Alias),
        "Version" => placed!(v1::Version, |version: &mut v1::Version| {
            // The log leaves out what follows from it: here nothing ends but by its sunset.
            let ends =
                version.deprecation.as_ref().filter(|_| version.state() == v1::VersionState::Deprecated);
            version.effective_sunset_time = ends.and_then(|deprecation| deprecation.sunset_time);
        }),
        "Model" => placed!(v1::Model),
        _ => Bytes::copy_from_slice(state),
    }
}

/// Puts every call at its place, or says which one has none.
pub fn explain(log: &Log, mut answers: Vec<Answered>) -> Result<(), String> {
    answers.sort_by_key(|answer| answer.begun);
    let mut placed: Vec<(u64, u64)> = Vec::new();
    for answer in answers {
        let before = placed.iter().filter(|(ended, _)| *ended < answer.begun);
        let earliest = before.map(|(_, size)| *size).max().unwrap_or(0);
        let place = place(log, &answer.told, earliest)
            .map_err(|why| format!("{:?} was told {:?}: {why}", answer.request, answer.told))?;
        placed.push((answer.ended, place));
    }
    Ok(())
}

/// The first size of the log, from the earliest on, at which an answer was true.
fn place(log: &Log, told: &Told, earliest: u64) -> Result<u64, String> {
    if let Told::Exchanged(etag, position, (name, _)) = told
        && log.etag(name, *position).as_ref() != Some(etag)
    {
        return Err("the state before it had another etag".to_owned());
    }
    if let Told::Written(position, state) | Told::Exchanged(_, position, state) = told {
        return match log.stood(state, position + 1) {
            false => Err("the log has something else there".to_owned()),
            true if *position < earliest => Err(format!("{earliest} events had been answered of before")),
            true => Ok(position + 1),
        };
    }
    (earliest..=log.size()).find(|size| log.is_true(told, *size)).ok_or_else(|| {
        match (0..earliest).rev().find(|size| log.is_true(told, *size)) {
            Some(size) => format!("true of {size} events, but {earliest} had been answered of before"),
            None => "true at no moment".to_owned(),
        }
    })
}
