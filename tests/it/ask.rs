//! Any mutation of the contract as one value, so that a test can send each of
//! them, repeat it, and compare the answers byte by byte.

use crate::support::{BEGIN, DAY, NAMESPACE, create_model, create_version, model_name, time, version_name};
use prost::Message as _;
use steward_registry::proto::v1::{
    self, alias_service_client::AliasServiceClient, evaluation_service_client::EvaluationServiceClient,
    lifecycle_service_client::LifecycleServiceClient, model_service_client::ModelServiceClient,
    namespace_service_client::NamespaceServiceClient, version_service_client::VersionServiceClient,
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

            /// Sends it; the answer as the bytes of its message.
            pub async fn send(&self, channel: &Channel) -> Result<Vec<u8>, Status> {
                self.send_as("anonymous", channel).await
            }

            /// Sends it in somebody's name.
            pub async fn send_as(&self, actor: &str, channel: &Channel) -> Result<Vec<u8>, Status> {
                match self.clone() {
                    $($(Ask::$verb(request) => {
                        let mut request = tonic::Request::new(request);
                        request.metadata_mut().insert("steward-actor", actor.parse().unwrap());
                        let answer = $client::new(channel.clone()).$method(request).await?;
                        Ok(answer.into_inner().encode_to_vec())
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
    NamespaceServiceClient: CreateNamespace(CreateNamespaceRequest).create_namespace;
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
        DeleteAlias(DeleteAliasRequest).delete_alias;
    LifecycleServiceClient:
        SubmitVersion(SubmitVersionRequest).submit_version,
        ApproveVersion(ApproveVersionRequest).approve_version,
        RejectVersion(RejectVersionRequest).reject_version,
        DeprecateVersion(DeprecateVersionRequest).deprecate_version,
        ReinstateVersion(ReinstateVersionRequest).reinstate_version,
        RetireVersion(RetireVersionRequest).retire_version,
        ArchiveVersion(ArchiveVersionRequest).archive_version;
    EvaluationServiceClient:
        RecordEvaluation(RecordEvaluationRequest).record_evaluation,
        BatchRecordEvaluations(BatchRecordEvaluationsRequest).batch_record_evaluations;
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

/// One of each verb, in an order in which all of them are carried out on a log
/// that holds nothing but its namespace. `word` goes into what they say.
pub fn one_of_each(word: &str) -> Vec<Ask> {
    let (one, two) = (version_name("m", 1), version_name("m", 2));
    let mut created = create_model("m");
    created.model.as_mut().unwrap().description = word.to_owned();
    let mut version = create_version("m");
    version.version.as_mut().unwrap().description = word.to_owned();
    let mut aliased = set_alias("m", "production", 1, "");
    if let Ask::SetAlias(request) = &mut aliased {
        request.reason = word.to_owned();
    }
    let k = word.len() as i64;
    vec![
        create_namespace("charity", word),
        created.into(),
        describe_model("m", &format!("{word}!"), ""),
        version.clone().into(),
        version.into(),
        label_version(&one, &format!("v-{word}")),
        submit(&one, word),
        approve(&one, word),
        submit(&two, word),
        reject(&two, word),
        aliased,
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

/// The namespace whose log a mutation writes.
pub fn namespace_of(ask: &Ask) -> String {
    match ask {
        Ask::CreateNamespace(request) => format!("namespaces/{}", request.namespace_id),
        _ => NAMESPACE.to_owned(),
    }
}
