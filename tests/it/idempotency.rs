//! Repeats: the same request id gives the same answer and writes nothing.

use crate::{
    ask::{Ask, create_namespace, describe_model, namespace_of, one_of_each, record_batch},
    contract::descriptor::Contract,
    engines::{GatedEngine, LOG, copy_of},
    stream::reader::{export, part},
    support::{BEGIN, DAY, NAMESPACE, TestServer, create_model, explain},
};
use prost::Message as _;
use std::{collections::BTreeSet, sync::Arc};
use steward_registry::{
    domain::name::NamespaceId,
    proto::v1::{AuditHead, GetAuditHeadRequest, Model},
    registry::{Registry, environment::Environment},
};
use tonic::{Code, Status};

async fn head(server: &TestServer, parent: &str) -> AuditHead {
    let request = GetAuditHeadRequest { parent: parent.to_owned() };
    server.audit().get_audit_head(request).await.unwrap().into_inner()
}

fn is_reused(status: &Status) {
    assert_eq!(explain(status), (Code::AlreadyExists, "REQUEST_ID_REUSED".into(), vec![]));
}

/// Each mutation of the contract, with a request id of its own.
fn numbered(word: &str) -> impl Iterator<Item = Ask> {
    (0..).zip(one_of_each(word)).map(|(number, ask)| ask.with_request_id(&format!("request-{number}")))
}

#[test]
fn every_mutation_of_the_contract_is_repeated_here() {
    let repeated: BTreeSet<_> = one_of_each("x").iter().map(Ask::verb).collect();
    assert_eq!(repeated, Ask::VERBS.iter().copied().collect());
    let contract = Contract::load();
    let mutations = contract.mutations();
    assert_eq!(repeated, mutations.iter().map(|method| method.name()).collect());
}

