//! Limits: what is at its limit is accepted, what is one beyond is refused.

use super::{evaluation, invalid};
use crate::support::{TestServer, create_model, create_version, model_name, version_name};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{
    self, CategoricalBins, ConfusionCounts, ConfusionPoint, ExponentialBuckets, HistogramPoint, NumericBins,
    RatePoint, SketchPoint, histogram_point::Bins, metric_point::Value, property_value::Kind,
    resolve_version_request::Selector,
};
use tonic::Code;

/// A field, its limit, and how a request of that size is made.
type Limit<R> = (&'static str, usize, fn(&mut R, usize));

macro_rules! check_limits {
    ($server:ident.$client:ident().$method:ident, $request:expr, $limits:expr) => {
        for (path, limit, fill) in $limits {
            let mut request = $request;
            fill(&mut request, limit);
            request.validate_only = true;
            let accepted = $server.$client().$method(request.clone()).await;
            accepted.unwrap_or_else(|status| panic!("{path} of {limit}: {status}"));
            fill(&mut request, limit + 1);
            for validate_only in [true, false] {
                request.validate_only = validate_only;
                let case = format!("{path} of {}", limit + 1);
                invalid(&$server, &case, $server.$client().$method(request.clone()), &[path]).await;
            }
        }
    };
}

/// Two bytes in UTF-8: limits are counted in characters.
fn text(length: usize) -> String {
    "ä".repeat(length)
}

fn letters(length: usize) -> String {
    "a".repeat(length)
}

/// Distinct short keys.
fn keys(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("k{index}"))
}

fn property(kind: Kind) -> v1::PropertyValue {
    v1::PropertyValue { kind: Some(kind) }
}

fn uri(length: usize) -> String {
    format!("s3://{}", letters(length - 5))
}

#[tokio::test]
async fn a_namespace_is_accepted_up_to_its_limits() {
    let server = TestServer::start().await;
    let limits: [Limit<v1::CreateNamespaceRequest>; 4] = [
        ("namespace_id", 63, |r, n| r.namespace_id = letters(n)),
        ("namespace.display_name", 200, |r, n| r.namespace.as_mut().unwrap().display_name = text(n)),
        ("namespace.description", 4_000, |r, n| r.namespace.as_mut().unwrap().description = text(n)),
        ("request_id", 64, |r, n| r.request_id = "~".repeat(n)),
    ];
    let request = || v1::CreateNamespaceRequest {
        namespace_id: "other".to_owned(),
        namespace: Some(v1::Namespace::default()),
        ..Default::default()
    };
    check_limits!(server.namespaces().create_namespace, request(), limits);
    server.stop().await;
}

#[tokio::test]
async fn a_model_is_accepted_up_to_its_limits() {
    let server = TestServer::start().await;
    fn model(request: &mut v1::CreateModelRequest) -> &mut v1::Model {
        request.model.as_mut().unwrap()
    }
    let limits: [Limit<v1::CreateModelRequest>; 16] = [
        ("model_id", 250, |r, n| r.model_id = text(n)),
        ("model_id", 250, |r, n| r.model_id = "𝒜".repeat(n)),
        ("request_id", 64, |r, n| r.request_id = letters(n)),
        ("model.display_name", 200, |r, n| model(r).display_name = text(n)),
        ("model.description", 4_000, |r, n| model(r).description = text(n)),
        ("model.owner", 200, |r, n| model(r).owner = text(n)),
        ("model.contacts", 20, |r, n| {
            let contact = v1::Contact { display_name: "Ana".to_owned(), ..Default::default() };
            model(r).contacts = vec![contact; n];
        }),
        ("model.contacts[0].display_name", 200, |r, n| {
            model(r).contacts = vec![v1::Contact { display_name: text(n), ..Default::default() }];
        }),
        ("model.contacts[0].address", 320, |r, n| {
            model(r).contacts = vec![v1::Contact { display_name: "Ana".to_owned(), address: text(n) }];
        }),
        ("model.data_categories", 50, |r, n| model(r).data_categories = keys(n).collect()),
        ("model.data_categories[0]", 63, |r, n| model(r).data_categories = vec![letters(n)]),
        ("model.labels", 64, |r, n| model(r).labels = keys(n).map(|key| (key, String::new())).collect()),
        ("model.labels", 63, |r, n| model(r).labels = BTreeMap::from([(letters(n), String::new())])),
        ("model.labels[\"k\"]", 250, |r, n| model(r).labels = BTreeMap::from([("k".to_owned(), text(n))])),
        ("model.properties", 64, |r, n| {
            model(r).properties = keys(n).map(|key| (key, property(Kind::BoolValue(true)))).collect();
        }),
        ("model.properties[\"k\"]", 4_000, |r, n| {
            model(r).properties = BTreeMap::from([("k".to_owned(), property(Kind::StringValue(text(n))))]);
        }),
    ];
    check_limits!(server.models().create_model, create_model("m"), limits);
    let limits: [Limit<v1::CreateModelRequest>; 1] = [("model.properties", 128, |r, n| {
        model(r).properties = BTreeMap::from([(letters(n), property(Kind::IntValue(1)))]);
    })];
    check_limits!(server.models().create_model, create_model("m"), limits);
    server.stop().await;
}

