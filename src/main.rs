//! The binary: reads the command line, carries the client's commands out
//! through `cli`, and the lobby's here.

use clap::Parser as _;
use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::ExitCode,
};
use steward_registry::{
    cli::{
        self, Cli, Ended,
        error::Exit,
        serve::{ConfigCommand, Lobby, RebuildArgs, ServeArgs},
    },
    config::Config,
    registry::{environment::Environment, rebuild::Rebuild},
    server::{self, Store},
    telemetry,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(Cli::parse()).await {
        Ended::Exit(exit) => exit.into(),
        Ended::Lobby(lobby) => match carry_out(lobby).await {
            Ok(()) => Exit::Ok.into(),
            Err(failure) => {
                let _ = writeln!(io::stderr(), "steward: {}", failure.sentence);
                failure.exit.into()
            }
        },
    }
}

/// Why a command of the lobby ended badly.
struct Failure {
    exit: Exit,
    sentence: String,
}

impl Failure {
    fn new(exit: Exit, cause: impl ToString) -> Self {
        Failure { exit, sentence: cause.to_string() }
    }
}

async fn carry_out(lobby: Lobby) -> Result<(), Failure> {
    match lobby {
        Lobby::Serve(flags) => serve(&load(&flags)?).await,
        Lobby::Rebuild(arguments) => rebuild(&arguments).await,
        Lobby::Config(ConfigCommand::Check(flags)) => {
            load(&flags)?;
            say("The configuration is fine.")
        }
        Lobby::Config(ConfigCommand::Show(flags)) => say(load(&flags)?.to_string().trim_end()),
    }
}

fn load(flags: &ServeArgs) -> Result<Config, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    Config::load(flags, environment).map_err(|error| Failure::new(Exit::BadInput, error))
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::new(Exit::Internal, error))
}

async fn serve(config: &Config) -> Result<(), Failure> {
    telemetry::start(config.log_filter(), config.log_format())
        .map_err(|error| Failure::new(Exit::BadInput, error))?;
    let drain = CancellationToken::new();
    let signals = tokio::spawn(cancel_on_signal(drain.clone()));
    let served = server::run(config, Environment::system(), drain, |_| {}).await;
    signals.abort();
    served.map_err(|error| Failure::new(Exit::Internal, error))
}

/// SIGTERM and SIGINT begin a drain.
async fn cancel_on_signal(drain: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("draining: no new calls; streams end with a resume token");
    drain.cancel();
    Ok(())
}

/// Cache while a store is rebuilt, in bytes.
const REBUILD_CACHE: u64 = 256 << 20;

async fn rebuild(arguments: &RebuildArgs) -> Result<(), Failure> {
    let failed = |error: &dyn ToString| Failure::new(Exit::Internal, error.to_string());
    require_empty(&arguments.data_dir)?;
    let store = Store::open_sled(&arguments.data_dir, REBUILD_CACHE).await.map_err(|error| failed(&error))?;
    let engine = store.engine();
    let environment = Environment::system();
    let mut rebuild = Rebuild::new(&*engine, &*environment.entropy);
    for (number, line) in lines(&arguments.from)?.enumerate() {
        let line = line.map_err(|error| Failure::new(Exit::BadInput, error))?;
        let added = rebuild.add(line.into()).await;
        added.map_err(|error| Failure::new(Exit::BadInput, format!("line {}: {error}", number + 1)))?;
    }
    let rebuilt = rebuild.finish().await.map_err(|error| Failure::new(Exit::BadInput, error))?;
    drop(engine);
    store.close().await.map_err(|error| failed(&error))?;
    say(&format!(
        "Rebuilt namespace {} with {} events; root {}.",
        rebuilt.namespace,
        rebuilt.size,
        hex::encode(rebuilt.root)
    ))
}

fn require_empty(dir: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(dir) {
        Ok(entries) => match entries.count() {
            0 => Ok(()),
            _ => {
                let sentence = format!("{} is not empty; rebuild into an empty directory", dir.display());
                Err(Failure::new(Exit::BadInput, sentence))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::new(Exit::BadInput, format!("{}: {error}", dir.display()))),
    }
}

/// The lines of an export, as bytes: a leaf is hashed as it is.
fn lines(from: &Path) -> Result<Box<dyn Iterator<Item = io::Result<Vec<u8>>>>, Failure> {
    if from == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin()).split(b'\n')));
    }
    match std::fs::File::open(from) {
        Ok(file) => Ok(Box::new(BufReader::new(file).split(b'\n'))),
        Err(error) => Err(Failure::new(Exit::BadInput, format!("{}: {error}", from.display()))),
    }
}
