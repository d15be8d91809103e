//! A registry in memory with a clock and ids that are the same in each run, behind all
//! the layers of the real server but the socket.

use axum::{Router, body::Body};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body as _;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use steward_registry::{
    domain::time::Timestamp,
    grpc::serve::{self, ServeOptions},
    http,
    registry::{
        Registry,
        environment::{Clock, Entropy, Environment},
    },
    server,
    store::engine::Engine,
};
use tonic::Status;
use tower::ServiceExt as _;

/// 2026-03-01T00:00:00Z.
const BEGIN: i64 = 1_772_323_200_000_000;

/// Moves one second whenever somebody looks.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000_000, Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

/// 1, 2, 3 …
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn draw(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes()
    }
}

/// Time and ids that are the same in each run.
pub fn environment() -> Environment {
    Environment {
        clock: Arc::new(Ticking(AtomicI64::new(BEGIN))),
        entropy: Arc::new(Counting(AtomicU64::new(0))),
    }
}

/// Carries a property out that waits for a registry.
pub fn run<T>(property: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(property)
}

/// The server without its socket.
pub struct Server {
    pub registry: Registry,
    app: Router,
}

/// The beginning of an answer.
pub struct Answer {
    head: ::http::response::Parts,
    body: Body,
}

impl Server {
    /// Over an engine, which may hold something already.
    pub async fn open(engine: Arc<dyn Engine>) -> Self {
        let registry = Registry::open(engine, environment()).await.expect("the registry opens");
        // Reflection takes longer to set up than many calls.
        let routes = server::services(&registry).routes();
        let app = serve::app(routes, http::router(registry.clone()), &ServeOptions::default());
        let app = app.expect("no origin is bad");
        Server { registry, app }
    }

    /// Calls a method of `steward.v1`, such as `ModelService/GetModel`.
    pub async fn call(&self, method: &str, headers: &[(&'static str, &[u8])], message: &[u8]) -> Answer {
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(message.len() as u32);
        framed.put_slice(message);
        let mut request = ::http::Request::post(format!("/steward.v1.{method}"))
            .version(::http::Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // A value that no header can have never reaches a server.
        let Ok(request) = request.body(Body::from(framed.freeze())) else {
            return Box::pin(self.call(method, &[], message)).await;
        };
        let response = self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (head, body) = response.into_parts();
        Answer { head, body }
    }
}

impl Answer {
    /// All messages, and how the call ended. A stream is to be ended first.
    pub async fn whole(mut self) -> (Vec<Bytes>, Status) {
        let mut ended = Status::from_header_map(&self.head.headers);
        let mut bytes = BytesMut::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
            match frame.expect("a body in memory").into_data() {
                Ok(data) => bytes.put(data),
                Err(frame) => ended = frame.trailers_ref().and_then(Status::from_header_map).or(ended),
            }
        }
        let mut messages = Vec::new();
        while bytes.has_remaining() {
            assert_eq!(bytes.get_u8(), 0, "nobody asked for compression");
            let length = bytes.get_u32() as usize;
            messages.push(bytes.split_to(length).freeze());
        }
        (messages, ended.expect("every call ends with a status"))
    }
}
