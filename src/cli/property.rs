//! Typed custom properties in words.

use super::table::time;
use crate::proto::v1::{PropertyValue, property_value::Kind};

/// A property as `key = value`.
pub fn property_words((key, value): (&String, &PropertyValue)) -> String {
    let value = match &value.kind {
        Some(Kind::StringValue(text)) => text.clone(),
        Some(Kind::DoubleValue(number)) => number.to_string(),
        Some(Kind::IntValue(number)) => number.to_string(),
        Some(Kind::BoolValue(truth)) => truth.to_string(),
        Some(Kind::TimeValue(at)) => time(Some(*at)),
        None => String::new(),
    };
    format!("{key} = {value}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::{super::argument::parse_property, *};

    #[test]
    fn a_property_is_shown_as_it_was_given() {
        for (given, shown) in [
            ("a=b", "a = b"),
            ("a:int=5", "a = 5"),
            ("a:number=0.5", "a = 0.5"),
            ("a:bool=true", "a = true"),
            ("a:time=2026-01-01", "a = 2026-01-01T00:00:00Z"),
        ] {
            let (key, value) = parse_property(given).unwrap();
            assert_eq!(property_words((&key, &value)), shown);
        }
    }
}
