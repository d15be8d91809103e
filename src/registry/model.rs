//! Use cases of models.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    page::{Listing, Page, PageRequest},
    read::ReadAt,
    states::read_record,
    view::View,
};
use crate::{
    domain::{
        check::Valid,
        event::{Event, EventType},
        filter::Filter,
        mask,
        model::{FILTER_SCHEMA, Model, ModelContent},
        name::{ModelName, NamespaceId},
        time::Timestamp,
    },
    store::keys,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct CreateModel {
    name: ModelName,
    content: Valid<ModelContent>,
}

#[async_trait]
impl Mutation for CreateModel {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        if let Some(present) = view.find::<Model>(&self.name).await? {
            let deleted = present.value.delete_time.is_some();
            let hint = if deleted { "; it is deleted: undelete it or choose another id" } else { "" };
            return Err(Error::exists(self.name.clone(), hint));
        }
        let model = Model::create(self.name.clone(), self.content.clone().into_inner(), now);
        Ok(vec![Event::set(EventType::ModelCreated, model)])
    }

    fn field(&self, _: u32) -> String {
        "model".to_owned()
    }
}

/// An update of a model: new content for the fields of a mask.
#[derive(Serialize)]
struct UpdateModel {
    name: ModelName,
    update: ModelContent,
    mask: Vec<String>,
}

#[async_trait]
impl Mutation for UpdateModel {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Model>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let merged = mask::merge(&present.value.content, &self.update, &self.mask)?;
        let content = Valid::new(merged, "model")?.into_inner();
        Ok(vec![Event::set(EventType::ModelUpdated, present.value.update(content, now)?)])
    }

    fn field(&self, _: u32) -> String {
        "model".to_owned()
    }
}

#[derive(Serialize)]
struct DeleteModel {
    name: ModelName,
}

#[async_trait]
impl Mutation for DeleteModel {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Model>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        let aliases = view.scan(keys::aliases(&self.name), 1).await?;
        let aliases: Vec<_> = aliases.iter().filter_map(|(key, _)| keys::alias_of(&self.name, key)).collect();
        Ok(vec![Event::set(EventType::ModelDeleted, present.value.delete(&aliases, now)?)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

#[derive(Serialize)]
struct UndeleteModel {
    name: ModelName,
}

#[async_trait]
impl Mutation for UndeleteModel {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Model>(&self.name).await?;
        present.require_etag(&call.etag, self.name.clone())?;
        Ok(vec![Event::set(EventType::ModelUndeleted, present.value.undelete(now)?)])
    }

    fn field(&self, _: u32) -> String {
        "name".to_owned()
    }
}

/// The orders in which models are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ModelOrder {
    /// By id.
    #[default]
    Name,
    /// By creation.
    CreateTime,
    /// By last change.
    UpdateTime,
}

/// Which models are listed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListModels {
    /// AIP-160 filter over [`FILTER_SCHEMA`].
    pub filter: String,
    /// In which order.
    pub order: ModelOrder,
    /// The order reversed.
    pub descending: bool,
    /// Deleted ones too.
    pub show_deleted: bool,
}

impl Registry {
    /// Registers a model.
    pub async fn create_model(
        &self,
        name: ModelName,
        content: Valid<ModelContent>,
        call: Call,
    ) -> Result<Stored<Model>, Error> {
        let namespace = name.namespace.clone();
        self.mutate(&namespace, "CreateModel", CreateModel { name, content }, call).await?.resource()
    }

    /// Reads a model.
    pub async fn get_model(&self, name: &ModelName, at: ReadAt) -> Result<Stored<Model>, Error> {
        self.get(name, at).await
    }

    /// Changes the fields of a model that a mask names.
    pub async fn update_model(
        &self,
        name: ModelName,
        update: ModelContent,
        mask: Vec<String>,
        call: Call,
    ) -> Result<Stored<Model>, Error> {
        let namespace = name.namespace.clone();
        self.mutate(&namespace, "UpdateModel", UpdateModel { name, update, mask }, call).await?.resource()
    }

    /// Marks a model as deleted.
    pub async fn delete_model(&self, name: ModelName, call: Call) -> Result<Stored<Model>, Error> {
        let namespace = name.namespace.clone();
        self.mutate(&namespace, "DeleteModel", DeleteModel { name }, call).await?.resource()
    }

    /// Takes a deletion back.
    pub async fn undelete_model(&self, name: ModelName, call: Call) -> Result<Stored<Model>, Error> {
        let namespace = name.namespace.clone();
        self.mutate(&namespace, "UndeleteModel", UndeleteModel { name }, call).await?.resource()
    }

    /// Lists models.
    pub async fn list_models(
        &self,
        namespace: &NamespaceId,
        query: &ListModels,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Model>>, Error> {
        self.log(namespace).await?;
        let filter = Filter::parse(&query.filter, &FILTER_SCHEMA).map_err(super::filter_error)?;
        let request = PageRequest::new(page_size, page_token, &("models", namespace, query))?;
        let (range, by_id) = match query.order {
            ModelOrder::Name => (keys::models(namespace), true),
            ModelOrder::CreateTime => (keys::models_by_creation(namespace), false),
            ModelOrder::UpdateTime => (keys::models_by_update(namespace), false),
        };
        let prefix = range.start.clone();
        let follow = |key: &[u8]| keys::model_of_index(namespace, &prefix, key);
        let read = |_: &[u8], state: &Bytes| {
            let model: Stored<Model> = read_record(state)?;
            let shown = query.show_deleted || model.value.delete_time.is_none();
            Ok((shown && filter.matches(&model.value)).then_some(model))
        };
        let follow = if by_id { None } else { Some(&follow as _) };
        let listing = Listing { range, reverse: query.descending, follow, read: &read };
        self.page(namespace, listing, &request).await
    }
}
