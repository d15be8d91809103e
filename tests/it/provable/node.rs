//! A server with witnesses, which it asks when the test says so.

use super::{grow, witness::Witness};
use crate::support::{NAMESPACE, TestServer, environment};
use std::sync::Arc;
use steward_registry::{
    audit::checkpoint::SignedCheckpoint,
    domain::name::NamespaceId,
    outbound::witness::Witnesses,
    proto::v1,
    registry::{
        Registry, Setup,
        witness::{Post, Round},
    },
    store::{beside::Beside, engine::Engine, memory::MemoryEngine},
};
use tonic::Status;

pub const TWO_OF_THREE: &str = "group most 2 north south east\nquorum most\n";

pub async fn three() -> [Witness; 3] {
    [Witness::start("north", 1).await, Witness::start("south", 2).await, Witness::start("east", 3).await]
}

pub fn policy(witnesses: &[Witness], quorum: &str) -> String {
    witnesses.iter().map(Witness::line).collect::<String>() + quorum
}

/// A server that asks its witnesses when the test says so.
pub struct Node {
    pub server: TestServer,
    pub registry: Registry,
    post: Arc<dyn Post>,
}

impl Node {
    pub async fn start(policy: &str) -> Self {
        Self::over(Arc::new(MemoryEngine::new()), Beside::in_memory(), policy).await
    }

    pub async fn over(engine: Arc<dyn Engine>, beside: Beside, policy: &str) -> Self {
        let (clock, environment) = environment();
        let setup = Setup { beside, witnesses: Some(policy.parse().unwrap()), ..Setup::default() };
        let registry = Registry::open_with(engine, environment, setup).await.unwrap();
        let server = TestServer::of(registry.clone(), clock).await;
        Node { server, registry, post: Arc::new(Witnesses::new().unwrap()) }
    }

    pub async fn ask(&self) -> Round {
        let namespace = NamespaceId::new("default").unwrap();
        self.registry.ask_witnesses(&namespace, &self.post).await.unwrap()
    }

    pub async fn grow(&self, size: u64) {
        grow(&self.server, size).await;
        self.server.clock.advance(2_000_000);
    }

    pub async fn cosigned(&self, min_size: u64) -> Result<v1::Checkpoint, Status> {
        let parent = NAMESPACE.to_owned();
        let request = v1::GetCheckpointRequest { parent, min_size, require_quorum: true };
        self.server.checkpoints().get_checkpoint(request).await.map(tonic::Response::into_inner)
    }

    pub async fn plain(&self) -> Result<v1::Checkpoint, Status> {
        let request = v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
        self.server.checkpoints().get_checkpoint(request).await.map(tonic::Response::into_inner)
    }

    /// Status and body of `/checkpoint`.
    pub async fn served(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/checkpoint", self.server.address)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

pub fn names(checkpoint: &v1::Checkpoint) -> Vec<&str> {
    checkpoint.cosignatures.iter().map(|one| one.witness.as_str()).collect()
}

pub fn size(note: &str) -> u64 {
    SignedCheckpoint::parse(note.as_bytes()).unwrap().checkpoint().size()
}
