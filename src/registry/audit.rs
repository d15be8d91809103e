//! The audit log, read: its head, its pages, and the filter over its events.

use super::{
    Registry,
    error::Error,
    leaf::{self, AuditEvent},
    page::{Listing, Page, PageRequest},
    token::ResumeToken,
};
use crate::{
    domain::{
        event::EventFilter,
        name::{NamespaceId, NamespaceName},
        time::Timestamp,
    },
    store::{engine::Head, keys},
};
use bytes::Bytes;
use serde::Serialize;

/// Which events are listed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListEvents {
    /// Which.
    pub filter: EventFilter,
    /// Of this time or later.
    pub start_time: Option<Timestamp>,
    /// Before this time.
    pub end_time: Option<Timestamp>,
    /// The newest first.
    pub descending: bool,
}

impl Registry {
    /// The newest durable head of a log, and a token for what follows it.
    pub async fn audit_head(&self, namespace: &NamespaceId) -> Result<(Head, ResumeToken), Error> {
        let log = self.log(namespace).await?;
        let head = log.head().await?;
        let head = head.ok_or_else(|| Error::not_found(NamespaceName(namespace.clone())))?;
        let last = self.last_hash(namespace, head.size).await?;
        let token = ResumeToken::new(head.log_id, head.epoch, head.size, last.as_ref());
        Ok((head, token))
    }

    /// One page of a log.
    pub async fn list_audit_events(
        &self,
        namespace: &NamespaceId,
        query: &ListEvents,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<AuditEvent>, Error> {
        let log = self.log(namespace).await?;
        let request = PageRequest::new(page_size, page_token, &("events", namespace, query))?;
        let start = match query.start_time {
            Some(time) => self.size_before(namespace, time).await?,
            None => 0,
        };
        let end = match query.end_time {
            Some(time) => self.size_before(namespace, time).await?,
            None => log.size().await?,
        };
        let range = keys::events(namespace, start..end.max(start));
        let filter = self.translated(namespace, &query.filter).await?;
        let read = |key: &[u8], leaf: &Bytes| {
            let position = keys::position_of(key).unwrap_or_default();
            let event = leaf::read_event(position, leaf.clone())?;
            Ok(filter.matches(&event.kind, &event.subject, &event.actor).then_some(event))
        };
        let listing = Listing { range, reverse: query.descending, follow: None, read: &read };
        self.page(namespace, listing, &request).await
    }
}
