//! `steward audit tail`, `list` and `head`: reading the events.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use prost_types::Timestamp;

use super::{
    argument::{At, parse_at, parse_position, parse_time},
    audit_view::{event_line, table},
    client::Session,
    error::Failure,
    file::write_whole,
    flags::PageFlags,
    follow::{News, follow},
    name,
    output::{note, write_bytes},
    table::{Facts, time},
};
use crate::proto::v1::{
    AuditEvent, AuditEventFilter, AuditHead, GetAuditHeadRequest, ListAuditEventsRequest,
    ListAuditEventsResponse, StartPoint, SubscribeAuditEventsRequest,
    subscribe_audit_events_request::{Start, Stop},
};

/// Events whose type has no dot belong to this package.
const TYPE_PREFIX: &str = "steward.v1.";

/// Which events are wanted.
#[derive(Args, Debug, Clone, Default)]
pub struct FilterFlags {
    /// Only events of this type, such as `AliasSet`; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,

    /// Only events about this model (MODEL), version (MODEL/NUMBER) or resource (full name), and what
    /// is below it; may be repeated
    #[arg(long = "resource", value_name = "RESOURCE")]
    resources: Vec<String>,

    /// Only what this person or program did; may be repeated
    #[arg(long = "actor-filter", value_name = "NAME")]
    actors: Vec<String>,
}

/// Arguments of `steward audit tail`.
#[derive(Args, Debug)]
pub struct TailArgs {
    /// Where to begin: `earliest`, `latest` (what comes from now on), a time, or a position such as
    /// '#123'. `latest` unless --until is given
    #[arg(long, value_name = "WHERE", value_parser = parse_from)]
    from: Option<From>,

    /// Go on behind what a resume token stands for
    #[arg(long, value_name = "TOKEN", conflicts_with = "from")]
    resume: Option<String>,

    /// Stop behind this position
    #[arg(long, value_name = "'#POSITION'", value_parser = parse_position)]
    until: Option<u64>,

    /// Keep the resume token in this file: a later run with the same file goes on where this one stopped
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    filter: FilterFlags,
}

/// Arguments of `steward audit list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterFlags,

    /// Only events of this time or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,

    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,

    /// The newest first
    #[arg(long)]
    newest_first: bool,

    #[command(flatten)]
    page: PageFlags,
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// With the first event.
    Earliest,
    /// With the next event.
    Latest,
    /// At a time or a position.
    At(At),
}

/// Reads where to begin.
pub fn parse_from(text: &str) -> Result<From, String> {
    match text {
        "earliest" => Ok(From::Earliest),
        "latest" => Ok(From::Latest),
        _ => parse_at(text).map(From::At).map_err(|wanted| format!("neither earliest nor latest, {wanted}")),
    }
}

impl FilterFlags {
    /// The filter of a request.
    pub fn filter(&self, namespace: &str) -> Result<Option<AuditEventFilter>, Failure> {
        let prefixes =
            self.resources.iter().map(|given| resource(namespace, given)).collect::<Result<Vec<_>, _>>()?;
        let types = self.types.iter().map(|given| match given.contains('.') {
            true => given.clone(),
            false => format!("{TYPE_PREFIX}{given}"),
        });
        let filter = AuditEventFilter {
            types: types.collect(),
            resource_prefixes: prefixes,
            actors: self.actors.clone(),
        };
        Ok((filter != AuditEventFilter::default()).then_some(filter))
    }
}

/// The full name of a resource from MODEL, MODEL/NUMBER or a full name.
fn resource(namespace: &str, given: &str) -> Result<String, Failure> {
    match given {
        _ if given.starts_with("namespaces/") => Ok(given.to_owned()),
        _ if given.contains('/') => name::version_in_one(namespace, given),
        _ => name::model(namespace, given),
    }
}

/// Size and root of the namespace's log.
pub async fn head(session: &Session) -> Result<AuditHead, Failure> {
    let request = GetAuditHeadRequest { parent: session.namespace().to_owned() };
    session.call(request, async |r| session.audit().get_audit_head(r).await).await
}

/// Shows how long the log is, and its fingerprint.
pub async fn show_head(session: &Session) -> Result<(), Failure> {
    let head = head(session).await?;
    session.output().resource(&head, &head_facts(&head))
}

