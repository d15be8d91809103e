//! A batch on its way to the disk.

use super::{Caller, status::refusing};
use crate::{
    audit::merkle::Frontier,
    registry::{error::Error, leaf::AuditEvent, view::Overlay},
    store::engine::{CommitError, Engine, Head, Write},
};
use std::{
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

/// A batch that the engine is writing, and what follows once it is durable.
pub struct Flight {
    /// Ends with the write.
    pub landing: Landing,
    /// The head of the log with the batch.
    pub head: Head,
    /// The tree with it.
    pub frontier: Frontier,
    /// What it writes, for those who decide meanwhile.
    pub overlay: Overlay,
    /// Its events.
    pub events: Vec<Arc<AuditEvent>>,
    /// Who waits for it, with what they are told then.
    pub callers: Vec<Caller>,
}

/// Becomes the outcome of a write.
pub type Landing = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Why a batch was not committed.
pub enum Failure {
    /// Another process wrote first: decide again over what it wrote.
    Moved,
    /// Final for this batch, and writes are refused from now on for this cause.
    Broken(Error, String),
    /// Final for this batch only.
    Refused(Error),
}

/// The end of the flight, if there is one.
pub async fn landing(flight: &mut Option<Flight>) -> Result<(), Failure> {
    match flight {
        Some(flight) => (&mut flight.landing).await,
        None => pending().await,
    }
}

/// Writes a batch, and finds out what became of it when the engine cannot say.
pub async fn write(
    engine: Arc<dyn Engine>,
    log: String,
    expected: Option<Head>,
    writes: Vec<Write>,
    head: Head,
) -> Result<(), Failure> {
    let batch_id = head.batch_id;
    let broken = |cause: String| Failure::Broken(Error::Unavailable(refusing(&cause)), cause);
    Err(match engine.commit(&log, expected.as_ref(), writes, head).await {
        Ok(()) => return Ok(()),
        Err(CommitError::HeadMoved(_)) if engine.caps().replicated => Failure::Moved,
        // This engine has one writer; a second one would take positions twice.
        Err(CommitError::HeadMoved(_)) => broken("another process has written to the log".to_owned()),
        Err(CommitError::Unknown(_)) if took_place(&*engine, &log, expected.as_ref(), batch_id).await => {
            return Ok(());
        }
        Err(CommitError::Unknown(cause)) => Failure::Broken(Error::Unknown(cause.clone()), cause),
        Err(CommitError::Unavailable(cause)) => broken(cause),
        Err(CommitError::ReservedKey) => {
            Failure::Refused(Error::Internal("a change wrote a key of the engine".to_owned()))
        }
        Err(CommitError::TooLarge { writes, bytes }) => Failure::Refused(Error::Unavailable(format!(
            "too much waits at once ({writes} writes, {bytes} bytes): send less and try again"
        ))),
    })
}

/// Whether a commit whose answer was lost took place: the head tells.
async fn took_place(engine: &dyn Engine, log: &str, expected: Option<&Head>, batch_id: [u8; 16]) -> bool {
    for pause in [0, 50, 200, 1_000] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match engine.head(log).await {
            Ok(Some(found)) if found.batch_id == batch_id => return true,
            Ok(found) if found.as_ref() == expected => return false,
            Ok(_) | Err(_) => {}
        }
    }
    false
}
