//! ConsumerService.

use super::{
    answer, card, decision,
    field::{self, Fields},
    identity,
    namespace::read_parent,
};
use crate::{
    domain::{
        consumer::{Acknowledgement, Consumer, ConsumerContent, Exemption, Use},
        name::{ConsumerId, ConsumerName, ModelName, VersionName, VersionNumber},
    },
    proto::v1::{self, consumer_service_server::ConsumerService},
    registry::{
        Registry,
        call::Stored,
        consumer::{Affected, Impact, Note},
    },
};
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// Versions in one answer about impacts.
const MOST_IMPACTS: usize = 1_000;

/// Answers ConsumerService.
pub struct Consumers(pub Registry);

/// What every note's request has.
struct NoteRequest {
    name: String,
    reason: String,
    etag: String,
    request_id: String,
    validate_only: bool,
    version: String,
}

impl Consumers {
    async fn note(
        &self,
        metadata: &MetadataMap,
        request: NoteRequest,
        note: Note,
    ) -> Result<Response<v1::Consumer>, Status> {
        let NoteRequest { name, reason, etag, request_id, validate_only, version } = request;
        let caller = identity::caller(metadata)?;
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let version = fields.name("version", &version);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((name, version), call) = fields.all(name.zip(version).zip(call))?;
        Ok(answer(write(self.0.note_on_consumer(name, version, note, call).await?)))
    }
}

#[tonic::async_trait]
impl ConsumerService for Consumers {
    async fn create_consumer(
        &self,
        request: Request<v1::CreateConsumerRequest>,
    ) -> Result<Response<v1::Consumer>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::CreateConsumerRequest { parent, consumer_id, consumer, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let id = fields.take("consumer_id", ConsumerId::new(&consumer_id));
        let content = fields
            .required("consumer", consumer)
            .map(read_content)
            .and_then(|content| fields.valid("consumer", content));
        let call = fields.call(caller, &request_id, "", "", validate_only);
        let (((model, consumer), content), call) = fields.all(model.zip(id).zip(content).zip(call))?;
        let name = ConsumerName { model, consumer };
        Ok(answer(write(self.0.register_consumer(name, content, call).await?)))
    }

