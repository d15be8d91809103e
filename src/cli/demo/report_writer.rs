//! The assistant inside the office product: somebody switched it on, and now it
//! waits for a review.

use std::collections::BTreeMap;

use super::{
    measured::{evaluation, lower, rate},
    stage::Stage,
};
use crate::{
    cli::error::Failure,
    proto::v1::{Contact, Model, ModelKind, RiskTier, UpstreamReference, Version},
};

const ID: &str = "report-writer";

/// Registers the assistant, waiting for its review; gives the name of the version.
pub async fn register(stage: &Stage<'_>) -> Result<String, Failure> {
    let model = stage.model(ID, "drafts reports inside a product that was bought", description()).await?;
    let version = stage.version(&model.name, version()).await?;
    let points = vec![lower("needs_correction", rate(9, 40))];
    let today = model.create_time.unwrap_or_default();
    let pilot = vec![evaluation("pilot", today, (3, 14), ("staff-survey", ""), points)];
    stage.evaluations(&version, "a pilot with 40 drafts", pilot).await?;
    let version = stage.submitted(version, "Three teams use it already; please have a look").await?;
    Ok(version.name)
}

fn description() -> Model {
    Model {
        display_name: "Report writer".into(),
        description: "Drafts project reports inside the office suite.".into(),
        owner: "Programme office".into(),
        contacts: vec![Contact { display_name: "Ines".into(), address: super::AUTHOR.into() }],
        kind: ModelKind::Embedded.into(),
        risk_tier: RiskTier::Preview.into(),
        data_categories: vec!["project-reports".into()],
        labels: BTreeMap::from([("team".into(), "programmes".into())]),
        ..Model::default()
    }
}

fn version() -> Version {
    Version {
        label: "2026-autumn".into(),
        description: "As switched on by the vendor in the autumn release.".into(),
        upstream: Some(UpstreamReference {
            provider: "office-suite.example".into(),
            model_id: "writing-assistant".into(),
            channel: "embedded".into(),
            region: String::new(),
        }),
        ..Version::default()
    }
}
