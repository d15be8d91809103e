//! What the providers of rented models have announced.

use super::{
    check::{Check, Violations},
    lifecycle::UpstreamEnd,
    mask::masked,
    name::UpstreamName,
    policy::PolicyContent,
    time::Timestamp,
    version::UpstreamReference,
};
use serde::{Deserialize, Serialize};

/// What a provider says about one of its models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamContent {
    /// It is shut down no sooner than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_sooner_than_time: Option<Timestamp>,
    /// It is shut down then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shutdown_time: Option<Timestamp>,
    /// What the provider recommends instead, as its model id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub replacement_model_id: String,
    /// Where that is written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_uri: String,
}

masked!(UpstreamContent { not_sooner_than_time, shutdown_time, replacement_model_id, source_uri });

impl Check for UpstreamContent {
    fn check(&self, violations: &mut Violations) {
        if let (Some(earliest), Some(shutdown)) = (self.not_sooner_than_time, self.shutdown_time)
            && shutdown < earliest
        {
            violations.add("shutdown_time", format!("{shutdown} is before not_sooner_than_time, {earliest}"));
        }
        violations.text("replacement_model_id", &self.replacement_model_id, 0, 250);
        if !self.source_uri.is_empty() {
            violations.uri("source_uri", &self.source_uri);
        }
    }
}

/// A record about a rented model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its name: provider, channel, region and model id.
    pub name: UpstreamName,
    /// The same four parts, for readers of its events.
    #[serde(flatten)]
    pub key: UpstreamReference,
    /// What the provider says.
    #[serde(flatten)]
    pub content: UpstreamContent,
    /// When it was first recorded.
    pub create_time: Timestamp,
    /// When something else was last observed.
    pub update_time: Timestamp,
}

impl Upstream {
    /// The record with what was observed now, or `None` if that is nothing new.
    pub fn observe(
        name: UpstreamName,
        present: Option<Upstream>,
        content: UpstreamContent,
        now: Timestamp,
    ) -> Option<Self> {
        match present {
            Some(present) if present.content == content => None,
            Some(present) => Some(Upstream { content, update_time: now, ..present }),
            None => {
                let key = name.key.clone();
                Some(Upstream { name, key, content, create_time: now, update_time: now })
            }
        }
    }

    /// What the provider's end means under a policy, if an end is announced.
    pub fn end(&self, policy: &PolicyContent) -> Option<UpstreamEnd> {
        let shutdown_time = self.content.shutdown_time?;
        let latest_time = shutdown_time.minus_days(policy.upstream_margin_days);
        let announce_time = latest_time.minus_days(policy.notice_days);
        Some(UpstreamEnd { upstream: self.name.clone(), shutdown_time, latest_time, announce_time })
    }
}
