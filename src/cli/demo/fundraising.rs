//! The charity's own model: who might give again? Version 2 has just replaced
//! version 1, which is on its way out.

use std::collections::BTreeMap;

use prost_types::Timestamp;

use super::{
    measured::{digest, evaluation, higher, in_days, neutral, rate},
    stage::Stage,
};
use crate::{
    cli::error::Failure,
    proto::v1::{
        Artifact, ConfusionCounts, ConfusionPoint, Consumer, Contact, DatasetReference, Dimension,
        HistogramPoint, Model, ModelCard, ModelKind, NumericBins, PropertyValue, RecordEvaluationRequest,
        RiskTier, Source, Version, histogram_point::Bins, metric_point::Value, property_value, source,
    },
};

const ID: &str = "fundraising";

/// A model that can do harm is promised to live for a year after its approval.
const DAYS_LEFT: i64 = 366;

/// Predictions about past donors of one age group, beside what they did.
#[rustfmt::skip]
const BY_AGE: [(&str, [i64; 4]); 3] = [
    // group, true positives, false positives, true negatives, false negatives
    ("18-39",   [212, 61,   904,  73]),
    ("40-64",   [498, 104, 1_377, 121]),
    ("65-plus", [655, 180, 1_090, 142]),
];

/// Donors by age, below, between and from these edges on: at training and now.
const AGE_EDGES: [f64; 6] = [25.0, 35.0, 45.0, 55.0, 65.0, 75.0];
const AGES_AT_TRAINING: [i64; 7] = [410, 1_220, 1_985, 2_340, 2_610, 2_190, 1_245];
const AGES_NOW: [i64; 7] = [220, 660, 1_010, 1_240, 1_355, 1_090, 625];

/// Registers the model with both versions; gives their names, the old one first.
pub async fn register(stage: &Stage<'_>) -> Result<(String, String), Failure> {
    let model = stage.model(ID, "says who might give again; the charity's own", description()).await?;
    let today = model.create_time.unwrap_or_default();

    let old = stage.version(&model.name, first_version()).await?;
    stage.evaluations(&old, "the last campaign", first_evaluations(today)).await?;
    let old = stage.submitted(old, "First model of our own").await?;
    let old = stage.approved(old, "Better than asking everybody").await?;
    stage.alias(&model.name, "production", &old, "First campaign with the model").await?;
    stage.consumer(&model.name, "newsletter", newsletter()).await?;
    stage.used(&old, "newsletter").await?;

    let new = stage.version(&model.name, second_version(&old.name)).await?;
    stage.evaluations(&new, "accuracy, groups and ages", second_evaluations(today)).await?;
    let new = stage.submitted(new, "Retrained with two more years").await?;
    let new = stage.approved(new, "Fewer misses among older donors; no group is worse off").await?;
    stage.alias(&model.name, "canary", &new, "Trial with one mailing in ten").await?;
    stage.move_alias(&model.name, "production", &old, &new, "The trial went well").await?;
    let old = stage.deprecated(old, &new, DAYS_LEFT, "Version 2 misses fewer donors").await?;
    stage.rehearsed(&model.name, "production").await?;
    Ok((old.name, new.name))
}

fn description() -> Model {
    let property = |kind| PropertyValue { kind: Some(kind) };
    Model {
        display_name: "Fundraising predictor".into(),
        description: "Predicts who might give again, so that others are not bothered.".into(),
        owner: "Data team".into(),
        contacts: vec![Contact { display_name: "Ines".into(), address: super::AUTHOR.into() }],
        kind: ModelKind::Own.into(),
        risk_tier: RiskTier::Critical.into(),
        data_categories: vec!["demographics".into(), "donations".into()],
        processes_personal_data: true,
        labels: BTreeMap::from([("team".into(), "data".into())]),
        properties: BTreeMap::from([
            ("features".into(), property(property_value::Kind::IntValue(14))),
            ("explainable".into(), property(property_value::Kind::BoolValue(true))),
        ]),
        card: Some(card()),
        ..Model::default()
    }
}

