//! One namespace's log in this process: its committer, its feed, its health.

use super::{
    call::Call,
    committer::{Committer, Proposal, Status, Work},
    encode,
    environment::Environment,
    error::Error,
    feed::{Feed, Limits},
    mutation::{self, Committed, Mutation},
    resolutions::Resolutions,
    states::Store,
    view::View,
};
use crate::{
    domain::{name::NamespaceId, time::Timestamp},
    store::engine::{Engine, Head},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// Changes that may wait for the committer; more callers wait outside.
const WAITING: usize = 1_024;

/// One namespace's log.
pub struct Log {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// Its newest events.
    pub feed: Arc<Feed>,
    /// Where its aliases lead.
    pub resolutions: Arc<Resolutions>,
    store: Store,
    environment: Environment,
    status: Arc<Status>,
    work: mpsc::Sender<Work>,
}

impl Log {
    /// Opens a log at a head and starts its committer, which ends when the log
    /// is dropped.
    pub fn open(
        namespace: NamespaceId,
        head: Option<Head>,
        store: Store,
        environment: Environment,
        limits: Limits,
    ) -> Result<(Arc<Self>, JoinHandle<()>), Error> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let committer = Committer::new(namespace.clone(), store.clone(), environment.clone(), limits, head)?;
        let (feed, status) = (committer.feed.clone(), committer.status.clone());
        let resolutions = committer.resolutions.clone();
        let task = tokio::spawn(committer.run(receiver));
        let task = tokio::spawn(supervise(task, namespace.clone(), status.clone()));
        let log = Log { namespace, feed, resolutions, store, environment, status, work: sender };
        Ok((Arc::new(log), task))
    }

    /// Why writes are refused; `None` while all is well.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.status.failed.subscribe()
    }

    /// The newest durable head.
    pub async fn head(&self) -> Result<Option<Head>, Error> {
        Ok(self.store.engine.head(self.namespace.as_str()).await?)
    }

    /// Number of durable events. The feed may be a moment behind.
    pub async fn size(&self) -> Result<u64, Error> {
        Ok(self.head().await?.map_or(0, |head| head.size))
    }

    /// Waits until no batch is under way whose time may be `past` or before it,
    /// and keeps later ones behind it, whatever the clock does.
    pub async fn settle(&self, past: Timestamp) {
        self.status.settle(past).await;
    }

    /// Decides a change outside, answers early where that is final, and has the
    /// committer carry it out otherwise.
    pub async fn mutate(
        &self,
        mutation: Arc<dyn Mutation>,
        call: Call,
        digest: String,
    ) -> Result<Committed, Error> {
        if call.validate_only {
            let (store, environment) = (&self.store, &self.environment);
            return preview(store, environment, &self.namespace, &*mutation, &call, &digest).await;
        }
        let mut view = View::outside(&self.store, &self.namespace);
        let now = commit_time(&*self.store.engine, &self.environment, &self.namespace).await?;
        if let Some(repeat) = mutation::repeat_of(&mut view, &call, &digest, now).await? {
            return Ok(repeat);
        }
        if let Err(error) = mutation.decide(&mut view, &call, now).await
            && !view.is_mixed()
        {
            return Err(error);
        }
        let (answer, outcome) = oneshot::channel();
        let proposal = Proposal { mutation, call, digest, loaded: view.into_loaded(), attempts: 0, answer };
        self.work.send(Work::Change(Box::new(proposal))).await.map_err(|_| self.ended())?;
        outcome.await.map_err(|_| self.ended())?
    }

    /// Has the committer forget those of these request ids that are expired.
    pub async fn sweep(&self, requests: Vec<Bytes>) -> Result<usize, Error> {
        let (answer, outcome) = oneshot::channel();
        self.work.send(Work::Sweep(requests, answer)).await.map_err(|_| self.ended())?;
        outcome.await.map_err(|_| self.ended())?
    }

    /// Why the committer takes nothing any more.
    fn ended(&self) -> Error {
        self.status.refusal().unwrap_or_else(|| {
            Error::Unavailable("the server is shutting down; repeat the request elsewhere".to_owned())
        })
    }
}

/// What a change would do. Needs no committer, so a log that does not exist yet
/// is not opened for it.
pub async fn preview(
    store: &Store,
    environment: &Environment,
    namespace: &NamespaceId,
    mutation: &dyn Mutation,
    call: &Call,
    digest: &str,
) -> Result<Committed, Error> {
    let mut view = View::outside(store, namespace);
    let now = commit_time(&*store.engine, environment, namespace).await?;
    if let Some(repeat) = mutation::repeat_of(&mut view, call, digest, now).await? {
        return Ok(repeat);
    }
    let events = mutation.decide(&mut view, call, now).await?;
    let written = (events.clone(), environment.entropy.clone());
    encode::check(&mut view, mutation, call, digest, now, written).await?;
    Ok(Committed::preview(events))
}

/// The time that a commit would have now.
async fn commit_time(
    engine: &dyn Engine,
    environment: &Environment,
    namespace: &NamespaceId,
) -> Result<Timestamp, Error> {
    let now = environment.clock.now();
    let head = engine.head(namespace.as_str()).await?;
    let last = head.and_then(|head| Timestamp::from_micros(head.time));
    Ok(last.map_or(now, |last| now.max(last.plus_micros(1))))
}

/// Runs a committer. One that panics leaves a log that takes no writes and says so.
async fn supervise(committer: JoinHandle<()>, namespace: NamespaceId, status: Arc<Status>) {
    if committer.await.is_err_and(|error| error.is_panic()) {
        status.fail(&namespace, "a defect of Steward ended the committer".to_owned());
        // Whoever waits for its batch is let go.
        status.end_all();
    }
}

#[cfg(test)]
mod tests;
