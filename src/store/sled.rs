//! The default engine: sled 0.34 in one directory, for one process.
//!
//! sled gives an ordered tree and atomic batches. It does not give reads of
//! durable state only, a flush that survives a power failure, or errors instead
//! of panics where a file is damaged. Those are added here:
//!
//! - A commit first notes what its keys hold (`undo.rs`), then applies the batch
//!   to the tree, flushes it, syncs the files (`disk.rs`), and only then drops
//!   the note and publishes the head (`core.rs`). Readers let the note win over
//!   the tree, so they see the state before the batch until it is durable, and
//!   never wait for a flush. Each read holds the lock on that note while it
//!   reads: what it answers is one state, and a very long scan delays the next
//!   commit.
//! - Commits take turns. If one fails half-way, nobody knows what is on disk:
//!   the engine takes no more writes, and shows the last durable state.
//! - sled leaves out in silence what it cannot read of its own log. So that is read
//!   first (`journal.rs`), and a store that is closed is opened and closed once more:
//!   then there is a snapshot, and nothing to replay (`open.rs`).
//! - Every call into sled is guarded (`fault.rs`): a panic becomes an error; and a write that
//!   sled leaves hanging after a failure is woken (`stall.rs`).
//!
//! Files: `db`, `conf`, `snap.*` and `blobs/` are sled's; `watermark.json` is
//! [`super::watermark`].

mod core;
mod disk;
mod fault;
mod journal;
mod leftover;
mod open;
mod stall;
mod undo;

#[cfg(test)]
mod tests;

use crate::store::watermark::Watermark;
pub use open::OpenError;

use self::core::{Commit, Core};
use super::engine::{Caps, CommitError, Engine, Head, Pairs, ReadError, Snapshot, Write};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};

/// Longest scan that is run on an async thread: about 50 µs from the cache.
const SHORT_SCAN: usize = 128;

/// What an operator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// Bytes of memory for sled's cache of tree nodes; it uses two to three
    /// times that much when all is counted.
    pub cache_bytes: u64,
}

/// An engine on a directory.
#[derive(Debug)]
pub struct SledEngine {
    core: Arc<Core>,
}

impl SledEngine {
    /// Opens the store in a directory, which is made if need be. Blocks, for
    /// seconds if the store is large.
    ///
    /// # Errors
    /// If the store is in use, damaged, or older than what it had acknowledged;
    /// the text says what to do.
    pub fn open(dir: &Path, options: SledOptions) -> Result<SledEngine, OpenError> {
        Self::open_with_watermark(dir, dir, options)
    }

    /// Opens the store in a directory, with its watermark in another one: then a
    /// backup that is restored does not bring an old watermark with it.
    ///
    /// # Errors
    /// As [`SledEngine::open`].
    pub fn open_with_watermark(
        dir: &Path,
        watermark_dir: &Path,
        options: SledOptions,
    ) -> Result<SledEngine, OpenError> {
        let opened = open::open(dir, watermark_dir, options)?;
        Ok(SledEngine { core: Arc::new(Core::new(opened)) })
    }

    /// Opens a store that may be older than its watermark, for whoever decides what
    /// follows from that; gives the watermark too.
    ///
    /// # Errors
    /// As [`SledEngine::open`].
    pub fn open_after_loss(
        dir: &Path,
        watermark_dir: &Path,
        options: SledOptions,
    ) -> Result<(SledEngine, Watermark), OpenError> {
        let noted = open::noted(dir, watermark_dir)?.unwrap_or_default();
        let opened = open::open_after_loss(dir, watermark_dir, options)?;
        Ok((SledEngine { core: Arc::new(Core::new(opened)) }, noted))
    }

    /// Finishes the commit in progress, refuses those that come, brings
    /// everything to the disk and gives the directory back. Reads and writes
    /// answer `Unavailable` from then on. Closing again does nothing.
    ///
    /// An engine that is dropped does the same, but blocks its thread.
    ///
    /// # Errors
    /// If the last flush failed; nothing that was acknowledged is affected.
    pub async fn close(&self) -> Result<(), CommitError> {
        let mut turn = Arc::clone(&self.core.turn).lock_owned().await;
        let core = Arc::clone(&self.core);
        let closing = move || {
            let closed = core.close(&mut turn);
            drop(turn);
            closed
        };
        spawn_blocking(closing).await.unwrap_or_else(|error| Err(unfinished(&error)))
    }

    /// Waits for a state; fails if it can no longer come.
    async fn reach(&self, log: &str, min_seq: u64) -> Result<(), ReadError> {
        if min_seq == 0 {
            return Ok(());
        }
        let mut ended = self.core.ended.subscribe();
        tokio::select! {
            biased;
            reached = self.core.hints.reach(log, min_seq) => reached,
            reason = ended.wait_for(Option::is_some) => {
                let reason = reason.ok().and_then(|reason| reason.clone()).unwrap_or_default();
                Err(ReadError::Unavailable(reason))
            }
        }
    }
}

/// A blocking task that the runtime gave up, as it does when it shuts down.
fn unfinished(error: &JoinError) -> CommitError {
    CommitError::Unknown(format!("the server is shutting down: {error}"))
}

#[async_trait]
impl Engine for SledEngine {
    async fn head(&self, log: &str) -> Result<Option<Head>, ReadError> {
        self.core.head(log)
    }

    async fn get(
        &self,
        log: &str,
        keys: &[Bytes],
        min_seq: u64,
    ) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        self.reach(log, min_seq).await?;
        self.core.get(log, keys)
    }

    async fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
        min_seq: u64,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        self.reach(log, min_seq).await?;
        if limit <= SHORT_SCAN {
            return self.core.scan(log, range, limit, reverse);
        }
        let (core, log) = (Arc::clone(&self.core), log.to_owned());
        let scanning = move || core.scan(&log, range, limit, reverse);
        spawn_blocking(scanning).await.unwrap_or_else(|error| Err(ReadError::Unavailable(error.to_string())))
    }

    /// Once begun, a commit goes on even if nobody waits for it any more.
    async fn commit(
        &self,
        log: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError> {
        self.caps().admit(&writes)?;
        let mut turn = Arc::clone(&self.core.turn).lock_owned().await;
        let core = Arc::clone(&self.core);
        let commit = Commit { log: log.to_owned(), expected: expected.cloned(), writes, head };
        let committing = move || {
            let committed = core.commit(&mut turn, commit);
            drop(turn);
            committed
        };
        spawn_blocking(committing).await.unwrap_or_else(|error| Err(unfinished(&error)))
    }

    fn hint(&self, log: &str) -> watch::Receiver<u64> {
        self.core.hints.subscribe(log)
    }

    fn caps(&self) -> Caps {
        Caps::EMBEDDED
    }
}
