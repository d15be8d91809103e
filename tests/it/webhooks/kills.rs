//! The real server, killed while it sends: nothing is lost, and what comes again is the one
//! event that was under way; whether the receiver is well or fails three times of ten.

use super::{
    NAME,
    receiver::{FINE, Receiver, Reply},
    unreliable,
};
use crate::{
    ask::{Ask, subscribe},
    crash::process::{STEWARD, Starting, serve},
    stream::reader::export_over,
    support::{NAMESPACE, create_model},
};
use std::{path::Path, time::Duration};
use steward_registry::proto::v1::{
    self, audit_service_client::AuditServiceClient, subscription_service_client::SubscriptionServiceClient,
};
use tokio::process::Command;
use tonic::{Status, transport::Channel};

/// Deaths; the environment may ask for more.
fn kills() -> usize {
    std::env::var("STEWARD_TEST_WEBHOOK_KILLS").map_or(10, |text| text.parse().unwrap())
}

fn starting(dir: &Path) -> Starting {
    Starting::run(command(dir))
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(STEWARD);
    command.args(serve(dir)).env("STEWARD_WEBHOOK_ALLOW_HTTP", "true");
    command.env("STEWARD_WEBHOOK_ALLOW_PRIVATE", "true").env("STEWARD_WEBHOOK_TIMEOUT_SECONDS", "1");
    // A proxy of the environment that leads nowhere, and is not asked.
    command.env("ALL_PROXY", "http://127.0.0.1:9").env("HTTP_PROXY", "http://127.0.0.1:9");
    command
}

async fn write(channel: Channel, round: usize, most: usize) {
    for n in 0..most {
        if Ask::from(create_model(&format!("r{round}-{n}"))).send(&channel).await.is_err() {
            return;
        }
    }
}

/// The attempt that was recorded last.
async fn newest(channel: &Channel) -> Result<Option<v1::WebhookDelivery>, Status> {
    let request =
        v1::ListWebhookDeliveriesRequest { parent: NAME.to_owned(), page_size: 1, ..Default::default() };
    let listed = SubscriptionServiceClient::new(channel.clone()).list_webhook_deliveries(request).await?;
    let newest = listed.into_inner().webhook_deliveries.pop();
    // The receiver always listens.
    let is_elsewhere = newest.as_ref().is_some_and(|newest| newest.error.contains("refused"));
    assert!(!is_elsewhere, "somebody else was asked: {newest:?}");
    Ok(newest)
}

/// An operator who waits for no schedule: whenever an attempt has failed, the next one is
/// made at once. Ends with the server; `resumed` is the attempt after which it was told so last.
async fn hurry(
    channel: &Channel,
    receiver: &Receiver,
    resumed: &mut Option<v1::WebhookDelivery>,
) -> Result<(), Status> {
    loop {
        receiver.failed().await;
        // What came to the receiver is recorded a little later.
        let Some(failed) = newest(channel).await?.filter(|newest| !newest.delivered) else { continue };
        if resumed.as_ref() == Some(&failed) {
            continue;
        }
        let reason = "it is up again".to_owned();
        let request = v1::ResumeWebhookRequest { name: NAME.to_owned(), reason, ..Default::default() };
        SubscriptionServiceClient::new(channel.clone()).resume_webhook(request).await?;
        *resumed = Some(failed);
    }
}

async fn hook(channel: &Channel, uri: &str) {
    let webhook = Some(v1::Webhook { uri: uri.to_owned(), ..Default::default() });
    let hooked = subscribe("s", v1::Subscription { webhook, ..Default::default() });
    Ask::from(hooked).send(channel).await.unwrap();
}

async fn is_all_delivered(channel: &Channel) -> bool {
    newest(channel).await.unwrap();
    let head = v1::GetAuditHeadRequest { parent: NAMESPACE.to_owned() };
    let head = AuditServiceClient::new(channel.clone()).get_audit_head(head).await.unwrap().into_inner();
    let request = v1::GetSubscriptionRequest { name: NAME.to_owned(), read_at: None };
    let read = SubscriptionServiceClient::new(channel.clone()).get_subscription(request).await.unwrap();
    read.into_inner().cursors[0].next_position == head.size
}

/// Kills the server again and again while it is written to and sends.
async fn campaign(most: usize, reply: impl Fn(usize) -> Reply + Send + Sync + 'static) {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(reply).await;
    let mut resumed = None;
    let mut behind = 0;
    for round in 0..kills() {
        let server = starting(dir.path()).ready().await.unwrap();
        let channel = server.channel.clone();
        if round == 0 {
            hook(&channel, &receiver.uri).await;
        }
        let writer = tokio::spawn(write(channel.clone(), round, most));
        let death = server.kill_after(Duration::from_millis(300 + 71 * round as u64 % 300));
        tokio::select! {
            () = death => {}
            // It ends with the server at the earliest.
            () = async { drop(hurry(&channel, &receiver, &mut resumed).await); std::future::pending().await } => {}
        }
        writer.await.unwrap();
        behind += usize::from(!receiver.is_well());
    }
    let server = starting(dir.path()).ready().await.unwrap();
    let channel = server.channel.clone();
    let delivered = async { while !is_all_delivered(&channel).await {} };
    tokio::select! {
        () = delivered => {}
        ended = hurry(&channel, &receiver, &mut resumed) => panic!("{ended:?}"),
    }
    let leaves: Vec<Vec<u8>> =
        export_over(&channel).await.into_iter().map(|event| event.leaf.to_vec()).collect();
    let got = receiver.got();
    let failed = got.iter().filter(|got| !got.is_accepted()).count();
    let mut tried: Vec<_> = got.into_iter().map(|got| got.body).collect();
    let requests = tried.len();
    tried.dedup();
    assert!(tried == leaves, "one after the other is tried until it is accepted");
    let mut came = receiver.accepted();
    let accepted = came.len();
    came.dedup();
    assert!(came == leaves, "each is accepted, in order, but for repeats of the one that was under way");
    let again = accepted - leaves.len();
    println!(
        "{} kills, {behind} of them behind a failure: {} events, {requests} requests, {failed} failed, 0 lost, {again} \
         came again",
        kills(),
        leaves.len()
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_while_it_sends_loses_nothing_and_keeps_the_order() {
    campaign(usize::MAX, |_| FINE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_while_its_receiver_fails_loses_nothing_and_keeps_the_order() {
    campaign(12, unreliable).await;
}

#[tokio::test]
async fn a_machine_that_names_no_authorities_serves_and_sends_without_tls() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(|_| FINE).await;
    let none = dir.path().join("none");
    std::fs::write(&none, "").unwrap();
    let mut command = command(&dir.path().join("data"));
    command.env("SSL_CERT_FILE", &none).env_remove("SSL_CERT_DIR");
    let server = Starting::run(command).ready().await.unwrap();
    hook(&server.channel, &receiver.uri).await;
    while !is_all_delivered(&server.channel).await {}
    assert_eq!(receiver.accepted().len(), 2);
    server.stop().await;
}
