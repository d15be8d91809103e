//! The life of the server: the store is opened and checked, the registry over
//! it, the services over that; it serves until it is told to stop, and then
//! lets every call and stream come to its end before it closes the store.

pub mod epoch;
pub mod rebuild;

use crate::{
    cli::serve::EngineKind,
    config::Config,
    grpc::{
        self, alias::Aliases, audit::Audit, calendar::Calendars, checkpoint::Checkpoints,
        consumer::Consumers, evaluation::Evaluations, health::Health, incident::Incidents,
        lifecycle::Lifecycle, metric::Metrics, model::Models, monitor::Monitors, namespace::Namespaces,
        otlp::OtlpMetrics, person::Persons, policy::Policies, proposal::Proposals, retraining::Retrainings,
        serve::ServeOptions, subscription::Subscriptions, upstream::Upstreams, version::Versions,
    },
    http,
    outbound::{webhook::Webhooks, witness::Witnesses},
    proto::v1::{
        alias_service_server::{AliasServiceServer, SERVICE_NAME as ALIAS},
        audit_service_server::{AuditServiceServer, SERVICE_NAME as AUDIT},
        calendar_service_server::{CalendarServiceServer, SERVICE_NAME as CALENDAR},
        checkpoint_service_server::{CheckpointServiceServer, SERVICE_NAME as CHECKPOINT},
        consumer_service_server::{ConsumerServiceServer, SERVICE_NAME as CONSUMER},
        evaluation_service_server::{EvaluationServiceServer, SERVICE_NAME as EVALUATION},
        incident_service_server::{IncidentServiceServer, SERVICE_NAME as INCIDENT},
        lifecycle_service_server::{LifecycleServiceServer, SERVICE_NAME as LIFECYCLE},
        metric_service_server::{MetricServiceServer, SERVICE_NAME as METRIC},
        model_service_server::{ModelServiceServer, SERVICE_NAME as MODEL},
        monitor_service_server::{MonitorServiceServer, SERVICE_NAME as MONITOR},
        namespace_service_server::{NamespaceServiceServer, SERVICE_NAME as NAMESPACE},
        person_service_server::{PersonServiceServer, SERVICE_NAME as PERSON},
        policy_service_server::{PolicyServiceServer, SERVICE_NAME as POLICY},
        proposal_service_server::{ProposalServiceServer, SERVICE_NAME as PROPOSAL},
        retraining_service_server::{RetrainingServiceServer, SERVICE_NAME as RETRAINING},
        subscription_service_server::{SERVICE_NAME as SUBSCRIPTION, SubscriptionServiceServer},
        upstream_service_server::{SERVICE_NAME as UPSTREAM, UpstreamServiceServer},
        version_service_server::{SERVICE_NAME as VERSION, VersionServiceServer},
    },
    registry::{Registry, Setup, environment::Environment},
    store::{
        beside::Beside,
        engine::Engine,
        memory::MemoryEngine,
        sled::{OpenError, SledEngine, SledOptions},
    },
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsServiceServer;
use std::{io, net::SocketAddr, path::Path, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, RoutesBuilder};

/// Our services, as health shows them.
const SERVICES: &[&str] = &[
    ALIAS,
    AUDIT,
    CALENDAR,
    CHECKPOINT,
    CONSUMER,
    EVALUATION,
    INCIDENT,
    LIFECYCLE,
    METRIC,
    MODEL,
    MONITOR,
    NAMESPACE,
    PERSON,
    POLICY,
    PROPOSAL,
    RETRAINING,
    SUBSCRIPTION,
    UPSTREAM,
    VERSION,
];

/// Why the server did not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store was refused.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// What is stored was refused.
    #[error("{0}")]
    Registry(#[from] crate::registry::error::Error),
    /// The address is not to be had.
    #[error(
        "cannot listen on {0}: {1}; choose another address with --listen, or end the program that uses it"
    )]
    Listen(SocketAddr, io::Error),
    /// The port file cannot be written.
    #[error("cannot write the port file {0}: {1}")]
    PortFile(String, io::Error),
    /// A value of the configuration that only the services can judge.
    #[error("{0}")]
    Config(String),
    /// The store did not close well.
    #[error("the store did not close well: {0}; what was acknowledged is safe")]
    Close(String),
}

/// The store, and how to close it.
pub enum Store {
    /// On disk.
    Sled(Arc<SledEngine>),
    /// In memory.
    Memory(Arc<MemoryEngine>),
}

impl Store {
    /// Opens the store that a configuration names.
    pub async fn open(config: &Config) -> Result<Self, ServerError> {
        match config.engine() {
            EngineKind::Memory => Ok(Store::Memory(Arc::new(MemoryEngine::new()))),
            EngineKind::Sled => {
                let (data, watermark) = (config.data_dir(), config.watermark_dir());
                Self::open_sled_with_watermark(&data, &watermark, config.cache_bytes()).await
            }
        }
    }

