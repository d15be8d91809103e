//! Versions: what a caller may say about one while it is a draft.

pub mod dimension;

use self::dimension::{Dimensions, check_dimensions};
use super::{
    canonical,
    check::{Check, Violations},
    filter::{FieldPath, FieldType, FieldValue, Filterable, Schema},
    lifecycle::{Decision, Deprecation, Hold, Restoration, Retirement, UpstreamEnd, VersionState},
    mask::masked,
    metadata::{Labels, Properties, check_labels, check_properties, label, text},
    name::{IncidentName, UpstreamName, VersionLabel, VersionName},
    refusal::{Reason, Refusal},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A file of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where it is.
    pub uri: String,
    /// `sha256:…`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// Bytes; 0 means unknown.
    #[serde(default)]
    pub size_bytes: i64,
    /// IANA media type.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub media_type: String,
}

/// What a rented version is called where it is rented.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UpstreamReference {
    /// Who sells it.
    pub provider: String,
    /// The provider's id.
    pub model_id: String,
    /// How it is bought.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
}

impl UpstreamReference {
    /// Whether its parts have the right lengths and characters.
    pub fn is_well_formed(&self) -> bool {
        let mut violations = Violations::new();
        self.check(&mut violations);
        violations.is_empty()
    }
}

impl Check for UpstreamReference {
    fn check(&self, violations: &mut Violations) {
        violations.text("provider", &self.provider, 1, 128);
        violations.text("model_id", &self.model_id, 1, 250);
        violations.text("channel", &self.channel, 0, 128);
        violations.text("region", &self.region, 0, 128);
    }
}

/// A data set by reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetReference {
    /// Where it is.
    pub uri: String,
    /// `sha256:…`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// Rows; 0 means unknown.
    #[serde(default)]
    pub row_count: i64,
}

impl Check for DatasetReference {
    fn check(&self, violations: &mut Violations) {
        violations.uri("uri", &self.uri);
        violations.optional_digest("digest", &self.digest);
        violations.count("row_count", self.row_count);
    }
}

/// What a version was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A data set.
    Dataset(DatasetReference),
    /// A training run, by URI.
    RunUri(String),
    /// Another version.
    ParentVersion(VersionName),
}

impl Check for Source {
    fn check(&self, violations: &mut Violations) {
        match self {
            Source::Dataset(dataset) => violations.within("dataset", |v| dataset.check(v)),
            Source::RunUri(uri) => violations.uri("run_uri", uri),
            Source::ParentVersion(_) => {}
        }
    }
}

/// What a caller says about a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionContent {
    /// Its own name, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// What is new.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// What it is called where it is rented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamReference>,
    /// What it was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Typed custom properties.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
    /// Short keys and values to filter by.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What its evaluations may be broken down by.
    #[serde(default, skip_serializing_if = "Dimensions::is_empty")]
    pub dimensions: Dimensions,
}

masked!(VersionContent { label, description, artifacts, upstream, sources, properties, labels, dimensions });

impl VersionContent {
    /// The label, where there is one. Checked content has a well-formed one.
    pub fn label(&self) -> Option<VersionLabel> {
        VersionLabel::new(&self.label).ok()
    }

    /// The versions that it was made from.
    pub fn parents(&self) -> impl Iterator<Item = &VersionName> {
        self.sources.iter().filter_map(|source| match source {
            Source::ParentVersion(name) => Some(name),
            _ => None,
        })
    }

    /// Digest of the canonical JSON of this content.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(canonical::digest(&canonical::to_vec(self)?))
    }
}

impl Check for VersionContent {
    fn check(&self, violations: &mut Violations) {
        if !self.label.is_empty()
            && let Err(error) = VersionLabel::new(&self.label)
        {
            violations.add("label", error.0);
        }
        violations.text("description", &self.description, 0, 4_000);
        violations.at_most("artifacts", self.artifacts.len(), 100);
        for (index, artifact) in self.artifacts.iter().enumerate() {
            violations.within(&format!("artifacts[{index}]"), |v| {
                v.uri("uri", &artifact.uri);
                v.optional_digest("digest", &artifact.digest);
                v.count("size_bytes", artifact.size_bytes);
                v.text("media_type", &artifact.media_type, 0, 128);
            });
        }
        if let Some(upstream) = &self.upstream {
            violations.within("upstream", |v| upstream.check(v));
        }
        violations.at_most("sources", self.sources.len(), 100);
        for (index, source) in self.sources.iter().enumerate() {
            violations.within(&format!("sources[{index}]"), |v| source.check(v));
        }
        check_labels(&self.labels, violations);
        check_properties(&self.properties, violations);
        check_dimensions(&self.dimensions, violations);
    }
}

