//! The command line of Steward. It talks to a server through the generated
//! client only, as any other program would.

mod alarm;
mod alias;
pub mod argument;
mod audit;
mod audit_read;
mod audit_view;
mod calendar;
mod card_fields;
mod card_view;
mod checkpoint;
mod client;
mod consumer;
mod consumer_view;
mod decision_view;
mod demo;
mod environment;
pub mod error;
mod evaluation;
pub mod evaluation_file;
mod evaluation_import;
mod evaluation_view;
mod explain;
mod export;
mod file;
mod flags;
mod follow;
mod health;
mod impact;
mod incident;
mod json;
mod lifecycle;
mod metric;
mod metric_view;
mod model;
mod model_fields;
mod model_view;
pub mod name;
mod namespace;
mod output;
mod person;
pub mod point;
mod policy;
mod policy_fields;
mod policy_view;
mod property;
mod proposal;
mod proposal_view;
mod publish;
mod refusal;
mod retraining;
mod rollback;
pub mod serve;
mod status;
mod step;
mod subscription;
mod subscription_read;
mod subscription_view;
mod sunset_view;
mod table;
mod upstream;
mod upstream_file;
mod upstream_import;
mod verify;
mod version;
mod version_fields;
mod version_view;
mod webhook;
mod why_not;

use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use self::{
    client::{Session, Target},
    output::{Format, Output, note, write_bytes},
};
pub use self::{
    error::{Exit, Failure},
    serve::{ConfigCommand, EngineKind, Lobby, LogFormat, NewEpoch, RebuildArgs, ServeArgs},
};

/// Where a user looks when something fails.
const AFTER_HELP: &str = "\
First steps:
  steward serve                        run a server on this machine
  steward demo                         fill it with an example and look around
  steward version resolve donor-chatbot

Exit codes:
  0  it worked
  1  something failed that should not
  2  the command is not well-formed
  3  what was named does not exist
  4  a rule forbids it in the present state
  5  conflict: somebody changed it in between, or it exists already
  6  a value is not allowed
  7  the server did not answer, or not in time
  8  you may not do this
  9  what was to be verified is not right";

/// Steward: a registry for the AI models that an organisation relies on
#[derive(Parser, Debug)]
#[command(name = "steward", version, after_help = AFTER_HELP, max_term_width = 110)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: GlobalFlags,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Flags of every command")]
pub struct GlobalFlags {
    /// Where the server is
    #[arg(long, global = true, env = "STEWARD_SERVER", hide_env_values = true, value_name = "URL")]
    #[arg(default_value = "http://127.0.0.1:7400")]
    pub server: String,

    /// The namespace to work in
    #[arg(long, global = true, env = "STEWARD_NAMESPACE", hide_env_values = true, value_name = "ID")]
    #[arg(default_value = "default")]
    pub namespace: String,

    /// How results are written
    #[arg(long, global = true, env = "STEWARD_OUTPUT", hide_env_values = true, hide_possible_values = true)]
    #[arg(value_enum, default_value_t = Format::Table, value_name = "table|json")]
    output: Format,

    /// Who acts; your user name when absent
    #[arg(long, global = true, env = "STEWARD_ACTOR", hide_env_values = true, value_name = "NAME")]
    pub actor: Option<String>,

    /// Come back from a change only when a signed checkpoint covers it: from then on it can be proven
    #[arg(long, global = true)]
    pub wait_for_checkpoint: bool,

    /// Limit for each call; streams have none
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds)]
    pub timeout: Duration,
}

/// What to do.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one value in a process")]
pub enum Command {
    /// Commands that need no running server; the lobby carries them out.
    #[command(flatten)]
    Lobby(Lobby),

    /// Commands of a client.
    #[command(flatten)]
    Client(ClientCommand),
}

