//! What happens to every call before and after its handler, outside in:
//! CORS, gRPC-Web ([`web`]), request id and span ([`trace`]), panics
//! ([`mod@panic`]), deadlines ([`deadline`]), limits ([`limit`]).
//!
//! gRPC-Web stands further out than one would expect, because the refusals and
//! trailers of the layers inside it have to be translated for a browser too.

pub mod deadline;
pub mod limit;
pub mod panic;
pub mod trace;
pub mod web;

use http::{HeaderMap, Response};
use http_body::Frame;
use tonic::Status;

/// Methods whose answer goes on until the client has had enough. They have no
/// deadline but the client's, and a limit of their own.
#[derive(Clone, Copy, Debug)]
pub struct LongLived(&'static [&'static str]);

impl LongLived {
    /// Methods by path, such as `/steward.v1.AuditService/SubscribeAuditEvents`.
    pub const fn new(paths: &'static [&'static str]) -> Self {
        Self(paths)
    }

    /// Whether the method with this path is one of them.
    pub fn contains(&self, path: &str) -> bool {
        self.0.contains(&path)
    }
}

/// An answer that is only a status: HTTP 200 with `grpc-status` among the headers.
fn trailers_only<B>(status: Status, body: B) -> Response<B> {
    let (parts, ()) = status.into_http::<()>().into_parts();
    Response::from_parts(parts, body)
}

/// A status at the end of a body that has begun.
fn trailers<D>(status: &Status) -> Frame<D> {
    let mut headers = HeaderMap::new();
    if status.add_header(&mut headers).is_err() {
        // Only a message that is no header value gets here; the code alone always is one.
        headers.insert(Status::GRPC_STATUS, (status.code() as i32).into());
    }
    Frame::trailers(headers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use bytes::Bytes;
    use http_body::Body;
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll};
    use tonic::Code;

    /// A body that gives its frames and then, if `open`, never ends.
    pub(super) struct Script {
        pub(super) frames: Vec<&'static str>,
        pub(super) open: bool,
    }

    impl Body for Script {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.frames.is_empty() {
                false => Poll::Ready(Some(Ok(Frame::data(Bytes::from(self.frames.remove(0)))))),
                true if self.open => Poll::Pending,
                true => Poll::Ready(None),
            }
        }
    }

    /// The data of a body, and the status in its trailers.
    pub(super) async fn read<B: Body<Data = Bytes>>(body: B) -> (String, Option<Status>) {
        let mut body = pin!(body);
        let (mut data, mut status) = (String::new(), None);
        while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            match frame.into_data() {
                Ok(bytes) => data.push_str(std::str::from_utf8(&bytes).unwrap()),
                Err(frame) => status = Status::from_header_map(&frame.into_trailers().unwrap()),
            }
        }
        (data, status)
    }

    /// The status of an answer that is nothing else.
    pub(super) fn refusal<B>(response: &Response<B>) -> Option<Status> {
        Status::from_header_map(response.headers())
    }

    #[test]
    fn a_status_travels_as_headers_or_as_trailers() {
        let status = Status::new(Code::Aborted, "stale etag: é\n");
        let response = trailers_only(status.clone(), ());
        assert_eq!(refusal(&response).unwrap().message(), status.message());
        assert_eq!(response.headers()["content-type"], "application/grpc");

        let headers = trailers::<Bytes>(&status).into_trailers().unwrap();
        assert_eq!(Status::from_header_map(&headers).unwrap().message(), status.message());
    }
}
