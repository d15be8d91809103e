//! The one task that writes a log. It collects what is waiting, decides each
//! change over what those before it did, gives out consecutive positions,
//! extends the tree, commits everything in one engine batch with one flush, and
//! only then answers everybody.

use super::{
    call::Call,
    encode::Batch,
    environment::Environment,
    error::Error,
    feed::Feed,
    mutation::{self, Committed, Mutation},
    view::{Inside, Loaded, Recent, View},
};
use crate::{
    audit::merkle::Frontier,
    domain::{name::NamespaceId, time::Timestamp},
    store::{
        engine::{CommitError, Engine, Head, Write},
        record::RequestRecord,
    },
};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Most changes in one batch: enough to share a flush among many callers,
/// few enough to keep the wait short.
const MOST_CHANGES: usize = 512;

/// A change on its way to the committer.
pub struct Proposal {
    /// What to decide.
    pub mutation: Arc<dyn Mutation>,
    /// Who, why, and how a repeat is recognised.
    pub call: Call,
    /// Digest of the request.
    pub digest: String,
    /// What was loaded for it.
    pub loaded: Loaded,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Committed, Error>>,
}

/// What the committer is asked to do.
pub enum Work {
    /// Carries a change out.
    Change(Box<Proposal>),
    /// Forgets request ids that no repeat can refer to any more, of those given.
    Sweep(Vec<Bytes>, oneshot::Sender<Result<usize, Error>>),
}

/// State of the committer that others look at.
#[derive(Debug)]
pub struct Status {
    /// Why writes are refused; `None` while all is well.
    pub failed: watch::Sender<Option<String>>,
    /// Counts the beginnings and ends of batches: odd while a batch has been
    /// given its time but is not durable yet.
    pub turns: watch::Sender<u64>,
    /// In microseconds: commits come later than this, because somebody was told
    /// what the log held at this time.
    pub promised: AtomicI64,
}

impl Default for Status {
    fn default() -> Self {
        Status {
            failed: watch::Sender::new(None),
            turns: watch::Sender::new(0),
            promised: AtomicI64::new(i64::MIN),
        }
    }
}

impl Status {
    /// Has writes refused from now on.
    pub fn fail(&self, namespace: &NamespaceId, cause: String) {
        tracing::error!(%namespace, %cause, "writes are refused from now on");
        self.failed.send_replace(Some(cause));
    }
}

/// The task.
pub struct Committer {
    pub(super) namespace: NamespaceId,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) environment: Environment,
    pub(super) feed: Arc<Feed>,
    pub(super) status: Arc<Status>,
    pub(super) head: Option<Head>,
    pub(super) frontier: Frontier,
    pub(super) recent: Recent,
}

/// Why a batch was not committed.
enum Failure {
    /// Another process wrote first: decide again over what it wrote.
    Moved,
    /// Final.
    Error(Error),
}

/// So often a batch is decided again after other processes were faster.
const MOST_ATTEMPTS: usize = 16;

