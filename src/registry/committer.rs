//! The one task that writes a log. It decides each change over what those
//! before it did, gives out consecutive positions, extends the tree, commits
//! many changes in one engine batch with one flush, and only then answers.
//!
//! Two batches overlap: while one is in flight to the disk, the next one is
//! open and takes in what arrives, decided over what the first will have
//! written. So a flush costs nobody the time to decide, and whoever comes while
//! the disk is busy shares the next flush. Nobody is answered before all that
//! the answer rests on is durable, refusals included; and if a flight fails,
//! what was decided over it is decided again.

mod flight;
mod status;

pub use status::Status;

use self::flight::{Failure, Flight, Landing, landing};
use super::{
    call::Call,
    encode::Batch,
    environment::Environment,
    error::Error,
    feed::{Feed, Limits},
    mutation::{self, Committed, Mutation},
    resolutions::Resolutions,
    states::Store,
    view::{Inside, Loaded, Recent, View},
};
use crate::{
    audit::merkle::Frontier,
    domain::{name::NamespaceId, time::Timestamp},
    store::{
        engine::{Head, Write},
        record::RequestRecord,
    },
};
use bytes::Bytes;
use std::{collections::VecDeque, future::ready, sync::Arc};
use tokio::sync::{mpsc, oneshot};

/// Most changes in one batch: enough to share a flush among many callers,
/// few enough to keep the wait short.
const MOST_CHANGES: usize = 512;
/// Changes that are decided before the flight is looked at again.
const CHUNK: usize = 16;
/// So often a change is decided again after other processes were faster.
const MOST_ATTEMPTS: u8 = 16;

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
    /// How often other processes were faster.
    pub attempts: u8,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Committed, Error>>,
}

impl Proposal {
    fn answer(self, outcome: Result<Committed, Error>) {
        // Nobody may wait any more: the caller's deadline has passed.
        let _ = self.answer.send(outcome);
    }
}

/// What the committer is asked to do.
pub enum Work {
    /// Carries a change out.
    Change(Box<Proposal>),
    /// Forgets request ids that no repeat can refer to any more, of those given.
    Sweep(Vec<Bytes>, oneshot::Sender<Result<usize, Error>>),
}

/// A change that was decided, and what its caller is told once all it rests on is durable.
pub struct Caller {
    proposal: Box<Proposal>,
    outcome: Result<Committed, Error>,
}

/// The batch that takes in what arrives.
struct Open {
    batch: Batch,
    callers: Vec<Caller>,
}

/// The task.
pub struct Committer {
    pub(super) namespace: NamespaceId,
    pub(super) store: Store,
    pub(super) environment: Environment,
    pub(super) feed: Arc<Feed>,
    pub(super) status: Arc<Status>,
    pub(super) resolutions: Arc<Resolutions>,
    /// The newest durable head, and the tree that it describes.
    head: Option<Head>,
    frontier: Frontier,
    recent: Recent,
    /// To be decided: what arrived, and what has to be decided again.
    queue: VecDeque<Box<Proposal>>,
    open: Option<Open>,
    flight: Option<Flight>,
}

impl Committer {
    /// A committer that goes on at a head.
    pub fn new(
        namespace: NamespaceId,
        store: Store,
        environment: Environment,
        limits: Limits,
        head: Option<Head>,
    ) -> Result<Self, Error> {
        let frontier = head.as_ref().map_or_else(|| Ok(Frontier::empty()), frontier_of)?;
        let resolutions = Resolutions::new(frontier.size(), store.engine.caps());
        Ok(Committer {
            namespace,
            resolutions: Arc::new(resolutions),
            store,
            environment,
            feed: Arc::new(Feed::new(frontier.size(), limits)),
            status: Arc::new(Status::default()),
            recent: Recent::since(frontier.size()),
            head,
            frontier,
            queue: VecDeque::new(),
            open: None,
            flight: None,
        })
    }

