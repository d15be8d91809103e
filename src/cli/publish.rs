//! `steward audit publish`: the log as a folder of static files (C2SP tlog-tiles), which
//! any web server can serve and any verifier can read. Nothing of what the server says is taken
//! on trust: the tiles are made here, of the events, and have to give the root that was
//! signed, as those of the folder have to give the one that was signed before.
//!
//! A file is never changed, and the checkpoint is replaced last. So a run that breaks off
//! leaves a folder that is whole as of its checkpoint, and the next run goes on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    audit_read, checkpoint,
    client::Session,
    error::Failure,
    file::write_whole,
    follow::{News, follow},
    output::note,
};
use crate::{
    audit::{
        checkpoint::SignedCheckpoint,
        key::VerifierKey,
        merkle::Hash,
        node::tree_root,
        proof::ProofError,
        tile::{self, ContentError, FULL, Kind, Tile, TileReader},
    },
    proto::v1::{
        Quorum, SubscribeAuditEventsRequest,
        subscribe_audit_events_request::{Start, Stop},
    },
};

/// Events in a batch of the stream: the most that the contract allows.
const BATCH: i32 = 1_000;
/// The file that is replaced.
const CHECKPOINT: &str = "checkpoint";

/// Arguments of `steward audit publish`.
#[derive(Args, Debug)]
pub struct PublishArgs {
    /// The folder; it is made if it does not exist
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// The log's public key, as `steward audit key` shows it, from somebody you trust; the server's word
    /// when absent. May be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<VerifierKey>,
}

/// What may be wrong with files of a log.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(path, error) => Failure::file("use", &path, error),
            other => Failure::Contract(format!("{other}.")),
        }
    }
}

/// Brings the folder up to the newest checkpoint.
pub async fn run(session: &Session, args: PublishArgs) -> Result<(), Failure> {
    let folder = Folder(args.dir);
    let old = folder.checkpoint()?;
    let mut new = newest(session, &args.keys, true).await?;
    if let Some(old) = old.as_ref().filter(|old| old.checkpoint().size() > new.checkpoint().size()) {
        // The folder may be older than the server's witness policy.
        let signed = newest(session, &args.keys, false).await?;
        if signed.checkpoint().size() >= old.checkpoint().size() {
            folder.may_go_on(old, &signed)?;
            let (there, cosigned) = (old.checkpoint().size(), new.checkpoint().size());
            note(&format!(
                "The folder has {there} events already, and enough witnesses have cosigned {cosigned}."
            ));
            return Ok(());
        }
        new = signed;
    }
    let stated = new.checkpoint();
    let old_size = old.as_ref().map_or(0, |old| old.checkpoint().size());
    if let Some(old) = &old {
        folder.may_go_on(old, &new)?;
    }
    if old_size == stated.size() {
        note(&format!("The folder is up to date: {old_size} events."));
        // Other keys or witnesses may have signed it since.
        return write_whole(&folder.path(CHECKPOINT), new.to_string().as_bytes());
    }
    folder.take_leaves(session, old_size, stated.size()).await?;
    for tile in tile::grown(old_size, stated.size()).filter(|tile| tile.kind() != Kind::Entries) {
        let content = tile::compute(tile, |below| folder.read(below))?;
        folder.write(tile, &content)?;
    }
    let found = folder.root(stated.size())?;
    if found != *stated.root() {
        return Err(Failure::Contract(format!(
            "The events give the root {}, but the checkpoint says {}: nothing was published.",
            hex::encode(found),
            hex::encode(stated.root())
        )));
    }
    write_whole(&folder.path(CHECKPOINT), new.to_string().as_bytes())?;
    note(&format!("Published events {old_size} to {} of {}.", stated.size() - 1, stated.origin()));
    Ok(())
}

/// The newest checkpoint, verified; perhaps that which enough witnesses have cosigned. Where
/// nobody has to cosign, it covers every event that is there by now.
async fn newest(
    session: &Session,
    keys: &[VerifierKey],
    require_quorum: bool,
) -> Result<SignedCheckpoint, Failure> {
    let mut answer = checkpoint::get(session, 0, require_quorum).await?;
    if answer.quorum() == Quorum::NotRequired {
        let head = audit_read::head(session).await?;
        answer = checkpoint::get(session, head.size, require_quorum).await?;
    }
    let wrong =
        |error: &dyn std::fmt::Display| Failure::Contract(format!("The checkpoint is not right: {error}."));
    let signed = SignedCheckpoint::parse(answer.note.as_bytes()).map_err(|error| wrong(&error))?;
    let told: Vec<VerifierKey> = answer.verifier_keys.iter().filter_map(|key| key.parse().ok()).collect();
    let keys = if keys.is_empty() { &told } else { keys };
    signed.verify(keys).map_err(|error| wrong(&error))?;
    Ok(signed)
}

