//! `steward evaluation`: what was measured of a version.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use super::{
    argument::{parse_dataset, parse_time},
    client::Session,
    error::Failure,
    evaluation_import::{IMPORT_HELP, ImportArgs, import},
    evaluation_view::{facts, table},
    file::read,
    flags::{ChangeFlags, PageFlags, PastFlag},
    json::from_json,
    name::{self, ModelRef, VersionRef},
    point::{parse_moments, parse_rate, parse_usage, parse_value},
    table::{Facts, version_words},
};
use crate::proto::v1::{
    BatchRecordEvaluationsRequest, BatchRecordEvaluationsResponse, DatasetReference, Evaluation, Evaluator,
    GetEvaluationRequest, ListEvaluationsRequest, ListEvaluationsResponse, MetricPoint,
    RecordEvaluationRequest,
};

/// What to do with evaluations.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one value in a process")]
pub enum EvaluationCommand {
    /// Record what was measured of a version
    #[command(after_help = "\
A measurement is METRIC=VALUE; `:lower` or `:higher` behind it says what is better, and [KEY=CODE] \
behind METRIC names the part of the data that was measured.

Examples:
  steward evaluation record donor-chatbot 1 --from 2026-01-01 --to 2026-02-01 --evaluator judge@2.1 \\
      --rate hallucination=6/200:lower --rate 'escalation[channel=phone]=3/80:lower' \\
      --value faithfulness=0.93,n=120:higher \\
      --moments latency_s=1.2,n=300,sd=0.4,min=0.3,max=4.1:lower \\
      --usage requests=1200,input-tokens=910000,output-tokens=220000,cost=18.40,currency=EUR
  steward evaluation record donor-chatbot 1 --file evaluation.json
  evaluate.py | steward evaluation record fundraising 2 --file -

The file is an Evaluation in proto3 JSON, as `steward evaluation get --output json` prints it. Flags go \
before what it says, and their measurements are added.")]
    Record(RecordArgs),

    /// Record many evaluations of one model, all or none
    #[command(after_help = "\
Each line of the file is a RecordEvaluationRequest in proto3 JSON; its `parent` is a version, by number \
or by name:
  {\"parent\": \"2\", \"evaluation\": {\"windowStartTime\": \"2026-01-01T00:00:00Z\", …}}

When one is refused, nothing is recorded; `requests[4]` in the answer is the fifth evaluation of the file.

Example:
  steward evaluation record-batch fundraising --file evaluations.jsonl")]
    RecordBatch(RecordBatchArgs),

    /// Record the evaluations of a file, and report the lines that are refused
    #[command(after_help = IMPORT_HELP)]
    Import(ImportArgs),

    /// Show one evaluation
    Get(GetArgs),

    /// List the evaluations of a version
    #[command(after_help = "\
Examples:
  steward evaluation list donor-chatbot 1 --metric hallucination
  steward evaluation list donor-chatbot 1 --from 2026-01-01 --to 2026-04-01")]
    List(ListArgs),
}

/// Arguments of `steward evaluation record`.
#[derive(Args, Debug)]
pub struct RecordArgs {
    #[command(flatten)]
    version: VersionRef,

    /// An id for the evaluation; the server draws one when absent
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    id: String,

    /// Begin of the time in which the data arose
    #[arg(long, value_name = "TIME", value_parser = parse_time, required_unless_present = "file")]
    from: Option<Timestamp>,

    /// End of that time, exclusive
    #[arg(long, value_name = "TIME", value_parser = parse_time, required_unless_present = "file")]
    to: Option<Timestamp>,

