//! Who may do what about a proposal, and whose word counts.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::lifecycle::fixture::{day, name};
use ActKind::*;

fn proposal() -> Proposal {
    let content = ProposalContent { verb: Verb::Retire, reason: "because".into(), incident: None };
    Proposal::create(format!("{}/proposals/p", name(1)).parse().unwrap(), content, "ann".into(), day(0))
}

/// The proposal after what people did on day 1, all of it with the same words.
fn after(acts: &[(ActKind, &str)]) -> Result<Proposal, Reason> {
    let act = |proposal: Proposal, (kind, actor): &(ActKind, &str)| proposal.act(*kind, actor, "so", day(1));
    acts.iter().try_fold(proposal(), act).map_err(|refusals| refusals[0].reason)
}

fn agreeing(acts: &[(ActKind, &str)]) -> Vec<String> {
    after(acts).unwrap().approvals().into_iter().map(|approval| approval.actor).collect()
}

#[test]
fn only_the_last_word_of_a_person_counts_and_once() {
    assert_eq!(agreeing(&[(Approve, "bob"), (Approve, "cat")]), ["bob", "cat"]);
    assert_eq!(agreeing(&[(Approve, "bob"), (Revoke, "bob")]), [""; 0]);
    assert_eq!(agreeing(&[(Approve, "bob"), (Revoke, "bob"), (Approve, "bob")]), ["bob"]);
    assert_eq!(agreeing(&[(Approve, "bob"), (Approve, "cat"), (Approve, "bob")]), ["cat", "bob"]);
    assert_eq!(agreeing(&[(Approve, "bob"), (Comment, "bob")]), ["bob"]);
    // Nobody takes back what they have not given, or has taken back already.
    assert_eq!(after(&[(Revoke, "bob")]), Err(Reason::ProposalNotApproved));
    assert_eq!(after(&[(Approve, "bob"), (Revoke, "cat")]), Err(Reason::ProposalNotApproved));
    let twice = [(Approve, "bob"), (Revoke, "bob"), (Revoke, "bob")];
    assert_eq!(after(&twice), Err(Reason::ProposalNotApproved));
}

#[test]
fn the_author_does_not_decide_and_only_the_author_withdraws() {
    for kind in [Approve, Revoke, Reject] {
        assert_eq!(after(&[(kind, "ann")]), Err(Reason::ProposalOwn), "{kind:?}");
    }
    assert_eq!(after(&[(Withdraw, "bob")]), Err(Reason::ProposalOwn));
    assert_eq!(after(&[(Withdraw, "ann")]).unwrap().state, ProposalState::Withdrawn);
    assert_eq!(after(&[(Comment, "ann")]).unwrap().state, ProposalState::Open);
}

#[test]
fn a_decided_proposal_takes_no_more_acts() {
    for end in [(Reject, "bob"), (Withdraw, "ann")] {
        assert_eq!(after(&[end, (Approve, "cat")]), Err(Reason::ProposalClosed));
    }
    let done = proposal().carried_out(day(1));
    assert_eq!(done.act(Comment, "bob", "", day(1)).unwrap_err()[0].reason, Reason::ProposalClosed);
}

#[test]
fn a_proposal_is_void_after_30_days_even_before_the_clock_says_so() {
    let late = proposal().act(Approve, "bob", "", day(30)).unwrap_err();
    assert_eq!(late[0].reason, Reason::ProposalClosed);
    assert!(late[0].description.contains("EXPIRED"), "{}", late[0].description);
    assert!(proposal().act(Approve, "bob", "", day(30).plus_micros(-1)).is_ok());
    assert_eq!(proposal().expire(day(30).plus_micros(-1)), None);
    let expired = proposal().expire(day(30)).unwrap();
    assert_eq!((expired.state, expired.next_due()), (ProposalState::Expired, None));
    assert_eq!(after(&[(Reject, "bob")]).unwrap().expire(day(31)), None);
}

#[test]
fn a_proposal_holds_a_hundred_acts() {
    let full = after(&[(Comment, "bob"); 100]).unwrap();
    assert_eq!(full.act(Comment, "bob", "", day(1)).unwrap_err()[0].reason, Reason::ProposalClosed);
}
