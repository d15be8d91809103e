//! One of each verb, so that a test can say something about all of them.

use super::{
    Ask, LEAVER, allow_self_approval, approve, approve_proposal, archive, close_incident,
    comment_on_proposal, create_namespace, delete_alias, delete_model, deprecate, describe_model, erase,
    hold, label_version, observe, open_incident, propose, propose_approval, record, reinstate, reject,
    reject_proposal, release, require_approvals, retire, revoke_approval, rollback, set_alias, submit,
    subscribe, undelete_model, withdraw_proposal,
};
use crate::support::{BEGIN, DAY, NAMESPACE, create_model, create_version, model_name, time, version_name};
use steward_registry::{
    domain::{
        evaluation::{
            Evaluator,
            point::{Direction, MetricPoint, PointValue, Rate},
        },
        monitor::monitor_of,
    },
    proto::v1::{self, proposal::Step},
};

/// One of each verb, in an order in which all of them are carried out on a log
/// that holds nothing but its namespace. `word` goes into what they say.
pub fn one_of_each(word: &str) -> Vec<Ask> {
    [
        life_of_a_model(word),
        proposals(word),
        out_of_the_ordinary(word),
        consumers(word),
        alarms(word),
        rented(word),
        vec![erase(LEAVER, word)],
        subscriptions(word),
        retrainings(word),
    ]
    .concat()
}

/// What every version goes through.
pub fn life_of_a_model(word: &str) -> Vec<Ask> {
    let (one, two) = (version_name("m", 1), version_name("m", 2));
    let mut created = create_model("m");
    created.model.as_mut().unwrap().description = word.to_owned();
    let k = word.len() as i64;
    vec![
        create_namespace("charity", word),
        created.into(),
        describe_model("m", &format!("{word}!"), ""),
        described_version(word),
        described_version(word),
        label_version(&one, &format!("v-{word}")),
        submit(&one, word),
        approve(&one, word),
        submit(&two, word),
        reject(&two, word),
        aliased(1, word),
        delete_alias(&format!("{}/aliases/production", model_name("m")), word),
        record(&one, "", k).into(),
        v1::BatchRecordEvaluationsRequest {
            parent: model_name("m"),
            requests: vec![record(&one, "", k + 1), record(&one, "named", k + 2)],
            ..Default::default()
        }
        .into(),
        deprecate(&one, word, BEGIN + 400 * DAY),
        reinstate(&one, word),
        deprecate(&one, &format!("{word} again"), BEGIN + 400 * DAY),
        retire(&one, word),
        archive(&one, word),
        delete_model(&model_name("m"), word),
        undelete_model(&model_name("m"), word),
    ]
}

/// A third version, which two people other than its author have to approve.
fn proposals(word: &str) -> Vec<Ask> {
    let three = version_name("m", 3);
    let proposal = |id: &str| format!("{three}/proposals/{id}");
    let trial = v1::Policy {
        description: word.to_owned(),
        approvals: 1,
        evidence_max_age_days: 90,
        ..Default::default()
    };
    vec![
        v1::CreatePolicyRequest {
            parent: NAMESPACE.to_owned(),
            policy_id: "trial".to_owned(),
            policy: Some(trial),
            ..Default::default()
        }
        .into(),
        require_approvals("preview", 2, word),
        described_version(word),
        submit(&three, word),
        propose_approval(&three, "first", word),
        comment_on_proposal(&proposal("first"), word),
        approve_proposal(&proposal("first"), word),
        revoke_approval(&proposal("first"), word),
        reject_proposal(&proposal("first"), word),
        propose_approval(&three, "second", word),
        withdraw_proposal(&proposal("second"), word),
    ]
}

/// What takes somebody else, where the namespace trusts one alone; and what takes
/// two people wherever it is.
fn out_of_the_ordinary(word: &str) -> Vec<Ask> {
    let (three, four) = (version_name("m", 3), version_name("m", 4));
    let production = format!("{}/aliases/production", model_name("m"));
    let incident = format!("{}/incidents/nonsense", model_name("m"));
    let extension = v1::ExtendSunsetRequest {
        name: four.clone(),
        reason: word.to_owned(),
        sunset_time: Some(time(BEGIN + 420 * DAY)),
        ..Default::default()
    };
    let none = v1::emergency_retire_step::Successor::NoReplacementReason("none".to_owned());
    let emergency = Step::EmergencyRetire(v1::EmergencyRetireStep { successor: Some(none) });
    let steps = [
        ("sooner", Step::ShortenSunsetTime(time(BEGIN + 410 * DAY))),
        ("now", emergency),
        ("back", Step::RestoreUntilTime(time(BEGIN + 2 * DAY))),
    ];
    let by_two = steps.into_iter().flat_map(|(id, step)| {
        let proposal = format!("{four}/proposals/{id}");
        [propose(&four, id, word, step, &incident), approve_proposal(&proposal, word)]
    });
    let alone = [
        require_approvals("preview", 1, word),
        approve(&three, word),
        allow_self_approval(true, word),
        described_version(word),
        submit(&four, word),
        approve(&four, word),
        hold(&four, word),
        release(&four, word),
        aliased(3, word),
        aliased(4, word),
        rollback(&production, word),
        deprecate(&four, word, BEGIN + 400 * DAY),
        v1::RotateCheckpointKeyRequest {
            name: NAMESPACE.to_owned(),
            reason: word.to_owned(),
            ..Default::default()
        }
        .into(),
        extension.into(),
        open_incident("m", "nonsense", 4, word),
    ];
    alone.into_iter().chain(by_two).chain([close_incident(&incident, word)]).collect()
}

