//! Names: every field that holds one, with everything that a name is not.

use crate::support::{TestServer, create_model, create_version, explain, model_name, time, version_name};
use std::pin::Pin;
use steward_registry::proto::v1::{
    self, deprecate_version_request::Successor, resolve_version_request::Selector, source,
};
use tonic::{Code, Status};

type Answer = Pin<Box<dyn Future<Output = Result<(), Status>>>>;

/// A field that holds a name, and a call that is right but for this field.
struct Field<'a> {
    method: &'static str,
    path: &'static str,
    send: Box<dyn Fn(String) -> Answer + 'a>,
}

macro_rules! field {
    ($server:ident.$client:ident().$method:ident, $path:literal, |$name:ident| $request:expr) => {
        Field {
            method: stringify!($method),
            path: $path,
            send: Box::new(move |$name: String| {
                let (mut client, request) = ($server.$client(), $request);
                Box::pin(async move { client.$method(request).await.map(drop) })
            }),
        }
    };
}

/// The collections of a name, each with an id that fits.
const NAMESPACE: &[(&str, &str)] = &[("namespaces", "default")];
const MODEL: &[(&str, &str)] = &[("namespaces", "default"), ("models", "m")];
const VERSION: &[(&str, &str)] = &[("namespaces", "default"), ("models", "m"), ("versions", "1")];
const ALIAS: &[(&str, &str)] = &[("namespaces", "default"), ("models", "m"), ("aliases", "a")];
const EVALUATION: &[(&str, &str)] =
    &[("namespaces", "default"), ("models", "m"), ("versions", "1"), ("evaluations", "e")];

/// What no id is: empty, with control characters plain and encoded, with broken
/// escapes, with a separator, without UTF-8.
const NO_ID: &[&str] = &["", "a\u{7}", "a%07", "a%00b", "%", "a%2", "a%zz", "%ff", "a%2Fb", "a*b", ".", ".."];

/// Ids that break the rule of their collection.
fn unfit(collection: &str) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let mut unfit = texts(NO_ID);
    unfit.extend(match collection {
        "namespaces" => [texts(&["Default", "1a", "-a", "a_b", "a%20b", "ä"]), vec!["a".repeat(64)]].concat(),
        "models" => [texts(&[" m", "m%20", "a\tb", "🦀"]), vec!["ü".repeat(251)]].concat(),
        "versions" => texts(&["0", "01", "-1", "+1", "1.0", "one", "4294967296", "99999999999999999999"]),
        "aliases" => [texts(&["Production", "1a", "a b", "a@b"]), vec!["a".repeat(64)]].concat(),
        _ => [texts(&["E", "a b", "a@b"]), vec!["e".repeat(64)]].concat(),
    });
    unfit
}

/// Everything that a name of these collections is not.
fn misnamed(form: &[(&str, &str)]) -> Vec<String> {
    let join = |ids: &[&str]| {
        let parts: Vec<_> = form.iter().zip(ids).map(|((name, _), id)| format!("{name}/{id}")).collect();
        parts.join("/")
    };
    let ids: Vec<&str> = form.iter().map(|(_, id)| *id).collect();
    let right = join(&ids);
    let mut wrong = vec![String::new(), "x".to_owned(), right.replacen("namespaces", "Namespaces", 1)];
    wrong.extend([format!("/{right}"), format!("{right}/"), format!("{right}/more/x"), format!("//{right}")]);
    for (slot, (collection, _)) in form.iter().enumerate() {
        for id in unfit(collection) {
            let mut ids = ids.clone();
            ids[slot] = &id;
            wrong.push(join(&ids));
        }
    }
    wrong
}

