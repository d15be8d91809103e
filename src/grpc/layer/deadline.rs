//! Deadlines that are answered with DEADLINE_EXCEEDED.
//!
//! tonic's own time-out answers CANCELLED, ignores a malformed `grpc-timeout`
//! and stops counting at the head of the response.
//!
//! A call that runs out of time is dropped where it awaits. What it has handed
//! to the committer by then still happens: the outcome is unknown to the client,
//! who finds it out by repeating the call with the same request id.

use super::{LongLived, trailers, trailers_only};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

use crate::grpc::{ERROR_DOMAIN, bad_header};

const HEADER: &str = "grpc-timeout";
const RULE: &str = "1-8 digits and a unit, one of H, M, S, m, u, n, such as `500m`";

/// Gives every call a deadline: the client's `grpc-timeout`, but no more than
/// the longest that the server allows. A [`LongLived`] call has only the
/// client's, which counts until the end of its body.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer {
    longest: Duration,
    long_lived: LongLived,
}

impl DeadlineLayer {
    /// Calls that are not long-lived end after `longest` at the latest.
    pub fn new(longest: Duration, long_lived: LongLived) -> Self {
        Self { longest, long_lived }
    }

    fn time_allowed(&self, path: &str, headers: &HeaderMap) -> Result<Option<Duration>, Status> {
        let wanted = headers.get(HEADER).map(parse).transpose()?;
        Ok(match wanted {
            _ if self.long_lived.contains(path) => wanted,
            Some(wanted) => Some(wanted.min(self.longest)),
            None => Some(self.longest),
        })
    }
}

fn parse(value: &HeaderValue) -> Result<Duration, Status> {
    let bad = || bad_header(HEADER, RULE);
    let (unit, digits) = value.as_bytes().split_last().ok_or_else(bad)?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(bad());
    }
    let amount = digits.iter().fold(0, |amount, digit| amount * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Ok(Duration::from_secs(amount * 3_600)),
        b'M' => Ok(Duration::from_secs(amount * 60)),
        b'S' => Ok(Duration::from_secs(amount)),
        b'm' => Ok(Duration::from_millis(amount)),
        b'u' => Ok(Duration::from_micros(amount)),
        b'n' => Ok(Duration::from_nanos(amount)),
        _ => Err(bad()),
    }
}

fn exceeded(allowed: Duration) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = [("allowed_seconds".to_owned(), allowed.as_secs_f64().to_string())];
    details.set_error_info("DEADLINE_EXCEEDED", ERROR_DOMAIN, metadata);
    let message = format!(
        "the call did not end within {allowed:?}; a change may have taken place: \
         repeat it with the same request_id"
    );
    Status::with_error_details(tonic::Code::DeadlineExceeded, message, details)
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, layer: *self }
    }
}

/// The service of [`DeadlineLayer`].
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    layer: DeadlineLayer,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Deadline<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<DeadlineBody<ResBody>>;
    type Error = S::Error;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (refusal, allowed) = match self.layer.time_allowed(request.uri().path(), request.headers()) {
            Err(status) => (Some(status), None),
            Ok(Some(allowed)) if allowed.is_zero() => (Some(exceeded(allowed)), None),
            Ok(allowed) => (None, allowed),
        };
        let inner = refusal.is_none().then(|| self.inner.call(request));
        DeadlineFuture { refusal, inner, timer: allowed.map(Timer::start) }
    }
}

pin_project! {
    struct Timer {
        #[pin]
        sleep: Sleep,
        allowed: Duration,
    }
}

impl Timer {
    fn start(allowed: Duration) -> Self {
        Self { sleep: sleep_until(Instant::now() + allowed), allowed }
    }

    /// The same deadline, to go on from the head of a response to its body.
    fn again(&self) -> Self {
        Self { sleep: sleep_until(self.sleep.deadline()), allowed: self.allowed }
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.sleep.deadline()
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        let this = self.project();
        ready!(this.sleep.poll(cx));
        Poll::Ready(exceeded(*this.allowed))
    }
}

pin_project! {
    /// The future of [`Deadline`]: either a refusal or a handler at work.
    pub struct DeadlineFuture<F> {
        refusal: Option<Status>,
        #[pin]
        inner: Option<F>,
        #[pin]
        timer: Option<Timer>,
    }
}

impl<F, E, B> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<DeadlineBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut()
            && let Poll::Ready(response) = inner.poll(cx)
        {
            let timer = this.timer.as_ref().as_pin_ref().map(|timer| timer.again());
            let response =
                response.map(|response| response.map(|body| DeadlineBody { inner: Some(body), timer }));
            return Poll::Ready(response);
        }
        let status = match (this.refusal.take(), this.timer.as_mut().as_pin_mut()) {
            (Some(status), _) => status,
            (None, Some(timer)) => ready!(timer.poll(cx)),
            (None, None) => return Poll::Pending,
        };
        this.inner.set(None);
        Poll::Ready(Ok(trailers_only(status, DeadlineBody { inner: None, timer: None })))
    }
}

