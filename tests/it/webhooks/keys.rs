//! Signatures and secrets, judged by another library.

use super::{
    NAME, get, hooked,
    receiver::{FINE, Got, Receiver},
    send_all, server_over, to,
};
use crate::{
    engines::GatedEngine,
    stream::reader::export,
    support::{DAY, TestServer},
};
use standardwebhooks::Webhook;
use std::{collections::BTreeMap, sync::Arc};
use steward_registry::proto::v1::{self, WebhookKeyType};

/// Whether the other library accepts a request at the time that it was sent.
fn accepts(secret: &str, got: &Got) -> bool {
    let headers: BTreeMap<&str, &str> =
        got.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let timestamp = headers["webhook-timestamp"].parse().unwrap();
    let signed = Webhook::new(secret).unwrap().sign(headers["webhook-id"], timestamp, &got.body).unwrap();
    headers["webhook-signature"].split(' ').any(|signature| signature == signed)
}

async fn rotate(server: &TestServer, request_id: &str) -> v1::Subscription {
    let request = v1::RotateWebhookKeyRequest {
        name: NAME.to_owned(),
        authorization: "Bearer of a secret".to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    server.subscriptions().rotate_webhook_key(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn every_request_is_signed_with_every_key_that_signs() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|_| FINE).await;
    let first = hooked(&server, to(&receiver)).await.webhook_secret;
    assert!(first.starts_with("whsec_"));
    send_all(&server).await;
    let got = receiver.got();
    assert!(got.len() == 2 && got.iter().all(|got| accepts(&first, got)));
    assert_eq!(got[0].headers["content-type"], "application/cloudevents+json; charset=UTF-8");
    let mut altered = got[0].clone();
    altered.body[10] ^= 1;
    assert!(!accepts(&first, &altered), "a changed body is not what was signed");

    let rotated = rotate(&server, "r").await;
    let second = rotated.webhook_secret.clone();
    assert_ne!(first, second);
    assert_eq!(rotate(&server, "r").await.webhook_secret, second, "a repeat answers the same");
    send_all(&server).await;
    let both = receiver.got().pop().unwrap();
    assert!(accepts(&first, &both) && accepts(&second, &both), "both sign meanwhile");
    assert_eq!(both.headers["authorization"], "Bearer of a secret");
    server.clock.advance(DAY + 1_000_000);
    server.model("a").await;
    send_all(&server).await;
    let after = receiver.got().pop().unwrap();
    assert!(!accepts(&first, &after) && accepts(&second, &after), "the old one has expired");
    server.stop().await;
}

#[tokio::test]
async fn an_ed25519_key_shows_its_public_part_only() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|_| FINE).await;
    let webhook = v1::Webhook { key_type: WebhookKeyType::Ed25519.into(), ..to(&receiver) };
    let made = hooked(&server, webhook).await;
    assert!(made.webhook_secret.starts_with("whpk_"));
    assert_eq!(made.webhook_secret, made.webhook_status.unwrap().keys[0].public_key);
    send_all(&server).await;
    assert!(receiver.got().iter().all(|got| got.headers["webhook-signature"].starts_with("v1a,")));
    server.stop().await;
}

#[tokio::test]
async fn no_secret_is_in_the_log_or_shown_again() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|_| FINE).await;
    let first = hooked(&server, to(&receiver)).await.webhook_secret;
    let second = rotate(&server, "").await.webhook_secret;
    let secrets = [first, second].map(|secret| secret.trim_start_matches("whsec_").to_owned());
    for event in export(&server).await {
        let leaf = String::from_utf8(event.leaf.to_vec()).unwrap();
        assert!(secrets.iter().all(|secret| !leaf.contains(secret)) && !leaf.contains("Bearer"), "{leaf}");
    }
    let shown = format!("{:?}", get(&server).await);
    assert!(secrets.iter().all(|secret| !shown.contains(secret)) && !shown.contains("Bearer"));
    server.stop().await;
}
