//! Filters over audit events: a prefix means a resource and all below it, however it
//! is written, and nothing that only begins with the same letters.

use super::choice;
use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use steward_registry::{
    domain::{
        event::{EventFilter, EventType},
        name::NamespaceName,
        resource::ResourceName,
    },
    registry::leaf::{AuditEvent, Mutation},
};

/// Draws an event and a filter.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let _ = drawn(&mut u);
    let text = String::from_utf8_lossy(data).into_owned();
    if let Err(found) = EventFilter::new(std::slice::from_ref(&text), std::slice::from_ref(&text), &[]) {
        let fields: Vec<_> = found.list().iter().map(|violation| violation.field.as_str()).collect();
        assert!(
            ["types[0]", "resource_prefixes[0]"].ends_with(&fields) || fields == ["types[0]"],
            "{fields:?}"
        );
    }
}

fn drawn(u: &mut Unstructured<'_>) -> Result<()> {
    let (subject, prefix) = (choice::resource(u)?, choice::resource(u)?);
    let (kind, wanted) = (*u.choose(EventType::ALL)?, *u.choose(EventType::ALL)?);
    let event = AuditEvent {
        position: 0,
        leaf: Bytes::new(),
        kind: kind.as_str().to_owned(),
        subject: subject.to_string(),
        actor: choice::text(u, 4)?,
        time: choice::time(u)?,
        mutation: Mutation { count: 1, index: 0 },
    };
    let short = wanted.as_str().trim_start_matches("steward.v1.").to_owned();
    let (by_type, by_resource, by_actor) = u.arbitrary::<(bool, bool, bool)>()?;
    let actor = if u.arbitrary()? { event.actor.clone() } else { choice::text(u, 4)? };
    let some = |wanted: bool, text: &String| if wanted { vec![text.clone()] } else { Vec::new() };
    // Letters that a canonical name encodes may stand as they are.
    let loose = prefix.to_string().replace("%20", " ").replace("%C3%A9", "é");
    let filter =
        EventFilter::new(&some(by_type, &short), &some(by_resource, &loose), &some(by_actor, &actor));
    let filter = filter.expect("types and names are well formed");
    let matches = (!by_type || kind == wanted)
        && (!by_resource || lineage(&subject).contains(&prefix))
        && (!by_actor || event.actor == actor);
    assert_eq!(
        filter.matches(&event.kind, &event.subject, &event.actor),
        matches,
        "{filter:?} over {event:?}"
    );
    assert_eq!(filter.is_empty(), !(by_type || by_resource || by_actor));
    Ok(())
}

/// A resource and all that it lives in.
fn lineage(name: &ResourceName) -> Vec<ResourceName> {
    let mut found = vec![name.clone()];
    while let Some(last) = found.last() {
        found.push(match last.clone() {
            ResourceName::Namespace(_) => return found,
            ResourceName::Model(name) => NamespaceName(name.namespace).into(),
            ResourceName::Version(name) => name.model.into(),
            ResourceName::Alias(name) => name.model.into(),
            ResourceName::Evaluation(name) => name.version.into(),
            ResourceName::Policy(name) => NamespaceName(name.namespace).into(),
            ResourceName::Proposal(name) => name.version.into(),
            ResourceName::Incident(name) => name.model.into(),
            ResourceName::Consumer(name) => name.model.into(),
            ResourceName::Retraining(name) => name.model.into(),
            ResourceName::Monitor(name) => name.version.into(),
            ResourceName::Upstream(name) => NamespaceName(name.namespace).into(),
            ResourceName::Person(name) => NamespaceName(name.namespace).into(),
            ResourceName::Subscription(name) => NamespaceName(name.namespace).into(),
        });
    }
    found
}
