//! Tells of cursors that do not move although events wait, once when it begins and once
//! when it is over.

use super::backlog::MOST_LOOKED_AT;
use crate::{
    domain::{name::SubscriptionName, subscription::Subscription},
    registry::{Registry, error::Error, states::read_record},
    store::keys,
};
use std::{collections::BTreeSet, time::Duration};

/// How often the cursors are looked at.
const PERIOD: Duration = Duration::from_secs(60);

/// The partitions that were told of.
#[derive(Debug, Default)]
pub struct Stalled(BTreeSet<(SubscriptionName, u32)>);

impl Registry {
    /// Looks at all cursors until the registry is drained.
    pub async fn watch_subscriptions(self) {
        let mut looks = tokio::time::interval(PERIOD);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let drain = self.0.drain.clone();
        let mut stalled = Stalled::default();
        while drain.run_until_cancelled(looks.tick()).await.is_some() {
            if let Err(error) = self.report_stalled(&mut stalled).await {
                tracing::warn!(%error, "the cursors of subscriptions could not be looked at");
            }
        }
    }

    /// Looks at all cursors; answers the partitions that have stalled since the last look.
    pub async fn report_stalled(&self, known: &mut Stalled) -> Result<Vec<(SubscriptionName, u32)>, Error> {
        let mut present = BTreeSet::new();
        for namespace in self.namespaces().await? {
            let all = keys::subscriptions(&namespace);
            for (_, record) in self.scan(&namespace, all, usize::MAX, false).await? {
                let subscription = read_record::<Subscription>(&record)?.value;
                let standings = self.standings(&subscription, MOST_LOOKED_AT).await?;
                for (partition, standing) in (0..).zip(standings) {
                    let Some(since) = standing.stalled_since else { continue };
                    let key = (subscription.name.clone(), partition);
                    if !known.0.contains(&key) {
                        tracing::warn!(
                            subscription = %key.0, partition, %since, waiting = standing.backlog.count,
                            reader = standing.cursor.reader, "nobody acknowledges the events of a subscription"
                        );
                    }
                    present.insert(key);
                }
            }
        }
        for (subscription, partition) in known.0.difference(&present) {
            tracing::info!(%subscription, partition, "a subscription that had stalled goes on");
        }
        let begun = present.difference(&known.0).cloned().collect();
        known.0 = present;
        Ok(begun)
    }
}
