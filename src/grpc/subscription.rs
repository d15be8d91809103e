//! SubscriptionService.

mod cursor;
mod stream;

use super::{
    answer,
    audit::{read_filter, read_interval},
    field::{self, Fields},
    identity,
    namespace::read_parent,
    webhook,
};
use crate::{
    domain::{
        name::{SubscriptionId, SubscriptionName},
        subscription::{STALL_INTERVAL, Subscription, SubscriptionContent, cursor::LONGEST_READER},
        time::Timestamp,
    },
    proto::v1::{self, subscription_service_server::SubscriptionService},
    registry::{
        Registry,
        call::Stored,
        stream::Start,
        subscription::{Found, cursor::Acknowledgement, reader::ReadOptions},
        token::ResumeToken,
        webhook::WithSecret,
    },
};
use tonic::{Request, Response, Status};

/// Answers SubscriptionService.
pub struct Subscriptions(pub Registry);

#[tonic::async_trait]
impl SubscriptionService for Subscriptions {
    type ReadSubscriptionStream = stream::Deliveries;

    async fn create_subscription(
        &self,
        request: Request<v1::CreateSubscriptionRequest>,
    ) -> Result<Response<v1::Subscription>, Status> {
        use v1::create_subscription_request::Start as Wire;
        let caller = identity::caller(request.metadata())?;
        let message = request.into_inner();
        let mut fields = Fields::new();
        webhook::read_authorization(&mut fields, &message.authorization);
        let namespace = read_parent(&mut fields, &message.parent);
        let id = fields.take("subscription_id", SubscriptionId::new(&message.subscription_id));
        let content = fields
            .required("subscription", message.subscription)
            .and_then(|subscription| {
                fields.within("subscription", |fields| read_content(fields, subscription))
            })
            .and_then(|content| fields.valid("subscription", content));
        let start = message.start.map_or(Where::Latest, |start| match start {
            Wire::StartPosition(position) => Where::Position(position),
            Wire::StartTime(time) => Where::Time(time),
            Wire::StartPoint(point) => Where::Point(point),
        });
        let start = read_start(&mut fields, start);
        let call = fields.call(caller, &message.request_id, &message.reason, "", message.validate_only);
        let read = namespace.zip(id).zip(content).zip(start).zip(call);
        let ((((namespace, subscription), content), start), call) = fields.all(read)?;
        let name = SubscriptionName { namespace, subscription };
        let created = self.0.create_subscription(name, content, start, message.authorization, call).await?;
        Ok(answer(write_with_secret(created)))
    }

    async fn get_subscription(
        &self,
        request: Request<v1::GetSubscriptionRequest>,
    ) -> Result<Response<v1::Subscription>, Status> {
        let v1::GetSubscriptionRequest { name, read_at } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let at = fields.read_at(read_at);
        let name = fields.all(name)?;
        Ok(answer(write_found(self.0.get_subscription(&name, at).await?, self.0.clock().now())))
    }

