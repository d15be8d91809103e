//! Random histories, compared step by step with a plain map.

use super::{Subject, next_head};
use crate::store::engine::{Engine, Head, Write};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

const LOG: &str = "log";

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Write>),
    /// A commit that expects the head before the present one.
    Stale(Vec<Write>),
    Get(Vec<Bytes>),
    Scan {
        from: Bytes,
        to: Bytes,
        limit: usize,
        reverse: bool,
    },
    Restart,
}

/// Few and short keys, so that histories meet themselves.
fn keys() -> impl Strategy<Value = Bytes> {
    let byte = prop_oneof![Just(0x00), Just(0x01), Just(0x61), Just(0x62), Just(0xff)];
    let first = prop_oneof![Just(0x01), Just(0x61), Just(0xff)];
    (first, vec(byte, 0..3)).prop_map(|(first, rest)| [vec![first], rest].concat().into())
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let value = vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let write = prop_oneof![
        3 => (keys(), value).prop_map(|(key, value)| Write::Put(key, value)),
        1 => keys().prop_map(Write::Delete),
    ];
    vec(write, 0..12)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = prop_oneof![0..10_usize, Just(1000)];
    let scan = (keys(), keys(), limit, any::<bool>());
    let step = prop_oneof![
        6 => writes().prop_map(Step::Commit),
        1 => writes().prop_map(Step::Stale),
        4 => vec(keys(), 0..5).prop_map(Step::Get),
        4 => scan.prop_map(|(from, to, limit, reverse)| Step::Scan { from, to, limit, reverse }),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..40)
}

/// The model: what the engine has to show.
#[derive(Default)]
struct Model {
    pairs: BTreeMap<Bytes, Bytes>,
    heads: Vec<Head>,
}

impl Model {
    /// The same writes, each an insert where its key is known to be absent.
    fn with_inserts(&self, writes: Vec<Write>) -> Vec<Write> {
        let mut named = BTreeSet::new();
        let insert = |write| match write {
            Write::Put(key, value) if named.insert(key.clone()) && !self.pairs.contains_key(&key) => {
                Write::Insert(key, value)
            }
            other => {
                named.insert(other.key().clone());
                other
            }
        };
        writes.into_iter().map(insert).collect()
    }

    fn apply(&mut self, writes: Vec<Write>, head: Head) {
        for write in writes {
            match write.value() {
                Some(value) => self.pairs.insert(write.key().clone(), value.clone()),
                None => self.pairs.remove(write.key()),
            };
        }
        self.heads.push(head);
    }

    fn scan(&self, from: &Bytes, to: &Bytes, limit: usize, reverse: bool) -> Vec<(Bytes, Bytes)> {
        let inside = self.pairs.iter().filter(|(key, _)| from <= key && *key < to);
        let mut pairs: Vec<_> = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
        if reverse {
            pairs.reverse();
        }
        pairs.truncate(limit);
        pairs
    }
}

async fn play<S: Subject>(steps: Vec<Step>) {
    let (mut subject, mut model) = (S::fresh(), Model::default());
    for step in steps {
        let engine = subject.engine();
        let seq = model.heads.len() as u64;
        match step {
            Step::Commit(writes) => {
                let writes = model.with_inserts(writes);
                let head = next_head(model.heads.last());
                engine.commit(LOG, model.heads.last(), writes.clone(), head.clone()).await.unwrap();
                model.apply(writes, head);
            }
            Step::Stale(writes) => {
                let Some(stale) = model.heads.len().checked_sub(2).map(|at| &model.heads[at]) else {
                    continue;
                };
                engine.commit(LOG, Some(stale), writes, next_head(Some(stale))).await.unwrap_err();
            }
            Step::Get(keys) => {
                let read = engine.get(LOG, &keys, seq).await.unwrap();
                let expected: Vec<_> = keys.iter().map(|key| model.pairs.get(key).cloned()).collect();
                assert_eq!((read.seq, read.value), (seq, expected));
            }
            Step::Scan { from, to, limit, reverse } => {
                let read = engine.scan(LOG, from.clone()..to.clone(), limit, reverse, seq).await.unwrap();
                assert_eq!((read.seq, read.value), (seq, model.scan(&from, &to, limit, reverse)));
            }
            Step::Restart => {
                drop(engine);
                subject = subject.restarted().await;
            }
        }
        assert_eq!(subject.engine().head(LOG).await.unwrap().as_ref(), model.heads.last());
    }
}

pub(super) async fn every_history_is_that_of_a_plain_map<S: Subject>(subject: S) {
    // proptest drives synchronous code, so each history gets a runtime.
    drop(subject);
    let histories = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut runner =
            TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
        runner.run(&steps(), |steps| {
            runtime.block_on(play::<S>(steps));
            Ok(())
        })
    };
    tokio::task::spawn_blocking(histories).await.unwrap().unwrap();
}
