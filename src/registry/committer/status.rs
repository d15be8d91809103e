//! What others see of a committer: whether it takes writes, and which of its
//! batches are still under way.

use crate::{
    domain::{name::NamespaceId, time::Timestamp},
    registry::error::Error,
};
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::watch;

/// State of a committer that others look at.
#[derive(Debug)]
pub struct Status {
    /// Why writes are refused; `None` while all is well.
    pub failed: watch::Sender<Option<String>>,
    turns: watch::Sender<Turns>,
    /// In microseconds: commits come later than this, because somebody was told
    /// what the log held at this time.
    promised: AtomicI64,
}

/// Counts batches. They end in the order in which they began.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// Batches that were given their time.
    begun: u64,
    /// Of these, how many are durable or given up.
    ended: u64,
}

impl Default for Status {
    fn default() -> Self {
        Status {
            failed: watch::Sender::new(None),
            turns: watch::Sender::default(),
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

    /// What whoever wants to write is told, once writes are refused.
    pub fn refusal(&self) -> Option<Error> {
        self.failed.borrow().as_deref().map(|cause| Error::Unavailable(refusing(cause)))
    }

    /// Waits until no batch is under way whose time may be `past` or before it,
    /// and keeps later ones behind it, whatever the clock does.
    pub async fn settle(&self, past: Timestamp) {
        // A batch that begins after this line sees it; one that began before is
        // waited for.
        self.promised.fetch_max(past.micros(), Ordering::SeqCst);
        let mut turns = self.turns.subscribe();
        let begun = turns.borrow().begun;
        // The sender lives as long as the log that is asked.
        let _ = turns.wait_for(|now| now.ended >= begun).await;
    }

    /// Begins a batch: answers the time that it has to be later than.
    pub fn begin(&self) -> i64 {
        self.turns.send_modify(|turns| turns.begun += 1);
        self.promised.load(Ordering::SeqCst)
    }

    /// Ends the oldest batch under way.
    pub fn end(&self) {
        self.turns.send_modify(|turns| turns.ended += 1);
    }

    /// Ends all batches: nobody works on them any more.
    pub fn end_all(&self) {
        self.turns.send_modify(|turns| turns.ended = turns.begun);
    }
}

/// What callers are told once writes are refused.
pub fn refusing(cause: &str) -> String {
    format!("the registry takes no writes ({cause}); reads go on; mend the cause and restart the server")
}
