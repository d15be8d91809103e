//! The tables of docs/lifecycle.md follow the code. With STEWARD_BLESS=1 they are
//! written anew.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    VersionState,
    consent::Need,
    fixture::{deprecate, emergency, held, version},
    transition::Verb,
};
use crate::domain::{
    model::RiskTier,
    policy::{PolicyContent, defaults},
    refusal::Reason,
    time::Timestamp,
};
use std::fmt::Write as _;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lifecycle.md");

fn verbs() -> Vec<Verb> {
    let sunset_time = Timestamp::MAX;
    vec![
        Verb::Submit,
        Verb::Approve { gates_overridden: false },
        Verb::Approve { gates_overridden: true },
        Verb::Reject,
        deprecate(sunset_time),
        Verb::ExtendSunset { sunset_time },
        Verb::ShortenSunset { sunset_time },
        Verb::Reinstate,
        Verb::Retire,
        emergency(),
        Verb::Restore { until_time: sunset_time },
        Verb::Archive,
        Verb::Hold,
        Verb::Release,
    ]
}

/// Who has to be for a step, in words.
fn people(verb: &Verb, has_users: bool) -> String {
    let policy = defaults::of_tier(RiskTier::Standard);
    let version = held(version(1, VersionState::Deprecated));
    let need = Need::of(verb, &version, &policy, "ann", has_users);
    let except = match need.excluded.as_deref() {
        Some("sue") => " other than who submitted it",
        Some("hal") => " other than who placed the hold",
        Some(_) => " other than who asks for it",
        None => "",
    };
    match need.people {
        0 => "one person".to_owned(),
        1 => format!("one person{except}"),
        count => format!("{count} people{except}"),
    }
}

fn transitions() -> String {
    let mut table = "| verb | from | to | who agrees |\n|---|---|---|---|\n".to_owned();
    for verb in verbs() {
        let word = match &verb {
            Verb::Approve { gates_overridden: true } => "approve, overriding gates",
            other => other.word().trim_end_matches(" of"),
        };
        let from = VersionState::ALL.into_iter().filter(|state| verb.leads_from(*state).is_some());
        let from: Vec<_> = from.map(|state| (state.word(), verb.leads_from(state).unwrap().word())).collect();
        let stays = from.iter().all(|(from, to)| from == to);
        let to = if stays { "the same" } else { from[0].1 };
        let from: Vec<&str> = from.into_iter().map(|(from, _)| from).collect();
        let (alone, used) = (people(&verb, false), people(&verb, true));
        let who = if alone == used { alone } else { format!("{alone}; with consumers {used}") };
        writeln!(table, "| {word} | {} | {to} | {who} |", from.join(", ")).unwrap();
    }
    table
}

/// The reasons for which a step of the lifecycle is refused, and what is refused.
fn guards() -> String {
    let mut table = "| reason | what stands against the step | steps |\n|---|---|---|\n".to_owned();
    for (reason, meaning, steps) in GUARDS {
        writeln!(table, "| `{}` | {meaning} | {steps} |", reason.as_str()).unwrap();
    }
    table
}

const GUARDS: [(Reason, &str, &str); 28] = [
    (Reason::IllegalTransition, "the version is in a state that the verb does not lead from", "all"),
    (Reason::ApprovalRequired, "too few people agree, or the wrong ones", "see above"),
    (Reason::ContentIncomplete, "neither an artifact with a digest nor an upstream reference", "submit"),
    (Reason::CardIncomplete, "the model's card lacks a field that the policy asks for", "submit, approve"),
    (Reason::EvidenceMissing, "no evaluation, or none that is fresh enough", "approve"),
    (Reason::GateFailed, "a gate of the policy is not passed", "approve"),
    (Reason::IncidentRequired, "there is no open incident", "approve overriding gates, restore"),
    (Reason::IncidentClosed, "the incident that was named is over", "all that name one"),
    (
        Reason::UpstreamEndsTooSoon,
        "the provider leaves less than the least life; or its notice has begun; or it ends before the restoration",
        "approve; reinstate; restore",
    ),
    (Reason::VersionOnHold, "somebody placed a hold", "approve, restore, archive, hold"),
    (Reason::VersionNotHeld, "there is no hold to lift", "release"),
    (Reason::SunsetNotInFuture, "the sunset is not after now", "deprecate, shorten"),
    (Reason::NoticeTooShort, "less than the notice is left; the earliest legal date is named", "deprecate"),
    (
        Reason::SunsetTooSoon,
        "callers were promised a longer life; the earliest legal date is named",
        "deprecate",
    ),
    (Reason::SunsetAfterUpstream, "beyond the provider's end less the margin", "deprecate, extend"),
    (Reason::ReplacementMissing, "the replacement does not exist", "deprecate, emergency-retire"),
    (
        Reason::ReplacementNotApproved,
        "the replacement is not APPROVED, or on hold",
        "deprecate, emergency-retire",
    ),
    (Reason::ReplacementCircle, "the replacement leads back to the version", "deprecate, emergency-retire"),
    (
        Reason::ReplacesOthers,
        "deprecated versions that live longer name this one as their replacement, and it names none itself",
        "deprecate",
    ),
    (
        Reason::SunsetPassed,
        "the version has ended, though the clock has not recorded it yet",
        "deprecate, extend, shorten, reinstate, retire, emergency-retire",
    ),
    (Reason::SunsetNotLater, "not after the present sunset", "extend"),
    (Reason::SunsetNotEarlier, "not before the present sunset", "shorten"),
    (Reason::ExtensionsExhausted, "extended as often as the policy allows", "extend"),
    (Reason::ExtensionTooLong, "further from the original sunset than the policy allows", "extend"),
    (Reason::VersionRestored, "it is back for hours only and has no sunset to move", "extend, shorten"),
    (Reason::VersionInUse, "a consumer resolved it in the last 7 days; all are named", "retire"),
    (Reason::RestorationTooLong, "the end is not within 72 hours", "restore"),
    (Reason::RetentionNotOver, "retired versions are kept longer", "archive"),
];

