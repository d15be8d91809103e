//! What only this engine promises: opening, closing, and the time between
//! applied and durable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::core::Commit;
use super::{OpenError, SledEngine, SledOptions};
use crate::store::engine::{CommitError, Engine, Head, ReadError, Write};
use crate::store::watermark;
use bytes::Bytes;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const LOG: &str = "default";

const OPTIONS: SledOptions = SledOptions { cache_bytes: 16 << 20 };

fn try_open(dir: &Path) -> Result<SledEngine, OpenError> {
    SledEngine::open(dir, OPTIONS)
}

fn fresh() -> (SledEngine, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (try_open(dir.path()).unwrap(), dir)
}

fn head(size: u64) -> Head {
    Head {
        log_id: [7; 16],
        epoch: 1,
        size,
        root: [size as u8; 32],
        frontier: vec![[size as u8; 32]],
        batch_id: [size as u8; 16],
        time: size as i64,
        previous_size: size - 1,
        previous_frontier: Vec::new(),
    }
}

fn put(key: &'static str, value: &'static str) -> Write {
    Write::Put(key.into(), value.into())
}

/// Makes this the `size`-th commit of the log.
async fn commit(engine: &SledEngine, size: u64, writes: Vec<Write>) -> Result<(), CommitError> {
    let expected = (size > 1).then(|| head(size - 1));
    engine.commit(LOG, expected.as_ref(), writes, head(size)).await
}

/// What a reader sees of the whole key space, by every kind of read.
async fn seen(engine: &SledEngine) -> (u64, Vec<String>) {
    let range = || Bytes::from_static(&[1])..Bytes::from_static(&[0xff]);
    let scan = engine.scan(LOG, range(), 100, false, 0).await.unwrap();
    let long = engine.scan(LOG, range(), 1000, false, 0).await.unwrap();
    let mut backwards = engine.scan(LOG, range(), 100, true, 0).await.unwrap();
    backwards.value.reverse();
    assert_eq!(long, scan);
    assert_eq!(backwards, scan);
    let keys = ["a", "b", "c", "d"].map(Bytes::from);
    let get = engine.get(LOG, &keys, 0).await.unwrap();
    let found: Vec<_> =
        keys.into_iter().zip(get.value).filter_map(|(key, value)| Some((key, value?))).collect();
    assert_eq!((get.seq, &found), (scan.seq, &scan.value));
    assert_eq!(engine.head(LOG).await.unwrap().map_or(0, |head| head.size), scan.seq);
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    (scan.seq, found.iter().map(|(key, value)| text(key) + "=" + &text(value)).collect())
}

/// A batch that puts, deletes, inserts and leaves alone.
fn mixed_batch() -> Vec<Write> {
    vec![put("a", "new"), Write::Delete("b".into()), Write::Insert("d".into(), "new".into())]
}

async fn with_two_commits(dir: &Path) {
    let engine = try_open(dir).unwrap();
    commit(&engine, 1, vec![put("a", "old"), put("b", "old")]).await.unwrap();
    commit(&engine, 2, vec![put("c", "old")]).await.unwrap();
    engine.close().await.unwrap();
}

#[tokio::test]
async fn readers_see_the_old_state_until_a_commit_is_durable() {
    let (engine, _dir) = fresh();
    commit(&engine, 1, ["a", "b", "c"].map(|key| put(key, "old")).into()).await.unwrap();
    let old = (1, ["a=old", "b=old", "c=old"].map(String::from).to_vec());
    let new = (2, ["a=new", "c=old", "d=new"].map(String::from).to_vec());
    let hint = engine.hint(LOG);
    let mut turn = Arc::clone(&engine.core.turn).lock_owned().await;

    let second =
        Commit { log: LOG.to_owned(), expected: Some(head(1)), writes: mixed_batch(), head: head(2) };
    engine.core.apply(&second).unwrap();
    assert_eq!(seen(&engine).await, old);
    engine.core.persist(&mut turn).unwrap();
    assert_eq!(seen(&engine).await, old);
    assert_eq!(*hint.borrow(), 1);

    engine.core.publish(second);
    assert_eq!(seen(&engine).await, new);
    assert_eq!(*hint.borrow(), 2);
}

