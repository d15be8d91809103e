//! Models through the wire.

mod list;

use crate::support::{
    BEGIN, TestServer, create_model, create_version, explain, model_name, time, version_name,
};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{self, property_value::Kind, resolve_version_request::Selector};
use tonic::{Code, Status};

fn property(kind: Kind) -> v1::PropertyValue {
    v1::PropertyValue { kind: Some(kind) }
}

/// A model with every field that a caller can give.
fn complete() -> v1::Model {
    v1::Model {
        display_name: "Donor chatbot".to_owned(),
        description: "Answers donors.\n\nIn two languages: Español, English.".to_owned(),
        owner: "Fundraising".to_owned(),
        contacts: vec![
            v1::Contact { display_name: "Ana".to_owned(), address: "ana@example.org".to_owned() },
            v1::Contact { display_name: "On call".to_owned(), address: String::new() },
        ],
        kind: v1::ModelKind::RentedApi.into(),
        risk_tier: v1::RiskTier::Critical.into(),
        data_categories: vec!["donations".to_owned(), "contact-data".to_owned()],
        processes_personal_data: true,
        labels: BTreeMap::from([("team".to_owned(), "donors & friends".to_owned())]),
        properties: BTreeMap::from([
            ("text".to_owned(), property(Kind::StringValue("ünï🦀".to_owned()))),
            ("number".to_owned(), property(Kind::DoubleValue(-0.1))),
            ("count".to_owned(), property(Kind::IntValue(i64::MIN))),
            ("flag".to_owned(), property(Kind::BoolValue(false))),
            ("moment".to_owned(), property(Kind::TimeValue(time(BEGIN + 1)))),
        ]),
        ..Default::default()
    }
}

/// A model that differs from [`complete`] in every field.
fn different() -> v1::Model {
    v1::Model {
        display_name: "Report writer".to_owned(),
        description: "Writes reports.".to_owned(),
        owner: "Office".to_owned(),
        contacts: vec![v1::Contact { display_name: "Joan".to_owned(), address: "+34".to_owned() }],
        kind: v1::ModelKind::Embedded.into(),
        risk_tier: v1::RiskTier::Preview.into(),
        data_categories: vec!["reports".to_owned()],
        processes_personal_data: false,
        labels: BTreeMap::from([("team".to_owned(), "office".to_owned())]),
        properties: BTreeMap::from([("text".to_owned(), property(Kind::IntValue(7)))]),
        ..Default::default()
    }
}

async fn create(server: &TestServer, id: &str, model: v1::Model) -> v1::Model {
    let request = v1::CreateModelRequest { model: Some(model), ..create_model(id) };
    server.models().create_model(request).await.unwrap().into_inner()
}

async fn read(server: &TestServer, id: &str) -> v1::Model {
    let name = model_name(id);
    server.models().get_model(v1::GetModelRequest { name, read_at: None }).await.unwrap().into_inner()
}

async fn update(server: &TestServer, model: v1::Model, mask: Option<&[&str]>) -> Result<v1::Model, Status> {
    let paths = |mask: &[&str]| mask.iter().map(|&path| path.to_owned()).collect();
    let update_mask = mask.map(|mask| prost_types::FieldMask { paths: paths(mask) });
    let request = v1::UpdateModelRequest { model: Some(model), update_mask, ..Default::default() };
    server.models().update_model(request).await.map(tonic::Response::into_inner)
}

async fn delete(server: &TestServer, id: &str) -> Result<v1::Model, Status> {
    let request = v1::DeleteModelRequest { name: model_name(id), ..Default::default() };
    server.models().delete_model(request).await.map(tonic::Response::into_inner)
}

