//! Names of durable subscriptions.

use super::{NameError, NamespaceId, SubscriptionId, segments};
use std::{fmt, str::FromStr};

/// `namespaces/{namespace}/subscriptions/{subscription}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionName {
    /// The tenant.
    pub namespace: NamespaceId,
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl fmt::Display for SubscriptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespaces/{}/subscriptions/{}", self.namespace, self.subscription)
    }
}

impl FromStr for SubscriptionName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, subscription] = segments(text, ["namespaces", "subscriptions"])?;
        let (namespace, subscription) = (NamespaceId::new(&namespace)?, SubscriptionId::new(&subscription)?);
        Ok(Self { namespace, subscription })
    }
}
