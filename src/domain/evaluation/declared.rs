//! Evaluations use only keys and codes that their version declares.

use super::point::{Bins, MetricPoint, PointValue};
use crate::domain::{
    lifecycle::VersionState,
    refusal::{Reason, Refusal},
    version::{
        Version,
        dimension::{Dimension, Dimensions},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// So many codes or keys are listed; a list has to fit into an error.
const MOST_LISTED: usize = 12;

/// What a version does not declare of the keys and codes that points use: a refusal
/// for each key.
pub fn undeclared(points: &[MetricPoint], version: &Version) -> Vec<Refusal> {
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for point in points {
        for (key, code) in &point.slice {
            used.entry(key).or_default().insert(code);
        }
        match &point.value {
            PointValue::Histogram(histogram) => {
                if let Bins::Categorical { attribute, categories } = &histogram.bins {
                    used.entry(attribute).or_default().extend(categories.iter().map(String::as_str));
                }
            }
            PointValue::Confusion(confusion) => {
                let groups = confusion.groups.iter().map(|group| group.group.as_str());
                used.entry(&confusion.attribute).or_default().extend(groups);
            }
            _ => {}
        }
    }
    let dimensions = &version.content.dimensions;
    let refusal = |(key, codes): (&str, BTreeSet<&str>)| match dimensions.get(key) {
        None => Some(no_dimension(key, version)),
        Some(dimension) => {
            let unknown: Vec<&str> = codes.into_iter().filter(|code| !dimension.allows(code)).collect();
            (!unknown.is_empty()).then(|| no_code(key, &unknown, dimension, version))
        }
    };
    used.into_iter().filter_map(refusal).collect()
}

fn no_dimension(key: &str, version: &Version) -> Refusal {
    let dimensions: &Dimensions = &version.content.dimensions;
    let declared = match dimensions.is_empty() {
        true => "no dimensions".to_owned(),
        false => list(dimensions.keys().map(String::as_str)),
    };
    let sentence = format!(
        "{key:?} is not among its dimensions: it declares {declared}; leave the slice, histogram or group \
         table by {key:?} out, or {}",
        how_to_declare(version)
    );
    Refusal::new(Reason::DimensionNotDeclared, &version.name, sentence).with("key", key)
}

fn no_code(key: &str, unknown: &[&str], dimension: &Dimension, version: &Version) -> Refusal {
    let sentence = format!(
        "it does not declare {} as codes of {key:?}, but {} (and OTHER); record them as OTHER, or {}",
        list(unknown.iter().copied()),
        list(dimension.codes.iter().map(String::as_str)),
        how_to_declare(version)
    );
    let refusal = Refusal::new(Reason::CodeNotDeclared, &version.name, sentence).with("key", key);
    match unknown.first() {
        Some(code) => refusal.with("code", code),
        None => refusal,
    }
}

fn how_to_declare(version: &Version) -> &'static str {
    match version.state {
        VersionState::Draft => "update the draft's `dimensions`",
        _ => "create a version that declares it, because the content of this one is frozen",
    }
}

fn list<'a>(words: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = words.len().saturating_sub(MOST_LISTED);
    let listed: Vec<String> = words.take(MOST_LISTED).map(|word| format!("{word:?}")).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", listed.join(", "))
}
