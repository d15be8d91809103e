//! Two servers over one engine, as a replicated one will be: whoever is second
//! catches up and decides again, and all changes stand in one order.

use super::{all_at_once, number, read};
use crate::{
    ask::Ask,
    engines::GatedEngine,
    stream::reader::export,
    support::{TestServer, create_version},
};
use std::sync::Arc;
use steward_registry::{proto::v1::Version, store::engine::Caps};

#[tokio::test]
async fn two_servers_over_one_replicated_engine_number_versions_in_one_order() {
    let caps = Caps { replicated: true, ..Caps::EMBEDDED };
    let mut engine = GatedEngine::default();
    engine.caps = caps;
    let engine = Arc::new(engine);
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
