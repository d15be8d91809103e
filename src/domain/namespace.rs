//! Namespaces: tenants, each with its own audit log.

use super::{
    check::{Check, Violations},
    mask::masked,
    model::RiskTier,
    name::{NamespaceName, PolicyName},
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
    /// Whether somebody who is alone may agree with themselves. It goes on record
    /// each time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_self_approval: bool,
    /// The policy of trials; none means `policies/preview`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_policy: Option<PolicyName>,
    /// The policy of ordinary use; none means `policies/standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_policy: Option<PolicyName>,
    /// The policy where people may be harmed; none means `policies/critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_policy: Option<PolicyName>,
}

masked!(NamespaceContent {
    display_name,
    description,
    allow_self_approval,
    preview_policy,
    standard_policy,
    critical_policy,
});

impl NamespaceContent {
    /// The policies that it names, with their fields.
    pub fn policies(&self) -> impl Iterator<Item = (&'static str, &PolicyName)> {
        let fields = [
            ("preview_policy", &self.preview_policy),
            ("standard_policy", &self.standard_policy),
            ("critical_policy", &self.critical_policy),
        ];
        fields.into_iter().filter_map(|(field, policy)| Some((field, policy.as_ref()?)))
    }

    /// The policy of a risk tier, if another one than its namesake.
    pub fn policy_of(&self, tier: RiskTier) -> Option<&PolicyName> {
        match tier {
            RiskTier::Preview => self.preview_policy.as_ref(),
            RiskTier::Standard => self.standard_policy.as_ref(),
            RiskTier::Critical => self.critical_policy.as_ref(),
        }
    }
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
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Namespace {
    /// The namespace with other content.
    pub fn update(self, content: NamespaceContent, now: Timestamp) -> Self {
        Namespace { content, update_time: now, ..self }
    }
}
