//! An engine whose operations end when the schedule says so, and as it says.
//! It knows what is durable, and holds its callers to what they promise.

use crate::{
    domain::time::Timestamp,
    store::{
        engine::{Caps, CommitError, Engine, Head, Pairs, ReadError, Snapshot, Write},
        keys,
        record::decode_number,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{oneshot, watch};

/// What may go wrong with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It takes place, but nobody is told.
    AnswerLost,
    /// It does not take place, and nobody is told.
    RequestLost,
    /// The store takes no writes any more.
    Unavailable,
    /// The commit is too large.
    TooLarge,
}

/// What an operation that waits can do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A read sees what is durable now.
    Read,
    /// A commit becomes durable, or is refused because the head moved.
    Apply,
    /// The outcome of a commit is told.
    Answer,
    /// Something goes wrong.
    Fail(Fault),
}

enum Operation {
    Read(oneshot::Sender<()>),
    Commit { expected: Option<Box<Head>>, writes: Vec<Write>, head: Box<Head>, answer: Answer },
    Applied(Result<(), CommitError>, Answer),
}

type Answer = oneshot::Sender<Result<(), CommitError>>;

/// What is durable.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    pub pairs: BTreeMap<Bytes, Bytes>,
    pub head: Option<Head>,
}

impl Durable {
    pub fn size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.size)
    }

    /// Number of events up to a time.
    pub fn size_at(&self, time: Timestamp) -> u64 {
        let times = keys::times_before(&super::namespace(), time.plus_micros(1));
        self.pairs.range(times).next_back().map_or(0, |(_, size)| decode_number(size).unwrap())
    }

    fn apply(&mut self, expected: Option<&Head>, writes: Vec<Write>, head: Head) -> Result<(), CommitError> {
        Head::confirm(self.head.as_ref(), expected)?;
        let is_later = self
            .head
            .as_ref()
            .is_none_or(|last| head.size >= last.size && (head.size == last.size || head.time > last.time));
        assert!(is_later, "the log runs backwards: {head:?} after {:?}", self.head);
        for write in writes {
            match write {
                Write::Insert(key, value) => {
                    let replaced = self.pairs.insert(key.clone(), value);
                    assert_eq!(replaced, None, "{key:?} is there already: something was given out twice");
                }
                Write::Put(key, value) => drop(self.pairs.insert(key, value)),
                Write::Delete(key) => drop(self.pairs.remove(&key)),
            }
        }
        self.head = Some(head);
        Ok(())
    }
}

/// The store and what waits for it.
pub struct Disk {
    pub durable: Durable,
    pub caps: Caps,
    /// What may still go wrong, each at most once.
    pub faults: Vec<Fault>,
    /// What has gone wrong.
    pub happened: Vec<Fault>,
    /// Whether a commit was refused because another process was faster.
    pub overtaken: bool,
    /// Whether nothing waits.
    pub prompt: bool,
    waiting: Vec<Operation>,
}

impl Disk {
    pub fn new(durable: Durable, caps: Caps, faults: &[Fault]) -> Arc<Mutex<Self>> {
        let (faults, happened, waiting) = (faults.to_vec(), Vec::new(), Vec::new());
        let (overtaken, prompt) = (false, false);
        Arc::new(Mutex::new(Disk { durable, caps, faults, happened, overtaken, prompt, waiting }))
    }

    /// Whether nothing may be written any more.
    fn is_broken(&self) -> bool {
        self.happened.iter().any(|fault| matches!(fault, Fault::RequestLost | Fault::Unavailable))
    }

    /// What can happen next, with the number of the operation.
    pub fn steps(&self) -> Vec<(usize, Progress)> {
        let mut steps = Vec::new();
        for (index, operation) in self.waiting.iter().enumerate() {
            match operation {
                Operation::Read(_) => steps.push((index, Progress::Read)),
                Operation::Applied(..) => steps.push((index, Progress::Answer)),
                Operation::Commit { .. } => {
                    steps.push((index, Progress::Apply));
                    steps.extend(self.faults.iter().map(|fault| (index, Progress::Fail(*fault))));
                }
            }
        }
        steps
    }

    /// Has it happen.
    pub fn perform(&mut self, index: usize, progress: Progress) {
        // Whoever waited may have left.
        match (self.waiting.remove(index), progress) {
            (Operation::Read(answer), _) => drop(answer.send(())),
            (Operation::Applied(outcome, answer), _) => drop(answer.send(outcome)),
            (Operation::Commit { expected, writes, head, answer }, Progress::Fail(fault)) => {
                self.faults.retain(|other| *other != fault);
                self.happened.push(fault);
                let error = match fault {
                    Fault::AnswerLost => match self.durable.apply(expected.as_deref(), writes, *head) {
                        Ok(()) => CommitError::Unknown("the answer was lost".to_owned()),
                        Err(moved) => moved,
                    },
                    Fault::RequestLost => CommitError::Unknown("the request was lost".to_owned()),
                    Fault::Unavailable => CommitError::Unavailable("the disk is full".to_owned()),
                    Fault::TooLarge => CommitError::TooLarge { writes: writes.len(), bytes: 0 },
                };
                drop(answer.send(Err(error)));
            }
            (Operation::Commit { expected, writes, head, answer }, _) => {
                let outcome = self.durable.apply(expected.as_deref(), writes, *head);
                self.overtaken |= outcome.is_err();
                self.waiting.insert(index, Operation::Applied(outcome, answer));
            }
        }
    }
}

/// The engine of one process.
pub struct Held {
    pub disk: Arc<Mutex<Disk>>,
    /// Whether reads wait.
    pub slow: bool,
}

impl Held {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    async fn wait(&self) {
        let (answer, turn) = oneshot::channel();
        {
            let mut disk = self.disk();
            if !self.slow || disk.prompt {
                return;
            }
            disk.waiting.push(Operation::Read(answer));
        }
        turn.await.unwrap();
    }
}

#[async_trait]
impl Engine for Held {
    async fn head(&self, _: &str) -> Result<Option<Head>, ReadError> {
        self.wait().await;
        Ok(self.disk().durable.head.clone())
    }

    async fn get(&self, _: &str, keys: &[Bytes], _: u64) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        self.wait().await;
        let durable = &self.disk().durable;
        let value = keys.iter().map(|key| durable.pairs.get(key).cloned()).collect();
        Ok(Snapshot { seq: durable.size(), value })
    }

    async fn scan(
        &self,
        _: &str,
        range: Range<Bytes>,
        limit: usize,
        _: bool,
        _: u64,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        self.wait().await;
        let durable = &self.disk().durable;
        let pairs = durable.pairs.range(range).take(limit);
        let value = pairs.map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Snapshot { seq: durable.size(), value })
    }

    async fn commit(
        &self,
        _: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError> {
        let (answer, outcome) = oneshot::channel();
        {
            let mut disk = self.disk();
            assert!(disk.prompt || !disk.is_broken(), "something is written where writes have failed");
            if disk.prompt {
                return disk.durable.apply(expected, writes, head);
            }
            disk.waiting.push(Operation::Commit {
                expected: expected.cloned().map(Box::new),
                writes,
                head: Box::new(head),
                answer,
            });
        }
        outcome.await.unwrap()
    }

    fn hint(&self, _: &str) -> watch::Receiver<u64> {
        watch::channel(self.disk().durable.size()).1
    }

    fn caps(&self) -> Caps {
        self.disk().caps
    }
}
