//! One namespace's log in this process: its committer, its feed, its health.

use super::{
    call::Call,
    committer::{Committer, Proposal, Status, Work, frontier_of},
    encode::Batch,
    environment::Environment,
    error::Error,
    feed::Feed,
    mutation::{self, Committed, Mutation},
    view::{Recent, View},
};
use crate::{
    audit::merkle::Frontier,
    domain::{event::Event, name::NamespaceId, time::Timestamp},
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
    engine: Arc<dyn Engine>,
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
        engine: Arc<dyn Engine>,
        environment: Environment,
    ) -> Result<(Arc<Self>, JoinHandle<()>), Error> {
        let frontier = head.as_ref().map_or_else(|| Ok(Frontier::empty()), frontier_of)?;
        let feed = Arc::new(Feed::new(frontier.size()));
        let status = Arc::new(Status::default());
        let (sender, receiver) = mpsc::channel(WAITING);
        let committer = Committer {
            namespace: namespace.clone(),
            engine: engine.clone(),
            environment: environment.clone(),
            feed: feed.clone(),
            status: status.clone(),
            recent: Recent::since(frontier.size()),
            head,
            frontier,
        };
        let task = tokio::spawn(committer.run(receiver));
        let log = Log { namespace, feed, engine, environment, status, work: sender };
        Ok((Arc::new(log), task))
    }

    /// Why writes are refused; `None` while all is well.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.status.failed.subscribe()
    }

    /// The newest durable head.
    pub async fn head(&self) -> Result<Option<Head>, Error> {
        Ok(self.engine.head(self.namespace.as_str()).await?)
    }

    /// Waits until no batch is under way whose time may lie before this moment.
    pub async fn settle(&self) {
        let mut turns = self.status.turns.subscribe();
        let turn = *turns.borrow();
        if turn % 2 == 1 {
            // Only the committer's end closes the channel, and then nothing is under way.
            let _ = turns.wait_for(|now| *now > turn).await;
        }
    }

    /// The time that a commit would have now.
    async fn now(&self) -> Result<Timestamp, Error> {
        let now = self.environment.clock.now();
        let last = self.head().await?.and_then(|head| Timestamp::from_micros(head.time));
        Ok(last.map_or(now, |last| now.max(last.plus_micros(1))))
    }

    /// Decides a change outside, answers early where that is final, and has the
    /// committer carry it out otherwise.
    pub async fn mutate(
        &self,
        mutation: Arc<dyn Mutation>,
        call: Call,
        digest: String,
    ) -> Result<Committed, Error> {
        let mut view = View::outside(&*self.engine, &self.namespace);
        let now = self.now().await?;
        if let Some(repeat) = mutation::repeat_of(&mut view, &call, &digest, now).await? {
            return Ok(repeat);
        }
        match mutation.decide(&mut view, &call, now).await {
            Ok(events) if call.validate_only => {
                self.try_place(&mut view, &*mutation, &call, &digest, events.clone(), now).await?;
                return Ok(Committed::preview(events));
            }
            Ok(_) => {}
            Err(error) if call.validate_only || !view.is_mixed() => return Err(error),
            Err(_) => {}
        }
        let (answer, outcome) = oneshot::channel();
        let proposal = Proposal { mutation, call, digest, loaded: view.into_loaded(), answer };
        self.work.send(Work::Change(Box::new(proposal))).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    /// Refuses events that are too large, by giving them the place that they
    /// would have now.
    async fn try_place(
        &self,
        view: &mut View<'_>,
        mutation: &dyn Mutation,
        call: &Call,
        digest: &str,
        events: Vec<Event>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let head = self.head().await?;
        let frontier = head.as_ref().map_or_else(|| Ok(Frontier::empty()), frontier_of)?;
        let log_id = mutation.log_id().or(head.map(|head| head.log_id)).unwrap_or_default();
        let batch = Batch::new(self.namespace.clone(), log_id, frontier, now);
        batch.place(view, mutation, call, digest, events).await.map(drop)
    }

    /// Has the committer forget those of these request ids that are expired.
    pub async fn sweep(&self, requests: Vec<Bytes>) -> Result<usize, Error> {
        let (answer, outcome) = oneshot::channel();
        self.work.send(Work::Sweep(requests, answer)).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn stopped() -> Error {
    Error::Unavailable("the server is shutting down; repeat the request elsewhere".to_owned())
}
