//! Four eyes through the wire: what takes more than one person.

use crate::{
    ask::{self, Ask},
    stream::reader::export,
    support::{BEGIN, DAY, NOTICE, REVIEWER, TestServer, explain, model_name, time, version_name},
};
use prost::Message as _;
use std::sync::Arc;
use steward_registry::{
    proto::v1::{self, ActKind, ProposalState, VersionState, proposal::Step},
    store::memory::MemoryEngine,
};
use tonic::{Code, Status};

/// Who hands in and proposes here.
const ANA: &str = "ana";
const BEN: &str = "ben";
const CLEO: &str = "cleo";

fn one() -> String {
    version_name("m", 1)
}

fn proposal_name() -> String {
    format!("{}/proposals/p", one())
}

async fn send(server: &TestServer, ask: Ask, actor: &str) -> Result<Vec<u8>, Status> {
    ask.send_as(&server.channel, Some(actor)).await
}

async fn done(server: &TestServer, ask: Ask, actor: &str) {
    send(server, ask, actor).await.unwrap();
}

/// Refused for one reason, and nothing written.
async fn is_refused(server: &TestServer, ask: Ask, actor: &str, reason: &str) -> Status {
    let head = server.head().await;
    let error = send(server, ask, actor).await.unwrap_err();
    let wanted = (Code::FailedPrecondition, reason.to_owned(), vec![reason.to_owned()]);
    assert_eq!(explain(&error), wanted, "{}", error.message());
    assert_eq!(server.head().await, head);
    error
}

async fn proposal(server: &TestServer) -> v1::Proposal {
    let request = v1::GetProposalRequest { name: proposal_name(), read_at: None };
    server.proposals().get_proposal(request).await.unwrap().into_inner()
}

async fn version(server: &TestServer) -> v1::Version {
    let request = v1::GetVersionRequest { name: one(), read_at: None };
    server.versions().get_version(request).await.unwrap().into_inner()
}

/// A server without a scheduler, with version 1 of `m` as submitted by Ana.
async fn submitted() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::new())).await;
    server.model("m").await;
    server.version("m").await;
    done(&server, ask::submit(&one(), "ready"), ANA).await;
    server
}

/// The same, with the version approved.
async fn approved() -> TestServer {
    let server = submitted().await;
    done(&server, ask::approve(&one(), "good"), REVIEWER).await;
    server
}

fn propose(step: Step, incident: &str) -> Ask {
    ask::propose(&one(), "p", "it is time", step, incident)
}

fn propose_approval() -> Ask {
    ask::propose_approval(&one(), "p", "it is time")
}

fn agree() -> Ask {
    ask::approve_proposal(&proposal_name(), "I agree")
}

#[tokio::test]
async fn nobody_approves_their_own_submission() {
    let server = submitted().await;
    let error = is_refused(&server, ask::approve(&one(), "good"), ANA, "APPROVAL_REQUIRED").await;
    assert!(error.message().contains("other than \"ana\""), "{}", error.message());
    done(&server, ask::approve(&one(), "good"), BEN).await;
    let review = version(&server).await.review.unwrap();
    assert_eq!((review.actor.as_str(), review.self_approved), (BEN, false));
    server.stop().await;
}

#[tokio::test]
async fn where_somebody_is_alone_they_approve_their_own_and_it_goes_on_record() {
    let server = submitted().await;
    done(&server, ask::allow_self_approval(true, "I am alone"), ANA).await;
    done(&server, ask::approve(&one(), "good"), ANA).await;
    let review = version(&server).await.review.unwrap();
    assert_eq!((review.actor.as_str(), review.self_approved), (ANA, true));
    let second = server.version("m").await.name;
    done(&server, ask::submit(&second, "ready"), ANA).await;
    done(&server, ask::allow_self_approval(false, "Ben has joined"), ANA).await;
    is_refused(&server, ask::approve(&second, "good"), ANA, "APPROVAL_REQUIRED").await;
    server.stop().await;
}

