//! Webhooks: every event reaches its receiver, in order, signed, whatever the receiver does.

mod keys;
mod kills;
mod meanwhile;
mod receiver;
mod retrainings;

use crate::{
    ask::{Ask, one_of_each, subscribe},
    engines::{GatedEngine, LOG, copy_of},
    stream::reader::export,
    support::{BEGIN, TestServer, create_model, explain},
};
use receiver::{FINE, Receiver, Reply};
use std::{sync::Arc, time::Duration};
use steward_registry::{
    domain::webhook::schedule::DELAYS,
    outbound::webhook::{Rules, Webhooks},
    proto::v1::{self, WebhookState},
    registry::webhook::sender::Step,
    store::engine::Engine,
};

const NAME: &str = "namespaces/default/subscriptions/s";

fn poster() -> Arc<Webhooks> {
    let timeout = Duration::from_millis(300);
    Arc::new(Webhooks::new(Rules { allow_http: true, allow_private: true, timeout }).unwrap())
}

/// A server that sends when it is told to, by the test's clock.
async fn server_over(engine: Arc<dyn Engine>) -> TestServer {
    let server = TestServer::unwatched(engine).await;
    server.send_webhooks_by(poster());
    server
}

async fn hooked(server: &TestServer, webhook: v1::Webhook) -> v1::Subscription {
    let request = subscribe("s", v1::Subscription { webhook: Some(webhook), ..Default::default() });
    server.subscriptions().create_subscription(request).await.unwrap().into_inner()
}

fn to(receiver: &Receiver) -> v1::Webhook {
    v1::Webhook { uri: receiver.uri.clone(), ..Default::default() }
}

async fn get(server: &TestServer) -> v1::Subscription {
    let request = v1::GetSubscriptionRequest { name: NAME.to_owned(), read_at: None };
    server.subscriptions().get_subscription(request).await.unwrap().into_inner()
}

async fn resume(server: &TestServer) {
    let reason = "it is back".to_owned();
    let request = v1::ResumeWebhookRequest { name: NAME.to_owned(), reason, ..Default::default() };
    server.subscriptions().resume_webhook(request).await.unwrap();
}

async fn deliveries(server: &TestServer) -> Vec<v1::WebhookDelivery> {
    let request = v1::ListWebhookDeliveriesRequest { parent: NAME.to_owned(), ..Default::default() };
    let answer = server.subscriptions().list_webhook_deliveries(request).await.unwrap();
    answer.into_inner().webhook_deliveries
}

/// Sends until nothing waits; whatever has to be waited for passes at once.
async fn send_all(server: &TestServer) {
    loop {
        match server.deliver_next(NAME, 0).await {
            Step::Idle => return,
            Step::Tried => {}
            Step::Wait(time) => server.clock.set(time.micros()),
        }
    }
}

async fn leaves(server: &TestServer) -> Vec<Vec<u8>> {
    export(server).await.into_iter().map(|event| event.leaf.to_vec()).collect()
}

/// Three of ten requests go wrong, in every way that is not for ever.
fn unreliable(n: usize) -> Reply {
    let draw = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    match draw % 20 {
        0 => Reply::Status(500, None),
        1 => Reply::Silence,
        2 => Reply::Redirect,
        3 => Reply::Status(429, Some("7")),
        4 => Reply::Status(503, Some("Sun, 01 Mar 2026 01:00:00 GMT")),
        5 => Reply::Close,
        _ => FINE,
    }
}

#[tokio::test]
async fn a_receiver_that_fails_three_times_of_ten_gets_everything_once_and_in_order() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(unreliable).await;
    hooked(&server, to(&receiver)).await;
    for ask in one_of_each("first").into_iter().take(40) {
        ask.send(&server.channel).await.unwrap();
    }
    send_all(&server).await;
    assert_eq!(receiver.accepted(), leaves(&server).await, "nothing lost, nothing twice, in order");
    let got = receiver.got();
    let failed = got.iter().filter(|got| !got.is_accepted()).count();
    assert!(failed * 5 > got.len(), "{failed} of {} failed", got.len());
    for pair in got.windows(2).filter(|pair| !pair[0].is_accepted()) {
        assert_eq!(pair[0].body, pair[1].body, "what failed comes next");
        assert_eq!(pair[0].headers["webhook-id"], pair[1].headers["webhook-id"], "under the same id");
    }
    println!("{} requests, {failed} failed, {} events, 0 lost", got.len(), receiver.accepted().len());
    let kept = deliveries(&server).await;
    assert_eq!(kept.len(), 50, "the newest attempts are kept");
    assert!(kept.is_sorted_by_key(|one| std::cmp::Reverse((one.position, one.attempt))));
    server.stop().await;
}

