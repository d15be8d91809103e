//! `steward alarm`: what has become worse in production, and what people answer.

use clap::{Args, Subcommand, ValueEnum};
use prost_types::Timestamp;

use super::{
    argument::parse_future,
    client::Session,
    decision_view::decision_lines,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, PastFlag},
    name::{self, VersionRef},
    point::point_words,
    table::{Facts, Table, time, word},
};
use crate::proto::v1::{
    AcknowledgeAlarmRequest, Comparison, GetMonitorRequest, JudgeVersionRequest, JudgeVersionResponse,
    ListMonitorsRequest, ListMonitorsResponse, Monitor, SeriesVerdict, SettleAlarmRequest,
    SnoozeAlarmRequest, Verdict,
};

/// What to do with alarms.
#[derive(Subcommand, Debug)]
pub enum AlarmCommand {
    /// List what has been raised: by all models, or by one; or all that watches one version
    #[command(after_help = "\
Examples:
  steward alarm list
  steward alarm list donor-chatbot
  steward alarm list donor-chatbot 2
  steward alarm list donor-chatbot 2 --raised")]
    List(ListArgs),

    /// Show one monitor: its baseline, what it said, who looks into it
    #[command(after_help = "Example:\n  steward alarm get donor-chatbot 2 1a2b3c4d5e6f7081")]
    Get(GetArgs),

    /// Say what the newest measurements of a version mean, the worst first
    #[command(after_help = "\
Examples:
  steward alarm verdicts donor-chatbot 2
  steward alarm verdicts donor-chatbot 3 --against production")]
    Verdicts(VerdictsArgs),

    /// Say that somebody looks into an alarm
    #[command(after_help = "\
Example:
  steward alarm acknowledge donor-chatbot 2 1a2b3c4d5e6f7081 --reason \"Tom reads last week's answers\"")]
    Acknowledge(AnswerArgs),

    /// Keep a monitor quiet for a while, at most 90 days
    #[command(after_help = "\
Example:
  steward alarm snooze donor-chatbot 2 1a2b3c4d5e6f7081 --until '14 days' --reason \"The campaign is unusual\"")]
    Snooze(SnoozeArgs),

    /// Say that an alarm is settled: the monitor begins with a clean slate
    #[command(after_help = "\
Example:
  steward alarm settle donor-chatbot 2 1a2b3c4d5e6f7081 --reason \"The provider has mended it\"")]
    Settle(AnswerArgs),
}

/// A monitor on the command line.
#[derive(Args, Debug)]
pub struct MonitorRef {
    #[command(flatten)]
    version: VersionRef,

    /// The monitor's id, as `steward alarm list` shows it; needed unless its full name is given
    #[arg(value_name = "MONITOR")]
    monitor: Option<String>,
}

impl MonitorRef {
    fn name(&self, session: &Session) -> Result<String, Failure> {
        name::monitor(session.namespace(), &self.version, self.monitor.as_deref())
    }
}

/// Arguments of `steward alarm list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// The model's id; or MODEL/NUMBER; or a full name. Without it: all models
    #[arg(value_name = "MODEL")]
    model: Option<String>,

    /// The number of the version. Without it: what all versions in service have raised
    #[arg(value_name = "NUMBER")]
    number: Option<u64>,

    /// Only what has raised something, also of one version
    #[arg(long)]
    raised: bool,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward alarm get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    monitor: MonitorRef,

    #[command(flatten)]
    past: PastFlag,
}

/// What measurements are compared with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Against {
    /// What the version was approved with
    Baseline,
    /// The window before
    Previous,
    /// The version in production
    Production,
}

/// Arguments of `steward alarm verdicts`.
#[derive(Args, Debug)]
pub struct VerdictsArgs {
    #[command(flatten)]
    version: VersionRef,

