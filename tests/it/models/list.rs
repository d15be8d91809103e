//! Lists of models: filters, orders, pages.

use super::{create, delete};
use crate::support::{NAMESPACE, TestServer, create_model};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{self, ListModelsRequest};

/// The ids on all pages of a list.
pub async fn list(server: &TestServer, request: ListModelsRequest) -> Vec<String> {
    let mut request = ListModelsRequest { parent: NAMESPACE.to_owned(), ..request };
    let mut ids = Vec::new();
    loop {
        let page = server.models().list_models(request.clone()).await.unwrap().into_inner();
        let full = usize::try_from(request.page_size).unwrap();
        assert!(full == 0 || page.models.len() <= full);
        ids.extend(page.models.iter().map(|model| model.name.rsplit('/').next().unwrap().to_owned()));
        if page.next_page_token.is_empty() {
            return ids;
        }
        request.page_token = page.next_page_token;
    }
}

async fn filtered(server: &TestServer, filter: &str) -> Vec<String> {
    list(server, ListModelsRequest { filter: filter.to_owned(), ..Default::default() }).await
}

#[tokio::test]
async fn a_filter_picks_the_models_that_match() {
    let server = TestServer::start().await;
    let model = |kind: v1::ModelKind, tier: v1::RiskTier, owner: &str, team: Option<&str>| v1::Model {
        display_name: format!("The {owner} one"),
        owner: owner.to_owned(),
        kind: kind.into(),
        risk_tier: tier.into(),
        data_categories: if owner == "Ana" { vec!["donations".to_owned()] } else { vec![] },
        processes_personal_data: owner == "Ana",
        labels: team.map(|team| BTreeMap::from([("team".to_owned(), team.to_owned())])).unwrap_or_default(),
        ..Default::default()
    };
    use v1::{ModelKind::*, RiskTier::*};
    create(&server, "chatbot", model(RentedApi, Critical, "Ana", Some("donors"))).await;
    server.clock.advance(60_000_000);
    create(&server, "fundraising", model(Own, Standard, "Ana", Some("funds"))).await;
    server.clock.advance(60_000_000);
    create(&server, "writer", model(Embedded, Preview, "Joan", None)).await;
    for (filter, wanted) in [
        ("", &["chatbot", "fundraising", "writer"][..]),
        ("kind = RENTED_API", &["chatbot"]),
        ("kind != RENTED_API", &["fundraising", "writer"]),
        ("risk_tier = STANDARD OR risk_tier = PREVIEW", &["fundraising", "writer"]),
        ("owner = \"Ana\" AND NOT kind = OWN", &["chatbot"]),
        ("owner = \"A*\"", &["chatbot", "fundraising"]),
        ("display_name:\"joan\"", &["writer"]),
        ("model_id = \"writer\"", &["writer"]),
        ("data_categories:donations", &["chatbot", "fundraising"]),
        ("processes_personal_data = false", &["writer"]),
        ("labels.team = \"donors\"", &["chatbot"]),
        ("labels:team", &["chatbot", "fundraising"]),
        ("-labels:team", &["writer"]),
        ("create_time >= \"2026-03-01T00:01:00Z\"", &["fundraising", "writer"]),
        ("create_time < \"2026-03-01T00:01:00Z\"", &["chatbot"]),
        ("description:*", &[]),
        ("kind = RENTED_API AND labels.team = \"donors\"", &["chatbot"]),
    ] {
        assert_eq!(filtered(&server, filter).await, wanted, "{filter}");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_page_size_gives_the_same_list_in_every_order() {
    let server = TestServer::start().await;
    let ids = ["b", "a", "Ä", "d e", "c", "a-1", "z"];
    for id in ids {
        server.model(id).await;
        server.clock.advance(1_000);
    }
    for id in ["c", "b"] {
        let model =
            v1::Model { name: crate::support::model_name(id), owner: "Ana".to_owned(), ..Default::default() };
        super::update(&server, model, None).await.unwrap();
        server.clock.advance(1_000);
    }
    for (order, wanted) in [
        ("name", ["a", "a-1", "b", "c", "d%20e", "z", "%C3%84"]),
        ("create_time", ["b", "a", "%C3%84", "d%20e", "c", "a-1", "z"]),
        ("update_time", ["a", "%C3%84", "d%20e", "a-1", "z", "c", "b"]),
    ] {
        let backward: Vec<_> = wanted.iter().rev().copied().collect();
        for page_size in 0..=8 {
            let request = |order_by: String| ListModelsRequest { page_size, order_by, ..Default::default() };
            assert_eq!(list(&server, request(order.to_owned())).await, wanted, "{order} by {page_size}");
            assert_eq!(list(&server, request(format!("{order} asc"))).await, wanted);
            assert_eq!(list(&server, request(format!("{order} desc"))).await, backward, "by {page_size}");
        }
    }
    let default = list(&server, ListModelsRequest::default()).await;
    assert_eq!(default, ["a", "a-1", "b", "c", "d%20e", "z", "%C3%84"]);
    server.stop().await;
}

#[tokio::test]
async fn pages_stay_whole_while_models_come_and_go() {
    let server = TestServer::start().await;
    for id in ["b", "d", "f", "h"] {
        server.model(id).await;
    }
    let mut request = ListModelsRequest { parent: NAMESPACE.to_owned(), page_size: 2, ..Default::default() };
    let first = server.models().list_models(request.clone()).await.unwrap().into_inner();
    for id in ["a", "c", "e", "i"] {
        server.model(id).await;
    }
    delete(&server, "f").await.unwrap();
    request.page_token = first.next_page_token;
    request.page_size = 10;
    let second = server.models().list_models(request).await.unwrap().into_inner();
    let ids = |page: &[v1::Model]| -> Vec<String> {
        page.iter().map(|model| model.name.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&first.models), ["b", "d"]);
    assert_eq!(ids(&second.models), ["e", "h", "i"], "what lies behind the first page, once each");
    server.stop().await;
}

#[tokio::test]
async fn a_filter_that_matches_little_still_reaches_the_end() {
    let server = TestServer::start().await;
    for index in 0..70 {
        let mut request = create_model(&format!("m{index:03}"));
        request.model.as_mut().unwrap().owner = if index % 33 == 0 { "Ana" } else { "Joan" }.to_owned();
        server.models().create_model(request).await.unwrap();
    }
    for page_size in [0, 1, 2, 3, 1_000, 5_000] {
        let filter = "owner = \"Ana\"".to_owned();
        let found = list(&server, ListModelsRequest { filter, page_size, ..Default::default() }).await;
        assert_eq!(found, ["m000", "m033", "m066"], "by {page_size}");
    }
    server.stop().await;
}

#[tokio::test]
async fn deleted_models_are_listed_only_when_asked_for() {
    let server = TestServer::start().await;
    for id in ["a", "b", "c"] {
        server.model(id).await;
    }
    delete(&server, "b").await.unwrap();
    assert_eq!(filtered(&server, "").await, ["a", "c"]);
    let request = ListModelsRequest { show_deleted: true, ..Default::default() };
    assert_eq!(list(&server, request).await, ["a", "b", "c"]);
    super::undelete(&server, "b").await.unwrap();
    assert_eq!(filtered(&server, "").await, ["a", "b", "c"]);
    server.stop().await;
}
