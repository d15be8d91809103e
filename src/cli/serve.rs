//! The commands that need no running server: their arguments are declared here
//! and carried out by the lobby.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};

/// Commands that the lobby carries out.
#[derive(Subcommand, Debug)]
pub enum Lobby {
    /// Run the server
    #[command(after_help = "\
Examples:
  steward serve
  steward serve --data-dir /var/lib/steward
  steward serve --config /etc/steward.toml --log-format json

A flag goes before an environment variable, that before the file, and that before the default; \
`steward config show` prints the outcome.")]
    Serve(ServeArgs),

    /// Make a store from an export (`steward export`)
    #[command(after_help = "\
Examples:
  steward rebuild --data-dir /var/lib/steward --from registry.jsonl --persons persons.jsonl
  steward export | ssh elsewhere steward rebuild --data-dir data --from -")]
    Rebuild(RebuildArgs),

    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Flags of the server. What is not given comes from the environment, the file
/// or the defaults.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Server options")]
pub struct ServeArgs {
    /// TOML file with the configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Directory that holds the data; it is created when it does not exist
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// How the data is kept
    #[arg(long)]
    pub engine: Option<EngineKind>,

    /// Listen beyond this machine although nobody has to log in: everybody who reaches the port may
    /// read and change everything
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub insecure_no_auth: Option<bool>,

    /// Whether this process makes events of what the clock does: retirements, reminders, brownouts.
    /// Without, sunsets hold all the same, but nobody is told
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub scheduler: Option<bool>,

    /// How log lines are written
    #[arg(long)]
    pub log_format: Option<LogFormat>,

    /// What is logged, such as `info` or `steward_registry=debug`
    #[arg(long, value_name = "FILTER")]
    pub log_filter: Option<String>,

    /// Memory for the store's cache in MiB
    #[arg(long, value_name = "MIB")]
    pub cache_mib: Option<u64>,

    /// File that gets the address and port once the server is ready, for scripts that let it choose
    /// a port with `--listen 127.0.0.1:0`
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
}

/// The engines that a server can keep its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// On disk, in the data directory
    Sled,
    /// In memory: everything is gone when the server stops
    Memory,
}

/// The forms of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Arguments of `steward rebuild`.
#[derive(Args, Debug, Clone)]
pub struct RebuildArgs {
    /// Directory for the new store; it has to be empty or absent
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,

    /// The export; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,

    /// The persons that `steward export --persons` wrote; without them the new store knows only
    /// pseudonyms
    #[arg(long, value_name = "FILE")]
    pub persons: Option<PathBuf>,
}

/// Arguments of `steward audit new-epoch`.
#[derive(Args, Debug, Clone)]
pub struct NewEpochArgs {
    /// Why the events are given up: what happened, who decided
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Where the store is.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// `steward audit new-epoch`, with the flags of every command that it goes by.
#[derive(Debug)]
pub struct NewEpoch {
    /// Its arguments.
    pub args: NewEpochArgs,
    /// Id of the namespace.
    pub namespace: String,
    /// Who acts.
    pub actor: String,
}

/// What to do with the configuration.
#[derive(Subcommand, Debug, Clone)]
pub enum ConfigCommand {
    /// Check the configuration and name what is wrong with it
    Check(ServeArgs),
    /// Show the configuration in force and where each value comes from
    Show(ServeArgs),
}
