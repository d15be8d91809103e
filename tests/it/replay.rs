//! The log is the registry: after any history the state is what its replay
//! gives, in every key and every answer.

pub mod answers;
mod history;

use crate::{
    engines::pairs,
    stream::reader::{Reader, from_the_beginning, up_to},
    support::TestServer,
};
use answers::{At, about, head, names, try_head};
use history::{Step, carry_out, histories};
use proptest::test_runner::{Config, TestRunner};
use prost_reflect::{DescriptorPool, DynamicMessage};
use std::{collections::BTreeSet, sync::Arc};
use steward_registry::{
    domain::{name::NamespaceId, time::Timestamp},
    proto::{
        DESCRIPTOR_SET,
        v1::{
            AuditEvent, ListNamespacesRequest, ListPersonsRequest, Person, SubscribeAuditEventsRequest,
            person_service_client::PersonServiceClient,
        },
    },
    registry::{
        environment::{Clock as _, Environment},
        person::copy::{Heading, Line},
        rebuild::Rebuild,
    },
    store::{
        engine::{Engine, Head},
        memory::MemoryEngine,
        sled::{SledEngine, SledOptions},
    },
};
use tonic::{Status, transport::Channel};

/// Histories that are tried; the environment may ask for more.
const HISTORIES: u32 = 6;
const LONGEST: usize = 60;

fn histories_to_try() -> u32 {
    std::env::var("STEWARD_TEST_HISTORIES").map_or(HISTORIES, |text| text.parse().unwrap())
}

/// The whole log of a namespace.
async fn log(server: &TestServer, parent: &str) -> Vec<AuditEvent> {
    let newest = head(&server.channel, parent).await.size - 1;
    let request =
        SubscribeAuditEventsRequest { parent: parent.to_owned(), ..up_to(newest, from_the_beginning()) };
    let (events, _, status) = Reader::open(server, request).await.unwrap().rest().await;
    status.unwrap();
    events
}

async fn namespaces(server: &TestServer) -> Vec<String> {
    let list = server.namespaces().list_namespaces(ListNamespacesRequest::default()).await.unwrap();
    list.into_inner().namespaces.into_iter().map(|namespace| namespace.name).collect()
}

/// What a head says of its log. How it was cut into batches is left out: the
/// newest batch's id and what was there before it are not part of the log.
fn identity(head: Head) -> Head {
    Head { batch_id: [0; 16], previous_size: 0, previous_frontier: Vec::new(), ..head }
}

/// Commit times are strictly increasing, and one mutation has one time.
fn times_increase(events: &[AuditEvent]) {
    let mut last: Option<Timestamp> = None;
    for event in events {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        let time: Timestamp = serde_json::from_value(leaf["time"].clone()).unwrap();
        let first = leaf["data"]["mutation"]["index"] == 0;
        match last {
            Some(last) if first => assert!(time > last, "position {}", event.position),
            Some(last) => assert_eq!(time, last, "position {}", event.position),
            None => {}
        }
        last = Some(time);
    }
}

fn message(kind: &str) -> prost_reflect::MessageDescriptor {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
    pool.get_message_by_name(&format!("steward.v1.{kind}")).unwrap()
}

/// Each leaf is canonical JSON, and each state in it is the proto3 JSON of the
/// resource that a read of that position answers.
async fn leaves_are_canonical(server: &TestServer, events: &[AuditEvent], persons: &Copied) {
    for event in events {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        assert_eq!(serde_json_canonicalizer::to_vec(&leaf).unwrap(), event.leaf);
        for change in leaf["data"]["changes"].as_array().unwrap() {
            let name = change["name"].as_str().unwrap();
            let read = answers::get(&server.channel, name, At::Position(event.position)).await;
            let Some(state) = change.get("after") else {
                assert_eq!(read.unwrap_err().0, tonic::Code::NotFound);
                continue;
            };
            let descriptor = message(change["kind"].as_str().unwrap());
            snake_case(state);
            let state = persons.named(state);
            let state = DynamicMessage::deserialize(descriptor.clone(), state)
                .unwrap_or_else(|error| panic!("{error}: position {}", event.position));
            let mut read = DynamicMessage::decode(descriptor.clone(), read.unwrap().as_slice()).unwrap();
            // The end follows from the deprecation, the provider and the restoration.
            for field in ["etag", "audit_position", "effective_sunset_time"] {
                if descriptor.get_field_by_name(field).is_some() {
                    read.clear_field_by_name(field);
                }
            }
            let json = |message| serde_json::to_value(message).unwrap();
            assert_eq!(json(state), json(read), "position {}", event.position);
        }
    }
}

/// Fields are named as in the contract's source, which proto3 JSON accepts.
fn snake_case(state: &serde_json::Value) {
    let fields = state.as_object().unwrap();
    assert!(fields.keys().all(|field| !field.contains(char::is_uppercase)), "{state}");
}

