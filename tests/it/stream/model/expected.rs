//! The model: what the log holds, as far as it follows from the calls alone, and
//! what each filter lets through, said once more in plain words.

use crate::support::{NAMESPACE, model_name, version_name};
use bytes::Bytes;
use steward_registry::proto::v1::{AuditEvent, AuditEventFilter};

/// One event. Its leaf is known from the first reader who was given it.
pub struct Event {
    pub kind: String,
    pub subject: String,
    pub actor: String,
    /// Whether it is the last of its mutation.
    pub last: bool,
    leaf: Option<Bytes>,
}

/// The log, and at which times it had which size.
#[derive(Default)]
pub struct Expected {
    pub events: Vec<Event>,
    pub moments: Vec<(i64, u64)>,
}

/// What a reader asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub filter: usize,
    pub stop: Option<u64>,
}

/// Filters to choose from: none, and each field alone, all together, and in vain.
pub const FILTERS: usize = 7;

pub fn filter(index: usize) -> Option<AuditEventFilter> {
    let one = |text: &str| vec![text.to_owned()];
    let (none, recorded) = (AuditEventFilter::default(), one("EvaluationRecorded"));
    Some(match index {
        0 => return None,
        1 => AuditEventFilter { types: recorded, ..none },
        2 => AuditEventFilter { types: vec!["ModelCreated".into(), "ModelUpdated".into()], ..none },
        3 => AuditEventFilter { resource_prefixes: one(&model_name("m")), ..none },
        4 => AuditEventFilter { actors: one("ann"), ..none },
        5 => {
            let resource_prefixes = one(&version_name("mm", 1));
            AuditEventFilter { types: recorded, resource_prefixes, actors: vec!["ann".into(), "bob".into()] }
        }
        _ => AuditEventFilter { types: one("AliasSet"), resource_prefixes: one(NAMESPACE), ..none },
    })
}

fn passes(filter: usize, event: &Event) -> bool {
    let below = |name: String| event.subject == name || event.subject.starts_with(&format!("{name}/"));
    let recorded = event.kind == "steward.v1.EvaluationRecorded";
    match filter {
        0 => true,
        1 => recorded,
        2 => event.kind == "steward.v1.ModelCreated" || event.kind == "steward.v1.ModelUpdated",
        3 => below(model_name("m")),
        4 => event.actor == "ann",
        5 => recorded && below(version_name("mm", 1)) && event.actor != "anonymous",
        _ => false,
    }
}

impl Expected {
    pub fn size(&self) -> u64 {
        self.events.len() as u64
    }

    /// One more mutation, with these subjects.
    pub fn append(&mut self, kind: &str, actor: Option<&str>, subjects: impl IntoIterator<Item = String>) {
        for subject in subjects {
            let (kind, actor) = (format!("steward.v1.{kind}"), actor.unwrap_or("anonymous").to_owned());
            self.events.push(Event { kind, subject, actor, last: false, leaf: None });
        }
        self.events.last_mut().unwrap().last = true;
    }

    /// Positions that a reader is still to be given, from `next` on.
    pub fn rest(&self, wanted: Wanted, next: u64) -> impl Iterator<Item = u64> {
        let end = wanted.stop.map_or(self.size(), |stop| self.size().min(stop.saturating_add(1)));
        (next..end).filter(move |position| passes(wanted.filter, &self.events[*position as usize]))
    }

    /// Whether two positions belong to one mutation.
    pub fn together(&self, one: u64, other: u64) -> bool {
        !self.events[one as usize..other as usize].iter().any(|event| event.last)
    }

    /// What was delivered is what stands in the log, each time in the same bytes.
    pub fn recognise(&mut self, delivered: &AuditEvent) {
        let event = &mut self.events[delivered.position as usize];
        assert_eq!((&delivered.r#type, &delivered.subject), (&event.kind, &event.subject));
        let leaf = event.leaf.get_or_insert_with(|| delivered.leaf.clone());
        assert_eq!(*leaf, delivered.leaf, "position {} has changed", delivered.position);
        let sequence = format!("\"sequence\":\"{:020}\"", delivered.position);
        assert!(std::str::from_utf8(&delivered.leaf).unwrap().contains(&sequence));
    }
}
