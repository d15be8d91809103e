//! Who has to agree, and who does not count.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::domain::{
    lifecycle::{VersionState::*, fixture::*},
    refusal::Reason,
};

const APPROVE: Verb = Verb::Approve { gates_overridden: false };
const OVERRIDE: Verb = Verb::Approve { gates_overridden: true };

/// A step on day 100 by these people, the first of whom asks for it.
fn asked(version: Version, verb: &Verb, people: &[&'static str]) -> Result<Version, Vec<Reason>> {
    let scene = Scene { author: people[0], approvers: people[1..].to_vec(), ..Scene::standard() };
    scene.apply(version, verb).map_err(|refusals| refusals.into_iter().map(|r| r.reason).collect())
}

fn too_few(version: Version, verb: &Verb, people: &[&'static str]) {
    assert_eq!(asked(version, verb, people), Err(vec![Reason::ApprovalRequired]), "{verb:?} by {people:?}");
}

#[test]
fn the_submitter_does_not_approve_alone_however_often() {
    too_few(version(1, Candidate), &APPROVE, &["sue"]);
    too_few(version(1, Candidate), &APPROVE, &["sue", "sue"]);
    assert!(asked(version(1, Candidate), &APPROVE, &["ann"]).is_ok());
    assert!(asked(version(1, Candidate), &APPROVE, &["sue", "bob"]).is_ok());
}

#[test]
fn a_policy_may_ask_for_several_approvers_who_are_different_people() {
    let mut scene = Scene::standard();
    scene.policy.content.approvals = 2;
    scene.approvers = vec!["ann", "sue"];
    let refusal = scene.refusal(version(1, Candidate), &APPROVE, Reason::ApprovalRequired);
    assert_eq!((value(&refusal, "people_needed"), value(&refusal, "people_counted")), ("2", "1"));
    assert!(refusal.description.contains("other than \"sue\""), "{}", refusal.description);
    scene.approvers = vec!["bob"];
    scene.done(version(1, Candidate), &APPROVE);
}

#[test]
fn gates_are_overridden_by_one_person_more_than_an_approval_takes() {
    too_few(version(1, Candidate), &OVERRIDE, &["ann"]);
    too_few(version(1, Candidate), &OVERRIDE, &["sue", "sue"]);
    let approved = asked(version(1, Candidate), &OVERRIDE, &["ann", "bob"]).unwrap();
    assert!(approved.review.unwrap().gates_overridden);
}

#[test]
fn what_cannot_wait_or_be_undone_takes_two_people() {
    for (state, verb) in [
        (Deprecated, Verb::ShortenSunset { sunset_time: day(150) }),
        (Deprecated, emergency()),
        (Approved, emergency()),
        (Retired, Verb::Restore { until_time: day(101) }),
    ] {
        too_few(version(1, state), &verb, &["ann"]);
        too_few(version(1, state), &verb, &["ann", "ann"]);
        assert!(asked(version(1, state), &verb, &["ann", "bob"]).is_ok());
    }
}

#[test]
fn a_version_that_two_people_brought_back_for_hours_stays_with_two_people_only() {
    let mut scene = Scene { now: day(201), approvers: Vec::new(), ..Scene::standard() };
    scene.refusal(back(day(202)), &Verb::Reinstate, Reason::ApprovalRequired);
    scene.approvers = vec!["bob"];
    assert_eq!(scene.done(back(day(202)), &Verb::Reinstate).state, Approved);
}

#[test]
fn more_time_is_granted_by_somebody_else_than_who_asks_for_it() {
    let verb = Verb::ExtendSunset { sunset_time: day(210) };
    too_few(version(1, Deprecated), &verb, &["ann", "ann"]);
    assert!(asked(version(1, Deprecated), &verb, &["ann", "bob"]).is_ok());
}

#[test]
fn a_hold_is_lifted_by_somebody_else_than_who_placed_it() {
    too_few(held(version(1, Approved)), &Verb::Release, &["hal"]);
    assert!(asked(held(version(1, Approved)), &Verb::Release, &["ann"]).is_ok());
    assert!(asked(held(version(1, Approved)), &Verb::Release, &["hal", "ann"]).is_ok());
}

#[test]
fn an_owner_deprecates_alone_until_there_are_consumers() {
    let mut scene = Scene { approvers: Vec::new(), ..Scene::standard() };
    scene.done(version(1, Approved), &deprecate(day(200)));
    let consumer = "namespaces/default/models/m/consumers/c".parse().unwrap();
    scene.users = vec![crate::domain::lifecycle::transition::User { consumer, last_use_time: day(0) }];
    scene.refusal(version(1, Approved), &deprecate(day(200)), Reason::ApprovalRequired);
    scene.approvers = vec!["bob"];
    scene.done(version(1, Approved), &deprecate(day(200)));
}

#[test]
fn everything_else_takes_one_person() {
    for (version, verb) in [
        (version(1, Draft), Verb::Submit),
        (version(1, Candidate), Verb::Reject),
        (version(1, Deprecated), Verb::Reinstate),
        (version(1, Deprecated), Verb::Retire),
        (version(1, Rejected), Verb::Archive),
        (version(1, Approved), Verb::Hold),
    ] {
        assert!(asked(version, &verb, &["sue"]).is_ok(), "{verb:?}");
    }
}

#[test]
fn a_namespace_may_let_people_agree_with_themselves_on_the_record() {
    let alone =
        Scene { author: "sue", approvers: Vec::new(), allows_self_approval: true, ..Scene::standard() };
    let review = alone.done(version(1, Candidate), &APPROVE).review.unwrap();
    assert!(review.self_approved);
    let moved = alone.done(version(1, Deprecated), &Verb::ExtendSunset { sunset_time: day(210) });
    assert!(moved.deprecation.unwrap().moves[0].decision.self_approved);
    let company = Scene { approvers: vec!["bob"], ..alone };
    assert!(!company.done(version(1, Candidate), &APPROVE).review.unwrap().self_approved);
}

#[test]
fn no_switch_makes_one_person_two() {
    let alone =
        Scene { author: "sue", approvers: Vec::new(), allows_self_approval: true, ..Scene::standard() };
    let mut two = alone.clone();
    two.policy.content.approvals = 2;
    two.refusal(version(1, Candidate), &APPROVE, Reason::ApprovalRequired);
    let review =
        Scene { approvers: vec!["bob"], ..two }.done(version(1, Candidate), &APPROVE).review.unwrap();
    assert!(review.self_approved, "sue counts as one of the two");
    for (state, verb) in [
        (Candidate, OVERRIDE),
        (Deprecated, Verb::ShortenSunset { sunset_time: day(150) }),
        (Approved, emergency()),
        (Retired, Verb::Restore { until_time: day(101) }),
    ] {
        alone.refusal(version(1, state), &verb, Reason::ApprovalRequired);
    }
}
