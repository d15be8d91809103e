//! Health (`grpc.health.v1`) and reflection.
//!
//! The messages and servers are those of tonic-health. The service is our own,
//! because tonic-health's begins as SERVING, can forget a service but not end
//! its watchers, and so would hold up a drain; and because the protocol wants
//! `Watch` to answer SERVICE_UNKNOWN and go on where tonic-health refuses.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::watch;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::server::{Builder, Error as ReflectionError, v1, v1alpha};

/// Path of the streaming health method, for [`super::layer::LongLived`].
pub const WATCH_PATH: &str = "/grpc.health.v1.Health/Watch";

/// Which services are fit to be called. All begin as NOT_SERVING. The server as
/// a whole, whose name is empty, is SERVING when all its services are.
///
/// Clones show and change the same board.
#[derive(Clone, Debug)]
pub struct Health {
    board: watch::Sender<Board>,
}

#[derive(Clone, Debug)]
struct Board {
    serving: BTreeMap<&'static str, bool>,
    draining: bool,
}

impl Board {
    fn status(&self, service: &str) -> ServingStatus {
        let serving = match (service, self.serving.get(service)) {
            ("", _) => self.serving.values().all(|serving| *serving),
            (_, Some(serving)) => *serving,
            (_, None) => return ServingStatus::ServiceUnknown,
        };
        match serving && !self.draining {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        }
    }
}

impl Health {
    /// A board of these services, by full name such as `steward.v1.ModelService`.
    pub fn new(services: &[&'static str]) -> Self {
        let serving = services.iter().map(|service| (*service, false)).collect();
        Self { board: watch::Sender::new(Board { serving, draining: false }) }
    }

    /// Shows these services as SERVING. Names that are not on the board are
    /// ignored, and nothing is SERVING any more once [`Self::drain`] was called.
    pub fn set_serving(&self, services: &[&str]) {
        self.set(services, true);
    }

    /// Shows these services as NOT_SERVING, as when the store fails.
    pub fn set_not_serving(&self, services: &[&str]) {
        self.set(services, false);
    }

    fn set(&self, services: &[&str], serving: bool) {
        self.board.send_modify(|board| {
            for service in services {
                if let Some(entry) = board.serving.get_mut::<str>(service) {
                    *entry = serving;
                }
            }
        });
    }

    /// Shows everything as NOT_SERVING for good, and ends all watchers as soon
    /// as they have been told.
    pub fn drain(&self) {
        self.board.send_modify(|board| board.draining = true);
    }

    /// The gRPC service, which accepts gzip.
    pub fn server(&self) -> HealthServer<Self> {
        super::limited!(HealthServer::new(self.clone()))
    }
}

#[tonic::async_trait]
impl HealthService for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        match self.board.borrow().status(service) {
            ServingStatus::ServiceUnknown => Err(Status::not_found(format!("no service `{service}` here"))),
            status => Ok(Response::new(HealthCheckResponse { status: status.into() })),
        }
    }

    type WatchStream = Watching;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watching>, Status> {
        Ok(Response::new(Watching {
            board: WatchStream::new(self.board.subscribe()),
            service: request.into_inner().service,
            last: None,
            ended: false,
        }))
    }
}

/// The answer of `Watch`: the status of a service now and whenever it changes.
#[derive(Debug)]
pub struct Watching {
    board: WatchStream<Board>,
    service: String,
    last: Option<ServingStatus>,
    ended: bool,
}

impl Stream for Watching {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.ended {
            let Some(board) = ready!(Pin::new(&mut self.board).poll_next(cx)) else { break };
            self.ended = board.draining;
            let status = board.status(&self.service);
            if self.last.replace(status) != Some(status) {
                return Poll::Ready(Some(Ok(HealthCheckResponse { status: status.into() })));
            }
        }
        Poll::Ready(None)
    }
}

/// Reflection in version 1, over the whole contract and health; accepts gzip.
///
/// # Errors
/// A descriptor set that cannot be read, which is a defect of the build.
pub fn reflection_v1() -> Result<v1::ServerReflectionServer<impl v1::ServerReflection>, ReflectionError> {
    Ok(super::limited!(descriptors().build_v1()?))
}