    /// What the newest measurements are compared with
    #[arg(long, value_enum, default_value_t = Against::Baseline)]
    against: Against,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of an answer.
#[derive(Args, Debug)]
pub struct AnswerArgs {
    #[command(flatten)]
    monitor: MonitorRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward alarm snooze`.
#[derive(Args, Debug)]
pub struct SnoozeArgs {
    #[command(flatten)]
    answer: AnswerArgs,

    /// Until when: a date, a time, or a span from now such as `14 days`
    #[arg(long, value_name = "WHEN", value_parser = parse_future)]
    until: Timestamp,
}

/// Carries out one command.
pub async fn run(session: &Session, command: AlarmCommand) -> Result<(), Failure> {
    macro_rules! answer {
        ($args:expr, $request:ident { $($field:ident: $value:expr)? }, $done:literal, $method:ident) => {{
            let AnswerArgs { monitor, reason, etag, change } = $args;
            let request_id = change.request_id();
            let request = $request {
                name: monitor.name(session)?,
                reason: reason.reason,
                etag: etag.etag,
                request_id: request_id.clone(),
                validate_only: change.dry_run,
                $($field: $value,)?
            };
            let send = async |r| session.monitors().$method(r).await;
            let monitor = session.change(&request_id, request, send).await?;
            told(session, change.dry_run, &monitor, $done)
        }};
    }
    match command {
        AlarmCommand::List(args) => list(session, args).await,
        AlarmCommand::Get(args) => get(session, args).await,
        AlarmCommand::Verdicts(args) => verdicts(session, args).await,
        AlarmCommand::Acknowledge(args) => {
            answer!(args, AcknowledgeAlarmRequest {}, "is acknowledged", acknowledge_alarm)
        }
        AlarmCommand::Snooze(args) => answer!(
            args.answer,
            SnoozeAlarmRequest { until_time: Some(args.until) },
            "is quiet for a while",
            snooze_alarm
        ),
        AlarmCommand::Settle(args) => {
            answer!(args, SettleAlarmRequest {}, "begins with a clean slate", settle_alarm)
        }
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::monitors(session.namespace(), args.model.as_deref(), args.number)?;
    let spans_versions = parent.ends_with("/versions/-");
    let raised_only = args.raised || spans_versions;
    let fetch = async |page_size, page_token| {
        let request = ListMonitorsRequest { parent: parent.clone(), page_size, page_token, raised_only };
        let answer = session.call(request, async |r| session.monitors().list_monitors(r).await).await?;
        Ok((answer.monitors, answer.next_page_token))
    };
    let (monitors, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListMonitorsResponse { monitors, next_page_token };
    let nothing = match raised_only {
        true => "Nothing is raised.",
        false => "Nothing is watched: record an evaluation once the version is approved.",
    };
    let table = table(&answer.monitors, spans_versions);
    session.output().list(&answer, &table, nothing, &answer.next_page_token)
}

/// Of several versions, each line begins with what the other commands take.
fn table(monitors: &[Monitor], spans_versions: bool) -> Table {
    let mut table = Table::new(["MONITOR", "BASELINE", "SAYS", "POINTS", "NEWEST", "WHAT IT MEANS"]);
    for monitor in monitors {
        let version = name::parent(&monitor.name);
        let id = name::id(&monitor.name);
        table.row([
            match spans_versions {
                true => format!("{} {} {id}", name::id(name::parent(version)), name::id(version)),
                false => id,
            },
            monitor.baseline.as_ref().map(point_words).unwrap_or_default(),
            level_words(monitor),
            monitor.point_count.to_string(),
            time(monitor.newest_window_end_time),
            monitor.verdict.as_ref().map(|verdict| verdict.sentence.clone()).unwrap_or_default(),
        ]);
    }
    table
}

fn level_words(monitor: &Monitor) -> String {
    let level = word(monitor.level().as_str_name(), "VERDICT_LEVEL_");
    match (&monitor.acknowledgement, &monitor.snooze) {
        (Some(by), _) => format!("{level} ({} looks into it)", by.actor),
        (None, Some(snooze)) => format!("{level} (quiet until {})", time(snooze.until_time)),
        (None, None) => level,
    }
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let request = GetMonitorRequest { name: args.monitor.name(session)?, read_at: args.past.read_at() };
    let monitor = session.call(request, async |r| session.monitors().get_monitor(r).await).await?;
    session.output().resource(&monitor, &facts(&monitor))
}

fn facts(monitor: &Monitor) -> Facts {
    let verdict = monitor.verdict.clone().unwrap_or_default();
    let evaluator = monitor.baseline_evaluator.clone().unwrap_or_default();
    Facts::new()
        .add("Monitor", name::id(&monitor.name))
        .add("Baseline", monitor.baseline.as_ref().map(point_words).unwrap_or_default())
        .add("Measured by", format!("{} {}", evaluator.name, evaluator.version).trim())
        .add("Recorded in", &monitor.baseline_evaluation)
        .add("Says", level_words(monitor))
        .add("It means", verdict.sentence.clone())
        .add("Effect", effect_words(&verdict))
        .add("Points", monitor.point_count.to_string())
        .add("Raised", time(monitor.raise_time))
        .add_lines("Acknowledged", decision_lines(monitor.acknowledgement.as_ref()))
        .add_lines("Settled", decision_lines(monitor.resolution.as_ref()))
        .add("Etag", &monitor.etag)
        .add("Full name", &monitor.name)
}

fn effect_words(verdict: &Verdict) -> String {
    let Some(effect) = verdict.effect else { return String::new() };
    let kind = word(verdict.effect_kind().as_str_name(), "EFFECT_KIND_").to_lowercase().replace('_', " ");
    match verdict.p_value {
        Some(p) => format!("{kind} {effect:.4}, p = {p:.3e}"),
        None => format!("{kind} {effect:.4}"),
    }
}

async fn verdicts(session: &Session, args: VerdictsArgs) -> Result<(), Failure> {
    let version = name::version(session.namespace(), &args.version)?;
    let comparison = match args.against {
        Against::Baseline => Comparison::Baseline,
        Against::Previous => Comparison::Previous,
        Against::Production => Comparison::Production,
    };
    let fetch = async |page_size, page_token| {
        let (name, comparison) = (version.clone(), comparison.into());
        let request = JudgeVersionRequest { name, page_size, page_token, comparison };
        let answer = session.call(request, async |r| session.monitors().judge_version(r).await).await?;
        Ok((answer.verdicts, answer.next_page_token))
    };
    let (verdicts, next_page_token) = args.page.collect(fetch).await?;
    let answer = JudgeVersionResponse { verdicts, next_page_token };
    let table = verdict_table(&answer.verdicts);
    let nothing = "There is nothing to compare: record evaluations of it.";
    session.output().list(&answer, &table, nothing, &answer.next_page_token)
}

fn verdict_table(verdicts: &[SeriesVerdict]) -> Table {
    let mut table = Table::new(["VERDICT", "MEASURED", "EFFECT", "WHAT IT MEANS"]);
    for series in verdicts {
        let verdict = series.verdict.clone().unwrap_or_default();
        table.row([
            word(verdict.level().as_str_name(), "VERDICT_LEVEL_"),
            series.point.as_ref().map(point_words).unwrap_or_default(),
            effect_words(&verdict),
            verdict.sentence,
        ]);
    }
    table
}

fn told(session: &Session, dry_run: bool, monitor: &Monitor, done: &str) -> Result<(), Failure> {
    let what = monitor.baseline.as_ref().map(|baseline| baseline.metric.clone()).unwrap_or_default();
    let sentence = format!("The monitor of {what} {done} (audit position {}).", monitor.audit_position);
    session.output().changed(dry_run, monitor, &sentence, &facts(monitor))
}
