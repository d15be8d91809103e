//! Pseudonyms are drawn, so a test says who is meant, and the name is found when it is sent.

use super::Ask;
use crate::support::NAMESPACE;
use steward_registry::proto::v1::{
    self, audit_service_client::AuditServiceClient, person_service_client::PersonServiceClient,
};
use tonic::transport::Channel;

/// Before the text in a name that is still to be found.
const UNKNOWN: &str = "called ";

/// Stands for the name of whoever is called so.
pub fn unknown(text: &str) -> String {
    format!("{UNKNOWN}{text}")
}

/// The ask with the name of the person whom it is about. Whoever is erased already is
/// the newest of those who were.
pub async fn called(channel: &Channel, mut ask: Ask) -> Ask {
    if let Ask::ErasePerson(request) = &mut ask
        && let Some(text) = request.name.strip_prefix(UNKNOWN)
    {
        let known = name_of(channel, NAMESPACE, text).await;
        request.name = match known {
            Some(name) => name,
            None => newest_erased(channel).await,
        };
    }
    ask
}

/// The name of whoever is called so, if somebody is.
pub async fn name_of(channel: &Channel, parent: &str, text: &str) -> Option<String> {
    let (parent, text) = (parent.to_owned(), text.to_owned());
    let request = v1::ListPersonsRequest { parent, text, ..Default::default() };
    let found = PersonServiceClient::new(channel.clone()).list_persons(request).await.unwrap();
    found.into_inner().persons.pop().map(|person| person.name)
}

async fn newest_erased(channel: &Channel) -> String {
    let types = vec!["PersonErased".to_owned()];
    let request = v1::ListAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        order_by: "position desc".to_owned(),
        filter: Some(v1::AuditEventFilter { types, ..Default::default() }),
        ..Default::default()
    };
    let found = AuditServiceClient::new(channel.clone()).list_audit_events(request).await.unwrap();
    let newest = found.into_inner().audit_events.into_iter().next();
    newest.expect("somebody is known or erased").subject
}
