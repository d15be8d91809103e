//! What lists and updates are asked with: filters, orders, pages, masks.

use super::invalid;
use crate::support::{NAMESPACE, TestServer, create_model, model_name, time, version_name};
use steward_registry::proto::v1::{self, subscribe_audit_events_request::Start};

async fn started() -> TestServer {
    let server = TestServer::start().await;
    for id in ["m", "n", "o"] {
        server.model(id).await;
    }
    server.version("m").await;
    server
}

fn list_models() -> v1::ListModelsRequest {
    v1::ListModelsRequest { parent: NAMESPACE.to_owned(), ..Default::default() }
}

fn list_versions() -> v1::ListVersionsRequest {
    v1::ListVersionsRequest { parent: model_name("m"), ..Default::default() }
}

fn list_evaluations() -> v1::ListEvaluationsRequest {
    v1::ListEvaluationsRequest { parent: version_name("m", 1), ..Default::default() }
}

fn list_events() -> v1::ListAuditEventsRequest {
    v1::ListAuditEventsRequest { parent: NAMESPACE.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_filter_that_cannot_be_understood_is_refused() {
    let server = started().await;
    let deep = format!("{}kind = OWN{}", "(".repeat(21), ")".repeat(21));
    let many = vec!["kind = OWN"; 51].join(" AND ");
    let long = format!("description = \"{}\"", "x".repeat(2_000));
    for filter in [
        "kind",
        "kind =",
        "= OWN",
        "kind = own",
        "kind = UNKNOWN",
        "kind > OWN",
        "colour = \"red\"",
        "owner.name = \"Ana\"",
        "labels = \"x\"",
        "(kind = OWN",
        "kind = OWN)",
        "owner = \"Ana",
        "owner = \"\\q\"",
        "kind = OWN and owner = \"Ana\"",
        "create_time > yesterday",
        "processes_personal_data = yes",
        "data_categories = \"donations\"",
        "owner = \"A*a\"",
        &deep,
        &many,
        &long,
    ] {
        let request = v1::ListModelsRequest { filter: filter.to_owned(), ..list_models() };
        invalid(&server, filter, server.models().list_models(request), &["filter"]).await;
    }
    for filter in ["number = three", "number = 1.5", "state = DRAFTED", "model_id = \"m\"", "NOT"] {
        let request = v1::ListVersionsRequest { filter: filter.to_owned(), ..list_versions() };
        invalid(&server, filter, server.versions().list_versions(request), &["filter"]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn an_order_that_a_list_does_not_have_is_refused() {
    let server = started().await;
    for order in ["owner", "name down", "name desc desc", "name, create_time", "desc", "NAME"] {
        let order_by = order.to_owned();
        let request = v1::ListModelsRequest { order_by: order_by.clone(), ..list_models() };
        invalid(&server, order, server.models().list_models(request), &["order_by"]).await;
        let request = v1::ListVersionsRequest { order_by: order_by.clone(), ..list_versions() };
        invalid(&server, order, server.versions().list_versions(request), &["order_by"]).await;
        let request = v1::ListEvaluationsRequest { order_by: order_by.clone(), ..list_evaluations() };
        invalid(&server, order, server.evaluations().list_evaluations(request), &["order_by"]).await;
        let request = v1::ListAuditEventsRequest { order_by, ..list_events() };
        invalid(&server, order, server.audit().list_audit_events(request), &["order_by"]).await;
    }
    server.stop().await;
}

/// Calls every paged method with a size and a token.
async fn check_pages(server: &TestServer, case: &str, page_size: i32, page_token: &str, field: &str) {
    macro_rules! page {
        ($client:ident().$method:ident, $request:expr) => {
            let mut request = $request;
            (request.page_size, request.page_token) = (page_size, page_token.to_owned());
            let case = format!("{}: {case}", stringify!($method));
            invalid(server, &case, server.$client().$method(request), &[field]).await;
        };
    }
    let name = format!("{}/aliases/a", model_name("m"));
    page!(namespaces().list_namespaces, v1::ListNamespacesRequest::default());
    page!(models().list_models, list_models());
    page!(versions().list_versions, list_versions());
    page!(aliases().list_aliases, v1::ListAliasesRequest { parent: model_name("m"), ..Default::default() });
    page!(aliases().get_alias_history, v1::GetAliasHistoryRequest { name, ..Default::default() });
    page!(evaluations().list_evaluations, list_evaluations());
    page!(audit().list_audit_events, list_events());
}

#[tokio::test]
async fn a_page_size_or_token_that_is_none_is_refused_by_every_list() {
    let server = started().await;
    for size in [-1, i32::MIN] {
        check_pages(&server, &size.to_string(), size, "", "page_size").await;
    }
    for token in ["x", "0", "AAAA", "not base64!", "AQ", "AQAAAAAAAAAA", "ä"] {
        check_pages(&server, token, 10, token, "page_token").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_page_token_belongs_to_the_query_that_gave_it() {
    let server = started().await;
    let first = v1::ListModelsRequest { page_size: 1, ..list_models() };
    let page_token = server.models().list_models(first).await.unwrap().into_inner().next_page_token;
    assert!(!page_token.is_empty());
    check_token_of_models(&server, &page_token).await;

    let other = |change: &dyn Fn(&mut v1::ListModelsRequest)| {
        let mut request = v1::ListModelsRequest { page_token: page_token.clone(), ..list_models() };
        change(&mut request);
        request
    };
    let namespace = v1::CreateNamespaceRequest { namespace_id: "other".to_owned(), ..Default::default() };
    server.namespaces().create_namespace(namespace).await.unwrap();
    for request in [
        other(&|r| r.filter = "kind = OWN".to_owned()),
        other(&|r| r.order_by = "create_time".to_owned()),
        other(&|r| r.order_by = "name desc".to_owned()),
        other(&|r| r.show_deleted = true),
        other(&|r| r.parent = "namespaces/other".to_owned()),
    ] {
        let case = format!("{request:?}");
        invalid(&server, &case, server.models().list_models(request), &["page_token"]).await;
    }
    let same = other(&|r| r.page_size = 2);
    assert_eq!(server.models().list_models(same).await.unwrap().into_inner().models.len(), 2);
    server.stop().await;
}

/// Every other list refuses it.
async fn check_token_of_models(server: &TestServer, page_token: &str) {
    let page_token = page_token.to_owned();
    let request = v1::ListVersionsRequest { page_token: page_token.clone(), ..list_versions() };
    invalid(server, "versions", server.versions().list_versions(request), &["page_token"]).await;
    let request = v1::ListEvaluationsRequest { page_token: page_token.clone(), ..list_evaluations() };
    invalid(server, "evaluations", server.evaluations().list_evaluations(request), &["page_token"]).await;
    let request = v1::ListAuditEventsRequest { page_token: page_token.clone(), ..list_events() };
    invalid(server, "events", server.audit().list_audit_events(request), &["page_token"]).await;
    let request = v1::ListNamespacesRequest { page_token, page_size: 0 };
    invalid(server, "namespaces", server.namespaces().list_namespaces(request), &["page_token"]).await;
}

#[tokio::test]
async fn an_update_mask_names_fields_that_can_be_changed() {
    let server = started().await;
    let masks: [&[&str]; 8] = [
        &["name"],
        &["etag"],
        &["create_time"],
        &["colour"],
        &["labels.team"],
        &["*", "labels"],
        &[""],
        &["labels", "audit_position"],
    ];
    for mask in masks {
        let paths: Vec<String> = mask.iter().map(|&path| path.to_owned()).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        let case = format!("{mask:?}");
        let name = model_name("m");
        let model = Some(v1::Model { name, ..create_model("m").model.unwrap() });
        let request =
            v1::UpdateModelRequest { model, update_mask: update_mask.clone(), ..Default::default() };
        invalid(&server, &case, server.models().update_model(request), &["update_mask"]).await;

        let version = Some(v1::Version { name: version_name("m", 1), ..Default::default() });
        let request = v1::UpdateVersionRequest { version, update_mask, ..Default::default() };
        invalid(&server, &case, server.versions().update_version(request), &["update_mask"]).await;
    }
    let version = Some(v1::Version { name: version_name("m", 1), ..Default::default() });
    let update_mask = Some(prost_types::FieldMask { paths: vec!["state".to_owned()] });
    let request = v1::UpdateVersionRequest { version, update_mask, ..Default::default() };
    invalid(&server, "state", server.versions().update_version(request), &["update_mask"]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_listed_window_does_not_end_before_it_begins() {
    let server = started().await;
    for (start, end) in [(2_000_000, 1_000_000), (1_000_000, 1_000_000)] {
        let (start_time, end_time) = (Some(time(start)), Some(time(end)));
        let request = v1::ListEvaluationsRequest { start_time, end_time, ..list_evaluations() };
        invalid(&server, "evaluations", server.evaluations().list_evaluations(request), &["end_time"]).await;
        let request = v1::ListAuditEventsRequest { start_time, end_time, ..list_events() };
        invalid(&server, "events", server.audit().list_audit_events(request), &["end_time"]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_subscription_is_said_before_it_begins() {
    let server = started().await;
    let subscribe = || v1::SubscribeAuditEventsRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    let start = |start| v1::SubscribeAuditEventsRequest { start: Some(start), ..subscribe() };
    let filter = |filter| v1::SubscribeAuditEventsRequest { filter: Some(filter), ..subscribe() };
    let progress = |seconds, nanos| v1::SubscribeAuditEventsRequest {
        progress_interval: Some(prost_types::Duration { seconds, nanos }),
        ..subscribe()
    };
    let size = |max_batch_size| v1::SubscribeAuditEventsRequest { max_batch_size, ..subscribe() };
    let texts = |text: &str, count| vec![text.to_owned(); count];
    let names = |types, resource_prefixes, actors| v1::AuditEventFilter { types, resource_prefixes, actors };
    for (field, request) in [
        ("start_point", start(Start::StartPoint(0))),
        ("start_point", start(Start::StartPoint(3))),
        ("start_time", start(Start::StartTime(prost_types::Timestamp { seconds: i64::MIN, nanos: 0 }))),
        ("resume_token", start(Start::ResumeToken("broken".to_owned()))),
        ("resume_token", start(Start::ResumeToken(String::new()))),
        ("max_batch_size", size(-1)),
        ("max_batch_size", size(1_001)),
        ("progress_interval", progress(0, 99_999_999)),
        ("progress_interval", progress(3_600, 1)),
        ("progress_interval", progress(-1, 0)),
        ("progress_interval", progress(i64::MIN, i32::MIN)),
        ("progress_interval", progress(i64::MAX, 1_000_000_000)),
        ("filter.types[0]", filter(names(texts("ModelInvented", 1), vec![], vec![]))),
        ("filter.types", filter(names(texts("ModelCreated", 51), vec![], vec![]))),
        ("filter.resource_prefixes[0]", filter(names(vec![], texts("models/m", 1), vec![]))),
        ("filter.resource_prefixes", filter(names(vec![], texts(NAMESPACE, 101), vec![]))),
        ("filter.actors", filter(names(vec![], vec![], texts("ana", 51)))),
    ] {
        let case = format!("{field} of {request:?}");
        invalid(&server, &case, server.audit().subscribe_audit_events(request), &[field]).await;
    }
    server.stop().await;
}
