//! Versions through the wire: content and lists. Resolving is in
//! `resolve.rs`, the states are in `lifecycle.rs`.

use crate::support::{
    BEGIN, TestServer, create_version, dimensions, explain, model_name, time, version_name,
};
use std::collections::BTreeMap;
use steward_registry::proto::v1::{self, property_value::Kind, source};
use tonic::{Code, Response, Status};

/// A version with every field that a caller can give.
fn complete() -> v1::Version {
    let digest = format!("sha256:{}", "0f".repeat(32));
    let dataset =
        v1::DatasetReference { uri: "s3://data/2026".to_owned(), digest: digest.clone(), row_count: 7 };
    let sources = [
        source::Kind::Dataset(dataset),
        source::Kind::RunUri("mlflow:runs/7".to_owned()),
        source::Kind::ParentVersion(version_name("parent", 1)),
    ];
    v1::Version {
        label: "2.0 (Ünï)".to_owned(),
        description: "Trained on 2026.\nFaster.".to_owned(),
        artifacts: vec![
            v1::Artifact {
                uri: "s3://models/2.onnx".to_owned(),
                digest,
                size_bytes: (1 << 53) - 1,
                media_type: "application/onnx".to_owned(),
            },
            v1::Artifact { uri: "urn:notes".to_owned(), ..Default::default() },
        ],
        upstream: Some(v1::UpstreamReference {
            provider: "openai".to_owned(),
            model_id: "gpt-4o-2024-08-06".to_owned(),
            channel: "azure".to_owned(),
            region: "eu-west-1".to_owned(),
        }),
        sources: sources.map(|kind| v1::Source { kind: Some(kind) }).to_vec(),
        properties: BTreeMap::from([(
            "Threshold".to_owned(),
            v1::PropertyValue { kind: Some(Kind::DoubleValue(0.35)) },
        )]),
        labels: BTreeMap::from([("stage".to_owned(), "pilot".to_owned())]),
        dimensions: dimensions(&[("region", &["south", "north"])]),
        ..Default::default()
    }
}

/// A version that differs from [`complete`] in every field.
fn different() -> v1::Version {
    let source = v1::Source { kind: Some(source::Kind::RunUri("mlflow:runs/8".to_owned())) };
    v1::Version {
        label: "3.0".to_owned(),
        description: "Smaller.".to_owned(),
        artifacts: vec![v1::Artifact { uri: "s3://models/3.onnx".to_owned(), ..Default::default() }],
        upstream: Some(v1::UpstreamReference {
            provider: "mistral".to_owned(),
            model_id: "large".to_owned(),
            ..Default::default()
        }),
        sources: vec![source],
        properties: BTreeMap::new(),
        labels: BTreeMap::from([("stage".to_owned(), "live".to_owned())]),
        dimensions: dimensions(&[("age", &["65+"])]),
        ..Default::default()
    }
}

async fn started() -> TestServer {
    let server = TestServer::start().await;
    for model in ["parent", "m"] {
        server.model(model).await;
    }
    server.version("parent").await;
    server
}

async fn create(server: &TestServer, version: v1::Version) -> Result<v1::Version, Status> {
    let request = v1::CreateVersionRequest { version: Some(version), ..create_version("m") };
    server.versions().create_version(request).await.map(Response::into_inner)
}

async fn update(
    server: &TestServer,
    version: v1::Version,
    mask: Option<&[&str]>,
) -> Result<v1::Version, Status> {
    let paths = |mask: &[&str]| mask.iter().map(|&path| path.to_owned()).collect();
    let update_mask = mask.map(|mask| prost_types::FieldMask { paths: paths(mask) });
    let request = v1::UpdateVersionRequest { version: Some(version), update_mask, ..Default::default() };
    server.versions().update_version(request).await.map(Response::into_inner)
}

async fn read(server: &TestServer, number: u32) -> v1::Version {
    let request = v1::GetVersionRequest { name: version_name("m", number), read_at: None };
    server.versions().get_version(request).await.unwrap().into_inner()
}

/// Without what the server writes.
fn content(version: v1::Version) -> v1::Version {
    v1::Version {
        name: String::new(),
        state: 0,
        create_time: None,
        update_time: None,
        etag: String::new(),
        audit_position: 0,
        ..version
    }
}

#[tokio::test]
async fn a_version_is_read_back_as_it_was_registered() {
    let server = started().await;
    let created = create(&server, complete()).await.unwrap();
    let wanted = v1::Version {
        name: version_name("m", 1),
        state: v1::VersionState::Draft.into(),
        create_time: Some(time(BEGIN + 4)),
        update_time: Some(time(BEGIN + 4)),
        etag: "p4".to_owned(),
        audit_position: 4,
        ..complete()
    };
    assert_eq!(created, wanted);
    assert_eq!(read(&server, 1).await, wanted);
    server.stop().await;
}

