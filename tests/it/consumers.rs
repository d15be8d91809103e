//! Consumers through the wire: who uses what, who knows, who breaks.

use crate::{
    ask::{deprecate, set_alias},
    support::{BEGIN, DAY, TestServer, explain, model_name, time, version_name},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{self, resolve_version_request::Selector},
    store::memory::MemoryEngine,
};
use tonic::{Code, Request, Response, Status};

fn consumer_name(id: &str) -> String {
    format!("{}/consumers/{id}", model_name("m"))
}

fn by<T>(actor: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("steward-actor", actor.parse().unwrap());
    request
}

/// A server with two approved versions of `m`, the first in production.
async fn started() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::default())).await;
    server.model("m").await;
    server.approved("m").await;
    server.approved("m").await;
    set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    server
}

async fn register(server: &TestServer, id: &str) -> Result<v1::Consumer, Status> {
    let contact = Some(v1::Contact { display_name: "Web team".to_owned(), ..Default::default() });
    let consumer = Some(v1::Consumer { owner: "web".to_owned(), contact, ..Default::default() });
    let (parent, consumer_id) = (model_name("m"), id.to_owned());
    let request = v1::CreateConsumerRequest { parent, consumer_id, consumer, ..Default::default() };
    server.consumers().create_consumer(by("maria", request)).await.map(Response::into_inner)
}

async fn resolve(
    server: &TestServer,
    number: i64,
    consumer: &str,
) -> Result<v1::ResolveVersionResponse, Status> {
    let (model, consumer) = (model_name("m"), consumer.to_owned());
    let selector = Some(Selector::Number(number));
    let request = v1::ResolveVersionRequest { model, selector, consumer, read_at: None };
    server.versions().resolve_version(request).await.map(Response::into_inner)
}

fn codes(answer: v1::ResolveVersionResponse) -> Vec<String> {
    answer.warnings.into_iter().map(|warning| warning.code).collect()
}

async fn get(server: &TestServer, id: &str) -> v1::Consumer {
    let request = v1::GetConsumerRequest { name: consumer_name(id), read_at: None };
    server.consumers().get_consumer(request).await.unwrap().into_inner()
}

async fn note(server: &TestServer, actor: &str, exempt: bool) -> Result<v1::Consumer, Status> {
    let (name, reason, version) = (consumer_name("web"), "we move".to_owned(), version_name("m", 1));
    if exempt {
        let request = v1::ExemptConsumerRequest { name, reason, version, ..Default::default() };
        return server.consumers().exempt_consumer(by(actor, request)).await.map(Response::into_inner);
    }
    let request = v1::AcknowledgeSunsetRequest { name, reason, version, ..Default::default() };
    server.consumers().acknowledge_sunset(by(actor, request)).await.map(Response::into_inner)
}

async fn impact(server: &TestServer, days: i64) -> Vec<v1::VersionImpact> {
    let until_time = Some(time(BEGIN + days * DAY));
    let request = v1::GetImpactRequest { parent: "namespaces/default".to_owned(), until_time };
    server.consumers().get_impact(request).await.unwrap().into_inner().impacts
}

#[tokio::test]
async fn a_program_that_nobody_registered_is_told_so() {
    let server = started().await;
    assert_eq!(codes(resolve(&server, 1, "web").await.unwrap()), ["CONSUMER_NOT_REGISTERED"]);
    register(&server, "web").await.unwrap();
    assert_eq!(codes(resolve(&server, 1, "web").await.unwrap()), Vec::<String>::new());
    let (code, reason, _) = explain(&register(&server, "web").await.unwrap_err());
    assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "CONSUMER_EXISTS"));
    server.stop().await;
}

#[tokio::test]
async fn what_a_consumer_uses_is_recorded_without_a_write_for_each_call() {
    let server = started().await;
    register(&server, "web").await.unwrap();
    let before = server.size().await;
    for _ in 0..50 {
        resolve(&server, 1, "web").await.unwrap();
    }
    assert_eq!(server.size().await, before, "resolving writes nothing");
    impact(&server, 1).await;
    assert_eq!(server.size().await, before + 1, "who asks is shown what was seen");
    let uses = get(&server, "web").await.uses;
    assert_eq!(uses.len(), 1);
    assert_eq!((uses[0].version.clone(), uses[0].last_use_time), (version_name("m", 1), Some(time(BEGIN))));
    server.stop().await;
}

