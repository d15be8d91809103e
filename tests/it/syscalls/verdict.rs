//! What has to hold after a call was failed: while the server lives, and when
//! its store is opened again.

use super::{
    run::{Cell, PATIENCE, Struck, mutations},
    tracer::Fault,
};
use crate::{
    ask::Ask,
    crash::{
        load,
        log::Log,
        process::{Process, signal},
    },
    engines::pairs,
    replay::{
        Copied,
        answers::{about, names},
        replay,
    },
    stream::reader::{Reader, export_over, from_the_beginning, up_to},
    support::{NAMESPACE, TestServer, explain},
};
use std::{path::Path, sync::Arc};
use steward_registry::{
    proto::v1::AuditEvent,
    proto::v1::{GetAuditHeadRequest, audit_service_client::AuditServiceClient},
    store::{
        memory::MemoryEngine,
        sled::{SledEngine, SledOptions},
    },
};
use tokio::time::timeout;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// What health says once it says this; it has to.
pub async fn health_becomes(channel: &Channel, wanted: ServingStatus) {
    let request = HealthCheckRequest { service: "steward.v1.ModelService".to_owned() };
    let mut news = HealthClient::new(channel.clone()).watch(request).await.unwrap().into_inner();
    let told = async {
        while let Some(state) = news.message().await.unwrap() {
            if state.status() == wanted {
                return;
            }
        }
    };
    timeout(PATIENCE, told).await.expect("health tells");
}

/// Reads of a server that takes no writes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reads {
    pub tried: usize,
    /// Refused with the cause. sled tidies its tree while it reads, which it can
    /// no longer do once a write of its own has failed.
    pub refused: usize,
}

/// A server whose commit failed: the outcome is unknown, later writes are
/// refused with the cause, health says so, and reads answer what was durable or,
/// where sled itself has failed, refuse with the cause.
pub async fn it_refuses_writes_and_serves_reads(cell: &Cell, struck: &Struck, fault: Fault) -> Reads {
    let channel = &struck.server.as_ref().unwrap().channel;
    let (ask, status) = struck.open.as_ref().expect("a commit that failed is not answered as done");
    let (code, reason, _) = explain(status);
    assert_eq!((code, reason.as_str()), (Code::Unknown, "OUTCOME_UNKNOWN"), "{status:?}");
    let sled_failed = cell.call != "fdatasync";
    for next in [ask.clone(), ask.clone().with_request_id("another")] {
        let status = next.send(channel).await.unwrap_err();
        let (code, reason, _) = explain(&status);
        assert_eq!((code, reason.as_str()), (Code::Unavailable, "UNAVAILABLE"), "{status:?}");
        let says = |words: &[&str]| words.iter().all(|word| status.message().contains(word));
        let refused = says(&["takes no writes", "reads go on", "restart the server"])
            || sled_failed && says(&["the store is unavailable"]);
        assert!(refused && fault.is_in(status.message()), "{status:?}");
    }
    health_becomes(channel, ServingStatus::NotServing).await;
    let acknowledged = 1 + struck.answered.iter().map(|(ask, _)| events_of(ask)).sum::<usize>();
    reads_are_the_replay(channel, acknowledged as u64, sled_failed.then_some(fault)).await
}

