//! `steward explain`: what an alias was at a time, on what evidence, and
//! approved by whom.

use clap::Args;
use serde_json::{Value, json};
use tonic::Code;

use super::{
    argument::At,
    client::Session,
    decision_view::{decision_lines, evidence_lines, gate_lines, policy_words},
    error::{Failure, Violation},
    flags::PastFlag,
    json::to_value,
    name,
    output::{write, write_value},
    point::point_words,
    table::{Facts, printable, time, version_words},
    version_view::state_word,
};
use crate::proto::v1::{
    AliasChange, AuditEvent, AuditEventFilter, Evaluation, GetAliasHistoryRequest, GetAliasRequest,
    GetVersionRequest, ListAuditEventsRequest, ListEvaluationsRequest, ResolveVersionRequest, Version,
    resolve_version_request::Selector,
};

/// The largest page.
const PAGE: i32 = 1_000;

/// Evaluations that are shown where no gate names its evidence.
const SHOWN: usize = 5;

/// Arguments of `steward explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The model: its id, or its full name
    #[arg(value_name = "MODEL")]
    model: String,

    /// The alias
    #[arg(value_name = "ALIAS", default_value = "production")]
    alias: String,

    #[command(flatten)]
    past: PastFlag,
}

/// Everything that is known about an alias at a time.
struct Explanation {
    alias: String,
    at: Option<At>,
    version: Version,
    /// Why it did not resolve then, although the alias pointed there.
    refusals: Vec<String>,
    since: Option<AliasChange>,
    /// Recorded before the approval, the newest window first.
    evaluations: Vec<Evaluation>,
    /// What happened to the version until then.
    events: Vec<AuditEvent>,
}

/// Carries out the command.
pub async fn run(session: &Session, args: ExplainArgs) -> Result<(), Failure> {
    let model = name::model(session.namespace(), &args.model)?;
    let alias = name::alias_of(session.namespace(), &args.model, &args.alias)?;
    let (version, refusals) = pointed_to(session, &model, &alias, &args).await?;
    let request = GetVersionRequest { name: version, read_at: args.past.read_at() };
    let version = session.call(request, async |r| session.versions().get_version(r).await).await?;
    let explanation = Explanation {
        since: since(session, &alias, args.past.at.as_ref()).await?,
        evaluations: evaluations(session, &version).await?,
        events: events(session, &version, args.past.at.as_ref()).await?,
        alias,
        at: args.past.at,
        version,
        refusals,
    };
    match session.output().is_json() {
        true => write_value(&explanation.json()?),
        false => write(&explanation.text()),
    }
}

/// The version that the alias led to, and why it did not resolve, if it did not.
async fn pointed_to(
    session: &Session,
    model: &str,
    alias: &str,
    args: &ExplainArgs,
) -> Result<(String, Vec<String>), Failure> {
    let request = ResolveVersionRequest {
        model: model.to_owned(),
        selector: Some(Selector::Alias(args.alias.clone())),
        consumer: String::new(),
        read_at: args.past.read_at(),
    };
    let answer = session.call(request, async |r| session.versions().resolve_version(r).await).await;
    match answer {
        Ok(answer) => Ok((answer.version.unwrap_or_default().name, Vec::new())),
        Err(failure) if failure.code() == Some(Code::FailedPrecondition) => {
            let refusals = failure.violations().iter().map(Violation::text).collect();
            let request = GetAliasRequest { name: alias.to_owned(), read_at: args.past.read_at() };
            let alias = session.call(request, async |r| session.aliases().get_alias(r).await).await?;
            Ok((alias.version, refusals))
        }
        Err(failure) => Err(failure),
    }
}

/// The change since which the alias pointed there: of those until then the
/// oldest that no other version lies behind.
async fn since(session: &Session, alias: &str, at: Option<&At>) -> Result<Option<AliasChange>, Failure> {
    let (mut found, mut page_token): (Option<AliasChange>, _) = (None, String::new());
    loop {
        let request = GetAliasHistoryRequest { name: alias.to_owned(), page_size: PAGE, page_token };
        let page = session.call(request, async |r| session.aliases().get_alias_history(r).await).await?;
        for change in page.changes {
            match &found {
                Some(later) if later.version != change.version => return Ok(found),
                None if !had_happened(change.time, change.audit_position, at) => {}
                _ => found = Some(change),
            }
        }
        if page.next_page_token.is_empty() {
            return Ok(found);
        }
        page_token = page.next_page_token;
    }
}

