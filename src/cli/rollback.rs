//! `steward alias rollback` and `readiness`: the way back, taken, rehearsed, and
//! looked at before it is needed.

use clap::Args;
use jiff::Timestamp;

use super::{
    client::Session,
    environment::now,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason},
    name::{self, AliasRef},
    refusal::in_words,
    table::{Facts, time, version_words, word},
};
use crate::proto::v1::{
    Alias, Drill, GetAliasReadinessRequest, GetAliasRequest, Readiness, ReadinessState, RollbackAliasRequest,
};

/// Arguments of `steward alias rollback`.
#[derive(Args, Debug)]
pub struct RollbackArgs {
    #[command(flatten)]
    alias: AliasRef,

    /// The version to go back to, by number or full name; the last safe one when absent
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,

    /// Rehearse only: everything is checked and goes on record, but nothing moves
    #[arg(long)]
    drill: bool,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward alias readiness`.
#[derive(Args, Debug)]
pub struct ReadinessArgs {
    #[command(flatten)]
    alias: AliasRef,
}

/// Moves an alias back, or rehearses it.
pub async fn rollback(session: &Session, args: RollbackArgs) -> Result<(), Failure> {
    let name = name::alias(session.namespace(), &args.alias)?;
    let to = args.to.as_deref();
    let target = to.map(|given| name::version_of(session.namespace(), name::parent(&name), given));
    let request_id = args.change.request_id();
    let request = RollbackAliasRequest {
        name,
        version: target.transpose()?.unwrap_or_default(),
        drill: args.drill,
        reason: args.reason.reason,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.aliases().rollback_alias(r).await;
    let alias = session.change(&request_id, request, send).await?;
    let sentence = if args.drill { drill_sentence(&alias) } else { rollback_sentence(&alias) };
    session.output().changed(args.change.dry_run, &alias, &sentence, &super::alias::facts(&alias, None))
}

/// Shows how ready an alias is to go back.
pub async fn readiness(session: &Session, args: ReadinessArgs) -> Result<(), Failure> {
    let name = name::alias(session.namespace(), &args.alias)?;
    let request = GetAliasReadinessRequest { name: name.clone() };
    let readiness = session.call(request, async |r| session.aliases().get_alias_readiness(r).await).await?;
    if session.output().is_json() {
        return super::output::write_json(&readiness);
    }
    // The last rehearsal is known to the alias, not to the look at it.
    let request = GetAliasRequest { name: name.clone(), read_at: None };
    let alias = session.call(request, async |r| session.aliases().get_alias(r).await).await?;
    session.output().say(&readiness_sentence(&name, &readiness))?;
    let facts = drill_fact(readiness_facts(Facts::new(), &readiness), alias.drill.as_ref(), Some(now()));
    session.output().resource(&readiness, &facts)
}

fn rollback_sentence(alias: &Alias) -> String {
    format!(
        "Alias {} is back on {}; before it was version {} (audit position {}).",
        name::id(&alias.name),
        version_words(&alias.version),
        name::id(&alias.previous_version),
        alias.audit_position
    )
}

fn drill_sentence(alias: &Alias) -> String {
    let target = alias.drill.as_ref().map(|drill| version_words(&drill.target)).unwrap_or_default();
    format!(
        "The rehearsal went well: alias {} could go back to {target}. Nothing has moved (audit position {}).",
        name::id(&alias.name),
        alias.audit_position
    )
}

fn readiness_sentence(alias: &str, readiness: &Readiness) -> String {
    let (id, model) = (name::id(alias), name::id(name::parent(alias)));
    let target = version_words(&readiness.target);
    match readiness.state() {
        ReadinessState::Ready => format!("Alias {id} of {model} can go back to {target}."),
        ReadinessState::Degraded => format!("Alias {id} of {model} can go back to {target}, but:"),
        ReadinessState::None | ReadinessState::Unspecified => {
            format!("There is no safe version that alias {id} of {model} could go back to:")
        }
    }
}

/// How ready, in a word.
pub fn readiness_word(readiness: &Readiness) -> String {
    word(readiness.state().as_str_name(), "READINESS_STATE_")
}

/// What is known of the way back.
pub fn readiness_facts(facts: Facts, readiness: &Readiness) -> Facts {
    let target = match readiness.target.as_str() {
        "" => String::new(),
        version => version_words(version),
    };
    let closes = match readiness.days_until_no_way_back {
        Some(days) => format!("{} (in {days} days)", time(readiness.no_way_back_time)),
        None => time(readiness.no_way_back_time),
    };
    facts
        .add("Way back", readiness_word(readiness))
        .add("Back to", target)
        .add_lines("Because", readiness.reasons.iter().map(|reason| in_words(reason)))
        .add("Closes on", closes)
}

/// The last rehearsal; with a time, its age then.
pub fn drill_fact(facts: Facts, drill: Option<&Drill>, now: Option<Timestamp>) -> Facts {
    let Some(drill) = drill else { return facts.add("Rehearsed", "never") };
    let seconds = now.zip(drill.drill_time).map(|(now, at)| now.as_second() - at.seconds);
    let age = match seconds.map(|seconds| seconds / 86_400) {
        None => String::new(),
        Some(..=0) => ", today".to_owned(),
        Some(1) => ", 1 day ago".to_owned(),
        Some(days) => format!(", {days} days ago"),
    };
    facts.add(
        "Rehearsed",
        format!(
            "{} by {}{age}, back to {}",
            time(drill.drill_time),
            drill.actor,
            version_words(&drill.target)
        ),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const ALIAS: &str = "namespaces/n/models/m/aliases/production";
    const OLD: &str = "namespaces/n/models/m/versions/1";

    #[test]
    fn a_rollback_says_where_to_and_where_from() {
        let alias = Alias {
            name: ALIAS.into(),
            version: OLD.into(),
            previous_version: "namespaces/n/models/m/versions/2".into(),
            audit_position: 9,
            ..Alias::default()
        };
        assert_eq!(
            rollback_sentence(&alias),
            "Alias production is back on version 1 of m; before it was version 2 (audit position 9)."
        );
    }

    #[test]
    fn a_rehearsal_is_shown_with_its_age() {
        let drill = Drill {
            actor: "ada".into(),
            target: OLD.into(),
            drill_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
        };
        let at = |text: &str| drill_fact(Facts::new(), Some(&drill), Some(text.parse().unwrap())).text();
        assert!(at("2026-01-01T09:00:00Z").contains("by ada, today, back to version 1 of m"));
        assert!(at("2026-02-01T09:00:00Z").contains("31 days ago"));
        assert!(drill_fact(Facts::new(), None, None).text().contains("never"));
    }

    #[test]
    fn a_way_back_that_closes_says_when_and_in_how_many_days() {
        let readiness = Readiness {
            state: ReadinessState::Degraded.into(),
            reasons: vec!["nobody has rehearsed the way back".into()],
            target: OLD.into(),
            no_way_back_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
            days_until_no_way_back: Some(12),
            check_time: None,
        };
        assert!(readiness_sentence(ALIAS, &readiness).ends_with("version 1 of m, but:"));
        let text = readiness_facts(Facts::new(), &readiness).text();
        assert!(text.contains("2026-01-01T00:00:00Z (in 12 days)"), "{text}");
    }
}
