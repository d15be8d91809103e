//! A log that went back: nothing is signed, readers are told, and an operator decides.

use super::ended;
use crate::{
    damage::server::{Server, copy, serve},
    stream::reader::{Reader, behind, from_the_beginning},
    support::{NAMESPACE, create_model, explain},
};
use std::path::Path;
use steward_registry::{
    audit::checkpoint::SignedCheckpoint,
    proto::v1::{
        self, audit_service_client::AuditServiceClient, checkpoint_service_client::CheckpointServiceClient,
        model_service_client::ModelServiceClient, namespace_service_client::NamespaceServiceClient,
    },
};
use tokio::process::Command;
use tonic::Code;

async fn grow(server: &Server, count: usize, prefix: &str) {
    for index in 0..count {
        let model = create_model(&format!("{prefix}-{index}"));
        ModelServiceClient::new(server.channel.clone()).create_model(model).await.unwrap();
    }
}

async fn checkpoint(server: &Server, min_size: u64) -> v1::Checkpoint {
    let request = v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), min_size, ..Default::default() };
    let mut client = CheckpointServiceClient::new(server.channel.clone());
    client.get_checkpoint(request).await.unwrap().into_inner()
}

async fn size(server: &Server) -> u64 {
    let request = v1::GetAuditHeadRequest { parent: NAMESPACE.to_owned() };
    let mut client = AuditServiceClient::new(server.channel.clone());
    client.get_audit_head(request).await.unwrap().into_inner().size
}

async fn new_epoch(store: &Path, reason: &str) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["audit", "new-epoch", "--reason", reason, "--data-dir"]).arg(store);
    ended(command).await
}

/// How many events the restored backup lacks.
fn lost() -> usize {
    std::env::var("STEWARD_TEST_LOST").map_or(40, |text| text.parse().unwrap())
}

