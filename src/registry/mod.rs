//! The use cases: load, let the domain decide, commit. One file a noun, and
//! below them what they share.
//!
//! | file | what it decides |
//! |---|---|
//! | `person` `namespace` `model` `version` `alias` `rollback` `evaluation` `metric` `policy` `proposal` `incident` `consumer` `upstream` `lifecycle` `audit` | the use cases, by noun |
//! | [`facts`] | what the rules of the lifecycle are decided over |
//! | [`scheduler`] [`lookout`] [`usage`] | what the clock does; what happens to ways back; who uses what |
//! | [`mutation`] [`view`] | how a change is decided, and what it sees |
//! | [`committer`] [`encode`] [`leaf`] [`projection`] | how it is written |
//! | [`feed`] [`stream`] [`token`] | how it is followed |
//! | [`webhook`] | to whom it is sent |
//! | [`subscription`] | who gets it for certain, and how far they have got |
//! | [`read`] [`page`] [`states`] [`resolutions`] | how states are read, now and in the past |
//! | [`verify`] [`rebuild`] [`recheck`] | that state, log and decisions agree |
//! | [`tree`] [`proof`] [`checkpoint`] [`epoch`] | what makes the log provable: proofs, signed checkpoints, new beginnings |
//! | [`witness`] [`cosigned`] | others who remember it: how they are asked, what they say |

pub mod alias;
pub mod audit;
pub mod calendar;
pub mod call;
pub mod checkpoint;
pub mod committer;
pub mod consumer;
pub mod cosigned;
pub mod encode;
pub mod environment;
pub mod epoch;
pub mod error;
pub mod evaluation;
pub mod facts;
pub mod feed;
pub mod health;
pub mod incident;
pub mod intervention;
pub mod leaf;
pub mod lifecycle;
pub mod log;
pub mod lookout;
pub mod metric;
pub mod model;
pub mod monitor;
pub mod mutation;
pub mod namespace;
pub mod page;
pub mod person;
pub mod policy;
pub mod projection;
pub mod proof;
pub mod proposal;
pub mod read;
pub mod rebuild;
pub mod recheck;
pub mod requests;
pub mod resolutions;
pub mod retraining;
pub mod rollback;
pub mod scheduler;
pub mod states;
pub mod stream;
pub mod subscription;
pub mod token;
pub mod tree;
pub mod upstream;
pub mod usage;
pub mod verify;
pub mod version;
pub mod view;
pub mod webhook;
pub mod witness;

use self::{
    call::Call,
    checkpoint::Checkpoints,
    environment::Environment,
    error::Error,
    feed::Limits,
    log::Log,
    mutation::{Committed, Mutation},
    states::Store,
    subscription::{backlog::Backlogs, reader::Readers},
    usage::Usage,
    webhook::post::Poster,
};
use crate::{
    audit::policy::Policy,
    domain::{
        filter::FilterError,
        name::{NamespaceId, NamespaceName},
    },
    store::{beside::Beside, engine::Engine, keys},
};
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};
use tokio::{
    sync::{Mutex, RwLock, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The registry: cheap to clone, shared by all handlers.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    environment: Environment,
    limits: Limits,
    /// Read for every call, written when a namespace is first touched.
    logs: RwLock<HashMap<NamespaceId, Arc<Log>>>,
    committers: Mutex<JoinSet<()>>,
    checkpoints: Checkpoints,
    /// Who has to cosign them.
    witnesses: Option<Policy>,
    /// Tells that a log was opened.
    opened: watch::Sender<()>,
    drain: CancellationToken,
    failed: watch::Sender<Option<String>>,
    usage: Usage,
    readers: Readers,
    backlogs: Backlogs,
    poster: OnceLock<Arc<dyn Poster>>,
}

/// What a registry is opened with besides its engine.
pub struct Setup {
    /// How large the feeds are.
    pub limits: Limits,
    /// What is kept beside the store.
    pub beside: Beside,
    /// Who has to cosign checkpoints; its logs do not matter.
    pub witnesses: Option<Policy>,
    /// Whether a log may lack what was signed of it: only for whoever decides what follows.
    pub accepts_loss: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup { limits: Limits::default(), beside: Beside::in_memory(), witnesses: None, accepts_loss: false }
    }
}

/// The namespace that always exists.
pub const DEFAULT_NAMESPACE: &str = "default";

impl Registry {
    /// Opens the registry over an engine: checks what is stored, and creates the
    /// namespace `default` on the first start.
    pub async fn open(engine: Arc<dyn Engine>, environment: Environment) -> Result<Self, Error> {
        Self::open_with(engine, environment, Setup::default()).await
    }

