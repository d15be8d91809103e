//! The stream contract of `proto/steward/v1/audit.proto`, G1–G10, and how a
//! stream begins and ends.

mod durable;
mod ending;
mod history;
mod many;
mod model;
mod order;
pub mod reader;
mod starting;
mod whole;

use crate::{
    ask::{self, Ask, record_batch, set_alias},
    support::TestServer,
};
use steward_registry::proto::v1::{
    self, AuditEvent, audit_service_client::AuditServiceClient, model_service_client::ModelServiceClient,
};
use tonic::{Request, transport::Channel};

/// A log with mutations of one event and of several, by several actors, under
/// names that begin alike.
async fn populate(server: &TestServer) {
    for ask in ask::life_of_a_model("first") {
        ask.send(&server.channel).await.unwrap();
    }
    for id in ["mm", "donor chatbot", "Zürich"] {
        let mut request = Request::new(crate::support::create_model(id));
        request.metadata_mut().insert("steward-actor", "Ren%C3%A9e".parse().unwrap());
        ModelServiceClient::new(server.channel.clone()).create_model(request).await.unwrap();
        server.version(id).await;
    }
    let asks: [Ask; 3] = [
        record_batch("mm", 1, "a", 5),
        record_batch("donor%20chatbot", 1, "b", 3),
        set_alias("mm", "canary", 1, ""),
    ];
    for ask in asks {
        // A draft takes evaluations but no alias.
        let _ = ask.send(&server.channel).await;
    }
}

/// Writes one event; answers its position.
async fn write_one(server: &TestServer, id: &str) -> u64 {
    server.model(id).await.audit_position
}

/// All pages of a list of events.
async fn list(server: &TestServer, request: v1::ListAuditEventsRequest) -> Vec<AuditEvent> {
    list_over(&server.channel, request).await
}

async fn list_over(channel: &Channel, request: v1::ListAuditEventsRequest) -> Vec<AuditEvent> {
    let mut client = AuditServiceClient::new(channel.clone());
    let (mut events, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListAuditEventsRequest { page_token, ..request.clone() };
        let page = client.list_audit_events(request).await.unwrap().into_inner();
        events.extend(page.audit_events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return events;
        }
    }
}