    async fn get_consumer(
        &self,
        request: Request<v1::GetConsumerRequest>,
    ) -> Result<Response<v1::Consumer>, Status> {
        let v1::GetConsumerRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write(self.0.get_consumer(&name, at).await?)))
    }

    async fn list_consumers(
        &self,
        request: Request<v1::ListConsumersRequest>,
    ) -> Result<Response<v1::ListConsumersResponse>, Status> {
        let v1::ListConsumersRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let model = fields.name::<ModelName>("parent", &parent);
        let model = fields.all(model)?;
        let page = self.0.list_consumers(&model, page_size, &page_token).await?;
        Ok(answer(v1::ListConsumersResponse {
            consumers: page.items.into_iter().map(write).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_consumer(
        &self,
        request: Request<v1::UpdateConsumerRequest>,
    ) -> Result<Response<v1::Consumer>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UpdateConsumerRequest { consumer, update_mask, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let consumer = fields.required("consumer", consumer).unwrap_or_default();
        let name = fields.name("consumer.name", &consumer.name);
        let call = fields.call(caller, &request_id, "", &consumer.etag, validate_only);
        let content = read_content(consumer);
        let (name, call) = fields.all(name.zip(call))?;
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        Ok(answer(write(self.0.update_consumer(name, content, mask, call).await?)))
    }

    async fn delete_consumer(
        &self,
        request: Request<v1::DeleteConsumerRequest>,
    ) -> Result<Response<v1::DeleteConsumerResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::DeleteConsumerRequest { name, etag, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let (name, call) = fields.all(name.zip(call))?;
        let audit_position = self.0.delete_consumer(name, call).await?.unwrap_or_default();
        Ok(answer(v1::DeleteConsumerResponse { audit_position }))
    }

    async fn acknowledge_sunset(
        &self,
        request: Request<v1::AcknowledgeSunsetRequest>,
    ) -> Result<Response<v1::Consumer>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::AcknowledgeSunsetRequest { name, reason, etag, request_id, validate_only, version } = message;
        let request = NoteRequest { name, reason, etag, request_id, validate_only, version };
        self.note(&metadata, request, Note::Acknowledge).await
    }

    async fn exempt_consumer(
        &self,
        request: Request<v1::ExemptConsumerRequest>,
    ) -> Result<Response<v1::Consumer>, Status> {
        let (metadata, _, message) = request.into_parts();
        let v1::ExemptConsumerRequest { name, reason, etag, request_id, validate_only, version } = message;
        let request = NoteRequest { name, reason, etag, request_id, validate_only, version };
        self.note(&metadata, request, Note::Exempt).await
    }

    async fn get_impact(
        &self,
        request: Request<v1::GetImpactRequest>,
    ) -> Result<Response<v1::GetImpactResponse>, Status> {
        let v1::GetImpactRequest { parent, until_time } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let until = fields.required_time("until_time", until_time);
        let (namespace, until) = fields.all(namespace.zip(until))?;
        let impacts = self.0.impact(&namespace, until).await?;
        let impacts = impacts.into_iter().take(MOST_IMPACTS).map(write_impact).collect();
        Ok(answer(v1::GetImpactResponse { impacts }))
    }
}

fn read_content(consumer: v1::Consumer) -> ConsumerContent {
    let v1::Consumer {
        name: _,
        description,
        owner,
        contact,
        uses: _,
        acknowledgements: _,
        exemptions: _,
        registrar: _,
        create_time: _,
        update_time: _,
        etag: _,
        audit_position: _,
    } = consumer;
    ConsumerContent { description, owner, contact: contact.map(card::read_contact).unwrap_or_default() }
}

fn write(stored: Stored<Consumer>) -> v1::Consumer {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Consumer { name, content, uses, acknowledgements, exemptions, registrar, create_time, update_time } =
        stored.value;
    let version = |number: VersionNumber| VersionName { model: name.model.clone(), number }.to_string();
    let write_use = |(number, Use { first_time, last_time })| v1::VersionUse {
        version: version(number),
        first_use_time: Some(field::time(first_time)),
        last_use_time: Some(field::time(last_time)),
    };
    let acknowledgement = |known: Acknowledgement| v1::Acknowledgement {
        version: version(known.version),
        sunset_time: Some(field::time(known.sunset_time)),
        decision: Some(decision::write(known.decision)),
    };
    let exemption = |exemption: Exemption| v1::Exemption {
        version: version(exemption.version),
        decision: Some(decision::write(exemption.decision)),
    };
    v1::Consumer {
        name: name.to_string(),
        description: content.description,
        owner: content.owner,
        contact: Some(card::write_contact(content.contact)),
        uses: uses.into_iter().map(write_use).collect(),
        acknowledgements: acknowledgements.into_iter().map(acknowledgement).collect(),
        exemptions: exemptions.into_iter().map(exemption).collect(),
        registrar,
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        etag,
        audit_position,
    }
}

fn write_impact(impact: Impact) -> v1::VersionImpact {
    let Impact { version, sunset_time, replacement, affected } = impact;
    v1::VersionImpact {
        version: version.to_string(),
        sunset_time: Some(field::time(sunset_time)),
        replacement: replacement.map(|name| name.to_string()).unwrap_or_default(),
        consumers: affected.into_iter().map(write_affected).collect(),
    }
}

pub(super) fn write_affected(affected: Affected) -> v1::AffectedConsumer {
    let Affected { consumer, last_use_time, acknowledged } = affected;
    let consumer = consumer.value;
    v1::AffectedConsumer {
        consumer: consumer.name.to_string(),
        owner: consumer.content.owner,
        contact: Some(card::write_contact(consumer.content.contact)),
        last_use_time: Some(field::time(last_use_time)),
        acknowledged,
    }
}
