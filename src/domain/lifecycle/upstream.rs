//! What it does to a version that the end of its provider moves.

use super::{Deprecation, UpstreamEnd, clock::STEWARD};
use crate::domain::{policy::PolicyContent, time::Timestamp, version::Version};

impl Version {
    /// The version with the end that its provider announces now, or `None` if that
    /// is where it was. When it moves the moment at which the version stops
    /// resolving, reminders and brownouts are planned anew.
    pub fn with_upstream_end(
        self,
        end: Option<UpstreamEnd>,
        policy: &PolicyContent,
        now: Timestamp,
    ) -> Option<Self> {
        if self.upstream_end == end {
            return None;
        }
        let before = self.effective_sunset();
        let deprecation = self.deprecation.map(|deprecation| match &end {
            Some(end) if only_follows(&deprecation, self.upstream_end.as_ref()) => {
                Deprecation { sunset_time: end.latest_time, ..deprecation }
            }
            // Without an end its sunset stands until somebody reinstates it.
            _ => deprecation,
        });
        let version = Version { deprecation, upstream_end: end, update_time: now, ..self };
        Some(version.replanned(before, policy, now))
    }
}

/// Whether the sunset is nobody's decision: the clock announced it because of the
/// provider's end, and nobody has moved it since. Then it goes where that goes.
fn only_follows(deprecation: &Deprecation, end: Option<&UpstreamEnd>) -> bool {
    deprecation.decision.actor == STEWARD
        && deprecation.moves.is_empty()
        && end.is_some_and(|end| end.latest_time == deprecation.sunset_time)
}

#[cfg(test)]
mod tests;