#[tokio::test]
async fn attempts_follow_the_schedule_and_then_the_webhook_waits_for_somebody() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|n| if n < 10 { Reply::Status(500, None) } else { FINE }).await;
    hooked(&server, to(&receiver)).await;
    let mut times = Vec::new();
    let mut now = BEGIN;
    loop {
        match server.deliver_next(NAME, 0).await {
            Step::Tried => times.push((now - BEGIN) as f64 / 1e6),
            Step::Wait(time) => {
                server.clock.set(time.micros() - 1);
                assert_eq!(server.deliver_next(NAME, 0).await, Step::Wait(time), "not a moment early");
                now = time.micros();
                server.clock.set(now);
            }
            Step::Idle => break,
        }
    }
    println!("attempts after {times:.0?} seconds");
    assert_eq!(times.len(), DELAYS.len());
    for (pair, delay) in times.windows(2).zip(&DELAYS[1..]) {
        let waited = pair[1] - pair[0];
        assert!((*delay as f64..*delay as f64 * 1.1 + 1.0).contains(&waited), "{waited} {delay}");
    }
    let present = get(&server).await;
    let status = present.webhook_status.unwrap();
    assert_eq!(status.state(), WebhookState::Suspended);
    assert!(status.state_reason.contains("event 0 was tried 10 times"), "{}", status.state_reason);
    assert_eq!(present.cursors[0].next_position, 0);
    let last = export(&server).await.pop().unwrap();
    assert_eq!(last.r#type, "steward.v1.WebhookSuspended");
    server.clock.advance(400 * 86_400_000_000);
    assert_eq!(server.deliver_next(NAME, 0).await, Step::Idle, "nothing is sent by itself");
    resume(&server).await;
    send_all(&server).await;
    assert_eq!(receiver.accepted(), leaves(&server).await);
    server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|n| if n == 1 { Reply::Status(410, None) } else { FINE }).await;
    hooked(&server, to(&receiver)).await;
    send_all(&server).await;
    assert_eq!(receiver.got().len(), 2);
    assert_eq!(get(&server).await.webhook_status.unwrap().state(), WebhookState::Disabled);
    let events = export(&server).await;
    assert_eq!(events.last().unwrap().r#type, "steward.v1.WebhookDisabled");
    let leaf: serde_json::Value = serde_json::from_slice(&events.last().unwrap().leaf).unwrap();
    assert_eq!(leaf["authtype"], "system");
    resume(&server).await;
    send_all(&server).await;
    assert_eq!(receiver.accepted(), leaves(&server).await, "the one that was refused comes first");
    server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_it() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|n| match n {
        0 => Reply::Status(429, Some("600")),
        1 => Reply::Status(503, Some("Sun, 01 Mar 2026 06:00:00 GMT")),
        _ => FINE,
    })
    .await;
    hooked(&server, to(&receiver)).await;
    for least in [600, 6 * 3_600] {
        assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
        let Step::Wait(time) = server.deliver_next(NAME, 0).await else { panic!("a pause was asked for") };
        assert!(time.micros() >= BEGIN + least * 1_000_000, "{time}");
        server.clock.set(time.micros());
    }
    assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
    assert_eq!(receiver.accepted().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_neither_how_often_an_event_was_tried_nor_when_it_is_due() {
    let engine = Arc::new(GatedEngine::default());
    let server = server_over(engine.clone()).await;
    let receiver = Receiver::start(|_| Reply::Status(500, None)).await;
    hooked(&server, to(&receiver)).await;
    for _ in 0..4 {
        assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
        let Step::Wait(time) = server.deliver_next(NAME, 0).await else { panic!("it failed") };
        server.clock.set(time.micros());
    }
    let due = server.clock.clone();
    due.advance(-1);
    let before = server.deliver_next(NAME, 0).await;
    assert!(matches!(before, Step::Wait(_)), "{before:?}");
    let left = copy_of(&*engine, &[LOG]).await;
    server.stop().await;

    let server = server_over(left).await;
    let Step::Wait(time) = before else { panic!("it waits") };
    server.clock.set(time.micros() - 1);
    assert_eq!(server.deliver_next(NAME, 0).await, before);
    server.clock.set(time.micros());
    assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
    assert_eq!(deliveries(&server).await[0].attempt, 5, "and not 1");
    server.stop().await;
}

#[tokio::test]
async fn a_seek_sends_again_and_drops_what_was_tried_meanwhile() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|_| FINE).await;
    hooked(&server, to(&receiver)).await;
    send_all(&server).await;
    assert_eq!(receiver.accepted().len(), 2);
    let start = Some(v1::seek_subscription_request::Start::StartPosition(1));
    let reason = "once more".to_owned();
    let seek = v1::SeekSubscriptionRequest { name: NAME.to_owned(), start, reason, ..Default::default() };
    server.subscriptions().seek_subscription(seek).await.unwrap();
    send_all(&server).await;
    let log = leaves(&server).await;
    assert_eq!(receiver.accepted(), [&log[..2], &log[1..]].concat());
    let mut read = v1::ReadSubscriptionRequest { name: NAME.to_owned(), ..Default::default() };
    read.reader = "somebody else".to_owned();
    let refused = server.subscriptions().read_subscription(read).await.err().unwrap();
    assert_eq!(explain(&refused).1, "SUBSCRIPTION_HAS_WEBHOOK");
    server.stop().await;
}

