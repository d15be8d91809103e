//! What callers see when the store fails: nothing false, and nothing hangs.

use crate::{
    ask::{Ask, describe_model},
    engines::{Fault, GatedEngine},
    support::{BEGIN, DAY, TestServer, create_model, explain, model_name, time},
};
use std::sync::Arc;
use steward_registry::proto::v1::{GetModelRequest, get_model_request::ReadAt};
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

async fn server() -> (Arc<GatedEngine>, TestServer) {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    server.model("before").await;
    (engine, server)
}

/// Until health says that nothing more can be written.
async fn not_serving(server: &TestServer) {
    let service = "steward.v1.ModelService".to_owned();
    let request = HealthCheckRequest { service };
    let mut news = HealthClient::new(server.channel.clone()).watch(request).await.unwrap().into_inner();
    while let Some(state) = news.message().await.unwrap() {
        if state.status() == ServingStatus::NotServing {
            return;
        }
    }
}

/// Writes are refused, and reads go on: now, and as of a time for which the
/// batch under way has to be waited for.
async fn reads_go_on(server: &TestServer, size: u64, refusal: &Status) {
    assert_eq!(refusal.code(), Code::Unavailable);
    assert_eq!(server.size().await, size);
    server.clock.advance(DAY);
    let read_time = time(BEGIN + DAY / 2);
    for read_at in [None, Some(ReadAt::ReadTime(read_time))] {
        let request = GetModelRequest { name: model_name("before"), read_at };
        assert_eq!(server.models().get_model(request).await.unwrap().into_inner().name, model_name("before"));
    }
    not_serving(server).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_and_answered() {
    let (engine, server) = server().await;
    engine.fail_next_commit(Fault::AnswerLost);
    let position = server.model("m").await.audit_position;
    assert_eq!(server.size().await, position + 1);
    server.model("next").await;
    server.stop().await;
}

#[tokio::test]
async fn a_commit_that_cannot_be_found_is_unknown_and_writes_are_refused_from_then_on() {
    let (engine, server) = server().await;
    let size = server.size().await;
    engine.fail_next_commit(Fault::RequestLost);
    let ask = Ask::from(create_model("m")).with_request_id("id");
    let told = explain(&ask.send(&server.channel).await.unwrap_err());
    assert_eq!((told.0, told.1.as_str()), (Code::Unknown, "OUTCOME_UNKNOWN"));
    reads_go_on(&server, size, &ask.send(&server.channel).await.unwrap_err()).await;
    server.stop().await;
    // As the error says: after a restart the same request id settles it.
    let server = TestServer::over(engine).await;
    ask.send(&server.channel).await.unwrap();
    assert_eq!(server.size().await, size + 1);
    server.stop().await;
}

#[tokio::test]
async fn a_store_that_takes_no_writes_is_seen_in_health() {
    let (engine, server) = server().await;
    let size = server.size().await;
    engine.fail_next_commit(Fault::Unavailable);
    for _ in 0..2 {
        let refusal = describe_model("before", "x", "").send(&server.channel).await.unwrap_err();
        assert!(refusal.message().contains("the disk is full"), "{refusal:?}");
    }
    let refusal = describe_model("before", "x", "").send(&server.channel).await.unwrap_err();
    reads_go_on(&server, size, &refusal).await;
    server.stop().await;
}

#[tokio::test]
async fn a_committer_that_panics_is_seen_in_health_and_leaves_nobody_waiting() {
    let (engine, server) = server().await;
    let size = server.size().await;
    engine.fail_next_commit(Fault::Panic);
    describe_model("before", "x", "").send(&server.channel).await.unwrap_err();
    not_serving(&server).await;
    let refusal = describe_model("before", "y", "").send(&server.channel).await.unwrap_err();
    assert!(refusal.message().contains("a defect of Steward"), "{refusal:?}");
    reads_go_on(&server, size, &refusal).await;
    server.stop().await;
}
