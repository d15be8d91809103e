//! Two servers over one engine, as a replicated one will be: whoever is second
//! catches up and decides again, and all changes stand in one order.

use super::{all_at_once, number, read};
use crate::{
    ask::{Ask, describe_model},
    engines::GatedEngine,
    pipe::{Kept, Pipe, at_rest},
    stream::reader::export,
    support::{TestServer, create_model, create_version, model_name},
};
use prost::Message as _;
use std::sync::Arc;
use steward_registry::{
    proto::v1::{Model, UpdateModelRequest, Version},
    store::engine::Caps,
};
use tonic::Code;

fn replicated() -> Arc<GatedEngine> {
    let mut engine = GatedEngine::default();
    engine.caps = Caps { replicated: true, ..Caps::EMBEDDED };
    Arc::new(engine)
}

/// Changes the owner of a model and nothing else.
fn own(model: &str, owner: &str) -> Ask {
    let model = Model { name: model_name(model), owner: owner.to_owned(), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["owner".to_owned()] });
    UpdateModelRequest { model: Some(model), update_mask, ..Default::default() }.into()
}

#[tokio::test]
async fn two_servers_over_one_replicated_engine_number_versions_in_one_order() {
    let engine = replicated();
    let (one, two) = (TestServer::over(engine.clone()).await, TestServer::over(engine.clone()).await);
    one.model("m").await;
    let channels = [one.channel.clone(), two.channel.clone()];
    let asks: Vec<_> =
        (0..200).map(|i| Ask::from(create_version("m")).with_request_id(&format!("create-{i}"))).collect();
    let answers = all_at_once(&channels, asks.clone()).await;
    let created = read::<Version>(&answers);
    let mut numbers: Vec<u64> = created.iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());

    let size = one.size().await;
    assert_eq!(two.head().await, one.head().await);
    let other_way: Vec<_> = channels.iter().rev().cloned().collect();
    let again = read::<Version>(&all_at_once(&other_way, asks).await);
    assert_eq!(again, created, "the other server answers a repeat as the first one did");
    assert_eq!(one.size().await, size);
    // A feed hears of the other server's changes when its own committer does.
    one.model("last").await;
    assert_eq!(export(&one).await.len() as u64, size + 1);
    drop(channels);
    drop(other_way);
    one.stop().await;
    two.stop().await;
}

/// The same position, first in a batch that was overtaken, and then for good.
#[tokio::test(start_paused = true)]
async fn a_state_that_did_not_come_about_is_not_taken_for_the_one_that_did() {
    let engine = replicated();
    let one = Pipe::open(Kept::Memory(engine.clone()), Default::default()).await;
    let created = Ask::from(create_model("m")).send(&one.channel).await.unwrap();
    let etag = Model::decode(created.as_slice()).unwrap().etag;
    let two = Pipe::open(Kept::Memory(engine.past_the_gates()), Default::default()).await;
    let begin = |ask: Ask| {
        let channel = one.channel.clone();
        tokio::spawn(async move { ask.send(&channel).await })
    };
    engine.before.close();
    let overtaken = begin(describe_model("m", "overtaken", &etag));
    engine.before.reached().await;
    let behind = begin(own("m", "ada"));
    at_rest().await;
    // It is decided, over what is being written; the other server is faster.
    let first = describe_model("m", "first", &etag).send(&two.channel).await.unwrap();
    let first = Model::decode(first.as_slice()).unwrap();
    engine.before.open();
    assert_eq!(overtaken.await.unwrap().unwrap_err().code(), Code::Aborted);
    let behind = Model::decode(behind.await.unwrap().unwrap().as_slice()).unwrap();
    assert_eq!((behind.description.as_str(), behind.owner.as_str()), ("first", "ada"));
    assert_eq!(behind.audit_position, first.audit_position + 1);
}
