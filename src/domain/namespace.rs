//! Namespaces: tenants, each with its own audit log.

use super::{
    check::{Check, Violations},
    name::NamespaceName,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a caller says about a namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamespaceContent {
    /// A name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl Check for NamespaceContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("display_name", &self.display_name, 0, 200);
        violations.text("description", &self.description, 0, 4_000);
    }
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// What its creator said.
    #[serde(flatten)]
    pub content: NamespaceContent,
    /// Identity of its log, 32 hexadecimal digits.
    pub log_id: String,
    /// When it was created.
    pub create_time: Timestamp,
}
