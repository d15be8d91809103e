//! What is logged, and what is not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::grpc::layer::tests::{Script, read};
use crate::grpc::layer::{trailers, trailers_only};
use bytes::Bytes;
use serde_json::Value;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;

/// Collects what is logged while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn line(&self) -> Value {
        let text = self.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A body of one frame of data and a status.
struct Answer(Vec<Frame<Bytes>>);

impl Answer {
    fn new(status: &Status) -> Self {
        Self(vec![trailers(status), Frame::data(Bytes::from("secret"))])
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(Ok))
    }
}

async fn call<B>(request: Request<()>, response: Response<B>) -> Response<TraceBody<B>> {
    let mut response = Some(response);
    let service =
        tower::service_fn(move |_| std::future::ready(Ok::<_, Infallible>(response.take().unwrap())));
    TraceLayer.layer(service).oneshot(request).await.unwrap()
}

fn request(id: &str) -> Request<()> {
    Request::builder().uri("/steward.v1.S/Get").header("x-request-id", id).body(()).unwrap()
}

#[tokio::test]
async fn a_call_is_logged_once_with_the_status_of_its_trailers() {
    for (code, level, text) in [
        (Code::Ok, "DEBUG", "OK"),
        (Code::NotFound, "INFO", "NOT_FOUND"),
        (Code::DataLoss, "WARN", "DATA_LOSS"),
    ] {
        let (log, _guard) = Log::start();
        let answer = Answer::new(&Status::new(code, "secret"));
        read(call(request("abc"), Response::new(answer)).await.into_body()).await;
        let line = log.line();
        assert_eq!(line["level"], level);
        assert_eq!(line["fields"]["rpc.response.status_code"], text);
        assert!(line["fields"]["rpc.server.call.duration"].as_f64().unwrap() >= 0.0);
        assert_eq!(line["span"]["rpc.system.name"], "grpc");
        assert_eq!(line["span"]["rpc.method"], "steward.v1.S/Get");
        assert_eq!(line["span"]["request_id"], "abc");
        assert!(!log.text().contains("secret"));
    }
}

#[tokio::test]
async fn a_refusal_is_logged_with_the_status_of_its_head() {
    let (log, _guard) = Log::start();
    let refusal = trailers_only(Status::unavailable("x"), Script { frames: vec![], open: false });
    drop(call(request("abc"), refusal).await);
    assert_eq!(log.line()["fields"]["rpc.response.status_code"], "UNAVAILABLE");
}

#[tokio::test]
async fn a_client_that_goes_away_has_cancelled() {
    let (log, _guard) = Log::start();
    drop(call(request("abc"), Response::new(Script { frames: vec![], open: true })).await);
    assert_eq!(log.line()["fields"]["rpc.response.status_code"], "CANCELLED");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_unknown() {
    let (log, _guard) = Log::start();
    let body = Script { frames: vec!["x"], open: false };
    read(call(request("abc"), Response::new(body)).await.into_body()).await;
    assert_eq!(log.line()["fields"]["rpc.response.status_code"], "UNKNOWN");
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made() {
    let body = || Response::new(Script { frames: vec![], open: false });
    let echoed = call(request("my-id"), body()).await;
    assert_eq!(echoed.headers()["x-request-id"], "my-id");
    for bad in ["", "two words", &"x".repeat(129)] {
        let made = call(request(bad), body()).await;
        let id = made.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(id != bad && Uuid::parse_str(&id).is_ok(), "{id}");
    }
}

#[tokio::test]
async fn handlers_see_the_request_id() {
    let service = tower::service_fn(async |request: Request<()>| {
        let id = request.extensions().get::<RequestId>().unwrap().as_str().to_owned();
        Ok::<_, Infallible>(Response::builder().header("seen", id).body(()).unwrap())
    });
    let response = TraceLayer.layer(service).oneshot(request("abc")).await.unwrap();
    assert_eq!(response.headers()["seen"], "abc");
}
