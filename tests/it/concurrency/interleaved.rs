//! Races made certain: one call is held between two of its reads while others
//! write what it has read already.

use crate::{
    ask::{Ask, deprecate, describe_model, set_alias},
    engines::GatedEngine,
    pipe::{Kept, Pipe, at_rest},
    support::{BEGIN, DAY, TestServer, create_model, explain, model_name, version_name},
};
use prost::Message as _;
use std::sync::Arc;
use steward_registry::proto::v1::{
    Alias, GetAliasRequest, Model, ResolveVersionRequest, resolve_version_request::Selector,
};
use tokio::task::JoinHandle;
use tonic::{Code, Status, transport::Channel};

/// First bytes of keys: the state of a model and that of a version.
const MODEL: u8 = b'm';
const VERSION: u8 = b'v';

async fn gated() -> (Arc<GatedEngine>, TestServer) {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    (engine, server)
}

fn begin(channel: &Channel, ask: &Ask) -> JoinHandle<Result<Vec<u8>, Status>> {
    let (ask, channel) = (ask.clone(), channel.clone());
    tokio::spawn(async move { ask.send(&channel).await })
}

/// Begins a call, and answers once it stands before the read of such a key.
async fn held_at(
    tag: u8,
    engine: &GatedEngine,
    server: &TestServer,
    ask: &Ask,
) -> JoinHandle<Result<Vec<u8>, Status>> {
    engine.hold_read(tag);
    let call = begin(&server.channel, ask);
    engine.reading.reached().await;
    call
}

#[tokio::test]
async fn a_repeat_that_sees_the_first_half_done_is_answered_and_not_refused() {
    let (engine, server) = gated().await;
    let ask = Ask::from(create_model("m")).with_request_id("id");
    // It has read that the request id is free, and will read that the model exists.
    let repeat = held_at(MODEL, &engine, &server, &ask).await;
    let first = ask.send(&server.channel).await.unwrap();
    engine.reading.open();
    assert_eq!(repeat.await.unwrap().unwrap(), first);
    server.stop().await;
}

#[tokio::test]
async fn a_change_that_read_at_two_moments_is_carried_out_when_nothing_it_read_has_changed() {
    let (engine, server) = gated().await;
    server.model("m").await;
    for _ in 0..2 {
        server.approved("m").await;
    }
    let first = set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    let etag = Alias::decode(first.as_slice()).unwrap().etag;
    // It has read the alias with this etag, and is held before it reads the version.
    let second = held_at(VERSION, &engine, &server, &set_alias("m", "production", 2, &etag)).await;
    server.model("unrelated").await;
    engine.reading.open();
    let second = Alias::decode(second.await.unwrap().unwrap().as_slice()).unwrap();
    assert_eq!(second.previous_version, version_name("m", 1));
    server.stop().await;
}

#[tokio::test]
async fn an_etag_that_was_right_when_it_was_read_loses_against_any_number_of_commits_since() {
    let (engine, server) = gated().await;
    server.model("m").await;
    for _ in 0..2 {
        server.approved("m").await;
    }
    let mut newest = set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    // The committer remembers what the last eight commits wrote: fewer, as many, more.
    for commits in [1, 7, 8, 9, 20] {
        let etag = Alias::decode(newest.as_slice()).unwrap().etag;
        let ask = set_alias("m", "production", 2, &etag);
        let late = held_at(VERSION, &engine, &server, &ask).await;
        newest = set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
        for other in 1..commits {
            server.model(&format!("other-{commits}-{other}")).await;
        }
        engine.reading.open();
        let told = explain(&late.await.unwrap().unwrap_err());
        assert_eq!((told.0, told.1.as_str()), (Code::Aborted, "ETAG_MISMATCH"), "{commits} commits");
    }
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_etag_that_loses_while_the_winner_is_being_written_is_aborted_when_that_is_durable() {
    let engine = Arc::new(GatedEngine::default());
    let pipe = Pipe::open(Kept::Memory(engine.clone()), Default::default()).await;
    let created = Ask::from(create_model("m")).send(&pipe.channel).await.unwrap();
    let etag = Model::decode(created.as_slice()).unwrap().etag;
    engine.before.close();
    let winner = begin(&pipe.channel, &describe_model("m", "winner", &etag));
    engine.before.reached().await;
    // It still reads the state before the winner's.
    let loser = begin(&pipe.channel, &describe_model("m", "loser", &etag));
    at_rest().await;
    assert!(!loser.is_finished(), "told of a state that may yet be lost");
    engine.before.open();
    assert_eq!(Model::decode(winner.await.unwrap().unwrap().as_slice()).unwrap().description, "winner");
    assert_eq!(loser.await.unwrap().unwrap_err().code(), Code::Aborted);
}

#[tokio::test]
async fn an_alias_that_moves_while_it_is_resolved_leads_to_a_version_as_it_was_meanwhile() {
    let (engine, server) = gated().await;
    server.model("m").await;
    for _ in 0..2 {
        server.approved("m").await;
    }
    set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    let (mut versions, model) = (server.versions(), model_name("m"));
    let selector = Some(Selector::Alias("production".to_owned()));
    let request = ResolveVersionRequest { model, selector, ..Default::default() };
    engine.hold_read(VERSION);
    let resolved = tokio::spawn(async move { versions.resolve_version(request).await });
    engine.reading.reached().await;
    // It has read that version 1 is meant, which is in use as long as it is.
    for ask in [
        set_alias("m", "production", 2, ""),
        deprecate(&version_name("m", 1), "out of use", BEGIN + 400 * DAY),
    ] {
        ask.send(&server.channel).await.unwrap();
    }
    engine.reading.open();
    let resolved = resolved.await.unwrap().unwrap().into_inner();
    assert_eq!(resolved.version.unwrap().name, version_name("m", 2));
    server.stop().await;
}

#[tokio::test]
async fn where_an_alias_leads_is_never_older_than_what_was_read_before() {
    let (engine, server) = gated().await;
    server.model("m").await;
    for _ in 0..2 {
        server.approved("m").await;
    }
    set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    let resolve = async || {
        let selector = Some(Selector::Alias("production".to_owned()));
        let request = ResolveVersionRequest { model: model_name("m"), selector, ..Default::default() };
        server.versions().resolve_version(request).await.unwrap().into_inner().version.unwrap().name
    };
    assert_eq!(resolve().await, version_name("m", 1));
    engine.behind.close();
    let moved = begin(&server.channel, &set_alias("m", "production", 2, ""));
    engine.behind.reached().await;
    // It is durable and can be read, and nobody has been told of it yet.
    let name = format!("{}/aliases/production", model_name("m"));
    let alias = server.aliases().get_alias(GetAliasRequest { name, ..Default::default() }).await.unwrap();
    assert_eq!(alias.into_inner().version, version_name("m", 2));
    assert_eq!(resolve().await, version_name("m", 2));
    engine.behind.open();
    moved.await.unwrap().unwrap();
    assert_eq!(resolve().await, version_name("m", 2));
    set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    assert_eq!(resolve().await, version_name("m", 1));
    server.stop().await;
}
