//! Where results go: tables and sentences for people, JSON for programs.

use std::io::{self, Write as _};

use clap::ValueEnum;
use prost::{Message, Name};
use serde_json::Value;

use super::{
    error::Failure,
    json::to_json,
    table::{Facts, Table, printable},
};

/// What a dry run says when nothing stands in the way.
const DRY_RUN: &str = "This would succeed; nothing was changed.";

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and sentences
    Table,
    /// JSON: the answer of the server as it is defined in the contract
    Json,
}

/// Writes results to standard output in one format.
#[derive(Clone, Debug)]
pub struct Output {
    format: Format,
}

impl Output {
    /// An output in the given format.
    pub fn new(format: Format) -> Self {
        Output { format }
    }

    /// Whether the reader is a program.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Shows one resource.
    pub fn resource<M: Message + Name>(&self, message: &M, facts: &Facts) -> Result<(), Failure> {
        match self.format {
            Format::Json => write_json(message),
            Format::Table => write(&facts.text()),
        }
    }

    /// Tells the outcome of a change: a sentence, then the resource as it is now.
    pub fn changed<M: Message + Name>(
        &self,
        dry_run: bool,
        message: &M,
        sentence: &str,
        facts: &Facts,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => write_json(message),
            Format::Table if dry_run => write(&format!("{DRY_RUN}\n")),
            Format::Table => write(&format!("{}\n{}", printable(sentence), facts.text())),
        }
    }

    /// Shows a list; `nothing` is said when it is empty. `next_page_token` is
    /// where it goes on, or empty.
    pub fn list<M: Message + Name>(
        &self,
        message: &M,
        table: &Table,
        nothing: &str,
        next_page_token: &str,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => return write_json(message),
            Format::Table if table.is_empty() => note(nothing),
            Format::Table => write(&table.text())?,
        }
        if !next_page_token.is_empty() {
            note(&format!("There is more: add --all, or --page-token {next_page_token}"));
        }
        Ok(())
    }

    /// Says something to people; programs do not see it.
    pub fn say(&self, sentence: &str) -> Result<(), Failure> {
        match self.format {
            Format::Json => Ok(()),
            Format::Table => write(&format!("{}\n", printable(sentence))),
        }
    }
}

/// Writes text to standard output, at once.
pub fn write(text: &str) -> Result<(), Failure> {
    write_bytes(text.as_bytes())
}

/// Writes bytes to standard output, at once.
pub fn write_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Failure::stdout)
}

/// Writes a message as indented JSON.
pub fn write_json<M: Message + Name>(message: &M) -> Result<(), Failure> {
    write(&format!("{}\n", to_json(message)?))
}

/// Writes a JSON value, indented.
pub fn write_value(value: &Value) -> Result<(), Failure> {
    write(&format!("{value:#}\n"))
}

/// Writes a remark to standard error, where it does not disturb the result.
pub fn note(sentence: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(sentence));
}
