//! Which version to use, through the wire: by alias, number and label, in every
//! state, by the clock.

use crate::support::{
    BEGIN, DAY, NOTICE, REVIEWER, TestServer, by, create_version, explain, model_name, time, version_name,
};
use std::{collections::HashMap, sync::Arc};
use steward_registry::{
    proto::v1::{self, deprecate_version_request::Successor, resolve_version_request::Selector},
    store::memory::MemoryEngine,
};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// Of version 1, where it is deprecated.
const SUNSET: i64 = BEGIN + NOTICE;

async fn resolve(server: &TestServer, selector: Selector) -> Result<v1::ResolveVersionResponse, Status> {
    let request = v1::ResolveVersionRequest {
        model: model_name("m"),
        selector: Some(selector),
        consumer: "gateway".to_owned(),
        read_at: None,
    };
    server.versions().resolve_version(request).await.map(Response::into_inner)
}

fn alias() -> Selector {
    Selector::Alias("production".to_owned())
}

fn label() -> Selector {
    Selector::Label("1.0".to_owned())
}

/// The three ways to version 1.
fn selectors() -> [Selector; 3] {
    [alias(), Selector::Number(1), label()]
}

/// A server without a scheduler, with a labelled version 1 and an approved version 2 of `m`.
async fn started() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::new())).await;
    server.model("m").await;
    let mut request = create_version("m");
    request.version.as_mut().unwrap().label = "1.0".to_owned();
    server.versions().create_version(request).await.unwrap();
    server.approved("m").await;
    server
}

/// Approvals are somebody else's; who takes the other steps makes no difference.
macro_rules! step {
    ($server:ident.approve_version, $request:ident) => {
        let (name, reason) = (version_name("m", 1), "it is time".to_owned());
        let request = v1::$request { name, reason, ..Default::default() };
        $server.lifecycle().approve_version(by(REVIEWER, request)).await.unwrap();
    };
    ($server:ident.$method:ident, $request:ident $(, $field:ident: $value:expr)*) => {
        let (name, reason) = (version_name("m", 1), "it is time".to_owned());
        let request = v1::$request { name, reason, $($field: $value,)* ..Default::default() };
        $server.lifecycle().$method(request).await.unwrap();
    };
}

async fn set_alias(server: &TestServer) {
    let name = format!("{}/aliases/production", model_name("m"));
    let alias = Some(v1::Alias { name, version: version_name("m", 1), ..Default::default() });
    server.aliases().set_alias(v1::SetAliasRequest { alias, ..Default::default() }).await.unwrap();
}

/// Brings version 1 to DEPRECATED.
async fn deprecated(successor: Successor) -> TestServer {
    let server = started().await;
    step!(server.submit_version, SubmitVersionRequest);
    step!(server.approve_version, ApproveVersionRequest);
    set_alias(&server).await;
    step!(
        server.deprecate_version,
        DeprecateVersionRequest,
        sunset_time: Some(time(SUNSET)),
        successor: Some(successor)
    );
    server
}

fn to_version_2() -> Successor {
    Successor::Replacement(version_name("m", 2))
}

/// All three ways are refused with this word; answers the error's metadata.
async fn refused(server: &TestServer, word: &str) -> HashMap<String, String> {
    let mut metadata = Vec::new();
    for selector in selectors() {
        let error = resolve(server, selector.clone()).await.unwrap_err();
        let wanted = (Code::FailedPrecondition, word.to_owned(), vec![word.to_owned()]);
        assert_eq!(explain(&error), wanted, "{selector:?}");
        metadata.push(error.get_error_details().error_info().unwrap().metadata.clone());
    }
    assert!(metadata.iter().all(|one| *one == metadata[0]));
    metadata.remove(0)
}