/// A registered version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its name.
    pub name: VersionName,
    /// What its owners say.
    #[serde(flatten)]
    pub content: VersionContent,
    /// Where it stands in its life.
    pub state: VersionState,
    /// Digest of the frozen content; empty while it is a draft.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_digest: String,
    /// The submission for review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Decision>,
    /// The approval or rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Decision>,
    /// The deprecation in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Deprecation>,
    /// The last time that a deprecation was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reinstatement: Option<Decision>,
    /// The retirement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retirement: Option<Retirement>,
    /// How it is back for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoration: Option<Restoration>,
    /// The quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The last time that a quarantine was lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Decision>,
    /// No sunset lies before this time, as callers were promised at the approval.
    #[serde(rename = "not_sooner_than_time", default, skip_serializing_if = "Option::is_none")]
    pub not_sooner_than: Option<Timestamp>,
    /// When its provider ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_end: Option<UpstreamEnd>,
    /// The incidents that it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_incidents: Vec<IncidentName>,
    /// The archiving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archival: Option<Decision>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Version {
    /// A new draft.
    pub fn create(name: VersionName, content: VersionContent, now: Timestamp) -> Self {
        Version {
            name,
            content,
            state: VersionState::Draft,
            content_digest: String::new(),
            submission: None,
            review: None,
            deprecation: None,
            reinstatement: None,
            retirement: None,
            restoration: None,
            hold: None,
            release: None,
            not_sooner_than: None,
            upstream_end: None,
            open_incidents: Vec::new(),
            archival: None,
            create_time: now,
            update_time: now,
        }
    }

    /// The record about the rented model that it rests on, if it does.
    pub fn upstream(&self) -> Option<UpstreamName> {
        let key = self.content.upstream.clone()?;
        Some(UpstreamName { namespace: self.name.model.namespace.clone(), key })
    }

    /// The draft with other content; later states are frozen.
    pub fn update(self, content: VersionContent, now: Timestamp) -> Result<Self, Vec<Refusal>> {
        if self.state != VersionState::Draft {
            let sentence = format!(
                "the content is frozen since the version was submitted (it is {}); create a new version instead",
                self.state.word()
            );
            return Err(vec![Refusal::new(Reason::VersionFrozen, &self.name, sentence)]);
        }
        Ok(Version { content, update_time: now, ..self })
    }
}

/// Refuses sources that do not exist.
pub fn missing_sources<'a>(missing: impl Iterator<Item = &'a VersionName>) -> Vec<Refusal> {
    missing
        .map(|name| {
            let sentence =
                "it is named as a parent version but does not exist; create it first or correct the name";
            Refusal::new(Reason::SourceMissing, name, sentence)
        })
        .collect()
}

/// What a filter may ask of a version.
pub const FILTER_SCHEMA: Schema = Schema::new(&[
    ("number", FieldType::Int),
    ("label", FieldType::Text),
    ("description", FieldType::Text),
    (
        "state",
        FieldType::Enum(&["DRAFT", "CANDIDATE", "APPROVED", "DEPRECATED", "RETIRED", "REJECTED", "ARCHIVED"]),
    ),
    ("labels", FieldType::TextMap),
    ("create_time", FieldType::Time),
    ("update_time", FieldType::Time),
]);

impl Filterable for Version {
    fn field<'a>(&'a self, path: &FieldPath) -> FieldValue<'a> {
        match path.field() {
            "number" => FieldValue::Int(i64::from(self.name.number.get())),
            "label" => text(&self.content.label),
            "description" => text(&self.content.description),
            "state" => FieldValue::Enum(self.state.word()),
            "labels" => label(&self.content.labels, path),
            "create_time" => FieldValue::Time(self.create_time.micros()),
            "update_time" => FieldValue::Time(self.update_time.micros()),
            _ => FieldValue::Missing,
        }
    }
}
