//! Monitors through the wire: baselines, verdicts, alarms that are raised once, what
//! people answer, and what a policy does by itself.

mod listing;
mod policy;

use crate::{
    ask::set_alias,
    stream::reader::export,
    support::{BEGIN, DAY, REVIEWER, TestServer, by, declaring, explain, model_name, time, version_name},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{
        self, BaselineOrigin, Comparison, Direction, VerdictLevel, metric_point::Value,
        monitor_service_client::MonitorServiceClient,
    },
    store::memory::MemoryEngine,
};
use tonic::{Code, Response, Status, transport::Channel};

async fn started() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::default())).await;
    server.model("m").await;
    server
}

fn monitors(server: &TestServer) -> MonitorServiceClient<Channel> {
    MonitorServiceClient::new(server.channel.clone())
}

/// Hallucinations, of which fewer are better.
fn hallucination(k: i64, n: i64) -> v1::MetricPoint {
    v1::MetricPoint {
        metric: "hallucination".to_owned(),
        direction: Direction::LowerIsBetter.into(),
        value: Some(Value::Rate(v1::RatePoint { k, n })),
        ..Default::default()
    }
}

/// An evaluation of the week that ends so many weeks after the beginning.
fn week(model: &str, number: u32, week: i64, points: Vec<v1::MetricPoint>) -> v1::RecordEvaluationRequest {
    let end = BEGIN + week * 7 * DAY;
    let evaluation = v1::Evaluation {
        window_start_time: Some(time(end - 7 * DAY)),
        window_end_time: Some(time(end)),
        evaluator: Some(v1::Evaluator { name: "weekly".to_owned(), version: "1.2.3".to_owned() }),
        points,
        ..Default::default()
    };
    let parent = version_name(model, number);
    v1::RecordEvaluationRequest { parent, evaluation: Some(evaluation), ..Default::default() }
}

async fn record(server: &TestServer, number: u32, at: i64, points: Vec<v1::MetricPoint>) -> v1::Evaluation {
    let request = week("m", number, at, points);
    server.evaluations().record_evaluation(request).await.unwrap().into_inner()
}

async fn list(server: &TestServer, number: u32) -> Vec<v1::Monitor> {
    let parent = version_name("m", number);
    let request = v1::ListMonitorsRequest { parent, ..Default::default() };
    monitors(server).list_monitors(request).await.unwrap().into_inner().monitors
}

