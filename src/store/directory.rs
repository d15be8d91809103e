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
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create(parent)?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !dir.is_dir() => Err(error),
        _ => sync(parent),
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
    fn a_file_in_the_way_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        std::fs::write(&file, "in the way").unwrap();
        assert!(create(&file).is_err());
        assert!(create(&file.join("below")).is_err());
    }
}
