//! Values on the command line: times, pairs, properties, lists of attributes.

use std::collections::BTreeMap;

use jiff::{Span, SpanRelativeTo, Timestamp, Unit, civil, tz::TimeZone};
use prost_types::Timestamp as ProtoTime;

use super::environment::now;
use crate::proto::v1::{
    Artifact, Contact, DatasetReference, Dimension, PropertyValue, UpstreamReference, property_value,
};

/// A point in the past of a registry.
#[derive(Debug, Clone, PartialEq)]
pub enum At {
    /// After all events up to this time.
    Time(ProtoTime),
    /// After the event at this position.
    Position(u64),
}

/// Reads a time (RFC 3339, or a date, which means its first moment in UTC).
pub fn parse_time(text: &str) -> Result<ProtoTime, String> {
    let parsed = text.parse::<Timestamp>().ok().or_else(|| {
        text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp())
    });
    parsed.map(to_proto).ok_or_else(|| {
        "neither a date such as 2026-03-01 nor a time such as 2026-03-01T09:30:00Z (without an offset, \
         UTC is meant)"
            .to_owned()
    })
}

/// Reads a time, or a span from now such as `60 days` or `in 8 weeks`.
pub fn parse_future(text: &str) -> Result<ProtoTime, String> {
    future_from(now(), text)
}

fn future_from(now: Timestamp, text: &str) -> Result<ProtoTime, String> {
    let words = text.trim();
    let words = words.strip_prefix("in ").unwrap_or(words);
    match words.parse::<Span>() {
        Ok(span) => now
            .to_zoned(TimeZone::UTC)
            .checked_add(span)
            .map(|then| to_proto(then.timestamp()))
            .map_err(|_| "too far away".to_owned()),
        Err(_) => parse_time(words).map_err(|_| {
            "neither a date such as 2026-03-01, nor a time such as 2026-03-01T09:30:00Z, nor a span such as \
             `60 days`"
                .to_owned()
        }),
    }
}

/// Reads a length of time such as `7 days` or `12h`; days have 24 hours.
pub fn parse_length(text: &str) -> Result<prost_types::Duration, String> {
    let span = text.trim().parse::<Span>().map_err(|_| "not a length of time such as `7 days` or `12h`")?;
    match span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())) {
        Ok(seconds) if seconds >= 1.0 && seconds.fract() == 0.0 && seconds < 1e12 => {
            Ok(prost_types::Duration { seconds: seconds as i64, nanos: 0 })
        }
        Ok(_) => Err("not a whole number of seconds".to_owned()),
        Err(_) => Err("not one length: months and years differ; say `28 days` or `364 days`".to_owned()),
    }
}

/// Reads a time or an audit position (`123` or `#123`).
pub fn parse_at(text: &str) -> Result<At, String> {
    match parse_position(text) {
        Ok(position) => Ok(At::Position(position)),
        Err(_) => parse_time(text)
            .map(At::Time)
            .map_err(|wanted| format!("{wanted}, nor an audit position such as '#123'")),
    }
}

/// Reads an audit position, with or without `#`.
pub fn parse_position(text: &str) -> Result<u64, String> {
    text.strip_prefix('#')
        .unwrap_or(text)
        .parse()
        .map_err(|_| "not an audit position such as 123 or '#123'".to_owned())
}

fn to_proto(time: Timestamp) -> ProtoTime {
    // Before 1970 jiff counts both parts downwards; the contract wants nanos >= 0.
    let nanos = time.subsec_nanosecond();
    let borrow = i64::from(nanos < 0);
    ProtoTime { seconds: time.as_second() - borrow, nanos: nanos + i32::from(nanos < 0) * 1_000_000_000 }
}

/// Reads `key=value`.
pub fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("not of the form key=value".to_owned()),
    }
}

/// Reads `key=code,code`.
pub fn parse_dimension(text: &str) -> Result<(String, Dimension), String> {
    let (key, codes) = parse_pair(text).map_err(|_| "not of the form key=code,code".to_owned())?;
    Ok((key, Dimension { codes: codes.split(',').map(|code| code.trim().to_owned()).collect() }))
}

