//! Aliases through the wire: pointers with a history.

use crate::support::{BEGIN, DAY, NOTICE, TestServer, explain, model_name, time, version_name};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{self, deprecate_version_request::Successor},
    store::memory::MemoryEngine,
};
use tonic::{Code, Request, Response, Status};

fn name(id: &str) -> String {
    format!("{}/aliases/{id}", model_name("m"))
}

/// Points an alias to a version, as somebody and for a reason.
async fn set(
    server: &TestServer,
    id: &str,
    number: u32,
    (actor, reason, etag): (&str, &str, &str),
) -> Result<v1::Alias, Status> {
    let (name, version) = (name(id), version_name("m", number));
    let alias = Some(v1::Alias { name, version, etag: etag.to_owned(), ..Default::default() });
    let request = v1::SetAliasRequest { alias, reason: reason.to_owned(), ..Default::default() };
    let mut request = Request::new(request);
    request.metadata_mut().insert("steward-actor", actor.parse().unwrap());
    server.aliases().set_alias(request).await.map(Response::into_inner)
}

const ANA: (&str, &str, &str) = ("ana", "it is better", "");

async fn get(server: &TestServer, id: &str) -> Result<v1::Alias, Status> {
    let request = v1::GetAliasRequest { name: name(id), read_at: None };
    server.aliases().get_alias(request).await.map(Response::into_inner)
}

async fn delete(server: &TestServer, id: &str, etag: &str) -> Result<u64, Status> {
    let (name, etag, reason) = (name(id), etag.to_owned(), "not needed".to_owned());
    let request = v1::DeleteAliasRequest { name, etag, reason, ..Default::default() };
    server.aliases().delete_alias(request).await.map(|response| response.into_inner().audit_position)
}

/// The whole history of an alias, by pages of a size.
async fn history(server: &TestServer, id: &str, page_size: i32) -> Vec<v1::AliasChange> {
    let mut request = v1::GetAliasHistoryRequest { name: name(id), page_size, ..Default::default() };
    let mut changes = Vec::new();
    loop {
        let page = server.aliases().get_alias_history(request.clone()).await.unwrap().into_inner();
        changes.extend(page.changes);
        if page.next_page_token.is_empty() {
            return changes;
        }
        request.page_token = page.next_page_token;
    }
}

/// A server without a scheduler, with approved versions 1 to 3 of `m`.
async fn started() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::new())).await;
    server.model("m").await;
    for _ in 0..3 {
        server.approved("m").await;
    }
    server
}

#[tokio::test]
async fn an_alias_knows_where_it_points_and_pointed_before() {
    let server = started().await;
    server.clock.advance(DAY);
    let first = set(&server, "production", 1, ANA).await.unwrap();
    let position = first.audit_position;
    let wanted = v1::Alias {
        name: name("production"),
        version: version_name("m", 1),
        create_time: Some(time(BEGIN + DAY)),
        update_time: Some(time(BEGIN + DAY)),
        etag: format!("p{position}"),
        audit_position: position,
        ..Default::default()
    };
    assert_eq!(first, wanted);
    server.clock.advance(DAY);
    let second = set(&server, "production", 3, ("ana", "", &first.etag)).await.unwrap();
    let wanted = v1::Alias {
        version: version_name("m", 3),
        previous_version: version_name("m", 1),
        update_time: Some(time(BEGIN + 2 * DAY)),
        etag: format!("p{}", position + 1),
        audit_position: position + 1,
        ..wanted
    };
    assert_eq!(second, wanted);
    assert_eq!(get(&server, "production").await.unwrap(), wanted);
    let stale = set(&server, "production", 2, ("ana", "", &first.etag)).await.unwrap_err();
    assert_eq!(explain(&stale), (Code::Aborted, "ETAG_MISMATCH".into(), vec![]));
    server.stop().await;
}

#[tokio::test]
async fn an_alias_points_to_what_is_fit_for_use() {
    let server = started().await;
    macro_rules! step {
        ($method:ident, $request:ident, $number:expr $(, $field:ident: $value:expr)*) => {
            let (name, reason) = (version_name("m", $number), "because".to_owned());
            let request = v1::$request { name, reason, $($field: $value,)* ..Default::default() };
            server.lifecycle().$method(request).await.unwrap();
        };
    }
    let refused = async |number| {
        let error = set(&server, "production", number, ANA).await.unwrap_err();
        let word = "ALIAS_TARGET_NOT_APPROVED".to_owned();
        assert_eq!(explain(&error), (Code::FailedPrecondition, word.clone(), vec![word]));
    };
    server.version("m").await;
    refused(4).await;
    step!(submit_version, SubmitVersionRequest, 4);
    refused(4).await;
    step!(reject_version, RejectVersionRequest, 4);
    refused(4).await;
    step!(archive_version, ArchiveVersionRequest, 4);
    refused(4).await;
    step!(
        deprecate_version, DeprecateVersionRequest, 1,
        sunset_time: Some(time(BEGIN + NOTICE)),
        successor: Some(Successor::NoReplacementReason("none".to_owned()))
    );
    set(&server, "production", 1, ANA).await.expect("before the sunset");
    server.clock.set(BEGIN + NOTICE);
    refused(1).await;
    step!(retire_version, RetireVersionRequest, 1);
    refused(1).await;
    assert_eq!(get(&server, "production").await.unwrap().version, version_name("m", 1));
    server.stop().await;
}

