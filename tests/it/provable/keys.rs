//! The keys that sign.

use super::{checkpoint, grow, keys, steward, verified};
use crate::support::{BEGIN, DAY, NAMESPACE, TestServer};
use steward_registry::proto::v1;

fn rotate(reason: &str) -> v1::RotateCheckpointKeyRequest {
    let overlap = Some(prost_types::Duration { seconds: 10 * 86_400, nanos: 0 });
    let (name, reason) = (NAMESPACE.to_owned(), reason.to_owned());
    v1::RotateCheckpointKeyRequest { name, reason, overlap, ..Default::default() }
}

#[tokio::test]
async fn a_key_is_rotated_with_overlap_and_the_log_says_so() {
    let server = TestServer::start().await;
    let first = checkpoint(&server, 0).await;
    let asked = v1::RotateCheckpointKeyRequest { validate_only: true, ..rotate("to see") };
    server.checkpoints().rotate_checkpoint_key(asked).await.unwrap();
    assert_eq!(checkpoint(&server, 0).await.verifier_keys, first.verifier_keys);

    let rotated = server.checkpoints().rotate_checkpoint_key(rotate("yearly")).await.unwrap().into_inner();
    let both = checkpoint(&server, 2).await;
    let [old, new] = keys(&both).try_into().unwrap();
    assert_eq!(old, keys(&first)[0]);
    verified(&both, std::slice::from_ref(&old));
    verified(&both, std::slice::from_ref(&new));
    let said: Vec<_> = rotated.checkpoint_keys.iter().map(|key| key.key.clone()).collect();
    assert_eq!(said, both.verifier_keys);
    let end = rotated.checkpoint_keys[0].retire_time.unwrap();
    assert!(
        end.seconds >= (BEGIN + 10 * DAY) / 1_000_000 && rotated.checkpoint_keys[1].retire_time.is_none()
    );

    server.clock.advance(11 * DAY);
    grow(&server, 3).await;
    let later = checkpoint(&server, 3).await;
    assert_eq!(keys(&later), [new]);
    assert_eq!(later.note.matches('\u{2014}').count(), 1, "{}", later.note);
    server.stop().await;
}

#[tokio::test]
async fn keys_and_checkpoints_survive_a_restart_and_nobody_else_may_read_a_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    grow(&server, 4).await;
    let before = checkpoint(&server, 4).await;
    server.stop().await;
    let folders: Vec<_> = std::fs::read_dir(dir.path().join("keys")).unwrap().collect();
    let files: Vec<_> = std::fs::read_dir(folders[0].as_ref().unwrap().path()).unwrap().collect();
    assert_eq!((folders.len(), files.len()), (1, 1));
    let key = files[0].as_ref().unwrap();
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(dir.path().join("default.checkpoint")).unwrap();
    assert_eq!(kept, before.note);

    let server = TestServer::start_in(dir.path()).await;
    let after = checkpoint(&server, 0).await;
    assert_eq!((after.size, &after.verifier_keys), (4, &before.verifier_keys));
    server.stop().await;

    // Without its key it reads and writes, but signs nothing, and takes no other key by itself.
    std::fs::remove_dir_all(dir.path().join("keys")).unwrap();
    let server = TestServer::start_in(dir.path()).await;
    grow(&server, 5).await;
    let request =
        v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), min_size: 5, ..Default::default() };
    let refused = server.checkpoints().get_checkpoint(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert!(refused.message().contains("restore the directory of keys"), "{refused}");
    assert!(!dir.path().join("keys").exists());
    server.stop().await;
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_kept_is_not_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    grow(&server, 2).await;
    // Nothing can be written where the next one is written first.
    let in_the_way = dir.path().join("default.checkpoint.new");
    std::fs::create_dir(&in_the_way).unwrap();
    let request =
        v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), min_size: 2, ..Default::default() };
    let refused = server.checkpoints().get_checkpoint(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert!(refused.message().contains("what is kept beside the store cannot be used"), "{refused}");
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(checkpoint(&server, 2).await.size, 2);
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_shows_keys_checkpoints_and_proofs() {
    let server = TestServer::start().await;
    grow(&server, 3).await;
    let key = steward(&server, &["audit", "key"]).await.unwrap();
    let note = steward(&server, &["audit", "checkpoint", "--min-size", "3"]).await.unwrap();
    let newest = checkpoint(&server, 3).await;
    assert_eq!((key.trim(), note), (newest.verifier_keys[0].as_str(), newest.note));
    let proof = steward(&server, &["audit", "prove", "#1"]).await.unwrap();
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"), "{proof}");
    let hashes = steward(&server, &["audit", "prove", "#1", "--tree-size", "3"]).await.unwrap();
    assert!(hashes.lines().count() == 2 && proof.contains(&hashes), "{hashes}");
    assert_eq!(steward(&server, &["audit", "consistency", "2"]).await.unwrap().lines().count(), 1);
    let arguments = ["audit", "rotate-key", "--overlap", "30 days", "--reason", "yearly"];
    let rotated = steward(&server, &arguments).await.unwrap();
    assert!(rotated.contains("Another key signs the log of namespace default."), "{rotated}");
    assert_eq!(steward(&server, &["audit", "key"]).await.unwrap().lines().count(), 2);
    let unexplained = steward(&server, &["audit", "rotate-key"]).await.unwrap_err();
    assert!(unexplained.contains("--reason <TEXT>"), "{unexplained}");
    server.stop().await;
}
