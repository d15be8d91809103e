//! Namespaces through the wire: tenants that do not see each other.

use crate::support::{BEGIN, NAMESPACE, TestServer, create_model, explain, time};
use steward_registry::proto::v1;
use tonic::{Code, Response, Status};

async fn create(server: &TestServer, id: &str) -> Result<v1::Namespace, Status> {
    let content = v1::Namespace {
        display_name: format!("The {id}"),
        description: "A tenant.\nOf its own.".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateNamespaceRequest {
        namespace_id: id.to_owned(),
        namespace: Some(content),
        ..Default::default()
    };
    server.namespaces().create_namespace(request).await.map(Response::into_inner)
}

async fn head(server: &TestServer, parent: &str) -> v1::AuditHead {
    let parent = parent.to_owned();
    server.audit().get_audit_head(v1::GetAuditHeadRequest { parent }).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_namespace_is_read_back_as_it_was_created_and_begins_a_log() {
    let server = TestServer::start().await;
    let created = create(&server, "north-2").await.unwrap();
    let wanted = v1::Namespace {
        name: "namespaces/north-2".to_owned(),
        display_name: "The north-2".to_owned(),
        description: "A tenant.\nOf its own.".to_owned(),
        log_id: created.log_id.clone(),
        create_time: Some(time(BEGIN)),
        update_time: Some(time(BEGIN)),
        etag: "p0".to_owned(),
        ..Default::default()
    };
    assert_eq!(created, wanted);
    let request = v1::GetNamespaceRequest { name: created.name.clone(), read_at: None };
    assert_eq!(server.namespaces().get_namespace(request).await.unwrap().into_inner(), wanted);
    let head = head(&server, &created.name).await;
    assert_eq!((head.size, head.log_id.as_str()), (1, created.log_id.as_str()));
    assert_eq!(created.log_id.len(), 32);
    server.stop().await;
}

#[tokio::test]
async fn the_default_namespace_exists_from_the_first_start() {
    let server = TestServer::start().await;
    let request = v1::GetNamespaceRequest { name: NAMESPACE.to_owned(), read_at: None };
    let default = server.namespaces().get_namespace(request).await.unwrap().into_inner();
    assert_eq!((default.display_name.as_str(), default.audit_position), ("Default", 0));
    let again = create(&server, "default").await.unwrap_err();
    assert_eq!(explain(&again), (Code::AlreadyExists, "NAMESPACE_EXISTS".into(), vec![]));
    server.stop().await;
}

#[tokio::test]
async fn namespaces_are_listed_by_id_on_pages_of_any_size() {
    let server = TestServer::start().await;
    for id in ["west", "a", "north", "z9"] {
        create(&server, id).await.unwrap();
    }
    for page_size in 0..=6 {
        let mut request = v1::ListNamespacesRequest { page_size, ..Default::default() };
        let mut names = Vec::new();
        loop {
            let page = server.namespaces().list_namespaces(request.clone()).await.unwrap().into_inner();
            names.extend(page.namespaces.into_iter().map(|namespace| namespace.name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let wanted = ["a", "default", "north", "west", "z9"].map(|id| format!("namespaces/{id}"));
        assert_eq!(names, wanted, "by {page_size}");
    }
    server.stop().await;
}

#[tokio::test]
async fn tenants_share_neither_models_nor_positions_nor_request_ids() {
    let server = TestServer::start().await;
    let other = create(&server, "other").await.unwrap();
    let before = head(&server, &other.name).await;
    let with_id = |parent: &str, owner: &str| {
        let mut request = create_model("m");
        request.parent = parent.to_owned();
        request.request_id = "one".to_owned();
        request.model.as_mut().unwrap().owner = owner.to_owned();
        request
    };
    let here = server.models().create_model(with_id(NAMESPACE, "Ana")).await.unwrap().into_inner();
    assert_eq!(head(&server, &other.name).await, before, "a change here does not move the other log");
    let get = v1::GetModelRequest { name: format!("{}/models/m", other.name), read_at: None };
    let error = server.models().get_model(get.clone()).await.unwrap_err();
    assert_eq!(explain(&error).1, "MODEL_NOT_FOUND");

    let there = server.models().create_model(with_id(&other.name, "Joan")).await.unwrap().into_inner();
    assert_eq!((here.audit_position, there.audit_position), (1, 1));
    assert_eq!(server.models().get_model(get).await.unwrap().into_inner().owner, "Joan");
    let listed = v1::ListModelsRequest { parent: other.name.clone(), ..Default::default() };
    let listed = server.models().list_models(listed).await.unwrap().into_inner().models;
    assert_eq!(listed, [there]);

    let events = v1::ListAuditEventsRequest { parent: other.name.clone(), ..Default::default() };
    let events = server.audit().list_audit_events(events).await.unwrap().into_inner().audit_events;
    assert!(events.iter().all(|event| event.subject.starts_with("namespaces/other")));
    assert_eq!(events.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn nothing_points_from_one_tenant_into_another() {
    let server = TestServer::start().await;
    create(&server, "other").await.unwrap();
    server.model("m").await;
    server.approved("m").await;
    let there = "namespaces/other/models/m/versions/1".to_owned();
    let size = server.size().await;

    let name = format!("{NAMESPACE}/models/m/aliases/a");
    let alias = Some(v1::Alias { name, version: there.clone(), ..Default::default() });
    let error =
        server.aliases().set_alias(v1::SetAliasRequest { alias, ..Default::default() }).await.unwrap_err();
    assert_eq!(explain(&error).2, ["alias.version"]);

    let request = v1::DeprecateVersionRequest {
        name: format!("{NAMESPACE}/models/m/versions/1"),
        reason: "old".to_owned(),
        sunset_time: Some(time(BEGIN + 1_000_000)),
        successor: Some(v1::deprecate_version_request::Successor::Replacement(there.clone())),
        ..Default::default()
    };
    let error = server.lifecycle().deprecate_version(request).await.unwrap_err();
    assert_eq!(explain(&error).2, ["replacement"]);

    let mut request = crate::support::create_version("m");
    let source = v1::Source { kind: Some(v1::source::Kind::ParentVersion(there)) };
    request.version.as_mut().unwrap().sources = vec![source];
    let error = server.versions().create_version(request).await.unwrap_err();
    assert_eq!(
        explain(&error),
        (Code::InvalidArgument, "INVALID_FIELDS".into(), vec!["version.sources[0].parent_version".into()])
    );
    assert_eq!(server.size().await, size);
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_says_what() {
    let server = TestServer::start().await;
    let name = "namespaces/nowhere".to_owned();
    let get = v1::GetNamespaceRequest { name: name.clone(), read_at: None };
    let list = v1::ListModelsRequest { parent: name.clone(), ..Default::default() };
    let events = v1::ListAuditEventsRequest { parent: name.clone(), ..Default::default() };
    let subscribe = v1::SubscribeAuditEventsRequest { parent: name.clone(), ..Default::default() };
    for answer in [
        server.namespaces().get_namespace(get).await.map(drop),
        server.models().list_models(list).await.map(drop),
        server.audit().list_audit_events(events).await.map(drop),
        server.audit().subscribe_audit_events(subscribe).await.map(drop),
        server.audit().get_audit_head(v1::GetAuditHeadRequest { parent: name }).await.map(drop),
    ] {
        assert_eq!(explain(&answer.unwrap_err()), (Code::NotFound, "NAMESPACE_NOT_FOUND".into(), vec![]));
    }
    server.stop().await;
}
