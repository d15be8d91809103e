//! What a killed server left after all mutations, and which calls a run makes.

use super::{
    run::{Cell, MUTATIONS, Phase, Waiting, mutate, mutations},
    tracer::{Tracer, call_of, path_in},
};
use crate::{
    ask::Ask,
    crash::{
        copy,
        process::{Process, signal},
    },
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The directory of a server that was killed behind the last answer.
pub struct Left {
    dir: PathBuf,
    pub answered: Vec<(Ask, Vec<u8>)>,
}

impl Left {
    pub async fn by_a_killed_server(dir: PathBuf) -> Self {
        let server = Process::start(&dir).await.unwrap();
        let answered = mutate(&server, MUTATIONS).await;
        server.kill().await;
        // Without its note a store is opened, too, and then always writes one.
        fs::remove_file(dir.join("watermark.json")).unwrap();
        Left { dir, answered }
    }

    pub fn copy_to(&self, dir: &Path) {
        copy(&self.dir, dir);
    }
}

/// Every call of a run that brings something to the disk, in their order within
/// a phase and file.
pub async fn cells(dir: &Path, left: &Left) -> Vec<Cell> {
    let mut cells = Vec::new();
    let server = counted_start(Phase::Creation, dir, &mut cells).await;
    for (n, ask) in mutations().iter().enumerate() {
        let tracer = Tracer::watch(server.id()).await;
        ask.send(&server.channel).await.unwrap();
        let trace = tracer.detach().await;
        // The note is written in its own time; its calls are counted where it has to be.
        let notes = |cell: &Cell| !cell.file.is_empty() && !cell.file.starts_with("watermark");
        cells.extend(read(Phase::Mutation(n), &trace, dir).into_iter().filter(notes));
    }
    let tracer = Tracer::watch(server.id()).await;
    signal("TERM", server.id()).await;
    server.ended().await;
    let trace = tracer.detach().await;
    // Snapshots have other names in each run; those of the reopening are always the same.
    let stays = |cell: &Cell| !cell.file.starts_with("snap.");
    cells.extend(read(Phase::Stop, &trace, dir).into_iter().filter(stays));
    fs::remove_dir_all(dir).unwrap();
    left.copy_to(dir);
    counted_start(Phase::Reopening, dir, &mut cells).await.kill().await;
    cells
}

/// Starts a server under a tracer that counts, up to its first note.
async fn counted_start(phase: Phase, dir: &Path, cells: &mut Vec<Cell>) -> Process {
    let waiting = Waiting::spawn(dir);
    let mut tracer = Tracer::watch(waiting.pid).await;
    let server = waiting.go().await.ready().await.unwrap();
    assert!(tracer.until(&["watermark.json\""]).await && tracer.until(&["fsync("]).await);
    cells.extend(read(phase, &tracer.detach().await, dir));
    server
}

/// The calls on files below a directory, numbered within their kind and file.
fn read(phase: Phase, trace: &[String], dir: &Path) -> Vec<Cell> {
    let mut counts = BTreeMap::new();
    let mut cells = Vec::new();
    for line in trace {
        let (Some(call), Some(path)) = (call_of(line), path_in(line, dir)) else { continue };
        let file = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        let nth = counts.entry((call, file.clone())).or_insert(0);
        *nth += 1;
        cells.push(Cell { phase, call: call.to_owned(), file, nth: *nth });
    }
    cells
}