fn codes(answer: &v1::ResolveVersionResponse) -> Vec<&str> {
    answer.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[tokio::test]
async fn a_draft_resolves_for_nobody_and_a_candidate_by_number_and_label_with_a_warning() {
    let server = started().await;
    for selector in [Selector::Number(1), label()] {
        let error = resolve(&server, selector).await.unwrap_err();
        assert_eq!(explain(&error).1, "VERSION_DRAFT");
    }
    step!(server.submit_version, SubmitVersionRequest);
    for selector in [Selector::Number(1), label()] {
        let answer = resolve(&server, selector).await.unwrap();
        assert_eq!(codes(&answer), ["VERSION_NOT_APPROVED"]);
        assert_eq!(answer.alias, "");
    }
    step!(server.reject_version, RejectVersionRequest);
    for (selector, word) in [(Selector::Number(1), "VERSION_REJECTED"), (label(), "VERSION_REJECTED")] {
        assert_eq!(explain(&resolve(&server, selector).await.unwrap_err()).1, word);
    }
    step!(server.archive_version, ArchiveVersionRequest);
    assert_eq!(explain(&resolve(&server, label()).await.unwrap_err()).1, "VERSION_ARCHIVED");
    server.stop().await;
}

#[tokio::test]
async fn an_approved_version_resolves_every_way_without_a_warning() {
    let server = started().await;
    step!(server.submit_version, SubmitVersionRequest);
    step!(server.approve_version, ApproveVersionRequest);
    set_alias(&server).await;
    let request = v1::GetVersionRequest { name: version_name("m", 1), read_at: None };
    let version = server.versions().get_version(request).await.unwrap().into_inner();
    for selector in selectors() {
        let by_alias = matches!(selector, Selector::Alias(_));
        let answer = resolve(&server, selector).await.unwrap();
        assert_eq!(answer.version.as_ref(), Some(&version));
        assert_eq!(codes(&answer), [""; 0]);
        let name = format!("{}/aliases/production", model_name("m"));
        assert_eq!(answer.alias, if by_alias { name } else { String::new() });
    }
    server.stop().await;
}

#[tokio::test]
async fn a_deprecated_version_resolves_with_its_sunset_and_replacement_in_words() {
    let server = deprecated(to_version_2()).await;
    for selector in selectors() {
        let answer = resolve(&server, selector).await.unwrap();
        assert_eq!(codes(&answer), ["VERSION_DEPRECATED"]);
        let message = &answer.warnings[0].message;
        for part in ["2026-03-16T00:00:00Z", "it is time", &version_name("m", 2)] {
            assert!(message.contains(part), "{message}");
        }
    }
    server.stop().await;

    let server = deprecated(Successor::NoReplacementReason("the service ends".to_owned())).await;
    let answer = resolve(&server, alias()).await.unwrap();
    assert!(answer.warnings[0].message.contains("no replacement"), "{}", answer.warnings[0].message);
    server.stop().await;
}

#[tokio::test]
async fn the_clock_alone_ends_a_version_at_its_sunset() {
    let server = deprecated(to_version_2()).await;
    let size = server.size().await;
    server.clock.set(SUNSET - 1);
    for selector in selectors() {
        resolve(&server, selector).await.expect("one microsecond before");
    }
    server.clock.set(SUNSET);
    let metadata = refused(&server, "VERSION_RETIRED").await;
    assert_eq!(metadata.get("replacement"), Some(&version_name("m", 2)));
    assert_eq!(server.size().await, size, "nobody has retired it");
    server.clock.set(BEGIN);
    resolve(&server, alias()).await.expect("the clock was set back");
    server.stop().await;
}

#[tokio::test]
async fn a_retired_version_is_refused_with_its_replacement_if_there_is_one() {
    let server = deprecated(to_version_2()).await;
    step!(server.retire_version, RetireVersionRequest);
    let metadata = refused(&server, "VERSION_RETIRED").await;
    assert_eq!(metadata.get("replacement"), Some(&version_name("m", 2)));
    step!(server.archive_version, ArchiveVersionRequest);
    refused(&server, "VERSION_ARCHIVED").await;
    server.stop().await;

    let server = deprecated(Successor::NoReplacementReason("the service ends".to_owned())).await;
    step!(server.retire_version, RetireVersionRequest);
    assert_eq!(refused(&server, "VERSION_RETIRED").await, HashMap::new());
    server.stop().await;
}

#[tokio::test]
async fn a_reinstated_version_resolves_beyond_its_former_sunset() {
    let server = deprecated(to_version_2()).await;
    server.clock.set(SUNSET + DAY);
    refused(&server, "VERSION_RETIRED").await;
    step!(server.reinstate_version, ReinstateVersionRequest);
    for selector in selectors() {
        assert_eq!(codes(&resolve(&server, selector).await.unwrap()), [""; 0]);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_says_what() {
    let server = started().await;
    for (selector, reason) in [
        (alias(), "ALIAS_NOT_FOUND"),
        (Selector::Number(3), "VERSION_NOT_FOUND"),
        (Selector::Label("9.9".to_owned()), "VERSION_NOT_FOUND"),
    ] {
        let error = resolve(&server, selector).await.unwrap_err();
        assert_eq!(explain(&error), (Code::NotFound, reason.to_owned(), vec![]));
    }
    let request = v1::ResolveVersionRequest {
        model: model_name("n"),
        selector: Some(Selector::Number(1)),
        ..Default::default()
    };
    let error = server.versions().resolve_version(request).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "MODEL_NOT_FOUND".into(), vec![]));
    server.stop().await;
}
