//! Positions that are not there yet and tokens of other histories: G10.

use super::{
    populate,
    reader::{
        Reader, behind, export, from, from_now_on, from_the_beginning, in_batches_of, positions, up_to,
    },
    write_one,
};
use crate::{
    ask::create_namespace,
    engines::copy_of,
    support::{TestServer, explain},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{
        AuditStreamEndReason, StartPoint, SubscribeAuditEventsRequest, subscribe_audit_events_request::Start,
    },
    store::memory::MemoryEngine,
};
use tonic::Code;

async fn refused(server: &TestServer, request: SubscribeAuditEventsRequest) -> (Code, String, Vec<String>) {
    match Reader::open(server, request).await {
        Ok(_) => panic!("the stream began"),
        Err(status) => explain(&status),
    }
}

#[tokio::test]
async fn g10_a_position_beyond_the_next_one_is_out_of_range() {
    let server = TestServer::start().await;
    populate(&server).await;
    let size = server.size().await;
    for position in [size + 1, size + 1_000, u64::MAX] {
        let answer = refused(&server, from(Start::StartPosition(position))).await;
        assert_eq!(answer, (Code::OutOfRange, "POSITION_BEYOND_HEAD".into(), vec![]));
    }
    let mut reader = Reader::open(&server, from(Start::StartPosition(size))).await.unwrap();
    let next = write_one(&server, "next").await;
    assert_eq!((next, positions(&reader.batch().await)), (size, vec![size]));
    server.stop().await;
}

#[tokio::test]
async fn g10_a_token_of_a_history_that_went_on_differently_is_log_forked() {
    let engine = Arc::new(MemoryEngine::new());
    let server = TestServer::over(engine.clone()).await;
    populate(&server).await;
    let backup = copy_of(&*engine, &["default", "charity"]).await;
    let common = server.head().await.resume_token;
    write_one(&server, "original").await;
    let token = server.head().await.resume_token;
    server.stop().await;

    let restored = TestServer::over(backup).await;
    let forked = (Code::FailedPrecondition, "LOG_FORKED".to_owned(), vec![]);
    // The copy is older: what the token stands behind is not there.
    assert_eq!(refused(&restored, behind(&token)).await, forked);
    // The copy has gone on: another event stands there.
    write_one(&restored, "another").await;
    assert_eq!(refused(&restored, behind(&token)).await, forked);
    write_one(&restored, "and another").await;
    assert_eq!(refused(&restored, behind(&token)).await, forked);
    // What both histories share can be resumed.
    let mut reader = Reader::open(&restored, behind(&common)).await.unwrap();
    assert_eq!(reader.batch().await[0].subject, crate::support::model_name("another"));
    restored.stop().await;
}

#[tokio::test]
async fn g10_a_token_of_another_namespace_is_refused_by_its_field() {
    let server = TestServer::start().await;
    create_namespace("charity", "").send(&server.channel).await.unwrap();
    let parent = "namespaces/charity".to_owned();
    let request = SubscribeAuditEventsRequest { parent, ..from_the_beginning() };
    let mut reader = Reader::open(&server, request).await.unwrap();
    assert_eq!(positions(&reader.batch().await), [0]);
    let answer = refused(&server, behind(&reader.token)).await;
    assert_eq!(answer, (Code::InvalidArgument, "INVALID_FIELDS".into(), vec!["resume_token".into()]));
    server.stop().await;
}

#[tokio::test]
async fn g10_what_was_never_a_token_is_refused_by_its_field() {
    let server = TestServer::start().await;
    let token = server.head().await.resume_token;
    for text in ["x", &token[1..], &format!("{token}AAAA"), &token.replace('A', "*"), "\u{e4}"] {
        let answer = refused(&server, behind(text)).await;
        assert_eq!(answer, (Code::InvalidArgument, "INVALID_FIELDS".into(), vec!["resume_token".into()]));
    }
    server.stop().await;
}

#[tokio::test]
async fn g10_a_log_that_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let parent = "namespaces/nowhere".to_owned();
    let answer = refused(&server, SubscribeAuditEventsRequest { parent, ..from_now_on() }).await;
    assert_eq!(answer, (Code::NotFound, "NAMESPACE_NOT_FOUND".into(), vec![]));
    server.stop().await;
}

#[tokio::test]
async fn a_stop_before_the_start_is_refused_and_one_at_the_start_is_the_end() {
    let server = TestServer::start().await;
    populate(&server).await;
    let begin = |stop| up_to(stop, from(Start::StartPosition(5)));
    assert_eq!(refused(&server, begin(3)).await.2, ["stop_position"]);
    let (events, end, status) = Reader::open(&server, begin(5)).await.unwrap().rest().await;
    assert_eq!((positions(&events), status.is_ok()), (vec![5], true));
    assert_eq!(end.unwrap().0, AuditStreamEndReason::StopPosition);
    server.stop().await;
}

#[tokio::test]
async fn an_export_whose_end_was_lost_is_resumed_to_its_end() {
    let server = TestServer::start().await;
    let newest = server.size().await - 1;
    let mut reader = Reader::open(&server, up_to(newest, from_the_beginning())).await.unwrap();
    reader.reach(newest).await;
    let (token, resumed) = (reader.token.clone(), up_to(newest, behind(&reader.token)));
    let (events, end, status) = Reader::open(&server, resumed).await.unwrap().rest().await;
    assert_eq!((events, status.is_ok()), (vec![], true));
    assert_eq!(end, Some((AuditStreamEndReason::StopPosition, token)));
    server.stop().await;
}

#[tokio::test]
async fn a_stop_within_a_mutation_cuts_it_there_and_the_token_goes_on_with_the_rest() {
    let server = TestServer::start().await;
    populate(&server).await;
    let all = export(&server).await;
    for stop in 0..all.len() as u64 {
        let request = in_batches_of(4, up_to(stop, from_the_beginning()));
        let (events, end, status) = Reader::open(&server, request).await.unwrap().rest().await;
        status.unwrap();
        assert_eq!(events, all[..=stop as usize]);
        if stop + 1 < all.len() as u64 {
            let mut rest = Reader::open(&server, behind(&end.unwrap().1)).await.unwrap();
            assert_eq!(rest.batch().await[0].position, stop + 1);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_start_point_has_to_be_named() {
    let server = TestServer::start().await;
    for point in [StartPoint::Unspecified.into(), 77] {
        assert_eq!(refused(&server, from(Start::StartPoint(point))).await.2, ["start_point"]);
    }
    server.stop().await;
}
