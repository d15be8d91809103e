//! What waiting promises: a read that asks for a state gets it, and hints wake.

use super::{Log, Subject, put};
use crate::store::engine::Engine;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::oneshot;

pub(super) async fn a_read_waits_for_the_size_it_asks_for(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    log.commit(vec![put("a", "1")]).await;

    let (started, start) = oneshot::channel();
    let reader = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move {
            let key = [Bytes::from("a")];
            let get = engine.get("log", &key, 3);
            let scan = engine.scan("log", Bytes::from("a")..Bytes::from("b"), 10, false, 3);
            started.send(()).unwrap();
            tokio::join!(get, scan)
        }
    });
    start.await.unwrap();
    log.commit(vec![put("a", "2")]).await;
    assert!(!reader.is_finished());
    Log::new(&*engine, "other").commit(Vec::new()).await;
    log.commit(vec![put("a", "3")]).await;

    let (get, scan) = reader.await.unwrap();
    let (get, scan) = (get.unwrap(), scan.unwrap());
    assert_eq!((get.seq, &get.value[..]), (3, &[Some(Bytes::from("3"))][..]));
    assert_eq!((scan.seq, &scan.value[..]), (3, &[(Bytes::from("a"), Bytes::from("3"))][..]));
}

pub(super) async fn a_read_does_not_wait_for_what_is_there(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    log.commit(vec![put("a", "1")]).await;
    log.commit(vec![put("a", "2")]).await;
    for min_seq in 0..=2 {
        assert_eq!(engine.get("log", &[Bytes::from("a")], min_seq).await.unwrap().seq, 2);
    }
}

pub(super) async fn a_hint_moves_with_the_log(subject: impl Subject) {
    let engine = subject.engine();
    let mut hint = engine.hint("log");
    let other = engine.hint("other");
    assert_eq!(*hint.borrow_and_update(), 0);
    let mut log = Log::new(&*engine, "log");
    for size in 1..=3 {
        log.commit(vec![put("a", "1")]).await;
        hint.changed().await.unwrap();
        assert_eq!(*hint.borrow_and_update(), size);
    }
    assert!(!other.has_changed().unwrap());
}

pub(super) async fn a_hint_starts_at_the_present_size(subject: impl Subject) {
    let engine = subject.engine();
    Log::new(&*engine, "log").commit(Vec::new()).await;
    assert_eq!(*engine.hint("log").borrow(), 1);
    drop(engine);
    let engine = subject.restarted().await.engine();
    assert_eq!(*engine.hint("log").borrow(), 1);
    assert_eq!(*engine.hint("other").borrow(), 0);
}

pub(super) async fn a_read_sees_the_commit_that_its_hint_announced(subject: impl Subject) {
    let engine = subject.engine();
    let mut hint = engine.hint("log");
    let reader = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move {
            let announced = *hint.wait_for(|size| *size > 0).await.unwrap();
            let read = engine.get("log", &[Bytes::from("a")], 0).await.unwrap();
            assert!(read.seq >= announced);
            assert!(read.value[0].is_some());
        }
    });
    let mut log = Log::new(&*engine, "log");
    for _ in 0..20 {
        log.commit(vec![put("a", "1")]).await;
    }
    reader.await.unwrap();
}
