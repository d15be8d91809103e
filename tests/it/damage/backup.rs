//! An older backup that is restored over a newer registry.

use super::server::{Server, copy, serve};
use crate::{
    ask::Ask,
    stream::reader::{Reader, behind, from_the_beginning},
    support::{create_model, explain},
};
use std::path::Path;
use tempfile::TempDir;
use tokio::process::Command;
use tonic::Code;

/// A server on `store` in a directory, with its watermark in `elsewhere`.
fn with_watermark_elsewhere(dir: &Path) -> Command {
    let mut command = serve(&[], &dir.join("store"));
    command.env("STEWARD_WATERMARK_DIR", dir.join("elsewhere"));
    command
}

async fn create(server: &Server, model: &str) {
    Ask::from(create_model(model)).send(&server.channel).await.unwrap();
}

/// Makes `store` newer than its copy `backup`; what a subscriber got last.
async fn registry_with_a_backup(command: impl Fn(&Path) -> Command) -> (TempDir, String) {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::run(command(temp.path())).await.unwrap();
    create(&server, "early").await;
    server.stop().await;
    copy(&temp.path().join("store"), &temp.path().join("backup"));
    let server = Server::run(command(temp.path())).await.unwrap();
    create(&server, "late").await;
    let mut reader = Reader::over(&server.channel, from_the_beginning()).await.unwrap();
    reader.reach(2).await;
    let token = reader.token.clone();
    drop(reader);
    server.stop().await;
    (temp, token)
}

fn restore(temp: &TempDir) {
    std::fs::remove_dir_all(temp.path().join("store")).unwrap();
    copy(&temp.path().join("backup"), &temp.path().join("store"));
}

#[tokio::test]
async fn a_restored_backup_is_refused_where_the_watermark_is_kept_elsewhere() {
    let (temp, _) = registry_with_a_backup(with_watermark_elsewhere).await;
    assert!(!temp.path().join("store/watermark.json").exists());
    restore(&temp);
    let said = Server::run(with_watermark_elsewhere(temp.path())).await.err().unwrap();
    assert!(said.contains("it has 2 events, but 3 had been acknowledged"), "{said}");
    assert!(said.contains("`steward audit new-epoch --namespace default` gives it up, on record"), "{said}");
}

#[tokio::test]
async fn what_was_noted_beside_the_store_holds_when_the_watermark_moves_elsewhere() {
    let beside = |dir: &Path| serve(&[], &dir.join("store"));
    let (temp, _) = registry_with_a_backup(beside).await;
    std::fs::copy(temp.path().join("store/watermark.json"), temp.path().join("backup/watermark.json"))
        .unwrap();
    restore(&temp);
    let said = Server::run(with_watermark_elsewhere(temp.path())).await.err().unwrap();
    assert!(said.contains("it has 2 events, but 3 had been acknowledged"), "{said}");
}

#[tokio::test]
async fn without_that_a_subscriber_who_is_ahead_of_a_restored_backup_is_told() {
    let beside = |dir: &Path| serve(&[], &dir.join("store"));
    let (temp, token) = registry_with_a_backup(beside).await;
    restore(&temp);
    let server = Server::run(beside(temp.path())).await.unwrap();
    // Whether the log is still shorter than what was delivered, or long again with other events.
    for other in ["", "other", "another"] {
        if !other.is_empty() {
            create(&server, other).await;
        }
        let refused = match Reader::over(&server.channel, behind(&token)).await {
            Ok(mut reader) => reader.message().await.unwrap_err(),
            Err(refused) => refused,
        };
        let (code, reason, _) = explain(&refused);
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "LOG_FORKED"), "{refused}");
    }
    server.stop().await;
}
