//! Secrets of keys that are missing: nobody else's signature takes their place unnoticed, and an
//! operator has a way on.

use super::{checkpoint, grow, keys, steward, verified};
use crate::support::{NAMESPACE, TestServer};
use std::{
    fs,
    path::{Path, PathBuf},
};
use steward_registry::{audit::key::VerifierKey, proto::v1};
use tonic::{Code, Status};

async fn refused(server: &TestServer) -> Status {
    let request = v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    server.checkpoints().get_checkpoint(request).await.unwrap_err()
}

/// The directory of the log's keys.
fn key_dir(data: &Path) -> PathBuf {
    let mut found: Vec<_> = fs::read_dir(data.join("keys")).unwrap().collect();
    found.pop().unwrap().unwrap().path()
}

fn file_of(data: &Path, key: &VerifierKey) -> PathBuf {
    key_dir(data).join(format!("{}.key", key.id()))
}

async fn rotate(server: &TestServer) -> String {
    let arguments = ["audit", "rotate-key", "--reason", "the disk with the keys is gone"];
    steward(server, &arguments).await.unwrap()
}

async fn listed(server: &TestServer) -> Vec<(String, bool)> {
    let request = v1::GetNamespaceRequest { name: NAMESPACE.to_owned(), ..Default::default() };
    let namespace = server.namespaces().get_namespace(request).await.unwrap().into_inner();
    namespace.checkpoint_keys.into_iter().map(|key| (key.key, key.retire_time.is_some())).collect()
}

fn says_what_to_do(refused: &Status) {
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    for part in ["restore the directory of keys", "steward audit rotate-key --namespace default --reason"] {
        assert!(refused.message().contains(part), "{refused}");
    }
}

#[tokio::test]
async fn a_lost_directory_of_keys_is_noticed_and_a_rotated_key_signs_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    grow(&server, 4).await;
    let before = checkpoint(&server, 4).await;
    fs::remove_dir_all(dir.path().join("keys")).unwrap();
    says_what_to_do(&refused(&server).await);
    server.stop().await;
    let server = TestServer::start_in(dir.path()).await;
    says_what_to_do(&refused(&server).await);
    let complaint = steward(&server, &["audit", "key"]).await.unwrap_err();
    assert!(complaint.contains("rotate-key --namespace default"), "{complaint}");
    let dry = ["audit", "rotate-key", "--reason", "to see", "--dry-run"];
    steward(&server, &dry).await.unwrap();
    says_what_to_do(&refused(&server).await);
    assert!(!dir.path().join("keys").exists(), "a key was made although nobody asked for one");

    rotate(&server).await;
    let after = checkpoint(&server, 5).await;
    let [new] = keys(&after).try_into().unwrap();
    assert_ne!(new, keys(&before)[0]);
    verified(&after, std::slice::from_ref(&new));
    assert_eq!(listed(&server).await, [(new.to_string(), false)], "the old one is not said to sign");
    server.stop().await;
    let server = TestServer::start_in(dir.path()).await;
    assert_eq!(checkpoint(&server, 0).await.verifier_keys, [new.to_string()]);
    server.stop().await;
}

#[tokio::test]
async fn after_a_loss_the_new_key_verifies_and_the_old_one_is_told_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    grow(&server, 4).await;
    let before = checkpoint(&server, 4).await;
    let earlier = dir.path().join("earlier");
    fs::write(&earlier, &before.note).unwrap();
    fs::remove_dir_all(dir.path().join("keys")).unwrap();
    rotate(&server).await;
    let (old, new) = (&before.verifier_keys[0], &checkpoint(&server, 5).await.verifier_keys[0]);

    let verify = async |more: &[&str]| steward(&server, &[&["audit", "verify"], more].concat()).await;
    assert!(verify(&["--key", new]).await.unwrap().contains("has signed it."));
    let told = verify(&["--key", old]).await.unwrap_err();
    let id = new.parse::<VerifierKey>().unwrap().id().to_string();
    for part in [id.as_str(), "CheckpointKeyRotated", "told by somebody you trust"] {
        assert!(told.contains(part), "{told}");
    }
    // What the old key signed is still vouched for by it.
    let earlier = earlier.to_str().unwrap();
    verify(&["--key", old, "--key", new, "--earlier", earlier]).await.unwrap();
    verify(&["--key", new, "--earlier", earlier]).await.unwrap_err();
    let said = steward(&server, &["audit", "list"]).await.unwrap();
    assert!(said.contains("CheckpointKeyRotated"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn another_first_key_in_place_of_the_lost_one_signs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    grow(&server, 4).await;
    checkpoint(&server, 4).await;
    let first = key_dir(dir.path()).join("first.key");
    let right = fs::read(&first).unwrap();
    fs::write(&first, format!("{}\n", "5a".repeat(32))).unwrap();
    says_what_to_do(&refused(&server).await);
    fs::write(&first, right).unwrap();
    checkpoint(&server, 0).await;
    server.stop().await;
}

#[tokio::test]
async fn without_an_older_key_that_is_to_sign_beside_it_the_newest_signs_alone() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    let [first] = keys(&checkpoint(&server, 0).await).try_into().unwrap();
    rotate(&server).await;
    let both = checkpoint(&server, 2).await;
    let [old, new] = keys(&both).try_into().unwrap();
    assert_eq!(old, first);

    let (kept, away) = (key_dir(dir.path()).join("first.key"), dir.path().join("away"));
    fs::rename(&kept, &away).unwrap();
    grow(&server, 3).await;
    let alone = checkpoint(&server, 3).await;
    assert_eq!((keys(&alone), alone.note.matches('\u{2014}').count()), (vec![new.clone()], 1));
    verified(&alone, std::slice::from_ref(&new));
    fs::rename(&away, &kept).unwrap();
    grow(&server, 4).await;
    assert_eq!(checkpoint(&server, 4).await.verifier_keys, both.verifier_keys, "it is back");

    // Another rotation names only keys that can sign.
    fs::remove_file(&kept).unwrap();
    rotate(&server).await;
    let [kept, newest] = keys(&checkpoint(&server, 5).await).try_into().unwrap();
    assert_eq!(kept, new);
    assert_eq!(listed(&server).await, [(new.to_string(), true), (newest.to_string(), false)]);
    server.stop().await;
}

#[tokio::test]
async fn older_keys_do_not_sign_without_the_newest_but_vouch_for_the_one_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    checkpoint(&server, 0).await;
    rotate(&server).await;
    let [old, lost] = keys(&checkpoint(&server, 2).await).try_into().unwrap();
    fs::remove_file(file_of(dir.path(), &lost)).unwrap();
    says_what_to_do(&refused(&server).await);
    rotate(&server).await;
    let after = checkpoint(&server, 3).await;
    let [first, newest] = keys(&after).try_into().unwrap();
    assert_eq!(first, old);
    assert_ne!(newest, lost);
    verified(&after, &[old]);
    server.stop().await;
}
