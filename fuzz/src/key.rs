//! Keys: no two resources share one, none is the beginning of another, bytes sort as
//! what they stand for, and every key leads back.

use super::choice;
use arbitrary::{Result, Unstructured};
use std::ops::Range;
use steward_registry::{
    domain::{
        name::{EvaluationName, NamespaceId},
        resource::ResourceName,
        time::Timestamp,
    },
    store::keys,
};

/// The input as a key, and as the parts of keys.
pub fn check(data: &[u8]) {
    if let Some(id) = keys::namespace_of(data) {
        let name = steward_registry::domain::name::NamespaceName(id);
        assert_eq!(keys::state(&name.into()), data);
    }
    if data.iter().any(|byte| *byte < u8::MAX) {
        let end = keys::after_prefix(data);
        assert!(data < end.as_ref() && keys::after(data) <= end && !end.starts_with(data));
    }
    for property in [states, evaluations, times] {
        let _ = property(&mut Unstructured::new(data));
    }
}

fn states(u: &mut Unstructured<'_>) -> Result<()> {
    let (one, other) = (choice::resource(u)?, choice::resource(u)?);
    let (first, second) = (keys::state(&one), keys::state(&other));
    assert_eq!(one == other, first == second, "{one} and {other}");
    assert!(one == other || !first.starts_with(&second), "{other} begins {one}");
    let position: u64 = u.arbitrary()?;
    let history = keys::history(&one, position);
    assert_eq!(keys::position_of(&history), Some(position));
    assert!(one == other || !keys::history_before(&other, u64::MAX).contains(&history));
    let before = u.arbitrary()?;
    assert_eq!(keys::history_before(&one, before).contains(&history), position < before);
    match one {
        ResourceName::Alias(name) => {
            assert!(keys::aliases(&name.model).contains(&first));
            assert_eq!(keys::alias_of(&name.model, &first), Some(name));
        }
        ResourceName::Version(name) => assert!(keys::versions(&name.model).contains(&first)),
        ResourceName::Model(name) => model(u, &name)?,
        _ => {}
    }
    Ok(())
}

fn model(u: &mut Unstructured<'_>, name: &steward_registry::domain::name::ModelName) -> Result<()> {
    let time = choice::time(u)?;
    let state = keys::state(&name.clone().into());
    for (all, entry) in [
        (keys::models_by_creation(&name.namespace), keys::model_by_creation(name, time)),
        (keys::models_by_update(&name.namespace), keys::model_by_update(name, time)),
    ] {
        assert!(all.contains(&entry));
        assert_eq!(keys::model_of_index(&name.namespace, &all.start, &entry).as_ref(), Some(&state));
    }
    Ok(())
}

fn evaluations(u: &mut Unstructured<'_>) -> Result<()> {
    let name: EvaluationName = choice::evaluation(u)?;
    let (end, from, until) = (choice::time(u)?, choice::time(u)?, choice::time(u)?);
    let entry = keys::evaluation_by_window(&name, end);
    let state = keys::state(&name.clone().into());
    assert_eq!(keys::evaluation_of_index(&name.version, &entry), Some(state));
    let within = keys::evaluations_by_window(&name.version, Some(from), Some(until));
    assert_eq!(within.contains(&entry), (from..until).contains(&end));
    assert!(within.start <= within.end);
    assert!(keys::evaluations_by_window(&name.version, None, None).contains(&entry));
    Ok(())
}

fn times(u: &mut Unstructured<'_>) -> Result<()> {
    let namespace: NamespaceId = choice::namespace(u)?;
    let (time, other): (Timestamp, Timestamp) = (choice::time(u)?, choice::time(u)?);
    let key = keys::time(&namespace, time);
    assert_eq!(key.cmp(&keys::time(&namespace, other)), time.cmp(&other));
    assert_eq!(keys::times_before(&namespace, other).contains(&key), time < other);
    assert_eq!(keys::times_from(&namespace, other).contains(&key), time >= other);
    let (position, positions): (u64, Range<u64>) = (u.arbitrary()?, u.arbitrary()?..u.arbitrary()?);
    let event = keys::event(&namespace, position);
    assert_eq!(keys::position_of(&event), Some(position));
    assert_eq!(keys::events(&namespace, positions.clone()).contains(&event), positions.contains(&position));
    let id = choice::text(u, 8)?;
    assert!(keys::requests(&namespace).contains(&keys::request(&namespace, &id)));
    Ok(())
}