/// Commands of a client.
#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// Models: register, show, change, delete
    #[command(subcommand)]
    Model(model::ModelCommand),

    /// Versions: register, review, resolve, take out of service
    #[command(subcommand)]
    Version(version::VersionCommand),

    /// Aliases: words such as `production` that point to a version
    #[command(subcommand)]
    Alias(alias::AliasCommand),

    /// Evaluations: what was measured of a version
    #[command(subcommand)]
    Evaluation(evaluation::EvaluationCommand),

    /// Alarms: what has become worse in production, and what people answer
    #[command(subcommand)]
    Alarm(alarm::AlarmCommand),

    /// Metrics: what was measured of a version, over time
    #[command(subcommand)]
    Metric(metric::MetricCommand),

    /// Proposals: steps that take more than one person
    #[command(subcommand)]
    Proposal(proposal::ProposalCommand),

    /// Consumers: the programs that use a model
    #[command(subcommand)]
    Consumer(consumer::ConsumerCommand),

    /// Incidents: what went wrong with a model
    #[command(subcommand)]
    Incident(incident::IncidentCommand),

    /// Retrainings: what became of pipelines that were to train a version anew
    #[command(subcommand)]
    Retraining(retraining::RetrainingCommand),

    /// Policies: the rules of each risk tier
    #[command(subcommand)]
    Policy(policy::PolicyCommand),

    /// Show every model with a traffic light, one sentence and the next step
    #[command(after_help = "\
Examples:
  steward status
  steward status fundraising")]
    Status(status::StatusArgs),

    /// Explain what stands against a step, and what to do about it
    #[command(subcommand)]
    WhyNot(why_not::WhyNotCommand),

    /// Explain what an alias was at a time, on what evidence, approved by whom
    #[command(after_help = "\
Examples:
  steward explain fundraising
  steward explain fundraising canary
  steward explain fundraising production --at 2026-03-03")]
    Explain(explain::ExplainArgs),

    /// Show which versions end by a date, who breaks then, and who does not know yet
    #[command(after_help = "\
Examples:
  steward impact --until 2027-01-31
  steward impact --until '90 days'")]
    Impact(impact::ImpactArgs),

    /// Show what the clock will do: reminders, brownouts, retirements, who breaks, and who has to agree
    #[command(after_help = "\
Examples:
  steward calendar --until 2027-12-31
  steward calendar --from 2027-01-01 --until 2027-02-01
  steward calendar --until '90 days'
What comes is what the server will do if nobody does anything; nothing is changed.")]
    Calendar(calendar::CalendarArgs),

    /// Subscriptions: who gets every event, at least once, and how far they have got
    #[command(subcommand)]
    Subscription(subscription::SubscriptionCommand),

    /// Rented models: what their providers announce, by hand or from a file
    #[command(subcommand)]
    Upstream(upstream::UpstreamCommand),

    /// Persons: who acted or is named as a contact, and forgetting them
    #[command(subcommand)]
    Person(person::PersonCommand),

    /// Namespaces: separate registries on one server
    #[command(subcommand)]
    Namespace(namespace::NamespaceCommand),

    /// The audit log: who changed what, when and why
    #[command(subcommand)]
    Audit(audit::AuditCommand),

    /// Write the log of a namespace as JSON lines: a backup
    #[command(after_help = "\
Examples:
  steward export > registry.jsonl
  steward export --file registry.jsonl --persons persons.jsonl
Restore with `steward rebuild --from registry.jsonl --persons persons.jsonl --data-dir DIR`.")]
    Export(export::ExportArgs),

    /// Ask whether the server is ready; the exit code is 0 only then
    Healthcheck(health::HealthArgs),

    /// Fill the registry with a small charity's models, to look around in
    Demo(demo::DemoArgs),

    /// Print a completion script for a shell
    #[command(after_help = "\
Examples:
  steward completion bash > ~/.local/share/bash-completion/completions/steward
  steward completion zsh > ~/.zfunc/_steward")]
    Completion {
        /// The shell
        shell: Shell,
    },
}

