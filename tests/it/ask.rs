//! Any mutation of the contract as one value, so that a test can send each of
//! them, repeat it, and compare the answers byte by byte.

mod each;
pub mod person;

pub use each::{life_of_a_model, one_of_each};

use crate::support::{BEGIN, DAY, NAMESPACE, REVIEWER, model_name, time, version_name};
use prost::Message as _;
use steward_registry::proto::v1::{
    self, alias_service_client::AliasServiceClient, checkpoint_service_client::CheckpointServiceClient,
    consumer_service_client::ConsumerServiceClient, evaluation_service_client::EvaluationServiceClient,
    incident_service_client::IncidentServiceClient, lifecycle_service_client::LifecycleServiceClient,
    model_service_client::ModelServiceClient, monitor_service_client::MonitorServiceClient,
    namespace_service_client::NamespaceServiceClient, person_service_client::PersonServiceClient,
    policy_service_client::PolicyServiceClient, proposal_service_client::ProposalServiceClient,
    retraining_service_client::RetrainingServiceClient,
    subscription_service_client::SubscriptionServiceClient, upstream_service_client::UpstreamServiceClient,
    version_service_client::VersionServiceClient,
};
use tonic::{Status, transport::Channel};

macro_rules! asks {
    ($($client:ident: $($verb:ident($request:ident).$method:ident),+;)+) => {
        /// A mutation, not sent yet.
        #[derive(Clone, Debug)]
        pub enum Ask {
            $($($verb(v1::$request),)+)+
        }

        impl Ask {
            /// Every verb, to see that a test leaves none out.
            pub const VERBS: &[&str] = &[$($(stringify!($verb),)+)+];

            pub fn verb(&self) -> &'static str {
                match self {
                    $($(Ask::$verb(_) => stringify!($verb),)+)+
                }
            }

            /// Sends it; the answer as the bytes of its message. What nobody can do
            /// about their own work, a reviewer does.
            pub async fn send(&self, channel: &Channel) -> Result<Vec<u8>, Status> {
                self.send_as(channel, self.actor()).await
            }

            /// Sends it in somebody's name.
            pub async fn send_as(&self, channel: &Channel, actor: Option<&str>) -> Result<Vec<u8>, Status> {
                match person::called(channel, self.clone()).await {
                    $($(Ask::$verb(request) => {
                        let mut request = tonic::Request::new(request);
                        if let Some(actor) = actor {
                            request.metadata_mut().insert("steward-actor", actor.parse().unwrap());
                        }
                        // Boxed, because a future as large as all of these fills a thread's stack.
                        let answer = Box::pin(async {
                            $client::new(channel.clone()).$method(request).await
                        });
                        Ok(answer.await?.into_inner().encode_to_vec())
                    })+)+
                }
            }

            pub fn with_request_id(mut self, id: &str) -> Self {
                match &mut self {
                    $($(Ask::$verb(request) => request.request_id = id.to_owned(),)+)+
                }
                self
            }

            pub fn request_id(&self) -> &str {
                match self {
                    $($(Ask::$verb(request) => &request.request_id,)+)+
                }
            }

            pub fn validate_only(mut self) -> Self {
                match &mut self {
                    $($(Ask::$verb(request) => request.validate_only = true,)+)+
                }
                self
            }
        }

        $($(impl From<v1::$request> for Ask {
            fn from(request: v1::$request) -> Self {
                Ask::$verb(request)
            }
        })+)+
    };
}