/// Reflection in version 1alpha, which older tools ask for; accepts gzip.
///
/// # Errors
/// As [`reflection_v1`].
pub fn reflection_v1alpha()
-> Result<v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection>, ReflectionError> {
    Ok(super::limited!(descriptors().build_v1alpha()?))
}

fn descriptors() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(crate::proto::DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use tokio_stream::StreamExt;
    use tonic::Code;

    const A: &str = "steward.v1.ModelService";
    const B: &str = "steward.v1.AuditService";

    fn ask(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest { service: service.to_owned() })
    }

    async fn status(health: &Health, service: &str) -> ServingStatus {
        health.check(ask(service)).await.unwrap().into_inner().status()
    }

    async fn next(watching: &mut Watching) -> Option<ServingStatus> {
        watching.next().await.map(|response| response.unwrap().status())
    }

    #[tokio::test]
    async fn nothing_serves_before_it_is_said_to() {
        let health = Health::new(&[A, B]);
        for service in [A, B, ""] {
            assert_eq!(status(&health, service).await, ServingStatus::NotServing);
        }
    }

    #[tokio::test]
    async fn the_server_serves_when_all_its_services_do() {
        let health = Health::new(&[A, B]);
        health.set_serving(&[A]);
        assert_eq!(status(&health, A).await, ServingStatus::Serving);
        assert_eq!(status(&health, "").await, ServingStatus::NotServing);
        health.set_serving(&[B, "unknown"]);
        assert_eq!(status(&health, "").await, ServingStatus::Serving);
        health.set_not_serving(&[A]);
        assert_eq!(status(&health, "").await, ServingStatus::NotServing);
        assert_eq!(status(&health, B).await, ServingStatus::Serving);
    }

    #[tokio::test]
    async fn an_unknown_service_is_not_found_but_can_be_watched() {
        let health = Health::new(&[A]);
        assert_eq!(health.check(ask("unknown")).await.unwrap_err().code(), Code::NotFound);
        let mut watching = health.watch(ask("unknown")).await.unwrap().into_inner();
        assert_eq!(next(&mut watching).await, Some(ServingStatus::ServiceUnknown));
    }

    #[tokio::test]
    async fn watchers_hear_of_changes_only() {
        let health = Health::new(&[A, B]);
        let mut watching = health.watch(ask(A)).await.unwrap().into_inner();
        assert_eq!(next(&mut watching).await, Some(ServingStatus::NotServing));
        health.set_serving(&[B]);
        assert_eq!(at_hand(&mut watching), None, "another service is none of its business");
        health.set_serving(&[A]);
        assert_eq!(next(&mut watching).await, Some(ServingStatus::Serving));
    }

    /// What the stream has ready at this moment.
    fn at_hand(watching: &mut Watching) -> Option<ServingStatus> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match Pin::new(watching).poll_next(&mut cx) {
            Poll::Ready(Some(response)) => Some(response.unwrap().status()),
            Poll::Ready(None) | Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_drain_is_told_ends_watchers_and_cannot_be_undone() {
        let health = Health::new(&[A]);
        health.set_serving(&[A]);
        let mut watching = health.watch(ask(A)).await.unwrap().into_inner();
        assert_eq!(next(&mut watching).await, Some(ServingStatus::Serving));
        health.drain();
        health.set_serving(&[A]);
        assert_eq!(next(&mut watching).await, Some(ServingStatus::NotServing));
        assert_eq!(next(&mut watching).await, None);
        assert_eq!(status(&health, A).await, ServingStatus::NotServing);

        let mut late = health.watch(ask(A)).await.unwrap().into_inner();
        assert_eq!(next(&mut late).await, Some(ServingStatus::NotServing));
        assert_eq!(next(&mut late).await, None);
    }

    #[test]
    fn the_contract_can_be_reflected() {
        assert!(reflection_v1().is_ok());
        assert!(reflection_v1alpha().is_ok());
    }
}
