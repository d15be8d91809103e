//! `steward audit new-epoch`: an operator gives up events that a restored store lacks,
//! without a server. See `registry/epoch.rs` for why.

use super::{ServerError, beside};
use crate::{
    audit::merkle::Hash,
    cli::error::Exit,
    config::Config,
    domain::{name::NamespaceId, namespace::Epoch},
    registry::{
        Registry, Setup,
        call::{Call, Caller},
        environment::Environment,
        error::Error,
    },
    store::{
        engine::{Engine, Head},
        sled::{SledEngine, SledOptions},
    },
};
use std::sync::Arc;

/// Why no epoch was opened.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// Nothing is missing.
    #[error(
        "the log of namespace {namespace} has everything that was acknowledged or signed of it ({size} events): \
         start the server as usual"
    )]
    NothingLost {
        /// The namespace.
        namespace: NamespaceId,
        /// Its events.
        size: u64,
    },
    /// There is no such log at all.
    #[error(
        "the store has no namespace {0}: restore a backup of it, or rebuild it from an export with `steward rebuild`"
    )]
    NoLog(NamespaceId),
    /// The registry refuses.
    #[error("{0}")]
    Registry(#[from] Error),
    /// The store cannot be opened or closed.
    #[error(transparent)]
    Store(#[from] ServerError),
}

impl EpochError {
    /// How the process ends.
    pub fn exit(&self) -> Exit {
        match self {
            EpochError::NothingLost { .. } => Exit::Refused,
            EpochError::NoLog(_) => Exit::NotFound,
            EpochError::Registry(Error::Invalid(_)) => Exit::BadInput,
            EpochError::Registry(_) | EpochError::Store(_) => Exit::Internal,
        }
    }
}

/// Opens the next epoch of a log, and says from where to where it lost events.
pub async fn open(
    config: &Config,
    namespace: &NamespaceId,
    actor: &str,
    reason: &str,
) -> Result<Epoch, EpochError> {
    let (data, watermark_dir, cache_bytes) =
        (config.data_dir(), config.watermark_dir(), config.cache_bytes());
    let opening = move || SledEngine::open_after_loss(&data, &watermark_dir, SledOptions { cache_bytes });
    let opened = tokio::task::spawn_blocking(opening).await;
    let (engine, watermark) =
        opened.map_err(|error| ServerError::Close(error.to_string()))?.map_err(ServerError::from)?;
    let engine = Arc::new(engine);
    let head = engine.head(namespace.as_str()).await.map_err(Error::from)?;
    let noted = watermark.lost(namespace.as_str(), head.as_ref());
    let opened = match head {
        None => Err(EpochError::NoLog(namespace.clone())),
        Some(head) => {
            let setup = Setup { beside: beside(config), accepts_loss: true, ..Setup::default() };
            let registry = Registry::open_with(engine.clone(), Environment::system(), setup).await?;
            let opened = match lost(&registry, namespace, &head, noted).await {
                Err(error) => Err(error.into()),
                Ok(None) => Err(EpochError::NothingLost { namespace: namespace.clone(), size: head.size }),
                Ok(Some(lost)) => record(&registry, namespace, lost, actor, reason).await,
            };
            registry.close().await;
            opened
        }
    };
    engine.close().await.map_err(|error| ServerError::Close(error.to_string()))?;
    opened
}

/// How many events the log is known to have had, by its watermark, its newest checkpoint or one
/// of its witnesses.
async fn lost(
    registry: &Registry,
    namespace: &NamespaceId,
    head: &Head,
    noted: Option<(u64, Hash)>,
) -> Result<Option<(u64, Option<Hash>)>, Error> {
    let known = noted.max(registry.lost(namespace, head).await?);
    let known = known.map(|(size, root)| (size, Some(root)));
    let disputed = registry.disputed(namespace, head).await?;
    Ok(known.max(disputed.map(|dispute| (dispute.size, None))))
}

async fn record(
    registry: &Registry,
    namespace: &NamespaceId,
    lost: (u64, Option<Hash>),
    actor: &str,
    reason: &str,
) -> Result<Epoch, EpochError> {
    let caller = Caller {
        actor: actor.to_owned(),
        auth_type: "unauthenticated",
        traceparent: None,
        waits_for_checkpoint: false,
    };
    let call = Call::new(caller, "", reason, "", false).map_err(Error::from)?;
    let mut opened = registry.open_epoch(namespace, lost, call).await?.value;
    let epoch = opened.epochs.pop();
    Ok(epoch.ok_or_else(|| Error::Internal("an epoch was opened and is not there".to_owned()))?)
}
