//! Canonical JSON: our writer and the library for RFC 8785 write the same bytes for any
//! value, and what is written is a form that does not change any more.

use serde_json::Value;
use steward_registry::domain::canonical;

/// The input as JSON.
pub fn check(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let written = canonical::to_vec(&value).expect("JSON has finite numbers and text keys only");
    assert_eq!(written, serde_json_canonicalizer::to_vec(&value).unwrap(), "{value}");
    let again: Value = serde_json::from_slice(&written).expect("what was written is JSON");
    assert_eq!(canonical::to_vec(&again).unwrap(), written, "one form");
}