    /// Opens the registry as somebody sets it up.
    pub async fn open_with(
        engine: Arc<dyn Engine>,
        environment: Environment,
        setup: Setup,
    ) -> Result<Self, Error> {
        let registry = Registry(Arc::new(Inner {
            store: engine.into(),
            environment,
            limits: setup.limits,
            logs: RwLock::default(),
            committers: Mutex::default(),
            checkpoints: Checkpoints::new(setup.beside),
            witnesses: setup.witnesses,
            opened: watch::Sender::new(()),
            drain: CancellationToken::new(),
            failed: watch::Sender::new(None),
            usage: Usage::default(),
            readers: Readers::default(),
            backlogs: Backlogs::default(),
            poster: OnceLock::new(),
        }));
        registry.verify_all().await?;
        if !setup.accepts_loss {
            registry.verify_checkpoints().await?;
        }
        registry.ensure_default().await?;
        Ok(registry)
    }

    /// Ends every stream with a resume token; writes in flight are still carried out.
    pub fn drain(&self) {
        self.0.drain.cancel();
    }

    /// Ends the committers, once nobody uses the registry any more.
    pub async fn close(self) {
        self.drain();
        self.0.logs.write().await.clear();
        let mut committers = std::mem::take(&mut *self.0.committers.lock().await);
        while committers.join_next().await.is_some() {}
    }

    /// Why writes are refused; `None` while all is well.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.0.failed.subscribe()
    }

    fn engine(&self) -> &dyn Engine {
        &*self.0.store.engine
    }

    /// The log of a namespace that exists.
    async fn log(&self, namespace: &NamespaceId) -> Result<Arc<Log>, Error> {
        if let Some(log) = self.0.logs.read().await.get(namespace).filter(|log| log.feed.size() > 0) {
            return Ok(log.clone());
        }
        match self.engine().head(namespace.as_str()).await? {
            Some(_) => self.open_log(namespace).await,
            None => Err(Error::not_found(NamespaceName(namespace.clone()))),
        }
    }

    /// The log of a namespace, which may have no event yet.
    async fn open_log(&self, namespace: &NamespaceId) -> Result<Arc<Log>, Error> {
        let mut logs = self.0.logs.write().await;
        if let Some(log) = logs.get(namespace) {
            return Ok(log.clone());
        }
        let head = self.engine().head(namespace.as_str()).await?;
        let (store, environment) = (self.0.store.clone(), self.0.environment.clone());
        let (log, committer) = Log::open(namespace.clone(), head, store, environment, self.0.limits)?;
        let mut committers = self.0.committers.lock().await;
        committers.spawn(async move {
            // Its panics are dealt with where it is started.
            let _ = committer.await;
        });
        committers.spawn(forward_failure(log.failed(), self.0.failed.clone()));
        logs.insert(namespace.clone(), log.clone());
        self.0.opened.send_replace(());
        Ok(log)
    }

    /// Carries a change out in the log of a namespace that exists.
    async fn mutate<M: Mutation + Serialize + 'static>(
        &self,
        namespace: &NamespaceId,
        method: &str,
        mutation: M,
        call: Call,
    ) -> Result<Committed, Error> {
        let log = self.log(namespace).await?;
        let digest = match &call.request_id {
            Some(_) => mutation::digest(method, &mutation, &call)?,
            None => String::new(),
        };
        let waits = call.caller.waits_for_checkpoint;
        let committed = log.mutate(Arc::new(mutation), call, digest).await?;
        self.cover(namespace, waits, committed).await
    }

    /// Waits for a checkpoint over a change, if its caller does.
    async fn cover(&self, namespace: &NamespaceId, waits: bool, done: Committed) -> Result<Committed, Error> {
        if let Some(position) = done.position().filter(|_| waits) {
            let covered = self.checkpoint(namespace, position + 1).await;
            covered.map_err(|error| Error::Uncovered { position, cause: error.to_string() })?;
        }
        Ok(done)
    }
}

impl Registry {
    /// All namespaces.
    async fn namespaces(&self) -> Result<Vec<NamespaceId>, Error> {
        let found = self.scan(&default_namespace()?, keys::namespaces(), usize::MAX, false).await?;
        Ok(found.iter().filter_map(|(key, _)| keys::namespace_of(key)).collect())
    }
}

fn default_namespace() -> Result<NamespaceId, Error> {
    NamespaceId::new(DEFAULT_NAMESPACE).map_err(|error| Error::Internal(error.0))
}

/// What is wrong with a filter, as a field of the request.
fn filter_error(error: FilterError) -> Error {
    Error::field("filter", error.to_string())
}

/// Tells the whole registry that one log refuses writes.
async fn forward_failure(mut log: watch::Receiver<Option<String>>, all: watch::Sender<Option<String>>) {
    if let Ok(cause) = log.wait_for(Option::is_some).await {
        all.send_replace(cause.clone());
    }
}
