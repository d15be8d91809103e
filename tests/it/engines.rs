//! Engines in the hands of a test: one whose commits wait at a gate, a copy of
//! one, and one with an event missing.

use async_trait::async_trait;
use bytes::Bytes;
use std::{
    ops::Range,
    sync::{Arc, Mutex},
};
use steward_registry::{
    domain::name::NamespaceId,
    store::{
        engine::{Caps, CommitError, Engine, Head, Pairs, ReadError, Snapshot, Write},
        keys,
        memory::MemoryEngine,
    },
};
use tokio::sync::watch;

/// Where commits wait while it is closed.
#[derive(Debug)]
pub struct Gate {
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Default for Gate {
    fn default() -> Self {
        Gate { open: watch::Sender::new(true), waiting: watch::Sender::new(0) }
    }
}

impl Gate {
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Until a commit stands at the gate.
    pub async fn reached(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    async fn pass(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        self.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// An engine in memory with a gate before each commit, and one behind it (there
/// it is durable, but the committer does not know it yet); its reads can be held
/// up and its commits can fail.
#[derive(Debug)]
pub struct GatedEngine {
    pub before: Gate,
    pub behind: Gate,
    pub caps: Caps,
    /// Where the read waits that was chosen by [`GatedEngine::hold_read`].
    pub reading: Gate,
    held: Mutex<Option<u8>>,
    fault: Mutex<Option<Fault>>,
    inner: Arc<MemoryEngine>,
}

/// What goes wrong with the next commit.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It takes place, but nobody is told.
    AnswerLost,
    /// It does not take place, and nobody is told.
    RequestLost,
    /// The store takes no writes any more.
    Unavailable,
    /// A defect of the program.
    Panic,
}

impl GatedEngine {
    /// The same store past the gates, as another process has it.
    pub fn past_the_gates(&self) -> Arc<MemoryEngine> {
        self.inner.clone()
    }

    /// Has the next read of a key that begins with this byte wait, and no other.
    pub fn hold_read(&self, tag: u8) {
        self.reading.close();
        *self.held.lock().unwrap() = Some(tag);
    }

    /// Has something go wrong with the next commit.
    pub fn fail_next_commit(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
    }
}

impl Default for GatedEngine {
    fn default() -> Self {
        GatedEngine {
            before: Gate::default(),
            behind: Gate::default(),
            caps: Caps::EMBEDDED,
            reading: Gate::default(),
            held: Mutex::default(),
            fault: Mutex::default(),
            inner: Arc::default(),
        }
    }
}

#[async_trait]
impl Engine for GatedEngine {
    async fn head(&self, log: &str) -> Result<Option<Head>, ReadError> {
        self.inner.head(log).await
    }

    async fn get(
        &self,
        log: &str,
        keys: &[Bytes],
        min_seq: u64,
    ) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        let held =
            self.held.lock().unwrap().take_if(|tag| keys.first().and_then(|key| key.first()) == Some(tag));
        if held.is_some() {
            self.reading.pass().await;
        }
        self.inner.get(log, keys, min_seq).await
    }

    async fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
        min_seq: u64,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        self.inner.scan(log, range, limit, reverse, min_seq).await
    }

    async fn commit(
        &self,
        log: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError> {
        self.before.pass().await;
        self.caps.admit(&writes)?;
        let fault = self.fault.lock().unwrap().take();
        let committed = match fault {
            None => self.inner.commit(log, expected, writes, head).await,
            Some(Fault::AnswerLost) => {
                self.inner.commit(log, expected, writes, head).await.unwrap();
                Err(CommitError::Unknown("the answer was lost".to_owned()))
            }
            Some(Fault::RequestLost) => Err(CommitError::Unknown("the request was lost".to_owned())),
            Some(Fault::Unavailable) => Err(CommitError::Unavailable("the disk is full".to_owned())),
            Some(Fault::Panic) => panic!("a defect"),
        };
        self.behind.pass().await;
        committed
    }

    fn hint(&self, log: &str) -> watch::Receiver<u64> {
        self.inner.hint(log)
    }

    fn caps(&self) -> Caps {
        self.caps
    }
}

/// The log of the namespace `default`.
pub const LOG: &str = "default";

/// Every key that an engine holds, with its value, but not the heads.
pub async fn pairs(engine: &dyn Engine) -> Pairs {
    let all = Bytes::from_static(&[1])..Bytes::from_static(&[0xff]);
    engine.scan(LOG, all, usize::MAX, false, 0).await.unwrap().value
}

/// Another engine that holds the same, as a restored backup does.
pub async fn copy_of(engine: &dyn Engine, logs: &[&str]) -> Arc<MemoryEngine> {
    let copy = MemoryEngine::new();
    let mut writes: Vec<_> =
        pairs(engine).await.into_iter().map(|(key, value)| Write::Put(key, value)).collect();
    for log in logs {
        let Some(head) = engine.head(log).await.unwrap() else { continue };
        copy.commit(log, None, std::mem::take(&mut writes), head).await.unwrap();
    }
    Arc::new(copy)
}

/// Removes some events of `default` and nothing else.
pub async fn remove_events(engine: &dyn Engine, positions: Range<u64>) {
    let namespace = NamespaceId::new(LOG).unwrap();
    let head = engine.head(LOG).await.unwrap().unwrap();
    let writes = positions.map(|position| Write::Delete(keys::event(&namespace, position))).collect();
    engine.commit(LOG, Some(&head), writes, head.clone()).await.unwrap();
}
