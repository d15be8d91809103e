//! CalendarService.

use super::{
    answer,
    consumer::write_affected,
    field::{self, Fields},
    namespace::read_parent,
};
use crate::{
    domain::{proposal::Proposal, refusal::Refusal},
    proto::v1::{self, calendar_service_server::CalendarService},
    registry::{Registry, calendar::Coming},
};
use tonic::{Request, Response, Status};

/// Answers CalendarService.
pub struct Calendars(pub Registry);

#[tonic::async_trait]
impl CalendarService for Calendars {
    async fn simulate_calendar(
        &self,
        request: Request<v1::SimulateCalendarRequest>,
    ) -> Result<Response<v1::SimulateCalendarResponse>, Status> {
        let v1::SimulateCalendarRequest { parent, start_time, end_time, page_size, page_token } =
            request.into_inner();
        let mut fields = Fields::new();
        let namespace = read_parent(&mut fields, &parent);
        let start = fields.time("start_time", start_time);
        let end = fields.required_time("end_time", end_time);
        let (namespace, end) = fields.all(namespace.zip(end))?;
        let ahead = self.0.simulate_calendar(&namespace, start, end, page_size, &page_token).await?;
        Ok(answer(v1::SimulateCalendarResponse {
            entries: ahead.entries.items.into_iter().map(write).collect(),
            needed_approvals: ahead.waiting.into_iter().map(write_waiting).collect(),
            next_page_token: ahead.entries.next_page_token,
        }))
    }
}

fn write(coming: Coming) -> v1::CalendarEntry {
    let Coming { entry, affected } = coming;
    v1::CalendarEntry {
        event_time: Some(field::time(entry.time)),
        r#type: entry.kind.as_str().to_owned(),
        subject: entry.resource.to_string(),
        description: entry.sentence,
        end_time: entry.end_time.map(field::time),
        replacement: entry.replacement.map(|name| name.to_string()).unwrap_or_default(),
        consumers: affected.into_iter().map(write_affected).collect(),
    }
}

fn write_waiting((proposal, missing): (Proposal, Vec<Refusal>)) -> v1::NeededApproval {
    v1::NeededApproval {
        proposal: proposal.name.to_string(),
        author: proposal.author,
        descriptions: missing.into_iter().map(|refusal| refusal.description).collect(),
        expire_time: Some(field::time(proposal.expire_time)),
    }
}
