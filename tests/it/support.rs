//! A server for a test: the real one, on a port of its own, with a clock that
//! stands still until the test moves it, and clients of every service.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use steward_registry::{
    cli::serve::{EngineKind, ServeArgs},
    config::Config,
    domain::{name::NamespaceId, time::Timestamp},
    grpc::{
        health::Health,
        serve::{self, ServeOptions},
    },
    http,
    proto::v1::{
        self, alias_service_client::AliasServiceClient, audit_service_client::AuditServiceClient,
        checkpoint_service_client::CheckpointServiceClient, consumer_service_client::ConsumerServiceClient,
        evaluation_service_client::EvaluationServiceClient, incident_service_client::IncidentServiceClient,
        lifecycle_service_client::LifecycleServiceClient, metric_service_client::MetricServiceClient,
        model_service_client::ModelServiceClient, namespace_service_client::NamespaceServiceClient,
        policy_service_client::PolicyServiceClient, proposal_service_client::ProposalServiceClient,
        subscription_service_client::SubscriptionServiceClient, version_service_client::VersionServiceClient,
    },
    registry::{
        Registry,
        environment::{Clock, Entropy, Environment},
        lookout::Lookout,
        webhook::{post::Poster, sender::Step},
    },
    server::{self, ServerError},
    store::engine::Engine,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

/// 2026-03-01T00:00:00Z, where every test begins.
pub const BEGIN: i64 = 1_772_323_200_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// A clock that a test moves.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Ids that are the same in each run.
#[derive(Debug, Default)]
pub struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn draw(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1).to_be_bytes()
    }
}

/// A running server.
pub struct TestServer {
    pub address: SocketAddr,
    pub clock: Arc<TestClock>,
    pub channel: Channel,
    drain: CancellationToken,
    task: JoinHandle<Result<(), ServerError>>,
    registry: Option<Registry>,
}

impl TestServer {
    /// With everything in memory.
    pub async fn start() -> Self {
        Self::run(ServeArgs { engine: Some(EngineKind::Memory), ..ServeArgs::default() }).await
    }

    /// With its data in a directory, which outlives it.
    pub async fn start_in(dir: &Path) -> Self {
        let (engine, data_dir) = (Some(EngineKind::Sled), Some(dir.to_owned()));
        Self::run(ServeArgs { engine, data_dir, cache_mib: Some(16), ..ServeArgs::default() }).await
    }

    /// With these flags, on a port of its own.
    pub async fn run(flags: ServeArgs) -> Self {
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        // What the clock does is carried out when a test asks for it.
        let scheduler = flags.scheduler.or(Some(false));
        let flags = ServeArgs { listen, scheduler, ..flags };
        let config = Config::load(&flags, |_| None).unwrap();
        let (clock, environment) = environment();
        let drain = CancellationToken::new();
        let (sender, ready) = oneshot::channel();
        let token = drain.clone();
        let task = tokio::spawn(async move {
            let ready = |address| sender.send(address).unwrap();
            server::run(&config, environment, token, ready).await
        });
        let address = ready.await.expect("the server starts");
        Self::connected(address, clock, drain, task).await
    }

    /// Over an engine of the test's own.
    pub async fn over(engine: Arc<dyn Engine>) -> Self {
        let (clock, environment) = environment();
        let registry = Registry::open(engine, environment).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let drain = CancellationToken::new();
        let token = drain.clone();
        let task = tokio::spawn(async move {
            let flags = ServeArgs { scheduler: Some(false), ..ServeArgs::default() };
            let config = Config::load(&flags, |_| None).unwrap();
            server::serve(&config, registry, listener, token, || Ok(())).await
        });
        Self::connected(address, clock, drain, task).await
    }

    /// Over an engine, and nothing happens because of the clock unless the test
    /// looks at it with [`Self::carry_out_due`].
    pub async fn unwatched(engine: Arc<dyn Engine>) -> Self {
        let (clock, environment) = environment();
        Self::of(Registry::open(engine, environment).await.unwrap(), clock).await
    }

    /// Over a registry of the test's own, with its clock; nothing happens by itself.
    pub async fn of(registry: Registry, clock: Arc<TestClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let drain = CancellationToken::new();
        let (token, served) = (drain.clone(), registry.clone());
        let task = tokio::spawn(async move {
            let options = ServeOptions::default();
            let routes = server::routes(&served, &Health::new(&[]))?;
            let app = serve::app(routes, http::router(served.clone()), &options).unwrap();
            serve::serve(listener, app, &options, token).await;
            served.drain();
            served.close().await;
            Ok(())
        });
        TestServer { registry: Some(registry), ..Self::connected(address, clock, drain, task).await }
    }