#[tokio::test]
async fn a_version_is_accepted_up_to_its_limits() {
    let server = TestServer::start().await;
    server.model("m").await;
    fn version(request: &mut v1::CreateVersionRequest) -> &mut v1::Version {
        request.version.as_mut().unwrap()
    }
    fn artifact(request: &mut v1::CreateVersionRequest) -> &mut v1::Artifact {
        &mut version(request).artifacts[0]
    }
    fn upstream(request: &mut v1::CreateVersionRequest) -> &mut v1::UpstreamReference {
        version(request).upstream.get_or_insert_with(|| v1::UpstreamReference {
            provider: "openai".to_owned(),
            model_id: "gpt".to_owned(),
            ..Default::default()
        })
    }
    fn dimension(codes: impl Iterator<Item = String>) -> v1::Dimension {
        v1::Dimension { codes: codes.collect() }
    }
    let limits: [Limit<v1::CreateVersionRequest>; 17] = [
        ("version.label", 128, |r, n| version(r).label = text(n)),
        ("version.description", 4_000, |r, n| version(r).description = text(n)),
        ("version.artifacts", 100, |r, n| {
            version(r).artifacts = vec![v1::Artifact { uri: "s3://b/k".to_owned(), ..Default::default() }; n];
        }),
        ("version.artifacts[0].uri", 2_048, |r, n| artifact(r).uri = uri(n)),
        ("version.artifacts[0].media_type", 128, |r, n| artifact(r).media_type = letters(n)),
        ("version.artifacts[0].size_bytes", (1 << 53) - 1, |r, n| artifact(r).size_bytes = n as i64),
        ("version.upstream.provider", 128, |r, n| upstream(r).provider = text(n)),
        ("version.upstream.model_id", 250, |r, n| upstream(r).model_id = text(n)),
        ("version.upstream.channel", 128, |r, n| upstream(r).channel = text(n)),
        ("version.upstream.region", 128, |r, n| upstream(r).region = text(n)),
        ("version.sources", 100, |r, n| {
            let kind = Some(v1::source::Kind::RunUri("mlflow:run".to_owned()));
            version(r).sources = vec![v1::Source { kind }; n];
        }),
        ("version.sources[0].run_uri", 2_048, |r, n| {
            version(r).sources = vec![v1::Source { kind: Some(v1::source::Kind::RunUri(uri(n))) }];
        }),
        ("version.sources[0].dataset.row_count", (1 << 53) - 1, |r, n| {
            let row_count = n as i64;
            let dataset = v1::DatasetReference { uri: "s3://d".to_owned(), row_count, ..Default::default() };
            version(r).sources = vec![v1::Source { kind: Some(v1::source::Kind::Dataset(dataset)) }];
        }),
        ("version.dimensions", 32, |r, n| {
            version(r).dimensions = keys(n).map(|key| (key, dimension(keys(1)))).collect();
        }),
        ("version.dimensions", 63, |r, n| {
            version(r).dimensions = BTreeMap::from([(letters(n), dimension(keys(1)))]);
        }),
        ("version.dimensions[\"k\"].codes", 256, |r, n| {
            version(r).dimensions = BTreeMap::from([("k".to_owned(), dimension(keys(n)))]);
        }),
        ("version.dimensions[\"k\"].codes[0]", 63, |r, n| {
            version(r).dimensions = BTreeMap::from([("k".to_owned(), dimension([letters(n)].into_iter()))]);
        }),
    ];
    let request = || {
        let mut request = create_version("m");
        upstream(&mut request);
        request
    };
    check_limits!(server.versions().create_version, request(), limits);
    server.stop().await;
}