asks! {
    NamespaceServiceClient:
        CreateNamespace(CreateNamespaceRequest).create_namespace,
        UpdateNamespace(UpdateNamespaceRequest).update_namespace;
    CheckpointServiceClient:
        RotateCheckpointKey(RotateCheckpointKeyRequest).rotate_checkpoint_key;
    PolicyServiceClient:
        CreatePolicy(CreatePolicyRequest).create_policy,
        UpdatePolicy(UpdatePolicyRequest).update_policy;
    ModelServiceClient:
        CreateModel(CreateModelRequest).create_model,
        UpdateModel(UpdateModelRequest).update_model,
        DeleteModel(DeleteModelRequest).delete_model,
        UndeleteModel(UndeleteModelRequest).undelete_model;
    VersionServiceClient:
        CreateVersion(CreateVersionRequest).create_version,
        UpdateVersion(UpdateVersionRequest).update_version;
    AliasServiceClient:
        SetAlias(SetAliasRequest).set_alias,
        RollbackAlias(RollbackAliasRequest).rollback_alias,
        DeleteAlias(DeleteAliasRequest).delete_alias;
    LifecycleServiceClient:
        SubmitVersion(SubmitVersionRequest).submit_version,
        ApproveVersion(ApproveVersionRequest).approve_version,
        RejectVersion(RejectVersionRequest).reject_version,
        DeprecateVersion(DeprecateVersionRequest).deprecate_version,
        ExtendSunset(ExtendSunsetRequest).extend_sunset,
        HoldVersion(HoldVersionRequest).hold_version,
        ReleaseVersion(ReleaseVersionRequest).release_version,
        ReinstateVersion(ReinstateVersionRequest).reinstate_version,
        RetireVersion(RetireVersionRequest).retire_version,
        ArchiveVersion(ArchiveVersionRequest).archive_version;
    ProposalServiceClient:
        CreateProposal(CreateProposalRequest).create_proposal,
        ApproveProposal(ApproveProposalRequest).approve_proposal,
        RevokeApproval(RevokeApprovalRequest).revoke_approval,
        RejectProposal(RejectProposalRequest).reject_proposal,
        WithdrawProposal(WithdrawProposalRequest).withdraw_proposal,
        CommentOnProposal(CommentOnProposalRequest).comment_on_proposal;
    ConsumerServiceClient:
        CreateConsumer(CreateConsumerRequest).create_consumer,
        UpdateConsumer(UpdateConsumerRequest).update_consumer,
        AcknowledgeSunset(AcknowledgeSunsetRequest).acknowledge_sunset,
        ExemptConsumer(ExemptConsumerRequest).exempt_consumer,
        DeleteConsumer(DeleteConsumerRequest).delete_consumer;
    IncidentServiceClient:
        OpenIncident(OpenIncidentRequest).open_incident,
        CloseIncident(CloseIncidentRequest).close_incident;
    RetrainingServiceClient:
        RequestRetraining(RequestRetrainingRequest).request_retraining,
        AcknowledgeRetraining(AcknowledgeRetrainingRequest).acknowledge_retraining,
        CompleteRetraining(CompleteRetrainingRequest).complete_retraining,
        FailRetraining(FailRetrainingRequest).fail_retraining;
    MonitorServiceClient:
        AcknowledgeAlarm(AcknowledgeAlarmRequest).acknowledge_alarm,
        SnoozeAlarm(SnoozeAlarmRequest).snooze_alarm,
        SettleAlarm(SettleAlarmRequest).settle_alarm;
    UpstreamServiceClient:
        SetUpstream(SetUpstreamRequest).set_upstream,
        BatchSetUpstreams(BatchSetUpstreamsRequest).batch_set_upstreams,
        DeleteUpstream(DeleteUpstreamRequest).delete_upstream;
    PersonServiceClient:
        ErasePerson(ErasePersonRequest).erase_person;
    SubscriptionServiceClient:
        CreateSubscription(CreateSubscriptionRequest).create_subscription,
        UpdateSubscription(UpdateSubscriptionRequest).update_subscription,
        SeekSubscription(SeekSubscriptionRequest).seek_subscription,
        RotateWebhookKey(RotateWebhookKeyRequest).rotate_webhook_key,
        ResumeWebhook(ResumeWebhookRequest).resume_webhook,
        DeleteSubscription(DeleteSubscriptionRequest).delete_subscription;
    EvaluationServiceClient:
        RecordEvaluation(RecordEvaluationRequest).record_evaluation,
        BatchRecordEvaluations(BatchRecordEvaluationsRequest).batch_record_evaluations;
}

impl Ask {
    /// In whose name it is sent; what nobody can do about their own work, a reviewer does.
    pub fn actor(&self) -> Option<&'static str> {
        use Ask::*;
        match self {
            ApproveVersion(_) | ExemptConsumer(_) | ReleaseVersion(_) | ApproveProposal(_)
            | RevokeApproval(_) | RejectProposal(_) => Some(REVIEWER),
            UndeleteModel(_) => Some(LEAVER),
            _ => None,
        }
    }
}

