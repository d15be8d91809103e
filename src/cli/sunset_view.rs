//! How and when a version ends, as people see it.

use super::{
    decision_view::decision_lines,
    table::{Facts, day, resource_words, time, version_words},
};
use crate::proto::v1::{
    Brownout, BrownoutOutcome, Deprecation, Enforcement, Hold, Retirement, RetirementCause, SunsetMove,
    UpstreamEnd, Version,
};

/// What stands in the way of a version's use, and what is to come, behind other facts.
pub fn facts(mut facts: Facts, version: &Version) -> Facts {
    if let Some(hold) = &version.hold {
        facts = hold_facts(facts, hold);
    }
    facts = facts.add_lines("Open incidents", version.open_incidents.iter().map(|name| resource_words(name)));
    if let Some(deprecation) = &version.deprecation {
        facts = deprecation_facts(facts, version, deprecation);
    } else {
        facts = facts.add("Ends", time(version.effective_sunset_time));
    }
    if let Some(end) = &version.upstream_end {
        facts = facts.add_lines("Provider", upstream_lines(end));
    }
    if let Some(restoration) = &version.restoration {
        facts = facts
            .add("Back until", time(restoration.until_time))
            .add_lines("Restored", decision_lines(restoration.decision.as_ref()));
    }
    if let Some(retirement) = &version.retirement {
        facts = facts.add_lines("Retired", retirement_lines(retirement));
    }
    // Once an end is announced, what was promised before it has been kept; and a
    // promise that ended with the approval is none.
    let approved = version.review.as_ref().and_then(|review| review.time).unwrap_or_default();
    let promised = version.not_sooner_than_time.filter(|time| time.seconds > approved.seconds);
    match &version.deprecation {
        Some(_) => facts,
        None => facts.add("No end before", time(promised)),
    }
}

fn hold_facts(facts: Facts, hold: &Hold) -> Facts {
    let way_back = match hold.way_back.as_str() {
        "" => String::new(),
        version => version_words(version),
    };
    facts.add_lines("On hold", decision_lines(hold.decision.as_ref())).add("Way back", way_back)
}

fn deprecation_facts(facts: Facts, version: &Version, deprecation: &Deprecation) -> Facts {
    let replacement = match deprecation.replacement.as_str() {
        "" => format!("none: {}", deprecation.no_replacement_reason),
        version => version_words(version),
    };
    // The provider may end it earlier than we would.
    let earlier = version.effective_sunset_time.filter(|end| Some(*end) != deprecation.sunset_time);
    let redirect = deprecation.enforcement() == Enforcement::Redirect;
    let coming: Vec<String> = deprecation
        .reminders
        .iter()
        .filter(|reminder| reminder.sent_time.is_none())
        // None is given for a sunset that the version does not live to see.
        .filter(|reminder| earlier.is_none_or(|end| seconds(reminder.due_time) < end.seconds))
        .map(|reminder| day(reminder.due_time))
        .collect();
    facts
        .add("Sunset", time(deprecation.sunset_time))
        .add("Ends already", time(earlier))
        .add("Replacement", replacement)
        .add_lines("Deprecated", decision_lines(deprecation.decision.as_ref()))
        .add_lines("Sunset moved", deprecation.moves.iter().flat_map(move_lines))
        .add("Reminders", coming.join(", "))
        .add_lines("Brownouts", deprecation.brownouts.iter().map(brownout_words))
        .add("After the sunset", if redirect { "callers get the replacement, with a warning" } else { "" })
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap_or_default().seconds
}

fn move_lines(moved: &SunsetMove) -> Vec<String> {
    let mut lines = decision_lines(moved.decision.as_ref());
    lines.insert(0, format!("from {} to {}", time(moved.previous_sunset_time), time(moved.sunset_time)));
    lines
}

fn brownout_words(brownout: &Brownout) -> String {
    let outcome = match brownout.outcome() {
        BrownoutOutcome::Unspecified => "",
        BrownoutOutcome::Began => " (it took place)",
        BrownoutOutcome::Suspended => " (left out: an incident was open)",
        BrownoutOutcome::Missed => " (left out: the server was not running)",
    };
    format!("{} to {}{outcome}", time(brownout.start_time), time(brownout.end_time))
}

fn upstream_lines(end: &UpstreamEnd) -> Vec<String> {
    let mut lines = vec![
        format!("ends it on {}", time(end.shutdown_time)),
        format!("the latest sunset is {}", time(end.latest_time)),
    ];
    if end.announce_time.is_some() {
        lines.push(format!("it is deprecated by itself on {}", time(end.announce_time)));
    }
    lines
}

fn retirement_lines(retirement: &Retirement) -> Vec<String> {
    let mut lines = decision_lines(retirement.decision.as_ref());
    let cause = match retirement.cause() {
        RetirementCause::Unspecified => "",
        RetirementCause::Sunset => "its sunset came",
        RetirementCause::Unused => "nobody used it any more",
        RetirementCause::Emergency => "it had to go at once",
    };
    let notice =
        retirement.notice.map(|notice| format!("callers had {} days of notice", notice.seconds / 86_400));
    let grounds: Vec<String> =
        [cause.to_owned(), notice.unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect();
    lines.extend((!grounds.is_empty()).then(|| grounds.join("; ")));
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::{Decision, Reminder};

    const DAY: i64 = 86_400;

    fn at(days: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds: 1_767_225_600 + days * DAY, nanos: 0 })
    }

    fn deprecated() -> Version {
        let reminder = |days, sent_time| Reminder { due_time: at(days), sent_time, ..Reminder::default() };
        Version {
            effective_sunset_time: at(20),
            deprecation: Some(Deprecation {
                sunset_time: at(30),
                no_replacement_reason: "We are still looking".into(),
                reminders: vec![
                    reminder(1, at(1)),
                    reminder(7, None),
                    reminder(14, None),
                    reminder(23, None),
                ],
                brownouts: vec![Brownout {
                    start_time: at(7),
                    end_time: at(8),
                    outcome: BrownoutOutcome::Suspended.into(),
                }],
                ..Deprecation::default()
            }),
            ..Version::default()
        }
    }

    #[test]
    fn what_is_to_come_before_the_sunset_is_listed() {
        let text = super::facts(Facts::new(), &deprecated()).text();
        assert!(text.contains("Sunset:        2026-01-31T00:00:00Z\n"), "{text}");
        assert!(text.contains("Ends already:  2026-01-21T00:00:00Z\n"), "{text}");
        assert!(text.contains("2026-01-08, 2026-01-15\n") && !text.contains("2026-01-02"), "{text}");
        assert!(!text.contains("2026-01-24"), "the provider ends it before: {text}");
        assert!(text.contains("(left out: an incident was open)"), "{text}");
    }

    #[test]
    fn a_hold_and_a_retirement_say_why() {
        let decision =
            Some(Decision { actor: "ada".into(), reason: "It leaks".into(), ..Decision::default() });
        let version = Version {
            hold: Some(Hold { decision: decision.clone(), ..Hold::default() }),
            retirement: Some(Retirement {
                decision,
                cause: RetirementCause::Emergency.into(),
                notice: Some(prost_types::Duration { seconds: 2 * DAY, nanos: 0 }),
            }),
            ..Version::default()
        };
        let text = super::facts(Facts::new(), &version).text();
        assert!(text.contains("On hold:") && text.contains("by ada: It leaks"), "{text}");
        assert!(text.contains("it had to go at once; callers had 2 days of notice"), "{text}");
    }
}
