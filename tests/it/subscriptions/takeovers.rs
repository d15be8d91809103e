//! Readers that take a subscription from each other all the time.

use super::{NAME, Reader, acknowledge, get, subscribed};
use crate::support::{TestServer, explain};
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use steward_registry::proto::v1;
use tonic::transport::Channel;

/// Take-overs; the environment may ask for more.
fn takeovers() -> usize {
    std::env::var("STEWARD_TEST_TAKEOVERS").map_or(1_000, |text| text.parse().unwrap())
}

/// What the readers found.
#[derive(Default)]
struct Found {
    opened: AtomicUsize,
    fenced: AtomicUsize,
    accepted: AtomicUsize,
    /// The largest generation that anybody was given.
    newest: AtomicU64,
    /// The position behind all that was acknowledged, as far as anybody was told.
    next: AtomicU64,
}

/// Opens, reads a little, acknowledges, and finds out that somebody else was faster.
async fn read_on(channel: Channel, found: Arc<Found>, most: usize) {
    while found.opened.fetch_add(1, Ordering::SeqCst) < most {
        let known = found.next.load(Ordering::SeqCst);
        let mut reader = match Reader::open(&channel, NAME, 0).await {
            Ok(reader) => reader,
            // Taken over before the first message.
            Err(status) => {
                assert_eq!(explain(&status).1, "READER_FENCED", "{status:?}");
                continue;
            }
        };
        assert!(reader.next_position >= known, "a reader began before what was acknowledged");
        let events = reader.message().await.unwrap_or_default();
        assert!(events.iter().all(|event| event.position >= reader.next_position));
        let taken_over = found.newest.fetch_max(reader.generation, Ordering::SeqCst) > reader.generation;
        let position = reader.next_position;
        match acknowledge(&channel, NAME, 0, reader.generation, position).await {
            Ok(next) => {
                assert!(!taken_over, "a reader that was fenced before it asked was heard");
                assert!(next > position);
                let before = found.next.fetch_max(next, Ordering::SeqCst);
                assert!(next >= known.min(before), "the acknowledged position went back");
                found.accepted.fetch_add(1, Ordering::SeqCst);
            }
            Err(status) => {
                assert_eq!(explain(&status).1, "READER_FENCED", "{status:?}");
                found.fenced.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_take_overs_never_take_an_acknowledgement_back_and_fence_every_older_reader() {
    let server = TestServer::start().await;
    subscribed(&server, v1::Subscription::default()).await;
    for id in 0..takeovers() {
        server.model(&format!("m{id}")).await;
    }
    let found = Arc::new(Found::default());
    // In a crowd hardly anybody comes to acknowledge; of two readers many do.
    for (crowd, most) in [(8, takeovers() / 2), (2, takeovers())] {
        let read = |_| tokio::spawn(read_on(server.channel.clone(), found.clone(), most));
        let readers: Vec<_> = (0..crowd).map(read).collect();
        watch(&server, found.clone(), most).await;
        for reader in readers {
            reader.await.unwrap();
        }
        // Whoever found that there were enough had counted itself.
        found.opened.store(most, Ordering::SeqCst);
    }
    // Every generation but the newest is refused, every time.
    let cursor = get(&server).await.cursors.remove(0);
    for older in 1..=200 {
        let status = acknowledge(&server.channel, NAME, 0, cursor.generation - older, 1).await.unwrap_err();
        assert_eq!(explain(&status).1, "READER_FENCED");
    }
    let (accepted, fenced) = (found.accepted.load(Ordering::SeqCst), found.fenced.load(Ordering::SeqCst));
    assert_eq!(cursor.next_position, found.next.load(Ordering::SeqCst));
    assert!(accepted > takeovers() / 100 && fenced > 0, "{accepted} {fenced}");
    println!(
        "{} take-overs: {accepted} acknowledged, {fenced} fenced and refused, {} ended before their first \
         message, 200 of 200 older generations refused; next position {}",
        takeovers(),
        takeovers() - accepted - fenced,
        cursor.next_position
    );
    server.stop().await;
}

/// Somebody who only looks, and never sees the cursor go back.
async fn watch(server: &TestServer, found: Arc<Found>, most: usize) {
    let (mut next, mut generation) = (0, 0);
    while found.opened.load(Ordering::SeqCst) < most {
        let cursor = get(server).await.cursors.remove(0);
        assert!(cursor.next_position >= next && cursor.generation >= generation, "{cursor:?}");
        (next, generation) = (cursor.next_position, cursor.generation);
    }
}
