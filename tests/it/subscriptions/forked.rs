//! A log that went back: what readers know of it is another history.

use super::{NAME, Reader, subscribed};
use crate::{
    engines::{GatedEngine, LOG, copy_of},
    support::{TestServer, explain},
};
use std::sync::Arc;
use steward_registry::proto::v1;
use tonic::{Code, Status};

fn is_forked(status: &Status) {
    assert_eq!(explain(status), (Code::FailedPrecondition, "LOG_FORKED".into(), vec![]));
}

async fn acknowledge(
    server: &TestServer,
    generation: u64,
    position: u64,
    token: &str,
) -> Result<u64, Status> {
    let request = v1::AcknowledgeEventsRequest {
        name: NAME.to_owned(),
        generation,
        position,
        resume_token: token.to_owned(),
        ..Default::default()
    };
    Ok(server.subscriptions().acknowledge_events(request).await?.into_inner().next_position)
}

#[tokio::test]
async fn after_a_restored_backup_a_reader_is_told_that_its_positions_mean_something_else() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    subscribed(&server, v1::Subscription::default()).await;
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    reader.until(1).await;
    let generation = reader.generation;
    let backup = copy_of(&*engine, &[LOG]).await;
    server.model("a").await;
    server.model("b").await;
    reader.until(3).await;
    let (position, token) = reader.reached.clone().unwrap();
    drop(reader);
    server.stop().await;

    let server = TestServer::over(backup).await;
    is_forked(&acknowledge(&server, generation, position, &token).await.unwrap_err());
    is_forked(&Reader::open_behind(&server.channel, NAME, &token).await.err().unwrap());
    for id in ["x", "y", "z"] {
        server.model(id).await;
    }
    is_forked(&acknowledge(&server, generation, position, &token).await.unwrap_err());
    is_forked(&Reader::open_behind(&server.channel, NAME, &token).await.err().unwrap());
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert_eq!(reader.until(4).await.len(), 5, "without a token it gets this history");
    let (position, token) = reader.reached.clone().unwrap();
    let other = acknowledge(&server, reader.generation, position - 1, &token).await.unwrap_err();
    assert_eq!(explain(&other).2, ["resume_token"], "a token belongs to its position");
    assert_eq!(acknowledge(&server, reader.generation, position, &token).await.unwrap(), position + 1);
    drop(reader);
    server.stop().await;
}
