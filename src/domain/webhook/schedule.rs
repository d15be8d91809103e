//! What follows from an answer: the next event, another attempt and when, or the end.

use crate::domain::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// Seconds before each attempt: the schedule of Standard Webhooks.
pub const DELAYS: [i64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// No receiver can ask for a longer pause, in seconds.
const LONGEST_PAUSE: i64 = 86_400;
/// An attempt comes up to a tenth later than its delay says, so that receivers that failed
/// together are not asked together.
const JITTER: f64 = 0.1;

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// The receiver wants nothing any more.
    Gone,
    /// Anything else, and the pause in seconds that the receiver asks for.
    Failed(Option<i64>),
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next event.
    Advance,
    /// The same event, not before a time.
    Retry(Timestamp),
    /// Nothing until somebody resumes it: all attempts failed.
    Suspend,
    /// Nothing: the receiver is gone.
    Disable,
}

/// Reads an answer. A redirect is a failure like any other: it is never followed.
pub fn outcome(status: u16, retry_after: Option<&str>, now: Timestamp) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        410 => Outcome::Gone,
        429 | 503 => Outcome::Failed(retry_after.and_then(|text| pause(text, now))),
        _ => Outcome::Failed(None),
    }
}

/// The seconds of a Retry-After, as a number or as an HTTP date.
fn pause(text: &str, now: Timestamp) -> Option<i64> {
    let text = text.trim();
    let seconds = match text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // What does not fit is too long anyway.
        true => text.parse().unwrap_or(LONGEST_PAUSE),
        false => Timestamp::parse_http_date(text)?.micros_since(now).max(0).div_euclid(1_000_000),
    };
    Some(seconds.clamp(0, LONGEST_PAUSE))
}

/// What is done after so many attempts for an event. `seed` makes the jitter the same
/// whenever it is asked for.
pub fn next(outcome: Outcome, attempts: u32, seed: &str, now: Timestamp) -> Next {
    let wanted = match outcome {
        Outcome::Delivered => return Next::Advance,
        Outcome::Gone => return Next::Disable,
        Outcome::Failed(wanted) => wanted.unwrap_or(0),
    };
    match DELAYS.get(attempts as usize) {
        None => Next::Suspend,
        Some(delay) => {
            let delay = (*delay).max(wanted) as f64 * 1e6 * (1.0 + JITTER * fraction(seed, attempts));
            Next::Retry(now.plus_micros(delay as i64))
        }
    }
}

/// A number from 0 to 1 that follows from a text and a number.
fn fraction(seed: &str, attempts: u32) -> f64 {
    let hash = Sha256::new().chain_update(seed).chain_update(attempts.to_be_bytes()).finalize();
    let number = hash.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    f64::from(number) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn every_answer_has_one_meaning() {
        let cases = [
            (200, None, Outcome::Delivered),
            (204, None, Outcome::Delivered),
            (301, None, Outcome::Failed(None)),
            (307, Some("5"), Outcome::Failed(None)),
            (400, None, Outcome::Failed(None)),
            (410, None, Outcome::Gone),
            (429, Some("120"), Outcome::Failed(Some(120))),
            (503, Some(" 7 "), Outcome::Failed(Some(7))),
            (503, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Outcome::Failed(Some(37))),
            (503, Some("Sun, 06 Nov 1994 08:48:00 GMT"), Outcome::Failed(Some(0))),
            (503, Some("99999999999999999999999"), Outcome::Failed(Some(86_400))),
            (503, Some("Sat, 06 Nov 2094 08:49:37 GMT"), Outcome::Failed(Some(86_400))),
            (503, Some("-5"), Outcome::Failed(None)),
            (503, Some("soon"), Outcome::Failed(None)),
            (500, Some("120"), Outcome::Failed(None)),
        ];
        for (status, retry_after, expected) in cases {
            // 1994-11-06T08:49:00Z
            assert_eq!(outcome(status, retry_after, at(784_111_740)), expected, "{status} {retry_after:?}");
        }
    }

    #[test]
    fn the_attempts_follow_the_schedule_and_then_end() {
        let mut waited = Vec::new();
        for attempts in 1..=10 {
            match next(Outcome::Failed(None), attempts, "seed", at(1_000)) {
                Next::Retry(time) => waited.push(time.micros_since(at(1_000)) as f64 / 1e6),
                other => assert_eq!((other, attempts), (Next::Suspend, 10)),
            }
        }
        let exact = &DELAYS[1..];
        assert_eq!(waited.len(), exact.len());
        for (waited, exact) in waited.iter().zip(exact) {
            assert!((*exact as f64..=*exact as f64 * 1.1).contains(waited), "{waited} {exact}");
        }
        assert_ne!(waited[5], exact[5] as f64, "there is some jitter");
        let again = next(Outcome::Failed(None), 6, "seed", at(1_000));
        assert_eq!(again, next(Outcome::Failed(None), 6, "seed", at(1_000)), "which is always the same");
        assert_ne!(again, next(Outcome::Failed(None), 6, "other", at(1_000)));
    }

    #[test]
    fn a_receiver_that_asks_for_a_pause_gets_it() {
        let Next::Retry(time) = next(Outcome::Failed(Some(600)), 1, "x", at(0)) else { unreachable!() };
        assert!(time >= at(600) && time <= at(660), "{time}");
        let Next::Retry(time) = next(Outcome::Failed(Some(1)), 2, "x", at(0)) else { unreachable!() };
        assert!(time >= at(300), "but no shorter one than the schedule has");
        assert_eq!(next(Outcome::Failed(Some(600)), 10, "x", at(0)), Next::Suspend);
        assert_eq!(next(Outcome::Gone, 1, "x", at(0)), Next::Disable);
        assert_eq!(next(Outcome::Delivered, 1, "x", at(0)), Next::Advance);
    }
}
