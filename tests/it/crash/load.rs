//! Writers that remember what they were told, and a subscriber that remembers
//! what it got.

use crate::{
    ask::{Ask, describe_model, record, record_batch},
    stream::reader::{Reader, behind, from_the_beginning},
    support::{create_model, create_version, version_name},
};
use std::sync::Mutex;
use steward_registry::proto::v1::{AuditEvent, subscribe_audit_events_response::Message};
use tokio::sync::watch;
use tonic::{Code, transport::Channel};

/// The model that all writers work on.
pub const SHARED: &str = "shared";

/// What the writers were told.
#[derive(Debug)]
pub struct Ledger {
    /// Requests with their answers.
    pub answered: Mutex<Vec<(Ask, Vec<u8>)>>,
    /// Requests that the death of the server left open.
    pub open: Mutex<Vec<Ask>>,
    count: watch::Sender<usize>,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { answered: Mutex::default(), open: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Ledger {
    /// Until so many requests were answered.
    pub async fn reached(&self, count: usize) {
        self.count.subscribe().wait_for(|answered| *answered >= count).await.unwrap();
    }
}

/// The n-th request of a writer, under an id of its own.
fn request(word: &str, n: usize) -> Ask {
    let id = format!("{word}-{n}");
    let version = version_name(SHARED, 1);
    let ask = match n % 5 {
        0 => create_model(&id).into(),
        1 => create_version(SHARED).into(),
        2 => record(&version, &id, 1).into(),
        3 => record_batch(SHARED, 1, &id, 20),
        _ => describe_model(SHARED, &id, ""),
    };
    ask.with_request_id(&id)
}

/// How many events a request makes.
pub fn events_of(ask: &Ask) -> usize {
    match ask {
        Ask::BatchRecordEvaluations(batch) => batch.requests.len(),
        _ => 1,
    }
}

/// Writes until the server dies.
pub async fn write(channel: Channel, word: String, ledger: &Ledger) {
    for n in 0.. {
        let ask = request(&word, n);
        match ask.send(&channel).await {
            Ok(answer) => {
                ledger.answered.lock().unwrap().push((ask, answer));
                ledger.count.send_modify(|count| *count += 1);
            }
            Err(status) => {
                let died = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal];
                assert!(died.contains(&status.code()), "{status:?}");
                ledger.open.lock().unwrap().push(ask);
                return;
            }
        }
    }
}

/// One who follows the log through every death of the server.
#[derive(Debug, Default)]
pub struct Follower {
    token: String,
    pub events: Vec<AuditEvent>,
}

impl Follower {
    /// Follows until the server dies, or until the log is read up to a size.
    pub async fn follow(mut self, channel: Channel, size: Option<u64>) -> Self {
        let request = if self.token.is_empty() { from_the_beginning() } else { behind(&self.token) };
        let Ok(mut reader) = Reader::over(&channel, request).await else { return self };
        while size.is_none_or(|size| (self.events.len() as u64) < size) {
            match reader.message().await {
                Ok(Some(Message::Batch(batch))) => {
                    for event in batch.events {
                        assert_eq!(event.position, self.events.len() as u64, "a gap or a repeat");
                        self.events.push(event);
                    }
                    self.token = batch.resume_token;
                }
                Ok(Some(Message::Progress(progress))) => self.token = progress.resume_token,
                Ok(Some(Message::End(_)) | None) | Err(_) => break,
            }
        }
        self
    }
}