#[tokio::test]
async fn what_only_the_server_decides_is_ignored_in_a_request() {
    let server = started().await;
    let decision = v1::Decision { actor: "me".to_owned(), ..Default::default() };
    let claims = v1::Version {
        name: version_name("m", 77),
        state: v1::VersionState::Approved.into(),
        content_digest: format!("sha256:{}", "0".repeat(64)),
        submission: Some(decision.clone()),
        review: Some(decision.clone()),
        deprecation: Some(v1::Deprecation::default()),
        retirement: Some(v1::Retirement { decision: Some(decision.clone()), ..Default::default() }),
        restoration: Some(v1::Restoration { decision: Some(decision.clone()), ..Default::default() }),
        hold: Some(v1::Hold { decision: Some(decision.clone()), ..Default::default() }),
        archival: Some(decision),
        create_time: Some(time(0)),
        update_time: Some(time(0)),
        etag: "p99".to_owned(),
        audit_position: 99,
        ..complete()
    };
    let created = create(&server, claims).await.unwrap();
    assert_eq!(created.name, version_name("m", 1));
    assert_eq!(created.state(), v1::VersionState::Draft);
    assert_eq!(content(created), complete());
    server.stop().await;
}

#[tokio::test]
async fn versions_are_numbered_from_1_in_each_model_and_refusals_leave_no_gap() {
    let server = started().await;
    let labelled = |label: &str| v1::Version { label: label.to_owned(), ..Default::default() };
    for number in 1..=4 {
        let created = create(&server, labelled(&format!("v{number}"))).await.unwrap();
        assert_eq!(created.name, version_name("m", number));
        create(&server, labelled("7")).await.expect_err("only digits");
        create(&server, labelled("v1")).await.expect_err("taken");
    }
    assert_eq!(server.version("parent").await.name, version_name("parent", 2));
    server.stop().await;
}

#[tokio::test]
async fn a_label_is_unique_in_its_model_and_free_again_when_it_is_given_up() {
    let server = started().await;
    let labelled =
        |label: &str| v1::Version { label: label.to_owned(), artifacts: vec![], ..Default::default() };
    create(&server, labelled("1.0")).await.unwrap();
    let size = server.size().await;
    let taken = create(&server, labelled("1.0")).await.unwrap_err();
    assert_eq!(explain(&taken), (Code::AlreadyExists, "VERSION_EXISTS".into(), vec![]));
    assert!(taken.message().contains("versions/1"), "{}", taken.message());
    assert_eq!(server.size().await, size);

    create(&server, labelled("1.1")).await.unwrap();
    let rename = |number, label: &str| v1::Version { name: version_name("m", number), ..labelled(label) };
    let taken = update(&server, rename(2, "1.0"), None).await.unwrap_err();
    assert_eq!(explain(&taken).1, "VERSION_EXISTS");
    update(&server, rename(2, "1.1"), Some(&["label"])).await.expect("its own label is its own");
    update(&server, rename(1, ""), Some(&["label"])).await.unwrap();
    update(&server, rename(2, "1.0"), None).await.expect("1.0 is free again");

    let elsewhere = v1::CreateVersionRequest { version: Some(labelled("1.0")), ..create_version("parent") };
    server.versions().create_version(elsewhere).await.expect("another model has labels of its own");
    server.stop().await;
}

