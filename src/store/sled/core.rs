//! The reads of an engine, and its commit in steps. Nothing here is async.

use super::disk::Disk;
use super::fault::{Fault, guarded};
use super::open::{self, Opened};
use super::stall::Watch;
use super::undo::Undo;
use crate::store::engine::{CommitError, Head, Pairs, ReadError, Snapshot, Write, is_reserved};
use crate::store::head;
use crate::store::hints::Hints;
use crate::store::watermark::Writer;
use ::sled::{Batch, Db, IVec};
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{Mutex, watch};

/// The reason that readers and writers are given after a close.
const CLOSED: &str = "it was closed";
/// The first key that is not reserved.
const FIRST_KEY: &[u8] = &[0x01];

/// A commit on its way.
pub(super) struct Commit {
    pub(super) log: String,
    pub(super) expected: Option<Head>,
    pub(super) writes: Vec<Write>,
    pub(super) head: Head,
}

/// What the engine shares with the threads that block for it.
pub(super) struct Core {
    state: RwLock<State>,
    pub(super) hints: Hints,
    watermark: Writer,
    watch: Watch,
    /// Why no more writes are taken; `None` while they are.
    pub(super) ended: watch::Sender<Option<String>>,
    /// Held by the one commit that has its turn.
    pub(super) turn: Arc<Mutex<Disk>>,
}

/// Everything a reader needs to see one durable state.
struct State {
    /// `None` once closed.
    db: Option<Db>,
    /// Wins over the tree.
    undo: Undo,
    /// The heads of the last durable state.
    heads: HashMap<String, Head>,
}

impl State {
    fn seq(&self, log: &str) -> u64 {
        self.heads.get(log).map_or(0, |head| head.size)
    }

    fn db(&self) -> Result<&Db, ReadError> {
        self.db.as_ref().ok_or_else(|| ReadError::Unavailable(CLOSED.to_owned()))
    }
}

fn bytes(value: IVec) -> Bytes {
    Bytes::copy_from_slice(&value)
}

impl Core {
    pub(super) fn new(opened: Opened) -> Self {
        let Opened { db, disk, heads, watermark, watch } = opened;
        Core {
            hints: Hints::starting_at(heads.iter().map(|(log, head)| (log.as_str(), head.size))),
            state: RwLock::new(State { db: Some(db), undo: Undo::default(), heads }),
            watermark,
            watch,
            ended: watch::Sender::new(None),
            turn: Arc::new(Mutex::new(disk)),
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self, log: &str) -> Result<Option<Head>, ReadError> {
        let state = self.state();
        state.db()?;
        Ok(state.heads.get(log).cloned())
    }

    pub(super) fn get(&self, log: &str, keys: &[Bytes]) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        let state = self.state();
        let db = state.db()?;
        let value = |key: &Bytes| {
            if is_reserved(key) {
                return Ok(None);
            }
            match state.undo.get(key) {
                Some(durable) => Ok(durable),
                None => db.get(key).map(|value| value.map(bytes)),
            }
        };
        let value = guarded(|| keys.iter().map(value).collect())?;
        Ok(Snapshot { seq: state.seq(log), value })
    }