    /// Opens a store on disk.
    pub async fn open_sled(dir: &Path, cache_bytes: u64) -> Result<Self, ServerError> {
        Self::open_sled_with_watermark(dir, dir, cache_bytes).await
    }

    /// Opens a store on disk whose watermark is kept in another directory. Opening
    /// reads the disk, so it leaves the async threads.
    async fn open_sled_with_watermark(
        dir: &Path,
        watermark_dir: &Path,
        cache_bytes: u64,
    ) -> Result<Self, ServerError> {
        let (dir, watermark_dir) = (dir.to_owned(), watermark_dir.to_owned());
        let options = SledOptions { cache_bytes };
        let opening = move || SledEngine::open_with_watermark(&dir, &watermark_dir, options);
        let opened = tokio::task::spawn_blocking(opening).await;
        let engine = opened.map_err(|error| ServerError::Close(error.to_string()))??;
        Ok(Store::Sled(Arc::new(engine)))
    }

    /// The engine for a registry.
    pub fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Store::Sled(engine) => engine.clone(),
            Store::Memory(engine) => engine.clone(),
        }
    }

    /// Closes the store; everybody else has let it go.
    pub async fn close(self) -> Result<(), ServerError> {
        match self {
            Store::Sled(engine) => {
                engine.close().await.map_err(|error| ServerError::Close(error.to_string()))
            }
            Store::Memory(_) => Ok(()),
        }
    }
}

/// What is kept beside the store.
pub fn beside(config: &Config) -> Beside {
    match config.engine() {
        EngineKind::Memory => Beside::in_memory(),
        EngineKind::Sled => Beside::on_disk(&config.key_dir(), &config.watermark_dir()),
    }
}

