//! Streams that nobody reads, on a clock that is wound on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::{
    domain::name::NamespaceId,
    grpc::model::Models,
    proto::v1::model_service_server::ModelService as _,
    registry::{
        Registry,
        environment::Environment,
        stream::{Start, SubscribeOptions, Wanted},
    },
    store::memory::MemoryEngine,
};
use tokio_stream::StreamExt as _;

/// A registry with five events.
async fn registry() -> Registry {
    let registry = Registry::open(Arc::new(MemoryEngine::new()), Environment::system()).await.unwrap();
    for id in ["a", "b", "c", "d"] {
        let model = v1::Model { kind: v1::ModelKind::Own.into(), ..Default::default() };
        let request = v1::CreateModelRequest {
            parent: "namespaces/default".to_owned(),
            model_id: id.to_owned(),
            model: Some(model),
            ..Default::default()
        };
        Models(registry.clone()).create_model(tonic::Request::new(request)).await.unwrap();
    }
    registry
}

/// A stream of single events.
async fn follow(registry: &Registry, start: Start) -> Deliveries {
    let options = SubscribeOptions {
        start,
        stop: None,
        wanted: Wanted::default(),
        progress_interval: Duration::from_secs(3_600),
        max_batch: 1,
    };
    deliver(registry.subscribe(&NamespaceId::new("default").unwrap(), options).await.unwrap())
}

/// The clock stands still but for this: all that waits for less happens before.
async fn wind_on(duration: Duration) {
    tokio::time::sleep(duration).await;
}

async fn batch(stream: &mut Deliveries) -> (u64, String) {
    match stream.next().await.unwrap().unwrap().message.unwrap() {
        Message::Batch(batch) => (batch.events[0].position, batch.resume_token),
        other => panic!("{other:?}"),
    }
}

async fn end(stream: &mut Deliveries) -> v1::AuditStreamEnd {
    match stream.next().await.unwrap().unwrap().message.unwrap() {
        Message::End(end) => end,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_accepts_nothing_for_five_minutes_gets_the_end_with_a_token() {
    let registry = registry().await;
    let mut stream = follow(&registry, Start::Earliest).await;
    assert_eq!(batch(&mut stream).await.0, 0);
    wind_on(STALLED + Duration::from_secs(1)).await;
    // One event was under way; the token stands behind it.
    assert_eq!(batch(&mut stream).await.0, 1);
    let end = end(&mut stream).await;
    assert_eq!(end.reason(), v1::AuditStreamEndReason::Stalled);
    let status = stream.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert!(stream.next().await.is_none());
    let token = ResumeToken::decode(&end.resume_token).unwrap();
    assert_eq!(batch(&mut follow(&registry, Start::Token(token)).await).await.0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_accepts_something_every_four_minutes_is_slow_but_not_stalled() {
    let registry = registry().await;
    let mut stream = follow(&registry, Start::Earliest).await;
    for position in 0..5 {
        wind_on(Duration::from_secs(240)).await;
        assert_eq!(batch(&mut stream).await.0, position);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_at_the_head_for_an_hour_is_not_stalled() {
    let registry = registry().await;
    let mut stream = follow(&registry, Start::Latest).await;
    wind_on(Duration::from_secs(3_600)).await;
    assert!(matches!(
        stream.next().await.unwrap().unwrap().message.unwrap(),
        Message::Progress(progress) if progress.next_position == 5
    ));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_accepts_nothing_gets_the_end_of_a_drain_too() {
    let registry = registry().await;
    let mut stream = follow(&registry, Start::Earliest).await;
    wind_on(Duration::from_secs(60)).await;
    registry.drain();
    wind_on(Duration::from_secs(1)).await;
    let (position, token) = batch(&mut stream).await;
    let end = end(&mut stream).await;
    assert_eq!((position, end.reason()), (0, v1::AuditStreamEndReason::Drain));
    assert_eq!(end.resume_token, token);
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(stream.next().await.is_none());
}
