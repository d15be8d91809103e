//! A span, a request id and one log line for each call.
//!
//! Names follow the OpenTelemetry conventions for RPC. Nothing of a message,
//! and no metadata but the request id, is logged.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Span;
use uuid::Uuid;

/// The header that carries the request id, in both directions.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A unary call that takes longer is logged at INFO even if it is OK.
const SLOW: Duration = Duration::from_secs(1);

const MAX_ID_BYTES: usize = 128;

/// Identifies a call in logs: what the client sent as `x-request-id` if that is
/// 1-128 visible ASCII characters, else a new UUID. Handlers find it among the
/// extensions of the request. It has nothing to do with the field `request_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let fits = |value: &&HeaderValue| {
            (1..=MAX_ID_BYTES).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        match headers.get(REQUEST_ID_HEADER).filter(fits) {
            Some(value) => Self(value.clone()),
            None => Self::new(),
        }
    }

    fn new() -> Self {
        let id = Uuid::new_v4().simple().to_string();
        Self(HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown")))
    }

    /// The id: visible ASCII characters.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Gives every call a span and a [`RequestId`], and logs its end: OK at DEBUG
/// (INFO if slow), the client's mistakes at INFO, the server's failures at WARN.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceLayer;

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace { inner }
    }
}

/// The service of [`TraceLayer`].
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Trace<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<TraceBody<ResBody>>;
    type Error = S::Error;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let id = RequestId::of(request.headers());
        let span = tracing::info_span!(
            "rpc",
            rpc.system.name = "grpc",
            rpc.method = request.uri().path().trim_start_matches('/'),
            request_id = id.as_str(),
        );
        request.extensions_mut().insert(id.clone());
        let inner = span.in_scope(|| self.inner.call(request));
        TraceFuture { inner, id, call: Some(Call { span, start: Instant::now(), code: None, frames: 0 }) }
    }
}

/// A call in progress. Dropping it logs its end, however that came about.
struct Call {
    span: Span,
    start: Instant,
    code: Option<Code>,
    /// Frames of data in the answer so far; a unary call has at most one.
    frames: u64,
}

impl Call {
    fn saw(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(Status::GRPC_STATUS) {
            self.code = Some(Code::from_bytes(code.as_bytes()));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let took = self.start.elapsed();
        let seconds = took.as_secs_f64();
        // Whoever goes before the end of the answer has cancelled the call.
        let code = self.code.unwrap_or(Code::Cancelled);
        let name = name(code);
        let _entered = self.span.enter();
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    rpc.response.status_code = name,
                    rpc.server.call.duration = seconds,
                    "call ended"
                )
            };
        }
        match severity(code) {
            Severity::Fine if self.frames <= 1 && took > SLOW => log!(info),
            Severity::Fine => log!(debug),
            Severity::Refused => log!(info),
            Severity::Failed => log!(warn),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Fine,
    Refused,
    Failed,
}

fn severity(code: Code) -> Severity {
    match code {
        Code::Ok => Severity::Fine,
        Code::Unknown | Code::DeadlineExceeded | Code::Internal | Code::Unavailable | Code::DataLoss => {
            Severity::Failed
        }
        _ => Severity::Refused,
    }
}

/// The code as the conventions and the protocol's documentation write it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

pin_project! {
    /// The future of [`Trace`].
    pub struct TraceFuture<F> {
        #[pin]
        inner: F,
        id: RequestId,
        call: Option<Call>,
    }
}

impl<F, E, B> Future for TraceFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TraceBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let entered = this.call.as_ref().map(|call| call.span.enter());
        let response = ready!(this.inner.poll(cx));
        drop(entered);
        let mut call = this.call.take();
        Poll::Ready(response.map(|mut response| {
            if let Some(call) = &mut call {
                call.saw(response.headers());
            }
            response.headers_mut().insert(REQUEST_ID_HEADER, this.id.0.clone());
            response.map(|inner| TraceBody { inner, call })
        }))
    }
}

pin_project! {
    /// A body that is watched for the status at its end.
    pub struct TraceBody<B> {
        #[pin]
        inner: B,
        call: Option<Call>,
    }
}

impl<B: Body> Body for TraceBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let entered = this.call.as_ref().map(|call| call.span.enter());
        let frame = ready!(this.inner.poll_frame(cx));
        drop(entered);
        if let Some(call) = this.call {
            match &frame {
                Some(Ok(frame)) => match frame.trailers_ref() {
                    Some(trailers) => call.saw(trailers),
                    None => call.frames += 1,
                },
                // A body that breaks off has no status to give.
                Some(Err(_)) | None => {
                    call.code.get_or_insert(Code::Unknown);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::tests::{Script, read};
    use super::super::{trailers, trailers_only};
    use super::*;
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
}
