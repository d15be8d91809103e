//! Writers that remember what they were told.

use crate::{
    ask::{Ask, describe_model, record, record_batch},
    support::{create_model, create_version, version_name},
};
use std::sync::Mutex;
use tokio::sync::watch;
use tonic::{Code, Status, transport::Channel};

/// The model that all writers work on.
pub const SHARED: &str = "shared";
/// Evaluations of one batch: events of one mutation, which never part.
const TOGETHER: usize = 4;

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
    /// What all writers need before they can begin, nothing of it sent yet.
    pub fn beginning() -> Self {
        let asks = [Ask::from(create_model(SHARED)), create_version(SHARED).into()];
        let asks = asks.into_iter().enumerate();
        let open = asks.map(|(n, ask)| ask.with_request_id(&format!("beginning-w0-{n}"))).collect();
        Ledger { open: Mutex::new(open), ..Self::default() }
    }

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
        3 => record_batch(SHARED, 1, &id, TOGETHER),
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

/// The writers of three teams share the work; an id tells which one wrote.
fn actor(ask: &Ask) -> String {
    let writer = ask.request_id().split('-').nth(1).unwrap();
    format!("team-{}", writer[1..].parse::<usize>().unwrap() % 3)
}

/// Sends a request in the name of its team.
pub async fn send(ask: &Ask, channel: &Channel) -> Result<Vec<u8>, Status> {
    ask.send_as(channel, Some(&actor(ask))).await
}

/// Whether a call failed because the server died during it.
pub fn died(status: &Status) -> bool {
    [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal].contains(&status.code())
}

/// Writes until the server dies.
pub async fn write(channel: Channel, word: String, ledger: &Ledger) {
    for n in 0.. {
        let ask = request(&word, n);
        match send(&ask, &channel).await {
            Ok(answer) => {
                ledger.answered.lock().unwrap().push((ask, answer));
                ledger.count.send_modify(|count| *count += 1);
            }
            Err(status) => {
                assert!(died(&status), "{status:?}");
                ledger.open.lock().unwrap().push(ask);
                return;
            }
        }
    }
}