/// Follows the log.
pub async fn tail(session: &Session, args: TailArgs) -> Result<(), Failure> {
    let start = start(session, &args).await?;
    let request = SubscribeAuditEventsRequest {
        parent: session.namespace().to_owned(),
        start: Some(start),
        stop: args.until.map(Stop::StopPosition),
        filter: args.filter.filter(session.namespace())?,
        ..SubscribeAuditEventsRequest::default()
    };
    if args.until.is_none() && !session.output().is_json() {
        note("Following the changes; stop with Ctrl-C.");
    }
    let token_file = args.token_file.as_deref();
    follow(session, request, |news| {
        if let News::Batch(batch) = news {
            print(session, &batch.events)?;
        }
        token_file.map_or(Ok(()), |path| write_token(path, news.resume_token()))
    })
    .await
}

/// Where the stream begins. "Latest" becomes the token of the present head, so
/// that an interruption before the first message loses nothing.
async fn start(session: &Session, args: &TailArgs) -> Result<Start, Failure> {
    let kept = args.token_file.as_deref().map(read_token).transpose()?.flatten();
    if let Some(token) = kept.or_else(|| args.resume.clone()) {
        return Ok(Start::ResumeToken(token));
    }
    let from = args.from.clone().unwrap_or(match args.until {
        Some(_) => From::Earliest,
        None => From::Latest,
    });
    Ok(match from {
        From::Earliest => Start::StartPoint(StartPoint::Earliest.into()),
        From::Latest => Start::ResumeToken(head(session).await?.resume_token),
        From::At(At::Time(time)) => Start::StartTime(time),
        From::At(At::Position(position)) => Start::StartPosition(position),
    })
}

/// Prints events, a line each.
pub fn print(session: &Session, events: &[AuditEvent]) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for event in events {
        if session.output().is_json() {
            lines.extend_from_slice(&event.leaf);
        } else {
            lines.extend_from_slice(event_line(event).as_bytes());
        }
        lines.push(b'\n');
    }
    write_bytes(&lines)
}

/// The token that a preceding run left, if there is one.
fn read_token(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", path, error)),
    }
}

fn write_token(path: &Path, token: &str) -> Result<(), Failure> {
    write_whole(path, format!("{token}\n").as_bytes())
}

/// Lists events of the past.
pub async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let filter = args.filter.filter(session.namespace())?;
    let order_by = if args.newest_first { "position desc" } else { "" };
    let fetch = async |page_size, page_token| {
        let request = ListAuditEventsRequest {
            parent: session.namespace().to_owned(),
            page_size,
            page_token,
            filter: filter.clone(),
            start_time: args.from,
            end_time: args.to,
            order_by: order_by.to_owned(),
        };
        let answer = session.call(request, async |r| session.audit().list_audit_events(r).await).await?;
        Ok((answer.audit_events, answer.next_page_token))
    };
    let (audit_events, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListAuditEventsResponse { audit_events, next_page_token };
    let table = table(&answer.audit_events);
    session.output().list(&answer, &table, "There is no such event.", &answer.next_page_token)
}

fn head_facts(head: &AuditHead) -> Facts {
    Facts::new()
        .add("Events", head.size.to_string())
        .add("Newest", time(head.time))
        .add("Root", hex::encode(&head.root_hash))
        .add("Log", &head.log_id)
        .add("Epoch", head.epoch.to_string())
        .add("Resume token", &head.resume_token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_filter_takes_short_words_for_types_and_resources() {
        let flags = FilterFlags {
            types: vec!["AliasSet".into(), "other.v1.Thing".into()],
            resources: vec!["m".into(), "m/2".into(), "namespaces/n/models/x/aliases/y".into()],
            actors: vec!["ada".into()],
        };
        let filter = flags.filter("namespaces/n").unwrap().unwrap();
        assert_eq!(filter.types, ["steward.v1.AliasSet", "other.v1.Thing"]);
        assert_eq!(
            filter.resource_prefixes,
            ["namespaces/n/models/m", "namespaces/n/models/m/versions/2", "namespaces/n/models/x/aliases/y"]
        );
        assert_eq!(FilterFlags::default().filter("namespaces/n").unwrap(), None);
    }

    #[test]
    fn a_token_file_gives_back_what_was_written_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("follower.token");
        assert_eq!(read_token(&path).unwrap(), None);
        write_token(&path, "one").unwrap();
        write_token(&path, "two").unwrap();
        assert_eq!(read_token(&path).unwrap(), Some("two".to_owned()));
    }

    #[test]
    fn a_tail_begins_at_an_end_a_time_or_a_position() {
        assert_eq!(parse_from("earliest"), Ok(From::Earliest));
        assert_eq!(parse_from("#5"), Ok(From::At(At::Position(5))));
        assert!(matches!(parse_from("2026-01-01"), Ok(From::At(At::Time(_)))));
        assert!(parse_from("never").is_err());
    }
}
