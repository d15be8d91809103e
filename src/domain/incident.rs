//! Incidents: what went wrong, and which versions are in it.

use super::{
    check::{Check, Violations},
    lifecycle::Decision,
    name::{IncidentName, VersionName},
    refusal::{Reason, Refusal},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a caller says about an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentContent {
    /// What happened, in a line.
    pub title: String,
    /// What is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it is worked on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uri: String,
    /// The versions that are in it.
    pub versions: Vec<VersionName>,
}

impl Check for IncidentContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("title", &self.title, 1, 200);
        violations.text("description", &self.description, 0, 4_000);
        if !self.uri.is_empty() {
            violations.uri("uri", &self.uri);
        }
        if self.versions.is_empty() {
            violations.add("versions", "is required: name the versions that are in it");
        }
        violations.at_most("versions", self.versions.len(), 20);
        for (index, version) in self.versions.iter().enumerate() {
            if self.versions[..index].contains(version) {
                violations.add(&format!("versions[{index}]"), "stands here a second time");
            }
        }
    }
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name.
    pub name: IncidentName,
    /// What is known of it.
    #[serde(flatten)]
    pub content: IncidentContent,
    /// Who opened it, when and why.
    pub opening: Decision,
    /// Who closed it, when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Decision>,
    /// When it was opened.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Incident {
    /// A new incident.
    pub fn open(name: IncidentName, content: IncidentContent, opening: Decision) -> Self {
        let now = opening.time;
        Incident { name, content, opening, closing: None, create_time: now, update_time: now }
    }

    /// The incident, over.
    pub fn close(self, closing: Decision) -> Result<Self, Vec<Refusal>> {
        self.require_open()?;
        Ok(Incident { update_time: closing.time, closing: Some(closing), ..self })
    }

    /// Refuses to rest anything on an incident that is over.
    pub fn require_open(&self) -> Result<(), Vec<Refusal>> {
        match &self.closing {
            None => Ok(()),
            Some(closing) => {
                let sentence = format!("it was closed on {}; open a new incident", closing.time);
                Err(vec![Refusal::new(Reason::IncidentClosed, &self.name, sentence)])
            }
        }
    }
}
