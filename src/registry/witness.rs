//! Asking witnesses to cosign the newest checkpoint of each log (C2SP tlog-witness).
//!
//! A log is taken to its witnesses when it has grown, and at most so often. Each is given the proof
//! that the tree grew from the one that it cosigned last; which that is it says itself when we do
//! not know. One that is down is asked again later; one that knows another history stops
//! the signing: see [`super::cosigned`].

use super::{Registry, cosigned::Dispute, error::Error};
use crate::{
    audit::{
        checkpoint::SignedCheckpoint,
        policy::Party,
        witness::{AddCheckpoint, Answer, AnswerError, read_answer},
    },
    domain::name::NamespaceId,
};
use async_trait::async_trait;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// A witness that did not cosign is asked again after this, also if nothing has grown.
const RETRY: Duration = Duration::from_secs(60);
/// Requests to one witness in a round: one to learn what it knows, one that proves from there, and one
/// in case that it was asked elsewhere meanwhile.
const ATTEMPTS: usize = 3;

/// What an HTTP server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// What its body is.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Sends requests to witnesses.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// Sends a text to this URL. Gives up in good time, follows no redirect, reads no endless body.
    ///
    /// # Errors
    /// Why no answer was read, for people.
    async fn post(&self, url: &str, text: String) -> Result<Reply, String>;
}

/// How asking all witnesses ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// All have cosigned a tree of so many events.
    Cosigned(u64),
    /// Not all have; a tree of so many events was taken to them.
    Open(u64),
    /// One knows another history.
    Disputed,
}

/// How asking one witness ended.
enum Asked {
    Cosigned,
    NotYet,
    Disagrees(Dispute),
}

impl Registry {
    /// Takes every log to the witnesses of the policy when it has grown, at most once in
    /// `period`, until the registry is drained.
    pub async fn follow_witnesses(self, post: Arc<dyn Post>, period: Duration) {
        let drain = self.0.drain.clone();
        let mut tasks = JoinSet::new();
        drain.run_until_cancelled(self.attend(&mut tasks, &post, period)).await;
        tasks.shutdown().await;
    }

