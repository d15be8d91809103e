//! CheckpointService.

use super::{
    answer,
    field::Fields,
    identity,
    namespace::{self, read_parent},
};
use crate::{
    domain::time::DAY,
    proto::v1::{self, checkpoint_service_server::CheckpointService},
    registry::{Registry, checkpoint::Signed, cosigned::Quorum},
};
use tonic::{Request, Response, Status};

/// Answers CheckpointService.
pub struct Checkpoints(pub Registry);

/// How long replaced keys go on to sign when the caller does not say, in microseconds.
const OVERLAP: i64 = 30 * DAY;
const MOST_OVERLAP: i64 = 366 * DAY;

#[tonic::async_trait]
impl CheckpointService for Checkpoints {
    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::Checkpoint>, Status> {
        let v1::GetCheckpointRequest { parent, min_size, require_quorum } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let signed = match require_quorum {
            true => self.0.cosigned_checkpoint(&namespace, min_size).await?,
            false => self.0.checkpoint(&namespace, min_size).await?,
        };
        Ok(answer(write(signed)))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::InclusionProof>, Status> {
        let v1::GetInclusionProofRequest { parent, position, tree_size } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let proof = self.0.prove_inclusion(&namespace, position, given(tree_size)).await?;
        Ok(answer(v1::InclusionProof {
            position,
            tree_size: proof.size,
            leaf_hash: proof.leaf_hash.to_vec(),
            hashes: proof.hashes.iter().map(|hash| hash.to_vec()).collect(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::ConsistencyProof>, Status> {
        let v1::GetConsistencyProofRequest { parent, old_size, new_size } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let (new_size, hashes) = self.0.prove_consistency(&namespace, old_size, given(new_size)).await?;
        let hashes = hashes.iter().map(|hash| hash.to_vec()).collect();
        Ok(answer(v1::ConsistencyProof { old_size, new_size, hashes }))
    }

    async fn get_proof_bundle(
        &self,
        request: Request<v1::GetProofBundleRequest>,
    ) -> Result<Response<v1::ProofBundle>, Status> {
        let v1::GetProofBundleRequest { parent, position } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let (leaf, bundle) = self.0.proof_bundle(&namespace, position).await?;
        Ok(answer(v1::ProofBundle { leaf: leaf.to_vec(), bundle }))
    }

    async fn rotate_checkpoint_key(
        &self,
        request: Request<v1::RotateCheckpointKeyRequest>,
    ) -> Result<Response<v1::Namespace>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::RotateCheckpointKeyRequest { name, overlap, etag, request_id, validate_only, reason } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let overlap = read_overlap(&mut fields, overlap);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((name, overlap), call) = fields.all(name.zip(overlap).zip(call))?;
        Ok(answer(namespace::write(self.0.rotate_checkpoint_key(name, overlap, call).await?)))
    }
}

/// 0 stands for what was not given.
fn given(size: u64) -> Option<u64> {
    Some(size).filter(|size| *size > 0)
}

fn read_overlap(fields: &mut Fields, overlap: Option<prost_types::Duration>) -> Option<i64> {
    let Some(overlap) = overlap else { return Some(OVERLAP) };
    let micros =
        overlap.seconds.checked_mul(1_000_000).map(|seconds| seconds + i64::from(overlap.nanos / 1_000));
    let allowed = micros.filter(|micros| (0..=MOST_OVERLAP).contains(micros) && overlap.nanos >= 0);
    if allowed.is_none() {
        fields.refuse("overlap", "has to be 0 s to 366 days");
    }
    allowed
}

fn write(signed: Signed) -> v1::Checkpoint {
    let quorum = match signed.quorum {
        Quorum::NotRequired => v1::Quorum::NotRequired,
        Quorum::Open => v1::Quorum::Open,
        Quorum::Reached => v1::Quorum::Reached,
    };
    let cosignature = |(witness, time): (String, u64)| v1::Cosignature {
        witness,
        cosign_time: i64::try_from(time).ok().map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
    };
    let stated = signed.checkpoint.checkpoint();
    v1::Checkpoint {
        note: signed.checkpoint.to_string(),
        origin: stated.origin().to_owned(),
        size: stated.size(),
        root_hash: stated.root().to_vec(),
        verifier_keys: signed.keys,
        cosignatures: signed.cosigned.into_iter().map(cosignature).collect(),
        quorum: quorum.into(),
    }
}
