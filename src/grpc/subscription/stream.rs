//! The stream of a partition's reader: one delivery ahead of it, and an end at once when
//! another reader takes over.

use crate::{
    grpc::{
        audit::{stream::STALLED, write_event},
        error::status,
    },
    proto::v1::{self, read_subscription_response::Message},
    registry::{error::Error, stream::Delivery, subscription::reader::Reader, token::ResumeToken},
};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Code, Status};

type Item = Result<v1::ReadSubscriptionResponse, Status>;

/// What a stream sends.
pub struct Deliveries {
    items: mpsc::Receiver<Item>,
    /// What ends the stream once `items` is empty.
    ending: Arc<OnceLock<Status>>,
    has_ended: bool,
}

impl Stream for Deliveries {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        match self.items.poll_recv(context) {
            Poll::Ready(None) => {}
            other => return other,
        }
        let ending = self.ending.get().cloned().filter(|_| !self.has_ended);
        self.has_ended = true;
        Poll::Ready(ending.map(Err))
    }
}

/// Starts to deliver. The task ends with the reader, the stream or the server.
pub fn deliver(reader: Reader) -> Deliveries {
    let (sender, items) = mpsc::channel(1);
    let ending = Arc::new(OnceLock::new());
    let kept = ending.clone();
    tokio::spawn(async move {
        if let Err(status) = pump(reader, &sender).await {
            let _ = kept.set(status);
        }
        // Only now: whoever finds the channel closed looks for the status.
        drop(sender);
    });
    Deliveries { items, ending, has_ended: false }
}

/// Delivers until somebody leaves: the reader without a status, all others with one.
async fn pump(mut reader: Reader, sender: &mpsc::Sender<Item>) -> Result<(), Status> {
    let (generation, next_position) = (reader.cursor.generation, reader.cursor.next_position);
    let mut message = Message::Opened(v1::SubscriptionOpened { generation, next_position });
    loop {
        // Room first: nothing is read for a reader that does not read.
        let room = tokio::select! {
            biased;
            () = reader.replaced() => return Err(reader.next().await.err().unwrap_or(Error::ReaderReplaced).into()),
            () = reader.drained() => return Err(drained()),
            room = tokio::time::timeout(STALLED, sender.reserve()) => room,
        };
        match room {
            Ok(Ok(room)) => room.send(Ok(v1::ReadSubscriptionResponse { message: Some(message) })),
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(stalled()),
        }
        let delivery = tokio::select! {
            delivery = reader.next() => delivery,
            () = sender.closed() => return Ok(()),
        };
        message = match delivery? {
            Delivery::Batch(events, token) => {
                let actors = reader.actors(&events).await?;
                Message::Batch(v1::SubscriptionBatch {
                    events: events
                        .iter()
                        .zip(actors)
                        .map(|(event, actor)| write_event(event, actor))
                        .collect(),
                    position: position(&token),
                    generation,
                    resume_token: token.encode(),
                })
            }
            Delivery::Progress(token) => Message::Progress(v1::SubscriptionProgress {
                position: position(&token),
                generation,
                resume_token: token.encode(),
            }),
            Delivery::Stopped(_) | Delivery::Drained(_) => return Err(drained()),
        };
    }
}

/// The newest position that was looked at. A log has an event 0, so there is one.
fn position(token: &ResumeToken) -> u64 {
    token.next.saturating_sub(1)
}

fn drained() -> Status {
    let sentence = "the server is shutting down; open the partition again".to_owned();
    status(Code::Unavailable, sentence, "DRAINING", [])
}

fn stalled() -> Status {
    let sentence = "nothing was accepted for five minutes; open the partition again".to_owned();
    status(Code::Aborted, sentence, "STREAM_STALLED", [])
}
