//! Wake-ups: for each log, the newest size that readers may rely on.

use super::engine::ReadError;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// One watch channel for each log that somebody asked about or wrote to.
#[derive(Debug, Default)]
pub struct Hints {
    channels: RwLock<HashMap<String, watch::Sender<u64>>>,
}

impl Hints {
    /// Hints for logs that have these sizes already.
    pub fn starting_at<'a>(sizes: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let channels = sizes.map(|(log, size)| (log.to_owned(), watch::Sender::new(size))).collect();
        Self { channels: RwLock::new(channels) }
    }

    /// Follows the size of a log, which is 0 until it is first announced.
    pub fn subscribe(&self, log: &str) -> watch::Receiver<u64> {
        let known = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = known.get(log) {
            return channel.subscribe();
        }
        drop(known);
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.entry(log.to_owned()).or_default().subscribe()
    }

    /// Wakes everybody who follows the log. To be called once reads show that
    /// size, never before.
    pub fn announce(&self, log: &str, size: u64) {
        let known = self.channels.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = known.get(log) {
            channel.send_replace(size);
            return;
        }
        drop(known);
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.entry(log.to_owned()).or_default().send_replace(size);
    }

    /// Waits until the log has at least `min_seq` events.
    ///
    /// # Errors
    /// If the engine is gone, so that it never will.
    pub async fn reach(&self, log: &str, min_seq: u64) -> Result<(), ReadError> {
        if min_seq == 0 {
            return Ok(());
        }
        let mut size = self.subscribe(log);
        match size.wait_for(|size| *size >= min_seq).await {
            Ok(_) => Ok(()),
            Err(_) => Err(ReadError::Unavailable("it was closed".to_owned())),
        }
    }
}
