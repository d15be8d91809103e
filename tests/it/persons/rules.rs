//! Who is the same person, who may erase, and whom a filter finds.

use super::{erase, list, persons};
use crate::{
    ask::{Ask, approve, create_namespace, describe_model, submit},
    stream::reader::{Reader, from_the_beginning},
    support::{NAMESPACE, TestServer, by, create_model, explain, version_name},
};
use std::collections::BTreeSet;
use steward_registry::proto::v1::{self, AuditEventFilter, ErasePersonRequest, GetPersonRequest};
use tonic::Code;

async fn pseudonyms(server: &TestServer, parent: &str, text: &str) -> Vec<String> {
    let all = list(&server.channel, parent).await;
    all.into_iter().filter(|person| person.text == text).map(|person| person.pseudonym).collect()
}

#[tokio::test]
async fn a_text_has_one_pseudonym_in_a_namespace_and_another_in_another() {
    let server = TestServer::start().await;
    create_namespace("other", "x").send_as(&server.channel, Some("Ann")).await.unwrap();
    for id in ["one", "two"] {
        Ask::from(create_model(id)).send_as(&server.channel, Some("Ann")).await.unwrap();
    }
    let here = pseudonyms(&server, NAMESPACE, "Ann").await;
    let there = pseudonyms(&server, "namespaces/other", "Ann").await;
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_ne!(here, there);
    // Whose pseudonym it is there, nobody is told here.
    describe_model("one", &there[0], "").send(&server.channel).await.unwrap();
    let mut request = create_model("three");
    let contact = v1::Contact { display_name: there[0].clone(), ..Default::default() };
    request.model.as_mut().unwrap().contacts = vec![contact];
    let model = server.models().create_model(request).await.unwrap().into_inner();
    assert_eq!(model.contacts[0].display_name, there[0]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_named_for_the_first_time_by_many_at_once_has_one_pseudonym() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let channel = server.channel.clone();
            let ask = Ask::from(create_model(&format!("m{n}")));
            tokio::spawn(async move { ask.send_as(&channel, Some("Newcomer")).await.unwrap() })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(pseudonyms(&server, NAMESPACE, "Newcomer").await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn nobody_approves_their_own_version_whatever_the_log_calls_them() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    let version = version_name("m", 1);
    submit(&version, "ready").send_as(&server.channel, Some("Ann")).await.unwrap();
    let own = approve(&version, "fine").send_as(&server.channel, Some("Ann")).await.unwrap_err();
    assert_eq!(explain(&own).2, ["APPROVAL_REQUIRED"]);
    // Nor in the name that the log has for them.
    let pseudonym = pseudonyms(&server, NAMESPACE, "Ann").await.pop().unwrap();
    let hidden = approve(&version, "fine").send_as(&server.channel, Some(&pseudonym)).await.unwrap_err();
    assert_eq!((hidden.code(), explain(&hidden).1.as_str()), (Code::InvalidArgument, "INVALID_METADATA"));
    approve(&version, "fine").send_as(&server.channel, Some("Bea")).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn who_acts_again_after_an_erasure_is_somebody_new() {
    let server = TestServer::start().await;
    Ask::from(create_model("before")).send_as(&server.channel, Some("Ann")).await.unwrap();
    let old = pseudonyms(&server, NAMESPACE, "Ann").await;
    // Also by their own hand, which names them once more.
    let name = crate::ask::person::name_of(&server.channel, NAMESPACE, "Ann").await.unwrap();
    let request = ErasePersonRequest { name, reason: "my wish".to_owned(), ..Default::default() };
    let erased = persons(&server.channel).erase_person(by("Ann", request)).await.unwrap().into_inner();
    assert_eq!(erased.pseudonym, old[0]);
    assert_eq!(pseudonyms(&server, NAMESPACE, "Ann").await, Vec::<String>::new());
    Ask::from(create_model("after")).send_as(&server.channel, Some("Ann")).await.unwrap();
    let new = pseudonyms(&server, NAMESPACE, "Ann").await;
    assert_eq!(new.len(), 1);
    assert_ne!(new, old);
    server.stop().await;
}

#[tokio::test]
async fn an_erasure_needs_a_reason_somebody_to_erase_and_the_present_etag() {
    let server = TestServer::start().await;
    Ask::from(create_model("m")).send_as(&server.channel, Some("Ann")).await.unwrap();
    let person = list(&server.channel, NAMESPACE).await.pop().unwrap();
    assert_eq!((person.text.as_str(), person.audit_position, person.etag.as_str()), ("Ann", 1, "p1"));
    let mut client = persons(&server.channel);
    let request = |name: &str| ErasePersonRequest {
        name: name.to_owned(),
        reason: "asked".to_owned(),
        ..Default::default()
    };
    let mut refused = async |request: ErasePersonRequest| {
        let before = server.head().await;
        let error = client.erase_person(request).await.unwrap_err();
        assert_eq!(server.head().await, before);
        explain(&error)
    };
    let (code, reason, fields) =
        refused(ErasePersonRequest { reason: " ".to_owned(), ..request(&person.name) }).await;
    assert_eq!(
        (code, reason.as_str(), fields),
        (Code::InvalidArgument, "INVALID_FIELDS", vec!["reason".to_owned()])
    );
    let nobody = format!("{NAMESPACE}/persons/{}", "0".repeat(32));
    assert_eq!(refused(request(&nobody)).await.0, Code::NotFound);
    let stale = ErasePersonRequest { etag: "p0".to_owned(), ..request(&person.name) };
    assert_eq!(refused(stale).await.0, Code::Aborted);
    let broken = request(&format!("{NAMESPACE}/persons/{}", "A".repeat(32)));
    assert_eq!(refused(broken).await.0, Code::InvalidArgument);

    let mut client = persons(&server.channel);
    let dry = ErasePersonRequest { validate_only: true, ..request(&person.name) };
    let preview = client.erase_person(dry).await.unwrap().into_inner();
    assert_eq!((preview.text.as_str(), preview.etag.as_str()), ("", ""));
    let get = || GetPersonRequest { name: person.name.clone() };
    assert_eq!(client.get_person(get()).await.unwrap().into_inner(), person);

    client.erase_person(request(&person.name)).await.unwrap();
    let again = client.erase_person(request(&person.name)).await.unwrap_err();
    assert_eq!(explain(&again).2, ["PERSON_ERASED"]);
    let shown = client.get_person(get()).await.unwrap().into_inner();
    assert_eq!((shown.text.as_str(), shown.erasure.unwrap().reason.as_str()), ("", "asked"));
    server.stop().await;
}

/// Subjects of the events that a filter by name finds in the list.
async fn by_name(server: &TestServer, actor: &str) -> Vec<String> {
    let filter = AuditEventFilter { actors: vec![actor.to_owned()], ..Default::default() };
    let request = v1::ListAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        filter: Some(filter),
        ..Default::default()
    };
    let events = server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events;
    events.into_iter().map(|event| event.subject.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_filter_finds_who_acts_by_name_from_the_first_time_on() {
    let server = TestServer::start().await;
    let filter = AuditEventFilter { actors: vec!["Ann".to_owned()], ..Default::default() };
    let request = v1::SubscribeAuditEventsRequest { filter: Some(filter), ..from_the_beginning() };
    let mut reader = Reader::open(&server, request).await.unwrap();
    for (id, actor) in [("a", "Ann"), ("b", "Bea"), ("c", "Ann")] {
        Ask::from(create_model(id)).send_as(&server.channel, Some(actor)).await.unwrap();
    }
    let read: BTreeSet<(u64, String)> =
        reader.reach(3).await.into_iter().map(|event| (event.position, event.actor)).collect();
    assert_eq!(read, BTreeSet::from([(1, "Ann".to_owned()), (3, "Ann".to_owned())]));
    assert_eq!(by_name(&server, "Ann").await, ["a", "c"]);
    let pseudonym = pseudonyms(&server, NAMESPACE, "Ann").await.pop().unwrap();
    assert_eq!(by_name(&server, &pseudonym).await, ["a", "c"]);
    erase(&server.channel, "Ann").await.unwrap();
    assert_eq!(by_name(&server, "Ann").await, Vec::<String>::new());
    assert_eq!(by_name(&server, &pseudonym).await, ["a", "c"]);
    Ask::from(create_model("d")).send_as(&server.channel, Some("Ann")).await.unwrap();
    assert_eq!(by_name(&server, "Ann").await, ["d"]);
    server.stop().await;
}

#[tokio::test]
async fn digests_in_the_log_are_keyed() {
    let server = TestServer::start().await;
    Ask::from(create_model("m")).with_request_id("id").send(&server.channel).await.unwrap();
    let events = crate::stream::reader::export(&server).await;
    let leaf: serde_json::Value = serde_json::from_slice(&events[1].leaf).unwrap();
    let digest = leaf["data"]["request"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("hmac-sha256:"), "{digest}");
    server.stop().await;
}
