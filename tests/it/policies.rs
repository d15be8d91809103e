//! Policies through the wire: rules as data, and the decisions that rest on them.

use crate::support::{
    BEGIN, DAY, NAMESPACE, REVIEWER, TestServer, by, create_model, explain, time, version_name,
};
use steward_registry::proto::v1::{self, get_policy_request::ReadAt};
use tonic::{Code, Response, Status};

fn policy_name(id: &str) -> String {
    format!("{NAMESPACE}/policies/{id}")
}

async fn get(server: &TestServer, id: &str, read_at: Option<ReadAt>) -> Result<v1::Policy, Status> {
    let request = v1::GetPolicyRequest { name: policy_name(id), read_at };
    server.policies().get_policy(request).await.map(Response::into_inner)
}

/// Changes what the mask names.
async fn update(
    server: &TestServer,
    policy: v1::Policy,
    paths: &[&str],
    validate_only: bool,
) -> Result<v1::UpdatePolicyResponse, Status> {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let request = v1::UpdatePolicyRequest {
        policy: Some(policy),
        update_mask: Some(prost_types::FieldMask { paths }),
        validate_only,
        ..Default::default()
    };
    server.policies().update_policy(request).await.map(Response::into_inner)
}

fn preview() -> v1::Policy {
    v1::Policy { name: policy_name("preview"), ..Default::default() }
}

/// At least four of five right.
fn gate() -> v1::Gate {
    v1::Gate {
        id: "accurate".to_owned(),
        metric: "accuracy".to_owned(),
        requirement: Some(v1::gate::Requirement::AtLeast(0.8)),
        ..Default::default()
    }
}

/// A server whose previews have this gate, with a submitted version 1 of `m`.
async fn gated(gate: v1::Gate) -> TestServer {
    let server = TestServer::start().await;
    let policy = v1::Policy { gates: vec![gate], ..preview() };
    update(&server, policy, &["gates"], false).await.unwrap();
    server.model("m").await;
    submitted(&server).await;
    server
}

async fn submitted(server: &TestServer) -> String {
    let name = server.version("m").await.name;
    let submit =
        v1::SubmitVersionRequest { name: name.clone(), reason: "ready".to_owned(), ..Default::default() };
    server.lifecycle().submit_version(submit).await.unwrap();
    name
}

async fn approve(server: &TestServer, number: u32) -> Result<v1::Version, Status> {
    let (name, reason) = (version_name("m", number), "it is good".to_owned());
    let request = v1::ApproveVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().approve_version(by(REVIEWER, request)).await.map(Response::into_inner)
}

/// Records k of n right in a window that ended at a time.
async fn record(server: &TestServer, number: u32, (k, n): (i64, i64), end: i64) -> String {
    let rate = v1::metric_point::Value::Rate(v1::RatePoint { k, n });
    let point = v1::MetricPoint { metric: "accuracy".to_owned(), value: Some(rate), ..Default::default() };
    let evaluation = v1::Evaluation {
        window_start_time: Some(time(end - DAY)),
        window_end_time: Some(time(end)),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), ..Default::default() }),
        points: vec![point],
        ..Default::default()
    };
    let (parent, evaluation) = (version_name("m", number), Some(evaluation));
    let request = v1::RecordEvaluationRequest { parent, evaluation, ..Default::default() };
    server.evaluations().record_evaluation(request).await.unwrap().into_inner().name
}

/// The approval is refused by the gate, in a sentence with these words.
async fn is_stopped(server: &TestServer, number: u32, words: &[&str]) {
    let size = server.size().await;
    let error = approve(server, number).await.unwrap_err();
    let word = "GATE_FAILED".to_owned();
    assert_eq!(explain(&error), (Code::FailedPrecondition, word.clone(), vec![word]));
    for part in words {
        assert!(error.message().contains(part), "{part:?} is not in: {}", error.message());
    }
    assert_eq!(server.size().await, size);
}

