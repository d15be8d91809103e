//! The log as the test has read it, piece by piece, in as few bytes an event as
//! its questions need.

use crate::{
    replay::answers::head,
    stream::reader::{Reader, from, up_to},
    support::{NAMESPACE, model_name, version_name},
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use steward_registry::{
    audit::merkle::{Frontier, Hash, leaf_hash},
    proto::v1::{
        AuditEvent, AuditEventFilter, AuditHead, subscribe_audit_events_request::Start,
        subscribe_audit_events_response::Message,
    },
};
use tonic::transport::Channel;

/// Resources whose names are kept, for questions about them.
const NAMES: usize = 100;

/// What filtered subscribers ask for.
pub fn filters() -> [AuditEventFilter; 4] {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let evaluations = own(&["steward.v1.EvaluationRecorded"]);
    let made = own(&["steward.v1.ModelCreated", "steward.v1.VersionCreated"]);
    let of = |types, resource_prefixes, actors| AuditEventFilter { types, resource_prefixes, actors };
    [
        of(evaluations, vec![], vec![]),
        // Not `versions/10`, and evaluations below it.
        of(vec![], vec![version_name(super::load::SHARED, 1)], vec![]),
        of(vec![], vec![], own(&["team-1"])),
        of(made, vec![model_name(super::load::SHARED)], own(&["team-0", "team-2"])),
    ]
}

/// Whether the contract's words about a filter hold for an event.
fn wants(filter: &AuditEventFilter, event: &AuditEvent) -> bool {
    let AuditEvent { r#type: kind, subject, actor, .. } = event;
    let below = |prefix: &String| subject == prefix || subject.starts_with(&format!("{prefix}/"));
    (filter.types.is_empty() || filter.types.contains(kind))
        && (filter.resource_prefixes.is_empty() || filter.resource_prefixes.iter().any(below))
        && (filter.actors.is_empty() || filter.actors.contains(actor))
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    hash: Hash,
    /// A bit for each filter that wants it.
    wanted: u8,
}

/// All that was read of a log.
pub struct Log {
    filters: [AuditEventFilter; 4],
    tree: Frontier,
    events: Vec<Known>,
    /// How many events each request id has made.
    by_request: HashMap<String, usize>,
    pub names: BTreeSet<String>,
}

impl Log {
    pub fn unread() -> Self {
        let (events, by_request, names) = (Vec::new(), HashMap::new(), BTreeSet::new());
        Log { filters: filters(), tree: Frontier::empty(), events, by_request, names }
    }

    /// Reads on to the head, whose root has to be that of the leaves.
    pub async fn read_on(&mut self, channel: &Channel) -> AuditHead {
        let (head, size) = (head(channel, NAMESPACE).await, self.size());
        assert!(head.size >= size, "the log has {} events, of which {size} had been read", head.size);
        if head.size > size {
            let request = up_to(head.size - 1, from(Start::StartPosition(size)));
            let mut reader = Reader::over(channel, request).await.unwrap();
            while let Some(message) = reader.message().await.unwrap() {
                if let Message::Batch(batch) = message {
                    batch.events.iter().for_each(|event| self.add(event));
                }
            }
        }
        assert_eq!((self.size(), self.tree.root().as_slice()), (head.size, head.root_hash.as_slice()));
        head
    }

    fn add(&mut self, event: &AuditEvent) {
        assert_eq!(event.position, self.size(), "the log has a gap or a repeat");
        let leaf: Value = serde_json::from_slice(&event.leaf).unwrap();
        let filters = self.filters.iter().enumerate();
        let wanted = filters.map(|(n, filter)| u8::from(wants(filter, event)) << n).sum();
        let hash = leaf_hash(&event.leaf);
        self.tree.append(hash);
        self.events.push(Known { hash, wanted });
        if let Some(id) = leaf["data"]["request"]["id"].as_str() {
            *self.by_request.entry(id.to_owned()).or_default() += 1;
        }
        if self.names.len() < NAMES {
            self.names.insert(event.subject.clone());
        }
    }

    pub fn size(&self) -> u64 {
        self.events.len() as u64
    }

    /// How many events a request has made.
    pub fn events_of(&self, request_id: &str) -> usize {
        self.by_request.get(request_id).copied().unwrap_or_default()
    }

    pub fn hash(&self, position: u64) -> Option<Hash> {
        self.events.get(usize::try_from(position).unwrap()).map(|event| event.hash)
    }

    /// Positions from `start` on that a filter wants; all without a filter.
    pub fn wanted(&self, filter: Option<usize>, start: u64) -> impl Iterator<Item = u64> + '_ {
        let wants = move |position: &u64| {
            filter.is_none_or(|filter| {
                self.events[usize::try_from(*position).unwrap()].wanted >> filter & 1 == 1
            })
        };
        (start..self.size()).filter(wants)
    }

    /// Whether another reading found the same events.
    pub fn is(&self, other: &Log) -> bool {
        self.events == other.events && self.by_request == other.by_request
    }
}
