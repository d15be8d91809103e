//! A subscriber that keeps what it got.

use crate::{
    replay::answers::head,
    support::{NAMESPACE, TestServer},
};
use steward_registry::proto::v1::{
    self, AuditEvent, AuditStreamEndReason, StartPoint, SubscribeAuditEventsRequest,
    SubscribeAuditEventsResponse,
    audit_service_client::AuditServiceClient,
    subscribe_audit_events_request::{Start, Stop},
    subscribe_audit_events_response::Message,
};
use tonic::{Status, Streaming, transport::Channel};

/// A subscription to `default` from the beginning.
pub fn from_the_beginning() -> SubscribeAuditEventsRequest {
    from(Start::StartPoint(StartPoint::Earliest.into()))
}

/// A subscription to what comes next in `default`.
pub fn from_now_on() -> SubscribeAuditEventsRequest {
    from(Start::StartPoint(StartPoint::Latest.into()))
}

/// A subscription to `default` behind a token.
pub fn behind(token: &str) -> SubscribeAuditEventsRequest {
    from(Start::ResumeToken(token.to_owned()))
}

pub fn from(start: Start) -> SubscribeAuditEventsRequest {
    SubscribeAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        start: Some(start),
        ..SubscribeAuditEventsRequest::default()
    }
}

pub fn in_batches_of(size: i32, request: SubscribeAuditEventsRequest) -> SubscribeAuditEventsRequest {
    SubscribeAuditEventsRequest { max_batch_size: size, ..request }
}

pub fn up_to(position: u64, request: SubscribeAuditEventsRequest) -> SubscribeAuditEventsRequest {
    SubscribeAuditEventsRequest { stop: Some(Stop::StopPosition(position)), ..request }
}

/// Progress as often as the contract allows.
pub fn impatient(request: SubscribeAuditEventsRequest) -> SubscribeAuditEventsRequest {
    let tenth = prost_types::Duration { seconds: 0, nanos: 100_000_000 };
    SubscribeAuditEventsRequest { progress_interval: Some(tenth), ..request }
}

pub fn only(
    filter: v1::AuditEventFilter,
    request: SubscribeAuditEventsRequest,
) -> SubscribeAuditEventsRequest {
    SubscribeAuditEventsRequest { filter: Some(filter), ..request }
}

/// How a stream ended.
pub type End = (AuditStreamEndReason, String);

/// One open stream, with the newest token that it gave.
pub struct Reader {
    stream: Streaming<SubscribeAuditEventsResponse>,
    pub token: String,
}

impl Reader {
    pub async fn open(server: &TestServer, request: SubscribeAuditEventsRequest) -> Result<Self, Status> {
        Self::over(&server.channel, request).await
    }

    /// With the message sizes that every client has by default.
    pub async fn over(channel: &Channel, request: SubscribeAuditEventsRequest) -> Result<Self, Status> {
        let mut client = AuditServiceClient::new(channel.clone());
        let stream = client.subscribe_audit_events(request).await?.into_inner();
        Ok(Reader { stream, token: String::new() })
    }

    pub async fn message(&mut self) -> Result<Option<Message>, Status> {
        let message = self.stream.message().await?.map(|response| response.message.unwrap());
        match &message {
            Some(Message::Batch(batch)) => self.token.clone_from(&batch.resume_token),
            Some(Message::Progress(progress)) => self.token.clone_from(&progress.resume_token),
            Some(Message::End(end)) => self.token.clone_from(&end.resume_token),
            None => {}
        }
        assert!(message.is_none() || !self.token.is_empty(), "every message carries a token");
        Ok(message)
    }

    /// The next batch, whatever progress comes before it.
    pub async fn batch(&mut self) -> Vec<AuditEvent> {
        loop {
            match self.message().await.unwrap() {
                Some(Message::Batch(batch)) => return batch.events,
                Some(Message::Progress(_)) => {}
                other => panic!("a batch was due, not {other:?}"),
            }
        }
    }

    /// The next progress; what came before it is answered, too.
    pub async fn progress(&mut self) -> (Vec<AuditEvent>, v1::AuditProgress) {
        let mut events = Vec::new();
        loop {
            match self.message().await.unwrap() {
                Some(Message::Batch(batch)) => events.extend(batch.events),
                Some(Message::Progress(progress)) => return (events, progress),
                other => panic!("progress was due, not {other:?}"),
            }
        }
    }

    /// Events up to a position, which has to be the last of a batch.
    pub async fn reach(&mut self, position: u64) -> Vec<AuditEvent> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &AuditEvent| event.position < position) {
            events.extend(self.batch().await);
        }
        assert_eq!(events.last().unwrap().position, position);
        events
    }

    /// Everything to the end: events, how it ended, and the status.
    pub async fn rest(&mut self) -> (Vec<AuditEvent>, Option<End>, Result<(), Status>) {
        let (mut events, mut end) = (Vec::new(), None);
        loop {
            match self.message().await {
                Ok(Some(Message::Batch(batch))) if end.is_none() => events.extend(batch.events),
                Ok(Some(Message::Progress(_))) if end.is_none() => {}
                Ok(Some(Message::End(last))) if end.is_none() => {
                    end = Some((last.reason(), last.resume_token))
                }
                Ok(Some(other)) => panic!("{other:?} came behind the end"),
                Ok(None) => return (events, end, Ok(())),
                Err(status) => return (events, end, Err(status)),
            }
        }
    }
}

/// All events of `default`, as an export reads them.
pub async fn export(server: &TestServer) -> Vec<AuditEvent> {
    export_over(&server.channel).await
}

pub async fn export_over(channel: &Channel) -> Vec<AuditEvent> {
    let newest = head(channel, NAMESPACE).await.size - 1;
    let (events, end, status) =
        Reader::over(channel, up_to(newest, from_the_beginning())).await.unwrap().rest().await;
    status.unwrap();
    assert_eq!(end.unwrap().0, AuditStreamEndReason::StopPosition);
    assert_eq!(positions(&events), (0..=newest).collect::<Vec<_>>());
    events
}

pub fn positions(events: &[AuditEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

/// What the event says about its mutation: which of how many it is.
pub fn part(event: &AuditEvent) -> (u64, u64) {
    let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
    let mutation = &leaf["data"]["mutation"];
    (mutation["index"].as_u64().unwrap(), mutation["count"].as_u64().unwrap())
}
