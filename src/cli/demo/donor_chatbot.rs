//! The chatbot that answers donors: rented behind an API, and slowly getting
//! worse without anybody having changed anything.

use std::collections::BTreeMap;

use prost_types::Timestamp;

use super::{
    measured::{evaluation, higher, in_days, lower, neutral, rate},
    stage::Stage,
};
use crate::{
    cli::error::Failure,
    proto::v1::{
        Contact, MetricPoint, Model, ModelCard, ModelKind, MomentsPoint, RecordEvaluationRequest, RiskTier,
        UpstreamReference, UsagePoint, Version, metric_point::Value,
    },
};

const ID: &str = "donor-chatbot";

/// What one week showed, of 200 answers that people looked at and of all conversations.
struct Week {
    hallucinated: i64,
    grounded: i64,
    conversations: i64,
    escalated: i64,
    latency_seconds: f64,
}

#[rustfmt::skip]
const WEEKS: [Week; 8] = [
    Week { hallucinated:  4, grounded: 192, conversations: 1_180, escalated:  71, latency_seconds: 1.12 },
    Week { hallucinated:  5, grounded: 191, conversations: 1_240, escalated:  77, latency_seconds: 1.09 },
    Week { hallucinated:  4, grounded: 193, conversations: 1_205, escalated:  70, latency_seconds: 1.15 },
    Week { hallucinated:  6, grounded: 189, conversations: 1_310, escalated:  88, latency_seconds: 1.18 },
    Week { hallucinated:  7, grounded: 187, conversations: 1_265, escalated:  92, latency_seconds: 1.31 },
    Week { hallucinated:  9, grounded: 184, conversations: 1_290, escalated: 104, latency_seconds: 1.38 },
    Week { hallucinated: 11, grounded: 181, conversations: 1_330, escalated: 121, latency_seconds: 1.46 },
    Week { hallucinated: 14, grounded: 176, conversations: 1_345, escalated: 139, latency_seconds: 1.57 },
];

/// Registers the chatbot with its one version; gives the name of the version.
pub async fn register(stage: &Stage<'_>) -> Result<String, Failure> {
    let model = stage.model(ID, "answers donors' questions; rented behind an API", description()).await?;
    let today = model.create_time.unwrap_or_default();
    let version = stage.version(&model.name, version()).await?;
    stage.evaluations(&version, "a trial with 40 donors", vec![trial(today)]).await?;
    let version = stage.submitted(version, "Chosen after a trial with 40 donors").await?;
    let version = stage.approved(version, "The trial went well; phone support stays as a way out").await?;
    stage.alias(&model.name, "production", &version, "The chatbot goes live").await?;
    stage.evaluations(&version, "eight weeks, slowly getting worse", weeks(today)).await?;
    Ok(version.name)
}

fn description() -> Model {
    Model {
        display_name: "Donor chatbot".into(),
        description: "Answers questions of donors on the website, day and night.".into(),
        owner: "Donor care".into(),
        contacts: vec![Contact { display_name: "Ines".into(), address: super::AUTHOR.into() }],
        kind: ModelKind::RentedApi.into(),
        risk_tier: RiskTier::Standard.into(),
        data_categories: vec!["contact-details".into(), "donations".into()],
        processes_personal_data: true,
        labels: BTreeMap::from([("team".into(), "donor-care".into())]),
        card: Some(card()),
        ..Model::default()
    }
}

fn card() -> ModelCard {
    ModelCard {
        purpose: "Answers donors' questions about donations, receipts and projects.".into(),
        affected_people: "Donors, who may act on a wrong answer.".into(),
        prohibited_uses: "Tax advice; complaints; anything that somebody has to decide.".into(),
        contract_uri: "https://contracts.charity.example/chatbot".into(),
        vendor_trains_on_data: Some(false),
        personal_data_basis: "Contract with the donor; the provider is a processor.".into(),
        human_oversight: "Donor care reads 200 answers a week and can switch it off.".into(),
        ai_disclosure: Some(true),
        rollback_plan: "Phone and e-mail, as before.".into(),
        review_time: Some(in_days(90)),
        monthly_budget_micros: 300_000_000,
        budget_currency: "EUR".into(),
        ..ModelCard::default()
    }
}

/// What the trial before the approval showed.
fn trial(today: Timestamp) -> RecordEvaluationRequest {
    let points = vec![lower("hallucination", rate(3, 200)), higher("grounded", rate(193, 200))];
    evaluation("trial", today, (7 * WEEKS.len() as i64, 14), ("answer-review", "1.4.0"), points)
}

fn version() -> Version {
    Version {
        label: "gpt-4o-2024-08-06".into(),
        description: "The vendor's dated release, so that it does not change under us.".into(),
        upstream: Some(UpstreamReference {
            provider: "openai".into(),
            model_id: "gpt-4o-2024-08-06".into(),
            channel: "azure".into(),
            region: "westeurope".into(),
        }),
        ..Version::default()
    }
}

fn weeks(today: Timestamp) -> Vec<RecordEvaluationRequest> {
    let weeks = WEEKS.iter().zip(1_i64..);
    weeks
        .map(|(week, number)| {
            let days_ago = 7 * (WEEKS.len() as i64 - number);
            evaluation(
                &format!("week-{number}"),
                today,
                (days_ago, 7),
                ("answer-review", "1.4.0"),
                points(week),
            )
        })
        .collect()
}

fn points(week: &Week) -> Vec<MetricPoint> {
    let solved = week.conversations - week.escalated;
    vec![
        lower("hallucination", rate(week.hallucinated, 200)),
        higher("grounded", rate(week.grounded, 200)),
        lower("escalation", rate(week.escalated, week.conversations)),
        lower("latency_seconds", Value::Moments(latency(week))),
        neutral("usage", Value::Usage(usage(week.conversations, solved))),
    ]
}

fn latency(week: &Week) -> MomentsPoint {
    let (n, spread) = (week.conversations, 0.4);
    MomentsPoint {
        n,
        mean: week.latency_seconds,
        m2: spread * spread * (n - 1) as f64,
        min: 0.31,
        max: 4.0 * week.latency_seconds,
    }
}

fn usage(conversations: i64, solved: i64) -> UsagePoint {
    let (input_tokens, output_tokens) = (conversations * 2_150, conversations * 310);
    UsagePoint {
        requests: conversations * 4,
        input_tokens,
        output_tokens,
        // 2.50 and 10.00 for a million tokens.
        cost_micros: input_tokens * 5 / 2 + output_tokens * 10,
        currency: "EUR".into(),
        outcomes: solved,
    }
}
