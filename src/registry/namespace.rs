//! Use cases of namespaces.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    log,
    mutation::{self, Mutation},
    page::{Listing, Page, PageRequest},
    policy,
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::Valid,
        event::{Event, EventType},
        mask,
        name::{NamespaceId, NamespaceName},
        namespace::{Namespace, NamespaceContent},
        policy::Policy,
        time::Timestamp,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct CreateNamespace {
    id: NamespaceId,
    content: Valid<NamespaceContent>,
    /// Drawn for each attempt, so it is not part of what is asked for.
    #[serde(skip)]
    log_id: [u8; 16],
}

#[async_trait]
impl Mutation for CreateNamespace {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let name = NamespaceName(self.id.clone());
        if view.find::<Namespace>(&name).await?.is_some() {
            return Err(Error::exists(name, ""));
        }
        let (content, log_id) = (self.content.clone().into_inner(), hex::encode(self.log_id));
        let namespace = Namespace::create(name, content, log_id, now);
        let mut created = Event::set(EventType::NamespaceCreated, namespace);
        created.changes.extend(policy::defaults_of(&self.id, now)?);
        Ok(vec![created])
    }

    fn log_id(&self) -> Option<[u8; 16]> {
        Some(self.log_id)
    }

    fn field(&self, _: u32) -> String {
        "namespace".to_owned()
    }
}

#[derive(Serialize)]
struct UpdateNamespace {
    name: NamespaceName,
    update: NamespaceContent,
    mask: Vec<String>,
}

#[async_trait]
impl Mutation for UpdateNamespace {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Namespace>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let merged = mask::merge(&present.value.content, &self.update, &self.mask)?;
        let content = Valid::new(merged, "namespace")?.into_inner();
        for (field, policy) in content.policies() {
            if policy.namespace != self.name.0 || view.find::<Policy>(policy).await?.is_none() {
                let sentence = format!("{policy} is not a policy of this namespace; create it first");
                return Err(Error::field(&format!("namespace.{field}"), sentence));
            }
        }
        Ok(vec![Event::set(EventType::NamespaceUpdated, present.value.update(content, now))])
    }

    fn field(&self, _: u32) -> String {
        "namespace".to_owned()
    }
}

impl Registry {
    /// Changes what a mask names: names, the switch for self-approval, the
    /// policies of the risk tiers.
    pub async fn update_namespace(
        &self,
        name: NamespaceName,
        update: NamespaceContent,
        mask: Vec<String>,
        call: Call,
    ) -> Result<Stored<Namespace>, Error> {
        let namespace = name.0.clone();
        let update = UpdateNamespace { name, update, mask };
        self.mutate(&namespace, "UpdateNamespace", update, call).await?.resource()
    }

    /// Creates a namespace and its log.
    pub async fn create_namespace(
        &self,
        id: NamespaceId,
        content: Valid<NamespaceContent>,
        call: Call,
    ) -> Result<Stored<Namespace>, Error> {
        let mutation = CreateNamespace { id, content, log_id: self.0.environment.entropy.draw() };
        let digest = mutation::digest("CreateNamespace", &mutation, &call)?;
        if call.validate_only {
            let environment = &self.0.environment;
            let preview =
                log::preview(&self.0.store, environment, &mutation.id, &mutation, &call, &digest).await?;
            return preview.resource();
        }
        let log = self.open_log(&mutation.id).await?;
        let (id, waits) = (mutation.id.clone(), call.caller.waits_for_checkpoint);
        let committed = log.mutate(Arc::new(mutation), call, digest).await?;
        self.cover(&id, waits, committed).await?.resource()
    }

    /// Reads a namespace.
    pub async fn get_namespace(&self, name: &NamespaceName, at: ReadAt) -> Result<Stored<Namespace>, Error> {
        self.get(name, at).await
    }

    /// Lists namespaces by id.
    pub async fn list_namespaces(
        &self,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Namespace>>, Error> {
        let request = PageRequest::new(page_size, page_token, &"namespaces")?;
        let read = |_: &[u8], state: &Bytes| read_record(state).map(Some);
        let listing = Listing { range: keys::namespaces(), reverse: false, follow: None, read: &read };
        self.page(&super::default_namespace()?, listing, &request).await
    }

    /// The namespace `default` exists from the first start.
    pub(super) async fn ensure_default(&self) -> Result<(), Error> {
        let id = super::default_namespace()?;
        if self.engine().head(id.as_str()).await?.is_some() {
            return Ok(());
        }
        let content = Valid::new(
            NamespaceContent { display_name: "Default".to_owned(), ..NamespaceContent::default() },
            "namespace",
        )?;
        self.create_namespace(id, content, Call::by_system("first start")).await.map(drop)
    }
}
