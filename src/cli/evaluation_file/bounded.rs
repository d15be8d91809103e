//! A limit on what stands between two records: without it, a quotation mark that is never
//! closed would take the rest of a file into memory.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Where the newest record ended, told by whoever reads records.
#[derive(Clone, Default)]
pub struct Progress(Arc<Place>);

#[derive(Default)]
struct Place {
    line: AtomicU64,
    bytes_since: AtomicU64,
}

impl Progress {
    /// A record that begins in a line was read.
    pub fn record(&self, line: u64) {
        self.0.line.store(line, Relaxed);
        self.0.bytes_since.store(0, Relaxed);
    }
}

/// A reader that gives up on a record of more than so many bytes.
pub struct Bounded<R> {
    reader: R,
    most: u64,
    progress: Progress,
}

impl<R> Bounded<R> {
    /// Over a reader.
    pub fn new(reader: R, most: u64, progress: Progress) -> Self {
        Bounded { reader, most, progress }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let place = &self.progress.0;
        let since = place.bytes_since.fetch_add(read as u64, Relaxed) + read as u64;
        if since > self.most {
            let (line, most) = (place.line.load(Relaxed), self.most);
            return Err(io::Error::other(format!(
                "what follows line {line} does not end within {most} bytes: is a quotation mark not closed?"
            )));
        }
        Ok(read)
    }
}