/// The log has its events, and every resource is answered as their replay
/// answers it, or refused because of the fault that sled met.
async fn reads_are_the_replay(channel: &Channel, size: u64, fault: Option<Fault>) -> Reads {
    let excused =
        |code, message: &str| fault.is_some_and(|fault| code == Code::Unavailable && fault.is_in(message));
    let request = GetAuditHeadRequest { parent: NAMESPACE.to_owned() };
    match AuditServiceClient::new(channel.clone()).get_audit_head(request).await {
        Ok(head) => assert_eq!(head.into_inner().size, size, "what was not acknowledged is not shown"),
        Err(status) => assert!(excused(status.code(), status.message()), "{status:?}"),
    }
    let request = up_to(size - 1, from_the_beginning());
    let (events, _, status) = Reader::over(channel, request).await.unwrap().rest().await;
    if let Err(status) = status {
        assert!(excused(status.code(), status.message()), "{status:?}");
        return Reads { tried: 1, refused: 1 };
    }
    let persons = match Copied::of(channel, NAMESPACE).await {
        Ok(persons) => persons,
        Err(status) => {
            assert!(excused(status.code(), status.message()), "{status:?}");
            return Reads { tried: 2, refused: 1 };
        }
    };
    let rebuilt = Arc::new(MemoryEngine::new());
    replay(&*rebuilt, &events, persons).await;
    let replica = TestServer::over(rebuilt).await;
    let names = names(&events);
    let (here, there) = (about(channel, &names, &[]).await, about(&replica.channel, &names, &[]).await);
    replica.stop().await;
    assert_eq!(here.len(), there.len());
    let mut reads = Reads { tried: 1 + here.len(), refused: 0 };
    for (here, there) in here.iter().zip(&there).filter(|(here, there)| here != there) {
        let refused = here.1.as_ref().is_err_and(|(code, message)| excused(*code, message));
        assert!(refused, "{here:?} is not {there:?}");
        reads.refused += 1;
    }
    reads
}

/// Events that a mutation of the run makes: evaluations of a version in service have one
/// more, of what watches it.
fn events_of(ask: &Ask) -> usize {
    let watched = matches!(ask, Ask::RecordEvaluation(_) | Ask::BatchRecordEvaluations(_));
    load::events_of(ask) + usize::from(watched)
}

/// Ends what still lives; it may not hang.
pub async fn end(server: Process) {
    signal("TERM", server.id()).await;
    timeout(PATIENCE, server.ended()).await.expect("a server whose disk failed ends when it is told to");
}

/// The store after the fault: everything acknowledged is there as it was
/// answered, what was open settles once, the root is that of the leaves, the run
/// can be finished, and the state is the replay of the log.
pub async fn the_store_is_whole(cell: &Cell, struck: Struck, dir: &Path) {
    let server = Process::start(dir).await.unwrap_or_else(|said| panic!("{cell:?}: {said}"));
    let mut log = Log::unread();
    log.read_on(&server.channel).await;
    for (ask, answer) in &struck.answered {
        assert_eq!(log.events_of(ask.request_id()), events_of(ask), "an answered write is lost or repeated");
        assert_eq!(&ask.send(&server.channel).await.unwrap(), answer);
    }
    if let Some((ask, _)) = &struck.open {
        assert!([0, events_of(ask)].contains(&log.events_of(ask.request_id())), "a mutation was torn");
    }
    let all = mutations();
    for ask in &all[struck.answered.len()..] {
        let answer = ask.send(&server.channel).await.unwrap();
        assert_eq!(ask.send(&server.channel).await.unwrap(), answer);
    }
    log.read_on(&server.channel).await;
    assert!(all.iter().all(|ask| log.events_of(ask.request_id()) == events_of(ask)));
    assert_eq!(log.size(), 1 + all.iter().map(events_of).sum::<usize>() as u64, "nothing else was written");
    let events = export_over(&server.channel).await;
    let persons = Copied::of(&server.channel, NAMESPACE).await.unwrap();
    server.stop().await;
    the_state_is_the_replay(dir, &events, persons).await;
}

/// Every key of the store, indexes and request ids too.
async fn the_state_is_the_replay(dir: &Path, events: &[AuditEvent], persons: Copied) {
    let rebuilt = MemoryEngine::new();
    replay(&rebuilt, events, persons).await;
    let engine = SledEngine::open(dir, SledOptions { cache_bytes: 16 << 20 }).unwrap();
    assert_eq!(pairs(&engine).await, pairs(&rebuilt).await);
    engine.close().await.unwrap();
}
