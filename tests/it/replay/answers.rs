//! Everything that a registry answers about its resources, now and in the past.

use std::collections::BTreeSet;
use steward_registry::proto::v1::{
    self, AuditEvent, AuditHead, alias_service_client::AliasServiceClient,
    audit_service_client::AuditServiceClient, evaluation_service_client::EvaluationServiceClient,
    incident_service_client::IncidentServiceClient, model_service_client::ModelServiceClient,
    monitor_service_client::MonitorServiceClient, namespace_service_client::NamespaceServiceClient,
    person_service_client::PersonServiceClient, policy_service_client::PolicyServiceClient,
    proposal_service_client::ProposalServiceClient, retraining_service_client::RetrainingServiceClient,
    upstream_service_client::UpstreamServiceClient, version_service_client::VersionServiceClient,
};
use tonic::{Status, transport::Channel};

/// An answer, or why there is none.
pub type Answer = Result<Vec<u8>, (tonic::Code, String)>;

fn answer<M: prost::Message>(result: Result<tonic::Response<M>, Status>) -> Answer {
    match result {
        Ok(answer) => Ok(answer.into_inner().encode_to_vec()),
        Err(status) => Err((status.code(), status.message().to_owned())),
    }
}

/// When a resource is read.
#[derive(Clone, Copy, Debug)]
pub enum At {
    Present,
    Position(u64),
    Time(i64),
}

macro_rules! read_at {
    ($module:ident, $at:expr) => {
        match $at {
            At::Present => None,
            At::Position(position) => Some(v1::$module::ReadAt::ReadPosition(position)),
            At::Time(micros) => Some(v1::$module::ReadAt::ReadTime(crate::support::time(micros))),
        }
    };
}

/// Reads one resource; its name tells which kind it is.
pub async fn get(channel: &Channel, name: &str, at: At) -> Answer {
    let name = name.to_owned();
    match name.rsplit('/').nth(1).unwrap() {
        "namespaces" => {
            let read_at = read_at!(get_namespace_request, at);
            answer(
                NamespaceServiceClient::new(channel.clone())
                    .get_namespace(v1::GetNamespaceRequest { name, read_at })
                    .await,
            )
        }
        "models" => {
            let read_at = read_at!(get_model_request, at);
            answer(
                ModelServiceClient::new(channel.clone())
                    .get_model(v1::GetModelRequest { name, read_at })
                    .await,
            )
        }
        "versions" => {
            let read_at = read_at!(get_version_request, at);
            answer(
                VersionServiceClient::new(channel.clone())
                    .get_version(v1::GetVersionRequest { name, read_at })
                    .await,
            )
        }
        // The directory has no past.
        "persons" => {
            let request = v1::GetPersonRequest { name };
            answer(PersonServiceClient::new(channel.clone()).get_person(request).await)
        }
        "upstreams" => {
            let read_at = read_at!(get_upstream_request, at);
            answer(
                UpstreamServiceClient::new(channel.clone())
                    .get_upstream(v1::GetUpstreamRequest { name, read_at })
                    .await,
            )
        }
        "aliases" => {
            let read_at = read_at!(get_alias_request, at);
            answer(
                AliasServiceClient::new(channel.clone())
                    .get_alias(v1::GetAliasRequest { name, read_at })
                    .await,
            )
        }
        "policies" => {
            let read_at = read_at!(get_policy_request, at);
            answer(
                PolicyServiceClient::new(channel.clone())
                    .get_policy(v1::GetPolicyRequest { name, read_at })
                    .await,
            )
        }
        "proposals" => {
            let read_at = read_at!(get_proposal_request, at);
            answer(
                ProposalServiceClient::new(channel.clone())
                    .get_proposal(v1::GetProposalRequest { name, read_at })
                    .await,
            )
        }
        "retrainings" => {
            let read_at = read_at!(get_retraining_request, at);
            answer(
                RetrainingServiceClient::new(channel.clone())
                    .get_retraining(v1::GetRetrainingRequest { name, read_at })
                    .await,
            )
        }
        "monitors" => {
            let read_at = read_at!(get_monitor_request, at);
            answer(
                MonitorServiceClient::new(channel.clone())
                    .get_monitor(v1::GetMonitorRequest { name, read_at })
                    .await,
            )
        }
        "incidents" => {
            let read_at = read_at!(get_incident_request, at);
            answer(
                IncidentServiceClient::new(channel.clone())
                    .get_incident(v1::GetIncidentRequest { name, read_at })
                    .await,
            )
        }
        _ => {
            let read_at = read_at!(get_evaluation_request, at);
            answer(
                EvaluationServiceClient::new(channel.clone())
                    .get_evaluation(v1::GetEvaluationRequest { name, read_at })
                    .await,
            )
        }
    }
}

