//! What the command line can say about a model.

use clap::{Args, ValueEnum};
use prost_types::FieldMask;

use super::{
    argument::{parse_contact, parse_pair, parse_property},
    card_fields::CardFields,
    error::Failure,
    flags::mask_of,
    name,
};
use crate::proto::v1::{Contact, Model, ModelCard, ModelKind, PropertyValue, RiskTier};

/// What is said about a model.
#[derive(Args, Debug, Clone, Default)]
pub struct ModelFields {
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,

    /// What the model is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// The person or team that answers for the model
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,

    /// Whom to reach, the first one first; may be repeated
    #[arg(long = "contact", value_name = "NAME <ADDRESS>", value_parser = parse_contact)]
    contacts: Vec<Contact>,

    /// How much harm a failure could do
    #[arg(long)]
    risk_tier: Option<RiskTierWord>,

    /// A category of data that the model sees, such as `donations`; may be repeated
    #[arg(long = "data-category", value_name = "CATEGORY")]
    data_categories: Vec<String>,

    /// The model sees personal data (`--personal-data=false`: it does not)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    personal_data: Option<bool>,

    /// A key and value to filter by; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_pair)]
    labels: Vec<(String, String)>,

    /// A property with a type: `k=text`, `k:int=5`, `k:number=0.5`, `k:bool=true`,
    /// `k:time=2026-01-01`; may be repeated
    #[arg(long = "property", value_name = "KEY[:TYPE]=VALUE", value_parser = parse_property)]
    properties: Vec<(String, PropertyValue)>,

    /// The policy that binds the model; that of its risk tier when absent or empty
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,

    /// What people have to know about it.
    #[command(flatten)]
    pub card: CardFields,
}

/// Where a model comes from, in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindWord {
    /// Trained or fine-tuned by yourselves
    Own,
    /// Called behind somebody else's API
    RentedApi,
    /// Part of a product that you use
    Embedded,
}

/// How much harm a failure could do, in words.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RiskTierWord {
    /// A trial: nobody depends on it
    Preview,
    /// Ordinary use
    Standard,
    /// People or the organisation are harmed when it fails
    Critical,
}

/// Fields that an update can empty.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "a doc comment would become help text that repeats the word")]
pub enum ClearableField {
    DisplayName,
    Description,
    Owner,
    Contacts,
    RiskTier,
    DataCategories,
    Labels,
    Properties,
    Policy,
    Card,
}

impl From<KindWord> for ModelKind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::Own => ModelKind::Own,
            KindWord::RentedApi => ModelKind::RentedApi,
            KindWord::Embedded => ModelKind::Embedded,
        }
    }
}

impl From<RiskTierWord> for RiskTier {
    fn from(word: RiskTierWord) -> Self {
        match word {
            RiskTierWord::Preview => RiskTier::Preview,
            RiskTierWord::Standard => RiskTier::Standard,
            RiskTierWord::Critical => RiskTier::Critical,
        }
    }
}

impl ClearableField {
    fn path(self) -> &'static str {
        match self {
            ClearableField::DisplayName => "display_name",
            ClearableField::Description => "description",
            ClearableField::Owner => "owner",
            ClearableField::Contacts => "contacts",
            ClearableField::RiskTier => "risk_tier",
            ClearableField::DataCategories => "data_categories",
            ClearableField::Labels => "labels",
            ClearableField::Properties => "properties",
            ClearableField::Policy => "policy",
            ClearableField::Card => "card",
        }
    }
}

impl ModelFields {
    /// Which fields were given, by their names in the contract.
    fn paths(&self) -> Vec<&'static str> {
        let given = [
            (self.display_name.is_some(), "display_name"),
            (self.description.is_some(), "description"),
            (self.owner.is_some(), "owner"),
            (!self.contacts.is_empty(), "contacts"),
            (self.risk_tier.is_some(), "risk_tier"),
            (!self.data_categories.is_empty(), "data_categories"),
            (self.personal_data.is_some(), "processes_personal_data"),
            (!self.labels.is_empty(), "labels"),
            (!self.properties.is_empty(), "properties"),
            (self.policy.is_some(), "policy"),
            (self.card.is_given(), "card"),
        ];
        given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path)).collect()
    }

    /// The model that these fields describe; `namespace` is a full name, and
    /// flags of the card change only what they name on the `present` one.
    ///
    /// # Errors
    /// When the file with the card cannot be read, or is not a card.
    pub fn into_model(self, namespace: &str, present: ModelCard) -> Result<Model, Failure> {
        let policy = match self.policy.as_deref() {
            None | Some("") => String::new(),
            Some(given) => name::policy(namespace, given)?,
        };
        let card = if self.card.is_given() { Some(self.card.over(present)?) } else { None };
        Ok(Model {
            policy,
            card,
            display_name: self.display_name.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            owner: self.owner.unwrap_or_default(),
            contacts: self.contacts,
            risk_tier: self.risk_tier.map_or(RiskTier::Unspecified, RiskTier::from).into(),
            data_categories: self.data_categories,
            processes_personal_data: self.personal_data.unwrap_or_default(),
            labels: self.labels.into_iter().collect(),
            properties: self.properties.into_iter().collect(),
            ..Model::default()
        })
    }

    /// The fields to change: those given, the kind, and those cleared.
    ///
    /// # Errors
    /// When a field is both given and cleared, or nothing is to be changed.
    pub fn mask(&self, kind: Option<KindWord>, clear: &[ClearableField]) -> Result<FieldMask, Failure> {
        let given = self.paths().into_iter().chain(kind.is_some().then_some("kind"));
        mask_of(given, clear.iter().map(|field| field.path()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_update_names_what_was_given_and_what_is_cleared() {
        let fields = ModelFields { personal_data: Some(false), ..ModelFields::default() };
        let mask = fields.mask(Some(KindWord::Own), &[ClearableField::Labels]).unwrap();
        assert_eq!(mask.paths, ["processes_personal_data", "kind", "labels"]);
    }

    #[test]
    fn a_field_that_is_given_cannot_be_cleared_too() {
        let fields = ModelFields { owner: Some("a".into()), ..ModelFields::default() };
        let error = fields.mask(None, &[ClearableField::Owner]).unwrap_err();
        assert!(error.text().contains("owner is both given and cleared"), "{}", error.text());
    }
}
