//! Namespaces: tenants, each with its own audit log.

use super::{
    check::{Check, Violations},
    mask::masked,
    model::RiskTier,
    name::{NamespaceName, PolicyName},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a caller says about a namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamespaceContent {
    /// A name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether somebody who is alone may agree with themselves. It goes on record
    /// each time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_self_approval: bool,
    /// The policy of trials; none means `policies/preview`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_policy: Option<PolicyName>,
    /// The policy of ordinary use; none means `policies/standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_policy: Option<PolicyName>,
    /// The policy where people may be harmed; none means `policies/critical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_policy: Option<PolicyName>,
}

masked!(NamespaceContent {
    display_name,
    description,
    allow_self_approval,
    preview_policy,
    standard_policy,
    critical_policy,
});

impl NamespaceContent {
    /// The policies that it names, with their fields.
    pub fn policies(&self) -> impl Iterator<Item = (&'static str, &PolicyName)> {
        let fields = [
            ("preview_policy", &self.preview_policy),
            ("standard_policy", &self.standard_policy),
            ("critical_policy", &self.critical_policy),
        ];
        fields.into_iter().filter_map(|(field, policy)| Some((field, policy.as_ref()?)))
    }

    /// The policy of a risk tier, if another one than its namesake.
    pub fn policy_of(&self, tier: RiskTier) -> Option<&PolicyName> {
        match tier {
            RiskTier::Preview => self.preview_policy.as_ref(),
            RiskTier::Standard => self.standard_policy.as_ref(),
            RiskTier::Critical => self.critical_policy.as_ref(),
        }
    }
}

impl Check for NamespaceContent {
    fn check(&self, violations: &mut Violations) {
        violations.text("display_name", &self.display_name, 0, 200);
        violations.text("description", &self.description, 0, 4_000);
    }
}

/// A public key that signs the checkpoints of a namespace's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointKey {
    /// In the form that verifiers take it (C2SP signed-note): `NAME+ID+KEY`.
    pub key: String,
    /// From then on it signs no more; none given means that it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_time: Option<Timestamp>,
}

impl CheckpointKey {
    /// Whether it signs at a time.
    pub fn signs_at(&self, now: Timestamp) -> bool {
        self.retire_time.is_none_or(|end| now < end)
    }
}

/// A new beginning of a log after a restore that lost events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Events that were left: the position of the event that opened the epoch.
    pub start_position: u64,
    /// Events that the log was known to have had.
    pub lost_size: u64,
    /// Root of the tree over those, in hexadecimal digits; empty if only a witness knew of
    /// them, which tells no root.
    pub lost_root: String,
    /// When it was opened.
    pub open_time: Timestamp,
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// What its creator said.
    #[serde(flatten)]
    pub content: NamespaceContent,
    /// Identity of its log, 32 hexadecimal digits.
    pub log_id: String,
    /// New beginnings of its log; their number is the epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<Epoch>,
    /// The keys that sign its checkpoints, the newest last. None are given as long as it is
    /// the first key of the epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoint_keys: Vec<CheckpointKey>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

impl Namespace {
    /// A new namespace.
    pub fn create(name: NamespaceName, content: NamespaceContent, log_id: String, now: Timestamp) -> Self {
        let (epochs, checkpoint_keys) = (Vec::new(), Vec::new());
        Namespace { name, content, log_id, epochs, checkpoint_keys, create_time: now, update_time: now }
    }

    /// How often its log began anew.
    pub fn epoch(&self) -> u32 {
        u32::try_from(self.epochs.len()).unwrap_or(u32::MAX)
    }

    /// The same with a log that begins anew, which takes another first key.
    pub fn open_epoch(mut self, epoch: Epoch) -> Self {
        let update_time = epoch.open_time;
        self.epochs.push(epoch);
        Namespace { checkpoint_keys: Vec::new(), update_time, ..self }
    }

    /// The same with a new key, beside which those before it sign until `retire_time`.
    /// `first` is the first key, where it is still the only one and its secret is there; keys whose
    /// secrets are `lost` sign no more. Keys that were retired before stand in the history of the namespace.
    pub fn rotate_key(
        mut self,
        first: Option<&str>,
        lost: &[String],
        new: &str,
        retire_time: Timestamp,
        now: Timestamp,
    ) -> Self {
        let key = |key: &str| CheckpointKey { key: key.to_owned(), retire_time: None };
        if self.checkpoint_keys.is_empty() {
            self.checkpoint_keys.extend(first.map(key));
        }
        self.checkpoint_keys.retain(|key| key.signs_at(now) && !lost.contains(&key.key));
        for old in &mut self.checkpoint_keys {
            old.retire_time = Some(old.retire_time.map_or(retire_time, |earlier| earlier.min(retire_time)));
        }
        self.checkpoint_keys.push(key(new));
        Namespace { update_time: now, ..self }
    }

    /// The namespace with other content.
    pub fn update(self, content: NamespaceContent, now: Timestamp) -> Self {
        Namespace { content, update_time: now, ..self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn namespace() -> Namespace {
        let name = "namespaces/charity".parse().unwrap();
        Namespace::create(name, NamespaceContent::default(), "07".repeat(16), at(0))
    }

    fn keys(namespace: &Namespace) -> Vec<(&str, Option<i64>)> {
        let end = |key: &CheckpointKey| key.retire_time.map(|time| time.micros() / 1_000_000);
        namespace.checkpoint_keys.iter().map(|key| (key.key.as_str(), end(key))).collect()
    }

    #[test]
    fn a_key_is_followed_by_another_and_both_sign_for_a_while() {
        let once = namespace().rotate_key(Some("first"), &[], "second", at(100), at(10));
        assert_eq!(keys(&once), [("first", Some(100)), ("second", None)]);
        assert!(once.checkpoint_keys[0].signs_at(at(99)) && !once.checkpoint_keys[0].signs_at(at(100)));
        let twice = once.clone().rotate_key(Some("ignored"), &[], "third", at(150), at(50));
        assert_eq!(keys(&twice), [("first", Some(100)), ("second", Some(150)), ("third", None)]);
        let later = once.rotate_key(Some("ignored"), &[], "third", at(300), at(200));
        assert_eq!(keys(&later), [("second", Some(300)), ("third", None)]);
    }

    #[test]
    fn a_key_whose_secret_is_lost_signs_no_more() {
        let alone = namespace().rotate_key(None, &[], "second", at(100), at(10));
        assert_eq!(keys(&alone), [("second", None)]);
        let lost = ["second".to_owned()];
        let again = alone.rotate_key(None, &lost, "third", at(150), at(50));
        assert_eq!(keys(&again), [("third", None)]);
        let three = again.rotate_key(None, &[], "fourth", at(200), at(60));
        let after = three.rotate_key(None, &["third".to_owned()], "fifth", at(300), at(70));
        assert_eq!(keys(&after), [("fourth", Some(300)), ("fifth", None)]);
    }

    #[test]
    fn a_new_epoch_begins_with_keys_of_its_own() {
        let epoch = Epoch { start_position: 5, lost_size: 9, lost_root: "00".repeat(32), open_time: at(7) };
        let namespace =
            namespace().rotate_key(Some("first"), &[], "second", at(100), at(1)).open_epoch(epoch);
        assert_eq!((namespace.epoch(), keys(&namespace), namespace.update_time), (1, vec![], at(7)));
    }
}
