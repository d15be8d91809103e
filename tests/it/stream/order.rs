//! Order, no repeat, no loss: G1–G3.

use super::{
    list, populate,
    reader::{Reader, behind, export, from_the_beginning, in_batches_of, only, positions, up_to},
    write_one,
};
use crate::{
    engines::{LOG, copy_of},
    support::{NAMESPACE, TestServer},
};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use steward_registry::{
    audit::merkle::{Frontier, leaf_hash},
    proto::v1::{AuditEvent, AuditEventFilter, ListAuditEventsRequest},
    store::memory::MemoryEngine,
};

#[tokio::test]
async fn g1_events_come_in_the_order_of_their_positions() {
    let server = TestServer::start().await;
    populate(&server).await;
    let events = export(&server).await;
    assert!(events.len() > 30);
    assert!(events.is_sorted_by(|before, after| before.position < after.position));
    for event in &events {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        assert_eq!(leaf["sequence"], format!("{:020}", event.position));
        assert_eq!(
            (&leaf["type"], &leaf["subject"]),
            (&event.r#type.clone().into(), &event.subject.clone().into())
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_leaves_of_a_stream_give_the_root_of_the_head() {
    let server = TestServer::start().await;
    populate(&server).await;
    let mut tree = Frontier::empty();
    for event in export(&server).await {
        assert_eq!(
            leaf_hash(&event.leaf).as_slice(),
            Sha256::new().chain_update([0]).chain_update(&event.leaf).finalize().as_slice()
        );
        tree.append(leaf_hash(&event.leaf));
    }
    assert_eq!(tree.root().as_slice(), server.head().await.root_hash);
    server.stop().await;
}

#[tokio::test]
async fn g2_no_position_is_given_out_again_after_a_crash() {
    let engine = Arc::new(MemoryEngine::new());
    let server = TestServer::over(engine.clone()).await;
    for number in 0..3 {
        write_one(&server, &format!("m{number}")).await;
        let before = export(&server).await;
        // What is there, without an end that was made well.
        let restarted = TestServer::over(copy_of(&*engine, &[LOG]).await).await;
        assert_eq!(write_one(&restarted, "later").await, before.len() as u64);
        let after = export(&restarted).await;
        assert_eq!(after[..before.len()], before);
        restarted.stop().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn g2_no_position_comes_twice_over_a_chain_of_resumes_cut_everywhere() {
    let server = TestServer::start().await;
    populate(&server).await;
    let all = export(&server).await;
    // A stream that is cut behind every single message.
    let (mut got, mut request) = (Vec::new(), from_the_beginning());
    while got.len() < all.len() {
        let mut reader = Reader::open(&server, in_batches_of(1, request)).await.unwrap();
        got.extend(reader.batch().await);
        request = behind(&reader.token);
    }
    assert_eq!(got, all);
    server.stop().await;
}

#[tokio::test]
async fn g2_no_position_comes_twice_over_two_streams_wherever_the_first_is_cut() {
    let server = TestServer::start().await;
    populate(&server).await;
    let all = export(&server).await;
    let newest = all.len() as u64 - 1;
    let (mut cut, mut got) = (0, Vec::new());
    while got.len() < all.len() {
        cut += 1;
        let mut first = Reader::open(&server, in_batches_of(1, from_the_beginning())).await.unwrap();
        got.clear();
        for _ in 0..cut {
            got.extend(first.batch().await);
        }
        let second = up_to(newest, behind(&first.token));
        let (rest, _, status) = Reader::open(&server, second).await.unwrap().rest().await;
        status.unwrap();
        assert_eq!([got.as_slice(), &rest].concat(), all, "cut behind {cut} batches");
    }
    server.stop().await;
}

#[tokio::test]
async fn g3_positions_are_consecutive_without_a_filter_in_batches_of_any_size() {
    let server = TestServer::start().await;
    populate(&server).await;
    let all = export(&server).await;
    for size in [1, 2, 3, 7, 1_000] {
        let request = in_batches_of(size, up_to(all.len() as u64 - 1, from_the_beginning()));
        let (events, ..) = Reader::open(&server, request).await.unwrap().rest().await;
        assert_eq!(events, all, "batches of {size}");
    }
    server.stop().await;
}

fn filter(types: &[&str], resource_prefixes: &[&str], actors: &[&str]) -> AuditEventFilter {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    AuditEventFilter {
        types: owned(types),
        resource_prefixes: owned(resource_prefixes),
        actors: owned(actors),
    }
}

/// What a filter should let through, said once more in plain words.
fn wanted(filter: &AuditEventFilter, event: &AuditEvent) -> bool {
    let kind = filter.types.iter().any(|kind| event.r#type.ends_with(kind.trim_start_matches("steward.v1.")));
    let spelled =
        |prefix: &String| prefix.replace("donor chatbot", "donor%20chatbot").replace("Zürich", "Z%C3%BCrich");
    let below = |prefix: &String| {
        let prefix = spelled(prefix);
        event.subject == prefix || event.subject.starts_with(&format!("{prefix}/"))
    };
    (filter.types.is_empty() || kind)
        && (filter.resource_prefixes.is_empty() || filter.resource_prefixes.iter().any(below))
        && (filter.actors.is_empty() || filter.actors.contains(&event.actor))
}

fn filters() -> Vec<(AuditEventFilter, usize)> {
    let models = "namespaces/default/models";
    let path = |rest: &str| format!("{models}/{rest}");
    vec![
        (filter(&["steward.v1.VersionApproved"], &[], &[]), 1),
        (filter(&["EvaluationRecorded", "AliasSet"], &[], &[]), 12),
        (filter(&[], &["namespaces/default"], &[]), 38),
        (filter(&[], &[&path("m")], &[]), 23),
        (filter(&[], &[&path("mm")], &[]), 7),
        (filter(&[], &[&path("donor%20chatbot")], &[]), 5),
        (filter(&[], &[&path("donor chatbot")], &[]), 5),
        (filter(&[], &[&path("Zürich")], &[]), 2),
        (filter(&[], &[&path("Z%C3%BCrich")], &[]), 2),
        (filter(&[], &[&path("m/versions/2"), &path("mm/versions/1")], &[]), 9),
        (filter(&[], &[&path("m/versions/1/evaluations/named")], &[]), 1),
        (filter(&[], &[], &["Renée"]), 3),
        (filter(&["EvaluationRecorded"], &[&path("mm")], &["anonymous"]), 5),
        (filter(&["ModelCreated"], &[&path("mm")], &["nobody"]), 0),
        (filter(&[], &["namespaces/elsewhere"], &[]), 0),
    ]
}

#[tokio::test]
async fn g3_with_a_filter_exactly_the_matches_come() {
    let server = TestServer::start().await;
    populate(&server).await;
    let all = export(&server).await;
    for (filter, count) in filters() {
        let expected: Vec<_> = all.iter().filter(|event| wanted(&filter, event)).cloned().collect();
        assert_eq!(expected.len(), count, "{filter:?}");
        for size in [1, 4, 500] {
            let request = up_to(all.len() as u64 - 1, from_the_beginning());
            let request = in_batches_of(size, only(filter.clone(), request));
            let (events, end, status) = Reader::open(&server, request).await.unwrap().rest().await;
            status.unwrap();
            assert_eq!((positions(&events), end.is_some()), (positions(&expected), true), "{filter:?}");
        }
        for order_by in ["position", "position desc"] {
            let mut listed = list(
                &server,
                ListAuditEventsRequest {
                    parent: NAMESPACE.to_owned(),
                    filter: Some(filter.clone()),
                    page_size: 3,
                    order_by: order_by.to_owned(),
                    ..Default::default()
                },
            )
            .await;
            listed.sort_by_key(|event| event.position);
            assert_eq!(listed, expected, "{filter:?} {order_by}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn g3_a_filtered_stream_may_be_cut_everywhere_too() {
    let server = TestServer::start().await;
    populate(&server).await;
    let all = export(&server).await;
    let newest = all.len() as u64 - 1;
    let filter = filter(&["EvaluationRecorded"], &[], &[]);
    let expected: Vec<_> = all.iter().filter(|event| wanted(&filter, event)).cloned().collect();
    let (mut got, mut request) = (Vec::new(), from_the_beginning());
    while got.len() < expected.len() {
        let next = up_to(newest, in_batches_of(1, only(filter.clone(), request)));
        let mut reader = Reader::open(&server, next).await.unwrap();
        got.extend(reader.batch().await);
        request = behind(&reader.token);
    }
    assert_eq!(got, expected);
    server.stop().await;
}
