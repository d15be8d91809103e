//! Batches of evaluations: all or none, and the bad one is named.

use super::{evaluation, invalid, refused};
use crate::support::{TestServer, model_name, version_name};
use steward_registry::proto::v1::{
    self, HistogramPoint, NumericBins, RatePoint, histogram_point::Bins, metric_point::Value,
};
use tonic::{Code, Response, Status};

/// A batch of evaluations of version 1 of `m`.
fn batch(count: usize) -> v1::BatchRecordEvaluationsRequest {
    let record =
        |index| v1::RecordEvaluationRequest { evaluation_id: format!("e{index}"), ..evaluation::record("m") };
    let (parent, requests) = (model_name("m"), (0..count).map(record).collect());
    v1::BatchRecordEvaluationsRequest { parent, requests, ..Default::default() }
}

async fn send(
    server: &TestServer,
    batch: v1::BatchRecordEvaluationsRequest,
) -> Result<Response<v1::BatchRecordEvaluationsResponse>, Status> {
    server.evaluations().batch_record_evaluations(batch).await
}

async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    server
}

#[tokio::test]
async fn one_bad_evaluation_among_a_thousand_is_named_and_none_is_written() {
    let server = started().await;
    for index in [0, 617, 999] {
        let mut request = batch(1_000);
        let evaluation = request.requests[index].evaluation.as_mut().unwrap();
        evaluation.points[0].value = Some(Value::Rate(RatePoint { k: 11, n: 10 }));
        let field = format!("requests[{index}].evaluation.points[0].rate.k");
        let call = send(&server, request);
        invalid(&server, &field, call, &[&field]).await;
    }
    let name = format!("{}/evaluations/e0", version_name("m", 1));
    let request = v1::GetEvaluationRequest { name, read_at: None };
    let status = server.evaluations().get_evaluation(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);

    let written = server.evaluations().batch_record_evaluations(batch(1_000)).await.unwrap().into_inner();
    let ids: Vec<_> = written.evaluations.iter().map(|e| e.name.rsplit('/').next().unwrap()).collect();
    let wanted: Vec<_> = (0..1_000).map(|index| format!("e{index}")).collect();
    assert_eq!(ids, wanted, "in the order of the requests");
    server.stop().await;
}

#[tokio::test]
async fn a_batch_has_at_least_one_and_at_most_a_thousand_evaluations() {
    let server = started().await;
    for count in [0, 1_001] {
        for validate_only in [true, false] {
            let request = v1::BatchRecordEvaluationsRequest { validate_only, ..batch(count) };
            let call = send(&server, request);
            invalid(&server, &format!("{count} evaluations"), call, &["requests"]).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_belongs_to_the_batch_is_refused_within_it() {
    let server = started().await;
    server.model("other").await;
    server.version("other").await;
    let mut request = batch(5);
    request.requests[1].request_id = "r".to_owned();
    request.requests[2].validate_only = true;
    request.requests[3].evaluation_id = "No id".to_owned();
    request.requests[4].evaluation = None;
    let call = send(&server, request);
    let wanted = [
        "requests[1].request_id",
        "requests[2].validate_only",
        "requests[3].evaluation_id",
        "requests[4].evaluation",
    ];
    invalid(&server, "fields of the batch", call, &wanted).await;

    let mut request = batch(3);
    request.requests[1].parent = version_name("other", 1);
    request.requests[2].parent = version_name("m", 1).replace("default", "elsewhere");
    let call = send(&server, request);
    invalid(&server, "other models", call, &["requests[1].parent", "requests[2].parent"]).await;
    server.stop().await;
}

#[tokio::test]
async fn an_id_stands_once_in_a_batch_and_once_in_a_version() {
    let server = started().await;
    let mut request = batch(3);
    request.requests[2].evaluation_id = "e0".to_owned();
    let call = send(&server, request);
    invalid(&server, "e0 twice", call, &["requests[2].evaluation_id"]).await;

    server.evaluations().batch_record_evaluations(batch(2)).await.unwrap();
    let exists = (Code::AlreadyExists, "EVALUATION_EXISTS", &[][..]);
    for validate_only in [true, false] {
        let mut request = v1::BatchRecordEvaluationsRequest { validate_only, ..batch(3) };
        request.requests.rotate_left(2);
        let call = send(&server, request);
        refused(&server, "e0 and e1 again", call, exists).await;
    }
    let again = v1::RecordEvaluationRequest { evaluation_id: "e1".to_owned(), ..evaluation::record("m") };
    refused(&server, "e1 again", server.evaluations().record_evaluation(again), exists).await;
    server.stop().await;
}

#[tokio::test]
async fn every_version_that_takes_no_evaluations_is_named() {
    let server = started().await;
    for number in [2, 3] {
        let name = server.version("m").await.name;
        let reason = "not this one".to_owned();
        let submit =
            v1::SubmitVersionRequest { name: name.clone(), reason: reason.clone(), ..Default::default() };
        server.lifecycle().submit_version(submit).await.unwrap();
        let reject = v1::RejectVersionRequest { name: name.clone(), reason, ..Default::default() };
        server.lifecycle().reject_version(reject).await.unwrap();
        assert_eq!(name, version_name("m", number));
    }
    let mut request = batch(5);
    request.requests[1].parent = version_name("m", 2);
    request.requests[3].parent = version_name("m", 3);
    request.requests[4].parent = version_name("m", 3);
    for validate_only in [true, false] {
        let request = v1::BatchRecordEvaluationsRequest { validate_only, ..request.clone() };
        let call = send(&server, request);
        let word = "EVALUATION_NOT_ACCEPTED";
        refused(&server, "rejected", call, (Code::FailedPrecondition, word, &[word, word])).await;
    }
    request.requests[2].parent = version_name("m", 9);
    let call = send(&server, request);
    refused(&server, "missing", call, (Code::NotFound, "VERSION_NOT_FOUND", &[])).await;
    server.stop().await;
}

#[tokio::test]
async fn a_batch_that_fills_more_than_3_mib_of_the_log_is_refused() {
    let server = started().await;
    let mut request = batch(160);
    let bins = Some(Bins::Numeric(NumericBins { edges: (1..=99).map(f64::from).collect() }));
    let histogram = HistogramPoint { bins, counts: vec![1_000_000; 100], reference_counts: vec![] };
    for one in &mut request.requests {
        let point = |index| evaluation::measured(&format!("m{index}"), Value::Histogram(histogram.clone()));
        one.evaluation.as_mut().unwrap().points = (0..18).map(point).collect();
    }
    for validate_only in [true, false] {
        let request = v1::BatchRecordEvaluationsRequest { validate_only, ..request.clone() };
        let call = send(&server, request);
        invalid(&server, "too much at once", call, &["requests"]).await;
    }
    server.stop().await;
}
