//! The one primitive that carries all safety: bytes in order, a head for each
//! log, and a commit that is atomic, conditional and durable on return.
//!
//! Everything above bytes-in-order (etags, uniqueness, idempotency, the Merkle
//! tree, cursors) lives above this trait and is tested once, over all engines.

use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use tokio::sync::watch;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The newest durable state of a log. It is written by the commit that writes
/// the events it covers, so the two cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Identity of the log, drawn once with its first event.
    pub log_id: [u8; 16],
    /// Counts the new beginnings that an operator declared after a restore.
    pub epoch: u32,
    /// Number of events. The newest has position `size - 1`.
    pub size: u64,
    /// Root of the RFC 6962 tree over all events.
    pub root: Hash,
    /// Roots of the perfect subtrees that make up the tree, the largest first.
    pub frontier: Vec<Hash>,
    /// Drawn anew for each commit; tells whether an unanswered one took place.
    pub batch_id: [u8; 16],
    /// Commit time in microseconds since 1970; never smaller than the preceding one.
    pub time: i64,
    /// Number of events before this commit.
    pub previous_size: u64,
    /// Frontier before this commit: with it the last batch can be hashed again
    /// when the store is opened.
    pub previous_frontier: Vec<Hash>,
}

impl Head {
    /// Compares what a commit expects with what is there, by size and batch id:
    /// a batch id is drawn once, so equal ones mean the same commit.
    ///
    /// # Errors
    /// [`CommitError::HeadMoved`] with the head that is there.
    pub fn confirm(there: Option<&Head>, expected: Option<&Head>) -> Result<(), CommitError> {
        let identity = |head: &Head| (head.size, head.batch_id);
        if there.map(identity) == expected.map(identity) {
            return Ok(());
        }
        Err(CommitError::HeadMoved(there.cloned().map(Box::new)))
    }
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes a key that the caller knows to be absent.
    Insert(Bytes, Bytes),
    /// Writes a key, absent or not.
    Put(Bytes, Bytes),
    /// Removes a key, absent or not.
    Delete(Bytes),
}

impl Write {
    /// The key that changes.
    pub fn key(&self) -> &Bytes {
        match self {
            Write::Insert(key, _) | Write::Put(key, _) | Write::Delete(key) => key,
        }
    }

    /// Bytes of the key and what it holds afterwards.
    pub fn bytes(&self) -> usize {
        self.key().len() + self.value().map_or(0, Bytes::len)
    }

    /// What the key holds afterwards.
    pub fn value(&self) -> Option<&Bytes> {
        match self {
            Write::Insert(_, value) | Write::Put(_, value) => Some(value),
            Write::Delete(_) => None,
        }
    }
}

/// What one read saw: all of it as of one durable state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// Size of the log at that state; 0 where the log does not exist.
    pub seq: u64,
    /// The values.
    pub value: T,
}

/// Keys with their values, in the order asked for.
pub type Pairs = Vec<(Bytes, Bytes)>;

/// What a commit may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Most writes in one commit, the head not counted.
    pub max_writes: usize,
    /// Most bytes of keys and values in one commit.
    pub max_bytes: usize,
    /// Whether other processes commit to the same logs.
    pub replicated: bool,
}

impl Caps {
    /// What the engines inside this process accept: more than any use case
    /// needs, and little enough for a mistake not to exhaust the memory.
    pub const EMBEDDED: Caps = Caps { max_writes: 100_000, max_bytes: 64 << 20, replicated: false };

    /// Checks a commit before anything of it is written.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] or [`CommitError::ReservedKey`].
    pub fn admit(&self, writes: &[Write]) -> Result<(), CommitError> {
        let bytes = writes.iter().map(Write::bytes).sum();
        if writes.len() > self.max_writes || bytes > self.max_bytes {
            return Err(CommitError::TooLarge { writes: writes.len(), bytes });
        }
        if writes.iter().any(|write| is_reserved(write.key())) {
            return Err(CommitError::ReservedKey);
        }
        Ok(())
    }
}

/// Whether a key belongs to the engines themselves: the empty key and all that
/// start with the byte 0x00. An engine keeps its heads there; they are written
/// by commits only, and reads do not show them.
pub fn is_reserved(key: &[u8]) -> bool {
    matches!(key.first(), None | Some(0x00))
}

/// Why a read did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store does not answer; trying later may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store answers with what cannot be right; trying again will not help.
    #[error(
        "the store is damaged: {0}; restore the newest backup, or rebuild the store from an export with \
         `steward rebuild`"
    )]
    Damaged(String),
}

/// Why a commit was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written: the head is not the expected one.
    #[error("the head of the log moved")]
    HeadMoved(Option<Box<Head>>),
    /// It is not known whether the commit took place: look `batch_id` up in the
    /// head before sending anything again.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// Nothing was written, and nothing will be until the cause is mended.
    #[error("the store takes no writes: {0}")]
    Unavailable(String),
    /// Nothing was written: the commit is larger than [`Caps`] allows.
    #[error("a commit of {writes} writes and {bytes} bytes is larger than the store allows")]
    TooLarge {
        /// Writes in the commit.
        writes: usize,
        /// Bytes of keys and values in the commit.
        bytes: usize,
    },
    /// Nothing was written: a key is one that the engines keep for themselves.
    #[error("a key is empty or starts with the byte 0x00, which is reserved for the engines")]
    ReservedKey,
}

/// Where bytes are kept. A log is named by its namespace; keys of all logs
/// share one ordered key space (see `keys.rs`), of which [`is_reserved`] keys
/// belong to the engines.
///
/// Reads show durable state only: a batch that is applied but not yet flushed
/// is invisible to every method.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The newest durable head of a log; `None` where the log has no event yet.
    async fn head(&self, log: &str) -> Result<Option<Head>, ReadError>;

    /// The values of some keys, all as of one state that is not older than
    /// `min_seq` events of this log. Waits for that state if need be.
    async fn get(
        &self,
        log: &str,
        keys: &[Bytes],
        min_seq: u64,
    ) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError>;

    /// At most `limit` pairs of a half-open key range, from its end backwards
    /// when `reverse`, all as of one state that is not older than `min_seq`.
    async fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
        min_seq: u64,
    ) -> Result<Snapshot<Pairs>, ReadError>;

    /// Writes all or nothing, if the head is still the expected one, and sets
    /// the new head. Durable on return. `expected` is compared by size and
    /// batch id; `None` means that the log has no head yet. If two writes name
    /// the same key, the later one counts.
    async fn commit(
        &self,
        log: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError>;

    /// The newest durable size of a log. A wake-up only: it may skip values and
    /// lag behind; events are read by scanning their dense keys.
    fn hint(&self, log: &str) -> watch::Receiver<u64>;

    /// What a commit may hold.
    fn caps(&self) -> Caps;
}
