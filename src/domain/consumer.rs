//! Consumers: the programs that use a model, and who answers for them.

use super::{
    check::{Check, Violations},
    lifecycle::Decision,
    mask::masked,
    model::Contact,
    name::{ConsumerName, VersionNumber},
    refusal::{Reason, Refusal},
    time::{HOUR, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Uses of a version are recorded at most this often.
const RECORDED_EVERY: i64 = HOUR;
/// Versions whose last use is kept; those used longest ago go first.
const MOST_USES: usize = 50;

/// What a caller says about a consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerContent {
    /// What the program does with the model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who answers for the program.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Whom to reach.
    #[serde(default, skip_serializing_if = "Contact::is_empty")]
    pub contact: Contact,
}

masked!(ConsumerContent { description, owner, contact });

impl Check for ConsumerContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("description", &self.description, 0, 4_000);
        violations.text("owner", &self.owner, 1, 200);
        violations.within("contact", |v| self.contact.check(v));
    }
}

/// What a consumer does with one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// When it first asked for the version.
    pub first_time: Timestamp,
    /// When it last asked for the version, to the hour.
    pub last_time: Timestamp,
}

/// That a consumer knows of a sunset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The version.
    pub version: VersionNumber,
    /// The sunset that is known of; a later one needs no new acknowledgement, an
    /// earlier one does.
    pub sunset_time: Timestamp,
    /// Who said so, when and in which words.
    pub decision: Decision,
}

/// That a consumer is spared the brownouts of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exemption {
    /// The version.
    pub version: VersionNumber,
    /// Who granted it, when and why.
    pub decision: Decision,
}

/// A program that uses a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// Its name.
    pub name: ConsumerName,
    /// What is said about it.
    #[serde(flatten)]
    pub content: ConsumerContent,
    /// What it uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<VersionNumber, Use>,
    /// What it knows of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledgements: Vec<Acknowledgement>,
    /// What it is spared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
    /// Who registered it.
    pub registrar: String,
    /// When it was registered.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Consumer {
    /// A new consumer.
    pub fn register(name: ConsumerName, content: ConsumerContent, registrar: String, now: Timestamp) -> Self {
        Consumer {
            name,
            content,
            uses: BTreeMap::new(),
            acknowledgements: Vec::new(),
            exemptions: Vec::new(),
            registrar,
            create_time: now,
            update_time: now,
        }
    }

    /// The consumer with other content.
    pub fn update(self, content: ConsumerContent, now: Timestamp) -> Self {
        Consumer { content, update_time: now, ..self }
    }

    /// Whether it has ever asked for a version, as far as that is recorded.
    pub fn has_used(&self, version: VersionNumber) -> bool {
        self.uses.contains_key(&version)
    }

    /// Whether a use at a time is worth recording: the first, or an hour later.
    pub fn is_news(&self, version: VersionNumber, time: Timestamp) -> bool {
        self.uses.get(&version).is_none_or(|one| time.micros_since(one.last_time) >= RECORDED_EVERY)
    }

    /// The consumer after it asked for a version.
    pub fn used(mut self, version: VersionNumber, time: Timestamp, now: Timestamp) -> Self {
        let one = self.uses.entry(version).or_insert(Use { first_time: time, last_time: time });
        one.last_time = one.last_time.max(time);
        if self.uses.len() > MOST_USES {
            let oldest = self.uses.iter().min_by_key(|(_, one)| one.last_time).map(|(number, _)| *number);
            oldest.map(|number| self.uses.remove(&number));
        }
        Consumer { update_time: now, ..self }
    }

    /// Whether it knows that a version ends then or earlier.
    pub fn knows_of(&self, version: VersionNumber, sunset: Timestamp) -> bool {
        self.acknowledgements.iter().any(|known| known.version == version && known.sunset_time <= sunset)
    }

    /// The consumer that knows of a sunset.
    pub fn acknowledge(mut self, version: VersionNumber, sunset_time: Timestamp, decision: Decision) -> Self {
        let update_time = decision.time;
        self.acknowledgements.retain(|known| known.version != version);
        self.acknowledgements.push(Acknowledgement { version, sunset_time, decision });
        Consumer { update_time, ..self }
    }

    /// Refuses whoever registered it: an exemption is granted by somebody else.
    pub fn require_other(&self, actor: &str) -> Result<(), Vec<Refusal>> {
        if self.registrar != actor {
            return Ok(());
        }
        let sentence = format!("{actor:?} registered it; somebody else has to grant the exemption");
        Err(vec![Refusal::new(Reason::ConsumerOwn, &self.name, sentence)])
    }

    /// Whether it is spared the brownouts of a version.
    pub fn is_exempt(&self, version: VersionNumber) -> bool {
        self.exemptions.iter().any(|exemption| exemption.version == version)
    }

    /// The consumer that is spared the brownouts of a version.
    pub fn exempt(mut self, version: VersionNumber, decision: Decision) -> Self {
        let update_time = decision.time;
        self.exemptions.retain(|exemption| exemption.version != version);
        self.exemptions.push(Exemption { version, decision });
        Consumer { update_time, ..self }
    }
}
