//! Following a stream whose server comes and goes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use hyper_util::rt::TokioIo;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status,
    transport::{Endpoint, Server},
};

use super::*;
use crate::{
    cli::{
        client::Target,
        output::{Format, Output},
    },
    proto::v1::{
        AuditHead, AuditStreamEnd, GetAuditHeadRequest, ListAuditEventsRequest, ListAuditEventsResponse,
        StartPoint, SubscribeAuditEventsResponse,
        audit_service_server::{AuditService, AuditServiceServer},
        subscribe_audit_events_response::Message,
    },
};

type Sent = Result<SubscribeAuditEventsResponse, Status>;

/// A server whose n-th subscription plays the n-th scene.
#[derive(Clone, Default)]
struct Scenes {
    scenes: Arc<Mutex<Vec<Vec<Sent>>>>,
    starts: Arc<Mutex<Vec<Option<Start>>>>,
}

#[tonic::async_trait]
impl AuditService for Scenes {
    type SubscribeAuditEventsStream = ReceiverStream<Sent>;

    async fn subscribe_audit_events(
        &self,
        request: Request<SubscribeAuditEventsRequest>,
    ) -> Result<Response<Self::SubscribeAuditEventsStream>, Status> {
        self.starts.lock().unwrap().push(request.into_inner().start);
        let mut scenes = self.scenes.lock().unwrap();
        if scenes.is_empty() {
            return Err(Status::unavailable("the server is away"));
        }
        let scene = scenes.remove(0);
        let (sender, receiver) = tokio::sync::mpsc::channel(scene.len().max(1));
        scene.into_iter().for_each(|message| sender.try_send(message).unwrap());
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn list_audit_events(
        &self,
        _: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_audit_head(&self, _: Request<GetAuditHeadRequest>) -> Result<Response<AuditHead>, Status> {
        Err(Status::unimplemented(""))
    }
}

impl Scenes {
    fn new(scenes: Vec<Vec<Sent>>) -> Self {
        Scenes { scenes: Arc::new(Mutex::new(scenes)), starts: Arc::default() }
    }

    /// Follows from the beginning; gives the positions that came and how it ended.
    async fn follow(&self) -> (Vec<u64>, Result<(), Failure>) {
        let request = SubscribeAuditEventsRequest {
            start: Some(Start::StartPoint(StartPoint::Earliest.into())),
            ..SubscribeAuditEventsRequest::default()
        };
        let mut positions = Vec::new();
        let ended = follow(&self.session(), request, |news| {
            if let News::Batch(batch) = news {
                positions.extend(batch.events.iter().map(|event| event.position));
            }
            Ok(())
        })
        .await;
        (positions, ended)
    }

    /// A session joined to this server by an in-memory pipe.
    fn session(&self) -> Session {
        let service = AuditServiceServer::new(self.clone());
        let connector = tower::service_fn(move |_: http::Uri| {
            let (client, server) = tokio::io::duplex(64 * 1024);
            let service = service.clone();
            tokio::spawn(async move {
                let incoming = tokio_stream::iter([Ok::<_, std::io::Error>(server)]);
                Server::builder().add_service(service).serve_with_incoming(incoming).await
            });
            async move { Ok::<_, std::io::Error>(TokioIo::new(client)) }
        });
        let channel = Endpoint::from_static("http://pipe").connect_with_connector_lazy(connector);
        let target = Target {
            server: "",
            namespace: "default",
            actor: None,
            timeout: Duration::from_secs(5),
            wait_for_checkpoint: false,
        };
        Session::over(channel, "http://pipe".to_owned(), &target, Output::new(Format::Json)).unwrap()
    }
}

fn batch(positions: &[u64], resume_token: &str) -> Sent {
    message(Message::Batch(AuditEventBatch { events: events(positions), resume_token: resume_token.into() }))
}

fn end(reason: AuditStreamEndReason) -> Sent {
    message(Message::End(AuditStreamEnd { reason: reason.into(), resume_token: "end".into() }))
}

fn message(message: Message) -> Sent {
    Ok(SubscribeAuditEventsResponse { message: Some(message) })
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_taken_up_again_exactly_behind_the_last_batch() {
    let server = Scenes::new(vec![
        vec![batch(&[0, 1], "behind 1"), Err(Status::unavailable("restarting"))],
        vec![batch(&[2], "behind 2"), end(AuditStreamEndReason::Drain), Err(Status::unavailable("bye"))],
        vec![batch(&[3], "behind 3"), end(AuditStreamEndReason::StopPosition)],
    ]);
    let (positions, ended) = server.follow().await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(positions, [0, 1, 2, 3]);
    assert_eq!(
        *server.starts.lock().unwrap(),
        [
            Some(Start::StartPoint(StartPoint::Earliest.into())),
            Some(Start::ResumeToken("behind 1".into())),
            Some(Start::ResumeToken("behind 2".into())),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_an_event_after_a_resume_is_found_out() {
    let server = Scenes::new(vec![
        vec![batch(&[0, 1], "behind 1"), Err(Status::unavailable("restarting"))],
        vec![batch(&[1, 2], "behind 2")],
    ]);
    let (positions, ended) = server.follow().await;
    assert_eq!(positions, [0, 1]);
    assert!(matches!(ended, Err(Failure::Contract(_))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_ended_for_standing_still_goes_on() {
    let server = Scenes::new(vec![
        vec![batch(&[0], "a"), end(AuditStreamEndReason::Stalled), Err(Status::aborted("stalled"))],
        vec![batch(&[1], "b"), end(AuditStreamEndReason::StopPosition)],
    ]);
    assert_eq!(server.follow().await.0, [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated() {
    let server = Scenes::new(vec![vec![Err(Status::out_of_range("beyond the head"))]]);
    let (_, ended) = server.follow().await;
    assert_eq!(ended.unwrap_err().code(), Some(Code::OutOfRange));
    assert_eq!(server.starts.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_after_three_attempts() {
    let server = Scenes::new(Vec::new());
    let (_, ended) = server.follow().await;
    assert!(ended.unwrap_err().is_interruption());
    assert_eq!(server.starts.lock().unwrap().len(), ATTEMPTS_AT_FIRST as usize);
}

fn events(positions: &[u64]) -> Vec<AuditEvent> {
    positions.iter().map(|&position| AuditEvent { position, ..AuditEvent::default() }).collect()
}

#[test]
fn a_gap_or_a_repeat_ends_an_unfiltered_stream() {
    for second in [3, 2, 5] {
        let mut order = Order { last: None, dense: true };
        order.check(&events(&[2, 3])).unwrap();
        assert!(order.check(&events(&[second])).is_err(), "{second}");
    }
}

#[test]
fn a_filtered_stream_may_skip_but_not_go_back() {
    let mut order = Order { last: None, dense: false };
    order.check(&events(&[2, 9])).unwrap();
    assert!(order.check(&events(&[9])).is_err());
}

#[test]
fn waits_grow_to_ten_seconds_and_no_further() {
    assert_eq!(wait_before(1), Duration::from_millis(250));
    assert_eq!(wait_before(3), Duration::from_secs(1));
    assert_eq!(wait_before(60), LONGEST_WAIT);
}
