//! A witness that knows another history of a log stops its signing.

use super::{
    ended,
    node::{Node, TWO_OF_THREE, policy, three},
};
use crate::{
    damage::server::copy,
    support::{create_model, explain},
};
use std::{path::Path, sync::Arc};
use steward_registry::{
    proto::v1::Quorum,
    registry::witness::Round,
    server::Store,
    store::{
        beside::{Beside, Kept},
        memory::MemoryEngine,
    },
};
use tokio::process::Command;
use tonic::Code;

/// Says that it disagrees, wherever somebody asks for a checkpoint.
async fn refuses(node: &Node, expected: &str) {
    for refused in [node.plain().await.unwrap_err(), node.cosigned(0).await.unwrap_err()] {
        let (code, reason, _) = explain(&refused);
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "WITNESS_DISAGREES"), "{refused}");
        assert!(refused.message().contains(expected), "{refused}");
        assert!(refused.message().contains("steward audit new-epoch --namespace default"), "{refused}");
    }
    let (status, said) = node.served().await;
    assert!(status == 503 && said.contains(expected), "{status} {said}");
}

/// A witness is made to know another tree of so many events, while the log has eight.
async fn another_history(known: u64, expected: &str) {
    let witnesses = three().await;
    let (engine, beside) = (Arc::new(MemoryEngine::new()), Beside::in_memory());
    let text = policy(&witnesses, TWO_OF_THREE);
    let start = async |policy: &str| Node::over(engine.clone(), beside.clone(), policy).await;
    let node = start(&text).await;
    node.grow(8).await;
    assert_eq!(node.ask().await, Round::Cosigned(8));
    let right = witnesses[1].last();
    witnesses[1].remember((known, [7; 32]));
    assert_eq!(node.ask().await, Round::Disputed);
    refuses(&node, expected).await;
    assert!(node.plain().await.unwrap_err().message().contains("the witness south"));
    // Whoever waits for a checkpoint is told that the change was made.
    let mut request = tonic::Request::new(create_model("waits"));
    request.metadata_mut().insert("steward-wait-for-checkpoint", "true".parse().unwrap());
    let uncovered = node.server.models().create_model(request).await.unwrap_err();
    assert_eq!(explain(&uncovered).1, "NOT_COVERED_BY_CHECKPOINT", "{uncovered}");
    node.stop().await;

    // A restart signs nothing either, and asks nobody but the one that disagrees.
    let node = start(&text).await;
    refuses(&node, expected).await;
    drop(witnesses[0].asked());
    assert_eq!(node.ask().await, Round::Disputed);
    refuses(&node, expected).await;
    assert_eq!(witnesses[0].asked(), []);
    node.stop().await;

    // Whoever takes it out of the policy does not believe it.
    let others = "group most 2 north east\nquorum most\n";
    let node = start(&format!("{}{}{others}", witnesses[0].line(), witnesses[2].line())).await;
    assert_eq!(node.cosigned(8).await.unwrap().cosignatures.len(), 2);
    node.stop().await;

    // It agrees again, with a log that has what it knew; it is known by its key, not by its name here.
    witnesses[1].remember(right);
    let renamed = text.replace("witness south ", "witness sud ").replace(" south ", " sud ");
    let node = start(&renamed).await;
    node.grow(known).await;
    refuses(&node, expected).await;
    assert!(matches!(node.ask().await, Round::Open(_)), "the others were not asked");
    let kept = node.cosigned(8).await.unwrap();
    assert_eq!((kept.size, kept.cosignatures.len()), (8, 3));
    assert!(matches!(node.ask().await, Round::Cosigned(_)));
    assert_eq!(node.plain().await.unwrap().quorum(), Quorum::Reached);
    assert_eq!(beside.kept(Kept::Dispute, "default").unwrap(), None);
    node.stop().await;
}

#[tokio::test]
async fn a_witness_that_knows_another_tree_of_the_same_size_stops_the_signing_until_it_agrees() {
    another_history(8, "other first 8 events").await;
}

#[tokio::test]
async fn a_witness_that_knows_another_beginning_stops_the_signing_until_it_agrees() {
    another_history(5, "other first 5 events").await;
}

#[tokio::test]
async fn a_witness_that_knows_more_than_the_log_has_stops_the_signing_until_it_agrees() {
    another_history(40, "cosigned 40 events").await;
}

async fn on_disk(dir: &Path, policy: &str) -> (Node, Store) {
    let store = Store::open_sled(dir, 16 << 20).await.unwrap();
    let beside = Beside::on_disk(&dir.join("keys"), dir);
    (Node::over(store.engine(), beside, policy).await, store)
}

async fn close((node, store): (Node, Store)) {
    let Node { server, registry, .. } = node;
    server.stop().await;
    drop(registry);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_restored_copy_of_everything_is_found_by_a_witness_and_an_epoch_gives_the_loss_up() {
    let witnesses = three().await;
    let text = policy(&witnesses, TWO_OF_THREE);
    let temp = tempfile::tempdir().unwrap();
    let (dir, backup) = (temp.path().join("store"), temp.path().join("backup"));
    let running = on_disk(&dir, &text).await;
    running.0.grow(6).await;
    running.0.ask().await;
    let origin = running.0.plain().await.unwrap().origin;
    close(running).await;
    copy(&dir, &backup);
    let running = on_disk(&dir, &text).await;
    running.0.grow(20).await;
    running.0.ask().await;
    assert_eq!(running.0.cosigned(20).await.unwrap().size, 20);
    close(running).await;

    // Store, watermark, keys and checkpoints come back together: nothing here tells that they are old.
    std::fs::remove_dir_all(&dir).unwrap();
    copy(&backup, &dir);
    let running = on_disk(&dir, &text).await;
    assert_eq!(running.0.plain().await.unwrap().size, 6);
    assert_eq!(running.0.ask().await, Round::Disputed);
    refuses(&running.0, "has cosigned 20 events of the log of namespace default, which has 6").await;
    close(running).await;

    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["audit", "new-epoch", "--reason", "the disk failed", "--data-dir"]).arg(&dir);
    let said = ended(command).await.unwrap();
    assert!(said.contains("from 6 events; up to 20 were known (only a witness knows the root)"), "{said}");

    let running = on_disk(&dir, &text).await;
    assert_eq!(running.0.ask().await, Round::Cosigned(7));
    assert_eq!(running.0.cosigned(7).await.unwrap().origin, format!("{origin}/epochs/1"));
    close(running).await;
}
