//! Stores that lost events although whatever keeps them noticed nothing.

use crate::{
    ask::Ask,
    engines::{LOG, copy_of, remove_events},
    support::{TestServer, create_model},
};
use std::sync::Arc;
use steward_registry::{
    registry::{Registry, environment::Environment},
    store::{engine::Engine, memory::MemoryEngine},
};

/// The log of three models, without the event at a position.
async fn without(position: u64) -> Arc<MemoryEngine> {
    let whole: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let server = TestServer::over(whole.clone()).await;
    for model in ["a", "b", "c"] {
        Ask::from(create_model(model)).send(&server.channel).await.unwrap();
    }
    server.stop().await;
    let copy = copy_of(&*whole, &[LOG]).await;
    remove_events(&*copy, position..position + 1).await;
    copy
}

#[tokio::test]
async fn a_log_without_its_first_or_newest_event_is_refused_at_start() {
    for (position, expected) in
        [(0, "the first event of namespace default is missing"), (3, "position 3 is missing")]
    {
        let refused =
            Registry::open(without(position).await, Environment::system()).await.err().unwrap().to_string();
        assert!(refused.contains(expected), "{refused}");
        assert!(refused.contains("restore a backup, or rebuild it from an export"), "{refused}");
    }
}
