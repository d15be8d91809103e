//! Durable subscriptions: every event at least once and in order, one reader a partition,
//! and an acknowledgement that never goes back.

mod forked;
mod kills;
mod partitions;
mod reader;
mod stalls;
mod takeovers;

use crate::{
    ask::subscribe,
    stream::reader::export,
    support::{NAMESPACE, TestServer, explain},
};
use reader::{Reader, acknowledge};
use steward_registry::proto::v1::{self, seek_subscription_request::Start};
use tonic::Code;

const NAME: &str = "namespaces/default/subscriptions/s";

async fn subscribed(server: &TestServer, subscription: v1::Subscription) -> v1::Subscription {
    let request = subscribe("s", subscription);
    server.subscriptions().create_subscription(request).await.unwrap().into_inner()
}

async fn get(server: &TestServer) -> v1::Subscription {
    let request = v1::GetSubscriptionRequest { name: NAME.to_owned(), read_at: None };
    server.subscriptions().get_subscription(request).await.unwrap().into_inner()
}

fn seek(start: Start) -> v1::SeekSubscriptionRequest {
    let reason = "once more".to_owned();
    v1::SeekSubscriptionRequest { name: NAME.to_owned(), start: Some(start), reason, ..Default::default() }
}

fn positions(events: &[v1::AuditEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn a_reader_gets_everything_behind_what_is_acknowledged_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    subscribed(&server, v1::Subscription::default()).await;
    for id in ["a", "b", "c"] {
        server.model(id).await;
    }
    let log = export(&server).await;
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert_eq!(reader.next_position, 0);
    assert_eq!(reader.until(4).await, log, "the exact bytes, from the beginning");
    acknowledge(&server.channel, NAME, 0, reader.generation, 2).await.unwrap();
    drop(reader);
    server.stop().await;

    let server = TestServer::start_in(dir.path()).await;
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert_eq!(reader.next_position, 3, "what was acknowledged is known");
    assert_eq!(reader.until(4).await, log[3..], "and what was delivered only comes again");
    let present = get(&server).await;
    assert_eq!((present.cursors[0].next_position, present.cursors[0].backlog_count), (3, 2));
    drop(reader);
    server.stop().await;
}

#[tokio::test]
async fn an_acknowledgement_is_cumulative_can_be_repeated_and_never_goes_back() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription::default()).await;
    for id in ["a", "b", "c"] {
        server.model(id).await;
    }
    let size = server.size().await;
    let reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    for (position, next) in [(3, 4), (3, 4), (0, 4), (2, 4), (4, 5), (1, 5)] {
        let answered = acknowledge(&server.channel, NAME, 0, reader.generation, position).await.unwrap();
        assert_eq!(answered, next, "{position}");
        assert_eq!(get(&server).await.cursors[0].next_position, next);
    }
    let beyond = acknowledge(&server.channel, NAME, 0, reader.generation, size).await.unwrap_err();
    assert_eq!(explain(&beyond), (Code::OutOfRange, "POSITION_BEYOND_HEAD".into(), vec![]));
    let elsewhere = acknowledge(&server.channel, NAME, 1, reader.generation, 1).await.unwrap_err();
    assert_eq!(
        explain(&elsewhere),
        (Code::InvalidArgument, "INVALID_FIELDS".into(), vec!["partition".into()])
    );
    assert_eq!(server.size().await, size, "no acknowledgement is an event");
    drop(reader);
    server.stop().await;
}

#[tokio::test]
async fn a_newer_reader_ends_the_older_at_once_and_its_acknowledgements_are_refused() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription::default()).await;
    let mut older = Reader::open(&server.channel, NAME, 0).await.unwrap();
    older.until(1).await;
    let newer = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert!(newer.generation > older.generation);
    let (code, reason, _) = explain(&older.end().await);
    assert_eq!((code, reason.as_str()), (Code::Aborted, "READER_FENCED"));
    let refused = acknowledge(&server.channel, NAME, 0, older.generation, 1).await.unwrap_err();
    assert_eq!(explain(&refused), (Code::FailedPrecondition, "READER_FENCED".into(), vec![]));
    assert_eq!(get(&server).await.cursors[0].next_position, 0);
    acknowledge(&server.channel, NAME, 0, newer.generation, 1).await.unwrap();
    drop((older, newer));
    server.stop().await;
}

