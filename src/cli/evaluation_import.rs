//! `steward evaluation import`: a file of evaluations, however long, recorded in
//! batches, with a report of what was refused.

use std::path::{Path, PathBuf};

use clap::Args;
use prost::Message as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::Code;

use super::{
    client::Session,
    error::Failure,
    evaluation_file::{Entry, FileFormat, RefusedLine, open},
    name::{self, VersionRef},
    output::{write, write_value},
    table::Table,
};
use crate::proto::v1::{BatchRecordEvaluationsRequest, Evaluation, RecordEvaluationRequest};

/// What `steward evaluation import --help` ends with.
pub const IMPORT_HELP: &str = "\
A CSV file has a header and a measurement a line. Columns, in any order:
  from, to      the window, as times or dates (needed)
  evaluator     NAME or NAME@VERSION (needed)
  metric        such as hallucination (needed)
  type          rate (k, n), moments (value, n, sd or m2, min, max) or plain (value, n) (needed)
  k, n, value, sd, m2, min, max
  direction     lower or higher: which is better
  slice         such as region=north;channel=phone, of what the version declares
  method, dataset, note
  evaluation    an id: neighbouring lines with the same one are one evaluation; a line without one is an
                evaluation of its own

A JSON lines file has an Evaluation in proto3 JSON a line; its `name`, if any, is the id. Histograms, \
confusion tables and sketches come in this way.

What is refused is reported by line and keeps nothing else out; the exit code is 4 then. An evaluation \
without an id gets one from its content, so importing a file again, corrected or after a crash, repeats \
nothing: what is recorded already is left alone.

Examples:
  steward evaluation import donor-chatbot 2 history.csv
  steward evaluation import donor-chatbot 2 history.csv --dry-run
  evaluate.py | steward evaluation import fundraising 1 - --format jsonl";

/// Evaluations and bytes in one call; a server takes a little more.
const MOST_IN_CALL: usize = 500;
const MOST_BYTES_IN_CALL: usize = 1 << 20;
/// So many refused lines are told; all are counted.
const MOST_TOLD: usize = 1_000;

/// Arguments of `steward evaluation import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The model's id, or its full name
    #[arg(value_name = "MODEL")]
    model: String,

    /// The number of the version: 1, 2, 3 …
    #[arg(value_name = "VERSION")]
    number: u64,

    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How the file says it; known from a name that ends in .csv, .jsonl or .ndjson
    #[arg(long, value_enum, value_name = "csv|jsonl", hide_possible_values = true)]
    format: Option<FileFormat>,

    /// Check everything and report what would be refused, but record nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of a file so far.
#[derive(Default)]
struct Report {
    read: u64,
    recorded: u64,
    folded_cells: i64,
    existing: u64,
    refused: u64,
    told: Vec<RefusedLine>,
}

/// Carries the import out.
pub async fn import(session: &Session, args: ImportArgs) -> Result<(), Failure> {
    let format = args.format.or_else(|| FileFormat::of(&args.file)).ok_or_else(|| {
        Failure::Usage("How is the file written? Say --format csv or --format jsonl.".to_owned())
    })?;
    let version = VersionRef { model: args.model.clone(), number: Some(args.number) };
    let import = Import {
        session,
        model: name::model(session.namespace(), &args.model)?,
        version: name::version(session.namespace(), &version)?,
        dry_run: args.dry_run,
    };
    let mut report = Report::default();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for next in open(&args.file, format)? {
        report.read += 1;
        match next? {
            Err(refused) => report.refuse(refused),
            Ok(entry) => {
                bytes += entry.evaluation.encoded_len();
                batch.push(entry);
            }
        }
        if batch.len() == MOST_IN_CALL || bytes >= MOST_BYTES_IN_CALL {
            import.record(std::mem::take(&mut batch), &mut report).await?;
            bytes = 0;
        }
    }
    import.record(batch, &mut report).await?;
    report.told.sort_by_key(|refused| refused.line);
    if session.output().is_json() {
        write_value(&report.json(args.dry_run))?;
    } else {
        write(&report.text(args.dry_run, &args.file))?;
    }
    if report.refused > 0 { Err(Failure::RefusalsTold) } else { Ok(()) }
}

struct Import<'a> {
    session: &'a Session,
    model: String,
    version: String,
    dry_run: bool,
}

