//! Signed checkpoints of a log: what it states of itself, so that nobody, its operator
//! included, can change it afterwards without being found out.
//!
//! One is signed when somebody asks, over a size that is durable, never a smaller one than
//! before, and at most about once a second unless a newer one is asked for. It is kept beside
//! the store before it is given out; a store that is opened and lacks what was signed
//! is refused until an operator gives the lost events up by opening a new epoch.

use super::{
    Registry,
    call::{Call, Stored},
    cosigned::{Cosigned, Published, Quorum, Turn},
    error::Error,
    leaf,
    mutation::Mutation,
    view::View,
};
use crate::{
    audit::{
        checkpoint::{Checkpoint, SignedCheckpoint},
        key::{KeyName, SigningKey},
        merkle::Hash,
    },
    domain::{
        event::{Event, EventType},
        name::{NamespaceId, NamespaceName},
        namespace::Namespace,
        time::Timestamp,
    },
    store::{
        beside::{Beside, Kept, Seed},
        engine::Head,
    },
};
use async_trait::async_trait;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
};
use tokio::sync::Mutex;

/// A checkpoint is not older than this when it is given out, if the log has grown.
const FRESH_MICROS: i64 = 1_000_000;
/// What the first key of an epoch is kept as; those after it are known by their ids.
const FIRST: &str = "first";

/// The newest checkpoint of each log in this process, and the keys behind them.
pub struct Checkpoints {
    beside: Beside,
    /// Each log has a turn of its own, so that none waits for another's.
    turns: Mutex<HashMap<NamespaceId, Arc<Mutex<Turn>>>>,
    /// A log's first key is made once.
    making: Mutex<()>,
}

/// A checkpoint with the keys that verify it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// The log's keys that have signed it, as verifiers take them.
    pub keys: Vec<String>,
    /// The witnesses of the policy that have cosigned it.
    pub cosigned: Cosigned,
    /// Whether these are enough.
    pub quorum: Quorum,
}

impl Checkpoints {
    /// With what is kept beside the store.
    pub fn new(beside: Beside) -> Self {
        Checkpoints { beside, turns: Mutex::default(), making: Mutex::default() }
    }

    pub(super) async fn turn(&self, namespace: &NamespaceId) -> Arc<Mutex<Turn>> {
        self.turns.lock().await.entry(namespace.clone()).or_default().clone()
    }

    /// The file system may block.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Beside) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let beside = self.beside.clone();
        let done = tokio::task::spawn_blocking(move || work(&beside)).await;
        let done = done.map_err(|error| Error::Internal(error.to_string()))?;
        done.map_err(|error| {
            Error::Unavailable(format!("what is kept beside the store cannot be used: {error}"))
        })
    }
}

/// The origin of a log's checkpoints, which is also the name of its keys: what its events
/// name as their source, and after a new beginning which one it is.
pub fn origin(log_id: &[u8; 16], epoch: u32) -> String {
    let source = leaf::source(log_id);
    if epoch == 0 { source } else { format!("{source}/epochs/{epoch}") }
}

impl Registry {
    /// A signed checkpoint over at least so many events, and not older than a second
    /// if there are more.
    pub async fn checkpoint(&self, namespace: &NamespaceId, at_least: u64) -> Result<Signed, Error> {
        if let Some(dispute) = &self.turn(namespace).await?.dispute {
            return Err(Error::disputed(namespace, dispute));
        }
        let (signed, keys) = self.newest_checkpoint(namespace, at_least).await?;
        self.with_standing(signed, keys)
    }

    /// The same, whatever witnesses say, for them to judge.
    pub(super) async fn newest_checkpoint(
        &self,
        namespace: &NamespaceId,
        at_least: u64,
    ) -> Result<(SignedCheckpoint, Vec<String>), Error> {
        let log = self.log(namespace).await?;
        let head = log.head().await?.ok_or_else(|| Error::Internal("a log without a head".to_owned()))?;
        if let Some(last) = at_least.checked_sub(1).filter(|last| *last >= head.size) {
            return Err(Error::BeyondHead { position: last, size: head.size });
        }
        let mut turn = self.turn(namespace).await?;
        let now = self.0.environment.clock.now();
        let is_enough = |published: &&Published| {
            let size = published.signed.checkpoint().size();
            let is_fresh = published.time <= now && now < published.time.plus_micros(FRESH_MICROS);
            size >= at_least && (size >= head.size || is_fresh)
        };
        let signed = match turn.published.as_ref().filter(is_enough) {
            Some(published) => published.signed.clone(),
            None => {
                // A leaf or a tile is asked for as soon as the checkpoint is out.
                self.grow(namespace, head.size).await?;
                let signed = self.sign(namespace, &head, now).await?;
                let signed = self.with_cosignatures(&turn, signed);
                turn.published = Some(Published { signed: signed.clone(), time: now });
                signed
            }
        };
        drop(turn);
        let keys = self.verifier_keys(namespace, &head, now).await?;
        Ok((signed, keys))
    }

