//! `steward metric`: what was measured, over time.

use clap::{Args, Subcommand};
use prost_types::{Duration, Timestamp};

use super::{
    argument::{parse_length, parse_pair, parse_time},
    client::Session,
    error::Failure,
    flags::PageFlags,
    metric_view::{table, text},
    name::{self, VersionRef},
    output::{write, write_json},
};
use crate::proto::v1::{
    ListMetricsRequest, ListMetricsResponse, MetricSegment, MetricStep, QueryMetricSeriesRequest,
    QueryMetricSeriesResponse, query_metric_series_request::Resolution,
};

/// What to do with metrics.
#[derive(Subcommand, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one value in a process")]
pub enum MetricCommand {
    /// List which series a version has
    #[command(after_help = "\
Examples:
  steward metric list donor-chatbot 1
  steward metric list donor-chatbot/1")]
    List(ListArgs),

    /// Show a metric over time, merged into steps, with breaks where numbers do not compare
    #[command(after_help = "\
Examples:
  steward metric show donor-chatbot 1 hallucination
  steward metric show donor-chatbot 1 hallucination --step '7 days' --from 2026-01-01
  steward metric show donor-chatbot 1 escalation --slice channel=phone --at-most 20
  steward metric show donor-chatbot 1 escalation --all-slices --step '28 days'
  steward metric show donor-chatbot all hallucination --at-most 12")]
    Show(ShowArgs),
}

/// Arguments of `steward metric list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    version: VersionRef,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward metric show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The model: its id, or its full name
    #[arg(value_name = "MODEL")]
    model: String,

    /// The number of the version, or `all`
    #[arg(value_name = "VERSION")]
    version: String,

    /// The metric, such as `hallucination`
    #[arg(value_name = "METRIC")]
    metric: String,

    /// The part of the data; repeat it for a part that several codes name
    #[arg(long = "slice", value_name = "KEY=CODE", value_parser = parse_pair)]
    slices: Vec<(String, String)>,

    /// Each part of the data
    #[arg(long, conflicts_with = "slices")]
    all_slices: bool,

    /// Only this variant of the method; `''` for points without one
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,

    /// Only what this evaluator measured
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    evaluator: String,

    /// Only windows that end then or later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,

    /// Only windows that end before
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,

    /// Merge into steps of this length, such as `7 days`; without it each evaluation is a line
    #[arg(long, value_name = "LENGTH", value_parser = parse_length)]
    step: Option<Duration>,

    /// Merge into the shortest steps at which no series has more than so many
    #[arg(long, value_name = "NUMBER", conflicts_with = "step")]
    at_most: Option<i32>,

    #[command(flatten)]
    page: PageFlags,
}

/// Carries out a command.
pub async fn run(session: &Session, command: MetricCommand) -> Result<(), Failure> {
    match command {
        MetricCommand::List(args) => list(session, args).await,
        MetricCommand::Show(args) => show(session, args).await,
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::version(session.namespace(), &args.version)?;
    let fetch = async |page_size, page_token| {
        let request = ListMetricsRequest { parent: parent.clone(), page_size, page_token };
        let answer = session.call(request, async |r| session.metrics().list_metrics(r).await).await?;
        Ok((answer.metrics, answer.next_page_token))
    };
    let (metrics, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListMetricsResponse { metrics, next_page_token };
    let table = table(&answer.metrics);
    session.output().list(&answer, &table, "Nothing was measured of it yet.", &answer.next_page_token)
}

async fn show(session: &Session, args: ShowArgs) -> Result<(), Failure> {
    let model = name::model(session.namespace(), &args.model)?;
    let parent = match args.version.as_str() {
        "all" => model,
        version => name::version_of(session.namespace(), &model, version)?,
    };
    let resolution = args.step.map(Resolution::Step).or(args.at_most.map(Resolution::MaxStepCount));
    let wanted = QueryMetricSeriesRequest {
        parent,
        metric: args.metric,
        method: args.method,
        evaluator: args.evaluator,
        slice: args.slices.into_iter().collect(),
        all_slices: args.all_slices,
        start_time: args.from,
        end_time: args.until,
        resolution,
        ..Default::default()
    };
    let mut all = QueryMetricSeriesResponse::default();
    let fetch = async |page_size, page_token| {
        let request = QueryMetricSeriesRequest { page_size, page_token, ..wanted.clone() };
        let mut answer =
            session.call(request, async |r| session.metrics().query_metric_series(r).await).await?;
        let steps = std::mem::take(&mut answer.segments).into_iter().flat_map(apart).collect();
        let next_page_token = std::mem::take(&mut answer.next_page_token);
        all = answer;
        Ok((steps, next_page_token))
    };
    let (steps, next_page_token) = args.page.collect(fetch).await?;
    let answer = QueryMetricSeriesResponse { segments: together(steps), next_page_token, ..all };
    match session.output().is_json() {
        true => write_json(&answer),
        false => write(&text(&answer, &wanted.metric)),
    }
}

/// The steps of a segment, each with what the segment says of itself.
fn apart(mut segment: MetricSegment) -> impl Iterator<Item = (MetricSegment, MetricStep)> {
    let steps = std::mem::take(&mut segment.steps);
    steps.into_iter().map(move |step| (segment.clone(), step))
}

/// Segments that went on from one page to the next, made whole.
fn together(steps: Vec<(MetricSegment, MetricStep)>) -> Vec<MetricSegment> {
    let mut segments: Vec<MetricSegment> = Vec::new();
    let mut head = None;
    for (segment, step) in steps {
        match segments.last_mut() {
            Some(last) if head.as_ref() == Some(&segment) => last.steps.push(step),
            _ => segments.push(MetricSegment { steps: vec![step], ..segment.clone() }),
        }
        head = Some(segment);
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_over_two_pages_is_made_whole() {
        let segment = |method: &str, steps: i32| MetricSegment {
            method: method.to_owned(),
            steps: (0..steps).map(|n| MetricStep { evaluation_count: n, ..Default::default() }).collect(),
            ..Default::default()
        };
        let pages = [segment("a", 2), segment("a", 1), segment("b", 1)];
        let whole = together(pages.into_iter().flat_map(apart).collect());
        assert_eq!(whole.iter().map(|segment| segment.steps.len()).collect::<Vec<_>>(), [3, 1]);
    }
}
