//! What a process left that was killed while sled wrote it, and which sled
//! would refuse to open for good.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Name of sled's database.
const DATABASE: &str = "db";
/// Name of sled's settings. It writes them in two steps before it makes its
/// database, and does not read what a kill between the two leaves.
const SETTINGS: &str = "conf";
/// How names of snapshots end that sled has not written to their end. A snapshot
/// only shortens the next opening, but sled takes the half of one for damage.
const UNFINISHED: &[u8] = b".generating";

/// Removes unfinished snapshots, and the settings of a store that holds nothing.
pub(super) fn discard(dir: &Path) -> io::Result<()> {
    let database = match File::open(dir.join(DATABASE)) {
        // Somebody is at it; sled will say so.
        Ok(database) if database.try_lock().is_err() => return Ok(()),
        Ok(database) => database,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return remove(dir, true),
        Err(error) => return Err(error),
    };
    let removed = database.metadata().and_then(|data| remove(dir, data.len() == 0));
    // Closing is not enough: a child that is being forked has the file, too.
    database.unlock()?;
    removed
}

fn remove(dir: &Path, is_empty: bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if (is_empty && name == SETTINGS) || name.as_encoded_bytes().ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_sled_did_not_finish_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let names = || {
            let entries = fs::read_dir(dir.path()).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<HashSet<_>>()
        };
        for name in [SETTINGS, "snap.01", "snap.02.generating"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::write(dir.path().join(DATABASE), "data").unwrap();
        let other = File::open(dir.path().join(DATABASE)).unwrap();
        other.lock().unwrap();
        discard(dir.path()).unwrap();
        assert_eq!(names().len(), 4, "a store in use is left alone");
        drop(other);
        discard(dir.path()).unwrap();
        assert_eq!(names(), [DATABASE, SETTINGS, "snap.01"].map(str::to_owned).into());
        fs::write(dir.path().join(DATABASE), "").unwrap();
        discard(dir.path()).unwrap();
        assert_eq!(names(), [DATABASE, "snap.01"].map(str::to_owned).into());
    }
}
