//! `steward impact`: which versions end by a date, who breaks then, and who of
//! them has not said that they know.

use clap::Args;
use prost_types::Timestamp;

use super::{
    argument::parse_future,
    client::Session,
    error::Failure,
    name,
    output::{write, write_json},
    table::{contact_words, printable, time, version_words},
};
use crate::proto::v1::{AffectedConsumer, GetImpactRequest, VersionImpact};

/// Arguments of `steward impact`.
#[derive(Args, Debug)]
pub struct ImpactArgs {
    /// Versions that end by then: a date, a time, or a span from now such as `90 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    until: Timestamp,
}

/// Carries out the command.
pub async fn run(session: &Session, args: ImpactArgs) -> Result<(), Failure> {
    let request = GetImpactRequest { parent: session.namespace().to_owned(), until_time: Some(args.until) };
    let answer = session.call(request, async |r| session.consumers().get_impact(r).await).await?;
    match session.output().is_json() {
        true => write_json(&answer),
        false => write(&text(&answer.impacts, args.until)),
    }
}

/// A sentence for all, one for each version, one for each consumer.
fn text(impacts: &[VersionImpact], until: Timestamp) -> String {
    let until = time(Some(until));
    if impacts.is_empty() {
        return format!("No version ends by {until}.\n");
    }
    let affected: Vec<&AffectedConsumer> = impacts.iter().flat_map(|impact| &impact.consumers).collect();
    let silent = affected.iter().filter(|consumer| !consumer.acknowledged).count();
    let mut text = format!(
        "{} by {until}; {}, of which {silent} not acknowledged.\n",
        counted(impacts.len(), "version ends", "versions end"),
        counted(affected.len(), "use of them breaks", "uses of them break"),
    );
    for impact in impacts {
        text.push_str(&version_line(impact));
        for consumer in &impact.consumers {
            text.push_str(&format!("  - {}\n", consumer_words(consumer, &impact.version)));
        }
    }
    printable(&text)
}

fn version_line(impact: &VersionImpact) -> String {
    let move_to = match impact.replacement.as_str() {
        "" => "there is no replacement".to_owned(),
        replacement => format!("{} replaces it", version_words(replacement)),
    };
    let broken = if impact.consumers.is_empty() { "; nobody registered uses it" } else { ":" };
    let words = version_words(&impact.version);
    format!("\nV{} ends on {}; {move_to}{broken}\n", &words[1..], time(impact.sunset_time))
}

/// Who breaks, whom to reach, and whether they know.
pub fn consumer_words(consumer: &AffectedConsumer, version: &str) -> String {
    let contact = consumer.contact.as_ref().map(contact_words).unwrap_or_default();
    let known = match consumer.acknowledged {
        true => "knows of it".to_owned(),
        false => format!(
            "has not acknowledged it: `steward consumer acknowledge {} {} {} --reason …`",
            name::id(name::parent(&consumer.consumer)),
            name::id(&consumer.consumer),
            name::id(version)
        ),
    };
    format!(
        "{} of {} (reach {contact}), last seen {}, {known}",
        name::id(&consumer.consumer),
        consumer.owner,
        time(consumer.last_use_time)
    )
}

/// A count with its noun.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::Contact;

    const NEW_YEAR: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 0 };

    fn impact(acknowledged: bool) -> VersionImpact {
        VersionImpact {
            version: "namespaces/n/models/m/versions/1".into(),
            sunset_time: Some(NEW_YEAR),
            replacement: "namespaces/n/models/m/versions/2".into(),
            consumers: vec![AffectedConsumer {
                consumer: "namespaces/n/models/m/consumers/website".into(),
                owner: "Web team".into(),
                contact: Some(Contact { display_name: "Ada".into(), address: "ada@c.example".into() }),
                last_use_time: Some(NEW_YEAR),
                acknowledged,
            }],
        }
    }

    #[test]
    fn who_breaks_is_named_with_whom_to_reach_and_what_to_do() {
        let text = text(&[impact(false)], NEW_YEAR);
        assert!(text.starts_with(
            "1 version ends by 2026-01-01T00:00:00Z; 1 use of them breaks, of which 1 not acknowledged.\n\n\
             Version 1 of m ends on 2026-01-01T00:00:00Z; version 2 of m replaces it:\n  - website of Web team \
             (reach Ada <ada@c.example>), last seen 2026-01-01T00:00:00Z, has not acknowledged it: `steward \
             consumer acknowledge m website 1 --reason …`\n"
        ), "{text}");
    }

    #[test]
    fn who_knows_of_it_needs_no_reminder_and_nothing_may_end() {
        assert!(text(&[impact(true)], NEW_YEAR).contains("knows of it"));
        assert_eq!(text(&[], NEW_YEAR), "No version ends by 2026-01-01T00:00:00Z.\n");
    }
}
