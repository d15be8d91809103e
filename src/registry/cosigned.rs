//! What witnesses say of a log: which checkpoint enough of them have cosigned, and that one of
//! them knows another history of it.
//!
//! A copy of all that the server keeps, restored as a whole, agrees with itself. Only somebody
//! elsewhere who remembers a later state can tell that it is old. So a log that a witness
//! disagrees with signs nothing any more, until its operator has decided what is true.

use super::{
    Registry,
    checkpoint::{self, Signed},
    error::Error,
};
use crate::{
    audit::{
        checkpoint::SignedCheckpoint,
        key::VerifierKey,
        note::Signature,
        policy::{Party, Policy, PolicyError, Standing},
    },
    domain::{name::NamespaceId, time::Timestamp},
    store::{
        beside::{Beside, Kept},
        engine::Head,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tokio::sync::OwnedMutexGuard;

/// A checkpoint that may be given out.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) signed: SignedCheckpoint,
    pub(super) time: Timestamp,
}

/// What this process knows of the checkpoints of a log; held by one at a time.
#[derive(Default)]
pub(super) struct Turn {
    /// The newest.
    pub(super) published: Option<Published>,
    /// The one that witnesses are asked to cosign, with what they have.
    asked: Option<SignedCheckpoint>,
    /// The newest that enough witnesses have cosigned.
    accepted: Option<SignedCheckpoint>,
    /// That a witness knows another history.
    pub(super) dispute: Option<Dispute>,
    /// How many events each witness has cosigned last, by its name.
    pub(super) known: HashMap<String, u64>,
    /// Keys that the operator was told are missing.
    pub(super) lost_keys: Vec<String>,
    is_recalled: bool,
}

/// That a witness knows another history of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Which log.
    pub origin: String,
    /// The witness's name in the policy.
    pub witness: String,
    /// Its key.
    pub key: String,
    /// How many events it has cosigned.
    pub size: u64,
    /// How many the log had when it said so.
    pub present: u64,
}

impl Dispute {
    /// That a witness has cosigned so many events other than those under a checkpoint, or more than
    /// the log has.
    pub(super) fn new(of: &SignedCheckpoint, witness: &Party, size: u64, present: u64) -> Self {
        let origin = of.checkpoint().origin().to_owned();
        Dispute { origin, witness: witness.name.clone(), key: witness.key.to_string(), size, present }
    }

    /// Whether this witness has said so, whatever it is called now.
    pub(super) fn is_of(&self, witness: &Party) -> bool {
        witness.key.to_string() == self.key
    }

    /// What is wrong and what to do.
    pub fn sentence(&self, namespace: &NamespaceId) -> String {
        let Dispute { witness, size, present, .. } = self;
        let said = match size > present {
            true => {
                format!("has cosigned {size} events of the log of namespace {namespace}, which has {present}")
            }
            false => {
                format!(
                    "has cosigned other first {size} events of the log of namespace {namespace} than it has"
                )
            }
        };
        format!(
            "the witness {witness} {said}: an older copy was restored, or the log was exchanged. Nothing is signed. \
             Restore the newest store and start again. If it is lost for good, stop the server, and \
             `steward audit new-epoch --namespace {namespace}` gives the missing events up, on record. If the witness \
             is wrong, take it out of the witness policy"
        )
    }
}

/// Whether enough witnesses have cosigned a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// There is no policy.
    NotRequired,
    /// Too few have.
    Open,
    /// Enough have.
    Reached,
}

/// Who has cosigned a checkpoint, and when in seconds since 1970.
pub type Cosigned = Vec<(String, u64)>;

impl Registry {
    /// Holds what is known of a log's checkpoints, for which it first looks at what is kept.
    pub(super) async fn turn(&self, namespace: &NamespaceId) -> Result<OwnedMutexGuard<Turn>, Error> {
        let mut turn = self.0.checkpoints.turn(namespace).await.lock_owned().await;
        if turn.is_recalled {
            return Ok(turn);
        }
        if let Some(policy) = &self.0.witnesses
            && let Some(head) = self.log(namespace).await?.head().await?
        {
            let disputed = self.disputed(namespace, &head).await?;
            let is_believed = |one: &Dispute| policy.witnesses().iter().any(|witness| one.is_of(witness));
            turn.dispute = disputed.filter(is_believed);
            let keys = self.log_keys(namespace, &head).await?;
            turn.accepted = self.recall(namespace, &head, &policy.with_logs(keys), &mut turn.known).await?;
        }
        turn.is_recalled = true;
        Ok(turn)
    }