/// Reads `key=text`, `key:int=5`, `key:number=0.5`, `key:bool=true` or
/// `key:time=2026-01-01`.
pub fn parse_property(text: &str) -> Result<(String, PropertyValue), String> {
    use property_value::Kind;
    let (typed_key, value) = parse_pair(text)?;
    let (key, kind) = typed_key.split_once(':').unwrap_or((&typed_key, "text"));
    let kind = match kind {
        "text" => Kind::StringValue(value),
        "int" => Kind::IntValue(value.parse().map_err(|_| format!("{value} is not a whole number"))?),
        "number" => Kind::DoubleValue(parse_finite(&value)?),
        "bool" => Kind::BoolValue(value.parse().map_err(|_| format!("{value} is neither true nor false"))?),
        "time" => Kind::TimeValue(parse_time(&value).map_err(|wanted| format!("{value} is {wanted}"))?),
        other => return Err(format!("{other} is not a type: use text, int, number, bool or time")),
    };
    Ok((key.to_owned(), PropertyValue { kind: Some(kind) }))
}

/// Reads a number that is neither infinite nor NaN.
pub fn parse_finite(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{text} is not a number")),
    }
}

/// Reads a whole number that is not negative.
pub fn parse_count(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(format!("{text} is not a whole number of at least 0")),
    }
}

/// Reads `Name <address>` or a name alone; brackets stand nowhere else, so that a contact that
/// is written out reads back as itself.
pub fn parse_contact(text: &str) -> Result<Contact, String> {
    let (name, address) = match text.trim().strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) => (name.trim(), address.trim()),
        None => (text.trim(), ""),
    };
    if name.is_empty() {
        return Err("no name: write \"Name <address>\"".to_owned());
    }
    if [name, address].iter().any(|part| part.contains(['<', '>'])) {
        return Err("more than one < or >: write \"Name <address>\"".to_owned());
    }
    Ok(Contact { display_name: name.to_owned(), address: address.to_owned() })
}

/// Reads `uri[,digest=sha256:…][,size=BYTES][,type=MEDIA/TYPE]`.
pub fn parse_artifact(text: &str) -> Result<Artifact, String> {
    let (uri, mut given) = split_attributes(text, &["digest", "size", "type"])?;
    Ok(Artifact {
        uri,
        digest: given.remove("digest").unwrap_or_default(),
        size_bytes: given.remove("size").map_or(Ok(0), |size| parse_count(&size))?,
        media_type: given.remove("type").unwrap_or_default(),
    })
}

/// Reads `uri[,digest=sha256:…][,rows=NUMBER]`.
pub fn parse_dataset(text: &str) -> Result<DatasetReference, String> {
    let (uri, mut given) = split_attributes(text, &["digest", "rows"])?;
    Ok(DatasetReference {
        uri,
        digest: given.remove("digest").unwrap_or_default(),
        row_count: given.remove("rows").map_or(Ok(0), |rows| parse_count(&rows))?,
    })
}

/// Reads `provider=…,model=…[,channel=…][,region=…]`.
pub fn parse_upstream(text: &str) -> Result<UpstreamReference, String> {
    let mut given = attributes(text, &["provider", "model", "channel", "region"])?;
    Ok(UpstreamReference {
        provider: given.remove("provider").ok_or("provider=… is missing")?,
        model_id: given.remove("model").ok_or("model=… is missing")?,
        channel: given.remove("channel").unwrap_or_default(),
        region: given.remove("region").unwrap_or_default(),
    })
}

/// Reads `key=value,key=value` with known keys, each at most once.
pub fn attributes(text: &str, keys: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    for part in text.split(',') {
        let (key, value) =
            parse_pair(part.trim()).map_err(|_| format!("{part} is not of the form key=value"))?;
        if !keys.contains(&key.as_str()) {
            return Err(format!("{key} is not known here: use {}", keys.join(", ")));
        }
        if found.insert(key.clone(), value).is_some() {
            return Err(format!("{key} is given twice"));
        }
    }
    Ok(found)
}

