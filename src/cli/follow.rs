//! Following the audit stream over broken connections: what has been received
//! is never asked for again, and nothing is skipped.

use std::time::Duration;

use tonic::Code;

use super::{client::Session, error::Failure, output::note};
use crate::proto::v1::{
    AuditEvent, AuditEventBatch, AuditProgress, AuditStreamEndReason, SubscribeAuditEventsRequest,
    subscribe_audit_events_request::Start, subscribe_audit_events_response::Message,
};

/// Attempts in a row before the first message; after it, a server may restart.
const ATTEMPTS_AT_FIRST: u32 = 3;
const ATTEMPTS_LATER: u32 = 60;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a follower gets.
#[derive(Debug)]
pub enum News {
    /// Events.
    Batch(AuditEventBatch),
    /// No event, but news of how far the stream is.
    Progress(AuditProgress),
}

impl News {
    /// With it the stream goes on exactly behind this.
    pub fn resume_token(&self) -> &str {
        match self {
            News::Batch(batch) => &batch.resume_token,
            News::Progress(progress) => &progress.resume_token,
        }
    }
}

/// Hands everything from the start of `request` to its stop position, or for
/// ever, to `receive`. Interruptions are bridged with the newest resume token.
/// The start must mean the same whenever it is used: not "latest".
///
/// # Errors
/// The refusal of the server, its absence for too long, a position that came
/// out of order, or the failure of `receive`.
pub async fn follow(
    session: &Session,
    mut request: SubscribeAuditEventsRequest,
    mut receive: impl FnMut(&News) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut order = Order::new(&request);
    let mut attempts = 0;
    let mut resumable = false;
    loop {
        let lost = attend(session, request.clone(), |news| {
            if let News::Batch(batch) = &news {
                order.check(&batch.events)?;
            }
            receive(&news)?;
            request.start = Some(Start::ResumeToken(news.resume_token().to_owned()));
            (attempts, resumable) = (0, true);
            Ok(())
        })
        .await;
        let Err(failure) = lost else { return Ok(()) };
        attempts += 1;
        let limit = if resumable { ATTEMPTS_LATER } else { ATTEMPTS_AT_FIRST };
        if !can_resume(&failure) || attempts >= limit {
            return Err(failure);
        }
        if attempts == 1 && resumable {
            note("The connection is lost; trying again.");
        }
        tokio::time::sleep(wait_before(attempts)).await;
    }
}

/// Reads one stream to its end; an end in order is `Ok`.
async fn attend(
    session: &Session,
    request: SubscribeAuditEventsRequest,
    mut receive: impl FnMut(News) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let send = async |r| session.audit().subscribe_audit_events(r).await;
    let mut stream = session.open(request, send).await?;
    loop {
        let message = stream.message().await.map_err(|status| session.failure(status))?;
        match message.and_then(|response| response.message) {
            Some(Message::Batch(batch)) => receive(News::Batch(batch))?,
            Some(Message::Progress(progress)) => receive(News::Progress(progress))?,
            Some(Message::End(end)) if end.reason() == AuditStreamEndReason::StopPosition => return Ok(()),
            // The status behind it says why; the newest token is already known.
            Some(Message::End(_)) => {}
            None => return Err(session.failure(tonic::Status::unavailable("the stream ended early"))),
        }
    }
}

/// A reader that stood still for minutes is ended with ABORTED, and may go on.
fn can_resume(failure: &Failure) -> bool {
    failure.is_interruption() || failure.code() == Some(Code::Aborted)
}

fn wait_before(attempt: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}

/// The positions seen so far. A loss or a repeat must not stay unnoticed.
#[derive(Debug)]
struct Order {
    last: Option<u64>,
    dense: bool,
}

impl Order {
    fn new(request: &SubscribeAuditEventsRequest) -> Self {
        Order { last: None, dense: request.filter.is_none() }
    }

    fn check(&mut self, events: &[AuditEvent]) -> Result<(), Failure> {
        for event in events {
            let position = event.position;
            let fits = match self.last {
                None => true,
                Some(last) if self.dense => position == last + 1,
                Some(last) => position > last,
            };
            if !fits {
                let last = self.last.unwrap_or_default();
                return Err(Failure::Contract(format!(
                    "The audit stream is broken: position {position} came behind position {last}."
                )));
            }
            self.last = Some(position);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
