//! Reads sled's file before sled does, for what sled would leave out in silence.
//!
//! The file is a log in segments. When sled opens it, it takes the pages that
//! its newest snapshot knows and replays what was logged since. A message there
//! that does not match its checksum ends its segment: sled goes on with the
//! next one, and whatever else the segment held is gone without a word. So is a
//! whole segment whose header is damaged. That is how sled deals with the torn
//! end of its log, and right there; in the midst of it, it is damage, and found
//! here. At the end, the watermark tells whether anything is missing; what the
//! snapshot covers, sled checks when it is read.
//!
//! One thing is not found: a file that ends too early, but not within a segment
//! that is replayed: between two of them, or after what the newest holds, or in
//! one that the snapshot covers. sled reuses segments and gives the last ones back when they are
//! free, so that neither a missing number nor a shorter file means anything.
//!
//! The format is that of sled 0.34, the last of its line.

use super::fault::Fault;
use super::open::SEGMENT_BYTES;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes of a segment.
const SEGMENT: u64 = SEGMENT_BYTES as u64;
/// Bytes of a segment's header.
const SEGMENT_HEADER: usize = 20;
/// Most bytes of a message's header: what is left of a segment below that is
/// not used.
const MESSAGE_HEADER: usize = 32;
/// Kind of the message that closes a segment.
const CAP: u8 = 2;
/// Kinds of messages are 1 to this.
const LAST_KIND: u8 = 11;

/// Checks what sled is about to replay.
///
/// # Errors
/// If something in the midst of it cannot be read, or the file system fails.
pub(super) fn check(dir: &Path, file: &File) -> Result<(), Fault> {
    let length = file.metadata().map_err(Fault::Io)?.len();
    let from = snapshot(dir).map_err(Fault::Io)? / SEGMENT;
    let (mut intact, mut headless, mut stable) = (BTreeMap::new(), Vec::new(), from * SEGMENT);
    for at in (0..length).step_by(SEGMENT_BYTES) {
        let head = read(file, at, SEGMENT_HEADER).map_err(Fault::Io)?;
        match segment_header(&head) {
            Some(header) if header.position / SEGMENT >= from => {
                stable = stable.max(header.stable);
                intact.insert(header.position / SEGMENT, at);
            }
            Some(_) => {}
            None => headless.push(at),
        }
    }
    // sled had brought everything before this segment to the disk.
    let end = stable / SEGMENT;
    for (number, at) in intact.range(from..end) {
        let segment = read(file, *at, SEGMENT_BYTES).map_err(Fault::Io)?;
        if let Some(torn) = tear(&segment, *number) {
            return Err(damaged(at + torn as u64));
        }
    }
    for at in headless {
        let segment = read(file, at, SEGMENT_BYTES).map_err(Fault::Io)?;
        if holds_any(&segment, from..end) {
            return Err(damaged(at));
        }
    }
    Ok(())
}

fn damaged(at: u64) -> Fault {
    Fault::Damaged(format!("what stands at byte {at} of sled's file `db` does not match its checksum"))
}

/// Up to where the newest snapshot counts; its name tells.
fn snapshot(dir: &Path) -> io::Result<u64> {
    let mut newest = 0;
    for entry in fs::read_dir(dir)? {
        newest = newest.max(snapshot_position(Path::new(&entry?.file_name())));
    }
    Ok(newest)
}

/// 0 for what is no snapshot.
fn snapshot_position(name: &Path) -> u64 {
    let position = name.to_str().and_then(|name| name.strip_prefix("snap."));
    position.and_then(|position| u64::from_str_radix(position, 16).ok()).unwrap_or(0)
}

/// What stands in a file from a place on, as far as it goes.
fn read(file: &File, at: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; most];
    let mut filled = 0;
    while filled < most {
        match file.read_at(&mut bytes[filled..], at + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

struct SegmentHeader {
    /// Where the segment begins in the log.
    position: u64,
    /// Up to where sled had brought the log to the disk.
    stable: u64,
}

fn segment_header(bytes: &[u8]) -> Option<SegmentHeader> {
    let position = |range| {
        let number = i64::from_le_bytes(bytes.get::<Range<usize>>(range)?.try_into().ok()?);
        // Of a log that has just begun, nothing is stable: sled says -1.
        Some(u64::try_from(number ^ i64::MAX).unwrap_or(0))
    };
    let checked = bytes.get(4..SEGMENT_HEADER)?;
    (!u32::from_le_bytes(*bytes.first_chunk()?) == checksum(&[checked])).then_some(())?;
    Some(SegmentHeader { position: position(4..12)?, stable: position(12..20)? })
}

/// Where a segment cannot be read any further although it should go on.
fn tear(segment: &[u8], number: u64) -> Option<usize> {
    let mut at = SEGMENT_HEADER;
    while at <= SEGMENT_BYTES - MESSAGE_HEADER {
        match Message::read(segment.get(at..).unwrap_or_default(), number) {
            Some(Message { kind: CAP, .. }) => return None,
            Some(message) => at += message.bytes,
            None => return Some(at),
        }
    }
    None
}

/// Whether a segment without a header holds a message of one of these segments.
fn holds_any(segment: &[u8], numbers: Range<u64>) -> bool {
    (0..segment.len()).any(|at| {
        let rest = &segment[at..];
        Header::read(rest).is_some_and(|header| {
            numbers.contains(&header.segment) && Message::read(rest, header.segment).is_some()
        })
    })
}

/// A message as its header tells of it.
struct Header {
    checksum: u32,
    kind: u8,
    length: usize,
    segment: u64,
    /// Bytes of the header itself.
    bytes: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let checksum = u32::from_le_bytes(*bytes.first_chunk()?);
        let kind = *bytes.get(4).filter(|kind| (1..=LAST_KIND).contains(*kind))?;
        let mut rest = bytes.get(5..)?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let segment = number(&mut rest)?;
        number(&mut rest)?;
        (length <= rest.len()).then_some(())?;
        Some(Header { checksum, kind, length, segment, bytes: bytes.len() - rest.len() })
    }
}

/// A message that matches its checksum.
struct Message {
    kind: u8,
    bytes: usize,
}

impl Message {
    fn read(bytes: &[u8], segment: u64) -> Option<Self> {
        let header = Header::read(bytes).filter(|header| header.segment == segment)?;
        let end = header.bytes + header.length;
        let found = checksum(&[bytes.get(header.bytes..end)?, bytes.get(4..header.bytes)?]);
        (found == !header.checksum).then_some(Message { kind: header.kind, bytes: end })
    }
}

/// A number of sled's, of one to nine bytes.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    let first = u64::from(*first);
    let byte = |index: usize| rest.get(index).map(|byte| u64::from(*byte));
    let (value, used) = match first {
        0..=240 => (first, 0),
        241..=248 => (240 + 256 * (first - 241) + byte(0)?, 1),
        249 => (2_288 + 256 * byte(0)? + byte(1)?, 2),
        _ => {
            let used = usize::try_from(first).ok()? - 247;
            let number =
                rest.get(..used)?.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte));
            (number, used)
        }
    };
    *bytes = rest.get(used..)?;
    Some(value)
}

/// Checksum of some bytes one after the other.
fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize()
}

#[cfg(test)]
mod tests;
