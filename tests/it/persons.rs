//! People are shown by name, the log holds pseudonyms, and whoever is erased is gone
//! from every answer while the log verifies as before.

mod disk;
mod rules;

use crate::{
    ask::{Ask, LEAVER, namespace_of, one_of_each, person::name_of},
    crash::process::steward,
    engines::pairs,
    replay::answers::{At, about, names},
    stream::reader::export,
    support::{DAY, NAMESPACE, REVIEWER, TestServer, create_model},
};
use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};
use steward_registry::{
    audit::merkle::{Frontier, leaf_hash},
    proto::v1::{
        self, AuditEvent, ErasePersonRequest, ListPersonsRequest, Person,
        person_service_client::PersonServiceClient,
    },
    store::{
        engine::{Caps, CommitError, Engine, Head, Pairs, ReadError, Snapshot, Write},
        memory::MemoryEngine,
    },
};
use tokio::sync::watch;
use tonic::{Status, transport::Channel};

/// Who does what nobody else has to do.
const AUTHOR: &str = "Ánna Author";
/// Who is named, and how they are reached.
const CONTACTS: [&str; 4] = ["Carla Contact", "carla@contact.example", "Bo Backup", "+49 30 901820"];
/// Everybody whom the tour names.
const EVERYBODY: [&str; 8] =
    [AUTHOR, REVIEWER, LEAVER, "Web team", CONTACTS[0], CONTACTS[1], CONTACTS[2], CONTACTS[3]];

pub fn persons(channel: &Channel) -> PersonServiceClient<Channel> {
    PersonServiceClient::new(channel.clone())
}

pub async fn list(channel: &Channel, parent: &str) -> Vec<Person> {
    let request = ListPersonsRequest { parent: parent.to_owned(), page_size: 1_000, ..Default::default() };
    persons(channel).list_persons(request).await.unwrap().into_inner().persons
}

/// Forgets whoever is called so in `default`.
pub async fn erase(channel: &Channel, text: &str) -> Result<Person, Status> {
    erase_in(channel, NAMESPACE, text).await
}

async fn erase_in(channel: &Channel, parent: &str, text: &str) -> Result<Person, Status> {
    let name = name_of(channel, parent, text).await.expect("somebody is called so");
    let reason = "asked for it".to_owned();
    let request = ErasePersonRequest { name, reason, ..Default::default() };
    persons(channel).erase_person(request).await.map(tonic::Response::into_inner)
}

/// Sends it in somebody's name.
pub async fn send(channel: &Channel, ask: &Ask) -> Result<Vec<u8>, Status> {
    let actor = ask.actor().map(str::to_owned);
    let encoded = utf8_percent_encode(AUTHOR, NON_ALPHANUMERIC).to_string();
    ask.send_as(channel, Some(&actor.unwrap_or(encoded))).await
}

/// One of each verb but the last, which erases; every text that may name people does.
fn tour() -> Vec<Ask> {
    let mut asks = vec![named_model()];
    asks.extend(one_of_each("word").into_iter().filter(|ask| !matches!(ask, Ask::ErasePerson(_))));
    (0..).zip(asks).map(|(n, ask)| ask.with_request_id(&format!("tour-{n}"))).collect()
}

fn contact(display_name: &str, address: &str) -> v1::Contact {
    v1::Contact { display_name: display_name.to_owned(), address: address.to_owned() }
}

fn named_model() -> Ask {
    let mut request = create_model("named");
    let model = request.model.as_mut().unwrap();
    model.contacts = vec![contact(CONTACTS[0], CONTACTS[1])];
    let backup_contact = Some(contact(CONTACTS[2], CONTACTS[3]));
    model.card = Some(v1::ModelCard { backup_contact, ..Default::default() });
    request.into()
}

/// Which of these texts stand in some bytes.
pub fn found<'t>(texts: &[&'t str], bytes: &[u8]) -> Vec<&'t str> {
    let holds = |text: &&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    texts.iter().copied().filter(holds).collect()
}

