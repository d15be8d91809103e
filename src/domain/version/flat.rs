//! Reading a version. `serde(flatten)` would first collect every field that is
//! not the version's own, and then read it again from there; every read would
//! pay for that. So the fields of the content stand here once more. The conversion names each, so that none can be
//! forgotten.

use super::{Artifact, Source, UpstreamReference, Version, VersionContent};
use crate::domain::{
    lifecycle::{Decision, Deprecation, VersionState},
    metadata::{Labels, Properties},
    name::VersionName,
    time::Timestamp,
};
use serde::Deserialize;

/// A version with the fields of its content beside its own, as it is kept.
#[derive(Deserialize)]
pub(super) struct FlatVersion {
    name: VersionName,
    #[serde(default)]
    label: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    artifacts: Vec<Artifact>,
    upstream: Option<UpstreamReference>,
    #[serde(default)]
    sources: Vec<Source>,
    #[serde(default)]
    properties: Properties,
    #[serde(default)]
    labels: Labels,
    state: VersionState,
    #[serde(default)]
    content_digest: String,
    submission: Option<Decision>,
    review: Option<Decision>,
    deprecation: Option<Deprecation>,
    retirement: Option<Decision>,
    archival: Option<Decision>,
    create_time: Timestamp,
    update_time: Timestamp,
}

impl From<FlatVersion> for Version {
    fn from(flat: FlatVersion) -> Self {
        let FlatVersion { label, description, artifacts, upstream, sources, properties, labels, .. } = flat;
        Version {
            name: flat.name,
            content: VersionContent { label, description, artifacts, upstream, sources, properties, labels },
            state: flat.state,
            content_digest: flat.content_digest,
            submission: flat.submission,
            review: flat.review,
            deprecation: flat.deprecation,
            retirement: flat.retirement,
            archival: flat.archival,
            create_time: flat.create_time,
            update_time: flat.update_time,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::{
        canonical, lifecycle::Successor, metadata::PropertyValue, version::DatasetReference,
    };

    fn decision(reason: &str) -> Option<Decision> {
        Some(Decision { actor: "ann".into(), reason: reason.into(), time: Timestamp::MIN })
    }

    #[test]
    fn a_version_with_every_field_is_read_as_it_was_written() {
        let name: VersionName = "namespaces/default/models/m/versions/1".parse().unwrap();
        let time = |micros| Timestamp::from_micros(micros).unwrap();
        let dataset = DatasetReference { uri: "s3://d".into(), digest: "sha256:1".into(), row_count: 3 };
        let upstream = UpstreamReference {
            provider: "p".into(),
            model_id: "i".into(),
            channel: "c".into(),
            region: "r".into(),
        };
        let content = VersionContent {
            label: "l".into(),
            description: "d".into(),
            artifacts: vec![Artifact { uri: "s3://a".into(), size_bytes: 1, ..Artifact::default() }],
            upstream: Some(upstream),
            sources: vec![Source::Dataset(dataset), Source::ParentVersion(name.clone())],
            properties: [("p".to_owned(), PropertyValue::IntValue(i64::MAX))].into(),
            labels: [("k".to_owned(), "v".to_owned())].into(),
        };
        let deprecation = Deprecation {
            decision: decision("deprecated").unwrap(),
            sunset_time: time(3),
            successor: Successor::Replacement(name.clone()),
        };
        let version = Version {
            name,
            content,
            state: VersionState::Deprecated,
            content_digest: "sha256:2".into(),
            submission: decision("submitted"),
            review: decision("reviewed"),
            deprecation: Some(deprecation),
            retirement: decision("retired"),
            archival: decision("archived"),
            create_time: time(1),
            update_time: time(2),
        };
        let json = canonical::to_vec(&version).unwrap();
        assert_eq!(serde_json::from_slice::<Version>(&json).unwrap(), version);

        let sparse = Version::create(version.name, VersionContent::default(), time(1));
        let json = canonical::to_vec(&sparse).unwrap();
        assert_eq!(serde_json::from_slice::<Version>(&json).unwrap(), sparse);
    }
}
