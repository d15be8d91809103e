//! One limit for the whole server on the calls in progress, and one on streams.
//!
//! tonic's own limit counts for each connection and lets a call go with the head
//! of its response, so that it does not count streams at all.
//!
//! A call has its permit until its handler has answered: the body of a unary
//! call is complete then, and a client that does not fetch it must not keep
//! others out. A stream has its permit until its body is dropped. Streams have
//! permits of their own, so that they cannot starve the other calls.

use super::{LongLived, trailers_only};
use crate::grpc::ERROR_DOMAIN;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

/// How long a refused client is told to wait.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Refuses calls with RESOURCE_EXHAUSTED while too many are in progress. All
/// services made by one layer and its clones share its limits.
#[derive(Clone, Debug)]
pub struct LimitLayer {
    calls: Pool,
    streams: Pool,
    long_lived: LongLived,
}

#[derive(Clone, Debug)]
struct Pool {
    what: &'static str,
    size: usize,
    permits: Arc<Semaphore>,
}

impl Pool {
    fn new(what: &'static str, size: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        Self { what, size, permits: Arc::new(Semaphore::new(size)) }
    }

    fn acquire(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.permits).try_acquire_owned().map_err(|_| self.exhausted())
    }

    fn exhausted(&self) -> Status {
        let mut details = ErrorDetails::new();
        let metadata = [(format!("max_{}", self.what), self.size.to_string())];
        details.set_error_info("TOO_MANY_REQUESTS", ERROR_DOMAIN, metadata).set_retry_info(Some(RETRY_DELAY));
        let message = format!(
            "the server is busy with {} {}, which is its limit; try again in {RETRY_DELAY:?}",
            self.size, self.what
        );
        Status::with_error_details(tonic::Code::ResourceExhausted, message, details)
    }
}

impl LimitLayer {
    /// At most `max_calls` calls at a time, and apart from them at most
    /// `max_streams` that are long-lived.
    pub fn new(max_calls: usize, max_streams: usize, long_lived: LongLived) -> Self {
        Self { calls: Pool::new("calls", max_calls), streams: Pool::new("streams", max_streams), long_lived }
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limit<S>;

    fn layer(&self, inner: S) -> Limit<S> {
        Limit { inner, layer: self.clone() }
    }
}

/// The service of [`LimitLayer`].
#[derive(Clone, Debug)]
pub struct Limit<S> {
    inner: S,
    layer: LimitLayer,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Limit<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<LimitBody<ResBody>>;
    type Error = S::Error;
    type Future = LimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let is_stream = self.layer.long_lived.contains(request.uri().path());
        let pool = if is_stream { &self.layer.streams } else { &self.layer.calls };
        match pool.acquire() {
            Ok(permit) => {
                let inner = Some(self.inner.call(request));
                LimitFuture { inner, permit: Some(permit), is_stream, refusal: None }
            }
            Err(status) => LimitFuture { inner: None, permit: None, is_stream, refusal: Some(status) },
        }
    }
}

pin_project! {
    /// The future of [`Limit`]: either a refusal or a handler at work.
    pub struct LimitFuture<F> {
        #[pin]
        inner: Option<F>,
        permit: Option<OwnedSemaphorePermit>,
        is_stream: bool,
        refusal: Option<Status>,
    }
}

impl<F, E, B> Future for LimitFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<LimitBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(status) = this.refusal.take() {
            return Poll::Ready(Ok(trailers_only(status, LimitBody { inner: None, permit: None })));
        }
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Pending };
        let response = ready!(inner.poll(cx));
        let permit = this.permit.take().filter(|_| *this.is_stream);
        Poll::Ready(response.map(|response| response.map(|body| LimitBody { inner: Some(body), permit })))
    }
}

pin_project! {
    /// A body that gives a stream's permit back when it is dropped.
    pub struct LimitBody<B> {
        #[pin]
        inner: Option<B>,
        permit: Option<OwnedSemaphorePermit>,
    }
}

impl<B: Body> Body for LimitBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => inner.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::tests::{Script, refusal};
    use super::*;
    use std::convert::Infallible;
    use std::future::{Ready, pending, ready};
    use tonic::Code;
    use tower::ServiceExt;

    fn layer() -> LimitLayer {
        LimitLayer::new(1, 1, LongLived::new(&["/s/Watch"]))
    }

    fn request(path: &str) -> Request<()> {
        Request::builder().uri(path).body(()).unwrap()
    }

    fn answer(_: Request<()>) -> Ready<Result<Response<Script>, Infallible>> {
        ready(Ok(Response::new(Script { frames: vec!["x"], open: false })))
    }

    async fn call(layer: &LimitLayer, path: &str) -> Response<LimitBody<Script>> {
        layer.layer(tower::service_fn(answer)).oneshot(request(path)).await.unwrap()
    }

    #[tokio::test]
    async fn a_call_beyond_the_limit_is_refused_with_a_delay_and_a_reason() {
        let layer = layer();
        let mut busy = layer.layer(tower::service_fn(|_: Request<()>| pending()));
        let running: LimitFuture<std::future::Pending<Result<Response<Script>, Infallible>>> =
            busy.call(request("/s/Get"));

        let status = refusal(&call(&layer, "/s/Get").await).unwrap();
        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = status.get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_DELAY));
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("TOO_MANY_REQUESTS", "steward"));
        assert_eq!(info.metadata["max_calls"], "1");

        drop(running);
        assert!(refusal(&call(&layer, "/s/Get").await).is_none(), "a dropped call frees its permit");
    }

    #[tokio::test]
    async fn a_stream_counts_until_its_body_is_dropped() {
        let layer = layer();
        let stream = call(&layer, "/s/Watch").await;
        let refused = refusal(&call(&layer, "/s/Watch").await).unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        drop(stream);
        assert!(refusal(&call(&layer, "/s/Watch").await).is_none());
    }

    #[tokio::test]
    async fn streams_and_calls_do_not_starve_each_other() {
        let layer = layer();
        let _stream = call(&layer, "/s/Watch").await;
        assert!(refusal(&call(&layer, "/s/Get").await).is_none());
    }

    #[tokio::test]
    async fn an_answer_that_nobody_fetches_keeps_no_permit() {
        let layer = layer();
        let _unread = call(&layer, "/s/Get").await;
        assert!(refusal(&call(&layer, "/s/Get").await).is_none());
    }
}