#[tokio::test]
async fn a_parent_has_to_exist_in_the_same_namespace() {
    let server = started().await;
    let from = |name: String| {
        let source = v1::Source { kind: Some(source::Kind::ParentVersion(name)) };
        v1::Version { sources: vec![source], ..Default::default() }
    };
    let error = create(&server, from(version_name("parent", 2))).await.unwrap_err();
    let wanted = (Code::FailedPrecondition, "SOURCE_MISSING".to_owned(), vec!["SOURCE_MISSING".to_owned()]);
    assert_eq!(explain(&error), wanted);
    let error = create(&server, from(version_name("m", 1))).await.unwrap_err();
    assert_eq!(explain(&error), wanted, "a version cannot come from itself");
    let other = version_name("parent", 1).replace("default", "other");
    let error = create(&server, from(other)).await.unwrap_err();
    assert_eq!(explain(&error).2, ["version.sources[0].parent_version"]);
    create(&server, from(version_name("parent", 1))).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_mask_changes_the_field_that_it_names_and_no_other() {
    let server = started().await;
    type Take = fn(&mut v1::Version, v1::Version);
    let fields: [(&str, Take); 8] = [
        ("label", |v, from| v.label = from.label),
        ("description", |v, from| v.description = from.description),
        ("artifacts", |v, from| v.artifacts = from.artifacts),
        ("upstream", |v, from| v.upstream = from.upstream),
        ("sources", |v, from| v.sources = from.sources),
        ("properties", |v, from| v.properties = from.properties),
        ("labels", |v, from| v.labels = from.labels),
        ("dimensions", |v, from| v.dimensions = from.dimensions),
    ];
    for (number, (field, take)) in (1..).zip(fields) {
        let unlabelled = v1::Version { label: String::new(), ..complete() };
        let created = create(&server, unlabelled.clone()).await.unwrap();
        server.clock.advance(1_000_000);
        let change = v1::Version { name: created.name.clone(), etag: created.etag.clone(), ..different() };
        let changed = update(&server, change, Some(&[field])).await.unwrap();
        let mut wanted = unlabelled;
        take(&mut wanted, different());
        assert_eq!(content(changed.clone()), wanted, "{field}");
        assert_eq!(changed.etag, format!("p{}", created.audit_position + 1));
        assert_eq!(read(&server, number).await, changed);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_star_replaces_everything_and_no_mask_only_what_is_given() {
    let server = started().await;
    create(&server, complete()).await.unwrap();
    let name = version_name("m", 1);
    let change = v1::Version { name: name.clone(), description: "New.".to_owned(), ..Default::default() };
    let changed = update(&server, change, None).await.unwrap();
    assert_eq!(content(changed), v1::Version { description: "New.".to_owned(), ..complete() });
    let change = v1::Version { name, label: "4".to_owned() + ".0", ..Default::default() };
    let changed = update(&server, change, Some(&["*"])).await.unwrap();
    assert_eq!(content(changed), v1::Version { label: "4.0".to_owned(), ..Default::default() });
    server.stop().await;
}

#[tokio::test]
async fn versions_are_listed_by_number_under_a_filter() {
    let server = started().await;
    for label in ["1.0", "1.1", "2.0"] {
        let stage = if label == "2.0" { "live" } else { "pilot" };
        let labels = BTreeMap::from([("stage".to_owned(), stage.to_owned())]);
        create(&server, v1::Version { label: label.to_owned(), labels, ..Default::default() }).await.unwrap();
        server.clock.advance(60_000_000);
    }
    server.approved("m").await;
    let list = async |filter: &str, order_by: &str, page_size: i32| {
        let (filter, order_by) = (filter.to_owned(), order_by.to_owned());
        let mut request = v1::ListVersionsRequest {
            parent: model_name("m"),
            filter,
            order_by,
            page_size,
            ..Default::default()
        };
        let mut numbers: Vec<u32> = Vec::new();
        loop {
            let page = server.versions().list_versions(request.clone()).await.unwrap().into_inner();
            numbers.extend(
                page.versions.iter().map(|v| v.name.rsplit('/').next().unwrap().parse::<u32>().unwrap()),
            );
            if page.next_page_token.is_empty() {
                return numbers;
            }
            request.page_token = page.next_page_token;
        }
    };
    for (filter, wanted) in [
        ("", &[1, 2, 3, 4][..]),
        ("state = APPROVED", &[4]),
        ("state = DRAFT AND number > 1", &[2, 3]),
        ("label = \"1.*\"", &[1, 2]),
        ("label:*", &[1, 2, 3]),
        ("labels.stage = \"live\" OR state = APPROVED", &[3, 4]),
        ("number >= 2 number <= 3", &[2, 3]),
        ("create_time >= \"2026-03-01T00:02:00Z\"", &[3, 4]),
        ("description:nothing", &[]),
    ] {
        let reversed: Vec<u32> = wanted.iter().rev().copied().collect();
        for page_size in 0..=5 {
            assert_eq!(list(filter, "", page_size).await, wanted, "{filter} by {page_size}");
            assert_eq!(list(filter, "number", page_size).await, wanted);
            assert_eq!(list(filter, "number desc", page_size).await, reversed);
        }
    }
    for _ in 0..8 {
        server.version("m").await;
    }
    assert_eq!(list("", "", 3).await, (1..=12).collect::<Vec<_>>(), "10 comes behind 9");
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_says_what() {
    let server = started().await;
    let get = |name: String| v1::GetVersionRequest { name, read_at: None };
    for number in [1, u32::MAX] {
        let error = server.versions().get_version(get(version_name("m", number))).await.unwrap_err();
        assert_eq!(explain(&error), (Code::NotFound, "VERSION_NOT_FOUND".into(), vec![]));
    }
    let missing = v1::Version { name: version_name("m", 1), label: "x".to_owned(), ..Default::default() };
    let error = update(&server, missing, None).await.unwrap_err();
    assert_eq!(explain(&error), (Code::NotFound, "VERSION_NOT_FOUND".into(), vec![]));
    server.stop().await;
}
