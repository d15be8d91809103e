//! Aliases: words that point to a version.

use super::{
    lifecycle::VersionState,
    name::{AliasName, VersionName},
    refusal::{Reason, Refusal},
    time::Timestamp,
    version::Version,
};
use serde::{Deserialize, Serialize};

/// A pointer to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its name.
    pub name: AliasName,
    /// Where it points.
    pub version: VersionName,
    /// Where it pointed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<VersionName>,
    /// When it was first set, since its last deletion.
    pub create_time: Timestamp,
    /// When it was last set.
    pub update_time: Timestamp,
}

impl Alias {
    /// The alias pointed to a version, which has to be fit for use.
    pub fn set(
        name: AliasName,
        present: Option<Alias>,
        target: &Version,
        now: Timestamp,
    ) -> Result<Alias, Vec<Refusal>> {
        let sunset = target.deprecation.as_ref().map(|d| d.sunset_time);
        let fit = match target.state {
            VersionState::Approved => true,
            VersionState::Deprecated => sunset.is_some_and(|sunset| sunset > now),
            _ => false,
        };
        if !fit {
            let sentence = format!(
                "the version is {}; an alias needs an APPROVED one, or a DEPRECATED one before its sunset",
                target.state.word()
            );
            return Err(vec![Refusal::new(Reason::AliasTargetNotApproved, &target.name, sentence)]);
        }
        let (create_time, previous_version) = match present {
            Some(alias) => (alias.create_time, Some(alias.version)),
            None => (now, None),
        };
        Ok(Alias { name, version: target.name.clone(), previous_version, create_time, update_time: now })
    }
}
