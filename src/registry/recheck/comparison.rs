//! What is on record beside what the rules lead to.

use crate::{
    domain::{
        canonical,
        event::{Change, Event},
    },
    registry::{error::Error, leaf::LoggedEvent},
};

/// What is on record is what the rules lead to.
pub fn compare(recorded: &LoggedEvent, derived: &Event) -> Result<(), Error> {
    if recorded.kind != derived.kind.as_str() {
        return Err(Error::Damaged(format!(
            "{} is on record, where the rules lead to {}",
            recorded.kind,
            derived.kind.as_str()
        )));
    }
    let states = recorded.changes.iter().map(|logged| &logged.change);
    for (recorded, derived) in states.zip(&derived.changes) {
        if let Some(field) = difference(recorded, derived)? {
            return Err(Error::Damaged(format!(
                "the recorded state of {} does not follow from what was recorded before: `{field}` differs",
                derived.name()
            )));
        }
    }
    match recorded.changes.len() == derived.changes.len() {
        true => Ok(()),
        false => Err(Error::Damaged(format!("{} changed more or less than it leads to", recorded.kind))),
    }
}

/// The first field in which two states differ, as a path.
fn difference(recorded: &Change, derived: &Change) -> Result<Option<String>, Error> {
    if recorded == derived {
        return Ok(None);
    }
    let (Change::Set(recorded), Change::Set(derived)) = (recorded, derived) else {
        return Ok(Some("name".to_owned()));
    };
    let (one, two) = (canonical::to_vec(recorded)?, canonical::to_vec(derived)?);
    if one == two {
        return Ok(None);
    }
    let (one, two) = (serde_json::from_slice(&one)?, serde_json::from_slice(&two)?);
    Ok(Some(differing(&one, &two, "")))
}

fn differing(one: &serde_json::Value, two: &serde_json::Value, path: &str) -> String {
    use serde_json::Value::{Array, Object};
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (one, two) {
        (Object(one), Object(two)) => {
            let names = one.keys().chain(two.keys());
            let first = names.into_iter().find(|name| one.get(*name) != two.get(*name));
            first.map_or_else(
                || path.to_owned(),
                |name| match (one.get(name), two.get(name)) {
                    (Some(one), Some(two)) => differing(one, two, &below(name)),
                    _ => below(name),
                },
            )
        }
        (Array(one), Array(two)) if one.len() == two.len() => {
            let first = one.iter().zip(two).position(|(one, two)| one != two);
            first
                .map_or_else(|| path.to_owned(), |at| differing(&one[at], &two[at], &format!("{path}[{at}]")))
        }
        _ => path.to_owned(),
    }
}
