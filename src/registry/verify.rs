//! Checks when a store is opened: absence is not trusted. The head has to be
//! the head of the events that are there.

use super::{Registry, committer::frontier_of, error::Error, leaf, page};
use crate::{
    audit::merkle::{Frontier, leaf_hash},
    domain::{name::NamespaceId, resource::Kind},
    store::{engine::Head, keys},
};

impl Registry {
    /// Checks every namespace's log: its size, its newest batch and its root.
    pub(super) async fn verify_all(&self) -> Result<(), Error> {
        let default = super::default_namespace()?;
        let mut rest = keys::namespaces();
        loop {
            let pairs = self.scan(&default, rest.clone(), 1_000, false).await?;
            let Some((last, _)) = pairs.last() else { return Ok(()) };
            rest = keys::after(last)..rest.end;
            for (key, _) in &pairs {
                let namespace =
                    keys::namespace_of(key).ok_or_else(|| damaged("a namespace has a broken key"))?;
                self.verify(&namespace).await?;
            }
        }
    }

    async fn verify(&self, namespace: &NamespaceId) -> Result<(), Error> {
        let head = self.engine().head(namespace.as_str()).await?;
        let head = head.ok_or_else(|| damaged(&format!("namespace {namespace} has no head")))?;
        if frontier_of(&head)?.root() != head.root {
            return Err(damaged(&format!(
                "the root of namespace {namespace} does not follow from its frontier"
            )));
        }
        self.verify_ends(namespace, &head).await?;
        self.verify_newest_batch(namespace, &head).await
    }

    /// The log ends where the head says, and begins with its namespace.
    async fn verify_ends(&self, namespace: &NamespaceId, head: &Head) -> Result<(), Error> {
        let beyond = keys::events(namespace, head.size..u64::MAX);
        if !self.scan(namespace, beyond, 1, false).await?.is_empty() {
            return Err(damaged(&format!("namespace {namespace} has events beyond its head")));
        }
        let first = self.value(namespace, keys::event(namespace, 0)).await?;
        let first =
            first.ok_or_else(|| damaged(&format!("the first event of namespace {namespace} is missing")))?;
        let first = leaf::read_logged(0, &first)?;
        let begins =
            first.changes.first().is_some_and(|logged| logged.change.name().kind() == Kind::Namespace);
        if !begins || first.source != leaf::source(&head.log_id) {
            return Err(damaged(&format!("the log of namespace {namespace} does not begin with it")));
        }
        Ok(())
    }

    /// The newest batch, hashed again onto the tree before it, gives the root.
    async fn verify_newest_batch(&self, namespace: &NamespaceId, head: &Head) -> Result<(), Error> {
        let mut tree = Frontier::from_parts(head.previous_size, head.previous_frontier.clone())
            .map_err(|error| damaged(&error.to_string()))?;
        while tree.size() < head.size {
            let range = keys::events(namespace, tree.size()..head.size);
            let pairs = self.scan(namespace, range, page::CHUNK, false).await?;
            if pairs.is_empty() {
                return Err(damaged(&format!("the event at position {} is missing", tree.size())));
            }
            for (key, leaf) in pairs {
                if keys::position_of(&key) != Some(tree.size()) {
                    return Err(damaged(&format!("the event at position {} is missing", tree.size())));
                }
                tree.append(leaf_hash(&leaf));
            }
        }
        if tree.root() != head.root {
            return Err(damaged(&format!(
                "the newest events of namespace {namespace} do not give the head's root"
            )));
        }
        Ok(())
    }
}

fn damaged(what: &str) -> Error {
    Error::Damaged(format!("the store is damaged: {what}; restore a backup, or rebuild it from an export"))
}