/// A server over an engine, after the tour; with the answers.
async fn toured(engine: &Arc<MemoryEngine>) -> (TestServer, Vec<(Ask, Vec<u8>)>) {
    let server = TestServer::unwatched(engine.clone()).await;
    let mut answers = Vec::new();
    for ask in tour() {
        let answer = send(&server.channel, &ask).await.unwrap_or_else(|status| panic!("{ask:?}: {status}"));
        answers.push((ask, answer));
    }
    (server, answers)
}

/// Everything that readers are told: about each resource, now and then; lists; events.
async fn everything(server: &TestServer, events: &[AuditEvent]) -> Vec<u8> {
    use prost::Message as _;
    let newest = events.len() as u64 - 1;
    let moments: Vec<At> = (0..=8).map(|eighths| At::Position(newest * eighths / 8)).collect();
    let mut names = names(events);
    names.extend(["models/named", "models/m/consumers/website"].map(|name| format!("{NAMESPACE}/{name}")));
    let mut told = Vec::new();
    for (what, answer) in about(&server.channel, &names, &moments).await {
        told.extend(what.into_bytes());
        match answer {
            Ok(bytes) => told.extend(bytes),
            Err((_, sentence)) => told.extend(sentence.into_bytes()),
        }
    }
    for event in events {
        told.extend(event.encode_to_vec());
    }
    told
}

