//! Durable first, every answered write, and never over a gap: G7–G9.

use super::{
    list, populate,
    reader::{
        Reader, behind, export, from, from_now_on, from_the_beginning, impatient, in_batches_of, positions,
        up_to,
    },
    write_one,
};
use crate::{
    ask::record_batch,
    engines::{GatedEngine, remove_events},
    support::{NAMESPACE, TestServer, create_model, explain, model_name},
};
use std::{ops::Range, sync::Arc};
use steward_registry::{
    proto::v1::{
        AuditEvent, GetAuditHeadRequest, GetModelRequest, ListAuditEventsRequest, get_model_request::ReadAt,
        subscribe_audit_events_request::Start,
    },
    store::memory::MemoryEngine,
};
use tonic::Code;

#[tokio::test]
async fn g7_nothing_is_streamed_listed_or_read_before_it_is_durable() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    let size = server.size().await;
    let mut reader = Reader::open(&server, impatient(from_now_on())).await.unwrap();
    engine.before.close();
    let mut models = server.models();
    let write = tokio::spawn(async move { models.create_model(create_model("m")).await });
    engine.before.reached().await;
    // Three times progress, and each says that there is nothing new.
    for _ in 0..3 {
        let (events, progress) = reader.progress().await;
        assert_eq!((events, progress.next_position), (vec![], size));
    }
    let everything = ListAuditEventsRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    assert_eq!(list(&server, everything).await.len() as u64, size);
    let name = model_name("m");
    let read = server.models().get_model(GetModelRequest { name, read_at: None }).await;
    assert_eq!(read.unwrap_err().code(), Code::NotFound);
    assert!(!write.is_finished());
    engine.before.open();
    assert_eq!(write.await.unwrap().unwrap().into_inner().audit_position, size);
    assert_eq!(positions(&reader.batch().await), [size]);
    server.stop().await;
}

/// A server that has committed one model durably, but whose committer does not
/// know it yet.
async fn durable_but_unanswered() -> (Arc<GatedEngine>, TestServer, u64) {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    let position = server.size().await;
    engine.behind.close();
    let mut models = server.models();
    tokio::spawn(async move { models.create_model(create_model("m")).await });
    engine.behind.reached().await;
    (engine, server, position)
}

#[tokio::test]
async fn a_head_that_is_read_before_the_stream_knows_it_can_be_resumed_from() {
    let (engine, server, position) = durable_but_unanswered().await;
    let parent = NAMESPACE.to_owned();
    let head = server.audit().get_audit_head(GetAuditHeadRequest { parent }).await.unwrap().into_inner();
    assert_eq!(head.size, position + 1);
    let mut resumed = Reader::open(&server, impatient(behind(&head.resume_token))).await.unwrap();
    let mut placed = Reader::open(&server, from(Start::StartPosition(head.size))).await.unwrap();
    let mut latest = Reader::open(&server, from_now_on()).await.unwrap();
    assert_eq!(resumed.progress().await.1.next_position, head.size);
    engine.behind.open();
    let next = write_one(&server, "next").await;
    for reader in [&mut resumed, &mut placed, &mut latest] {
        assert_eq!(positions(&reader.batch().await), [next]);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_read_shows_can_be_read_as_of_its_position_and_listed_at_once() {
    let (engine, server, position) = durable_but_unanswered().await;
    let get = |read_at| GetModelRequest { name: model_name("m"), read_at };
    let present = server.models().get_model(get(None)).await.unwrap().into_inner();
    assert_eq!(present.audit_position, position);
    let past = server.models().get_model(get(Some(ReadAt::ReadPosition(position)))).await.unwrap();
    assert_eq!(past.into_inner(), present);
    let everything = ListAuditEventsRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    assert_eq!(list(&server, everything).await.last().unwrap().position, position);
    engine.behind.open();
    server.stop().await;
}

#[tokio::test]
async fn g8_a_stream_reaches_the_position_of_every_answered_write() {
    let server = TestServer::start().await;
    let begin = server.size().await;
    let mut reader = Reader::open(&server, from_now_on()).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let mut models = server.models();
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for number in 0..25 {
                    let request = create_model(&format!("m-{writer}-{number}"));
                    answered.push(models.create_model(request).await.unwrap().into_inner().audit_position);
                }
                answered
            })
        })
        .collect();
    let got = positions(&reader.reach(begin + 199).await);
    let mut answered = Vec::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }
    answered.sort_unstable();
    assert_eq!((got.clone(), answered), ((begin..begin + 200).collect(), got));
    server.stop().await;
}

