//! `steward upstream import`: what a file says, against what is recorded.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use clap::Args;
use prost_types::FieldMask;
use serde_json::{Value, json};
use tonic::Code;

use super::{
    client::Session,
    environment::fresh_request_id,
    error::Failure,
    flags::ReasonFlag,
    output::{write, write_value},
    table::{Table, day, version_words},
    upstream::model_words,
    upstream_file::{Announced, FileFormat, Skipped, read},
};
use crate::proto::v1::{
    BatchSetUpstreamsRequest, SetUpstreamRequest, SetUpstreamResponse, Upstream, UpstreamReference,
};

/// Records in one call. A server takes more, but not when many versions move.
const IN_ONE_CALL: usize = 500;

/// Arguments of `steward upstream import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How the file says it
    #[arg(long, value_enum, value_name = "litellm|openai", hide_possible_values = true)]
    format: FileFormat,

    /// Who sells the models of a list that does not say so (--format openai)
    #[arg(long, value_name = "PROVIDER", default_value = "openai")]
    provider: String,

    /// How they are bought (--format openai)
    #[arg(long, value_name = "CHANNEL", default_value = "", hide_default_value = true)]
    channel: String,

    /// Where they run (--format openai)
    #[arg(long, value_name = "REGION", default_value = "", hide_default_value = true)]
    region: String,

    /// Show what would change, but change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    reason: ReasonFlag,
}

/// What became of the records of a file.
#[derive(Default)]
struct Outcome {
    changed: Vec<Upstream>,
    unchanged: usize,
    moved_versions: Vec<String>,
    refused: Vec<Skipped>,
}

/// Carries the import out.
pub async fn run(session: &Session, args: ImportArgs) -> Result<(), Failure> {
    let text = read_text(&args.file)?;
    let ImportArgs { provider, channel, region, .. } = &args;
    let place = UpstreamReference {
        provider: provider.clone(),
        channel: channel.clone(),
        region: region.clone(),
        ..UpstreamReference::default()
    };
    let announced = read(args.format, &text, &place)?;
    let mut outcome = Outcome::default();
    for records in announced.records.chunks(IN_ONE_CALL) {
        set_all(session, &args, records, &mut outcome).await?;
    }
    if session.output().is_json() {
        write_value(&as_json(&args, &announced, &outcome))
    } else {
        write(&as_text(&args, &announced, &outcome))
    }
}

/// Sets records together, or one by one where one of them is refused, so that it
/// does not keep the others out.
async fn set_all(
    session: &Session,
    args: &ImportArgs,
    records: &[Upstream],
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    match set(session, args, records).await {
        Ok(answers) => outcome.add(answers),
        Err(failure) if !is_refusal(&failure) => return Err(failure),
        Err(_) => {
            for record in records {
                match set(session, args, std::slice::from_ref(record)).await {
                    Ok(answers) => outcome.add(answers),
                    Err(failure) if is_refusal(&failure) => {
                        let (entry, why) = (model_words(record), failure.message());
                        outcome.refused.push(Skipped { entry, why });
                    }
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
    Ok(())
}

/// Whether the server said no to what was asked.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.code(), Some(Code::InvalidArgument | Code::FailedPrecondition))
}

async fn set(
    session: &Session,
    args: &ImportArgs,
    records: &[Upstream],
) -> Result<Vec<SetUpstreamResponse>, Failure> {
    let request_id = if args.dry_run { String::new() } else { fresh_request_id() };
    let request = BatchSetUpstreamsRequest {
        parent: session.namespace().to_owned(),
        requests: records.iter().cloned().map(request).collect(),
        reason: args.reason.reason.clone(),
        request_id: request_id.clone(),
        validate_only: args.dry_run,
    };
    let send = async |r| session.upstreams().batch_set_upstreams(r).await;
    Ok(session.change(&request_id, request, send).await?.responses)
}

/// Only what the file says is taken over; what somebody wrote beside it stays.
fn request(record: Upstream) -> SetUpstreamRequest {
    let said = [("shutdown_time", true), ("source_uri", !record.source_uri.is_empty())];
    let paths = said.into_iter().filter(|(_, is_said)| *is_said).map(|(path, _)| path.to_owned()).collect();
    let update_mask = Some(FieldMask { paths });
    SetUpstreamRequest { upstream: Some(record), update_mask, ..SetUpstreamRequest::default() }
}

impl Outcome {
    fn add(&mut self, answers: Vec<SetUpstreamResponse>) {
        for answer in answers {
            if answer.changed {
                self.changed.extend(answer.upstream);
            } else {
                self.unchanged += 1;
            }
            self.moved_versions.extend(answer.moved_versions);
        }
    }
}

fn as_json(args: &ImportArgs, announced: &Announced, outcome: &Outcome) -> Value {
    let list = |skipped: &[Skipped]| -> Vec<Value> {
        skipped.iter().map(|one| json!({ "entry": one.entry, "why": one.why })).collect()
    };
    json!({
        "dryRun": args.dry_run,
        "read": announced.read,
        "mapped": announced.mapped,
        "records": announced.records.len(),
        "changed": outcome.changed.len(),
        "unchanged": outcome.unchanged,
        "movedVersions": outcome.moved_versions,
        "skipped": list(&announced.skipped),
        "outdone": list(&announced.outdone),
        "refused": list(&outcome.refused),
    })
}

fn as_text(args: &ImportArgs, announced: &Announced, outcome: &Outcome) -> String {
    let would = if args.dry_run { "would be " } else { "" };
    let mut text = format!(
        "{} entries read: {} dates mapped to {} records, {} skipped.\n\
         {} records {would}changed, {} unchanged, {} refused; the ends of {} versions {would}moved.\n",
        announced.read,
        announced.mapped,
        announced.records.len(),
        announced.skipped.len(),
        outcome.changed.len(),
        outcome.unchanged,
        outcome.refused.len(),
        outcome.moved_versions.len(),
    );
    let mut changes = Table::new(["CHANGED", "SHUTDOWN"]);
    for upstream in &outcome.changed {
        changes.row([model_words(upstream), day(upstream.shutdown_time)]);
    }
    let mut moved = Table::new(["THE END MOVED OF"]);
    outcome.moved_versions.iter().for_each(|name| moved.row([version_words(name)]));
    let skipped = reasons("SKIPPED", &announced.skipped);
    let outdone = reasons("OUTDONE", &announced.outdone);
    let refused = reasons("REFUSED", &outcome.refused);
    for table in [changes, moved, skipped, outdone, refused].iter().filter(|table| !table.is_empty()) {
        text.push('\n');
        text.push_str(&table.text());
    }
    text
}

fn reasons(title: &str, skipped: &[Skipped]) -> Table {
    let mut table = Table::new([title, "WHY"]);
    skipped.iter().for_each(|one| table.row([one.entry.clone(), one.why.clone()]));
    table
}

/// The content of a file, or of standard input for `-`.
fn read_text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let outcome = if path == Path::new("-") {
        io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(path).map(|read| text = read)
    };
    outcome.map_err(|error| Failure::file("read", path, error)).map(|()| text)
}