    async fn list_subscriptions(
        &self,
        request: Request<v1::ListSubscriptionsRequest>,
    ) -> Result<Response<v1::ListSubscriptionsResponse>, Status> {
        let v1::ListSubscriptionsRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let namespace = fields.all(namespace)?;
        let page = self.0.list_subscriptions(&namespace, page_size, &page_token).await?;
        let now = self.0.clock().now();
        Ok(answer(v1::ListSubscriptionsResponse {
            subscriptions: page.items.into_iter().map(|found| write_found(found, now)).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_subscription(
        &self,
        request: Request<v1::UpdateSubscriptionRequest>,
    ) -> Result<Response<v1::Subscription>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::UpdateSubscriptionRequest { subscription, update_mask, reason, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let subscription = fields.required("subscription", subscription).unwrap_or_default();
        let name = fields.name("subscription.name", &subscription.name);
        let call = fields.call(caller, &request_id, &reason, &subscription.etag, validate_only);
        let content = fields.within("subscription", |fields| read_content(fields, subscription));
        let ((name, call), content) = fields.all(name.zip(call).zip(content))?;
        let mask = update_mask.map(|mask| mask.paths).unwrap_or_default();
        Ok(answer(write_with_secret(self.0.update_subscription(name, content, mask, call).await?)))
    }

    async fn seek_subscription(
        &self,
        request: Request<v1::SeekSubscriptionRequest>,
    ) -> Result<Response<v1::Subscription>, Status> {
        use v1::seek_subscription_request::Start as Wire;
        let caller = identity::caller(request.metadata())?;
        let v1::SeekSubscriptionRequest { name, start, reason, etag, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let start = fields.required("start", start).map(|start| match start {
            Wire::StartPosition(position) => Where::Position(position),
            Wire::StartTime(time) => Where::Time(time),
            Wire::StartPoint(point) => Where::Point(point),
        });
        let start = start.and_then(|start| read_start(&mut fields, start));
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let ((name, start), call) = fields.all(name.zip(start).zip(call))?;
        Ok(answer(write(self.0.seek_subscription(name, start, call).await?)))
    }

    async fn delete_subscription(
        &self,
        request: Request<v1::DeleteSubscriptionRequest>,
    ) -> Result<Response<v1::DeleteSubscriptionResponse>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::DeleteSubscriptionRequest { name, reason, etag, request_id, validate_only } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (name, call) = fields.all(name.zip(call))?;
        let audit_position = self.0.delete_subscription(name, call).await?.unwrap_or_default();
        Ok(answer(v1::DeleteSubscriptionResponse { audit_position }))
    }

    async fn read_subscription(
        &self,
        request: Request<v1::ReadSubscriptionRequest>,
    ) -> Result<Response<stream::Deliveries>, Status> {
        let v1::ReadSubscriptionRequest {
            name,
            partition,
            reader,
            resume_token,
            progress_interval,
            max_batch_size,
        } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let partition = read_partition(&mut fields, partition);
        if reader.chars().count() > LONGEST_READER || reader.chars().any(char::is_control) {
            fields.refuse(
                "reader",
                format!("has to be at most {LONGEST_READER} characters without control characters"),
            );
        }
        let kept = read_token(&mut fields, &resume_token);
        let progress_interval = read_interval(&mut fields, progress_interval);
        let max_batch = super::audit::read_batch_size(&mut fields, max_batch_size);
        let ((name, partition), kept) = fields.all(name.zip(partition).zip(kept))?;
        let options = ReadOptions { name, partition, reader, kept, progress_interval, max_batch };
        Ok(Response::new(stream::deliver(self.0.read_subscription(options).await?)))
    }

    async fn acknowledge_events(
        &self,
        request: Request<v1::AcknowledgeEventsRequest>,
    ) -> Result<Response<v1::AcknowledgeEventsResponse>, Status> {
        let v1::AcknowledgeEventsRequest { name, partition, generation, position, resume_token } =
            request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let partition = read_partition(&mut fields, partition);
        if generation == 0 {
            fields.refuse("generation", "is required: give that of the reader's stream");
        }
        let token = read_token(&mut fields, &resume_token);
        let ((name, partition), token) = fields.all(name.zip(partition).zip(token))?;
        let done = Acknowledgement { name, partition, generation, position, token };
        let cursor = self.0.acknowledge_events(done).await?;
        Ok(answer(v1::AcknowledgeEventsResponse { next_position: cursor.next_position }))
    }

    async fn rotate_webhook_key(
        &self,
        request: Request<v1::RotateWebhookKeyRequest>,
    ) -> Result<Response<v1::Subscription>, Status> {
        let caller = identity::caller(request.metadata())?;
        let message = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &message.name);
        let overlap = webhook::read_overlap(&mut fields, message.overlap);
        webhook::read_authorization(&mut fields, &message.authorization);
        let authorization = Some(message.authorization).filter(|header| !header.is_empty());
        let v1::RotateWebhookKeyRequest { request_id, reason, etag, validate_only, .. } =
            v1::RotateWebhookKeyRequest { authorization: String::new(), ..message };
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let (name, call) = fields.all(name.zip(call))?;
        let rotated = self.0.rotate_webhook_key(name, overlap, authorization, call).await?;
        Ok(answer(write_with_secret(rotated)))
    }

    async fn resume_webhook(
        &self,
        request: Request<v1::ResumeWebhookRequest>,
    ) -> Result<Response<v1::Subscription>, Status> {
        let caller = identity::caller(request.metadata())?;
        let v1::ResumeWebhookRequest { name, reason, etag, request_id, validate_only } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("name", &name);
        let call = fields.call(caller, &request_id, &reason, &etag, validate_only);
        let call = call.and_then(|call| fields.reasoned(call));
        let (name, call) = fields.all(name.zip(call))?;
        Ok(answer(write(self.0.resume_webhook(name, call).await?)))
    }

    async fn test_webhook(
        &self,
        request: Request<v1::TestWebhookRequest>,
    ) -> Result<Response<v1::TestWebhookResponse>, Status> {
        let mut fields = Fields::new();
        let name = fields.name("name", &request.into_inner().name);
        let name = fields.all(name)?;
        let trial = self.0.test_webhook(&name).await?;
        let (delivery, webhook_id) = (Some(webhook::write_attempt(trial.attempt)), trial.webhook_id);
        Ok(answer(v1::TestWebhookResponse { delivery, webhook_id }))
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<v1::ListWebhookDeliveriesRequest>,
    ) -> Result<Response<v1::ListWebhookDeliveriesResponse>, Status> {
        let v1::ListWebhookDeliveriesRequest { parent, page_size, page_token } = request.into_inner();
        let mut fields = Fields::new();
        let name = fields.name("parent", &parent);
        let name = fields.all(name)?;
        let page = self.0.list_webhook_deliveries(&name, page_size, &page_token).await?;
        Ok(answer(v1::ListWebhookDeliveriesResponse {
            webhook_deliveries: page.items.into_iter().map(webhook::write_attempt).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

/// Where to begin, as requests say it.
enum Where {
    Position(u64),
    Time(prost_types::Timestamp),
    Point(i32),
    Latest,
}

fn read_start(fields: &mut Fields, start: Where) -> Option<Start> {
    match start {
        Where::Latest => Some(Start::Latest),
        Where::Position(position) => Some(Start::Position(position)),
        Where::Time(time) => fields.time("start_time", Some(time)).map(Start::Time),
        Where::Point(point) => match fields.enumeration("start_point", point) {
            Some(v1::StartPoint::Earliest) => Some(Start::Earliest),
            Some(v1::StartPoint::Latest) => Some(Start::Latest),
            Some(v1::StartPoint::Unspecified) | None => {
                if point == 0 {
                    fields.refuse("start_point", "is required here: use EARLIEST or LATEST");
                }
                None
            }
        },
    }
}

fn read_partition(fields: &mut Fields, partition: i32) -> Option<u32> {
    let read = u32::try_from(partition).ok();
    if read.is_none() {
        fields.refuse("partition", format!("{partition} is negative; use 0 or more"));
    }
    read
}

/// A token, where there is one.
fn read_token(fields: &mut Fields, token: &str) -> Option<Option<ResumeToken>> {
    if token.is_empty() {
        return Some(None);
    }
    fields.take("resume_token", ResumeToken::decode(token)).map(Some)
}

fn read_content(fields: &mut Fields, subscription: v1::Subscription) -> Option<SubscriptionContent> {
    let v1::Subscription {
        name: _,
        description,
        filter,
        partition_count,
        stall_interval,
        start_position: _,
        seek_time: _,
        cursors: _,
        create_time: _,
        update_time: _,
        etag: _,
        audit_position: _,
        webhook,
        webhook_status: _,
        webhook_secret: _,
    } = subscription;
    let webhook = webhook.map(|webhook| fields.within("webhook", |fields| webhook::read(fields, webhook)));
    let filter = read_filter(fields, filter);
    let partition_count = match u32::try_from(partition_count) {
        Ok(0) => 1,
        Ok(count) => count,
        Err(_) => {
            fields.refuse("partition_count", format!("{partition_count} is negative; use 0 to 64"));
            1
        }
    };
    let stall_interval = fields.seconds("stall_interval", stall_interval, STALL_INTERVAL);
    Some(SubscriptionContent { description, filter: filter?, partition_count, stall_interval, webhook })
}

fn write(stored: Stored<Subscription>) -> v1::Subscription {
    let etag = stored.etag();
    let audit_position = stored.position.unwrap_or_default();
    let Subscription { name, content, start_position, seek_time, webhook_status, create_time, update_time } =
        stored.value;
    let SubscriptionContent { description, filter, partition_count, stall_interval, webhook } = content;
    let wire = v1::AuditEventFilter {
        types: filter.types().to_vec(),
        resource_prefixes: filter.resource_prefixes().to_vec(),
        actors: filter.actors().to_vec(),
    };
    v1::Subscription {
        name: name.to_string(),
        description,
        filter: (!filter.is_empty()).then_some(wire),
        partition_count: field::int32(partition_count),
        stall_interval: Some(field::seconds(stall_interval)),
        start_position,
        seek_time: seek_time.map(field::time),
        cursors: Vec::new(),
        create_time: Some(field::time(create_time)),
        update_time: Some(field::time(update_time)),
        etag,
        audit_position,
        webhook: webhook.map(webhook::write),
        webhook_status: webhook_status.map(webhook::write_status),
        webhook_secret: String::new(),
    }
}

fn write_with_secret(made: WithSecret) -> v1::Subscription {
    let webhook_secret = made.secret.unwrap_or_default();
    v1::Subscription { webhook_secret, ..write(made.subscription) }
}

fn write_found(found: Found, now: Timestamp) -> v1::Subscription {
    let cursors = (0..).zip(found.standings).map(|(index, standing)| cursor::write(index, standing, now));
    v1::Subscription { cursors: cursors.collect(), ..write(found.subscription) }
}
