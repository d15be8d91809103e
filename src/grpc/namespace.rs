//! NamespaceService.

use super::{
    answer,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        name::{NamespaceId, NamespaceName},
        namespace::{Namespace, NamespaceContent},
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
        let content = fields.valid("namespace", read_content(namespace.unwrap_or_default()));
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
}

/// The namespace that a request's `parent` names.
pub fn read_parent(fields: &mut Fields, parent: &str) -> Option<NamespaceId> {
    fields.name::<NamespaceName>("parent", parent).map(|name| name.0)
}

fn read_content(namespace: v1::Namespace) -> NamespaceContent {
    let v1::Namespace {
        name: _,
        display_name,
        description,
        log_id: _,
        create_time: _,
        etag: _,
        audit_position: _,
    } = namespace;
    NamespaceContent { display_name, description }
}

fn write(stored: Stored<Namespace>) -> v1::Namespace {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Namespace { name, content, log_id, create_time } = stored.value;
    v1::Namespace {
        name: name.to_string(),
        display_name: content.display_name,
        description: content.description,
        log_id,
        create_time: Some(field::time(create_time)),
        etag,
        audit_position,
    }
}
