//! Exports, as `steward rebuild` reads them. One that is accepted makes a store that
//! opens, holds exactly these lines, and whose next event follows the last of them.

use super::registry::{environment, run};
use bytes::Bytes;
use std::sync::Arc;
use steward_registry::{
    audit::merkle::{Frontier, leaf_hash},
    domain::name::NamespaceId,
    registry::{
        Registry,
        audit::ListEvents,
        leaf::MAX_LEAF,
        rebuild::{Rebuild, Rebuilt},
    },
    store::memory::MemoryEngine,
};

/// The input as an export.
pub fn check(data: &[u8]) {
    let mut lines: Vec<Bytes> = data.split(|byte| *byte == b'\n').map(Bytes::copy_from_slice).collect();
    if lines.last().is_some_and(Bytes::is_empty) {
        lines.pop();
    }
    run(async {
        let engine = Arc::new(MemoryEngine::new());
        if let Some(rebuilt) = rebuild(&engine, &lines).await {
            holds(engine, &rebuilt, &lines).await;
        }
    });
}

async fn rebuild(engine: &MemoryEngine, lines: &[Bytes]) -> Option<Rebuilt> {
    let environment = environment();
    let mut rebuild = Rebuild::new(engine, &*environment.entropy);
    for line in lines {
        rebuild.add(line.clone()).await.ok()?;
    }
    rebuild.finish().await.ok()
}

async fn holds(engine: Arc<MemoryEngine>, rebuilt: &Rebuilt, lines: &[Bytes]) {
    let mut tree = Frontier::empty();
    lines.iter().for_each(|line| tree.append(leaf_hash(line)));
    assert_eq!((rebuilt.size, rebuilt.root), (tree.size(), tree.root()));
    assert!(lines.iter().all(|line| line.len() <= MAX_LEAF), "a leaf is larger than any may be");
    let registry = Registry::open(engine, environment()).await.expect("a store that was rebuilt opens");
    assert_eq!(leaves(&registry, &rebuilt.namespace).await, lines);
    let names = registry.list_namespaces(0, "").await.expect("namespaces can be read");
    let mut names: Vec<NamespaceId> = names.items.into_iter().map(|stored| stored.value.name.0).collect();
    names.retain(|name| name.as_str() != "default");
    assert!(names.iter().all(|name| *name == rebuilt.namespace), "{names:?}");
    registry.close().await;
}

async fn leaves(registry: &Registry, namespace: &NamespaceId) -> Vec<Bytes> {
    let (mut leaves, mut token) = (Vec::new(), String::new());
    loop {
        let query = ListEvents::default();
        let page =
            registry.list_audit_events(namespace, &query, 0, &token).await.expect("events can be read");
        leaves.extend(page.items.into_iter().map(|event| event.leaf));
        if page.next_page_token.is_empty() {
            return leaves;
        }
        token = page.next_page_token;
    }
}
