//! Models: what a caller may say about one, and what may happen to it.

pub mod card;

use self::card::ModelCard;
use super::{
    check::{Check, Violations},
    filter::{FieldPath, FieldType, FieldValue, Filterable, Schema},
    mask::masked,
    metadata::{Labels, Properties, check_labels, check_properties, label, text},
    name::{AliasName, ModelName, PolicyName},
    refusal::{Reason, Refusal},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelKind {
    /// Trained by the organisation.
    #[serde(rename = "MODEL_KIND_OWN")]
    Own,
    /// Called behind somebody else's API.
    #[serde(rename = "MODEL_KIND_RENTED_API")]
    RentedApi,
    /// Part of a product.
    #[serde(rename = "MODEL_KIND_EMBEDDED")]
    Embedded,
}

impl ModelKind {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            ModelKind::Own => "OWN",
            ModelKind::RentedApi => "RENTED_API",
            ModelKind::Embedded => "EMBEDDED",
        }
    }
}

/// How much harm a failure could do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RiskTier {
    /// A trial.
    #[serde(rename = "RISK_TIER_PREVIEW")]
    Preview,
    /// Ordinary use.
    #[default]
    #[serde(rename = "RISK_TIER_STANDARD")]
    Standard,
    /// People are harmed when it fails.
    #[serde(rename = "RISK_TIER_CRITICAL")]
    Critical,
}

impl RiskTier {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            RiskTier::Preview => "PREVIEW",
            RiskTier::Standard => "STANDARD",
            RiskTier::Critical => "CRITICAL",
        }
    }

    /// The policy that it has unless its namespace says otherwise.
    pub fn policy_id(self) -> &'static str {
        match self {
            RiskTier::Preview => "preview",
            RiskTier::Standard => "standard",
            RiskTier::Critical => "critical",
        }
    }
}

/// Somebody to reach about a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// A name or a role.
    pub display_name: String,
    /// An e-mail address, a telephone number or a URL.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
}

impl Contact {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.display_name.is_empty() && self.address.is_empty()
    }
}

impl Check for Contact {
    fn check(&self, violations: &mut Violations) {
        violations.text("display_name", &self.display_name, 1, 200);
        violations.text("address", &self.address, 0, 320);
    }
}

/// What a caller says about a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelContent {
    /// A name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Whom to reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// Where it comes from; required.
    pub kind: Option<ModelKind>,
    /// How much harm a failure could do; none given means standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_tier: Option<RiskTier>,
    /// Categories of data that it sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_categories: Vec<String>,
    /// Whether it sees personal data.
    #[serde(default)]
    pub processes_personal_data: bool,
    /// What people have to know about it.
    #[serde(default, skip_serializing_if = "ModelCard::is_empty")]
    pub card: ModelCard,
    /// The policy that binds it; none means that of its risk tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// Short keys and values to filter by.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Typed custom properties.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

masked!(ModelContent {
    display_name,
    description,
    owner,
    contacts,
    kind,
    risk_tier,
    data_categories,
    processes_personal_data,
    card,
    policy,
    labels,
    properties,
});

impl Check for ModelContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("display_name", &self.display_name, 0, 200);
        violations.text("description", &self.description, 0, 4_000);
        violations.text("owner", &self.owner, 0, 200);
        violations.at_most("contacts", self.contacts.len(), 20);
        for (index, contact) in self.contacts.iter().enumerate() {
            violations.within(&format!("contacts[{index}]"), |v| contact.check(v));
        }
        if self.kind.is_none() {
            violations.add("kind", "is required: use OWN, RENTED_API or EMBEDDED");
        }
        violations.at_most("data_categories", self.data_categories.len(), 50);
        for (index, category) in self.data_categories.iter().enumerate() {
            violations.code(&format!("data_categories[{index}]"), category, 63, "-_.", true);
        }
        violations.within("card", |v| self.card.check(v));
        check_labels(&self.labels, violations);
        check_properties(&self.properties, violations);
    }
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: ModelName,
    /// What its owners say.
    #[serde(flatten)]
    pub content: ModelContent,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_time: Option<Timestamp>,
    /// The review date that has come; a new date on the card takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_due_time: Option<Timestamp>,
}

