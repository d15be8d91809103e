//! GetVersion and ResolveVersion against a call that does nothing.

use super::{
    Failure, Plan,
    client::Client,
    echo,
    population::Population,
    process::Server,
    report::{Report, median},
};
use bytes::Bytes;
use std::sync::Arc;

/// Path of the call that reads one version.
pub const GET: &str = "/steward.v1.VersionService/GetVersion";
/// Path of the call that follows an alias.
pub const RESOLVE: &str = "/steward.v1.VersionService/ResolveVersion";
/// Connections of each client.
pub const CONNECTIONS: usize = 4;
/// Calls in flight, over all connections.
pub const IN_FLIGHT: usize = 64;
/// Different requests of each kind.
pub const REQUESTS: u32 = 10_000;

const TARGET: &str = "≥ 70 % of an empty call";
const LEAST: f64 = 0.7;
/// What many clients send without being asked, those of C++ and Python among them.
const TAKES_GZIP: &[(&str, &str)] = &[("grpc-accept-encoding", "identity, deflate, gzip")];

/// Something that is called again and again, and what came of it.
struct Subject<'a> {
    server: &'a Server,
    client: Client,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    requests: Arc<Vec<Bytes>>,
    rates: Vec<f64>,
    bytes: usize,
    calls: usize,
    processor: f64,
}

impl<'a> Subject<'a> {
    async fn new(server: &'a Server, path: &'static str, requests: Vec<Bytes>) -> Result<Self, Failure> {
        let client = Client::connect(server.address, CONNECTIONS).await?;
        let (headers, requests) = (&[][..], Arc::new(requests));
        let (rates, bytes, calls, processor) = (Vec::new(), 0, 0, 0.0);
        Ok(Subject { server, client, path, headers, requests, rates, bytes, calls, processor })
    }

    async fn turn(&mut self, plan: Plan) -> Result<(), Failure> {
        let requests = self.requests.clone();
        let request = move |index| Ok(Bytes::clone(&requests[index % requests.len()]));
        let before = self.server.processor_seconds();
        let turn = self.client.turn(self.path, self.headers, IN_FLIGHT, plan.turn, request).await?;
        self.processor += self.server.processor_seconds() - before;
        self.rates.push(turn.rate());
        self.bytes += turn.bytes;
        self.calls += turn.micros.len();
        Ok(())
    }

    /// Microseconds of the server's processor time for a call.
    fn cost(&self) -> f64 {
        self.processor * 1e6 / self.calls as f64
    }

    fn answer_bytes(&self) -> usize {
        self.bytes / self.calls.max(1)
    }
}

/// Measures in turns and reports.
pub async fn measure(
    plan: Plan,
    echo: &Server,
    registry: &Server,
    population: &Population,
    report: &mut Report,
) -> Result<(), Failure> {
    let (gets, resolves) = (population.get_requests(REQUESTS)?, population.resolve_requests(REQUESTS)?);
    let mut gzip_get = Subject::new(registry, GET, gets.clone()).await?;
    gzip_get.headers = TAKES_GZIP;
    let mut subjects = [
        Subject::new(echo, echo::PATH, gets.clone()).await?,
        Subject::new(registry, GET, gets).await?,
        Subject::new(registry, RESOLVE, resolves).await?,
        gzip_get,
    ];
    for _ in 0..plan.rounds {
        for subject in &mut subjects {
            subject.turn(plan).await?;
        }
    }
    let [empty, get, resolve, gzip_get] = &subjects;
    judge("GetVersion / empty call", get, empty, report);
    judge("ResolveVersion by alias / empty call", resolve, empty, report);
    report.note("GetVersion for a client that offers gzip / one that does not", against(gzip_get, get));
    Ok(())
}

fn judge(metric: &str, subject: &Subject<'_>, empty: &Subject<'_>, report: &mut Report) {
    report.judge(metric, against(subject, empty), TARGET, ratio(subject, empty) >= LEAST);
}

fn against(subject: &Subject<'_>, empty: &Subject<'_>) -> String {
    format!(
        "{:.0} % of the rate ({:.0}/s); server {:.0} µs of processor a call against {:.0} µs; answers of {} B and {} B",
        100.0 * ratio(subject, empty),
        median(subject.rates.clone()),
        subject.cost(),
        empty.cost(),
        subject.answer_bytes(),
        empty.answer_bytes(),
    )
}

fn ratio(subject: &Subject<'_>, empty: &Subject<'_>) -> f64 {
    median(subject.rates.iter().zip(&empty.rates).map(|(a, b)| a / b).collect())
}