fn had_happened(time: Option<prost_types::Timestamp>, position: u64, at: Option<&At>) -> bool {
    let key = |time: &prost_types::Timestamp| (time.seconds, time.nanos);
    match at {
        None => true,
        Some(At::Position(last)) => position <= *last,
        Some(At::Time(last)) => time.is_some_and(|time| key(&time) <= key(last)),
    }
}

/// The evaluations of a version that were recorded before its review.
async fn evaluations(session: &Session, version: &Version) -> Result<Vec<Evaluation>, Failure> {
    let Some(reviewed) = version.review.as_ref().and_then(|review| review.time) else {
        return Ok(Vec::new());
    };
    let request = ListEvaluationsRequest {
        parent: version.name.clone(),
        page_size: PAGE,
        order_by: "window_end_time desc".to_owned(),
        ..ListEvaluationsRequest::default()
    };
    let list = session.call(request, async |r| session.evaluations().list_evaluations(r).await).await?;
    let before = |evaluation: &Evaluation| had_happened(evaluation.create_time, 0, Some(&At::Time(reviewed)));
    Ok(list.evaluations.into_iter().filter(before).collect())
}

/// What happened to the version until then, without what was recorded below it.
async fn events(session: &Session, version: &Version, at: Option<&At>) -> Result<Vec<AuditEvent>, Failure> {
    let request = ListAuditEventsRequest {
        parent: session.namespace().to_owned(),
        page_size: PAGE,
        filter: Some(AuditEventFilter {
            resource_prefixes: vec![version.name.clone()],
            ..AuditEventFilter::default()
        }),
        ..ListAuditEventsRequest::default()
    };
    let list = session.call(request, async |r| session.audit().list_audit_events(r).await).await?;
    let last = match at {
        Some(At::Position(position)) => *position,
        // The state that was read names the last event that made it.
        _ => version.audit_position,
    };
    let of_version = |event: &AuditEvent| event.subject == version.name && event.position <= last;
    Ok(list.audit_events.into_iter().filter(of_version).collect())
}

impl Explanation {
    fn text(&self) -> String {
        let when = match &self.at {
            None => "Now".to_owned(),
            Some(At::Time(at)) => format!("On {}", time(Some(*at))),
            Some(At::Position(position)) => format!("At audit position {position}"),
        };
        let verb = if self.at.is_some() { "was" } else { "is" };
        let mut sentence = format!(
            "{when}, {} of {} {verb} version {} ({}).\n",
            name::id(&self.alias),
            name::id(name::parent(&self.alias)),
            name::id(&self.version.name),
            state_word(&self.version)
        );
        for refusal in &self.refusals {
            sentence.push_str(&format!("But it did not resolve: {refusal}.\n"));
        }
        format!("{}{}", printable(&sentence), self.facts().text())
    }

    fn facts(&self) -> Facts {
        let version = &self.version;
        let review = version.review.as_ref();
        let digest = review.and_then(|review| review.policy.as_ref());
        let check = digest.map(|policy| {
            format!("steward policy get {} --digest {}", name::id(&policy.policy), policy.digest)
        });
        let end = match time(version.effective_sunset_time) {
            none if none.is_empty() => none,
            end => format!("{end}{}", self.successor()),
        };
        Facts::new()
            .add("Label", &version.label)
            .add("Since", self.since.as_ref().map(change_words).unwrap_or_default())
            .add_lines("Submitted", decision_lines(version.submission.as_ref()))
            .add_lines("Approved", decision_lines(review))
            .add("Policy", policy_words(review))
            .add_lines("Gates", gate_lines(review))
            .add_lines("Evidence", self.evidence())
            .add("Ends", end)
            .add("Content digest", &version.content_digest)
            .add_lines("Audit positions", self.events.iter().map(event_words))
            .add("The rules then", check.unwrap_or_default())
    }

    fn successor(&self) -> String {
        match self.version.deprecation.as_ref().map(|deprecation| deprecation.replacement.as_str()) {
            None => String::new(),
            Some("") => ", without a replacement".to_owned(),
            Some(replacement) => format!(", replaced by {}", version_words(replacement)),
        }
    }

