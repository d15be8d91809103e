//! An engine that hesitates before and behind every read and commit, for as many
//! turns of the other tasks as its seed says: so that calls meet in the middle.

use async_trait::async_trait;
use bytes::Bytes;
use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};
use steward_registry::store::{
    engine::{Caps, CommitError, Engine, Head, Pairs, ReadError, Snapshot, Write},
    memory::MemoryEngine,
};
use tokio::sync::watch;

/// Most turns of one hesitation.
const TURNS: u64 = 24;

#[derive(Debug)]
pub struct WaveringEngine {
    inner: MemoryEngine,
    state: AtomicU64,
}

impl WaveringEngine {
    pub fn new(seed: u32) -> Self {
        WaveringEngine { inner: MemoryEngine::new(), state: AtomicU64::new(u64::from(seed) + 1) }
    }

    async fn waver(&self) {
        // Steele, Lea and Flood's SplitMix64.
        let mut mixed = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        for _ in 0..(mixed ^ (mixed >> 31)) % TURNS {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Engine for WaveringEngine {
    async fn head(&self, log: &str) -> Result<Option<Head>, ReadError> {
        self.waver().await;
        let head = self.inner.head(log).await;
        self.waver().await;
        head
    }

    async fn get(
        &self,
        log: &str,
        keys: &[Bytes],
        min_seq: u64,
    ) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        self.waver().await;
        let found = self.inner.get(log, keys, min_seq).await;
        self.waver().await;
        found
    }

    async fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
        min_seq: u64,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        self.waver().await;
        let found = self.inner.scan(log, range, limit, reverse, min_seq).await;
        self.waver().await;
        found
    }

    async fn commit(
        &self,
        log: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError> {
        self.waver().await;
        let committed = self.inner.commit(log, expected, writes, head).await;
        self.waver().await;
        committed
    }

    fn hint(&self, log: &str) -> watch::Receiver<u64> {
        self.inner.hint(log)
    }

    fn caps(&self) -> Caps {
        self.inner.caps()
    }
}
