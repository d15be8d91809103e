//! Histories of concurrent clients: one order of all calls explains all answers.
//! The log is that order's witness; `check.rs` holds the answers against it.

mod call;
mod check;
mod wavering;

use super::connections;
use crate::{
    ask::{Ask, deprecate, reinstate},
    pipe::{Kept, Pipe},
    replay::Copied,
    stream::reader::export_over,
    support::{BEGIN, DAY, NAMESPACE, TestServer, create_model, create_version, version_name},
};
use call::{Client, Request, request};
use check::{Answered, Log};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tonic::transport::Channel;
use wavering::WaveringEngine;

/// Histories that are tried of each kind; the environment may ask for more.
const HISTORIES: u32 = 6;
const CLIENTS: usize = 8;
const CALLS: usize = 24;
/// Versions that there are from the beginning.
const VERSIONS: u32 = 3;

fn histories() -> u32 {
    std::env::var("STEWARD_TEST_LINEAR_HISTORIES").map_or(HISTORIES, |text| text.parse().unwrap())
}

/// What each client is going to ask.
fn plan(seed: u32) -> Vec<Vec<Request>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_be_bytes(); 8].concat());
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let calls = proptest::collection::vec(request(), CALLS);
    proptest::collection::vec(calls, CLIENTS).new_tree(&mut runner).unwrap().current()
}

/// A model with approved versions.
async fn prepare(channel: &Channel) {
    let mut asks = vec![Ask::from(create_model("m"))];
    for number in 1..=VERSIONS {
        let name = version_name("m", number);
        asks.extend([
            create_version("m").into(),
            crate::ask::submit(&name, "ready"),
            crate::ask::approve(&name, "ready"),
        ]);
    }
    // One that has been out of use and is in use again.
    asks.extend([
        deprecate(&version_name("m", 1), "old", BEGIN + 400 * DAY),
        reinstate(&version_name("m", 1), "not yet"),
    ]);
    for ask in asks {
        ask.send(channel).await.unwrap();
    }
}

/// Carries a plan out, all clients at once, and judges what they were told.
async fn explain_by_the_log(channels: &[Channel], seed: u32) {
    prepare(&channels[0]).await;
    let clock = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = plan(seed)
        .into_iter()
        .zip(channels.iter().cycle())
        .map(|(requests, channel)| {
            let mut client = Client::new(channel.clone());
            let clock = clock.clone();
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for request in requests {
                    let begun = clock.fetch_add(1, Ordering::SeqCst);
                    let told = client.send(&request).await;
                    let ended = clock.fetch_add(1, Ordering::SeqCst);
                    answers.push(Answered { begun, ended, request, told });
                }
                answers
            })
        })
        .collect();
    let mut answers = Vec::new();
    for client in clients {
        answers.extend(client.await.unwrap());
    }
    let persons = Copied::of(&channels[0], NAMESPACE).await.unwrap();
    let log = Log::read(&export_over(&channels[0]).await, &persons);
    if let Err(contradiction) = check::explain(&log, answers) {
        panic!("history {seed}: {contradiction}");
    }
}

async fn over_sockets(server: TestServer, seed: u32) {
    let channels = connections(&server, CLIENTS).await;
    explain_by_the_log(&channels, seed).await;
    drop(channels);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_of_concurrent_clients_are_linearizable_in_memory() {
    for seed in 0..histories() {
        over_sockets(TestServer::start().await, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_of_concurrent_clients_are_linearizable_on_disk() {
    for seed in 0..histories() {
        let dir = tempfile::tempdir().unwrap();
        over_sockets(TestServer::start_in(dir.path()).await, seed).await;
    }
}

/// The same history each time: one thread, no sockets, and an engine that stops
/// at every read and commit for as many turns as the seed says.
#[test]
fn the_answers_of_concurrent_clients_are_linearizable_over_an_engine_that_hesitates() {
    for seed in 0..2 * histories() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let engine = Arc::new(WaveringEngine::new(seed));
            let pipe = Pipe::open(Kept::Memory(engine), Default::default()).await;
            explain_by_the_log(std::slice::from_ref(&pipe.channel), seed).await;
        });
    }
}
