//! A panic in a handler is INTERNAL for its caller and harms nobody else.

use super::trailers_only;
use crate::grpc::ERROR_DOMAIN;
use http::Response;
use std::any::Any;
use tonic::Status;
use tonic::body::Body;
use tonic_types::{ErrorDetails, StatusExt};
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};

/// Answers INTERNAL where a handler panics before the head of its response, and
/// logs the panic. The caller learns nothing about it.
pub fn catch_panic() -> CatchPanicLayer<Internal> {
    CatchPanicLayer::custom(Internal)
}

/// Makes the answer to a call whose handler panicked.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

impl ResponseForPanic for Internal {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("(not a text)");
        tracing::error!(panic = text, "a handler panicked");
        let details = ErrorDetails::with_error_info("INTERNAL", ERROR_DOMAIN, [] as [(String, String); 0]);
        let message = "a defect in the server ended this call; its log has more under the x-request-id";
        let status = Status::with_error_details(tonic::Code::Internal, message, details);
        trailers_only(status, Body::empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::tests::refusal;
    use super::*;
    use http::Request;
    use std::convert::Infallible;
    use tonic::Code;
    use tower::{Layer, ServiceExt};

    #[tokio::test]
    async fn a_panic_is_internal_and_tells_nothing() {
        async fn handler(_: Request<()>) -> Result<Response<Body>, Infallible> {
            panic!("secret")
        }
        let service = catch_panic().layer(tower::service_fn(handler));
        let response = service.oneshot(Request::new(())).await.unwrap();
        let status = refusal(&response).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "INTERNAL");
    }
}
