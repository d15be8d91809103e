//! Any message as canonical proto3 JSON, both ways, driven by the embedded
//! descriptor.

use std::sync::OnceLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use super::error::Failure;
use crate::proto::DESCRIPTOR_SET;

/// The message as canonical proto3 JSON, indented, its fields in the order of
/// the contract.
pub fn to_json<M: Message + Name>(message: &M) -> Result<String, Failure> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>()?);
    dynamic.transcode_from(message).map_err(|error| broken::<M>(&error.to_string()))?;
    serde_json::to_string_pretty(&dynamic).map_err(|error| broken::<M>(&error.to_string()))
}

/// The message as a JSON value, to stand within a larger one.
pub fn to_value<M: Message + Name>(message: &M) -> Result<Value, Failure> {
    serde_json::from_str(&to_json(message)?).map_err(|error| broken::<M>(&error.to_string()))
}

/// Reads a message from proto3 JSON. Unknown fields are errors; the error says
/// where in the text.
pub fn from_json<M: Message + Name + Default>(text: &str) -> Result<M, Failure> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let dynamic = DynamicMessage::deserialize(descriptor::<M>()?, &mut reader)
        .and_then(|message| reader.end().map(|()| message))
        .map_err(|error| Failure::Input(format!("This is not a {} in JSON: {error}.", M::NAME)))?;
    dynamic.transcode_to().map_err(|error| broken::<M>(&error.to_string()))
}

/// The contract's description of a message.
pub fn descriptor<M: Name>() -> Result<MessageDescriptor, Failure> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTOR_SET).ok())
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(&M::full_name()))
        .ok_or_else(|| broken::<M>("the embedded contract does not know it"))
}

fn broken<M: Name>(why: &str) -> Failure {
    Failure::Contract(format!("{} has no JSON form: {why}.", M::full_name()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1;

    #[test]
    fn a_message_prints_as_canonical_json() {
        let model = v1::Model {
            name: "namespaces/default/models/m".into(),
            kind: v1::ModelKind::RentedApi as i32,
            create_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            audit_position: 7,
            ..Default::default()
        };
        let lines: Vec<String> =
            to_json(&model).unwrap().lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(
            lines,
            [
                "{",
                r#""name": "namespaces/default/models/m","#,
                r#""kind": "MODEL_KIND_RENTED_API","#,
                r#""createTime": "2026-01-01T00:00:00Z","#,
                r#""auditPosition": "7""#,
                "}"
            ]
        );
    }

    #[test]
    fn json_is_read_back_as_the_same_message() {
        let text = r#"{"windowStartTime":"2026-01-01T00:00:00Z","points":[{"metric":"age",
            "histogram":{"numeric":{"edges":[1,2.5]},"counts":["1",2,3]}}]}"#;
        let evaluation: v1::Evaluation = from_json(text).unwrap();
        let again: v1::Evaluation = from_json(&to_json(&evaluation).unwrap()).unwrap();
        assert_eq!(again, evaluation);
    }

    #[test]
    fn an_unknown_field_is_named() {
        let error = from_json::<v1::Evaluation>(r#"{"rows": []}"#).unwrap_err();
        assert!(error.text().contains("rows"), "{}", error.text());
        assert_eq!(error.exit(), super::super::error::Exit::BadInput);
    }
}
