//! Where a stream begins: a position, a time, either end, or nothing said.

use super::{
    populate,
    reader::{Reader, behind, export, from, from_now_on, from_the_beginning, positions},
    write_one,
};
use crate::support::{BEGIN, DAY, NAMESPACE, TestServer, explain, model_name, time};
use steward_registry::proto::v1::{
    GetModelRequest, SubscribeAuditEventsRequest, get_model_request::ReadAt,
    subscribe_audit_events_request::Start,
};
use tonic::Code;

#[tokio::test]
async fn a_stream_begins_at_any_position_that_is_named() {
    let server = TestServer::start().await;
    populate(&server).await;
    for event in export(&server).await {
        let mut reader = Reader::open(&server, from(Start::StartPosition(event.position))).await.unwrap();
        assert_eq!(reader.batch().await[0], event);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_names_no_start_begins_at_the_first_event() {
    let server = TestServer::start().await;
    let request = SubscribeAuditEventsRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    for request in [request, from_the_beginning()] {
        assert_eq!(Reader::open(&server, request).await.unwrap().batch().await[0].position, 0);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_from_the_latest_event_on_brings_nothing_older() {
    let server = TestServer::start().await;
    populate(&server).await;
    let mut reader = Reader::open(&server, from_now_on()).await.unwrap();
    let next = write_one(&server, "next").await;
    assert_eq!(positions(&reader.batch().await), [next]);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_from_a_time_begins_with_the_first_event_of_that_time_or_later() {
    let server = TestServer::start().await;
    let mut written = Vec::new();
    for day in 1..=4 {
        server.clock.set(BEGIN + day * DAY);
        written.push(write_one(&server, &format!("m{day}")).await);
    }
    server.clock.set(BEGIN + 10 * DAY);
    for (micros, first) in [
        (BEGIN - 365 * DAY, 0),
        (BEGIN + DAY, written[0]),
        (BEGIN + DAY + 1, written[1]),
        (BEGIN + 4 * DAY, written[3]),
    ] {
        let mut reader = Reader::open(&server, from(Start::StartTime(time(micros)))).await.unwrap();
        assert_eq!(reader.batch().await[0].position, first);
    }
    let mut reader = Reader::open(&server, from(Start::StartTime(time(BEGIN + 5 * DAY)))).await.unwrap();
    let next = write_one(&server, "next").await;
    assert_eq!(positions(&reader.batch().await), [next]);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_cannot_begin_in_the_future() {
    let server = TestServer::start().await;
    write_one(&server, "m").await;
    for micros in [BEGIN + DAY, BEGIN + 1_000 * DAY] {
        let request = from(Start::StartTime(time(micros)));
        let Err(status) = Reader::open(&server, request).await else { panic!("it began") };
        assert_eq!(explain(&status).0, Code::InvalidArgument);
        assert_eq!(explain(&status).2, ["start_time"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_was_told_of_a_time_stays_true_when_the_clock_is_set_back() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.clock.set(BEGIN + 10 * DAY);
    let past = BEGIN + 9 * DAY;
    let get = || GetModelRequest { name: model_name("m"), read_at: Some(ReadAt::ReadTime(time(past))) };
    let told = server.models().get_model(get()).await.unwrap().into_inner();
    let mut reader = Reader::open(&server, from(Start::StartTime(time(past)))).await.unwrap();
    server.clock.set(BEGIN + 5 * DAY);
    crate::ask::describe_model("m", "changed", "").send(&server.channel).await.unwrap();
    assert_eq!(server.models().get_model(get()).await.unwrap().into_inner(), told);
    let changed = reader.batch().await;
    let leaf: serde_json::Value = serde_json::from_slice(&changed[0].leaf).unwrap();
    assert_eq!(leaf["time"], "2026-03-10T00:00:00.000001Z");
    server.stop().await;
}

#[tokio::test]
async fn the_token_of_the_head_begins_behind_it() {
    let server = TestServer::start().await;
    populate(&server).await;
    let head = server.head().await;
    let mut reader = Reader::open(&server, behind(&head.resume_token)).await.unwrap();
    let next = write_one(&server, "next").await;
    assert_eq!((head.size, positions(&reader.batch().await)), (next, vec![next]));
    server.stop().await;
}
