//! What is kept of the directory, and that it is forgotten.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    domain::person::SALT,
    registry::environment::{Entropy as _, SystemEntropy},
    store::{
        engine::{Engine, Head, Write},
        memory::MemoryEngine,
    },
};
use std::sync::Arc;

struct World {
    engine: Arc<MemoryEngine>,
    store: Store,
    namespace: NamespaceId,
    ann: PersonEntry,
}

impl World {
    /// A log of one event, whose directory knows Ann.
    async fn new() -> Self {
        let engine = Arc::new(MemoryEngine::new());
        let namespace = NamespaceId::new("default").unwrap();
        let ann = PersonEntry { position: 0, salt: [1; SALT], text: "Ann".to_owned() };
        let world = World { store: (engine.clone() as Arc<dyn Engine>).into(), engine, namespace, ann };
        world.commit(None, Write::Put(world.key(), world.ann.encode()), 1).await;
        world
    }

    fn key(&self) -> Bytes {
        keys::person(&self.namespace, &self.ann.pseudonym())
    }

    async fn commit(&self, before: Option<&Head>, write: Write, size: u64) -> Head {
        let head = Head {
            log_id: [1; 16],
            epoch: 0,
            size,
            root: [0; 32],
            frontier: Vec::new(),
            batch_id: SystemEntropy.draw(),
            time: 0,
            previous_size: 0,
            previous_frontier: Vec::new(),
        };
        self.engine.commit("default", before, vec![write], head.clone()).await.unwrap();
        head
    }

    async fn erase(&self) {
        let head = self.engine.head("default").await.unwrap();
        self.commit(head.as_ref(), Write::Delete(self.key()), 2).await;
    }

    fn land(&self) {
        self.store.directory.land(&self.namespace, 2, &[self.key()]);
    }

    async fn shown(&self) -> String {
        let mut text = self.ann.pseudonym().to_string();
        self.store.reveal(&self.namespace, &mut text).await.unwrap();
        text
    }
}

#[tokio::test]
async fn whoever_is_erased_is_forgotten_when_the_batch_lands() {
    let world = World::new().await;
    assert_eq!(world.shown().await, "Ann");
    world.erase().await;
    world.land();
    assert_eq!(world.shown().await, world.ann.pseudonym().to_string());
}

#[tokio::test]
async fn what_was_read_before_an_erasure_is_not_kept_after_it() {
    let world = World::new().await;
    let read = world.engine.get("default", &[world.key()], 0).await.unwrap();
    world.erase().await;
    world.land();
    world.store.directory.keep(&world.namespace, read.seq, [world.key()].into_iter().zip(read.value));
    assert_eq!(world.shown().await, world.ann.pseudonym().to_string());
}

#[tokio::test]
async fn a_pseudonym_of_another_namespace_is_nobody_here() {
    let world = World::new().await;
    world.shown().await;
    let mut text = world.ann.pseudonym().to_string();
    world.store.reveal(&NamespaceId::new("other").unwrap(), &mut text).await.unwrap();
    assert_eq!(text, world.ann.pseudonym().to_string());
}
