//! The leaf against a canonicaliser, and against yesterday's bytes.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    domain::{
        canonical,
        metadata::PropertyValue,
        model::{Model, ModelContent, ModelKind},
    },
    registry::call::Caller,
};

fn model() -> Model {
    let mut content = ModelContent {
        display_name: "Dönor \"chat\" \u{2028} 🦀\n".into(),
        kind: Some(ModelKind::RentedApi),
        ..Default::default()
    };
    for (key, number) in [("b", 1e21), ("a", 0.1), ("c", -0.0), ("d", 1e-7), ("A", 4.0)] {
        content.properties.insert(key.into(), PropertyValue::DoubleValue(number));
    }
    content.properties.insert("int".into(), PropertyValue::IntValue(i64::MAX));
    Model::create("namespaces/default/models/m".parse().unwrap(), content, Timestamp::from_micros(5).unwrap())
}

fn written() -> AuditEvent {
    let call = Call {
        caller: Caller {
            actor: "ann".into(),
            auth_type: "unauthenticated",
            traceparent: None,
            waits_for_checkpoint: false,
        },
        request_id: Some("r1".into()),
        reason: "tab\there".into(),
        etag: String::new(),
        validate_only: false,
    };
    let envelope = Envelope {
        log_id: &[7; 16],
        position: 3,
        time: Timestamp::from_micros(5).unwrap(),
        kind: "steward.v1.ModelCreated",
        call: &call,
        digest: "sha256:00",
        mutation: Mutation { count: 1, index: 0 },
    };
    let json = String::from_utf8(canonical::to_vec(&model()).unwrap()).unwrap();
    let change = EncodedChange {
        name: model().name.into(),
        after: Some(RawValue::from_string(json).unwrap()),
        before: Some(Before { digest: "sha256:11".into(), position: 2 }),
    };
    encode(&envelope, &[change]).unwrap()
}

fn leaf() -> Bytes {
    written().leaf
}

#[test]
fn a_leaf_is_canonical_json_as_it_is_written() {
    let leaf = leaf();
    let value: serde_json::Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(canonical::to_vec(&value).unwrap(), leaf.as_ref(), "{}", String::from_utf8_lossy(&leaf));
}

#[test]
fn a_leaf_has_the_bytes_it_always_had() {
    let expected = r#"{"authid":"ann","authtype":"unauthenticated","data":{"changes":[{"after":{"create_time":"1970-01-01T00:00:00.000005Z","display_name":"Dönor \"chat\" 🦀\n","kind":"MODEL_KIND_RENTED_API","name":"namespaces/default/models/m","processes_personal_data":false,"properties":{"A":{"double_value":4},"a":{"double_value":0.1},"b":{"double_value":1e+21},"c":{"double_value":0},"d":{"double_value":1e-7},"int":{"int_value":"9223372036854775807"}},"risk_tier":"RISK_TIER_STANDARD","update_time":"1970-01-01T00:00:00.000005Z"},"before":{"digest":"sha256:11","position":2},"kind":"Model","name":"namespaces/default/models/m"}],"mutation":{"count":1,"index":0},"reason":"tab\there","request":{"digest":"sha256:00","id":"r1"}},"datacontenttype":"application/json","id":"00000000000000000003","sequence":"00000000000000000003","source":"steward:logs/07070707070707070707070707070707","specversion":"1.0","subject":"namespaces/default/models/m","time":"1970-01-01T00:00:00.000005Z","type":"steward.v1.ModelCreated"}"#;
    assert_eq!(
        String::from_utf8(leaf().to_vec()).unwrap(),
        expected.replace("\"chat\\\" 🦀", "\"chat\\\" \u{2028} 🦀")
    );
}

#[test]
fn a_leaf_is_read_back_whole() {
    let leaf = leaf();
    let logged = read_logged(3, &leaf).unwrap();
    assert_eq!(logged.changes[0].change, Change::Set(model().into()));
    assert_eq!((logged.actor.as_str(), logged.reason.as_str()), ("ann", "tab\there"));
    assert_eq!(logged.request.unwrap().id, "r1");
    let event = read_event(3, leaf.clone()).unwrap();
    assert_eq!(event, written());
    assert_eq!(
        (event.kind.as_str(), event.subject.as_str()),
        ("steward.v1.ModelCreated", "namespaces/default/models/m")
    );
    assert!(read_event(4, leaf).is_err(), "a leaf at another position is damage");
}