    /// Signs the state that a head describes, and keeps it before anybody sees it.
    async fn sign(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        now: Timestamp,
    ) -> Result<SignedCheckpoint, Error> {
        let broken = |error| Error::Internal(format!("a checkpoint cannot be made: {error}"));
        let keys = self.signing_keys(namespace, head, now).await?;
        let (first, others) = keys.split_first().ok_or_else(|| Error::Internal("no key signs".to_owned()))?;
        let stated = Checkpoint::new(&origin(&head.log_id, head.epoch), head.size, head.root);
        let mut signed = SignedCheckpoint::sign(stated.map_err(broken)?, first).map_err(broken)?;
        for key in others {
            signed.sign_also(key).map_err(broken)?;
        }
        let (log, note) = (namespace.to_string(), signed.to_string());
        self.0.checkpoints.beside(move |beside| beside.keep(Kept::Published, &log, note.as_bytes())).await?;
        Ok(signed)
    }

    /// The keys that sign now, the newest first.
    async fn signing_keys(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        now: Timestamp,
    ) -> Result<Vec<SigningKey>, Error> {
        let origin = origin(&head.log_id, head.epoch);
        let name = key_name(&origin)?;
        let wanted = self.verifier_keys(namespace, head, now).await?;
        let seeds = self.seeds(&origin).await?;
        let mut keys: Vec<SigningKey> =
            seeds.values().map(|seed| SigningKey::from_seed(name.clone(), seed)).collect();
        keys.retain(|key| wanted.contains(&key.verifier().to_string()));
        if keys.len() < wanted.len() {
            return Err(Error::Unavailable(format!(
                "the secret of a key that signs the log {origin} is missing: restore the directory of keys, or \
                 have another key sign with `steward audit rotate-key`"
            )));
        }
        keys.sort_by_key(|key| wanted.iter().rposition(|one| *one == key.verifier().to_string()));
        keys.reverse();
        Ok(keys)
    }

    async fn seeds(&self, origin: &str) -> Result<BTreeMap<String, Seed>, Error> {
        let origin = origin.to_owned();
        self.0.checkpoints.beside(move |beside| beside.seeds(&origin)).await
    }

    /// The log's keys that sign now, as verifiers take them, the newest last.
    pub async fn verifier_keys(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let name = NamespaceName(namespace.clone());
        let state = self.get::<Namespace>(&name, super::read::ReadAt::Present).await?.value;
        if !state.checkpoint_keys.is_empty() {
            let signing = state.checkpoint_keys.into_iter().filter(|key| key.signs_at(now));
            return Ok(signing.map(|key| key.key).collect());
        }
        self.first_key(namespace, head).await.map(|key| vec![key])
    }

    /// The first key of an epoch, which is made when it is first needed.
    async fn first_key(&self, namespace: &NamespaceId, head: &Head) -> Result<String, Error> {
        let origin = origin(&head.log_id, head.epoch);
        let _turn = self.0.checkpoints.making.lock().await;
        let key = match self.seeds(&origin).await?.get(FIRST) {
            Some(seed) => SigningKey::from_seed(key_name(&origin)?, seed),
            None => {
                self.refuse_to_forget(namespace, &origin).await?;
                let key = self.draw_key(&origin)?;
                self.keep_key(&origin, FIRST, &key).await?;
                key.0
            }
        };
        Ok(key.verifier().to_string())
    }

    /// A log that has signed before takes no other first key by itself.
    async fn refuse_to_forget(&self, namespace: &NamespaceId, origin: &str) -> Result<(), Error> {
        match self.kept_checkpoint(namespace, Kept::Published).await? {
            Some(signed) if signed.checkpoint().origin() == origin => Err(Error::Unavailable(format!(
                "the log {origin} has signed checkpoints, but the secret of its key is missing: restore the \
                 directory of keys"
            ))),
            _ => Ok(()),
        }
    }

