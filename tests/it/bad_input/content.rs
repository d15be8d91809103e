//! Content that is wrong by itself: unknown enum values, numbers that are none,
//! control characters, records that are too large, fields that are missing.

use super::{evaluation, invalid};
use crate::support::{BEGIN, TestServer, create_model, create_version, dimensions, time, version_name};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{
    self, HistogramPoint, NumericBins, histogram_point::Bins, metric_point::Value, property_value::Kind,
    source,
};

/// One property under this key.
fn property(key: &str, kind: Option<Kind>) -> BTreeMap<String, v1::PropertyValue> {
    BTreeMap::from([(key.to_owned(), v1::PropertyValue { kind })])
}

fn label(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

/// Control characters, those that end a line among them.
const CONTROLS: [&str; 6] = ["a\u{0}", "a\u{7}b", "\u{1b}[31m", "a\nb", "a\u{7f}", "a\u{85}"];

#[tokio::test]
async fn a_model_with_a_wrong_field_is_refused_by_that_field() {
    let mut cases: Vec<(&str, v1::Model)> = Vec::new();
    let mut case = |path, change: &dyn Fn(&mut v1::Model)| {
        let mut model = v1::Model { kind: v1::ModelKind::Own.into(), ..Default::default() };
        change(&mut model);
        cases.push((path, model));
    };
    case("model.kind", &|m| m.kind = 0);
    for unknown in [4, 99, -1, i32::MAX] {
        case("model.kind", &|m| m.kind = unknown);
        case("model.risk_tier", &|m| m.risk_tier = unknown);
    }
    for control in CONTROLS {
        case("model.display_name", &|m| m.display_name = control.to_owned());
        case("model.owner", &|m| m.owner = control.to_owned());
        case("model.labels[\"k\"]", &|m| m.labels = label("k", control));
        case("model.labels", &|m| m.labels = label(control, ""));
        case("model.properties", &|m| m.properties = property(control, Some(Kind::BoolValue(true))));
        case("model.data_categories[0]", &|m| m.data_categories = vec![control.to_owned()]);
    }
    case("model.description", &|m| m.description = "a\u{0}".to_owned());
    case("model.contacts[1].display_name", &|m| {
        m.contacts = vec![v1::Contact { display_name: "Ana".to_owned(), ..Default::default() }];
        m.contacts.push(v1::Contact::default());
    });
    for code in ["", "Donations", "donor data", "ä", "a%20"] {
        case("model.data_categories[0]", &|m| m.data_categories = vec![code.to_owned()]);
        case("model.labels", &|m| m.labels = label(code, "x"));
    }
    for key in ["", "a b", "ä", "a%20"] {
        case("model.properties", &|m| m.properties = property(key, Some(Kind::IntValue(1))));
    }
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        case("model.properties[\"k\"]", &|m| m.properties = property("k", Some(Kind::DoubleValue(number))));
    }
    let no_time = prost_types::Timestamp { seconds: 0, nanos: 1_000_000_000 };
    case("model.properties[\"k\"]", &|m| m.properties = property("k", Some(Kind::TimeValue(no_time))));
    case("model.properties[\"k\"]", &|m| m.properties = property("k", None));

    let server = TestServer::start().await;
    let name = server.model("present").await.name;
    for (path, model) in cases {
        let case = format!("{path} of {model:?}");
        for validate_only in [false, true] {
            let model = Some(model.clone());
            let create = v1::CreateModelRequest { model, validate_only, ..create_model("m") };
            invalid(&server, &case, server.models().create_model(create), &[path]).await;
        }
        let paths = vec!["*".to_owned()];
        let model = v1::Model { name: name.clone(), ..model };
        let update_mask = Some(prost_types::FieldMask { paths });
        let update = v1::UpdateModelRequest { model: Some(model), update_mask, ..Default::default() };
        invalid(&server, &case, server.models().update_model(update), &[path]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_version_with_a_wrong_field_is_refused_by_that_field() {
    let mut cases: Vec<(&str, v1::Version)> = Vec::new();
    let mut case = |path, change: &dyn Fn(&mut v1::Version)| {
        let mut version = create_version("m").version.unwrap();
        change(&mut version);
        cases.push((path, version));
    };
    for text in ["7", "2026", " a", "a ", "a/b", "a\u{7}", "1.0%", "..", "🦀"] {
        case("version.label", &|v| v.label = text.to_owned());
    }
    for text in ["model.onnx", "", "s3:", "1s3://b/k", "s3://b/a k", "s3://b/\u{7}"] {
        case("version.artifacts[0].uri", &|v| v.artifacts[0].uri = text.to_owned());
    }
    let (upper, short) = (format!("sha256:{}", "A".repeat(64)), format!("sha256:{}", "a".repeat(63)));
    for text in ["sha256", &upper, &short, &"a".repeat(64), &format!("md5:{}", "a".repeat(64))] {
        case("version.artifacts[0].digest", &|v| v.artifacts[0].digest = text.to_owned());
    }
    case("version.artifacts[0].size_bytes", &|v| v.artifacts[0].size_bytes = -1);
    case("version.artifacts[0].media_type", &|v| v.artifacts[0].media_type = "a\u{7}".to_owned());
    case("version.upstream.provider", &|v| {
        v.upstream = Some(v1::UpstreamReference { model_id: "gpt".to_owned(), ..Default::default() });
    });
    case("version.upstream.model_id", &|v| {
        v.upstream = Some(v1::UpstreamReference { provider: "openai".to_owned(), ..Default::default() });
    });
    case("version.description", &|v| v.description = "a\u{1b}".to_owned());
    case("version.labels", &|v| v.labels = label("Team", "x"));
    case("version.dimensions", &|v| v.dimensions = dimensions(&[("the region", &["north"])]));
    case("version.dimensions[\"k\"].codes", &|v| v.dimensions = dimensions(&[("k", &[])]));
    case("version.dimensions[\"k\"].codes[0]", &|v| v.dimensions = dimensions(&[("k", &["in the north"])]));
    case("version.dimensions[\"k\"].codes[1]", &|v| v.dimensions = dimensions(&[("k", &["a", "a"])]));
    case("version.properties[\"k\"]", &|v| v.properties = property("k", Some(Kind::DoubleValue(f64::NAN))));
    let sources = |kinds: Vec<Option<source::Kind>>| -> Vec<v1::Source> {
        kinds.into_iter().map(|kind| v1::Source { kind }).collect()
    };
    let run = |uri: &str| Some(source::Kind::RunUri(uri.to_owned()));
    case("version.sources[1]", &|v| v.sources = sources(vec![run("urn:r"), None]));
    case("version.sources[0].run_uri", &|v| v.sources = sources(vec![run("run 7")]));
    case("version.sources[0].dataset.uri", &|v| {
        v.sources = sources(vec![Some(source::Kind::Dataset(v1::DatasetReference::default()))]);
    });
    case("version.sources[0].dataset.row_count", &|v| {
        let dataset = v1::DatasetReference { uri: "s3://d".to_owned(), row_count: -1, ..Default::default() };
        v.sources = sources(vec![Some(source::Kind::Dataset(dataset))]);
    });

    let server = TestServer::start().await;
    server.model("m").await;
    let name = server.version("m").await.name;
    for (path, version) in cases {
        let case = format!("{path} of {version:?}");
        for validate_only in [false, true] {
            let version = Some(version.clone());
            let create = v1::CreateVersionRequest { version, validate_only, ..create_version("m") };
            invalid(&server, &case, server.versions().create_version(create), &[path]).await;
        }
        let version = Some(v1::Version { name: name.clone(), ..version });
        let update_mask = Some(prost_types::FieldMask { paths: vec!["*".to_owned()] });
        let update = v1::UpdateVersionRequest { version, update_mask, ..Default::default() };
        invalid(&server, &case, server.versions().update_version(update), &[path]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn an_unreadable_source_does_not_shift_the_others() {
    let server = TestServer::start().await;
    server.model("m").await;
    let mut request = create_version("m");
    let bad = v1::Source { kind: Some(source::Kind::RunUri("run 7".to_owned())) };
    request.version.as_mut().unwrap().sources = vec![v1::Source::default(), bad];
    let wanted = ["version.sources[0]", "version.sources[1].run_uri"];
    invalid(&server, "two bad sources", server.versions().create_version(request), &wanted).await;
    server.stop().await;
}

#[tokio::test]
async fn a_record_of_more_than_32_kib_is_refused() {
    let server = TestServer::start().await;
    let model = server.model("m").await;
    let version = server.version("m").await;
    let texts = |count: usize| -> BTreeMap<String, v1::PropertyValue> {
        let text = |index| (format!("k{index}"), Some(Kind::StringValue("x".repeat(4_000))));
        (0..count).map(text).map(|(key, kind)| (key, v1::PropertyValue { kind })).collect()
    };
    for validate_only in [true, false] {
        let mut request = v1::CreateModelRequest { validate_only, ..create_model("large") };
        request.model.as_mut().unwrap().properties = texts(9);
        invalid(&server, "a model", server.models().create_model(request), &["model"]).await;

        let large = Some(v1::Model { name: model.name.clone(), properties: texts(9), ..Default::default() });
        let request = v1::UpdateModelRequest { model: large, validate_only, ..Default::default() };
        invalid(&server, "a model", server.models().update_model(request), &["model"]).await;

        let mut request = v1::CreateVersionRequest { validate_only, ..create_version("m") };
        request.version.as_mut().unwrap().properties = texts(9);
        invalid(&server, "a version", server.versions().create_version(request), &["version"]).await;

        let large = v1::Version { name: version.name.clone(), properties: texts(9), ..Default::default() };
        let request = v1::UpdateVersionRequest { version: Some(large), validate_only, ..Default::default() };
        invalid(&server, "a version", server.versions().update_version(request), &["version"]).await;

        let mut request = v1::RecordEvaluationRequest { validate_only, ..evaluation::record("m") };
        let bins = Some(Bins::Numeric(NumericBins { edges: (0..99).map(f64::from).collect() }));
        let histogram = HistogramPoint { bins, counts: vec![1_000_000; 100], reference_counts: vec![] };
        let point = |index| evaluation::measured(&format!("m{index}"), Value::Histogram(histogram.clone()));
        request.evaluation.as_mut().unwrap().points = (0..40).map(point).collect();
        invalid(&server, "an evaluation", server.evaluations().record_evaluation(request), &["evaluation"])
            .await;
    }
    let mut request = create_model("just small enough");
    request.model.as_mut().unwrap().properties = texts(8);
    server.models().create_model(request).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn everything_that_is_missing_is_named_at_once() {
    let server = TestServer::start().await;
    macro_rules! missing {
        ($client:ident().$method:ident, $request:ident, $fields:expr) => {
            let request = v1::$request::default();
            invalid(&server, stringify!($method), server.$client().$method(request), &$fields).await;
        };
    }
    missing!(namespaces().create_namespace, CreateNamespaceRequest, ["namespace_id"]);
    missing!(namespaces().get_namespace, GetNamespaceRequest, ["name"]);
    missing!(models().create_model, CreateModelRequest, ["parent", "model_id", "model"]);
    missing!(models().get_model, GetModelRequest, ["name"]);
    missing!(models().list_models, ListModelsRequest, ["parent"]);
    missing!(models().update_model, UpdateModelRequest, ["model", "model.name"]);
    missing!(models().delete_model, DeleteModelRequest, ["name"]);
    missing!(models().undelete_model, UndeleteModelRequest, ["name"]);
    missing!(versions().create_version, CreateVersionRequest, ["parent", "version"]);
    missing!(versions().get_version, GetVersionRequest, ["name"]);
    missing!(versions().list_versions, ListVersionsRequest, ["parent"]);
    missing!(versions().update_version, UpdateVersionRequest, ["version", "version.name"]);
    missing!(versions().resolve_version, ResolveVersionRequest, ["model", "selector"]);
    missing!(aliases().set_alias, SetAliasRequest, ["alias", "alias.name", "alias.version"]);
    missing!(aliases().get_alias, GetAliasRequest, ["name"]);
    missing!(aliases().list_aliases, ListAliasesRequest, ["parent"]);
    missing!(aliases().delete_alias, DeleteAliasRequest, ["name"]);
    missing!(aliases().get_alias_history, GetAliasHistoryRequest, ["name"]);
    missing!(lifecycle().submit_version, SubmitVersionRequest, ["name", "reason"]);
    missing!(lifecycle().approve_version, ApproveVersionRequest, ["name", "reason"]);
    missing!(lifecycle().reject_version, RejectVersionRequest, ["name", "reason"]);
    missing!(
        lifecycle().deprecate_version,
        DeprecateVersionRequest,
        ["name", "sunset_time", "successor", "reason"]
    );
    missing!(lifecycle().reinstate_version, ReinstateVersionRequest, ["name", "reason"]);
    missing!(lifecycle().retire_version, RetireVersionRequest, ["name", "reason"]);
    missing!(lifecycle().archive_version, ArchiveVersionRequest, ["name", "reason"]);
    missing!(lifecycle().extend_sunset, ExtendSunsetRequest, ["name", "sunset_time", "reason"]);
    missing!(lifecycle().hold_version, HoldVersionRequest, ["name", "reason"]);
    missing!(lifecycle().release_version, ReleaseVersionRequest, ["name", "reason"]);
    missing!(namespaces().update_namespace, UpdateNamespaceRequest, ["namespace", "namespace.name"]);
    missing!(aliases().rollback_alias, RollbackAliasRequest, ["name", "reason"]);
    missing!(aliases().get_alias_readiness, GetAliasReadinessRequest, ["name"]);
    missing!(policies().create_policy, CreatePolicyRequest, ["parent", "policy_id", "policy"]);
    missing!(policies().get_policy, GetPolicyRequest, ["name"]);
    missing!(policies().list_policies, ListPoliciesRequest, ["parent"]);
    missing!(policies().update_policy, UpdatePolicyRequest, ["policy", "policy.name"]);
    missing!(proposals().create_proposal, CreateProposalRequest, ["parent", "proposal", "proposal.step"]);
    missing!(proposals().get_proposal, GetProposalRequest, ["name"]);
    missing!(proposals().list_proposals, ListProposalsRequest, ["parent"]);
    missing!(proposals().approve_proposal, ApproveProposalRequest, ["name"]);
    missing!(proposals().revoke_approval, RevokeApprovalRequest, ["name", "reason"]);
    missing!(proposals().reject_proposal, RejectProposalRequest, ["name", "reason"]);
    missing!(proposals().withdraw_proposal, WithdrawProposalRequest, ["name", "reason"]);
    missing!(proposals().comment_on_proposal, CommentOnProposalRequest, ["name", "reason"]);
    missing!(incidents().open_incident, OpenIncidentRequest, ["parent", "incident_id", "incident", "reason"]);
    missing!(incidents().get_incident, GetIncidentRequest, ["name"]);
    missing!(incidents().list_incidents, ListIncidentsRequest, ["parent"]);
    missing!(incidents().close_incident, CloseIncidentRequest, ["name", "reason"]);
    missing!(evaluations().record_evaluation, RecordEvaluationRequest, ["parent", "evaluation"]);
    missing!(evaluations().batch_record_evaluations, BatchRecordEvaluationsRequest, ["parent", "requests"]);
    missing!(evaluations().get_evaluation, GetEvaluationRequest, ["name"]);
    missing!(evaluations().list_evaluations, ListEvaluationsRequest, ["parent"]);
    missing!(audit().subscribe_audit_events, SubscribeAuditEventsRequest, ["parent"]);
    missing!(audit().list_audit_events, ListAuditEventsRequest, ["parent"]);
    missing!(audit().get_audit_head, GetAuditHeadRequest, ["parent"]);
    server.stop().await;
}

#[tokio::test]
async fn a_reason_has_to_say_something() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.version("m").await;
    for reason in ["", " ", "\n\t ", "a\u{0}"] {
        let reason = reason.to_owned();
        let name = version_name("m", 1);
        let request = v1::SubmitVersionRequest { name, reason: reason.clone(), ..Default::default() };
        invalid(&server, &reason, server.lifecycle().submit_version(request), &["reason"]).await;

        use v1::deprecate_version_request::Successor;
        let request = v1::DeprecateVersionRequest {
            name: version_name("m", 1),
            reason: "old".to_owned(),
            sunset_time: Some(time(BEGIN + 1)),
            successor: Some(Successor::NoReplacementReason(reason.clone())),
            ..Default::default()
        };
        let field = "no_replacement_reason";
        invalid(&server, &reason, server.lifecycle().deprecate_version(request), &[field]).await;
    }
    server.stop().await;
}
