//! A span, a request id and one log line for each call.
//!
//! Names follow the OpenTelemetry conventions for RPC. Nothing of a message,
//! and no metadata but the request id, is logged.

use crate::proto::code_name;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;
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
/// 1-128 visible ASCII characters, else one that is new. Handlers find it among the
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

    /// A number of this process, drawn once, and a count: a draw for each call would be
    /// a system call.
    #[expect(
        clippy::disallowed_methods,
        reason = "the id of a call in the log lines; no state depends on it"
    )]
    fn new() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| Uuid::new_v4().as_u64_pair().1);
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let id = format!("{:016x}{:016x}", *PROCESS, CALLS.fetch_add(1, Ordering::Relaxed));
        Self(HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown")))
    }

    /// The id: visible ASCII characters.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Gives every call a span and a [`RequestId`], and logs its end: OK at DEBUG
/// (INFO if slow), the client's mistakes at INFO, the server's failures at WARN.
/// A client that leaves before the end is nothing to report: that is how most
/// subscriptions end.
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
        let name = code_name(code);
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
            Severity::Fine if code == Code::Ok && self.frames <= 1 && took > SLOW => log!(info),
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
        Code::Ok | Code::Cancelled => Severity::Fine,
        Code::Unknown | Code::DeadlineExceeded | Code::Internal | Code::Unavailable | Code::DataLoss => {
            Severity::Failed
        }
        _ => Severity::Refused,
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
mod tests;