fn list(numbers: impl IntoIterator<Item = u32>) -> String {
    let words: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn policies() -> String {
    let tiers = [RiskTier::Preview, RiskTier::Standard, RiskTier::Critical].map(defaults::of_tier);
    let mut table = "| rule | preview | standard | critical |\n|---|---|---|---|\n".to_owned();
    let mut row = |name: &str, cell: &dyn Fn(&PolicyContent) -> String| {
        let cells: Vec<String> = tiers.iter().map(cell).collect();
        writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
    };
    row("`notice_days`: from the announcement to the sunset, at least", &|p| p.notice_days.to_string());
    row("`minimum_life_days`: from the approval to the earliest sunset", &|p| {
        p.minimum_life_days.to_string()
    });
    row("`reminder_days`: days before the sunset", &|p| list(p.reminder_days.iter().copied()));
    row("`brownouts`: days before the sunset, and minutes", &|p| {
        let windows = p.brownouts.iter().map(|b| format!("{} d: {} min", b.days_before, b.minutes));
        let windows: Vec<String> = windows.collect();
        if windows.is_empty() { "none".to_owned() } else { windows.join(", ") }
    });
    row("`upstream_margin_days`: before the provider's shutdown", &|p| p.upstream_margin_days.to_string());
    row("`extensions`: how often, days in all", &|p| {
        format!("{}, {} days", p.extensions.most, p.extensions.total_days)
    });
    row("`approvals`: people other than the submitter", &|p| p.approvals.to_string());
    row("`requires_evidence`: a fresh evaluation before approval", &|p| yes(p.requires_evidence));
    row("`evidence_max_age_days`: how long an evaluation counts", &|p| p.evidence_max_age_days.to_string());
    row("`card_fields`: how many fields of the card are required", &|p| p.card_fields.len().to_string());
    row("`rollback_min_days`: days that a way back has to have left", &|p| p.rollback_min_days.to_string());
    row("`drill_max_age_days`: how long a rehearsal counts; 0 asks for none", &|p| {
        p.drill_max_age_days.to_string()
    });
    row("`retention_days`: from the retirement to the archive", &|p| p.retention_days.to_string());
    row("`minimum_cell_count`: what is counted of fewer people goes into OTHER", &|p| {
        p.minimum_cell_count.0.to_string()
    });
    table
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

/// The text with a table between its markers.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: generated -->\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no marker for {name}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no end marker for {name}"));
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn the_tables_of_the_document_follow_the_code() {
    let found = std::fs::read_to_string(PATH).unwrap();
    let mut wanted = found.clone();
    for (name, table) in [("transitions", transitions()), ("guards", guards()), ("policies", policies())] {
        wanted = with_table(&wanted, name, &table);
    }
    if std::env::var_os("STEWARD_BLESS").is_some() {
        std::fs::write(PATH, &wanted).unwrap();
    } else {
        assert_eq!(found, wanted, "docs/lifecycle.md is not as the code is; see STEWARD_BLESS in this test");
    }
}

#[test]
fn the_document_names_every_guard_that_the_rules_use() {
    let sources =
        concat!(include_str!("guard.rs"), include_str!("guard/sunset.rs"), include_str!("../policy.rs"));
    for reason in Reason::ALL {
        let is_used = sources.contains(&format!("Reason::{reason:?}"));
        let is_told = GUARDS.iter().any(|(told, ..)| told == reason);
        assert!(!is_used || is_told, "{} is missing in the table of guards", reason.as_str());
    }
}