    /// Looks at the clock in place of the scheduler; answers what that did.
    pub async fn carry_out_due(&self) -> usize {
        let default = NamespaceId::new("default").unwrap();
        self.registry.as_ref().expect("an unwatched server").carry_out_due(&default).await.unwrap()
    }

    /// Has webhooks sent when the test asks for it.
    pub fn send_webhooks_by(&self, poster: Arc<dyn Poster>) {
        self.registry.as_ref().expect("an unwatched server").send_webhooks_by(poster);
    }

    /// Makes the next attempt of a webhook in a partition.
    pub async fn deliver_next(&self, name: &str, partition: u32) -> Step {
        let registry = self.registry.as_ref().expect("an unwatched server");
        registry.deliver_next(&name.parse().unwrap(), partition).await.unwrap()
    }

    /// Looks at the clock and at every way back, as a scheduler that has just started.
    pub async fn carry_out_all(&self) {
        let registry = self.registry.as_ref().expect("an unwatched server");
        registry.carry_out_all(&mut Lookout::default()).await.unwrap();
    }

    async fn connected(
        address: SocketAddr,
        clock: Arc<TestClock>,
        drain: CancellationToken,
        task: JoinHandle<Result<(), ServerError>>,
    ) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        TestServer { address, clock, channel, drain, task, registry: None }
    }

    /// Begins to shut down.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Shuts down and waits for the end. Streams that the test holds open delay it.
    pub async fn stop(self) {
        self.drain.cancel();
        drop((self.channel, self.registry));
        self.task.await.unwrap().unwrap();
    }

    pub fn namespaces(&self) -> NamespaceServiceClient<Channel> {
        NamespaceServiceClient::new(self.channel.clone())
    }

    pub fn models(&self) -> ModelServiceClient<Channel> {
        ModelServiceClient::new(self.channel.clone())
    }

    pub fn versions(&self) -> VersionServiceClient<Channel> {
        VersionServiceClient::new(self.channel.clone())
    }

    pub fn aliases(&self) -> AliasServiceClient<Channel> {
        AliasServiceClient::new(self.channel.clone())
    }

    pub fn lifecycle(&self) -> LifecycleServiceClient<Channel> {
        LifecycleServiceClient::new(self.channel.clone())
    }

    pub fn policies(&self) -> PolicyServiceClient<Channel> {
        PolicyServiceClient::new(self.channel.clone())
    }

    pub fn proposals(&self) -> ProposalServiceClient<Channel> {
        ProposalServiceClient::new(self.channel.clone())
    }

    pub fn consumers(&self) -> ConsumerServiceClient<Channel> {
        ConsumerServiceClient::new(self.channel.clone())
    }

    pub fn incidents(&self) -> IncidentServiceClient<Channel> {
        IncidentServiceClient::new(self.channel.clone())
    }

    pub fn evaluations(&self) -> EvaluationServiceClient<Channel> {
        EvaluationServiceClient::new(self.channel.clone())
    }

    pub fn subscriptions(&self) -> SubscriptionServiceClient<Channel> {
        SubscriptionServiceClient::new(self.channel.clone())
    }

    pub fn metrics(&self) -> MetricServiceClient<Channel> {
        MetricServiceClient::new(self.channel.clone())
    }

    pub fn checkpoints(&self) -> CheckpointServiceClient<Channel> {
        CheckpointServiceClient::new(self.channel.clone())
    }

    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone()).max_decoding_message_size(16 << 20)
    }

    /// Registers a model of its own with this id in `default`.
    pub async fn model(&self, id: &str) -> v1::Model {
        self.models().create_model(create_model(id)).await.unwrap().into_inner()
    }

    /// Registers a version that can be submitted.
    pub async fn version(&self, model: &str) -> v1::Version {
        self.versions().create_version(create_version(model)).await.unwrap().into_inner()
    }

    /// Registers a version and has it approved by somebody else.
    pub async fn approved(&self, model: &str) -> v1::Version {
        let name = self.version(model).await.name;
        let reason = "ready".to_owned();
        let submit =
            v1::SubmitVersionRequest { name: name.clone(), reason: reason.clone(), ..Default::default() };
        self.lifecycle().submit_version(submit).await.unwrap();
        let approve = v1::ApproveVersionRequest { name, reason, ..Default::default() };
        self.lifecycle().approve_version(by(REVIEWER, approve)).await.unwrap().into_inner()
    }

    /// Number of events in the log of `default`.
    pub async fn size(&self) -> u64 {
        self.head().await.size
    }

    /// The head of the log of `default`.
    pub async fn head(&self) -> v1::AuditHead {
        let parent = NAMESPACE.to_owned();
        self.audit().get_audit_head(v1::GetAuditHeadRequest { parent }).await.unwrap().into_inner()
    }
}

