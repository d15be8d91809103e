//! Where a log is read from.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use reqwest::StatusCode;

use super::super::{
    checkpoint,
    client::Session,
    error::Failure,
    follow::{News, follow},
};
use crate::{
    audit::{
        checkpoint::SignedCheckpoint,
        tile::{Kind, Tile, Whole, WholeError},
    },
    proto::v1::{
        SubscribeAuditEventsRequest,
        subscribe_audit_events_request::{Start, Stop},
    },
};

/// Events that are read at once.
const PAGE: usize = 1_000;
/// Events of a server that are asked for at once.
const STRETCH: u64 = 5_000;
/// No file of a log is longer: 256 leaves of 65,535 bytes, each with its length.
const MOST_BYTES: u64 = 256 * (65_535 + 2);

/// Where a log is read from.
pub enum Source<'a> {
    /// Static files in a folder.
    Folder(PathBuf),
    /// The same on a web server.
    Web(reqwest::Client, String),
    /// One event a line.
    Export(PathBuf),
    /// The running server.
    Server(&'a Session),
}

impl<'a> Source<'a> {
    /// What somebody means.
    pub fn of(session: &'a Session, given: Option<&str>) -> Result<Self, Failure> {
        let Some(given) = given else { return Ok(Source::Server(session)) };
        if given.starts_with("http://") || given.starts_with("https://") {
            let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60)).build();
            let client = client.map_err(|error| Failure::Contract(format!("{error}.")))?;
            return Ok(Source::Web(client, given.trim_end_matches('/').to_owned()));
        }
        let path = PathBuf::from(given);
        Ok(if path.is_dir() { Source::Folder(path) } else { Source::Export(path) })
    }

    /// Whether it is the running server, which also says what its key is.
    pub fn is_server(&self) -> bool {
        matches!(self, Source::Server(_))
    }

    /// The newest signed checkpoint; an export has none.
    pub async fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, Failure> {
        let note = match self {
            Source::Export(_) => return Ok(None),
            Source::Server(session) => checkpoint::get(session, 0, false).await?.note.into_bytes(),
            Source::Folder(_) | Source::Web(..) => self.file("checkpoint").await?,
        };
        let parsed = SignedCheckpoint::parse(&note);
        parsed.map(Some).map_err(|error| Failure::Unproven(format!("The checkpoint: {error}.")))
    }

    /// All events up to a size, in pages.
    pub fn pages(&self, size: Option<u64>) -> Result<Pages<'_>, Failure> {
        Ok(match self {
            Source::Folder(_) | Source::Web(..) => {
                Pages::Files { source: self, next: 0, size: size.unwrap_or_default() }
            }
            Source::Export(path) => {
                let file = File::open(path).map_err(|error| Failure::file("read", path, error))?;
                Pages::Lines { path, lines: BufReader::new(file) }
            }
            Source::Server(session) => Pages::Events { session, next: 0, size: size.unwrap_or_default() },
        })
    }

    /// A file of the static form.
    async fn file(&self, name: &str) -> Result<Vec<u8>, Failure> {
        match self {
            Source::Folder(dir) => {
                let path = dir.join(name);
                std::fs::read(&path).map_err(|error| missing(name, &error))
            }
            Source::Web(client, url) => fetch(client, &format!("{url}/{name}")).await,
            Source::Export(_) | Source::Server(_) => Err(missing(name, &"there are no files")),
        }
    }

    /// A tile or bundle; where a partial one is not kept any more, the beginning of the full one.
    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, Failure> {
        let found = self.file(&tile.to_string()).await;
        if found.is_ok() || tile.is_full() || tile.kind() == Kind::Entries {
            return found;
        }
        let mut content = self.file(&tile.full().to_string()).await?;
        content.truncate(usize::from(tile.width()) * 32);
        Ok(content)
    }
}

