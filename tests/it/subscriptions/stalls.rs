//! Cursors that nobody moves are reported.

use super::{NAME, Reader, acknowledge, subscribed};
use crate::{
    engines::{GatedEngine, LOG, copy_of},
    support::{BEGIN, TestServer, environment},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1,
    registry::{Registry, environment::Environment, subscription::stall::Stalled},
};

const SECOND: i64 = 1_000_000;

async fn cursor(server: &TestServer) -> v1::SubscriptionCursor {
    super::get(server).await.cursors.remove(0)
}

#[tokio::test]
async fn a_cursor_is_stalled_when_events_wait_and_it_does_not_move() {
    let server = TestServer::start().await;
    let stall_interval = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let only = v1::AuditEventFilter { types: vec!["ModelCreated".to_owned()], ..Default::default() };
    subscribed(&server, v1::Subscription { stall_interval, filter: Some(only), ..Default::default() }).await;
    server.clock.set(BEGIN + 1_000 * SECOND);
    assert!(!cursor(&server).await.stalled, "nothing waits");
    server.model("a").await;
    server.clock.advance(59 * SECOND);
    let waiting = cursor(&server).await;
    assert!(!waiting.stalled, "it waits for less than a minute");
    assert_eq!((waiting.backlog_count, waiting.oldest_event_age.unwrap().seconds), (1, 59));
    server.clock.advance(SECOND);
    let stalled = cursor(&server).await;
    assert!(stalled.stalled && stalled.stall_time == stalled.oldest_event_time, "{stalled:?}");
    let reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert!(cursor(&server).await.stalled, "reading is not acknowledging");
    acknowledge(&server.channel, NAME, 0, reader.generation, 1).await.unwrap();
    assert!(!cursor(&server).await.stalled, "it moves");
    server.clock.advance(60 * SECOND);
    assert!(cursor(&server).await.stalled, "the event still waits");
    acknowledge(&server.channel, NAME, 0, reader.generation, 2).await.unwrap();
    server.clock.advance(1_000 * SECOND);
    let done = cursor(&server).await;
    assert!(!done.stalled && done.backlog_count == 0, "{done:?}");
    drop(reader);
    server.stop().await;
}

#[tokio::test]
async fn an_operator_is_told_once_of_each_cursor_that_stalls() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    subscribed(&server, v1::Subscription::default()).await;
    let left = copy_of(&*engine, &[LOG]).await;
    server.stop().await;
    let (clock, _) = environment();
    let entropy = Environment::system().entropy;
    let registry = Registry::open(left, Environment { clock: clock.clone(), entropy }).await.unwrap();
    let mut known = Stalled::default();
    assert_eq!(registry.report_stalled(&mut known).await.unwrap(), []);
    clock.advance(3_601 * SECOND);
    let told = registry.report_stalled(&mut known).await.unwrap();
    assert_eq!(told, [(NAME.parse().unwrap(), 0)]);
    assert_eq!(registry.report_stalled(&mut known).await.unwrap(), [], "once");
    registry.close().await;
}
