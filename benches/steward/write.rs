//! Durable writes over gRPC against one write and one fdatasync for each
//! record, on the same disk.

use super::{
    Failure, Plan,
    client::{Client, Turn},
    etcd::{self, Etcd},
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

/// Measures in turns and reports: the disk, Steward, and etcd where it is
/// installed.
pub async fn measure(
    plan: Plan,
    dir: &Path,
    registry: &Server,
    population: &Population,
    report: &mut Report,
) -> Result<(), Failure> {
    let client = Client::connect(registry.address, CONNECTIONS).await?;
    let mut disk = Disk::open(dir)?;
    let etcd = Etcd::start(dir).await?;
    let other = match &etcd {
        Some(etcd) => Some(Client::connect(etcd.address, CONNECTIONS).await?),
        None => None,
    };
    let (mut sent, mut sent_to_etcd) = (0, 0);
    for callers in CALLERS {
        let (mut synced, mut ours, mut theirs) = (Vec::new(), Writes::default(), Writes::default());
        for _ in 0..plan.rounds {
            let baseline;
            (disk, baseline) = spawn_blocking(move || disk.turn(plan.turn)).await??;
            synced.push(baseline);
            let (first, population) = (sent, *population);
            let request = move |index| request(&population, first + index);
            let before = registry.processor_seconds();
            let turn = client.turn(RECORD, &[], callers, plan.turn, request).await?;
            sent += turn.micros.len() + callers;
            ours.add(turn, registry.processor_seconds() - before);
            if let (Some(client), Some(etcd)) = (&other, &etcd) {
                let (word, before) = (format!("c{callers}"), etcd.processor_seconds());
                let first = sent_to_etcd;
                let request = move |index| etcd::request(&word, first + index);
                let turn = client.turn(etcd::TXN, &[], callers, plan.turn, request).await?;
                sent_to_etcd += turn.micros.len() + callers;
                theirs.add(turn, etcd.processor_seconds() - before);
            }
        }
        report_writes(callers, &synced, ours, theirs, report);
    }
    if let Some(etcd) = etcd {
        etcd.stop().await?;
    }
    Ok(())
}

/// What one server did in all turns.
#[derive(Debug, Default)]
struct Writes {
    rates: Vec<f64>,
    micros: Vec<u64>,
    processor_seconds: f64,
}

impl Writes {
    fn add(&mut self, turn: Turn, processor_seconds: f64) {
        self.rates.push(turn.rate());
        self.micros.extend(turn.micros);
        self.processor_seconds += processor_seconds;
    }

    /// How its rates compare with those of another in the same rounds.
    fn ratio(&self, other: &[f64]) -> f64 {
        median(self.rates.iter().zip(other).map(|(rate, other)| rate / other).collect())
    }

    fn describe(&mut self) -> String {
        let cost = self.processor_seconds * 1e6 / self.micros.len() as f64;
        let (p50, p99) = (quantile_ms(&mut self.micros, 0.5), quantile_ms(&mut self.micros, 0.99));
        let rate = median(self.rates.clone());
        format!("{rate:.0}/s; p50 {p50:.1} ms, p99 {p99:.1} ms; {cost:.0} µs of processor each")
    }
}

fn report_writes(callers: usize, synced: &[f64], mut ours: Writes, mut theirs: Writes, report: &mut Report) {
    let (ratio, syncs) = (ours.ratio(synced), median(synced.to_vec()));
    let described = ours.describe();
    let measured = format!("{ratio:.1} × ({described}; against {syncs:.0} syncs/s)");
    let metric = format!("durable writes, {callers} callers / one fdatasync a record");
    match callers {
        JUDGED => report.judge(metric, measured, TARGET, ratio >= LEAST),
        _ => report.note(metric, measured),
    }
    let metric = format!("durable writes, {callers} callers / etcd");
    if theirs.rates.is_empty() {
        report.note(metric, "etcd is not installed (Debian's package etcd-server)".to_owned());
        return;
    }
    let ratio = ours.ratio(&theirs.rates);
    let measured = format!("{ratio:.1} × ({described}; etcd {})", theirs.describe());
    match callers {
        JUDGED => report.judge(metric, measured, "ahead of etcd", ratio > 1.0),
        _ => report.note(metric, measured),
    }
}

/// The n-th request: a rate for one of the versions, with a request id, as
/// clients should write.
pub fn request(population: &Population, index: usize) -> Result<Bytes, Failure> {
    let version = u32::try_from(index % population.versions as usize)?;
    let (model, number) = population.place(version);
    framed(&v1::RecordEvaluationRequest {
        parent: Population::version(&population.model(model)?, number)?.to_string(),
        evaluation_id: String::new(),
        evaluation: Some(evaluation()),
        request_id: format!("benchmark-{}-{index:012}", std::process::id()),
        validate_only: false,
    })
}

/// One rate of one day.
pub fn evaluation() -> v1::Evaluation {
    let time = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let point = v1::MetricPoint {
        metric: "accuracy".to_owned(),
        direction: v1::Direction::HigherIsBetter.into(),
        value: Some(Value::Rate(v1::RatePoint { k: 912, n: 1_000 })),
        ..Default::default()
    };
    v1::Evaluation {
        window_start_time: time(WINDOW),
        window_end_time: time(WINDOW + 86_400),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), version: "2.9.1".to_owned() }),
        points: vec![point],
        ..Default::default()
    }
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
