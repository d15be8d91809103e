//! The keys that sign a log: which of those that the log names have their secrets here, and how
//! another one takes over.
//!
//! The newest key has to be here, or nothing is signed: whoever verifies would meet a key that nobody
//! told them of. Without an older one, which signs beside it for a while, the signing goes on.

use super::origin;
use crate::{
    audit::{
        checkpoint::SignedCheckpoint,
        key::{KeyName, SigningKey},
    },
    domain::{
        event::{Event, EventType},
        name::{NamespaceId, NamespaceName},
        namespace::Namespace,
        time::Timestamp,
    },
    registry::{
        Registry,
        call::{Call, Stored},
        error::Error,
        mutation::Mutation,
        read::ReadAt,
        view::View,
    },
    store::{
        beside::{Kept, Seed},
        engine::Head,
    },
};
use async_trait::async_trait;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the first key of an epoch is kept as; those after it are known by their ids.
const FIRST: &str = "first";

/// The keys that sign a log now, and can.
pub(super) struct SigningKeys {
    newest: SigningKey,
    /// Those before it that sign beside it, the newest first.
    before: Vec<SigningKey>,
    /// Keys that should, too, whose secrets are missing.
    lost: Vec<String>,
}

impl SigningKeys {
    pub(super) fn newest(&self) -> &SigningKey {
        &self.newest
    }

    pub(super) fn before(&self) -> &[SigningKey] {
        &self.before
    }

    /// As verifiers take them, the newest last.
    pub(super) fn verifiers(&self) -> Vec<String> {
        let keys = self.before.iter().rev().chain([&self.newest]);
        keys.map(|key| key.verifier().to_string()).collect()
    }

    /// Whether a checkpoint is one that today's verifiers accept.
    pub(super) fn newest_signed(&self, signed: &SignedCheckpoint) -> bool {
        has_signed(&self.newest, signed)
    }

    /// Tells the operator of keys that are missing, once; `known` is what was told of before.
    pub(super) fn complain_of_lost(&self, namespace: &NamespaceId, known: &mut Vec<String>) {
        if !self.lost.is_empty() && self.lost != *known {
            let keys = self.lost.join(" ");
            tracing::warn!(
                %namespace, keys,
                "the secrets of keys that should sign beside the newest are missing; whoever trusts only these cannot \
                 verify: restore the directory of keys, or give out the newest key now"
            );
        }
        known.clone_from(&self.lost);
    }
}

/// The keys that a log names, the newest last.
enum Named {
    /// Only its first, which it names nowhere; none if it has signed and its secret is missing.
    First(Option<Box<SigningKey>>),
    /// Those of its namespace, with those whose secrets are here.
    Listed(Vec<(String, Option<SigningKey>)>),
}

fn key_name(origin: &str) -> Result<KeyName, Error> {
    KeyName::new(origin).map_err(|error| Error::Internal(error.to_string()))
}

fn has_signed(key: &SigningKey, signed: &SignedCheckpoint) -> bool {
    let key = key.verifier();
    signed.note().signatures().iter().any(|one| one.name() == key.name() && one.id() == key.id())
}

fn missing(namespace: &NamespaceId, origin: &str) -> Error {
    Error::Unavailable(format!(
        "the secret of the key that signs the log {origin} is missing, so no checkpoint is signed: restore the directory \
         of keys. If it is lost for good, `steward audit rotate-key --namespace {namespace} --reason …` has another key \
         sign, which nothing in the log vouches for: hand it to everybody who verifies"
    ))
}

impl Registry {
    /// The keys that sign a log now.
    pub(super) async fn signing_keys(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        now: Timestamp,
    ) -> Result<SigningKeys, Error> {
        let origin = origin(&head.log_id, head.epoch);
        let missing = || missing(namespace, &origin);
        let mut listed = match self.named_keys(namespace, &origin, now).await? {
            Named::First(first) => {
                let newest = *first.ok_or_else(missing)?;
                return Ok(SigningKeys { newest, before: Vec::new(), lost: Vec::new() });
            }
            Named::Listed(listed) => listed,
        };
        let newest = listed.pop().and_then(|(_, key)| key).ok_or_else(missing)?;
        let (mut before, mut lost) = (Vec::new(), Vec::new());
        for (name, key) in listed.into_iter().rev() {
            match key {
                Some(key) => before.push(key),
                None => lost.push(name),
            }
        }
        Ok(SigningKeys { newest, before, lost })
    }

