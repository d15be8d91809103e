//! Whole mutations, tokens and progress: G4–G6.

use super::{
    populate,
    reader::{
        Reader, behind, export, from_now_on, from_the_beginning, impatient, in_batches_of, only, part,
        positions,
    },
    write_one,
};
use crate::{
    ask::{measurement, record_batch},
    support::{TestServer, model_name, version_name},
};
use steward_registry::proto::v1::{
    self, AuditEvent, AuditEventFilter, subscribe_audit_events_response::Message,
};

/// Batches of a stream from the beginning up to a position.
async fn batches(server: &TestServer, size: i32, newest: u64) -> Vec<Vec<AuditEvent>> {
    let mut reader = Reader::open(server, in_batches_of(size, from_the_beginning())).await.unwrap();
    let mut batches = Vec::new();
    while batches.last().is_none_or(|batch: &Vec<AuditEvent>| batch.last().unwrap().position < newest) {
        batches.push(reader.batch().await);
    }
    batches
}

fn ends_with_its_mutation(batch: &[AuditEvent]) -> bool {
    let (index, count) = part(batch.last().unwrap());
    part(&batch[0]).0 == 0 && index + 1 == count
}

#[tokio::test]
async fn g4_the_events_of_one_mutation_come_in_one_batch_however_small_it_should_be() {
    let server = TestServer::start().await;
    populate(&server).await;
    let newest = server.size().await - 1;
    for size in 1..=6 {
        for batch in batches(&server, size, newest).await {
            assert!(ends_with_its_mutation(&batch), "batches of {size}: {:?}", positions(&batch));
            let alone = part(&batch[0]).1 == batch.len() as u64;
            assert!(batch.len() <= size as usize || alone, "batches of {size}: {:?}", positions(&batch));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn g4_a_mutation_of_a_thousand_events_is_not_split() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    server.model("m").await;
    server.version("m").await;
    for (prefix, count) in [("a", 513), ("b", 1_000)] {
        record_batch("m", 1, prefix, count).send(&server.channel).await.unwrap();
    }
    let newest = server.size().await - 1;
    let lengths = |batches: &[Vec<AuditEvent>]| batches.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(&batches(&server, 2, newest).await), [2, 1, 513, 1_000]);
    server.stop().await;
    // Once more where the events can only come from the store.
    let server = TestServer::start_in(dir.path()).await;
    assert_eq!(lengths(&batches(&server, 2, newest).await), [2, 1, 513, 1_000]);
    server.stop().await;
}

/// An evaluation that is about as large as a thousand of them may be.
fn large(parent: &str, id: usize) -> v1::RecordEvaluationRequest {
    let mut evaluation = measurement(1);
    evaluation.note = "n".repeat(1_000);
    let uri = format!("s3://{}", "d".repeat(850));
    evaluation.dataset = Some(v1::DatasetReference { uri, ..Default::default() });
    let parent = parent.to_owned();
    let evaluation_id = format!("{id:0>60}");
    v1::RecordEvaluationRequest { parent, evaluation_id, evaluation: Some(evaluation), ..Default::default() }
}

#[tokio::test]
async fn g4_the_largest_mutation_fits_into_the_message_that_every_client_accepts() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    // 1 MiB of small mutations, and the largest that is accepted behind them.
    for size in [340, 1_000] {
        let requests = (0..size).map(|id| large(&version_name("m", 1), id + size)).collect();
        let batch =
            v1::BatchRecordEvaluationsRequest { parent: model_name("m"), requests, ..Default::default() };
        let mut client = server.evaluations().max_decoding_message_size(16 << 20);
        client.batch_record_evaluations(batch).await.unwrap();
    }
    let events = export(&server).await;
    let bytes = |events: &[AuditEvent]| events.iter().map(|event| event.leaf.len()).sum::<usize>();
    assert!(bytes(&events[3..343]) > 900 << 10, "{}", bytes(&events[3..343]));
    assert!(bytes(&events[343..]) > 2_800 << 10, "{}", bytes(&events[343..]));
    server.stop().await;
}

#[tokio::test]
async fn g5_resuming_starts_exactly_behind_every_batch_and_every_progress() {
    let server = TestServer::start().await;
    populate(&server).await;
    let size = server.size().await;
    let mut reader = Reader::open(&server, impatient(in_batches_of(1, from_the_beginning()))).await.unwrap();
    let mut tokens = Vec::new();
    loop {
        match reader.message().await.unwrap().unwrap() {
            Message::Batch(batch) => {
                tokens.push((batch.resume_token, batch.events.last().unwrap().position + 1));
            }
            Message::Progress(progress) => {
                tokens.push((progress.resume_token, progress.next_position));
                if progress.next_position == size {
                    break;
                }
            }
            Message::End(end) => panic!("{end:?}"),
        }
    }
    write_one(&server, "later").await;
    for (token, next) in tokens {
        let mut resumed = Reader::open(&server, behind(&token)).await.unwrap();
        assert_eq!(resumed.batch().await[0].position, next);
    }
    server.stop().await;
}

#[tokio::test]
async fn g6_progress_comes_when_nothing_matches_and_nothing_earlier_follows() {
    let server = TestServer::start().await;
    populate(&server).await;
    let size = server.size().await;
    let prefix = model_name("awaited");
    let filter = AuditEventFilter { resource_prefixes: vec![prefix], ..Default::default() };
    let request = impatient(only(filter, from_the_beginning()));
    let mut reader = Reader::open(&server, request).await.unwrap();
    let (none, progress) = reader.progress().await;
    assert_eq!((none, progress.next_position), (vec![], size));
    // What does not match moves the progress on.
    let other = write_one(&server, "other").await;
    let mut seen = progress.next_position;
    while seen <= other {
        let (none, progress) = reader.progress().await;
        assert!(none.is_empty() && progress.next_position >= seen);
        seen = progress.next_position;
    }
    let awaited = write_one(&server, "awaited").await;
    let (events, progress) = reader.progress().await;
    assert_eq!((positions(&events), progress.next_position), (vec![awaited], awaited + 1));
    server.stop().await;
}

#[tokio::test]
async fn g6_progress_comes_on_a_stream_that_waits_at_the_head() {
    let server = TestServer::start().await;
    let size = server.size().await;
    let mut reader = Reader::open(&server, impatient(from_now_on())).await.unwrap();
    for _ in 0..2 {
        assert_eq!(reader.progress().await.1.next_position, size);
    }
    let position = write_one(&server, "m").await;
    assert_eq!(positions(&reader.batch().await), [position]);
    server.stop().await;
}