/// Serves until `drain` is cancelled. `ready` is told the bound address.
pub async fn run(
    config: &Config,
    environment: Environment,
    drain: CancellationToken,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServerError> {
    let listen = config.listen();
    let listener = TcpListener::bind(listen).await.map_err(|error| ServerError::Listen(listen, error))?;
    let address = listener.local_addr().map_err(|error| ServerError::Listen(listen, error))?;
    let store = Store::open(config).await?;
    let setup = Setup { beside: beside(config), witnesses: config.witnesses().cloned(), ..Setup::default() };
    let registry = match Registry::open_with(store.engine(), environment, setup).await {
        Ok(registry) => registry,
        Err(error) => {
            store.close().await?;
            return Err(error.into());
        }
    };
    let served = serve(config, registry, listener, drain, || {
        warn_if_open(config, address);
        tracing::info!(%address, data_dir = %config.data_dir().display(), "ready");
        write_port_file(config, address)?;
        ready(address);
        Ok(())
    });
    let served = served.await;
    store.close().await?;
    tracing::info!("stopped");
    served
}

/// Serves a registry until `drain` is cancelled; `ready` is told when it begins.
pub async fn serve(
    config: &Config,
    registry: Registry,
    listener: TcpListener,
    drain: CancellationToken,
    ready: impl FnOnce() -> Result<(), ServerError>,
) -> Result<(), ServerError> {
    let options = ServeOptions {
        max_connections: config.max_connections(),
        max_concurrent_requests: config.max_concurrent_requests(),
        max_streams: config.max_streams(),
        max_deadline: config.max_deadline(),
        cors_origins: config.cors_origins(),
        drain_timeout: config.drain_timeout(),
        ..ServeOptions::default()
    };
    let health = Health::new(SERVICES);
    let routes = routes(&registry, &health)?;
    let app = grpc::serve::app(routes, http::router(registry.clone()), &options)
        .map_err(|error| ServerError::Config(format!("`cors_origins`: {error}")))?;
    let witnesses = match config.witnesses() {
        Some(_) => Some(
            Witnesses::new()
                .map_err(|cause| ServerError::Config(format!("witnesses cannot be asked: {cause}")))?,
        ),
        None => None,
    };
    health.set_serving(SERVICES);
    ready()?;
    let watcher = tokio::spawn(watch(registry.clone(), health, drain.clone()));
    let sweeper = tokio::spawn(sweep(registry.clone(), drain.clone()));
    let webhooks = Webhooks::new(config.webhook_rules())
        .map_err(|cause| ServerError::Config(format!("webhooks cannot be sent: {cause}")))?;
    registry.send_webhooks_by(Arc::new(webhooks));
    let cursors = tokio::spawn(registry.clone().watch_subscriptions());
    let webhooks = config.scheduler().then(|| tokio::spawn(registry.clone().follow_webhooks()));
    let scheduler = config.scheduler().then(|| tokio::spawn(registry.clone().follow_the_clock()));
    let witnesses = witnesses.map(|witnesses| {
        tokio::spawn(registry.clone().follow_witnesses(Arc::new(witnesses), config.witness_period()))
    });
    let drained = grpc::serve::serve(listener, app, &options, drain).await;
    tracing::info!(?drained, "all calls have ended");
    for task in [watcher, sweeper, cursors].into_iter().chain(scheduler).chain(webhooks).chain(witnesses) {
        // All end with the drain; one that failed has nothing left to do.
        let _ = task.await;
    }
    registry.close().await;
    Ok(())
}

/// All services on one set of routes.
pub fn routes(registry: &Registry, health: &Health) -> Result<Routes, ServerError> {
    let reflection = |error| ServerError::Config(format!("the embedded contract: {error}"));
    let mut routes = services(registry);
    routes
        .add_service(health.server())
        .add_service(grpc::health::reflection_v1().map_err(reflection)?)
        .add_service(grpc::health::reflection_v1alpha().map_err(reflection)?);
    Ok(routes.routes())
}

/// Our services, without health and reflection.
pub fn services(registry: &Registry) -> RoutesBuilder {
    use grpc::limited;
    let mut routes = Routes::builder();
    routes
        .add_service(limited!(NamespaceServiceServer::new(Namespaces(registry.clone()))))
        .add_service(limited!(ModelServiceServer::new(Models(registry.clone()))))
        .add_service(limited!(VersionServiceServer::new(Versions(registry.clone()))))
        .add_service(limited!(AliasServiceServer::new(Aliases(registry.clone()))))
        .add_service(limited!(PersonServiceServer::new(Persons(registry.clone()))))
        .add_service(limited!(PolicyServiceServer::new(Policies(registry.clone()))))
        .add_service(limited!(RetrainingServiceServer::new(Retrainings(registry.clone()))))
        .add_service(limited!(ProposalServiceServer::new(Proposals(registry.clone()))))
        .add_service(limited!(CalendarServiceServer::new(Calendars(registry.clone()))))
        .add_service(limited!(ConsumerServiceServer::new(Consumers(registry.clone()))))
        .add_service(limited!(IncidentServiceServer::new(Incidents(registry.clone()))))
        .add_service(limited!(UpstreamServiceServer::new(Upstreams(registry.clone()))))
        .add_service(limited!(LifecycleServiceServer::new(Lifecycle(registry.clone()))))
        .add_service(limited!(EvaluationServiceServer::new(Evaluations(registry.clone()))))
        .add_service(limited!(MonitorServiceServer::new(Monitors(registry.clone()))))
        .add_service(limited!(MetricServiceServer::new(Metrics(registry.clone()))))
        .add_service(limited!(AuditServiceServer::new(Audit(registry.clone()))))
        .add_service(limited!(CheckpointServiceServer::new(Checkpoints(registry.clone()))))
        .add_service(limited!(SubscriptionServiceServer::new(Subscriptions(registry.clone()))))
        .add_service(limited!(MetricsServiceServer::new(OtlpMetrics(registry.clone()))));
    routes
}

/// Keeps health true: nothing serves once the drain begins, and what writes
/// does not once the store has failed.
async fn watch(registry: Registry, health: Health, drain: CancellationToken) {
    let mut failed = registry.failed();
    tokio::select! {
        () = drain.cancelled() => {}
        failure = async { failed.wait_for(Option::is_some).await.is_ok() } => {
            if failure {
                health.set_not_serving(SERVICES);
            }
            drain.cancelled().await;
        }
    }
    health.drain();
    registry.drain();
}

/// Forgets expired request ids once an hour.
async fn sweep(registry: Registry, drain: CancellationToken) {
    let hour = std::time::Duration::from_secs(3_600);
    while drain.run_until_cancelled(tokio::time::sleep(hour)).await.is_some() {
        if let Err(error) = registry.sweep_all_requests().await {
            tracing::warn!(%error, "expired request ids could not be forgotten");
        }
    }
}

fn warn_if_open(config: &Config, address: SocketAddr) {
    if config.insecure_no_auth() {
        tracing::warn!(
            %address,
            "INSECURE: nobody has to log in. Everybody who reaches this port may read and change everything, \
             and names in the audit log are what callers say they are."
        );
    }
}

fn write_port_file(config: &Config, address: SocketAddr) -> Result<(), ServerError> {
    let Some(path) = config.port_file() else { return Ok(()) };
    let failed = |error| ServerError::PortFile(path.display().to_string(), error);
    // Renamed into place, so that whoever waits for the file reads all of it.
    let partial = path.with_extension("partial");
    std::fs::write(&partial, address.to_string()).map_err(failed)?;
    std::fs::rename(&partial, &path).map_err(failed)
}
