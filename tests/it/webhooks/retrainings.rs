//! What becomes of the pipelines that webhooks start.

use super::{
    NAME,
    receiver::{FINE, Receiver, Reply},
    send_all, server_over, to,
};
use crate::{
    ask::{self, Ask, subscribe},
    engines::GatedEngine,
    stream::reader::export,
    support::{DAY, TestServer, create_model, create_version, explain, model_name, version_name},
};
use std::sync::Arc;
use steward_registry::{
    proto::v1::{self, RetrainingState, WebhookShape, retraining_service_client::RetrainingServiceClient},
    registry::webhook::sender::Step,
};
use tonic::{Code, Status, transport::Channel};

fn retrainings(server: &TestServer) -> RetrainingServiceClient<Channel> {
    RetrainingServiceClient::new(server.channel.clone())
}

async fn all(server: &TestServer) -> Vec<v1::Retraining> {
    let request = v1::ListRetrainingsRequest { parent: model_name("m"), ..Default::default() };
    retrainings(server).list_retrainings(request).await.unwrap().into_inner().retrainings
}

async fn acknowledge(server: &TestServer, name: &str, run_uri: &str) -> Result<v1::Retraining, Status> {
    let (name, run_uri) = (name.to_owned(), run_uri.to_owned());
    let request = v1::AcknowledgeRetrainingRequest { name, run_uri, ..Default::default() };
    Ok(retrainings(server).acknowledge_retraining(request).await?.into_inner())
}

async fn complete(server: &TestServer, name: &str, version: &str) -> Result<v1::Retraining, Status> {
    let (name, version) = (name.to_owned(), version.to_owned());
    let request = v1::CompleteRetrainingRequest { name, version, ..Default::default() };
    Ok(retrainings(server).complete_retraining(request).await?.into_inner())
}

/// The types of the events about retrainings, in their order.
async fn words(server: &TestServer) -> Vec<String> {
    let of = |event: v1::AuditEvent| event.r#type.strip_prefix("steward.v1.Retraining").map(str::to_owned);
    export(server).await.into_iter().filter_map(of).collect()
}

/// What was posted, as a pipeline's system reads it.
fn payloads(receiver: &Receiver) -> Vec<serde_json::Value> {
    let read = |body: &Vec<u8>| -> serde_json::Value { serde_json::from_slice(body).unwrap() };
    receiver.accepted().iter().map(|body| read(body)["client_payload"].clone()).collect()
}