#[tokio::test]
async fn a_repeat_gives_the_identical_answer_and_writes_nothing() {
    let server = TestServer::start().await;
    for ask in numbered("first") {
        let first = ask.send(&server.channel).await.unwrap();
        let before = head(&server, &namespace_of(&ask)).await;
        server.clock.advance(1_000_000);
        let again = ask.send(&server.channel).await.unwrap();
        assert_eq!(again, first, "{}", ask.verb());
        assert_eq!(head(&server, &namespace_of(&ask)).await, before, "{}", ask.verb());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_gives_the_first_answer_even_after_everything_has_changed() {
    let server = TestServer::start().await;
    let mut answers = Vec::new();
    for ask in numbered("first") {
        answers.push((ask.send(&server.channel).await.unwrap(), ask));
    }
    let before = server.head().await;
    server.clock.advance(DAY / 2);
    for (first, ask) in answers {
        assert_eq!(ask.send(&server.channel).await.unwrap(), first, "{}", ask.verb());
    }
    assert_eq!(server.head().await, before);
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_after_a_restart_on_disk_gives_the_first_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    let mut answers = Vec::new();
    for ask in numbered("first") {
        answers.push((ask.send(&server.channel).await.unwrap(), ask));
    }
    let before = server.head().await;
    server.stop().await;
    let server = TestServer::start_in(dir.path()).await;
    for (first, ask) in answers {
        assert_eq!(ask.send(&server.channel).await.unwrap(), first, "{}", ask.verb());
    }
    assert_eq!(server.head().await, before);
    server.stop().await;
}

#[tokio::test]
async fn the_same_request_id_with_other_content_is_refused_and_writes_nothing() {
    let server = TestServer::start().await;
    for (first, other) in numbered("first").zip(numbered("another")) {
        first.send(&server.channel).await.unwrap();
        let before = head(&server, &namespace_of(&first)).await;
        is_reused(&other.send(&server.channel).await.unwrap_err());
        is_reused(&other.validate_only().send(&server.channel).await.unwrap_err());
        assert_eq!(head(&server, &namespace_of(&first)).await, before, "{}", first.verb());
    }
    server.stop().await;
}

#[tokio::test]
async fn the_same_request_id_with_another_verb_reason_or_etag_is_refused() {
    let server = TestServer::start().await;
    let created = Ask::from(create_model("m")).with_request_id("id").send(&server.channel).await.unwrap();
    let etag = Model::decode(created.as_slice()).unwrap().etag;
    is_reused(&describe_model("m", "x", "").with_request_id("id").send(&server.channel).await.unwrap_err());
    let describe = |etag: &str| describe_model("m", "x", etag).with_request_id("other");
    describe(&etag).send(&server.channel).await.unwrap();
    is_reused(&describe("").send(&server.channel).await.unwrap_err());
    let delete = |reason| crate::ask::delete_model(&crate::support::model_name("m"), reason);
    delete("obsolete").with_request_id("third").send(&server.channel).await.unwrap();
    is_reused(&delete("mistaken").with_request_id("third").send(&server.channel).await.unwrap_err());
    server.stop().await;
}

#[tokio::test]
async fn namespaces_keep_their_request_ids_apart() {
    let server = TestServer::start().await;
    for id in ["one", "two"] {
        create_namespace(id, "x").with_request_id("id").send(&server.channel).await.unwrap();
    }
    Ask::from(create_model("m")).with_request_id("id").send(&server.channel).await.unwrap();
    server.stop().await;
}

/// Sends the same request a hundred times at once.
async fn at_once(server: &TestServer, ask: &Ask) -> BTreeSet<Vec<u8>> {
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (ask, channel) = (ask.clone(), server.channel.clone());
            tokio::spawn(async move { ask.send(&channel).await.unwrap() })
        })
        .collect();
    let mut answers = BTreeSet::new();
    for call in calls {
        answers.insert(call.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_identical_requests_at_once_make_one_mutation_and_one_answer() {
    let dir = tempfile::tempdir().unwrap();
    for server in [TestServer::start().await, TestServer::start_in(dir.path()).await] {
        let mut size = server.size().await;
        for ask in numbered("first") {
            let (answers, grown) = (at_once(&server, &ask).await, server.size().await);
            assert_eq!(answers.len(), 1, "{}", ask.verb());
            // What was written is one mutation: its first event to its last.
            let written: Vec<(u64, u64)> = export(&server).await[size as usize..].iter().map(part).collect();
            let count = grown - size;
            assert_eq!(written, (0..count).map(|at| (at, count)).collect::<Vec<_>>(), "{}", ask.verb());
            assert_eq!(count == 0, matches!(ask, Ask::CreateNamespace(_)), "{}", ask.verb());
            size = grown;
        }
        assert_eq!(head(&server, "namespaces/charity").await.size, 1);
        server.stop().await;
    }
}

/// Whatever a crash leaves of a request, a repeat finds all of it or nothing.
#[tokio::test]
async fn a_request_that_was_written_just_before_a_crash_is_not_carried_out_again() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    for ask in numbered("first") {
        engine.behind.close();
        let (request, channel) = (ask.clone(), server.channel.clone());
        let first = tokio::spawn(async move { request.send(&channel).await });
        engine.behind.reached().await;
        // Written, and the server dies before it knows.
        let left = copy_of(&*engine, &[LOG, "charity"]).await;
        engine.behind.open();
        let answer = first.await.unwrap().unwrap();
        let restarted = TestServer::over(left).await;
        let before = head(&restarted, &namespace_of(&ask)).await;
        assert_eq!(ask.send(&restarted.channel).await.unwrap(), answer, "{}", ask.verb());
        assert_eq!(head(&restarted, &namespace_of(&ask)).await, before, "{}", ask.verb());
        restarted.stop().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_that_comes_while_the_first_is_being_written_waits_for_its_answer() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    let size = server.size().await;
    engine.before.close();
    let ask = Ask::from(create_model("m")).with_request_id("id");
    let send = |ask: &Ask| {
        let (ask, channel) = (ask.clone(), server.channel.clone());
        tokio::spawn(async move { ask.send(&channel).await })
    };
    let first = send(&ask);
    engine.before.reached().await;
    let (repeat, other) = (send(&ask), send(&Ask::from(create_model("n")).with_request_id("id")));
    engine.before.open();
    let answer = first.await.unwrap().unwrap();
    assert_eq!(repeat.await.unwrap().unwrap(), answer);
    is_reused(&other.await.unwrap().unwrap_err());
    assert_eq!(server.size().await, size + 1);
    server.stop().await;
}

#[tokio::test]
async fn a_request_id_is_known_for_24_hours_and_free_afterwards() {
    let server = TestServer::start().await;
    let ask = describe_model("m", "x", "").with_request_id("id");
    server.model("m").await;
    server.clock.set(BEGIN + DAY);
    let first = ask.send(&server.channel).await.unwrap();
    server.clock.set(BEGIN + 2 * DAY);
    assert_eq!(ask.send(&server.channel).await.unwrap(), first, "after exactly a day");
    let size = server.size().await;
    server.clock.set(BEGIN + 2 * DAY + 1);
    let second = ask.send(&server.channel).await.unwrap();
    assert_ne!(second, first, "a day is over");
    assert_eq!(ask.send(&server.channel).await.unwrap(), second, "the id means the second one now");
    assert_eq!(server.size().await, size + 1);
    describe_model("m", "y", "").with_request_id("free").send(&server.channel).await.unwrap();
    server.clock.set(BEGIN);
    is_reused(&describe_model("m", "z", "").with_request_id("free").send(&server.channel).await.unwrap_err());
    server.stop().await;
}

#[tokio::test]
async fn validate_only_neither_uses_a_request_id_up_nor_writes() {
    let server = TestServer::start().await;
    for ask in numbered("first") {
        let before = server.head().await;
        let preview = ask.clone().validate_only().send(&server.channel).await.unwrap();
        assert_eq!(server.head().await, before, "{}", ask.verb());
        let first = ask.send(&server.channel).await.unwrap();
        assert_ne!(first, preview, "{} has a position now", ask.verb());
        // What was carried out under this id is answered, checked only or not.
        let again = ask.clone().validate_only().send(&server.channel).await.unwrap();
        assert_eq!(again, first, "{}", ask.verb());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_id_up() {
    let server = TestServer::start().await;
    let ask = describe_model("m", "x", "").with_request_id("id");
    assert_eq!(ask.send(&server.channel).await.unwrap_err().code(), Code::NotFound);
    server.model("m").await;
    ask.send(&server.channel).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn sweeping_forgets_expired_request_ids_and_no_others() {
    let engine = Arc::new(GatedEngine::default());
    let server = TestServer::over(engine.clone()).await;
    server.model("m").await;
    for number in 0..700 {
        let ask = describe_model("m", &number.to_string(), "").with_request_id(&format!("old-{number}"));
        ask.send(&server.channel).await.unwrap();
    }
    record_batch("m", 1, "none", 1).with_request_id("refused").send(&server.channel).await.unwrap_err();
    server.clock.advance(DAY);
    let young = describe_model("m", "young", "").with_request_id("young");
    let answer = young.send(&server.channel).await.unwrap();
    let (clock, before) = (server.clock.clone(), server.head().await);
    server.stop().await;

    let entropy = Environment::system().entropy;
    let registry =
        Registry::open(engine.clone(), Environment { clock: clock.clone(), entropy }).await.unwrap();
    let namespace = NamespaceId::new("default").unwrap();
    assert_eq!(registry.sweep_requests(&namespace).await.unwrap(), 0, "a day is not over yet");
    clock.advance(1_000_000);
    assert_eq!(registry.sweep_requests(&namespace).await.unwrap(), 700);
    assert_eq!(registry.sweep_requests(&namespace).await.unwrap(), 0);
    registry.close().await;

    let server = TestServer::over(engine).await;
    assert_eq!(head(&server, NAMESPACE).await, before, "the log is as it was");
    server.clock.set(BEGIN + DAY);
    assert_eq!(young.send(&server.channel).await.unwrap(), answer);
    server.stop().await;
}
