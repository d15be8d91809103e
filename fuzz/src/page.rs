//! Page tokens. From a forged one nobody learns of anything outside the list, and
//! whatever it says, the pages end.

use super::{
    choice,
    registry::{Server, run},
};
use arbitrary::{Result, Unstructured};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::Message;
use std::{cell::OnceCell, sync::Arc};
use steward_registry::{
    domain::{
        name::{NamespaceId, VersionName},
        time::Timestamp,
    },
    proto::v1,
    registry::{
        Registry,
        audit::ListEvents,
        error::Error,
        evaluation::ListEvaluations,
        model::{ListModels, ModelOrder},
        version::ListVersions,
    },
    store::memory::MemoryEngine,
};
use tonic::Code;

/// First byte and query of a token, which are kept when its cursor is forged.
const HEADER: usize = 9;
/// More pages than there are keys.
const MOST_PAGES: usize = 64;
const MODEL: &str = "namespaces/default/models/m";

/// A list that can be asked for.
#[derive(Debug)]
enum List {
    Namespaces,
    Models(ListModels),
    Versions(ListVersions),
    Aliases,
    Evaluations(ListEvaluations),
    Events(ListEvents),
}

/// Draws a list and a cursor.
pub fn check(data: &[u8]) {
    thread_local! {
        static REGISTRY: OnceCell<Registry> = const { OnceCell::new() };
    }
    let mut u = Unstructured::new(data);
    let Ok((list, page_size, forged)) = drawn(&mut u) else { return };
    REGISTRY.with(|registry| {
        run(async {
            if registry.get().is_none() {
                let _ = registry.set(filled().await);
            }
            let registry = registry.get().expect("it was just set");
            pages(registry, &list, page_size, &forged).await;
        });
    });
}

fn drawn(u: &mut Unstructured<'_>) -> Result<(List, i32, Vec<u8>)> {
    let (descending, show_deleted) = (u.arbitrary()?, u.arbitrary()?);
    let filter = String::new();
    let list = match u.int_in_range(0..=7)? {
        0 => List::Namespaces,
        1 => List::Models(ListModels { filter, order: ModelOrder::Name, descending, show_deleted }),
        2 => List::Models(ListModels { filter, order: ModelOrder::CreateTime, descending, show_deleted }),
        3 => List::Models(ListModels { filter, order: ModelOrder::UpdateTime, descending, show_deleted }),
        4 => List::Versions(ListVersions { filter, descending }),
        5 => List::Aliases,
        6 => {
            let (start_time, end_time) = times(u)?;
            List::Evaluations(ListEvaluations { start_time, end_time, metric: String::new(), descending })
        }
        _ => {
            let (start_time, end_time) = times(u)?;
            List::Events(ListEvents { start_time, end_time, descending, ..ListEvents::default() })
        }
    };
    let page_size = u.int_in_range(-1..=4)?;
    Ok((list, page_size, u.bytes(u.len())?.to_vec()))
}

fn times(u: &mut Unstructured<'_>) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    let mut time = || u.arbitrary::<bool>()?.then(|| choice::time(u)).transpose();
    Ok((time()?, time()?))
}

async fn pages(registry: &Registry, list: &List, page_size: i32, forged: &[u8]) {
    let (all, none) = page(registry, list, 0, "").await.expect("a list without a token");
    assert_eq!(none, "", "a hundred results are one page");
    // Whatever the token, the text of it is refused or read, never more.
    if let Ok(text) = std::str::from_utf8(forged)
        && !text.is_empty()
        && let Err(error) = page(registry, list, page_size, text).await
    {
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    let Ok((first, token)) = page(registry, list, 1, "").await else { return };
    assert_eq!(first, all.iter().take(1).cloned().collect::<Vec<_>>());
    let Ok(mut token_bytes) = URL_SAFE_NO_PAD.decode(&token) else { return };
    if token_bytes.is_empty() || forged.is_empty() {
        return;
    }
    token_bytes.truncate(HEADER);
    token_bytes.extend_from_slice(forged);
    let mut token = URL_SAFE_NO_PAD.encode(&token_bytes);
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        match page(registry, list, page_size, &token).await {
            Ok((items, next)) => {
                found.extend(items);
                token = next;
            }
            Err(error) => return assert!(page_size < 0 && matches!(error, Error::Invalid(_)), "{error}"),
        }
        if token.is_empty() {
            return assert!(all.ends_with(&found), "{found:?} is not the end of {all:?}");
        }
    }
    panic!("the pages of {list:?} do not end");
}