#[tokio::test]
async fn the_last_approval_that_a_proposal_needs_carries_it_out_in_the_same_event() {
    let server = submitted().await;
    done(&server, propose_approval(), ANA).await;
    let open = proposal(&server).await;
    assert_eq!((open.state(), open.author.as_str()), (ProposalState::Open, ANA));
    assert_eq!(version(&server).await.state(), VersionState::Candidate);
    is_refused(&server, agree(), ANA, "PROPOSAL_OWN").await;
    let size = server.size().await;
    done(&server, agree(), BEN).await;
    assert_eq!(server.size().await, size + 1);

    let (proposal, version) = (proposal(&server).await, version(&server).await);
    assert_eq!((proposal.state(), version.state()), (ProposalState::CarriedOut, VersionState::Approved));
    assert_eq!((proposal.audit_position, version.audit_position), (size, size));
    let review = version.review.unwrap();
    assert_eq!((review.actor.as_str(), review.reason.as_str()), (ANA, "it is time"));
    let [approval] = review.approvals.as_slice() else { panic!("{:?}", review.approvals) };
    assert_eq!((approval.actor.as_str(), approval.comment.as_str()), (BEN, "I agree"));
    let last = export(&server).await.pop().unwrap();
    assert_eq!((last.r#type.as_str(), last.subject), ("steward.v1.VersionApproved", one()));
    is_refused(&server, agree(), CLEO, "PROPOSAL_CLOSED").await;
    server.stop().await;
}

#[tokio::test]
async fn of_a_person_only_the_last_word_counts() {
    let server = submitted().await;
    done(&server, ask::require_approvals("preview", 2, "stricter"), ANA).await;
    done(&server, propose_approval(), ANA).await;
    done(&server, agree(), BEN).await;
    done(&server, agree(), BEN).await;
    assert_eq!(proposal(&server).await.state(), ProposalState::Open, "twice the same person is one");
    done(&server, ask::revoke_approval(&proposal_name(), "on second thoughts"), BEN).await;
    done(&server, agree(), CLEO).await;
    assert_eq!(version(&server).await.state(), VersionState::Candidate, "Cleo alone");
    done(&server, agree(), BEN).await;
    let review = version(&server).await.review.unwrap();
    let actors: Vec<_> = review.approvals.iter().map(|approval| approval.actor.as_str()).collect();
    assert_eq!(actors, [CLEO, BEN]);
    let acts: Vec<_> = proposal(&server).await.acts.iter().map(|act| act.kind()).collect();
    use ActKind::{Approve, Revoke};
    assert_eq!(acts, [Approve, Approve, Revoke, Approve, Approve]);
    server.stop().await;
}

#[tokio::test]
async fn a_comment_decides_nothing() {
    let server = submitted().await;
    done(&server, propose_approval(), ANA).await;
    for actor in [ANA, BEN] {
        done(&server, ask::comment_on_proposal(&proposal_name(), "is the data clean?"), actor).await;
    }
    let found = proposal(&server).await;
    assert_eq!((found.state(), found.acts.len()), (ProposalState::Open, 2));
    assert_eq!(found.acts[1].comment, "is the data clean?");
    assert_eq!(version(&server).await.state(), VersionState::Candidate);
    server.stop().await;
}

#[tokio::test]
async fn a_proposal_ends_by_anothers_no_or_its_authors_second_thoughts() {
    for (ask, actor, other, state) in [
        (ask::reject_proposal(&proposal_name(), "no"), BEN, ANA, ProposalState::Rejected),
        (ask::withdraw_proposal(&proposal_name(), "no"), ANA, BEN, ProposalState::Withdrawn),
    ] {
        let server = submitted().await;
        done(&server, propose_approval(), ANA).await;
        is_refused(&server, ask.clone(), other, "PROPOSAL_OWN").await;
        done(&server, ask.clone(), actor).await;
        assert_eq!(proposal(&server).await.state(), state);
        for late in [ask, agree(), ask::comment_on_proposal(&proposal_name(), "late")] {
            is_refused(&server, late, CLEO, "PROPOSAL_CLOSED").await;
        }
        assert_eq!(version(&server).await.state(), VersionState::Candidate);
        let list = async |show_closed| {
            let parent = model_name("m");
            let request = v1::ListProposalsRequest { parent, show_closed, ..Default::default() };
            server.proposals().list_proposals(request).await.unwrap().into_inner().proposals.len()
        };
        assert_eq!((list(false).await, list(true).await), (0, 1));
        server.stop().await;
    }
}

#[tokio::test]
async fn a_proposal_that_nobody_decides_is_void_after_thirty_days_also_without_a_scheduler() {
    let server = submitted().await;
    done(&server, propose_approval(), ANA).await;
    let expire = proposal(&server).await.expire_time.unwrap();
    assert_eq!(expire.seconds, BEGIN / 1_000_000 + 30 * 86_400);
    server.clock.set(BEGIN + 31 * DAY);
    let error = is_refused(&server, agree(), BEN, "PROPOSAL_CLOSED").await;
    assert!(error.message().contains("EXPIRED"), "{}", error.message());
    assert_eq!(server.carry_out_due().await, 1);
    assert_eq!(server.carry_out_due().await, 0, "once");
    let found = proposal(&server).await;
    assert_eq!(found.state(), ProposalState::Expired);
    let last = export(&server).await.pop().unwrap();
    let leaf: serde_json::Value = serde_json::from_slice(&last.leaf).unwrap();
    assert_eq!((last.r#type.as_str(), &leaf["authid"]), ("steward.v1.ProposalExpired", &"steward".into()));
    server.stop().await;
}

#[tokio::test]
async fn what_stands_against_a_step_is_said_when_it_is_proposed() {
    let server = submitted().await;
    let error = is_refused(&server, propose(Step::Reinstate(()), ""), ANA, "ILLEGAL_TRANSITION").await;
    assert!(error.message().contains("CANDIDATE"), "{}", error.message());
    let mut again = propose_approval();
    done(&server, again.clone(), ANA).await;
    let exists = send(&server, again.clone(), ANA).await.unwrap_err();
    assert_eq!(explain(&exists), (Code::AlreadyExists, "PROPOSAL_EXISTS".into(), vec![]));
    if let Ask::CreateProposal(request) = &mut again {
        request.proposal_id.clear();
    }
    let drawn = v1::Proposal::decode(send(&server, again, ANA).await.unwrap().as_slice()).unwrap();
    assert!(drawn.name.len() > proposal_name().len() && drawn.name.starts_with(&one()), "{}", drawn.name);
    server.stop().await;
}

#[tokio::test]
async fn what_needs_nobody_else_is_done_as_soon_as_it_is_proposed() {
    let server = submitted().await;
    let size = server.size().await;
    done(&server, propose_approval(), BEN).await;
    assert_eq!(server.size().await, size + 1);
    assert_eq!(proposal(&server).await.state(), ProposalState::CarriedOut);
    assert_eq!(version(&server).await.review.unwrap().actor, BEN);
    server.stop().await;
}

#[tokio::test]
async fn gates_are_overridden_by_two_people_for_an_open_incident_on_the_record() {
    let server = submitted().await;
    let gate = v1::Gate {
        id: "accurate".to_owned(),
        metric: "accuracy".to_owned(),
        requirement: Some(v1::gate::Requirement::AtLeast(0.8)),
        ..Default::default()
    };
    let name = "namespaces/default/policies/preview".to_owned();
    let stricter = v1::UpdatePolicyRequest {
        policy: Some(v1::Policy { name, gates: vec![gate], ..Default::default() }),
        ..Default::default()
    };
    server.policies().update_policy(stricter).await.unwrap();
    is_refused(&server, propose_approval(), ANA, "GATE_FAILED").await;
    let glass = |incident: &str| propose(Step::Approve(v1::ApproveStep { gates_overridden: true }), incident);
    is_refused(&server, glass(""), ANA, "INCIDENT_REQUIRED").await;
    let incident = format!("{}/incidents/down", model_name("m"));
    let missing = send(&server, glass(&incident), ANA).await.unwrap_err();
    assert_eq!(explain(&missing).1, "INCIDENT_NOT_FOUND");
    done(&server, ask::open_incident("m", "down", 1, "the old one is down"), ANA).await;

    // Not even where somebody is trusted alone.
    done(&server, ask::allow_self_approval(true, "I am alone"), ANA).await;
    done(&server, glass(&incident), ANA).await;
    assert_eq!(version(&server).await.state(), VersionState::Candidate);
    done(&server, agree(), BEN).await;
    let review = version(&server).await.review.unwrap();
    assert!(review.gates_overridden && !review.self_approved);
    assert_eq!((review.actor.as_str(), review.approvals[0].actor.as_str()), (ANA, BEN));
    assert_eq!(review.incident, incident);
    assert!(!review.gates[0].passed, "what was overridden is on record");
    server.stop().await;
}

#[tokio::test]
async fn a_closed_incident_carries_nothing_more() {
    let server = approved().await;
    let incident = format!("{}/incidents/down", model_name("m"));
    done(&server, ask::open_incident("m", "down", 1, "it is down"), ANA).await;
    let none = v1::emergency_retire_step::Successor::NoReplacementReason("none".to_owned());
    let step = Step::EmergencyRetire(v1::EmergencyRetireStep { successor: Some(none) });
    done(&server, propose(step, &incident), ANA).await;
    done(&server, ask::close_incident(&incident, "it is up"), ANA).await;
    is_refused(&server, agree(), BEN, "INCIDENT_CLOSED").await;
    assert_eq!(version(&server).await.state(), VersionState::Approved);
    server.stop().await;
}

#[tokio::test]
async fn what_takes_two_people_waits_for_the_second_wherever_it_is() {
    let server = approved().await;
    done(&server, ask::allow_self_approval(true, "I am alone"), ANA).await;
    done(&server, ask::open_incident("m", "down", 1, "it is down"), ANA).await;
    let incident = format!("{}/incidents/down", model_name("m"));
    let alone = async |id: &str, step| {
        done(&server, ask::propose(&one(), id, "at once", step, &incident), BEN).await;
        let name = format!("{}/proposals/{id}", one());
        is_refused(&server, ask::approve_proposal(&name, "I agree with myself"), BEN, "PROPOSAL_OWN").await;
        let read = v1::GetProposalRequest { name, read_at: None };
        let proposal = server.proposals().get_proposal(read).await.unwrap().into_inner();
        assert_eq!(proposal.state(), ProposalState::Open, "{id}");
    };
    let none = v1::emergency_retire_step::Successor::NoReplacementReason("none".to_owned());
    alone("now", Step::EmergencyRetire(v1::EmergencyRetireStep { successor: Some(none) })).await;
    done(&server, ask::deprecate(&one(), "old", BEGIN + NOTICE), ANA).await;
    alone("sooner", Step::ShortenSunsetTime(time(BEGIN + DAY))).await;
    done(&server, ask::retire(&one(), "nobody uses it"), ANA).await;
    alone("back", Step::RestoreUntilTime(time(BEGIN + DAY))).await;
    server.stop().await;
}

#[tokio::test]
async fn an_emergency_retires_at_once_and_a_restoration_ends_by_itself() {
    let server = approved().await;
    let incident = format!("{}/incidents/down", model_name("m"));
    done(&server, ask::open_incident("m", "down", 1, "it is down"), ANA).await;
    let none = v1::emergency_retire_step::Successor::NoReplacementReason("none".to_owned());
    let steps = [
        ("now", Step::EmergencyRetire(v1::EmergencyRetireStep { successor: Some(none) })),
        ("back", Step::RestoreUntilTime(time(BEGIN + 3 * DAY))),
    ];
    let mut states = Vec::new();
    for (id, step) in steps {
        done(&server, ask::propose(&one(), id, "it harms", step, &incident), ANA).await;
        let name = format!("{}/proposals/{id}", one());
        done(&server, ask::approve_proposal(&name, "yes"), BEN).await;
        states.push(version(&server).await);
    }
    let retirement = states[0].retirement.as_ref().unwrap();
    assert_eq!(states[0].state(), VersionState::Retired);
    assert_eq!(retirement.cause(), v1::RetirementCause::Emergency);
    assert_eq!(retirement.notice, Some(prost_types::Duration::default()), "nobody was told before");
    assert_eq!(states[1].state(), VersionState::Deprecated);
    assert_eq!(states[1].effective_sunset_time, Some(time(BEGIN + 3 * DAY)));
    server.clock.set(BEGIN + 3 * DAY);
    while server.carry_out_due().await > 0 {}
    let last = version(&server).await;
    assert_eq!((last.state(), last.restoration), (VersionState::Retired, None));
    assert_eq!(last.retirement.unwrap().decision.unwrap().actor, "steward");
    server.stop().await;
}

#[tokio::test]
async fn more_time_is_granted_by_somebody_else_and_not_without_end() {
    let server = approved().await;
    done(&server, ask::deprecate(&one(), "old", BEGIN + NOTICE), ANA).await;
    let extend = |days: i64| propose(Step::ExtendSunsetTime(time(BEGIN + NOTICE + days * DAY)), "");
    is_refused(&server, extend(0), ANA, "SUNSET_NOT_LATER").await;
    let error = is_refused(&server, extend(31), ANA, "EXTENSION_TOO_LONG").await;
    assert!(error.message().contains("2026-04-15T00:00:00Z"), "{}", error.message());
    done(&server, extend(20), ANA).await;
    done(&server, agree(), BEN).await;
    let deprecation = version(&server).await.deprecation.unwrap();
    assert_eq!(deprecation.sunset_time, Some(time(BEGIN + NOTICE + 20 * DAY)));
    let [moved] = deprecation.moves.as_slice() else { panic!("{:?}", deprecation.moves) };
    assert_eq!(moved.previous_sunset_time, Some(time(BEGIN + NOTICE)));
    let again = ask::propose(
        &one(),
        "again",
        "still not ready",
        Step::ExtendSunsetTime(time(BEGIN + NOTICE + 25 * DAY)),
        "",
    );
    is_refused(&server, again, ANA, "EXTENSIONS_EXHAUSTED").await;
    server.stop().await;
}