/// A pipeline that everything starts, whose model has a version.
async fn with_pipeline(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (TestServer, Receiver) {
    let server = server_over(Arc::new(GatedEngine::default())).await;
    Ask::from(create_model("m")).send(&server.channel).await.unwrap();
    Ask::from(create_version("m")).send(&server.channel).await.unwrap();
    let receiver = Receiver::start(reply).await;
    let shape = WebhookShape::GithubRepositoryDispatch.into();
    let types = ["VersionSubmitted", "RetrainingRequested"].map(|word| format!("steward.v1.{word}"));
    let filter = v1::AuditEventFilter { types: types.to_vec(), ..Default::default() };
    let subscription = v1::Subscription {
        webhook: Some(v1::Webhook { shape, ..to(&receiver) }),
        filter: Some(filter),
        ..Default::default()
    };
    server.subscriptions().create_subscription(subscribe("s", subscription)).await.unwrap();
    (server, receiver)
}

#[tokio::test]
async fn an_event_starts_a_pipeline_and_what_came_of_it_is_on_record() {
    let (server, receiver) = with_pipeline(|n| if n == 0 { Reply::Status(500, None) } else { FINE }).await;
    let position = export(&server).await.len() as u64;
    ask::submit(&version_name("m", 1), "ready").send(&server.channel).await.unwrap();
    server.deliver_next(NAME, 0).await;
    let [requested] = <[_; 1]>::try_from(all(&server).await).unwrap();
    assert_eq!(requested.state(), RetrainingState::Requested, "the first attempt failed");
    send_all(&server).await;
    let [delivered] = <[_; 1]>::try_from(all(&server).await).unwrap();
    let name = delivered.name.clone();
    assert_eq!(name, format!("{}/retrainings/s-{position}", model_name("m")));
    assert_eq!((delivered.state(), delivered.subscription.as_str()), (RetrainingState::Delivered, NAME));
    let trigger = delivered.trigger.unwrap();
    assert_eq!((trigger.position, trigger.r#type.as_str()), (position, "steward.v1.VersionSubmitted"));
    assert_eq!(payloads(&receiver)[0]["retraining"], name.as_str());

    let taken = acknowledge(&server, &name, "https://ci.example/1").await.unwrap();
    assert_eq!(
        (taken.state(), taken.run_uri.as_str()),
        (RetrainingState::Acknowledged, "https://ci.example/1")
    );
    let second = acknowledge(&server, &name, "https://ci.example/2").await.unwrap_err();
    assert_eq!(explain(&second).1, "RETRAINING_TAKEN");
    let old = complete(&server, &name, &version_name("m", 1)).await.unwrap_err();
    assert_eq!(explain(&old).1, "RETRAINING_CANDIDATE", "it was there before");
    Ask::from(create_version("m")).send(&server.channel).await.unwrap();
    let draft = complete(&server, &name, &version_name("m", 2)).await.unwrap_err();
    assert_eq!(explain(&draft).1, "RETRAINING_CANDIDATE", "it is a draft");
    ask::submit(&version_name("m", 2), "trained").send(&server.channel).await.unwrap();
    let completed = complete(&server, &name, &version_name("m", 2)).await.unwrap();
    assert_eq!((completed.state(), completed.version), (RetrainingState::Completed, version_name("m", 2)));
    let late = acknowledge(&server, &name, "https://ci.example/1").await.unwrap_err();
    assert_eq!(explain(&late).1, "RETRAINING_ENDED");
    assert_eq!(words(&server).await, ["Triggered", "Delivered", "Acknowledged", "Completed"]);
    server.stop().await;
}

#[tokio::test]
async fn a_retraining_is_on_record_when_its_pipeline_hears_of_it() {
    let (server, receiver) = with_pipeline(|_| Reply::Silence).await;
    ask::submit(&version_name("m", 1), "ready").send(&server.channel).await.unwrap();
    // A run may say that it has taken it before the request that started it is answered.
    let taken = async {
        receiver.failed().await;
        let body: serde_json::Value = serde_json::from_slice(&receiver.got()[0].body).unwrap();
        let name = body["client_payload"]["retraining"].as_str().unwrap();
        acknowledge(&server, name, "https://ci.example/1").await
    };
    let (step, taken) = tokio::join!(server.deliver_next(NAME, 0), taken);
    assert_eq!((step, taken.unwrap().state()), (Step::Tried, RetrainingState::Acknowledged));
    assert_eq!(words(&server).await, ["Triggered", "Acknowledged"]);
    server.stop().await;
}

#[tokio::test]
async fn no_event_about_a_retraining_starts_another() {
    let (server, receiver) = with_pipeline(|_| FINE).await;
    // The pipeline is to hear of everything, itself included.
    let mut subscription = server.subscriptions();
    let everything = v1::Subscription { name: NAME.to_owned(), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["filter".to_owned()] });
    let request =
        v1::UpdateSubscriptionRequest { subscription: Some(everything), update_mask, ..Default::default() };
    subscription.update_subscription(request).await.unwrap();
    send_all(&server).await;
    let sent = payloads(&receiver);
    let of_model = |payload: &&serde_json::Value| payload["subject"].as_str().unwrap().contains("/models/");
    assert_eq!(all(&server).await.len(), sent.iter().filter(of_model).count(), "one for each");
    assert!(sent.iter().all(|one| of_model(&one) == one.get("retraining").is_some()), "{sent:?}");
    for one in all(&server).await {
        acknowledge(&server, &one.name, "https://ci.example/1").await.unwrap();
    }
    send_all(&server).await;
    assert_eq!(payloads(&receiver).len(), sent.len(), "what the runs brought about was not sent");
    let request = v1::GetSubscriptionRequest { name: NAME.to_owned(), read_at: None };
    let found = server.subscriptions().get_subscription(request).await.unwrap().into_inner();
    assert_eq!(found.cursors[0].backlog_count, 0, "and does not wait either");
    server.stop().await;
}

#[tokio::test]
async fn whoever_asks_for_a_retraining_starts_the_pipeline_that_wants_it_once() {
    let (server, receiver) = with_pipeline(|_| FINE).await;
    let request = |id: &str, reason: &str| v1::RequestRetrainingRequest {
        parent: model_name("m"),
        retraining_id: id.to_owned(),
        reason: reason.to_owned(),
        ..Default::default()
    };
    let asked =
        retrainings(&server).request_retraining(request("now", "new data")).await.unwrap().into_inner();
    assert_eq!((asked.state(), asked.trigger), (RetrainingState::Requested, None));
    let twice = retrainings(&server).request_retraining(request("now", "again")).await.unwrap_err();
    assert_eq!(explain(&twice), (Code::AlreadyExists, "RETRAINING_EXISTS".into(), vec![]));
    let without = retrainings(&server).request_retraining(request("then", "")).await.unwrap_err();
    assert_eq!(explain(&without).2, ["reason"]);
    send_all(&server).await;
    let [sent] = <[_; 1]>::try_from(payloads(&receiver)).unwrap();
    assert_eq!(
        (&sent["retraining"], &sent["subject"]),
        (&asked.name.as_str().into(), &asked.name.as_str().into())
    );
    let [delivered] = <[_; 1]>::try_from(all(&server).await).unwrap();
    assert_eq!((delivered.state(), delivered.subscription.as_str()), (RetrainingState::Delivered, NAME));
    assert_eq!(words(&server).await, ["Requested", "Delivered"]);
    server.stop().await;
}

#[tokio::test]
async fn a_retraining_of_which_nobody_says_anything_expires_and_says_so_before_the_clock_does() {
    let (server, _receiver) = with_pipeline(|_| FINE).await;
    ask::submit(&version_name("m", 1), "ready").send(&server.channel).await.unwrap();
    send_all(&server).await;
    let name = all(&server).await[0].name.clone();
    server.clock.advance(7 * DAY + 1_000_000);
    let late = acknowledge(&server, &name, "https://ci.example/1").await.unwrap_err();
    assert_eq!(explain(&late).1, "RETRAINING_ENDED");
    server.carry_out_due().await;
    let [expired] = <[_; 1]>::try_from(all(&server).await).unwrap();
    assert_eq!(expired.state(), RetrainingState::Expired);
    assert_eq!(words(&server).await, ["Triggered", "Delivered", "Expired"]);
    server.stop().await;
}

#[tokio::test]
async fn what_no_run_can_be_is_refused_by_name() {
    let (server, receiver) = with_pipeline(|_| FINE).await;
    ask::submit(&version_name("m", 1), "ready").send(&server.channel).await.unwrap();
    send_all(&server).await;
    let name = all(&server).await[0].name.clone();
    let nowhere = acknowledge(&server, &name, "run 1").await.unwrap_err();
    assert_eq!(explain(&nowhere).2, ["run_uri"]);
    Ask::from(create_model("other")).send(&server.channel).await.unwrap();
    let other = complete(&server, &name, &version_name("other", 1)).await.unwrap_err();
    assert_eq!(explain(&other).2, ["version"]);
    let missing = format!("{}/retrainings/none", model_name("m"));
    let missing = acknowledge(&server, &missing, "https://ci.example/1").await.unwrap_err();
    assert_eq!(explain(&missing), (Code::NotFound, "RETRAINING_NOT_FOUND".into(), vec![]));
    for (seconds, nanos) in [(59, 0), (90 * 86_400 + 1, 0), (60, 1)] {
        let retraining_ttl = Some(prost_types::Duration { seconds, nanos });
        let webhook = Some(v1::Webhook { retraining_ttl, ..to(&receiver) });
        let request = subscribe("t", v1::Subscription { webhook, ..Default::default() });
        let refused = server.subscriptions().create_subscription(request).await.unwrap_err();
        assert_eq!(explain(&refused).2, ["subscription.webhook.retraining_ttl"], "{seconds}");
    }
    server.stop().await;
}