impl Import<'_> {
    /// Records evaluations together; where some are refused, halves of them, until
    /// it is known which.
    async fn record(&self, entries: Vec<Entry>, report: &mut Report) -> Result<(), Failure> {
        let mut open = vec![entries];
        while let Some(mut entries) = open.pop() {
            if entries.is_empty() {
                continue;
            }
            match self.send(&entries).await {
                Ok(evaluations) => {
                    report.recorded += entries.len() as u64;
                    let folded = evaluations.iter().map(|one| i64::from(one.folded_cell_count));
                    report.folded_cells += folded.sum::<i64>();
                }
                Err(failure) if !is_refusal(&failure) => return Err(failure),
                Err(failure) if entries.len() == 1 => {
                    if failure.code() == Some(Code::AlreadyExists) {
                        report.existing += 1;
                    } else {
                        entries.iter().for_each(|entry| report.refuse_for(entry, &failure));
                    }
                }
                Err(_) => {
                    let later = entries.split_off(entries.len() / 2);
                    open.extend([later, entries]);
                }
            }
        }
        Ok(())
    }

    async fn send(&self, entries: &[Entry]) -> Result<Vec<Evaluation>, Failure> {
        let requests: Vec<_> = entries.iter().map(|entry| self.request(entry)).collect();
        let mut request = BatchRecordEvaluationsRequest {
            parent: self.model.clone(),
            requests,
            request_id: String::new(),
            validate_only: self.dry_run,
        };
        if !self.dry_run {
            request.request_id = digest(&request.encode_to_vec());
        }
        let request_id = request.request_id.clone();
        let send = async |r| self.session.evaluations().batch_record_evaluations(r).await;
        Ok(self.session.change(&request_id, request, send).await?.evaluations)
    }

    fn request(&self, entry: &Entry) -> RecordEvaluationRequest {
        let evaluation = Evaluation { name: String::new(), ..entry.evaluation.clone() };
        let evaluation_id = match entry.id.as_str() {
            "" => format!("import-{}", digest(&evaluation.encode_to_vec())),
            id => id.to_owned(),
        };
        RecordEvaluationRequest {
            parent: self.version.clone(),
            evaluation_id,
            evaluation: Some(evaluation),
            ..RecordEvaluationRequest::default()
        }
    }
}

/// The same content always has the same digest: fields and maps are encoded in order.
fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..16])
}

/// Whether the server said no to what was asked.
fn is_refusal(failure: &Failure) -> bool {
    use Code::{AlreadyExists, FailedPrecondition, InvalidArgument};
    matches!(failure.code(), Some(InvalidArgument | FailedPrecondition | AlreadyExists))
}

impl Report {
    fn refuse(&mut self, refused: RefusedLine) {
        self.refused += 1;
        self.tell(refused);
    }

    fn tell(&mut self, refused: RefusedLine) {
        if self.told.len() < MOST_TOLD {
            self.told.push(refused);
        }
    }

    /// All that speaks against one evaluation, each with the line that it is about.
    fn refuse_for(&mut self, entry: &Entry, failure: &Failure) {
        self.refused += 1;
        let violations = failure.violations();
        if violations.is_empty() {
            let why = failure.message();
            self.tell(RefusedLine { line: entry.line, field: String::new(), why });
        }
        for violation in violations {
            if violation.reason.is_empty() {
                let field = violation.subject.trim_start_matches("requests[0].");
                let field = field.trim_start_matches("evaluation.").to_owned();
                let line = line_of(entry, &field);
                self.tell(RefusedLine { line, field, why: violation.description });
            } else {
                let (field, why) = (violation.reason, violation.description);
                self.tell(RefusedLine { line: entry.line, field, why });
            }
        }
    }

    fn json(&self, dry_run: bool) -> serde_json::Value {
        let refused = |one: &RefusedLine| json!({ "line": one.line, "field": one.field, "why": one.why });
        json!({
            "dryRun": dry_run,
            "read": self.read,
            "recorded": self.recorded,
            "existing": self.existing,
            "foldedCells": self.folded_cells,
            "refused": self.refused,
            "refusedLines": self.told.iter().map(refused).collect::<Vec<_>>(),
        })
    }

    fn text(&self, dry_run: bool, file: &Path) -> String {
        let would = if dry_run { " would be" } else { "" };
        let mut text = format!(
            "{} evaluations read from {}: {}{would} recorded, {} recorded before, {} refused.\n",
            self.read,
            file.display(),
            self.recorded,
            self.existing,
            self.refused,
        );
        if self.folded_cells > 0 {
            text.push_str(&format!("{} cells were too small to stand by themselves.\n", self.folded_cells));
        }
        if !self.told.is_empty() {
            let mut table = Table::new(["LINE", "FIELD", "WHY"]);
            for one in &self.told {
                table.row([one.line.to_string(), one.field.clone(), one.why.clone()]);
            }
            text.push('\n');
            text.push_str(&table.text());
        }
        text
    }
}

/// The line of the measurement that a field is of: `points[3].rate.k`.
fn line_of(entry: &Entry, field: &str) -> u64 {
    let index = field.strip_prefix("points[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    index.and_then(|index| entry.point_lines.get(index).copied()).unwrap_or(entry.line)
}
