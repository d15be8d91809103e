//! One conformance suite for every engine: what the trait promises, check by
//! check. A new engine joins by implementing [`Subject`] and a line in
//! `on_every_engine!`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commits;
mod model;
mod reads;
mod waits;

use super::engine::{Engine, Head, Write};
use super::memory::MemoryEngine;
use super::sled::{SledEngine, SledOptions};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Batch ids so far: each has to be another one.
static DRAWN: AtomicU64 = AtomicU64::new(0);

/// An engine under test, with whatever has to live as long as it does.
trait Subject: Sized {
    type Engine: Engine;

    /// An engine that holds nothing.
    fn fresh() -> Self;
    fn engine(&self) -> Arc<Self::Engine>;
    /// The same engine after a clean restart, if it can survive one.
    async fn restarted(self) -> Self;
}

struct Memory(Arc<MemoryEngine>);

impl Subject for Memory {
    type Engine = MemoryEngine;

    fn fresh() -> Self {
        Memory(Arc::new(MemoryEngine::new()))
    }

    fn engine(&self) -> Arc<MemoryEngine> {
        Arc::clone(&self.0)
    }

    async fn restarted(self) -> Self {
        self
    }
}

struct Sled {
    engine: Arc<SledEngine>,
    dir: TempDir,
}

impl Sled {
    fn open(dir: TempDir) -> Self {
        let options = SledOptions { cache_bytes: 16 << 20 };
        Sled { engine: Arc::new(SledEngine::open(dir.path(), options).unwrap()), dir }
    }
}

impl Subject for Sled {
    type Engine = SledEngine;

    fn fresh() -> Self {
        Sled::open(tempfile::tempdir().unwrap())
    }

    fn engine(&self) -> Arc<SledEngine> {
        Arc::clone(&self.engine)
    }

    async fn restarted(self) -> Self {
        self.engine.close().await.unwrap();
        drop(self.engine);
        Sled::open(self.dir)
    }
}

macro_rules! on_every_engine {
    ($($area:ident: $($check:ident),+;)+) => {
        mod memory { $($( #[tokio::test] async fn $check() { super::$area::$check(<super::Memory as super::Subject>::fresh()).await } )+)+ }
        mod sled { $($( #[tokio::test] async fn $check() { super::$area::$check(<super::Sled as super::Subject>::fresh()).await } )+)+ }
    };
}

on_every_engine! {
    commits:
        a_log_without_events_has_no_head,
        the_first_commit_expects_no_head,
        a_head_comes_back_as_it_was_written,
        a_stale_head_writes_nothing,
        a_foreign_head_of_the_same_size_writes_nothing,
        a_head_is_expected_by_size_and_batch_id_alone,
        a_refused_batch_leaves_no_part_behind,
        of_two_writes_to_one_key_the_later_counts,
        insert_put_and_delete_do_what_they_say,
        a_batch_without_writes_moves_the_head,
        too_many_writes_write_nothing,
        too_many_bytes_write_nothing,
        a_reserved_key_writes_nothing,
        of_many_commits_that_expect_one_head_one_wins,
        what_was_committed_survives_a_restart;
    reads:
        a_get_answers_in_the_order_asked_for,
        a_get_without_keys_tells_the_size,
        a_value_may_be_empty_or_large,
        a_scan_is_half_open,
        a_scan_stops_at_its_limit,
        a_long_scan_is_like_a_short_one,
        a_reverse_scan_starts_at_the_end,
        an_empty_or_inverted_range_holds_nothing,
        any_byte_may_stand_in_a_key,
        a_key_is_no_prefix_match,
        reserved_keys_are_never_shown,
        a_read_tells_the_size_of_its_own_log;
    waits:
        a_read_waits_for_the_size_it_asks_for,
        a_read_does_not_wait_for_what_is_there,
        a_hint_moves_with_the_log,
        a_hint_starts_at_the_present_size,
        a_read_sees_the_commit_that_its_hint_announced;
    model:
        every_history_is_that_of_a_plain_map;
}

/// One log of an engine, with the head of its last commit.
struct Log<'e, E> {
    engine: &'e E,
    name: &'static str,
    head: Option<Head>,
}

impl<'e, E: Engine> Log<'e, E> {
    fn new(engine: &'e E, name: &'static str) -> Self {
        Log { engine, name, head: None }
    }

    /// Commits as the next event of the log; this must succeed.
    async fn commit(&mut self, writes: Vec<Write>) -> Head {
        let head = next_head(self.head.as_ref());
        self.engine.commit(self.name, self.head.as_ref(), writes, head.clone()).await.unwrap();
        self.head = Some(head.clone());
        head
    }

    async fn value(&self, key: &'static str) -> Option<Bytes> {
        let keys = [Bytes::from_static(key.as_bytes())];
        self.engine.get(self.name, &keys, 0).await.unwrap().value.remove(0)
    }
}

/// A head one event after another one, with a batch id of its own.
fn next_head(previous: Option<&Head>) -> Head {
    let size = previous.map_or(0, |head| head.size);
    let frontier = previous.map_or_else(Vec::new, |head| head.frontier.clone());
    Head {
        log_id: previous.map_or(*b"the identity of ", |head| head.log_id),
        epoch: 1,
        size: size + 1,
        root: [size as u8; 32],
        frontier: vec![[0xab; 32], [size as u8; 32]],
        batch_id: DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes().repeat(2).try_into().unwrap(),
        time: 1_800_000_000_000_000 + size as i64,
        previous_size: size,
        previous_frontier: frontier,
    }
}

fn put(key: &'static str, value: &'static str) -> Write {
    Write::Put(key.into(), value.into())
}

fn delete(key: &'static str) -> Write {
    Write::Delete(key.into())
}
