//! Records about rented models, and how the ends of versions follow them. Nothing
//! happens because of the clock here unless a test looks at it.

mod import;
mod records;

use crate::support::{
    BEGIN, DAY, NAMESPACE, REVIEWER, TestServer, by, create_model, model_name, time, version_name,
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{self, upstream_service_client::UpstreamServiceClient},
    store::memory::MemoryEngine,
};
use tonic::{Code, Status, transport::Channel};

/// Days of the policy `preview`, which binds the models here.
const MARGIN: i64 = 7 * DAY;
const NOTICE: i64 = 14 * DAY;

async fn started() -> TestServer {
    TestServer::unwatched(Arc::new(MemoryEngine::new())).await
}

fn client(server: &TestServer) -> UpstreamServiceClient<Channel> {
    UpstreamServiceClient::new(server.channel.clone())
}

/// The model that the versions here rest on.
fn gpt() -> v1::Upstream {
    v1::Upstream { provider: "openai".to_owned(), model_id: "gpt-4o".to_owned(), ..Default::default() }
}

/// It ends then.
fn ends(micros: i64) -> v1::Upstream {
    v1::Upstream { shutdown_time: Some(time(micros)), ..gpt() }
}

fn set(upstream: v1::Upstream) -> v1::SetUpstreamRequest {
    v1::SetUpstreamRequest { parent: NAMESPACE.to_owned(), upstream: Some(upstream), ..Default::default() }
}

/// It does not end any more.
fn taken_back() -> v1::SetUpstreamRequest {
    let mask = prost_types::FieldMask { paths: vec!["shutdown_time".to_owned()] };
    v1::SetUpstreamRequest { update_mask: Some(mask), ..set(gpt()) }
}

async fn ask(
    server: &TestServer,
    request: v1::SetUpstreamRequest,
) -> Result<v1::SetUpstreamResponse, Status> {
    client(server).set_upstream(request).await.map(tonic::Response::into_inner)
}

async fn observe(server: &TestServer, upstream: v1::Upstream) -> v1::SetUpstreamResponse {
    ask(server, set(upstream)).await.unwrap()
}

/// A draft that rests on a rented model.
async fn draft(server: &TestServer, model: &str) -> String {
    let reference =
        v1::UpstreamReference { provider: "openai".into(), model_id: "gpt-4o".into(), ..Default::default() };
    let version = v1::Version { upstream: Some(reference), ..Default::default() };
    let request =
        v1::CreateVersionRequest { parent: model_name(model), version: Some(version), ..Default::default() };
    server.versions().create_version(request).await.unwrap().into_inner().name
}

async fn candidate(server: &TestServer, model: &str) -> String {
    let name = draft(server, model).await;
    let request =
        v1::SubmitVersionRequest { name: name.clone(), reason: "ready".into(), ..Default::default() };
    server.lifecycle().submit_version(request).await.unwrap();
    name
}

async fn approved(server: &TestServer, model: &str) -> String {
    let name = candidate(server, model).await;
    approve(server, &name).await.unwrap();
    name
}

async fn approve(server: &TestServer, name: &str) -> Result<v1::Version, Status> {
    let (name, reason) = (name.to_owned(), "good".to_owned());
    let request = v1::ApproveVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().approve_version(by(REVIEWER, request)).await.map(tonic::Response::into_inner)
}

async fn deprecated(server: &TestServer, model: &str, sunset: i64) -> String {
    let name = approved(server, model).await;
    let request = v1::DeprecateVersionRequest {
        name: name.clone(),
        reason: "old".to_owned(),
        sunset_time: Some(time(sunset)),
        successor: Some(v1::deprecate_version_request::Successor::NoReplacementReason("none".to_owned())),
        ..Default::default()
    };
    server.lifecycle().deprecate_version(request).await.unwrap();
    name
}

async fn read(server: &TestServer, name: &str) -> v1::Version {
    let request = v1::GetVersionRequest { name: name.to_owned(), read_at: None };
    server.versions().get_version(request).await.unwrap().into_inner()
}

async fn resolve(server: &TestServer, number: i64) -> Result<v1::ResolveVersionResponse, Status> {
    let request = v1::ResolveVersionRequest {
        model: model_name("bot"),
        selector: Some(v1::resolve_version_request::Selector::Number(number)),
        ..Default::default()
    };
    server.versions().resolve_version(request).await.map(tonic::Response::into_inner)
}

