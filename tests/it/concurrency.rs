//! Many callers at once: each gets an answer that one order of all of them gives.

mod interleaved;
mod linear;
mod replicated;

use crate::{
    ask::{Ask, create_namespace, describe_model, label_version, record_batch, set_alias},
    engines::GatedEngine,
    stream::reader::export,
    support::{TestServer, create_model, create_version, explain, model_name, version_name},
};
use prost::Message as _;
use std::sync::Arc;
use steward_registry::proto::v1::{self, Alias, Model, Namespace, Version};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

/// Connections of their own.
pub async fn connections(server: &TestServer, count: usize) -> Vec<Channel> {
    let mut channels = Vec::new();
    for _ in 0..count {
        let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
        channels.push(endpoint.connect().await.unwrap());
    }
    channels
}

/// Sends all at once, in turn over these connections; the answers in order.
async fn all_at_once(channels: &[Channel], asks: Vec<Ask>) -> Vec<Result<Vec<u8>, Status>> {
    let channels = channels.iter().cycle();
    let calls: Vec<_> = asks
        .into_iter()
        .zip(channels)
        .map(|(ask, channel)| {
            let channel = channel.clone();
            tokio::spawn(async move { ask.send(&channel).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

fn read<M: prost::Message + Default>(answers: &[Result<Vec<u8>, Status>]) -> Vec<M> {
    answers.iter().flatten().map(|bytes| M::decode(bytes.as_slice()).unwrap()).collect()
}

fn number(version: &Version) -> u64 {
    version.name.rsplit('/').next().unwrap().parse().unwrap()
}

async fn a_thousand_versions_are_numbered(server: TestServer) {
    server.model("m").await;
    let size = server.size().await;
    let channels = connections(&server, 8).await;
    let asks: Vec<_> =
        (0..1_000).map(|i| Ask::from(create_version("m")).with_request_id(&format!("create-{i}"))).collect();
    let answers = all_at_once(&channels, asks.clone()).await;
    let versions: Vec<Version> = read(&answers);
    let mut numbers: Vec<_> = versions.iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=1_000).collect::<Vec<_>>());
    let mut positions: Vec<_> = versions.iter().map(|version| version.audit_position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (size..size + 1_000).collect::<Vec<_>>());
    let head = server.head().await;
    let again = all_at_once(&channels, asks).await;
    assert!(
        again.iter().zip(&answers).all(|(again, first)| again.as_ref().unwrap() == first.as_ref().unwrap())
    );
    assert_eq!(server.head().await, head);
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_versions_at_once_are_numbered_without_loss_and_their_repeats_change_nothing() {
    a_thousand_versions_are_numbered(TestServer::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_versions_at_once_are_numbered_without_loss_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    a_thousand_versions_are_numbered(TestServer::start_in(dir.path()).await).await;
}

/// What the losers of a race are told.
fn losers(answers: &[Result<Vec<u8>, Status>]) -> Vec<(Code, String)> {
    let told = answers.iter().filter_map(|answer| answer.as_ref().err());
    let mut told: Vec<_> = told.map(|status| (explain(status).0, explain(status).1)).collect();
    told.dedup();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_updates_with_one_etag_exactly_one_wins_each_round() {
    let server = TestServer::start().await;
    let channels = connections(&server, 4).await;
    let mut etag = server.model("m").await.etag;
    for round in 0..20 {
        let asks = (0..16).map(|i| describe_model("m", &format!("{round}-{i}"), &etag)).collect();
        let answers = all_at_once(&channels, asks).await;
        let won: Vec<Model> = read(&answers);
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(losers(&answers), [(Code::Aborted, "ETAG_MISMATCH".to_owned())]);
        let get = v1::GetModelRequest { name: model_name("m"), read_at: None };
        assert_eq!(server.models().get_model(get).await.unwrap().into_inner(), won[0]);
        etag.clone_from(&won[0].etag);
    }
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_set_an_alias_with_one_etag_exactly_one_wins_each_round() {
    let server = TestServer::start().await;
    let channels = connections(&server, 4).await;
    server.model("m").await;
    for _ in 0..8 {
        server.approved("m").await;
    }
    let first = set_alias("m", "production", 1, "").send(&server.channel).await.unwrap();
    let mut alias = Alias::decode(first.as_slice()).unwrap();
    for round in 0..20 {
        let asks = (1..=8).map(|number| set_alias("m", "production", number, &alias.etag)).collect();
        let answers = all_at_once(&channels, asks).await;
        let won: Vec<Alias> = read(&answers);
        assert_eq!(won.len(), 1, "round {round}");
        assert!(losers(&answers).iter().all(|told| told.1 == "ETAG_MISMATCH"), "{:?}", losers(&answers));
        assert_eq!(won[0].previous_version, alias.version, "nothing came in between");
        alias = won.into_iter().next().unwrap();
    }
    let get = v1::GetAliasRequest { name: alias.name.clone(), read_at: None };
    assert_eq!(server.aliases().get_alias(get).await.unwrap().into_inner(), alias);
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_etags_all_win_and_each_sees_the_one_before_it() {
    let server = TestServer::start().await;
    server.model("m").await;
    for _ in 0..4 {
        server.approved("m").await;
    }
    let channels = connections(&server, 4).await;
    let asks = (0..100).map(|i| set_alias("m", "production", i % 4 + 1, "")).collect();
    let mut aliases: Vec<Alias> = read(&all_at_once(&channels, asks).await);
    assert_eq!(aliases.len(), 100);
    aliases.sort_by_key(|alias| alias.audit_position);
    for pair in aliases.windows(2) {
        assert_eq!(pair[1].audit_position, pair[0].audit_position + 1);
        if pair[0].version != pair[1].version {
            assert_eq!(pair[1].previous_version, pair[0].version);
        }
    }
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_create_the_same_thing_exactly_one_does() {
    let server = TestServer::start().await;
    let channels = connections(&server, 4).await;
    server.model("m").await;
    server.version("m").await;
    for round in 0..10 {
        let id = format!("id-{round}");
        let before = server.size().await;
        let model = || Ask::from(create_model(&id));
        let evaluation = || Ask::from(crate::ask::record(&version_name("m", 1), &id, 1));
        let batch = || record_batch("m", 1, &id, 3);
        for (ask, reason, events) in [
            (&model as &dyn Fn() -> Ask, "MODEL_EXISTS", 1),
            (&evaluation, "EVALUATION_EXISTS", 1),
            (&batch, "EVALUATION_EXISTS", 3),
        ] {
            let size = server.size().await;
            let answers = all_at_once(&channels, (0..16).map(|_| ask()).collect()).await;
            assert_eq!(answers.iter().flatten().count(), 1, "{reason}");
            assert_eq!(losers(&answers), [(Code::AlreadyExists, reason.to_owned())]);
            assert_eq!(server.size().await, size + events);
        }
        assert_eq!(server.size().await, before + 5);
    }
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_create_one_namespace_exactly_one_does_and_its_log_begins_with_it() {
    let dir = tempfile::tempdir().unwrap();
    for server in [TestServer::start().await, TestServer::start_in(dir.path()).await] {
        let channels = connections(&server, 4).await;
        for round in 0..5 {
            let id = format!("charity-{round}");
            let asks = (0..16).map(|i| create_namespace(&id, &format!("by {i}"))).collect();
            let answers = all_at_once(&channels, asks).await;
            let created: Vec<Namespace> = read(&answers);
            assert_eq!(created.len(), 1);
            assert_eq!(losers(&answers), [(Code::AlreadyExists, "NAMESPACE_EXISTS".to_owned())]);
            let parent = format!("namespaces/{id}");
            let head = v1::GetAuditHeadRequest { parent: parent.clone() };
            let head = server.audit().get_audit_head(head).await.unwrap().into_inner();
            assert_eq!((head.size, &head.log_id), (1, &created[0].log_id));
            // It takes writes.
            let model = v1::CreateModelRequest { parent, ..create_model("m") };
            assert_eq!(server.models().create_model(model).await.unwrap().into_inner().audit_position, 1);
        }
        drop(channels);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_belongs_to_one_version_however_many_want_it() {
    let server = TestServer::start().await;
    let channels = connections(&server, 4).await;
    server.model("m").await;
    for _ in 0..8 {
        server.version("m").await;
    }
    for round in 0..10 {
        let label = format!("1.{round}.0");
        let mut asks: Vec<_> = (1..=8).map(|n| label_version(&version_name("m", n), &label)).collect();
        let mut created = create_version("m");
        created.version.as_mut().unwrap().label.clone_from(&label);
        asks.extend((0..8).map(|_| Ask::from(created.clone())));
        let answers = all_at_once(&channels, asks).await;
        let won: Vec<Version> = read(&answers);
        assert_eq!(won.len(), 1, "{:?}", losers(&answers));
        assert_eq!(losers(&answers).len(), 1, "{:?}", losers(&answers));
        let selector = Some(v1::resolve_version_request::Selector::Label(label));
        let resolve = v1::ResolveVersionRequest { model: model_name("m"), selector, ..Default::default() };
        // A draft resolves for nobody, and the refusal names the version that it found.
        let refusal = server.versions().resolve_version(resolve).await.unwrap_err();
        assert!(refusal.message().starts_with(&won[0].name), "{refusal:?}");
    }
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_one_commit_can_hold_is_carried_out_in_several() {
    // A model is five writes, and one more for the time of the commit.
    let mut engine = GatedEngine::default();
    engine.caps.max_writes = 40;
    let server = TestServer::over(Arc::new(engine)).await;
    let channels = connections(&server, 4).await;
    let size = server.size().await;
    let asks = (0..300).map(|i| create_model(&format!("m{i}")).into()).collect();
    for answer in all_at_once(&channels, asks).await {
        answer.unwrap();
    }
    assert_eq!(server.size().await, size + 300);
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_decided_while_others_write_is_true_of_one_moment() {
    let server = TestServer::start().await;
    let channels = connections(&server, 4).await;
    for round in 0..20 {
        let id = format!("m-{round}");
        // The version needs the model, the evaluation the version: each either
        // sees what it needs, or is refused for want of exactly that.
        let asks = vec![
            Ask::from(crate::ask::record(&version_name(&id, 1), "e", 1)),
            Ask::from(create_version(&id)),
            Ask::from(create_model(&id)),
            describe_model(&id, "x", ""),
            Ask::from(create_model(&id)),
        ];
        let answers = all_at_once(&channels, asks).await;
        let codes: Vec<_> =
            answers.iter().map(|answer| answer.as_ref().map_err(Status::code).err()).collect();
        assert!(codes[2].is_none() != codes[4].is_none(), "{codes:?}");
        for code in [codes[0], codes[1], codes[3]] {
            assert!(matches!(code, None | Some(Code::NotFound)), "{codes:?}");
        }
        assert!(codes[0].is_some() || codes[1].is_none(), "an evaluation without its version");
    }
    // Every state in the log stands on the one that it says it replaced.
    let mut newest = std::collections::HashMap::new();
    for event in export(&server).await {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        for change in leaf["data"]["changes"].as_array().unwrap() {
            let before = change["before"]["position"].as_u64();
            assert_eq!(newest.insert(change["name"].clone(), event.position), before, "{}", event.position);
        }
    }
    drop(channels);
    server.stop().await;
}
