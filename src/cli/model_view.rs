//! Models as people see them.

use super::{
    card_view::card_facts,
    name,
    property::property_words,
    table::{Facts, Table, contact_words, day, pairs, time, word},
};
use crate::proto::v1::Model;

/// The key facts of a model.
pub fn facts(model: &Model) -> Facts {
    let facts = Facts::new()
        .add("Model", name::id(&model.name))
        .add("Deleted", time(model.delete_time))
        .add("Display name", &model.display_name)
        .add("Description", &model.description)
        .add("Kind", word(model.kind().as_str_name(), "MODEL_KIND_"))
        .add("Risk tier", word(model.risk_tier().as_str_name(), "RISK_TIER_"))
        .add("Policy", if model.policy.is_empty() { String::new() } else { name::id(&model.policy) })
        .add("Owner", &model.owner)
        .add_lines("Contacts", model.contacts.iter().map(contact_words))
        .add("Personal data", if model.processes_personal_data { "yes" } else { "no" })
        .add("Data categories", model.data_categories.join(", "));
    let facts = card_facts(facts, &model.card.clone().unwrap_or_default());
    let due = match day(model.review_due_time) {
        none if none.is_empty() => none,
        date => format!("since {date}: look at it again, then give a new date with --review"),
    };
    facts
        .add("Review is due", due)
        .add("Labels", pairs(&model.labels))
        .add_lines("Properties", model.properties.iter().map(property_words))
        .add("Created", time(model.create_time))
        .add("Last changed", time(model.update_time))
        .add("Etag", &model.etag)
        .add("Full name", &model.name)
}

/// Models as a table.
pub fn table(models: &[Model]) -> Table {
    let mut table = Table::new(["MODEL", "KIND", "RISK", "OWNER", "PERSONAL DATA", "CHANGED", "DESCRIPTION"]);
    for model in models {
        let deleted = if model.delete_time.is_some() { " (deleted)" } else { "" };
        table.row([
            format!("{}{deleted}", name::id(&model.name)),
            word(model.kind().as_str_name(), "MODEL_KIND_"),
            word(model.risk_tier().as_str_name(), "RISK_TIER_"),
            model.owner.clone(),
            if model.processes_personal_data { "yes" } else { "no" }.to_owned(),
            day(model.update_time),
            summary(&model.description),
        ]);
    }
    table
}

/// The first line of a text, cut to the width of a column.
fn summary(text: &str) -> String {
    const WIDTH: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::{Contact, ModelKind};

    #[test]
    fn a_deleted_model_is_marked_and_a_long_description_is_cut() {
        let model = Model {
            name: "namespaces/default/models/m".into(),
            kind: ModelKind::RentedApi.into(),
            delete_time: Some(prost_types::Timestamp::default()),
            description: "é".repeat(80),
            ..Model::default()
        };
        let text = table(&[model]).text();
        assert!(text.contains("m (deleted)  RENTED_API"), "{text}");
        assert!(text.contains(&format!("{}…", "é".repeat(60))), "{text}");
    }

    #[test]
    fn each_contact_has_its_own_line() {
        let contact = |name: &str| Contact { display_name: name.into(), address: "a@b".into() };
        let model = Model { contacts: vec![contact("Ada"), contact("Ben")], ..Model::default() };
        let text = facts(&model).text();
        assert!(text.contains("Ada <a@b>\n") && text.contains("Ben <a@b>\n"), "{text}");
    }
}
