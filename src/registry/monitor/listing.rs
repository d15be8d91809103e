//! Lists of monitors: of a version, and of all that are in service.

use super::is_watched;
use crate::{
    domain::{
        model::Model,
        monitor::Monitor,
        name::{ModelName, NamespaceId, VersionName},
        version::Version,
    },
    registry::{
        Registry,
        call::Stored,
        error::Error,
        page::{Listing, Page, PageRequest},
        read::ReadAt,
        states::read_record,
        view::View,
    },
    store::keys,
};
use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;

/// Whose monitors are listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum MonitorParent {
    /// One version's.
    Version(VersionName),
    /// Those of all versions of a model that are in service.
    Model(ModelName),
    /// Those of all models.
    Namespace(NamespaceId),
}

impl Registry {
    /// Lists monitors by model, version and id.
    pub async fn list_monitors(
        &self,
        parent: &MonitorParent,
        raised_only: bool,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Stored<Monitor>>, Error> {
        let request = PageRequest::new(page_size, page_token, &("monitors", parent, raised_only))?;
        let (namespace, range) = match parent {
            MonitorParent::Version(version) => {
                self.get_version(version, ReadAt::Present).await?;
                (&version.model.namespace, keys::monitors(version))
            }
            MonitorParent::Model(model) => {
                self.get_model(model, ReadAt::Present).await?;
                (&model.namespace, keys::monitors_of_all(&model.namespace, Some(&model.model)))
            }
            MonitorParent::Namespace(namespace) => (namespace, keys::monitors_of_all(namespace, None)),
        };
        let read = |_: &[u8], state: &Bytes| {
            let monitor: Stored<Monitor> = read_record(state)?;
            Ok((!raised_only || monitor.value.raise_time.is_some()).then_some(monitor))
        };
        let listing = Listing { range, reverse: false, follow: None, read: &read };
        let mut page = self.page(namespace, listing, &request).await?;
        if !matches!(parent, MonitorParent::Version(_)) {
            self.keep_in_service(namespace, &mut page.items).await?;
        }
        Ok(page)
    }

    /// Leaves out what nobody may use any more: its last alarm is nobody's concern.
    async fn keep_in_service(
        &self,
        namespace: &NamespaceId,
        monitors: &mut Vec<Stored<Monitor>>,
    ) -> Result<(), Error> {
        let log = self.log(namespace).await?;
        let mut view = View::outside(&self.0.store, &log.namespace);
        let mut known = BTreeMap::new();
        for monitor in monitors.iter() {
            let name = &monitor.value.name.version;
            if !known.contains_key(name) {
                let model = view.find::<Model>(&name.model).await?;
                let is_alive = model.is_some_and(|model| model.value.delete_time.is_none());
                let version = view.find::<Version>(name).await?;
                let serves = version.is_some_and(|version| is_watched(&version.value));
                known.insert(name.clone(), is_alive && serves);
            }
        }
        monitors.retain(|monitor| known.get(&monitor.value.name.version) == Some(&true));
        Ok(())
    }
}
