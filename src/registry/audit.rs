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
        check::Violations,
        event::EventType,
        name::{NamespaceId, NamespaceName},
        resource::ResourceName,
        time::Timestamp,
    },
    store::{engine::Head, keys},
};
use bytes::Bytes;
use serde::Serialize;
use std::borrow::Cow;

/// Which events are wanted. Empty lists match everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventFilter {
    types: Vec<String>,
    resources: Vec<String>,
    actors: Vec<String>,
}

impl EventFilter {
    /// Checks what a caller gives. Types may stand without `steward.v1.`;
    /// resources are brought to the form in which events name them.
    pub fn new(types: &[String], resources: &[String], actors: &[String]) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        violations.at_most("types", types.len(), 50);
        violations.at_most("resource_prefixes", resources.len(), 100);
        violations.at_most("actors", actors.len(), 50);
        let mut filter = EventFilter { actors: actors.to_vec(), ..Self::default() };
        for (index, word) in types.iter().enumerate() {
            match EventType::parse(word) {
                Some(kind) => filter.types.push(kind.as_str().to_owned()),
                None => violations.add(
                    &format!("types[{index}]"),
                    format!(
                        "{word:?} is no event type; use one such as {}",
                        EventType::VersionApproved.as_str()
                    ),
                ),
            }
        }
        for (index, text) in resources.iter().enumerate() {
            match ResourceName::parse_any(text) {
                Ok(name) => filter.resources.push(name.to_string()),
                Err(error) => violations.add(&format!("resource_prefixes[{index}]"), error.0),
            }
        }
        violations.into_result().map(|()| filter)
    }

    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.resources.is_empty() && self.actors.is_empty()
    }

    /// The same filter with the present pseudonyms of those whom it names, which is what
    /// events hold. Asked again for each page: whoever is named may act for the first time.
    pub(super) async fn translated(
        &self,
        registry: &Registry,
        namespace: &NamespaceId,
    ) -> Result<Cow<'_, EventFilter>, Error> {
        if self.actors.is_empty() {
            return Ok(Cow::Borrowed(self));
        }
        let mut translated = self.clone();
        for actor in &self.actors {
            let found = registry.pseudonym_of(namespace, actor).await?;
            translated.actors.extend(found.map(|pseudonym| pseudonym.to_string()));
        }
        Ok(Cow::Owned(translated))
    }

    /// Whether an event is wanted.
    pub fn matches(&self, event: &AuditEvent) -> bool {
        let below = |prefix: &String| {
            event
                .subject
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (self.types.is_empty() || self.types.contains(&event.kind))
            && (self.actors.is_empty() || self.actors.contains(&event.actor))
            && (self.resources.is_empty() || self.resources.iter().any(below))
    }
}

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
        let filter = query.filter.translated(self, namespace).await?;
        let read = |key: &[u8], leaf: &Bytes| {
            let position = keys::position_of(key).unwrap_or_default();
            let event = leaf::read_event(position, leaf.clone())?;
            Ok(filter.matches(&event).then_some(event))
        };
        let listing = Listing { range, reverse: query.descending, follow: None, read: &read };
        self.page(namespace, listing, &request).await
    }
}
