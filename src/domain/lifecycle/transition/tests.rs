//! The state machine, exhaustively.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::version::{Artifact, VersionContent};
use VersionState::*;

const STATES: [VersionState; 7] = [Draft, Candidate, Approved, Deprecated, Retired, Rejected, Archived];

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn name(number: u32) -> VersionName {
    format!("namespaces/default/models/m/versions/{number}").parse().unwrap()
}

fn version(state: VersionState) -> Version {
    let artifact = Artifact {
        uri: "s3://b/k".into(),
        digest: format!("sha256:{}", "0".repeat(64)),
        ..Default::default()
    };
    let content = VersionContent { artifacts: vec![artifact], ..Default::default() };
    Version { state, ..Version::create(name(1), content, at(0)) }
}

fn decision(micros: i64) -> Decision {
    Decision { actor: "ann".into(), reason: "because".into(), time: at(micros) }
}

fn deprecate(replacement: u32) -> Verb {
    Verb::Deprecate { sunset_time: at(100), successor: Successor::Replacement(name(replacement)) }
}

fn approved() -> Replacement {
    Replacement { state: Some(Approved), onward: Vec::new() }
}

fn verbs() -> [Verb; 7] {
    [Verb::Submit, Verb::Approve, Verb::Reject, deprecate(2), Verb::Reinstate, Verb::Retire, Verb::Archive]
}

fn reasons(result: Result<Version, Vec<Refusal>>) -> Vec<Reason> {
    result.unwrap_err().into_iter().map(|refusal| refusal.reason).collect()
}

#[test]
fn every_pair_of_state_and_verb_follows_the_table() {
    let table = [
        ("submit", vec![(Draft, Candidate)]),
        ("approve", vec![(Candidate, Approved)]),
        ("reject", vec![(Candidate, Rejected)]),
        ("deprecate", vec![(Approved, Deprecated)]),
        ("reinstate", vec![(Deprecated, Approved)]),
        ("retire", vec![(Deprecated, Retired)]),
        ("archive", vec![(Retired, Archived), (Rejected, Archived)]),
    ];
    for verb in verbs() {
        let legal = &table.iter().find(|(word, _)| *word == verb.word()).unwrap().1;
        for from in STATES {
            let result = apply(version(from), &verb, decision(1), &approved());
            match legal.iter().find(|(legal_from, _)| *legal_from == from) {
                Some((_, to)) => assert_eq!(result.unwrap().state, *to, "{} {from:?}", verb.word()),
                None => {
                    assert!(reasons(result).contains(&Reason::IllegalTransition), "{} {from:?}", verb.word())
                }
            }
        }
    }
}

#[test]
fn a_refusal_names_every_guard_and_not_only_the_first() {
    let verb = Verb::Deprecate { sunset_time: at(1), successor: Successor::Replacement(name(2)) };
    let facts = Replacement { state: Some(Candidate), onward: Vec::new() };
    let found = reasons(apply(version(Draft), &verb, decision(1), &facts));
    assert_eq!(found, [Reason::IllegalTransition, Reason::SunsetNotInFuture, Reason::ReplacementNotApproved]);
}

#[test]
fn a_draft_without_artifact_digest_or_upstream_is_not_submitted() {
    let mut draft = version(Draft);
    draft.content.artifacts[0].digest.clear();
    assert_eq!(reasons(apply(draft, &Verb::Submit, decision(1), &approved())), [Reason::ContentIncomplete]);
}

#[test]
fn replacements_make_no_circle() {
    let itself = apply(version(Approved), &deprecate(1), decision(1), &approved());
    assert_eq!(reasons(itself), [Reason::ReplacementCircle]);
    let detour = Replacement { state: Some(Approved), onward: vec![name(3), name(1)] };
    assert_eq!(
        reasons(apply(version(Approved), &deprecate(2), decision(1), &detour)),
        [Reason::ReplacementCircle]
    );
    let missing = Replacement::default();
    assert_eq!(
        reasons(apply(version(Approved), &deprecate(2), decision(1), &missing)),
        [Reason::ReplacementMissing]
    );
}

#[test]
fn reinstating_voids_the_sunset() {
    let deprecated = apply(version(Approved), &deprecate(2), decision(1), &approved()).unwrap();
    assert_eq!(deprecated.deprecation.as_ref().unwrap().sunset_time, at(100));
    let reinstated = apply(deprecated, &Verb::Reinstate, decision(2), &approved()).unwrap();
    assert_eq!(reinstated.deprecation, None);
    assert_eq!(reinstated.update_time, at(2));
}

#[test]
fn a_version_is_frozen_from_submission_on() {
    for state in STATES {
        let updated = version(state).update(VersionContent::default(), at(5));
        assert_eq!(updated.is_ok(), state == Draft, "{state:?}");
    }
}
