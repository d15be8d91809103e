//! Durable writes over gRPC against one write and one fdatasync for each
//! record, on the same disk.

use super::{
    Failure, Plan,
    client::Client,
    population::{Population, framed},
    process::Server,
    read::CONNECTIONS,
    report::{Report, median, quantile_ms},
};
use bytes::Bytes;
use prost_types::Timestamp;
use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};
use steward_registry::proto::v1::{self, metric_point::Value};
use tokio::{task::spawn_blocking, time::Instant};

/// Path of the call that writes one record.
pub const RECORD: &str = "/steward.v1.EvaluationService/RecordEvaluation";
/// Bytes of a record of the baseline: about those of an event.
const RECORD_BYTES: usize = 1_024;
/// Records of the baseline's file, which is written over and over. It is there
/// in full before it is measured, so that no metadata has to be synced: the
/// fastest that one sync a record can be.
const RECORDS: usize = 16 << 10;
/// Callers at a time.
const CALLERS: [usize; 3] = [1, 64, 256];
/// Begin of the window of each evaluation, in seconds: 2026-03-01T00:00:00Z.
const WINDOW: i64 = 1_772_323_200;
/// At this many callers a target holds.
const JUDGED: usize = 64;
const TARGET: &str = "≥ 10 × one fdatasync a record";
const LEAST: f64 = 10.0;

/// Measures in turns and reports.
pub async fn measure(
    plan: Plan,
    dir: &Path,
    registry: &Server,
    population: &Population,
    report: &mut Report,
) -> Result<(), Failure> {
    let client = Client::connect(registry.address, CONNECTIONS).await?;
    let mut disk = Disk::open(dir)?;
    let mut sent = 0;
    for callers in CALLERS {
        let (mut synced, mut rates, mut ratios, mut micros) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let before = registry.processor_seconds();
        for _ in 0..plan.rounds {
            let baseline;
            (disk, baseline) = spawn_blocking(move || disk.turn(plan.turn)).await??;
            let (first, population) = (sent, *population);
            let request = move |index| request(&population, first + index);
            let turn = client.turn(RECORD, &[], callers, plan.turn, request).await?;
            sent += turn.micros.len() + callers;
            rates.push(turn.rate());
            ratios.push(turn.rate() / baseline);
            synced.push(baseline);
            micros.extend(turn.micros);
        }
        let cost = (registry.processor_seconds() - before) * 1e6 / micros.len() as f64;
        let (p50, p99) = (quantile_ms(&mut micros, 0.5), quantile_ms(&mut micros, 0.99));
        let ratio = median(ratios);
        let measured = format!(
            "{ratio:.1} × ({:.0} commits/s against {:.0} syncs/s; p50 {p50:.1} ms, p99 {p99:.1} ms; {cost:.0} µs of processor each)",
            median(rates),
            median(synced)
        );
        let metric = format!("durable writes, {callers} callers");
        match callers {
            JUDGED => report.judge(metric, measured, TARGET, ratio >= LEAST),
            _ => report.note(metric, measured),
        }
    }
    Ok(())
}

/// The n-th request: a rate for one of the versions, with a request id, as
/// clients should write.
pub fn request(population: &Population, index: usize) -> Result<Bytes, Failure> {
    let version = u32::try_from(index % population.versions as usize)?;
    let (model, number) = population.place(version);
    let time = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let point = v1::MetricPoint {
        metric: "accuracy".to_owned(),
        direction: v1::Direction::HigherIsBetter.into(),
        value: Some(Value::Rate(v1::RatePoint { k: 912, n: 1_000 })),
        ..Default::default()
    };
    let evaluation = v1::Evaluation {
        window_start_time: time(WINDOW),
        window_end_time: time(WINDOW + 86_400),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), version: "2.9.1".to_owned() }),
        points: vec![point],
        ..Default::default()
    };
    framed(&v1::RecordEvaluationRequest {
        parent: Population::version(&population.model(model)?, number)?.to_string(),
        evaluation_id: String::new(),
        evaluation: Some(evaluation),
        request_id: format!("benchmark-{}-{index:012}", std::process::id()),
        validate_only: false,
    })
}

/// The baseline.
struct Disk {
    file: File,
    next: usize,
}

impl Disk {
    fn open(dir: &Path) -> Result<Self, Failure> {
        let mut file = File::create(dir.join("one-sync-a-record"))?;
        for _ in 0..RECORDS {
            file.write_all(&[1; RECORD_BYTES])?;
        }
        file.sync_all()?;
        Ok(Disk { file, next: 0 })
    }

    /// Writes for a while; answers records a second.
    fn turn(mut self, length: Duration) -> Result<(Self, f64), Failure> {
        let begin = Instant::now();
        let mut written = 0;
        while begin.elapsed() < length {
            let offset = (self.next % RECORDS) * RECORD_BYTES;
            self.file.seek(SeekFrom::Start(u64::try_from(offset)?))?;
            self.file.write_all(&[u8::try_from(self.next % 256)?; RECORD_BYTES])?;
            self.file.sync_data()?;
            self.next += 1;
            written += 1;
        }
        let rate = f64::from(written) / begin.elapsed().as_secs_f64();
        Ok((self, rate))
    }
}
