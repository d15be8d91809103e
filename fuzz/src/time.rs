//! Times: text, parts and microseconds say the same, in the domain and on the command line.

use super::choice::text_of;
use arbitrary::Unstructured;
use steward_registry::{cli::argument, domain::time::Timestamp};

/// The input as a text, and as numbers.
pub fn check(data: &[u8]) {
    if let Some(text) = text_of(data) {
        of_text(text);
    }
    let mut u = Unstructured::new(data);
    if let Ok((seconds, nanos, micros)) = u.arbitrary() {
        of_parts(seconds, nanos);
        of_micros(micros);
    }
}

fn of_text(text: &str) {
    let typed = argument::parse_time(text);
    if let Some(time) = Timestamp::parse(text) {
        of_micros(time.micros());
        let typed = typed.clone().expect("the command line reads every RFC 3339 time");
        assert_eq!(Timestamp::from_parts(typed.seconds, typed.nanos), Some(time), "{text:?}");
    }
    if let Ok(typed) = typed {
        assert!((0..1_000_000_000).contains(&typed.nanos), "{text:?}: {typed:?}");
    }
    // A span counts from now, so that only what is refused is the same in each run.
    let _ = argument::parse_future(text);
}

fn of_parts(seconds: i64, nanos: i32) {
    if let Some(time) = Timestamp::from_parts(seconds, nanos) {
        assert_eq!(time.parts(), (seconds, nanos - nanos % 1_000), "nanoseconds are cut, not rounded");
    }
}

fn of_micros(micros: i64) {
    let Some(time) = Timestamp::from_micros(micros) else { return };
    let text = time.to_string();
    assert_eq!(Timestamp::parse(&text), Some(time), "{text}");
    assert_eq!(serde_json::from_value::<Timestamp>(serde_json::json!(text)).unwrap(), time);
    let (seconds, nanos) = time.parts();
    assert_eq!(Timestamp::from_parts(seconds, nanos), Some(time));
    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&time.plus_micros(micros)));
}
