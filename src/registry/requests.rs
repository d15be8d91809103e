//! Request ids are kept for 24 hours. What is older is swept out now and then:
//! nothing depends on it any more.

use super::{Registry, error::Error, mutation};
use crate::{
    domain::name::NamespaceId,
    store::{keys, record::RequestRecord},
};

impl Registry {
    /// Forgets in every namespace that this process has touched; the others
    /// have got no new request ids since.
    pub async fn sweep_all_requests(&self) -> Result<usize, Error> {
        let namespaces: Vec<NamespaceId> = self.0.logs.read().await.keys().cloned().collect();
        let mut swept = 0;
        for namespace in namespaces {
            swept += self.sweep_requests(&namespace).await?;
        }
        Ok(swept)
    }

    /// Forgets the request ids of a namespace that no repeat can refer to;
    /// answers how many.
    pub async fn sweep_requests(&self, namespace: &NamespaceId) -> Result<usize, Error> {
        let log = self.log(namespace).await?;
        let now = self.0.environment.clock.now();
        let mut rest = keys::requests(namespace);
        let mut swept = 0;
        loop {
            let pairs = self.scan(namespace, rest.clone(), super::page::CHUNK, false).await?;
            let Some((last, _)) = pairs.last() else { return Ok(swept) };
            rest = keys::after(last)..rest.end;
            let mut expired = Vec::new();
            for (key, value) in pairs {
                if mutation::is_expired(&RequestRecord::decode(&value)?, now) {
                    expired.push(key);
                }
            }
            if !expired.is_empty() {
                swept += log.sweep(expired).await?;
            }
        }
    }
}
