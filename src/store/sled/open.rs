//! Opening a store: every way in which that can fail, in words that help.

use super::SledOptions;
use super::disk::{DATABASE, Disk};
use super::fault::{Fault, guarded};
use super::journal;
use super::leftover;
use super::stall::Watch;
use crate::store::engine::Head;
use crate::store::watermark::{self, Watermark, Writer};
use crate::store::{directory, head};
use ::sled::{Config, Db, Mode};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the store in {} is in use by another process; stop that one first", dir.display())]
    InUse {
        /// Directory of the store.
        dir: PathBuf,
    },
    /// What is on disk cannot be right.
    #[error(
        "the store in {} is damaged: {cause}. Restore the newest backup, or rebuild the store from an \
         export with `steward rebuild`",
        dir.display()
    )]
    Damaged {
        /// Directory of the store.
        dir: PathBuf,
        /// What was found.
        cause: String,
    },
    /// The store is older than what was acknowledged.
    #[error(
        "the store in {} is older than what was already acknowledged ({}): log {log:?}: {what}. Restore the \
         newest backup, or rebuild the store from an export with `steward rebuild`. If what is missing is lost \
         for good, `steward audit new-epoch --namespace {log}` gives it up, on record",
        dir.display(),
        watermark.display()
    )]
    WentBack {
        /// Directory of the store.
        dir: PathBuf,
        /// The note that tells so.
        watermark: PathBuf,
        /// The first log that is behind.
        log: String,
        /// What is missing from it.
        what: String,
    },
    /// The note that tells whether the store went back cannot be read.
    #[error(
        "{} cannot be read: {source}. It tells whether the store lost something that was acknowledged; if \
         you are sure that it did not, remove the file, and it is written anew",
        path.display()
    )]
    Watermark {
        /// The file.
        path: PathBuf,
        /// What the system or the JSON reader says.
        source: io::Error,
    },
    /// The file system does not let us.
    #[error("the store in {} cannot be opened: {source}", dir.display())]
    Io {
        /// Directory of the store.
        dir: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// How sled says that it did not get its lock; it has no error of its own for
/// that.
const LOCK_REFUSED: &str = "could not acquire lock";
/// sled writes its file in segments of this size, and a tree node of more than
/// a quarter of it to a file of its own, a blob. A node holds 16 pairs or so: at
/// sled's own 512 KiB, values of 8 KiB would make blobs, each a file to make, to
/// sync and to lose. At this size it takes more than 60 KiB. A store cannot be opened with
/// any other size than it was made with: never change this.
pub(super) const SEGMENT_BYTES: usize = 4 << 20;
/// A store that is opened only to be closed again needs no cache to speak of.
const SEALING: SledOptions = SledOptions { cache_bytes: 8 << 20 };
/// How long sled may take to let its lock go.
const RELEASE: Duration = Duration::from_secs(2);

/// All that an engine is made of.
pub(super) struct Opened {
    pub(super) db: Db,
    pub(super) disk: Disk,
    pub(super) heads: HashMap<String, Head>,
    pub(super) watermark: Writer,
    pub(super) watch: Watch,
}

/// Opens the store in this directory and checks it against its watermark.
pub(super) fn open(dir: &Path, watermark_dir: &Path, options: SledOptions) -> Result<Opened, OpenError> {
    open_checked(dir, watermark_dir, options, |db| check(dir, watermark_dir, db))
}

/// Opens a store that may be older than its watermark, which stays as it is until a log grows.
pub(super) fn open_after_loss(
    dir: &Path,
    watermark_dir: &Path,
    options: SledOptions,
) -> Result<Opened, OpenError> {
    open_checked(dir, watermark_dir, options, |db| {
        let heads = heads(db).map_err(|cause| OpenError::Damaged { dir: dir.to_owned(), cause })?;
        let noted = noted(dir, watermark_dir)?.unwrap_or_else(|| Watermark::of(&heads));
        Ok((heads, noted, true))
    })
}

/// What is noted of a store: in the directory of the watermark, or else where it was before.
pub(super) fn noted(dir: &Path, watermark_dir: &Path) -> Result<Option<Watermark>, OpenError> {
    for note_dir in [watermark_dir, dir] {
        let path = note_dir.join(watermark::FILE_NAME);
        match Watermark::read(note_dir) {
            Ok(None) => {}
            Ok(noted) => return Ok(noted),
            Err(source) => return Err(OpenError::Watermark { path, source }),
        }
    }
    Ok(None)
}

/// The heads of the logs, the watermark to go on with, and whether that is on disk already.
type Checked = (HashMap<String, Head>, Watermark, bool);

fn open_checked(
    dir: &Path,
    watermark_dir: &Path,
    options: SledOptions,
    check: impl FnOnce(&Db) -> Result<Checked, OpenError>,
) -> Result<Opened, OpenError> {
    let io = |source| OpenError::Io { dir: dir.to_owned(), source };
    let elsewhere = |source| OpenError::Io { dir: watermark_dir.to_owned(), source };
    directory::create(dir).map_err(io)?;
    directory::create(watermark_dir).map_err(elsewhere)?;
    leftover::discard(dir).map_err(io)?;
    let db = open_tree(dir, options)?;
    let disk = Disk::open(dir).map_err(io)?;
    match check(&db) {
        Ok((heads, watermark, written)) => {
            let watermark = Writer::start(watermark_dir, watermark, written).map_err(io)?;
            let watch = Watch::start(db.clone()).map_err(io)?;
            Ok(Opened { db, disk, heads, watermark, watch })
        }
        Err(refused) => {
            release(db, &disk);
            Err(refused)
        }
    }
}

/// How sled is set up, each time the same.
pub(super) fn config(dir: &Path, options: SledOptions) -> Config {
    Config::new()
        .path(dir)
        .mode(Mode::HighThroughput)
        .cache_capacity(options.cache_bytes)
        .segment_size(SEGMENT_BYTES)
        // Nothing is flushed behind the engine's back: it decides what is durable.
        .flush_every_ms(None)
}

fn open_tree(dir: &Path, options: SledOptions) -> Result<Db, OpenError> {
    let config = config(dir, options);
    let dir = dir.to_owned();
    match check_journal(&dir).and_then(|()| guarded(|| config.open())) {
        Ok(db) => Ok(db),
        Err(Fault::Io(source)) if source.to_string().starts_with(LOCK_REFUSED) => {
            Err(OpenError::InUse { dir })
        }
        Err(Fault::Io(source)) => Err(OpenError::Io { dir, source }),
        Err(fault) => Err(OpenError::Damaged { dir, cause: fault.to_string() }),
    }
}

/// Checks sled's file before sled replays it, if there is one and nobody uses it.
fn check_journal(dir: &Path) -> Result<(), Fault> {
    match File::open(dir.join(DATABASE)) {
        Ok(file) if file.try_lock().is_ok() => {
            let checked = journal::check(dir, &file);
            // Closing is not enough: a child that is being forked has the file, too.
            file.unlock().map_err(Fault::Io)?;
            checked
        }
        // sled will say it.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::Io(error)),
    }
}

/// Reads the heads and holds them against the watermark; tells also whether
/// the watermark on disk is up to date.
fn check(dir: &Path, watermark_dir: &Path, db: &Db) -> Result<Checked, OpenError> {
    let damaged = |cause| OpenError::Damaged { dir: dir.to_owned(), cause };
    let heads = heads(db).map_err(damaged)?;
    let mut written = false;
    // What was noted beside the store before it was noted elsewhere still holds.
    for note_dir in [watermark_dir, dir] {
        let path = note_dir.join(watermark::FILE_NAME);
        let noted = match Watermark::read(note_dir) {
            Ok(Some(noted)) => noted,
            Ok(None) => continue,
            Err(source) => return Err(OpenError::Watermark { path, source }),
        };
        if let Some(behind) = noted.ahead_of(&heads) {
            let (dir, log, what) = (dir.to_owned(), behind.log, behind.what);
            return Err(OpenError::WentBack { dir, watermark: path, log, what });
        }
        written |= note_dir == watermark_dir && noted == Watermark::of(&heads);
    }
    let watermark = Watermark::of(&heads);
    Ok((heads, watermark, written))
}

fn heads(db: &Db) -> Result<HashMap<String, Head>, String> {
    let stored: Vec<_> =
        guarded(|| db.scan_prefix(head::prefix()).collect()).map_err(|fault| fault.to_string())?;
    let decode = |(key, value): &(::sled::IVec, ::sled::IVec)| {
        Ok((head::log_of(key)?.to_owned(), head::decode(value)?))
    };
    stored.iter().map(decode).collect::<Result<_, head::HeadError>>().map_err(|error| error.to_string())
}

/// Has sled write a snapshot of a store that was given back, which it does only
/// when it opens one. Later damage is noticed wherever it is read, and the next
/// server has nothing to replay.
pub(super) fn seal(disk: &Disk) {
    match guarded(|| config(disk.dir(), SEALING).open()) {
        Ok(db) => release(db, disk),
        // Nothing is lost: the next server replays what was logged.
        Err(fault) => tracing::warn!(%fault, "the store was closed without a snapshot"),
    }
}

/// Gives the store back, so that it can be opened again at once.
#[expect(
    clippy::disallowed_methods,
    reason = "waits for threads of sled, on a blocking thread, when the store is closed"
)]
pub(super) fn release(db: Db, disk: &Disk) {
    // sled writes when its last handle goes, and panics where it cannot.
    let dropping = || {
        drop(db);
        Ok(())
    };
    if let Err(fault) = guarded(dropping) {
        tracing::error!(%fault, "the store was not closed cleanly");
    }
    let deadline = Instant::now() + RELEASE;
    while !disk.is_released() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}
