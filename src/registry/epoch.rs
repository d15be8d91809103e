//! A new beginning of a log. A store that was restored from an older backup lacks events
//! that were acknowledged, and perhaps signed. It is refused, because readers would be told
//! another history as if it were the same. An operator who gives those events up says so,
//! with a reason, in an event; from then on the log has another origin and other keys, so
//! that nobody takes what is signed now for what was signed before.

use super::{
    Registry,
    call::{Call, Stored},
    error::Error,
    mutation::Mutation,
    view::View,
};
use crate::{
    audit::merkle::Hash,
    domain::{
        event::{Event, EventType},
        name::{NamespaceId, NamespaceName},
        namespace::{Epoch, Namespace},
        time::Timestamp,
    },
};
use async_trait::async_trait;
use serde::Serialize;

#[derive(Serialize)]
struct OpenEpoch {
    name: NamespaceName,
    start_position: u64,
    lost_size: u64,
    lost_root: String,
}

#[async_trait]
impl Mutation for OpenEpoch {
    async fn decide(&self, view: &mut View<'_>, _: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        let present = view.get::<Namespace>(&self.name).await?.value;
        let epoch = Epoch {
            start_position: self.start_position,
            lost_size: self.lost_size,
            lost_root: self.lost_root.clone(),
            open_time: now,
        };
        Ok(vec![Event::set(EventType::EpochOpened, present.open_epoch(epoch))])
    }

    fn field(&self, _: u32) -> String {
        "namespace".to_owned()
    }
}

impl Registry {
    /// Refuses logs that lack what was signed of them.
    pub(super) async fn verify_checkpoints(&self) -> Result<(), Error> {
        for namespace in self.namespaces().await? {
            let Some(head) = self.engine().head(namespace.as_str()).await? else { continue };
            if let Some((size, _)) = self.lost(&namespace, &head).await? {
                return Err(Error::Damaged(went_back(&namespace, head.size, size)));
            }
        }
        Ok(())
    }

    /// Opens the next epoch of a log that lost events: so many were known, with this root as
    /// far as that is known.
    pub async fn open_epoch(
        &self,
        namespace: &NamespaceId,
        (lost_size, lost_root): (u64, Option<Hash>),
        call: Call,
    ) -> Result<Stored<Namespace>, Error> {
        call.require_reason()?;
        let start_position = self.log(namespace).await?.size().await?;
        let (name, lost_root) =
            (NamespaceName(namespace.clone()), lost_root.map(hex::encode).unwrap_or_default());
        let open = OpenEpoch { name, start_position, lost_size, lost_root };
        self.mutate(namespace, "OpenEpoch", open, call).await?.resource()
    }
}

/// What to do with a log that lacks what was signed.
fn went_back(namespace: &NamespaceId, size: u64, signed: u64) -> String {
    format!(
        "the log of namespace {namespace} has {size} events and not the {signed} of its newest signed checkpoint: \
         an older backup was restored, or its files were exchanged. Restore the newest store. If it is lost for \
         good, `steward audit new-epoch --namespace {namespace}` gives the missing events up, on record"
    )
}