/// Who acts once, in a way that no answer tells of, and is forgotten.
pub const LEAVER: &str = "Lea Veringer";

/// Forgets whoever is called so.
pub fn erase(text: &str, reason: &str) -> Ask {
    let (name, reason) = (person::unknown(text), reason.to_owned());
    v1::ErasePersonRequest { name, reason, ..Default::default() }.into()
}

macro_rules! lifecycle {
    ($($function:ident($request:ident)),+) => {
        $(pub fn $function(name: &str, reason: &str) -> Ask {
            let (name, reason) = (name.to_owned(), reason.to_owned());
            v1::$request { name, reason, ..Default::default() }.into()
        })+
    };
}

lifecycle! {
    submit(SubmitVersionRequest),
    approve(ApproveVersionRequest),
    reject(RejectVersionRequest),
    reinstate(ReinstateVersionRequest),
    retire(RetireVersionRequest),
    archive(ArchiveVersionRequest),
    hold(HoldVersionRequest),
    release(ReleaseVersionRequest),
    rollback(RollbackAliasRequest),
    approve_proposal(ApproveProposalRequest),
    revoke_approval(RevokeApprovalRequest),
    reject_proposal(RejectProposalRequest),
    withdraw_proposal(WithdrawProposalRequest),
    comment_on_proposal(CommentOnProposalRequest),
    close_incident(CloseIncidentRequest),
    delete_model(DeleteModelRequest),
    undelete_model(UndeleteModelRequest),
    delete_alias(DeleteAliasRequest)
}

pub fn create_namespace(id: &str, display_name: &str) -> Ask {
    let namespace = v1::Namespace { display_name: display_name.to_owned(), ..Default::default() };
    let namespace_id = id.to_owned();
    v1::CreateNamespaceRequest { namespace_id, namespace: Some(namespace), ..Default::default() }.into()
}

pub fn describe_model(model: &str, description: &str, etag: &str) -> Ask {
    let (name, description) = (model_name(model), description.to_owned());
    let model = v1::Model { name, description, etag: etag.to_owned(), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["description".to_owned()] });
    v1::UpdateModelRequest { model: Some(model), update_mask, ..Default::default() }.into()
}

pub fn label_version(name: &str, label: &str) -> Ask {
    let version = v1::Version { name: name.to_owned(), label: label.to_owned(), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["label".to_owned()] });
    v1::UpdateVersionRequest { version: Some(version), update_mask, ..Default::default() }.into()
}

pub fn deprecate(name: &str, reason: &str, sunset: i64) -> Ask {
    v1::DeprecateVersionRequest {
        name: name.to_owned(),
        reason: reason.to_owned(),
        sunset_time: Some(time(sunset)),
        successor: Some(v1::deprecate_version_request::Successor::NoReplacementReason("none".to_owned())),
        ..Default::default()
    }
    .into()
}

pub fn set_alias(model: &str, alias: &str, number: u32, etag: &str) -> Ask {
    let alias = v1::Alias {
        name: format!("{}/aliases/{alias}", model_name(model)),
        version: version_name(model, number),
        etag: etag.to_owned(),
        ..Default::default()
    };
    v1::SetAliasRequest { alias: Some(alias), ..Default::default() }.into()
}

/// Somebody's wish to have a version approved; it is known by its id.
pub fn propose_approval(version: &str, id: &str, reason: &str) -> Ask {
    propose(version, id, reason, v1::proposal::Step::Approve(v1::ApproveStep::default()), "")
}

/// Somebody's wish that something is done to a version, perhaps for an incident.
pub fn propose(version: &str, id: &str, reason: &str, step: v1::proposal::Step, incident: &str) -> Ask {
    let (reason, incident) = (reason.to_owned(), incident.to_owned());
    let proposal = v1::Proposal { step: Some(step), reason, incident, ..Default::default() };
    v1::CreateProposalRequest {
        parent: version.to_owned(),
        proposal_id: id.to_owned(),
        proposal: Some(proposal),
        ..Default::default()
    }
    .into()
}

/// Another number of approvals that a version takes.
pub fn require_approvals(policy: &str, approvals: i32, reason: &str) -> Ask {
    let name = format!("{NAMESPACE}/policies/{policy}");
    v1::UpdatePolicyRequest {
        policy: Some(v1::Policy { name, approvals, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["approvals".to_owned()] }),
        reason: reason.to_owned(),
        ..Default::default()
    }
    .into()
}

