//! AliasService.

use super::{
    answer,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        alias::{Alias, Intervention},
        name::{AliasName, ModelName},
        rollback::{Drill, Readiness, ReadinessState},
    },
    proto::v1::{self, alias_service_server::AliasService},
    registry::{Registry, alias::AliasChange, call::Stored},
};
use tonic::{Request, Response, Status};

/// Answers AliasService.
pub struct Aliases(pub Registry);

#[tonic::async_trait]
impl AliasService for Aliases {
    async fn set_alias(&self, request: Request<v1::SetAliasRequest>) -> Result<Response<v1::Alias>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::SetAliasRequest { alias, reason, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let v1::Alias { name, version, etag, .. } = fields.required("alias", alias).unwrap_or_default();
        let name = fields.name("alias.name", &name);
        let version = fields.name("alias.version", &version);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let ((name, version), call) = fields.all(name.zip(version).zip(call))?;
        Ok(answer(write(self.0.set_alias(name, version, call).await?)))
    }

    async fn get_alias(&self, request: Request<v1::GetAliasRequest>) -> Result<Response<v1::Alias>, Status> {
        let v1::GetAliasRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_alias(&name, at).await?)))
    }

    async fn list_aliases(
        &self,
        request: Request<v1::ListAliasesRequest>,
    ) -> Result<Response<v1::ListAliasesResponse>, Status> {
        let v1::ListAliasesRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let model = fields.all(model)?;
        let page = self.0.list_aliases(&model, page_size, &page_token).await?;
        Ok(answer(v1::ListAliasesResponse {
            aliases: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn delete_alias(
        &self,
        request: Request<v1::DeleteAliasRequest>,
    ) -> Result<Response<v1::DeleteAliasResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::DeleteAliasRequest { name, etag, reason, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let (name, call) = fields.all(name.zip(call))?;
        let audit_position = self.0.delete_alias(name, call).await?.unwrap_or_default();
        Ok(answer(v1::DeleteAliasResponse { audit_position }))
    }

    async fn get_alias_history(
        &self,
        request: Request<v1::GetAliasHistoryRequest>,
    ) -> Result<Response<v1::GetAliasHistoryResponse>, Status> {
        let v1::GetAliasHistoryRequest { name, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name::<AliasName>("name", &name);
        let name = fields.all(name)?;
        let page = self.0.alias_history(&name, page_size, &page_token).await?;
        Ok(answer(v1::GetAliasHistoryResponse {
            changes: page.items.into_iter().map(write_change).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn rollback_alias(
        &self,
        request: Request<v1::RollbackAliasRequest>,
    ) -> Result<Response<v1::Alias>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::RollbackAliasRequest { name, reason, etag, request_id, validate_only, version, drill } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let target = if version.is_empty() { None } else { fields.name("version", &version) };
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.rollback_alias(name, target, drill, call).await?)))
    }

    async fn get_alias_readiness(
        &self,
        request: Request<v1::GetAliasReadinessRequest>,
    ) -> Result<Response<v1::Readiness>, Status> {
        let v1::GetAliasReadinessRequest { name } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name::<AliasName>("name", &name);
        let name = fields.all(name)?;
        let (readiness, days) = self.0.alias_readiness(&name).await?;
        Ok(answer(v1::Readiness { days_until_no_way_back: days, ..write_readiness(readiness) }))
    }
}

fn write(stored: Stored<Alias>) -> v1::Alias {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Alias { name, version, previous_version, create_time, update_time, readiness, drill, intervention } =
        stored.value;
    v1::Alias {
        name: name.to_string(),
        version: version.to_string(),
        previous_version: previous_version.map(|name| name.to_string()).unwrap_or_default(),
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        etag,
        audit_position,
        readiness: readiness.map(write_readiness),
        drill: drill.map(write_drill),
        intervention: intervention.map(write_intervention),
    }
}

fn write_readiness(readiness: Readiness) -> v1::Readiness {
    let Readiness { state, reasons, target, no_way_back_time, check_time } = readiness;
    let state = match state {
        ReadinessState::Ready => v1::ReadinessState::Ready,
        ReadinessState::Degraded => v1::ReadinessState::Degraded,
        ReadinessState::None => v1::ReadinessState::None,
    };
    v1::Readiness {
        state: state.into(),
        reasons,
        target: target.map(|name| name.to_string()).unwrap_or_default(),
        no_way_back_time: no_way_back_time.map(field::time),
        days_until_no_way_back: None,
        check_time: check_time.map(field::time),
    }
}

fn write_intervention(intervention: Intervention) -> v1::Intervention {
    let Intervention { monitor, sentence, intervention_time } = intervention;
    let intervention_time = Some(field::time(intervention_time));
    v1::Intervention { monitor: monitor.to_string(), sentence, intervention_time }
}

fn write_drill(drill: Drill) -> v1::Drill {
    let Drill { actor, target, time } = drill;
    v1::Drill { actor, target: target.to_string(), drill_time: Some(field::time(time)) }
}

fn write_change(change: AliasChange) -> v1::AliasChange {
    let AliasChange { version, actor, reason, time, position } = change;
    v1::AliasChange {
        version: version.map(|name| name.to_string()).unwrap_or_default(),
        actor,
        reason,
        time: Some(field::time(time)),
        audit_position: position,
    }
}