#[tokio::test]
async fn a_deprecated_version_takes_no_new_consumers_and_keeps_those_it_has() {
    let server = started().await;
    for id in ["web", "mail"] {
        register(&server, id).await.unwrap();
    }
    resolve(&server, 1, "web").await.unwrap();
    // With a consumer it takes somebody else's approval.
    let request = deprecate(&version_name("m", 1), "version 2 is better", BEGIN + 30 * DAY);
    let (_, reason, _) = explain(&request.send(&server.channel).await.unwrap_err());
    assert_eq!(reason, "APPROVAL_REQUIRED");
    propose_deprecation(&server).await;
    let (_, reason, _) = explain(&resolve(&server, 1, "mail").await.unwrap_err());
    assert_eq!(reason, "NEW_CONSUMER_REFUSED");
    assert_eq!(codes(resolve(&server, 1, "web").await.unwrap()), ["VERSION_DEPRECATED"]);
    server.stop().await;
}

/// Has version 1 deprecated by two people, in favour of version 2, in 30 days.
async fn propose_deprecation(server: &TestServer) {
    use v1::{deprecate_step::Successor, proposal::Step};
    let step = Step::Deprecate(v1::DeprecateStep {
        sunset_time: Some(time(BEGIN + 30 * DAY)),
        successor: Some(Successor::Replacement(version_name("m", 2))),
    });
    let proposal = Some(v1::Proposal {
        step: Some(step),
        reason: "version 2 is better".to_owned(),
        ..Default::default()
    });
    let request = v1::CreateProposalRequest { parent: version_name("m", 1), proposal, ..Default::default() };
    let proposal = server.proposals().create_proposal(by("maria", request)).await.unwrap().into_inner();
    let request = v1::ApproveProposalRequest { name: proposal.name, ..Default::default() };
    let proposal = server.proposals().approve_proposal(by("joan", request)).await.unwrap().into_inner();
    assert_eq!(proposal.state(), v1::ProposalState::CarriedOut);
}

#[tokio::test]
async fn who_breaks_on_a_day_and_who_has_not_acknowledged_it_is_known() {
    let server = started().await;
    register(&server, "web").await.unwrap();
    resolve(&server, 1, "web").await.unwrap();
    let (_, reason, _) = explain(&note(&server, "web", false).await.unwrap_err());
    assert_eq!(reason, "NO_SUNSET");
    propose_deprecation(&server).await;
    assert_eq!(impact(&server, 29).await, []);
    let impacts = impact(&server, 30).await;
    assert_eq!(impacts.len(), 1);
    assert_eq!(
        (&impacts[0].version, &impacts[0].replacement),
        (&version_name("m", 1), &version_name("m", 2))
    );
    assert_eq!(impacts[0].consumers.len(), 1);
    assert!(!impacts[0].consumers[0].acknowledged);
    note(&server, "web", false).await.unwrap();
    assert!(impact(&server, 30).await[0].consumers[0].acknowledged);
    server.stop().await;
}

#[tokio::test]
async fn an_exemption_is_granted_by_somebody_else() {
    let server = started().await;
    register(&server, "web").await.unwrap();
    resolve(&server, 1, "web").await.unwrap();
    propose_deprecation(&server).await;
    let (_, reason, _) = explain(&note(&server, "maria", true).await.unwrap_err());
    assert_eq!(reason, "CONSUMER_OWN");
    assert_eq!(note(&server, "joan", true).await.unwrap().exemptions.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_was_used_in_the_last_week_is_not_retired_by_hand() {
    let server = started().await;
    register(&server, "web").await.unwrap();
    resolve(&server, 1, "web").await.unwrap();
    propose_deprecation(&server).await;
    let retire = async || {
        let (name, reason) = (version_name("m", 1), "nobody uses it".to_owned());
        let request = v1::RetireVersionRequest { name, reason, ..Default::default() };
        server.lifecycle().retire_version(request).await
    };
    let (_, reason, _) = explain(&retire().await.unwrap_err());
    assert_eq!(reason, "VERSION_IN_USE");
    server.clock.advance(8 * DAY);
    let retired = retire().await.unwrap().into_inner();
    assert_eq!(retired.retirement.unwrap().cause(), v1::RetirementCause::Unused);
    server.stop().await;
}
