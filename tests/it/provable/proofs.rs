//! Checkpoints and proofs over gRPC.

use super::{checkpoint, grow, keys, verified};
use crate::{
    engines::GatedEngine,
    support::{NAMESPACE, TestServer, create_model, explain},
};
use std::sync::Arc;
use steward_registry::{
    audit::{
        bundle::ProofBundle,
        merkle::leaf_hash,
        policy::Policy,
        proof::{verify_consistency, verify_inclusion},
    },
    proto::v1,
};
use tonic::Code;

#[tokio::test]
async fn a_checkpoint_states_what_is_durable_and_is_signed_by_the_key_of_the_log() {
    let server = TestServer::start().await;
    grow(&server, 3).await;
    let first = checkpoint(&server, 3).await;
    let head = server.head().await;
    assert_eq!((first.size, &first.root_hash), (head.size, &head.root_hash));
    assert_eq!(first.origin, format!("steward:logs/{}", head.log_id));
    verified(&first, &keys(&first));
    // Within a second the same one will do, unless somebody needs a newer one.
    grow(&server, 5).await;
    assert_eq!(checkpoint(&server, 0).await, first);
    assert_eq!(checkpoint(&server, 4).await.size, 5);
    grow(&server, 6).await;
    server.clock.advance(1_000_000);
    assert_eq!(checkpoint(&server, 0).await.size, 6);
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_signed_before_it_is_durable() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    grow(&server, 3).await;
    let durable = server.head().await;
    engine.before.close();
    let mut models = server.models();
    let write = tokio::spawn(async move { models.create_model(create_model("m")).await });
    engine.before.reached().await;
    let signed = checkpoint(&server, 0).await;
    assert_eq!((signed.size, &signed.root_hash), (3, &durable.root_hash));
    let request =
        v1::GetCheckpointRequest { parent: NAMESPACE.to_owned(), min_size: 4, ..Default::default() };
    let early = server.checkpoints().get_checkpoint(request).await.unwrap_err();
    assert_eq!(explain(&early).1, "POSITION_BEYOND_HEAD");
    engine.before.open();
    write.await.unwrap().unwrap();
    assert_eq!(checkpoint(&server, 4).await.size, 4);
    server.stop().await;
}

#[tokio::test]
async fn a_change_that_waits_for_it_is_covered_by_a_checkpoint_when_it_is_answered() {
    let server = TestServer::start().await;
    assert_eq!(checkpoint(&server, 0).await.size, 1);
    for (id, wait, covered) in [("hasty", "false", 1), ("patient", "true", 3)] {
        let mut request = tonic::Request::new(create_model(id));
        request.metadata_mut().insert("steward-wait-for-checkpoint", wait.parse().unwrap());
        server.models().create_model(request).await.unwrap();
        assert_eq!(checkpoint(&server, 0).await.size, covered, "{id}");
    }
    let mut request = tonic::Request::new(create_model("undecided"));
    request.metadata_mut().insert("steward-wait-for-checkpoint", "perhaps".parse().unwrap());
    let refused = server.models().create_model(request).await.unwrap_err();
    assert_eq!(explain(&refused).1, "INVALID_METADATA");
    server.stop().await;
}

#[tokio::test]
async fn every_event_is_proven_to_whoever_has_the_key_and_no_other_is() {
    let server = TestServer::start().await;
    grow(&server, 600).await;
    let policy = Policy::of_logs(keys(&checkpoint(&server, 600).await));
    for position in (0..600).step_by(37).chain([254, 255, 256, 511, 512, 599]) {
        let request = v1::GetProofBundleRequest { parent: NAMESPACE.to_owned(), position };
        let proof = server.checkpoints().get_proof_bundle(request).await.unwrap().into_inner();
        let bundle = ProofBundle::parse(proof.bundle.as_bytes()).unwrap();
        assert_eq!(bundle.index, position);
        bundle.verify(&proof.leaf, &policy).unwrap();
        let mut other = proof.leaf.clone();
        other[40] ^= 1;
        assert!(bundle.verify(&other, &policy).is_err());
        let request = v1::GetInclusionProofRequest { parent: NAMESPACE.to_owned(), position, tree_size: 0 };
        let inclusion = server.checkpoints().get_inclusion_proof(request).await.unwrap().into_inner();
        let hashes: Vec<[u8; 32]> =
            inclusion.hashes.iter().map(|hash| hash.as_slice().try_into().unwrap()).collect();
        let root = bundle.checkpoint.checkpoint().root();
        assert_eq!(inclusion.leaf_hash, leaf_hash(&proof.leaf));
        verify_inclusion(&leaf_hash(&proof.leaf), position, inclusion.tree_size, &hashes, root).unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_later_state_is_proven_to_contain_every_earlier_one() {
    let server = TestServer::start().await;
    let mut earlier = Vec::new();
    for size in [1, 2, 255, 256, 257, 300, 513] {
        grow(&server, size).await;
        earlier.push(checkpoint(&server, size).await);
    }
    let newest = earlier.last().unwrap().clone();
    for old in &earlier {
        let request = v1::GetConsistencyProofRequest {
            parent: NAMESPACE.to_owned(),
            old_size: old.size,
            ..Default::default()
        };
        let proof = server.checkpoints().get_consistency_proof(request).await.unwrap().into_inner();
        let hashes: Vec<[u8; 32]> =
            proof.hashes.iter().map(|hash| hash.as_slice().try_into().unwrap()).collect();
        let root = |checkpoint: &v1::Checkpoint| checkpoint.root_hash.as_slice().try_into().unwrap();
        let (before, after) = (root(old), root(&newest));
        verify_consistency(old.size, proof.new_size, &hashes, &before, &after).unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_proven() {
    let server = TestServer::start().await;
    grow(&server, 3).await;
    let parent = || NAMESPACE.to_owned();
    let mut checkpoints = server.checkpoints();
    let beyond = v1::GetCheckpointRequest { parent: parent(), min_size: 4, ..Default::default() };
    let refusals = [
        checkpoints.get_checkpoint(beyond).await.unwrap_err(),
        checkpoints
            .get_proof_bundle(v1::GetProofBundleRequest { parent: parent(), position: 3 })
            .await
            .unwrap_err(),
        checkpoints
            .get_inclusion_proof(v1::GetInclusionProofRequest { parent: parent(), position: 0, tree_size: 4 })
            .await
            .unwrap_err(),
        checkpoints
            .get_consistency_proof(v1::GetConsistencyProofRequest {
                parent: parent(),
                old_size: u64::MAX,
                new_size: 0,
            })
            .await
            .unwrap_err(),
    ];
    for refused in &refusals {
        let (code, reason, _) = explain(refused);
        assert_eq!((code, reason.as_str()), (Code::OutOfRange, "POSITION_BEYOND_HEAD"), "{refused}");
    }
    let small = v1::GetInclusionProofRequest { parent: parent(), position: 2, tree_size: 2 };
    let small = checkpoints.get_inclusion_proof(small).await.unwrap_err();
    assert_eq!(explain(&small).2, ["tree_size"]);
    let backwards = v1::GetConsistencyProofRequest { parent: parent(), old_size: 3, new_size: 2 };
    let backwards = checkpoints.get_consistency_proof(backwards).await.unwrap_err();
    assert_eq!(explain(&backwards).2, ["old_size"]);
    let nobody = v1::GetCheckpointRequest {
        parent: "namespaces/nobody".to_owned(),
        min_size: 0,
        ..Default::default()
    };
    assert_eq!(checkpoints.get_checkpoint(nobody).await.unwrap_err().code(), Code::NotFound);
    server.stop().await;
}
