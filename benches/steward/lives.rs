//! A log in which much is decided: versions that are registered, measured, submitted, approved on
//! the evidence, and deprecated.

use super::{Failure, population::Population, roles::share};
use std::path::Path;
use steward_registry::{
    domain::{
        check::{Check, Valid},
        evaluation::{
            EvaluationContent, Evaluator,
            point::{Direction, MetricPoint, PointValue, Rate},
        },
        lifecycle::{Successor, transition::Verb},
        model::ModelContent,
        name::{ModelName, NamespaceId, PolicyId, PolicyName, VersionName},
        policy::{
            PolicyContent,
            gate::{Gate, Requirement},
        },
        time::Timestamp,
    },
    registry::{Registry, environment::Environment, evaluation::NewEvaluation},
    server::Store,
};
use tokio::time::Instant;

/// Events of a life: registered, measured so often, submitted, approved, watched from then on, deprecated.
pub const EACH: u32 = 5 + EVALUATIONS;
const EVALUATIONS: u32 = 6;
/// Cache while a store is filled, in bytes.
const CACHE: u64 = 256 << 20;
/// 2026-03-01T00:00:00Z, in microseconds.
const WINDOW: i64 = 1_772_323_200_000_000;
const DAY: i64 = 86_400_000_000;

/// Fills a new store with so many lives.
pub async fn fill(dir: &Path, lives: u32) -> Result<(), Failure> {
    let begin = Instant::now();
    let population = Population::new(lives);
    let store = Store::open_sled(dir, CACHE).await?;
    let registry = Registry::open(store.engine(), Environment::system()).await?;
    registry.create_policy(policy()?, rules()?, Population::call(0)?).await?;
    share(population.models(), &registry, population, create_model).await?;
    share(population.versions, &registry, population, live).await?;
    registry.close().await;
    store.close().await?;
    let seconds = begin.elapsed().as_secs_f64();
    eprintln!("filled a log with {} lives of {EACH} events in {seconds:.0} s", population.versions);
    Ok(())
}

fn policy() -> Result<PolicyName, Failure> {
    Ok(PolicyName { namespace: NamespaceId::new("default")?, policy: PolicyId::new("benchmark")? })
}

fn valid<T: Check>(content: T, field: &str) -> Result<Valid<T>, Failure> {
    Valid::new(content, field).map_err(|violations| format!("{violations:?}").into())
}

/// One gate, whose evidence has to be found.
fn rules() -> Result<Valid<PolicyContent>, Failure> {
    let gate = Gate {
        id: "accurate".to_owned(),
        metric: "accuracy".to_owned(),
        method: String::new(),
        slice: Default::default(),
        requirement: Requirement::AtLeast(0.9),
        minimum_n: 1_000,
        max_age_days: 0,
        confidence: 0.0,
    };
    let rules = PolicyContent {
        approvals: 1,
        evidence_max_age_days: 3_650,
        requires_evidence: true,
        gates: vec![gate],
        ..PolicyContent::default()
    };
    valid(rules, "policy")
}

async fn create_model(registry: Registry, population: Population, index: u32) -> Result<(), Failure> {
    let content = ModelContent { policy: Some(policy()?), ..Population::model_content()?.into_inner() };
    let content = valid(content, "model")?;
    registry.create_model(population.model(index)?, content, Population::call(index)?).await?;
    Ok(())
}

async fn live(registry: Registry, population: Population, index: u32) -> Result<(), Failure> {
    let model: ModelName = population.model(population.place(index).0)?;
    let content = Population::version_content()?;
    let version = registry.create_version(model.clone(), content, Population::call(index)?).await?.value.name;
    let measured: Result<Vec<_>, Failure> = (0..EVALUATIONS).map(|day| measured(&version, day)).collect();
    registry.batch_record_evaluations(model.clone(), measured?, Population::call(index)?).await?;
    let deprecate = Verb::Deprecate {
        sunset_time: at(WINDOW + 3_650 * DAY)?,
        successor: Successor::NoReplacementReason("the campaign ends".to_owned()),
    };
    let approve = Verb::Approve { gates_overridden: false };
    let steps = [(Verb::Submit, Population::call(index)?), (approve, Population::review()?)];
    for (verb, call) in steps {
        registry.transition_version(version.clone(), verb, None, call).await?;
    }
    if index.is_multiple_of(100) {
        registry.set_alias(Population::alias(&model)?, version.clone(), Population::call(index)?).await?;
    }
    registry.transition_version(version, deprecate, None, Population::call(index)?).await?;
    Ok(())
}

fn at(micros: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_micros(micros).ok_or_else(|| format!("{micros} is no time").into())
}

/// One rate of one day.
fn measured(version: &VersionName, day: u32) -> Result<NewEvaluation, Failure> {
    let start = WINDOW + i64::from(day) * DAY;
    let point = MetricPoint {
        metric: "accuracy".to_owned(),
        method: String::new(),
        direction: Direction::HigherIsBetter,
        slice: Default::default(),
        value: PointValue::Rate(Rate { k: 912 + i64::from(day), n: 1_000 }),
    };
    let content = EvaluationContent {
        window_start_time: at(start)?,
        window_end_time: at(start + DAY)?,
        dataset: None,
        evaluator: Evaluator { name: "nightly".to_owned(), version: "2.9.1".to_owned() },
        points: vec![point],
        note: String::new(),
    };
    Ok(NewEvaluation { version: version.clone(), id: None, content: valid(content, "evaluation")? })
}
