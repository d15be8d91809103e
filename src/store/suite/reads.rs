//! What a read promises: the right keys, in order, all of one state.

use super::{Log, Subject, put};
use crate::store::engine::{Engine, Snapshot, Write};
use bytes::Bytes;
use std::ops::Range;

fn range(from: &'static str, to: &'static str) -> Range<Bytes> {
    Bytes::from_static(from.as_bytes())..Bytes::from_static(to.as_bytes())
}

/// The keys of a scan, joined, for short comparisons.
async fn keys(engine: &impl Engine, range: Range<Bytes>, limit: usize, reverse: bool) -> String {
    let pairs = engine.scan("log", range, limit, reverse, 0).await.unwrap().value;
    let keys: Vec<_> = pairs.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect();
    keys.join(" ")
}

async fn with_keys(engine: &impl Engine, keys: &[&'static str]) {
    Log::new(engine, "log").commit(keys.iter().map(|key| put(key, "value")).collect()).await;
}

pub(super) async fn a_get_answers_in_the_order_asked_for(subject: impl Subject) {
    let engine = subject.engine();
    Log::new(&*engine, "log").commit(vec![put("a", "1"), put("b", "2")]).await;
    let asked: Vec<Bytes> = ["b", "missing", "a", "b"].map(Bytes::from).into();
    let value = vec![Some("2".into()), None, Some("1".into()), Some("2".into())];
    assert_eq!(engine.get("log", &asked, 0).await, Ok(Snapshot { seq: 1, value }));
}

pub(super) async fn a_get_without_keys_tells_the_size(subject: impl Subject) {
    let engine = subject.engine();
    assert_eq!(engine.get("log", &[], 0).await, Ok(Snapshot { seq: 0, value: Vec::new() }));
    with_keys(&*engine, &[]).await;
    assert_eq!(engine.get("log", &[], 0).await, Ok(Snapshot { seq: 1, value: Vec::new() }));
}

pub(super) async fn a_value_may_be_empty_or_large(subject: impl Subject) {
    let engine = subject.engine();
    let large = Bytes::from(vec![0xa5; 200 << 10]);
    let writes = vec![put("empty", ""), Write::Put("large".into(), large.clone())];
    Log::new(&*engine, "log").commit(writes).await;
    drop(engine);

    let engine = subject.restarted().await.engine();
    let asked = ["empty", "large"].map(Bytes::from);
    let value = engine.get("log", &asked, 0).await.unwrap().value;
    assert_eq!(value, [Some(Bytes::new()), Some(large)]);
}

pub(super) async fn a_scan_is_half_open(subject: impl Subject) {
    let engine = subject.engine();
    with_keys(&*engine, &["a", "b", "c", "d"]).await;
    assert_eq!(keys(&*engine, range("b", "d"), 10, false).await, "b c");
    assert_eq!(keys(&*engine, range("aa", "cc"), 10, false).await, "b c");
    assert_eq!(keys(&*engine, range("d", "z"), 10, false).await, "d");
}

pub(super) async fn a_scan_stops_at_its_limit(subject: impl Subject) {
    let engine = subject.engine();
    with_keys(&*engine, &["a", "b", "c", "d"]).await;
    assert_eq!(keys(&*engine, range("a", "z"), 2, false).await, "a b");
    assert_eq!(keys(&*engine, range("a", "z"), 2, true).await, "d c");
    assert_eq!(keys(&*engine, range("a", "z"), 0, false).await, "");
    assert_eq!(keys(&*engine, range("a", "z"), usize::MAX, false).await, "a b c d");
}

pub(super) async fn a_long_scan_is_like_a_short_one(subject: impl Subject) {
    let engine = subject.engine();
    let numbered = |n: u32| Bytes::from(format!("key {n:04}"));
    let writes = (0..1000).map(|n| Write::Insert(numbered(n), Bytes::from(n.to_string()))).collect();
    Log::new(&*engine, "log").commit(writes).await;

    let snapshot = engine.scan("log", numbered(100)..numbered(900), 500, false, 0).await.unwrap();
    let expected: Vec<_> = (100..600).map(|n| (numbered(n), Bytes::from(n.to_string()))).collect();
    assert_eq!(snapshot, Snapshot { seq: 1, value: expected });
    let backwards = engine.scan("log", numbered(100)..numbered(900), 500, true, 0).await.unwrap();
    let expected: Vec<_> = (400..900).rev().map(|n| (numbered(n), Bytes::from(n.to_string()))).collect();
    assert_eq!(backwards.value, expected);
}

pub(super) async fn a_reverse_scan_starts_at_the_end(subject: impl Subject) {
    let engine = subject.engine();
    with_keys(&*engine, &["a", "b", "c", "d"]).await;
    assert_eq!(keys(&*engine, range("b", "d"), 10, true).await, "c b");
    assert_eq!(keys(&*engine, range("a", "zz"), 1, true).await, "d");
}

pub(super) async fn an_empty_or_inverted_range_holds_nothing(subject: impl Subject) {
    let engine = subject.engine();
    with_keys(&*engine, &["a", "b", "c"]).await;
    for (from, to) in [("b", "b"), ("c", "a"), ("bb", "c"), ("x", "z"), ("", "")] {
        for (limit, reverse) in [(10, false), (10, true), (1000, false), (1000, true)] {
            assert_eq!(keys(&*engine, range(from, to), limit, reverse).await, "", "{from:?}..{to:?}");
        }
    }
}

pub(super) async fn any_byte_may_stand_in_a_key(subject: impl Subject) {
    let engine = subject.engine();
    let odd: Vec<Bytes> =
        [&[1][..], &[1, 0], &[1, 0, 0xff], &[1, 0xff], &[1, 0xff, 0xff], &[0xff], &[0xff, 0xff]]
            .into_iter()
            .map(Bytes::from_static)
            .collect();
    let writes = odd.iter().rev().map(|key| Write::Insert(key.clone(), key.clone())).collect();
    Log::new(&*engine, "log").commit(writes).await;

    let end = Bytes::from_static(&[0xff; 3]);
    let all = engine.scan("log", odd[0].clone()..end, 10, false, 0).await.unwrap().value;
    let expected: Vec<_> = odd.iter().map(|key| (key.clone(), key.clone())).collect();
    assert_eq!(all, expected);
    let some = engine.scan("log", odd[1].clone()..odd[4].clone(), 10, true, 0).await.unwrap().value;
    let expected: Vec<_> = expected[1..4].iter().rev().cloned().collect();
    assert_eq!(some, expected);
}

pub(super) async fn a_key_is_no_prefix_match(subject: impl Subject) {
    let engine = subject.engine();
    with_keys(&*engine, &["model", "model/", "model/a", "model0", "models"]).await;
    assert_eq!(keys(&*engine, range("model/", "model0"), 10, false).await, "model/ model/a");
    assert_eq!(Log::new(&*engine, "log").value("mode").await, None);
    assert_eq!(Log::new(&*engine, "log").value("model/a/b").await, None);
}

pub(super) async fn reserved_keys_are_never_shown(subject: impl Subject) {
    let engine = subject.engine();
    with_keys(&*engine, &["\u{1}", "a"]).await;
    assert_eq!(keys(&*engine, range("", "b"), 10, false).await, "\u{1} a");
    assert_eq!(keys(&*engine, range("\0", "b"), 1000, true).await, "a \u{1}");
    assert_eq!(keys(&*engine, range("", "\u{1}"), 10, false).await, "");
    assert_eq!(Log::new(&*engine, "log").value("\0log").await, None);
}

pub(super) async fn a_read_tells_the_size_of_its_own_log(subject: impl Subject) {
    let engine = subject.engine();
    let mut one = Log::new(&*engine, "one");
    one.commit(vec![put("a", "1")]).await;
    one.commit(vec![put("b", "1")]).await;
    Log::new(&*engine, "two").commit(vec![put("c", "1")]).await;

    for (log, size) in [("one", 2), ("two", 1), ("three", 0), ("on", 0)] {
        assert_eq!(engine.get(log, &[Bytes::from("a")], 0).await.unwrap().seq, size);
        assert_eq!(engine.scan(log, range("a", "z"), 10, false, 0).await.unwrap().seq, size);
        assert_eq!(engine.scan(log, range("a", "z"), 1000, true, 0).await.unwrap().seq, size);
        assert_eq!(engine.head(log).await.unwrap().map_or(0, |head| head.size), size);
    }
}
