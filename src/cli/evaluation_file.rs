//! Files of evaluations, read a piece at a time: CSV with a measurement a line, and
//! JSON lines with an evaluation a line.

mod bounded;
mod csv_lines;
mod json_lines;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use clap::ValueEnum;

use self::{csv_lines::CsvLines, json_lines::JsonLines};
use super::error::Failure;
use crate::proto::v1::Evaluation;

/// How a file of evaluations says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// A header, then a measurement a line
    Csv,
    /// An Evaluation in proto3 JSON a line
    Jsonl,
}

impl FileFormat {
    /// The format that the ending of a file's name tells.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(FileFormat::Csv),
            "jsonl" | "ndjson" => Some(FileFormat::Jsonl),
            _ => None,
        }
    }
}

/// An evaluation of a file.
#[derive(Debug)]
pub struct Entry {
    /// Its first line.
    pub line: u64,
    /// The id that the file gives it; empty when it gives none.
    pub id: String,
    /// What it says.
    pub evaluation: Evaluation,
    /// The line of each measurement, where that is not the first line.
    pub point_lines: Vec<u64>,
}

/// A line that is not recorded.
#[derive(Debug, PartialEq)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u64,
    /// The column or field.
    pub field: String,
    /// What is wrong, and what to do.
    pub why: String,
}

/// What comes next in a file.
pub type Next = Result<Entry, RefusedLine>;

/// The evaluations of a file, one by one.
pub type Evaluations = Box<dyn Iterator<Item = Result<Next, Failure>> + Send>;

/// Opens a file, `-` being standard input. Evaluations come one by one; an outer
/// error is one of the whole file.
pub fn open(path: &Path, format: FileFormat) -> Result<Evaluations, Failure> {
    let reader: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| Failure::file("read", path, error))?)
    };
    let path = path.to_owned();
    read(reader, format, Box::new(move |error| Failure::file("read", &path, error)))
}

/// The evaluations of what is read; see [`open`].
pub fn read(
    reader: Box<dyn Read + Send>,
    format: FileFormat,
    failed: Failed,
) -> Result<Evaluations, Failure> {
    Ok(match format {
        FileFormat::Csv => Box::new(CsvLines::new(reader, failed)?),
        FileFormat::Jsonl => Box::new(JsonLines::new(BufReader::new(reader), failed)),
    })
}

/// A record has at most 32 KiB in the store; whatever is much longer is no evaluation.
const LONGEST: u64 = 1 << 20;

/// How an error of reading becomes one of the command.
pub type Failed = Box<dyn Fn(io::Error) -> Failure + Send>;

#[cfg(test)]
mod tests;
