//! The real services behind all their layers, over HTTP/2 in a pipe of memory:
//! no sockets, so that a clock that stands still moves on only when nothing
//! else is left to do.

use crate::support::{TestClock, environment};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, sync::Arc, time::Duration};
use steward_registry::{
    grpc::{
        alias::Aliases,
        audit::Audit,
        evaluation::Evaluations,
        lifecycle::Lifecycle,
        model::Models,
        person::Persons,
        serve::{ServeOptions, app},
        version::Versions,
    },
    http,
    proto::v1::{
        alias_service_server::AliasServiceServer, audit_service_server::AuditServiceServer,
        evaluation_service_server::EvaluationServiceServer, lifecycle_service_server::LifecycleServiceServer,
        model_service_server::ModelServiceServer, person_service_server::PersonServiceServer,
        version_service_server::VersionServiceServer,
    },
    registry::{Registry, Setup, environment::Environment, feed::Limits},
    store::{
        engine::Engine,
        sled::{SledEngine, SledOptions},
    },
};
use tempfile::TempDir;
use tokio::io::{DuplexStream, duplex};
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint},
};

/// Bytes of a stream that may be under way unread: a few events, so that a
/// reader that stops reading soon stops the server.
const WINDOW: u32 = 2_048;

/// Until nothing is left to do, for a test whose clock stands still.
pub async fn at_rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Where the log is kept while servers come and go.
pub enum Kept {
    Memory(Arc<dyn Engine>),
    Disk(TempDir),
}

/// A server, and the one connection to it.
pub struct Pipe {
    pub channel: Channel,
    pub clock: Arc<TestClock>,
    environment: Environment,
    kept: Kept,
    limits: Limits,
    registry: Registry,
    sled: Option<Arc<SledEngine>>,
    cut: CancellationToken,
}

impl Pipe {
    pub async fn open(kept: Kept, limits: Limits) -> Self {
        let (clock, environment) = environment();
        Self::reopen(kept, limits, clock, environment).await
    }

    async fn reopen(kept: Kept, limits: Limits, clock: Arc<TestClock>, environment: Environment) -> Self {
        let sled = match &kept {
            Kept::Memory(_) => None,
            Kept::Disk(dir) => {
                let options = SledOptions { cache_bytes: 16 << 20 };
                Some(Arc::new(SledEngine::open(dir.path(), options).unwrap()))
            }
        };
        let engine: Arc<dyn Engine> = match (&kept, &sled) {
            (Kept::Memory(engine), _) => engine.clone(),
            (Kept::Disk(_), sled) => sled.clone().unwrap(),
        };
        let setup = Setup { limits, ..Setup::default() };
        let registry = Registry::open_with(engine, environment.clone(), setup).await.unwrap();
        let cut = CancellationToken::new();
        let channel = connect(&registry, &cut).await;
        Pipe { channel, clock, environment, kept, limits, registry, sled, cut }
    }

    /// Begins to shut down.
    pub fn drain(&self) {
        self.registry.drain();
    }

    /// Cuts the connection, closes the store and opens it again.
    pub async fn restart(self) -> Self {
        self.cut.cancel();
        drop(self.channel);
        self.registry.close().await;
        if let Some(sled) = self.sled {
            sled.close().await.unwrap();
        }
        Self::reopen(self.kept, self.limits, self.clock, self.environment).await
    }
}

/// The services that are called here. Reflection costs more than a whole case.
fn routes(registry: &Registry) -> Routes {
    Routes::new(ModelServiceServer::new(Models(registry.clone())))
        .add_service(VersionServiceServer::new(Versions(registry.clone())))
        .add_service(AliasServiceServer::new(Aliases(registry.clone())))
        .add_service(LifecycleServiceServer::new(Lifecycle(registry.clone())))
        .add_service(EvaluationServiceServer::new(Evaluations(registry.clone())))
        .add_service(PersonServiceServer::new(Persons(registry.clone())))
        .add_service(AuditServiceServer::new(Audit(registry.clone())))
}

async fn connect(registry: &Registry, cut: &CancellationToken) -> Channel {
    let app = app(routes(registry), http::router(registry.clone()), &ServeOptions::default()).unwrap();
    let cut = cut.clone();
    let dial = tower::service_fn(move |_| {
        let (ours, theirs) = duplex(64 << 10);
        tokio::spawn(cut.clone().run_until_cancelled_owned(converse(theirs, app.clone())));
        std::future::ready(Ok::<_, io::Error>(TokioIo::new(ours)))
    });
    Endpoint::from_static("http://pipe")
        .initial_stream_window_size(WINDOW)
        .connect_with_connector(dial)
        .await
        .unwrap()
}

async fn converse(pipe: DuplexStream, app: axum::Router) {
    let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new());
    // An error is a connection that was cut.
    let _ = http.serve_connection(TokioIo::new(pipe), TowerToHyperService::new(app)).await;
}
