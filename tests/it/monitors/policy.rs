//! What a policy does by itself when production raises an alarm.

use super::{hallucination, in_production, only, record, said, settle};
use crate::{
    ask::set_alias,
    support::{DAY, NAMESPACE, TestServer, model_name, version_name},
};
use steward_registry::proto::v1::{self, VersionState};

async fn rule(server: &TestServer, alarm_action: v1::AlarmAction) {
    let monitoring = Some(v1::Monitoring { alarm_action: alarm_action.into(), ..Default::default() });
    let policy =
        v1::Policy { name: format!("{NAMESPACE}/policies/preview"), monitoring, ..Default::default() };
    let request = v1::UpdatePolicyRequest {
        policy: Some(policy),
        update_mask: Some(prost_types::FieldMask { paths: vec!["monitoring".to_owned()] }),
        reason: "it may act".to_owned(),
        ..Default::default()
    };
    server.policies().update_policy(request).await.unwrap();
}

async fn production(server: &TestServer) -> v1::Alias {
    let name = format!("{}/aliases/production", model_name("m"));
    let request = v1::GetAliasRequest { name, read_at: None };
    server.aliases().get_alias(request).await.unwrap().into_inner()
}

/// Version 2 takes over from version 1 and hallucinates.
async fn version_2_fails(server: &TestServer, first_week: i64) {
    for at in first_week..first_week + 4 {
        let k = if at == first_week { 5 } else { 30 };
        record(server, 2, at, vec![hallucination(k, 100)]).await;
    }
}

#[tokio::test]
async fn a_policy_may_roll_production_back_once_in_its_cooldown_and_never_onto_what_is_unsafe() {
    let server = in_production().await;
    rule(&server, v1::AlarmAction::Rollback).await;
    server.approved("m").await;
    set_alias("m", "production", 2, "").send(&server.channel).await.unwrap();
    let since = server.size().await;
    version_2_fails(&server, 1).await;
    let words = said(&server, since).await;
    assert_eq!(words.iter().filter(|word| *word == "AliasRolledBack").count(), 1, "{words:?}");
    let alias = production(&server).await;
    assert_eq!(alias.version, version_name("m", 1));
    let intervention = alias.intervention.unwrap();
    assert_eq!(intervention.monitor, only(&server, 2).await.name);
    assert!(intervention.sentence.starts_with("hallucination: "), "{}", intervention.sentence);

    // People insist, and it fails again within the cooldown: now they decide.
    set_alias("m", "production", 2, "").send(&server.channel).await.unwrap();
    settle(&server, &intervention.monitor).await.unwrap();
    let since = server.size().await;
    version_2_fails(&server, 10).await;
    assert!(said(&server, since).await.contains(&"MetricAlarmRaised".to_owned()));
    assert_eq!(production(&server).await.version, version_name("m", 2));

    // After it, the way back is closed by a hold, so nothing moves either.
    server.clock.advance(8 * DAY);
    let (name, reason) = (version_name("m", 1), "it leaks".to_owned());
    let hold = v1::HoldVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().hold_version(hold).await.unwrap();
    settle(&server, &intervention.monitor).await.unwrap();
    let since = server.size().await;
    version_2_fails(&server, 20).await;
    assert!(said(&server, since).await.contains(&"MetricAlarmRaised".to_owned()));
    assert_eq!(production(&server).await.version, version_name("m", 2));
    server.stop().await;
}

#[tokio::test]
async fn a_policy_may_put_production_on_hold_and_anybody_may_lift_that() {
    let server = in_production().await;
    rule(&server, v1::AlarmAction::Hold).await;
    for at in 1..=4 {
        record(&server, 1, at, vec![hallucination(30, 100)]).await;
    }
    let request = v1::GetVersionRequest { name: version_name("m", 1), read_at: None };
    let version = server.versions().get_version(request).await.unwrap().into_inner();
    assert_eq!(version.state(), VersionState::Approved);
    let decision = version.hold.unwrap().decision.unwrap();
    assert_eq!(decision.actor, "steward");
    assert!(decision.reason.starts_with("hallucination: "), "{}", decision.reason);
    let (name, reason) = (version_name("m", 1), "the evaluator was broken".to_owned());
    let release = v1::ReleaseVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().release_version(release).await.unwrap();
    server.stop().await;
}