/// Sends every wrong name in every field.
async fn check(server: &TestServer, form: &[(&str, &str)], fields: Vec<Field<'_>>) {
    let head = server.head().await;
    for Field { method, path, send } in fields {
        for name in misnamed(form) {
            let case = format!("{method}, {path} = {name:?}");
            let status = send(name).await.expect_err(&case);
            let wanted = (Code::InvalidArgument, "INVALID_FIELDS".to_owned(), vec![path.to_owned()]);
            assert_eq!(explain(&status), wanted, "{case}: {}", status.message());
        }
    }
    assert_eq!(server.head().await, head);
}

fn reason() -> String {
    "because".to_owned()
}

#[tokio::test]
async fn what_is_no_name_of_a_namespace_is_refused_in_every_field() {
    let server = &TestServer::start().await;
    let fields = vec![
        field!(server.namespaces().get_namespace, "name", |name| v1::GetNamespaceRequest {
            name,
            read_at: None
        }),
        field!(server.models().create_model, "parent", |parent| v1::CreateModelRequest {
            parent,
            ..create_model("m")
        }),
        field!(server.models().list_models, "parent", |parent| v1::ListModelsRequest {
            parent,
            ..Default::default()
        }),
        field!(server.audit().get_audit_head, "parent", |parent| v1::GetAuditHeadRequest { parent }),
        field!(server.audit().list_audit_events, "parent", |parent| v1::ListAuditEventsRequest {
            parent,
            ..Default::default()
        }),
        field!(server.audit().subscribe_audit_events, "parent", |parent| v1::SubscribeAuditEventsRequest {
            parent,
            ..Default::default()
        }),
    ];
    check(server, NAMESPACE, fields).await;
}

#[tokio::test]
async fn what_is_no_name_of_a_model_is_refused_in_every_field() {
    let server = &TestServer::start().await;
    let fields = vec![
        field!(server.models().get_model, "name", |name| v1::GetModelRequest { name, read_at: None }),
        field!(server.models().update_model, "model.name", |name| v1::UpdateModelRequest {
            model: Some(v1::Model { name, ..Default::default() }),
            ..Default::default()
        }),
        field!(server.models().delete_model, "name", |name| v1::DeleteModelRequest {
            name,
            ..Default::default()
        }),
        field!(server.models().undelete_model, "name", |name| v1::UndeleteModelRequest {
            name,
            ..Default::default()
        }),
        field!(server.versions().create_version, "parent", |parent| v1::CreateVersionRequest {
            parent,
            ..create_version("m")
        }),
        field!(server.versions().list_versions, "parent", |parent| v1::ListVersionsRequest {
            parent,
            ..Default::default()
        }),
        field!(server.versions().resolve_version, "model", |model| v1::ResolveVersionRequest {
            model,
            selector: Some(Selector::Number(1)),
            ..Default::default()
        }),
        field!(server.aliases().list_aliases, "parent", |parent| v1::ListAliasesRequest {
            parent,
            ..Default::default()
        }),
        field!(server.evaluations().batch_record_evaluations, "parent", |parent| {
            let requests = vec![super::evaluation::record("m")];
            v1::BatchRecordEvaluationsRequest { parent, requests, ..Default::default() }
        }),
    ];
    check(server, MODEL, fields).await;
}

#[tokio::test]
async fn what_is_no_name_of_a_version_is_refused_in_every_field() {
    let server = &TestServer::start().await;
    let fields = vec![
        field!(server.versions().get_version, "name", |name| v1::GetVersionRequest { name, read_at: None }),
        field!(server.versions().update_version, "version.name", |name| v1::UpdateVersionRequest {
            version: Some(v1::Version { name, ..Default::default() }),
            ..Default::default()
        }),
        field!(server.versions().create_version, "version.sources[0].parent_version", |name| {
            let source = v1::Source { kind: Some(source::Kind::ParentVersion(name)) };
            let version = v1::Version { sources: vec![source], ..Default::default() };
            v1::CreateVersionRequest { version: Some(version), ..create_version("m") }
        }),
        field!(server.aliases().set_alias, "alias.version", |version| v1::SetAliasRequest {
            alias: Some(v1::Alias {
                name: format!("{}/aliases/a", model_name("m")),
                version,
                ..Default::default()
            }),
            ..Default::default()
        }),
        field!(server.evaluations().record_evaluation, "parent", |parent| v1::RecordEvaluationRequest {
            parent,
            ..super::evaluation::record("m")
        }),
        field!(server.evaluations().batch_record_evaluations, "requests[0].parent", |parent| {
            let request = v1::RecordEvaluationRequest { parent, ..super::evaluation::record("m") };
            let (parent, requests) = (model_name("m"), vec![request]);
            v1::BatchRecordEvaluationsRequest { parent, requests, ..Default::default() }
        }),
        field!(server.evaluations().list_evaluations, "parent", |parent| v1::ListEvaluationsRequest {
            parent,
            ..Default::default()
        }),
    ];
    check(server, VERSION, fields).await;
}

