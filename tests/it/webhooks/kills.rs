//! The real server, killed while it sends: nothing is lost, and what comes again is the one
//! event that was under way.

use super::receiver::{FINE, Receiver};
use crate::{
    ask::{Ask, subscribe},
    crash::process::{STEWARD, Starting, serve},
    support::create_model,
};
use std::{path::Path, time::Duration};
use steward_registry::proto::v1;
use tokio::process::Command;
use tonic::transport::Channel;

/// Deaths; the environment may ask for more.
fn kills() -> usize {
    std::env::var("STEWARD_TEST_WEBHOOK_KILLS").map_or(10, |text| text.parse().unwrap())
}

fn starting(dir: &Path) -> Starting {
    let mut command = Command::new(STEWARD);
    command.args(serve(dir)).env("STEWARD_WEBHOOK_ALLOW_HTTP", "true");
    command.env("STEWARD_WEBHOOK_ALLOW_PRIVATE", "true");
    Starting::run(command)
}

async fn write(channel: Channel, round: usize) {
    for n in 0.. {
        if Ask::from(create_model(&format!("r{round}-{n}"))).send(&channel).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_while_it_sends_loses_nothing_and_keeps_the_order() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(|_| FINE).await;
    for round in 0..kills() {
        let server = starting(dir.path()).ready().await.unwrap();
        if round == 0 {
            let webhook = Some(v1::Webhook { uri: receiver.uri.clone(), ..Default::default() });
            let hooked = subscribe("s", v1::Subscription { webhook, ..Default::default() });
            Ask::from(hooked).send(&server.channel).await.unwrap();
        }
        let writer = tokio::spawn(write(server.channel.clone(), round));
        server.kill_after(Duration::from_millis(300 + 71 * round as u64 % 300)).await;
        writer.await.unwrap();
    }
    let server = starting(dir.path()).ready().await.unwrap();
    let log = crate::stream::reader::export_over(&server.channel).await;
    let leaves: Vec<Vec<u8>> = log.into_iter().map(|event| event.leaf.to_vec()).collect();
    while receiver.accepted().last() != leaves.last() {
        // The server works; nothing here waits for a time.
        let request = v1::GetSubscriptionRequest { name: super::NAME.to_owned(), read_at: None };
        let mut client =
            v1::subscription_service_client::SubscriptionServiceClient::new(server.channel.clone());
        client.get_subscription(request).await.unwrap();
    }
    let mut came = receiver.accepted();
    let all = came.len();
    came.dedup();
    assert_eq!(came, leaves, "in order, but for repeats of the one that was under way");
    println!("{} kills: {} events, 0 lost, {} came again", kills(), leaves.len(), all - leaves.len());
    server.stop().await;
}
