//! `steward rebuild`: a store made from an export, without a server.

use super::{ServerError, Store};
use crate::{
    cli::error::Exit,
    registry::{
        environment::Environment,
        error::Error,
        person::copy::{Heading, Line},
        rebuild::{Rebuild, Rebuilt},
    },
    store::directory,
};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

/// Cache while a store is rebuilt, in bytes.
const CACHE: u64 = 256 << 20;

/// Why there is no new store.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Something is there already.
    #[error(
        "{0} is not empty; rebuild into an empty directory, and remove what is left of an earlier attempt"
    )]
    NotEmpty(PathBuf),
    /// The export cannot be read.
    #[error("the export {0} cannot be read: {1}")]
    Export(PathBuf, io::Error),
    /// A line of the export is wrong.
    #[error("line {0} of the export: {1}")]
    Line(usize, Error),
    /// The copy of the directory of persons cannot be read.
    #[error("the persons in {0} cannot be read: {1}")]
    Persons(PathBuf, io::Error),
    /// A line of the copy of the directory of persons is wrong.
    #[error("line {0} of the persons: {1}")]
    Person(usize, Error),
    /// The export as a whole is wrong.
    #[error("the export: {0}")]
    Whole(Error),
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] ServerError),
    /// The directory cannot be made or moved.
    #[error("{0}: {1}")]
    Directory(PathBuf, io::Error),
}

impl RebuildError {
    /// How the process ends.
    pub fn exit(&self) -> Exit {
        match self {
            RebuildError::Store(_) | RebuildError::Directory(..) => Exit::Internal,
            _ => Exit::BadInput,
        }
    }
}

/// Makes a store in `dir` from the export `from`, `-` for standard input, and from the
/// copy of the directory of persons, if there is one: without it only pseudonyms are
/// known. It is made in a directory of its own beside that one and renamed when it is whole:
/// no server can start on a part of a log.
pub async fn run(dir: &Path, from: &Path, persons: Option<&Path>) -> Result<Rebuilt, RebuildError> {
    let mut partial = dir.to_owned().into_os_string();
    partial.push(".rebuilding");
    let partial = PathBuf::from(partial);
    require_empty(dir)?;
    require_empty(&partial)?;
    let rebuilt = rebuild(&partial, from, persons).await;
    match &rebuilt {
        Ok(_) => directory::rename(&partial, dir)
            .map_err(|error| RebuildError::Directory(dir.to_owned(), error))?,
        // What cannot be removed is named by the next attempt.
        Err(_) => drop(std::fs::remove_dir_all(&partial)),
    }
    rebuilt
}

async fn rebuild(dir: &Path, from: &Path, persons: Option<&Path>) -> Result<Rebuilt, RebuildError> {
    let lines = lines(from)?;
    let persons = persons.map(lines_of_persons).transpose()?;
    let store = Store::open_sled(dir, CACHE).await?;
    let engine = store.engine();
    let environment = Environment::system();
    let rebuilt = add(Rebuild::new(&*engine, &*environment.entropy), lines, from, persons).await;
    drop(engine);
    store.close().await?;
    rebuilt
}

type Lines = Box<dyn Iterator<Item = io::Result<Vec<u8>>>>;

async fn add(
    mut rebuild: Rebuild<'_>,
    lines: Lines,
    from: &Path,
    persons: Option<Persons>,
) -> Result<Rebuilt, RebuildError> {
    for (index, line) in lines.enumerate() {
        let line = line.map_err(|error| RebuildError::Export(from.to_owned(), error))?;
        rebuild.add(line.into()).await.map_err(|error| RebuildError::Line(index + 1, error))?;
    }
    if let Some(persons) = persons {
        add_persons(&mut rebuild, persons).await?;
    }
    rebuild.finish().await.map_err(RebuildError::Whole)
}

/// The copy of a directory of persons: its heading and its other lines.
struct Persons {
    heading: Heading,
    lines: Vec<Line>,
}

async fn add_persons(rebuild: &mut Rebuild<'_>, persons: Persons) -> Result<(), RebuildError> {
    let wrong = |line: usize| move |error| RebuildError::Person(line, error);
    let mut directory = rebuild.persons(&persons.heading).await.map_err(wrong(1))?;
    for (index, line) in persons.lines.into_iter().enumerate() {
        directory.add(line).await.map_err(wrong(index + 2))?;
    }
    Ok(())
}

fn lines_of_persons(from: &Path) -> Result<Persons, RebuildError> {
    let text =
        std::fs::read_to_string(from).map_err(|error| RebuildError::Persons(from.to_owned(), error))?;
    let wrong = |line: usize| move |error: serde_json::Error| RebuildError::Person(line, error.into());
    let (heading, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let heading = serde_json::from_str(heading).map_err(wrong(1))?;
    let read = |(index, line)| serde_json::from_str(line).map_err(wrong(index + 2));
    Ok(Persons { heading, lines: rest.lines().enumerate().map(read).collect::<Result<_, _>>()? })
}

/// The lines of an export, as bytes: a leaf is hashed as it is.
fn lines(from: &Path) -> Result<Lines, RebuildError> {
    if from == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin()).split(b'\n')));
    }
    let file = File::open(from).map_err(|error| RebuildError::Export(from.to_owned(), error))?;
    Ok(Box::new(BufReader::new(file).split(b'\n')))
}

fn require_empty(dir: &Path) -> Result<(), RebuildError> {
    match std::fs::read_dir(dir).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => Err(RebuildError::NotEmpty(dir.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(RebuildError::Directory(dir.to_owned(), error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_rebuild_that_fails_leaves_nothing_behind() {
        let temp = tempfile::tempdir().unwrap();
        let (export, dir) = (temp.path().join("log.jsonl"), temp.path().join("store"));
        for (text, expected) in [("", "holds no event"), ("{}\n", "line 1 of the export")] {
            std::fs::write(&export, text).unwrap();
            let error = run(&dir, &export, None).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1, "only the export is there");
        }
    }

    #[tokio::test]
    async fn a_directory_with_something_in_it_is_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("something"), "").unwrap();
        let error = run(temp.path(), Path::new("export"), None).await.unwrap_err();
        assert!(matches!(error, RebuildError::NotEmpty(_)), "{error}");
    }
}
