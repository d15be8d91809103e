//! Directories that are still there after a power failure.

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;

/// Makes a directory, and those above it, unless it is there. Only the owner
/// may enter what is made here.
///
/// # Errors
/// Those of the file system.
pub fn create(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent(dir);
    create(parent)?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !dir.is_dir() => Err(error),
        _ => sync(parent),
    }
}

/// Renames a directory to one that does not exist or is empty, durably.
///
/// # Errors
/// Those of the file system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    if to.is_dir() {
        std::fs::remove_dir(to)?;
    }
    std::fs::rename(from, to)?;
    sync(parent(to))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a directory durable: files that were made, renamed or
/// removed stay so. The content of the files is their own affair.
///
/// # Errors
/// Those of the file system.
pub fn sync(dir: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened, and renames are journalled.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_new_directory_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("above/store");
        create(&dir).unwrap();
        create(&dir).unwrap();
        assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_takes_the_place_of_an_empty_one_only() {
        let temp = tempfile::tempdir().unwrap();
        let (from, to) = (temp.path().join("from"), temp.path().join("to"));
        create(&from).unwrap();
        create(&to.join("below")).unwrap();
        assert!(rename(&from, &to).is_err());
        std::fs::remove_dir(to.join("below")).unwrap();
        rename(&from, &to).unwrap();
        assert!(to.is_dir() && !from.exists());
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        std::fs::write(&file, "in the way").unwrap();
        assert!(create(&file).is_err());
        assert!(create(&file.join("below")).is_err());
    }
}
