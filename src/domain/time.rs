//! Points in time. Steward keeps microseconds: fine enough to order commits,
//! coarse enough to fit a key of eight bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Microseconds of a minute.
pub const MINUTE: i64 = 60_000_000;
/// Microseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds of a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

/// Microseconds since 1970-01-01T00:00:00Z, from year 1 to year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A number of days as people say it: `1 day`, `14 days`.
pub fn in_days(days: impl Into<i64>) -> String {
    match days.into() {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800_000_000);
    /// 9999-12-30T21:59:59.999999Z: the last that every time zone can show.
    pub const MAX: Timestamp = Timestamp(253_402_207_199_999_999);

    /// From microseconds since 1970; `None` outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        let time = Timestamp(micros);
        (Self::MIN..=Self::MAX).contains(&time).then_some(time)
    }

    /// From seconds since 1970 and nanoseconds, which are cut to microseconds.
    pub fn from_parts(seconds: i64, nanos: i32) -> Option<Self> {
        if !(0..1_000_000_000).contains(&nanos) {
            return None;
        }
        let micros = seconds.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
        Self::from_micros(micros)
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 and the remaining nanoseconds.
    pub fn parts(self) -> (i64, i32) {
        // The remainder is below 10^6, so it fits and stays below 10^9.
        (self.0.div_euclid(1_000_000), (self.0.rem_euclid(1_000_000) * 1_000) as i32)
    }

    /// This time and some microseconds more, held within the range.
    pub fn plus_micros(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros)).clamp(Self::MIN, Self::MAX)
    }

    /// Some days of 24 hours later, held within the range.
    pub fn plus_days(self, days: u32) -> Self {
        self.plus_micros(i64::from(days) * DAY)
    }

    /// Some days of 24 hours earlier, held within the range.
    pub fn minus_days(self, days: u32) -> Self {
        self.plus_micros(-i64::from(days) * DAY)
    }

    /// Microseconds from an earlier time to this one.
    pub fn micros_since(self, earlier: Timestamp) -> i64 {
        self.0 - earlier.0
    }

    /// As HTTP headers write it (RFC 9110), such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn http_date(self) -> Option<String> {
        let time = jiff::Timestamp::from_microsecond(self.0).ok()?;
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
    }

    /// Reads a time as HTTP headers write it.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Self::from_micros(time.as_microsecond())
    }

    /// Reads RFC 3339, such as `2026-03-01T12:00:00Z`. Finer fractions are cut as
    /// [`Timestamp::from_parts`] cuts them: to the microsecond before, also before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = text.parse().ok()?;
        let micros = time.as_nanosecond().div_euclid(1_000);
        Self::from_micros(i64::try_from(micros).ok()?)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with 0, 3 or 6 fractional digits, as proto3 JSON writes
    /// times; so each time has one form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        match self.0.rem_euclid(1_000_000) {
            0 => write!(f, "{time:.0}"),
            micros if micros % 1_000 == 0 => write!(f, "{time:.3}"),
            _ => write!(f, "{time:.6}"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an RFC 3339 time")))
    }
}

/// A length of time in whole seconds, as proto3 JSON has it: `"3600s"`.
pub mod seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes it.
    pub fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{seconds}s"))
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
        number
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a number of seconds such as \"3600s\"")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_was_written() {
        for micros in [0, 1, -1, 1_772_366_400_123_456, Timestamp::MIN.0, Timestamp::MAX.0] {
            let time = Timestamp::from_micros(micros).unwrap();
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time), "{time}");
            let (seconds, nanos) = time.parts();
            assert_eq!(Timestamp::from_parts(seconds, nanos), Some(time));
        }
    }

    #[test]
    fn a_time_has_no_more_fractional_digits_than_it_needs_of_0_3_or_6() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (350_600, "1970-01-01T00:00:00.350600Z"),
            (350_000, "1970-01-01T00:00:00.350Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_and_its_parts_are_cut_to_the_same_microsecond() {
        for (text, seconds, nanos) in [
            ("1969-12-31T23:59:59.9999995Z", -1, 999_999_500),
            ("1969-12-31T23:59:58.000000001Z", -2, 1),
            ("1970-01-01T00:00:00.9999999Z", 0, 999_999_900),
        ] {
            assert_eq!(Timestamp::parse(text), Timestamp::from_parts(seconds, nanos), "{text}");
        }
        assert_eq!(Timestamp::parse("0000-12-31T23:59:59.9999999Z"), None);
    }

    #[test]
    fn times_outside_the_years_1_to_9999_do_not_exist() {
        assert_eq!(Timestamp::from_micros(Timestamp::MAX.0 + 1), None);
        assert_eq!(Timestamp::from_micros(Timestamp::MIN.0 - 1), None);
        assert_eq!(Timestamp::from_parts(i64::MAX, 0), None);
        assert_eq!(Timestamp::from_parts(0, -1), None);
        assert_eq!(Timestamp::MAX.plus_micros(5), Timestamp::MAX);
    }

    #[test]
    fn whole_seconds_are_written_as_proto3_json_has_them_and_read_back() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Notice(#[serde(with = "seconds")] i64);
        for (count, json) in [(0, "\"0s\""), (3_600, "\"3600s\""), (-1, "\"-1s\"")] {
            assert_eq!(serde_json::to_string(&Notice(count)).unwrap(), json);
            assert_eq!(serde_json::from_str::<Notice>(json).unwrap(), Notice(count));
        }
        for json in ["\"3600\"", "\"s\"", "\"1.5s\"", "3600"] {
            serde_json::from_str::<Notice>(json).unwrap_err();
        }
    }
}