    /// The checkpoint that enough witnesses had cosigned when the server ended, if it still counts.
    async fn recall(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        policy: &Policy,
        known: &mut HashMap<String, u64>,
    ) -> Result<Option<SignedCheckpoint>, Error> {
        let signed = match self.kept_checkpoint(namespace, Kept::Cosigned).await {
            Ok(Some(signed)) => signed,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::warn!(%namespace, %error, "another one is cosigned in its place");
                return Ok(None);
            }
        };
        let (size, is_enough) = match policy.standing(&signed) {
            Ok(Standing { cosigned, is_enough }) => {
                let size = signed.checkpoint().size();
                known.extend(cosigned.into_iter().map(|(name, _)| (name.to_owned(), size)));
                (size, is_enough)
            }
            // Another epoch, or keys that sign no more.
            Err(_) => return Ok(None),
        };
        let is_there =
            size <= head.size && self.root_at(namespace, size).await? == *signed.checkpoint().root();
        Ok(Some(signed).filter(|_| is_enough && is_there))
    }

    async fn log_keys(&self, namespace: &NamespaceId, head: &Head) -> Result<Vec<VerifierKey>, Error> {
        let keys = self.verifier_keys(namespace, head, self.0.environment.clock.now()).await?;
        parse_keys(&keys)
    }

    /// That a witness has said it knows another history of the log as it is in this epoch.
    pub async fn disputed(&self, namespace: &NamespaceId, head: &Head) -> Result<Option<Dispute>, Error> {
        let log = namespace.to_string();
        let kept = self.0.checkpoints.beside(move |beside| beside.kept(Kept::Dispute, &log)).await?;
        let Some(kept) = kept else { return Ok(None) };
        let dispute: Dispute = serde_json::from_slice(&kept).map_err(|error| {
            Error::Damaged(format!("the file {namespace}.dispute beside the store cannot be read: {error}"))
        })?;
        Ok(Some(dispute).filter(|one| one.origin == checkpoint::origin(&head.log_id, head.epoch)))
    }

    /// The newest checkpoint that enough witnesses have cosigned, over at least so many events;
    /// without a policy, the newest of all.
    pub async fn cosigned_checkpoint(&self, namespace: &NamespaceId, at_least: u64) -> Result<Signed, Error> {
        let newest = self.checkpoint(namespace, at_least).await?;
        if newest.quorum != Quorum::Open {
            return Ok(newest);
        }
        let accepted = self.turn(namespace).await?.accepted.clone();
        let accepted = accepted.filter(|accepted| accepted.checkpoint().size() >= at_least);
        let accepted = accepted.map(|accepted| self.with_standing(accepted, newest.keys)).transpose()?;
        match accepted.filter(|accepted| accepted.quorum == Quorum::Reached) {
            Some(accepted) => Ok(accepted),
            None => Err(Error::Unavailable(format!(
                "too few witnesses have cosigned a checkpoint of the log of namespace {namespace} over at least {} \
                 events yet; ask again, or without a quorum",
                at_least.max(1)
            ))),
        }
    }

    /// A checkpoint with what the signatures under it amount to.
    pub(super) fn with_standing(
        &self,
        checkpoint: SignedCheckpoint,
        keys: Vec<String>,
    ) -> Result<Signed, Error> {
        let (mut cosigned, mut quorum) = (Cosigned::new(), Quorum::NotRequired);
        if let Some(policy) = &self.0.witnesses {
            let policy = policy.with_logs(parse_keys(&keys)?);
            (cosigned, quorum) = match policy.standing(&checkpoint) {
                Ok(Standing { cosigned, is_enough }) => {
                    let cosigned = cosigned.into_iter().map(|(name, time)| (name.to_owned(), time)).collect();
                    (cosigned, if is_enough { Quorum::Reached } else { Quorum::Open })
                }
                // By keys that have ended since.
                Err(PolicyError::NotSigned { .. }) => (Cosigned::new(), Quorum::Open),
                Err(error) => return Err(Error::Internal(format!("a checkpoint is wrong: {error}"))),
            };
        }
        Ok(Signed { checkpoint, keys, cosigned, quorum })
    }

    /// Adds to a checkpoint that was just signed what witnesses have cosigned of the same before.
    pub(super) fn with_cosignatures(&self, turn: &Turn, mut signed: SignedCheckpoint) -> SignedCheckpoint {
        let (Some(policy), Some(accepted)) = (&self.0.witnesses, &turn.accepted) else { return signed };
        if accepted.checkpoint() == signed.checkpoint() {
            let by_witness = |one: &&Signature| {
                policy.witnesses().iter().any(|w| w.key.name() == one.name() && w.key.id() == one.id())
            };
            let cosignatures = accepted.note().signatures().iter().filter(by_witness);
            cosignatures.for_each(|one| signed.add_cosignature(one.clone()));
        }
        signed
    }

    /// Takes in what a witness has cosigned, and keeps the checkpoint once that is enough.
    pub(super) async fn add_cosignatures(
        &self,
        namespace: &NamespaceId,
        witness: &Party,
        of: &SignedCheckpoint,
        cosignatures: &[Signature],
    ) -> Result<(), Error> {
        let Some(policy) = &self.0.witnesses else { return Ok(()) };
        let head = self.log(namespace).await?.head().await?;
        let head = head.ok_or_else(|| Error::Internal("a log without a head".to_owned()))?;
        let policy = policy.with_logs(self.log_keys(namespace, &head).await?);
        let mut turn = self.turn(namespace).await?;
        let turn = &mut *turn;
        turn.known.insert(witness.name.clone(), of.checkpoint().size());
        if turn.asked.as_ref().is_none_or(|asked| asked.checkpoint() != of.checkpoint()) {
            turn.asked = Some(of.clone());
        }
        let Some(asked) = &mut turn.asked else { return Ok(()) };
        let newest = turn.published.as_mut().map(|published| &mut published.signed);
        let newest = newest.filter(|newest| newest.checkpoint() == of.checkpoint());
        for signed in newest.into_iter().chain([&mut *asked]) {
            cosignatures.iter().for_each(|one| signed.add_cosignature(one.clone()));
        }
        let accepted_size = turn.accepted.as_ref().map_or(0, |accepted| accepted.checkpoint().size());
        if policy.check(asked).is_ok() && asked.checkpoint().size() >= accepted_size {
            let (log, note) = (namespace.to_string(), asked.to_string());
            let keep = move |beside: &Beside| beside.keep(Kept::Cosigned, &log, note.as_bytes());
            self.0.checkpoints.beside(keep).await?;
            turn.accepted = Some(asked.clone());
        }
        if turn.dispute.as_ref().is_some_and(|dispute| dispute.is_of(witness)) {
            let log = namespace.to_string();
            self.0.checkpoints.beside(move |beside| beside.discard(Kept::Dispute, &log)).await?;
            tracing::info!(%namespace, witness = witness.name, "the witness agrees with the log again");
            turn.dispute = None;
        }
        Ok(())
    }

    /// Stops signing, durably, because a witness knows another history.
    pub(super) async fn dispute(&self, namespace: &NamespaceId, dispute: Dispute) -> Result<(), Error> {
        tracing::error!(%namespace, witness = dispute.witness, "{}", dispute.sentence(namespace));
        let (log, content) = (namespace.to_string(), serde_json::to_vec_pretty(&dispute)?);
        self.turn(namespace).await?.dispute = Some(dispute);
        self.0.checkpoints.beside(move |beside| beside.keep(Kept::Dispute, &log, &content)).await
    }
}

fn parse_keys(keys: &[String]) -> Result<Vec<VerifierKey>, Error> {
    let parsed: Result<Vec<VerifierKey>, _> = keys.iter().map(|key| key.parse()).collect();
    parsed.map_err(|error| Error::Damaged(format!("a key of the log cannot be read: {error}")))
}
