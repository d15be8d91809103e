//! What the command line can say on a model's card.

use std::path::PathBuf;

use clap::Args;
use prost_types::Timestamp;

use super::{
    argument::{parse_contact, parse_future},
    error::Failure,
    file::read,
    json::from_json,
    point::parse_micros,
};
use crate::proto::v1::{Contact, ModelCard};

/// The card: a file, and flags that go before it.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "The model's card")]
pub struct CardFields {
    /// The card as JSON (`steward model card-template` prints an empty one); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,

    /// What it is for, in one sentence
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,

    /// Whom its answers affect
    #[arg(long, value_name = "TEXT")]
    affected_people: Option<String>,

    /// What it must not be used for
    #[arg(long, value_name = "TEXT")]
    prohibited_uses: Option<String>,

    /// Whom to reach when the owner is away
    #[arg(long, value_name = "NAME <ADDRESS>", value_parser = parse_contact)]
    backup_contact: Option<Contact>,

    /// The contract with the provider of a rented model
    #[arg(long, value_name = "URI")]
    contract_uri: Option<String>,

    /// The provider may train on what is sent (`--vendor-trains-on-data=false`: it may not)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    vendor_trains_on_data: Option<bool>,

    /// The legal basis on which it sees personal data
    #[arg(long, value_name = "TEXT")]
    personal_data_basis: Option<String>,

    /// Who watches it, and how somebody can step in
    #[arg(long, value_name = "TEXT")]
    human_oversight: Option<String>,

    /// People are told that they deal with an AI (`--ai-disclosure=false`: they are not)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    ai_disclosure: Option<bool>,

    /// Why its risk tier is the right one
    #[arg(long, value_name = "TEXT")]
    risk_tier_reason: Option<String>,

    /// What it does badly
    #[arg(long, value_name = "TEXT")]
    known_limits: Option<String>,

    /// What to go back to when it fails
    #[arg(long, value_name = "TEXT")]
    rollback_plan: Option<String>,

    /// What is done, and by whom, when it harms
    #[arg(long, value_name = "TEXT")]
    incident_plan: Option<String>,

    /// When it is looked at again: a date, or a span from now such as `6 months`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    review: Option<Timestamp>,

    /// What it may cost a month, such as `200 EUR`
    #[arg(long, value_name = "AMOUNT CURRENCY", value_parser = parse_budget)]
    monthly_budget: Option<Budget>,
}

/// An amount of money a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    micros: i64,
    currency: String,
}

impl CardFields {
    /// Whether anything is said.
    pub fn is_given(&self) -> bool {
        self.card.is_some() || self.is_any_flag_given()
    }

    /// Whether the card is given as a whole, so that nothing of an old one stays.
    pub fn is_whole(&self) -> bool {
        self.card.is_some()
    }

    fn is_any_flag_given(&self) -> bool {
        let texts = [
            &self.purpose,
            &self.affected_people,
            &self.prohibited_uses,
            &self.contract_uri,
            &self.personal_data_basis,
            &self.human_oversight,
            &self.risk_tier_reason,
            &self.known_limits,
            &self.rollback_plan,
            &self.incident_plan,
        ];
        texts.into_iter().any(Option::is_some)
            || self.backup_contact.is_some()
            || self.vendor_trains_on_data.or(self.ai_disclosure).is_some()
            || self.review.is_some()
            || self.monthly_budget.is_some()
    }

    /// The card of the file, or the present one, with what flags say.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a card.
    pub fn over(self, present: ModelCard) -> Result<ModelCard, Failure> {
        let base = match &self.card {
            Some(path) => filled(from_json::<ModelCard>(&read(path)?)?),
            None => present,
        };
        let budget = self
            .monthly_budget
            .unwrap_or(Budget { micros: base.monthly_budget_micros, currency: base.budget_currency });
        Ok(ModelCard {
            purpose: self.purpose.unwrap_or(base.purpose),
            affected_people: self.affected_people.unwrap_or(base.affected_people),
            prohibited_uses: self.prohibited_uses.unwrap_or(base.prohibited_uses),
            backup_contact: self.backup_contact.or(base.backup_contact),
            contract_uri: self.contract_uri.unwrap_or(base.contract_uri),
            vendor_trains_on_data: self.vendor_trains_on_data.or(base.vendor_trains_on_data),
            personal_data_basis: self.personal_data_basis.unwrap_or(base.personal_data_basis),
            human_oversight: self.human_oversight.unwrap_or(base.human_oversight),
            ai_disclosure: self.ai_disclosure.or(base.ai_disclosure),
            risk_tier_reason: self.risk_tier_reason.unwrap_or(base.risk_tier_reason),
            known_limits: self.known_limits.unwrap_or(base.known_limits),
            rollback_plan: self.rollback_plan.unwrap_or(base.rollback_plan),
            incident_plan: self.incident_plan.unwrap_or(base.incident_plan),
            review_time: self.review.or(base.review_time),
            monthly_budget_micros: budget.micros,
            budget_currency: budget.currency,
        })
    }
}

/// A card from a template whose contact nobody filled in names no contact.
fn filled(card: ModelCard) -> ModelCard {
    ModelCard { backup_contact: card.backup_contact.filter(|contact| *contact != Contact::default()), ..card }
}

/// Reads `200 EUR` or `199.50 EUR`.
fn parse_budget(text: &str) -> Result<Budget, String> {
    let (amount, currency) = text.trim().split_once(' ').ok_or("not of the form `200 EUR`")?;
    Ok(Budget { micros: parse_micros(amount)?, currency: currency.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn flags_change_only_what_they_name() {
        let present =
            ModelCard { purpose: "Old".into(), known_limits: "Slang".into(), ..ModelCard::default() };
        let fields = CardFields { purpose: Some("New".into()), ..CardFields::default() };
        assert!(fields.is_given() && !fields.is_whole());
        let card = fields.over(present).unwrap();
        assert_eq!((card.purpose.as_str(), card.known_limits.as_str()), ("New", "Slang"));
        assert!(!CardFields::default().is_given());
    }

    #[test]
    fn a_card_in_a_file_replaces_the_present_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card.json");
        std::fs::write(&path, r#"{"purpose": "New", "backupContact": {"displayName": ""}}"#).unwrap();
        let fields = CardFields { card: Some(path), ..CardFields::default() };
        let present = ModelCard { known_limits: "Slang".into(), ..ModelCard::default() };
        let card = fields.over(present).unwrap();
        assert_eq!(card, ModelCard { purpose: "New".into(), ..ModelCard::default() });
    }

    #[test]
    fn a_budget_is_an_amount_and_a_currency() {
        assert_eq!(parse_budget("199.50 EUR"), Ok(Budget { micros: 199_500_000, currency: "EUR".into() }));
        assert!(parse_budget("200").is_err());
    }
}
