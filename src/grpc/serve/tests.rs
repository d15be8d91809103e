//! The whole stack over real sockets on the loopback interface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connections;
mod web;

use super::*;
use crate::grpc::health::{Health, WATCH_PATH, reflection_v1, reflection_v1alpha};
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request as Call};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt;

const CHECK_PATH: &str = "/grpc.health.v1.Health/Check";

/// A service that does what the request says: the health messages happen to be
/// at hand, and small.
#[derive(Clone)]
struct Obedient {
    /// Tells that a call has begun.
    begun: mpsc::UnboundedSender<()>,
    /// Lets waiting calls end.
    gate: Arc<Semaphore>,
    drain: CancellationToken,
}

type Answer = Result<HealthCheckResponse, Status>;

#[tonic::async_trait]
impl HealthService for Obedient {
    async fn check(
        &self,
        request: Call<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        self.begun.send(()).unwrap();
        match request.get_ref().service.as_str() {
            "panic" => panic!("as told"),
            "wait" => drop(self.gate.acquire().await),
            "hang" => std::future::pending().await,
            "peer" => assert!(request.remote_addr().is_some()),
            _ => {}
        }
        Ok(tonic::Response::new(HealthCheckResponse { status: 1 }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Answer> + Send>>;

    async fn watch(
        &self,
        request: Call<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        let (sender, receiver) = mpsc::unbounded_channel();
        sender.send(Ok(HealthCheckResponse { status: 1 })).unwrap();
        let polite = request.get_ref().service == "polite";
        let drain = self.drain.clone();
        tokio::spawn(async move {
            match polite {
                true => drain.cancelled().await,
                false => sender.closed().await,
            }
        });
        Ok(tonic::Response::new(Box::pin(UnboundedReceiverStream::new(receiver))))
    }
}

struct Server {
    address: SocketAddr,
    begun: mpsc::UnboundedReceiver<()>,
    gate: Arc<Semaphore>,
    drain: CancellationToken,
    task: JoinHandle<Drained>,
}

impl Server {
    async fn start(options: ServeOptions) -> Self {
        let drain = CancellationToken::new();
        let (begin, begun) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let obedient = Obedient { begun: begin, gate: Arc::clone(&gate), drain: drain.clone() };
        let grpc = Routes::new(crate::grpc::limited!(HealthServer::new(obedient)));
        let http = Router::new().route("/hello", axum::routing::get(async || "hello"));
        let app = app(grpc, http, &options).unwrap().layer(tower::util::MapRequestLayer::new(rename_timeout));
        Self::start_app(app, options, drain, begun, gate).await
    }

    async fn start_app(
        app: Router,
        options: ServeOptions,
        drain: CancellationToken,
        begun: mpsc::UnboundedReceiver<()>,
        gate: Arc<Semaphore>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let token = drain.clone();
        let task = tokio::spawn(async move { serve(listener, app, &options, token).await });
        Self { address, begun, gate, drain, task }
    }

    async fn channel(&self) -> Channel {
        Endpoint::new(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn client(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel().await)
    }

    /// Sends bytes over a connection of its own, and reads all that comes back.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).to_lowercase()
    }

    async fn raw_grpc_web(&self, path: &str, extra: &str, service: &str) -> String {
        let length = service.len() + 2;
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/grpc-web+proto\r\n\
             x-grpc-web: 1\r\n{extra}content-length: {}\r\n\r\n",
            length + 5
        )
        .into_bytes();
        request.extend([0, 0, 0, 0, length as u8, 10, service.len() as u8]);
        request.extend(service.as_bytes());
        self.raw(&request).await
    }

    async fn drained(self) -> Drained {
        self.drain.cancel();
        self.task.await.unwrap()
    }
}

/// tonic's client ends a call by itself when it sees a `grpc-timeout`, so tests
/// that want to see the server do it send another header.
fn rename_timeout(mut request: Request<Body>) -> Request<Body> {
    if let Some(timeout) = request.headers_mut().remove("test-timeout") {
        request.headers_mut().insert("grpc-timeout", timeout);
    }
    request
}

fn ask(service: &str) -> Call<HealthCheckRequest> {
    Call::new(HealthCheckRequest { service: service.to_owned() })
}

#[tokio::test]
async fn a_call_is_answered_with_a_request_id_and_the_handler_knows_the_peer() {
    let server = Server::start(ServeOptions::default()).await;
    let mut request = ask("peer");
    request.metadata_mut().insert("x-request-id", "abc".parse().unwrap());
    let response = server.client().await.check(request).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap(), "abc");
    assert_eq!(server.drained().await, Drained::Completely);
}

#[tokio::test]
async fn a_client_deadline_gives_deadline_exceeded_for_calls_and_streams() {
    let server = Server::start(ServeOptions::default()).await;
    let mut client = server.client().await;
    let with_timeout = |service| {
        let mut request = ask(service);
        request.metadata_mut().insert("test-timeout", "20m".parse().unwrap());
        request
    };
    let status = client.check(with_timeout("hang")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.get_error_details().error_info().unwrap().domain, "steward");

    // On a busy machine the time may be up before the first message, or the head.
    let status = match client.watch(with_timeout("rude")).await {
        Ok(stream) => stream.into_inner().filter_map(Result::err).next().await.unwrap(),
        Err(status) => status,
    };
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_call_has_a_longest_time_without_a_client_deadline() {
    let options = ServeOptions { max_deadline: Duration::from_millis(20), ..ServeOptions::default() };
    let server = Server::start(options).await;
    let status = server.client().await.check(ask("hang")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_malformed_deadline_is_refused() {
    let server = Server::start(ServeOptions::default()).await;
    let mut request = ask("");
    request.metadata_mut().insert("test-timeout", "soon".parse().unwrap());
    let status = server.client().await.check(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_limit_counts_over_all_connections_and_frees_with_the_end_of_a_call() {
    let options = ServeOptions { max_concurrent_requests: 1, ..ServeOptions::default() };
    let mut server = Server::start(options).await;
    let (mut one, mut other) = (server.client().await, server.client().await);
    let waiting = tokio::spawn(async move { one.check(ask("wait")).await });
    server.begun.recv().await.unwrap();

    let status = other.check(ask("")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_error_details().retry_info().is_some());

    server.gate.add_permits(1);
    waiting.await.unwrap().unwrap();
    other.check(ask("")).await.unwrap();
}

#[tokio::test]
async fn a_stream_frees_its_permit_when_the_client_drops_it() {
    let options = ServeOptions { max_streams: 1, max_concurrent_requests: 1, ..ServeOptions::default() };
    let server = Server::start(options).await;
    let mut client = server.client().await;
    let mut stream = client.watch(ask("rude")).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    client.check(ask("")).await.expect("streams do not starve calls");
    assert_eq!(client.watch(ask("rude")).await.unwrap_err().code(), Code::ResourceExhausted);
    drop(stream);
    // The reset is on its way; each attempt gives the server a chance to see it.
    while let Err(status) = client.watch(ask("rude")).await {
        assert_eq!(status.code(), Code::ResourceExhausted);
    }
}

#[tokio::test]
async fn a_panic_is_internal_and_the_connection_lives_on() {
    let server = Server::start(ServeOptions::default()).await;
    let mut client = server.client().await;
    let status = client.check(ask("panic")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("as told"));
    client.check(ask("")).await.unwrap();
}

#[tokio::test]
async fn an_unknown_service_is_unimplemented() {
    let server = Server::start(ServeOptions::default()).await;
    let channel = server.channel().await;
    let mut client = crate::proto::v1::model_service_client::ModelServiceClient::new(channel);
    let status = client.get_model(crate::proto::v1::GetModelRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("/steward.v1.ModelService/GetModel"), "{}", status.message());
}

#[tokio::test]
async fn messages_have_a_largest_size_and_may_be_compressed() {
    let server = Server::start(ServeOptions::default()).await;
    let mut client = server.client().await.send_compressed(Gzip).accept_compressed(Gzip);
    let response = client.check(ask(&"x".repeat(1 << 20))).await.unwrap();
    assert_eq!(response.metadata().get("grpc-encoding").unwrap(), "gzip");
    let status = client.check(ask(&"x".repeat(5 << 20))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "when it is unpacked");
    let status = server.client().await.check(ask(&"x".repeat(5 << 20))).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "when its length is announced");
}

#[tokio::test]
async fn health_and_reflection_are_served_and_take_gzip() {
    let health = Health::new(&["steward.v1.ModelService"]);
    health.set_serving(&["steward.v1.ModelService"]);
    let grpc = Routes::new(health.server())
        .add_service(reflection_v1().unwrap())
        .add_service(reflection_v1alpha().unwrap());
    let options = ServeOptions::default();
    let app = app(grpc, Router::new(), &options).unwrap();
    let (_, begun) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::start_app(app, options, CancellationToken::new(), begun, gate).await;

    let mut client = server.client().await.send_compressed(Gzip);
    assert_eq!(client.check(ask("")).await.unwrap().into_inner().status, 1);
    let mut watching = client.watch(ask("")).await.unwrap().into_inner();
    assert_eq!(watching.message().await.unwrap().unwrap().status, 1);

    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    };
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(server.channel().await).send_compressed(Gzip);
    let mut answers = reflection.server_reflection_info(tokio_stream::once(list)).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list of services")
    };
    assert!(list.service.iter().any(|service| service.name == "steward.v1.ModelService"));

    health.drain();
    assert_eq!(watching.message().await.unwrap().unwrap().status, 2);
    assert!(watching.next().await.is_none());
    assert_eq!(server.drained().await, Drained::Completely);
}