    async fn named_keys(
        &self,
        namespace: &NamespaceId,
        origin: &str,
        now: Timestamp,
    ) -> Result<Named, Error> {
        let name = NamespaceName(namespace.clone());
        let listed = self.get::<Namespace>(&name, ReadAt::Present).await?.value.checkpoint_keys;
        if listed.is_empty() {
            return Ok(Named::First(self.first_key(namespace, origin).await?.map(Box::new)));
        }
        let name = key_name(origin)?;
        let seeds = self.seeds(origin).await?;
        let mut here: BTreeMap<String, SigningKey> = BTreeMap::new();
        for seed in seeds.values() {
            let key = SigningKey::from_seed(name.clone(), seed);
            here.insert(key.verifier().to_string(), key);
        }
        let signing = listed.into_iter().filter(|key| key.signs_at(now)).map(|key| key.key);
        Ok(Named::Listed(
            signing.map(|key| (here.remove(&key), key)).map(|(found, key)| (key, found)).collect(),
        ))
    }

    async fn seeds(&self, origin: &str) -> Result<BTreeMap<String, Seed>, Error> {
        let origin = origin.to_owned();
        self.0.checkpoints.beside(move |beside| beside.seeds(&origin)).await
    }

    /// The keys that sign a log now, as verifiers take them, the newest last.
    pub async fn verifier_keys(
        &self,
        namespace: &NamespaceId,
        head: &Head,
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        Ok(self.signing_keys(namespace, head, now).await?.verifiers())
    }

    /// The first key of an epoch, which is made when it is first needed. A log that has signed before
    /// takes no other first key by itself: neither a new one nor one that was put in its place.
    async fn first_key(&self, namespace: &NamespaceId, origin: &str) -> Result<Option<SigningKey>, Error> {
        let _turn = self.0.checkpoints.making.lock().await;
        let signed = self.kept_checkpoint(namespace, Kept::Published).await?;
        let signed = signed.filter(|signed| signed.checkpoint().origin() == origin);
        if let Some(seed) = self.seeds(origin).await?.get(FIRST) {
            let key = SigningKey::from_seed(key_name(origin)?, seed);
            return Ok(Some(key).filter(|key| signed.is_none_or(|signed| has_signed(key, &signed))));
        }
        if signed.is_some() {
            return Ok(None);
        }
        let key = self.draw_key(origin)?;
        self.keep_key(origin, FIRST, &key).await?;
        Ok(Some(key.0))
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
}

#[derive(Serialize)]
struct RotateKey {
    name: NamespaceName,
    overlap_micros: i64,
    /// Drawn and found for each attempt, so they are not part of what is asked for.
    #[serde(skip)]
    first: Option<String>,
    #[serde(skip)]
    lost: Vec<String>,
    #[serde(skip)]
    new: String,
}

#[async_trait]
impl Mutation for RotateKey {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Namespace>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let retire_time = now.plus_micros(self.overlap_micros);
        let first = self.first.as_deref();
        let rotated = present.value.rotate_key(first, &self.lost, &self.new, retire_time, now);
        Ok(vec![Event::set(EventType::CheckpointKeyRotated, rotated)])
    }

    fn field(&self, _: u32) -> String {
        "namespace".to_owned()
    }
}

impl Registry {
    /// Has another key sign the checkpoints of a log; those before it whose secrets are here sign
    /// beside it for as long as `overlap_micros`.
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
        let (first, lost) = match self.named_keys(&namespace, &origin, self.0.environment.clock.now()).await?
        {
            Named::First(first) => (first.map(|key| key.verifier().to_string()), Vec::new()),
            Named::Listed(listed) => {
                let lost = listed.into_iter().filter(|(_, key)| key.is_none());
                (None, lost.map(|(name, _)| name).collect())
            }
        };
        let key = self.draw_key(&origin)?;
        let (id, new) = (key.0.verifier().id().to_string(), key.0.verifier().to_string());
        if !validate_only {
            self.keep_key(&origin, &id, &key).await?;
        }
        let rotate = RotateKey { name, overlap_micros, first, lost, new: new.clone() };
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