/// The files of a log.
struct Folder(PathBuf);

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What was published last.
    fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, Failure> {
        let path = self.path(CHECKPOINT);
        match fs::read(&path) {
            Ok(note) => SignedCheckpoint::parse(&note)
                .map(Some)
                .map_err(|error| Failure::Contract(format!("{} is no checkpoint: {error}.", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file("read", &path, error)),
        }
    }

    /// A folder holds one history, which only grows.
    fn may_go_on(&self, old: &SignedCheckpoint, new: &SignedCheckpoint) -> Result<(), Failure> {
        let (old, new) = (old.checkpoint(), new.checkpoint());
        let dir = self.0.display();
        if old.origin() != new.origin() {
            return Err(Failure::Contract(format!(
                "{dir} holds the log {}, not {}: use another folder.",
                old.origin(),
                new.origin()
            )));
        }
        if old.size() > new.size() {
            return Err(Failure::Contract(format!(
                "{dir} has {} events, but the server signs {}: its log went back. Keep the folder, it is evidence.",
                old.size(),
                new.size()
            )));
        }
        let found = self.root(old.size())?;
        if found == *old.root() && (old.size() < new.size() || old.root() == new.root()) {
            return Ok(());
        }
        Err(Failure::Contract(format!(
            "{dir} is not what its checkpoint says, or the server's log is another one: keep the folder as it is."
        )))
    }

    fn root(&self, size: u64) -> Result<Hash, FileError> {
        let mut reader = TileReader::new(size, |tile| self.read(tile));
        tree_root(size, |node| reader.hash(node))
    }

    /// Writes the bundles of the events that are new, and of those beside them.
    async fn take_leaves(&self, session: &Session, old: u64, new: u64) -> Result<(), Failure> {
        let width = u64::from(FULL);
        let first = old / width * width;
        let request = SubscribeAuditEventsRequest {
            parent: session.namespace().to_owned(),
            start: Some(Start::StartPosition(first)),
            stop: Some(Stop::StopPosition(new - 1)),
            max_batch_size: BATCH,
            ..SubscribeAuditEventsRequest::default()
        };
        let (mut next, mut waiting) = (first, Vec::new());
        follow(session, request, |news| {
            let News::Batch(batch) = news else { return Ok(()) };
            for event in &batch.events {
                if event.position != next {
                    let sentence = format!("Position {} came where {next} was due.", event.position);
                    return Err(Failure::Contract(sentence));
                }
                waiting.push(event.leaf.clone());
                next += 1;
                if next % width == 0 || next == new {
                    self.write_bundle((next - 1) / width, new, &waiting)?;
                    waiting.clear();
                }
            }
            Ok(())
        })
        .await?;
        match next == new {
            true => Ok(()),
            false => Err(Failure::Contract(format!("{new} events were signed, but {next} came."))),
        }
    }

    fn write_bundle(&self, index: u64, size: u64, leaves: &[bytes::Bytes]) -> Result<(), Failure> {
        let tile = Tile::in_tree(Kind::Entries, index, size);
        let tile = tile.ok_or_else(|| Failure::Contract("More events came than were signed.".to_owned()))?;
        let content = tile::bundle(leaves.iter().map(AsRef::as_ref)).map_err(FileError::from)?;
        Ok(self.write(tile, &content)?)
    }

    /// A tile or bundle; where a partial tile is gone, the beginning of the full one.
    fn read(&self, tile: Tile) -> Result<Vec<u8>, FileError> {
        let path = self.path(&tile.to_string());
        match fs::read(&path) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && !tile.is_full()
                    && tile.kind() != Kind::Entries =>
            {
                let full = self.path(&tile.full().to_string());
                let mut content = fs::read(&full).map_err(|error| FileError::Io(full, error))?;
                content.truncate(usize::from(tile.width()) * size_of::<Hash>());
                Ok(content)
            }
            read => read.map_err(|error| FileError::Io(path, error)),
        }
    }

    fn write(&self, tile: Tile, content: &[u8]) -> Result<(), FileError> {
        let path = self.path(&tile.to_string());
        let broken = |error| FileError::Io(path.clone(), error);
        if fs::read(&path).is_ok_and(|there| there == content) {
            return Ok(());
        }
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(broken)?;
        super::file::replace(&path, content).map_err(broken)
    }
}
