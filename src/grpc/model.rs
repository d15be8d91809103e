//! ModelService.

use super::{
    answer, card,
    field::{self, Fields},
    identity,
    namespace::read_parent,
};
use crate::{
    domain::{
        health::{Finding, Light, ModelHealth},
        model::{Model, ModelContent, ModelKind, RiskTier},
        name::{ModelId, ModelName},
    },
    proto::v1::{self, model_service_server::ModelService},
    registry::{
        Registry,
        call::Stored,
        model::{ListModels, ModelOrder},
    },
};
use tonic::{Request, Response, Status};

/// Answers ModelService.
pub struct Models(pub Registry);

#[tonic::async_trait]
impl ModelService for Models {
    async fn create_model(
        &self,
        request: Request<v1::CreateModelRequest>,
    ) -> Result<Response<v1::Model>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CreateModelRequest { parent, model_id, model, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let id = fields.take("model_id", ModelId::new(&model_id));
        let content = fields
            .required("model", model)
            .map(|model| read_content(&mut fields, model))
            .and_then(|content| fields.valid("model", content));
        let call = fields.call(caller, &request_id, "", "", validate_only);
        let (((namespace, model), content), call) = fields.all(namespace.zip(id).zip(content).zip(call))?;
        let model = self.0.create_model(ModelName { namespace, model }, content, call).await?;
        Ok(answer(write(model)))
    }