impl Model {
    /// A new model.
    pub fn create(name: ModelName, content: ModelContent, now: Timestamp) -> Self {
        Model {
            name,
            content: content.with_defaults(),
            create_time: now,
            update_time: now,
            delete_time: None,
            review_due_time: None,
        }
    }

    /// When time next does something to it, if ever: its review date comes.
    pub fn next_due(&self) -> Option<Timestamp> {
        let date = self.content.card.review_time.filter(|_| self.delete_time.is_none());
        date.filter(|date| self.review_due_time != Some(*date))
    }

    /// The model whose review date has come by `now`, if it has.
    pub fn review_due(self, now: Timestamp) -> Option<Self> {
        let date = self.next_due().filter(|date| *date <= now)?;
        Some(Model { review_due_time: Some(date), update_time: now, ..self })
    }

    /// The model with other content.
    pub fn update(self, content: ModelContent, now: Timestamp) -> Result<Self, Vec<Refusal>> {
        self.require_alive()?;
        Ok(Model { content: content.with_defaults(), update_time: now, ..self })
    }

    /// The model marked as deleted. An alias would be left pointing to nothing
    /// that resolves, so none may exist.
    pub fn delete(self, aliases: &[AliasName], now: Timestamp) -> Result<Self, Vec<Refusal>> {
        self.require_alive()?;
        if let Some(alias) = aliases.first() {
            let sentence = format!("{alias} still points to one of its versions; delete the aliases first");
            return Err(vec![Refusal::new(Reason::ModelHasAliases, &self.name, sentence)]);
        }
        Ok(Model { delete_time: Some(now), update_time: now, ..self })
    }

    /// The model with its deletion taken back.
    pub fn undelete(self, now: Timestamp) -> Result<Self, Vec<Refusal>> {
        if self.delete_time.is_none() {
            let sentence = "it is not deleted, so there is nothing to take back";
            return Err(vec![Refusal::new(Reason::ModelNotDeleted, &self.name, sentence)]);
        }
        Ok(Model { delete_time: None, update_time: now, ..self })
    }

    /// A deleted model cannot be changed, and nothing below it.
    pub fn require_alive(&self) -> Result<(), Vec<Refusal>> {
        match self.delete_time {
            None => Ok(()),
            Some(time) => {
                let sentence = format!("the model was deleted on {time}; undelete it first");
                Err(vec![Refusal::new(Reason::ModelDeleted, &self.name, sentence)])
            }
        }
    }
}

impl ModelContent {
    fn with_defaults(self) -> Self {
        ModelContent { risk_tier: Some(self.risk_tier.unwrap_or_default()), ..self }
    }
}

/// What a filter may ask of a model.
pub const FILTER_SCHEMA: Schema = Schema::new(&[
    ("model_id", FieldType::Text),
    ("display_name", FieldType::Text),
    ("description", FieldType::Text),
    ("owner", FieldType::Text),
    ("kind", FieldType::Enum(&["OWN", "RENTED_API", "EMBEDDED"])),
    ("risk_tier", FieldType::Enum(&["PREVIEW", "STANDARD", "CRITICAL"])),
    ("data_categories", FieldType::TextList),
    ("processes_personal_data", FieldType::Bool),
    ("labels", FieldType::TextMap),
    ("create_time", FieldType::Time),
    ("update_time", FieldType::Time),
]);

impl Filterable for Model {
    fn field<'a>(&'a self, path: &FieldPath) -> FieldValue<'a> {
        let content = &self.content;
        match path.field() {
            "model_id" => FieldValue::Text(self.name.model.as_str()),
            "display_name" => text(&content.display_name),
            "description" => text(&content.description),
            "owner" => text(&content.owner),
            "kind" => content.kind.map_or(FieldValue::Missing, |kind| FieldValue::Enum(kind.word())),
            "risk_tier" => {
                content.risk_tier.map_or(FieldValue::Missing, |tier| FieldValue::Enum(tier.word()))
            }
            "data_categories" => FieldValue::TextList(&content.data_categories),
            "processes_personal_data" => FieldValue::Bool(content.processes_personal_data),
            "labels" => label(&content.labels, path),
            "create_time" => FieldValue::Time(self.create_time.micros()),
            "update_time" => FieldValue::Time(self.update_time.micros()),
            _ => FieldValue::Missing,
        }
    }
}