#[tokio::test]
async fn an_operator_has_readers_go_on_elsewhere() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription::default()).await;
    server.model("a").await;
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    reader.until(2).await;
    acknowledge(&server.channel, NAME, 0, reader.generation, 2).await.unwrap();
    let mut request = seek(Start::StartPosition(1));
    request.validate_only = true;
    server.subscriptions().seek_subscription(request.clone()).await.unwrap();
    assert_eq!(get(&server).await.cursors[0].next_position, 3, "nothing was moved yet");
    request.validate_only = false;
    let sought = server.subscriptions().seek_subscription(request).await.unwrap().into_inner();
    assert_eq!((sought.start_position, sought.audit_position), (1, 3));
    assert_eq!(explain(&reader.end().await).1, "READER_FENCED");
    let refused = acknowledge(&server.channel, NAME, 0, reader.generation, 3).await.unwrap_err();
    assert_eq!(explain(&refused).1, "READER_FENCED");
    let mut again = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert_eq!(positions(&again.until(3).await), [1, 2, 3], "the event of the seek comes, too");
    let beyond = server.subscriptions().seek_subscription(seek(Start::StartPosition(99))).await.unwrap_err();
    assert_eq!(explain(&beyond).1, "POSITION_BEYOND_HEAD");
    drop((reader, again));
    server.stop().await;
}

#[tokio::test]
async fn a_filter_lets_only_matches_through_and_another_one_holds_from_the_cursor_on() {
    let server = TestServer::start().await;
    let only = |kind: &str| v1::AuditEventFilter { types: vec![kind.to_owned()], ..Default::default() };
    let wanted = v1::Subscription { filter: Some(only("ModelCreated")), ..Default::default() };
    subscribed(&server, wanted).await;
    server.model("a").await;
    server.version("a").await;
    server.model("b").await;
    server.version("b").await;
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert_eq!(positions(&reader.until(4).await), [2, 4]);
    assert_eq!(get(&server).await.cursors[0].backlog_count, 2, "what does not match does not wait");
    acknowledge(&server.channel, NAME, 0, reader.generation, 2).await.unwrap();
    let update = v1::UpdateSubscriptionRequest {
        subscription: Some(v1::Subscription {
            name: NAME.to_owned(),
            filter: Some(only("VersionCreated")),
            ..Default::default()
        }),
        ..Default::default()
    };
    server.subscriptions().update_subscription(update).await.unwrap();
    assert_eq!(explain(&reader.end().await).1, "READER_FENCED", "with the old filter nobody goes on");
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    assert_eq!(positions(&reader.until(5).await), [3, 5]);
    drop(reader);
    server.stop().await;
}

#[tokio::test]
async fn a_subscription_that_is_removed_ends_its_readers_and_one_of_the_same_name_begins_anew() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription::default()).await;
    let mut reader = Reader::open(&server.channel, NAME, 0).await.unwrap();
    reader.until(1).await;
    acknowledge(&server.channel, NAME, 0, reader.generation, 1).await.unwrap();
    let delete = v1::DeleteSubscriptionRequest {
        name: NAME.to_owned(),
        reason: "nobody reads it".to_owned(),
        ..Default::default()
    };
    server.subscriptions().delete_subscription(delete).await.unwrap();
    assert_eq!(explain(&reader.end().await), (Code::NotFound, "SUBSCRIPTION_NOT_FOUND".into(), vec![]));
    let gone = acknowledge(&server.channel, NAME, 0, reader.generation, 1).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    subscribed(&server, v1::Subscription::default()).await;
    assert_eq!(get(&server).await.cursors[0].next_position, 0, "its cursor was forgotten");
    let late = acknowledge(&server.channel, NAME, 0, reader.generation, 1).await.unwrap_err();
    assert_eq!(explain(&late).1, "READER_FENCED", "a reader of the one before is nobody here");
    drop(reader);
    server.stop().await;
}

#[tokio::test]
async fn a_subscription_says_what_is_wrong_with_it() {
    let server = TestServer::start().await;
    let wrong = v1::Subscription {
        partition_count: 65,
        stall_interval: Some(prost_types::Duration { seconds: 0, nanos: 0 }),
        filter: Some(v1::AuditEventFilter { types: vec!["Nonsense".to_owned()], ..Default::default() }),
        ..Default::default()
    };
    let refused = server.subscriptions().create_subscription(subscribe("s", wrong)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(explain(&refused).2, ["subscription.filter.types[0]"], "{refused:?}");
    let wrong = v1::Subscription { partition_count: 65, ..Default::default() };
    let refused = server.subscriptions().create_subscription(subscribe("s", wrong)).await.unwrap_err();
    assert_eq!(explain(&refused).2, ["subscription.partition_count"]);
    server.stop().await;
}

#[tokio::test]
async fn a_namespace_has_a_thousand_subscriptions_at_most() {
    let server = TestServer::start().await;
    let create = async |n: usize| {
        let request = subscribe(&format!("s{n}"), v1::Subscription::default());
        server.subscriptions().create_subscription(request).await
    };
    for n in 0..1_000 {
        create(n).await.unwrap();
    }
    let refused = create(1_000).await.unwrap_err();
    assert_eq!(explain(&refused).1, "TOO_MANY_SUBSCRIPTIONS", "{refused:?}");
    let request = v1::ListSubscriptionsRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    let page = server.subscriptions().list_subscriptions(request).await.unwrap().into_inner();
    assert_eq!((page.subscriptions.len(), page.next_page_token.is_empty()), (100, false));
    server.stop().await;
}
