//! `validate_only`: everything that would refuse a change, and no change.

use super::{evaluation, refused};
use crate::support::{
    BEGIN, NOTICE, TestServer, by, create_model, create_version, model_name, time, version_name,
};
use steward_registry::proto::v1::{self, deprecate_version_request::Successor, source};
use tonic::Code;

fn because() -> String {
    "because".to_owned()
}

/// Calls with `validate_only` and sees the answer without etag and position,
/// and nothing written.
macro_rules! previews {
    ($server:ident.$client:ident().$method:ident, $request:expr) => {{
        let mut request = $request;
        request.validate_only = true;
        let head = $server.head().await;
        let answer = $server.$client().$method(request).await;
        let answer = answer.unwrap_or_else(|status| panic!("{}: {status}", stringify!($method)));
        assert_eq!($server.head().await, head, "{}", stringify!($method));
        answer.into_inner()
    }};
}

macro_rules! unwritten {
    ($answer:expr) => {
        let answer = $answer;
        assert_eq!((answer.etag.as_str(), answer.audit_position), ("", 0), "{answer:?}");
    };
}

#[tokio::test]
async fn a_preview_answers_as_the_change_would_and_writes_nothing() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.model("gone").await;
    let gone = v1::DeleteModelRequest { name: model_name("gone"), ..Default::default() };
    server.models().delete_model(gone).await.unwrap();
    server.version("m").await;
    server.approved("m").await;
    let name = format!("{}/aliases/a", model_name("m"));
    let alias = v1::Alias { name: name.clone(), version: version_name("m", 2), ..Default::default() };
    let set_alias = v1::SetAliasRequest { alias: Some(alias), ..Default::default() };

    let create = v1::CreateNamespaceRequest { namespace_id: "other".to_owned(), ..Default::default() };
    unwritten!(previews!(server.namespaces().create_namespace, create));
    unwritten!(previews!(server.models().create_model, create_model("n")));
    let model = Some(v1::Model { name: model_name("m"), owner: "Ana".to_owned(), ..Default::default() });
    let update =
        previews!(server.models().update_model, v1::UpdateModelRequest { model, ..Default::default() });
    assert_eq!(update.owner, "Ana");
    unwritten!(update);
    let delete = v1::DeleteModelRequest { name: model_name("m"), ..Default::default() };
    unwritten!(previews!(server.models().delete_model, delete));
    let undelete = v1::UndeleteModelRequest { name: model_name("gone"), ..Default::default() };
    unwritten!(previews!(server.models().undelete_model, undelete));
    let version = previews!(server.versions().create_version, create_version("m"));
    assert_eq!(version.name, version_name("m", 3));
    unwritten!(version);
    let version = v1::Version { name: version_name("m", 1), label: "1.1".to_owned(), ..Default::default() };
    let update = v1::UpdateVersionRequest { version: Some(version), ..Default::default() };
    unwritten!(previews!(server.versions().update_version, update));
    unwritten!(previews!(server.evaluations().record_evaluation, evaluation::record("m")));
    let requests = vec![evaluation::record("m"); 2];
    let batch = v1::BatchRecordEvaluationsRequest { parent: model_name("m"), requests, ..Default::default() };
    let batch = previews!(server.evaluations().batch_record_evaluations, batch);
    assert_eq!(batch.evaluations.len(), 2);
    batch.evaluations.into_iter().for_each(|evaluation| {
        unwritten!(evaluation);
    });
    unwritten!(previews!(server.aliases().set_alias, set_alias.clone()));
    server.aliases().set_alias(set_alias).await.unwrap();
    let delete = v1::DeleteAliasRequest { name, ..Default::default() };
    assert_eq!(previews!(server.aliases().delete_alias, delete).audit_position, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_preview_of_every_verb_shows_the_next_state_and_leaves_the_present_one() {
    use v1::VersionState::{Approved, Archived, Candidate, Deprecated, Rejected, Retired};
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    let name = || version_name("m", 1);
    macro_rules! verb {
        ($method:ident, $request:ident, $state:ident $(, $field:ident: $value:expr)*) => {{
            let request =
                v1::$request { name: name(), reason: because(), $($field: $value,)* ..Default::default() };
            let preview = previews!(server.lifecycle().$method, request.clone());
            assert_eq!(preview.state(), $state);
            unwritten!(preview);
            request
        }};
    }
    macro_rules! step {
        ($method:ident, $request:expr) => {
            let request = $request;
            server.lifecycle().$method(request).await.unwrap();
        };
    }
    let submit = verb!(submit_version, SubmitVersionRequest, Candidate);
    step!(submit_version, by("author", submit));
    verb!(reject_version, RejectVersionRequest, Rejected);
    step!(approve_version, verb!(approve_version, ApproveVersionRequest, Approved));
    let deprecate = verb!(
        deprecate_version,
        DeprecateVersionRequest,
        Deprecated,
        sunset_time: Some(time(BEGIN + NOTICE)),
        successor: Some(Successor::NoReplacementReason("none".to_owned()))
    );
    step!(deprecate_version, deprecate);
    verb!(reinstate_version, ReinstateVersionRequest, Approved);
    step!(retire_version, verb!(retire_version, RetireVersionRequest, Retired));
    verb!(archive_version, ArchiveVersionRequest, Archived);
    server.stop().await;
}

#[tokio::test]
async fn every_guard_that_refuses_is_named() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    for validate_only in [true, false] {
        let request = v1::DeprecateVersionRequest {
            name: version_name("m", 1),
            reason: because(),
            sunset_time: Some(time(BEGIN - 1)),
            successor: Some(Successor::Replacement(version_name("m", 9))),
            validate_only,
            ..Default::default()
        };
        let guards = &["ILLEGAL_TRANSITION", "SUNSET_NOT_IN_FUTURE", "REPLACEMENT_MISSING"];
        let wanted = (Code::FailedPrecondition, "ILLEGAL_TRANSITION", &guards[..]);
        refused(&server, "deprecate", server.lifecycle().deprecate_version(request), wanted).await;

        let parent = |number| Some(source::Kind::ParentVersion(version_name("m", number)));
        let sources = [parent(8), parent(1), parent(9)].map(|kind| v1::Source { kind });
        let version = Some(v1::Version { sources: sources.to_vec(), ..Default::default() });
        let request = v1::CreateVersionRequest { version, validate_only, ..create_version("m") };
        let wanted = (Code::FailedPrecondition, "SOURCE_MISSING", &["SOURCE_MISSING"; 2][..]);
        refused(&server, "sources", server.versions().create_version(request), wanted).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let server = TestServer::start().await;
    for validate_only in [true, false] {
        let mut request = v1::CreateModelRequest { validate_only, ..create_model(" m") };
        request.parent = "default".to_owned();
        request.request_id = "a b".to_owned();
        let model = request.model.as_mut().unwrap();
        model.kind = 99;
        model.risk_tier = 99;
        model.owner = "x".repeat(201);
        model.data_categories = vec!["ok".to_owned(), "Not ok".to_owned()];
        let fields = [
            "parent",
            "model_id",
            "model.kind",
            "model.risk_tier",
            "model.owner",
            "model.data_categories[1]",
            "request_id",
        ];
        super::invalid(&server, "a model", server.models().create_model(request), &fields).await;
    }
    server.stop().await;
}
