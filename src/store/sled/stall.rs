//! A watch over calls that sled may leave hanging.
//!
//! When a write fails in a thread of sled's own, sled notes it, but does not
//! always wake who waits for that write. Any other flush finds the note and wakes
//! everybody. So a call that takes longer than a moment gets one beside it: if
//! nothing has failed, that one waits as well, and no harm is done.

use super::fault::guarded;
use ::sled::Db;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a call may take before it is looked after; it may take twice that.
const MOMENT: Duration = Duration::from_secs(1);

/// Looks after one call at a time, from a thread of its own.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    /// Counts the beginnings and ends of calls: odd during one.
    turns: AtomicU64,
    ending: Mutex<bool>,
    changed: Condvar,
}

/// A call in progress.
pub(super) struct Call<'a>(&'a Shared);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
    }
}

impl Watch {
    /// Begins to watch over calls of this store.
    pub(super) fn start(db: Db) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("stall".to_owned())
            .spawn(move || watched.watch_until_ended(&db))?;
        Ok(Watch { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Looks after a call until what this returns is dropped.
    pub(super) fn over_a_call(&self) -> Call<'_> {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        Call(&self.shared)
    }

    /// Ends, and lets the store go. Later calls do nothing.
    pub(super) fn finish(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            *self.shared.ending.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.shared.changed.notify_one();
            if thread.join().is_err() {
                tracing::error!("the thread that watches over sled's calls ended in a panic");
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn watch_until_ended(&self, db: &Db) {
        let (mut seen, mut moments) = (0, 0_u32);
        let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ending {
            let waited = self.changed.wait_timeout_while(ending, MOMENT, |ending| !*ending);
            ending = waited.unwrap_or_else(PoisonError::into_inner).0;
            let turn = self.turns.load(Ordering::Relaxed);
            moments = if turn % 2 == 1 && turn == seen { moments.saturating_add(1) } else { 0 };
            // Ever more seldom: what comes to help may hang as well.
            if !*ending && moments.is_power_of_two() {
                tracing::warn!(seconds = moments, "a write to the store takes long");
                wake(db.clone());
            }
            seen = turn;
        }
    }
}

/// Flushes in a thread that may wait as long as the call it is for.
fn wake(db: Db) {
    let flushing = move || {
        // A failure is the call's to report.
        let _ = guarded(|| db.flush());
    };
    if let Err(error) = std::thread::Builder::new().name("stalled".to_owned()).spawn(flushing) {
        tracing::warn!(%error, "no thread can be had to look after it");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_store_is_let_go_when_its_watch_ends_even_during_a_call() {
        let dir = tempfile::tempdir().unwrap();
        let db = ::sled::open(dir.path()).unwrap();
        let watch = Watch::start(db.clone()).unwrap();
        let call = watch.over_a_call();
        watch.finish();
        watch.finish();
        drop(call);
        assert_eq!(watch.shared.turns.load(Ordering::Relaxed), 2);
        assert_eq!(Arc::strong_count(&watch.shared), 1, "the thread has gone");
    }
}
