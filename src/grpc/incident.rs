//! IncidentService.

use super::{
    answer, decision,
    field::{self, Fields},
    identity,
};
use crate::{
    domain::{
        incident::{Incident, IncidentContent},
        name::{IncidentId, IncidentName, ModelName, VersionName},
    },
    proto::v1::{self, incident_service_server::IncidentService},
    registry::{Registry, call::Stored},
};
use tonic::{Request, Response, Status};

/// Answers IncidentService.
pub struct Incidents(pub Registry);

#[tonic::async_trait]
impl IncidentService for Incidents {
    async fn open_incident(
        &self,
        request: Request<v1::OpenIncidentRequest>,
    ) -> Result<Response<v1::Incident>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::OpenIncidentRequest { parent, incident_id, incident, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let id = fields.take("incident_id", IncidentId::new(&incident_id));
        let content = fields
            .required("incident", incident)
            .and_then(|incident| read_content(&mut fields, incident))
            .and_then(|content| fields.valid("incident", content));
        let call = fields.call(caller, &request_id, &reason, "", validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (((model, incident), content), call) = fields.all(model.zip(id).zip(content).zip(call))?;
        Ok(answer(write(self.0.open_incident(IncidentName { model, incident }, content, call).await?)))
    }

    async fn get_incident(
        &self,
        request: Request<v1::GetIncidentRequest>,
    ) -> Result<Response<v1::Incident>, Status> {
        let v1::GetIncidentRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_incident(&name, at).await?)))
    }

    async fn list_incidents(
        &self,
        request: Request<v1::ListIncidentsRequest>,
    ) -> Result<Response<v1::ListIncidentsResponse>, Status> {
        let v1::ListIncidentsRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let model = fields.all(model)?;
        let page = self.0.list_incidents(&model, page_size, &page_token).await?;
        Ok(answer(v1::ListIncidentsResponse {
            incidents: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn close_incident(
        &self,
        request: Request<v1::CloseIncidentRequest>,
    ) -> Result<Response<v1::Incident>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CloseIncidentRequest { name, reason, etag, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.close_incident(name, call).await?)))
    }
}

/// `None` when a version has no name: without it the others would be judged in
/// the wrong places.
fn read_content(fields: &mut Fields, incident: v1::Incident) -> Option<IncidentContent> {
    let v1::Incident {
        name: _,
        title,
        description,
        uri,
        versions,
        opening: _,
        closing: _,
        create_time: _,
        update_time: _,
        etag: _,
        audit_position: _,
    } = incident;
    let versions: Vec<Option<VersionName>> = fields.within("incident", |fields| {
        let read = |(index, name): (usize, &String)| fields.name(&format!("versions[{index}]"), name);
        versions.iter().enumerate().map(read).collect()
    });
    let versions = versions.into_iter().collect::<Option<_>>()?;
    Some(IncidentContent { title, description, uri, versions })
}

fn write(stored: Stored<Incident>) -> v1::Incident {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Incident { name, content, opening, closing, create_time, update_time } = stored.value;
    v1::Incident {
        name: name.to_string(),
        title: content.title,
        description: content.description,
        uri: content.uri,
        versions: content.versions.iter().map(ToString::to_string).collect(),
        opening: Some(decision::write(opening)),
        closing: closing.map(decision::write),
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        etag,
        audit_position,
    }
}
