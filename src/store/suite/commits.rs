//! What a commit promises: all or nothing, and only on the expected head.

use super::{Log, Subject, delete, next_head, put};
use crate::store::engine::{CommitError, Engine, Head, Write};
use bytes::Bytes;
use std::sync::Arc;

fn moved(result: Result<(), CommitError>) -> Option<Head> {
    match result {
        Err(CommitError::HeadMoved(head)) => head.map(|head| *head),
        other => panic!("expected HeadMoved, got {other:?}"),
    }
}

pub(super) async fn a_log_without_events_has_no_head(subject: impl Subject) {
    assert_eq!(subject.engine().head("absent").await, Ok(None));
}

pub(super) async fn the_first_commit_expects_no_head(subject: impl Subject) {
    let engine = subject.engine();
    let invented = next_head(None);
    let refused =
        engine.commit("log", Some(&invented), vec![put("a", "1")], next_head(Some(&invented))).await;
    assert_eq!(moved(refused), None);
    assert_eq!(engine.head("log").await, Ok(None));

    let first = Log::new(&*engine, "log").commit(vec![put("a", "1")]).await;
    assert_eq!(engine.head("log").await, Ok(Some(first.clone())));

    let refused = engine.commit("log", None, vec![put("a", "2")], next_head(None)).await;
    assert_eq!(moved(refused), Some(first));
}

pub(super) async fn a_head_comes_back_as_it_was_written(subject: impl Subject) {
    let engine = subject.engine();
    let head = Head {
        log_id: [0xff; 16],
        epoch: u32::MAX,
        size: u64::MAX,
        root: [0x80; 32],
        frontier: vec![[7; 32]; 64],
        batch_id: [0; 16],
        time: i64::MIN,
        previous_size: u64::MAX - 1,
        previous_frontier: Vec::new(),
    };
    engine.commit("log", None, Vec::new(), head.clone()).await.unwrap();
    assert_eq!(engine.head("log").await, Ok(Some(head)));
}

pub(super) async fn a_stale_head_writes_nothing(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    let first = log.commit(vec![put("a", "1")]).await;
    let second = log.commit(vec![put("a", "2")]).await;

    let refused = engine.commit("log", Some(&first), vec![put("a", "3")], next_head(Some(&first))).await;

    assert_eq!(moved(refused), Some(second.clone()));
    assert_eq!(engine.head("log").await, Ok(Some(second)));
    assert_eq!(log.value("a").await.unwrap(), "2");
}

pub(super) async fn a_foreign_head_of_the_same_size_writes_nothing(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    let first = log.commit(vec![put("a", "1")]).await;
    let foreign = Head { batch_id: [9; 16], ..first.clone() };

    let refused = engine.commit("log", Some(&foreign), vec![put("a", "2")], next_head(Some(&foreign))).await;

    assert_eq!(moved(refused), Some(first));
    assert_eq!(log.value("a").await.unwrap(), "1");
}

pub(super) async fn a_head_is_expected_by_size_and_batch_id_alone(subject: impl Subject) {
    let engine = subject.engine();
    let first = Log::new(&*engine, "log").commit(Vec::new()).await;
    let retold = Head { time: 0, frontier: Vec::new(), ..first.clone() };
    let second = next_head(Some(&first));
    engine.commit("log", Some(&retold), Vec::new(), second.clone()).await.unwrap();
    assert_eq!(engine.head("log").await, Ok(Some(second)));
}

pub(super) async fn a_refused_batch_leaves_no_part_behind(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    let first = log.commit(vec![put("a", "1"), put("b", "1")]).await;
    log.commit(vec![put("a", "2")]).await;

    let batch = vec![put("a", "3"), delete("b"), put("c", "3")];
    let refused = engine.commit("log", Some(&first), batch, next_head(Some(&first))).await;

    assert!(moved(refused).is_some());
    assert_eq!(log.value("a").await.unwrap(), "2");
    assert_eq!(log.value("b").await.unwrap(), "1");
    assert_eq!(log.value("c").await, None);
}

pub(super) async fn of_two_writes_to_one_key_the_later_counts(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    log.commit(vec![
        put("kept", "1"),
        delete("kept"),
        put("kept", "2"),
        Write::Insert("gone".into(), "1".into()),
        delete("gone"),
    ])
    .await;
    assert_eq!(log.value("kept").await.unwrap(), "2");
    assert_eq!(log.value("gone").await, None);
}