#[tokio::test]
async fn whoever_resumes_a_webhook_does_not_wait_for_what_was_to_come() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|_| Reply::Status(500, None)).await;
    hooked(&server, to(&receiver)).await;
    assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
    assert!(matches!(server.deliver_next(NAME, 0).await, Step::Wait(_)));
    resume(&server).await;
    assert_eq!(server.deliver_next(NAME, 0).await, Step::Tried);
    assert_eq!(deliveries(&server).await[0].attempt, 1, "and all attempts begin anew");
    server.stop().await;
}

#[tokio::test]
async fn a_webhook_that_wants_what_somebody_does_gets_it_by_their_name() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|_| FINE).await;
    let filter = Some(v1::AuditEventFilter { actors: vec!["Ann".to_owned()], ..Default::default() });
    let webhook = Some(to(&receiver));
    let request = subscribe("s", v1::Subscription { webhook, filter, ..Default::default() });
    server.subscriptions().create_subscription(request).await.unwrap();
    for (id, actor) in [("a", "Ann"), ("b", "Bea"), ("c", "Ann")] {
        Ask::from(create_model(id)).send_as(&server.channel, Some(actor)).await.unwrap();
    }
    assert_eq!(get(&server).await.cursors[0].backlog_count, 2);
    send_all(&server).await;
    let log = leaves(&server).await;
    assert_eq!(receiver.accepted(), [&log[2..3], &log[4..5]].concat());
    server.stop().await;
}

#[tokio::test]
async fn a_trial_tells_what_happened_and_is_no_event() {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    let receiver = Receiver::start(|n| if n == 0 { FINE } else { Reply::Redirect }).await;
    hooked(&server, to(&receiver)).await;
    let size = server.size().await;
    let trial = async || {
        let request = v1::TestWebhookRequest { name: NAME.to_owned() };
        server.subscriptions().test_webhook(request).await.unwrap().into_inner().delivery.unwrap()
    };
    let (fine, redirected) = (trial().await, trial().await);
    assert_eq!((fine.http_status_code, fine.delivered), (204, true));
    assert_eq!((redirected.http_status_code, redirected.delivered), (307, false));
    let body: serde_json::Value = serde_json::from_slice(&receiver.got()[0].body).unwrap();
    assert_eq!(body["type"], "steward.v1.WebhookTested");
    assert_eq!(server.size().await, size);
    assert_eq!(get(&server).await.cursors[0].next_position, 0);
    server.stop().await;
}

#[tokio::test]
async fn without_leave_nothing_is_sent_inside_and_the_caller_learns_it_at_once() {
    let server = TestServer::start().await;
    for (uri, word) in [
        ("http://example.com/", "https://"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://[::ffff:a9fe:a9fe]/", "not a public address"),
        ("https://user:secret@example.com/", "authorization"),
        ("ftp://example.com/", "https://"),
    ] {
        let webhook = v1::Webhook { uri: uri.to_owned(), ..Default::default() };
        let request = subscribe("s", v1::Subscription { webhook: Some(webhook), ..Default::default() });
        let refused = server.subscriptions().create_subscription(request).await.unwrap_err();
        assert_eq!(explain(&refused).2, ["subscription.webhook.uri"], "{uri}");
        assert!(refused.message().contains(word), "{uri}: {refused:?}");
    }
    server.stop().await;
}