#[tokio::test]
async fn a_failed_sync_leaves_the_outcome_unknown_and_ends_all_writing() {
    let (engine, dir) = fresh();
    commit(&engine, 1, vec![put("a", "old"), put("b", "old")]).await.unwrap();
    engine.core.turn.lock().await.barrier = Box::new(|_| Err(io::Error::other("the disk is gone")));

    let failed = commit(&engine, 2, mixed_batch()).await;
    assert_eq!(failed, Err(CommitError::Unknown("the disk is gone".to_owned())));
    let later = commit(&engine, 2, mixed_batch()).await;
    let Err(CommitError::Unavailable(reason)) = later else { panic!("{later:?}") };
    assert!(reason.contains("the disk is gone") && reason.contains("restart"), "{reason}");
    assert_eq!(seen(&engine).await, (1, vec!["a=old".to_owned(), "b=old".to_owned()]));

    let waiting = engine.get(LOG, &[], 2).await;
    assert_eq!(waiting, Err(ReadError::Unavailable(reason)));
    engine.close().await.unwrap();
    assert!(try_open(dir.path()).unwrap().head(LOG).await.unwrap().is_some_and(|head| head.size >= 1));
}

#[tokio::test]
async fn a_commit_goes_on_when_its_caller_goes_away() {
    let (engine, _dir) = fresh();
    let mut hint = engine.hint(LOG);
    {
        let committing = commit(&engine, 1, vec![put("a", "1")]);
        tokio::pin!(committing);
        // One poll starts it; then the future is dropped.
        tokio::select! {
            biased;
            _ = &mut committing => {}
            () = std::future::ready(()) => {}
        }
    }
    hint.wait_for(|size| *size == 1).await.unwrap();
    assert_eq!(seen(&engine).await, (1, vec!["a=1".to_owned()]));
}

#[tokio::test]
async fn a_closed_engine_says_so() {
    let (engine, _dir) = fresh();
    commit(&engine, 1, vec![put("a", "1")]).await.unwrap();
    engine.close().await.unwrap();
    engine.close().await.unwrap();
    let closed = "it was closed".to_owned();
    assert_eq!(engine.get(LOG, &[Bytes::from("a")], 0).await, Err(ReadError::Unavailable(closed.clone())));
    assert_eq!(engine.get(LOG, &[], 2).await, Err(ReadError::Unavailable(closed.clone())));
    assert_eq!(engine.head(LOG).await, Err(ReadError::Unavailable(closed.clone())));
    assert_eq!(commit(&engine, 2, Vec::new()).await, Err(CommitError::Unavailable(closed)));
}

#[tokio::test]
async fn a_second_open_is_told_that_the_store_is_in_use() {
    let (engine, dir) = fresh();
    let refused = try_open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    drop(engine);
    try_open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_store_is_made_where_there_is_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("not/yet");
    with_two_commits(&below).await;
    assert_eq!(seen(&try_open(&below).unwrap()).await.0, 2);
}

#[tokio::test]
async fn a_file_where_the_directory_should_be_is_an_io_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = try_open(&file).unwrap_err();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused}");
}

#[tokio::test]
async fn a_database_of_garbage_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    with_two_commits(dir.path()).await;
    let database = dir.path().join("db");
    let garbage = vec![0xa5; fs::metadata(&database).unwrap().len() as usize];
    fs::write(&database, garbage).unwrap();
    let refused = try_open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. } | OpenError::WentBack { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("estore the newest backup, or rebuild the store from an export"), "{text}");
}

