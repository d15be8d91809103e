//! NamespaceService.

use super::{
    answer,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        name::{NamespaceId, NamespaceName, PolicyName},
        namespace::{CheckpointKey, Epoch, Namespace, NamespaceContent},
    },
    proto::v1::{self, namespace_service_server::NamespaceService},
    registry::{Registry, call::Stored},
};
use tonic::{Request, Response, Status};

/// Answers NamespaceService.
pub struct Namespaces(pub Registry);

#[tonic::async_trait]
impl NamespaceService for Namespaces {
    async fn create_namespace(
        &self,
        request: Request<v1::CreateNamespaceRequest>,
    ) -> Result<Response<v1::Namespace>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CreateNamespaceRequest { namespace_id, namespace, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let id = fields.take("namespace_id", NamespaceId::new(&namespace_id));
        let content = fields.within("namespace", |f| read_content(f, namespace.unwrap_or_default()));
        let content = fields.valid("namespace", content);
        let call = fields.call(caller, &request_id, "", "", validate_only);
        let ((id, content), call) = fields.all(id.zip(content).zip(call))?;
        let namespace = self.0.create_namespace(id, content, call).await?;
        Ok(answer(write(namespace)))
    }

    async fn get_namespace(
        &self,
        request: Request<v1::GetNamespaceRequest>,
    ) -> Result<Response<v1::Namespace>, Status> {
        let v1::GetNamespaceRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name::<NamespaceName>("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_namespace(&name, at).await?)))
    }

    async fn list_namespaces(
        &self,
        request: Request<v1::ListNamespacesRequest>,
    ) -> Result<Response<v1::ListNamespacesResponse>, Status> {
        let v1::ListNamespacesRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_namespaces(page_size, &page_token).await?;
        Ok(answer(v1::ListNamespacesResponse {
            namespaces: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_namespace(
        &self,
        request: Request<v1::UpdateNamespaceRequest>,
    ) -> Result<Response<v1::Namespace>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UpdateNamespaceRequest { namespace, update_mask, request_id, validate_only, reason } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = fields.required("namespace", namespace).unwrap_or_default();
        let name = fields.name("namespace.name", &namespace.name);
        let call = fields.call(caller, &request_id, &reason, &namespace.etag, validate_only);
        let content = fields.within("namespace", |fields| read_content(fields, namespace));
        let (name, call) = fields.all(name.zip(call))?;
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        Ok(answer(write(self.0.update_namespace(name, content, mask, call).await?)))
    }
}

/// The namespace that a request's `parent` names.
pub fn read_parent(fields: &mut Fields, parent: &str) -> Option<NamespaceId> {
    fields.name::<NamespaceName>("parent", parent).map(|name| name.0)
}

fn read_content(fields: &mut Fields, namespace: v1::Namespace) -> NamespaceContent {
    let v1::Namespace {
        name: _,
        display_name,
        description,
        log_id: _,
        create_time: _,
        etag: _,
        audit_position: _,
        allow_self_approval,
        preview_policy,
        standard_policy,
        critical_policy,
        update_time: _,
        epochs: _,
        checkpoint_keys: _,
    } = namespace;
    let mut policy = |field: &str, name: String| match name.is_empty() {
        true => None,
        false => fields.name(field, &name),
    };
    NamespaceContent {
        display_name,
        description,
        allow_self_approval,
        preview_policy: policy("preview_policy", preview_policy),
        standard_policy: policy("standard_policy", standard_policy),
        critical_policy: policy("critical_policy", critical_policy),
    }
}

/// A namespace on the wire.
pub fn write(stored: Stored<Namespace>) -> v1::Namespace {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Namespace { name, content, log_id, epochs, checkpoint_keys, create_time, update_time } = stored.value;
    let policy = |name: Option<PolicyName>| name.map(|name| name.to_string()).unwrap_or_default();
    v1::Namespace {
        name: name.to_string(),
        display_name: content.display_name,
        description: content.description,
        log_id,
        create_time: Some(field::time(create_time)),
        etag,
        audit_position,
        allow_self_approval: content.allow_self_approval,
        preview_policy: policy(content.preview_policy),
        standard_policy: policy(content.standard_policy),
        critical_policy: policy(content.critical_policy),
        update_time: Some(field::time(update_time)),
        epochs: epochs.into_iter().map(write_epoch).collect(),
        checkpoint_keys: checkpoint_keys.into_iter().map(write_key).collect(),
    }
}

fn write_epoch(epoch: Epoch) -> v1::LogEpoch {
    let Epoch { start_position, lost_size, lost_root, open_time } = epoch;
    v1::LogEpoch { start_position, lost_size, lost_root, open_time: Some(field::time(open_time)) }
}

fn write_key(key: CheckpointKey) -> v1::CheckpointKey {
    v1::CheckpointKey { key: key.key, retire_time: key.retire_time.map(field::time) }
}