#[tokio::test]
async fn readers_are_told_names_and_the_log_holds_none() {
    let (server, _) = toured(&Arc::default()).await;
    let events = export(&server).await;
    for event in &events {
        assert_eq!(found(&EVERYBODY, &event.leaf), Vec::<&str>::new(), "{}", event.subject);
    }
    assert!(events.iter().any(|event| event.actor == AUTHOR));
    let told = everything(&server, &events).await;
    // What deleted consumers were called is read of the past only.
    let website = v1::GetConsumerRequest {
        name: format!("{NAMESPACE}/models/m/consumers/website"),
        read_at: Some(v1::get_consumer_request::ReadAt::ReadPosition(
            events.iter().find(|event| event.r#type.ends_with("ConsumerRegistered")).unwrap().position,
        )),
    };
    let website = server.consumers().get_consumer(website).await.unwrap().into_inner();
    assert_eq!(website.contact.unwrap().display_name, "Web team");
    let others: Vec<&str> = EVERYBODY.into_iter().filter(|text| *text != "Web team").collect();
    assert_eq!(found(&others, &told), others);
    let known: Vec<String> = list(&server.channel, NAMESPACE).await.into_iter().map(|p| p.text).collect();
    assert!(EVERYBODY.iter().all(|text| known.iter().any(|known| known == text)), "{known:?}");
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_erased_is_in_no_answer_and_no_key_and_the_log_verifies() {
    let engine = Arc::new(MemoryEngine::new());
    let (server, answers) = toured(&engine).await;
    let before = server.head().await;
    // Read once, so that whatever keeps what was read has it.
    let events = export(&server).await;
    everything(&server, &events).await;
    for text in EVERYBODY {
        let erased = erase(&server.channel, text).await.unwrap();
        assert_eq!((erased.text.as_str(), erased.salt.len()), ("", 0));
        assert_eq!(erased.erasure.unwrap().reason, "asked for it");
    }
    // Who made the other namespace is somebody of their own there.
    erase_in(&server.channel, "namespaces/charity", AUTHOR).await.unwrap();
    let mut servers = vec![server];
    // Also by a server that has read nothing yet.
    servers.push(TestServer::unwatched(engine.clone()).await);
    for server in &servers {
        let events = export(server).await;
        let mut told = everything(server, &events).await;
        for (ask, _) in answers.iter().filter(|(ask, _)| namespace_of(ask) == NAMESPACE) {
            // A repeat in nobody's name names nobody anew.
            told.extend(ask.send_as(&server.channel, None).await.unwrap());
        }
        assert_eq!(found(&EVERYBODY, &told), Vec::<&str>::new());
        let leaves: Vec<_> = events.iter().map(|event| leaf_hash(&event.leaf)).collect();
        for head in [&before, &server.head().await] {
            let mut tree = Frontier::empty();
            leaves[..head.size as usize].iter().for_each(|leaf| tree.append(*leaf));
            assert_eq!(tree.root().to_vec(), head.root_hash);
        }
    }
    for (key, value) in pairs(&*engine).await {
        assert_eq!(found(&EVERYBODY, &[&key[..], &value].concat()), Vec::<&str>::new(), "{key:?}");
    }
    for server in servers {
        server.stop().await;
    }
}

/// Counts what is read.
#[derive(Default)]
struct Counting {
    inner: MemoryEngine,
    reads: AtomicUsize,
}

#[async_trait]
impl Engine for Counting {
    async fn head(&self, log: &str) -> Result<Option<Head>, ReadError> {
        self.inner.head(log).await
    }

    async fn get(
        &self,
        log: &str,
        keys: &[Bytes],
        min_seq: u64,
    ) -> Result<Snapshot<Vec<Option<Bytes>>>, ReadError> {
        self.reads.fetch_add(1, SeqCst);
        self.inner.get(log, keys, min_seq).await
    }

    async fn scan(
        &self,
        log: &str,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
        min_seq: u64,
    ) -> Result<Snapshot<Pairs>, ReadError> {
        self.inner.scan(log, range, limit, reverse, min_seq).await
    }

    async fn commit(
        &self,
        log: &str,
        expected: Option<&Head>,
        writes: Vec<Write>,
        head: Head,
    ) -> Result<(), CommitError> {
        self.inner.commit(log, expected, writes, head).await
    }

    fn hint(&self, log: &str) -> watch::Receiver<u64> {
        self.inner.hint(log)
    }

    fn caps(&self) -> Caps {
        self.inner.caps()
    }
}

#[tokio::test]
async fn a_name_that_was_read_lately_costs_no_read() {
    let engine = Arc::new(Counting::default());
    let server = TestServer::over(engine.clone()).await;
    send(&server.channel, &named_model()).await.unwrap();
    let name = crate::support::model_name("named");
    let mut reads = Vec::new();
    for _ in 0..3 {
        let before = engine.reads.load(SeqCst);
        let request = v1::GetModelRequest { name: name.clone(), ..Default::default() };
        let model = server.models().get_model(request).await.unwrap().into_inner();
        assert_eq!(model.contacts[0].address, CONTACTS[1]);
        reads.push(engine.reads.load(SeqCst) - before);
    }
    assert_eq!(reads, [2, 1, 1], "the state, and at first the directory");
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_finds_shows_and_erases() {
    let engine = Arc::new(MemoryEngine::new());
    let (server, _) = toured(&engine).await;
    let url = format!("http://{}", server.address);
    let run = async |arguments: &[&str]| {
        steward(&[["--server", url.as_str()].as_slice(), arguments].concat()).await
    };
    let listed = run(&["person", "list", "--text", CONTACTS[1]]).await;
    let pseudonym = listed.split_whitespace().find(|word| word.starts_with("person:")).unwrap().to_owned();
    assert!(listed.contains(CONTACTS[1]), "{listed}");
    let shown = run(&["person", "show", &pseudonym]).await;
    assert!(shown.contains(CONTACTS[1]), "{shown}");
    let listed = run(&["audit", "list"]).await;
    assert!(listed.contains(AUTHOR), "{listed}");
    let erased = run(&["person", "erase", &pseudonym, "--reason", "asked for it"]).await;
    assert!(erased.contains("is erased"), "{erased}");
    let shown = run(&["person", "show", &pseudonym]).await;
    assert!(!shown.contains(CONTACTS[1]) && shown.contains("nobody knows any more"), "{shown}");
    let shown = run(&["model", "get", "named"]).await;
    assert!(!shown.contains(CONTACTS[1]) && shown.contains(&pseudonym), "{shown}");
    server.clock.advance(DAY);
    server.stop().await;
}
