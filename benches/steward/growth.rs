//! A small store against a large one: reads, pages, opening.

use super::{
    FEW, Failure, Plan,
    client::Client,
    population::Population,
    process::Server,
    read::{CONNECTIONS, GET, IN_FLIGHT, REQUESTS, RESOLVE},
    replay::channel,
    report::{Report, median},
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use steward_registry::proto::v1::{self, version_service_client::VersionServiceClient};
use tokio::time::Instant;
use tonic::transport::Channel;

/// Results on a page that is timed.
const PAGE: i32 = 100;
/// Results on a page that only leads to the end.
const LARGE_PAGE: i32 = 1_000;
const FLAT: &str = "flat (± 20 %)";
const SLACK: f64 = 0.2;
const MOST_OPEN: Duration = Duration::from_secs(1);

/// Measures in turns and reports.
pub async fn measure(
    plan: Plan,
    (small, few): (&Server, &Population),
    (large, many): (&Server, &Population),
    report: &mut Report,
) -> Result<(), Failure> {
    let small_client = Client::connect(small.address, CONNECTIONS).await?;
    let large_client = Client::connect(large.address, CONNECTIONS).await?;
    let reads = [
        ("GetVersion", GET, few.get_requests(REQUESTS)?, many.get_requests(REQUESTS)?),
        ("ResolveVersion", RESOLVE, few.resolve_requests(REQUESTS)?, many.resolve_requests(REQUESTS)?),
    ];
    for (name, path, to_few, to_many) in reads {
        let (to_few, to_many) = (Arc::new(to_few), Arc::new(to_many));
        let mut ratios = Vec::new();
        for _ in 0..plan.rounds {
            let few = rate(&small_client, path, &to_few, plan).await?;
            let many = rate(&large_client, path, &to_many, plan).await?;
            ratios.push(many / few);
        }
        let ratio = median(ratios);
        let metric = format!("{name} from {FEW} to {} versions", many.versions);
        let measured = format!("{:.0} % of the rate", 100.0 * ratio);
        report.judge(metric, measured, FLAT, ratio >= 1.0 - SLACK);
    }
    pages(plan, large, many, report).await
}

async fn rate(
    client: &Client,
    path: &'static str,
    requests: &Arc<Vec<Bytes>>,
    plan: Plan,
) -> Result<f64, Failure> {
    let requests = requests.clone();
    let request = move |index| Ok(Bytes::clone(&requests[index % requests.len()]));
    Ok(client.turn(path, &[], IN_FLIGHT, plan.turn, request).await?.rate())
}

/// The first page of a model's versions against one near their end.
async fn pages(plan: Plan, large: &Server, many: &Population, report: &mut Report) -> Result<(), Failure> {
    let mut client = VersionServiceClient::new(channel(large).await?);
    let parent = many.model(0)?.to_string();
    let near_end = token_near_end(&mut client, &parent, many.largest()).await?;
    let (mut ratios, mut first, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        first.push(page_ms(&mut client, &parent, "", plan).await?);
        last.push(page_ms(&mut client, &parent, &near_end, plan).await?);
        ratios.extend(last.last().zip(first.last()).map(|(last, first)| last / first));
    }
    let ratio = median(ratios);
    let measured = format!(
        "{:.0} % of the time ({:.2} ms against {:.2} ms)",
        100.0 * ratio,
        median(last),
        median(first)
    );
    let metric = format!("page of {PAGE} at the end of {} versions / at their start", many.largest());
    report.judge(metric, measured, FLAT, ratio <= 1.0 + SLACK);
    Ok(())
}

/// A token behind which there is still a full page.
async fn token_near_end(
    client: &mut VersionServiceClient<Channel>,
    parent: &str,
    count: u32,
) -> Result<String, Failure> {
    let mut token = String::new();
    let mut seen = 0;
    while seen + LARGE_PAGE as u32 + PAGE as u32 <= count {
        let page = list(client, parent, LARGE_PAGE, &token).await?;
        seen += u32::try_from(page.versions.len())?;
        token = page.next_page_token;
    }
    Ok(token)
}

async fn page_ms(
    client: &mut VersionServiceClient<Channel>,
    parent: &str,
    token: &str,
    plan: Plan,
) -> Result<f64, Failure> {
    let begin = Instant::now();
    let mut millis = Vec::new();
    while begin.elapsed() < plan.turn / 4 {
        let start = Instant::now();
        let page = list(client, parent, PAGE, token).await?;
        if page.versions.len() != PAGE as usize {
            return Err("a page was not full".into());
        }
        millis.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(millis))
}

async fn list(
    client: &mut VersionServiceClient<Channel>,
    parent: &str,
    page_size: i32,
    page_token: &str,
) -> Result<v1::ListVersionsResponse, Failure> {
    let request = v1::ListVersionsRequest {
        parent: parent.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    Ok(client.list_versions(request).await?.into_inner())
}

/// How long it took to open the large store.
pub fn report_open(large: &Server, report: &mut Report) {
    let opened = large.opened_in;
    let measured = format!("{:.2} s", opened.as_secs_f64());
    report.judge("opening the large store", measured, "< 1 s with 1e6 records", opened < MOST_OPEN);
}
