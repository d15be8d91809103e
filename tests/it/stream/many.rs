//! Many who follow one log: nobody is held up by anybody.

use super::{
    model::{Expected, Follower, Wanted},
    reader::{Reader, from_now_on, positions},
    write_one,
};
use crate::{
    ask::{Ask, record_batch},
    concurrency::connections,
    pipe::{Kept, Pipe},
    support::{NAMESPACE, TestServer, create_model, create_version, model_name, version_name},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{StartPoint, subscribe_audit_events_request::Start},
    registry::feed::Limits,
    store::memory::MemoryEngine,
};

const SUBSCRIBERS: usize = 100;
const IDLE: usize = 1_000;

async fn send(pipe: &Pipe, ask: Ask) {
    ask.send(&pipe.channel).await.unwrap();
}

/// Each of the quick ones is given each batch without the clock moving on, while
/// the one that does not read falls behind the ring; it loses nothing by that.
#[tokio::test(start_paused = true)]
async fn one_stalled_subscriber_holds_up_none_of_99_and_loses_nothing() {
    let limits = Limits { ring_events: 16, ..Limits::default() };
    let pipe = Pipe::open(Kept::Memory(Arc::new(MemoryEngine::new())), limits).await;
    let mut log = Expected::default();
    send(&pipe, create_model("m").into()).await;
    send(&pipe, create_version("m").into()).await;
    log.append("NamespaceCreated", None, [NAMESPACE.to_owned()]);
    log.append("ModelCreated", None, [model_name("m")]);
    log.append("VersionCreated", None, [version_name("m", 1)]);

    let mut readers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let latest = Start::StartPoint(StartPoint::Latest.into());
        let wanted = Wanted { filter: 0, stop: None };
        readers.push(Follower::open(&pipe.channel, latest, log.size(), wanted, 500).await.unwrap());
    }
    let (stalled, quick) = readers.split_first_mut().unwrap();
    for batch in 0..20 {
        send(&pipe, record_batch("m", 1, &format!("b{batch}"), 5)).await;
        let subject = |i| format!("{}/evaluations/b{batch}-{i}", version_name("m", 1));
        log.append("EvaluationRecorded", None, (0..5).map(subject));
        for reader in quick.iter_mut() {
            reader.read(&mut log).await;
            assert_eq!(reader.next, log.size(), "one read gives all that is new");
        }
    }
    stalled.catch_up(&mut log).await;
    assert_eq!(stalled.next, log.size());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_subscribers_are_held_and_each_is_given_the_next_event() {
    let server = TestServer::start().await;
    let channels = connections(&server, IDLE / 200).await;
    let mut readers = Vec::new();
    for channel in channels.iter().cycle().take(IDLE) {
        readers.push(Reader::over(channel, from_now_on()).await.unwrap());
    }
    for id in ["first", "second"] {
        let position = write_one(&server, id).await;
        for reader in &mut readers {
            assert_eq!(positions(&reader.batch().await), [position]);
        }
    }
    drop((readers, channels));
    server.stop().await;
}
