//! Filters as texts: what is accepted keeps the limits and can be evaluated, what is
//! refused says where.

use super::choice::text_of;
use std::sync::LazyLock;
use steward_registry::domain::{
    filter::{Filter, Filterable, MAX_LENGTH, Schema},
    model::{self, Model, ModelContent, ModelKind},
    time::Timestamp,
    version::{self, Version, VersionContent},
};

/// An error quotes little of the filter, and lists fields and their values.
const LONGEST_ERROR: usize = 1_000;

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let content = ModelContent {
        display_name: "Donor chatbot".to_owned(),
        kind: Some(ModelKind::RentedApi),
        data_categories: vec!["donors".to_owned(), "e-mail".to_owned()],
        labels: [("team".to_owned(), "Ärzte".to_owned())].into(),
        ..ModelContent::default()
    };
    let name = "namespaces/default/models/donor%20chatbot".parse().unwrap();
    Model::create(name, content, Timestamp::parse("2026-03-01T00:00:00Z").unwrap())
});

static VERSION: LazyLock<Version> = LazyLock::new(|| {
    let content = VersionContent { label: "1.2.0".to_owned(), ..VersionContent::default() };
    let name = "namespaces/default/models/m/versions/7".parse().unwrap();
    Version::create(name, content, Timestamp::parse("2026-03-01T00:00:00Z").unwrap())
});

/// The input over the fields of models and of versions.
pub fn check(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    over(text, &model::FILTER_SCHEMA, &*MODEL);
    over(text, &version::FILTER_SCHEMA, &*VERSION);
}

fn over<T: Filterable>(text: &str, schema: &Schema, resource: &T) {
    let length = text.chars().count();
    let filter = match Filter::parse(text, schema) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(error.offset <= length, "{text:?}: {error}");
            let sentence = error.to_string();
            assert!(sentence.len() < LONGEST_ERROR, "{text:?}: {sentence}");
            return;
        }
    };
    assert!(length <= MAX_LENGTH);
    let matches = filter.matches(resource);
    assert!(matches || !filter.is_empty());
    // The same in parentheses, with itself and negated, where that keeps the limits.
    for (other, expected) in [
        (format!("({text})"), matches),
        (format!("NOT ({text})"), !matches),
        (format!("({text}) AND ({text})"), matches),
        (format!("({text}) OR ({text})"), matches),
    ] {
        if let (Ok(filter), false) = (Filter::parse(&other, schema), filter.is_empty()) {
            assert_eq!(filter.matches(resource), expected, "{other:?}");
        }
    }
}
