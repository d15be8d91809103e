//! UpstreamService.

use super::{
    answer,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        name::{NamespaceId, NamespaceName, UpstreamName},
        upstream::{Upstream, UpstreamContent},
        version::UpstreamReference,
    },
    proto::v1::{self, upstream_service_server::UpstreamService},
    registry::{
        Registry,
        call::Stored,
        upstream::{ListUpstreams, MOST_IN_BATCH, Observation, Observed},
    },
};
use tonic::{Request, Response, Status};

/// Answers UpstreamService.
pub struct Upstreams(pub Registry);

#[tonic::async_trait]
impl UpstreamService for Upstreams {
    async fn set_upstream(
        &self,
        request: Request<v1::SetUpstreamRequest>,
    ) -> Result<Response<v1::SetUpstreamResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let message = request.into_inner();
        let mut fields = Fields::new();
        let parent = fields.name::<NamespaceName>("parent", &message.parent);
        let call = fields.call(caller, &message.request_id, &message.reason, "", message.validate_only);
        let observation = parent.and_then(|parent| read_observation(&mut fields, parent.0, message));
        let (observation, call) = fields.all(observation.zip(call))?;
        Ok(answer(write_observed(self.0.set_upstream(observation, call).await?)))
    }

    async fn batch_set_upstreams(
        &self,
        request: Request<v1::BatchSetUpstreamsRequest>,
    ) -> Result<Response<v1::BatchSetUpstreamsResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::BatchSetUpstreamsRequest { parent, requests, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = fields.name::<NamespaceName>("parent", &parent).map(|parent| parent.0);
        let call = fields.call(caller, &request_id, &reason, "", validate_only);
        let observations = namespace.as_ref().map(|id| read_batch(&mut fields, id, &parent, requests));
        let ((namespace, observations), call) = fields.all(namespace.zip(observations).zip(call))?;
        let (observed, position) = self.0.batch_set_upstreams(namespace, observations, call).await?;
        Ok(answer(v1::BatchSetUpstreamsResponse {
            responses: observed.into_iter().map(write_observed).collect(),
            audit_position: position.unwrap_or_default(),
        }))
    }

    async fn get_upstream(
        &self,
        request: Request<v1::GetUpstreamRequest>,
    ) -> Result<Response<v1::Upstream>, Status> {
        let v1::GetUpstreamRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_upstream(&name, at).await?)))
    }

    async fn list_upstreams(
        &self,
        request: Request<v1::ListUpstreamsRequest>,
    ) -> Result<Response<v1::ListUpstreamsResponse>, Status> {
        let v1::ListUpstreamsRequest { parent, page_size, page_token, provider, shutdown_before_time } =
            request.into_inner();
        let mut fields = Fields::new();
        let parent = fields.name::<NamespaceName>("parent", &parent);
        let shutdown_before = fields.time("shutdown_before_time", shutdown_before_time);
        let parent = fields.all(parent)?;
        let query = ListUpstreams { provider, shutdown_before };
        let page = self.0.list_upstreams(&parent.0, &query, page_size, &page_token).await?;
        Ok(answer(v1::ListUpstreamsResponse {
            upstreams: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn delete_upstream(
        &self,
        request: Request<v1::DeleteUpstreamRequest>,
    ) -> Result<Response<v1::DeleteUpstreamResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::DeleteUpstreamRequest { name, etag, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let (name, call) = fields.all(name.zip(call))?;
        let audit_position = self.0.delete_upstream(name, call).await?.unwrap_or_default();
        Ok(answer(v1::DeleteUpstreamResponse { audit_position }))
    }
}

fn read_batch(
    fields: &mut Fields,
    namespace: &NamespaceId,
    parent: &str,
    requests: Vec<v1::SetUpstreamRequest>,
) -> Vec<Observation> {
    let mut observations = Vec::with_capacity(requests.len());
    if !(1..=MOST_IN_BATCH).contains(&requests.len()) {
        let sentence = format!("has {} entries; 1 to {MOST_IN_BATCH} are allowed", requests.len());
        fields.refuse("requests", sentence);
        return observations;
    }
    for (index, request) in requests.into_iter().enumerate() {
        fields.within(&format!("requests[{index}]"), |fields| {
            if !request.parent.is_empty() && request.parent != parent {
                fields.refuse("parent", format!("has to be empty or {parent}, as that of the batch"));
            }
            for (field, text) in [("reason", &request.reason), ("request_id", &request.request_id)] {
                if !text.is_empty() {
                    fields.refuse(field, "has to be empty: the batch has one for all");
                }
            }
            if request.validate_only {
                fields.refuse("validate_only", "has to be false: the batch has one for all");
            }
            observations.extend(read_observation(fields, namespace.clone(), request));
        });
    }
    observations
}

/// Reads everything that a request says of one record.
fn read_observation(
    fields: &mut Fields,
    namespace: NamespaceId,
    request: v1::SetUpstreamRequest,
) -> Option<Observation> {
    let v1::SetUpstreamRequest {
        parent: _,
        upstream,
        update_mask,
        reason: _,
        request_id: _,
        validate_only: _,
    } = request;
    let v1::Upstream {
        name,
        provider,
        model_id,
        channel,
        region,
        not_sooner_than_time,
        shutdown_time,
        replacement_model_id,
        source_uri,
        create_time: _,
        update_time: _,
        etag,
        audit_position: _,
    } = fields.required("upstream", upstream)?;
    let key = UpstreamReference { provider, model_id, channel, region };
    let key = fields.valid("upstream", key)?.into_inner();
    let record = UpstreamName { namespace, key };
    if !name.is_empty() && name.parse() != Ok(record.clone()) {
        fields.refuse("upstream.name", format!("does not agree with its parts, which say {record}"));
    }
    let update = fields.within("upstream", |fields| UpstreamContent {
        not_sooner_than_time: fields.time("not_sooner_than_time", not_sooner_than_time),
        shutdown_time: fields.time("shutdown_time", shutdown_time),
        replacement_model_id,
        source_uri,
    });
    let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
    Some(Observation { name: record, update, mask, etag })
}

fn write_observed(observed: Observed) -> v1::SetUpstreamResponse {
    v1::SetUpstreamResponse {
        upstream: Some(write(observed.upstream)),
        changed: observed.changed,
        moved_versions: observed.moved.iter().map(ToString::to_string).collect(),
    }
}

fn write(stored: Stored<Upstream>) -> v1::Upstream {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Upstream { name, key, content, create_time, update_time } = stored.value;
    let UpstreamReference { provider, model_id, channel, region } = key;
    v1::Upstream {
        name: name.to_string(),
        provider,
        model_id,
        channel,
        region,
        not_sooner_than_time: content.not_sooner_than_time.map(field::time),
        shutdown_time: content.shutdown_time.map(field::time),
        replacement_model_id: content.replacement_model_id,
        source_uri: content.source_uri,
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        etag,
        audit_position,
    }
}
