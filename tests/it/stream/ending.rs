//! Readers that are slow, and servers that drain.

use super::{
    populate,
    reader::{Reader, behind, from_now_on, from_the_beginning, in_batches_of, positions},
    write_one,
};
use crate::{
    ask::record_batch,
    support::{TestServer, explain},
};
use steward_registry::proto::v1::AuditStreamEndReason;
use tonic::{Code, Status};

#[tokio::test]
async fn a_slow_reader_catches_up_from_the_store_and_loses_nothing() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    let begin = server.size().await;
    let mut slow = Reader::open(&server, from_now_on()).await.unwrap();
    // More than the 8,192 newest events that are kept in memory.
    for batch in 0..10 {
        record_batch("m", 1, &format!("b{batch}"), 1_000).send(&server.channel).await.unwrap();
    }
    let end = begin + 10_000;
    assert_eq!(positions(&slow.reach(end - 1).await), (begin..end).collect::<Vec<_>>());
    // It has joined the others again.
    let next = write_one(&server, "next").await;
    assert_eq!(positions(&slow.batch().await), [next]);
    server.stop().await;
}

fn is_draining(status: Result<(), Status>, token: &str) {
    let status = status.unwrap_err();
    assert_eq!(explain(&status), (Code::Unavailable, "DRAINING".into(), vec![]));
    let details = tonic_types::StatusExt::get_error_details(&status);
    assert_eq!(details.error_info().unwrap().metadata["resume_token"], token);
}

#[tokio::test]
async fn an_idle_stream_ends_with_a_token_when_the_server_drains() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    populate(&server).await;
    let size = server.size().await;
    let mut idle = Reader::open(&server, from_now_on()).await.unwrap();
    server.drain();
    let (events, end, status) = idle.rest().await;
    let (reason, token) = end.unwrap();
    assert_eq!((events, reason), (vec![], AuditStreamEndReason::Drain));
    is_draining(status, &token);
    drop(idle);
    server.stop().await;

    let server = TestServer::start_in(dir.path()).await;
    let mut resumed = Reader::open(&server, behind(&token)).await.unwrap();
    let next = write_one(&server, "next").await;
    assert_eq!((next, positions(&resumed.batch().await)), (size, vec![size]));
    server.stop().await;
}

#[tokio::test]
async fn a_busy_stream_ends_with_a_token_when_the_server_drains_and_the_rest_follows_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    server.model("m").await;
    server.version("m").await;
    for number in 0..300 {
        let request =
            crate::ask::record(&crate::support::version_name("m", 1), &format!("e{number}"), number);
        if number < 100 {
            server.evaluations().record_evaluation(request).await.unwrap();
        } else if number % 100 == 0 {
            record_batch("m", 1, &format!("b{number}"), 1_000).send(&server.channel).await.unwrap();
        }
    }
    let size = server.size().await;
    let mut busy = Reader::open(&server, in_batches_of(1, from_the_beginning())).await.unwrap();
    let mut got = busy.batch().await;
    server.drain();
    let (events, end, status) = busy.rest().await;
    got.extend(events);
    let (reason, token) = end.unwrap();
    assert_eq!(reason, AuditStreamEndReason::Drain);
    is_draining(status, &token);
    drop(busy);
    server.stop().await;

    let server = TestServer::start_in(dir.path()).await;
    assert_eq!(server.size().await, size);
    let mut resumed = Reader::open(&server, behind(&token)).await.unwrap();
    if (got.len() as u64) < size {
        got.extend(resumed.reach(size - 1).await);
    }
    assert_eq!(positions(&got), (0..size).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn writes_under_way_are_answered_while_the_server_drains_and_reach_the_resumed_stream() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    let begin = server.size().await;
    let mut reader = Reader::open(&server, from_now_on()).await.unwrap();
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let mut models = server.models();
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for number in 0.. {
                    let request = crate::support::create_model(&format!("m-{writer}-{number}"));
                    let Ok(answer) = models.create_model(request).await else { return answered };
                    answered.push(answer.into_inner().audit_position);
                }
                answered
            })
        })
        .collect();
    let mut got = reader.batch().await;
    server.drain();
    let (events, end, _) = reader.rest().await;
    got.extend(events);
    let token = end.unwrap().1;
    let mut answered = Vec::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }
    drop(reader);
    server.stop().await;

    let server = TestServer::start_in(dir.path()).await;
    let size = server.size().await;
    let mut resumed = Reader::open(&server, behind(&token)).await.unwrap();
    if begin + (got.len() as u64) < size {
        got.extend(resumed.reach(size - 1).await);
    }
    assert_eq!(positions(&got), (begin..size).collect::<Vec<_>>());
    assert!(answered.iter().all(|position| *position < size), "an answered write is lost");
    server.stop().await;
}