    /// The program that measured
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = parse_evaluator, required_unless_present = "file")]
    evaluator: Option<Evaluator>,

    /// How often something happened: K of N; may be repeated
    #[arg(long = "rate", value_name = "METRIC=K/N[:lower|:higher]", value_parser = parse_rate)]
    rates: Vec<MetricPoint>,

    /// A number and on how many observations it rests; may be repeated
    #[arg(long = "value", value_name = "METRIC=NUMBER,n=N[:lower|:higher]", value_parser = parse_value)]
    values: Vec<MetricPoint>,

    /// Mean and spread of a number; may be repeated
    #[arg(
        long = "moments",
        value_name = "METRIC=MEAN,n=N,sd=SD,min=MIN,max=MAX[:lower|:higher]",
        value_parser = parse_moments
    )]
    moments: Vec<MetricPoint>,

    /// Requests, tokens and money spent
    #[arg(
        long,
        value_name = "requests=N[,input-tokens=N][,output-tokens=N][,cost=AMOUNT,currency=EUR][,outcomes=N]",
        value_parser = parse_usage
    )]
    usage: Option<MetricPoint>,

    /// The data that was evaluated
    #[arg(long, value_name = "URI[,digest=…][,rows=…]", value_parser = parse_dataset)]
    dataset: Option<DatasetReference>,

    /// A note for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// The evaluation as JSON, for histograms and all else; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward evaluation record-batch`.
#[derive(Args, Debug)]
pub struct RecordBatchArgs {
    #[command(flatten)]
    model: ModelRef,

    /// The evaluations, one JSON object a line; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward evaluation get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    version: VersionRef,

    /// The evaluation's id; needed unless the full name of the evaluation is given
    #[arg(value_name = "EVALUATION")]
    evaluation: Option<String>,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward evaluation list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    version: VersionRef,

    /// Only windows that end at this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,

    /// Only windows that end before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,

    /// Only evaluations that measured this
    #[arg(long, value_name = "METRIC", default_value = "", hide_default_value = true)]
    metric: String,

    /// The newest window first
    #[arg(long)]
    newest_first: bool,

    #[command(flatten)]
    page: PageFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: EvaluationCommand) -> Result<(), Failure> {
    match command {
        EvaluationCommand::Record(args) => record(session, args).await,
        EvaluationCommand::RecordBatch(args) => record_batch(session, args).await,
        EvaluationCommand::Import(args) => import(session, args).await,
        EvaluationCommand::Get(args) => get(session, args).await,
        EvaluationCommand::List(args) => list(session, args).await,
    }
}

async fn record(session: &Session, args: RecordArgs) -> Result<(), Failure> {
    let dry_run = args.change.dry_run;
    let request_id = args.change.request_id();
    let request = RecordEvaluationRequest {
        parent: name::version(session.namespace(), &args.version)?,
        evaluation_id: args.id.clone(),
        evaluation: Some(described(args)?),
        request_id: request_id.clone(),
        validate_only: dry_run,
    };
    let send = async |r| session.evaluations().record_evaluation(r).await;
    let evaluation = session.change(&request_id, request, send).await?;
    let sentence = format!(
        "Evaluation {} of {} is recorded (audit position {}).",
        name::id(&evaluation.name),
        version_words(name::parent(&evaluation.name)),
        evaluation.audit_position
    );
    session.output().changed(dry_run, &evaluation, &sentence, &facts(&evaluation))
}

/// The evaluation that file and flags describe together.
fn described(args: RecordArgs) -> Result<Evaluation, Failure> {
    let mut evaluation = match &args.file {
        Some(path) => from_json::<Evaluation>(&read(path)?)?,
        None => Evaluation::default(),
    };
    evaluation.window_start_time = args.from.or(evaluation.window_start_time);
    evaluation.window_end_time = args.to.or(evaluation.window_end_time);
    evaluation.evaluator = args.evaluator.or(evaluation.evaluator);
    evaluation.dataset = args.dataset.or(evaluation.dataset);
    evaluation.note = args.note.unwrap_or(evaluation.note);
    let flags = args.rates.into_iter().chain(args.values).chain(args.moments).chain(args.usage);
    evaluation.points.extend(flags);
    Ok(evaluation)
}

