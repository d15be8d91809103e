//! What happens to a subscription while an attempt of its webhook is under way.

use super::{NAME, deliveries, get, hooked, send_all};
use crate::{
    ask::subscribe,
    engines::GatedEngine,
    support::{TestServer, create_model},
};
use async_trait::async_trait;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use steward_registry::{
    proto::v1::{self, WebhookState, subscription_service_client::SubscriptionServiceClient},
    registry::webhook::{
        post::{Answer, Post, Poster},
        sender::Step,
    },
};
use tonic::transport::Channel;

fn somewhere() -> v1::Webhook {
    v1::Webhook { uri: "https://receiver.example/".to_owned(), ..Default::default() }
}

fn answer(status: u16) -> Result<Answer, String> {
    Ok(Answer { status, retry_after: None })
}

/// A receiver that has somebody go back to the beginning before it answers its second request.
struct GoesBack {
    channel: Channel,
    posts: AtomicUsize,
}

#[async_trait]
impl Poster for GoesBack {
    fn admit(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    async fn post(&self, _: Post) -> Result<Answer, String> {
        if self.posts.fetch_add(1, SeqCst) == 1 {
            let start = Some(v1::seek_subscription_request::Start::StartPosition(0));
            let (name, reason) = (NAME.to_owned(), "all of it".to_owned());
            let seek = v1::SeekSubscriptionRequest { name, start, reason, ..Default::default() };
            SubscriptionServiceClient::new(self.channel.clone()).seek_subscription(seek).await.unwrap();
        }
        answer(204)
    }
}

#[tokio::test]
async fn an_attempt_that_ends_behind_a_seek_moves_nothing() {
    let server = TestServer::unwatched(Arc::new(GatedEngine::default())).await;
    let receiver = Arc::new(GoesBack { channel: server.channel.clone(), posts: AtomicUsize::new(0) });
    server.send_webhooks_by(receiver.clone());
    hooked(&server, somewhere()).await;
    for next in [1, 0, 1] {
        assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
        assert_eq!(get(&server).await.cursors[0].next_position, next);
    }
    send_all(&server).await;
    assert_eq!(receiver.posts.load(SeqCst), 5, "two before the seek, and then all three");
    server.stop().await;
}

/// A receiver that says of one partition that it is gone, and answers the other when that is
/// on record.
struct Leaves {
    channel: Channel,
    posts: AtomicUsize,
}

#[async_trait]
impl Poster for Leaves {
    fn admit(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    async fn post(&self, _: Post) -> Result<Answer, String> {
        if self.posts.fetch_add(1, SeqCst) == 1 {
            return answer(410);
        }
        let mut subscriptions = SubscriptionServiceClient::new(self.channel.clone());
        loop {
            let request = v1::GetSubscriptionRequest { name: NAME.to_owned(), ..Default::default() };
            let found = subscriptions.get_subscription(request).await.unwrap().into_inner();
            if found.webhook_status.unwrap().state() == WebhookState::Disabled {
                return answer(204);
            }
        }
    }
}

#[tokio::test]
async fn an_attempt_that_ends_after_its_webhook_was_disabled_leaves_nothing() {
    let server = TestServer::unwatched(Arc::new(GatedEngine::default())).await;
    let receiver = Leaves { channel: server.channel.clone(), posts: AtomicUsize::new(0) };
    server.send_webhooks_by(Arc::new(receiver));
    let webhook = Some(somewhere());
    let subscription = v1::Subscription { webhook, partition_count: 2, ..Default::default() };
    server.subscriptions().create_subscription(subscribe("s", subscription)).await.unwrap();
    for n in 0..16 {
        server.models().create_model(create_model(&format!("m{n}"))).await.unwrap();
    }
    let before = get(&server).await.cursors;
    let steps = tokio::join!(server.deliver_next(NAME, 0), server.deliver_next(NAME, 1));
    assert_eq!(steps, (Step::Tried, Step::Tried));
    let after = get(&server).await;
    assert_eq!(after.webhook_status.unwrap().state(), WebhookState::Disabled);
    let next = |cursors: &[v1::SubscriptionCursor]| -> Vec<u64> {
        cursors.iter().map(|cursor| cursor.next_position).collect()
    };
    assert_eq!(next(&after.cursors), next(&before));
    let statuses: Vec<_> = deliveries(&server).await.iter().map(|attempt| attempt.http_status_code).collect();
    assert_eq!(statuses, [410]);
    server.stop().await;
}