    pub(super) fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        let state = self.state();
        let (db, seq) = (state.db()?, state.seq(log));
        let range = range.start.max(Bytes::from_static(FIRST_KEY))..range.end;
        if range.start >= range.end {
            return Ok(Snapshot { seq, value: Vec::new() });
        }
        let value = guarded(|| {
            let owned =
                |pair: ::sled::Result<(IVec, IVec)>| pair.map(|(key, value)| (bytes(key), bytes(value)));
            let tree = db.range(range.clone());
            if reverse {
                state.undo.over(tree.rev().map(owned), range, limit, reverse)
            } else {
                state.undo.over(tree.map(owned), range, limit, reverse)
            }
        })?;
        Ok(Snapshot { seq, value })
    }

    /// A whole commit; whoever calls has its turn.
    pub(super) fn commit(&self, disk: &mut Disk, commit: Commit) -> Result<(), CommitError> {
        self.admit(&commit)?;
        self.apply(&commit)?;
        self.persist(disk)?;
        self.publish(commit);
        Ok(())
    }

    fn admit(&self, commit: &Commit) -> Result<(), CommitError> {
        if let Some(reason) = &*self.ended.borrow() {
            return Err(CommitError::Unavailable(reason.clone()));
        }
        Head::confirm(self.state().heads.get(&commit.log), commit.expected.as_ref())
    }

    /// Hides the batch from readers and writes it to the tree.
    pub(super) fn apply(&self, commit: &Commit) -> Result<(), CommitError> {
        let db = self.state().db.clone().ok_or_else(|| CommitError::Unavailable(CLOSED.to_owned()))?;
        let encoded =
            head::encode(&commit.head).map_err(|error| CommitError::Unavailable(error.to_string()))?;
        // Read before the lock is taken, since this may wait for the disk. It
        // holds: nobody else writes during this turn.
        let undo = guarded(|| durable_values(&db, &commit.writes)).map_err(|fault| {
            let reason = format!("what is to be overwritten cannot be read: {fault}");
            self.end(&reason);
            CommitError::Unavailable(reason)
        })?;
        let mut batch = Batch::default();
        for write in &commit.writes {
            match write.value() {
                Some(value) => batch.insert(&write.key()[..], &value[..]),
                None => batch.remove(&write.key()[..]),
            }
        }
        batch.insert(&head::key(&commit.log)[..], encoded);
        self.state_mut().undo = undo;
        let _watched = self.watch.over_a_call();
        guarded(|| db.apply_batch(batch)).map_err(|fault| self.unknown(&fault))
    }

    /// Brings to the disk what the tree holds.
    pub(super) fn persist(&self, disk: &mut Disk) -> Result<(), CommitError> {
        let db = self.state().db.clone().ok_or_else(|| CommitError::Unavailable(CLOSED.to_owned()))?;
        let _watched = self.watch.over_a_call();
        // Blobs go first: what is flushed points to them.
        let flushed = disk.sync_blobs().map_err(Fault::Io).and_then(|()| guarded(|| db.flush()));
        flushed.and_then(|_| disk.sync().map_err(Fault::Io)).map_err(|fault| self.unknown(&fault))
    }

    /// Shows the batch, which is durable now, to readers.
    pub(super) fn publish(&self, commit: Commit) {
        let Commit { log, head, .. } = commit;
        self.watermark.raise(&log, &head);
        let size = head.size;
        let mut state = self.state_mut();
        let undone = std::mem::take(&mut state.undo);
        match state.heads.get_mut(&log) {
            Some(known) => *known = head,
            None => {
                state.heads.insert(log.clone(), head);
            }
        }
        drop(state);
        // A large one takes a while to free; no reader has to wait for that.
        drop(undone);
        self.hints.announce(&log, size);
    }

    /// After a failure half-way nobody knows what is on disk. What is in memory
    /// stays as it is: the undo overlay hides the batch for good.
    fn unknown(&self, fault: &Fault) -> CommitError {
        self.end(&format!(
            "an earlier write failed ({fault}), so that it is not known what is on disk; mend the cause \
             and restart the server"
        ));
        CommitError::Unknown(fault.to_string())
    }

    /// Takes no more writes, for this reason; the first reason stays.
    fn end(&self, reason: &str) {
        let is_first = self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            ended.get_or_insert_with(|| reason.to_owned());
            is_first
        });
        if is_first && reason != CLOSED {
            tracing::error!(reason, "the store takes no more writes");
        }
    }

    /// Ends reads and writes, and gives the files back; whoever calls has its turn.
    pub(super) fn close(&self, disk: &mut Disk) -> Result<(), CommitError> {
        let is_sound = self.ended.borrow().is_none();
        let persisted = if is_sound { self.persist(disk) } else { Ok(()) };
        self.end(CLOSED);
        self.watermark.finish();
        self.watch.finish();
        let db = self.state_mut().db.take();
        if let Some(db) = db {
            open::release(db, disk);
            if is_sound && persisted.is_ok() {
                open::seal(disk);
            }
        }
        persisted
    }
}

fn durable_values(db: &Db, writes: &[Write]) -> ::sled::Result<Undo> {
    let mut undo = Undo::default();
    for write in writes {
        let key = write.key();
        match write {
            Write::Insert(..) => undo.note(key, || ::sled::Result::Ok(None))?,
            Write::Put(..) | Write::Delete(_) => {
                undo.note(key, || db.get(key).map(|value| value.map(bytes)))?
            }
        }
    }
    Ok(undo)
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("ended", &*self.ended.borrow()).finish_non_exhaustive()
    }
}

/// For engines that were dropped without being closed.
impl Drop for Core {
    fn drop(&mut self) {
        let turn = Arc::clone(&self.turn);
        if let Ok(mut disk) = turn.try_lock()
            && self.state().db.is_some()
            && let Err(error) = self.close(&mut disk)
        {
            tracing::error!(%error, "the store was not closed cleanly");
        }
    }
}
