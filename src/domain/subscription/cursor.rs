//! How far the reader of a partition has got, and who that reader is.

use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most characters of what a reader calls itself.
pub const LONGEST_READER: usize = 250;

/// Where a partition stands. It is kept beside the log: each change of it as an event
/// would be one more event to acknowledge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Everything before it is done.
    pub next_position: u64,
    /// Stands for the history up to there.
    pub token: String,
    /// Rises with each reader. It is the time of the opening in microseconds, so that it
    /// rises beyond what it was also after a subscription was removed and made again.
    pub generation: u64,
    /// What the present reader calls itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reader: String,
    /// When the present reader took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_time: Option<Timestamp>,
    /// When it was last moved, or put where it is.
    pub move_time: Timestamp,
}

/// Somebody else reads the partition now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The generation of the present reader.
    pub present: u64,
}

impl Cursor {
    /// A cursor that nobody has used.
    pub fn begin(next_position: u64, token: String, since: Timestamp) -> Self {
        let reader = String::new();
        Cursor { next_position, token, generation: 0, reader, open_time: None, move_time: since }
    }

    /// The cursor with a new reader; all before are fenced off.
    pub fn open(self, reader: String, now: Timestamp) -> Self {
        Cursor { generation: self.next_generation(now), reader, open_time: Some(now), ..self }
    }

    /// The cursor without a reader.
    pub fn fence(self, now: Timestamp) -> Self {
        let generation = self.next_generation(now);
        Cursor { generation, reader: String::new(), open_time: None, ..self }
    }

    /// The cursor at another position, without a reader.
    pub fn seek(self, next_position: u64, token: String, now: Timestamp) -> Self {
        Cursor { next_position, token, move_time: now, ..self.fence(now) }
    }

    fn next_generation(&self, now: Timestamp) -> u64 {
        self.generation.saturating_add(1).max(u64::try_from(now.micros()).unwrap_or_default())
    }

    /// Where everything up to a position is done for: the position behind it, or `None`
    /// where that was known. Only the present reader may say so.
    pub fn acknowledged(&self, generation: u64, position: u64) -> Result<Option<u64>, Fenced> {
        if generation != self.generation {
            return Err(Fenced { present: self.generation });
        }
        let next = position.saturating_add(1);
        Ok((next > self.next_position).then_some(next))
    }

    /// The cursor, moved on.
    pub fn advance(self, next_position: u64, token: String, now: Timestamp) -> Self {
        Cursor { next_position, token, move_time: now, ..self }
    }

    /// Since when nobody takes the oldest event that waits, if that is too long.
    pub fn stalled_since(&self, oldest: Timestamp, seconds: i64, now: Timestamp) -> Option<Timestamp> {
        let since = self.move_time.max(oldest);
        (now.micros_since(since) >= seconds.saturating_mul(1_000_000)).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    #[test]
    fn an_acknowledgement_moves_forward_only_and_only_by_the_present_reader() {
        let cursor = Cursor::begin(5, String::new(), at(0)).open("a".to_owned(), at(100));
        let generation = cursor.generation;
        assert_eq!(generation, 100);
        for (position, next) in
            [(0, None), (4, None), (5, Some(6)), (9, Some(10)), (u64::MAX, Some(u64::MAX))]
        {
            assert_eq!(cursor.acknowledged(generation, position), Ok(next), "{position}");
        }
        for other in [0, generation - 1, generation + 1] {
            assert_eq!(cursor.acknowledged(other, 9), Err(Fenced { present: generation }));
        }
    }

    #[test]
    fn a_generation_rises_whatever_the_clock_does() {
        let mut cursor = Cursor::begin(0, String::new(), at(0));
        for now in [50, 50, 10, -3, 1_000, 999] {
            let before = cursor.generation;
            cursor = cursor.open(String::new(), at(now));
            assert!(cursor.generation > before, "{now}");
        }
        let sought = cursor.clone().seek(0, String::new(), at(5));
        assert!(sought.generation > cursor.generation);
        assert_eq!((sought.open_time, sought.next_position), (None, 0));
    }

    #[test]
    fn a_cursor_is_stalled_when_it_has_not_moved_although_something_waited() {
        let cursor = Cursor::begin(0, String::new(), at(0));
        let second = 1_000_000;
        assert_eq!(cursor.stalled_since(at(0), 10, at(10 * second - 1)), None);
        assert_eq!(cursor.stalled_since(at(0), 10, at(10 * second)), Some(at(0)));
        assert_eq!(cursor.stalled_since(at(5 * second), 10, at(10 * second)), None, "nothing waited before");
        let moved = cursor.advance(1, String::new(), at(8 * second));
        assert_eq!(moved.stalled_since(at(0), 10, at(10 * second)), None, "it moves");
        assert_eq!(moved.stalled_since(at(0), 10, at(18 * second)), Some(at(8 * second)));
    }
}