    /// Works until nobody can send any more and everybody is answered.
    pub async fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut received = Vec::with_capacity(CHUNK);
        let mut ended = false;
        loop {
            self.decide_some().await;
            self.depart();
            let (waiting, has_room) = (!self.queue.is_empty(), self.has_room());
            tokio::select! {
                biased;
                outcome = landing(&mut self.flight), if self.flight.is_some() => self.land(outcome).await,
                () = ready(()), if waiting && has_room => {}
                count = work.recv_many(&mut received, CHUNK), if !ended && !waiting && has_room => {
                    ended = count == 0;
                }
                else => return,
            }
            for work in received.drain(..) {
                match work {
                    Work::Change(proposal) => self.queue.push_back(proposal),
                    Work::Sweep(keys, answer) => {
                        let _ = answer.send(self.sweep(keys).await);
                    }
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.open.as_ref().is_none_or(|open| {
            open.callers.len() < MOST_CHANGES && !open.batch.is_full(self.store.engine.caps())
        })
    }

    /// Decides some of what waits, as far as the open batch has room.
    async fn decide_some(&mut self) {
        for _ in 0..CHUNK {
            if !self.has_room() {
                return;
            }
            let Some(mut proposal) = self.queue.pop_front() else { return };
            if let Some(refusal) = self.status.refusal() {
                proposal.answer(Err(refusal));
                continue;
            }
            let mut open = self.open.take().unwrap_or_else(|| self.begin());
            let outcome = self.decide(&mut open.batch, &mut proposal).await;
            open.callers.push(Caller { proposal, outcome });
            self.open = Some(open);
        }
    }

    /// Opens a batch behind the one in flight.
    fn begin(&self) -> Open {
        let (tip, frontier) = match &self.flight {
            Some(flight) => (Some(&flight.head), &flight.frontier),
            None => (self.head.as_ref(), &self.frontier),
        };
        let log_id = tip.map_or([0; 16], |head| head.log_id);
        let time = self.next_time(tip.map_or(i64::MIN, |head| head.time));
        let entropy = self.environment.entropy.clone();
        let batch = Batch::new(self.namespace.clone(), log_id, frontier.clone(), time, entropy);
        Open { batch, callers: Vec::new() }
    }

    /// Commit time: the machine's, but always later than the commit before and
    /// than what was read of the past, so that the log's time never runs
    /// backwards and one time means one size.
    fn next_time(&self, last: i64) -> Timestamp {
        let last = last.max(self.status.begin());
        let now = self.environment.clock.now();
        Timestamp::from_micros(last).map_or(now, |last| now.max(last.plus_micros(1)))
    }

    async fn decide(&mut self, batch: &mut Batch, proposal: &mut Proposal) -> Result<Committed, Error> {
        let begins_log = batch.is_empty() && batch.frontier.size() == 0;
        if let (true, Some(log_id)) = (begins_log, proposal.mutation.log_id()) {
            batch.log_id = log_id;
        }
        let loaded = std::mem::take(&mut proposal.loaded);
        let Proposal { mutation, call, digest, .. } = &*proposal;
        let flight = self.flight.as_ref().map(|flight| &flight.overlay);
        let inside = Inside { batch: batch.overlay(), flight, recent: &self.recent };
        let mut view = View::inside(&self.store, &self.namespace, inside, loaded);
        if let Some(repeat) = mutation::repeat_of(&mut view, call, digest, batch.time).await? {
            return Ok(repeat);
        }
        let events = mutation.decide(&mut view, call, batch.time).await?;
        let asides = mutation.asides(&mut view, call, batch.time).await?;
        let placed = batch.place(&mut view, &**mutation, call, digest, events, asides).await?;
        drop(view);
        Ok(batch.accept(placed))
    }

    /// Sends the open batch to the disk, if nothing is on its way there.
    fn depart(&mut self) {
        if self.flight.is_some() {
            return;
        }
        let Some(Open { batch, callers }) = self.open.take() else { return };
        if batch.is_empty() {
            // Repeats and refusals, over what is durable.
            self.answer(callers);
            return;
        }
        let head = batch.head(self.head.as_ref(), self.environment.entropy.draw());
        let sealed = batch.seal();
        self.flight = Some(Flight {
            landing: self.write(sealed.writes, head.clone()),
            head,
            frontier: sealed.frontier,
            overlay: sealed.overlay,
            events: sealed.events,
            callers,
        });
    }

    fn write(&self, writes: Vec<Write>, head: Head) -> Landing {
        let (engine, log) = (self.store.engine.clone(), self.namespace.as_str().to_owned());
        Box::pin(flight::write(engine, log, self.head.clone(), writes, head))
    }

    /// Deals with the end of a flight.
    async fn land(&mut self, outcome: Result<(), Failure>) {
        let Some(flight) = self.flight.take() else { return };
        let error = match outcome {
            Ok(()) => {
                let touched = flight.overlay.into_keys();
                self.store.directory.land(&self.namespace, flight.head.size, &touched);
                self.resolutions.land(flight.head.size, &touched);
                self.recent.remember(flight.head.size, touched);
                self.feed.publish(flight.events, flight.head.size);
                self.frontier = flight.frontier;
                self.head = Some(flight.head);
                self.answer(flight.callers);
                return;
            }
            Err(Failure::Moved) => match self.catch_up().await {
                Ok(()) => {
                    self.decide_again(flight.callers);
                    return;
                }
                Err(error) => error,
            },
            Err(Failure::Refused(error)) => error,
            Err(Failure::Broken(error, cause)) => {
                self.status.fail(&self.namespace, cause);
                error
            }
        };
        // A refusal may rest on a change of the same batch, so all fall together.
        self.recent = Recent::since(self.frontier.size());
        self.decide_again(Vec::new());
        let fallen = flight.callers.into_iter();
        self.answer(fallen.map(|caller| Caller { outcome: Err(error.clone()), ..caller }).collect());
    }

    /// Answers the callers of a batch that is over.
    fn answer(&self, callers: Vec<Caller>) {
        self.status.end();
        for Caller { proposal, outcome } in callers {
            proposal.answer(outcome);
        }
    }

    /// Takes over what another process wrote.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let head = self.store.engine.head(self.namespace.as_str()).await?;
        self.frontier = head.as_ref().map_or_else(|| Ok(Frontier::empty()), frontier_of)?;
        self.recent = Recent::since(self.frontier.size());
        self.feed.publish(Vec::new(), self.frontier.size());
        self.head = head;
        Ok(())
    }

    /// Puts back what was decided over a state that did not come about: the
    /// callers of a flight that another process overtook, and the open batch,
    /// which was decided over any flight that fell.
    fn decide_again(&mut self, overtaken: Vec<Caller>) {
        if !overtaken.is_empty() {
            self.status.end();
        }
        let open = self.open.take();
        if open.is_some() {
            self.status.end();
        }
        for Caller { proposal, .. } in open.into_iter().flat_map(|open| open.callers).rev() {
            self.queue.push_front(proposal);
        }
        for Caller { mut proposal, .. } in overtaken.into_iter().rev() {
            proposal.attempts += 1;
            if proposal.attempts < MOST_ATTEMPTS {
                self.queue.push_front(proposal);
            } else {
                let sentence = "other servers keep writing to this namespace first; try again";
                proposal.answer(Err(Error::Unavailable(sentence.to_owned())));
            }
        }
    }

    /// Only the committer may tell that a request id is expired: it might have
    /// been used again since it was found. All that is under way goes first.
    async fn sweep(&mut self, keys: Vec<Bytes>) -> Result<usize, Error> {
        loop {
            self.depart();
            if self.flight.is_none() {
                break;
            }
            let outcome = landing(&mut self.flight).await;
            self.land(outcome).await;
        }
        if let Some(refusal) = self.status.refusal() {
            return Err(refusal);
        }
        let Some(head) = self.head.clone() else { return Ok(0) };
        let now = self.environment.clock.now();
        let found = self.store.engine.get(self.namespace.as_str(), &keys, 0).await?;
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
            Err(Failure::Moved) => {
                self.catch_up().await?;
                return Ok(0);
            }
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Broken(error, cause)) => {
                self.status.fail(&self.namespace, cause);
                return Err(error);
            }
        }
        Ok(swept)
    }
}

/// The right edge of the tree that a head describes.
pub fn frontier_of(head: &Head) -> Result<Frontier, Error> {
    Frontier::from_parts(head.size, head.frontier.clone()).map_err(|error| Error::Damaged(error.to_string()))
}
