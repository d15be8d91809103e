//! `steward audit checkpoint | key | prove | rotate-key`: what proves the log to others.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use prost_types::Duration;

use super::{
    argument::{parse_length, parse_position},
    client::Session,
    error::Failure,
    file::write_whole,
    flags::{ChangeFlags, EtagFlag, NeededReason},
    name,
    output::{note, write},
    table::{Facts, time},
};
use crate::proto::v1::{
    Checkpoint, GetCheckpointRequest, GetConsistencyProofRequest, GetInclusionProofRequest,
    GetProofBundleRequest, RotateCheckpointKeyRequest,
};

/// Arguments of `steward audit checkpoint`.
#[derive(Args, Debug)]
pub struct CheckpointArgs {
    /// Fewest events that it has to cover
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    min_size: u64,

    /// The newest that enough witnesses have cosigned, by the server's policy
    #[arg(long)]
    require_quorum: bool,
}

/// Arguments of `steward audit prove`.
#[derive(Args, Debug)]
pub struct ProveArgs {
    /// Position of the event
    #[arg(value_name = "'#POSITION'", value_parser = parse_position)]
    position: u64,

    /// Write the proof to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,

    /// Write the event's exact bytes to this file
    #[arg(long, value_name = "FILE")]
    leaf: Option<PathBuf>,

    /// Print only the hashes that lead to the tree of this size, in base64, without a checkpoint
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["proof", "leaf"])]
    tree_size: Option<u64>,
}

/// Arguments of `steward audit consistency`.
#[derive(Args, Debug)]
pub struct ConsistencyArgs {
    /// How many events the earlier state has
    #[arg(value_name = "NUMBER")]
    old_size: u64,

    /// How many the later one has; those of the newest checkpoint when absent
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    tree_size: u64,
}

/// Arguments of `steward audit rotate-key`.
#[derive(Args, Debug)]
pub struct RotateArgs {
    /// How long the keys before it go on to sign, such as `30 days`; at most 366 days
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    overlap: Option<Duration>,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// A signed checkpoint over at least so many events; perhaps one that enough witnesses have cosigned.
pub async fn get(session: &Session, min_size: u64, require_quorum: bool) -> Result<Checkpoint, Failure> {
    let request = GetCheckpointRequest { parent: session.namespace().to_owned(), min_size, require_quorum };
    session.call(request, async |r| session.checkpoints().get_checkpoint(r).await).await
}

/// Prints a signed checkpoint as it is.
pub async fn checkpoint(session: &Session, args: CheckpointArgs) -> Result<(), Failure> {
    let checkpoint = get(session, args.min_size, args.require_quorum).await?;
    match session.output().is_json() {
        true => session.output().resource(&checkpoint, &Facts::new()),
        false => write(&checkpoint.note),
    }
}

/// Prints the keys that verify the log.
pub async fn key(session: &Session) -> Result<(), Failure> {
    let checkpoint = get(session, 0, false).await?;
    if session.output().is_json() {
        return session.output().resource(&checkpoint, &Facts::new());
    }
    checkpoint.verifier_keys.iter().try_for_each(|key| write(&format!("{key}\n")))
}

/// Prints the proof that the log contains an earlier state.
pub async fn consistency(session: &Session, args: ConsistencyArgs) -> Result<(), Failure> {
    let ConsistencyArgs { old_size, tree_size: new_size } = args;
    let request = GetConsistencyProofRequest { parent: session.namespace().to_owned(), old_size, new_size };
    let proof = session.call(request, async |r| session.checkpoints().get_consistency_proof(r).await).await?;
    match session.output().is_json() {
        true => session.output().resource(&proof, &Facts::new()),
        false => write_hashes(&proof.hashes),
    }
}

async fn inclusion(session: &Session, position: u64, tree_size: u64) -> Result<(), Failure> {
    let request = GetInclusionProofRequest { parent: session.namespace().to_owned(), position, tree_size };
    let proof = session.call(request, async |r| session.checkpoints().get_inclusion_proof(r).await).await?;
    match session.output().is_json() {
        true => session.output().resource(&proof, &Facts::new()),
        false => write_hashes(&proof.hashes),
    }
}

fn write_hashes(hashes: &[Vec<u8>]) -> Result<(), Failure> {
    hashes.iter().try_for_each(|hash| write(&format!("{}\n", STANDARD.encode(hash))))
}

/// Prints everything that proves one event.
pub async fn prove(session: &Session, args: ProveArgs) -> Result<(), Failure> {
    if let Some(size) = args.tree_size {
        return inclusion(session, args.position, size).await;
    }
    let request = GetProofBundleRequest { parent: session.namespace().to_owned(), position: args.position };
    let proof = session.call(request, async |r| session.checkpoints().get_proof_bundle(r).await).await?;
    if let Some(path) = &args.leaf {
        write_whole(path, &proof.leaf)?;
    }
    match &args.proof {
        Some(path) => write_whole(path, proof.bundle.as_bytes()),
        None if session.output().is_json() => session.output().resource(&proof, &Facts::new()),
        None => write(&proof.bundle),
    }
}

/// Has another key sign.
pub async fn rotate(session: &Session, args: RotateArgs) -> Result<(), Failure> {
    let request_id = args.change.request_id();
    let request = RotateCheckpointKeyRequest {
        name: session.namespace().to_owned(),
        overlap: args.overlap,
        etag: args.etag.etag,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
        reason: args.reason.reason,
    };
    let send = async |r| session.checkpoints().rotate_checkpoint_key(r).await;
    let namespace = session.change(&request_id, request, send).await?;
    let mut facts = Facts::new();
    for key in &namespace.checkpoint_keys {
        let until = match key.retire_time {
            Some(end) => format!("signs until {}", time(Some(end))),
            None => "signs".to_owned(),
        };
        facts = facts.add("Key", format!("{} ({until})", key.key));
    }
    let sentence = format!("Another key signs the log of namespace {}.", name::id(&namespace.name));
    session.output().changed(args.change.dry_run, &namespace, &sentence, &facts)?;
    if namespace.checkpoint_keys.len() == 1 {
        note(
            "No key before it is there any more, so nothing in the log vouches for this one: hand it to everybody who \
             verifies, and to the witnesses, on a way that is not this server.",
        );
    }
    if !args.change.dry_run {
        note("Tell everybody who verifies the log. The directory of keys has a new file: back it up.");
    }
    Ok(())
}