    /// What the gates looked at; without gates, what was recorded before the approval.
    fn evidence(&self) -> Vec<String> {
        let named = evidence_lines(self.version.review.as_ref());
        if !named.is_empty() {
            return named;
        }
        if self.evaluations.is_empty() {
            return vec!["no evaluation was recorded before the approval".to_owned()];
        }
        let mut lines: Vec<String> = self.evaluations.iter().take(SHOWN).map(evaluation_words).collect();
        if let Some(more) = self.evaluations.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        lines
    }

    fn json(&self) -> Result<Value, Failure> {
        let at = match &self.at {
            None => Value::Null,
            Some(At::Time(at)) => Value::from(time(Some(*at))),
            Some(At::Position(position)) => Value::from(format!("#{position}")),
        };
        let evaluations: Result<Vec<Value>, Failure> = self.evaluations.iter().map(to_value).collect();
        let positions: Vec<Value> = self
            .events
            .iter()
            .map(|event| json!({"position": event.position, "type": event.r#type}))
            .collect();
        Ok(json!({
            "alias": self.alias,
            "at": at,
            "version": to_value(&self.version)?,
            "since": self.since.as_ref().map(to_value).transpose()?,
            "refusals": self.refusals,
            "evaluations": evaluations?,
            "auditPositions": positions,
        }))
    }
}

fn change_words(change: &AliasChange) -> String {
    let reason = if change.reason.is_empty() { String::new() } else { format!(": {}", change.reason) };
    format!("{} by {}{reason} (audit position {})", time(change.time), change.actor, change.audit_position)
}

fn evaluation_words(evaluation: &Evaluation) -> String {
    let points: Vec<String> = evaluation.points.iter().map(point_words).collect();
    format!("{}: {}", name::id(&evaluation.name), points.join("; "))
}

fn event_words(event: &AuditEvent) -> String {
    format!("{} {}", event.position, event.r#type.rsplit('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::{Decision, VersionState};

    const NEW_YEAR: prost_types::Timestamp = prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 };

    fn explanation(at: Option<At>) -> Explanation {
        Explanation {
            alias: "namespaces/n/models/m/aliases/production".into(),
            at,
            version: Version {
                name: "namespaces/n/models/m/versions/2".into(),
                state: VersionState::Approved.into(),
                review: Some(Decision {
                    actor: "marta".into(),
                    reason: "Good".into(),
                    ..Decision::default()
                }),
                ..Version::default()
            },
            refusals: Vec::new(),
            since: Some(AliasChange {
                actor: "ines".into(),
                time: Some(NEW_YEAR),
                audit_position: 6,
                ..AliasChange::default()
            }),
            evaluations: Vec::new(),
            events: vec![AuditEvent {
                position: 5,
                r#type: "steward.v1.VersionApproved".into(),
                ..AuditEvent::default()
            }],
        }
    }

    #[test]
    fn the_past_is_told_with_who_approved_and_since_when() {
        let text = explanation(Some(At::Time(NEW_YEAR))).text();
        assert!(
            text.starts_with("On 2026-01-01T00:00:00Z, production of m was version 2 (APPROVED).\n"),
            "{text}"
        );
        assert!(text.contains("2026-01-01T00:00:00Z by ines (audit position 6)"), "{text}");
        assert!(text.contains("by marta: Good"), "{text}");
        assert!(text.contains("no evaluation was recorded before the approval"), "{text}");
        assert!(text.contains("5 VersionApproved"), "{text}");
        assert!(explanation(None).text().starts_with("Now, production of m is version 2"), "now");
    }

    #[test]
    fn a_change_of_later_is_not_where_it_pointed_then() {
        let later = Some(prost_types::Timestamp { nanos: 1, ..NEW_YEAR });
        assert!(!had_happened(later, 9, Some(&At::Time(NEW_YEAR))));
        assert!(had_happened(Some(NEW_YEAR), 9, Some(&At::Time(NEW_YEAR))));
        assert!(
            had_happened(None, 9, Some(&At::Position(9))) && !had_happened(None, 9, Some(&At::Position(8)))
        );
    }
}
