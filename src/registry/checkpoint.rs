//! Signed checkpoints of a log: what it states of itself, so that nobody, its operator
//! included, can change it afterwards without being found out.
//!
//! One is signed when somebody asks, over a size that is durable, never a smaller one than
//! before, and at most about once a second unless a newer one is asked for. It is kept beside
//! the store before it is given out; a store that is opened and lacks what was signed
//! is refused until an operator gives the lost events up by opening a new epoch.

mod key;

use self::key::SigningKeys;
use super::{
    Registry,
    cosigned::{Cosigned, Published, Quorum, Turn},
    error::Error,
    leaf,
};
use crate::{
    audit::{
        checkpoint::{Checkpoint, SignedCheckpoint},
        merkle::Hash,
    },
    domain::name::NamespaceId,
    store::{
        beside::{Beside, Kept},
        engine::Head,
    },
};
use std::{collections::HashMap, io, sync::Arc};
use tokio::sync::Mutex;

/// A checkpoint is not older than this when it is given out, if the log has grown.
const FRESH_MICROS: i64 = 1_000_000;

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
        // The head is read in turn, so that no smaller one is signed after a larger.
        let mut turn = self.turn(namespace).await?;
        let head = log.head().await?.ok_or_else(|| Error::Internal("a log without a head".to_owned()))?;
        if let Some(last) = at_least.checked_sub(1).filter(|last| *last >= head.size) {
            return Err(Error::BeyondHead { position: last, size: head.size });
        }
        let now = self.0.environment.clock.now();
        let keys = self.signing_keys(namespace, &head, now).await?;
        keys.complain_of_lost(namespace, &mut turn.lost_keys);
        let is_enough = |published: &&Published| {
            let size = published.signed.checkpoint().size();
            let is_fresh = published.time <= now && now < published.time.plus_micros(FRESH_MICROS);
            size >= at_least && (size >= head.size || is_fresh) && keys.newest_signed(&published.signed)
        };
        let signed = match turn.published.as_ref().filter(is_enough) {
            Some(published) => published.signed.clone(),
            None => {
                // A leaf or a tile is asked for as soon as the checkpoint is out.
                self.grow(namespace, head.size).await?;
                let signed = self.sign(namespace, &head, &keys).await?;
                let signed = self.with_cosignatures(&turn, signed);
                turn.published = Some(Published { signed: signed.clone(), time: now });
                signed
            }
        };
        Ok((signed, keys.verifiers()))
    }

    /// Signs the state that a head describes, and keeps it before anybody sees it.
    async fn sign(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        keys: &SigningKeys,
    ) -> Result<SignedCheckpoint, Error> {
        let broken = |error| Error::Internal(format!("a checkpoint cannot be made: {error}"));
        let stated = Checkpoint::new(&origin(&head.log_id, head.epoch), head.size, head.root);
        let mut signed = SignedCheckpoint::sign(stated.map_err(broken)?, keys.newest()).map_err(broken)?;
        for key in keys.before() {
            signed.sign_also(key).map_err(broken)?;
        }
        let (log, note) = (namespace.to_string(), signed.to_string());
        self.0.checkpoints.beside(move |beside| beside.keep(Kept::Published, &log, note.as_bytes())).await?;
        Ok(signed)
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