/// Names of the results, and the next token.
async fn page(
    registry: &Registry,
    list: &List,
    size: i32,
    token: &str,
) -> std::result::Result<(Vec<String>, String), Error> {
    let namespace = NamespaceId::new("default").unwrap();
    let model = MODEL.parse().unwrap();
    macro_rules! named {
        ($page:expr, $item:ident => $name:expr) => {{
            let page = $page.await?;
            Ok((page.items.iter().map(|$item| $name).collect(), page.next_page_token))
        }};
    }
    match list {
        List::Namespaces => named!(registry.list_namespaces(size, token), i => i.value.name.to_string()),
        List::Models(query) => {
            named!(registry.list_models(&namespace, query, size, token), i => i.value.name.to_string())
        }
        List::Versions(query) => {
            named!(registry.list_versions(&model, query, size, token), i => i.value.name.to_string())
        }
        List::Aliases => named!(registry.list_aliases(&model, size, token), i => i.value.name.to_string()),
        List::Evaluations(query) => {
            let version: VersionName = format!("{MODEL}/versions/1").parse().unwrap();
            named!(registry.list_evaluations(&version, query, size, token), i => i.value.name.to_string())
        }
        List::Events(query) => {
            named!(registry.list_audit_events(&namespace, query, size, token), i => i.position.to_string())
        }
    }
}

/// A registry in which every list has some results and neighbours.
async fn filled() -> Registry {
    let server = Server::open(Arc::new(MemoryEngine::new())).await;
    for namespace in ["a", "other"] {
        let namespace_id = namespace.to_owned();
        let request = v1::CreateNamespaceRequest { namespace_id, ..Default::default() };
        call(&server, "NamespaceService/CreateNamespace", request).await;
        create_model(&server, &format!("namespaces/{namespace}"), "m").await;
    }
    for id in ["l", "m", "m m", "mm", "n"] {
        create_model(&server, "namespaces/default", id).await;
    }
    for model in ["l", "m", "mm"] {
        fill_model(&server, &format!("namespaces/default/models/{model}")).await;
    }
    let request =
        v1::DeleteModelRequest { name: "namespaces/default/models/n".to_owned(), ..Default::default() };
    call(&server, "ModelService/DeleteModel", request).await;
    server.registry
}

async fn create_model(server: &Server, parent: &str, id: &str) {
    let model = v1::Model {
        kind: v1::ModelKind::Own.into(),
        risk_tier: v1::RiskTier::Preview.into(),
        owner: "o".to_owned(),
        ..Default::default()
    };
    let request = v1::CreateModelRequest {
        parent: parent.to_owned(),
        model_id: id.to_owned(),
        model: Some(model),
        ..Default::default()
    };
    call(server, "ModelService/CreateModel", request).await;
}

async fn fill_model(server: &Server, model: &str) {
    for number in 1..=3 {
        let artifact = v1::Artifact {
            uri: format!("s3://bucket/{number}"),
            digest: format!("sha256:{number:064}"),
            ..Default::default()
        };
        let version =
            v1::Version { artifacts: vec![artifact], description: "d".to_owned(), ..Default::default() };
        let request = v1::CreateVersionRequest {
            parent: model.to_owned(),
            version: Some(version),
            ..Default::default()
        };
        call(server, "VersionService/CreateVersion", request).await;
        record(server, &format!("{model}/versions/1"), number).await;
    }
    let (name, reason) = (format!("{model}/versions/1"), "r".to_owned());
    let submit =
        v1::SubmitVersionRequest { name: name.clone(), reason: reason.clone(), ..Default::default() };
    call(server, "LifecycleService/SubmitVersion", submit).await;
    let approve = v1::ApproveVersionRequest { name: name.clone(), reason, ..Default::default() };
    call(server, "LifecycleService/ApproveVersion", approve).await;
    for alias in ["canary", "production"] {
        let (version, alias) = (name.clone(), format!("{model}/aliases/{alias}"));
        let alias = v1::Alias { name: alias, version, ..Default::default() };
        let request = v1::SetAliasRequest { alias: Some(alias), ..Default::default() };
        call(server, "AliasService/SetAlias", request).await;
    }
}

async fn record(server: &Server, version: &str, number: i64) {
    let value = Some(v1::metric_point::Value::Rate(v1::RatePoint { k: 1, n: 2 }));
    let second = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let evaluation = v1::Evaluation {
        window_start_time: second(0),
        window_end_time: second(number),
        evaluator: Some(v1::Evaluator { name: "e".to_owned(), ..Default::default() }),
        points: vec![v1::MetricPoint { metric: "accuracy".to_owned(), value, ..Default::default() }],
        ..Default::default()
    };
    let request = v1::RecordEvaluationRequest {
        parent: version.to_owned(),
        evaluation: Some(evaluation),
        ..Default::default()
    };
    call(server, "EvaluationService/RecordEvaluation", request).await;
}

/// The submitter and the approver have to be two.
async fn call(server: &Server, method: &str, request: impl Message) {
    let actor: &[u8] = if method.ends_with("ApproveVersion") { b"approver" } else { b"author" };
    let answer = server.call(method, &[("steward-actor", actor)], &request.encode_to_vec()).await;
    let (_, status) = answer.whole().await;
    assert_eq!(status.code(), Code::Ok, "{method}: {status:?}");
}
