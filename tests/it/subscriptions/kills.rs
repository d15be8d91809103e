//! The real server, killed while somebody reads: nothing is lost, and what comes again is
//! what was not acknowledged.

use super::{
    NAME,
    reader::{Reader, acknowledge},
};
use crate::{
    ask::{Ask, subscribe},
    crash::{load::died, process::Process},
    support::create_model,
};
use std::time::Duration;
use steward_registry::proto::v1::{self, AuditEvent};
use tonic::transport::Channel;

/// Deaths; the environment may ask for more.
fn kills() -> usize {
    std::env::var("STEWARD_TEST_KILLS").map_or(3, |text| text.parse().unwrap())
}

/// What a reader keeps with its own effect, in one transaction.
#[derive(Default)]
struct Kept {
    /// The effect: what came, without repeats.
    events: Vec<AuditEvent>,
    next: u64,
    /// Known to be acknowledged.
    acknowledged: u64,
    repeats: usize,
}

/// Reads and acknowledges until the server dies, or until a position.
async fn read(kept: &mut Kept, channel: &Channel, until: Option<u64>) {
    let mut reader = match Reader::open(channel, NAME, 0).await {
        Ok(reader) => reader,
        Err(status) if died(&status) => return,
        Err(status) => panic!("{status:?}"),
    };
    assert!(reader.next_position >= kept.acknowledged, "an acknowledgement was lost");
    assert!(reader.next_position <= kept.next, "something was acknowledged by nobody");
    let mut expected = reader.next_position;
    while until.is_none_or(|until| kept.next <= until) {
        let Ok(events) = reader.message().await else { return };
        for event in events {
            assert_eq!(event.position, expected, "a gap, or another order");
            expected += 1;
            match event.position < kept.next {
                true => kept.repeats += 1,
                false => {
                    kept.next += 1;
                    kept.events.push(event);
                }
            }
        }
        let Some((position, _)) = reader.reached.clone() else { continue };
        match acknowledge(channel, NAME, 0, reader.generation, position).await {
            Ok(next) => kept.acknowledged = next,
            Err(status) => {
                assert!(died(&status), "{status:?}");
                return;
            }
        }
    }
}

async fn write(channel: Channel, round: usize) {
    for n in 0.. {
        let ask = Ask::from(create_model(&format!("r{round}-{n}")));
        if ask.send(&channel).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_a_server_that_is_killed_gets_everything_at_least_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = Kept::default();
    for round in 0..kills() {
        let server = Process::start(dir.path()).await.unwrap();
        if round == 0 {
            Ask::from(subscribe("s", v1::Subscription::default())).send(&server.channel).await.unwrap();
        }
        let writer = tokio::spawn(write(server.channel.clone(), round));
        let channel = server.connect().await;
        let while_ = Duration::from_millis(100 + 37 * round as u64 % 200);
        let ((), ()) = tokio::join!(server.kill_after(while_), read(&mut kept, &channel, None));
        writer.await.unwrap();
    }
    let server = Process::start(dir.path()).await.unwrap();
    let head = crate::replay::answers::head(&server.channel, crate::support::NAMESPACE).await;
    read(&mut kept, &server.channel, Some(head.size - 1)).await;
    let log = crate::stream::reader::export_over(&server.channel).await;
    assert_eq!(kept.events, log);
    println!("{} kills: {} events, 0 lost, {} came again", kills(), log.len(), kept.repeats);
    server.stop().await;
}