#[tokio::test]
async fn every_namespace_begins_with_a_policy_for_each_tier() {
    let server = TestServer::start().await;
    let create = v1::CreateNamespaceRequest { namespace_id: "other".to_owned(), ..Default::default() };
    server.namespaces().create_namespace(create).await.unwrap();
    for parent in [NAMESPACE, "namespaces/other"] {
        let request = v1::ListPoliciesRequest { parent: parent.to_owned(), ..Default::default() };
        let policies = server.policies().list_policies(request).await.unwrap().into_inner().policies;
        let rules: Vec<_> = policies
            .iter()
            .map(|policy| (policy.name.as_str(), policy.notice_days, policy.reminder_days.as_slice()))
            .collect();
        let name = |id: &str| format!("{parent}/policies/{id}");
        assert_eq!(
            rules,
            [
                (name("critical").as_str(), 180, &[180, 90, 60, 30, 14, 7, 1][..]),
                (name("preview").as_str(), 14, &[14, 7, 1]),
                (name("standard").as_str(), 60, &[60, 30, 14, 7, 1]),
            ]
        );
        for policy in policies {
            assert_eq!((policy.revision, policy.audit_position, policy.etag.as_str()), (1, 0, "p0"));
            assert_eq!(policy.create_time, policy.update_time);
            assert!(policy.digest.starts_with("sha256:") && policy.digest.len() == 71, "{}", policy.digest);
        }
    }
    assert_eq!(server.size().await, 1, "they are part of the first event");
    server.stop().await;
}

#[tokio::test]
async fn a_decision_names_the_rules_that_it_followed_and_they_are_found_after_a_change() {
    let server = TestServer::start().await;
    let before = get(&server, "preview", None).await.unwrap();
    server.model("m").await;
    let first = server.approved("m").await.review.unwrap().policy.unwrap();
    assert_eq!(first.policy, before.name);
    assert_eq!((first.revision, &first.digest), (1, &before.digest));

    let policy = v1::Policy { notice_days: 30, ..preview() };
    let after = update(&server, policy, &["notice_days"], false).await.unwrap().policy.unwrap();
    assert_eq!((after.notice_days, after.revision), (30, 2));
    assert_ne!(after.digest, before.digest);
    assert_eq!(after.reminder_days, before.reminder_days, "the mask left the others as they were");
    let second = server.approved("m").await.review.unwrap().policy.unwrap();
    assert_eq!((second.revision, &second.digest), (2, &after.digest));

    assert_eq!(get(&server, "preview", None).await.unwrap(), after);
    for (digest, wanted) in [(first.digest, &before), (second.digest, &after)] {
        assert_eq!(&get(&server, "preview", Some(ReadAt::Digest(digest))).await.unwrap(), wanted);
    }
    let unknown = ReadAt::Digest(format!("sha256:{}", "0".repeat(64)));
    let error = get(&server, "preview", Some(unknown)).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "POLICY_NOT_FOUND".into(), vec![]));
    let elsewhere = get(&server, "standard", Some(ReadAt::Digest(before.digest))).await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::NotFound, "the rules of one policy are not those of another");
    server.stop().await;
}

#[tokio::test]
async fn trying_a_change_tells_whom_it_would_refuse_and_changes_nothing() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.approved("m").await;
    server.approved("m").await;
    server.version("m").await;
    record(&server, 2, (9, 10), BEGIN).await;
    // Of another tier by now, so that its evidence is none of this policy's business.
    let name = server.model("other").await.name;
    server.approved("other").await;
    let standard = v1::Model { name, risk_tier: v1::RiskTier::Standard.into(), ..Default::default() };
    let request = v1::UpdateModelRequest { model: Some(standard), ..Default::default() };
    server.models().update_model(request).await.unwrap();

    let (before, head) = (get(&server, "preview", None).await.unwrap(), server.head().await);
    let stricter = v1::Policy { gates: vec![gate()], ..preview() };
    let tried = update(&server, stricter.clone(), &["gates"], true).await.unwrap();
    assert_eq!(tried.policy.unwrap().gates, [gate()]);
    let [objection] = tried.objections.as_slice() else { panic!("{:?}", tried.objections) };
    assert_eq!(objection.version, version_name("m", 1), "a draft is not in service, and 2 has its evidence");
    let [refusal] = objection.refusals.as_slice() else { panic!("{:?}", objection.refusals) };
    assert_eq!((refusal.reason.as_str(), &refusal.subject), ("GATE_FAILED", &version_name("m", 1)));
    assert!(refusal.sentence.contains("record an evaluation"), "{}", refusal.sentence);
    assert_eq!(get(&server, "preview", None).await.unwrap(), before);
    assert_eq!(server.head().await, head);

    let carded = v1::Policy { card_fields: vec!["owner".to_owned()], ..preview() };
    let tried = update(&server, carded, &["card_fields"], true).await.unwrap();
    let found: Vec<_> =
        tried.objections.iter().map(|o| (o.version.clone(), o.refusals[0].reason.clone())).collect();
    assert_eq!(found, [1, 2].map(|number| (version_name("m", number), "CARD_INCOMPLETE".to_owned())));

    let done = update(&server, stricter, &["gates"], false).await.unwrap();
    assert_eq!(done.objections, [], "what is in service stays there");
    server.stop().await;
}

