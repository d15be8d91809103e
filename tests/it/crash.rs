//! The real binary, killed under load: what was answered is there, once.

mod load;
mod process;

use crate::{
    replay::answers::{At, about, head, names},
    stream::reader::export_over,
    support::{NAMESPACE, create_model, create_version},
};
use load::{Follower, Ledger, SHARED, events_of, write};
use process::{Process, export_and_rebuild};
use std::{
    collections::HashMap,
    fs,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    sync::Arc,
};
use steward_registry::{
    audit::merkle::{Frontier, leaf_hash},
    proto::v1::{AuditEvent, AuditHead},
};
use tonic::transport::Channel;

const WRITERS: usize = 16;

/// Deaths; the environment may ask for more.
fn rounds() -> usize {
    std::env::var("STEWARD_TEST_KILLS").map_or(5, |text| text.parse().unwrap())
}

/// When to kill, in answered requests: another moment in each run.
fn moment(round: usize) -> usize {
    20 + usize::try_from(RandomState::new().hash_one(round) % 400).unwrap()
}

/// How many events each request id has made.
fn by_request(events: &[AuditEvent]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for event in events {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        if let Some(id) = leaf["data"]["request"]["id"].as_str() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// The log is dense (the export sees to that) and its leaves give the root.
async fn whole_log(channel: &Channel) -> (Vec<AuditEvent>, AuditHead) {
    let (events, head) = (export_over(channel).await, head(channel, NAMESPACE).await);
    let mut tree = Frontier::empty();
    for event in &events {
        tree.append(leaf_hash(&event.leaf));
    }
    assert_eq!((tree.size(), tree.root().as_slice()), (head.size, head.root_hash.as_slice()));
    (events, head)
}

/// Kills the server while everybody writes and one follows.
async fn die_under_load(server: Process, round: usize, follower: Follower) -> (Ledger, Follower) {
    let ledger = Arc::new(Ledger::default());
    let following = tokio::spawn(follower.follow(server.connect().await, None));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (channel, ledger) = (server.connect().await, ledger.clone());
        let word = format!("r{round}-w{writer}");
        writers.push(tokio::spawn(async move { write(channel, word, &ledger).await }));
    }
    ledger.reached(moment(round)).await;
    server.kill().await;
    for writer in writers {
        writer.await.unwrap();
    }
    let follower = following.await.unwrap();
    (Arc::into_inner(ledger).unwrap(), follower)
}

/// What was answered is in the log as it was answered; what was left open is
/// there once after a repeat, whether it was there before or not.
async fn settle(server: &Process, ledger: Ledger) {
    let (before, _) = whole_log(&server.channel).await;
    let counts = by_request(&before);
    let id = |ask: &crate::ask::Ask| ask.request_id().to_owned();
    let answered = ledger.answered.into_inner().unwrap();
    for (ask, answer) in &answered {
        assert_eq!(counts.get(&id(ask)), Some(&events_of(ask)), "an answered write is lost or repeated");
        assert_eq!(&ask.send(&server.channel).await.unwrap(), answer);
    }
    let open = ledger.open.into_inner().unwrap();
    for ask in &open {
        let there = counts.get(&id(ask)).copied().unwrap_or_default();
        assert!([0, events_of(ask)].contains(&there), "a mutation was torn");
        let answer = ask.send(&server.channel).await.unwrap();
        assert_eq!(ask.send(&server.channel).await.unwrap(), answer);
    }
    let (after, _) = whole_log(&server.channel).await;
    assert_eq!(after[..before.len()], before);
    let counts = by_request(&after);
    assert!(open.iter().all(|ask| counts[&id(ask)] == events_of(ask)));
    let known = answered.iter().map(|(ask, _)| ask).chain(&open).map(events_of).sum::<usize>();
    let round: usize = counts.iter().filter(|(id, _)| id.starts_with(&round_of(&open))).map(|(_, n)| n).sum();
    assert_eq!(round, known, "something was written that nobody asked for");
}

/// What the ids of a round's requests begin with.
fn round_of(open: &[crate::ask::Ask]) -> String {
    let id = open[0].request_id();
    format!("{}-", id.split('-').next().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_has_every_answered_write_once_and_its_subscribers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::start(dir.path()).await.unwrap();
    crate::ask::Ask::from(create_model(SHARED)).send(&server.channel).await.unwrap();
    crate::ask::Ask::from(create_version(SHARED)).send(&server.channel).await.unwrap();
    let mut follower = Follower::default();
    for round in 0..rounds() {
        let ledger;
        (ledger, follower) = die_under_load(server, round, follower).await;
        server = Process::start(dir.path()).await.unwrap();
        let got = follower.events.len();
        settle(&server, ledger).await;
        let (log, head) = whole_log(&server.channel).await;
        assert_eq!(follower.events, log[..got], "only what is durable was delivered");
        follower = follower.follow(server.connect().await, Some(head.size)).await;
        assert_eq!(follower.events, log);
    }
    the_rebuilt_store_answers_the_same(&server).await;
    server.stop().await;
}

async fn the_rebuilt_store_answers_the_same(server: &Process) {
    let dir = tempfile::tempdir().unwrap();
    let rebuilt = dir.path().join("rebuilt");
    let (events, head) = whole_log(&server.channel).await;
    let said = export_and_rebuild(&server.url, &rebuilt).await;
    assert!(said.contains(&hex::encode(&head.root_hash)), "{said}");
    let replica = Process::start(&rebuilt).await.unwrap();
    assert_eq!(whole_log(&replica.channel).await, (events.clone(), head));
    // Some hundred resources, spread over the log.
    let names = names(&events).into_iter().step_by(events.len() / 100 + 1).collect();
    let moments = [At::Position(3), At::Position(events.len() as u64 / 2)];
    let (here, there) =
        (about(&server.channel, &names, &moments).await, about(&replica.channel, &names, &moments).await);
    assert_eq!(here, there);
    replica.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_refuses_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path()).await.unwrap();
    let said = Process::start(dir.path()).await.err().unwrap();
    assert!(said.contains("is in use by another process; stop that one first"), "{said}");
    crate::ask::Ask::from(create_model("m")).send(&first.channel).await.unwrap();
    first.stop().await;
    Process::start(dir.path()).await.unwrap().stop().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_whose_store_is_older_than_its_watermark_refuses_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let (store, backup) = (dir.path().join("store"), dir.path().join("backup"));
    let server = Process::start(&store).await.unwrap();
    crate::ask::Ask::from(create_model("m")).send(&server.channel).await.unwrap();
    server.stop().await;
    copy(&store, &backup);
    let server = Process::start(&store).await.unwrap();
    crate::ask::Ask::from(create_model("n")).send(&server.channel).await.unwrap();
    server.stop().await;
    // The backup comes back under the watermark of what was acknowledged.
    fs::copy(store.join("watermark.json"), backup.join("watermark.json")).unwrap();
    let said = Process::start(&backup).await.err().unwrap();
    assert!(said.contains("is older than what was already acknowledged"), "{said}");
    assert!(said.contains("it has 2 events, but 3 had been acknowledged"), "{said}");
    // As it says: if going back is intended, the note is removed.
    fs::remove_file(backup.join("watermark.json")).unwrap();
    Process::start(&backup).await.unwrap().stop().await;
}
