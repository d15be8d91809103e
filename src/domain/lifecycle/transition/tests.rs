//! The state machine, exhaustively, and what each step leaves on record.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{lifecycle::fixture::*, refusal::Reason, time::HOUR};
use VersionState::*;

fn verbs() -> Vec<Verb> {
    vec![
        Verb::Submit,
        Verb::Approve { gates_overridden: false },
        Verb::Reject,
        deprecate(day(200)),
        Verb::ExtendSunset { sunset_time: day(210) },
        Verb::ShortenSunset { sunset_time: day(150) },
        Verb::Reinstate,
        Verb::Retire,
        emergency(),
        Verb::Restore { until_time: day(101) },
        Verb::Archive,
        Verb::Hold,
        Verb::Release,
    ]
}

/// The table of the design, by hand.
fn table(verb: &str) -> Vec<(VersionState, VersionState)> {
    match verb {
        "submit" => vec![(Draft, Candidate)],
        "approve" => vec![(Candidate, Approved)],
        "reject" => vec![(Candidate, Rejected)],
        "deprecate" => vec![(Approved, Deprecated)],
        "extend the sunset of" | "shorten the sunset of" => vec![(Deprecated, Deprecated)],
        "reinstate" => vec![(Deprecated, Approved)],
        "retire" => vec![(Deprecated, Retired)],
        "emergency-retire" => vec![(Approved, Retired), (Deprecated, Retired)],
        "restore" => vec![(Retired, Deprecated)],
        "archive" => vec![(Retired, Archived), (Rejected, Archived)],
        "hold" | "release" => {
            [Candidate, Approved, Deprecated, Retired, Rejected].map(|state| (state, state)).to_vec()
        }
        other => panic!("{other}"),
    }
}

/// A version that no guard but the state itself stands against.
fn fit(state: VersionState, verb: &Verb) -> Version {
    let mut version = version(1, state);
    if *verb == Verb::Archive {
        version.retirement.iter_mut().for_each(|retirement| retirement.decision.time = day(0));
    }
    if *verb == Verb::Release { held(version) } else { version }
}

#[test]
fn every_pair_of_state_and_verb_follows_the_table() {
    for verb in verbs() {
        for from in VersionState::ALL {
            let legal = table(verb.word()).into_iter().find(|(legal, _)| *legal == from);
            let result = Scene::standard().apply(fit(from, &verb), &verb);
            match legal {
                Some((_, to)) => assert_eq!(result.unwrap().state, to, "{} {from:?}", verb.word()),
                None => {
                    let refusals = result.unwrap_err();
                    assert_eq!(refusals[0].reason, Reason::IllegalTransition, "{} {from:?}", verb.word());
                    assert!(refusals[0].description.contains(from.word()), "{:?}", refusals[0]);
                }
            }
        }
    }
}

#[test]
fn a_refusal_names_every_guard_and_not_only_the_first() {
    let mut scene = Scene::standard();
    scene.replacement.state = Some(Candidate);
    let refusals = scene.apply(version(1, Draft), &deprecate_for(2, day(99))).unwrap_err();
    let found: Vec<Reason> = refusals.into_iter().map(|refusal| refusal.reason).collect();
    assert_eq!(found, [Reason::IllegalTransition, Reason::SunsetNotInFuture, Reason::ReplacementNotApproved]);
}

