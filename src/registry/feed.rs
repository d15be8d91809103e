//! The newest events of a log in memory, shared by all who follow it: no queue
//! per follower, each event encoded and parsed once. Who falls behind it reads
//! pages from the store and joins again.

use super::leaf::AuditEvent;
use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::watch;

/// How much of a log its followers share in memory, and how much one of them
/// takes at once. Small ones make a short log try what a long one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most events in the ring.
    pub ring_events: usize,
    /// Most bytes of leaves in the ring.
    pub ring_bytes: usize,
    /// Most events that a follower reads at once, unless one mutation has more.
    pub page: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { ring_events: 8_192, ring_bytes: 16 << 20, page: 512 }
    }
}

/// The newest events, and how many there are in all.
#[derive(Debug)]
pub struct Feed {
    /// How large it may be.
    pub limits: Limits,
    ring: RwLock<Ring>,
    size: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<AuditEvent>>,
    bytes: usize,
}

impl Feed {
    /// A feed of a log with so many events, none of them in memory.
    pub fn new(size: u64, limits: Limits) -> Self {
        Feed { limits, ring: RwLock::default(), size: watch::Sender::new(size) }
    }

    /// Number of durable events.
    pub fn size(&self) -> u64 {
        *self.size.borrow()
    }

    /// Tells when there are more.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    /// Adds events that have become durable, and wakes those who wait.
    pub fn publish(&self, events: Vec<Arc<AuditEvent>>, size: u64) {
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            for event in events {
                let next = ring.events.back().map(|last| last.position + 1);
                if next.is_some_and(|next| next != event.position) {
                    ring.events.clear();
                    ring.bytes = 0;
                }
                ring.bytes += event.leaf.len();
                ring.events.push_back(event);
            }
            while ring.events.len() > self.limits.ring_events || ring.bytes > self.limits.ring_bytes {
                match ring.events.pop_front() {
                    Some(event) => ring.bytes -= event.leaf.len(),
                    None => break,
                }
            }
        }
        self.size.send_replace(size);
    }

    /// At most `limit` events from a position on; `None` when the ring does not
    /// reach back to it.
    pub fn read(&self, from: u64, limit: usize) -> Option<Vec<Arc<AuditEvent>>> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let first = ring.events.front()?.position;
        let skip = usize::try_from(from.checked_sub(first)?).ok()?;
        if skip >= ring.events.len() {
            return None;
        }
        Some(ring.events.iter().skip(skip).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{domain::time::Timestamp, registry::leaf::Mutation};
    use bytes::Bytes;

    fn events(positions: std::ops::Range<u64>) -> Vec<Arc<AuditEvent>> {
        positions
            .map(|position| {
                Arc::new(AuditEvent {
                    position,
                    leaf: Bytes::from_static(b"{}"),
                    kind: String::new(),
                    subject: String::new(),
                    actor: String::new(),
                    time: Timestamp::MIN,
                    mutation: Mutation { count: 1, index: 0 },
                })
            })
            .collect()
    }

    #[test]
    fn the_ring_holds_only_the_newest_and_says_when_it_does_not_reach_back() {
        let feed = Feed::new(0, Limits::default());
        assert_eq!(feed.read(0, 10), None);
        feed.publish(events(0..10_000), 10_000);
        assert_eq!(feed.size(), 10_000);
        assert_eq!(feed.read(0, 10), None, "too old");
        let oldest = 10_000 - feed.limits.ring_events as u64;
        assert_eq!(feed.read(oldest, 2).unwrap()[1].position, oldest + 1);
        assert_eq!(feed.read(9_999, 10).unwrap().len(), 1);
        assert_eq!(feed.read(10_000, 10), None, "not there yet");
    }

    #[test]
    fn a_gap_empties_the_ring_rather_than_hiding_in_it() {
        let feed = Feed::new(0, Limits::default());
        feed.publish(events(0..5), 5);
        feed.publish(events(7..9), 9);
        assert_eq!(feed.read(3, 10), None);
        assert_eq!(feed.read(7, 10).unwrap().len(), 2);
    }
}