    /// Starts a task for each log, those that begin later included.
    async fn attend(&self, tasks: &mut JoinSet<()>, post: &Arc<dyn Post>, period: Duration) {
        let mut opened = self.0.opened.subscribe();
        // A log is open once it was touched.
        match self.namespaces().await {
            Ok(namespaces) => {
                for namespace in namespaces {
                    if let Err(error) = self.log(&namespace).await {
                        tracing::warn!(%namespace, %error, "the log is not taken to its witnesses");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "logs are taken to their witnesses once they grow"),
        }
        let mut attended = HashSet::new();
        loop {
            opened.borrow_and_update();
            for (namespace, log) in self.0.logs.read().await.iter() {
                if attended.insert(namespace.clone()) {
                    let (registry, post, sizes) = (self.clone(), post.clone(), log.feed.watch());
                    tasks.spawn(registry.follow_witnesses_of(namespace.clone(), sizes, post, period));
                }
            }
            if opened.changed().await.is_err() {
                return;
            }
        }
    }

    async fn follow_witnesses_of(
        self,
        namespace: NamespaceId,
        mut sizes: watch::Receiver<u64>,
        post: Arc<dyn Post>,
        period: Duration,
    ) {
        let mut taken = 0;
        let mut is_open = false;
        loop {
            let grown = sizes.wait_for(|size| *size > taken);
            let ended = match is_open {
                // It does not matter which of the two it was.
                true => tokio::time::timeout(RETRY, grown).await.is_ok_and(|grown| grown.is_err()),
                false => grown.await.is_err(),
            };
            if ended {
                return;
            }
            match self.ask_witnesses(&namespace, &post).await {
                Ok(Round::Disputed) => return,
                Ok(Round::Cosigned(size)) => (taken, is_open) = (size, false),
                Ok(Round::Open(size)) => (taken, is_open) = (size, true),
                Err(error) => {
                    tracing::warn!(%namespace, %error, "no checkpoint could be taken to the witnesses; it is tried again");
                    (taken, is_open) = (*sizes.borrow(), true);
                }
            }
            tokio::time::sleep(period).await;
        }
    }

    /// Asks all witnesses at the same time to cosign the newest state of a log. Where one disagreed
    /// before, only that one, and only if the log has as many events as it knows.
    pub async fn ask_witnesses(&self, namespace: &NamespaceId, post: &Arc<dyn Post>) -> Result<Round, Error> {
        let Some(policy) = &self.0.witnesses else { return Ok(Round::Cosigned(0)) };
        let size = self.log(namespace).await?.size().await?;
        let disputed = self.turn(namespace).await?.dispute.clone();
        if disputed.as_ref().is_some_and(|dispute| dispute.size > size) {
            return Ok(Round::Disputed);
        }
        let candidate = self.newest_checkpoint(namespace, size).await?.0;
        let size = candidate.checkpoint().size();
        let is_asked = |one: &&Party| disputed.as_ref().is_none_or(|dispute| dispute.is_of(one));
        let mut asking = JoinSet::new();
        for witness in policy.witnesses().iter().filter(is_asked) {
            let (registry, namespace, witness) = (self.clone(), namespace.clone(), witness.clone());
            let (candidate, post) = (candidate.clone(), post.clone());
            asking.spawn(async move { registry.ask(&namespace, &candidate, &witness, &*post).await });
        }
        let mut round = if disputed.is_some() { Round::Open(size) } else { Round::Cosigned(size) };
        while let Some(asked) = asking.join_next().await {
            match asked.map_err(|error| Error::Internal(error.to_string()))?? {
                Asked::Cosigned => {}
                Asked::NotYet if round == Round::Disputed => {}
                Asked::NotYet => round = Round::Open(size),
                Asked::Disagrees(dispute) => {
                    self.dispute(namespace, dispute).await?;
                    round = Round::Disputed;
                }
            }
        }
        Ok(round)
    }

    /// Asks one witness, and takes in what it cosigns.
    async fn ask(
        &self,
        namespace: &NamespaceId,
        candidate: &SignedCheckpoint,
        witness: &Party,
        post: &dyn Post,
    ) -> Result<Asked, Error> {
        let Some(url) = &witness.url else { return Ok(Asked::NotYet) };
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let size = candidate.checkpoint().size();
        let not_yet = |why: &dyn std::fmt::Display| {
            tracing::warn!(%namespace, witness = witness.name, size, "not cosigned, asked again later: {why}");
            Ok(Asked::NotYet)
        };
        for _ in 0..ATTEMPTS {
            let old = self.turn(namespace).await?.known.get(&witness.name).copied().unwrap_or(0);
            if old > size {
                return not_yet(&format_args!("it has cosigned {old} events already"));
            }
            let proof = self.consistency_proof(namespace, old, size).await?;
            let request = AddCheckpoint::new(old, proof, candidate.clone());
            let request = request.map_err(|error| Error::Internal(error.to_string()))?;
            let Reply { status, content_type, body } = match post.post(&url, request.to_string()).await {
                Ok(reply) => reply,
                Err(cause) => return not_yet(&cause),
            };
            let keys = std::slice::from_ref(&witness.key);
            match read_answer(status, content_type.as_deref(), &body, candidate, keys) {
                Ok(Answer::Cosigned(cosignatures)) => {
                    self.add_cosignatures(namespace, witness, candidate, &cosignatures).await?;
                    return Ok(Asked::Cosigned);
                }
                Ok(Answer::OtherSize(known)) => {
                    let present = self.log(namespace).await?.size().await?;
                    if known > present {
                        return Ok(Asked::Disagrees(Dispute::new(candidate, witness, known, present)));
                    }
                    self.turn(namespace).await?.known.insert(witness.name.clone(), known);
                }
                // Our proof is right, so the tree that it begins with is not the witness's. Every tree
                // begins with the empty one.
                Err(AnswerError::Split | AnswerError::WrongProof) if old > 0 => {
                    return Ok(Asked::Disagrees(Dispute::new(candidate, witness, old, size)));
                }
                Err(error) => return not_yet(&error),
            }
        }
        not_yet(&"it names another size each time")
    }
}
