//! Versions as people see them.

use super::{
    decision_view::{decision_lines, gate_lines, policy_words},
    name,
    property::property_words,
    refusal::in_words,
    sunset_view,
    table::{Facts, Table, day, pairs, printable, time, version_words, word},
};
use crate::proto::v1::{
    Artifact, DatasetReference, Deprecation, Dimension, ResolveVersionResponse, Source, UpstreamReference,
    Version, VersionState, source,
};

/// The state in a word, such as `APPROVED`.
pub fn state_word(version: &Version) -> String {
    word(version.state().as_str_name(), "VERSION_STATE_")
}

/// The state, and what else keeps it from being used.
fn standing(version: &Version) -> String {
    let state = state_word(version);
    if version.hold.is_some() { format!("{state} (on hold)") } else { state }
}

/// The key facts of a version.
pub fn facts(version: &Version) -> Facts {
    let review = if was_rejected(version) { "Rejected" } else { "Approved" };
    let facts = Facts::new()
        .add("Version", format!("{} of {}", name::id(&version.name), name::id(name::parent(&version.name))))
        .add("Label", &version.label)
        .add("State", standing(version))
        .add("Description", &version.description);
    sunset_view::facts(facts, version)
        .add_lines("Artifacts", version.artifacts.iter().map(artifact_words))
        .add("Upstream", version.upstream.as_ref().map(upstream_words).unwrap_or_default())
        .add_lines("Made from", version.sources.iter().map(source_words))
        .add("Tags", pairs(&version.labels))
        .add_lines("Properties", version.properties.iter().map(property_words))
        .add_lines("Dimensions", version.dimensions.iter().map(dimension_words))
        .add("Created", time(version.create_time))
        .add_lines("Submitted", decision_lines(version.submission.as_ref()))
        .add_lines(review, decision_lines(version.review.as_ref()))
        .add("Policy", policy_words(version.review.as_ref()))
        .add_lines("Gates", gate_lines(version.review.as_ref()))
        .add_lines("Archived", decision_lines(version.archival.as_ref()))
        .add("Content digest", &version.content_digest)
        .add("Etag", &version.etag)
        .add("Full name", &version.name)
}

/// Only a version that was approved can be retired before it is archived.
fn was_rejected(version: &Version) -> bool {
    match version.state() {
        VersionState::Rejected => true,
        VersionState::Archived => version.retirement.is_none(),
        _ => false,
    }
}

/// The versions of one model as a table.
pub fn table(versions: &[Version]) -> Table {
    let mut table = Table::new(["NUMBER", "LABEL", "STATE", "SUNSET", "REPLACEMENT", "CHANGED"]);
    for version in versions {
        let deprecation = version.deprecation.as_ref();
        table.row([
            name::id(&version.name),
            version.label.clone(),
            standing(version),
            day(version.effective_sunset_time.or(deprecation.and_then(|d| d.sunset_time))),
            deprecation.map(|d| replacement_words(version, d)).unwrap_or_default(),
            day(version.update_time),
        ]);
    }
    table
}

/// The answer of a resolution: which version, what to know, where its content is.
pub fn resolved(answer: &ResolveVersionResponse) -> String {
    let Some(version) = &answer.version else {
        return "The server named no version.\n".to_owned();
    };
    let by = match answer.alias.as_str() {
        "" => String::new(),
        alias => format!("{} is ", name::id(alias)),
    };
    let mut text = format!("Use {} ({by}{}).\n", version_words(&version.name), state_word(version));
    for warning in &answer.warnings {
        text.push_str(&format!("Warning ({}): {}\n", warning.code, in_words(&warning.message)));
    }
    let facts = Facts::new()
        .add("Label", &version.label)
        .add_lines("Artifacts", version.artifacts.iter().map(artifact_words))
        .add("Upstream", version.upstream.as_ref().map(upstream_words).unwrap_or_default())
        .add("Content digest", &version.content_digest)
        .add("Full name", &version.name);
    format!("{}{}", printable(&text), facts.text())
}

/// The replacement, with its model only when that is another one.
fn replacement_words(version: &Version, deprecation: &Deprecation) -> String {
    let replacement = &deprecation.replacement;
    match replacement.as_str() {
        "" => "none".to_owned(),
        _ if name::parent(replacement) == name::parent(&version.name) => name::id(replacement),
        _ => version_words(replacement),
    }
}

