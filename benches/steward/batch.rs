//! Points recorded by BatchRecordEvaluations against one point a call.

use super::{
    Failure, Plan,
    client::Client,
    population::{Population, framed},
    process::Server,
    report::{Report, median},
    write::{self, RECORD},
};
use bytes::Bytes;
use steward_registry::proto::v1;

const BATCH: &str = "/steward.v1.EvaluationService/BatchRecordEvaluations";
/// Evaluations in a call, and points in each of them: many small ones, as an import
/// sends them, and fewer large ones, as a nightly run does.
const SHAPES: [(usize, usize); 2] = [(500, 1), (50, 20)];
/// Callers at a time: of single writes as many as share a flush well, of batches
/// as many as overlap.
const SINGLE_CALLERS: usize = 64;
const BATCH_CALLERS: usize = 4;
const CONNECTIONS: usize = 4;

/// Measures single writes and batches in turns, and reports points a second.
pub async fn measure(
    plan: Plan,
    registry: &Server,
    population: &Population,
    report: &mut Report,
) -> Result<(), Failure> {
    let client = Client::connect(registry.address, CONNECTIONS).await?;
    let mut sent = 0;
    for (evaluations, points) in SHAPES {
        let (mut ratios, mut ours, mut single) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            // Far from the request ids of the other part that writes.
            let (first, population) = (1_000_000_000 + sent, *population);
            let request = move |index| write::request(&population, first + index);
            let turn = client.turn(RECORD, &[], SINGLE_CALLERS, plan.turn, request).await?;
            sent += turn.micros.len() + SINGLE_CALLERS;
            let one_by_one = turn.rate();
            let first = sent;
            let request = move |index| batch(&population, first + index, evaluations, points);
            let turn = client.turn(BATCH, &[], BATCH_CALLERS, plan.turn, request).await?;
            sent += turn.micros.len() + BATCH_CALLERS;
            let together = turn.rate() * (evaluations * points) as f64;
            ratios.push(together / one_by_one);
            ours.push(together);
            single.push(one_by_one);
        }
        let metric = format!("points recorded, {evaluations} evaluations × {points} a call / one a call");
        let (ratio, together, alone) = (median(ratios), median(ours), median(single));
        let measured = format!(
            "{ratio:.1} × ({together:.0} points/s, {BATCH_CALLERS} callers; against {alone:.0} points/s, \
             {SINGLE_CALLERS} callers)"
        );
        report.note(metric, measured);
    }
    Ok(())
}

/// The n-th batch: evaluations of one version, which differ in their metrics.
fn batch(population: &Population, index: usize, evaluations: usize, points: usize) -> Result<Bytes, Failure> {
    let version = u32::try_from(index % population.versions as usize)?;
    let (model, number) = population.place(version);
    let model = population.model(model)?;
    let version = Population::version(&model, number)?.to_string();
    let mut evaluation = write::evaluation();
    let point = evaluation.points.remove(0);
    let numbered = |at| v1::MetricPoint { metric: format!("accuracy/{at}"), ..point.clone() };
    evaluation.points = (0..points).map(numbered).collect();
    let request =
        v1::RecordEvaluationRequest { parent: version, evaluation: Some(evaluation), ..Default::default() };
    framed(&v1::BatchRecordEvaluationsRequest {
        parent: model.to_string(),
        requests: vec![request; evaluations],
        request_id: format!("batch-{}-{index:012}", std::process::id()),
        validate_only: false,
    })
}