#[tokio::test]
async fn an_evaluation_is_accepted_up_to_its_limits() {
    let server = TestServer::start().await;
    server.model("m").await;
    let codes = |count| v1::Dimension { codes: keys(count).collect() };
    let mut create = create_version("m");
    let version = create.version.get_or_insert_default();
    version.dimensions = keys(8)
        .chain([letters(63)])
        .map(|key| (key, v1::Dimension { codes: vec!["x".to_owned()] }))
        .collect();
    version.dimensions.extend([
        ("k".to_owned(), v1::Dimension { codes: vec![letters(63)] }),
        ("region".to_owned(), codes(256)),
        ("sex".to_owned(), codes(100)),
    ]);
    server.versions().create_version(create).await.unwrap();
    fn content(request: &mut v1::RecordEvaluationRequest) -> &mut v1::Evaluation {
        request.evaluation.as_mut().unwrap()
    }
    fn point(request: &mut v1::RecordEvaluationRequest) -> &mut v1::MetricPoint {
        &mut content(request).points[0]
    }
    fn histogram(request: &mut v1::RecordEvaluationRequest, bins: Bins, counts: usize) {
        let (bins, counts) = (Some(bins), vec![1; counts]);
        point(request).value = Some(Value::Histogram(HistogramPoint { bins, counts, ..Default::default() }));
    }
    let limits: [Limit<v1::RecordEvaluationRequest>; 14] = [
        ("evaluation_id", 63, |r, n| r.evaluation_id = letters(n)),
        ("evaluation.evaluator.name", 128, |r, n| content(r).evaluator.as_mut().unwrap().name = text(n)),
        ("evaluation.evaluator.version", 64, |r, n| content(r).evaluator.as_mut().unwrap().version = text(n)),
        ("evaluation.note", 1_000, |r, n| content(r).note = text(n)),
        ("evaluation.points", 200, |r, n| {
            let rate = Value::Rate(RatePoint { k: 0, n: 1 });
            content(r).points = keys(n).map(|key| evaluation::measured(&key, rate.clone())).collect();
        }),
        ("evaluation.points[0].metric", 128, |r, n| point(r).metric = letters(n)),
        ("evaluation.points[0].method", 128, |r, n| point(r).method = letters(n)),
        ("evaluation.points[0].slice", 8, |r, n| {
            point(r).slice = keys(n).map(|key| (key, "x".to_owned())).collect();
        }),
        ("evaluation.points[0].slice", 63, |r, n| {
            point(r).slice = BTreeMap::from([(letters(n), "x".to_owned())]);
        }),
        ("evaluation.points[0].slice[\"k\"]", 63, |r, n| {
            point(r).slice = BTreeMap::from([("k".to_owned(), letters(n))]);
        }),
        ("evaluation.points[0].histogram.numeric.edges", 255, |r, n| {
            let edges = (0..n).map(|edge| edge as f64).collect();
            histogram(r, Bins::Numeric(NumericBins { edges }), n + 1);
        }),
        ("evaluation.points[0].histogram.categorical.categories", 256, |r, n| {
            let (attribute, categories) = ("region".to_owned(), keys(n).collect());
            histogram(r, Bins::Categorical(CategoricalBins { attribute, categories }), n);
        }),
        ("evaluation.points[0].confusion.groups", 100, |r, n| {
            let group = |group| ConfusionCounts { group, ..Default::default() };
            let (attribute, groups) = ("sex".to_owned(), keys(n).map(group).collect());
            point(r).value = Some(Value::Confusion(ConfusionPoint { attribute, groups }));
        }),
        ("evaluation.points[0].sketch.positive.counts", 320, |r, n| {
            let positive = Some(ExponentialBuckets { offset: 0, counts: vec![1; n] });
            let sketch = SketchPoint { relative_accuracy: 0.01, positive, ..Default::default() };
            point(r).value = Some(Value::Sketch(sketch));
        }),
    ];
    check_limits!(server.evaluations().record_evaluation, evaluation::record("m"), limits);
    server.stop().await;
}

#[tokio::test]
async fn a_reason_and_an_alias_are_accepted_up_to_their_limits() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    let limits: [Limit<v1::SubmitVersionRequest>; 2] =
        [("reason", 1_000, |r, n| r.reason = text(n)), ("request_id", 64, |r, n| r.request_id = letters(n))];
    let request = || v1::SubmitVersionRequest {
        name: version_name("m", 1),
        reason: "ready".to_owned(),
        ..Default::default()
    };
    check_limits!(server.lifecycle().submit_version, request(), limits);

    server.approved("m").await;
    let limits: [Limit<v1::SetAliasRequest>; 2] = [
        ("alias.name", 63, |r, n| {
            r.alias.as_mut().unwrap().name = format!("{}/aliases/{}", model_name("m"), letters(n));
        }),
        ("reason", 1_000, |r, n| r.reason = text(n)),
    ];
    let request = || v1::SetAliasRequest {
        alias: Some(v1::Alias {
            name: format!("{}/aliases/a", model_name("m")),
            version: version_name("m", 2),
            ..Default::default()
        }),
        ..Default::default()
    };
    check_limits!(server.aliases().set_alias, request(), limits);
    server.stop().await;
}

#[tokio::test]
async fn what_a_caller_resolves_by_is_accepted_up_to_its_limits() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.approved("m").await;
    let request = |selector, consumer: String| v1::ResolveVersionRequest {
        model: model_name("m"),
        selector: Some(selector),
        consumer,
        read_at: None,
    };
    let largest = i64::from(u32::MAX);
    for (at, beyond, path) in [
        (Selector::Alias(letters(63)), Selector::Alias(letters(64)), "alias"),
        (Selector::Number(largest), Selector::Number(largest + 1), "number"),
        (Selector::Number(2), Selector::Number(0), "number"),
        (Selector::Number(2), Selector::Number(-1), "number"),
        (Selector::Label(text(128)), Selector::Label(text(129)), "label"),
        (Selector::Label("7b".to_owned()), Selector::Label("7".to_owned()), "label"),
    ] {
        let status = server.versions().resolve_version(request(at, text(250))).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{path} fits but nothing is there");
        let call = request(beyond, String::new());
        invalid(&server, path, server.versions().resolve_version(call), &[path]).await;
    }
    let call = request(Selector::Number(1), text(251));
    invalid(&server, "consumer", server.versions().resolve_version(call), &["consumer"]).await;
    server.stop().await;
}
