//! The binary: reads the command line, carries the client's commands out
//! through `cli`, and the lobby's here.

use clap::Parser as _;
use std::{
    io::{self, Write as _},
    process::ExitCode,
};
use steward_registry::{
    cli::{
        self, Cli, Ended,
        error::Exit,
        serve::{ConfigCommand, Lobby, NewEpoch, RebuildArgs, ServeArgs},
    },
    config::Config,
    domain::name::NamespaceId,
    registry::environment::Environment,
    server, telemetry,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Chosen by measurement: see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(Cli::parse()).await {
        Ended::Exit(exit) => exit.into(),
        Ended::Lobby(lobby) => end(carry_out(lobby).await),
        Ended::NewEpoch(command) => end(new_epoch(command).await),
    }
}

fn end(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            let _ = writeln!(io::stderr(), "steward: {}", failure.sentence);
            failure.exit.into()
        }
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

async fn rebuild(arguments: &RebuildArgs) -> Result<(), Failure> {
    let rebuilt =
        server::rebuild::run(&arguments.data_dir, &arguments.from, arguments.persons.as_deref()).await;
    let rebuilt = rebuilt.map_err(|error| Failure::new(error.exit(), error))?;
    let (namespace, size, root) = (rebuilt.namespace, rebuilt.size, hex::encode(rebuilt.root));
    let persons = match (rebuilt.persons, &arguments.persons) {
        (_, None) => "it knows pseudonyms only".to_owned(),
        (count, Some(_)) => format!("it knows {count} persons"),
    };
    say(&format!("Rebuilt namespace {namespace} with {size} events; root {root}; {persons}."))
}

async fn new_epoch(command: NewEpoch) -> Result<(), Failure> {
    let config = load(&command.args.serve)?;
    let namespace = command.namespace.trim_start_matches("namespaces/");
    let namespace = NamespaceId::new(namespace)
        .map_err(|error| Failure::new(Exit::BadInput, format!("--namespace {namespace:?} {}", error.0)))?;
    let opened = server::epoch::open(&config, &namespace, &command.actor, &command.args.reason).await;
    let epoch = opened.map_err(|error| Failure::new(error.exit(), error))?;
    let root = match epoch.lost_root.as_str() {
        "" => "only a witness knows the root".to_owned(),
        root => format!("root {root}"),
    };
    say(&format!(
        "Namespace {namespace} goes on from {} events; up to {} were known ({root}). Its checkpoints have a new \
         name and key: `steward audit key` shows it, tell everybody who verifies.",
        epoch.start_position, epoch.lost_size
    ))
}
