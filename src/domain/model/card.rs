//! A model's card: what people have to know about it, in words that need no
//! knowledge of machine learning.

use crate::domain::{
    check::{Check, Violations},
    model::Contact,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What people have to know about a model. Each part may be empty until the
/// policy asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCard {
    /// What it is for, in one sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// Whom its answers affect.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub affected_people: String,
    /// What it must not be used for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prohibited_uses: String,
    /// Whom to reach when the owner is away.
    #[serde(default, skip_serializing_if = "Contact::is_empty")]
    pub backup_contact: Contact,
    /// The contract with the provider of a rented model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub contract_uri: String,
    /// Whether the provider may train on what is sent; none means not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_trains_on_data: Option<bool>,
    /// The legal basis on which it sees personal data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub personal_data_basis: String,
    /// Who watches it, and how somebody can step in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub human_oversight: String,
    /// Whether people are told that they deal with an AI; none means not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai_disclosure: Option<bool>,
    /// Why its risk tier is the right one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub risk_tier_reason: String,
    /// What it does badly.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub known_limits: String,
    /// What to go back to when it fails.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rollback_plan: String,
    /// What is done, and by whom, when it harms.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub incident_plan: String,
    /// When it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_time: Option<Timestamp>,
    /// What it may cost a month, in millionths of the currency; 0 means not said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub monthly_budget_micros: i64,
    /// ISO 4217.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub budget_currency: String,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl ModelCard {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == ModelCard::default()
    }
}

impl Check for ModelCard {
    fn check(&self, violations: &mut Violations) {
        violations.text("purpose", &self.purpose, 0, 500);
        for (field, text) in [
            ("affected_people", &self.affected_people),
            ("prohibited_uses", &self.prohibited_uses),
            ("personal_data_basis", &self.personal_data_basis),
            ("human_oversight", &self.human_oversight),
            ("risk_tier_reason", &self.risk_tier_reason),
            ("known_limits", &self.known_limits),
            ("rollback_plan", &self.rollback_plan),
            ("incident_plan", &self.incident_plan),
        ] {
            violations.text(field, text, 0, 1_000);
        }
        if !self.backup_contact.is_empty() {
            violations.within("backup_contact", |v| self.backup_contact.check(v));
        }
        if !self.contract_uri.is_empty() {
            violations.uri("contract_uri", &self.contract_uri);
        }
        violations.count("monthly_budget_micros", self.monthly_budget_micros);
        let is_code = self.budget_currency.len() == 3
            && self.budget_currency.bytes().all(|byte| byte.is_ascii_uppercase());
        if (self.monthly_budget_micros > 0 || !self.budget_currency.is_empty()) && !is_code {
            violations
                .add("budget_currency", "has to be an ISO 4217 code such as EUR, because there is a budget");
        }
    }
}
