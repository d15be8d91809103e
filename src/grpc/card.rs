//! A model's card on the wire.

use super::field::{self, Fields};
use crate::{
    domain::model::{Contact, card::ModelCard},
    proto::v1,
};

/// Reads a card, which may be absent.
pub fn read(fields: &mut Fields, card: Option<v1::ModelCard>) -> ModelCard {
    let v1::ModelCard {
        purpose,
        affected_people,
        prohibited_uses,
        backup_contact,
        contract_uri,
        vendor_trains_on_data,
        personal_data_basis,
        human_oversight,
        ai_disclosure,
        risk_tier_reason,
        known_limits,
        rollback_plan,
        incident_plan,
        review_time,
        monthly_budget_micros,
        budget_currency,
    } = card.unwrap_or_default();
    ModelCard {
        purpose,
        affected_people,
        prohibited_uses,
        backup_contact: backup_contact.map(read_contact).unwrap_or_default(),
        contract_uri,
        vendor_trains_on_data,
        personal_data_basis,
        human_oversight,
        ai_disclosure,
        risk_tier_reason,
        known_limits,
        rollback_plan,
        incident_plan,
        review_time: fields.time("review_time", review_time),
        monthly_budget_micros,
        budget_currency,
    }
}

/// Writes a card; an empty one is absent.
pub fn write(card: ModelCard) -> Option<v1::ModelCard> {
    let backup_contact =
        (!card.backup_contact.is_empty()).then(|| write_contact(card.backup_contact.clone()));
    (!card.is_empty()).then(|| v1::ModelCard {
        purpose: card.purpose,
        affected_people: card.affected_people,
        prohibited_uses: card.prohibited_uses,
        backup_contact,
        contract_uri: card.contract_uri,
        vendor_trains_on_data: card.vendor_trains_on_data,
        personal_data_basis: card.personal_data_basis,
        human_oversight: card.human_oversight,
        ai_disclosure: card.ai_disclosure,
        risk_tier_reason: card.risk_tier_reason,
        known_limits: card.known_limits,
        rollback_plan: card.rollback_plan,
        incident_plan: card.incident_plan,
        review_time: card.review_time.map(field::time),
        monthly_budget_micros: card.monthly_budget_micros,
        budget_currency: card.budget_currency,
    })
}

/// Somebody to reach.
pub fn read_contact(contact: v1::Contact) -> Contact {
    let v1::Contact { display_name, address } = contact;
    Contact { display_name, address }
}

/// The reverse.
pub fn write_contact(contact: Contact) -> v1::Contact {
    let Contact { display_name, address } = contact;
    v1::Contact { display_name, address }
}
