//! The guards of the moment at which a version ends.

use super::Guards;
use crate::domain::{
    refusal::{Reason, Refusal},
    time::Timestamp,
};

impl Guards<'_> {
    /// Whoever is late does not bring back by another verb what has ended.
    pub(super) fn passed(&self) -> Refusal {
        let sunset = self.version.effective_sunset().unwrap_or(self.request.now);
        let sentence = format!(
            "it ended on {sunset}, and the clock is about to record that; for an incident it can be restored after"
        );
        self.refuse(Reason::SunsetPassed, sentence).with("sunset_time", sunset)
    }

    /// A version that the provider ends soon would be announced again at once, and
    /// lose the replacement that it has now.
    pub(super) fn reinstate(&self) -> Option<Refusal> {
        let end = self.version.upstream_end.as_ref().filter(|end| end.announce_time <= self.request.now)?;
        let sentence = format!(
            "its provider shuts it down on {}, and the notice of that has begun on {}; it has to stay deprecated",
            end.shutdown_time, end.announce_time
        );
        let refusal = self.refuse(Reason::UpstreamEndsTooSoon, sentence);
        Some(refusal.with("upstream_shutdown_time", end.shutdown_time))
    }

    /// What bounds a sunset from below: the notice, and the least life.
    fn earliest_sunset(&self) -> Timestamp {
        let notice = self.request.now.plus_days(self.facts.policy.content.notice_days);
        self.version.not_sooner_than.map_or(notice, |earliest| earliest.max(notice))
    }

    fn latest_sunset(&self) -> Option<Timestamp> {
        self.version.upstream_end.as_ref().map(|end| end.latest_time)
    }

    pub(super) fn sunset(&self, sunset: Timestamp) -> Vec<Refusal> {
        let now = self.request.now;
        if sunset <= now {
            let sentence = format!("the sunset {sunset} is not after now, {now}; choose a later one");
            return vec![self.refuse(Reason::SunsetNotInFuture, sentence)];
        }
        let mut refusals = Vec::new();
        let (notice, earliest) = (self.facts.policy.content.notice_days, self.earliest_sunset());
        // A provider that leaves less time than the notice is stronger than the policy.
        let latest = self.latest_sunset();
        let bound = latest.map_or(earliest, |latest| earliest.min(latest));
        if sunset < now.plus_days(notice) && sunset < bound {
            let sentence = format!(
                "the sunset {sunset} leaves less than the notice of {notice} days; the earliest legal sunset is {bound}"
            );
            refusals.push(self.refuse(Reason::NoticeTooShort, sentence).with("earliest_sunset_time", bound));
        }
        if let Some(birth) = self.version.not_sooner_than.filter(|birth| sunset < *birth && sunset < bound) {
            let sentence = format!(
                "callers were promised at its approval that it lives until {birth}; the earliest legal sunset is {bound}"
            );
            refusals.push(self.refuse(Reason::SunsetTooSoon, sentence).with("earliest_sunset_time", bound));
        }
        refusals.extend(self.beyond_upstream(sunset));
        refusals
    }

    fn beyond_upstream(&self, sunset: Timestamp) -> Option<Refusal> {
        let end = self.version.upstream_end.as_ref().filter(|end| sunset > end.latest_time)?;
        let sentence = format!(
            "the sunset {sunset} lies beyond {}, which is the provider's shutdown on {} less the policy's margin; \
             choose an earlier one",
            end.latest_time, end.shutdown_time
        );
        Some(self.refuse(Reason::SunsetAfterUpstream, sentence).with("latest_sunset_time", end.latest_time))
    }

    pub(super) fn extend(&self, sunset: Timestamp) -> Vec<Refusal> {
        let Some(deprecation) = &self.version.deprecation else { return Vec::new() };
        let mut refusals = self.in_restoration();
        let present = deprecation.sunset_time;
        if sunset <= present {
            let sentence = format!("{sunset} is not after the present sunset, {present}; choose a later one");
            refusals.push(self.refuse(Reason::SunsetNotLater, sentence));
        }
        let rule = self.facts.policy.content.extensions;
        let count = deprecation.moves.iter().filter(|moved| moved.to > moved.from).count();
        if count >= rule.most as usize {
            let sentence = format!(
                "it was extended {count} times already, and the policy allows {}; move the consumers, or reinstate it",
                rule.most
            );
            refusals.push(self.refuse(Reason::ExtensionsExhausted, sentence));
        }
        let latest = deprecation.original_sunset().plus_days(rule.total_days);
        if sunset > latest {
            let sentence = format!(
                "the policy allows {} days in all, counted from {}; the latest legal sunset is {latest}",
                rule.total_days,
                deprecation.original_sunset()
            );
            refusals.push(self.refuse(Reason::ExtensionTooLong, sentence).with("latest_sunset_time", latest));
        }
        refusals.extend(self.beyond_upstream(sunset));
        refusals
    }

    pub(super) fn shorten(&self, sunset: Timestamp) -> Vec<Refusal> {
        let Some(deprecation) = &self.version.deprecation else { return Vec::new() };
        let mut refusals = self.in_restoration();
        let (now, present) = (self.request.now, deprecation.sunset_time);
        if sunset <= now {
            let sentence =
                format!("the sunset {sunset} is not after now, {now}; to end it now, emergency-retire it");
            refusals.push(self.refuse(Reason::SunsetNotInFuture, sentence));
        }
        if sunset >= present {
            let sentence =
                format!("{sunset} is not before the present sunset, {present}; choose an earlier one");
            refusals.push(self.refuse(Reason::SunsetNotEarlier, sentence));
        }
        refusals
    }

    fn in_restoration(&self) -> Vec<Refusal> {
        let restoration = self.version.restoration.as_ref();
        let refuse = |until: Timestamp| {
            let sentence =
                format!("it is back only until {until} and has no sunset to move; reinstate it to keep it");
            self.refuse(Reason::VersionRestored, sentence)
        };
        restoration.map(|restoration| refuse(restoration.until_time)).into_iter().collect()
    }
}
