//! One of each verb, so that a test can say something about all of them.

use super::{
    Ask, allow_self_approval, approve, approve_proposal, archive, close_incident, comment_on_proposal,
    create_namespace, delete_alias, delete_model, deprecate, describe_model, hold, label_version,
    open_incident, propose_approval, record, reinstate, reject, reject_proposal, release, require_approvals,
    retire, revoke_approval, rollback, set_alias, submit, undelete_model, withdraw_proposal,
};
use crate::support::{BEGIN, DAY, NAMESPACE, create_model, create_version, model_name, time, version_name};
use steward_registry::proto::v1;

/// One of each verb, in an order in which all of them are carried out on a log
/// that holds nothing but its namespace. `word` goes into what they say.
pub fn one_of_each(word: &str) -> Vec<Ask> {
    [life_of_a_model(word), proposals(word), out_of_the_ordinary(word)].concat()
}

/// What every version goes through.
fn life_of_a_model(word: &str) -> Vec<Ask> {
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

/// What takes two people, done by one whom the namespace trusts.
fn out_of_the_ordinary(word: &str) -> Vec<Ask> {
    let (three, four) = (version_name("m", 3), version_name("m", 4));
    let production = format!("{}/aliases/production", model_name("m"));
    let (name, reason) = (four.clone(), word.to_owned());
    let incident = format!("{}/incidents/nonsense", model_name("m"));
    let nothing = "none".to_owned();
    vec![
        allow_self_approval(true, word),
        approve(&three, word),
        described_version(word),
        submit(&four, word),
        approve(&four, word),
        hold(&four, word),
        release(&four, word),
        aliased(3, word),
        aliased(4, word),
        rollback(&production, word),
        deprecate(&four, word, BEGIN + 400 * DAY),
        v1::ExtendSunsetRequest {
            name: name.clone(),
            reason: reason.clone(),
            sunset_time: Some(time(BEGIN + 420 * DAY)),
            ..Default::default()
        }
        .into(),
        v1::ShortenSunsetRequest {
            name: name.clone(),
            reason: reason.clone(),
            sunset_time: Some(time(BEGIN + 410 * DAY)),
            ..Default::default()
        }
        .into(),
        open_incident("m", "nonsense", 4, word),
        v1::EmergencyRetireVersionRequest {
            name: name.clone(),
            reason: reason.clone(),
            incident: incident.clone(),
            successor: Some(v1::emergency_retire_version_request::Successor::NoReplacementReason(nothing)),
            ..Default::default()
        }
        .into(),
        v1::RestoreVersionRequest {
            name,
            reason,
            incident: incident.clone(),
            until_time: Some(time(BEGIN + 2 * DAY)),
            ..Default::default()
        }
        .into(),
        close_incident(&incident, word),
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
