//! What sled leaves to its user: bringing its files to the disk.
//!
//! sled 0.34 keeps everything in one file, `db`, and flushes it on Linux with
//! `sync_file_range`, which empties no cache of the device and writes no
//! metadata. Tree nodes of more than 1 MiB (a quarter of a segment, see
//! `open.rs`) go to a file each under `blobs`, which sled does not sync at all.
//! So each commit ends with a sync of its own, of `db` and of new blobs.

use crate::store::directory;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Name of sled's file in the directory of the store.
pub(super) const DATABASE: &str = "db";
/// Name of sled's file with its settings, written once when a store is made.
const SETTINGS: &str = "conf";
/// Name of sled's directory for large nodes.
const BLOBS: &str = "blobs";
/// A directory may change again without its time changing, as long as that
/// time is not this far back: file systems tell time in ticks of milliseconds.
const TICK: Duration = Duration::from_secs(1);

/// Makes the content of a file durable.
pub(super) type Barrier = Box<dyn Fn(&File) -> io::Result<()> + Send>;

/// The files of an open store.
pub(super) struct Disk {
    dir: PathBuf,
    file: File,
    blobs: PathBuf,
    /// Blobs that are durable.
    synced: HashSet<OsString>,
    /// Time of the blob directory at which nothing was missing in `synced`.
    settled: Option<SystemTime>,
    /// Tests put a failing one here.
    pub(super) barrier: Barrier,
}

impl Disk {
    /// The files of the store in this directory, brought to the disk: what is
    /// found at opening may have been written by a process that was killed
    /// before its own sync.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let mut disk = Disk {
            dir: dir.to_owned(),
            // Some systems sync only what is open for writing.
            file: File::options().read(true).write(true).open(dir.join(DATABASE))?,
            blobs: dir.join(BLOBS),
            synced: HashSet::new(),
            settled: None,
            barrier: Box::new(File::sync_data),
        };
        disk.sync()?;
        // sled leaves its settings to chance.
        (disk.barrier)(&File::options().write(true).open(dir.join(SETTINGS))?)?;
        directory::sync(dir)?;
        Ok(disk)
    }

    /// The directory of the store.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes everything durable that sled has written.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        (self.barrier)(&self.file)?;
        self.sync_blobs()
    }

    /// Makes new blobs durable; one `stat` where there are none.
    #[expect(
        clippy::disallowed_methods,
        reason = "compared with a time that the file system gave, not with the log's"
    )]
    pub(super) fn sync_blobs(&mut self) -> io::Result<()> {
        let now = SystemTime::now();
        let changed = fs::metadata(&self.blobs)?.modified()?;
        if self.settled == Some(changed) {
            return Ok(());
        }
        let mut present = HashSet::new();
        let mut any_new = false;
        for entry in fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let name = entry.file_name();
            if !self.synced.contains(&name) {
                match File::options().write(true).open(entry.path()) {
                    Ok(file) => (self.barrier)(&file)?,
                    // sled removes a blob as soon as nothing points to it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
                any_new = true;
            }
            present.insert(name);
        }
        if any_new {
            directory::sync(&self.blobs)?;
        }
        self.synced = present;
        let quiet = now.duration_since(changed).is_ok_and(|quiet| quiet > TICK);
        self.settled = quiet.then_some(changed);
        Ok(())
    }

    /// Whether nobody holds sled's lock on its file. sled's own threads may
    /// hold it for a moment after its last handle is gone.
    pub(super) fn is_released(&self) -> bool {
        self.file.try_lock().is_ok_and(|()| self.file.unlock().is_ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn each_new_blob_is_synced_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(DATABASE), "").unwrap();
        fs::write(dir.path().join(SETTINGS), "").unwrap();
        fs::create_dir(dir.path().join(BLOBS)).unwrap();
        let mut disk = Disk::open(dir.path()).unwrap();
        let syncs = Arc::new(AtomicUsize::new(0));
        disk.barrier = Box::new({
            let syncs = Arc::clone(&syncs);
            move |_| {
                syncs.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        });
        for (blob, expected) in [("1", 1), ("2", 2)] {
            fs::write(dir.path().join(BLOBS).join(blob), "content").unwrap();
            disk.sync_blobs().unwrap();
            disk.sync_blobs().unwrap();
            assert_eq!(syncs.load(Ordering::Relaxed), expected);
        }
        fs::remove_file(dir.path().join(BLOBS).join("1")).unwrap();
        disk.sync_blobs().unwrap();
        assert_eq!(disk.synced, HashSet::from(["2".into()]));
    }
}
