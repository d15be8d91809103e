//! `steward calendar`: what the clock will do, who breaks, and who has to agree before.

use clap::Args;
use prost_types::Timestamp;

use super::{
    argument::parse_future,
    client::Session,
    error::Failure,
    flags::PageFlags,
    impact::{consumer_words, counted},
    name,
    output::{write, write_json},
    table::{printable, resource_words, time, version_words},
};
use crate::proto::v1::{CalendarEntry, NeededApproval, SimulateCalendarRequest, SimulateCalendarResponse};

/// Arguments of `steward calendar`.
#[derive(Args, Debug)]
pub struct CalendarArgs {
    /// What comes before then: a date, a time, or a span from now such as `90 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    until: Timestamp,

    /// Only what comes then or later
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    from: Option<Timestamp>,

    #[command(flatten)]
    page: PageFlags,
}

/// Carries out the command.
pub async fn run(session: &Session, args: CalendarArgs) -> Result<(), Failure> {
    let mut needed_approvals = Vec::new();
    let fetch = async |page_size, page_token| {
        let request = SimulateCalendarRequest {
            parent: session.namespace().to_owned(),
            start_time: args.from,
            end_time: Some(args.until),
            page_size,
            page_token,
        };
        let answer = session.call(request, async |r| session.calendar().simulate_calendar(r).await).await?;
        needed_approvals.extend(answer.needed_approvals);
        Ok((answer.entries, answer.next_page_token))
    };
    let (entries, next_page_token) = args.page.collect(fetch).await?;
    let answer = SimulateCalendarResponse { entries, needed_approvals, next_page_token };
    match session.output().is_json() {
        true => write_json(&answer),
        false => write(&text(&answer, args.until)),
    }
}

/// A sentence for all, one for each thing that comes and each consumer that breaks, and
/// one for each proposal that waits.
fn text(answer: &SimulateCalendarResponse, until: Timestamp) -> String {
    let until = time(Some(until));
    let mut text = match answer.entries.len() {
        0 => format!("Nothing is due before {until}.\n"),
        count => format!(
            "If nobody does anything, {} before {until}.\n\n",
            counted(count, "thing comes", "things come")
        ),
    };
    answer.entries.iter().for_each(|entry| text.push_str(&entry_words(entry)));
    if !answer.needed_approvals.is_empty() {
        let waiting = answer.needed_approvals.len();
        text.push_str(&format!("\n{} for somebody:\n", counted(waiting, "proposal waits", "proposals wait")));
        answer.needed_approvals.iter().for_each(|needed| text.push_str(&needed_words(needed)));
    }
    if !answer.next_page_token.is_empty() {
        let token = &answer.next_page_token;
        text.push_str(&format!("\nThere is more: add --all, or --page-token {token}\n"));
    }
    printable(&text)
}

fn entry_words(entry: &CalendarEntry) -> String {
    let replacement = match entry.replacement.as_str() {
        "" => String::new(),
        name => format!(", {}", version_words(name)),
    };
    let subject = resource_words(&entry.subject);
    let mut words = format!("{}  {subject}: {}{replacement}\n", time(entry.event_time), entry.description);
    for consumer in &entry.consumers {
        words.push_str(&format!("  - {}\n", consumer_words(consumer, &entry.subject)));
    }
    words
}

fn needed_words(needed: &NeededApproval) -> String {
    let missing = match needed.descriptions.as_slice() {
        [] => "nothing stands against it any more; approve it once more".to_owned(),
        some => some.join("; "),
    };
    let version = name::parent(&needed.proposal);
    format!(
        "  {} of {}, void after {}: {missing}\n    `steward proposal get {} {} {}`\n",
        resource_words(&needed.proposal),
        needed.author,
        time(needed.expire_time),
        name::id(name::parent(version)),
        name::id(version),
        name::id(&needed.proposal),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::AffectedConsumer;

    const NEW_YEAR: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 0 };

    fn answer() -> SimulateCalendarResponse {
        let version = "namespaces/n/models/m/versions/1";
        SimulateCalendarResponse {
            entries: vec![CalendarEntry {
                event_time: Some(NEW_YEAR),
                r#type: "steward.v1.VersionRetired".into(),
                subject: version.into(),
                description: "it does not resolve any more; callers move to its replacement".into(),
                replacement: "namespaces/n/models/m/versions/2".into(),
                consumers: vec![AffectedConsumer {
                    consumer: "namespaces/n/models/m/consumers/website".into(),
                    owner: "Web team".into(),
                    last_use_time: Some(NEW_YEAR),
                    acknowledged: true,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            needed_approvals: vec![NeededApproval {
                proposal: format!("{version}/proposals/later"),
                author: "ann".into(),
                descriptions: vec!["one more person has to agree".into()],
                expire_time: Some(NEW_YEAR),
            }],
            next_page_token: String::new(),
        }
    }

    #[test]
    fn what_comes_is_said_with_who_breaks_and_who_has_to_agree() {
        let text = text(&answer(), NEW_YEAR);
        assert!(text.starts_with("If nobody does anything, 1 thing comes before 2026-01-01T00:00:00Z.\n\n"));
        assert!(
            text.contains(
                "2026-01-01T00:00:00Z  version 1 of m: it does not resolve any more; callers move to its \
             replacement, version 2 of m\n  - website of Web team"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "1 proposal waits for somebody:\n  proposal later about version 1 of m of ann, void after \
             2026-01-01T00:00:00Z: one more person has to agree\n    `steward proposal get m 1 later`\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_empty_calendar_says_so() {
        let nothing = SimulateCalendarResponse::default();
        assert_eq!(text(&nothing, NEW_YEAR), "Nothing is due before 2026-01-01T00:00:00Z.\n");
    }
}
