//! What is kept beside the store and not in it: the secret keys that sign a log, the newest
//! checkpoint that was given out of it, and what its witnesses said. None of it may come back older
//! with a restored backup, and the keys are nothing that an export or a copy of the store should hold.
//!
//! ```text
//! <keys>/<origin>/<key id>.key     32 bytes in hexadecimal, readable by their owner only
//! <published>/<log>.checkpoint     the signed note, as it was given out
//! <published>/<log>.cosigned       the newest one that enough witnesses have cosigned
//! <published>/<log>.dispute        what a witness said that knows another history of the log
//! ```
//!
//! An origin's `:` and `/` are `_` in the name of its directory.

use super::directory;
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// 32 secret bytes.
pub type Seed = [u8; 32];

/// What is kept of a log besides its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// The newest checkpoint that was given out.
    Published,
    /// The newest checkpoint that enough witnesses have cosigned.
    Cosigned,
    /// That a witness knows another history.
    Dispute,
}

impl Kept {
    /// The name of its file.
    pub fn file_name(self, log: &str) -> String {
        match self {
            Kept::Published => format!("{log}.checkpoint"),
            Kept::Cosigned => format!("{log}.cosigned"),
            Kept::Dispute => format!("{log}.dispute"),
        }
    }
}

/// Keeps keys and checkpoints. Its calls block.
#[derive(Clone, Debug)]
pub struct Beside(Place);

#[derive(Clone, Debug)]
enum Place {
    Disk { keys: PathBuf, published: PathBuf },
    Memory(Arc<Mutex<Memory>>),
}

#[derive(Default)]
struct Memory {
    seeds: BTreeMap<(String, String), Seed>,
    kept: BTreeMap<(Kept, String), Vec<u8>>,
}

/// Says nothing of what it holds.
impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.seeds.len())
    }
}

impl Beside {
    /// On disk: keys in one directory, published checkpoints in another.
    pub fn on_disk(keys: &Path, published: &Path) -> Self {
        Beside(Place::Disk { keys: keys.to_owned(), published: published.to_owned() })
    }

    /// As long as the process.
    pub fn in_memory() -> Self {
        Beside(Place::Memory(Arc::default()))
    }

    /// The secrets of an origin by the ids of their keys.
    ///
    /// # Errors
    /// Those of the file system; a file that holds no key.
    pub fn seeds(&self, origin: &str) -> io::Result<BTreeMap<String, Seed>> {
        match &self.0 {
            Place::Memory(memory) => {
                let memory = lock(memory);
                let of_origin = memory.seeds.iter().filter(|((of, _), _)| of == origin);
                Ok(of_origin.map(|((_, id), seed)| (id.clone(), *seed)).collect())
            }
            Place::Disk { keys, .. } => read_seeds(&keys.join(file_name(origin))),
        }
    }

    /// Keeps a secret, durably, before anything is signed with it.
    ///
    /// # Errors
    /// Those of the file system; a key of this id that is there already.
    pub fn add_seed(&self, origin: &str, id: &str, seed: &Seed) -> io::Result<()> {
        match &self.0 {
            Place::Memory(memory) => {
                lock(memory).seeds.insert((origin.to_owned(), id.to_owned()), *seed);
                Ok(())
            }
            Place::Disk { keys, .. } => {
                let dir = keys.join(file_name(origin));
                directory::create(&dir)?;
                write_secret(&dir.join(format!("{id}.key")), seed)?;
                directory::sync(&dir)
            }
        }
    }