    async fn get_model(&self, request: Request<v1::GetModelRequest>) -> Result<Response<v1::Model>, Status> {
        let v1::GetModelRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_model(&name, at).await?)))
    }

    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        let v1::ListModelsRequest { parent, page_size, page_token, filter, order_by, show_deleted } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let (order, descending) =
            field::order_by(&mut fields, &order_by, &["name", "create_time", "update_time"]);
        let namespace = fields.all(namespace)?;
        let order = match order {
            "create_time" => ModelOrder::CreateTime,
            "update_time" => ModelOrder::UpdateTime,
            _ => ModelOrder::Name,
        };
        let query = ListModels { filter, order, descending, show_deleted };
        let page = self.0.list_models(&namespace, &query, page_size, &page_token).await?;
        Ok(answer(v1::ListModelsResponse {
            models: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_model(
        &self,
        request: Request<v1::UpdateModelRequest>,
    ) -> Result<Response<v1::Model>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UpdateModelRequest { model, update_mask, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.required("model", model).unwrap_or_default();
        let name = fields.name("model.name", &model.name);
        let call = fields.call(caller, &request_id, "", &model.etag, validate_only);
        let content = read_content(&mut fields, model);
        let (name, call) = fields.all(name.zip(call))?;
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        Ok(answer(write(self.0.update_model(name, content, mask, call).await?)))
    }

    async fn delete_model(
        &self,
        request: Request<v1::DeleteModelRequest>,
    ) -> Result<Response<v1::Model>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::DeleteModelRequest { name, etag, reason, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.delete_model(name, call).await?)))
    }

    async fn undelete_model(
        &self,
        request: Request<v1::UndeleteModelRequest>,
    ) -> Result<Response<v1::Model>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UndeleteModelRequest { name, etag, reason, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.undelete_model(name, call).await?)))
    }

    async fn get_model_health(
        &self,
        request: Request<v1::GetModelHealthRequest>,
    ) -> Result<Response<v1::ModelHealth>, Status> {
        let v1::GetModelHealthRequest { name } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name::<ModelName>("name", &name);
        let name = fields.all(name)?;
        Ok(answer(write_health(self.0.model_health(&name).await?)))
    }

    async fn list_model_health(
        &self,
        request: Request<v1::ListModelHealthRequest>,
    ) -> Result<Response<v1::ListModelHealthResponse>, Status> {
        let v1::ListModelHealthRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let page = self.0.list_model_health(&namespace, page_size, &page_token).await?;
        Ok(answer(v1::ListModelHealthResponse {
            models: page.items.into_iter().map(write_health).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

fn write_health(health: ModelHealth) -> v1::ModelHealth {
    let ModelHealth { model, production, light, findings } = health;
    let finding = |Finding { light, sentence, next_step }| v1::HealthFinding {
        light: write_light(light).into(),
        sentence,
        next_step,
    };
    v1::ModelHealth {
        model: model.to_string(),
        production: production.map(|name| name.to_string()).unwrap_or_default(),
        light: write_light(light).into(),
        findings: findings.into_iter().map(finding).collect(),
    }
}

fn write_light(light: Light) -> v1::HealthLight {
    match light {
        Light::Green => v1::HealthLight::Green,
        Light::Amber => v1::HealthLight::Amber,
        Light::Red => v1::HealthLight::Red,
    }
}

/// Takes the message apart field by field: a new field of the contract does
/// not compile until somebody decides about it.
fn read_content(fields: &mut Fields, model: v1::Model) -> ModelContent {
    let v1::Model {
        name: _,
        display_name,
        description,
        owner,
        contacts,
        kind,
        risk_tier,
        data_categories,
        processes_personal_data,
        labels,
        properties,
        create_time: _,
        update_time: _,
        delete_time: _,
        etag: _,
        audit_position: _,
        card,
        policy,
        review_due_time: _,
    } = model;
    fields.within("model", |fields| ModelContent {
        display_name,
        description,
        owner,
        contacts: contacts.into_iter().map(card::read_contact).collect(),
        kind: fields.enumeration("kind", kind).and_then(read_kind),
        risk_tier: fields.enumeration("risk_tier", risk_tier).and_then(read_tier),
        data_categories,
        processes_personal_data,
        card: fields.within("card", |fields| card::read(fields, card)),
        policy: if policy.is_empty() { None } else { fields.name("policy", &policy) },
        labels,
        properties: fields.properties(properties),
    })
}

fn read_kind(kind: v1::ModelKind) -> Option<ModelKind> {
    match kind {
        v1::ModelKind::Unspecified => None,
        v1::ModelKind::Own => Some(ModelKind::Own),
        v1::ModelKind::RentedApi => Some(ModelKind::RentedApi),
        v1::ModelKind::Embedded => Some(ModelKind::Embedded),
    }
}

fn read_tier(tier: v1::RiskTier) -> Option<RiskTier> {
    match tier {
        v1::RiskTier::Unspecified => None,
        v1::RiskTier::Preview => Some(RiskTier::Preview),
        v1::RiskTier::Standard => Some(RiskTier::Standard),
        v1::RiskTier::Critical => Some(RiskTier::Critical),
    }
}

fn write_kind(kind: ModelKind) -> v1::ModelKind {
    match kind {
        ModelKind::Own => v1::ModelKind::Own,
        ModelKind::RentedApi => v1::ModelKind::RentedApi,
        ModelKind::Embedded => v1::ModelKind::Embedded,
    }
}

fn write_tier(tier: RiskTier) -> v1::RiskTier {
    match tier {
        RiskTier::Preview => v1::RiskTier::Preview,
        RiskTier::Standard => v1::RiskTier::Standard,
        RiskTier::Critical => v1::RiskTier::Critical,
    }
}

fn write(stored: Stored<Model>) -> v1::Model {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Model { name, content, create_time, update_time, delete_time, review_due_time } = stored.value;
    v1::Model {
        name: name.to_string(),
        display_name: content.display_name,
        description: content.description,
        owner: content.owner,
        contacts: content.contacts.into_iter().map(card::write_contact).collect(),
        kind: content.kind.map_or(v1::ModelKind::Unspecified, write_kind).into(),
        risk_tier: content.risk_tier.map_or(v1::RiskTier::Unspecified, write_tier).into(),
        data_categories: content.data_categories,
        processes_personal_data: content.processes_personal_data,
        labels: content.labels,
        properties: field::properties(content.properties),
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        delete_time: delete_time.map(field::time),
        etag,
        audit_position,
        card: card::write(content.card),
        policy: content.policy.map(|name| name.to_string()).unwrap_or_default(),
        review_due_time: review_due_time.map(field::time),
    }
}
