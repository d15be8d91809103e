//! The baseline of the reads: a unary call that does nothing but answer a
//! version of the usual size, behind the same listener, layers and limits as
//! the registry's calls.

use super::{Failure, population::Population};
use http::{Request, Response};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use steward_registry::{
    domain::{time::Timestamp, version::Version},
    grpc::{
        MAX_RECEIVE_BYTES, MAX_SEND_BYTES,
        serve::{self, ServeOptions},
        version,
    },
    proto::v1,
    registry::call::Stored,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status,
    body::Body,
    codec::{CompressionEncoding, EnabledCompressionEncodings},
    server::{Grpc, NamedService, UnaryService},
    service::Routes,
};
use tonic_prost::ProstCodec;

/// Path of the call.
pub const PATH: &str = "/benchmark.Echo/GetVersion";

/// Serves the echo until the drain.
pub async fn serve(drain: CancellationToken, ready: impl FnOnce(SocketAddr)) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    ready(listener.local_addr()?);
    let options = ServeOptions::default();
    let routes = Routes::new(Echo(Arc::new(answer()?)));
    let app = serve::app(routes, axum::Router::new(), &options)?;
    serve::serve(listener, app, &options, drain).await;
    Ok(())
}

fn answer() -> Result<v1::Version, Failure> {
    let name = Population::version(&Population::new(0).model(0)?, 1)?;
    let content = Population::version_content()?.into_inner();
    let version = Version::create(name, content, Timestamp::MIN);
    Ok(version::write(Stored { value: version, position: Some(1_000_000) }))
}

/// What tonic's generator would write for a service of this one call.
#[derive(Clone)]
struct Echo(Arc<v1::Version>);

impl NamedService for Echo {
    const NAME: &'static str = "benchmark.Echo";
}

impl UnaryService<v1::GetVersionRequest> for Echo {
    type Response = v1::Version;
    type Future = Ready<Result<tonic::Response<v1::Version>, Status>>;

    fn call(&mut self, _: tonic::Request<v1::GetVersionRequest>) -> Self::Future {
        ready(Ok(tonic::Response::new(v1::Version::clone(&self.0))))
    }
}

impl tower::Service<Request<Body>> for Echo {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let mut gzip = EnabledCompressionEncodings::default();
            gzip.enable(CompressionEncoding::Gzip);
            let mut grpc = Grpc::new(ProstCodec::default())
                .apply_compression_config(gzip, gzip)
                .apply_max_message_size_config(Some(MAX_RECEIVE_BYTES), Some(MAX_SEND_BYTES));
            Ok(grpc.unary(method, request).await)
        })
    }
}
