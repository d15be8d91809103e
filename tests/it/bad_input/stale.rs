//! What was right once or elsewhere: etags, request ids, resume tokens,
//! positions and times.

use super::{evaluation, invalid, refused};
use crate::support::{
    BEGIN, NAMESPACE, TestServer, create_model, create_version, model_name, time, version_name,
};
use steward_registry::proto::v1::{
    self,
    deprecate_version_request::Successor,
    resolve_version_request::Selector,
    subscribe_audit_events_request::{Start, Stop},
};
use tonic::Code;

const STALE: super::Refusal<'static> = (Code::Aborted, "ETAG_MISMATCH", &[]);
const REUSED: super::Refusal<'static> = (Code::AlreadyExists, "REQUEST_ID_REUSED", &[]);

fn alias(name: &str, number: u32, etag: &str) -> v1::SetAliasRequest {
    let name = format!("{}/aliases/{name}", model_name("m"));
    let alias =
        v1::Alias { name, version: version_name("m", number), etag: etag.to_owned(), ..Default::default() };
    v1::SetAliasRequest { alias: Some(alias), ..Default::default() }
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    server.approved("m").await;
    server.aliases().set_alias(alias("a", 2, "")).await.unwrap();
    let name = model_name("m");
    for etag in ["p0", "p999", "x", "\"p1\"", " "] {
        let etag = etag.to_owned();
        for validate_only in [true, false] {
            let model = Some(v1::Model { name: name.clone(), etag: etag.clone(), ..Default::default() });
            let request = v1::UpdateModelRequest { model, validate_only, ..Default::default() };
            refused(&server, &etag, server.models().update_model(request), STALE).await;
            let request =
                v1::DeleteModelRequest { name: name.clone(), etag: etag.clone(), ..Default::default() };
            refused(&server, &etag, server.models().delete_model(request), STALE).await;
            let request =
                v1::UndeleteModelRequest { name: name.clone(), etag: etag.clone(), ..Default::default() };
            refused(&server, &etag, server.models().undelete_model(request), STALE).await;
            let version =
                v1::Version { name: version_name("m", 1), etag: etag.clone(), ..Default::default() };
            let request =
                v1::UpdateVersionRequest { version: Some(version), validate_only, ..Default::default() };
            refused(&server, &etag, server.versions().update_version(request), STALE).await;
            let request = v1::SetAliasRequest { validate_only, ..alias("a", 2, &etag) };
            refused(&server, &etag, server.aliases().set_alias(request), STALE).await;
            let alias_name = format!("{name}/aliases/a");
            let request = v1::DeleteAliasRequest {
                name: alias_name,
                etag: etag.clone(),
                validate_only,
                ..Default::default()
            };
            refused(&server, &etag, server.aliases().delete_alias(request), STALE).await;
        }
    }
    let missing = (Code::NotFound, "ALIAS_NOT_FOUND", &[][..]);
    refused(&server, "an etag of nothing", server.aliases().set_alias(alias("b", 2, "p1")), missing).await;
    server.stop().await;
}

#[tokio::test]
async fn every_verb_refuses_a_stale_etag() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    macro_rules! verb {
        ($method:ident, $request:ident $(, $field:ident: $value:expr)*) => {
            let request = v1::$request {
                name: version_name("m", 1),
                reason: "because".to_owned(),
                etag: "p0".to_owned(),
                $($field: $value,)*
                ..Default::default()
            };
            refused(&server, stringify!($method), server.lifecycle().$method(request), STALE).await;
        };
    }
    verb!(submit_version, SubmitVersionRequest);
    verb!(approve_version, ApproveVersionRequest);
    verb!(reject_version, RejectVersionRequest);
    let successor = Some(Successor::NoReplacementReason("none".to_owned()));
    verb!(deprecate_version, DeprecateVersionRequest, sunset_time: Some(time(BEGIN + 1)), successor: successor);
    verb!(reinstate_version, ReinstateVersionRequest);
    verb!(retire_version, RetireVersionRequest);
    verb!(archive_version, ArchiveVersionRequest);
    verb!(extend_sunset, ExtendSunsetRequest, sunset_time: Some(time(BEGIN + 1)));
    verb!(hold_version, HoldVersionRequest);
    verb!(release_version, ReleaseVersionRequest);
    server.stop().await;
}

#[tokio::test]
async fn a_request_id_reused_with_other_content_changes_nothing() {
    let server = TestServer::start().await;
    let request_id = "7c9e6679".to_owned();
    let first = v1::CreateModelRequest { request_id: request_id.clone(), ..create_model("m") };
    let created = server.models().create_model(first.clone()).await.unwrap().into_inner();

    let mut other = first.clone();
    other.model.as_mut().unwrap().owner = "Ana".to_owned();
    refused(&server, "another owner", server.models().create_model(other), REUSED).await;
    let other = v1::CreateModelRequest { model_id: "n".to_owned(), ..first.clone() };
    refused(&server, "another id", server.models().create_model(other), REUSED).await;
    let other = v1::CreateVersionRequest { request_id: request_id.clone(), ..create_version("m") };
    refused(&server, "another method", server.versions().create_version(other), REUSED).await;
    let other = v1::DeleteModelRequest {
        name: model_name("m"),
        request_id: request_id.clone(),
        ..Default::default()
    };
    refused(&server, "another method", server.models().delete_model(other), REUSED).await;
    let other = v1::RecordEvaluationRequest { request_id, ..evaluation::record("m") };
    refused(&server, "another method", server.evaluations().record_evaluation(other), REUSED).await;

    let size = server.size().await;
    assert_eq!(server.models().create_model(first).await.unwrap().into_inner(), created);
    assert_eq!(server.size().await, size, "the same again is answered and not written");
    server.stop().await;
}