/// Resolves a model in every way there is.
async fn resolve(channel: &Channel, model: &str, at: At) -> Vec<Answer> {
    use v1::resolve_version_request::Selector;
    let selectors = [
        Selector::Alias("production".to_owned()),
        Selector::Alias("canary".to_owned()),
        Selector::Number(1),
        Selector::Number(2),
        Selector::Label("1.0".to_owned()),
        Selector::Label("2.0".to_owned()),
    ];
    let mut answers = Vec::new();
    for selector in selectors {
        let request = v1::ResolveVersionRequest {
            model: model.to_owned(),
            selector: Some(selector),
            read_at: read_at!(resolve_version_request, at),
            ..Default::default()
        };
        answers.push(answer(VersionServiceClient::new(channel.clone()).resolve_version(request).await));
    }
    answers
}

/// Lists what is below a resource.
async fn lists(channel: &Channel, name: &str) -> Vec<Answer> {
    let parent = name.to_owned();
    let mut answers = Vec::new();
    match name.rsplit('/').nth(1).unwrap() {
        "namespaces" => {
            for order_by in ["", "create_time desc", "update_time"] {
                let (parent, order_by) = (parent.clone(), order_by.to_owned());
                let request =
                    v1::ListModelsRequest { parent, order_by, show_deleted: true, ..Default::default() };
                answers.push(answer(ModelServiceClient::new(channel.clone()).list_models(request).await));
            }
            let request = v1::ListModelsRequest { parent: parent.clone(), ..Default::default() };
            answers.push(answer(ModelServiceClient::new(channel.clone()).list_models(request).await));
            let request = v1::ListPoliciesRequest { parent: parent.clone(), ..Default::default() };
            answers.push(answer(PolicyServiceClient::new(channel.clone()).list_policies(request).await));
            let request = v1::ListAuditEventsRequest { parent, page_size: 1_000, ..Default::default() };
            answers.push(answer(AuditServiceClient::new(channel.clone()).list_audit_events(request).await));
        }
        "models" => {
            let request = v1::ListVersionsRequest { parent: parent.clone(), ..Default::default() };
            answers.push(answer(VersionServiceClient::new(channel.clone()).list_versions(request).await));
            let show_closed = true;
            let request =
                v1::ListProposalsRequest { parent: parent.clone(), show_closed, ..Default::default() };
            answers.push(answer(ProposalServiceClient::new(channel.clone()).list_proposals(request).await));
            let request = v1::ListIncidentsRequest { parent: parent.clone(), ..Default::default() };
            answers.push(answer(IncidentServiceClient::new(channel.clone()).list_incidents(request).await));
            let request = v1::ListRetrainingsRequest { parent: parent.clone(), ..Default::default() };
            let listed = RetrainingServiceClient::new(channel.clone()).list_retrainings(request).await;
            answers.push(answer(listed));
            let request = v1::ListAliasesRequest { parent, ..Default::default() };
            answers.push(answer(AliasServiceClient::new(channel.clone()).list_aliases(request).await));
        }
        "versions" => {
            let request = v1::ListEvaluationsRequest { parent, ..Default::default() };
            answers
                .push(answer(EvaluationServiceClient::new(channel.clone()).list_evaluations(request).await));
        }
        "aliases" => {
            let request = v1::GetAliasHistoryRequest { name: parent, ..Default::default() };
            answers.push(answer(AliasServiceClient::new(channel.clone()).get_alias_history(request).await));
        }
        _ => {}
    }
    answers
}

/// Every resource that a log ever named.
pub fn names(events: &[AuditEvent]) -> BTreeSet<String> {
    let changed = |event: &AuditEvent| -> Vec<String> {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        let changes = leaf["data"]["changes"].as_array().unwrap();
        changes.iter().map(|change| change["name"].as_str().unwrap().to_owned()).collect()
    };
    events.iter().flat_map(changed).collect()
}

/// All answers about these resources.
pub async fn about(channel: &Channel, names: &BTreeSet<String>, moments: &[At]) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for name in names {
        for at in [At::Present].iter().chain(moments) {
            answers.push((format!("{name} {at:?}"), get(channel, name, *at).await));
            if name.rsplit('/').nth(1) == Some("models") {
                let resolved = resolve(channel, name, *at).await;
                answers.extend(resolved.into_iter().map(|one| (format!("resolve {name} {at:?}"), one)));
            }
        }
        let lists = lists(channel, name).await;
        answers.extend(lists.into_iter().map(|list| (format!("below {name}"), list)));
    }
    answers
}

pub async fn head(channel: &Channel, parent: &str) -> AuditHead {
    try_head(channel, parent).await.unwrap()
}

pub async fn try_head(channel: &Channel, parent: &str) -> Result<AuditHead, Status> {
    let request = v1::GetAuditHeadRequest { parent: parent.to_owned() };
    Ok(AuditServiceClient::new(channel.clone()).get_audit_head(request).await?.into_inner())
}