/// A clock at the beginning, and ids that are the same in each run.
pub fn environment() -> (Arc<TestClock>, Environment) {
    let clock = Arc::new(TestClock(AtomicI64::new(BEGIN)));
    (clock.clone(), Environment { clock, entropy: Arc::new(TestEntropy::default()) })
}

/// Who approves what others hand in.
pub const REVIEWER: &str = "reviewer";

/// A request in somebody's name.
pub fn by<T>(actor: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("steward-actor", actor.parse().unwrap());
    request
}

/// Until the sunset of a harness model: the notice of a preview, and a day until
/// the first reminder.
pub const NOTICE: i64 = 15 * DAY;

/// The namespace that always exists.
pub const NAMESPACE: &str = "namespaces/default";

/// The name of a model in `default`.
pub fn model_name(id: &str) -> String {
    format!("{NAMESPACE}/models/{id}")
}

/// The name of a version in `default`.
pub fn version_name(model: &str, number: u32) -> String {
    format!("{}/versions/{number}", model_name(model))
}

/// A request for a model of its own, whose policy asks for no card and no evidence.
pub fn create_model(id: &str) -> v1::CreateModelRequest {
    let model = v1::Model {
        kind: v1::ModelKind::Own.into(),
        risk_tier: v1::RiskTier::Preview.into(),
        ..Default::default()
    };
    v1::CreateModelRequest {
        parent: NAMESPACE.to_owned(),
        model_id: id.to_owned(),
        model: Some(model),
        ..Default::default()
    }
}

/// A request for a version with an artifact.
pub fn create_version(model: &str) -> v1::CreateVersionRequest {
    let digest = format!("sha256:{}", "5".repeat(64));
    let artifact = v1::Artifact { uri: "s3://models/m.onnx".to_owned(), digest, ..Default::default() };
    let version = v1::Version { artifacts: vec![artifact], ..Default::default() };
    v1::CreateVersionRequest { parent: model_name(model), version: Some(version), ..Default::default() }
}

/// The same, for a version that declares dimensions and their codes.
pub fn declaring(model: &str, dimensions: &[(&str, &[&str])]) -> v1::CreateVersionRequest {
    let mut request = create_version(model);
    let version = request.version.get_or_insert_default();
    version.dimensions = self::dimensions(dimensions);
    request
}

/// Has the policy of the models here keep every cell, however small.
pub async fn keep_every_cell(server: &TestServer) {
    let name = format!("{NAMESPACE}/policies/preview");
    let request = v1::UpdatePolicyRequest {
        policy: Some(v1::Policy { name, minimum_cell_count: 1, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["minimum_cell_count".to_owned()] }),
        reason: "small numbers are easy to check".to_owned(),
        ..Default::default()
    };
    server.policies().update_policy(request).await.unwrap();
}

/// Dimensions with their codes.
pub fn dimensions(declared: &[(&str, &[&str])]) -> BTreeMap<String, v1::Dimension> {
    let codes = |codes: &[&str]| v1::Dimension { codes: codes.iter().map(|&code| code.to_owned()).collect() };
    declared.iter().map(|(key, of)| ((*key).to_owned(), codes(of))).collect()
}

/// A time on the wire, in microseconds since 1970.
pub fn time(micros: i64) -> prost_types::Timestamp {
    let (seconds, nanos) = Timestamp::from_micros(micros).unwrap().parts();
    prost_types::Timestamp { seconds, nanos }
}

/// Code, reason word, and the fields or guards that an error names.
pub fn explain(status: &Status) -> (Code, String, Vec<String>) {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let mut named = Vec::new();
    if let Some(request) = details.bad_request() {
        named.extend(request.field_violations.iter().map(|violation| violation.field.clone()));
    }
    if let Some(guards) = details.precondition_failure() {
        named.extend(guards.violations.iter().map(|violation| violation.r#type.clone()));
    }
    (status.code(), reason, named)
}
