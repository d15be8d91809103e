//! Which events somebody wants, by what they are.

use super::EventType;
use crate::domain::{check::Violations, person::Personal, resource::ResourceName};
use serde::{Deserialize, Serialize};

/// Which events are wanted. Empty lists match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resource_prefixes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    actors: Vec<String>,
}

impl EventFilter {
    /// Checks what a caller gives. Types may stand without `steward.v1.`;
    /// resources are brought to the form in which events name them.
    pub fn new(types: &[String], resources: &[String], actors: &[String]) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        violations.at_most("types", types.len(), 50);
        violations.at_most("resource_prefixes", resources.len(), 100);
        violations.at_most("actors", actors.len(), 50);
        let mut filter = EventFilter { actors: actors.to_vec(), ..Self::default() };
        for (index, word) in types.iter().enumerate() {
            match EventType::parse(word) {
                Some(kind) => filter.types.push(kind.as_str().to_owned()),
                None => violations.add(
                    &format!("types[{index}]"),
                    format!(
                        "{word:?} is no event type; use one such as {}",
                        EventType::VersionApproved.as_str()
                    ),
                ),
            }
        }
        for (index, text) in resources.iter().enumerate() {
            match ResourceName::parse_any(text) {
                Ok(name) => filter.resource_prefixes.push(name.to_string()),
                Err(error) => violations.add(&format!("resource_prefixes[{index}]"), error.0),
            }
        }
        violations.into_result().map(|()| filter)
    }

    /// The types that are wanted.
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// The resources that are wanted, with all below them.
    pub fn resource_prefixes(&self) -> &[String] {
        &self.resource_prefixes
    }

    /// The actors that are wanted.
    pub fn actors(&self) -> &[String] {
        &self.actors
    }

    /// The same filter that wants what these have done, too.
    pub fn with_actors(&self, more: impl IntoIterator<Item = String>) -> Self {
        let mut filter = self.clone();
        filter.actors.extend(more);
        filter
    }

    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.resource_prefixes.is_empty() && self.actors.is_empty()
    }

    /// Whether an event of a type, about a resource, by somebody is wanted.
    pub fn matches(&self, kind: &str, subject: &str, actor: &str) -> bool {
        let below = |prefix: &String| {
            subject.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind))
            && (self.actors.is_empty() || self.actors.iter().any(|wanted| wanted == actor))
            && (self.resource_prefixes.is_empty() || self.resource_prefixes.iter().any(below))
    }
}

impl Personal for EventFilter {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.actors.iter_mut().for_each(see);
    }
}
