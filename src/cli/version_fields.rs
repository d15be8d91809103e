//! What the command line can say about a version.

use clap::{Args, ValueEnum};
use prost_types::FieldMask;

use super::{
    argument::{parse_artifact, parse_dataset, parse_dimension, parse_pair, parse_property, parse_upstream},
    error::Failure,
    flags::mask_of,
    name,
};
use crate::proto::v1::{
    Artifact, DatasetReference, Dimension, PropertyValue, Source, UpstreamReference, Version, source,
};

/// What is said about a version.
#[derive(Args, Debug, Clone, Default)]
pub struct VersionFields {
    /// A name of its own, such as `2.0.0` or a vendor's model id
    #[arg(long = "label", value_name = "TEXT")]
    label: Option<String>,

    /// What is new in this version
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// A file of the version: where it is, its digest, size in bytes and media type; may be repeated
    #[arg(long = "artifact", value_name = "URI[,digest=…][,size=…][,type=…]", value_parser = parse_artifact)]
    artifacts: Vec<Artifact>,

    /// What the version is called where it is rented
    #[arg(
        long,
        value_name = "provider=…,model=…[,channel=…][,region=…]",
        value_parser = parse_upstream
    )]
    upstream: Option<UpstreamReference>,

    /// A data set that it was made from; may be repeated
    #[arg(long = "dataset", value_name = "URI[,digest=…][,rows=…]", value_parser = parse_dataset)]
    datasets: Vec<DatasetReference>,

    /// A training run that it came from; may be repeated
    #[arg(long = "run-uri", value_name = "URI")]
    run_uris: Vec<String>,

    /// A version that it was made from: a number, MODEL/NUMBER or a full name; may be repeated
    #[arg(long = "parent-version", value_name = "VERSION")]
    parent_versions: Vec<String>,

    /// A key and value to filter by; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = parse_pair)]
    labels: Vec<(String, String)>,

    /// A property with a type: `k=text`, `k:int=5`, `k:number=0.5`, `k:bool=true`,
    /// `k:time=2026-01-01`; may be repeated
    #[arg(long = "property", value_name = "KEY[:TYPE]=VALUE", value_parser = parse_property)]
    properties: Vec<(String, PropertyValue)>,

    /// What its evaluations may be broken down by: a key and its codes, such as `region=north,south`; may be
    /// repeated
    #[arg(long = "dimension", value_name = "KEY=CODE,…", value_parser = parse_dimension)]
    dimensions: Vec<(String, Dimension)>,
}

/// Fields that an update can empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a doc comment would become help text that repeats the word")]
pub enum ClearableField {
    Label,
    Description,
    Artifacts,
    Upstream,
    Sources,
    Tags,
    Properties,
    Dimensions,
}

impl ClearableField {
    fn path(self) -> &'static str {
        match self {
            ClearableField::Label => "label",
            ClearableField::Description => "description",
            ClearableField::Artifacts => "artifacts",
            ClearableField::Upstream => "upstream",
            ClearableField::Sources => "sources",
            ClearableField::Tags => "labels",
            ClearableField::Properties => "properties",
            ClearableField::Dimensions => "dimensions",
        }
    }
}

impl VersionFields {
    /// Which fields were given, by their names in the contract.
    fn paths(&self) -> Vec<&'static str> {
        let sources =
            !(self.datasets.is_empty() && self.run_uris.is_empty() && self.parent_versions.is_empty());
        let given = [
            (self.label.is_some(), "label"),
            (self.description.is_some(), "description"),
            (!self.artifacts.is_empty(), "artifacts"),
            (self.upstream.is_some(), "upstream"),
            (sources, "sources"),
            (!self.labels.is_empty(), "labels"),
            (!self.properties.is_empty(), "properties"),
            (!self.dimensions.is_empty(), "dimensions"),
        ];
        given.into_iter().filter_map(|(is_given, path)| is_given.then_some(path)).collect()
    }

    /// The version that these fields describe; `namespace` and `model` are full names.
    pub fn into_version(self, namespace: &str, model: &str) -> Result<Version, Failure> {
        let datasets = self.datasets.into_iter().map(|dataset| Ok(source::Kind::Dataset(dataset)));
        let runs = self.run_uris.into_iter().map(|uri| Ok(source::Kind::RunUri(uri)));
        let parents = self
            .parent_versions
            .iter()
            .map(|given| name::version_of(namespace, model, given).map(source::Kind::ParentVersion));
        let sources = datasets
            .chain(runs)
            .chain(parents)
            .map(|kind| kind.map(|kind| Source { kind: Some(kind) }))
            .collect::<Result<Vec<_>, Failure>>()?;
        Ok(Version {
            label: self.label.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            artifacts: self.artifacts,
            upstream: self.upstream,
            sources,
            labels: self.labels.into_iter().collect(),
            properties: self.properties.into_iter().collect(),
            dimensions: self.dimensions.into_iter().collect(),
            ..Version::default()
        })
    }

    /// The fields to change: those given and those cleared.
    ///
    /// # Errors
    /// When a field is both given and cleared, or nothing is to be changed.
    pub fn mask(&self, clear: &[ClearableField]) -> Result<FieldMask, Failure> {
        mask_of(self.paths(), clear.iter().map(|field| field.path()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NS: &str = "namespaces/default";
    const MODEL: &str = "namespaces/default/models/m";

    #[test]
    fn all_sources_of_a_version_are_sent_in_the_contracts_form() {
        let fields = VersionFields {
            datasets: vec![parse_dataset("s3://d,rows=5").unwrap()],
            run_uris: vec!["https://runs.example/7".into()],
            parent_versions: vec!["1".into(), "other/3".into()],
            ..VersionFields::default()
        };
        let version = fields.into_version(NS, MODEL).unwrap();
        let kinds: Vec<source::Kind> = version.sources.into_iter().filter_map(|s| s.kind).collect();
        assert_eq!(kinds.len(), 4);
        assert_eq!(kinds[2], source::Kind::ParentVersion(format!("{MODEL}/versions/1")));
        assert_eq!(kinds[3], source::Kind::ParentVersion(format!("{NS}/models/other/versions/3")));
    }

    #[test]
    fn an_update_names_what_was_given_and_what_is_cleared() {
        let fields = VersionFields { label: Some(String::new()), ..VersionFields::default() };
        assert_eq!(fields.mask(&[ClearableField::Tags]).unwrap().paths, ["label", "labels"]);
        assert!(fields.mask(&[ClearableField::Label]).is_err());
        assert!(VersionFields::default().mask(&[]).is_err());
    }
}
