//! Files of evaluations, as somebody's spreadsheet or script wrote them: they are read to
//! their end, each line is refused or taken in its order, and what is taken means the same
//! when it is written down again.

use super::message::CONTRACT;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use std::io::Cursor;
use steward_registry::{
    cli::{
        error::Failure,
        evaluation_file::{self, Entry, Evaluations, FileFormat},
    },
    proto::v1::Evaluation,
};

/// The input as a file of each format.
pub fn check(data: &[u8]) {
    for format in [FileFormat::Csv, FileFormat::Jsonl] {
        // A header that lacks a column refuses the whole file.
        if let Ok(evaluations) = read(data, format) {
            to_the_end(data, format, evaluations);
        }
    }
}

fn read(data: &[u8], format: FileFormat) -> Result<Evaluations, Failure> {
    let failed = Box::new(|error: std::io::Error| Failure::Input(error.to_string()));
    evaluation_file::read(Box::new(Cursor::new(data.to_vec())), format, failed)
}

fn to_the_end(data: &[u8], format: FileFormat, evaluations: Evaluations) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let mut last = 0;
    for next in evaluations {
        match next.unwrap_or_else(|failure| panic!("in memory: {}", failure.message())) {
            Err(refused) => {
                assert!(!refused.why.is_empty());
                assert!((last..=lines).contains(&refused.line), "{} after {last} of {lines}", refused.line);
                last = refused.line;
            }
            Ok(entry) => {
                let newest = entry.point_lines.last().copied().unwrap_or(entry.line);
                assert!(
                    last < entry.line && entry.line <= newest && newest <= lines,
                    "{entry:?} after {last}"
                );
                assert!(format == FileFormat::Jsonl || !entry.evaluation.points.is_empty());
                last = newest;
                again(&entry);
            }
        }
    }
}

/// As a JSON line it is the same evaluation.
fn again(entry: &Entry) {
    let evaluation = CONTRACT.get_message_by_name("steward.v1.Evaluation").expect("it is in the contract");
    let bytes = entry.evaluation.encode_to_vec();
    let message = DynamicMessage::decode(evaluation, bytes.as_slice()).expect("one contract");
    // A time beyond the year 9999, which JSON cannot say, is the server's to refuse.
    let Ok(line) = serde_json::to_vec(&message) else { return };
    let mut evaluations =
        read(&line, FileFormat::Jsonl).unwrap_or_else(|failure| panic!("{}", failure.message()));
    let read = evaluations.next().expect("a line").unwrap_or_else(|failure| panic!("{}", failure.message()));
    let read = read.unwrap_or_else(|refused| panic!("{refused:?}: {}", String::from_utf8_lossy(&line)));
    assert!(evaluations.next().is_none());
    assert_eq!(bits(&read.evaluation), bits(&entry.evaluation));
}

/// Numbers that are none are equal, too.
fn bits(evaluation: &Evaluation) -> String {
    format!("{evaluation:?}")
}
