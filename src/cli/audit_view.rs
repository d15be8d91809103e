//! Audit events as people see them.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::table::{Table, printable};
use crate::proto::v1::AuditEvent;

/// What a person wants to know of an event, taken from its leaf.
struct Summary {
    time: String,
    kind: String,
    subject: String,
    actor: String,
    reason: String,
}

/// An event as one line: position, time, what happened, to what, by whom, why.
pub fn event_line(event: &AuditEvent) -> String {
    let Summary { time, kind, subject, actor, reason } = summary(event);
    let mut line = format!("#{}  {time}  {kind}  {subject}", event.position);
    if !actor.is_empty() {
        line.push_str(&format!("  by {actor}"));
    }
    if !reason.is_empty() {
        line.push_str(&format!("  ({reason})"));
    }
    // One event is one line, whatever somebody wrote into a reason.
    printable(&line.replace('\n', " "))
}

/// Events as a table.
pub fn table(events: &[AuditEvent]) -> Table {
    let mut table = Table::new(["POSITION", "TIME", "EVENT", "RESOURCE", "BY", "REASON"]);
    for event in events {
        let Summary { time, kind, subject, actor, reason } = summary(event);
        table.row([event.position.to_string(), time, kind, subject, actor, reason]);
    }
    table
}

fn summary(event: &AuditEvent) -> Summary {
    let leaf: Value = serde_json::from_slice(&event.leaf).unwrap_or(Value::Null);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // The leaf has a pseudonym; the server says whose it is.
    let named = Some(event.actor.as_str()).filter(|actor| !actor.is_empty());
    let actor = named.or_else(|| leaf["authid"].as_str());
    Summary {
        time: to_the_second(&text(&leaf["time"])),
        kind: event.r#type.rsplit('.').next().unwrap_or_default().to_owned(),
        subject: short_subject(&event.subject),
        actor: actor.unwrap_or_default().to_owned(),
        reason: text(&leaf["data"]["reason"]),
    }
}

/// A time of the log without its fraction.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

/// A resource name without the namespace, decoded.
fn short_subject(subject: &str) -> String {
    let within = subject.splitn(3, '/').nth(2).unwrap_or(subject);
    percent_decode_str(within).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn an_event_is_one_line_of_who_did_what_and_why() {
        let event = AuditEvent {
            position: 17,
            r#type: "steward.v1.VersionApproved".into(),
            subject: "namespaces/default/models/fundraising/versions/2".into(),
            leaf: br#"{"time":"2026-01-01T09:30:00.123Z","authid":"ada","data":{"reason":"Better\nby far"}}"#
                .to_vec()
                .into(),
            actor: String::new(),
        };
        assert_eq!(
            event_line(&event),
            "#17  2026-01-01T09:30:00Z  VersionApproved  models/fundraising/versions/2  by ada  (Better by far)"
        );
    }

    #[test]
    fn a_leaf_that_cannot_be_read_still_shows_position_and_type() {
        let event = AuditEvent { r#type: "steward.v1.AliasSet".into(), ..AuditEvent::default() };
        assert!(event_line(&event).starts_with("#0    AliasSet"), "{}", event_line(&event));
    }
}