#[tokio::test]
async fn a_request_id_is_printable() {
    let server = TestServer::start().await;
    for request_id in ["a b", "a\u{7}", "a\n", "ä", "🦀", &"a".repeat(65)] {
        let request = v1::CreateModelRequest { request_id: request_id.to_owned(), ..create_model("m") };
        invalid(&server, request_id, server.models().create_model(request), &["request_id"]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn an_actor_that_is_no_name_changes_nothing() {
    let server = TestServer::start().await;
    for actor in ["", "%07", "%ff", &"a".repeat(201)] {
        let mut request = tonic::Request::new(create_model("m"));
        request.metadata_mut().insert("steward-actor", actor.parse().unwrap());
        let wanted = (Code::InvalidArgument, "INVALID_METADATA", &["steward-actor"][..]);
        refused(&server, actor, server.models().create_model(request), wanted).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_resume_token_belongs_to_its_log_and_history() {
    let server = TestServer::start().await;
    let request = v1::CreateNamespaceRequest { namespace_id: "other".to_owned(), ..Default::default() };
    server.namespaces().create_namespace(request).await.unwrap();
    let parent = "namespaces/other".to_owned();
    let other = server.audit().get_audit_head(v1::GetAuditHeadRequest { parent }).await.unwrap().into_inner();
    let subscribe = |token: String| v1::SubscribeAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        start: Some(Start::ResumeToken(token)),
        ..Default::default()
    };
    let call = subscribe(other.resume_token);
    invalid(&server, "of another log", server.audit().subscribe_audit_events(call), &["resume_token"]).await;

    let older = server.head().await.resume_token;
    server.model("m").await;
    // The same log, but a position that it has not reached, or another past.
    let newer = server.head().await.resume_token;
    let swapped = |position: usize| {
        let mut token = newer.clone().into_bytes();
        token[position] = if token[position] == b'A' { b'B' } else { b'A' };
        String::from_utf8(token).unwrap()
    };
    let forked = (Code::FailedPrecondition, "LOG_FORKED", &[][..]);
    for position in [30, 45] {
        let call = subscribe(swapped(position));
        refused(&server, "of another history", server.audit().subscribe_audit_events(call), forked).await;
    }
    server.audit().subscribe_audit_events(subscribe(older)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_position_beyond_the_head_does_not_exist() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.approved("m").await;
    server.aliases().set_alias(alias("a", 1, "")).await.unwrap();
    let request = v1::RecordEvaluationRequest { evaluation_id: "e".to_owned(), ..evaluation::record("m") };
    server.evaluations().record_evaluation(request).await.unwrap();
    let size = server.size().await;
    let beyond = (Code::OutOfRange, "POSITION_BEYOND_HEAD", &[][..]);
    let now = BEGIN + 60_000_000;
    server.clock.set(now);
    macro_rules! get {
        ($client:ident().$method:ident, $request:ident, $read_at:ident, $name:expr) => {
            for position in [size, size + 1, u64::MAX] {
                let read_at = Some(v1::$read_at::ReadAt::ReadPosition(position));
                let request = v1::$request { name: $name.to_owned(), read_at };
                refused(&server, stringify!($method), server.$client().$method(request), beyond).await;
            }
            for time in [time(now), time(now + 1), prost_types::Timestamp { seconds: 0, nanos: -5 }] {
                let read_at = Some(v1::$read_at::ReadAt::ReadTime(time));
                let request = v1::$request { name: $name.to_owned(), read_at };
                invalid(&server, stringify!($method), server.$client().$method(request), &["read_time"])
                    .await;
            }
        };
    }
    let (model, version) = (model_name("m"), version_name("m", 1));
    get!(namespaces().get_namespace, GetNamespaceRequest, get_namespace_request, NAMESPACE);
    get!(models().get_model, GetModelRequest, get_model_request, &model);
    get!(versions().get_version, GetVersionRequest, get_version_request, &version);
    get!(aliases().get_alias, GetAliasRequest, get_alias_request, format!("{model}/aliases/a"));
    let name = format!("{version}/evaluations/e");
    get!(evaluations().get_evaluation, GetEvaluationRequest, get_evaluation_request, &name);

    use v1::resolve_version_request::ReadAt;
    let resolve = |read_at| v1::ResolveVersionRequest {
        model: model.clone(),
        selector: Some(Selector::Alias("a".to_owned())),
        read_at: Some(read_at),
        ..Default::default()
    };
    let call = resolve(ReadAt::ReadPosition(size));
    refused(&server, "resolve", server.versions().resolve_version(call), beyond).await;
    let call = resolve(ReadAt::ReadTime(time(now)));
    invalid(&server, "resolve", server.versions().resolve_version(call), &["read_time"]).await;

    let subscribe = |start, stop| v1::SubscribeAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        start: Some(Start::StartPosition(start)),
        stop,
        ..Default::default()
    };
    for start in [size + 1, u64::MAX] {
        let call = subscribe(start, None);
        refused(&server, "subscribe", server.audit().subscribe_audit_events(call), beyond).await;
    }
    let call = subscribe(2, Some(Stop::StopPosition(0)));
    invalid(&server, "stop", server.audit().subscribe_audit_events(call), &["stop_position"]).await;
    server.stop().await;
}
