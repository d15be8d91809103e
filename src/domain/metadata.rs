//! Labels and typed custom properties, which models and versions share.

use super::{
    check::Violations,
    filter::{FieldPath, FieldValue},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Short keys and values to filter by.
pub type Labels = BTreeMap<String, String>;

/// Typed custom properties.
pub type Properties = BTreeMap<String, PropertyValue>;

/// A typed custom property. In JSON it looks as its proto message does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyValue {
    /// Text of at most 4,000 characters.
    StringValue(String),
    /// A finite number.
    DoubleValue(f64),
    /// A whole number.
    #[serde(with = "super::canonical::int64_text")]
    IntValue(i64),
    /// True or false.
    BoolValue(bool),
    /// A point in time.
    TimeValue(Timestamp),
}

/// At most 64; keys are 1-63 lower-case codes, values at most 250 characters.
pub fn check_labels(labels: &Labels, violations: &mut Violations) {
    violations.at_most("labels", labels.len(), 64);
    for (key, value) in labels {
        violations.code("labels", key, 63, "-_./", true);
        violations.within("labels", |v| v.text(&format!("[{key:?}]"), value, 0, 250));
    }
}

/// At most 64; keys are 1-128 codes, numbers are finite.
pub fn check_properties(properties: &Properties, violations: &mut Violations) {
    violations.at_most("properties", properties.len(), 64);
    for (key, value) in properties {
        violations.code("properties", key, 128, "-_./", false);
        violations.within("properties", |v| {
            let field = format!("[{key:?}]");
            match value {
                PropertyValue::StringValue(text) => v.text(&field, text, 0, 4_000),
                PropertyValue::DoubleValue(number) if !number.is_finite() => {
                    v.add(&field, format!("{number} is not allowed; use a finite number"));
                }
                _ => {}
            }
        });
    }
}

/// A text as a filter sees it: an empty one is not set.
pub fn text(text: &str) -> FieldValue<'_> {
    if text.is_empty() { FieldValue::Missing } else { FieldValue::Text(text) }
}

/// The label that a filter names.
pub fn label<'a>(labels: &'a Labels, path: &FieldPath) -> FieldValue<'a> {
    let value = path.key().and_then(|key| labels.get(key));
    value.map_or(FieldValue::Missing, |value| FieldValue::Text(value))
}