async fn undelete(server: &TestServer, id: &str) -> Result<v1::Model, Status> {
    let request = v1::UndeleteModelRequest { name: model_name(id), ..Default::default() };
    server.models().undelete_model(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_model_is_read_back_as_it_was_registered() {
    let server = TestServer::start().await;
    let created = create(&server, "donor chatbot (EU)", complete()).await;
    let wanted = v1::Model {
        name: model_name("donor%20chatbot%20%28EU%29"),
        create_time: Some(time(BEGIN + 1)),
        update_time: Some(time(BEGIN + 1)),
        etag: "p1".to_owned(),
        audit_position: 1,
        ..complete()
    };
    assert_eq!(created, wanted);
    assert_eq!(read(&server, "donor%20chatbot%20%28EU%29").await, wanted);
    server.stop().await;
}

#[tokio::test]
async fn what_only_the_server_decides_is_ignored_in_a_request() {
    let server = TestServer::start().await;
    let claims = v1::Model {
        name: "namespaces/default/models/other".to_owned(),
        create_time: Some(time(0)),
        update_time: Some(time(0)),
        delete_time: Some(time(0)),
        etag: "p99".to_owned(),
        audit_position: 99,
        ..complete()
    };
    let created = create(&server, "m", claims).await;
    assert_eq!((created.name.as_str(), created.delete_time), (model_name("m").as_str(), None));
    assert_eq!((created.etag.as_str(), created.audit_position), ("p1", 1));
    server.stop().await;
}

#[tokio::test]
async fn a_model_without_a_tier_is_standard() {
    let server = TestServer::start().await;
    let model = v1::Model { kind: v1::ModelKind::Own.into(), ..Default::default() };
    assert_eq!(create(&server, "m", model).await.risk_tier(), v1::RiskTier::Standard);
    server.stop().await;
}

#[tokio::test]
async fn a_second_model_of_the_same_id_is_refused_and_writes_nothing() {
    let server = TestServer::start().await;
    server.model("m").await;
    let size = server.size().await;
    let error = server.models().create_model(create_model("m")).await.unwrap_err();
    assert_eq!(explain(&error), (Code::AlreadyExists, "MODEL_EXISTS".into(), vec![]));
    assert_eq!(server.size().await, size);
    server.stop().await;
}

#[tokio::test]
async fn a_mask_changes_the_field_that_it_names_and_no_other() {
    let server = TestServer::start().await;
    type Take = fn(&mut v1::Model, v1::Model);
    let fields: [(&str, Take); 10] = [
        ("display_name", |m, from| m.display_name = from.display_name),
        ("description", |m, from| m.description = from.description),
        ("owner", |m, from| m.owner = from.owner),
        ("contacts", |m, from| m.contacts = from.contacts),
        ("kind", |m, from| m.kind = from.kind),
        ("risk_tier", |m, from| m.risk_tier = from.risk_tier),
        ("data_categories", |m, from| m.data_categories = from.data_categories),
        ("processes_personal_data", |m, from| m.processes_personal_data = from.processes_personal_data),
        ("labels", |m, from| m.labels = from.labels),
        ("properties", |m, from| m.properties = from.properties),
    ];
    for (field, take) in fields {
        let created = create(&server, field, complete()).await;
        server.clock.advance(1_000_000);
        let change = v1::Model { name: created.name.clone(), etag: created.etag.clone(), ..different() };
        let changed = update(&server, change, Some(&[field])).await.unwrap();
        let mut wanted = v1::Model {
            update_time: changed.update_time,
            etag: format!("p{}", created.audit_position + 1),
            audit_position: created.audit_position + 1,
            ..created.clone()
        };
        take(&mut wanted, different());
        assert_eq!(changed, wanted, "{field}");
        assert_ne!(changed.update_time, created.update_time);
        assert_eq!(read(&server, field).await, changed);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_star_replaces_everything_and_no_mask_only_what_is_given() {
    let server = TestServer::start().await;
    create(&server, "m", complete()).await;
    let name = model_name("m");
    let owner = v1::Model { name: name.clone(), owner: "Office".to_owned(), ..Default::default() };
    let changed = update(&server, owner, None).await.unwrap();
    let kept = v1::Model { owner: "Office".to_owned(), ..complete() };
    assert_eq!(content(changed), kept, "what is empty is left");

    let bare = v1::Model { name: name.clone(), kind: v1::ModelKind::Own.into(), ..Default::default() };
    let changed = update(&server, bare.clone(), Some(&["*"])).await.unwrap();
    let cleared = v1::Model { name: String::new(), risk_tier: v1::RiskTier::Standard.into(), ..bare };
    assert_eq!(content(changed), cleared, "what is empty is cleared");

    let nothing = v1::Model { name, ..Default::default() };
    let error = update(&server, nothing, Some(&["*"])).await.unwrap_err();
    assert_eq!(explain(&error).2, ["model.kind"], "what is required cannot be cleared");
    server.stop().await;
}

/// Without what the server writes.
fn content(model: v1::Model) -> v1::Model {
    v1::Model {
        name: String::new(),
        create_time: None,
        update_time: None,
        etag: String::new(),
        audit_position: 0,
        ..model
    }
}

#[tokio::test]
async fn a_deleted_model_is_marked_and_comes_back_as_it_was() {
    let server = TestServer::start().await;
    let created = create(&server, "m", complete()).await;
    server.clock.advance(1_000_000);
    let deleted = delete(&server, "m").await.unwrap();
    assert_eq!(deleted.delete_time, Some(time(BEGIN + 1_000_000)));
    assert_eq!(deleted.update_time, deleted.delete_time);
    assert_eq!(read(&server, "m").await, deleted, "it can still be read");
    server.clock.advance(1_000_000);
    let back = undelete(&server, "m").await.unwrap();
    assert_eq!(back.update_time, Some(time(BEGIN + 2_000_000)));
    assert_eq!(back.delete_time, None);
    assert_eq!(content(back), content(created));
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_model_takes_no_change_and_resolves_for_nobody() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    server.approved("m").await;
    delete(&server, "m").await.unwrap();
    let size = server.size().await;
    let name = version_name("m", 1);
    let change = v1::Model { name: model_name("m"), owner: "Ana".to_owned(), ..Default::default() };
    let version = Some(v1::Version { name: name.clone(), label: "1".repeat(3) + "a", ..Default::default() });
    let alias = format!("{}/aliases/a", model_name("m"));
    let alias = Some(v1::Alias { name: alias, version: version_name("m", 2), ..Default::default() });
    let submit = v1::SubmitVersionRequest { name, reason: "ready".to_owned(), ..Default::default() };
    let resolve = v1::ResolveVersionRequest {
        model: model_name("m"),
        selector: Some(Selector::Number(2)),
        ..Default::default()
    };
    let evaluation = crate::evaluations::record("m", 1);
    let refusals = [
        delete(&server, "m").await.unwrap_err(),
        update(&server, change, None).await.unwrap_err(),
        server.versions().create_version(create_version("m")).await.unwrap_err(),
        server
            .versions()
            .update_version(v1::UpdateVersionRequest { version, ..Default::default() })
            .await
            .unwrap_err(),
        server.versions().resolve_version(resolve).await.unwrap_err(),
        server.aliases().set_alias(v1::SetAliasRequest { alias, ..Default::default() }).await.unwrap_err(),
        server.lifecycle().submit_version(submit).await.unwrap_err(),
        server.evaluations().record_evaluation(evaluation).await.unwrap_err(),
    ];
    for refusal in refusals {
        let wanted = (Code::FailedPrecondition, "MODEL_DELETED".to_owned(), vec!["MODEL_DELETED".to_owned()]);
        assert_eq!(explain(&refusal), wanted, "{}", refusal.message());
    }
    let again = server.models().create_model(create_model("m")).await.unwrap_err();
    assert_eq!(explain(&again).1, "MODEL_EXISTS");
    assert!(again.message().contains("undelete"), "{}", again.message());
    assert_eq!(server.size().await, size);

    let get = v1::GetVersionRequest { name: version_name("m", 2), read_at: None };
    server.versions().get_version(get).await.expect("what is below it can still be read");
    undelete(&server, "m").await.unwrap();
    server.version("m").await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_deleted_cannot_be_undeleted_and_what_has_aliases_not_deleted() {
    let server = TestServer::start().await;
    server.model("m").await;
    let error = undelete(&server, "m").await.unwrap_err();
    assert_eq!(explain(&error).1, "MODEL_NOT_DELETED");

    server.approved("m").await;
    let name = format!("{}/aliases/production", model_name("m"));
    let alias = Some(v1::Alias { name: name.clone(), version: version_name("m", 1), ..Default::default() });
    server.aliases().set_alias(v1::SetAliasRequest { alias, ..Default::default() }).await.unwrap();
    let error = delete(&server, "m").await.unwrap_err();
    assert_eq!(explain(&error).1, "MODEL_HAS_ALIASES");
    assert!(error.message().contains("aliases/production"), "{}", error.message());

    let request = v1::DeleteAliasRequest { name, ..Default::default() };
    server.aliases().delete_alias(request).await.unwrap();
    delete(&server, "m").await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_says_what() {
    let server = TestServer::start().await;
    let (model, parent) = (model_name("m"), model_name("m"));
    let missing = [
        server.models().get_model(v1::GetModelRequest { name: model.clone(), read_at: None }).await.map(drop),
        update(&server, v1::Model { name: model, ..Default::default() }, None).await.map(drop),
        delete(&server, "m").await.map(drop),
        undelete(&server, "m").await.map(drop),
        server.versions().create_version(create_version("m")).await.map(drop),
        server
            .versions()
            .list_versions(v1::ListVersionsRequest { parent, ..Default::default() })
            .await
            .map(drop),
    ];
    for answer in missing {
        assert_eq!(explain(&answer.unwrap_err()), (Code::NotFound, "MODEL_NOT_FOUND".into(), vec![]));
    }
    let parent = "namespaces/elsewhere".to_owned();
    let request = v1::CreateModelRequest { parent, ..create_model("m") };
    let error = server.models().create_model(request).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "NAMESPACE_NOT_FOUND".into(), vec![]));
    server.stop().await;
}