/// Carries a history out over an engine, and holds it against its own replay.
async fn state_is_the_replay_of_the_log(engine: Arc<dyn Engine>, history: &[Step]) {
    let server = TestServer::unwatched(engine.clone()).await;
    carry_out(&server, history).await;
    let rebuilt: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let (mut known, mut newest) = (BTreeSet::new(), 0);
    for parent in namespaces(&server).await {
        let events = log(&server, &parent).await;
        times_increase(&events);
        let persons = Copied::of(&server.channel, &parent).await.unwrap();
        leaves_are_canonical(&server, &events, &persons).await;
        replay(&*rebuilt, &events, persons).await;
        newest = newest.max(events.len() as u64 - 1);
        known.append(&mut names(&events));
        let log = NamespaceId::new(parent.rsplit('/').next().unwrap()).unwrap();
        let here = engine.head(log.as_str()).await.unwrap().unwrap();
        let there = rebuilt.head(log.as_str()).await.unwrap().unwrap();
        assert_eq!(identity(here), identity(there));
    }
    // Every key, index and request id; nothing is left out.
    assert_eq!(pairs(&*engine).await, pairs(&*rebuilt).await);

    let replica = TestServer::unwatched(rebuilt).await;
    replica.clock.set(server.clock.now().micros());
    let begin = crate::support::BEGIN;
    let mut moments: Vec<_> = [0, 1, 3, 8].iter().map(|eighths| At::Position(newest * eighths / 8)).collect();
    moments.extend([At::Position(newest / 2), At::Time(begin + 2), At::Time(begin + 5), At::Time(begin - 1)]);
    let (here, there) =
        (about(&server.channel, &known, &moments).await, about(&replica.channel, &known, &moments).await);
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there);
    }
    assert_eq!(here.len(), there.len());
    for parent in namespaces(&server).await {
        assert_eq!(head(&server.channel, &parent).await, head(&replica.channel, &parent).await);
    }
    replica.stop().await;
    server.stop().await;
}

/// A copy of a directory of persons, as an export makes it.
pub struct Copied {
    heading: Heading,
    pub lines: Vec<Line>,
}

impl Copied {
    pub async fn of(channel: &Channel, parent: &str) -> Result<Self, Status> {
        let request = ListPersonsRequest {
            parent: parent.to_owned(),
            show_secrets: true,
            page_size: 1_000,
            ..Default::default()
        };
        let mut client = PersonServiceClient::new(channel.clone());
        let page = client.list_persons(request).await?.into_inner();
        let log_id = try_head(channel, parent).await?.log_id;
        let heading = Heading { log_id, secret: hex::encode(page.secret) };
        let line = |person: Person| {
            let Person { pseudonym, text, salt, audit_position: position, .. } = person;
            Line { position, pseudonym, salt: hex::encode(salt), text }
        };
        Ok(Copied { heading, lines: page.persons.into_iter().map(line).collect() })
    }
}

impl Copied {
    /// What the log holds, with names where it has pseudonyms.
    pub fn named(&self, logged: &serde_json::Value) -> serde_json::Value {
        let mut text = logged.to_string();
        for line in &self.lines {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            text = text.replace(&quoted(&line.pseudonym), &quoted(&line.text));
        }
        serde_json::from_str(&text).unwrap()
    }

    /// Takes it back, behind all events.
    pub async fn put_back(self, rebuild: &mut Rebuild<'_>) {
        let mut directory = rebuild.persons(&self.heading).await.unwrap();
        for line in self.lines {
            assert!(directory.add(line).await.unwrap());
        }
    }
}

/// Writes what these events say into an engine, and whose the pseudonyms are.
pub async fn replay(engine: &dyn Engine, events: &[AuditEvent], persons: Copied) {
    let environment = Environment::system();
    let mut rebuild = Rebuild::new(engine, &*environment.entropy);
    for event in events {
        rebuild.add(event.leaf.clone()).await.unwrap();
    }
    persons.put_back(&mut rebuild).await;
    assert_eq!(rebuild.finish().await.unwrap().size, events.len() as u64);
}

#[test]
fn after_any_history_every_state_is_reachable_from_the_log_by_replay_alone() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config {
        cases: histories_to_try(),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&histories(LONGEST), |history| {
        runtime.block_on(async {
            let memory = Arc::new(MemoryEngine::new());
            state_is_the_replay_of_the_log(memory.clone(), &history).await;
            let dir = tempfile::tempdir().unwrap();
            let options = SledOptions { cache_bytes: 16 << 20 };
            let sled = Arc::new(SledEngine::open(dir.path(), options).unwrap());
            state_is_the_replay_of_the_log(sled.clone(), &history).await;
            // The same history leaves the same bytes in both.
            assert_eq!(pairs(&*memory).await, pairs(&*sled).await);
            sled.close().await.unwrap();
        });
        Ok(())
    });
    tried.unwrap();
}