#[tokio::test]
async fn a_truncated_database_is_refused_at_any_length() {
    let dir = tempfile::tempdir().unwrap();
    with_two_commits(dir.path()).await;
    let database = dir.path().join("db");
    let whole = fs::read(&database).unwrap();
    for length in [0, 1, 20, 100, 300, 500] {
        fs::write(&database, &whole[..length]).unwrap();
        let refused = try_open(dir.path()).unwrap_err();
        let expected = matches!(refused, OpenError::Damaged { .. } | OpenError::WentBack { .. });
        assert!(expected, "{length} bytes: {refused:?}");
    }
}

#[tokio::test]
async fn a_head_of_a_later_version_is_refused() {
    let (engine, dir) = fresh();
    engine.close().await.unwrap();
    {
        let db = super::open::config(dir.path(), OPTIONS).open().unwrap();
        db.insert(b"\0default", b"\x02{}").unwrap();
        db.flush().unwrap();
    }
    // sled gives its lock back a moment after its last handle is gone.
    let refused = loop {
        match try_open(dir.path()).unwrap_err() {
            OpenError::InUse { .. } => std::thread::yield_now(),
            refused => break refused,
        }
    };
    assert!(matches!(&refused, OpenError::Damaged { cause, .. } if cause.contains("format 2")), "{refused}");
}

#[tokio::test]
async fn an_older_copy_is_refused_until_the_watermark_is_removed() {
    let older = tempfile::tempdir().unwrap();
    let engine = try_open(older.path()).unwrap();
    commit(&engine, 1, vec![put("a", "1")]).await.unwrap();
    engine.close().await.unwrap();
    let newer = tempfile::tempdir().unwrap();
    with_two_commits(newer.path()).await;
    let mark = newer.path().join(watermark::FILE_NAME);
    fs::copy(mark, older.path().join(watermark::FILE_NAME)).unwrap();

    let refused = try_open(older.path()).unwrap_err();
    assert!(matches!(refused, OpenError::WentBack { .. }), "{refused:?}");
    let text = refused.to_string();
    let expected = "log \"default\": it has 1 events, but 2 had been acknowledged";
    assert!(text.contains(expected) && text.contains("watermark.json"), "{text}");

    fs::remove_file(older.path().join(watermark::FILE_NAME)).unwrap();
    try_open(older.path()).unwrap().close().await.unwrap();
    assert!(older.path().join(watermark::FILE_NAME).exists());
}

#[tokio::test]
async fn a_watermark_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    with_two_commits(dir.path()).await;
    let path = dir.path().join(watermark::FILE_NAME);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"}").unwrap();
    let refused = try_open(dir.path()).unwrap_err();
    assert!(matches!(&refused, OpenError::Watermark { path: named, .. } if *named == path), "{refused}");
}

#[tokio::test]
async fn the_largest_events_make_no_blobs() {
    let (engine, dir) = fresh();
    let key = |n: u64| Bytes::from([&b"k"[..], &n.to_be_bytes()].concat());
    for size in 1..=60 {
        let largest = Bytes::from(vec![0xee; 60 << 10]);
        commit(&engine, size, vec![Write::Put(key(size * 7919 % 1009), largest)]).await.unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn large_values_survive_in_files_of_their_own() {
    let (engine, dir) = fresh();
    let key = |n: u8| Bytes::from(vec![b'k', n]);
    // Larger than any that the registry writes: those make no blobs.
    let value = |n: u8| Bytes::from(vec![n; 200 << 10]);
    for size in 1..=30 {
        let n = size as u8;
        commit(&engine, size, vec![Write::Insert(key(n), value(n))]).await.unwrap();
    }
    assert!(fs::read_dir(dir.path().join("blobs")).unwrap().count() > 0);
    engine.close().await.unwrap();
    let engine = try_open(dir.path()).unwrap();
    let pairs = engine.scan(LOG, key(0)..key(255), 100, false, 0).await.unwrap().value;
    let expected: Vec<_> = (1..=30).map(|n| (key(n), value(n))).collect();
    assert!(pairs == expected);
}