/// How an invocation ends here.
#[derive(Debug)]
pub enum Ended {
    /// It is done: the process ends with this code.
    Exit(Exit),
    /// It is not a client's command: the lobby carries it out.
    Lobby(Lobby),
    /// The same, but it stands among the commands of a client.
    NewEpoch(NewEpoch),
}

/// Carries out an invocation. Results go to standard output, failures in words
/// (or as JSON with `--output json`) to standard error.
pub async fn run(cli: Cli) -> Ended {
    let Cli { global, command } = cli;
    let command = match command {
        Command::Lobby(lobby) => return Ended::Lobby(lobby),
        Command::Client(ClientCommand::Audit(audit::AuditCommand::NewEpoch(args))) => {
            let actor = global.actor.or_else(environment::os_user).unwrap_or_default();
            return Ended::NewEpoch(NewEpoch { args, namespace: global.namespace, actor });
        }
        Command::Client(command) => command,
    };
    let output = Output::new(global.output);
    match carry_out(&global, output.clone(), command).await {
        Ok(()) => Ended::Exit(Exit::Ok),
        Err(failure) => {
            report(&output, &failure);
            Ended::Exit(failure.exit())
        }
    }
}

fn report(output: &Output, failure: &Failure) {
    let text = failure.text();
    match output.is_json() {
        _ if text.is_empty() => {}
        true => note(&failure.json().to_string()),
        false => note(text.trim_end()),
    }
}

async fn carry_out(global: &GlobalFlags, output: Output, command: ClientCommand) -> Result<(), Failure> {
    let user = environment::os_user();
    let target = Target {
        server: &global.server,
        namespace: &global.namespace,
        actor: global.actor.as_deref().or(user.as_deref()),
        timeout: global.timeout,
        wait_for_checkpoint: global.wait_for_checkpoint,
    };
    let session = Session::new(&target, output)?;
    match command {
        ClientCommand::Model(command) => model::run(&session, command).await,
        ClientCommand::Version(command) => version::run(&session, command).await,
        ClientCommand::Alias(command) => alias::run(&session, command).await,
        ClientCommand::Evaluation(command) => evaluation::run(&session, command).await,
        ClientCommand::Alarm(command) => alarm::run(&session, command).await,
        ClientCommand::Metric(command) => metric::run(&session, command).await,
        ClientCommand::Proposal(command) => proposal::run(&session, command).await,
        ClientCommand::Consumer(command) => consumer::run(&session, command).await,
        ClientCommand::Incident(command) => incident::run(&session, command).await,
        ClientCommand::Retraining(command) => retraining::run(&session, command).await,
        ClientCommand::Policy(command) => policy::run(&session, command).await,
        ClientCommand::Status(args) => status::run(&session, args).await,
        ClientCommand::WhyNot(command) => why_not::run(&session, command).await,
        ClientCommand::Explain(args) => explain::run(&session, args).await,
        ClientCommand::Impact(args) => impact::run(&session, args).await,
        ClientCommand::Calendar(args) => calendar::run(&session, args).await,
        ClientCommand::Subscription(command) => subscription::run(&session, command).await,
        ClientCommand::Upstream(command) => upstream::run(&session, command).await,
        ClientCommand::Person(command) => person::run(&session, command).await,
        ClientCommand::Namespace(command) => namespace::run(&session, command).await,
        ClientCommand::Audit(command) => audit::run(&session, command).await,
        ClientCommand::Export(args) => export::run(&session, args).await,
        ClientCommand::Healthcheck(args) => health::run(&session, args).await,
        ClientCommand::Demo(args) => demo::run(&session, args).await,
        ClientCommand::Completion { shell } => completion(shell),
    }
}

fn completion(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "steward", &mut script);
    write_bytes(&script)
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|&seconds| seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|limit| *limit <= Duration::from_secs(86_400))
        .ok_or_else(|| "not a number of seconds above 0, at most 86400".to_owned())
}

#[cfg(test)]
mod tests;