async fn only(server: &TestServer, number: u32) -> v1::Monitor {
    let mut all = list(server, number).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Types of the events since a size of the log, without those that only note a state.
async fn said(server: &TestServer, since: u64) -> Vec<String> {
    let events = export(server).await.into_iter().filter(|event| event.position >= since);
    let words = events.map(|event| event.r#type.trim_start_matches("steward.v1.").to_owned());
    words.filter(|kind| !matches!(kind.as_str(), "EvaluationRecorded" | "MetricsJudged")).collect()
}

/// Version 1 of `m`, approved with 5 of 100, in production.
async fn in_production() -> TestServer {
    let server = started().await;
    server.approved("m").await;
    record(&server, 1, 0, vec![hallucination(5, 100)]).await;
    set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    server
}

#[tokio::test]
async fn an_approval_freezes_the_newest_point_of_each_series_as_its_baseline() {
    let server = started().await;
    let request = declaring("m", &[("region", &["north"])]);
    let name = server.versions().create_version(request).await.unwrap().into_inner().name;
    record(&server, 1, -1, vec![hallucination(9, 100)]).await;
    let newest = record(&server, 1, 0, vec![hallucination(5, 100), region("north", 3, 50)]).await;
    assert_eq!(list(&server, 1).await, [], "nothing is watched before the approval");
    let reason = "ready".to_owned();
    let submit =
        v1::SubmitVersionRequest { name: name.clone(), reason: reason.clone(), ..Default::default() };
    server.lifecycle().submit_version(submit).await.unwrap();
    let approve = v1::ApproveVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().approve_version(by(REVIEWER, approve)).await.unwrap();

    let watched = list(&server, 1).await;
    assert_eq!(watched.len(), 2);
    for monitor in &watched {
        assert_eq!(monitor.baseline_origin(), BaselineOrigin::Approval);
        assert_eq!(monitor.baseline_evaluation, newest.name);
        assert_eq!((monitor.level(), monitor.point_count), (VerdictLevel::NotEnoughData, 0));
    }
    // The limit is the upper end of the interval, not the 5 % themselves.
    let whole = watched.iter().find(|monitor| monitor.baseline.as_ref().unwrap().slice.is_empty()).unwrap();
    let limit = whole.detector.as_ref().unwrap().limit as f64 / 1e12;
    assert!((limit - 0.111_750_469).abs() < 1e-9, "{limit}");
    server.stop().await;
}

fn region(code: &str, k: i64, n: i64) -> v1::MetricPoint {
    let slice = [("region".to_owned(), code.to_owned())].into();
    v1::MetricPoint { slice, ..hallucination(k, n) }
}

#[tokio::test]
async fn what_is_first_recorded_after_the_approval_is_the_baseline_then() {
    let server = in_production().await;
    let monitor = only(&server, 1).await;
    assert_eq!(monitor.baseline_origin(), BaselineOrigin::FirstRecorded);
    assert_eq!(monitor.baseline, Some(hallucination(5, 100)));
    record(&server, 1, 1, vec![hallucination(4, 100)]).await;
    let monitor = only(&server, 1).await;
    assert_eq!((monitor.level(), monitor.point_count), (VerdictLevel::Ok, 1));
    let sentence = monitor.verdict.unwrap().sentence;
    assert!(
        sentence.starts_with("hallucination: 4 % (4 of 100) now, baseline 5 % (5 of 100)."),
        "{sentence}"
    );
    server.stop().await;
}

#[tokio::test]
async fn worse_is_said_once_and_better_after_three_good_weeks() {
    let server = in_production().await;
    let since = server.size().await;
    for at in 1..=4 {
        record(&server, 1, at, vec![hallucination(30, 100)]).await;
    }
    let words = said(&server, since).await;
    assert_eq!(words.iter().filter(|word| *word == "MetricAlarmRaised").count(), 1, "{words:?}");
    let monitor = only(&server, 1).await;
    assert_eq!(monitor.level(), VerdictLevel::Alarm);
    assert!(monitor.raise_time.is_some());

    let since = server.size().await;
    for at in 5..=6 {
        record(&server, 1, at, vec![hallucination(5, 100)]).await;
    }
    assert_eq!(said(&server, since).await, Vec::<String>::new());
    assert_eq!(only(&server, 1).await.level(), VerdictLevel::Alarm, "two good weeks may be chance");
    // One bad week begins the count anew.
    record(&server, 1, 7, vec![hallucination(30, 100)]).await;
    for at in 8..=10 {
        record(&server, 1, at, vec![hallucination(5, 100)]).await;
    }
    assert_eq!(said(&server, since).await, ["MetricCalmed"]);
    let monitor = only(&server, 1).await;
    assert_eq!((monitor.level(), monitor.raise_time), (VerdictLevel::Ok, None));
    server.stop().await;
}

#[tokio::test]
async fn a_late_point_is_recorded_and_counted_and_moves_nothing() {
    let server = in_production().await;
    record(&server, 1, 3, vec![hallucination(5, 100)]).await;
    let before = only(&server, 1).await;
    record(&server, 1, 2, vec![hallucination(90, 100)]).await;
    record(&server, 1, 3, vec![hallucination(90, 100)]).await;
    let after = only(&server, 1).await;
    assert_eq!((after.late_count, after.point_count), (2, 1));
    assert_eq!((after.verdict, after.detector, after.level), (before.verdict, before.detector, before.level));
    server.stop().await;
}

#[tokio::test]
async fn another_evaluator_or_a_later_major_version_of_it_is_another_series() {
    let server = in_production().await;
    for (name, version) in [("weekly", "1.9"), ("weekly", "2.0"), ("daily", "1.0")] {
        let mut request = week("m", 1, 5, vec![hallucination(5, 100)]);
        let evaluator = v1::Evaluator { name: name.to_owned(), version: version.to_owned() };
        request.evaluation.as_mut().unwrap().evaluator = Some(evaluator);
        server.evaluations().record_evaluation(request).await.unwrap();
    }
    let mut counts: Vec<i64> = list(&server, 1).await.iter().map(|monitor| monitor.point_count).collect();
    counts.sort();
    assert_eq!(counts, [0, 0, 1], "1.9 goes on where 1.2.3 began");
    server.stop().await;
}

#[tokio::test]
async fn a_batch_says_what_its_evaluations_one_by_one_would_say() {
    let (alone, together) = (in_production().await, in_production().await);
    let weeks = [4, 30, 28, 33, 5, 6, 4];
    for (at, k) in (1..).zip(weeks) {
        record(&alone, 1, at, vec![hallucination(k, 100)]).await;
    }
    let requests = (1..).zip(weeks).map(|(at, k)| week("m", 1, at, vec![hallucination(k, 100)])).collect();
    let parent = model_name("m");
    let batch = v1::BatchRecordEvaluationsRequest { parent, requests, ..Default::default() };
    together.evaluations().batch_record_evaluations(batch).await.unwrap();
    let (one, other) = (only(&alone, 1).await, only(&together, 1).await);
    assert_eq!((one.detector, one.level, one.point_count), (other.detector, other.level, other.point_count));
    assert_eq!(one.verdict, other.verdict);
    alone.stop().await;
    together.stop().await;
}

#[tokio::test]
async fn what_a_detector_remembers_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let never = in_production().await;
    let mut server = TestServer::start_in(dir.path()).await;
    server.model("m").await;
    server.approved("m").await;
    for at in 0..=5 {
        let mut request = week("m", 1, at, vec![hallucination(5 + 2 * at, 100)]);
        // The test's server draws the same ids again after a restart.
        request.evaluation_id = format!("week-{at}");
        server.evaluations().record_evaluation(request.clone()).await.unwrap();
        if at > 0 {
            never.evaluations().record_evaluation(request).await.unwrap();
        }
        server.stop().await;
        server = TestServer::start_in(dir.path()).await;
    }
    let (one, other) = (only(&server, 1).await, only(&never, 1).await);
    assert_eq!((&one.detector, &one.verdict), (&other.detector, &other.verdict));
    assert_eq!(one.detector.unwrap().point_count, 5);
    server.stop().await;
    never.stop().await;
}

async fn alarmed() -> (TestServer, v1::Monitor) {
    let server = in_production().await;
    for at in 1..=4 {
        record(&server, 1, at, vec![hallucination(30, 100)]).await;
    }
    let monitor = only(&server, 1).await;
    assert_eq!(monitor.level(), VerdictLevel::Alarm);
    (server, monitor)
}

async fn acknowledge(server: &TestServer, name: &str) -> Result<v1::Monitor, Status> {
    let (name, reason) = (name.to_owned(), "Tom looks".to_owned());
    let request = v1::AcknowledgeAlarmRequest { name, reason, ..Default::default() };
    monitors(server).acknowledge_alarm(by("tom", request)).await.map(Response::into_inner)
}

async fn snooze(server: &TestServer, name: &str, days: i64) -> Result<v1::Monitor, Status> {
    let until_time = Some(time(BEGIN + days * DAY));
    let (name, reason) = (name.to_owned(), "the campaign is unusual".to_owned());
    let request = v1::SnoozeAlarmRequest { name, reason, until_time, ..Default::default() };
    monitors(server).snooze_alarm(request).await.map(Response::into_inner)
}

async fn settle(server: &TestServer, name: &str) -> Result<v1::Monitor, Status> {
    let (name, reason) = (name.to_owned(), "mended".to_owned());
    let request = v1::SettleAlarmRequest { name, reason, ..Default::default() };
    monitors(server).settle_alarm(request).await.map(Response::into_inner)
}

async fn light(server: &TestServer) -> (v1::HealthLight, String) {
    let request = v1::GetModelHealthRequest { name: model_name("m") };
    let health = server.models().get_model_health(request).await.unwrap().into_inner();
    (health.light(), health.findings[0].next_step.clone())
}

#[tokio::test]
async fn an_alarm_is_red_until_somebody_looks_and_gone_when_it_is_settled() {
    let (server, monitor) = alarmed().await;
    let (red, next_step) = light(&server).await;
    let id = monitor.name.rsplit('/').next().unwrap();
    assert_eq!(red, v1::HealthLight::Red);
    assert!(next_step.starts_with(&format!("Acknowledge monitor {id}")), "{next_step}");
    let known = acknowledge(&server, &monitor.name).await.unwrap();
    assert_eq!(known.acknowledgement.unwrap().actor, "tom");
    let (amber, next_step) = light(&server).await;
    assert_eq!(
        (amber, next_step.as_str()),
        (v1::HealthLight::Amber, "tom looks into it; settle the alarm when it is over.")
    );
    let settled = settle(&server, &monitor.name).await.unwrap();
    assert_eq!((settled.level(), settled.acknowledgement), (VerdictLevel::Ok, None));
    assert_eq!(settled.detector.unwrap().point_count, 0, "it begins with a clean slate");
    for refused in [acknowledge(&server, &monitor.name).await, settle(&server, &monitor.name).await] {
        let (code, reason, _) = explain(&refused.unwrap_err());
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "NO_ALARM"));
    }
    server.stop().await;
}