/// Who uses version 4, which is back for a while and ends then.
fn consumers(word: &str) -> Vec<Ask> {
    let name = format!("{}/consumers/website", model_name("m"));
    let (version, reason) = (version_name("m", 4), word.to_owned());
    let contact = v1::Contact { display_name: "Web team".to_owned(), ..Default::default() };
    let consumer = v1::Consumer { owner: word.to_owned(), contact: Some(contact), ..Default::default() };
    let described = v1::Consumer { name: name.clone(), description: word.to_owned(), ..Default::default() };
    vec![
        v1::CreateConsumerRequest {
            parent: model_name("m"),
            consumer_id: "website".to_owned(),
            consumer: Some(consumer),
            ..Default::default()
        }
        .into(),
        v1::UpdateConsumerRequest { consumer: Some(described), ..Default::default() }.into(),
        v1::AcknowledgeSunsetRequest {
            name: name.clone(),
            version: version.clone(),
            reason: reason.clone(),
            ..Default::default()
        }
        .into(),
        v1::ExemptConsumerRequest {
            name: name.clone(),
            version,
            reason: reason.clone(),
            ..Default::default()
        }
        .into(),
        v1::DeleteConsumerRequest { name, reason, ..Default::default() }.into(),
    ]
}

/// Version 4 measures far worse than before, and people answer.
fn alarms(word: &str) -> Vec<Ask> {
    let four = version_name("m", 4);
    let point = MetricPoint {
        metric: "accuracy".to_owned(),
        method: String::new(),
        direction: Direction::Unspecified,
        slice: Default::default(),
        value: PointValue::Rate(Rate { k: 0, n: 1_000 }),
    };
    let evaluator = Evaluator { name: "nightly".to_owned(), version: String::new() };
    let name = monitor_of(&four.parse().unwrap(), &evaluator, &point).unwrap().to_string();
    let reason = word.to_owned();
    let until_time = Some(time(BEGIN + 30 * DAY));
    vec![
        record(&four, "before", 100 + word.len() as i64).into(),
        record(&four, "after", 900 + word.len() as i64).into(),
        v1::AcknowledgeAlarmRequest { name: name.clone(), reason: reason.clone(), ..Default::default() }
            .into(),
        v1::SnoozeAlarmRequest {
            name: name.clone(),
            reason: reason.clone(),
            until_time,
            ..Default::default()
        }
        .into(),
        v1::SettleAlarmRequest { name, reason, ..Default::default() }.into(),
    ]
}

/// What providers say about the models that they rent out.
fn rented(word: &str) -> Vec<Ask> {
    vec![
        observe("one", word).into(),
        v1::BatchSetUpstreamsRequest {
            parent: NAMESPACE.to_owned(),
            requests: ["two", "three"].map(|model_id| observe(model_id, word)).to_vec(),
            ..Default::default()
        }
        .into(),
        v1::DeleteUpstreamRequest {
            name: format!("{NAMESPACE}/upstreams/openai~~~one"),
            reason: word.to_owned(),
            ..Default::default()
        }
        .into(),
    ]
}

/// Who gets what happens, from the beginning.
fn subscriptions(word: &str) -> Vec<Ask> {
    let (name, reason) = (format!("{NAMESPACE}/subscriptions/trainer"), word.to_owned());
    let described =
        v1::Subscription { name: name.clone(), description: word.to_owned(), ..Default::default() };
    let hook_name = format!("{NAMESPACE}/subscriptions/hook");
    // A name that leads nowhere, on every machine.
    let uri = format!("https://{word}.invalid/");
    let hook = v1::Webhook { uri, ..Default::default() };
    let start = v1::seek_subscription_request::Start::StartPosition(2);
    vec![
        subscribe("trainer", v1::Subscription { description: reason.clone(), ..Default::default() }).into(),
        v1::UpdateSubscriptionRequest { subscription: Some(described), ..Default::default() }.into(),
        v1::SeekSubscriptionRequest {
            name: name.clone(),
            start: Some(start),
            reason: reason.clone(),
            ..Default::default()
        }
        .into(),
        v1::DeleteSubscriptionRequest { name, reason: reason.clone(), ..Default::default() }.into(),
        subscribe("hook", v1::Subscription { webhook: Some(hook), ..Default::default() }).into(),
        v1::RotateWebhookKeyRequest { name: hook_name.clone(), reason: reason.clone(), ..Default::default() }
            .into(),
        v1::ResumeWebhookRequest { name: hook_name, reason, ..Default::default() }.into(),
    ]
}

/// One that a version comes of, and one that comes to nothing.
fn retrainings(word: &str) -> Vec<Ask> {
    let name = |id: &str| format!("{}/retrainings/{id}", model_name("m"));
    let request = |id: &str| v1::RequestRetrainingRequest {
        parent: model_name("m"),
        retraining_id: id.to_owned(),
        reason: word.to_owned(),
        ..Default::default()
    };
    let (made, run_uri) = (version_name("m", 5), format!("https://{word}.invalid/1"));
    vec![
        request("good").into(),
        v1::AcknowledgeRetrainingRequest { name: name("good"), run_uri, ..Default::default() }.into(),
        described_version(word),
        submit(&made, word),
        v1::CompleteRetrainingRequest {
            name: name("good"),
            version: made,
            reason: word.to_owned(),
            ..Default::default()
        }
        .into(),
        request("vain").into(),
        v1::FailRetrainingRequest { name: name("vain"), reason: word.to_owned(), ..Default::default() }
            .into(),
    ]
}

fn described_version(word: &str) -> Ask {
    let mut version = create_version("m");
    version.version.as_mut().unwrap().description = word.to_owned();
    version.into()
}

fn aliased(number: u32, word: &str) -> Ask {
    let mut ask = set_alias("m", "production", number, "");
    if let Ask::SetAlias(request) = &mut ask {
        request.reason = word.to_owned();
    }
    ask
}
