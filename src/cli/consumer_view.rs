//! Consumers as people see them.

use super::{
    name,
    table::{Facts, Table, contact_words, day, time},
};
use crate::proto::v1::{Acknowledgement, Consumer, Exemption, VersionUse};

/// The key facts of a consumer.
pub fn facts(consumer: &Consumer) -> Facts {
    Facts::new()
        .add("Consumer", name::id(&consumer.name))
        .add("Of", name::id(name::parent(&consumer.name)))
        .add("Description", &consumer.description)
        .add("Owner", &consumer.owner)
        .add("Contact", consumer.contact.as_ref().map(contact_words).unwrap_or_default())
        .add_lines("Uses", consumer.uses.iter().map(use_words))
        .add_lines("Knows of", consumer.acknowledgements.iter().map(acknowledgement_words))
        .add_lines("Spared", consumer.exemptions.iter().map(exemption_words))
        .add("Registered", format!("{} by {}", time(consumer.create_time), consumer.registrar))
        .add("Etag", &consumer.etag)
        .add("Full name", &consumer.name)
}

/// Consumers as a table.
pub fn table(consumers: &[Consumer]) -> Table {
    let mut table = Table::new(["CONSUMER", "OWNER", "CONTACT", "USES", "LAST USE", "KNOWS OF", "SPARED"]);
    for consumer in consumers {
        table.row([
            name::id(&consumer.name),
            consumer.owner.clone(),
            consumer.contact.as_ref().map(contact_words).unwrap_or_default(),
            numbers(consumer.uses.iter().map(|one| one.version.as_str())),
            day(last_use(consumer)),
            numbers(consumer.acknowledgements.iter().map(|one| one.version.as_str())),
            numbers(consumer.exemptions.iter().map(|one| one.version.as_str())),
        ]);
    }
    table
}

fn numbers<'a>(versions: impl Iterator<Item = &'a str>) -> String {
    versions.map(name::id).collect::<Vec<_>>().join(", ")
}

fn last_use(consumer: &Consumer) -> Option<prost_types::Timestamp> {
    consumer.uses.iter().filter_map(|one| one.last_use_time).max_by_key(|time| (time.seconds, time.nanos))
}

fn use_words(used: &VersionUse) -> String {
    format!(
        "version {}, last on {}, first on {}",
        name::id(&used.version),
        time(used.last_use_time),
        day(used.first_use_time)
    )
}

fn acknowledgement_words(known: &Acknowledgement) -> String {
    let said = known.decision.as_ref().map(|d| format!(" ({}: {})", d.actor, d.reason)).unwrap_or_default();
    format!("the end of version {} on {}{said}", name::id(&known.version), day(known.sunset_time))
}

fn exemption_words(spared: &Exemption) -> String {
    let said = spared.decision.as_ref().map(|d| format!(" ({}: {})", d.actor, d.reason)).unwrap_or_default();
    format!("the brownouts of version {}{said}", name::id(&spared.version))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::Decision;

    #[test]
    fn a_consumer_shows_what_it_uses_and_what_it_knows_of() {
        let at = Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 });
        let version = "namespaces/n/models/m/versions/1".to_owned();
        let consumer = Consumer {
            name: "namespaces/n/models/m/consumers/website".into(),
            owner: "Web team".into(),
            uses: vec![VersionUse { version: version.clone(), first_use_time: at, last_use_time: at }],
            acknowledgements: vec![Acknowledgement {
                version,
                sunset_time: at,
                decision: Some(Decision {
                    actor: "ada".into(),
                    reason: "We move".into(),
                    ..Decision::default()
                }),
            }],
            ..Consumer::default()
        };
        let text = facts(&consumer).text();
        assert!(text.contains("version 1, last on 2026-01-01T00:00:00Z, first on 2026-01-01\n"), "{text}");
        assert!(text.contains("the end of version 1 on 2026-01-01 (ada: We move)"), "{text}");
        assert!(table(&[consumer]).text().contains("website   Web team"), "one row");
    }
}