#[tokio::test]
async fn who_snoozes_a_monitor_hears_nothing_until_the_time_and_then_again() {
    let server = in_production().await;
    let name = only(&server, 1).await.name;
    for days in [0, 91] {
        let (_, reason, _) = explain(&snooze(&server, &name, days).await.unwrap_err());
        assert_eq!(reason, "SNOOZE_TOO_LONG");
    }
    snooze(&server, &name, 30).await.unwrap();
    let since = server.size().await;
    for at in 1..=3 {
        record(&server, 1, at, vec![hallucination(30, 100)]).await;
    }
    assert_eq!(said(&server, since).await, Vec::<String>::new());
    server.clock.advance(30 * DAY);
    record(&server, 1, 5, vec![hallucination(30, 100)]).await;
    assert_eq!(said(&server, since).await, ["MetricAlarmRaised"]);
    assert_eq!(only(&server, 1).await.snooze, None);
    server.stop().await;
}

#[tokio::test]
async fn the_newest_points_are_judged_beside_the_window_before_and_beside_production() {
    let server = in_production().await;
    record(&server, 1, 1, vec![hallucination(5, 1_000)]).await;
    server.approved("m").await;
    record(&server, 2, 1, vec![hallucination(40, 1_000)]).await;
    let other = v1::MetricPoint { metric: "refusal".to_owned(), ..hallucination(10, 1_000) };
    record(&server, 2, 2, vec![hallucination(200, 1_000), other]).await;
    let verdicts = async |comparison: Comparison| {
        let (name, comparison) = (version_name("m", 2), comparison.into());
        let request = v1::JudgeVersionRequest { name, comparison, ..Default::default() };
        monitors(&server).judge_version(request).await.unwrap().into_inner().verdicts
    };
    let previous = verdicts(Comparison::Previous).await;
    assert_eq!(previous.len(), 1, "refusals have no window before");
    let verdict = previous[0].verdict.as_ref().unwrap();
    assert_eq!((verdict.level(), verdict.baseline_n, verdict.current_n), (VerdictLevel::Alarm, 1_000, 1_000));
    let beside = verdicts(Comparison::Production).await;
    assert_eq!(beside[0].verdict.as_ref().unwrap().level(), VerdictLevel::Alarm);
    assert!(beside[0].compared_evaluation.starts_with(&version_name("m", 1)));
    assert_eq!(verdicts(Comparison::Baseline).await.len(), 2);
    server.stop().await;
}
