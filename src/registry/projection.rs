//! What an event writes: its leaf, the new states, and every index over them.
//! The committer and the rebuild both write through here, and nothing else
//! does, so the state is the replay of the log by construction.

use super::{error::Error, leaf::LoggedChange};
use crate::{
    domain::{
        event::Change,
        name::NamespaceId,
        person::{Pseudonym, SALT},
        resource::{Resource, ResourceName},
        series::{Point, slice_digest},
        time::Timestamp,
    },
    store::{
        engine::Write,
        keys,
        record::{PersonEntry, RequestRecord, StateRecord, encode_number, encode_point},
    },
};
use bytes::Bytes;

/// The event itself.
pub fn event(namespace: &NamespaceId, position: u64, leaf: Bytes) -> Write {
    Write::Insert(keys::event(namespace, position), leaf)
}

/// That the log had a size after the commit of a time.
pub fn time(namespace: &NamespaceId, time: Timestamp, size: u64) -> Write {
    Write::Put(keys::time(namespace, time), encode_number(size))
}

/// What a request id was used for; `is_new` if the store knows nothing of it,
/// not even an expired use.
pub fn request(
    namespace: &NamespaceId,
    id: &str,
    record: &RequestRecord,
    is_new: bool,
) -> Result<Write, Error> {
    let (key, record) = (keys::request(namespace, id), record.encode()?);
    Ok(if is_new { Write::Insert(key, record) } else { Write::Put(key, record) })
}

/// Whose pseudonym it is, and what leads there from the text.
pub fn person(namespace: &NamespaceId, entry: &PersonEntry, by_text: Bytes) -> [Write; 2] {
    let pseudonym = entry.pseudonym();
    let key = keys::person(namespace, &pseudonym);
    [Write::Put(key, entry.encode()), Write::Put(by_text, Bytes::copy_from_slice(pseudonym.bytes()))]
}

/// What digests of a namespace are keyed with.
pub fn secret(namespace: &NamespaceId, secret: &[u8; SALT]) -> Write {
    Write::Put(keys::secret(namespace), Bytes::copy_from_slice(secret))
}

/// Takes a person out of the directory.
pub fn forget(namespace: &NamespaceId, pseudonym: &Pseudonym, by_text: Bytes) -> Vec<Write> {
    vec![Write::Delete(keys::person(namespace, pseudonym)), Write::Delete(by_text)]
}

/// A change of one resource: its history, its state, its indexes. `before` is
/// the state that it replaces.
pub fn change(
    logged: &LoggedChange,
    before: Option<&Resource>,
    position: u64,
    writes: &mut Vec<Write>,
) -> Result<(), Error> {
    writes.push(history(&logged.change.name(), position));
    state(logged, before, position, writes, index)
}

/// The same as far as decisions rest on it, for whoever makes them again and answers no
/// queries: the points of series, which are most of the bytes, are left out, and so is the history
/// ([`history`]).
pub fn basis(
    logged: &LoggedChange,
    before: Option<&Resource>,
    position: u64,
    writes: &mut Vec<Write>,
) -> Result<(), Error> {
    state(logged, before, position, writes, index_of_states)
}

/// That a resource changed at a position.
pub fn history(name: &ResourceName, position: u64) -> Write {
    Write::Insert(keys::history(name, position), Bytes::new())
}

/// The entries of a resource in some indexes.
type Index = fn(&Resource, &mut dyn FnMut(Bytes, Bytes)) -> Result<(), Error>;

fn state(
    logged: &LoggedChange,
    before: Option<&Resource>,
    position: u64,
    writes: &mut Vec<Write>,
    index: Index,
) -> Result<(), Error> {
    let name = logged.change.name();
    let key = keys::state(&name);
    if let Some(before) = before {
        index(before, &mut |key, _| writes.push(Write::Delete(key)))?;
    }
    match (&logged.change, &logged.json) {
        (Change::Set(resource), Some(json)) => {
            let record = StateRecord::encode(position, json);
            writes.push(if before.is_some() { Write::Put(key, record) } else { Write::Insert(key, record) });
            // A new resource has new entries: its name is in them, or they are unique.
            let entry = |key, value| match before {
                Some(_) => Write::Put(key, value),
                None => Write::Insert(key, value),
            };
            index(resource, &mut |key, value| writes.push(entry(key, value)))?;
            if let (None, ResourceName::Version(name)) = (before, &name) {
                let counter = encode_number(u64::from(name.number.get()));
                writes.push(Write::Put(keys::version_counter(&name.model), counter));
            }
            if let Resource::Policy(policy) = resource {
                // Earlier rules stay found, because decisions name them.
                let at = encode_number(position);
                writes.push(Write::Put(keys::policy_by_digest(&policy.name, &policy.digest), at));
            }
        }
        _ => writes.push(Write::Delete(key)),
    }
    Ok(())
}

/// All index entries of a resource.
fn index(resource: &Resource, entry: &mut dyn FnMut(Bytes, Bytes)) -> Result<(), Error> {
    index_of_states(resource, entry)?;
    if let Resource::Evaluation(evaluation) = resource {
        let (version, end) = (&evaluation.name.version, evaluation.content.window_end_time);
        for point in Point::all(evaluation) {
            let slice = slice_digest(&point.line.slice)?;
            let source = (point.evaluation.as_str(), point.line.method.as_str());
            let key = keys::series_point(version, &point.line.metric, &slice, end, source);
            entry(key, encode_point(&point)?);
        }
    }
    Ok(())
}

/// Those that lead to states.
fn index_of_states(resource: &Resource, entry: &mut dyn FnMut(Bytes, Bytes)) -> Result<(), Error> {
    if let Some(due) = resource.next_due() {
        entry(keys::due(&resource.name(), due), Bytes::new());
    }
    match resource {
        Resource::Model(model) => {
            entry(keys::model_by_creation(&model.name, model.create_time), Bytes::new());
            entry(keys::model_by_update(&model.name, model.update_time), Bytes::new());
        }
        Resource::Version(version) => {
            if let Some(label) = version.content.label() {
                let number = encode_number(u64::from(version.name.number.get()));
                entry(keys::version_by_label(&version.name.model, &label), number);
            }
            if let Some(upstream) = version.upstream().filter(|_| version.state.is_alive()) {
                entry(keys::version_by_upstream(&upstream, &version.name), version.name.to_string().into());
            }
            if let Some(replacement) = version.sends_to() {
                entry(
                    keys::version_by_replacement(replacement, &version.name),
                    version.name.to_string().into(),
                );
            }
        }
        Resource::Evaluation(evaluation) => {
            let end = evaluation.content.window_end_time;
            entry(keys::evaluation_by_window(&evaluation.name, end), Bytes::new());
        }
        Resource::Namespace(_)
        | Resource::Alias(_)
        | Resource::Policy(_)
        | Resource::Proposal(_)
        | Resource::Incident(_)
        | Resource::Consumer(_)
        | Resource::Monitor(_)
        | Resource::Upstream(_)
        | Resource::Person(_)
        | Resource::Retraining(_)
        | Resource::Subscription(_) => {}
    }
    Ok(())
}
