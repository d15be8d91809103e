//! Proposals as people see them.

use super::{
    name,
    table::{Facts, Table, day, resource_words, time, version_words, word},
};
use crate::proto::v1::{
    ActKind, Proposal, ProposalAct, ProposalState, deprecate_step, emergency_retire_step, proposal::Step,
};

/// The key facts of a proposal.
pub fn facts(proposal: &Proposal) -> Facts {
    let incident =
        if proposal.incident.is_empty() { String::new() } else { resource_words(&proposal.incident) };
    let expires =
        if proposal.state() == ProposalState::Open { time(proposal.expire_time) } else { String::new() };
    Facts::new()
        .add("Proposal", name::id(&proposal.name))
        .add("To", step_words(proposal))
        .add("State", state_word(proposal))
        .add("Reason", &proposal.reason)
        .add("Incident", incident)
        .add("Proposed", format!("{} by {}", time(proposal.create_time), proposal.author))
        .add_lines("Since then", proposal.acts.iter().map(act_words))
        .add("Void after", expires)
        .add("Etag", &proposal.etag)
        .add("Full name", &proposal.name)
}

/// Proposals as a table.
pub fn table(proposals: &[Proposal]) -> Table {
    let mut table =
        Table::new(["VERSION", "PROPOSAL", "TO", "BY", "STATE", "AGREED", "VOID AFTER", "REASON"]);
    for proposal in proposals {
        table.row([
            name::id(name::parent(&proposal.name)),
            name::id(&proposal.name),
            step_words(proposal),
            proposal.author.clone(),
            state_word(proposal),
            agreeing(proposal).join(", "),
            day(proposal.expire_time),
            proposal.reason.clone(),
        ]);
    }
    table
}

/// Where a proposal stands, in a sentence, with the command for whoever is next.
pub fn sentence(proposal: &Proposal) -> String {
    let version = name::parent(&proposal.name);
    let what = step_words(proposal);
    let position = proposal.audit_position;
    match proposal.state() {
        ProposalState::Open => format!(
            "It is proposed to {what} (audit position {position}). Somebody else has to agree: `steward \
             proposal approve {} {} {}`.",
            name::id(name::parent(version)),
            name::id(version),
            name::id(&proposal.name),
        ),
        ProposalState::CarriedOut => {
            format!("It is agreed to {what}, and it is done (audit position {position}).")
        }
        ProposalState::Rejected => {
            format!("The proposal to {what} is rejected (audit position {position}).")
        }
        ProposalState::Withdrawn => {
            format!("The proposal to {what} is taken back (audit position {position}).")
        }
        ProposalState::Expired | ProposalState::Unspecified => {
            format!("The proposal to {what} is {}.", state_word(proposal))
        }
    }
}

/// What is proposed, as a verb with its object: `deprecate version 1 of m on 2026-01-01`.
pub fn step_words(proposal: &Proposal) -> String {
    let version = version_words(name::parent(&proposal.name));
    match &proposal.step {
        Some(Step::Approve(step)) if step.gates_overridden => {
            format!("approve {version} in spite of gates that fail")
        }
        Some(Step::Approve(_)) => format!("approve {version}"),
        Some(Step::Deprecate(step)) => {
            let successor = match &step.successor {
                Some(deprecate_step::Successor::Replacement(replacement)) => {
                    format!("in favour of {}", version_words(replacement))
                }
                Some(deprecate_step::Successor::NoReplacementReason(why)) => {
                    format!("without a replacement ({why})")
                }
                None => String::new(),
            };
            format!("deprecate {version} until {} {successor}", day(step.sunset_time)).trim_end().to_owned()
        }
        Some(Step::ExtendSunsetTime(sunset)) => {
            format!("put the sunset of {version} off to {}", time(Some(*sunset)))
        }
        Some(Step::ShortenSunsetTime(sunset)) => {
            format!("bring the sunset of {version} forward to {}", time(Some(*sunset)))
        }
        Some(Step::EmergencyRetire(step)) => {
            let successor = match &step.successor {
                Some(emergency_retire_step::Successor::Replacement(replacement)) => {
                    format!(" in favour of {}", version_words(replacement))
                }
                _ => String::new(),
            };
            format!("take {version} out of service at once{successor}")
        }
        Some(Step::RestoreUntilTime(until)) => {
            format!("bring {version} back until {}", time(Some(*until)))
        }
        Some(Step::Release(())) => format!("release {version}"),
        Some(Step::Reinstate(())) => format!("reinstate {version}"),
        None => format!("do something with {version} that this release does not know"),
    }
}

fn state_word(proposal: &Proposal) -> String {
    word(proposal.state().as_str_name(), "PROPOSAL_STATE_")
}

/// Who agrees at present: of one person the last approval or revocation counts.
fn agreeing(proposal: &Proposal) -> Vec<&str> {
    let mut people: Vec<&str> = Vec::new();
    for act in &proposal.acts {
        match act.kind() {
            ActKind::Approve if !people.contains(&act.actor.as_str()) => people.push(&act.actor),
            ActKind::Revoke => people.retain(|person| *person != act.actor),
            _ => {}
        }
    }
    people
}

fn act_words(act: &ProposalAct) -> String {
    let done = match act.kind() {
        ActKind::Approve => "agreed",
        ActKind::Revoke => "took the agreement back",
        ActKind::Reject => "said no",
        ActKind::Withdraw => "took the proposal back",
        ActKind::Comment | ActKind::Unspecified => "said",
    };
    let comment = if act.comment.is_empty() { String::new() } else { format!(": {}", act.comment) };
    format!("{} {} {done}{comment}", time(act.time), act.actor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::DeprecateStep;

    fn farewell() -> Proposal {
        Proposal {
            name: "namespaces/n/models/m/versions/1/proposals/farewell".into(),
            step: Some(Step::Deprecate(DeprecateStep {
                sunset_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
                successor: Some(deprecate_step::Successor::Replacement(
                    "namespaces/n/models/m/versions/2".into(),
                )),
            })),
            state: ProposalState::Open.into(),
            audit_position: 9,
            ..Proposal::default()
        }
    }

    fn act(kind: ActKind, actor: &str) -> ProposalAct {
        ProposalAct { kind: kind.into(), actor: actor.into(), ..ProposalAct::default() }
    }

    #[test]
    fn an_open_proposal_says_who_has_to_do_what() {
        assert_eq!(
            sentence(&farewell()),
            "It is proposed to deprecate version 1 of m until 2026-01-01 in favour of version 2 of m (audit \
             position 9). Somebody else has to agree: `steward proposal approve m 1 farewell`."
        );
        let done = Proposal { state: ProposalState::CarriedOut.into(), ..farewell() };
        assert!(
            sentence(&done).starts_with("It is agreed to deprecate version 1 of m"),
            "{}",
            sentence(&done)
        );
    }

    #[test]
    fn of_one_person_only_the_last_word_counts() {
        let acts =
            vec![act(ActKind::Approve, "ada"), act(ActKind::Approve, "ben"), act(ActKind::Revoke, "ada")];
        assert_eq!(agreeing(&Proposal { acts, ..farewell() }), ["ben"]);
    }
}
