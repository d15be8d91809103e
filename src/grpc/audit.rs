//! AuditService.

pub(super) mod stream;

use super::{
    answer,
    field::{self, Fields},
    namespace::read_parent,
};
use crate::{
    domain::{event::EventFilter, time::Timestamp},
    proto::v1::{self, audit_service_server::AuditService},
    registry::{
        Registry,
        audit::ListEvents,
        leaf::AuditEvent,
        stream::{Start, SubscribeOptions, Wanted},
        token::ResumeToken,
    },
};
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Answers AuditService.
pub struct Audit(pub Registry);

/// Progress comes at least so often when the caller does not say how often.
const PROGRESS: Duration = Duration::from_secs(10);
const LEAST_PROGRESS: Duration = Duration::from_millis(100);
const MOST_PROGRESS: Duration = Duration::from_secs(3_600);
/// Events in a batch when the caller does not say how many.
const BATCH: usize = 500;
const MOST_BATCH: usize = 1_000;

#[tonic::async_trait]
impl AuditService for Audit {
    type SubscribeAuditEventsStream = stream::Deliveries;

    async fn subscribe_audit_events(
        &self,
        request: Request<v1::SubscribeAuditEventsRequest>,
    ) -> Result<Response<stream::Deliveries>, Status> {
        let message = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &message.parent);
        let options = read_options(&mut fields, message);
        let (namespace, options) = fields.all(namespace.zip(options))?;
        let subscription = self.0.subscribe(&namespace, options).await?;
        Ok(Response::new(stream::deliver(subscription)))
    }

    async fn list_audit_events(
        &self,
        request: Request<v1::ListAuditEventsRequest>,
    ) -> Result<Response<v1::ListAuditEventsResponse>, Status> {
        let v1::ListAuditEventsRequest {
            parent,
            page_size,
            page_token,
            filter,
            start_time,
            end_time,
            order_by,
        } = request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let filter = read_filter(&mut fields, filter);
        let (start_time, end_time) = fields.span(start_time, end_time);
        let (_, descending) = field::order_by(&mut fields, &order_by, &["position"]);
        let (namespace, filter) = fields.all(namespace.zip(filter))?;
        let query = ListEvents { filter, start_time, end_time, descending };
        let page = self.0.list_audit_events(&namespace, &query, page_size, &page_token).await?;
        let actors = self.0.actors(&namespace, page.items.iter()).await?;
        Ok(answer(v1::ListAuditEventsResponse {
            audit_events: page
                .items
                .iter()
                .zip(actors)
                .map(|(event, actor)| write_event(event, actor))
                .collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn get_audit_head(
        &self,
        request: Request<v1::GetAuditHeadRequest>,
    ) -> Result<Response<v1::AuditHead>, Status> {
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &request.into_inner().parent);
        let namespace = fields.all(namespace)?;
        let (head, token) = self.0.audit_head(&namespace).await?;
        Ok(answer(v1::AuditHead {
            log_id: hex::encode(head.log_id),
            epoch: head.epoch,
            size: head.size,
            root_hash: head.root.to_vec(),
            time: Timestamp::from_micros(head.time).map(field::time),
            resume_token: token.encode(),
        }))
    }
}

fn read_options(fields: &mut Fields, message: v1::SubscribeAuditEventsRequest) -> Option<SubscribeOptions> {
    let v1::SubscribeAuditEventsRequest { parent: _, filter, progress_interval, max_batch_size, start, stop } =
        message;
    let start = read_start(fields, start);
    let filter = read_filter(fields, filter);
    let progress_interval = read_interval(fields, progress_interval);
    let max_batch = read_batch_size(fields, max_batch_size);
    let stop = stop.map(|v1::subscribe_audit_events_request::Stop::StopPosition(position)| position);
    let (start, filter) = start.zip(filter)?;
    let wanted = Wanted { filter, partition: None };
    Some(SubscribeOptions { start, stop, wanted, progress_interval, max_batch })
}

pub(super) fn read_batch_size(fields: &mut Fields, size: i32) -> usize {
    match usize::try_from(size) {
        Ok(0) => BATCH,
        Ok(size) if size <= MOST_BATCH => size,
        _ => {
            fields.refuse("max_batch_size", format!("{size} is not allowed; use 0 to {MOST_BATCH}"));
            BATCH
        }
    }
}

fn read_start(
    fields: &mut Fields,
    start: Option<v1::subscribe_audit_events_request::Start>,
) -> Option<Start> {
    use v1::subscribe_audit_events_request::Start as Wire;
    match start {
        None => Some(Start::Earliest),
        Some(Wire::StartPosition(position)) => Some(Start::Position(position)),
        Some(Wire::StartTime(time)) => fields.time("start_time", Some(time)).map(Start::Time),
        Some(Wire::ResumeToken(token)) => {
            fields.take("resume_token", ResumeToken::decode(&token)).map(Start::Token)
        }
        Some(Wire::StartPoint(point)) => match fields.enumeration("start_point", point) {
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

pub(super) fn read_filter(fields: &mut Fields, filter: Option<v1::AuditEventFilter>) -> Option<EventFilter> {
    let v1::AuditEventFilter { types, resource_prefixes, actors } = filter.unwrap_or_default();
    fields.within("filter", |fields| {
        EventFilter::new(&types, &resource_prefixes, &actors).map_err(|found| fields.refuse_all(&found)).ok()
    })
}

pub(super) fn read_interval(fields: &mut Fields, interval: Option<prost_types::Duration>) -> Duration {
    let Some(interval) = interval else { return PROGRESS };
    // Not the conversion of prost: it overflows for the least of all numbers.
    let read = match (u64::try_from(interval.seconds), u32::try_from(interval.nanos)) {
        (Ok(seconds), Ok(nanos @ 0..1_000_000_000)) => Some(Duration::new(seconds, nanos)),
        _ => None,
    };
    match read {
        Some(interval) if (LEAST_PROGRESS..=MOST_PROGRESS).contains(&interval) => interval,
        _ => {
            fields.refuse("progress_interval", "has to be 0.1 s to 3,600 s");
            PROGRESS
        }
    }
}

/// An event on the wire: the exact bytes of its leaf, shared and not copied; and
/// beside them the name of who acted.
pub(super) fn write_event(event: &AuditEvent, actor: String) -> v1::AuditEvent {
    v1::AuditEvent {
        position: event.position,
        r#type: event.kind.clone(),
        subject: event.subject.clone(),
        leaf: event.leaf.clone(),
        actor,
    }
}
