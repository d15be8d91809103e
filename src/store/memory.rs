//! The engine that forgets: for tests and for servers that are thrown away.

use super::engine::{Caps, CommitError, Engine, Head, Pairs, ReadError, Snapshot, Write};
use super::hints::Hints;
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::watch;

/// Keeps everything in memory; "durable" means as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    state: RwLock<State>,
    hints: Hints,
}

#[derive(Debug, Default)]
struct State {
    pairs: BTreeMap<Bytes, Bytes>,
    heads: HashMap<String, Head>,
}

impl State {
    fn seq(&self, log: &str) -> u64 {
        self.heads.get(log).map_or(0, |head| head.size)
    }
}

impl MemoryEngine {
    /// An engine that holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Engine for MemoryEngine {
    async fn head(&self, log: &str) -> Result<Option<Head>, ReadError> {
        Ok(self.state().heads.get(log).cloned())
    }

    async fn get(
        &self,
        log: &str,
        keys: &[Bytes],
        min_seq: u64,
    ) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        self.hints.reach(log, min_seq).await?;
        let state = self.state();
        let value = keys.iter().map(|key| state.pairs.get(key).cloned()).collect();
        Ok(Snapshot { seq: state.seq(log), value })
    }

    async fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
        min_seq: u64,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        self.hints.reach(log, min_seq).await?;
        let state = self.state();
        let seq = state.seq(log);
        // A BTreeMap panics on a range that ends before it starts.
        if range.start >= range.end {
            return Ok(Snapshot { seq, value: Vec::new() });
        }
        let pairs = state.pairs.range(range).map(|(key, value)| (key.clone(), value.clone()));
        let value = if reverse { pairs.rev().take(limit).collect() } else { pairs.take(limit).collect() };
        Ok(Snapshot { seq, value })
    }

    async fn commit(
        &self,
        log: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError> {
        self.caps().admit(&writes)?;
        let size = head.size;
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            Head::confirm(state.heads.get(log), expected)?;
            for write in writes {
                match write {
                    Write::Insert(key, value) | Write::Put(key, value) => state.pairs.insert(key, value),
                    Write::Delete(key) => state.pairs.remove(&key),
                };
            }
            state.heads.insert(log.to_owned(), head);
        }
        self.hints.announce(log, size);
        Ok(())
    }

    fn hint(&self, log: &str) -> watch::Receiver<u64> {
        self.hints.subscribe(log)
    }

    fn caps(&self) -> Caps {
        Caps::EMBEDDED
    }
}
