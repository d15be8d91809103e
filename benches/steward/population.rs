//! What a store is filled with: one model with half of all versions, and many
//! with a hundred each.

use super::Failure;
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeMap;
use steward_registry::{
    domain::{
        check::Valid,
        model::{ModelContent, ModelKind, RiskTier},
        name::{AliasId, AliasName, ModelId, ModelName, NamespaceId, VersionName, VersionNumber},
        version::{Artifact, DatasetReference, Source, VersionContent},
    },
    proto::v1,
    registry::call::{Call, Caller},
};

/// Versions of each model but the first.
const EACH: u32 = 100;
/// The alias of each model's version in production.
pub const ALIAS: &str = "production";
/// Who acts in one of a hundred events.
pub const RARE_ACTOR: &str = "auditor@example.org";

/// The content of a store, by number of versions.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// Versions in all.
    pub versions: u32,
}

impl Population {
    /// At least two models.
    pub fn new(versions: u32) -> Self {
        Population { versions: versions.max(2 * EACH) }
    }

    /// Versions of the first model.
    pub fn largest(&self) -> u32 {
        self.versions / 2
    }

    /// Number of models.
    pub fn models(&self) -> u32 {
        1 + (self.versions - self.largest()).div_ceil(EACH)
    }

    /// The model of a version, and its number there.
    pub fn place(&self, index: u32) -> (u32, u32) {
        match index.checked_sub(self.largest()) {
            None => (0, index + 1),
            Some(rest) => (1 + rest / EACH, 1 + rest % EACH),
        }
    }

    /// The name of a model.
    pub fn model(&self, index: u32) -> Result<ModelName, Failure> {
        let model = ModelId::new(&format!("fundraising-{index:05}"))?;
        Ok(ModelName { namespace: NamespaceId::new("default")?, model })
    }

    /// The name of a version.
    pub fn version(model: &ModelName, number: u32) -> Result<VersionName, Failure> {
        Ok(VersionName { model: model.clone(), number: VersionNumber::new(number.into())? })
    }

    /// The name of a model's alias.
    pub fn alias(model: &ModelName) -> Result<AliasName, Failure> {
        Ok(AliasName { model: model.clone(), alias: AliasId::new(ALIAS)? })
    }

    /// What is said about each model.
    pub fn model_content() -> Result<Valid<ModelContent>, Failure> {
        let content = ModelContent {
            display_name: "Fundraising predictor".to_owned(),
            owner: "data team".to_owned(),
            kind: Some(ModelKind::Own),
            // A trial: its policy asks for no evidence.
            risk_tier: Some(RiskTier::Preview),
            ..ModelContent::default()
        };
        Valid::new(content, "model").map_err(|violations| format!("{violations:?}").into())
    }

    /// What is said about each version: one artifact, one source, two labels.
    pub fn version_content() -> Result<Valid<VersionContent>, Failure> {
        let artifact = Artifact {
            uri: "s3://models/fundraising/model.onnx".to_owned(),
            digest: format!("sha256:{}", "5".repeat(64)),
            size_bytes: 48_113_920,
            media_type: "application/octet-stream".to_owned(),
        };
        let dataset = DatasetReference {
            uri: "s3://data/donations/2026-02.parquet".to_owned(),
            digest: format!("sha256:{}", "7".repeat(64)),
            row_count: 120_000,
        };
        let labels = [("team", "fundraising"), ("framework", "onnx")];
        let content = VersionContent {
            description: "Trained on the donations of February; fewer features.".to_owned(),
            artifacts: vec![artifact],
            sources: vec![Source::Dataset(dataset)],
            labels: BTreeMap::from(labels.map(|(key, value)| (key.to_owned(), value.to_owned()))),
            ..VersionContent::default()
        };
        Valid::new(content, "version").map_err(|violations| format!("{violations:?}").into())
    }

    /// What comes with a change.
    pub fn call(index: u32) -> Result<Call, Failure> {
        Self::call_by(if index % 100 == 7 { RARE_ACTOR } else { "pipeline@example.org" })
    }

    /// A call of somebody else, who approves.
    pub fn review() -> Result<Call, Failure> {
        Self::call_by("reviewer@example.org")
    }

    fn call_by(actor: &str) -> Result<Call, Failure> {
        let caller = Caller {
            actor: actor.to_owned(),
            auth_type: "unauthenticated",
            traceparent: None,
            waits_for_checkpoint: false,
        };
        Call::new(caller, "", "filled by the benchmark", "", false)
            .map_err(|violations| format!("{violations:?}").into())
    }

    /// Requests for versions all over the store, ready to send.
    pub fn get_requests(&self, count: u32) -> Result<Vec<Bytes>, Failure> {
        let request = |index| {
            let (model, number) = self.place(index);
            let name = Population::version(&self.model(model)?, number)?.to_string();
            framed(&v1::GetVersionRequest { name, read_at: None })
        };
        scattered(self.versions, count).map(request).collect()
    }

    /// Requests for what is in production, all over the models, ready to send.
    pub fn resolve_requests(&self, count: u32) -> Result<Vec<Bytes>, Failure> {
        use v1::resolve_version_request::Selector;
        let request = |index| {
            framed(&v1::ResolveVersionRequest {
                model: self.model(index)?.to_string(),
                selector: Some(Selector::Alias(ALIAS.to_owned())),
                consumer: "donation-form".to_owned(),
                read_at: None,
            })
        };
        scattered(self.models(), count).map(request).collect()
    }
}

/// Numbers below a limit in an order without locality.
fn scattered(limit: u32, count: u32) -> impl Iterator<Item = u32> {
    // Knuth's multiplicative hash; the widening keeps the product exact.
    (0..count).map(move |i| {
        let hash = i.wrapping_mul(2_654_435_761);
        ((u64::from(hash) * u64::from(limit)) >> 32) as u32
    })
}

/// A message with the five bytes that gRPC puts before it.
pub fn framed(message: &impl Message) -> Result<Bytes, Failure> {
    let length = u32::try_from(message.encoded_len())?;
    let mut bytes = Vec::with_capacity(5 + message.encoded_len());
    bytes.push(0);
    bytes.extend_from_slice(&length.to_be_bytes());
    message.encode(&mut bytes)?;
    Ok(bytes.into())
}
