//! The watermark: a note beside a store of how far it had got.
//!
//! A store cannot tell by itself that it is an older copy of itself, or that
//! its newest part was lost. The note can: if the store is behind it when it
//! is opened, something that was acknowledged is missing. The note is written
//! after the commits it covers and at most about once a second, so it is never
//! ahead of the store, and a kill leaves it behind by a second at most.

use super::directory;
use super::engine::{Hash, Head};
use super::head::Hex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Name of the file, in the directory of the store.
pub const FILE_NAME: &str = "watermark.json";
/// How long commits are gathered before the note is written again.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far one log had got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    log_id: Hex<16>,
    epoch: u32,
    size: u64,
    root: Hex<32>,
}

impl From<&Head> for Mark {
    fn from(head: &Head) -> Self {
        Mark { log_id: Hex(head.log_id), epoch: head.epoch, size: head.size, root: Hex(head.root) }
    }
}

impl Mark {
    /// What is wrong with a head that should be at least here.
    fn missing_from(&self, head: Option<&Head>) -> Option<String> {
        let acknowledged = self.size;
        match head {
            None => Some(format!("it is not there, but {acknowledged} events had been acknowledged")),
            Some(head) if head.log_id != self.log_id.0 => Some(format!(
                "it is another log (id {}, but events of log {} had been acknowledged)",
                hex::encode(head.log_id),
                hex::encode(self.log_id.0)
            )),
            Some(head) if head.size < acknowledged => {
                Some(format!("it has {} events, but {acknowledged} had been acknowledged", head.size))
            }
            Some(head) if head.size == acknowledged && head.root != self.root.0 => {
                Some(format!("its {acknowledged} events are not those that had been acknowledged"))
            }
            Some(_) => None,
        }
    }
}

/// How far each log of a store had got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watermark {
    logs: BTreeMap<String, Mark>,
}

/// A log whose stored head is behind the watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Name of the log.
    pub log: String,
    /// What is missing, as the second half of a sentence about the log.
    pub what: String,
}

impl Watermark {
    /// The watermark that these heads have reached.
    pub fn of(heads: &HashMap<String, Head>) -> Self {
        Watermark { logs: heads.iter().map(|(log, head)| (log.clone(), head.into())).collect() }
    }

    /// The first log whose head is missing, shorter, another one, or of the
    /// same size with another content.
    pub fn ahead_of(&self, heads: &HashMap<String, Head>) -> Option<Behind> {
        self.logs.iter().find_map(|(log, mark)| {
            let what = mark.missing_from(heads.get(log))?;
            Some(Behind { log: log.clone(), what })
        })
    }

    /// Size and root that a log had, if the log as it is now lacks any of that.
    pub fn lost(&self, log: &str, head: Option<&Head>) -> Option<(u64, Hash)> {
        let mark = self.logs.get(log)?;
        mark.missing_from(head).map(|_| (mark.size, mark.root.0))
    }

    /// Reads the note in this directory; `None` if there is none.
    ///
    /// # Errors
    /// If the file cannot be read, or does not hold a watermark.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(dir.join(FILE_NAME)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the note: a reader finds the old one or the new one, whole, even
    /// after a power failure.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let (new, name) = (dir.join("watermark.json.new"), dir.join(FILE_NAME));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, &name)?;
        directory::sync(dir)
    }
}

/// Writes the note from a thread of its own, so that no commit waits for it.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    watermark: Watermark,
    written: bool,
    ending: bool,
}