#[tokio::test]
async fn what_is_no_name_of_a_version_is_refused_by_every_verb() {
    let server = &TestServer::start().await;
    macro_rules! verb {
        ($method:ident, $request:ident) => {
            field!(server.lifecycle().$method, "name", |name| v1::$request {
                name,
                reason: reason(),
                ..Default::default()
            })
        };
    }
    let sunset_time = Some(time(crate::support::BEGIN + 1));
    let fields = vec![
        verb!(submit_version, SubmitVersionRequest),
        verb!(approve_version, ApproveVersionRequest),
        verb!(reject_version, RejectVersionRequest),
        verb!(reinstate_version, ReinstateVersionRequest),
        verb!(retire_version, RetireVersionRequest),
        verb!(archive_version, ArchiveVersionRequest),
        verb!(hold_version, HoldVersionRequest),
        verb!(release_version, ReleaseVersionRequest),
        field!(server.lifecycle().deprecate_version, "name", |name| v1::DeprecateVersionRequest {
            name,
            reason: reason(),
            sunset_time,
            successor: Some(Successor::Replacement(version_name("m", 2))),
            ..Default::default()
        }),
        field!(server.lifecycle().deprecate_version, "replacement", |name| v1::DeprecateVersionRequest {
            name: version_name("m", 1),
            reason: reason(),
            sunset_time,
            successor: Some(Successor::Replacement(name)),
            ..Default::default()
        }),
    ];
    check(server, VERSION, fields).await;
}

#[tokio::test]
async fn what_is_no_name_of_an_alias_or_evaluation_is_refused_in_every_field() {
    let server = &TestServer::start().await;
    let fields = vec![
        field!(server.aliases().get_alias, "name", |name| v1::GetAliasRequest { name, read_at: None }),
        field!(server.aliases().delete_alias, "name", |name| v1::DeleteAliasRequest {
            name,
            ..Default::default()
        }),
        field!(server.aliases().get_alias_history, "name", |name| v1::GetAliasHistoryRequest {
            name,
            ..Default::default()
        }),
        field!(server.aliases().set_alias, "alias.name", |name| v1::SetAliasRequest {
            alias: Some(v1::Alias { name, version: version_name("m", 1), ..Default::default() }),
            ..Default::default()
        }),
    ];
    check(server, ALIAS, fields).await;
    let fields = vec![field!(server.evaluations().get_evaluation, "name", |name| v1::GetEvaluationRequest {
        name,
        read_at: None
    })];
    check(server, EVALUATION, fields).await;
}

#[tokio::test]
async fn a_percent_encoded_name_leads_to_the_resource_however_it_is_spelled() {
    let server = TestServer::start().await;
    let created = server.model("donor chatbot @(EU)").await;
    for id in ["donor%20chatbot%20%40%28EU%29", "donor chatbot @(EU)", "%64onor%20chatbot%20@(EU)"] {
        let name = model_name(id);
        let read = server.models().get_model(v1::GetModelRequest { name, read_at: None }).await.unwrap();
        assert_eq!(read.into_inner(), created, "{id}");
    }
    server.stop().await;
}