impl Committer {
    /// Works until nobody can send any more.
    pub async fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut waiting = Vec::with_capacity(MOST_CHANGES);
        while work.recv_many(&mut waiting, MOST_CHANGES).await > 0 {
            self.status.turns.send_modify(|turn| *turn += 1);
            let mut proposals = Vec::with_capacity(waiting.len());
            for work in waiting.drain(..) {
                match work {
                    Work::Change(proposal) => proposals.push(*proposal),
                    Work::Sweep(keys, answer) => {
                        let _ = answer.send(self.sweep(keys).await);
                    }
                }
            }
            if !proposals.is_empty() {
                self.carry_out(proposals).await;
            }
            self.status.turns.send_modify(|turn| *turn += 1);
        }
    }

    async fn carry_out(&mut self, mut proposals: Vec<Proposal>) {
        while !proposals.is_empty() {
            match self.decide_and_commit(&mut proposals).await {
                Ok(outcomes) => {
                    for (proposal, outcome) in proposals.drain(..outcomes.len()).zip(outcomes) {
                        // Nobody may wait any more: the caller's deadline has passed.
                        let _ = proposal.answer.send(outcome);
                    }
                }
                // A refusal may rest on a change of the same batch, so all fall together.
                Err(error) => {
                    for proposal in proposals.drain(..) {
                        let _ = proposal.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// The outcomes of the first proposals, as many as fit one batch.
    async fn decide_and_commit(
        &mut self,
        proposals: &mut [Proposal],
    ) -> Result<Vec<Result<Committed, Error>>, Error> {
        for _ in 0..MOST_ATTEMPTS {
            if let Some(cause) = self.status.failed.borrow().as_deref() {
                return Err(Error::Unavailable(refusing(cause)));
            }
            let log_id = self.head.as_ref().map_or([0; 16], |head| head.log_id);
            let mut batch =
                Batch::new(self.namespace.clone(), log_id, self.frontier.clone(), self.next_time());
            let mut outcomes = Vec::with_capacity(proposals.len());
            for proposal in proposals.iter_mut() {
                if batch.is_full(&self.engine.caps()) {
                    break;
                }
                outcomes.push(self.decide(&mut batch, proposal).await);
            }
            if batch.is_empty() {
                return Ok(outcomes);
            }
            match self.commit(batch).await {
                Ok(()) => return Ok(outcomes),
                Err(Failure::Moved) => self.catch_up().await?,
                Err(Failure::Error(error)) => return Err(error),
            }
        }
        Err(Error::Unavailable("other servers keep writing to this namespace first; try again".to_owned()))
    }

    async fn decide(&self, batch: &mut Batch, proposal: &mut Proposal) -> Result<Committed, Error> {
        let Proposal { mutation, call, digest, .. } = &*proposal;
        let (mutation, call, digest) = (mutation.clone(), call.clone(), digest.clone());
        if let (None, true, Some(log_id)) = (&self.head, batch.is_empty(), mutation.log_id()) {
            batch.log_id = log_id;
        }
        let inside = Inside { overlay: batch.overlay(), recent: &self.recent };
        let loaded = std::mem::take(&mut proposal.loaded);
        let mut view = View::inside(&*self.engine, &self.namespace, inside, loaded);
        if let Some(repeat) = mutation::repeat_of(&mut view, &call, &digest, batch.time).await? {
            return Ok(repeat);
        }
        let events = mutation.decide(&mut view, &call, batch.time).await?;
        let placed = batch.place(&mut view, &*mutation, &call, &digest, events).await?;
        drop(view);
        Ok(batch.accept(placed))
    }

    /// Takes over what another process wrote.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let head = self.engine.head(self.namespace.as_str()).await?;
        self.frontier = head.as_ref().map_or_else(|| Ok(Frontier::empty()), frontier_of)?;
        self.recent = Recent::since(self.frontier.size());
        self.feed.publish(Vec::new(), self.frontier.size());
        self.head = head;
        Ok(())
    }

    /// Commit time: the machine's, but always later than the commit before and
    /// than what was read of the past, so that the log's time never runs
    /// backwards and one time means one size.
    fn next_time(&self) -> Timestamp {
        let now = self.environment.clock.now();
        let promised = self.status.promised.load(Ordering::SeqCst);
        let last = self.head.as_ref().map_or(i64::MIN, |head| head.time).max(promised);
        Timestamp::from_micros(last).map_or(now, |last| now.max(last.plus_micros(1)))
    }

    async fn commit(&mut self, batch: Batch) -> Result<(), Failure> {
        let previous = self.head.as_ref();
        let head = Head {
            log_id: batch.log_id,
            epoch: previous.map_or(0, |head| head.epoch),
            size: batch.frontier.size(),
            root: batch.frontier.root(),
            frontier: batch.frontier.roots().to_vec(),
            batch_id: self.environment.entropy.draw(),
            time: batch.time.micros(),
            previous_size: self.frontier.size(),
            previous_frontier: self.frontier.roots().to_vec(),
        };
        let sealed = batch.seal();
        let keys = sealed.writes.iter().map(|write| write.key().clone()).collect();
        self.write(sealed.writes, head.clone()).await?;
        self.recent.remember(head.size, keys);
        self.feed.publish(sealed.events, head.size);
        self.frontier = sealed.frontier;
        self.head = Some(head);
        Ok(())
    }

    /// Only the committer may tell that a request id is expired: it might have
    /// been used again since it was found.
    async fn sweep(&mut self, keys: Vec<Bytes>) -> Result<usize, Error> {
        let Some(head) = self.head.clone() else { return Ok(0) };
        let now = self.next_time();
        let found = self.engine.get(self.namespace.as_str(), &keys, 0).await?;
        let mut writes = Vec::new();
        for (key, value) in keys.into_iter().zip(found.value) {
            let record = value.as_deref().map(RequestRecord::decode).transpose()?;
            if record.is_some_and(|record| mutation::is_expired(&record, now)) {
                writes.push(Write::Delete(key));
            }
        }
        let swept = writes.len();
        let head = Head { batch_id: self.environment.entropy.draw(), ..head };
        match self.write(writes, head.clone()).await {
            Ok(()) => self.head = Some(head),
            Err(Failure::Moved) => self.catch_up().await?,
            Err(Failure::Error(error)) => return Err(error),
        }
        Ok(swept)
    }

    /// Writes a batch, and finds out what became of it when the engine cannot say.
    async fn write(&mut self, writes: Vec<Write>, head: Head) -> Result<(), Failure> {
        let log = self.namespace.as_str();
        let error = match self.engine.commit(log, self.head.as_ref(), writes, head.clone()).await {
            Ok(()) => return Ok(()),
            Err(CommitError::HeadMoved(_)) if self.engine.caps().replicated => return Err(Failure::Moved),
            // This engine has one writer; a second one would take positions twice.
            Err(CommitError::HeadMoved(_)) => self.fail("another process has written to the log".to_owned()),
            Err(CommitError::Unknown(cause)) => return self.look_up(&head, cause).await,
            Err(CommitError::Unavailable(cause)) => self.fail(cause),
            Err(CommitError::ReservedKey) => Error::Internal("a change wrote a key of the engine".to_owned()),
            Err(CommitError::TooLarge { writes, bytes }) => Error::Unavailable(format!(
                "too much waits at once ({writes} writes, {bytes} bytes): send less and try again"
            )),
        };
        Err(Failure::Error(error))
    }

    /// The head tells whether the commit took place.
    async fn look_up(&mut self, head: &Head, cause: String) -> Result<(), Failure> {
        for pause in [0, 50, 200, 1_000] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.engine.head(self.namespace.as_str()).await {
                Ok(Some(found)) if found.batch_id == head.batch_id => return Ok(()),
                Ok(found) if found == self.head => break,
                Ok(_) | Err(_) => {}
            }
        }
        self.fail(cause.clone());
        Err(Failure::Error(Error::Unknown(cause)))
    }

    fn fail(&self, cause: String) -> Error {
        let error = Error::Unavailable(refusing(&cause));
        self.status.fail(&self.namespace, cause);
        error
    }
}

/// The right edge of the tree that a head describes.
pub fn frontier_of(head: &Head) -> Result<Frontier, Error> {
    Frontier::from_parts(head.size, head.frontier.clone()).map_err(|error| Error::Damaged(error.to_string()))
}

/// What callers are told once writes are refused.
pub fn refusing(cause: &str) -> String {
    format!("the registry takes no writes ({cause}); reads go on; mend the cause and restart the server")
}
