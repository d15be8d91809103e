//! Model cards as people see them, and an empty one to fill in.

use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};

use super::{
    error::Failure,
    json::descriptor,
    table::{Facts, contact_words, day},
};
use crate::proto::v1::ModelCard;

/// What the card says, behind other facts of the model.
pub fn card_facts(facts: Facts, card: &ModelCard) -> Facts {
    let answer = |said: Option<bool>, yes: &str, no: &str| match said {
        None => String::new(),
        Some(true) => yes.to_owned(),
        Some(false) => no.to_owned(),
    };
    let budget = match card.monthly_budget_micros {
        0 => String::new(),
        micros => format!("{:.2} {} a month", micros as f64 / 1e6, card.budget_currency),
    };
    facts
        .add("Purpose", &card.purpose)
        .add("Affects", &card.affected_people)
        .add("Not for", &card.prohibited_uses)
        .add("Backup contact", card.backup_contact.as_ref().map(contact_words).unwrap_or_default())
        .add("Contract", &card.contract_uri)
        .add("Vendor trains on data", answer(card.vendor_trains_on_data, "yes", "no"))
        .add("Personal data because", &card.personal_data_basis)
        .add("Watched by", &card.human_oversight)
        .add("People know it is AI", answer(card.ai_disclosure, "yes", "no"))
        .add("Risk tier because", &card.risk_tier_reason)
        .add("Known limits", &card.known_limits)
        .add("If it fails", &card.rollback_plan)
        .add("If it harms", &card.incident_plan)
        .add("Budget", budget)
        .add("Next review", day(card.review_time))
}

/// An empty card in JSON, with every field in the order of the contract: `""` and
/// `"0"` for what is not said, `null` for yes or no and for times.
///
/// # Errors
/// When the embedded contract does not know cards.
pub fn template() -> Result<String, Failure> {
    Ok(format!("{}\n", empty(&descriptor::<ModelCard>()?, "")))
}

fn empty(message: &MessageDescriptor, indent: &str) -> String {
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    let inner = format!("{indent}  ");
    let members: Vec<String> = fields
        .iter()
        .map(|field| format!("{inner}\"{}\": {}", field.json_name(), empty_value(field, &inner)))
        .collect();
    format!("{{\n{}\n{indent}}}", members.join(",\n"))
}

fn empty_value(field: &FieldDescriptor, indent: &str) -> String {
    match field.kind() {
        _ if field.cardinality() == Cardinality::Repeated => "[]".to_owned(),
        Kind::Message(message) if !message.full_name().starts_with("google.protobuf.") => {
            empty(&message, indent)
        }
        Kind::String if !field.supports_presence() => "\"\"".to_owned(),
        // Whole numbers of 64 bits are text in proto3 JSON.
        Kind::Int64 => "\"0\"".to_owned(),
        _ => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::cli::json::from_json;

    #[test]
    fn the_template_has_every_field_and_is_itself_a_card() {
        let text = template().unwrap();
        assert!(text.starts_with("{\n  \"purpose\": \"\",\n  \"affectedPeople\": \"\""), "{text}");
        assert!(text.contains("  \"backupContact\": {\n    \"displayName\": \"\""), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.as_object().unwrap().len(), descriptor::<ModelCard>().unwrap().fields().len());
        assert_eq!(value["aiDisclosure"], serde_json::Value::Null);
        let card: ModelCard = from_json(&text).unwrap();
        assert_eq!(card, ModelCard { backup_contact: Some(Default::default()), ..ModelCard::default() });
    }

    #[test]
    fn what_nobody_said_is_left_out() {
        let card = ModelCard {
            purpose: "Answers donors".into(),
            ai_disclosure: Some(false),
            ..ModelCard::default()
        };
        let text = card_facts(Facts::new(), &card).text();
        assert_eq!(text, "Purpose:               Answers donors\nPeople know it is AI:  no\n");
    }
}
