//! Leaves of the audit log. What is written is canonical and reads back whole; of
//! bytes from outside, both readers say the same.

use super::choice;
use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use serde_json::value::RawValue;
use steward_registry::{
    domain::{
        canonical,
        event::Change,
        model::{Model, ModelContent, ModelKind},
        resource::Resource,
    },
    registry::{
        call::{Call, Caller},
        leaf::{Before, EncodedChange, Envelope, Mutation, encode, read_event, read_logged},
    },
};

/// The input as a leaf, and as the parts of one.
pub fn check(data: &[u8]) {
    // The position stands in the leaf, so that any of a few may be meant.
    for position in [0, 1, u64::MAX] {
        read(position, data);
    }
    let _ = written(&mut Unstructured::new(data));
}

fn read(position: u64, data: &[u8]) {
    let outline = read_event(position, Bytes::copy_from_slice(data));
    let Ok(logged) = read_logged(position, data) else { return };
    let event = outline.expect("a leaf that can be read can be streamed");
    assert_eq!(
        (event.position, &event.actor, event.time, event.mutation),
        (position, &logged.actor, logged.time, logged.mutation)
    );
    assert_eq!(event.leaf, data);
    for logged in logged.changes {
        assert_eq!(logged.json.is_some(), matches!(logged.change, Change::Set(_)));
        if let (Change::Set(resource), Some(json)) = (logged.change, logged.json) {
            assert_eq!(Resource::from_json(resource.name().kind(), &json).unwrap(), resource);
        }
    }
}

fn written(u: &mut Unstructured<'_>) -> Result<()> {
    let caller = Caller {
        actor: choice::text(u, 20)?,
        auth_type: "unauthenticated",
        traceparent: if u.arbitrary()? { Some(choice::text(u, 20)?) } else { None },
        waits_for_checkpoint: false,
    };
    let call = Call {
        caller,
        request_id: if u.arbitrary()? { Some(choice::text(u, 20)?) } else { None },
        reason: choice::text(u, 20)?,
        etag: String::new(),
        validate_only: false,
    };
    let digest = choice::text(u, 20)?;
    let envelope = Envelope {
        log_id: &u.arbitrary()?,
        position: u.arbitrary()?,
        time: choice::time(u)?,
        kind: "steward.v1.ModelCreated",
        call: &call,
        digest: &digest,
        mutation: Mutation { count: u.arbitrary()?, index: u.arbitrary()? },
    };
    let model = model(u)?;
    let json = String::from_utf8(canonical::to_vec(&model).unwrap()).unwrap();
    let before = Before { digest: choice::text(u, 8)?, position: u64::from(u.arbitrary::<u32>()?) };
    let set = EncodedChange {
        name: model.name.clone().into(),
        after: Some(RawValue::from_string(json.clone()).unwrap()),
        before: u.arbitrary::<bool>()?.then_some(before),
    };
    let removed = EncodedChange { name: choice::resource(u)?, after: None, before: None };
    let removed_name = removed.name.clone();
    let event = encode(&envelope, &[set, removed]).unwrap();
    let leaf = event.leaf.clone();
    let value: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(canonical::to_vec(&value).unwrap(), leaf, "{}", String::from_utf8_lossy(&leaf));

    let logged = read_logged(envelope.position, &leaf).unwrap();
    assert_eq!(logged.source, steward_registry::registry::leaf::source(envelope.log_id));
    assert_eq!((&logged.actor, &logged.reason), (&call.caller.actor, &call.reason));
    assert_eq!((logged.time, logged.mutation), (envelope.time, envelope.mutation));
    let request = logged.request.map(|request| (request.id.into_owned(), request.digest.into_owned()));
    assert_eq!(request, call.request_id.clone().map(|id| (id, digest.clone())));
    assert_eq!(logged.changes.len(), 2);
    assert_eq!(logged.changes[0].json.as_deref(), Some(json.as_bytes()));
    assert_eq!(logged.changes[0].change, Change::Set(model.clone().into()));
    assert_eq!(logged.changes[1].change, Change::Removed(removed_name));
    assert_eq!(read_event(envelope.position, leaf.clone()).unwrap(), event);
    assert_eq!((event.subject, event.kind.as_str()), (model.name.to_string(), envelope.kind));
    assert!(read_event(envelope.position ^ 1, leaf).is_err(), "a leaf at another position is damage");
    Ok(())
}

fn model(u: &mut Unstructured<'_>) -> Result<Model> {
    let number = u.arbitrary::<f64>()?;
    let mut content = ModelContent {
        display_name: choice::text(u, 20)?,
        kind: Some(ModelKind::Own),
        labels: [(choice::text(u, 4)?, choice::text(u, 4)?)].into(),
        ..ModelContent::default()
    };
    if number.is_finite() {
        let value = steward_registry::domain::metadata::PropertyValue::DoubleValue(number);
        content.properties.insert(choice::text(u, 4)?, value);
    }
    let name = choice::model(u)?;
    Ok(Model::create(name, content, choice::time(u)?))
}