    fn draw_key(&self, origin: &str) -> Result<(SigningKey, Seed), Error> {
        let seed = self.0.environment.secret();
        Ok((SigningKey::from_seed(key_name(origin)?, &seed), seed))
    }

    async fn keep_key(&self, origin: &str, id: &str, (key, seed): &(SigningKey, Seed)) -> Result<(), Error> {
        tracing::info!(key = %key.verifier(), "a key that signs checkpoints was made");
        let (origin, id, seed) = (origin.to_owned(), id.to_owned(), *seed);
        self.0.checkpoints.beside(move |beside| beside.add_seed(&origin, &id, &seed)).await
    }

    /// A checkpoint that was kept beside the store.
    pub(super) async fn kept_checkpoint(
        &self,
        namespace: &NamespaceId,
        what: Kept,
    ) -> Result<Option<SignedCheckpoint>, Error> {
        let log = namespace.to_string();
        let note = self.0.checkpoints.beside(move |beside| beside.kept(what, &log)).await?;
        let parse = |note: Vec<u8>| {
            SignedCheckpoint::parse(&note).map_err(|error| {
                let name = what.file_name(namespace.as_str());
                Error::Damaged(format!("the file {name} beside the store cannot be read: {error}"))
            })
        };
        note.map(parse).transpose()
    }

    /// Whether the log has all that was signed of it; if not, what was signed.
    pub async fn lost(&self, namespace: &NamespaceId, head: &Head) -> Result<Option<(u64, Hash)>, Error> {
        let Some(signed) = self.kept_checkpoint(namespace, Kept::Published).await? else {
            return Ok(None);
        };
        let stated = signed.checkpoint();
        if stated.origin() != origin(&head.log_id, head.epoch) {
            // Another epoch, whose end was decided; or another log under the same name, which is
            // known by its watermark.
            return Ok(None);
        }
        let is_there =
            stated.size() <= head.size && self.root_at(namespace, stated.size()).await? == *stated.root();
        Ok((!is_there).then(|| (stated.size(), *stated.root())))
    }
}

fn key_name(origin: &str) -> Result<KeyName, Error> {
    KeyName::new(origin).map_err(|error| Error::Internal(error.to_string()))
}

#[derive(Serialize)]
struct RotateKey {
    name: NamespaceName,
    overlap_micros: i64,
    /// Drawn and found for each attempt, so they are not part of what is asked for.
    #[serde(skip)]
    present: String,
    #[serde(skip)]
    new: String,
}

#[async_trait]
impl Mutation for RotateKey {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Namespace>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let retire_time = now.plus_micros(self.overlap_micros);
        let rotated = present.value.rotate_key(&self.present, &self.new, retire_time, now);
        Ok(vec![Event::set(EventType::CheckpointKeyRotated, rotated)])
    }

    fn field(&self, _: u32) -> String {
        "namespace".to_owned()
    }
}

impl Registry {
    /// Has another key sign the checkpoints of a log; those before it sign beside it
    /// for as long as `overlap_micros`.
    pub async fn rotate_checkpoint_key(
        &self,
        name: NamespaceName,
        overlap_micros: i64,
        call: Call,
    ) -> Result<Stored<Namespace>, Error> {
        call.require_reason()?;
        let namespace = name.0.clone();
        let head = self.log(&namespace).await?.head().await?;
        let head = head.ok_or_else(|| Error::Internal("a log without a head".to_owned()))?;
        let (origin, validate_only) = (origin(&head.log_id, head.epoch), call.validate_only);
        let present = self.verifier_keys(&namespace, &head, self.0.environment.clock.now()).await?;
        let key = self.draw_key(&origin)?;
        let (id, new) = (key.0.verifier().id().to_string(), key.0.verifier().to_string());
        if !validate_only {
            self.keep_key(&origin, &id, &key).await?;
        }
        let present = present.into_iter().next_back().unwrap_or_default();
        let rotate = RotateKey { name, overlap_micros, present, new: new.clone() };
        let rotated = self.mutate(&namespace, "RotateCheckpointKey", rotate, call).await;
        let rotated = rotated.and_then(|committed| committed.resource::<Namespace>());
        let is_in_service = match &rotated {
            Ok(stored) => stored.value.checkpoint_keys.iter().any(|key| key.key == new),
            // It may have been written all the same.
            Err(error) => matches!(error, Error::Unknown(_)),
        };
        if !is_in_service && !validate_only {
            self.0.checkpoints.beside(move |beside| beside.remove_seed(&origin, &id)).await?;
        }
        rotated
    }
}