#[tokio::test]
async fn after_an_older_backup_nothing_is_signed_until_the_loss_is_on_record() {
    let temp = tempfile::tempdir().unwrap();
    let (store, backup) = (temp.path().join("store"), temp.path().join("backup"));
    let run = || Server::run(serve(&[], &store));
    let server = run().await.unwrap();
    grow(&server, 5, "early").await;
    server.stop().await;
    copy(&store, &backup);
    let server = run().await.unwrap();
    grow(&server, lost(), "late").await;
    let known = size(&server).await;
    let signed = checkpoint(&server, known).await;
    let mut reader = Reader::over(&server.channel, from_the_beginning()).await.unwrap();
    reader.reach(known - 1).await;
    let token = reader.token.clone();
    drop(reader);
    server.stop().await;

    // A restored store brings its old watermark with it; what was signed stands beside it.
    let kept = std::fs::read(store.join("default.checkpoint")).unwrap();
    std::fs::remove_dir_all(&store).unwrap();
    copy(&backup, &store);
    std::fs::write(store.join("default.checkpoint"), kept).unwrap();
    let refused = run().await.err().unwrap();
    assert!(refused.contains(&format!("has 6 events and not the {known} of its newest signed")), "{refused}");
    assert!(refused.contains("steward audit new-epoch --namespace default"), "{refused}");

    let unexplained = new_epoch(&store, " ").await.unwrap_err();
    assert!(unexplained.contains("not valid") || unexplained.contains("reason"), "{unexplained}");
    assert!(run().await.is_err(), "an epoch was opened without a reason");
    let said = new_epoch(&store, "the disk failed").await.unwrap();
    assert!(said.contains(&format!("goes on from 6 events; up to {known} were known")), "{said}");
    let nothing = new_epoch(&store, "again").await.unwrap_err();
    assert!(nothing.contains("has everything that was acknowledged or signed of it (7 events)"), "{nothing}");

    let server = run().await.unwrap();
    let anew = checkpoint(&server, 7).await;
    assert_eq!(anew.origin, format!("{}/epochs/1", signed.origin));
    assert_ne!(anew.verifier_keys, signed.verifier_keys);
    let trusted = [signed.verifier_keys[0].parse().unwrap()];
    assert!(SignedCheckpoint::parse(anew.note.as_bytes()).unwrap().verify(&trusted).is_err());
    let request = v1::GetNamespaceRequest { name: NAMESPACE.to_owned(), ..Default::default() };
    let mut namespaces = NamespaceServiceClient::new(server.channel.clone());
    let namespace = namespaces.get_namespace(request).await.unwrap().into_inner();
    let epoch = &namespace.epochs[0];
    assert_eq!((epoch.start_position, epoch.lost_size), (6, known));
    assert_eq!(epoch.lost_root, hex::encode(&signed.root_hash));

    // Old tokens are told, whether the log is still shorter or longer again.
    for more in [0, lost() + 5] {
        grow(&server, more, "again").await;
        let refused = match Reader::over(&server.channel, behind(&token)).await {
            Ok(mut reader) => reader.message().await.unwrap_err(),
            Err(refused) => refused,
        };
        let (code, reason, _) = explain(&refused);
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "LOG_FORKED"), "{refused}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_log_that_went_on_differently_is_refused_although_it_has_more_than_was_signed() {
    let temp = tempfile::tempdir().unwrap();
    let (store, backup) = (temp.path().join("store"), temp.path().join("backup"));
    let run = || Server::run(serve(&[], &store));
    let server = run().await.unwrap();
    grow(&server, 2, "early").await;
    server.stop().await;
    copy(&store, &backup);
    let server = run().await.unwrap();
    grow(&server, 2, "late").await;
    assert_eq!(checkpoint(&server, 5).await.size, 5);
    server.stop().await;
    let kept = std::fs::read(store.join("default.checkpoint")).unwrap();

    // What was signed comes back only when the log has grown beyond it, in another way.
    std::fs::remove_dir_all(&store).unwrap();
    copy(&backup, &store);
    let server = run().await.unwrap();
    grow(&server, 4, "other").await;
    server.stop().await;
    std::fs::write(store.join("default.checkpoint"), kept).unwrap();
    let refused = run().await.err().expect("another history was taken for the one that was signed");
    assert!(refused.contains("has 7 events and not the 5 of its newest signed checkpoint"), "{refused}");

    let said = new_epoch(&store, "an older backup was used").await.unwrap();
    assert!(said.contains("goes on from 7 events; up to 5 were known"), "{said}");
    let server = run().await.unwrap();
    assert!(checkpoint(&server, 8).await.origin.ends_with("/epochs/1"));
    server.stop().await;
}

#[tokio::test]
async fn the_watermark_alone_is_enough_to_open_an_epoch_and_a_rebuild_keeps_it() {
    let temp = tempfile::tempdir().unwrap();
    let (store, backup) = (temp.path().join("store"), temp.path().join("backup"));
    let run = || Server::run(serve(&[], &store));
    let server = run().await.unwrap();
    grow(&server, 2, "early").await;
    server.stop().await;
    copy(&store, &backup);
    let server = run().await.unwrap();
    grow(&server, 4, "late").await;
    server.stop().await;
    let noted = std::fs::read(store.join("watermark.json")).unwrap();
    std::fs::remove_dir_all(&store).unwrap();
    copy(&backup, &store);
    std::fs::write(store.join("watermark.json"), noted).unwrap();
    assert!(run().await.err().unwrap().contains("new-epoch"));
    let said = new_epoch(&store, "an older backup").await.unwrap();
    assert!(said.contains("goes on from 3 events; up to 7 were known"), "{said}");

    let server = run().await.unwrap();
    let origin = checkpoint(&server, 0).await.origin;
    let export = temp.path().join("log.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.env("STEWARD_SERVER", &server.url).args(["export", "--file"]).arg(&export);
    ended(command).await.unwrap();
    server.stop().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    let rebuilt = temp.path().join("rebuilt");
    command.args(["rebuild", "--data-dir"]).arg(&rebuilt).arg("--from").arg(&export);
    ended(command).await.unwrap();
    let server = Server::run(serve(&[], &rebuilt)).await.unwrap();
    assert_eq!(checkpoint(&server, 0).await.origin, origin);
    server.stop().await;
}
