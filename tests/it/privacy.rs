//! What evaluations may be broken down by, and what is too small to be kept.

use crate::{
    evaluations::record,
    support::{REVIEWER, TestServer, by, declaring, explain, version_name},
};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{
    self, CategoricalBins, ConfusionCounts, ConfusionPoint, HistogramPoint, MetricPoint, RatePoint,
    histogram_point::Bins, metric_point::Value,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A server with a version 1 of `m` that declares two dimensions.
async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    let declared = [("region", &["north", "south", "west"][..]), ("sex", &["f", "m"])];
    server.versions().create_version(declaring("m", &declared)).await.unwrap();
    server
}

fn rate(region: &str, k: i64, n: i64) -> MetricPoint {
    let slice = match region {
        "" => BTreeMap::new(),
        region => BTreeMap::from([("region".to_owned(), region.to_owned())]),
    };
    let value = Some(Value::Rate(RatePoint { k, n }));
    MetricPoint { metric: "accuracy".to_owned(), slice, value, ..Default::default() }
}

fn histogram(attribute: &str, categories: &[&str], counts: &[i64]) -> MetricPoint {
    let (attribute, categories) = (attribute.to_owned(), categories.iter().map(|&c| c.to_owned()).collect());
    let bins = Some(Bins::Categorical(CategoricalBins { attribute, categories }));
    let value =
        Some(Value::Histogram(HistogramPoint { bins, counts: counts.to_vec(), reference_counts: vec![] }));
    MetricPoint { metric: "input/region".to_owned(), value, ..Default::default() }
}

fn confusion(attribute: &str, groups: &[(&str, i64)]) -> MetricPoint {
    let group = |(group, true_positives): &(&str, i64)| ConfusionCounts {
        group: (*group).to_owned(),
        true_positives: *true_positives,
        ..Default::default()
    };
    let (attribute, groups) = (attribute.to_owned(), groups.iter().map(group).collect());
    let value = Some(Value::Confusion(ConfusionPoint { attribute, groups }));
    MetricPoint { metric: "confusion".to_owned(), value, ..Default::default() }
}

async fn recorded(server: &TestServer, points: &[MetricPoint]) -> Result<v1::Evaluation, Status> {
    let mut request = record("m", 1);
    request.evaluation.as_mut().unwrap().points = points.to_vec();
    let tried = v1::RecordEvaluationRequest { validate_only: true, ..request.clone() };
    let tried = server.evaluations().record_evaluation(tried).await;
    let written = server.evaluations().record_evaluation(request).await;
    assert_eq!(tried.is_ok(), written.is_ok(), "a rehearsal tells what will happen");
    written.map(tonic::Response::into_inner)
}