#[tokio::test]
async fn a_gate_stops_an_approval_until_the_evaluation_that_it_names_is_recorded() {
    let server = gated(gate()).await;
    is_stopped(&server, 1, &["accurate", "accuracy", "record an evaluation", &version_name("m", 1)]).await;
    record(&server, 1, (79, 100), BEGIN).await;
    is_stopped(&server, 1, &["0.79", "at least 0.8"]).await;
    let evaluation = record(&server, 1, (80, 100), BEGIN + 1).await;
    let review = approve(&server, 1).await.unwrap().review.unwrap();
    let [result] = review.gates.as_slice() else { panic!("{:?}", review.gates) };
    assert!(result.passed);
    assert_eq!((result.gate.as_str(), result.bound), ("accurate", Some(0.8)));
    let measured = result.measured.as_ref().unwrap();
    assert_eq!((&measured.evaluation, measured.value, measured.n), (&evaluation, 0.8, 100));
    server.stop().await;
}

#[tokio::test]
async fn a_gate_wants_as_many_observations_as_it_says() {
    let server = gated(v1::Gate { minimum_n: 100, ..gate() }).await;
    record(&server, 1, (99, 99), BEGIN).await;
    is_stopped(&server, 1, &["99 observations", "at least 100", "larger evaluation"]).await;
    record(&server, 1, (99, 100), BEGIN + 1).await;
    approve(&server, 1).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_gate_takes_no_evidence_that_is_older_than_it_says() {
    let server = gated(v1::Gate { max_age_days: 30, ..gate() }).await;
    record(&server, 1, (99, 100), BEGIN).await;
    server.clock.set(BEGIN + 30 * DAY + 1);
    is_stopped(&server, 1, &["2026-03-01", "older than 30 days", "record a new evaluation"]).await;
    record(&server, 1, (99, 100), BEGIN + 30 * DAY).await;
    approve(&server, 1).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_gate_with_a_confidence_wants_the_whole_interval_to_pass() {
    let server = gated(v1::Gate { confidence: 0.95, ..gate() }).await;
    // 0.9 of 20 may well be 0.7.
    record(&server, 1, (18, 20), BEGIN).await;
    is_stopped(&server, 1, &["0.9", "95 % confidence"]).await;
    record(&server, 1, (900, 1_000), BEGIN + 1).await;
    let review = approve(&server, 1).await.unwrap().review.unwrap();
    let bound = review.gates[0].bound.unwrap();
    assert!((0.8..0.9).contains(&bound), "the lower end: {bound}");
    server.stop().await;
}

#[tokio::test]
async fn a_gate_compares_with_the_version_in_production() {
    let requirement = Some(v1::gate::Requirement::NotBelowProductionBy(0.05));
    let server = gated(v1::Gate { requirement, ..gate() }).await;
    record(&server, 1, (60, 100), BEGIN).await;
    let first = approve(&server, 1).await.expect("nothing is in production to compare with");
    assert_eq!(first.review.unwrap().gates[0].production, None);
    crate::ask::set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    let in_production = record(&server, 1, (90, 100), BEGIN + 1).await;

    submitted(&server).await;
    record(&server, 2, (84, 100), BEGIN).await;
    is_stopped(&server, 2, &["0.84", "in production 0.9", "0.05 at most"]).await;
    record(&server, 2, (85, 100), BEGIN + 2).await;
    let review = approve(&server, 2).await.unwrap().review.unwrap();
    assert_eq!(review.gates[0].production.as_ref().unwrap().evaluation, in_production);
    server.stop().await;
}

#[tokio::test]
async fn ordinary_use_takes_a_card_and_evidence() {
    let server = TestServer::start().await;
    let standard = v1::Model { kind: v1::ModelKind::Own.into(), ..Default::default() };
    let request = v1::CreateModelRequest { model: Some(standard), ..create_model("m") };
    server.models().create_model(request).await.unwrap();
    let name = server.version("m").await.name;
    let submit =
        || v1::SubmitVersionRequest { name: name.clone(), reason: "ready".to_owned(), ..Default::default() };
    let (code, reason, guards) = explain(&server.lifecycle().submit_version(submit()).await.unwrap_err());
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "CARD_INCOMPLETE"));
    assert!(guards.len() > 5 && guards.iter().all(|guard| guard == "CARD_INCOMPLETE"), "{guards:?}");

    let card = v1::ModelCard {
        purpose: "Writes thank-you letters.".to_owned(),
        affected_people: "Donors.".to_owned(),
        prohibited_uses: "Decisions about people.".to_owned(),
        human_oversight: "Everything is read before it is sent.".to_owned(),
        ai_disclosure: Some(true),
        rollback_plan: "Letters are written by hand.".to_owned(),
        review_time: Some(time(BEGIN + 365 * DAY)),
        ..Default::default()
    };
    let complete = v1::Model {
        name: crate::support::model_name("m"),
        owner: "Fundraising".to_owned(),
        contacts: vec![v1::Contact { display_name: "Ana".to_owned(), ..Default::default() }],
        card: Some(card),
        ..Default::default()
    };
    let request = v1::UpdateModelRequest { model: Some(complete), ..Default::default() };
    server.models().update_model(request).await.unwrap();
    server.lifecycle().submit_version(submit()).await.unwrap();
    let error = approve(&server, 1).await.unwrap_err();
    assert_eq!(explain(&error).1, "EVIDENCE_MISSING");
    record(&server, 1, (1, 2), BEGIN).await;
    approve(&server, 1).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_model_follows_its_own_policy_before_that_of_its_tier() {
    let server = TestServer::start().await;
    let trial = v1::Policy { approvals: 1, evidence_max_age_days: 9, notice_days: 3, ..Default::default() };
    let create = v1::CreatePolicyRequest {
        parent: NAMESPACE.to_owned(),
        policy_id: "trial".to_owned(),
        policy: Some(trial),
        ..Default::default()
    };
    server.policies().create_policy(create.clone()).await.unwrap();
    let again = server.policies().create_policy(create).await.unwrap_err();
    assert_eq!(explain(&again), (Code::AlreadyExists, "POLICY_EXISTS".into(), vec![]));

    let mut model = create_model("m");
    model.model.as_mut().unwrap().policy = policy_name("trial");
    server.models().create_model(model).await.unwrap();
    let version = server.approved("m").await;
    assert_eq!(version.review.unwrap().policy.unwrap().policy, policy_name("trial"));
    crate::ask::deprecate(&version.name, "old", BEGIN + 4 * DAY).send(&server.channel).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn rules_that_cannot_be_kept_are_refused_by_their_fields() {
    let server = TestServer::start().await;
    let wrong = |change: &dyn Fn(&mut v1::Policy)| {
        let mut policy = v1::Policy { approvals: 1, evidence_max_age_days: 90, ..Default::default() };
        change(&mut policy);
        v1::CreatePolicyRequest {
            parent: NAMESPACE.to_owned(),
            policy_id: "trial".to_owned(),
            policy: Some(policy),
            ..Default::default()
        }
    };
    let twice = || vec![gate(), gate()];
    let brownout = |days_before, minutes| v1::BrownoutRule { days_before, minutes };
    let cases = [
        ("policy.approvals", wrong(&|p| p.approvals = 0)),
        ("policy.approvals", wrong(&|p| p.approvals = 11)),
        ("policy.evidence_max_age_days", wrong(&|p| p.evidence_max_age_days = 0)),
        ("policy.notice_days", wrong(&|p| p.notice_days = -1)),
        ("policy.notice_days", wrong(&|p| p.notice_days = 3_651)),
        ("policy.reminder_days", wrong(&|p| p.reminder_days = vec![7, 14])),
        ("policy.brownouts", wrong(&|p| p.brownouts = vec![brownout(7, 15), brownout(7, 60)])),
        ("policy.brownouts[0].minutes", wrong(&|p| p.brownouts = vec![brownout(7, 1_441)])),
        ("policy.card_fields[0]", wrong(&|p| p.card_fields = vec!["shoe_size".to_owned()])),
        ("policy.gates[1].id", wrong(&|p| p.gates = twice())),
        ("policy.gates[0].requirement", wrong(&|p| p.gates = vec![v1::Gate { requirement: None, ..gate() }])),
        ("policy.gates[0].confidence", wrong(&|p| p.gates = vec![v1::Gate { confidence: 95.0, ..gate() }])),
    ];
    for (field, request) in cases {
        let error = server.policies().create_policy(request).await.unwrap_err();
        let wanted = (Code::InvalidArgument, "INVALID_FIELDS".to_owned(), vec![field.to_owned()]);
        assert_eq!(explain(&error), wanted, "{}", error.message());
    }
    assert_eq!(server.size().await, 1);
    server.stop().await;
}