async fn record_batch(session: &Session, args: RecordBatchArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let requests = batch(session.namespace(), &parent, &read(&args.file)?)?;
    let request_id = args.change.request_id();
    let request = BatchRecordEvaluationsRequest {
        parent,
        requests,
        request_id: request_id.clone(),
        validate_only: args.change.dry_run,
    };
    let send = async |r| session.evaluations().batch_record_evaluations(r).await;
    let answer: BatchRecordEvaluationsResponse = session.change(&request_id, request, send).await?;
    let sentence = format!("{} evaluations of {} are recorded.", answer.evaluations.len(), args.model.model);
    session.output().changed(args.change.dry_run, &answer, &sentence, &Facts::new())
}

/// Reads one request a line; a bad line is named by its number. Blank lines are skipped.
fn batch(namespace: &str, model: &str, text: &str) -> Result<Vec<RecordEvaluationRequest>, Failure> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let requests = lines
        .map(|(index, line)| {
            batch_line(namespace, model, line).map_err(|failure| {
                Failure::Input(format!(
                    "Line {} is wrong, nothing was sent: {}",
                    index + 1,
                    failure.message()
                ))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    match requests.is_empty() {
        true => Err(Failure::Input("The file holds no evaluation.".to_owned())),
        false => Ok(requests),
    }
}

fn batch_line(namespace: &str, model: &str, line: &str) -> Result<RecordEvaluationRequest, Failure> {
    let mut request: RecordEvaluationRequest = from_json(line)?;
    request.parent = name::version_of(namespace, model, &request.parent)?;
    Ok(request)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let name = match &args.evaluation {
        Some(id) => {
            format!("{}/evaluations/{}", name::version(session.namespace(), &args.version)?, name::encode(id))
        }
        None => name::evaluation(&args.version.model)?,
    };
    let request = GetEvaluationRequest { name, read_at: args.past.read_at() };
    let evaluation = session.call(request, async |r| session.evaluations().get_evaluation(r).await).await?;
    session.output().resource(&evaluation, &facts(&evaluation))
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::version(session.namespace(), &args.version)?;
    let order_by = if args.newest_first { "window_end_time desc" } else { "" };
    let fetch = async |page_size, page_token| {
        let request = ListEvaluationsRequest {
            parent: parent.clone(),
            page_size,
            page_token,
            start_time: args.from,
            end_time: args.to,
            metric: args.metric.clone(),
            order_by: order_by.to_owned(),
        };
        let answer = session.call(request, async |r| session.evaluations().list_evaluations(r).await).await?;
        Ok((answer.evaluations, answer.next_page_token))
    };
    let (evaluations, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListEvaluationsResponse { evaluations, next_page_token };
    let table = table(&answer.evaluations, &args.metric);
    session.output().list(&answer, &table, "There is no such evaluation.", &answer.next_page_token)
}

/// Reads `NAME@VERSION` or a name alone.
pub fn parse_evaluator(text: &str) -> Result<Evaluator, String> {
    let (name, version) = text.split_once('@').unwrap_or((text, ""));
    Ok(Evaluator { name: name.to_owned(), version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NS: &str = "namespaces/default";
    const MODEL: &str = "namespaces/default/models/m";

    #[test]
    fn a_bad_line_of_a_batch_is_named_by_its_number() {
        let text = "{\"parent\": \"1\"}\n\n{\"parent\": \"1\", \"rows\": []}\n";
        let error = batch(NS, MODEL, text).unwrap_err().text();
        assert!(error.contains("Line 3") && error.contains("rows"), "{error}");
        assert!(batch(NS, MODEL, "\n").is_err());
    }

    #[test]
    fn a_line_of_a_batch_names_its_version_by_number_or_in_full() {
        let text = format!("{{\"parent\": \"2\"}}\n{{\"parent\": \"{MODEL}/versions/3\"}}");
        let parents: Vec<String> = batch(NS, MODEL, &text).unwrap().into_iter().map(|r| r.parent).collect();
        assert_eq!(parents, [format!("{MODEL}/versions/2"), format!("{MODEL}/versions/3")]);
    }

    #[test]
    fn an_evaluator_may_have_a_version() {
        assert_eq!(parse_evaluator("judge@2.1").unwrap().version, "2.1");
        assert_eq!(parse_evaluator("judge").unwrap().version, "");
    }
}
