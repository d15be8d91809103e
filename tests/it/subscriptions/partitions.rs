//! Partitions: each event in one of them, each resource's in its order.

use super::{Reader, get, subscribed};
use crate::{
    ask::one_of_each,
    stream::reader::export,
    support::{TestServer, create_model},
};
use std::collections::{BTreeMap, BTreeSet};
use steward_registry::{
    domain::subscription::partition::partition_of,
    proto::v1::{self, AuditEvent},
};

const PARTITIONS: i32 = 5;

/// A log of many models.
async fn populate(server: &TestServer) {
    for ask in one_of_each("first") {
        ask.send(&server.channel).await.unwrap();
    }
    for round in 0..3 {
        for id in 0..20 {
            if round == 0 {
                server.models().create_model(create_model(&format!("m{id}"))).await.unwrap();
            }
            server.version(&format!("m{id}")).await;
        }
    }
}

#[tokio::test]
async fn the_partitions_together_have_every_event_once_and_each_has_its_order() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription { partition_count: PARTITIONS, ..Default::default() }).await;
    populate(&server).await;
    let log = export(&server).await;
    let last = log.last().unwrap().position;
    let mut all: BTreeMap<u64, AuditEvent> = BTreeMap::new();
    let mut homes: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let mut reader = Reader::open(&server.channel, super::NAME, partition).await.unwrap();
        let events = reader.until(last).await;
        assert!(events.is_sorted_by_key(|event| event.position));
        assert!(!events.is_empty(), "{partition} has its part");
        for event in events {
            let model = event.subject.split('/').take(4).collect::<Vec<_>>().join("/");
            homes.entry(model).or_default().insert(partition);
            assert_eq!(partition_of(&event.subject, PARTITIONS as u32) as i32, partition);
            assert!(all.insert(event.position, event).is_none(), "an event came in two partitions");
        }
    }
    assert_eq!(all.into_values().collect::<Vec<_>>(), log, "and none is missing");
    let models = homes.iter().filter(|(name, _)| name.contains("/models/"));
    assert!(models.into_iter().all(|(_, partitions)| partitions.len() == 1), "{homes:?}");
    server.stop().await;
}

#[tokio::test]
async fn what_waits_is_counted_for_each_partition() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription { partition_count: PARTITIONS, ..Default::default() }).await;
    populate(&server).await;
    let log = export(&server).await;
    let waits = |partition: i32, from: u64| {
        let here = |event: &&AuditEvent| {
            event.position >= from && partition_of(&event.subject, PARTITIONS as u32) as i32 == partition
        };
        log.iter().filter(here).count() as i64
    };
    for cursor in get(&server).await.cursors {
        assert_eq!((cursor.backlog_count, cursor.backlog_complete), (waits(cursor.partition, 0), true));
    }
    let reader = Reader::open(&server.channel, super::NAME, 2).await.unwrap();
    super::acknowledge(&server.channel, super::NAME, 2, reader.generation, 40).await.unwrap();
    for cursor in get(&server).await.cursors {
        let from = if cursor.partition == 2 { 41 } else { 0 };
        assert_eq!(cursor.backlog_count, waits(cursor.partition, from), "{}", cursor.partition);
    }
    drop(reader);
    server.stop().await;
}