    /// Forgets a secret that was never used.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove_seed(&self, origin: &str, id: &str) -> io::Result<()> {
        match &self.0 {
            Place::Memory(memory) => {
                lock(memory).seeds.remove(&(origin.to_owned(), id.to_owned()));
                Ok(())
            }
            Place::Disk { keys, .. } => {
                fs::remove_file(keys.join(file_name(origin)).join(format!("{id}.key")))
            }
        }
    }

    /// What is kept of a log.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn kept(&self, what: Kept, log: &str) -> io::Result<Option<Vec<u8>>> {
        match &self.0 {
            Place::Memory(memory) => Ok(lock(memory).kept.get(&(what, log.to_owned())).cloned()),
            Place::Disk { published, .. } => match fs::read(published.join(what.file_name(log))) {
                Ok(content) => Ok(Some(content)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Keeps it, durably, before it is given out.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, what: Kept, log: &str, content: &[u8]) -> io::Result<()> {
        match &self.0 {
            Place::Memory(memory) => {
                lock(memory).kept.insert((what, log.to_owned()), content.to_owned());
                Ok(())
            }
            Place::Disk { published, .. } => {
                let name = what.file_name(log);
                let new = published.join(format!("{name}.new"));
                let mut file = File::create(&new)?;
                file.write_all(content)?;
                file.sync_all()?;
                fs::rename(&new, published.join(name))?;
                directory::sync(published)
            }
        }
    }

    /// Keeps it no longer.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn discard(&self, what: Kept, log: &str) -> io::Result<()> {
        match &self.0 {
            Place::Memory(memory) => {
                lock(memory).kept.remove(&(what, log.to_owned()));
                Ok(())
            }
            Place::Disk { published, .. } => match fs::remove_file(published.join(what.file_name(log))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => directory::sync(published),
            },
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn file_name(origin: &str) -> String {
    origin.replace([':', '/'], "_")
}

fn read_seeds(dir: &Path) -> io::Result<BTreeMap<String, Seed>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut seeds = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        let id = path.file_stem().filter(|_| path.extension().is_some_and(|end| end == "key"));
        if let Some(id) = id.and_then(|id| id.to_str()) {
            match read_secret(&path) {
                // A key that was never used was forgotten meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => drop(seeds.insert(id.to_owned(), read?)),
            }
        }
    }
    Ok(seeds)
}

fn read_secret(path: &Path) -> io::Result<Seed> {
    let mut seed = Seed::default();
    let text = fs::read_to_string(path)?;
    hex::decode_to_slice(text.trim_end(), &mut seed).map_err(|_| {
        let sentence = format!("{} has to hold 64 hexadecimal digits: restore the file", path.display());
        io::Error::new(io::ErrorKind::InvalidData, sentence)
    })?;
    Ok(seed)
}

/// The file appears whole or not at all, and nobody else may ever read it.
fn write_secret(path: &Path, seed: &Seed) -> io::Result<()> {
    if path.exists() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there already", path.display()),
        ));
    }
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    writeln!(file, "{}", hex::encode(seed))?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn both() -> (tempfile::TempDir, [Beside; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Beside::on_disk(&dir.path().join("keys"), dir.path());
        (dir, [disk, Beside::in_memory()])
    }

    #[test]
    fn keys_are_kept_by_origin_and_id() {
        let (_dir, both) = both();
        for beside in both {
            assert!(beside.seeds("steward:logs/01").unwrap().is_empty());
            beside.add_seed("steward:logs/01", "aa", &[1; 32]).unwrap();
            beside.add_seed("steward:logs/01", "bb", &[2; 32]).unwrap();
            beside.add_seed("steward:logs/01/epochs/1", "cc", &[3; 32]).unwrap();
            let expected = [("aa".to_owned(), [1; 32]), ("bb".to_owned(), [2; 32])];
            assert_eq!(beside.seeds("steward:logs/01").unwrap(), expected.into());
            beside.remove_seed("steward:logs/01", "aa").unwrap();
            assert_eq!(beside.seeds("steward:logs/01").unwrap().len(), 1);
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_key_is_for_its_owner_only_and_is_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, [beside, _]) = both();
        beside.add_seed("log", "aa", &[1; 32]).unwrap();
        assert!(beside.add_seed("log", "aa", &[2; 32]).is_err());
        assert_eq!(beside.seeds("log").unwrap()["aa"], [1; 32]);
        let file = dir.path().join("keys/log/aa.key");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "spoilt").unwrap();
        assert!(beside.seeds("log").unwrap_err().to_string().contains("aa.key has to hold 64"));
    }

    #[test]
    fn what_is_kept_of_a_log_is_the_newest_of_its_kind() {
        let (_dir, both) = both();
        for beside in both {
            assert_eq!(beside.kept(Kept::Published, "default").unwrap(), None);
            beside.keep(Kept::Published, "default", b"one").unwrap();
            beside.keep(Kept::Published, "default", b"two").unwrap();
            assert_eq!(beside.kept(Kept::Published, "default").unwrap(), Some(b"two".to_vec()));
            assert_eq!(beside.kept(Kept::Published, "other").unwrap(), None);
            assert_eq!(beside.kept(Kept::Cosigned, "default").unwrap(), None);
            beside.keep(Kept::Dispute, "default", b"no").unwrap();
            beside.discard(Kept::Dispute, "default").unwrap();
            beside.discard(Kept::Dispute, "default").unwrap();
            assert_eq!(beside.kept(Kept::Dispute, "default").unwrap(), None);
        }
    }
}
