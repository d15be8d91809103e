//! Files: read whole, and written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write},
    path::{Path, PathBuf},
};

use super::error::Failure;

/// The content of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map_err(|error| Failure::file("read", path, error))?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))
}

/// A new content for a file: written beside it, synced, then renamed over it.
/// Dropped without [`Replacement::commit`], it leaves the file as it was.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    temporary: PathBuf,
    writer: BufWriter<File>,
    committed: bool,
}

impl Replacement {
    /// Begins a new content for `target`; its directory has to exist.
    pub fn begin(target: &Path) -> io::Result<Self> {
        Self::begin_with(target, File::options().create(true).truncate(true))
    }

    /// The same, for what nobody else on the machine may read.
    pub fn begin_private(target: &Path) -> io::Result<Self> {
        let mut options = File::options();
        // A file that is there already would keep its mode.
        options.create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::begin_with(target, &mut options)
    }

    fn begin_with(target: &Path, options: &mut fs::OpenOptions) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        let mut temporary_name = name.to_owned();
        // The process id keeps two writers of one target apart.
        temporary_name.push(format!(".{}.tmp", std::process::id()));
        let temporary = target.with_file_name(temporary_name);
        let writer = BufWriter::new(options.write(true).open(&temporary)?);
        Ok(Replacement { target: target.to_owned(), temporary, writer, committed: false })
    }

    /// Makes the new content durable and puts it in place.
    pub fn commit(mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        self.committed = true;
        sync_directory(&self.target)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Replaces the content of a file, whole or not at all.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = Replacement::begin(path)?;
    file.write_all(content)?;
    file.commit()
}

/// The same, for a command whose failure it is.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), Failure> {
    replace(path, content).map_err(|error| Failure::file("write", path, error))
}

/// Makes the rename itself durable, where directories can be opened.
fn sync_directory(target: &Path) -> io::Result<()> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_replacement_that_is_given_up_leaves_the_file_and_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("export.jsonl");
        fs::write(&target, "old").unwrap();
        let mut replacement = Replacement::begin(&target).unwrap();
        replacement.write_all(b"half").unwrap();
        drop(replacement);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_committed_replacement_is_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("token");
        let mut replacement = Replacement::begin(&target).unwrap();
        replacement.write_all(b"new").unwrap();
        replacement.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