#[tokio::test]
async fn g8_one_who_writes_and_then_follows_finds_the_own_write() {
    let server = TestServer::start().await;
    for number in 0..20 {
        let position = write_one(&server, &format!("m{number}")).await;
        let mut reader = Reader::open(&server, from(Start::StartPosition(position))).await.unwrap();
        assert_eq!(positions(&reader.batch().await), [position]);
    }
    server.stop().await;
}

/// A log of `populate` and a batch of ten, from which some events are missing.
/// Answers where the batch began.
async fn with_a_gap(missing: impl Fn(u64) -> Range<u64>) -> (TestServer, u64) {
    let engine = Arc::new(MemoryEngine::new());
    let server = TestServer::over(engine.clone()).await;
    populate(&server).await;
    let begin = server.size().await;
    record_batch("mm", 1, "gap", 10).send(&server.channel).await.unwrap();
    write_one(&server, "last").await;
    server.stop().await;
    remove_events(&*engine, missing(begin)).await;
    (TestServer::over(engine).await, begin)
}

async fn events_before_the_loss(server: &TestServer, batch: i32) -> Vec<AuditEvent> {
    // With a stop, so that a stream that skips the gap has an end, too.
    let newest = server.size().await - 1;
    let request = in_batches_of(batch, up_to(newest, from_the_beginning()));
    let (events, end, status) = Reader::open(server, request).await.unwrap().rest().await;
    let (code, reason, _) = explain(&status.unwrap_err());
    assert_eq!((code, reason.as_str(), end), (Code::DataLoss, "STORE_DAMAGED", None));
    events
}

#[tokio::test]
async fn g9_a_gap_ends_the_stream_and_is_never_skipped() {
    // Between two mutations, within one, at the end of one, and all of one.
    for (from, to) in [(-7, -6), (-7, 0), (4, 5), (9, 10), (5, 10), (0, 1), (0, 10)] {
        let place = |begin: u64, offset: i64| begin.checked_add_signed(offset).unwrap();
        let (server, begin) = with_a_gap(|begin| place(begin, from)..place(begin, to)).await;
        for batch in [1, 500] {
            let got = positions(&events_before_the_loss(&server, batch).await);
            let expected: Vec<_> = (0..got.len() as u64).collect();
            assert_eq!(got, expected, "gap {from}..{to}");
            assert!(got.len() as u64 <= place(begin, from), "gap {from}..{to}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn g9_with_small_batches_everything_before_the_gap_is_delivered() {
    let (server, begin) = with_a_gap(|begin| begin + 3..begin + 4).await;
    assert_eq!(events_before_the_loss(&server, 1).await.len() as u64, begin);
    // One who starts behind the gap is not concerned; one who starts in it is.
    let mut reader = Reader::open(&server, from(Start::StartPosition(begin + 10))).await.unwrap();
    assert_eq!(positions(&reader.batch().await), [begin + 10]);
    let (none, _, status) =
        Reader::open(&server, from(Start::StartPosition(begin + 3))).await.unwrap().rest().await;
    assert_eq!((none, status.unwrap_err().code()), (vec![], Code::DataLoss));
    server.stop().await;
}

#[tokio::test]
async fn g9_an_intact_log_is_streamed_by_the_server_that_finds_gaps() {
    let (server, begin) = with_a_gap(|begin| begin..begin).await;
    assert_eq!(export(&server).await.len() as u64, begin + 11);
    server.stop().await;
}
