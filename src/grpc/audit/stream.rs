//! A subscription as a gRPC stream: one delivery ahead of the reader, an end
//! with a token for whoever accepts nothing for five minutes, and for everybody
//! when the server drains.

use super::write_event;
use crate::{
    grpc::error::status,
    proto::v1::{self, subscribe_audit_events_response::Message},
    registry::{
        error::Error,
        stream::{Delivery, Stream as EventStream},
        token::ResumeToken,
    },
};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Code, Status};

/// A reader that accepts nothing for so long is told to come back.
pub const STALLED: Duration = Duration::from_secs(300);

type Item = Result<v1::SubscribeAuditEventsResponse, Status>;

/// What a stream sends.
pub struct Deliveries {
    items: mpsc::Receiver<Item>,
    /// What ends the stream once `items` is empty, the last item first.
    ending: Arc<OnceLock<Ending>>,
    sent: usize,
}

/// The last message and the status behind it.
struct Ending {
    message: v1::SubscribeAuditEventsResponse,
    status: Option<Status>,
}

impl Stream for Deliveries {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        match self.items.poll_recv(context) {
            Poll::Ready(None) => {}
            other => return other,
        }
        let sent = self.sent;
        self.sent += 1;
        let Some(ending) = self.ending.get() else { return Poll::Ready(None) };
        Poll::Ready(match (sent, &ending.status) {
            (0, _) => Some(Ok(ending.message.clone())),
            (1, Some(status)) => Some(Err(status.clone())),
            _ => None,
        })
    }
}

/// Starts to deliver. The task ends with the reader, the stream or the server.
pub fn deliver(subscription: EventStream) -> Deliveries {
    let (sender, items) = mpsc::channel(1);
    let ending = Arc::new(OnceLock::new());
    tokio::spawn(pump(subscription, sender, ending.clone()));
    Deliveries { items, ending, sent: 0 }
}

async fn pump(mut subscription: EventStream, sender: mpsc::Sender<Item>, ending: Arc<OnceLock<Ending>>) {
    loop {
        // Room first: then the token of a stalled stream stands behind what was
        // accepted, and nothing is read for a reader that does not read.
        let room = tokio::select! {
            room = tokio::time::timeout(STALLED, sender.reserve()) => room,
            () = subscription.drained() => {
                let _ = ending.set(drained(subscription.token()));
                return;
            }
        };
        let room = match room {
            Ok(Ok(room)) => room,
            Ok(Err(_)) => return,
            Err(_) => {
                let _ = ending.set(stalled(subscription.token()));
                return;
            }
        };
        let delivery = tokio::select! {
            delivery = subscription.next() => delivery,
            () = sender.closed() => return,
        };
        match write(&subscription, delivery).await {
            Ok(Step::Item(message)) => room.send(Ok(message)),
            Ok(Step::End(end)) => {
                let _ = ending.set(end);
                return;
            }
            Err(error) => {
                room.send(Err(error.into()));
                return;
            }
        }
    }
}

enum Step {
    Item(v1::SubscribeAuditEventsResponse),
    End(Ending),
}

async fn write(stream: &EventStream, delivery: Result<Delivery, Error>) -> Result<Step, Error> {
    Ok(match delivery? {
        Delivery::Batch(events, token) => {
            let actors = stream.actors(&events).await?;
            let events = events.iter().zip(actors).map(|(event, actor)| write_event(event, actor)).collect();
            let resume_token = token.encode();
            Step::Item(response(Message::Batch(v1::AuditEventBatch { events, resume_token })))
        }
        Delivery::Progress(token) => Step::Item(response(Message::Progress(v1::AuditProgress {
            next_position: token.next,
            resume_token: token.encode(),
        }))),
        Delivery::Stopped(token) => {
            Step::End(end(v1::AuditStreamEndReason::StopPosition, &token.encode(), None))
        }
        Delivery::Drained(token) => Step::End(drained(token)),
    })
}

fn drained(token: ResumeToken) -> Ending {
    let token = token.encode();
    let sentence = "the server is shutting down; resume with the token".to_owned();
    let status = status(Code::Unavailable, sentence, "DRAINING", [("resume_token", token.clone())]);
    end(v1::AuditStreamEndReason::Drain, &token, Some(status))
}

fn stalled(token: ResumeToken) -> Ending {
    let token = token.encode();
    let sentence = "nothing was accepted for five minutes; resume with the token".to_owned();
    let status = status(Code::Aborted, sentence, "STREAM_STALLED", [("resume_token", token.clone())]);
    end(v1::AuditStreamEndReason::Stalled, &token, Some(status))
}

fn end(reason: v1::AuditStreamEndReason, token: &str, status: Option<Status>) -> Ending {
    let end = v1::AuditStreamEnd { reason: reason.into(), resume_token: token.to_owned() };
    Ending { message: response(Message::End(end)), status }
}

fn response(message: Message) -> v1::SubscribeAuditEventsResponse {
    v1::SubscribeAuditEventsResponse { message: Some(message) }
}

#[cfg(test)]
mod tests;
