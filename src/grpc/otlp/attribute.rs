//! Attributes: which version a data point is of, and the few codes that are kept.

use crate::domain::{
    name::{AliasId, ModelId, ModelName, NamespaceId, VersionNumber},
    version::dimension::{Dimensions, OTHER},
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use std::collections::BTreeMap;

const NAMESPACE: &str = "steward.namespace";
const MODEL: &str = "steward.model";
const VERSION: &str = "steward.version";
const ALIAS: &str = "steward.alias";
/// What the metric counts, of few kinds: it becomes part of the metric's name.
pub const TOKEN_TYPE: &str = "gen_ai.token.type";
/// The same.
pub const EVALUATION_NAME: &str = "gen_ai.evaluation.name";

/// Attributes that may become keys of a slice, if the version declares them.
const SLICES: [&str; 6] = [
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.evaluation.score.label",
    "error.type",
];

/// The attributes that are looked at; no other leaves this file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(BTreeMap<&'static str, String>);

/// A version, as attributes name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// By its number.
    Number(ModelName, VersionNumber),
    /// What an alias points to now.
    Alias(ModelName, AliasId),
}

impl Attributes {
    /// Takes what is known and leaves the rest, content in particular.
    pub fn read(attributes: Vec<KeyValue>) -> Self {
        let named = [NAMESPACE, MODEL, VERSION, ALIAS, TOKEN_TYPE, EVALUATION_NAME];
        let known = |key: &str| named.into_iter().chain(SLICES).find(|known| *known == key);
        let read = |KeyValue { key, value, .. }| Some((known(&key)?, text(value?)?));
        Attributes(attributes.into_iter().filter_map(read).collect())
    }

    /// With those of the resource where a point has none of its own.
    pub fn over(self, resource: &Attributes) -> Self {
        let mut all = resource.0.clone();
        all.extend(self.0);
        Attributes(all)
    }

    /// The value of one of them.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The version that they name.
    pub fn which(&self) -> Result<Which, String> {
        let model =
            self.get(MODEL).ok_or_else(|| format!("no attribute {MODEL}: set it to the model's id"))?;
        let bad =
            |key: &'static str| move |error: crate::domain::name::NameError| format!("{key} {}", error.0);
        let namespace = NamespaceId::new(self.get(NAMESPACE).unwrap_or("default")).map_err(bad(NAMESPACE))?;
        let model = ModelName { namespace, model: ModelId::new(model).map_err(bad(MODEL))? };
        match (self.get(VERSION), self.get(ALIAS)) {
            (Some(number), _) => {
                let number = number.parse().map_err(|_| format!("{VERSION} is not a number such as 2"))?;
                Ok(Which::Number(model, VersionNumber::new(number).map_err(bad(VERSION))?))
            }
            (None, Some(alias)) => Ok(Which::Alias(model, AliasId::new(alias).map_err(bad(ALIAS))?)),
            (None, None) => Err(format!("no attribute {VERSION} or {ALIAS}: set one of them")),
        }
    }

    /// The slice that they make of what a version declares.
    pub fn slice(&self, dimensions: &Dimensions) -> BTreeMap<String, String> {
        let code = |key: &'static str| {
            let (dimension, value) = (dimensions.get(key)?, self.get(key)?);
            let code = if dimension.allows(value) { value } else { OTHER };
            Some((key.to_owned(), code.to_owned()))
        };
        SLICES.into_iter().filter_map(code).collect()
    }
}

fn text(value: AnyValue) -> Option<String> {
    match value.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}