#[tokio::test]
async fn an_alias_points_within_its_model() {
    let server = started().await;
    server.model("other").await;
    let other = server.approved("other").await.name;
    let alias = Some(v1::Alias { name: name("a"), version: other, ..Default::default() });
    let request = v1::SetAliasRequest { alias, ..Default::default() };
    let error = server.aliases().set_alias(request).await.unwrap_err();
    let wanted = (Code::InvalidArgument, "INVALID_FIELDS".to_owned(), vec!["alias.version".to_owned()]);
    assert_eq!(explain(&error), wanted);
    server.stop().await;
}

#[tokio::test]
async fn a_history_tells_each_change_also_beyond_deletion_and_a_new_beginning() {
    let server = started().await;
    let mut wanted = Vec::new();
    let steps = [Some(1), Some(2), None, Some(3), Some(1), None];
    for (hour, step) in (1..).zip(steps) {
        server.clock.set(BEGIN + hour * 3_600_000_000);
        let position = match step {
            Some(number) => {
                let alias = set(&server, "production", number, ("joan", "why not", "")).await.unwrap();
                let anew = matches!(hour, 1 | 4);
                assert_eq!(alias.previous_version.is_empty(), anew, "hour {hour}");
                assert_eq!(alias.create_time == alias.update_time, anew, "hour {hour}");
                alias.audit_position
            }
            None => delete(&server, "production", "").await.unwrap(),
        };
        let (actor, reason) = if step.is_some() { ("joan", "why not") } else { ("anonymous", "not needed") };
        wanted.push(v1::AliasChange {
            version: step.map(|number| version_name("m", number)).unwrap_or_default(),
            actor: actor.to_owned(),
            reason: reason.to_owned(),
            time: Some(time(BEGIN + hour * 3_600_000_000)),
            audit_position: position,
        });
    }
    set(&server, "canary", 2, ANA).await.unwrap();
    wanted.reverse();
    for page_size in 0..=7 {
        assert_eq!(history(&server, "production", page_size).await, wanted, "by {page_size}");
    }
    assert_eq!(history(&server, "canary", 0).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_alias_is_gone_but_for_its_history() {
    let server = started().await;
    let alias = set(&server, "a", 1, ANA).await.unwrap();
    let error = delete(&server, "a", "p1").await.unwrap_err();
    assert_eq!(explain(&error).1, "ETAG_MISMATCH");
    let position = delete(&server, "a", &alias.etag).await.unwrap();
    assert_eq!(position, alias.audit_position + 1);
    let size = server.size().await;
    let missing = (Code::NotFound, "ALIAS_NOT_FOUND".to_owned(), vec![]);
    assert_eq!(explain(&get(&server, "a").await.unwrap_err()), missing);
    assert_eq!(explain(&delete(&server, "a", "").await.unwrap_err()), missing);
    assert_eq!(explain(&set(&server, "a", 1, ("ana", "", &alias.etag)).await.unwrap_err()), missing);
    let request = v1::GetAliasHistoryRequest { name: name("never"), ..Default::default() };
    assert_eq!(explain(&server.aliases().get_alias_history(request).await.unwrap_err()), missing);
    assert_eq!(server.size().await, size);
    let missing = (Code::NotFound, "VERSION_NOT_FOUND".to_owned(), vec![]);
    assert_eq!(explain(&set(&server, "a", 9, ANA).await.unwrap_err()), missing);
    server.stop().await;
}

#[tokio::test]
async fn aliases_are_listed_by_id_on_pages_of_any_size() {
    let server = started().await;
    server.model("n").await;
    server.approved("n").await;
    for (id, number) in [("production", 1), ("canary", 2), ("b.1", 3), ("b", 1), ("b-1", 1)] {
        set(&server, id, number, ANA).await.unwrap();
    }
    delete(&server, "canary", "").await.unwrap();
    for page_size in 0..=5 {
        let mut request = v1::ListAliasesRequest { parent: model_name("m"), page_size, ..Default::default() };
        let mut ids = Vec::new();
        loop {
            let page = server.aliases().list_aliases(request.clone()).await.unwrap().into_inner();
            ids.extend(page.aliases.iter().map(|alias| alias.name.clone()));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(ids, ["b", "b-1", "b.1", "production"].map(name), "by {page_size}");
    }
    server.stop().await;
}