fn missing(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Unproven(format!("The file {name} of the log cannot be read: {error}."))
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, Failure> {
    let broken = |error: reqwest::Error| Failure::Unproven(format!("{url} cannot be read: {error}."));
    let mut response = client.get(url).send().await.map_err(broken)?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Unproven(format!("{url} answers {}.", response.status())));
    }
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        content.extend_from_slice(&chunk);
        if content.len() as u64 > MOST_BYTES {
            return Err(Failure::Unproven(format!("{url} is longer than any file of a log.")));
        }
    }
    Ok(content)
}

/// The events of a log, some at a time.
pub enum Pages<'a> {
    /// Of static files.
    Files {
        /// Whose.
        source: &'a Source<'a>,
        /// Index of the next bundle.
        next: u64,
        /// Events in all.
        size: u64,
    },
    /// Of an export.
    Lines {
        /// Its path.
        path: &'a Path,
        /// What is left of it.
        lines: BufReader<File>,
    },
    /// Of a running server.
    Events {
        /// Whose.
        session: &'a Session,
        /// Position of the next event.
        next: u64,
        /// Events in all.
        size: u64,
    },
}

impl Pages<'_> {
    /// The next events; `None` at the end. Files are held against each other on the way.
    pub async fn next(&mut self, whole: &mut Whole) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        match self {
            Pages::Files { source, next, size } => {
                let Some(bundle) = Tile::in_tree(Kind::Entries, *next, *size) else { return Ok(None) };
                let tile = Tile::in_tree(Kind::Hashes { level: 0 }, *next, *size);
                let tile = tile.ok_or_else(|| missing(&bundle.to_string(), &"it has no tile"))?;
                let (content, beside) = (source.tile(bundle).await?, source.tile(tile).await?);
                let leaves = whole.take(bundle, &content, &beside).map_err(disagree)?;
                *next += 1;
                Ok(Some(leaves.into_iter().map(<[u8]>::to_vec).collect()))
            }
            Pages::Lines { path, lines } => {
                let page: io::Result<Vec<Vec<u8>>> = (&mut *lines).split(b'\n').take(PAGE).collect();
                let page = page.map_err(|error| Failure::file("read", path, error))?;
                Ok(Some(page).filter(|page| !page.is_empty()))
            }
            Pages::Events { next, size, .. } if next == size => Ok(None),
            Pages::Events { session, next, size } => {
                let end = (*next + STRETCH).min(*size);
                let page = stream(session, *next, end - 1).await?;
                *next = end;
                Ok(Some(page))
            }
        }
    }

    /// Holds the rest of the files against the events.
    pub async fn finish(self, whole: Whole) -> Result<(), Failure> {
        match self {
            Pages::Files { source, size, .. } => {
                let mut tiles = std::collections::BTreeMap::new();
                let above = crate::audit::tile::grown(0, size);
                for tile in above.filter(|tile| matches!(tile.kind(), Kind::Hashes { level: 1.. })) {
                    tiles.insert(tile, source.tile(tile).await?);
                }
                whole
                    .finish(|tile| Ok::<_, WholeError>(tiles.remove(&tile).unwrap_or_default()))
                    .map_err(disagree)
            }
            Pages::Lines { .. } | Pages::Events { .. } => Ok(()),
        }
    }
}

fn disagree(error: WholeError) -> Failure {
    Failure::Unproven(match &error {
        WholeError::Leaf { position } => format!("position {position}: {error}."),
        _ => format!("{error}."),
    })
}

/// Some events of a server, by its stream.
async fn stream(session: &Session, first: u64, last: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let request = SubscribeAuditEventsRequest {
        parent: session.namespace().to_owned(),
        start: Some(Start::StartPosition(first)),
        stop: Some(Stop::StopPosition(last)),
        max_batch_size: 1_000,
        ..SubscribeAuditEventsRequest::default()
    };
    let mut leaves = Vec::new();
    follow(session, request, |news| {
        if let News::Batch(batch) = news {
            leaves.extend(batch.events.iter().map(|event| event.leaf.to_vec()));
        }
        Ok(())
    })
    .await?;
    Ok(leaves)
}
