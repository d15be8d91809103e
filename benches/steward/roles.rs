//! What this program is when it is not the one that measures.

use super::{Failure, echo, population::Population};
use clap::ValueEnum;
use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use steward_registry::{
    cli::serve::{EngineKind, ServeArgs},
    config::Config,
    domain::{lifecycle::transition::Verb, name::ModelName},
    registry::{Registry, environment::Environment},
    server::{self, Store},
    telemetry,
};
use tokio::{io::AsyncReadExt as _, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// What this program can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// `steward serve` over a directory
    Registry,
    /// A server of the same shape whose one call does nothing
    Echo,
}

impl Role {
    /// As on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Role::Registry => "registry",
            Role::Echo => "echo",
        }
    }
}

/// Callers that fill a store: as many as one batch of the committer takes.
const FILLERS: usize = 512;
/// Cache while a store is filled, in bytes.
const CACHE: u64 = 256 << 20;

/// Plays a role until standard input is closed.
pub async fn play(role: Role, data_dir: PathBuf) -> Result<(), Failure> {
    let begin = Instant::now();
    let config = configuration(data_dir)?;
    // As it is in production: a span for each call, no line for those that are well.
    telemetry::start(config.log_filter(), config.log_format())?;
    let drain = CancellationToken::new();
    tokio::spawn(cancel_at_end_of_input(drain.clone()));
    let ready = |address: SocketAddr| {
        let micros = begin.elapsed().as_micros();
        // If nobody reads this any more, standard input is at its end too.
        let _ = writeln!(io::stdout(), "{address} {micros}");
    };
    match role {
        Role::Registry => Ok(server::run(&config, Environment::system(), drain, ready).await?),
        Role::Echo => echo::serve(drain, ready).await,
    }
}

fn configuration(data_dir: PathBuf) -> Result<Config, Failure> {
    let flags = ServeArgs {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        engine: Some(EngineKind::Sled),
        data_dir: Some(data_dir),
        ..ServeArgs::default()
    };
    Ok(Config::load(&flags, |_| None)?)
}

async fn cancel_at_end_of_input(drain: CancellationToken) {
    let mut rest = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    drain.cancel();
}

/// Fills a new store through the use cases; answers how many events that made.
pub async fn fill(dir: &Path, population: Population) -> Result<u64, Failure> {
    let store = Store::open_sled(dir, CACHE).await?;
    let registry = Registry::open(store.engine(), Environment::system()).await?;
    share(population.models(), &registry, population, create_model).await?;
    share(population.versions, &registry, population, create_version).await?;
    share(population.models(), &registry, population, put_in_production).await?;
    let namespace = population.model(0)?.namespace;
    let (head, _) = registry.audit_head(&namespace).await?;
    registry.close().await;
    store.close().await?;
    Ok(head.size)
}

/// Carries out the work of each index below a count, many at a time.
pub async fn share<F, W>(
    count: u32,
    registry: &Registry,
    population: Population,
    work: W,
) -> Result<(), Failure>
where
    W: Fn(Registry, Population, u32) -> F + Copy + Send + 'static,
    F: Future<Output = Result<(), Failure>> + Send,
{
    let next = Arc::new(AtomicU32::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..FILLERS.min(count as usize) {
        let (next, registry) = (next.clone(), registry.clone());
        workers.spawn(async move {
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    index if index < count => work(registry.clone(), population, index).await?,
                    _ => return Ok::<(), Failure>(()),
                }
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}

async fn create_model(registry: Registry, population: Population, index: u32) -> Result<(), Failure> {
    let content = Population::model_content()?;
    registry.create_model(population.model(index)?, content, Population::call(index)?).await?;
    Ok(())
}

async fn create_version(registry: Registry, population: Population, index: u32) -> Result<(), Failure> {
    let (model, _) = population.place(index);
    let content = Population::version_content()?;
    registry.create_version(population.model(model)?, content, Population::call(index)?).await?;
    Ok(())
}

/// Approves the first version of a model and points the alias to it.
async fn put_in_production(registry: Registry, population: Population, index: u32) -> Result<(), Failure> {
    let model: ModelName = population.model(index)?;
    let version = Population::version(&model, 1)?;
    let approve = Verb::Approve { gates_overridden: false };
    for (verb, call) in [(Verb::Submit, Population::call(index)?), (approve, Population::review()?)] {
        registry.transition_version(version.clone(), verb, None, call).await?;
    }
    registry.set_alias(Population::alias(&model)?, version, Population::call(index)?).await?;
    Ok(())
}