fn card() -> ModelCard {
    ModelCard {
        purpose: "Says which past donors might give again.".into(),
        affected_people: "Past donors: who gets a letter and who is left alone.".into(),
        prohibited_uses: "Deciding who is helped; anything about people who never gave.".into(),
        backup_contact: Some(Contact { display_name: "Marta".into(), address: super::REVIEWER.into() }),
        personal_data_basis: "Legitimate interest; every letter says how to object.".into(),
        human_oversight: "The fundraising team reads each list before letters go out.".into(),
        ai_disclosure: Some(true),
        risk_tier_reason: "Wrong lists pester people in mourning and cost donations.".into(),
        known_limits: "Few examples of donors below 25; learns nothing of life events.".into(),
        rollback_plan: "The preceding version, or letters to everybody as before.".into(),
        incident_plan: "Marta puts the version on hold; the data team writes to those affected.".into(),
        review_time: Some(in_days(180)),
        monthly_budget_micros: 40_000_000,
        budget_currency: "EUR".into(),
        ..ModelCard::default()
    }
}

fn newsletter() -> Consumer {
    Consumer {
        description: "Chooses who gets the letter of the month.".into(),
        owner: "Communication".into(),
        contact: Some(Contact { display_name: "Tom".into(), address: "tom@charity.example".into() }),
        ..Consumer::default()
    }
}

fn artifact(uri: &str, size_bytes: i64) -> Artifact {
    Artifact {
        uri: uri.into(),
        digest: digest(uri),
        size_bytes,
        media_type: "application/octet-stream".into(),
    }
}

fn dataset(uri: &str, row_count: i64) -> Source {
    let dataset = DatasetReference { uri: uri.into(), digest: digest(uri), row_count };
    Source { kind: Some(source::Kind::Dataset(dataset)) }
}

fn first_version() -> Version {
    Version {
        label: "1.0.0".into(),
        description: "Gradient boosting on donations of two years.".into(),
        artifacts: vec![artifact("s3://charity-models/fundraising/1.0.0.onnx", 4_812_032)],
        sources: vec![dataset("s3://charity-data/donors-2024.parquet", 12_000)],
        ..Version::default()
    }
}

fn second_version(parent: &str) -> Version {
    Version {
        label: "2.0.0".into(),
        description: "Retrained on four years; age enters in bands.".into(),
        artifacts: vec![artifact("s3://charity-models/fundraising/2.0.0.onnx", 5_120_448)],
        sources: vec![
            dataset("s3://charity-data/donors-2026.parquet", 24_500),
            Source {
                kind: Some(source::Kind::RunUri("https://runs.charity.example/fundraising/118".into())),
            },
            Source { kind: Some(source::Kind::ParentVersion(parent.into())) },
        ],
        dimensions: [("age".to_owned(), Dimension { codes: BY_AGE.map(|(group, _)| group.into()).to_vec() })]
            .into(),
        ..Version::default()
    }
}

fn first_evaluations(today: Timestamp) -> Vec<RecordEvaluationRequest> {
    let points = vec![higher("accuracy", rate(4_402, 5_417))];
    vec![evaluation("last-campaign", today, (14, 60), ("campaign-report", "3.0.0"), points)]
}

fn second_evaluations(today: Timestamp) -> Vec<RecordEvaluationRequest> {
    let groups = BY_AGE.map(|(group, [true_positives, false_positives, true_negatives, false_negatives])| {
        ConfusionCounts {
            group: group.into(),
            true_positives,
            false_positives,
            true_negatives,
            false_negatives,
        }
    });
    let right = groups.iter().map(|group| group.true_positives + group.true_negatives).sum::<i64>();
    let wrong = groups.iter().map(|group| group.false_positives + group.false_negatives).sum::<i64>();
    let ages = HistogramPoint {
        bins: Some(Bins::Numeric(NumericBins { edges: AGE_EDGES.to_vec() })),
        counts: AGES_NOW.to_vec(),
        reference_counts: AGES_AT_TRAINING.to_vec(),
    };
    let points = vec![
        higher("accuracy", rate(right, right + wrong)),
        neutral(
            "outcomes",
            Value::Confusion(ConfusionPoint { attribute: "age".into(), groups: groups.to_vec() }),
        ),
        neutral("donor_age", Value::Histogram(ages)),
    ];
    vec![evaluation("acceptance", today, (7, 28), ("campaign-report", "3.1.0"), points)]
}