/// `region: north, south`.
fn dimension_words((key, dimension): (&String, &Dimension)) -> String {
    format!("{key}: {}", dimension.codes.join(", "))
}

fn artifact_words(artifact: &Artifact) -> String {
    let size = (artifact.size_bytes > 0).then(|| format!("{} bytes", artifact.size_bytes));
    joined(&artifact.uri, [Some(artifact.digest.clone()), size, Some(artifact.media_type.clone())])
}

fn dataset_words(dataset: &DatasetReference) -> String {
    let rows = (dataset.row_count > 0).then(|| format!("{} rows", dataset.row_count));
    joined(&dataset.uri, [Some(dataset.digest.clone()), rows])
}

fn upstream_words(upstream: &UpstreamReference) -> String {
    joined(
        &format!("{} of {}", upstream.model_id, upstream.provider),
        [&upstream.channel, &upstream.region].map(|part| Some(part.clone())),
    )
}

fn source_words(source: &Source) -> String {
    match &source.kind {
        Some(source::Kind::Dataset(dataset)) => format!("data set {}", dataset_words(dataset)),
        Some(source::Kind::RunUri(uri)) => format!("run {uri}"),
        Some(source::Kind::ParentVersion(version)) => version_words(version),
        None => String::new(),
    }
}

fn joined<const N: usize>(head: &str, details: [Option<String>; N]) -> String {
    let details: Vec<String> = details.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if details.is_empty() { head.to_owned() } else { format!("{head} ({})", details.join(", ")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::proto::v1::{Decision, Retirement, Warning};

    fn fundraising(number: u32, state: VersionState) -> Version {
        Version {
            name: format!("namespaces/default/models/fundraising/versions/{number}"),
            state: state.into(),
            ..Version::default()
        }
    }

    fn deprecated() -> Version {
        Version {
            deprecation: Some(Deprecation {
                sunset_time: Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 0 }),
                replacement: "namespaces/default/models/fundraising/versions/2".into(),
                ..Deprecation::default()
            }),
            ..fundraising(1, VersionState::Deprecated)
        }
    }

    #[test]
    fn a_deprecated_version_shows_its_sunset_and_its_replacement() {
        let text = table(&[deprecated()]).text();
        assert_eq!(
            text,
            "NUMBER  LABEL  STATE       SUNSET      REPLACEMENT  CHANGED\n\
             1              DEPRECATED  2026-01-01  2\n"
        );
        assert!(facts(&deprecated()).text().contains("version 2 of fundraising"));
    }

    #[test]
    fn a_rejected_version_stays_a_rejected_one_when_it_is_archived() {
        let decision = Some(Decision { actor: "ada".into(), ..Decision::default() });
        let archived = Version { review: decision, ..fundraising(1, VersionState::Archived) };
        assert!(facts(&archived).text().contains("Rejected:"));
        let retired_before = Version { retirement: Some(Retirement::default()), ..archived };
        assert!(facts(&retired_before).text().contains("Approved:"));
    }

    #[test]
    fn a_resolution_says_what_to_use_and_warns() {
        let answer = ResolveVersionResponse {
            version: Some(deprecated()),
            alias: "namespaces/default/models/fundraising/aliases/production".into(),
            warnings: vec![Warning {
                code: "VERSION_DEPRECATED".into(),
                message: "Move to version 2.".into(),
            }],
        };
        let text = resolved(&answer);
        assert!(text.starts_with("Use version 1 of fundraising (production is DEPRECATED).\n"), "{text}");
        assert!(text.contains("\nWarning (VERSION_DEPRECATED): Move to version 2.\n"), "{text}");
    }

    #[test]
    fn an_artifact_is_shown_with_what_is_known_of_it() {
        let artifact = Artifact { uri: "s3://a".into(), size_bytes: 5, ..Artifact::default() };
        assert_eq!(artifact_words(&artifact), "s3://a (5 bytes)");
        assert_eq!(artifact_words(&Artifact { size_bytes: 0, ..artifact }), "s3://a");
    }
}
