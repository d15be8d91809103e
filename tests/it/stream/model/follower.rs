//! A reader who knows from the model what is to come, and holds every message
//! against it.

use super::expected::{Expected, Wanted, filter};
use crate::support::{NAMESPACE, explain};
use steward_registry::proto::v1::{
    AuditEventBatch, AuditStreamEnd, AuditStreamEndReason, SubscribeAuditEventsRequest,
    SubscribeAuditEventsResponse,
    audit_service_client::AuditServiceClient,
    subscribe_audit_events_request::{Start, Stop},
    subscribe_audit_events_response::Message,
};
use tokio::time::Instant;
use tonic::{Code, Status, Streaming, transport::Channel};

/// Messages after which a stream is taken to go round in circles.
const ENOUGH: usize = 500;

/// A reader; its stream may have ended.
pub struct Follower {
    pub wanted: Wanted,
    batch: i32,
    stream: Option<Streaming<SubscribeAuditEventsResponse>>,
    /// What matches before it was delivered.
    pub next: u64,
    /// Tokens, and what each of them promises to go on with.
    tokens: Vec<(String, u64)>,
}

impl Follower {
    /// Subscribes. `next` is where the model says that the stream begins.
    pub async fn open(
        channel: &Channel,
        start: Start,
        next: u64,
        wanted: Wanted,
        batch: i32,
    ) -> Result<Self, Status> {
        let mut follower = Follower { wanted, batch, stream: None, next, tokens: Vec::new() };
        follower.subscribe(channel, start).await.map(|()| follower)
    }

    async fn subscribe(&mut self, channel: &Channel, start: Start) -> Result<(), Status> {
        let tenth = prost_types::Duration { seconds: 0, nanos: 100_000_000 };
        let request = SubscribeAuditEventsRequest {
            parent: NAMESPACE.to_owned(),
            start: Some(start),
            stop: self.wanted.stop.map(Stop::StopPosition),
            filter: filter(self.wanted.filter),
            progress_interval: Some(tenth),
            max_batch_size: self.batch,
        };
        let mut client = AuditServiceClient::new(channel.clone());
        self.stream = Some(client.subscribe_audit_events(request).await?.into_inner());
        Ok(())
    }

    /// Leaves the stream, and comes back with the newest token but `back`.
    pub async fn resume(&mut self, channel: &Channel, back: usize) {
        self.stream = None;
        let kept = self.tokens.len().saturating_sub(back).max(1);
        let start = match self.tokens.get(kept - 1).cloned() {
            Some((token, next)) => {
                self.tokens.truncate(kept);
                self.next = next;
                Start::ResumeToken(token)
            }
            None => Start::StartPosition(self.next),
        };
        self.subscribe(channel, start).await.unwrap();
    }

    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Reads one message. Whatever is due comes without the clock moving on.
    pub async fn read(&mut self, log: &mut Expected) -> Message {
        let due = log.rest(self.wanted, self.next).next().is_some();
        let before = Instant::now();
        let message = self.stream.as_mut().unwrap().message().await.unwrap().unwrap().message.unwrap();
        match &message {
            Message::Batch(batch) => {
                assert!(!due || Instant::now() == before, "a batch that was due came only with a progress");
                self.check_batch(log, batch);
            }
            Message::Progress(progress) => {
                let (from, to) = (self.next, progress.next_position);
                assert!(from <= to && to <= log.size(), "progress from {from} to {to} of {}", log.size());
                let missed = log.rest(self.wanted, from).find(|position| *position < to);
                assert_eq!(missed, None, "G6: progress to {to} leaves something out");
                self.next = to;
                self.keep(&progress.resume_token);
            }
            Message::End(end) => self.check_end(log, end).await,
        }
        message
    }

    fn check_batch(&mut self, log: &mut Expected, batch: &AuditEventBatch) {
        let got: Vec<_> = batch.events.iter().map(|event| event.position).collect();
        let due: Vec<_> = log.rest(self.wanted, self.next).take(got.len() + 1).collect();
        let last = *got.last().expect("a batch holds something");
        assert!(due.starts_with(&got), "G1-G3: {got:?} came where {due:?} was due");
        let parts = due.get(got.len()).filter(|next| log.together(last, **next));
        assert_eq!(parts, None, "G4: the mutation of {last} goes on in another batch");
        let fits = got.len() <= self.batch.try_into().unwrap() || log.together(got[0], last);
        assert!(fits, "{} events came where {} were asked for", got.len(), self.batch);
        batch.events.iter().for_each(|event| log.recognise(event));
        self.next = last + 1;
        self.keep(&batch.resume_token);
    }

    /// The end of a stream goes on where everything delivered ends.
    async fn check_end(&mut self, log: &Expected, end: &AuditStreamEnd) {
        let status = self.stream.take().unwrap().message().await;
        match end.reason() {
            AuditStreamEndReason::StopPosition => {
                assert!(status.unwrap().is_none());
                let stop = self.wanted.stop.take().expect("a stream that has a stop");
                assert!(stop < log.size(), "the stream ended before the log reached its stop");
                let missed = log.rest(Wanted { stop: Some(stop), ..self.wanted }, self.next).next();
                assert_eq!(missed, None, "the stream ended before its stop");
                self.next = stop + 1;
            }
            AuditStreamEndReason::Drain => {
                let told = explain(&status.unwrap_err());
                assert_eq!((told.0, told.1.as_str()), (Code::Unavailable, "DRAINING"));
            }
            AuditStreamEndReason::Stalled => {
                let told = explain(&status.unwrap_err());
                assert_eq!((told.0, told.1.as_str()), (Code::Aborted, "STREAM_STALLED"));
            }
            AuditStreamEndReason::Unspecified => panic!("an end without a reason"),
        }
        self.keep(&end.resume_token);
    }

    fn keep(&mut self, token: &str) {
        assert!(!token.is_empty(), "G5: every message carries a token");
        self.tokens.push((token.to_owned(), self.next));
    }

    /// Reads until everything is delivered and a progress says so, or to the end.
    pub async fn catch_up(&mut self, log: &mut Expected) -> Option<AuditStreamEnd> {
        for _ in 0..ENOUGH {
            match self.read(log).await {
                Message::Progress(progress) if progress.next_position == log.size() => return None,
                Message::End(end) => return Some(end),
                _ => {}
            }
        }
        panic!("no progress reached {}", log.size());
    }

    /// Reads to the end of the stream.
    pub async fn read_to_the_end(&mut self, log: &mut Expected) -> AuditStreamEnd {
        for _ in 0..ENOUGH {
            if let Message::End(end) = self.read(log).await {
                return end;
            }
        }
        panic!("the stream has no end");
    }
}
