//! The server: one listener for gRPC, gRPC-Web and plain HTTP.
//!
//! Routes are an axum router, connections are hyper's, and the accept loop is our
//! own. tonic's `Server` and `axum::serve` would each save it, but:
//!
//! - both detach the task of each connection, so that a drain that takes too long
//!   cannot be cut; here a second token cuts it;
//! - neither limits the number of connections, and tonic's stops for no error of
//!   `accept`, so that a lack of file descriptors makes it spin;
//! - `axum::serve` sets neither keepalive nor any HTTP/2 limit;
//! - tonic's TLS can neither reload a certificate nor offer HTTP/1.1, so that
//!   TLS will need an acceptor in front of hyper anyway;
//! - tonic's time-out and limits are replaced by our layers (see there), and
//!   its wrapping of each call would remain.
//!
//! The gRPC layers stand on the gRPC routes only: gRPC-Web refuses every other
//! HTTP/1.1 request, and a console or a metrics page is none of their business.

use self::gathered::Gathered;
use self::pieces::Pieces;
use super::layer::LongLived;
use super::layer::deadline::DeadlineLayer;
use super::layer::limit::LimitLayer;
use super::layer::panic::catch_panic;
use super::layer::trace::TraceLayer;
use super::layer::web::{BadOrigin, cors};
use axum::Router;
use axum::body::Body;
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::server::Connected;
use tonic_web::GrpcWebLayer;
use tower::util::option_layer;
use tower::{ServiceBuilder, ServiceExt};

mod gathered;
mod pieces;

const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_STREAMS_PER_CONNECTION: u32 = 256;
const MAX_HEADER_LIST_BYTES: u32 = 16 << 10;
const MAX_HTTP1_BUFFER_BYTES: usize = 64 << 10;
const HTTP1_HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new connection may say nothing.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an `accept` that failed for a lack of resources.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How to serve. Message sizes are set on each service (see [`super::MAX_RECEIVE_BYTES`]).
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Most open connections; more wait to be accepted.
    pub max_connections: usize,
    /// Most calls in progress, long-lived ones not counted; more are refused.
    pub max_concurrent_requests: usize,
    /// Most long-lived calls; more are refused.
    pub max_streams: usize,
    /// Longest that a call may take which is not long-lived.
    pub max_deadline: Duration,
    /// Methods that answer until the client has had enough.
    pub long_lived: LongLived,
    /// Origins whose pages may call: see [`cors`]. None by default.
    pub cors_origins: Vec<String>,
    /// How long a drain may take before the connections that remain are cut.
    pub drain_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_concurrent_requests: 1_024,
            max_streams: 4_096,
            max_deadline: Duration::from_secs(30),
            long_lived: LongLived::new(&[
                "/steward.v1.AuditService/SubscribeAuditEvents",
                "/steward.v1.SubscriptionService/ReadSubscription",
                super::health::WATCH_PATH,
            ]),
            cors_origins: Vec::new(),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call had its answer.
    Completely,
    /// The time was up for this many connections.
    Cut(usize),
}

/// Puts the gRPC routes, behind all layers, beside plain HTTP routes. A gRPC
/// call of an unknown service is UNIMPLEMENTED; everything else that is unknown
/// is up to the fallback of `http`.
///
/// # Errors
/// A CORS origin that is none.
pub fn app(grpc: Routes, http: Router, options: &ServeOptions) -> Result<Router, BadOrigin> {
    let layers = ServiceBuilder::new()
        .layer(option_layer(cors(&options.cors_origins)?))
        .layer(GrpcWebLayer::new())
        .layer(TraceLayer)
        .layer(catch_panic())
        .layer(DeadlineLayer::new(options.max_deadline, options.long_lived))
        .layer(LimitLayer::new(options.max_concurrent_requests, options.max_streams, options.long_lived));
    let unknown = Router::new().fallback(unimplemented).layer(layers.clone());
    let grpc = grpc.into_axum_router().layer(layers);
    let fallback = tower::service_fn(move |request: Request<Body>| {
        let router = if is_grpc(&request) { unknown.clone() } else { http.clone() };
        router.oneshot(request)
    });
    Ok(grpc.fallback_service(fallback))
}

async fn unimplemented(request: Request<Body>) -> Response<Body> {
    Status::unimplemented(format!("no method `{}` here", request.uri().path())).into_http()
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Serves an [`app`] until `drain` is cancelled and the drain is over.
///
/// The drain: the listener is closed, every connection gets a GOAWAY, calls in
/// progress go on to their end. (Whoever cancels the token also calls
/// [`super::health::Health::drain`].) Long-lived calls have to end by themselves, so
/// their handlers watch the same token. What remains when
/// [`ServeOptions::drain_timeout`] is over is cut.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    options: &ServeOptions,
    drain: CancellationToken,
) -> Drained {
    let connections = Connections {
        app,
        http: http_settings(),
        drain: drain.clone(),
        cut: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    let places = Arc::new(Semaphore::new(options.max_connections.min(Semaphore::MAX_PERMITS)));
    // Ends without a connection only when the drain begins.
    while let Some(Ok(place)) = drain.run_until_cancelled(Arc::clone(&places).acquire_owned()).await {
        let Some(stream) = drain.run_until_cancelled(accept(&listener)).await else { break };
        let connection = connections.clone().serve(stream);
        connections.tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    connections.end(options.drain_timeout).await
}

/// The next connection. Errors of one connection are skipped; a lack of
/// resources is waited out, because only the end of other connections mends it.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn http_settings() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP1_HEADER_TIMEOUT)
        .max_buf_size(MAX_HTTP1_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .adaptive_window(true);
    builder
}

/// What all connections share.
#[derive(Clone)]
struct Connections {
    app: Router,
    http: auto::Builder<TokioExecutor>,
    drain: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    async fn serve(self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        // hyper's time-outs begin when it knows the version of HTTP, from the first bytes.
        let mut first = [0];
        let first_byte = tokio::time::timeout(FIRST_BYTE_TIMEOUT, stream.peek(&mut first));
        if let Some(Ok(Ok(1))) = self.drain.run_until_cancelled(first_byte).await {
            let info = stream.connect_info();
            self.serve_io(stream, info).await;
        }
    }

    /// Serves one connection to its end. Handlers find `info` among the
    /// extensions of each request.
    async fn serve_io<I, C>(self, io: I, info: C)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        C: Clone + Send + Sync + 'static,
    {
        let app = self.app;
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(info.clone());
            let app = app.clone();
            async move {
                let response = app.oneshot(request).await.unwrap_or_else(|never| match never {});
                Ok::<_, Infallible>(response.map(Pieces::new))
            }
        });
        let mut connection =
            pin!(self.http.serve_connection(TokioIo::new(Gathered(io)), TowerToHyperService::new(service)));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                self.cut.run_until_cancelled(connection).await
            }
        };
        if let Some(Err(error)) = ended {
            tracing::debug!(error, "a connection broke off");
        }
    }

    /// Waits for the connections to end, and cuts them when the time is up.
    async fn end(self, drain_timeout: Duration) -> Drained {
        self.tasks.close();
        if tokio::time::timeout(drain_timeout, self.tasks.wait()).await.is_ok() {
            return Drained::Completely;
        }
        let remaining = self.tasks.len();
        self.cut.cancel();
        self.tasks.wait().await;
        Drained::Cut(remaining)
    }
}

#[cfg(test)]
mod tests;