/// Splits `head,key=value,…` where the head may hold commas, but nothing behind
/// a comma that looks like `word=`.
pub fn split_attributes(text: &str, keys: &[&str]) -> Result<(String, BTreeMap<String, String>), String> {
    let is_attribute = |part: &str| {
        part.split_once('=')
            .is_some_and(|(key, _)| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase()))
    };
    let behind_head = text.match_indices(',').find(|(at, _)| is_attribute(&text[at + 1..]));
    match behind_head {
        None => Ok((text.to_owned(), BTreeMap::new())),
        Some((at, _)) => Ok((text[..at].to_owned(), attributes(&text[at + 1..], keys)?)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NEW_YEAR: ProtoTime = ProtoTime { seconds: 1_767_225_600, nanos: 0 };

    #[test]
    fn a_time_is_a_date_a_local_time_in_utc_or_rfc_3339() {
        assert_eq!(parse_time("2026-01-01"), Ok(NEW_YEAR));
        assert_eq!(parse_time("2026-01-01T00:00"), Ok(NEW_YEAR));
        assert_eq!(parse_time("2026-01-01T01:00:00+01:00"), Ok(NEW_YEAR));
        assert_eq!(parse_time("1969-12-31T23:59:59.5Z"), Ok(ProtoTime { seconds: -1, nanos: 500_000_000 }));
        assert!(parse_time("yesterday").is_err());
    }

    #[test]
    fn a_sunset_may_be_a_span_from_now() {
        let now = "2025-12-02T00:00:00Z".parse().unwrap();
        for text in ["30 days", "in 30 days", "30d", "in 30d"] {
            assert_eq!(future_from(now, text), Ok(NEW_YEAR), "{text}");
        }
        assert_eq!(future_from(now, "2026-01-01"), Ok(NEW_YEAR));
        assert!(future_from(now, "soon").unwrap_err().contains("60 days"));
    }

    #[test]
    fn a_length_of_time_is_in_days_weeks_or_less() {
        for (text, seconds) in [("7 days", 604_800), ("1 week", 604_800), ("12h", 43_200), ("90s", 90)] {
            assert_eq!(parse_length(text).unwrap().seconds, seconds, "{text}");
        }
        for text in ["1 month", "0s", "1500ms", "soon", "-1 day"] {
            parse_length(text).unwrap_err();
        }
    }

    #[test]
    fn a_point_in_the_past_is_a_time_or_a_position() {
        assert_eq!(parse_at("#17"), Ok(At::Position(17)));
        assert_eq!(parse_at("17"), Ok(At::Position(17)));
        assert_eq!(parse_at("2026-01-01"), Ok(At::Time(NEW_YEAR)));
        assert!(parse_at("#x").is_err());
    }

    #[test]
    fn a_property_has_the_type_behind_its_key() {
        use property_value::Kind;
        let kind = |text| parse_property(text).map(|(key, value)| (key, value.kind.unwrap()));
        assert_eq!(kind("a=b=c"), Ok(("a".into(), Kind::StringValue("b=c".into()))));
        assert_eq!(kind("a:int=-5"), Ok(("a".into(), Kind::IntValue(-5))));
        assert_eq!(kind("a:number=0.5"), Ok(("a".into(), Kind::DoubleValue(0.5))));
        assert_eq!(kind("a:bool=true"), Ok(("a".into(), Kind::BoolValue(true))));
        assert_eq!(kind("a:time=2026-01-01"), Ok(("a".into(), Kind::TimeValue(NEW_YEAR))));
        assert!(kind("a:number=NaN").is_err());
        assert!(kind("a:colour=red").unwrap_err().contains("text, int, number, bool or time"));
        assert!(kind("a").is_err());
    }

    #[test]
    fn a_contact_has_a_name_and_perhaps_an_address() {
        let contact = parse_contact("Ada Lovelace <ada@charity.example>").unwrap();
        assert_eq!(
            (contact.display_name.as_str(), contact.address.as_str()),
            ("Ada Lovelace", "ada@charity.example")
        );
        assert_eq!(parse_contact("Data team").unwrap().address, "");
        for unclear in ["<a@b>", "Ada <a@b> <>", "Ada <a>b>", "Ada <a", "Ada > b"] {
            assert!(parse_contact(unclear).is_err(), "{unclear}");
        }
    }

    #[test]
    fn an_artifact_keeps_the_commas_of_its_uri() {
        let artifact = parse_artifact("s3://a,b/c?x=1,digest=sha256:00,size=12,type=text/plain").unwrap();
        assert_eq!(artifact.uri, "s3://a,b/c?x=1");
        assert_eq!((artifact.digest.as_str(), artifact.size_bytes), ("sha256:00", 12));
        assert_eq!(artifact.media_type, "text/plain");
    }

    #[test]
    fn a_misspelt_attribute_is_named_with_those_that_exist() {
        assert_eq!(
            parse_artifact("s3://a,sizes=12").unwrap_err(),
            "sizes is not known here: use digest, size, type"
        );
        assert!(parse_artifact("s3://a,size=1,size=2").unwrap_err().contains("twice"));
        assert!(parse_upstream("provider=openai").unwrap_err().contains("model"));
        assert!(parse_dataset("s3://a,rows=-1").is_err());
    }
}