/// Previews need at least so much accuracy.
pub fn require_accuracy(at_least: f64) -> Ask {
    let gate = v1::Gate {
        id: "accurate".to_owned(),
        metric: "accuracy".to_owned(),
        requirement: Some(v1::gate::Requirement::AtLeast(at_least)),
        ..Default::default()
    };
    let name = format!("{NAMESPACE}/policies/preview");
    v1::UpdatePolicyRequest {
        policy: Some(v1::Policy { name, gates: vec![gate], ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["gates".to_owned()] }),
        ..Default::default()
    }
    .into()
}

/// The switch of somebody who is alone.
pub fn allow_self_approval(allow_self_approval: bool, reason: &str) -> Ask {
    let name = NAMESPACE.to_owned();
    v1::UpdateNamespaceRequest {
        namespace: Some(v1::Namespace { name, allow_self_approval, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["allow_self_approval".to_owned()] }),
        reason: reason.to_owned(),
        ..Default::default()
    }
    .into()
}

pub fn open_incident(model: &str, id: &str, number: u32, reason: &str) -> Ask {
    let versions = vec![version_name(model, number)];
    let incident = v1::Incident { title: "it answers nonsense".to_owned(), versions, ..Default::default() };
    v1::OpenIncidentRequest {
        parent: model_name(model),
        incident_id: id.to_owned(),
        incident: Some(incident),
        reason: reason.to_owned(),
        ..Default::default()
    }
    .into()
}

/// Accuracy over a window of one day.
pub fn measurement(k: i64) -> v1::Evaluation {
    let rate = v1::metric_point::Value::Rate(v1::RatePoint { k, n: 1_000 });
    let point = v1::MetricPoint { metric: "accuracy".to_owned(), value: Some(rate), ..Default::default() };
    v1::Evaluation {
        window_start_time: Some(time(BEGIN - 2 * DAY)),
        window_end_time: Some(time(BEGIN - DAY + k)),
        evaluator: Some(v1::Evaluator { name: "nightly".to_owned(), ..Default::default() }),
        points: vec![point],
        ..Default::default()
    }
}

pub fn record(version: &str, id: &str, k: i64) -> v1::RecordEvaluationRequest {
    v1::RecordEvaluationRequest {
        parent: version.to_owned(),
        evaluation_id: id.to_owned(),
        evaluation: Some(measurement(k)),
        ..Default::default()
    }
}

/// A batch of `count` evaluations whose ids begin with `prefix`.
pub fn record_batch(model: &str, number: u32, prefix: &str, count: usize) -> Ask {
    let version = version_name(model, number);
    let requests = (0..count).map(|i| record(&version, &format!("{prefix}-{i}"), i as i64 % 1_000)).collect();
    v1::BatchRecordEvaluationsRequest { parent: model_name(model), requests, ..Default::default() }.into()
}

/// What a provider recommends instead of a model.
pub fn observe(model_id: &str, instead: &str) -> v1::SetUpstreamRequest {
    let upstream = v1::Upstream {
        provider: "openai".to_owned(),
        model_id: model_id.to_owned(),
        replacement_model_id: instead.to_owned(),
        ..Default::default()
    };
    v1::SetUpstreamRequest { parent: NAMESPACE.to_owned(), upstream: Some(upstream), ..Default::default() }
}

/// A subscription to what is in the log of `default` and comes to it.
pub fn subscribe(id: &str, subscription: v1::Subscription) -> v1::CreateSubscriptionRequest {
    let earliest = v1::StartPoint::Earliest.into();
    v1::CreateSubscriptionRequest {
        parent: NAMESPACE.to_owned(),
        subscription_id: id.to_owned(),
        subscription: Some(subscription),
        start: Some(v1::create_subscription_request::Start::StartPoint(earliest)),
        ..Default::default()
    }
}

/// The namespace whose log a mutation writes.
pub fn namespace_of(ask: &Ask) -> String {
    match ask {
        Ask::CreateNamespace(request) => format!("namespaces/{}", request.namespace_id),
        _ => NAMESPACE.to_owned(),
    }
}