pin_project! {
    /// The body of a call that may run out of time; the status is then its end.
    pub struct DeadlineBody<B> {
        #[pin]
        inner: Option<B>,
        #[pin]
        timer: Option<Timer>,
    }
}

impl<B: Body> Body for DeadlineBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let mut timer = this.timer.as_mut().as_pin_mut();
        // A stream that always has something ready must not outrun its deadline.
        let over = timer.as_ref().is_some_and(|timer| timer.is_over());
        if !over && let Poll::Ready(frame) = inner.poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let status = match timer.as_mut() {
            Some(timer) => ready!(timer.as_mut().poll(cx)),
            None => return Poll::Pending,
        };
        this.inner.set(None);
        Poll::Ready(Some(Ok(trailers(&status))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.inner, &self.timer) {
            (None, _) => SizeHint::with_exact(0),
            (Some(inner), None) => inner.size_hint(),
            // It may end early, so no length may be promised.
            (Some(_), Some(_)) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::tests::{Script, read, refusal};
    use super::*;
    use std::convert::Infallible;
    use std::future::pending;
    use tonic::Code;
    use tower::ServiceExt;

    const LAYER: DeadlineLayer =
        DeadlineLayer { longest: Duration::from_secs(30), long_lived: LongLived::new(&["/s/Watch"]) };

    async fn call<F>(path: &str, timeout: Option<&str>, handler: F) -> Response<DeadlineBody<Script>>
    where
        F: Future<Output = Script> + Send,
    {
        let mut request = Request::builder().uri(path);
        if let Some(timeout) = timeout {
            request = request.header(HEADER, timeout);
        }
        let mut handler = Some(handler);
        let service = LAYER.layer(tower::service_fn(move |_: Request<()>| {
            let handler = handler.take().unwrap();
            async move { Ok::<_, Infallible>(Response::new(handler.await)) }
        }));
        service.oneshot(request.body(()).unwrap()).await.unwrap()
    }

    fn open(frames: &[&'static str]) -> impl Future<Output = Script> + use<> {
        std::future::ready(Script { frames: frames.to_vec(), open: true })
    }

    async fn elapsed<T>(work: impl Future<Output = T>) -> (T, Duration) {
        let start = Instant::now();
        let result = work.await;
        (result, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_out_of_time_is_deadline_exceeded() {
        for (timeout, wanted) in [
            (Some("200m"), Duration::from_millis(200)),
            (Some("2S"), Duration::from_secs(2)),
            (Some("1H"), Duration::from_secs(30)),
            (None, Duration::from_secs(30)),
            (Some("0n"), Duration::ZERO),
        ] {
            let (response, took) = elapsed(call("/s/Get", timeout, pending())).await;
            assert_eq!(refusal(&response).unwrap().code(), Code::DeadlineExceeded);
            assert!((wanted..wanted + Duration::from_millis(2)).contains(&took), "{timeout:?} took {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_out_of_time_ends_with_the_status() {
        let (result, took) =
            elapsed(async { read(call("/s/Watch", Some("3S"), open(&["a", "b"])).await.into_body()).await })
                .await;
        assert_eq!(result.0, "ab");
        assert_eq!(result.1.unwrap().code(), Code::DeadlineExceeded);
        assert!(took >= Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_always_ready_does_not_outrun_its_deadline() {
        let body = call("/s/Watch", Some("1S"), open(&["a", "b"])).await.into_body();
        tokio::time::advance(Duration::from_secs(2)).await;
        let (data, status) = read(body).await;
        assert_eq!((data.as_str(), status.unwrap().code()), ("", Code::DeadlineExceeded));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_lived_call_without_a_client_deadline_goes_on() {
        let day = Duration::from_secs(86_400);
        let body = call("/s/Watch", None, open(&[])).await.into_body();
        assert!(tokio::time::timeout(day, read(body)).await.is_err());
        assert!(tokio::time::timeout(day, call("/s/Watch", None, pending())).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_in_time_is_left_alone() {
        let done = std::future::ready(Script { frames: vec!["x"], open: false });
        let response = call("/s/Get", Some("1m"), done).await;
        assert!(refusal(&response).is_none());
        let (data, status) = read(response.into_body()).await;
        assert_eq!(data, "x");
        assert!(status.is_none());
    }

    #[tokio::test]
    async fn a_malformed_timeout_is_refused_without_calling() {
        for timeout in ["", "m", "1", "1x", "-1S", "1.5S", "123456789S", "1 S", "S1"] {
            let response = call("/s/Get", Some(timeout), async { panic!("called") }).await;
            let status = refusal(&response).unwrap();
            assert_eq!(status.code(), Code::InvalidArgument, "{timeout:?}");
            assert!(status.message().contains("grpc-timeout"));
        }
    }

    #[test]
    fn all_units_of_the_protocol_are_read() {
        for (value, wanted) in [
            ("99999999H", Duration::from_secs(99_999_999 * 3_600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("4m", Duration::from_millis(4)),
            ("5u", Duration::from_micros(5)),
            ("6n", Duration::from_nanos(6)),
        ] {
            assert_eq!(parse(&HeaderValue::from_static(value)).unwrap(), wanted);
        }
    }
}
