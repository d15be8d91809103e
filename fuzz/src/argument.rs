//! Values on the command line: a value that is accepted can be written down again and
//! then means the same, and every measurement can be said in words.

use super::{
    choice::text_of,
    message::{CONTRACT, draw},
};
use arbitrary::Unstructured;
use steward_registry::{
    cli::{
        argument::{self, At},
        point,
    },
    proto::v1::{MetricPoint, metric_point::Value},
};

/// The input as each kind of value, and as a measurement from a server.
pub fn check(data: &[u8]) {
    let descriptor = CONTRACT.get_message_by_name("steward.v1.MetricPoint").expect("it is in the contract");
    if let Ok(drawn) = draw(&mut Unstructured::new(data), &descriptor) {
        let point: MetricPoint = drawn.transcode_to().expect("one contract");
        assert!(!point::point_words(&point).is_empty());
    }
    let Some(text) = text_of(data) else { return };
    values(text);
    references(text);
    measurements(text);
}

fn values(text: &str) {
    if let Ok((key, value)) = argument::parse_pair(text) {
        assert_eq!(format!("{key}={value}"), text);
        assert!(!key.is_empty());
    }
    if let Ok(position) = argument::parse_position(text) {
        assert_eq!(argument::parse_at(&format!("#{position}")), Ok(At::Position(position)));
        assert_eq!(argument::parse_at(text), Ok(At::Position(position)));
    }
    if let Ok(number) = argument::parse_finite(text) {
        assert!(number.is_finite());
        assert_eq!(argument::parse_finite(&number.to_string()), Ok(number));
    }
    if let Ok(count) = argument::parse_count(text) {
        assert!(count >= 0);
        assert_eq!(argument::parse_count(&count.to_string()), Ok(count));
    }
    if let Ok((key, property)) = argument::parse_property(text) {
        assert!(text.starts_with(&key) && property.kind.is_some());
    }
}

fn references(text: &str) {
    if let Ok(contact) = argument::parse_contact(text) {
        let written = match contact.address.as_str() {
            "" => contact.display_name.clone(),
            address => format!("{} <{address}>", contact.display_name),
        };
        assert_eq!(argument::parse_contact(&written).as_ref(), Ok(&contact), "{written:?}");
    }
    if let Ok(artifact) = argument::parse_artifact(text) {
        let given = [
            ("digest", artifact.digest.clone()),
            ("size", artifact.size_bytes.to_string()),
            ("type", artifact.media_type.clone()),
        ];
        let written = with_attributes(&artifact.uri, &given);
        assert_eq!(argument::parse_artifact(&written).as_ref(), Ok(&artifact), "{written:?}");
    }
    if let Ok(dataset) = argument::parse_dataset(text) {
        let given = [("digest", dataset.digest.clone()), ("rows", dataset.row_count.to_string())];
        let written = with_attributes(&dataset.uri, &given);
        assert_eq!(argument::parse_dataset(&written).as_ref(), Ok(&dataset), "{written:?}");
    }
    if let Ok(upstream) = argument::parse_upstream(text) {
        let given = [("model", upstream.model_id.clone()), ("channel", upstream.channel.clone())];
        let written = with_attributes(&format!("provider={}", upstream.provider), &given);
        let region = format!("{written},region={}", upstream.region);
        assert_eq!(argument::parse_upstream(&region).as_ref(), Ok(&upstream), "{region:?}");
    }
}

fn with_attributes(head: &str, given: &[(&str, String)]) -> String {
    let given = given.iter().map(|(key, value)| format!(",{key}={value}"));
    std::iter::once(head.to_owned()).chain(given).collect()
}

fn measurements(text: &str) {
    let parsers = [point::parse_rate, point::parse_value, point::parse_moments, point::parse_usage];
    for parse in parsers {
        let Ok(point) = parse(text) else { continue };
        assert!(point::point_words(&point).starts_with(&point.metric));
        match &point.value {
            Some(Value::Rate(rate)) => assert!(rate.k >= 0 && rate.n >= 0),
            Some(Value::Plain(plain)) => assert!(plain.value.is_finite() && plain.n >= 0),
            Some(Value::Moments(moments)) => {
                assert!([moments.mean, moments.m2, moments.min, moments.max].iter().all(|n| n.is_finite()));
            }
            Some(Value::Usage(usage)) => money(text, usage.cost_micros),
            other => panic!("{text:?} was read as {other:?}"),
        }
    }
}

/// Money is read exactly: by counting digits here, and again from what was read.
fn money(text: &str, micros: i64) {
    let written = format!("requests=1,cost={}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let Some(Value::Usage(again)) = point::parse_usage(&written).unwrap().value else {
        panic!("{written} is no usage");
    };
    assert_eq!(again.cost_micros, micros, "{written}");
    let cost = text.split(',').find_map(|part| part.trim().strip_prefix("cost="));
    let (whole, fraction) = cost.map_or(("0", ""), |cost| cost.split_once('.').unwrap_or((cost, "")));
    let millionths = fraction.bytes().zip([100_000, 10_000, 1_000, 100, 10, 1]);
    let fraction: i64 = millionths.map(|(digit, unit)| i64::from(digit - b'0') * unit).sum();
    assert_eq!((micros / 1_000_000, micros % 1_000_000), (whole.parse().unwrap(), fraction), "{text:?}");
}