/// The reason words with their metadata, and the sentences.
fn told(status: &Status) -> (Vec<String>, Vec<(String, String)>, String) {
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    let mut metadata: Vec<_> = metadata.into_iter().collect();
    metadata.sort();
    let (code, _, words) = explain(status);
    assert_eq!(code, Code::FailedPrecondition);
    (words, metadata, status.message().to_owned())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_key_that_the_version_does_not_declare_is_refused_by_name() {
    let server = started().await;
    let size = server.size().await;
    let mut sliced = rate("", 9, 10);
    sliced.slice = BTreeMap::from([("donor".to_owned(), "jane".to_owned())]);
    for point in [sliced, histogram("donor", &["jane"], &[9]), confusion("donor", &[("jane", 9)])] {
        let (words, metadata, sentence) = told(&recorded(&server, &[point]).await.unwrap_err());
        assert_eq!(words, ["DIMENSION_NOT_DECLARED"]);
        assert_eq!(metadata, pairs(&[("key", "donor")]));
        assert!(sentence.contains("\"region\", \"sex\"") && sentence.contains("`dimensions`"), "{sentence}");
    }
    assert_eq!(server.size().await, size);
    server.stop().await;
}

#[tokio::test]
async fn a_code_that_the_version_does_not_declare_is_refused_by_name() {
    let server = started().await;
    for point in [
        rate("east", 9, 10),
        histogram("region", &["north", "east"], &[9, 9]),
        confusion("region", &[("east", 9)]),
    ] {
        let (words, metadata, sentence) = told(&recorded(&server, &[point]).await.unwrap_err());
        assert_eq!(words, ["CODE_NOT_DECLARED"]);
        assert_eq!(metadata, pairs(&[("code", "east"), ("key", "region")]));
        assert!(sentence.contains("\"north\", \"south\", \"west\""), "{sentence}");
    }
    server.stop().await;
}

#[tokio::test]
async fn all_that_is_not_declared_is_told_at_once() {
    let server = started().await;
    let points = [rate("east", 9, 10), confusion("donor", &[("jane", 9)]), histogram("sex", &["x"], &[9])];
    let (words, ..) = told(&recorded(&server, &points).await.unwrap_err());
    assert_eq!(words, ["DIMENSION_NOT_DECLARED", "CODE_NOT_DECLARED", "CODE_NOT_DECLARED"]);
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_declares_nothing_takes_only_whole_measurements() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    recorded(&server, &[rate("", 9, 10)]).await.unwrap();
    let (words, _, sentence) = told(&recorded(&server, &[rate("OTHER", 9, 10)]).await.unwrap_err());
    assert_eq!(words, ["DIMENSION_NOT_DECLARED"]);
    assert!(sentence.contains("declares no dimensions"), "{sentence}");
    server.stop().await;
}

#[tokio::test]
async fn dimensions_are_frozen_with_the_version_and_part_of_its_digest() {
    let server = TestServer::start().await;
    server.model("m").await;
    let mut digests = Vec::new();
    for (number, codes) in [(1, &["north"][..]), (2, &["north", "south"])] {
        server.versions().create_version(declaring("m", &[("region", codes)])).await.unwrap();
        let (name, reason) = (version_name("m", number), "ready".to_owned());
        let submit = v1::SubmitVersionRequest { name: name.clone(), reason, ..Default::default() };
        let version = server.lifecycle().submit_version(by(REVIEWER, submit)).await.unwrap().into_inner();
        digests.push(version.content_digest);
        let version = v1::Version { name, dimensions: BTreeMap::new(), ..Default::default() };
        let update_mask = Some(prost_types::FieldMask { paths: vec!["dimensions".to_owned()] });
        let update = v1::UpdateVersionRequest { version: Some(version), update_mask, ..Default::default() };
        let error = server.versions().update_version(update).await.unwrap_err();
        assert_eq!(explain(&error).2, ["VERSION_FROZEN"]);
    }
    assert_ne!(digests[0], digests[1]);
    let (_, _, sentence) = told(&recorded(&server, &[rate("south", 9, 10)]).await.unwrap_err());
    assert!(sentence.contains("create a version that declares it"), "{sentence}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_small_is_recorded_under_other_and_the_answer_says_so() {
    let server = started().await;
    let points = [
        rate("", 19, 27),
        rate("north", 3, 4),
        rate("south", 16, 20),
        rate("west", 0, 3),
        histogram("region", &["north", "south", "west"], &[4, 20, 0]),
        confusion("sex", &[("f", 20), ("m", 1)]),
    ];
    let kept = recorded(&server, &points).await.unwrap();
    let wanted = [
        rate("", 19, 27),
        rate("OTHER", 3, 7),
        rate("south", 16, 20),
        histogram("region", &["north", "south", "west", "OTHER"], &[0, 20, 0, 4]),
        confusion("sex", &[("f", 20), ("OTHER", 1)]),
    ];
    assert_eq!((&kept.points[..], kept.folded_cell_count), (&wanted[..], 4));
    let get = v1::GetEvaluationRequest { name: kept.name.clone(), read_at: None };
    assert_eq!(server.evaluations().get_evaluation(get).await.unwrap().into_inner(), kept);
    // The log is all that a rebuild, an export or a subscriber sees.
    let list = v1::ListAuditEventsRequest { parent: "namespaces/default".to_owned(), ..Default::default() };
    let events = server.audit().list_audit_events(list).await.unwrap().into_inner().audit_events;
    let leaf = String::from_utf8(events.last().unwrap().leaf.to_vec()).unwrap();
    assert!(leaf.contains("folded_cell_count") && !leaf.contains("\"region\":\"north\""), "{leaf}");
    server.stop().await;
}

#[tokio::test]
async fn the_policy_says_how_small_is_too_small() {
    let server = started().await;
    let points = [rate("north", 1, 9)];
    for (minimum_cell_count, folded, kept) in [(10, 1, 10), (9, 0, 9), (1, 0, 1), (0, 0, 5)] {
        let name = "namespaces/default/policies/preview".to_owned();
        let policy = v1::Policy { name, minimum_cell_count, ..Default::default() };
        let update_mask = Some(prost_types::FieldMask { paths: vec!["minimum_cell_count".to_owned()] });
        let update = v1::UpdatePolicyRequest { policy: Some(policy), update_mask, ..Default::default() };
        let policy = server.policies().update_policy(update).await.unwrap().into_inner().policy.unwrap();
        assert_eq!(policy.minimum_cell_count, kept);
        let evaluation = recorded(&server, &points).await.unwrap();
        assert_eq!(evaluation.folded_cell_count, folded, "at least {minimum_cell_count}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_free_text_with_personal_data_is_refused_and_not_repeated() {
    let server = started().await;
    for (text, kind) in [
        ("complaint of jane.doe@example.org", "an e-mail address"),
        ("call +49 30 1234567 first", "a telephone number"),
        ("card 4111 1111 1111 1111 failed", "the number of a payment card"),
    ] {
        let mut request = record("m", 1);
        request.evaluation.as_mut().unwrap().note = text.to_owned();
        let error = server.evaluations().record_evaluation(request).await.unwrap_err();
        let violation = error.get_error_details().bad_request().unwrap().field_violations[0].clone();
        assert_eq!((error.code(), violation.field.as_str()), (Code::InvalidArgument, "evaluation.note"));
        assert!(violation.description.contains(kind), "{}", violation.description);
        for part in text.split(' ').filter(|part| part.len() > 4) {
            assert!(!error.message().contains(part), "{} repeats {part}", error.message());
        }
    }
    server.stop().await;
}
