//! The way back through the wire: rolling back, rehearsing it, and knowing for how
//! long it can be done.

use crate::{
    ask::{deprecate, set_alias},
    support::{BEGIN, DAY, TestServer, explain, model_name, version_name},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{self, ReadinessState, resolve_version_request::Selector},
    store::memory::MemoryEngine,
};
use tokio::task::JoinSet;
use tonic::{Code, Response, Status};

fn production() -> String {
    format!("{}/aliases/production", model_name("m"))
}

/// A server with approved versions 1 to 3 of `m`; production went from 1 over 2 to 3.
async fn started() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::default())).await;
    server.model("m").await;
    for number in 1..=3 {
        server.approved("m").await;
        set_alias("m", "production", number, "").send(&server.channel).await.unwrap();
    }
    server
}

async fn rollback(server: &TestServer, to: &str, drill: bool) -> Result<v1::Alias, Status> {
    let (name, reason, version) = (production(), "it answers nonsense".to_owned(), to.to_owned());
    let request = v1::RollbackAliasRequest { name, reason, version, drill, ..Default::default() };
    server.aliases().rollback_alias(request).await.map(Response::into_inner)
}

async fn readiness(server: &TestServer) -> v1::Readiness {
    let request = v1::GetAliasReadinessRequest { name: production() };
    server.aliases().get_alias_readiness(request).await.unwrap().into_inner()
}

async fn hold(server: &TestServer, number: u32) -> v1::Version {
    let (name, reason) = (version_name("m", number), "complaints".to_owned());
    let request = v1::HoldVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().hold_version(request).await.unwrap().into_inner()
}

async fn resolve(server: &TestServer) -> Result<String, Status> {
    let selector = Some(Selector::Alias("production".to_owned()));
    let request = v1::ResolveVersionRequest { model: model_name("m"), selector, ..Default::default() };
    let answer = server.versions().resolve_version(request).await?;
    Ok(answer.into_inner().version.unwrap().name)
}

#[tokio::test]
async fn a_rollback_goes_to_the_last_version_that_is_safe() {
    let server = started().await;
    assert_eq!(rollback(&server, "", false).await.unwrap().version, version_name("m", 2));
    assert_eq!(resolve(&server).await.unwrap(), version_name("m", 2));
    // Version 3 is where it came from, and on hold it is not safe any more.
    hold(&server, 3).await;
    let alias = rollback(&server, "", false).await.unwrap();
    assert_eq!((alias.version, alias.previous_version), (version_name("m", 1), version_name("m", 2)));
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_is_not_safe_is_refused_with_each_reason() {
    let server = started().await;
    hold(&server, 1).await;
    hold(&server, 2).await;
    let (code, reason, guards) = explain(&rollback(&server, "", false).await.unwrap_err());
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "NO_WAY_BACK"));
    assert_eq!(guards, ["NO_WAY_BACK", "ROLLBACK_TARGET_UNSAFE", "ROLLBACK_TARGET_UNSAFE"]);
    let (_, reason, _) = explain(&rollback(&server, &version_name("m", 2), false).await.unwrap_err());
    assert_eq!(reason, "ROLLBACK_TARGET_UNSAFE");
    let (_, reason, _) = explain(&rollback(&server, &version_name("m", 3), false).await.unwrap_err());
    assert_eq!(reason, "NO_WAY_BACK");
    server.stop().await;
}

#[tokio::test]
async fn a_drill_moves_nothing_and_goes_on_record() {
    let server = started().await;
    let before = server.size().await;
    let alias = rollback(&server, "", true).await.unwrap();
    assert_eq!(alias.version, version_name("m", 3));
    assert_eq!(alias.drill.unwrap().target, version_name("m", 2));
    assert_eq!(server.size().await, before + 1);
    assert_eq!(resolve(&server).await.unwrap(), version_name("m", 3));
    server.stop().await;
}

#[tokio::test]
async fn a_hold_says_where_production_could_go_back_to() {
    let server = started().await;
    assert_eq!(hold(&server, 3).await.hold.unwrap().way_back, version_name("m", 2));
    let (_, reason, _) = explain(&resolve(&server).await.unwrap_err());
    assert_eq!(reason, "VERSION_ON_HOLD");
    server.stop().await;
}

#[tokio::test]
async fn the_day_on_which_the_last_way_back_closes_is_known_in_advance() {
    let server = started().await;
    assert_eq!(readiness(&server).await.state(), ReadinessState::Ready);
    for (number, days) in [(1, 40), (2, 30)] {
        let name = version_name("m", number);
        deprecate(&name, "out of use", BEGIN + days * DAY).send(&server.channel).await.unwrap();
    }
    // Version 1 lives longest; a trial's policy asks for one day left.
    let ready = readiness(&server).await;
    assert_eq!(ready.days_until_no_way_back, Some(39));
    assert_eq!(ready.state(), ReadinessState::Ready);
    server.clock.advance(26 * DAY);
    let ready = readiness(&server).await;
    assert_eq!((ready.state(), ready.target), (ReadinessState::Degraded, version_name("m", 2)));
    server.clock.advance(13 * DAY);
    let ready = readiness(&server).await;
    assert_eq!((ready.state(), ready.days_until_no_way_back), (ReadinessState::None, None));
    server.stop().await;
}

#[tokio::test]
async fn when_a_way_back_closes_by_time_an_event_says_so_once() {
    let server = started().await;
    for number in [1, 2] {
        let name = version_name("m", number);
        deprecate(&name, "out of use", BEGIN + 30 * DAY).send(&server.channel).await.unwrap();
    }
    rollback(&server, "", true).await.unwrap();
    let states = async || {
        let request = v1::ListAuditEventsRequest {
            parent: "namespaces/default".to_owned(),
            filter: Some(v1::AuditEventFilter {
                types: vec!["AliasReadinessChanged".to_owned()],
                ..Default::default()
            }),
            ..Default::default()
        };
        server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events.len()
    };
    for (days, events) in [(1, 0), (14, 1), (14, 2), (30, 2)] {
        server.clock.advance(days * DAY);
        server.carry_out_due().await;
        assert_eq!(states().await, events, "after {days} days more");
    }
    server.stop().await;
}

#[tokio::test]
async fn of_100_concurrent_rollbacks_all_see_one_pointer_and_no_resolve_fails() {
    let server = Arc::new(started().await);
    let mut tasks = JoinSet::new();
    for index in 0..100 {
        let (server, resolving) = (server.clone(), server.clone());
        tasks.spawn(async move {
            let to = version_name("m", 1 + index % 3);
            match rollback(&server, &to, false).await {
                Ok(alias) => assert_eq!(alias.version, to),
                // Somebody else was there first.
                Err(status) => assert_eq!(explain(&status).1, "NO_WAY_BACK"),
            }
        });
        tasks.spawn(async move {
            resolve(&resolving).await.unwrap();
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let request = v1::GetAliasRequest { name: production(), read_at: None };
    let alias = server.aliases().get_alias(request).await.unwrap().into_inner();
    assert_eq!(resolve(&server).await.unwrap(), alias.version);
    // Each change of the history leads on from the one before it.
    let request = v1::GetAliasHistoryRequest { name: production(), page_size: 1_000, ..Default::default() };
    let changes = server.aliases().get_alias_history(request).await.unwrap().into_inner().changes;
    assert!(changes.windows(2).all(|pair| pair[0].version != pair[1].version));
    Arc::into_inner(server).unwrap().stop().await;
}