pub(super) async fn insert_put_and_delete_do_what_they_say(subject: impl Subject) {
    let engine = subject.engine();
    let mut log = Log::new(&*engine, "log");
    log.commit(vec![Write::Insert("a".into(), "1".into()), put("b", "1"), delete("never there")]).await;
    assert_eq!(log.value("a").await.unwrap(), "1");
    assert_eq!(log.value("b").await.unwrap(), "1");
    log.commit(vec![delete("a"), put("b", "2")]).await;
    assert_eq!(log.value("a").await, None);
    assert_eq!(log.value("b").await.unwrap(), "2");
}

pub(super) async fn a_batch_without_writes_moves_the_head(subject: impl Subject) {
    let engine = subject.engine();
    let head = Log::new(&*engine, "log").commit(Vec::new()).await;
    assert_eq!(engine.head("log").await, Ok(Some(head)));
}

pub(super) async fn too_many_writes_write_nothing(subject: impl Subject) {
    let engine = subject.engine();
    let writes = vec![put("a", "1"); engine.caps().max_writes + 1];
    let expected = CommitError::TooLarge { writes: writes.len(), bytes: 2 * writes.len() };
    assert_eq!(engine.commit("log", None, writes, next_head(None)).await, Err(expected));
    assert_eq!(engine.head("log").await, Ok(None));
    assert_eq!(Log::new(&*engine, "log").value("a").await, None);
}

pub(super) async fn too_many_bytes_write_nothing(subject: impl Subject) {
    let engine = subject.engine();
    let value = Bytes::from(vec![0; engine.caps().max_bytes]);
    let expected = CommitError::TooLarge { writes: 1, bytes: value.len() + 1 };
    let writes = vec![Write::Put("a".into(), value)];
    assert_eq!(engine.commit("log", None, writes, next_head(None)).await, Err(expected));
    assert_eq!(engine.head("log").await, Ok(None));
}

pub(super) async fn a_reserved_key_writes_nothing(subject: impl Subject) {
    let engine = subject.engine();
    for reserved in ["", "\0", "\0log"] {
        let writes = vec![put("a", "1"), put(reserved, "1")];
        let refused = engine.commit("log", None, writes, next_head(None)).await;
        assert_eq!(refused, Err(CommitError::ReservedKey));
    }
    assert_eq!(engine.head("log").await, Ok(None));
    assert_eq!(Log::new(&*engine, "log").value("a").await, None);
}

pub(super) async fn of_many_commits_that_expect_one_head_one_wins(subject: impl Subject) {
    let engine = subject.engine();
    let first = Log::new(&*engine, "log").commit(Vec::new()).await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (engine, first) = (Arc::clone(&engine), first.clone());
        racers.spawn(async move {
            let head = next_head(Some(&first));
            engine.commit("log", Some(&first), Vec::new(), head.clone()).await.map(|()| head)
        });
    }
    let results = racers.join_all().await;
    let winners: Vec<_> = results.iter().flatten().collect();
    let [winner] = winners[..] else { panic!("one winner, not {winners:?}") };
    for lost in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(lost, &CommitError::HeadMoved(Some(Box::new(winner.clone()))));
    }
    assert_eq!(engine.head("log").await, Ok(Some(winner.clone())));
}

pub(super) async fn what_was_committed_survives_a_restart(subject: impl Subject) {
    let engine = subject.engine();
    let mut one = Log::new(&*engine, "one");
    one.commit(vec![put("a", "1"), put("b", "1")]).await;
    let head = one.commit(vec![put("a", "2"), delete("b")]).await;
    let other = Log::new(&*engine, "other").commit(vec![put("c", "1")]).await;
    drop(engine);

    let engine = subject.restarted().await.engine();
    assert_eq!(engine.head("one").await, Ok(Some(head)));
    assert_eq!(engine.head("other").await, Ok(Some(other)));
    let log = Log::new(&*engine, "one");
    assert_eq!(log.value("a").await.unwrap(), "2");
    assert_eq!(log.value("b").await, None);
    assert_eq!(log.value("c").await.unwrap(), "1");
}