/// Type and subject of every event from a position on.
async fn events_since(server: &TestServer, position: u64) -> Vec<(String, String)> {
    let request = v1::ListAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        page_size: 1_000,
        order_by: "position".to_owned(),
        ..Default::default()
    };
    let events = server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events;
    let since = events.into_iter().filter(|event| event.position >= position);
    since.map(|event| (event.r#type.replace("steward.v1.", ""), event.subject)).collect()
}

fn days(times: &[i64]) -> Vec<Option<prost_types::Timestamp>> {
    times.iter().map(|micros| Some(time(*micros))).collect()
}

fn reminders(version: &v1::Version) -> Vec<Option<prost_types::Timestamp>> {
    version.deprecation.as_ref().unwrap().reminders.iter().map(|reminder| reminder.due_time).collect()
}

async fn bot() -> TestServer {
    let server = started().await;
    server.models().create_model(create_model("bot")).await.unwrap();
    server
}

#[tokio::test]
async fn when_a_shutdown_moves_the_effective_sunset_moves_and_an_event_says_so() {
    let server = bot().await;
    let draft = draft(&server, "bot").await;
    let candidate = candidate(&server, "bot").await;
    let approved = approved(&server, "bot").await;
    let own = BEGIN + 60 * DAY;
    let deprecated = deprecated(&server, "bot", own).await;
    let before = server.size().await;
    let shutdown = BEGIN + 50 * DAY;
    let answer = observe(&server, ends(shutdown)).await;
    assert!(answer.changed);
    assert_eq!(answer.moved_versions, [&candidate, &approved, &deprecated].map(Clone::clone));
    let record = answer.upstream.unwrap();
    let mut wanted = vec![("UpstreamObserved".to_owned(), record.name.clone())];
    for name in [&candidate, &approved, &deprecated] {
        wanted.push(("VersionUpstreamEndMoved".to_owned(), name.clone()));
    }
    assert_eq!(events_since(&server, before).await, wanted, "one change, and nothing between");

    let latest = shutdown - MARGIN;
    for name in [&candidate, &approved, &deprecated] {
        let end = read(&server, name).await.upstream_end.unwrap();
        assert_eq!((end.upstream, end.shutdown_time), (record.name.clone(), Some(time(shutdown))));
        assert_eq!(end.latest_time, Some(time(latest)));
        assert_eq!(end.announce_time, Some(time(latest - NOTICE)));
    }
    assert_eq!(read(&server, &draft).await.upstream_end, None);
    assert_eq!(read(&server, &approved).await.effective_sunset_time, Some(time(latest)));
    let version = read(&server, &deprecated).await;
    assert_eq!(version.effective_sunset_time, Some(time(latest)));
    let planned = [14, 7, 1].map(|days| latest - days * DAY);
    assert_eq!(reminders(&version), days(&planned));
    assert_eq!(version.deprecation.unwrap().sunset_time, Some(time(own)), "what was announced stands");
    server.stop().await;
}

#[tokio::test]
async fn a_later_shutdown_gives_the_owners_sunset_back_and_none_removes_the_end() {
    let server = bot().await;
    let own = BEGIN + 60 * DAY;
    let name = deprecated(&server, "bot", own).await;
    observe(&server, ends(BEGIN + 50 * DAY)).await;
    observe(&server, ends(BEGIN + 90 * DAY)).await;
    let version = read(&server, &name).await;
    assert_eq!(version.effective_sunset_time, Some(time(own)));
    assert_eq!(reminders(&version), days(&[14, 7, 1].map(|days| own - days * DAY)));
    let moved = ask(&server, taken_back()).await.unwrap().moved_versions;
    assert_eq!(moved, std::slice::from_ref(&name));
    assert_eq!(read(&server, &name).await.upstream_end, None);
    server.stop().await;
}

#[tokio::test]
async fn a_version_past_the_providers_end_less_the_margin_does_not_resolve_though_no_scheduler_ran() {
    let server = bot().await;
    let name = approved(&server, "bot").await;
    let shutdown = BEGIN + 50 * DAY;
    observe(&server, ends(shutdown)).await;
    server.clock.set(shutdown - MARGIN - 1);
    let warnings = resolve(&server, 1).await.unwrap().warnings;
    assert_eq!(warnings.first().map(|warning| warning.code.as_str()), Some("UPSTREAM_ENDS"));
    server.clock.advance(1);
    let refused = crate::support::explain(&resolve(&server, 1).await.unwrap_err());
    assert_eq!((refused.0, refused.1.as_str()), (Code::FailedPrecondition, "VERSION_RETIRED"));
    assert_eq!(read(&server, &name).await.state(), v1::VersionState::Approved, "nobody carried it out yet");
    server.stop().await;
}

#[tokio::test]
async fn an_approved_version_is_deprecated_by_the_clock_when_the_notice_before_its_upstream_end_begins() {
    let server = bot().await;
    let name = approved(&server, "bot").await;
    let shutdown = BEGIN + 50 * DAY;
    observe(&server, ends(shutdown)).await;
    let latest = shutdown - MARGIN;
    server.clock.set(latest - NOTICE - 1);
    assert_eq!(server.carry_out_due().await, 0);
    server.clock.set(latest - NOTICE);
    let before = server.size().await;
    server.carry_out_due().await;
    let announced = ("VersionDeprecated".to_owned(), name.clone());
    assert_eq!(events_since(&server, before).await.first(), Some(&announced));
    let version = read(&server, &name).await;
    let deprecation = version.deprecation.as_ref().unwrap();
    assert_eq!(deprecation.decision.as_ref().unwrap().actor, "steward");
    assert_eq!(deprecation.sunset_time, Some(time(latest)));

    // Nobody chose this sunset, so it goes where the provider goes.
    let later = shutdown + 20 * DAY;
    observe(&server, ends(later)).await;
    assert_eq!(read(&server, &name).await.effective_sunset_time, Some(time(later - MARGIN)));
    server.clock.set(later - MARGIN);
    server.carry_out_due().await;
    assert_eq!(read(&server, &name).await.state(), v1::VersionState::Retired);
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_comes_later_takes_its_end_from_the_record() {
    let server = bot().await;
    let record = observe(&server, ends(BEGIN + 50 * DAY)).await.upstream.unwrap();
    let name = candidate(&server, "bot").await;
    assert_eq!(read(&server, &name).await.upstream_end.unwrap().upstream, record.name);
    let version = approve(&server, &name).await.unwrap();
    assert_eq!(version.effective_sunset_time, Some(time(BEGIN + 50 * DAY - MARGIN)));
    observe(&server, ends(BEGIN + 5 * DAY)).await;
    let late = candidate(&server, "bot").await;
    let refused = crate::support::explain(&approve(&server, &late).await.unwrap_err());
    assert_eq!(refused.1, "UPSTREAM_ENDS_TOO_SOON");
    server.stop().await;
}

#[tokio::test]
async fn a_version_of_another_place_or_out_of_service_stays_where_it_was() {
    let server = bot().await;
    let rejected = candidate(&server, "bot").await;
    let (name, reason) = (rejected.clone(), "no".to_owned());
    let request = v1::RejectVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().reject_version(by(REVIEWER, request)).await.unwrap();
    let other = approved(&server, "bot").await;
    let elsewhere = v1::Upstream { region: "eu".to_owned(), ..ends(BEGIN + 50 * DAY) };
    assert_eq!(observe(&server, elsewhere).await.moved_versions, Vec::<String>::new());
    assert_eq!(observe(&server, ends(BEGIN + 50 * DAY)).await.moved_versions, [other]);
    assert_eq!(read(&server, &rejected).await.upstream_end, None);
    server.stop().await;
}

#[tokio::test]
async fn a_record_that_versions_in_service_rest_on_cannot_be_removed() {
    let server = bot().await;
    let record = observe(&server, gpt()).await.upstream.unwrap();
    let names = [candidate(&server, "bot").await, approved(&server, "bot").await];
    let remove = v1::DeleteUpstreamRequest { name: record.name.clone(), ..Default::default() };
    let refused = client(&server).delete_upstream(remove.clone()).await.unwrap_err();
    let word = "UPSTREAM_IN_USE".to_owned();
    let wanted = (Code::FailedPrecondition, word.clone(), vec![word.clone(), word]);
    assert_eq!(crate::support::explain(&refused), wanted);
    for name in &names {
        assert!(refused.message().contains(name.as_str()), "{}", refused.message());
    }
    server.stop().await;
}

#[tokio::test]
async fn more_versions_than_one_change_can_move_are_refused_with_what_to_do() {
    let server = bot().await;
    for _ in 0..200 {
        candidate(&server, "bot").await;
    }
    assert_eq!(observe(&server, ends(BEGIN + 50 * DAY)).await.moved_versions.len(), 200);
    candidate(&server, "bot").await;
    let size = server.size().await;
    let refused = ask(&server, set(ends(BEGIN + 60 * DAY))).await.unwrap_err();
    let (code, word, _) = crate::support::explain(&refused);
    assert_eq!((code, word.as_str()), (Code::FailedPrecondition, "TOO_MANY_VERSIONS"));
    assert!(refused.message().contains("200"), "{}", refused.message());
    assert_eq!(server.size().await, size);
    assert_eq!(
        read(&server, &version_name("bot", 1)).await.upstream_end.unwrap().shutdown_time,
        Some(time(BEGIN + 50 * DAY))
    );
    server.stop().await;
}