impl Writer {
    /// Starts with this watermark, which is written unless it is there already.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn start(dir: &Path, watermark: Watermark, written: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            state: Mutex::new(State { watermark, written, ending: false }),
            changed: Condvar::new(),
        });
        let thread = std::thread::Builder::new().name("watermark".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.write_until_ended()
        })?;
        Ok(Writer { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Raises the watermark to a head that is durable.
    pub fn raise(&self, log: &str, head: &Head) {
        let mut state = self.shared.state();
        match state.watermark.logs.get_mut(log) {
            Some(mark) => *mark = head.into(),
            None => {
                state.watermark.logs.insert(log.to_owned(), head.into());
            }
        }
        state.written = false;
        self.shared.changed.notify_one();
    }

    /// Writes what is left to write, and ends. Later calls do nothing.
    pub fn finish(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.shared.state().ending = true;
            self.shared.changed.notify_one();
            if thread.join().is_err() {
                tracing::error!("the thread that writes the watermark ended in a panic");
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A note that cannot be written is not fatal: an older one finds less, but
    /// nothing wrong. It is tried again until it is written or all has ended.
    fn write_until_ended(&self) {
        let mut state = self.state();
        let mut failing = false;
        loop {
            let idle = |state: &mut State| state.written && !state.ending;
            state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            if !state.written {
                let is_last = state.ending;
                state.written = true;
                let watermark = state.watermark.clone();
                drop(state);
                let written = watermark.write(&self.dir);
                self.report(&written, failing);
                failing = written.is_err();
                state = self.state();
                state.written &= is_last || !failing;
            }
            if state.ending && state.written {
                return;
            }
            let running = |state: &mut State| !state.ending;
            let gathered = self.changed.wait_timeout_while(state, INTERVAL, running);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says when notes begin to fail and when they no longer do.
    fn report(&self, written: &io::Result<()>, failing: bool) {
        let dir = self.dir.display();
        match written {
            Err(error) if !failing => {
                tracing::warn!(%dir, %error, "the watermark was not written; it is tried again every second");
            }
            Ok(()) if failing => tracing::info!(%dir, "the watermark is written again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn head(size: u64) -> Head {
        Head {
            log_id: [1; 16],
            epoch: 1,
            size,
            root: [size as u8; 32],
            frontier: Vec::new(),
            batch_id: [3; 16],
            time: 4,
            previous_size: 0,
            previous_frontier: Vec::new(),
        }
    }

    fn heads(head: Head) -> HashMap<String, Head> {
        HashMap::from([("default".to_owned(), head)])
    }

    #[test]
    fn a_store_that_went_on_is_not_behind() {
        let watermark = Watermark::of(&heads(head(5)));
        assert_eq!(watermark.ahead_of(&heads(head(5))), None);
        assert_eq!(watermark.ahead_of(&heads(head(6))), None);
        assert_eq!(Watermark::default().ahead_of(&heads(head(1))), None);
    }

    #[test]
    fn an_older_a_foreign_and_a_forked_store_are_behind() {
        let watermark = Watermark::of(&heads(head(5)));
        let what = |heads| watermark.ahead_of(&heads).unwrap().what;
        assert_eq!(what(HashMap::new()), "it is not there, but 5 events had been acknowledged");
        assert_eq!(what(heads(head(4))), "it has 4 events, but 5 had been acknowledged");
        let foreign = what(heads(Head { log_id: [2; 16], ..head(9) }));
        assert!(foreign.starts_with("it is another log (id 0202"), "{foreign}");
        let forked = what(heads(Head { root: [9; 32], ..head(5) }));
        assert_eq!(forked, "its 5 events are not those that had been acknowledged");
    }

    #[test]
    fn the_note_is_the_golden_text() {
        let dir = tempfile::tempdir().unwrap();
        let watermark = Watermark::of(&heads(head(5)));
        watermark.write(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join(FILE_NAME)).unwrap();
        let (id, root) = ("01".repeat(16), "05".repeat(32));
        let expected = format!(
            "{{\n  \"default\": {{\n    \"log_id\": \"{id}\",\n    \"epoch\": 1,\n    \"size\": 5,\n    \
             \"root\": \"{root}\"\n  }}\n}}\n"
        );
        assert_eq!(text, expected);
        assert_eq!(Watermark::read(dir.path()).unwrap(), Some(watermark));
    }

    #[test]
    fn no_note_is_none_and_a_spoilt_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Watermark::read(dir.path()).unwrap(), None);
        fs::write(dir.path().join(FILE_NAME), "{\"default\":").unwrap();
        assert!(Watermark::read(dir.path()).is_err());
    }

    #[test]
    fn the_last_raise_is_on_disk_when_the_writer_has_finished() {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::start(dir.path(), Watermark::default(), true).unwrap();
        for size in 1..=100 {
            writer.raise("default", &head(size));
        }
        writer.finish();
        assert_eq!(Watermark::read(dir.path()).unwrap(), Some(Watermark::of(&heads(head(100)))));
    }
}