#[test]
fn a_step_goes_on_record_with_who_agreed_the_incident_and_the_policy() {
    let scene = Scene::standard();
    let review =
        scene.done(version(1, Candidate), &Verb::Approve { gates_overridden: false }).review.unwrap();
    assert_eq!((review.actor.as_str(), review.reason.as_str(), review.time), ("ann", "because", day(100)));
    assert_eq!(review.approvals.iter().map(|a| a.actor.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!((review.incident, review.policy), (Some(incident()), Some(scene.policy.reference())));
    assert!(!review.self_approved && !review.gates_overridden);
}

#[test]
fn an_approval_promises_the_least_life_and_remembers_the_providers_end() {
    let mut scene = Scene::standard();
    scene.upstream_end = Some(shutdown(700));
    let approved = scene.done(version(1, Candidate), &Verb::Approve { gates_overridden: false });
    assert_eq!(approved.not_sooner_than, Some(day(280)));
    assert_eq!(approved.effective_sunset(), Some(day(670)));
}

#[test]
fn a_moved_sunset_keeps_the_original_date() {
    let scene = Scene::standard();
    let extended = scene.done(version(1, Deprecated), &Verb::ExtendSunset { sunset_time: day(230) });
    let shortened = scene.done(extended, &Verb::ShortenSunset { sunset_time: day(150) });
    let deprecation = shortened.deprecation.unwrap();
    assert_eq!((deprecation.original_sunset(), deprecation.sunset_time), (day(200), day(150)));
    let moves: Vec<_> = deprecation.moves.iter().map(|moved| (moved.from, moved.to)).collect();
    assert_eq!(moves, [(day(200), day(230)), (day(230), day(150))]);
}

#[test]
fn reinstating_voids_the_sunset_on_record_but_not_what_callers_were_promised() {
    let scene = Scene::standard();
    let reinstated = scene.done(version(1, Deprecated), &Verb::Reinstate);
    assert_eq!((reinstated.deprecation.as_ref(), reinstated.effective_sunset()), (None, None));
    assert_eq!(reinstated.reinstatement.as_ref().unwrap().actor, "ann");
    assert_eq!(reinstated.not_sooner_than, Some(day(200)));
    scene.refusal(reinstated, &deprecate(day(199)), Reason::SunsetTooSoon);
}

#[test]
fn a_restored_version_that_is_reinstated_leaves_its_old_end_behind() {
    let mut scene = Scene::standard();
    scene.now = day(201);
    let reinstated = scene.done(back(day(202)), &Verb::Reinstate);
    assert_eq!((reinstated.retirement.as_ref(), reinstated.restoration.as_ref()), (None, None));
    let announced = scene.done(reinstated, &deprecate(day(300)));
    let (_, retired) = announced_steps(announced, &scene.policy).pop().unwrap();
    assert_eq!(retired.retirement.unwrap().cause, RetirementCause::Sunset);
}

fn announced_steps(mut version: Version, policy: &Policy) -> Vec<(crate::domain::event::EventType, Version)> {
    let mut steps = Vec::new();
    while let Ok((kind, next)) = version.clone().step(policy, day(1_000)) {
        steps.push((kind, next.clone()));
        version = next;
    }
    steps
}

#[test]
fn an_emergency_announces_and_ends_in_one_step_and_records_the_notice_really_given() {
    let scene = Scene::standard();
    let unannounced = scene.done(version(1, Approved), &emergency());
    let retirement = unannounced.retirement.unwrap();
    assert_eq!((retirement.cause, retirement.notice_seconds), (RetirementCause::Emergency, 0));
    assert_eq!(unannounced.deprecation.unwrap().sunset_time, day(100));
    let announced = scene.done(version(1, Deprecated), &emergency());
    assert_eq!(announced.retirement.unwrap().notice_seconds, 100 * 86_400);
    let successor = announced.deprecation.unwrap().successor;
    assert_eq!(successor, Successor::NoReplacementReason("it harms".to_owned()));
}

#[test]
fn a_restoration_names_no_replacement_that_went_meanwhile() {
    let mut scene = Scene::standard();
    scene.now = day(200);
    let until_time = day(200).plus_micros(72 * HOUR);
    for (state, is_kept) in [(Approved, true), (Deprecated, true), (Retired, false), (Archived, false)] {
        scene.replacement.state = Some(state);
        let mut retired = version(1, Retired);
        retired.deprecation.as_mut().unwrap().successor = Successor::Replacement(name(2));
        let restored = scene.done(retired, &Verb::Restore { until_time });
        assert_eq!(restored.deprecation.unwrap().replacement().is_some(), is_kept, "{state:?}");
        assert_eq!(restored.restoration.unwrap().until_time, until_time);
    }
}

#[test]
fn a_quarantine_outlives_rejection_and_retirement() {
    let scene = Scene::standard();
    assert!(scene.done(held(version(1, Candidate)), &Verb::Reject).hold.is_some());
    assert!(scene.done(held(version(1, Approved)), &emergency()).hold.is_some());
    let released = scene.done(held(version(1, Retired)), &Verb::Release);
    assert_eq!((released.hold, released.release.unwrap().actor.as_str()), (None, "ann"));
}

#[test]
fn those_who_named_a_version_that_goes_name_its_replacement_or_that_there_is_none() {
    let scene = Scene::standard();
    let mut old = version(2, Deprecated);
    old.deprecation.as_mut().unwrap().successor = Successor::Replacement(name(1));
    let gone = scene.done(version(1, Approved), &emergency());
    let told = old.clone().without_replacement(&gone, day(100)).unwrap().deprecation.unwrap();
    assert!(
        matches!(told.successor, Successor::NoReplacementReason(reason) if reason.contains("versions/1"))
    );
    let verb = Verb::EmergencyRetire { successor: Successor::Replacement(name(3)) };
    let gone = scene.done(version(1, Approved), &verb);
    let told = old.clone().without_replacement(&gone, day(100)).unwrap().deprecation.unwrap();
    assert_eq!(told.successor, Successor::Replacement(name(3)));
    old.deprecation.as_mut().unwrap().successor = Successor::Replacement(name(4));
    assert_eq!(old.without_replacement(&gone, day(100)), None);
}

#[test]
fn a_version_is_frozen_from_submission_on() {
    for state in VersionState::ALL {
        let updated = version(1, state).update(Default::default(), day(5));
        assert_eq!(updated.is_ok(), state == Draft, "{state:?}");
    }
}
