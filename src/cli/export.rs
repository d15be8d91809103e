//! `steward export`: the log of a namespace as JSON lines, byte for byte. It is
//! a backup: `steward rebuild` makes a store of it.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;

use super::{
    audit_read::head,
    client::Session,
    error::Failure,
    file::Replacement,
    follow::{News, follow},
    output::note,
};
use crate::{
    proto::v1::{
        AuditEventBatch, ListPersonsRequest, Person, StartPoint, SubscribeAuditEventsRequest,
        subscribe_audit_events_request::{Start, Stop},
    },
    registry::person::copy::{Heading, Line},
};

/// Events in a batch: the most that the contract allows.
const BATCH: i32 = 1_000;

/// Arguments of `steward export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Write to this file, which then appears whole or not at all; standard output when absent
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Also write the names behind the pseudonyms of the log, which it does not hold itself, to this
    /// file; keep it apart, and only as long as a person may not have to be forgotten
    #[arg(long, value_name = "FILE")]
    persons: Option<PathBuf>,
}

/// Carries out the command.
pub async fn run(session: &Session, args: ExportArgs) -> Result<(), Failure> {
    let head = head(session).await?;
    let written = match &args.file {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let written = copy(session, head.size, &mut out, Failure::stdout).await?;
            out.flush().map_err(Failure::stdout)?;
            written
        }
        Some(path) => {
            let broken = |error| Failure::file("write", path, error);
            let mut file = Replacement::begin(path).map_err(broken)?;
            let written = copy(session, head.size, &mut file, broken).await?;
            file.commit().map_err(broken)?;
            written
        }
    };
    if let Some(path) = &args.persons {
        export_persons(session, &head.log_id, path).await?;
    }
    note(&format!("Exported {written} events; the root of the log is {}.", hex::encode(&head.root_hash)));
    Ok(())
}

/// Writes the directory of persons, in the form that `steward rebuild` takes back.
async fn export_persons(session: &Session, log_id: &str, path: &Path) -> Result<(), Failure> {
    let broken = |error| Failure::file("write", path, error);
    let mut file = Replacement::begin_private(path).map_err(broken)?;
    let mut page_token = String::new();
    loop {
        let is_first = page_token.is_empty();
        let request = ListPersonsRequest {
            parent: session.namespace().to_owned(),
            show_secrets: true,
            page_size: BATCH,
            page_token,
            ..ListPersonsRequest::default()
        };
        let page = session.call(request, async |r| session.persons().list_persons(r).await).await?;
        if is_first {
            let heading = Heading { log_id: log_id.to_owned(), secret: hex::encode(&page.secret) };
            write_json(&heading, &mut file).map_err(broken)?;
        }
        for Person { pseudonym, text, salt, audit_position, .. } in page.persons {
            let line = Line { position: audit_position, pseudonym, salt: hex::encode(salt), text };
            write_json(&line, &mut file).map_err(broken)?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return file.commit().map_err(broken);
        }
    }
}

fn write_json(line: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Writes the first `size` leaves to `out`; gives their number, which is `size`.
async fn copy(
    session: &Session,
    size: u64,
    out: &mut impl Write,
    broken: impl Fn(io::Error) -> Failure,
) -> Result<u64, Failure> {
    let Some(newest) = size.checked_sub(1) else { return Ok(0) };
    let request = SubscribeAuditEventsRequest {
        parent: session.namespace().to_owned(),
        start: Some(Start::StartPoint(StartPoint::Earliest.into())),
        stop: Some(Stop::StopPosition(newest)),
        max_batch_size: BATCH,
        ..SubscribeAuditEventsRequest::default()
    };
    let mut written = 0;
    follow(session, request, |news| {
        if let News::Batch(batch) = news {
            write_lines(batch, &mut written, out, &broken)?;
        }
        Ok(())
    })
    .await?;
    match written == size {
        true => Ok(written),
        false => Err(Failure::Contract(format!("The log has {size} events but {written} came."))),
    }
}

fn write_lines(
    batch: &AuditEventBatch,
    written: &mut u64,
    out: &mut impl Write,
    broken: &impl Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    for event in &batch.events {
        if event.position != *written {
            return Err(Failure::Contract(format!(
                "Position {} came where {written} was due: the export would not be whole.",
                event.position
            )));
        }
        out.write_all(&event.leaf).and_then(|()| out.write_all(b"\n")).map_err(broken)?;
        *written += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::AuditEvent;

    fn batch(position: u64) -> AuditEventBatch {
        let event = AuditEvent { position, leaf: b"{\"a\":1}".to_vec().into(), ..AuditEvent::default() };
        AuditEventBatch { events: vec![event], ..AuditEventBatch::default() }
    }

    #[test]
    fn leaves_are_written_as_they_are_one_a_line() {
        let (mut out, mut written) = (Vec::new(), 0);
        for position in 0..2 {
            write_lines(&batch(position), &mut written, &mut out, &Failure::stdout).unwrap();
        }
        assert_eq!((out.as_slice(), written), (b"{\"a\":1}\n{\"a\":1}\n".as_slice(), 2));
    }

    #[test]
    fn an_export_that_would_miss_an_event_fails() {
        let (mut out, mut written) = (Vec::new(), 0);
        assert!(write_lines(&batch(1), &mut written, &mut out, &Failure::stdout).is_err());
        assert!(out.is_empty());
    }
}
