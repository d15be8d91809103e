//! A reader of a partition that keeps what it got.

use steward_registry::proto::v1::{
    self, AuditEvent, read_subscription_response::Message,
    subscription_service_client::SubscriptionServiceClient,
};
use tonic::{Status, Streaming, transport::Channel};

/// The reader of a partition.
pub struct Reader {
    stream: Streaming<v1::ReadSubscriptionResponse>,
    pub generation: u64,
    /// Where it began.
    pub next_position: u64,
    /// The newest position that may be acknowledged, and its token.
    pub reached: Option<(u64, String)>,
}

fn request(name: &str, partition: i32) -> v1::ReadSubscriptionRequest {
    let tenth = prost_types::Duration { seconds: 0, nanos: 100_000_000 };
    v1::ReadSubscriptionRequest {
        name: name.to_owned(),
        partition,
        reader: "test".to_owned(),
        progress_interval: Some(tenth),
        ..Default::default()
    }
}

impl Reader {
    pub async fn open(channel: &Channel, name: &str, partition: i32) -> Result<Self, Status> {
        Self::open_with(channel, request(name, partition)).await
    }

    /// With what the reader has kept itself.
    pub async fn open_behind(channel: &Channel, name: &str, token: &str) -> Result<Self, Status> {
        let request = v1::ReadSubscriptionRequest { resume_token: token.to_owned(), ..request(name, 0) };
        Self::open_with(channel, request).await
    }

    async fn open_with(channel: &Channel, request: v1::ReadSubscriptionRequest) -> Result<Self, Status> {
        let mut client = SubscriptionServiceClient::new(channel.clone());
        let mut stream = client.read_subscription(request).await?.into_inner();
        let first = stream.message().await?.and_then(|response| response.message);
        let Some(Message::Opened(opened)) = first else { panic!("the first message was {first:?}") };
        let (generation, next_position) = (opened.generation, opened.next_position);
        Ok(Reader { stream, generation, next_position, reached: None })
    }

    /// The events of the next message, which may have none.
    pub async fn message(&mut self) -> Result<Vec<AuditEvent>, Status> {
        let message = self.stream.message().await?.expect("a stream ends with a status").message;
        match message.expect("something in it") {
            Message::Batch(batch) => {
                assert_eq!(batch.generation, self.generation);
                assert!(batch.events.last().is_some_and(|event| event.position <= batch.position));
                self.reached = Some((batch.position, batch.resume_token));
                Ok(batch.events)
            }
            Message::Progress(progress) => {
                assert_eq!(progress.generation, self.generation);
                self.reached = Some((progress.position, progress.resume_token));
                Ok(Vec::new())
            }
            Message::Opened(opened) => panic!("opened twice: {opened:?}"),
        }
    }

    /// All events until everything up to a position was looked at.
    pub async fn until(&mut self, position: u64) -> Vec<AuditEvent> {
        let mut events = Vec::new();
        while self.reached.as_ref().is_none_or(|(reached, _)| *reached < position) {
            events.extend(self.message().await.unwrap());
        }
        events
    }

    /// Whatever comes, until the end.
    pub async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.message().await {
                return status;
            }
        }
    }
}

/// Acknowledges; answers the position behind everything that is acknowledged.
pub async fn acknowledge(
    channel: &Channel,
    name: &str,
    partition: i32,
    generation: u64,
    position: u64,
) -> Result<u64, Status> {
    let request = v1::AcknowledgeEventsRequest {
        name: name.to_owned(),
        partition,
        generation,
        position,
        ..Default::default()
    };
    let answer = SubscriptionServiceClient::new(channel.clone()).acknowledge_events(request).await?;
    Ok(answer.into_inner().next_position)
}
