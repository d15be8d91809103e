//! What a log proves to somebody who has nothing but its public key: signed checkpoints,
//! proofs, the static files, and what happens when it goes back.

mod backup;
mod cosigned;
mod disputed;
mod files;
mod flips;
mod keys;
mod lost_keys;
mod node;
mod proofs;
mod verify;
mod witness;

use crate::support::{NAMESPACE, TestServer, create_model};
use steward_registry::{
    audit::{checkpoint::SignedCheckpoint, key::VerifierKey},
    proto::v1,
};
use tokio::process::Command;

/// Grows a log to a size.
async fn grow(server: &TestServer, size: u64) {
    let mut present = server.size().await;
    while present < size {
        let next = size.min(present + 64);
        let tasks = (present..next).map(|position| {
            let (mut models, id) = (server.models(), format!("model-{position}"));
            tokio::spawn(async move { models.create_model(create_model(&id)).await.unwrap() })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        present = next;
    }
}

async fn checkpoint(server: &TestServer, min_size: u64) -> v1::Checkpoint {
    let request = v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), min_size, ..Default::default() };
    server.checkpoints().get_checkpoint(request).await.unwrap().into_inner()
}

fn verified(checkpoint: &v1::Checkpoint, keys: &[VerifierKey]) -> SignedCheckpoint {
    let signed = SignedCheckpoint::parse(checkpoint.note.as_bytes()).unwrap();
    signed.verify(keys).unwrap();
    signed
}

fn keys(checkpoint: &v1::Checkpoint) -> Vec<VerifierKey> {
    checkpoint.verifier_keys.iter().map(|key| key.parse().unwrap()).collect()
}

/// Runs the command line against a server; what it prints, or what it complains of.
async fn steward(server: &TestServer, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.env("STEWARD_SERVER", format!("http://{}", server.address)).args(arguments);
    ended(command).await
}

async fn ended(mut command: Command) -> Result<String, String> {
    let output = command.output().await.unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}
